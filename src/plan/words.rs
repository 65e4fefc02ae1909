//! Names and reasons in words, for people who read a plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::snapshot::Snapshot;
use crate::plan::bind::{Bound, Idle, Part};
use crate::plan::origin::{Asked, Voice};
use crate::plan::resolve::{About, Block, Why};
use crate::plan::{Because, BlockedReason, DataFamily, Reason, ServicePlanRef, SkuRef, UserRef};

/// What things are called.
pub(crate) struct Words<'a> {
    bound: &'a Bound<'a>,
    snapshot: &'a Snapshot,
    /// What everything is done for, where the plan does not follow from the policies.
    voice: Option<Voice>,
    service_plans: BTreeMap<ServicePlanId, (Arc<str>, Option<DataFamily>)>,
}

impl<'a> Words<'a> {
    /// Collects the names of a tenant.
    pub(crate) fn new(bound: &'a Bound<'a>, snapshot: &'a Snapshot) -> Self {
        let mut service_plans = BTreeMap::new();
        for plan in snapshot.catalogue().skus().iter().flat_map(|sku| &sku.service_plans) {
            // One service plan may go by several names; the first SKU's is as good as any.
            let named = || (plan.name.clone(), data_family(&plan.name));
            service_plans.entry(plan.id).or_insert_with(named);
        }
        Self { bound, snapshot, voice: None, service_plans }
    }

    /// Gives what is asked for as the reason of everything, where it is not the policies.
    pub(crate) fn speaking_for(self, asked: Asked<'_>) -> Self {
        Self { voice: asked.voice(), ..self }
    }

    /// Returns the position of a user.
    pub(crate) fn position(&self, user: UserId) -> Option<usize> {
        self.snapshot.users().binary_search_by_key(&user, |user| user.id).ok()
    }

    /// Names a policy.
    pub(crate) fn policy(&self, policy: usize) -> &'a PolicyName {
        &self.bound.policies[policy].policy.name
    }

    /// Names a user.
    pub(crate) fn user(&self, at: usize) -> UserRef {
        let user = &self.snapshot.users()[at];
        UserRef {
            id: user.id,
            principal_name: user.principal_name.clone(),
            display_name: user.display_name.clone(),
        }
    }

    /// Names a SKU.
    pub(crate) fn sku(&self, id: SkuId) -> SkuRef {
        let name = self
            .snapshot
            .catalogue()
            .get(id)
            .map_or_else(|| id.to_string().into(), |sku| sku.part_number.clone());
        SkuRef { id, name }
    }

    /// Names a service plan.
    pub(crate) fn service_plan(&self, id: ServicePlanId) -> ServicePlanRef {
        let named = self.service_plans.get(&id).map(|(name, _)| name.clone());
        ServicePlanRef { id, name: named.unwrap_or_else(|| id.to_string().into()) }
    }

    /// Returns what is lost for good some time after a service plan is gone.
    pub(crate) fn data_family(&self, id: ServicePlanId) -> Option<DataFamily> {
        self.service_plans.get(&id).and_then(|(_, family)| *family)
    }

    /// Says which selector of a policy decides about a user.
    pub(crate) fn detail(&self, policy: usize, at: usize) -> Arc<str> {
        let bound = &self.bound.policies[policy];
        match &bound.part {
            Part::Taken(terms) => {
                let words = self.bound.columns.explain(&terms.tree, at);
                if words.is_empty() { "no exception applies".into() } else { words.into() }
            }
            Part::Idle(Idle::Retired) => "the policy is retired".into(),
            Part::Idle(Idle::NotYet) => "the policy has not begun".into(),
            Part::Idle(Idle::Over) => "the policy is over".into(),
            Part::Elsewhere => "the policy is for other tenants".into(),
            Part::Broken => "the policy does not fit the tenant".into(),
        }
    }

    /// Tells why, in the order of the policies' names, wherever the policies stand in files.
    pub(crate) fn because(&self, at: usize, sku: Option<SkuId>, why: &[Why]) -> Vec<Because> {
        let because = |why: &Why| {
            let policy = &self.bound.policies[why.policy];
            if let Some(Voice { reason, detail }) = &self.voice {
                let (reason, detail) = (*reason, detail.clone());
                let (name, sku) = (policy.policy.name.clone(), sku.map(|sku| self.sku(sku)));
                return Because { policy: name, at: "".into(), sku, reason, detail };
            }
            let detail = match why.reason {
                Reason::Exchanged => "gives another SKU now".into(),
                Reason::Withdrawn => "no longer gives it".into(),
                Reason::Outranked => "a higher rung of the ladder".into(),
                Reason::SteppedDown => "a lower rung of the ladder".into(),
                Reason::Matched
                | Reason::Removed
                | Reason::Replaced
                | Reason::Left
                | Reason::Located
                | Reason::Requested
                | Reason::Reverted => self.detail(why.policy, at),
            };
            Because {
                policy: policy.policy.name.clone(),
                at: policy.at.clone(),
                sku: sku.map(|sku| self.sku(sku)),
                reason: why.reason,
                detail,
            }
        };
        let mut all: Vec<Because> = why.iter().map(because).collect();
        all.sort();
        all
    }

    /// Says why something cannot be done, with names.
    pub(crate) fn blocked(&self, at: usize, block: &Block) -> String {
        let user = &self.snapshot.users()[at];
        match block.reason {
            BlockedReason::NoUsageLocation if self.voice.is_some() => {
                "needs a usage location, and has none".to_owned()
            }
            BlockedReason::NoUsageLocation => {
                "needs a usage location, and no policy gives one".to_owned()
            }
            BlockedReason::LocationConflict => "policies want different usage locations".to_owned(),
            BlockedReason::Inherited => {
                let held = block.sku.and_then(|sku| user.licenses.value()?.get(sku));
                let names: Vec<String> = held
                    .map(crate::domain::user::Assignment::inherited)
                    .unwrap_or_default()
                    .iter()
                    .map(|inherited| {
                        let name = self.snapshot.group(inherited.group).map(|group| &*group.name);
                        name.map_or_else(|| inherited.group.to_string(), str::to_owned)
                    })
                    .collect();
                format!("comes from group {} and cannot be removed from the user", names.join(", "))
            }
            BlockedReason::UnknownSource => {
                "Graph does not say where the assignment comes from".to_owned()
            }
            BlockedReason::Unreadable if user.licenses == Known::Unknown => {
                "Graph did not return the user's licenses".to_owned()
            }
            BlockedReason::Unreadable if block.why.iter().any(|why| why.reason.takes_away()) => {
                "stays, because a policy that owns or may want it could not be decided".to_owned()
            }
            BlockedReason::Unreadable if block.about == About::Attribute => {
                "Graph did not return the attribute that names the country".to_owned()
            }
            BlockedReason::Unreadable if user.usage_location != Known::Unknown => {
                "needs a usage location, and it cannot be told which one policies want".to_owned()
            }
            BlockedReason::Unreadable => {
                "Graph did not return the user's usage location".to_owned()
            }
            BlockedReason::UnknownCountry => match &block.about {
                About::Country(attribute, written) => {
                    format!("{} `{written}` is the name of no country", attribute.key())
                }
                _ => "the attribute names no country".to_owned(),
            },
            BlockedReason::ExclusiveServicePlans | BlockedReason::MissingServicePlan => {
                self.clash(&block.about)
            }
            BlockedReason::FullSwap => "all seats are taken, and nobody can go first".to_owned(),
            BlockedReason::SkuNotAssignable => {
                "the subscription is suspended or deleted: nobody can be given it".to_owned()
            }
            BlockedReason::Protected => "is protected: nothing touches the user".to_owned(),
            BlockedReason::ChangedSince => {
                "was changed since that plan, and is left as found".to_owned()
            }
            BlockedReason::Refused => "Graph refused it".to_owned(),
            BlockedReason::Contested => "somebody keeps changing it back".to_owned(),
            BlockedReason::LocationStays => {
                "had no usage location before, and keeps the one that the plan set".to_owned()
            }
        }
    }

    /// Says which service plans are in each other's way.
    fn clash(&self, about: &About) -> String {
        let part = |plan: ServicePlanId, sku: SkuId| {
            format!("{} of {}", self.service_plan(plan).name, self.sku(sku).name)
        };
        match about {
            About::Exclusive((plan, sku), (other, facing)) => {
                format!("{} cannot stand beside {}", part(*plan, *sku), part(*other, *facing))
            }
            About::Needs(plan, sku, needs) => {
                // Those that the tenant can have, where there are any.
                let (there, elsewhere): (Vec<ServicePlanId>, Vec<ServicePlanId>) =
                    needs.iter().partition(|need| self.service_plans.contains_key(need));
                let needs = if there.is_empty() { elsewhere } else { there };
                let needs: Vec<String> =
                    needs.iter().map(|need| self.service_plan(*need).name.to_string()).collect();
                format!("{} needs {}", part(*plan, *sku), joined(&needs))
            }
            About::Nothing | About::Attribute | About::Country(_, _) => {
                "service plans are in each other's way".to_owned()
            }
        }
    }
}

/// Joins names as in a sentence.
fn joined(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Returns what is lost for good some time after a service plan of this name is gone.
///
/// Source: names of Exchange, `SharePoint`, `OneDrive` and Teams Phone service plans in Microsoft's
/// list of products; `EXCHANGE_S_FOUNDATION` and `SHAREPOINTWAC` carry no data of their own.
fn data_family(service_plan: &str) -> Option<DataFamily> {
    let name = service_plan.to_ascii_uppercase();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if begins(&[
        "EXCHANGE_S_FOUNDATION",
        "EXCHANGE_ANALYTICS",
        "SHAREPOINTWAC",
        "SHAREPOINT_PROJECT",
    ]) {
        None
    } else if begins(&["EXCHANGE_S_", "EXCHANGE_B_", "EXCHANGE_L_"]) {
        Some(DataFamily::Mailbox)
    } else if begins(&["SHAREPOINT", "ONEDRIVE"]) {
        Some(DataFamily::Files)
    } else if begins(&["MCOEV", "MCOPSTN"]) {
        Some(DataFamily::Phone)
    } else {
        None
    }
}

/// Prints a count with its noun.
pub(crate) fn count(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}
