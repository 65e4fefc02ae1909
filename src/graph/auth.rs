//! Signs in and keeps the token until it nears its end.
//!
//! One token serves all requests of a client. One request renews it; while the old one serves, the
//! others go on with it, and where there is none they wait for that one. A credential is opened for
//! each token request and kept nowhere.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::graph::advice::{self, Advice, advice, cut};
use crate::graph::assertion;
use crate::graph::call::Reply;
use crate::graph::certificate::Certificate;
use crate::graph::credential::{Credential, SignIn};
use crate::graph::error::Unanswered;
use crate::graph::retry::{Tries, Trouble, after, between};
use crate::graph::session::Session;
use crate::graph::wire::token::{TokenFault, TokenGrant};
use crate::ports::{Clock, TenantError};

/// How long before its end a token is renewed.
///
/// Source: Microsoft's own libraries renew with 5 minutes left.
const EARLY: Duration = Duration::from_mins(5);
/// The longest lifetime that is believed.
const LIFETIME_MAX: u64 = 48 * 3600;
/// How long to go on with a token that could not be renewed before the next attempt.
const RENEW_AGAIN: Duration = Duration::from_secs(30);
/// How long before its end a certificate is worth a word.
const ENDS_SOON: Duration = Duration::from_hours(14 * 24);
/// How long nothing is asked for after Entra saw the same request too often.
const LOOP_PAUSE: Duration = Duration::from_mins(5);

/// A token, and when it wants renewing.
pub(super) struct Token {
    /// The token itself.
    pub(super) value: SecretString,
    /// Which one it is, counting from 1 within this client.
    pub(super) serial: u64,
    /// When it ends.
    pub(super) ends_at: Timestamp,
    renew_at: Timestamp,
}

/// The token of the moment.
#[derive(Default)]
pub(super) struct Tokens {
    kept: std::sync::Mutex<Option<Arc<Token>>>,
    /// How many attempts to sign in have ended.
    attempts: AtomicU64,
    /// Held while signing in, so that one request signs in for all.
    desk: Mutex<Desk>,
}

/// What whoever signs in must know.
#[derive(Default)]
struct Desk {
    serial: u64,
    /// What Graph wants to see in the next token, as it asked for it.
    claims: Option<String>,
    /// What the last attempt failed with.
    failed: Option<TenantError>,
    /// Until when nothing is asked for, and why.
    pause: Option<(Timestamp, String)>,
}

impl Tokens {
    fn kept(&self) -> Option<Arc<Token>> {
        self.kept.lock().expect("no holder of the token panics").clone()
    }

    fn keep(&self, token: Option<Arc<Token>>) {
        *self.kept.lock().expect("no holder of the token panics") = token;
    }
}

/// Why no token was issued.
pub(super) enum NoToken {
    /// It may work in a while.
    Yet(Unanswered),
    /// It may work in some minutes, and asking meanwhile makes it worse.
    Later(String),
    /// It may work with the clock of the other end.
    Clock(TenantError),
    /// It will not.
    Ever(TenantError),
}

impl<C: Clock> Session<C> {
    /// Returns a token that is good for a while, and gets a new one where there is none.
    ///
    /// # Errors
    ///
    /// Fails where no token is issued; then nothing can be sent.
    pub(super) async fn token(&self) -> Result<Arc<Token>, TenantError> {
        let desk = match self.serving() {
            Some(token) if self.clock.now() < token.renew_at => return Ok(token),
            Some(token) => match self.tokens.desk.try_lock() {
                Ok(desk) => desk,
                // Somebody renews it already.
                Err(_) => return Ok(token),
            },
            None => {
                let before = self.tokens.attempts.load(Ordering::Acquire);
                let desk = self.tokens.desk.lock().await;
                // Who waited for an attempt that failed need not make the same one.
                if self.tokens.attempts.load(Ordering::Acquire) > before
                    && let Some(error) = &desk.failed
                {
                    return Err(error.clone());
                }
                desk
            }
        };
        self.renew(desk).await
    }

    /// Returns the token at hand, if it has not ended.
    fn serving(&self) -> Option<Arc<Token>> {
        self.tokens.kept().filter(|token| self.clock.now() < token.ends_at)
    }

    async fn renew(&self, mut desk: MutexGuard<'_, Desk>) -> Result<Arc<Token>, TenantError> {
        let old = self.serving();
        if let Some(token) = &old
            && self.clock.now() < token.renew_at
        {
            return Ok(Arc::clone(token));
        }
        // With a token that still serves there is time to fail once and go on.
        let patience = if old.is_some() { Duration::ZERO } else { self.settings.give_up_after };
        let signed_in = self.sign_in(&mut desk, patience).await;
        desk.failed = signed_in.as_ref().err().cloned();
        self.tokens.attempts.fetch_add(1, Ordering::Release);
        match (signed_in, old) {
            (Ok(token), _) => {
                let token = Arc::new(token);
                desk.serial = token.serial;
                desk.claims = None;
                self.tokens.keep(Some(Arc::clone(&token)));
                Ok(token)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(
                    tenant = %self.settings.tenant, %error, "the token could not be renewed yet"
                );
                self.tokens.keep(Some(Arc::new(Token {
                    value: old.value.clone(),
                    serial: old.serial,
                    ends_at: old.ends_at,
                    renew_at: after(self.clock.now(), RENEW_AGAIN),
                })));
                Ok(old)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Drops the token with this serial, unless another request has already replaced it.
    pub(super) async fn forget_token(&self, serial: u64) {
        self.replace_token(serial, None).await;
    }

    /// Drops the token with this serial, unless another request has already replaced it. The next one
    /// is to hold these claims.
    pub(super) async fn replace_token(&self, serial: u64, claims: Option<String>) {
        let mut desk = self.tokens.desk.lock().await;
        if self.tokens.kept().is_some_and(|token| token.serial == serial) {
            self.tokens.keep(None);
            desk.claims = claims.or(desk.claims.take());
        }
    }

    async fn sign_in(&self, desk: &mut Desk, patience: Duration) -> Result<Token, TenantError> {
        if let Some((until, reason)) = &desk.pause
            && self.clock.now() < *until
        {
            return Err(self.looping(reason.clone()));
        }
        let (serial, claims) = (desk.serial + 1, desk.claims.as_deref());
        let mut tries = Tries::begin(self.clock.now(), patience);
        let mut on_our_clock = true;
        loop {
            let unanswered = match self.ask_for_token(serial, claims, on_our_clock).await {
                Ok(token) => return Ok(token),
                Err(NoToken::Clock(_)) if on_our_clock => {
                    on_our_clock = false;
                    continue;
                }
                Err(NoToken::Ever(error) | NoToken::Clock(error)) => return Err(error),
                Err(NoToken::Later(reason)) => {
                    desk.pause = Some((after(self.clock.now(), LOOP_PAUSE), reason.clone()));
                    return Err(self.looping(reason));
                }
                Err(NoToken::Yet(unanswered)) => unanswered,
            };
            let told = unanswered.retry_after.unwrap_or(Duration::ZERO);
            let fits = told < tries.left(self.clock.now());
            if !fits || !self.pause(&mut tries, unanswered.trouble).await {
                let what = format!("sign in to tenant `{}`", self.settings.tenant);
                return Err(unanswered.into_error_about(what));
            }
            if !told.is_zero() {
                self.clock.sleep(told).await;
            }
        }
    }

    fn looping(&self, reason: String) -> TenantError {
        self.no_token(reason, advice(&[advice::LOOP]).hint.map(str::to_owned))
    }

    /// Says that no token is issued.
    pub(super) fn no_token(&self, reason: String, hint: Option<String>) -> TenantError {
        TenantError::SignIn { tenant: self.settings.tenant.clone(), reason, hint }
    }

    async fn ask_for_token(
        &self,
        serial: u64,
        claims: Option<&str>,
        on_our_clock: bool,
    ) -> Result<Token, NoToken> {
        let asked_at = self.clock.now();
        let grant = match &self.settings.sign_in {
            SignIn::App { client_id, credential } => {
                let mut form = vec![
                    ("grant_type", Cow::Borrowed("client_credentials")),
                    ("client_id", client_id.into()),
                    ("scope", Cow::Borrowed(self.scope.as_str())),
                ];
                let now = if on_our_clock { asked_at } else { self.their_time(asked_at) };
                let is_id = self.prove(client_id, credential, now, &mut form)?;
                form.extend(claims.map(|claims| ("claims", Cow::Borrowed(claims))));
                let reply =
                    self.exchange(self.form(&form), asked_at, 0).await.map_err(NoToken::Yet)?;
                match TokenGrant::parse(&reply.body) {
                    Some(grant) if reply.status == 200 => grant,
                    _ => return Err(self.refusal(&reply, is_id)),
                }
            }
            SignIn::ManagedIdentity { host, identity } => {
                self.ask_host(host, identity, asked_at).await?
            }
        };
        Ok(token(grant, serial, asked_at))
    }

    /// Adds to a form what proves who asks. Returns whether that is a secret which looks like its id.
    fn prove(
        &self,
        client_id: &str,
        credential: &Credential,
        now: Timestamp,
        form: &mut Vec<(&'static str, Cow<'_, str>)>,
    ) -> Result<bool, NoToken> {
        let unopened = |reason: String| {
            let (tenant, what) = (self.settings.tenant.clone(), credential.as_str());
            NoToken::Ever(TenantError::Secret { tenant, what, reason })
        };
        let assertion = match credential {
            Credential::Secret(source) => {
                let secret = source.open().map_err(unopened)?;
                let is_id = Uuid::try_parse(secret.expose_secret()).is_ok();
                form.push(("client_secret", Cow::Owned(secret.expose_secret().to_owned())));
                return Ok(is_id);
            }
            Credential::Certificate(source) => {
                let certificate = source
                    .open()
                    .and_then(|opened| Certificate::read(&opened))
                    .map_err(unopened)?;
                if between(now, certificate.not_after) < ENDS_SOON {
                    tracing::warn!(
                        tenant = %self.settings.tenant, ends = %certificate.not_after,
                        "the certificate ends soon: register its successor, and put it in place"
                    );
                }
                assertion::sign(&certificate, client_id, self.token_url.as_str(), now)
            }
            Credential::FederatedToken(source) => {
                source.open().map_err(unopened)?.expose_secret().to_owned()
            }
        };
        form.push(("client_assertion_type", Cow::Borrowed(assertion::KIND)));
        form.push(("client_assertion", Cow::Owned(assertion)));
        Ok(false)
    }

    fn refusal(&self, reply: &Reply, is_id: bool) -> NoToken {
        let Some(fault) = TokenFault::parse(&reply.body) else {
            // The body may hold a token that was cut off: only its kind is told.
            let reason = format!("HTTP {} without a token", reply.status);
            let mut unanswered = Unanswered::not_entra(reason);
            unanswered.retry_after = reply.retry_after;
            if matches!(reply.status, 429 | 500..=599) {
                unanswered.trouble = Trouble::Fault;
            }
            return NoToken::Yet(unanswered);
        };
        let Advice { hint, passes } = advice(&fault.codes);
        let reason = cut(&fault.description, 500);
        if fault.codes.contains(&advice::LOOP) {
            return NoToken::Later(reason);
        }
        let transient = passes
            || matches!(reply.status, 429 | 500..=599)
            || matches!(&*fault.error, "temporarily_unavailable" | "server_error");
        if transient {
            let mut unanswered = Unanswered::broken(&reason);
            unanswered.retry_after = reply.retry_after;
            return NoToken::Yet(unanswered);
        }
        let hint = if is_id && fault.codes.contains(&advice::WRONG_SECRET) {
            Some(advice::SECRET_ID)
        } else {
            hint
        };
        let error = self.no_token(reason, hint.map(str::to_owned));
        if fault.codes.contains(&advice::CLOCK) {
            NoToken::Clock(error)
        } else {
            NoToken::Ever(error)
        }
    }
}

fn token(grant: TokenGrant, serial: u64, asked_at: Timestamp) -> Token {
    let lifetime = Duration::from_secs(grant.lifetime(asked_at).min(LIFETIME_MAX));
    let early = lifetime.saturating_sub(EARLY);
    let told = grant.refresh_in.map_or(early, Duration::from_secs);
    // Not before half its life: a token asked for in a loop is refused (AADSTS50196).
    let renew = told.min(early).max(lifetime / 2);
    Token {
        value: grant.access_token,
        serial,
        renew_at: after(asked_at, renew),
        ends_at: after(asked_at, lifetime),
    }
}
