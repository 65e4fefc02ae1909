//! `GET /users/delta` and `GET /groups/delta`: all objects once, and from then on what changed.
//!
//! Source: Graph, delta query overview; user: delta; group: delta. A token holds the whole query, so
//! that nothing but the token comes back.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::ids::{GroupId, UserId};
use crate::sandbox::chance::Chance;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::http::filter::Filter;
use crate::sandbox::http::group_properties;
use crate::sandbox::http::json::{self, Object, base64url};
use crate::sandbox::http::lag::View;
use crate::sandbox::http::paging::decode;
use crate::sandbox::http::properties::{self, Selection, WriteUser};
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::model::{Changes, Member};
use crate::sandbox::roles::Role;

/// How long a token is good.
///
/// Source: Graph: 7 days for directory objects.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Ids that a filter names at most.
///
/// Source: Graph user: delta.
const FILTER_IDS_MAX: usize = 50;

/// What delta queries tell in this tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Whether a user shows whose assigned licenses changed. Graph does not say whether it does.
    pub tracks_licenses: bool,
    /// Objects on a page, and members on an object, at most.
    pub page_size: usize,
}

impl Default for Delta {
    fn default() -> Self {
        Self { tracks_licenses: true, page_size: 200 }
    }
}

/// Which collection is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Users,
    Groups,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

/// One row: an object, and which part of its members where they take several rows.
type Place = (Uuid, usize);

/// A round: all pages from a link to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Round {
    kind: Kind,
    /// The number of the latest change that the client knows; none where it knows nothing yet.
    since: Option<u64>,
    /// The number of the latest change that the round tells.
    until: u64,
    /// The last row of the page before.
    after: Option<Place>,
    /// What was selected and filtered, as it was written.
    select: Option<String>,
    filter: Option<String>,
    at: Timestamp,
}

impl Round {
    /// Writes a token; no client can read it, nor make one.
    fn token(&self) -> String {
        let option = |text: Option<&str>| text.map_or("-".to_owned(), |text| format!("={text}"));
        let since = self.since.map_or("-".to_owned(), |since| since.to_string());
        let (id, part) = self.after.unwrap_or((Uuid::nil(), usize::MAX));
        let text = format!(
            "{}\n{since}\n{}\n{id}\n{part}\n{}\n{}\n{}",
            self.kind.name(),
            self.until,
            option(self.select.as_deref()),
            option(self.filter.as_deref()),
            self.at.as_second(),
        );
        let check = Chance::new(0xde17a, &text, 0).next();
        base64url(format!("{check:016x}\n{text}").as_bytes())
    }

    fn read(kind: Kind, token: &str) -> Option<Self> {
        let text = String::from_utf8(decode(token)?).ok()?;
        let mut fields = text.split('\n');
        let _check = fields.next()?;
        if fields.next()? != kind.name() {
            return None;
        }
        let since = match fields.next()? {
            "-" => None,
            number => Some(number.parse().ok()?),
        };
        let until = fields.next()?.parse().ok()?;
        let id: Uuid = fields.next()?.parse().ok()?;
        let part: usize = fields.next()?.parse().ok()?;
        let after = (!id.is_nil()).then_some((id, part));
        let option = |text: &str| text.strip_prefix('=').map(ToOwned::to_owned);
        let (select, filter) = (option(fields.next()?), option(fields.next()?));
        let at = Timestamp::from_second(fields.next()?.parse().ok()?).ok()?;
        let round = Self { kind, since, until, after, select, filter, at };
        (round.token() == token).then_some(round)
    }

    /// Returns the round that a request asks for, or none where it asks for a mark alone.
    fn asked(world: &World, call: &Call, kind: Kind, seen: u64) -> Result<Option<Self>, Failure> {
        let query = call.options();
        let (at, given) = (call.now.at, query.get("$deltatoken"));
        if let Some(token) = query.get("$skiptoken") {
            let round = Self::read(kind, token).ok_or_else(badly_formed)?;
            return world.still_good(call, round).map(Some);
        }
        match given {
            Some("latest") => Ok(None),
            None | Some("") => {
                for option in ["$expand", "$top", "$orderby", "$search", "$skip"] {
                    if query.has(option) {
                        return Err(Failure::unsupported(format!(
                            "The query option '{option}' is not supported for a delta query."
                        )));
                    }
                }
                let (select, filter) = (query.get("$select"), query.get("$filter"));
                let (select, filter) = (select.map(Into::into), filter.map(Into::into));
                let (since, until, after) = (None, seen, None);
                Ok(Some(Self { kind, since, until, after, select, filter, at }))
            }
            Some(token) => {
                let link = Self::read(kind, token).ok_or_else(badly_formed)?;
                let link = world.still_good(call, link)?;
                let replays = call.fault == Some(FaultKind::Replay);
                let since = if replays { world.tenant.journal().oldest() } else { link.until };
                let until = seen.max(link.until);
                Ok(Some(Self { since: Some(since), until, after: None, at, ..link }))
            }
        }
    }

    fn selected(&self) -> Option<Vec<String>> {
        let names = |text: &String| text.split(',').map(|name| name.trim().to_owned()).collect();
        self.select.as_ref().map(names)
    }

    /// Returns the only ids that the query is about, where it names some.
    fn ids(&self) -> Result<Option<Vec<String>>, Failure> {
        let Some(text) = &self.filter else { return Ok(None) };
        let filter = Filter::parse(text, true)?;
        let pinned = filter.pins("id").filter(|_| filter.properties().iter().all(|n| *n == "id"));
        match pinned {
            Some(ids) if ids.len() <= FILTER_IDS_MAX => {
                Ok(Some(ids.into_iter().map(str::to_lowercase).collect()))
            }
            Some(_) => Err(Failure::unsupported(format!(
                "A delta query takes {FILTER_IDS_MAX} ids in its filter at most."
            ))),
            None => Err(Failure::unsupported("A delta query can be filtered by id alone.")),
        }
    }

    /// Whether an object's property changed in this round, or it is new in it.
    fn touches(&self, changes: &Changes, property: &str) -> bool {
        self.since.is_some_and(|since| changes.touched(property, since, self.until))
    }

    /// Whether something happened in this round.
    fn holds(&self, at: u64) -> bool {
        self.since.is_some_and(|since| since < at && at <= self.until)
    }
}

fn badly_formed() -> Failure {
    Failure::new(400, "Request_BadRequest", "Badly formed token.")
}

impl World {
    /// Refuses a token that is too old, or that no journal reaches back to.
    fn still_good(&self, call: &Call, round: Round) -> Result<Round, Failure> {
        let good_until = round.at.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX);
        let mark = round.since.unwrap_or(round.until);
        if call.now.at > good_until || !self.tenant.journal().reaches(mark) {
            return Err(gone(call, round.kind));
        }
        Ok(round)
    }
}

/// 410: the client has to begin anew, where the header says.
fn gone(call: &Call, kind: Kind) -> Failure {
    let message = "The sync state generation is not found; resync is required.";
    let location = format!("{}/{}/delta?$deltatoken=", call.root, kind.name());
    Failure::new(410, "syncStateNotFound", message).with("Location", location)
}

/// `GET /users/delta` and `GET /groups/delta`.
pub(super) fn answer(
    world: &mut World,
    call: &Call,
    kind: Kind,
    caller: &Caller,
) -> Result<Reply, Failure> {
    match call.fault {
        Some(FaultKind::DeltaGone) => return Err(gone(call, kind)),
        Some(FaultKind::SyncStateNotFound) => {
            let message = "The sync state generation is not found; resync is required.";
            return Err(Failure::new(404, "syncStateNotFound", message));
        }
        Some(FaultKind::ResyncRequired) => {
            let message = "Resync required. Any local changes should be reconciled after a full \
                           enumeration.";
            return Err(Failure::new(400, "resyncRequired", message));
        }
        Some(_) | None => {}
    }
    let seen =
        world.horizon.note(world.views.delta_lag(), call.now, world.tenant.journal().latest());
    let world = &*world;
    let Some(round) = Round::asked(world, call, kind, seen)? else {
        let query = call.options();
        let select = query.get("$select").map(ToOwned::to_owned);
        let filter = query.get("$filter").map(ToOwned::to_owned);
        let (since, after, at) = (None, None, call.now.at);
        let mark = Round { kind, since, until: seen, after, select, filter, at };
        mark.ids()?;
        selection(&mark)?;
        return Ok(page(call, &mark, None, |out| out.extend_from_slice(b"[]")));
    };
    if call.fault == Some(FaultKind::EndlessChain) {
        // Another token each time, so that nobody can tell from the link.
        let part = usize::try_from(call.now.request).unwrap_or(usize::MAX);
        let next = Some((Uuid::from_u128(1), part));
        return Ok(page(call, &round, next, |out| out.extend_from_slice(b"[]")));
    }
    let rows = match selection(&round)? {
        Chosen::Users(chosen) => user_rows(world, call, &round, &chosen)?,
        Chosen::Groups(names) => group_rows(world, call, &round, names.as_ref(), caller)?,
    };
    let size = world.delta.page_size.max(1);
    let next = (rows.len() > size).then(|| rows[size - 1].0);
    let times = if call.fault == Some(FaultKind::Replay) { 2 } else { 1 };
    Ok(page(call, &round, next, |out| {
        let shown = rows.iter().take(size).flat_map(|(_, row)| std::iter::repeat_n(row, times));
        json::list(out, shown, |out, row| out.extend_from_slice(row));
    }))
}

/// What to send of the objects.
enum Chosen {
    Users(Selection<WriteUser>),
    /// The names, `members` among them where they are wanted.
    Groups(Option<Vec<String>>),
}

fn selection(round: &Round) -> Result<Chosen, Failure> {
    let names = round.selected();
    match round.kind {
        Kind::Users => {
            if names.iter().flatten().any(|name| name == "signInActivity") {
                return Err(Failure::unsupported("signInActivity is not supported in a delta."));
            }
            Ok(Chosen::Users(properties::users(names.as_deref())?))
        }
        Kind::Groups => {
            let others = without_members(names.as_ref());
            group_properties::groups(others.as_deref())?;
            Ok(Chosen::Groups(names))
        }
    }
}

fn without_members(names: Option<&Vec<String>>) -> Option<Vec<String>> {
    names.map(|names| names.iter().filter(|name| *name != "members").cloned().collect())
}

/// Writes a page: with a link to the next one, or to the next round.
fn page(
    call: &Call,
    round: &Round,
    next: Option<Place>,
    items: impl FnOnce(&mut Vec<u8>),
) -> Reply {
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let selected = round.select.as_ref().map(|select| format!("({select})")).unwrap_or_default();
    let context = format!("{}/$metadata#{}{selected}", call.root, round.kind.name());
    json::text(object.key("@odata.context"), &context);
    let (key, option, token) = match next {
        Some(_) => {
            let more = Round { after: next, ..round.clone() };
            ("@odata.nextLink", "$skiptoken", more.token())
        }
        None => {
            let done = Round { since: None, after: None, ..round.clone() };
            ("@odata.deltaLink", "$deltatoken", done.token())
        }
    };
    let link = format!("{}/{}/delta?{option}={token}", call.root, round.kind.name());
    json::text(object.key(key), &link);
    items(object.key("value"));
    object.end();
    Reply::json(200, body)
}

type Rows = Vec<(Place, Vec<u8>)>;

fn is_minimal(call: &Call) -> bool {
    call.headers.get("prefer").is_some_and(|prefer| prefer.contains("return=minimal"))
}

fn removed(id: Uuid, reason: &str) -> Vec<u8> {
    format!("{{\"id\":\"{id}\",\"@removed\":{{\"reason\":\"{reason}\"}}}}").into_bytes()
}

/// Returns the rows of a page of users and one more, where there is one.
fn user_rows(
    world: &World,
    call: &Call,
    round: &Round,
    chosen: &Selection<WriteUser>,
) -> Result<Rows, Failure> {
    let ids = round.ids()?;
    let wanted = |id: UserId| ids.as_ref().is_none_or(|ids| ids.contains(&id.to_string()));
    let after = round.after.map(|(id, _)| UserId::from_uuid(id));
    let most = world.delta.page_size.max(1) + 1;
    let mut rows = Vec::new();
    if round.since.is_none() {
        let users = world.tenant.users();
        let start = after.map_or(0, |id| users.partition_point(|user| user.id <= id));
        for (place, user) in users.iter().enumerate().skip(start) {
            if rows.len() < most && wanted(user.id) {
                let row = user_row(world, place, chosen, |_| true, true);
                rows.push(((user.id.as_uuid(), 0), row));
            }
        }
        return Ok(rows);
    }
    let tracked = |name: &str| name != "assignedLicenses" || world.delta.tracks_licenses;
    for (id, changes) in world.tenant.journal().users_after(after).filter(|(id, _)| wanted(*id)) {
        if rows.len() == most {
            break;
        }
        let touched = |name: &str| tracked(name) && round.touches(changes, name);
        match world.tenant.place_of(id) {
            Some(place) if chosen.iter().any(|(name, _)| *name != "id" && touched(name)) => {
                let came = round.holds(changes.created) || round.holds(changes.removed);
                let minimal = is_minimal(call) && !came;
                let row = user_row(world, place, chosen, |name| !minimal || touched(name), came);
                rows.push(((id.as_uuid(), 0), row));
            }
            None if round.holds(changes.removed) => {
                let reason = if world.tenant.is_restorable(id) { "changed" } else { "deleted" };
                rows.push(((id.as_uuid(), 0), removed(id.as_uuid(), reason)));
            }
            Some(_) | None => {}
        }
    }
    Ok(rows)
}

/// Writes a user. What was never set is left out of an object that is new to the client.
fn user_row(
    world: &World,
    place: usize,
    chosen: &Selection<WriteUser>,
    shows: impl Fn(&str) -> bool,
    is_new: bool,
) -> Vec<u8> {
    let seen = world.seen(View::Delta, place);
    let mut row = Vec::new();
    let mut object = Object::begin(&mut row);
    for (name, write) in chosen {
        let mut value = Vec::new();
        write(&seen, &mut value);
        if *name == "id" || (shows(name) && !(is_new && value == b"null")) {
            object.key(name).extend(value);
        }
    }
    object.end();
    row
}

/// Returns the rows of groups behind the last page.
fn group_rows(
    world: &World,
    call: &Call,
    round: &Round,
    names: Option<&Vec<String>>,
    caller: &Caller,
) -> Result<Rows, Failure> {
    let ids = round.ids()?;
    let wanted = |id: GroupId| ids.as_ref().is_none_or(|ids| ids.contains(&id.to_string()));
    let with_members = names.is_none_or(|names| names.iter().any(|n| n == "members"));
    let chosen = group_properties::groups(without_members(names).as_deref())?;
    let journal = world.tenant.journal();
    let candidates: Vec<GroupId> = match round.since {
        None => world.tenant.groups().iter().map(|group| group.id).collect(),
        Some(_) => journal.groups().map(|(id, _)| id).collect(),
    };
    let unchanged = Changes::default();
    let mut rows = Vec::new();
    for id in candidates.into_iter().filter(|id| wanted(*id)) {
        let changes = journal.group(id).unwrap_or(&unchanged);
        let Some(group) = world.tenant.group(id) else {
            if round.holds(changes.removed) {
                rows.push(((id.as_uuid(), 0), removed(id.as_uuid(), "changed")));
            }
            continue;
        };
        let came = round.since.is_none() || round.holds(changes.created);
        let members = if with_members && may_see(group.hidden, caller) {
            member_changes(round, changes, came.then_some(&group.members))
        } else {
            Vec::new()
        };
        let touched = chosen.iter().any(|(n, _)| *n != "id" && round.touches(changes, n));
        if !came && !touched && members.is_empty() {
            continue;
        }
        let minimal = is_minimal(call) && !came;
        let size = world.delta.page_size.max(1);
        for part in 0..members.len().div_ceil(size).max(1) {
            let mut row = Vec::new();
            let mut object = Object::begin(&mut row);
            for (name, write) in &chosen {
                let mut value = Vec::new();
                write(&world.seen_group(group, call.now), &mut value);
                let shows = !minimal || round.touches(changes, name);
                if *name == "id" || (shows && !(came && value == b"null")) {
                    object.key(name).extend(value);
                }
            }
            let shown: Vec<_> = members.iter().skip(part * size).take(size).collect();
            if !shown.is_empty() {
                json::list(object.key("members@delta"), shown, |out, (member, is_in)| {
                    write_member(out, *member, *is_in);
                });
            }
            object.end();
            rows.push(((id.as_uuid(), part), row));
        }
    }
    rows.retain(|(place, _)| round.after.is_none_or(|after| *place > after));
    Ok(rows)
}

fn may_see(hidden: bool, caller: &Caller) -> bool {
    !hidden || caller.contains(&Role::MemberReadHidden)
}

/// Returns the members that came (true) and went; all there are, where the group is new to the
/// client, with those that went before.
///
/// Source: Graph, known issue: the first round may name members that have gone.
fn member_changes(
    round: &Round,
    changes: &Changes,
    all: Option<&Vec<Member>>,
) -> Vec<(Member, bool)> {
    match all {
        None => changes.members(round.since.unwrap_or_default(), round.until).collect(),
        Some(all) => {
            let gone = changes.members(0, round.until).filter(|(_, came)| !came);
            all.iter().map(|member| (*member, true)).chain(gone).collect()
        }
    }
}

fn write_member(out: &mut Vec<u8>, member: Member, is_in: bool) {
    let mut object = Object::begin(out);
    let kind = match member {
        Member::User(_) => "#microsoft.graph.user",
        Member::Group(_) => "#microsoft.graph.group",
    };
    json::text(object.key("@odata.type"), kind);
    match member {
        Member::User(id) => json::plain(object.key("id"), id),
        Member::Group(id) => json::plain(object.key("id"), id),
    }
    if !is_in {
        object.key("@removed").extend_from_slice(b"{\"reason\":\"deleted\"}");
    }
    object.end();
}
