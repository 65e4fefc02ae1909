//! A tenant, as it is read and written.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::names::{TenantName, UsageLocation};
use crate::domain::snapshot::{IncompleteRead, Snapshot};
use crate::domain::tracking::Tracking;
use crate::domain::user::{ServicePlanSet, User};
use crate::ports::Progress;

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
