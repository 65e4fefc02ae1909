//! Failures of the engine in the words, and with the exit code, of a command.

use crate::cli::exit::{Exit, Failure};
use crate::cli::failure::tenant_failure;
use crate::domain::names::TenantName;
use crate::engine::CycleError;
use crate::plan::approval::NotTakenUp;
use crate::plan::bind::Problem;
use crate::ports::RecordsError;
use crate::ports::desk::FailedReply;
use crate::report;
use crate::store::StoreError;
use crate::yaml::{Diagnostic, SourceFile, render};

/// The texts in which problems are shown.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    /// The policy files and their lists.
    pub(super) policies: &'a [SourceFile],
    /// The configuration.
    pub(super) configuration: &'a SourceFile,
}

/// A failure, and what is shown before it.
pub(super) struct Worded {
    /// Problems with their lines.
    pub(super) shown: Option<String>,
    /// The failure.
    pub(super) failure: Failure,
}

impl From<Failure> for Worded {
    fn from(failure: Failure) -> Self {
        Self { shown: None, failure }
    }
}

impl Worded {
    /// Returns it as the daemon answers it.
    pub(super) fn reply(self) -> FailedReply {
        let Self { shown, failure } = self;
        FailedReply {
            exit: failure.exit as u8,
            shown: shown.unwrap_or_default(),
            message: failure.message(),
            hint: failure.hint,
        }
    }

    /// Returns what the daemon answered as the command would have told it.
    pub(super) fn from_reply(reply: FailedReply) -> Self {
        let FailedReply { exit, shown, message, hint } = reply;
        let failure = Failure::text(Exit::of_code(exit), message);
        let failure = hint.into_iter().fold(failure, Failure::hint);
        Self { shown: (!shown.is_empty()).then_some(shown), failure }
    }
}

/// Says why a cycle came to nothing.
pub(super) fn cycle(error: CycleError, texts: Texts<'_>) -> Worded {
    match error {
        CycleError::Tenant(error) => tenant_failure(error).into(),
        CycleError::Records(error) => records(error).into(),
        CycleError::HeldBack(_) => Failure::new(Exit::Held, error)
            .hint("`seatkeeper status` tells; `seatkeeper resume` ends a pause")
            .into(),
        CycleError::Stopped => Failure::new(Exit::Unavailable, error).into(),
        CycleError::Misfit { tenant, problems } => misfit(&tenant, &problems, texts),
        CycleError::Request(error) => {
            let hint = error.hint();
            let failure = Failure::new(Exit::Usage, error);
            hint.into_iter().fold(failure, Failure::hint).into()
        }
        CycleError::NotTakenUp(error) => not_taken_up(error, texts),
    }
}

fn misfit(tenant: &TenantName, problems: &[Problem], texts: Texts<'_>) -> Worded {
    let count = report::text::count(problems.len() as u64, "problem", "problems");
    let message = format!("{count} with tenant `{tenant}`; nothing was planned or stored");
    let in_settings = |problem: &Problem| problem.place.file == texts.configuration.name;
    let hint = if problems.iter().any(in_settings) {
        "mend the configuration"
    } else {
        "mend the files, or leave such policies out for now: --leave-out-misfits"
    };
    let failure = Failure::text(Exit::Invalid, message).hint(hint);
    Worded { shown: Some(shown(problems, texts)), failure }
}

fn not_taken_up(error: NotTakenUp, texts: Texts<'_>) -> Worded {
    let mut told = None;
    let exit = match &error {
        NotTakenUp::NotApproved { .. } => Exit::Held,
        NotTakenUp::Guarded { .. } => {
            let hint = "nothing was done; plan anew and look: `seatkeeper plan`";
            return Failure::new(Exit::Held, error).hint(hint).into();
        }
        NotTakenUp::Expired { .. } | NotTakenUp::NotOpen { .. } => Exit::Stale,
        NotTakenUp::Unsettled(problems) => {
            told = Some(shown(problems, texts));
            Exit::Invalid
        }
    };
    Worded { shown: told, failure: Failure::new(exit, error) }
}

/// Says why the records could not be read or written.
pub(super) fn records(error: RecordsError) -> Failure {
    let hint = match &error {
        RecordsError::Storage { what: _, source } => {
            source.downcast_ref::<StoreError>().and_then(StoreError::hint)
        }
        RecordsError::WrongState { .. } => Some("`seatkeeper plans` lists what there is"),
        RecordsError::NoSuchPlan { .. } => Some("`seatkeeper plans` lists them"),
    };
    let exit = match &error {
        RecordsError::Storage { .. } => Exit::Unavailable,
        RecordsError::WrongState { .. } => Exit::Stale,
        RecordsError::NoSuchPlan { .. } => Exit::Usage,
    };
    let failure = Failure::new(exit, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Returns problems with their lines, in policies and in the configuration alike.
fn shown(problems: &[Problem], texts: Texts<'_>) -> String {
    let mut sources = texts.policies.to_vec();
    sources.push(texts.configuration.clone());
    problems_in(problems, &sources)
}

/// Returns problems with their lines.
pub(super) fn problems_in(problems: &[Problem], sources: &[SourceFile]) -> String {
    let diagnostics: Vec<Diagnostic> = problems.iter().map(diagnostic).collect();
    render(&diagnostics, sources)
}

fn diagnostic(problem: &Problem) -> Diagnostic {
    let length = u32::try_from(problem.written.chars().count()).unwrap_or(u32::MAX).max(1);
    let diagnostic = Diagnostic::error(problem.place.clone(), length, problem.message.clone());
    match &problem.hint {
        Some(hint) => diagnostic.with_hint(hint.clone()),
        None => diagnostic,
    }
}
