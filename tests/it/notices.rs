//! What people are told by webhook, each thing once.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use seatkeeper::sandbox::{Faults, Tenant};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::daemon::{Daemon, GUARDS_OFF};
use crate::outside::receiver;
use crate::site::{Site, calm, tenant};

const TOP: &str = "mode: approve\nschedule: '* * * * * *'\n\
    apply: {confirm_within: 20s, settle_after: 1s}\n\
    requests: {timeout: 5s, give_up_after: 5s}\napi: off\n\
    notify: [{name: ops, webhook: {file: hook}, \
      on: [held, failed, partial, waiting, expiring, catalogue, invalid, recovered]}]";
const POLICIES: &str = "policies:
  - {name: desk, match: {group: Staff}, licenses: [SPE_E5]}
  - {name: floor, match: {group: Floor}, licenses: [SPE_F1]}
";

fn company() -> Tenant {
    let user = |name: &str, groups: &[&str]| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE",
               "groups": groups})
    };
    tenant(json!({
        "skus": [{"sku": "SPE_E5", "enabled": 9}, {"sku": "SPE_F1", "enabled": 9}],
        "groups": [{"name": "Staff"}, {"name": "Floor"}],
        // That the two of Ben exclude each other is for Graph to say.
        "users": [user("ana", &["Staff"]), user("ben", &["Staff", "Floor"])],
    }))
}

/// What was told, in its order.
struct Told {
    receiver: Receiver<Value>,
    all: Vec<Value>,
}

impl Told {
    /// Waits for an event, and returns it.
    async fn next(&mut self, event: &str) -> Value {
        let began = Instant::now();
        loop {
            self.all.extend(self.receiver.try_iter());
            if let Some(at) = self.all.iter().position(|one| one["event"] == event) {
                return self.all.remove(at);
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{event}: {:#?}", self.all);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_a_person_should_know_is_told_once() {
    let top = format!("{GUARDS_OFF}{TOP}");
    let site = Site::with(company(), calm(), &top, &[("policies.yaml", POLICIES)]).await;
    let (hook, receiver) = receiver();
    let mut told = Told { receiver, all: Vec::new() };
    site.write("hook", &hook);
    let daemon = Daemon::start(&site);

    let waiting = told.next("waiting").await;
    let id = site.plans()[0]["id"].as_str().unwrap().to_owned();
    assert!(waiting.to_string().contains(&id), "{waiting}");
    site.expect(0, &["approve", &id]);
    let partial = told.next("partial").await;
    assert!(partial.to_string().contains("1 refused"), "{partial}");
    assert_eq!(site.direct("ana@contoso.com"), ["SPE_E5"]);

    site.write("policies/policies.yaml", "policies: [{name: desk");
    let invalid = told.next("invalid").await;
    assert!(invalid.to_string().contains("policies.yaml:1"), "{invalid}");
    site.write("policies/policies.yaml", POLICIES);
    told.next("recovered").await;

    // Nothing can be read any more, and then it can.
    site.sandbox.set_faults(Faults::parse(1, ["unavailable=1@/users"]).unwrap());
    let failed = told.next("failed").await;
    assert!(failed.to_string().contains("cycles of tenant contoso fail"), "{failed}");
    site.sandbox.set_faults(Faults::default());
    let recovered = told.next("recovered").await;
    assert!(recovered.to_string().contains("work again"), "{recovered}");

    // No cycle tells anything again.
    let cycles = || daemon.log().matches("trigger=\"schedule\"").count();
    let before = cycles();
    daemon.until("more cycles", || cycles() > before + 3).await;
    told.all.extend(told.receiver.try_iter());
    assert!(told.all.is_empty(), "{:#?}", told.all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_graph_refused_is_left_alone_until_somebody_has_it_tried_again() {
    let top = format!("{GUARDS_OFF}{TOP}").replace("mode: approve", "mode: enforce");
    let site = Site::with(company(), calm(), &top, &[("policies.yaml", POLICIES)]).await;
    site.write("hook", "http://127.0.0.1:9/");
    let daemon = Daemon::start(&site);
    daemon.until("the refusal", || site.store_exists() && site.history().len() == 2).await;
    let cycles = || daemon.log().matches("trigger=\"schedule\"").count();
    let before = cycles();
    daemon.until("more cycles", || cycles() > before + 3).await;
    let writes = site.sandbox.counts().writes;
    assert_eq!(site.history().len(), 2);
    site.expect(0, &["retry", "ben@contoso.com"]);
    daemon.until("it to be tried again", || site.history().len() == 3).await;
    assert_eq!(site.sandbox.counts().writes, writes + 1);
    assert_eq!(site.direct("ben@contoso.com"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_keeps_changing_back_is_left_alone_after_three_times() {
    let top = format!("{GUARDS_OFF}{TOP}").replace("mode: approve", "mode: enforce");
    let policy = "policies: [{name: desk, match: {group: Staff}, licenses: [SPE_E5]}]";
    let site = Site::with(company(), calm(), &top, &[("policies.yaml", policy)]).await;
    site.write("hook", "http://127.0.0.1:9/");
    let daemon = Daemon::start(&site);
    let has = || site.direct("ana@contoso.com") == ["SPE_E5"];
    let take = || {
        site.sandbox.change(|tenant| {
            let (user, sku) = (
                tenant.user("ana@contoso.com").unwrap().id,
                tenant.sku_named("SPE_E5").unwrap().id,
            );
            let change =
                seatkeeper::sandbox::model::LicenseChange { add: Vec::new(), remove: vec![sku] };
            tenant.change_licenses(user, &change, crate::site::now()).unwrap();
        });
    };
    for round in 0..4 {
        daemon.until("the license to be there", has).await;
        // It has to be on record before it goes again.
        daemon
            .until("it to be recorded", || {
                let of_ana = site.history().into_iter().filter(|entry| {
                    entry["operation"]["user"]["user_principal_name"] == "ana@contoso.com"
                        && entry["outcome"] == "done"
                });
                of_ana.count() == round + 1
            })
            .await;
        take();
    }
    daemon
        .until("it to be contested", || {
            let explained = site.run(&["explain", "ana@contoso.com"]);
            explained.out.contains("somebody keeps changing SPE_E5 back")
        })
        .await;
    let cycles = || daemon.log().matches("trigger=\"schedule\"").count();
    let before = cycles();
    daemon.until("more cycles", || cycles() > before + 3).await;
    assert!(!has());
    site.expect(0, &["retry", "ana@contoso.com"]);
    daemon.until("it to be set again", has).await;
}
