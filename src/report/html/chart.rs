//! Seats as bars and as lines over time, drawn as SVG. Each says in words what it shows, for those who
//! do not see it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::plan::forecast::{Forecast, SeatPoint};
use crate::report::text::time;

/// How long a bar or a line is, in units of its own.
const LENGTH: u128 = 1_000;
/// How high lines are.
const HEIGHT: u128 = 100;
/// How many changes are told in numbers.
const ROWS_MAX: usize = 20;

/// The seats of a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seats {
    pub(crate) total: u64,
    pub(crate) used: u64,
    pub(crate) reserved: u64,
    pub(crate) waiting: u64,
}

impl Seats {
    /// Returns the seats that can be given out.
    pub(crate) fn free(self) -> u64 {
        self.total.saturating_sub(self.used).saturating_sub(self.reserved)
    }

    /// Draws them side by side: used, kept free, free, and behind them who waits for one.
    pub(crate) fn bar(self) -> String {
        let Self { total, used, reserved, waiting } = self;
        let all = [
            ("used", used),
            ("reserved", reserved.min(total.saturating_sub(used))),
            ("free", self.free()),
            ("waiting", waiting),
        ];
        let whole = all.iter().map(|(_, seats)| u128::from(*seats)).sum::<u128>().max(1);
        let mut svg = format!(
            "<svg class=\"bar\" viewBox=\"0 0 {LENGTH} 20\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\">",
            self.words()
        );
        let mut at = 0;
        for (class, seats) in all.into_iter().filter(|(_, seats)| *seats > 0) {
            let width = (u128::from(seats) * LENGTH / whole).max(2);
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{at}\" y=\"0\" width=\"{width}\" height=\"20\"/>"
            );
            at += width;
        }
        svg.push_str("</svg>");
        svg
    }

    /// Says the same in words.
    pub(crate) fn words(self) -> String {
        let Self { total, used, reserved, waiting } = self;
        let over = used.saturating_sub(total);
        let over = if over > 0 { format!(", {over} more than there are") } else { String::new() };
        format!(
            "{used} of {total} seats used{over}, {reserved} reserved, {} free, {waiting} waiting",
            self.free()
        )
    }
}

/// How seats were used over time.
#[derive(Debug)]
pub(crate) struct Lines {
    /// What was used, and what there was, as lines.
    pub(crate) svg: String,
    /// The same in words.
    pub(crate) words: String,
    /// The latest changes, the newest first: when, used, total.
    pub(crate) rows: Vec<(String, u64, u64)>,
}

impl Lines {
    /// Draws how the seats of one SKU were used, in the order of time. Returns none where nothing was
    /// watched for any time.
    pub(crate) fn new(points: &[&SeatPoint], now: Timestamp) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let span = now.as_second() - first.at.as_second();
        if span <= 0 {
            return None;
        }
        let most = points.iter().map(|point| point.seats.total.max(point.seats.used)).max();
        let most = u128::from(most.unwrap_or_default().max(1));
        // Of a stretch that is narrower than a line only the last is drawn.
        let place = |at: Timestamp| {
            let since = u128::try_from(at.as_second() - first.at.as_second()).unwrap_or_default();
            let span = u128::try_from(span).unwrap_or(1);
            since.min(span) * LENGTH / span
        };
        let mut drawn: BTreeMap<u128, &SeatPoint> = BTreeMap::new();
        for point in points {
            drawn.insert(place(point.at) / 3 * 3, point);
        }
        let line = |of: fn(&SeatPoint) -> u64| {
            let mut path = String::new();
            let mut height = None;
            for (x, point) in &drawn {
                let y = HEIGHT - u128::from(of(point)) * (HEIGHT - 2) / most - 1;
                if let Some(before) = height.replace(y) {
                    let _ = write!(path, "{x},{before} ");
                }
                let _ = write!(path, "{x},{y} ");
            }
            let _ = write!(path, "{LENGTH},{}", height.unwrap_or_default());
            path
        };
        let words = format!(
            "{} to {}: from {} of {} seats used to {} of {}",
            day(first.at),
            day(now),
            first.seats.used,
            first.seats.total,
            last.seats.used,
            last.seats.total
        );
        let svg = format!(
            "<svg class=\"lines\" viewBox=\"0 0 {LENGTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
             role=\"img\" aria-label=\"{words}\"><polyline class=\"total\" points=\"{}\"/>\
             <polyline class=\"used\" points=\"{}\"/></svg>",
            line(|point| point.seats.total),
            line(|point| point.seats.used)
        );
        let row = |point: &&SeatPoint| (time(point.at), point.seats.used, point.seats.total);
        let rows = points.iter().rev().take(ROWS_MAX).map(row).collect();
        Some(Self { svg, words, rows })
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Says when seats run out, where they were watched for long enough.
pub(crate) fn outlook(forecast: &Forecast, free: u64) -> String {
    let Forecast { days, joined, left, per_day, runs_out } = forecast;
    let ends = match runs_out {
        Some(_) if free == 0 => "none is free".to_owned(),
        Some(at) => format!("runs out on {}", day(*at)),
        None => "does not run out in sight".to_owned(),
    };
    format!("{ends}: {per_day:+.1} a day; {joined} taken and {left} given back in {days} days")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_what_it_shows() {
        let seats = Seats { total: 100, used: 90, reserved: 4, waiting: 3 };
        assert_eq!(seats.words(), "90 of 100 seats used, 4 reserved, 6 free, 3 waiting");
        let bar = seats.bar();
        assert_eq!(bar.matches("<rect").count(), 4);
        assert!(bar.contains(&seats.words()));
    }

    #[test]
    fn lines_say_what_they_show_and_stay_short() {
        let second = |second: i64| Timestamp::from_second(second).unwrap();
        let point = |n: u64| {
            let id = crate::domain::ids::SkuId::from_uuid(uuid::Uuid::nil());
            let (sku, used, free) = ("SPE_E5".into(), n, 90_000 - n);
            let seats = crate::plan::inventory::SeatUse {
                id,
                sku,
                total: 90_000,
                used,
                free,
                reserved: 0,
                waiting: 0,
            };
            SeatPoint { at: second(n.cast_signed() * 900), seats }
        };
        let points: Vec<SeatPoint> = (0..8_640).map(point).collect();
        let points: Vec<&SeatPoint> = points.iter().collect();
        let lines = Lines::new(&points, second(8_640 * 900)).unwrap();
        assert_eq!(
            lines.words,
            "1970-01-01 to 1970-04-01: from 0 of 90000 seats used to 8639 of 90000"
        );
        assert!(lines.svg.len() < 16_000, "{}", lines.svg.len());
        assert_eq!((lines.rows.len(), lines.rows[0].1), (ROWS_MAX, 8_639));
        assert!(Lines::new(&points[..1], points[0].at).is_none());
        assert!(Lines::new(&[], second(0)).is_none());
    }

    #[test]
    fn more_may_be_used_than_there_is() {
        let seats = Seats { total: 5, used: 7, reserved: 1, waiting: 0 };
        assert_eq!(
            seats.words(),
            "7 of 5 seats used, 2 more than there are, 1 reserved, 0 free, 0 waiting"
        );
        assert_eq!(seats.bar().matches("<rect").count(), 1);
        let none = Seats { total: 0, used: 0, reserved: 0, waiting: 0 };
        assert_eq!(none.bar().matches("<rect").count(), 0);
    }
}
