//! What can be read of people: users and groups.

use std::ops::Range;

use crate::domain::ids::GroupId;
use crate::sandbox::http::expand::Expand;
use crate::sandbox::http::filter::{Filter, Rules};
use crate::sandbox::http::group_properties::{self, GROUP_FILTERS, SeenGroup, WriteGroup};
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::lag::{Moment, View};
use crate::sandbox::http::order::{Order, Search};
use crate::sandbox::http::paging::{self, About, Page};
use crate::sandbox::http::properties::{self, Seen, Selection, WriteUser};
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::model::{Group, Member};

impl World {
    /// Returns a user, by place, as reads of this copy show it.
    pub(super) fn seen(&self, view: View, place: usize) -> Seen<'_> {
        let user = &self.tenant.users()[place];
        let restricted = self.tenant.is_restricted(user.id);
        match self.views.of(view, user.id) {
            Some(before) => {
                Seen { user, licenses: &before.licenses, location: before.location, restricted }
            }
            None => {
                Seen { user, licenses: &user.licenses, location: user.usage_location, restricted }
            }
        }
    }

    /// Returns a group as reads show it.
    pub(super) fn seen_group<'a>(&self, group: &'a Group, now: Moment) -> SeenGroup<'a> {
        let processing = self.queue.state(group.id, now);
        SeenGroup { group, processing, has_errors: false }
    }
}

/// `GET /users`.
pub(super) fn users(world: &World, call: &Call, caller: &Caller) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse(&["$skip"])?;
    let select = query.select();
    refuse_outside(select.as_deref().unwrap_or_default())?;
    let chosen = properties::users(select.as_deref())?;
    let (view, advanced) = (call.view(), call.is_advanced());
    let allowed = properties::user_filters(advanced);
    let expand = Expand::asked(&query, advanced, &["memberOf"], caller)?;
    let filter = user_filter(world, call, &query)?;
    let search = Search::asked(&query, call.is_eventual(), &allowed)?;
    let order = Order::asked(&query, advanced, &allowed)?;
    let page = Page::asked(call, &query)?;
    let fits = |place: &usize| {
        let seen = world.seen(view, *place);
        filter.as_ref().is_none_or(|filter| filter.fits(&seen))
            && search.as_ref().is_none_or(|search| search.finds(&seen))
    };
    let candidates = candidates(world, filter.as_ref());
    let all = order.map(|order| {
        let mut all: Vec<usize> = candidates.iter(0).filter(fits).collect();
        order.sort(&mut all, |place| world.seen(view, place));
        all
    });
    let (shown, next) = match &all {
        Some(all) => cut(all, page),
        None => {
            let mut rest = candidates.iter(page.start).filter(fits);
            (rest.by_ref().take(page.size).collect(), rest.next())
        }
    };
    let count = page.counts(call).then(|| match &all {
        Some(all) => all.len(),
        None => candidates.iter(0).filter(fits).count(),
    });
    let about = About { context: paging::context("users", &query), count, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, place| {
            let mut object = Object::begin(out);
            properties::write_user(&mut object, &world.seen(view, place), &chosen);
            if let Some(expand) = &expand {
                let user = Member::User(world.tenant.users()[place].id);
                expand.write(world, call, user, &mut object);
            }
            object.end();
        });
    }))
}

/// Refuses properties that are not in the directory, which lists cannot show. Graph's own words are not
/// known.
///
/// Source: Graph list users: 501 for them.
fn refuse_outside(names: &[String]) -> Result<(), Failure> {
    let outside = ["aboutMe", "birthday", "interests", "skills"];
    match names.iter().find(|name| outside.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let message = format!("Property '{name}' cannot be selected on a collection of users.");
            Err(Failure::new(501, "NotImplemented", message))
        }
    }
}

/// Cuts a page out of places that were put in order. Returns where the next one begins.
fn cut(all: &[usize], page: Page) -> (Vec<usize>, Option<usize>) {
    let end = (page.start + page.size).min(all.len());
    let shown = all.get(page.start..end).unwrap_or_default().to_vec();
    (shown, (end < all.len()).then_some(end))
}

fn user_filter(world: &World, call: &Call, query: &Query) -> Result<Option<Filter>, Failure> {
    let Some(text) = query.get("$filter") else { return Ok(None) };
    // A bare count is an advanced query by its path.
    let advanced = call.is_advanced() || call.path.ends_with("/$count");
    let filter = Filter::parse(text, Rules { advanced, ..world.rules(call) })?;
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
    let filter = user_filter(world, call, &query)?;
    let search = Search::asked(&query, true, &properties::user_filters(true))?;
    let fits = |place: &usize| {
        let seen = world.seen(View::Index, *place);
        filter.as_ref().is_none_or(|filter| filter.fits(&seen))
            && search.as_ref().is_none_or(|search| search.finds(&seen))
    };
    let count = (0..world.tenant.users().len()).filter(fits).count();
    Ok(plain_text(&count.to_string()))
}

/// `GET /users/{id or principal name}`.
pub(super) fn user(
    world: &World,
    call: &Call,
    key: &str,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let query = call.options();
    let chosen = properties::users(query.select().as_deref())?;
    let expand = Expand::asked(&query, false, &["memberOf"], caller)?;
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let seen = world.seen(call.view(), place);
    Ok(one_user(call, &query, &seen, &chosen, |object| {
        if let Some(expand) = &expand {
            expand.write(world, call, Member::User(seen.user.id), object);
        }
    }))
}

/// Answers a write with the user as it is now, whatever reads show.
pub(super) fn user_now(world: &World, call: &Call, place: usize) -> Result<Reply, Failure> {
    let user = &world.tenant.users()[place];
    let restricted = world.tenant.is_restricted(user.id);
    let seen = Seen { user, licenses: &user.licenses, location: user.usage_location, restricted };
    let query = call.options();
    let chosen = properties::users(query.select().as_deref())?;
    Ok(one_user(call, &query, &seen, &chosen, |_| {}))
}

/// Writes one user with its context.
fn one_user(
    call: &Call,
    query: &Query,
    seen: &Seen<'_>,
    chosen: &Selection<WriteUser>,
    more: impl FnOnce(&mut Object<'_>),
) -> Reply {
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let context = paging::context("users", query);
    let context = format!("{}/$metadata#{context}/$entity", call.root);
    json::text(object.key("@odata.context"), &context);
    properties::write_user(&mut object, seen, chosen);
    more(&mut object);
    object.end();
    Reply::json(200, body)
}

/// `GET /groups`.
pub(super) fn groups(world: &World, call: &Call, caller: &Caller) -> Result<Reply, Failure> {
    let query = call.options();
    query.refuse(&["$skip"])?;
    let chosen = group_properties::groups(query.select().as_deref())?;
    let advanced = call.is_advanced();
    let expand = Expand::asked(&query, advanced, &["members"], caller)?;
    let found = Found::asked(world, call, &query)?;
    let order = Order::asked(&query, advanced, &GROUP_FILTERS)?;
    let page = Page::asked(call, &query)?;
    let groups = world.tenant.groups();
    let seen = |place: usize| found.see(world, call, &groups[place]);
    let mut all: Vec<usize> =
        (0..groups.len()).filter(|place| found.holds(&seen(*place))).collect();
    if let Some(order) = order {
        order.sort(&mut all, seen);
    }
    let (shown, next) = cut(&all, page);
    let count = page.counts(call).then_some(all.len());
    let about = About { context: paging::context("groups", &query), count, next };
    Ok(paging::reply(call, &about, |out| {
        json::list(out, shown, |out, place| {
            let mut object = Object::begin(out);
            write_group(&mut object, &seen(place), &chosen);
            if let Some(expand) = &expand {
                expand.write(world, call, Member::Group(groups[place].id), &mut object);
            }
            object.end();
        });
    }))
}

/// `GET /groups/$count`.
pub(super) fn group_count(world: &World, call: &Call) -> Result<Reply, Failure> {
    if !call.is_eventual() {
        return Err(Failure::bad("$count is not currently supported."));
    }
    let found = Found::asked(world, call, &call.options())?;
    let groups = world.tenant.groups().iter();
    let count = groups.filter(|group| found.holds(&found.see(world, call, group))).count();
    Ok(plain_text(&count.to_string()))
}

fn plain_text(text: &str) -> Reply {
    let headers = vec![("Content-Type", "text/plain".to_owned())];
    Reply { status: 200, headers, body: text.as_bytes().to_vec(), items: Vec::new() }
}

/// Which groups are looked for.
struct Found {
    filter: Option<Filter>,
    search: Option<Search>,
    /// Whether it matters whose licenses fail.
    asks_errors: bool,
}

impl Found {
    fn asked(world: &World, call: &Call, query: &Query) -> Result<Self, Failure> {
        let filter = match query.get("$filter") {
            Some(text) => Some(Filter::parse(text, world.rules(call))?),
            None => None,
        };
        let properties = filter.as_ref().map(Filter::properties).unwrap_or_default();
        group_properties::check_group_filter(&properties)?;
        let asks_errors = properties.contains(&"hasMembersWithLicenseErrors");
        let search = Search::asked(query, call.is_eventual(), &GROUP_FILTERS)?;
        Ok(Self { filter, search, asks_errors })
    }

    fn see<'a>(&self, world: &World, call: &Call, group: &'a Group) -> SeenGroup<'a> {
        let fails = |member: &Member| match member {
            Member::User(id) => world.tenant.lacks_of(group.id, *id),
            Member::Group(_) => false,
        };
        let has_errors = self.asks_errors && group.members.iter().any(fails);
        SeenGroup { has_errors, ..world.seen_group(group, call.now) }
    }

    fn holds(&self, group: &SeenGroup<'_>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.fits(group))
            && self.search.as_ref().is_none_or(|search| search.finds(group))
    }
}

fn write_group(object: &mut Object<'_>, group: &SeenGroup<'_>, chosen: &Selection<WriteGroup>) {
    for (name, write) in chosen {
        write(group, object.key(name));
    }
}

/// `GET /groups/{id}`.
pub(super) fn group(
    world: &World,
    call: &Call,
    key: &str,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let query = call.options();
    let chosen = group_properties::groups(query.select().as_deref())?;
    let expand = Expand::asked(&query, false, &["members"], caller)?;
    let group = find_group(world, key)?;
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let context = paging::context("groups", &query);
    let context = format!("{}/$metadata#{context}/$entity", call.root);
    json::text(object.key("@odata.context"), &context);
    write_group(&mut object, &world.seen_group(group, call.now), &chosen);
    if let Some(expand) = &expand {
        expand.write(world, call, Member::Group(group.id), &mut object);
    }
    object.end();
    Ok(Reply::json(200, body))
}

pub(super) fn find_group<'a>(world: &'a World, key: &str) -> Result<&'a Group, Failure> {
    let id: GroupId =
        key.parse().map_err(|_| Failure::bad(format!("Invalid object identifier '{key}'.")))?;
    world.tenant.group(id).ok_or_else(|| Failure::not_found(key))
}
