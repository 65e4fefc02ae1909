//! Carries a decided plan out: reads and plans again, runs what is still planned just as approved.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::domain::window::Takes;
use crate::engine::cycle::{Depth, Seen};
use crate::engine::executor::Run;
use crate::engine::{CycleError, Engine, Policies};
use crate::plan::approval::{NotTakenUp, TakenUp, goes_on, has_part, part, take_up, uncovered};
use crate::plan::guard::tripped;
use crate::plan::ledger::LedgerChange;
use crate::plan::{Digest, GuardName, Operation, Plan, PlanId, PlanState, Released, Trigger};
use crate::ports::desk::CarriedOutReply;
use crate::ports::{
    Clock, Decision, Outcome, OutcomeKind, Records, Settlement, StoredPlan, TenantReader,
    TenantWriter,
};

/// For so long writes count for the quota of a tenant.
///
/// Source: Graph throttling limits: writes within 150 seconds.
const WRITES_COUNT_FOR: SignedDuration = SignedDuration::from_secs(150);

/// Why operations of a plan that is carried out are not sent.
const NOT_SO: &str = "no longer planned just as it was approved";
const TRIED: &str = "it was tried in a part of the plan, and is asked about again";
const SO_BEFORE: &str = "it was so before anything was sent";

/// What carrying a plan out came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedOut {
    /// The plan.
    pub plan: PlanId,
    /// Where it stands now.
    pub state: PlanState,
    /// How its operations ended.
    pub run: Run,
    /// Operations that were no longer planned just as approved.
    pub stale: u64,
    /// Operations that would be planned now and were never approved. They did not run.
    pub unapproved: u64,
}

impl CarriedOut {
    /// Returns it as whoever asked for it is told.
    pub fn told(&self, stored: &StoredPlan) -> CarriedOutReply {
        let Self { plan, state, run, stale: _, unapproved } = self;
        CarriedOutReply {
            plan: *plan,
            state: *state,
            outcomes: run.outcomes.iter().map(|(kind, count)| (*kind, *count)).collect(),
            stopped: run.stopped.clone(),
            unsettled: run.unsettled,
            unapproved: *unapproved,
            part_of: stored.plan.part_of,
        }
    }
}

/// What of a held plan somebody lets go on.
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// The guards that may hold it all the same.
    pub accepted: &'a [GuardName],
    /// Operations that may not go on all the same.
    pub without: &'a BTreeSet<Digest>,
    /// Who.
    pub by: Arc<str>,
    /// Why.
    pub reason: Option<&'a str>,
}

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Carries out an approved plan.
    ///
    /// # Errors
    ///
    /// Where the plan is not approved or has expired, changes are kept back, or the tenant cannot be
    /// read, nothing is sent.
    pub async fn carry_out<W: TenantWriter>(
        &self,
        writer: &W,
        policies: &Policies,
        stored: &StoredPlan,
    ) -> Result<CarriedOut, CycleError> {
        if let Some(why) = self.gate.refuse(Takes::Nothing, self.clock.now()) {
            return Err(CycleError::HeldBack(why));
        }
        let depth = Depth::before(&stored.plan);
        let Seen { snapshot, tracking, ledger, recovered: _ } = self.see(policies, depth).await?;
        let once = self.asked_again(&stored.plan.origin).await?;
        let inputs = self.inputs(policies, &snapshot, &ledger, Trigger::Apply, once.asked());
        let tried = self.tried_since_approval(stored).await?;
        let approval = stored.decisions.last();
        let accepted = approval.map_or(&[][..], |approval| &approval.accepted);
        let TakenUp { approved, stale, already_done, unapproved, planned } =
            take_up(&stored.plan, stored.state, accepted, &tried, &inputs)
                .map_err(CycleError::NotTakenUp)?;
        self.keep(snapshot.clone(), tracking.clone()).await?;
        // Whoever rejected it while the tenant was read is heeded before anything counts as accepted.
        self.records.advance(stored.plan.id, PlanState::Approved, PlanState::Applying).await?;
        let mut observed = planned.observed;
        // Whatever guard trips, a person accepted it: what there is now is what there was from now on.
        observed.extend(planned.on_acceptance);
        self.records.observe(self.tenant, observed).await?;
        let mut released = planned.plan;
        // What was never shown is not let go yet: the file may have been lost by mistake.
        released.released.retain(|entry| stored.plan.released.contains(entry));
        let (again, not_so): (Vec<Digest>, Vec<Digest>) =
            stale.iter().copied().partition(|key| tried.contains(key));
        self.set_aside(&stored.plan, &again, OutcomeKind::Stale, TRIED).await?;
        self.set_aside(&stored.plan, &not_so, OutcomeKind::Stale, NOT_SO).await?;
        self.set_aside(&stored.plan, &already_done, OutcomeKind::AlreadyDone, SO_BEFORE).await?;
        let since = self.clock.now() - WRITES_COUNT_FOR;
        writer.spent(&self.records.writes_since(self.tenant, since).await?);
        let mut run = self.execute(writer, policies, &approved, &snapshot, &ledger).await?;
        for (kind, keys) in
            [(OutcomeKind::Stale, &stale), (OutcomeKind::AlreadyDone, &already_done)]
        {
            if !keys.is_empty() {
                *run.outcomes.entry(kind).or_default() += keys.len() as u64;
                for operation in stored.plan.operations.iter().filter(|one| keys.contains(&one.key))
                {
                    *run.by_kind.entry((operation.kind, kind)).or_default() += 1;
                }
            }
        }
        let seen = std::mem::take(&mut run.seen);
        if !seen.is_empty() {
            self.keep(Arc::new(snapshot.updated(seen)), tracking).await?;
        }
        let state = if run.unsettled > 0 {
            PlanState::Applying
        } else {
            self.let_released_go(&released).await?;
            self.close(stored.plan.id).await?
        };
        let stale = stale.len() as u64;
        Ok(CarriedOut { plan: stored.plan.id, state, run, stale, unapproved })
    }

    /// Makes the part of a held plan that no guard holds, or none but accepted ones, into a plan of its
    /// own, approved by whoever let it go on. Only operations that the held plan showed are in it.
    /// Returns none where there is no such part. Where somebody decides on the held plan meanwhile, that
    /// holds for the part as well: it is not approved.
    ///
    /// # Errors
    ///
    /// Where the tenant cannot be read or the records cannot be written; nothing is stored then.
    pub async fn part_that_may_go_on(
        &self,
        policies: &Policies,
        stored: &StoredPlan,
        consent: Consent<'_>,
    ) -> Result<Option<StoredPlan>, CycleError> {
        let Consent { accepted, without, by, reason } = consent;
        let held = &stored.plan;
        let now = self.clock.now();
        if let Some(why) = self.gate.refuse(Takes::Nothing, now) {
            return Err(CycleError::HeldBack(why));
        }
        let may_go_on = |operation: &Operation| {
            goes_on(operation, accepted)
                && !without.contains(&operation.key)
                && self.gate.refuse_operation(operation, now).is_none()
        };
        if !has_part(held, &may_go_on) {
            return Ok(None);
        }
        // Somebody may have decided on it since, or it may have been too long.
        let state = self.stands(held.id).await?;
        if !state.is_open() {
            let not_open = NotTakenUp::NotOpen { plan: held.id, state };
            return Err(CycleError::NotTakenUp(not_open));
        }
        if self.clock.now() >= held.expires_at {
            let expired = NotTakenUp::Expired { plan: held.id, at: held.expires_at };
            return Err(CycleError::NotTakenUp(expired));
        }
        let depth = Depth::before(held);
        let Seen { snapshot, tracking: _, ledger, recovered: _ } =
            self.see(policies, depth).await?;
        let once = self.asked_again(&held.origin).await?;
        let inputs = self.inputs(policies, &snapshot, &ledger, Trigger::Apply, once.asked());
        let Some(part) =
            part(held, &may_go_on, &inputs).map_err(|problems| self.misfit(problems))?
        else {
            return Ok(None);
        };
        let verdicts = uncovered(&part.plan.guards, held, accepted);
        if !verdicts.is_empty() {
            let guarded = NotTakenUp::Guarded { plan: held.id, verdicts };
            return Err(CycleError::NotTakenUp(guarded));
        }
        let tripped = tripped(&part.plan.guards);
        let why = format!("the part of plan {} that nothing holds back", held.id);
        let why = reason.map_or_else(|| why.clone(), |reason| format!("{reason} ({why})"));
        let part = self.records.propose(part.plan, part.state).await?;
        let decision = Decision {
            state: PlanState::Approved,
            by,
            at: self.clock.now(),
            accepted: accepted.iter().copied().filter(|guard| tripped.contains(guard)).collect(),
            reason: Some(why.into()),
        };
        // Reading took its time: what was decided meanwhile was not known.
        let (id, decisions) = (part.plan.id, stored.decisions.len());
        if !self.records.decide_after(id, decision, held.id, decisions).await? {
            self.records.advance(id, part.state, PlanState::Superseded).await?;
            let state = self.stands(held.id).await?;
            return Err(CycleError::NotTakenUp(NotTakenUp::NotOpen { plan: held.id, state }));
        }
        Ok(self.records.plan(Some(self.tenant), Some(id)).await?)
    }

    /// Returns where a plan stands now.
    async fn stands(&self, plan: PlanId) -> Result<PlanState, CycleError> {
        let found = self.records.plan(Some(self.tenant), Some(plan)).await?;
        Ok(found.map_or(PlanState::Superseded, |stored| stored.state))
    }

    async fn set_aside(
        &self,
        plan: &Plan,
        operations: &[Digest],
        kind: OutcomeKind,
        detail: &str,
    ) -> Result<(), CycleError> {
        let settlement = |operation: &Digest| Settlement {
            outcome: Outcome {
                plan: plan.id,
                operation: *operation,
                kind,
                at: self.clock.now(),
                detail: detail.to_owned(),
                code: None,
                request_id: None,
                recovered: false,
            },
            ledger: Vec::new(),
        };
        let settlements: Vec<Settlement> = operations.iter().map(settlement).collect();
        if settlements.is_empty() {
            return Ok(());
        }
        Ok(self.records.settle(self.tenant, settlements).await?)
    }

    /// Takes the policies that are gone from the files off the ledger, as a plan told: what others own
    /// stays theirs, the rest is left alone from now on.
    ///
    /// # Errors
    ///
    /// Where the records cannot be written; nothing changed then.
    pub async fn let_released_go(&self, plan: &Plan) -> Result<(), CycleError> {
        let changes: Vec<LedgerChange> = plan.released.iter().map(Released::let_go).collect();
        if changes.is_empty() {
            return Ok(());
        }
        Ok(self.records.observe(self.tenant, changes).await?)
    }
}
