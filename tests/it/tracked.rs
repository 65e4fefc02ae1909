//! Cycles that read only what changed: they see what a full read sees, cost the same however large
//! the tenant is, and read in full wherever changes are not enough.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use seatkeeper::domain::ids::{GroupId, UserId};
use seatkeeper::domain::known::Known;
use seatkeeper::domain::snapshot::{ReadKind, Snapshot};
use seatkeeper::domain::user::{ServicePlanSet, User};
use seatkeeper::engine::Freshness;
use seatkeeper::engine::cycle::Cycle;
use seatkeeper::graph::Client;
use seatkeeper::ports::{
    Clock as _, GroupRequest, OtherGroups, Progress, ReadRequest, Records as _, TenantRead,
    TenantReader as _,
};
use seatkeeper::sandbox::http::{Clock, Delta, Lag};
use seatkeeper::sandbox::model::{LicenseChange, Member};
use seatkeeper::sandbox::{Faults, Options, Tenant};
use serde_json::json;

use crate::lab::{FakeClock, Fuse, Lab};
use crate::site::{calm, tenant};

const DAY: Duration = Duration::from_hours(24);

const POLICIES: &str = r"
policies:
  - name: staff
    match: {group: Staff}
    licenses: [SPE_E3]
    grace: 0d
";

struct Silence;

impl Progress for Silence {
    fn at(&self, _: &str, _: u64, _: Option<u64>) {}
}

fn asking(clock: &FakeClock) -> Clock {
    let clock = clock.clone();
    Clock::Ask(Arc::new(move || clock.now()))
}

fn people(users: usize) -> Tenant {
    let user = |at: usize| {
        json!({"user_principal_name": format!("user{at}@contoso.com"), "usage_location": "DE",
               "groups": if at.is_multiple_of(3) { vec!["Staff"] } else { vec!["Team"] },
               "licenses": if at.is_multiple_of(3) { vec!["SPE_E3"] } else { vec![] }})
    };
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 90_000}, {"sku": "POWER_BI_PRO", "enabled": 900}],
        "groups": [{"name": "Staff", "groups": ["Team"]}, {"name": "Team"}, {"name": "Third"},
                   {"name": "Council", "hidden": true}],
        "users": (0..users).map(user).collect::<Vec<_>>()
    }))
}

async fn lab(tenant: Tenant, options: Options) -> Lab {
    lab_with(tenant, options, POLICIES).await
}

async fn lab_with(tenant: Tenant, options: Options, policies: &str) -> Lab {
    let clock = FakeClock::at("2026-11-23T09:00:00Z");
    let options = Options { clock: asking(&clock), ..options };
    let mut lab = Lab::with(tenant, options, clock, "", &[("policies.yaml", policies)]).await;
    lab.reading = Freshness::Tracked { full_every: DAY };
    lab
}

fn kind(cycle: &Cycle) -> ReadKind {
    cycle.planned.plan.basis.read
}

/// Plans, and returns what was asked for meanwhile, tokens aside.
async fn requests(lab: &Lab) -> (Cycle, Vec<String>) {
    let before = lab.sandbox.requests().len();
    let cycle = lab.plan().await.unwrap();
    let seen = lab.sandbox.requests().into_iter().skip(before);
    let paths = seen.map(|seen| seen.path).filter(|path| !path.ends_with("/token"));
    (cycle, paths.collect())
}

fn person(lab: &Lab, at: usize) -> UserId {
    lab.sandbox.tenant().user(&format!("user{at}@contoso.com")).unwrap().id
}

fn group(lab: &Lab, name: &str) -> GroupId {
    lab.sandbox.tenant().groups_named(name).next().unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cycle_in_which_nothing_changed_costs_the_same_however_large_the_tenant_is() {
    let mut costs = Vec::new();
    for users in [2_000, 50_000] {
        // Nobody has an operation, so that reading is what takes time.
        let policies = POLICIES.replace("Staff", "Third");
        let lab = lab_with(people(users), calm(), &policies).await;
        let (first, _) = requests(&lab).await;
        assert_eq!(kind(&first), ReadKind::Full);
        let written = std::fs::metadata(lab.state().join("contoso.snapshot")).unwrap().modified();
        let (second, mut paths) = requests(&lab).await;
        assert_eq!(kind(&second), ReadKind::Delta);
        assert!(second.snapshot.shows_the_same_as(&first.snapshot));
        let kept = std::fs::metadata(lab.state().join("contoso.snapshot")).unwrap().modified();
        assert_eq!(kept.unwrap(), written.unwrap(), "nothing is written again");
        let stored = lab.store().snapshot(&"contoso".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.taken_at(), second.snapshot.taken_at());
        for path in &mut paths {
            path.truncate(path.find('?').unwrap_or(path.len()));
        }
        paths.sort();
        costs.push(paths);
    }
    let four = ["directory/subscriptions", "groups/delta", "subscribedSkus", "users/delta"];
    assert_eq!(costs[0], four.map(|path| format!("/v1.0/{path}")));
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_planned_from_and_a_plan_that_takes_away_is_made_from_a_full_read() {
    let lab = lab(people(90), calm()).await;
    let applied = lab.apply(&Fuse::never()).await.unwrap();
    assert!(applied.carried.is_some());
    let settled = lab.plan().await.unwrap();
    assert_eq!(kind(&settled), ReadKind::Delta, "what was carried out is no reason to read all");
    assert!(settled.stored.is_none());
    let (new, gone) = (person(&lab, 0), person(&lab, 1));
    let (staff, team) = (group(&lab, "Staff"), group(&lab, "Team"));
    lab.sandbox.change(|tenant| {
        let mut user = tenant.user("user0@contoso.com").unwrap().clone();
        user.id = "00000000-0000-4000-8000-000000000001".parse().unwrap();
        user.principal_name = "new@contoso.com".into();
        user.licenses.clear();
        user.created_at = "2026-11-23T09:00:00Z".parse().unwrap();
        let id = user.id;
        assert!(tenant.create_user(user));
        tenant.set_membership(team, id, true);
    });
    let added = lab.plan().await.unwrap();
    assert_eq!(kind(&added), ReadKind::Delta);
    let names = |cycle: &Cycle| -> Vec<String> {
        let operations = cycle.planned.plan.operations.iter();
        operations.map(|operation| operation.user.principal_name.to_string()).collect()
    };
    assert_eq!(names(&added), ["new@contoso.com"]);
    lab.sandbox.change(|tenant| {
        tenant.set_membership(staff, new, false);
        tenant.delete_user(gone, "2026-11-23T09:00:00Z".parse().unwrap());
    });
    let (removing, paths) = requests(&lab).await;
    assert_eq!(kind(&removing), ReadKind::Full);
    assert_eq!(removing.stored.as_ref().unwrap().plan.basis.read, ReadKind::Full);
    assert!(paths.iter().any(|path| path.starts_with("/v1.0/users?")), "{paths:?}");
    assert_eq!(names(&removing).len(), 2);
    assert!(removing.snapshot.user(gone).is_none());
    let carried = lab.apply(&Fuse::never()).await.unwrap().carried.unwrap();
    assert_eq!(carried.stale, 0);
    assert!(lab.plan().await.unwrap().stored.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_read_at_the_interval_and_whatever_void_tokens_say() {
    let lab = lab(people(60), calm()).await;
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Full);
    for fault in ["delta-gone", "resync-required", "endless-chain"] {
        for path in ["users", "groups"] {
            let struck = Faults::parse(1, [format!("{fault}=1@/{path}/delta")]).unwrap();
            lab.sandbox.set_faults(struck);
            let cycle = lab.plan().await.unwrap();
            assert_eq!(kind(&cycle), ReadKind::Full, "{fault} of {path}");
            assert_eq!(cycle.snapshot.users().len(), 60);
            // Where no mark could be had either, the next read is a full one too.
            lab.sandbox.set_faults(Faults::default());
            lab.plan().await.unwrap();
            assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Delta, "{fault} of {path}");
        }
    }
    let full_read = lab.store().tracked(&"contoso".parse().unwrap()).await.unwrap().unwrap().1;
    let age = lab.clock.now().duration_since(full_read.full_read_at);
    lab.clock
        .advance(DAY.saturating_sub(Duration::try_from(age).unwrap() + Duration::from_mins(1)));
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Delta);
    lab.clock.advance(Duration::from_mins(2));
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Full);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_reads_all_makes_the_next_cycle_do_so_once() {
    let mut lab = lab(people(30), calm()).await;
    lab.plan().await.unwrap();
    lab.reading = Freshness::Whole;
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Full);
    lab.reading = Freshness::Tracked { full_every: DAY };
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Full, "the snapshot is another's");
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Delta);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn licenses_that_no_change_tells_of_show_by_the_seats_in_use() {
    let delta = Delta { tracks_licenses: false, ..Delta::default() };
    let lab = lab(people(60), Options { delta, ..calm() }).await;
    lab.plan().await.unwrap();
    let (other, sku) = (person(&lab, 2), "POWER_BI_PRO");
    let at = lab.clock.now();
    lab.sandbox.change(|tenant| {
        let sku = tenant.sku_named(sku).unwrap().id;
        let add = vec![(sku, ServicePlanSet::default())];
        let change = LicenseChange { add, remove: Vec::new() };
        tenant.change_licenses(other, &change, at).unwrap();
    });
    let holds = |cycle: &Cycle| match &cycle.snapshot.user(other).unwrap().licenses {
        Known::Known(held) => !held.assignments.is_empty(),
        Known::Unknown => panic!("licenses are told"),
    };
    // It may be a late count: believed when it lasts.
    let first = lab.plan().await.unwrap();
    assert_eq!((kind(&first), holds(&first)), (ReadKind::Delta, false));
    lab.clock.advance(Duration::from_mins(15));
    let second = lab.plan().await.unwrap();
    assert_eq!((kind(&second), holds(&second)), (ReadKind::Full, true));
    lab.clock.advance(Duration::from_mins(15));
    assert_eq!(kind(&lab.plan().await.unwrap()), ReadKind::Delta);
}

/// Whatever instant a process dies at, the next one reads what is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_leaves_no_gap_in_what_is_known() {
    for step in 1..60 {
        let lab = lab(people(30), calm()).await;
        lab.plan().await.unwrap();
        let (moved, staff) = (person(&lab, 1), group(&lab, "Staff"));
        lab.sandbox.change(|tenant| {
            tenant.edit_user(moved, |user| user.profile.department = Some("Sales".into()));
            tenant.set_membership(staff, moved, true);
        });
        let died = lab.apply(&Fuse::at(step)).await.is_none();
        let cycle = lab.plan().await.unwrap();
        let client = lab.client();
        let full = client.read(&staff_request(), &Silence).await.unwrap();
        assert_same(&cycle.snapshot, &full, true).unwrap_or_else(|error| panic!("{step}: {error}"));
        if !died {
            return;
        }
    }
    panic!("it never came to an end");
}

fn staff_request() -> ReadRequest {
    let groups = vec![GroupRequest { group: "Staff".into(), direct: false }];
    ReadRequest { groups, others: OtherGroups::Listed }
}

// ---- a tracked read sees what a full read sees ----

/// What happens in a tenant, by numbers that are taken modulo what there is.
#[derive(Clone, Debug)]
enum Event {
    Create(u8),
    Delete(usize),
    Restore(usize),
    Purge(usize),
    Department(usize, Option<u8>),
    Rename(usize),
    Disable(usize),
    Move(usize),
    Grant(usize),
    Take(usize),
    Join(usize, usize),
    Leave(usize, usize),
    Nest(usize, usize),
    Unnest(usize, usize),
    Call(usize, u8),
    Found(u8),
    Dissolve(usize),
    Revive(usize),
    Hide(usize, bool),
}

fn any_event() -> impl Strategy<Value = Event> {
    let n = 0..40_usize;
    let g = 0..6_usize;
    prop_oneof![
        2 => any::<u8>().prop_map(Event::Create),
        2 => n.clone().prop_map(Event::Delete),
        1 => n.clone().prop_map(Event::Restore),
        1 => n.clone().prop_map(Event::Purge),
        2 => (n.clone(), any::<Option<u8>>()).prop_map(|(n, to)| Event::Department(n, to)),
        1 => n.clone().prop_map(Event::Rename),
        1 => n.clone().prop_map(Event::Disable),
        1 => n.clone().prop_map(Event::Move),
        2 => n.clone().prop_map(Event::Grant),
        1 => n.clone().prop_map(Event::Take),
        4 => (g.clone(), n.clone()).prop_map(|(g, n)| Event::Join(g, n)),
        3 => (g.clone(), n).prop_map(|(g, n)| Event::Leave(g, n)),
        3 => (g.clone(), g.clone()).prop_map(|(a, b)| Event::Nest(a, b)),
        2 => (g.clone(), g.clone()).prop_map(|(a, b)| Event::Unnest(a, b)),
        2 => (g.clone(), 0..6_u8).prop_map(|(g, name)| Event::Call(g, name)),
        1 => any::<u8>().prop_map(Event::Found),
        1 => g.clone().prop_map(Event::Dissolve),
        1 => g.clone().prop_map(Event::Revive),
        1 => (g, any::<bool>()).prop_map(|(g, hidden)| Event::Hide(g, hidden)),
    ]
}

/// Who and what was deleted, to be brought back.
#[derive(Default)]
struct Bin {
    users: Vec<UserId>,
    groups: Vec<GroupId>,
}

fn happen(tenant: &mut Tenant, bin: &mut Bin, event: &Event, clock: &FakeClock) {
    let now = clock.now();
    let user = |tenant: &Tenant, n: &usize| tenant.users()[n % tenant.users().len()].id;
    let id = |n: u8| format!("0000{n:04x}-0000-4000-8000-{:012x}", now.as_second());
    let grant =
        |tenant: &Tenant| (tenant.sku_named("POWER_BI_PRO").unwrap().id, ServicePlanSet::default());
    match event {
        Event::Create(n) => {
            let mut new = tenant.users()[0].clone();
            (new.id, new.created_at) = (id(*n).parse().unwrap(), now);
            new.principal_name = format!("{n}-{}@contoso.com", now.as_second()).into();
            new.licenses.clear();
            tenant.create_user(new);
        }
        Event::Delete(n) if tenant.users().len() > 5 => {
            let id = user(tenant, n);
            bin.users.push(id);
            tenant.delete_user(id, now);
        }
        Event::Restore(n) if !bin.users.is_empty() => {
            tenant.restore_user(bin.users[n % bin.users.len()]);
        }
        Event::Purge(n) if !bin.users.is_empty() => {
            tenant.purge_user(bin.users[n % bin.users.len()]);
        }
        Event::Delete(_) | Event::Restore(_) | Event::Purge(_) => {}
        Event::Department(n, to) => {
            let id = user(tenant, n);
            tenant.edit_user(id, |user| {
                user.profile.department = to.map(|to| format!("D{to}").into());
            });
        }
        Event::Rename(n) => {
            let id = user(tenant, n);
            let name = format!("renamed{n}-{}@fabrikam.com", now.as_second());
            tenant.edit_user(id, |user| user.principal_name = name.into());
        }
        Event::Disable(n) => {
            let id = user(tenant, n);
            tenant.edit_user(id, |user| user.enabled = !user.enabled);
        }
        Event::Move(n) => {
            let id = user(tenant, n);
            tenant.edit_user(id, |user| user.usage_location = Some("NO".parse().unwrap()));
        }
        Event::Grant(n) => {
            let change = LicenseChange { add: vec![grant(tenant)], remove: Vec::new() };
            let id = user(tenant, n);
            // A refusal changes nothing, which is an event too.
            let _ = tenant.change_licenses(id, &change, now);
        }
        Event::Take(n) => {
            let change = LicenseChange { add: Vec::new(), remove: vec![grant(tenant).0] };
            let id = user(tenant, n);
            let _ = tenant.change_licenses(id, &change, now);
        }
        _ => happen_to_groups(tenant, bin, event, clock),
    }
}

fn happen_to_groups(tenant: &mut Tenant, bin: &mut Bin, event: &Event, clock: &FakeClock) {
    let now = clock.now();
    let group = |tenant: &Tenant, n: &usize| tenant.groups()[n % tenant.groups().len()].id;
    match event {
        Event::Join(g, n) | Event::Leave(g, n) => {
            let user = tenant.users()[n % tenant.users().len()].id;
            tenant.set_membership(group(tenant, g), user, matches!(event, Event::Join(_, _)));
        }
        Event::Nest(a, b) | Event::Unnest(a, b) => {
            let (outer, inner) = (group(tenant, a), Member::Group(group(tenant, b)));
            let nests = matches!(event, Event::Nest(_, _));
            tenant.edit_group(outer, |group| {
                group.members.retain(|member| *member != inner);
                if nests {
                    group.members.push(inner);
                }
            });
        }
        Event::Call(g, name) => {
            let id = group(tenant, g);
            tenant.edit_group(id, |group| group.name = format!("g{name}").into());
        }
        Event::Found(n) => {
            let mut new = tenant.groups()[0].clone();
            let id = format!("0001{n:04x}-0000-4000-8000-{:012x}", now.as_second());
            (new.id, new.created_at) = (id.parse().unwrap(), now);
            new.name = format!("g{}", n % 6).into();
            tenant.create_group(new);
        }
        Event::Dissolve(g) if tenant.groups().len() > 3 => {
            let id = group(tenant, g);
            bin.groups.push(id);
            tenant.delete_group(id);
        }
        Event::Revive(g) if !bin.groups.is_empty() => {
            tenant.restore_group(bin.groups[g % bin.groups.len()]);
        }
        Event::Hide(g, hidden) => {
            let id = group(tenant, g);
            tenant.edit_group(id, |group| group.hidden = *hidden);
        }
        _ => {}
    }
}

fn small() -> Tenant {
    let user = |at: usize| {
        json!({"user_principal_name": format!("user{at}@contoso.com"), "usage_location": "DE",
               "groups": [format!("g{}", at % 5)]})
    };
    tenant(json!({
        "skus": [{"sku": "POWER_BI_PRO", "enabled": 25}],
        "groups": [{"name": "g0", "groups": ["g3"]}, {"name": "g1"}, {"name": "g2"},
                   {"name": "g3", "groups": ["g4"]}, {"name": "g4", "groups": ["g0"]},
                   {"name": "g5", "hidden": true}],
        "users": (0..30).map(user).collect::<Vec<_>>()
    }))
}

fn any_request() -> impl Strategy<Value = ReadRequest> {
    let one = (0..6_u8, any::<bool>())
        .prop_map(|(n, direct)| GroupRequest { group: format!("g{n}").into(), direct });
    proptest::collection::vec(one, 1..4)
        .prop_map(|groups| ReadRequest { groups, others: OtherGroups::Listed })
}

/// Says what two reads of the same tenant see differently.
fn assert_same(tracked: &Snapshot, full: &Snapshot, licenses: bool) -> Result<(), String> {
    let users = |snapshot: &Snapshot| -> Vec<User> {
        let held = |user: &User| if licenses { user.licenses.clone() } else { Known::Unknown };
        snapshot.users().iter().map(|user| User { licenses: held(user), ..user.clone() }).collect()
    };
    let (left, right) = (users(tracked), users(full));
    let differ = |what: &str, left: String, right: String| {
        Err(format!("{what}:\n  tracked {left}\n  full    {right}"))
    };
    if let Some((a, b)) = left.iter().zip(&right).find(|(a, b)| a != b) {
        return differ("a user", format!("{a:?}"), format!("{b:?}"));
    }
    if left.len() != right.len() {
        return differ("users", left.len().to_string(), right.len().to_string());
    }
    if let Some((a, b)) = tracked.groups().iter().zip(full.groups()).find(|(a, b)| a != b) {
        return differ("a group", format!("{a:?}"), format!("{b:?}"));
    }
    if tracked.groups().len() != full.groups().len() {
        let count = |snapshot: &Snapshot| snapshot.groups().len().to_string();
        return differ("groups", count(tracked), count(full));
    }
    if tracked.catalogue() == full.catalogue() {
        return Ok(());
    }
    Err("the catalogues differ".to_owned())
}

/// Something that happens, then reads: with which request, and whether told changes come again.
type Step = (Vec<Event>, ReadRequest, bool);

async fn follow(steps: &[Step], tracks_licenses: bool, page_size: usize) -> Result<u64, String> {
    let delta = Delta { tracks_licenses, page_size };
    let lab = lab(small(), Options { delta, ..calm() }).await;
    let client: Client<FakeClock> = lab.client();
    let mut bin = Bin::default();
    let mut earlier = None;
    let mut by_changes = 0;
    for (events, request, replays) in steps {
        lab.clock.advance(Duration::from_mins(20));
        lab.sandbox.change(|tenant| {
            for event in events {
                happen(tenant, &mut bin, event, &lab.clock);
            }
        });
        let faults = if *replays { vec!["replay=1"] } else { vec![] };
        lab.sandbox.set_faults(Faults::parse(1, faults).unwrap());
        let read = client.read_tracked(request, earlier.take(), &Silence).await;
        let TenantRead { snapshot, tracking, doubt: _, changed: _ } =
            read.map_err(|error| error.to_string())?;
        lab.sandbox.set_faults(Faults::default());
        let full = client.read(request, &Silence).await.map_err(|error| error.to_string())?;
        let is_full = snapshot.read() == ReadKind::Full;
        by_changes += u64::from(!is_full);
        assert_same(&snapshot, &full, tracks_licenses || is_full)
            .map_err(|error| format!("after {events:?}: {error}"))?;
        earlier = Some((Arc::new(snapshot), tracking.ok_or("no tracking")?));
    }
    let (_, request, _) = steps.last().ok_or("no steps")?;
    let whole = client.read_tracked(request, None, &Silence).await.unwrap().snapshot;
    let full = client.read(request, &Silence).await.unwrap();
    assert_same(&whole, &full, true).map(|()| by_changes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens in a tenant, whatever comes again: changes lead to what a full read sees.
    #[test]
    fn a_tracked_read_sees_what_a_full_read_sees(
        steps in proptest::collection::vec(
            (proptest::collection::vec(any_event(), 0..6), any_request(), any::<bool>()), 2..7),
        tracks_licenses: bool,
        page_size in prop_oneof![Just(1_usize), Just(3), Just(200)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime
            .block_on(follow(&steps, tracks_licenses, page_size))
            .map_err(TestCaseError::fail)?;
    }
}

/// The law above is no use where every read turns into a full one.
#[tokio::test]
async fn most_of_what_happens_is_read_by_changes_alone() {
    let request = staff_request();
    let request =
        ReadRequest { groups: vec![GroupRequest { group: "g0".into(), direct: true }], ..request };
    let events = [
        vec![Event::Create(1), Event::Join(0, 3)],
        vec![Event::Delete(4), Event::Nest(1, 2), Event::Department(7, None)],
        vec![Event::Grant(2), Event::Rename(3), Event::Found(9)],
        vec![],
        vec![Event::Leave(0, 0), Event::Unnest(0, 3), Event::Hide(3, true)],
        vec![Event::Dissolve(4), Event::Call(2, 2)],
    ];
    let steps: Vec<Step> =
        events.into_iter().map(|events| (events, request.clone(), false)).collect();
    assert_eq!(follow(&steps, true, 3).await, Ok(5));
}

#[tokio::test]
async fn reads_that_lag_are_caught_up_with() {
    let lag = Lag::For(Duration::from_secs(30));
    let lab = lab(people(30), Options { lag, ..calm() }).await;
    let applied = lab.apply(&Fuse::never()).await.unwrap();
    assert!(applied.carried.is_some());
    let moved = person(&lab, 1);
    lab.sandbox.change(|tenant| {
        tenant.edit_user(moved, |user| user.profile.department = Some("Sales".into()));
    });
    lab.plan().await.unwrap();
    lab.clock.advance(Duration::from_mins(1));
    let cycle = lab.plan().await.unwrap();
    assert_eq!(kind(&cycle), ReadKind::Delta);
    let full = lab.client().read(&staff_request(), &Silence).await.unwrap();
    assert_same(&cycle.snapshot, &full, true).unwrap();
}
