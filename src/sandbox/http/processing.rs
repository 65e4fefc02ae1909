//! Group licenses, which are given in the background: some time after somebody asked.
//!
//! Source: Graph group: assignLicense answers 202; licenseProcessingState tells how far it is.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::ids::GroupId;
use crate::sandbox::http::audit::Actor;
use crate::sandbox::http::lag::{Due, Lag, Moment};
use crate::sandbox::http::world::World;

/// How far the work on a group is.
///
/// Source: Graph licenseProcessingState.state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processing {
    Queued,
    InProgress,
    Complete,
}

impl Processing {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QueuedForProcessing",
            Self::InProgress => "ProcessingInProgress",
            Self::Complete => "ProcessingComplete",
        }
    }
}

/// The groups that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    group: GroupId,
    begins: Due,
    ends: Due,
}

impl Queue {
    /// Returns how far the work on a group is.
    pub(super) fn state(&self, group: GroupId, now: Moment) -> Processing {
        match self.waiting.iter().find(|waiting| waiting.group == group) {
            None => Processing::Complete,
            Some(waiting) if waiting.begins.has_come(now) => Processing::InProgress,
            Some(_) => Processing::Queued,
        }
    }
}

impl World {
    /// Puts a group into the queue, or works through it at once where nothing lags.
    pub(super) fn enqueue(&mut self, group: GroupId, now: Moment) {
        let lag = self.group_lag;
        match (Due::of(lag.half(), now), Due::of(lag, now)) {
            (_, None) => self.work_through(group, now.at),
            (begins, Some(ends)) => {
                let begins = begins.unwrap_or(ends);
                self.queue.waiting.push_back(Waiting { group, begins, ends });
            }
        }
    }

    /// Puts those groups into the queue whose members or licenses changed after this number, where
    /// the server follows them.
    pub(super) fn follow_groups(&mut self, since: u64, now: Moment) {
        if !self.follows_groups {
            return;
        }
        let journal = self.tenant.journal();
        let changed = journal.groups().filter(|(_, changes)| changes.gives_otherwise(since));
        let groups: Vec<GroupId> = changed.map(|(group, _)| group).collect();
        for group in groups {
            self.enqueue(group, now);
        }
    }

    /// Works through the groups whose time has come.
    pub(super) fn work(&mut self, now: Moment) {
        while self.queue.waiting.front().is_some_and(|waiting| waiting.ends.has_come(now)) {
            let Some(waiting) = self.queue.waiting.pop_front() else { return };
            self.work_through(waiting.group, now.at);
            self.horizon.note(self.views.delta_lag(), now, self.tenant.journal().latest());
        }
    }

    fn work_through(&mut self, group: GroupId, at: Timestamp) {
        let actor = Actor::GroupLicensing;
        self.audit.group(at, actor, "Start applying group based license to users", group, None);
        for user in self.tenant.reprocess_group(group, at) {
            self.audit.user(at, actor, user, None);
        }
        self.audit.group(at, actor, "Finish applying group based license to users", group, None);
    }
}

impl Lag {
    fn half(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Requests(count) => Self::Requests(count / 2),
            Self::For(time) => Self::For(time / 2),
        }
    }
}
