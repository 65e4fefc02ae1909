//! `seatkeeper apply`: applies a stored plan; without one: plans, shows, asks, applies.

use crate::cli::args::{Apply, Deciding, Doing, Format, PlanFormat};
use crate::cli::commands::decide::{guards, not_accepted, record_approval};
use crate::cli::desk::{Desk, Planned};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::policies::LoadedPolicies;
use crate::cli::session::{Session, Shown, misfits, plan_id};
use crate::cli::ui::Ui;
use crate::config::Tenant;
use crate::engine::once::Once;
use crate::plan::approval::{Missing, accept, goes_on, has_part};
use crate::plan::digest::guard_list;
use crate::plan::guard::tripped;
use crate::plan::{GuardName, PlanState};
use crate::ports::desk::CarriedOutReply;
use crate::ports::{OutcomeKind, Records as _, StoredPlan};
use crate::report::text::{count, summary};
use crate::store::Store;

/// Applies a plan, or plans and applies every tenant that is asked for.
pub(crate) async fn run(args: &Apply, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let policies = session.policies()?;
    let store = session.store()?;
    // A wrong name is told before anything is read.
    let accepted = guards(&args.deciding.accept)?;
    let applying = |desk| Applying {
        session: &session,
        policies: &policies,
        store: &store,
        desk,
        args,
        accepted: accepted.clone(),
    };
    if let Some(plan) = &args.plan {
        let id = plan_id(plan)?;
        let found =
            store.plan(None, Some(id)).await.map_err(|error| session.records_failure(error))?;
        let stored = found.ok_or_else(|| session.no_plan(Some(plan)))?;
        let tenant = session.one(Some(stored.plan.tenant.as_str()))?;
        let desk = session.desk(tenant, &store, "seatkeeper apply")?;
        return Box::pin(applying(desk).chosen(stored)).await;
    }
    let mut exit = Exit::Done;
    for tenant in session.tenants(args.common.tenant.as_deref())? {
        if session.stop.is_asked() {
            ui.err(&format!("stopped on request before tenant {}", tenant.name));
            return Ok(exit.or(Exit::Partial));
        }
        let desk = session.desk(tenant, &store, "seatkeeper apply")?;
        exit = exit.or(session.told(Box::pin(applying(desk).anew()).await));
    }
    Ok(exit)
}

/// Plans what is asked for once, shows it, and applies it where a person says so.
pub(crate) async fn once(
    session: &Session<'_>,
    tenant: &Tenant,
    doing: &Doing,
    once: &Once,
    command: &str,
) -> Outcome {
    let Doing { common, plan_only, format, yes, deciding, all } = doing;
    let policies = session.policies()?;
    let store = session.store()?;
    let args = Apply {
        common: common.clone(),
        plan: None,
        yes: *yes,
        deciding: deciding.clone(),
        all: *all,
        leave_out_misfits: true,
    };
    let accepted = guards(&deciding.accept)?;
    let desk = session.desk(tenant, &store, command)?;
    let applying =
        Applying { session, policies: &policies, store: &store, desk, args: &args, accepted };
    let planned = applying.desk.plan_once(&policies, once).await?;
    if *format == Format::Json {
        // Text has them on its page.
        for warning in &planned.stored.plan.warnings {
            session.ui.say(format!("warning: {}: {}", warning.at, warning.message).trim_end());
        }
    }
    match applying.shown(planned, *format)? {
        Some(stored) if !plan_only => Box::pin(applying.stored(stored)).await,
        Some(_) | None => Ok(Exit::Done),
    }
}

/// One tenant's plan on its way to being applied.
struct Applying<'a> {
    session: &'a Session<'a>,
    policies: &'a LoadedPolicies,
    store: &'a Store,
    desk: Desk<'a>,
    args: &'a Apply,
    accepted: Vec<GuardName>,
}

impl Applying<'_> {
    fn ui(&self) -> &Ui {
        self.session.ui
    }

    /// Plans, shows, asks, applies.
    async fn anew(&self) -> Outcome {
        let misfits = misfits(self.args.leave_out_misfits);
        let planned = self.desk.plan(self.policies, misfits, true).await?;
        match self.shown(planned, Format::Text)? {
            Some(stored) => self.stored(stored).await,
            None => Ok(Exit::Done),
        }
    }

    /// Shows a plan that was just made. Returns it where there is something to do.
    fn shown(&self, planned: Planned, format: Format) -> Result<Option<StoredPlan>, Failure> {
        let Planned { stored, is_stored: _, recovered } = planned;
        if recovered {
            self.ui().say("an interrupted run was settled first; `seatkeeper history` tells");
        }
        let shown =
            Shown { format: format.into(), all: self.args.all, redact: false, paged: false };
        self.session.show_plan(&stored, &[], shown)?;
        if stored.plan.operations.is_empty() {
            self.ui().say("nothing to do");
            return Ok(None);
        }
        Ok(Some(stored))
    }

    /// Shows a stored plan and what remains to be decided, and carries it out.
    async fn chosen(&self, stored: StoredPlan) -> Outcome {
        // Whoever is asked sees what about; whoever says yes beforehand has seen it.
        if stored.state.is_open() && !self.args.yes {
            let shown =
                Shown { format: PlanFormat::Text, all: self.args.all, redact: false, paged: false };
            self.session.show_plan(&stored, &[], shown)?;
        }
        self.stored(stored).await
    }

    /// Decides on a plan where that is needed, and carries it out.
    async fn stored(&self, stored: StoredPlan) -> Outcome {
        match stored.state {
            PlanState::Approved => self.carry_out(&stored).await,
            PlanState::Proposed | PlanState::Held => self.decide(stored).await,
            PlanState::Applying
            | PlanState::Applied
            | PlanState::Partial
            | PlanState::Failed
            | PlanState::Rejected
            | PlanState::Superseded
            | PlanState::Expired => {
                let message = format!("plan {} is {}", stored.plan.id, stored.state.as_str());
                Err(Failure::text(Exit::Stale, message).hint("plan anew: `seatkeeper plan`"))
            }
        }
    }

    async fn decide(&self, stored: StoredPlan) -> Outcome {
        let deciding = &self.args.deciding;
        let reason = deciding.reason.as_deref().map(std::sync::Arc::from);
        match accept(&stored.plan, &self.accepted, reason.as_ref()) {
            Ok(()) => {}
            Err(Missing::Guards(missing))
                if has_part(&stored.plan, &|operation| goes_on(operation, &self.accepted)) =>
            {
                return self.rest(&stored, &missing).await;
            }
            Err(missing) => return Err(not_accepted(&missing)),
        }
        self.ask(&stored, &summary(&stored.plan)).await?;
        let store = self.store;
        record_approval(self.session, store, &stored, deciding).await?;
        let id = stored.plan.id;
        let approved =
            store.plan(None, Some(id)).await.map_err(|e| self.session.records_failure(e))?;
        let approved = approved.ok_or_else(|| self.session.no_plan(None))?;
        self.carry_out(&approved).await
    }

    /// Carries out the part that no guard holds, and leaves the rest waiting for a person.
    async fn rest(&self, held: &StoredPlan, missing: &[GuardName]) -> Outcome {
        let deciding: &Deciding = &self.args.deciding;
        if !self.accepted.is_empty() && deciding.reason.is_none() {
            return Err(not_accepted(&Missing::Reason));
        }
        let names = guard_list(missing);
        let going_on =
            held.plan.operations.iter().filter(|op| goes_on(op, &self.accepted)).count() as u64;
        let held_back = held.plan.operations.len() as u64 - going_on;
        self.ui().say(&format!(
            "{names} holds {}; {} can go on",
            count(held_back, "operation", "operations"),
            count(going_on, "other", "others"),
        ));
        let what = format!("{}, without those held", count(going_on, "operation", "operations"));
        self.ask(held, &what).await?;
        let (who, reason) = (deciding.by.as_deref(), deciding.reason.as_deref());
        let carried =
            self.desk.carry_out_part(self.policies, held, &self.accepted, who, reason).await?;
        let Some(carried) = carried else {
            return Err(Failure::text(Exit::Stale, "nothing of the plan is still planned so")
                .hint("plan anew: `seatkeeper plan`"));
        };
        let exit = self.tell(&carried)?;
        let tripped = tripped(&held.plan.guards);
        let accept: String =
            tripped.iter().map(|guard| format!(" --accept {}", guard.as_str())).collect();
        let id = held.plan.id;
        self.ui().say(&format!(
            "plan {id} still holds the others: seatkeeper approve {id}{accept} --reason \"…\""
        ));
        Ok(exit.or(Exit::Partial))
    }

    async fn ask(&self, stored: &StoredPlan, what: &str) -> Result<(), Failure> {
        if self.args.yes {
            return Ok(());
        }
        let question = format!("Apply this to tenant {} ({what})?", stored.plan.tenant);
        match self.ui().ask(&question, &self.session.stop).await {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::text(Exit::Held, "not applied: the answer was no")),
            None => {
                Err(Failure::text(Exit::Held, "approval is missing, and nobody is there to ask")
                    .hint(format!(
                        "add --yes, or decide apart: seatkeeper approve {}",
                        stored.plan.id
                    )))
            }
        }
    }

    async fn carry_out(&self, stored: &StoredPlan) -> Outcome {
        let carried = self.desk.carry_out(self.policies, stored).await?;
        self.tell(&carried)
    }

    /// Tells what carrying a plan out came to.
    fn tell(&self, carried: &CarriedOutReply) -> Outcome {
        self.ui().clear();
        self.ui().result(&told(carried))?;
        if let Some(why) = &carried.stopped {
            self.ui().err(&format!("stopped before the end: {why}"));
        }
        let went_wrong = [OutcomeKind::Refused, OutcomeKind::Failed];
        if carried.outcomes.iter().any(|(kind, _)| went_wrong.contains(kind)) {
            let id = carried.plan;
            self.ui().say(&format!("of whom, and why: seatkeeper history --plan {id}"));
        }
        if carried.unsettled > 0 {
            self.ui().err(&format!(
                "{} were sent and not confirmed; the next run looks up what became of them",
                count(carried.unsettled, "operation", "operations")
            ));
        }
        if carried.unapproved > 0 && carried.part_of.is_none() {
            self.ui().say(&format!(
                "{} more would be planned now and were not approved: `seatkeeper plan`",
                carried.unapproved
            ));
        }
        Ok(exit(carried))
    }
}

fn told(carried: &CarriedOutReply) -> String {
    let counts: Vec<String> = carried
        .outcomes
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.as_str().replace('_', " ")))
        .collect();
    format!("{} {}: {}", carried.state.as_str(), carried.plan, counts.join(", "))
}

fn exit(carried: &CarriedOutReply) -> Exit {
    let count = |kind: OutcomeKind| -> u64 {
        let of_kind = carried.outcomes.iter().filter(|(found, _)| *found == kind);
        of_kind.map(|(_, count)| count).sum()
    };
    let total: u64 = carried.outcomes.iter().map(|(_, count)| count).sum();
    match carried.state {
        PlanState::Applied => Exit::Done,
        PlanState::Failed if total > 0 && count(OutcomeKind::Stale) == total => Exit::Stale,
        // Nothing took effect: not because of what was asked, but because it could not be done.
        PlanState::Failed if count(OutcomeKind::Refused) < total || carried.stopped.is_some() => {
            Exit::Unavailable
        }
        PlanState::Proposed
        | PlanState::Held
        | PlanState::Approved
        | PlanState::Applying
        | PlanState::Partial
        | PlanState::Failed
        | PlanState::Rejected
        | PlanState::Superseded
        | PlanState::Expired => Exit::Partial,
    }
}
