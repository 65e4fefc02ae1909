//! Policies from a directory, and what is wrong with them in words.

use std::path::Path;

use crate::cli::exit::{Exit, Failure};
use crate::cli::ui::Ui;
use crate::domain::names::TenantName;
use crate::engine::Policies;
use crate::policy::case::Case;
use crate::policy::{load, load_for};
use crate::report;
use crate::source;
use crate::yaml::{Diagnostic, Severity, SourceFile, render};

/// The policies and the texts they were read from.
pub struct LoadedPolicies {
    /// The policies.
    pub policies: Policies,
    /// The policy tests.
    pub tests: Vec<Case>,
    pub(super) files: Vec<SourceFile>,
}

/// Loads policies, and what they warn of. Where the tenants are not known, policies may be for any.
///
/// # Errors
///
/// Every problem was shown; the failure counts them.
pub(super) fn load_from(
    ui: &Ui,
    directory: &Path,
    what: &str,
    tenants: Option<&[TenantName]>,
) -> Result<(LoadedPolicies, Vec<Diagnostic>), Failure> {
    let read = source::read(directory).map_err(|error| match &error {
        source::SourceError::NotText(problems) => invalid(ui, problems, &[], what),
        source::SourceError::Unreadable { .. }
        | source::SourceError::Empty { .. }
        | source::SourceError::TooMuch { .. }
        | source::SourceError::TooManyLists { .. } => {
            let hint = error.hint();
            Failure::new(Exit::Invalid, error).hint(hint)
        }
    })?;
    let loaded = match tenants {
        Some(tenants) => load_for(&read.files, &read.lists, tenants),
        None => load(&read.files, &read.lists),
    };
    let mut files = read.files;
    files.extend(read.lists.texts().cloned());
    let loaded = loaded.map_err(|problems| invalid(ui, &problems, &files, what))?;
    let policies = Policies { set: loaded.policies, digest: read.digest, commit: read.commit };
    Ok((LoadedPolicies { policies, tests: loaded.tests, files }, loaded.warnings))
}

/// Shows every problem, and counts them.
pub(super) fn invalid(
    ui: &Ui,
    problems: &[Diagnostic],
    files: &[SourceFile],
    what: &str,
) -> Failure {
    ui.err(&render(problems, files));
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let errors = errors.map(|problem| problem.stands_for).sum();
    let count = report::text::count(errors, "error", "errors");
    Failure::text(Exit::Invalid, format!("{count} in the {what}; nothing was done"))
}

/// Shows what is valid and probably not meant.
pub(super) fn warn(ui: &Ui, warnings: &[Diagnostic], files: &[SourceFile]) {
    if !warnings.is_empty() {
        ui.say(&render(warnings, files));
    }
}
