use std::sync::LazyLock;

use rcgen::PKCS_ECDSA_P256_SHA256;

use super::*;
use crate::pki::{self, Made};

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
