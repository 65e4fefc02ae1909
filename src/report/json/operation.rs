//! One operation as JSON: the same form in a published plan and in the store.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::names::{PolicyName, UsageLocation};
use crate::plan::{
    Addition, Adoption, Because, DataFamily, Digest, GuardName, Held, Kind, LocationChange,
    Operation, Reason, ServicePlanRef, SkuRef, UserRef,
};
use crate::report::json::text::{AsWord, Text};

/// A form whose parts contradict each other, though each is well-formed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Names and ids that should run side by side do not.
    #[error("`{names}` has {named} entries and `{ids}` has {identified}")]
    Uneven {
        /// The field with the names.
        names: &'static str,
        /// How many names there are.
        named: usize,
        /// The field with the ids.
        ids: &'static str,
        /// How many ids there are.
        identified: usize,
    },
    /// A SKU has a name and no id, or an id and no name.
    #[error("`sku` and `sku_id` stand only together")]
    HalfSku,
}

/// Everything that a plan does to one user.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Operation")]
pub(crate) struct OperationForm {
    /// What identifies the operation: the digest of what it does and why.
    key: Text<Digest>,
    /// What it does, in a word.
    kind: AsWord<Kind>,
    /// The user.
    user: UserForm,
    /// What is assigned, or assigned with other service plans.
    add: Vec<AdditionForm>,
    /// What is taken away.
    remove: Vec<SkuForm>,
    /// What policies own from now on, as it is there already.
    adopt: Vec<AdoptionForm>,
    /// How the usage location changes.
    usage_location: Option<LocationForm>,
    /// What was assigned directly before.
    before: Vec<HeldForm>,
    /// Service plans that the user has afterwards and had not before.
    gains: Vec<Arc<str>>,
    /// Their ids, in the same order.
    gain_ids: Vec<Text<ServicePlanId>>,
    /// Service plans that the user had before and has not afterwards.
    loses: Vec<Arc<str>>,
    /// Their ids, in the same order.
    lose_ids: Vec<Text<ServicePlanId>>,
    /// Data on which a deletion clock starts.
    data_at_risk: Vec<AsWord<DataFamily>>,
    /// Why.
    because: Vec<BecauseForm>,
    /// In which wave it runs, from 0.
    wave: u32,
    /// The guards that hold it.
    held_by: Vec<AsWord<GuardName>>,
}

/// A user.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "User")]
pub(crate) struct UserForm {
    /// The object id.
    id: Text<UserId>,
    /// The principal name when the plan was made.
    user_principal_name: Arc<str>,
    /// The display name.
    display_name: Option<Arc<str>>,
}

/// A SKU.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Sku")]
struct SkuForm {
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
}

/// A SKU that is assigned.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Addition")]
struct AdditionForm {
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// The service plans that are off afterwards.
    disabled_plans: Vec<Arc<str>>,
    /// Their ids, in the same order.
    disabled_plan_ids: Vec<Text<ServicePlanId>>,
    /// Whether the user has it directly before, so that only its service plans change.
    held: bool,
    /// The policies that own it afterwards.
    owners: Vec<Text<PolicyName>>,
}

/// A SKU that policies own from now on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Adoption")]
struct AdoptionForm {
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// The policies.
    owners: Vec<Text<PolicyName>>,
}

/// A SKU that was assigned directly before.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Held")]
struct HeldForm {
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
    /// The service plans that were off.
    disabled_plans: Vec<Arc<str>>,
    /// Their ids, in the same order.
    disabled_plan_ids: Vec<Text<ServicePlanId>>,
}

/// How a usage location changes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Location")]
struct LocationForm {
    /// What it was.
    from: Option<Text<UsageLocation>>,
    /// What it becomes.
    to: Text<UsageLocation>,
}

/// Why something is planned.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Because")]
pub(crate) struct BecauseForm {
    /// The policy.
    policy: Text<PolicyName>,
    /// Where the policy stands: file and line.
    at: Arc<str>,
    /// The SKU that it is about.
    sku_id: Option<Text<SkuId>>,
    /// Its part number.
    sku: Option<Arc<str>>,
    /// Why, in a word.
    reason: AsWord<Reason>,
    /// What of the policy decides about the user.
    detail: Arc<str>,
}

impl From<&Operation> for OperationForm {
    fn from(operation: &Operation) -> Self {
        let Operation {
            key,
            kind,
            user,
            add,
            remove,
            adopt,
            usage_location,
            before,
            gains,
            loses,
            data_at_risk,
            because,
            wave,
            held_by,
        } = operation;
        let (gains, gain_ids) = names_and_ids(gains);
        let (loses, lose_ids) = names_and_ids(loses);
        Self {
            key: Text(*key),
            kind: AsWord(*kind),
            user: user.into(),
            add: forms(add),
            remove: forms(remove),
            adopt: forms(adopt),
            usage_location: usage_location.map(LocationForm::from),
            before: forms(before),
            gains,
            gain_ids,
            loses,
            lose_ids,
            data_at_risk: data_at_risk.iter().copied().map(AsWord).collect(),
            because: forms(because),
            wave: *wave,
            held_by: held_by.iter().copied().map(AsWord).collect(),
        }
    }
}

impl TryFrom<OperationForm> for Operation {
    type Error = Contradiction;

    fn try_from(form: OperationForm) -> Result<Self, Contradiction> {
        Ok(Self {
            key: form.key.0,
            kind: form.kind.0,
            user: form.user.into(),
            add: values(form.add)?,
            remove: form.remove.into_iter().map(|sku| sku_ref(sku.sku_id, sku.sku)).collect(),
            adopt: form.adopt.into_iter().map(Adoption::from).collect(),
            usage_location: form.usage_location.map(LocationChange::from),
            before: values(form.before)?,
            gains: service_plans(("gains", form.gains), ("gain_ids", form.gain_ids))?,
            loses: service_plans(("loses", form.loses), ("lose_ids", form.lose_ids))?,
            data_at_risk: form.data_at_risk.into_iter().map(|family| family.0).collect(),
            because: values(form.because)?,
            wave: form.wave,
            held_by: form.held_by.into_iter().map(|guard| guard.0).collect(),
        })
    }
}

/// Turns values into their forms, in order.
pub(crate) fn forms<'a, V: 'a, F: From<&'a V>>(values: &'a [V]) -> Vec<F> {
    values.iter().map(F::from).collect()
}

/// Turns forms back into values, in order.
pub(crate) fn values<F, V: TryFrom<F>>(forms: Vec<F>) -> Result<Vec<V>, V::Error> {
    forms.into_iter().map(V::try_from).collect()
}

/// Puts an id and a name together.
pub(crate) fn sku_ref(id: Text<SkuId>, name: Arc<str>) -> SkuRef {
    SkuRef { id: id.0, name }
}

/// Puts an id and a name together where there are both, and accepts that there is neither.
pub(crate) fn optional_sku_ref(
    id: Option<Text<SkuId>>,
    name: Option<Arc<str>>,
) -> Result<Option<SkuRef>, Contradiction> {
    match (id, name) {
        (Some(id), Some(name)) => Ok(Some(sku_ref(id, name))),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(Contradiction::HalfSku),
    }
}

fn names_and_ids(plans: &[ServicePlanRef]) -> (Vec<Arc<str>>, Vec<Text<ServicePlanId>>) {
    plans.iter().map(|plan| (Arc::clone(&plan.name), Text(plan.id))).unzip()
}

pub(super) fn service_plans(
    (names_field, names): (&'static str, Vec<Arc<str>>),
    (ids_field, ids): (&'static str, Vec<Text<ServicePlanId>>),
) -> Result<Vec<ServicePlanRef>, Contradiction> {
    if names.len() != ids.len() {
        return Err(Contradiction::Uneven {
            names: names_field,
            named: names.len(),
            ids: ids_field,
            identified: ids.len(),
        });
    }
    let pairs = names.into_iter().zip(ids);
    Ok(pairs.map(|(name, id)| ServicePlanRef { id: id.0, name }).collect())
}

fn disabled(
    names: Vec<Arc<str>>,
    ids: Vec<Text<ServicePlanId>>,
) -> Result<Vec<ServicePlanRef>, Contradiction> {
    service_plans(("disabled_plans", names), ("disabled_plan_ids", ids))
}

impl From<&UserRef> for UserForm {
    fn from(UserRef { id, principal_name, display_name }: &UserRef) -> Self {
        Self {
            id: Text(*id),
            user_principal_name: Arc::clone(principal_name),
            display_name: display_name.clone(),
        }
    }
}

impl From<UserForm> for UserRef {
    fn from(UserForm { id, user_principal_name, display_name }: UserForm) -> Self {
        Self { id: id.0, principal_name: user_principal_name, display_name }
    }
}

impl From<&SkuRef> for SkuForm {
    fn from(SkuRef { id, name }: &SkuRef) -> Self {
        Self { sku_id: Text(*id), sku: Arc::clone(name) }
    }
}

impl From<&Addition> for AdditionForm {
    fn from(Addition { sku, disabled, held, owners }: &Addition) -> Self {
        let (disabled_plans, disabled_plan_ids) = names_and_ids(disabled);
        Self {
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            disabled_plans,
            disabled_plan_ids,
            held: *held,
            owners: owners.iter().cloned().map(Text).collect(),
        }
    }
}

impl TryFrom<AdditionForm> for Addition {
    type Error = Contradiction;

    fn try_from(form: AdditionForm) -> Result<Self, Contradiction> {
        Ok(Self {
            sku: sku_ref(form.sku_id, form.sku),
            disabled: disabled(form.disabled_plans, form.disabled_plan_ids)?,
            held: form.held,
            owners: form.owners.into_iter().map(|owner| owner.0).collect(),
        })
    }
}

impl From<&Adoption> for AdoptionForm {
    fn from(Adoption { sku, owners }: &Adoption) -> Self {
        Self {
            sku_id: Text(sku.id),
            sku: Arc::clone(&sku.name),
            owners: owners.iter().cloned().map(Text).collect(),
        }
    }
}

impl From<AdoptionForm> for Adoption {
    fn from(AdoptionForm { sku_id, sku, owners }: AdoptionForm) -> Self {
        let owners = owners.into_iter().map(|owner| owner.0).collect();
        Self { sku: sku_ref(sku_id, sku), owners }
    }
}

impl From<&Held> for HeldForm {
    fn from(Held { sku, disabled }: &Held) -> Self {
        let (disabled_plans, disabled_plan_ids) = names_and_ids(disabled);
        Self { sku_id: Text(sku.id), sku: Arc::clone(&sku.name), disabled_plans, disabled_plan_ids }
    }
}

impl TryFrom<HeldForm> for Held {
    type Error = Contradiction;

    fn try_from(form: HeldForm) -> Result<Self, Contradiction> {
        Ok(Self {
            sku: sku_ref(form.sku_id, form.sku),
            disabled: disabled(form.disabled_plans, form.disabled_plan_ids)?,
        })
    }
}

impl From<LocationChange> for LocationForm {
    fn from(LocationChange { from, to }: LocationChange) -> Self {
        Self { from: from.map(Text), to: Text(to) }
    }
}

impl From<LocationForm> for LocationChange {
    fn from(LocationForm { from, to }: LocationForm) -> Self {
        Self { from: from.map(|from| from.0), to: to.0 }
    }
}

impl From<&Because> for BecauseForm {
    fn from(Because { policy, at, sku, reason, detail }: &Because) -> Self {
        Self {
            policy: Text(policy.clone()),
            at: Arc::clone(at),
            sku_id: sku.as_ref().map(|sku| Text(sku.id)),
            sku: sku.as_ref().map(|sku| Arc::clone(&sku.name)),
            reason: AsWord(*reason),
            detail: Arc::clone(detail),
        }
    }
}

impl TryFrom<BecauseForm> for Because {
    type Error = Contradiction;

    fn try_from(form: BecauseForm) -> Result<Self, Contradiction> {
        Ok(Self {
            policy: form.policy.0,
            at: form.at,
            sku: optional_sku_ref(form.sku_id, form.sku)?,
            reason: form.reason.0,
            detail: form.detail,
        })
    }
}
