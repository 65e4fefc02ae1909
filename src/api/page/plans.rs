//! The plans: those that wait for a person with what they come to, then the others.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::super::Shared;
use super::super::problem::Problem;
use super::Visit;
use super::frame::{Frame, page};
use crate::plan::guard::{is_loss, tripped};
use crate::plan::make::LIFETIME;
use crate::plan::{PlanId, PlanState};
use crate::ports::desk::Desk;
use crate::ports::{Clock, PlanHead, Records, StoredPlan};
use crate::report::text::{count, summary, time};
use crate::report::word::Word as _;

/// How many plans that were decided are listed on a page.
const LISTED: usize = 25;
/// How many plans that wait are told in full.
const TOLD_MAX: usize = 10;

#[derive(Template)]
#[template(path = "plans.html", config = ".askama.toml")]
struct Plans {
    frame: Frame,
    /// Why nothing can be decided here, where it cannot.
    note: Option<&'static str>,
    waiting: Vec<Waiting>,
    others: Vec<Line>,
    /// The plan behind which the next page begins.
    next: Option<PlanId>,
    is_first: bool,
}

/// A plan that waits for a person.
struct Waiting {
    line: Line,
    summary: String,
    /// What may be lost.
    risk: Option<String>,
    /// The guards that hold it.
    guards: Vec<&'static str>,
    expires: String,
}

/// A line of the list.
struct Line {
    id: PlanId,
    tenant: String,
    state: &'static str,
    from: &'static str,
    made: String,
    people: String,
}

impl Line {
    fn new(head: &PlanHead) -> Self {
        let PlanHead { id, tenant, state, origin, created_at, operations: _, people } = head;
        Self {
            id: *id,
            tenant: tenant.to_string(),
            state: state.as_str(),
            from: origin.word(),
            made: time(*created_at),
            people: count(*people, "person", "people"),
        }
    }
}

/// Shows them.
pub(super) async fn list<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let before: Option<PlanId> = visit.query.parsed("before")?;
    let turn = shared.turn().await;
    let heads = shared.deps.records.plans(None).await?;
    let now = shared.deps.clock.now();
    let waits = |head: &&PlanHead| {
        matches!(head.state, PlanState::Proposed | PlanState::Held)
            && now < LIFETIME.after(head.created_at)
    };
    let mut told = Vec::new();
    for head in heads.iter().filter(waits).filter(|_| before.is_none()).take(TOLD_MAX) {
        told.push((head.clone(), shared.stored(head.id).await?));
    }
    let rest =
        heads.iter().filter(|head| !waits(head) || before.is_some() || told.len() == TOLD_MAX);
    let rest = rest.filter(|head| before.is_none_or(|before| head.id < before));
    let rest = rest.filter(|head| told.iter().all(|(shown, _)| shown.id != head.id));
    let mut others: Vec<Line> = rest.take(LISTED + 1).map(Line::new).collect();
    let next = others.get(LISTED).is_some().then(|| others[LISTED - 1].id);
    others.truncate(LISTED);
    turn.work(move || {
        let waiting = told.into_iter().map(|(head, stored)| waiting(&head, &stored)).collect();
        let note = note(&visit);
        let frame = Frame::new("Plans", "/").of(visit.guest, visit.is_open);
        Ok(page(&Plans { frame, note, waiting, others, next, is_first: before.is_none() }))
    })
    .await
}

fn waiting(head: &PlanHead, stored: &StoredPlan) -> Waiting {
    let plan = &stored.plan;
    let at_risk = plan.operations.iter().filter(|of| !of.data_at_risk.is_empty()).count() as u64;
    let lose = plan.operations.iter().filter(|of| is_loss(of)).count() as u64;
    let people = |number| count(number, "person", "people");
    Waiting {
        line: Line::new(head),
        summary: summary(plan),
        risk: match (at_risk, lose) {
            (0, 0) => None,
            (0, lose) => Some(format!("{} lose something", people(lose))),
            (risk, _) => Some(format!("data of {} at risk", people(risk))),
        },
        guards: tripped(&plan.guards).iter().map(|guard| guard.as_str()).collect(),
        expires: time(plan.expires_at),
    }
}

/// Says why nothing can be decided here.
pub(super) fn note(visit: &Visit) -> Option<&'static str> {
    match &visit.guest {
        Some(guest) if guest.may_approve => None,
        Some(_) => Some("Your token may read. Deciding takes one that may approve."),
        None => Some(
            "No tokens are configured: everybody who reaches this address may read, and nobody \
             decides here. Deciding takes a token that may approve: see tokens of api in the \
             configuration; or the command seatkeeper approve.",
        ),
    }
}
