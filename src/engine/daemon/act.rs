//! What follows from a plan: by the mode, within windows, unless somebody has paused.

use std::sync::Arc;

use tokio::time::Instant;

use super::cycle::in_words;
use super::{Keeper, PolicySource};
use crate::config::Mode;
use crate::domain::window::Takes;
use crate::engine::carry_out::{CarriedOut, Consent};
use crate::engine::cycle::Cycle;
use crate::engine::{CycleError, Policies};
use crate::plan::approval::NotTakenUp;
use crate::plan::{PlanId, PlanState, Trigger};
use crate::ports::desk::{Activity, Desk};
use crate::ports::{
    Clock, Decision, Records, RecordsError, StoredPlan, TenantReader, TenantWriter,
};

/// Who approves what no guard holds, where the mode says so.
const BY_MODE: &str = "seatkeeper (mode enforce)";

impl<T, R, C, S> Keeper<'_, T, R, C, S>
where
    T: TenantReader + TenantWriter,
    R: Records + Desk,
    C: Clock,
    S: PolicySource,
{
    /// Does with a plan what the mode says.
    pub(super) async fn act(&mut self, policies: &Arc<Policies>, cycle: Cycle) {
        let Some(stored) = cycle.stored else {
            if self.with.mode == Mode::Enforce {
                let let_go = self.engine().let_released_go(&cycle.planned.plan).await;
                self.heed_cycle(let_go);
            }
            return;
        };
        match (self.with.mode, stored.state) {
            (Mode::Approve | Mode::Enforce, PlanState::Approved) => {
                self.run_approved(policies, stored).await;
            }
            (Mode::Enforce, PlanState::Proposed | PlanState::Held) => {
                self.enforce(policies, stored).await;
            }
            (_, _) => {}
        }
    }

    /// Approves what no guard holds and no window keeps back, and carries it out.
    async fn enforce(&mut self, policies: &Arc<Policies>, stored: StoredPlan) {
        // Reading took its time, and somebody may have paused meanwhile.
        let now = self.clock.now();
        let looked = self.with.gate.look(self.with.records, self.with.tenant, now).await;
        if self.heed(looked).is_none() || self.with.gate.refuse(Takes::Nothing, now).is_some() {
            return;
        }
        let rejected = self.engine().rejected(&stored.plan).await;
        let Some(rejected) = self.heed_cycle(rejected) else { return };
        if !rejected.is_empty() {
            let (tenant, plan, count) = (self.with.tenant, stored.plan.id, rejected.len());
            tracing::info!(%tenant, %plan, count, "operations that somebody rejected wait for a person: seatkeeper approve {plan}");
        }
        let all_may_run = stored.plan.operations.iter().all(|operation| {
            !rejected.contains(&operation.key)
                && self.with.gate.refuse_operation(operation, now).is_none()
        });
        let approved = if stored.state == PlanState::Proposed && all_may_run {
            self.approve(&stored).await
        } else {
            let engine = self.engine();
            let by = BY_MODE.into();
            let consent = Consent { accepted: &[], without: &rejected, by, reason: None };
            let part = engine.part_that_may_go_on(policies, &stored, consent);
            let part = Box::pin(part).await;
            self.heed_cycle(part).flatten()
        };
        if let Some(approved) = approved {
            self.run(policies, &approved).await;
        }
    }

    async fn approve(&mut self, stored: &StoredPlan) -> Option<StoredPlan> {
        let decision = Decision {
            state: PlanState::Approved,
            by: BY_MODE.into(),
            at: self.clock.now(),
            accepted: Vec::new(),
            reason: None,
        };
        let decided = self.with.records.decide(stored.plan.id, decision).await;
        self.heed(decided)?;
        let found = self.with.records.plan(Some(self.with.tenant), Some(stored.plan.id)).await;
        self.heed(found).flatten()
    }

    /// Carries out a plan that somebody approved since.
    pub(super) async fn carry_out_approved(&mut self, id: PlanId) {
        // Whatever goes wrong, it is not asked for again before the next cycle.
        self.held_back.insert(id);
        let found = self.with.records.plan(Some(self.with.tenant), Some(id)).await;
        let Some(stored) = self.heed(found).flatten() else { return };
        let Some(policies) = self.load().await else { return };
        self.run_approved(&policies, stored).await;
        self.show(Activity::Waiting).await;
    }

    /// Carries out what of an approved plan may run now, and leaves the rest approved.
    async fn run_approved(&mut self, policies: &Arc<Policies>, stored: StoredPlan) {
        let now = self.clock.now();
        let looked = self.with.gate.look(self.with.records, self.with.tenant, now).await;
        if self.heed(looked).is_none() {
            self.held_back.insert(stored.plan.id);
            return;
        }
        let by_mode = stored.decisions.last().is_some_and(|last| &*last.by == BY_MODE);
        if by_mode && self.with.mode != Mode::Enforce {
            // What the mode had approved, it no longer does.
            let (tenant, plan) = (self.with.tenant, stored.plan.id);
            tracing::warn!(%tenant, %plan, "the plan was approved by mode enforce, and waits for a person now: seatkeeper apply {plan}, or reject it");
            self.held_back.insert(stored.plan.id);
            return;
        }
        let refused = |operation: &&crate::plan::Operation| {
            self.with.gate.refuse_operation(operation, now).is_some()
        };
        if !stored.plan.operations.iter().any(|operation| refused(&operation)) {
            self.run(policies, &stored).await;
            return;
        }
        self.held_back.insert(stored.plan.id);
        // What a part of it has tried is not tried again under the same approval.
        let tried = self.engine().tried_since_approval(&stored).await;
        let Some(tried) = self.heed_cycle(tried) else { return };
        let mut left = stored.plan.operations.iter().filter(|one| !tried.contains(&one.key));
        if tried.len() == stored.plan.operations.len() {
            // All of it ran in parts: nothing is left but to close it.
            self.run(policies, &stored).await;
            return;
        }
        if left.all(|operation| refused(&operation)) {
            return;
        }
        let approval = stored.decisions.last();
        let by = approval.map_or_else(|| BY_MODE.into(), |approval| approval.by.clone());
        let accepted = approval.map(|approval| approval.accepted.clone()).unwrap_or_default();
        let reason = approval.and_then(|approval| approval.reason.clone());
        let engine = self.engine();
        let (accepted, without) = (accepted.as_slice(), &tried);
        let consent = Consent { accepted, without, by, reason: reason.as_deref() };
        let part = Box::pin(engine.part_that_may_go_on(policies, &stored, consent)).await;
        if let Some(part) = self.heed_cycle(part).flatten() {
            self.run(policies, &part).await;
        }
    }

    /// Carries out an approved plan, and tells what it came to.
    async fn run(&mut self, policies: &Arc<Policies>, stored: &StoredPlan) {
        match self.carry_out(policies, stored).await {
            Ok(carried) => {
                self.failed_runs = 0;
                self.told(stored, &carried).await;
            }
            Err(CycleError::Stopped) => {}
            Err(CycleError::HeldBack(_)) => {
                self.held_back.insert(stored.plan.id);
            }
            Err(CycleError::NotTakenUp(
                error @ (NotTakenUp::NotOpen { .. }
                | NotTakenUp::NotApproved { .. }
                | NotTakenUp::Expired { .. }),
            )) => {
                // Somebody decided otherwise meanwhile, or it was too late.
                tracing::info!(tenant = %self.with.tenant, plan = %stored.plan.id, "not run: {error}");
                self.held_back.insert(stored.plan.id);
            }
            Err(CycleError::Records(error @ RecordsError::WrongState { .. })) => {
                // Decided just then.
                tracing::info!(tenant = %self.with.tenant, plan = %stored.plan.id, "not run: {error}");
                self.held_back.insert(stored.plan.id);
            }
            Err(error) => {
                // It stays approved, or is closed, and is tried again with the next cycle: soon.
                self.held_back.insert(stored.plan.id);
                self.failed_runs = self.failed_runs.saturating_add(1);
                let soon = self.with.timetable.retry_after(self.clock.now(), self.failed_runs);
                let due = self.next_cycle.map(|(at, _)| at);
                if let Some(soon) = soon.filter(|soon| due.is_none_or(|due| *soon < due)) {
                    self.next_cycle = Some((soon, Trigger::Retry));
                }
                let why = in_words(&error);
                tracing::error!(tenant = %self.with.tenant, plan = %stored.plan.id, "the plan was not run: {why}");
                self.tell_not_run(stored, &why).await;
            }
        }
    }

    /// Carries out an approved plan, while somebody looks whether it is paused meanwhile.
    pub(super) async fn carry_out(
        &mut self,
        policies: &Arc<Policies>,
        stored: &StoredPlan,
    ) -> Result<CarriedOut, CycleError> {
        self.show(Activity::Applying).await;
        let began = Instant::now();
        let (gate, records, tenant) = (self.with.gate, self.with.records, self.with.tenant);
        gate.look(records, tenant, self.clock.now()).await?;
        let engine = self.engine();
        let carried = tokio::select! {
            carried = Box::pin(engine.carry_out(self.with.client, policies, stored)) => carried,
            never = gate.watch(records, tenant, &self.clock) => match never {},
        };
        self.with.place.note(|facts| facts.tally.apply_seconds.count(began.elapsed()));
        if let Ok(carried) = &carried {
            self.count(stored, &carried.run);
        }
        carried
    }

    /// Returns what a part of a cycle came to; a failure is told.
    fn heed_cycle<V>(&mut self, said: Result<V, CycleError>) -> Option<V> {
        match said {
            Ok(value) => Some(value),
            Err(CycleError::Stopped | CycleError::HeldBack(_)) => None,
            Err(CycleError::Records(error)) => self.heed(Err(error)),
            Err(CycleError::NotTakenUp(
                error @ (NotTakenUp::NotOpen { .. }
                | NotTakenUp::NotApproved { .. }
                | NotTakenUp::Expired { .. }),
            )) => {
                tracing::info!(tenant = %self.with.tenant, "not run: {error}");
                None
            }
            Err(error) => {
                let why = in_words(&error);
                tracing::error!(tenant = %self.with.tenant, "a part of the plan was not run: {why}");
                None
            }
        }
    }
}
