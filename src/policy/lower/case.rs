//! The `tests` section: policy tests, each a user and what should become of them.

use std::str::FromStr;
use std::sync::Arc;

use super::window::moment;
use super::{needed, sku};
use crate::domain::attribute::Attribute;
use crate::domain::names::PolicyName;
use crate::domain::user::UserType;
use crate::policy::case::{Case, Due, Expect, HeldLicense, Subject, WantedLicense};
use crate::policy::raw::{RawExpect, RawHeld, RawTest, RawUser, RawWanted};
use crate::policy::{Moment, Written};
use crate::yaml::{Entry, Kind, Node, Reader};

const SEATS: std::ops::RangeInclusive<i64> = 0..=1_000_000;

/// Reads a policy test. Every problem is noted.
pub(super) fn lower(reader: &mut Reader, raw: &RawTest<'_>) -> Option<Case> {
    let RawTest { spot, name, tenant, at, seats, user, expect } = *raw;
    let name: Option<Arc<str>> = needed(reader, spot, "a test", "name", name)
        .and_then(|node| reader.text(node))
        .map(Arc::from);
    let user = needed(reader, spot, "a test", "user", user)
        .and_then(|node| RawUser::read(reader, node))
        .map(|raw| subject(reader, &raw));
    let expect = needed(reader, spot, "a test", "expect", expect)
        .and_then(|node| RawExpect::read(reader, node))
        .map(|raw| expected(reader, &raw));
    let tenant = tenant.and_then(|entry| written(reader, &entry.value));
    let at = at.and_then(|entry| moment(reader, &entry.value));
    let seats = seats.map(|entry| pairs(reader, &entry.value, seat_count)).unwrap_or_default();
    Some(Case {
        name: name?,
        place: reader.place(spot),
        tenant,
        at,
        seats,
        user: user?,
        expect: expect?,
    })
}

fn subject(reader: &mut Reader, raw: &RawUser<'_>) -> Subject {
    let flag = |reader: &mut Reader, entry: Option<&Entry>| {
        entry.and_then(|entry| reader.boolean(&entry.value))
    };
    let attributes = raw.attributes.iter().filter_map(|entry| {
        let attribute = Attribute::named(&entry.key)?;
        let value = reader.text(&entry.value)?;
        Some((attribute, Arc::from(value)))
    });
    let attributes = attributes.collect();
    let types = [("member", UserType::Member), ("guest", UserType::Guest)];
    let on_premises = raw.named.ou.is_some() || raw.named.ad_domain.is_some();
    Subject {
        id: raw.named.id.and_then(|entry| reader.parsed(&entry.value)),
        principal_name: text(reader, raw.named.user_principal_name),
        groups: names(reader, raw.named.groups),
        nested_groups: names(reader, raw.named.nested_groups),
        ou: raw.named.ou.and_then(|entry| reader.parsed(&entry.value)),
        ad_domain: text(reader, raw.named.ad_domain),
        attributes,
        usage_location: raw.named.usage_location.and_then(|entry| reader.parsed(&entry.value)),
        user_type: raw
            .named
            .user_type
            .and_then(|entry| reader.choice(&entry.value, "`user_type`", &types))
            .unwrap_or(UserType::Member),
        enabled: flag(reader, raw.named.enabled).unwrap_or(true),
        synced: flag(reader, raw.named.synced).unwrap_or(on_premises),
        last_sign_in: raw
            .named
            .last_sign_in
            .and_then(|entry| moment(reader, &entry.value))
            .map(|moment| moment.value),
        licenses: held_licenses(reader, raw.named.licenses),
    }
}

fn held_licenses(reader: &mut Reader, entry: Option<&Entry>) -> Vec<HeldLicense> {
    let items = entry.and_then(|entry| reader.list(&entry.value)).unwrap_or_default();
    let mut once = sku::Once::default();
    let mut all = Vec::new();
    for item in items {
        let Some(held) = held_license(reader, item) else { continue };
        // The same SKU may come from several groups, and directly beside.
        if held.group.is_none() {
            once.check(reader, &held.sku.value, item.spot);
        }
        all.push(held);
    }
    all
}

fn held_license(reader: &mut Reader, node: &Node) -> Option<HeldLicense> {
    let plain = |sku| HeldLicense {
        sku,
        disable: Vec::new(),
        group: None,
        owners: Vec::new(),
        let_go: None,
        clocks: Vec::new(),
    };
    let Kind::Mapping(_) = &node.kind else { return sku::one(reader, node).map(plain) };
    let RawHeld { spot, sku: name, disable, group, owner, let_go, clocks } =
        RawHeld::read(reader, node)?;
    let name =
        needed(reader, spot, "a license", "sku", name).and_then(|node| sku::one(reader, node));
    if let (Some(group), Some(owner)) = (group, owner) {
        let message = "a license that comes from a group is owned by no policy";
        reader.error_related(owner.key_spot, message, ("it comes from here", group.key_spot));
    }
    if let (Some(entry), None) = (let_go, owner) {
        reader.error(entry.key_spot, "`let_go` needs `owner` beside it");
    }
    Some(HeldLicense {
        sku: name?,
        disable: names(reader, disable),
        group: group.and_then(|entry| written_text(reader, &entry.value)),
        owners: one_or_more(reader, owner),
        let_go: let_go.and_then(|entry| moment(reader, &entry.value)).map(|at| at.value),
        clocks: clocks.map(|entry| pairs(reader, &entry.value, clock)).unwrap_or_default(),
    })
}

fn expected(reader: &mut Reader, raw: &RawExpect<'_>) -> Expect {
    if raw.is_empty() {
        let hint =
            "say what should become of the user, as in `licenses: [SPE_E3]`, or `[]` for none";
        reader.error_with(raw.spot, "`expect` says nothing", hint);
    }
    Expect {
        licenses: raw.licenses.map(|entry| wanted_licenses(reader, entry)),
        not_licenses: names(reader, raw.not_licenses),
        because: one_or_more(reader, raw.because),
        not_because: one_or_more(reader, raw.not_because),
        usage_location: raw.usage_location.and_then(|entry| reader.parsed(&entry.value)),
        waiting: raw.waiting.map(|entry| names(reader, Some(entry))),
        blocked: raw.blocked.map(|entry| names(reader, Some(entry))),
        scheduled: raw.scheduled.map(|entry| scheduled(reader, &entry.value)),
        unchanged: raw.unchanged.and_then(|entry| reader.boolean(&entry.value)),
    }
}

fn wanted_licenses(reader: &mut Reader, entry: &Entry) -> Vec<WantedLicense> {
    let mut once = sku::Once::default();
    let mut all = Vec::new();
    for item in reader.list(&entry.value).unwrap_or_default() {
        let wanted = match &item.kind {
            Kind::Mapping(_) => RawWanted::read(reader, item).and_then(|raw| {
                let RawWanted { spot, sku: name, disable } = raw;
                let name = needed(reader, spot, "a license", "sku", name)?;
                let disable = disable.map(|entry| names(reader, Some(entry)));
                Some(WantedLicense { sku: sku::one(reader, name)?, disable })
            }),
            Kind::Scalar { .. } | Kind::Sequence(_) => {
                sku::one(reader, item).map(|sku| WantedLicense { sku, disable: None })
            }
        };
        if let Some(wanted) = wanted {
            once.check(reader, &wanted.sku.value, item.spot);
            all.push(wanted);
        }
    }
    all
}

fn scheduled(reader: &mut Reader, node: &Node) -> Vec<Due> {
    match &node.kind {
        Kind::Mapping(_) => {
            let due = |reader: &mut Reader, sku: Written<Arc<str>>, node: &Node| {
                Some((sku, Some(moment(reader, node)?.value)))
            };
            pairs(reader, node, due)
        }
        Kind::Scalar { .. } | Kind::Sequence(_) => {
            let items = reader.list(node).unwrap_or_default();
            sku::all(reader, items).into_iter().map(|sku| (sku, None)).collect()
        }
    }
}

/// Reads a mapping whose keys are names.
fn pairs<T>(
    reader: &mut Reader,
    node: &Node,
    mut pair: impl FnMut(&mut Reader, Written<Arc<str>>, &Node) -> Option<T>,
) -> Vec<T> {
    let mut all = Vec::new();
    for entry in reader.mapping(node).map(|fields| fields.entries()).unwrap_or_default() {
        let name = Written { value: Arc::from(&*entry.key), place: reader.place(entry.key_spot) };
        all.extend(pair(reader, name, &entry.value));
    }
    all
}

fn seat_count(
    reader: &mut Reader,
    sku: Written<Arc<str>>,
    node: &Node,
) -> Option<(Written<Arc<str>>, u32)> {
    let count = reader.integer(node, SEATS)?;
    Some((sku, u32::try_from(count).expect("seats are within bounds")))
}

fn clock(
    reader: &mut Reader,
    policy: Written<Arc<str>>,
    node: &Node,
) -> Option<(Written<PolicyName>, Moment)> {
    let since = moment(reader, node)?.value;
    match policy.value.parse() {
        Ok(value) => Some((Written { value, place: policy.place }, since)),
        Err(error) => {
            reader.error(node.spot, error.to_string());
            None
        }
    }
}

fn text(reader: &mut Reader, entry: Option<&Entry>) -> Option<Arc<str>> {
    entry.and_then(|entry| reader.text(&entry.value)).map(Into::into)
}

fn written_text(reader: &mut Reader, node: &Node) -> Option<Written<Arc<str>>> {
    let value = Arc::from(reader.text(node)?);
    Some(Written { value, place: reader.place(node.spot) })
}

fn written<T: FromStr<Err: std::fmt::Display>>(
    reader: &mut Reader,
    node: &Node,
) -> Option<Written<T>> {
    Some(Written { value: reader.parsed(node)?, place: reader.place(node.spot) })
}

/// Reads a list of names, which may be empty.
fn names(reader: &mut Reader, entry: Option<&Entry>) -> Vec<Written<Arc<str>>> {
    let items = entry.and_then(|entry| reader.list(&entry.value)).unwrap_or_default();
    let mut all = Vec::new();
    for item in items {
        all.extend(written_text(reader, item));
    }
    all
}

/// Reads one name or a list of them.
fn one_or_more<T: FromStr<Err: std::fmt::Display>>(
    reader: &mut Reader,
    entry: Option<&Entry>,
) -> Vec<Written<T>> {
    let Some(entry) = entry else { return Vec::new() };
    let what = format!("`{}`", entry.key);
    let mut all = Vec::new();
    for item in reader.one_or_more(&entry.value, &what).unwrap_or_default() {
        all.extend(written(reader, item));
    }
    all
}
