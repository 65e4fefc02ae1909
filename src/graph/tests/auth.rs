use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::graph::tests::server::{Play, Seen};
use crate::ports::{ReadRequest, TenantError, TenantReader as _};

async fn read(client: &Client<TestClock>) -> Result<(), TenantError> {
    client.read(&ReadRequest::default(), &Quiet).await.map(|_| ())
}

fn fault(error: &str, description: &str, codes: &Value) -> Value {
    json!({"error": error, "error_description": description, "error_codes": codes,
           "timestamp": "2026-11-23 09:00:00Z", "trace_id": "t", "correlation_id": "c"})
}

#[tokio::test]
async fn the_token_is_asked_for_once_and_serves_every_request() {
    let server = Server::start(|_| None).await;
    let (client, _) = client(&server);
    read(&client).await.unwrap();
    let seen = server.seen();
    let tokens: Vec<_> = seen.iter().filter(|seen| seen.is_token()).collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].path, "/contoso.onmicrosoft.com/oauth2/v2.0/token");
    assert_eq!(
        tokens[0].body,
        format!(
            "grant_type=client_credentials&client_id=2c9a4d10-7d5b-4c50-8f37-4b8b3f0a7a11&\
             scope=http%3A%2F%2F{}%2F.default&client_secret=s3cr3t%26%7Evalue",
            server.url.trim_start_matches("http://").replace(':', "%3A")
        )
    );
    let calls: Vec<_> = seen.iter().filter(|seen| !seen.is_token()).collect();
    assert_eq!(calls.len(), 4);
    for call in &calls {
        assert_eq!(call.headers["authorization"], "Bearer token-of-the-server");
        assert_eq!(call.headers["user-agent"], concat!("seatkeeper/", env!("CARGO_PKG_VERSION")));
        assert!(call.headers["accept-encoding"].contains("gzip"));
    }
    let ids: std::collections::BTreeSet<_> =
        calls.iter().map(|call| &call.headers["client-request-id"]).collect();
    assert_eq!(ids.len(), 4, "each request has an id of its own");
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_the_secret_opened_anew() {
    let server = Server::start(|_| None).await;
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let secret = move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(SecretString::from("rotated"))
    };
    let (client, clock) =
        client_of(Settings { sign_in: with_secret(secret), ..settings(&server.url) });
    read(&client).await.unwrap();
    clock.advance(Duration::from_secs(3599 - 301));
    read(&client).await.unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_secs(2));
    read(&client).await.unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_token_that_still_serves_outlives_a_failed_renewal() {
    let mut tokens = 0;
    let server = Server::start(move |seen| {
        tokens += u32::from(seen.is_token());
        (seen.is_token() && tokens > 1).then_some(Play::HangUp)
    })
    .await;
    let (client, clock) = client(&server);
    read(&client).await.unwrap();
    clock.advance(Duration::from_secs(3599 - 100));
    read(&client).await.unwrap();
    read(&client).await.unwrap();
    assert_eq!(server.count(Seen::is_token), 2, "no request asks anew at once");
    clock.advance(Duration::from_secs(30));
    read(&client).await.unwrap();
    assert_eq!(server.count(Seen::is_token), 3);
    clock.advance(Duration::from_secs(70));
    assert!(read(&client).await.is_err());
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let mut tokens = 0;
    let server = Server::start(move |seen: &Seen| {
        if seen.is_token() {
            tokens += 1;
            let token = json!({"access_token": format!("t{tokens}"), "expires_in": "3599"});
            return Some(Play::json(200, &token));
        }
        (seen.headers["authorization"] == "Bearer t1").then(|| {
            Play::json(401, &error_body("InvalidAuthenticationToken", "Access token has expired."))
        })
    })
    .await;
    let (client, _) = client(&server);
    read(&client).await.unwrap();
    assert_eq!(server.count(Seen::is_token), 2, "three requests shared one new token");
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_ends_the_read() {
    let server = Server::start(|seen| {
        let body = error_body("InvalidAuthenticationToken", "Invalid audience.");
        (!seen.is_token()).then(|| Play::json(401, &body))
    })
    .await;
    let (client, _) = client(&server);
    let error = read(&client).await.unwrap_err();
    assert!(matches!(&error, TenantError::Forbidden { .. }), "{error:?}");
    assert!(error.to_string().contains("request-id inner-request-id"), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_with_advice_and_never_quoted() {
    let server = Server::start(|seen| {
        let body = fault(
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided. Trace ID: t",
            &json!([7_000_215]),
        );
        seen.is_token().then(|| Play::json(401, &body))
    })
    .await;
    let (client, clock) = client(&server);
    let error = read(&client).await.unwrap_err();
    let TenantError::SignIn { reason, hint, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("AADSTS7000215"), "{reason}");
    assert!(hint.as_deref().unwrap().contains("not its value"), "{hint:?}");
    assert!(!format!("{error:?}").contains("s3cr3t"));
    assert_eq!(server.count(|seen| !seen.is_token()), 0);
    assert_eq!(server.count(Seen::is_token), 1, "one request signs in for all");
    assert_eq!(clock.slept(), Duration::ZERO, "a wrong secret is not tried again");
}

#[tokio::test]
async fn faults_of_the_token_endpoint_pass() {
    let mut tries = 0;
    let server = Server::start(move |seen| {
        if !seen.is_token() {
            return None;
        }
        tries += 1;
        match tries {
            1 => Some(Play::text(503, "")),
            2 => Some(Play::json(
                400,
                &fault("invalid_request", "AADSTS90033: transient", &json!(["90033"])),
            )),
            3 => Some(Play::HangUp),
            4 => Some(Play::json(429, &json!({})).with("Retry-After", "7")),
            _ => None,
        }
    })
    .await;
    let (client, clock) = client(&server);
    read(&client).await.unwrap();
    assert!(clock.slept() >= Duration::from_secs(7));
}

#[tokio::test]
async fn a_page_for_people_instead_of_a_token_hints_at_a_proxy() {
    let server = Server::start(|_| Some(Play::text(200, "<html>Please log in</html>"))).await;
    let (client, _) = client(&server);
    let error = read(&client).await.unwrap_err();
    let TenantError::Malformed { hint, .. } = &error else { panic!("{error:?}") };
    assert!(hint.as_deref().unwrap().contains("proxy"), "{hint:?}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_says_why() {
    let server = Server::start(|_| None).await;
    let secret = || Err("no such file".to_owned());
    let (client, _) = client_of(Settings { sign_in: with_secret(secret), ..settings(&server.url) });
    let error = read(&client).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the client secret of tenant `contoso`: no such file"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_secret_that_looks_like_an_id_is_told_apart() {
    let server = Server::start(|seen| {
        let body = fault("invalid_client", "AADSTS7000215: Invalid.", &json!([7_000_215]));
        seen.is_token().then(|| Play::json(401, &body))
    })
    .await;
    let secret = || Ok(SecretString::from("5b6f7a80-1111-4222-8333-944445555666"));
    let (client, _) = client_of(Settings { sign_in: with_secret(secret), ..settings(&server.url) });
    let error = read(&client).await.unwrap_err();
    let TenantError::SignIn { hint, .. } = &error else { panic!("{error:?}") };
    assert!(
        hint.as_deref().unwrap().starts_with("what is configured is the secret's id"),
        "{hint:?}"
    );
}

#[tokio::test]
async fn after_too_many_of_the_same_nothing_is_asked_for_during_minutes() {
    let mut tokens = 0;
    let server = Server::start(move |seen| {
        tokens += u32::from(seen.is_token());
        let body = fault("invalid_grant", "AADSTS50196: a loop", &json!([50_196]));
        (seen.is_token() && tokens == 1).then(|| Play::json(400, &body))
    })
    .await;
    let (client, clock) = client(&server);
    for _ in 0..3 {
        let error = read(&client).await.unwrap_err();
        let TenantError::SignIn { reason, hint, .. } = &error else { panic!("{error:?}") };
        assert_eq!(reason, "AADSTS50196: a loop");
        assert!(hint.as_deref().unwrap().contains("an app registration of its own"), "{hint:?}");
    }
    assert_eq!(server.count(Seen::is_token), 1);
    clock.advance(Duration::from_mins(5));
    read(&client).await.unwrap();
    assert_eq!(server.count(Seen::is_token), 2);
}

#[tokio::test]
async fn a_claims_challenge_is_answered_with_a_token_that_holds_them() {
    // {"access_token":{"acrs":{"essential":true,"value":"c1"}}}
    let wanted = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19";
    let mut tokens = 0;
    let server = Server::start(move |seen| {
        if seen.is_token() {
            tokens += 1;
            return Some(Play::json(200, &json!({"access_token": format!("t{tokens}")})));
        }
        (seen.headers["authorization"] == "Bearer t1").then(|| {
            let challenge =
                format!("Bearer realm=\"\", claims=\"{wanted}\", error=\"insufficient_claims\"");
            Play::json(401, &error_body("InvalidAuthenticationToken", "challenge"))
                .with("WWW-Authenticate", &challenge)
        })
    })
    .await;
    let (client, clock) = client(&server);
    read(&client).await.unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().filter(|seen| seen.is_token()).collect();
    assert_eq!(sent.len(), 2);
    assert!(!sent[0].body.contains("claims="), "nothing is promised unasked");
    let (_, claims) = sent[1].body.split_once("&claims=").unwrap();
    assert!(
        claims.contains("acrs") && claims.contains("xms_cc") && claims.contains("cp1"),
        "{claims}"
    );
    clock.advance(Duration::from_secs(3_500));
    read(&client).await.unwrap();
    let seen = server.seen();
    let last = seen.iter().rfind(|seen| seen.is_token()).unwrap();
    assert!(!last.body.contains("claims="), "they were for that one token");
}

#[tokio::test]
async fn others_go_on_with_the_old_token_while_one_renews_it() {
    let mut tokens = 0;
    let server = Server::start(move |seen| {
        tokens += u32::from(seen.is_token());
        (seen.is_token() && tokens == 2).then_some(Play::Silence)
    })
    .await;
    let (client, clock) = client(&server);
    read(&client).await.unwrap();
    clock.advance(Duration::from_secs(3599 - 200));
    let before = server.count(|seen| !seen.is_token());
    // One of the reads hangs at the token endpoint; the rest pass meanwhile.
    let reading = read(&client);
    tokio::pin!(reading);
    while server.count(|seen| !seen.is_token()) < before + 2 {
        tokio::select! {
            biased;
            done = &mut reading => panic!("ended early: {done:?}"),
            () = tokio::time::sleep(Duration::from_millis(2)) => {}
        }
    }
    assert_eq!(server.count(Seen::is_token), 2);
}

#[tokio::test]
async fn entra_says_itself_when_to_renew() {
    let server = Server::start(|seen| {
        let body = json!({"access_token": "t", "expires_in": 3599, "refresh_in": "2400"});
        seen.is_token().then(|| Play::json(200, &body))
    })
    .await;
    let (client, clock) = client(&server);
    read(&client).await.unwrap();
    clock.advance(Duration::from_secs(2_399));
    read(&client).await.unwrap();
    assert_eq!(server.count(Seen::is_token), 1);
    clock.advance(Duration::from_secs(1));
    read(&client).await.unwrap();
    assert_eq!(server.count(Seen::is_token), 2);
}
