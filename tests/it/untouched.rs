//! Guests, protected users and inherited licenses, end to end: nothing touches them.

use serde_json::json;

use crate::site::{Site, calm, tenant};

const POLICIES: &str = r"
policies:
  - name: everyone-e3
    match: {everyone: true}
    licenses: [SPE_E3]
    usage_location: {set: DE}
  - name: no-visio
    match: {everyone: true}
    action: remove
    licenses: [VISIOCLIENT]
  - name: leavers
    match: {enabled: false}
    action: remove
    licenses: all
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_protected_users_and_inherited_licenses_stay_as_they_are() {
    let user = |name: &str, more: serde_json::Value| {
        let mut user = json!({"user_principal_name": format!("{name}@contoso.com"),
            "usage_location": "FR", "licenses": ["VISIOCLIENT"]});
        for (key, value) in more.as_object().unwrap() {
            user[key] = value.clone();
        }
        user
    };
    let people = tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 20}, {"sku": "VISIOCLIENT", "enabled": 20}],
        "groups": [{"name": "Break Glass", "groups": ["Inner Ring"]}, {"name": "Inner Ring"},
                   {"name": "LIC-Visio", "licenses": ["VISIOCLIENT"]}],
        "users": [
            user("ana", json!({})),
            user("guest", json!({"guest": true})),
            user("guest-off", json!({"guest": true, "enabled": false})),
            user("glass", json!({})),
            user("glass-off", json!({"enabled": false})),
            user("nested", json!({"groups": ["Inner Ring"]})),
            user("heir", json!({"groups": ["LIC-Visio"], "licenses": []})),
            user("heir-off", json!({"groups": ["LIC-Visio"], "licenses": [], "enabled": false})),
            user("both", json!({"groups": ["LIC-Visio"]})),
        ],
    }));
    let top = "protected:\n  users: [glass@contoso.com, Glass-Off@contoso.com]\n  \
               groups: [Break Glass]\nguards: {first_plan: off, max_removals: {percent: unlimited, count: unlimited}}";
    let site = Site::with(people, calm(), top, &[("policies.yaml", POLICIES)]).await;
    let before = site.sandbox.tenant();
    let ran = site.expect(0, &["apply", "--yes"]);
    let after = site.sandbox.tenant();
    for name in ["guest", "guest-off", "glass", "glass-off", "nested"] {
        let name = format!("{name}@contoso.com");
        assert_eq!(before.user(&name), after.user(&name), "{name}");
        let id = after.user(&name).unwrap().id.to_string();
        let touched = site.sandbox.requests().into_iter().any(|seen| {
            seen.items.iter().any(|item| item.method != "GET" && item.path.contains(&id))
        });
        assert!(!touched, "{name}");
    }
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E3"]);
    assert_eq!(site.direct("heir@contoso.com"), ["SPE_E3"]);
    assert_eq!(site.direct("both@contoso.com"), ["SPE_E3"]);
    let visio = after.sku_named("VISIOCLIENT").unwrap().id;
    for name in ["heir", "heir-off", "both"] {
        let user = after.user(&format!("{name}@contoso.com")).unwrap();
        let inherits = |held: &seatkeeper::sandbox::model::Held| {
            held.sku == visio && held.direct.is_none() && !held.inherited.is_empty()
        };
        assert!(user.licenses.iter().any(inherits), "{name}: {:?}", user.licenses);
    }
    // The plan says from which group it comes, and no call is sent that Graph must refuse.
    assert!(ran.out.contains("LIC-Visio"), "{}", ran.out);
    assert!(site.history().iter().all(|entry| entry["outcome"] == "done"));
    assert_eq!(site.sandbox.counts().writes, site.sandbox.counts().writes_accepted);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_graph_refused_once_is_not_sent_again_for_anybody() {
    let user = |name: &str| json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE"});
    let people = tenant(json!({
        "skus": [{"sku": "SPE_E5", "enabled": 20}, {"sku": "SPE_F1", "enabled": 20}],
        "users": [user("ana")],
    }));
    // That their Exchange plans exclude each other is for Graph to say.
    let policies = "policies:\n  - {name: desk, match: {everyone: true}, licenses: [SPE_E5]}\n  \
                    - {name: floor, match: {everyone: true}, licenses: [SPE_F1]}\n";
    let top = "guards: {first_plan: off}";
    let site = Site::with(people, calm(), top, &[("policies.yaml", policies)]).await;
    site.expect(4, &["apply", "--yes"]);
    assert_eq!(site.sandbox.counts().writes_accepted, 0);
    let writes = site.sandbox.counts().writes;
    let again = site.expect(0, &["apply", "--yes"]);
    assert!(again.out.contains("cannot stand beside"), "{}", again.out);
    assert_eq!(site.sandbox.counts().writes, writes);
}
