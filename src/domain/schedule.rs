//! Schedules as cron writes them, in a time zone.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil};

/// Words that stand for a schedule.
const NICKNAMES: [&str; 7] =
    ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

/// When to do something: five cron fields, six with seconds first, or a word such as `@hourly`.
///
/// Read as crontab does: Sunday is 0 and 7, and where both the day of the month and the day of the
/// week are given, either will do. A time that a change of the clocks skips comes when they were
/// changed, one that they repeat comes once; what runs every so many minutes goes on in step.
#[derive(Clone)]
pub struct Schedule {
    text: Arc<str>,
    cron: Arc<Cron>,
}

/// A text that is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a schedule{}{reason}", if reason.is_empty() { "" } else { ": " })]
pub struct InvalidSchedule {
    /// The text as it was given.
    pub text: String,
    /// Why not; empty where the shape is wrong altogether.
    pub reason: String,
}

impl Schedule {
    /// Returns the first time after this one at which it is due; none where there is none within
    /// what a calendar can hold.
    pub fn next_after(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let from = Moment(time.to_zoned_datetime(zone.clone()));
        self.cron.find_next_occurrence(&from, false).ok().map(|Moment(next)| next.timestamp())
    }

    /// Returns the last time before or at this one at which it was due.
    pub fn last_until(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let from = Moment(time.to_zoned_datetime(zone.clone()));
        self.cron.find_previous_occurrence(&from, true).ok().map(|Moment(last)| last.timestamp())
    }

    /// Returns the text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let invalid = |reason: String| InvalidSchedule { text: text.to_owned(), reason };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"*/,-?#".contains(&byte);
        let fields = text.split_whitespace().count();
        let is_word = NICKNAMES.contains(&text);
        let is_cron =
            matches!(fields, 5 | 6) && text.split_whitespace().all(|one| one.bytes().all(fits));
        if !is_word && !is_cron {
            return Err(invalid(String::new()));
        }
        let parser =
            CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| invalid(reason(&error)))?;
        // A day that no month has, such as 31 February, is never due.
        let somewhere = Moment(Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC));
        if cron.find_next_occurrence(&somewhere, false).is_err() {
            return Err(invalid("no day fits".to_owned()));
        }
        Ok(Self { text: text.into(), cron: Arc::new(cron) })
    }
}

/// Says what is wrong without the words that the library puts before it.
fn reason(error: &CronError) -> String {
    let text = match error {
        CronError::InvalidPattern(text)
        | CronError::IllegalCharacters(text)
        | CronError::ComponentError(text) => text.clone(),
        CronError::EmptyPattern
        | CronError::InvalidDate
        | CronError::InvalidTime
        | CronError::TimeSearchLimitExceeded => error.to_string(),
    };
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

/// A time in a zone, as the library that knows cron asks for it.
#[derive(Clone)]
struct Moment(ZonedDateTime);

impl Moment {
    /// Returns the time of this zone in which wall clocks show this.
    fn at(civil: CivilDateTime) -> Option<civil::DateTime> {
        let small = |part: u32| i8::try_from(part).ok();
        civil::DateTime::new(
            i16::try_from(civil.year()).ok()?,
            small(civil.month())?,
            small(civil.day())?,
            small(civil.hour())?,
            small(civil.minute())?,
            small(civil.second())?,
            0,
        )
        .ok()
    }
}

impl CronDateTime for Moment {
    fn to_civil(&self) -> CivilDateTime {
        let part = |part: i8| u32::from(part.unsigned_abs());
        let at = self.0.datetime();
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(at.year()), part(at.month()), part(at.day())),
            CivilTime::from_parts_unchecked(part(at.hour()), part(at.minute()), part(at.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let from_sunday = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(from_sunday.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let at = Self::at(civil).ok_or(CronError::InvalidDate)?;
        let ambiguous = self.0.time_zone().to_ambiguous_zoned_datetime(at);
        let told = |zoned: Result<ZonedDateTime, jiff::Error>| {
            zoned.map(Moment).map_err(|_| CronError::InvalidTime)
        };
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Ok(Resolution::Single(told(ambiguous.unambiguous())?))
            }
            AmbiguousOffset::Fold { .. } => Ok(Resolution::Ambiguous(
                told(ambiguous.clone().earlier())?,
                told(ambiguous.later())?,
            )),
            AmbiguousOffset::Gap { .. } => Ok(Resolution::Gap),
        }
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Moment)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    /// Returns when it is due, so many times from then on, on the clocks of Berlin.
    fn due(text: &str, from: &str, times: usize) -> Vec<String> {
        let schedule: Schedule = text.parse().unwrap();
        let berlin = zone("Europe/Berlin");
        let mut at: Timestamp = from.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..times {
            at = schedule.next_after(at, &berlin).unwrap();
            found.push(at.to_zoned_datetime(berlin.clone()).strftime("%d %H:%M %z").to_string());
        }
        found
    }

    #[test]
    fn five_fields_six_and_words_are_read() {
        assert_eq!(
            due("*/15 * * * *", "2026-11-26T09:01:00Z", 2),
            ["26 10:15 +0100", "26 10:30 +0100"]
        );
        assert_eq!(due("30 0 5 * * *", "2026-11-26T09:00:00Z", 1), ["27 05:00 +0100"]);
        assert_eq!(due("@hourly", "2026-11-26T09:00:00Z", 1), ["26 11:00 +0100"]);
        assert_eq!(due("0 20 * * MON-FRI", "2026-11-27T20:00:00Z", 1), ["30 20:00 +0100"]);
        // Either day will do, as crontab has it.
        assert_eq!(
            due("0 0 1 * 1", "2026-11-26T09:00:00Z", 2),
            ["30 00:00 +0100", "01 00:00 +0100"]
        );
    }

    #[test]
    fn a_time_that_clocks_skip_comes_when_they_were_changed() {
        let days = due("30 2 * * *", "2026-03-28T12:00:00Z", 2);
        assert_eq!(days, ["29 03:00 +0200", "30 02:30 +0200"]);
    }

    #[test]
    fn a_time_that_clocks_repeat_comes_once_and_steps_go_on() {
        let days = due("30 2 * * *", "2026-10-24T12:00:00Z", 2);
        assert_eq!(days, ["25 02:30 +0200", "26 02:30 +0100"]);
        let steps = due("*/30 * * * *", "2026-10-24T23:45:00Z", 5);
        let wanted = [
            "25 02:00 +0200",
            "25 02:30 +0200",
            "25 02:00 +0100",
            "25 02:30 +0100",
            "25 03:00 +0100",
        ];
        assert_eq!(steps, wanted);
    }

    #[test]
    fn what_is_not_a_schedule_is_refused_with_the_reason() {
        let error = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
        assert_eq!(error("every hour"), "`every hour` is not a schedule");
        assert_eq!(error("@reboot"), "`@reboot` is not a schedule");
        assert_eq!(error("0 0 31 2 *"), "`0 0 31 2 *` is not a schedule: no day fits");
        assert!(error("61 * * * *").starts_with("`61 * * * *` is not a schedule: "));
        assert!("*".parse::<Schedule>().is_err());
        assert!("* * * * * * *".parse::<Schedule>().is_err());
    }

    #[test]
    fn the_last_time_is_found_too() {
        let schedule: Schedule = "0 20 * * MON-FRI".parse().unwrap();
        let last = schedule.last_until("2026-11-29T12:00:00Z".parse().unwrap(), &TimeZone::UTC);
        assert_eq!(last.unwrap().to_string(), "2026-11-27T20:00:00Z");
    }
}
