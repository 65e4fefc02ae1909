//! When the next cycle is due.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::names::TenantName;
use crate::domain::schedule::Schedule;

/// How long after a failed cycle it is tried again, twice as long after each further one.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(30);
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_mins(15);
/// How much of the time between two cycles they may be late, so that not all tenants and all
/// installations of the world ask Graph in the same second.
const JITTER_SHARE: i32 = 10;
const JITTER_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Tells when the next cycle is due.
#[derive(Clone, Debug)]
pub struct Timetable {
    schedule: Schedule,
    zone: TimeZone,
    /// A share of the jitter, from 0 to 1,000; always the same for a tenant.
    late: i64,
}

impl Timetable {
    /// A timetable for a tenant.
    pub fn new(schedule: Schedule, zone: TimeZone, tenant: &TenantName, tenant_id: &str) -> Self {
        let bytes = tenant.as_str().bytes().chain(tenant_id.bytes());
        // FNV: what matters is that tenants differ, and that a restart changes nothing.
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let late = i64::try_from(hash % 1_000).expect("a number below a thousand");
        Self { schedule, zone, late }
    }

    /// Returns the next time after this one at which the schedule is due, a little late.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.schedule.next_after(now, &self.zone)?;
        let jittered = |due: Timestamp| {
            let following = self.schedule.next_after(due, &self.zone).unwrap_or(due);
            let most = (following.duration_since(due) / JITTER_SHARE).min(JITTER_MAX);
            // Below a second there is nothing to spread.
            let late = if most < SignedDuration::from_secs(1) {
                SignedDuration::ZERO
            } else {
                SignedDuration::from_millis(
                    i64::try_from(most.as_millis()).unwrap_or(0) * self.late / 1_000,
                )
            };
            due.saturating_add(late).unwrap_or(due)
        };
        // The one before may be late still.
        let last = self.schedule.last_until(now, &self.zone).map(jittered);
        last.filter(|last| now < *last).or(Some(jittered(due)))
    }

    /// Returns when to try again after so many failures in a row: not later than the schedule says.
    pub fn retry_after(&self, now: Timestamp, failures: u32) -> Option<Timestamp> {
        let doubled = 2_i32.saturating_pow(failures.saturating_sub(1).min(10));
        let wait = RETRY_AFTER
            .checked_mul(doubled)
            .map_or(RETRY_AFTER_MAX, |wait| wait.min(RETRY_AFTER_MAX));
        let retry = now.saturating_add(wait).unwrap_or(now);
        Some(self.next_after(now).map_or(retry, |due| due.min(retry)))
    }
}

/// Returns how long it is until then; nothing where that is past.
pub(super) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schedule: &str, id: &str) -> Timetable {
        let tenant = "contoso".parse().unwrap();
        Timetable::new(schedule.parse().unwrap(), TimeZone::UTC, &tenant, id)
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-11-26T{time}Z").parse().unwrap()
    }

    #[test]
    fn cycles_come_a_little_late_and_each_once() {
        let table = table("*/15 * * * *", "a");
        let first = table.next_after(at("09:01:00")).unwrap();
        assert!(first >= at("09:15:00") && first < at("09:16:00"), "{first}");
        // Asked again while it is late, it is still the same one; right after it, the next.
        assert_eq!(table.next_after(at("09:15:00")), Some(first));
        let second = table.next_after(first).unwrap();
        assert_eq!(second.duration_since(first), SignedDuration::from_mins(15));
    }

    #[test]
    fn tenants_are_spread() {
        let due = |id: &str| table("@hourly", id).next_after(at("09:01:00")).unwrap();
        assert_ne!(due("7f3bce12"), due("2c9a1c3f"));
    }

    #[test]
    fn what_is_due_every_second_is_not_late() {
        let table = table("* * * * * *", "a");
        assert_eq!(table.next_after(at("09:01:00")), Some(at("09:01:01")));
    }

    #[test]
    fn after_failures_it_is_tried_again_before_its_time_and_ever_later() {
        let table = table("0 0 * * *", "a");
        let now = at("09:00:00");
        let waits: Vec<_> = [1, 2, 3, 6, 60]
            .map(|failures| table.retry_after(now, failures).unwrap().duration_since(now).as_secs())
            .into();
        assert_eq!(waits, [30, 60, 120, 900, 900]);
        assert_eq!(self::table("* * * * * *", "a").retry_after(now, 3), Some(at("09:00:01")));
    }
}
