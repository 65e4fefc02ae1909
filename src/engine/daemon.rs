//! The daemon: one loop a tenant, one cycle at a time, whatever starts it.
//!
//! A trigger says when, never what: each starts the same cycle from what is there now. The mode says
//! who approves; nothing below here knows it. Whatever fails is told, and tried again later: the loop
//! ends only where somebody asks it to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument as _;

use crate::config::Mode;
use crate::domain::event::Event;
use crate::domain::names::TenantName;
use crate::domain::window::Takes;
use crate::engine::gate::Gate;
use crate::engine::memo::Memo;
use crate::engine::{CycleError, Engine, Freshness, Patience, Policies, Stop};
use crate::plan::{PlanId, Trigger};
use crate::policy::settings::Settings;
use crate::ports::desk::{Activity, Desk, FailedReply, LeftOut, Reply, Report, Request, RequestId};
use crate::ports::{Clock, Records, RecordsError, TenantReader, TenantWriter};
use beating::BeatingProgress;

mod act;
mod beating;
pub mod board;
mod cycle;
mod serve;
mod tell;
mod timetable;
mod wake;

pub use beating::BeatingClock;
pub use board::{Board, Place};
pub use timetable::Timetable;
pub use wake::Wake;

/// How often the daemon looks for what others left for it in the records.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the daemon tells that it is there, while it waits. Who looks from outside sees by it that
/// it can still record anything.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// Where the policies come from.
pub trait PolicySource: Send + Sync {
    /// Returns the policies as they are now.
    ///
    /// # Errors
    ///
    /// Where they cannot be read or are invalid, says so; those in force stay.
    fn load(&self) -> impl Future<Output = Result<Arc<Policies>, InvalidPolicies>> + Send;

    /// Returns why the settings that the daemon goes by are not those of their file now, where they are
    /// not.
    fn outdated(&self) -> impl Future<Output = Option<Arc<str>>> + Send;
}

/// Policies that cannot be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPolicies {
    /// One line.
    pub summary: String,
    /// Every problem with its place.
    pub details: String,
}

/// Somebody who is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The name of the receiver.
    pub name: Arc<str>,
    /// What it is told.
    pub on: BTreeSet<Event>,
}

/// What the daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its process.
    pub process: u32,
    /// The version of the program.
    pub version: Arc<str>,
}

/// Puts a failure into the words and the exit code of a command.
pub type Wording<'a> = dyn Fn(CycleError) -> FailedReply + Send + Sync + 'a;

/// What keeps one tenant.
pub struct Keeping<'a, T, R, C, S> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// Its settings.
    pub settings: &'a Settings,
    /// Who approves.
    pub mode: Mode,
    /// When cycles are due.
    pub timetable: Timetable,
    /// Whether changes may be sent.
    pub gate: &'a Gate,
    /// Reads the tenant and writes to it.
    pub client: &'a T,
    /// Keeps what was planned and done, and what others ask for.
    pub records: &'a R,
    /// Tells the time.
    pub clock: &'a C,
    /// Where policies come from.
    pub source: &'a S,
    /// Puts failures into words for the commands that wait.
    pub wording: &'a Wording<'a>,
    /// Who is told what.
    pub receivers: Vec<Receiver>,
    /// What the daemon is.
    pub identity: Identity,
    /// How patient to be.
    pub patience: Patience,
    /// How long reads may tell only what changed.
    pub full_read: Duration,
    /// Whether to stop.
    pub stop: Stop,
    /// What there is to see.
    pub place: Arc<Place>,
}

/// The loop of one tenant.
struct Keeper<'a, T, R, C, S> {
    with: Keeping<'a, T, R, C, S>,
    clock: BeatingClock<&'a C>,
    progress: BeatingProgress,
    memo: Memo,
    /// The policies in force; none before any were valid.
    policies: Option<Arc<Policies>>,
    /// Why the files are not in force, where they are not.
    invalid: Option<InvalidPolicies>,
    /// What did not fit the tenant in the last cycle that read it.
    left_out: LeftOut,
    /// Why the settings in force are not those of their file, where they are not.
    outdated: Option<Arc<str>>,
    /// How many cycles have failed in a row, and since when.
    failures: u32,
    failing_since: Option<Timestamp>,
    /// When the next cycle is due, and whether that is for the failure of the last.
    next_cycle: Option<(Timestamp, Trigger)>,
    /// Approved plans that wait for the gate to open.
    held_back: BTreeSet<PlanId>,
    /// Whether the gate was shut when it was last looked at, for each kind of change.
    was_shut: [bool; 2],
    /// When it last said what it does.
    shown_at: Timestamp,
    /// Answers that could not be recorded yet.
    unanswered: Vec<(RequestId, Reply)>,
    /// How many runs have failed in a row.
    failed_runs: u32,
    /// Whether the records failed when they were last looked at, so that it is told once.
    records_fail: bool,
}

/// What is to be done next.
enum Due {
    Stop,
    Cycle(Trigger),
    Request(Box<Request>),
    Approved(PlanId),
}

impl<T, R, C, S> Keeping<'_, T, R, C, S>
where
    T: TenantReader + TenantWriter,
    R: Records + Desk,
    C: Clock,
    S: PolicySource,
{
    /// Keeps the tenant until somebody asks to stop.
    pub async fn keep(self) {
        let place = Arc::clone(&self.place);
        let clock = BeatingClock::new(self.clock, Arc::clone(&place));
        let mut keeper = Keeper {
            clock,
            progress: BeatingProgress { place },
            with: self,
            memo: Memo::default(),
            policies: None,
            invalid: None,
            left_out: LeftOut::default(),
            outdated: None,
            failures: 0,
            failing_since: None,
            next_cycle: None,
            held_back: BTreeSet::new(),
            was_shut: [false; 2],
            shown_at: Timestamp::MIN,
            unanswered: Vec::new(),
            failed_runs: 0,
            records_fail: false,
        };
        keeper.until_stopped().await;
    }
}

impl<'a, T, R, C, S> Keeper<'a, T, R, C, S>
where
    T: TenantReader + TenantWriter,
    R: Records + Desk,
    C: Clock,
    S: PolicySource,
{
    async fn until_stopped(&mut self) {
        let now = self.clock.now();
        // Whoever waits for a daemon that is gone waits in vain.
        let abandoned = self.with.records.abandon_requests(self.with.tenant, now).await;
        self.heed(abandoned);
        self.with.place.wake.ring(Trigger::Start);
        // Whatever is logged says with its number in which of them it was.
        for turn in 1_u64.. {
            match self.next().await {
                Due::Stop => break,
                Due::Cycle(trigger) => {
                    let span = tracing::info_span!("cycle", cycle = turn);
                    Box::pin(self.cycle(trigger)).instrument(span).await;
                }
                Due::Request(request) => {
                    let span = tracing::info_span!("cycle", cycle = turn, request = %request.id.0);
                    Box::pin(self.serve(*request)).instrument(span).await;
                }
                Due::Approved(plan) => {
                    let span = tracing::info_span!("cycle", cycle = turn, plan = %plan);
                    Box::pin(self.carry_out_approved(plan)).instrument(span).await;
                }
            }
        }
        self.show(Activity::Stopped).await;
    }

    /// Waits until there is something to do.
    async fn next(&mut self) -> Due {
        loop {
            self.with.place.beat();
            if self.with.stop.is_asked() {
                return Due::Stop;
            }
            if let Some(due) = self.look().await {
                return due;
            }
            let now = self.clock.now();
            if timetable::until(self.shown_at, now) >= REPORT_EVERY || now < self.shown_at {
                self.show(Activity::Waiting).await;
            }
            let next = self.next_cycle.map_or(LOOK_EVERY, |(at, _)| timetable::until(now, at));
            tokio::select! {
                biased;
                () = self.with.stop.asked() => {}
                () = self.with.place.wake.rung() => {}
                () = self.clock.sleep(next.min(LOOK_EVERY)) => {}
            }
        }
    }

    /// Looks for what there is to do now.
    async fn look(&mut self) -> Option<Due> {
        let now = self.clock.now();
        if self.look_at_the_gate(now).await {
            self.with.place.wake.ring(Trigger::Window);
        }
        self.answer().await;
        let request = self.with.records.take_request(self.with.tenant, now).await;
        if let Some(request) = self.heed(request).flatten() {
            return Some(Due::Request(Box::new(request)));
        }
        if let Some(trigger) = self.with.place.wake.take() {
            return Some(Due::Cycle(trigger));
        }
        if let Some(plan) = self.approved().await {
            return Some(Due::Approved(plan));
        }
        match self.next_cycle {
            Some((at, trigger)) if at <= now => Some(Due::Cycle(trigger)),
            // A clock that was set back must not keep the tenant waiting for the time that it showed.
            Some((at, trigger)) => {
                let due = self.with.timetable.next_after(now);
                if due.is_some_and(|due| due < at) {
                    self.next_cycle = due.map(|due| (due, trigger));
                }
                None
            }
            None => None,
        }
    }

    /// Returns the approved plan that may be carried out.
    async fn approved(&mut self) -> Option<PlanId> {
        if self.with.mode == Mode::Observe || self.policies.is_none() {
            return None;
        }
        let found = self.with.records.approved_plans(self.with.tenant, self.clock.now()).await;
        let mut approved = self.heed(found).unwrap_or_default().into_iter();
        // One that waits for a window keeps no other waiting.
        approved.find(|plan| !self.held_back.contains(plan))
    }

    /// Looks whether somebody paused or a window turned. Returns whether the gate opened.
    async fn look_at_the_gate(&mut self, now: Timestamp) -> bool {
        let looked = self.with.gate.look(self.with.records, self.with.tenant, now).await;
        self.heed(looked);
        let shut = [Takes::Nothing, Takes::Something].map(|kind| self.with.gate.refuse(kind, now));
        let is_shut = [shut[0].is_some(), shut[1].is_some()];
        let turned = is_shut != self.was_shut;
        let opened = (0..2).any(|kind| self.was_shut[kind] && !is_shut[kind]);
        self.was_shut = is_shut;
        if turned {
            match shut.into_iter().flatten().next() {
                Some(why) => {
                    tracing::info!(tenant = %self.with.tenant, "changes are held back: {why}");
                }
                None => tracing::info!(tenant = %self.with.tenant, "changes may run again"),
            }
            self.show(Activity::Waiting).await;
        }
        if opened {
            self.held_back.clear();
        }
        opened
    }

    /// Returns what the records said. That they fail is told once; that they work again is for a write
    /// to tell, since a full disk can be read.
    fn heed<V>(&mut self, said: Result<V, RecordsError>) -> Option<V> {
        let tenant = self.with.tenant;
        match said {
            Ok(value) => Some(value),
            Err(error @ RecordsError::WrongState { .. }) => {
                // The records are well: somebody decided just then.
                tracing::info!(%tenant, "not done: {error}");
                None
            }
            Err(error) => {
                if !std::mem::replace(&mut self.records_fail, true) {
                    let why = chain(&error);
                    tracing::error!(%tenant, "the records cannot be used, and nothing is changed until they can: {why}");
                    self.with.place.note(|facts| facts.failure = Some(why));
                }
                None
            }
        }
    }

    fn engine(&self) -> Engine<'_, T, R, BeatingClock<&'a C>> {
        self.engine_reading(self.with.full_read)
    }

    /// The engine for what a person asks: they come rarely, and what they are told should hold.
    fn engine_for_people(&self) -> Engine<'_, T, R, BeatingClock<&'a C>> {
        self.engine_reading(Duration::ZERO)
    }

    fn engine_reading(&self, full_every: Duration) -> Engine<'_, T, R, BeatingClock<&'a C>> {
        Engine {
            tenant: self.with.tenant,
            settings: self.with.settings,
            reader: self.with.client,
            records: self.with.records,
            clock: &self.clock,
            progress: &self.progress,
            patience: self.with.patience,
            reading: Freshness::Tracked { full_every },
            stop: self.with.stop.clone(),
            gate: self.with.gate,
            memo: self.memo.clone(),
        }
    }

    /// Says what it does, to those who look from outside.
    async fn show(&mut self, activity: Activity) {
        let now = self.clock.now();
        self.shown_at = now;
        let held_back = self.with.gate.refuse(Takes::Nothing, now);
        let held_back = held_back.or_else(|| self.with.gate.refuse(Takes::Something, now));
        let report = Report {
            tenant: self.with.tenant.clone(),
            at: now,
            process: self.with.identity.process,
            version: Arc::clone(&self.with.identity.version),
            mode: self.with.mode.as_str().into(),
            activity,
            next_cycle: self.next_cycle.map(|(at, _)| at),
            next_turn: self.with.gate.next_turn(now),
            held_back: held_back.map(Into::into),
            policies: self.policies.as_ref().map(|one| (one.digest, one.commit.clone())),
            invalid: self.invalid.as_ref().map(|invalid| invalid.summary.as_str().into()),
            left_out: self.left_out.clone(),
            outdated: self.outdated.clone(),
            failures: u64::from(self.failures),
        };
        self.with.place.note(|facts| {
            facts.report = Some(report.clone());
            facts.policies.clone_from(&self.policies);
        });
        let recorded = self.with.records.report(report).await;
        if self.heed(recorded).is_some() && std::mem::take(&mut self.records_fail) {
            tracing::warn!(tenant = %self.with.tenant, "the records can be used again");
        }
    }
}

/// Returns an error and its causes in one line, each once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = next.source();
    }
    text
}
