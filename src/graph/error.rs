//! From what came back to an error that says what to do about it.

use std::time::Duration;

use crate::graph::advice::cut;
use crate::graph::retry::Trouble;
use crate::graph::wire::fault::GraphFault;
use crate::ports::TenantError;

/// What is asked of Graph, for errors and for the permission that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The SKUs.
    Skus,
    /// All users.
    Users,
    /// All groups.
    Groups,
    /// The members of one group.
    Members,
    /// The users that changed.
    UserChanges,
    /// The groups that changed.
    GroupChanges,
    /// Single users, in a batch.
    Batch,
    /// Which groups one user is in.
    Memberships,
    /// When users last signed in.
    SignIns,
    /// When subscriptions renew or end.
    Subscriptions,
    /// Changes to users, in a batch.
    Write,
}

impl Ask {
    /// All of them.
    pub(super) const ALL: [Self; 11] = [
        Self::Skus,
        Self::Users,
        Self::Groups,
        Self::Members,
        Self::Batch,
        Self::Memberships,
        Self::SignIns,
        Self::Subscriptions,
        Self::UserChanges,
        Self::GroupChanges,
        Self::Write,
    ];

    /// Returns the word for it, for counts.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Skus => "skus",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Members => "members",
            Self::Batch => "batch",
            Self::Memberships => "memberships",
            Self::SignIns => "sign_ins",
            Self::Subscriptions => "subscriptions",
            Self::UserChanges => "user_changes",
            Self::GroupChanges => "group_changes",
            Self::Write => "write",
        }
    }

    /// Returns what was tried, to follow "cannot".
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Skus => "list subscribed SKUs",
            Self::Users => "list users",
            Self::Groups => "list groups",
            Self::Members => "list members of a group",
            Self::UserChanges => "list changes of users",
            Self::GroupChanges => "list changes of groups",
            Self::Batch => "read users",
            Self::Memberships => "check memberships of a user",
            Self::SignIns => "read sign-in activity",
            Self::Subscriptions => "list subscriptions",
            Self::Write => "write to users",
        }
    }

    /// Whether the answer is about several items, each with a status of its own.
    pub(super) fn is_batch(self) -> bool {
        match self {
            Self::Batch | Self::Write => true,
            Self::Skus
            | Self::Users
            | Self::Groups
            | Self::Members
            | Self::UserChanges
            | Self::GroupChanges
            | Self::Memberships
            | Self::SignIns
            | Self::Subscriptions => false,
        }
    }

    /// Whether it lists, which can wait: to see what became of a write, or whether one may be made, cannot.
    pub(super) fn is_listing(self) -> bool {
        match self {
            Self::Batch | Self::Memberships | Self::Write => false,
            Self::Skus
            | Self::Users
            | Self::Groups
            | Self::Members
            | Self::UserChanges
            | Self::GroupChanges
            | Self::SignIns
            | Self::Subscriptions => true,
        }
    }

    /// Whether it asks for what changed since: then a refusal is an answer, and there is another way.
    pub(super) fn is_of_changes(self) -> bool {
        match self {
            Self::UserChanges | Self::GroupChanges => true,
            Self::Skus
            | Self::Users
            | Self::Groups
            | Self::Members
            | Self::Batch
            | Self::Memberships
            | Self::SignIns
            | Self::Subscriptions
            | Self::Write => false,
        }
    }

    /// Whether it goes on without an answer, so that a missing permission is no news.
    pub(super) fn is_optional(self) -> bool {
        match self {
            Self::SignIns | Self::Subscriptions => true,
            Self::Skus
            | Self::Users
            | Self::Groups
            | Self::Members
            | Self::UserChanges
            | Self::GroupChanges
            | Self::Batch
            | Self::Memberships
            | Self::Write => false,
        }
    }

    /// Returns the least application permission that it needs.
    ///
    /// Source: the permission tables of Graph's reference, application permissions.
    fn permission(self) -> &'static str {
        match self {
            Self::Skus => {
                "grant the application permission `LicenseAssignment.Read.All`, with admin consent"
            }
            Self::Users | Self::UserChanges | Self::Batch => {
                "grant the application permission `User.Read.All`, with admin consent"
            }
            Self::Groups | Self::GroupChanges | Self::Members => {
                "grant the application permission `GroupMember.Read.All`, with admin consent"
            }
            Self::Memberships => {
                "grant the application permissions `User.Read.All` and `GroupMember.Read.All`, \
                 with admin consent"
            }
            Self::Subscriptions => {
                "grant the application permission `Organization.Read.All`, with admin consent"
            }
            Self::SignIns => {
                "grant the application permission `AuditLog.Read.All`, with admin consent"
            }
            Self::Write => {
                "grant the application permission `LicenseAssignment.ReadWrite.All`, and for usage \
                 locations `User.ReadWrite.All`, with admin consent"
            }
        }
    }
}

const NOT_GRAPH: &str = "is this endpoint Microsoft Graph? a proxy may have answered";
const NOT_ENTRA: &str = "is this endpoint Entra's login? a proxy may have answered";
const UNREACHABLE: &str =
    "check the endpoint, name resolution, and that firewall and proxy let it through";
const LATE: &str = "it may be overloaded or the way to it blocked; a longer timeout may help";
const PAUSED: &str =
    "another program may share this app registration's quota: give Seatkeeper its own";

/// Graph's refusal of a read, final.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) ask: Ask,
    pub(super) status: u16,
    pub(super) fault: GraphFault,
    request_id: Option<String>,
}

impl Refused {
    pub(super) fn new(
        ask: Ask,
        status: u16,
        mut fault: GraphFault,
        request_id: Option<&str>,
    ) -> Self {
        let request_id = fault.request_id.take().or_else(|| request_id.map(str::to_owned));
        Self { ask, status, fault, request_id }
    }

    /// Whether the listing may be had by beginning again.
    ///
    /// Source: Graph `DirectoryPageTokenNotFoundException`, `Directory_ExpiredPageToken`.
    pub(super) fn is_page_token(&self) -> bool {
        ["directorypagetokennotfound", "directory_expiredpagetoken"]
            .iter()
            .any(|name| self.fault.names(name))
    }

    /// Whether only a full read leads on.
    ///
    /// Source: Graph delta query: 410; `syncStateNotFound` and `resyncRequired` with any 40x, however
    /// they are spelled. A token that is not taken at all is of no use either.
    pub(super) fn asks_for_resync(&self) -> bool {
        self.ask.is_of_changes()
            && (matches!(self.status, 400 | 404 | 410) || is_resync(&self.fault))
    }

    /// Returns the error for whoever asked.
    pub(super) fn into_error(self) -> TenantError {
        let reason = self.reason();
        let what = self.ask.as_str().to_owned();
        match self.status {
            401 => TenantError::Forbidden {
                what,
                reason,
                hint: Some(
                    "Graph does not take a fresh token: check `cloud`, the endpoints, and \
                            that the app's service principal is enabled"
                        .to_owned(),
                ),
            },
            403 => TenantError::Forbidden {
                what,
                reason,
                hint: Some(self.ask.permission().to_owned()),
            },
            _ => TenantError::Unavailable { what, reason, hint: None },
        }
    }

    pub(super) fn reason(&self) -> String {
        let mut reason = format!("HTTP {}", self.status);
        if !self.fault.code.is_empty() {
            reason = format!("{reason} `{}`", cut(&self.fault.code, 100));
        }
        if !self.fault.message.is_empty() {
            reason = format!("{reason}: {}", cut(&self.fault.message, 500));
        }
        with_request_id(reason, self.request_id.as_deref())
    }
}

/// Whether these are Graph's words for "read everything anew".
pub(super) fn is_resync(fault: &GraphFault) -> bool {
    fault.names("syncstatenotfound") || fault.names("resyncrequired")
}

fn with_request_id(reason: String, request_id: Option<&str>) -> String {
    match request_id {
        Some(id) => format!("{reason} (request-id {})", cut(id, 64)),
        None => reason,
    }
}

/// A try without a usable answer.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    /// What came instead.
    pub(super) reason: String,
    /// What it means for the next try.
    pub(super) trouble: Trouble,
    /// What a person can do.
    pub(super) hint: Option<&'static str>,
    /// How long the other end asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// The HTTP status; 0 where no answer came.
    pub(super) status: u16,
}

impl Unanswered {
    fn new(reason: String, trouble: Trouble, hint: Option<&'static str>) -> Self {
        Self { reason, trouble, hint, retry_after: None, status: 0 }
    }

    pub(super) fn unreachable(cause: &str) -> Self {
        Self::new(
            format!("no connection: {}", cut(cause, 200)),
            Trouble::Unreachable,
            Some(UNREACHABLE),
        )
    }

    pub(super) fn late() -> Self {
        Self::new("no answer in time".to_owned(), Trouble::Fault, Some(LATE))
    }

    pub(super) fn broken(reason: &str) -> Self {
        Self::new(cut(reason, 500), Trouble::Fault, None)
    }

    pub(super) fn not_entra(reason: String) -> Self {
        Self::new(reason, Trouble::Malformed, Some(NOT_ENTRA))
    }

    /// The tenant asks for a pause that is too long.
    pub(super) fn paused(delay: Duration) -> Self {
        let reason = format!("Graph asks to wait {} s, longer than there is time", delay.as_secs());
        Self::new(reason, Trouble::Throttled, Some(PAUSED))
    }

    /// An answer whose status says that it may be tried again.
    pub(super) fn status(status: u16, body: &[u8], request_id: Option<&str>) -> Self {
        let fault = GraphFault::parse(body);
        let readable = fault.is_some();
        let fault = fault.unwrap_or_default();
        let contended = fault.is_contention();
        let refused = Refused::new(Ask::Batch, status, fault, request_id);
        let (trouble, hint) = match status {
            429 => (Trouble::Throttled, Some(PAUSED)),
            _ if contended => (Trouble::Contended, None),
            _ if readable => (Trouble::Fault, None),
            _ => (Trouble::Fault, (!body.is_empty()).then_some(NOT_GRAPH)),
        };
        Self { status, ..Self::new(refused.reason(), trouble, hint) }
    }

    /// An answer that cannot be read.
    pub(super) fn malformed(reason: &str, body: &[u8], request_id: Option<&str>) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(800)]);
        // A body in which somebody's data may stand is not quoted; a page for people is.
        let hint = text.trim_start().starts_with('<').then_some(NOT_GRAPH);
        let reason = match hint {
            Some(_) => format!("{}: it begins `{}`", cut(reason, 300), cut(&text, 120)),
            None => cut(reason, 300),
        };
        Self::new(with_request_id(reason, request_id), Trouble::Malformed, hint)
    }

    /// Returns the error for whoever asked.
    pub(super) fn into_error(self, ask: Ask) -> TenantError {
        self.into_error_about(ask.as_str().to_owned())
    }

    /// Returns the error of having tried `what`.
    pub(super) fn into_error_about(self, what: String) -> TenantError {
        let hint = self.hint.map(str::to_owned);
        match self.trouble {
            Trouble::Malformed => TenantError::Malformed { what, reason: self.reason, hint },
            Trouble::Throttled | Trouble::Fault | Trouble::Unreachable | Trouble::Contended => {
                TenantError::Unavailable { what, reason: self.reason, hint }
            }
        }
    }
}
