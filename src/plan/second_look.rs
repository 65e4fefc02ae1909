//! A second opinion on removals: before a license goes because somebody left a group or an OU, the
//! cause is asked for another way, so that one wrong listing cannot cost anybody a mailbox.

use std::collections::BTreeSet;

use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::GroupId;
use crate::domain::known::Truth;
use crate::domain::names::PolicyName;
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::User;
use crate::plan::bind::{Part, bind};
use crate::plan::{Operation, Reason};
use crate::policy::settings::Settings;
use crate::policy::{PolicySet, Selector, Test};

/// Returns the policies that an operation says a user has left, each once.
pub fn left(operation: &Operation) -> BTreeSet<&PolicyName> {
    let left = operation.because.iter().filter(|because| because.reason == Reason::Left);
    left.map(|because| &because.policy).collect()
}

/// Returns the groups to ask about before an operation runs: those that the policies name which it
/// says the user has left. Membership of nested groups counts, as in the question that is asked.
pub fn groups_to_ask(
    policies: &PolicySet,
    snapshot: &Snapshot,
    operation: &Operation,
) -> BTreeSet<GroupId> {
    let left = left(operation);
    let mut groups = BTreeSet::new();
    for policy in policies.policies.iter().filter(|policy| left.contains(&policy.name)) {
        collect(&policy.selector, snapshot, &mut groups);
    }
    groups
}

fn collect(selector: &Selector, snapshot: &Snapshot, groups: &mut BTreeSet<GroupId>) {
    match selector {
        Selector::All(parts) | Selector::Any(parts) | Selector::None(parts) => {
            for part in parts {
                collect(part, snapshot, groups);
            }
        }
        Selector::Test(test) => {
            if let Test::Group { group, nested: true } = &test.value {
                let by_id = group.parse::<GroupId>().ok();
                let name = group.to_lowercase();
                let meant = |of: &&Group| by_id == Some(of.id) || of.name.to_lowercase() == name;
                groups.extend(snapshot.groups().iter().filter(meant).map(|group| group.id));
            }
        }
    }
}

/// Asks the policies that an operation says a user has left once more, about the user as read just
/// now and the groups that Graph says they are in. Returns the policies that match after all, or
/// cannot be told: while there are any, the operation must not run.
///
/// Direct membership (`nested: false`) has no second way to ask; there the listing stands.
pub fn disagreeing(
    policies: &PolicySet,
    tenant: &crate::domain::names::TenantName,
    snapshot: &Snapshot,
    operation: &Operation,
    user: &User,
    member_of: &BTreeSet<GroupId>,
) -> Vec<PolicyName> {
    let left = left(operation);
    let asked = groups_to_ask(policies, snapshot, operation);
    let set = PolicySet {
        policies: policies.policies.iter().filter(|p| left.contains(&p.name)).cloned().collect(),
        ladders: Vec::new(),
    };
    let Some(one) = only(user, snapshot, &asked, member_of) else {
        return set.policies.into_iter().map(|policy| policy.name).collect();
    };
    let Ok(bound) = bind(&set, &Settings::default(), tenant, &one) else {
        return set.policies.iter().map(|policy| policy.name.clone()).collect();
    };
    let disagrees = |policy: &&crate::plan::bind::BoundPolicy<'_>| match &policy.part {
        Part::Taken(terms) => bound.columns.truth(&terms.tree, 0) != Truth::False,
        Part::Broken => true,
        Part::Elsewhere => false,
    };
    bound.policies.iter().filter(disagrees).map(|policy| policy.policy.name.clone()).collect()
}

/// Makes a snapshot of one user, in which the groups that were asked about are as Graph answered.
fn only(
    user: &User,
    snapshot: &Snapshot,
    asked: &BTreeSet<GroupId>,
    member_of: &BTreeSet<GroupId>,
) -> Option<Snapshot> {
    let group = |group: &Group| {
        let mut group = group.clone();
        if asked.contains(&group.id) {
            let is_in = member_of.contains(&group.id).then_some(user.id);
            let direct = match group.membership {
                Membership::Read { nested: _, direct } => direct,
                Membership::NotRead => None,
            };
            group.membership = Membership::Read { nested: Members::complete(is_in), direct };
        }
        group
    };
    let mut reading = Reading::begin(snapshot.taken_at());
    reading.users(vec![user.clone()]);
    reading.groups(snapshot.groups().iter().map(group).collect());
    reading.catalogue(snapshot.catalogue().clone());
    reading.finish().ok()
}
