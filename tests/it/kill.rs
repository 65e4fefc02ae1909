//! The same with the real program, the real disk and the real signal.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use seatkeeper::sandbox::http::Clock;
use seatkeeper::sandbox::{Faults, Options};

use crate::crash::{POLICIES, before, change};
use crate::site::{Ran, Site, calm, tenant};

const PROTECTED: &str = "protected: {users: [moe@contoso.com]}\n";
const TOP: &str = "guards: {first_plan: off, max_removals: {percent: unlimited, count: unlimited}, \
                   max_changes: unlimited}\n\
                   apply: {confirm_within: 20s, settle_after: 1s}\n\
                   requests: {timeout: 5s, give_up_after: 20s}";

/// A program that is killed when the tenant sees its n-th request.
#[derive(Clone, Default)]
struct Victim {
    child: Arc<Mutex<Option<Child>>>,
    seen: Arc<AtomicU64>,
}

impl Victim {
    fn options(&self, request: u64) -> Options {
        let (child, seen) = (self.child.clone(), self.seen.clone());
        let ask = move || {
            // The server asks once when it starts.
            if seen.fetch_add(1, Ordering::SeqCst) == request
                && let Some(child) = child.lock().unwrap().as_mut()
            {
                child.kill().unwrap();
            }
            "2026-11-23T09:00:00Z".parse().unwrap()
        };
        Options { clock: Clock::Ask(Arc::new(ask)), ..calm() }
    }

    /// Runs the program until it is killed. Returns whether it was.
    async fn run(&self, site: &Site, arguments: &[&str]) -> bool {
        {
            let mut child = self.child.lock().unwrap();
            let mut command = site.command(arguments);
            *child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        }
        loop {
            // The lock is not held while waiting: whoever kills needs it.
            let ended = self.child.lock().unwrap().as_mut().unwrap().try_wait().unwrap();
            if let Some(status) = ended {
                return status.code().is_none();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn prepared() -> Site {
    let site =
        Site::with(before(), calm(), &format!("{PROTECTED}{TOP}"), &[("policies.yaml", POLICIES)])
            .await;
    site.expect(0, &["apply", "--yes"]);
    site.sandbox.change(change);
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_leaves_nothing_that_the_next_run_does_not_make_good() {
    let prepared = prepared().await;
    let undisturbed = prepared.fork(calm()).await;
    undisturbed.expect(0, &["apply", "--yes"]);
    let state = undisturbed.sandbox.tenant().license_state();
    let requests = undisturbed.sandbox.counts().requests;
    let first_write = undisturbed
        .sandbox
        .requests()
        .iter()
        .find(|seen| seen.items.iter().any(|item| item.method == "PATCH"))
        .map_or_else(|| panic!("no location was written"), |seen| seen.number);
    let mut points: Vec<u64> = (first_write..=requests).collect();
    points.push(first_write / 2);
    for request in points {
        let victim = Victim::default();
        let site = prepared.fork(victim.options(request)).await;
        assert!(victim.run(&site, &["apply", "--yes"]).await, "request {request} came not");
        site.expect(0, &["apply", "--yes"]);
        assert_eq!(site.sandbox.tenant().license_state(), state, "request {request}");
        site.assert_one_outcome_each();
        site.expect(0, &["plan", "--detailed-exitcode"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_is_told_of_by_the_next() {
    let site = {
        let prepared = prepared().await;
        let undisturbed = prepared.fork(calm()).await;
        undisturbed.expect(0, &["apply", "--yes"]);
        let victim = Victim::default();
        let last = undisturbed.sandbox.counts().requests;
        let site = prepared.fork(victim.options(last)).await;
        assert!(victim.run(&site, &["apply", "--yes"]).await);
        site
    };
    let applying: Vec<_> = site.plans().into_iter().filter(|p| p["state"] == "applying").collect();
    assert_eq!(applying.len(), 1);
    let id = applying[0]["id"].as_str().unwrap().to_owned();
    let used = site.expect(7, &["apply", &id, "--yes"]);
    assert!(used.err.contains(&format!("plan {id} is applying")), "{}", used.err);
    let next = site.expect(0, &["apply", "--yes"]);
    assert!(next.err.contains("an interrupted run was settled first"), "{}", next.err);
    let recovered = site.history().into_iter().filter(|entry| entry["recovered"] == true).count();
    assert!(recovered > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_asked_to_stop_finishes_what_is_in_flight_and_records_it() {
    let users: Vec<_> = (0..300)
        .map(|k| {
            serde_json::json!({"user_principal_name": format!("u{k}@contoso.com"),
                "usage_location": "DE", "groups": ["Staff"]})
        })
        .collect();
    let people = tenant(serde_json::json!({
        "skus": [{"sku": "SPE_E3", "enabled": 400}], "groups": [{"name": "Staff"}],
        "users": users,
    }));
    let policies = "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3]}]";
    let probe = Site::with(people.clone(), calm(), TOP, &[("policies.yaml", policies)]).await;
    probe.expect(0, &["apply", "--yes"]);
    let written = probe.sandbox.requests();
    let first = written.iter().find(|seen| seen.items.iter().any(|item| item.method == "POST"));
    let first = first.unwrap().number;

    let child: Arc<Mutex<Option<u32>>> = Arc::default();
    let seen = AtomicU64::new(0);
    let process = child.clone();
    let ask = move || {
        if seen.fetch_add(1, Ordering::SeqCst) == first {
            let id = process.lock().unwrap().unwrap().to_string();
            let sent = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
            assert!(sent.success());
        }
        "2026-11-23T09:00:00Z".parse().unwrap()
    };
    let options = Options { clock: Clock::Ask(Arc::new(ask)), ..calm() };
    let site = Site::with(people, options, TOP, &[("policies.yaml", policies)]).await;
    let spawned = {
        let mut id = child.lock().unwrap();
        let mut command = site.command(&["apply", "--yes"]);
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        *id = Some(spawned.id());
        spawned
    };
    let ran = crate::site::ran(&spawned.wait_with_output().unwrap());
    assert_eq!(ran.code, 4, "{}", ran.shown());
    assert!(ran.err.contains("stopped before the end: stopped on request"), "{}", ran.err);
    site.assert_one_outcome_each();
    let done = site.history().into_iter().filter(|entry| entry["outcome"] == "done").count() as u64;
    assert!(done > 0 && done < 300, "{done}");
    assert_eq!(done, site.sandbox.counts().writes_accepted);
}

/// Starts a program against a tenant that does not answer its n-th request, and sends it a signal
/// while it waits, so many times at most.
async fn signalled(hangs_at: u64, signal: &str, times_max: usize) -> (Site, Ran) {
    let (arrived, waits) = mpsc::channel::<()>();
    let seen = AtomicU64::new(0);
    let ask = move || {
        if seen.fetch_add(1, Ordering::SeqCst) == hangs_at {
            arrived.send(()).unwrap();
        }
        "2026-11-23T09:00:00Z".parse().unwrap()
    };
    let faults = Faults::parse(1, [format!("hang=#{hangs_at}")]).unwrap();
    let options = Options { clock: Clock::Ask(Arc::new(ask)), faults, ..calm() };
    let site = prepared().await.fork(options).await;
    site.reconfigure("{timeout: 5s, give_up_after: 20s}", "{timeout: 5m, give_up_after: 10m}");
    let mut command = site.command(&["apply", "--yes"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    waits.recv().unwrap();
    let id = child.id().to_string();
    for _ in 0..times_max {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        let sent = std::process::Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        // Two signals at once are one.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ran = crate::site::ran(&child.wait_with_output().unwrap());
    (site, ran)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_only_reads_stops_at_once() {
    for signal in ["-TERM", "-INT"] {
        // The first request is for a token, the second a read.
        let (site, ran) = signalled(2, signal, 1).await;
        assert_eq!(ran.code, 6, "{}", ran.shown());
        assert!(ran.err.contains("stopped on request; nothing was concluded"), "{}", ran.err);
        assert_eq!(site.writes(), 0);
        site.assert_one_outcome_each();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_asked_twice_ends_and_the_next_run_makes_it_good() {
    let undisturbed = prepared().await.fork(calm()).await;
    undisturbed.expect(0, &["apply", "--yes"]);
    let batch = undisturbed
        .sandbox
        .requests()
        .into_iter()
        .find(|seen| seen.items.iter().any(|item| item.method != "GET"));
    let (site, ran) = signalled(batch.unwrap().number, "-TERM", 100).await;
    assert_eq!(ran.code, 6, "{}", ran.shown());
    assert!(ran.err.contains("asked again"), "{}", ran.err);
    site.sandbox.set_faults(Faults::default());
    site.expect(0, &["apply", "--yes"]);
    let state = undisturbed.sandbox.tenant().license_state();
    assert_eq!(site.sandbox.tenant().license_state(), state);
    site.assert_one_outcome_each();
}
