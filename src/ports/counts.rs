//! What is counted on the way to Graph and to receivers of notices, for those who look from outside.
//!
//! Values alone: whoever counts them and whoever shows them need not know each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The upper bounds of the buckets of request times, in seconds.
pub const REQUEST_BOUNDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The requests to Graph for one tenant, since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Requests, by what they ask for and the HTTP status; 0 where no answer came.
    pub requests: BTreeMap<(&'static str, u16), u64>,
    /// Answers and parts of answers that ask to slow down, by what was asked for.
    pub throttled: BTreeMap<&'static str, u64>,
    /// Bytes of answers, after decompression.
    pub bytes: u64,
    /// Resource units: what Graph said that requests cost, or what they should.
    pub units: u64,
    /// Writes in batches, those that were sent again included.
    pub writes: u64,
    /// How long requests took, by what they ask for.
    pub seconds: BTreeMap<&'static str, RequestTimes>,
}

/// How long requests took, in buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestTimes {
    /// How many took at most each bound, but longer than the one before.
    pub buckets: [u64; REQUEST_BOUNDS.len()],
    /// How many there were.
    pub count: u64,
    /// All of them together, in seconds.
    pub sum: f64,
}

impl RequestTimes {
    /// Counts one.
    pub fn count(&mut self, length: Duration) {
        let seconds = length.as_secs_f64();
        if let Some(at) = REQUEST_BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[at] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

impl Traffic {
    /// Counts a request and its answer; 0 where none came.
    pub fn count(&mut self, class: &'static str, status: u16, length: Duration) {
        *self.requests.entry((class, status)).or_default() += 1;
        self.seconds.entry(class).or_default().count(length);
    }
}

/// The deliveries to each receiver of notices, since the start.
pub type Deliveries = BTreeMap<Arc<str>, DeliveryCounts>;

/// The deliveries to one receiver, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// What arrived.
    pub delivered: u64,
    /// Tries that failed.
    pub failed: u64,
    /// What was given up.
    pub given_up: u64,
}
