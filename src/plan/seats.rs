//! Shares seats out: removals free seats before additions use them, higher priority goes first, then
//! who has waited longest, and no count ever goes below zero.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};

mod swaps;

pub(crate) use swaps::FullSwap;

/// A seat that a user needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    /// Higher goes first.
    pub(crate) priority: i32,
    /// Since when the user needs it; now for who did not before.
    pub(crate) since: Timestamp,
}

/// A lower rung that a user takes meanwhile where there is no seat on a higher one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lower {
    /// The rung.
    pub(crate) sku: SkuId,
    /// What the user gives back for it: rungs that are lower still.
    pub(crate) frees: BTreeSet<SkuId>,
}

/// What one user asks of the seats, in one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Seats that the user needs.
    pub(crate) needs: BTreeMap<SkuId, Need>,
    /// Seats that the user gives back, each with what must be granted for that.
    pub(crate) frees: BTreeMap<SkuId, BTreeSet<SkuId>>,
    /// For a seat that the user needs: what to take meanwhile, best first.
    pub(crate) lower: BTreeMap<SkuId, Vec<Lower>>,
    /// Whether there is something else to do for the user, which needs no seat.
    pub(crate) otherwise_busy: bool,
    /// Whether a part of it would be refused, so that it is done as a whole or not at all.
    pub(crate) whole: bool,
    /// Whether the user's seats are only kept: no call is made, and nothing is given back.
    pub(crate) kept: bool,
}

/// What became of the requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    /// When each user's call runs, for those who have something to do. Calls of one wave need only
    /// seats that were free before it.
    pub(crate) waves: BTreeMap<UserId, u32>,
    /// Who waits for which SKU: the queue of each, first in line first.
    pub(crate) waiting: BTreeMap<SkuId, Vec<UserId>>,
    /// Users who would swap SKUs that are all full.
    pub(crate) full_swaps: Vec<FullSwap>,
    /// What is taken meanwhile, by user and the SKU that they wait for.
    meanwhile: BTreeMap<(UserId, SkuId), Lower>,
    /// Who waits, or is in a full swap, for what.
    pairs: BTreeSet<(UserId, SkuId)>,
}

impl Shares {
    /// Whether a user does not get a seat now.
    pub(crate) fn waits(&self, user: UserId, sku: SkuId) -> bool {
        self.pairs.contains(&(user, sku))
    }

    /// Returns what a user takes meanwhile.
    pub(crate) fn meanwhile(&self, user: UserId, sku: SkuId) -> Option<&Lower> {
        self.meanwhile.get(&(user, sku))
    }

    /// Whether something may go whose removal needs these.
    pub(crate) fn lets_go(&self, user: UserId, sku: SkuId, needs: &BTreeSet<SkuId>) -> bool {
        needs.iter().all(|need| {
            let for_lower =
                || self.meanwhile(user, *need).is_some_and(|lower| lower.frees.contains(&sku));
            !self.waits(user, *need) || for_lower()
        })
    }
}

/// A user's request while it is dealt with.
#[derive(Clone)]
struct Open {
    request: Request,
    missing: BTreeSet<SkuId>,
    /// What is being taken in place of what, and how many lower rungs were tried.
    meanwhile: BTreeMap<SkuId, (Lower, usize)>,
    called: bool,
}

impl Open {
    /// Whether something may be given back now.
    fn gives(&self, sku: SkuId, needs: &BTreeSet<SkuId>) -> bool {
        needs.iter().all(|need| match self.meanwhile.get(need) {
            Some((lower, _)) => lower.frees.contains(&sku) && !self.missing.contains(&lower.sku),
            None => !self.missing.contains(need),
        })
    }
}

/// A place in the queue of a SKU: lower comes first.
type Place = (Reverse<i32>, Timestamp, UserId);

/// The sharing out under way.
#[derive(Clone)]
struct Sharing {
    /// Below zero where more is in use (or kept free) than there is: what is given back then goes
    /// to nobody.
    free: BTreeMap<SkuId, i64>,
    freed: BTreeMap<SkuId, i64>,
    queues: BTreeMap<SkuId, BTreeSet<Place>>,
    open: BTreeMap<UserId, Open>,
    /// Who waits although their call is made already; they keep their place before others.
    left_waiting: BTreeMap<SkuId, BTreeSet<Place>>,
    waves: BTreeMap<UserId, u32>,
}

/// Shares out the free seats; below zero where more is in use than may be.
///
/// Works in waves: what a wave frees can be used from the next on. A user's call is made when all
/// that it needs is there; when nothing moves any more, calls that can free something are made
/// without the rest, then who waits for a rung takes the next lower one that is free, and then calls
/// that can do a part are made.
pub(crate) fn share(free: BTreeMap<SkuId, i64>, requests: BTreeMap<UserId, Request>) -> Shares {
    let mut sharing = Sharing::new(free, requests);
    sharing.run();
    let full_swaps = swaps::find(&sharing);
    sharing.finish(full_swaps)
}

impl Sharing {
    fn new(free: BTreeMap<SkuId, i64>, requests: BTreeMap<UserId, Request>) -> Self {
        let mut queues: BTreeMap<SkuId, BTreeSet<Place>> = BTreeMap::new();
        let mut open = BTreeMap::new();
        for (user, request) in requests {
            for (sku, need) in &request.needs {
                queues.entry(*sku).or_default().insert(place(*need, user));
            }
            let missing = request.needs.keys().copied().collect();
            let meanwhile = BTreeMap::new();
            open.insert(user, Open { request, missing, meanwhile, called: false });
        }
        Self {
            free,
            freed: BTreeMap::new(),
            queues,
            open,
            left_waiting: BTreeMap::new(),
            waves: BTreeMap::new(),
        }
    }

    fn run(&mut self) {
        let mut ready: Vec<UserId> = self
            .open
            .iter()
            .filter(|(_, open)| open.missing.is_empty() && !open.request.kept)
            .map(|(user, _)| *user)
            .collect();
        let mut wave = 0;
        loop {
            ready.extend(self.hand_out());
            if ready.is_empty() {
                ready = self.who_can_free_something();
            }
            if ready.is_empty() && self.step_down() {
                continue;
            }
            if ready.is_empty() {
                ready = self.who_can_do_a_part();
            }
            if ready.is_empty() {
                return;
            }
            for user in ready.drain(..) {
                self.call(user, wave);
            }
            for (sku, freed) in std::mem::take(&mut self.freed) {
                *self.free.entry(sku).or_default() += freed;
            }
            wave += 1;
        }
    }

    /// Gives free seats to those first in line. Returns the users who have all they need now.
    fn hand_out(&mut self) -> Vec<UserId> {
        let mut ready = Vec::new();
        let skus: Vec<SkuId> = self.queues.keys().copied().collect();
        for sku in skus {
            while self.free.get(&sku).is_some_and(|free| *free > 0) {
                let next = self.queues.get_mut(&sku).and_then(BTreeSet::pop_first);
                let Some(place @ (_, _, user)) = next else { break };
                *self.free.entry(sku).or_default() -= 1;
                let open = self.open.get_mut(&user).expect("whoever is in a queue has a request");
                if open.request.kept {
                    continue;
                }
                if open.called {
                    // One call a user: the seat is kept for the next plan.
                    self.left_waiting.entry(sku).or_default().insert(place);
                    continue;
                }
                open.missing.remove(&sku);
                // Who gets the higher rung after all needs no lower one.
                if let Some((lower, _)) = open.meanwhile.remove(&sku) {
                    let had_seat = !open.missing.remove(&lower.sku);
                    if had_seat {
                        *self.free.entry(lower.sku).or_default() += 1;
                    } else {
                        let need = open.request.needs[&sku];
                        self.queues.entry(lower.sku).or_default().remove(&self::place(need, user));
                    }
                }
                if self.open[&user].missing.is_empty() {
                    ready.push(user);
                }
            }
        }
        ready.sort_unstable();
        ready.dedup();
        ready
    }

    /// Returns the users who can give back a seat that somebody waits for without what they wait
    /// for themselves. The others may still come by all they need in one call.
    fn who_can_free_something(&self) -> Vec<UserId> {
        let waited_for = |sku: &SkuId| self.queues.get(sku).is_some_and(|queue| !queue.is_empty());
        let can = |open: &Open| {
            let mut frees = open.request.frees.iter();
            frees.any(|(sku, needs)| waited_for(sku) && open.gives(*sku, needs))
        };
        self.not_yet_called(can)
    }

    /// Lets those who wait for a rung wait for the next lower one as well. Returns whether anybody
    /// could.
    fn step_down(&mut self) -> bool {
        let mut moved = false;
        for (user, open) in &mut self.open {
            if open.called || open.request.kept {
                continue;
            }
            for rung in open.request.lower.keys().copied().collect::<Vec<SkuId>>() {
                let (before, tried) = match open.meanwhile.get(&rung) {
                    None if open.missing.contains(&rung) => (None, 0),
                    Some((lower, tried)) if open.missing.contains(&lower.sku) => {
                        (Some(lower.sku), *tried)
                    }
                    None | Some(_) => continue,
                };
                let place = place(open.request.needs[&rung], *user);
                if let Some(before) = before {
                    open.missing.remove(&before);
                    self.queues.entry(before).or_default().remove(&place);
                }
                if let Some(lower) = open.request.lower[&rung].get(tried).cloned() {
                    open.missing.remove(&rung);
                    open.missing.insert(lower.sku);
                    self.queues.entry(lower.sku).or_default().insert(place);
                    open.meanwhile.insert(rung, (lower, tried + 1));
                } else {
                    open.missing.insert(rung);
                    open.meanwhile.remove(&rung);
                    open.request.lower.remove(&rung);
                }
                moved = true;
            }
        }
        moved
    }

    /// Returns the users for whom something can be done without what they wait for.
    fn who_can_do_a_part(&self) -> Vec<UserId> {
        let can = |open: &Open| {
            let granted = open.missing.len() < open.request.needs.len();
            let mut frees = open.request.frees.iter();
            granted
                || open.request.otherwise_busy
                || frees.any(|(sku, needs)| open.gives(*sku, needs))
        };
        self.not_yet_called(can)
    }

    fn not_yet_called(&self, can: impl Fn(&Open) -> bool) -> Vec<UserId> {
        self.open
            .iter()
            .filter(|(_, open)| !open.called && !open.request.kept && !open.request.whole)
            .filter(|(_, open)| can(open))
            .map(|(user, _)| *user)
            .collect()
    }

    fn call(&mut self, user: UserId, wave: u32) {
        let open = self.open.get_mut(&user).expect("whoever is ready has a request");
        open.called = true;
        for (sku, needs) in &open.request.frees {
            if open.gives(*sku, needs) {
                *self.freed.entry(*sku).or_default() += 1;
            }
        }
        self.waves.insert(user, wave);
    }

    fn finish(mut self, full_swaps: Vec<FullSwap>) -> Shares {
        for (sku, left) in self.left_waiting {
            self.queues.entry(sku).or_default().extend(left);
        }
        let open = self.open;
        let meanwhile: BTreeMap<(UserId, SkuId), Lower> = open
            .iter()
            .flat_map(|(user, open)| {
                let taken = open
                    .meanwhile
                    .iter()
                    .filter(|(_, (lower, _))| !open.missing.contains(&lower.sku));
                taken.map(|(rung, (lower, _))| ((*user, *rung), lower.clone()))
            })
            .collect();
        // Of those who wait for a lower rung as well, only the rung that is wanted is told.
        let told = |sku: &SkuId, user: &UserId| {
            open.get(user)
                .is_some_and(|open| !open.request.kept && open.request.needs.contains_key(sku))
        };
        let mut waiting: BTreeMap<SkuId, Vec<UserId>> = BTreeMap::new();
        for (sku, queue) in self.queues {
            let users: Vec<UserId> = queue
                .into_iter()
                .map(|(_, _, user)| user)
                .filter(|user| told(&sku, user))
                .collect();
            if !users.is_empty() {
                waiting.insert(sku, users);
            }
        }
        let pairs = waiting
            .iter()
            .flat_map(|(sku, queue)| queue.iter().map(|user| (*user, *sku)))
            .collect();
        for swap in &full_swaps {
            for (user, sku) in &swap.wants {
                if let Some(queue) = waiting.get_mut(sku) {
                    queue.retain(|waiting| waiting != user);
                }
            }
        }
        waiting.retain(|_, queue| !queue.is_empty());
        Shares { waves: self.waves, waiting, full_swaps, meanwhile, pairs }
    }
}

fn place(need: Need, user: UserId) -> Place {
    (Reverse(need.priority), need.since, user)
}

#[cfg(test)]
mod tests;
