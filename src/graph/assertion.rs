//! What an app signs to prove who it is: a token that says so, for minutes.
//!
//! Source: Entra, "Microsoft identity platform application authentication certificate credentials".

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::graph::certificate::Certificate;
use crate::graph::retry::after;

/// The kind of assertion that a signed token is.
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion serves.
const LIFETIME: Duration = Duration::from_mins(10);

/// Signs an assertion for the token endpoint `audience`.
pub(super) fn sign(
    certificate: &Certificate,
    client_id: &str,
    audience: &str,
    now: Timestamp,
) -> String {
    let header = json!({
        "alg": "PS256", "typ": "JWT",
        "x5t#S256": URL_SAFE_NO_PAD.encode(certificate.thumbprint),
    });
    let claims = json!({
        "aud": audience, "iss": client_id, "sub": client_id, "jti": Uuid::new_v4(),
        "nbf": now.as_second(), "iat": now.as_second(), "exp": after(now, LIFETIME).as_second(),
    });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&header), encode(&claims));
    let signature = URL_SAFE_NO_PAD.encode(certificate.sign(message.as_bytes()));
    format!("{message}.{signature}")
}
