//! `seatkeeper approve` and `reject`: a person decides.

use std::sync::Arc;

use crate::cli::args::{Approve, Deciding, Reject};
use crate::cli::clock::SystemClock;
use crate::cli::desk::DAEMON;
use crate::cli::environment;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::{Session, plan_id};
use crate::cli::ui::Ui;
use crate::config::Mode;
use crate::plan::approval::{Missing, accept};
use crate::plan::digest::guard_list;
use crate::plan::{GuardName, PlanState};
use crate::ports::desk::Desk as _;
use crate::ports::{Clock as _, Decision, Records as _, StoredPlan};
use crate::report::text::style::clean;
use crate::store::Store;
use crate::store::lock::holder;

/// Approves a plan.
pub(crate) async fn approve(args: &Approve, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_of_records()?;
    let id = plan_id(&args.plan)?;
    let found =
        store.plan(tenant, Some(id)).await.map_err(|error| session.records_failure(error))?;
    let stored = found.ok_or_else(|| session.no_plan(Some(&args.plan)))?;
    if stored.state == PlanState::Approved {
        let who = stored.decisions.last().map_or("somebody", |decision| &decision.by);
        ui.result(&format!("{id} is approved already, by {}", clean(who)))?;
        return Ok(Exit::Done);
    }
    record_approval(&session, &store, &stored, &args.deciding).await?;
    ui.result(&format!("approved {id}"))?;
    ui.say(&what_next(&session, &store, &stored).await);
    Ok(Exit::Done)
}

/// Says who carries out a plan that was just approved: the daemon, by the mode that it started with, or
/// nobody.
async fn what_next(session: &Session<'_>, store: &Store, stored: &StoredPlan) -> String {
    let StoredPlan { plan, .. } = stored;
    let by_hand = format!("seatkeeper apply {}", plan.id);
    // It is approved whatever cannot be read now.
    let holder = holder(&session.config.state, &plan.tenant).ok().flatten();
    let report = store.reported(&plan.tenant).await.ok().flatten();
    let daemon = report.filter(|report| {
        holder
            .as_ref()
            .is_some_and(|holder| holder.command == DAEMON && holder.pid == report.process)
    });
    match daemon.map(|report| report.mode) {
        Some(mode) if *mode == *Mode::Observe.as_str() => {
            format!("the daemon is in mode observe and carries nothing out; to do it: {by_hand}")
        }
        Some(_) => {
            format!("the daemon carries it out as soon as it may; to do it now: {by_hand}")
        }
        None => format!("to carry it out: {by_hand}"),
    }
}

/// Rejects a plan.
pub(crate) async fn reject(args: &Reject, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_of_records()?;
    let id = plan_id(&args.plan)?;
    let found =
        store.plan(tenant, Some(id)).await.map_err(|error| session.records_failure(error))?;
    found.ok_or_else(|| session.no_plan(Some(&args.plan)))?;
    let decision = Decision {
        state: PlanState::Rejected,
        by: by(args.by.as_deref()),
        at: SystemClock.now(),
        accepted: Vec::new(),
        reason: args.reason.as_deref().map(Arc::from),
    };
    store.decide(id, decision).await.map_err(|error| session.records_failure(error))?;
    ui.result(&format!("rejected {id}"))?;
    Ok(Exit::Done)
}

/// Checks what is accepted against what tripped, and records the approval.
///
/// # Errors
///
/// Where something is missing, or the plan can no longer be decided; nothing is recorded then.
pub(crate) async fn record_approval(
    session: &Session<'_>,
    store: &Store,
    stored: &StoredPlan,
    deciding: &Deciding,
) -> Result<(), Failure> {
    let id = stored.plan.id;
    let now = SystemClock.now();
    if !stored.state.is_open() {
        let message = format!("plan {id} is {}", stored.state.as_str());
        return Err(Failure::text(Exit::Stale, message).hint("plan anew: `seatkeeper plan`"));
    }
    if now >= stored.plan.expires_at {
        let message = format!("plan {id} expired at {}", stored.plan.expires_at);
        return Err(Failure::text(Exit::Stale, message).hint("plan anew: `seatkeeper plan`"));
    }
    let accepted = guards(&deciding.accept)?;
    let reason: Option<Arc<str>> = deciding.reason.as_deref().map(Arc::from);
    accept(&stored.plan, &accepted, reason.as_ref()).map_err(|missing| not_accepted(&missing))?;
    let decision = Decision {
        state: PlanState::Approved,
        by: by(deciding.by.as_deref()),
        at: now,
        accepted,
        reason,
    };
    store.decide(id, decision).await.map_err(|error| session.records_failure(error))
}

/// Reads the names of guards.
///
/// # Errors
///
/// Where there is no guard of a name.
pub(crate) fn guards(names: &[String]) -> Result<Vec<GuardName>, Failure> {
    let guard = |name: &String| {
        GuardName::named(name).ok_or_else(|| {
            Failure::text(Exit::Usage, format!("there is no guard `{name}`"))
                .hint(format!("there are {}", guard_list(&GuardName::ALL)))
        })
    };
    names.iter().map(guard).collect()
}

/// Says what is missing before a plan may be approved.
pub(crate) fn not_accepted(missing: &Missing) -> Failure {
    match missing {
        Missing::Guards(guards) => {
            let accept: String =
                guards.iter().map(|guard| format!(" --accept {}", guard.as_str())).collect();
            Failure::text(Exit::Held, format!("held by {}", guard_list(guards)))
                .hint(format!("if it is meant, say so and why:{accept} --reason \"…\""))
        }
        Missing::Reason => Failure::text(Exit::Held, "a guard is accepted with a reason")
            .hint("add --reason \"…\""),
        Missing::NotTripped(guards) => {
            Failure::text(Exit::Usage, format!("{} did not trip", guard_list(guards)))
                .hint("only what tripped can be accepted; leave it out")
        }
    }
}

/// Returns who decides.
pub(crate) fn by(name: Option<&str>) -> Arc<str> {
    name.map_or_else(|| environment::person().into(), Arc::from)
}
