//! What stands in an access token, for people who want to know why Graph refuses: nothing is decided
//! by it, and it may be opaque.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::graph::wire::scalar::Object;

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
}
