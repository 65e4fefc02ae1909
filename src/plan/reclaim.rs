//! Seats that could be used for somebody else. A report for people: nothing is taken away by it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::group::Membership;
use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::money::{Money, Price, sums};
use crate::domain::names::TenantName;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::domain::user::{Assignment, User};
use crate::plan::{SkuRef, UserRef};
use crate::policy::settings::Settings;
use crate::policy::{Ladder, PolicySet};

/// How long somebody must not have signed in to count as inactive, unless told otherwise.
pub const INACTIVE_FOR: Span = Span::days(90);

/// A seat that could be used for somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reclaimable {
    /// Who holds it: directly, and through no group, so that taking it away frees it.
    pub user: UserRef,
    /// The SKU.
    pub sku: SkuRef,
    /// Why it is probably not needed; at least one reason.
    pub why: Vec<NotNeeded>,
    /// What it costs a month, where the configuration says.
    pub price: Option<Price>,
}

/// Why a seat is probably not needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotNeeded {
    /// The user may not sign in.
    Disabled,
    /// The user last signed in then.
    Inactive(Timestamp),
    /// Another SKU of the user has every service plan on that this one has.
    Within(SkuRef),
    /// The user holds a higher rung of the same ladder.
    Outranked(SkuRef),
}

impl NotNeeded {
    /// Returns the word that names it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Inactive(_) => "inactive",
            Self::Within(_) => "contained",
            Self::Outranked(_) => "outranked",
        }
    }
}

/// Returns the seats that could be used for somebody else, by SKU and user. Whom nothing touches is left
/// out, and of whom it is not known when they signed in is not inactive.
pub fn reclaimable(
    snapshot: &Snapshot,
    settings: &Settings,
    ladders: &Ladders,
    inactive_for: Span,
    now: Timestamp,
) -> Vec<Reclaimable> {
    let protected = protected(snapshot, settings);
    let length =
        SignedDuration::from_secs(i64::try_from(inactive_for.as_secs()).unwrap_or(i64::MAX));
    let inactive_before = now.saturating_sub(length).unwrap_or(Timestamp::MIN);
    let mut found = Vec::new();
    for user in snapshot.users().iter().filter(|user| !protected.contains(&user.id)) {
        let Known::Known(licenses) = &user.licenses else { continue };
        let of_user = of_user(user, inactive_before);
        for (at, held) in licenses.assignments.iter().enumerate() {
            if held.direct().is_none() || !held.inherited().is_empty() {
                continue;
            }
            let mut why = of_user.clone();
            let all = &licenses.assignments;
            let holdings = Holdings { snapshot, settings, ladders, all };
            let other = holdings.within(at).map(NotNeeded::Within);
            why.extend(other.or_else(|| holdings.outranked(at).map(NotNeeded::Outranked)));
            if !why.is_empty() {
                let sku = snapshot.catalogue().get(held.sku);
                found.push(Reclaimable {
                    user: UserRef {
                        id: user.id,
                        principal_name: user.principal_name.clone(),
                        display_name: user.display_name.clone(),
                    },
                    sku: named(snapshot, held.sku),
                    why,
                    price: sku.and_then(|sku| settings.price(sku)),
                });
            }
        }
    }
    found.sort_by(|a, b| {
        (&a.sku.name, &a.user.principal_name, a.user.id).cmp(&(
            &b.sku.name,
            &b.user.principal_name,
            b.user.id,
        ))
    });
    found
}

/// Returns what all of these cost a month, by currency, as far as prices are known.
pub fn monthly(seats: &[Reclaimable]) -> Vec<Money> {
    sums(seats.iter().filter_map(|seat| seat.price).map(|price| price.times(1)))
}

fn of_user(user: &User, inactive_before: Timestamp) -> Vec<NotNeeded> {
    let mut why = Vec::new();
    if user.enabled == Known::Known(false) {
        why.push(NotNeeded::Disabled);
    }
    if let Known::Known(at) = user.last_sign_in
        && at < inactive_before
    {
        why.push(NotNeeded::Inactive(at));
    }
    why
}

/// The ladders of a tenant, as far as its SKUs are known. A SKU is on one of them at most.
#[derive(Clone, Debug, Default)]
pub struct Ladders {
    /// For each rung its ladder, and how far from the top it stands.
    rungs: BTreeMap<SkuId, (usize, usize)>,
}

impl Ladders {
    /// Takes the ladders that are for a tenant.
    pub fn of(policies: &PolicySet, tenant: &TenantName, catalogue: &Catalogue) -> Self {
        let is_ours =
            |ladder: &&Ladder| ladder.tenants.as_ref().is_none_or(|only| only.contains(tenant));
        let mut rungs = BTreeMap::new();
        for (number, ladder) in policies.ladders.iter().filter(is_ours).enumerate() {
            for (rung, written) in ladder.rungs.iter().enumerate() {
                let by_id = written.value.parse().ok().and_then(|id| catalogue.get(id));
                let sku = by_id.or_else(|| {
                    // Of two SKUs of one name it is not known which is meant.
                    let mut named = catalogue.named(&written.value);
                    named.next().filter(|_| named.next().is_none())
                });
                if let Some(sku) = sku {
                    rungs.entry(sku.id).or_insert((number, rung));
                }
            }
        }
        Self { rungs }
    }

    /// Whether a SKU is a higher rung of the same ladder than another.
    fn is_above(&self, one: SkuId, other: SkuId) -> bool {
        match (self.rungs.get(&one), self.rungs.get(&other)) {
            (Some((ladder, rung)), Some((others, below))) => ladder == others && rung < below,
            (_, _) => false,
        }
    }
}

/// What a user holds.
struct Holdings<'a> {
    snapshot: &'a Snapshot,
    settings: &'a Settings,
    ladders: &'a Ladders,
    all: &'a [Assignment],
}

impl Holdings<'_> {
    /// Returns the first other SKU of a user within which this one is. Of two that are within each other
    /// the cheaper one is kept, or else the first; but never one with a higher rung above it.
    fn within(&self, at: usize) -> Option<SkuRef> {
        let Self { snapshot, settings, ladders, all } = self;
        let own = switched_on(snapshot, &all[at])?;
        // What has a price comes first, the cheaper before the dearer: of several, one is always kept.
        let rank = |at: usize| {
            let sku = snapshot.catalogue().get(all[at].sku);
            let price = sku.and_then(|sku| settings.price(sku));
            (price.is_none(), price, at)
        };
        (0..all.len()).filter(|other| *other != at).find_map(|other| {
            // A rung below another one may go itself.
            if (0..all.len()).any(|higher| ladders.is_above(all[higher].sku, all[other].sku)) {
                return None;
            }
            let theirs = switched_on(snapshot, &all[other])?;
            let is_kept_instead = || theirs.len() > own.len() || rank(other) < rank(at);
            (own.is_subset(&theirs) && is_kept_instead()).then(|| named(snapshot, all[other].sku))
        })
    }

    /// Returns the highest rung of a user's above this one, where that one is needed itself.
    fn outranked(&self, at: usize) -> Option<SkuRef> {
        let Self { snapshot, settings: _, ladders, all } = self;
        let above = (0..all.len()).filter(|other| ladders.is_above(all[*other].sku, all[at].sku));
        let top = above.min_by_key(|other| ladders.rungs.get(&all[*other].sku))?;
        // Of several that stand for one another, one is always kept.
        self.within(top).is_none().then(|| named(snapshot, all[top].sku))
    }
}

/// Returns the service plans that a user has through an assignment; none where there are none, or where
/// what the SKU holds is not known.
fn switched_on(snapshot: &Snapshot, held: &Assignment) -> Option<BTreeSet<ServicePlanId>> {
    let sku = snapshot.catalogue().get(held.sku)?;
    let on: BTreeSet<_> = sku.switchable().filter(|plan| !held.disabled.contains(*plan)).collect();
    (!on.is_empty()).then_some(on)
}

fn named(snapshot: &Snapshot, id: SkuId) -> SkuRef {
    let sku = snapshot.catalogue().get(id);
    let name = sku.map_or_else(|| id.to_string().into(), |sku| sku.part_number.clone());
    SkuRef { id, name }
}

/// Returns whom nothing touches, as far as the snapshot shows.
fn protected(snapshot: &Snapshot, settings: &Settings) -> BTreeSet<UserId> {
    let users = &settings.protected.users;
    let is_named = |name: &str, id: String, written: &str| {
        written.eq_ignore_ascii_case(&id) || written.to_lowercase() == name.to_lowercase()
    };
    let mut protected = BTreeSet::new();
    if !users.is_empty() {
        let by_name: BTreeMap<String, UserId> = snapshot
            .users()
            .iter()
            .map(|user| (user.principal_name.to_lowercase(), user.id))
            .collect();
        protected.extend(users.iter().filter_map(|written| {
            let by_name = by_name.get(&written.value.to_lowercase()).copied();
            by_name.or_else(|| written.value.parse().ok())
        }));
    }
    for written in &settings.protected.groups {
        let groups = snapshot.groups().iter();
        for group in
            groups.filter(|group| is_named(&group.name, group.id.to_string(), &written.value))
        {
            if let Membership::Read { nested, direct: _ } = &group.membership {
                protected.extend(nested.users());
            }
        }
    }
    protected
}

#[cfg(test)]
mod tests;
