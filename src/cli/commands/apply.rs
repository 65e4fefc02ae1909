//! `seatkeeper apply`: applies a stored plan; without one: plans, shows, asks, applies.

use crate::cli::args::{Apply, Deciding, Format};
use crate::cli::commands::decide::{by, guards, not_accepted, record_approval};
use crate::cli::commands::plan::as_stored;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::{Desk, LoadedPolicies, Session, Shown, misfits, plan_id};
use crate::cli::ui::Ui;
use crate::engine::carry_out::CarriedOut;
use crate::plan::approval::{Missing, accept, rest};
use crate::plan::{GuardName, PlanState, Trigger};
use crate::ports::{OutcomeKind, Records as _, StoredPlan};
use crate::report::text::summary;

/// Applies a plan, or plans and applies every tenant that is asked for.
pub async fn run(args: &Apply, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let policies = session.policies()?;
    let store = session.store()?;
    // A wrong name is told before anything is read.
    guards(&args.deciding.accept)?;
    if let Some(plan) = &args.plan {
        let id = plan_id(plan)?;
        let found =
            store.plan(None, Some(id)).await.map_err(|error| session.records_failure(error))?;
        let stored = found.ok_or_else(|| session.no_plan(Some(plan)))?;
        let tenant = session.one(Some(stored.plan.tenant.as_str()))?;
        let desk = session.desk(tenant, &store, "seatkeeper apply")?;
        return Applying { session: &session, policies: &policies, desk: &desk, args }
            .stored(stored)
            .await;
    }
    let mut exit = Exit::Done;
    for tenant in session.tenants(args.common.tenant.as_deref())? {
        let applied = match session.desk(tenant, &store, "seatkeeper apply") {
            Ok(desk) => {
                let work = Applying { session: &session, policies: &policies, desk: &desk, args };
                work.anew().await
            }
            Err(failure) => Err(failure),
        };
        exit = exit.or(session.ended(applied));
    }
    Ok(exit)
}

/// One tenant's plan on its way to being applied.
struct Applying<'a> {
    session: &'a Session<'a>,
    policies: &'a LoadedPolicies,
    desk: &'a Desk<'a>,
    args: &'a Apply,
}

impl Applying<'_> {
    fn ui(&self) -> &Ui {
        self.session.ui
    }

    /// Plans, shows, asks, applies.
    async fn anew(&self) -> Outcome {
        let engine = self.desk.engine();
        let misfits = misfits(self.args.leave_out_misfits);
        let cycle = engine
            .plan(&self.policies.policies, Trigger::Person, misfits)
            .await
            .map_err(|error| self.session.cycle_failure(error, self.policies))?;
        if cycle.recovered > 0 {
            self.ui().say("an interrupted run was settled first; `seatkeeper history` tells");
        }
        let stored = as_stored(&cycle);
        self.session.show_plan(&stored, Shown { format: Format::Text, all: self.args.all })?;
        if stored.plan.operations.is_empty() {
            engine
                .let_released_go(&stored.plan)
                .await
                .map_err(|error| self.session.cycle_failure(error, self.policies))?;
            self.ui().say("nothing to do");
            return Ok(Exit::Done);
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
        let accepted = guards(&deciding.accept)?;
        let reason = deciding.reason.as_deref().map(std::sync::Arc::from);
        match accept(&stored.plan, &accepted, reason.as_ref()) {
            Ok(()) => {}
            Err(Missing::Guards(missing)) if may_go_on(&stored, &missing) => {
                return self.rest(&stored, &missing).await;
            }
            Err(missing) => return Err(not_accepted(&missing)),
        }
        self.ask(&stored)?;
        let store = self.desk.store;
        record_approval(self.session, store, &stored, deciding).await?;
        let id = stored.plan.id;
        let approved =
            store.plan(None, Some(id)).await.map_err(|e| self.session.records_failure(e))?;
        let approved = approved.ok_or_else(|| self.session.no_plan(None))?;
        self.carry_out(&approved).await
    }

    /// Carries out the part that no guard holds, and leaves the rest waiting for a person.
    async fn rest(&self, held: &StoredPlan, guards: &[GuardName]) -> Outcome {
        let names = crate::plan::digest::guard_list(guards);
        self.ui().say(&format!("{names} holds the removals; the rest of the plan can go on"));
        self.ask(held)?;
        let deciding: &Deciding = &self.args.deciding;
        let part = self
            .desk
            .engine()
            .part_that_may_go_on(&self.policies.policies, &held.plan, by(deciding.by.as_deref()))
            .await
            .map_err(|error| self.session.cycle_failure(error, self.policies))?;
        let Some(part) = part else { return Err(not_accepted(&Missing::Guards(guards.to_vec()))) };
        let exit = self.carry_out(&part).await?;
        let accept: String =
            guards.iter().map(|guard| format!(" --accept {}", guard.as_str())).collect();
        let id = held.plan.id;
        self.ui().say(&format!(
            "plan {id} still holds its removals: seatkeeper approve {id}{accept} --reason \"…\""
        ));
        Ok(exit.or(Exit::Partial))
    }

    fn ask(&self, stored: &StoredPlan) -> Result<(), Failure> {
        if self.args.yes {
            return Ok(());
        }
        let question = format!(
            "Apply this plan to tenant {} ({})?",
            stored.plan.tenant,
            summary(&stored.plan)
        );
        match self.ui().ask(&question) {
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
        let carried = self
            .desk
            .engine()
            .carry_out(&self.desk.client, &self.policies.policies, stored)
            .await
            .map_err(|error| self.session.cycle_failure(error, self.policies))?;
        self.ui().clear();
        self.ui().result(&told(&carried))?;
        if let Some(why) = &carried.run.stopped {
            self.ui().err(&format!("stopped before the end: {why}"));
        }
        // What a guard holds back of the whole is told by whoever carries a part of it out.
        if carried.unapproved > 0 && stored.plan.part_of.is_none() {
            self.ui().say(&format!(
                "{} more would be planned now and were not approved: `seatkeeper plan`",
                carried.unapproved
            ));
        }
        Ok(exit(&carried))
    }
}

/// Whether something can go on although these guards are not accepted.
fn may_go_on(stored: &StoredPlan, missing: &[GuardName]) -> bool {
    missing.iter().all(|guard| guard.holds_removals_only()) && rest(&stored.plan).is_some()
}

fn told(carried: &CarriedOut) -> String {
    let counts: Vec<String> = carried
        .run
        .outcomes
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.as_str().replace('_', " ")))
        .collect();
    format!("{} {}: {}", carried.state.as_str(), carried.plan, counts.join(", "))
}

fn exit(carried: &CarriedOut) -> Exit {
    let count = |kind: OutcomeKind| carried.run.outcomes.get(&kind).copied().unwrap_or_default();
    let total: u64 = carried.run.outcomes.values().sum();
    match carried.state {
        PlanState::Applied => Exit::Done,
        PlanState::Failed if total > 0 && count(OutcomeKind::Stale) == total => Exit::Stale,
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
