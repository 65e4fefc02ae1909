//! What stands in a plan beside its operations.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::money::{Money, Price};
use crate::domain::names::PolicyName;
use crate::plan::ledger::LedgerChange;
use crate::plan::{Because, ServicePlanRef, SkuRef, UserRef};

/// Who answers for a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOwner {
    /// The policy.
    pub policy: PolicyName,
    /// A person or a team, as the policy file has it.
    pub owner: Arc<str>,
}

/// What cannot be done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The user.
    pub user: UserRef,
    /// The SKU this is about; none where it is about the user as a whole.
    pub sku: Option<SkuRef>,
    /// Why not.
    pub reason: BlockedReason,
    /// The same in words, with names.
    pub detail: String,
    /// What asked for it.
    pub because: Vec<Because>,
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockedReason {
    /// The user needs a license and has no usage location, and no policy gives one.
    NoUsageLocation,
    /// Policies want different usage locations.
    LocationConflict,
    /// The SKU comes from a group alone and cannot be removed from the user.
    Inherited,
    /// Graph does not say where the assignment comes from.
    UnknownSource,
    /// What Graph did not send about the user is needed to decide.
    Unreadable,
    /// The SKU cannot be assigned now (suspended, deleted).
    SkuNotAssignable,
    /// An attribute that should name the user's country names none.
    UnknownCountry,
    /// A service plan would stand beside one that excludes it.
    ExclusiveServicePlans,
    /// A service plan would lack the one that it needs.
    MissingServicePlan,
    /// Users would swap SKUs that are both full.
    FullSwap,
    /// The user is protected: nothing touches them, whoever asks.
    Protected,
    /// The user was changed after the plan that is taken back.
    ChangedSince,
    /// The usage location that the plan set stays, since there was none before.
    LocationStays,
    /// Graph refused just that, and nothing that it may depend on has changed since.
    Refused,
    /// It was set again and again, and somebody keeps changing it back.
    Contested,
}

/// Who waits for a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The user.
    pub user: UserRef,
    /// The SKU.
    pub sku: SkuRef,
    /// The place in the queue of that SKU, from 1.
    pub position: u64,
    /// Since when: the first plan that saw the need.
    pub since: Timestamp,
    /// The lower rung of its ladder that the user has, or is given, meanwhile.
    pub meanwhile: Option<SkuRef>,
    /// What asked for it.
    pub because: Vec<Because>,
}

/// A removal whose grace runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The user.
    pub user: UserRef,
    /// The SKU.
    pub sku: SkuRef,
    /// The service plans that go; none where the whole SKU does.
    pub service_plans: Vec<ServicePlanRef>,
    /// When it is due.
    pub due: Timestamp,
    /// Why.
    pub because: Vec<Because>,
}

/// An assignment that is let go because the policy that owned it is gone from the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The user.
    pub user: UserRef,
    /// The SKU.
    pub sku: SkuRef,
    /// The policy that is gone.
    pub policy: PolicyName,
    /// Whether other policies still want the assignment, so that it goes on being theirs.
    pub still_wanted: bool,
}

impl Released {
    /// Returns what it changes in the ledger once it was shown: what other policies want stays theirs,
    /// the rest is nobody's. Policies that let go as well must not take it now, since deleting a file
    /// takes nothing away.
    pub fn let_go(&self) -> LedgerChange {
        let (user, sku) = (self.user.id, self.sku.id);
        if self.still_wanted {
            LedgerChange::Disown(user, sku, self.policy.clone())
        } else {
            LedgerChange::Forget(user, sku)
        }
    }
}

/// A policy that could not be decided for some users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMatch {
    /// The policy.
    pub policy: PolicyName,
    /// Where it stands, as `file:line`.
    pub at: Arc<str>,
    /// What could not be read, such as `group Board (membership is hidden)`.
    pub detail: Arc<str>,
    /// For how many users.
    pub users: u64,
}

/// A policy that takes no part because it does not fit the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The policy.
    pub policy: PolicyName,
    /// Where the problem stands, as `file:line`.
    pub at: Arc<str>,
    /// The problem.
    pub problem: String,
}

/// Something that a reviewer should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The place it is about, as `file:line`; empty where it is about none.
    pub at: Arc<str>,
    /// What to know.
    pub message: String,
}

/// The seats of one SKU, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatLine {
    /// The SKU.
    pub sku: SkuRef,
    /// Seats that can be used.
    pub total: u64,
    /// Seats in use before.
    pub consumed: u64,
    /// Seats that are kept free.
    pub reserved: u64,
    /// Seats in use after.
    pub after: u64,
    /// Users who wait for one.
    pub waiting: u64,
    /// What a seat costs a month, where the configuration says.
    pub price: Option<Price>,
}

impl SeatLine {
    /// Returns what the seats that the plan takes, less those that it gives back, cost a month.
    pub fn monthly(&self) -> Option<Money> {
        let more = i128::from(self.after) - i128::from(self.consumed);
        self.price.map(|price| price.times(more))
    }
}
