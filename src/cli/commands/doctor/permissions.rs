//! What is allowed, needed, missing, and more than needed.

use std::collections::BTreeSet;

use crate::cli::commands::doctor::sign_in::told;
use crate::cli::commands::doctor::{Patient, probe};
use crate::config::{Auth, Tenant};
use crate::graph::Examination;
use crate::plan::permissions::{Excess, Need, Standing, Task, Weight, excess, standing};
use crate::ports::TenantError;
use crate::report::diagnosis::{Check, Finding, Verdict};

/// Says what the token allows, and what Graph allows when it is asked.
pub(super) fn permissions(patient: &Patient<'_>, found: &Examination) -> Vec<Finding> {
    let Some(Ok(token)) = &found.token else { return Vec::new() };
    let needs = &patient.needs;
    let is_idle = |need: &Need| {
        let there = token
            .roles
            .as_ref()
            .is_some_and(|roles| standing(need.task, roles) != Standing::Missing);
        need.weight == Weight::Idle && !there
    };
    let mut findings: Vec<Finding> = needs
        .iter()
        .filter(|need| !is_idle(need))
        .map(|need| {
            let tried = probe(need.task).and_then(|probe| {
                found.answers.iter().find(|(asked, _)| *asked == probe).map(|(_, answer)| answer)
            });
            of_need(patient.tenant, need, token.roles.as_ref(), tried)
        })
        .collect();
    if let Some(roles) = &token.roles {
        findings.extend(excess(needs, roles).into_iter().map(in_excess));
    }
    findings
}

fn of_need(
    tenant: &Tenant,
    need: &Need,
    roles: Option<&BTreeSet<String>>,
    tried: Option<&Result<(), TenantError>>,
) -> Finding {
    let task = need.task;
    let about = |verdict, detail: String| {
        let detail = format!("to {}{detail}", task.as_str());
        Finding::new(Check::Permission, verdict, task.least().name, detail)
    };
    let standing = roles.map(|roles| standing(task, roles));
    if let Some(Err(error)) = tried
        && standing != Some(Standing::Missing)
    {
        return of_trouble(need, error);
    }
    match (standing, tried) {
        (Some(Standing::Present), _) | (None, Some(Ok(()))) => about(Verdict::Good, String::new()),
        (Some(Standing::Covered(role)), _) => about(Verdict::Good, format!(", by {role}")),
        (Some(Standing::Missing), Some(Ok(()))) => {
            about(Verdict::Note, ": not in the token, and Graph allows it".to_owned())
        }
        (Some(Standing::Missing), _) => {
            let because = &need.because;
            let (verdict, detail) = match need.weight {
                Weight::Required => (Verdict::Missing, format!(": needed by {because}")),
                Weight::Helps | Weight::Idle => {
                    (Verdict::Note, format!(": not granted; {}", optional(need)))
                }
            };
            about(verdict, detail).hint(how_to_grant(tenant, task))
        }
        (None, _) => {
            about(Verdict::Note, ": the token does not show whether it is granted".to_owned())
        }
    }
}

/// Says what a permission that is not needed yet is for.
fn optional(need: &Need) -> String {
    match need.task {
        Task::WriteLicenses => format!("needed by {}", need.because),
        Task::WriteLocations => format!("{}, once plans are applied", need.because),
        Task::ReadUsers
        | Task::ReadGroups
        | Task::ReadSkus
        | Task::ReadSubscriptions
        | Task::ReadSignIns
        | Task::ReadHidden => need.because.clone(),
    }
}

/// The token says that it is allowed, or shows nothing; Graph would not.
fn of_trouble(need: &Need, error: &TenantError) -> Finding {
    let (message, hint) = told(error);
    let verdict = match (need.weight, error) {
        (Weight::Required, TenantError::Forbidden { .. }) => Verdict::Missing,
        (Weight::Required, _) => Verdict::Failed,
        (Weight::Helps | Weight::Idle, _) => Verdict::Warning,
    };
    let detail = format!("to {}: {message}", need.task.as_str());
    let finding = Finding::new(Check::Permission, verdict, need.task.least().name, detail);
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn how_to_grant(tenant: &Tenant, task: Task) -> String {
    let least = task.least();
    match &tenant.auth {
        Auth::App { client_id, credential: _ } => format!(
            "grant the application permission {} of Microsoft Graph, with admin consent: {}/{}/adminconsent?\
             client_id={client_id}",
            least.name, tenant.login, tenant.tenant_id
        ),
        Auth::ManagedIdentity(_) => format!(
            "assign the app role {} ({}) of Microsoft Graph to the service principal of the identity; the \
             host may keep the old token for a day",
            least.name, least.id
        ),
    }
}

fn in_excess(excess: Excess) -> Finding {
    let Excess { role, instead_of } = excess;
    match instead_of {
        Some(least) => {
            let detail = format!("allows more than these policies need; {} would do", least.name);
            Finding::new(Check::Permission, Verdict::Excess, role, detail)
                .hint("grant the least permissions, and then take this one away")
        }
        None => Finding::new(
            Check::Permission,
            Verdict::Excess,
            role,
            "granted, and nothing here uses it",
        )
        .hint("take it away where nothing else uses this app"),
    }
}
