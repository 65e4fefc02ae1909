//! The one style and the one script, out of the program itself.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response};

use super::super::Shared;
use super::super::call::text_of;
use super::super::problem::Problem;
use super::super::token::fingerprint;
use super::Visit;
use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use crate::report::html::STYLE;

/// What the page has beyond a report.
const PAGE_STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("script.js");

/// Returns what tells this style and script from others.
pub(super) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let digest = crate::plan::Digest(fingerprint(&format!("{STYLE}{PAGE_STYLE}{SCRIPT}")));
        digest.to_string().chars().skip("sha256:".len()).take(12).collect()
    });
    &VERSION
}

/// Tells the style.
pub(super) async fn style<R: Records + Desk, C: Clock>(
    _: Arc<Shared<R, C>>,
    _: Visit,
) -> Result<Response<Body>, Problem> {
    Ok(kept(text_of("text/css; charset=utf-8", 200, format!("{STYLE}{PAGE_STYLE}"))))
}

/// Tells the script.
pub(super) async fn script<R: Records + Desk, C: Clock>(
    _: Arc<Shared<R, C>>,
    _: Visit,
) -> Result<Response<Body>, Problem> {
    Ok(kept(text_of("text/javascript; charset=utf-8", 200, SCRIPT.to_owned())))
}

/// Lets browsers keep it: another version has another address.
fn kept(mut response: Response<Body>) -> Response<Body> {
    let value = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}
