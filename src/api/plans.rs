//! Plans: the list, one of them, and what a person decides on it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;

use crate::plan::approval::{Missing, accept};
use crate::plan::{Digest, GuardName, PlanId, PlanState};
use crate::ports::desk::Desk;
use crate::ports::{Clock, Decision, Records, StoredPlan};
use crate::report::json::text::{AsWord, Text};
use crate::report::json::{FORMAT_VERSION, forms, to_json};
use crate::report::text;

use super::Shared;
use super::call::{Call, json, limit, text_of};
use super::forms::{
    ApprovalForm, DecidedForm, Format, PlanPageForm, PlanQuery, PlansQuery, RejectionForm,
};
use super::problem::{Kind, Problem};

/// How long a reason may be, in characters.
pub(super) const REASON_MAX: usize = 1_000;

/// Lists plans, newest first.
pub(super) async fn list<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem> {
    let PlansQuery { tenant, state, before, limit: most } = call.query()?;
    let most = limit(most)?;
    let tenant = tenant.map(|Text(tenant)| tenant);
    let plans = shared.deps.records.plans(tenant.as_ref()).await?;
    let mut found: Vec<_> = plans
        .into_iter()
        .filter(|plan| before.as_ref().is_none_or(|Text(before)| plan.id < *before))
        .filter(|plan| state.as_ref().is_none_or(|AsWord(state)| plan.state == *state))
        .take(most + 1)
        .collect();
    let is_more = found.len() > most;
    found.truncate(most);
    let next = found.last().filter(|_| is_more).map(|plan| Text(plan.id));
    Ok(json(200, &PlanPageForm { format_version: FORMAT_VERSION, plans: forms(&found), next }))
}

/// Tells a plan.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let PlanQuery { format } = call.query()?;
    let id = call.plan()?;
    let turn = shared.turn().await;
    let stored = shared.stored(id).await?;
    turn.work(move || match format {
        None | Some(Format::Json) => {
            let mut text = to_json(&stored);
            text.push('\n');
            Ok(text_of("application/json", 200, text))
        }
        Some(Format::Text) => {
            let style = text::style::Style::Plain;
            let options = text::Options { style, all: true, width: None };
            Ok(text_of("text/plain; charset=utf-8", 200, text::plan(&stored, &[], options)))
        }
    })
    .await
}

/// Approves a plan.
pub(super) async fn approve<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let ApprovalForm { digest: Text(digest), accept, reason } = call.json()?;
    let accepted = accept.into_iter().map(|AsWord(guard)| guard).collect();
    let deciding = Deciding { id: call.plan()?, by: call.by()?, digest, reason };
    let id = deciding.id;
    Ok(decided(id, &shared.approve(deciding, accepted).await?))
}

/// Rejects a plan.
pub(super) async fn reject<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let RejectionForm { digest: Text(digest), reason } = call.json()?;
    let deciding = Deciding { id: call.plan()?, by: call.by()?, digest, reason };
    let id = deciding.id;
    Ok(decided(id, &shared.reject(deciding).await?))
}

/// What somebody decides on a plan that they looked at.
pub(super) struct Deciding {
    pub(super) id: PlanId,
    /// The name of the token.
    pub(super) by: Arc<str>,
    /// The digest of what was looked at.
    pub(super) digest: Digest,
    pub(super) reason: Option<String>,
}

impl<R, C> Shared<R, C>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    /// Approves a plan.
    pub(super) async fn approve(
        &self,
        deciding: Deciding,
        accepted: Vec<GuardName>,
    ) -> Result<Decision, Problem> {
        let Deciding { id, by, digest, reason } = deciding;
        let reason = checked(reason)?;
        let stored = self.decidable(id, digest).await?;
        if stored.state == PlanState::Approved {
            // An answer may be lost on the way: whoever asks again finds what was decided.
            let last = stored.decisions.last().filter(|last| last.state == PlanState::Approved);
            if let Some(last) = last {
                return Ok(last.clone());
            }
        }
        accept(&stored.plan, &accepted, reason.as_ref()).map_err(not_accepted)?;
        let state = PlanState::Approved;
        self.decide(id, Decision { state, by, at: self.deps.clock.now(), accepted, reason }).await
    }

    /// Rejects a plan.
    pub(super) async fn reject(&self, deciding: Deciding) -> Result<Decision, Problem> {
        let Deciding { id, by, digest, reason } = deciding;
        let reason = checked(reason)?;
        self.decidable(id, digest).await?;
        let (state, accepted) = (PlanState::Rejected, Vec::new());
        self.decide(id, Decision { state, by, at: self.deps.clock.now(), accepted, reason }).await
    }

    /// Returns a plan by its id.
    pub(super) async fn stored(&self, id: PlanId) -> Result<StoredPlan, Problem> {
        let none = || Problem::new(Kind::NotFound, format!("there is no plan {id}"));
        self.deps.records.plan(None, Some(id)).await?.ok_or_else(none)
    }

    /// Returns a plan that somebody looked at and that can still be decided. Since plans are never
    /// edited, what held of it here holds when the decision is recorded.
    async fn decidable(&self, id: PlanId, digest: Digest) -> Result<StoredPlan, Problem> {
        let turn = self.turn().await;
        let stored = self.stored(id).await?;
        drop(turn);
        let plan = &stored.plan;
        if plan.digest != digest {
            let detail = format!("the digest of plan {id} is {}: look at it again", plan.digest);
            let problem = Problem::new(Kind::WrongDigest, detail);
            return Err(problem.with("digest", plan.digest.to_string()));
        }
        let wrong = |detail: String, state: PlanState| {
            Problem::new(Kind::WrongState, detail).with("state", state.as_str())
        };
        if !stored.state.is_open() {
            let state = stored.state;
            return Err(wrong(format!("plan {id} is {}", state.as_str()), state));
        }
        if self.deps.clock.now() >= plan.expires_at {
            let detail = format!("plan {id} expired at {}", plan.expires_at);
            return Err(wrong(detail, PlanState::Expired));
        }
        Ok(stored)
    }

    async fn decide(&self, id: PlanId, decision: Decision) -> Result<Decision, Problem> {
        self.deps.records.decide(id, decision.clone()).await?;
        let Decision { state, by, at: _, accepted: _, reason: _ } = &decision;
        tracing::info!(plan = %id, by = &**by, "plan {id} is {} over HTTP", state.as_str());
        Ok(decision)
    }
}

fn decided(id: PlanId, decision: &Decision) -> Response<Body> {
    let Decision { state, by, at, accepted: _, reason: _ } = decision;
    let (plan, state, at) = (Text(id), AsWord(*state), Text(*at));
    json(200, &DecidedForm { plan, state, by: Arc::clone(by), at })
}

/// Returns a reason that is none too long and says something.
pub(super) fn checked(reason: Option<String>) -> Result<Option<Arc<str>>, Problem> {
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        let detail = format!("a reason has at most {REASON_MAX} characters");
        return Err(Problem::new(Kind::DoesNotFit, detail));
    }
    Ok(reason.map(Arc::from))
}

fn not_accepted(missing: Missing) -> Problem {
    let names = |guards: &[GuardName]| -> Vec<&'static str> {
        guards.iter().map(|guard| guard.as_str()).collect()
    };
    match missing {
        Missing::Guards(guards) => {
            let names = names(&guards);
            let detail = format!(
                "held by {}: if it is meant, name each in `accept`, and say why in `reason`",
                names.join(", ")
            );
            Problem::new(Kind::GuardsNotAccepted, detail).with("guards", names)
        }
        Missing::Reason => Problem::new(Kind::DoesNotFit, "a guard is accepted with a `reason`"),
        Missing::NotTripped(guards) => {
            let names = names(&guards);
            let detail = format!("{} did not trip: leave it out of `accept`", names.join(", "));
            Problem::new(Kind::DoesNotFit, detail).with("guards", names)
        }
    }
}
