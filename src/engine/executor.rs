//! Carries approved operations out: intent on disk before its batch is sent, outcome after a read
//! shows it, locations before licenses, a small first wave before many removals.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;

use crate::domain::ids::UserId;
use crate::domain::names::PolicyName;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::engine::breaker::Breaker;
use crate::engine::{CycleError, Engine};
use crate::plan::approval::{ApprovedPlan, is_in_effect};
use crate::plan::ledger::LedgerChange;
use crate::plan::second_look::{disagreeing, groups_to_ask, left};
use crate::plan::{Operation, PlanId};
use crate::policy::PolicySet;
use crate::ports::{
    Answer, Clock, LicenseWrite, LocationWrite, Outcome, OutcomeKind, Records, Refusal, Settlement,
    TenantReader, TenantWriter,
};

/// Graph takes this many requests in a batch. Source: Graph JSON batching.
const BATCH_MAX: usize = 20;
/// Batches on their way at once; the writer slows itself down further where Graph asks for it.
const BATCHES_IN_FLIGHT: usize = 4;
/// Questions about removals on their way at once.
const QUESTIONS_IN_FLIGHT: usize = 8;
/// How long what is in flight may take once somebody asked to stop. Less than what service managers
/// wait before they kill.
const FINISH_WITHIN: Duration = Duration::from_secs(45);
/// With more people losing something than this, a few go first.
const MANY_LOSE: usize = 20;
/// So many go first.
const FIRST_WAVE: usize = 5;
/// The first and the longest wait between two looks for what Graph accepted.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);
const LOOK_AGAIN_AFTER_MAX: Duration = Duration::from_secs(15);

/// What a run came to, beside what is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How many operations ended in which way.
    pub outcomes: BTreeMap<OutcomeKind, u64>,
    /// Why the run stopped before its end, where it did.
    pub stopped: Option<String>,
    /// Operations that were sent and whose outcome the next run has to look up.
    pub unsettled: u64,
    /// The users as reads showed them after their operation.
    pub seen: Vec<User>,
}

/// A run under way.
struct Running<'r, 'e, T, R, C, W> {
    engine: &'r Engine<'e, T, R, C>,
    writer: &'r W,
    plan: PlanId,
    policies: &'r PolicySet,
    snapshot: &'r Snapshot,
    breaker: Breaker,
    run: Run,
    total: u64,
}

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Carries out what was approved.
    ///
    /// # Errors
    ///
    /// Where the records cannot be written, nothing further is sent; what was is settled by the next
    /// cycle.
    pub(crate) async fn execute<W: TenantWriter>(
        &self,
        writer: &W,
        policies: &PolicySet,
        approved: &ApprovedPlan,
        snapshot: &Snapshot,
    ) -> Result<Run, CycleError> {
        let mut running = Running {
            engine: self,
            writer,
            plan: approved.id(),
            policies,
            snapshot,
            breaker: Breaker::default(),
            run: Run::default(),
            total: approved.operations().len() as u64,
        };
        for group in in_order(approved.operations()) {
            running.wave(&group).await?;
        }
        Ok(running.run)
    }
}

/// Puts operations into groups that run one after the other: by wave, and where many people lose
/// something, a few of them first.
fn in_order(operations: &[Operation]) -> Vec<Vec<&Operation>> {
    let loses =
        |operation: &&Operation| !operation.remove.is_empty() || !operation.loses.is_empty();
    let mut waves: BTreeMap<u32, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        waves.entry(operation.wave).or_default().push(operation);
    }
    let many = operations.iter().filter(loses).count() > MANY_LOSE;
    let mut first_due = many;
    let mut groups = Vec::new();
    for wave in waves.into_values() {
        if first_due && wave.iter().any(loses) {
            first_due = false;
            let (losing, others): (Vec<_>, Vec<_>) = wave.into_iter().partition(loses);
            let (first, rest) = losing.split_at(losing.len().min(FIRST_WAVE));
            groups.push(first.to_vec());
            groups.push(others.into_iter().chain(rest.iter().copied()).collect());
        } else {
            groups.push(wave);
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

impl<T: TenantReader, R: Records, C: Clock, W: TenantWriter> Running<'_, '_, T, R, C, W> {
    async fn wave(&mut self, operations: &[&Operation]) -> Result<(), CycleError> {
        let (calling, adopting): (Vec<&Operation>, Vec<&Operation>) =
            operations.iter().copied().partition(|operation| calls_graph(operation));
        self.adopt(&adopting).await?;
        let calling = self.ask_again(calling).await?;
        let (located, failed) = self.locate(&calling).await?;
        let licensing: Vec<&Operation> = calling
            .iter()
            .copied()
            .filter(|operation| changes_licenses(operation))
            .filter(|operation| !failed.contains(&operation.user.id))
            .collect();
        let mut accepted = self.license(&licensing, &located).await?;
        for operation in &calling {
            if !changes_licenses(operation)
                && let Some(request_id) = located.get(&operation.user.id)
            {
                accepted.push((operation, request_id.clone()));
            }
        }
        self.confirm(accepted).await
    }

    /// Says why nothing further may be sent, where that is so.
    fn stopped(&self) -> Option<String> {
        if self.engine.stop.is_asked() {
            return Some("stopped on request".to_owned());
        }
        self.breaker.open().map(str::to_owned)
    }

    /// Asks for the cause of removals on leaving another way, right before they run. Returns what
    /// may run.
    async fn ask_again<'o>(
        &mut self,
        operations: Vec<&'o Operation>,
    ) -> Result<Vec<&'o Operation>, CycleError> {
        let (doubted, mut sure): (Vec<&Operation>, Vec<&Operation>) =
            operations.into_iter().partition(|operation| !left(operation).is_empty());
        let mut settlements = Vec::new();
        for chunk in doubted.chunks(BATCH_MAX) {
            if let Some(why) = self.stopped() {
                self.defer(chunk, &why).await?;
                continue;
            }
            let users: Vec<UserId> = chunk.iter().map(|operation| operation.user.id).collect();
            let seen = self.engine.reader.holdings(&users).await;
            let seen = match seen {
                Ok(seen) => seen,
                Err(error) => {
                    self.defer(chunk, &format!("its cause could not be asked again: {error}"))
                        .await?;
                    continue;
                }
            };
            let answers: Vec<Result<(), Doubt>> = stream::iter(chunk.iter().zip(seen))
                .map(|(operation, user)| self.second_look(operation, user))
                .buffered(QUESTIONS_IN_FLIGHT)
                .collect()
                .await;
            for (operation, answer) in chunk.iter().zip(answers) {
                match answer {
                    Ok(()) => sure.push(operation),
                    Err(Doubt { kind, detail }) => {
                        let mut settlement = self.settlement(operation, kind, None);
                        settlement.outcome.detail = detail;
                        settlements.push(settlement);
                    }
                }
            }
        }
        self.settle(settlements).await?;
        Ok(sure)
    }

    async fn second_look(&self, operation: &Operation, user: Option<User>) -> Result<(), Doubt> {
        let Some(user) = user else {
            return Err(Doubt::new(OutcomeKind::Stale, "the user is gone"));
        };
        let groups: Vec<_> =
            groups_to_ask(self.policies, self.snapshot, operation).into_iter().collect();
        let member_of = if groups.is_empty() {
            Vec::new()
        } else {
            self.engine.reader.memberships(user.id, &groups).await.map_err(|error| {
                let detail = format!("its cause could not be asked again: {error}");
                Doubt { kind: OutcomeKind::Deferred, detail }
            })?
        };
        let member_of = member_of.into_iter().collect();
        let disagreeing = disagreeing(
            self.policies,
            self.engine.tenant,
            self.snapshot,
            operation,
            &user,
            &member_of,
        );
        if disagreeing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = disagreeing.iter().map(PolicyName::as_str).collect();
        Err(Doubt::new(
            OutcomeKind::Stale,
            &format!("asked another way, the user still matches {}", names.join(", ")),
        ))
    }

    /// Records what needs no call: a policy comes to own what is there.
    async fn adopt(&mut self, operations: &[&Operation]) -> Result<(), CycleError> {
        for chunk in operations.chunks(1_000) {
            if let Some(why) = self.stopped() {
                self.defer(chunk, &why).await?;
                continue;
            }
            let settlements = chunk
                .iter()
                .map(|operation| self.settlement(operation, OutcomeKind::Done, None))
                .collect();
            self.settle(settlements).await?;
        }
        Ok(())
    }

    /// Writes locations. Returns for whom that was accepted, and for whom it failed.
    async fn locate(
        &mut self,
        operations: &[&Operation],
    ) -> Result<(Accepted, Vec<UserId>), CycleError> {
        let writes: Vec<(&Operation, LocationWrite)> = operations
            .iter()
            .filter_map(|operation| {
                let location = operation.usage_location?.to;
                Some((*operation, LocationWrite { user: operation.user.id, location }))
            })
            .collect();
        let writer = self.writer;
        let answers = self.send(writes, |batch| async move { writer.locate(&batch).await }).await?;
        let mut located = BTreeMap::new();
        let mut failed = Vec::new();
        let mut settlements = Vec::new();
        for (operation, answer) in answers {
            if let Answer::Accepted { request_id } = answer {
                located.insert(operation.user.id, request_id);
            } else {
                failed.push(operation.user.id);
                settlements.push(self.unsuccessful(operation, answer));
            }
        }
        self.settle(settlements).await?;
        Ok((located, failed))
    }

    /// Changes licenses. Returns what was accepted.
    async fn license<'o>(
        &mut self,
        operations: &[&'o Operation],
        located: &Accepted,
    ) -> Result<Vec<(&'o Operation, Option<std::sync::Arc<str>>)>, CycleError> {
        let writes = operations
            .iter()
            .map(|operation| (*operation, license_write(operation, located)))
            .collect();
        let writer = self.writer;
        let answers = self.send(writes, |batch| async move { writer.assign(&batch).await }).await?;
        let mut accepted = Vec::new();
        let mut settlements = Vec::new();
        for (operation, answer) in answers {
            if let Answer::Accepted { request_id } = answer {
                accepted.push((operation, request_id));
            } else {
                settlements.push(self.unsuccessful(operation, answer));
            }
        }
        self.settle(settlements).await?;
        Ok(accepted)
    }

    /// Sends writes in batches, a few at once, each after its intents are on disk. Returns an answer
    /// for every write.
    async fn send<'o, X, F>(
        &mut self,
        writes: Vec<(&'o Operation, X)>,
        send: impl Fn(Vec<X>) -> F,
    ) -> Result<Vec<(&'o Operation, Answer)>, CycleError>
    where
        F: Future<Output = Vec<Answer>>,
    {
        let engine = self.engine;
        let plan = self.plan;
        let mut batches = Vec::new();
        let mut writes = writes.into_iter().peekable();
        while writes.peek().is_some() {
            batches.push(writes.by_ref().take(BATCH_MAX).unzip::<_, _, Vec<&Operation>, Vec<X>>());
        }
        let mut answers = Vec::new();
        let mut batches = batches.into_iter();
        loop {
            let mut flight = Vec::new();
            while flight.len() < BATCHES_IN_FLIGHT
                && let Some((operations, batch)) = batches.next()
            {
                if self.stopped().is_some() {
                    answers.extend(operations.into_iter().map(|op| (op, Answer::NotSent)));
                } else {
                    flight.push((operations, batch));
                }
            }
            if flight.is_empty() {
                return Ok(answers);
            }
            let sent: Vec<_> = stream::iter(flight)
                .map(|(operations, batch)| {
                    let send = &send;
                    async move {
                        let keys = operations.iter().map(|operation| operation.key).collect();
                        engine.records.intend(plan, keys, engine.clock.now()).await?;
                        let answered = tokio::select! {
                            biased;
                            answered = send(batch) => Some(answered),
                            () = out_of_patience(engine) => None,
                        };
                        Ok::<_, CycleError>((operations, answered))
                    }
                })
                .buffered(BATCHES_IN_FLIGHT)
                .collect()
                .await;
            for batch in sent {
                let (operations, answered) = batch?;
                let Some(answered) = answered else {
                    self.run.unsettled += operations.len() as u64;
                    continue;
                };
                for (operation, answer) in operations.into_iter().zip(answered) {
                    self.breaker.take(&answer);
                    answers.push((operation, answer));
                }
            }
        }
    }

    /// Looks until reads show what Graph accepted, and records each as done when one does.
    async fn confirm(
        &mut self,
        mut left: Vec<(&Operation, Option<std::sync::Arc<str>>)>,
    ) -> Result<(), CycleError> {
        let deadline = self.engine.clock.now() + self.engine.patience.confirm_within;
        let mut wait = LOOK_AGAIN_AFTER;
        while !left.is_empty() {
            let users: Vec<UserId> = left.iter().map(|(operation, _)| operation.user.id).collect();
            let holdings = tokio::select! {
                biased;
                holdings = self.engine.reader.holdings(&users) => holdings,
                () = out_of_patience(self.engine) => {
                    self.run.unsettled += left.len() as u64;
                    return Ok(());
                }
            };
            if let Err(error) = &holdings {
                tracing::warn!(%error, "what Graph accepted could not be read back yet");
            }
            let holdings = holdings.unwrap_or_else(|_| vec![None; users.len()]);
            let late = self.engine.clock.now() >= deadline;
            let mut settlements = Vec::new();
            let mut still = Vec::new();
            for ((operation, request_id), holding) in left.into_iter().zip(holdings) {
                let shown =
                    holding.filter(|held| shows(operation, held, self.snapshot.catalogue()));
                if let Some(user) = shown {
                    self.run.seen.push(user);
                    settlements.push(self.settlement(operation, OutcomeKind::Done, request_id));
                } else if late {
                    let mut unshown = self.settlement(operation, OutcomeKind::Failed, request_id);
                    unshown.outcome.detail = format!(
                        "Graph accepted it, but no read showed it within {} s",
                        self.engine.patience.confirm_within.as_secs()
                    );
                    settlements.push(unshown);
                } else {
                    still.push((operation, request_id));
                }
            }
            self.settle(settlements).await?;
            left = still;
            if !left.is_empty() {
                tokio::select! {
                    biased;
                    () = self.engine.clock.sleep(wait) => {}
                    () = out_of_patience(self.engine) => {
                        self.run.unsettled += left.len() as u64;
                        return Ok(());
                    }
                }
                wait = (wait * 2).min(LOOK_AGAIN_AFTER_MAX);
            }
        }
        Ok(())
    }

    async fn defer(&mut self, operations: &[&Operation], why: &str) -> Result<(), CycleError> {
        let deferred = |operation: &&Operation| {
            let mut settlement = self.settlement(operation, OutcomeKind::Deferred, None);
            why.clone_into(&mut settlement.outcome.detail);
            settlement
        };
        let settlements = operations.iter().map(deferred).collect();
        self.settle(settlements).await
    }

    fn unsuccessful(&self, operation: &Operation, answer: Answer) -> Settlement {
        let (kind, refusal) = match answer {
            Answer::Refused(refusal) => (OutcomeKind::Refused, Some(refusal)),
            Answer::Failed(refusal) => (OutcomeKind::Failed, Some(refusal)),
            Answer::NotSent | Answer::Accepted { request_id: _ } => (OutcomeKind::Deferred, None),
        };
        let mut settlement = self.settlement(operation, kind, None);
        match refusal {
            Some(Refusal { kind: _, status: _, code, message, request_id }) => {
                settlement.outcome.code = Some(code);
                settlement.outcome.detail = message.to_string();
                settlement.outcome.request_id = request_id;
            }
            None => settlement.outcome.detail = self.stopped().unwrap_or_default(),
        }
        settlement
    }

    fn settlement(
        &self,
        operation: &Operation,
        kind: OutcomeKind,
        request_id: Option<std::sync::Arc<str>>,
    ) -> Settlement {
        let at = self.engine.clock.now();
        let ledger =
            if kind == OutcomeKind::Done { consequences(operation, at) } else { Vec::new() };
        let outcome = Outcome {
            plan: self.plan,
            operation: operation.key,
            kind,
            at,
            detail: String::new(),
            code: None,
            request_id,
            recovered: false,
        };
        Settlement { outcome, ledger }
    }

    async fn settle(&mut self, settlements: Vec<Settlement>) -> Result<(), CycleError> {
        if settlements.is_empty() {
            return Ok(());
        }
        for settlement in &settlements {
            *self.run.outcomes.entry(settlement.outcome.kind).or_default() += 1;
        }
        self.engine.records.settle(self.engine.tenant, settlements).await?;
        let done = self.run.outcomes.values().sum();
        self.engine.progress.at("applying", done, Some(self.total));
        self.run.stopped = self.stopped();
        Ok(())
    }
}

/// Why a removal does not run after a second look.
struct Doubt {
    kind: OutcomeKind,
    detail: String,
}

impl Doubt {
    fn new(kind: OutcomeKind, detail: &str) -> Self {
        Self { kind, detail: detail.to_owned() }
    }
}

/// For whom a location was accepted, with Graph's id of the request.
type Accepted = BTreeMap<UserId, Option<std::sync::Arc<str>>>;

/// Waits until somebody asks to stop, and then as long as what is in flight may still take. What is
/// not settled by then is left to the next run, which looks it up.
async fn out_of_patience<T, R, C: Clock>(engine: &Engine<'_, T, R, C>) {
    engine.stop.asked().await;
    engine.clock.sleep(FINISH_WITHIN).await;
}

fn license_write(operation: &Operation, located: &Accepted) -> LicenseWrite {
    let disabled = |addition: &crate::plan::Addition| {
        (addition.sku.id, addition.disabled.iter().map(|plan| plan.id).collect())
    };
    LicenseWrite {
        user: operation.user.id,
        add: operation.add.iter().map(disabled).collect(),
        remove: operation.remove.iter().map(|sku| sku.id).collect(),
        located: located.contains_key(&operation.user.id),
    }
}

fn changes_licenses(operation: &Operation) -> bool {
    !operation.add.is_empty() || !operation.remove.is_empty()
}

fn calls_graph(operation: &Operation) -> bool {
    changes_licenses(operation) || operation.usage_location.is_some()
}

/// Whether a read of the user shows the effect of an operation.
pub(crate) fn shows(operation: &Operation, holding: &User, catalogue: &Catalogue) -> bool {
    let located = operation.usage_location.is_none_or(|change| {
        holding.usage_location.value().is_some_and(|is| *is == Some(change.to))
    });
    let licensed =
        holding.licenses.value().is_some_and(|held| is_in_effect(operation, held, catalogue));
    located && licensed
}

/// Returns what an operation that took effect changes in the ledger.
pub(crate) fn consequences(operation: &Operation, at: Timestamp) -> Vec<LedgerChange> {
    let user = operation.user.id;
    let own = |sku, owners: &[PolicyName]| {
        let own = |owner: &PolicyName| LedgerChange::Own(user, sku, owner.clone(), at);
        owners.iter().map(own).collect::<Vec<_>>()
    };
    let mut changes: Vec<LedgerChange> =
        operation.remove.iter().map(|sku| LedgerChange::Forget(user, sku.id)).collect();
    for addition in &operation.add {
        changes.extend(own(addition.sku.id, &addition.owners));
    }
    for adoption in &operation.adopt {
        changes.extend(own(adoption.sku.id, &adoption.owners));
    }
    changes
}
