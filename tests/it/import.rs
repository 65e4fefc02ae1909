//! Policies that describe a tenant as it is: written, loaded, planned, and adopted.

use std::collections::BTreeSet;

use seatkeeper::sandbox::Tenant;
use serde_json::{Value, json};

use crate::site::{Site, assert_shown, tenant};

fn people() -> Tenant {
    let user = |name: &str, groups: &[&str], licenses: Value| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE",
               "groups": groups, "licenses": licenses})
    };
    let off = json!([{"sku": "SPE_E5", "disable": ["YAMMER_ENTERPRISE"]}]);
    tenant(json!({
        "domains": ["contoso.com"],
        "skus": [{"sku": "SPE_E5", "enabled": 20}, {"sku": "SPE_E3", "enabled": 20},
                 {"sku": "POWER_BI_PRO", "enabled": 9}],
        "groups": [{"name": "Engineering: core"}, {"name": "Sales"}, {"name": "Interns"},
                   {"name": "Board", "hidden": true}, {"name": "Carrier", "licenses": ["SPE_E3"]}],
        "users": [
            user("ana", &["Engineering: core"], off.clone()),
            user("ben", &["Engineering: core"], off.clone()),
            user("cem", &["Engineering: core", "Board"], off),
            user("dee", &["Sales"], json!(["SPE_E3"])),
            user("eva", &["Sales"], json!(["SPE_E3", "POWER_BI_PRO"])),
            user("fay", &["Sales", "Interns"], json!([])),
            user("gus", &["Carrier"], json!(["SPE_E3"])),
            user("root", &["Sales"], json!(["SPE_E5"])),
        ],
    }))
}

async fn site(policies: &[(&str, &str)]) -> Site {
    let settings = "protected: {users: [root@contoso.com]}\n\
                    requests: {timeout: 5s, give_up_after: 20s}";
    Site::with(people(), crate::site::calm(), settings, policies).await
}

fn read(site: &Site, name: &str) -> String {
    std::fs::read_to_string(site.path(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_imported_is_valid_and_a_plan_of_it_only_adopts() {
    let site = site(&[]).await;
    let ran = site.run(&["import", "--people-min", "2"]);
    assert_shown!("import", ran.shown());
    let files = ["rules.yaml", "lists.yaml"]
        .map(|name| format!("--- {name}\n{}", read(&site, &format!("policies/{name}"))));
    let dated = undated(&files.concat());
    assert_shown!("import_files", dated);
    site.expect(0, &["validate"]);
    let before = site.writes();
    site.expect(0, &["plan"]);
    assert_eq!(site.apply_all().code, 0);
    assert_eq!(site.writes(), before, "adopting calls nothing");
    site.expect(0, &["plan", "--detailed-exitcode"]);
    // What is there now is not written over.
    assert_shown!("import_refused", site.run(&["import"]).shown());
    let again =
        site.expect(0, &["import", "--people-min", "2", "--out", "again", "--on-leave", "keep"]);
    assert!(again.err.contains("wrote again/rules.yaml"), "{}", again.err);
    assert!(read(&site, "again/rules.yaml").contains("    on_leave: keep\n"));
}

/// Replaces the day of the read.
fn undated(text: &str) -> String {
    let line = |line: &str| match line.split_once(" held on ") {
        Some((before, after)) => {
            let after = after.split_once(',').map_or("", |(_, after)| after);
            format!("{before} held on [DAY],{after}\n")
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_wishes_are_told_and_nothing_is_written() {
    let site = site(&[]).await;
    for wrong in [
        &["import", "--group", "Engineering: cores"][..],
        &["import", "--people-min", "0"],
        &["import", "--tenant", "fabrikam"],
    ] {
        let ran = site.expect(64, wrong);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    assert_shown!("import_unknown_group", site.run(&["import", "--group", "Sale"]).shown());
    site.reconfigure("root@contoso.com", "roots@contoso.com");
    assert_shown!("import_misfit", site.run(&["import"]).shown());
    assert_eq!(std::fs::read_dir(site.path("policies")).unwrap().count(), 0);
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_groups_that_are_asked_for_are_read() {
    let site = site(&[]).await;
    let named =
        site.json(0, &["import", "--format", "json", "--people-min", "2", "--group", "sales"]);
    let names = |written: &Value| -> Vec<String> {
        let policies = written["policies"].as_array().unwrap();
        policies.iter().map(|policy| policy["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(named["format_version"], 1);
    assert!(names(&named).iter().all(|name| !name.contains("engineering")), "{named}");
    let most = ["import", "--people-min", "2", "--groups-max", "2", "--out", "most"];
    let ran = site.expect(0, &most);
    assert!(ran.err.contains("the members of 3 of 5 groups were not read"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_tenants_the_policies_say_which_they_are_for() {
    let site = site(&[]).await;
    let text = read(&site, "seatkeeper.yaml");
    let (_, tenant) = text.split_once("tenants:\n").unwrap();
    let id = &site.sandbox.tenant_id;
    let other = tenant
        .replace("name: contoso", "name: fabrikam")
        .replace(id, "0c6b0d10-7d5b-4c50-8f37-4b8b3f0a7a99");
    site.write("seatkeeper.yaml", &format!("{text}{other}"));
    assert_eq!(site.expect(64, &["import"]).out, "");
    site.expect(0, &["import", "--tenant", "contoso"]);
    let lists = read(&site, "policies/contoso-lists.yaml");
    assert!(lists.contains("  - name: contoso-listed-spe-e5\n"), "{lists}");
    assert!(lists.contains("    tenants: [contoso]\n"), "{lists}");
    // Beside other policies, every name is still there once.
    site.expect(0, &["import", "--tenant", "contoso", "--out", "policies/again"]);
    let again = read(&site, "policies/again/contoso-lists.yaml");
    assert!(again.contains("  - name: contoso-listed-spe-e5-2\n"), "{again}");
    site.expect(0, &["validate"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_company_is_adopted_whole_with_at_most_a_policy_for_ten_people() {
    for (users, seed) in [(60, 1), (60, 2), (73, 3), (100, 4), (237, 5), (500, 1), (2000, 6)] {
        let site = Site::new(Tenant::company(users, seed), &[]).await;
        let written = site.json(0, &["import", "--format", "json"]);
        let policies = written["policies"].as_array().unwrap();
        assert!(policies.len() * 10 <= users, "{} policies for {users}", policies.len());
        let names: BTreeSet<&str> =
            policies.iter().map(|policy| policy["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), policies.len());
        let plan = site.json(0, &["plan", "--format", "json"]);
        let operations = plan["operations"].as_array().unwrap();
        assert!(operations.iter().all(|operation| operation["kind"] == "adopt"), "{users} {seed}");
        for nothing in ["blocked", "waiting", "scheduled", "unknown", "left_out", "warnings"] {
            assert_eq!(plan[nothing].as_array().map(Vec::len), Some(0), "{nothing} {users} {seed}");
        }
        assert_eq!(written["people"], operations.len());
        assert_eq!(plan["summary"]["unmanaged"], 0);
    }
}
