//! Signing in with a token, once, and out.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, Response};

use super::super::Shared;
use super::super::problem::Problem;
use super::super::token::Needs;
use super::frame::{Frame, page};
use super::session::cookie_of;
use super::{Visit, html, see_other};
use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use crate::report::html::written;

/// The form that takes a token.
#[derive(Template)]
#[template(path = "sign_in.html", config = ".askama.toml")]
struct SignIn {
    frame: Frame,
    /// Where to go then.
    next: String,
    /// Why it did not work.
    problem: Option<String>,
    is_open: bool,
}

impl SignIn {
    fn new(visit: &Visit, next: &str, problem: Option<String>) -> Self {
        let frame = Frame::new("Sign in", "/sign-in").of(visit.guest.clone(), visit.is_open);
        Self { frame, next: ours(next).to_owned(), problem, is_open: visit.is_open }
    }
}

/// Shows the form.
pub(super) async fn form<R: Records + Desk, C: Clock>(
    _: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem> {
    let next = visit.query.get("next").unwrap_or("/");
    Ok(page(&SignIn::new(&visit, next, None)))
}

/// Looks at the token and begins a session.
pub(super) async fn sign_in<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem> {
    let next = visit.form.get("next").unwrap_or("/");
    let again = |status: u16, problem: String| {
        Ok(html(status, written(&SignIn::new(&visit, next, Some(problem)))))
    };
    let Some(token) = visit.form.get("token").map(str::trim).filter(|token| !token.is_empty())
    else {
        return again(422, "enter a token".to_owned());
    };
    match shared.keyring.admit_token(Needs::Read, Some(token), visit.peer).await {
        Ok(name) => {
            let id = shared.sessions.begin(token);
            tracing::info!(by = name.as_deref().unwrap_or_default(), "signed in to the page");
            let mut response = see_other(ours(next));
            keep(&mut response, &cookie_of(shared.hosts.listen().port(), &id, visit.is_https));
            Ok(response)
        }
        Err(problem) => again(problem.kind().status(), problem.detail().to_owned()),
    }
}

/// Ends the session.
pub(super) async fn sign_out<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem> {
    if let Some(guest) = &visit.guest {
        shared.sessions.end(&guest.form);
    }
    let mut response = see_other("/sign-in");
    keep(&mut response, &cookie_of(shared.hosts.listen().port(), "", visit.is_https));
    Ok(response)
}

fn keep(response: &mut Response<Body>, cookie: &str) {
    let cookie = HeaderValue::from_str(cookie).expect("a cookie of ours is ASCII");
    response.headers_mut().insert(SET_COOKIE, cookie);
}

/// Returns a path of ours, or the first page where somebody asks to be led elsewhere.
fn ours(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(ours("/plans/01?q=a%20b"), "/plans/01?q=a%20b");
        for foreign in ["https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", ""] {
            assert_eq!(ours(foreign), "/", "{foreign:?}");
        }
    }
}
