//! SKUs in the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::known::Known;
use crate::domain::sku::{AppliesTo, Catalogue, ServicePlan, Sku, SkuStatus, Units};
use crate::store::snapshot::form::Guid;

/// A [`Sku`] in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SkuForm {
    id: Guid,
    part_number: Arc<str>,
    applies_to: AppliesToForm,
    status: StatusForm,
    units: UnitsForm,
    consumed: u32,
    service_plans: Vec<ServicePlanForm>,
}

#[derive(Debug, Serialize, Deserialize)]
enum AppliesToForm {
    User,
    Company,
    Other(Arc<str>),
}

#[derive(Debug, Serialize, Deserialize)]
enum StatusForm {
    Enabled,
    Warning,
    Suspended,
    Deleted,
    LockedOut,
    Other(Arc<str>),
}

#[derive(Debug, Serialize, Deserialize)]
struct UnitsForm {
    enabled: u32,
    warning: u32,
    suspended: u32,
    locked_out: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServicePlanForm {
    id: Guid,
    name: Arc<str>,
    applies_to: AppliesToForm,
}

/// Puts the SKUs together again.
pub(super) fn catalogue(skus: Vec<SkuForm>) -> Catalogue {
    Catalogue::new(skus.into_iter().map(Sku::from).collect())
}

/// Returns when subscriptions renew or end, as the file has it.
pub(super) fn expiries(catalogue: &Catalogue) -> Known<Vec<(Guid, i64)>> {
    let seconds = |(sku, at): (&SkuId, &Timestamp)| (sku.as_uuid().into_bytes(), at.as_second());
    catalogue.next_expiries().as_ref().map(|all| all.iter().map(seconds).collect())
}

/// Returns when subscriptions renew or end, or what does not fit.
pub(super) fn next_expiries(
    expiries: Vec<(Guid, i64)>,
) -> Result<BTreeMap<SkuId, Timestamp>, String> {
    let instant = |(sku, second): (Guid, i64)| {
        let at = Timestamp::from_second(second).map_err(|error| error.to_string())?;
        Ok((SkuId::from_uuid(Uuid::from_bytes(sku)), at))
    };
    expiries.into_iter().map(instant).collect()
}

impl From<&Sku> for SkuForm {
    fn from(sku: &Sku) -> Self {
        let Sku { id, part_number, applies_to, status, units, consumed, service_plans } = sku;
        let Units { enabled, warning, suspended, locked_out } = *units;
        Self {
            id: id.as_uuid().into_bytes(),
            part_number: Arc::clone(part_number),
            applies_to: applies_to.into(),
            status: status.into(),
            units: UnitsForm { enabled, warning, suspended, locked_out },
            consumed: *consumed,
            service_plans: service_plans.iter().map(ServicePlanForm::from).collect(),
        }
    }
}

impl From<SkuForm> for Sku {
    fn from(form: SkuForm) -> Self {
        let SkuForm { id, part_number, applies_to, status, units, consumed, service_plans } = form;
        let UnitsForm { enabled, warning, suspended, locked_out } = units;
        Self {
            id: SkuId::from_uuid(Uuid::from_bytes(id)),
            part_number,
            applies_to: applies_to.into(),
            status: status.into(),
            units: Units { enabled, warning, suspended, locked_out },
            consumed,
            service_plans: service_plans.into_iter().map(ServicePlan::from).collect(),
        }
    }
}

impl From<&ServicePlan> for ServicePlanForm {
    fn from(ServicePlan { id, name, applies_to }: &ServicePlan) -> Self {
        let id = id.as_uuid().into_bytes();
        Self { id, name: Arc::clone(name), applies_to: applies_to.into() }
    }
}

impl From<ServicePlanForm> for ServicePlan {
    fn from(ServicePlanForm { id, name, applies_to }: ServicePlanForm) -> Self {
        let id = ServicePlanId::from_uuid(Uuid::from_bytes(id));
        Self { id, name, applies_to: applies_to.into() }
    }
}

impl From<&AppliesTo> for AppliesToForm {
    fn from(applies_to: &AppliesTo) -> Self {
        match applies_to {
            AppliesTo::User => Self::User,
            AppliesTo::Company => Self::Company,
            AppliesTo::Other(other) => Self::Other(Arc::clone(other)),
        }
    }
}

impl From<AppliesToForm> for AppliesTo {
    fn from(form: AppliesToForm) -> Self {
        match form {
            AppliesToForm::User => Self::User,
            AppliesToForm::Company => Self::Company,
            AppliesToForm::Other(other) => Self::Other(other),
        }
    }
}

impl From<&SkuStatus> for StatusForm {
    fn from(status: &SkuStatus) -> Self {
        match status {
            SkuStatus::Enabled => Self::Enabled,
            SkuStatus::Warning => Self::Warning,
            SkuStatus::Suspended => Self::Suspended,
            SkuStatus::Deleted => Self::Deleted,
            SkuStatus::LockedOut => Self::LockedOut,
            SkuStatus::Other(other) => Self::Other(Arc::clone(other)),
        }
    }
}

impl From<StatusForm> for SkuStatus {
    fn from(form: StatusForm) -> Self {
        match form {
            StatusForm::Enabled => Self::Enabled,
            StatusForm::Warning => Self::Warning,
            StatusForm::Suspended => Self::Suspended,
            StatusForm::Deleted => Self::Deleted,
            StatusForm::LockedOut => Self::LockedOut,
            StatusForm::Other(other) => Self::Other(other),
        }
    }
}
