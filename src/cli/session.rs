//! What commands work with: the configuration, the policies, the store, and a desk per tenant.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::Format;
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::failure::{lock_failure, store_failure, tenant_failure};
use crate::cli::policies::{self, LoadedPolicies, invalid, warn};
use crate::cli::secret::secret_source;
use crate::cli::ui::Ui;
use crate::cli::{args, telemetry};
use crate::config::{Config, LogFormat, Tenant};
use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::engine::{CycleError, Engine, Misfits, Patience, Stop};
use crate::graph;
use crate::plan::PlanId;
use crate::plan::bind::Problem;
use crate::policy::{self, PolicySet};
use crate::ports::{Clock as _, HistoryFilter, OtherGroups, RecordsError, StoredPlan};
use crate::report;
use crate::source;
use crate::store::lock::{Holder, TenantLock};
use crate::store::{Store, StoreError};
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile, render};

/// Listings that are read, and batches that are written, at once.
const CONCURRENCY: u32 = 4;
/// Where a configuration is looked for.
const PLACES: [&str; 2] = ["seatkeeper.yaml", "/etc/seatkeeper/seatkeeper.yaml"];

/// A command at work.
pub struct Session<'u> {
    /// How it talks.
    pub ui: &'u Ui,
    /// What it works by.
    pub config: Config,
    /// Whether somebody asked to stop: one for the whole process.
    pub stop: Stop,
    /// The text of the configuration, for problems that show only against a tenant.
    source: SourceFile,
}

/// What is read of a tenant beside what its policies ask for.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'a> {
    /// Nothing.
    Nothing,
    /// What other policies ask for.
    For(&'a PolicySet),
    /// The members of every group.
    AllGroups,
}

impl Beside<'_> {
    /// Returns the policies to read for, and what to read of groups that they do not name.
    fn reach<'p>(&self, policies: &'p PolicySet) -> (Cow<'p, PolicySet>, OtherGroups) {
        match self {
            Self::Nothing => (Cow::Borrowed(policies), OtherGroups::Listed),
            Self::AllGroups => (Cow::Borrowed(policies), OtherGroups::Read),
            Self::For(others) => {
                let mut both = policies.clone();
                both.policies.extend(others.policies.iter().cloned());
                (Cow::Owned(both), OtherGroups::Listed)
            }
        }
    }
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// For people or for programs.
    pub format: Format,
    /// Whether everybody is listed.
    pub all: bool,
}

/// Returns what to do with policies that do not fit a tenant.
pub fn misfits(leave_out: bool) -> Misfits {
    if leave_out { Misfits::LeaveOut } else { Misfits::Refuse }
}

impl<'u> Session<'u> {
    /// Loads the configuration and begins to log.
    ///
    /// # Errors
    ///
    /// Where there is none, or it is invalid.
    pub fn open(args: &args::Config, ui: &'u Ui, verbose: u8) -> Result<Self, Failure> {
        let path = locate(args)?;
        let source = read_configuration(&path)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let loaded = crate::config::load(&source, directory.unwrap_or(Path::new("."))).map_err(
            |problems| invalid(ui, &problems, std::slice::from_ref(&source), "configuration"),
        )?;
        warn(ui, &loaded.warnings, std::slice::from_ref(&source));
        let config = loaded.config;
        let format = match config.log.format {
            LogFormat::Text => telemetry::LogFormat::Text,
            LogFormat::Json => telemetry::LogFormat::Json,
        };
        // What a person reads on a terminal is the result; what heals on the way is for -v.
        let level = match verbose {
            0 => "warn",
            1 => config.log.level.as_str(),
            _ => "debug",
        };
        telemetry::begin(format, level);
        Ok(Self { ui, config, stop: Stop::default(), source })
    }

    /// Returns the tenants that are asked for.
    ///
    /// # Errors
    ///
    /// Where there is none of that name.
    pub fn tenants(&self, only: Option<&str>) -> Result<Vec<&Tenant>, Failure> {
        let Some(name) = only else { return Ok(self.config.tenants.iter().collect()) };
        match self.config.tenants.iter().find(|tenant| tenant.name.as_str() == name) {
            Some(tenant) => Ok(vec![tenant]),
            None => {
                let names: Vec<String> =
                    self.config.tenants.iter().map(|tenant| format!("`{}`", tenant.name)).collect();
                Err(Failure::text(Exit::Usage, format!("there is no tenant `{name}`"))
                    .hint(format!("the configuration has {}", names.join(", "))))
            }
        }
    }

    /// Returns the one tenant that is asked for, or the only one.
    ///
    /// # Errors
    ///
    /// Where there are several, or none of that name.
    pub fn one(&self, only: Option<&str>) -> Result<&Tenant, Failure> {
        match self.tenants(only)?.as_slice() {
            [tenant] => Ok(tenant),
            _ => Err(Failure::text(Exit::Usage, "there are several tenants")
                .hint("name one with --tenant")),
        }
    }

    /// Returns the name of the tenant that is asked for; none stands for all.
    ///
    /// # Errors
    ///
    /// Where there is none of that name.
    pub fn one_or_any(&self, only: Option<&str>) -> Result<Option<&TenantName>, Failure> {
        match only {
            None => Ok(None),
            Some(_) => Ok(Some(&self.one(only)?.name)),
        }
    }

    /// Loads the policies.
    ///
    /// # Errors
    ///
    /// Every problem was shown; the failure counts them.
    pub fn policies(&self) -> Result<LoadedPolicies, Failure> {
        self.policies_in(&self.config.policies)
    }

    /// Loads the policies of a directory.
    ///
    /// # Errors
    ///
    /// Every problem was shown; the failure counts them.
    pub fn policies_in(&self, directory: &Path) -> Result<LoadedPolicies, Failure> {
        let tenants = self.tenant_names();
        let (loaded, warnings) =
            policies::load_from(self.ui, directory, "policies", Some(&tenants))?;
        warn(self.ui, &warnings, &loaded.files);
        Ok(loaded)
    }

    /// Loads policies to compare with. What they only warn of is not told: it is about another
    /// version.
    ///
    /// # Errors
    ///
    /// As [`Session::policies`].
    pub fn baseline(&self, directory: &Path) -> Result<LoadedPolicies, Failure> {
        let what = format!("baseline `{}`", directory.display());
        let tenants = self.tenant_names();
        let loaded = policies::load_from(self.ui, directory, &what, Some(&tenants));
        loaded.map(|(loaded, _)| loaded).map_err(|failure| match failure.hint {
            None => failure,
            Some(_) => failure.hint("name the policy directory of another version: --baseline DIR"),
        })
    }

    fn tenant_names(&self) -> Vec<TenantName> {
        self.config.tenants.iter().map(|tenant| tenant.name.clone()).collect()
    }

    /// Opens the store.
    ///
    /// # Errors
    ///
    /// Where the state directory cannot be used.
    pub fn store(&self) -> Result<Store, Failure> {
        Store::open(&self.config.state).map_err(store_failure)
    }

    /// Opens the store for reading alone, while others may write to it.
    ///
    /// # Errors
    ///
    /// Where there is none, or it cannot be read.
    pub fn store_for_reading(&self) -> Result<Store, Failure> {
        Store::open_reading(&self.config.state).map_err(store_failure)
    }

    /// Sits down to work on a tenant: takes its lock and prepares a client.
    ///
    /// # Errors
    ///
    /// Where another process is at work on it.
    pub fn desk<'s>(
        &'s self,
        tenant: &'s Tenant,
        store: &'s Store,
        command: &str,
    ) -> Result<Desk<'s>, Failure> {
        let holder = Holder {
            pid: std::process::id(),
            command: command.to_owned(),
            since: SystemClock.now(),
        };
        let lock = TenantLock::acquire(&self.config.state, &tenant.name, &holder)
            .map_err(|error| lock_failure(&error))?;
        let settings = graph::Settings {
            tenant: tenant.name.clone(),
            tenant_id: tenant.tenant_id.to_string(),
            client_id: tenant.client_id.to_string(),
            login: tenant.login.to_string(),
            graph: tenant.graph.to_string(),
            secret: secret_source(tenant.client_secret.clone()),
            timeout: duration(tenant.requests.timeout),
            give_up_after: duration(tenant.requests.give_up_after),
            concurrency: CONCURRENCY,
        };
        let client = graph::Client::new(settings, SystemClock)
            .map_err(|error| Failure::new(Exit::Invalid, error))?;
        stop_on_signal(self.stop.clone());
        Ok(Desk { tenant, store, client, ui: self.ui, stop: self.stop.clone(), _lock: lock })
    }

    /// Prints a plan.
    ///
    /// # Errors
    ///
    /// Where stdout cannot be written.
    pub fn show_plan(&self, stored: &StoredPlan, shown: Shown) -> Result<(), Failure> {
        let text = match shown.format {
            Format::Json => report::json::to_json(stored),
            Format::Text => {
                let style = self.ui.style();
                report::text::plan(stored, report::text::Options { style, all: shown.all })
            }
        };
        self.ui.result(&text)
    }

    /// Says why the tenant could not be read.
    pub fn read_failure(&self, error: CycleError) -> Failure {
        match error {
            CycleError::Tenant(error) => tenant_failure(error),
            CycleError::Records(error) => self.records_failure(error),
            CycleError::Stopped
            | CycleError::Misfit { tenant: _, problems: _ }
            | CycleError::Request(_)
            | CycleError::NotTakenUp(_) => Failure::new(Exit::Unavailable, error),
        }
    }

    /// Says why a cycle came to nothing. What does not fit is shown with its place.
    pub fn cycle_failure(&self, error: CycleError, policies: &LoadedPolicies) -> Failure {
        match error {
            CycleError::Tenant(_) | CycleError::Records(_) | CycleError::Stopped => {
                self.read_failure(error)
            }
            CycleError::Misfit { tenant, problems } => {
                self.show_problems(&problems, policies);
                let count = report::text::count(problems.len() as u64, "problem", "problems");
                let message =
                    format!("{count} with tenant `{tenant}`; nothing was planned or stored");
                let in_settings = |problem: &Problem| problem.place.file == self.source.name;
                Failure::text(Exit::Invalid, message).hint(if problems.iter().any(in_settings) {
                    "mend the configuration"
                } else {
                    "mend the files, or leave such policies out for now: --leave-out-misfits"
                })
            }
            CycleError::Request(error) => {
                let hint = error.hint();
                let failure = Failure::new(Exit::Usage, error);
                hint.into_iter().fold(failure, Failure::hint)
            }
            CycleError::NotTakenUp(error) => {
                let exit = match &error {
                    plan_error::NotApproved { .. } => Exit::Held,
                    plan_error::Guarded { .. } => {
                        let hint = "nothing was done; plan anew and look: `seatkeeper plan`";
                        return Failure::new(Exit::Held, error).hint(hint);
                    }
                    plan_error::Expired { .. } | plan_error::NotOpen { .. } => Exit::Stale,
                    plan_error::Unsettled(problems) => {
                        self.show_problems(problems, policies);
                        Exit::Invalid
                    }
                };
                Failure::new(exit, error)
            }
        }
    }

    /// Shows problems with their lines, in policies and in the configuration alike.
    pub fn show_problems(&self, problems: &[Problem], policies: &LoadedPolicies) {
        let mut sources = policies.files.clone();
        sources.push(self.source.clone());
        show_problems(self.ui, problems, &sources);
    }

    /// Shows problems of the configuration alone, with their lines.
    pub fn show_settings_problems(&self, problems: &[Problem]) {
        show_problems(self.ui, problems, std::slice::from_ref(&self.source));
    }

    /// Returns the text of the configuration, for problems that show only when it is used.
    pub fn source(&self) -> &SourceFile {
        &self.source
    }

    /// Says why the records could not be read or written.
    pub fn records_failure(&self, error: RecordsError) -> Failure {
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

    /// Returns how a tenant's work ended. A failure is told, so that the next tenant has its turn.
    pub fn told(&self, outcome: Outcome) -> Exit {
        match outcome {
            Ok(exit) => exit,
            Err(failure) => {
                self.ui.failure(&failure);
                failure.exit
            }
        }
    }

    /// Says that there is no such plan.
    pub fn no_plan(&self, asked: Option<&str>) -> Failure {
        match asked {
            Some(id) => Failure::text(Exit::Usage, format!("there is no plan {id}"))
                .hint("`seatkeeper plans` lists them"),
            None => Failure::text(Exit::Usage, "no plan is stored")
                .hint("`seatkeeper plan` makes one, where there is anything to do"),
        }
    }
}

use crate::plan::approval::NotTakenUp as plan_error;

/// One tenant at work: its lock is held as long as this is.
pub struct Desk<'s> {
    /// The tenant.
    pub tenant: &'s Tenant,
    /// The records.
    pub store: &'s Store,
    /// Graph.
    pub client: graph::Client<SystemClock>,
    ui: &'s Ui,
    stop: Stop,
    _lock: TenantLock,
}

impl Desk<'_> {
    /// Returns the engine for this tenant.
    pub fn engine(&self) -> Engine<'_, graph::Client<SystemClock>, Store, SystemClock> {
        Engine {
            tenant: &self.tenant.name,
            settings: &self.tenant.settings,
            reader: &self.client,
            records: self.store,
            clock: &SystemClock,
            progress: self.ui,
            patience: Patience {
                confirm_within: duration(self.tenant.apply.confirm_within),
                settle_after: duration(self.tenant.apply.settle_after),
                // Somebody waits and sees how far it has come; what was read stays when they stop.
                sign_ins_within: Duration::MAX,
            },
            stop: self.stop.clone(),
        }
    }
}

/// Reads an id of a plan from the command line.
///
/// # Errors
///
/// Where it is none.
pub fn plan_id(text: &str) -> Result<PlanId, Failure> {
    text.parse().map_err(|error: crate::plan::InvalidPlanId| {
        Failure::new(Exit::Usage, error).hint("`seatkeeper plans` lists them")
    })
}

/// Finds the configuration: the one that is named, or the first of the usual places.
fn locate(args: &args::Config) -> Result<PathBuf, Failure> {
    let usual = || PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    args.config.clone().or_else(usual).ok_or_else(|| {
        Failure::text(Exit::Invalid, format!("there is no `{}`", PLACES.join("` and no `")))
            .hint("`seatkeeper init` writes one; --config names another")
    })
}

fn read_configuration(path: &Path) -> Result<SourceFile, Failure> {
    let failed = |error: std::io::Error| {
        let (context, hint) = (
            format!("cannot read the configuration `{}`", path.display()),
            source::file_hint(&error),
        );
        Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context)).hint(hint)
    };
    let bytes = source::read_file(path, FILE_BYTES_MAX).map_err(failed)?;
    SourceFile::from_bytes(path.to_string_lossy().into(), bytes).map_err(|diagnostic| {
        Failure::text(Exit::Invalid, render(&[*diagnostic], &[]).trim_end().to_owned())
    })
}

/// Shows problems with their lines.
pub(super) fn show_problems(ui: &Ui, problems: &[Problem], sources: &[SourceFile]) {
    let diagnostics: Vec<Diagnostic> = problems.iter().map(diagnostic).collect();
    ui.err(&render(&diagnostics, sources));
}

fn diagnostic(problem: &Problem) -> Diagnostic {
    let length = u32::try_from(problem.written.chars().count()).unwrap_or(u32::MAX).max(1);
    let diagnostic = Diagnostic::error(problem.place.clone(), length, problem.message.clone());
    match &problem.hint {
        Some(hint) => diagnostic.with_hint(hint.clone()),
        None => diagnostic,
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_secs(span.as_secs())
}

/// Ends the process where somebody asks a second time. What was sent is settled by the next run.
#[expect(
    clippy::exit,
    reason = "somebody asked twice, and what is on disk is enough to go on from"
)]
fn leave_at_once() {
    std::process::exit(i32::from(Exit::Unavailable as u8));
}

/// Asks to stop at Ctrl-C and SIGTERM: what is in flight is finished and recorded.
fn stop_on_signal(stop: Stop) {
    tokio::spawn(async move {
        let Ok(mut terminate) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("asked to stop: what is in flight is finished and recorded first");
        stop.ask();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("asked again: the next run settles what is in flight");
        leave_at_once();
    });
}

impl Session<'_> {
    /// Opens the store to record a decision. Where nothing was ever stored there is nothing to
    /// decide, and none is made.
    ///
    /// # Errors
    ///
    /// Where there is no store, or it cannot be written.
    pub fn store_of_records(&self) -> Result<Store, Failure> {
        drop(self.store_for_reading()?);
        self.store()
    }

    /// Returns the snapshot of the last read, or of a fresh one where that is asked for or there is
    /// no other.
    ///
    /// # Errors
    ///
    /// Where the store or the tenant cannot be read.
    pub async fn snapshot(
        &self,
        tenant: &Tenant,
        refresh: bool,
        policies: &LoadedPolicies,
        command: &str,
    ) -> Result<(Arc<Snapshot>, Store), Failure> {
        use crate::ports::Records as _;
        if !refresh && let Ok(store) = Store::open_reading(&self.config.state) {
            let kept =
                store.snapshot(&tenant.name).await.map_err(|error| self.records_failure(error))?;
            if let Some(snapshot) = kept {
                self.warn_of_changes_since(&snapshot, tenant, &store).await?;
                return Ok((Arc::new(snapshot), store));
            }
        }
        self.read_anew(tenant, policies, &Beside::Nothing, command).await
    }

    /// Reads the tenant anew, keeps what was read, and returns it.
    ///
    /// # Errors
    ///
    /// Where the store or the tenant cannot be read.
    pub async fn read_anew(
        &self,
        tenant: &Tenant,
        policies: &LoadedPolicies,
        beside: &Beside<'_>,
        command: &str,
    ) -> Result<(Arc<Snapshot>, Store), Failure> {
        use crate::ports::Records as _;
        let (set, others) = beside.reach(&policies.policies.set);
        let store = self.store()?;
        let snapshot = {
            let desk = self.desk(tenant, &store, command)?;
            let engine = desk.engine();
            let read = engine.read_for(&set, others).await;
            let snapshot = Arc::new(read.map_err(|error| self.cycle_failure(error, policies))?);
            store
                .keep_snapshot(&tenant.name, snapshot.clone())
                .await
                .map_err(|error| self.records_failure(error))?;
            snapshot
        };
        self.ui.clear();
        Ok((snapshot, store))
    }

    /// Says so where the tenant was changed by us after it was last read.
    async fn warn_of_changes_since(
        &self,
        snapshot: &Snapshot,
        tenant: &Tenant,
        store: &Store,
    ) -> Result<(), Failure> {
        use crate::ports::Records as _;
        let filter = HistoryFilter {
            tenant: Some(tenant.name.clone()),
            limit: Some(1),
            ..HistoryFilter::default()
        };
        let latest = store.history(filter).await.map_err(|error| self.records_failure(error))?;
        if latest.first().is_some_and(|entry| entry.outcome.at > snapshot.taken_at()) {
            self.ui.say("a plan was applied since the tenant was read: --refresh reads it anew");
        }
        Ok(())
    }

    /// Returns every problem of configuration and policies as diagnostics, the valid ones' warnings
    /// included.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read at all.
    pub fn problems(args: &args::Config) -> Result<Vec<Diagnostic>, Failure> {
        let path = locate(args)?;
        let source = read_configuration(&path)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let loaded = match crate::config::load(&source, directory.unwrap_or(Path::new("."))) {
            Ok(loaded) => loaded,
            Err(problems) => return Ok(problems),
        };
        let read = match source::read(&loaded.config.policies) {
            Ok(read) => read,
            Err(source::SourceError::NotText(problems)) => return Ok(problems),
            Err(error) => {
                let hint = error.hint();
                return Err(Failure::new(Exit::Invalid, error).hint(hint));
            }
        };
        let names: Vec<TenantName> =
            loaded.config.tenants.iter().map(|tenant| tenant.name.clone()).collect();
        let mut problems = loaded.warnings;
        match policy::load_for(&read.files, &read.lists, &names) {
            Ok(policies) => problems.extend(policies.warnings),
            Err(more) => problems.extend(more),
        }
        Ok(problems)
    }
}
