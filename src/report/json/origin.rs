//! What a one-off plan follows from, and what would undo it, as JSON.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::{PolicyName, UsageLocation};
use crate::plan::bulk::{BulkRequest, Change, Skus};
use crate::plan::{Origin, PlanId, SkuRef, Undoing, UndoneHow};
use crate::report::json::operation::{Contradiction, optional_sku_ref, sku_ref};
use crate::report::json::text::{AsWord, Text};

/// What a plan follows from that does not follow from the policies.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(deny_unknown_fields, rename = "Origin")]
pub(crate) enum OriginForm {
    /// Somebody asked for it once.
    Bulk(BulkForm),
    /// It takes another plan back.
    Revert {
        /// The plan to take back.
        plan: Text<PlanId>,
    },
}

/// What was asked for once.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Bulk")]
pub(crate) struct BulkForm {
    #[serde(flatten)]
    change: ChangeForm,
    /// The usage location to set.
    usage_location: Option<Text<UsageLocation>>,
    /// For whom, in words.
    selection: Arc<str>,
    /// For whom.
    users: Vec<Text<UserId>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
enum ChangeForm {
    /// Gives SKUs.
    Add {
        /// What is given.
        skus: Vec<NamedSku>,
    },
    /// Gives SKUs in exchange for others.
    Replace {
        /// What is given.
        skus: Vec<NamedSku>,
        /// What goes in exchange.
        replaces: SkusForm,
    },
    /// Takes SKUs away.
    Remove {
        /// What is taken away.
        skus: SkusForm,
    },
}

/// The word `all` for every direct assignment, or a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Skus")]
enum SkusForm {
    All(AllForm),
    Listed(Vec<NamedSku>),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AllForm {
    All,
}

/// A SKU.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "NamedSku")]
struct NamedSku {
    /// The SKU.
    sku_id: Text<SkuId>,
    /// Its part number.
    sku: Arc<str>,
}

/// A policy that would undo a part of the plan.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Undoing")]
pub(crate) struct UndoingForm {
    /// The policy.
    policy: Text<PolicyName>,
    /// Where it stands: file and line.
    at: Arc<str>,
    /// What it would do.
    effect: AsWord<UndoneHow>,
    /// The SKU that it is about.
    sku_id: Option<Text<SkuId>>,
    /// Its part number.
    sku: Option<Arc<str>>,
    /// To how many users.
    users: u64,
}

impl OriginForm {
    /// Returns the form of what a plan follows from, unless that is the policies.
    pub(crate) fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Policies => None,
            Origin::Bulk(request) => Some(Self::Bulk(request.into())),
            Origin::Revert(plan) => Some(Self::Revert { plan: Text(*plan) }),
        }
    }
}

impl From<OriginForm> for Origin {
    fn from(form: OriginForm) -> Self {
        match form {
            OriginForm::Bulk(form) => Self::Bulk(form.into()),
            OriginForm::Revert { plan } => Self::Revert(plan.0),
        }
    }
}

impl From<&BulkRequest> for BulkForm {
    fn from(BulkRequest { change, usage_location, selection, users }: &BulkRequest) -> Self {
        let change = match change {
            Change::Add { skus } => ChangeForm::Add { skus: named(skus) },
            Change::Replace { skus, replaces } => {
                ChangeForm::Replace { skus: named(skus), replaces: replaces.into() }
            }
            Change::Remove { skus } => ChangeForm::Remove { skus: skus.into() },
        };
        Self {
            change,
            usage_location: usage_location.map(Text),
            selection: Arc::clone(selection),
            users: users.iter().copied().map(Text).collect(),
        }
    }
}

impl From<BulkForm> for BulkRequest {
    fn from(BulkForm { change, usage_location, selection, users }: BulkForm) -> Self {
        let change = match change {
            ChangeForm::Add { skus } => Change::Add { skus: found(skus) },
            ChangeForm::Replace { skus, replaces } => {
                Change::Replace { skus: found(skus), replaces: replaces.into() }
            }
            ChangeForm::Remove { skus } => Change::Remove { skus: skus.into() },
        };
        Self {
            change,
            usage_location: usage_location.map(|location| location.0),
            selection,
            users: users.into_iter().map(|user| user.0).collect(),
        }
    }
}

impl From<&Skus<SkuRef>> for SkusForm {
    fn from(skus: &Skus<SkuRef>) -> Self {
        match skus {
            Skus::All => Self::All(AllForm::All),
            Skus::Listed(skus) => Self::Listed(named(skus)),
        }
    }
}

impl From<SkusForm> for Skus<SkuRef> {
    fn from(form: SkusForm) -> Self {
        match form {
            SkusForm::All(AllForm::All) => Self::All,
            SkusForm::Listed(skus) => Self::Listed(found(skus)),
        }
    }
}

fn named(skus: &[SkuRef]) -> Vec<NamedSku> {
    let named = |sku: &SkuRef| NamedSku { sku_id: Text(sku.id), sku: Arc::clone(&sku.name) };
    skus.iter().map(named).collect()
}

fn found(skus: Vec<NamedSku>) -> Vec<SkuRef> {
    skus.into_iter().map(|named| sku_ref(named.sku_id, named.sku)).collect()
}

impl From<&Undoing> for UndoingForm {
    fn from(Undoing { policy, at, sku, how, users }: &Undoing) -> Self {
        Self {
            policy: Text(policy.clone()),
            at: Arc::clone(at),
            effect: AsWord(*how),
            sku_id: sku.as_ref().map(|sku| Text(sku.id)),
            sku: sku.as_ref().map(|sku| Arc::clone(&sku.name)),
            users: *users,
        }
    }
}

impl TryFrom<UndoingForm> for Undoing {
    type Error = Contradiction;

    fn try_from(form: UndoingForm) -> Result<Self, Contradiction> {
        Ok(Self {
            policy: form.policy.0,
            at: form.at,
            sku: optional_sku_ref(form.sku_id, form.sku)?,
            how: form.effect.0,
            users: form.users,
        })
    }
}
