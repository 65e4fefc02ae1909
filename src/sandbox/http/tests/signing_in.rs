use super::*;

type Changes = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn a_token_is_issued_for_the_right_credentials() {
    let bench = Bench::small().await;
    let answer = bench.ask_token(&[("tenant", "contoso.com")]).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3599);
    assert!(body.get("refresh_token").is_none());
}

#[tokio::test]
async fn wrong_credentials_are_answered_as_entra_does() {
    let bench = Bench::small().await;
    let cases: [(Changes, u16, &str, u32); 11] = [
        (&[("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (&[("client_secret", "")], 401, "invalid_client", 7_000_218),
        (&[("client_secret", ""), ("client_assertion", "x")], 400, "invalid_request", 900_144),
        (
            &[("client_id", "11111111-2222-4333-8444-555555555555")],
            400,
            "unauthorized_client",
            700_016,
        ),
        (&[("tenant", "contozo.example")], 400, "invalid_request", 90_002),
        (&[("scope", "User.Read.All")], 400, "invalid_scope", 70_011),
        (
            &[("scope", "https://graph.microsoft.com/.default x/.default")],
            400,
            "invalid_request",
            700_022,
        ),
        (&[("scope", "https://vault.azure.net/.default")], 400, "invalid_resource", 650_057),
        (&[("scope", "")], 400, "invalid_request", 900_144),
        (&[("grant_type", "")], 400, "invalid_request", 900_144),
        (&[("grant_type", "password")], 400, "unsupported_grant_type", 70_003),
    ];
    for (changes, status, error, code) in cases {
        let answer = bench.ask_token(changes).await;
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str()), (status, Some(error)), "{changes:?}");
        assert_eq!(body["error_codes"], json!([code]), "{changes:?}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert!(description.contains("Trace ID: ") && description.contains("Timestamp: "));
    }
}

#[tokio::test]
async fn a_request_without_a_good_token_is_unauthorized() {
    let mut bench = Bench::small().await;
    for (token, message) in
        [("", "Access token is empty."), ("eyJ.e30.c2ln", "Access token validation failure.")]
    {
        token.clone_into(&mut bench.token);
        let answer = bench.get("/users").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "InvalidAuthenticationToken"));
        assert_eq!(answer.message(), message);
        assert!(answer.headers["www-authenticate"].starts_with("Bearer "));
    }
}

#[tokio::test]
async fn a_token_expires() {
    let now = Arc::new(Mutex::new("2026-11-23T09:00:00Z".parse::<jiff::Timestamp>().unwrap()));
    let told = now.clone();
    let clock = Clock::Ask(Arc::new(move || *told.lock().unwrap()));
    let mut bench = Bench::new(small(), Options { clock, ..Options::default() }).await;
    assert_eq!(bench.get("/users").await.status, 200);
    *now.lock().unwrap() += jiff::SignedDuration::from_secs(3_599);
    let answer = bench.get("/users").await;
    assert_eq!(answer.message(), "Access token has expired or is not yet valid.");
    bench.sign_in().await;
    assert_eq!(bench.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_missing_role_is_forbidden_and_counts_for_new_tokens_only() {
    let mut bench = Bench::small().await;
    bench.server.set_roles(BTreeSet::from([Role::LicenseAssignmentReadAll]));
    assert_eq!(bench.get("/users").await.status, 200);
    bench.sign_in().await;
    for path in ["/users", "/users/ana@contoso.com", "/groups", "/domains"] {
        let answer = bench.get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "Authorization_RequestDenied"));
        assert_eq!(answer.message(), "Insufficient privileges to complete the operation.");
    }
    assert_eq!(bench.get("/subscribedSkus").await.status, 200);
    assert_eq!(bench.assign("ana@contoso.com", &["SPE_E5"], &[]).await.status, 403);
}

#[tokio::test]
async fn writing_locations_needs_more_than_writing_licenses() {
    let mut bench = Bench::small().await;
    bench.server.set_roles(BTreeSet::from([Role::LicenseAssignmentReadWriteAll]));
    bench.sign_in().await;
    let answer =
        bench.send("PATCH", "/users/chi@contoso.com", json!({"usageLocation": "DE"})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(bench.assign("ana@contoso.com", &["SPE_E5"], &[]).await.status, 200);
}
