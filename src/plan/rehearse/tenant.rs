//! The tenant that a policy test runs in: made up from the names in policies and test, and from
//! well-known products.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::attribute::Attributes;
use crate::domain::dn::DistinguishedName;
use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::products::Products;
use crate::domain::sign_in::{Extent, SignInsSeen};
use crate::domain::sku::{AppliesTo, Catalogue, ServicePlan, Sku, SkuStatus, Units};
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::{
    Assignment, AssignmentSource, Inherited, Licenses, ServicePlanSet, User, UserType,
};
use crate::plan::ledger::{Ledger, Ownership};
use crate::policy::case::{Case, HeldLicense};
use crate::policy::settings::Settings;
use crate::policy::{
    Action, License, Moment, PolicySet, Removal, Removals, Replaces, Selector, ServicePlanRule,
    Test, Written,
};
use jiff::tz::TimeZone;

/// Seats where a test says nothing of them: more than a test can use.
const PLENTY: u32 = 1_000;
/// The user in whom nobody is meant, for selectors that name others than the user of the test.
pub(super) const NOBODY: &str = "nobody@seatkeeper.invalid";

/// What all tests of a set of policies have in common.
pub(super) struct Stage {
    skus: BTreeMap<SkuId, Sku>,
    /// The SKUs by part number, in upper case.
    by_name: BTreeMap<String, SkuId>,
    /// The groups as they were first written, by name in lower case.
    named_groups: BTreeMap<String, Arc<str>>,
    /// The service plans by name, in upper case.
    plans_by_name: BTreeMap<String, ServicePlanId>,
}

/// The tenant of one test.
pub(super) struct Scene {
    pub(super) snapshot: Snapshot,
    pub(super) ledger: Ledger,
    pub(super) user: UserId,
}

impl Stage {
    /// Collects what policies, tests and settings name.
    pub(super) fn new(policies: &PolicySet, cases: &[Case], settings: &Settings) -> Self {
        let mut stage = Self {
            skus: BTreeMap::new(),
            by_name: BTreeMap::new(),
            named_groups: BTreeMap::new(),
            plans_by_name: BTreeMap::new(),
        };
        let products = Products::published();
        for name in products.part_numbers() {
            let Some(product) = products.named(name) else { continue };
            stage.add(Sku {
                id: product.id,
                part_number: product.part_number.clone(),
                applies_to: product.applies_to.clone(),
                status: SkuStatus::Enabled,
                units: Units::default(),
                consumed: 0,
                service_plans: product.service_plans.clone(),
            });
        }
        for policy in &policies.policies {
            stage.see_action(&policy.action);
            policy.selector.for_each_test(&mut |test| stage.see_test(test));
        }
        for rung in policies.ladders.iter().flat_map(|ladder| &ladder.rungs) {
            stage.sku(&rung.value);
        }
        settings.reserve.keys().for_each(|sku| stage.see_sku(sku));
        settings.protected.groups.iter().for_each(|group| stage.see_group(&group.value));
        for case in cases {
            stage.see_case(case);
        }
        stage
    }

    fn add(&mut self, sku: Sku) {
        self.by_name.insert(sku.part_number.to_uppercase(), sku.id);
        for plan in &sku.service_plans {
            self.plans_by_name.entry(plan.name.to_uppercase()).or_insert(plan.id);
        }
        self.skus.insert(sku.id, sku);
    }

    /// Returns the SKU of a name or id, made up where nothing is known by it.
    fn sku(&mut self, written: &str) -> SkuId {
        if let Some(id) = self.find(written) {
            return id;
        }
        let id = written.parse().unwrap_or_else(|_| SkuId::from_uuid(made_up("sku", written)));
        self.add(Sku {
            id,
            part_number: written.into(),
            applies_to: AppliesTo::User,
            status: SkuStatus::Enabled,
            units: Units::default(),
            consumed: 0,
            service_plans: Vec::new(),
        });
        id
    }

    fn see_sku(&mut self, written: &str) {
        self.sku(written);
    }

    /// Returns the SKU of a name or id, where one is known.
    pub(super) fn find(&self, written: &str) -> Option<SkuId> {
        let by_id = written.parse::<SkuId>().ok().filter(|id| self.skus.contains_key(id));
        by_id.or_else(|| self.by_name.get(&written.to_uppercase()).copied())
    }

    /// Names a SKU.
    pub(super) fn name(&self, sku: SkuId) -> Arc<str> {
        self.skus.get(&sku).map_or_else(|| sku.to_string().into(), |sku| sku.part_number.clone())
    }

    /// Names a service plan of a SKU.
    pub(super) fn plan_name(&self, sku: SkuId, plan: ServicePlanId) -> Arc<str> {
        let found = self.skus.get(&sku).and_then(|sku| sku.service_plan(plan));
        found.map_or_else(|| plan.to_string().into(), |plan| plan.name.clone())
    }

    /// Returns a service plan of a SKU; one that it is not known to have is taken for one of its own.
    fn plan(&mut self, sku: SkuId, written: &str) -> ServicePlanId {
        let known = self.plans_by_name.get(&written.to_uppercase()).copied();
        let made_up = || ServicePlanId::from_uuid(made_up("service plan", written));
        let id = written.parse().ok().or(known).unwrap_or_else(made_up);
        let sku = self.skus.get_mut(&sku).expect("whoever asks has looked the SKU up");
        if sku.service_plan(id).is_none() {
            let name: Arc<str> = written.into();
            sku.service_plans.push(ServicePlan { id, name, applies_to: AppliesTo::User });
            self.plans_by_name.entry(written.to_uppercase()).or_insert(id);
        }
        id
    }

    fn plans<'w>(
        &mut self,
        sku: SkuId,
        written: impl IntoIterator<Item = &'w Arc<str>>,
    ) -> ServicePlanSet {
        written.into_iter().map(|plan| self.plan(sku, plan)).collect()
    }

    fn see_action(&mut self, action: &Action) {
        let licenses: &[License] = match action {
            Action::Add { licenses } => licenses,
            Action::Replace { licenses, replaces } => {
                if let Replaces::Listed(listed) = replaces {
                    for sku in listed {
                        self.see_sku(&sku.value);
                    }
                }
                licenses
            }
            Action::Remove { removals } => {
                self.see_removals(removals);
                &[]
            }
        };
        for License { sku, service_plans } in licenses {
            let sku = self.sku(&sku.value);
            match service_plans {
                ServicePlanRule::Unsaid => {}
                ServicePlanRule::Disable(plans) | ServicePlanRule::Enable(plans) => {
                    self.plans(sku, plans.iter().map(|plan| &plan.value));
                }
            }
        }
    }

    fn see_removals(&mut self, removals: &Removals) {
        let Removals::Listed(listed) = removals else { return };
        for removal in listed {
            match removal {
                Removal::Sku(sku) => self.see_sku(&sku.value),
                Removal::ServicePlans { sku: Some(sku), plans } => {
                    let sku = self.sku(&sku.value);
                    self.plans(sku, plans.iter().map(|plan| &plan.value));
                }
                Removal::ServicePlans { sku: None, plans } => self.see_plans_of_any(plans),
            }
        }
    }

    /// A service plan that no SKU is known to have is taken for one of the first SKU.
    fn see_plans_of_any(&mut self, plans: &[Written<Arc<str>>]) {
        let Some(any) = self.skus.keys().next().copied() else { return };
        for plan in plans {
            let known = plan
                .value
                .parse::<ServicePlanId>()
                .is_ok_and(|id| self.skus.values().any(|sku| sku.service_plan(id).is_some()));
            if !known && !self.plans_by_name.contains_key(&plan.value.to_uppercase()) {
                self.plan(any, &plan.value);
            }
        }
    }

    fn see_test(&mut self, test: &Test) {
        match test {
            Test::Group { group, nested: _ } => self.see_group(group),
            Test::Has(sku) => self.see_sku(sku),
            Test::Ou { .. }
            | Test::Domain(_)
            | Test::AdDomain(_)
            | Test::User(_)
            | Test::Csv(_)
            | Test::Attribute { .. }
            | Test::UserType(_)
            | Test::Enabled(_)
            | Test::Synced(_)
            | Test::InactiveFor(_)
            | Test::Everyone => {}
        }
    }

    fn see_group(&mut self, name: &Arc<str>) {
        self.named_groups.entry(name.to_lowercase()).or_insert_with(|| name.clone());
    }

    fn see_case(&mut self, case: &Case) {
        let groups = case.user.groups.iter().chain(&case.user.nested_groups);
        groups.for_each(|group| self.see_group(&group.value));
        for held in &case.user.licenses {
            let sku = self.sku(&held.sku.value);
            self.plans(sku, held.disable.iter().map(|plan| &plan.value));
            held.group.iter().for_each(|group| self.see_group(&group.value));
        }
        for (sku, _) in &case.seats {
            self.sku(&sku.value);
        }
    }

    /// Returns the service plans of these names, of those that a SKU has. One that it does not have is
    /// returned as the error.
    pub(super) fn found_plans(
        &self,
        sku: SkuId,
        written: &[Written<Arc<str>>],
    ) -> Result<BTreeSet<ServicePlanId>, Arc<str>> {
        let found = |plan: &Written<Arc<str>>| {
            let by_name = self.plans_by_name.get(&plan.value.to_uppercase()).copied();
            let id = plan.value.parse().ok().or(by_name);
            let has = |id: &ServicePlanId| {
                self.skus.get(&sku).is_some_and(|sku| sku.service_plan(*id).is_some())
            };
            id.filter(has).ok_or_else(|| plan.value.clone())
        };
        written.iter().map(found).collect()
    }

    /// Whether a service plan can be switched for a user.
    pub(super) fn is_switchable(&self, sku: SkuId, plan: ServicePlanId) -> bool {
        self.skus.get(&sku).is_some_and(|sku| sku.switchable().any(|of| of == plan))
    }

    /// Sets the scene of one test.
    pub(super) fn scene(&mut self, case: &Case, settings: &Settings, now: Timestamp) -> Scene {
        let user = self.user(case, settings, now);
        let mut ledger = self.ledger(case, &user, settings, now);
        let mut reading = Reading::begin(now);
        let id = user.id;
        let mut skus: Vec<Sku> = self.skus.values().cloned().collect();
        for sku in &mut skus {
            let held = user.licenses.value().is_some_and(|licenses| licenses.get(sku.id).is_some());
            sku.consumed = u32::from(held);
            let reserved = [&*sku.part_number, &sku.id.to_string()]
                .iter()
                .find_map(|name| settings.reserve.get(*name).map(|reserve| reserve.seats));
            let free = case.seats.iter().find(|(name, _)| self.find(&name.value) == Some(sku.id));
            let free = free.map_or(PLENTY, |(_, seats)| *seats);
            sku.units.enabled = sku.consumed + free + reserved.unwrap_or_default();
            let plans = sku.service_plans.iter().map(|plan| plan.id).collect();
            ledger.seen.insert(sku.id, plans);
        }
        reading.groups(self.groups(case, id));
        let mut users = vec![user, somebody(NOBODY)];
        for name in &settings.protected.users {
            let is_user = |user: &User| {
                user.principal_name.eq_ignore_ascii_case(&name.value)
                    || name.value.parse().is_ok_and(|id: UserId| id == user.id)
            };
            if !users.iter().any(is_user) {
                users.push(somebody(&name.value));
            }
        }
        reading.users(users);
        reading.catalogue(Catalogue::new(skus));
        reading.sign_ins(SignInsSeen { until: now, extent: Extent::Whole });
        let snapshot = reading.finish().expect("every source is there");
        Scene { snapshot, ledger, user: id }
    }

    fn user(&mut self, case: &Case, settings: &Settings, now: Timestamp) -> User {
        let subject = &case.user;
        let principal_name =
            subject.principal_name.clone().unwrap_or_else(|| "user@seatkeeper.invalid".into());
        let id = subject.id.unwrap_or_else(|| UserId::from_uuid(made_up("user", &principal_name)));
        let dn = subject.ou.as_ref().and_then(below);
        let attributes: BTreeMap<_, _> = subject.attributes.iter().cloned().collect();
        let told = crate::domain::attribute::Attribute::all()
            .map(|attribute| (attribute, Known::Known(attributes.get(&attribute).cloned())));
        let at = |moment: Moment| moment.at(&settings.time_zone).min(now);
        User {
            id,
            principal_name,
            display_name: None,
            user_type: Known::Known(subject.user_type),
            enabled: Known::Known(subject.enabled),
            usage_location: Known::Known(subject.usage_location),
            synced: Known::Known(subject.synced),
            distinguished_name: Known::Known(dn),
            ad_domain: Known::Known(subject.ad_domain.clone()),
            attributes: told.collect::<Attributes>(),
            last_sign_in: subject.last_sign_in.map_or(Known::Unknown, |at_| Known::Known(at(at_))),
            licenses: Known::Known(self.licenses(&subject.licenses)),
        }
    }

    fn licenses(&mut self, held: &[HeldLicense]) -> Licenses {
        let mut by_sku: BTreeMap<SkuId, (Option<ServicePlanSet>, Vec<Inherited>)> = BTreeMap::new();
        for held in held {
            let sku = self.sku(&held.sku.value);
            let disabled = self.plans(sku, held.disable.iter().map(|plan| &plan.value));
            let (direct, inherited) = by_sku.entry(sku).or_default();
            match &held.group {
                None => *direct = Some(disabled),
                Some(group) => {
                    inherited.push(Inherited { group: group_id(&group.value), disabled });
                }
            }
        }
        let assignments = by_sku.into_iter().map(|(sku, (direct, inherited))| {
            let sources: Vec<&ServicePlanSet> =
                direct.iter().chain(inherited.iter().map(|group| &group.disabled)).collect();
            let off = sources.first().map(|first| {
                first.iter().filter(|plan| sources.iter().all(|off| off.contains(*plan))).collect()
            });
            let disabled = off.unwrap_or_default();
            let source = AssignmentSource::Told { direct, inherited: inherited.into() };
            Assignment { sku, disabled, source }
        });
        Licenses { assignments: assignments.collect(), ..Licenses::default() }
    }

    fn ledger(&mut self, case: &Case, user: &User, settings: &Settings, now: Timestamp) -> Ledger {
        let zone: &TimeZone = &settings.time_zone;
        let mut ledger = Ledger::default();
        for held in &case.user.licenses {
            let sku = self.sku(&held.sku.value);
            let let_go = held.let_go.map(|moment| moment.at(zone));
            let since = let_go.map_or(now, |let_go| let_go.min(now));
            for owner in &held.owners {
                let owners = ledger.owners.entry((user.id, sku)).or_default();
                owners.insert(owner.value.clone(), Ownership { since, let_go });
            }
            for (policy, since) in &held.clocks {
                ledger.clocks.insert((user.id, sku, policy.value.clone()), since.at(zone));
            }
        }
        ledger
    }

    fn groups(&self, case: &Case, user: UserId) -> Vec<Group> {
        let folded = |names: &[Written<Arc<str>>]| -> BTreeSet<String> {
            names.iter().map(|name| name.value.to_lowercase()).collect()
        };
        let (direct, nested) = (folded(&case.user.groups), folded(&case.user.nested_groups));
        let members = |is_in: bool| Members::complete(is_in.then_some(user));
        let group = |(key, name): (&String, &Arc<str>)| Group {
            id: group_id(name),
            name: name.clone(),
            membership: Membership::Read {
                nested: members(direct.contains(key) || nested.contains(key)),
                direct: Some(members(direct.contains(key))),
            },
        };
        self.named_groups.iter().map(group).collect()
    }
}

/// Narrows selectors down to the user of a test: of the users that policies name and list, only this
/// one needs to be in the tenant.
pub(super) fn narrowed(policies: &PolicySet, case: &Case, user: UserId) -> PolicySet {
    let mut narrowed = policies.clone();
    for policy in &mut narrowed.policies {
        narrow(&mut policy.selector, case, user);
    }
    narrowed
}

fn narrow(selector: &mut Selector, case: &Case, user: UserId) {
    let written = match selector {
        Selector::All(parts) | Selector::Any(parts) | Selector::None(parts) => {
            for part in parts {
                narrow(part, case, user);
            }
            return;
        }
        Selector::Test(written) => written,
    };
    let name = case.user.principal_name.as_deref();
    let is_meant = |written: &str| match written.parse::<UserId>() {
        Ok(id) => id == user,
        Err(_) => name.is_some_and(|name| name.to_lowercase() == written.to_lowercase()),
    };
    let is_named = match &written.value {
        Test::User(users) => users.iter().any(|of| is_meant(&of.value)),
        Test::Csv(list) => list.rows().iter().any(|row| is_meant(&row.who.to_string())),
        Test::Group { .. }
        | Test::Ou { .. }
        | Test::Domain(_)
        | Test::AdDomain(_)
        | Test::Attribute { .. }
        | Test::UserType(_)
        | Test::Enabled(_)
        | Test::Synced(_)
        | Test::Has(_)
        | Test::InactiveFor(_)
        | Test::Everyone => return,
    };
    let value: Arc<str> = if is_named { user.to_string().into() } else { NOBODY.into() };
    written.value = Test::User(vec![Written { value, place: written.place.clone() }]);
}

/// Returns an id for a name, always the same.
fn made_up(kind: &str, name: &str) -> Uuid {
    let digest = Sha256::digest(format!("{kind} {}", name.to_lowercase()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn group_id(name: &str) -> GroupId {
    name.parse().unwrap_or_else(|_| GroupId::from_uuid(made_up("group", name)))
}

/// Returns the name of somebody in an OU.
fn below(ou: &DistinguishedName) -> Option<DistinguishedName> {
    format!("CN=user,{ou}").parse().ok()
}

/// Returns somebody of whom no more is known than the name or id.
fn somebody(name: &str) -> User {
    let id = name.parse().unwrap_or_else(|_| UserId::from_uuid(made_up("user", name)));
    User {
        id,
        principal_name: name.into(),
        display_name: None,
        user_type: Known::Known(UserType::Guest),
        enabled: Known::Known(false),
        usage_location: Known::Known(None),
        synced: Known::Known(false),
        distinguished_name: Known::Known(None),
        ad_domain: Known::Known(None),
        attributes: Attributes::none(),
        last_sign_in: Known::Unknown,
        licenses: Known::Known(Licenses::default()),
    }
}
