//! Subscribed SKUs.

use serde::Deserialize;

use crate::domain::known::Known;
use crate::domain::sku::{AppliesTo, ServicePlan, Sku, SkuStatus, Units};
use crate::graph::wire::scalar::{List, Object, Scalar};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawSku {
    sku_id: Scalar,
    sku_part_number: Scalar,
    applies_to: Scalar,
    capability_status: Scalar,
    prepaid_units: Option<Object<RawUnits>>,
    consumed_units: Scalar,
    service_plans: List<Object<RawPlan>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawUnits {
    enabled: Scalar,
    warning: Scalar,
    suspended: Scalar,
    locked_out: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawPlan {
    service_plan_id: Scalar,
    service_plan_name: Scalar,
    applies_to: Scalar,
}

/// Reads a SKU.
///
/// # Errors
///
/// Fails where what it is, or how many seats it has, cannot be told.
pub(in crate::graph) fn sku(raw: RawSku) -> Result<Sku, String> {
    let id = raw.sku_id.id().ok_or("a SKU in the answer has no readable id")?;
    let lacks = |what: &str| format!("SKU {id} in the answer has no readable {what}");
    let Object(units) = raw.prepaid_units.ok_or_else(|| lacks("units"))?;
    let List::Sent(plans) = raw.service_plans else { return Err(lacks("service plans")) };
    Ok(Sku {
        id,
        part_number: name(raw.sku_part_number).ok_or_else(|| lacks("part number"))?.into(),
        applies_to: applies_to(raw.applies_to),
        status: status(raw.capability_status),
        units: Units {
            enabled: units.enabled.count().ok_or_else(|| lacks("enabled units"))?,
            // Left out where there are none.
            warning: units.warning.count().unwrap_or(0),
            suspended: units.suspended.count().unwrap_or(0),
            locked_out: units.locked_out.count().unwrap_or(0),
        },
        consumed: raw.consumed_units.count().ok_or_else(|| lacks("consumed units"))?,
        service_plans: plans
            .into_iter()
            .map(|Object(raw)| plan(raw))
            .collect::<Option<_>>()
            .ok_or_else(|| lacks("service plan"))?,
    })
}

fn plan(raw: RawPlan) -> Option<ServicePlan> {
    Some(ServicePlan {
        id: raw.service_plan_id.id()?,
        name: name(raw.service_plan_name)?.into(),
        applies_to: applies_to(raw.applies_to),
    })
}

fn name(raw: Scalar) -> Option<String> {
    match raw.text() {
        Known::Known(text) => text.filter(|text| !text.is_empty()),
        Known::Unknown => None,
    }
}

/// Source: Graph subscribedSku.appliesTo, servicePlanInfo.appliesTo; open sets.
fn applies_to(raw: Scalar) -> AppliesTo {
    let text = name(raw).unwrap_or_default();
    match text.to_ascii_lowercase().as_str() {
        "user" => AppliesTo::User,
        "company" => AppliesTo::Company,
        _ => AppliesTo::Other(text.into()),
    }
}

/// Source: Graph subscribedSku.capabilityStatus; an open set.
fn status(raw: Scalar) -> SkuStatus {
    let text = name(raw).unwrap_or_default();
    match text.to_ascii_lowercase().as_str() {
        "enabled" => SkuStatus::Enabled,
        "warning" => SkuStatus::Warning,
        "suspended" => SkuStatus::Suspended,
        "deleted" => SkuStatus::Deleted,
        "lockedout" => SkuStatus::LockedOut,
        _ => SkuStatus::Other(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row() -> Value {
        json!({
            "skuId": "06EBC4EE-1bb5-47dd-8120-11324bc54e06", "skuPartNumber": "SPE_E5",
            "appliesTo": "User", "capabilityStatus": "Enabled", "consumedUnits": "103",
            "prepaidUnits": {"enabled": 100, "suspended": 0, "warning": "5", "lockedOut": 0},
            "servicePlans": [{"servicePlanId": "57ff2da0-773e-42df-b2af-ffb7a2317929",
                "servicePlanName": "TEAMS1", "provisioningStatus": "Success", "appliesTo": "User"}]
        })
    }

    fn read(row: Value) -> Result<Sku, String> {
        sku(serde_json::from_value(row).unwrap())
    }

    #[test]
    fn numbers_may_be_text_and_consumed_may_exceed_enabled() {
        let sku = read(row()).unwrap();
        assert_eq!((sku.units.enabled, sku.units.warning, sku.consumed), (100, 5, 103));
        assert_eq!(sku.switchable().count(), 1);
    }

    #[test]
    fn an_unknown_status_is_kept_and_not_assignable() {
        let mut row = row();
        row["capabilityStatus"] = json!("Hibernating");
        row["appliesTo"] = json!("Robot");
        let sku = read(row).unwrap();
        assert_eq!(sku.status, SkuStatus::Other("Hibernating".into()));
        assert_eq!(sku.applies_to, AppliesTo::Other("Robot".into()));
    }

    #[test]
    fn seats_are_never_guessed() {
        for lost in ["prepaidUnits", "consumedUnits", "skuId", "skuPartNumber", "servicePlans"] {
            let mut row = row();
            row.as_object_mut().unwrap().remove(lost);
            assert!(read(row).is_err(), "{lost}");
        }
    }
}
