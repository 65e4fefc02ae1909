//! Decides: policies, snapshot, ledger and time in, plan out. The same inputs give the same plan,
//! byte for byte.
//!
//! Pure: no clock, no randomness, no input or output, no `async`, no logging.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::money::{Money, sums};
use crate::domain::names::{PolicyName, TenantName, UsageLocation};
use crate::domain::snapshot::ReadKind;

pub mod after;
pub mod approval;
pub mod bind;
pub mod bulk;
pub mod compare;
pub mod conflict;
pub mod digest;
mod entries;
pub mod explain;
pub mod forecast;
pub mod guard;
mod identity;
pub mod import;
pub mod inventory;
pub mod ledger;
pub mod make;
pub mod memory;
mod operation;
mod origin;
pub mod permissions;
mod published;
pub mod reclaim;
pub mod redact;
pub mod rehearse;
mod resolve;
pub mod revert;
mod seats;
pub mod second_look;
mod select;
pub mod settled;
pub mod source;
mod standing;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod undone;
pub mod what_if;
mod words;

pub use entries::{
    Blocked, BlockedReason, LeftOut, PolicyOwner, Released, Scheduled, SeatLine, UnknownMatch,
    Waiting, Warning,
};
pub use identity::{Digest, InvalidDigest, InvalidPlanId, PlanId};
pub use origin::{Asked, Origin, OriginKind, RequestError};
pub use standing::{GuardName, PlanState, Verdict};
pub use undone::{Undoing, UndoneHow};
pub use what_if::{Aside, Baseline, NoLonger, Simulated, SnapshotFrom};

/// Returns the name that was probably meant: the nearest one, where one is near at all.
pub(crate) fn near<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let folded = written.to_lowercase();
    // Of addresses the part before the @ tells people apart; the rest is alike anyway.
    let likeness = |name: &str| match (folded.split_once('@'), name.split_once('@')) {
        (Some((own, _)), Some((other, _))) => strsim::jaro_winkler(own, other) + 0.06,
        (_, _) => strsim::jaro_winkler(&folded, name),
    };
    names
        .map(|name| (likeness(&name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.88)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, name)| name)
}

/// Everything that is to be done, and all that explains it. Never edited.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The time-ordered identity.
    pub id: PlanId,
    /// The digest of everything in the plan but its id and its times: what an approval binds to.
    pub digest: Digest,
    /// The tenant.
    pub tenant: TenantName,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it can no longer be approved or applied.
    pub expires_at: Timestamp,
    /// What made it.
    pub trigger: Trigger,
    /// What it follows from: the policies, or what a person asked for once.
    pub origin: Origin,
    /// The plan of which this is the part that no guard holds, where it is such a part.
    pub part_of: Option<PlanId>,
    /// What it was made from.
    pub basis: Basis,
    /// The counts.
    pub summary: Summary,
    /// What is to be done, one operation a user, in the order in which it runs.
    pub operations: Vec<Operation>,
    /// What cannot be done.
    pub blocked: Vec<Blocked>,
    /// Who waits for a seat.
    pub waiting: Vec<Waiting>,
    /// What will be removed when its grace is over.
    pub scheduled: Vec<Scheduled>,
    /// What is let go, left alone, because its policy is gone from the files.
    pub released: Vec<Released>,
    /// Policies whose selectors could not be decided for some users.
    pub unknown: Vec<UnknownMatch>,
    /// Policies that take no part because they do not fit the tenant.
    pub left_out: Vec<LeftOut>,
    /// What a reviewer should know, such as an OU that holds nobody.
    pub warnings: Vec<Warning>,
    /// The seats of every SKU that the plan or a policy touches.
    pub seats: Vec<SeatLine>,
    /// The verdict of every guard, with its sum.
    pub guards: Vec<Verdict>,
    /// The policies that would undo some of it, where it does not follow from the policies.
    pub undone_by: Vec<Undoing>,
    /// Whom to ask about the policies that the plan names, where their files say. In the order of the
    /// policies' names; no part of what an approval binds to.
    pub policy_owners: Vec<PolicyOwner>,
    /// What a baseline says of users and these policies do not, where it is compared with one.
    pub no_longer: Vec<NoLonger>,
}

/// What started a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// A person asked.
    Person,
    /// The schedule.
    Schedule,
    /// A policy file changed.
    FileChange,
    /// The daemon started.
    Start,
    /// The process was told to look, by a signal.
    Signal,
    /// A window opened, or a pause ended.
    Window,
    /// The cycle before had failed.
    Retry,
    /// A plan was about to be carried out and was planned again.
    Apply,
}

/// What a plan was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The digest of all policy files.
    pub policy_digest: Digest,
    /// The commit that the policy directory stood at, where it is a git work tree without changes.
    pub policy_commit: Option<Arc<str>>,
    /// When the snapshot was taken.
    pub snapshot_taken_at: Timestamp,
    /// Users in the snapshot.
    pub users: u64,
    /// Groups whose members were read.
    pub groups: u64,
    /// How much of the tenant was read for it.
    pub read: ReadKind,
    /// Why it is a plan to look at only, where it is one. Such a plan is never stored, decided on or
    /// carried out.
    pub simulated: Option<Simulated>,
    /// The policies that it is compared with, where it shows only what the policies change against
    /// others.
    pub baseline: Option<Baseline>,
}

/// Counts of a plan. Operations are counted by kind, the rest by entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Operations that only add.
    pub add: u64,
    /// Operations that add and remove in one call.
    pub replace: u64,
    /// Operations that only remove.
    pub remove: u64,
    /// Operations that only change service plans.
    pub modify: u64,
    /// Operations that set a usage location, whatever else they do.
    pub locate: u64,
    /// Operations that only adopt.
    pub adopt: u64,
    /// Users with an operation that calls Graph.
    pub people: u64,
    /// Users with no operation.
    pub unchanged: u64,
    /// Entries that cannot be done.
    pub blocked: u64,
    /// Entries that wait for a seat.
    pub waiting: u64,
    /// Removals whose grace runs.
    pub scheduled: u64,
    /// Assignments that are let go.
    pub released: u64,
    /// Direct assignments that no policy wants and nobody owns.
    pub unmanaged: u64,
    /// Users for whom some policy could not be decided.
    pub unknown: u64,
}

/// A user, to act with and to talk with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserRef {
    /// The object id.
    pub id: UserId,
    /// The principal name at the time.
    pub principal_name: Arc<str>,
    /// The display name at the time. Hostile input.
    pub display_name: Option<Arc<str>>,
}

/// A SKU, to act with and to talk with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkuRef {
    /// The id.
    pub id: SkuId,
    /// The part number; the id as text where the tenant does not list the SKU.
    pub name: Arc<str>,
}

/// A service plan, to act with and to talk with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePlanRef {
    /// The id.
    pub id: ServicePlanId,
    /// The name; the id as text where the tenant does not list the service plan.
    pub name: Arc<str>,
}

/// What an operation does, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Only adds (and may adopt or set a location).
    Add,
    /// Adds and removes in one call.
    Replace,
    /// Only removes.
    Remove,
    /// Only changes service plans of what is there.
    Modify,
    /// Only sets the usage location.
    Locate,
    /// Calls nothing: a policy comes to own what is there already.
    Adopt,
}

/// Everything that a plan does to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it is, whatever its plan: user, before, change and reason. Approval binds to it.
    pub key: Digest,
    /// What it does, in one word.
    pub kind: Kind,
    /// To whom.
    pub user: UserRef,
    /// What is assigned, or assigned anew with other service plans. In the order of SKU ids.
    pub add: Vec<Addition>,
    /// What is removed. In the order of SKU ids.
    pub remove: Vec<SkuRef>,
    /// What is there and comes to be owned, by further policies. In the order of SKU ids.
    pub adopt: Vec<Adoption>,
    /// The change of usage location, where there is one.
    pub usage_location: Option<LocationChange>,
    /// The direct assignments of the user before. In the order of SKU ids.
    pub before: Vec<Held>,
    /// Service plans that the user has after and not before, over all SKUs.
    pub gains: Vec<ServicePlanRef>,
    /// Service plans that the user has before and not after, over all SKUs.
    pub loses: Vec<ServicePlanRef>,
    /// What starts a deletion clock.
    pub data_at_risk: Vec<DataFamily>,
    /// Why, in the order of policies.
    pub because: Vec<Because>,
    /// When it runs: all operations of a wave may run side by side, and a wave needs only seats
    /// that are free before it. From 0.
    pub wave: u32,
    /// The guards that hold this operation while the rest of the plan may go on.
    pub held_by: Vec<GuardName>,
}

/// A SKU that is assigned, or whose service plans are changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The SKU.
    pub sku: SkuRef,
    /// The service plans that are off afterwards: the whole list.
    pub disabled: Vec<ServicePlanRef>,
    /// Whether the user holds the SKU directly already, so that only service plans change.
    pub held: bool,
    /// The policies that own the assignment afterwards.
    pub owners: Vec<PolicyName>,
}

/// An assignment that is there and comes to be owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The SKU.
    pub sku: SkuRef,
    /// The policies that come to own it, beside those that do already.
    pub owners: Vec<PolicyName>,
}

/// A direct assignment as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The SKU.
    pub sku: SkuRef,
    /// The service plans that are off.
    pub disabled: Vec<ServicePlanRef>,
}

/// A change of usage location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationChange {
    /// The location before.
    pub from: Option<UsageLocation>,
    /// The location after.
    pub to: UsageLocation,
}

/// What is lost for good some time after the last service plan of its family is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataFamily {
    /// Exchange.
    Mailbox,
    /// `SharePoint` and `OneDrive`.
    Files,
    /// Teams Phone.
    Phone,
}

/// Why an operation does something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Because {
    /// The policy.
    pub policy: PolicyName,
    /// Where it stands, as `file:line`; empty where the policy is gone.
    pub at: Arc<str>,
    /// The SKU this is about; none where it is about the usage location.
    pub sku: Option<SkuRef>,
    /// The reason.
    pub reason: Reason,
    /// The selector that matched or no longer does, such as `group Engineering`.
    pub detail: Arc<str>,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The user matches a policy that grants the SKU.
    Matched,
    /// The user matches a policy that takes the SKU away.
    Removed,
    /// The user matches a policy that gives another SKU in exchange.
    Replaced,
    /// The policy that owns the assignment no longer matches the user.
    Left,
    /// The policy that owns the assignment matches the user, and no longer grants the SKU.
    Withdrawn,
    /// The policy that owns the assignment gives another SKU now.
    Exchanged,
    /// The user matches a policy that sets the location.
    Located,
    /// A higher rung of the ladder is wanted, or there already.
    Outranked,
    /// A lower rung of the ladder is wanted, and nothing keeps this one.
    SteppedDown,
    /// A person asked for it, once.
    Requested,
    /// It was so before the plan that is taken back.
    Reverted,
}

impl Reason {
    /// Whether it is a reason to take a SKU away.
    pub(crate) fn takes_away(self) -> bool {
        match self {
            Self::Removed
            | Self::Replaced
            | Self::Left
            | Self::Withdrawn
            | Self::Exchanged
            | Self::Outranked
            | Self::SteppedDown => true,
            Self::Matched | Self::Located | Self::Requested | Self::Reverted => false,
        }
    }
}

impl Plan {
    /// Whether there is nothing to do, nothing to wait for a person, and nothing to tell the ledger. Such a
    /// plan is not stored: that there was a cycle is.
    pub fn is_settled(&self) -> bool {
        self.operations.is_empty()
    }

    /// Returns what the plan costs (or saves, where it is less than nothing) a month, by currency, as far
    /// as prices are known.
    pub fn monthly(&self) -> Vec<Money> {
        sums(self.seats.iter().filter_map(SeatLine::monthly))
    }
}
