//! `seatkeeper doctor`: whether everything is in place for these policies. Reads a little of the tenant
//! and of the store, and writes nothing.

mod permissions;
mod records;
mod settings;
mod sign_in;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{Doctor, Format};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::policies::LoadedPolicies;
use crate::cli::session::{Session, client_settings};
use crate::cli::ui::Ui;
use crate::config::{Mode, Tenant};
use crate::domain::snapshot::Snapshot;
use crate::graph::{self, Probe};
use crate::plan::permissions::{Need, Task, needs};
use crate::report;
use crate::report::diagnosis::{Check, Diagnosis, Finding, Verdict};
use crate::store::quota::QuotaFile;

/// How long one request may take: somebody waits for the answer.
const TIMEOUT_MAX: Duration = Duration::from_secs(15);
/// How long all tries of one call may take.
const PATIENCE_MAX: Duration = Duration::from_secs(20);

/// Examines each tenant.
pub(crate) async fn run(args: &Doctor, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenants = session.tenants(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let mut diagnoses = Vec::new();
    for tenant in tenants {
        diagnoses.push(examine(&session, tenant, &policies).await);
    }
    match args.format {
        Format::Json => ui.result(&report::json::diagnoses_to_json(&diagnoses))?,
        Format::Text => ui.folded(&report::text::diagnoses(&diagnoses, ui.style()))?,
    }
    let is_sick = diagnoses.iter().any(|found| found.counts().0 > 0);
    Ok(if is_sick { Exit::Unavailable } else { Exit::Done })
}

/// What a tenant is examined for.
struct Patient<'a> {
    tenant: &'a Tenant,
    policies: &'a LoadedPolicies,
    /// The tenant as it was read last.
    seen: Option<Arc<Snapshot>>,
    needs: Vec<Need>,
}

async fn examine(session: &Session<'_>, tenant: &Tenant, policies: &LoadedPolicies) -> Diagnosis {
    let (of_store, seen) = records::examine(&session.config.state, tenant).await;
    let changes = match tenant.mode {
        Mode::Observe => false,
        Mode::Approve | Mode::Enforce => true,
    };
    let needs = needs(&policies.policies.set, &tenant.name, changes, seen.as_deref());
    let patient = Patient { tenant, policies, seen, needs };
    let mut findings = match client(&session.config.state, tenant) {
        Ok(client) => of_tenant(&patient, &client.examine(&patient.probes()).await),
        Err(failure) => vec![unprepared(&failure)],
    };
    findings.extend(of_store);
    findings.extend(settings::guards(tenant));
    findings.extend(settings::rest(&patient));
    Diagnosis {
        tenant: tenant.name.clone(),
        tenant_id: tenant.tenant_id.to_string(),
        mode: tenant.mode.as_str(),
        findings,
    }
}

/// Prepares a client that gives up while somebody still waits.
fn client(state: &Path, tenant: &Tenant) -> Result<graph::Client<SystemClock>, Failure> {
    let settings = client_settings(state, tenant, false)?;
    let settings = graph::Settings {
        timeout: settings.timeout.min(TIMEOUT_MAX),
        give_up_after: settings.give_up_after.min(PATIENCE_MAX),
        // It is told, not refused.
        clock_tolerance: None,
        // It waits as the daemon must, and leaves to the daemon what to remember.
        quota: Some(Arc::new(QuotaFile::for_a_look(state, &tenant.name))),
        ..settings
    };
    graph::Client::new(settings, SystemClock).map_err(|error| Failure::new(Exit::Invalid, error))
}

fn unprepared(failure: &Failure) -> Finding {
    let finding = Finding::new(
        Check::SignIn,
        Verdict::Failed,
        "sign-in",
        format!("cannot be prepared: {}", failure.message()),
    );
    match &failure.hint {
        Some(hint) => finding.hint(hint.clone()),
        None => finding,
    }
}

fn of_tenant(patient: &Patient<'_>, found: &graph::Examination) -> Vec<Finding> {
    let mut findings = sign_in::reach(found);
    findings.extend(sign_in::sign_in(patient.tenant, found));
    findings.extend(permissions::permissions(patient, found));
    findings.extend(sign_in::clock(found));
    findings
}

impl Patient<'_> {
    /// Returns what to try: reads that are needed or help.
    fn probes(&self) -> Vec<Probe> {
        self.needs.iter().filter_map(|need| probe(need.task)).collect()
    }
}

/// Returns the read that shows whether a task is allowed; what writes is not tried.
fn probe(task: Task) -> Option<Probe> {
    match task {
        Task::ReadUsers => Some(Probe::Users),
        Task::ReadGroups => Some(Probe::Groups),
        Task::ReadSkus => Some(Probe::Skus),
        Task::ReadSubscriptions => Some(Probe::Subscriptions),
        Task::ReadSignIns => Some(Probe::SignIns),
        Task::ReadHidden | Task::WriteLicenses | Task::WriteLocations => None,
    }
}
