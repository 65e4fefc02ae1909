//! What the daemon needs beside the engine: policies that are read again and again, and the service
//! manager that wants to know how it is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cli::session::{directory_of, read_configuration};
use crate::cli::wording::{self, Texts};
use crate::domain::names::TenantName;
use crate::engine::daemon::{Board, InvalidPolicies, PolicySource};
use crate::engine::{CycleError, Policies};
use crate::policy::load_for;
use crate::ports::desk::FailedReply;
use crate::source::{self, SourceError};
use crate::yaml::{Diagnostic, Severity, SourceFile, render};

/// The policies of a directory, as they are whenever somebody asks.
pub(super) struct LivePolicies {
    directory: PathBuf,
    tenants: Vec<TenantName>,
    configuration: SourceFile,
    /// The latest valid ones: what did not change is not parsed again.
    latest: Mutex<Option<Latest>>,
}

#[derive(Clone)]
struct Latest {
    policies: Arc<Policies>,
    texts: Arc<Vec<SourceFile>>,
}

impl LivePolicies {
    pub(super) fn new(
        directory: PathBuf,
        tenants: Vec<TenantName>,
        configuration: SourceFile,
    ) -> Self {
        Self { directory, tenants, configuration, latest: Mutex::new(None) }
    }

    /// Says why a cycle came to nothing, in the words of a command.
    pub(super) fn wording(&self, error: CycleError) -> FailedReply {
        let latest = self.latest.lock().expect("no holder of the policies panics").clone();
        let policies: &[SourceFile] = latest.as_ref().map_or(&[], |latest| &latest.texts);
        wording::cycle(error, Texts { policies, configuration: &self.configuration }).reply()
    }

    /// Reads and parses. Blocks.
    fn read(&self) -> Result<Arc<Policies>, InvalidPolicies> {
        let read = source::read(&self.directory).map_err(|error| unreadable(&error))?;
        let latest = self.latest.lock().expect("no holder of the policies panics").clone();
        let is_same = |latest: &Latest| {
            latest.policies.digest == read.digest && latest.policies.commit == read.commit
        };
        if let Some(latest) = latest.filter(is_same) {
            return Ok(latest.policies);
        }
        let loaded = load_for(&read.files, &read.lists, &self.tenants);
        let mut texts = read.files;
        texts.extend(read.lists.texts().cloned());
        let loaded = loaded.map_err(|problems| invalid(&problems, &texts))?;
        if !loaded.warnings.is_empty() {
            tracing::warn!("{}", render(&loaded.warnings, &texts).trim_end());
        }
        let policies =
            Arc::new(Policies { set: loaded.policies, digest: read.digest, commit: read.commit });
        let latest = Latest { policies: Arc::clone(&policies), texts: Arc::new(texts) };
        *self.latest.lock().expect("no holder of the policies panics") = Some(latest);
        Ok(policies)
    }
}

impl PolicySource for Arc<LivePolicies> {
    async fn load(&self) -> Result<Arc<Policies>, InvalidPolicies> {
        let source = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || source.read()).await;
        read.unwrap_or_else(|error| {
            let summary = format!("reading them failed: {error}");
            Err(InvalidPolicies { details: summary.clone(), summary })
        })
    }

    async fn outdated(&self) -> Option<Arc<str>> {
        let source = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || has_changed(&source.configuration)).await;
        looked.unwrap_or_else(|error| Some(format!("looking at it failed: {error}").into()))
    }
}

/// What is told of a configuration that another one took the place of.
pub(super) const CHANGED: &str =
    "the file has changed: a restart of the daemon brings it into force";

/// Returns why a configuration is not what it was when it was loaded, where it is not. Blocks.
fn has_changed(configuration: &SourceFile) -> Option<Arc<str>> {
    let path = Path::new(&*configuration.name);
    let why = match read_configuration(path) {
        Ok(now) if now.text == configuration.text => return None,
        Ok(now) => {
            let load = |source| crate::config::load(source, directory_of(path));
            match (load(&now), load(configuration)) {
                (Err(_), _) => {
                    "the file has changed and is invalid: `seatkeeper validate` says why"
                }
                // What Debug tells of a configuration is all of it; secrets do not stand in it.
                (Ok(now), Ok(before))
                    if format!("{:?}", now.config) == format!("{:?}", before.config) =>
                {
                    return None;
                }
                (Ok(_), _) => CHANGED,
            }
        }
        Err(_) => {
            "the file cannot be read any more: see that it is there and this account may read it"
        }
    };
    Some(why.into())
}

fn unreadable(error: &SourceError) -> InvalidPolicies {
    if let SourceError::NotText(problems) = error {
        return invalid(problems, &[]);
    }
    let mut summary = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        summary = format!("{summary}: {source}");
    }
    let details = format!("{summary}\nhint: {}", error.hint());
    InvalidPolicies { summary, details }
}

fn invalid(problems: &[Diagnostic], texts: &[SourceFile]) -> InvalidPolicies {
    let errors: Vec<&Diagnostic> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    let count: u64 = errors.iter().map(|problem| problem.stands_for).sum();
    let count = crate::report::text::count(count, "error", "errors");
    let first = errors
        .first()
        .map(|problem| format!("{}: {}", problem.place.file_and_line(), problem.message));
    let summary = format!("{count}, the first: {}", first.unwrap_or_default());
    InvalidPolicies { summary, details: render(problems, texts) }
}

/// Tells the service manager that the daemon is ready, and that it is alive as long as no tenant's
/// loop hangs. Without a service manager it does nothing.
pub(super) async fn watchdog(board: Arc<Board>, quiet_max: Duration) {
    // The environment is for this process alone, and was read before anything else could change it.
    tell(&[sd_notify::NotifyState::Ready]);
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    loop {
        match board.stuck(quiet_max) {
            None => tell(&[sd_notify::NotifyState::Watchdog]),
            Some(tenant) => tracing::error!(
                %tenant,
                "nothing was heard of the tenant's loop for {} s: the service manager may restart the daemon",
                quiet_max.as_secs()
            ),
        }
        tokio::time::sleep(patience / 3).await;
    }
}

/// Tells the service manager something.
pub(super) fn tell(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told how the daemon is");
    }
}
