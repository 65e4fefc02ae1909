use super::*;
use crate::sandbox::faults::{FaultKind, Faults};

fn options(faults: &[&str]) -> Options {
    Options { faults: Faults::parse(5, faults).unwrap(), ..Options::default() }
}

/// Asks for the users while a fault strikes every request for them.
async fn struck(fault: &str) -> (Bench, Result<Answer, reqwest::Error>) {
    let bench = Bench::new(small(), options(&[&format!("{fault}=1@/users")])).await;
    let result = match bench.request("GET", "/users").send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            let headers = response.headers().iter();
            let headers = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            response.text().await.map(|text| Answer { status, headers, text })
        }
        Err(error) => Err(error),
    };
    (bench, result)
}

#[tokio::test]
async fn throttling_comes_with_every_form_of_retry_after() {
    for (fault, wait) in [
        ("throttle", Some("2")),
        ("throttle-fraction", Some("0.249")),
        ("throttle-date", Some("Mon, 23 Nov 2026 09:00:02 GMT")),
        ("throttle-bare", None),
    ] {
        let (_, answer) = struck(fault).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 429, "{fault}");
        assert_eq!(answer.headers.get("retry-after").map(String::as_str), wait, "{fault}");
    }
}

#[tokio::test]
async fn failures_come_with_their_status_and_code() {
    for (fault, status, code) in [
        ("conflict", 409, "Directory_ConcurrencyViolation"),
        ("error", 500, "InternalServerError"),
        ("unavailable", 503, "serviceNotAvailable"),
        ("timeout", 504, "UnknownError"),
        ("timeout-after", 504, "UnknownError"),
        ("forbidden", 403, "Authorization_RequestDenied"),
        ("expired", 401, "InvalidAuthenticationToken"),
    ] {
        let (_, answer) = struck(fault).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{fault}");
    }
}

#[tokio::test]
async fn answers_may_not_be_what_they_should() {
    let html = struck("html").await.1.unwrap();
    assert_eq!((html.status, html.headers["content-type"].as_str()), (200, "text/html"));
    assert_eq!(struck("html-gateway").await.1.unwrap().status, 502);
    let empty = struck("empty").await.1.unwrap();
    assert_eq!((empty.status, empty.text.as_str()), (200, ""));
    let wrong = struck("wrong-types").await.1.unwrap();
    assert_eq!(wrong.json()["value"][0]["id"], 17);
}

#[tokio::test]
async fn connections_break_before_an_answer_and_in_the_middle_of_one() {
    for fault in ["reset", "reset-after", "truncate"] {
        let (bench, answer) = struck(fault).await;
        assert!(answer.is_err(), "{fault}: {answer:?}");
        let seen = bench.server.requests();
        assert_eq!(seen.last().unwrap().fault, FaultKind::named(fault));
        // Others are served.
        assert_eq!(bench.get("/groups").await.status, 200);
    }
}

#[tokio::test]
async fn a_page_that_never_comes_leaves_the_server_to_others() {
    let bench = Bench::new(small(), options(&["hang=1@/users"])).await;
    let hung = tokio::spawn(bench.request("GET", "/users").send());
    while bench.server.counts().faults == 0 {
        assert_eq!(bench.get("/groups").await.status, 200);
    }
    assert!(!hung.is_finished());
    hung.abort();
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_took_effect_and_one_before_it_did_not() {
    for (fault, located) in [
        ("timeout-after", true),
        ("reset-after", true),
        ("truncate", true),
        ("timeout", false),
        ("reset", false),
        ("error", false),
        ("html", false),
    ] {
        let bench = Bench::new(small(), options(&[&format!("{fault}=1@/users")])).await;
        let body = json!({"usageLocation": "DE"});
        // The answer tells nothing; that is the fault.
        let _ = bench.request("PATCH", "/users/chi@contoso.com").json(&body).send().await;
        let location = bench.server.tenant().user("chi@contoso.com").unwrap().usage_location;
        assert_eq!(location.is_some(), located, "{fault}");
    }
}

#[tokio::test]
async fn single_items_of_a_batch_are_struck() {
    let bench =
        Bench::new(small(), options(&["item-timeout-after=1@chi", "item-throttle=1@dev"])).await;
    let patch = |id: &str, user: &str| {
        json!({"id": id, "method": "PATCH", "url": format!("/users/{user}@contoso.com"),
               "headers": {"Content-Type": "application/json"}, "body": {"usageLocation": "IT"}})
    };
    let requests = json!({"requests": [patch("0", "ana"), patch("1", "chi"), patch("2", "dev")]});
    let answer = bench.send("POST", "/$batch", requests).await;
    assert_eq!(answer.status, 200);
    let mut statuses: Vec<_> = answer.json()["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one["status"].as_u64().unwrap()))
        .collect();
    statuses.sort();
    let statuses: Vec<u64> = statuses.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [204, 504, 429]);
    let tenant = bench.server.tenant();
    let location = |user: &str| tenant.user(user).unwrap().usage_location.map(|l| l.to_string());
    let locations = ["ana", "chi", "dev"].map(|user| location(&format!("{user}@contoso.com")));
    assert_eq!(locations.map(Option::unwrap), ["IT", "IT", "FR"]);
}

#[tokio::test]
async fn faults_replay_from_their_seed() {
    let run = async || {
        let bench =
            Bench::new(small(), options(&["error=0.3@/users", "throttle=0.3@/users"])).await;
        for _ in 0..20 {
            bench.get("/users").await;
        }
        bench.server.requests().into_iter().map(|seen| seen.status).collect::<Vec<_>>()
    };
    let first = run().await;
    assert_eq!(first, run().await);
    assert!([200, 429, 500].iter().all(|status| first.contains(status)), "{first:?}");
}

#[tokio::test]
async fn throttling_by_quota_names_the_quota() {
    let few = Quotas {
        resource_units: crate::sandbox::throttle::Quota { units: 4, every: Duration::from_secs(8) },
        ..Quotas::documented(5)
    };
    let options = Options { throttle: Throttle::Custom(few), ..Options::default() };
    let bench = Bench::new(small(), options).await;
    assert!(!bench.get("/users").await.headers.contains_key("x-ms-throttle-limit-percentage"));
    let full = bench.get("/users").await;
    assert_eq!(full.headers["x-ms-throttle-limit-percentage"], "1.0");
    assert_eq!(full.headers["x-ms-resource-unit"], "2");
    let refused = bench.get("/users").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "TooManyRequests"));
    assert_eq!(refused.headers["retry-after"], "4");
    assert_eq!(refused.headers["x-ms-throttle-information"], "ResourceUnitLimitExceeded");
    assert!(refused.headers["x-ms-throttle-scope"].starts_with("Tenant_Application/ReadWrite/"));
}

#[tokio::test]
async fn what_came_is_logged_and_counted() {
    let bench = Bench::small().await;
    bench.get("/users?$top=2").await;
    bench.assign("ana@contoso.com", &["SPE_E5"], &[]).await;
    let seen = bench.server.requests();
    let short: Vec<_> = seen.iter().map(|s| (s.number, s.method.as_str(), s.status)).collect();
    assert_eq!(short, [(1, "POST", 200), (2, "GET", 200), (3, "POST", 200)]);
    assert_eq!(seen[1].path, "/v1.0/users?$top=2");
    let counts = bench.server.counts();
    assert_eq!((counts.requests, counts.tokens, counts.reads, counts.writes), (3, 1, 1, 1));
}

#[tokio::test]
async fn a_server_that_was_stopped_answers_nobody() {
    let bench = Bench::small().await;
    let url = format!("{}/v1.0/users", bench.server.url());
    bench.server.shutdown();
    assert!(bench.http.get(url).send().await.is_err());
}

#[tokio::test]
async fn a_slow_answer_is_whole() {
    let slow = options(&["slow=1@/users"]);
    let bench = Bench::new(small(), Options { delay: Duration::from_millis(1), ..slow }).await;
    assert_eq!(bench.get("/users").await.values("id").len(), 5);
    assert_eq!(bench.server.counts().faults, 1);
}
