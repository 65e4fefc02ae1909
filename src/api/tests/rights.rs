use super::*;

/// Asks with each kind of token, and tells the statuses: none, unknown, reading, approving.
async fn matrix(site: &Site, method: &str, path: &str) -> [u16; 4] {
    let mut statuses = [0; 4];
    for (at, token) in ["", "wrong", "reads", "approves"].into_iter().enumerate() {
        statuses[at] = site.ask(method, path, token, None).await.status;
    }
    statuses
}

#[tokio::test]
async fn reading_takes_a_token_as_soon_as_there_is_one() {
    let site = Site::new().await;
    assert_eq!(matrix(&site, "GET", "/api/v1/status").await, [401, 401, 200, 200]);
    assert_eq!(matrix(&site, "GET", "/metrics").await, [401, 401, 200, 200]);
    assert_eq!(matrix(&site, "GET", "/healthz").await, [200, 401, 200, 200]);
    let open = Site::with(&[]).await;
    assert_eq!(open.ask("GET", "/api/v1/status", "", None).await.status, 200);
}

#[tokio::test]
async fn changing_takes_a_token_that_may_approve_even_where_there_is_none() {
    let site = Site::new().await;
    let path = "/api/v1/tenants/contoso/cycle";
    assert_eq!(matrix(&site, "POST", path).await, [401, 401, 403, 202]);
    let open = Site::with(&[]).await;
    let refused = open.ask("POST", path, "", None).await;
    assert_eq!((refused.status, refused.problem().as_str()), (401, "token-missing"));
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn no_route_that_is_documented_with_a_token_answers_without_one() {
    let site = Site::new().await;
    for endpoint in super::super::routes::endpoints::<Store, Still>() {
        let needs = endpoint.doc.needs;
        let method = endpoint.doc.method.name();
        let answer = site.ask(method.as_str(), endpoint.doc.path, "", None).await;
        let open = needs == super::super::token::Needs::Nothing;
        assert_eq!(answer.status != 401, open, "{method} {}", endpoint.doc.path);
        if needs == super::super::token::Needs::Approve {
            let answer = site.ask(method.as_str(), endpoint.doc.path, "reads", None).await;
            assert_eq!(answer.status, 403, "{method} {}", endpoint.doc.path);
        }
    }
}

#[tokio::test]
async fn a_token_that_changes_counts_at_once() {
    let site = Site::new().await;
    assert_eq!(site.get("/api/v1/plans").await.status, 200);
    site.secrets.lock().unwrap()[0].1 = "fresh";
    assert_eq!(site.get("/api/v1/plans").await.problem(), "token-unknown");
    assert_eq!(site.ask("GET", "/api/v1/plans", "fresh", None).await.status, 200);
}

#[tokio::test]
async fn a_token_that_cannot_be_read_opens_nothing() {
    let site = Site::with(&[("ana", "", true)]).await;
    assert_eq!(site.ask("GET", "/api/v1/status", "", None).await.problem(), "token-missing");
}

#[tokio::test]
async fn whoever_guesses_is_soon_not_listened_to() {
    let site = Site::new().await;
    let guesses = (0..10).map(|_| site.ask("GET", "/api/v1/status", "guess", None));
    for answer in futures_util::future::join_all(guesses).await {
        assert_eq!(answer.problem(), "token-unknown");
    }
    // Not even what would be right tells the guesser so.
    let answer = site.get("/api/v1/status").await;
    assert_eq!((answer.status, answer.problem().as_str()), (429, "too-many-failures"));
    assert_eq!(answer.headers["retry-after"], "60");
    assert_eq!(site.ask("GET", "/healthz", "", None).await.status, 200);
}

#[tokio::test]
async fn only_our_own_names_are_answered() {
    let site = Site::with(&[]).await;
    let port = site.address.port();
    let asked = async |host: String| {
        site.send("GET", "/api/v1/status", &[format!("Host: {host}")], "").await.status
    };
    for ours in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
        "seats.contoso.com".to_owned(),
        "seats.contoso.com:9443".to_owned(),
    ] {
        assert_eq!(asked(ours.clone()).await, 200, "{ours}");
    }
    for foreign in [
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        "localhost:1".to_owned(),
        format!("192.0.2.1:{port}"),
    ] {
        assert_eq!(asked(foreign.clone()).await, 421, "{foreign}");
    }
    assert_eq!(asked(format!("evil@127.0.0.1:{port}")).await, 400);
    assert_eq!(site.send("GET", "/api/v1/status", &[], "").await.status, 400);
}

#[tokio::test]
async fn no_page_of_elsewhere_changes_anything() {
    let site = Site::new().await;
    let port = site.address.port();
    let asked = async |line: &str| {
        let headers = [
            format!("Host: localhost:{port}"),
            "Authorization: Bearer approves".to_owned(),
            line.to_owned(),
        ];
        site.send("POST", "/api/v1/tenants/contoso/cycle", &headers, "").await
    };
    for foreign in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://localhost:1",
        "Sec-Fetch-Site: cross-site",
    ] {
        let answer = asked(foreign).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (403, "foreign-origin"),
            "{foreign}"
        );
        assert!(!answer.headers.keys().any(|name| name.starts_with("access-control")));
    }
    assert_eq!(asked(&format!("Origin: http://localhost:{port}")).await.status, 202);
    assert_eq!(asked("Sec-Fetch-Site: same-origin").await.status, 202);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_do_nothing_with_it() {
    let site = Site::new().await;
    for path in ["/api/v1/status", "/healthz", "/nothing"] {
        let headers = site.get(path).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
    }
}
