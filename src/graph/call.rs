//! A request to Graph, its answer, and what an answer to a read means.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;

use crate::graph::budget::units;
use crate::graph::error::{Ask, Refused, Unanswered, is_resync};
use crate::graph::wire::fault::GraphFault;
use crate::ports::TenantError;

/// A request to Graph.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// What it asks for.
    pub(super) ask: Ask,
    /// Where.
    pub(super) url: Url,
    /// The JSON to post; none for a GET.
    pub(super) body: Option<Vec<u8>>,
    /// What it costs of the quota of reads, in resource units.
    pub(super) units: u32,
}

impl Call {
    /// A call that reads.
    pub(super) fn get(ask: Ask, url: Url) -> Self {
        Self { ask, url, body: None, units: units(ask, 1) }
    }

    /// A call with JSON to post, for so many items.
    pub(super) fn post(ask: Ask, url: Url, body: Vec<u8>, items: usize) -> Self {
        Self { ask, url, body: Some(body), units: units(ask, items) }
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// How much of the quota is used, where Graph says so: from 0.8 on, and above 1 is throttling.
    pub(super) quota_used: Option<f64>,
    /// Whether that is the quota of writes.
    pub(super) is_of_writes: bool,
    /// What it cost, in resource units, where Graph says so.
    pub(super) units: Option<u32>,
    pub(super) request_id: Option<String>,
    /// What it says about signing in, a header each.
    pub(super) challenges: Vec<String>,
    pub(super) body: Vec<u8>,
    pub(super) sent_at: Timestamp,
    /// The token that was used.
    pub(super) token: u64,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Fetched<T> {
    pub(super) value: T,
    pub(super) sent_at: Timestamp,
    /// The token that was used.
    pub(super) token: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It was sent, or may have been; what became of it is not known.
    Lost(Unanswered),
    /// It was not sent: the tenant asks for a longer pause than there is time.
    Paused(Duration),
    /// It was not sent: there is no token.
    SignIn(TenantError),
}

/// Why a read came to nothing.
#[derive(Debug)]
pub(super) enum Unread {
    /// Graph refused it, and would again.
    Refused(Box<Refused>),
    /// There is nothing more that could be tried.
    Failed(TenantError),
}

impl Unread {
    /// Gives up on the read.
    pub(super) fn into_error(self) -> TenantError {
        match self {
            Self::Refused(refused) => refused.into_error(),
            Self::Failed(error) => error,
        }
    }
}

/// What an answer to a read means.
pub(super) enum Judged<T> {
    /// It was read.
    Read(T),
    /// Graph refused it for good.
    Refused(Refused),
    /// It may be tried again.
    Again(Unanswered),
}

/// Judges an answer to a read.
pub(super) fn judge<T>(
    ask: Ask,
    reply: &Reply,
    decode: &impl Fn(&[u8]) -> Result<T, String>,
) -> Judged<T> {
    let request_id = reply.request_id.as_deref();
    if ask.is_of_changes() && (400..=429).contains(&reply.status) {
        let fault = GraphFault::parse(&reply.body).unwrap_or_default();
        if is_resync(&fault) || matches!(reply.status, 400 | 404 | 410) {
            // What such an answer says beside its status does not matter.
            return Judged::Refused(Refused::new(ask, reply.status, fault, request_id));
        }
    }
    match reply.status {
        // Source: Graph answers a batch with throttled items 424 or 429 as a whole; its items tell.
        200..=299 | 424 | 429 if ask.is_batch() || reply.status < 300 => {
            match decode(&reply.body) {
                Ok(value) => Judged::Read(value),
                Err(_) if reply.status == 429 => {
                    Judged::Again(Unanswered::status(429, &reply.body, request_id))
                }
                Err(reason) => {
                    Judged::Again(Unanswered::malformed(&reason, &reply.body, request_id))
                }
            }
        }
        408 | 409 | 423 | 424 | 429 | 500 | 502..=509 => {
            Judged::Again(Unanswered::status(reply.status, &reply.body, request_id))
        }
        status => match GraphFault::parse(&reply.body) {
            Some(fault) if fault.is_contention() => {
                Judged::Again(Unanswered::status(status, &reply.body, request_id))
            }
            Some(fault) => Judged::Refused(Refused::new(ask, status, fault, request_id)),
            None if matches!(status, 401 | 403) => {
                Judged::Refused(Refused::new(ask, status, GraphFault::default(), request_id))
            }
            None => {
                let reason = format!("HTTP {status}");
                Judged::Again(Unanswered::malformed(&reason, &reply.body, request_id))
            }
        },
    }
}
