//! A small HTTP server that answers as a script says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// Returns the requests of a batch.
    pub(super) fn items(&self) -> Vec<Value> {
        self.json()["requests"].as_array().cloned().unwrap_or_default()
    }

    pub(super) fn is_token(&self) -> bool {
        self.path.ends_with("/oauth2/v2.0/token")
    }

    pub(super) fn is_batch(&self) -> bool {
        self.path == "/v1.0/$batch"
    }

    /// Whether this batch changes something.
    pub(super) fn writes(&self) -> bool {
        self.is_batch() && self.items().iter().any(|item| item["method"] != "GET")
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Play {
    /// Answers.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Hangs up without an answer.
    HangUp,
    /// Hangs up in the middle of this answer.
    Cut(Vec<u8>),
    /// Says nothing and keeps the line open.
    Silence,
}

impl Play {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    pub(super) fn text(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    pub(super) fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name, value.to_owned()));
                Self::Answer { status, headers, body }
            }
            other @ (Self::HangUp | Self::Cut(_) | Self::Silence) => other,
        }
    }

    pub(super) fn rows(rows: &[Value]) -> Self {
        Self::json(200, &json!({"value": rows}))
    }
}

type Script = Box<dyn FnMut(&Seen) -> Option<Play> + Send>;

/// A running server.
pub(super) struct Server {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server. Where the script returns none, tokens are issued and lists are empty.
    pub(super) async fn start(script: impl FnMut(&Seen) -> Option<Play> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { url, seen, task }
    }

    /// Returns the requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns how many requests so far fit.
    pub(super) fn count(&self, fits: impl Fn(&Seen) -> bool) -> usize {
        self.seen().iter().filter(|seen| fits(seen)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>, log: Arc<Mutex<Vec<Seen>>>) {
    let Some(seen) = receive(&mut stream).await else { return };
    log.lock().unwrap().push(seen.clone());
    let play = (script.lock().unwrap())(&seen).unwrap_or_else(|| usual(&seen));
    match play {
        Play::Answer { status, headers, body } => {
            let mut head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                head = format!("{head}{name}: {value}\r\n");
            }
            let _ = stream.write_all(format!("{head}\r\n").as_bytes()).await;
            let _ = stream.write_all(&body).await;
        }
        Play::HangUp => {}
        Play::Cut(body) => {
            let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body[..body.len() / 2]).await;
        }
        Play::Silence => std::future::pending().await,
    }
    let _ = stream.shutdown().await;
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let method = first.next()?.to_owned();
    let (path, query) = first.next()?.split_once('?').unwrap_or((head.split(' ').nth(1)?, ""));
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end + 4..].to_vec()).ok()?;
    Some(Seen { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

pub(super) fn usual(seen: &Seen) -> Play {
    if seen.is_token() {
        return Play::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                    "access_token": "token-of-the-server"}),
        );
    }
    Play::rows(&[])
}

/// Answers each request of a batch, in the opposite order.
pub(super) fn batch(seen: &Seen, mut answer: impl FnMut(&Value) -> Option<(u16, Value)>) -> Play {
    let mut responses: Vec<Value> = seen
        .items()
        .iter()
        .filter_map(|item| {
            let (status, body) = answer(item)?;
            let mut response = json!({"id": item["id"], "status": status, "headers": {}});
            if !body.is_null() {
                response["body"] = body;
            }
            Some(response)
        })
        .collect();
    responses.reverse();
    Play::json(200, &json!({"responses": responses}))
}
