use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};

use super::*;
use crate::pki::{self, Made};
use crate::sandbox::http::credentials::decode;
use crate::sandbox::http::json::base64url;

const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const NOW: i64 = 1_795_424_400; // 2026-11-23T09:00:00Z

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    decode(&body).unwrap()
}

/// Signs a token with the key of a certificate.
fn signed(
    made: &Made,
    encoding: &'static dyn RsaEncoding,
    header: &Value,
    claims: &Value,
) -> String {
    let key = RsaKeyPair::from_pkcs8(&der(&made.key)).unwrap();
    let encode = |value: &Value| base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", base64url(&signature))
}

fn thumbprint(made: &Made) -> String {
    base64url(
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der(&made.certificate)).as_ref(),
    )
}

fn registered(made: &Made) -> Registered {
    Registered::from_pem(made.certificate.as_bytes()).unwrap()
}

async fn with(credentials: Credentials) -> Bench {
    Bench::new(small(), Options { credentials, ..Options::default() }).await
}

impl Bench {
    fn endpoint(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.server.url(), self.server.tenant_id)
    }

    async fn ask_with(&self, assertion: &str) -> (u16, Value) {
        let form = [
            ("client_secret", ""),
            ("client_assertion_type", KIND),
            ("client_assertion", assertion),
        ];
        let answer = self.ask_token(&form).await;
        (answer.status, answer.json()["error_codes"][0].clone())
    }

    /// An assertion as it should be, with some claims changed.
    fn assertion(&self, made: &Made, changes: &Value) -> String {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(made)});
        let mut claims = json!({"aud": self.endpoint(), "iss": CLIENT_ID, "sub": CLIENT_ID,
            "jti": uuid::Uuid::new_v4(), "nbf": NOW, "iat": NOW, "exp": NOW + 600});
        for (key, value) in changes.as_object().unwrap() {
            claims[key] = value.clone();
        }
        signed(made, &RSA_PSS_SHA256, &header, &claims)
    }
}

#[tokio::test]
async fn an_assertion_of_a_registered_certificate_gets_a_token_once() {
    let made = pki::rsa(2031);
    let certificates = vec![registered(&pki::rsa(2031)), registered(&made)];
    let bench = with(Credentials { certificates, ..Credentials::default() }).await;
    let assertion = bench.assertion(&made, &json!({}));
    assert_eq!(bench.ask_with(&assertion).await, (200, Value::Null));
    assert_eq!(bench.ask_with(&assertion).await, (401, json!(50_013)));
    // The form that older libraries send.
    let sha1 = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        &der(&made.certificate),
    );
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t": base64url(sha1.as_ref())});
    let claims = json!({"aud": bench.endpoint(), "iss": CLIENT_ID, "sub": CLIENT_ID, "jti": "1",
                        "nbf": NOW, "exp": NOW + 600});
    let older = signed(&made, &RSA_PKCS1_SHA256, &header, &claims);
    assert_eq!(bench.ask_with(&older).await, (200, Value::Null));
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_answered_as_entra_does() {
    let (made, stranger, old) = (pki::rsa(2031), pki::rsa(2031), pki::rsa(2025));
    let certificates = vec![registered(&made), registered(&old)];
    let bench = with(Credentials { certificates, ..Credentials::default() }).await;
    let forged = {
        let header = json!({"alg": "PS256", "x5t#S256": thumbprint(&made)});
        let claims = json!({"aud": bench.endpoint(), "iss": CLIENT_ID, "sub": CLIENT_ID,
                            "jti": "1", "exp": NOW + 600});
        signed(&stranger, &RSA_PSS_SHA256, &header, &claims)
    };
    let unsigned = {
        let claims = json!({"iss": CLIENT_ID});
        let header = json!({"alg": "none", "x5t#S256": thumbprint(&made)});
        signed(&made, &RSA_PSS_SHA256, &header, &claims)
    };
    for (assertion, code) in [
        ("x".to_owned(), 700_027),
        (bench.assertion(&stranger, &json!({})), 700_027),
        (forged, 700_027),
        (unsigned, 700_027),
        (bench.assertion(&old, &json!({})), 700_027),
        (bench.assertion(&made, &json!({"sub": "somebody"})), 700_021),
        (bench.assertion(&made, &json!({"aud": "https://login.example/token"})), 700_023),
        (bench.assertion(&made, &json!({"exp": NOW - 301})), 700_024),
        (bench.assertion(&made, &json!({"exp": null})), 700_024),
        (bench.assertion(&made, &json!({"nbf": NOW + 301})), 700_024),
        (bench.assertion(&made, &json!({"jti": null})), 50_013),
    ] {
        assert_eq!(bench.ask_with(&assertion).await, (401, json!(code)), "{assertion}");
    }
    // Clocks may be minutes apart, and an audience may be one of a list.
    let audiences = json!({"aud": ["x", bench.endpoint()], "exp": NOW - 299, "nbf": NOW + 299});
    let assertion = bench.assertion(&made, &audiences);
    assert_eq!(bench.ask_with(&assertion).await, (200, Value::Null));
    let answer = bench.ask_token(&[("client_secret", ""), ("client_assertion", "x")]).await;
    assert_eq!(answer.json()["error_codes"], json!([900_144]));
}

#[tokio::test]
async fn certificates_are_rotated_by_having_two_for_a_while() {
    let (old, new) = (pki::rsa(2031), pki::rsa(2032));
    let only = |made| vec![registered(made)];
    let bench = with(Credentials { certificates: only(&old), ..Credentials::default() }).await;
    assert_eq!(bench.ask_with(&bench.assertion(&new, &json!({}))).await.0, 401);
    let both = vec![registered(&old), registered(&new)];
    bench.server.set_credentials(Credentials { certificates: both, ..Credentials::default() });
    assert_eq!(bench.ask_with(&bench.assertion(&old, &json!({}))).await.0, 200);
    assert_eq!(bench.ask_with(&bench.assertion(&new, &json!({}))).await.0, 200);
    bench
        .server
        .set_credentials(Credentials { certificates: only(&new), ..Credentials::default() });
    assert_eq!(bench.ask_with(&bench.assertion(&old, &json!({}))).await.0, 401);
}

fn outside(issuer: &str, subject: &str, audience: &str, end: i64) -> String {
    let encode = |value: &Value| base64url(value.to_string().as_bytes());
    let claims = json!({"iss": issuer, "sub": subject, "aud": [audience], "exp": end});
    format!("{}.{}.c2ln", encode(&json!({"alg": "RS256", "kid": "1"})), encode(&claims))
}

#[tokio::test]
async fn a_federated_token_fits_to_the_letter_or_not_at_all() {
    let trusted = outside("https://oidc.test/1", "system:sa:licenses", AUDIENCE, NOW + 600);
    let federated = vec![Federated::like(&format!("{trusted}\n")).unwrap()];
    let bench = with(Credentials { federated, ..Credentials::default() }).await;
    for (token, expected) in [
        (trusted, (200, Value::Null)),
        (
            outside("https://oidc.test/2", "system:sa:licenses", AUDIENCE, NOW + 600),
            (401, json!(700_211)),
        ),
        (
            outside("https://oidc.test/1", "system:sa:Licenses", AUDIENCE, NOW + 600),
            (401, json!(700_213)),
        ),
        (
            outside("https://oidc.test/1", "system:sa:licenses", "x", NOW + 600),
            (401, json!(700_212)),
        ),
        (
            outside("https://oidc.test/1", "system:sa:licenses", AUDIENCE, NOW - 600),
            (401, json!(700_024)),
        ),
    ] {
        assert_eq!(bench.ask_with(&token).await, expected, "{token}");
    }
}

#[tokio::test]
async fn a_secret_ends() {
    let ends = |text: &str| Credentials {
        secret_ends_at: Some(text.parse().unwrap()),
        ..Credentials::default()
    };
    let bench = with(ends("2026-11-23T09:00:01Z")).await;
    assert_eq!(bench.ask_token(&[]).await.status, 200);
    bench.server.set_credentials(ends("2026-11-23T09:00:00Z"));
    let answer = bench.ask_token(&[]).await;
    assert_eq!((answer.status, &answer.json()["error_codes"]), (401, &json!([7_000_222])));
    // Who knows no secret is not told that it has ended.
    let answer = bench.ask_token(&[("client_secret", "guess")]).await;
    assert_eq!(answer.json()["error_codes"], json!([7_000_215]));
}

#[test]
fn what_cannot_be_registered_says_why() {
    let ecdsa = pki::other(&rcgen::PKCS_ECDSA_P256_SHA256).certificate;
    let refused = |file: &str| Registered::from_pem(file.as_bytes()).unwrap_err();
    assert_eq!(refused(&ecdsa), InvalidCredential::NotRsa);
    assert_eq!(refused(&pki::rsa(2031).key), InvalidCredential::NoCertificate);
    assert_eq!(Federated::like("a.b.c").unwrap_err(), InvalidCredential::NotToken);
}

const METADATA: &str = "/metadata/identity/oauth2/token";

/// Asks a machine for a token.
async fn ask_machine(
    bench: &Bench,
    path: &str,
    query: &str,
    headers: &[(&'static str, &str)],
) -> Answer {
    let url = format!("{}{path}?resource=https://graph.microsoft.com/&{query}", bench.server.url());
    let request = headers
        .iter()
        .fold(bench.http.get(url), |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_machine_is_answered_as_each_host_does() {
    let machine = Some(Machine::new("11111111-2222-4333-8444-555555555555", "the-header"));
    let mut bench = with(Credentials { machine, ..Credentials::default() }).await;
    let imds = "api-version=2018-02-01";
    let answer = ask_machine(&bench, METADATA, imds, &[("Metadata", "true")]).await;
    assert_eq!((answer.status, &answer.json()["expires_in"]), (200, &json!("86400")));
    assert_eq!(answer.json()["expires_on"], json!((NOW + 86_400).to_string()));
    bench.token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.get("/users").await.status, 200);
    let named = "api-version=2019-08-01&client_id=11111111-2222-4333-8444-555555555555";
    let header = [("X-IDENTITY-HEADER", "the-header")];
    assert_eq!(ask_machine(&bench, "/msi/token", named, &header).await.status, 200);
    let answer = ask_machine(&bench, METADATA, imds, &[]).await;
    let told = answer.json()["error_description"].clone();
    assert_eq!((answer.status, told), (400, json!("Required metadata header not specified")));
    let other = format!("{imds}&object_id=x");
    let answer = ask_machine(&bench, METADATA, &other, &[("Metadata", "true")]).await;
    assert_eq!(answer.json()["error_description"], json!("Identity not found"));
    let answer = ask_machine(&bench, "/msi/token", named, &[("X-IDENTITY-HEADER", "guess")]).await;
    assert_eq!((answer.status, &answer.json()["statusCode"]), (401, &json!(401)));
    let arc = "api-version=2020-06-01";
    assert_eq!(ask_machine(&bench, METADATA, arc, &[("Metadata", "true")]).await.status, 404);
    bench.server.set_credentials(Credentials::default());
    assert_eq!(ask_machine(&bench, METADATA, imds, &[("Metadata", "true")]).await.status, 404);
}

#[tokio::test]
async fn the_agent_of_arc_wants_to_see_its_file_once() {
    let tokens = tempfile::tempdir().unwrap();
    let machine = Machine::new("x", "y").with_agent(tokens.path().to_owned());
    let bench = with(Credentials { machine: Some(machine), ..Credentials::default() }).await;
    let ask = async |key: &str| {
        let key = format!("Basic {key}");
        let headers = [("Metadata", "true"), ("Authorization", key.as_str())];
        ask_machine(&bench, METADATA, "api-version=2020-06-01", &headers).await
    };
    let answer = ask("guess").await;
    assert_eq!(answer.status, 401);
    let file = answer.headers["www-authenticate"].strip_prefix("Basic realm=").unwrap().to_owned();
    assert!(file.starts_with(tokens.path().to_str().unwrap()) && file.contains(".key"), "{file}");
    let key = std::fs::read_to_string(file).unwrap();
    assert_eq!(ask(&key).await.status, 200);
    assert_eq!(ask(&key).await.status, 401, "each challenge is answered once");
}
