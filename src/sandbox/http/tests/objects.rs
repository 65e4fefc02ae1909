use super::*;

#[tokio::test]
async fn license_details_name_what_is_on_and_off() {
    let bench = Bench::small().await;
    let tenant = bench.server.tenant();
    let visio = tenant.sku_named("VISIOCLIENT").unwrap();
    let off = visio.service_plans[0].id;
    let body = json!({"addLicenses": [{"skuId": visio.id.to_string(), "disabledPlans": [off.to_string()]}], "removeLicenses": []});
    assert_eq!(bench.send("POST", "/users/ana@contoso.com/assignLicense", body).await.status, 200);
    let details = bench.get("/users/ana@contoso.com/licenseDetails").await;
    let mut skus = details.values("skuPartNumber");
    skus.sort();
    assert_eq!(skus, ["SPE_E3", "VISIOCLIENT"]);
    let details = details.json();
    let details = details["value"].as_array().unwrap();
    let visio = details.iter().find(|one| one["skuPartNumber"] == "VISIOCLIENT").unwrap();
    for plan in visio["servicePlans"].as_array().unwrap() {
        let state = if plan["servicePlanId"] == off.to_string() { "Disabled" } else { "Success" };
        assert_eq!(plan["provisioningStatus"], state, "{plan}");
    }
    assert_eq!(bench.get("/users/nobody@contoso.com/licenseDetails").await.status, 404);
}

#[tokio::test]
async fn a_user_shows_the_groups_above() {
    let bench = Bench::small().await;
    let names = async |path: &str| {
        let mut names = bench.get(path).await.values("displayName");
        names.sort();
        names
    };
    // The two contain each other; the hidden one is not shown.
    assert_eq!(names("/users/ana@contoso.com/memberOf").await, ["Engineering"]);
    let above = "/users/ana@contoso.com/transitiveMemberOf";
    assert_eq!(names(above).await, ["Engineering", "Platform"]);
    let cast = "/users/ana@contoso.com/memberOf/microsoft.graph.group";
    assert_eq!(bench.get(cast).await.code(), "Request_UnsupportedQuery");
    assert_eq!(bench.eventually(cast).await.values("displayName"), ["Engineering"]);
    assert!(bench.eventually(cast).await.json()["value"][0].get("@odata.type").is_none());
}

#[tokio::test]
async fn objects_are_found_by_id_and_others_left_out() {
    let bench = Bench::small().await;
    let tenant = bench.server.tenant();
    let ana = tenant.user("ana@contoso.com").unwrap().id.to_string();
    let group = tenant.groups_named("LIC-Visio").next().unwrap().id.to_string();
    let unknown = "11111111-2222-4333-8444-555555555555";
    let ask = async |body: Value| bench.send("POST", "/directoryObjects/getByIds", body).await;
    let found = ask(json!({"ids": [ana, group, unknown]})).await;
    let mut kinds = found.values("@odata.type");
    kinds.sort();
    assert_eq!(kinds, ["#microsoft.graph.group", "#microsoft.graph.user"]);
    let users = ask(json!({"ids": [ana, group], "types": ["user"]})).await;
    assert_eq!(users.values("id"), [ana]);
    assert_eq!(ask(json!({"ids": ["x"]})).await.status, 400);
    assert_eq!(ask(json!({"ids": vec![unknown; 1_001]})).await.status, 400);
    assert_eq!(bench.server.counts().writes, 0, "a question is no write");
}

#[tokio::test]
async fn one_sku_is_read_by_its_id() {
    let bench = Bench::small().await;
    let id = bench.get("/subscribedSkus").await.values("id").remove(0);
    let one = bench.get(&format!("/subscribedSkus/{id}?$select=skuPartNumber")).await.json();
    assert_eq!(one["id"], id);
    assert!(one["skuPartNumber"].is_string() && one.get("prepaidUnits").is_none());
    assert_eq!(bench.get("/subscribedSkus/x").await.status, 404);
}

#[tokio::test]
async fn administrative_units_hold_users_and_keep_others_out() {
    let document: TenantDocument = serde_json::from_value(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 5}],
        "units": [{"name": "Germany"}, {"name": "Board", "restricted": true, "hidden": true}],
        "users": [
            {"user_principal_name": "ana@contoso.com", "usage_location": "DE", "units": ["Germany"]},
            {"user_principal_name": "gus@contoso.com", "usage_location": "DE", "units": ["Board"]}
        ]
    }))
    .unwrap();
    let tenant = Tenant::from_document(&document).unwrap();
    let roles = Role::ALL.into_iter().filter(|role| *role != Role::MemberReadHidden).collect();
    let bench = Bench::new(tenant, Options { roles, ..Options::default() }).await;
    let units = bench.get("/directory/administrativeUnits").await;
    let members = async |name: &str| {
        let place = units.values("displayName").iter().position(|other| other == name).unwrap();
        let id = &units.values("id")[place];
        bench
            .get(&format!("/directory/administrativeUnits/{id}/members?$select=userPrincipalName"))
            .await
    };
    assert_eq!(members("Germany").await.values("userPrincipalName"), ["ana@contoso.com"]);
    assert_eq!(members("Board").await.json()["value"], json!([]), "hidden members are not shown");
    let gus = "/users/gus@contoso.com";
    let shown = bench.get(&format!("{gus}?$select=isManagementRestricted")).await.json();
    assert_eq!(shown["isManagementRestricted"], true);
    let answer = bench.send("PATCH", gus, json!({"usageLocation": "FR"})).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "Authorization_RequestDenied"));
    assert_eq!(bench.assign("gus@contoso.com", &["SPE_E3"], &[]).await.status, 403);
    assert_eq!(bench.assign("ana@contoso.com", &["SPE_E3"], &[]).await.status, 200);
    assert_eq!(bench.get("/directory/administrativeUnits/x").await.status, 404);
}

#[tokio::test]
async fn relations_are_expanded_one_of_one_level_and_twenty_at_most() {
    let bench = Bench::new(Tenant::company(400, 3), Options::default()).await;
    let groups = bench.get("/groups?$expand=members($select=id)&$top=999").await.json();
    let sizes: Vec<usize> = groups["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["members"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes.iter().max(), Some(&20));
    assert!(groups["value"][0]["members"][0].get("displayName").is_none());
    let user = bench.get("/users?$top=1").await.values("id").remove(0);
    let expanded = bench.get(&format!("/users/{user}?$expand=memberOf")).await.json();
    let listed = bench.get(&format!("/users/{user}/memberOf")).await;
    assert_eq!(expanded["memberOf"].as_array().unwrap().len(), listed.values("id").len());
    for wrong in ["members,owners", "owners", "members/members", "members($top=5)", "members("] {
        let answer = bench.get(&format!("/groups?$expand={wrong}")).await;
        assert_eq!(answer.code(), "Request_UnsupportedQuery", "{wrong}");
    }
    let advanced = bench.eventually("/groups?$expand=members&$count=true").await;
    assert_eq!(advanced.code(), "Request_UnsupportedQuery");
}

#[tokio::test]
async fn users_are_searched_and_sorted_over_pages() {
    let bench = Bench::new(Tenant::company(120, 3), Options::default()).await;
    let mut path = "/users?$select=displayName&$orderby=displayName desc&$top=50".to_owned();
    let mut names = Vec::new();
    loop {
        let page = bench.get(&path).await;
        names.extend(page.values("displayName"));
        match page.json().get("@odata.nextLink") {
            Some(next) => path = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| std::cmp::Reverse(name.to_lowercase()));
    assert_eq!((names.len(), &names), (120, &sorted));
    let word = names[0].split(' ').next().unwrap().to_lowercase();
    let search = format!("/users?$select=displayName&$count=true&$search=\"displayName:{word}\"");
    let found = bench.eventually(&search).await;
    assert!(found.values("displayName").contains(&names[0]));
    assert_eq!(found.json()["@odata.count"], found.values("displayName").len());
    assert_eq!(bench.get(&search).await.code(), "Request_UnsupportedQuery");
    let both = "/users?$filter=accountEnabled eq true&$orderby=displayName";
    assert_eq!(bench.get(both).await.code(), "Request_UnsupportedQuery");
    assert_eq!(bench.eventually(&format!("{both}&$count=true")).await.status, 200);
}
