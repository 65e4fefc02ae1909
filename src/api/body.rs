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
    check_length(parts)?;
    if !is_wanted {
        return Ok(Bytes::new());
    }
    if essence(parts) != "application/json" {
        let detail = "send JSON, and say so: `Content-Type: application/json`";
        return Err(Problem::new(Kind::NotJson, detail));
    }
    arrived(parts, body).await
}

/// Reads a form, as a browser sends it.
pub(super) async fn read_form(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    if essence(parts) != "application/x-www-form-urlencoded" {
        return Err(Problem::new(Kind::BadRequest, "a page sends a form"));
    }
    arrived(parts, body).await
}

/// Reads all of it, where it is not too large and does not take too long.
async fn arrived(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    check_length(parts)?;
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

fn check_length(parts: &Parts) -> Result<(), Problem> {
    let told = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let told: Option<u64> = told.and_then(|length| length.parse().ok());
    if told.is_some_and(|length| length > BODY_MAX as u64) { Err(too_large()) } else { Ok(()) }
}

/// Returns what is sent, in lower case. A page of elsewhere can post a form or plain text without
/// asking first, but no JSON.
fn essence(parts: &Parts) -> String {
    let told = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = told.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn too_large() -> Problem {
    // The rest is not read: the connection ends with the answer.
    Problem::new(Kind::TooLarge, format!("a body has at most {BODY_MAX} bytes"))
        .header(CONNECTION, "close")
}
