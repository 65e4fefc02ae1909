//! The daemon as it runs for months: what starts a cycle, who approves, who may interrupt, and the
//! commands beside it. The real program, the real disk, the real signals.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seatkeeper::sandbox::http::Clock;
use seatkeeper::sandbox::{Options, Tenant};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::site::{Site, calm, tenant};

/// Longer than anything takes, even where somebody else keeps the machine busy.
const SOON: Duration = Duration::from_mins(1);

pub(crate) const GUARDS_OFF: &str = "guards: {first_plan: off, max_changes: unlimited, \
    max_removals: {percent: unlimited, count: unlimited}, removals_per_day: unlimited, \
    emptied_source: off, shrunk_source: off, blanked_attribute: off}\n";
const QUICK: &str = "apply: {confirm_within: 20s, settle_after: 1s}\n\
                     requests: {timeout: 5s, give_up_after: 20s}\napi: off";

const STAFF: &str =
    "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3], grace: 0d}]\n";

/// Returns so many people, of whom the first so many are staff.
pub(crate) fn company(people: usize, staff: usize) -> Tenant {
    let users: Vec<Value> = (0..people)
        .map(|k| {
            let groups: &[&str] = if k < staff { &["Staff"] } else { &[] };
            json!({"user_principal_name": format!("u{k}@contoso.com"), "usage_location": "DE",
                   "groups": groups})
        })
        .collect();
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": people + 10}, {"sku": "POWER_BI_PRO", "enabled": 50}],
        "groups": [{"name": "Staff"}], "users": users,
    }))
}

/// The daemon of a site, killed where the test ends before it.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    log: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    /// Starts it. What it logs is added to the site's `log`.
    pub(crate) fn start(site: &Site) -> Self {
        let log = site.path("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = site.command(&["run"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::from(file)).spawn().unwrap();
        Self { child, log }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to look now.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Stops it as a service manager does. Returns its exit code, and how long it took.
    pub(crate) fn stop(&mut self) -> (i32, Duration) {
        self.signal("-TERM");
        let began = Instant::now();
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), began.elapsed())
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < SOON, "{what} did not come about\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn until_logged(&self, what: &str) {
        self.until(what, || self.log().contains(what)).await;
    }
}

pub(crate) fn status(site: &Site) -> Value {
    site.json(0, &["status", "--format", "json"])["tenants"][0].clone()
}

pub(crate) async fn site(tenant: Tenant, top: &str) -> Site {
    Site::with(tenant, calm(), &format!("{top}\n{QUICK}"), &[("policies.yaml", STAFF)]).await
}

pub(crate) fn holders(site: &Site) -> usize {
    let tenant = site.sandbox.tenant();
    let names: Vec<String> =
        tenant.users().iter().map(|user| user.principal_name.to_string()).collect();
    names.iter().filter(|name| !site.direct(name).is_empty()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_mode_enforce_what_no_guard_holds_is_done_and_the_rest_waits_for_a_person() {
    let site = site(company(12, 8), "mode: enforce\nschedule: '* * * * * *'").await;
    let daemon = Daemon::start(&site);
    daemon.until("a held plan", || site.store_exists() && !site.plans().is_empty()).await;
    let first = site.plans()[0].clone();
    assert_eq!(first["state"], "held");
    assert_eq!(site.writes(), 0);
    let id = first["id"].as_str().unwrap();
    site.expect(0, &["approve", id, "--accept", "first_plan", "--reason", "looked at"]);
    daemon.until("the first plan to run", || holders(&site) == 8).await;
    // From then on it keeps the tenant by itself.
    site.sandbox.change(|tenant| {
        let group = tenant.groups_named("Staff").next().unwrap().id;
        let user = tenant.user("u9@contoso.com").unwrap().id;
        tenant.set_membership(group, user, true);
    });
    daemon.until("the newcomer to be licensed", || holders(&site) == 9).await;
    daemon.until("it to be recorded", || site.history().len() == 9).await;
    let by: BTreeMap<String, usize> =
        site.history().iter().fold(BTreeMap::new(), |mut by, entry| {
            *by.entry(entry["approved_by"].as_str().unwrap().to_owned()).or_default() += 1;
            by
        });
    assert_eq!(by, BTreeMap::from([("ana".into(), 8), ("seatkeeper (mode enforce)".into(), 1)]));
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_mode_approve_plans_wait_and_in_mode_observe_nothing_ever_runs() {
    for (mode, runs) in [("approve", true), ("observe", false)] {
        let top = format!("{GUARDS_OFF}mode: {mode}\nschedule: '* * * * * *'");
        let site = site(company(6, 5), &top).await;
        let daemon = Daemon::start(&site);
        daemon.until("a plan", || site.store_exists() && !site.plans().is_empty()).await;
        assert_eq!(site.plans()[0]["state"], "proposed");
        let id = site.plans()[0]["id"].as_str().unwrap().to_owned();
        site.expect(0, &["approve", &id]);
        if runs {
            daemon.until("the plan to run", || site.plans()[0]["state"] == "applied").await;
            assert_eq!(holders(&site), 5);
        } else {
            let cycles = daemon.log().matches("trigger=\"schedule\"").count();
            daemon
                .until("more cycles", || {
                    daemon.log().matches("trigger=\"schedule\"").count() > cycles + 2
                })
                .await;
            assert_eq!(site.writes(), 0);
            // A person who says so by the command means it.
            site.expect(0, &["apply", &id, "--yes"]);
            assert_eq!(holders(&site), 5);
        }
        site.assert_one_outcome_each();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_starts_a_cycle_and_an_invalid_one_leaves_the_last_good_in_force() {
    let top = format!("{GUARDS_OFF}mode: enforce\nschedule: '@yearly'");
    let site = site(company(6, 5), &top).await;
    let daemon = Daemon::start(&site);
    daemon.until("the first licenses", || holders(&site) == 5).await;
    site.write("policies/policies.yaml", "policies: [{name: staff");
    daemon.until_logged("the last good ones stay in force").await;
    daemon.until("status to tell", || !status(&site)["daemon"]["policies_invalid"].is_null()).await;
    let told = site.expect(0, &["status"]).out;
    assert!(told.contains("the files are INVALID and not in force: 1 error"), "{told}");
    // The last good ones are in force still: who comes is licensed by them.
    site.sandbox.change(|tenant| {
        let group = tenant.groups_named("Staff").next().unwrap().id;
        let user = tenant.user("u5@contoso.com").unwrap().id;
        tenant.set_membership(group, user, true);
    });
    daemon.hang_up();
    daemon.until("the newcomer to be licensed", || holders(&site) == 6).await;
    let everyone =
        "policies: [{name: staff, match: {everyone: true}, licenses: [SPE_E3, POWER_BI_PRO]}]";
    site.write("policies/policies.yaml", everyone);
    daemon
        .until("the new policy to be enforced", || {
            site.direct("u0@contoso.com") == ["POWER_BI_PRO", "SPE_E3"]
        })
        .await;
    daemon.until("status to tell", || status(&site)["daemon"]["policies_invalid"].is_null()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_directory_that_vanishes_takes_nothing_away() {
    let top = format!("{GUARDS_OFF}mode: enforce\nschedule: '* * * * * *'");
    let site = site(company(6, 5), &top).await;
    let daemon = Daemon::start(&site);
    daemon.until("the licenses", || holders(&site) == 5).await;
    std::fs::rename(site.path("policies"), site.path("elsewhere")).unwrap();
    daemon.until_logged("the last good ones stay in force").await;
    std::fs::create_dir(site.path("policies")).unwrap();
    daemon.until_logged("no policy files in").await;
    // Even a tree that is valid and empty only lets go.
    site.write("policies/policies.yaml", "policies: []");
    daemon.until("it to be let go", || status(&site)["owned_by_policies"] == 0).await;
    assert_eq!(holders(&site), 5);
    assert!(site.history().iter().all(|entry| entry["operation"]["remove"] == json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_stops_changes_and_not_observing() {
    let top = format!("{GUARDS_OFF}mode: enforce\nschedule: '* * * * * *'");
    let site = site(company(6, 5), &top).await;
    site.expect(0, &["pause", "--for", "1h", "--reason", "migration"]);
    let daemon = Daemon::start(&site);
    daemon.until("a plan", || site.store_exists() && !site.plans().is_empty()).await;
    daemon.until_logged("trigger=\"schedule\"").await;
    assert_eq!(site.writes(), 0);
    let told = site.expect(0, &["status"]).out;
    assert!(told.contains("paused by ana until"), "{told}");
    let refused = site.run(&["apply", "--yes"]);
    assert_eq!(refused.code, 3, "{}", refused.shown());
    assert!(refused.err.contains("nothing was sent: paused by ana"), "{}", refused.err);
    assert_eq!(site.writes(), 0);
    site.expect(0, &["resume", "--by", "ben"]);
    daemon.until("the licenses", || holders(&site) == 5).await;
    let records = site.expect(0, &["history", "--journal"]).out;
    let events: Vec<String> = records
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].to_string())
        .filter(|event| event.contains("pause") || event.contains("resume"))
        .collect();
    assert_eq!(events, ["\"pause\"", "\"resume\""]);
    site.expect(0, &["history", "--verify"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_for_removals_keeps_removals_back_and_lets_the_rest_run() {
    // Open for a minute once a year: not now.
    let closed = "windows: [{allow: '0 0 29 2 *', for: 1m, changes: removals}]";
    let top = format!("{GUARDS_OFF}mode: enforce\nschedule: '* * * * * *'\n{closed}");
    let site = site(company(8, 5), &top).await;
    let mut daemon = Daemon::start(&site);
    daemon.until("the licenses", || holders(&site) == 5).await;
    site.sandbox.change(|tenant| {
        let group = tenant.groups_named("Staff").next().unwrap().id;
        for (name, is_member) in [("u0@contoso.com", false), ("u7@contoso.com", true)] {
            let user = tenant.user(name).unwrap().id;
            tenant.set_membership(group, user, is_member);
        }
    });
    daemon.until("the newcomer", || !site.direct("u7@contoso.com").is_empty()).await;
    daemon.until_logged("1 to remove").await;
    assert_eq!(site.direct("u0@contoso.com"), ["SPE_E3"]);
    assert_eq!(daemon.stop().0, 0);
    // By hand it is kept back as well.
    let refused = site.run(&["apply", "--yes"]);
    assert_eq!(site.direct("u0@contoso.com"), ["SPE_E3"], "{}", refused.shown());
    site.reconfigure(closed, "windows: [{allow: '* * * * *', for: 2m, changes: removals}]");
    let daemon = Daemon::start(&site);
    daemon.until("the removal", || site.direct("u0@contoso.com").is_empty()).await;
    let at_rest = || site.plans().iter().all(|plan| plan["state"] != "applying");
    daemon.until("it to be recorded", at_rest).await;
    site.assert_one_outcome_each();
}

/// What a command prints and how it ends, without what differs from run to run.
fn shown(site: &Site, arguments: &[&str]) -> (i32, String, String) {
    let ran = site.run(arguments);
    let told = ran.err.lines().filter(|line| !line.contains("the daemon (process"));
    (ran.code, without_ids(&ran.out), without_ids(&told.collect::<Vec<_>>().join("\n")))
}

/// Returns a text without ids of plans and without digits, which times and seconds change.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| {
        word.len() == 26 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let words = text.split(|one: char| !one.is_ascii_alphanumeric());
    let ids: std::collections::BTreeSet<&str> = words.filter(is_id).collect();
    let without = ids.iter().fold(text.to_owned(), |text, id| text.replace(id, "PLAN"));
    without.replace(|one: char| one.is_ascii_digit(), "0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_the_daemon_commands_print_and_end_as_without_it() {
    let top = "mode: observe\nschedule: '@yearly'\n\
               guards: {max_removals: {percent: unlimited, count: 0}, max_changes: unlimited}";
    let script: [&[&str]; 14] = [
        &["plan"],
        &["plan", "--detailed-exitcode"],
        &["apply", "--yes"],
        &["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"],
        &["plan", "--detailed-exitcode"],
        &["apply", "--yes"],
        &["bulk", "add", "POWER_BI_PRO", "--user", "u7@contoso.com", "--yes"],
        &["bulk", "remove", "SPE_E3", "--user", "u0@contoso.com", "--yes"],
        &["bulk", "add", "NO_SUCH_SKU", "--user", "u7@contoso.com", "--yes"],
        &["bulk", "add", "POWER_BI_PRO", "--search", "u1", "--plan-only"],
        &["revert", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        &["users", "--refresh", "--sku", "SPE_E3"],
        &["groups", "--refresh"],
        &["seats", "--refresh"],
    ];
    let alone = site(company(8, 5), top).await;
    let beside = site(company(8, 5), top).await;
    let daemon = Daemon::start(&beside);
    daemon.until_logged("trigger=\"start\"").await;
    for arguments in script {
        let (wanted, found) = (shown(&alone, arguments), shown(&beside, arguments));
        assert_eq!(found, wanted, "{arguments:?}\n{}", daemon.log());
    }
    assert_eq!(beside.sandbox.tenant().license_state(), alone.sandbox.tenant().license_state());
    beside.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_goes_by_older_settings_is_not_asked() {
    let site = site(company(8, 5), "mode: observe\nschedule: '@yearly'").await;
    let daemon = Daemon::start(&site);
    daemon.until_logged("trigger=\"start\"").await;
    site.expect(0, &["plan"]);
    let text = std::fs::read_to_string(site.path("seatkeeper.yaml")).unwrap();
    site.write("seatkeeper.yaml", &format!("protected: {{users: [u0@contoso.com]}}\n{text}"));
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let refused = site.expect(6, command);
        assert!(refused.err.contains("has changed since the daemon started"), "{}", refused.err);
    }
    let told = site.expect(0, &["status"]);
    assert!(told.out.contains("OUTDATED"), "{}", told.out);
    // The daemon notices by itself, and says so until the file is as it was.
    daemon.hang_up();
    daemon.until_logged("goes by the configuration it started with").await;
    // With the settings that it goes by it is asked again.
    site.write("seatkeeper.yaml", &text);
    site.expect(0, &["plan"]);
    daemon.hang_up();
    daemon.until_logged("again as the daemon started with").await;
    let told = site.expect(0, &["status"]);
    assert!(!told.out.contains("OUTDATED"), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_the_tenant_stands_in_the_status_until_it_does() {
    let site = site(company(8, 5), "mode: observe\nschedule: '@yearly'").await;
    let daemon = Daemon::start(&site);
    daemon.until_logged("trigger=\"start\"").await;
    let left_out = || {
        site.json(0, &["status", "--format", "json"])["tenants"][0]["daemon"]["left_out"].clone()
    };
    assert_eq!(left_out(), 0);
    let other =
        "policies:\n  - name: other\n    match: {group: Nobody Knows}\n    licenses: [SPE_E3]\n";
    site.write("policies/other.yaml", other);
    daemon.until("the policy to be told of", || left_out() == 1).await;
    let told = site.expect(0, &["status"]).out;
    let line = told.lines().find(|line| line.trim_start().starts_with("left out")).unwrap();
    assert!(line.contains("other.yaml:3: ") && line.contains("Nobody Knows"), "{told}");
    std::fs::remove_file(site.path("policies/other.yaml")).unwrap();
    daemon.until("the policy to be forgotten", || left_out() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_is_refused_and_a_dead_one_holds_nothing() {
    let site = site(company(6, 5), "schedule: '@yearly'").await;
    let mut daemon = Daemon::start(&site);
    daemon.until_logged("trigger=\"start\"").await;
    let second = site.expect(6, &["run"]);
    assert!(second.err.contains("is in use by `seatkeeper run`"), "{}", second.err);
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    let told = site.expect(0, &["status"]).out;
    assert!(told.contains("does not run"), "{told}");
    site.expect(0, &["plan"]);
    let mut again = Daemon::start(&site);
    again.until("it to be at work", || !status(&site)["daemon"].is_null()).await;
    assert_eq!(again.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_stopped_in_the_middle_of_a_large_run_goes_on_when_it_starts_again() {
    let process: Arc<AtomicU64> = Arc::default();
    let (seen, victim) = (AtomicU64::new(0), Arc::clone(&process));
    let ask = move || {
        // Far enough for some batches, and far from the end of 600 people.
        if seen.fetch_add(1, Ordering::SeqCst) == 30 {
            let id = victim.load(Ordering::SeqCst).to_string();
            let sent = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
            assert!(sent.success());
        }
        crate::site::now()
    };
    let options = Options { clock: Clock::Ask(Arc::new(ask)), ..calm() };
    // A person approves: what they said holds after the restart.
    let top = format!("{GUARDS_OFF}mode: approve\nschedule: '@yearly'\n{QUICK}");
    let site = Site::with(company(600, 600), options, &top, &[("policies.yaml", STAFF)]).await;
    site.expect(0, &["plan"]);
    let id = site.plans()[0]["id"].as_str().unwrap().to_owned();
    site.expect(0, &["approve", &id]);
    let mut daemon = Daemon::start(&site);
    process.store(daemon.child.id().into(), Ordering::SeqCst);
    let began = Instant::now();
    let status = daemon.child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    assert!(began.elapsed() < SOON);
    let log = daemon.log();
    assert!(log.contains("asked to stop"), "{log}");
    let done = holders(&site);
    assert!(done < 600, "{done}\n{log}");
    site.assert_one_outcome_each();
    let daemon = Daemon::start(&site);
    daemon.until("all of them", || holders(&site) == 600).await;
    daemon
        .until("the plan to end", || {
            site.plans()
                .iter()
                .all(|plan| plan["state"] != "applying" && plan["state"] != "approved")
        })
        .await;
    site.assert_one_outcome_each();
    assert_eq!(site.sandbox.counts().writes_accepted, 600);
}
