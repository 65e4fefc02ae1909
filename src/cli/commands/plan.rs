//! `seatkeeper plan`: reads, plans, stores, shows; changes nothing in the tenant.

use crate::cli::args::{Format, PlanArgs};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::{LoadedPolicies, Session, Shown, misfits};
use crate::cli::ui::Ui;
use crate::config::Tenant;
use crate::engine::cycle::Cycle;
use crate::plan::{PlanState, Trigger};
use crate::ports::StoredPlan;
use crate::report;
use crate::store::Store;

/// Plans every tenant that is asked for.
pub async fn run(args: &PlanArgs, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenants = session.tenants(args.common.tenant.as_deref())?;
    if tenants.len() > 1 && (args.format == Format::Json || args.out.is_some()) {
        return Err(Failure::text(
            Exit::Usage,
            "there are several tenants, and JSON holds one plan",
        )
        .hint("name one with --tenant"));
    }
    let policies = session.policies()?;
    let store = session.store()?;
    let mut exit = Exit::Done;
    for tenant in tenants {
        let planned = plan(&session, &policies, &store, tenant, args).await;
        exit = exit.or(session.ended(planned));
    }
    Ok(exit)
}

async fn plan(
    session: &Session<'_>,
    policies: &LoadedPolicies,
    store: &Store,
    tenant: &Tenant,
    args: &PlanArgs,
) -> Outcome {
    let desk = session.desk(tenant, store, "seatkeeper plan")?;
    let misfits = misfits(args.leave_out_misfits);
    let cycle = desk
        .engine()
        .plan(&policies.policies, Trigger::Person, misfits)
        .await
        .map_err(|error| session.cycle_failure(error, policies))?;
    let stored = as_stored(&cycle);
    session.show_plan(&stored, Shown { format: args.format, all: args.all })?;
    if let Some(path) = &args.out {
        write_private(path, &report::json::to_json(&stored))?;
    }
    Ok(if args.detailed_exitcode { pending(&stored) } else { Exit::Done })
}

/// Returns the plan as it is stored, or as it would be where there is nothing to store.
pub(crate) fn as_stored(cycle: &Cycle) -> StoredPlan {
    cycle.stored.clone().unwrap_or_else(|| StoredPlan {
        plan: cycle.planned.plan.clone(),
        state: cycle.planned.state,
        decisions: Vec::new(),
    })
}

fn pending(stored: &StoredPlan) -> Exit {
    match stored.state {
        _ if stored.plan.operations.is_empty() => Exit::Done,
        PlanState::Held => Exit::Held,
        PlanState::Proposed
        | PlanState::Approved
        | PlanState::Applying
        | PlanState::Applied
        | PlanState::Partial
        | PlanState::Failed
        | PlanState::Rejected
        | PlanState::Superseded
        | PlanState::Expired => Exit::Changes,
    }
}

/// Writes a file that nobody else may read: a plan names people.
fn write_private(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written = tempfile::NamedTempFile::new_in(directory.unwrap_or(std::path::Path::new(".")))
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        });
    match written {
        Ok(_) => Ok(()),
        Err(error) => {
            let context = format!("cannot write the plan to `{}`", path.display());
            Err(Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context)))
        }
    }
}
