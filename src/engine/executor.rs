//! Carries approved operations out: intent on disk before its batch is sent, outcome after a read
//! shows it, locations before licenses, a small first wave before many removals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::domain::window::Takes;
use crate::engine::breaker::Breaker;
use crate::engine::executor::confirm::Sent;
use crate::engine::{CycleError, Engine, Policies};
use crate::plan::after::consequences;
use crate::plan::approval::{ApprovedPlan, is_in_effect};
use crate::plan::ledger::Ledger;
use crate::plan::second_look::SecondLook;
use crate::plan::{Asked, Digest, Kind, Operation, PlanId, Trigger};
use crate::ports::{Clock, Outcome, OutcomeKind, Records, Settlement, TenantReader, TenantWriter};

mod ask;
mod confirm;
mod send;

/// Graph takes this many requests in a batch. Source: Graph JSON batching.
const BATCH_MAX: usize = 20;
/// So many operations are sent before it is looked what became of them. A removal is asked about right
/// before it is sent, so that fewer of them go at once.
const WINDOW: usize = 400;
const WINDOW_OF_REMOVALS: usize = 80;
/// So many may be sent while no read shows them yet: reads lag behind writes, and the quota of writes
/// should not lie idle meanwhile. Fewer where they remove: what goes wrong shall show before more goes.
///
/// Source: Graph allows an app 3,000 writes in 150 seconds, and reads may lag by minutes.
const UNCONFIRMED_MAX: usize = 4_000;
const UNCONFIRMED_REMOVALS_MAX: usize = 400;
/// How long what is in flight may take once somebody asked to stop. Less than what service managers
/// wait before they kill.
const FINISH_WITHIN: Duration = Duration::from_secs(8);
/// The code of outcomes that people or their windows caused: nothing is wrong with them.
pub(crate) const HELD_BACK: &str = "held_back";
/// With more people losing something than this, a few go first.
const MANY_LOSE: usize = 20;
/// So many go first.
const FIRST_WAVE: usize = 5;

/// What a run came to, beside what is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How many operations ended in which way.
    pub outcomes: BTreeMap<OutcomeKind, u64>,
    /// The same, told apart by what operations do.
    pub by_kind: BTreeMap<(Kind, OutcomeKind), u64>,
    /// How many were put off because people or their windows wanted it so.
    pub held_back: u64,
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
    look: SecondLook<'r>,
    snapshot: &'r Snapshot,
    breaker: Breaker,
    run: Run,
    total: u64,
    kinds: BTreeMap<Digest, Kind>,
    /// What is being sent now takes away.
    takes: Takes,
    /// Why the last writes were not all sent, where somebody or something halted them.
    halted: Option<Halt>,
    /// Why nobody else loses anything, where the first few were held back.
    first_wave_waits: Option<String>,
}

/// Why nothing further is sent.
#[derive(Clone, Debug)]
enum Halt {
    /// People or their windows want it so. Nothing is wrong, and what was approved stays so.
    HeldBack(String),
    /// Something went wrong.
    Broken(String),
}

impl Halt {
    fn on_request() -> Self {
        Self::HeldBack("stopped on request".to_owned())
    }

    fn why(&self) -> &str {
        match self {
            Self::HeldBack(why) | Self::Broken(why) => why,
        }
    }

    /// Returns the code of outcomes that are put off for it.
    fn code(&self) -> Option<Arc<str>> {
        match self {
            Self::HeldBack(_) => Some(HELD_BACK.into()),
            Self::Broken(_) => None,
        }
    }
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
        policies: &Policies,
        approved: &ApprovedPlan,
        snapshot: &Snapshot,
        ledger: &Ledger,
    ) -> Result<Run, CycleError> {
        // Of what a person asked for once, policies have nothing to say.
        let inputs = self.inputs(policies, snapshot, ledger, Trigger::Apply, Asked::Policies);
        let mut running = Running {
            engine: self,
            writer,
            plan: approved.id(),
            look: SecondLook::new(&inputs),
            snapshot,
            breaker: Breaker::default(),
            run: Run::default(),
            total: approved.operations().len() as u64,
            kinds: approved.operations().iter().map(|one| (one.key, one.kind)).collect(),
            takes: Takes::Nothing,
            halted: None,
            first_wave_waits: None,
        };
        for group in in_order(approved.operations()) {
            running.group(&group).await?;
        }
        running.run.stopped = running.halt().map(|halt| halt.why().to_owned());
        Ok(running.run)
    }
}

/// Operations that may run side by side, after those of the group before.
struct Group<'o> {
    operations: Vec<&'o Operation>,
    /// Whether these are the few that go first: unless all of them are done, nothing else goes.
    is_first_of_many: bool,
}

/// Puts operations into groups that run one after the other: by wave, and where many people lose
/// something, a few of them first. Within a group removals come first, since they are asked about.
fn in_order(operations: &[Operation]) -> Vec<Group<'_>> {
    let mut waves: BTreeMap<u32, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        waves.entry(operation.wave).or_default().push(operation);
    }
    let mut first_due = operations.iter().filter(|one| loses(one)).count() > MANY_LOSE;
    let mut groups = Vec::new();
    for wave in waves.into_values() {
        let (mut losing, others): (Vec<_>, Vec<_>) = wave.into_iter().partition(|one| loses(one));
        if first_due && !losing.is_empty() {
            first_due = false;
            let rest = losing.split_off(losing.len().min(FIRST_WAVE));
            groups.push(Group { operations: losing, is_first_of_many: true });
            losing = rest;
        }
        losing.extend(others);
        groups.push(Group { operations: losing, is_first_of_many: false });
    }
    groups.retain(|group| !group.operations.is_empty());
    groups
}

fn loses(operation: &Operation) -> bool {
    !operation.remove.is_empty() || !operation.loses.is_empty()
}

impl<T: TenantReader, R: Records, C: Clock, W: TenantWriter> Running<'_, '_, T, R, C, W> {
    async fn group(&mut self, group: &Group<'_>) -> Result<(), CycleError> {
        let done = |run: &Run| run.outcomes.get(&OutcomeKind::Done).copied().unwrap_or_default();
        let (before, held_back_before) = (done(&self.run), self.run.held_back);
        let mut operations = group.operations.clone();
        if let Some(why) = self.first_wave_waits.clone() {
            let (losing, others): (Vec<_>, Vec<_>) =
                operations.into_iter().partition(|one| loses(one));
            self.defer(&losing, &Halt::HeldBack(why)).await?;
            operations = others;
        }
        let (removing, others): (Vec<&Operation>, Vec<&Operation>) =
            operations.into_iter().partition(|operation| SecondLook::is_needed(operation));
        let mut sent = Vec::new();
        self.takes = Takes::Something;
        for window in removing.chunks(WINDOW_OF_REMOVALS) {
            self.window(window, &mut sent).await?;
            self.confirm(&mut sent, UNCONFIRMED_REMOVALS_MAX).await?;
        }
        self.takes = Takes::Nothing;
        for window in others.chunks(WINDOW) {
            self.window(window, &mut sent).await?;
            self.confirm(&mut sent, UNCONFIRMED_MAX).await?;
        }
        self.confirm(&mut sent, 0).await?;
        if group.is_first_of_many {
            let held_back = self.run.held_back - held_back_before;
            self.judge_the_first(group.operations.len(), done(&self.run) - before, held_back);
        }
        Ok(())
    }

    /// Unless all of the first people who lose something are confirmed, nobody else loses anything:
    /// because something is wrong, or because they have to wait.
    fn judge_the_first(&mut self, count: usize, done: u64, held_back: u64) {
        if done == count as u64 {
            return;
        }
        if done + held_back == count as u64 {
            let waits = format!("the first {count} people who lose something were held back");
            self.first_wave_waits = Some(waits);
        } else {
            self.breaker.trip(format!(
                "of the first {count} people who lose something, not all were confirmed"
            ));
        }
    }

    /// Sends some operations. What has to be looked at joins `sent`.
    async fn window<'o>(
        &mut self,
        operations: &[&'o Operation],
        sent: &mut Vec<Sent<'o>>,
    ) -> Result<(), CycleError> {
        if let Some(halt) = self.halt() {
            return self.defer(operations, &halt).await;
        }
        let (calling, adopting): (Vec<&'o Operation>, Vec<&'o Operation>) =
            operations.iter().copied().partition(|operation| calls_graph(operation));
        self.adopt(&adopting).await?;
        let calling = self.ask_again(calling).await?;
        sent.extend(self.send_all(&calling).await?);
        Ok(())
    }

    /// Says why nothing further may be sent, where that is so. What went wrong comes first: a person
    /// has to look at it, also where somebody stopped or paused meanwhile.
    fn halt(&self) -> Option<Halt> {
        if let Some(why) = self.breaker.open() {
            return Some(Halt::Broken(why.to_owned()));
        }
        if self.engine.stop.is_asked() {
            return Some(Halt::on_request());
        }
        self.engine.gate.refuse(self.takes, self.engine.clock.now()).map(Halt::HeldBack)
    }

    /// Records what needs no call: a policy comes to own what is there.
    async fn adopt(&mut self, operations: &[&Operation]) -> Result<(), CycleError> {
        let done = |operation: &&Operation| self.settlement(operation, OutcomeKind::Done, None);
        let settlements = operations.iter().map(done).collect();
        self.settle(settlements).await
    }

    async fn defer(&mut self, operations: &[&Operation], halt: &Halt) -> Result<(), CycleError> {
        let deferred = |operation: &&Operation| self.put_off(operation, halt, halt.why());
        let settlements = operations.iter().map(deferred).collect();
        self.settle(settlements).await
    }

    /// Says that an operation was not sent.
    fn put_off(&self, operation: &Operation, halt: &Halt, detail: &str) -> Settlement {
        let mut settlement = self.told(operation, OutcomeKind::Deferred, detail);
        settlement.outcome.code = halt.code();
        settlement
    }

    fn told(&self, operation: &Operation, kind: OutcomeKind, detail: &str) -> Settlement {
        let mut settlement = self.settlement(operation, kind, None);
        detail.clone_into(&mut settlement.outcome.detail);
        settlement
    }

    fn settlement(
        &self,
        operation: &Operation,
        kind: OutcomeKind,
        request_id: Option<Arc<str>>,
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
            let outcome = settlement.outcome.kind;
            let is_held_back = settlement.outcome.code.as_deref() == Some(HELD_BACK);
            self.run.held_back += u64::from(outcome == OutcomeKind::Deferred && is_held_back);
            *self.run.outcomes.entry(outcome).or_default() += 1;
            if let Some(kind) = self.kinds.get(&settlement.outcome.operation) {
                *self.run.by_kind.entry((*kind, outcome)).or_default() += 1;
            }
        }
        self.engine.records.settle(self.engine.tenant, settlements).await?;
        let done = self.run.outcomes.values().sum();
        self.engine.progress.at("applying", done, Some(self.total));
        Ok(())
    }
}

/// Waits until somebody asks to stop, and then as long as what is in flight may still take. What is
/// not settled by then is left to the next run, which looks it up.
async fn out_of_patience<T, R, C>(engine: &Engine<'_, T, R, C>) {
    engine.stop.overdue(FINISH_WITHIN).await;
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
