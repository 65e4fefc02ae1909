//! What is to become of an assignment that nobody wants: who may take it away, when, and what doubt
//! leaves in place.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::walk::{Standing, View};
use super::{Block, Removal, Resolution, Resolver, Why, is_blocked, is_owned};
use crate::domain::ids::SkuId;
use crate::domain::names::PolicyName;
use crate::domain::span::Span;
use crate::domain::user::{Assignment, AssignmentSource};
use crate::plan::bind::{PlanTerms, Takes, Which};
use crate::plan::ledger::LedgerChange;
use crate::plan::{BlockedReason, Reason};
use crate::policy::OnLeave;

/// A reason to remove an assignment.
struct Candidate {
    due: Timestamp,
    why: Vec<Why>,
    needs: BTreeSet<SkuId>,
}

impl<'a> Resolver<'a> {
    /// Works out what is to become of an assignment that nobody wants.
    pub(super) fn unwanted(
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
                Reason::Replaced => match self.needs(view, policy, wanted, resolution) {
                    Some(needs) => needs,
                    None => continue,
                },
                _ => BTreeSet::new(),
            };
            let due = self.clock(view, sku, policy, grace, resolution);
            candidates.push(Candidate { due, why: vec![Why { policy, reason }], needs });
        }
        resolution.owned.extend(is_owned(view, sku).then_some(sku));
        let owned = self.let_go(view, sku, wanted, resolution);
        let unmanaged = candidates.is_empty() && matches!(owned, LetGo::Nobody);
        if let LetGo::By(candidate) = owned {
            candidates.push(candidate);
        }
        resolution.unmanaged += u64::from(unmanaged);
        if !candidates.is_empty() {
            // What another policy takes away is not left alone.
            resolution.released.retain(|(released, _, _)| *released != sku);
        }
        let doubt = self.doubt(view, sku);
        let withheld: Vec<Why> = candidates
            .iter()
            .filter(|candidate| candidate.due <= self.now && doubt.leaves(candidate))
            .flat_map(|candidate| candidate.why.clone())
            .collect();
        candidates.retain(|candidate| !doubt.leaves(candidate));
        let goes = candidates.iter().any(|candidate| candidate.due <= self.now);
        if !goes && !withheld.is_empty() {
            let reason = BlockedReason::Unreadable;
            resolution.blocked.push(Block { sku: Some(sku), reason, why: withheld });
        }
        self.settle(assignment, candidates, resolution);
    }

    pub(super) fn takes(&self, policy: usize) -> Option<&'a Which> {
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
        view: &View<'_>,
        policy: usize,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &Resolution,
    ) -> Option<BTreeSet<SkuId>> {
        let grants: BTreeSet<SkuId> = self.terms(policy)?.grants.keys().copied().collect();
        let obtainable = |sku: &SkuId| wanted.contains_key(sku) && !is_blocked(resolution, *sku);
        let obtainable = grants.iter().all(obtainable);
        (obtainable && !self.is_exchange_doubted(view, policy, resolution)).then_some(grants)
    }

    /// Whether a policy that cannot be told may be in the way of what another one grants.
    fn is_exchange_doubted(&self, view: &View<'_>, policy: usize, resolution: &Resolution) -> bool {
        let taken = |sku: &SkuId| {
            self.doubtful(view).any(|(_, terms)| match &terms.takes {
                Takes::Removes(which) => which.includes(*sku),
                Takes::Nothing | Takes::Replaces(_) => false,
            })
        };
        // Of what is there already, other service plans may be wanted, and not to be had.
        let other_service_plans = |sku: &SkuId| {
            view.licenses.get(*sku).is_some()
                && self.doubtful(view).any(|(_, terms)| match terms.grants.get(sku) {
                    Some(PlanTerms::Off(_)) => true,
                    Some(PlanTerms::Unsaid) | None => false,
                })
        };
        // A location matters only to what is not there yet.
        let located =
            |sku: &SkuId| resolution.location_doubted && resolution.grants.contains_key(sku);
        let mut grants = self.terms(policy).into_iter().flat_map(|terms| terms.grants.keys());
        grants.any(|sku| located(sku) || taken(sku) || other_service_plans(sku))
    }

    /// Returns what doubt leaves in place of the reasons to remove an assignment.
    ///
    /// Nothing goes that a policy owns of which it cannot be told whether it matches. What such a
    /// policy may want is not left or exchanged; that another takes it away needs no telling, since
    /// `remove` beats `add`.
    fn doubt(&self, view: &View<'_>, sku: SkuId) -> Doubt {
        let cannot_be_told = |name: &PolicyName| {
            self.by_name
                .get(name)
                .is_some_and(|policy| self.standing(*policy, view) == Standing::CannotBeTold)
        };
        let owners = view.owners(sku).into_iter().flatten();
        if owners.into_iter().any(|(name, _)| cannot_be_told(name)) {
            return Doubt::LeavesAll;
        }
        if self.doubtful(view).any(|(_, terms)| terms.grants.contains_key(&sku)) {
            return Doubt::LeavesWhatMayBeWanted;
        }
        Doubt::None
    }

    /// Returns when the grace of a reason is over, and starts its clock where none runs.
    fn clock(
        &self,
        view: &View<'_>,
        sku: SkuId,
        policy: usize,
        grace: Span,
        resolution: &mut Resolution,
    ) -> Timestamp {
        let name = &self.bound.policies[policy].policy.name;
        let mut clocks = view.row.clocks.iter();
        let since =
            clocks.find(|(on, of, _)| *on == sku && *of == name).map(|(_, _, since)| *since);
        let due = grace.after(since.unwrap_or(self.now));
        if since.is_none() && due > self.now {
            resolution.observed.push(LedgerChange::StartClock(
                view.user.id,
                sku,
                name.clone(),
                self.now,
            ));
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
        let Some(owners) = view.owners(sku) else { return LetGo::Nobody };
        let mut released = Vec::new();
        let mut gone_since = Vec::new();
        let mut kept = false;
        for (name, ownership) in owners {
            let Some(policy) = self.named(name, view) else {
                released.push(name.clone());
                continue;
            };
            let grants = self.terms(policy).is_some_and(|terms| terms.grants.contains_key(&sku));
            match self.standing(policy, view) {
                Standing::CannotBeTold => kept = true,
                // Wanted by its owner and taken away by another policy: that one's business.
                Standing::Matches if grants => kept = true,
                Standing::Matches | Standing::DoesNotMatch => {
                    gone_since.push((ownership.let_go.unwrap_or(self.now), policy));
                }
            }
        }
        if !released.is_empty() {
            // Who wants it, or may want it, owns it on.
            resolution.released.extend(released.into_iter().map(|name| (sku, name, kept)));
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
        let matching = |policy: &usize| self.standing(*policy, view) == Standing::Matches;
        let mut matching: Vec<usize> = policies.iter().copied().filter(matching).collect();
        if matching.iter().any(|policy| self.is_exchange_doubted(view, *policy, resolution)) {
            return LetGo::Stays;
        }
        matching.retain(|policy| self.gives_something_new(view, *policy, wanted, resolution));
        if !matching.is_empty() {
            let terms = matching.iter().filter_map(|policy| self.terms(*policy));
            let given = terms.flat_map(|terms| terms.grants.keys().copied());
            let needs: BTreeSet<SkuId> = given.filter(|sku| wanted.contains_key(sku)).collect();
            if needs.iter().any(|sku| is_blocked(resolution, *sku) && !view.holds(*sku)) {
                return LetGo::Stays;
            }
            let reason = Reason::Exchanged;
            let why = matching.into_iter().map(|policy| Why { policy, reason }).collect();
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

    /// Whether a policy gives a user something now that it does not own yet. What is there already,
    /// and only blocked from being changed, is not given but adopted.
    fn gives_something_new(
        &self,
        view: &View<'_>,
        policy: usize,
        wanted: &BTreeMap<SkuId, Vec<usize>>,
        resolution: &Resolution,
    ) -> bool {
        let is_given = |sku: &SkuId| !(is_blocked(resolution, *sku) && view.holds(*sku));
        let grants = self.terms(policy).map(|terms| terms.grants.keys()).into_iter().flatten();
        grants
            .filter(|sku| wanted.contains_key(sku) && is_given(sku))
            .any(|sku| !self.owns(view, *sku, policy))
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
}

/// What doubt leaves in place of the reasons to remove an assignment.
#[derive(Clone, Copy)]
enum Doubt {
    /// There is none.
    None,
    /// It is not known whether an owner wants it: it stays, whatever the reason.
    LeavesAll,
    /// It is not known whether a policy wants it: it stays unless it is taken away.
    LeavesWhatMayBeWanted,
}

impl Doubt {
    fn leaves(self, candidate: &Candidate) -> bool {
        let taken = |why: &Why| why.reason == Reason::Removed;
        match self {
            Self::None => false,
            Self::LeavesAll => true,
            Self::LeavesWhatMayBeWanted => !candidate.why.iter().any(taken),
        }
    }
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
