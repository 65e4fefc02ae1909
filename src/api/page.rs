//! The page for people: plans to review and decide, seats, users, history, status.
//!
//! Another skin over what the API answers from: it reads by the same functions and decides by the same
//! rules, and works without a script. A cookie opens the page alone, never the API.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{Query, RawPathParams, Request};
use axum::http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, ORIGIN, REFERRER_POLICY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use futures_util::future::BoxFuture;

use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};

use super::door::Ends;
use super::problem::{Kind, Problem};
use super::routes::Method;
use super::token::Needs;
use super::{Shared, body};
use frame::{Frame, Refused};
use session::Guest;

mod assets;
mod frame;
mod history;
mod plan;
mod plans;
mod seats;
mod session;
mod sign_in;
mod status;
mod users;

pub(super) use session::Sessions;

/// What a browser may do with a page: load our script and style, and send forms back to us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A request of a browser that was let in.
pub(super) struct Visit {
    path: BTreeMap<String, String>,
    query: Pairs,
    form: Pairs,
    guest: Option<Guest>,
    /// Whether there are no tokens, so that everybody may read.
    is_open: bool,
    /// From where it comes.
    peer: Option<IpAddr>,
    /// Whether the browser says that it speaks TLS with us or what stands before us.
    is_https: bool,
}

/// What a query or a form holds.
#[derive(Default)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads what is written as forms are.
    fn read(text: &str) -> Result<Self, Problem> {
        let unreadable = |why: String| Problem::new(Kind::BadRequest, why);
        let uri = Uri::builder().path_and_query(format!("/?{text}")).build();
        let uri = uri.map_err(|error| unreadable(error.to_string()))?;
        let read = Query::<Vec<(String, String)>>::try_from_uri(&uri);
        let Query(pairs) = read.map_err(|error| unreadable(error.body_text()))?;
        Ok(Self(pairs))
    }

    /// Returns the value of a key, where there is one that says something.
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, value)| name == key && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Returns all values of a key that say something.
    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.0.iter().filter(move |(name, _)| name == key);
        values.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a value of a kind that text can be read as.
    fn parsed<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let unfit = |_| Problem::new(Kind::BadRequest, format!("`{key}` cannot be read"));
        text.parse().map(Some).map_err(unfit)
    }
}

impl Visit {
    /// Returns a part of the path by its name.
    fn path(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns the plan that the path names.
    fn plan(&self) -> Result<crate::plan::PlanId, Problem> {
        let parsed = self.path("id").parse();
        parsed.map_err(|_| Problem::new(Kind::NotFound, "there is no such plan"))
    }

    /// Whether whoever looks may decide.
    fn may_approve(&self) -> bool {
        self.guest.as_ref().is_some_and(|guest| guest.may_approve)
    }
}

/// Answers a request of a browser.
type Answer<R, C> =
    fn(Arc<Shared<R, C>>, Visit) -> BoxFuture<'static, Result<Response<Body>, Problem>>;

/// A page, and what answers.
pub(super) struct Route<R, C> {
    pub(super) method: Method,
    pub(super) path: &'static str,
    needs: Needs,
    answer: Answer<R, C>,
}

impl<R, C> Clone for Route<R, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, C> Copy for Route<R, C> {}

macro_rules! routes {
    ($($method:ident $path:literal $needs:ident => $answer:path,)+) => {
        vec![$(Route {
            method: Method::$method,
            path: $path,
            needs: Needs::$needs,
            answer: |shared, visit| Box::pin($answer(shared, visit)),
        }),+]
    };
}

/// Returns all pages.
pub(super) fn routes<R, C>() -> Vec<Route<R, C>>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    routes! {
        Get "/" Read => plans::list,
        Get "/plans" Read => plans::list,
        Get "/plans/{id}" Read => plan::show,
        Post "/plans/{id}/approve" Approve => plan::approve,
        Post "/plans/{id}/reject" Approve => plan::reject,
        Get "/seats" Read => seats::show,
        Get "/users" Read => users::list,
        Get "/users/{user}" Read => users::show,
        Get "/history" Read => history::show,
        Get "/status" Read => status::show,
        Get "/sign-in" Nothing => sign_in::form,
        Post "/sign-in" Nothing => sign_in::sign_in,
        Post "/sign-out" Read => sign_in::sign_out,
        Get "/page/style.css" Nothing => assets::style,
        Get "/page/script.js" Nothing => assets::script,
    }
}

/// Checks who asks, reads what was sent, and answers.
pub(super) async fn dispatch<R, C>(
    shared: Arc<Shared<R, C>>,
    route: Route<R, C>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response<Body>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let mut frame = Frame::new("Problem", "");
    // What was to be decided is looked at again.
    let decided = request.uri().path().rsplit_once('/').filter(|_| route.needs == Needs::Approve);
    frame.back = decided.map(|(plan, _)| plan.to_owned());
    let answer = async {
        let (parts, body) = request.into_parts();
        let (is_open, guest) = tokio::try_join!(
            shared.keyring.is_open(),
            shared.sessions.guest(&shared.keyring, &parts, shared.hosts.listen().port())
        )?;
        frame = frame.clone().of(guest.clone(), is_open);
        if let Some(refusal) = refuse_stranger(route, &parts, guest.as_ref(), is_open)? {
            return Ok(refusal);
        }
        let form = if route.method == Method::Post {
            from_our_page(&parts)?;
            let sent = body::read_form(&parts, body).await?;
            let sent = String::from_utf8_lossy(&sent).into_owned();
            let form = Pairs::read(&sent)?;
            if let Some(guest) = guest.as_ref().filter(|_| route.needs != Needs::Nothing) {
                guest.check(form.get("form"))?;
            }
            form
        } else {
            Pairs::default()
        };
        let path = path.map_err(|_| Problem::new(Kind::BadRequest, "the path is not UTF-8"))?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = Pairs::read(parts.uri.query().unwrap_or_default())?;
        let peer = parts.extensions.get::<Ends>().map(|ends| ends.peer.ip());
        let is_https = origin(&parts.headers).is_some_and(|origin| origin.starts_with("https://"));
        let visit = Visit { path, query, form, guest, is_open, peer, is_https };
        (route.answer)(Arc::clone(&shared), visit).await
    };
    let answered = answer.await;
    answered.unwrap_or_else(|problem: Problem| Refused::page(frame, problem))
}

/// Sends whoever may not see a page to where they sign in, or says what is missing.
fn refuse_stranger<R, C>(
    route: Route<R, C>,
    parts: &Parts,
    guest: Option<&Guest>,
    is_open: bool,
) -> Result<Option<Response<Body>>, Problem> {
    match (route.needs, guest) {
        (Needs::Nothing, _) | (Needs::Read, Some(_)) => Ok(None),
        (Needs::Read, None) if is_open => Ok(None),
        (Needs::Approve, Some(guest)) if guest.may_approve => Ok(None),
        (Needs::Approve, Some(guest)) => {
            let name = &guest.name;
            let detail = format!("the token `{name}` may not approve: see `may` in `api`");
            Err(Problem::new(Kind::RightMissing, detail))
        }
        (Needs::Read, None) if route.method == Method::Get => {
            let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
            let to = format!("/sign-in?next={}", encode(asked));
            Ok(Some(see_other(&to)))
        }
        (Needs::Approve, None) if is_open => {
            let detail = "only a token that may approve changes anything, and there is none: see \
                          `tokens` of `api`";
            Err(Problem::new(Kind::NoToken, detail))
        }
        (Needs::Read | Needs::Approve, None) => {
            Err(Problem::new(Kind::NoToken, "nobody is signed in any more: sign in again"))
        }
    }
}

fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).and_then(|origin| origin.to_str().ok())
}

/// Refuses what no page of ours sent. Whether the origin is the one that was called was looked at
/// before; here it has to be told, as every browser does.
fn from_our_page(parts: &Parts) -> Result<(), Problem> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = origin(&parts.headers).and_then(|origin| origin.split_once("://"));
    if own.is_some_and(|(_, own)| own.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let detail = "a form is sent by a page of this service, and says so in `Origin`";
    Err(Problem::new(Kind::ForeignOrigin, detail))
}

/// Answers with a problem, as a page where a browser looks at it.
pub(super) fn refuse(problem: Problem, path: &str, headers: &HeaderMap) -> Response<Body> {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") && !path.starts_with("/api/") {
        return Refused::page(Frame::new("Problem", ""), problem);
    }
    problem.respond(path)
}

/// Sends a browser elsewhere, with a question and not with what it has sent.
fn see_other(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
    response
}

/// Answers with HTML.
fn html(status: u16, text: String) -> Response<Body> {
    const HEADERS: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Without any, browsers would not say which page sends a form.
        (REFERRER_POLICY, "same-origin"),
    ];
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).expect("it is a status of HTTP");
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Writes a text so that it can stand in a query.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            other => {
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

impl<R, C> Shared<R, C> {
    /// Returns the tenant that is asked for; the first, where none is.
    fn tenant_of(&self, visit: &Visit) -> String {
        let first = || self.deps.tenants.keys().next().map(ToString::to_string);
        let asked = visit.query.get("tenant").map(str::to_owned);
        asked.or_else(first).unwrap_or_default()
    }

    /// Names the tenants, where there are several.
    fn tenants(&self) -> Vec<String> {
        let names: Vec<String> = self.deps.tenants.keys().map(ToString::to_string).collect();
        if names.len() > 1 { names } else { Vec::new() }
    }
}
