//! The third rule: on a ladder a user holds one rung, the highest wanted.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::unwanted::OwnersSay;
use super::walk::View;
use super::{Grant, Resolution, Resolver, Wanted};
use crate::domain::ids::SkuId;
use crate::domain::user::AssignmentSource;
use crate::plan::Reason;
use crate::plan::bind::{BoundLadder, Takes, Terms};
use crate::plan::seats;
use crate::policy::OnLeave;

/// Where a user stands on a ladder, some rung of which is wanted.
#[derive(Clone, Debug)]
pub(super) struct Rung {
    /// The ladder's position.
    ladder: usize,
    /// The place of the highest wanted rung, from the top.
    place: usize,
    /// That rung, or the higher one that is there and stands for it.
    pub(super) met_by: SkuId,
    /// The policies that want it.
    pub(super) by: Vec<usize>,
    /// Whether another rung stands for it.
    pub(super) stands_in: bool,
    /// Whether lower rungs go, and if not, why not.
    outranks: Outranks,
}

/// Whether lower rungs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outranks {
    Yes,
    /// What stands for the wanted rung will be taken away itself.
    NotYet,
    /// It cannot be told whether what stands for the wanted rung stays.
    InDoubt,
}

/// What a ladder says to a rung that nobody wants to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A higher one is wanted.
    Outranked,
    /// A lower one is wanted.
    SteppedDown,
    /// It stays until what stands for the wanted one has gone.
    Waits,
    /// It stays because something cannot be told.
    InDoubt,
}

impl Resolver<'_> {
    /// Leaves of every ladder one rung wanted.
    pub(super) fn climb(&self, view: &View<'_>, wanted: &mut Wanted) {
        for (at, ladder) in self.bound.ladders.iter().enumerate() {
            let is_wanted = |rung: &SkuId| wanted.skus.contains(*rung);
            let Some(top) = ladder.rungs.iter().position(is_wanted) else { continue };
            let stays = |place: &usize| {
                let rung = ladder.rungs[*place];
                view.licenses.get(rung).is_some() && !self.goes_down(view, rung)
            };
            let stand_in = (0..top).find(stays).map(|place| ladder.rungs[place]);
            let wanted_rung = ladder.rungs[top];
            let by = wanted.skus.by(wanted_rung).unwrap_or_default().to_vec();
            // What is wanted and there stays, whatever stands above it. Of what a group gives, service
            // plans may be missing: below a rung that stays they are not assigned beside it.
            let met_by = stand_in.filter(|_| !view.holds(wanted_rung)).unwrap_or(wanted_rung);
            for rung in ladder.rungs.iter().filter(|rung| **rung != met_by) {
                if let Some(by) = wanted.skus.take(*rung) {
                    wanted.stood_for.insert(*rung, (met_by, by));
                }
            }
            wanted.rungs.push(Rung {
                ladder: at,
                place: top,
                met_by,
                by,
                stands_in: met_by != wanted_rung,
                outranks: match stand_in {
                    Some(rung) if self.is_in_doubt(view, rung) => Outranks::InDoubt,
                    Some(rung) if !self.asked_away(view, rung).is_empty() => Outranks::NotYet,
                    None | Some(_) => Outranks::Yes,
                },
            });
        }
    }

    /// Whether it cannot be told whether a rung that is there stays there.
    fn is_in_doubt(&self, view: &View<'_>, sku: SkuId) -> bool {
        let taken = |terms: &Terms| match &terms.takes {
            Takes::Removes(which) | Takes::Replaces(which) => which.includes(sku),
            Takes::Nothing => false,
        };
        let told =
            view.licenses.get(sku).is_some_and(|held| held.source != AssignmentSource::Unknown);
        !told
            || self.doubtful(view).any(|(_, terms)| taken(terms))
            || self.is_owner_in_doubt(view, sku)
    }

    fn is_owner_in_doubt(&self, view: &View<'_>, sku: SkuId) -> bool {
        view.owners(sku).into_iter().flatten().any(|(name, _)| self.cannot_be_told(name, view))
    }

    /// Whether a rung goes when a lower one is granted: a policy takes it away now, or all who own it
    /// have let it go. What nobody owns stays, and what may be wanted, and what a group gives too.
    fn goes_down(&self, view: &View<'_>, sku: SkuId) -> bool {
        let held = view.licenses.get(sku);
        let goes = held.is_some_and(|held| held.direct().is_some() && held.inherited().is_empty());
        if !goes || self.is_owner_in_doubt(view, sku) {
            return false;
        }
        let due = |policy, grace| self.due(view, sku, policy, grace).1 <= self.now;
        let asked = self.asked_away(view, sku);
        let is_asked = |reason: Reason| {
            asked.iter().any(|(policy, of, grace)| *of == reason && due(*policy, *grace))
        };
        if is_asked(Reason::Removed) {
            return true;
        }
        if self.doubtful(view).any(|(_, terms)| terms.grants.contains_key(&sku)) {
            return false;
        }
        let let_go = match self.owners_say(view, sku) {
            OwnersSay::Nobody | OwnersSay::Kept => false,
            OwnersSay::LetGo { last, since: _ } => last
                .iter()
                .all(|policy| self.bound.policies[*policy].policy.on_leave != OnLeave::Keep),
        };
        let_go || is_asked(Reason::Replaced)
    }

    /// Returns what a ladder says to an assignment that nobody wants.
    pub(super) fn verdict<'w>(
        &self,
        view: &View<'_>,
        wanted: &'w Wanted,
        sku: SkuId,
    ) -> Option<(Verdict, &'w Rung)> {
        wanted.rungs.iter().find_map(|rung| {
            let place = self.bound.ladders[rung.ladder].place(sku)?;
            let verdict = match (place.cmp(&rung.place), rung.outranks) {
                (Ordering::Greater, Outranks::Yes) => Verdict::Outranked,
                (Ordering::Greater, Outranks::NotYet) => Verdict::Waits,
                (Ordering::Greater, Outranks::InDoubt) => Verdict::InDoubt,
                (Ordering::Less, _) if self.goes_down(view, sku) => Verdict::SteppedDown,
                // What stands above the wanted one has its own reasons to stay or to go.
                (Ordering::Equal | Ordering::Less, _) => return None,
            };
            Some((verdict, rung))
        })
    }

    /// Whether a policy grants a higher rung of the ladder than the one that is wanted.
    pub(super) fn is_above(&self, rung: &Rung, terms: &Terms) -> bool {
        let higher = &self.bound.ladders[rung.ladder].rungs[..rung.place];
        higher.iter().any(|sku| terms.grants.contains_key(sku))
    }

    /// Works out what a user may take meanwhile where there is no seat on the rung that is wanted:
    /// rungs between it and the highest one held.
    pub(super) fn fall_back(&self, view: &View<'_>, wanted: &Wanted, resolution: &mut Resolution) {
        for rung in &wanted.rungs {
            let ladder = &self.bound.ladders[rung.ladder];
            let waits = resolution.grants.get(&rung.met_by).is_some_and(|grant| grant.needs_seat);
            // Who holds a higher rung keeps it until there is a seat, and takes no lower one beside it.
            let mut higher = ladder.rungs[..rung.place].iter();
            let holds_higher = higher.any(|sku| view.licenses.get(*sku).is_some());
            if !waits || !ladder.ladder.fall_back || holds_higher {
                continue;
            }
            let below = ladder.rungs[rung.place + 1..].iter();
            let lower: Vec<(Grant, seats::Lower)> = below
                .take_while(|sku| view.licenses.get(**sku).is_none())
                .filter_map(|sku| self.lower(view, wanted, rung, ladder, *sku))
                .collect();
            if !lower.is_empty() {
                resolution.lower.insert(rung.met_by, lower);
            }
        }
    }

    fn lower(
        &self,
        view: &View<'_>,
        wanted: &Wanted,
        rung: &Rung,
        ladder: &BoundLadder<'_>,
        sku: SkuId,
    ) -> Option<(Grant, seats::Lower)> {
        let product = self.snapshot.catalogue().get(sku)?;
        let taken = |terms: &Terms| match &terms.takes {
            Takes::Removes(which) => which.includes(sku),
            Takes::Nothing | Takes::Replaces(_) => false,
        };
        let mut all = self.matching(view).chain(self.doubtful(view));
        if !product.status.is_assignable() || all.any(|(_, terms)| taken(terms)) {
            return None;
        }
        let by = wanted.stood_for.get(&sku).map(|(_, by)| by.as_slice()).unwrap_or_default();
        let off = self.wanted_off(view, product, by).unwrap_or_default();
        let cut: BTreeSet<_> = self
            .matching(view)
            .flat_map(|(_, terms)| {
                product.switchable().filter(|plan| terms.switches_off.includes(sku, *plan))
            })
            .collect();
        let grant = Grant {
            disabled: off.iter().chain(cut).collect(),
            held: false,
            needs_seat: true,
            priority: self.priority(&rung.by),
            by: rung.by.clone(),
            why: Vec::new(),
        };
        let place = ladder.place(sku)?;
        let frees = ladder.rungs[place + 1..].iter().copied().collect();
        Some((grant, seats::Lower { sku, frees }))
    }

    /// Whether a policy stands by an assignment: it grants it, or grants a higher rung of a ladder on
    /// which this one is taken meanwhile.
    pub(super) fn stands_by(&self, policy: usize, sku: SkuId) -> bool {
        let Some(terms) = self.terms(policy) else { return false };
        let is_lower = |ladder: &BoundLadder<'_>| {
            let higher = ladder.place(sku).map(|place| &ladder.rungs[..place]);
            ladder.ladder.fall_back
                && higher.is_some_and(|rungs| rungs.iter().any(|r| terms.grants.contains_key(r)))
        };
        terms.grants.contains_key(&sku) || self.bound.ladders.iter().any(is_lower)
    }
}
