//! Shares seats out: removals free seats before additions use them, higher priority goes first, and
//! no count ever goes below zero.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{SkuId, UserId};

/// What one user asks of the seats, in one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Seats that the user needs, each with its priority.
    pub(crate) needs: BTreeMap<SkuId, i32>,
    /// Seats that the user gives back, each with what must be granted for that.
    pub(crate) frees: BTreeMap<SkuId, BTreeSet<SkuId>>,
    /// Whether there is something else to do for the user, which needs no seat.
    pub(crate) otherwise_busy: bool,
}

/// What became of the requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    /// When each user's call runs, for those who have something to do. Calls of one wave need only
    /// seats that were free before it.
    pub(crate) waves: BTreeMap<UserId, u32>,
    /// Who waits for which SKU: the queue of each, first in line first.
    pub(crate) waiting: BTreeMap<SkuId, Vec<UserId>>,
    /// The same, to be looked up.
    pairs: BTreeSet<(UserId, SkuId)>,
}

impl Shares {
    /// Whether a user waits for a seat.
    pub(crate) fn waits(&self, user: UserId, sku: SkuId) -> bool {
        self.pairs.contains(&(user, sku))
    }
}

/// A user's request while it is dealt with.
struct Open {
    request: Request,
    missing: BTreeSet<SkuId>,
    called: bool,
}

/// A place in the queue of a SKU: lower comes first.
type Place = (std::cmp::Reverse<i32>, UserId);

/// The sharing out under way.
struct Sharing {
    free: BTreeMap<SkuId, u64>,
    freed: BTreeMap<SkuId, u64>,
    queues: BTreeMap<SkuId, BTreeSet<Place>>,
    open: BTreeMap<UserId, Open>,
    /// Who waits although their call is made already; they keep their place before others.
    left_waiting: BTreeMap<SkuId, BTreeSet<Place>>,
    waves: BTreeMap<UserId, u32>,
}

/// Shares out the free seats.
///
/// Works in waves: what a wave frees can be used from the next on. A user's call is made when all
/// that it needs is there; when nothing moves any more, calls that can free something, and then
/// those that can do a part, are made without the rest.
pub(crate) fn share(free: BTreeMap<SkuId, u64>, requests: BTreeMap<UserId, Request>) -> Shares {
    let mut queues: BTreeMap<SkuId, BTreeSet<Place>> = BTreeMap::new();
    let mut open = BTreeMap::new();
    for (user, request) in requests {
        for (sku, priority) in &request.needs {
            queues.entry(*sku).or_default().insert((std::cmp::Reverse(*priority), user));
        }
        let missing = request.needs.keys().copied().collect();
        open.insert(user, Open { request, missing, called: false });
    }
    let mut sharing = Sharing {
        free,
        freed: BTreeMap::new(),
        queues,
        open,
        left_waiting: BTreeMap::new(),
        waves: BTreeMap::new(),
    };
    sharing.run();
    sharing.finish()
}

impl Sharing {
    fn run(&mut self) {
        let mut ready: Vec<UserId> = self
            .open
            .iter()
            .filter(|(_, open)| open.missing.is_empty())
            .map(|(user, _)| *user)
            .collect();
        let mut wave = 0;
        loop {
            ready.extend(self.hand_out());
            if ready.is_empty() {
                ready = self.who_can_free_something();
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
        for (sku, queue) in &mut self.queues {
            let free = self.free.entry(*sku).or_default();
            while *free > 0 {
                let Some((priority, user)) = queue.pop_first() else { break };
                *free -= 1;
                let open = self.open.get_mut(&user).expect("whoever is in a queue has a request");
                if open.called {
                    // One call a user: the seat is kept for the next plan.
                    self.left_waiting.entry(*sku).or_default().insert((priority, user));
                    continue;
                }
                open.missing.remove(sku);
                if open.missing.is_empty() {
                    ready.push(user);
                }
            }
        }
        ready.sort_unstable();
        ready
    }

    /// Returns the users who can give back a seat without what they wait for.
    fn who_can_free_something(&self) -> Vec<UserId> {
        let can = |open: &Open| {
            !open.called
                && open.request.frees.values().any(|needs| needs.is_disjoint(&open.missing))
        };
        self.open.iter().filter(|(_, open)| can(open)).map(|(user, _)| *user).collect()
    }

    /// Returns the users for whom something can be done without what they wait for.
    fn who_can_do_a_part(&self) -> Vec<UserId> {
        let can = |open: &Open| {
            let granted = open.missing.len() < open.request.needs.len();
            !open.called && (granted || open.request.otherwise_busy)
        };
        self.open.iter().filter(|(_, open)| can(open)).map(|(user, _)| *user).collect()
    }

    fn call(&mut self, user: UserId, wave: u32) {
        let open = self.open.get_mut(&user).expect("whoever is ready has a request");
        open.called = true;
        for (sku, needs) in &open.request.frees {
            if needs.is_disjoint(&open.missing) {
                *self.freed.entry(*sku).or_default() += 1;
            }
        }
        self.waves.insert(user, wave);
    }

    fn finish(mut self) -> Shares {
        for (sku, left) in self.left_waiting {
            self.queues.entry(sku).or_default().extend(left);
        }
        let waiting: BTreeMap<SkuId, Vec<UserId>> = self
            .queues
            .into_iter()
            .filter(|(_, queue)| !queue.is_empty())
            .map(|(sku, queue)| (sku, queue.into_iter().map(|(_, user)| user).collect()))
            .collect();
        let pairs = waiting
            .iter()
            .flat_map(|(sku, queue)| queue.iter().map(|user| (*user, *sku)))
            .collect();
        Shares { waves: self.waves, waiting, pairs }
    }
}

#[cfg(test)]
mod tests;
