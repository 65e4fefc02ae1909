//! What a refused write means, from the words that Graph uses.

use crate::graph::advice::cut;
use crate::graph::wire::fault::GraphFault;
use crate::ports::{Refusal, RefusalKind};

/// The longest message that is kept.
const MESSAGE_MAX: usize = 500;

/// Source: messages of Graph assignLicense, all of them HTTP 400 `Request_BadRequest`.
const FRAGMENTS: &[(&str, RefusalKind)] = &[
    ("invalid usage location", RefusalKind::NoUsageLocation),
    ("does not have any available licenses", RefusalKind::NoSeats),
    ("does not correspond to a valid company license", RefusalKind::SkuNotAssignable),
    ("cannot be assigned to a user", RefusalKind::SkuNotAssignable),
    ("does not have a corresponding license", RefusalKind::NotHeld),
    ("inherited from a group membership", RefusalKind::Inherited),
    ("depends on the service plan", RefusalKind::Dependency),
    ("mutually exclusive", RefusalKind::Exclusive),
    ("same value for property proxyaddresses", RefusalKind::AddressTaken),
];

/// Returns what kind of refusal these words are.
pub(super) fn kind(status: u16, fault: &GraphFault) -> RefusalKind {
    if let 401 | 403 = status {
        return RefusalKind::Forbidden;
    }
    let message = fault.message.to_lowercase();
    let told = FRAGMENTS.iter().find(|(fragment, _)| message.contains(fragment));
    match (told, status) {
        (Some((_, kind)), _) => *kind,
        (None, 404) => RefusalKind::NoSuchUser,
        (None, _) => RefusalKind::Other,
    }
}

/// Puts a refusal into the words of the port.
pub(super) fn refusal(
    kind: RefusalKind,
    status: u16,
    fault: &GraphFault,
    request_id: Option<&str>,
) -> Refusal {
    Refusal {
        kind,
        status,
        code: cut(&fault.code, 100).into(),
        message: cut(&fault.message, MESSAGE_MAX).into(),
        request_id: fault.request_id.as_deref().or(request_id).map(|id| cut(id, 64).into()),
    }
}

/// Puts into the words of the port that no answer came, or none that says anything.
pub(super) fn unavailable(status: u16, message: &str, request_id: Option<&str>) -> Refusal {
    let fault = GraphFault::saying(message);
    refusal(RefusalKind::Unavailable, status, &fault, request_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(status: u16, message: &str) -> RefusalKind {
        let body = serde_json::json!({"error": {"code": "Request_BadRequest", "message": message}});
        kind(status, &GraphFault::read(&body).unwrap())
    }

    #[test]
    fn refusals_are_told_by_fragments_whatever_their_case() {
        let sku = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
        for (message, expected) in [
            (
                "License assignment cannot be done for user with INVALID usage location."
                    .to_owned(),
                RefusalKind::NoUsageLocation,
            ),
            (
                format!("Subscription with SKU {sku} does not have any available licenses."),
                RefusalKind::NoSeats,
            ),
            (
                format!("License {sku} does not correspond to a valid company License."),
                RefusalKind::SkuNotAssignable,
            ),
            (format!("License {sku} cannot be assigned to a user."), RefusalKind::SkuNotAssignable),
            ("User does not have a corresponding license.".to_owned(), RefusalKind::NotHeld),
            (
                "User license is inherited from a group membership and it cannot be removed \
                 directly from the user."
                    .to_owned(),
                RefusalKind::Inherited,
            ),
            (
                "License assignment failed because service plan a depends on the service plan(s) b"
                    .to_owned(),
                RefusalKind::Dependency,
            ),
            (
                "License assignment failed because service plans a, b are mutually exclusive."
                    .to_owned(),
                RefusalKind::Exclusive,
            ),
            (
                "Another object with the same value for property proxyAddresses already exists."
                    .to_owned(),
                RefusalKind::AddressTaken,
            ),
            ("Something nobody has seen yet.".to_owned(), RefusalKind::Other),
        ] {
            assert_eq!(kind_of(400, &message), expected, "{message}");
        }
    }

    #[test]
    fn statuses_decide_where_the_words_do_not() {
        assert_eq!(kind_of(404, "Resource 'x' does not exist"), RefusalKind::NoSuchUser);
        assert_eq!(kind_of(403, "Insufficient privileges"), RefusalKind::Forbidden);
        assert_eq!(kind_of(401, "mutually exclusive"), RefusalKind::Forbidden);
    }

    #[test]
    fn a_very_long_message_is_shortened() {
        let fault = GraphFault::saying(&"ä".repeat(2000));
        let refusal = refusal(RefusalKind::Other, 400, &fault, None);
        assert_eq!(refusal.message.chars().count(), MESSAGE_MAX);
    }
}
