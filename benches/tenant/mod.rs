//! A tenant of any size in which every user holds two SKUs that policies own.

use std::sync::Arc;

use jiff::Timestamp;
use seatkeeper::domain::attribute::Attributes;
use seatkeeper::domain::group::{Group, Members, Membership};
use seatkeeper::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use seatkeeper::domain::known::Known;
use seatkeeper::domain::names::{Place, PolicyName, TenantName};
use seatkeeper::domain::sku::{AppliesTo, Catalogue, ServicePlan, Sku, SkuStatus, Units};
use seatkeeper::domain::snapshot::{Reading, Snapshot};
use seatkeeper::domain::user::{
    Assignment, AssignmentSource, Assignments, Licenses, ServicePlanSet, User, UserType,
};
use seatkeeper::plan::ledger::{Ledger, Owners, Ownership};
use seatkeeper::plan::make::{Inputs, Planned, make};
use seatkeeper::plan::{Asked, Digest, Trigger};
use seatkeeper::policy::settings::Settings;
use seatkeeper::policy::{
    Action, License, OnLeave, Policy, PolicySet, Removals, Selector, ServicePlanRule, Test, Written,
};
use uuid::Uuid;

const SKUS: usize = 8;
const SERVICE_PLANS: usize = 30;

/// Users, policies and groups of a tenant, and one user in how many has something to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) policies: usize,
    pub(crate) groups: usize,
}

pub(crate) struct Tenant {
    name: TenantName,
    snapshot: Snapshot,
    pub(crate) policies: PolicySet,
    settings: Settings,
    ledger: Ledger,
    now: Timestamp,
}

impl Tenant {
    pub(crate) fn new(size: Size, busy: Option<usize>) -> Self {
        let seats = u32::try_from(size.users * 2).expect("not that many users");
        Self::with_seats(size, busy, seats, seats / 2)
    }

    /// A tenant with so many seats of each SKU, and so many of them in use.
    pub(crate) fn with_seats(size: Size, busy: Option<usize>, seats: u32, consumed: u32) -> Self {
        let now: Timestamp = "2026-11-23T09:00:00Z".parse().expect("a time");
        let policies = policies(size);
        let mut owners = Vec::with_capacity(size.users * 2);
        let users: Vec<User> = (0..size.users).map(|at| user(at, size, busy)).collect();
        for (at, user) in users.iter().enumerate() {
            let ownership = Ownership { since: now, let_go: None };
            let mut own = |sku: usize, policy: usize| {
                let owner = (policies.policies[policy].name.clone(), ownership);
                owners.push(((user.id, sku_id(sku)), Owners::from_iter([owner])));
            };
            own(suite(at, size), policy_of(at, size));
            own(SKUS - 1, 0);
        }
        let ledger = Ledger { owners: owners.into_iter().collect(), ..Ledger::default() };
        let mut reading = Reading::begin(now);
        reading.users(users);
        reading.groups((0..size.groups).map(|at| group(at, size)).collect());
        reading.catalogue(Catalogue::new((0..SKUS).map(|at| sku(at, seats, consumed)).collect()));
        let snapshot = reading.finish().expect("everything was read");
        let name = "contoso".parse().expect("a name");
        Self { name, snapshot, policies, settings: Settings::default(), ledger, now }
    }

    pub(crate) fn plan(&self) -> Planned {
        make(&Inputs {
            tenant: &self.name,
            policies: &self.policies,
            policy_digest: Digest([0; 32]),
            policy_commit: None,
            settings: &self.settings,
            snapshot: &self.snapshot,
            ledger: &self.ledger,
            now: self.now,
            trigger: Trigger::Schedule,
            asked: Asked::Policies,
        })
        .expect("the settings fit the tenant")
    }
}

/// Spreads small numbers over all ids, as real ones are.
fn id(kind: u64, at: usize) -> Uuid {
    let number = at as u64 + 1;
    Uuid::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), kind << 32 | number)
}

fn sku_id(at: usize) -> SkuId {
    SkuId::from_uuid(id(1, at))
}

fn policy_of(at: usize, size: Size) -> usize {
    1 + at % size.groups % (size.policies - 2)
}

fn suite(at: usize, size: Size) -> usize {
    policy_of(at, size) % (SKUS - 1)
}

fn user(at: usize, size: Size, busy: Option<usize>) -> User {
    let held = |sku: usize| Assignment {
        sku: sku_id(sku),
        disabled: ServicePlanSet::default(),
        source: AssignmentSource::Told {
            direct: Some(ServicePlanSet::default()),
            inherited: Box::default(),
        },
    };
    let is_busy = busy.is_some_and(|every| at.is_multiple_of(every));
    let mut assignments: Assignments = smallvec::smallvec![held(suite(at, size)), held(SKUS - 1)];
    if is_busy {
        assignments.remove(at / 20 % 2);
    }
    assignments.sort_by_key(|assignment| assignment.sku);
    User {
        id: UserId::from_uuid(id(2, at)),
        principal_name: format!("user{at}@contoso.com").into(),
        display_name: Some(format!("User Number {at}").into()),
        user_type: Known::Known(UserType::Member),
        enabled: Known::Known(!is_busy || !(at / 20).is_multiple_of(3)),
        usage_location: Known::Known(Some("DE".parse().expect("a country"))),
        synced: Known::Known(true),
        distinguished_name: Known::Known(None),
        ad_domain: Known::Known(Some("corp.contoso.com".into())),
        attributes: Attributes::none(),
        last_sign_in: Known::Unknown,
        licenses: Known::Known(Licenses { assignments, failed: Box::default() }),
    }
}

fn group(at: usize, size: Size) -> Group {
    let members = (at..size.users).step_by(size.groups);
    let users = members.map(|user| UserId::from_uuid(id(2, user)));
    Group {
        id: GroupId::from_uuid(id(3, at)),
        name: format!("Group {at}").into(),
        membership: Membership::Read { nested: Members::complete(users), direct: None },
    }
}

fn sku(at: usize, seats: u32, consumed: u32) -> Sku {
    let service_plan = |plan: usize| ServicePlan {
        id: ServicePlanId::from_uuid(id(4, at * 7 + plan)),
        name: format!("SERVICE_{}", at * 7 + plan).into(),
        applies_to: AppliesTo::User,
    };
    Sku {
        id: sku_id(at),
        part_number: format!("SKU_{at}").into(),
        applies_to: AppliesTo::User,
        status: SkuStatus::Enabled,
        units: Units { enabled: seats, ..Units::default() },
        consumed,
        service_plans: (0..SERVICE_PLANS).map(service_plan).collect(),
    }
}

/// One policy for all, one for each group or several, and one that takes from who left.
fn policies(size: Size) -> PolicySet {
    let test = |test: Test| Selector::Test(Written { value: test, place: place() });
    let group = |at: usize| test(Test::Group { group: format!("Group {at}").into(), nested: true });
    let enabled = || test(Test::Enabled(true));
    let add = |sku: usize, service_plans: ServicePlanRule| Action::Add {
        licenses: vec![License { sku: written(&format!("SKU_{sku}")), service_plans }],
    };
    let mut policies = Vec::with_capacity(size.policies);
    let domain = test(Test::Domain("contoso.com".into()));
    let everybody = Selector::All(vec![enabled(), domain]);
    policies.push(policy("everybody", everybody, add(SKUS - 1, ServicePlanRule::Unsaid)));
    for at in 1..size.policies - 1 {
        let groups: Vec<Selector> = (0..size.groups)
            .filter(|group| 1 + group % (size.policies - 2) == at)
            .map(group)
            .collect();
        let disabled = test(Test::Enabled(false));
        let selector = Selector::All(vec![Selector::Any(groups), Selector::None(vec![disabled])]);
        let rule = ServicePlanRule::Disable(Vec::new());
        policies.push(policy(&format!("group-{at}"), selector, add(at % (SKUS - 1), rule)));
    }
    let leavers = test(Test::Enabled(false));
    policies.push(policy("leavers", leavers, Action::Remove { removals: Removals::All }));
    PolicySet { policies, ladders: Vec::new() }
}

fn place() -> Place {
    Place { file: "policies.yaml".into(), line: 1, column: 1 }
}

fn written(text: &str) -> Written<Arc<str>> {
    Written { value: text.into(), place: place() }
}

fn policy(name: &str, selector: Selector, action: Action) -> Policy {
    Policy {
        name: name.parse::<PolicyName>().expect("a name"),
        place: place(),
        description: None,
        owner: None,
        tenants: None,
        selector,
        reaches_guests: false,
        action,
        usage_location: None,
        priority: 0,
        on_leave: OnLeave::Remove,
        grace: None,
        from: None,
        until: None,
        moved_from: None,
        retired: false,
    }
}
