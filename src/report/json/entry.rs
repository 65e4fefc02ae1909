//! The lists of a plan beside its operations as JSON: what is blocked, waits, is due, is let go.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::money::{Money, Price};
use crate::domain::names::PolicyName;
use crate::plan::PolicyOwner;
use crate::plan::{
    Blocked, BlockedReason, GuardName, LeftOut, Released, Scheduled, SeatLine, UnknownMatch,
    Verdict, Waiting, Warning,
};
use crate::report::json::operation::{
    BecauseForm, Contradiction, UserForm, forms, optional_sku_ref, service_plans, sku_ref, values,
};
use crate::report::json::text::{AsWord, Text};

/// What could not be planned for a user.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Blocked")]
pub(crate) struct BlockedForm {
    /// The user.
    user: UserForm,
    /// The SKU, where it is about one.
    sku_id: Option<Text<SkuId>>,
    /// Its part number.
    sku: Option<Arc<str>>,
    /// Why.
    reason: AsWord<BlockedReason>,
    /// Why, in words.
    detail: String,
    /// The policies that want it.
    because: Vec<BecauseForm>,
}

/// A user who has no seat of a SKU yet.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Waiting")]
pub(crate) struct WaitingForm {
    /// The user.
    user: UserForm,
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// The place in the queue, from 1.
    position: u64,
    /// Since when.
    #[serde(default = "long_ago")]
    since: Text<Timestamp>,
    /// The lower rung of the ladder that the user has meanwhile.
    #[serde(default)]
    meanwhile_id: Option<Text<SkuId>>,
    /// Its part number.
    #[serde(default)]
    meanwhile: Option<Arc<str>>,
    /// The policies that want it.
    because: Vec<BecauseForm>,
}

/// Plans of the first stores did not say it.
fn long_ago() -> Text<Timestamp> {
    Text(Timestamp::UNIX_EPOCH)
}

/// A removal that is not due yet.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Scheduled")]
pub(crate) struct ScheduledForm {
    /// The user.
    user: UserForm,
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// The service plans, where only these go.
    #[serde(default)]
    service_plans: Vec<Arc<str>>,
    /// Their ids, in the same order.
    #[serde(default)]
    service_plan_ids: Vec<Text<ServicePlanId>>,
    /// When it is due.
    due: Text<Timestamp>,
    /// The policies that take it away.
    because: Vec<BecauseForm>,
}

/// A license that a policy lets go without taking it away.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Released")]
pub(crate) struct ReleasedForm {
    /// The user.
    user: UserForm,
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// The policy.
    policy: Text<PolicyName>,
    /// Whether another policy wants it.
    still_wanted: bool,
}

/// A policy of which it is unknown whether it matches some users.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Unknown")]
pub(crate) struct UnknownForm {
    /// The policy.
    policy: Text<PolicyName>,
    /// Where the policy stands: file and line.
    at: Arc<str>,
    /// What is not known.
    detail: Arc<str>,
    /// For how many users.
    users: u64,
}

/// A policy that takes no part, as it does not fit the tenant.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "LeftOut")]
pub(crate) struct LeftOutForm {
    /// The policy.
    policy: Text<PolicyName>,
    /// Where the policy stands: file and line.
    at: Arc<str>,
    /// What does not fit.
    problem: String,
}

/// Something that a person should look at.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Warning")]
pub(crate) struct WarningForm {
    /// Where: file and line.
    at: Arc<str>,
    /// What.
    message: String,
}

/// Who answers for a policy.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "PolicyOwner")]
pub(crate) struct PolicyOwnerForm {
    /// The policy.
    policy: Text<PolicyName>,
    /// A person or a team, as the policy file has it.
    owner: Arc<str>,
}

impl From<&PolicyOwner> for PolicyOwnerForm {
    fn from(PolicyOwner { policy, owner }: &PolicyOwner) -> Self {
        Self { policy: Text(policy.clone()), owner: owner.clone() }
    }
}

impl From<PolicyOwnerForm> for PolicyOwner {
    fn from(PolicyOwnerForm { policy, owner }: PolicyOwnerForm) -> Self {
        Self { policy: policy.0, owner }
    }
}

/// The seats of a SKU.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Seat")]
pub(crate) struct SeatForm {
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// Seats that can be used.
    total: u64,
    /// Seats in use before.
    consumed: u64,
    /// Seats to be kept free.
    reserved: u64,
    /// Seats in use afterwards.
    after: u64,
    /// How many people wait.
    waiting: u64,
    /// What a seat costs a month, where the configuration says, such as `54.60 EUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    price: Option<Text<Price>>,
    /// What the seats that are taken, less those that are given back, cost a month.
    #[serde(default, skip_serializing_if = "Option::is_none", skip_deserializing)]
    #[schemars(with = "Option<String>")]
    monthly: Option<String>,
}

/// What a guard found.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Verdict")]
pub(crate) struct VerdictForm {
    /// The guard.
    guard: AsWord<GuardName>,
    /// What it looked at: the part number of a SKU, `tenant`, or what the plan follows from, such as
    /// `group Engineering`.
    scope: Arc<str>,
    /// The limit in words.
    limit: String,
    /// What was counted, in words.
    actual: String,
    /// What was counted, where it is a number: people, or by how many users or members what the plan
    /// follows from is worse than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<u64>,
    /// The number that may not be passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    most: Option<u64>,
    /// Whether the limit is broken.
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
        let SeatLine { sku, total, consumed, reserved, after, waiting, price } = line;
        Self {
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            total: *total,
            consumed: *consumed,
            reserved: *reserved,
            after: *after,
            waiting: *waiting,
            price: price.map(Text),
            monthly: line.monthly().map(Money::plain),
        }
    }
}

impl From<SeatForm> for SeatLine {
    fn from(form: SeatForm) -> Self {
        let SeatForm { sku_id, sku, total, consumed, reserved, after, waiting, price, monthly: _ } =
            form;
        let price = price.map(|Text(price)| price);
        Self { sku: sku_ref(sku_id, sku), total, consumed, reserved, after, waiting, price }
    }
}

impl From<&Verdict> for VerdictForm {
    fn from(verdict: &Verdict) -> Self {
        let Verdict { guard, scope, limit, actual, counted, most, tripped } = verdict;
        Self {
            guard: AsWord(*guard),
            scope: Arc::clone(scope),
            limit: limit.clone(),
            actual: actual.clone(),
            counted: *counted,
            most: *most,
            tripped: *tripped,
        }
    }
}

impl From<VerdictForm> for Verdict {
    fn from(form: VerdictForm) -> Self {
        let VerdictForm { guard, scope, limit, actual, counted, most, tripped } = form;
        Self { guard: guard.0, scope, limit, actual, counted, most, tripped }
    }
}
