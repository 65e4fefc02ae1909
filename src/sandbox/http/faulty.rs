//! How the faults look on the wire.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sandbox::faults::FaultKind;
use crate::sandbox::http::json;
use crate::sandbox::http::lag::Moment;
use crate::sandbox::http::reply::{Failure, Reply, http_date};

const RETRY_AFTER_SECONDS: i64 = 2;

/// Returns what is answered in place of doing anything, where the fault is of that kind.
pub(super) fn before(kind: FaultKind, now: Moment) -> Option<Result<Reply, Failure>> {
    let failure = match kind {
        FaultKind::Throttle => throttled(Some(RETRY_AFTER_SECONDS.to_string())),
        FaultKind::ThrottleFraction => throttled(Some("0.249".to_owned())),
        FaultKind::ThrottleDate => {
            let at = now.at.saturating_add(SignedDuration::from_secs(RETRY_AFTER_SECONDS));
            throttled(at.ok().map(http_date))
        }
        FaultKind::ThrottleBare => throttled(None),
        FaultKind::Conflict => conflict(409),
        // Source: observed with these as well.
        FaultKind::ConflictUnavailable => conflict(503),
        FaultKind::ConflictBad => conflict(400),
        FaultKind::ClaimsChallenge => challenge(now.at),
        FaultKind::Error => {
            Failure::new(500, "InternalServerError", "An internal server error occurred.")
        }
        FaultKind::Unavailable => Failure::new(
            503,
            "serviceNotAvailable",
            "The service is temporarily unavailable. Please retry.",
        )
        .with("Retry-After", RETRY_AFTER_SECONDS.to_string()),
        FaultKind::Timeout => timeout(),
        FaultKind::Forbidden => Failure::forbidden(),
        FaultKind::Expired => {
            Failure::unauthorized("Access token has expired or is not yet valid.")
        }
        FaultKind::Html => return Some(Ok(html(200))),
        FaultKind::HtmlGateway => return Some(Ok(html(502))),
        FaultKind::Empty => {
            return Some(Ok(Reply { status: 200, ..Reply::default() }));
        }
        FaultKind::TimeoutAfter
        | FaultKind::Reset
        | FaultKind::ResetAfter
        | FaultKind::Truncate
        | FaultKind::Slow
        | FaultKind::Hang
        | FaultKind::WrongTypes
        | FaultKind::Nulls
        // The answer itself shows these, and that of other requests is as ever.
        | FaultKind::DeltaGone
        | FaultKind::SyncStateNotFound
        | FaultKind::PageTokenLost
        | FaultKind::PageTokenExpired
        | FaultKind::ResyncRequired
        | FaultKind::EndlessChain
        | FaultKind::Replay => return None,
    };
    Some(Err(failure))
}

fn conflict(status: u16) -> Failure {
    Failure::new(
        status,
        "Directory_ConcurrencyViolation",
        "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
    )
}

/// 401 that asks for a token with a claim: one that was issued from now on.
///
/// Source: Entra, claims challenges; the claims are JSON in base64.
fn challenge(now: Timestamp) -> Failure {
    let claims = format!(
        "{{\"access_token\":{{\"nbf\":{{\"essential\":true,\"value\":\"{}\"}}}}}}",
        now.as_second()
    );
    let header = format!(
        "Bearer realm=\"\", \
         authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         error=\"insufficient_claims\", claims=\"{}\"",
        json::base64(claims.as_bytes())
    );
    Failure::new(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and \
         code: TokenIssuedBeforeRevocationTimestamp",
    )
    .with("WWW-Authenticate", header)
}

/// 504.
pub(super) fn timeout() -> Failure {
    Failure::new(504, "UnknownError", "The gateway did not receive a response in time.")
}

fn throttled(retry_after: Option<String>) -> Failure {
    let failure = Failure::new(
        429,
        "UnknownError",
        "This request is throttled. Please try again after the value specified in the \
         Retry-After header.",
    );
    match retry_after {
        Some(retry_after) => failure.with("Retry-After", retry_after),
        None => failure,
    }
}

fn html(status: u16) -> Reply {
    let body = "<!DOCTYPE html><html><head><title>Our services aren't available right now</title>\
                </head><body><p>We're working to restore all services.</p></body></html>";
    let headers = vec![("Content-Type", "text/html".to_owned())];
    Reply { status, headers, body: body.as_bytes().to_vec(), items: Vec::new() }
}

/// Spoils an answer, where the fault is of that kind.
pub(super) fn spoil(kind: FaultKind, reply: Reply) -> Reply {
    let number = |value: &mut Value| {
        *value = if value.is_number() { "seventeen".into() } else { 17.into() };
    };
    match kind {
        FaultKind::WrongTypes => altered(reply, |_, value| number(value)),
        FaultKind::Nulls => altered(reply, |key, value| {
            if key != "id" && !key.starts_with('@') {
                *value = Value::Null;
            }
        }),
        _ => reply,
    }
}

/// Changes the values at the top, or in the first object of a list.
fn altered(mut reply: Reply, change: impl Fn(&str, &mut Value)) -> Reply {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else {
        return reply;
    };
    if let Some(object) = body.as_object_mut() {
        let first = object
            .get_mut("value")
            .and_then(|value| value.as_array_mut())
            .and_then(|list| list.first_mut())
            .and_then(|first| first.as_object_mut());
        let target = match first {
            Some(first) => first,
            None => object,
        };
        for (key, value) in target.iter_mut() {
            change(key, value);
        }
    }
    reply.body = body.to_string().into_bytes();
    reply
}
