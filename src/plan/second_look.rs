//! A second opinion on removals: right before a license goes, the cause is asked for another way (the
//! user by id, the groups by membership check), so that one wrong listing cannot cost anybody a
//! mailbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::known::{Known, Truth};
use crate::domain::names::PolicyName;
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::User;
use crate::plan::bind::{Bound, Part, PlanTerms, bind};
use crate::plan::make::Inputs;
use crate::plan::{Operation, Reason, SkuRef};
use crate::policy::list::{List, Listed, Row};
use crate::policy::settings::Settings;
use crate::policy::{Action, License, Policy, PolicySet, Selector, Test};

/// What second opinions are formed from.
pub struct SecondLook<'a> {
    inputs: Inputs<'a>,
    groups: BTreeMap<String, Vec<GroupId>>,
    /// Of each list the first rows that fit nobody: enough to know that there are some.
    misfits: BTreeMap<Arc<str>, Vec<Row>>,
}

impl<'a> SecondLook<'a> {
    /// Prepares to look at operations that were planned from these.
    pub fn new(inputs: &Inputs<'a>) -> Self {
        let mut groups: BTreeMap<String, Vec<GroupId>> = BTreeMap::new();
        for group in inputs.snapshot.groups() {
            groups.entry(group.name.to_lowercase()).or_default().push(group.id);
        }
        let misfits = misfits(inputs.policies, inputs.snapshot);
        Self { inputs: *inputs, groups, misfits }
    }

    /// Whether an operation takes a license away, or switches off what data hangs on, and so has to be
    /// asked about.
    pub fn is_needed(operation: &Operation) -> bool {
        !operation.remove.is_empty() || !operation.data_at_risk.is_empty()
    }

    /// Returns the groups to ask about: those that decide, nested groups included, for the policies
    /// that take the licenses away, own them, or would grant them.
    pub fn groups_to_ask(&self, operation: &Operation) -> BTreeSet<GroupId> {
        let mut groups = BTreeMap::new();
        for policy in self.concerned(operation) {
            self.collect(&policy.selector, &mut groups);
        }
        groups.into_iter().filter(|(_, nested)| *nested).map(|(id, _)| id).collect()
    }

    /// Checks that an operation would be planned just so for the user as read just now, being in these
    /// of the groups that were asked about.
    ///
    /// Direct membership (`nested: false`) and sign-ins have no second way to ask; there what the plan
    /// was made from stands.
    ///
    /// # Errors
    ///
    /// Says what is different, in words: then the operation must not run.
    pub fn confirm(
        &self,
        operation: &Operation,
        user: &User,
        member_of: &BTreeSet<GroupId>,
    ) -> Result<(), String> {
        self.is_unchanged(operation, user)?;
        let mut set = PolicySet {
            policies: self.concerned(operation).cloned().collect(),
            ladders: Vec::new(),
        };
        let before = self.inputs.snapshot.user(user.id);
        let last_sign_in = before.map_or(Known::Unknown, |before| before.last_sign_in);
        let user = &User { last_sign_in, ..user.clone() };
        for policy in &mut set.policies {
            policy.selector.replace_lists(&|list| self.shortened(list, user));
        }
        let one = self
            .only(user, &set, member_of)
            .ok_or_else(|| "the user could not be looked at alone".to_owned())?;
        let time_zone = self.inputs.settings.time_zone.clone();
        let settings = Settings { time_zone, ..Settings::default() };
        let bound = bind(&set, &settings, self.inputs.tenant, &one, self.inputs.now)
            .map_err(|_| "the policies no longer fit the tenant".to_owned())?;
        let at = one
            .users()
            .binary_search_by_key(&user.id, |user| user.id)
            .map_err(|_| "the user could not be looked at alone".to_owned())?;
        operation
            .remove
            .iter()
            .try_for_each(|sku| judge(&bound, at, operation, sku, Fate::Gone))?;
        let mut switched = switched(operation);
        switched.try_for_each(|sku| judge(&bound, at, operation, sku, Fate::Switched))
    }

    /// Checks that the user's licenses are as they were when it was planned: what goes, and what was
    /// to stay or come in its place.
    fn is_unchanged(&self, operation: &Operation, user: &User) -> Result<(), String> {
        let licenses =
            user.licenses.value().ok_or("asked again, Graph did not tell the user's licenses")?;
        let before =
            self.inputs.snapshot.user(operation.user.id).and_then(|user| user.licenses.value());
        if before.is_some_and(|before| before.assignments == licenses.assignments) {
            return Ok(());
        }
        Err("asked again, the user's licenses are not what it was planned from".to_owned())
    }

    /// Returns the policies that take the licenses away, own them, or would grant them.
    fn concerned<'s>(&'s self, operation: &'s Operation) -> impl Iterator<Item = &'s Policy> + 's {
        let named: BTreeSet<&PolicyName> =
            operation.because.iter().map(|because| &because.policy).collect();
        let user = operation.user.id;
        // What a person asks for once, the policies have no say in.
        let asked_once = operation.because.iter().any(|why| match why.reason {
            Reason::Requested | Reason::Reverted => true,
            Reason::Matched
            | Reason::Removed
            | Reason::Replaced
            | Reason::Left
            | Reason::Withdrawn
            | Reason::Exchanged
            | Reason::Located
            | Reason::Outranked
            | Reason::SteppedDown => false,
        });
        self.inputs
            .policies
            .policies
            .iter()
            .filter(move |_| !asked_once)
            .filter(|policy| {
                policy.tenants.as_ref().is_none_or(|only| only.contains(self.inputs.tenant))
            })
            .filter(move |policy| {
                let mut at_stake = operation.remove.iter().chain(switched(operation));
                named.contains(&policy.name)
                    || at_stake.any(|sku| self.owns(policy, user, sku.id) || grants(policy, sku))
            })
    }

    fn owns(&self, policy: &Policy, user: UserId, sku: SkuId) -> bool {
        let owners = self.inputs.ledger.owners.get(&(user, sku));
        owners.is_some_and(|owners| owners.contains_key(&policy.name))
    }

    /// Collects the groups that a selector names, and whether by nested membership anywhere.
    fn collect(&self, selector: &Selector, groups: &mut BTreeMap<GroupId, bool>) {
        selector.for_each_test(&mut |test| {
            if let Test::Group { group, nested } = test {
                for id in self.named(group) {
                    *groups.entry(id).or_default() |= *nested;
                }
            }
        });
    }

    fn named(&self, written: &Arc<str>) -> Vec<GroupId> {
        match written.parse::<GroupId>() {
            Ok(id) if self.inputs.snapshot.group(id).is_some() => vec![id],
            Ok(_) | Err(_) => self.groups.get(&written.to_lowercase()).cloned().unwrap_or_default(),
        }
    }

    /// Returns a list with what matters for a user: their own rows, and whether others fit nobody.
    fn shortened(&self, list: &List, user: &User) -> List {
        let before = self.inputs.snapshot.user(user.id);
        let names = before.into_iter().chain([user]).map(|user| by_name(&user.principal_name));
        let own = names.chain([Listed::Id(user.id)]).filter_map(|who| list.row(&who));
        let misfits = self.misfits.get(&list.file).into_iter().flatten();
        List::new(list.file.clone(), own.chain(misfits).cloned().collect())
    }

    /// Returns the users that policies name.
    fn users_named(&self, set: &PolicySet) -> Vec<User> {
        let mut names = BTreeSet::new();
        for policy in &set.policies {
            policy.selector.for_each_test(&mut |test| {
                if let Test::User(users) = test {
                    names.extend(users.iter().map(|user| user.value.to_lowercase()));
                }
            });
        }
        if names.is_empty() {
            return Vec::new();
        }
        let is_named = |user: &&User| {
            names.contains(&user.principal_name.to_lowercase())
                || names.contains(&user.id.to_string())
        };
        self.inputs.snapshot.users().iter().filter(is_named).cloned().collect()
    }

    /// Makes a snapshot of one user and of the groups that policies name, in which nested membership
    /// is as Graph answered, and direct membership as it was listed.
    fn only(
        &self,
        user: &User,
        set: &PolicySet,
        member_of: &BTreeSet<GroupId>,
    ) -> Option<Snapshot> {
        let mut named = BTreeMap::new();
        for policy in &set.policies {
            self.collect(&policy.selector, &mut named);
        }
        let group = |id: &GroupId| {
            let group = self.inputs.snapshot.group(*id)?;
            let is_in = member_of.contains(id).then_some(user.id);
            let direct = match &group.membership {
                Membership::Read { nested: _, direct } => direct.as_ref(),
                Membership::NotRead => None,
            };
            let direct = direct.map(|listed| match listed.contains(user.id) {
                Truth::True => Members::complete([user.id]),
                Truth::False => Members::complete([]),
                Truth::Unknown => Members::partial([]),
            });
            let membership = Membership::Read { nested: Members::complete(is_in), direct };
            Some(Group { id: *id, name: group.name.clone(), membership })
        };
        // Whom policies name beside the user has to be there, or the names would fit nobody.
        let mut users = self.users_named(set);
        users.retain(|named| named.id != user.id);
        users.push(user.clone());
        let mut reading = Reading::begin(self.inputs.snapshot.taken_at());
        reading.users(users);
        reading.groups(named.keys().filter_map(group).collect());
        reading.catalogue(self.inputs.snapshot.catalogue().clone());
        reading.sign_ins(self.inputs.snapshot.sign_ins().clone());
        reading.finish().ok()
    }
}

/// How many rows that fit nobody are kept of a list: one may turn out to be the user looked at.
const MISFITS_KEPT: usize = 2;

fn misfits(policies: &PolicySet, snapshot: &Snapshot) -> BTreeMap<Arc<str>, Vec<Row>> {
    let mut lists = BTreeMap::new();
    for policy in &policies.policies {
        policy.selector.for_each_test(&mut |test| {
            if let Test::Csv(list) = test {
                lists.insert(list.file.clone(), list.clone());
            }
        });
    }
    if lists.is_empty() {
        return BTreeMap::new();
    }
    let mut names: Vec<Listed> =
        snapshot.users().iter().map(|user| by_name(&user.principal_name)).collect();
    names.sort_unstable();
    let fits_nobody = |row: &&Row| match &row.who {
        Listed::Id(id) => snapshot.user(*id).is_none(),
        Listed::Name(_) => names.binary_search(&row.who).is_err(),
    };
    let kept = |list: &List| -> Vec<Row> {
        list.rows().iter().filter(fits_nobody).take(MISFITS_KEPT).cloned().collect()
    };
    lists.into_iter().map(|(file, list)| (file, kept(&list))).collect()
}

fn by_name(principal_name: &str) -> Listed {
    Listed::Name(principal_name.to_lowercase().into())
}

/// Whether a policy names a SKU among what it grants.
fn grants(policy: &Policy, sku: &SkuRef) -> bool {
    let licenses: &[License] = match &policy.action {
        Action::Add { licenses } | Action::Replace { licenses, replaces: _ } => licenses,
        Action::Remove { removals: _ } => &[],
    };
    let id = sku.id.to_string();
    licenses.iter().any(|license| {
        *license.sku.value == *sku.name || license.sku.value.eq_ignore_ascii_case(&id)
    })
}

/// What becomes of a SKU.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The user loses it.
    Gone,
    /// The user keeps it, and some of its service plans are switched off.
    Switched,
}

/// Returns the SKUs of which an operation switches service plans off that data hangs on.
fn switched(operation: &Operation) -> impl Iterator<Item = &SkuRef> {
    let is_at_risk = !operation.data_at_risk.is_empty();
    let held = operation.add.iter().filter(move |addition| is_at_risk && addition.held);
    held.map(|addition| &addition.sku)
}

/// Returns the service plans of a SKU that an operation switches off.
fn switched_off(operation: &Operation, sku: &SkuRef) -> impl Iterator<Item = ServicePlanId> {
    let before = operation.before.iter().find(|held| held.sku == *sku);
    let addition = operation.add.iter().find(|addition| addition.sku == *sku);
    let was_off = move |plan: ServicePlanId| {
        before.is_some_and(|held| held.disabled.iter().any(|one| one.id == plan))
    };
    let off = addition.into_iter().flat_map(|addition| &addition.disabled).map(|plan| plan.id);
    off.filter(move |plan| !was_off(*plan))
}

/// Checks that every policy stands to the user as what becomes of a SKU says, or as it has to.
fn judge(
    bound: &Bound<'_>,
    at: usize,
    operation: &Operation,
    sku: &SkuRef,
    fate: Fate,
) -> Result<(), String> {
    let because = || operation.because.iter().filter(|why| why.sku.as_ref() == Some(sku));
    // `remove` beats `add`, and a higher rung a lower one: then it does not matter who else would
    // grant it.
    let beats = |reason: Reason| matches!(reason, Reason::Removed | Reason::Outranked);
    let taken = because().any(|why| beats(why.reason));
    for policy in &bound.policies {
        let name = &policy.policy.name;
        let truth = match &policy.part {
            Part::Taken(terms) => bound.columns.truth(&terms.tree, at),
            Part::Elsewhere | Part::Idle(_) => Truth::False,
            Part::Broken => Truth::Unknown,
        };
        let reason = because().find(|why| why.policy == *name).map(|why| why.reason);
        let grants = match &policy.part {
            Part::Taken(terms) => match (fate, terms.grants.get(&sku.id)) {
                // A policy has a say in what it leaves on, and in nothing where it says nothing.
                (_, None) | (Fate::Switched, Some(PlanTerms::Unsaid)) => false,
                (Fate::Gone, Some(_)) => true,
                (Fate::Switched, Some(PlanTerms::Off(off))) => {
                    switched_off(operation, sku).any(|plan| !off.contains(plan))
                }
            },
            Part::Elsewhere | Part::Idle(_) => false,
            Part::Broken => true,
        };
        let stands = match reason {
            Some(
                Reason::Removed
                | Reason::Replaced
                | Reason::Exchanged
                | Reason::Outranked
                | Reason::SteppedDown,
            ) => truth == Truth::True,
            Some(Reason::Left) => truth == Truth::False,
            Some(Reason::Withdrawn) => truth == Truth::True && !grants,
            Some(Reason::Matched) if fate == Fate::Switched => truth == Truth::True,
            Some(Reason::Matched | Reason::Located | Reason::Requested | Reason::Reverted)
            | None => taken || !grants || truth == Truth::False,
        };
        if !stands {
            let how = match truth {
                Truth::True => "matches the user",
                Truth::False => "does not match the user",
                Truth::Unknown => "cannot be decided",
            };
            return Err(format!("asked another way, policy {name} {how}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
