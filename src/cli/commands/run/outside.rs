//! What the daemon offers to those outside: the API, and notices.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::api::{self, Counts, Deps, Token};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure};
use crate::cli::secret::open_secret;
use crate::cli::session::Session;
use crate::config::{Api, ApiToken, Tenant};
use crate::domain::names::TenantName;
use crate::engine::Stop;
use crate::engine::daemon::{BeatingClock, Board};
use crate::graph;
use crate::ports::Clock as _;
use crate::store::Store;
use crate::webhook;

/// So many intervals of its schedule without a complete cycle, and a tenant is not ready.
const READY_INTERVALS: u32 = 3;
/// Where cycles come often, a few that fail are no reason yet.
const READY_WITHIN_MIN: Duration = Duration::from_mins(5);

/// The clients of the tenants, for what they count.
pub(super) type Clients = BTreeMap<TenantName, Arc<graph::Client<BeatingClock<SystemClock>>>>;

/// Takes the address of the API. Where the configuration does not ask for one and the usual one is
/// taken, the daemon goes on without.
pub(super) async fn listen(session: &Session<'_>) -> Result<Option<TcpListener>, Failure> {
    let Some(api) = &session.config.api else { return Ok(None) };
    match TcpListener::bind(api.listen).await {
        Ok(listener) => {
            let at = listener.local_addr().map_or(api.listen, |at| at);
            tracing::info!(listen = %at, "the API answers at http://{at}");
            Ok(Some(listener))
        }
        Err(error) if api.is_asked_for => {
            let message = format!("the API cannot listen at `{}`", api.listen);
            let error = anyhow::Error::new(error).context(message);
            Err(Failure::new(Exit::Unavailable, error)
                .hint("write another address to `api: {listen: …}`, or `api: off`"))
        }
        Err(error) => {
            tracing::warn!(listen = %api.listen, %error, "there is no API: its usual address is taken");
            Ok(None)
        }
    }
}

/// Answers HTTP and delivers notices, until somebody asks to stop.
pub(super) fn begin(
    session: &Session<'_>,
    listener: Option<TcpListener>,
    board: &Arc<Board>,
    clients: Clients,
    beside: &mut JoinSet<()>,
) -> Result<(), Failure> {
    // A connection of its own: a slow question of a client must not stand before those of a cycle.
    let store = Arc::new(session.store()?);
    let tally = Arc::new(webhook::Tally::default());
    if let (Some(listener), Some(api)) = (listener, &session.config.api) {
        let counted = Arc::clone(&tally);
        let counts = Counts {
            graph: Arc::new(move |tenant| clients.get(tenant).map(|client| client.tally())),
            deliveries: Arc::new(move || counted.current()),
        };
        let deps = deps(session, api, Arc::clone(&store), board, counts);
        let stop = session.stop.clone();
        beside.spawn(async move {
            if let Err(error) = api::serve(listener, deps, stop).await {
                tracing::error!(%error, "the API has ended");
            }
        });
    }
    let stop: Stop = session.stop.clone();
    beside.spawn(webhook::run(
        store,
        session.config.notify.iter().map(receiver).collect(),
        Arc::new(SystemClock),
        tally,
        async move { stop.asked().await },
    ));
    Ok(())
}

fn deps(
    session: &Session<'_>,
    api: &Api,
    records: Arc<Store>,
    board: &Arc<Board>,
    counts: Counts,
) -> Deps<Store, SystemClock> {
    let now = SystemClock.now();
    let tenant = |tenant: &Tenant| {
        let known = api::Tenant {
            settings: tenant.settings.clone(),
            ready_within: ready_within(tenant, now),
        };
        (tenant.name.clone(), known)
    };
    let tokens = api.tokens.clone();
    Deps {
        records,
        clock: Arc::new(SystemClock),
        board: Arc::clone(board),
        tokens: Arc::new(move || tokens.iter().map(token).collect::<Vec<_>>()),
        hosts: api.hosts.clone(),
        tenants: session.config.tenants.iter().map(tenant).collect(),
        version: env!("CARGO_PKG_VERSION").into(),
        counts,
    }
}

fn token(token: &ApiToken) -> Token {
    let ApiToken { name, token, may } = token;
    Token { name: Arc::clone(name), secret: open_secret(token), may: may.clone() }
}

fn receiver(receiver: &crate::config::Receiver) -> webhook::Receiver {
    let address = receiver.webhook.clone();
    webhook::Receiver {
        name: Arc::clone(&receiver.name),
        format: receiver.format,
        address: Arc::new(move || open_secret(&address)),
    }
}

/// Returns how old the last complete cycle of a tenant may be.
fn ready_within(tenant: &Tenant, now: Timestamp) -> Duration {
    let zone = &tenant.settings.time_zone;
    let interval = || {
        let first = tenant.schedule.next_after(now, zone)?;
        let second = tenant.schedule.next_after(first, zone)?;
        Duration::try_from(second.duration_since(first)).ok()
    };
    let interval = interval().unwrap_or_default();
    interval.saturating_mul(READY_INTERVALS).max(READY_WITHIN_MIN)
}
