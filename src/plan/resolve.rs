//! What every user should have, and what of it is not so: the three rules, ownership, grace.
//!
//! Looks at one user at a time; seats, which are shared, come afterwards.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::known::{Known, Truth};
use crate::domain::names::{PolicyName, UsageLocation};
use crate::domain::sku::Sku;
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::domain::user::{Assignment, AssignmentSource, Licenses, ServicePlanSet, User};
use crate::plan::bind::{Bound, Part, PlanTerms, Takes, Terms, Which};
use crate::plan::ledger::{Ledger, LedgerChange, Ownership};
use crate::plan::select::Matches;
use crate::plan::{BlockedReason, LocationChange, Reason};
use crate::policy::settings::{InheritedRule, Settings};
use crate::policy::{LocationRule, OnLeave};

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

/// How a policy stands to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Matches,
    DoesNotMatch,
    CannotBeTold,
}

/// A reason to remove an assignment.
struct Candidate {
    due: Timestamp,
    why: Vec<Why>,
    needs: BTreeSet<SkuId>,
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
                Part::Elsewhere | Part::Broken => None,
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
            Part::Elsewhere | Part::Broken => None,
        }
    }

    fn standing(&self, policy: usize, user: usize) -> Standing {
        match (&self.bound.policies[policy].part, &self.matches[policy]) {
            (Part::Taken(_), Some(matches)) => match matches.of(user) {
                Truth::True => Standing::Matches,
                Truth::False => Standing::DoesNotMatch,
                Truth::Unknown => Standing::CannotBeTold,
            },
            (Part::Elsewhere, _) => Standing::DoesNotMatch,
            (Part::Broken, _) | (Part::Taken(_), None) => Standing::CannotBeTold,
        }
    }

    /// Works out what is to become of a user.
    pub(crate) fn resolve(&self, at: usize) -> Resolution {
        let user = &self.snapshot.users()[at];
        let mut resolution = Resolution::default();
        if self.bound.protected.contains(&user.id) {
            return resolution;
        }
        let standings: Vec<Standing> =
            (0..self.bound.policies.len()).map(|policy| self.standing(policy, at)).collect();
        let licenses = match &user.licenses {
            Known::Known(licenses) => licenses,
            Known::Unknown => {
                self.unreadable(&standings, &mut resolution);
                return resolution;
            }
        };
        let view = View { user, licenses, standings };
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
        self.observe(&view, &mut resolution);
        resolution
    }

    fn unreadable(&self, standings: &[Standing], resolution: &mut Resolution) {
        let why: Vec<Why> = standings
            .iter()
            .enumerate()
            .filter(|(_, standing)| **standing == Standing::Matches)
            .map(|(policy, _)| Why { policy, reason: self.reason_of(policy) })
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
        view.standings
            .iter()
            .enumerate()
            .filter(|(_, standing)| **standing == Standing::Matches)
            .filter_map(|(policy, _)| self.terms(policy).map(|terms| (policy, terms)))
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
            Known::Unknown => return Located::Unreadable,
        };
        let mut wishes: BTreeMap<UsageLocation, Vec<usize>> = BTreeMap::new();
        for (policy, terms) in self.matching(view) {
            let overruled = !terms.grants.is_empty()
                && !terms.grants.keys().any(|sku| wanted.contains_key(sku));
            let wish = match (terms.location, current) {
                (Some(LocationRule::Set(location)), _)
                | (Some(LocationRule::Default(location)), None) => Some(location),
                (
                    Some(LocationRule::Default(_) | LocationRule::FromCountry { default: _ })
                    | None,
                    _,
                ) => None,
            };
            if let Some(location) = wish.filter(|_| !overruled) {
                wishes.entry(location).or_default().push(policy);
            }
        }
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
                resolution.owned.extend(self.is_owned(view.user.id, sku).then_some(sku));
                match off {
                    Some(off) if !same(product, disabled, &off) => {
                        resolution.grants.insert(sku, grant(off, true, false));
                    }
                    Some(_) | None => {
                        let new = self.not_yet_owners(view.user.id, sku, by);
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
        let doubtful: Vec<&ServicePlanSet> = view
            .standings
            .iter()
            .enumerate()
            .filter(|(_, standing)| **standing == Standing::CannotBeTold)
            .filter_map(|(policy, _)| said(policy))
            .collect();
        let assignment = view.licenses.get(sku.id);
        let is_on = |plan| assignment.is_some_and(|held| !held.disabled.contains(plan));
        let stays_off = |plan| {
            rest.iter().all(|off| off.contains(plan))
                && !(is_on(plan) && doubtful.iter().any(|off| !off.contains(plan)))
        };
        Some(first.iter().filter(|plan| stays_off(*plan)).collect())
    }

    /// Lets go of owners that are gone from the files where others want the assignment.
    fn release_from_the_gone(&self, view: &View<'_>, sku: SkuId, resolution: &mut Resolution) {
        let owners = self.owners(view.user.id, sku).into_iter().flatten();
        let gone = owners.filter(|(name, _)| !self.by_name.contains_key(name));
        resolution.released.extend(gone.map(|(name, _)| (sku, name.clone(), true)));
    }

    fn owners(&self, user: UserId, sku: SkuId) -> Option<&'a BTreeMap<PolicyName, Ownership>> {
        self.ledger.owners.get(&(user, sku))
    }

    fn is_owned(&self, user: UserId, sku: SkuId) -> bool {
        self.owners(user, sku).is_some_and(|owners| !owners.is_empty())
    }

    fn owns(&self, user: UserId, sku: SkuId, policy: usize) -> bool {
        let name = &self.bound.policies[policy].policy.name;
        self.owners(user, sku).is_some_and(|owners| owners.contains_key(name))
    }

    fn not_yet_owners(&self, user: UserId, sku: SkuId, by: &[usize]) -> Vec<usize> {
        by.iter().copied().filter(|policy| !self.owns(user, sku, *policy)).collect()
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
            let new = self.not_yet_owners(view.user.id, sku, &grant.by);
            if grant.held && !new.is_empty() {
                resolution.adopts.insert(sku, new);
            }
        }
    }

    /// Works out what is to become of an assignment that nobody wants.
    fn unwanted(
        &self,
        view: &View<'_>,
        assignment: &Assignment,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &mut Resolution,
    ) {
        let sku = assignment.sku;
        let asked = self.asked_away(view, sku);
        if assignment.direct().is_none() {
            let by_name: Vec<Why> = asked
                .iter()
                .filter(|(policy, _, _)| self.takes(*policy).is_some_and(|which| which.names(sku)))
                .map(|(policy, reason, _)| Why { policy: *policy, reason: *reason })
                .collect();
            let reason = match assignment.source {
                AssignmentSource::Unknown => BlockedReason::UnknownSource,
                AssignmentSource::Told { direct: _, inherited: _ } => BlockedReason::Inherited,
            };
            if !by_name.is_empty() {
                resolution.blocked.push(Block { sku: Some(sku), reason, why: by_name });
            }
            return;
        }
        let mut candidates = Vec::new();
        for (policy, reason, grace) in asked {
            let needs = match reason {
                Reason::Replaced => match self.needs(policy, wanted, resolution) {
                    Some(needs) => needs,
                    None => continue,
                },
                _ => BTreeSet::new(),
            };
            let due = self.clock(view.user.id, sku, policy, grace, resolution);
            candidates.push(Candidate { due, why: vec![Why { policy, reason }], needs });
        }
        resolution.owned.extend(self.is_owned(view.user.id, sku).then_some(sku));
        let owned = self.let_go(view, sku, wanted, resolution);
        let unmanaged = candidates.is_empty() && matches!(owned, LetGo::Nobody);
        if let LetGo::By(candidate) = owned {
            candidates.push(candidate);
        }
        resolution.unmanaged += u64::from(unmanaged);
        self.settle(assignment, candidates, resolution);
    }

    fn takes(&self, policy: usize) -> Option<&'a Which> {
        match &self.terms(policy)?.takes {
            Takes::Nothing => None,
            Takes::Removes(which) | Takes::Replaces(which) => Some(which),
        }
    }

    /// Returns the matching policies that take this SKU away, each with its grace.
    fn asked_away(&self, view: &View<'_>, sku: SkuId) -> Vec<(usize, Reason, Span)> {
        self.matching(view)
            .filter_map(|(policy, terms)| {
                let reason = match &terms.takes {
                    Takes::Removes(which) if which.includes(sku) => Reason::Removed,
                    Takes::Replaces(which) if which.includes(sku) => Reason::Replaced,
                    Takes::Nothing | Takes::Removes(_) | Takes::Replaces(_) => return None,
                };
                let grace = self.bound.policies[policy].policy.grace.unwrap_or(Span::ZERO);
                Some((policy, reason, grace))
            })
            .collect()
    }

    /// Returns what must be granted or there before what a policy replaces may go; none where that
    /// cannot be.
    fn needs(
        &self,
        policy: usize,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &Resolution,
    ) -> Option<BTreeSet<SkuId>> {
        let grants: BTreeSet<SkuId> = self.terms(policy)?.grants.keys().copied().collect();
        let blocked = |sku: &SkuId| resolution.blocked.iter().any(|block| block.sku == Some(*sku));
        let obtainable = |sku: &SkuId| wanted.contains_key(sku) && !blocked(sku);
        grants.iter().all(obtainable).then_some(grants)
    }

    /// Returns when the grace of a reason is over, and starts its clock where none runs.
    fn clock(
        &self,
        user: UserId,
        sku: SkuId,
        policy: usize,
        grace: Span,
        resolution: &mut Resolution,
    ) -> Timestamp {
        let name = &self.bound.policies[policy].policy.name;
        let since = self.ledger.clocks.get(&(user, sku, name.clone())).copied();
        let due = grace.after(since.unwrap_or(self.now));
        if since.is_none() && due > self.now {
            resolution.observed.push(LedgerChange::StartClock(user, sku, name.clone(), self.now));
        }
        due
    }

    /// Works out whether those who own an assignment have all let it go.
    fn let_go(
        &self,
        view: &View<'_>,
        sku: SkuId,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &mut Resolution,
    ) -> LetGo {
        let Some(owners) = self.owners(view.user.id, sku) else { return LetGo::Nobody };
        let mut released = Vec::new();
        let mut gone_since = Vec::new();
        let mut kept = false;
        for (name, ownership) in owners {
            let Some(policy) = self.by_name.get(name).copied() else {
                released.push((sku, name.clone(), false));
                continue;
            };
            let grants = self.terms(policy).is_some_and(|terms| terms.grants.contains_key(&sku));
            match view.standings[policy] {
                Standing::CannotBeTold => kept = true,
                // Wanted by its owner and taken away by another policy: that one's business.
                Standing::Matches if grants => kept = true,
                Standing::Matches | Standing::DoesNotMatch => {
                    gone_since.push((ownership.let_go.unwrap_or(self.now), policy));
                }
            }
        }
        if !released.is_empty() {
            resolution.released.extend(released);
            return LetGo::Stays;
        }
        let Some(last) = gone_since.iter().map(|(since, _)| *since).max() else {
            return if kept { LetGo::Stays } else { LetGo::Nobody };
        };
        if kept {
            return LetGo::Stays;
        }
        let last_ones: Vec<usize> = gone_since
            .iter()
            .filter(|(since, _)| *since == last)
            .map(|(_, policy)| *policy)
            .collect();
        self.leave(view, last, &last_ones, wanted, resolution)
    }

    /// Works out when an assignment goes that its last owners have let go.
    fn leave(
        &self,
        view: &View<'_>,
        since: Timestamp,
        policies: &[usize],
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &Resolution,
    ) -> LetGo {
        let exchanging: Vec<usize> = policies
            .iter()
            .copied()
            .filter(|policy| view.standings[*policy] == Standing::Matches)
            .filter(|policy| self.gives_something_new(view, *policy, wanted))
            .collect();
        if !exchanging.is_empty() {
            let mut needs = BTreeSet::new();
            for policy in &exchanging {
                match self.needs(*policy, wanted, resolution) {
                    Some(more) => needs.extend(more),
                    None => return LetGo::Stays,
                }
            }
            let reason = Reason::Exchanged;
            let why = exchanging.into_iter().map(|policy| Why { policy, reason }).collect();
            return LetGo::By(Candidate { due: self.now, why, needs });
        }
        let policy_of = |policy: &usize| self.bound.policies[*policy].policy;
        if policies.iter().any(|policy| policy_of(policy).on_leave == OnLeave::Keep) {
            return LetGo::Stays;
        }
        let grace = policies
            .iter()
            .map(|policy| policy_of(policy).grace.unwrap_or(self.settings.grace))
            .max()
            .unwrap_or(self.settings.grace);
        let why =
            policies.iter().map(|policy| Why { policy: *policy, reason: Reason::Left }).collect();
        LetGo::By(Candidate { due: grace.after(since), why, needs: BTreeSet::new() })
    }

    /// Whether a policy gives a user something now that it does not own yet.
    fn gives_something_new(
        &self,
        view: &View<'_>,
        policy: usize,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
    ) -> bool {
        let grants = self.terms(policy).map(|terms| terms.grants.keys()).into_iter().flatten();
        grants
            .filter(|sku| wanted.contains_key(sku))
            .any(|sku| !self.owns(view.user.id, *sku, policy))
    }

    /// Puts the reasons to remove an assignment together.
    fn settle(
        &self,
        assignment: &Assignment,
        candidates: Vec<Candidate>,
        resolution: &mut Resolution,
    ) {
        let Some(due) = candidates.iter().map(|candidate| candidate.due).min() else { return };
        if due > self.now {
            let first = candidates.into_iter().filter(|candidate| candidate.due == due);
            let why = first.flat_map(|candidate| candidate.why).collect();
            resolution.scheduled.insert(assignment.sku, (due, why));
            return;
        }
        let (due_now, _): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.due <= self.now);
        // A reason that needs nothing in exchange decides alone.
        let unconditional = due_now.iter().any(|candidate| candidate.needs.is_empty());
        let mut removal = Removal {
            why: Vec::new(),
            needs: BTreeSet::new(),
            frees_seat: assignment.inherited().is_empty(),
        };
        for candidate in due_now {
            if candidate.needs.is_empty() || !unconditional {
                removal.why.extend(candidate.why);
                removal.needs.extend(candidate.needs);
            }
        }
        removal.why.sort();
        resolution.removals.insert(assignment.sku, removal);
    }

    /// Notes what having looked changes in the ledger: clocks that start or stop, what is gone.
    fn observe(&self, view: &View<'_>, resolution: &mut Resolution) {
        let user = view.user.id;
        let (least, most) =
            (SkuId::from_uuid(uuid::Uuid::nil()), SkuId::from_uuid(uuid::Uuid::max()));
        for ((_, sku), owners) in self.ledger.owners.range((user, least)..=(user, most)) {
            let mut wanted_by_owner = false;
            let mut undecided = false;
            for (name, ownership) in owners {
                let Some(policy) = self.by_name.get(name).copied() else { continue };
                let grants = self.terms(policy).is_some_and(|terms| terms.grants.contains_key(sku));
                match (view.standings[policy], ownership.let_go) {
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
        self.stop_clocks(view, (least, most), resolution);
    }

    fn stop_clocks(&self, view: &View<'_>, skus: (SkuId, SkuId), resolution: &mut Resolution) {
        let user = view.user.id;
        let running =
            self.ledger.clocks.iter_from(user, skus.0).take_while(|((of, _, _), _)| *of == user);
        for ((_, sku, name), _) in running {
            let stands = match self.by_name.get(name) {
                None => false,
                Some(policy) => match view.standings[*policy] {
                    Standing::CannotBeTold => true,
                    Standing::DoesNotMatch => false,
                    Standing::Matches => {
                        let there = view.licenses.get(*sku).is_some_and(|a| a.direct().is_some());
                        let wants = self.takes(*policy).is_some_and(|which| which.includes(*sku));
                        there && wants
                    }
                },
            };
            if !stands {
                let change = LedgerChange::StopClock(user, *sku, name.clone());
                resolution.observed.push(change);
            }
        }
    }
}

/// Walks the clocks of one user without building a policy name to begin at.
trait ClocksFrom {
    fn iter_from(
        &self,
        user: UserId,
        least: SkuId,
    ) -> impl Iterator<Item = (&(UserId, SkuId, PolicyName), &Timestamp)>;
}

impl ClocksFrom for BTreeMap<(UserId, SkuId, PolicyName), Timestamp> {
    fn iter_from(
        &self,
        user: UserId,
        least: SkuId,
    ) -> impl Iterator<Item = (&(UserId, SkuId, PolicyName), &Timestamp)> {
        let first: PolicyName = "0".parse().expect("a digit is a name");
        let before_any = (user, least, first);
        self.range(before_any..)
    }
}

/// One user with what was worked out about them so far.
struct View<'a> {
    user: &'a User,
    licenses: &'a Licenses,
    standings: Vec<Standing>,
}

/// What is known of a user's location afterwards.
enum Located {
    There,
    Missing,
    Conflict,
    Unreadable,
}

/// What those who own an assignment that nobody wants say to it.
enum LetGo {
    /// Nobody owns it.
    Nobody,
    /// It stays: kept, released, or not to be told.
    Stays,
    /// They have let it go.
    By(Candidate),
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
