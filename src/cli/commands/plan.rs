//! `seatkeeper plan`: reads, plans, stores, shows; changes nothing in the tenant.

use crate::cli::args::{PlanArgs, PlanFormat};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::policies::LoadedPolicies;
use crate::cli::private_file;
use crate::cli::session::{Session, Shown, misfits};
use crate::cli::ui::Ui;
use crate::config::Tenant;
use crate::plan::{Plan, PlanState};
use crate::ports::StoredPlan;
use crate::report;
use crate::store::Store;

mod look;

/// Plans every tenant that is asked for.
pub(crate) async fn run(args: &PlanArgs, ui: &Ui, verbose: u8) -> Outcome {
    refuse_redacted_json(args.format, args.redact)?;
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenants = session.tenants(args.common.tenant.as_deref())?;
    let one = args.snapshot.is_some() || tenants.len() == 1;
    if !one && (args.format != PlanFormat::Text || args.out.is_some()) {
        return Err(Failure::text(
            Exit::Usage,
            "there are several tenants, and JSON, Markdown or HTML holds one plan",
        )
        .hint("name one with --tenant"));
    }
    if look::is_asked(args) {
        return look::run(args, &session).await;
    }
    let policies = session.policies()?;
    let store = session.store()?;
    let mut exit = Exit::Done;
    for tenant in tenants {
        let planned = plan_one(args, &session, tenant, &store, &policies).await;
        exit = exit.or(session.told(planned));
    }
    Ok(exit)
}

/// Plans one tenant.
async fn plan_one(
    args: &PlanArgs,
    session: &Session<'_>,
    tenant: &Tenant,
    store: &Store,
    policies: &LoadedPolicies,
) -> Outcome {
    let desk = session.desk(tenant, store, "seatkeeper plan")?;
    let misfits = misfits(args.leave_out_misfits);
    let planned = desk.plan(policies, misfits, false).await?;
    // Whoever reads the plan at leisure keeps nobody from the tenant.
    drop(desk);
    finish(args, session, &planned.stored)
}

/// Shows a plan, writes it out where that is asked, and returns how the command ends.
fn finish(args: &PlanArgs, session: &Session<'_>, stored: &StoredPlan) -> Outcome {
    session.show_plan(
        stored,
        &[],
        Shown { format: args.format, all: args.all, redact: args.redact, paged: true },
    )?;
    if let Some(path) = &args.out {
        private_file::write(path, report::json::to_json(stored).as_bytes(), "the plan")?;
    }
    Ok(if args.detailed_exitcode { pending(stored) } else { Exit::Done })
}

/// Whether there is anything to do; in a comparison, whether the policies make any difference, now or
/// later.
fn changes_something(plan: &Plan) -> bool {
    let differs = || {
        !(plan.blocked.is_empty()
            && plan.waiting.is_empty()
            && plan.scheduled.is_empty()
            && plan.released.is_empty()
            && plan.no_longer.is_empty())
    };
    !plan.operations.is_empty() || (plan.basis.baseline.is_some() && differs())
}

/// Returns how `--detailed-exitcode` ends.
fn pending(stored: &StoredPlan) -> Exit {
    match stored.state {
        _ if !changes_something(&stored.plan) => Exit::Done,
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

/// Refuses JSON without names before anything is done.
pub(super) fn refuse_redacted_json(format: PlanFormat, redact: bool) -> Result<(), Failure> {
    if redact && format == PlanFormat::Json {
        let message = "a plan without names is for people, and JSON is for programs";
        return Err(Failure::text(Exit::Usage, message).hint("leave out --redact"));
    }
    Ok(())
}
