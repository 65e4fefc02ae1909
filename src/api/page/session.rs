//! Who is signed in: in memory, for some hours, for as long as the token is what it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::request::Parts;
use tokio::time::Instant;

use super::super::problem::{Kind, Problem};
use super::super::token::{Keyring, fingerprint};

/// How long somebody stays signed in.
const LASTS: Duration = Duration::from_hours(12);
/// How many may be signed in; of more, those end first that began first.
const SESSIONS_MAX: usize = 512;

/// Who is signed in.
#[derive(Default)]
pub(in super::super) struct Sessions {
    /// By the fingerprint of the id, which the browser alone knows.
    open: Mutex<BTreeMap<[u8; 32], Session>>,
}

/// Somebody who is signed in.
#[derive(Clone)]
struct Session {
    /// The fingerprint of the token.
    token: [u8; 32],
    /// What every form of the session holds.
    form: Arc<str>,
    since: Instant,
}

/// Whoever looks at a page, as far as they are signed in.
#[derive(Clone)]
pub(super) struct Guest {
    /// The name of the token.
    pub(super) name: Arc<str>,
    pub(super) may_approve: bool,
    /// What every form holds.
    pub(super) form: Arc<str>,
}

impl Guest {
    /// Refuses a form that was not given to this session.
    pub(super) fn check(&self, form: Option<&str>) -> Result<(), Problem> {
        // Fingerprints, so that the time it takes tells nothing.
        if form.is_some_and(|form| fingerprint(form) == fingerprint(&self.form)) {
            return Ok(());
        }
        let detail = "the form is not one that you were given since you signed in";
        Err(Problem::new(Kind::ForeignOrigin, detail))
    }
}

impl Sessions {
    /// Begins a session of whoever has this token. Returns its id.
    pub(super) fn begin(&self, token: &str) -> String {
        let (id, form) = (random(), random());
        let session =
            Session { token: fingerprint(token), form: form.into(), since: Instant::now() };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| session.since.elapsed() < LASTS);
        while open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.since);
            let Some(oldest) = oldest.map(|(id, _)| *id) else { break };
            open.remove(&oldest);
        }
        open.insert(fingerprint(&id), session);
        id
    }

    /// Ends a session.
    pub(super) fn end(&self, form: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| &*session.form != form);
    }

    /// Returns who is signed in, where the session is one and its token is still somebody's.
    pub(super) async fn guest(
        &self,
        keyring: &Keyring,
        parts: &Parts,
        port: u16,
    ) -> Result<Option<Guest>, Problem> {
        let Some(id) = cookie(parts, &cookie_name(port)) else { return Ok(None) };
        let id = fingerprint(&id);
        let found = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.get(&id).filter(|session| session.since.elapsed() < LASTS).cloned()
        };
        let Some(session) = found else { return Ok(None) };
        let Some((name, may_approve)) = keyring.holder(session.token).await? else {
            // What is no token any more is none again only for who signs in again.
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            return Ok(None);
        };
        Ok(Some(Guest { name, may_approve, form: session.form }))
    }
}

/// Returns the name of the cookie. Browsers keep cookies of all ports of a host together, so that the
/// port is a part of it.
pub(super) fn cookie_name(port: u16) -> String {
    format!("seatkeeper-{port}")
}

/// Returns what a browser is to keep: out of reach of scripts and of pages of elsewhere.
pub(super) fn cookie_of(port: u16, id: &str, is_https: bool) -> String {
    let name = cookie_name(port);
    let secure = if is_https { "; Secure" } else { "" };
    let age = if id.is_empty() { 0 } else { LASTS.as_secs() };
    format!("{name}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}{secure}")
}

fn cookie(parts: &Parts, name: &str) -> Option<String> {
    let lines = parts.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// Returns 256 bits that nobody can guess.
fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    let mut text = String::with_capacity(64);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
