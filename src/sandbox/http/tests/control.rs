use super::*;
use crate::sandbox::faults::Faults;
use crate::sandbox::throttle::Quota;

impl Bench {
    async fn control(&self, method: &str, body: &str) -> Answer {
        let url = format!("{}/sandbox/faults", self.server.url());
        let request = self.http.request(method.parse().unwrap(), url).body(body.to_owned());
        Answer::of(request.send().await.unwrap()).await
    }
}

#[tokio::test]
async fn what_goes_wrong_is_changed_while_it_runs_and_costs_no_number() {
    let bench = Bench::small().await;
    let yaml = "seed: 9\nfaults:\n  - {kind: forbidden, requests: [3], path: /users}\n";
    let put = bench.control("PUT", yaml).await;
    let faults = json!([{"kind": "forbidden", "requests": [3], "path": "/users"}]);
    assert_eq!(put.json(), json!({"seed": 9, "faults": faults}));
    assert_eq!(bench.control("GET", "").await.json(), put.json());
    // The token was the first request; what was asked here is not counted.
    assert_eq!(bench.get("/users").await.status, 200);
    assert_eq!(bench.get("/users").await.status, 403);
    assert_eq!(bench.server.counts().requests, 3);
    let wrong = bench.control("PUT", "faults:\n  - {kind: forbiden, rate: 1}\n").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("did you mean `forbidden`?"), "{}", wrong.text);
    assert_eq!(bench.control("GET", "").await.json(), put.json(), "nothing has changed");
    assert_eq!(bench.control("POST", "").await.status, 405);
    assert_eq!(bench.control("DELETE", "").await.json()["faults"], json!([]));
}

fn failing(fault: &str) -> Options {
    Options { faults: Faults::parse(5, [fault]).unwrap(), ..Options::default() }
}

#[tokio::test]
async fn conflicts_come_with_every_status_that_was_seen() {
    for (fault, status) in [("conflict", 409), ("conflict-503", 503), ("conflict-400", 400)] {
        let bench = Bench::new(small(), failing(&format!("{fault}=1@/users"))).await;
        let answer = bench.get("/users").await;
        let code = "Directory_ConcurrencyViolation";
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{fault}");
    }
}

#[tokio::test]
async fn a_challenge_says_in_base64_what_the_next_token_must_meet() {
    let bench = Bench::new(small(), failing("claims=1@/users")).await;
    let answer = bench.get("/users").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "InvalidAuthenticationToken"));
    let header = &answer.headers["www-authenticate"];
    let claims =
        "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzk1NDI0NDAwIn19fQ==";
    assert!(
        header.ends_with(&format!("error=\"insufficient_claims\", claims=\"{claims}\"")),
        "{header}"
    );
}

#[tokio::test]
async fn properties_may_be_null_of_a_sudden() {
    let bench = Bench::new(small(), failing("nulls=1@/users")).await;
    let user = bench.get("/users?$select=displayName").await.json()["value"][0].clone();
    assert!(user["id"].is_string() && user["displayName"].is_null());
}

#[tokio::test]
async fn a_delta_token_may_be_void_with_404_too() {
    let bench = Bench::new(small(), failing("sync-state-not-found=1@delta")).await;
    let answer = bench.get("/users/delta").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "syncStateNotFound"));
}

#[tokio::test]
async fn tokens_of_pages_may_expire_and_be_forgotten() {
    let next = async |bench: &Bench, path: &str| {
        bench.get(path).await.json()["@odata.nextLink"].as_str().unwrap().to_owned()
    };
    for (fault, code) in [
        ("page-token-lost", "DirectoryPageTokenNotFoundException"),
        ("page-token-expired", "Directory_ExpiredPageToken"),
    ] {
        let bench = Bench::new(small(), failing(&format!("{fault}=1"))).await;
        let second = next(&bench, "/users?$top=2").await;
        assert_eq!(bench.get(&second).await.code(), code);
    }
    let strict = PageTokens { lifetime: None, forget_retried: true };
    let bench = Bench::new(small(), Options { page_tokens: strict, ..Options::default() }).await;
    let second = next(&bench, "/users?$top=2").await;
    let (first, retried) = (next(&bench, &second).await, next(&bench, &second).await);
    assert_eq!(bench.get(&first).await.status, 200);
    let code = "DirectoryPageTokenNotFoundException";
    assert_eq!(bench.get(&retried).await.code(), code);
}

#[tokio::test(start_paused = true)]
async fn a_page_token_that_is_too_old_is_refused() {
    let page_tokens = PageTokens { lifetime: Some(Duration::from_mins(1)), forget_retried: false };
    let bench = Bench::new(small(), Options { page_tokens, ..Options::default() }).await;
    let page = bench.get("/users?$top=2").await.json();
    let second = page["@odata.nextLink"].as_str().unwrap();
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(bench.get(second).await.status, 200);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(bench.get(second).await.code(), "Directory_ExpiredPageToken");
}

#[tokio::test]
async fn the_index_and_delta_lag_by_their_own_time() {
    let lags =
        Lags { index: Some(Lag::Requests(3)), delta: Some(Lag::Requests(6)), groups: Lag::None };
    let bench = Bench::new(small(), Options { lags, ..Options::default() }).await;
    let mark = bench.get("/users/delta?$select=usageLocation&$deltatoken=latest").await.json();
    let mark = mark["@odata.deltaLink"].as_str().unwrap().to_owned();
    bench.send("PATCH", "/users/chi@contoso.com", json!({"usageLocation": "IT"})).await;
    let find =
        "/users?$filter=userPrincipalName eq 'chi@contoso.com'&$select=usageLocation&$count=true";
    let location = |answer: Answer| answer.json()["value"][0]["usageLocation"].clone();
    assert_eq!(location(bench.get(find).await), "IT");
    assert_eq!(location(bench.eventually(find).await), Value::Null);
    assert_eq!(bench.get(&mark).await.json()["value"], json!([]));
    assert_eq!(location(bench.eventually(find).await), "IT");
    bench.get("/domains").await;
    bench.get("/domains").await;
    assert_eq!(location(bench.get(&mark).await), "IT");
}

#[tokio::test]
async fn requests_of_low_priority_are_refused_first_where_priorities_count() {
    let few = Quotas {
        resource_units: Quota { units: 10, every: Duration::from_secs(1_000) },
        ..Quotas::documented(5)
    };
    for (priorities, passes) in [(true, 4), (false, 5)] {
        let throttle = Throttle::Custom(few);
        let bench =
            Bench::new(small(), Options { throttle, priorities, ..Options::default() }).await;
        let mut passed = 0;
        for _ in 0..5 {
            let request = bench.request("GET", "/users").header("x-ms-throttle-priority", "low");
            passed += usize::from(request.send().await.unwrap().status() == 200);
        }
        assert_eq!(passed, passes);
    }
}
