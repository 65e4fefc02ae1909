//! Closes what an interruption left open: by reading, never by guessing, and never by going on with
//! an old plan.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::snapshot::Snapshot;
use crate::engine::executor::shows;
use crate::engine::{CycleError, Engine};
use crate::plan::after::consequences;
use crate::plan::{Digest, Operation, PlanState};
use crate::ports::{
    Clock, HistoryFilter, OpenPlan, Outcome, OutcomeKind, Records, Settlement, TenantReader,
};

/// Longer than a write is tried for: older intents had all the time there is.
const LONG_AGO: Duration = Duration::from_mins(30);
/// How long to wait between two looks at a user.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Settles every operation of every plan that was being carried out when its process ended, and
    /// closes those plans. Returns how many there were.
    pub(crate) async fn recover(&self, snapshot: &Snapshot) -> Result<usize, CycleError> {
        let open = self.records.open_plans(self.tenant).await?;
        for plan in &open {
            tracing::warn!(plan = %plan.plan.id, intents = plan.intended.len(),
                "an interrupted run is settled by reading the users it was about");
            self.settle_intents(plan, snapshot).await?;
            self.defer(plan).await?;
            self.close(plan.plan.id).await?;
        }
        Ok(open.len())
    }

    async fn settle_intents(&self, open: &OpenPlan, snapshot: &Snapshot) -> Result<(), CycleError> {
        let operations: BTreeMap<Digest, &Operation> =
            open.plan.operations.iter().map(|operation| (operation.key, operation)).collect();
        let mut left: Vec<(&Operation, Timestamp)> = open
            .intended
            .iter()
            .filter_map(|(key, at)| operations.get(key).map(|operation| (*operation, *at)))
            .collect();
        let began = self.clock.now();
        let mut slept = Duration::ZERO;
        while !left.is_empty() {
            let users: Vec<_> = left.iter().map(|(operation, _)| operation.user.id).collect();
            let holdings = self.unless_stopped(self.reader.holdings(&users)).await??;
            let now = self.clock.now();
            let mut settlements = Vec::new();
            let mut still = Vec::new();
            for ((operation, at), holding) in left.into_iter().zip(holdings) {
                // A write may have been tried again long after its intent, and reads lag behind: so
                // look for a while from now on, unless the intent is older than any of that.
                let passed = Duration::try_from(now.duration_since(began)).unwrap_or_default();
                // However far the clock was set back.
                let waited = passed.max(slept);
                let age = Duration::try_from(now.duration_since(at)).unwrap_or_default();
                let settle_after = self.patience.settle_after;
                let is_settled = waited >= settle_after || age >= settle_after + LONG_AGO;
                let kind = match &holding {
                    None => Some((OutcomeKind::Failed, "the user is gone")),
                    Some(holding) if shows(operation, holding, snapshot.catalogue()) => {
                        Some((OutcomeKind::Done, "found done after an interruption"))
                    }
                    Some(_) if is_settled => Some((
                        OutcomeKind::Failed,
                        "interrupted before an answer came; a read afterwards does not show it",
                    )),
                    Some(_) => None,
                };
                match kind {
                    Some((kind, detail)) => {
                        settlements.push(self.recovered(open, operation, kind, detail));
                    }
                    None => still.push((operation, at)),
                }
            }
            self.records.settle(self.tenant, settlements).await?;
            left = still;
            if !left.is_empty() {
                self.unless_stopped(self.clock.sleep(LOOK_AGAIN_AFTER)).await?;
                slept += LOOK_AGAIN_AFTER;
            }
        }
        Ok(())
    }

    fn recovered(
        &self,
        open: &OpenPlan,
        operation: &Operation,
        kind: OutcomeKind,
        detail: &str,
    ) -> Settlement {
        let at = self.clock.now();
        let ledger =
            if kind == OutcomeKind::Done { consequences(operation, at) } else { Vec::new() };
        let outcome = Outcome {
            plan: open.plan.id,
            operation: operation.key,
            kind,
            at,
            detail: detail.to_owned(),
            code: None,
            request_id: None,
            recovered: true,
        };
        Settlement { outcome, ledger }
    }

    /// Records that what had not begun was not tried.
    async fn defer(&self, open: &OpenPlan) -> Result<(), CycleError> {
        let deferred = |operation: &crate::plan::Digest| Settlement {
            outcome: Outcome {
                plan: open.plan.id,
                operation: *operation,
                kind: OutcomeKind::Deferred,
                at: self.clock.now(),
                detail: "the run was interrupted before it".to_owned(),
                code: None,
                request_id: None,
                recovered: true,
            },
            ledger: Vec::new(),
        };
        let settlements = open.untouched.iter().map(deferred).collect();
        Ok(self.records.settle(self.tenant, settlements).await?)
    }

    /// Closes a plan whose operations all have their outcome. Returns where it stands then.
    pub(crate) async fn close(&self, plan: crate::plan::PlanId) -> Result<PlanState, CycleError> {
        let filter = HistoryFilter { plan: Some(plan), ..HistoryFilter::default() };
        let outcomes = self.records.history(filter).await?;
        let effective = |kind: OutcomeKind| match kind {
            OutcomeKind::Done | OutcomeKind::AlreadyDone => true,
            OutcomeKind::Stale
            | OutcomeKind::Refused
            | OutcomeKind::Failed
            | OutcomeKind::Deferred => false,
        };
        let done = outcomes.iter().filter(|entry| effective(entry.outcome.kind)).count();
        let state = match done {
            done if done == outcomes.len() => PlanState::Applied,
            0 => PlanState::Failed,
            _ => PlanState::Partial,
        };
        self.records.advance(plan, PlanState::Applying, state).await?;
        Ok(state)
    }
}
