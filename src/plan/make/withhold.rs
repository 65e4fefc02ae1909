//! What a plan leaves alone for now: operations that Graph refused just so, and what somebody keeps
//! changing back. Whoever is left alone leaves their seats to others.

use std::collections::BTreeSet;

use super::Making;
use crate::domain::ids::{SkuId, UserId};
use crate::plan::ledger::LedgerChange;
use crate::plan::make::Scope;
use crate::plan::memory::{AGAIN_MAX, Asserted, MemoryChange, assertions, seats_for, state_of};
use crate::plan::seats::{Shares, share};
use crate::plan::source::DAY;
use crate::plan::{Blocked, BlockedReason, Operation, operation};

/// How often users are left out and the seats shared anew. Whoever is given another seat then may have
/// been refused that one, too.
const ROUNDS_MAX: usize = 8;

/// An operation that is left alone, and why.
pub(super) struct Withheld {
    operation: Operation,
    reason: BlockedReason,
    detail: String,
}

impl Making<'_> {
    /// Shares the seats among those whose operations are not left alone.
    pub(super) fn share(&mut self) -> Shares {
        let users = self.remembered();
        let mut shares = share(self.free(), self.requests());
        for _ in 0..ROUNDS_MAX {
            let mut found = false;
            for at in users.iter().filter_map(|user| self.words.position(*user)) {
                let Some(resolution) = self.resolutions.get(&at) else { continue };
                let built = operation::build(self.inputs, &self.words, at, resolution, &shares);
                let Some(operation) = built else { continue };
                if let Some((reason, detail)) = self.why_not(at, &operation) {
                    self.withheld.insert(at, Withheld { operation, reason, detail });
                    found = true;
                }
            }
            if !found {
                break;
            }
            shares = share(self.free(), self.requests());
        }
        shares
    }

    /// Returns the users for whom there may be something to leave alone.
    fn remembered(&self) -> BTreeSet<UserId> {
        if self.inputs.asked.is_once() {
            // A person who asks for something has it tried.
            return BTreeSet::new();
        }
        let memory = &self.inputs.ledger.memory;
        let contested = memory
            .assertions
            .iter()
            .filter(|((user, sku), asserted)| self.is_contested(*user, *sku, asserted));
        let refused = memory.refusals.values().map(|refused| refused.user);
        refused.chain(contested.map(|((user, _), _)| *user)).collect()
    }

    fn is_contested(&self, user: UserId, sku: SkuId, asserted: &Asserted) -> bool {
        let owners = self.inputs.ledger.owners.get(&(user, sku));
        let since = owners.and_then(|owners| owners.iter().map(|(_, own)| own.since).min());
        asserted.again(since) >= AGAIN_MAX
    }

    /// Says why an operation is left alone, where it is.
    fn why_not(&self, at: usize, operation: &Operation) -> Option<(BlockedReason, String)> {
        let memory = &self.inputs.ledger.memory;
        let snapshot = self.inputs.snapshot;
        if let Some(refused) = memory.refusals.get(&operation.key) {
            let seats = || seats_for(operation, snapshot.catalogue());
            let same_seats = refused.seats.is_none_or(|then| then == seats());
            if same_seats && refused.state == state_of(&snapshot.users()[at]) {
                let since = refused.since.strftime("%Y-%m-%d %H:%M UTC");
                let detail = format!("Graph refused it on {since}: {}", refused.message);
                return Some((BlockedReason::Refused, detail));
            }
        }
        let user = operation.user.id;
        assertions(operation).into_iter().find_map(|(sku, wanted)| {
            let asserted = memory.assertions.get(&(user, sku))?;
            if asserted.wanted != wanted || !self.is_contested(user, sku, asserted) {
                return None;
            }
            let times =
                asserted.times.iter().map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
            let times = times.collect::<Vec<_>>().join(", ");
            let sku = self.words.sku(sku).name;
            let detail = format!("somebody keeps changing {sku} back; it was set at {times}");
            Some((BlockedReason::Contested, detail))
        })
    }

    /// Tells what is left alone, for each SKU that it is about.
    pub(super) fn left_alone(&self) -> impl Iterator<Item = Blocked> + '_ {
        self.withheld.values().flat_map(|Withheld { operation, reason, detail }| {
            let skus = assertions(operation).into_iter().map(|(sku, _)| Some(self.words.sku(sku)));
            let mut skus: Vec<_> = skus.collect();
            if skus.is_empty() {
                skus.push(None);
            }
            let because = |sku: &Option<crate::plan::SkuRef>| {
                let is_about = |why: &&crate::plan::Because| why.sku == *sku;
                operation.because.iter().filter(is_about).cloned().collect()
            };
            skus.into_iter().map(move |sku| Blocked {
                user: operation.user.clone(),
                because: because(&sku),
                sku,
                reason: *reason,
                detail: detail.clone(),
            })
        })
    }

    /// Forgets what no longer keeps anything from being done: refusals of what is not planned just so,
    /// and what is contested no more.
    pub(super) fn forget_what_is_over(&mut self, scope: &Scope) {
        if *scope != Scope::Everybody {
            return;
        }
        let memory = &self.inputs.ledger.memory;
        let withheld: BTreeSet<_> = self.withheld.values().map(|of| of.operation.key).collect();
        let gone = memory.refusals.keys().filter(|key| !withheld.contains(key));
        let pardons = gone.map(|key| MemoryChange::Pardon(*key));
        let still: BTreeSet<(UserId, SkuId)> = self
            .withheld
            .values()
            .flat_map(|of| {
                let user = of.operation.user.id;
                assertions(&of.operation).into_iter().map(move |(sku, _)| (user, sku))
            })
            .collect();
        let until = self.inputs.now - DAY;
        let is_over = |(key, asserted): &(&(UserId, SkuId), &Asserted)| {
            let unread = self
                .words
                .position(key.0)
                .is_some_and(|at| self.inputs.snapshot.users()[at].licenses.value().is_none());
            let last = asserted.times.last().is_none_or(|at| *at <= until);
            let contested = self.is_contested(key.0, key.1, asserted);
            !unread && !still.contains(key) && (contested || (last && !asserted.is_quiet(until)))
        };
        let over = memory.assertions.iter().filter(is_over);
        let settled = over.map(|((user, sku), _)| MemoryChange::Settle(*user, *sku));
        let changes: Vec<LedgerChange> = pardons.chain(settled).map(LedgerChange::from).collect();
        self.observed.extend(changes);
    }
}

#[cfg(test)]
mod tests;
