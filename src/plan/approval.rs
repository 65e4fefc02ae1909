//! What was approved is what runs: an approval binds to operations, and at the moment of carrying a
//! plan out the tenant is planned again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::ids::UserId;
use crate::domain::names::TenantName;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{Assignment, AssignmentSource, Licenses, ServicePlanSet};
use crate::plan::bind::Problem;
use crate::plan::guard::{Judging, Owned};
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, Planned, Scope, make_counting, make_for};
use crate::plan::resolve::same;
use crate::plan::{Digest, GuardName, Operation, Plan, PlanId, PlanState, Verdict};

/// How often planning again may leave more users out before the rest is cut off by hand.
const ROUNDS_MAX: usize = 8;

/// Operations that may be carried out: a person (or the mode) said yes to each of them, and they are
/// still planned just so.
///
/// Only [`take_up`] makes one, and the executor takes nothing else.
#[derive(Clone, Debug)]
pub struct ApprovedPlan {
    id: PlanId,
    tenant: TenantName,
    operations: Vec<Operation>,
}

impl ApprovedPlan {
    /// Returns the plan that was approved.
    pub fn id(&self) -> PlanId {
        self.id
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// Returns what runs, in the order in which it runs.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

/// What became of an approved plan when it was planned again.
#[derive(Clone, Debug)]
pub struct TakenUp {
    /// What runs.
    pub approved: ApprovedPlan,
    /// Operations that are no longer planned just as approved.
    pub stale: Vec<Digest>,
    /// Operations whose effect is there already.
    pub already_done: Vec<Digest>,
    /// Operations that would be planned now and were never approved. They do not run.
    pub unapproved: u64,
    /// The plan made anew, for what having looked changes in the ledger.
    pub planned: Planned,
}

/// Why a plan cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTakenUp {
    /// Nobody approved it.
    #[error("plan {plan} is {}, not approved", state.as_str())]
    NotApproved {
        /// The plan.
        plan: PlanId,
        /// Where it stands.
        state: PlanState,
    },
    /// It can no longer be decided or carried out.
    #[error("plan {plan} is {}", state.as_str())]
    NotOpen {
        /// The plan.
        plan: PlanId,
        /// Where it stands.
        state: PlanState,
    },
    /// It is too old.
    #[error("plan {plan} expired at {at}")]
    Expired {
        /// The plan.
        plan: PlanId,
        /// When.
        at: jiff::Timestamp,
    },
    /// The settings do not fit the tenant any more.
    #[error("the settings do not fit the tenant")]
    Unsettled(Vec<Problem>),
    /// Guards hold it now that did not when it was approved, or more than what was accepted.
    #[error("plan {plan} is held now: {}", sums(verdicts))]
    Guarded {
        /// The plan.
        plan: PlanId,
        /// What the guards found that nobody accepted.
        verdicts: Vec<Verdict>,
    },
}

fn sums(verdicts: &[Verdict]) -> String {
    let sum = |verdict: &Verdict| {
        let Verdict { guard, scope, limit, actual, counted: _, most: _, tripped: _ } = verdict;
        format!("`{}` {scope}: {actual} (limit: {limit})", guard.as_str())
    };
    verdicts.iter().map(sum).collect::<Vec<_>>().join("; ")
}

/// Plans again, and takes up what of an approved plan is still planned just as it was approved. What was
/// `tried` since the approval, in a part of the plan, does not run under it a second time.
///
/// # Errors
///
/// Fails where the plan is not approved or has expired, where no plan can be made at all, or where
/// guards trip that were not accepted, or by more than what was; then nothing may run.
pub fn take_up(
    plan: &Plan,
    state: PlanState,
    accepted: &[GuardName],
    tried: &BTreeSet<Digest>,
    inputs: &Inputs<'_>,
) -> Result<TakenUp, NotTakenUp> {
    if state != PlanState::Approved {
        return Err(NotTakenUp::NotApproved { plan: plan.id, state });
    }
    if inputs.now >= plan.expires_at {
        return Err(NotTakenUp::Expired { plan: plan.id, at: plan.expires_at });
    }
    let keys = plan.operations.iter().map(|op| op.key);
    let approved: BTreeSet<Digest> = keys.filter(|key| !tried.contains(key)).collect();
    let (mut everything, owned) =
        make_counting(inputs, &Scope::Everybody).map_err(NotTakenUp::Unsettled)?;
    let is_new = |op: &&Operation| !approved.contains(&op.key) && !tried.contains(&op.key);
    let unapproved = everything.plan.operations.iter().filter(is_new).count() as u64;
    // Only those whose operations were approved, so that nobody who came later takes their seats.
    let mut users: BTreeSet<UserId> = plan.operations.iter().map(|op| op.user.id).collect();
    let mut operations = Vec::new();
    // Leaving one user out may take the seat from under another, so look until nothing changes.
    for _ in 0..ROUNDS_MAX {
        let scope = match plan.part_of {
            None => Scope::Only { users: users.clone() },
            // Of a part, those held back keep the seats that were kept for them.
            Some(_) => {
                let others = everything.plan.operations.iter().map(|op| op.user.id);
                let others = others.filter(|user| !users.contains(user)).collect();
                Scope::Without { part_of: plan.part_of, users: others }
            }
        };
        operations = make_for(inputs, &scope).map_err(NotTakenUp::Unsettled)?.plan.operations;
        let before = users.len();
        for foreign in operations.iter().filter(|op| !approved.contains(&op.key)) {
            users.remove(&foreign.user.id);
        }
        if users.len() == before {
            break;
        }
    }
    operations.retain(|op| approved.contains(&op.key));
    let verdicts = judge_again(&everything.plan, &owned, &mut operations, inputs);
    let verdicts = uncovered(&verdicts, plan, accepted);
    if !verdicts.is_empty() {
        if !operations.is_empty() {
            return Err(NotTakenUp::Guarded { plan: plan.id, verdicts });
        }
        everything.on_acceptance.clear();
    }
    let running: BTreeSet<Digest> = operations.iter().map(|op| op.key).collect();
    let (done, not_so): (Vec<&Operation>, Vec<&Operation>) = plan
        .operations
        .iter()
        .filter(|op| !running.contains(&op.key))
        .partition(|op| is_so(op, inputs.snapshot, inputs.ledger));
    Ok(TakenUp {
        stale: not_so.iter().map(|op| op.key).collect(),
        already_done: done.iter().map(|op| op.key).collect(),
        approved: ApprovedPlan { id: plan.id, tenant: plan.tenant.clone(), operations },
        unapproved,
        planned: everything,
    })
}

/// Judges what is about to run, of a plan made anew.
fn judge_again(
    everything: &Plan,
    owned: &Owned,
    operations: &mut [Operation],
    inputs: &Inputs<'_>,
) -> Vec<Verdict> {
    let sources = everything.guards.iter().filter(|verdict| verdict.guard.watches_sources());
    let sources: Vec<Verdict> = sources.cloned().collect();
    let judging = Judging {
        later: &[],
        settings: &inputs.settings.guards,
        ledger: inputs.ledger,
        owned,
        users: everything.basis.users,
        now: inputs.now,
        sources: &sources,
    };
    judging.judge(operations)
}

/// Returns which verdicts trip and were not accepted with a plan: of another guard, about something
/// else, or more than what the plan showed.
pub fn uncovered(verdicts: &[Verdict], plan: &Plan, accepted: &[GuardName]) -> Vec<Verdict> {
    let is_covered = |verdict: &Verdict| {
        accepted.contains(&verdict.guard) && plan.guards.iter().any(|then| then.covers(verdict))
    };
    verdicts.iter().filter(|verdict| verdict.tripped && !is_covered(verdict)).cloned().collect()
}

/// Whether the effect of an operation is there already, in the tenant and in the ledger.
fn is_so(operation: &Operation, snapshot: &Snapshot, ledger: &Ledger) -> bool {
    let Some(user) = snapshot.user(operation.user.id) else { return false };
    let Some(licenses) = user.licenses.value() else { return false };
    let location = match operation.usage_location {
        None => true,
        Some(change) => user.usage_location.value() == Some(&Some(change.to)),
    };
    let owned = |sku, owners: &[crate::domain::names::PolicyName]| {
        let there = ledger.owners.get(&(operation.user.id, sku));
        owners.iter().all(|owner| there.is_some_and(|there| there.contains_key(owner)))
    };
    location
        && is_in_effect(operation, licenses, snapshot.catalogue())
        && operation.add.iter().all(|addition| owned(addition.sku.id, &addition.owners))
        && operation.adopt.iter().all(|adoption| owned(adoption.sku.id, &adoption.owners))
}

/// Whether a user's licenses are as an operation leaves them. Service plans that cannot be switched
/// per user are left out of the comparison, since Graph lists them as it likes.
pub fn is_in_effect(operation: &Operation, licenses: &Licenses, catalogue: &Catalogue) -> bool {
    let direct = |sku| licenses.get(sku).and_then(Assignment::direct);
    let added = operation.add.iter().all(|addition| {
        let wanted: ServicePlanSet = addition.disabled.iter().map(|plan| plan.id).collect();
        let product = catalogue.get(addition.sku.id);
        direct(addition.sku.id).is_some_and(|is| match product {
            Some(product) => same(product, is, &wanted),
            None => *is == wanted,
        })
    });
    // Where Graph does not say from where a SKU comes, it may be there directly still.
    let is_gone = |sku| match licenses.get(sku).map(|assignment| &assignment.source) {
        None => true,
        Some(AssignmentSource::Told { direct, inherited: _ }) => direct.is_none(),
        Some(AssignmentSource::Unknown) => false,
    };
    added && operation.remove.iter().all(|sku| is_gone(sku.id))
}

/// What is missing before a plan may be approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Guards that tripped and were not accepted.
    Guards(Vec<GuardName>),
    /// Guards were accepted without saying why.
    Reason,
    /// Guards were accepted that did not trip.
    NotTripped(Vec<GuardName>),
}

/// Checks what a person accepts against what tripped.
///
/// # Errors
///
/// Returns what is missing: every guard that tripped has to be accepted by its name, with a reason.
pub fn accept(
    plan: &Plan,
    accepted: &[GuardName],
    reason: Option<&Arc<str>>,
) -> Result<(), Missing> {
    let tripped = crate::plan::guard::tripped(&plan.guards);
    let missing: Vec<GuardName> =
        tripped.iter().filter(|guard| !accepted.contains(guard)).copied().collect();
    if !missing.is_empty() {
        return Err(Missing::Guards(missing));
    }
    let idle: Vec<GuardName> =
        accepted.iter().filter(|guard| !tripped.contains(guard)).copied().collect();
    if !idle.is_empty() {
        return Err(Missing::NotTripped(idle));
    }
    if !accepted.is_empty() && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Missing::Reason);
    }
    Ok(())
}

/// Plans again the part of a plan that may go on, such as what no guard holds: exactly operations that
/// were shown in the plan, and nothing that came since. Returns none where all of it may go on, nothing
/// may, or nothing of it is left.
///
/// # Errors
///
/// Returns what does not fit in the settings: then no plan can be made.
pub fn part(
    held: &Plan,
    goes_on: &dyn Fn(&Operation) -> bool,
    inputs: &Inputs<'_>,
) -> Result<Option<Planned>, Vec<Problem>> {
    if !has_part(held, goes_on) {
        return Ok(None);
    }
    let may_go_on = |op: &&Operation| goes_on(op);
    let allowed: BTreeSet<Digest> =
        held.operations.iter().filter(may_go_on).map(|op| op.key).collect();
    let mut users: BTreeSet<UserId> =
        held.operations.iter().filter(|op| !may_go_on(op)).map(|op| op.user.id).collect();
    for _ in 0..ROUNDS_MAX {
        let scope = Scope::Without { part_of: Some(held.id), users: users.clone() };
        let part = make_for(inputs, &scope)?;
        let operations = part.plan.operations.iter();
        let foreign: Vec<UserId> =
            operations.filter(|op| !allowed.contains(&op.key)).map(|op| op.user.id).collect();
        if foreign.is_empty() {
            return Ok((!part.plan.operations.is_empty()).then_some(part));
        }
        users.extend(foreign);
    }
    Ok(None)
}

/// Whether some operations of a plan may go on and others may not.
pub fn has_part(held: &Plan, goes_on: &dyn Fn(&Operation) -> bool) -> bool {
    let going_on = held.operations.iter().filter(|op| goes_on(op)).count();
    going_on > 0 && going_on < held.operations.len()
}

/// Whether no guard holds an operation but those that a person accepted.
pub fn goes_on(operation: &Operation, accepted: &[GuardName]) -> bool {
    operation.held_by.iter().all(|guard| accepted.contains(guard))
}

#[cfg(test)]
mod tests;
