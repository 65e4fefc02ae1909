use std::sync::LazyLock;

use rcgen::PKCS_ECDSA_P256_SHA256;

use super::*;
use crate::pki::{self, Made};
use crate::sandbox::faults::Faults;

static MADE: LazyLock<Made> = LazyLock::new(|| pki::other(&PKCS_ECDSA_P256_SHA256));

fn options() -> Options {
    let tls = Tls::from_pem(MADE.certificate.as_bytes(), MADE.key.as_bytes()).unwrap();
    Options { tls: Some(tls), ..Options::default() }
}

fn client() -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(MADE.certificate.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test]
async fn https_is_served_and_links_lead_to_it() {
    let server = Server::start(small(), options()).await.unwrap();
    let (url, http) = (server.url(), client());
    assert!(url.starts_with("https://127.0.0.1:"));
    let tenant = &server.tenant_id;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let answer = http.post(format!("{url}/{tenant}/oauth2/v2.0/token")).form(&form);
    let token = Answer::of(answer.send().await.unwrap()).await.json()["access_token"].clone();
    let users = http.get(format!("{url}/v1.0/users?$top=2")).bearer_auth(token.as_str().unwrap());
    let page = Answer::of(users.send().await.unwrap()).await.json();
    assert!(page["@odata.nextLink"].as_str().unwrap().starts_with(&url));
}

/// A bench whose client may speak HTTP/2.
async fn bench(options: Options) -> Bench {
    let server = Server::start(small(), options).await.unwrap();
    let mut bench = Bench { server, http: client(), token: String::new() };
    bench.sign_in().await;
    bench
}

#[tokio::test]
async fn http_2_is_offered_over_tls_and_nobody_has_to_take_it() {
    let tls = || options().tls.unwrap();
    let certificate = reqwest::Certificate::from_pem(MADE.certificate.as_bytes()).unwrap();
    let old = reqwest::Client::builder().tls_certs_only([certificate]).http1_only();
    let old = old.build().unwrap();
    for (tls, http, version) in [
        (Some(tls()), client(), Version::HTTP_2),
        (Some(tls()), old, Version::HTTP_11),
        (Some(tls().without_http2()), client(), Version::HTTP_11),
        (None, client(), Version::HTTP_11),
    ] {
        let server = Server::start(small(), Options { tls, ..Options::default() }).await.unwrap();
        let answer = http.get(format!("{}/v1.0/users", server.url())).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (401, version));
        assert_eq!(server.requests()[0].version, version);
    }
}

#[tokio::test]
async fn over_http_2_as_well_answers_are_lost_before_or_behind_the_effect() {
    for (fault, located) in [("reset", false), ("reset-after", true), ("truncate", true)] {
        let faults = Faults::parse(5, [format!("{fault}=1@/users")]).unwrap();
        let bench = bench(Options { faults, ..options() }).await;
        let request = bench.request("GET", "/users").send().await;
        let text = async { request?.text().await };
        assert!(text.await.is_err(), "{fault}");
        let body = json!({"usageLocation": "DE"});
        // The answer tells nothing; that is the fault.
        let _ = bench.request("PATCH", "/users/chi@contoso.com").json(&body).send().await;
        let location = bench.server.tenant().user("chi@contoso.com").unwrap().usage_location;
        assert_eq!(location.is_some(), located, "{fault}");
        // Others are served.
        assert_eq!(bench.get("/groups").await.status, 200);
        assert!(bench.server.requests().iter().all(|seen| seen.version == Version::HTTP_2));
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_leaves_its_connection_to_the_others() {
    let faults = Faults::parse(5, ["truncate=1@/users", "hang=1@/groups"]).unwrap();
    let bench = bench(Options { faults, ..options() }).await;
    let hung = tokio::spawn(bench.request("GET", "/groups").send());
    while bench.server.counts().faults == 0 {
        assert_eq!(bench.get("/subscribedSkus").await.status, 200);
    }
    let cut = bench.request("GET", "/users").send().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err());
    assert_eq!(bench.get("/subscribedSkus").await.status, 200);
    assert!(!hung.is_finished());
    hung.abort();
}

#[tokio::test]
async fn a_client_that_does_not_greet_keeps_nobody_out() {
    let server = Server::start(small(), options()).await.unwrap();
    let silent = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let discovery = format!("{}/common/discovery/instance", server.url());
    assert_eq!(client().get(discovery).send().await.unwrap().status(), 200);
    drop(silent);
}

#[test]
fn what_cannot_be_served_is_refused_with_the_reason() {
    let reason = |certificate: &str, key: &str| {
        Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string()
    };
    let (certificate, key) = (&MADE.certificate, &MADE.key);
    let other = pki::other(&PKCS_ECDSA_P256_SHA256).key;
    assert_eq!(reason("", key), "there is no certificate in it");
    assert_eq!(reason(certificate, ""), "the private key is not PEM");
    assert_eq!(reason(certificate, &other), "certificate and key cannot be served");
}

#[tokio::test]
async fn a_login_host_tells_where_its_tenants_sign_in() {
    let bench = Bench::small().await;
    let (url, tenant) = (bench.server.url(), bench.server.tenant_id.clone());
    let get = async |path: &str| {
        Answer::of(bench.http.get(format!("{url}{path}")).send().await.unwrap()).await
    };
    let asked = format!("{url}/contoso.com/oauth2/v2.0/authorize");
    let path = format!("/common/discovery/instance?authorization_endpoint={asked}");
    let instance = get(&path).await.json();
    let host = url.strip_prefix("http://").unwrap();
    assert_eq!(instance["metadata"][0]["preferred_network"], host);
    let discovery = instance["tenant_discovery_endpoint"].as_str().unwrap();
    let found = get(discovery.strip_prefix(&url).unwrap()).await.json();
    assert_eq!(found["token_endpoint"], format!("{url}/{tenant}/oauth2/v2.0/token"));
    assert_eq!(found["issuer"], format!("{url}/{tenant}/v2.0"));
    let any = get("/organizations/v2.0/.well-known/openid-configuration").await.json();
    assert_eq!(any["issuer"], format!("{url}/{{tenantid}}/v2.0"));
    let unknown = get("/elsewhere.com/v2.0/.well-known/openid-configuration").await;
    assert_eq!((unknown.status, unknown.json()["error_codes"][0].clone()), (400, json!(90_002)));
    assert_eq!(get("/a/b/v2.0/.well-known/openid-configuration").await.status, 404);
}
