//! Takes a plan back: users get what they had before it, as far as nobody has changed them since.
//!
//! What a plan only adopted changed nothing in the tenant, and stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::{Assignment, Licenses, ServicePlanSet, User};
use crate::plan::approval::is_in_effect;
use crate::plan::bulk::{policy, these};
use crate::plan::origin::{RequestError, block};
use crate::plan::resolve::{About, Block, Grant, Removal, Resolution, Why};
use crate::plan::words::count;
use crate::plan::{
    BlockedReason, Digest, LocationChange, Operation, Plan, PlanId, Reason, Warning,
};
use crate::policy::{Action, Policy};

/// What the plans that come of it name as the reason.
const NAME: &str = "revert";

/// What a plan did, to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverting {
    /// The plan.
    pub(crate) plan: PlanId,
    /// What took effect of it and changed something in the tenant, by user.
    done: BTreeMap<UserId, Operation>,
    /// Operations that did not take effect.
    without_effect: usize,
    /// Operations that only adopted.
    adoptions: usize,
}

impl Reverting {
    /// Prepares to take back what took effect of a plan.
    ///
    /// # Errors
    ///
    /// Fails where nothing of it changed anything in the tenant.
    pub fn of(plan: &Plan, took_effect: &BTreeSet<Digest>) -> Result<Self, RequestError> {
        let (done, failed): (Vec<&Operation>, Vec<&Operation>) =
            plan.operations.iter().partition(|operation| took_effect.contains(&operation.key));
        let (changing, adopting): (Vec<&Operation>, Vec<&Operation>) =
            done.into_iter().partition(|operation| changes_the_tenant(operation));
        if changing.is_empty() {
            return Err(RequestError::NothingDone { plan: plan.id });
        }
        Ok(Self {
            plan: plan.id,
            done: changing.into_iter().map(|op| (op.user.id, op.clone())).collect(),
            without_effect: failed.len(),
            adoptions: adopting.len(),
        })
    }

    /// Returns what the plan did to a user.
    pub(crate) fn of_user(&self, user: UserId) -> Option<&Operation> {
        self.done.get(&user)
    }

    /// Returns a policy that selects the users and asks for nothing: what is to become of each
    /// follows from what the plan did to them.
    pub(crate) fn policy(&self) -> Policy {
        let users: Vec<UserId> = self.done.keys().copied().collect();
        policy(NAME, Action::Add { licenses: Vec::new() }, None, these(&users))
    }

    /// Returns what a reviewer should know: what is not reverted, and who is gone.
    pub(crate) fn warnings(&self, snapshot: &Snapshot) -> Vec<Warning> {
        let warning = |message: String| Warning { at: "".into(), message };
        let mut warnings = Vec::new();
        if self.without_effect > 0 {
            let count = count(self.without_effect, "operation", "operations");
            let message = format!("{count} of plan {} had no effect", self.plan);
            warnings.push(warning(message + "; there is nothing to revert of that"));
        }
        if self.adoptions > 0 {
            let count = count(self.adoptions, "operation", "operations");
            let message = format!("{count} of plan {} only adopted", self.plan);
            warnings.push(warning(message + "; what policies own stays theirs"));
        }
        let gone = self.done.values().filter(|op| snapshot.user(op.user.id).is_none());
        warnings.extend(gone.map(|operation| {
            let name = &operation.user.principal_name;
            warning(format!("{name} is gone since plan {}; left out", self.plan))
        }));
        warnings
    }
}

/// Works out how a user comes back to what they had before an operation.
pub(crate) fn resolve(user: &User, operation: &Operation, catalogue: &Catalogue) -> Resolution {
    let blocked = |reason| Resolution { blocked: vec![block(reason)], ..Resolution::default() };
    let Known::Known(licenses) = &user.licenses else {
        return blocked(BlockedReason::Unreadable);
    };
    if !is_as_left(user, operation, licenses, catalogue) {
        return blocked(BlockedReason::ChangedSince);
    }
    let mut resolution = Resolution::default();
    for addition in &operation.add {
        let before = before(operation, addition.sku.id);
        match before {
            Some(off) => give(&mut resolution, licenses, catalogue, addition.sku.id, &off),
            None => take(&mut resolution, licenses, addition.sku.id),
        }
    }
    for removed in &operation.remove {
        if let Some(off) = before(operation, removed.id) {
            give(&mut resolution, licenses, catalogue, removed.id, &off);
        }
    }
    locate(operation, &mut resolution);
    // What was taken goes only with what was there instead: nobody is left without either.
    let needs: BTreeSet<SkuId> = resolution.grants.keys().copied().collect();
    resolution.removals.values_mut().for_each(|removal| removal.needs.clone_from(&needs));
    match hindrance(user, &resolution, licenses, catalogue) {
        Some(block) => Resolution { blocked: vec![block], ..Resolution::default() },
        None => resolution,
    }
}

fn changes_the_tenant(operation: &Operation) -> bool {
    !operation.add.is_empty() || !operation.remove.is_empty() || operation.usage_location.is_some()
}

/// Whether a user is as an operation left them, in what it touched.
fn is_as_left(
    user: &User,
    operation: &Operation,
    licenses: &Licenses,
    catalogue: &Catalogue,
) -> bool {
    let located = |change: LocationChange| user.usage_location == Known::Known(Some(change.to));
    is_in_effect(operation, licenses, catalogue) && operation.usage_location.is_none_or(located)
}

/// Returns the service plans that were off before an operation, where the SKU was there directly.
fn before(operation: &Operation, sku: SkuId) -> Option<ServicePlanSet> {
    let held = operation.before.iter().find(|held| held.sku.id == sku)?;
    Some(held.disabled.iter().map(|plan| plan.id).collect())
}

fn locate(operation: &Operation, resolution: &mut Resolution) {
    let Some(LocationChange { from, to }) = operation.usage_location else { return };
    match from {
        Some(from) => {
            let change = LocationChange { from: Some(to), to: from };
            resolution.location = Some((change, vec![0]));
        }
        // A location is a legal and tax fact, and whoever has licenses needs one.
        None => resolution.blocked.push(block(BlockedReason::LocationStays)),
    }
}

fn reverted() -> Vec<Why> {
    vec![Why { policy: 0, reason: Reason::Reverted }]
}

fn give(
    resolution: &mut Resolution,
    licenses: &Licenses,
    catalogue: &Catalogue,
    sku: SkuId,
    off: &ServicePlanSet,
) {
    let held = licenses.get(sku);
    let switchable: BTreeSet<_> =
        catalogue.get(sku).into_iter().flat_map(crate::domain::sku::Sku::switchable).collect();
    let grant = Grant {
        // What Graph lists as it likes cannot be switched, and must not be asked for.
        disabled: off.iter().filter(|plan| switchable.contains(plan)).collect(),
        held: held.and_then(Assignment::direct).is_some(),
        needs_seat: held.is_none(),
        priority: 0,
        by: vec![0],
        why: Vec::new(),
    };
    resolution.grants.insert(sku, grant);
}

fn take(resolution: &mut Resolution, licenses: &Licenses, sku: SkuId) {
    let inherited = licenses.get(sku).map(Assignment::inherited).unwrap_or_default();
    let removal =
        Removal { why: reverted(), needs: BTreeSet::new(), frees_seat: inherited.is_empty() };
    resolution.removals.insert(sku, removal);
}

/// Says what Graph would refuse, where it would: then the user is left as they are.
fn hindrance(
    user: &User,
    resolution: &Resolution,
    licenses: &Licenses,
    catalogue: &Catalogue,
) -> Option<Block> {
    if resolution.grants.is_empty() {
        return None;
    }
    match user.usage_location {
        Known::Known(Some(_)) => {}
        Known::Known(None) => return Some(block(BlockedReason::NoUsageLocation)),
        Known::Unknown => return Some(block(BlockedReason::Unreadable)),
    }
    let is_assignable = |sku: SkuId| {
        licenses.get(sku).is_some()
            || catalogue.get(sku).is_some_and(|sku| sku.status.is_assignable())
    };
    let dead = resolution.grants.keys().find(|sku| !is_assignable(**sku))?;
    let (reason, why) = (BlockedReason::SkuNotAssignable, reverted());
    Some(Block { sku: Some(*dead), reason, why, about: About::Nothing })
}

#[cfg(test)]
mod tests;
