//! What follows from a try: done, again and when, or given up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::ports::desk::{Delivered, Delivery};

use super::send::Sent;

/// The first pause; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(10);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_hours(1);
/// After so long, news is none any more.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// How often something is tried that the receiver refuses.
const REFUSALS_MAX: u32 = 3;

/// What follows from a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What is recorded.
    pub(super) outcome: Delivered,
    /// Until when the receiver is left alone: it takes nothing now, whatever it is.
    pub(super) pause: Option<Timestamp>,
}

/// Judges a try. `jitter` is from 0 to 1.
pub(super) fn verdict(delivery: &Delivery, sent: Sent, now: Timestamp, jitter: f64) -> Verdict {
    let (why, asked, is_refusal) = match sent {
        Sent::Arrived => return Verdict { outcome: Delivered::Done, pause: None },
        Sent::Refused { status } => (format!("it answered with HTTP {status}"), None, true),
        Sent::Later { status, retry_after } => {
            (format!("it answered with HTTP {status}"), retry_after, false)
        }
        Sent::Unanswered { why } => (why, None, false),
    };
    if is_refusal && delivery.tries + 1 >= REFUSALS_MAX {
        return Verdict { outcome: Delivered::GivenUp { why }, pause: None };
    }
    let next = later(now, delivery.tries, jitter);
    let asked = asked.map(|asked| SignedDuration::try_from(asked).unwrap_or(SignedDuration::MAX));
    let asked = asked.map(|asked| now.saturating_add(asked).unwrap_or(Timestamp::MAX));
    let next = asked.map_or(next, |asked| asked.max(next));
    let end = delivery.notice.at.saturating_add(GIVE_UP_AFTER).unwrap_or(Timestamp::MAX);
    let next = if now < end { next.min(end) } else { next };
    // A refusal is about this notice; anything else about the receiver.
    let pause = (!is_refusal).then_some(next);
    if now >= end {
        let why = format!("{why}; it was tried for {} h", GIVE_UP_AFTER.as_hours());
        return Verdict { outcome: Delivered::GivenUp { why }, pause };
    }
    Verdict { outcome: Delivered::Again { at: next, why }, pause }
}

/// Returns when to try again after so many tries before this one.
pub(super) fn later(now: Timestamp, tries: u32, jitter: f64) -> Timestamp {
    let doubled = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(tries.min(16)));
    // So that receivers of many daemons are not asked in step.
    let pause = doubled.min(PAUSE_MAX).mul_f64(1.0 + jitter / 4.0).min(PAUSE_MAX);
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}
