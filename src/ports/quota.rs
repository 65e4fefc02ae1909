//! What one process tells the next of the quotas of a tenant.

use jiff::Timestamp;

/// How much of the quotas of a tenant is spent, as the last process that talked to it knew.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quota {
    /// Until when the tenant asked to be left alone.
    pub paused_until: Option<Timestamp>,
    /// How many resource units of the quota of reads were spent and not yet given back, and when.
    pub reads_spent: Option<(f64, Timestamp)>,
}

/// Keeps what is known of the quotas of a tenant beyond the process, as well as it can: a tenant that
/// is asked too early refuses, and nothing else comes of it.
pub trait QuotaMemory: Send + Sync {
    /// Returns what was kept last; nothing where nothing was, or where it cannot be read.
    fn last(&self) -> Quota;

    /// Keeps what is known now, in place of what was kept before.
    fn keep(&self, quota: Quota);
}
