//! What every user should have, and what of it is not so: the three rules, ownership, grace.
//!
//! Looks at one user at a time; seats, which are shared, come afterwards.

mod observe;
mod unwanted;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::walk::{Row, Standing, View, Walk};
use crate::domain::ids::SkuId;
use crate::domain::known::Known;
use crate::domain::names::{PolicyName, UsageLocation};
use crate::domain::sku::Sku;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{Assignment, AssignmentSource, ServicePlanSet, User};
use crate::plan::bind::{Bound, Part, PlanTerms, Takes, Terms};
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::select::Matches;
use crate::plan::{BlockedReason, LocationChange, Reason};
use crate::policy::LocationRule;
use crate::policy::settings::{InheritedRule, Settings};

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
    /// Removals whose grace runs.
    pub(crate) scheduled: BTreeMap<SkuId, (Timestamp, Vec<Why>)>,
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
#[derive(Debug)]
pub(crate) struct Grant {
    /// The service plans that are off afterwards.
    pub(crate) disabled: ServicePlanSet,
    /// Whether the user holds it directly already.
    pub(crate) held: bool,
    /// Whether it takes a seat that the user does not have.
    pub(crate) needs_seat: bool,
    /// The highest priority among those who want it.
    pub(crate) priority: i32,
    /// The policies that want it, in order.
    pub(crate) by: Vec<usize>,
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
}

/// Everything that resolving looks at.
pub(crate) struct Resolver<'a> {
    pub(crate) bound: &'a Bound<'a>,
    pub(crate) settings: &'a Settings,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: Timestamp,
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
        Self { bound, settings, snapshot, ledger, now, matches, by_name }
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

    fn resolve(&self, user: &User, row: &Row<'_>) -> Resolution {
        let mut resolution = Resolution::default();
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
        let wanted = self.wanted(&view);
        let located = self.locate(&view, &wanted, &mut resolution);
        for (sku, by) in &wanted {
            self.want(&view, *sku, by, &mut resolution);
            self.release_from_the_gone(&view, *sku, &mut resolution);
        }
        self.hold_back_without_location(&view, &located, &mut resolution);
        for assignment in &licenses.assignments {
            if !wanted.contains_key(&assignment.sku) {
                self.unwanted(&view, assignment, &wanted, &mut resolution);
            }
        }
        self.observe(&view, &wanted, &mut resolution);
        resolution
    }

    fn unreadable(&self, row: &Row<'_>, resolution: &mut Resolution) {
        let matching = row.standings.iter().filter(|(_, standing)| *standing == Standing::Matches);
        let why: Vec<Why> = matching
            .map(|(policy, _)| Why { policy: *policy, reason: self.reason_of(*policy) })
            .collect();
        if !why.is_empty() {
            resolution.blocked.push(Block { sku: None, reason: BlockedReason::Unreadable, why });
        }
    }

    fn reason_of(&self, policy: usize) -> Reason {
        match self.terms(policy).map(|terms| &terms.takes) {
            Some(Takes::Removes(_)) => Reason::Removed,
            Some(Takes::Nothing | Takes::Replaces(_)) | None => Reason::Matched,
        }
    }

    /// Rules 1 and 2: the union of what matching policies grant, less what others take away.
    fn wanted(&self, view: &View<'_>) -> BTreeMap<SkuId, Vec<usize>> {
        let mut wanted: BTreeMap<SkuId, Vec<usize>> = BTreeMap::new();
        for (policy, terms) in self.matching(view) {
            for sku in terms.grants.keys() {
                wanted.entry(*sku).or_default().push(policy);
            }
        }
        if wanted.is_empty() {
            return wanted;
        }
        for (_, terms) in self.matching(view) {
            if let Takes::Removes(which) = &terms.takes {
                wanted.retain(|sku, _| !which.includes(*sku));
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

    /// Works out the location. Returns what is known of it afterwards.
    fn locate(
        &self,
        view: &View<'_>,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &mut Resolution,
    ) -> Located {
        let current = match view.user.usage_location {
            Known::Known(current) => current,
            Known::Unknown => {
                let wishes = self.matching(view).filter(|(_, terms)| terms.location.is_some());
                let why = wishes.map(|(policy, _)| Why { policy, reason: Reason::Located });
                let why: Vec<Why> = why.collect();
                if !why.is_empty() {
                    let reason = BlockedReason::Unreadable;
                    resolution.blocked.push(Block { sku: None, reason, why });
                }
                return Located::Unreadable;
            }
        };
        let mut wishes: BTreeMap<UsageLocation, Vec<usize>> = BTreeMap::new();
        for (policy, terms) in self.matching(view) {
            let overruled = !terms.grants.is_empty()
                && !terms.grants.keys().any(|sku| wanted.contains_key(sku));
            if let Some(location) = wish(terms, current).filter(|_| !overruled) {
                wishes.entry(location).or_default().push(policy);
            }
        }
        let mut doubtful = self.doubtful(view).filter_map(|(_, terms)| wish(terms, current));
        resolution.location_doubted =
            !wishes.is_empty() && doubtful.any(|location| !wishes.contains_key(&location));
        if wishes.len() > 1 {
            let why = wishes.into_values().flatten();
            let why = why.map(|policy| Why { policy, reason: Reason::Located }).collect();
            let reason = BlockedReason::LocationConflict;
            resolution.blocked.push(Block { sku: None, reason, why });
            return Located::Conflict;
        }
        if let Some((to, by)) = wishes.into_iter().next()
            && current != Some(to)
        {
            resolution.location = Some((LocationChange { from: current, to }, by));
            return Located::There;
        }
        if current.is_some() { Located::There } else { Located::Missing }
    }

    /// Compares one wanted SKU with what is there.
    fn want(&self, view: &View<'_>, sku: SkuId, by: &[usize], resolution: &mut Resolution) {
        let Some(product) = self.snapshot.catalogue().get(sku) else { return };
        let off = self.wanted_off(view, product, by);
        let priority = by
            .iter()
            .filter_map(|policy| self.terms(*policy).map(|terms| terms.priority))
            .max()
            .unwrap_or_default();
        let assignment = view.licenses.get(sku);
        let direct = assignment.and_then(Assignment::direct);
        let grant = |disabled: ServicePlanSet, held: bool, needs_seat: bool| Grant {
            disabled,
            held,
            needs_seat,
            priority,
            by: by.to_vec(),
        };
        let blocked = |reason: BlockedReason| Block { sku: Some(sku), reason, why: matched(by) };
        match (assignment.map(|assignment| &assignment.source), direct) {
            (Some(AssignmentSource::Told { direct: _, inherited: _ }), Some(disabled)) => {
                resolution.owned.extend(is_owned(view, sku).then_some(sku));
                match off {
                    Some(off) if !same(product, disabled, &off) => {
                        resolution.grants.insert(sku, grant(off, true, false));
                    }
                    Some(_) | None => {
                        let new = self.not_yet_owners(view, sku, by);
                        if !new.is_empty() {
                            resolution.adopts.insert(sku, new);
                        }
                    }
                }
            }
            (Some(AssignmentSource::Told { direct: _, inherited: _ }), None) => {
                let effective = assignment.map(|assignment| &assignment.disabled);
                let missing = off.as_ref().is_some_and(|off| lacks(product, effective, off));
                if missing || self.settings.inherited == InheritedRule::Ignore {
                    resolution.grants.insert(sku, grant(off.unwrap_or_default(), false, false));
                }
            }
            (Some(AssignmentSource::Unknown), _) => {
                let effective = assignment.map(|assignment| &assignment.disabled);
                if off.as_ref().is_some_and(|off| lacks(product, effective, off)) {
                    resolution.blocked.push(blocked(BlockedReason::UnknownSource));
                }
            }
            (None, _) if !product.status.is_assignable() => {
                resolution.blocked.push(blocked(BlockedReason::SkuNotAssignable));
            }
            (None, _) => {
                resolution.grants.insert(sku, grant(off.unwrap_or_default(), false, true));
            }
        }
    }

    /// Returns the service plans that are to be off, or none where no policy says anything.
    ///
    /// A service plan is on if any policy leaves it on. One that is on stays on where a policy that
    /// cannot be told would leave it on.
    fn wanted_off(&self, view: &View<'_>, sku: &Sku, by: &[usize]) -> Option<ServicePlanSet> {
        let said = |policy: usize| match self.terms(policy)?.grants.get(&sku.id)? {
            PlanTerms::Unsaid => None,
            PlanTerms::Off(off) => Some(off),
        };
        let mut offs = by.iter().filter_map(|policy| said(*policy));
        let first = offs.next()?;
        let rest: Vec<&ServicePlanSet> = offs.collect();
        let doubtful: Vec<&ServicePlanSet> =
            self.doubtful(view).filter_map(|(policy, _)| said(policy)).collect();
        // Of what is held directly too, only the direct part is ours to change.
        let assignment = view.licenses.get(sku.id);
        let off_now = assignment.map(|held| held.direct().unwrap_or(&held.disabled));
        let is_on = |plan| off_now.is_some_and(|off| !off.contains(plan));
        let stays_off = |plan| {
            rest.iter().all(|off| off.contains(plan))
                && !(is_on(plan) && doubtful.iter().any(|off| !off.contains(plan)))
        };
        Some(first.iter().filter(|plan| stays_off(*plan)).collect())
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

    /// Takes back what needs a location where there is none.
    fn hold_back_without_location(
        &self,
        view: &View<'_>,
        located: &Located,
        resolution: &mut Resolution,
    ) {
        let reason = match located {
            Located::There => return,
            Located::Missing => BlockedReason::NoUsageLocation,
            Located::Conflict => BlockedReason::LocationConflict,
            Located::Unreadable => BlockedReason::Unreadable,
        };
        for (sku, grant) in std::mem::take(&mut resolution.grants) {
            resolution.blocked.push(Block { sku: Some(sku), reason, why: matched(&grant.by) });
            // The change of service plans has to wait; that the assignment is wanted has not.
            let new = self.not_yet_owners(view, sku, &grant.by);
            if grant.held && !new.is_empty() {
                resolution.adopts.insert(sku, new);
            }
        }
    }
}

/// What is known of a user's location afterwards.
enum Located {
    There,
    Missing,
    Conflict,
    Unreadable,
}

/// Returns the location that a policy wants for a user who has this one now.
fn wish(terms: &Terms, current: Option<UsageLocation>) -> Option<UsageLocation> {
    match (terms.location, current) {
        (Some(LocationRule::Set(location)), _) | (Some(LocationRule::Default(location)), None) => {
            Some(location)
        }
        (Some(LocationRule::Default(_) | LocationRule::FromCountry { default: _ }) | None, _) => {
            None
        }
    }
}

/// Whether some policy owns an assignment.
fn is_owned(view: &View<'_>, sku: SkuId) -> bool {
    view.owners(sku).is_some_and(|owners| !owners.is_empty())
}

fn is_blocked(resolution: &Resolution, sku: SkuId) -> bool {
    resolution.blocked.iter().any(|block| block.sku == Some(sku))
}

fn matched(by: &[usize]) -> Vec<Why> {
    by.iter().map(|policy| Why { policy: *policy, reason: Reason::Matched }).collect()
}

/// Whether two lists of disabled service plans come to the same, leaving out what cannot be
/// switched per user.
pub(crate) fn same(sku: &Sku, is: &ServicePlanSet, should: &ServicePlanSet) -> bool {
    sku.switchable().all(|plan| is.contains(plan) == should.contains(plan))
}

/// Whether a service plan is off in effect that should be on.
fn lacks(sku: &Sku, effective: Option<&ServicePlanSet>, off: &ServicePlanSet) -> bool {
    sku.switchable()
        .any(|plan| !off.contains(plan) && effective.is_some_and(|off_now| off_now.contains(plan)))
}

#[cfg(test)]
mod tests;
