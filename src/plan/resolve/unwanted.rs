//! What is to become of an assignment that nobody wants: who may take it away, when, and what doubt
//! leaves in place.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::climb::{Rung, Verdict};
use super::walk::{Standing, View};
use super::{About, Block, Removal, Resolution, Resolver, Wanted, Why, is_blocked, is_owned};
use crate::domain::ids::SkuId;
use crate::domain::names::PolicyName;
use crate::domain::span::Span;
use crate::domain::user::{Assignment, AssignmentSource};
use crate::plan::bind::{PlanTerms, Takes, Terms, Which};
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
        wanted: &Wanted,
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
                let (why, about) = (by_name, About::Nothing);
                resolution.blocked.push(Block { sku: Some(sku), reason, why, about });
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
        let nobodys = matches!(owned, LetGo::Nobody);
        if let LetGo::By(candidate) = owned {
            candidates.push(candidate);
        }
        if let Some((verdict, rung)) = self.verdict(view, wanted, sku) {
            // A swap of rungs is one call: it takes the place of every other reason but being taken
            // away.
            candidates.retain(Candidate::takes_away);
            candidates.extend(self.off_the_ladder(view, verdict, rung, resolution));
            if verdict == Verdict::InDoubt {
                let reason = Reason::Outranked;
                let why = rung.by.iter().map(|policy| Why { policy: *policy, reason }).collect();
                let (reason, about) = (BlockedReason::Unreadable, About::Nothing);
                resolution.blocked.push(Block { sku: Some(sku), reason, why, about });
            }
        }
        let unmanaged = candidates.is_empty() && nobodys;
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
            let (why, about) = (withheld, About::Nothing);
            resolution.blocked.push(Block { sku: Some(sku), reason, why, about });
        }
        self.settle(assignment, candidates, resolution);
    }

    pub(super) fn takes(&self, policy: usize) -> Option<&'a Which> {
        match &self.terms(policy)?.takes {
            Takes::Nothing => None,
            Takes::Removes(which) | Takes::Replaces(which) => Some(which),
        }
    }

    /// Returns how long a policy that takes something away waits.
    pub(super) fn grace_to_remove(&self, policy: usize) -> Span {
        self.bound.policies[policy].policy.grace.unwrap_or(Span::ZERO)
    }

    /// Returns the reason to remove a rung that a ladder gives, where what is to be there instead is
    /// to be had.
    fn off_the_ladder(
        &self,
        view: &View<'_>,
        verdict: Verdict,
        rung: &Rung,
        resolution: &Resolution,
    ) -> Option<Candidate> {
        let reason = match verdict {
            Verdict::Outranked => Reason::Outranked,
            Verdict::SteppedDown => Reason::SteppedDown,
            Verdict::Waits | Verdict::InDoubt => return None,
        };
        // A rung that is higher still may be wanted, and then everything waits until it is to be had.
        if self.doubtful(view).any(|(_, terms)| self.is_above(rung, terms)) {
            return None;
        }
        if !rung.stands_in
            && (is_blocked(resolution, rung.met_by)
                || self.is_grant_doubted(view, rung.met_by, resolution))
        {
            return None;
        }
        let why = rung.by.iter().map(|policy| Why { policy: *policy, reason }).collect();
        Some(Candidate { due: self.now, why, needs: BTreeSet::from([rung.met_by]) })
    }

    /// Returns the matching policies that take this SKU away, each with its grace.
    pub(super) fn asked_away(&self, view: &View<'_>, sku: SkuId) -> Vec<(usize, Reason, Span)> {
        self.matching(view)
            .filter_map(|(policy, terms)| {
                let reason = match &terms.takes {
                    Takes::Removes(which) if which.includes(sku) => Reason::Removed,
                    Takes::Replaces(which) if which.includes(sku) => Reason::Replaced,
                    Takes::Nothing | Takes::Removes(_) | Takes::Replaces(_) => return None,
                };
                Some((policy, reason, self.grace_to_remove(policy)))
            })
            .collect()
    }

    /// Returns what must be granted or there before what a policy replaces may go; none where that
    /// cannot be.
    fn needs(
        &self,
        view: &View<'_>,
        policy: usize,
        wanted: &Wanted,
        resolution: &Resolution,
    ) -> Option<BTreeSet<SkuId>> {
        let grants: BTreeSet<SkuId> = self.terms(policy)?.grants.keys().copied().collect();
        let met: BTreeSet<SkuId> = grants.iter().filter_map(|sku| wanted.met_by(*sku)).collect();
        let all = grants.iter().all(|sku| wanted.met_by(*sku).is_some());
        let obtainable = all && !met.iter().any(|sku| is_blocked(resolution, *sku));
        (obtainable && !self.is_exchange_doubted(view, policy, resolution)).then_some(met)
    }

    /// Whether a policy that cannot be told may be in the way of what another one grants.
    fn is_exchange_doubted(&self, view: &View<'_>, policy: usize, resolution: &Resolution) -> bool {
        let mut grants = self.terms(policy).into_iter().flat_map(|terms| terms.grants.keys());
        grants.any(|sku| {
            self.is_grant_doubted(view, *sku, resolution) || self.may_be_outranked(view, *sku)
        })
    }

    /// Whether a policy that cannot be told may want a higher rung than this one.
    fn may_be_outranked(&self, view: &View<'_>, sku: SkuId) -> bool {
        self.may_want(view, sku, |rungs, place| &rungs[..place])
    }

    /// Whether a policy that cannot be told may want some of the rungs of the ladder that this one is
    /// on.
    fn may_want(
        &self,
        view: &View<'_>,
        sku: SkuId,
        some: impl Fn(&[SkuId], usize) -> &[SkuId],
    ) -> bool {
        self.bound.ladders.iter().any(|ladder| {
            let rungs = ladder.place(sku).map(|place| some(&ladder.rungs, place));
            let wants = |terms: &Terms| {
                rungs.unwrap_or_default().iter().any(|rung| terms.grants.contains_key(rung))
            };
            rungs.is_some() && self.doubtful(view).any(|(_, terms)| wants(terms))
        })
    }

    /// Whether a policy that cannot be told may be in the way of a grant.
    fn is_grant_doubted(&self, view: &View<'_>, sku: SkuId, resolution: &Resolution) -> bool {
        let taken = || {
            self.doubtful(view).any(|(_, terms)| match &terms.takes {
                Takes::Removes(which) => which.includes(sku),
                Takes::Nothing | Takes::Replaces(_) => false,
            })
        };
        // Of what is there already, other service plans may be wanted, and not to be had.
        let other_service_plans = || {
            view.licenses.get(sku).is_some()
                && self.doubtful(view).any(|(_, terms)| match terms.grants.get(&sku) {
                    Some(PlanTerms::Off(_)) => true,
                    Some(PlanTerms::Unsaid) | None => false,
                })
        };
        // A location matters only to what is not there yet.
        let located = resolution.location_doubted && resolution.grants.contains_key(&sku);
        located || taken() || other_service_plans()
    }

    /// Returns what doubt leaves in place of the reasons to remove an assignment.
    ///
    /// Nothing goes that a policy owns of which it cannot be told whether it matches. What such a
    /// policy may want is not left or exchanged; that another takes it away needs no telling, since
    /// `remove` beats `add`.
    fn doubt(&self, view: &View<'_>, sku: SkuId) -> Doubt {
        let mut owners = view.owners(sku).into_iter().flatten();
        if owners.any(|(name, _)| self.cannot_be_told(name, view)) {
            return Doubt::LeavesAll;
        }
        // A rung stays as well while another may be wanted in its place, which may not be to be had.
        let may_be_wanted = self.doubtful(view).any(|(_, terms)| terms.grants.contains_key(&sku));
        if may_be_wanted || self.may_want(view, sku, |rungs, _| rungs) {
            return Doubt::LeavesWhatMayBeWanted;
        }
        Doubt::None
    }

    /// Whether it cannot be told whether the policy of this name matches the user.
    pub(super) fn cannot_be_told(&self, name: &PolicyName, view: &View<'_>) -> bool {
        self.by_name
            .get(name)
            .is_some_and(|policy| self.standing(*policy, view) == Standing::CannotBeTold)
    }

    /// Returns when the grace of a reason is over, and whether its clock runs already.
    pub(super) fn due(
        &self,
        view: &View<'_>,
        sku: SkuId,
        policy: usize,
        grace: Span,
    ) -> (bool, Timestamp) {
        let name = &self.bound.policies[policy].policy.name;
        let mut clocks = view.row.clocks.iter();
        let since =
            clocks.find(|(on, of, _)| *on == sku && *of == name).map(|(_, _, since)| *since);
        (since.is_some(), grace.after(since.unwrap_or(self.now)))
    }

    /// Returns when the grace of a reason is over, and starts its clock where none runs.
    pub(super) fn clock(
        &self,
        view: &View<'_>,
        sku: SkuId,
        policy: usize,
        grace: Span,
        resolution: &mut Resolution,
    ) -> Timestamp {
        let (runs, due) = self.due(view, sku, policy, grace);
        if !runs && due > self.now {
            let name = self.bound.policies[policy].policy.name.clone();
            let start = LedgerChange::StartClock(view.user.id, sku, name, self.now);
            resolution.observed.push(start);
        }
        due
    }

    /// Works out whether those who own an assignment have all let it go.
    fn let_go(
        &self,
        view: &View<'_>,
        sku: SkuId,
        wanted: &Wanted,
        resolution: &mut Resolution,
    ) -> LetGo {
        let owners = view.owners(sku).into_iter().flatten();
        let gone: Vec<&PolicyName> =
            owners.map(|(name, _)| name).filter(|name| self.named(name, view).is_none()).collect();
        match self.owners_say(view, sku) {
            OwnersSay::Nobody => LetGo::Nobody,
            OwnersSay::Kept => {
                // Who wants it, or may want it, owns it on.
                let kept = self.some_owner_keeps(view, sku);
                let released = gone.into_iter().map(|name| (sku, name.clone(), kept));
                resolution.released.extend(released);
                LetGo::Stays
            }
            OwnersSay::LetGo { since, last } => {
                self.leave(view, sku, (since, &last), wanted, resolution)
            }
        }
    }

    fn some_owner_keeps(&self, view: &View<'_>, sku: SkuId) -> bool {
        let mut owners = view.owners(sku).into_iter().flatten();
        owners.any(|(name, _)| {
            self.named(name, view).is_some_and(|policy| self.keeps(view, policy, sku))
        })
    }

    /// Whether an owner wants an assignment, or may want it.
    fn keeps(&self, view: &View<'_>, policy: usize, sku: SkuId) -> bool {
        match self.standing(policy, view) {
            Standing::CannotBeTold => true,
            // Wanted by its owner and taken away by another policy: that one's business.
            Standing::Matches => self.stands_by(policy, sku),
            Standing::DoesNotMatch => false,
        }
    }

    /// Returns what those who own an assignment say to its going.
    pub(super) fn owners_say(&self, view: &View<'_>, sku: SkuId) -> OwnersSay {
        let mut gone_since = Vec::new();
        let mut kept = false;
        for (name, ownership) in view.owners(sku).into_iter().flatten() {
            match self.named(name, view) {
                None => kept = true,
                Some(policy) if self.keeps(view, policy, sku) => kept = true,
                Some(policy) => gone_since.push((ownership.let_go.unwrap_or(self.now), policy)),
            }
        }
        if kept {
            return OwnersSay::Kept;
        }
        let Some(since) = gone_since.iter().map(|(since, _)| *since).max() else {
            return OwnersSay::Nobody;
        };
        let last = gone_since.into_iter().filter(|(of, _)| *of == since).map(|(_, policy)| policy);
        OwnersSay::LetGo { since, last: last.collect() }
    }

    /// Works out when an assignment goes that its last owners have let go.
    fn leave(
        &self,
        view: &View<'_>,
        sku: SkuId,
        (since, policies): (Timestamp, &[usize]),
        wanted: &Wanted,
        resolution: &Resolution,
    ) -> LetGo {
        let matching = |policy: &usize| self.standing(*policy, view) == Standing::Matches;
        let mut matching: Vec<usize> = policies.iter().copied().filter(matching).collect();
        if matching.iter().any(|policy| self.is_exchange_doubted(view, *policy, resolution)) {
            return LetGo::Stays;
        }
        let given = |policies: &[usize]| -> BTreeSet<SkuId> {
            let terms = policies.iter().filter_map(|policy| self.terms(*policy));
            let grants = terms.flat_map(|terms| terms.grants.keys());
            grants.filter_map(|sku| wanted.met_by(*sku)).collect()
        };
        // Of what is owned and gone, too: what those who let go of this want instead is not to be had.
        if given(&matching).iter().any(|sku| is_blocked(resolution, *sku) && !view.holds(*sku)) {
            return LetGo::Stays;
        }
        matching.retain(|policy| self.gives_something_new(view, *policy, wanted, resolution));
        if !matching.is_empty() {
            let needs = given(&matching);
            // What stands for what is wanted instead is not exchanged for it.
            let stands = view.licenses.get(sku).is_some_and(|held| held.inherited().is_empty());
            if stands && needs.contains(&sku) {
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
        let reason = |policy: usize| match self.standing(policy, view) {
            Standing::Matches => Reason::Withdrawn,
            Standing::DoesNotMatch | Standing::CannotBeTold => Reason::Left,
        };
        let why = policies.iter().map(|policy| Why { policy: *policy, reason: reason(*policy) });
        let (due, why) = (grace.after(since), why.collect());
        LetGo::By(Candidate { due, why, needs: BTreeSet::new() })
    }

    /// Whether a policy gives a user something now that it does not own yet. What is there already,
    /// and only blocked from being changed, is not given but adopted.
    fn gives_something_new(
        &self,
        view: &View<'_>,
        policy: usize,
        wanted: &Wanted,
        resolution: &Resolution,
    ) -> bool {
        let is_given = |sku: SkuId| !(is_blocked(resolution, sku) && view.holds(sku));
        let is_new = |sku: &SkuId| match wanted.met_by(*sku) {
            None => false,
            Some(met) if met == *sku => is_given(met) && !self.owns(view, met, policy),
            // Another rung of the ladder, which other policies grant.
            Some(met) => resolution.grants.get(&met).is_some_and(|grant| !grant.held),
        };
        let grants = self.terms(policy).map(|terms| terms.grants.keys()).into_iter().flatten();
        grants.into_iter().any(is_new)
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

impl Candidate {
    /// Whether a policy takes the assignment away.
    fn takes_away(&self) -> bool {
        self.why.iter().any(|why| why.reason == Reason::Removed)
    }
}

/// What those who own an assignment say to its going.
pub(super) enum OwnersSay {
    /// Nobody owns it.
    Nobody,
    /// One of them wants it, may want it, or is gone from the files.
    Kept,
    /// They have all let it go.
    LetGo {
        /// When the last of them did.
        since: Timestamp,
        /// Who did then.
        last: Vec<usize>,
    },
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
        // A higher rung is wanted for sure: then it does not matter who else wants this one.
        let outranked = |why: &Why| why.reason == Reason::Outranked;
        match self {
            Self::None => false,
            Self::LeavesAll => true,
            Self::LeavesWhatMayBeWanted => {
                !candidate.takes_away() && !candidate.why.iter().any(outranked)
            }
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
