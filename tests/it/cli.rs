//! The command line as a user meets it: whole output and exit code.

use std::process::Stdio;

use seatkeeper::sandbox::{Server, Tenant};
use serde_json::json;

use crate::site::{Ran, Site, assert_shown, calm, direct, in_time, tenant};

const POLICIES: &str = r"
policies:
  - name: staff-e3
    description: Staff work in E3
    match: {group: Staff}
    licenses: [SPE_E3]
    usage_location: {default: DE}
    grace: 0d
  - name: leavers
    match: {enabled: false}
    action: remove
    licenses: all
";

/// Ana and Ben need E3, Cara has it, Dan has left.
pub(crate) fn small() -> Tenant {
    let id = |digit: char| format!("{digit}0000000-0000-4000-8000-000000000000");
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 10}, {"sku": "POWER_BI_PRO", "enabled": 5}],
        "groups": [{"name": "Staff"}],
        "users": [
            {"user_principal_name": "ana@contoso.com", "id": id('a'), "display_name": "Ana Berg",
             "groups": ["Staff"], "on_premises_dn": "CN=Ana,OU=Sales,DC=corp,DC=contoso,DC=com",
             "ad_domain": "corp.contoso.com"},
            {"user_principal_name": "ben@contoso.com", "id": id('b'), "usage_location": "FR",
             "groups": ["Staff"]},
            {"user_principal_name": "cara@contoso.com", "id": id('c'), "usage_location": "DE",
             "groups": ["Staff"], "licenses": ["SPE_E3"]},
            {"user_principal_name": "dan@contoso.com", "id": id('d'), "usage_location": "DE",
             "enabled": false, "licenses": ["POWER_BI_PRO", "SPE_E3"]},
            {"user_principal_name": "eve@fabrikam.com", "id": id('e'), "usage_location": "DE"},
        ],
    }))
}

pub(crate) async fn site() -> Site {
    Site::new(small(), &[("policies.yaml", POLICIES)]).await
}

/// A site on which the first plan has been applied.
async fn applied() -> Site {
    let site = site().await;
    site.expect(0, &["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"]);
    site
}

fn latest(site: &Site) -> String {
    site.plans()[0]["id"].as_str().unwrap().to_owned()
}

fn state(site: &Site, plan: &str) -> String {
    let plans = site.plans();
    let found = plans.iter().find(|head| head["id"] == plan).unwrap();
    found["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validate_counts_what_is_there_and_sends_nothing() {
    let site = site().await;
    assert_shown!("validate", site.run(&["validate"]).shown());
    assert_shown!("validate_json", site.run(&["validate", "--format", "json"]).shown());
    assert_eq!(site.sandbox.counts().requests, 0);
    assert!(!site.store_exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_shown_to_people_whole() {
    let site = site().await;
    assert_shown!("plan", site.run(&["plan"]).shown());
    assert_eq!(site.writes(), 0);
    assert_shown!("plan_of_nothing", {
        site.expect(0, &["apply", "--yes", "--accept", "first_plan", "--reason", "looked at"]);
        site.run(&["plan"]).shown()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_in_json_is_json_and_nothing_else() {
    let site = site().await;
    for more in [&["-v"][..], &["-vv"], &["--quiet"], &["--all"]] {
        let arguments: Vec<&str> =
            ["plan", "--format", "json"].iter().chain(more).copied().collect();
        let plan = site.json(0, &arguments);
        assert_eq!(plan["format_version"], 1);
        assert_eq!(plan["operations"].as_array().unwrap().len(), 4);
        assert_eq!(plan["state"], "held");
    }
    // A policy about an OU that holds nobody is a warning, and warnings are no result.
    site.write(
        "policies/empty.yaml",
        "policies: [{name: nobody, match: {ou: 'OU=Nobody,DC=contoso,DC=com'}, licenses: [SPE_E3]}]",
    );
    let plan = site.json(0, &["plan", "--format", "json"]);
    assert!(plan["warnings"].to_string().contains("Nobody"), "{:?}", plan["warnings"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_detailed_exit_code_tells_nothing_changes_and_held() {
    let site = site().await;
    site.expect(3, &["plan", "--detailed-exitcode"]);
    site.expect(0, &["plan"]);
    site.reconfigure("requests:", "guards: {first_plan: off}\nrequests:");
    site.expect(2, &["plan", "--detailed-exitcode"]);
    site.expect(0, &["apply", "--yes"]);
    site.expect(0, &["plan", "--detailed-exitcode"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_written_to_a_file_that_nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = site().await;
    let shown = site.json(0, &["plan", "--format", "json", "--out", "plan.json"]);
    let file = site.path("plan.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), shown);
    let stored = site.json(0, &["show", "--format", "json"]);
    assert_eq!(stored, shown);
    site.expect(6, &["plan", "--out", "nowhere/plan.json"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_approved_by_one_and_applied_by_another() {
    let site = site().await;
    site.expect(0, &["plan"]);
    let id = latest(&site);
    assert_shown!("approve_without_guard", site.run(&["approve", &id]).shown());
    let no_reason = site.expect(3, &["approve", &id, "--accept", "first_plan"]);
    assert!(no_reason.err.contains("--reason"), "{}", no_reason.err);
    let idle =
        site.expect(64, &["approve", &id, "--accept", "max_removals", "--accept", "first_plan"]);
    assert!(idle.err.contains("did not trip"), "{}", idle.err);
    let unknown = site.expect(64, &["approve", &id, "--accept", "first"]);
    assert!(unknown.err.contains("there is no guard `first`"), "{}", unknown.err);
    assert_eq!(state(&site, &id), "held");
    let approved = ["approve", &id, "--accept", "first_plan", "--reason", "ok", "--by", "bea"];
    assert_shown!("approve", site.run(&approved).shown());
    assert_eq!(state(&site, &id), "approved");
    assert_eq!(site.writes(), 0);
    assert_shown!("apply_approved", site.run(&["apply", &id]).shown());
    assert!(site.history().iter().all(|entry| entry["approved_by"] == "bea"));
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_plan_is_not_applied() {
    let site = site().await;
    site.expect(0, &["plan"]);
    let id = latest(&site);
    assert_shown!("reject", site.run(&["reject", &id, "--reason", "not now"]).shown());
    assert_eq!(state(&site, &id), "rejected");
    site.expect(7, &["apply", &id, "--yes", "--accept", "first_plan", "--reason", "x"]);
    site.expect(7, &["approve", &id, "--accept", "first_plan", "--reason", "x"]);
    site.expect(7, &["reject", &id]);
    assert_eq!(site.writes(), 0);
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_sends_nothing_without_a_yes_or_with_a_guard_in_the_way() {
    let site = site().await;
    assert_shown!("apply_held", site.run(&["apply", "--yes"]).shown());
    site.expect(3, &["apply", "--accept", "first_plan", "--reason", "x"]);
    site.reconfigure("requests:", "guards: {first_plan: off}\nrequests:");
    let unasked = site.expect(3, &["apply"]);
    assert!(unasked.err.contains("nobody is there to ask"), "{}", unasked.err);
    assert_eq!(site.writes(), 0);
    assert!(site.history().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_runs_once() {
    let site = applied().await;
    let id = latest(&site);
    let writes = site.writes();
    assert_shown!("apply_used", site.run(&["apply", &id, "--yes"]).shown());
    site.expect(7, &["approve", &id, "--accept", "first_plan", "--reason", "again"]);
    assert_eq!(site.writes(), writes);
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_superseded_plan_is_not_applied() {
    let site = site().await;
    site.expect(0, &["plan"]);
    let old = latest(&site);
    site.sandbox.change(|tenant| {
        let ben = tenant.user("ben@contoso.com").unwrap().id;
        let staff = tenant.groups_named("Staff").next().unwrap().id;
        tenant.set_membership(staff, ben, false);
    });
    site.expect(0, &["plan"]);
    assert_ne!(latest(&site), old);
    assert_eq!(state(&site, &old), "superseded");
    let arguments = ["apply", &old, "--yes", "--accept", "first_plan", "--reason", "x"];
    assert_shown!("apply_superseded", site.run(&arguments).shown());
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_removal_lets_the_rest_go_on_and_waits_for_a_person() {
    let site = site().await;
    site.reconfigure(
        "requests:",
        "guards: {first_plan: off, max_removals: {percent: unlimited, count: 0}}\nrequests:",
    );
    // Removals count of what policies own, so Dan's E3 has to be owned first.
    let group = |user: &'static str, is_member: bool| {
        move |tenant: &mut Tenant| {
            let user = tenant.user(user).unwrap().id;
            let staff = tenant.groups_named("Staff").next().unwrap().id;
            tenant.set_membership(staff, user, is_member);
        }
    };
    site.write("policies/policies.yaml", POLICIES.split("  - name: leavers").next().unwrap());
    site.expect(0, &["apply", "--yes"]);
    site.sandbox.change(group("ana@contoso.com", false));
    site.sandbox.change(group("ben@contoso.com", false));
    site.sandbox.change(group("dan@contoso.com", true));
    site.sandbox.change(group("eve@fabrikam.com", true));
    let held = site.run(&["apply", "--yes"]);
    assert_shown!("apply_rest", held.shown());
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
    assert_eq!(site.direct("eve@fabrikam.com"), ["SPE_E3"]);
    let waiting: Vec<_> = site.plans().into_iter().filter(|p| p["state"] == "held").collect();
    assert_eq!(waiting.len(), 1);
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    let alone = site.expect(3, &["approve", &id]);
    assert!(alone.err.contains("held by `max_removals`"), "{}", alone.err);
    site.expect(0, &["approve", &id, "--accept", "max_removals", "--reason", "they have left"]);
    assert_shown!("apply_held_afterwards", site.run(&["apply", &id]).shown());
    assert_eq!(site.direct("ana@contoso.com"), [""; 0]);
    assert_eq!(site.direct("ben@contoso.com"), [""; 0]);
    site.assert_one_outcome_each();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    // Where nothing but removals is left, a guard that holds them holds everything.
    site.sandbox.change(group("dan@contoso.com", false));
    let writes = site.writes();
    site.expect(3, &["apply", "--yes"]);
    site.expect(3, &["apply", "--yes"]);
    assert_eq!(site.writes(), writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_does_not_outlive_its_policies() {
    let site = site().await;
    site.expect(0, &["plan"]);
    let id = latest(&site);
    site.expect(0, &["approve", &id, "--accept", "first_plan", "--reason", "looked at"]);
    let other = POLICIES.replace("staff-e3", "staff-e4").replace("name: leavers", "name: left");
    site.write("policies/policies.yaml", &other);
    assert_shown!("apply_stale", site.run(&["apply", &id]).shown());
    assert_eq!(site.writes(), 0);
    assert!(site.history().iter().all(|entry| entry["outcome"] == "stale"));
    site.assert_one_outcome_each();
}

/// Runs `apply` on a terminal on which somebody types. None where there is no `script`.
fn answered(site: &Site, answer: &str) -> Option<Ran> {
    use std::io::Write as _;
    let mut command = std::process::Command::new("script");
    site.prepare(&mut command);
    let program = format!("{} apply", env!("CARGO_BIN_EXE_seatkeeper"));
    let piped = command.args(["-qec", &program, "/dev/null"]).stdin(Stdio::piped());
    let mut child = piped.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    Some(crate::site::ran(&child.wait_with_output().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_asks_whoever_is_there() {
    let site = site().await;
    site.reconfigure("requests:", "guards: {first_plan: off}\nrequests:");
    for answer in ["n\n", "\n", "yess\n"] {
        let Some(no) = answered(&site, answer) else { return };
        assert_eq!(no.code, 3, "{}", no.shown());
        assert!(no.out.contains("Apply this to tenant contoso (2 to add, "), "{}", no.out);
        assert!(no.out.contains("the answer was no"), "{}", no.out);
    }
    assert_eq!(site.writes(), 0);
    let Some(yes) = answered(&site, "y\n") else { return };
    assert_eq!(yes.code, 0, "{}", yes.shown());
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_reads_tells_what_there_is() {
    let site = applied().await;
    assert_shown!("explain", site.run(&["explain", "ana@contoso.com"]).shown());
    assert_shown!("explain_sku", site.run(&["explain", "Dan@Contoso.com", "power_bi_pro"]).shown());
    assert_shown!("explain_nobody", site.run(&["explain", "nobody@contoso.com"]).shown());
    assert_shown!("history", site.run(&["history"]).shown());
    assert_shown!("history_user", site.run(&["history", "--user", "DAN"]).shown());
    assert_shown!("status", site.run(&["status"]).shown());
    assert_shown!("plans", site.run(&["plans"]).shown());
    assert_shown!("show", site.run(&["show"]).shown());
    let explained = site.json(0, &["explain", "ana@contoso.com", "--format", "json"]);
    assert!(explained.to_string().contains("staff-e3"), "{explained}");
    assert_eq!(site.json(0, &["status", "--format", "json"])["tenants"][0]["tenant"], "contoso");
    let requests = site.sandbox.counts().requests;
    site.expect(0, &["explain", "ana@contoso.com", "--refresh"]);
    assert!(site.sandbox.counts().requests > requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_listed_by_every_filter() {
    let site = site().await;
    assert_shown!("users", site.run(&["users"]).shown());
    let listed = |arguments: &[&str]| -> String {
        let arguments: Vec<&str> =
            ["users", "--format", "json"].iter().chain(arguments).copied().collect();
        let users = site.json(0, &arguments);
        let names: Vec<String> = users["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| {
                user["user_principal_name"].as_str().unwrap().split('@').next().unwrap().into()
            })
            .collect();
        names.join(" ")
    };
    assert_eq!(listed(&[]), "ana ben cara dan eve");
    assert_eq!(listed(&["--search", "BERG"]), "ana");
    assert_eq!(listed(&["--group", "staff"]), "ana ben cara");
    assert_eq!(listed(&["--ou", "ou=sales, dc=corp,dc=contoso,dc=com"]), "ana");
    assert_eq!(listed(&["--domain", "Contoso.com"]), "ana ben cara dan");
    assert_eq!(listed(&["--ad-domain", "corp.contoso.com"]), "ana");
    assert_eq!(listed(&["--sku", "spe_e3"]), "cara dan");
    assert_eq!(listed(&["--unlicensed"]), "ana ben eve");
    assert_eq!(listed(&["--unlicensed", "--group", "Staff"]), "ana ben");
    assert_shown!("users_none", site.run(&["users", "--search", "zzz"]).shown());
    assert_shown!("users_no_group", site.run(&["users", "--group", "Nobody"]).shown());
    assert_shown!("users_no_ou", site.run(&["users", "--ou", "Sales"]).shown());
    assert_shown!("users_no_sku", site.run(&["users", "--sku", "SPE_E4"]).shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_command_line_ends_with_64() {
    let site = site().await;
    let no_arguments = site.expect(64, &[]);
    assert!(format!("{}{}", no_arguments.out, no_arguments.err).contains("Usage:"));
    for wrong in [
        &["frobnicate"][..],
        &["plan", "--frobnicate"],
        &["plan", "--format", "xml"],
        &["approve"],
        &["history", "--verify", "--limit", "3"],
        &["plan", "--tenant", "fabrikam"],
        &["status", "--tenant", "fabrikam"],
        &["apply", "not-a-plan"],
        &["apply", "01KA8VN5B3Q4WY7QFZ7W7A2M5C"],
        &["demo", "--users", "3"],
        &["apply", "--yes", "--accept", "nothing"],
    ] {
        let ran = site.expect(64, wrong);
        assert!(ran.err.starts_with("error: "), "{wrong:?} {}", ran.err);
        assert!(ran.out.is_empty(), "{wrong:?} {}", ran.out);
    }
    assert_shown!("unknown_tenant", site.run(&["plan", "--tenant", "fabrikam"]).shown());
    assert_shown!("unknown_command", site.run(&["aply"]).shown());
    assert_eq!(site.sandbox.counts().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_version_and_completions_need_nothing() {
    let site = site().await;
    std::fs::remove_file(site.path("seatkeeper.yaml")).unwrap();
    assert_shown!("help", site.run(&["--help"]).shown());
    for command in ["plan", "apply", "approve", "sandbox", "demo", "users"] {
        site.expect(0, &[command, "--help"]);
    }
    let short = concat!("seatkeeper ", env!("CARGO_PKG_VERSION"));
    assert_eq!(site.expect(0, &["-V"]).out.trim_end(), short);
    // The commit stands behind it where the program was built from a repository.
    let long = site.expect(0, &["--version"]).out;
    let told = long.trim_end().strip_prefix(short).unwrap();
    assert!(told.is_empty() || (told.starts_with(" (") && told.ends_with(')')), "{long}");
    assert!(site.expect(0, &["man", "plan"]).out.contains("EXIT STATUS"));
    site.expect(64, &["man", "plam"]);
    assert!(site.expect(0, &["completions", "bash"]).out.contains("_seatkeeper()"));
    assert_shown!("no_configuration", site.run(&["plan"]).shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colours_are_for_terminals_alone() {
    let site = site().await;
    let piped = site.expect(0, &["plan"]);
    assert!(!piped.out.contains('\u{1b}') && !piped.err.contains('\u{1b}'));
    // `script` gives the program a terminal.
    let on_terminal = |no_color: bool| {
        let mut command = std::process::Command::new("script");
        site.prepare(&mut command);
        let program = format!("{} plan", env!("CARGO_BIN_EXE_seatkeeper"));
        command.args(["-qec", &program, "/dev/null"]).env("TERM", "xterm-256color");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        command.output().ok().map(|output| crate::site::ran(&output))
    };
    let (Some(coloured), Some(plain)) = (on_terminal(false), on_terminal(true)) else { return };
    assert!(coloured.out.contains("\u{1b}["), "{}", coloured.out);
    // The progress bar moves the cursor; what must not be there is a colour.
    assert!(!plain.out.contains("\u{1b}[3") && !plain.out.contains("\u{1b}[1m"), "{:?}", plain.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_is_no_failure() {
    let site = applied().await;
    for arguments in [&["users"][..], &["history"], &["plan"], &["show"], &["completions", "zsh"]] {
        let mut command = site.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{arguments:?} {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_set_up_and_not_set_up_twice() {
    let site = site().await;
    site.expect(0, &["init", "new"]);
    let valid = site.expect(0, &["validate", "--config", "new/seatkeeper.yaml"]);
    assert!(valid.out.starts_with("valid: 1 tenant, "), "{}", valid.out);
    let before = std::fs::read_to_string(site.path("new/seatkeeper.yaml")).unwrap();
    let again = site.run(&["init", "new"]);
    assert_ne!(again.code, 0, "{}", again.shown());
    assert_eq!(std::fs::read_to_string(site.path("new/seatkeeper.yaml")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_editors_need_is_set_up_beside_the_files_and_is_what_schema_prints() {
    let site = site().await;
    site.expect(0, &["init", "new"]);
    let read = |name: &str| std::fs::read_to_string(site.path(name)).unwrap();
    for (file, of) in
        [("new/seatkeeper.yaml", "config"), ("new/policies/engineering.yaml", "policy")]
    {
        let text = read(file);
        let first = text.lines().next().unwrap();
        let schema = first.strip_prefix("# yaml-language-server: $schema=").unwrap();
        let beside = std::path::Path::new(file).parent().unwrap().join(schema);
        assert_eq!(read(beside.to_str().unwrap()), site.expect(0, &["schema", of]).out);
    }
    // A hidden directory holds no policies, also where it lies among them.
    std::fs::create_dir(site.path("new/policies/.seatkeeper")).unwrap();
    site.write("new/policies/.seatkeeper/not-a-policy.yaml", "nonsense: true");
    site.expect(0, &["validate", "--config", "new/seatkeeper.yaml"]);
    // Where one of the files is there, none is written.
    std::fs::remove_file(site.path("new/seatkeeper.yaml")).unwrap();
    let again = site.expect(5, &["init", "new"]);
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert!(!site.path("new/seatkeeper.yaml").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_from_the_command_line_is_as_its_schema_says() {
    let site = site().await;
    let schema = site.json(0, &["schema", "plan"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let plan = site.json(0, &["plan", "--format", "json"]);
    let faults: Vec<_> = validator.iter_errors(&plan).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(!plan["operations"].as_array().unwrap().is_empty());
    site.expect(64, &["schema", "everything"]);
    assert_shown!("schema_plan", site.expect(0, &["schema", "plan"]).out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_for_one_tenant_keeps_nobody_from_the_others() {
    let site = site().await;
    let other = Server::start(small(), in_time(calm())).await.unwrap();
    let text = std::fs::read_to_string(site.path("seatkeeper.yaml")).unwrap();
    let tenant = text.split("  - name: contoso").nth(1).unwrap();
    let id = &site.sandbox.tenant_id;
    let second = tenant.replace(&site.sandbox.url(), &other.url()).replace(id, "contoso.com");
    let gone = tenant.replace(&site.sandbox.url(), "http://127.0.0.1:1").replace(id, "gone.test");
    let (top, _) = text.split_once("tenants:").unwrap();
    let top = top.replace("{timeout: 5s, give_up_after: 20s}", "{timeout: 1s, give_up_after: 1s}");
    site.write(
        "seatkeeper.yaml",
        &format!(
            "{top}guards: {{first_plan: off}}\ntenants:\n  - name: a-gone{gone}  - name: contoso{tenant}  - \
             name: other{second}"
        ),
    );
    let planned = site.expect(6, &["plan", "--detailed-exitcode"]);
    assert!(planned.err.contains("cannot sign in to tenant `a-gone`"), "{}", planned.err);
    assert!(planned.out.contains("tenant contoso") && planned.out.contains("tenant other"));
    let json = site.expect(64, &["plan", "--format", "json"]);
    assert!(json.err.contains("--tenant"), "{}", json.err);
    site.expect(6, &["apply", "--yes"]);
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
    assert_eq!(direct(&other.tenant(), "ana@contoso.com"), ["SPE_E3"]);
    site.expect(0, &["plan", "--detailed-exitcode", "--tenant", "other"]);
    site.assert_one_outcome_each();
}

#[test]
fn the_demo_leaves_nothing_to_do() {
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_seatkeeper"))
        .args(["demo", "--users", "200"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = crate::site::ran(&ran);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert!(ran.out.ends_with("Nothing is left to do.\n"), "{}", ran.out);
    assert!(!ran.out.contains("sandbox-secret") && !ran.err.contains("sandbox-secret"));
}
