//! What changed since a token was given out: users, and groups with their direct members.
//!
//! Source: Graph, delta query overview. A row of an object that is new leaves out what was never set;
//! an object may come several times, and what was told before may come again.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::domain::attribute::Attribute;
use crate::domain::ids::{GroupId, UserId};
use crate::domain::known::Known;
use crate::domain::tracking::DirectMembers;
use crate::domain::user::{Licenses, User};
use crate::graph::wire::group::{ListedGroup, Member, RawGroup, RawMember, group, member};
use crate::graph::wire::page::not_json;
use crate::graph::wire::scalar::{List, Object, Scalar};
use crate::graph::wire::user::{RawUser, Shared, user};

/// What is asked of groups that change.
pub(in crate::graph) const GROUP_CHANGES: &str =
    "$select=id,displayName,visibility,createdDateTime,members";

/// A page of changes.
#[derive(Debug)]
pub(in crate::graph) struct Changes<T> {
    /// The rows, in their order; there may be none.
    pub(in crate::graph) rows: Vec<T>,
    /// Where it goes on.
    pub(in crate::graph) next: Next,
}

/// Where it goes on behind a page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graph) enum Next {
    /// There is another page.
    Page(String),
    /// That was all; from here on there will be what changes later.
    Round(String),
}

#[derive(Deserialize)]
struct Raw<R> {
    value: Vec<Object<R>>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    delta: Option<String>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

impl<T> Changes<T> {
    /// Reads a page. One bad row spoils it all, as does a page that leads nowhere.
    ///
    /// # Errors
    ///
    /// Says what is wrong, without quoting the rows.
    pub(in crate::graph) fn parse<R: for<'de> Deserialize<'de>>(
        body: &[u8],
        row: impl Fn(R) -> Result<T, String>,
    ) -> Result<Self, String> {
        let Object(raw): Object<Raw<R>> =
            serde_json::from_slice(body).map_err(|error| not_json(&error))?;
        let next = match (raw.error, raw.next, raw.delta) {
            (Some(_), _, _) => return Err("the page ends in an error".to_owned()),
            (None, Some(next), None) => Next::Page(next),
            (None, None, Some(delta)) => Next::Round(delta),
            (None, _, _) => return Err("the page does not say where it goes on".to_owned()),
        };
        let rows = raw.value.into_iter().map(|Object(raw)| row(raw)).collect::<Result<_, _>>()?;
        Ok(Self { rows, next })
    }
}

/// What was told of a user.
#[derive(Clone, Debug)]
pub(in crate::graph) struct UserChange {
    pub(in crate::graph) id: UserId,
    pub(in crate::graph) happened: Happened,
}

/// What happened to a user.
#[derive(Clone, Debug)]
pub(in crate::graph) enum Happened {
    /// The user was deleted.
    Removed,
    /// The user is new, was restored, or has changed.
    Changed {
        /// When the account was made.
        created_at: Option<Timestamp>,
        /// What was told, as far as it can be read.
        told: Option<Box<User>>,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::graph) struct RawUserChange {
    id: Scalar,
    #[serde(rename = "createdDateTime")]
    created_at: Scalar,
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// Reads a row of users that changed.
///
/// # Errors
///
/// Fails where it has no id.
pub(in crate::graph) fn user_change(raw: RawUserChange) -> Result<UserChange, String> {
    let RawUserChange { id, created_at, removed, mut rest } = raw;
    let id: UserId = id.id().ok_or("a user in the answer has no readable id")?;
    let happened = match removed {
        Some(_) => Happened::Removed,
        None => {
            rest.insert("id".to_owned(), id.to_string().into());
            let told = serde_json::from_value::<RawUser>(rest.into())
                .ok()
                .and_then(|raw| user(raw, &Shared::default()).ok());
            Happened::Changed { created_at: instant(created_at), told: told.map(Box::new) }
        }
    };
    Ok(UserChange { id, happened })
}

/// Whether a look at a user shows something else than was told of the user's changes: then one of the
/// two is late. What was not told does not count.
pub(in crate::graph) fn differs(told: &User, seen: &User) -> bool {
    fn odd<T: PartialEq>(told: &Known<T>, seen: &Known<T>) -> bool {
        matches!(told, Known::Known(_)) && told != seen
    }
    let holds = |licenses: &Licenses| -> Vec<_> {
        let held = licenses.assignments.iter();
        held.map(|assignment| (assignment.sku, assignment.disabled.clone())).collect()
    };
    let held = |user: &User| user.licenses.as_ref().map(holds);
    let named = told.display_name.is_some() && told.display_name != seen.display_name;
    told.principal_name != seen.principal_name
        || named
        || odd(&told.user_type, &seen.user_type)
        || odd(&told.enabled, &seen.enabled)
        || odd(&told.usage_location, &seen.usage_location)
        || odd(&told.synced, &seen.synced)
        || odd(&told.distinguished_name, &seen.distinguished_name)
        || odd(&told.ad_domain, &seen.ad_domain)
        || Attribute::all().any(|at| odd(&told.attributes.get(at), &seen.attributes.get(at)))
        || odd(&held(told), &held(seen))
}

/// What was told of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graph) struct GroupChange {
    pub(in crate::graph) id: GroupId,
    /// Whether it was deleted.
    pub(in crate::graph) removed: bool,
    pub(in crate::graph) created_at: Option<Timestamp>,
    /// The display name, where it was told.
    pub(in crate::graph) name: Option<String>,
    /// Whether it may hide its members, where that was told.
    pub(in crate::graph) may_hide: Option<bool>,
    /// Members that came (true) and went, in order.
    members: Vec<(Member, bool)>,
}

impl GroupChange {
    /// Puts the changes of members into what was known of them.
    pub(in crate::graph) fn apply(&self, known: &mut DirectMembers) {
        for (member, is_in) in &self.members {
            match (*member, is_in) {
                (member, true) => put(known, member),
                // The kind may be missing where a member went.
                (Member::User(id), false) => take(known, id.as_uuid()),
                (Member::Group(id), false) => take(known, id.as_uuid()),
                (Member::Other(id), false) => take(known, id),
            }
        }
    }
}

/// Puts a member in.
pub(in crate::graph) fn put(known: &mut DirectMembers, member: Member) {
    match member {
        Member::User(id) => known.users.insert(id),
        Member::Group(id) => known.groups.insert(id),
        Member::Other(id) => known.others.insert(id),
    };
}

fn take(known: &mut DirectMembers, id: Uuid) {
    known.users.remove(&UserId::from_uuid(id));
    known.groups.remove(&GroupId::from_uuid(id));
    known.others.remove(&id);
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::graph) struct RawGroupChange {
    #[serde(rename = "createdDateTime")]
    created_at: Scalar,
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
    #[serde(rename = "members@delta")]
    members: List<Object<RawMemberChange>>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMemberChange {
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// Reads a row of groups that changed.
///
/// # Errors
///
/// Fails where it, or a member of it, has no id: whoever it is would be missing.
pub(in crate::graph) fn group_change(raw: RawGroupChange) -> Result<GroupChange, String> {
    let RawGroupChange { created_at, removed, members, rest } = raw;
    let is_told = |name: &str| rest.contains_key(name);
    let (named, seen) = (is_told("displayName"), is_told("visibility"));
    let odd = |_| "a group in the answer cannot be read".to_owned();
    let raw: RawGroup = serde_json::from_value(rest.into()).map_err(odd)?;
    let ListedGroup { id, name, may_hide } = group(raw)?;
    let members = match members {
        List::Sent(members) => members,
        List::Unsent => Vec::new(),
    };
    let one = |Object(raw): Object<RawMemberChange>| {
        let odd = |_| "a member of a group in the answer cannot be read".to_owned();
        let plain: RawMember = serde_json::from_value(raw.rest.into()).map_err(odd)?;
        Ok::<_, String>((member(plain)?, raw.removed.is_none()))
    };
    Ok(GroupChange {
        id,
        removed: removed.is_some(),
        created_at: instant(created_at),
        name: named.then(|| name.to_string()),
        may_hide: seen.then_some(may_hide),
        members: members.into_iter().map(one).collect::<Result<_, _>>()?,
    })
}

fn instant(raw: Scalar) -> Option<Timestamp> {
    match raw.text() {
        Known::Known(Some(text)) => text.parse().ok(),
        Known::Known(None) | Known::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
