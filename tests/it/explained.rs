//! `explain`: one sentence a SKU, and the tree that proves it.

use seatkeeper::sandbox::Tenant;
use serde_json::json;

use crate::site::{Site, assert_shown, calm, tenant};

const POLICIES: &str = r#"
policies:
  - name: engineering-e5
    match:
      group: Engineering
      enabled: true
      none:
        - department: [Interns, "temp*"]
        - any: [{group: Board}, {domain: fabrikam.com}]
    licenses: [SPE_E5]
    priority: 5
  - name: staff-e3
    match: {group: Staff}
    licenses: [SPE_E3]
    grace: 7d
  - name: managers-e5
    match: {group: Managers}
    licenses: [SPE_E5]
  - name: leavers
    match: {enabled: false}
    action: remove
    licenses: all
    grace: 30d
  - name: visio-soon
    match: {everyone: true}
    licenses: [VISIOCLIENT]
    from: 2200-01-01
ladders:
  - name: suite
    rungs: [SPE_E5, SPE_E3]
    fall_back: true
"#;

fn people() -> Tenant {
    let id = |digit: char| format!("{digit}0000000-0000-4000-8000-000000000000");
    tenant(json!({
        "domains": ["contoso.com"],
        "skus": [{"sku": "SPE_E5", "enabled": 0}, {"sku": "SPE_E3", "enabled": 5},
                 {"sku": "VISIOCLIENT", "enabled": 5}, {"sku": "POWER_BI_PRO", "enabled": 9}],
        "groups": [{"name": "Engineering"}, {"name": "Managers"}, {"name": "Staff"}, {"name": "Board", "hidden": true}],
        "users": [
            {"id": id('a'), "user_principal_name": "ana@contoso.com", "usage_location": "DE",
             "department": "Tempest", "groups": ["Engineering", "Staff"]},
            {"id": id('b'), "user_principal_name": "ben@contoso.com", "usage_location": "DE",
             "groups": ["Engineering", "Staff"], "licenses": ["POWER_BI_PRO"]},
            {"id": id('d'), "user_principal_name": "dee@contoso.com", "usage_location": "DE",
             "groups": ["Managers"]},
            {"id": id('c'), "user_principal_name": "cem@contoso.com", "usage_location": "DE"},
        ],
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_names_policies_selectors_ladders_queues_and_history() {
    let settings = "guards: {first_plan: off}\nrequests: {timeout: 5s, give_up_after: 20s}";
    let site = Site::with(people(), calm(), settings, &[("p.yaml", POLICIES)]).await;
    site.expect(0, &["plan"]);
    assert_shown!("explain_lacks", site.run(&["explain", "ana@contoso.com", "SPE_E5"]).shown());
    assert_eq!(site.apply_all().code, 0);
    let explain = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["explain", "ana@contoso.com"].iter().chain(arguments).copied().collect();
        site.run(&all).shown()
    };
    assert_shown!("explain_everything", explain(&["--refresh", "--all"]));
    assert_shown!("explain_decisive", explain(&[]));
    assert_shown!("explain_waits", site.run(&["explain", "dee@contoso.com"]).shown());
    let json = site.json(0, &["explain", "ana@contoso.com", "SPE_E5", "--format", "json"]);
    let sku = &json["skus"][0];
    let selector = &sku["policies"][0]["match"];
    assert_eq!(selector["kind"], "all");
    assert_eq!(selector["parts"][1]["test"], "group Engineering");
    assert_eq!(selector["parts"][1]["at"], "p.yaml:5:14");
    assert_eq!(selector["parts"][1]["holds"], true);
    assert_eq!(sku["ladders"][0]["rungs"][0]["sku"], "SPE_E5");
    let held = site.json(0, &["explain", "ben@contoso.com", "SPE_E3", "--format", "json"]);
    let past = &held["skus"][0]["history"][0];
    assert_eq!((&past["change"], &past["outcome"]), (&json!("assign"), &json!("done")));
    assert_shown!("explain_nobodys", site.run(&["explain", "ben@contoso.com"]).shown());
}
