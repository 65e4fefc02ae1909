//! Errors as programs meet them: problem details in JSON.
//!
//! Source: RFC 9457. `type` names the decision that a caller can take, and never changes its meaning.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use crate::ports::RecordsError;

/// The media type of problems.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// What stands before the word in `type`.
pub(super) const TYPE_PREFIX: &str = "urn:seatkeeper:problem:";

/// A request that is not answered as it was meant.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    more: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:literal $word:literal $title:literal,)+) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// All kinds.
            pub(super) const ALL: [Self; [$($status),+].len()] = [$(Self::$kind),+];

            /// Returns the HTTP status.
            pub(super) fn status(self) -> u16 {
                match self {
                    $(Self::$kind => $status,)+
                }
            }

            /// Returns the word at the end of `type`.
            pub(super) fn word(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)+
                }
            }

            /// Returns the title.
            pub(super) fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)+
                }
            }
        }
    };
}

kinds! {
    /// Path, query or headers cannot be read.
    BadRequest = 400 "bad-request" "The request cannot be read",
    /// The body is not JSON.
    BadJson = 400 "bad-json" "The body is not JSON",
    /// There is no token.
    NoToken = 401 "token-missing" "A token is needed",
    /// Nobody has this token.
    WrongToken = 401 "token-unknown" "The token is not known",
    /// The token does not allow it.
    RightMissing = 403 "right-missing" "The token does not allow this",
    /// A page of elsewhere asks.
    ForeignOrigin = 403 "foreign-origin" "Pages of other origins may not ask",
    /// There is nothing at the path.
    NoSuchPath = 404 "no-such-path" "There is nothing here",
    /// There is no such plan, tenant or user.
    NotFound = 404 "not-found" "There is no such thing",
    /// The path does not take the method.
    WrongMethod = 405 "wrong-method" "The method is not allowed here",
    /// The body did not come in time.
    BodyLate = 408 "body-late" "The body did not arrive in time",
    /// Where the plan stands, this cannot be done.
    WrongState = 409 "wrong-state" "The plan cannot be decided any more",
    /// The plan is not the one that was looked at.
    WrongDigest = 412 "wrong-digest" "The digest is not the plan's",
    /// The body is too large.
    TooLarge = 413 "too-large" "The body is too large",
    /// The body is no JSON by its media type.
    NotJson = 415 "not-json" "The body must be JSON",
    /// It was sent to another name.
    WrongHost = 421 "wrong-host" "The request was sent to a name that is not this service's",
    /// The body is JSON and does not fit.
    DoesNotFit = 422 "does-not-fit" "The body does not fit",
    /// Guards hold the plan.
    GuardsNotAccepted = 422 "guards-not-accepted" "What guards hold has to be accepted",
    /// Too many unknown tokens came from there.
    TooManyFailures = 429 "too-many-failures" "Too many unknown tokens were tried",
    /// Something is wrong here.
    Internal = 500 "internal" "The request could not be answered",
    /// Too many ask at once.
    Busy = 503 "busy" "Too much is asked for at once",
    /// It took too long.
    TooSlow = 503 "too-slow" "The answer took too long",
    /// A tenant was not read yet.
    NotYet = 503 "not-yet" "There is nothing to tell yet",
    /// Some tenant had no complete cycle lately.
    NotReady = 503 "not-ready" "Not every tenant had a complete cycle lately",
    /// The records cannot be used.
    RecordsFail = 503 "records-unavailable" "The records cannot be used",
}

impl Problem {
    /// A problem, and what it is about in this case.
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), more: Map::new(), headers: Vec::new() }
    }

    /// Tells more, for programs.
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    /// Sends a header along.
    pub(super) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// Returns what kind it is.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what it is about in this case.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the headers that go along.
    pub(super) fn headers(self) -> Vec<(HeaderName, HeaderValue)> {
        self.headers
    }

    /// Writes it as the answer to a request for this path.
    pub(super) fn respond(self, instance: &str) -> Response<Body> {
        let Self { kind, detail, mut more, headers } = self;
        let own = [
            ("type", format!("{TYPE_PREFIX}{}", kind.word()).into()),
            ("title", kind.title().into()),
            ("status", kind.status().into()),
            ("detail", detail.into()),
            ("instance", Value::from(instance)),
        ];
        more.extend(own.map(|(key, value)| (key.to_owned(), value)));
        let mut response = Response::new(Body::from(Value::Object(more).to_string()));
        *response.status_mut() =
            StatusCode::from_u16(kind.status()).expect("every kind has a status of HTTP");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<RecordsError> for Problem {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::WrongState { plan: _, state, wanted: _ } => {
                Self::new(Kind::WrongState, error.to_string()).with("state", state.as_str())
            }
            RecordsError::NoSuchPlan { plan: _ } => Self::new(Kind::NotFound, error.to_string()),
            RecordsError::Storage { what, source } => {
                // What the disk said is for the log: paths are nobody's business.
                tracing::error!("a request could not be answered, cannot {what}: {source}");
                let problem = Self::new(Kind::RecordsFail, format!("cannot {what}"));
                problem.header(RETRY_AFTER, "10")
            }
        }
    }
}
