//! Users and groups side by side: members, what somebody is a member of, objects by id.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::ids::{GroupId, UserId};
use crate::sandbox::http::group_properties::{self, WriteGroup, group_property};
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::paging::{self, About, Page};
use crate::sandbox::http::properties::{self, Selection, WriteUser, no_property, user_property};
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::http::writes;
use crate::sandbox::model::Member;
use crate::sandbox::roles::Role;

/// Ids that are asked for at once, at most.
///
/// Source: Graph directoryObject: getByIds.
const IDS_MAX: usize = 1_000;

/// To what the path casts, where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cast {
    None,
    Users,
    Groups,
}

impl Cast {
    /// Reads the last segment of a path. The SDKs write the short name of the namespace.
    pub(super) fn named(segment: &str) -> Option<Self> {
        match segment {
            "microsoft.graph.user" | "graph.user" => Some(Self::Users),
            "microsoft.graph.group" | "graph.group" => Some(Self::Groups),
            _ => None,
        }
    }

    fn fits(self, member: Member) -> bool {
        match (self, member) {
            (Self::None, _) | (Self::Users, Member::User(_)) | (Self::Groups, Member::Group(_)) => {
                true
            }
            (Self::Users, Member::Group(_)) | (Self::Groups, Member::User(_)) => false,
        }
    }

    fn context(self) -> &'static str {
        match self {
            Self::None => "directoryObjects",
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

/// Answers with a page of these.
pub(super) fn list(
    world: &World,
    call: &Call,
    all: &[Member],
    cast: Cast,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse(&["$skip", "$search", "$orderby", "$expand"])?;
    if cast != Cast::None && !call.is_eventual() {
        return Err(Failure::unsupported(
            "The request is not supported without the header 'ConsistencyLevel:eventual'.",
        ));
    }
    let chosen = Chosen::of(&query, cast, caller)?;
    let page = Page::asked(call, &query)?;
    let fits = |place: &usize| cast.fits(all[*place]);
    let mut rest = (page.start..all.len()).filter(fits);
    let shown: Vec<usize> = rest.by_ref().take(page.size).collect();
    let next = rest.next();
    let count = page.counts(call).then(|| (0..all.len()).filter(fits).count());
    let about = About { context: paging::context(cast.context(), &query), count, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, place| chosen.write(world, call, all[place], out));
    }))
}

/// `POST /directoryObjects/getByIds`. Writes nothing; what is not there is left out.
pub(super) fn by_ids(world: &World, call: &Call, caller: &Caller) -> Result<Reply, Failure> {
    let body = writes::object(call)?;
    let ids = body.get("ids").and_then(Value::as_array).ok_or_else(Failure::unreadable)?;
    if ids.len() > IDS_MAX {
        return Err(Failure::bad(format!("Too many ids: {}. Max allowed: {IDS_MAX}.", ids.len())));
    }
    let ids: Result<Vec<Uuid>, Failure> = ids.iter().map(|id| writes::guid(id, |id| id)).collect();
    let types = body.get("types").and_then(Value::as_array);
    let wanted = |kind: &str| types.is_none_or(|types| types.iter().any(|name| name == kind));
    let found = |id: &Uuid| {
        let (user, group) = (UserId::from_uuid(*id), GroupId::from_uuid(*id));
        if wanted("user") && world.tenant.place_of(user).is_some() {
            return Some(Member::User(user));
        }
        (wanted("group") && world.tenant.group(group).is_some()).then_some(Member::Group(group))
    };
    let asked: BTreeSet<Uuid> = ids?.into_iter().collect();
    let query = call.options();
    let chosen = Chosen::of(&query, Cast::None, caller)?;
    let context = paging::context("directoryObjects", &query);
    let about = About { context, count: None, next: None };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, asked.iter().filter_map(found), |out, member| {
            chosen.write(world, call, member, out);
        });
    }))
}

/// What to send of users and groups.
pub(super) struct Chosen {
    users: Selection<WriteUser>,
    groups: Selection<WriteGroup>,
    /// Whether objects carry their type.
    typed: bool,
    /// Whether the caller may read users; else all but the id is null.
    may_read_users: bool,
}

impl Chosen {
    pub(super) fn of(query: &Query, cast: Cast, caller: &Caller) -> Result<Self, Failure> {
        Self::selected(query.select(), cast, caller)
    }

    /// Returns what `$select` chooses.
    pub(super) fn selected(
        select: Option<Vec<String>>,
        cast: Cast,
        caller: &Caller,
    ) -> Result<Self, Failure> {
        let (users, groups) = match (select, cast) {
            (None, _) => (None, None),
            (Some(select), Cast::Users) => (Some(select), None),
            (Some(select), Cast::Groups) => (None, Some(select)),
            (Some(select), Cast::None) => {
                let (users, groups) = shared(&select)?;
                (Some(users), Some(groups))
            }
        };
        let readers = [Role::UserReadAll, Role::UserReadWriteAll, Role::DirectoryReadAll];
        Ok(Self {
            users: properties::users(users.as_deref())?,
            groups: group_properties::groups(groups.as_deref())?,
            typed: cast == Cast::None,
            may_read_users: readers.iter().any(|role| caller.contains(role)),
        })
    }

    pub(super) fn write(&self, world: &World, call: &Call, member: Member, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        let kind = match member {
            Member::User(_) => "#microsoft.graph.user",
            Member::Group(_) => "#microsoft.graph.group",
        };
        if self.typed {
            json::text(object.key("@odata.type"), kind);
        }
        match member {
            Member::User(id) => match world.tenant.place_of(id) {
                Some(place) if self.may_read_users => {
                    let seen = world.seen(call.view(), place);
                    properties::write_user(&mut object, &seen, &self.users);
                }
                Some(_) | None => {
                    json::plain(object.key("id"), id);
                    for (name, _) in self.users.iter().filter(|(name, _)| *name != "id") {
                        json::optional(object.key(name), None);
                    }
                }
            },
            Member::Group(id) => match world.tenant.group(id) {
                Some(group) => {
                    let seen = world.seen_group(group, call.now);
                    for (name, write) in &self.groups {
                        write(&seen, object.key(name));
                    }
                }
                None => json::plain(object.key("id"), id),
            },
        }
        object.end();
    }
}

/// Returns those of the selected properties that users and groups have.
fn shared(select: &[String]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let of = |has: fn(&str) -> bool| select.iter().filter(|name| has(name)).cloned().collect();
    let unknown = |name: &&String| user_property(name).is_none() && group_property(name).is_none();
    match select.iter().find(unknown) {
        Some(name) => Err(no_property(name, "directoryObject")),
        None => Ok((of(|n| user_property(n).is_some()), of(|n| group_property(n).is_some()))),
    }
}
