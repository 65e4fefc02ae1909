//! Remembers across a restart what is spent of the quotas of a tenant, and until when it asked to be
//! left alone. Writes are remembered by their intents, where they are known one by one.

use std::time::Duration;

use jiff::Timestamp;

use crate::graph::gate::lock;
use crate::graph::retry::{RETRY_AFTER_MAX, after, between};
use crate::graph::session::Session;
use crate::ports::Clock;
use crate::ports::quota::Quota;

/// How often what was spent is kept: of so much at most a later process knows nothing.
const KEPT_EVERY: Duration = Duration::from_secs(1);

/// Why there is something to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A little more of a quota is spent.
    Spent,
    /// The tenant asked to be left alone.
    Paused,
}

impl<C: Clock> Session<C> {
    /// Takes up what an earlier process knew.
    pub(super) fn recall_quota(&self) {
        let Some(memory) = &self.settings.quota else { return };
        let Quota { paused_until, reads_spent } = memory.last();
        let now = self.clock.now();
        if let Some(until) = paused_until.filter(|until| *until > now) {
            // A clock that went back must not make an hour of it a year.
            self.gate.begin(until.min(after(now, RETRY_AFTER_MAX)));
        }
        if let Some((units, at)) = reads_spent {
            self.reads.resume(units, at.min(now));
        }
    }

    /// Keeps what a later process must know: at once where it is a pause, else once a second.
    pub(super) fn keep_quota(&self, now: Timestamp, occasion: Occasion) {
        let Some(memory) = &self.settings.quota else { return };
        let mut kept_at = lock(&self.quota_kept_at);
        let is_due = match (*kept_at, occasion) {
            (None, _) | (Some(_), Occasion::Paused) => true,
            (Some(at), Occasion::Spent) => between(at, now) >= KEPT_EVERY || now < at,
        };
        if is_due {
            *kept_at = Some(now);
            let paused_until = self.gate.open_at().filter(|until| *until > now);
            memory.keep(Quota { paused_until, reads_spent: self.reads.spent() });
        }
    }
}
