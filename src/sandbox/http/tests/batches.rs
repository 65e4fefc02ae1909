use super::*;

fn get(id: &str, url: &str) -> Value {
    json!({"id": id, "method": "GET", "url": url})
}

fn patch(id: &str, user: &str, depends_on: &[&str]) -> Value {
    json!({"id": id, "method": "PATCH", "url": format!("/users/{user}"), "dependsOn": depends_on,
           "headers": {"Content-Type": "application/json"}, "body": {"usageLocation": "DE"}})
}

async fn batch(bench: &Bench, requests: Vec<Value>) -> Answer {
    bench.send("POST", "/$batch", json!({"requests": requests})).await
}

fn response(answer: &Answer, id: &str) -> Value {
    let body = answer.json();
    let responses = body["responses"].as_array().unwrap();
    responses.iter().find(|response| response["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn a_parallel_batch_answers_every_item_by_itself() {
    let bench = Bench::small().await;
    let change = change(&bench.server.tenant(), &["POWER_BI_PRO"], &[]);
    let answer = batch(
        &bench,
        vec![
            get("a", "/users/ana@contoso.com?$select=id"),
            patch("b", "chi@contoso.com", &[]),
            json!({"id": "c", "method": "POST", "url": "users/ana@contoso.com/assignLicense",
                   "headers": {"content-type": "application/json"}, "body": change}),
            get("d", "/users/nobody"),
            json!({"id": "e", "method": "GET", "url": "/users?$count=true&$filter=assignedLicenses/$count ne 0&$top=1",
                   "headers": {"ConsistencyLevel": "eventual"}}),
        ],
    )
    .await;
    assert_eq!(answer.status, 200);
    let statuses = ["a", "b", "c", "d", "e"].map(|id| response(&answer, id)["status"].clone());
    assert_eq!(json!(statuses), json!([200, 204, 400, 404, 200]));
    assert!(response(&answer, "b").get("body").is_none());
    let text = response(&answer, "c")["body"]["error"]["message"].as_str().unwrap().to_owned();
    assert!(text.contains("does not have any available licenses"));
    let list = response(&answer, "e");
    assert_eq!(list["body"]["@odata.count"], 4);
    let next = list["body"]["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with(&bench.server.url()), "{next}");
    assert_eq!(list["headers"]["x-ms-resource-unit"], "1");
    let order: Vec<_> = answer.json()["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|response| response["id"].clone())
        .collect();
    assert_ne!(json!(order), json!(["a", "b", "c", "d", "e"]), "order is not promised");
}

#[tokio::test]
async fn a_serial_batch_stops_at_what_failed() {
    let bench = Bench::small().await;
    let answer = batch(
        &bench,
        vec![
            patch("1", "chi@contoso.com", &[]),
            patch("2", "nobody@contoso.com", &["1"]),
            patch("3", "dev@contoso.com", &["2"]),
            patch("4", "dev@contoso.com", &["3"]),
        ],
    )
    .await;
    let statuses = ["1", "2", "3", "4"].map(|id| response(&answer, id)["status"].clone());
    assert_eq!(json!(statuses), json!([204, 404, 424, 424]));
    let dev = bench.server.tenant().user("dev@contoso.com").unwrap().usage_location.unwrap();
    assert_eq!(dev.as_str(), "FR");
}

#[tokio::test]
async fn a_malformed_batch_is_refused_as_a_whole() {
    let bench = Bench::small().await;
    let many = (0..21).map(|id| get(&id.to_string(), "/users")).collect();
    let ana = "ana@contoso.com";
    let mixed = "Batch should be either fully sequential or fully parallel.";
    let cases: Vec<(Vec<Value>, &str)> = vec![
        (many, "Number of batch request steps exceeds the maximum value of 20."),
        (vec![], "non-empty array 'requests'"),
        (vec![get("a", "/users"), get("A", "/groups")], "unique"),
        (vec![get("a", "https://graph.microsoft.com/v1.0/users")], "relative"),
        (vec![json!({"id": "a", "url": "/users"})], "no 'method'"),
        (vec![patch("1", ana, &[]), patch("2", ana, &["1"]), patch("3", ana, &[])], mixed),
        (vec![patch("1", ana, &[]), patch("2", ana, &["1"]), patch("3", ana, &["1"])], mixed),
        (vec![patch("1", ana, &[]), patch("2", ana, &["1", "1"])], mixed),
        (vec![patch("1", ana, &["2"]), patch("2", ana, &[])], mixed),
        (
            vec![json!({"id": "1", "method": "PATCH", "url": "/users/x", "body": {}})],
            "Content-Type",
        ),
    ];
    for (requests, text) in cases {
        let answer = batch(&bench, requests).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{text}");
        assert!(answer.message().contains(text), "{} for {text}", answer.message());
    }
    let counts = bench.server.counts();
    assert_eq!((counts.batches, counts.writes), (10, 0));
}

#[tokio::test]
async fn a_batch_holds_no_batch() {
    let bench = Bench::small().await;
    let inner = json!({"id": "1", "method": "POST", "url": "/$batch",
                       "headers": {"Content-Type": "application/json"}, "body": {"requests": []}});
    assert_eq!(response(&batch(&bench, vec![inner]).await, "1")["status"], 400);
}

#[tokio::test]
async fn items_are_throttled_one_by_one() {
    let few = Quotas {
        writes: crate::sandbox::throttle::Quota { units: 2, every: Duration::from_secs(10) },
        ..Quotas::documented(5)
    };
    let options = Options { throttle: Throttle::Custom(few), ..Options::default() };
    let bench = Bench::new(small(), options).await;
    let requests = (0..4).map(|id| patch(&id.to_string(), "ana@contoso.com", &[])).collect();
    let answer = batch(&bench, requests).await;
    assert_eq!(answer.status, 200);
    let statuses = ["0", "1", "2", "3"].map(|id| response(&answer, id)["status"].clone());
    assert_eq!(json!(statuses), json!([204, 204, 429, 429]));
    let refused = response(&answer, "3");
    let headers = &refused["headers"];
    // Refused ones count too: the second has to wait longer than the first.
    assert_eq!(headers["Retry-After"], "10");
    assert_eq!(headers["x-ms-throttle-information"], "WriteLimitExceeded");
    let scope = format!("Tenant_Application/Write/{CLIENT_ID}/{}", bench.server.tenant_id);
    assert_eq!(headers["x-ms-throttle-scope"], scope);
    assert_eq!(refused["body"]["error"]["code"], "TooManyRequests");
    assert_eq!(bench.server.counts().throttled, 2);
    assert_eq!(bench.server.counts().writes_accepted, 2);
}
