//! What only all files together show about policy tests: names that nothing bears.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::SkuId;
use crate::domain::names::PolicyName;
use crate::domain::products::Products;
use crate::policy::case::{Case, Expect, HeldLicense, Subject};
use crate::policy::load::Hints;
use crate::policy::lower::Lowered;
use crate::policy::{
    Action, License, Policy, Removal, Removals, Replaces, Selector, Test, Written,
};
use crate::yaml::Diagnostic;

/// Returns tests of one name, and expectations of policies that there are not.
pub(super) fn errors(all: &Lowered) -> Vec<Diagnostic> {
    let policies: BTreeSet<&str> =
        all.policy_names.iter().map(|named| named.name.as_str()).collect();
    let (mut problems, mut hints) = (Vec::new(), Hints::default());
    let mut seen: BTreeMap<&str, &Case> = BTreeMap::new();
    for case in &all.cases {
        if let Some(first) = seen.get(&*case.name) {
            let message = format!("two tests are called `{}`", case.name);
            let problem = Diagnostic::error(case.place.clone(), 1, message);
            problems.push(problem.with_related("the other is here", first.place.clone(), 1));
        } else {
            seen.insert(&case.name, case);
        }
        let Expect { because, not_because, .. } = &case.expect;
        let unknown = |name: &&Written<PolicyName>| !policies.contains(name.value.as_str());
        for name in because.iter().chain(not_because).filter(unknown) {
            let message = format!("there is no policy `{}`", name.value);
            let problem =
                Diagnostic::error(name.place.clone(), length(name.value.as_str()), message);
            problems.push(hinted(&mut hints, problem, name.value.as_str(), &policies));
        }
    }
    problems
}

/// Returns groups and policies that a test names and nothing else does: the user may well be in such
/// a group, or a policy may be gone, but mostly it is a misspelling.
pub(super) fn warnings(all: &Lowered) -> Vec<Diagnostic> {
    if all.cases.is_empty() {
        return Vec::new();
    }
    let policies: BTreeSet<&str> =
        all.policy_names.iter().map(|named| named.name.as_str()).collect();
    let mut groups: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for policy in &all.policies {
        collect_groups(&policy.selector, &mut groups);
    }
    let known: BTreeSet<&str> = groups.values().map(|name| &**name).collect();
    let (mut warnings, mut hints) = (Vec::new(), Hints::default());
    let products = Products::published();
    let mut skus: BTreeSet<&str> = products.part_numbers().collect();
    skus.extend(all.policies.iter().flat_map(skus_of_policy));
    skus.extend(all.ladders.iter().flat_map(|ladder| &ladder.rungs).map(|rung| &*rung.value));
    let folded: BTreeSet<String> = skus.iter().map(|sku| sku.to_lowercase()).collect();
    for case in &all.cases {
        let is_unknown = |sku: &&Written<Arc<str>>| {
            !folded.contains(&sku.value.to_lowercase()) && sku.value.parse::<SkuId>().is_err()
        };
        for sku in skus_of_case(case).filter(is_unknown) {
            let message = format!("no policy names SKU `{}`, and it is not well known", sku.value);
            let warning = warning(sku.place.clone(), &sku.value, message);
            warnings.push(hinted(&mut hints, warning, &sku.value, &skus));
        }
        let Subject { groups: direct, nested_groups, licenses, .. } = &case.user;
        let unknown =
            |group: &&Written<Arc<str>>| !groups.contains_key(&group.value.to_lowercase());
        for group in direct.iter().chain(nested_groups).filter(unknown) {
            let message = format!("no policy names group `{}`", group.value);
            let warning = warning(group.place.clone(), &group.value, message);
            warnings.push(hinted(&mut hints, warning, &group.value, &known));
        }
        for license in licenses {
            let HeldLicense { owners, clocks, .. } = license;
            let named = owners.iter().chain(clocks.iter().map(|(policy, _)| policy));
            for name in named.filter(|name| !policies.contains(name.value.as_str())) {
                let text = name.value.as_str();
                let message =
                    format!("there is no policy `{text}`: it counts as gone from the files");
                let warning = warning(name.place.clone(), text, message);
                warnings.push(hinted(&mut hints, warning, text, &policies));
            }
        }
    }
    warnings
}

/// Returns the SKUs that a policy names.
fn skus_of_policy(policy: &Policy) -> Vec<&str> {
    let (granted, taken): (&[License], Vec<&str>) = match &policy.action {
        Action::Add { licenses } | Action::Replace { licenses, replaces: Replaces::All } => {
            (licenses, Vec::new())
        }
        Action::Replace { licenses, replaces: Replaces::Listed(replaced) } => {
            (licenses, replaced.iter().map(|sku| &*sku.value).collect())
        }
        Action::Remove { removals: Removals::All } => (&[], Vec::new()),
        Action::Remove { removals: Removals::Listed(removals) } => {
            (&[], removals.iter().filter_map(sku_of_removal).collect())
        }
    };
    granted.iter().map(|license| &*license.sku.value).chain(taken).collect()
}

fn sku_of_removal(removal: &Removal) -> Option<&str> {
    match removal {
        Removal::Sku(sku) | Removal::ServicePlans { sku: Some(sku), plans: _ } => Some(&sku.value),
        Removal::ServicePlans { sku: None, plans: _ } => None,
    }
}

/// Returns the SKUs that a test names.
fn skus_of_case(case: &Case) -> impl Iterator<Item = &Written<Arc<str>>> {
    let Case { seats, user, expect, .. } = case;
    let Expect { licenses, not_licenses, waiting, scheduled, .. } = expect;
    let seats = seats.iter().map(|(sku, _)| sku);
    let held = user.licenses.iter().map(|held| &held.sku);
    let wanted = licenses.iter().flatten().map(|wanted| &wanted.sku);
    let scheduled = scheduled.iter().flatten().map(|(sku, _)| sku);
    let others = not_licenses.iter().chain(waiting.iter().flatten());
    seats.chain(held).chain(wanted).chain(scheduled).chain(others)
}

fn collect_groups(selector: &Selector, groups: &mut BTreeMap<String, Arc<str>>) {
    selector.for_each_test(&mut |test| {
        if let Test::Group { group, nested: _ } = test {
            groups.insert(group.to_lowercase(), group.clone());
        }
    });
}

fn warning(place: crate::domain::names::Place, written: &str, message: String) -> Diagnostic {
    Diagnostic {
        severity: crate::yaml::Severity::Warning,
        ..Diagnostic::error(place, length(written), message)
    }
}

fn hinted(
    hints: &mut Hints,
    diagnostic: Diagnostic,
    written: &str,
    known: &BTreeSet<&str>,
) -> Diagnostic {
    match hints.near(written, known) {
        Some(near) => diagnostic.with_hint(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

fn length(text: &str) -> u32 {
    super::length(text)
}
