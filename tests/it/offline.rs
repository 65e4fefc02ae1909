//! Working without a tenant: plans from an exported tenant, at another time, and against another
//! version of the policies.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use jiff::{Span, Timestamp};
use seatkeeper::cli::clock::SystemClock;
use seatkeeper::ports::Clock as _;
use seatkeeper::sandbox::Tenant;
use serde_json::{Value, json};

use crate::site::{Ran, Site, assert_shown, calm, ran, tenant};

const QUICK: &str = "guards: {first_plan: off, max_removals: {percent: unlimited}}
requests: {timeout: 5s, give_up_after: 20s}";

const STAFF: &str = "policies:
  - name: staff-e3
    match: {group: Staff}
    licenses: [SPE_E3]
";

fn people() -> Tenant {
    let user = |name: &str, groups: &[&str]| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE",
               "groups": groups})
    };
    tenant(json!({
        "domains": ["contoso.com"],
        "skus": [{"sku": "SPE_E3", "enabled": 10}, {"sku": "POWER_BI_PRO", "enabled": 1}],
        "groups": [{"name": "Staff"}, {"name": "Sales"}, {"name": "Nobody"}],
        "users": [user("ana", &["Staff"]), user("ben", &["Staff", "Sales"]), user("cem", &["Sales"])],
    }))
}

/// A site on which Staff hold E3, owned.
async fn applied() -> Site {
    let site = Site::with(people(), calm(), QUICK, &[("policies.yaml", STAFF)]).await;
    site.expect(0, &["apply", "--yes"]);
    site
}

fn leave(site: &Site, user: &str, group: &str) {
    site.sandbox.change(|tenant| {
        let user = tenant.user(&format!("{user}@contoso.com")).unwrap().id;
        let group = tenant.groups_named(group).next().unwrap().id;
        tenant.set_membership(group, user, false);
    });
}

/// A day so many days from now.
fn day(days: i64) -> String {
    let at = SystemClock.now() + Span::new().hours(days * 24);
    at.strftime("%Y-%m-%d").to_string()
}

/// Says in short lines what a plan does.
fn lines(plan: &Value) -> String {
    let mut lines = Vec::new();
    let name = |entry: &Value| {
        let name = entry["user"]["user_principal_name"].as_str().unwrap();
        name.split('@').next().unwrap().to_owned()
    };
    for operation in plan["operations"].as_array().unwrap() {
        let because = operation["because"][0]["policy"].as_str().unwrap();
        lines.push(format!(
            "{} {} ({because})",
            operation["kind"].as_str().unwrap(),
            name(operation)
        ));
    }
    for list in ["blocked", "waiting", "scheduled", "released"] {
        for entry in plan[list].as_array().unwrap() {
            lines.push(format!("{list} {} {}", name(entry), entry["sku"].as_str().unwrap()));
        }
    }
    for entry in plan["no_longer"].as_array().into_iter().flatten() {
        let what = entry["what"].as_str().unwrap();
        lines.push(format!("no longer {what} {} {}", name(entry), entry["sku"].as_str().unwrap()));
    }
    // Users come in the order of their ids.
    lines.sort();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}

fn planned(site: &Site, arguments: &[&str]) -> String {
    lines(&site.json(0, &[&["plan", "--format", "json"], arguments].concat()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_a_group_is_scheduled_with_a_due_date_and_gone_after_it() {
    let site = applied().await;
    leave(&site, "ana", "Staff");
    // Looking ahead starts no clock, and stores nothing.
    let plans = site.plans().len();
    assert_eq!(planned(&site, &["--at", &day(6)]), "scheduled ana SPE_E3");
    assert_eq!(planned(&site, &["--at", &day(9)]), "remove ana (staff-e3)");
    assert_eq!(site.plans().len(), plans);
    let looked = SystemClock.now();

    let plan = site.json(0, &["plan", "--format", "json"]);
    assert_eq!(lines(&plan), "scheduled ana SPE_E3");
    assert!(plan["basis"].get("simulated").is_none() && plan.get("no_longer").is_none());
    let due: Timestamp = plan["scheduled"][0]["due"].as_str().unwrap().parse().unwrap();
    assert!(due >= looked + Span::new().hours(7 * 24), "the clock began with looking ahead");

    let second = Span::new().seconds(1);
    assert_eq!(planned(&site, &["--at", &(due - second).to_string()]), "scheduled ana SPE_E3");
    let gone = site.json(0, &["plan", "--format", "json", "--at", &due.to_string()]);
    assert_eq!(lines(&gone), "remove ana (staff-e3)");
    assert_eq!(gone["created_at"], due.to_string());
    assert_eq!(gone["basis"]["simulated"], json!({"snapshot": "tenant", "at": due.to_string()}));
    assert_shown!("at", site.run(&["plan", "--at", &due.to_string()]).shown());
    site.expect(2, &["plan", "--at", &due.to_string(), "--detailed-exitcode"]);

    // A plan to look at is nothing that can be decided on or carried out.
    site.expect(64, &["approve", gone["id"].as_str().unwrap()]);
    site.expect(64, &["apply", gone["id"].as_str().unwrap(), "--yes"]);
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stage_in_the_life_of_a_policy_shows_ahead_of_time() {
    let site = applied().await;
    let under = |policies: &str, days: i64| {
        site.write("policies/policies.yaml", policies);
        planned(&site, &["--at", &day(days)])
    };
    let ends = format!("{STAFF}    until: {}\n    grace: 3d\n", day(10));
    assert_eq!(under(&ends, 9), "nothing");
    assert_eq!(under(&ends, 11), "scheduled ana SPE_E3\nscheduled ben SPE_E3");
    assert_eq!(under(&ends, 14), "remove ana (staff-e3)\nremove ben (staff-e3)");

    let begins = format!(
        "{STAFF}  - {{name: sales, match: {{group: Sales}}, licenses: [SPE_E3], from: {}}}\n",
        day(5)
    );
    assert_eq!(under(&begins, 4), "nothing");
    assert_eq!(under(&begins, 6), "add cem (sales)\nadopt ben (sales)");

    let retired = format!("{STAFF}    retired: true\n");
    assert_eq!(under(&retired, 6), "scheduled ana SPE_E3\nscheduled ben SPE_E3");
    assert_eq!(under(&retired, 9), "remove ana (staff-e3)\nremove ben (staff-e3)");

    let renamed = STAFF.replace("staff-e3", "workers");
    assert_eq!(under(&format!("{renamed}    moved_from: staff-e3\n"), 60), "nothing");
    assert_eq!(
        under(&renamed, 60),
        "adopt ana (workers)\nadopt ben (workers)\nreleased ana SPE_E3\nreleased ben SPE_E3"
    );
    assert_eq!(under("policies: []\n", 60), "released ana SPE_E3\nreleased ben SPE_E3");

    leave(&site, "ana", "Staff");
    assert_eq!(under(&format!("{STAFF}    on_leave: keep\n"), 60), "nothing");
    assert_eq!(under(&format!("{STAFF}    grace: 30d\n"), 29), "scheduled ana SPE_E3");
    assert_eq!(under(&format!("{STAFF}    grace: 30d\n"), 32), "remove ana (staff-e3)");
    // The default of the configuration, where the policy says nothing.
    site.reconfigure("requests:", "grace: 2d\nrequests:");
    assert_eq!(under(STAFF, 1), "scheduled ana SPE_E3");
    assert_eq!(under(STAFF, 4), "remove ana (staff-e3)");
    let disabled = "policies: [{name: leavers, match: {user: ben@contoso.com}, action: remove, licenses: all, grace: 30d}]\n";
    assert_eq!(under(disabled, 29), "released ana SPE_E3\nscheduled ben SPE_E3");
    assert!(under(disabled, 32).contains("remove ben (leavers)"));
}

/// A copy of a site's configuration and policies with nothing else: no way to the tenant, no secret,
/// and a state directory that cannot be made.
struct Elsewhere {
    site: Site,
}

impl Elsewhere {
    async fn of(site: &Site) -> Self {
        let elsewhere = Site::with(people(), calm(), QUICK, &[]).await;
        let text = std::fs::read_to_string(site.path("seatkeeper.yaml")).unwrap();
        // A port that nobody listens at.
        let text = text.replace(&site.sandbox.url(), "http://127.0.0.1:9");
        let text = text.replace("state: state", "state: /proc/nowhere/state");
        elsewhere.write("seatkeeper.yaml", &text);
        let elsewhere = Self { site: elsewhere };
        elsewhere.policies(STAFF);
        elsewhere
    }

    fn policies(&self, text: &str) {
        self.site.write("policies/policies.yaml", text);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.site.command(arguments);
        command.env_remove("SEATKEEPER_SECRET");
        ran(&command.output().unwrap())
    }

    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let ran = self.run(&[&["plan", "--format", "json"], arguments].concat());
        assert_eq!(ran.code, code, "{}", ran.shown());
        serde_json::from_str(&ran.out).unwrap()
    }
}

/// Exports a site's tenant to another place.
async fn exported(site: &Site, more: &[&str]) -> Elsewhere {
    let elsewhere = Elsewhere::of(site).await;
    let file = elsewhere.site.path("contoso.snapshot");
    site.expect(0, &[&["snapshot", "--out", file.to_str().unwrap()], more].concat());
    elsewhere
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_from_a_file_needs_no_network_no_secret_and_no_store() {
    let site = applied().await;
    leave(&site, "ana", "Staff");
    assert_shown!("snapshot", site.run(&["snapshot", "--out", "contoso.snapshot"]).shown());
    let mode = site.path("contoso.snapshot").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let requests = site.sandbox.counts().requests;

    let elsewhere = exported(&site, &["--stored"]).await;
    assert_eq!(site.sandbox.counts().requests, requests);
    // Without the file, nothing works there.
    assert_eq!(elsewhere.run(&["plan"]).code, 6);
    let snapshot = ["plan", "--snapshot", "contoso.snapshot"];
    assert_shown!("plan_snapshot", elsewhere.run(&snapshot).shown());
    let plan = elsewhere.json(0, &["--snapshot", "contoso.snapshot"]);
    // The ledger came along: who left is known.
    assert_eq!(lines(&plan), "scheduled ana SPE_E3");
    let taken_at = plan["basis"]["snapshot_taken_at"].as_str().unwrap();
    assert_eq!(plan["created_at"], taken_at);
    assert_eq!(plan["basis"]["simulated"], json!({"snapshot": "file", "at": taken_at}));
    let later = ["--snapshot", "contoso.snapshot", "--at", &day(9)];
    assert_eq!(lines(&elsewhere.json(0, &later)), "remove ana (staff-e3)");

    // Exit codes and files are as with any plan.
    let code = |more: &[&str]| elsewhere.run(&[&snapshot, more].concat()).code;
    assert_eq!(code(&["--detailed-exitcode"]), 0);
    assert_eq!(code(&["--detailed-exitcode", "--at", &day(9), "--out", "plan.json"]), 2);
    let out = elsewhere.site.path("plan.json");
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let written: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!(lines(&written), "remove ana (staff-e3)");
    elsewhere.site.reconfigure("percent: unlimited", "percent: unlimited, count: 0");
    assert_eq!(code(&["--detailed-exitcode", "--at", &day(9)]), 3);
    let held = elsewhere.run(&[&snapshot[..], &["--at", &day(9)]].concat());
    assert!(held.out.contains("It would be held by `max_removals`"), "{}", held.out);
    assert!(!held.out.contains("seatkeeper approve"), "{}", held.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_passes_through_pipes() {
    let site = applied().await;
    let export = site.command(&["snapshot", "--out", "-"]).output().unwrap();
    assert_eq!(export.status.code(), Some(0));
    let elsewhere = Elsewhere::of(&site).await;
    let mut plan = elsewhere.site.command(&["plan", "--snapshot", "-", "--format", "json"]);
    plan.env_remove("SEATKEEPER_SECRET").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = plan.stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &export.stdout).unwrap();
    let planned = ran(&child.wait_with_output().unwrap());
    assert_eq!(planned.code, 0, "{}", planned.shown());
    assert_eq!(lines(&serde_json::from_str(&planned.out).unwrap()), "nothing");
    assert!(planned.err.contains("planned from stdin"), "{}", planned.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_export_is_refused_with_what_to_do() {
    let site = applied().await;
    let elsewhere = exported(&site, &[]).await;
    let bytes = std::fs::read(elsewhere.site.path("contoso.snapshot")).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(elsewhere.site.path(name), bytes).unwrap();
    };
    write("short.snapshot", &bytes[..bytes.len() / 2]);
    let mut other = bytes.clone();
    other[8] = 200;
    write("other.snapshot", &other);
    let refused = |file: &str| {
        let ran = elsewhere.run(&["plan", "--snapshot", file]);
        assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{}", ran.err);
        ran.err
    };
    let said =
        ["nowhere.snapshot", "policies", "seatkeeper.yaml", "short.snapshot", "other.snapshot"];
    assert_shown!("snapshot_refused", said.map(refused).concat());

    elsewhere.site.reconfigure(
        "tenants:\n",
        "tenants:\n  - name: fabrikam\n    tenant_id: fabrikam.example\n    auth: {client_id: \
         2c9a0d1e-51b1-4a36-a2a5-0a3a4cf7f001, client_secret: {env: OTHER_SECRET}}\n",
    );
    // The file says which tenant it is.
    elsewhere.json(0, &["--snapshot", "contoso.snapshot"]);
    let asked = ["plan", "--snapshot", "contoso.snapshot", "--tenant", "fabrikam"];
    assert_shown!("snapshot_other_tenant", elsewhere.run(&asked).shown());
    elsewhere.site.reconfigure("name: contoso", "name: adatum");
    let unknown = elsewhere.run(&["plan", "--snapshot", "contoso.snapshot"]);
    assert_shown!("snapshot_unknown_tenant", unknown.shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_needs_a_place_and_a_read() {
    let site = Site::with(people(), calm(), QUICK, &[("policies.yaml", STAFF)]).await;
    let unread = site.expect(6, &["snapshot", "--out", "x", "--stored"]);
    assert!(unread.err.contains("there is no store"), "{}", unread.err);
    assert!(!site.path("x").exists() && !site.store_exists());
    site.expect(64, &["snapshot"]);
    let nowhere = site.expect(6, &["snapshot", "--out", "nowhere/x"]);
    assert!(nowhere.err.contains("cannot write the snapshot to `nowhere/x`"), "{}", nowhere.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_groups_that_no_policy_names_are_in_the_file_where_that_is_asked() {
    let site = applied().await;
    let sales = "policies: [{name: sales, match: {group: Sales}, licenses: [SPE_E3]}]\n";
    let few = exported(&site, &[]).await;
    few.policies(sales);
    let unread = few.run(&["plan", "--snapshot", "contoso.snapshot"]);
    assert!(unread.err.contains("`seatkeeper snapshot --all-groups`"), "{}", unread.err);
    assert_eq!(few.json(0, &["--snapshot", "contoso.snapshot"])["unknown"][0]["users"], 3);
    let all = exported(&site, &["--all-groups"]).await;
    all.policies(sales);
    let plan = all.json(0, &["--snapshot", "contoso.snapshot"]);
    assert!(
        lines(&plan).starts_with("add cem (sales)") || lines(&plan).contains("add cem (sales)")
    );
    assert_eq!(plan["unknown"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_shows_only_what_it_changes() {
    let site = applied().await;
    // Drift: Ana has left, and somebody new is to get E3.
    leave(&site, "ana", "Staff");
    site.sandbox.change(|tenant| {
        let cem = tenant.user("cem@contoso.com").unwrap().id;
        let staff = tenant.groups_named("Staff").next().unwrap().id;
        tenant.set_membership(staff, cem, true);
    });
    let elsewhere = exported(&site, &["--all-groups"]).await;
    std::fs::create_dir(elsewhere.site.path("main")).unwrap();
    elsewhere.site.write("main/policies.yaml", STAFF);
    let compare = ["--snapshot", "contoso.snapshot", "--baseline", "main"];

    // The same policies, though their lines moved.
    elsewhere.policies(&format!("# moved\n\n{STAFF}"));
    let same = elsewhere.run(&[&["plan", "--detailed-exitcode"], &compare[..]].concat());
    assert_shown!("baseline_same", same.shown());

    // Two people for one seat of Power BI, and Ben and Cem no longer match.
    let change = "policies:
  - name: staff-e3
    match: {group: Nobody}
    licenses: [SPE_E3]
  - name: sales-bi
    match: {group: Sales}
    licenses: [POWER_BI_PRO]
";
    elsewhere.policies(change);
    let shown = elsewhere.run(&[&["plan", "--detailed-exitcode"], &compare[..]].concat());
    assert_shown!("baseline", shown.shown());
    let plan = elsewhere.json(0, &compare);
    assert_eq!(
        lines(&plan),
        "add ben (sales-bi)\nscheduled ben SPE_E3\nscheduled cem SPE_E3\nwaiting cem POWER_BI_PRO"
    );
    let baseline = &plan["basis"]["baseline"];
    assert!(baseline["policy_digest"].as_str().unwrap().starts_with("sha256:"));
    assert_ne!(baseline["policy_digest"], plan["basis"]["policy_digest"]);
    assert_eq!(plan["summary"]["scheduled"], 2);
    assert_eq!(plan["summary"]["add"], 1);
    // Removals that come when grace is over count for the guards of the difference.
    elsewhere.site.reconfigure("percent: unlimited", "percent: unlimited, count: 1");
    let held = elsewhere.run(&[&["plan", "--detailed-exitcode"], &compare[..]].concat());
    assert_eq!(held.code, 3, "{}", held.shown());
    assert!(held.out.contains("2 of them when their grace is over"), "{}", held.out);
    // Also where nothing else changes: the verdict leads with it, and names all of them.
    let later = change.split("  - name: sales-bi").next().unwrap();
    elsewhere.policies(later);
    let markdown =
        [&["plan", "--detailed-exitcode", "--format", "markdown"], &compare[..]].concat();
    let held = elsewhere.run(&markdown);
    assert_eq!(held.code, 3, "{}", held.shown());
    let first = held.out.lines().next().unwrap();
    assert!(first.contains("**would be held** by `max_removals`"), "{first}");
    assert!(first.ends_with(", 2 people would lose something later"), "{first}");
    let told = held.out.split("### 2 people lose something later").nth(1).unwrap();
    let told = told.split("<details>").next().unwrap();
    assert!(told.contains("ben&#64;contoso.com") && told.contains("cem&#64;contoso.com"), "{told}");

    // What the baseline would take and this version keeps.
    elsewhere.policies(&format!("{STAFF}    on_leave: keep\n"));
    let kept = elsewhere.run(&[&["plan", "--detailed-exitcode"], &compare[..]].concat());
    assert_shown!("baseline_no_longer", kept.shown());
    // The same, with the tenant at hand.
    site.write("policies/policies.yaml", change);
    std::fs::create_dir(site.path("main")).unwrap();
    site.write("main/policies.yaml", STAFF);
    let plans = site.plans().len();
    let live = site.json(0, &["plan", "--format", "json", "--baseline", "main"]);
    assert_eq!(lines(&live), lines(&plan));
    assert_eq!(live["basis"]["simulated"]["snapshot"], "tenant");
    assert_eq!(site.plans().len(), plans);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_with_errors_shows_them_with_its_own_files() {
    let site = applied().await;
    let elsewhere = exported(&site, &[]).await;
    let compare = ["plan", "--snapshot", "contoso.snapshot", "--baseline", "main"];
    assert_shown!("baseline_missing", elsewhere.run(&compare).shown());
    std::fs::create_dir(elsewhere.site.path("main")).unwrap();
    elsewhere.site.write("main/old.yaml", "policies:\n  - name: old\n    licences: [SPE_E3]\n");
    assert_shown!("baseline_invalid", elsewhere.run(&compare).shown());

    // A group that is gone is no fault of this version; one that it adds is.
    let old = STAFF.replace("Staff", "Gone");
    elsewhere.site.write("main/old.yaml", &old);
    elsewhere.policies(&old);
    let both = elsewhere.run(&compare);
    assert_eq!(both.code, 0, "{}", both.shown());
    assert!(both.err.contains("in the baseline just the same"), "{}", both.err);
    elsewhere.policies(&old.replace("Gone", "Nowhere"));
    let new = elsewhere.run(&compare);
    assert_eq!(new.code, 5, "{}", new.shown());
    assert!(new.err.contains("unknown group `Nowhere`"), "{}", new.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_is_none_or_lies_in_the_past_is_refused() {
    let site = applied().await;
    let elsewhere = exported(&site, &[]).await;
    let refused = |at: &str| {
        let ran = elsewhere.run(&["plan", "--snapshot", "contoso.snapshot", "--at", at]);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{}", ran.err);
        ran.err
    };
    let said = ["tomorrow", "2027-02-30", "2027-01-01 12:00", "2020-01-01"].map(refused);
    assert_shown!("at_refused", said.concat());
    // An instant with an offset, and a day in the time zone of the tenant.
    for at in ["2099-01-01T00:00:00+01:00", "2099-01-01"] {
        elsewhere.json(0, &["--snapshot", "contoso.snapshot", "--at", at]);
    }
    elsewhere.site.reconfigure("requests:", "time_zone: Asia/Tokyo\nrequests:");
    let plan = elsewhere.json(0, &["--snapshot", "contoso.snapshot", "--at", "2099-01-01"]);
    assert_eq!(plan["created_at"], "2098-12-31T15:00:00Z");
}
