use super::*;

#[tokio::test]
async fn users_come_with_default_properties_unless_others_are_selected() {
    let bench = Bench::small().await;
    let body = bench.get("/users").await.json();
    let keys: Vec<_> = body["value"][0].as_object().unwrap().keys().cloned().collect();
    let defaults = [
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    ];
    assert_eq!(keys, defaults);
    let body = bench.get("/users?%24select=usageLocation,userPrincipalName").await.json();
    let keys: Vec<_> = body["value"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "usageLocation", "userPrincipalName"]);
    let context = body["@odata.context"].as_str().unwrap();
    assert!(context.ends_with("/v1.0/$metadata#users(usageLocation,userPrincipalName)"));
}

#[tokio::test]
async fn an_unknown_property_is_refused() {
    let bench = Bench::small().await;
    let answer = bench.get("/users?$select=id,shoeSize").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"));
    assert_eq!(
        answer.message(),
        "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'."
    );
}

#[tokio::test]
async fn a_list_does_not_show_what_is_not_in_the_directory() {
    let bench = Bench::small().await;
    let answer = bench.get("/users?$select=id,aboutMe").await;
    assert_eq!((answer.status, answer.code().as_str()), (501, "NotImplemented"));
}

#[tokio::test]
async fn licenses_show_with_their_sources() {
    let bench = Bench::small().await;
    let user = bench
        .get("/users/ben@contoso.com?$select=assignedLicenses,licenseAssignmentStates")
        .await
        .json();
    assert_eq!(user["assignedLicenses"].as_array().unwrap().len(), 2);
    let states = user["licenseAssignmentStates"].as_array().unwrap();
    let visio = bench.server.tenant().sku_named("VISIOCLIENT").unwrap().id.to_string();
    let visio: Vec<_> = states.iter().filter(|state| state["skuId"] == visio).collect();
    assert_eq!(visio.len(), 2);
    assert_eq!(visio[0]["assignedByGroup"], Value::Null);
    let group = bench.server.tenant().groups_named("LIC-Visio").next().unwrap().id.to_string();
    assert_eq!(visio[1]["assignedByGroup"], group);
    for state in visio {
        assert_eq!(
            (state["state"].as_str(), state["error"].as_str()),
            (Some("Active"), Some("None"))
        );
    }
}

#[tokio::test]
async fn pages_lead_to_all_users_once() {
    let bench = Bench::new(Tenant::company(250, 3), Options::default()).await;
    let mut path = "/users?$select=id&$top=99".to_owned();
    let mut ids = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = bench.get(&path).await;
        ids.extend(page.values("id"));
        sizes.push(page.values("id").len());
        match page.json().get("@odata.nextLink") {
            Some(next) => path = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(sizes, [99, 99, 52]);
    let all: Vec<_> =
        bench.server.tenant().users().iter().map(|user| user.id.to_string()).collect();
    assert_eq!(ids, all);
}

#[tokio::test]
async fn a_next_link_is_whole_and_its_token_opaque() {
    let bench = Bench::small().await;
    let page = bench.get("/users?$top=2&$select=id").await.json();
    let next = page["@odata.nextLink"].as_str().unwrap().to_owned();
    let start = format!("{}/v1.0/users?$top=2&$select=id&$skiptoken=", bench.server.url());
    assert!(next.starts_with(&start), "{next}");
    let answer = bench.get(&format!("{next}x")).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "Directory_ExpiredPageToken"));
    assert_eq!(bench.get(&next.replace("/users?", "/groups?")).await.status, 400);
    assert_eq!(bench.get(&next).await.status, 200);
}

#[tokio::test]
async fn a_page_holds_a_hundred_and_at_most_999() {
    let bench = Bench::new(Tenant::company(1_200, 3), Options::default()).await;
    assert_eq!(bench.get("/users?$select=id").await.values("id").len(), 100);
    assert_eq!(bench.get("/users?$select=id&$top=999").await.values("id").len(), 999);
    let answer = bench.get("/users?$top=1000").await;
    assert_eq!(
        answer.message(),
        "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."
    );
}

#[tokio::test]
async fn users_are_counted_in_advanced_queries_only() {
    let bench = Bench::small().await;
    let plain = bench.get("/users?$count=true&$top=2").await.json();
    assert!(plain.get("@odata.count").is_none());
    let first = bench.eventually("/users?$count=true&$top=2").await.json();
    assert_eq!(first["@odata.count"], 5);
    let second = bench.eventually(first["@odata.nextLink"].as_str().unwrap()).await.json();
    assert!(second.get("@odata.count").is_none());
    assert_eq!(bench.get("/users/$count").await.message(), "$count is not currently supported.");
    assert_eq!(bench.eventually("/users/$count").await.text, "5");
}

#[tokio::test]
async fn users_are_filtered() {
    let bench = Bench::small().await;
    let names = async |filter: &str| {
        let path = format!("/users?$select=userPrincipalName&$filter={filter}");
        let mut names = bench.get(&path).await.values("userPrincipalName");
        names.sort();
        names
    };
    assert_eq!(names("userPrincipalName eq 'ANA@contoso.com'").await, ["ana@contoso.com"]);
    assert_eq!(names("userPrincipalName eq 'o''neil@contoso.com'").await, ["o'neil@contoso.com"]);
    assert_eq!(names("startsWith(userPrincipalName,'b')").await, ["ben@contoso.com"]);
    assert_eq!(names("accountEnabled eq false").await, ["dev@contoso.com"]);
    assert_eq!(names("onPremisesSyncEnabled eq true").await, ["ana@contoso.com"]);
    let count = "/users/$count?$filter=assignedLicenses/$count eq 0";
    assert_eq!(bench.eventually(count).await.text, "1");
    let two = ["ana@contoso.com", "ben@contoso.com"];
    assert_eq!(names("userPrincipalName in ('ben@contoso.com','ana@contoso.com')").await, two);
    let answer = bench.get("/users?$filter=onPremisesDomainName eq 'corp.contoso.com'").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "Request_UnsupportedQuery"));
    assert_eq!(bench.get("/users?$skip=1").await.status, 400);
}

#[tokio::test]
async fn a_filter_goes_on_over_pages() {
    let bench = Bench::new(Tenant::company(400, 3), Options::default()).await;
    let mut path = "/users?$top=7&$filter=startsWith(userPrincipalName,'a')".to_owned();
    let mut found = 0;
    loop {
        let page = bench.get(&path).await;
        found += page.values("id").len();
        let Some(next) = page.json().get("@odata.nextLink").cloned() else { break };
        path = next.as_str().unwrap().to_owned();
    }
    let tenant = bench.server.tenant();
    let wanted = tenant.users().iter().filter(|user| user.principal_name.starts_with('a'));
    assert!(found > 7);
    assert_eq!(found, wanted.count());
}

#[tokio::test]
async fn members_come_with_their_type_and_once_in_spite_of_a_cycle() {
    let bench = Bench::small().await;
    let id = bench.server.tenant().groups_named("Engineering").next().unwrap().id;
    let direct = bench.get(&format!("/groups/{id}/members?$select=id,userPrincipalName")).await;
    let types = direct.values("@odata.type");
    assert_eq!(types, ["#microsoft.graph.group", "#microsoft.graph.user"]);
    let all = bench.get(&format!("/groups/{id}/transitiveMembers?$select=id,displayName")).await;
    let mut names = all.values("displayName");
    names.sort();
    assert_eq!(names, ["Platform", "ana", "ben"]);
    assert_eq!(all.headers["x-ms-resource-unit"], "4");
}

#[tokio::test]
async fn a_cast_to_users_needs_the_header() {
    let bench = Bench::small().await;
    let id = bench.server.tenant().groups_named("Engineering").next().unwrap().id;
    for cast in ["microsoft.graph.user", "graph.user"] {
        let path = format!("/groups/{id}/transitiveMembers/{cast}?$select=id&$count=true");
        assert_eq!(bench.get(&path).await.code(), "Request_UnsupportedQuery");
        let answer = bench.eventually(&path).await.json();
        assert_eq!(answer["@odata.count"], 2);
        assert!(answer["value"][0].get("@odata.type").is_none());
    }
}

#[tokio::test]
async fn a_hidden_group_looks_empty_without_the_permission() {
    let mut bench = Bench::small().await;
    let id = bench.server.tenant().groups_named("Council").next().unwrap().id;
    let ana = bench.server.tenant().user("ana@contoso.com").unwrap().id;
    let check = json!({"groupIds": [id.to_string()]});
    let path = format!("/users/{ana}/checkMemberGroups");
    assert!(bench.get(&format!("/groups/{id}/members")).await.values("id").is_empty());
    assert_eq!(bench.send("POST", &path, check.clone()).await.json()["value"], json!([]));
    let group = bench.get(&format!("/groups/{id}?$select=visibility")).await.json();
    assert_eq!(group["visibility"], "HiddenMembership");
    let mut roles = Role::usual();
    roles.insert(Role::MemberReadHidden);
    bench.server.set_roles(roles);
    bench.sign_in().await;
    let members = bench.get(&format!("/groups/{id}/members")).await.values("id");
    assert_eq!(members, [ana.to_string()]);
    let found = bench.send("POST", &path, check).await.json();
    assert_eq!(found["value"], json!([id.to_string()]));
}

#[tokio::test]
async fn members_are_stubs_for_an_app_that_may_not_read_users() {
    let mut bench = Bench::small().await;
    bench.server.set_roles(BTreeSet::from([Role::GroupMemberReadAll]));
    bench.sign_in().await;
    let id = bench.server.tenant().groups_named("LIC-Visio").next().unwrap().id;
    let page = bench.get(&format!("/groups/{id}/members?$select=id,displayName")).await.json();
    let first = &page["value"][0];
    assert_eq!(
        (&first["@odata.type"], &first["displayName"]),
        (&json!("#microsoft.graph.user"), &Value::Null)
    );
    assert!(first["id"].is_string());
}

#[tokio::test]
async fn nested_membership_is_told_by_checking_too() {
    let bench = Bench::small().await;
    let tenant = bench.server.tenant();
    let id = |name: &str| tenant.groups_named(name).next().unwrap().id.to_string();
    let asked = json!({"groupIds": [id("Engineering"), id("LIC-Visio"), id("Council")]});
    let answer = bench.send("POST", "/users/ben@contoso.com/checkMemberGroups", asked).await;
    assert_eq!(answer.json()["value"], json!([id("Engineering"), id("LIC-Visio")]));
    let many = json!({"groupIds": vec![id("Council"); 21]});
    let answer = bench.send("POST", "/users/ben@contoso.com/checkMemberGroups", many).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn groups_are_listed_and_filtered() {
    let bench = Bench::small().await;
    let all = bench.get("/groups?$select=id,displayName,visibility,assignedLicenses").await;
    assert_eq!(all.values("displayName").len(), 4);
    let one = bench.get("/groups?$filter=displayName eq 'council'&$select=displayName").await;
    assert_eq!(one.values("displayName"), ["Council"]);
    let id = &all.values("id")[2];
    let one = bench.get(&format!("/groups?$filter=id in ('{id}')")).await;
    assert_eq!(one.values("id"), [id.as_str()]);
    let missing = bench.get("/groups/11111111-2222-4333-8444-555555555555").await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "Request_ResourceNotFound"));
}

#[tokio::test]
async fn products_are_told_with_their_seats() {
    let bench = Bench::small().await;
    let body = bench.get("/subscribedSkus").await.json();
    let sku = |name: &str| {
        let skus = body["value"].as_array().unwrap();
        skus.iter().find(|sku| sku["skuPartNumber"] == name).unwrap().clone()
    };
    let e5 = sku("SPE_E5");
    assert_eq!(
        e5["prepaidUnits"],
        json!({"enabled": 3, "suspended": 0, "warning": 0, "lockedOut": 0})
    );
    assert_eq!(e5["servicePlans"].as_array().unwrap().len(), 86);
    assert_eq!(e5["id"], format!("{}_{}", bench.server.tenant_id, e5["skuId"].as_str().unwrap()));
    assert_eq!(sku("VISIOCLIENT")["consumedUnits"], 2);
    assert_eq!(sku("SHAREPOINTSTORAGE")["appliesTo"], "Company");
    assert_eq!(sku("ENTERPRISEPACK")["capabilityStatus"], "Suspended");
}

#[tokio::test]
async fn organisation_and_domains_are_told() {
    let bench = Bench::small().await;
    let organization = bench.get("/organization?$select=id,verifiedDomains").await.json();
    assert_eq!(organization["value"][0]["id"], bench.server.tenant_id);
    assert!(organization["value"][0].get("displayName").is_none());
    let domains = bench.get("/domains").await;
    assert_eq!(domains.values("id"), ["contoso.com", "contoso.onmicrosoft.com"]);
}

#[tokio::test]
async fn every_answer_says_which_it_is() {
    let bench = Bench::small().await;
    let request =
        bench.request("GET", "/users/nobody@contoso.com").header("client-request-id", "mine");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.message(),
        "Resource 'nobody@contoso.com' does not exist or one of its queried reference-property \
         objects are not present."
    );
    let inner = &answer.json()["error"]["innerError"];
    assert_eq!(answer.headers["client-request-id"], "mine");
    assert_eq!(inner["client-request-id"], "mine");
    assert_eq!(inner["request-id"], answer.headers["request-id"].as_str());
    assert_eq!(inner["date"].as_str().unwrap().len(), "2026-11-23T09:00:01".len());
    assert_eq!(answer.headers["date"][..25], *"Mon, 23 Nov 2026 09:00:00");
    assert!(answer.headers.contains_key("x-ms-ags-diagnostic"));
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_told_apart() {
    let bench = Bench::small().await;
    let answer = bench.get("/devices").await;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (404, "Resource not found for the segment 'devices'.")
    );
    let answer = bench.send("DELETE", "/users/ana@contoso.com", json!({})).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    let read = async |seed| {
        let bench = Bench::new(Tenant::company(120, seed), Options::default()).await;
        let select =
            "$select=id,userPrincipalName,licenseAssignmentStates,onPremisesDistinguishedName";
        let body = bench.get(&format!("/users?$top=999&{select}")).await.text;
        body.replace(&bench.server.url(), "")
    };
    assert_eq!(read(7).await, read(7).await);
    assert_ne!(read(7).await, read(8).await);
}
