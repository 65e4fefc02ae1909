//! The lists of a plan beside its operations as JSON: what is blocked, waits, is due, is let go.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::names::PolicyName;
use crate::plan::{
    Blocked, BlockedReason, GuardName, LeftOut, Released, Scheduled, SeatLine, UnknownMatch,
    Verdict, Waiting, Warning,
};
use crate::report::json::operation::{
    BecauseForm, Contradiction, UserForm, forms, optional_sku_ref, service_plans, sku_ref, values,
};
use crate::report::json::text::{AsWord, Text};

/// A [`Blocked`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BlockedForm {
    user: UserForm,
    sku_id: Option<Text<SkuId>>,
    sku: Option<Arc<str>>,
    reason: AsWord<BlockedReason>,
    detail: String,
    because: Vec<BecauseForm>,
}

/// A [`Waiting`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WaitingForm {
    user: UserForm,
    sku_id: Text<SkuId>,
    sku: Arc<str>,
    position: u64,
    #[serde(default = "long_ago")]
    since: Text<Timestamp>,
    #[serde(default)]
    meanwhile_id: Option<Text<SkuId>>,
    #[serde(default)]
    meanwhile: Option<Arc<str>>,
    because: Vec<BecauseForm>,
}

/// Plans of the first stores did not say it.
fn long_ago() -> Text<Timestamp> {
    Text(Timestamp::UNIX_EPOCH)
}

/// A [`Scheduled`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScheduledForm {
    user: UserForm,
    sku_id: Text<SkuId>,
    sku: Arc<str>,
    #[serde(default)]
    service_plans: Vec<Arc<str>>,
    #[serde(default)]
    service_plan_ids: Vec<Text<ServicePlanId>>,
    due: Text<Timestamp>,
    because: Vec<BecauseForm>,
}

/// A [`Released`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReleasedForm {
    user: UserForm,
    sku_id: Text<SkuId>,
    sku: Arc<str>,
    policy: Text<PolicyName>,
    still_wanted: bool,
}

/// An [`UnknownMatch`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnknownForm {
    policy: Text<PolicyName>,
    at: Arc<str>,
    detail: Arc<str>,
    users: u64,
}

/// A [`LeftOut`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeftOutForm {
    policy: Text<PolicyName>,
    at: Arc<str>,
    problem: String,
}

/// A [`Warning`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WarningForm {
    at: Arc<str>,
    message: String,
}

/// A [`SeatLine`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SeatForm {
    sku_id: Text<SkuId>,
    sku: Arc<str>,
    total: u64,
    consumed: u64,
    reserved: u64,
    after: u64,
    waiting: u64,
}

/// A [`Verdict`] in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerdictForm {
    guard: AsWord<GuardName>,
    scope: Arc<str>,
    limit: String,
    actual: String,
    tripped: bool,
}

impl From<&Blocked> for BlockedForm {
    fn from(Blocked { user, sku, reason, detail, because }: &Blocked) -> Self {
        Self {
            user: user.into(),
            sku_id: sku.as_ref().map(|sku| Text(sku.id)),
            sku: sku.as_ref().map(|sku| Arc::clone(&sku.name)),
            reason: AsWord(*reason),
            detail: detail.clone(),
            because: forms(because),
        }
    }
}

impl TryFrom<BlockedForm> for Blocked {
    type Error = Contradiction;

    fn try_from(form: BlockedForm) -> Result<Self, Contradiction> {
        Ok(Self {
            user: form.user.into(),
            sku: optional_sku_ref(form.sku_id, form.sku)?,
            reason: form.reason.0,
            detail: form.detail,
            because: values(form.because)?,
        })
    }
}

impl From<&Waiting> for WaitingForm {
    fn from(Waiting { user, sku, position, since, meanwhile, because }: &Waiting) -> Self {
        Self {
            user: user.into(),
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            position: *position,
            since: Text(*since),
            meanwhile_id: meanwhile.as_ref().map(|sku| Text(sku.id)),
            meanwhile: meanwhile.as_ref().map(|sku| Arc::clone(&sku.name)),
            because: forms(because),
        }
    }
}

impl TryFrom<WaitingForm> for Waiting {
    type Error = Contradiction;

    fn try_from(form: WaitingForm) -> Result<Self, Contradiction> {
        Ok(Self {
            user: form.user.into(),
            sku: sku_ref(form.sku_id, form.sku),
            position: form.position,
            since: form.since.0,
            meanwhile: optional_sku_ref(form.meanwhile_id, form.meanwhile)?,
            because: values(form.because)?,
        })
    }
}

impl From<&Scheduled> for ScheduledForm {
    fn from(Scheduled { user, sku, service_plans, due, because }: &Scheduled) -> Self {
        Self {
            user: user.into(),
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            service_plans: service_plans.iter().map(|plan| Arc::clone(&plan.name)).collect(),
            service_plan_ids: service_plans.iter().map(|plan| Text(plan.id)).collect(),
            due: Text(*due),
            because: forms(because),
        }
    }
}

impl TryFrom<ScheduledForm> for Scheduled {
    type Error = Contradiction;

    fn try_from(form: ScheduledForm) -> Result<Self, Contradiction> {
        Ok(Self {
            user: form.user.into(),
            sku: sku_ref(form.sku_id, form.sku),
            service_plans: service_plans(
                ("service_plans", form.service_plans),
                ("service_plan_ids", form.service_plan_ids),
            )?,
            due: form.due.0,
            because: values(form.because)?,
        })
    }
}

impl From<&Released> for ReleasedForm {
    fn from(Released { user, sku, policy, still_wanted }: &Released) -> Self {
        Self {
            user: user.into(),
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            policy: Text(policy.clone()),
            still_wanted: *still_wanted,
        }
    }
}

impl From<ReleasedForm> for Released {
    fn from(ReleasedForm { user, sku_id, sku, policy, still_wanted }: ReleasedForm) -> Self {
        Self { user: user.into(), sku: sku_ref(sku_id, sku), policy: policy.0, still_wanted }
    }
}

impl From<&UnknownMatch> for UnknownForm {
    fn from(UnknownMatch { policy, at, detail, users }: &UnknownMatch) -> Self {
        Self {
            policy: Text(policy.clone()),
            at: Arc::clone(at),
            detail: Arc::clone(detail),
            users: *users,
        }
    }
}

impl From<UnknownForm> for UnknownMatch {
    fn from(UnknownForm { policy, at, detail, users }: UnknownForm) -> Self {
        Self { policy: policy.0, at, detail, users }
    }
}

impl From<&LeftOut> for LeftOutForm {
    fn from(LeftOut { policy, at, problem }: &LeftOut) -> Self {
        Self { policy: Text(policy.clone()), at: Arc::clone(at), problem: problem.clone() }
    }
}

impl From<LeftOutForm> for LeftOut {
    fn from(LeftOutForm { policy, at, problem }: LeftOutForm) -> Self {
        Self { policy: policy.0, at, problem }
    }
}

impl From<&Warning> for WarningForm {
    fn from(Warning { at, message }: &Warning) -> Self {
        Self { at: Arc::clone(at), message: message.clone() }
    }
}

impl From<WarningForm> for Warning {
    fn from(WarningForm { at, message }: WarningForm) -> Self {
        Self { at, message }
    }
}

impl From<&SeatLine> for SeatForm {
    fn from(line: &SeatLine) -> Self {
        let SeatLine { sku, total, consumed, reserved, after, waiting } = line;
        Self {
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            total: *total,
            consumed: *consumed,
            reserved: *reserved,
            after: *after,
            waiting: *waiting,
        }
    }
}

impl From<SeatForm> for SeatLine {
    fn from(form: SeatForm) -> Self {
        let SeatForm { sku_id, sku, total, consumed, reserved, after, waiting } = form;
        Self { sku: sku_ref(sku_id, sku), total, consumed, reserved, after, waiting }
    }
}

impl From<&Verdict> for VerdictForm {
    fn from(Verdict { guard, scope, limit, actual, tripped }: &Verdict) -> Self {
        Self {
            guard: AsWord(*guard),
            scope: Arc::clone(scope),
            limit: limit.clone(),
            actual: actual.clone(),
            tripped: *tripped,
        }
    }
}

impl From<VerdictForm> for Verdict {
    fn from(VerdictForm { guard, scope, limit, actual, tripped }: VerdictForm) -> Self {
        Self { guard: guard.0, scope, limit, actual, tripped }
    }
}
