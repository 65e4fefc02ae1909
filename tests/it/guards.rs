//! Accidents that other tools are known for: each is held by its guard, says its sum, and takes nothing
//! away without a person.

use seatkeeper::sandbox::Tenant;
use serde_json::{Value, json};

use crate::site::{Site, calm, tenant};

const PEOPLE: usize = 60;

const POLICIES: &str = "policies:
  - name: staff-e3
    match: {group: Staff}
    licenses: [SPE_E3]
    grace: 0d
  - name: sales-bi
    match: {department: Sales}
    licenses: [POWER_BI_PRO]
    grace: 0d
  - name: leavers
    match: {enabled: false}
    action: remove
    licenses: all
";

/// A company whose people are as `person` says.
fn company(count: usize, person: impl Fn(&mut Value)) -> Tenant {
    let one = |at: usize| {
        let mut user = json!({
            "user_principal_name": format!("u{at:02}@contoso.com"),
            "id": format!("{at:08}-0000-4000-8000-000000000000"),
            "usage_location": "DE", "department": "Sales", "groups": ["Staff"],
            "licenses": ["SPE_E3", "POWER_BI_PRO"],
        });
        person(&mut user);
        user
    };
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 100}, {"sku": "POWER_BI_PRO", "enabled": 100}],
        "groups": [{"name": "Staff"}],
        "users": (0..count).map(one).collect::<Vec<_>>(),
    }))
}

/// A site where policies own what everybody has.
async fn settled() -> Site {
    let top = "guards: {first_plan: off}";
    let site = Site::with(company(PEOPLE, |_| {}), calm(), top, &[("p.yaml", POLICIES)]).await;
    site.expect(0, &["apply", "--yes"]);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site
}

/// Something has happened to the tenant: nothing is written, twice, and the guard says this.
fn held(site: &Site, guard: &str, sum: &str) {
    for _ in 0..2 {
        let ran = site.expect(3, &["apply", "--yes"]);
        let line = ran.out.lines().find(|line| line.contains("TRIPPED") && line.contains(sum));
        assert!(line.is_some_and(|line| line.contains(guard)), "{}", ran.out);
        assert!(ran.err.contains(guard), "{}", ran.err);
    }
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_emptied_takes_nothing_away() {
    let site = settled().await;
    site.sandbox.change(|now| *now = company(PEOPLE, |user| user["groups"] = json!([])));
    held(&site, "emptied_source", "[group Staff]  0 members, 60 before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_ends_early_changes_nothing() {
    let site = settled().await;
    // Those who are left have something to be done, so that there is something to hold.
    site.sandbox.change(|now| *now = company(40, |user| user["licenses"] = json!(["SPE_E3"])));
    held(&site, "shrunk_source", "[users]  40 users, 60 before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attribute_that_is_blanked_takes_nothing_away() {
    let site = settled().await;
    site.sandbox.change(|now| *now = company(PEOPLE, |user| user["department"] = Value::Null));
    held(&site, "blanked_attribute", "[department]  60 users without, 0 before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_disables_everybody_takes_nothing_away() {
    let site = settled().await;
    site.sandbox.change(|now| *now = company(PEOPLE, |user| user["enabled"] = json!(false)));
    held(&site, "max_removals", "[SPE_E3]  60 of 60 owned");
    held(&site, "removals_per_day", "60 by this plan and 0 in the 24 hours before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_files_that_are_gone_take_nothing_away() {
    let site = settled().await;
    site.write("policies/p.yaml", "policies: []\n");
    let ran = site.expect(0, &["apply", "--yes"]);
    assert!(ran.err.contains("nothing to do"), "{}", ran.err);
    assert_eq!(site.writes(), 0);
    site.write("policies/p.yaml", POLICIES);
    site.expect(0, &["apply", "--yes"]);
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_accepts_is_what_later_cycles_compare_with() {
    let site = settled().await;
    site.sandbox.change(|now| *now = company(PEOPLE, |user| user["groups"] = json!([])));
    held(&site, "emptied_source", "[group Staff]  0 members, 60 before");
    let done = site.apply_all();
    assert_eq!(done.code, 0, "{}\n{}", done.out, done.err);
    assert_eq!(site.direct("u00@contoso.com"), ["POWER_BI_PRO"]);
    let plan = site.json(0, &["plan", "--format", "json"]);
    let tripped = plan["guards"].as_array().unwrap().iter().filter(|one| one["tripped"] == true);
    assert_eq!(tripped.count(), 0, "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_approved_before_the_accident_does_not_run_after_it() {
    let site = settled().await;
    let without_one = |user: &mut Value| {
        if user["user_principal_name"] == "u00@contoso.com" {
            user["licenses"] = json!(["SPE_E3"]);
        }
    };
    site.sandbox.change(|now| *now = company(PEOPLE, without_one));
    let plan = site.json(0, &["plan", "--format", "json"]);
    let id = plan["id"].as_str().unwrap();
    site.expect(0, &["approve", id]);
    site.sandbox.change(|now| {
        *now = company(PEOPLE, |user| {
            without_one(user);
            if user["user_principal_name"] != "u00@contoso.com" {
                user["groups"] = json!([]);
            }
        });
    });
    let ran = site.expect(3, &["apply", id]);
    assert!(ran.err.contains("group Staff: 1 member, 60 before"), "{}", ran.err);
    assert_eq!(site.writes(), 0);
}
