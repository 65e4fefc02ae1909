//! Looks up what policies and settings name in a tenant, and says what is not there.

use super::lists::FittedList;
use super::{PlanTerms, Problem, SwitchesOff, Takes, Terms, Which};
use crate::domain::group::Membership;
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::names::{Place, TenantName};
use crate::domain::sign_in::Extent;
use crate::domain::sku::{AppliesTo, ServicePlan, Sku};
use crate::domain::snapshot::Snapshot;
use crate::plan::select::{Columns, Tree};
use crate::plan::source::Property;
use crate::plan::{Warning, near};
use crate::policy::list::Listed;
use crate::policy::settings::Settings;
use crate::policy::{
    Action, Ladder, License, LocationRule, Policy, Removal, Removals, Replaces, Selector,
    ServicePlanRule, Test, Written,
};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Users whom nothing touches, and the groups that say so.
type Protected = (BTreeSet<UserId>, BTreeSet<GroupId>);

/// Says what of users a policy asks for that may be missing.
fn use_properties(policy: &Policy, columns: &mut Columns) {
    let guests = policy.reaches_guests;
    if !guests {
        columns.uses(Property::UserType, guests);
    }
    policy.selector.for_each_test(&mut |test| match test {
        Test::Ou { ou: _, scope: _ } => columns.uses(Property::Ou, guests),
        Test::AdDomain(_) => columns.uses(Property::AdDomain, guests),
        Test::Attribute { attribute, values: _ } => {
            columns.uses(Property::Attribute(*attribute), guests);
        }
        Test::Enabled(_) => columns.uses(Property::Enabled, guests),
        Test::UserType(_) => columns.uses(Property::UserType, guests),
        Test::Synced(_) => columns.uses(Property::Synced, guests),
        Test::Has(_) => columns.uses(Property::Licenses, guests),
        // These are never missing, have a size of their own, or are known to be missing for many.
        Test::Group { group: _, nested: _ }
        | Test::Domain(_)
        | Test::User(_)
        | Test::Everyone
        | Test::Csv(_)
        | Test::InactiveFor(_) => {}
    });
    if let Some(LocationRule::From { attribute, default: _ }) = policy.usage_location {
        columns.uses(Property::Attribute(attribute), guests);
    }
}

/// The names of a tenant, to be looked up.
pub(super) struct Names<'a> {
    tenant: &'a TenantName,
    snapshot: &'a Snapshot,
    /// The users by principal name, in lower case; collected when somebody is first looked up.
    users: OnceCell<BTreeMap<String, UserId>>,
    groups: BTreeMap<String, Vec<GroupId>>,
    /// The lists that policies name, by file.
    lists: BTreeMap<Arc<str>, FittedList>,
}

impl<'a> Names<'a> {
    pub(super) fn new(tenant: &'a TenantName, snapshot: &'a Snapshot) -> Self {
        let mut groups: BTreeMap<String, Vec<GroupId>> = BTreeMap::new();
        for group in snapshot.groups() {
            groups.entry(group.name.to_lowercase()).or_default().push(group.id);
        }
        Self { tenant, snapshot, users: OnceCell::new(), groups, lists: BTreeMap::new() }
    }

    /// Looks up who is on the lists that a selector names, each list once.
    pub(super) fn fit_lists(&mut self, selector: &Selector) {
        selector.for_each_test(&mut |test| {
            if let Test::Csv(list) = test
                && !self.lists.contains_key(&list.file)
            {
                let fitted = FittedList::new(list, |who| self.listed(who));
                self.lists.insert(list.file.clone(), fitted);
            }
        });
    }

    fn listed(&self, who: &Listed) -> Option<UserId> {
        match who {
            Listed::Id(id) => self.snapshot.user(*id).map(|user| user.id),
            Listed::Name(name) => self.users().get(&**name).copied(),
        }
    }

    /// Returns the rows that fit no user.
    pub(super) fn misfits(&self) -> Vec<Warning> {
        self.lists.values().flat_map(FittedList::warnings).collect()
    }

    fn users(&self) -> &BTreeMap<String, UserId> {
        let by_name =
            |user: &crate::domain::user::User| (user.principal_name.to_lowercase(), user.id);
        self.users.get_or_init(|| self.snapshot.users().iter().map(by_name).collect())
    }

    pub(super) fn terms(
        &self,
        policy: &Policy,
        columns: &mut Columns,
        warnings: &mut Vec<Warning>,
    ) -> Result<Terms, Vec<Problem>> {
        let mut problems = Vec::new();
        let names_nobody = self.names_nobody(&policy.selector, false, &mut problems);
        let tree = self.tree(&policy.selector, columns, &mut problems, warnings);
        let (licenses, takes): (&[License], Takes) = match &policy.action {
            Action::Add { licenses } => (licenses, Takes::Nothing),
            Action::Replace { licenses, replaces } => {
                (licenses, Takes::Replaces(self.replaces(replaces, &mut problems)))
            }
            Action::Remove { removals } => {
                (&[], Takes::Removes(self.removals(removals, &mut problems)))
            }
        };
        let mut grants = BTreeMap::new();
        for license in licenses {
            self.grant(license, &mut grants, &mut problems);
        }
        let switches_off = self.switches_off(&policy.action, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        use_properties(policy, columns);
        let tree =
            if policy.reaches_guests { tree } else { Tree::All(vec![columns.members(), tree]) };
        Ok(Terms {
            tree,
            grants,
            takes,
            switches_off,
            location: policy.usage_location,
            priority: policy.priority,
            names_nobody,
        })
    }

    /// Whether a selector names users whom nobody can be found for. Among exceptions that is a
    /// problem: whoever was meant would be excepted no longer.
    fn names_nobody(
        &self,
        selector: &Selector,
        in_exception: bool,
        problems: &mut Vec<Problem>,
    ) -> bool {
        let (parts, in_exception) = match selector {
            Selector::All(parts) | Selector::Any(parts) => (parts, in_exception),
            Selector::None(parts) => (parts, true),
            Selector::Test(Written { value: Test::User(users), place: _ }) => {
                let unknown = users.iter().filter(|user| self.find_user(&user.value).is_none());
                let count = unknown.clone().count();
                if in_exception {
                    problems.extend(unknown.map(|user| self.unknown_exception(user)));
                }
                return count > 0;
            }
            Selector::Test(Written { value: Test::Csv(list), place: _ }) => {
                let Some(fitted) = self.lists.get(&list.file) else { return true };
                if in_exception {
                    problems.extend(fitted.problems());
                }
                return fitted.names_nobody();
            }
            Selector::Test(_) => return false,
        };
        // Every part is asked, so that all problems are told at once.
        let found = parts.iter().map(|part| self.names_nobody(part, in_exception, problems));
        found.collect::<Vec<_>>().contains(&true)
    }

    fn unknown_exception(&self, user: &Written<Arc<str>>) -> Problem {
        let names = self.users().keys().map(String::as_str);
        let hint = near(&user.value.to_lowercase(), names).map_or_else(
            || {
                "an exception that fits nobody protects nobody: correct the name, or take it out"
                    .to_owned()
            },
            |name| format!("tenant `{}` has `{name}`", self.tenant),
        );
        Problem::at(user, format!("unknown user `{}` among the exceptions", user.value), Some(hint))
    }

    fn grant(
        &self,
        license: &License,
        grants: &mut BTreeMap<SkuId, PlanTerms>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(sku) = self.sku(&license.sku, problems) else { return };
        if sku.applies_to == AppliesTo::Company {
            problems.push(Problem::at(
                &license.sku,
                format!(
                    "SKU `{}` belongs to the company and cannot be assigned",
                    license.sku.value
                ),
                Some("remove it from the policy".to_owned()),
            ));
            return;
        }
        let plans = |written: &[Written<Arc<str>>], problems: &mut Vec<Problem>| {
            let found = written.iter().filter_map(|plan| service_plan(sku, plan, problems));
            found.collect::<BTreeSet<_>>()
        };
        let terms = match &license.service_plans {
            ServicePlanRule::Unsaid => PlanTerms::Unsaid,
            ServicePlanRule::Disable(off) => {
                PlanTerms::Off(plans(off, problems).into_iter().collect())
            }
            ServicePlanRule::Enable(on) => {
                let on = plans(on, problems);
                PlanTerms::Off(sku.switchable().filter(|plan| !on.contains(plan)).collect())
            }
        };
        if grants.insert(sku.id, terms).is_some() {
            problems.push(Problem::at(
                &license.sku,
                format!("SKU `{}` is granted twice by this policy", sku.part_number),
                Some("name it once, by part number or by id".to_owned()),
            ));
        }
    }

    fn replaces(&self, replaces: &Replaces, problems: &mut Vec<Problem>) -> Which {
        match replaces {
            Replaces::All => Which::All,
            Replaces::Listed(skus) => Which::Listed(self.skus(skus, problems)),
        }
    }

    fn removals(&self, removals: &Removals, problems: &mut Vec<Problem>) -> Which {
        let Removals::Listed(listed) = removals else { return Which::All };
        let whole = listed.iter().filter_map(|removal| match removal {
            Removal::Sku(sku) => Some(sku.clone()),
            Removal::ServicePlans { sku: _, plans: _ } => None,
        });
        Which::Listed(self.skus(&whole.collect::<Vec<_>>(), problems))
    }

    /// Finds the single service plans that an action takes away.
    fn switches_off(&self, action: &Action, problems: &mut Vec<Problem>) -> SwitchesOff {
        let mut off = SwitchesOff::default();
        let Action::Remove { removals: Removals::Listed(listed) } = action else { return off };
        for removal in listed {
            match removal {
                Removal::Sku(_) => {}
                Removal::ServicePlans { sku: Some(sku), plans } => {
                    let Some(sku) = self.sku(sku, problems) else { continue };
                    let found = plans.iter().filter_map(|plan| service_plan(sku, plan, problems));
                    off.within.entry(sku.id).or_default().extend(found);
                }
                Removal::ServicePlans { sku: None, plans } => {
                    for plan in plans {
                        off.anywhere.extend(self.service_plans(plan, problems));
                    }
                }
            }
        }
        off
    }

    /// Finds a service plan in any SKU. A name may stand for several, one in each of some SKUs.
    fn service_plans(
        &self,
        written: &Written<Arc<str>>,
        problems: &mut Vec<Problem>,
    ) -> BTreeSet<ServicePlanId> {
        let all = || self.snapshot.catalogue().skus().iter().flat_map(|sku| &sku.service_plans);
        let by_id = written.value.parse::<ServicePlanId>().ok();
        let is_meant = |plan: &&ServicePlan| {
            by_id.map_or_else(|| plan.name == written.value, |id| plan.id == id)
        };
        let named: Vec<&ServicePlan> = all().filter(is_meant).collect();
        if named.is_empty() {
            let hint = near(&written.value, all().map(|plan| &*plan.name))
                .map(|name| format!("tenant `{}` has `{name}`", self.tenant));
            let message = format!("no SKU has a service plan `{}`", written.value);
            problems.push(Problem::at(written, message, hint));
        } else if named.iter().all(|plan| plan.applies_to == AppliesTo::Company) {
            let message = format!(
                "service plan `{}` belongs to the company and cannot be switched",
                written.value
            );
            let hint = "remove it from the list".to_owned();
            problems.push(Problem::at(written, message, Some(hint)));
        }
        named.into_iter().map(|plan| plan.id).collect()
    }

    /// Finds the rungs of a ladder.
    pub(super) fn rungs(&self, ladder: &Ladder) -> Result<Vec<SkuId>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut rungs: Vec<SkuId> = Vec::new();
        for written in &ladder.rungs {
            let Some(sku) = self.sku(written, &mut problems) else { continue };
            if rungs.contains(&sku.id) {
                let message = format!("SKU `{}` is on the ladder twice", sku.part_number);
                let hint = "name it once, by part number or by id".to_owned();
                problems.push(Problem::at(written, message, Some(hint)));
            }
            rungs.push(sku.id);
        }
        if problems.is_empty() { Ok(rungs) } else { Err(problems) }
    }

    fn skus(&self, written: &[Written<Arc<str>>], problems: &mut Vec<Problem>) -> BTreeSet<SkuId> {
        written.iter().filter_map(|sku| self.sku(sku, problems).map(|sku| sku.id)).collect()
    }

    fn sku(&self, written: &Written<Arc<str>>, problems: &mut Vec<Problem>) -> Option<&'a Sku> {
        let catalogue = self.snapshot.catalogue();
        if let Ok(id) = written.value.parse::<SkuId>() {
            if let Some(sku) = catalogue.get(id) {
                return Some(sku);
            }
        } else {
            let named: Vec<&Sku> = catalogue.named(&written.value).collect();
            match named.as_slice() {
                [] => {}
                [sku] => return Some(sku),
                several => {
                    let ids: Vec<String> =
                        several.iter().map(|sku| format!("`{}`", sku.id)).collect();
                    problems.push(Problem::at(
                        written,
                        format!("SKU `{}` names {} products", written.value, several.len()),
                        Some(format!("write the id instead: {}", ids.join(" or "))),
                    ));
                    return None;
                }
            }
        }
        let names = catalogue.skus().iter().map(|sku| &*sku.part_number);
        let hint = near(&written.value, names).map_or_else(
            || self.has("SKUs", catalogue.skus().iter().map(|sku| &*sku.part_number)),
            |name| format!("tenant `{}` has `{name}`", self.tenant),
        );
        problems.push(Problem::at(written, format!("unknown SKU `{}`", written.value), Some(hint)));
        None
    }

    fn has<'n>(&self, what: &str, names: impl Iterator<Item = &'n str>) -> String {
        let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        names.sort_unstable();
        if names.is_empty() {
            return format!("tenant `{}` has no {what}", self.tenant);
        }
        let more = names.len().saturating_sub(12);
        names.truncate(12);
        let and_more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("tenant `{}` has {}{and_more}", self.tenant, names.join(", "))
    }

    fn tree(
        &self,
        selector: &Selector,
        columns: &mut Columns,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Warning>,
    ) -> Tree {
        let mut several = |parts: &[Selector]| {
            parts.iter().map(|part| self.tree(part, columns, problems, warnings)).collect()
        };
        match selector {
            Selector::All(parts) => Tree::All(several(parts)),
            Selector::Any(parts) => Tree::Any(several(parts)),
            Selector::None(parts) => Tree::None(several(parts)),
            Selector::Test(test) => self.test(test, columns, problems, warnings),
        }
    }

    fn test(
        &self,
        test: &Written<Test>,
        columns: &mut Columns,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Warning>,
    ) -> Tree {
        match &test.value {
            Test::Group { group, nested } => {
                let written = Written { value: group.clone(), place: test.place.clone() };
                match self.group(&written, problems) {
                    Some(id) => columns.group(id, *nested, self.snapshot),
                    None => Tree::Any(Vec::new()),
                }
            }
            Test::Ou { ou, scope } => columns.ou(ou, *scope, &test.place),
            Test::Domain(domain) => columns.domain(domain),
            Test::AdDomain(domain) => columns.ad_domain(domain),
            Test::User(users) => {
                let found = users.iter().filter_map(|user| self.user(user, warnings)).collect();
                columns.users(found, users)
            }
            Test::Enabled(enabled) => columns.enabled(*enabled),
            Test::Everyone => columns.everyone(),
            Test::Csv(list) => {
                let users = self.lists.get(&list.file).map(|fitted| fitted.users.clone());
                columns.listed(users.unwrap_or_default(), &list.file)
            }
            Test::Attribute { attribute, values } => {
                columns.attribute(*attribute, values, &test.place)
            }
            Test::UserType(types) => columns.user_type(types),
            Test::Synced(synced) => columns.synced(*synced),
            Test::Has(sku) => {
                let written = Written { value: sku.clone(), place: test.place.clone() };
                match self.sku(&written, problems) {
                    Some(sku) => columns.has(sku),
                    None => Tree::Any(Vec::new()),
                }
            }
            Test::InactiveFor(span) => {
                self.warn_of_unread_sign_ins(&test.place, warnings);
                columns.inactive_for(*span, self.snapshot)
            }
        }
    }

    /// Says once how much of the sign-ins was read, where that is not all.
    fn warn_of_unread_sign_ins(&self, place: &Place, warnings: &mut Vec<Warning>) {
        let untold = "whether users are inactive cannot be told";
        let message = match &self.snapshot.sign_ins().extent {
            Extent::Whole => return,
            Extent::NotRead => format!("sign-ins were not read: {untold}"),
            Extent::Unavailable { reason } => {
                format!("sign-ins cannot be read, so {untold}: {reason}")
            }
            Extent::Partial { users, stopped } => {
                let all = self.snapshot.users().len();
                let why = stopped.as_ref().map(|why| format!("; it stopped: {why}"));
                let why = why.unwrap_or_default();
                format!(
                    "the read of sign-ins has come to {users} of {all} users; whether the others are \
                     inactive cannot be told{why}"
                )
            }
        };
        if warnings.iter().all(|warning| warning.message != message) {
            warnings.push(Warning { at: place.file_and_line().into(), message });
        }
    }

    fn user(&self, written: &Written<Arc<str>>, warnings: &mut Vec<Warning>) -> Option<UserId> {
        let found = self.find_user(&written.value);
        if found.is_none() {
            let names = self.users().keys().map(String::as_str);
            let meant = near(&written.value.to_lowercase(), names)
                .map(|name| format!(": did you mean `{name}`?"))
                .unwrap_or_default();
            warnings.push(Warning {
                at: written.place.file_and_line().into(),
                message: format!("no user `{}` in the tenant{meant}", written.value),
            });
        }
        found
    }

    fn find_user(&self, written: &str) -> Option<UserId> {
        match written.parse::<UserId>() {
            Ok(id) => self.snapshot.user(id).map(|user| user.id),
            Err(_) => self.users().get(&written.to_lowercase()).copied(),
        }
    }

    fn group(&self, written: &Written<Arc<str>>, problems: &mut Vec<Problem>) -> Option<GroupId> {
        if let Ok(id) = written.value.parse::<GroupId>()
            && self.snapshot.group(id).is_some()
        {
            return Some(id);
        }
        let called = self.groups.get(&written.value.to_lowercase());
        match called.map_or(&[][..], Vec::as_slice) {
            [id] => Some(*id),
            [] => {
                let names = self.snapshot.groups().iter().map(|group| &*group.name);
                let hint = near(&written.value, names.clone()).map_or_else(
                    || self.has("groups", names),
                    |name| format!("tenant `{}` has `{name}`", self.tenant),
                );
                let message = format!("unknown group `{}`", written.value);
                problems.push(Problem::at(written, message, Some(hint)));
                None
            }
            several => {
                let ids: Vec<String> = several.iter().map(|id| format!("`{id}`")).collect();
                problems.push(Problem::at(
                    written,
                    format!("{} groups are called `{}`", several.len(), written.value),
                    Some(format!("write the id instead: {}", ids.join(" or "))),
                ));
                None
            }
        }
    }

    /// Finds the users whom nothing touches, and the groups that say so.
    pub(super) fn protected(&self, settings: &Settings) -> Result<Protected, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut protected = BTreeSet::new();
        let mut groups = BTreeSet::new();
        for written in &settings.protected.users {
            if let Some(id) = self.find_user(&written.value) {
                protected.insert(id);
                continue;
            }
            let names = self.users().keys().map(String::as_str);
            let hint = near(&written.value.to_lowercase(), names).map_or_else(
                || "a protected user who cannot be found would not be protected: correct the name, or take it off the list".to_owned(),
                |name| format!("tenant `{}` has `{name}`", self.tenant),
            );
            let message = format!("unknown protected user `{}`", written.value);
            problems.push(Problem::at(written, message, Some(hint)));
        }
        for written in &settings.protected.groups {
            if let Some(id) = self.group(written, &mut problems) {
                match self.snapshot.group(id).map(|group| &group.membership) {
                    Some(Membership::Read { nested, direct: _ }) if nested.is_complete() => {
                        protected.extend(nested.users());
                        groups.insert(id);
                    }
                    _ => problems.push(Problem::at(
                        written,
                        format!(
                            "the members of protected group `{}` cannot all be read",
                            written.value
                        ),
                        Some(
                            "grant the app `Member.Read.Hidden`, or protect the users by name"
                                .to_owned(),
                        ),
                    )),
                }
            }
        }
        if problems.is_empty() { Ok((protected, groups)) } else { Err(problems) }
    }

    pub(super) fn reserve(
        &self,
        settings: &Settings,
    ) -> Result<BTreeMap<SkuId, u32>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut reserve = BTreeMap::new();
        for (name, kept) in &settings.reserve {
            let written = Written { value: name.clone(), place: kept.place.clone() };
            if let Some(sku) = self.sku(&written, &mut problems) {
                reserve.insert(sku.id, kept.seats);
            }
        }
        if problems.is_empty() { Ok(reserve) } else { Err(problems) }
    }
}

/// Returns the service plan of a SKU that a person wrote, where users can be given it.
fn service_plan(
    sku: &Sku,
    written: &Written<Arc<str>>,
    problems: &mut Vec<Problem>,
) -> Option<ServicePlanId> {
    let by_id = written.value.parse::<ServicePlanId>().ok();
    let found = sku.service_plans.iter().find(|plan| match by_id {
        Some(id) => plan.id == id,
        None => plan.name == written.value,
    });
    let Some(plan) = found else {
        let names = || sku.service_plans.iter().map(|plan| &*plan.name);
        let hint = near(&written.value, names()).map_or_else(
            || {
                format!(
                    "the admin centre and Microsoft's list of products tell what {} has",
                    sku.part_number
                )
            },
            |name| format!("{} has `{name}`", sku.part_number),
        );
        let message = format!("SKU `{}` has no service plan `{}`", sku.part_number, written.value);
        problems.push(Problem::at(written, message, Some(hint)));
        return None;
    };
    if plan.applies_to == AppliesTo::Company {
        problems.push(Problem::at(
            written,
            format!("service plan `{}` belongs to the company and cannot be switched", plan.name),
            Some("remove it from the list".to_owned()),
        ));
        return None;
    }
    Some(plan.id)
}
