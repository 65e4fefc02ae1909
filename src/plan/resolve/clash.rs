//! Conflicts before Graph sees them: a change that would put service plans side by side that exclude
//! each other, or leave one without what it needs, is blocked.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::View;
use super::{About, Block, Grant, Removal, Resolution, Resolver, Why};
use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::user::ServicePlanSet;
use crate::plan::conflict::Clash;
use crate::plan::{BlockedReason, Reason};

/// Which service plans are on, each with the SKUs that give it.
type On = BTreeMap<ServicePlanId, BTreeSet<SkuId>>;

/// The part of a change that is looked at.
struct Change<'r> {
    grants: BTreeMap<SkuId, &'r Grant>,
    removals: BTreeMap<SkuId, &'r Removal>,
}

impl Resolver<'_> {
    /// Takes back what would break a rule about service plans, until nothing does.
    pub(super) fn avoid_clashes(&self, view: &View<'_>, resolution: &mut Resolution) {
        let mut touched = resolution.grants.keys().chain(resolution.removals.keys());
        if !touched.any(|sku| self.ruled.contains(sku)) {
            return;
        }
        let before = self.rules.broken(&keys(&self.on(view, None)));
        while let Some(clash) = self.first_clash(view, &Change::of(resolution), &before) {
            let blocks = self.causes(view, resolution, &clash);
            if blocks.is_empty() {
                break;
            }
            for block in blocks {
                self.take_back(view, block, resolution);
            }
        }
        self.keep_whole(view, resolution, &before);
        let lower = std::mem::take(&mut resolution.lower);
        for (rung, all) in lower {
            let fits = |(grant, lower): &(Grant, crate::plan::seats::Lower)| {
                let mut change = Change::of(resolution);
                change.grants.remove(&rung);
                change.grants.insert(lower.sku, grant);
                change.removals.retain(|sku, removal| {
                    !removal.needs.contains(&rung) || lower.frees.contains(sku)
                });
                self.first_clash(view, &change, &before).is_none()
            };
            let fitting: Vec<_> = all.into_iter().filter(|lower| fits(lower)).collect();
            if !fitting.is_empty() {
                resolution.lower.insert(rung, fitting);
            }
        }
    }

    /// Returns what is on, before or after a change.
    fn on(&self, view: &View<'_>, change: Option<&Change<'_>>) -> On {
        let mut on = On::new();
        let mut add = |sku: SkuId, off: &ServicePlanSet| {
            let product = self.snapshot.catalogue().get(sku);
            for plan in product.into_iter().flat_map(crate::domain::sku::Sku::switchable) {
                if !off.contains(plan) {
                    on.entry(plan).or_default().insert(sku);
                }
            }
        };
        for assignment in &view.licenses.assignments {
            let sku = assignment.sku;
            let changed = change.is_some_and(|change| {
                change.grants.contains_key(&sku) || change.removals.contains_key(&sku)
            });
            if changed {
                assignment.inherited().iter().for_each(|group| add(sku, &group.disabled));
            } else {
                add(sku, &assignment.disabled);
            }
        }
        for (sku, grant) in change.into_iter().flat_map(|change| &change.grants) {
            add(*sku, &grant.disabled);
        }
        on
    }

    /// Returns a rule that a change breaks and that was not broken before.
    fn first_clash(
        &self,
        view: &View<'_>,
        change: &Change<'_>,
        before: &BTreeSet<Clash>,
    ) -> Option<Clash> {
        let after = self.rules.broken(&keys(&self.on(view, Some(change))));
        after.into_iter().find(|clash| !before.contains(clash))
    }

    /// Returns what of a change is to be taken back because of a broken rule.
    fn causes(&self, view: &View<'_>, resolution: &Resolution, clash: &Clash) -> Vec<Block> {
        let (before, after) = (self.on(view, None), self.on(view, Some(&Change::of(resolution))));
        let gives = |on: &On, plan: ServicePlanId| on.get(&plan).cloned().unwrap_or_default();
        let newly = |plan: ServicePlanId| -> BTreeSet<SkuId> {
            gives(&after, plan).difference(&gives(&before, plan)).copied().collect()
        };
        match clash {
            Clash::Exclusive(one, other) => {
                let pairs = [(*one, *other), (*other, *one)];
                let mut blocks = Vec::new();
                for (plan, against) in pairs {
                    let Some(facing) = gives(&after, against).into_iter().next() else { continue };
                    for sku in newly(plan) {
                        let mut why = self.whys_of(view, resolution, sku);
                        why.extend(self.whys_of(view, resolution, facing));
                        why.sort();
                        why.dedup();
                        let reason = BlockedReason::ExclusiveServicePlans;
                        let about = About::Exclusive((plan, sku), (against, facing));
                        blocks.push(Block { sku: Some(sku), reason, why, about });
                    }
                }
                blocks
            }
            Clash::Missing(plan, needs) => {
                let about = |sku: SkuId| About::Needs(*plan, sku, needs.clone());
                let block = |cause: SkuId, sku: SkuId| {
                    let mut why = self.whys_of(view, resolution, cause);
                    why.extend(self.whys_of(view, resolution, sku));
                    why.sort();
                    why.dedup();
                    let reason = BlockedReason::MissingServicePlan;
                    Block { sku: Some(cause), reason, why, about: about(sku) }
                };
                let new = newly(*plan);
                if !new.is_empty() {
                    return new.into_iter().map(|sku| block(sku, sku)).collect();
                }
                // What it needs goes. One of what gave it is enough to stay: a SKU, before a service
                // plan in one.
                let holder = gives(&after, *plan).into_iter().next();
                let mut lost: BTreeSet<SkuId> =
                    needs.iter().flat_map(|need| gives(&before, *need)).collect();
                let goes = |sku: &SkuId| resolution.removals.contains_key(sku);
                lost.retain(|sku| goes(sku) || resolution.grants.contains_key(sku));
                let cause = lost.iter().find(|sku| goes(sku)).or(lost.first()).copied();
                cause.zip(holder).map(|(cause, holder)| block(cause, holder)).into_iter().collect()
            }
        }
    }

    /// Returns the policies behind a SKU: those that change it, or those that own it.
    fn whys_of(&self, view: &View<'_>, resolution: &Resolution, sku: SkuId) -> Vec<Why> {
        let matched = |policy: usize| Why { policy, reason: Reason::Matched };
        if let Some(removal) = resolution.removals.get(&sku) {
            return removal.why.clone();
        }
        if let Some(grant) = resolution.grants.get(&sku) {
            return grant.by.iter().copied().map(matched).chain(grant.why.clone()).collect();
        }
        let owners = view.owners(sku).into_iter().flatten();
        let mut all: Vec<usize> = owners.filter_map(|(name, _)| self.named(name, view)).collect();
        all.extend(
            self.matching(view).filter(|(_, t)| t.grants.contains_key(&sku)).map(|(p, _)| p),
        );
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(matched).collect()
    }

    fn take_back(&self, view: &View<'_>, block: Block, resolution: &mut Resolution) {
        let Some(sku) = block.sku else { return };
        resolution.removals.remove(&sku);
        resolution.lower.remove(&sku);
        if let Some(grant) = resolution.grants.remove(&sku) {
            self.adopt_at_least(view, sku, &grant, resolution);
            if !view.holds(sku) {
                resolution.removals.retain(|_, removal| !removal.needs.contains(&sku));
            }
        }
        resolution.blocked.push(block);
    }

    /// Notes whether doing only a part, for want of seats, would break a rule.
    fn keep_whole(&self, view: &View<'_>, resolution: &mut Resolution, before: &BTreeSet<Clash>) {
        let all = Change::of(resolution);
        let seats = all.grants.iter().filter(|(_, grant)| grant.needs_seat).map(|(sku, _)| *sku);
        let seats: Vec<SkuId> = seats.collect();
        let breaks = |change: Change<'_>| self.first_clash(view, &change, before).is_some();
        let without_removals = Change { grants: all.grants.clone(), removals: BTreeMap::new() };
        let whole = seats.len() > SEATS_TRIED
            || breaks(without_removals)
            || (1..1usize << seats.len()).any(|missing| {
                let waits = |sku: &SkuId| {
                    let place = seats.iter().position(|seat| seat == sku);
                    place.is_some_and(|place| missing >> place & 1 == 1)
                };
                breaks(all.without(waits))
            });
        resolution.whole = whole;
    }
}

/// For how many seats at most each part of a change is tried, to find whether it would be refused. A
/// change that needs more is done as a whole or not at all.
const SEATS_TRIED: usize = 6;

impl<'r> Change<'r> {
    fn of(resolution: &'r Resolution) -> Self {
        Self {
            grants: resolution.grants.iter().map(|(sku, grant)| (*sku, grant)).collect(),
            removals: resolution.removals.iter().map(|(sku, removal)| (*sku, removal)).collect(),
        }
    }

    /// Returns the part that is left while some SKUs wait for a seat.
    fn without(&self, waits: impl Fn(&SkuId) -> bool) -> Self {
        let grants = self.grants.iter().filter(|(sku, _)| !waits(sku));
        let removals =
            self.removals.iter().filter(|(_, removal)| !removal.needs.iter().any(&waits));
        Self {
            grants: grants.map(|(sku, grant)| (*sku, *grant)).collect(),
            removals: removals.map(|(sku, removal)| (*sku, *removal)).collect(),
        }
    }
}

fn keys(on: &On) -> BTreeSet<ServicePlanId> {
    on.keys().copied().collect()
}
