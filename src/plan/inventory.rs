//! What a tenant has to choose from, with counts: OUs, domains, groups, seats.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::dn::DistinguishedName;
use crate::domain::group::{Group, Membership};
use crate::domain::ids::{GroupId, SkuId};
use crate::domain::known::Known;
use crate::domain::money::Price;
use crate::domain::names::{PolicyName, TenantName};
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{Assignment, User};
use crate::plan::Plan;
use crate::plan::forecast::{Forecast, SeatPoint, forecasts};
use crate::plan::reclaim::{self, INACTIVE_FOR, Ladders};
use crate::policy::settings::Settings;
use crate::policy::{PolicySet, Test};

/// An on-premises OU, or another container that holds users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OuCount {
    /// Its name, as the first user in it has it.
    pub name: DistinguishedName,
    /// How many of those listed it lies in.
    pub depth: usize,
    /// Users directly in it.
    pub direct: u64,
    /// Users in it and everywhere below it.
    pub subtree: u64,
}

/// Returns the OUs that hold users, each before those inside it.
pub fn ous(snapshot: &Snapshot) -> Vec<OuCount> {
    let mut counts: BTreeMap<DistinguishedName, (u64, u64)> = BTreeMap::new();
    for user in snapshot.users() {
        let Known::Known(Some(name)) = &user.distinguished_name else { continue };
        let mut at = container(name);
        let mut is_direct = true;
        while let Some(ou) = at {
            at = container(&ou);
            let (direct, subtree) = counts.entry(ou).or_default();
            *direct += u64::from(is_direct);
            *subtree += 1;
            is_direct = false;
        }
    }
    // Outermost first, so that whatever lies inside sorts behind it and together.
    let mut placed: Vec<(Vec<DistinguishedName>, OuCount)> = counts
        .into_iter()
        .map(|(name, (direct, subtree))| {
            let mut path = vec![name.clone()];
            let mut at = name.parent();
            let mut depth = 0;
            while let Some(outer) = at {
                depth += usize::from(!outer.is_domain());
                at = outer.parent();
                path.push(outer);
            }
            path.reverse();
            (path, OuCount { name, depth, direct, subtree })
        })
        .collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    placed.into_iter().map(|(_, ou)| ou).collect()
}

/// Returns what an object lies in, unless that is a whole domain.
fn container(name: &DistinguishedName) -> Option<DistinguishedName> {
    name.parent().filter(|parent| !parent.is_domain())
}

/// What kind of domain it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DomainKind {
    /// Behind the `@` of principal names.
    PrincipalName,
    /// Of an on-premises Active Directory.
    ActiveDirectory,
}

impl DomainKind {
    /// Returns the selector that names domains of this kind.
    pub fn selector(self) -> &'static str {
        match self {
            Self::PrincipalName => "domain",
            Self::ActiveDirectory => "ad_domain",
        }
    }
}

/// A domain that users are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCount {
    /// What kind it is.
    pub kind: DomainKind,
    /// The name, in lower case.
    pub name: String,
    /// Its users.
    pub users: u64,
    /// Those of them who may sign in.
    pub enabled: u64,
    /// Those of them who hold a SKU.
    pub licensed: u64,
}

/// Returns the domains, those of principal names first, by name.
pub fn domains(snapshot: &Snapshot) -> Vec<DomainCount> {
    let mut counts: BTreeMap<(DomainKind, String), [u64; 3]> = BTreeMap::new();
    for user in snapshot.users() {
        let ad_domain = user.ad_domain.value().and_then(Option::as_deref);
        let of =
            [(DomainKind::PrincipalName, user.domain()), (DomainKind::ActiveDirectory, ad_domain)];
        for (kind, name) in of {
            let Some(name) = name else { continue };
            let [users, enabled, licensed] = counts.entry((kind, name.to_lowercase())).or_default();
            *users += 1;
            *enabled += u64::from(user.enabled == Known::Known(true));
            *licensed += u64::from(!assignments(user).is_empty());
        }
    }
    let counts = counts.into_iter();
    counts
        .map(|((kind, name), [users, enabled, licensed])| DomainCount {
            kind,
            name,
            users,
            enabled,
            licensed,
        })
        .collect()
}

fn assignments(user: &User) -> &[Assignment] {
    user.licenses.value().map(|held| held.assignments.as_slice()).unwrap_or_default()
}

/// A group of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCount {
    /// The object id.
    pub id: GroupId,
    /// The display name.
    pub name: Arc<str>,
    /// Its members, nested groups included, and whether these are all; none where they were not read.
    pub members: Option<(u64, bool)>,
    /// The policies that name it.
    pub policies: Vec<PolicyName>,
    /// The SKUs that users inherit from it.
    pub carries: Vec<Arc<str>>,
}

/// Returns the groups, by name.
pub fn groups(snapshot: &Snapshot, policies: &PolicySet, tenant: &TenantName) -> Vec<GroupCount> {
    let named = named(policies, tenant);
    let mut carried: BTreeMap<GroupId, BTreeSet<SkuId>> = BTreeMap::new();
    for assignment in snapshot.users().iter().flat_map(assignments) {
        for source in assignment.inherited() {
            carried.entry(source.group).or_default().insert(assignment.sku);
        }
    }
    let count = |group: &Group| {
        let by_name = named.get(&group.name.to_lowercase());
        let by_id = named.get(&group.id.to_string());
        let policies: BTreeSet<&PolicyName> = by_name.into_iter().chain(by_id).flatten().collect();
        GroupCount {
            id: group.id,
            name: group.name.clone(),
            members: match &group.membership {
                Membership::NotRead => None,
                Membership::Read { nested, direct: _ } => {
                    Some((nested.users().len() as u64, nested.is_complete()))
                }
            },
            policies: policies.into_iter().cloned().collect(),
            carries: carried
                .get(&group.id)
                .into_iter()
                .flatten()
                .map(|sku| part_number(snapshot, *sku))
                .collect(),
        }
    };
    let mut groups: Vec<GroupCount> = snapshot.groups().iter().map(count).collect();
    groups.sort_by_key(|group| (group.name.to_lowercase(), group.id));
    groups
}

/// Returns the groups that policies of the tenant name, by name or id in lower case.
fn named(policies: &PolicySet, tenant: &TenantName) -> BTreeMap<String, BTreeSet<PolicyName>> {
    let mut named: BTreeMap<String, BTreeSet<PolicyName>> = BTreeMap::new();
    for policy in &policies.policies {
        if policy.tenants.as_ref().is_some_and(|only| !only.contains(tenant)) {
            continue;
        }
        policy.selector.for_each_test(&mut |test| {
            if let Test::Group { group, nested: _ } = test {
                named.entry(group.to_lowercase()).or_default().insert(policy.name.clone());
            }
        });
    }
    named
}

fn part_number(snapshot: &Snapshot, sku: SkuId) -> Arc<str> {
    let known = snapshot.catalogue().get(sku);
    known.map_or_else(|| sku.to_string().into(), |sku| sku.part_number.clone())
}

/// How the seats of a SKU are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatUse {
    /// The id.
    pub id: SkuId,
    /// The part number.
    pub sku: Arc<str>,
    /// Seats that can be used; those in grace among them where the settings say so.
    pub total: u64,
    /// Seats in use.
    pub used: u64,
    /// Seats that can be given out: neither in use nor kept free.
    pub free: u64,
    /// Seats that are kept free.
    pub reserved: u64,
    /// Users who wait for a seat.
    pub waiting: u64,
}

/// The seats of a SKU, and what there is to know of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SeatCount {
    /// How they are used.
    pub now: SeatUse,
    /// Seats whose subscription has expired and is in its grace: whoever holds one keeps it, and nobody
    /// gets one unless `use_warning_seats` counts them in.
    pub in_grace: u64,
    /// Seats that could be used for somebody else: see [`reclaim`].
    pub reclaimable: u64,
    /// When the next subscription renews or ends; unknown where the app may not read it.
    pub next_expiry: Known<Option<Timestamp>>,
    /// When they run out, where they were watched for long enough to tell.
    pub forecast: Option<Forecast>,
    /// What one costs a month, where the configuration says.
    pub price: Option<Price>,
}

/// Returns how the seats of every SKU are used, by part number. `plan` is what follows from the
/// snapshot.
pub fn seat_use(snapshot: &Snapshot, settings: &Settings, plan: &Plan) -> Vec<SeatUse> {
    let mut waiting: BTreeMap<SkuId, u64> = BTreeMap::new();
    for entry in &plan.waiting {
        *waiting.entry(entry.sku.id).or_default() += 1;
    }
    let count = |sku: &crate::domain::sku::Sku| {
        let kept = |(name, _): &(&Arc<str>, &crate::policy::settings::Reserve)| {
            ***name == *sku.part_number || name.parse() == Ok(sku.id)
        };
        let reserved =
            settings.reserve.iter().find(kept).map_or(0, |(_, kept)| u64::from(kept.seats));
        let in_grace = if settings.use_warning_seats { sku.units.warning } else { 0 };
        let total = u64::from(sku.units.enabled) + u64::from(in_grace);
        let used = u64::from(sku.consumed);
        SeatUse {
            id: sku.id,
            sku: sku.part_number.clone(),
            total,
            used,
            free: total.saturating_sub(used).saturating_sub(reserved),
            reserved,
            waiting: waiting.get(&sku.id).copied().unwrap_or_default(),
        }
    };
    let mut seats: Vec<SeatUse> = snapshot.catalogue().skus().iter().map(count).collect();
    seats.sort_by(|a, b| (&a.sku, a.id).cmp(&(&b.sku, b.id)));
    seats
}

/// Returns the seats of every SKU, by part number. `plan` is what follows from the snapshot, `history`
/// how seats were used for as long as a forecast looks back.
pub fn seats(
    snapshot: &Snapshot,
    settings: &Settings,
    ladders: &Ladders,
    plan: &Plan,
    history: &[SeatPoint],
    now: Timestamp,
) -> Vec<SeatCount> {
    let forecasts = forecasts(history, now);
    let mut reclaimable: BTreeMap<SkuId, u64> = BTreeMap::new();
    for seat in reclaim::reclaimable(snapshot, settings, ladders, INACTIVE_FOR, now) {
        *reclaimable.entry(seat.sku.id).or_default() += 1;
    }
    let expiries = snapshot.catalogue().next_expiries();
    let count = |seats: SeatUse| SeatCount {
        in_grace: snapshot.catalogue().get(seats.id).map_or(0, |sku| u64::from(sku.units.warning)),
        reclaimable: reclaimable.get(&seats.id).copied().unwrap_or_default(),
        next_expiry: expiries.as_ref().map(|all| all.get(&seats.id).copied()),
        forecast: forecasts.get(&seats.id).cloned(),
        price: snapshot.catalogue().get(seats.id).and_then(|sku| settings.price(sku)),
        now: seats,
    };
    seat_use(snapshot, settings, plan).into_iter().map(count).collect()
}

#[cfg(test)]
mod tests;
