//! A whole plan as JSON, and the same without its operations as the head that the store keeps.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::names::TenantName;
use crate::domain::snapshot::ReadKind;
use crate::plan::PolicyOwner;
use crate::plan::{
    Baseline, Basis, Digest, GuardName, LeftOut, Operation, Origin, Plan, PlanId, PlanState,
    Released, SeatLine, Simulated, Summary, Trigger, UnknownMatch, Verdict, Warning,
};
use crate::ports::{Decision, StoredPlan};
use crate::report::json::FORMAT_VERSION;
use crate::report::json::entry::PolicyOwnerForm;
use crate::report::json::entry::{
    BlockedForm, LeftOutForm, ReleasedForm, ScheduledForm, SeatForm, UnknownForm, VerdictForm,
    WaitingForm, WarningForm,
};
use crate::report::json::operation::{Contradiction, OperationForm, forms, values};
use crate::report::json::origin::{OriginForm, UndoingForm};
use crate::report::json::text::{AsWord, Text};
use crate::report::json::what_if::{BaselineForm, NoLongerForm, SimulatedForm};

/// A plan of Seatkeeper: what is to be done to which users, and everything that explains it.
// What can change after the plan was made (`state`, `decisions`) and what is kept row by row in the
// store (`operations`) is there in the published form alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Plan", title = "Seatkeeper plan")]
pub(crate) struct PlanForm {
    /// The version of the published form.
    format_version: u64,
    /// The id of the plan.
    id: Text<PlanId>,
    /// What binds an approval: the digest of all that the plan does.
    digest: Text<Digest>,
    /// The tenant, as the configuration calls it.
    tenant: Text<TenantName>,
    /// When the plan was made.
    created_at: Text<Timestamp>,
    /// Until when it can be decided and carried out.
    expires_at: Text<Timestamp>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<AsWord<PlanState>>,
    /// Why it was made now.
    trigger: AsWord<Trigger>,
    /// What it follows from. Absent where that is the policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<OriginForm>,
    /// The plan that this is the rest of, without what a guard holds.
    part_of: Option<Text<PlanId>>,
    /// What it was made from.
    basis: BasisForm,
    /// How much it does.
    summary: SummaryForm,
    /// Everything that it does, one operation a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operations: Option<Vec<OperationForm>>,
    /// What could not be planned.
    blocked: Vec<BlockedForm>,
    /// Who has no seat yet.
    waiting: Vec<WaitingForm>,
    /// What goes later.
    scheduled: Vec<ScheduledForm>,
    /// What policies let go without taking it away.
    released: Vec<ReleasedForm>,
    /// Policies of which it is unknown whether they match some users.
    unknown: Vec<UnknownForm>,
    /// Policies that take no part, as they do not fit the tenant.
    left_out: Vec<LeftOutForm>,
    /// What a person should look at.
    warnings: Vec<WarningForm>,
    /// The seats of each SKU that the plan has to do with.
    seats: Vec<SeatForm>,
    /// What the guards found.
    guards: Vec<VerdictForm>,
    /// Policies that would undo it. Absent where the plan follows from the policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undone_by: Option<Vec<UndoingForm>>,
    /// Whom to ask about the policies that it names. Absent where their files do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policy_owners: Vec<PolicyOwnerForm>,
    /// What the baseline says and these policies do not. Absent where the plan is compared with no
    /// other policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_longer: Option<Vec<NoLongerForm>>,
    /// What people decided, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decisions: Option<Vec<DecisionForm>>,
}

/// What a plan was made from.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Basis")]
struct BasisForm {
    /// The digest of the policy files.
    policy_digest: Text<Digest>,
    /// The git commit that holds exactly these files.
    policy_commit: Option<Arc<str>>,
    /// When the tenant was read.
    snapshot_taken_at: Text<Timestamp>,
    /// How many users there were.
    users: u64,
    /// How many groups were read.
    groups: u64,
    /// How the tenant was read.
    read: ReadForm,
    /// Absent where the plan can be stored, decided on and carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    simulated: Option<SimulatedForm>,
    /// Absent where the plan is compared with no other policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineForm>,
}

/// How the tenant was read. Other words are for later versions, and a reader that does not know them
/// need not refuse the plan.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ReadForm {
    /// All of it.
    Full,
    /// What changed since it was read before.
    Delta,
    #[serde(other)]
    #[schemars(skip)]
    Otherwise,
}

impl From<ReadKind> for ReadForm {
    fn from(read: ReadKind) -> Self {
        match read {
            ReadKind::Full => Self::Full,
            ReadKind::Delta => Self::Delta,
        }
    }
}

impl From<ReadForm> for ReadKind {
    fn from(form: ReadForm) -> Self {
        match form {
            ReadForm::Full => Self::Full,
            // Whatever it was, it is not known to be all.
            ReadForm::Delta | ReadForm::Otherwise => Self::Delta,
        }
    }
}

/// How much a plan does: operations by kind, and what is beside them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Summary")]
struct SummaryForm {
    /// Operations that only add.
    add: u64,
    /// Operations that add and remove in one call.
    replace: u64,
    /// Operations that only remove.
    remove: u64,
    /// Operations that only change service plans.
    modify: u64,
    /// Operations that only set the usage location.
    locate: u64,
    /// Operations that call nothing.
    adopt: u64,
    /// People who are changed in the tenant.
    people: u64,
    /// People without an operation.
    unchanged: u64,
    /// Entries of `blocked`.
    blocked: u64,
    /// Entries of `waiting`.
    waiting: u64,
    /// Entries of `scheduled`.
    scheduled: u64,
    /// Entries of `released`.
    released: u64,
    /// Assignments that no policy wants or owns.
    unmanaged: u64,
    /// Entries of `unknown`.
    unknown: u64,
}

/// What somebody decided.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Decision")]
struct DecisionForm {
    /// What the plan became by it.
    state: AsWord<PlanState>,
    /// Who.
    by: Arc<str>,
    /// When.
    at: Text<Timestamp>,
    /// The guards that were accepted.
    accepted: Vec<AsWord<GuardName>>,
    /// Why.
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
            policy_owners,
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
            policy_owners: forms(policy_owners),
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
            policy_owners: self.policy_owners.into_iter().map(PolicyOwner::from).collect(),
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
            read,
            simulated,
            baseline,
        } = basis;
        Self {
            policy_digest: Text(*policy_digest),
            policy_commit: policy_commit.clone(),
            snapshot_taken_at: Text(*snapshot_taken_at),
            users: *users,
            groups: *groups,
            read: (*read).into(),
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
            read,
            simulated,
            baseline,
        } = form;
        Self {
            policy_digest: policy_digest.0,
            policy_commit,
            snapshot_taken_at: snapshot_taken_at.0,
            users,
            groups,
            read: read.into(),
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
