//! What was approved is what runs: an approval binds to operations, and at the moment of carrying a
//! plan out the tenant is planned again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::ids::UserId;
use crate::domain::names::TenantName;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{Assignment, Licenses, ServicePlanSet};
use crate::plan::bind::Problem;
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, Planned, Scope, make_for};
use crate::plan::resolve::same;
use crate::plan::{Digest, GuardName, Operation, Plan, PlanId, PlanState};

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
}

/// Plans again, and takes up what of an approved plan is still planned just as it was approved.
///
/// # Errors
///
/// Fails where the plan is not approved or has expired, or where no plan can be made at all; then
/// nothing may run.
pub fn take_up(plan: &Plan, state: PlanState, inputs: &Inputs<'_>) -> Result<TakenUp, NotTakenUp> {
    if state != PlanState::Approved {
        return Err(NotTakenUp::NotApproved { plan: plan.id, state });
    }
    if inputs.now >= plan.expires_at {
        return Err(NotTakenUp::Expired { plan: plan.id, at: plan.expires_at });
    }
    let approved: BTreeSet<Digest> = plan.operations.iter().map(|op| op.key).collect();
    let everything = make_for(inputs, &Scope::Everybody).map_err(NotTakenUp::Unsettled)?;
    let unapproved =
        everything.plan.operations.iter().filter(|op| !approved.contains(&op.key)).count() as u64;
    let mut planned = everything.clone();
    let mut without: BTreeSet<UserId> = BTreeSet::new();
    // Leaving one user out may take the seat from under another, so look until nothing changes.
    for _ in 0..ROUNDS_MAX {
        let foreign: Vec<UserId> = planned
            .plan
            .operations
            .iter()
            .filter(|op| !approved.contains(&op.key))
            .map(|op| op.user.id)
            .collect();
        if foreign.is_empty() {
            break;
        }
        without.extend(foreign);
        let scope = Scope::Without { part_of: plan.part_of, users: without.clone() };
        planned = make_for(inputs, &scope).map_err(NotTakenUp::Unsettled)?;
    }
    let operations: Vec<Operation> =
        planned.plan.operations.into_iter().filter(|op| approved.contains(&op.key)).collect();
    let running: BTreeSet<Digest> = operations.iter().map(|op| op.key).collect();
    let (already_done, stale): (Vec<&Operation>, Vec<&Operation>) = plan
        .operations
        .iter()
        .filter(|op| !running.contains(&op.key))
        .partition(|op| is_so(op, inputs.snapshot, inputs.ledger));
    Ok(TakenUp {
        stale: stale.iter().map(|op| op.key).collect(),
        already_done: already_done.iter().map(|op| op.key).collect(),
        approved: ApprovedPlan { id: plan.id, tenant: plan.tenant.clone(), operations },
        unapproved,
        planned: everything,
    })
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
    added && operation.remove.iter().all(|sku| direct(sku.id).is_none())
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

/// Returns the scope of the part of a plan that no guard holds, where only some of it is held.
pub fn rest(plan: &Plan) -> Option<Scope> {
    let held: BTreeSet<UserId> = plan
        .operations
        .iter()
        .filter(|operation| !operation.held_by.is_empty())
        .map(|operation| operation.user.id)
        .collect();
    if held.is_empty() || held.len() == plan.operations.len() {
        return None;
    }
    Some(Scope::Without { part_of: Some(plan.id), users: held })
}
