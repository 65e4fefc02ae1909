//! One session with a tenant: sends requests, signed, bounded in time and size, and repeats those
//! that may be repeated. Never repeats a write: only `write` knows when that is safe.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use secrecy::ExposeSecret;
use tokio::time::Instant;
use uuid::Uuid;

use crate::graph::auth::{Token, Tokens};
use crate::graph::budget::{Bucket, SignInPace, leaving};
use crate::graph::call::{Call, Fetched, Judged, Reply, Silence, Unread, judge};
use crate::graph::challenge;
use crate::graph::credential::SignIn;
use crate::graph::error::{Ask, Unanswered};
use crate::graph::gate::{TenantGate, WriteGate};
use crate::graph::http::{self, Proxy, root_cause};
use crate::graph::remember::Occasion;
use crate::graph::retry::{Tries, Trouble, retry_after};
use crate::graph::settings::{InvalidSettings, Settings, below, endpoint, is_loopback};
use crate::graph::sign_ins::PAGE_MAX;
use crate::ports::counts::Traffic;
use crate::ports::{Clock, TenantError};

/// The longest answer that is read. A page of 999 users takes a few megabytes.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// What all calls to one tenant share.
pub(super) struct Session<C> {
    pub(super) settings: Settings,
    pub(super) clock: C,
    /// Returns a number between 0 and 1; by chance, except in tests.
    pub(super) jitter: fn() -> f64,
    pub(super) tokens: Tokens,
    pub(super) token_url: Url,
    pub(super) scope: String,
    pub(super) gate: TenantGate,
    pub(super) reads: Bucket,
    pub(super) writes: Bucket,
    pub(super) flight: WriteGate,
    pub(super) sign_in_pace: SignInPace,
    /// When the state of the quotas was last kept.
    pub(super) quota_kept_at: Mutex<Option<Timestamp>>,
    /// How far Graph's clock was from this machine's when it last answered.
    skew: Mutex<Option<SignedDuration>>,
    pub(super) traffic: Mutex<Traffic>,
    pub(super) http: reqwest::Client,
    /// For what is on this machine or its link, which no proxy reaches.
    pub(super) direct: reqwest::Client,
    root: Url,
}

impl<C: Clock> Session<C> {
    /// Prepares a session; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails where an endpoint is no usable address.
    pub(super) fn new(
        settings: Settings,
        clock: C,
        jitter: fn() -> f64,
    ) -> Result<Self, InvalidSettings> {
        let root = endpoint(&settings.graph)?;
        let login = endpoint(&settings.login)?;
        if let SignIn::ManagedIdentity { host, identity: _ } = &settings.sign_in {
            host.url()?;
        }
        let direct = http::client(&settings, Proxy::Never)?;
        let http = if is_loopback(&root) && is_loopback(&login) {
            direct.clone()
        } else {
            http::client(&settings, Proxy::OfSystem)?
        };
        let session = Self {
            token_url: below(&login, &[&settings.tenant_id, "oauth2", "v2.0", "token"]),
            scope: format!("{}/.default", settings.graph.trim_end_matches('/')),
            flight: WriteGate::new(
                usize::try_from(settings.concurrency).unwrap_or(usize::MAX / 20),
            ),
            settings,
            clock,
            jitter,
            tokens: Tokens::default(),
            gate: TenantGate::default(),
            reads: Bucket::of_reads(),
            writes: Bucket::of_writes(),
            sign_in_pace: SignInPace::new(PAGE_MAX),
            quota_kept_at: Mutex::default(),
            skew: Mutex::default(),
            traffic: Mutex::new(silence()),
            http,
            direct,
            root,
        };
        session.recall_quota();
        Ok(session)
    }

    /// Returns the address of a resource, with its query as it is written in Graph's documentation.
    pub(super) fn url(&self, path: &[&str], query: &str) -> Url {
        let mut url = below(&self.root, &["v1.0"]);
        url = below(&url, path);
        url.set_query((!query.is_empty()).then_some(query));
        url
    }

    /// Whether an address is Graph's own, so that it may see the token.
    pub(super) fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.root.origin()
    }

    /// Begins the tries of one call.
    pub(super) fn tries(&self) -> Tries {
        Tries::begin(self.clock.now(), self.settings.give_up_after)
    }

    /// Waits before the next try, unless there is none.
    pub(super) async fn pause(&self, tries: &mut Tries, why: Trouble) -> bool {
        match tries.next(why, self.clock.now(), (self.jitter)()) {
            Some(delay) => {
                if !delay.is_zero() {
                    self.clock.sleep(delay).await;
                }
                true
            }
            None => false,
        }
    }

    /// Sends a request once, when the tenant allows; once more with a new token if it answers 401.
    ///
    /// # Errors
    ///
    /// Says what is known of the request: lost on the way, or not sent at all.
    pub(super) async fn attempt(&self, call: &Call, tries: &Tries) -> Result<Reply, Silence> {
        if call.ask == Ask::SignIns {
            let delay = self.sign_in_pace.reserve(self.clock.now());
            if !delay.is_zero() {
                self.clock.sleep(delay).await;
            }
        }
        self.pass_gate(tries).await?;
        self.pass_budget(call, tries).await?;
        let token = self.token().await.map_err(Silence::SignIn)?;
        let reply = self.send(call, &token).await.map_err(Silence::Lost)?;
        if reply.status != 401 {
            return Ok(reply);
        }
        tracing::info!(ask = call.ask.as_str(), "Graph does not take the token; getting a new one");
        self.replace_token(token.serial, challenge::claims(&reply.challenges)).await;
        let token = self.token().await.map_err(Silence::SignIn)?;
        self.send(call, &token).await.map_err(Silence::Lost)
    }

    async fn pass_gate(&self, tries: &Tries) -> Result<(), Silence> {
        loop {
            let now = self.clock.now();
            let delay = self.gate.delay(now);
            if delay.is_zero() {
                return Ok(());
            }
            if delay >= tries.left(now) {
                return Err(Silence::Paused(delay));
            }
            self.clock.sleep(delay).await;
        }
    }

    /// Waits until there is enough of the quota of reads.
    async fn pass_budget(&self, call: &Call, tries: &Tries) -> Result<(), Silence> {
        let now = self.clock.now();
        let delay = self.reads.reserve(call.units, leaving(call.ask), now);
        self.keep_quota(now, Occasion::Spent);
        if delay.is_zero() {
            return Ok(());
        }
        if delay >= tries.left(now) {
            return Err(Silence::Paused(delay));
        }
        self.clock.sleep(delay).await;
        Ok(())
    }

    async fn send(&self, call: &Call, token: &Token) -> Result<Reply, Unanswered> {
        let sent_at = self.clock.now();
        let request_id = Uuid::new_v4();
        let request = match &call.body {
            None => self.http.get(call.url.clone()),
            Some(body) => self
                .http
                .post(call.url.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone()),
        };
        let request = match self.priority(call.ask) {
            Some(priority) => request.header("x-ms-throttle-priority", priority),
            None => request,
        };
        let request = request
            .header(AUTHORIZATION, bearer(token)?)
            .header("client-request-id", request_id.to_string())
            .timeout(self.settings.timeout);
        let began = Instant::now();
        let reply = self.exchange(request, sent_at, token.serial).await;
        let status = reply.as_ref().map_or(0, |reply| reply.status);
        self.count(|traffic| {
            traffic.count(call.ask.class(), status, began.elapsed());
            if call.ask == Ask::Write {
                traffic.writes += u64::from(call.units);
            }
            if let Ok(reply) = &reply {
                traffic.bytes += reply.body.len() as u64;
                traffic.units += u64::from(reply.units.unwrap_or(call.units));
            }
        });
        let reply = reply?;
        tracing::debug!(
            ask = call.ask.as_str(),
            status = reply.status,
            client_request_id = %request_id,
            request_id = reply.request_id.as_deref(),
            "Graph answered"
        );
        self.note_pace(call.ask, &reply);
        self.note_cost(call, &reply);
        Ok(reply)
    }

    /// Returns what should be refused first, and last, where the quota of the app is short.
    ///
    /// Source: Graph `x-ms-throttle-priority`: `low`, `normal` (the default) or `high`.
    fn priority(&self, ask: Ask) -> Option<&'static str> {
        if ask.is_listing() {
            return self.settings.in_background.then_some("low");
        }
        // What became of writes, and whether one may be made, comes before all.
        (ask != Ask::Write).then_some("high")
    }

    /// Takes what Graph says of its quotas.
    fn note_cost(&self, call: &Call, reply: &Reply) {
        let now = self.clock.now();
        if let Some(more) = reply.units.and_then(|units| units.checked_sub(call.units)) {
            self.reads.reserve(more, 0.0, now);
        }
        if let Some(used) = reply.quota_used {
            let bucket = if reply.is_of_writes { &self.writes } else { &self.reads };
            bucket.seen(used, now);
        }
    }

    /// Sends a request and reads the answer to its end, within the bound of its size.
    pub(super) async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        sent_at: Timestamp,
        token: u64,
    ) -> Result<Reply, Unanswered> {
        let mut response = request.send().await.map_err(|error| lost(&error))?;
        let headers = response.headers();
        self.note_clock(headers, sent_at);
        let announced = response.content_length();
        let mut reply = Reply {
            status: response.status().as_u16(),
            retry_after: text(headers, "retry-after")
                .and_then(|text| retry_after(&text, self.clock.now())),
            quota_used: text(headers, "x-ms-throttle-limit-percentage")
                .and_then(|text| text.trim().parse().ok()),
            units: text(headers, "x-ms-resource-unit").and_then(|text| text.trim().parse().ok()),
            is_of_writes: text(headers, "x-ms-throttle-scope")
                .is_some_and(|scope| scope.split('/').nth(1) == Some("Write")),
            request_id: text(headers, "request-id"),
            challenges: headers
                .get_all(WWW_AUTHENTICATE)
                .iter()
                .filter_map(|value| value.to_str().ok().map(str::to_owned))
                .collect(),
            body: Vec::new(),
            sent_at,
            token,
        };
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
            if reply.body.len() + chunk.len() > BODY_MAX {
                return Err(Unanswered::broken("the answer is larger than any that Graph sends"));
            }
            reply.body.extend_from_slice(&chunk);
        }
        // Source: RFC 9113, 8.1: a stream may be reset with NO_ERROR behind a whole answer, so that
        // HTTP/2 shows one that is cut off in the same way as if it had ended.
        if announced.is_some_and(|announced| announced > reply.body.len() as u64) {
            return Err(Unanswered::broken("the answer ends before its announced length"));
        }
        Ok(reply)
    }

    /// Notes how far Graph's clock is from this one.
    pub(super) fn note_clock(&self, headers: &HeaderMap, sent_at: Timestamp) {
        let date = text(headers, "date")
            .and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        let Some(date) = date else { return };
        // Graph wrote it between sending and now, in whole seconds.
        let (earliest, latest) = (sent_at, self.clock.now());
        let skew = if date < earliest {
            date.duration_since(earliest)
        } else if latest < date {
            date.duration_since(latest)
        } else {
            SignedDuration::ZERO
        };
        *self.skew.lock().expect("no holder of the skew panics") = Some(skew);
    }

    /// Returns how far the other end's clock is ahead of this one; none where it told no time.
    pub(super) fn skew(&self) -> Option<SignedDuration> {
        *self.skew.lock().expect("no holder of the skew panics")
    }

    /// Returns what time it is at the other end, as far as it was told.
    pub(super) fn their_time(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.skew().unwrap_or_default()).unwrap_or(now)
    }

    /// Fails where the clock of this machine is far from Graph's: by it graces end and windows open.
    ///
    /// # Errors
    ///
    /// Says how far; nothing was concluded.
    pub(super) fn check_clock(&self) -> Result<(), TenantError> {
        let skew = self.skew().unwrap_or_default();
        match self.settings.clock_tolerance {
            Some(most) if skew.unsigned_abs() > most => {
                Err(TenantError::Clock { tenant: self.settings.tenant.clone(), ahead: -skew })
            }
            _ => Ok(()),
        }
    }

    /// Prepares a request for a token.
    pub(super) fn form(&self, fields: &[(&'static str, Cow<'_, str>)]) -> reqwest::RequestBuilder {
        self.http.post(self.token_url.clone()).form(fields).timeout(self.settings.timeout)
    }

    /// Closes the gate of the tenant where an answer asks for it.
    fn note_pace(&self, ask: Ask, reply: &Reply) {
        let asks_to_wait = reply.status == 429
            || (matches!(reply.status, 503 | 504) && reply.retry_after.is_some());
        if asks_to_wait {
            self.refused(ask, reply.sent_at, reply.retry_after);
        } else if reply.status < 500 && !ask.is_batch() {
            // Whether a batch passed is for its items to tell.
            self.gate.passed(reply.sent_at);
        }
    }

    fn count(&self, change: impl FnOnce(&mut Traffic)) {
        change(&mut self.traffic.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Closes the gate of the tenant.
    pub(super) fn refused(&self, ask: Ask, sent_at: Timestamp, retry_after: Option<Duration>) {
        self.count(|traffic| *traffic.throttled.entry(ask.class()).or_default() += 1);
        let now = self.clock.now();
        let pause = self.gate.refused(sent_at, now, retry_after, (self.jitter)());
        tracing::warn!(
            tenant = %self.settings.tenant,
            seconds = pause.as_secs_f64(),
            "Graph asks to slow down; all requests to the tenant wait"
        );
        self.keep_quota(now, Occasion::Paused);
    }

    /// Reads, and tries again until `decode` takes the answer or there is no point in going on.
    ///
    /// # Errors
    ///
    /// Fails where Graph refuses for good, or the budget of this call is spent.
    pub(super) async fn fetch<T>(
        &self,
        call: &Call,
        tries: &mut Tries,
        decode: impl Fn(&[u8]) -> Result<T, String> + Send,
    ) -> Result<Fetched<T>, Unread> {
        loop {
            let silence = match self.attempt(call, tries).await {
                Ok(reply) => match judge(call.ask, &reply, &decode) {
                    Judged::Read(value) => {
                        return Ok(Fetched { value, sent_at: reply.sent_at, token: reply.token });
                    }
                    Judged::Refused(refused) => {
                        if refused.status == 403 && !call.ask.is_optional() {
                            // Source: a permission granted a moment ago needs a new token.
                            self.forget_token(reply.token).await;
                        }
                        return Err(Unread::Refused(Box::new(refused)));
                    }
                    Judged::Again(unanswered) => unanswered,
                },
                Err(Silence::Lost(unanswered)) => unanswered,
                Err(Silence::Paused(delay)) => {
                    return Err(Unread::Failed(Unanswered::paused(delay).into_error(call.ask)));
                }
                Err(Silence::SignIn(error)) => return Err(Unread::Failed(error)),
            };
            tracing::debug!(
                ask = call.ask.as_str(), reason = %silence.reason, "a read did not succeed"
            );
            if !self.pause(tries, silence.trouble).await {
                return Err(Unread::Failed(silence.into_error(call.ask)));
            }
        }
    }
}

/// Nothing was sent yet: every kind of request is there with zero, so that its absence shows.
fn silence() -> Traffic {
    let mut traffic = Traffic::default();
    for ask in Ask::ALL {
        traffic.requests.insert((ask.class(), 200), 0);
        traffic.throttled.insert(ask.class(), 0);
        traffic.seconds.entry(ask.class()).or_default();
    }
    traffic
}

fn bearer(token: &Token) -> Result<HeaderValue, Unanswered> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.value.expose_secret()))
        .map_err(|_| Unanswered::broken("the token holds what no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn lost(error: &reqwest::Error) -> Unanswered {
    if error.is_connect() {
        Unanswered::unreachable(&root_cause(error))
    } else if error.is_timeout() {
        Unanswered::late()
    } else {
        Unanswered::broken(&format!("the connection broke: {}", root_cause(error)))
    }
}
