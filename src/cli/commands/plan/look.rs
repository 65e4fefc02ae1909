//! Plans to look at only: from an exported tenant, at another time, or against other policies. Nothing
//! of them is stored; from a file there is neither network nor store, and no secret is opened.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::finish;
use crate::cli::args::PlanArgs;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::export;
use crate::cli::policies::LoadedPolicies;
use crate::cli::session::{Beside, Session};
use crate::config::Tenant;
use crate::domain::snapshot::Snapshot;
use crate::engine::CycleError;
use crate::plan::bind::Problem;
use crate::plan::compare::{Against, Compared, compare};
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, Planned};
use crate::plan::what_if::foresee;
use crate::plan::{Asked, Plan, SnapshotFrom, Trigger};
use crate::policy::{InvalidMoment, Moment};
use crate::ports::{Records as _, StoredPlan};
use crate::report::text::{count, time};
use crate::store::export::Export;

/// Whether the arguments ask for a plan to look at only.
pub(super) fn is_asked(args: &PlanArgs) -> bool {
    args.snapshot.is_some() || args.baseline.is_some() || args.at.is_some()
}

/// What is looked at, and how.
struct Look<'a> {
    args: &'a PlanArgs,
    session: &'a Session<'a>,
    policies: LoadedPolicies,
    baseline: Option<LoadedPolicies>,
    at: Option<Moment>,
}

/// A tenant as it was read, and what policies owned there.
struct Seen {
    snapshot: Arc<Snapshot>,
    ledger: Arc<Ledger>,
    from: SnapshotFrom,
}

/// Shows the plans that are asked for.
pub(super) async fn run(args: &PlanArgs, session: &Session<'_>) -> Outcome {
    let at = args.at.as_deref().map(moment).transpose()?;
    let policies = session.policies()?;
    let baseline = args.baseline.as_deref().map(|dir| session.baseline(dir)).transpose()?;
    let look = Look { args, session, policies, baseline, at };
    if let Some(path) = &args.snapshot {
        return look.at_file(path);
    }
    let mut exit = Exit::Done;
    for tenant in session.tenants(args.common.tenant.as_deref())? {
        exit = exit.or(session.told(look.at_tenant(tenant).await));
    }
    Ok(exit)
}

fn moment(text: &str) -> Result<Moment, Failure> {
    text.parse().map_err(|error| Failure::new(Exit::Usage, error).hint(InvalidMoment::HINT))
}

impl Look<'_> {
    fn at_file(&self, path: &Path) -> Outcome {
        let Export { tenant: name, snapshot, ledger } = export::read(path)?;
        let tenants = &self.session.config.tenants;
        let what = export::called(path);
        if let Some(asked) = self.args.common.tenant.as_deref()
            && asked != name.as_str()
        {
            let message = format!("the snapshot {what} is of tenant `{name}`, not of `{asked}`");
            return Err(Failure::text(Exit::Usage, message).hint("leave --tenant out"));
        }
        let tenant = tenants.iter().find(|tenant| tenant.name == name).ok_or_else(|| {
            let names: Vec<String> =
                tenants.iter().map(|tenant| format!("`{}`", tenant.name)).collect();
            let message = format!("the snapshot {what} is of tenant `{name}`, which is not configured");
            Failure::text(Exit::Invalid, message).hint(format!(
                "its settings (protected users, guards, reserves) are needed; the configuration has {}",
                names.join(", ")
            ))
        })?;
        let taken_at = time(snapshot.taken_at());
        let seen = Seen {
            snapshot: Arc::new(snapshot),
            ledger: Arc::new(ledger),
            from: SnapshotFrom::File,
        };
        let exit = self.show(tenant, &seen)?;
        self.session.ui.say(&format!("planned from {what}, read {taken_at}; nothing was stored"));
        Ok(exit)
    }

    async fn at_tenant(&self, tenant: &Tenant) -> Outcome {
        let session = self.session;
        let beside = match &self.baseline {
            Some(baseline) => Beside::For(&baseline.policies.set),
            None => Beside::Nothing,
        };
        let (snapshot, store) =
            session.read_anew(tenant, &self.policies, &beside, "seatkeeper plan").await?;
        let ledger =
            store.ledger(&tenant.name).await.map_err(|error| session.records_failure(error))?;
        self.show(tenant, &Seen { snapshot, ledger, from: SnapshotFrom::Tenant })
    }

    fn show(&self, tenant: &Tenant, seen: &Seen) -> Outcome {
        let Compared { planned, problems_in_both } = self.plan(tenant, seen)?;
        let Planned { plan, state, observed: _, on_acceptance: _, problems } = planned;
        if !problems.is_empty() && !self.args.leave_out_misfits {
            return Err(self.misfit(tenant, problems));
        }
        let stored = StoredPlan { plan, state, decisions: Vec::new() };
        let exit = finish(self.args, self.session, &stored)?;
        self.remark(tenant, &stored.plan, &problems_in_both);
        Ok(exit)
    }

    /// Makes the plan. Without a baseline, nothing is in both.
    fn plan(&self, tenant: &Tenant, seen: &Seen) -> Result<Compared, Failure> {
        let Seen { snapshot, ledger, from } = seen;
        let policies = &self.policies.policies;
        let inputs = Inputs {
            tenant: &tenant.name,
            policies: &policies.set,
            policy_digest: policies.digest,
            policy_commit: policies.commit.as_ref(),
            settings: &tenant.settings,
            snapshot,
            ledger,
            now: snapshot.taken_at(),
            trigger: Trigger::Person,
            asked: Asked::Policies,
        };
        let at = self.time(tenant, snapshot)?;
        let made = match &self.baseline {
            None => foresee(&inputs, at, *from)
                .map(|planned| Compared { planned, problems_in_both: Vec::new() }),
            Some(baseline) => {
                let other = &baseline.policies;
                let against = Against {
                    policies: &other.set,
                    digest: other.digest,
                    commit: other.commit.as_ref(),
                };
                compare(&inputs, against, at, *from)
            }
        };
        made.map_err(|problems| self.misfit(tenant, problems))
    }

    /// Returns the time to plan for: that of the read, unless a later one is asked for. What was
    /// before the read, the read does not tell.
    fn time(&self, tenant: &Tenant, snapshot: &Snapshot) -> Result<Timestamp, Failure> {
        let taken_at = snapshot.taken_at();
        let Some(asked) = self.at else { return Ok(taken_at) };
        let at = asked.at(&tenant.settings.time_zone);
        if at < taken_at {
            let message = format!(
                "{} lies before the read of {}: what was then cannot be told from it",
                time(at),
                time(taken_at)
            );
            return Err(Failure::text(Exit::Usage, message)
                .hint("give a later time; `seatkeeper plans` lists what was planned before"));
        }
        Ok(at)
    }

    fn misfit(&self, tenant: &Tenant, problems: Vec<Problem>) -> Failure {
        let error = CycleError::Misfit { tenant: tenant.name.clone(), problems };
        self.session.cycle_failure(error, &self.policies)
    }

    /// Says what a reader of the plan could miss.
    fn remark(&self, tenant: &Tenant, plan: &Plan, problems_in_both: &[Problem]) {
        let ui = self.session.ui;
        if !problems_in_both.is_empty() {
            ui.say(&format!(
                "{} with tenant `{}`, in the baseline just the same; such policies take no part",
                count(problems_in_both.len() as u64, "problem", "problems"),
                tenant.name
            ));
        }
        let unread = |detail: &str| detail.contains("group ");
        if self.args.snapshot.is_some() && plan.unknown.iter().any(|it| unread(&it.detail)) {
            ui.say(
                "what was not read into the file is unknown; `seatkeeper snapshot --all-groups` \
                 reads the members of every group",
            );
        }
    }
}
