//! What the token endpoint answers.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::graph::wire::scalar::{List, Object, Scalar};

/// A token as it was issued.
pub(in crate::graph) struct TokenGrant {
    pub(in crate::graph) access_token: SecretString,
    /// Seconds until its end, where that is told.
    expires_in: Option<u64>,
    /// When it ends, where that is told, as the hosts of managed identities do.
    expires_on: Option<Timestamp>,
    /// Seconds until it should be renewed, where that is told.
    pub(in crate::graph) refresh_in: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawGrant {
    access_token: Option<String>,
    expires_in: Scalar,
    expires_on: Scalar,
    refresh_in: Scalar,
}

impl TokenGrant {
    /// Reads a token; none where there is none.
    pub(in crate::graph) fn parse(body: &[u8]) -> Option<Self> {
        let Object(raw): Object<RawGrant> = serde_json::from_slice(body).ok()?;
        let access_token = raw.access_token.filter(|token| !token.is_empty())?;
        Some(Self {
            access_token: access_token.into(),
            // Source: Entra sends numbers, at times as text.
            expires_in: raw.expires_in.count().map(u64::from),
            expires_on: instant(&raw.expires_on),
            refresh_in: raw.refresh_in.count().map(u64::from),
        })
    }

    /// Returns for how many seconds it serves.
    pub(in crate::graph) fn lifetime(&self, asked_at: Timestamp) -> u64 {
        let until = |end: Timestamp| {
            u64::try_from(end.duration_since(asked_at).as_secs()).unwrap_or_default()
        };
        // Source: Entra, an hour is the usual lifetime.
        self.expires_in.or(self.expires_on.map(until)).unwrap_or(3_599)
    }
}

/// Returns the instant.
///
/// Source: hosts of managed identities: seconds since 1970, mostly as text, on some a date.
fn instant(value: &Scalar) -> Option<Timestamp> {
    match value {
        Scalar::Number(seconds) => Timestamp::from_second(*seconds).ok(),
        Scalar::Text(text) => match text.trim().parse() {
            Ok(seconds) => Timestamp::from_second(seconds).ok(),
            Err(_) => text.trim().parse().ok(),
        },
        Scalar::Absent | Scalar::Null | Scalar::Flag(_) | Scalar::Odd => None,
    }
}

/// What the host of a managed identity says instead of a token. Each has a form of its own.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::graph) struct HostFault(pub(in crate::graph) String);

impl HostFault {
    /// Reads what it says; none where the body is something else.
    pub(in crate::graph) fn parse(body: &[u8]) -> Option<Self> {
        let fault: Value = serde_json::from_slice(body).ok()?;
        ["/error_description", "/error/message", "/message", "/error"]
            .iter()
            .find_map(|place| fault.pointer(place)?.as_str())
            .map(|text| Self(text.to_owned()))
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
        assert_eq!(grant.unwrap().lifetime(Timestamp::UNIX_EPOCH), 3599);
        let fault = TokenFault::parse(br#"{"error": "x", "error_codes": ["7000215"]}"#);
        assert_eq!(fault.unwrap().codes, [7_000_215]);
    }

    #[test]
    fn an_end_may_be_told_instead_of_a_lifetime() {
        let at: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
        let end = at.as_second() + 86_400;
        for (told, seconds) in [
            (format!(r#""expires_on": "{end}""#), 86_400),
            (format!(r#""expires_on": {end}, "expires_in": "7""#), 7),
            (r#""expires_on": "2026-11-24T08:00:00+00:00""#.to_owned(), 82_800),
            (r#""expires_on": "11/24/2026 08:00:00""#.to_owned(), 3_599),
        ] {
            let grant = TokenGrant::parse(format!(r#"{{"access_token": "t", {told}}}"#).as_bytes());
            assert_eq!(grant.unwrap().lifetime(at), seconds, "{told}");
        }
    }

    #[test]
    fn what_a_host_says_is_found_in_each_form() {
        for body in [
            r#"{"error": "invalid_request", "error_description": "no"}"#,
            r#"{"statusCode": 400, "message": "no"}"#,
            r#"{"error": {"code": "x", "message": "no"}}"#,
            r#"{"error": "no"}"#,
        ] {
            assert_eq!(
                HostFault::parse(body.as_bytes()),
                Some(HostFault("no".to_owned())),
                "{body}"
            );
        }
        assert_eq!(HostFault::parse(b"<html>"), None);
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
