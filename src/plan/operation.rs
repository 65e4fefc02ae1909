//! Puts together what is done to one user, in one call.

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::domain::sku::{Catalogue, Sku};
use crate::domain::user::{Assignment, Licenses, ServicePlanSet};
use crate::plan::make::Inputs;
use crate::plan::resolve::{Grant, Removal, Resolution, Why};
use crate::plan::seats::Shares;
use crate::plan::words::Words;
use crate::plan::{
    Addition, Adoption, Because, DataFamily, Digest, Held, Kind, Operation, Reason, ServicePlanRef,
    digest,
};

/// Builds the operation of a user, where there is anything to do now.
pub(crate) fn build(
    inputs: &Inputs<'_>,
    words: &Words<'_>,
    at: usize,
    resolution: &Resolution,
    shares: &Shares,
) -> Option<Operation> {
    let user = &inputs.snapshot.users()[at];
    let wave = *shares.waves.get(&user.id)?;
    let empty = Licenses::default();
    let licenses = user.licenses.value().unwrap_or(&empty);
    let mut grants: Vec<(SkuId, &Grant)> = resolution
        .grants
        .iter()
        .filter_map(|grant| now(user.id, grant, resolution, shares))
        .collect();
    grants.sort_by_key(|(sku, _)| *sku);
    let removals: Vec<(SkuId, &Removal)> = resolution
        .removals
        .iter()
        .filter(|(sku, removal)| shares.lets_go(user.id, **sku, &removal.needs))
        .map(|(sku, removal)| (*sku, removal))
        .collect();
    let kind = kind(&grants, &removals, resolution)?;
    let service_plans = ServicePlans::compare(inputs, licenses, &grants, &removals, words);
    let mut operation = Operation {
        key: Digest([0; 32]),
        kind,
        user: words.user(at),
        add: grants.iter().map(|(sku, grant)| addition(*sku, grant, words)).collect(),
        remove: removals.iter().map(|(sku, _)| words.sku(*sku)).collect(),
        adopt: adoptions(resolution, words),
        usage_location: resolution.location.as_ref().map(|(change, _)| *change),
        before: before(licenses, inputs.snapshot.catalogue(), words),
        gains: service_plans.gains,
        loses: service_plans.loses,
        data_at_risk: service_plans.data_at_risk,
        because: because(at, resolution, &grants, &removals, words),
        wave,
        held_by: Vec::new(),
    };
    operation.key = digest::operation_key(inputs.tenant, &operation);
    Some(operation)
}

/// Returns what is granted now: the SKU that is wanted, the lower rung that is taken meanwhile, or
/// nothing.
fn now<'r>(
    user: UserId,
    (sku, grant): (&SkuId, &'r Grant),
    resolution: &'r Resolution,
    shares: &Shares,
) -> Option<(SkuId, &'r Grant)> {
    if !shares.waits(user, *sku) {
        return Some((*sku, grant));
    }
    let meanwhile = shares.meanwhile(user, *sku)?;
    let lower = resolution.lower.get(sku)?.iter().find(|(_, lower)| lower == meanwhile);
    lower.map(|(grant, lower)| (lower.sku, grant))
}

fn kind(
    grants: &[(SkuId, &Grant)],
    removals: &[(SkuId, &Removal)],
    resolution: &Resolution,
) -> Option<Kind> {
    let adds = grants.iter().any(|(_, grant)| !grant.held);
    match (adds, !grants.is_empty(), !removals.is_empty()) {
        (_, true, true) => Some(Kind::Replace),
        (_, false, true) => Some(Kind::Remove),
        (true, _, false) => Some(Kind::Add),
        (false, true, false) => Some(Kind::Modify),
        (false, false, false) if resolution.location.is_some() => Some(Kind::Locate),
        (false, false, false) if !resolution.adopts.is_empty() => Some(Kind::Adopt),
        (false, false, false) => None,
    }
}

fn addition(sku: SkuId, grant: &Grant, words: &Words<'_>) -> Addition {
    Addition {
        sku: words.sku(sku),
        disabled: grant.disabled.iter().map(|plan| words.service_plan(plan)).collect(),
        held: grant.held,
        owners: names(&grant.by, words),
    }
}

fn names(policies: &[usize], words: &Words<'_>) -> Vec<PolicyName> {
    let mut names: Vec<PolicyName> =
        policies.iter().map(|policy| words.policy(*policy).clone()).collect();
    names.sort();
    names
}

fn adoptions(resolution: &Resolution, words: &Words<'_>) -> Vec<Adoption> {
    let adoption = |(sku, by): (&SkuId, &Vec<usize>)| Adoption {
        sku: words.sku(*sku),
        owners: names(by, words),
    };
    resolution.adopts.iter().map(adoption).collect()
}

/// Returns what a user holds directly. Service plans that cannot be switched per user are left out: Graph
/// lists them as it likes.
fn before(licenses: &Licenses, catalogue: &Catalogue, words: &Words<'_>) -> Vec<Held> {
    let held = |assignment: &Assignment| {
        let disabled = assignment.direct()?;
        let sku = catalogue.get(assignment.sku);
        let is_switchable =
            |plan: &ServicePlanId| sku.is_none_or(|sku| sku.switchable().any(|one| one == *plan));
        let disabled = disabled.iter().filter(is_switchable);
        Some(Held {
            sku: words.sku(assignment.sku),
            disabled: disabled.map(|plan| words.service_plan(plan)).collect(),
        })
    };
    licenses.assignments.iter().filter_map(held).collect()
}

fn because(
    at: usize,
    resolution: &Resolution,
    grants: &[(SkuId, &Grant)],
    removals: &[(SkuId, &Removal)],
    words: &Words<'_>,
) -> Vec<Because> {
    let whys = |policies: &[usize], reason: Reason| -> Vec<Why> {
        policies.iter().map(|policy| Why { policy: *policy, reason }).collect()
    };
    let mut all = Vec::new();
    for (sku, grant) in grants {
        all.extend(words.because(at, Some(*sku), &whys(&grant.by, Reason::Matched)));
        all.extend(words.because(at, Some(*sku), &grant.why));
    }
    for (sku, by) in &resolution.adopts {
        all.extend(words.because(at, Some(*sku), &whys(by, Reason::Matched)));
    }
    for (sku, removal) in removals {
        all.extend(words.because(at, Some(*sku), &removal.why));
    }
    if let Some((_, by)) = &resolution.location {
        all.extend(words.because(at, None, &whys(by, Reason::Located)));
    }
    all.sort();
    all
}

/// What a change does to the service plans of a user, over all SKUs.
#[derive(Default)]
struct ServicePlans {
    gains: Vec<ServicePlanRef>,
    loses: Vec<ServicePlanRef>,
    data_at_risk: Vec<DataFamily>,
}

impl ServicePlans {
    fn compare(
        inputs: &Inputs<'_>,
        licenses: &Licenses,
        grants: &[(SkuId, &Grant)],
        removals: &[(SkuId, &Removal)],
        words: &Words<'_>,
    ) -> Self {
        if grants.is_empty() && removals.is_empty() {
            return Self::default();
        }
        let mut before: Vec<ServicePlanId> = Vec::new();
        let mut after: Vec<ServicePlanId> = Vec::new();
        for assignment in &licenses.assignments {
            let Some(sku) = inputs.snapshot.catalogue().get(assignment.sku) else { continue };
            before.extend(on(sku, &assignment.disabled));
            let granted = grants.iter().any(|(granted, _)| *granted == assignment.sku);
            let removed = removals.iter().any(|(removed, _)| *removed == assignment.sku);
            if granted || removed {
                // What groups give stays, whatever becomes of the direct assignment.
                for inherited in assignment.inherited() {
                    after.extend(on(sku, &inherited.disabled));
                }
            } else {
                after.extend(on(sku, &assignment.disabled));
            }
        }
        for (granted, grant) in grants {
            if let Some(sku) = inputs.snapshot.catalogue().get(*granted) {
                after.extend(on(sku, &grant.disabled));
            }
        }
        for plans in [&mut before, &mut after] {
            plans.sort_unstable();
            plans.dedup();
        }
        let gained = without(&after, &before);
        let lost = without(&before, &after);
        let refs = |ids: &[ServicePlanId]| {
            let mut refs: Vec<ServicePlanRef> =
                ids.iter().map(|id| words.service_plan(*id)).collect();
            refs.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
            refs
        };
        let mut data_at_risk: Vec<DataFamily> =
            lost.iter().filter_map(|plan| words.data_family(*plan)).collect();
        data_at_risk.sort_unstable();
        data_at_risk.dedup();
        data_at_risk
            .retain(|family| !after.iter().any(|plan| words.data_family(*plan) == Some(*family)));
        Self { gains: refs(&gained), loses: refs(&lost), data_at_risk }
    }
}

/// Returns what is in one list and not in another, both in order.
fn without(one: &[ServicePlanId], other: &[ServicePlanId]) -> Vec<ServicePlanId> {
    one.iter().copied().filter(|plan| other.binary_search(plan).is_err()).collect()
}

fn on<'a>(sku: &'a Sku, disabled: &'a ServicePlanSet) -> impl Iterator<Item = ServicePlanId> + 'a {
    sku.switchable().filter(|plan| !disabled.contains(*plan))
}
