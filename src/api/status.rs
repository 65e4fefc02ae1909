//! Whether the daemon lives, whether its tenants are kept, and where they stand.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use jiff::{SignedDuration, Timestamp};

use crate::domain::names::TenantName;
use crate::engine::daemon::Place;
use crate::engine::daemon::board::Facts;
use crate::ports::desk::{Desk, Report};
use crate::ports::{Clock, Records};
use crate::report::json::text::{AsWord, Text};
use crate::report::json::{FORMAT_VERSION, forms};

use super::Shared;
use super::call::{Call, json};
use super::forms::{
    HealthForm, LeftOutForm, PoliciesForm, ReadinessForm, StatusForm, TenantReadinessForm,
    TenantStatusForm,
};
use super::problem::{Kind, Problem};

/// How long the records may take to answer before they count as out of order.
const RECORDS_WITHIN: Duration = Duration::from_secs(5);

/// Answers whether the process works and its records can be read.
pub(super) async fn healthz<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    _: Call,
) -> Result<Response<Body>, Problem> {
    let now = shared.deps.clock.now();
    if let Some((tenant, _)) = shared.deps.board.places().next() {
        let looked = shared.deps.records.paused(tenant, now);
        let late = |_| Problem::new(Kind::RecordsFail, "the records do not answer");
        tokio::time::timeout(RECORDS_WITHIN, looked).await.map_err(late)??;
    }
    Ok(json(200, &HealthForm { alive: true }))
}

/// Answers whether every tenant had a complete cycle lately. That a guard holds is no reason: then the
/// daemon does what it is for.
pub(super) async fn readyz<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem> {
    let now = shared.deps.clock.now();
    let readiness = |(tenant, place): (&TenantName, &Arc<Place>)| {
        let because = shared.why_not_ready(tenant, &place.facts(), now);
        TenantReadinessForm { tenant: Text(tenant.clone()), ready: because.is_none(), because }
    };
    let tenants: Vec<TenantReadinessForm> = shared.deps.board.places().map(readiness).collect();
    let unready: Vec<&str> =
        tenants.iter().filter(|one| !one.ready).map(|one| one.tenant.0.as_str()).collect();
    match (unready.is_empty(), call.is_trusted()) {
        (true, trusted) => {
            Ok(json(200, &ReadinessForm { ready: true, tenants: trusted.then_some(tenants) }))
        }
        (false, true) => {
            let detail = format!("not ready: {}", unready.join(", "));
            let told = serde_json::to_value(&tenants).expect("the forms have text keys alone");
            let problem = Problem::new(Kind::NotReady, detail);
            Err(problem.with("ready", false).with("tenants", told))
        }
        (false, false) => {
            Err(Problem::new(Kind::NotReady, "send a token to see why").with("ready", false))
        }
    }
}

/// Tells where every tenant stands.
pub(super) async fn status<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    _: Call,
) -> Result<Response<Body>, Problem> {
    let mut tenants = Vec::new();
    for (tenant, place) in shared.deps.board.places() {
        tenants.push(shared.tenant_status(tenant, place).await?);
    }
    let started_at = Text(shared.deps.board.started_at);
    let version = Arc::clone(&shared.deps.version);
    Ok(json(200, &StatusForm { format_version: FORMAT_VERSION, version, started_at, tenants }))
}

impl<R: Records + Desk, C: Clock> Shared<R, C> {
    /// Returns why a tenant is not ready, where it is not.
    pub(super) fn why_not_ready(
        &self,
        tenant: &TenantName,
        facts: &Facts,
        now: Timestamp,
    ) -> Option<String> {
        let within = self.deps.tenants.get(tenant).map(|tenant| tenant.ready_within)?;
        let failure = facts.failure.as_ref().map(|why| format!("; the last one failed: {why}"));
        let failure = failure.unwrap_or_default();
        let Some(last) = facts.last_success else {
            return Some(format!("there was no complete cycle since the daemon started{failure}"));
        };
        let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        let is_late = now.duration_since(last) > within;
        is_late.then(|| {
            format!("the last complete cycle was at {last:.0}, over {within:#} ago{failure}")
        })
    }

    /// Tells where a tenant stands.
    pub(super) async fn tenant_status(
        &self,
        tenant: &TenantName,
        place: &Place,
    ) -> Result<TenantStatusForm, Problem> {
        let now = self.deps.clock.now();
        let facts = place.facts();
        let because = self.why_not_ready(tenant, &facts, now);
        let records = &self.deps.records;
        let pause = records.paused(tenant, now).await?;
        let owners = records.owners(tenant).await?;
        let mut plans = records.plans(Some(tenant)).await?;
        plans.retain(|plan| plan.state.is_open());
        let report = facts.report.as_ref();
        let policies = report.and_then(|report| report.policies.clone());
        let time = |of: fn(&Report) -> Option<Timestamp>| report.and_then(of).map(Text);
        Ok(TenantStatusForm {
            tenant: Text(tenant.clone()),
            ready: because.is_none(),
            not_ready_because: because,
            mode: report.map(|report| Arc::clone(&report.mode)),
            activity: report.map(|report| AsWord(report.activity)),
            next_cycle: time(|report| report.next_cycle),
            next_turn: time(|report| report.next_turn),
            held_back: report.and_then(|report| report.held_back.clone()),
            policies: policies
                .map(|(digest, commit)| PoliciesForm { digest: Text(digest), commit }),
            invalid_policies: report.and_then(|report| report.invalid.clone()),
            left_out: LeftOutForm {
                problems: report.map_or(0, |report| report.left_out.problems),
                first: report.map(|report| report.left_out.first.clone()).unwrap_or_default(),
            },
            outdated_configuration: report.and_then(|report| report.outdated.clone()),
            failures: report.map_or(0, |report| report.failures),
            failure: facts.failure,
            last_attempt: facts.last_attempt.map(Text),
            last_success: facts.last_success.map(Text),
            last_settled: facts.last_settled.map(Text),
            pause: pause.map(Into::into),
            owned_by_policies: owners.assignments,
            waiting_for_a_person: forms(&plans),
        })
    }
}
