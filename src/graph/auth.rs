//! Signs in with client credentials and keeps the token until it nears its end.
//!
//! One token serves all requests of a client; while one request renews it, the others wait for
//! that one. A secret is opened for each token request and kept nowhere.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::graph::advice::{Advice, advice, cut};
use crate::graph::call::Reply;
use crate::graph::error::Unanswered;
use crate::graph::retry::{Tries, Trouble, after};
use crate::graph::session::Session;
use crate::graph::wire::token::{TokenFault, TokenGrant};
use crate::ports::{Clock, TenantError};

/// How long before its end a token is renewed.
///
/// Source: Microsoft's own libraries renew with 5 minutes left.
const EARLY: Duration = Duration::from_mins(5);
/// The longest lifetime that is believed.
const LIFETIME_MAX: u64 = 48 * 3600;

/// A token, and when it wants renewing.
pub(super) struct Token {
    /// The token itself.
    pub(super) value: SecretString,
    /// Which one it is, counting from 1 within this client.
    pub(super) serial: u64,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

/// The token of the moment.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    token: Option<Arc<Token>>,
    serial: u64,
}

/// Why no token was issued.
enum NoToken {
    /// It may work in a while.
    Yet(Unanswered),
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
        // Held while signing in, so that one request signs in for all.
        let mut kept = self.tokens.kept.lock().await;
        let now = self.clock.now();
        let old = kept.token.clone().filter(|token| now < token.ends_at);
        if let Some(token) = &old
            && now < token.renew_at
        {
            return Ok(Arc::clone(token));
        }
        // With a token that still serves there is time to fail once and go on.
        let patience = if old.is_some() { Duration::ZERO } else { self.settings.give_up_after };
        match (self.sign_in(kept.serial + 1, patience).await, old) {
            (Ok(token), _) => {
                let token = Arc::new(token);
                kept.serial = token.serial;
                kept.token = Some(Arc::clone(&token));
                Ok(token)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(
                    tenant = %self.settings.tenant, %error, "the token could not be renewed yet"
                );
                Ok(old)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Drops the token with this serial, unless another request has already replaced it.
    pub(super) async fn forget_token(&self, serial: u64) {
        let mut kept = self.tokens.kept.lock().await;
        if kept.token.as_ref().is_some_and(|token| token.serial == serial) {
            kept.token = None;
        }
    }

    async fn sign_in(&self, serial: u64, patience: Duration) -> Result<Token, TenantError> {
        let mut tries = Tries::begin(self.clock.now(), patience);
        loop {
            let unanswered = match self.ask_for_token(serial).await {
                Ok(token) => return Ok(token),
                Err(NoToken::Ever(error)) => return Err(error),
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

    async fn ask_for_token(&self, serial: u64) -> Result<Token, NoToken> {
        let asked_at = self.clock.now();
        let secret = self.settings.secret.open().map_err(|reason| {
            NoToken::Ever(TenantError::Secret { tenant: self.settings.tenant.clone(), reason })
        })?;
        let request = self.form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.settings.client_id),
            ("scope", &self.scope),
            ("client_secret", secret.expose_secret()),
        ]);
        let reply = self.exchange(request, asked_at, 0).await.map_err(NoToken::Yet)?;
        match TokenGrant::parse(&reply.body) {
            Some(grant) if reply.status == 200 => Ok(token(grant, serial, asked_at)),
            _ => Err(self.refusal(&reply)),
        }
    }

    fn refusal(&self, reply: &Reply) -> NoToken {
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
        let transient = passes
            || matches!(reply.status, 429 | 500..=599)
            || matches!(&*fault.error, "temporarily_unavailable" | "server_error");
        if transient {
            let mut unanswered = Unanswered::broken(&reason);
            unanswered.retry_after = reply.retry_after;
            return NoToken::Yet(unanswered);
        }
        NoToken::Ever(TenantError::SignIn {
            tenant: self.settings.tenant.clone(),
            reason,
            hint: hint.map(str::to_owned),
        })
    }
}

fn token(grant: TokenGrant, serial: u64, asked_at: Timestamp) -> Token {
    let lifetime = Duration::from_secs(grant.expires_in.min(LIFETIME_MAX));
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
