//! The client against a scripted server on loopback: recorded shapes, and faults.

mod auth;
mod bodies;
mod budget;
mod changes;
mod credentials;
mod faults;
mod http2;
mod identities;
mod looking;
mod members;
mod reading;
mod server;
mod sign_ins;
mod writing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::graph::retry::after;
use crate::graph::session::Session;
use crate::graph::tests::server::Server;
use crate::graph::{Client, Credential, Settings, SignIn};
use crate::ports::{Clock, Progress};

/// A clock that stands still except when somebody sleeps.
#[derive(Clone)]
struct TestClock {
    now: Arc<Mutex<Timestamp>>,
    slept: Arc<Mutex<Vec<Duration>>>,
}

impl TestClock {
    fn new() -> Self {
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        Self { now: Arc::new(Mutex::new(now)), slept: Arc::default() }
    }

    fn advance(&self, length: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = after(*now, length);
    }

    /// Returns how long was slept in all.
    fn slept(&self) -> Duration {
        self.slept.lock().unwrap().iter().sum()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, length: Duration) {
        self.slept.lock().unwrap().push(length);
        self.advance(length);
        tokio::task::yield_now().await;
    }
}

struct Quiet;

impl Progress for Quiet {
    fn at(&self, _what: &str, _done: u64, _total: Option<u64>) {}
}

fn settings(url: &str) -> Settings {
    Settings {
        tenant: "contoso".parse().unwrap(),
        tenant_id: "contoso.onmicrosoft.com".to_owned(),
        login: url.to_owned(),
        graph: url.to_owned(),
        sign_in: with_secret(|| Ok(SecretString::from("s3cr3t&~value"))),
        timeout: Duration::from_secs(20),
        give_up_after: Duration::from_mins(10),
        settle_after: Duration::ZERO,
        concurrency: 4,
        in_background: false,
        clock_tolerance: None,
        quota: None,
    }
}

fn as_app(credential: Credential) -> SignIn {
    SignIn::App { client_id: "2c9a4d10-7d5b-4c50-8f37-4b8b3f0a7a11".to_owned(), credential }
}

fn with_secret(open: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> SignIn {
    as_app(Credential::Secret(Arc::new(open)))
}

fn client_of(settings: Settings) -> (Client<TestClock>, TestClock) {
    let clock = TestClock::new();
    let session = Session::new(settings, clock.clone(), || 0.5).unwrap();
    (Client { session }, clock)
}

fn client(server: &Server) -> (Client<TestClock>, TestClock) {
    client_of(settings(&server.url))
}

fn user_id(number: u32) -> UserId {
    format!("a1a1a1a1-0000-4000-8000-{number:012}").parse().unwrap()
}

fn group_id(number: u32) -> GroupId {
    format!("3c2f9b0e-0000-4000-8000-{number:012}").parse().unwrap()
}

fn e5() -> SkuId {
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06".parse().unwrap()
}

fn e3() -> SkuId {
    "05e9a617-0261-4cee-bb44-138d3ef5d965".parse().unwrap()
}

/// A user as Graph lists them, who holds these SKUs directly.
fn user_row(number: u32, skus: &[SkuId]) -> Value {
    let licenses: Vec<Value> =
        skus.iter().map(|sku| json!({"skuId": sku.to_string(), "disabledPlans": []})).collect();
    let states: Vec<Value> = skus
        .iter()
        .map(|sku| {
            json!({"skuId": sku.to_string(), "disabledPlans": [], "assignedByGroup": null,
                   "state": "Active", "error": "None",
                   "lastUpdatedDateTime": "2026-09-14T08:21:07Z"})
        })
        .collect();
    json!({
        "id": user_id(number).to_string(),
        "userPrincipalName": format!("user{number}@contoso.com"),
        "displayName": format!("User {number}"),
        "userType": "Member", "accountEnabled": true, "usageLocation": "DE",
        "onPremisesSyncEnabled": null, "onPremisesDistinguishedName": null,
        "onPremisesDomainName": null,
        "assignedLicenses": licenses, "licenseAssignmentStates": states
    })
}

/// An error body of Graph.
fn error_body(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message,
        "innerError": {"date": "2026-11-23T09:00:01", "request-id": "inner-request-id",
                       "client-request-id": "x"}}})
}
