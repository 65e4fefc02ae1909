//! Reads what was sent, within bounds of size and time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use futures_util::StreamExt as _;

use super::problem::{Kind, Problem};

/// Far more than any request needs.
const BODY_MAX: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Reads the body, where the route takes one.
pub(super) async fn read(is_wanted: bool, parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let told = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let told: Option<u64> = told.and_then(|length| length.parse().ok());
    if told.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(too_large());
    }
    if !is_wanted {
        return Ok(Bytes::new());
    }
    if !is_json(parts) {
        let detail = "send JSON, and say so: `Content-Type: application/json`";
        return Err(Problem::new(Kind::NotJson, detail));
    }
    let late = |_| {
        let detail = format!("it has to arrive within {} s", BODY_WITHIN.as_secs());
        Problem::new(Kind::BodyLate, detail).header(CONNECTION, "close")
    };
    tokio::time::timeout(BODY_WITHIN, collect(body)).await.map_err(late)?
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    let mut read = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let broken = |_| Problem::new(Kind::BadRequest, "the body broke off");
        let chunk = chunk.map_err(broken)?;
        if read.len() + chunk.len() > BODY_MAX {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}

/// A page of elsewhere can post a form or plain text without asking first, but no JSON.
fn is_json(parts: &Parts) -> bool {
    let told = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = told.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn too_large() -> Problem {
    // The rest is not read: the connection ends with the answer.
    Problem::new(Kind::TooLarge, format!("a body has at most {BODY_MAX} bytes"))
        .header(CONNECTION, "close")
}
