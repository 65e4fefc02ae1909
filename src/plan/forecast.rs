//! When the seats of a SKU run out, as far as what was tells.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::SkuId;
use crate::plan::inventory::SeatUse;

/// How far back is looked at.
pub const LOOKED_AT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of less than this nothing is concluded.
const DAYS_MIN: usize = 7;
/// What is further away than this is not foretold.
const DAYS_MAX: f64 = 3.0 * 365.0;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How the seats of a SKU were used from a time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatPoint {
    /// From when on.
    pub at: Timestamp,
    /// How.
    pub seats: SeatUse,
}

/// What becomes of the free seats of a SKU if things go on as they did.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Over how many days it was looked.
    pub days: u64,
    /// Seats that were taken then, summed up over the times that were seen.
    pub joined: u64,
    /// Seats that were given back then.
    pub left: u64,
    /// How many more seats are usually in use after a day. Negative where it becomes fewer.
    pub per_day: f64,
    /// When none is free any more; none where that is not to be seen.
    pub runs_out: Option<Timestamp>,
}

/// Returns the forecast of every SKU that was watched for long enough. `points` are in the order of
/// time for each SKU.
///
/// The pace is the median over all pairs of days (Theil and Sen), so that one large change, such as a
/// first plan or a company that is bought, does not go on for ever.
pub fn forecasts(points: &[SeatPoint], now: Timestamp) -> BTreeMap<SkuId, Forecast> {
    let mut by_sku: BTreeMap<SkuId, Vec<&SeatPoint>> = BTreeMap::new();
    for point in points {
        by_sku.entry(point.seats.id).or_default().push(point);
    }
    let each = by_sku.into_iter();
    each.filter_map(|(sku, points)| forecast(&points, now).map(|found| (sku, found))).collect()
}

fn forecast(points: &[&SeatPoint], now: Timestamp) -> Option<Forecast> {
    let days = by_day(points, now);
    if days.len() <= DAYS_MIN {
        return None;
    }
    let (mut joined, mut left) = (0, 0);
    let first = now.saturating_sub(LOOKED_AT).unwrap_or(Timestamp::MIN);
    for pair in points.windows(2).filter(|pair| pair[1].at > first) {
        let (before, after) = (pair[0].seats.used, pair[1].seats.used);
        joined += after.saturating_sub(before);
        left += before.saturating_sub(after);
    }
    let per_day = median_slope(&days);
    let free = points.last().map_or(0, |last| last.seats.free);
    let runs_out = match (free, per_day > 0.0) {
        (0, _) => Some(now),
        (_, false) => None,
        (free, true) => {
            #[expect(clippy::cast_precision_loss, reason = "there are far fewer seats than 2^52")]
            let days = free as f64 / per_day;
            let in_time = (days <= DAYS_MAX).then(|| DAY.as_secs_f64() * days);
            in_time
                .and_then(|length| SignedDuration::try_from_secs_f64(length).ok())
                .and_then(|length| now.checked_add(length).ok())
        }
    };
    Some(Forecast { days: days.len() as u64 - 1, joined, left, per_day, runs_out })
}

/// Returns the seats in use at the end of each day that was watched, the last of them now.
fn by_day(points: &[&SeatPoint], now: Timestamp) -> Vec<u64> {
    let Some(first) = points.first() else { return Vec::new() };
    let mut days = Vec::new();
    let mut at = now;
    while first.at <= at && now.duration_since(at) <= LOOKED_AT {
        let so_far = points.partition_point(|point| point.at <= at);
        days.extend(points[..so_far].last().map(|point| point.seats.used));
        let Ok(earlier) = at.checked_sub(DAY) else { break };
        at = earlier;
    }
    days.reverse();
    days
}

#[expect(clippy::cast_precision_loss, reason = "there are far fewer seats and days than 2^52")]
fn median_slope(days: &[u64]) -> f64 {
    let mut slopes = Vec::with_capacity(days.len() * days.len() / 2);
    for (at, before) in days.iter().enumerate() {
        for (later, after) in days.iter().enumerate().skip(at + 1) {
            slopes.push((*after as f64 - *before as f64) / (later - at) as f64);
        }
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    match slopes.len() % 2 {
        0 => f64::midpoint(slopes[middle - 1], slopes[middle]),
        _ => slopes[middle],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(number * 24 * 3_600).unwrap()
    }

    fn point(at: Timestamp, used: u64, free: u64) -> SeatPoint {
        let (id, sku) = (SkuId::from_uuid(uuid::Uuid::from_u128(1)), "SPE_E5".into());
        let seats = SeatUse { id, sku, total: used + free, used, free, reserved: 0, waiting: 0 };
        SeatPoint { at, seats }
    }

    fn one(points: &[SeatPoint], now: Timestamp) -> Option<Forecast> {
        forecasts(points, now).into_values().next()
    }

    #[test]
    fn a_steady_growth_runs_out_when_the_free_seats_are_used_up() {
        let points: Vec<_> =
            (0..=30).map(|d| point(day(d), 100 + 2 * d.unsigned_abs(), 50)).collect();
        let found = one(&points, day(30)).unwrap();
        assert_eq!((found.days, found.joined, found.left), (30, 60, 0));
        assert!((found.per_day - 2.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found.runs_out, Some(day(55)));
    }

    #[test]
    fn one_large_change_is_not_taken_for_the_way_of_things() {
        let used = |d: i64| if d < 10 { 100 } else { 5_000 };
        let points: Vec<_> = (0..=60).map(|d| point(day(d), used(d), 50)).collect();
        let found = one(&points, day(60)).unwrap();
        assert!(found.per_day.abs() < 1e-9, "{found:?}");
        assert_eq!((found.joined, found.runs_out), (4_900, None));
    }

    #[test]
    fn a_row_only_where_something_changed_counts_for_the_days_between() {
        // One more each tenth day, and nothing is recorded in between.
        let points: Vec<_> =
            (0..=9).map(|step| point(day(step * 10), 10 + step.unsigned_abs(), 5)).collect();
        let found = one(&points, day(90)).unwrap();
        assert!((0.09..0.11).contains(&found.per_day), "{found:?}");
        assert!(found.runs_out.is_some_and(|at| day(130) < at && at < day(150)), "{found:?}");
    }

    #[test]
    fn what_was_watched_for_a_few_days_foretells_nothing() {
        let points: Vec<_> = (0..=6).map(|d| point(day(d), 1 + d.unsigned_abs(), 1)).collect();
        assert_eq!(one(&points, day(6)), None);
        assert_eq!(forecasts(&[], day(6)), BTreeMap::new());
        // None is free: that is so today, whatever the pace.
        let full: Vec<_> = (0..=8).map(|d| point(day(d), 9, 0)).collect();
        assert_eq!(one(&full, day(8)).unwrap().runs_out, Some(day(8)));
    }

    proptest! {
        #[test]
        fn seats_never_run_out_in_the_past_and_joiners_less_leavers_are_the_difference(
            used in prop::collection::vec(0_u64..1_000, 1..120), free in 0_u64..1_000,
        ) {
            let points: Vec<_> = used.iter().zip(0..)
                .map(|(used, d)| point(day(d), *used, free)).collect();
            let now = points.last().unwrap().at;
            if let Some(found) = one(&points, now) {
                prop_assert!(found.runs_out.is_none_or(|at| at >= now));
                let days = usize::try_from(found.days).unwrap();
                let before = i128::from(used[used.len() - 1 - days]);
                let difference = i128::from(*used.last().unwrap()) - before;
                prop_assert_eq!(i128::from(found.joined) - i128::from(found.left), difference);
            }
        }
    }
}
