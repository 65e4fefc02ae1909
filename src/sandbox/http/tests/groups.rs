use super::*;

/// Two members without the license that their group is about to carry, and one seat less than needed.
fn crew() -> Tenant {
    let document: TenantDocument = serde_json::from_value(json!({
        "skus": [
            {"sku": "VISIOCLIENT", "enabled": 1},
            {"sku": "SPE_E3", "enabled": 5, "not_in": ["CN"]},
            {"sku": "SPE_F1", "enabled": 5},
            {"sku": "PROJECTPROFESSIONAL", "enabled": 5}
        ],
        "groups": [{"name": "Crew"}, {"name": "Suite", "licenses": ["SPE_E3"]}],
        "users": [
            {"user_principal_name": "ana@contoso.com", "usage_location": "DE", "groups": ["Crew"]},
            {"user_principal_name": "ben@contoso.com", "usage_location": "DE", "groups": ["Crew"]},
            {"user_principal_name": "fay@contoso.com", "usage_location": "CN", "groups": ["Suite"]},
            {"user_principal_name": "gus@contoso.com", "usage_location": "DE", "groups": ["Suite"]}
        ]
    }))
    .unwrap();
    Tenant::from_document(&document).unwrap()
}

fn group(bench: &Bench, name: &str) -> String {
    bench.server.tenant().groups_named(name).next().unwrap().id.to_string()
}

/// State and error of what groups give a user.
async fn states(bench: &Bench, user: &str) -> Vec<(String, String)> {
    let path = format!("/users/{user}@contoso.com?$select=licenseAssignmentStates");
    let user = bench.get(&path).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let states = user["licenseAssignmentStates"].as_array().unwrap().iter();
    states
        .filter(|state| !state["assignedByGroup"].is_null())
        .map(|state| (text(&state["state"]), text(&state["error"])))
        .collect()
}

fn told(state: &str, error: &str) -> Vec<(String, String)> {
    vec![(state.to_owned(), error.to_owned())]
}

#[tokio::test]
async fn a_group_is_worked_through_some_time_after_it_was_asked() {
    let lags = Lags { groups: Lag::Requests(4), ..Lags::default() };
    let bench = Bench::new(crew(), Options { lags, ..Options::default() }).await;
    let crew = group(&bench, "Crew");
    let body = change(&bench.server.tenant(), &["SPE_F1"], &[]);
    let answer = bench.send("POST", &format!("/groups/{crew}/assignLicense"), body).await;
    assert_eq!((answer.status, answer.json()["id"].clone()), (202, json!(crew)));
    let mut seen = Vec::new();
    for _ in 0..6 {
        let path = format!("/groups/{crew}?$select=licenseProcessingState");
        let state = bench.get(&path).await.json()["licenseProcessingState"]["state"].clone();
        seen.push((state.as_str().unwrap().to_owned(), bench.consumed("SPE_F1")));
    }
    let words: Vec<_> = seen.iter().map(|(state, seats)| (state.as_str(), *seats)).collect();
    let (queued, working, done) =
        ("QueuedForProcessing", "ProcessingInProgress", "ProcessingComplete");
    assert_eq!(words, [(queued, 0), (queued, 0), (working, 0), (working, 0), (done, 2), (done, 2)]);
    assert_eq!(states(&bench, "ana").await, told("Active", "None"));
}

#[tokio::test]
async fn who_gets_no_seat_is_told_and_asks_again_when_there_is_one() {
    let bench = Bench::new(crew(), Options::default()).await;
    let crew = group(&bench, "Crew");
    let body = change(&bench.server.tenant(), &["VISIOCLIENT"], &[]);
    bench.send("POST", &format!("/groups/{crew}/assignLicense"), body).await;
    let both = [states(&bench, "ana").await, states(&bench, "ben").await];
    let error = told("Error", "CountViolation");
    assert_eq!(both.iter().filter(|states| **states == error).count(), 1);
    let (lucky, other) = if both[0] == error { ("ben", "ana") } else { ("ana", "ben") };
    let failing = bench.get("/groups?$filter=hasMembersWithLicenseErrors eq true").await;
    assert_eq!(failing.values("displayName").len(), 2, "Suite has somebody in China");
    let members = bench.get(&format!("/groups/{crew}/membersWithLicenseErrors")).await;
    assert_eq!(members.values("displayName"), [other]);
    let again = format!("/users/{other}@contoso.com/reprocessLicenseAssignment");
    let refused = bench.send("POST", &again, json!({})).await;
    assert!(refused.message().contains("does not have any available licenses"));
    // A seat that came free wakes nobody.
    bench.server.change(|tenant| {
        let id = tenant.user(&format!("{lucky}@contoso.com")).unwrap().id;
        tenant.delete_user(id, "2026-11-23T09:00:00Z".parse().unwrap());
    });
    assert_eq!(states(&bench, other).await, error);
    assert_eq!(bench.send("POST", &again, json!({})).await.status, 200);
    assert_eq!(states(&bench, other).await, told("Active", "None"));
}

#[tokio::test]
async fn a_product_is_not_given_where_it_must_not_be_used() {
    let bench = Bench::new(crew(), Options::default()).await;
    let prohibited = told("Error", "ProhibitedInUsageLocationViolation");
    assert_eq!(states(&bench, "fay").await, prohibited);
    assert_eq!(states(&bench, "gus").await, told("Active", "None"));
    let direct = bench.assign("fay@contoso.com", &["SPE_E3"], &[]).await;
    assert_eq!(direct.status, 400);
    bench.send("PATCH", "/users/fay@contoso.com", json!({"usageLocation": "DE"})).await;
    let again = "/users/fay@contoso.com/reprocessLicenseAssignment";
    assert_eq!(bench.send("POST", again, json!({})).await.status, 200);
    assert_eq!(states(&bench, "fay").await, told("Active", "None"));
}

#[tokio::test]
async fn what_another_license_needs_lingers_after_its_group() {
    let bench = Bench::new(crew(), Options::default()).await;
    let tenant = bench.server.tenant();
    let sharepoint = "5dbe027f-2339-4123-9542-606e4d348a72";
    let project = tenant.sku_named("PROJECTPROFESSIONAL").unwrap().id.to_string();
    let body = json!({"addLicenses": [{"skuId": project, "disabledPlans": [sharepoint]}], "removeLicenses": []});
    let answer = bench.send("POST", "/users/gus@contoso.com/assignLicense", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let suite = group(&bench, "Suite");
    let path = format!("/groups/{suite}/assignLicense");
    let gone = change(&tenant, &[], &["SPE_E3"]);
    assert_eq!(bench.send("POST", &path, gone.clone()).await.status, 202);
    assert_eq!(states(&bench, "gus").await, told("ActiveWithError", "DependencyViolation"));
    assert_eq!(bench.consumed("SPE_E3"), 1);
    let again = bench.send("POST", &path, gone).await;
    assert_eq!(again.message(), "User does not have a corresponding license.");
    // Once nothing needs it, it goes when somebody asks.
    bench.assign("gus@contoso.com", &[], &["PROJECTPROFESSIONAL"]).await;
    let reprocess = "/users/gus@contoso.com/reprocessLicenseAssignment";
    assert_eq!(bench.send("POST", reprocess, json!({})).await.status, 200);
    assert_eq!(states(&bench, "gus").await, []);
    assert_eq!(bench.consumed("SPE_E3"), 0);
}

#[tokio::test]
async fn the_audit_log_tells_of_licenses_latest_first() {
    let bench = Bench::new(crew(), Options::default()).await;
    bench.assign("ana@contoso.com", &["SPE_F1"], &[]).await;
    bench.assign("fay@contoso.com", &["SPE_E3"], &[]).await;
    let crew = group(&bench, "Crew");
    let body = change(&bench.server.tenant(), &["VISIOCLIENT"], &[]);
    bench.send("POST", &format!("/groups/{crew}/assignLicense"), body).await;
    let all = bench.get("/auditLogs/directoryAudits").await;
    assert_eq!(
        all.values("activityDisplayName"),
        [
            "Finish applying group based license to users",
            "Change user license",
            "Change user license",
            "Start applying group based license to users",
            "Set group license",
            "Change user license",
            "Change user license",
        ]
    );
    let failed = bench.get("/auditLogs/directoryAudits?$filter=result eq 'failure'").await;
    let target = failed.json()["value"][0]["targetResources"][0]["userPrincipalName"].clone();
    assert_eq!((failed.values("id").len(), target), (1, json!("fay@contoso.com")));
    let later = "/auditLogs/directoryAudits?$filter=activityDateTime ge 2026-11-24T00:00:00Z";
    assert_eq!(bench.get(later).await.json()["value"], json!([]));
    let page = bench.get("/auditLogs/directoryAudits?$top=3").await.json();
    let rest = bench.get(page["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(rest.values("id").len(), 3);
    let wrong = bench.get("/auditLogs/directoryAudits?$filter=shoeSize eq '5'").await;
    assert_eq!(wrong.code(), "Request_UnsupportedQuery");
}

#[tokio::test]
async fn an_address_that_is_taken_and_a_location_kept_on_premises_are_refused() {
    let document: TenantDocument = serde_json::from_value(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 5}, {"sku": "VISIOCLIENT", "enabled": 5}],
        "users": [
            {"user_principal_name": "eve@contoso.com", "usage_location": "DE", "obstacles": ["address_taken"]},
            {"user_principal_name": "ian@contoso.com", "obstacles": ["location_synced"]}
        ]
    }))
    .unwrap();
    let tenant = Tenant::from_document(&document).unwrap();
    let bench = Bench::new(tenant, Options::default()).await;
    let taken = bench.assign("eve@contoso.com", &["SPE_E3"], &[]).await;
    assert_eq!(
        taken.message(),
        "Another object with the same value for property proxyAddresses already exists."
    );
    assert_eq!(bench.assign("eve@contoso.com", &["VISIOCLIENT"], &[]).await.status, 200);
    let ian = bench.send("PATCH", "/users/ian@contoso.com", json!({"usageLocation": "DE"})).await;
    assert!(ian.message().starts_with("Unable to update the specified properties for on-premises"));
    assert!(bench.server.tenant().user("ian@contoso.com").unwrap().usage_location.is_none());
}

#[tokio::test]
async fn who_joins_and_leaves_a_group_gains_and_loses_what_it_carries() {
    let lags = Lags { groups: Lag::Requests(2), ..Lags::default() };
    let options = Options { lags, follows_groups: true, ..Options::default() };
    let bench = Bench::new(crew(), options).await;
    let tenant = bench.server.tenant();
    let suite = tenant.groups_named("Suite").next().unwrap().id;
    let ids = ["ana@contoso.com", "gus@contoso.com"].map(|name| tenant.user(name).unwrap().id);
    bench.server.change(|tenant| {
        tenant.set_membership(suite, ids[0], true);
        tenant.set_membership(suite, ids[1], false);
    });
    assert_eq!(states(&bench, "ana").await, [], "the work takes a while");
    assert_eq!(states(&bench, "gus").await, told("Active", "None"));
    assert_eq!(states(&bench, "gus").await, []);
    assert_eq!(states(&bench, "ana").await, told("Active", "None"));
    bench.server.change(|tenant| tenant.delete_group(suite));
    for _ in 0..3 {
        bench.get("/domains").await;
    }
    assert_eq!((states(&bench, "ana").await, bench.consumed("SPE_E3")), (vec![], 0));
    // Elsewhere groups are worked through when a request says so alone.
    let bench = Bench::new(crew(), Options::default()).await;
    bench.server.change(|tenant| tenant.set_membership(suite, ids[1], false));
    assert_eq!(states(&bench, "gus").await, told("Active", "None"));
}
