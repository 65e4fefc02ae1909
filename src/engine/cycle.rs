//! One pass from reading to recording.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::snapshot::Snapshot;
use crate::engine::{CycleError, Engine, Misfits, Policies};
use crate::plan::approval::uncovered;
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, Planned, make};
use crate::plan::{Asked, Digest, OriginKind, PlanState, Trigger};
use crate::ports::{Clock, CycleRecord, Decision, ReadRequest, Records, StoredPlan, TenantReader};

/// What a cycle came to.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// What the tenant looked like.
    pub snapshot: Arc<Snapshot>,
    /// What policies owned.
    pub ledger: Ledger,
    /// The plan as it was made, also where there is nothing to do.
    pub planned: Planned,
    /// The plan as it is stored, where there is something to do.
    pub stored: Option<StoredPlan>,
    /// How many plans that an interruption had left open were closed.
    pub recovered: usize,
}

/// The tenant and the ledger as they are now, with nothing left open.
pub(crate) struct Seen {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) ledger: Ledger,
    pub(crate) recovered: usize,
}

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Reads, recovers, plans and stores.
    ///
    /// # Errors
    ///
    /// Where the tenant cannot be read whole, or policies do not fit it and are not left out, nothing
    /// is stored but the fact.
    pub async fn plan(
        &self,
        policies: &Policies,
        trigger: Trigger,
        misfits: Misfits,
    ) -> Result<Cycle, CycleError> {
        let started_at = self.clock.now();
        let result = self.plan_from(policies, trigger, misfits).await;
        self.note(started_at, &result).await?;
        result
    }

    async fn plan_from(
        &self,
        policies: &Policies,
        trigger: Trigger,
        misfits: Misfits,
    ) -> Result<Cycle, CycleError> {
        let Seen { snapshot, ledger, recovered } = self.see(policies).await?;
        self.progress.at("planning", 0, None);
        let inputs = self.inputs(policies, &snapshot, &ledger, trigger, Asked::Policies);
        let planned = make(&inputs).map_err(|problems| self.misfit(problems))?;
        if misfits == Misfits::Refuse && !planned.problems.is_empty() {
            return Err(self.misfit(planned.problems));
        }
        self.records.keep_snapshot(self.tenant, snapshot.clone()).await?;
        self.records.observe(self.tenant, planned.observed.clone()).await?;
        let stored = if planned.is_settled() {
            self.records.settle_open_plans(self.tenant).await?;
            None
        } else {
            let before = self.latest_of_policies().await?;
            let stored = self.records.propose(planned.plan.clone(), planned.state).await?;
            Some(self.carry_approval_over(before, stored).await?)
        };
        Ok(Cycle { snapshot, ledger, planned, stored, recovered })
    }

    /// Returns the latest plan that follows from the policies.
    async fn latest_of_policies(&self) -> Result<Option<StoredPlan>, CycleError> {
        let heads = self.records.plans(Some(self.tenant)).await?;
        let latest = heads.iter().find(|head| head.origin == OriginKind::Policies);
        match latest {
            None => Ok(None),
            Some(head) => Ok(self.records.plan(Some(self.tenant), Some(head.id)).await?),
        }
    }

    /// Keeps a plan approved whose operations were all approved before, as part of the plan that it
    /// takes the place of. One with anything new asks again.
    async fn carry_approval_over(
        &self,
        before: Option<StoredPlan>,
        stored: StoredPlan,
    ) -> Result<StoredPlan, CycleError> {
        let Some(before) = before.filter(|plan| plan.state == PlanState::Approved) else {
            return Ok(stored);
        };
        let Some(approval) = before.decisions.last() else { return Ok(stored) };
        let keys = |plan: &StoredPlan| -> BTreeSet<Digest> {
            plan.plan.operations.iter().map(|operation| operation.key).collect()
        };
        let is_new = stored.plan.id != before.plan.id && stored.state.is_open();
        let in_time = self.clock.now() < before.plan.expires_at;
        if !is_new || !in_time || !keys(&stored).is_subset(&keys(&before)) {
            return Ok(stored);
        }
        if !uncovered(&stored.plan.guards, &before.plan, &approval.accepted).is_empty() {
            return Ok(stored);
        }
        let reason =
            approval.reason.as_deref().map(|reason| format!("{reason}; ")).unwrap_or_default();
        let decision = Decision {
            reason: Some(
                format!("{reason}all of it was approved in plan {}", before.plan.id).into(),
            ),
            ..approval.clone()
        };
        self.records.decide(stored.plan.id, decision).await?;
        let carried = self.records.plan(Some(self.tenant), Some(stored.plan.id)).await?;
        Ok(carried.unwrap_or(stored))
    }

    /// Reads the tenant, closes what an interruption left open, and loads the ledger.
    pub(crate) async fn see(&self, policies: &Policies) -> Result<Seen, CycleError> {
        self.see_for(self.request(&policies.set), policies).await
    }

    /// Does so with a request of one's own.
    pub(crate) async fn see_for(
        &self,
        request: ReadRequest,
        policies: &Policies,
    ) -> Result<Seen, CycleError> {
        let mut snapshot = self.read(&request).await?;
        let recovered = self.recover(&snapshot).await?;
        if recovered > 0 {
            // Reads lag behind writes: the first one may not show yet what recovery found done.
            snapshot = self.read(&request).await?;
        }
        let within = self.patience.sign_ins_within;
        let snapshot = self.with_sign_ins(snapshot, &policies.set, within).await?;
        let snapshot = Arc::new(snapshot);
        let ledger = self.records.ledger(self.tenant).await?;
        Ok(Seen { snapshot, ledger, recovered })
    }

    /// Reads the tenant, unless somebody asks to stop: a read has nothing that must be finished.
    ///
    /// # Errors
    ///
    /// Where the tenant cannot be read whole, or somebody asked to stop; nothing was concluded.
    pub async fn read(&self, request: &ReadRequest) -> Result<Snapshot, CycleError> {
        tokio::select! {
            biased;
            () = self.stop.asked() => Err(CycleError::Stopped),
            read = self.reader.read(request, self.progress) => Ok(read?),
        }
    }

    pub(crate) fn inputs<'i>(
        &'i self,
        policies: &'i Policies,
        snapshot: &'i Snapshot,
        ledger: &'i Ledger,
        trigger: Trigger,
        asked: Asked<'i>,
    ) -> Inputs<'i> {
        Inputs {
            tenant: self.tenant,
            policies: &policies.set,
            policy_digest: policies.digest,
            policy_commit: policies.commit.as_ref(),
            settings: self.settings,
            snapshot,
            ledger,
            now: self.clock.now(),
            trigger,
            asked,
        }
    }

    pub(crate) async fn note(
        &self,
        started_at: Timestamp,
        result: &Result<Cycle, CycleError>,
    ) -> Result<(), CycleError> {
        let failure = match result {
            Ok(_) => None,
            Err(CycleError::Tenant(error)) => Some(error.to_string()),
            // Bad input stores nothing, and broken records cannot.
            Err(
                CycleError::Misfit { tenant: _, problems: _ }
                | CycleError::Records(_)
                | CycleError::Request(_)
                | CycleError::NotTakenUp(_)
                | CycleError::Stopped,
            ) => return Ok(()),
        };
        let plan = result.as_ref().ok().and_then(|cycle| cycle.stored.as_ref());
        let record = CycleRecord {
            tenant: self.tenant.clone(),
            started_at,
            ended_at: self.clock.now(),
            plan: plan.map(|stored| stored.plan.id),
            failure,
        };
        Ok(self.records.cycle(record).await?)
    }
}
