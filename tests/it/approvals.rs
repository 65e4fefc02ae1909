//! What an approval is good for while the daemon runs, and what a rejection is.

use std::time::Duration;

use seatkeeper::sandbox::Tenant;
use serde_json::Value;

use crate::daemon::{Daemon, GUARDS_OFF, company, holders, site};
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
