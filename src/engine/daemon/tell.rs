//! What people are told: each thing once, on disk before anybody is asked to deliver it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{InvalidPolicies, Keeper, PolicySource};
use crate::config::Mode;
use crate::domain::event::Event;
use crate::domain::known::Known;
use crate::engine::carry_out::CarriedOut;
use crate::engine::cycle::Cycle;
use crate::engine::executor::Run;
use crate::plan::guard::tripped;
use crate::plan::{GuardName, PlanId, PlanState, Verdict};
use crate::ports::desk::{Desk, Notice};
use crate::ports::{Clock, OutcomeKind, Records, StoredPlan, TenantReader, TenantWriter};

/// So many days before a subscription ends it is told of.
const EXPIRING_DAYS: [i64; 3] = [30, 14, 7];
/// So long before a plan that waits for a person expires it is told of.
const PLAN_EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(24);

impl<T, R, C, S> Keeper<'_, T, R, C, S>
where
    T: TenantReader + TenantWriter,
    R: Records + Desk,
    C: Clock,
    S: PolicySource,
{
    async fn tell(
        &mut self,
        event: Event,
        subject: impl Into<Arc<str>>,
        title: String,
        details: Vec<String>,
        plan: Option<PlanId>,
    ) {
        let receivers = self.with.receivers.iter().filter(|receiver| receiver.on.contains(&event));
        let receivers: Vec<Arc<str>> = receivers.map(|receiver| receiver.name.clone()).collect();
        let notice = Notice {
            tenant: self.with.tenant.clone(),
            event,
            subject: subject.into(),
            at: self.clock.now(),
            title,
            details,
            plan,
        };
        let recorded = self.with.records.notify(notice, receivers).await;
        self.heed(recorded);
    }

    pub(super) async fn tell_invalid(&mut self, invalid: &InvalidPolicies) {
        let details = invalid.details.lines().take(40).map(str::to_owned).collect();
        let title = format!("the policies are invalid: {}", invalid.summary);
        // Broken again some other day, it is told again.
        let subject = format!("{} {}", self.clock.now(), invalid.summary);
        self.tell(Event::Invalid, subject, title, details, None).await;
    }

    pub(super) async fn tell_valid_again(&mut self, invalid: &InvalidPolicies) {
        let subject = format!("policies {}", self.clock.now());
        let title = "the policies are valid again".to_owned();
        let details = vec![format!("before: {}", invalid.summary)];
        self.tell(Event::Recovered, subject, title, details, None).await;
    }

    pub(super) async fn tell_failing(&mut self, since: Timestamp, why: &str) {
        let title = format!("cycles of tenant {} fail", self.with.tenant);
        let details = vec![why.to_owned(), "nothing is changed meanwhile".to_owned()];
        self.tell(Event::Failed, format!("cycle {since}"), title, details, None).await;
    }

    pub(super) async fn tell_recovered(&mut self, since: Timestamp) {
        let title = format!("cycles of tenant {} work again", self.with.tenant);
        let details = vec![format!("they had failed since {since:.0}")];
        self.tell(Event::Recovered, format!("cycle {since}"), title, details, None).await;
    }

    /// Tells what a plan that could not be run.
    pub(super) async fn tell_not_run(&mut self, stored: &StoredPlan, why: &str) {
        let id = stored.plan.id;
        let title = format!("plan {id} could not be run");
        self.tell(Event::Failed, id.to_string(), title, vec![why.to_owned()], Some(id)).await;
    }

    /// Tells what a cycle found that a person should know.
    pub(super) async fn tell_of(&mut self, cycle: &Cycle) {
        if let Some(stored) = &cycle.stored {
            self.tell_of_plan(stored).await;
        }
        self.tell_of_the_catalogue(cycle).await;
        self.tell_of_expiries(cycle).await;
    }

    pub(super) async fn tell_of_plan(&mut self, stored: &StoredPlan) {
        let plan = &stored.plan;
        let people = plan.summary.people;
        let id = plan.id;
        match stored.state {
            PlanState::Held => {
                let names: Vec<&str> =
                    tripped(&plan.guards).into_iter().map(GuardName::as_str).collect();
                let title =
                    format!("plan {id} for {people} people is held by {}", names.join(", "));
                let mut details: Vec<String> =
                    plan.guards.iter().filter(|one| one.tripped).map(sum).collect();
                let accept: String = names.iter().map(|name| format!(" --accept {name}")).collect();
                details.push(format!("look: seatkeeper show {id}"));
                details.push(format!(
                    "if it is meant: seatkeeper approve {id}{accept} --reason \"…\""
                ));
                self.tell(Event::Held, id.to_string(), title, details, Some(id)).await;
            }
            PlanState::Proposed if self.with.mode == Mode::Approve => {
                let title = format!("plan {id} for {people} people waits for approval");
                let details = vec![
                    format!("look: seatkeeper show {id}"),
                    format!("approve: seatkeeper approve {id}"),
                ];
                self.tell(Event::Waiting, id.to_string(), title, details, Some(id)).await;
            }
            _ => {}
        }
        let left = plan.expires_at.duration_since(self.clock.now());
        let waits = self.with.mode != Mode::Observe && stored.state.is_open();
        if waits && left < PLAN_EXPIRES_SOON {
            let title = format!("plan {id} expires at {:.0}", plan.expires_at);
            let details = vec!["nobody has decided on it".to_owned()];
            self.tell(Event::Expiring, id.to_string(), title, details, Some(id)).await;
        }
    }

    /// Tells what SKUs gained and lost.
    async fn tell_of_the_catalogue(&mut self, cycle: &Cycle) {
        let words = [" gained ", " lost "];
        let changes: Vec<String> = cycle
            .planned
            .plan
            .warnings
            .iter()
            .filter(|warning| warning.at.is_empty())
            .filter(|warning| words.iter().any(|word| warning.message.contains(word)))
            .map(|warning| warning.message.clone())
            .collect();
        if changes.is_empty() {
            return;
        }
        let title = "Microsoft changed what SKUs hold".to_owned();
        let subject = changes.join("; ");
        self.tell(Event::Catalogue, subject, title, changes, None).await;
    }

    /// Tells of subscriptions that renew or end soon.
    ///
    /// Source: Graph companySubscription.nextLifecycleDateTime.
    async fn tell_of_expiries(&mut self, cycle: &Cycle) {
        let now = self.clock.now();
        let catalogue = cycle.snapshot.catalogue();
        let Known::Known(expiries) = catalogue.next_expiries() else { return };
        let mut soon = Vec::new();
        for (sku, at) in expiries {
            let days = at.duration_since(now).as_hours() / 24;
            let stage = EXPIRING_DAYS.into_iter().rev().find(|stage| days < *stage);
            if let (Some(stage), Some(sku)) = (stage, catalogue.get(*sku))
                && now < *at
            {
                soon.push((stage, sku.part_number.clone(), sku.consumed, *at));
            }
        }
        for (stage, name, consumed, at) in soon {
            let title = format!("{name} renews or ends at {at:.0}, in less than {stage} days");
            let details = vec![format!("{consumed} people hold it")];
            self.tell(Event::Expiring, format!("{name} {at} {stage}"), title, details, None).await;
        }
    }

    /// Counts what carrying a plan out came to, whoever asked for it.
    pub(super) fn count(&self, stored: &StoredPlan, run: &Run) {
        self.with.place.note(|facts| {
            for (of, count) in &run.by_kind {
                *facts.tally.operations.entry(*of).or_default() += count;
            }
            for guard in stored.decisions.iter().flat_map(|decision| &decision.accepted) {
                *facts.tally.accepted.entry(*guard).or_default() += 1;
            }
        });
    }

    /// Logs and tells what carrying a plan out came to.
    pub(super) async fn told(&mut self, stored: &StoredPlan, carried: &CarriedOut) {
        let CarriedOut { plan, state, run, stale, unapproved } = carried;
        let counts: Vec<String> = run
            .outcomes
            .iter()
            .map(|(kind, count)| format!("{count} {}", kind.as_str().replace('_', " ")))
            .collect();
        let counts = counts.join(", ");
        let by = stored.decisions.last().map(|decision| decision.by.clone());
        tracing::info!(
            tenant = %self.with.tenant, plan = %plan, end = state.as_str(), stale, unapproved,
            unsettled = run.unsettled, stopped = run.stopped, by = by.as_deref(),
            "tenant {}: plan {plan} is {}: {counts}", self.with.tenant, state.as_str()
        );
        let event = match state {
            PlanState::Failed if is_trouble(&carried.run) => Event::Failed,
            PlanState::Partial if is_trouble(&carried.run) => Event::Partial,
            _ => return,
        };
        let mut details = vec![counts];
        details.extend(run.stopped.clone().map(|why| format!("stopped before its end: {why}")));
        details.push(format!("look: seatkeeper history --plan {plan}"));
        let title = format!("plan {plan} is {}", state.as_str());
        self.tell(event, plan.to_string(), title, details, Some(*plan)).await;
    }
}

/// Whether anything went wrong: what was no longer planned, or left for later because people or their
/// windows want it so, is no trouble.
fn is_trouble(run: &Run) -> bool {
    let is_bad = |(kind, count): (&OutcomeKind, &u64)| match kind {
        OutcomeKind::Refused | OutcomeKind::Failed => true,
        OutcomeKind::Deferred => *count > run.held_back,
        OutcomeKind::Done | OutcomeKind::AlreadyDone | OutcomeKind::Stale => false,
    };
    run.outcomes.iter().any(is_bad)
}

/// Returns what a guard found, with its sum.
fn sum(verdict: &Verdict) -> String {
    let Verdict { guard, scope, limit, actual, tripped: _, counted: _, most: _ } = verdict;
    format!("{} ({scope}): {actual}, limit {limit}", guard.as_str())
}
