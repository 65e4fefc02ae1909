//! How long to wait and when to give up. Counts and sums only; whoever calls does the waiting.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Tries of one call at most, however short the waits between them are.
const TRIES_MAX: u32 = 60;
/// Tries at most while nothing answers at the address: mostly it is the wrong one.
const UNREACHABLE_MAX: u32 = 6;
/// Tries at most while answers cannot be read: mostly it is not Graph that answers.
const MALFORMED_MAX: u32 = 3;
/// The longest wait that a server is believed to want.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Why a try came to nothing, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Too many requests: the gate of the tenant does the waiting.
    Throttled,
    /// A fault on the way or at the other end.
    Fault,
    /// Nothing answers at the address.
    Unreachable,
    /// The answer cannot be read.
    Malformed,
    /// Other writes to the tenant are in the way, or have not replicated yet.
    Contended,
}

/// The tries of one call, with an end to them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    began: Timestamp,
    give_up_after: Duration,
    failed: u32,
    unreachable: u32,
    malformed: u32,
}

impl Tries {
    /// Begins to count.
    pub(super) fn begin(began: Timestamp, give_up_after: Duration) -> Self {
        Self { began, give_up_after, failed: 0, unreachable: 0, malformed: 0 }
    }

    /// Returns how long the tries have taken so far.
    pub(super) fn elapsed(&self, now: Timestamp) -> Duration {
        between(self.began, now)
    }

    /// Returns how long further tries may take.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        self.give_up_after.saturating_sub(self.elapsed(now))
    }

    /// Counts a failed try and returns how long to wait before the next; none when it was the last.
    ///
    /// Exponential with full jitter, so that clients that failed together do not return together.
    /// `jitter` lies between 0 and 1.
    pub(super) fn next(&mut self, why: Trouble, now: Timestamp, jitter: f64) -> Option<Duration> {
        self.failed += 1;
        let delay = match why {
            Trouble::Throttled => Duration::ZERO,
            Trouble::Fault => backoff(1, self.failed).mul_f64(jitter),
            Trouble::Unreachable => {
                self.unreachable += 1;
                backoff(1, self.failed).mul_f64(jitter)
            }
            Trouble::Malformed => {
                self.malformed += 1;
                backoff(1, self.failed).mul_f64(jitter)
            }
            // Source: Graph Directory_ConcurrencyViolation asks to "wait briefly".
            Trouble::Contended => Duration::from_secs(1) + backoff(2, self.failed).mul_f64(jitter),
        };
        let over = self.failed >= TRIES_MAX
            || self.unreachable >= UNREACHABLE_MAX
            || self.malformed >= MALFORMED_MAX
            || delay >= self.left(now);
        (!over).then_some(delay)
    }
}

/// Returns the ceiling of the wait after so many failures: it doubles, up to a minute.
fn backoff(first_seconds: u64, failed: u32) -> Duration {
    let factor = 1_u64 << failed.saturating_sub(1).min(6);
    Duration::from_secs((first_seconds * factor).min(60))
}

/// Parses `Retry-After`: seconds, whole or not, or a date. None where it is absent or unreadable.
///
/// Source: Graph sends integers, fractions such as `0.249`, and HTTP dates.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        let seconds = Duration::try_from_secs_f64(seconds).ok()?;
        return Some(seconds.min(RETRY_AFTER_MAX));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(between(now, at).min(RETRY_AFTER_MAX))
}

/// Returns how much later the second is; zero if it is earlier.
pub(super) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

/// Returns the time so much later.
pub(super) fn after(at: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    at.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn retry_after_is_seconds_or_a_fraction_or_a_date() {
        for (text, seconds) in [
            ("12", Some(12.0)),
            ("0.249", Some(0.249)),
            (" 1 ", Some(1.0)),
            ("Thu, 01 Jan 1970 00:00:30 GMT", Some(30.0)),
            ("Wed, 31 Dec 1969 00:00:30 GMT", Some(0.0)),
            ("999999999", Some(3600.0)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, NOW).map(|delay| delay.as_secs_f64()), seconds, "{text}");
        }
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let mut tries = Tries::begin(NOW, Duration::from_secs(10_000));
        let waits: Vec<u64> =
            (0..8).map(|_| tries.next(Trouble::Fault, NOW, 1.0).unwrap().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn nobody_waits_long_for_an_address_where_nothing_answers() {
        let mut tries = Tries::begin(NOW, Duration::from_secs(10_000));
        let waited = (0..100).take_while(|_| tries.next(Trouble::Unreachable, NOW, 1.0).is_some());
        assert_eq!(waited.count(), 5);
    }

    proptest! {
        #[test]
        fn every_call_ends(jitter in 0.0..1.0_f64, budget in 0_u64..600) {
            let mut tries = Tries::begin(NOW, Duration::from_secs(budget));
            let mut now = NOW;
            let mut rounds = 0;
            while let Some(delay) = tries.next(Trouble::Fault, now, jitter) {
                now = after(now, delay);
                rounds += 1;
            }
            prop_assert!(rounds < TRIES_MAX);
            prop_assert!(tries.elapsed(now) <= Duration::from_secs(budget));
        }
    }
}
