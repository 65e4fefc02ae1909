//! Rules that fit exactly, and which of them say the most.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::exact::{But, By, Common, Draft, Rule, ask_all};
use super::held::Held;
use super::name::GroupNames;
use super::{Ask, Unexplained};
use crate::domain::attribute::Attribute;
use crate::domain::group::Membership;
use crate::domain::ids::SkuId;
use crate::domain::known::Known;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::UserType;
use crate::plan::bind::Problem;
use crate::plan::inventory;
use crate::policy::pattern::Folded;
use crate::policy::{OuScope, Test};

/// A rule that was chosen, and what it is to grant.
#[derive(Clone, Debug)]
pub(super) struct Chosen<'r> {
    pub(super) rule: &'r Rule,
    /// In the order of ids.
    pub(super) skus: Vec<SkuId>,
}

/// Finds the rules of which everybody holds some SKU.
pub(super) fn find(ask: &Ask<'_>, held: &Held<'_>) -> Result<Vec<Rule>, Vec<Problem>> {
    let all = commons(ask.snapshot);
    let of_members = all.iter().map(|common| Draft::plain(common.clone(), UserType::Member));
    let plain = ask_all(ask, held, of_members.collect())?;
    let combined = ask_all(ask, held, combinations(ask, held, &plain))?;
    let of_guests = if guests_hold_something(ask, held) {
        let groups = all.into_iter().filter(|common| common.by == By::Group);
        groups.map(|common| Draft::plain(common, UserType::Guest)).collect()
    } else {
        Vec::new()
    };
    let of_guests = ask_all(ask, held, of_guests)?;
    let is_exact =
        |rule: &Rule| rule.people.len() >= ask.people_min && !in_common(held, rule).is_empty();
    Ok(plain.into_iter().chain(combined).chain(of_guests).filter(is_exact).collect())
}

fn guests_hold_something(ask: &Ask<'_>, held: &Held<'_>) -> bool {
    let mut holders = held.holders.values().flat_map(BTreeMap::keys);
    holders.any(|user| ask.snapshot.users()[*user].user_type == Known::Known(UserType::Guest))
}

/// Returns the SKUs that everybody holds whom a rule matches.
fn in_common(held: &Held<'_>, rule: &Rule) -> Vec<SkuId> {
    let all_hold = |holders: &BTreeMap<usize, _>| {
        holders.len() >= rule.people.len() && rule.people.iter().all(|u| holders.contains_key(u))
    };
    held.holders.iter().filter(|(_, of)| all_hold(of)).map(|(sku, _)| *sku).collect()
}

/// Returns everything that people of a tenant have in common and rules may go by.
fn commons(snapshot: &Snapshot) -> Vec<Common> {
    let mut all = groups(snapshot);
    let ou = |ou: &crate::domain::dn::DistinguishedName, scope| Common {
        by: By::Ou,
        test: Test::Ou { ou: ou.clone(), scope },
        whom: match scope {
            OuScope::Subtree => ou.without_domain().to_owned(),
            OuScope::One => format!("{} (that level)", ou.without_domain()),
        },
    };
    for found in inventory::ous(snapshot) {
        all.push(ou(&found.name, OuScope::Subtree));
        if found.direct > 0 && found.direct < found.subtree {
            all.push(ou(&found.name, OuScope::One));
        }
    }
    all.extend(departments(snapshot));
    all.extend(domains(snapshot));
    all
}

fn groups(snapshot: &Snapshot) -> Vec<Common> {
    let names = GroupNames::of(snapshot);
    let is_seen = |membership: &Membership| match membership {
        Membership::NotRead => false,
        Membership::Read { nested, direct: _ } => nested.is_complete(),
    };
    let groups = snapshot.groups().iter().filter(|group| is_seen(&group.membership));
    groups
        .map(|group| Common {
            by: By::Group,
            test: Test::Group { group: names.name(group), nested: true },
            whom: format!("group {}", group.name),
        })
        .collect()
}

/// A value that holds a wildcard would mean others too.
fn departments(snapshot: &Snapshot) -> Vec<Common> {
    let mut values = BTreeMap::new();
    for user in snapshot.users() {
        if let Known::Known(Some(value)) = user.attribute(Attribute::Department)
            && !value.trim().is_empty()
            && !value.contains('*')
        {
            values.entry(Folded::new(value)).or_insert(value);
        }
    }
    let common = |value: &str| Common {
        by: By::Department,
        test: Test::Attribute { attribute: Attribute::Department, values: vec![value.into()] },
        whom: format!("department {value}"),
    };
    values.into_values().map(common).collect()
}

fn domains(snapshot: &Snapshot) -> Vec<Common> {
    // What the format takes for a domain.
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let is_one = |name: &str| !name.is_empty() && !name.starts_with('.') && name.chars().all(fits);
    let found = inventory::domains(snapshot);
    let found = found.iter().filter(|domain| is_one(&domain.name));
    found
        .map(|domain| {
            let name: Arc<str> = domain.name.as_str().into();
            let (by, test, what) = match domain.kind {
                inventory::DomainKind::PrincipalName => (By::Domain, Test::Domain(name), "domain"),
                inventory::DomainKind::ActiveDirectory => {
                    (By::AdDomain, Test::AdDomain(name), "AD domain")
                }
            };
            Common { by, test, whom: format!("{what} {}", domain.name) }
        })
        .collect()
}

/// Drafts rules of what most people have in common who hold a SKU, without something that everybody
/// has in common who does not: one for each rule and SKU, the one that leaves the most.
fn combinations(ask: &Ask<'_>, held: &Held<'_>, plain: &[Rule]) -> Vec<Draft> {
    let mut of_person: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, rule) in plain.iter().enumerate() {
        for user in &rule.people {
            of_person.entry(*user).or_default().push(at);
        }
    }
    let is_disabled = |user: &usize| ask.snapshot.users()[*user].enabled == Known::Known(false);
    let mut drafts: BTreeMap<(usize, Option<usize>), Draft> = BTreeMap::new();
    for (at, rule) in plain.iter().enumerate() {
        for holders in held.holders.values() {
            let (hold, lack): (Vec<usize>, Vec<usize>) =
                rule.people.iter().partition(|user| holders.contains_key(user));
            // Where fewer than three in five hold it, the exception would be the rule.
            let is_near = hold.len() >= ask.people_min && hold.len() * 5 >= rule.people.len() * 3;
            let Some(first) = lack.first().filter(|_| is_near) else { continue };
            let mut draft = |other: Option<usize>, but: But| {
                let draft = Draft { but, ..rule.draft.clone() };
                drafts.entry((at, other)).or_insert(draft);
            };
            if lack.iter().all(is_disabled) {
                draft(None, But::Disabled);
            }
            let others = of_person.get(first).into_iter().flatten();
            let leaves = |other: &usize| {
                let out = &plain[*other].people;
                let is_out = |user: &usize| out.binary_search(user).is_ok();
                let left = hold.iter().filter(|user| !is_out(user)).count();
                (lack.iter().all(is_out) && left * 2 >= hold.len()).then_some(left)
            };
            let best = others
                .filter(|other| **other != at && !rule.draft.common.by.is_broad())
                .filter_map(|other| Some((leaves(other)?, Reverse(*other))))
                .max();
            if let Some((_, Reverse(other))) = best {
                draft(Some(other), But::Others(plain[other].draft.common.clone()));
            }
        }
    }
    drafts.into_values().collect()
}

/// Chooses rules one after the other, each time the one that explains the most that is not explained
/// yet; of two that explain as much, the one that a person would rather read. First those without
/// exceptions: an exception says less of what was meant. None explains less than `people_min` people.
pub(super) fn choose<'r>(rules: &'r [Rule], held: &Held<'_>, people_min: usize) -> Vec<Chosen<'r>> {
    let left = held.holders.iter().map(|(sku, of)| (*sku, of.keys().copied().collect()));
    let in_common = rules.iter().map(|rule| in_common(held, rule)).collect();
    let mut choosing = Choosing { rules, in_common, left: left.collect(), people_min };
    let (plain, combined): (Vec<usize>, Vec<usize>) =
        (0..rules.len()).partition(|at| matches!(rules[*at].draft.but, But::Nobody));
    let mut chosen = choosing.choose(plain);
    chosen.extend(choosing.choose(combined));
    chosen
}

/// Rules, and what they have not explained yet.
struct Choosing<'r> {
    rules: &'r [Rule],
    /// The SKUs that everybody holds, rule by rule.
    in_common: Vec<Vec<SkuId>>,
    left: Unexplained,
    people_min: usize,
}

impl<'r> Choosing<'r> {
    fn choose(&mut self, among: Vec<usize>) -> Vec<Chosen<'r>> {
        let mut heap: BinaryHeap<_> =
            among.into_iter().map(|at| (self.explains(at).0, self.reads(at))).collect();
        let mut chosen = Vec::new();
        while let Some((before, Reverse((_, _, _, at)))) = heap.pop() {
            // What a rule explains only shrinks as others are chosen.
            let (total, skus) = self.explains(at);
            if total == 0 {
                continue;
            }
            if total < before {
                heap.push((total, self.reads(at)));
                continue;
            }
            let rule = &self.rules[at];
            for (_, left) in self.left.iter_mut().filter(|(sku, _)| skus.contains(sku)) {
                for user in &rule.people {
                    left.remove(user);
                }
            }
            chosen.push(Chosen { rule, skus });
        }
        chosen
    }

    /// Returns how much a rule would explain, and which SKUs it would grant for it.
    fn explains(&self, at: usize) -> (usize, Vec<SkuId>) {
        let mut total = 0;
        let mut skus = Vec::new();
        for sku in &self.in_common[at] {
            let Some(left) = self.left.get(sku) else { continue };
            let new = self.rules[at].people.iter().filter(|user| left.contains(user)).count();
            if new >= self.people_min.max(1) {
                total += new;
                skus.push(*sku);
            }
        }
        (total, skus)
    }

    /// Returns what puts those rules first that a person would rather read.
    fn reads(&self, at: usize) -> Reverse<(By, UserType, usize, usize)> {
        let Rule { draft: Draft { common, but: _, of }, people } = &self.rules[at];
        Reverse((common.by, *of, people.len(), at))
    }
}
