//! What can be read of people: users, groups and their members.

use std::ops::Range;

use crate::domain::ids::GroupId;
use crate::sandbox::http::filter::Filter;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::paging::{self, About, Page};
use crate::sandbox::http::properties::{self, Seen, Selection, WriteGroup, WriteUser};
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::model::{Group, Member};
use crate::sandbox::roles::Role;

impl World {
    /// Returns a user, by place, as reads show it.
    pub(super) fn seen(&self, place: usize) -> Seen<'_> {
        let user = &self.tenant.users()[place];
        match self.unseen.of(user.id) {
            Some(before) => Seen { user, licenses: &before.licenses, location: before.location },
            None => Seen { user, licenses: &user.licenses, location: user.usage_location },
        }
    }
}

/// `GET /users`.
pub(super) fn users(world: &World, call: &Call) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse_unsupported()?;
    let chosen = properties::users(query.select().as_deref())?;
    let filter = user_filter(call, &query)?;
    let page = Page::asked(call, &query)?;
    let fits = |place: &usize| filter.as_ref().is_none_or(|f| f.fits(&world.seen(*place)));
    let candidates = candidates(world, filter.as_ref());
    let mut rest = candidates.iter(page.start).filter(fits);
    let shown: Vec<usize> = rest.by_ref().take(page.size).collect();
    let next = rest.next();
    let count = page.counts(call).then(|| candidates.iter(0).filter(fits).count());
    let about = About { context: paging::context("users", &query), count, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, place| {
            let mut object = Object::begin(out);
            properties::write_user(&mut object, &world.seen(place), &chosen);
            object.end();
        });
    }))
}

fn user_filter(call: &Call, query: &Query) -> Result<Option<Filter>, Failure> {
    let Some(text) = query.get("$filter") else { return Ok(None) };
    // A bare count is an advanced query by its path.
    let advanced = call.is_advanced() || call.path.ends_with("/$count");
    let filter = Filter::parse(text, advanced)?;
    properties::check_user_filter(&filter.properties(), advanced)?;
    Ok(Some(filter))
}

/// Where to look for users: everywhere, or at a few places that the filter names.
enum Candidates {
    All(Range<usize>),
    Few(Vec<usize>),
}

impl Candidates {
    fn iter(&self, start: usize) -> impl Iterator<Item = usize> + '_ {
        let (range, few) = match self {
            Self::All(range) => (start..range.end, &[][..]),
            Self::Few(few) => (0..0, few.as_slice()),
        };
        range.chain(few.iter().copied().filter(move |place| *place >= start))
    }
}

fn candidates(world: &World, filter: Option<&Filter>) -> Candidates {
    let everywhere = Candidates::All(0..world.tenant.users().len());
    let Some(filter) = filter else { return everywhere };
    let Some(keys) = filter.pins("id").or_else(|| filter.pins("userPrincipalName")) else {
        return everywhere;
    };
    let mut places: Vec<usize> =
        keys.iter().filter_map(|key| world.tenant.user_index(key)).collect();
    places.sort_unstable();
    places.dedup();
    Candidates::Few(places)
}

/// `GET /users/$count`.
pub(super) fn user_count(world: &World, call: &Call) -> Result<Reply, Failure> {
    if !call.is_eventual() {
        return Err(Failure::bad("$count is not currently supported."));
    }
    let query = call.options();
    let filter = user_filter(call, &query)?;
    let fits = |place: &usize| filter.as_ref().is_none_or(|f| f.fits(&world.seen(*place)));
    let count = (0..world.tenant.users().len()).filter(fits).count();
    let headers = vec![("Content-Type", "text/plain".to_owned())];
    Ok(Reply { status: 200, headers, body: count.to_string().into_bytes(), items: Vec::new() })
}

/// `GET /users/{id or principal name}`.
pub(super) fn user(world: &World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let query = call.options();
    let chosen = properties::users(query.select().as_deref())?;
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    Ok(one_user(call, &query, &world.seen(place), &chosen))
}

/// Writes one user with its context.
pub(super) fn one_user(
    call: &Call,
    query: &Query,
    seen: &Seen<'_>,
    chosen: &Selection<WriteUser>,
) -> Reply {
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let context = paging::context("users", query);
    let context = format!("{}/$metadata#{context}/$entity", call.root);
    json::text(object.key("@odata.context"), &context);
    properties::write_user(&mut object, seen, chosen);
    object.end();
    Reply::json(200, body)
}

/// `GET /groups`.
pub(super) fn groups(world: &World, call: &Call) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse_unsupported()?;
    let chosen = properties::groups(query.select().as_deref())?;
    let filter = match query.get("$filter") {
        Some(text) => Some(Filter::parse(text, call.is_advanced())?),
        None => None,
    };
    if let Some(filter) = &filter {
        properties::check_group_filter(&filter.properties())?;
    }
    let page = Page::asked(call, &query)?;
    let groups = world.tenant.groups();
    let fits = |place: &usize| filter.as_ref().is_none_or(|f| f.fits(&groups[*place]));
    let mut rest = (page.start..groups.len()).filter(fits);
    let shown: Vec<usize> = rest.by_ref().take(page.size).collect();
    let next = rest.next();
    let count = page.counts(call).then(|| (0..groups.len()).filter(fits).count());
    let about = About { context: paging::context("groups", &query), count, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, place| write_group(out, &groups[place], &chosen));
    }))
}

fn write_group(out: &mut Vec<u8>, group: &Group, chosen: &Selection<WriteGroup>) {
    let mut object = Object::begin(out);
    for (name, write) in chosen {
        write(group, object.key(name));
    }
    object.end();
}

/// `GET /groups/{id}`.
pub(super) fn group(world: &World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let query = call.options();
    let chosen = properties::groups(query.select().as_deref())?;
    let group = find_group(world, key)?;
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let context = paging::context("groups", &query);
    let context = format!("{}/$metadata#{context}/$entity", call.root);
    json::text(object.key("@odata.context"), &context);
    for (name, write) in &chosen {
        write(group, object.key(name));
    }
    object.end();
    Ok(Reply::json(200, body))
}

fn find_group<'a>(world: &'a World, key: &str) -> Result<&'a Group, Failure> {
    let id: GroupId =
        key.parse().map_err(|_| Failure::bad(format!("Invalid object identifier '{key}'.")))?;
    world.tenant.group(id).ok_or_else(|| Failure::not_found(key))
}

/// Which list of members is asked for.
pub(super) struct MemberList<'a> {
    /// The group.
    pub(super) group: &'a str,
    /// Users alone, by a cast in the path.
    pub(super) cast: bool,
    /// Nested groups included.
    pub(super) transitive: bool,
}

/// `GET /groups/{id}/members` and `/transitiveMembers`, with and without a cast to users.
pub(super) fn members(
    world: &mut World,
    call: &Call,
    list: &MemberList<'_>,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse_unsupported()?;
    if list.cast && !call.is_eventual() {
        return Err(Failure::unsupported(
            "The request is not supported without the header 'ConsistencyLevel:eventual'.",
        ));
    }
    let chosen = MemberSelection::of(&query, list.cast, caller)?;
    let page = Page::asked(call, &query)?;
    let group = find_group(world, list.group)?;
    let (id, hidden) = (group.id, group.hidden && !caller.contains(&Role::MemberReadHidden));
    let direct = || group.members.iter().copied();
    let all = match (hidden, list.transitive) {
        (true, _) => std::sync::Arc::from([]),
        (false, true) => world.nested_members(id, caller.contains(&Role::MemberReadHidden)),
        // Deleted users stay members until they are gone for good, and are not listed.
        (false, false) => direct().filter(|member| world.tenant.is_there(*member)).collect(),
    };
    let fits = |place: &usize| !list.cast || matches!(all[*place], Member::User(_));
    let mut rest = (page.start..all.len()).filter(fits);
    let shown: Vec<usize> = rest.by_ref().take(page.size).collect();
    let next = rest.next();
    let count = page.counts(call).then(|| (0..all.len()).filter(fits).count());
    let name = if list.cast { "users" } else { "directoryObjects" };
    let about = About { context: paging::context(name, &query), count, next };
    let world = &*world;
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, place| chosen.write(world, all[place], out));
    }))
}

/// What to send of members.
struct MemberSelection {
    users: Selection<WriteUser>,
    groups: Selection<WriteGroup>,
    /// Whether objects carry their type.
    typed: bool,
    /// Whether the caller may read users; else all but the id is null.
    may_read_users: bool,
}

impl MemberSelection {
    fn of(query: &Query, cast: bool, caller: &Caller) -> Result<Self, Failure> {
        let (users, groups) = match query.select() {
            None => (None, None),
            Some(select) if cast => (Some(select), None),
            Some(select) => {
                let (users, groups) = properties::shared(&select)?;
                (Some(users), Some(groups))
            }
        };
        let readers = [Role::UserReadAll, Role::UserReadWriteAll, Role::DirectoryReadAll];
        Ok(Self {
            users: properties::users(users.as_deref())?,
            groups: properties::groups(groups.as_deref())?,
            typed: !cast,
            may_read_users: readers.iter().any(|role| caller.contains(role)),
        })
    }

    fn write(&self, world: &World, member: Member, out: &mut Vec<u8>) {
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
                    properties::write_user(&mut object, &world.seen(place), &self.users);
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
                    for (name, write) in &self.groups {
                        write(group, object.key(name));
                    }
                }
                None => json::plain(object.key("id"), id),
            },
        }
        object.end();
    }
}
