//! Selectors end to end: attributes as Graph sends them, lists beside the policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::site::{Site, calm, tenant};

const CALM: &str = "requests: {timeout: 5s, give_up_after: 20s}\n\
                    guards: {first_plan: off, max_removals: {percent: unlimited, count: unlimited}}";

fn people(users: &[Value]) -> seatkeeper::sandbox::Tenant {
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 20}, {"sku": "SPE_E5", "enabled": 20},
                 {"sku": "VISIOCLIENT", "enabled": 20}],
        "groups": [{"name": "LIC-Visio", "licenses": ["VISIOCLIENT"]}],
        "users": users,
    }))
}

fn user(name: &str, more: &Value) -> Value {
    let mut user =
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE"});
    for (key, value) in more.as_object().unwrap() {
        user[key] = value.clone();
    }
    user
}

/// Returns why each user gets something, by name.
fn reasons(plan: &Value) -> BTreeMap<String, String> {
    let name = |operation: &Value| {
        let name = operation["user"]["user_principal_name"].as_str().unwrap();
        name.split('@').next().unwrap().to_owned()
    };
    let details = |operation: &Value| {
        let because = operation["because"].as_array().unwrap().iter();
        because
            .map(|why| {
                format!("{}: {}", why["policy"].as_str().unwrap(), why["detail"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
            .join("; ")
    };
    let operations = plan["operations"].as_array().unwrap().iter();
    operations.map(|operation| (name(operation), details(operation))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_arrive_through_graph_and_select() {
    let users = [
        user("department", &json!({"department": "Research"})),
        user("title", &json!({"job_title": "Senior Engineer"})),
        user("company", &json!({"company": "Contoso Ltd", "country": "Norway"})),
        user("office", &json!({"office": "Köln"})),
        user("type", &json!({"employee_type": "Intern"})),
        user("extension", &json!({"extension_attributes": {"7": "lab"}})),
        user(
            "synced",
            &json!({"on_premises_dn": "CN=S,OU=Sales,DC=corp,DC=contoso,DC=com",
                               "ad_domain": "corp.contoso.com"}),
        ),
        user("visio", &json!({"groups": ["LIC-Visio"]})),
        user("guest", &json!({"guest": true, "department": "Visitors"})),
        user("nobody", &json!({"department": ""})),
    ];
    let policies = "
policies:
  - name: e3
    match:
      any:
        - department: [research, visitors]
        - job_title: '*engineer'
        - {company: contoso*, country: [NO, Norway]}
        - office: KÖLN
        - employee_type: intern
        - extension_attribute7: '*'
        - synced: true
        - has: VISIOCLIENT
    licenses: [SPE_E3]
  - name: guests
    match: {user_type: guest, department: '*'}
    licenses: [SPE_E5]
";
    let site = Site::with(people(&users), calm(), CALM, &[("p.yaml", policies)]).await;
    let reasons = reasons(&site.json(0, &["plan", "--format", "json"]));
    let expected = [
        ("company", "e3: company contoso* and country NO or Norway"),
        ("department", "e3: department research or visitors"),
        ("extension", "e3: any extension attribute 7"),
        ("guest", "guests: guest and any department"),
        ("office", "e3: office KÖLN"),
        ("synced", "e3: synced from on-premises"),
        ("title", "e3: job title *engineer"),
        ("type", "e3: employee type intern"),
        ("visio", "e3: holder of VISIOCLIENT"),
    ];
    let expected = expected.map(|(name, why)| (name.to_owned(), why.to_owned()));
    assert_eq!(reasons, BTreeMap::from(expected));
    // And from what is kept of the last read.
    let explained = site.expect(0, &["explain", "title@contoso.com"]);
    assert!(explained.out.contains("job title *engineer"), "{}", explained.out);
}

const LISTED: &str = "
policies:
  - name: pilot
    match: {csv: pilot.csv}
    licenses: [SPE_E5]
    grace: 0
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_on_a_list_gets_the_license_and_who_is_off_it_loses_it() {
    let none = json!({});
    let users = [user("ana", &none), user("ben", &none), user("cem", &none)];
    let site = Site::with(people(&users), calm(), CALM, &[("p.yaml", LISTED)]).await;
    let id = site.sandbox.tenant().user("ben@contoso.com").unwrap().id;
    let list =
        format!("\u{feff}Name;UserPrincipalName;ObjectId\r\nAna;ANA@contoso.com;\r\n;;{id}\r\n");
    site.write("policies/pilot.csv", &list);
    let digest = || {
        let plan = site.json(0, &["plan", "--format", "json"]);
        plan["basis"]["policy_digest"].as_str().unwrap().to_owned()
    };
    let first = digest();
    site.expect(0, &["apply", "--yes"]);
    let e5 = |name: &str| {
        let tenant = site.sandbox.tenant();
        let sku = tenant.sku_named("SPE_E5").unwrap().id;
        tenant.user(&format!("{name}@contoso.com")).unwrap().licenses.iter().any(|l| l.sku == sku)
    };
    assert_eq!(["ana", "ben", "cem"].map(e5), [true, true, false]);

    // Somebody who cannot be found keeps the policy from taking anything away.
    site.write("policies/pilot.csv", "UserPrincipalName\nana@contoso.com\nbem@contoso.com\n");
    let planned = site.expect(0, &["plan"]);
    assert!(planned.out.contains("pilot.csv:3"), "{}", planned.out);
    assert!(planned.out.contains("no user `bem@contoso.com` in the tenant"), "{}", planned.out);
    site.expect(0, &["apply", "--yes"]);
    assert_eq!(["ana", "ben", "cem"].map(e5), [true, true, false]);

    site.write("policies/pilot.csv", "UserPrincipalName\nana@contoso.com\n");
    assert_ne!(digest(), first);
    site.expect(0, &["apply", "--yes"]);
    assert_eq!(["ana", "ben", "cem"].map(e5), [true, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_list_is_told_with_its_line_and_nothing_is_asked() {
    let users = [user("ana", &json!({}))];
    let policies = "
policies:
  - {name: a, match: {csv: lists/gone.csv}, licenses: [SPE_E5]}
  - {name: b, match: {csv: pilot.csv}, licenses: [SPE_E5]}
  - {name: c, match: {csv: ../seatkeeper.yaml}, licenses: [SPE_E5]}
";
    let site = Site::with(people(&users), calm(), CALM, &[("p.yaml", policies)]).await;
    site.write("policies/pilot.csv", "UserPrincipalName,Name\nana@contoso.com,Ana\nben,Ben\n");
    for arguments in [&["validate"][..], &["plan"]] {
        let ran = site.expect(5, arguments);
        for told in [
            "p.yaml:3:28",
            "there is no such file",
            "pilot.csv:3:1",
            "`ben` is not a principal name",
            "3 | ben,Ben",
            "p.yaml:5:28",
            "leaves the directory of the policies",
            "3 errors in the policies",
        ] {
            assert!(ran.err.contains(told), "{told}\n{}", ran.err);
        }
    }
    let problems = site.json(5, &["validate", "--format", "json"]);
    assert_eq!(problems.as_array().unwrap().len(), 3, "{problems}");
    assert_eq!(site.sandbox.counts().requests, 0);

    let excepted = "policies: [{name: a, match: {everyone: true, none: [{csv: pilot.csv}]}, licenses: [SPE_E5]}]";
    site.write("policies/p.yaml", excepted);
    site.write("policies/pilot.csv", "UserPrincipalName\nana@contoso.com\nben@contoso.com\n");
    let ran = site.expect(5, &["plan"]);
    assert!(ran.err.contains("unknown user `ben@contoso.com` among the exceptions"), "{}", ran.err);
    assert!(
        ran.err.contains("pilot.csv:3:1") && ran.err.contains("3 | ben@contoso.com"),
        "{}",
        ran.err
    );
    assert_eq!(site.writes(), 0);
}
