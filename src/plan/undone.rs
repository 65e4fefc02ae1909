//! Which policies would undo a one-off plan: what they ask for once it has been carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::plan::after::{After, after};
use crate::plan::make::{Inputs, Scope, make_for};
use crate::plan::{Asked, Because, Operation, Plan, SkuRef};

/// A policy that would undo some of a one-off plan, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undoing {
    /// The policy.
    pub policy: PolicyName,
    /// Where it stands, as `file:line`.
    pub at: Arc<str>,
    /// The SKU; none where it is about the usage location.
    pub sku: Option<SkuRef>,
    /// What it would do.
    pub how: UndoneHow,
    /// For how many users.
    pub users: u64,
}

/// What a policy would do to undo something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UndoneHow {
    /// It gives what was taken.
    Adds,
    /// It takes what was given, at once or when its grace is over.
    Removes,
    /// It changes the service plans of what was given or changed.
    Modifies,
    /// It sets another usage location.
    Locates,
}

/// What is done to one user.
type Deed = (UserId, Option<SkuId>, UndoneHow);

/// Returns the policies that would undo some of a one-off plan.
pub(crate) fn undone_by(inputs: &Inputs<'_>, plan: &Plan) -> Vec<Undoing> {
    let After { snapshot, ledger } = after(inputs.snapshot, inputs.ledger, plan);
    let users: BTreeSet<UserId> = plan.operations.iter().map(|op| op.user.id).collect();
    let next = Inputs { snapshot: &snapshot, ledger: &ledger, asked: Asked::Policies, ..*inputs };
    // Settings that do not fit would have kept the one-off plan from being made, too.
    let Ok(next) = make_for(&next, &Scope::Only { users }) else { return Vec::new() };
    let reversals: BTreeSet<Deed> = plan.operations.iter().flat_map(reversals).collect();
    let mut found: BTreeMap<Undoing, BTreeSet<UserId>> = BTreeMap::new();
    for (deed, policies) in asked_for(&next.plan) {
        if !reversals.contains(&deed) {
            continue;
        }
        let (user, _, how) = deed;
        for because in policies {
            let Because { policy, at, sku, reason: _, detail: _ } = because;
            found.entry(Undoing { policy, at, sku, how, users: 0 }).or_default().insert(user);
        }
    }
    let counted = |(undoing, users): (Undoing, BTreeSet<UserId>)| Undoing {
        users: users.len() as u64,
        ..undoing
    };
    found.into_iter().map(counted).collect()
}

/// Returns what would reverse an operation.
fn reversals(operation: &Operation) -> Vec<Deed> {
    let user = operation.user.id;
    let mut deeds = Vec::new();
    for addition in &operation.add {
        deeds.push((user, Some(addition.sku.id), UndoneHow::Modifies));
        if !addition.held {
            deeds.push((user, Some(addition.sku.id), UndoneHow::Removes));
        }
    }
    deeds.extend(operation.remove.iter().map(|sku| (user, Some(sku.id), UndoneHow::Adds)));
    deeds.extend(operation.usage_location.map(|_| (user, None, UndoneHow::Locates)));
    deeds
}

/// Returns what a plan does, now or later, and what asks for it.
fn asked_for(plan: &Plan) -> BTreeMap<Deed, BTreeSet<Because>> {
    let mut all: BTreeMap<Deed, BTreeSet<Because>> = BTreeMap::new();
    let mut note = |user: UserId, how: UndoneHow, why: &Because| {
        let deed = (user, why.sku.as_ref().map(|sku| sku.id), how);
        all.entry(deed).or_default().insert(why.clone());
    };
    for operation in &plan.operations {
        for why in &operation.because {
            if let Some(how) = how(operation, why) {
                note(operation.user.id, how, why);
            }
        }
    }
    for scheduled in &plan.scheduled {
        scheduled.because.iter().for_each(|why| note(scheduled.user.id, UndoneHow::Removes, why));
    }
    for waiting in &plan.waiting {
        waiting.because.iter().for_each(|why| note(waiting.user.id, UndoneHow::Adds, why));
    }
    all
}

/// Returns what an operation does for a reason.
fn how(operation: &Operation, why: &Because) -> Option<UndoneHow> {
    let Some(sku) = &why.sku else {
        return operation.usage_location.map(|_| UndoneHow::Locates);
    };
    if operation.remove.contains(sku) {
        return Some(UndoneHow::Removes);
    }
    let addition = operation.add.iter().find(|addition| addition.sku == *sku)?;
    Some(if addition.held { UndoneHow::Modifies } else { UndoneHow::Adds })
}
