//! What makes a plan one to look at only, as JSON. None of it stands in any other plan.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::SkuId;
use crate::plan::{Aside, Baseline, Digest, NoLonger, Simulated, SnapshotFrom};
use crate::report::json::operation::{
    BecauseForm, Contradiction, UserForm, forms, optional_sku_ref, values,
};
use crate::report::json::text::{AsWord, Text};

/// What a plan that cannot be carried out was made from.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Simulated")]
pub(crate) struct SimulatedForm {
    /// Where the snapshot comes from.
    snapshot: AsWord<SnapshotFrom>,
    /// The time that it was made for.
    at: Text<Timestamp>,
}

/// The policies that a plan is compared with.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Baseline")]
pub(crate) struct BaselineForm {
    /// The digest of their files.
    policy_digest: Text<Digest>,
    /// The git commit that holds exactly these files.
    policy_commit: Option<Arc<str>>,
}

/// Something that the baseline says of a user and these policies do not.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "NoLonger")]
pub(crate) struct NoLongerForm {
    /// What it was.
    what: AsWord<Aside>,
    /// Whom it was about.
    user: UserForm,
    /// The id of the SKU that it was about.
    sku_id: Option<Text<SkuId>>,
    /// The part number of the SKU that it was about.
    sku: Option<Arc<str>>,
    /// Why it was so.
    because: Vec<BecauseForm>,
}

impl From<&Simulated> for SimulatedForm {
    fn from(Simulated { snapshot, at }: &Simulated) -> Self {
        Self { snapshot: AsWord(*snapshot), at: Text(*at) }
    }
}

impl From<SimulatedForm> for Simulated {
    fn from(SimulatedForm { snapshot, at }: SimulatedForm) -> Self {
        Self { snapshot: snapshot.0, at: at.0 }
    }
}

impl From<&Baseline> for BaselineForm {
    fn from(Baseline { policy_digest, policy_commit }: &Baseline) -> Self {
        Self { policy_digest: Text(*policy_digest), policy_commit: policy_commit.clone() }
    }
}

impl From<BaselineForm> for Baseline {
    fn from(BaselineForm { policy_digest, policy_commit }: BaselineForm) -> Self {
        Self { policy_digest: policy_digest.0, policy_commit }
    }
}

impl From<&NoLonger> for NoLongerForm {
    fn from(NoLonger { what, user, sku, because }: &NoLonger) -> Self {
        Self {
            what: AsWord(*what),
            user: user.into(),
            sku_id: sku.as_ref().map(|sku| Text(sku.id)),
            sku: sku.as_ref().map(|sku| Arc::clone(&sku.name)),
            because: forms(because),
        }
    }
}

impl TryFrom<NoLongerForm> for NoLonger {
    type Error = Contradiction;

    fn try_from(form: NoLongerForm) -> Result<Self, Contradiction> {
        Ok(Self {
            what: form.what.0,
            user: form.user.into(),
            sku: optional_sku_ref(form.sku_id, form.sku)?,
            because: values(form.because)?,
        })
    }
}
