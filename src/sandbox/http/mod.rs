//! The emulator on the wire: an HTTP server that answers as Graph and Entra's token endpoint do.
//!
//! Holds one tenant in memory and forgets it when it ends. Never uses the program's own client of
//! Graph, nor its wire types: a misreading of Graph must not hide on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Response, Version};
use futures_util::stream::{self, StreamExt as _};
use tokio::net::TcpListener;

use crate::sandbox::faults::{FaultKind, Faults, Target};
use crate::sandbox::http::audit::Audit;
use crate::sandbox::http::lag::{Horizon, Moment, Views};
use crate::sandbox::http::line::{Lines, Switch};
use crate::sandbox::http::log::Log;
use crate::sandbox::http::paging::Returned;
use crate::sandbox::http::processing::Queue;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, World};
use crate::sandbox::model::Tenant;
use crate::sandbox::roles::Role;
use crate::sandbox::throttle::{Buckets, Quotas};

mod audit;
mod batch;
mod control;
mod credentials;
mod delta;
mod directory;
mod expand;
mod faulty;
mod filter;
mod group_properties;
mod gzip;
mod identity;
mod json;
mod lag;
mod licensed;
mod line;
mod log;
mod members;
mod metadata;
mod objects;
mod options;
mod order;
mod paging;
mod price;
mod processing;
mod properties;
mod query;
mod reads;
mod reply;
mod route;
mod tls;
mod token;
mod world;
mod writes;

pub use self::credentials::{AUDIENCE, Credentials, Federated, InvalidCredential, Registered};
pub use self::delta::Delta;
pub use self::identity::Machine;
pub use self::lag::{Lag, Lags};
pub use self::log::{Counts, ItemSeen, RequestSeen};
pub use self::options::{CLIENT_ID, CLIENT_SECRET, Clock, Options, SignInActivity, Throttle};
pub use self::paging::PageTokens;
pub use self::tls::{InvalidTls, Tls};

const BODY_MAX: usize = 4 * 1024 * 1024;
/// How long the first half of an answer has to leave before its stream is reset.
const TEAR_AFTER: Duration = Duration::from_millis(20);

/// The server.
#[derive(Debug)]
pub struct Server;

/// A server that runs. It stops when this is dropped.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// The id of its tenant.
    pub tenant_id: String,
    /// The client id of the app.
    pub client_id: String,
    /// The secret of the app.
    pub secret: String,
    scheme: &'static str,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    world: Mutex<World>,
    numbers: Mutex<u64>,
    /// `http` or `https`.
    scheme: &'static str,
    clock: Clock,
    started: tokio::time::Instant,
    delay: Duration,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts to serve a tenant. Answers at `/v1.0/…` and `/{tenant}/oauth2/v2.0/token`.
    ///
    /// # Errors
    ///
    /// Fails where the address cannot be had.
    pub async fn start(tenant: Tenant, options: Options) -> io::Result<Running> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let running = (tenant.about().id.to_string(), options.client_id.clone());
        let secret = options.secret.clone();
        let acceptor = options.tls.as_ref().map(Tls::acceptor);
        let shared = Arc::new(Shared::new(tenant, options));
        let scheme = shared.scheme;
        let lines = Lines::new(listener, acceptor, shared.stopped.clone());
        let service = Router::new()
            .fallback(handle)
            .with_state(shared.clone())
            .into_make_service_with_connect_info::<Switch>();
        let task = tokio::spawn(async move {
            // Ends with the task: `axum::serve` itself never fails.
            let _ = axum::serve(lines, service).await;
        });
        let (tenant_id, client_id) = running;
        Ok(Running { addr, tenant_id, client_id, secret, scheme, shared, task })
    }
}

impl Running {
    /// Returns the address to configure as `graph` and `login` endpoint.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// Returns the tenant as it is now, whatever reads show.
    pub fn tenant(&self) -> Tenant {
        self.shared.world().tenant.clone()
    }

    /// Changes the tenant behind the clients' backs, as an administrator elsewhere would.
    pub fn change(&self, change: impl FnOnce(&mut Tenant)) {
        let now = self.shared.now();
        let mut guard = self.shared.world();
        let world = &mut *guard;
        let before = world.tenant.journal().latest();
        change(&mut world.tenant);
        world.follow_groups(before, now);
        world.horizon.note(world.views.delta_lag(), now, world.tenant.journal().latest());
        world.nested.clear();
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.world().faults = faults;
    }

    /// Sets what tokens allow that are issued from now on.
    pub fn set_roles(&self, roles: BTreeSet<Role>) {
        self.shared.world().roles = roles;
    }

    /// Sets what the app may sign in with from now on, beside its secret.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.shared.world().credentials = credentials;
    }

    /// Returns the latest requests (200,000 at most), in the order in which they were answered.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.world().log.seen()
    }

    /// Counts all requests since the start.
    pub fn counts(&self) -> Counts {
        self.shared.world().log.counts()
    }

    /// Waits until the server ends, which it does not by itself.
    pub async fn wait(mut self) {
        // A task that was ended from outside is no failure of this one.
        let _ = (&mut self.task).await;
    }

    /// Stops the server: open connections break.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.task.abort();
    }
}

impl Shared {
    fn new(tenant: Tenant, options: Options) -> Self {
        let Options {
            listen: _,
            tls,
            client_id,
            secret,
            credentials,
            roles,
            faults,
            lag,
            lags,
            follows_groups,
            page_tokens,
            filter_height_max,
            throttle,
            token_lifetime,
            delay,
            clock,
            sign_ins,
            delta,
            priorities,
        } = options;
        let started = tokio::time::Instant::now();
        let now = clock.now(started);
        let quotas = match throttle {
            Throttle::Documented => Some(Quotas::documented(tenant.users().len())),
            Throttle::Off => None,
            Throttle::Custom(quotas) => Some(quotas),
        };
        let world = World {
            tenant,
            client_id,
            secret,
            credentials,
            assertions: BTreeSet::new(),
            roles,
            token_lifetime,
            tokens: BTreeMap::new(),
            tokens_issued: 0,
            faults,
            views: Views::new(lag, lags),
            group_lag: lags.groups,
            follows_groups,
            queue: Queue::default(),
            audit: Audit::default(),
            page_tokens,
            returned: Returned::default(),
            filter_height_max,
            horizon: Horizon::default(),
            delta,
            buckets: quotas.map(|quotas| Buckets::new(&quotas, now)),
            priorities,
            log: Log::default(),
            sign_ins,
            nested: BTreeMap::new(),
        };
        Self {
            world: Mutex::new(world),
            numbers: Mutex::new(0),
            scheme: if tls.is_some() { "https" } else { "http" },
            clock,
            started,
            delay,
            stopped: Arc::new(AtomicBool::new(false)),
        }
    }

    /// A request that panicked must not take the others with it: its world is still whole, because
    /// every write is checked before it begins.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        let number = *self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        Moment { request: number, at: self.clock.now(self.started) }
    }

    fn moment(&self) -> Moment {
        let mut number = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        Moment { request: *number, at: self.clock.now(self.started) }
    }
}

/// Whatever comes in.
async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == control::PATH {
        let body = axum::body::to_bytes(body, BODY_MAX).await.unwrap_or_default();
        let reply = control::answer(&mut shared.world(), parts.method.as_str(), &body);
        return respond(reply);
    }
    let now = shared.moment();
    let method = parts.method.as_str().to_owned();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let target = Target { request: now.request, item: None, method: &method, path: &path };
    let fault = shared.world().faults.strike(target);
    let body = axum::body::to_bytes(body, BODY_MAX).await;
    let whole = Whole { method, path, version: parts.version, headers: headers(&parts), now };
    match fault {
        Some(FaultKind::Reset) => {
            whole.log(&shared, 0, fault, Vec::new());
            switch.cut_after(0);
            return Response::default();
        }
        Some(FaultKind::Hang) => {
            whole.log(&shared, 0, fault, Vec::new());
            return std::future::pending().await;
        }
        Some(FaultKind::Slow) => tokio::time::sleep(shared.delay).await,
        Some(_) | None => {}
    }
    let mut reply = whole.answer(&shared, fault, body.ok().as_ref());
    let cut = fault == Some(FaultKind::ResetAfter);
    let status = if cut { 0 } else { reply.status };
    whole.log(&shared, status, fault, std::mem::take(&mut reply.items));
    if cut {
        switch.cut_after(0);
    }
    if fault == Some(FaultKind::Truncate) && whole.version == Version::HTTP_2 {
        return torn(reply);
    }
    if fault == Some(FaultKind::Truncate) {
        // All of the head, and half of the body at most.
        let head: usize = reply.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        switch.cut_after((head + reply.body.len() / 2) as u64);
    }
    respond(reply)
}

fn headers(parts: &Parts) -> BTreeMap<String, String> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
    let headers = parts.headers.iter();
    let mut headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    // In HTTP/2 the host is a part of the address.
    if let Some(authority) = parts.uri.authority() {
        headers.entry("host".to_owned()).or_insert_with(|| authority.to_string());
    }
    headers
}

/// A request as it came.
struct Whole {
    method: String,
    path: String,
    version: Version,
    headers: BTreeMap<String, String>,
    now: Moment,
}

impl Whole {
    fn log(&self, shared: &Shared, status: u16, fault: Option<FaultKind>, items: Vec<ItemSeen>) {
        shared.world().log.push(RequestSeen {
            number: self.now.request,
            method: self.method.clone(),
            path: self.path.clone(),
            version: self.version,
            status,
            at: self.now.at,
            fault,
            items,
        });
    }

    fn answer(&self, shared: &Shared, fault: Option<FaultKind>, body: Option<&Bytes>) -> Reply {
        let host = self.headers.get("host").map_or("localhost", String::as_str);
        let base = format!("{}://{host}", shared.scheme);
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut call = Call {
            method: self.method.clone(),
            path: path.strip_prefix("/v1.0").unwrap_or(path).to_owned(),
            query: query.to_owned(),
            headers: self.headers.clone(),
            body: body.map(|body| body.to_vec()).unwrap_or_default(),
            root: format!("{base}/v1.0"),
            now: self.now,
            item: None,
            fault,
            retries_page: false,
        };
        if let Some(early) = fault.and_then(|kind| faulty::before(kind, self.now)) {
            return World::finish(&call, early);
        }
        if body.is_none() {
            let message = "The request is larger than the server accepts.";
            return World::finish(&call, Err(Failure::new(413, "RequestEntityTooLarge", message)));
        }
        if let Err(failure) = gzip::unpack(&mut call) {
            return World::finish(&call, Err(failure));
        }
        let mut world = shared.world();
        let reply = match token_tenant(&self.method, path) {
            Some(tenant) => {
                let form = String::from_utf8_lossy(&call.body).into_owned();
                token::answer(&mut world, &query::decode_segment(tenant), &form, &base, self.now)
            }
            None if path.starts_with("/v1.0/") => world.answer(&call),
            None if let Some(reply) = identity::answer(&mut world, &call, path, &base) => reply,
            None => metadata::answer(&world, &call, path, &base).unwrap_or_else(|| {
                let message = "Resource not found: the emulator answers below /v1.0.";
                World::finish(&call, Err(Failure::new(404, "BadRequest", message)))
            }),
        };
        match fault {
            Some(FaultKind::TimeoutAfter) => World::finish(&call, Err(faulty::timeout())),
            Some(kind) => faulty::spoil(kind, reply),
            None => reply,
        }
    }
}

fn token_tenant<'a>(method: &str, path: &'a str) -> Option<&'a str> {
    let tenant = path.strip_prefix('/')?.strip_suffix("/oauth2/v2.0/token")?;
    (method == "POST" && !tenant.contains('/')).then_some(tenant)
}

/// Sends all of the head and half of the body, and resets the stream: a connection of HTTP/2 that was
/// cut would take with it what others ask.
fn torn(mut reply: Reply) -> Response<Body> {
    let mut body = std::mem::take(&mut reply.body);
    body.truncate(body.len() / 2);
    let half = stream::once(async { Ok(Bytes::from(body)) });
    let end = stream::once(async {
        // A reset drops what is still to be sent.
        tokio::time::sleep(TEAR_AFTER).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    respond(reply).map(|_| Body::from_stream(half.chain(end)))
}

/// Sends an answer.
fn respond(reply: Reply) -> Response<Body> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    // A client chooses its `client-request-id`, and may choose badly.
    response.body(Body::from(reply.body)).unwrap_or_else(|_| Response::new(Body::empty()))
}

#[cfg(test)]
mod tests;
