//! What the app of the sandbox may sign in with beside its secret, and whether an assertion proves it.
//!
//! Source: Entra, certificate credentials and workload identity federation. A federated token's
//! signature is not looked at: there is no issuer here to ask for its keys.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use x509_parser::pem::Pem;
use x509_parser::public_key::PublicKey;

use crate::sandbox::http::identity::Machine;
use crate::sandbox::http::token::Refused;

/// The audience of federated tokens in the worldwide cloud.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";
/// How far clocks may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// What the app may sign in with beside its secret.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// When its secret ends.
    pub secret_ends_at: Option<Timestamp>,
    /// The certificates that are registered.
    pub certificates: Vec<Registered>,
    /// Whose tokens it trusts.
    pub federated: Vec<Federated>,
    /// The machine whose identity may sign in.
    pub machine: Option<Machine>,
}

/// A certificate that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    sha1: Vec<u8>,
    sha256: Vec<u8>,
    key: Vec<u8>,
    not_before: i64,
    not_after: i64,
}

/// Somebody whose tokens the app trusts. All three must be the same to the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federated {
    /// Who issues them.
    pub issuer: String,
    /// About whom.
    pub subject: String,
    /// For whom.
    pub audience: String,
}

/// A file that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// It holds no certificate.
    #[error("there is no certificate in PEM in it")]
    NoCertificate,
    /// Its key is of another kind.
    #[error("its key is no RSA key, and Entra takes no others")]
    NotRsa,
    /// It is no token.
    #[error("it is no token with `iss`, `sub` and `aud`")]
    NotToken,
}

impl Registered {
    /// Reads a certificate in PEM.
    ///
    /// # Errors
    ///
    /// Where there is none, or its key is no RSA key.
    pub fn from_pem(file: &[u8]) -> Result<Self, InvalidCredential> {
        let pem = Pem::iter_from_buffer(file)
            .filter_map(Result::ok)
            .find(|section| section.label == "CERTIFICATE")
            .ok_or(InvalidCredential::NoCertificate)?;
        let parsed = pem.parse_x509().map_err(|_| InvalidCredential::NoCertificate)?;
        let key = parsed.public_key();
        if !matches!(key.parsed(), Ok(PublicKey::RSA(_))) {
            return Err(InvalidCredential::NotRsa);
        }
        Ok(Self {
            sha1: digest(&SHA1_FOR_LEGACY_USE_ONLY, &pem.contents).as_ref().to_vec(),
            sha256: digest(&SHA256, &pem.contents).as_ref().to_vec(),
            key: key.subject_public_key.data.to_vec(),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }
}

impl Federated {
    /// Trusts those who issue tokens such as this one, for its subject and audience.
    ///
    /// # Errors
    ///
    /// Where it is no such token.
    pub fn like(token: &str) -> Result<Self, InvalidCredential> {
        let parsed = Assertion::parse(token.trim()).ok_or(InvalidCredential::NotToken)?;
        let claims = parsed.claims;
        match (claims.iss, claims.sub, claims.aud.first()) {
            (Some(issuer), Some(subject), Some(audience)) => {
                Ok(Self { issuer, subject, audience: audience.clone() })
            }
            _ => Err(InvalidCredential::NotToken),
        }
    }
}

/// A token that was sent to prove who asks.
struct Assertion<'a> {
    header: Value,
    claims: Claims,
    message: &'a str,
    signature: Vec<u8>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    #[serde(deserialize_with = "one_or_more")]
    aud: Vec<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
    jti: Option<String>,
}

/// Source: RFC 7519, 4.1.3: one audience, or a list.
fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(one) => vec![one],
        Value::Array(several) => {
            several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    })
}

impl<'a> Assertion<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            message,
            signature: decode(signature)?,
        })
    }

    fn header(&self, name: &str) -> Option<Vec<u8>> {
        decode(self.header.get(name)?.as_str()?)
    }

    /// Whether it is in force.
    fn holds_at(&self, now: Timestamp) -> bool {
        let (now, apart) = (now.as_second(), TOLERANCE.as_secs());
        let began = self.claims.nbf.is_none_or(|nbf| nbf <= now + apart);
        began && self.claims.exp.is_some_and(|exp| now - apart < exp)
    }
}

/// Decodes base64 in either alphabet, with padding or without, as Entra does.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['+', '/']) { &STANDARD } else { &URL_SAFE };
    GeneralPurpose::new(alphabet, lenient).decode(text).ok()
}

/// Where and when an assertion is to prove something.
pub(super) struct Asked<'a> {
    /// The app that asks.
    pub(super) client_id: &'a str,
    /// The address of the token endpoint.
    pub(super) endpoint: &'a str,
    /// When.
    pub(super) now: Timestamp,
}

impl Credentials {
    /// Checks an assertion. `seen` are the ids of those that were taken before.
    pub(super) fn check(
        &self,
        assertion: &str,
        asked: &Asked<'_>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Refused> {
        let Some(parsed) = Assertion::parse(assertion) else {
            return Err(unsigned("The assertion is no signed token."));
        };
        let is_own = parsed
            .claims
            .iss
            .as_deref()
            .is_some_and(|iss| iss.eq_ignore_ascii_case(asked.client_id));
        if is_own {
            self.check_own(&parsed, asked, seen)
        } else {
            self.check_federated(&parsed, asked)
        }
    }

    fn check_own(
        &self,
        assertion: &Assertion<'_>,
        asked: &Asked<'_>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Refused> {
        let claims = &assertion.claims;
        let sent = (assertion.header("x5t#S256"), assertion.header("x5t"));
        let certificate = self.certificates.iter().find(|certificate| match &sent {
            (Some(sha256), _) => *sha256 == certificate.sha256,
            (None, Some(sha1)) => *sha1 == certificate.sha1,
            (None, None) => false,
        });
        let Some(certificate) = certificate else {
            return Err(unsigned("The key was not found."));
        };
        let algorithm: &'static dyn VerificationAlgorithm =
            match assertion.header.get("alg").and_then(Value::as_str) {
                Some("PS256") => &RSA_PSS_2048_8192_SHA256,
                Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
                _ => return Err(unsigned("The algorithm is not supported.")),
            };
        let key = UnparsedPublicKey::new(algorithm, &certificate.key);
        if key.verify(assertion.message.as_bytes(), &assertion.signature).is_err() {
            let reason = "The provided signature value did not match the expected signature value.";
            return Err(unsigned(reason));
        }
        let now = asked.now.as_second();
        if now < certificate.not_before || certificate.not_after < now {
            return Err(unsigned("The key used is expired."));
        }
        if claims.sub.as_deref().is_none_or(|sub| !sub.eq_ignore_ascii_case(asked.client_id)) {
            let message =
                "Client assertion application identifier doesn't match 'client_id' parameter.";
            return Err(refused(700_021, message));
        }
        if !claims.aud.iter().any(|aud| aud == asked.endpoint) {
            let message = "Client assertion audience claim does not match Realm issuer.";
            return Err(refused(700_023, message));
        }
        if !assertion.holds_at(asked.now) {
            return Err(untimely());
        }
        // An id is asked for so that nobody can send an assertion twice.
        let Some(id) = claims.jti.clone().filter(|id| !id.is_empty()) else {
            return Err(refused(50_013, "Assertion failed validation: it has no 'jti'."));
        };
        if !seen.insert(id) {
            return Err(refused(50_013, "Assertion failed validation: it was used before."));
        }
        Ok(())
    }

    fn check_federated(&self, assertion: &Assertion<'_>, asked: &Asked<'_>) -> Result<(), Refused> {
        let claims = &assertion.claims;
        let unmatched = |code, what: &str, value: &str| {
            let message = format!(
                "No matching federated identity record found for presented assertion {what} '{value}'."
            );
            Err(refused(code, &message))
        };
        let given = (claims.iss.as_deref().unwrap_or(""), claims.sub.as_deref().unwrap_or(""));
        let of_issuer: Vec<_> =
            self.federated.iter().filter(|known| known.issuer == given.0).collect();
        if of_issuer.is_empty() {
            return unmatched(700_211, "issuer", given.0);
        }
        let of_subject: Vec<_> =
            of_issuer.into_iter().filter(|known| known.subject == given.1).collect();
        if of_subject.is_empty() {
            return unmatched(700_213, "subject", given.1);
        }
        if !of_subject.iter().any(|known| claims.aud.contains(&known.audience)) {
            return unmatched(700_212, "audience", &claims.aud.join("', '"));
        }
        if assertion.holds_at(asked.now) { Ok(()) } else { Err(untimely()) }
    }
}

fn refused(code: u32, message: &str) -> Refused {
    Refused::new(401, "invalid_client", code, message)
}

fn unsigned(reason: &str) -> Refused {
    let message = format!("Client assertion contains an invalid signature. [Reason - {reason}]");
    refused(700_027, &message)
}

fn untimely() -> Refused {
    let message = "Client assertion is not within its valid time range. Current time of the server and \
                   the assertion's times are more than five minutes apart.";
    refused(700_024, message)
}
