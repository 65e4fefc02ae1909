//! The company that lives in the sandbox by default: invented, and shaped like a real one.
//!
//! Half of it is in order; the rest is what a licensing team finds on a Monday: joiners without a
//! license, people on last year's suite, leavers who still hold a seat, shops whose staff moved
//! country, contractors with tools that they should not have. The example policies under
//! `policies/` are written for it.
//!
//! Pure, and the same for the same seed and size.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::{Uuid, uuid};

use crate::domain::ids::{GroupId, SkuId};
use crate::domain::products::{Product, Products};
use crate::domain::sku::{Sku, SkuStatus, Units};
use crate::domain::user::ServicePlanSet;
use crate::sandbox::chance::Chance;
use crate::sandbox::company::people::Person;
use crate::sandbox::model::{About, Group, GroupKind, Member, Obstacles, Parts, Tenant, Unit};

mod names;
mod people;
mod situations;

/// The tenant id of the default company.
pub const TENANT_ID: Uuid = uuid!("7f3b2c64-5d0e-4c1a-9b8e-2f6a1d4c9e10");

/// What the company owns.
pub(super) const OWNED: [&str; 7] = [
    "SPE_E5",
    "SPE_E3",
    "SPE_F1",
    "ENTERPRISEPACK",
    "POWER_BI_PRO",
    "VISIOCLIENT",
    "SHAREPOINTSTORAGE",
];

/// The groups of the company: name, description and the groups inside.
const GROUPS: [(&str, &str, &[&str]); 17] = [
    ("Engineering", "Everyone who builds the product", &["Platform Team", "Data Engineering"]),
    // Nobody meant it: the two contain each other.
    ("Platform Team", "Runs what engineering runs on", &["Site Reliability"]),
    ("Site Reliability", "On call", &["Platform Team"]),
    ("Data Engineering", "Pipelines and warehouse", &[]),
    ("Analysts", "Work with Power BI", &["Finance Analysts", "Controllers"]),
    ("Finance Analysts", "Reports of the finance department", &[]),
    ("Controllers", "Month-end closing", &[]),
    ("Contractors", "People from agencies", &["Agency Fabrikam"]),
    ("Agency Fabrikam", "Sent by Fabrikam", &[]),
    ("Stores Germany", "Staff of the German shops", &[]),
    ("Stores France", "Staff of the French shops", &[]),
    (E5_CARRIER, "Carries Microsoft 365 E5 for the platform team", &[]),
    (VISIO_CARRIER, "Carries Visio Plan 2 for those who draw", &[]),
    ("Works Council", "Membership is nobody's business", &[]),
    ("All Employees", "Follows from a rule", &[]),
    ("Project Phoenix", "The project of 2024", &[]),
    ("Project Phoenix", "The project of 2026, named without looking", &[]),
];

pub(super) const E5_CARRIER: &str = "LIC-M365-E5-Platform";
pub(super) const VISIO_CARRIER: &str = "LIC-Visio";

impl Tenant {
    /// Makes the default company with this many users.
    pub fn company(users: usize, seed: u64) -> Self {
        let products = Products::published();
        let people = people::hire(users, seed, &products);
        let skus = OWNED.iter().filter_map(|name| products.named(name));
        let seats = Seats::of(&people, &products);
        let parts = Parts {
            about: about(),
            skus: skus.map(|product| seats.buy(product)).collect(),
            groups: groups(&people, seed, &products),
            users: people.into_iter().map(|person| person.user).collect(),
            at: instant("2026-09-14T08:21:07Z"),
        };
        let at = parts.at;
        let units = units(&parts.groups, seed);
        assemble(parts).with_obstacles(Obstacles { units, ..Obstacles::default() }, at)
    }
}

/// The shops of a country are an administrative unit.
fn units(groups: &[Group], seed: u64) -> Vec<Unit> {
    let shops = groups.iter().filter(|group| group.synced).enumerate();
    let unit = |(index, group): (usize, &Group)| Unit {
        id: Chance::new(seed, "unit", index as u64).guid(),
        name: group.name.clone(),
        hidden: false,
        restricted: false,
        members: group.members.clone(),
    };
    shops.map(unit).collect()
}

fn assemble(parts: Parts) -> Tenant {
    Tenant::build(parts).expect("ids differ by index, and a name that is taken gets a number")
}

fn about() -> About {
    let domains = ["contoso.com", "stores.contoso.com", "partners.contoso.com"];
    let initial = "contoso.onmicrosoft.com";
    About {
        id: TENANT_ID,
        display_name: "Contoso".into(),
        domains: domains.into_iter().chain([initial]).map(Arc::from).collect(),
        country: "DE".parse().expect("DE is two letters"),
    }
}

/// Reads an instant that stands in this module's sources.
fn instant(text: &str) -> Timestamp {
    text.parse().expect("the instant is written in RFC 3339")
}

/// How many users hold or should inherit what.
struct Seats {
    direct: BTreeMap<Arc<str>, u32>,
    draws: u32,
    platform: u32,
    users: u32,
}

impl Seats {
    fn of(people: &[Person], products: &Products) -> Self {
        let owned = OWNED.iter().filter_map(|name| products.named(name));
        let names: BTreeMap<_, _> =
            owned.map(|product| (product.id, product.part_number.clone())).collect();
        let mut direct = BTreeMap::new();
        for held in people.iter().flat_map(|person| &person.user.licenses) {
            if let Some(name) = names.get(&held.sku) {
                *direct.entry(name.clone()).or_default() += 1;
            }
        }
        let members = |group: &str| {
            count(people.iter().filter(|person| person.groups.contains(&group)).count())
        };
        Self {
            direct,
            draws: members(VISIO_CARRIER),
            platform: members(E5_CARRIER),
            users: count(people.len()),
        }
    }

    /// Buys what the company needs, and not always enough of it.
    fn buy(&self, product: &Product) -> Sku {
        let held = self.direct.get(&product.part_number).copied().unwrap_or(0);
        let some = self.users / 15 + 5;
        let (enabled, warning) = match &*product.part_number {
            "SPE_E5" => (held + self.platform + self.users / 12 + 5, 0),
            // Two free seats for every 500 people: fewer than analysts who have none.
            "POWER_BI_PRO" => (held + (self.users / 250).max(1), 0),
            // One seat short: somebody's inherited license ends in an error.
            "VISIOCLIENT" => (held + self.draws.saturating_sub(1), 0),
            // The old suite has run out and is in its grace.
            "ENTERPRISEPACK" => (0, held + 2),
            "SHAREPOINTSTORAGE" => (500, 0),
            _ => (held + some, 0),
        };
        let status = if enabled > 0 { SkuStatus::Enabled } else { SkuStatus::Warning };
        Sku {
            id: product.id,
            part_number: product.part_number.clone(),
            applies_to: product.applies_to.clone(),
            status,
            units: Units { enabled, warning, suspended: 0, locked_out: 0 },
            consumed: 0,
            service_plans: product.service_plans.clone(),
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a tenant holds fewer users than u32 counts")
}

fn groups(people: &[Person], seed: u64, products: &Products) -> Vec<Group> {
    let id = |index: usize| GroupId::from_uuid(Chance::new(seed, "group", index as u64).guid());
    let named = |name: &str| GROUPS.iter().position(|(other, _, _)| *other == name).map(id);
    let mut members: BTreeMap<&str, Vec<Member>> = BTreeMap::new();
    for person in people {
        for group in &person.groups {
            members.entry(group).or_default().push(Member::User(person.user.id));
        }
    }
    let group = |(index, (name, description, inside)): (usize, &(&str, &str, &[&str]))| {
        let mut all: Vec<_> =
            inside.iter().filter_map(|name| named(name)).map(Member::Group).collect();
        all.extend(members.get(name).into_iter().flatten());
        Group {
            id: id(index),
            name: (*name).into(),
            description: Some((*description).into()),
            kind: kind(name),
            hidden: *name == "Works Council",
            synced: name.starts_with("Stores"),
            created_at: instant("2026-09-14T08:21:07Z"),
            licenses: carried(name, products),
            members: all,
        }
    };
    GROUPS.iter().enumerate().map(group).collect()
}

fn kind(name: &str) -> GroupKind {
    match name {
        "All Employees" => GroupKind::Dynamic {
            rule: "(user.accountEnabled -eq true) and (user.userType -eq \"Member\")".into(),
        },
        "Works Council" | "Project Phoenix" => GroupKind::Microsoft365,
        _ => GroupKind::Security,
    }
}

fn carried(name: &str, products: &Products) -> Vec<(SkuId, ServicePlanSet)> {
    let sku = match name {
        E5_CARRIER => "SPE_E5",
        VISIO_CARRIER => "VISIOCLIENT",
        _ => return Vec::new(),
    };
    let product = products.named(sku);
    let off = if name == E5_CARRIER { &["YAMMER_ENTERPRISE"][..] } else { &[] };
    product.map(|product| (product.id, people::plans(product, off))).into_iter().collect()
}

#[cfg(test)]
mod tests;
