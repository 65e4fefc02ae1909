//! A request that was let in: its path, its query, its body, and who asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::plan::PlanId;

use super::problem::{Kind, Problem};

/// How many entries a list has unless told otherwise.
const LIMIT: usize = 100;
/// How many entries a list may have.
pub(super) const LIMIT_MAX: u16 = 1_000;

/// A request that was let in.
pub(super) struct Call {
    pub(super) path: BTreeMap<String, String>,
    pub(super) query: String,
    pub(super) body: Bytes,
    /// The name of the token, where there is one.
    pub(super) caller: Option<Arc<str>>,
    /// Whether only this machine can ask.
    pub(super) is_local: bool,
}

impl Call {
    /// Returns a part of the path by its name.
    pub(super) fn path(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns the plan that the path names.
    pub(super) fn plan(&self) -> Result<PlanId, Problem> {
        let invalid =
            |error: crate::plan::InvalidPlanId| Problem::new(Kind::BadRequest, error.to_string());
        self.path("id").parse().map_err(invalid)
    }

    /// Reads the query. A key without a value is one that was not written.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty() && !pair.ends_with('='));
        let query = pairs.collect::<Vec<&str>>().join("&");
        let unreadable = |why: String| Problem::new(Kind::BadRequest, why);
        let uri = Uri::builder().path_and_query(format!("/?{query}")).build();
        let uri = uri.map_err(|error| unreadable(error.to_string()))?;
        let Query(value) =
            Query::try_from_uri(&uri).map_err(|error| unreadable(error.body_text()))?;
        Ok(value)
    }

    /// Reads the body.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = if error.is_data() { Kind::DoesNotFit } else { Kind::BadJson };
            Problem::new(kind, error.to_string())
        })
    }

    /// Returns who asks, for the history.
    pub(super) fn by(&self) -> Result<Arc<str>, Problem> {
        let nobody = || Problem::new(Kind::NoToken, "nobody without a token decides anything");
        self.caller.clone().ok_or_else(nobody)
    }

    /// Whether whoever asks may know why something is not as it should be.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_local || self.caller.is_some()
    }
}

/// Returns how many entries a list has.
pub(super) fn limit(asked: Option<u16>) -> Result<usize, Problem> {
    match asked {
        None => Ok(LIMIT),
        Some(count) if (1..=LIMIT_MAX).contains(&count) => Ok(count.into()),
        Some(_) => Err(Problem::new(Kind::BadRequest, format!("`limit` is from 1 to {LIMIT_MAX}"))),
    }
}

/// Answers with JSON.
pub(super) fn json(status: u16, form: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(form).expect("the forms have text keys alone");
    text_of("application/json", status, text)
}

/// Answers with a text.
pub(super) fn text_of(media_type: &'static str, status: u16, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).expect("it is a status of HTTP");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
