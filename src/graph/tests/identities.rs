use super::*;
use crate::graph::tests::server::{Play, Seen};
use crate::graph::{Identity, IdentityHost};
use crate::ports::{ReadRequest, TenantError, TenantReader as _};

fn grant() -> Play {
    // Source: hosts of managed identities: all values are text.
    Play::json(
        200,
        &json!({"access_token": "of-the-host", "expires_in": "86399", "expires_on": "1795597200",
                "resource": "https://graph.microsoft.com", "token_type": "Bearer"}),
    )
}

fn asks_host(seen: &Seen) -> bool {
    seen.query.contains("resource=")
}

fn of_host(server: &Server, host: IdentityHost, identity: Identity) -> Client<TestClock> {
    let sign_in = SignIn::ManagedIdentity { host, identity };
    client_of(Settings { sign_in, ..settings(&server.url) }).0
}

async fn read(client: &Client<TestClock>) -> Result<(), TenantError> {
    client.read(&ReadRequest::default(), &Quiet).await.map(|_| ())
}

#[tokio::test]
async fn the_metadata_service_is_asked_for_the_bare_resource() {
    for (identity, asked) in [
        (Identity::System, ""),
        (Identity::ClientId("a".to_owned()), "&client_id=a"),
        (Identity::ObjectId("b".to_owned()), "&object_id=b"),
        (
            Identity::ResourceId("/subscriptions/c d".to_owned()),
            "&msi_res_id=%2Fsubscriptions%2Fc+d",
        ),
    ] {
        let server = Server::start(|seen| asks_host(seen).then(grant)).await;
        let host = IdentityHost::Imds { endpoint: server.url.clone() };
        read(&of_host(&server, host, identity)).await.unwrap();
        let seen = server.seen();
        assert_eq!(seen[0].path, "/metadata/identity/oauth2/token");
        let resource = server.url.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(seen[0].query, format!("api-version=2018-02-01&resource={resource}{asked}"));
        assert_eq!(seen[0].headers["metadata"], "true");
        assert!(!seen[0].headers.contains_key("x-identity-header"));
        assert_eq!(seen[1].headers["authorization"], "Bearer of-the-host");
        assert_eq!(server.count(asks_host), 1);
    }
}

#[tokio::test]
async fn app_service_is_shown_its_header() {
    let server = Server::start(|seen| asks_host(seen).then(grant)).await;
    let host = IdentityHost::AppService {
        endpoint: format!("{}/msi/token", server.url),
        header: "853b9a84".into(),
    };
    read(&of_host(&server, host, Identity::ResourceId("/subscriptions/c".to_owned())))
        .await
        .unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.path, "/msi/token");
    assert!(seen.query.starts_with("api-version=2019-08-01&"), "{}", seen.query);
    assert!(seen.query.ends_with("&mi_res_id=%2Fsubscriptions%2Fc"), "{}", seen.query);
    assert_eq!(seen.headers["x-identity-header"], "853b9a84");
}

fn arc(server: &Server, tokens: &std::path::Path) -> IdentityHost {
    let endpoint = format!("{}/metadata/identity/oauth2/token", server.url);
    IdentityHost::Arc { endpoint, tokens: tokens.to_owned() }
}

/// A server that wants to see what is in a file, as the agent of Arc does.
async fn agent(file: String) -> Server {
    Server::start(move |seen| {
        if !asks_host(seen) {
            return None;
        }
        match seen.headers.get("authorization") {
            Some(key) if key == "Basic c2VjcmV0" => Some(grant()),
            _ => Some(Play::text(401, "").with("WWW-Authenticate", &format!("Basic realm={file}"))),
        }
    })
    .await
}

#[tokio::test]
async fn arc_wants_to_see_what_only_its_group_can_read() {
    let tokens = tempfile::tempdir().unwrap();
    let file = tokens.path().join("1.key");
    std::fs::write(&file, "c2VjcmV0\n").unwrap();
    let server = agent(file.display().to_string()).await;
    read(&of_host(&server, arc(&server, tokens.path()), Identity::System)).await.unwrap();
    let seen = server.seen();
    assert!(seen[0].query.starts_with("api-version=2020-06-01&"), "{}", seen[0].query);
    assert!(!seen[0].headers.contains_key("authorization"));
    assert_eq!(server.count(asks_host), 2);
}

#[tokio::test]
async fn a_file_elsewhere_is_not_read_for_whoever_answers() {
    let home = tempfile::tempdir().unwrap();
    let tokens = home.path().join("tokens");
    std::fs::create_dir_all(tokens.join("deeper")).unwrap();
    for (name, bytes) in [
        ("elsewhere.key", 8),
        ("tokens/secret.txt", 8),
        ("tokens/long.key", 4_097),
        ("tokens/deeper/a.key", 8),
    ] {
        std::fs::write(
            home.path().join(name),
            "c2VjcmV0".repeat(bytes / 8 + usize::from(bytes > 8)),
        )
        .unwrap();
    }
    std::os::unix::fs::symlink(home.path().join("elsewhere.key"), tokens.join("link.key")).unwrap();
    for (named, told) in [
        ("elsewhere.key", "which is not in"),
        ("tokens/../elsewhere.key", "which is not in"),
        ("tokens/deeper/a.key", "which is not in"),
        ("tokens/secret.txt", "which does not end in `.key`"),
        ("tokens/long.key", "of 4,096 bytes at most"),
        ("tokens/link.key", "of 4,096 bytes at most"),
        ("tokens/none.key", "which cannot be read"),
    ] {
        let server = agent(home.path().join(named).display().to_string()).await;
        let client = of_host(&server, arc(&server, &tokens), Identity::System);
        let error = read(&client).await.unwrap_err();
        assert!(matches!(error, TenantError::Secret { .. }), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(error.to_string().starts_with("cannot read the managed identity of tenant"));
        assert_eq!(server.count(asks_host), 1, "nothing of the file was sent");
    }
}

#[tokio::test]
async fn a_host_that_is_being_replaced_is_asked_again_for_more_than_a_minute() {
    let mut tries = 0;
    let server = Server::start(move |seen| {
        tries += u32::from(asks_host(seen));
        match tries {
            1 if asks_host(seen) => Some(Play::text(404, "")),
            2..8 if asks_host(seen) => Some(Play::text(410, "")),
            8 if asks_host(seen) => Some(Play::text(500, "")),
            _ => asks_host(seen).then(grant),
        }
    })
    .await;
    let host = IdentityHost::Imds { endpoint: server.url.clone() };
    let sign_in = SignIn::ManagedIdentity { host, identity: Identity::System };
    let (client, clock) = client_of(Settings { sign_in, ..settings(&server.url) });
    read(&client).await.unwrap();
    assert!(clock.slept() >= Duration::from_mins(1), "{:?}", clock.slept());
    assert_eq!(server.count(asks_host), 9);
}

#[tokio::test]
async fn an_identity_that_is_not_there_is_told_at_once() {
    let server = Server::start(|seen| {
        let body = json!({"error": "invalid_request", "error_description": "Identity not found"});
        asks_host(seen).then(|| Play::json(400, &body))
    })
    .await;
    let host = IdentityHost::Imds { endpoint: server.url.clone() };
    let error = read(&of_host(&server, host, Identity::System)).await.unwrap_err();
    let TenantError::SignIn { reason, hint, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reason, "HTTP 400: Identity not found");
    assert!(hint.as_deref().unwrap().contains("assigned to this machine"), "{hint:?}");
    assert_eq!(server.count(|_| true), 1);
}

#[test]
fn a_host_elsewhere_is_refused_before_anything_is_sent() {
    let host = IdentityHost::Imds { endpoint: "http://10.1.2.3".to_owned() };
    let sign_in = SignIn::ManagedIdentity { host, identity: Identity::System };
    let settings = Settings { sign_in, ..settings("http://127.0.0.1:1") };
    assert!(Session::new(settings, TestClock::new(), || 0.5).is_err());
}
