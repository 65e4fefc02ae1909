//! One cycle of the daemon: policies, plan, what is told of it, and what follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::board::{CycleEnd, SeatFacts, SnapshotFacts};
use super::{InvalidPolicies, Keeper, PolicySource, chain};
use crate::domain::group::Membership;
use crate::domain::sku::Catalogue;
use crate::engine::cycle::Cycle;
use crate::engine::{CycleError, Misfits, Policies};
use crate::plan::bind::Problem;
use crate::plan::guard::tripped;
use crate::plan::{PlanState, Summary, Trigger};
use crate::ports::desk::{Activity, Desk, LeftOut};
use crate::ports::{Clock, Records, TenantReader, TenantWriter};

/// How long to look whether the configuration file has changed.
const LOOKS_AT_SETTINGS_FOR: Duration = Duration::from_secs(5);

/// So many of the policies that do not fit are named where it is told that some do not.
const LEFT_OUT_TOLD: usize = 10;

impl<T, R, C, S> Keeper<'_, T, R, C, S>
where
    T: TenantReader + TenantWriter,
    R: Records + Desk,
    C: Clock,
    S: PolicySource,
{
    /// Reads, plans, and does what the mode says.
    pub(super) async fn cycle(&mut self, trigger: Trigger) {
        let (began, clock) = (self.clock.now(), Instant::now());
        self.with.place.note(|facts| facts.last_attempt = Some(began));
        // What could not be run before may be now.
        self.held_back.clear();
        self.look_at_settings().await;
        self.show(Activity::Planning).await;
        let planned = match self.load().await {
            Some(policies) => {
                let engine = self.engine();
                let planned = Box::pin(engine.plan(&policies, trigger, Misfits::LeaveOut)).await;
                Some((policies, planned))
            }
            None if self.with.stop.is_asked() => return,
            None => None,
        };
        self.with.place.note(|facts| facts.tally.cycle_seconds.count(clock.elapsed()));
        match planned {
            None => {
                let summary = self.invalid.as_ref().map(|invalid| invalid.summary.as_str());
                let why = format!("no valid policies yet: {}", summary.unwrap_or_default());
                self.failed(trigger, began, &why).await;
            }
            Some((policies, Ok(cycle))) => {
                self.succeeded(trigger, began, &cycle).await;
                Box::pin(self.act(&policies, cycle)).await;
            }
            Some((_, Err(CycleError::Stopped))) => return,
            Some((_, Err(error))) => {
                let why = in_words(&error);
                self.failed(trigger, began, &why).await;
            }
        }
        self.show(Activity::Waiting).await;
    }

    /// Looks whether the settings in force are still those of their file, and says so once where not.
    async fn look_at_settings(&mut self) {
        let stop = self.with.stop.clone();
        let outdated = tokio::select! {
            biased;
            () = stop.asked() => return,
            // A file system that hangs keeps no tenant waiting.
            looked = tokio::time::timeout(LOOKS_AT_SETTINGS_FOR, self.with.source.outdated()) => {
                let Ok(looked) = looked else { return };
                looked
            }
        };
        if self.outdated != outdated {
            match &outdated {
                Some(why) => tracing::warn!(
                    tenant = %self.with.tenant,
                    "the daemon goes by the configuration it started with: {why}"
                ),
                None => tracing::info!(
                    tenant = %self.with.tenant,
                    "the configuration file is again as the daemon started with"
                ),
            }
            self.outdated = outdated;
        }
    }

    /// Loads the policies. Where they are invalid, those in force stay.
    pub(super) async fn load(&mut self) -> Option<Arc<Policies>> {
        let stop = self.with.stop.clone();
        let loaded = tokio::select! {
            biased;
            () = stop.asked() => return None,
            loaded = self.with.source.load() => loaded,
        };
        match loaded {
            Ok(policies) => {
                let is_new = self.policies.as_ref().is_none_or(|old| old.digest != policies.digest);
                if is_new || self.invalid.is_some() {
                    let commit = policies.commit.as_deref().unwrap_or("no commit");
                    tracing::info!(
                        tenant = %self.with.tenant, digest = %policies.digest, commit,
                        policies = policies.set.policies.len(), "policies are in force"
                    );
                }
                if let Some(invalid) = self.invalid.take() {
                    self.tell_valid_again(&invalid).await;
                }
                self.policies = Some(policies);
            }
            Err(invalid) => self.keep_the_last(invalid).await,
        }
        self.policies.clone()
    }

    async fn keep_the_last(&mut self, invalid: InvalidPolicies) {
        if self.invalid.as_ref() != Some(&invalid) {
            let stays = match &self.policies {
                Some(_) => "the last good ones stay in force",
                None => "there are none to go on with",
            };
            tracing::error!(
                tenant = %self.with.tenant, details = invalid.details,
                "the policies are invalid, {stays}: {}", invalid.summary
            );
            self.tell_invalid(&invalid).await;
            self.invalid = Some(invalid);
        }
    }

    async fn failed(&mut self, trigger: Trigger, began: Timestamp, why: &str) {
        let now = self.clock.now();
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(began);
        self.next_cycle =
            self.with.timetable.retry_after(now, self.failures).map(|at| (at, Trigger::Retry));
        let next = self.next_cycle.map(|(at, _)| format!("{at:.0}")).unwrap_or_default();
        tracing::error!(
            tenant = %self.with.tenant, trigger = trigger.as_str(), end = "failed",
            failures = self.failures, next,
            seconds = seconds(began, now),
            "tenant {}: the cycle failed, nothing was concluded: {why}", self.with.tenant
        );
        self.with.place.note(|facts| {
            facts.failure = Some(why.to_owned());
            *facts.tally.cycles.entry((trigger, CycleEnd::Failed)).or_default() += 1;
        });
        self.tell_failing(since, why).await;
    }

    async fn succeeded(&mut self, trigger: Trigger, began: Timestamp, cycle: &Cycle) {
        let now = self.clock.now();
        self.failures = 0;
        if let Some(since) = self.failing_since.take() {
            self.tell_recovered(since).await;
        }
        self.next_cycle = self.with.timetable.next_after(now).map(|at| (at, Trigger::Schedule));
        self.log(trigger, began, now, cycle);
        self.left_out = left_out(&cycle.planned.problems);
        for problem in cycle.planned.problems.iter().take(LEFT_OUT_TOLD) {
            tracing::warn!(
                tenant = %self.with.tenant, file = &*problem.place.file, line = problem.place.line,
                "a policy does not fit the tenant and takes no part: `seatkeeper plan` says why"
            );
        }
        self.note(trigger, now, cycle);
        self.tell_of(cycle).await;
    }

    /// One line that a person can read, and the fields that a machine can.
    fn log(&self, trigger: Trigger, began: Timestamp, now: Timestamp, cycle: &Cycle) {
        let plan = &cycle.planned.plan;
        let Summary {
            add,
            replace,
            remove,
            modify,
            locate,
            adopt,
            people,
            unchanged: _,
            blocked,
            waiting,
            scheduled,
            released,
            unmanaged,
            unknown,
        } = plan.summary;
        let state = cycle.stored.as_ref().map_or("settled", |stored| stored.state.as_str());
        let id = cycle.stored.as_ref().map(|stored| stored.plan.id.to_string());
        let guards: Vec<&str> =
            tripped(&plan.guards).into_iter().map(crate::plan::GuardName::as_str).collect();
        let what = match &cycle.stored {
            None => "nothing to do".to_owned(),
            Some(stored) => {
                let counts = [
                    (add, "to add"),
                    (replace, "to replace"),
                    (remove, "to remove"),
                    (modify, "to modify"),
                    (locate, "to locate"),
                    (adopt, "to adopt"),
                ];
                let counts = counts.iter().filter(|(count, _)| *count > 0);
                let counts: Vec<String> =
                    counts.map(|(count, what)| format!("{count} {what}")).collect();
                let held = match guards.as_slice() {
                    [] => String::new(),
                    names => format!(" by {}", names.join(", ")),
                };
                format!("{}; plan {} is {state}{held}", counts.join(", "), stored.plan.id)
            }
        };
        tracing::info!(
            tenant = %self.with.tenant, trigger = trigger.as_str(), end = state, plan = id,
            guards = guards.join(","), users = plan.basis.users, people, add, replace, remove,
            modify, locate, adopt, blocked, waiting, scheduled, released, unmanaged, unknown,
            seconds = seconds(began, now),
            "tenant {}: {what}", self.with.tenant
        );
    }

    fn note(&self, trigger: Trigger, now: Timestamp, cycle: &Cycle) {
        let plan = &cycle.planned.plan;
        let end = if cycle.stored.is_some() { CycleEnd::Planned } else { CycleEnd::Settled };
        let groups = cycle.snapshot.groups().iter();
        let read = groups.filter(|group| group.membership != Membership::NotRead).count() as u64;
        self.with.place.note(|facts| {
            facts.last_success = Some(now);
            if end == CycleEnd::Settled {
                facts.last_settled = Some(now);
            }
            facts.failure = None;
            facts.summary = Some(plan.summary);
            facts.verdicts.clone_from(&plan.guards);
            facts.snapshot = Some(SnapshotFacts {
                taken_at: cycle.snapshot.taken_at(),
                users: cycle.snapshot.users().len() as u64,
                groups: read,
            });
            facts.seats = seats(cycle.snapshot.catalogue());
            facts.tally.recoveries += cycle.recovered as u64;
            *facts.tally.cycles.entry((trigger, end)).or_default() += 1;
        });
        self.count_trips(cycle);
    }

    /// Counts the guards that hold a plan, when it is made.
    pub(super) fn count_trips(&self, cycle: &Cycle) {
        let plan = &cycle.planned.plan;
        let is_new = cycle.stored.as_ref().is_some_and(|stored| {
            stored.state == PlanState::Held && stored.plan.created_at == plan.created_at
        });
        if is_new {
            self.with.place.note(|facts| {
                for guard in tripped(&plan.guards) {
                    *facts.tally.trips.entry(guard).or_default() += 1;
                }
            });
        }
    }
}

/// Returns what does not fit, for those who look from outside.
fn left_out(problems: &[Problem]) -> LeftOut {
    let line = |problem: &Problem| {
        format!("{}: {}", problem.place.file_and_line(), problem.message).into()
    };
    LeftOut {
        problems: problems.len() as u64,
        first: problems.iter().take(LEFT_OUT_TOLD).map(line).collect(),
    }
}

/// Returns the seats of each SKU; of SKUs that share a name, all together.
fn seats(catalogue: &Catalogue) -> BTreeMap<Arc<str>, SeatFacts> {
    let mut seats: BTreeMap<Arc<str>, SeatFacts> = BTreeMap::new();
    for sku in catalogue.skus() {
        let of = seats.entry(sku.part_number.clone()).or_default();
        of.enabled += u64::from(sku.units.enabled);
        of.consumed += u64::from(sku.consumed);
        of.warning += u64::from(sku.units.warning);
        of.suspended += u64::from(sku.units.suspended);
    }
    seats
}

/// Says why a cycle failed.
pub(super) fn in_words(error: &CycleError) -> String {
    match error {
        CycleError::Misfit { tenant: _, problems } => {
            let first = problems
                .first()
                .map(|problem| format!("{}: {}", problem.place.file_and_line(), problem.message));
            format!("the settings do not fit the tenant: {}", first.unwrap_or_default())
        }
        other => chain(other),
    }
}

fn seconds(began: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(began).as_secs_f64()
}
