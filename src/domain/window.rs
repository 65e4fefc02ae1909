//! Windows: when changes may run, and when they may not.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::schedule::Schedule;
use crate::domain::span::Span;

/// A span of time that comes again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it opens.
    pub opens: Schedule,
    /// How long it stays open.
    pub length: Span,
    /// Whether changes may run in it, or may not.
    pub effect: Effect,
    /// Which changes it is about.
    pub changes: Changes,
}

/// What a window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes may run while it is open. Outside all such windows they may not.
    Allow,
    /// Changes may not run while it is open, whatever other windows allow.
    Deny,
}

/// Which changes a window is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changes {
    /// All.
    #[default]
    All,
    /// Those that take something away.
    Removals,
}

/// What a change does, as far as windows tell changes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// It takes something away.
    Something,
    /// It takes nothing away.
    Nothing,
}

impl Window {
    /// Returns when it closes, where it is open. Of openings that overlap the latest counts.
    fn open_until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let opened = self.opens.last_until(now, zone)?;
        Some(self.length.after(opened)).filter(|until| now < *until)
    }

    fn is_about(&self, takes: Takes) -> bool {
        match (self.changes, takes) {
            (Changes::All, _) | (Changes::Removals, Takes::Something) => true,
            (Changes::Removals, Takes::Nothing) => false,
        }
    }

    /// Returns when it next opens or closes.
    fn next_turn(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let opens = self.opens.next_after(now, zone);
        [self.open_until(now, zone), opens].into_iter().flatten().min()
    }
}

/// The windows of a tenant, in its time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows(pub Vec<Window>);

impl Windows {
    /// Whether changes of a kind may run now: within a window that allows them, where there is any
    /// such window, and within none that denies them.
    pub fn permit(&self, takes: Takes, now: Timestamp, zone: &TimeZone) -> bool {
        let about = || self.0.iter().filter(|window| window.is_about(takes));
        let is_open = |window: &&Window| window.open_until(now, zone).is_some();
        let denied = about().filter(|window| window.effect == Effect::Deny).any(|w| is_open(&w));
        let mut allowing = about().filter(|window| window.effect == Effect::Allow).peekable();
        !denied && (allowing.peek().is_none() || allowing.any(|window| is_open(&window)))
    }

    /// Returns the next time at which a window opens or closes.
    pub fn next_turn(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.0.iter().filter_map(|window| window.next_turn(now, zone)).min()
    }

    /// Whether there is none: changes may run at any time.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(effect: Effect, opens: &str, length: &str, changes: Changes) -> Window {
        let (opens, length) = (opens.parse().unwrap(), length.parse().unwrap());
        Window { opens, length, effect, changes }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn permits(windows: &Windows, takes: Takes, time: &str) -> bool {
        windows.permit(takes, at(time), &TimeZone::UTC)
    }

    #[test]
    fn without_windows_changes_may_run_at_any_time() {
        assert!(permits(&Windows::default(), Takes::Something, "2026-11-26T09:00:00Z"));
    }

    #[test]
    fn a_window_for_removals_leaves_other_changes_alone() {
        let nights = window(Effect::Allow, "0 20 * * MON-FRI", "8h", Changes::Removals);
        let nights = Windows(vec![nights]);
        for (time, removals) in [
            ("2026-11-26T19:59:59Z", false),
            ("2026-11-26T20:00:00Z", true),
            ("2026-11-27T03:59:59Z", true),
            ("2026-11-27T04:00:00Z", false),
            ("2026-11-28T21:00:00Z", false),
        ] {
            assert_eq!(permits(&nights, Takes::Something, time), removals, "{time}");
            assert!(permits(&nights, Takes::Nothing, time), "{time}");
        }
        let turn = nights.next_turn(at("2026-11-26T21:00:00Z"), &TimeZone::UTC);
        assert_eq!(turn, Some(at("2026-11-27T04:00:00Z")));
    }

    #[test]
    fn what_denies_beats_what_allows() {
        let windows = Windows(vec![
            window(Effect::Allow, "0 0 * * *", "24h", Changes::All),
            window(Effect::Deny, "0 0 20 12 *", "14d", Changes::All),
        ]);
        assert!(permits(&windows, Takes::Nothing, "2026-12-19T23:59:00Z"));
        assert!(!permits(&windows, Takes::Nothing, "2026-12-24T12:00:00Z"));
        assert!(permits(&windows, Takes::Nothing, "2027-01-03T00:00:00Z"));
    }

    #[test]
    fn a_window_opens_by_the_clocks_of_its_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let windows = Windows(vec![window(Effect::Allow, "0 20 * * *", "1h", Changes::All)]);
        assert!(windows.permit(Takes::Nothing, at("2026-11-26T19:30:00Z"), &berlin));
        assert!(windows.permit(Takes::Nothing, at("2026-07-26T18:30:00Z"), &berlin));
        assert!(!windows.permit(Takes::Nothing, at("2026-07-26T19:30:00Z"), &berlin));
    }
}
