//! What having looked at a user changes in the ledger: clocks that start or stop, what is gone.

use super::walk::{Standing, View};
use super::{Resolution, Resolver, Wanted};
use crate::domain::user::{Assignment, AssignmentSource};
use crate::plan::ledger::LedgerChange;

impl Resolver<'_> {
    /// Notes what having looked changes in the ledger: clocks that start or stop, what is gone.
    pub(super) fn observe(&self, view: &View<'_>, wanted: &Wanted, resolution: &mut Resolution) {
        let user = view.user.id;
        for (sku, owners) in &view.row.owners {
            let mut wanted_by_owner = false;
            let mut undecided = false;
            for (name, ownership) in *owners {
                let Some(policy) = self.named(name, view) else { continue };
                let grants = self.stands_by(policy, *sku);
                match (self.standing(policy, view), ownership.let_go) {
                    (Standing::CannotBeTold, _) => undecided = true,
                    (Standing::Matches, let_go) if grants => {
                        wanted_by_owner = true;
                        if let_go.is_some() {
                            let change = LedgerChange::TakeBack(user, *sku, name.clone());
                            resolution.observed.push(change);
                        }
                    }
                    (Standing::Matches | Standing::DoesNotMatch, None) => {
                        let change = LedgerChange::LetGo(user, *sku, name.clone(), self.now);
                        resolution.observed.push(change);
                    }
                    (Standing::Matches | Standing::DoesNotMatch, Some(_)) => {}
                }
            }
            let there = view.licenses.get(*sku).is_some_and(|held| {
                held.direct().is_some() || held.source == AssignmentSource::Unknown
            });
            if !there && !wanted_by_owner && !undecided {
                resolution.observed.push(LedgerChange::Forget(user, *sku));
            }
        }
        self.stop_clocks(view, wanted, resolution);
    }

    fn stop_clocks(&self, view: &View<'_>, wanted: &Wanted, resolution: &mut Resolution) {
        let user = view.user.id;
        for (sku, name, _) in &view.row.clocks {
            let stands = match self.named(name, view) {
                None => false,
                Some(policy) => match self.standing(policy, view) {
                    Standing::CannotBeTold => true,
                    Standing::DoesNotMatch => false,
                    Standing::Matches => {
                        let held = view.licenses.get(*sku).filter(|held| held.direct().is_some());
                        let wants = self.takes(policy).is_some_and(|which| which.includes(*sku));
                        // What is wanted does not go: the reason is away, and its time with it.
                        let goes = wants && !wanted.skus.contains(*sku);
                        held.is_some_and(|held| goes || self.switches_off(policy, held))
                    }
                },
            };
            if !stands {
                let change = LedgerChange::StopClock(user, *sku, (*name).clone());
                resolution.observed.push(change);
            }
        }
    }

    /// Whether a policy takes away a service plan that is on in a direct assignment.
    fn switches_off(&self, policy: usize, held: &Assignment) -> bool {
        let (Some(terms), Some(direct)) = (self.terms(policy), held.direct()) else { return false };
        let product = self.snapshot.catalogue().get(held.sku);
        product.is_some_and(|product| {
            let mut on = product.switchable().filter(|plan| !direct.contains(*plan));
            on.any(|plan| terms.switches_off.includes(product.id, plan))
        })
    }
}
