//! Random small worlds: few users, SKUs, groups and policies, so that they meet often.

use std::collections::BTreeSet;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{World, assignment, group, group_id, holders, plan_id, sku_id, text, user_id};
use crate::domain::attribute::{Attribute, Attributes};
use crate::domain::group::Membership;
use crate::domain::ids::{ServicePlanId, UserId};
use crate::domain::known::Known;
use crate::domain::sku::Sku;
use crate::domain::span::Span;
use crate::domain::user::{
    Assignment, AssignmentSource, Inherited, Licenses, ServicePlanSet, UserType,
};
use crate::plan::conflict::Lesson;
use crate::plan::ledger::Ownership;
use crate::policy::settings::InheritedRule;

/// The SKUs that random worlds use.
pub(crate) const SKUS: [&str; 4] = ["SPE_E3", "SPE_E5", "POWER_BI_PRO", "VISIO"];
/// The users of random worlds.
pub(crate) const USERS: [&str; 5] = ["ana", "ben", "cem", "dee", "eva"];
/// The groups of random worlds.
pub(crate) const GROUPS: [&str; 3] = ["Aces", "Blue", "Club"];
/// The policies of random worlds; the last one is never in the files.
pub(crate) const POLICIES: [&str; 6] = ["p0", "p1", "p2", "p3", "p4", "gone"];

/// What kinds of world are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Free seats of each SKU.
    pub(crate) free: (u32, u32),
    /// Whether more may be in use than there is, as after users were restored.
    pub(crate) over: bool,
    /// Whether policies may be in error.
    pub(crate) broken: bool,
}

/// Worlds where seats are scarce.
pub(crate) const SCARCE: Wanted = Wanted { free: (0, 2), over: true, broken: true };
/// Worlds where there are seats for everybody.
pub(crate) const AMPLE: Wanted = Wanted { free: (20, 21), over: false, broken: true };

/// Any world of a kind.
pub(crate) fn any_world(wanted: Wanted) -> impl Strategy<Value = World> {
    let users = vec(any_user(), 1..=USERS.len());
    let hidden = vec(prop::bool::weighted(0.2), GROUPS.len());
    let policies = vec(any_policy(wanted.broken), 0..POLICIES.len());
    let free: Range<u32> = wanted.free.0..wanted.free.1 + 1;
    let seats = vec((free, prop::bool::weighted(if wanted.over { 0.1 } else { 0.0 })), SKUS.len());
    let rule = prop_oneof![4 => Just(InheritedRule::Satisfies), 1 => Just(InheritedRule::Ignore)];
    let rest = (0u32..2, any_ladder(), prop::bool::weighted(0.2));
    (users, hidden, policies, seats, rule, rest).prop_map(
        |(users, hidden, policies, seats, rule, (reserve, ladder, taught))| {
            let mut world = World::empty().under(&format!("{}{ladder}", name_policies(&policies)));
            if taught {
                let (one, other) = (plan_id("VISIOONLINE"), plan_id("BI_AZURE_P2"));
                world.ledger.lessons.insert(Lesson::Exclusive(one.min(other), one.max(other)));
            }
            world.settings.inherited = rule;
            for (name, user) in USERS.iter().zip(&users) {
                user.put(&mut world, name);
            }
            for (at, name) in GROUPS.iter().enumerate() {
                let members: BTreeSet<UserId> = USERS
                    .iter()
                    .zip(&users)
                    .filter(|(_, user)| user.groups[at])
                    .map(|(name, _)| user_id(name))
                    .collect();
                world.groups.push(group(name, &members, &members, hidden[at]));
            }
            let held = holders(&world.users);
            for (name, (free, over)) in SKUS.iter().zip(&seats) {
                let sku = world.sku(name);
                sku.consumed = held.get(&sku.id).copied().unwrap_or_default();
                sku.units.enabled =
                    if *over { sku.consumed.saturating_sub(1) } else { sku.consumed + free };
            }
            if reserve > 0 {
                let reserve = crate::policy::settings::Reserve { seats: 1, place: text::place(1) };
                world.settings.reserve.insert("SPE_E5".into(), reserve);
            }
            world
        },
    )
}

/// A line with a ladder, or nothing.
fn any_ladder() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        1 => Just("\nladder suite: SPE_E5 > SPE_E3 > POWER_BI_PRO".to_owned()),
        1 => Just("\nladder suite: SPE_E5 > SPE_E3 > POWER_BI_PRO; fall back".to_owned()),
        1 => Just("\nladder suite: VISIO > SPE_E5; fall back".to_owned()),
    ]
}

fn name_policies(texts: &[String]) -> String {
    let named = texts.iter().zip(POLICIES).map(|(text, name)| format!("{name}: {text}"));
    named.collect::<Vec<_>>().join("\n")
}

/// A user as drawn.
#[derive(Clone, Debug)]
struct AnyUser {
    licenses: Option<Vec<Held>>,
    owned: Vec<Vec<(usize, Option<u32>)>>,
    clocks: Vec<(usize, usize, u32)>,
    location: Known<bool>,
    enabled: Known<bool>,
    kind: Known<UserType>,
    department: Known<Option<&'static str>>,
    synced: Known<bool>,
    /// Days without a sign-in.
    inactive: Known<u32>,
    groups: Vec<bool>,
}

/// How a user holds a SKU; numbers choose the service plans that are off.
#[derive(Clone, Debug)]
enum Held {
    Not,
    Direct(u8),
    Inherited(u8, usize),
    Both(u8, u8, usize),
    Unsourced(u8),
}

fn any_held() -> impl Strategy<Value = Held> {
    let off = prop_oneof![3 => Just(0u8), 1 => any::<u8>()];
    let group = 0..GROUPS.len();
    prop_oneof![
        4 => Just(Held::Not),
        6 => off.clone().prop_map(Held::Direct),
        2 => (off.clone(), group.clone()).prop_map(|(off, group)| Held::Inherited(off, group)),
        2 => (off.clone(), off.clone(), group).prop_map(|(a, b, group)| Held::Both(a, b, group)),
        1 => off.prop_map(Held::Unsourced),
    ]
}

fn mostly<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Known<T>> {
    prop_oneof![12 => value.prop_map(Known::Known), 1 => Just(Known::Unknown)]
}

fn any_user() -> impl Strategy<Value = AnyUser> {
    let let_go = prop_oneof![2 => Just(None), 1 => (0u32..12).prop_map(Some)];
    let owners = vec((0..POLICIES.len(), let_go), 0..3);
    let licenses = prop_oneof![15 => vec(any_held(), SKUS.len()).prop_map(Some), 1 => Just(None)];
    let clocks = vec((0..SKUS.len(), 0..POLICIES.len(), 0u32..12), 0..3);
    let department = prop::sample::select(vec![None, Some("Sales"), Some("SALES IT"), Some("IT")]);
    let kind = prop_oneof![9 => Just(UserType::Member), 1 => Just(UserType::Guest)];
    (
        licenses,
        vec(owners, SKUS.len()),
        clocks,
        mostly(prop::bool::weighted(0.8)),
        mostly(prop::bool::weighted(0.8)),
        mostly(kind),
        (mostly(department), mostly(any::<bool>()), mostly(0u32..60)),
        vec(any::<bool>(), GROUPS.len()),
    )
        .prop_map(
            |(
                licenses,
                owned,
                clocks,
                location,
                enabled,
                kind,
                (department, synced, inactive),
                groups,
            )| {
                AnyUser {
                    licenses,
                    owned,
                    clocks,
                    location,
                    enabled,
                    kind,
                    department,
                    synced,
                    inactive,
                    groups,
                }
            },
        )
}

impl AnyUser {
    fn put(&self, world: &mut World, name: &str) {
        let now = world.now;
        let ago = |days: u32| now - jiff::SignedDuration::from_hours(24 * i64::from(days));
        let licenses = self.licenses.as_ref().map(|held| {
            let mut assignments: Vec<Assignment> = SKUS
                .iter()
                .zip(held)
                .filter_map(|(sku, held)| held.assignment(world.sku(sku)))
                .collect();
            assignments.sort_by_key(|assignment| assignment.sku);
            Licenses { assignments: assignments.into(), ..Licenses::default() }
        });
        for (sku, owners) in SKUS.iter().zip(&self.owned) {
            for (policy, let_go) in owners {
                let owners = world.ledger.owners.entry((user_id(name), sku_id(sku))).or_default();
                let ownership = Ownership { since: ago(30), let_go: let_go.map(ago) };
                owners.insert(POLICIES[*policy].parse().unwrap(), ownership);
            }
        }
        for (sku, policy, days) in &self.clocks {
            let policy = POLICIES[*policy].parse().unwrap();
            world.ledger.clocks.insert((user_id(name), sku_id(SKUS[*sku]), policy), ago(*days));
        }
        let user = world.user(name);
        user.licenses = licenses.map_or(Known::Unknown, Known::Known);
        user.usage_location = self.location.map(|there| there.then(|| "DE".parse().unwrap()));
        user.enabled = self.enabled;
        user.user_type = self.kind;
        user.synced = self.synced;
        user.attributes = department(self.department);
        user.last_sign_in = self.inactive.map(ago);
    }
}

/// No attributes but this department.
fn department(department: Known<Option<&str>>) -> Attributes {
    let none = Attribute::all().map(|attribute| (attribute, Known::Known(None)));
    let department = department.map(|value| value.map(Into::into));
    none.chain([(Attribute::Department, department)]).collect()
}

impl Held {
    fn assignment(&self, sku: &Sku) -> Option<Assignment> {
        let off = |bits: &u8| -> ServicePlanSet {
            let plans: Vec<ServicePlanId> = sku.switchable().collect();
            plans
                .into_iter()
                .enumerate()
                .filter(|(at, _)| bits >> at & 1 == 1)
                .map(|(_, id)| id)
                .collect()
        };
        let via = |bits: &u8, group: &usize| {
            vec![Inherited { group: group_id(GROUPS[*group]), disabled: off(bits) }]
        };
        match self {
            Self::Not => None,
            Self::Direct(bits) => Some(assignment(sku.id, Some(off(bits)), Vec::new())),
            Self::Inherited(bits, group) => Some(assignment(sku.id, None, via(bits, group))),
            Self::Both(bits, others, group) => {
                Some(assignment(sku.id, Some(off(bits)), via(others, group)))
            }
            Self::Unsourced(bits) => Some(Assignment {
                sku: sku.id,
                disabled: off(bits),
                source: AssignmentSource::Unknown,
            }),
        }
    }
}

/// Tests about attributes and lists.
const TESTS: [&str; 8] = [
    "department:Sales",
    "department:sales*+it",
    "department:*",
    "synced",
    "cloud-only",
    "type:guest",
    "csv:ana@contoso.com",
    "csv:ana@contoso.com+ben@contoso.com+zoe@contoso.com",
];

fn any_selector() -> impl Strategy<Value = String> {
    let group = || prop::sample::select(&GROUPS[..]);
    prop_oneof![
        6 => group().prop_map(str::to_owned),
        1 => Just("everyone".to_owned()),
        1 => Just("disabled".to_owned()),
        1 => Just("enabled".to_owned()),
        2 => Just("inactive:30d".to_owned()),
        2 => (group(), group()).prop_map(|(a, b)| format!("{a} but not {b}")),
        1 => (group(), group()).prop_map(|(a, b)| format!("{a} and {b}")),
        1 => (group(), group()).prop_map(|(a, b)| format!("{a} or {b}")),
        1 => prop::sample::select(&USERS[..]).prop_map(|user| format!("user:{user}@contoso.com")),
        // What a plan changes (`has`) is not among them: then a plan need not be the last.
        4 => prop::sample::select(&TESTS[..]).prop_map(str::to_owned),
        1 => (prop::sample::select(&TESTS[..]), group()).prop_map(|(test, group)| format!("{group} but not {test}")),
    ]
}

fn any_license() -> impl Strategy<Value = Vec<String>> {
    let said = prop_oneof![
        4 => Just(None),
        1 => Just(Some("off:")),
        1 => Just(Some("off:YAMMER")),
        1 => Just(Some("on:EXCHANGE_S_ENTERPRISE+TEAMS1")),
    ];
    (prop::sample::subsequence(&SKUS[..], 1..3), said).prop_map(|(skus, said)| {
        let license = |sku: &&str| match said {
            Some(said) if sku.starts_with("SPE_E") => format!("{sku} {said}"),
            Some(_) | None => (*sku).to_owned(),
        };
        skus.iter().map(license).collect()
    })
}

fn any_action() -> impl Strategy<Value = String> {
    let listed = || prop::sample::subsequence(&SKUS[..], 1..3).prop_map(|skus| skus.join(", "));
    prop_oneof![
        6 => any_license().prop_map(|licenses| licenses.join(", ")),
        3 => (any_license(), listed()).prop_map(|(new, old)| format!("{} for {old}", new.join(", "))),
        1 => any_license().prop_map(|new| format!("{} for all", new.join(", "))),
        2 => listed().prop_map(|skus| format!("no {skus}")),
        1 => Just("no all".to_owned()),
        1 => Just("nothing; set DE".to_owned()),
        1 => Just("no SPE_E3/YAMMER+TEAMS1".to_owned()),
        1 => Just("no */YAMMER, VISIO".to_owned()),
    ]
}

fn any_policy(broken: bool) -> impl Strategy<Value = String> {
    let selector = if broken {
        prop_oneof![10 => any_selector(), 1 => Just("Nowhere".to_owned())].boxed()
    } else {
        any_selector().boxed()
    };
    let options = [
        "",
        "",
        "",
        "; grace 0",
        "; grace 5d",
        "; keep",
        "; priority 5",
        "; set DE",
        "; set FR",
        "; default DE",
        "; tenant fabrikam",
        "; guests",
        "; until 2026-11-20",
        "; from 2026-11-25",
        "; retired",
    ];
    let options = prop::sample::subsequence(options.to_vec(), 0..4);
    (selector, any_action(), options).prop_map(|(selector, action, options)| {
        format!("{selector} -> {action}{}", options.concat())
    })
}

/// A change that makes something of a world unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blindness {
    /// The members of a group: who was in it is listed no more, and others may be.
    Group(usize),
    /// The same, and the group was never read.
    Unread(usize),
    /// Whether a user may sign in.
    Enabled(usize),
    /// Whether a user is a member or a guest.
    Kind(usize),
    /// The department of a user.
    Department(usize),
    /// Whether a user is synced from on-premises.
    Synced(usize),
    /// When a user last signed in.
    SignIn(usize),
    /// The usage location of a user.
    Location(usize),
    /// The licenses of a user.
    Licenses(usize),
    /// Where the licenses of a user come from.
    Sources(usize),
}

/// Any change that makes something unknown.
pub(crate) fn any_blindness() -> impl Strategy<Value = Blindness> {
    prop_oneof![
        6 => (0..GROUPS.len()).prop_map(Blindness::Group),
        2 => (0..GROUPS.len()).prop_map(Blindness::Unread),
        2 => (0..USERS.len()).prop_map(Blindness::Enabled),
        2 => (0..USERS.len()).prop_map(Blindness::Kind),
        2 => (0..USERS.len()).prop_map(Blindness::Department),
        2 => (0..USERS.len()).prop_map(Blindness::Synced),
        2 => (0..USERS.len()).prop_map(Blindness::SignIn),
        2 => (0..USERS.len()).prop_map(Blindness::Location),
        1 => (0..USERS.len()).prop_map(Blindness::Licenses),
        2 => (0..USERS.len()).prop_map(Blindness::Sources),
    ]
}

impl Blindness {
    /// Returns the world as it looks then.
    pub(crate) fn of(self, world: &World) -> World {
        let mut blind = world.clone();
        let users = blind.users.len();
        match self {
            Self::Group(at) => {
                let none = BTreeSet::new();
                blind.groups[at] = group(GROUPS[at], &none, &none, true);
            }
            Self::Unread(at) => blind.groups[at].membership = Membership::NotRead,
            Self::Enabled(at) => blind.users[at % users].enabled = Known::Unknown,
            Self::Kind(at) => blind.users[at % users].user_type = Known::Unknown,
            Self::Department(at) => {
                blind.users[at % users].attributes = department(Known::Unknown);
            }
            Self::Synced(at) => blind.users[at % users].synced = Known::Unknown,
            Self::SignIn(at) => blind.users[at % users].last_sign_in = Known::Unknown,
            Self::Location(at) => blind.users[at % users].usage_location = Known::Unknown,
            Self::Licenses(at) => blind.users[at % users].licenses = Known::Unknown,
            Self::Sources(at) => {
                if let Known::Known(licenses) = &mut blind.users[at % users].licenses {
                    for assignment in &mut licenses.assignments {
                        assignment.source = AssignmentSource::Unknown;
                    }
                }
            }
        }
        blind
    }
}

/// How long the clocks of a plan can run before one is due.
pub(crate) const LONG: Span = Span::days(60);
