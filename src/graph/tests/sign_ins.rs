use super::*;
use crate::graph::tests::server::{Play, Seen};
use crate::ports::{SignInAnswer, SignInPage, TenantError, TenantReader as _};

const JUNE: &str = "2026-06-01T10:00:00Z";

fn is_users(seen: &Seen) -> bool {
    seen.path == "/v1.0/users"
}

fn row(number: u32, successful: Option<&str>) -> Value {
    let mut row = json!({"id": user_id(number).to_string()});
    if let Some(successful) = successful {
        row["signInActivity"] = json!({"lastSuccessfulSignInDateTime": successful});
    }
    row
}

fn page(answer: Result<SignInAnswer, TenantError>) -> SignInPage {
    match answer.unwrap() {
        SignInAnswer::Page(page) => page,
        other @ (SignInAnswer::Lost | SignInAnswer::Unavailable { .. }) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sign_ins_are_read_a_page_at_a_time() {
    let server = Server::start(|seen: &Seen| {
        let link = format!("http://{}/v1.0/users?$skiptoken=b", seen.headers["host"]);
        is_users(seen).then(|| match &*seen.query {
            "$skiptoken=b" => Play::rows(&[row(3, None)]),
            _ => Play::json(
                200,
                &json!({"value": [row(1, Some(JUNE)), row(2, None)], "@odata.nextLink": link}),
            ),
        })
    })
    .await;
    let (client, _) = client(&server);
    let first = page(client.sign_ins(None).await);
    assert_eq!(first.users, [(user_id(1), Some(JUNE.parse().unwrap())), (user_id(2), None)]);
    let second = page(client.sign_ins(first.next.as_deref()).await);
    assert_eq!(second, SignInPage { users: vec![(user_id(3), None)], next: None });
    let queries: Vec<_> =
        server.seen().into_iter().filter(is_users).map(|seen| seen.query).collect();
    assert_eq!(queries, ["$select=id,signInActivity&$top=500", "$skiptoken=b"]);
}

#[tokio::test]
async fn a_smaller_page_that_the_server_names_is_taken_from_then_on() {
    let server = Server::start(|seen: &Seen| {
        (is_users(seen) && seen.query.ends_with("$top=500")).then(|| {
            let text = "Cannot query data for more than 120 users at a time.";
            Play::json(400, &error_body("BadRequest", text))
        })
    })
    .await;
    let (client, _) = client(&server);
    page(client.sign_ins(None).await);
    page(client.sign_ins(None).await);
    let queries: Vec<_> =
        server.seen().into_iter().filter(is_users).map(|seen| seen.query).collect();
    let with = |top: u32| format!("$select=id,signInActivity&$top={top}");
    assert_eq!(queries, [with(500), with(120), with(120)]);
}

#[tokio::test]
async fn ten_requests_a_minute_are_never_exceeded() {
    let server = Server::start(|_: &Seen| None).await;
    let (client, clock) = client(&server);
    for _ in 0..10 {
        page(client.sign_ins(None).await);
    }
    assert_eq!(clock.slept(), Duration::ZERO);
    for _ in 0..11 {
        page(client.sign_ins(None).await);
    }
    assert_eq!(clock.slept(), Duration::from_mins(2));
}

#[tokio::test]
async fn a_missing_permission_or_license_is_told_and_no_failure() {
    for (code, message, told) in [
        (
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
            "the tenant has no Entra ID P1 or P2 license, which sign-in activity needs",
        ),
        (
            "Authentication_MSGraphPermissionMissing",
            "Calling principal does not have required MSGraph permissions AuditLog.Read.All",
            "grant the application permission `AuditLog.Read.All`, with admin consent",
        ),
    ] {
        let server = Server::start(move |seen: &Seen| {
            is_users(seen).then(|| Play::json(403, &error_body(code, message)))
        })
        .await;
        let (client, _) = client(&server);
        for _ in 0..2 {
            let answer = client.sign_ins(None).await.unwrap();
            assert_eq!(answer, SignInAnswer::Unavailable { reason: told.into() });
        }
        // The token is good for everything else.
        assert_eq!(server.count(Seen::is_token), 1);
    }
}

#[tokio::test]
async fn a_continuation_that_is_no_longer_good_is_told_as_lost() {
    let server = Server::start(|seen: &Seen| {
        is_users(seen).then(|| {
            let text = "The specified page token value has expired";
            Play::json(400, &error_body("Directory_ExpiredPageToken", text))
        })
    })
    .await;
    let (client, _) = client(&server);
    let own = format!("{}/v1.0/users?$skiptoken=old", server.url);
    assert_eq!(client.sign_ins(Some(&own)).await.unwrap(), SignInAnswer::Lost);
    // A first page that is refused is no page that was lost.
    assert!(client.sign_ins(None).await.is_err());
}

#[tokio::test]
async fn a_continuation_of_another_endpoint_is_never_followed() {
    let server = Server::start(|_: &Seen| None).await;
    let (client, _) = client(&server);
    for link in ["https://graph.example.com/v1.0/users?$skiptoken=x", "no address", ""] {
        assert_eq!(client.sign_ins(Some(link)).await.unwrap(), SignInAnswer::Lost, "{link}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_page_that_cannot_be_had_is_a_failure_and_no_empty_page() {
    let server = Server::start(|seen: &Seen| is_users(seen).then(|| Play::text(503, ""))).await;
    let (client, _) = client(&server);
    assert!(matches!(client.sign_ins(None).await, Err(TenantError::Unavailable { .. })));
}
