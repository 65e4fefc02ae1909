//! Reads that do not show yet what was written.
//!
//! Source: Graph is eventually consistent; a read right after a write may show the old state.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::UsageLocation;
use crate::sandbox::model::{Held, Tenant, User};

/// How long reads lag behind writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lag {
    /// A write shows at once.
    #[default]
    None,
    /// A write shows after this many further requests.
    Requests(u64),
    /// A write shows after this time.
    For(Duration),
}

/// Where a server stands: the number of the request, and the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) request: u64,
    pub(super) at: Timestamp,
}

/// How long what is not a plain read lags; where nothing is said, as long as those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    /// Advanced queries, casts and counted seats, which read an index.
    pub index: Option<Lag>,
    /// Delta queries.
    pub delta: Option<Lag>,
    /// Licenses that groups give; at once where nothing is said.
    pub groups: Lag,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    Request(u64),
    At(Timestamp),
}

impl Due {
    /// Returns when something of now shows; none where it does at once.
    pub(super) fn of(lag: Lag, now: Moment) -> Option<Self> {
        match lag {
            Lag::None => None,
            Lag::Requests(count) => Some(Self::Request(now.request + count + 1)),
            Lag::For(time) => {
                let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
                Some(Self::At(now.at.saturating_add(time).unwrap_or(Timestamp::MAX)))
            }
        }
    }

    pub(super) fn has_come(self, now: Moment) -> bool {
        match self {
            Self::Request(number) => number <= now.request,
            Self::At(time) => time <= now.at,
        }
    }
}

/// How far delta queries see: they show changes in their order, each some time after it was made.
#[derive(Debug, Default)]
pub(super) struct Horizon {
    /// Changes up to this number show.
    seen: u64,
    /// Numbers up to which there were changes at some instants, and when they show.
    ahead: VecDeque<(Due, u64)>,
}

impl Horizon {
    /// Notes up to which number there are changes now. Returns up to which they show.
    pub(super) fn note(&mut self, lag: Lag, now: Moment, latest: u64) -> u64 {
        let noted = self.ahead.back().map_or(self.seen, |(_, number)| *number);
        if latest > noted {
            match Due::of(lag, now) {
                Some(due) => self.ahead.push_back((due, latest)),
                None => self.seen = latest,
            }
        }
        while let Some((_, number)) = self.ahead.front().filter(|(due, _)| due.has_come(now)) {
            self.seen = self.seen.max(*number);
            self.ahead.pop_front();
        }
        self.seen
    }
}

/// What a user was before a write that does not show yet.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) licenses: Vec<Held>,
    pub(super) location: Option<UsageLocation>,
    seats: BTreeMap<SkuId, i64>,
}

impl Before {
    pub(super) fn of(user: &User) -> Self {
        let (licenses, location) = (user.licenses.clone(), user.usage_location);
        Self { licenses, location, seats: BTreeMap::new() }
    }
}

/// Which copy of the directory a read asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Replica,
    Index,
    Delta,
}

/// What the copies do not show yet, each behind by a lag of its own.
#[derive(Debug)]
pub(super) struct Views {
    replica: (Lag, Unseen),
    index: (Lag, Unseen),
    delta: (Lag, Unseen),
}

impl Views {
    pub(super) fn new(lag: Lag, lags: Lags) -> Self {
        let view = |own: Option<Lag>| (own.unwrap_or(lag), Unseen::default());
        Self { replica: view(None), index: view(lags.index), delta: view(lags.delta) }
    }

    /// Returns how long delta queries lag.
    pub(super) fn delta_lag(&self) -> Lag {
        self.delta.0
    }

    /// Remembers a write to a user.
    pub(super) fn wrote(&mut self, now: Moment, before: &Before, after: &User) {
        for (lag, unseen) in [&mut self.replica, &mut self.index, &mut self.delta] {
            unseen.wrote(*lag, now, before, after);
        }
    }

    /// Forgets what shows by now.
    pub(super) fn settle(&mut self, now: Moment) {
        for (_, unseen) in [&mut self.replica, &mut self.index, &mut self.delta] {
            unseen.settle(now);
        }
    }

    /// Returns what a copy shows of a user in place of the truth.
    pub(super) fn of(&self, view: View, user: UserId) -> Option<&Before> {
        let (_, unseen) = match view {
            View::Replica => &self.replica,
            View::Index => &self.index,
            View::Delta => &self.delta,
        };
        unseen.of(user)
    }

    /// Returns the seats in use that reads show.
    pub(super) fn consumed(&self, tenant: &Tenant) -> BTreeMap<SkuId, i64> {
        self.index.1.consumed(tenant)
    }
}

/// The writes that do not show yet, oldest first.
#[derive(Debug, Default)]
struct Unseen {
    order: VecDeque<(Due, UserId)>,
    users: BTreeMap<UserId, VecDeque<Before>>,
}

impl Unseen {
    /// Remembers a write to a user.
    fn wrote(&mut self, lag: Lag, now: Moment, before: &Before, after: &User) {
        let Some(due) = Due::of(lag, now) else { return };
        let mut before = before.clone();
        let active = |licenses: &[Held]| -> Vec<SkuId> {
            licenses.iter().filter(|held| held.is_active()).map(|held| held.sku).collect()
        };
        for sku in active(&after.licenses) {
            *before.seats.entry(sku).or_default() += 1;
        }
        for sku in active(&before.licenses) {
            *before.seats.entry(sku).or_default() -= 1;
        }
        self.order.push_back((due, after.id));
        self.users.entry(after.id).or_default().push_back(before);
    }

    /// Forgets what shows by now.
    fn settle(&mut self, now: Moment) {
        let shows = |(due, _): &(Due, UserId)| due.has_come(now);
        while self.order.front().is_some_and(shows) {
            let Some((_, user)) = self.order.pop_front() else { return };
            if let Some(before) = self.users.get_mut(&user) {
                before.pop_front();
                if before.is_empty() {
                    self.users.remove(&user);
                }
            }
        }
    }

    /// Returns what reads show of a user in place of the truth.
    fn of(&self, user: UserId) -> Option<&Before> {
        self.users.get(&user).and_then(VecDeque::front)
    }

    /// Returns the seats in use that reads show.
    fn consumed(&self, tenant: &Tenant) -> BTreeMap<SkuId, i64> {
        let mut seats: BTreeMap<SkuId, i64> =
            tenant.skus().iter().map(|sku| (sku.id, i64::from(sku.consumed))).collect();
        for (sku, moved) in self.users.values().flatten().flat_map(|before| &before.seats) {
            *seats.entry(*sku).or_default() -= moved;
        }
        seats
    }
}
