//! Arbitrary ledger changes and snapshots for property tests.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::domain::attribute::{Attribute, Attributes};
use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::sign_in::{Extent, SignInsSeen};
use crate::domain::sku::{AppliesTo, Catalogue, ServicePlan, Sku, SkuStatus, Units};
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::{
    Assignment, AssignmentSource, FailedInheritance, Inherited, Licenses, ServicePlanSet, User,
    UserType,
};
use crate::plan::Digest;
use crate::plan::conflict::Lesson;
use crate::plan::ledger::LedgerChange;
use crate::plan::memory::{MemoryChange, Refused};
use crate::plan::source::{Mark, Property, Remembered, Source};
use crate::policy::OuScope;
use crate::report::any::{any_guid, any_location, any_text, any_time};

/// Any change about few users, SKUs and policies, so that changes meet.
pub(super) fn any_change() -> impl Strategy<Value = LedgerChange> {
    let whose = (0..3_u128, 0..2_u128, select(vec!["sales", "engineering"]), 0..4_i64, 0..26_u8);
    whose.prop_map(|(user, sku, policy, second, which)| {
        let user = UserId::from_uuid(Uuid::from_u128(user));
        let sku = SkuId::from_uuid(Uuid::from_u128(sku));
        let policy = policy.parse().expect("it is a name");
        let plan = |n: u128| ServicePlanId::from_uuid(Uuid::from_u128(n));
        let at = Timestamp::from_second(second).expect("it is in range");
        match which {
            0 => LedgerChange::Own(user, sku, policy, at),
            1 => LedgerChange::LetGo(user, sku, policy, at),
            2 => LedgerChange::TakeBack(user, sku, policy),
            3 => LedgerChange::Disown(user, sku, policy),
            4 => LedgerChange::Forget(user, sku),
            5 => LedgerChange::StartClock(user, sku, policy, at),
            6 => LedgerChange::StopClock(user, sku, policy),
            7 => LedgerChange::Queue(user, sku, at),
            8 => LedgerChange::Unqueue(user, sku),
            9 => LedgerChange::See(
                sku,
                [plan(1), plan(second.unsigned_abs().into())].into_iter().collect(),
            ),
            10 => LedgerChange::Learn(Lesson::Exclusive(plan(1), plan(2))),
            11 => LedgerChange::Learn(Lesson::Needs(plan(1), vec![plan(2), plan(3)])),
            12 => MemoryChange::Lose(user, at).into(),
            13 => MemoryChange::Lapse(at).into(),
            20 | 21 => {
                let wanted = (which == 20).then_some(Digest([1; 32]));
                // Within a day and beyond it.
                let hours = jiff::SignedDuration::from_hours(second * 9);
                MemoryChange::Assert(user, sku, wanted, Timestamp::UNIX_EPOCH + hours).into()
            }
            22 => MemoryChange::Settle(user, sku).into(),
            23 => MemoryChange::Pardon(Digest([1; 32])).into(),
            24 => {
                let refused = Refused {
                    user,
                    since: at,
                    message: "no seat".into(),
                    state: Digest([2; 32]),
                    seats: (second > 1).then_some(Digest([3; 32])),
                };
                MemoryChange::Refuse(Digest([1; 32]), refused).into()
            }
            25 => LedgerChange::Unlearn(Lesson::Needs(plan(1), vec![plan(2), plan(3)])),
            14 => MemoryChange::Disregard(a_source(second, &policy)).into(),
            15..=17 => {
                let mark = |size| Mark { size, since: at };
                let marks = vec![mark(u64::from(which)), mark(second.unsigned_abs())];
                let text = (second > 1).then_some(Digest([which; 32]));
                MemoryChange::Remember(a_source(second, &policy), Remembered { marks, text }).into()
            }
            _ => LedgerChange::Rename(policy, "engineering".parse().expect("it is a name")),
        }
    })
}

/// One of some sources of every kind.
fn a_source(which: i64, policy: &PolicyName) -> Source {
    let group = GroupId::from_uuid(Uuid::from_u128(7));
    match (which, policy.as_str()) {
        (0, "sales") => Source::Users,
        (0, _) => Source::Group { group, nested: false },
        (1, "sales") => Source::Csv("people/leavers.csv".into()),
        (1, _) => Source::Ou {
            ou: "OU=Ädmins\\, all,DC=corp".parse().expect("it is a name"),
            scope: OuScope::One,
        },
        (2, "sales") => {
            Source::Blank { property: Property::Attribute(Attribute::Extension(7)), guests: true }
        }
        (2, _) => Source::Blank { property: Property::AdDomain, guests: false },
        (_, _) => Source::Policy(policy.clone()),
    }
}

fn any_known<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Known<T>> {
    option::of(value).prop_map(|value| value.map_or(Known::Unknown, Known::Known))
}

/// A GUID out of few, so that users, groups and their members meet.
fn few_guids() -> impl Strategy<Value = Uuid> {
    prop_oneof![(0..12_u128).prop_map(Uuid::from_u128), any_guid()]
}

fn any_set() -> impl Strategy<Value = ServicePlanSet> {
    let ids = (0..4_u128).prop_map(|id| ServicePlanId::from_uuid(Uuid::from_u128(id)));
    vec(ids, 0..3).prop_map(|ids| ids.into_iter().collect())
}

fn any_source() -> impl Strategy<Value = AssignmentSource> {
    let inherited = (any_guid(), any_set())
        .prop_map(|(group, disabled)| Inherited { group: GroupId::from_uuid(group), disabled });
    prop_oneof![
        Just(AssignmentSource::Unknown),
        (option::of(any_set()), vec(inherited, 0..3)).prop_map(|(direct, inherited)| {
            AssignmentSource::Told { direct, inherited: inherited.into() }
        }),
    ]
}

fn any_licenses() -> impl Strategy<Value = Licenses> {
    let assignment = (any_guid(), any_set(), any_source()).prop_map(|(sku, disabled, source)| {
        Assignment { sku: SkuId::from_uuid(sku), disabled, source }
    });
    let failed = (any_guid(), any_guid(), any_text()).prop_map(|(sku, group, error)| {
        FailedInheritance { sku: SkuId::from_uuid(sku), group: GroupId::from_uuid(group), error }
    });
    (vec(assignment, 0..3), vec(failed, 0..2)).prop_map(|(assignments, failed)| Licenses {
        assignments: assignments.into(),
        failed: failed.into(),
    })
}

fn any_user() -> impl Strategy<Value = User> {
    let label = (few_guids(), any_text(), option::of(any_text()));
    let types = any_known(select(vec![UserType::Member, UserType::Guest]));
    let state = (types, any_known(any::<bool>()), any_known(option::of(any_location())));
    let names = "OU=[A-Z][a-z]{1,8},DC=corp".prop_map(|name| name.parse().expect("it is a name"));
    let origin = (
        any_known(any::<bool>()),
        any_known(option::of(names)),
        any_known(option::of(select(vec![Arc::<str>::from("corp.contoso.com"), "x".into()]))),
    );
    let more = (any_attributes(), any_known(any_second()));
    (label, state, origin, more, any_known(any_licenses())).prop_map(
        |(label, state, origin, more, licenses)| User {
            id: UserId::from_uuid(label.0),
            principal_name: label.1,
            display_name: label.2,
            user_type: state.0,
            enabled: state.1,
            usage_location: state.2,
            synced: origin.0,
            distinguished_name: origin.1,
            ad_domain: origin.2,
            attributes: more.0,
            last_sign_in: more.1,
            licenses,
        },
    )
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    let value = any_known(option::of(any_text()));
    vec(value, Attribute::all().count()).prop_map(|values| Attribute::all().zip(values).collect())
}

fn any_second() -> impl Strategy<Value = Timestamp> {
    (0i64..4_000_000_000).prop_map(|second| Timestamp::from_second(second).expect("it is in range"))
}

fn any_members() -> impl Strategy<Value = Members> {
    (vec(few_guids().prop_map(UserId::from_uuid), 0..8), any::<bool>()).prop_map(
        |(users, complete)| {
            if complete { Members::complete(users) } else { Members::partial(users) }
        },
    )
}

fn any_group() -> impl Strategy<Value = Group> {
    let membership = prop_oneof![
        Just(Membership::NotRead),
        (any_members(), option::of(any_members()))
            .prop_map(|(nested, direct)| Membership::Read { nested, direct }),
    ];
    (any_guid(), any_text(), membership).prop_map(|(id, name, membership)| Group {
        id: GroupId::from_uuid(id),
        name,
        membership,
    })
}

fn any_applies_to() -> impl Strategy<Value = AppliesTo> {
    prop_oneof![
        Just(AppliesTo::User),
        Just(AppliesTo::Company),
        any_text().prop_map(AppliesTo::Other)
    ]
}

fn any_status() -> impl Strategy<Value = SkuStatus> {
    prop_oneof![
        Just(SkuStatus::Enabled),
        Just(SkuStatus::Warning),
        Just(SkuStatus::Suspended),
        Just(SkuStatus::Deleted),
        Just(SkuStatus::LockedOut),
        any_text().prop_map(SkuStatus::Other),
    ]
}

fn any_sku() -> impl Strategy<Value = Sku> {
    let plan = (any_guid(), any_text(), any_applies_to()).prop_map(|(id, name, applies_to)| {
        ServicePlan { id: ServicePlanId::from_uuid(id), name, applies_to }
    });
    let label = (any_guid(), any_text(), any_applies_to(), any_status());
    (label, any::<[u32; 5]>(), vec(plan, 0..3)).prop_map(|(label, counts, service_plans)| {
        let [enabled, warning, suspended, locked_out, consumed] = counts;
        Sku {
            id: SkuId::from_uuid(label.0),
            part_number: label.1,
            applies_to: label.2,
            status: label.3,
            units: Units { enabled, warning, suspended, locked_out },
            consumed,
            service_plans,
        }
    })
}

fn any_sign_ins() -> impl Strategy<Value = SignInsSeen> {
    let extent = prop_oneof![
        Just(Extent::NotRead),
        Just(Extent::Whole),
        (any::<u64>(), option::of(any_text()))
            .prop_map(|(users, stopped)| Extent::Partial { users, stopped }),
        any_text().prop_map(|reason| Extent::Unavailable { reason }),
    ];
    (any_time(), extent).prop_map(|(until, extent)| SignInsSeen { until, extent })
}

/// Any small snapshot.
pub(super) fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let sku = || any_guid().prop_map(SkuId::from_uuid);
    let expiries = any_known(proptest::collection::btree_map(sku(), any_second(), 0..3));
    let tenant = (vec(any_user(), 0..8), vec(any_group(), 0..4), vec(any_sku(), 0..3), expiries);
    (any_time(), tenant, any_sign_ins()).prop_map(|(taken_at, tenant, sign_ins)| {
        let (users, groups, skus, expiries) = tenant;
        let mut reading = Reading::begin(taken_at);
        reading.users(users);
        reading.groups(groups);
        reading.catalogue(Catalogue::new(skus).with_next_expiries(expiries));
        reading.sign_ins(sign_ins);
        reading.finish().expect("every source is there")
    })
}
