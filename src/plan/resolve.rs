//! What every user should have, and what of it is not so: the three rules, ownership, grace.
//!
//! Looks at one user at a time; seats, which are shared, come afterwards.

mod clash;
mod climb;
mod locate;
mod observe;
mod unwanted;
mod walk;
mod want;
mod wants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use self::walk::{Row, Standing, View, Walk};
use self::wants::Wants;
use crate::domain::attribute::Attribute;
use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::sku::Sku;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{ServicePlanSet, User};
use crate::plan::bind::{Bound, Part, Takes, Terms};
use crate::plan::conflict::Rules;
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::seats;
use crate::plan::select::Matches;
use crate::plan::{BlockedReason, LocationChange, Reason};
use crate::policy::settings::Settings;

/// What is to become of one user, before seats are shared out.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    /// What is to be assigned, or assigned anew with other service plans, by SKU.
    pub(crate) grants: BTreeMap<SkuId, Grant>,
    /// What is there and comes to be owned, with the new owners, by SKU.
    pub(crate) adopts: BTreeMap<SkuId, Vec<usize>>,
    /// What is to be removed now.
    pub(crate) removals: BTreeMap<SkuId, Removal>,
    /// The change of location and the policies that want it.
    pub(crate) location: Option<(LocationChange, Vec<usize>)>,
    /// Whether a policy of which it cannot be told whether it matches may want another location.
    pub(crate) location_doubted: bool,
    /// What cannot be done.
    pub(crate) blocked: Vec<Block>,
    /// For a seat that is needed: what can be granted meanwhile, best first.
    pub(crate) lower: BTreeMap<SkuId, Vec<(Grant, seats::Lower)>>,
    /// Whether a part of it would be refused.
    pub(crate) whole: bool,
    /// Removals whose grace runs.
    pub(crate) scheduled: BTreeMap<SkuId, (Timestamp, Vec<Why>)>,
    /// Single service plans that go when their grace is over.
    pub(crate) switching: Vec<(SkuId, Timestamp, Vec<ServicePlanId>, Why)>,
    /// Owners that are gone from the files, and whether others still want the assignment.
    pub(crate) released: Vec<(SkuId, PolicyName, bool)>,
    /// Direct assignments that nobody wants or owns.
    pub(crate) unmanaged: u64,
    /// Direct assignments that some policy owns.
    pub(crate) owned: Vec<SkuId>,
    /// What having looked changes in the ledger.
    pub(crate) observed: Vec<LedgerChange>,
}

/// A SKU to be assigned.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// The service plans that are off afterwards.
    pub(crate) disabled: ServicePlanSet,
    /// Whether the user holds it directly already.
    pub(crate) held: bool,
    /// Whether it takes a seat that the user does not have.
    pub(crate) needs_seat: bool,
    /// The highest priority among those who want it.
    pub(crate) priority: i32,
    /// The policies that want it, in order. They own it afterwards.
    pub(crate) by: Vec<usize>,
    /// Which policies switch service plans off in it, beside.
    pub(crate) why: Vec<Why>,
}

/// Single service plans that go.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    plans: BTreeSet<ServicePlanId>,
    why: Vec<Why>,
}

impl Cut {
    /// Returns the service plans that are off afterwards.
    fn from(&self, off: &ServicePlanSet) -> ServicePlanSet {
        if self.plans.is_empty() {
            return off.clone();
        }
        off.iter().chain(self.plans.iter().copied()).collect()
    }
}

/// What policies want a user to have, after the three rules.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The SKUs, each with the policies that grant it, in order.
    skus: Wants,
    /// Rungs that policies grant, each with the rung that stands for it, and those policies.
    stood_for: BTreeMap<SkuId, (SkuId, Vec<usize>)>,
    /// Where the user stands on ladders.
    rungs: Vec<climb::Rung>,
}

impl Wanted {
    /// Returns the SKU that meets the wish for one: itself, or another rung of its ladder.
    fn met_by(&self, sku: SkuId) -> Option<SkuId> {
        if self.skus.contains(sku) {
            return Some(sku);
        }
        self.stood_for.get(&sku).map(|(rung, _)| *rung)
    }
}

/// A SKU to be removed.
#[derive(Debug)]
pub(crate) struct Removal {
    /// Why.
    pub(crate) why: Vec<Why>,
    /// What must be granted in the same call, or be there: else the removal does not take place.
    pub(crate) needs: BTreeSet<SkuId>,
    /// Whether the user loses the seat, or keeps it through a group.
    pub(crate) frees_seat: bool,
}

/// Which policy, and in which way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Why {
    /// The policy's position.
    pub(crate) policy: usize,
    /// The reason.
    pub(crate) reason: Reason,
}

/// Something that cannot be done.
#[derive(Debug)]
pub(crate) struct Block {
    /// The SKU; none where it is about the user.
    pub(crate) sku: Option<SkuId>,
    /// Why not.
    pub(crate) reason: BlockedReason,
    /// What asked for it.
    pub(crate) why: Vec<Why>,
    /// What it is about beside.
    pub(crate) about: About,
}

/// What a block is about, beside user and SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Nothing else.
    Nothing,
    /// An attribute that could not be read.
    Attribute,
    /// An attribute and what it says, which is no country.
    Country(Attribute, Arc<str>),
    /// A service plan of this SKU excludes one of another.
    Exclusive((ServicePlanId, SkuId), (ServicePlanId, SkuId)),
    /// A service plan of a SKU needs one of others.
    Needs(ServicePlanId, SkuId, Vec<ServicePlanId>),
}

/// Everything that resolving looks at.
pub(crate) struct Resolver<'a> {
    pub(crate) bound: &'a Bound<'a>,
    pub(crate) settings: &'a Settings,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: Timestamp,
    rules: Rules,
    /// The SKUs with a service plan of which rules speak.
    ruled: BTreeSet<SkuId>,
    matches: Vec<Option<Matches>>,
    by_name: BTreeMap<&'a PolicyName, usize>,
}

impl<'a> Resolver<'a> {
    /// Asks every policy about every user.
    pub(crate) fn new(
        bound: &'a Bound<'a>,
        settings: &'a Settings,
        snapshot: &'a Snapshot,
        ledger: &'a Ledger,
        now: Timestamp,
    ) -> Self {
        let matches = bound
            .policies
            .iter()
            .map(|policy| match &policy.part {
                Part::Taken(terms) => Some(bound.columns.matches(&terms.tree)),
                Part::Elsewhere | Part::Idle(_) | Part::Broken => None,
            })
            .collect();
        let by_name = bound
            .policies
            .iter()
            .enumerate()
            .map(|(index, policy)| (&policy.policy.name, index))
            .collect();
        let rules = Rules::new(&ledger.lessons);
        let is_ruled = |sku: &&Sku| sku.switchable().any(|plan| rules.speak_of(plan));
        let ruled = snapshot.catalogue().skus().iter().filter(is_ruled).map(|sku| sku.id).collect();
        Self { bound, settings, snapshot, ledger, now, rules, ruled, matches, by_name }
    }

    /// Returns whom a policy matches, where it takes part.
    pub(crate) fn matches(&self, policy: usize) -> Option<&Matches> {
        self.matches[policy].as_ref()
    }

    fn terms(&self, policy: usize) -> Option<&'a Terms> {
        match &self.bound.policies[policy].part {
            Part::Taken(terms) => Some(terms),
            Part::Elsewhere | Part::Idle(_) | Part::Broken => None,
        }
    }

    /// Works out what is to become of every user, in the order of their ids.
    pub(crate) fn resolve_all(&'a self) -> Walk<'a> {
        Walk::new(self)
    }

    fn resolve(&self, user: &User, row: &Row<'_>) -> Box<Resolution> {
        let mut resolution = Box::<Resolution>::default();
        if self.bound.protected.contains(&user.id) {
            return resolution;
        }
        let licenses = match &user.licenses {
            Known::Known(licenses) => licenses,
            Known::Unknown => {
                self.unreadable(row, &mut resolution);
                return resolution;
            }
        };
        let view = View { user, licenses, row };
        let mut wanted = Wanted { skus: self.wanted(&view), ..Wanted::default() };
        if !wanted.skus.is_empty() {
            self.climb(&view, &mut wanted);
        }
        let located = self.locate(&view, &wanted, &mut resolution);
        for (sku, by) in wanted.skus.iter() {
            self.want(&view, sku, by, &mut resolution);
            self.release_from_the_gone(&view, sku, &mut resolution);
        }
        self.fall_back(&view, &wanted, &mut resolution);
        self.hold_back_without_location(&view, located, &mut resolution);
        for assignment in &licenses.assignments {
            if !wanted.skus.contains(assignment.sku) {
                self.unwanted(&view, assignment, &wanted, &mut resolution);
                if !resolution.removals.contains_key(&assignment.sku) {
                    self.trim(&view, assignment, located.blocks(), &mut resolution);
                }
            }
        }
        self.avoid_clashes(&view, &mut resolution);
        self.observe(&view, &wanted, &mut resolution);
        resolution
    }

    /// Takes back from a change that did not come from policies what Graph would refuse.
    pub(crate) fn look_over(&self, user: &User, resolution: &mut Resolution) {
        if let Known::Known(licenses) = &user.licenses {
            let row = Row::default();
            self.avoid_clashes(&View { user, licenses, row: &row }, resolution);
        }
    }

    fn unreadable(&self, row: &Row<'_>, resolution: &mut Resolution) {
        let matching = row.standings.iter().filter(|(_, standing)| *standing == Standing::Matches);
        let why: Vec<Why> = matching
            .map(|(policy, _)| Why { policy: *policy, reason: self.reason_of(*policy) })
            .collect();
        if !why.is_empty() {
            let (reason, about) = (BlockedReason::Unreadable, About::Nothing);
            resolution.blocked.push(Block { sku: None, reason, why, about });
        }
    }

    fn reason_of(&self, policy: usize) -> Reason {
        match self.terms(policy).map(|terms| &terms.takes) {
            Some(Takes::Removes(_)) => Reason::Removed,
            Some(Takes::Nothing | Takes::Replaces(_)) | None => Reason::Matched,
        }
    }

    /// Rules 1 and 2: the union of what matching policies grant, less what others take away.
    fn wanted(&self, view: &View<'_>) -> Wants {
        let mut wanted = Wants::default();
        for (policy, terms) in self.matching(view) {
            for sku in terms.grants.keys() {
                wanted.add(*sku, policy);
            }
        }
        if wanted.is_empty() {
            return wanted;
        }
        for (_, terms) in self.matching(view) {
            if let Takes::Removes(which) = &terms.takes {
                wanted.retain(|sku| !which.includes(sku));
            }
        }
        wanted
    }

    fn matching<'v>(&'v self, view: &'v View<'_>) -> impl Iterator<Item = (usize, &'a Terms)> + 'v {
        self.standing_so(view, Standing::Matches)
    }

    /// Returns the policies of which it cannot be told whether they match.
    fn doubtful<'v>(&'v self, view: &'v View<'_>) -> impl Iterator<Item = (usize, &'a Terms)> + 'v {
        self.standing_so(view, Standing::CannotBeTold)
    }

    fn standing_so<'v>(
        &'v self,
        view: &'v View<'_>,
        wanted: Standing,
    ) -> impl Iterator<Item = (usize, &'a Terms)> + 'v {
        view.row
            .standings
            .iter()
            .filter(move |(_, standing)| *standing == wanted)
            .filter_map(|(policy, _)| self.terms(*policy).map(|terms| (*policy, terms)))
    }

    /// Lets go of owners that are gone from the files where others want the assignment.
    fn release_from_the_gone(&self, view: &View<'_>, sku: SkuId, resolution: &mut Resolution) {
        let owners = view.owners(sku).into_iter().flatten();
        let gone = owners.filter(|(name, _)| self.named(name, view).is_none());
        resolution.released.extend(gone.map(|(name, _)| (sku, name.clone(), true)));
    }

    fn owns(&self, view: &View<'_>, sku: SkuId, policy: usize) -> bool {
        let name = &self.bound.policies[policy].policy.name;
        view.owners(sku).is_some_and(|owners| owners.contains_key(name))
    }

    fn not_yet_owners(&self, view: &View<'_>, sku: SkuId, by: &[usize]) -> Vec<usize> {
        by.iter().copied().filter(|policy| !self.owns(view, sku, *policy)).collect()
    }
}

/// Whether some policy owns an assignment.
fn is_owned(view: &View<'_>, sku: SkuId) -> bool {
    view.owners(sku).is_some_and(|owners| !owners.is_empty())
}

/// Whether what is wanted of a SKU cannot be had. That something cannot be taken out of it is no
/// matter to those who want it.
fn is_blocked(resolution: &Resolution, sku: SkuId) -> bool {
    let is_wish = |why: &Why| why.reason != Reason::Removed;
    resolution.blocked.iter().any(|block| block.sku == Some(sku) && block.why.iter().any(is_wish))
}

fn matched(by: &[usize]) -> Vec<Why> {
    by.iter().map(|policy| Why { policy: *policy, reason: Reason::Matched }).collect()
}

/// Whether two lists of disabled service plans come to the same, leaving out what cannot be
/// switched per user.
pub(crate) fn same(sku: &Sku, is: &ServicePlanSet, should: &ServicePlanSet) -> bool {
    is == should || sku.switchable().all(|plan| is.contains(plan) == should.contains(plan))
}

/// Whether a service plan is off in effect that should be on.
fn lacks(sku: &Sku, effective: Option<&ServicePlanSet>, off: &ServicePlanSet) -> bool {
    sku.switchable()
        .any(|plan| !off.contains(plan) && effective.is_some_and(|off_now| off_now.contains(plan)))
}

#[cfg(test)]
mod tests;
