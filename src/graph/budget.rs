//! What a client may spend of the quotas of a tenant, so that a refusal for them is the exception: a
//! bucket for reads, one for writes, and a pace for sign-ins.
//!
//! Source: Graph throttling limits for identity and access: costs in resource units and writes, added up
//! for an app and a tenant.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::graph::error::Ask;
use crate::graph::gate::lock;
use crate::graph::retry::{after, between};

/// This share of a quota is spent: the rest is for clocks that differ, and for what is repeated.
const SHARE: f64 = 0.985;
/// The longest wait that a bucket asks for.
const WAIT_MAX: Duration = Duration::from_hours(1);
/// How long writes count.
const WRITES_COUNT_FOR: Duration = Duration::from_secs(150);

/// A quota that fills up again all the time, as Graph's do.
#[derive(Debug)]
pub(super) struct Bucket {
    state: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    /// What may be spent at once.
    size: f64,
    /// What comes back every second.
    per_second: f64,
    /// What is left, and since when: nothing was spent before. Negative where calls queue.
    left: Option<(f64, Timestamp)>,
}

impl Level {
    fn of(size: f64, within: Duration) -> Self {
        let size = size * SHARE;
        Self { size, per_second: size / within.as_secs_f64(), left: None }
    }

    fn now(&self, now: Timestamp) -> f64 {
        let (left, since) = self.left.unwrap_or((self.size, now));
        (left + between(since, now).as_secs_f64() * self.per_second).min(self.size)
    }

    fn set(&mut self, left: f64, now: Timestamp) {
        // A clock that went back gives nothing back a second time.
        let since = self.left.map_or(now, |(_, since)| since.max(now));
        self.left = Some((left, since));
    }
}

impl Bucket {
    /// The quota of writes.
    ///
    /// Source: an app may write 3,000 times in 150 seconds per tenant.
    pub(super) fn of_writes() -> Self {
        Self { state: Mutex::new(Level::of(3_000.0, WRITES_COUNT_FOR)) }
    }

    /// The quota of reads, of a tenant of which nothing is known yet.
    pub(super) fn of_reads() -> Self {
        Self { state: Mutex::new(read_level(0)) }
    }

    /// Takes how many users the tenant has: larger ones may be read faster.
    pub(super) fn fit(&self, users: usize) {
        let mut level = lock(&self.state);
        let fresh = read_level(users);
        if fresh.size > level.size {
            level.left = level.left.map(|(left, since)| (left + fresh.size - level.size, since));
        }
        (level.size, level.per_second) = (fresh.size, fresh.per_second);
    }

    /// Reserves so much and returns how long to wait before spending it. What does not press leaves
    /// this share of the quota to the rest.
    pub(super) fn reserve(&self, cost: u32, leaving: f64, now: Timestamp) -> Duration {
        let mut level = lock(&self.state);
        let left = level.now(now) - f64::from(cost);
        level.set(left, now);
        let missing = level.size * leaving - left;
        let seconds = (missing / level.per_second).clamp(0.0, WAIT_MAX.as_secs_f64());
        Duration::from_secs_f64(seconds)
    }

    /// Takes how much of the quota Graph says is used, by whomever: 1 for all of it.
    ///
    /// Source: `x-ms-throttle-limit-percentage`, from 0.8 to 1.8.
    pub(super) fn seen(&self, used: f64, now: Timestamp) {
        let mut level = lock(&self.state);
        let left = level.now(now).min(level.size * (1.0 - used.clamp(0.0, 2.0)));
        level.set(left, now);
    }

    /// Returns how much was spent and had not come back, and when: none where nothing was.
    pub(super) fn spent(&self) -> Option<(f64, Timestamp)> {
        let level = lock(&self.state);
        level.left.map(|(left, since)| (level.size - left, since))
    }

    /// Takes how much an earlier process had spent, and when.
    pub(super) fn resume(&self, spent: f64, at: Timestamp) {
        let mut level = lock(&self.state);
        let most = level.per_second * WAIT_MAX.as_secs_f64();
        level.left = spent.is_finite().then(|| (level.size - spent.clamp(0.0, most), at));
    }

    /// Takes what an earlier process spent, where nothing is known yet.
    pub(super) fn begin(&self, spent: impl IntoIterator<Item = (Timestamp, u32)>, now: Timestamp) {
        let mut level = lock(&self.state);
        if level.left.is_some() {
            return;
        }
        let mut spent: Vec<(Timestamp, u32)> = spent.into_iter().collect();
        spent.sort_unstable();
        for (at, cost) in spent {
            let left = level.now(at.min(now)) - f64::from(cost);
            level.set(left, at.min(now));
        }
    }
}

/// Source: Graph allows an app 3,500, 5,000 or 8,000 resource units in 10 seconds per tenant, with fewer
/// than 50 users, up to 500, or more.
fn read_level(users: usize) -> Level {
    let units = match users {
        0..50 => 3_500.0,
        50..=500 => 5_000.0,
        _ => 8_000.0,
    };
    Level::of(units, Duration::from_secs(10))
}

/// Returns the resource units of a call, with so many items where it is a batch.
///
/// Source: Graph throttling limits; `$select` takes one off, and a call costs at least one.
pub(super) fn units(ask: Ask, items: usize) -> u32 {
    match ask {
        Ask::Skus => 3,
        Ask::Members | Ask::Memberships => 4,
        Ask::Batch | Ask::Write => u32::try_from(items).unwrap_or(u32::MAX),
        Ask::Users
        | Ask::Groups
        | Ask::UserChanges
        | Ask::GroupChanges
        | Ask::SignIns
        | Ask::Subscriptions => 1,
    }
}

/// Returns the share of the read quota that a call leaves to others. Listings can wait; to see what
/// became of a write, or whether one may be made, cannot.
pub(super) fn leaving(ask: Ask) -> f64 {
    if ask.is_listing() { 0.2 } else { 0.0 }
}

/// Requests for sign-ins in a minute.
///
/// Source: Graph throttling limits: sign-in activity reads.
const SIGN_INS_A_MINUTE: usize = 10;

/// Keeps reads of sign-ins within their own quota, and remembers how large a page may be.
#[derive(Debug)]
pub(super) struct SignInPace {
    state: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    /// When the latest requests were or will be sent, oldest first.
    sent: VecDeque<Timestamp>,
    page_max: u32,
}

impl SignInPace {
    /// Begins with nothing sent, and pages of this size.
    pub(super) fn new(page_max: u32) -> Self {
        Self { state: Mutex::new(Pace { sent: VecDeque::new(), page_max }) }
    }

    /// Reserves a request and returns how long to wait before sending it.
    pub(super) fn reserve(&self, now: Timestamp) -> Duration {
        let mut pace = lock(&self.state);
        let mut at = now;
        if pace.sent.len() == SIGN_INS_A_MINUTE
            && let Some(oldest) = pace.sent.pop_front()
        {
            at = at.max(after(oldest, Duration::from_mins(1)));
        }
        pace.sent.push_back(at);
        between(now, at)
    }

    /// Returns how many users a page may hold.
    pub(super) fn page_max(&self) -> u32 {
        lock(&self.state).page_max
    }

    /// Takes a page size that the server named; whether it is smaller than the one before.
    pub(super) fn lower_page_max(&self, most: u32) -> bool {
        let mut pace = lock(&self.state);
        let is_smaller = most < pace.page_max;
        pace.page_max = pace.page_max.min(most);
        is_smaller
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(seconds: u64) -> Timestamp {
        after(NOW, Duration::from_secs(seconds))
    }

    #[test]
    fn three_thousand_writes_go_at_once_and_the_rest_at_the_pace_of_the_quota() {
        let quota = Bucket::of_writes();
        for _ in 0..147 {
            assert_eq!(quota.reserve(20, 0.0, NOW), Duration::ZERO);
        }
        quota.reserve(15, 0.0, NOW);
        let wait = quota.reserve(197, 0.0, NOW);
        assert!((9.9..10.1).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(quota.reserve(20, 0.0, at(200)), Duration::ZERO);
    }

    #[test]
    fn listings_wait_while_there_is_still_enough_to_look_what_became_of_writes() {
        let quota = Bucket::of_reads();
        quota.fit(100_000);
        quota.reserve(7_000, leaving(Ask::Batch), NOW);
        assert!(quota.reserve(1, leaving(Ask::Users), NOW) > Duration::from_millis(500));
        assert_eq!(quota.reserve(20, leaving(Ask::Batch), NOW), Duration::ZERO);
    }

    #[test]
    fn what_graph_says_is_used_by_others_counts() {
        let quota = Bucket::of_reads();
        assert_eq!(quota.reserve(100, 0.2, NOW), Duration::ZERO);
        quota.seen(0.9, NOW);
        assert!(quota.reserve(1, 0.2, NOW) > Duration::from_millis(900));
        assert_eq!(quota.reserve(1, 0.0, NOW), Duration::ZERO);
        quota.seen(1.5, NOW);
        assert!(quota.reserve(1, 0.0, NOW) > Duration::from_secs(4));
    }

    #[test]
    fn what_an_earlier_process_wrote_counts_until_its_time_is_over() {
        let begun = |now| {
            let quota = Bucket::of_writes();
            quota.begin([(at(100), 1_500), (at(90), 1_455)], now);
            quota.reserve(20, 0.0, now)
        };
        assert!(begun(at(100)) == Duration::ZERO);
        assert!(begun(at(101)) == Duration::ZERO);
        let quota = Bucket::of_writes();
        quota.begin([(at(100), 3_000)], at(100));
        assert!(quota.reserve(20, 0.0, at(100)) > Duration::from_secs(3));
        // What this process knows better stays.
        quota.begin([(at(100), 3_000)], at(100));
        assert!(quota.reserve(20, 0.0, at(100)) < Duration::from_secs(6));
    }

    #[test]
    fn sign_ins_are_asked_for_ten_times_a_minute() {
        let pace = SignInPace::new(500);
        let waits: Vec<u64> = (0..12).map(|_| pace.reserve(at(5)).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 60]);
        assert_eq!(pace.reserve(at(200)), Duration::ZERO);
    }

    proptest! {
        /// Whoever waits as long as is said never spends more than the quota in its time.
        #[test]
        fn no_window_sees_more_than_the_quota(
            calls in prop::collection::vec((1_u32..200, 0_u64..4), 1..200),
        ) {
            let quota = Bucket::of_writes();
            let (mut now, mut sent) = (NOW, Vec::new());
            for (cost, pause) in calls {
                let wait = quota.reserve(cost, 0.0, now);
                sent.push((after(now, wait), cost));
                now = after(now, Duration::from_secs(pause));
            }
            for (end, _) in &sent {
                let within = sent.iter().filter(|(at, _)| {
                    at <= end && between(*at, *end) < Duration::from_millis(500)
                });
                let burst: u32 = within.map(|(_, cost)| cost).sum();
                prop_assert!(f64::from(burst) <= 3_000.0 + 200.0, "{burst}");
            }
            let total: u32 = sent.iter().map(|(_, cost)| cost).sum();
            let last = sent.last().unwrap().0;
            let allowed = 3_000.0 + 20.0 * between(NOW, last).as_secs_f64();
            prop_assert!(f64::from(total) <= allowed + 1.0, "{total} of {allowed}");
        }
    }
}
