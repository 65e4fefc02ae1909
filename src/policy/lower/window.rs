//! The window in which a policy applies.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::policy::{Moment, Written};
use crate::yaml::{Entry, Node, Reader};

/// A text that is not the beginning of a day or an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoment {
    /// It has the form of neither.
    #[error("`{text}` is neither a date nor an instant")]
    Neither {
        /// The text as it was given.
        text: String,
    },
    /// It has the form, and no calendar has the time.
    #[error("there is no such time as `{text}`")]
    NoSuchTime {
        /// The text as it was given.
        text: String,
    },
}

impl InvalidMoment {
    /// What to write instead.
    pub const HINT: &str =
        "write a date such as `2026-01-31`, or an instant such as `2026-01-31T18:00:00Z`";
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let read = match shape(text) {
            Shape::Date => text.parse::<Date>().ok().map(Self::Day),
            Shape::Instant => text.parse::<Timestamp>().ok().map(Self::Instant),
            Shape::Neither => return Err(InvalidMoment::Neither { text: text.to_owned() }),
        };
        read.ok_or_else(|| InvalidMoment::NoSuchTime { text: text.to_owned() })
    }
}

/// Reads `from` and `until`. A window that is over before it begins is an error.
pub(super) fn lower(
    reader: &mut Reader,
    from: Option<&Entry>,
    until: Option<&Entry>,
) -> (Option<Written<Moment>>, Option<Written<Moment>>) {
    let begins = from.and_then(|entry| moment(reader, &entry.value));
    let ends = until.and_then(|entry| moment(reader, &entry.value));
    if let (Some(from), Some(until), Some(entry)) = (&begins, &ends, until)
        && never(from.value, until.value)
    {
        let hint = "`until` is exclusive: the policy applies from `from` up to it";
        reader.error_with(entry.value.spot, "`until` is not after `from`", hint);
    }
    (begins, ends)
}

/// Reads the beginning of a day or an instant.
pub(super) fn moment(reader: &mut Reader, node: &Node) -> Option<Written<Moment>> {
    let spot = node.spot;
    let text = reader.text(node)?;
    match text.parse() {
        Ok(value) => Some(Written { value, place: reader.place(spot) }),
        Err(error) => {
            let error: InvalidMoment = error;
            reader.error_with(spot, error.to_string(), InvalidMoment::HINT);
            None
        }
    }
}

enum Shape {
    Date,
    Instant,
    Neither,
}

/// Tells the two forms apart. The library reads more than these, but two people may not agree on
/// what `20260131` or a time without an offset means.
fn shape(text: &str) -> Shape {
    let like = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    if like(text, "0000-00-00") {
        return Shape::Date;
    }
    let (Some(whole), Some(rest)) = (text.get(..19), text.get(19..)) else {
        return Shape::Neither;
    };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    let has_offset = offset == "Z" || like(offset, "+00:00") || like(offset, "-00:00");
    if like(whole, "0000-00-00T00:00:00") && has_offset { Shape::Instant } else { Shape::Neither }
}

/// Whether the end is not after the beginning, in whatever time zone the days are meant.
fn never(from: Moment, until: Moment) -> bool {
    match (from, until) {
        (Moment::Day(from), Moment::Day(until)) => until <= from,
        (Moment::Instant(from), Moment::Instant(until)) => until <= from,
        (Moment::Day(from), Moment::Instant(until)) => {
            begins_between(from).is_some_and(|(earliest, _)| until <= earliest)
        }
        (Moment::Instant(from), Moment::Day(until)) => {
            begins_between(until).is_some_and(|(_, latest)| latest <= from)
        }
    }
}

/// Returns when a day begins in the easternmost and in the westernmost time zone.
fn begins_between(day: Date) -> Option<(Timestamp, Timestamp)> {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    let earliest = midnight.checked_sub(SignedDuration::from_hours(14)).ok()?;
    let latest = midnight.checked_add(SignedDuration::from_hours(12)).ok()?;
    Some((earliest, latest))
}
