//! What the engine asks of the world. One real implementation of each, and the tests' own.
//!
//! Reading and writing a tenant are two ports, so that planning runs on read-only permissions.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName, UsageLocation};
use crate::domain::snapshot::{IncompleteRead, Snapshot};
use crate::domain::tracking::Tracking;
use crate::domain::user::{ServicePlanSet, User};
use crate::plan::forecast::SeatPoint;
use crate::plan::inventory::SeatUse;
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::{Digest, GuardName, Operation, OriginKind, Plan, PlanId, PlanState, Trigger};

pub mod counts;
pub mod desk;
pub mod quota;

/// Tells how far long work has come. Called often; must be cheap.
pub trait Progress: Send + Sync {
    /// Says what is being done, how much of it is done, and of how much where that is known.
    fn at(&self, what: &str, done: u64, total: Option<u64>);
}

/// What to read of a tenant beside users, SKUs and the list of groups, which are always read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadRequest {
    /// The groups whose members are needed, by display name or id, as policies wrote them.
    /// A name that fits no group or several is not the reader's to judge: members of what fits
    /// are read, and the list of groups shows the rest.
    pub groups: Vec<GroupRequest>,
    /// What to read of the groups that are not among them.
    pub others: OtherGroups,
}

/// What is read of groups that no policy names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherGroups {
    /// That they are there.
    #[default]
    Listed,
    /// Their members too, of so many: the first in the order of their names.
    First(usize),
    /// Their members too, direct ones apart: for policies that are not written yet.
    Read,
}

/// A group whose members are needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupRequest {
    /// The display name or id.
    pub group: Arc<str>,
    /// Whether the direct members are needed too, apart from the nested ones.
    pub direct: bool,
}

/// Reads a tenant.
pub trait TenantReader: Send + Sync {
    /// Reads everything that planning needs, whole or not at all.
    ///
    /// # Errors
    ///
    /// Any source that could not be had completely fails the read; nothing was concluded.
    fn read(
        &self,
        request: &ReadRequest,
        progress: &dyn Progress,
    ) -> impl Future<Output = Result<Snapshot, TenantError>> + Send;

    /// Reads the same, and leaves behind what the next read of this kind needs. Given what an earlier
    /// one left, reads only what changed since then; whatever makes that doubtful makes it a full read.
    ///
    /// # Errors
    ///
    /// As [`TenantReader::read`].
    fn read_tracked(
        &self,
        request: &ReadRequest,
        earlier: Option<(Arc<Snapshot>, Tracking)>,
        progress: &dyn Progress,
    ) -> impl Future<Output = Result<TenantRead, TenantError>> + Send;

    /// Reads single users by id; `None` for one that does not exist. In the order of `users`.
    ///
    /// # Errors
    ///
    /// Fails whole where any of them could not be read.
    fn holdings(
        &self,
        users: &[UserId],
    ) -> impl Future<Output = Result<Vec<Option<User>>, TenantError>> + Send;

    /// Asks, another way than by listing members, which of these groups (at most 20) a user is in,
    /// nested groups included.
    ///
    /// # Errors
    ///
    /// Fails where Graph does not answer.
    fn memberships(
        &self,
        user: UserId,
        groups: &[GroupId],
    ) -> impl Future<Output = Result<Vec<GroupId>, TenantError>> + Send;

    /// Reads one page of the users' latest sign-ins, the first or the one that a continuation leads
    /// to. Slow: waits as long as the allowed pace asks for.
    ///
    /// # Errors
    ///
    /// Fails where the page could not be had; what was read before stays good.
    fn sign_ins(
        &self,
        from: Option<&str>,
    ) -> impl Future<Output = Result<SignInAnswer, TenantError>> + Send;
}

/// What a tracked read came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRead {
    /// What the tenant looks like, and how much was read for it.
    pub snapshot: Snapshot,
    /// What the next read needs; none where the tenant does not tell what changes.
    pub tracking: Option<Tracking>,
    /// Why everything was read although only changes were asked for.
    pub doubt: Option<Arc<str>>,
    /// Users that changed, where only changes were read.
    pub changed: u64,
}

/// What asking for a page of sign-ins came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInAnswer {
    /// A page.
    Page(SignInPage),
    /// The continuation is no longer good: the read can only begin anew.
    Lost,
    /// Sign-ins cannot be read here.
    Unavailable {
        /// Why, and what to do: the same words every time, since plans carry them.
        reason: Arc<str>,
    },
}

/// A page of sign-ins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInPage {
    /// Users, and the latest sign-in of each where one is on record and readable.
    pub users: Vec<(UserId, Option<Timestamp>)>,
    /// Where the next page is; none on the last.
    pub next: Option<Arc<str>>,
}

/// How far a read of sign-ins has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInReading {
    /// When it began.
    pub started_at: Timestamp,
    /// Users read so far.
    pub users: u64,
    /// Where to go on; none before the first page and after the last.
    pub continuation: Option<Arc<str>>,
    /// When it came to its end, where it did.
    pub finished_at: Option<Timestamp>,
    /// When the latest read began that came to its end, this one or an earlier one: every user was
    /// read since.
    pub whole_since: Option<Timestamp>,
}

/// A usage location to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationWrite {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub location: UsageLocation,
}

/// Licenses of one user to be changed, in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseWrite {
    /// Whose.
    pub user: UserId,
    /// What is assigned, with the whole list of service plans that are off.
    pub add: Vec<(SkuId, ServicePlanSet)>,
    /// What is removed.
    pub remove: Vec<SkuId>,
    /// Whether this run has just written the user's location, so that "invalid usage location"
    /// may be replication and is worth a retry.
    pub located: bool,
}

/// What Graph said to one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken. Reads may not show it yet.
    Accepted {
        /// Graph's id of the request, for support.
        request_id: Option<Arc<str>>,
    },
    /// It was refused, and would be refused again.
    Refused(Refusal),
    /// It did not succeed within the retries, and did not take effect as far as can be told.
    Failed(Refusal),
    /// It was not sent, because an earlier answer forbids to go on.
    NotSent,
}

/// Graph's words for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal it is, as far as the text tells.
    pub kind: RefusalKind,
    /// The HTTP status; 0 where no answer came.
    pub status: u16,
    /// Graph's code, such as `Request_BadRequest`.
    pub code: Arc<str>,
    /// Graph's message, shortened where it is very long.
    pub message: Arc<str>,
    /// Graph's id of the request.
    pub request_id: Option<Arc<str>>,
}

/// What kind of refusal a text tells of.
///
/// Source: messages of assignLicense, matched by fragment, ignoring case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalKind {
    /// No usage location.
    NoUsageLocation,
    /// No seat is free.
    NoSeats,
    /// The tenant does not have the SKU, or only the company can hold it.
    SkuNotAssignable,
    /// The user does not hold what is to be removed.
    NotHeld,
    /// It comes from a group.
    Inherited,
    /// A service plan needs another one.
    Dependency,
    /// Service plans exclude each other.
    Exclusive,
    /// An address is taken.
    AddressTaken,
    /// The user does not exist.
    NoSuchUser,
    /// The app may not do this, or the token is not accepted.
    Forbidden,
    /// Throttling, contention or a fault that lasted through all retries.
    Unavailable,
    /// Anything else.
    Other,
}

/// Writes to a tenant. Retries, waits and batches are its own business.
pub trait TenantWriter: Send + Sync {
    /// Takes how many writes an earlier process sent and when, so that the quota of the tenant holds
    /// across a restart. Whoever knows better already goes by that.
    fn spent(&self, writes: &[(Timestamp, u32)]);

    /// Writes usage locations, at most 20. Answers in the order of `writes`.
    fn locate(&self, writes: &[LocationWrite]) -> impl Future<Output = Vec<Answer>> + Send;

    /// Changes licenses, at most 20 users, each at most once. Answers in the order of `writes`.
    fn assign(&self, writes: &[LicenseWrite]) -> impl Future<Output = Vec<Answer>> + Send;
}

/// Why a tenant could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TenantError {
    /// What proves who signs in could not be had.
    #[error("cannot read the {what} of tenant `{tenant}`: {reason}")]
    Secret {
        /// The tenant.
        tenant: TenantName,
        /// What it is, such as `client secret`.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// No token was issued.
    #[error("cannot sign in to tenant `{tenant}`: {reason}")]
    SignIn {
        /// The tenant.
        tenant: TenantName,
        /// What the token endpoint said.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A permission is missing.
    #[error("Graph refused to {what}: {reason}")]
    Forbidden {
        /// What was tried, such as `list users`.
        what: String,
        /// What Graph said, with its request id.
        reason: String,
        /// What to do, such as the permission to grant.
        hint: Option<String>,
    },
    /// Graph could not be reached, or did not answer in time, or kept failing.
    #[error("cannot {what}: {reason}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// What came instead.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The answer was not what Graph sends.
    #[error("cannot {what}: {reason}")]
    Malformed {
        /// What was tried.
        what: String,
        /// What came instead, with the beginning of the body.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The clock of this machine cannot be right.
    #[error("the clock of this machine is {} Graph's; nothing was concluded", Apart(*ahead))]
    Clock {
        /// The tenant.
        tenant: TenantName,
        /// How far it is ahead; below zero behind.
        ahead: SignedDuration,
    },
    /// A source is missing.
    #[error(transparent)]
    Incomplete(#[from] IncompleteRead),
}

/// A difference between clocks, in words.
struct Apart(SignedDuration);

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, word) =
            (self.0.abs().as_mins(), if self.0.is_negative() { "behind" } else { "ahead of" });
        let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
        write!(f, "{days} d {hours} h {minutes} min {word}")
    }
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeKind {
    /// A read shows it.
    Done,
    /// It was so before anything was sent.
    AlreadyDone,
    /// It is no longer planned just as it was approved.
    Stale,
    /// Graph refused it, and would again.
    Refused,
    /// It did not succeed, or no read showed it in time.
    Failed,
    /// It was not tried: the run stopped before it.
    Deferred,
}

impl OutcomeKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::AlreadyDone, Self::Stale, Self::Refused, Self::Failed, Self::Deferred];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadyDone => "already_done",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Deferred => "deferred",
        }
    }

    /// Returns the kind of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What became of one operation of a plan: exactly one for every operation of a plan that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The plan.
    pub plan: PlanId,
    /// The operation.
    pub operation: Digest,
    /// What became of it.
    pub kind: OutcomeKind,
    /// When that was known.
    pub at: Timestamp,
    /// Graph's words, or why it was not tried. Empty where there is nothing to say.
    pub detail: String,
    /// Graph's code for a refusal.
    pub code: Option<Arc<str>>,
    /// Graph's id of the request.
    pub request_id: Option<Arc<str>>,
    /// Whether it was found by reading after an interruption.
    pub recovered: bool,
}

/// An outcome with all that `history` tells about it.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The tenant.
    pub tenant: TenantName,
    /// The outcome.
    pub outcome: Outcome,
    /// The operation as planned.
    pub operation: Operation,
    /// Who approved the plan.
    pub approved_by: Option<Arc<str>>,
}

/// Who decided on a plan, how and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided: `Approved` or `Rejected`.
    pub state: PlanState,
    /// Who.
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// The guards that were accepted.
    pub accepted: Vec<GuardName>,
    /// Why.
    pub reason: Option<Arc<str>>,
}

/// A plan and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPlan {
    /// The plan.
    pub plan: Plan,
    /// Where it stands.
    pub state: PlanState,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
}

/// A line of the list of plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanHead {
    /// The identity.
    pub id: PlanId,
    /// The tenant.
    pub tenant: TenantName,
    /// Where it stands.
    pub state: PlanState,
    /// What it follows from.
    pub origin: OriginKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// Operations in it.
    pub operations: u64,
    /// Users with an operation that calls Graph.
    pub people: u64,
}

/// A cycle that was carried out, with or without a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleRecord {
    /// The tenant.
    pub tenant: TenantName,
    /// What started it; none where that was not recorded.
    pub trigger: Option<Trigger>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The plan that it made, where there was something to do.
    pub plan: Option<PlanId>,
    /// Why it failed, where it did.
    pub failure: Option<String>,
}

/// Which outcomes to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Of this tenant only.
    pub tenant: Option<TenantName>,
    /// Of this user only, by id or by (part of) the principal name, ignoring case.
    pub user: Option<Arc<str>>,
    /// Of this plan only.
    pub plan: Option<PlanId>,
    /// Only what was recorded before the outcome of this operation; nothing where it has none.
    pub before: Option<(PlanId, Digest)>,
    /// The newest so many; none for all.
    pub limit: Option<u64>,
}

/// The outcome of an operation and what follows from it for the ledger, recorded as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The outcome.
    pub outcome: Outcome,
    /// What follows for the ledger.
    pub ledger: Vec<LedgerChange>,
}

/// A plan that was being carried out when its process ended.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPlan {
    /// The plan.
    pub plan: Plan,
    /// Operations with an intent and no outcome, and when the intent was recorded.
    pub intended: Vec<(Digest, Timestamp)>,
    /// Operations with neither.
    pub untouched: Vec<Digest>,
}

/// Why the records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The disk or the file failed.
    #[error("cannot {what}")]
    Storage {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The plan is not in a state that allows this.
    #[error("plan {plan} is {}, not {wanted}", state.as_str())]
    WrongState {
        /// The plan.
        plan: PlanId,
        /// Where it stands.
        state: PlanState,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// There is no such plan.
    #[error("there is no plan {plan}")]
    NoSuchPlan {
        /// What was asked for.
        plan: String,
    },
}

/// Keeps the ledger, plans, intents and outcomes. Every writing call is durable when it returns,
/// and is done whole or not at all.
pub trait Records: Send + Sync {
    /// Returns the ledger of a tenant: the same one as before, where nobody changed it since.
    fn ledger(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Arc<Ledger>, RecordsError>> + Send;

    /// Records what a cycle saw: changes of clocks and ownership that follow from having looked.
    fn observe(
        &self,
        tenant: &TenantName,
        changes: Vec<LedgerChange>,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Stores a new plan. Open plans (proposed, held, approved) of the tenant that were not decided
    /// in time become expired; with the same digest, the one that is there stays and is returned.
    /// A plan that follows from the policies supersedes the others that do, with other digests, but
    /// for the one that it is a part of. What a person asked for once stays open beside it.
    fn propose(
        &self,
        plan: Plan,
        state: PlanState,
    ) -> impl Future<Output = Result<StoredPlan, RecordsError>> + Send;

    /// Says that there is nothing to do by the policies: open plans of the tenant that follow from
    /// them become superseded.
    fn settle_open_plans(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns a plan; with `None`, the latest (of the tenant, where one is given).
    fn plan(
        &self,
        tenant: Option<&TenantName>,
        id: Option<PlanId>,
    ) -> impl Future<Output = Result<Option<StoredPlan>, RecordsError>> + Send;

    /// Returns the plans, newest first.
    fn plans(
        &self,
        tenant: Option<&TenantName>,
    ) -> impl Future<Output = Result<Vec<PlanHead>, RecordsError>> + Send;

    /// Records a decision and moves the plan to its state.
    ///
    /// # Errors
    ///
    /// `WrongState` unless the plan is open (proposed, held or approved).
    fn decide(
        &self,
        plan: PlanId,
        decision: Decision,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Moves a plan from one state to another.
    ///
    /// # Errors
    ///
    /// `WrongState` where it is not in the first; nothing changed.
    fn advance(
        &self,
        plan: PlanId,
        from: PlanState,
        to: PlanState,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records that these operations are about to be sent.
    fn intend(
        &self,
        plan: PlanId,
        operations: Vec<Digest>,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records outcomes and what follows from them, together. An operation that has its outcome
    /// already keeps it.
    fn settle(
        &self,
        tenant: &TenantName,
        settlements: Vec<Settlement>,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns how many writes were about to be sent to a tenant since then, and when: what a quota of
    /// Graph has to count after a restart.
    fn writes_since(
        &self,
        tenant: &TenantName,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(Timestamp, u32)>, RecordsError>> + Send;

    /// Returns the plans of the tenant that are `applying`.
    fn open_plans(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Vec<OpenPlan>, RecordsError>> + Send;

    /// Returns outcomes, newest first.
    fn history(
        &self,
        filter: HistoryFilter,
    ) -> impl Future<Output = Result<Vec<HistoryEntry>, RecordsError>> + Send;

    /// Records a cycle.
    fn cycle(&self, record: CycleRecord) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns the latest cycle of a tenant, and the latest that did not fail.
    fn cycles(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<(Option<CycleRecord>, Option<CycleRecord>), RecordsError>> + Send;

    /// Keeps the latest snapshot of a tenant, in place of the one before.
    fn keep_snapshot(
        &self,
        tenant: &TenantName,
        snapshot: Arc<Snapshot>,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Keeps the latest snapshot of a tenant and what its read left behind. The one is never kept
    /// without the other that belongs to it: where only the snapshot was written, nothing is left.
    fn keep_tracked(
        &self,
        tenant: &TenantName,
        snapshot: Arc<Snapshot>,
        tracking: Tracking,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns the latest snapshot of a tenant and what its read left behind, where that belongs to it.
    fn tracked(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Option<(Arc<Snapshot>, Tracking)>, RecordsError>> + Send;

    /// Returns the latest snapshot of a tenant.
    fn snapshot(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Option<Snapshot>, RecordsError>> + Send;

    /// Returns how far the latest read of a tenant's sign-ins has come, where there ever was one.
    fn sign_in_reading(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Option<SignInReading>, RecordsError>> + Send;

    /// Records a page of sign-ins, read at this time, and how far the read has come with it. Users
    /// without a sign-in lose the one that was recorded before; a read that has come to its end drops
    /// what it did not see.
    fn keep_sign_ins(
        &self,
        tenant: &TenantName,
        users: Vec<(UserId, Option<Timestamp>)>,
        read_at: Timestamp,
        reading: SignInReading,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns the recorded sign-ins that were read since this time, and when the oldest was.
    fn sign_ins(
        &self,
        tenant: &TenantName,
        read_since: Timestamp,
    ) -> impl Future<Output = Result<(BTreeMap<UserId, Timestamp>, Option<Timestamp>), RecordsError>>
    + Send;

    /// Records how seats are used, where it is otherwise than what was recorded last.
    fn note_seats(
        &self,
        tenant: &TenantName,
        at: Timestamp,
        seats: Vec<SeatUse>,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns how seats were used since a time, by SKU and in the order of time, beginning with what
    /// was so then.
    fn seat_history(
        &self,
        tenant: &TenantName,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<SeatPoint>, RecordsError>> + Send;

    /// Names the policies that own something in the ledger of a tenant, with how many assignments.
    fn owners(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Vec<(PolicyName, u64)>, RecordsError>> + Send;
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
