//! A whole plan as JSON, and the same without its operations as the head that the store keeps.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::names::TenantName;
use crate::plan::{
    Baseline, Basis, Digest, GuardName, LeftOut, Operation, Origin, Plan, PlanId, PlanState,
    Released, SeatLine, Simulated, Summary, Trigger, UnknownMatch, Verdict, Warning,
};
use crate::ports::{Decision, StoredPlan};
use crate::report::json::FORMAT_VERSION;
use crate::report::json::entry::{
    BlockedForm, LeftOutForm, ReleasedForm, ScheduledForm, SeatForm, UnknownForm, VerdictForm,
    WaitingForm, WarningForm,
};
use crate::report::json::operation::{Contradiction, OperationForm, forms, values};
use crate::report::json::origin::{OriginForm, UndoingForm};
use crate::report::json::text::{AsWord, Text};
use crate::report::json::what_if::{BaselineForm, NoLongerForm, SimulatedForm};

/// A [`Plan`] in JSON. What can change after the plan was made (`state`, `decisions`) and what is
/// kept row by row in the store (`operations`) is there in the published form alone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanForm {
    format_version: u64,
    id: Text<PlanId>,
    digest: Text<Digest>,
    tenant: Text<TenantName>,
    created_at: Text<Timestamp>,
    expires_at: Text<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<AsWord<PlanState>>,
    trigger: AsWord<Trigger>,
    /// Absent where the plan follows from the policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<OriginForm>,
    part_of: Option<Text<PlanId>>,
    basis: BasisForm,
    summary: SummaryForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operations: Option<Vec<OperationForm>>,
    blocked: Vec<BlockedForm>,
    waiting: Vec<WaitingForm>,
    scheduled: Vec<ScheduledForm>,
    released: Vec<ReleasedForm>,
    unknown: Vec<UnknownForm>,
    left_out: Vec<LeftOutForm>,
    warnings: Vec<WarningForm>,
    seats: Vec<SeatForm>,
    guards: Vec<VerdictForm>,
    /// Absent where the plan follows from the policies, as nothing of it would be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undone_by: Option<Vec<UndoingForm>>,
    /// Absent where the plan is compared with no other policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_longer: Option<Vec<NoLongerForm>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decisions: Option<Vec<DecisionForm>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BasisForm {
    policy_digest: Text<Digest>,
    policy_commit: Option<Arc<str>>,
    snapshot_taken_at: Text<Timestamp>,
    users: u64,
    groups: u64,
    read: ReadForm,
    /// Absent where the plan can be stored, decided on and carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    simulated: Option<SimulatedForm>,
    /// Absent where the plan is compared with no other policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineForm>,
}

/// How the tenant was read. Every plan rests on a full read; other words are for later versions,
/// and a reader that does not know them need not refuse the plan.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadForm {
    Full,
    #[serde(other)]
    Otherwise,
}

#[derive(Debug, Serialize, Deserialize)]
struct SummaryForm {
    add: u64,
    replace: u64,
    remove: u64,
    modify: u64,
    locate: u64,
    adopt: u64,
    people: u64,
    unchanged: u64,
    blocked: u64,
    waiting: u64,
    scheduled: u64,
    released: u64,
    unmanaged: u64,
    unknown: u64,
}

/// A [`Decision`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct DecisionForm {
    state: AsWord<PlanState>,
    by: Arc<str>,
    at: Text<Timestamp>,
    accepted: Vec<AsWord<GuardName>>,
    reason: Option<Arc<str>>,
}

impl PlanForm {
    /// Returns the published form: the plan, where it stands and what was decided.
    pub(crate) fn whole(stored: &StoredPlan) -> Self {
        let StoredPlan { plan, state, decisions } = stored;
        Self {
            state: Some(AsWord(*state)),
            operations: Some(forms(&plan.operations)),
            decisions: Some(forms(decisions)),
            ..Self::head(plan)
        }
    }

    /// Returns the plan without its operations and without what can still change.
    pub(crate) fn head(plan: &Plan) -> Self {
        let Plan {
            id,
            digest,
            tenant,
            created_at,
            expires_at,
            trigger,
            origin,
            part_of,
            basis,
            summary,
            operations: _,
            blocked,
            waiting,
            scheduled,
            released,
            unknown,
            left_out,
            warnings,
            seats,
            guards,
            undone_by,
            no_longer,
        } = plan;
        let origin = OriginForm::of(origin);
        Self {
            format_version: FORMAT_VERSION,
            id: Text(*id),
            digest: Text(*digest),
            tenant: Text(tenant.clone()),
            created_at: Text(*created_at),
            expires_at: Text(*expires_at),
            state: None,
            trigger: AsWord(*trigger),
            undone_by: origin.is_some().then(|| forms(undone_by)),
            no_longer: basis.baseline.is_some().then(|| forms(no_longer)),
            origin,
            part_of: part_of.map(Text),
            basis: basis.into(),
            summary: summary.into(),
            operations: None,
            blocked: forms(blocked),
            waiting: forms(waiting),
            scheduled: forms(scheduled),
            released: forms(released),
            unknown: forms(unknown),
            left_out: forms(left_out),
            warnings: forms(warnings),
            seats: forms(seats),
            guards: forms(guards),
            decisions: None,
        }
    }

    /// Puts a head and its operations together again.
    pub(crate) fn with_operations(self, operations: Vec<Operation>) -> Result<Plan, Contradiction> {
        Ok(Plan {
            id: self.id.0,
            digest: self.digest.0,
            tenant: self.tenant.0,
            created_at: self.created_at.0,
            expires_at: self.expires_at.0,
            trigger: self.trigger.0,
            origin: self.origin.map(Origin::from).unwrap_or_default(),
            part_of: self.part_of.map(|plan| plan.0),
            basis: self.basis.into(),
            summary: self.summary.into(),
            operations,
            blocked: values(self.blocked)?,
            waiting: values(self.waiting)?,
            scheduled: values(self.scheduled)?,
            released: self.released.into_iter().map(Released::from).collect(),
            unknown: self.unknown.into_iter().map(UnknownMatch::from).collect(),
            left_out: self.left_out.into_iter().map(LeftOut::from).collect(),
            warnings: self.warnings.into_iter().map(Warning::from).collect(),
            seats: self.seats.into_iter().map(SeatLine::from).collect(),
            guards: self.guards.into_iter().map(Verdict::from).collect(),
            undone_by: values(self.undone_by.unwrap_or_default())?,
            no_longer: values(self.no_longer.unwrap_or_default())?,
        })
    }

    /// Reads the published form back. A head alone lacks `state`, `operations` and `decisions`,
    /// and comes out as `None`.
    pub(crate) fn into_stored(mut self) -> Result<Option<StoredPlan>, Contradiction> {
        let (Some(state), Some(operations), Some(decisions)) =
            (self.state.take(), self.operations.take(), self.decisions.take())
        else {
            return Ok(None);
        };
        let plan = self.with_operations(values(operations)?)?;
        let decisions = decisions.into_iter().map(Decision::from).collect();
        Ok(Some(StoredPlan { plan, state: state.0, decisions }))
    }
}

impl From<&Basis> for BasisForm {
    fn from(basis: &Basis) -> Self {
        let Basis {
            policy_digest,
            policy_commit,
            snapshot_taken_at,
            users,
            groups,
            simulated,
            baseline,
        } = basis;
        Self {
            policy_digest: Text(*policy_digest),
            policy_commit: policy_commit.clone(),
            snapshot_taken_at: Text(*snapshot_taken_at),
            users: *users,
            groups: *groups,
            read: ReadForm::Full,
            simulated: simulated.as_ref().map(SimulatedForm::from),
            baseline: baseline.as_ref().map(BaselineForm::from),
        }
    }
}

impl From<BasisForm> for Basis {
    fn from(form: BasisForm) -> Self {
        let BasisForm {
            policy_digest,
            policy_commit,
            snapshot_taken_at,
            users,
            groups,
            read: _,
            simulated,
            baseline,
        } = form;
        Self {
            policy_digest: policy_digest.0,
            policy_commit,
            snapshot_taken_at: snapshot_taken_at.0,
            users,
            groups,
            simulated: simulated.map(Simulated::from),
            baseline: baseline.map(Baseline::from),
        }
    }
}

/// Copies the counts from one struct into the other, naming every field once.
macro_rules! counts {
    ($from:expr, $From:ident => $Into:ident: $($field:ident),+) => {{
        let $From { $($field),+ } = $from;
        $Into { $($field),+ }
    }};
}

impl From<&Summary> for SummaryForm {
    fn from(summary: &Summary) -> Self {
        counts!(*summary, Summary => Self:
            add, replace, remove, modify, locate, adopt, people, unchanged, blocked, waiting,
            scheduled, released, unmanaged, unknown)
    }
}

impl From<SummaryForm> for Summary {
    fn from(form: SummaryForm) -> Self {
        counts!(form, SummaryForm => Self:
            add, replace, remove, modify, locate, adopt, people, unchanged, blocked, waiting,
            scheduled, released, unmanaged, unknown)
    }
}

impl From<&Decision> for DecisionForm {
    fn from(Decision { state, by, at, accepted, reason }: &Decision) -> Self {
        Self {
            state: AsWord(*state),
            by: Arc::clone(by),
            at: Text(*at),
            accepted: accepted.iter().copied().map(AsWord).collect(),
            reason: reason.clone(),
        }
    }
}

impl From<DecisionForm> for Decision {
    fn from(DecisionForm { state, by, at, accepted, reason }: DecisionForm) -> Self {
        let accepted = accepted.into_iter().map(|guard| guard.0).collect();
        Self { state: state.0, by, at: at.0, accepted, reason }
    }
}
