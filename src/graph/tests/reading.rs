use super::*;
use crate::domain::known::Known;
use crate::domain::snapshot::Snapshot;
use crate::graph::tests::server::{Play, Seen};
use crate::ports::{ReadRequest, TenantError, TenantReader as _};

async fn read(client: &Client<TestClock>) -> Result<Snapshot, TenantError> {
    client.read(&ReadRequest::default(), &Quiet).await
}

fn is_users(seen: &Seen) -> bool {
    seen.path == "/v1.0/users"
}

/// Two pages of users with an empty one between them.
fn pages(seen: &Seen) -> Option<Play> {
    if !is_users(seen) {
        return None;
    }
    let next = |token: &str| {
        format!("http://{}/v1.0/users?$top=999&$skiptoken={token}", seen.headers["host"])
    };
    Some(Play::json(
        200,
        &match seen.query.rsplit_once("$skiptoken=").map(|(_, token)| token) {
            None => json!({"value": [user_row(1, &[e5()]), user_row(2, &[])],
                           "@odata.nextLink": next("b")}),
            Some("b") => json!({"value": [], "@odata.nextLink": next("c")}),
            Some(_) => json!({"value": [user_row(3, &[e3()])], "@odata.nextLink": null}),
        },
    ))
}

#[tokio::test]
async fn a_tenant_is_read_page_by_page_to_the_end() {
    let server = Server::start(|seen: &Seen| {
        pages(seen).or_else(|| match &*seen.path {
            "/v1.0/subscribedSkus" => Some(Play::rows(&[json!({
                "skuId": e5().to_string(), "skuPartNumber": "SPE_E5", "appliesTo": "User",
                "capabilityStatus": "Enabled", "consumedUnits": 3,
                "prepaidUnits": {"enabled": 100, "suspended": 0, "warning": 0, "lockedOut": 0},
                "servicePlans": []
            })])),
            "/v1.0/groups" => Some(Play::rows(&[
                json!({"id": group_id(1).to_string(), "displayName": "Sales", "visibility": null}),
            ])),
            _ => None,
        })
    })
    .await;
    let (client, clock) = client(&server);
    let snapshot = read(&client).await.unwrap();
    assert_eq!(snapshot.taken_at(), clock.now());
    let users: Vec<_> = snapshot.users().iter().map(|user| user.id).collect();
    assert_eq!(users, [user_id(1), user_id(2), user_id(3)]);
    let Known::Known(licenses) = &snapshot.users()[0].licenses else { panic!("unknown") };
    assert!(licenses.get(e5()).unwrap().direct().is_some());
    assert_eq!(snapshot.catalogue().get(e5()).unwrap().units.enabled, 100);
    assert_eq!(&*snapshot.groups()[0].name, "Sales");
    let queries: Vec<_> =
        server.seen().into_iter().filter(is_users).map(|seen| seen.query).collect();
    assert_eq!(
        queries,
        [
            "$select=id,userPrincipalName,displayName,userType,accountEnabled,usageLocation,\
             onPremisesSyncEnabled,onPremisesDistinguishedName,onPremisesDomainName,\
             department,jobTitle,companyName,country,officeLocation,employeeType,\
             onPremisesExtensionAttributes,assignedLicenses,licenseAssignmentStates&$top=999",
            "$top=999&$skiptoken=b",
            "$top=999&$skiptoken=c",
        ]
    );
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed_with_our_token() {
    let elsewhere = Server::start(|_| None).await;
    let link = format!("{}/v1.0/users?$skiptoken=x", elsewhere.url);
    let server = Server::start(move |seen| {
        is_users(seen).then(|| {
            Play::json(200, &json!({"value": [user_row(1, &[])], "@odata.nextLink": link}))
        })
    })
    .await;
    let (client, _) = client(&server);
    let error = read(&client).await.unwrap_err();
    assert!(matches!(&error, TenantError::Malformed { .. }), "{error:?}");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_listing_that_leads_back_to_itself_fails() {
    let server = Server::start(|seen| {
        let next = format!("http://{}{}?{}", seen.headers["host"], seen.path, seen.query);
        is_users(seen).then(|| Play::json(200, &json!({"value": [], "@odata.nextLink": next})))
    })
    .await;
    let (client, _) = client(&server);
    assert!(matches!(read(&client).await, Err(TenantError::Malformed { .. })));
}

#[tokio::test]
async fn throttling_and_faults_pass() {
    let mut tries = 0;
    let server = Server::start(move |seen: &Seen| {
        if !is_users(seen) {
            return None;
        }
        tries += 1;
        match tries {
            1 => Some(
                Play::json(429, &error_body("TooManyRequests", "Slow down."))
                    .with("Retry-After", "30"),
            ),
            2 => Some(Play::HangUp),
            3 => Some(Play::Cut(json!({"value": [user_row(1, &[])]}).to_string().into_bytes())),
            4 => Some(Play::text(502, "<html>Bad gateway</html>")),
            5 => Some(Play::text(200, "{\"value\": [")),
            6 => Some(
                Play::json(503, &error_body("serviceNotAvailable", ""))
                    .with("Retry-After", "0.249"),
            ),
            7 => Some(Play::json(200, &json!({"value": [], "error": {"code": "late"}}))),
            _ => pages(seen),
        }
    })
    .await;
    let (client, clock) = client(&server);
    assert_eq!(read(&client).await.unwrap().users().len(), 3);
    assert!(clock.slept() >= Duration::from_secs(30), "{:?}", clock.slept());
}

#[tokio::test]
async fn a_lost_page_token_begins_the_listing_again() {
    let mut lost = 0;
    let server = Server::start(move |seen: &Seen| {
        if seen.query.ends_with("$skiptoken=c") && lost < 2 {
            lost += 1;
            let code =
                ["Directory_ExpiredPageToken", "DirectoryPageTokenNotFoundException"][lost - 1];
            return Some(Play::json(400, &error_body(code, "The token has expired.")));
        }
        pages(seen)
    })
    .await;
    let (client, _) = client(&server);
    assert_eq!(read(&client).await.unwrap().users().len(), 3);
    assert_eq!(server.count(|seen| is_users(seen) && !seen.query.contains("skiptoken")), 3);
}

#[tokio::test]
async fn a_page_token_that_is_always_lost_fails_the_read() {
    let server = Server::start(|seen: &Seen| {
        if seen.query.ends_with("$skiptoken=c") {
            let body = error_body("Directory_ExpiredPageToken", "The token has expired.");
            return Some(Play::json(400, &body));
        }
        pages(seen)
    })
    .await;
    let (client, _) = client(&server);
    assert!(matches!(read(&client).await, Err(TenantError::Unavailable { .. })));
    assert_eq!(server.count(|seen| is_users(seen) && !seen.query.contains("skiptoken")), 3);
}

#[tokio::test]
async fn a_user_without_an_id_fails_the_read() {
    let server = Server::start(|seen| {
        let mut odd = user_row(2, &[]);
        odd.as_object_mut().unwrap().remove("id");
        is_users(seen).then(|| Play::rows(&[user_row(1, &[]), odd]).with("request-id", "r-42"))
    })
    .await;
    let (client, _) = client(&server);
    let error = read(&client).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot list users: a user in the answer has no readable id (request-id r-42)"
    );
}

#[tokio::test]
async fn a_page_for_people_hints_at_a_proxy() {
    for status in [200, 302, 404, 407] {
        let server = Server::start(move |seen| {
            is_users(seen).then(|| Play::text(status, "<!DOCTYPE html><title>Welcome</title>"))
        })
        .await;
        let (client, _) = client(&server);
        let error = read(&client).await.unwrap_err();
        let TenantError::Malformed { hint, .. } = &error else { panic!("{error:?}") };
        assert!(hint.as_deref().unwrap().contains("is this endpoint Microsoft Graph"), "{status}");
    }
}

#[tokio::test]
async fn a_missing_permission_is_named_and_the_next_read_takes_a_new_token() {
    for (path, permission) in [
        ("/v1.0/users", "User.Read.All"),
        ("/v1.0/groups", "GroupMember.Read.All"),
        ("/v1.0/subscribedSkus", "LicenseAssignment.Read.All"),
    ] {
        let mut refused = 0;
        let server = Server::start(move |seen: &Seen| {
            (seen.path == path && refused == 0).then(|| {
                refused += 1;
                Play::json(403, &error_body("Authorization_RequestDenied", "Insufficient."))
            })
        })
        .await;
        let (client, _) = client(&server);
        let error = read(&client).await.unwrap_err();
        let TenantError::Forbidden { hint, reason, .. } = &error else { panic!("{error:?}") };
        assert!(hint.as_deref().unwrap().contains(&format!("`{permission}`")), "{hint:?}");
        assert_eq!(
            reason,
            "HTTP 403 `Authorization_RequestDenied`: Insufficient. (request-id inner-request-id)"
        );
        read(&client).await.unwrap();
        assert_eq!(server.count(Seen::is_token), 2);
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_told_soon() {
    let server = Server::start(|_| None).await;
    let mut settings = settings(&server.url);
    // A port on which nothing listens: bound once, and free again.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    settings.graph = format!("http://{free}");
    let (client, clock) = client_of(settings);
    let error = read(&client).await.unwrap_err();
    let TenantError::Unavailable { hint, .. } = &error else { panic!("{error:?}") };
    assert!(hint.as_deref().unwrap().contains("check the endpoint"), "{hint:?}");
    assert!(clock.slept() < Duration::from_mins(2));
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let server = Server::start(|seen| is_users(seen).then_some(Play::Silence)).await;
    let mut settings = settings(&server.url);
    settings.timeout = Duration::from_millis(50);
    settings.give_up_after = Duration::from_secs(3);
    let (client, _) = client_of(settings);
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot list users: no answer in time");
}

#[tokio::test]
async fn a_service_that_stays_away_is_given_up_within_the_budget() {
    let server = Server::start(|seen| {
        is_users(seen).then(|| Play::json(503, &error_body("serviceNotAvailable", "Not now.")))
    })
    .await;
    let (client, clock) = client(&server);
    let error = read(&client).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 503 `serviceNotAvailable`: Not now."), "{error}");
    assert!(clock.slept() <= Duration::from_mins(10));
}

#[tokio::test]
async fn a_pause_longer_than_the_budget_is_not_waited_for() {
    let server = Server::start(|seen| {
        is_users(seen).then(|| Play::text(429, "").with("Retry-After", "1800"))
    })
    .await;
    let (client, clock) = client(&server);
    let error = read(&client).await.unwrap_err();
    assert!(matches!(&error, TenantError::Unavailable { .. }), "{error:?}");
    assert_eq!(server.count(is_users), 1);
    assert_eq!(clock.slept(), Duration::ZERO);
}

#[tokio::test]
async fn the_earliest_end_of_a_subscription_is_read_where_it_may_be_and_fails_nothing() {
    let subscription = |status: &str, at: &str| json!({"skuId": e5().to_string(), "status": status, "nextLifecycleDateTime": at});
    let rows = vec![
        subscription("Enabled", "2027-06-01T00:00:00Z"),
        subscription("Warning", "2027-03-01T00:00:00Z"),
        subscription("Suspended", "2027-01-01T00:00:00Z"),
    ];
    let earliest = [(e5(), "2027-03-01T00:00:00Z".parse().unwrap())].into();
    for (play, expected) in [
        (Play::rows(&rows), Known::Known(earliest)),
        (Play::rows(&[]), Known::Known([].into())),
        (Play::json(403, &error_body("Authorization_RequestDenied", "no")), Known::Unknown),
        (Play::text(503, ""), Known::Unknown),
        (Play::rows(&[json!({"skuId": 7})]), Known::Unknown),
    ] {
        let server = Server::start(move |seen: &Seen| {
            (seen.path == "/v1.0/directory/subscriptions").then(|| play.clone())
        })
        .await;
        let (client, clock) = client(&server);
        let snapshot = read(&client).await.unwrap();
        assert_eq!(snapshot.catalogue().next_expiries(), &expected);
        // Nothing waits long for what nothing depends on, and the token is good for the rest.
        assert!(clock.slept() < Duration::from_secs(11));
        assert_eq!(server.count(Seen::is_token), 1);
    }
}
