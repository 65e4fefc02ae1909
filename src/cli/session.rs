//! What commands work with: the configuration, the policies, the store, and a desk per tenant.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::PlanFormat;
use crate::cli::desk::{Desk, stop_on_signal};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::failure::store_failure;
use crate::cli::policies::{self, LoadedPolicies, invalid, warn};
use crate::cli::sign_in::sign_in;
use crate::cli::ui::Ui;
use crate::cli::wording::{self, Texts, Worded};
use crate::cli::{args, telemetry};
use crate::config::{Config, LogFormat, Tenant};
use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::engine::{CycleError, Misfits, Stop, request};
use crate::graph;
use crate::plan::PlanId;
use crate::plan::bind::Problem;
use crate::plan::redact::redacted as redact;
use crate::policy::{self, PolicySet};
use crate::ports::{
    Clock, HistoryEntry, HistoryFilter, OtherGroups, ReadRequest, RecordsError, StoredPlan,
};
use crate::report;
use crate::report::text::table::Sheet;
use crate::source;
use crate::store::Store;
use crate::store::quota::QuotaFile;
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile, render};

/// Listings that are read, and batches that are written, at once.
const CONCURRENCY: u32 = 4;
/// How far this machine's clock may be from Graph's.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_mins(10);
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
    /// What is valid in it and worth a look.
    warnings: Vec<Diagnostic>,
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
    /// When users last signed in.
    SignIns,
}

impl Beside<'_> {
    /// Returns the policies to read for, and what to read of groups that they do not name.
    fn reach<'p>(&self, policies: &'p PolicySet) -> (Cow<'p, PolicySet>, OtherGroups) {
        match self {
            Self::Nothing | Self::SignIns => (Cow::Borrowed(policies), OtherGroups::Listed),
            Self::AllGroups => (Cow::Borrowed(policies), OtherGroups::Read),
            Self::For(others) => {
                let mut both = policies.clone();
                both.policies.extend(others.policies.iter().cloned());
                (Cow::Owned(both), OtherGroups::Listed)
            }
        }
    }
}

/// Where the files lie that problems name: policies and lists by their place in the policy directory.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    name: Arc<str>,
    configuration: PathBuf,
    policies: Option<PathBuf>,
}

impl Whereabouts {
    /// Returns the path of a file as a problem names it.
    pub fn path(&self, file: &str) -> PathBuf {
        match &self.policies {
            Some(policies) if *self.name != *file => policies.join(file),
            Some(_) | None => self.configuration.clone(),
        }
    }
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// For people, for programs or for a browser.
    pub format: PlanFormat,
    /// Whether everybody is listed.
    pub all: bool,
    /// Whether nobody is named.
    pub redact: bool,
    /// Whether it may go through a pager: nothing waits for who reads it.
    pub paged: bool,
}

/// Returns what to do with policies that do not fit a tenant.
pub fn misfits(leave_out: bool) -> Misfits {
    if leave_out { Misfits::LeaveOut } else { Misfits::Refuse }
}

impl<'u> Session<'u> {
    /// Loads the configuration and begins to log what a person at a terminal wants to know.
    ///
    /// # Errors
    ///
    /// Where there is none, or it is invalid.
    pub fn open(args: &args::Config, ui: &'u Ui, verbose: u8) -> Result<Self, Failure> {
        // What a person reads on a terminal is the result; what heals on the way is for -v.
        Self::open_at(args, ui, |config| match verbose {
            0 => "warn",
            1 => config.log.level.as_str(),
            _ => "debug",
        })
    }

    /// Loads the configuration and begins to log what it says.
    ///
    /// # Errors
    ///
    /// Where there is none, or it is invalid.
    pub fn open_service(args: &args::Config, ui: &'u Ui, verbose: u8) -> Result<Self, Failure> {
        let session = Self::open_at(args, ui, |config| match verbose {
            0 => config.log.level.as_str(),
            _ => "debug",
        })?;
        for warning in &session.warnings {
            let Diagnostic { place, message, .. } = warning;
            tracing::warn!("{}: {message}", place.file_and_line());
        }
        Ok(session)
    }

    fn open_at(
        args: &args::Config,
        ui: &'u Ui,
        level: impl Fn(&Config) -> &'static str,
    ) -> Result<Self, Failure> {
        let path = locate(args)?;
        let source = read_configuration(&path)?;
        let loaded = crate::config::load(&source, directory_of(&path)).map_err(|problems| {
            invalid(ui, &problems, std::slice::from_ref(&source), "configuration")
        })?;
        let config = loaded.config;
        let format = match config.log.format {
            LogFormat::Text => telemetry::LogFormat::Text,
            LogFormat::Json => telemetry::LogFormat::Json,
        };
        telemetry::begin(format, level(&config));
        Ok(Self { ui, config, stop: Stop::default(), source, warnings: loaded.warnings })
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
        warn(self.ui, &self.warnings, std::slice::from_ref(&self.source));
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

    /// Sits down to work on a tenant, with its lock or beside the daemon that holds it.
    ///
    /// # Errors
    ///
    /// Where another command is at work on it.
    pub fn desk<'s>(
        &'s self,
        tenant: &'s Tenant,
        store: &'s Store,
        command: &str,
    ) -> Result<Desk<'s>, Failure> {
        let desk = Desk::sit_down(self, tenant, store, command)?;
        stop_on_signal(self.stop.clone());
        Ok(desk)
    }

    /// Prints a plan.
    ///
    /// # Errors
    ///
    /// Where stdout cannot be written.
    pub fn show_plan(
        &self,
        stored: &StoredPlan,
        outcomes: &[HistoryEntry],
        shown: Shown,
    ) -> Result<(), Failure> {
        let redacted;
        let stored = if shown.redact {
            // Who decided, and why, are names and words of people too.
            let (plan, decisions) = (redact(&stored.plan), Vec::new());
            redacted = StoredPlan { plan, decisions, state: stored.state };
            &redacted
        } else {
            stored
        };
        let text = match shown.format {
            PlanFormat::Json => report::json::to_json(stored),
            PlanFormat::Markdown => report::markdown::plan(stored),
            PlanFormat::Html => report::html::plan(stored),
            PlanFormat::Text => {
                let Sheet { style, width } = self.ui.sheet();
                let options = report::text::Options { style, all: shown.all, width };
                let text = report::text::plan(stored, outcomes, options);
                return if shown.paged { self.ui.page(&text) } else { self.ui.folded(&text) };
            }
        };
        self.ui.result(&text)
    }

    /// Says why the tenant could not be read.
    pub fn read_failure(&self, error: CycleError) -> Failure {
        wording::cycle(error, Texts { policies: &[], configuration: &self.source }).failure
    }

    /// Says why a cycle came to nothing. What does not fit is shown with its place.
    pub fn cycle_failure(&self, error: CycleError, policies: &LoadedPolicies) -> Failure {
        let texts = Texts { policies: &policies.files, configuration: &self.source };
        self.worded(wording::cycle(error, texts))
    }

    /// Shows what stands before a failure.
    pub(super) fn worded(&self, worded: Worded) -> Failure {
        if let Some(shown) = &worded.shown {
            self.ui.err(shown);
        }
        worded.failure
    }

    /// Shows problems with their lines, in policies and in the configuration alike.
    pub fn show_problems(&self, problems: &[Problem], policies: &LoadedPolicies) {
        let mut sources = policies.files.clone();
        sources.push(self.source.clone());
        self.ui.err(&wording::problems_in(problems, &sources));
    }

    /// Shows problems of the configuration alone, with their lines.
    pub fn show_settings_problems(&self, problems: &[Problem]) {
        self.ui.err(&wording::problems_in(problems, std::slice::from_ref(&self.source)));
    }

    /// Returns the text of the configuration, for problems that show only when it is used.
    pub fn source(&self) -> &SourceFile {
        &self.source
    }

    /// Says why the records could not be read or written.
    pub fn records_failure(&self, error: RecordsError) -> Failure {
        wording::records(error)
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

/// Prepares a client for a tenant; nothing is sent yet.
///
/// # Errors
///
/// Where an endpoint is no usable address, or this machine has no identity.
pub(super) fn client<C: Clock>(
    state: &Path,
    tenant: &Tenant,
    clock: C,
    in_background: bool,
) -> Result<graph::Client<C>, Failure> {
    let settings = client_settings(state, tenant, in_background)?;
    graph::Client::new(settings, clock).map_err(|error| Failure::new(Exit::Invalid, error))
}

/// Says what a client of a tenant must be told.
///
/// # Errors
///
/// Where this machine has no identity.
pub(super) fn client_settings(
    state: &Path,
    tenant: &Tenant,
    in_background: bool,
) -> Result<graph::Settings, Failure> {
    Ok(graph::Settings {
        tenant: tenant.name.clone(),
        tenant_id: tenant.tenant_id.to_string(),
        login: tenant.login.to_string(),
        graph: tenant.graph.to_string(),
        sign_in: sign_in(&tenant.auth)?,
        timeout: duration(tenant.requests.timeout),
        give_up_after: duration(tenant.requests.give_up_after),
        settle_after: duration(tenant.apply.settle_after),
        concurrency: CONCURRENCY,
        in_background,
        clock_tolerance: Some(CLOCK_TOLERANCE),
        quota: Some(Arc::new(QuotaFile::new(state, &tenant.name))),
    })
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

/// Returns what relative paths in a configuration are relative to.
pub(super) fn directory_of(configuration: &Path) -> &Path {
    let directory = configuration.parent().filter(|parent| !parent.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

pub(super) fn read_configuration(path: &Path) -> Result<SourceFile, Failure> {
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

pub(super) fn duration(span: Span) -> Duration {
    Duration::from_secs(span.as_secs())
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
        let (set, others) = beside.reach(&policies.policies.set);
        let store = self.store()?;
        let snapshot = {
            let desk = self.desk(tenant, &store, command)?;
            let request = request(&tenant.name, &tenant.settings, &set);
            let sign_ins = matches!(beside, Beside::SignIns);
            desk.read(policies, ReadRequest { others, ..request }, sign_ins).await?
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
    pub fn problems(args: &args::Config) -> Result<(Vec<Diagnostic>, Whereabouts), Failure> {
        let path = locate(args)?;
        let source = read_configuration(&path)?;
        let name = Arc::clone(&source.name);
        let mut whereabouts = Whereabouts { name, configuration: path.clone(), policies: None };
        let loaded = match crate::config::load(&source, directory_of(&path)) {
            Ok(loaded) => loaded,
            Err(problems) => return Ok((problems, whereabouts)),
        };
        whereabouts.policies = Some(loaded.config.policies.clone());
        let read = match source::read(&loaded.config.policies) {
            Ok(read) => read,
            Err(source::SourceError::NotText(problems)) => return Ok((problems, whereabouts)),
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
        Ok((problems, whereabouts))
    }
}
