//! What the engine asks of the world. One real implementation of each, and the tests' own.
//!
//! Reading and writing a tenant are two ports, so that planning runs on read-only permissions.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

pub mod counts;
pub mod desk;
pub mod quota;
mod records;
mod tenant;

pub use self::records::{
    CycleRecord, Decision, HistoryEntry, HistoryFilter, OpenPlan, Outcome, OutcomeKind, Owned,
    PlanHead, Records, RecordsError, Settlement, StoredPlan,
};
pub use self::tenant::{
    Answer, GroupRequest, LicenseWrite, LocationWrite, OtherGroups, ReadRequest, Refusal,
    RefusalKind, SignInAnswer, SignInPage, SignInReading, TenantError, TenantRead, TenantReader,
    TenantWriter,
};

/// Tells how far long work has come. Called often; must be cheap.
pub trait Progress: Send + Sync {
    /// Says what is being done, how much of it is done, and of how much where that is known.
    fn at(&self, what: &str, done: u64, total: Option<u64>);
}

/// Tells the time, and lets it pass.
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> + Send;
}

impl<C: Clock> Clock for &C {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn sleep(&self, length: Duration) -> impl Future<Output = ()> + Send {
        (**self).sleep(length)
    }
}
