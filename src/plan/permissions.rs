//! Which permissions these policies need, and what those that are there come to.
//!
//! Source: Graph permissions reference: the least application permission of each call, and those that
//! work as well; ids as the Graph service principal lists them.

use std::collections::BTreeSet;

use crate::domain::group::Membership;
use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::policy::{Policy, PolicySet, Test};

/// What a permission is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// To read users.
    ReadUsers,
    /// To read groups.
    ReadGroups,
    /// To read SKUs.
    ReadSkus,
    /// To read when subscriptions end.
    ReadSubscriptions,
    /// To read when users last signed in.
    ReadSignIns,
    /// To read hidden memberships.
    ReadHidden,
    /// To change licenses.
    WriteLicenses,
    /// To set usage locations.
    WriteLocations,
}

/// A permission of Microsoft Graph for apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its name.
    pub name: &'static str,
    /// The id of its app role, the same in every tenant.
    pub id: &'static str,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ReadUsers,
        Self::ReadGroups,
        Self::ReadSkus,
        Self::ReadSubscriptions,
        Self::ReadSignIns,
        Self::ReadHidden,
        Self::WriteLicenses,
        Self::WriteLocations,
    ];

    /// Returns what it is, to follow "to".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadUsers => "read users and their licenses",
            Self::ReadGroups => "read groups and members",
            Self::ReadSkus => "read SKUs and seats",
            Self::ReadSubscriptions => "read when subscriptions renew or end",
            Self::ReadSignIns => "read when users last signed in",
            Self::ReadHidden => "read groups with hidden membership",
            Self::WriteLicenses => "change licenses",
            Self::WriteLocations => "set usage locations",
        }
    }

    /// Returns the least permission for it.
    pub fn least(self) -> Permission {
        let (name, id) = match self {
            Self::ReadUsers => ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
            Self::ReadGroups => ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6"),
            Self::ReadSkus => {
                ("LicenseAssignment.Read.All", "e2f98668-2877-4f38-a2f4-8202e0717aa1")
            }
            Self::ReadSubscriptions => {
                ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6")
            }
            Self::ReadSignIns => ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
            Self::ReadHidden => ("Member.Read.Hidden", "658aa5d8-239f-45c4-aa12-864f4fc7e490"),
            Self::WriteLicenses => {
                ("LicenseAssignment.ReadWrite.All", "5facf0c1-8979-4e95-abcf-ff3d079771c0")
            }
            Self::WriteLocations => ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
        };
        Permission { name, id }
    }

    /// Returns the permissions that allow more, and this too.
    fn wider(self) -> &'static [&'static str] {
        match self {
            Self::ReadUsers => {
                &["Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]
            }
            Self::ReadGroups => &[
                "GroupMember.ReadWrite.All",
                "Group.Read.All",
                "Group.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
            ],
            Self::ReadSkus => &[
                "Organization.Read.All",
                "Organization.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
            ],
            Self::ReadSubscriptions => {
                &["Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
            }
            Self::ReadSignIns | Self::ReadHidden => &[],
            Self::WriteLicenses => &["User.ReadWrite.All", "Directory.ReadWrite.All"],
            Self::WriteLocations => &["Directory.ReadWrite.All"],
        }
    }

    fn is_served_by(self, role: &str) -> bool {
        self.least().name == role || self.wider().contains(&role)
    }
}

/// How much something is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Nothing goes on without it.
    Required,
    /// Something is missed without it.
    Helps,
    /// It may help, and nothing seen so far asks for it.
    Idle,
}

/// Something that has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub task: Task,
    /// How much it is needed.
    pub weight: Weight,
    /// Why, or what is missed without it.
    pub because: String,
}

/// Returns what has to be allowed for the policies of a tenant. `changes` says whether plans are carried
/// out without a person at a command line; `seen` is the tenant as it was read last.
pub fn needs(
    policies: &PolicySet,
    tenant: &TenantName,
    changes: bool,
    seen: Option<&Snapshot>,
) -> Vec<Need> {
    let ours: Vec<&Policy> = policies
        .policies
        .iter()
        .filter(|policy| policy.tenants.as_ref().is_none_or(|only| only.contains(tenant)))
        .collect();
    let need = |task, weight, because: &str| Need { task, weight, because: because.to_owned() };
    let once_applied = if changes { Weight::Required } else { Weight::Helps };
    let by = |named: &[&str]| format!("asked for by {}", named.join(", "));
    let of = |fits: &dyn Fn(&Policy) -> bool| -> Vec<&str> {
        ours.iter().filter(|policy| fits(policy)).map(|policy| policy.name.as_str()).collect()
    };
    let mut needs = vec![
        need(Task::ReadUsers, Weight::Required, "every plan"),
        need(Task::ReadGroups, Weight::Required, "every plan"),
        need(Task::ReadSkus, Weight::Required, "every plan"),
        need(
            Task::ReadSubscriptions,
            Weight::Helps,
            "without it `seats` shows the next expiry as unknown, and nobody is told of it",
        ),
    ];
    let idle = of(&|policy| policy.selector.asks_for_sign_ins());
    if idle.is_empty() {
        let report = "`seats --reclaimable --refresh`, to tell who is inactive";
        needs.push(need(Task::ReadSignIns, Weight::Idle, report));
    } else {
        needs.push(need(Task::ReadSignIns, Weight::Required, &by(&idle)));
    }
    let hidden = hidden(&ours, seen);
    if !hidden.is_empty() {
        let hidden: Vec<&str> = hidden.into_iter().collect();
        let because = format!("{} has hidden members: unknown without it", hidden.join(", "));
        needs.push(need(Task::ReadHidden, Weight::Helps, &because));
    } else if names_groups(&ours) {
        // Where it is granted no membership looks hidden.
        needs.push(need(Task::ReadHidden, Weight::Idle, "groups with hidden membership"));
    }
    let writes = if changes { "the mode" } else { "`apply` and `bulk`; `plan` needs it not" };
    needs.push(need(Task::WriteLicenses, once_applied, writes));
    let locating = of(&|policy| policy.usage_location.is_some());
    if !locating.is_empty() {
        needs.push(need(Task::WriteLocations, once_applied, &by(&locating)));
    }
    needs
}

fn names_groups(policies: &[&Policy]) -> bool {
    let mut named = false;
    for policy in policies {
        policy.selector.for_each_test(&mut |test| named |= matches!(test, Test::Group { .. }));
    }
    named
}

/// Returns the groups that policies name and whose members were hidden from the last read.
fn hidden<'p>(policies: &[&'p Policy], seen: Option<&Snapshot>) -> BTreeSet<&'p str> {
    let Some(seen) = seen else { return BTreeSet::new() };
    let is_hidden = |name: &str| {
        seen.groups().iter().any(|group| {
            let partial = matches!(
                &group.membership,
                Membership::Read { nested, direct: _ } if !nested.is_complete()
            );
            partial && (group.name.eq_ignore_ascii_case(name) || group.id.to_string() == name)
        })
    };
    let mut hidden = BTreeSet::new();
    for policy in policies {
        policy.selector.for_each_test(&mut |test| {
            if let Test::Group { group, nested: _ } = test
                && is_hidden(group)
            {
                hidden.insert(&**group);
            }
        });
    }
    hidden
}

/// Whether something is allowed, by the roles of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// By the least permission.
    Present,
    /// By another.
    Covered(String),
    /// By none.
    Missing,
}

/// Returns whether a task is allowed.
pub fn standing(task: Task, roles: &BTreeSet<String>) -> Standing {
    if roles.contains(task.least().name) {
        return Standing::Present;
    }
    match roles.iter().find(|role| task.is_served_by(role)) {
        Some(role) => Standing::Covered(role.clone()),
        None => Standing::Missing,
    }
}

/// A permission that is there and need not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Which.
    pub role: String,
    /// What it is used for in place of less; none where nothing uses it.
    pub instead_of: Option<Permission>,
}

/// Returns what could be taken from an app without taking anything that is needed or helps.
pub fn excess(needs: &[Need], roles: &BTreeSet<String>) -> Vec<Excess> {
    let is_least = |role: &str| needs.iter().any(|need| need.task.least().name == role);
    let other_serves = |task: Task, role: &str| {
        roles.iter().any(|other| {
            other != role && task.is_served_by(other) && (is_least(other) || other.as_str() < role)
        })
    };
    roles
        .iter()
        .filter(|role| !is_least(role))
        .map(|role| {
            let sole = needs
                .iter()
                .find(|need| need.task.is_served_by(role) && !other_serves(need.task, role));
            Excess { role: role.clone(), instead_of: sole.map(|need| need.task.least()) }
        })
        .collect()
}

#[cfg(test)]
mod tests;
