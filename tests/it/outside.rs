//! The daemon as those outside meet it: over HTTP, and as it tells them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::site::{Site, calm, tenant};

const TOP: &str = "mode: approve\nschedule: '* * * * * *'\n\
    apply: {confirm_within: 20s, settle_after: 1s}\n\
    requests: {timeout: 5s, give_up_after: 20s}\n\
    api: {listen: '127.0.0.1:0', tokens: [\
      {name: ben, token: {file: ben.token}, may: [read, approve]}, \
      {name: grafana, token: {file: grafana.token}}]}\n\
    notify: [{name: ops, webhook: {file: hook}, on: [held, waiting]}]";
const POLICIES: &str = "policies: [{name: staff, match: {everyone: true}, licenses: [SPE_E3]}]";

/// Takes what is sent to a webhook, and answers that it arrived.
pub(crate) fn receiver() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook/secret", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
            let body = loop {
                let length = stream.read(&mut buffer).unwrap();
                text.extend_from_slice(&buffer[..length]);
                let all = String::from_utf8_lossy(&text);
                let body = all.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(body) = body.and_then(|body| serde_json::from_str(body).ok()) {
                    break body;
                }
                if length == 0 {
                    return;
                }
            };
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_told_of_by_webhook_approved_over_http_and_carried_out() {
    let users: Vec<Value> = (0..3)
        .map(
            |k| json!({"user_principal_name": format!("u{k}@contoso.com"), "usage_location": "DE"}),
        )
        .collect();
    let company = tenant(json!({"skus": [{"sku": "SPE_E3", "enabled": 9}], "users": users}));
    let site = Site::with(company, calm(), TOP, &[("policies.yaml", POLICIES)]).await;
    let (hook, told) = receiver();
    site.write("hook", &hook);
    site.write("ben.token", "token of ben");
    site.write("grafana.token", "token of grafana");
    let daemon = Daemon::start(&site);
    daemon.until_logged("the API answers at http://").await;
    let log = daemon.log();
    let url = log.split("the API answers at ").nth(1).unwrap();
    let url = url.split_whitespace().next().unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let held = tokio::task::spawn_blocking(move || told.recv_timeout(Duration::from_mins(1)));
    let held = held.await.unwrap().unwrap();
    assert_eq!(held["event"], "held", "{held}");
    assert!(!daemon.log().contains("/hook/secret"));
    let id = site.plans()[0]["id"].as_str().unwrap().to_owned();
    assert!(held.to_string().contains(&id), "{held}");

    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 401)] {
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    let get = |path: String| client.get(format!("{url}{path}")).bearer_auth("token of grafana");
    let metrics = get("/metrics".to_owned()).send().await.unwrap().text().await.unwrap();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(metrics.contains("seatkeeper_graph_requests_total{"), "{metrics}");
    assert!(metrics.contains("seatkeeper_policies_valid{tenant=\"contoso\"} 1\n"), "{metrics}");
    let plan: Value =
        get(format!("/api/v1/plans/{id}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(plan["state"], "held");

    let approve = |token: &str, body: Value| {
        let request = client.post(format!("{url}/api/v1/plans/{id}/approve"));
        request.bearer_auth(token).json(&body).send()
    };
    let yes = json!({"digest": plan["digest"], "accept": ["first_plan"], "reason": "looked at"});
    let other = json!({"digest": format!("sha256:{}", "0".repeat(64)), "accept": ["first_plan"],
                       "reason": "looked at"});
    assert_eq!(approve("token of grafana", yes.clone()).await.unwrap().status().as_u16(), 403);
    assert_eq!(approve("token of ben", other).await.unwrap().status().as_u16(), 412);
    assert_eq!(approve("token of ben", yes).await.unwrap().status().as_u16(), 200);
    daemon.until("the plan to run", || site.plans()[0]["state"] == "applied").await;
    assert!(site.history().iter().all(|entry| entry["approved_by"] == "ben"));
    site.assert_one_outcome_each();
    site.expect(0, &["history", "--verify"]);
}
