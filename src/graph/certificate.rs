//! Reads a certificate and its key, and signs with it.
//!
//! Entra takes RSA keys for apps and no others; what else is found is named, not tried.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Pkcs12Error;
use pkcs8::EncryptedPrivateKeyInfoRef;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::graph::credential::KeyMaterial;

/// A certificate with its key.
pub(super) struct Certificate {
    key: RsaKeyPair,
    /// The SHA-256 of the certificate, by which Entra finds it.
    pub(super) thumbprint: [u8; 32],
    /// When it ends.
    pub(super) not_after: Timestamp,
}

impl Certificate {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them, without quoting any of the key.
    pub(super) fn read(material: &KeyMaterial) -> Result<Self, String> {
        match material {
            KeyMaterial::Pem { certificate, key, password } => {
                let password = password.as_ref();
                let mut sections = sections(certificate.expose_secret())?;
                if let Some(key) = key {
                    sections.retain(|section| !section.is_key());
                    sections.extend(
                        self::sections(key.expose_secret())?.into_iter().filter(Section::is_key),
                    );
                }
                let key = key_of_pem(&sections, password)?;
                let certificates: Vec<&[u8]> = sections
                    .iter()
                    .filter(|section| section.label == "CERTIFICATE")
                    .map(|section| section.der.expose_secret())
                    .collect();
                Self::fitting(key, &certificates)
            }
            KeyMaterial::Pkcs12 { file, password } => {
                let archive = open_pkcs12(file.expose_secret(), password.as_ref())?;
                let [key] = archive.keys.as_slice() else {
                    let count = archive.keys.len();
                    return Err(format!("the PKCS#12 file holds {count} keys, not one"));
                };
                let key = rsa(RsaKeyPair::from_pkcs8(key.key.as_der()).ok())?;
                let certificates: Vec<&[u8]> =
                    archive.certs.iter().map(|bag| bag.cert.as_der()).collect();
                Self::fitting(key, &certificates)
            }
        }
    }

    /// Takes the certificate of this key; others may be those of its issuers.
    fn fitting(key: RsaKeyPair, certificates: &[&[u8]]) -> Result<Self, String> {
        let mut other = None;
        for der in certificates {
            let (_, parsed) = X509Certificate::from_der(der)
                .map_err(|_| "what is labelled a certificate is none".to_owned())?;
            let public = parsed.public_key();
            if public.subject_public_key.data.as_ref() == key.public_key().as_ref() {
                let not_after = parsed.validity().not_after.timestamp();
                return Ok(Self {
                    key,
                    thumbprint: Sha256::digest(der).into(),
                    not_after: Timestamp::from_second(not_after).unwrap_or(Timestamp::MAX),
                });
            }
            if !matches!(public.parsed(), Ok(PublicKey::RSA(_))) {
                other = Some(NOT_RSA);
            }
        }
        Err(match (certificates, other) {
            ([], _) => "there is no certificate".to_owned(),
            (_, Some(reason)) => reason.to_owned(),
            (_, None) => "the certificate and the key do not belong together".to_owned(),
        })
    }

    /// Signs as RSASSA-PSS with SHA-256, whose salt is as long as the digest.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("an RSA key of 2048 bits or more signs whatever it is given");
        signature
    }
}

const NOT_RSA: &str = "the key is no RSA key: Entra takes certificates with RSA keys alone, of 2048 \
                       bits or more";

fn rsa(key: Option<RsaKeyPair>) -> Result<RsaKeyPair, String> {
    key.ok_or_else(|| NOT_RSA.to_owned())
}

/// A section of a PEM file.
struct Section {
    label: String,
    der: SecretSlice<u8>,
    /// Whether it is encrypted as OpenSSL did before PKCS#8.
    is_old_encryption: bool,
}

impl Section {
    fn is_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }
}

/// Splits a PEM file; what stands around sections is passed over, as RFC 7468 says.
fn sections(file: &[u8]) -> Result<Vec<Section>, String> {
    let text = std::str::from_utf8(file)
        .map_err(|_| "this is no PEM file: a binary one is written as `pkcs12`".to_owned())?;
    let mut sections = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let broken = || "a section of the PEM file does not end".to_owned();
        let (label, body) = after.split_once("-----").ok_or_else(broken)?;
        let (body, after) =
            body.split_once(&format!("-----END {label}-----")).ok_or_else(broken)?;
        let is_old_encryption = body.contains("Proc-Type:");
        let encoded: String = body.split_whitespace().collect();
        let der = match STANDARD.decode(encoded) {
            _ if is_old_encryption => Vec::new(),
            Ok(der) => der,
            Err(_) => return Err(format!("the section `{label}` is not base64")),
        };
        sections.push(Section { label: label.to_owned(), der: der.into(), is_old_encryption });
        rest = after;
    }
    if sections.is_empty() {
        return Err("this is no PEM file: nothing in it begins with `-----BEGIN`".to_owned());
    }
    Ok(sections)
}

fn key_of_pem(sections: &[Section], password: Option<&SecretString>) -> Result<RsaKeyPair, String> {
    let mut keys = sections.iter().filter(|section| section.is_key());
    let (key, more) = (keys.next(), keys.next());
    let Some(section) = key else { return Err("there is no private key".to_owned()) };
    if more.is_some() {
        return Err("there are several private keys: leave the one of the certificate".to_owned());
    }
    if section.is_old_encryption {
        let advice = "rewrite it with `openssl pkcs8 -topk8 -in KEY -out NEW`";
        return Err(format!("the key is encrypted in a form of the last century: {advice}"));
    }
    let der = section.der.expose_secret();
    match section.label.as_str() {
        "PRIVATE KEY" => rsa(RsaKeyPair::from_pkcs8(der).ok()),
        "RSA PRIVATE KEY" => rsa(RsaKeyPair::from_der(der).ok()),
        "ENCRYPTED PRIVATE KEY" => {
            let password = password.ok_or("the key is encrypted, and there is no `password`")?;
            let sealed = EncryptedPrivateKeyInfoRef::try_from(der)
                .map_err(|_| "the encrypted key cannot be read".to_owned())?;
            let open = sealed
                .decrypt(password.expose_secret())
                .map_err(|_| "the key does not open with this password".to_owned())?;
            rsa(RsaKeyPair::from_pkcs8(open.as_bytes()).ok())
        }
        _ => Err(NOT_RSA.to_owned()),
    }
}

fn open_pkcs12(file: &[u8], password: Option<&SecretString>) -> Result<Pkcs12Archive, String> {
    // Source: X.690: DER of a PKCS#12 file begins with the tag of a sequence; base64 never does.
    const SEQUENCE: u8 = 0x30;
    let text: Vec<u8> = file.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let decoded: Option<SecretSlice<u8>> = match STANDARD.decode(text) {
        Ok(decoded) if decoded.first() == Some(&SEQUENCE) => Some(decoded.into()),
        Ok(_) | Err(_) => None,
    };
    let der = decoded.as_ref().map_or(file, |decoded| decoded.expose_secret());
    let given = password.map_or("", |password| password.expose_secret());
    Pkcs12Archive::from_pkcs12(der, given).map_err(|error| match error {
        Pkcs12Error::MacError(_) if password.is_none() => {
            "the PKCS#12 file has a password, and there is no `password`".to_owned()
        }
        Pkcs12Error::MacError(_) | Pkcs12Error::UnpadError => {
            "the PKCS#12 file does not open with this password".to_owned()
        }
        error @ (Pkcs12Error::UnsupportedEncryptionScheme
        | Pkcs12Error::UnsupportedMacAlgorithm) => {
            format!("the PKCS#12 file cannot be read: {error}")
        }
        _ => "this is no PKCS#12 file".to_owned(),
    })
}
