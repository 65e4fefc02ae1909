//! What keeps a client from pressing a tenant that asks for less: a pause for all after throttling, and
//! a number of writes in flight that adapts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::graph::retry::{after, between};

/// The longest pause of our own making.
const PAUSE_MAX: Duration = Duration::from_mins(2);
/// The pause where Graph names none.
const PAUSE_DEFAULT: Duration = Duration::from_secs(3);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

    /// Returns until when the gate is closed, or was last.
    pub(super) fn open_at(&self) -> Option<Timestamp> {
        lock(&self.state).open_at
    }

    /// Keeps the gate closed for as long as an earlier process was told to wait.
    pub(super) fn begin(&self, open_at: Timestamp) {
        lock(&self.state).open_at = Some(open_at);
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
