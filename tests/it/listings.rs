//! What there is to choose from, and seats: from the last read, without network.

use seatkeeper::sandbox::roles::Role;
use seatkeeper::sandbox::{Options, Tenant};
use serde_json::{Value, json};

use crate::site::{Site, assert_shown, calm, tenant};

const POLICIES: &str = r"
policies:
  - name: sales-e5
    match: {group: Sales}
    licenses: [SPE_E5]
  - name: not-the-board
    match: {everyone: true, none: [{group: Board}]}
    licenses: [POWER_BI_PRO]
";

fn people() -> Tenant {
    let user = |name: &str, more: Value| {
        let mut user = json!({"user_principal_name": format!("{name}@contoso.com"),
                              "usage_location": "DE"});
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let at = |ou: &str, more: Value| {
        let mut at = json!({"on_premises_dn": format!("CN=x,{ou},DC=corp,DC=contoso,DC=com"),
                            "ad_domain": "corp.contoso.com"});
        at.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        at
    };
    tenant(json!({
        "domains": ["contoso.com"],
        "skus": [{"sku": "SPE_E5", "enabled": 2}, {"sku": "SPE_E3", "enabled": 5},
                 {"sku": "POWER_BI_PRO", "enabled": 9},
                 {"sku": "ENTERPRISEPACK", "enabled": 0, "warning": 3}],
        "groups": [{"name": "Sales"}, {"name": "Board", "hidden": true},
                   {"name": "Carrier", "licenses": ["SPE_E3"]}],
        "users": [
            user("ana", at("OU=Sales,OU=People", json!({"groups": ["Sales"]}))),
            user("ben", at("OU=Sales,OU=People", json!({"groups": ["Sales", "Carrier"]}))),
            user("cem", at("OU=People", json!({"groups": ["Sales", "Board"]}))),
            user("dee", at("OU=Leavers", json!({"enabled": false, "licenses": ["SPE_E3"]}))),
            user("eva", json!({"groups": ["Carrier"], "licenses": ["SPE_E5"]})),
        ],
    }))
}

async fn site(options: Options) -> Site {
    let settings = "reserve: {SPE_E3: 2}\nrequests: {timeout: 5s, give_up_after: 20s}";
    Site::with(people(), options, settings, &[("policies.yaml", POLICIES)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listings_answer_from_the_last_read_without_network() {
    let site = site(calm()).await;
    site.expect(0, &["plan"]);
    let before = site.sandbox.counts().requests;
    assert_shown!("ous", site.run(&["ous"]).shown());
    assert_shown!("domains", site.run(&["domains"]).shown());
    assert_shown!("groups", site.run(&["groups"]).shown());
    assert_shown!("seats", site.run(&["seats"]).shown());
    assert_shown!("seats_json", site.run(&["seats", "--format", "json"]).shown());
    for command in ["ous", "domains", "groups", "seats"] {
        let json = site.json(0, &[command, "--format", "json"]);
        assert_eq!(json["format_version"], 1);
        assert!(!json[command].as_array().unwrap().is_empty(), "{command}");
    }
    assert_eq!(site.sandbox.counts().requests, before);
    site.expect(0, &["seats", "--refresh"]);
    assert!(site.sandbox.counts().requests > before);
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_permission_the_next_expiry_is_unknown_and_nothing_fails() {
    let mut roles = Role::usual();
    roles.remove(&Role::OrganizationReadAll);
    let site = site(Options { roles, ..calm() }).await;
    let seats = site.expect(0, &["seats"]);
    let is_unknown = |line: &str| line.trim_end_matches([' ', '-']).ends_with("unknown");
    assert!(seats.out.lines().skip(1).all(is_unknown), "{}", seats.out);
    let json = site.json(0, &["seats", "--format", "json"]);
    assert_eq!(json["seats"][0].get("next_expiry"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_a_csv_file_are_listed_and_who_cannot_be_found_is_told_with_the_line() {
    let site = site(calm()).await;
    site.expect(0, &["plan"]);
    site.write(
        "list.csv",
        "\u{feff}Name;UserPrincipalName\r\nAna;ANA@contoso.com\r\nX;zoe@contoso.com\r\nE;eva@contoso.com\r\n",
    );
    assert_shown!("users_csv", site.run(&["users", "--csv", "list.csv"]).shown());
    let both = &["users", "--csv", "list.csv", "--group", "Sales", "--format", "csv"];
    let both = site.expect(0, both);
    assert_eq!(both.out.lines().count(), 2, "{}", both.out);
    assert!(both.out.starts_with("ObjectId,UserPrincipalName,DisplayName\n"), "{}", both.out);
    // What is printed is read again.
    site.write("again.csv", &site.expect(0, &["users", "--format", "csv"]).out);
    let again = site.json(0, &["users", "--csv", "again.csv", "--format", "json"]);
    assert_eq!(again["users"].as_array().unwrap().len(), 5);
    site.write("wide.csv", "U\0s\0e\0r\0");
    assert_shown!("users_csv_nul", site.run(&["users", "--csv", "wide.csv"]).shown());
    site.expect(64, &["users", "--csv", "nowhere.csv"]);
}
