//! Names for policies, and for what they name.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Ask, Scope};
use crate::domain::group::Group;
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::domain::sku::{Catalogue, Sku};
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;

/// The most characters that a policy's name has.
const LENGTH_MAX: usize = 64;

/// Gives every policy a name of its own.
pub(super) struct Namer<'a> {
    ask: &'a Ask<'a>,
    given: BTreeSet<PolicyName>,
    /// How many users have a principal name, in lower case.
    principal_names: OnceCell<BTreeMap<String, usize>>,
}

impl<'a> Namer<'a> {
    pub(super) fn new(ask: &'a Ask<'a>) -> Self {
        Self { ask, given: BTreeSet::new(), principal_names: OnceCell::new() }
    }

    /// Returns a name for a policy that is for these people and grants these SKUs.
    pub(super) fn policy(&mut self, whom: &str, skus: &[Arc<str>]) -> PolicyName {
        let mut parts = Vec::new();
        match self.ask.scope {
            Scope::OnlyTenant => {}
            Scope::ThisTenant => parts.push(self.ask.tenant.to_string()),
        }
        parts.push(slug(whom));
        parts.extend(skus.iter().take(2).map(|sku| slug(sku)));
        if skus.len() > 2 {
            parts.push(format!("and-{}-more", skus.len() - 2));
        }
        parts.retain(|part| !part.is_empty());
        let base = parts.join("-");
        let base = if base.is_empty() { "people" } else { &base };
        for number in 1.. {
            let end = if number == 1 { String::new() } else { format!("-{number}") };
            // A slug is ASCII.
            let cut = &base[..base.len().min(LENGTH_MAX - end.len())];
            let name = format!("{}{end}", cut.trim_end_matches('-'));
            let name: PolicyName = name.parse().expect("a slug is a name");
            if !self.ask.taken.contains(&name) && self.given.insert(name.clone()) {
                return name;
            }
        }
        unreachable!("there are more numbers than policies")
    }

    /// Returns how a policy names a user: by principal name where that is one and nobody else's.
    pub(super) fn user(&self, user: &User) -> Arc<str> {
        let count = || {
            let mut names: BTreeMap<String, usize> = BTreeMap::new();
            for user in self.ask.snapshot.users() {
                *names.entry(user.principal_name.to_lowercase()).or_default() += 1;
            }
            names
        };
        let names = self.principal_names.get_or_init(count);
        let name = &user.principal_name;
        let is_one = name.contains('@') && name.parse::<UserId>().is_err();
        if is_one && names.get(&name.to_lowercase()) == Some(&1) {
            name.clone()
        } else {
            user.id.to_string().into()
        }
    }
}

/// Whether a text can stand in a policy as the name of one thing.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains('*')
}

/// Returns how a policy names a SKU: by part number where that stands for it alone.
pub(super) fn sku(catalogue: &Catalogue, sku: &Sku) -> Arc<str> {
    let name = &sku.part_number;
    let same = catalogue
        .skus()
        .iter()
        .filter(|other| other.part_number.to_uppercase() == name.to_uppercase());
    let is_one = is_name(name) && name.parse::<SkuId>().is_err() && same.count() == 1;
    if is_one { name.clone() } else { sku.id.to_string().into() }
}

/// Returns how a policy names a service plan of a SKU.
pub(super) fn service_plan(sku: &Sku, plan: ServicePlanId) -> Arc<str> {
    let by_id = || plan.to_string().into();
    let Some(found) = sku.service_plan(plan) else { return by_id() };
    let name = &found.name;
    let same =
        sku.service_plans.iter().filter(|other| other.name.to_uppercase() == name.to_uppercase());
    let is_one = is_name(name) && name.parse::<ServicePlanId>().is_err() && same.count() == 1;
    if is_one { name.clone() } else { by_id() }
}

/// The groups by name, in lower case.
pub(super) struct GroupNames(BTreeMap<String, usize>);

impl GroupNames {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for group in snapshot.groups() {
            *names.entry(group.name.to_lowercase()).or_default() += 1;
        }
        Self(names)
    }

    /// Returns how a policy names a group: by display name where that is nobody else's.
    pub(super) fn name(&self, group: &Group) -> Arc<str> {
        let Self(names) = self;
        let name = &group.name;
        let is_one = !name.trim().is_empty() && name.parse::<GroupId>().is_err();
        if is_one && names.get(&name.to_lowercase()) == Some(&1) {
            name.clone()
        } else {
            group.id.to_string().into()
        }
    }
}

/// Returns a text in `a-z`, `0-9` and single hyphens; what has no such letters is left out.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'ä' | 'æ' => slug.push_str("ae"),
            'ö' | 'œ' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => slug.push('a'),
            'ç' | 'č' => slug.push('c'),
            'è' | 'é' | 'ê' | 'ë' => slug.push('e'),
            'ì' | 'í' | 'î' | 'ï' => slug.push('i'),
            'ñ' => slug.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => slug.push('o'),
            'š' => slug.push('s'),
            'ù' | 'ú' | 'û' => slug.push('u'),
            'ý' => slug.push('y'),
            'ž' => slug.push('z'),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_keeps_what_can_be_read() {
        for (text, expected) in [
            ("Engineering", "engineering"),
            ("Sales, Marketing & more", "sales-marketing-more"),
            ("SPE_E5", "spe-e5"),
            ("Größe Köln", "groesse-koeln"),
            ("Équipe Île", "equipe-ile"),
            ("--a--", "a"),
            ("日本", ""),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
    }
}
