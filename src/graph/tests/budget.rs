use std::time::Duration;

use super::server::{Play, Seen, Server};
use super::{Quiet, TestClock, client, client_of, settings, user_id, user_row};
use crate::graph::Client;
use crate::ports::{
    Clock as _, LicenseWrite, OtherGroups, ReadRequest, TenantReader, TenantWriter,
};

fn everything() -> ReadRequest {
    ReadRequest { groups: Vec::new(), others: OtherGroups::Listed }
}

fn write(number: u32) -> LicenseWrite {
    LicenseWrite {
        user: user_id(number),
        add: Vec::new(),
        remove: vec![super::e3()],
        located: false,
    }
}

/// Says yes to every item of a batch.
fn yes(seen: &Seen) -> Option<Play> {
    let items = seen.items();
    let replies: Vec<_> = items
        .iter()
        .map(|item| {
            let number = item["url"].as_str()?.split('/').nth(2)?.get(24..36)?.parse().ok()?;
            let body = user_row(number, &[]);
            Some(serde_json::json!({"id": item["id"], "status": 200, "body": body}))
        })
        .collect::<Option<_>>()?;
    seen.is_batch().then(|| Play::json(200, &serde_json::json!({"responses": replies})))
}

fn priorities(server: &Server) -> Vec<(String, Option<String>)> {
    let seen = server.seen().into_iter().filter(|seen| !seen.is_token());
    let mut all: Vec<_> = seen
        .map(|seen| (seen.path.clone(), seen.headers.get("x-ms-throttle-priority").cloned()))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn what_a_daemon_lists_comes_after_what_people_ask_and_looks_come_before_all() {
    for (in_background, listing) in [(true, Some("low")), (false, None)] {
        let server = Server::start(yes).await;
        let mut settings = settings(&server.url);
        settings.in_background = in_background;
        let (client, _) = client_of(settings);
        client.read(&everything(), &Quiet).await.unwrap();
        client.holdings(&[user_id(1)]).await.unwrap();
        let all = priorities(&server);
        let (looks, lists): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(path, _)| path.ends_with("$batch"));
        assert_eq!(looks.len(), 1);
        assert!(looks.iter().all(|(_, priority)| priority.as_deref() == Some("high")));
        assert_eq!(lists.len(), 4, "{lists:?}");
        assert!(lists.iter().all(|(_, priority)| priority.as_deref() == listing), "{lists:?}");
    }
}

async fn write_all(client: &Client<TestClock>, count: u32) {
    for first in (1..=count).step_by(20) {
        let batch: Vec<_> = (first..first + 20).map(write).collect();
        client.assign(&batch).await;
    }
}

#[tokio::test]
async fn what_an_earlier_process_wrote_keeps_this_one_from_a_burst() {
    let server = Server::start(yes).await;
    let (fresh, clock) = client(&server);
    write_all(&fresh, 400).await;
    assert_eq!(clock.slept(), Duration::ZERO);
    let (after_a_restart, clock) = client(&server);
    after_a_restart.spent(&[(clock.now(), 2_900)]);
    write_all(&after_a_restart, 400).await;
    // 345 writes more than what is left at once, of which 19.7 come back every second.
    assert!(clock.slept() > Duration::from_secs(17), "{:?}", clock.slept());
}

#[tokio::test]
async fn a_quota_that_others_have_used_slows_listings_down_before_graph_refuses() {
    let server = Server::start(|seen| {
        let users = seen.path.ends_with("/users");
        users.then(|| Play::rows(&[]).with("x-ms-throttle-limit-percentage", "1.2"))
    })
    .await;
    let (client, clock) = client(&server);
    client.read(&everything(), &Quiet).await.unwrap();
    let began = clock.now();
    client.read(&everything(), &Quiet).await.unwrap();
    let took = clock.now().duration_since(began).as_secs();
    assert!((3..6).contains(&took), "{took}");
}
