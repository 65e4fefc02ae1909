//! When users last signed in.

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::ids::UserId;
use crate::domain::known::Known;
use crate::graph::wire::scalar::{Object, Scalar};

/// A row of the listing of users, with their sign-ins alone.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawSignIns {
    id: Scalar,
    // Absent or null where no sign-in is on record.
    sign_in_activity: Option<Object<RawActivity>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawActivity {
    #[serde(rename = "lastSignInDateTime")]
    attempted: Scalar,
    #[serde(rename = "lastNonInteractiveSignInDateTime")]
    silent: Scalar,
    #[serde(rename = "lastSuccessfulSignInDateTime")]
    successful: Scalar,
}

/// Sign-ins before this were not recorded: what is older stands for "never".
///
/// Source: Graph signInActivity: interactive ones since April 2020; .NET writes year 1 for nothing.
const EARLIEST: i64 = 946_684_800;
/// Sign-ins behind this are none: the store keeps times until 2262.
const LATEST: i64 = 7_258_118_400;

/// Reads a row: the user, and the latest sign-in where one is on record and all of it is readable.
///
/// Source: Graph signInActivity: the later of the latest non-interactive and the latest successful
/// one; the latest interactive attempt, which may have failed, where there is neither.
///
/// # Errors
///
/// Fails where the row has no id: whoever it is would be missing.
pub(in crate::graph) fn latest_sign_in(
    raw: RawSignIns,
) -> Result<(UserId, Option<Timestamp>), String> {
    let id = raw.id.id().ok_or("a user in the answer has no readable id")?;
    let Some(Object(activity)) = raw.sign_in_activity else { return Ok((id, None)) };
    let silent = instant(activity.silent);
    let successful = instant(activity.successful);
    let attempted = instant(activity.attempted);
    let latest = match (silent, successful) {
        (Known::Known(None), Known::Known(None)) => attempted,
        (Known::Known(silent), Known::Known(successful)) => Known::Known(silent.max(successful)),
        // The one that cannot be read may be the later one.
        (Known::Unknown, _) | (_, Known::Unknown) => Known::Unknown,
    };
    Ok((id, latest.value().copied().flatten()))
}

/// Reads an instant, in whole seconds; what was not sent is none.
fn instant(raw: Scalar) -> Known<Option<Timestamp>> {
    let text = match raw {
        Scalar::Absent | Scalar::Null => return Known::Known(None),
        Scalar::Text(text) => text,
        Scalar::Flag(_) | Scalar::Number(_) | Scalar::Odd => return Known::Unknown,
    };
    match text.parse::<Timestamp>().map(Timestamp::as_second) {
        Ok(second) if second < EARLIEST => Known::Known(None),
        Ok(second) if second < LATEST => {
            Timestamp::from_second(second).map_or(Known::Unknown, |at| Known::Known(Some(at)))
        }
        Ok(_) | Err(_) => Known::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn latest(activity: &Value) -> Option<String> {
        let row = json!({"id": "a1a1a1a1-0001-4000-8000-000000000001", "signInActivity": activity});
        let (_, latest) = latest_sign_in(serde_json::from_value(row).unwrap()).unwrap();
        latest.map(|at| at.to_string())
    }

    fn activity(interactive: &str, silent: &str, successful: &str) -> Value {
        let value = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        json!({
            "lastSignInDateTime": value(interactive),
            "lastSignInRequestId": "c7df2760-2c81-4ef7-b578-5b5392b571df",
            "lastNonInteractiveSignInDateTime": value(silent),
            "lastSuccessfulSignInDateTime": value(successful),
        })
    }

    const MAY: &str = "2026-05-01T10:00:00Z";
    const JUNE: &str = "2026-06-01T10:00:00Z";
    const JULY: &str = "2026-07-01T10:00:00Z";

    #[test]
    fn inactive_for_counts_from_the_latest_sign_in_of_either_kind() {
        assert_eq!(latest(&activity(MAY, JUNE, MAY)).as_deref(), Some(JUNE));
        assert_eq!(latest(&activity(MAY, MAY, JUNE)).as_deref(), Some(JUNE));
        assert_eq!(latest(&activity("", "", JUNE)).as_deref(), Some(JUNE));
        assert_eq!(latest(&activity("", JUNE, "")).as_deref(), Some(JUNE));
        // An attempt that may have failed counts only where nothing else is told.
        assert_eq!(latest(&activity(JULY, JUNE, MAY)).as_deref(), Some(JUNE));
        assert_eq!(latest(&activity(JULY, "", "")).as_deref(), Some(JULY));
    }

    #[test]
    fn no_sign_in_on_record_is_no_sign_in_date() {
        assert_eq!(latest(&Value::Null), None);
        assert_eq!(latest(&json!({})), None);
        assert_eq!(latest(&activity("", "", "")), None);
        assert_eq!(latest(&activity("0001-01-01T00:00:00Z", "", "")), None);
    }

    #[test]
    fn a_date_that_cannot_be_read_is_no_early_one() {
        for odd in [json!(7), json!("soon"), json!({}), json!("9999-12-31T23:59:59Z")] {
            let mut broken = activity(MAY, JUNE, MAY);
            broken["lastSuccessfulSignInDateTime"] = odd.clone();
            assert_eq!(latest(&broken), None, "{odd}");
        }
    }

    #[test]
    fn a_row_without_an_id_is_refused() {
        let row = json!({"id": null, "signInActivity": null});
        assert!(latest_sign_in(serde_json::from_value(row).unwrap()).is_err());
    }
}
