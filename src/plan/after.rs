//! The tenant and the ledger as they are once a plan has been carried out: foreseen, so that the next
//! plan can be made before anything is done.

use jiff::Timestamp;

use crate::domain::ids::SkuId;
use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{Assignment, AssignmentSource, Licenses, ServicePlanSet, User};
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::memory::{MemoryChange, assertions};
use crate::plan::{Operation, Plan, Released, guard};

/// What carrying a plan out leads to, where all of it takes effect.
pub(crate) struct After {
    /// The tenant.
    pub(crate) snapshot: Snapshot,
    /// Who owns what.
    pub(crate) ledger: Ledger,
}

/// Returns what an operation that took effect changes in the ledger.
pub fn consequences(operation: &Operation, at: Timestamp) -> Vec<LedgerChange> {
    let user = operation.user.id;
    let own = |sku, owners: &[PolicyName]| {
        let own = |owner: &PolicyName| LedgerChange::Own(user, sku, owner.clone(), at);
        owners.iter().map(own).collect::<Vec<_>>()
    };
    let mut changes: Vec<LedgerChange> =
        operation.remove.iter().map(|sku| LedgerChange::Forget(user, sku.id)).collect();
    for addition in &operation.add {
        changes.extend(own(addition.sku.id, &addition.owners));
    }
    for adoption in &operation.adopt {
        changes.extend(own(adoption.sku.id, &adoption.owners));
    }
    changes.extend(
        assertions(operation)
            .into_iter()
            .map(|(sku, wanted)| LedgerChange::from(MemoryChange::Assert(user, sku, wanted, at))),
    );
    if guard::is_loss(operation) {
        changes.push(MemoryChange::Lose(user, at).into());
    }
    changes
}

/// Foresees a plan: every operation takes effect when the plan is made, and what is released is let
/// go.
pub(crate) fn after(snapshot: &Snapshot, ledger: &Ledger, plan: &Plan) -> After {
    let operations = plan.operations.iter();
    let mut changes: Vec<LedgerChange> =
        operations.flat_map(|operation| consequences(operation, plan.created_at)).collect();
    changes.extend(plan.released.iter().map(Released::let_go));
    let changed = |operation: &Operation| {
        let user = snapshot.user(operation.user.id)?;
        Some(changed(user.clone(), operation))
    };
    After {
        snapshot: snapshot.updated(plan.operations.iter().filter_map(changed)),
        ledger: ledger.after(&changes).into_owned(),
    }
}

/// Returns a user as an operation leaves them.
fn changed(mut user: User, operation: &Operation) -> User {
    if let Some(change) = operation.usage_location {
        user.usage_location = Known::Known(Some(change.to));
    }
    if let Known::Known(licenses) = &mut user.licenses {
        for addition in &operation.add {
            let off = addition.disabled.iter().map(|plan| plan.id).collect();
            put(licenses, addition.sku.id, Some(off));
        }
        for removed in &operation.remove {
            put(licenses, removed.id, None);
        }
    }
    user
}

/// Puts a direct assignment in place of the one before, or takes it away.
fn put(licenses: &mut Licenses, sku: SkuId, direct: Option<ServicePlanSet>) {
    let inherited = licenses.get(sku).map(Assignment::inherited).unwrap_or_default().to_vec();
    licenses.assignments.retain(|assignment| assignment.sku != sku);
    let mut sources: Vec<&ServicePlanSet> = direct.iter().collect();
    sources.extend(inherited.iter().map(|inherited| &inherited.disabled));
    let Some((first, rest)) = sources.split_first() else { return };
    let disabled = first.iter().filter(|plan| rest.iter().all(|off| off.contains(*plan))).collect();
    let source = AssignmentSource::Told { direct, inherited: inherited.into() };
    licenses.assignments.push(Assignment { sku, disabled, source });
    licenses.assignments.sort_by_key(|assignment| assignment.sku);
}

#[cfg(test)]
mod tests;
