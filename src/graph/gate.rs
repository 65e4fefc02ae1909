//! What keeps a client within what the tenant takes: a pause for all after throttling, a bucket
//! for the write quota, a pace for sign-ins, and a number of writes in flight that adapts.
//!
//! Other reads need no bucket: at the concurrency that settings allow they cannot reach the quota.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::graph::retry::{after, between};

/// The longest pause of our own making.
const PAUSE_MAX: Duration = Duration::from_mins(2);
/// The pause where Graph names none.
const PAUSE_DEFAULT: Duration = Duration::from_secs(3);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds back every request to a tenant for as long as Graph asks.
///
/// Source: Graph throttles app and tenant together, and refused requests count too.
#[derive(Debug, Default)]
pub(super) struct TenantGate {
    state: Mutex<GateState>,
}

#[derive(Debug, Default)]
struct GateState {
    closed_at: Option<Timestamp>,
    open_at: Option<Timestamp>,
    /// Waves of refusals without a success between them.
    refusals: u32,
}

impl TenantGate {
    /// Returns how long to wait before sending.
    pub(super) fn delay(&self, now: Timestamp) -> Duration {
        lock(&self.state).open_at.map_or(Duration::ZERO, |open_at| between(now, open_at))
    }

    /// Closes the gate after a request that was sent at `sent_at` was refused; returns for how long.
    ///
    /// `Retry-After` may be 1 whatever the load, so a minimum of our own grows with each wave of
    /// refusals. Requests that were under way together are one wave.
    pub(super) fn refused(
        &self,
        sent_at: Timestamp,
        now: Timestamp,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Duration {
        let mut state = lock(&self.state);
        if state.closed_at.is_none_or(|closed_at| sent_at >= closed_at) {
            state.refusals += 1;
            state.closed_at = Some(now);
        }
        let doubled = 1_u64 << state.refusals.saturating_sub(1).min(10);
        let minimum = Duration::from_secs(doubled).min(PAUSE_MAX);
        let pause = retry_after.unwrap_or(PAUSE_DEFAULT).max(minimum);
        // A little more, and not the same for all, so that the first second is not a stampede.
        let pause = pause + pause.mul_f64(0.1 * jitter);
        let open_at = after(now, pause);
        if state.open_at.is_none_or(|current| current < open_at) {
            state.open_at = Some(open_at);
        }
        pause
    }

    /// Takes note of a request, sent at `sent_at`, that was not refused.
    pub(super) fn passed(&self, sent_at: Timestamp) {
        let mut state = lock(&self.state);
        if state.closed_at.is_none_or(|closed_at| sent_at > closed_at) {
            state.refusals = state.refusals.saturating_sub(1);
        }
    }
}

/// Writes that may be sent at once, just below what Graph allows in a burst.
///
/// Source: Graph allows an app 3,000 writes in 150 seconds per tenant.
const BURST: f64 = 2_950.0;
/// Writes that come back every second.
const WRITES_PER_SECOND: f64 = 19.7;

/// Keeps writes within the quota, so that a refusal for it is the exception.
#[derive(Debug, Default)]
pub(super) struct WriteQuota {
    /// What is left, and since when; negative where writes queue.
    level: Mutex<Option<(f64, Timestamp)>>,
}

impl WriteQuota {
    /// Reserves so many writes and returns how long to wait before sending them.
    pub(super) fn reserve(&self, writes: usize, now: Timestamp) -> Duration {
        let mut level = lock(&self.level);
        let (left, since) = level.unwrap_or((BURST, now));
        let regained = between(since, now).as_secs_f64() * WRITES_PER_SECOND;
        let wanted = f64::from(u32::try_from(writes).unwrap_or(u32::MAX));
        let left = (left + regained).min(BURST) - wanted;
        *level = Some((left, since.max(now)));
        Duration::from_secs_f64((-left / WRITES_PER_SECOND).clamp(0.0, 3600.0))
    }
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

/// Bounds how many writes are in flight. The bound grows slowly and halves on contention.
///
/// Source: Graph `Directory_ConcurrencyViolation`; no limit is documented, so it is felt for.
#[derive(Debug)]
pub(super) struct WriteGate {
    state: Mutex<Flight>,
    freed: Notify,
    most: usize,
}

#[derive(Debug)]
struct Flight {
    limit: usize,
    aloft: usize,
}

/// What a batch of writes met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pressure {
    /// Nothing: more may be tried.
    None,
    /// Graph says that the quota is near.
    Near,
    /// Throttling, or other writes in the way.
    Over,
}

impl WriteGate {
    /// Begins with 4 batches of 20, or fewer where fewer are allowed.
    pub(super) fn new(batches_max: usize) -> Self {
        let most = batches_max.max(1) * 20;
        let state = Mutex::new(Flight { limit: most.min(80), aloft: 0 });
        Self { state, freed: Notify::new(), most }
    }

    /// Waits until some of `wanted` writes may fly.
    pub(super) async fn enter(&self, wanted: usize) -> Permit<'_> {
        loop {
            // Made before the look, so that what is freed in between wakes us all the same.
            let freed = self.freed.notified();
            if let Some(size) = self.try_enter(wanted) {
                return Permit { gate: self, size };
            }
            freed.await;
        }
    }

    fn try_enter(&self, wanted: usize) -> Option<usize> {
        let mut flight = lock(&self.state);
        let size = wanted.min(flight.limit).max(1);
        let fits = flight.aloft == 0 || flight.aloft + size <= flight.limit;
        fits.then(|| {
            flight.aloft += size;
            size
        })
    }

    /// Learns from what a batch met.
    pub(super) fn felt(&self, pressure: Pressure) {
        let mut flight = lock(&self.state);
        flight.limit = match pressure {
            Pressure::None => (flight.limit + 4).min(self.most),
            Pressure::Near => flight.limit,
            Pressure::Over => (flight.limit / 2).max(1),
        };
        drop(flight);
        self.freed.notify_waiters();
    }

    #[cfg(test)]
    pub(super) fn limit(&self) -> usize {
        lock(&self.state).limit
    }
}

/// Leave to have so many writes in flight, given back when dropped.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    gate: &'a WriteGate,
    size: usize,
}

impl Permit<'_> {
    /// Returns how many.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        lock(&self.gate.state).aloft -= self.size;
        self.gate.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(seconds: u64) -> Timestamp {
        after(NOW, Duration::from_secs(seconds))
    }

    #[test]
    fn a_retry_after_of_always_one_meets_a_minimum_that_grows() {
        let gate = TenantGate::default();
        let one = Some(Duration::from_secs(1));
        let mut now = NOW;
        let pauses: Vec<u64> = (0..9)
            .map(|_| {
                let pause = gate.refused(now, now, one, 0.0);
                now = after(now, pause);
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
    }

    #[test]
    fn requests_refused_together_are_one_wave() {
        let gate = TenantGate::default();
        for second in 1..=20 {
            gate.refused(NOW, at(second), None, 0.0);
        }
        assert_eq!(gate.delay(at(20)), Duration::from_secs(3));
    }

    #[test]
    fn the_longest_wait_counts_and_success_eases_the_next() {
        let gate = TenantGate::default();
        gate.refused(NOW, NOW, Some(Duration::from_secs(30)), 0.0);
        gate.refused(NOW, NOW, Some(Duration::from_secs(4)), 0.0);
        assert_eq!(gate.delay(at(10)), Duration::from_secs(20));
        gate.passed(at(31));
        gate.passed(at(32));
        let one = Some(Duration::from_secs(1));
        assert_eq!(gate.refused(at(40), at(40), one, 0.0), Duration::from_secs(1));
    }

    #[test]
    fn three_thousand_writes_go_at_once_and_the_rest_at_the_pace_of_the_quota() {
        let quota = WriteQuota::default();
        for _ in 0..147 {
            assert_eq!(quota.reserve(20, NOW), Duration::ZERO);
        }
        quota.reserve(20, NOW);
        let wait = quota.reserve(197, NOW);
        assert!((10.0..11.0).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(quota.reserve(20, at(200)), Duration::ZERO);
    }

    #[test]
    fn sign_ins_are_asked_for_ten_times_a_minute() {
        let pace = SignInPace::new(500);
        let waits: Vec<u64> = (0..12).map(|_| pace.reserve(at(5)).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 60]);
        assert_eq!(pace.reserve(at(200)), Duration::ZERO);
    }

    #[tokio::test]
    async fn writes_in_flight_halve_on_contention_and_grow_slowly() {
        let gate = WriteGate::new(8);
        for _ in 0..3 {
            gate.felt(Pressure::Over);
        }
        assert_eq!(gate.limit(), 10);
        let first = gate.enter(20).await;
        assert_eq!(first.size(), 10);
        assert_eq!(gate.try_enter(1), None);
        drop(first);
        gate.felt(Pressure::Near);
        gate.felt(Pressure::None);
        assert_eq!(gate.limit(), 14);
        for _ in 0..100 {
            gate.felt(Pressure::Over);
        }
        assert_eq!(gate.enter(20).await.size(), 1);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let gate = WriteGate::new(1);
        let first = gate.enter(20).await;
        let (second, ()) = tokio::join!(gate.enter(5), async { drop(first) });
        assert_eq!(second.size(), 5);
    }
}
