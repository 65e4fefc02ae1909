//! Sign-ins, as a slow read of their own found them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::UserId;

/// How late a sign-in may be before it shows.
///
/// Source: Graph signInActivity: up to 24 hours.
pub const SHOWN_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How much of the sign-ins was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// Nobody asked for them.
    #[default]
    NotRead,
    /// The first read has not come to its end: who is not among these users has not been read.
    Partial {
        /// Users read so far.
        users: u64,
        /// Why it did not go on, where that is not a matter of time.
        stopped: Option<Arc<str>>,
    },
    /// Every user was read.
    Whole,
    /// They cannot be read.
    Unavailable {
        /// Why, and what to do.
        reason: Arc<str>,
    },
}

/// How much is known of sign-ins, and up to when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInsSeen {
    /// Sign-ins up to this instant are all in it; later ones may be missing.
    pub until: Timestamp,
    /// How much was read.
    pub extent: Extent,
}

/// The latest sign-ins of a tenant's users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// The latest sign-in of each user who has one on record.
    pub latest: BTreeMap<UserId, Timestamp>,
    /// When the oldest of these was read; none where there are none.
    pub oldest_read: Option<Timestamp>,
    /// How much was read.
    pub extent: Extent,
}

impl SignIns {
    /// Returns the instant up to which sign-ins are all there, for a tenant that was read at
    /// `taken_at`: as much before the oldest row was read as a sign-in may be late.
    pub(in crate::domain) fn seen(&self, taken_at: Timestamp) -> SignInsSeen {
        let read_at = self.oldest_read.unwrap_or(taken_at);
        let until = read_at.saturating_sub(SHOWN_WITHIN).unwrap_or(Timestamp::MIN);
        SignInsSeen { until, extent: self.extent.clone() }
    }
}
