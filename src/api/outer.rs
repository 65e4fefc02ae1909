//! What holds for every request: the names, the bounds, the headers of every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};

use super::problem::{Kind, Problem};
use super::{Shared, page};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a browser is told with every answer, unless the answer says otherwise.
const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn outer<R, C>(
    State(shared): State<Arc<Shared<R, C>>>,
    request: Request,
    next: Next,
) -> Response
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let path = request.uri().path().to_owned();
    let accepts = request.headers().get(ACCEPT).cloned();
    let answered = bounded(&shared, &path, request, next).await;
    let refused = |problem| {
        let headers = accepts.map(|value| (ACCEPT, value)).into_iter().collect();
        page::refuse(problem, &path, &headers)
    };
    let mut response = answered.unwrap_or_else(refused);
    shared.count(response.status().as_u16());
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn bounded<R, C>(
    shared: &Shared<R, C>,
    path: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    // Whoever looks whether the daemon lives must not be told that it is busy.
    let is_probe = matches!(path, "/healthz" | "/readyz");
    let slot = Arc::clone(&shared.slots).try_acquire_owned();
    if slot.is_err() && !is_probe {
        let problem = Problem::new(Kind::Busy, "come again in a second");
        return Err(problem.header(RETRY_AFTER, "1"));
    }
    let (parts, body) = request.into_parts();
    shared.hosts.admit(&parts)?;
    let answer = next.run(Request::from_parts(parts, body));
    let late = |_| {
        let detail = format!("it took longer than {} s", ANSWER_WITHIN.as_secs());
        Problem::new(Kind::TooSlow, detail).header(RETRY_AFTER, "10")
    };
    tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(late)
}
