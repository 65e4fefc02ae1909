//! Policies that describe a tenant as it is, so that their plan does nothing but adopt.
//!
//! Rules first: groups, OUs, departments and domains whose people, every one of them, hold something
//! directly. Lists of people for the rest. A rule that fits nearly is no rule: it would give or take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName};
use crate::domain::snapshot::Snapshot;
use crate::plan::Kind;
use crate::plan::bind::Problem;
use crate::plan::make::Planned;
use crate::policy::settings::Settings;
use crate::policy::{OnLeave, Policy};
use held::Held;
use name::Namer;

mod exact;
mod files;
mod held;
mod lists;
mod name;
mod rules;
mod write;

pub use files::{NewFile, files};

/// What a description follows from.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// What it looks like, with the members of every group that may become a rule.
    pub snapshot: &'a Snapshot,
    /// Its settings.
    pub settings: &'a Settings,
    /// The time.
    pub now: Timestamp,
    /// Names that other policies have.
    pub taken: &'a BTreeSet<PolicyName>,
    /// Which tenants the policies are for.
    pub scope: Scope,
    /// What the policies say of those who leave.
    pub on_leave: OnLeave,
    /// The least people that a rule is for.
    pub people_min: usize,
    /// How many users of the tenant there are to be for each policy, where there can be; at least 1.
    pub users_per_policy: usize,
}

/// Which tenants the policies are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The only one that there is: nothing is said.
    OnlyTenant,
    /// This one of several: policies say so, and have its name in theirs.
    ThisTenant,
}

/// A tenant, described.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The policies: rules, those for the most people first, then lists.
    pub policies: Vec<Described>,
    /// How much they explain.
    pub counts: Counts,
    /// What they do not, and why.
    pub left_out: Vec<Left>,
}

/// How much policies explain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The direct assignments that are described.
    pub assignments: usize,
    /// The people who hold them.
    pub people: usize,
    /// The assignments that rules explain; lists explain the others.
    pub by_rules: usize,
}

/// A policy, and what it describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The policy.
    pub policy: Policy,
    /// Whether it says who, or lists them.
    pub how: How,
    /// Whom it is for, in words.
    pub whom: String,
    /// The people that it is for, in the order of their ids.
    pub people: Vec<UserId>,
    /// How many of them cannot sign in.
    pub disabled: usize,
    /// What it grants.
    pub grants: Vec<Granted>,
}

/// How a policy says who.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By a rule.
    Rule,
    /// By a list.
    List,
}

impl How {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::List => "list",
        }
    }
}

/// A SKU that a policy grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The SKU, as the policy names it.
    pub sku: Arc<str>,
    /// Whether all its people have the same service plans.
    pub service_plans: ServicePlans,
}

/// How the service plans of a SKU are among the people of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServicePlans {
    /// All have the same, which the policy says where any is off.
    Alike,
    /// They differ: the policy says nothing, and everybody keeps theirs.
    Different,
}

/// What is not described, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Direct assignments of people whom nothing touches.
    Protected,
    /// Assignments that come from a group.
    Inherited,
    /// Assignments of which Graph does not say where they come from.
    UnknownSource,
    /// Direct assignments of people of whom Graph does not say whether they are members or guests.
    UnknownType,
    /// Direct assignments of what the tenant does not list, or users cannot be given.
    NotAssignable,
    /// People whose licenses Graph did not send.
    Unreadable,
    /// Groups with members that cannot be seen.
    HiddenGroups,
    /// Groups whose members were not read.
    UnreadGroups,
}

/// How much is not described for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// Why.
    pub why: Why,
    /// How much of it.
    pub count: usize,
}

impl Left {
    /// Returns a sentence about it.
    pub fn sentence(self) -> String {
        let of = |one: &str, several: &str| counted(self.count, one, several);
        let assignments = || of("assignment", "assignments");
        match self.why {
            Why::Protected => {
                format!("{} of protected users: nothing touches them", assignments())
            }
            Why::Inherited => {
                format!("{} from groups of Entra's own licensing: Entra keeps them", assignments())
            }
            Why::UnknownSource => format!(
                "{} of which Graph does not say where they come from: neither adopted nor removed",
                assignments()
            ),
            Why::UnknownType => {
                format!("{} of users who are neither known as members nor as guests", assignments())
            }
            Why::NotAssignable => format!(
                "{} of SKUs that the tenant does not list, or no user can be given",
                assignments()
            ),
            Why::Unreadable => format!("{} whose licenses were not sent", of("user", "users")),
            Why::HiddenGroups => {
                format!("{} with hidden members, no rule by them", of("group", "groups"))
            }
            Why::UnreadGroups => {
                format!("{} whose members were not read, no rule by them", of("group", "groups"))
            }
        }
    }
}

impl Why {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Inherited => "inherited",
            Self::UnknownSource => "unknown_source",
            Self::UnknownType => "unknown_type",
            Self::NotAssignable => "not_assignable",
            Self::Unreadable => "unreadable",
            Self::HiddenGroups => "hidden_groups",
            Self::UnreadGroups => "unread_groups",
        }
    }
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Who holds what and is not explained yet, by position.
type Unexplained = BTreeMap<SkuId, BTreeSet<usize>>;

/// Describes a tenant.
///
/// There are no more policies than the users of the tenant allow, or one for each SKU where that is more.
///
/// # Errors
///
/// Returns what does not fit in the settings, as planning does.
pub fn describe(ask: &Ask<'_>) -> Result<Description, Vec<Problem>> {
    let held = Held::look(ask)?;
    let rules = rules::find(ask, &held)?;
    let mut chosen = rules::choose(&rules, &held, ask.people_min);
    let skus = held.holders.values().filter(|holders| !holders.is_empty()).count();
    let policies_max = (ask.snapshot.users().len() / ask.users_per_policy.max(1)).max(skus);
    // Every rule leaves the lists shorter, and seldom fewer.
    let (left, lists) = loop {
        let left = unexplained(&held, &chosen);
        let lists_max = policies_max.saturating_sub(chosen.len());
        let lists = lists::of(&left, ask.people_min, lists_max);
        if chosen.is_empty() || lists.len() <= lists_max {
            break (left, lists);
        }
        chosen.pop();
    };
    let rest: usize = left.values().map(BTreeSet::len).sum();
    let assignments: usize = held.holders.values().map(BTreeMap::len).sum();
    let counts = Counts { assignments, people: held.people(), by_rules: assignments - rest };
    let mut namer = Namer::new(ask);
    let by_rule = chosen.iter().map(|rule| write::rule(ask, &held, rule, &mut namer));
    let mut policies: Vec<Described> = by_rule.collect();
    policies.extend(lists.iter().map(|list| write::list(ask, &held, list, &mut namer)));
    Ok(Description { policies, counts, left_out: held.left_out() })
}

/// Returns what no rule explains.
fn unexplained(held: &Held<'_>, rules: &[rules::Chosen<'_>]) -> Unexplained {
    let all = held.holders.iter().map(|(sku, of)| (*sku, of.keys().copied().collect()));
    let mut left: Unexplained = all.collect();
    for rule in rules {
        for sku in &rule.skus {
            if let Some(left) = left.get_mut(sku) {
                for user in &rule.rule.people {
                    left.remove(user);
                }
            }
        }
    }
    left
}

/// Returns in words what a plan holds that is more than adopting what is there.
pub fn beyond_adopting(planned: &Planned) -> Vec<String> {
    let plan = &planned.plan;
    let of_kind = |kind: Kind| plan.operations.iter().filter(|op| op.kind == kind).count();
    let kinds = [
        (of_kind(Kind::Add), "to add"),
        (of_kind(Kind::Replace), "to replace"),
        (of_kind(Kind::Remove), "to remove"),
        (of_kind(Kind::Modify), "to modify"),
        (of_kind(Kind::Locate), "to locate"),
        (plan.blocked.len(), "blocked"),
        (plan.waiting.len(), "waiting"),
        (plan.scheduled.len(), "scheduled"),
        (plan.unknown.len(), "policies that cannot be told"),
        (plan.left_out.len() + planned.problems.len(), "that do not fit the tenant"),
    ];
    let there = kinds.iter().filter(|(count, _)| *count > 0);
    there.map(|(count, what)| format!("{count} {what}")).collect()
}

#[cfg(test)]
mod tests;
