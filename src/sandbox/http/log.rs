//! Which requests came: the latest one by one, all of them as counts.

use axum::http::Version;
use jiff::Timestamp;

use crate::sandbox::faults::FaultKind;
use crate::sandbox::http::world::Recent;

const KEPT_MAX: usize = 200_000;

/// A request that the server saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSeen {
    /// Its number, from 1, as faults count.
    pub number: u64,
    /// The method.
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    /// The version of HTTP that it came in.
    pub version: Version,
    /// The status that was answered; 0 where the connection broke instead.
    pub status: u16,
    /// When it came.
    pub at: Timestamp,
    /// The fault that struck it as a whole.
    pub fault: Option<FaultKind>,
    /// What was in the batch, where it was one.
    pub items: Vec<ItemSeen>,
}

/// A request within a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSeen {
    /// The method.
    pub method: String,
    /// Path and query below the version root.
    pub path: String,
    /// The status that was answered.
    pub status: u16,
}

/// How many requests came. Items of batches count under what they are, and a batch as one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests on the wire, for tokens too.
    pub requests: u64,
    /// Requests for tokens.
    pub tokens: u64,
    /// Batches.
    pub batches: u64,
    /// Reads, alone or in batches.
    pub reads: u64,
    /// Writes, alone or in batches: `PATCH` of a user, `assignLicense` and
    /// `reprocessLicenseAssignment`.
    pub writes: u64,
    /// Writes that were answered with success.
    pub writes_accepted: u64,
    /// Writes that took effect and changed nothing, since all was as they wanted it already.
    pub writes_idle: u64,
    /// Requests and items refused for what they ask (400), where no fault was to blame.
    pub wrong: u64,
    /// Requests and items answered with 429.
    pub throttled: u64,
    /// Requests struck by a fault as a whole.
    pub faults: u64,
}

/// What the server remembers of requests.
#[derive(Debug)]
pub(super) struct Log {
    recent: Recent<RequestSeen>,
    counts: Counts,
}

impl Default for Log {
    fn default() -> Self {
        Self { recent: Recent::new(KEPT_MAX), counts: Counts::default() }
    }
}

impl Log {
    pub(super) fn push(&mut self, seen: RequestSeen) {
        let counts = &mut self.counts;
        counts.requests += 1;
        counts.faults += u64::from(seen.fault.is_some());
        if seen.path.ends_with("/oauth2/v2.0/token") {
            counts.tokens += 1;
        } else if seen.path.contains("/$batch") {
            counts.batches += 1;
            counts.throttled += u64::from(seen.status == 429);
            for item in &seen.items {
                counts.count(&item.method, &item.path, item.status);
            }
        } else {
            counts.count(&seen.method, &seen.path, seen.status);
        }
        self.recent.push(seen);
    }

    /// Takes that a write changed nothing.
    pub(super) fn idle(&mut self) {
        self.counts.writes_idle += 1;
    }

    /// Takes that a request asks for what is refused.
    pub(super) fn wrong(&mut self) {
        self.counts.wrong += 1;
    }

    pub(super) fn seen(&self) -> Vec<RequestSeen> {
        self.recent.to_vec()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

impl Counts {
    fn count(&mut self, method: &str, path: &str, status: u16) {
        let actions = ["assignLicense", "reprocessLicenseAssignment"];
        let writes = method == "PATCH" || actions.iter().any(|action| path.ends_with(action));
        self.reads += u64::from(!writes);
        self.writes += u64::from(writes);
        self.writes_accepted += u64::from(writes && (200..300).contains(&status));
        self.throttled += u64::from(status == 429);
    }
}
