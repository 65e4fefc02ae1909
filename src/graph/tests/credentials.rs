use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::SecretSlice;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;
use crate::graph::certificate::Certificate;
use crate::graph::tests::server::{Play, Seen};
use crate::graph::{KeyMaterial, assertion};
use crate::pki::{self, Made};
use crate::ports::{ReadRequest, TenantError, TenantReader as _};

fn secret_bytes(text: impl AsRef<[u8]>) -> SecretSlice<u8> {
    text.as_ref().to_vec().into()
}

fn pem_of(certificate: &str, key: Option<&str>, password: Option<&str>) -> KeyMaterial {
    KeyMaterial::Pem {
        certificate: secret_bytes(certificate),
        key: key.map(secret_bytes),
        password: password.map(SecretString::from),
    }
}

fn pkcs12_of(file: impl AsRef<[u8]>, password: Option<&str>) -> KeyMaterial {
    KeyMaterial::Pkcs12 { file: secret_bytes(file), password: password.map(SecretString::from) }
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

fn json_of(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Whether a token was signed with the key of this certificate.
fn signed_by(token: &str, certificate: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let der = der(certificate);
    let (_, parsed) = X509Certificate::from_der(&der).unwrap();
    let key = parsed.public_key().subject_public_key.data.to_vec();
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
        .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .is_ok()
}

/// What the assertion of a request for a token says, and the assertion.
fn assertion_of(seen: &Seen) -> (Value, String) {
    let field = |name: &str| {
        let fields = seen.body.split('&').filter_map(|pair| pair.split_once('='));
        fields.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap()
    };
    assert_eq!(
        field("client_assertion_type"),
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    assert!(!seen.body.contains("client_secret"));
    let assertion = field("client_assertion");
    (json_of(assertion.split('.').nth(1).unwrap()), assertion)
}

#[test]
fn a_certificate_is_read_from_every_kind_of_file() {
    let Made { certificate, key, .. } = &pki::rsa(2031);
    let made = pki::rsa(2031);
    let both = format!("Bag Attributes\n    friendlyName: x\n{key}{certificate}");
    let other = &pki::rsa(2031).certificate;
    let ours = pem_of(certificate, Some(key), None);
    let first = Certificate::read(&ours).unwrap();
    assert_eq!(first.thumbprint[..], Sha256::digest(der(certificate))[..]);
    assert_eq!(first.not_after.to_string(), "2031-12-31T00:00:00Z");
    for fine in [
        pem_of(&both, None, None),
        pem_of(&both.replace('\n', "\r\n"), None, None),
        // The chain of its issuers may stand beside it, in any order.
        pem_of(&format!("{other}{certificate}"), Some(&format!("{other}{key}")), None),
        // A key of another place wins over one in the file of the certificate.
        pem_of(&format!("{}{certificate}", made.key), Some(key), None),
    ] {
        assert_eq!(Certificate::read(&fine).unwrap().thumbprint, first.thumbprint);
    }
    let sealed = made.pkcs12("pässword");
    for fine in [
        pem_of(&made.certificate, Some(&made.encrypted_key("p w")), Some("p w")),
        pkcs12_of(&sealed, Some("pässword")),
        pkcs12_of(format!("{}\n", STANDARD.encode(&sealed)), Some("pässword")),
        pkcs12_of(made.pkcs12(""), None),
    ] {
        let read = Certificate::read(&fine).unwrap();
        assert_eq!(read.thumbprint[..], Sha256::digest(der(&made.certificate))[..]);
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let rsa = pki::rsa(2031);
    let ecdsa = pki::other(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (certificate, key) = (rsa.certificate.as_str(), rsa.key.as_str());
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,A\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for (material, told) in [
        (pem_of(certificate, None, None), "there is no private key"),
        (pem_of(key, None, None), "there is no certificate"),
        (pem_of(certificate, Some(&pki::rsa(2031).key), None), "do not belong together"),
        (pem_of(&ecdsa.certificate, Some(&ecdsa.key), None), "no RSA key"),
        (pem_of(&ecdsa.certificate, Some(key), None), "no RSA key"),
        (pkcs12_of(ecdsa.pkcs12(""), None), "no RSA key"),
        (pem_of(certificate, Some(&pki::pem("EC PRIVATE KEY", b"x")), None), "no RSA key"),
        (pem_of(certificate, Some(&format!("{key}{key}")), None), "several private keys"),
        (pem_of(certificate, Some(old), Some("x")), "openssl pkcs8 -topk8"),
        (pem_of(certificate, Some(&rsa.encrypted_key("x")), None), "there is no `password`"),
        (pem_of(certificate, Some(&rsa.encrypted_key("x")), Some("y")), "with this password"),
        (pem_of("", Some(key), None), "no PEM file"),
        (pem_of(&certificate[..200], Some(key), None), "does not end"),
        (pem_of(&certificate.replace("MII", "MI!"), Some(key), None), "is not base64"),
        (pem_of(&pki::pem("CERTIFICATE", b"x"), Some(key), None), "labelled a certificate is none"),
        (pkcs12_of(rsa.pkcs12("x"), None), "has a password, and there is no `password`"),
        (pkcs12_of(rsa.pkcs12("x"), Some("y")), "does not open with this password"),
        (pkcs12_of(certificate, None), "no PKCS#12 file"),
    ] {
        let reason = Certificate::read(&material).err().unwrap_or_else(|| panic!("{told}"));
        assert!(reason.contains(told), "{reason}");
    }
    let binary =
        KeyMaterial::Pem { certificate: secret_bytes(rsa.pkcs12("")), key: None, password: None };
    assert!(Certificate::read(&binary).err().unwrap().contains("`pkcs12`"));
}

#[test]
fn an_assertion_says_who_signs_in_where_and_until_when() {
    let made = pki::rsa(2031);
    let read = Certificate::read(&pem_of(&made.certificate, Some(&made.key), None)).unwrap();
    let now: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    let token = assertion::sign(&read, "the-app", "https://login/t/oauth2/v2.0/token", now);
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims) = (json_of(parts[0]), json_of(parts[1]));
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(der(&made.certificate)));
    assert_eq!(header, json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
    let at = now.as_second();
    assert_eq!(
        claims,
        json!({"aud": "https://login/t/oauth2/v2.0/token", "iss": "the-app", "sub": "the-app",
               "jti": claims["jti"], "nbf": at, "iat": at, "exp": at + 600})
    );
    assert!(signed_by(&token, &made.certificate));
    assert!(!signed_by(&token, &pki::rsa(2031).certificate));
    let again = assertion::sign(&read, "the-app", "https://login/t/oauth2/v2.0/token", now);
    assert_ne!(json_of(again.split('.').nth(1).unwrap())["jti"], claims["jti"]);
}

#[tokio::test]
async fn a_certificate_that_is_rotated_signs_the_next_assertion() {
    let server = Server::start(|_| None).await;
    let files = Arc::new(Mutex::new(pki::rsa(2031)));
    let shared = Arc::clone(&files);
    let open = move || {
        let made = shared.lock().unwrap();
        Ok(pem_of(&made.certificate, Some(&made.key), None))
    };
    let sign_in = as_app(Credential::Certificate(Arc::new(open)));
    let (client, clock) = client_of(Settings { sign_in, ..settings(&server.url) });
    client.read(&ReadRequest::default(), &Quiet).await.unwrap();
    let old = std::mem::replace(&mut *files.lock().unwrap(), pki::rsa(2032));
    clock.advance(Duration::from_secs(3_500));
    client.read(&ReadRequest::default(), &Quiet).await.unwrap();
    let seen = server.seen();
    let tokens: Vec<_> = seen.iter().filter(|seen| seen.is_token()).map(assertion_of).collect();
    let [(first, before), (second, after)] = tokens.as_slice() else { panic!("{tokens:?}") };
    assert!(signed_by(before, &old.certificate));
    assert!(signed_by(after, &files.lock().unwrap().certificate));
    let audience = format!("{}/contoso.onmicrosoft.com/oauth2/v2.0/token", server.url);
    assert_eq!((&first["aud"], &second["aud"]), (&json!(audience), &json!(audience)));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_sends_nothing() {
    let server = Server::start(|_| None).await;
    let open = || Ok(pem_of("hunter2", None, None));
    let sign_in = as_app(Credential::Certificate(Arc::new(open)));
    let (client, _) = client_of(Settings { sign_in, ..settings(&server.url) });
    let error = client.read(&ReadRequest::default(), &Quiet).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the certificate of tenant `contoso`: this is no PEM file: nothing in it \
         begins with `-----BEGIN`"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_federated_token_is_opened_anew_and_sent_as_it_is() {
    let server = Server::start(|_| None).await;
    let count = Arc::new(Mutex::new(0));
    let open = move || {
        *count.lock().unwrap() += 1;
        Ok(SecretString::from(format!("head.e3{}.tail", count.lock().unwrap())))
    };
    let sign_in = as_app(Credential::FederatedToken(Arc::new(open)));
    let (client, clock) = client_of(Settings { sign_in, ..settings(&server.url) });
    client.read(&ReadRequest::default(), &Quiet).await.unwrap();
    clock.advance(Duration::from_secs(3_500));
    client.read(&ReadRequest::default(), &Quiet).await.unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().filter(|seen| seen.is_token()).collect();
    assert!(sent[0].body.ends_with("&client_assertion=head.e31.tail"), "{}", sent[0].body);
    assert!(sent[1].body.ends_with("&client_assertion=head.e32.tail"), "{}", sent[1].body);
}

#[tokio::test]
async fn an_assertion_that_is_too_early_there_is_signed_again_by_their_clock() {
    let made = pki::rsa(2031);
    let mut tries = 0;
    let server = Server::start(move |seen| {
        if !seen.is_token() {
            return None;
        }
        tries += 1;
        let fault = json!({"error": "invalid_client", "error_codes": [700_024],
            "error_description": "AADSTS700024: Client assertion is not within its valid time range."});
        (tries == 1).then(|| Play::json(401, &fault).with("Date", "Mon, 23 Nov 2026 08:00:00 GMT"))
    })
    .await;
    let open = move || Ok(pem_of(&made.certificate, Some(&made.key), None));
    let sign_in = as_app(Credential::Certificate(Arc::new(open)));
    let (client, _) = client_of(Settings { sign_in, ..settings(&server.url) });
    client.read(&ReadRequest::default(), &Quiet).await.unwrap();
    let seen = server.seen();
    let tokens: Vec<_> = seen.iter().filter(|seen| seen.is_token()).map(assertion_of).collect();
    let [(first, _), (second, _)] = tokens.as_slice() else { panic!("{tokens:?}") };
    let early = first["nbf"].as_i64().unwrap() - second["nbf"].as_i64().unwrap();
    assert_eq!(early, 3_600);
}

#[tokio::test]
async fn a_clock_that_is_refused_twice_is_told() {
    let server = Server::start(|seen| {
        let fault = json!({"error": "invalid_client", "error_codes": [700_024],
                           "error_description": "AADSTS700024: not within its valid time range."});
        seen.is_token().then(|| Play::json(401, &fault))
    })
    .await;
    let (client, _) = client(&server);
    let error = client.read(&ReadRequest::default(), &Quiet).await.unwrap_err();
    let TenantError::SignIn { hint, .. } = &error else { panic!("{error:?}") };
    assert!(hint.as_deref().unwrap().contains("set the clock"), "{hint:?}");
}
