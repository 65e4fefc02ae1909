//! A small language for tenants, policies and ledgers, plans as short text, and what carrying a plan
//! out does to a tenant. For tests alone: each test is data and a snapshot.

pub(crate) mod cases;
mod show;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::attribute::Attributes;
use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::names::TenantName;
use crate::domain::sign_in::{Extent, SignInsSeen};
use crate::domain::sku::{AppliesTo, Catalogue, ServicePlan, Sku, SkuStatus, Units};
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::{
    Assignment, AssignmentSource, Inherited, Licenses, ServicePlanSet, User, UserType,
};
use crate::plan::bind::Problem;
use crate::plan::conflict::{Clash, Rules};
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::make::{Inputs, Planned, make};
use crate::plan::{Asked, Digest, Operation, Plan, Trigger};
use crate::policy::settings::{
    CountLimit, GuardSettings, MaxChanges, MaxRemovals, PercentLimit, Protected, Settings,
    SourceGuards,
};
use crate::policy::{PolicySet, Written};

pub(crate) use show::{observed, seats, show};

/// The products of every test tenant, with their service plans; `*` marks one for the company.
const PRODUCTS: [(&str, &[&str]); 10] = [
    ("SPE_E3", &["EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE", "TEAMS1", "YAMMER", "*INTUNE"]),
    (
        "SPE_E5",
        &["EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE", "TEAMS1", "YAMMER", "MCOEV", "*INTUNE"],
    ),
    ("SPE_F1", &["EXCHANGE_S_DESKLESS", "TEAMS1"]),
    ("POWER_BI_PRO", &["BI_AZURE_P2"]),
    ("VISIO", &["VISIOONLINE"]),
    ("MAIL_1", &["EXCHANGE_S_STANDARD"]),
    ("PHONE", &["MCOEV"]),
    ("TEAMS", &["TEAMS1"]),
    ("SUSPENDED", &["OLD_THING"]),
    ("*COMPANY", &["*COMPANY_THING"]),
];

/// Of an approved plan nothing was tried yet.
pub(crate) const NOTHING_TRIED: &BTreeSet<Digest> = &BTreeSet::new();

/// Everything that a plan follows from, and that carrying one out changes.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) tenant: TenantName,
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
    pub(crate) skus: Vec<Sku>,
    pub(crate) policies: PolicySet,
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
    pub(crate) sign_ins: SignInsSeen,
    /// The policies as text.
    written: String,
}

/// Builds a world from its tenant and its policies as text, without guards.
pub(crate) fn world(tenant: &str, policies: &str) -> World {
    let mut world = World::empty();
    text::read_tenant(&mut world, tenant);
    world.under(policies)
}

impl World {
    /// A tenant with the products of every test, plenty of seats and nobody in it.
    pub(crate) fn empty() -> Self {
        let guards = GuardSettings {
            first_plan: false,
            max_removals: MaxRemovals {
                percent: PercentLimit::Unlimited,
                count: CountLimit::Unlimited,
            },
            removals_per_day: CountLimit::Unlimited,
            max_changes: MaxChanges { percent: PercentLimit::Unlimited, above: 50 },
            sources: SourceGuards { emptied: false, shrunk: false, blanked: false },
        };
        let skus: Vec<Sku> = PRODUCTS.iter().map(|(name, plans)| product(name, plans)).collect();
        let plans = |sku: &Sku| sku.service_plans.iter().map(|plan| plan.id).collect();
        let seen = skus.iter().map(|sku| (sku.id, plans(sku))).collect();
        Self {
            tenant: "contoso".parse().unwrap(),
            users: Vec::new(),
            groups: Vec::new(),
            skus,
            policies: PolicySet::default(),
            settings: Settings { guards, ..Settings::default() },
            ledger: Ledger { seen, ..Ledger::default() },
            now: "2026-11-23T09:00:00Z".parse().unwrap(),
            sign_ins: SignInsSeen {
                until: "2026-11-22T09:00:00Z".parse().unwrap(),
                extent: Extent::Whole,
            },
            written: String::new(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut reading = Reading::begin(self.now);
        reading.users(self.users.clone());
        reading.groups(self.groups.clone());
        reading.catalogue(Catalogue::new(self.skus.clone()));
        reading.sign_ins(self.sign_ins.clone());
        reading.finish().unwrap()
    }

    pub(crate) fn with<T>(&self, see: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let snapshot = self.snapshot();
        see(&Inputs {
            tenant: &self.tenant,
            policies: &self.policies,
            policy_digest: Digest([0; 32]),
            policy_commit: None,
            settings: &self.settings,
            snapshot: &snapshot,
            ledger: &self.ledger,
            now: self.now,
            trigger: Trigger::Person,
            asked: Asked::Policies,
        })
    }

    pub(crate) fn try_plan(&self) -> Result<Planned, Vec<Problem>> {
        self.with(make)
    }

    pub(crate) fn planned(&self) -> Planned {
        self.try_plan().unwrap()
    }

    pub(crate) fn plan(&self) -> Plan {
        self.planned().plan
    }

    /// The plan of what a person asks for once.
    pub(crate) fn once(&self, asked: Asked<'_>) -> Planned {
        self.with(|inputs| make(&Inputs { asked, ..*inputs })).unwrap()
    }

    /// The plan as short text.
    pub(crate) fn text(&self) -> String {
        show(&self.plan())
    }

    /// The world some time later, when a cycle has seen this one.
    pub(crate) fn later(mut self, span: &str) -> Self {
        self.observe();
        self.now = span.parse::<crate::domain::span::Span>().unwrap().after(self.now);
        self
    }

    /// Writes down what a cycle sees.
    pub(crate) fn observe(&mut self) {
        for change in self.planned().observed {
            self.ledger.apply(&change);
        }
    }

    /// The same world under other policies.
    pub(crate) fn under(mut self, policies: &str) -> Self {
        self.policies = text::policies(policies);
        policies.clone_into(&mut self.written);
        self
    }

    /// The same world with these users instead of those of the same names, or beside them.
    pub(crate) fn but(mut self, users: &str) -> Self {
        text::read_tenant(&mut self, users);
        self
    }

    pub(crate) fn protecting(mut self, users: &[&str], groups: &[&str]) -> Self {
        let written = |name: &&str| Written { value: (*name).into(), place: text::place(1) };
        self.settings.protected = Protected {
            users: users.iter().map(written).collect(),
            groups: groups.iter().map(written).collect(),
        };
        self
    }

    pub(crate) fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self
    }

    pub(crate) fn user(&mut self, name: &str) -> &mut User {
        let id = user_id(name);
        let at = self.users.iter().position(|user| user.id == id).unwrap_or_else(|| {
            self.users.push(new_user(name));
            self.users.len() - 1
        });
        &mut self.users[at]
    }

    pub(crate) fn sku(&mut self, name: &str) -> &mut Sku {
        let sku = self.skus.iter_mut().find(|sku| &*sku.part_number == name);
        sku.unwrap_or_else(|| panic!("no SKU {name}"))
    }

    /// Carries a plan out in its order, as Graph would, and settles its outcomes in the ledger.
    /// Panics where Graph would refuse a call.
    pub(crate) fn carry_out(&self, planned: &Planned) -> Self {
        let mut after = self.clone();
        for change in &planned.observed {
            after.ledger.apply(change);
        }
        for operation in &planned.plan.operations {
            after.call(operation);
        }
        for released in &planned.plan.released {
            after.ledger.apply(&released.let_go());
        }
        after
    }

    fn call(&mut self, operation: &Operation) {
        for change in crate::plan::after::consequences(operation, self.now) {
            if let LedgerChange::Memory(_) = change {
                self.ledger.apply(&change);
            }
        }
        let broken_before = self.broken_rules(operation.user.id);
        self.change(operation);
        let broken = self.broken_rules(operation.user.id);
        assert!(broken.is_subset(&broken_before), "Graph refuses: {broken:?}");
    }

    /// Rules about service plans that what a user has breaks.
    fn broken_rules(&self, user: UserId) -> BTreeSet<Clash> {
        let user = self.users.iter().find(|of| of.id == user).unwrap();
        let mut enabled = BTreeSet::new();
        for held in user.licenses.value().map_or(&[][..], |licenses| &licenses.assignments) {
            let sku = self.skus.iter().find(|sku| sku.id == held.sku).unwrap();
            enabled.extend(sku.switchable().filter(|plan| !held.disabled.contains(*plan)));
        }
        Rules::new(&self.ledger.lessons).broken(&enabled)
    }

    fn change(&mut self, operation: &Operation) {
        let now = self.now;
        let id = operation.user.id;
        let warning = self.settings.use_warning_seats;
        let user = self.users.iter_mut().find(|user| user.id == id).unwrap();
        if let Some(change) = operation.usage_location {
            assert_eq!(user.usage_location, Known::Known(change.from));
            user.usage_location = Known::Known(Some(change.to));
        }
        let Known::Known(licenses) = &mut user.licenses else {
            panic!("an operation for a user whose licenses are unknown")
        };
        if !operation.add.is_empty() {
            assert!(
                matches!(user.usage_location, Known::Known(Some(_))),
                "Graph refuses: no location"
            );
        }
        for addition in &operation.add {
            let sku = self.skus.iter_mut().find(|sku| sku.id == addition.sku.id).unwrap();
            let off: ServicePlanSet = addition.disabled.iter().map(|plan| plan.id).collect();
            if licenses.get(sku.id).is_none() {
                let total = sku.units.enabled + if warning { sku.units.warning } else { 0 };
                assert!(sku.consumed < total, "Graph refuses: no seat of {}", sku.part_number);
                assert!(sku.status.is_assignable(), "Graph refuses: {}", sku.part_number);
                sku.consumed += 1;
            }
            put_direct(licenses, sku, Some(off));
            for owner in &addition.owners {
                self.ledger.apply(&LedgerChange::Own(id, sku.id, owner.clone(), now));
            }
        }
        for adoption in &operation.adopt {
            for owner in &adoption.owners {
                self.ledger.apply(&LedgerChange::Own(id, adoption.sku.id, owner.clone(), now));
            }
        }
        for removed in &operation.remove {
            let sku = self.skus.iter_mut().find(|sku| sku.id == removed.id).unwrap();
            let held = licenses.get(sku.id).and_then(Assignment::direct);
            assert!(held.is_some(), "Graph refuses: {} is not held directly", sku.part_number);
            put_direct(licenses, sku, None);
            if licenses.get(sku.id).is_none() {
                sku.consumed -= 1;
            }
            self.ledger.apply(&LedgerChange::Forget(id, sku.id));
        }
    }
}

/// Puts a direct assignment in place of the one before, or takes it away.
fn put_direct(licenses: &mut Licenses, sku: &Sku, direct: Option<ServicePlanSet>) {
    let inherited = licenses.get(sku.id).map(Assignment::inherited).unwrap_or_default().to_vec();
    licenses.assignments.retain(|assignment| assignment.sku != sku.id);
    if direct.is_some() || !inherited.is_empty() {
        licenses.assignments.push(assignment(sku.id, direct, inherited));
        licenses.assignments.sort_by_key(|assignment| assignment.sku);
    }
}

/// An assignment with the service plans in effect that follow from its sources.
pub(crate) fn assignment(
    sku: SkuId,
    direct: Option<ServicePlanSet>,
    mut inherited: Vec<Inherited>,
) -> Assignment {
    inherited.sort();
    let mut sources = direct.iter().chain(inherited.iter().map(|inherited| &inherited.disabled));
    let first = sources.next().cloned().unwrap_or_default();
    let rest: Vec<&ServicePlanSet> = sources.collect();
    let disabled = first.iter().filter(|plan| rest.iter().all(|off| off.contains(*plan))).collect();
    let source = AssignmentSource::Told { direct, inherited: inherited.into() };
    Assignment { sku, disabled, source }
}

fn product(name: &str, plans: &[&str]) -> Sku {
    let applies_to =
        |name: &str| if name.starts_with('*') { AppliesTo::Company } else { AppliesTo::User };
    let service_plan = |name: &&str| ServicePlan {
        id: ServicePlanId::from_uuid(id_of(name.trim_start_matches('*'))),
        name: name.trim_start_matches('*').into(),
        applies_to: applies_to(name),
    };
    let part_number = name.trim_start_matches('*');
    let status = if part_number == "SUSPENDED" { SkuStatus::Suspended } else { SkuStatus::Enabled };
    Sku {
        id: sku_id(part_number),
        part_number: part_number.into(),
        applies_to: applies_to(name),
        status,
        units: Units { enabled: 1000, ..Units::default() },
        consumed: 0,
        service_plans: plans.iter().map(service_plan).collect(),
    }
}

pub(crate) fn new_user(name: &str) -> User {
    User {
        id: user_id(name),
        principal_name: format!("{name}@contoso.com").into(),
        display_name: None,
        user_type: Known::Known(UserType::Member),
        enabled: Known::Known(true),
        usage_location: Known::Known(Some("DE".parse().unwrap())),
        synced: Known::Known(false),
        distinguished_name: Known::Known(None),
        ad_domain: Known::Known(None),
        attributes: Attributes::none(),
        last_sign_in: Known::Unknown,
        licenses: Known::Known(Licenses::default()),
    }
}

/// The service plans of which rules speak, with the ids that they really have.
const REAL: [(&str, Uuid); 4] = [
    ("EXCHANGE_S_STANDARD", uuid::uuid!("9aaf7827-d63c-4b61-89c3-182f06f82e5c")),
    ("EXCHANGE_S_ENTERPRISE", uuid::uuid!("efb87545-963c-4e0d-99df-69c6916d9eb0")),
    ("TEAMS1", uuid::uuid!("57ff2da0-773e-42df-b2af-ffb7a2317929")),
    ("MCOEV", uuid::uuid!("4828c8ec-dc2e-4779-b502-87ac9ce28ab7")),
];

/// An id that sorts as the name does: its first sixteen bytes.
fn id_of(name: &str) -> Uuid {
    if let Some((_, id)) = REAL.iter().find(|(real, _)| *real == name) {
        return *id;
    }
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    Uuid::from_bytes(bytes)
}

pub(crate) fn user_id(name: &str) -> UserId {
    UserId::from_uuid(id_of(name))
}

pub(crate) fn sku_id(name: &str) -> SkuId {
    SkuId::from_uuid(id_of(name))
}

pub(crate) fn group_id(name: &str) -> GroupId {
    GroupId::from_uuid(id_of(name))
}

pub(crate) fn plan_id(name: &str) -> ServicePlanId {
    ServicePlanId::from_uuid(id_of(name))
}

/// A selector as short text, as if written in the first line.
pub(crate) fn selector(text: &str) -> crate::policy::Selector {
    text::read_selector(text, 1)
}

/// A group of these users.
pub(crate) fn group(
    name: &str,
    nested: &BTreeSet<UserId>,
    direct: &BTreeSet<UserId>,
    hidden: bool,
) -> Group {
    let members = |users: &BTreeSet<UserId>| {
        let users = users.iter().copied();
        if hidden { Members::partial(users) } else { Members::complete(users) }
    };
    let name: Arc<str> = name.into();
    let membership = Membership::Read { nested: members(nested), direct: Some(members(direct)) };
    Group { id: group_id(&name), name, membership }
}

/// How many hold each SKU, as the users say.
pub(crate) fn holders(users: &[User]) -> BTreeMap<SkuId, u32> {
    let mut holders = BTreeMap::new();
    for licenses in users.iter().filter_map(|user| user.licenses.value()) {
        for assignment in &licenses.assignments {
            *holders.entry(assignment.sku).or_default() += 1;
        }
    }
    holders
}
