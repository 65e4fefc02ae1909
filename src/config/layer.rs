//! Settings that stand at the top of the file and may be repeated under a tenant.
//!
//! What a tenant says wins over what the top says, one value at a time: a tenant that changes the
//! percentage of a guard keeps the count of the top.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::limits::{self, Guards};
use crate::config::{Apply, Mode, Requests, beside};
use crate::domain::ids::{SkuId, UserId};
use crate::domain::money::Price;
use crate::domain::schedule::Schedule;
use crate::domain::span::Span;
use crate::domain::window::Windows;
use crate::policy::Written;
use crate::policy::settings::{InheritedRule, Protected, Reserve, Settings};
use crate::yaml::{Entry, Fields, Node, Reader};

/// The keys of such settings.
pub(super) const KEYS: [&str; 14] = [
    "mode",
    "schedule",
    "windows",
    "time_zone",
    "protected",
    "reserve",
    "use_warning_seats",
    "prices",
    "inherited",
    "grace",
    "full_read",
    "guards",
    "requests",
    "apply",
];

/// When cycles are due unless told otherwise.
const SCHEDULE: &str = "*/15 * * * *";
/// Keys of `protected`.
pub(super) const PROTECTED: [&str; 2] = ["users", "groups"];
/// Keys of `requests`.
pub(super) const REQUESTS: [&str; 2] = ["timeout", "give_up_after"];
/// Keys of `apply`.
pub(super) const APPLY: [&str; 2] = ["confirm_within", "settle_after"];

/// What one place says; nothing where it says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    mode: Option<Mode>,
    schedule: Option<Schedule>,
    windows: Option<Windows>,
    protected_users: Option<Vec<Written<Arc<str>>>>,
    protected_groups: Option<Vec<Written<Arc<str>>>>,
    reserve: BTreeMap<Arc<str>, Reserve>,
    use_warning_seats: Option<bool>,
    prices: BTreeMap<Arc<str>, Price>,
    inherited: Option<InheritedRule>,
    grace: Option<Span>,
    full_read: Option<Span>,
    time_zone: Option<TimeZone>,
    guards: Guards,
    timeout: Option<Span>,
    give_up_after: Option<Span>,
    confirm_within: Option<Span>,
    settle_after: Option<Span>,
}

/// The settings of one tenant.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) mode: Mode,
    pub(super) schedule: Schedule,
    pub(super) windows: Windows,
    pub(super) settings: Settings,
    pub(super) full_read: Span,
    pub(super) requests: Requests,
    pub(super) apply: Apply,
}

impl Layer {
    /// Reads the settings among the keys of a mapping.
    pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let value = |key: &str| fields.get(key).map(|entry| &entry.value);
        let (users, groups) = protected(reader, fields.get("protected"));
        let [timeout, give_up_after] =
            spans(reader, fields.get("requests"), "`requests`", REQUESTS);
        let [confirm_within, settle_after] = spans(reader, fields.get("apply"), "`apply`", APPLY);
        let modes = [Mode::Observe, Mode::Approve, Mode::Enforce].map(|mode| (mode.as_str(), mode));
        let rules = [("satisfies", InheritedRule::Satisfies), ("ignore", InheritedRule::Ignore)];
        Self {
            mode: value("mode").and_then(|node| reader.choice(node, "mode", &modes)),
            schedule: value("schedule").and_then(|node| beside::schedule(reader, node)),
            windows: value("windows").map(|node| beside::windows(reader, node)),
            protected_users: users,
            protected_groups: groups,
            reserve: value("reserve").map(|node| reserve(reader, node)).unwrap_or_default(),
            use_warning_seats: value("use_warning_seats").and_then(|node| reader.boolean(node)),
            prices: value("prices").map(|node| prices(reader, node)).unwrap_or_default(),
            inherited: value("inherited")
                .and_then(|node| reader.choice(node, "setting of `inherited`", &rules)),
            grace: value("grace").and_then(|node| reader.parsed(node)),
            full_read: value("full_read").and_then(|node| interval(reader, node, "full_read")),
            time_zone: value("time_zone").and_then(|node| time_zone(reader, node)),
            guards: limits::lower(reader, fields.get("guards")),
            timeout,
            give_up_after,
            confirm_within,
            settle_after,
        }
    }

    /// Fills what this says nothing about from the layer below, and that from the defaults.
    pub(super) fn over(&self, below: &Self) -> Resolved {
        let seconds = Span::seconds;
        Resolved {
            mode: self.mode.or(below.mode).unwrap_or_default(),
            schedule: either(self.schedule.as_ref(), below.schedule.as_ref())
                .unwrap_or_else(|| SCHEDULE.parse().expect("the default is a schedule")),
            windows: either(self.windows.as_ref(), below.windows.as_ref()).unwrap_or_default(),
            settings: self.settings_over(below),
            full_read: self.full_read.or(below.full_read).unwrap_or(seconds(24 * 3600)),
            requests: Requests {
                timeout: self.timeout.or(below.timeout).unwrap_or(seconds(60)),
                give_up_after: self.give_up_after.or(below.give_up_after).unwrap_or(seconds(600)),
            },
            apply: Apply {
                confirm_within: self
                    .confirm_within
                    .or(below.confirm_within)
                    .unwrap_or(seconds(300)),
                settle_after: self.settle_after.or(below.settle_after).unwrap_or(seconds(120)),
            },
        }
    }

    fn settings_over(&self, below: &Self) -> Settings {
        let default = Settings::default();
        let mut reserve = below.reserve.clone();
        reserve.extend(self.reserve.clone());
        let mut prices = below.prices.clone();
        prices.extend(self.prices.clone());
        Settings {
            protected: Protected {
                users: either(self.protected_users.as_ref(), below.protected_users.as_ref())
                    .unwrap_or_default(),
                groups: either(self.protected_groups.as_ref(), below.protected_groups.as_ref())
                    .unwrap_or_default(),
            },
            reserve,
            use_warning_seats: self
                .use_warning_seats
                .or(below.use_warning_seats)
                .unwrap_or(default.use_warning_seats),
            prices,
            inherited: self.inherited.or(below.inherited).unwrap_or(default.inherited),
            grace: self.grace.or(below.grace).unwrap_or(default.grace),
            time_zone: either(self.time_zone.as_ref(), below.time_zone.as_ref())
                .unwrap_or(default.time_zone),
            guards: self.guards.over(&below.guards),
        }
    }
}

fn either<T: Clone>(one: Option<&T>, other: Option<&T>) -> Option<T> {
    one.or(other).cloned()
}

type Names = Option<Vec<Written<Arc<str>>>>;

fn protected(reader: &mut Reader, entry: Option<&Entry>) -> (Names, Names) {
    let fields = entry.and_then(|entry| reader.fields(&entry.value, "`protected`", &PROTECTED));
    let Some(fields) = fields else { return (None, None) };
    let users = fields.get("users").map(|entry| names(reader, &entry.value));
    for user in users.iter().flatten() {
        let (name, spot) = user;
        if !name.value.contains('@') && name.value.parse::<UserId>().is_err() {
            let hint = "a principal name has an `@`, and an id is a GUID";
            reader.error_with(*spot, format!("`{}` is not a user", name.value), hint);
        }
    }
    let groups = fields.get("groups").map(|entry| names(reader, &entry.value));
    let plain =
        |names: Vec<(Written<Arc<str>>, _)>| names.into_iter().map(|(name, _)| name).collect();
    (users.map(plain), groups.map(plain))
}

fn names(reader: &mut Reader, node: &Node) -> Vec<(Written<Arc<str>>, crate::yaml::Spot)> {
    let mut names = Vec::new();
    for item in reader.list(node).unwrap_or_default() {
        if let Some(text) = reader.text(item) {
            let name = Written { value: text.into(), place: reader.place(item.spot) };
            names.push((name, item.spot));
        }
    }
    names
}

fn reserve(reader: &mut Reader, node: &Node) -> BTreeMap<Arc<str>, Reserve> {
    let mut reserve = BTreeMap::new();
    let Some(fields) = reader.mapping(node) else { return reserve };
    for entry in fields.entries() {
        if let Some(seats) = reader.integer(&entry.value, 0..=i64::from(u32::MAX)) {
            let seats = u32::try_from(seats).expect("the bounds are those of the type");
            let place = reader.place(entry.key_spot);
            reserve.insert(Arc::from(&*entry.key), Reserve { seats, place });
        }
    }
    reserve
}

fn prices(reader: &mut Reader, node: &Node) -> BTreeMap<Arc<str>, Price> {
    let mut prices = BTreeMap::new();
    let Some(fields) = reader.mapping(node) else { return prices };
    for entry in fields.entries() {
        if let Some(price) = reader.parsed(&entry.value) {
            // An id is known by its value, however it is written.
            let sku = entry
                .key
                .parse::<SkuId>()
                .map_or_else(|_| entry.key.to_string(), |id| id.to_string());
            prices.insert(sku.into(), price);
        }
    }
    prices
}

/// Reads two spans of time, neither of which may be 0.
fn spans(
    reader: &mut Reader,
    entry: Option<&Entry>,
    what: &str,
    keys: [&str; 2],
) -> [Option<Span>; 2] {
    let fields = entry.and_then(|entry| reader.fields(&entry.value, what, &keys));
    let Some(fields) = fields else { return [None, None] };
    keys.map(|key| interval(reader, &fields.get(key)?.value, key))
}

/// Reads a span of time that may not be 0.
fn interval(reader: &mut Reader, node: &Node, key: &str) -> Option<Span> {
    let span: Span = reader.parsed(node)?;
    if span == Span::ZERO {
        reader.error(node.spot, format!("`{key}` must not be 0"));
        return None;
    }
    Some(span)
}

/// Reads a time zone, from the table that comes with the program: the same on every machine.
fn time_zone(reader: &mut Reader, node: &Node) -> Option<TimeZone> {
    let text = reader.text(node)?;
    let zone = TimeZone::get(text).ok();
    if zone.is_none() {
        let hint = "write its IANA name, such as `Europe/Berlin` or `UTC`";
        reader.error_with(node.spot, format!("`{text}` is not a time zone"), hint);
    }
    zone
}
