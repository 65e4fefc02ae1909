//! What a person asks for once: `bulk` and `revert`, from the command line to the tenant and back.

use serde_json::Value;

use crate::cli::site;
use crate::site::{Site, assert_shown};

const ACCEPT: [&str; 4] = ["--accept", "first_plan", "--reason", "looked at"];

/// A site on which the policies' plan was carried out: Ana, Ben and Cara hold E3, owned; Dan has
/// lost what he had.
async fn applied() -> Site {
    let site = site().await;
    site.expect(0, &[&["apply", "--yes"][..], &ACCEPT].concat());
    site
}

fn latest(site: &Site) -> String {
    site.plans()[0]["id"].as_str().unwrap().to_owned()
}

fn plan_only(site: &Site, arguments: &[&str]) -> Value {
    site.json(0, &[arguments, &["--plan-only", "--format", "json"]].concat())
}

fn users(plan: &Value) -> Vec<&str> {
    let operations = plan["operations"].as_array().unwrap();
    operations.iter().map(|op| op["user"]["user_principal_name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_plan_is_shown_with_what_would_undo_it_and_applied_on_a_yes() {
    let site = applied().await;
    let bulk = ["bulk", "replace", "POWER_BI_PRO", "--replaces", "SPE_E3", "--group", "staff"];
    assert_shown!("bulk", site.run(&bulk).shown());
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
    site.reconfigure("requests:", "guards: {max_removals: {percent: unlimited}}\nrequests:");
    site.expect(0, &[&bulk[..], &["--yes"]].concat());
    for user in ["ana", "ben", "cara"] {
        assert_eq!(site.direct(&format!("{user}@contoso.com")), ["POWER_BI_PRO"]);
    }
    assert_shown!("bulk_again", site.run(&[&bulk[..], &["--yes"]].concat()).shown());
    // The policies want it otherwise, as it was told.
    let next = site.json(0, &["plan", "--format", "json"]);
    assert_eq!(users(&next).len(), 3);
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_selects_by_user_group_ou_domain_search_and_file() {
    let site = applied().await;
    let add = |selection: &[&str]| {
        let plan = plan_only(&site, &[&["bulk", "add", "POWER_BI_PRO"], selection].concat());
        let words = plan["origin"]["selection"].as_str().unwrap().to_owned();
        format!("{words}: {}", users(&plan).join(" "))
    };
    site.write(
        "who.csv",
        "\u{feff}Name;UserPrincipalName\r\nX;zoe@contoso.com\r\nE;EVE@fabrikam.com\r\n",
    );
    let shown = [
        add(&["--user", "ana@contoso.com", "--user", "eve@fabrikam.com"]),
        add(&["--group", "Staff"]),
        add(&["--ou", "OU=Sales,DC=corp,DC=contoso,DC=com"]),
        add(&["--domain", "fabrikam.com"]),
        add(&["--search", "berg"]),
        add(&["--csv", "who.csv"]),
    ];
    insta::assert_snapshot!(shown.join("\n"), @"
    user ana@contoso.com, eve@fabrikam.com: ana@contoso.com eve@fabrikam.com
    group Staff: ana@contoso.com ben@contoso.com cara@contoso.com
    OU OU=Sales,DC=corp,DC=contoso,DC=com: ana@contoso.com
    domain fabrikam.com: eve@fabrikam.com
    search `berg`: ana@contoso.com
    2 rows of who.csv: eve@fabrikam.com
    ");
    let warned = site.expect(
        0,
        &["bulk", "add", "POWER_BI_PRO", "--csv", "who.csv", "--plan-only", "--format", "json"],
    );
    assert!(warned.err.contains("who.csv:2: no user `zoe@contoso.com`"), "{}", warned.err);
    let warnings = serde_json::from_str::<Value>(&warned.out).unwrap()["warnings"].clone();
    assert_eq!(warnings[0]["at"], "who.csv:2");
    // Six plans were made, of which one is the same as another; nothing was changed.
    assert_eq!(site.direct("eve@fabrikam.com"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_an_error_and_nothing_is_stored() {
    let site = applied().await;
    let plans = site.plans().len();
    let refused = |arguments: &[&str]| site.expect(64, &[&["bulk"], arguments].concat()).err;
    let said = [
        refused(&["add", "SPE_E33", "--group", "Staff"]),
        refused(&["remove", "all", "--user", "anna@contoso.com"]),
        refused(&["add", "SPE_E3", "--group", "Staf"]),
        refused(&["add", "SPE_E3", "--domain", "nowhere.example"]),
        refused(&["add", "all", "--group", "Staff"]),
        refused(&["add", "SPE_E3", "--replaces", "POWER_BI_PRO", "--group", "Staff"]),
        refused(&["add", "SPE_E3", "--usage-location", "Germany", "--group", "Staff"]),
        refused(&["add", "SPE_E3", "--ou", "Sales", "--yes"]),
        refused(&["add", "SPE_E3", "--csv", "nowhere.csv"]),
    ];
    insta::assert_snapshot!(said.concat(), @r#"
    error: unknown SKU `SPE_E33`
    hint: tenant `contoso` has `SPE_E3`
    error: no user `anna@contoso.com` in the tenant: did you mean `ana@contoso.com`?
    hint: `seatkeeper users --search TEXT` finds users
    error: unknown group `Staf`
    hint: tenant `contoso` has `Staff`
    error: nobody is selected: no user fits domain nowhere.example
    hint: `seatkeeper users` lists users by the same filters
    error: `all` can be removed and replaced, not given
    error: --replaces is for `bulk replace`
    error: `Germany` is not a two-letter country code (ISO 3166-1 alpha-2)
    hint: write it as in `--usage-location DE`
    error: `Sales` is not a distinguished name: `Sales` has no `=`; a comma inside a value is `\,`
    hint: write it as in `OU=Sales,DC=corp,DC=contoso,DC=com`
    error: cannot read the list of users `nowhere.csv`: No such file or directory (os error 2)
    hint: check the path: a relative one begins at the working directory
    "#);
    // Exactly one selection, and what is replaced has to be said.
    refused(&["add", "SPE_E3"]);
    refused(&["add", "SPE_E3", "--group", "Staff", "--domain", "contoso.com"]);
    refused(&["replace", "SPE_E3", "--group", "Staff"]);
    assert_eq!(site.plans().len(), plans);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_removal_of_many_is_held_until_a_person_accepts_it() {
    let site = applied().await;
    let remove = ["bulk", "remove", "all", "--domain", "contoso.com", "--yes"];
    let held = site.expect(3, &remove);
    assert!(held.err.contains("held by `max_removals`"), "{}", held.err);
    assert_eq!(site.direct("cara@contoso.com"), ["SPE_E3"]);
    // The plan waits: it can be decided on apart, beside the plans of the policies.
    let plan = latest(&site);
    site.expect(0, &["apply", "--yes"]);
    let status = site.json(0, &["status", "--format", "json"]);
    assert_eq!(status["tenants"][0]["waiting_for_a_person"][0]["plan"], plan.as_str());
    let accept = ["--accept", "max_removals", "--reason", "they all left"];
    site.expect(0, &[&["approve", &plan][..], &accept].concat());
    site.expect(0, &["apply", &plan]);
    assert_eq!(site.direct("cara@contoso.com"), Vec::<String>::new());
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_plan_whose_users_changed_meanwhile_is_stale_for_them() {
    let site = applied().await;
    let add = ["bulk", "add", "POWER_BI_PRO", "--group", "Staff"];
    let plan = plan_only(&site, &add);
    let id = plan["id"].as_str().unwrap().to_owned();
    site.expect(0, &["bulk", "add", "POWER_BI_PRO", "--user", "ana@contoso.com", "--yes"]);
    let ran = site.expect(0, &["apply", &id, "--yes"]);
    assert!(ran.out.ends_with("2 done, 1 already done\n"), "{}", ran.out);
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_location_is_set_together_with_the_license() {
    let site = site().await;
    site.reconfigure("requests:", "guards: {first_plan: off}\nrequests:");
    let add = ["bulk", "add", "SPE_E3", "--user", "ana@contoso.com"];
    // Ana has none.
    let blocked = plan_only(&site, &add);
    assert_eq!(blocked["blocked"][0]["reason"], "no_usage_location");
    site.expect(0, &[&add[..], &["--usage-location", "at", "--yes"]].concat());
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
    let tenant = site.sandbox.tenant();
    let location = tenant.user("ana@contoso.com").unwrap().usage_location;
    assert_eq!(location.map(|location| location.to_string()).as_deref(), Some("AT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reverting_an_applied_plan_puts_everybody_back() {
    let site = site().await;
    let before = site.sandbox.tenant();
    site.expect(0, &[&["apply", "--yes"][..], &ACCEPT].concat());
    let plan = latest(&site);
    site.reconfigure("requests:", "guards: {max_removals: {percent: unlimited}}\nrequests:");
    assert_shown!("revert", site.run(&["revert", &plan, "--yes"]).shown());
    for user in ["ana@contoso.com", "ben@contoso.com", "cara@contoso.com", "dan@contoso.com"] {
        assert_eq!(site.direct(user), crate::site::direct(&before, user), "{user}");
    }
    // What it gave is gone, so that there is nobody left to put back.
    let again = plan_only(&site, &["revert", &plan]);
    assert_eq!(users(&again), Vec::<&str>::new());
    // The revert is a plan as any other, and can be taken back itself.
    let revert = latest(&site);
    let plans = site.run(&["plans"]).out;
    assert!(plans.contains(&format!("{revert}  contoso  applied  revert")), "{plans}");
    site.expect(0, &["revert", &revert, "--yes"]);
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
    assert_eq!(site.direct("dan@contoso.com"), Vec::<String>::new());
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_changed_by_hand_since_is_named_and_skipped() {
    let site = applied().await;
    let plan = latest(&site);
    site.expect(0, &["bulk", "remove", "SPE_E3", "--user", "ben@contoso.com", "--yes"]);
    let revert = plan_only(&site, &["revert", &plan]);
    assert_eq!(users(&revert), ["ana@contoso.com", "dan@contoso.com"]);
    let blocked = revert["blocked"].as_array().unwrap();
    let named: Vec<(&str, &str)> = blocked
        .iter()
        .map(|entry| {
            let user = entry["user"]["user_principal_name"].as_str().unwrap();
            (user, entry["reason"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        named,
        [("ana@contoso.com", "location_stays"), ("ben@contoso.com", "changed_since")]
    );
    assert_eq!(revert["origin"], serde_json::json!({"kind": "revert", "plan": plan}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_never_ran_or_is_not_there_cannot_be_reverted() {
    let site = site().await;
    site.expect(0, &["plan"]);
    let never = site.expect(64, &["revert", &latest(&site), "--yes"]);
    assert_shown!(never.shown(), @"
    exit 64
    --- stdout
    --- stderr
    error: plan [PLAN] changed nothing in the tenant: there is nothing to revert
    hint: what became of it: `seatkeeper history --plan [PLAN]`
    ");
    site.expect(64, &["revert", "01KAR1NVJ0XZV4M8R5W0M5C0Z0"]);
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_user_is_named_and_left_alone() {
    let site = site().await;
    site.reconfigure(
        "requests:",
        "guards: {first_plan: off}\nprotected: {users: [ana@contoso.com]}\nrequests:",
    );
    let plan = plan_only(&site, &["bulk", "add", "POWER_BI_PRO", "--group", "Staff"]);
    assert_eq!(users(&plan), ["ben@contoso.com", "cara@contoso.com"]);
    assert_eq!(plan["blocked"][0]["reason"], "protected");
}
