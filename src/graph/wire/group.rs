//! Groups and their members.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::ids::{GroupId, UserId};
use crate::domain::known::Known;
use crate::graph::wire::scalar::Scalar;

/// What is asked of each group.
pub(in crate::graph) const GROUP_QUERY: &str = "$select=id,displayName,visibility&$top=999";
/// What is asked of each member.
pub(in crate::graph) const MEMBER_QUERY: &str = "$select=id&$top=999";

/// A group of the listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graph) struct ListedGroup {
    pub(in crate::graph) id: GroupId,
    pub(in crate::graph) name: Arc<str>,
    /// Whether its members may be hidden, so that an empty list of them means nothing.
    pub(in crate::graph) may_hide: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawGroup {
    id: Scalar,
    display_name: Scalar,
    visibility: Scalar,
}

/// Reads a group.
///
/// # Errors
///
/// Fails where it has no id.
pub(in crate::graph) fn group(raw: RawGroup) -> Result<ListedGroup, String> {
    let id: GroupId = raw.id.id().ok_or("a group in the answer has no readable id")?;
    let name = match raw.display_name.text() {
        Known::Known(Some(name)) => name,
        Known::Known(None) | Known::Unknown => {
            tracing::warn!(group = %id, "Graph shows a group without a display name");
            String::new()
        }
    };
    // Source: Graph group.visibility: null, `Public`, `Private` or `HiddenMembership`.
    let may_hide = match raw.visibility.text() {
        Known::Known(None) => false,
        Known::Known(Some(visibility)) => {
            !["public", "private"].iter().any(|open| visibility.eq_ignore_ascii_case(open))
        }
        Known::Unknown => true,
    };
    Ok(ListedGroup { id, name: name.into(), may_hide })
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) enum Member {
    User(UserId),
    Group(GroupId),
    /// A device, a contact or the like.
    Other(Uuid),
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::graph) struct RawMember {
    id: Scalar,
    #[serde(rename = "@odata.type")]
    kind: Scalar,
}

/// Reads a member. One whose kind was not sent counts as a user: no harm if it is none, whereas a
/// user who is left out would look like one who has left.
///
/// # Errors
///
/// Fails where it has no id.
pub(in crate::graph) fn member(raw: RawMember) -> Result<Member, String> {
    let id: Uuid = raw
        .id
        .id::<UserId>()
        .map(|id| id.as_uuid())
        .ok_or("a member of a group in the answer has no readable id")?;
    let user = Member::User(UserId::from_uuid(id));
    Ok(match raw.kind.text() {
        Known::Known(Some(kind)) => match kind.to_ascii_lowercase().as_str() {
            "#microsoft.graph.user" => user,
            "#microsoft.graph.group" => Member::Group(GroupId::from_uuid(id)),
            _ => Member::Other(id),
        },
        Known::Known(None) | Known::Unknown => user,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "3c2f9b0e-51b1-4a36-a2a5-0a3a4cf7f001";

    fn hides(visibility: &Value) -> bool {
        let raw = json!({"id": ID, "displayName": "x", "visibility": visibility});
        group(serde_json::from_value(raw).unwrap()).unwrap().may_hide
    }

    #[test]
    fn a_visibility_that_is_not_known_to_be_open_may_hide_members() {
        assert!(!hides(&Value::Null));
        assert!(!hides(&json!("Private")));
        assert!(hides(&json!("HiddenMembership")));
        assert!(hides(&json!("Twilight")));
        assert!(group(serde_json::from_value(json!({"id": ID})).unwrap()).unwrap().may_hide);
    }

    #[test]
    fn a_stub_of_a_member_is_a_member() {
        let read = |raw: Value| member(serde_json::from_value(raw).unwrap());
        let stub = json!({"@odata.type": "#microsoft.graph.user", "id": ID, "displayName": null});
        assert_eq!(read(stub), Ok(Member::User(ID.parse().unwrap())));
        assert_eq!(read(json!({"id": ID})), Ok(Member::User(ID.parse().unwrap())));
        let device = json!({"@odata.type": "#microsoft.graph.device", "id": ID});
        assert_eq!(read(device), Ok(Member::Other(ID.parse().unwrap())));
        assert!(read(json!({"@odata.type": "#microsoft.graph.user"})).is_err());
    }
}
