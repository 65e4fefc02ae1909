//! What stands around every page, and the page that says why there is none.

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::super::problem::{Kind, Problem};
use super::session::Guest;
use super::{assets, html};
use crate::report::html::written;

/// What stands around a page.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) title: String,
    /// The path of the entry of the navigation that is shown.
    pub(super) current: &'static str,
    pub(super) guest: Option<Guest>,
    /// Whether there are no tokens.
    pub(super) is_open: bool,
    /// Changes with the style and the script, so that browsers fetch them anew.
    pub(super) version: &'static str,
    /// Where whoever is refused came from, where that is known.
    pub(super) back: Option<String>,
    /// Whether the script looks again by itself.
    pub(super) looks_again: bool,
}

/// The entries of the navigation.
const ENTRIES: [(&str, &str); 5] = [
    ("/", "Plans"),
    ("/seats", "Seats"),
    ("/users", "Users"),
    ("/history", "History"),
    ("/status", "Status"),
];

impl Frame {
    pub(super) fn new(title: impl Into<String>, current: &'static str) -> Self {
        let version = assets::version();
        Self {
            title: title.into(),
            current,
            guest: None,
            is_open: false,
            version,
            back: None,
            looks_again: false,
        }
    }

    /// Returns the frame for whoever looks.
    pub(super) fn of(self, guest: Option<Guest>, is_open: bool) -> Self {
        Self { guest, is_open, ..self }
    }

    /// Returns the entries of the navigation, where whoever looks may follow them.
    pub(super) fn entries(&self) -> &'static [(&'static str, &'static str)] {
        if self.guest.is_some() || self.is_open { &ENTRIES } else { &[] }
    }
}

/// Answers with a page.
pub(super) fn page(template: &impl Template) -> Response<Body> {
    html(200, written(template))
}

/// Why something is not answered as it was meant.
#[derive(Template)]
#[template(path = "refused.html", config = ".askama.toml")]
pub(super) struct Refused {
    frame: Frame,
    title: &'static str,
    detail: String,
    /// What a person can do.
    hint: &'static str,
}

impl Refused {
    /// Answers with a problem as a page.
    pub(super) fn page(frame: Frame, problem: Problem) -> Response<Body> {
        let kind = problem.kind();
        let frame = Frame { title: kind.title().to_owned(), ..frame };
        let detail = problem.detail().to_owned();
        let refused = Self { frame, title: kind.title(), detail, hint: hint(kind) };
        let mut response = html(kind.status(), written(&refused));
        response.headers_mut().extend(problem.headers());
        response
    }
}

/// Says what a person in front of a page can do.
fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::WrongDigest => {
            "What you looked at is not this plan. Nothing was decided. Open the plan again and look \
             at what it does now."
        }
        Kind::WrongState => {
            "Somebody decided before, or a newer plan took its place. Nothing was changed by you."
        }
        Kind::GuardsNotAccepted | Kind::DoesNotFit => {
            "Nothing was decided. Go back, tick every guard that you accept, and say why."
        }
        Kind::NoToken => "Nothing was changed.",
        Kind::RightMissing => "Ask somebody who has a token that may approve.",
        Kind::ForeignOrigin => "Nothing was changed. Open the page anew and try again from there.",
        Kind::NotYet | Kind::Busy | Kind::TooSlow | Kind::RecordsFail => {
            "Try again in a little while."
        }
        Kind::NotFound | Kind::NoSuchPath => "It may be gone, or the address is not whole.",
        Kind::BadRequest
        | Kind::BadJson
        | Kind::WrongToken
        | Kind::WrongMethod
        | Kind::BodyLate
        | Kind::TooLarge
        | Kind::NotJson
        | Kind::WrongHost
        | Kind::TooManyFailures
        | Kind::Internal
        | Kind::NotReady => "",
    }
}
