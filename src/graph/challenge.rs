//! Reads why a request was answered 401, from the headers that say so.
//!
//! Source: RFC 9110, 11.6.1, and Entra, "Claims challenges, claims requests and client capabilities".

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

/// Base64 with padding or without.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Returns what Graph wants to see in the next token, to be sent as `claims`; none where it wants
/// just another token.
pub(super) fn claims(challenges: &[String]) -> Option<String> {
    let claims = challenges.iter().find_map(|text| {
        let error = parameter(text, "Bearer", "error")?;
        (error == "insufficient_claims").then(|| parameter(text, "Bearer", "claims"))?
    })?;
    let standard = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let url_safe = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let bytes = standard.decode(&claims).or_else(|_| url_safe.decode(&claims)).ok()?;
    let Ok(Value::Object(mut wanted)) = serde_json::from_slice(&bytes) else { return None };
    // Who answers a challenge says that it can: otherwise the next token meets the same one.
    let token = wanted.entry("access_token").or_insert_with(|| Value::Object(Map::new()));
    token.as_object_mut()?.insert("xms_cc".to_owned(), json!({"values": ["cp1"]}));
    Some(Value::Object(wanted).to_string())
}

/// Returns a parameter of a challenge of this scheme; several may stand in one header.
pub(super) fn parameter(header: &str, scheme: &str, name: &str) -> Option<String> {
    let mut in_scheme = false;
    for part in parts(header) {
        let (word, rest) = part.split_once(char::is_whitespace).unwrap_or(("", part));
        let parameter = if !word.is_empty() && !word.contains('=') {
            in_scheme = word.eq_ignore_ascii_case(scheme);
            rest.trim()
        } else {
            part
        };
        if let Some((key, value)) = parameter.split_once('=')
            && in_scheme
            && key.trim().eq_ignore_ascii_case(name)
        {
            return Some(unquoted(value.trim()));
        }
    }
    None
}

/// Splits at commas outside quotes.
fn parts(header: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in header.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(header[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(header[begin..].trim());
    parts
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => {
            let mut escaped = false;
            let keep = |character: &char| {
                let keep = escaped || *character != '\\';
                escaped = !keep;
                keep
            };
            inner.chars().filter(keep).collect()
        }
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_in_any_order_and_among_other_challenges() {
        let header = r#"Basic realm="a, b", Bearer claims="e30=", error="x\"y", realm=c"#;
        assert_eq!(parameter(header, "bearer", "error").as_deref(), Some("x\"y"));
        assert_eq!(parameter(header, "Basic", "realm").as_deref(), Some("a, b"));
        assert_eq!(parameter(header, "Bearer", "realm").as_deref(), Some("c"));
        assert_eq!(parameter(header, "Bearer", "scope"), None);
        assert_eq!(
            parameter("Basic realm=/a/b.key", "Basic", "realm").as_deref(),
            Some("/a/b.key")
        );
    }

    #[test]
    fn a_challenge_is_answered_with_its_claims_and_what_this_client_can() {
        // {"access_token":{"nbf":{"essential":true}}}
        let wanted = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ";
        for padding in ["", "=="] {
            let header = format!(
                r#"Bearer realm="", authorization_uri="https://x/authorize", error="insufficient_claims", claims="{wanted}{padding}""#
            );
            let claims = claims(&["Basic realm=x".to_owned(), header]).unwrap();
            let claims: Value = serde_json::from_str(&claims).unwrap();
            assert_eq!(claims["access_token"]["nbf"]["essential"], true);
            assert_eq!(claims["access_token"]["xms_cc"]["values"][0], "cp1");
        }
    }

    #[test]
    fn another_refusal_is_no_challenge() {
        for header in [
            r#"Bearer error="invalid_token", claims="e30=""#,
            r#"Bearer error="insufficient_claims""#,
            r#"Bearer error="insufficient_claims", claims="%%""#,
            "",
        ] {
            assert_eq!(claims(&[header.to_owned()]), None, "{header}");
        }
    }
}
