//! What stands in an access token, for people who want to know why Graph refuses: nothing is decided
//! by it, and it may be opaque.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::graph::wire::scalar::{Object, Scalar};

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawClaims {
    roles: Vec<String>,
}

/// Returns the app roles in a token; none where it cannot be read. A token without any has no claim
/// of roles.
pub(in crate::graph) fn roles(token: &str) -> Option<BTreeSet<String>> {
    let claims = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Object(raw): Object<RawClaims> = serde_json::from_slice(&bytes).ok()?;
    Some(raw.roles.into_iter().collect())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawFederated {
    iss: Scalar,
    sub: Scalar,
    aud: Value,
    exp: Scalar,
}

/// What a federated token says of itself, none of which is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedSeen {
    /// Who issued it.
    pub issuer: String,
    /// About whom.
    pub subject: String,
    /// For whom.
    pub audiences: Vec<String>,
    /// When it ends, where it says so.
    pub ends_at: Option<Timestamp>,
}

/// Returns what a federated token says of itself; none where it cannot be read.
pub(in crate::graph) fn federated(token: &str) -> Option<FederatedSeen> {
    let claims = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Object(raw): Object<RawFederated> = serde_json::from_slice(&bytes).ok()?;
    let text = |value: Scalar| match value {
        Scalar::Text(text) => Some(text),
        _ => None,
    };
    // Source: RFC 7519, 4.1.3: one audience, or a list.
    let audiences = match raw.aud {
        Value::String(one) => vec![one],
        Value::Array(several) => {
            several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    let ends_at = match raw.exp {
        Scalar::Number(seconds) => Timestamp::from_second(seconds).ok(),
        _ => None,
    };
    Some(FederatedSeen { issuer: text(raw.iss)?, subject: text(raw.sub)?, audiences, ends_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_where_a_token_shows_them() {
        let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        let read = roles(&token(r#"{"roles": ["User.Read.All", "User.Read.All"], "x": 1}"#));
        assert_eq!(read, Some(BTreeSet::from(["User.Read.All".to_owned()])));
        assert_eq!(roles(&token("{}")), Some(BTreeSet::new()));
        assert_eq!(roles("opaque"), None);
        assert_eq!(roles("a.%%.c"), None);
    }

    #[test]
    fn a_federated_token_says_whom_it_is_from_and_for() {
        let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        let read = federated(&token(r#"{"iss": "i", "sub": "s", "aud": ["a", "b"], "exp": 60}"#));
        let seen = FederatedSeen {
            issuer: "i".to_owned(),
            subject: "s".to_owned(),
            audiences: vec!["a".to_owned(), "b".to_owned()],
            ends_at: Timestamp::from_second(60).ok(),
        };
        assert_eq!(read, Some(seen.clone()));
        let one = federated(&token(r#"{"iss": "i", "sub": "s", "aud": "a"}"#)).unwrap();
        assert_eq!((one.audiences, one.ends_at), (vec!["a".to_owned()], None));
        assert_eq!(federated(&token(r#"{"iss": "i"}"#)), None);
        assert_eq!(federated("opaque"), None);
    }
}
