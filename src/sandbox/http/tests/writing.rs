use super::*;

const UNKNOWN: &str = "11111111-2222-4333-8444-555555555555";

async fn refused(bench: &Bench, user: &str, body: Value) -> String {
    let before = bench.server.tenant();
    let answer =
        bench.send("POST", &format!("/users/{user}@contoso.com/assignLicense"), body).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "Request_BadRequest"));
    assert_eq!(bench.server.tenant(), before, "a refusal changes nothing");
    answer.message()
}

fn id(bench: &Bench, sku: &str) -> String {
    bench.server.tenant().sku_named(sku).unwrap().id.to_string()
}

#[tokio::test]
async fn every_refusal_of_assign_license_has_graphs_words() {
    let bench = Bench::small().await;
    let of = |add: &[&str], remove: &[&str]| change(&bench.server.tenant(), add, remove);
    let cases = [
        ("ana", json!({"addLicenses": []}), "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: removeLicenses.".to_owned()),
        ("ana", json!({}), "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: addLicenses, removeLicenses.".to_owned()),
        ("ana", of(&[], &[]), "No license changes provided. At least one license to add or remove must be specified.".to_owned()),
        ("ana", json!({"addLicenses": [{"skuId": "SPE_E5"}], "removeLicenses": []}), "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner exception for more details.".to_owned()),
        ("ana", json!({"addLicenses": [], "removeLicenses": [null]}), "A null value was found with the expected type 'Edm.Guid[Nullable=False]'.".to_owned()),
        ("ana", json!({"addLicenses": [{"skuId": UNKNOWN}], "removeLicenses": []}), format!("License {UNKNOWN} does not correspond to a valid company License.")),
        ("ana", of(&["ENTERPRISEPACK"], &[]), format!("License {} does not correspond to a valid company License.", id(&bench, "ENTERPRISEPACK"))),
        ("ana", of(&["SHAREPOINTSTORAGE"], &[]), format!("License {} cannot be assigned to a user.", id(&bench, "SHAREPOINTSTORAGE"))),
        ("ana", json!({"addLicenses": [{"skuId": id(&bench, "SPE_E5"), "disabledPlans": [UNKNOWN]}], "removeLicenses": []}), format!("The service plan {UNKNOWN} does not belong to the subscription with SKU {}.", id(&bench, "SPE_E5"))),
        ("ana", of(&[], &["SPE_E5"]), "User does not have a corresponding license.".to_owned()),
        ("chi", of(&[], &["VISIOCLIENT"]), "User license is inherited from a group membership and it cannot be removed directly from the user.".to_owned()),
        ("chi", of(&["SPE_E5"], &[]), "License assignment cannot be done for user with invalid usage location.".to_owned()),
        ("ana", of(&["POWER_BI_PRO"], &[]), format!("Subscription with SKU {} does not have any available licenses.", id(&bench, "POWER_BI_PRO"))),
        ("ana", of(&["SPE_F1"], &[]), "License assignment failed because service plans 4a82b400-a79f-41a4-b4e2-e94f5787b113, efb87545-963c-4e0d-99df-69c6916d9eb0 are mutually exclusive.".to_owned()),
        ("ana", of(&["SPE_E5"], &["SPE_E5"]), format!("License {} is specified more than once in the request.", id(&bench, "SPE_E5"))),
    ];
    for (user, body, message) in cases {
        assert_eq!(refused(&bench, user, body.clone()).await, message, "{body}");
    }
}

#[tokio::test]
async fn a_service_plan_needs_its_foundation() {
    let bench = Bench::small().await;
    let project = id(&bench, "PROJECTPROFESSIONAL");
    let sharepoint = "5dbe027f-2339-4123-9542-606e4d348a72";
    let body = json!({"addLicenses": [{"skuId": project, "disabledPlans": [sharepoint]}], "removeLicenses": []});
    let user = "o'neil";
    assert_eq!(
        refused(&bench, user, body.clone()).await,
        format!(
            "License assignment failed because service plan fe71d6c3-a2ea-4499-9778-da042bf08063 depends on the service plan(s) {sharepoint}"
        )
    );
    // Beside a suite that has it, it stands; and then the suite cannot go.
    let user = "ana@contoso.com";
    let path = format!("/users/{user}/assignLicense");
    assert_eq!(bench.send("POST", &path, body).await.status, 200);
    let answer = bench.assign(user, &[], &["SPE_E3"]).await;
    assert!(answer.message().contains("depends on the service plan(s)"), "{}", answer.message());
}

#[tokio::test]
async fn a_swap_is_one_call_and_moves_the_seats() {
    let bench = Bench::small().await;
    assert_eq!((bench.consumed("SPE_E3"), bench.consumed("SPE_F1")), (2, 0));
    let answer = bench.assign("ana@contoso.com", &["SPE_F1"], &["SPE_E3"]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["userPrincipalName"], "ana@contoso.com");
    assert_eq!((bench.consumed("SPE_E3"), bench.consumed("SPE_F1")), (1, 1));
    let user = bench.get("/users/ana@contoso.com?$select=assignedLicenses").await.json();
    assert_eq!(user["assignedLicenses"].as_array().unwrap().len(), 1);
    assert_eq!(user["assignedLicenses"][0]["skuId"], id(&bench, "SPE_F1"));
}

#[tokio::test]
async fn a_license_of_a_group_stays_when_the_direct_one_goes_and_keeps_its_seat() {
    let bench = Bench::small().await;
    assert_eq!(bench.consumed("VISIOCLIENT"), 2);
    assert_eq!(bench.assign("ben@contoso.com", &[], &["VISIOCLIENT"]).await.status, 200);
    assert_eq!(bench.consumed("VISIOCLIENT"), 2);
    let answer = bench.assign("ben@contoso.com", &[], &["VISIOCLIENT"]).await;
    assert!(answer.message().contains("inherited from a group membership"));
}

#[tokio::test]
async fn assigning_again_replaces_the_service_plans_and_takes_no_seat() {
    let bench = Bench::small().await;
    let sku = id(&bench, "SPE_E3");
    let sway = "a23b959c-7ce8-4e57-9140-b90eb88a9e97";
    let path = "/users/ana@contoso.com/assignLicense";
    for (disabled, shown) in [(json!([sway]), json!([sway])), (json!([]), json!([]))] {
        let body = json!({"addLicenses": [{"skuId": sku, "disabledPlans": disabled}], "removeLicenses": []});
        assert_eq!(bench.send("POST", path, body).await.status, 200);
        let user = bench.get("/users/ana@contoso.com?$select=assignedLicenses").await.json();
        assert_eq!(user["assignedLicenses"][0]["disabledPlans"], shown);
        assert_eq!(bench.consumed("SPE_E3"), 2);
    }
}

#[tokio::test]
async fn one_bad_license_fails_the_whole_call() {
    let bench = Bench::small().await;
    let body = change(&bench.server.tenant(), &["SPE_E5", "POWER_BI_PRO"], &["SPE_E3"]);
    let message = refused(&bench, "ana", body).await;
    assert!(message.contains("does not have any available licenses"));
}

#[tokio::test]
async fn nobody_exists_who_does_not() {
    let bench = Bench::small().await;
    let answer = bench.assign(UNKNOWN, &["SPE_E5"], &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "Request_ResourceNotFound"));
}

#[tokio::test]
async fn a_location_is_written_and_then_a_license_can_be() {
    let bench = Bench::small().await;
    let path = "/users/chi@contoso.com";
    let body = json!({"@odata.type": "#microsoft.graph.user", "usageLocation": "no"});
    let answer = bench.send("PATCH", path, body).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let user = bench.get("/users/chi@contoso.com?$select=usageLocation").await.json();
    assert_eq!(user["usageLocation"], "NO");
    assert_eq!(bench.assign("chi@contoso.com", &["SPE_E5"], &[]).await.status, 200);
    for wrong in ["Germany", "UK", ""] {
        let answer = bench.send("PATCH", path, json!({"usageLocation": wrong})).await;
        assert_eq!(
            answer.message(),
            "Invalid value specified for property 'usageLocation' of resource 'User'."
        );
    }
    assert_eq!(bench.send("PATCH", path, json!({"usageLocation": null})).await.status, 400);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let bench = Bench::small().await;
    let request = bench.request("POST", "/users/ana@contoso.com/assignLicense");
    let request = request.header("content-type", "application/json").body("{");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"));
}

#[tokio::test]
async fn a_body_may_be_packed_with_gzip_and_with_nothing_else() {
    let bench = Bench::small().await;
    let body = change(&bench.server.tenant(), &["SPE_E5"], &[]).to_string();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, body.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let sent = async |encoding: &str, body: Vec<u8>| {
        let request = bench.request("POST", "/users/ana@contoso.com/assignLicense");
        let request = request.header("content-type", "application/json");
        request.header("content-encoding", encoding).body(body).send().await.unwrap().status()
    };
    assert_eq!(sent("br", packed.clone()).await, 415);
    assert_eq!(sent("gzip", b"no gzip".to_vec()).await, 400);
    assert_eq!(bench.consumed("SPE_E5"), 0);
    assert_eq!(sent("gzip", packed).await, 200);
    assert_eq!(bench.consumed("SPE_E5"), 1);
}

#[tokio::test]
async fn reads_lag_behind_writes_by_requests() {
    let options = Options { lag: Lag::Requests(2), ..Options::default() };
    let bench = Bench::new(small(), options).await;
    let held = async || {
        let user = bench.get("/users/ana@contoso.com?$select=assignedLicenses").await.json();
        user["assignedLicenses"].as_array().unwrap().len()
    };
    assert_eq!(bench.assign("ana@contoso.com", &["SPE_E5"], &[]).await.status, 200);
    assert_eq!(bench.consumed("SPE_E5"), 1);
    assert_eq!((held().await, held().await, held().await), (1, 1, 2));
    assert_eq!(bench.assign("ana@contoso.com", &[], &["SPE_E5"]).await.status, 200);
    let seats = async || {
        let body = bench.get("/subscribedSkus?$select=skuPartNumber,consumedUnits").await.json();
        let skus = body["value"].as_array().unwrap().clone();
        skus.iter().find(|sku| sku["skuPartNumber"] == "SPE_E5").unwrap()["consumedUnits"].clone()
    };
    assert_eq!((seats().await, seats().await, seats().await), (json!(1), json!(1), json!(0)));
}

#[tokio::test]
async fn an_administrator_elsewhere_can_change_the_tenant() {
    let bench = Bench::small().await;
    let tenant = bench.server.tenant();
    let group = tenant.groups_named("Engineering").next().unwrap().id;
    let (ana, chi) = ("ana@contoso.com", "chi@contoso.com");
    let ids = [ana, chi].map(|name| tenant.user(name).unwrap().id);
    let path = format!("/groups/{group}/transitiveMembers?$select=id");
    assert_eq!(bench.get(&path).await.values("id").len(), 3);
    bench.server.change(|tenant| {
        tenant.set_membership(group, ids[0], false);
        tenant.set_enabled(ids[1], false);
    });
    assert_eq!(bench.get(&path).await.values("id").len(), 2);
    let user = bench.get(&format!("/users/{chi}?$select=accountEnabled")).await.json();
    assert_eq!(user["accountEnabled"], false);
    let check = json!({"groupIds": [group.to_string()]});
    let answer = bench.send("POST", &format!("/users/{ana}/checkMemberGroups"), check).await;
    assert_eq!(answer.json()["value"], json!([]));
}

#[tokio::test]
async fn reads_lag_behind_writes_by_time() {
    let now = Arc::new(Mutex::new("2026-11-23T09:00:00Z".parse::<jiff::Timestamp>().unwrap()));
    let told = now.clone();
    let clock = Clock::Ask(Arc::new(move || *told.lock().unwrap()));
    let lag = Lag::For(Duration::from_secs(5));
    let bench = Bench::new(small(), Options { lag, clock, ..Options::default() }).await;
    let path = "/users/ana@contoso.com";
    let shown = async || {
        bench.get(&format!("{path}?$select=usageLocation")).await.json()["usageLocation"].clone()
    };
    for country in ["FR", "IT"] {
        let answer = bench.send("PATCH", path, json!({"usageLocation": country})).await;
        assert_eq!(answer.status, 204);
        *now.lock().unwrap() += jiff::SignedDuration::from_secs(3);
    }
    // The first write is six seconds old, the second three.
    assert_eq!(shown().await, "FR");
    *now.lock().unwrap() += jiff::SignedDuration::from_secs(2);
    assert_eq!(shown().await, "IT");
}
