//! What the daemon shows of itself to those in the same process: the API, the metrics, the watchdog.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Wake;
use crate::domain::names::TenantName;
use crate::engine::Policies;
use crate::plan::{GuardName, Kind, Summary, Trigger, Verdict};
use crate::ports::OutcomeKind;
use crate::ports::desk::Report;

/// One place for each tenant.
#[derive(Debug)]
pub struct Board {
    /// When the daemon started.
    pub started_at: Timestamp,
    places: BTreeMap<TenantName, Arc<Place>>,
}

/// What there is to see of one tenant.
#[derive(Debug)]
pub struct Place {
    /// Starts a cycle before its time.
    pub wake: Wake,
    facts: Mutex<Facts>,
    beat: Mutex<Instant>,
}

/// What there is to see of one tenant, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What the daemon last told; none before it told anything.
    pub report: Option<Report>,
    /// The policies in force.
    pub policies: Option<Arc<Policies>>,
    /// When a cycle last began.
    pub last_attempt: Option<Timestamp>,
    /// When a cycle last read the tenant whole and planned.
    pub last_success: Option<Timestamp>,
    /// When a cycle last found that there is nothing to do.
    pub last_settled: Option<Timestamp>,
    /// Why the last cycle failed, where it did.
    pub failure: Option<String>,
    /// The counts of the last plan, also where there was nothing to do.
    pub summary: Option<Summary>,
    /// What the guards found in the last plan.
    pub verdicts: Vec<Verdict>,
    /// Whether the last snapshot came by delta, users and groups in it, and when it was taken.
    pub snapshot: Option<SnapshotFacts>,
    /// The seats of each SKU in the last snapshot, by part number.
    pub seats: BTreeMap<Arc<str>, SeatFacts>,
    /// Since the start: what was counted.
    pub tally: Tally,
}

/// What there is to see of the last snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Users in it.
    pub users: u64,
    /// Groups whose members were read.
    pub groups: u64,
}

/// The seats of a SKU by state, as Graph counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeatFacts {
    /// Bought and usable.
    pub enabled: u64,
    /// In use.
    pub consumed: u64,
    /// Expired and in grace.
    pub warning: u64,
    /// Cancelled.
    pub suspended: u64,
}

/// How a cycle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CycleEnd {
    /// There is nothing to do.
    Settled,
    /// There is a plan.
    Planned,
    /// It failed.
    Failed,
}

impl CycleEnd {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Settled, Self::Planned, Self::Failed];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Planned => "planned",
            Self::Failed => "failed",
        }
    }
}

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cycles, by what started them and how they ended.
    pub cycles: BTreeMap<(Trigger, CycleEnd), u64>,
    /// How long cycles took.
    pub cycle_seconds: Durations,
    /// How long carrying out took.
    pub apply_seconds: Durations,
    /// Operations, by what they did and how they ended.
    pub operations: BTreeMap<(Kind, OutcomeKind), u64>,
    /// How often a guard tripped.
    pub trips: BTreeMap<GuardName, u64>,
    /// How often a guard was accepted.
    pub accepted: BTreeMap<GuardName, u64>,
    /// Interrupted plans that were closed.
    pub recoveries: u64,
}

/// The upper bounds of the buckets of durations, in seconds.
pub const DURATION_BOUNDS: [f64; 10] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// How long something took, in buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// How many took at most each bound, but longer than the one before.
    pub buckets: [u64; DURATION_BOUNDS.len()],
    /// How many there were.
    pub count: u64,
    /// All of them together, in seconds.
    pub sum: f64,
}

impl Durations {
    /// Counts one.
    pub fn count(&mut self, length: Duration) {
        let seconds = length.as_secs_f64();
        if let Some(at) = DURATION_BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[at] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

impl Board {
    /// A board with a place for each of these.
    pub fn new(started_at: Timestamp, tenants: impl IntoIterator<Item = TenantName>) -> Self {
        let places = tenants.into_iter().map(|tenant| (tenant, Arc::new(Place::new()))).collect();
        Self { started_at, places }
    }

    /// Returns the place of a tenant.
    pub fn place(&self, tenant: &TenantName) -> Option<&Arc<Place>> {
        self.places.get(tenant)
    }

    /// Returns all places, in the order of the names.
    pub fn places(&self) -> impl Iterator<Item = (&TenantName, &Arc<Place>)> {
        self.places.iter()
    }

    /// Asks for a cycle of every tenant.
    pub fn ring(&self, trigger: Trigger) {
        for place in self.places.values() {
            place.wake.ring(trigger);
        }
    }

    /// Returns a tenant of which nothing was heard for longer than this, where there is one.
    pub fn stuck(&self, longer_than: Duration) -> Option<&TenantName> {
        let is_stuck = |place: &Place| place.quiet_for() > longer_than;
        self.places.iter().find(|(_, place)| is_stuck(place)).map(|(tenant, _)| tenant)
    }
}

impl Place {
    fn new() -> Self {
        Self { wake: Wake::default(), facts: Mutex::default(), beat: Mutex::new(Instant::now()) }
    }

    /// Returns what there is to see now.
    pub fn facts(&self) -> Facts {
        self.facts.lock().expect("no holder of the facts panics").clone()
    }

    /// Changes what there is to see.
    pub(super) fn note(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.lock().expect("no holder of the facts panics"));
    }

    /// Changes what there is to see, in tests of those who look.
    #[cfg(test)]
    pub(crate) fn pretend(&self, change: impl FnOnce(&mut Facts)) {
        self.note(change);
    }

    /// Says that work goes on.
    pub fn beat(&self) {
        *self.beat.lock().expect("no holder of the beat panics") = Instant::now();
    }

    /// Returns how long nothing was heard.
    pub fn quiet_for(&self) -> Duration {
        self.beat.lock().expect("no holder of the beat panics").elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_of_which_nothing_is_heard_is_found() {
        let names = ["contoso", "fabrikam"].map(|name| name.parse::<TenantName>().unwrap());
        let board = Board::new(Timestamp::UNIX_EPOCH, names.clone());
        let patience = Duration::from_mins(3);
        tokio::time::sleep(Duration::from_mins(2)).await;
        board.place(&names[0]).unwrap().beat();
        assert_eq!(board.stuck(patience), None);
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert_eq!(board.stuck(patience), Some(&names[1]));
        board.place(&names[1]).unwrap().beat();
        assert_eq!(board.stuck(patience), None);
    }

    #[test]
    fn durations_fall_into_their_buckets() {
        let mut durations = Durations::default();
        for seconds in [0.05, 0.1, 2.0, 4_000.0] {
            durations.count(Duration::from_secs_f64(seconds));
        }
        assert_eq!((durations.buckets[0], durations.buckets[3], durations.count), (2, 1, 4));
        assert!((durations.sum - 4_002.15).abs() < 1e-9);
    }
}
