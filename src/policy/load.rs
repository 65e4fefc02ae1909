//! From files to policies: the whole tree is valid, or none of it is loaded.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::names::{PolicyName, TenantName};
use crate::policy::PolicySet;
use crate::policy::case::Case;
use crate::policy::list::Lists;
use crate::policy::lower::{Lowered, Named, lower};
use crate::policy::raw::RawFile;
use crate::yaml::{
    Diagnostic, Kind, Node, Parsed, Reader, SourceFile, Told, did_you_mean, examine,
};

mod cases;
mod ladders;

/// Policies, and what a person should look at although they are valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The policies.
    pub policies: PolicySet,
    /// The policy tests, in the order of files and then of lines.
    pub tests: Vec<Case>,
    /// What is valid and probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// Loads policies from files, in their order, with the lists that they name.
///
/// # Errors
///
/// Returns every problem of every file; nothing was loaded.
pub fn load(files: &[SourceFile], lists: &Lists) -> Result<Loaded, Vec<Diagnostic>> {
    load_with(files, lists, |_, _| {})
}

/// Loads policies from files, with the lists that they name, knowing which tenants there are: a policy
/// for another is an error.
///
/// # Errors
///
/// Returns every problem of every file; nothing was loaded.
pub fn load_for(
    files: &[SourceFile],
    lists: &Lists,
    tenants: &[TenantName],
) -> Result<Loaded, Vec<Diagnostic>> {
    let known: BTreeSet<&str> = tenants.iter().map(TenantName::as_str).collect();
    let mut hints = Hints::default();
    load_with(files, lists, |reader, file| {
        unknown_tenants(reader, file, &known, &mut hints);
    })
}

/// Loads policies with an additional check of each file.
fn load_with(
    files: &[SourceFile],
    lists: &Lists,
    mut check: impl FnMut(&mut Reader, &RawFile<'_>),
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut all = Lowered::default();
    let mut lists = lists.read();
    let (mut errors, mut warnings) = (Told::default(), Told::default());
    errors.extend(std::mem::take(&mut lists.errors));
    warnings.extend(std::mem::take(&mut lists.warnings));
    for file in files {
        let Parsed { tree, problems } = examine(file);
        errors.extend(problems);
        let Some(tree) = tree else { continue };
        let mut reader = Reader::new(file.name.clone());
        if let Some(raw) = RawFile::read(&mut reader, &tree) {
            check(&mut reader, &raw);
            gather(&mut all, lower(&mut reader, &raw, &lists));
        }
        let (of_file, warnings_of_file) = reader.finish();
        errors.extend(of_file);
        warnings.extend(warnings_of_file);
    }
    errors.extend(across_files(&all));
    warnings.extend(cases::warnings(&all));
    if errors.is_empty() {
        let Lowered { policies, ladders, cases: tests, .. } = all;
        let policies = PolicySet { policies, ladders };
        Ok(Loaded { policies, tests, warnings: warnings.finish() })
    } else {
        Err(errors.finish())
    }
}

fn gather(all: &mut Lowered, of_file: Lowered) {
    let Lowered { policies, ladders, policy_names, ladder_names, former_names, cases } = of_file;
    all.policies.extend(policies);
    all.ladders.extend(ladders);
    all.policy_names.extend(policy_names);
    all.ladder_names.extend(ladder_names);
    all.former_names.extend(former_names);
    all.cases.extend(cases);
}

fn unknown_tenants(
    reader: &mut Reader,
    file: &RawFile<'_>,
    tenants: &BTreeSet<&str>,
    hints: &mut Hints,
) {
    let of_policies = file.policies.iter().map(|policy| policy.tenants);
    let of_ladders = file.ladders.iter().map(|ladder| ladder.tenants);
    for entry in of_policies.chain(of_ladders) {
        let Some(Kind::Sequence(items)) = entry.map(|entry| &entry.value.kind) else {
            continue;
        };
        for item in items {
            unknown_tenant(reader, item, tenants, hints);
        }
    }
    for entry in file.tests.iter().filter_map(|test| test.tenant) {
        unknown_tenant(reader, &entry.value, tenants, hints);
    }
}

fn unknown_tenant(reader: &mut Reader, item: &Node, tenants: &BTreeSet<&str>, hints: &mut Hints) {
    let Kind::Scalar { text, plain: _ } = &item.kind else { return };
    if text.parse::<TenantName>().is_ok_and(|name| !tenants.contains(name.as_str())) {
        let hint = match hints.near(text, tenants) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the tenants are those of the configuration file".to_owned(),
        };
        reader.error_with(item.spot, format!("unknown tenant `{text}`"), hint);
    }
}

/// Checks what only all files together show.
fn across_files(all: &Lowered) -> Vec<Diagnostic> {
    let mut problems = duplicates("policy", &all.policy_names);
    problems.extend(duplicates("ladder", &all.ladder_names));
    problems.extend(names_still_in_use(all));
    problems.extend(ladders::errors(all));
    problems.extend(cases::errors(all));
    problems
}

fn duplicates(what: &str, names: &[Named]) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<_, &Named> = BTreeMap::new();
    let mut problems = Vec::new();
    for named in names {
        if let Some(first) = seen.get(&named.name) {
            let message = format!("{what} `{}` is defined twice", named.name);
            let problem = Diagnostic::error(named.place.clone(), named.length, message);
            problems.push(problem.with_related(
                "first defined here",
                first.place.clone(),
                first.length,
            ));
        } else {
            seen.insert(&named.name, named);
        }
    }
    problems
}

/// A name that a policy had before must be free, or two policies would claim one ledger entry.
fn names_still_in_use(all: &Lowered) -> Vec<Diagnostic> {
    let mut problems = duplicates("former name", &all.former_names);
    let mut current: BTreeMap<&PolicyName, &Named> = BTreeMap::new();
    for named in &all.policy_names {
        current.entry(&named.name).or_insert(named);
    }
    for former in &all.former_names {
        if let Some(current) = current.get(&former.name) {
            let message =
                format!("policy `{}` still exists, so nothing moved from it", former.name);
            let problem = Diagnostic::error(former.place.clone(), former.length, message);
            problems.push(problem.with_related(
                "it is here",
                current.place.clone(),
                current.length,
            ));
        }
    }
    problems
}

/// How many names may be compared to find what was meant. Behind that, nobody reads the hints.
const COMPARISONS_MAX: usize = 100_000;

/// Finds what was meant, as long as that takes no time worth mentioning.
#[derive(Debug, Default)]
struct Hints {
    comparisons: usize,
}

impl Hints {
    fn near<'a>(&mut self, written: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
        self.comparisons = self.comparisons.saturating_add(known.len());
        if self.comparisons > COMPARISONS_MAX {
            return None;
        }
        did_you_mean(written, known.iter().copied())
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
