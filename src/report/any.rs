//! Arbitrary plans for property tests: well-formed, not sensible.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName, UsageLocation};
use crate::domain::snapshot::ReadKind;
use crate::plan::PolicyOwner;
use crate::plan::bulk::{BulkRequest, Change, Skus};
use crate::plan::{
    Addition, Adoption, Aside, Baseline, Basis, Because, Blocked, BlockedReason, DataFamily,
    Digest, GuardName, Held, Kind, LeftOut, LocationChange, NoLonger, Operation, Origin, Plan,
    PlanId, PlanState, Reason, Released, Scheduled, SeatLine, ServicePlanRef, Simulated, SkuRef,
    SnapshotFrom, Summary, Trigger, Undoing, UndoneHow, UnknownMatch, UserRef, Verdict, Waiting,
    Warning,
};
use crate::ports::{Decision, StoredPlan};

/// Any text, quotes, control characters and emoji included.
pub(crate) fn any_text() -> impl Strategy<Value = Arc<str>> {
    any::<String>().prop_map(Arc::from)
}

/// Any time that the store can keep, down to the nanosecond.
pub(crate) fn any_time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(|nanosecond| {
        Timestamp::from_nanosecond(nanosecond.into()).expect("64 bits of nanoseconds fit")
    })
}

/// Any GUID.
pub(crate) fn any_guid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Any user id.
pub(crate) fn any_user_id() -> impl Strategy<Value = UserId> {
    any_guid().prop_map(UserId::from_uuid)
}

/// Any SKU id.
pub(crate) fn any_sku_id() -> impl Strategy<Value = SkuId> {
    any_guid().prop_map(SkuId::from_uuid)
}

/// Any service plan id.
pub(crate) fn any_service_plan_id() -> impl Strategy<Value = ServicePlanId> {
    any_guid().prop_map(ServicePlanId::from_uuid)
}

/// Any policy name.
pub(crate) fn any_policy_name() -> impl Strategy<Value = PolicyName> {
    "[a-z0-9][a-z0-9-]{0,20}".prop_map(|name| name.parse().expect("the pattern is that of names"))
}

/// Any tenant name.
pub(crate) fn any_tenant_name() -> impl Strategy<Value = TenantName> {
    "[a-z0-9][a-z0-9-]{0,20}".prop_map(|name| name.parse().expect("the pattern is that of names"))
}

/// Any usage location.
pub(crate) fn any_location() -> impl Strategy<Value = UsageLocation> {
    "[A-Z]{2}".prop_map(|code| code.parse().expect("the pattern is that of locations"))
}

/// Any digest.
pub(crate) fn any_digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

/// Any plan id.
pub(crate) fn any_plan_id() -> impl Strategy<Value = PlanId> {
    any::<u128>().prop_map(|id| PlanId(id.into()))
}

/// Any state.
pub(crate) fn any_state() -> impl Strategy<Value = PlanState> {
    proptest::sample::select(PlanState::ALL.to_vec())
}

fn any_guard() -> impl Strategy<Value = GuardName> {
    proptest::sample::select(GuardName::ALL.to_vec())
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(values)
}

/// Any user.
pub(crate) fn any_user_ref() -> impl Strategy<Value = UserRef> {
    (any_user_id(), any_text(), option::of(any_text()))
        .prop_map(|(id, principal_name, display_name)| UserRef { id, principal_name, display_name })
}

fn any_sku_ref() -> impl Strategy<Value = SkuRef> {
    (any_sku_id(), any_text()).prop_map(|(id, name)| SkuRef { id, name })
}

fn any_service_plans() -> impl Strategy<Value = Vec<ServicePlanRef>> {
    let one =
        (any_service_plan_id(), any_text()).prop_map(|(id, name)| ServicePlanRef { id, name });
    vec(one, 0..3)
}

fn any_because() -> impl Strategy<Value = Vec<Because>> {
    let reasons = one_of(&[
        Reason::Matched,
        Reason::Removed,
        Reason::Replaced,
        Reason::Left,
        Reason::Withdrawn,
        Reason::Exchanged,
        Reason::Located,
        Reason::Outranked,
        Reason::SteppedDown,
        Reason::Requested,
        Reason::Reverted,
    ]);
    let one = (any_policy_name(), any_text(), option::of(any_sku_ref()), reasons, any_text())
        .prop_map(|(policy, at, sku, reason, detail)| Because { policy, at, sku, reason, detail });
    vec(one, 0..3)
}

fn any_additions() -> impl Strategy<Value = Vec<Addition>> {
    let one = (any_sku_ref(), any_service_plans(), any::<bool>(), vec(any_policy_name(), 0..3))
        .prop_map(|(sku, disabled, held, owners)| Addition { sku, disabled, held, owners });
    vec(one, 0..3)
}

fn any_adoptions() -> impl Strategy<Value = Vec<Adoption>> {
    let one = (any_sku_ref(), vec(any_policy_name(), 0..3))
        .prop_map(|(sku, owners)| Adoption { sku, owners });
    vec(one, 0..3)
}

fn any_held() -> impl Strategy<Value = Vec<Held>> {
    let one =
        (any_sku_ref(), any_service_plans()).prop_map(|(sku, disabled)| Held { sku, disabled });
    vec(one, 0..3)
}

/// Any operation.
pub(crate) fn any_operation() -> impl Strategy<Value = Operation> {
    let kinds =
        one_of(&[Kind::Add, Kind::Replace, Kind::Remove, Kind::Modify, Kind::Locate, Kind::Adopt]);
    let families = one_of(&[DataFamily::Mailbox, DataFamily::Files, DataFamily::Phone]);
    let location = (option::of(any_location()), any_location())
        .prop_map(|(from, to)| LocationChange { from, to });
    let who = (any_digest(), kinds, any_user_ref());
    let what = (any_additions(), vec(any_sku_ref(), 0..3), any_adoptions(), option::of(location));
    let effect = (any_held(), any_service_plans(), any_service_plans(), vec(families, 0..3));
    let why = (any_because(), any::<u32>(), vec(any_guard(), 0..2));
    (who, what, effect, why).prop_map(|(who, what, effect, why)| Operation {
        key: who.0,
        kind: who.1,
        user: who.2,
        add: what.0,
        remove: what.1,
        adopt: what.2,
        usage_location: what.3,
        before: effect.0,
        gains: effect.1,
        loses: effect.2,
        data_at_risk: effect.3,
        because: why.0,
        wave: why.1,
        held_by: why.2,
    })
}

/// Any few operations, each with a key of its own, as the planner makes them.
fn any_operations() -> impl Strategy<Value = Vec<Operation>> {
    vec(any_operation(), 0..4).prop_map(|mut operations| {
        let mut keys = BTreeSet::new();
        operations.retain(|operation| keys.insert(operation.key));
        operations
    })
}

fn any_blocked() -> impl Strategy<Value = Vec<Blocked>> {
    let reasons = one_of(&[
        BlockedReason::NoUsageLocation,
        BlockedReason::LocationConflict,
        BlockedReason::Inherited,
        BlockedReason::UnknownSource,
        BlockedReason::Unreadable,
        BlockedReason::SkuNotAssignable,
        BlockedReason::UnknownCountry,
        BlockedReason::ExclusiveServicePlans,
        BlockedReason::MissingServicePlan,
        BlockedReason::FullSwap,
        BlockedReason::Protected,
        BlockedReason::ChangedSince,
        BlockedReason::LocationStays,
        BlockedReason::Refused,
        BlockedReason::Contested,
    ]);
    let one = (any_user_ref(), option::of(any_sku_ref()), reasons, any::<String>(), any_because())
        .prop_map(|(user, sku, reason, detail, because)| Blocked {
            user,
            sku,
            reason,
            detail,
            because,
        });
    vec(one, 0..3)
}

fn any_waiting() -> impl Strategy<Value = Vec<Waiting>> {
    let how = (any::<u64>(), any_time(), option::of(any_sku_ref()));
    let one = (any_user_ref(), any_sku_ref(), how, any_because()).prop_map(
        |(user, sku, (position, since, meanwhile), because)| Waiting {
            user,
            sku,
            position,
            since,
            meanwhile,
            because,
        },
    );
    vec(one, 0..3)
}

fn any_scheduled() -> impl Strategy<Value = Vec<Scheduled>> {
    let what = (any_sku_ref(), any_service_plans());
    let one = (any_user_ref(), what, any_time(), any_because()).prop_map(
        |(user, (sku, service_plans), due, because)| Scheduled {
            user,
            sku,
            service_plans,
            due,
            because,
        },
    );
    vec(one, 0..3)
}

fn any_released() -> impl Strategy<Value = Vec<Released>> {
    let one = (any_user_ref(), any_sku_ref(), any_policy_name(), any::<bool>())
        .prop_map(|(user, sku, policy, still_wanted)| Released { user, sku, policy, still_wanted });
    vec(one, 0..3)
}

fn any_remarks() -> impl Strategy<Value = (Vec<UnknownMatch>, Vec<LeftOut>, Vec<Warning>)> {
    let unknown = (any_policy_name(), any_text(), any_text(), any::<u64>())
        .prop_map(|(policy, at, detail, users)| UnknownMatch { policy, at, detail, users });
    let left_out = (any_policy_name(), any_text(), any::<String>())
        .prop_map(|(policy, at, problem)| LeftOut { policy, at, problem });
    let warning = (any_text(), any::<String>()).prop_map(|(at, message)| Warning { at, message });
    (vec(unknown, 0..2), vec(left_out, 0..2), vec(warning, 0..2))
}

fn any_seats() -> impl Strategy<Value = Vec<SeatLine>> {
    let price = prop::option::of(
        (0_u32..1_000, 0_u32..10_000)
            .prop_map(|(whole, rest)| format!("{whole}.{rest:04} EUR").parse().unwrap()),
    );
    let one = (any_sku_ref(), any::<[u64; 5]>(), price).prop_map(|(sku, counts, price)| {
        let [total, consumed, reserved, after, waiting] = counts;
        SeatLine { sku, total, consumed, reserved, after, waiting, price }
    });
    vec(one, 0..3)
}

fn any_verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    let words = (any_text(), any::<String>(), any::<String>());
    let sums = (option::of(any::<u64>()), option::of(any::<u64>()), any::<bool>());
    let one = (any_guard(), words, sums).prop_map(
        |(guard, (scope, limit, actual), (counted, most, tripped))| Verdict {
            guard,
            scope,
            limit,
            actual,
            counted,
            most,
            tripped,
        },
    );
    vec(one, 0..3)
}

fn any_basis() -> impl Strategy<Value = Basis> {
    let kind = one_of(&[ReadKind::Full, ReadKind::Delta]);
    let read = (any_time(), any::<u64>(), any::<u64>(), kind);
    let from = one_of(&[SnapshotFrom::Tenant, SnapshotFrom::File]);
    let simulated = (from, any_time()).prop_map(|(snapshot, at)| Simulated { snapshot, at });
    let policies = (any_digest(), option::of(any_text()));
    (policies, read, option::of(simulated)).prop_map(|(policies, read, simulated)| Basis {
        policy_digest: policies.0,
        policy_commit: policies.1,
        snapshot_taken_at: read.0,
        users: read.1,
        groups: read.2,
        read: read.3,
        simulated,
        baseline: None,
    })
}

/// Policies that a plan is compared with and what they say alone, or neither.
fn any_comparison() -> impl Strategy<Value = (Option<Baseline>, Vec<NoLonger>)> {
    let baseline = (any_digest(), option::of(any_text()))
        .prop_map(|(policy_digest, policy_commit)| Baseline { policy_digest, policy_commit });
    let what = one_of(&[
        Aside::Planned,
        Aside::Blocked,
        Aside::Waiting,
        Aside::Scheduled,
        Aside::Released,
    ]);
    let gone = (what, any_user_ref(), option::of(any_sku_ref()), any_because())
        .prop_map(|(what, user, sku, because)| NoLonger { what, user, sku, because });
    prop_oneof![
        Just((None, Vec::new())),
        (baseline, vec(gone, 0..3)).prop_map(|(baseline, gone)| (Some(baseline), gone)),
    ]
}

fn any_summary() -> impl Strategy<Value = Summary> {
    // The store counts with 63 bits, as SQLite does.
    proptest::array::uniform14(0..=u64::MAX >> 1).prop_map(|counts| {
        let [add, replace, remove, modify, locate, adopt, people, unchanged, rest @ ..] = counts;
        let [blocked, waiting, scheduled, released, unmanaged, unknown] = rest;
        Summary {
            add,
            replace,
            remove,
            modify,
            locate,
            adopt,
            people,
            unchanged,
            blocked,
            waiting,
            scheduled,
            released,
            unmanaged,
            unknown,
        }
    })
}

/// Anything that a plan may follow from, and what would undo it.
fn any_origin() -> impl Strategy<Value = (Origin, Vec<Undoing>)> {
    let skus = || vec(any_sku_ref(), 0..3);
    let which = || prop_oneof![Just(Skus::All), skus().prop_map(Skus::Listed)];
    let change = prop_oneof![
        skus().prop_map(|skus| Change::Add { skus }),
        (skus(), which()).prop_map(|(skus, replaces)| Change::Replace { skus, replaces }),
        which().prop_map(|skus| Change::Remove { skus }),
    ];
    let request = (change, option::of(any_location()), any_text(), vec(any_user_id(), 0..3))
        .prop_map(|(change, usage_location, selection, users)| BulkRequest {
            change,
            usage_location,
            selection,
            users,
        });
    let ways =
        one_of(&[UndoneHow::Adds, UndoneHow::Removes, UndoneHow::Modifies, UndoneHow::Locates]);
    let undoing = (any_policy_name(), any_text(), option::of(any_sku_ref()), ways, any::<u64>())
        .prop_map(|(policy, at, sku, how, users)| Undoing { policy, at, sku, how, users });
    let once = prop_oneof![request.prop_map(Origin::Bulk), any_plan_id().prop_map(Origin::Revert)];
    prop_oneof![Just((Origin::Policies, Vec::new())), (once, vec(undoing, 0..3))]
}

/// Any plan, whose counts need not fit its entries.
pub(crate) fn any_plan() -> impl Strategy<Value = Plan> {
    let triggers = one_of(&Trigger::ALL);
    let identity = (any_plan_id(), any_digest(), any_tenant_name(), any_time(), any_time());
    let origin = (triggers, option::of(any_plan_id()), any_basis(), any_summary());
    let entries = (any_operations(), any_blocked(), any_waiting(), any_scheduled(), any_released());
    let owner =
        (any_policy_name(), any_text()).prop_map(|(policy, owner)| PolicyOwner { policy, owner });
    let comparison = (any_origin(), any_comparison(), vec(owner, 0..3));
    let rest = (any_remarks(), any_seats(), any_verdicts(), comparison);
    (identity, origin, entries, rest).prop_map(|(identity, origin, entries, rest)| {
        let (unknown, left_out, warnings) = rest.0;
        let ((follows_from, undone_by), (baseline, no_longer), policy_owners) = rest.3;
        Plan {
            id: identity.0,
            digest: identity.1,
            tenant: identity.2,
            created_at: identity.3,
            expires_at: identity.4,
            trigger: origin.0,
            origin: follows_from,
            part_of: origin.1,
            basis: Basis { baseline, ..origin.2 },
            summary: origin.3,
            operations: entries.0,
            blocked: entries.1,
            waiting: entries.2,
            scheduled: entries.3,
            released: entries.4,
            unknown,
            left_out,
            warnings,
            seats: rest.1,
            guards: rest.2,
            undone_by,
            policy_owners,
            no_longer,
        }
    })
}

/// Any decision.
pub(crate) fn any_decision() -> impl Strategy<Value = Decision> {
    let states = one_of(&[PlanState::Approved, PlanState::Rejected]);
    (states, any_text(), any_time(), vec(any_guard(), 0..3), option::of(any_text()))
        .prop_map(|(state, by, at, accepted, reason)| Decision { state, by, at, accepted, reason })
}

/// Any plan and where it stands.
pub(crate) fn any_stored_plan() -> impl Strategy<Value = StoredPlan> {
    (any_plan(), any_state(), vec(any_decision(), 0..3))
        .prop_map(|(plan, state, decisions)| StoredPlan { plan, state, decisions })
}

/// A small plan of tenant `contoso` that looks like a real one, numbered so that plans differ:
/// Ana moves from E3 to E5, which also sets her location, and Ben's Power BI is adopted.
pub(crate) fn a_plan(number: u8) -> Plan {
    let at = |second: i64| Timestamp::from_second(second).expect("the second is in range");
    let number_64 = u64::from(number);
    Plan {
        id: PlanId(ulid::Ulid::from_parts(1_795_424_400_000 + number_64, 7)),
        digest: Digest([number; 32]),
        tenant: "contoso".parse().expect("it is a name"),
        created_at: at(1_795_424_400),
        expires_at: at(1_795_510_800),
        trigger: Trigger::Schedule,
        origin: Origin::Policies,
        part_of: None,
        basis: Basis {
            policy_digest: Digest([0xab; 32]),
            policy_commit: Some("4be0c2f".into()),
            snapshot_taken_at: at(1_795_424_390),
            users: 1200,
            groups: 14,
            read: ReadKind::Full,
            simulated: None,
            baseline: None,
        },
        summary: Summary { replace: 1, locate: 1, adopt: 1, people: 1, ..Summary::default() },
        operations: vec![a_swap(number), an_adoption(number)],
        blocked: Vec::new(),
        waiting: Vec::new(),
        scheduled: Vec::new(),
        released: Vec::new(),
        unknown: Vec::new(),
        left_out: Vec::new(),
        warnings: Vec::new(),
        seats: Vec::new(),
        guards: Vec::new(),
        undone_by: Vec::new(),
        policy_owners: vec![PolicyOwner {
            policy: "engineering-e5".parse().expect("a name"),
            owner: "licensing@contoso.com".into(),
        }],
        no_longer: Vec::new(),
    }
}

/// A SKU by a number and a name.
pub(crate) fn a_sku(number: u128, name: &str) -> SkuRef {
    SkuRef { id: SkuId::from_uuid(Uuid::from_u128(number)), name: name.into() }
}

/// A user by a number and a name.
pub(crate) fn a_user(number: u128, name: &str) -> UserRef {
    UserRef {
        id: UserId::from_uuid(Uuid::from_u128(number)),
        principal_name: format!("{name}@contoso.com").into(),
        display_name: None,
    }
}

fn a_swap(number: u8) -> Operation {
    let yammer = ServicePlanRef {
        id: ServicePlanId::from_uuid(Uuid::from_u128(0x9a)),
        name: "YAMMER_ENTERPRISE".into(),
    };
    let policy: PolicyName = "engineering-e5".parse().expect("it is a name");
    Operation {
        key: Digest([number ^ 0x55; 32]),
        kind: Kind::Replace,
        user: a_user(0xa1, "Ana"),
        add: vec![Addition {
            sku: a_sku(0xe5, "SPE_E5"),
            disabled: vec![yammer.clone()],
            held: false,
            owners: vec![policy.clone()],
        }],
        remove: vec![a_sku(0xe3, "SPE_E3")],
        adopt: Vec::new(),
        usage_location: Some(LocationChange { from: None, to: "DE".parse().expect("two letters") }),
        before: vec![Held { sku: a_sku(0xe3, "SPE_E3"), disabled: Vec::new() }],
        gains: Vec::new(),
        loses: vec![yammer],
        data_at_risk: vec![DataFamily::Mailbox],
        because: vec![Because {
            policy,
            at: "engineering.yaml:2".into(),
            sku: Some(a_sku(0xe5, "SPE_E5")),
            reason: Reason::Matched,
            detail: "group Engineering".into(),
        }],
        wave: 1,
        held_by: vec![GuardName::MaxRemovals],
    }
}

fn an_adoption(number: u8) -> Operation {
    Operation {
        key: Digest([number ^ 0xaa; 32]),
        kind: Kind::Adopt,
        user: a_user(0xb2, "Ben"),
        add: Vec::new(),
        remove: Vec::new(),
        adopt: vec![Adoption {
            sku: a_sku(0xb1, "POWER_BI_PRO"),
            owners: vec!["analysts".parse().expect("it is a name")],
        }],
        usage_location: None,
        before: vec![Held { sku: a_sku(0xb1, "POWER_BI_PRO"), disabled: Vec::new() }],
        gains: Vec::new(),
        loses: Vec::new(),
        data_at_risk: Vec::new(),
        because: Vec::new(),
        wave: 0,
        held_by: Vec::new(),
    }
}
