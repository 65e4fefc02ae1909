//! What was planned, decided and done, and who owns what.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::UserId;
use crate::domain::names::{PolicyName, TenantName};
use crate::domain::snapshot::Snapshot;
use crate::domain::tracking::Tracking;
use crate::plan::forecast::SeatPoint;
use crate::plan::inventory::SeatUse;
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::{Digest, GuardName, Operation, OriginKind, Plan, PlanId, PlanState, Trigger};
use crate::ports::SignInReading;

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
    /// Only outcomes of these kinds; none for all.
    pub outcomes: Vec<OutcomeKind>,
    /// Only what was recorded before the outcome of this operation; nothing where it has none.
    pub before: Option<(PlanId, Digest)>,
    /// The newest so many; none for all.
    pub limit: Option<u64>,
}

/// How many assignments policies own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// All of them. One that several policies own counts once.
    pub assignments: u64,
    /// Those of each policy, by its name.
    pub by_policy: Vec<(PolicyName, u64)>,
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

    /// Records a decision and moves the plan to its state. With a plan its open parts are rejected: they are
    /// superseded.
    ///
    /// # Errors
    ///
    /// `WrongState` unless the plan is open (proposed, held or approved).
    fn decide(
        &self,
        plan: PlanId,
        decision: Decision,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records a decision that follows from how another plan stood, as one on a part of it does, unless
    /// somebody decided on that one since: it has to have just so many decisions still. Returns whether
    /// it was recorded.
    ///
    /// # Errors
    ///
    /// As [`Records::decide`].
    fn decide_after(
        &self,
        plan: PlanId,
        decision: Decision,
        other: PlanId,
        decisions: usize,
    ) -> impl Future<Output = Result<bool, RecordsError>> + Send;

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

    /// Counts what policies own in the ledger of a tenant.
    fn owners(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Owned, RecordsError>> + Send;
}
