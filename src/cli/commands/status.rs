//! `seatkeeper status`: tenants, last cycles, who is at work, what waits for a person.

use serde::Serialize;

use crate::cli::args::{Format, Status};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::ports::{PlanHead, Records as _};
use crate::report::text::{count, time};
use crate::store::lock::{Holder, holder};
use crate::store::{Store, StoreError};

/// What there is to say about one tenant.
#[derive(Serialize)]
struct TenantStatus {
    tenant: String,
    at_work: Option<AtWork>,
    last_cycle: Option<LastCycle>,
    last_success: Option<String>,
    owned_by_policies: u64,
    /// Plans that a process was carrying out when it ended.
    interrupted: Vec<String>,
    waiting_for_a_person: Vec<Waiting>,
}

#[derive(Serialize)]
struct AtWork {
    command: String,
    process: u32,
    since: String,
}

#[derive(Serialize)]
struct LastCycle {
    ended_at: String,
    failure: Option<String>,
    plan: Option<String>,
}

#[derive(Serialize)]
struct Waiting {
    plan: String,
    state: &'static str,
    created_at: String,
    operations: u64,
    people: u64,
}

/// Tells where every tenant stands, from the store alone.
pub(crate) async fn run(args: &Status, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenants = session.tenants(args.common.tenant.as_deref())?;
    let store = match Store::open_reading(&session.config.state) {
        Ok(store) => Some(store),
        Err(StoreError::NoStore { dir: _ }) => None,
        Err(_) => Some(session.store_for_reading()?),
    };
    let mut all = Vec::new();
    for tenant in tenants {
        let at_work = holder(&session.config.state, &tenant.name)
            .map_err(|error| Failure::text(Exit::Unavailable, error.to_string()))?;
        all.push(status(&session, store.as_ref(), &tenant.name, at_work).await?);
    }
    match args.format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&serde_json::json!({"tenants": all}))
                .expect("the status always serialises");
            ui.result(&json)?;
        }
        Format::Text => ui.result(&all.iter().map(text).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(Exit::Done)
}

async fn status(
    session: &Session<'_>,
    store: Option<&Store>,
    tenant: &crate::domain::names::TenantName,
    at_work: Option<Holder>,
) -> Result<TenantStatus, Failure> {
    let mut status = TenantStatus {
        tenant: tenant.to_string(),
        at_work: at_work.map(|holder| AtWork {
            command: holder.command,
            process: holder.pid,
            since: time(holder.since),
        }),
        last_cycle: None,
        last_success: None,
        owned_by_policies: 0,
        interrupted: Vec::new(),
        waiting_for_a_person: Vec::new(),
    };
    let Some(store) = store else { return Ok(status) };
    let failed = |error| session.records_failure(error);
    let (last, success) = store.cycles(tenant).await.map_err(failed)?;
    status.last_cycle = last.map(|cycle| LastCycle {
        ended_at: time(cycle.ended_at),
        failure: cycle.failure,
        plan: cycle.plan.map(|id| id.to_string()),
    });
    status.last_success = success.map(|cycle| time(cycle.ended_at));
    let owners = store.owners(tenant).await.map_err(failed)?;
    status.owned_by_policies = owners.iter().map(|(_, count)| count).sum();
    let plans = store.plans(Some(tenant)).await.map_err(failed)?;
    let is_applying = |plan: &&PlanHead| plan.state == crate::plan::PlanState::Applying;
    if status.at_work.is_none() {
        status.interrupted = plans.iter().filter(is_applying).map(|p| p.id.to_string()).collect();
    }
    status.waiting_for_a_person =
        plans.iter().filter(|plan| plan.state.is_open()).map(waiting).collect();
    Ok(status)
}

fn waiting(plan: &PlanHead) -> Waiting {
    Waiting {
        plan: plan.id.to_string(),
        state: plan.state.as_str(),
        created_at: time(plan.created_at),
        operations: plan.operations,
        people: plan.people,
    }
}

fn text(status: &TenantStatus) -> String {
    let mut lines = vec![format!("tenant {}", status.tenant)];
    if let Some(at_work) = &status.at_work {
        lines.push(format!(
            "  at work       {} (process {}) since {}",
            at_work.command, at_work.process, at_work.since
        ));
    }
    lines.push(match &status.last_cycle {
        None => "  last cycle    none yet: `seatkeeper plan` makes the first".to_owned(),
        Some(LastCycle { ended_at, failure: Some(why), plan: _ }) => {
            format!("  last cycle    {ended_at}, failed: {why}")
        }
        Some(LastCycle { ended_at, failure: None, plan: Some(plan) }) => {
            format!("  last cycle    {ended_at}, plan {plan}")
        }
        Some(LastCycle { ended_at, failure: None, plan: None }) => {
            format!("  last cycle    {ended_at}, nothing to do")
        }
    });
    if let Some(success) = &status.last_success {
        lines.push(format!("  last success  {success}"));
    }
    lines.push(format!(
        "  owned         {} by policies",
        count(status.owned_by_policies, "assignment", "assignments")
    ));
    for plan in &status.interrupted {
        lines.push(format!(
            "  interrupted   plan {plan}: the next `seatkeeper plan` or `apply` settles it"
        ));
    }
    for waiting in &status.waiting_for_a_person {
        lines.push(format!(
            "  waiting       plan {} is {} since {}: {} for {}",
            waiting.plan,
            waiting.state,
            waiting.created_at,
            count(waiting.operations, "operation", "operations"),
            count(waiting.people, "person", "people"),
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}
