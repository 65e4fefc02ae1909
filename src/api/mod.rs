//! The daemon's HTTP interface: what the command line shows and decides, for programs, and metrics.
//!
//! A skin over the engine: it reads records and the board, records decisions and pauses, and rings
//! for cycles. It never plans to carry out, never talks to a tenant, and never holds up a cycle: what
//! is large is worked on one at a time, and everything has a bound. A page for people stands beside what
//! programs ask, over the same functions. It serves no browser of elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::names::TenantName;
use crate::engine::daemon::{Board, Place};
use crate::policy::settings::Settings;
use crate::ports::counts::{Deliveries, Traffic};
use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use call::Call;
use door::Hosts;
use page::Sessions;
use problem::{Kind, Problem};
use routes::Endpoint;
use token::Keyring;

mod body;
mod call;
mod door;
mod exposition;
mod forms;
mod history;
mod metrics;
mod openapi;
mod outer;
mod page;
mod pauses;
mod plans;
mod problem;
mod routes;
mod seen;
mod serve;
mod status;
mod token;

#[cfg(test)]
mod tests;

pub use serve::serve;
pub use token::{Token, Tokens};

/// How many requests are answered side by side; more are told to come again.
const REQUESTS_MAX: usize = 32;

/// What the interface works with.
pub struct Deps<R, C> {
    /// Plans, outcomes, pauses. Best opened for the interface alone, so that a slow question of a
    /// client does not stand before the questions of a cycle.
    pub records: Arc<R>,
    /// Tells the time.
    pub clock: Arc<C>,
    /// What the daemon shows of itself.
    pub board: Arc<Board>,
    /// Who may ask.
    pub tokens: Arc<dyn Tokens>,
    /// Names by which it may be called beside its own address: with a port, by that port alone.
    pub hosts: Vec<Arc<str>>,
    /// What there is to know of each tenant of the board.
    pub tenants: BTreeMap<TenantName, Tenant>,
    /// The version of the program.
    pub version: Arc<str>,
    /// What others count.
    pub counts: Counts,
}

/// What the interface knows of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// What planning obeys.
    pub settings: Settings,
    /// How old the last complete cycle may be while the tenant counts as ready: a few intervals of
    /// its schedule.
    pub ready_within: Duration,
}

/// Returns the requests to Graph for a tenant.
pub type TrafficOf = dyn Fn(&TenantName) -> Option<Traffic> + Send + Sync;

/// What others count since the start, asked for at each look.
#[derive(Clone)]
pub struct Counts {
    /// The requests to Graph for a tenant; none where nobody counts them.
    pub graph: Arc<TrafficOf>,
    /// The deliveries of notices.
    pub deliveries: Arc<dyn Fn() -> Deliveries + Send + Sync>,
}

/// What all requests share.
struct Shared<R, C> {
    deps: Deps<R, C>,
    keyring: Keyring,
    hosts: Hosts,
    /// One for each request that may be answered now.
    slots: Arc<Semaphore>,
    /// One: whoever holds it may work on something large.
    turn: Arc<Semaphore>,
    answers: Mutex<BTreeMap<u16, u64>>,
    openapi: String,
    /// Who is signed in to the page.
    sessions: Sessions,
}

/// The right to work on something large, which one request has at a time.
struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// Returns the routes of the interface as it listens at an address, for [`serve()`] or a test. Whoever
/// serves them has to say with each request whence it comes; without that, it is refused.
pub fn router<R, C>(listen: SocketAddr, deps: Deps<R, C>) -> Router
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let endpoints = routes::endpoints::<R, C>();
    let docs: Vec<routes::Doc> = endpoints.iter().map(|endpoint| endpoint.doc).collect();
    let shared = Arc::new(Shared {
        keyring: Keyring::new(Arc::clone(&deps.tokens)),
        hosts: Hosts::new(listen, deps.hosts.clone()),
        slots: Arc::new(Semaphore::new(REQUESTS_MAX)),
        turn: Arc::new(Semaphore::new(1)),
        sessions: Sessions::default(),
        answers: Mutex::default(),
        openapi: openapi::document(&docs, &deps.version),
        deps,
    });
    let mut router = Router::new();
    for endpoint in endpoints {
        let filter = MethodFilter::try_from(endpoint.doc.method.name())
            .expect("a documented method is one that can be routed");
        let handler = move |State(shared): State<Arc<Shared<R, C>>>, path, request: Request| {
            dispatch(shared, endpoint, path, request)
        };
        router = router.route(endpoint.doc.path, on(filter, handler));
    }
    for route in page::routes::<R, C>() {
        let filter = MethodFilter::try_from(route.method.name())
            .expect("a page is asked for by a method that can be routed");
        let handler = move |State(shared): State<Arc<Shared<R, C>>>, path, request: Request| {
            page::dispatch(shared, route, path, request)
        };
        router = router.route(route.path, on(filter, handler));
    }
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(axum::middleware::from_fn_with_state(shared.clone(), outer::outer::<R, C>))
        .with_state(shared)
}

/// Checks who asks, reads what was sent, and answers.
async fn dispatch<R, C>(
    shared: Arc<Shared<R, C>>,
    endpoint: Endpoint<R, C>,
    path: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
) -> Response
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let uri = request.uri().clone();
    let answer = async {
        let (parts, body) = request.into_parts();
        let caller = shared.keyring.admit(endpoint.doc.needs, &parts).await?;
        let path = path.map_err(|_| {
            Problem::new(Kind::BadRequest, "the path is not written in UTF-8, percent-encoded")
        })?;
        let body = body::read(endpoint.doc.body.is_some(), &parts, body).await?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let listens = shared.hosts.listen();
        let call = Call { path, query, body, caller, is_local: listens.ip().is_loopback() };
        (endpoint.answer)(Arc::clone(&shared), call).await
    };
    answer.await.unwrap_or_else(|problem: Problem| problem.respond(uri.path()))
}

async fn nowhere(uri: Uri, headers: HeaderMap) -> Response {
    let detail = "there is nothing at this path: see /api/v1/openapi.json";
    page::refuse(Problem::new(Kind::NoSuchPath, detail), uri.path(), &headers)
}

async fn not_so(uri: Uri) -> Response {
    let detail = "the path does not take this method: see the header `Allow`";
    Problem::new(Kind::WrongMethod, detail).respond(uri.path())
}

impl<R, C> Shared<R, C>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    /// Returns a tenant by the name in the path.
    fn tenant(&self, call: &Call) -> Result<(TenantName, &Tenant, &Arc<Place>), Problem> {
        self.tenant_named(call.path("tenant"))
    }

    /// Returns a tenant by its name.
    fn tenant_named(&self, asked: &str) -> Result<(TenantName, &Tenant, &Arc<Place>), Problem> {
        let none = || Problem::new(Kind::NotFound, format!("there is no tenant `{asked}`"));
        let name: TenantName = asked.parse().map_err(|_| none())?;
        let tenant = self.deps.tenants.get(&name).ok_or_else(none)?;
        let place = self.deps.board.place(&name).ok_or_else(none)?;
        Ok((name, tenant, place))
    }

    /// Waits for the turn to work on something large.
    async fn turn(&self) -> Turn {
        let permit = Arc::clone(&self.turn).acquire_owned().await;
        Turn { _permit: permit.expect("nobody closes the semaphore") }
    }

    fn count(&self, status: u16) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(status).or_default() += 1;
    }
}

impl Turn {
    /// Works away from the threads that keep the tenants. The turn ends with the work, even where
    /// nobody waits for it any more.
    async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let worked = tokio::task::spawn_blocking(move || {
            let _turn = self;
            work()
        });
        worked.await.unwrap_or_else(|error| {
            tracing::error!("a request could not be answered: {error}");
            Err(Problem::new(Kind::Internal, "the log says more"))
        })
    }
}
