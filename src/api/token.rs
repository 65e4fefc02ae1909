//! Who asks: a token, compared without telling how much of it was right, and few tries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::config::Right;

use super::door::Ends;
use super::problem::{Kind, Problem};

/// How long the answer to an unknown token takes.
const FAILURE_TAKES: Duration = Duration::from_millis(300);
/// After so many unknown tokens from one address …
const FAILURES_MAX: u32 = 10;
/// … within so long, no token from there is looked at until the time is over.
const FAILURES_WITHIN: Duration = Duration::from_mins(1);
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 4_096;

/// Somebody who may ask.
pub struct Token {
    /// The name that goes into the history.
    pub name: Arc<str>,
    /// The token, or why it cannot be had now. As long as it cannot, it lets nobody in, and without
    /// it nobody reads either.
    pub secret: Result<SecretString, String>,
    /// What it allows.
    pub may: BTreeSet<Right>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, secret: _, may } = self;
        f.debug_struct("Token").field("name", name).field("may", may).finish_non_exhaustive()
    }
}

/// Knows who may ask now. Asked at each request, so that a token that changes counts at once; may
/// read files.
pub trait Tokens: Send + Sync {
    /// Returns the tokens as they are now.
    fn current(&self) -> Vec<Token>;
}

impl<F: Fn() -> Vec<Token> + Send + Sync> Tokens for F {
    fn current(&self) -> Vec<Token> {
        self()
    }
}

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// No token.
    Nothing,
    /// Any token, as soon as there are tokens at all.
    Read,
    /// A token that may approve.
    Approve,
}

/// Lets in who has a token.
pub(super) struct Keyring {
    tokens: Arc<dyn Tokens>,
    failures: Mutex<BTreeMap<IpAddr, Failures>>,
}

/// Unknown tokens from one address.
#[derive(Clone, Copy, Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Keyring {
    pub(super) fn new(tokens: Arc<dyn Tokens>) -> Self {
        Self { tokens, failures: Mutex::default() }
    }

    /// Lets in who may do what the route does. Returns the name of the token, where there is one.
    ///
    /// # Errors
    ///
    /// A token that nobody has is refused even where none is needed, so that it shows.
    pub(super) async fn admit(
        &self,
        needs: Needs,
        parts: &Parts,
    ) -> Result<Option<Arc<str>>, Problem> {
        let peer = parts.extensions.get::<Ends>().map(|ends| ends.peer.ip());
        self.admit_token(needs, bearer(parts)?, peer).await
    }

    /// Lets in who shows a token, from this address.
    ///
    /// # Errors
    ///
    /// As [`Keyring::admit`].
    pub(super) async fn admit_token(
        &self,
        needs: Needs,
        presented: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Result<Option<Arc<str>>, Problem> {
        if presented.is_none() && needs == Needs::Nothing {
            return Ok(None);
        }
        let peer = peer.map(|peer| peer.to_canonical());
        if presented.is_some() && self.is_locked(peer) {
            return Err(locked());
        }
        let tokens = self.current().await?;
        let Some(presented) = presented else {
            return if needs == Needs::Read && tokens.is_empty() {
                Ok(None)
            } else {
                Err(missing(needs, &tokens))
            };
        };
        match find(&tokens, fingerprint(presented)) {
            Some(token) if needs == Needs::Approve && !token.may.contains(&Right::Approve) => {
                let name = &token.name;
                let detail = format!("the token `{name}` may not approve: see `may` in `api`");
                Err(Problem::new(Kind::RightMissing, detail))
            }
            Some(token) => Ok(Some(Arc::clone(&token.name))),
            None => {
                self.note_failure(peer);
                for Token { name, secret, may: _ } in &tokens {
                    if let Err(why) = secret {
                        tracing::error!("the token `{name}` of the API cannot be had: {why}");
                    }
                }
                tracing::warn!(
                    peer = peer.map(tracing::field::display),
                    "a request with a token that nobody has was refused"
                );
                // Whoever guesses guesses slowly.
                tokio::time::sleep(FAILURE_TAKES).await;
                let problem = Problem::new(Kind::WrongToken, "nobody has this token");
                Err(problem.header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
            }
        }
    }

    /// Returns who has the token of this fingerprint now: the name, and whether it may approve.
    pub(super) async fn holder(
        &self,
        fingerprint: [u8; 32],
    ) -> Result<Option<(Arc<str>, bool)>, Problem> {
        let tokens = self.current().await?;
        let found = find(&tokens, fingerprint);
        Ok(found.map(|token| (Arc::clone(&token.name), token.may.contains(&Right::Approve))))
    }

    /// Whether whoever asks may read: there is no token at all.
    pub(super) async fn is_open(&self) -> Result<bool, Problem> {
        Ok(self.current().await?.is_empty())
    }

    /// Reads the tokens, away from the threads that keep the tenants.
    async fn current(&self) -> Result<Vec<Token>, Problem> {
        let tokens = Arc::clone(&self.tokens);
        let read = tokio::task::spawn_blocking(move || tokens.current()).await;
        let read = read.map_err(|error| {
            tracing::error!("the tokens of the API cannot be read: {error}");
            Problem::new(Kind::Internal, "the log says more")
        })?;
        Ok(read)
    }

    fn is_locked(&self, peer: Option<IpAddr>) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let found = peer.and_then(|peer| failures.get(&peer));
        found.is_some_and(|found| {
            found.count >= FAILURES_MAX && found.since.elapsed() < FAILURES_WITHIN
        })
    }

    fn note_failure(&self, peer: Option<IpAddr>) {
        let Some(peer) = peer else { return };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, found| found.since.elapsed() < FAILURES_WITHIN);
        if failures.len() < ADDRESSES_MAX {
            let fresh = Failures { since: Instant::now(), count: 0 };
            failures.entry(peer).or_insert(fresh).count += 1;
        }
    }
}

/// Returns the token of a request.
fn bearer(parts: &Parts) -> Result<Option<&str>, Problem> {
    let mut all = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| all.next().is_none());
    let (scheme, token) = text.and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        let detail = "`Authorization` is `Bearer` and a token, once";
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    Ok(Some(token.trim()))
}

/// Returns what tells one token from another, without telling the token.
pub(super) fn fingerprint(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Finds who has a token, in the same time whoever it is and however near it comes.
fn find(tokens: &[Token], presented: [u8; 32]) -> Option<&Token> {
    let mut found = None;
    for token in tokens {
        let Ok(secret) = &token.secret else { continue };
        let own = fingerprint(secret.expose_secret());
        let differs = own.iter().zip(&presented).fold(0, |all, (a, b)| all | (a ^ b));
        let is_it = std::hint::black_box(differs) == 0 && !secret.expose_secret().is_empty();
        found = if is_it { Some(token) } else { found };
    }
    found
}

fn missing(needs: Needs, tokens: &[Token]) -> Problem {
    let may = |token: &Token| token.may.contains(&Right::Approve);
    let detail = if needs == Needs::Approve && !tokens.iter().any(may) {
        "only a token that may approve changes anything, and there is none: see `tokens` of `api`"
    } else {
        "send `Authorization: Bearer TOKEN`"
    };
    Problem::new(Kind::NoToken, detail).header(WWW_AUTHENTICATE, "Bearer")
}

fn locked() -> Problem {
    let detail = "too many unknown tokens came from this address; try again in a minute";
    Problem::new(Kind::TooManyFailures, detail).header(RETRY_AFTER, "60")
}
