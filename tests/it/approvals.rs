//! What an approval is good for while the daemon runs, and what a rejection is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use seatkeeper::engine::CycleError;
use seatkeeper::plan::approval::NotTakenUp;
use seatkeeper::plan::{Digest, PlanState};
use seatkeeper::ports::{
    Clock as _, Decision, HistoryFilter, Records as _, RecordsError, StoredPlan,
};
use seatkeeper::sandbox::Tenant;
use seatkeeper::store::Store;
use serde_json::Value;

use crate::daemon::{Daemon, GUARDS_OFF, company, holders, site};
use crate::lab::{Call, Fuse, Lab};
use crate::site::Site;

const EVERY_SECOND: &str = "schedule: '* * * * * *'";
/// Open for a minute once in four years: not now.
const NO_REMOVALS: &str = "windows: [{allow: '0 0 29 2 *', for: 1m, changes: removals}]";
const REMOVALS: &str = "windows: [{allow: '* * * * *', for: 2m, changes: removals}]";

fn change_staff(tenant: &mut Tenant, names: impl IntoIterator<Item = usize>, are_members: bool) {
    let group = tenant.groups_named("Staff").next().unwrap().id;
    for name in names {
        let user = tenant.user(&format!("u{name}@contoso.com")).unwrap().id;
        tenant.set_membership(group, user, are_members);
    }
}

/// Waits until the daemon has been through so many cycles more.
async fn cycles(daemon: &Daemon, count: usize) {
    let seen = || daemon.log().matches("trigger=\"schedule\"").count();
    let before = seen();
    daemon.until("more cycles", || seen() >= before + count).await;
}

/// Waits until no plan is being carried out: what is done is on record then, too.
async fn at_rest(daemon: &Daemon, site: &Site) {
    daemon.until("it to come to rest", || plan_in(site, "applying").is_none()).await;
}

fn plan_in(site: &Site, state: &str) -> Option<String> {
    if !site.store_exists() {
        return None;
    }
    let plans = site.plans();
    let found = plans.iter().find(|plan| plan["state"] == state);
    found.map(|plan| plan["id"].as_str().unwrap().to_owned())
}

fn outcomes(site: &Site, outcome: &str) -> Vec<Value> {
    site.history().into_iter().filter(|entry| entry["outcome"] == outcome).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_rejects_no_mode_approves() {
    let site = site(company(6, 3), &format!("{GUARDS_OFF}mode: enforce\n{EVERY_SECOND}")).await;
    site.expect(0, &["pause", "--for", "1h", "--reason", "look first"]);
    let daemon = Daemon::start(&site);
    daemon.until("a plan", || plan_in(&site, "proposed").is_some()).await;
    site.expect(0, &["reject", &plan_in(&site, "proposed").unwrap()]);
    site.expect(0, &["resume"]);
    cycles(&daemon, 3).await;
    assert_eq!(site.writes(), 0);
    // Others are licensed: nobody rejected that.
    site.sandbox.change(|tenant| change_staff(tenant, [4], true));
    daemon.until("the newcomer", || holders(&site) == 1).await;
    cycles(&daemon, 2).await;
    assert_eq!(site.direct("u4@contoso.com"), ["SPE_E3"]);
    assert_eq!(holders(&site), 1);
    // The person thinks again.
    site.expect(0, &["approve", &plan_in(&site, "proposed").unwrap()]);
    daemon.until("the rest", || holders(&site) == 4).await;
    at_rest(&daemon, &site).await;
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shut_window_trips_nothing_and_what_it_kept_back_stays_approved() {
    let top = format!("{GUARDS_OFF}mode: approve\n{EVERY_SECOND}\n{NO_REMOVALS}");
    let site = site(company(40, 30), &top).await;
    site.expect(0, &["apply", "--yes"]);
    // More lose something than the few who would go first.
    site.sandbox.change(|tenant| {
        change_staff(tenant, 0..25, false);
        change_staff(tenant, [35], true);
    });
    let ran = site.run(&["apply", "--yes"]);
    assert_eq!(site.direct("u35@contoso.com"), ["SPE_E3"], "{}", ran.shown());
    assert_eq!(holders(&site), 31);
    let deferred = outcomes(&site, "deferred");
    assert_eq!(deferred.len(), 25);
    assert!(deferred.iter().all(|entry| entry["code"] == "held_back"), "{deferred:#?}");
    assert!(!ran.shown().contains("not all were confirmed"), "{}", ran.shown());
    site.reconfigure(NO_REMOVALS, REMOVALS);
    let daemon = Daemon::start(&site);
    daemon.until("the removals", || holders(&site) == 6).await;
    at_rest(&daemon, &site).await;
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_waits_for_a_window_keeps_no_other_waiting() {
    let top = format!("{GUARDS_OFF}mode: approve\n{EVERY_SECOND}\n{NO_REMOVALS}");
    let site = site(company(6, 5), &top).await;
    site.expect(0, &["apply", "--yes"]);
    site.sandbox.change(|tenant| change_staff(tenant, [0], false));
    let daemon = Daemon::start(&site);
    daemon.until("a plan", || plan_in(&site, "proposed").is_some()).await;
    site.expect(0, &["approve", &plan_in(&site, "proposed").unwrap()]);
    cycles(&daemon, 2).await;
    assert!(plan_in(&site, "approved").is_some());
    let bulk = ["bulk", "add", "POWER_BI_PRO", "--user", "u1@contoso.com", "--plan-only"];
    site.expect(0, &bulk);
    site.expect(0, &["approve", &plan_in(&site, "proposed").unwrap()]);
    daemon
        .until("the other plan", || site.direct("u1@contoso.com") == ["POWER_BI_PRO", "SPE_E3"])
        .await;
    assert_eq!(site.direct("u0@contoso.com"), ["SPE_E3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_in_a_part_is_not_approved_with_the_rest() {
    let top = format!("{GUARDS_OFF}mode: approve\n{EVERY_SECOND}\n{NO_REMOVALS}");
    let site = site(company(8, 5), &top).await;
    site.expect(0, &["apply", "--yes"]);
    site.sandbox.change(|tenant| {
        change_staff(tenant, [0], false);
        change_staff(tenant, [6, 7], true);
    });
    let daemon = Daemon::start(&site);
    daemon.until("a plan", || plan_in(&site, "proposed").is_some()).await;
    let writes = "item-forbidden=1@assignLicense";
    site.sandbox.set_faults(seatkeeper::sandbox::Faults::parse(1, [writes]).unwrap());
    site.expect(0, &["approve", &plan_in(&site, "proposed").unwrap()]);
    daemon.until("the failures", || outcomes(&site, "refused").len() == 2).await;
    site.sandbox.set_faults(seatkeeper::sandbox::Faults::default());
    // With what failed in it the plan asks again, and does not run by the old approval.
    daemon.until("a plan that asks", || plan_in(&site, "proposed").is_some()).await;
    let writes = site.writes();
    cycles(&daemon, 3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(site.writes(), writes);
    assert_eq!(holders(&site), 5);
}

const STAFF: &str =
    "policies:\n  - name: staff\n    match: {group: Staff}\n    licenses: [SPE_E3]\n";

async fn lab() -> Lab {
    Lab::new(company(6, 2), GUARDS_OFF, &[("policies.yaml", STAFF)]).await
}

async fn decide(lab: &Lab, store: &Store, plan: &StoredPlan, state: PlanState) -> StoredPlan {
    let decision = Decision {
        state,
        by: "ana".into(),
        at: lab.clock.now(),
        accepted: Vec::new(),
        reason: None,
    };
    store.decide(plan.plan.id, decision).await.unwrap();
    store.plan(None, Some(plan.plan.id)).await.unwrap().unwrap()
}

/// Returns a plan for two people that somebody approved, and the operation of the second.
async fn approved(lab: &Lab) -> (Arc<Store>, StoredPlan, BTreeSet<Digest>) {
    let plan = lab.plan().await.unwrap().stored.unwrap();
    let store = Arc::new(lab.store());
    let plan = decide(lab, &store, &plan, PlanState::Approved).await;
    assert_eq!(plan.plan.operations.len(), 2);
    let second = [plan.plan.operations[1].key].into();
    (store, plan, second)
}

/// Something that rejects a plan.
fn rejecting(
    store: &Arc<Store>,
    plan: &StoredPlan,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + use<> {
    let (store, plan) = (Arc::clone(store), plan.plan.clone());
    move || {
        let (store, id, at) = (Arc::clone(&store), plan.id, plan.created_at);
        Box::pin(async move {
            let (state, by) = (PlanState::Rejected, "ben".into());
            let decision = Decision { state, by, at, accepted: Vec::new(), reason: None };
            store.decide(id, decision).await.unwrap();
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rejected_while_the_tenant_is_read_does_not_run_in_part() {
    let lab = lab().await;
    let (store, plan, second) = approved(&lab).await;
    let fuse = Fuse::never().before(Call::Read, rejecting(&store, &plan));
    let refused = lab.part(&fuse, &plan, &second).await.unwrap_err();
    let state = PlanState::Rejected;
    let not_open = NotTakenUp::NotOpen { plan: plan.plan.id, state };
    assert!(matches!(&refused, CycleError::NotTakenUp(why) if *why == not_open), "{refused}");
    let states: Vec<_> = store.plans(None).await.unwrap().iter().map(|one| one.state).collect();
    assert_eq!(states, [PlanState::Superseded, PlanState::Rejected]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_does_not_begin_once_the_whole_is_rejected() {
    let lab = lab().await;
    let (store, plan, second) = approved(&lab).await;
    let fuse = Fuse::never().before(Call::CarryOut, rejecting(&store, &plan));
    let refused = lab.part(&fuse, &plan, &second).await.unwrap_err();
    let state = PlanState::Superseded;
    let is_so = matches!(&refused, CycleError::NotTakenUp(NotTakenUp::NotApproved { .. }))
        || matches!(&refused, CycleError::Records(RecordsError::WrongState { .. }));
    assert!(is_so, "{refused}");
    let states: Vec<_> = store.plans(None).await.unwrap().iter().map(|one| one.state).collect();
    assert_eq!(states, [state, PlanState::Rejected]);
    assert!(store.history(HistoryFilter::default()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_not_carried_over_a_rejection() {
    // Somebody rejects the plan while the next one is made.
    let lab = lab().await;
    let (store, plan, _) = approved(&lab).await;
    lab.sandbox.change(|tenant| change_staff(tenant, [0], false));
    let fuse = Fuse::never().before(Call::Propose, rejecting(&store, &plan));
    let next = lab.plan_while(&fuse).await.unwrap().stored.unwrap();
    assert_eq!((next.plan.operations.len(), next.state), (1, PlanState::Proposed));

    // Without that it would be.
    let lab = self::lab().await;
    approved(&lab).await;
    lab.sandbox.change(|tenant| change_staff(tenant, [0], false));
    let next = lab.plan().await.unwrap().stored.unwrap();
    assert_eq!((next.plan.operations.len(), next.state), (1, PlanState::Approved));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_part_did_is_done_and_the_rest_of_its_whole_stays_approved() {
    let lab = lab().await;
    let (store, plan, second) = approved(&lab).await;
    let carried = lab.part(&Fuse::never(), &plan, &second).await.unwrap().unwrap();
    assert_eq!(carried.state, PlanState::Applied);
    // The whole still holds the rest, and does nothing twice.
    let again = lab.part(&Fuse::never(), &plan, &second).await.unwrap();
    assert!(again.is_none());
    let next = lab.plan().await.unwrap().stored.unwrap();
    assert_eq!((next.plan.operations.len(), next.state), (1, PlanState::Approved));
    assert_eq!(
        store.plan(None, Some(plan.plan.id)).await.unwrap().unwrap().state,
        PlanState::Superseded
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_once_waits_for_its_window_however_many_cycles_pass() {
    let top = format!("{GUARDS_OFF}mode: approve\n{EVERY_SECOND}\n{NO_REMOVALS}");
    let site = site(company(8, 2), &top).await;
    let mut daemon = Daemon::start(&site);
    daemon.until("a plan", || plan_in(&site, "proposed").is_some()).await;
    site.expect(0, &["approve", &plan_in(&site, "proposed").unwrap()]);
    daemon.until("the licenses", || holders(&site) == 2).await;
    at_rest(&daemon, &site).await;
    // One gives something up for it, which has to wait; the other does not.
    let exchange = ["bulk", "replace", "POWER_BI_PRO", "--replaces", "SPE_E3"];
    let whom = ["--user", "u0@contoso.com", "--user", "u7@contoso.com", "--plan-only"];
    site.expect(0, &[&exchange[..], &whom[..]].concat());
    let asked = plan_in(&site, "proposed").unwrap();
    site.expect(0, &["approve", &asked]);
    daemon.until("the other", || !site.direct("u7@contoso.com").is_empty()).await;
    at_rest(&daemon, &site).await;
    cycles(&daemon, 3).await;
    assert_eq!(site.direct("u0@contoso.com"), ["SPE_E3"]);
    assert_eq!(plan_in(&site, "approved"), Some(asked), "{}", daemon.log());
    assert_eq!(daemon.stop().0, 0);
    site.reconfigure(NO_REMOVALS, REMOVALS);
    let daemon = Daemon::start(&site);
    daemon.until("the exchange", || site.direct("u0@contoso.com") == ["POWER_BI_PRO"]).await;
    at_rest(&daemon, &site).await;
    assert_eq!(plan_in(&site, "approved"), None);
    site.assert_one_outcome_each();
}
