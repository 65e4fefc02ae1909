//! Who is in what: members of groups and of administrative units, and the groups of a user.

use std::sync::Arc;

use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::objects::{self, Cast};
use crate::sandbox::http::paging::{self, About, Page};
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reads::find_group;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::route::MemberList;
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::model::{Member, Unit};
use crate::sandbox::roles::Role;

/// `GET /groups/{id}/members` and `/transitiveMembers`, with and without a cast.
pub(super) fn of_group(
    world: &mut World,
    call: &Call,
    key: &str,
    list: MemberList,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let group = find_group(world, key)?;
    let sees_hidden = caller.contains(&Role::MemberReadHidden);
    let (id, hidden) = (group.id, group.hidden && !sees_hidden);
    let all: Arc<[Member]> = match (hidden, list.transitive) {
        (true, _) => Arc::from([]),
        (false, true) => world.nested_members(id, sees_hidden),
        (false, false) => world.present_members(id),
    };
    objects::list(world, call, &all, list.cast, caller)
}

/// `GET /groups/{id}/membersWithLicenseErrors`.
pub(super) fn with_errors(
    world: &World,
    call: &Call,
    key: &str,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let group = find_group(world, key)?;
    let fails = |member: &Member| match member {
        Member::User(id) => world.tenant.lacks_of(group.id, *id),
        Member::Group(_) => false,
    };
    let all: Vec<Member> = group.members.iter().copied().filter(fails).collect();
    objects::list(world, call, &all, Cast::None, caller)
}

/// `GET /users/{id}/memberOf` and `/transitiveMemberOf`, with and without a cast.
pub(super) fn groups_of_user(
    world: &World,
    call: &Call,
    key: &str,
    list: MemberList,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let user = Member::User(world.tenant.users()[place].id);
    let sees_hidden = caller.contains(&Role::MemberReadHidden);
    let shows = |group: &Member| match group {
        Member::Group(id) => {
            world.tenant.group(*id).is_some_and(|group| sees_hidden || !group.hidden)
        }
        Member::User(_) => false,
    };
    let groups = world.tenant.groups_of(user, list.transitive);
    let all: Vec<Member> = groups.into_iter().map(Member::Group).filter(shows).collect();
    objects::list(world, call, &all, list.cast, caller)
}

/// `GET /directory/administrativeUnits`.
pub(super) fn units(world: &World, call: &Call) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse(&["$skip", "$search", "$orderby", "$expand"])?;
    let page = Page::asked(call, &query)?;
    let all = world.tenant.units();
    let shown = all.iter().skip(page.start).take(page.size);
    let next = (all.len() > page.start + page.size).then_some(page.start + page.size);
    let count = page.counts(call).then_some(all.len());
    let context = paging::context("directory/administrativeUnits", &query);
    let about = About { context, count, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, unit| write_unit(unit, &query, None, out));
    }))
}

/// `GET /directory/administrativeUnits/{id}`.
pub(super) fn unit(world: &World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let query = call.options();
    let context = paging::context("directory/administrativeUnits", &query);
    let context = format!("{}/$metadata#{context}/$entity", call.root);
    let mut body = Vec::new();
    write_unit(find_unit(world, key)?, &query, Some(&context), &mut body);
    Ok(Reply::json(200, body))
}

/// `GET /directory/administrativeUnits/{id}/members`, with and without a cast.
pub(super) fn of_unit(
    world: &World,
    call: &Call,
    key: &str,
    cast: Cast,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let unit = find_unit(world, key)?;
    let hidden = unit.hidden && !caller.contains(&Role::MemberReadHidden);
    let shows = |member: &Member| !hidden && world.tenant.is_there(*member);
    let all: Vec<Member> = unit.members.iter().copied().filter(shows).collect();
    objects::list(world, call, &all, cast, caller)
}

fn find_unit<'a>(world: &'a World, key: &str) -> Result<&'a Unit, Failure> {
    let is_it = |unit: &&Unit| unit.id.to_string().eq_ignore_ascii_case(key);
    world.tenant.units().iter().find(is_it).ok_or_else(|| Failure::not_found(key))
}

fn write_unit(unit: &Unit, query: &Query, context: Option<&str>, out: &mut Vec<u8>) {
    let select = query.select();
    let wants = |name: &str| {
        name == "id" || select.as_ref().is_none_or(|names| names.iter().any(|n| n == name))
    };
    let texts = [
        ("displayName", Some(&*unit.name)),
        ("description", None),
        ("visibility", unit.hidden.then_some("HiddenMembership")),
        ("membershipType", Some("Assigned")),
        ("membershipRule", None),
        ("membershipRuleProcessingState", None),
    ];
    let mut object = Object::begin(out);
    if let Some(context) = context {
        json::text(object.key("@odata.context"), context);
    }
    json::plain(object.key("id"), unit.id);
    for (name, value) in texts.into_iter().filter(|(name, _)| wants(name)) {
        json::optional(object.key(name), value);
    }
    if wants("isMemberManagementRestricted") {
        json::bare(object.key("isMemberManagementRestricted"), unit.restricted);
    }
    object.end();
}
