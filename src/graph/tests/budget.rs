use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::server::{Play, Seen, Server};
use super::{Quiet, TestClock, client, client_of, settings, user_id, user_row};
use crate::graph::{Client, Settings};
use crate::ports::quota::{Quota, QuotaMemory};
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

/// What two processes after each other share.
#[derive(Default)]
struct Remembered(Mutex<Quota>);

impl QuotaMemory for Remembered {
    fn last(&self) -> Quota {
        *self.0.lock().unwrap()
    }

    fn keep(&self, quota: Quota) {
        *self.0.lock().unwrap() = quota;
    }
}

fn remembering(server: &Server, memory: &Arc<Remembered>) -> (Client<TestClock>, TestClock) {
    let quota: Arc<dyn QuotaMemory> = Arc::clone(memory) as _;
    client_of(Settings { quota: Some(quota), ..settings(&server.url) })
}

#[tokio::test]
async fn a_pause_that_graph_asked_for_outlives_the_process() {
    let refused = AtomicBool::new(false);
    let server = Server::start(move |seen| {
        let first = seen.path.ends_with("/users") && !refused.swap(true, Ordering::SeqCst);
        let refusal =
            first.then(|| Play::json(429, &serde_json::json!({})).with("Retry-After", "90"));
        refusal.or_else(|| yes(seen))
    })
    .await;
    let memory = Arc::default();
    let (killed, clock) = remembering(&server, &memory);
    let reading = async { killed.read(&everything(), &Quiet).await };
    // The process ends while it waits, before the next request.
    tokio::select! {
        biased;
        _ = reading => panic!("it waits"),
        () = async { while clock.slept().is_zero() { tokio::task::yield_now().await } } => {}
    }
    let sent = server.seen().len();
    let (next, clock) = remembering(&server, &memory);
    next.holdings(&[user_id(1)]).await.unwrap();
    assert!(clock.slept() > Duration::from_secs(80), "{:?}", clock.slept());
    assert!(server.seen().len() > sent);
    // A year that a clock went back is not waited for.
    let year = clock.now() + jiff::SignedDuration::from_hours(24 * 365);
    memory.keep(Quota { paused_until: Some(year), reads_spent: None });
    let (patient, clock) = remembering(&server, &memory);
    let error = patient.holdings(&[user_id(1)]).await.unwrap_err();
    assert!(error.to_string().contains("asks to wait 3600 s"), "{error}");
    clock.advance(Duration::from_hours(1));
    patient.holdings(&[user_id(1)]).await.unwrap();
}

#[tokio::test]
async fn what_an_earlier_process_read_keeps_this_one_from_a_burst() {
    let server = Server::start(|_| None).await;
    let memory = Arc::default();
    let (first, clock) = remembering(&server, &memory);
    first.read(&everything(), &Quiet).await.unwrap();
    let (spent, _) = memory.last().reads_spent.unwrap();
    assert!((1.0..20.0).contains(&spent), "{spent}");
    memory.keep(Quota { paused_until: None, reads_spent: Some((3_447.0, clock.now())) });
    let (second, clock) = remembering(&server, &memory);
    second.read(&everything(), &Quiet).await.unwrap();
    assert!(clock.slept() > Duration::from_secs(1), "{:?}", clock.slept());
}
