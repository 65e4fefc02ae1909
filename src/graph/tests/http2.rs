//! HTTP/2 over TLS: streams that are refused, reset or cut off, and connections that say goodbye.

use std::sync::LazyLock;

use axum::body::Bytes;
use h2::Reason;
use h2::server::{self, SendResponse};
use rcgen::PKCS_ECDSA_P256_SHA256;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::domain::user::ServicePlanSet;
use crate::graph::http::{Proxy, builder};
use crate::graph::tests::looking::number;
use crate::graph::tests::server::{Play, Seen, batch, usual};
use crate::pki::{self, Made};
use crate::ports::{Answer, LicenseWrite, ReadRequest, TenantReader as _, TenantWriter as _};

static MADE: LazyLock<Made> = LazyLock::new(|| pki::other(&PKCS_ECDSA_P256_SHA256));

/// How a stream ends.
#[derive(Clone, Debug)]
enum End {
    /// With this answer.
    Whole(Play),
    /// With a reset, before any answer.
    Reset(Reason),
    /// With a reset in the middle of this answer; the head says how long it would have been.
    Torn(Play, Reason),
    /// With its connection, which says goodbye before the answer.
    Goodbye,
}

type Script = Box<dyn FnMut(&Seen) -> Option<End> + Send>;

#[derive(Clone)]
struct Shared {
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A server that speaks HTTP/2 and nothing else.
struct Http2 {
    url: String,
    shared: Shared,
    task: JoinHandle<()>,
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http2 {
    async fn start(script: impl FnMut(&Seen) -> Option<End> + Send + 'static) -> Self {
        let certificate = CertificateDer::from_pem_slice(MADE.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(MADE.key.as_bytes()).unwrap();
        let mut tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let shared =
            Shared { script: Arc::new(Mutex::new(Box::new(script))), seen: Arc::default() };
        let served = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, acceptor.clone(), served.clone()));
            }
        });
        Self { url, shared, task }
    }

    /// Returns a client that trusts it, and is as ever otherwise.
    fn client(&self) -> Client<TestClock> {
        let settings = settings(&self.url);
        let certificate = reqwest::Certificate::from_pem(MADE.certificate.as_bytes()).unwrap();
        let http = builder(&settings, Proxy::Never).tls_certs_only([certificate]).build().unwrap();
        let (mut client, _) = client_of(settings);
        client.session.http = http;
        client
    }

    /// Returns how the batches so far followed one another: those that write, and those that look.
    fn batches(&self) -> Vec<&'static str> {
        let seen = self.shared.seen.lock().unwrap();
        let batches = seen.iter().filter(|seen| seen.is_batch());
        batches.map(|seen| if seen.writes() { "write" } else { "look" }).collect()
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, shared: Shared) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let Ok(mut connection) = server::handshake(stream).await else { return };
    let goodbye = Arc::new(Notify::new());
    loop {
        let next = tokio::select! {
            next = connection.accept() => next,
            () = goodbye.notified() => {
                connection.abrupt_shutdown(Reason::NO_ERROR);
                continue;
            }
        };
        let Some(Ok((request, respond))) = next else { return };
        tokio::spawn(answer(request, respond, shared.clone(), goodbye.clone()));
    }
}

async fn answer(
    request: axum::http::Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    shared: Shared,
    goodbye: Arc<Notify>,
) {
    let (head, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = incoming.data().await {
        incoming.flow_control().release_capacity(chunk.len()).unwrap();
        body.extend_from_slice(&chunk);
    }
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: String::from_utf8(body).unwrap(),
    };
    shared.seen.lock().unwrap().push(seen.clone());
    let end = (shared.script.lock().unwrap())(&seen);
    let (play, reset) = match end.unwrap_or_else(|| End::Whole(usual(&seen))) {
        End::Whole(play) => (play, None),
        End::Torn(play, reason) => (play, Some(reason)),
        End::Reset(reason) => return respond.send_reset(reason),
        End::Goodbye => {
            goodbye.notify_one();
            // The stream lives until its connection ends: what becomes of it is not told.
            return std::future::pending().await;
        }
    };
    let Play::Answer { status, headers: _, body } = play else { panic!("{play:?}") };
    let head = axum::http::Response::builder().status(status).header("content-length", body.len());
    let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
    match reset {
        None => stream.send_data(Bytes::from(body), true).unwrap(),
        Some(reason) => {
            stream.send_data(Bytes::copy_from_slice(&body[..body.len() / 2]), false).unwrap();
            // A reset drops what is still to be sent.
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.send_reset(reason);
        }
    }
}

fn addition() -> LicenseWrite {
    LicenseWrite {
        user: user_id(1),
        add: vec![(e5(), ServicePlanSet::default())],
        remove: Vec::new(),
        located: false,
    }
}

/// The ways in which the answer to a request does not come.
fn broken() -> [End; 7] {
    let half = Play::json(200, &json!({"responses": [], "value": []}));
    [
        End::Reset(Reason::REFUSED_STREAM),
        End::Reset(Reason::INTERNAL_ERROR),
        End::Reset(Reason::CANCEL),
        End::Reset(Reason::NO_ERROR),
        End::Torn(half.clone(), Reason::INTERNAL_ERROR),
        End::Torn(half, Reason::NO_ERROR),
        End::Goodbye,
    ]
}

/// Serves one user. The first batch of writes ends in that way; before, it is carried out or not.
async fn writes_end(first: End, takes_effect: bool) -> Http2 {
    let (mut first, mut held) = (Some(first), Vec::new());
    Http2::start(move |seen| {
        if !seen.is_batch() {
            return None;
        }
        if !seen.writes() {
            let look = batch(seen, |item| Some((200, user_row(number(item), &held))));
            return Some(End::Whole(look));
        }
        let end = first.take();
        if end.is_none() || takes_effect {
            held = vec![e5()];
        }
        let taken = batch(seen, |_| Some((200, json!({"id": user_id(1).to_string()}))));
        Some(end.unwrap_or(End::Whole(taken)))
    })
    .await
}

#[tokio::test]
async fn a_write_that_took_effect_is_looked_up_and_not_repeated_however_its_stream_ends() {
    for end in broken() {
        let server = writes_end(end.clone(), true).await;
        let answers = server.client().assign(&[addition()]).await;
        assert!(matches!(answers[..], [Answer::Accepted { .. }]), "{end:?}: {answers:?}");
        assert_eq!(server.batches(), ["write", "look"], "{end:?}");
    }
}

#[tokio::test]
async fn a_write_without_effect_is_sent_again_behind_a_look_however_its_stream_ended() {
    for end in broken() {
        let server = writes_end(end.clone(), false).await;
        let answers = server.client().assign(&[addition()]).await;
        assert!(matches!(answers[..], [Answer::Accepted { .. }]), "{end:?}: {answers:?}");
        assert_eq!(server.batches(), ["write", "look", "write"], "{end:?}");
    }
}

#[tokio::test]
async fn a_read_is_whole_although_streams_break_again_and_again() {
    for end in broken() {
        let (mut left, broke) = (5, end.clone());
        let server = Http2::start(move |seen| {
            if seen.path != "/v1.0/users" {
                return None;
            }
            left -= 1;
            let users = [1, 2, 3].map(|number| user_row(number, &[e5()]));
            Some(if left < 0 { End::Whole(Play::rows(&users)) } else { broke.clone() })
        })
        .await;
        let snapshot = server.client().read(&ReadRequest::default(), &Quiet).await;
        assert_eq!(snapshot.unwrap().users().len(), 3, "{end:?}");
    }
}
