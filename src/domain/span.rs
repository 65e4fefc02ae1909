//! Spans of time as people write them in policies: `7d`, `12h`, `30m`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// A span of whole seconds, written as a number and a unit: `s`, `m`, `h`, `d` or `w`.
///
/// A day is 24 hours: a grace runs on, whatever clocks do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// A text that is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a span of time: a whole number and s, m, h, d or w, at most 3650d")]
pub struct InvalidSpan {
    /// The text as it was given.
    pub text: String,
}

const UNITS: [(char, u64); 5] =
    [('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
const SECONDS_MAX: u64 = 3_650 * 86_400;

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Returns a span of whole days.
    pub const fn days(days: u32) -> Self {
        Self(days as u64 * 86_400)
    }

    /// Returns a span of whole seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds as u64)
    }

    /// Returns the length in seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Returns the instant this much after `start`, or the last one there is.
    pub fn after(self, start: Timestamp) -> Timestamp {
        let length = SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX));
        start.saturating_add(length).unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let invalid = || InvalidSpan { text: text.to_owned() };
        let (number, seconds) = UNITS
            .iter()
            .find_map(|(unit, seconds)| text.strip_suffix(*unit).map(|number| (number, *seconds)))
            .or((text == "0").then_some(("0", 1)))
            .ok_or_else(invalid)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let number: u64 = number.parse().map_err(|_| invalid())?;
        match number.checked_mul(seconds) {
            Some(total) if total <= SECONDS_MAX => Ok(Self(total)),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) = UNITS
            .iter()
            .skip(1)
            .find(|(_, seconds)| self.0 >= *seconds && self.0.is_multiple_of(*seconds))
            .unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        for (text, seconds) in [("7d", 604_800), ("2w", 1_209_600), ("90m", 5_400), ("0", 0)] {
            assert_eq!(text.parse::<Span>().unwrap().as_secs(), seconds, "{text}");
        }
        for wrong in ["", "d", "7", "-7d", "1.5d", "7 d", "99999999999999999999d", "4000d", "7D"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_print_in_the_largest_unit_that_fits() {
        for (text, printed) in [("14d", "14d"), ("2w", "14d"), ("90m", "90m"), ("120m", "2h")] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), printed);
        }
    }
}
