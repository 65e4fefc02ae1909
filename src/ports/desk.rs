//! What the daemon and the commands beside it tell each other through the records.
//!
//! A command that would change the tenant while the daemon holds its lock leaves a request here and
//! waits for the answer. A pause, a decision and what there is to tell people go the same way: on
//! disk, so that none is lost with a process.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;

pub use crate::domain::event::Event;
use crate::domain::names::TenantName;
use crate::plan::bulk::BulkOrder;
use crate::plan::{GuardName, PlanId};
use crate::ports::{GroupRequest, OtherGroups, RecordsError, StoredPlan};

/// The identity of a request: a random ULID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub ulid::Ulid);

/// What a command asks the daemon to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its identity.
    pub id: RequestId,
    /// In which tenant.
    pub tenant: TenantName,
    /// What.
    pub ask: Ask,
    /// Who asks.
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// When nobody waits for an answer any more.
    pub until: Timestamp,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// To read and plan.
    Plan {
        /// Whether policies that do not fit the tenant are left out.
        leave_out_misfits: bool,
        /// Whether the policies that are gone are let go of where there is nothing else to do.
        let_go: bool,
    },
    /// To plan a change for some users, once.
    Bulk(BulkOrder),
    /// To plan users back to what they were before a plan.
    Revert(PlanId),
    /// To carry out an approved plan.
    CarryOut(PlanId),
    /// To carry out the part of a held plan that no guard holds but those that are accepted.
    Part {
        /// The held plan.
        plan: PlanId,
        /// What a person accepts.
        accepted: Vec<GuardName>,
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// To read the tenant, and keep what was seen.
    Read {
        /// Groups whose members are read, beside those that the policies ask for.
        groups: Vec<GroupRequest>,
        /// What is read of the others.
        others: OtherGroups,
        /// Whether sign-ins are read, though no policy asks for them.
        sign_ins: bool,
    },
}

/// How the daemon answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A plan was made.
    Planned {
        /// The plan, and where it stands.
        plan: Box<StoredPlan>,
        /// Whether it is stored: a plan with nothing to do is not.
        is_stored: bool,
        /// How many plans that an interruption had left open were closed.
        recovered: u64,
    },
    /// A plan was carried out, as far as it went.
    CarriedOut(Box<CarriedOutReply>),
    /// Nothing of the part was planned any more.
    NothingLeft,
    /// The tenant was read and is kept.
    Read,
    /// It could not be done.
    Failed(FailedReply),
}

/// What carrying a plan out came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedOutReply {
    /// The plan.
    pub plan: PlanId,
    /// Where it stands now.
    pub state: crate::plan::PlanState,
    /// How many operations ended in which way.
    pub outcomes: Vec<(crate::ports::OutcomeKind, u64)>,
    /// Why it stopped before its end, where it did.
    pub stopped: Option<String>,
    /// Operations that were sent and whose outcome the next run has to look up.
    pub unsettled: u64,
    /// Operations that would be planned now and were never approved.
    pub unapproved: u64,
    /// The plan that it is a part of, where it is one.
    pub part_of: Option<PlanId>,
}

/// Why something could not be done, in the words and with the exit code of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReply {
    /// The exit code.
    pub exit: u8,
    /// What is shown before: problems with their lines. Empty where there is nothing.
    pub shown: String,
    /// What failed.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nobody has taken it up.
    Waiting,
    /// The daemon works on it.
    Taken,
    /// It was answered.
    Answered(Reply),
    /// It was taken back, or nobody took it up in time.
    Withdrawn,
}

/// A time in which nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The tenant; none where it is for all.
    pub tenant: Option<TenantName>,
    /// Who paused.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// Since when.
    pub since: Timestamp,
    /// Until when, unless somebody resumes before.
    pub until: Timestamp,
}

/// Something that people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The tenant.
    pub tenant: TenantName,
    /// What happened.
    pub event: Event,
    /// What it is about: of notices with the same tenant, event and subject only the first is told.
    pub subject: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// One line.
    pub title: String,
    /// More, a line each.
    pub details: Vec<String>,
    /// The plan that it is about, where there is one.
    pub plan: Option<PlanId>,
}

/// A notice on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The number of the notice, in the order of recording.
    pub number: u64,
    /// The receiver, by its name.
    pub receiver: Arc<str>,
    /// What is told.
    pub notice: Notice,
    /// How often it was tried.
    pub tries: u32,
}

/// What the daemon tells about a tenant, for those who look from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The tenant.
    pub tenant: TenantName,
    /// When it was told.
    pub at: Timestamp,
    /// The process.
    pub process: u32,
    /// The version of the program.
    pub version: Arc<str>,
    /// Who approves: `observe`, `approve` or `enforce`.
    pub mode: Arc<str>,
    /// What it does now.
    pub activity: Activity,
    /// When the next cycle is due.
    pub next_cycle: Option<Timestamp>,
    /// When a window next opens or closes, where there are any.
    pub next_turn: Option<Timestamp>,
    /// Why changes may not run now, where they may not.
    pub held_back: Option<Arc<str>>,
    /// The policies that are in force, by their digest and commit; none before the first load.
    pub policies: Option<(crate::plan::Digest, Option<Arc<str>>)>,
    /// Why the policy files are not in force, where they are invalid.
    pub invalid: Option<Arc<str>>,
    /// What does not fit the tenant in the policies in force, and takes no part.
    pub left_out: LeftOut,
    /// Why the settings in force are not those of the configuration file, where they are not.
    pub outdated: Option<Arc<str>>,
    /// How many cycles have failed in a row.
    pub failures: u64,
}

/// Policies that do not fit the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many problems there are.
    pub problems: u64,
    /// The first of them, each as `FILE:LINE: what is wrong`.
    pub first: Vec<Arc<str>>,
}

/// What the daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// It waits for the next cycle.
    Waiting,
    /// It reads and plans.
    Planning,
    /// It carries a plan out.
    Applying,
    /// It has stopped.
    Stopped,
}

impl Activity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Planning, Self::Applying, Self::Stopped];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Planning => "planning",
            Self::Applying => "applying",
            Self::Stopped => "stopped",
        }
    }

    /// Returns the activity of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.as_str() == word)
    }
}

/// Keeps requests, pauses, notices and reports. Every writing call is durable when it returns.
pub trait Desk: Send + Sync {
    /// Leaves a request for the daemon.
    fn ask(&self, request: Request) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Tells where a request stands. One that nobody ever left is withdrawn.
    fn standing(
        &self,
        id: RequestId,
    ) -> impl Future<Output = Result<Standing, RecordsError>> + Send;

    /// Takes a request back, unless it was taken up. Returns where it stands then.
    fn withdraw(
        &self,
        id: RequestId,
    ) -> impl Future<Output = Result<Standing, RecordsError>> + Send;

    /// Takes up the oldest request that waits, with those withdrawn for which nobody waits now.
    fn take_request(
        &self,
        tenant: &TenantName,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Request>, RecordsError>> + Send;

    /// Answers a request.
    fn answer(
        &self,
        id: RequestId,
        reply: Reply,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Withdraws the requests that a daemon that is gone had taken up. Returns how many.
    fn abandon_requests(
        &self,
        tenant: &TenantName,
        at: Timestamp,
    ) -> impl Future<Output = Result<u64, RecordsError>> + Send;

    /// Returns the plans of a tenant that are approved and have not expired, the oldest first.
    fn approved_plans(
        &self,
        tenant: &TenantName,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<PlanId>, RecordsError>> + Send;

    /// Begins a pause. It takes the place of one for the same tenant, or for all, that still runs.
    fn pause(&self, pause: Pause) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Ends the pauses of a tenant that still run (or with none, those for all). Returns how many.
    fn resume(
        &self,
        tenant: Option<&TenantName>,
        by: Arc<str>,
        at: Timestamp,
    ) -> impl Future<Output = Result<u64, RecordsError>> + Send;

    /// Returns the pause that is in force for a tenant, where there is one: of several the longest.
    fn paused(
        &self,
        tenant: &TenantName,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Pause>, RecordsError>> + Send;

    /// Records a notice for these receivers. Returns whether it is news.
    fn notify(
        &self,
        notice: Notice,
        receivers: Vec<Arc<str>>,
    ) -> impl Future<Output = Result<bool, RecordsError>> + Send;

    /// Returns what is to be delivered now, the oldest first.
    fn due_deliveries(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Delivery>, RecordsError>> + Send;

    /// Records that something was delivered; or with a time, that it is to be tried again then, and
    /// why it failed; or without one, that it is given up.
    fn delivered(
        &self,
        number: u64,
        receiver: &str,
        outcome: Delivered,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records what the daemon tells about a tenant, in place of what it told before.
    fn report(&self, report: Report) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Returns what the daemon told last about a tenant.
    fn reported(
        &self,
        tenant: &TenantName,
    ) -> impl Future<Output = Result<Option<Report>, RecordsError>> + Send;
}

/// How a try to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It arrived.
    Done,
    /// It is tried again at this time.
    Again {
        /// When.
        at: Timestamp,
        /// Why it failed.
        why: String,
    },
    /// It is given up.
    GivenUp {
        /// Why.
        why: String,
    },
}
