//! What a version of the policies changes against another, whatever else there is to do: the plan that
//! a pull request is reviewed by.
//!
//! The other version, the baseline, is carried out first, on paper. What is planned then follows from
//! the difference; and what the baseline says then just the same is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::plan::after::{After, after};
use crate::plan::bind::Problem;
use crate::plan::guard;
use crate::plan::make::{Inputs, Planned, id, make, summary};
use crate::plan::what_if::{Aside, Baseline, NoLonger, Simulated, SnapshotFrom, made_at};
use crate::plan::{
    Because, Digest, Operation, Plan, PlanId, SeatLine, SkuRef, UserRef, Verdict, digest,
};
use crate::policy::PolicySet;

/// The baseline is carried out until nothing is left to do, or so many times: with few seats, a call
/// may wait for what another gives back.
const ROUNDS_MAX: u32 = 8;

/// The policies to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Against<'a> {
    /// The policies.
    pub policies: &'a PolicySet,
    /// The digest of their files.
    pub digest: Digest,
    /// The commit of their files, where there is one.
    pub commit: Option<&'a Arc<str>>,
}

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The plan: only what differs, with verdicts about that alone. Its problems are those that the
    /// baseline does not have just the same.
    pub planned: Planned,
    /// What does not fit the tenant in the baseline and in these policies alike.
    pub problems_in_both: Vec<Problem>,
}

/// Makes the plan of what the policies change against a baseline, as it would be at a time.
///
/// # Errors
///
/// As [`make`].
pub fn compare(
    inputs: &Inputs<'_>,
    against: Against<'_>,
    at: Timestamp,
    snapshot: SnapshotFrom,
) -> Result<Compared, Vec<Problem>> {
    let Against { policies, digest: policy_digest, commit } = against;
    let old = Inputs { policies, policy_digest, policy_commit: commit, ..*inputs };
    let After { snapshot: tenant, mut ledger } = settle(&old)?;
    // Nobody has lost anything on paper.
    ledger.memory.losses.clone_from(&inputs.ledger.memory.losses);
    ledger.memory.assertions.clone_from(&inputs.ledger.memory.assertions);
    let (reference, _) = made_at(&Inputs { snapshot: &tenant, ledger: &ledger, ..old }, at)?;
    let new = Inputs { snapshot: &tenant, ledger: &ledger, ..*inputs };
    let (planned, owned) = made_at(&new, at)?;
    let Planned { plan, state: _, observed, on_acceptance, problems } = planned;
    let (problems_in_both, problems) = problems
        .into_iter()
        .partition(|problem| reference.problems.iter().any(|known| is_same(known, problem)));
    let mut plan = difference(plan, &reference.plan);
    let sources = watched(&plan, &reference.plan);
    plan.guards = guard::Judging {
        later: &plan.scheduled,
        settings: &inputs.settings.guards,
        ledger: &ledger,
        owned: &owned,
        users: plan.basis.users,
        now: plan.created_at,
        sources: &sources,
    }
    .judge(&mut plan.operations);
    plan.basis.simulated = Some(Simulated { snapshot, at: plan.created_at });
    plan.basis.baseline = Some(Baseline { policy_digest, policy_commit: commit.cloned() });
    plan.digest = digest::plan(&plan);
    plan.id = PlanId(id(plan.created_at, plan.digest));
    let state = guard::state(&plan);
    let planned = Planned { plan, state, observed, on_acceptance, problems };
    Ok(Compared { planned, problems_in_both })
}

/// Returns the verdicts about what the plan follows from, but those that the baseline trips alike.
fn watched(plan: &Plan, reference: &Plan) -> Vec<Verdict> {
    let is_known = |verdict: &&Verdict| reference.guards.iter().any(|known| known.covers(verdict));
    let sources = plan.guards.iter().filter(|verdict| verdict.guard.watches_sources());
    sources.filter(|verdict| !is_known(verdict)).cloned().collect()
}

/// Returns tenant and ledger as the policies leave them where nothing keeps them from it.
fn settle(inputs: &Inputs<'_>) -> Result<After, Vec<Problem>> {
    let mut now = After { snapshot: inputs.snapshot.clone(), ledger: inputs.ledger.clone() };
    for _ in 0..ROUNDS_MAX {
        let next = Inputs { snapshot: &now.snapshot, ledger: &now.ledger, ..*inputs };
        let Planned { plan, state: _, observed, on_acceptance: _, problems: _ } = make(&next)?;
        if plan.operations.is_empty() && plan.released.is_empty() && observed.is_empty() {
            break;
        }
        now = after(&now.snapshot, &now.ledger.after(&observed), &plan);
    }
    Ok(now)
}

/// Whether two problems are one, wherever they are written.
fn is_same(one: &Problem, other: &Problem) -> bool {
    let told = |problem: &Problem| (problem.written.clone(), problem.message.clone());
    told(one) == told(other)
}

/// Leaves out of a plan what the baseline says just the same, and adds what only the baseline says.
/// Lines and wording do not count: a policy that moved in its file changes nothing.
fn difference(mut plan: Plan, reference: &Plan) -> Plan {
    let unmanaged = plan.summary.unmanaged.saturating_sub(reference.summary.unmanaged);
    let unknown = plan.summary.unknown.saturating_sub(reference.summary.unknown);
    plan.no_longer = no_longer(&plan, reference);
    leave_out(&mut plan.operations, &reference.operations, |operation| operation.key);
    leave_out(&mut plan.blocked, &reference.blocked, |blocked| {
        (blocked.user.id, blocked.sku.as_ref().map(|sku| sku.id), blocked.reason)
    });
    leave_out(&mut plan.waiting, &reference.waiting, |waiting| {
        let meanwhile = waiting.meanwhile.as_ref().map(|sku| sku.id);
        (waiting.user.id, waiting.sku.id, waiting.position, meanwhile)
    });
    leave_out(&mut plan.scheduled, &reference.scheduled, |scheduled| {
        let plans: Vec<_> = scheduled.service_plans.iter().map(|plan| plan.id).collect();
        (scheduled.user.id, scheduled.sku.id, plans, scheduled.due)
    });
    leave_out(&mut plan.released, &reference.released, |released| {
        let still_wanted = released.still_wanted;
        (released.user.id, released.sku.id, released.policy.clone(), still_wanted)
    });
    leave_out(&mut plan.unknown, &reference.unknown, |unknown| {
        (unknown.policy.clone(), unknown.detail.clone(), unknown.users)
    });
    leave_out(&mut plan.left_out, &reference.left_out, |left_out| {
        (left_out.policy.clone(), left_out.problem.clone())
    });
    leave_out(&mut plan.warnings, &reference.warnings, |warning| warning.message.clone());
    let is_moved = |line: &SeatLine| {
        let known = reference.seats.iter().find(|known| known.sku.id == line.sku.id);
        let waited = known.map_or(0, |known| known.waiting);
        known != Some(line) && (line.after != line.consumed || line.waiting != waited)
    };
    plan.seats.retain(is_moved);
    plan.summary = summary(&plan, unmanaged, unknown);
    plan
}

/// Removes the entries that others are the same as.
fn leave_out<T, K: Ord>(entries: &mut Vec<T>, known: &[T], key: impl Fn(&T) -> K) {
    let known: BTreeSet<K> = known.iter().map(&key).collect();
    entries.retain(|entry| !known.contains(&key(entry)));
}

/// Something that a plan says of a user.
struct Said<'a> {
    what: Aside,
    user: &'a UserRef,
    sku: Option<&'a SkuRef>,
    because: &'a [Because],
}

/// Returns what the baseline says of users and the plan does not, unless the plan does something
/// about it.
fn no_longer(plan: &Plan, reference: &Plan) -> Vec<NoLonger> {
    let key = |said: &Said<'_>| (said.user.id, said.sku.map(|sku| sku.id), said.what);
    let still: BTreeSet<_> = said(plan).iter().map(key).collect();
    let done: BTreeMap<UserId, BTreeSet<SkuId>> =
        plan.operations.iter().map(|operation| (operation.user.id, touched(operation))).collect();
    let is_dealt_with = |said: &Said<'_>| match (said.sku, done.get(&said.user.id)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(sku), Some(skus)) => skus.contains(&sku.id),
    };
    let mut gone = said(reference);
    gone.retain(|said| !still.contains(&key(said)) && !is_dealt_with(said));
    gone.sort_by_key(key);
    gone.dedup_by_key(|said| key(said));
    let told = |said: Said<'_>| NoLonger {
        what: said.what,
        user: said.user.clone(),
        sku: said.sku.cloned(),
        because: said.because.to_vec(),
    };
    gone.into_iter().map(told).collect()
}

/// Returns everything that a plan says of users.
fn said(plan: &Plan) -> Vec<Said<'_>> {
    let mut all = Vec::new();
    for operation in &plan.operations {
        let skus = operation.add.iter().map(|addition| &addition.sku).chain(&operation.remove);
        let skus = skus.chain(operation.adopt.iter().map(|adoption| &adoption.sku)).map(Some);
        let location = operation.usage_location.map(|_| None);
        all.extend(skus.chain(location).map(|sku| Said {
            what: Aside::Planned,
            user: &operation.user,
            sku,
            because: &operation.because,
        }));
    }
    all.extend(plan.blocked.iter().map(|blocked| Said {
        what: Aside::Blocked,
        user: &blocked.user,
        sku: blocked.sku.as_ref(),
        because: &blocked.because,
    }));
    all.extend(plan.waiting.iter().map(|waiting| Said {
        what: Aside::Waiting,
        user: &waiting.user,
        sku: Some(&waiting.sku),
        because: &waiting.because,
    }));
    all.extend(plan.scheduled.iter().map(|scheduled| Said {
        what: Aside::Scheduled,
        user: &scheduled.user,
        sku: Some(&scheduled.sku),
        because: &scheduled.because,
    }));
    all.extend(plan.released.iter().map(|released| Said {
        what: Aside::Released,
        user: &released.user,
        sku: Some(&released.sku),
        because: &[],
    }));
    all
}

/// Returns the SKUs that an operation does something about.
fn touched(operation: &Operation) -> BTreeSet<SkuId> {
    let given = operation.add.iter().map(|addition| addition.sku.id);
    let adopted = operation.adopt.iter().map(|adoption| adoption.sku.id);
    given.chain(operation.remove.iter().map(|sku| sku.id)).chain(adopted).collect()
}

#[cfg(test)]
mod tests;
