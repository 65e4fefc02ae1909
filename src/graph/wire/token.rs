//! What the token endpoint answers.

use secrecy::SecretString;
use serde::Deserialize;

use crate::graph::wire::scalar::{List, Object, Scalar};

/// A token as it was issued.
pub(in crate::graph) struct TokenGrant {
    pub(in crate::graph) access_token: SecretString,
    /// Seconds until its end.
    pub(in crate::graph) expires_in: u64,
    /// Seconds until it should be renewed, where that is told.
    pub(in crate::graph) refresh_in: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawGrant {
    access_token: Option<String>,
    expires_in: Scalar,
    refresh_in: Scalar,
}

impl TokenGrant {
    /// Reads a token; none where there is none.
    pub(in crate::graph) fn parse(body: &[u8]) -> Option<Self> {
        let Object(raw): Object<RawGrant> = serde_json::from_slice(body).ok()?;
        let access_token = raw.access_token.filter(|token| !token.is_empty())?;
        Some(Self {
            access_token: access_token.into(),
            // Source: Entra sends numbers, at times as text; an hour is the usual lifetime.
            expires_in: raw.expires_in.count().map_or(3_599, u64::from),
            refresh_in: raw.refresh_in.count().map(u64::from),
        })
    }
}

/// A refusal of the token endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::graph) struct TokenFault {
    /// The word of OAuth, such as `invalid_client`.
    pub(in crate::graph) error: String,
    /// What it says to people, with its trace id.
    pub(in crate::graph) description: String,
    /// The AADSTS numbers.
    pub(in crate::graph) codes: Vec<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawFault {
    error: Option<String>,
    error_description: Option<String>,
    error_codes: List<Scalar>,
}

impl TokenFault {
    /// Reads a refusal; none where the body is something else.
    pub(in crate::graph) fn parse(body: &[u8]) -> Option<Self> {
        let Object(raw): Object<RawFault> = serde_json::from_slice(body).ok()?;
        let error = raw.error?;
        let description = raw.error_description.unwrap_or_else(|| error.clone());
        let mut codes: Vec<u64> = match raw.error_codes {
            List::Sent(codes) => codes.iter().filter_map(Scalar::count).map(u64::from).collect(),
            List::Unsent => Vec::new(),
        };
        if codes.is_empty() {
            codes.extend(code_in(&description));
        }
        Some(Self { error, description, codes })
    }
}

/// Returns the number behind `AADSTS` in a text.
fn code_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_text() {
        let grant = TokenGrant::parse(
            br#"{"token_type": "Bearer", "expires_in": "3599", "access_token": "t"}"#,
        );
        assert_eq!(grant.unwrap().expires_in, 3599);
        let fault = TokenFault::parse(br#"{"error": "x", "error_codes": ["7000215"]}"#);
        assert_eq!(fault.unwrap().codes, [7_000_215]);
    }

    #[test]
    fn the_number_is_found_in_the_text_too() {
        let fault = TokenFault::parse(
            br#"{"error": "invalid_client", "error_description": "AADSTS7000222: expired."}"#,
        );
        assert_eq!(fault.unwrap().codes, [7_000_222]);
    }

    #[test]
    fn an_empty_token_is_none() {
        assert!(TokenGrant::parse(br#"{"access_token": "", "expires_in": 1}"#).is_none());
        assert!(TokenGrant::parse(b"{}").is_none());
    }
}
