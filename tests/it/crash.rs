//! Whatever instant a process dies at, running it again ends where it would have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use seatkeeper::domain::ids::{SkuId, UserId};
use seatkeeper::plan::{Kind, PlanState};
use seatkeeper::ports::{Clock as _, HistoryFilter, OutcomeKind, Records as _};
use seatkeeper::sandbox::http::{Clock, Lag};
use seatkeeper::sandbox::model::LicenseState;
use seatkeeper::sandbox::{Faults, Options, Tenant};
use seatkeeper::store::Verification;
use serde_json::json;

use crate::lab::{Applied, FakeClock, Fuse, Lab};
use crate::site::{calm, direct, tenant};

pub(crate) const POLICIES: &str = r"
policies:
  - name: engineering-e5
    match: {group: Engineering}
    action: replace
    replaces: [SPE_E3]
    licenses: [{sku: SPE_E5, disable: [YAMMER_ENTERPRISE]}]
    usage_location: {default: DE}
    priority: 100
    grace: 0d
  - name: staff-e3
    match: {group: Staff}
    licenses: [SPE_E3]
    grace: 0d
  - name: analysts-power-bi
    match: {group: Analysts}
    licenses: [POWER_BI_PRO]
    grace: 0d
  - name: leavers
    match: {enabled: false}
    action: remove
    licenses: all
";

const TOP: &str = "protected: {users: [moe@contoso.com]}";

/// Twelve people before the change that the crashes interrupt: some of what they hold is owned.
pub(crate) fn before() -> Tenant {
    let user = |name: &str, groups: &[&str], licenses: serde_json::Value| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE",
               "groups": groups, "licenses": licenses})
    };
    let yammer = json!([{"sku": "SPE_E5", "disable": ["YAMMER_ENTERPRISE"]}]);
    let mut fay = user("fay", &[], yammer);
    fay["usage_location"] = json!(null);
    let mut ana = user("ana", &[], json!([]));
    ana["usage_location"] = json!(null);
    tenant(json!({
        "skus": [{"sku": "SPE_E5", "enabled": 20}, {"sku": "SPE_E3", "enabled": 10},
                 {"sku": "POWER_BI_PRO", "enabled": 3}],
        "groups": [{"name": "Engineering"}, {"name": "Staff"}, {"name": "Analysts"}],
        "users": [
            ana, fay,
            user("ben", &["Staff"], json!(["SPE_E3"])),
            user("cara", &["Staff"], json!(["SPE_E3"])),
            user("dan", &[], json!(["SPE_E3"])),
            user("eva", &[], json!([{"sku": "SPE_E5", "disable": ["SWAY"]}])),
            user("gus", &[], json!(["POWER_BI_PRO"])),
            user("hal", &[], json!([])),
            user("ida", &[], json!([])),
            user("jon", &["Analysts"], json!(["POWER_BI_PRO"])),
            user("moe", &["Staff"], json!([])),
            user("zoe", &[], json!(["POWER_BI_PRO"])),
        ],
    }))
}

/// What people elsewhere do between the first run and the one that is interrupted.
pub(crate) fn change(tenant: &mut Tenant) {
    let moves = [
        ("Engineering", "ana", true),
        ("Engineering", "ben", true),
        ("Engineering", "eva", true),
        ("Engineering", "fay", true),
        ("Engineering", "moe", true),
        ("Staff", "ben", false),
        ("Staff", "cara", false),
        ("Analysts", "jon", false),
        ("Analysts", "gus", true),
        ("Analysts", "hal", true),
        ("Analysts", "ida", true),
    ];
    for (group, user, is_member) in moves {
        let group = tenant.groups_named(group).next().unwrap().id;
        let user = tenant.user(&format!("{user}@contoso.com")).unwrap().id;
        tenant.set_membership(group, user, is_member);
    }
    let dan = tenant.user("dan@contoso.com").unwrap().id;
    tenant.set_enabled(dan, false);
}

/// A tenant and a store right before the run that is interrupted.
async fn prepared() -> Lab {
    let lab = Lab::new(before(), TOP, &[("policies.yaml", POLICIES)]).await;
    let first = lab.apply(&Fuse::never()).await.unwrap();
    assert_eq!(first.carried.unwrap().state, PlanState::Applied);
    lab.sandbox.change(change);
    lab
}

fn clock() -> FakeClock {
    FakeClock::at("2026-11-23T10:00:00Z")
}

/// Asserts what must hold of the records once nothing is under way any more.
async fn assert_records_hold(lab: &Lab, at: &str) {
    let store = lab.store();
    let mut outcomes: BTreeMap<_, BTreeMap<_, u32>> = BTreeMap::new();
    for entry in store.history(HistoryFilter::default()).await.unwrap() {
        let outcome = entry.outcome;
        *outcomes.entry(outcome.plan).or_default().entry(outcome.operation).or_default() += 1;
    }
    for head in store.plans(None).await.unwrap() {
        let of_plan = outcomes.remove(&head.id).unwrap_or_default();
        match head.state {
            PlanState::Applied | PlanState::Partial | PlanState::Failed => {
                let plan = store.plan(None, Some(head.id)).await.unwrap().unwrap().plan;
                let keys: BTreeMap<_, _> = plan.operations.iter().map(|op| (op.key, 1)).collect();
                assert_eq!(of_plan, keys, "{at}: one outcome for each operation of {}", head.id);
            }
            PlanState::Applying => panic!("{at}: plan {} was left open", head.id),
            PlanState::Proposed
            | PlanState::Held
            | PlanState::Approved
            | PlanState::Rejected
            | PlanState::Superseded
            | PlanState::Expired => assert!(of_plan.is_empty(), "{at}: {} never ran", head.id),
        }
    }
    let verified = store.verify_history().await.unwrap();
    assert!(matches!(verified, Verification::Whole { .. }), "{at}: {verified:?}");
}

/// Returns whose licenses or location differ.
fn changed(from: &LicenseState, to: &LicenseState) -> BTreeSet<UserId> {
    let differs = |user: &&UserId| from.users.get(user) != to.users.get(user);
    from.users.keys().filter(differs).copied().collect()
}

/// Asserts that what was found after an interruption is true: who was changed is not told of as not
/// tried, and what is told of as done was done.
async fn assert_told_truly(lab: &Lab, changed: &BTreeSet<UserId>, at: &str) {
    let recovered = lab.store().history(HistoryFilter::default()).await.unwrap();
    for entry in recovered.into_iter().filter(|entry| entry.outcome.recovered) {
        let user = entry.operation.user.id;
        match entry.outcome.kind {
            OutcomeKind::Deferred => assert!(!changed.contains(&user), "{at}: {entry:#?}"),
            OutcomeKind::Done => assert!(changed.contains(&user), "{at}: {entry:#?}"),
            OutcomeKind::Failed => {}
            OutcomeKind::AlreadyDone | OutcomeKind::Stale | OutcomeKind::Refused => {
                panic!("{at}: no recovery comes to this: {entry:#?}")
            }
        }
    }
}

/// Asserts that running again ends where an undisturbed run ends, and leaves nothing to do.
async fn assert_heals(lab: &Lab, undisturbed: &LicenseState, at: &str) {
    lab.apply(&Fuse::never()).await.unwrap();
    assert_eq!(&lab.sandbox.tenant().license_state(), undisturbed, "{at}");
    assert_records_hold(lab, at).await;
    let left = lab.plan().await.unwrap();
    assert!(left.stored.is_none(), "{at}: {:#?}", left.planned.plan.operations);
    assert_eq!(left.recovered, 0, "{at}");
}

/// Asserts that with the records gone nothing more is removed than with them.
async fn assert_forgets_safely(
    lab: &Lab,
    start: &LicenseState,
    undisturbed: &LicenseState,
    at: &str,
) {
    std::fs::remove_dir_all(lab.state()).unwrap();
    let cycle = lab.plan().await.unwrap();
    let named = ["engineering-e5", "leavers"];
    for operation in &cycle.planned.plan.operations {
        let by_policy = operation.because.iter().any(|why| named.contains(&why.policy.as_str()));
        assert!(operation.remove.is_empty() || by_policy, "{at}: {operation:#?}");
    }
    lab.apply(&Fuse::never()).await.unwrap();
    let after = lab.sandbox.tenant().license_state();
    let lost = removed(start, &after);
    let lost_undisturbed = removed(start, undisturbed);
    let more: Vec<_> = lost.difference(&lost_undisturbed).collect();
    assert!(more.is_empty(), "{at}: removed although the ledger was gone: {more:?}");
    assert_records_hold(lab, at).await;
}

fn removed(from: &LicenseState, to: &LicenseState) -> BTreeSet<(UserId, SkuId)> {
    let held = |state: &LicenseState| -> BTreeSet<(UserId, SkuId)> {
        let of = |(user, (_, held)): (&UserId, &(_, Vec<(SkuId, Option<_>, _)>))| {
            let direct = held.iter().filter(|(_, direct, _)| direct.is_some());
            direct.map(|(sku, _, _)| (*user, *sku)).collect::<Vec<_>>()
        };
        state.users.iter().flat_map(of).collect()
    };
    held(from).difference(&held(to)).copied().collect()
}

/// Counts the writes of an undisturbed run.
async fn prepared_writes(prepared: &Lab) -> u64 {
    let lab = prepared.fork(calm(), clock()).await;
    lab.apply(&Fuse::never()).await.unwrap();
    lab.sandbox.counts().writes_accepted
}

async fn undisturbed(prepared: &Lab) -> (Applied, LicenseState, u64) {
    let lab = prepared.fork(calm(), clock()).await;
    let fuse = Fuse::never();
    let applied = lab.apply(&fuse).await.unwrap();
    assert_records_hold(&lab, "undisturbed").await;
    let state = lab.sandbox.tenant().license_state();
    let left = lab.plan().await.unwrap();
    assert!(left.stored.is_none(), "{:#?}", left.planned.plan.operations);
    (applied, state, fuse.steps())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_interrupted_plan_holds_every_kind_of_operation() {
    let prepared = prepared().await;
    let (applied, _, steps) = undisturbed(&prepared).await;
    let plan = applied.cycle.planned.plan;
    let kinds: BTreeSet<Kind> = plan.operations.iter().map(|operation| operation.kind).collect();
    let all = [Kind::Add, Kind::Replace, Kind::Remove, Kind::Modify, Kind::Locate, Kind::Adopt];
    assert!(all.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    assert_eq!(plan.summary.waiting, 1);
    let carried = applied.carried.unwrap();
    assert_eq!(carried.state, PlanState::Applied);
    assert_eq!(carried.run.outcomes.keys().collect::<Vec<_>>(), [&OutcomeKind::Done]);
    assert!(steps > 20, "{steps}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_before_or_after_any_durable_write_or_call_is_made_good() {
    let prepared = prepared().await;
    let start = prepared.sandbox.tenant().license_state();
    let (_, state, steps) = undisturbed(&prepared).await;
    for step in 1..=steps {
        let lab = prepared.fork(calm(), clock()).await;
        assert!(lab.apply(&Fuse::at(step)).await.is_none(), "step {step} came not");
        let changed = changed(&start, &lab.sandbox.tenant().license_state());
        let at = format!("step {step}");
        assert_heals(&lab, &state, &at).await;
        assert_told_truly(&lab, &changed, &at).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_and_loses_its_records_removes_nothing_more() {
    let prepared = prepared().await;
    let start = prepared.sandbox.tenant().license_state();
    let (_, state, steps) = undisturbed(&prepared).await;
    for step in (1..=steps).step_by(2) {
        let lab = prepared.fork(calm(), clock()).await;
        assert!(lab.apply(&Fuse::at(step)).await.is_none(), "step {step} came not");
        assert_forgets_safely(&lab, &start, &state, &format!("step {step}")).await;
    }
}

/// A sandbox that ends the process when the n-th request comes, after whatever `faults` do to it.
fn counting(fuse: &Fuse, clock: &FakeClock, faults: Faults) -> Options {
    let (fuse, clock) = (fuse.clone(), clock.clone());
    let ask = move || {
        fuse.count();
        clock.now()
    };
    Options { clock: Clock::Ask(Arc::new(ask)), faults, ..calm() }
}

/// The server asks for the time once when it starts; the n-th request is the step after n.
fn at_request(request: u64) -> u64 {
    request + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_request_is_made_good() {
    let prepared = prepared().await;
    let start = prepared.sandbox.tenant().license_state();
    let (_, state, _) = undisturbed(&prepared).await;
    let requests = {
        let lab = prepared.fork(calm(), clock()).await;
        lab.apply(&Fuse::never()).await.unwrap();
        lab.sandbox.counts().requests
    };
    assert!(requests > 20, "{requests}");
    let mut died = 0;
    for request in 1..=requests {
        // The request before it takes effect, and its answer is lost; this one never arrives.
        let faults = [format!("reset-after=#{}", (request - 1).max(1)), format!("hang=#{request}")];
        let faults = Faults::parse(1, faults).unwrap();
        let (fuse, clock) = (Fuse::at(at_request(request)), clock());
        let lab = prepared.fork(counting(&fuse, &clock, faults), clock).await;
        // The fuse counts requests here, not calls: what the process does takes another one.
        let process = lab.apply_with(async || {});
        died += u32::from(fuse.run(process).await.is_none());
        lab.sandbox.set_faults(Faults::default());
        let changed = changed(&start, &lab.sandbox.tenant().license_state());
        let at = format!("request {request}");
        assert_heals(&lab, &state, &at).await;
        assert_told_truly(&lab, &changed, &at).await;
    }
    assert_eq!(u64::from(died), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_again_while_it_recovers_is_made_good() {
    let prepared = prepared().await;
    let (_, state, steps) = undisturbed(&prepared).await;
    for first in (1..=steps).rev().step_by(5) {
        for second in [1, 2, 3, 5, 8, 13] {
            let lab = prepared.fork(calm(), clock()).await;
            assert!(lab.apply(&Fuse::at(first)).await.is_none());
            lab.apply(&Fuse::at(second)).await;
            assert_heals(&lab, &state, &format!("step {first}, then {second}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_reads_lag_behind_is_made_good() {
    let prepared = prepared().await;
    let (_, state, steps) = undisturbed(&prepared).await;
    for step in (1..=steps).step_by(3) {
        let clock = clock();
        let lag = Lag::For(Duration::from_secs(10));
        let options = Options { lag, ..counting(&Fuse::never(), &clock, Faults::default()) };
        let lab = prepared.fork(options, clock).await;
        lab.apply(&Fuse::at(step)).await;
        assert_heals(&lab, &state, &format!("step {step}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_interrupted_run_did_is_not_planned_again_while_reads_lag_behind() {
    let prepared = prepared().await;
    let clock = clock();
    let lag = Lag::For(Duration::from_secs(10));
    let options = Options { lag, ..counting(&Fuse::never(), &clock, Faults::default()) };
    let lab = prepared.fork(options, clock).await;
    // The first look for what was sent is where the process dies.
    let accepted = lab.sandbox.clone();
    let sent = prepared_writes(&prepared).await;
    let fuse = Fuse::never();
    let dies = fuse.clone().before_look(move || {
        if accepted.counts().writes_accepted == sent {
            fuse.blow();
        }
    });
    assert!(lab.apply(&dies).await.is_none());
    let cycle = lab.plan().await.unwrap();
    assert_eq!(cycle.recovered, 1);
    assert!(cycle.stored.is_none(), "{:#?}", cycle.planned.plan.operations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_undisturbed_run_leaves_is_what_the_policies_say() {
    let prepared = prepared().await;
    let lab = prepared.fork(calm(), clock()).await;
    lab.apply(&Fuse::never()).await.unwrap();
    let tenant = lab.sandbox.tenant();
    let held = |name: &str| direct(&tenant, &format!("{name}@contoso.com")).join(" ");
    for (user, licenses) in [
        ("ana", "SPE_E5"),
        ("ben", "SPE_E5"),
        ("cara", ""),
        ("dan", ""),
        ("eva", "SPE_E5"),
        ("fay", "SPE_E5"),
        ("gus", "POWER_BI_PRO"),
        ("jon", ""),
        ("moe", ""),
        ("zoe", "POWER_BI_PRO"),
    ] {
        assert_eq!(held(user), licenses, "{user}");
    }
    let waiting = [held("hal"), held("ida")];
    assert_eq!(waiting.iter().filter(|held| held.is_empty()).count(), 1, "{waiting:?}");
    assert_eq!(tenant.user("ana@contoso.com").unwrap().usage_location.unwrap().to_string(), "DE");
}
