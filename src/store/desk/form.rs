//! How requests, replies, notices and reports stand in JSON in the store. Read by the same version of
//! the program that wrote them, or by the one after it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::dn::DistinguishedName;
use crate::domain::names::{TenantName, UsageLocation};
use crate::plan::bulk::{BulkOrder, Change, Selection, Skus};
use crate::plan::{Digest, GuardName, PlanId, PlanState};
use crate::ports::desk::{
    Activity, Ask, CarriedOutReply, FailedReply, LeftOut, Notice, Reply, Report,
};
use crate::ports::{GroupRequest, OtherGroups, OutcomeKind};
use crate::report::json::text::{AsWord, Text};
use crate::report::json::{PlanJsonError, from_json, to_json};

#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum AskForm {
    Plan {
        leave_out_misfits: bool,
        let_go: bool,
    },
    Bulk(BulkOrderForm),
    Revert {
        plan: Text<PlanId>,
    },
    CarryOut {
        plan: Text<PlanId>,
    },
    Part {
        plan: Text<PlanId>,
        accepted: Vec<AsWord<GuardName>>,
        reason: Option<Arc<str>>,
    },
    Read {
        groups: Vec<(Arc<str>, bool)>,
        others: OthersForm,
        #[serde(default)]
        sign_ins: bool,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OthersForm {
    Listed,
    First(usize),
    Read,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BulkOrderForm {
    change: ChangeForm,
    usage_location: Option<Text<UsageLocation>>,
    selection: SelectionForm,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum ChangeForm {
    Add {
        skus: Vec<Arc<str>>,
    },
    /// Without `replaces` for all.
    Replace {
        skus: Vec<Arc<str>>,
        replaces: Option<Vec<Arc<str>>>,
    },
    /// Without `skus` for all.
    Remove {
        skus: Option<Vec<Arc<str>>>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SelectionForm {
    Users(Vec<Arc<str>>),
    Csv { file: Arc<str>, rows: Vec<(u32, Arc<str>)> },
    Group(Arc<str>),
    Ou(Text<DistinguishedName>),
    Domain(Arc<str>),
    Search(Arc<str>),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(super) enum ReplyForm {
    /// With the plan as it is published.
    Planned {
        plan: String,
        is_stored: bool,
        recovered: u64,
    },
    CarriedOut(CarriedOutForm),
    NothingLeft,
    Read,
    Failed {
        exit: u8,
        shown: String,
        message: String,
        hint: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct CarriedOutForm {
    plan: Text<PlanId>,
    state: AsWord<PlanState>,
    outcomes: Vec<(AsWord<OutcomeKind>, u64)>,
    stopped: Option<String>,
    unsettled: u64,
    unapproved: u64,
    part_of: Option<Text<PlanId>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NoticeForm {
    pub(super) title: String,
    pub(super) details: Vec<String>,
    pub(super) plan: Option<Text<PlanId>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReportForm {
    process: u32,
    version: Arc<str>,
    mode: Arc<str>,
    activity: AsWord<Activity>,
    next_cycle: Option<Text<Timestamp>>,
    next_turn: Option<Text<Timestamp>>,
    held_back: Option<Arc<str>>,
    policy_digest: Option<Text<Digest>>,
    policy_commit: Option<Arc<str>>,
    invalid: Option<Arc<str>>,
    #[serde(default)]
    left_out: u64,
    #[serde(default)]
    left_out_first: Vec<Arc<str>>,
    #[serde(default)]
    outdated: Option<Arc<str>>,
    failures: u64,
}

/// A text that is not what this version of the program writes.
#[derive(Debug, thiserror::Error)]
#[error("the record is not of a form that this version reads")]
pub(super) struct UnknownForm(#[source] Option<PlanJsonError>);

impl From<&Ask> for AskForm {
    fn from(ask: &Ask) -> Self {
        match ask {
            Ask::Plan { leave_out_misfits, let_go } => {
                Self::Plan { leave_out_misfits: *leave_out_misfits, let_go: *let_go }
            }
            Ask::Bulk(order) => Self::Bulk(order.into()),
            Ask::Revert(plan) => Self::Revert { plan: Text(*plan) },
            Ask::CarryOut(plan) => Self::CarryOut { plan: Text(*plan) },
            Ask::Part { plan, accepted, reason } => Self::Part {
                plan: Text(*plan),
                accepted: accepted.iter().copied().map(AsWord).collect(),
                reason: reason.clone(),
            },
            Ask::Read { groups, others, sign_ins } => Self::Read {
                sign_ins: *sign_ins,
                groups: groups.iter().map(|one| (one.group.clone(), one.direct)).collect(),
                others: match others {
                    OtherGroups::Listed => OthersForm::Listed,
                    OtherGroups::First(most) => OthersForm::First(*most),
                    OtherGroups::Read => OthersForm::Read,
                },
            },
        }
    }
}

impl From<AskForm> for Ask {
    fn from(form: AskForm) -> Self {
        match form {
            AskForm::Plan { leave_out_misfits, let_go } => Self::Plan { leave_out_misfits, let_go },
            AskForm::Bulk(order) => Self::Bulk(order.into()),
            AskForm::Revert { plan } => Self::Revert(plan.0),
            AskForm::CarryOut { plan } => Self::CarryOut(plan.0),
            AskForm::Part { plan, accepted, reason } => Self::Part {
                plan: plan.0,
                accepted: accepted.into_iter().map(|AsWord(guard)| guard).collect(),
                reason,
            },
            AskForm::Read { groups, others, sign_ins } => Self::Read {
                sign_ins,
                groups: groups
                    .into_iter()
                    .map(|(group, direct)| GroupRequest { group, direct })
                    .collect(),
                others: match others {
                    OthersForm::Listed => OtherGroups::Listed,
                    OthersForm::First(most) => OtherGroups::First(most),
                    OthersForm::Read => OtherGroups::Read,
                },
            },
        }
    }
}

/// Returns the list of SKUs; none where it is all of them.
fn listed(skus: &Skus<Arc<str>>) -> Option<Vec<Arc<str>>> {
    match skus {
        Skus::All => None,
        Skus::Listed(skus) => Some(skus.clone()),
    }
}

impl From<&BulkOrder> for BulkOrderForm {
    fn from(order: &BulkOrder) -> Self {
        let BulkOrder { change, usage_location, selection } = order;
        Self {
            change: match change {
                Change::Add { skus } => ChangeForm::Add { skus: skus.clone() },
                Change::Replace { skus, replaces } => {
                    ChangeForm::Replace { skus: skus.clone(), replaces: listed(replaces) }
                }
                Change::Remove { skus } => ChangeForm::Remove { skus: listed(skus) },
            },
            usage_location: usage_location.map(Text),
            selection: match selection.clone() {
                Selection::Users(users) => SelectionForm::Users(users),
                Selection::Csv { file, rows } => SelectionForm::Csv { file, rows },
                Selection::Group(group) => SelectionForm::Group(group),
                Selection::Ou(ou) => SelectionForm::Ou(Text(ou)),
                Selection::Domain(domain) => SelectionForm::Domain(domain),
                Selection::Search(text) => SelectionForm::Search(text),
            },
        }
    }
}

impl From<BulkOrderForm> for BulkOrder {
    fn from(form: BulkOrderForm) -> Self {
        let BulkOrderForm { change, usage_location, selection } = form;
        let skus = |skus: Option<Vec<Arc<str>>>| skus.map_or(Skus::All, Skus::Listed);
        Self {
            change: match change {
                ChangeForm::Add { skus } => Change::Add { skus },
                ChangeForm::Replace { skus: given, replaces } => {
                    Change::Replace { skus: given, replaces: skus(replaces) }
                }
                ChangeForm::Remove { skus: gone } => Change::Remove { skus: skus(gone) },
            },
            usage_location: usage_location.map(|Text(location)| location),
            selection: match selection {
                SelectionForm::Users(users) => Selection::Users(users),
                SelectionForm::Csv { file, rows } => Selection::Csv { file, rows },
                SelectionForm::Group(group) => Selection::Group(group),
                SelectionForm::Ou(Text(ou)) => Selection::Ou(ou),
                SelectionForm::Domain(domain) => Selection::Domain(domain),
                SelectionForm::Search(text) => Selection::Search(text),
            },
        }
    }
}

impl From<&Reply> for ReplyForm {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Planned { plan, is_stored, recovered } => {
                let (is_stored, recovered) = (*is_stored, *recovered);
                Self::Planned { plan: to_json(plan), is_stored, recovered }
            }
            Reply::CarriedOut(carried) => {
                let CarriedOutReply {
                    plan,
                    state,
                    outcomes,
                    stopped,
                    unsettled,
                    unapproved,
                    part_of,
                } = &**carried;
                Self::CarriedOut(CarriedOutForm {
                    plan: Text(*plan),
                    state: AsWord(*state),
                    outcomes: outcomes.iter().map(|(kind, n)| (AsWord(*kind), *n)).collect(),
                    stopped: stopped.clone(),
                    unsettled: *unsettled,
                    unapproved: *unapproved,
                    part_of: part_of.map(Text),
                })
            }
            Reply::NothingLeft => Self::NothingLeft,
            Reply::Read => Self::Read,
            Reply::Failed(FailedReply { exit, shown, message, hint }) => Self::Failed {
                exit: *exit,
                shown: shown.clone(),
                message: message.clone(),
                hint: hint.clone(),
            },
        }
    }
}

impl TryFrom<ReplyForm> for Reply {
    type Error = UnknownForm;

    fn try_from(form: ReplyForm) -> Result<Self, UnknownForm> {
        Ok(match form {
            ReplyForm::Planned { plan, is_stored, recovered } => {
                let plan = from_json(&plan).map_err(|error| UnknownForm(Some(error)))?;
                Self::Planned { plan: Box::new(plan), is_stored, recovered }
            }
            ReplyForm::CarriedOut(form) => {
                let CarriedOutForm {
                    plan,
                    state,
                    outcomes,
                    stopped,
                    unsettled,
                    unapproved,
                    part_of,
                } = form;
                Self::CarriedOut(Box::new(CarriedOutReply {
                    plan: plan.0,
                    state: state.0,
                    outcomes: outcomes.into_iter().map(|(AsWord(kind), n)| (kind, n)).collect(),
                    stopped,
                    unsettled,
                    unapproved,
                    part_of: part_of.map(|Text(plan)| plan),
                }))
            }
            ReplyForm::NothingLeft => Self::NothingLeft,
            ReplyForm::Read => Self::Read,
            ReplyForm::Failed { exit, shown, message, hint } => {
                Self::Failed(FailedReply { exit, shown, message, hint })
            }
        })
    }
}

impl From<&Notice> for NoticeForm {
    fn from(notice: &Notice) -> Self {
        Self {
            title: notice.title.clone(),
            details: notice.details.clone(),
            plan: notice.plan.map(Text),
        }
    }
}

impl From<&Report> for ReportForm {
    fn from(report: &Report) -> Self {
        let Report {
            tenant: _,
            at: _,
            process,
            version,
            mode,
            activity,
            next_cycle,
            next_turn,
            held_back,
            policies,
            invalid,
            left_out,
            outdated,
            failures,
        } = report;
        Self {
            process: *process,
            version: version.clone(),
            mode: mode.clone(),
            activity: AsWord(*activity),
            next_cycle: next_cycle.map(Text),
            next_turn: next_turn.map(Text),
            held_back: held_back.clone(),
            policy_digest: policies.as_ref().map(|(digest, _)| Text(*digest)),
            policy_commit: policies.as_ref().and_then(|(_, commit)| commit.clone()),
            invalid: invalid.clone(),
            left_out: left_out.problems,
            left_out_first: left_out.first.clone(),
            outdated: outdated.clone(),
            failures: *failures,
        }
    }
}

impl ReportForm {
    pub(super) fn into_report(self, tenant: TenantName, at: Timestamp) -> Report {
        let Self {
            process,
            version,
            mode,
            activity,
            next_cycle,
            next_turn,
            held_back,
            policy_digest,
            policy_commit,
            invalid,
            left_out,
            left_out_first,
            outdated,
            failures,
        } = self;
        Report {
            tenant,
            at,
            process,
            version,
            mode,
            activity: activity.0,
            next_cycle: next_cycle.map(|Text(at)| at),
            next_turn: next_turn.map(|Text(at)| at),
            held_back,
            policies: policy_digest.map(|Text(digest)| (digest, policy_commit)),
            invalid,
            left_out: LeftOut { problems: left_out, first: left_out_first },
            outdated,
            failures,
        }
    }
}
