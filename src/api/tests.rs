//! The interface over real connections, with a real store and a board that says what a test wants.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Counts, Deps, Tenant, Token, serve};
use crate::config::Right;
use crate::domain::names::TenantName;
use crate::engine::daemon::Board;
use crate::engine::daemon::board::{SeatFacts, SnapshotFacts};
use crate::engine::{Policies, Stop};
use crate::plan::testing::{World, world};
use crate::plan::{Digest, Plan, PlanState};
use crate::ports::counts::{DeliveryCounts, Traffic};
use crate::ports::desk::Desk as _;
use crate::ports::{Clock, Records as _};
use crate::store::Store;

mod bounds;
mod deciding;
mod described;
mod looking;
mod measured;
mod pages;
mod rights;

/// A clock that stands.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// Tokens as a test sets them: name, secret, whether it may approve.
type Secrets = Arc<Mutex<Vec<(&'static str, &'static str, bool)>>>;

/// An interface that listens.
struct Site {
    address: SocketAddr,
    store: Arc<Store>,
    board: Arc<Board>,
    secrets: Secrets,
    world: World,
    stop: Stop,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    _dir: TempDir,
}

fn contoso() -> TenantName {
    "contoso".parse().unwrap()
}

fn tokens(secrets: &Secrets) -> Vec<Token> {
    let token = |(name, secret, may_approve): &(&str, &str, bool)| Token {
        name: Arc::from(*name),
        secret: match *secret {
            "" => Err("`ana.token`: no such file".to_owned()),
            secret => Ok(SecretString::from(secret.to_owned())),
        },
        may: match may_approve {
            true => BTreeSet::from(Right::ALL),
            false => BTreeSet::from([Right::Read]),
        },
    };
    secrets.lock().unwrap().iter().map(token).collect()
}

const TENANT: &str = "ana: in Sales\nben: SPE_E3\ncem: in Sales";
const POLICIES: &str = "sales: Sales -> SPE_E3";

impl Site {
    /// Listens, with a reader and an approver.
    async fn new() -> Self {
        Self::with(&[("rita", "reads", false), ("ana", "approves", true)]).await
    }

    async fn with(secrets: &[(&'static str, &'static str, bool)]) -> Self {
        Self::changed(secrets, |_| {}).await
    }

    /// Listens for a tenant that a test has changed.
    async fn changed(
        secrets: &[(&'static str, &'static str, bool)],
        change: impl FnOnce(&mut World),
    ) -> Self {
        let mut world = world(TENANT, POLICIES);
        world.settings.guards.first_plan = true;
        world.ledger.owners.clear();
        change(&mut world);
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        store.keep_snapshot(&contoso(), Arc::new(world.snapshot())).await.unwrap();
        let board = Arc::new(Board::new(world.now, [contoso()]));
        board.place(&contoso()).unwrap().pretend(|facts| {
            facts.policies = Some(Arc::new(Policies {
                set: world.policies.clone(),
                digest: Digest([1; 32]),
                commit: None,
            }));
            facts.last_attempt = Some(world.now);
            facts.last_success = Some(world.now);
            let (taken_at, users, groups) = (world.now, 2, 1);
            facts.snapshot = Some(SnapshotFacts { taken_at, users, groups });
            let seats = SeatFacts { enabled: 25, consumed: 1, ..SeatFacts::default() };
            facts.seats = BTreeMap::from([("SPE_E3".into(), seats)]);
        });
        let secrets: Secrets = Arc::new(Mutex::new(secrets.to_vec()));
        let of_site = Arc::clone(&secrets);
        let tenant =
            Tenant { settings: world.settings.clone(), ready_within: Duration::from_mins(45) };
        let deps = Deps {
            records: Arc::clone(&store),
            clock: Arc::new(Still(world.now)),
            board: Arc::clone(&board),
            tokens: Arc::new(move || tokens(&of_site)),
            hosts: vec!["seats.contoso.com".into(), "seats.contoso.com:9443".into()],
            tenants: BTreeMap::from([(contoso(), tenant)]),
            version: "1.2.3".into(),
            counts: Counts {
                graph: Arc::new(|_| {
                    let mut traffic = Traffic::default();
                    traffic.count("users", 200, Duration::from_millis(80));
                    Some(traffic)
                }),
                deliveries: Arc::new(|| {
                    let counts = DeliveryCounts { delivered: 3, failed: 1, given_up: 0 };
                    BTreeMap::from([(Arc::from("odd \"name\"\\"), counts)])
                }),
            },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let serving = tokio::spawn(serve(listener, deps, stop.clone()));
        Self { address, store, board, secrets, world, stop, serving, _dir: dir }
    }

    /// Stores the plan of the world, as it would be held.
    async fn plan(&self) -> Plan {
        let plan = self.world.plan();
        self.store.propose(plan.clone(), PlanState::Held).await.unwrap();
        plan
    }

    /// Asks, with a token where it is not empty.
    async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let host = format!("Host: {}", self.address);
        let mut headers = vec![host];
        if !token.is_empty() {
            headers.push(format!("Authorization: Bearer {token}"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        if !body.is_empty() {
            headers.push("Content-Type: application/json".to_owned());
        }
        self.send(method, path, &headers, &body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "reads", None).await
    }

    async fn send(&self, method: &str, path: &str, headers: &[String], body: &str) -> Answer {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        Answer::parse(&String::from_utf8(read).unwrap())
    }
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("0");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status: status.parse().unwrap(), headers: headers.collect(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// Returns the word of the problem, checked for its shape.
    fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status, "{self:?}");
        for key in ["title", "detail", "instance"] {
            assert!(json[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {self:?}");
        }
        json["type"].as_str().unwrap().strip_prefix("urn:seatkeeper:problem:").unwrap().to_owned()
    }
}
