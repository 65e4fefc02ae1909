//! Subscriptions: when what was bought renews or ends.

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::ids::SkuId;
use crate::domain::known::Known;
use crate::graph::wire::scalar::Scalar;

/// A subscription as Graph lists it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawSubscription {
    sku_id: Scalar,
    status: Scalar,
    next_lifecycle_date_time: Scalar,
}

/// Reads a subscription: its SKU, and when it renews or ends; none where it no longer gives seats or
/// does not say.
///
/// Source: Graph companySubscription: nextLifecycleDateTime is the renewal or expiry while `Enabled`,
/// the end of the grace in `Warning`.
///
/// # Errors
///
/// Fails where the SKU or the date cannot be read: an earlier end might be missed.
pub(in crate::graph) fn next_expiry(
    raw: RawSubscription,
) -> Result<Option<(SkuId, Timestamp)>, String> {
    let sku = raw.sku_id.id().ok_or("a subscription in the answer has no readable SKU")?;
    let text = |raw: Scalar| match raw {
        Scalar::Absent => None,
        raw => match raw.text() {
            Known::Known(text) => text,
            Known::Unknown => Some(String::new()),
        },
    };
    let status = text(raw.status).unwrap_or_default().to_ascii_lowercase();
    match (status.as_str(), text(raw.next_lifecycle_date_time)) {
        ("enabled" | "warning", Some(at)) => {
            let at = at.parse::<Timestamp>();
            let at =
                at.map_err(|_| format!("a subscription of SKU {sku} has no readable next date"))?;
            let second = Timestamp::from_second(at.as_second()).unwrap_or(at);
            Ok(Some((sku, second)))
        }
        (_, _) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(status: &str, next: &Value) -> Result<Option<String>, String> {
        let row = json!({"skuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "status": status,
                         "nextLifecycleDateTime": next});
        let read = next_expiry(serde_json::from_value(row).unwrap())?;
        Ok(read.map(|(_, at)| at.to_string()))
    }

    #[test]
    fn a_subscription_that_gives_seats_says_when_it_renews_or_ends() {
        let at = "2027-03-01T00:00:00Z";
        assert_eq!(read("Enabled", &json!(at)), Ok(Some(at.to_owned())));
        assert_eq!(read("Warning", &json!(at)), Ok(Some(at.to_owned())));
        assert_eq!(read("Suspended", &json!(at)), Ok(None));
        assert_eq!(read("Enabled", &Value::Null), Ok(None));
        assert!(read("Enabled", &json!("soon")).is_err());
        assert!(read("Enabled", &json!(7)).is_err());
    }
}
