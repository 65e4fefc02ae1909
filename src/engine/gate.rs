//! Whether changes may be sent now: within windows, and not while somebody has paused.

use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::names::TenantName;
use crate::domain::window::{Takes, Windows};
use crate::plan::Operation;
use crate::plan::second_look::SecondLook;
use crate::ports::desk::{Desk, Pause};
use crate::ports::{Clock, RecordsError};

/// How often to look whether somebody paused, while changes are sent.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Opens and closes with time, and with what people say. Looked at before every batch.
#[derive(Debug)]
pub struct Gate {
    windows: Windows,
    zone: TimeZone,
    pause: Mutex<Option<Pause>>,
}

impl Gate {
    /// A gate that opens and closes with these windows, on the clocks of this zone.
    pub fn new(windows: Windows, zone: TimeZone) -> Self {
        Self { windows, zone, pause: Mutex::new(None) }
    }

    /// A gate that is always open.
    pub fn open() -> Self {
        Self::new(Windows::default(), TimeZone::UTC)
    }

    /// Notes the pause that is in force, or that there is none.
    pub fn pause(&self, pause: Option<Pause>) {
        *self.pause.lock().expect("no holder of the pause panics") = pause;
    }

    /// Looks whether somebody has paused.
    ///
    /// # Errors
    ///
    /// Where the records cannot be read, what was known stays.
    pub async fn look(
        &self,
        desk: &impl Desk,
        tenant: &TenantName,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        self.pause(desk.paused(tenant, now).await?);
        Ok(())
    }

    /// Looks at once, and again and again as long as it is asked. What is wrong with the records shows
    /// elsewhere.
    pub async fn watch(
        &self,
        desk: &impl Desk,
        tenant: &TenantName,
        clock: &impl Clock,
    ) -> Infallible {
        loop {
            let _ = self.look(desk, tenant, clock.now()).await;
            // Not a clock that may run by itself, as in tests: this waits for people.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Says why changes of a kind may not be sent now; none where they may.
    pub fn refuse(&self, takes: Takes, now: Timestamp) -> Option<String> {
        let pause = self.pause.lock().expect("no holder of the pause panics");
        if let Some(pause) = pause.as_ref().filter(|pause| now < pause.until) {
            let Pause { tenant: _, by, reason, since: _, until } = pause;
            return Some(format!("paused by {by} until {until:.0} ({reason})"));
        }
        if self.windows.permit(takes, now, &self.zone) {
            return None;
        }
        let what = match takes {
            Takes::Something => "removals",
            Takes::Nothing => "changes",
        };
        Some(match self.windows.next_turn(now, &self.zone) {
            Some(turn) => format!("no window for {what} is open; windows turn at {turn:.0}"),
            None => format!("no window for {what} is open"),
        })
    }

    /// Says why an operation may not be sent now.
    pub fn refuse_operation(&self, operation: &Operation, now: Timestamp) -> Option<String> {
        self.refuse(takes(operation), now)
    }

    /// Returns the next time at which what may be sent changes by itself.
    pub fn next_turn(&self, now: Timestamp) -> Option<Timestamp> {
        let pause = self.pause.lock().expect("no holder of the pause panics");
        let resumes = pause.as_ref().map(|pause| pause.until).filter(|until| now < *until);
        [resumes, self.windows.next_turn(now, &self.zone)].into_iter().flatten().min()
    }
}

/// Returns what an operation does, as far as windows tell changes apart.
pub(crate) fn takes(operation: &Operation) -> Takes {
    if SecondLook::is_needed(operation) { Takes::Something } else { Takes::Nothing }
}
