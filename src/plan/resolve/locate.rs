//! The usage location: what policies want it to be, and what cannot be assigned without one.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::View;
use super::{About, Block, Resolution, Resolver, Wanted, Why, matched};
use crate::domain::country;
use crate::domain::known::Known;
use crate::domain::names::UsageLocation;
use crate::plan::bind::Terms;
use crate::plan::{BlockedReason, LocationChange, Reason};
use crate::policy::LocationRule;

/// What is known of a user's location afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Located {
    There,
    Missing,
    Conflict,
    Unreadable,
}

impl Located {
    /// Returns why nothing can be assigned, where that is so.
    pub(super) fn blocks(self) -> Option<BlockedReason> {
        match self {
            Self::There => None,
            Self::Missing => Some(BlockedReason::NoUsageLocation),
            Self::Conflict => Some(BlockedReason::LocationConflict),
            Self::Unreadable => Some(BlockedReason::Unreadable),
        }
    }
}

/// What a policy wants the location of a user to be.
enum Wish {
    Nothing,
    Is(UsageLocation),
    /// The attribute names no country, and there is no default.
    NoCountry(About),
    /// The attribute could not be read.
    Unreadable,
}

impl Resolver<'_> {
    /// Works out the location. Returns what is known of it afterwards.
    pub(super) fn locate(
        &self,
        view: &View<'_>,
        wanted: &Wanted,
        resolution: &mut Resolution,
    ) -> Located {
        let Known::Known(current) = view.user.usage_location else {
            let wishes = self.matching(view).filter(|(_, terms)| terms.location.is_some());
            let why: Vec<usize> = wishes.map(|(policy, _)| policy).collect();
            block_user(resolution, BlockedReason::Unreadable, &why, About::Nothing);
            return Located::Unreadable;
        };
        let mut wishes: BTreeMap<UsageLocation, Vec<usize>> = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (policy, terms) in self.matching(view) {
            let overruled = !terms.grants.is_empty()
                && !terms.grants.keys().any(|sku| wanted.met_by(*sku).is_some());
            if overruled {
                continue;
            }
            match wish(terms, view, current) {
                Wish::Nothing => {}
                Wish::Is(location) => wishes.entry(location).or_default().push(policy),
                Wish::NoCountry(about) => {
                    block_user(resolution, BlockedReason::UnknownCountry, &[policy], about);
                }
                Wish::Unreadable => unreadable.push(policy),
            }
        }
        if !unreadable.is_empty() {
            let reason = BlockedReason::Unreadable;
            block_user(resolution, reason, &unreadable, About::Attribute);
            return Located::Unreadable;
        }
        resolution.location_doubted = self.may_conflict(view, &wishes, current);
        if wishes.len() > 1 {
            let why: Vec<usize> = wishes.into_values().flatten().collect();
            block_user(resolution, BlockedReason::LocationConflict, &why, About::Nothing);
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

    /// Whether policies of which it cannot be told whether they match may want another location than
    /// the others, or one that cannot be read.
    fn may_conflict(
        &self,
        view: &View<'_>,
        wishes: &BTreeMap<UsageLocation, Vec<usize>>,
        current: Option<UsageLocation>,
    ) -> bool {
        let mut possible: BTreeSet<UsageLocation> = wishes.keys().copied().collect();
        let certain = possible.len();
        for (_, terms) in self.doubtful(view) {
            match wish(terms, view, current) {
                Wish::Is(location) => drop(possible.insert(location)),
                Wish::Unreadable => return true,
                Wish::Nothing | Wish::NoCountry(_) => {}
            }
        }
        possible.len() > 1 && possible.len() > certain
    }

    /// Takes back what needs a location where there is none.
    pub(super) fn hold_back_without_location(
        &self,
        view: &View<'_>,
        located: Located,
        resolution: &mut Resolution,
    ) {
        let Some(reason) = located.blocks() else { return };
        resolution.lower.clear();
        for (sku, grant) in std::mem::take(&mut resolution.grants) {
            let (why, about) = (matched(&grant.by), About::Nothing);
            resolution.blocked.push(Block { sku: Some(sku), reason, why, about });
            self.adopt_at_least(view, sku, &grant, resolution);
        }
    }
}

fn block_user(
    resolution: &mut Resolution,
    reason: BlockedReason,
    policies: &[usize],
    about: About,
) {
    if policies.is_empty() {
        return;
    }
    let why = |policy: &usize| Why { policy: *policy, reason: Reason::Located };
    let why = policies.iter().map(why).collect();
    resolution.blocked.push(Block { sku: None, reason, why, about });
}

/// Returns the location that a policy wants for a user who has this one now.
fn wish(terms: &Terms, view: &View<'_>, current: Option<UsageLocation>) -> Wish {
    let (attribute, default) = match (terms.location, current) {
        (Some(LocationRule::Set(location)), _) | (Some(LocationRule::Default(location)), None) => {
            return Wish::Is(location);
        }
        (Some(LocationRule::From { attribute, default }), None) => (attribute, default),
        (Some(LocationRule::Default(_) | LocationRule::From { .. }), Some(_)) | (None, _) => {
            return Wish::Nothing;
        }
    };
    let written = match view.user.attribute(attribute) {
        Known::Unknown => return Wish::Unreadable,
        Known::Known(None) => return default.map_or(Wish::Nothing, Wish::Is),
        Known::Known(Some(written)) => written,
    };
    match (country::named(written), default) {
        (Some(location), _) | (None, Some(location)) => Wish::Is(location),
        (None, None) => Wish::NoCountry(About::Country(attribute, written.into())),
    }
}
