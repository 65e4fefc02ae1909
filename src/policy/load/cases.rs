//! What only all files together show about policy tests: names that nothing bears.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::names::PolicyName;
use crate::policy::case::{Case, Expect, HeldLicense, Subject};
use crate::policy::load::Hints;
use crate::policy::lower::Lowered;
use crate::policy::{Selector, Test, Written};
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
    for case in &all.cases {
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
