//! One pass from reading to recording.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::snapshot::{ReadKind, Snapshot};
use crate::domain::tracking::Tracking;
use crate::engine::executor::HELD_BACK;
use crate::engine::{CycleError, Engine, Freshness, Misfits, Policies};
use crate::plan::approval::uncovered;
use crate::plan::inventory::seat_use;
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, LIFETIME, Planned, make};
use crate::plan::second_look::SecondLook;
use crate::plan::settled::Settled;
use crate::plan::{Asked, Digest, OriginKind, Plan, PlanId, PlanState, Trigger};
use crate::ports::{
    Clock, CycleRecord, Decision, HistoryEntry, HistoryFilter, Outcome, OutcomeKind, ReadRequest,
    Records, RecordsError, StoredPlan, TenantRead, TenantReader,
};

/// What a cycle came to.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// What the tenant looked like.
    pub snapshot: Arc<Snapshot>,
    /// What policies owned.
    pub ledger: Arc<Ledger>,
    /// The plan as it was made, also where there is nothing to do.
    pub planned: Planned,
    /// The plan as it is stored, where there is something to do.
    pub stored: Option<StoredPlan>,
    /// How many plans that an interruption had left open were closed.
    pub recovered: usize,
}

/// How deep to read where changes are tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What changed, where that is enough.
    Changes,
    /// Everything.
    Whole,
}

impl Depth {
    /// Returns how deep to read before carrying out a plan: nothing is taken away on the word of
    /// changes alone.
    pub(crate) fn before(plan: &Plan) -> Self {
        let removes = plan.operations.iter().any(SecondLook::is_needed);
        if removes { Self::Whole } else { Self::Changes }
    }
}

/// The tenant and the ledger as they are now, with nothing left open.
pub(crate) struct Seen {
    pub(crate) snapshot: Arc<Snapshot>,
    /// What the next read needs to read only what changed.
    pub(crate) tracking: Option<Tracking>,
    pub(crate) ledger: Arc<Ledger>,
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
        self.note(started_at, trigger, &result).await?;
        result
    }

    async fn plan_from(
        &self,
        policies: &Policies,
        trigger: Trigger,
        misfits: Misfits,
    ) -> Result<Cycle, CycleError> {
        let request = self.request(&policies.set);
        let plan = |seen: &Seen| -> Result<Planned, CycleError> {
            self.progress.at("planning", 0, None);
            let Seen { snapshot, ledger, .. } = seen;
            let inputs = self.inputs(policies, snapshot, ledger, trigger, Asked::Policies);
            if let Some(same) = self.memo.recall(policies, snapshot, ledger, &inputs) {
                return Ok(same);
            }
            let planned = make(&inputs).map_err(|problems| self.misfit(problems))?;
            self.memo.keep(policies, snapshot, ledger, Settled::of(&inputs, &planned));
            Ok(planned)
        };
        let mut seen = Box::pin(self.see_for(&request, policies, Depth::Changes)).await?;
        let mut planned = plan(&seen)?;
        if self.needs_more(&seen, &planned.plan) {
            let recovered = seen.recovered;
            seen = Box::pin(self.see_for(&request, policies, Depth::Whole)).await?;
            seen.recovered += recovered;
            planned = plan(&seen)?;
        }
        if misfits == Misfits::Refuse && !planned.problems.is_empty() {
            return Err(self.misfit(planned.problems));
        }
        let Seen { snapshot, tracking, ledger, recovered } = seen;
        self.keep(snapshot.clone(), tracking).await?;
        self.records.observe(self.tenant, planned.observed.clone()).await?;
        let seats = seat_use(&snapshot, self.settings, &planned.plan);
        if let Err(error) = self.records.note_seats(self.tenant, snapshot.taken_at(), seats).await {
            // A forecast that is missing is no reason not to plan.
            tracing::warn!(tenant = %self.tenant, %error, "how seats are used was not recorded");
        }
        let stored = if planned.is_settled() {
            self.records.settle_open_plans(self.tenant).await?;
            None
        } else {
            let before = self.latest_of_policies().await?;
            self.ask_again(before.as_ref(), &planned.plan).await?;
            let stored = self.records.propose(planned.plan.clone(), planned.state).await?;
            Some(self.carry_approval_over(before, stored).await?)
        };
        Ok(Cycle { snapshot, ledger, planned, stored, recovered })
    }

    /// Returns the plan whose approval may still hold: the one that is approved, else the latest that
    /// follows from the policies.
    async fn latest_of_policies(&self) -> Result<Option<StoredPlan>, CycleError> {
        let heads = self.records.plans(Some(self.tenant)).await?;
        let mut of_policies = heads.iter().filter(|head| head.origin == OriginKind::Policies);
        let approved: Vec<PlanId> = of_policies
            .clone()
            .filter(|head| head.state == PlanState::Approved)
            .map(|head| head.id)
            .collect();
        // A part of it is newer, approved or carried out, and says nothing of the rest.
        let mut first = None;
        for id in approved {
            let found = self.records.plan(Some(self.tenant), Some(id)).await?;
            match found {
                Some(whole) if whole.plan.part_of.is_none() => return Ok(Some(whole)),
                Some(part) => first = first.or(Some(part)),
                None => {}
            }
        }
        if first.is_some() {
            return Ok(first);
        }
        match of_policies.next() {
            None => Ok(None),
            Some(head) => Ok(self.records.plan(Some(self.tenant), Some(head.id)).await?),
        }
    }

    /// Closes an approved plan of which a part was tried and is planned still: something went wrong, or
    /// somebody changed it back. The new plan asks about it again, even where it is the same.
    async fn ask_again(&self, before: Option<&StoredPlan>, plan: &Plan) -> Result<(), CycleError> {
        let Some(before) = before.filter(|one| one.state == PlanState::Approved) else {
            return Ok(());
        };
        let mut tried = self.tried(before).await?;
        // A read may lag behind what was done just now.
        let lag = self.clock.now()
            - SignedDuration::try_from(self.patience.settle_after).unwrap_or_default();
        tried.retain(|_, outcome| {
            let is_done = matches!(outcome.kind, OutcomeKind::Done | OutcomeKind::AlreadyDone);
            !(is_done && outcome.at > lag)
        });
        let count = plan.operations.iter().filter(|one| tried.contains_key(&one.key)).count();
        if count == 0 {
            return Ok(());
        }
        tracing::warn!(
            tenant = %self.tenant, plan = %before.plan.id, tried = count,
            "operations of the approved plan were tried in a part of it and are planned still: they are asked about again"
        );
        let now = self.records.plan(Some(self.tenant), Some(before.plan.id)).await?;
        if now.is_some_and(|now| now.decisions.len() != before.decisions.len()) {
            // Somebody decided on it just then.
            return Ok(());
        }
        let (from, to) = (PlanState::Approved, PlanState::Superseded);
        match self.records.advance(before.plan.id, from, to).await {
            // Somebody decided on it just then.
            Ok(()) | Err(RecordsError::WrongState { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a plan approved whose operations were all approved before, and did not run: as part of the
    /// plan that it takes the place of, or since somebody stopped that one. One with anything new asks
    /// again.
    async fn carry_approval_over(
        &self,
        before: Option<StoredPlan>,
        stored: StoredPlan,
    ) -> Result<StoredPlan, CycleError> {
        let Some(before) = before else { return Ok(stored) };
        let approval = before.decisions.last();
        let Some(approval) = approval.filter(|last| last.state == PlanState::Approved) else {
            return Ok(stored);
        };
        let is_new = stored.plan.id != before.plan.id && stored.state.is_open();
        let now = self.clock.now();
        // However often it is carried over, an approval holds no longer than a plan.
        let in_time = now < before.plan.expires_at && now < LIFETIME.after(approval.at);
        if !is_new || !in_time || stored.state == PlanState::Approved {
            return Ok(stored);
        }
        // Letting a policy go was shown to whoever approved, too.
        if stored.plan.released.iter().any(|entry| !before.plan.released.contains(entry)) {
            return Ok(stored);
        }
        let keys: BTreeSet<Digest> =
            stored.plan.operations.iter().map(|operation| operation.key).collect();
        if !keys.is_subset(&self.still_approved(&before).await?) {
            return Ok(stored);
        }
        if !uncovered(&stored.plan.guards, &before.plan, &approval.accepted).is_empty() {
            return Ok(stored);
        }
        // Whoever rejected it later, in whatever plan, is heeded.
        if !self.rejected_since(&stored.plan, approval.at).await?.is_empty() {
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
        // Somebody may have decided on the plan before while this one was made.
        let (id, decisions) = (stored.plan.id, before.decisions.len());
        if !self.records.decide_after(id, decision, before.plan.id, decisions).await? {
            return Ok(stored);
        }
        let carried = self.records.plan(Some(self.tenant), Some(stored.plan.id)).await?;
        Ok(carried.unwrap_or(stored))
    }

    /// Returns the operations of a plan that somebody approved and that did not run. Those that an
    /// interruption or a failure left are asked about again: something was wrong.
    pub(crate) async fn still_approved(
        &self,
        plan: &StoredPlan,
    ) -> Result<BTreeSet<Digest>, CycleError> {
        match plan.state {
            PlanState::Approved => {
                // A part of it may have been carried out already: what that tried is used up.
                let tried = self.tried_since_approval(plan).await?;
                let keys = plan.plan.operations.iter().map(|operation| operation.key);
                Ok(keys.filter(|key| !tried.contains(key)).collect())
            }
            PlanState::Partial | PlanState::Failed => {
                let outcomes = self.outcomes(plan.plan.id).await?;
                Ok(outcomes
                    .iter()
                    .filter(|entry| waits_still(entry))
                    .map(|entry| entry.outcome.operation)
                    .collect())
            }
            PlanState::Proposed
            | PlanState::Held
            | PlanState::Applying
            | PlanState::Applied
            | PlanState::Rejected
            | PlanState::Superseded
            | PlanState::Expired => Ok(BTreeSet::new()),
        }
    }

    /// Returns the operations of an approved plan that were tried since somebody approved it, as part of
    /// it. What only waited for a pause or a window was not tried.
    pub(crate) async fn tried_since_approval(
        &self,
        plan: &StoredPlan,
    ) -> Result<BTreeSet<Digest>, CycleError> {
        Ok(self.tried(plan).await?.into_keys().collect())
    }

    /// Returns them with their outcomes.
    async fn tried(&self, plan: &StoredPlan) -> Result<BTreeMap<Digest, Outcome>, CycleError> {
        let mut tried = BTreeMap::new();
        let Some(approval) = plan.decisions.last() else { return Ok(tried) };
        for newer in self.newer_than(plan.plan.id).await? {
            let outcomes = self.outcomes(newer).await?;
            let since = outcomes.iter().filter(|entry| entry.outcome.at >= approval.at);
            let since = since.filter(|entry| !waits_still(entry));
            tried.extend(since.map(|entry| (entry.outcome.operation, entry.outcome.clone())));
        }
        let own: BTreeSet<Digest> = plan.plan.operations.iter().map(|one| one.key).collect();
        tried.retain(|key, _| own.contains(key));
        Ok(tried)
    }

    /// Returns the plans that were carried out, in part or whole, after one was made.
    async fn newer_than(&self, id: PlanId) -> Result<Vec<PlanId>, CycleError> {
        let heads = self.records.plans(Some(self.tenant)).await?;
        let newer = heads.iter().take_while(|head| head.id != id);
        Ok(newer.filter(|head| head.state.was_carried_out()).map(|head| head.id).collect())
    }

    async fn outcomes(&self, plan: PlanId) -> Result<Vec<HistoryEntry>, CycleError> {
        let filter = HistoryFilter { plan: Some(plan), ..HistoryFilter::default() };
        Ok(self.records.history(filter).await?)
    }

    /// Returns the operations of a plan that somebody rejected lately: no mode approves them for as
    /// long as a plan lives.
    pub(crate) async fn rejected(&self, plan: &Plan) -> Result<BTreeSet<Digest>, CycleError> {
        self.rejected_since(plan, Timestamp::MIN).await
    }

    /// Returns those that somebody rejected after a time.
    async fn rejected_since(
        &self,
        plan: &Plan,
        since: Timestamp,
    ) -> Result<BTreeSet<Digest>, CycleError> {
        let now = self.clock.now();
        let mut rejected = BTreeSet::new();
        for head in self.records.plans(Some(self.tenant)).await? {
            // No plan is decided on after it expired, and this one held no longer than that again.
            if now >= LIFETIME.after(LIFETIME.after(head.created_at)) {
                break;
            }
            if head.state != PlanState::Rejected {
                continue;
            }
            let Some(stored) = self.records.plan(Some(self.tenant), Some(head.id)).await? else {
                continue;
            };
            let is_heeded = |last: &Decision| last.at >= since && now < LIFETIME.after(last.at);
            if stored.decisions.last().is_some_and(is_heeded) {
                rejected.extend(stored.plan.operations.iter().map(|operation| operation.key));
            }
        }
        Ok(plan.operations.iter().map(|one| one.key).filter(|key| rejected.contains(key)).collect())
    }

    /// Reads the tenant, closes what an interruption left open, and loads the ledger.
    pub(crate) async fn see(&self, policies: &Policies, depth: Depth) -> Result<Seen, CycleError> {
        Box::pin(self.see_for(&self.request(&policies.set), policies, depth)).await
    }

    /// Does so with a request of one's own.
    pub(crate) async fn see_for(
        &self,
        request: &ReadRequest,
        policies: &Policies,
        depth: Depth,
    ) -> Result<Seen, CycleError> {
        let (mut snapshot, mut tracking) = self.read_to(request, depth).await?;
        let recovered = self.recover(&snapshot).await?;
        if recovered > 0 {
            // Reads lag behind writes: the first one may not show yet what recovery found done.
            (snapshot, tracking) = self.read_to(request, Depth::Whole).await?;
        }
        let within = self.patience.sign_ins_within;
        let snapshot = self.with_sign_ins(snapshot, &policies.set, within).await?;
        let snapshot = Arc::new(snapshot);
        let ledger = self.records.ledger(self.tenant).await?;
        Ok(Seen { snapshot, tracking, ledger, recovered })
    }

    /// Whether a plan rests on too little: it takes something away, and all that was read are changes.
    pub(crate) fn needs_more(&self, seen: &Seen, plan: &Plan) -> bool {
        let removes = plan.operations.iter().any(SecondLook::is_needed);
        let needs = removes && seen.snapshot.read() == ReadKind::Delta;
        if needs {
            tracing::info!(tenant = %self.tenant,
                "the plan takes something away; reading everything before it is believed");
        }
        needs
    }

    /// Reads the tenant as deep as it has to be, and returns what the next read needs.
    async fn read_to(
        &self,
        request: &ReadRequest,
        depth: Depth,
    ) -> Result<(Snapshot, Option<Tracking>), CycleError> {
        let Freshness::Tracked { full_every } = self.reading else {
            return Ok((self.read(request).await?, None));
        };
        let earlier = match depth {
            Depth::Whole => None,
            Depth::Changes => self.records.tracked(self.tenant).await?,
        };
        let began = self.clock.now();
        let is_recent = |tracking: &Tracking| {
            Duration::try_from(began.duration_since(tracking.full_read_at))
                .is_ok_and(|age| age < full_every)
        };
        let earlier = earlier.filter(|(_, tracking)| is_recent(tracking));
        let asking = Box::pin(self.reader.read_tracked(request, earlier, self.progress));
        let TenantRead { snapshot, tracking, doubt, changed } =
            self.unless_stopped(asking).await??;
        tracing::info!(tenant = %self.tenant, read = snapshot.read().as_str(), changed,
            doubt = doubt.as_deref(), "the tenant was read");
        Ok((snapshot, tracking))
    }

    /// Keeps a snapshot, and what the next read needs where there is something.
    pub(crate) async fn keep(
        &self,
        snapshot: Arc<Snapshot>,
        tracking: Option<Tracking>,
    ) -> Result<(), CycleError> {
        match tracking {
            Some(tracking) => {
                Ok(self.records.keep_tracked(self.tenant, snapshot, tracking).await?)
            }
            None => Ok(self.records.keep_snapshot(self.tenant, snapshot).await?),
        }
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
        trigger: Trigger,
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
                | CycleError::HeldBack(_)
                | CycleError::Stopped,
            ) => return Ok(()),
        };
        let plan = result.as_ref().ok().and_then(|cycle| cycle.stored.as_ref());
        let record = CycleRecord {
            tenant: self.tenant.clone(),
            trigger: Some(trigger),
            started_at,
            ended_at: self.clock.now(),
            plan: plan.map(|stored| stored.plan.id),
            failure,
        };
        Ok(self.records.cycle(record).await?)
    }
}

/// Whether an operation did not run only because of a pause or a window.
fn waits_still(entry: &HistoryEntry) -> bool {
    entry.outcome.kind == OutcomeKind::Deferred && entry.outcome.code.as_deref() == Some(HELD_BACK)
}
