//! From what was written to what it means: policies, or every problem that one file shows by
//! itself.
//!
//! A value that cannot be read is noted and then treated as not written. That is safe because a
//! file with a problem is never used: whoever calls this looks at the notes first.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::names::{Place, PolicyName, TenantName};
use crate::domain::span::Span;
use crate::policy::case::Case;
use crate::policy::list::Read as Lists;
use crate::policy::raw::{RawFile, RawLadder, RawPolicy};
use crate::policy::{Action, Ladder, OnLeave, Policy, Written};
use crate::yaml::{Entry, Node, Reader, Spot};

mod action;
mod case;
mod location;
mod selector;
mod sku;
mod window;

pub use window::InvalidMoment;

#[cfg(test)]
pub(super) use selector::KEYS as SELECTOR_KEYS;
pub(super) use sku::sku_key;

/// The priorities that a policy may have, far more than anybody needs and far from overflowing.
const PRIORITIES: std::ops::RangeInclusive<i64> = -1_000_000..=1_000_000;

/// A name and where it stands, for the checks over all files.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: PolicyName,
    pub(super) place: Place,
    pub(super) length: u32,
}

/// What came of one file.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub(super) policies: Vec<Policy>,
    pub(super) ladders: Vec<Ladder>,
    /// The names of all policies, also of those that could not be lowered.
    pub(super) policy_names: Vec<Named>,
    pub(super) ladder_names: Vec<Named>,
    /// Every `moved_from`.
    pub(super) former_names: Vec<Named>,
    pub(super) cases: Vec<Case>,
}

/// Lowers a file. Every problem is noted with the reader.
pub(super) fn lower(reader: &mut Reader, file: &RawFile<'_>, lists: &Lists) -> Lowered {
    let RawFile { policies, ladders, tests } = file;
    let mut lowered = Lowered::default();
    for raw in policies {
        let policy = policy(reader, raw, lists);
        lowered.policy_names.extend(named(reader, raw.name));
        lowered.former_names.extend(named(reader, raw.moved_from));
        lowered.policies.extend(policy);
    }
    for raw in ladders {
        let ladder = ladder(reader, raw);
        lowered.ladder_names.extend(named(reader, raw.name));
        lowered.ladders.extend(ladder);
    }
    lowered.cases = tests.iter().filter_map(|raw| case::lower(reader, raw)).collect();
    lowered
}

/// Names under which the history files what a person asks for once.
const RESERVED: [&str; 2] = ["bulk", "revert"];

fn policy(reader: &mut Reader, raw: &RawPolicy<'_>, lists: &Lists) -> Option<Policy> {
    let what = || match raw.name.map(|entry| &entry.value.kind) {
        Some(crate::yaml::Kind::Scalar { text, plain: _ }) => format!("policy `{text}`"),
        Some(_) | None => "a policy".to_owned(),
    };
    let name: Option<PolicyName> =
        needed(reader, raw.spot, &what(), "name", raw.name).and_then(|node| reader.parsed(node));
    if let (Some(name), Some(entry)) = (&name, raw.name)
        && RESERVED.contains(&name.as_str())
    {
        let message = format!("`{name}` is what plans made by `seatkeeper {name}` are filed under");
        reader.error_with(entry.value.spot, message, "give the policy another name");
    }
    let matches = needed(reader, raw.spot, &what(), "match", raw.selector);
    let selector = matches.and_then(|node| selector::lower(reader, node, lists));
    if let (Some(node), Some(selector)) = (matches, &selector)
        && selector.only_excludes()
    {
        let message = "`match` only says whom it does not mean: it would select everybody else";
        reader.error_with(node.spot, message, "if that is meant, add `everyone: true`");
    }
    let action = action::lower(reader, raw, &what());
    let usage_location = location::lower(reader, raw.usage_location);
    let (from, until) = window::lower(reader, raw.from, raw.until);
    let moved_from = former_name(reader, raw);
    let policy = Policy {
        place: reader.place(raw.spot),
        description: text(reader, raw.description),
        owner: text(reader, raw.owner),
        tenants: raw.tenants.and_then(|entry| tenants(reader, &entry.value)),
        reaches_guests: selector.as_ref().is_some_and(super::Selector::names_user_type),
        priority: priority(reader, raw.priority),
        on_leave: on_leave(reader, raw.on_leave),
        grace: raw.grace.and_then(|entry| reader.parsed::<Span>(&entry.value)),
        retired: raw.retired.and_then(|entry| reader.boolean(&entry.value)).unwrap_or_default(),
        usage_location,
        from,
        until,
        moved_from,
        name: name?,
        selector: selector?,
        action: action?,
    };
    no_effect(reader, raw, &policy);
    Some(policy)
}

/// Warns of keys that say nothing beside what else the policy says.
fn no_effect(reader: &mut Reader, raw: &RawPolicy<'_>, policy: &Policy) {
    let removes = matches!(policy.action, Action::Remove { removals: _ });
    let mut warn = |entry: Option<&Entry>, why: &str| {
        if let Some(entry) = entry {
            let message = format!("`{}` has no effect here", entry.key);
            reader.warning(entry.key_spot, message, why);
        }
    };
    if removes {
        warn(raw.on_leave, "a policy that removes owns nothing that could be left");
        warn(raw.priority, "a policy that removes waits for no seat");
    } else if policy.on_leave == OnLeave::Keep && matches!(policy.action, Action::Add { .. }) {
        warn(raw.grace, "with `on_leave: keep` nothing is removed, so nothing waits for it");
    }
}

fn needed<'a>(
    reader: &mut Reader,
    spot: Spot,
    what: &str,
    key: &str,
    entry: Option<&'a Entry>,
) -> Option<&'a Node> {
    if entry.is_none() {
        reader.error(spot, format!("{what} needs `{key}`"));
    }
    entry.map(|entry| &entry.value)
}

fn named(reader: &Reader, entry: Option<&Entry>) -> Option<Named> {
    let node = &entry?.value;
    let name = match &node.kind {
        crate::yaml::Kind::Scalar { text, plain: _ } => text.parse().ok()?,
        crate::yaml::Kind::Sequence(_) | crate::yaml::Kind::Mapping(_) => return None,
    };
    Some(Named { name, place: reader.place(node.spot), length: node.spot.length })
}

fn former_name(reader: &mut Reader, raw: &RawPolicy<'_>) -> Option<Written<PolicyName>> {
    let node = &raw.moved_from?.value;
    let value = reader.parsed(node)?;
    Some(Written { value, place: reader.place(node.spot) })
}

fn text(reader: &mut Reader, entry: Option<&Entry>) -> Option<Arc<str>> {
    entry.and_then(|entry| reader.text(&entry.value)).map(Into::into)
}

fn priority(reader: &mut Reader, entry: Option<&Entry>) -> i32 {
    let priority = entry.and_then(|entry| reader.integer(&entry.value, PRIORITIES));
    i32::try_from(priority.unwrap_or_default()).expect("priorities are far from overflowing")
}

fn on_leave(reader: &mut Reader, entry: Option<&Entry>) -> OnLeave {
    let words = [("remove", OnLeave::Remove), ("keep", OnLeave::Keep)];
    entry.and_then(|entry| reader.choice(&entry.value, "`on_leave`", &words)).unwrap_or_default()
}

fn tenants(reader: &mut Reader, node: &Node) -> Option<Vec<TenantName>> {
    let items = reader.full_list(node, "`tenants`")?;
    let (mut tenants, mut seen) = (Vec::new(), BTreeSet::new());
    for item in items {
        match reader.parsed::<TenantName>(item) {
            Some(tenant) if !seen.insert(tenant.clone()) => {
                reader.error(item.spot, format!("tenant `{tenant}` is listed twice"));
            }
            Some(tenant) => tenants.push(tenant),
            None => {}
        }
    }
    Some(tenants)
}

fn ladder(reader: &mut Reader, raw: &RawLadder<'_>) -> Option<Ladder> {
    let RawLadder { spot, name, tenants, rungs, fall_back } = *raw;
    let name: Option<PolicyName> =
        needed(reader, spot, "a ladder", "name", name).and_then(|node| reader.parsed(node));
    let node = needed(reader, spot, "a ladder", "rungs", rungs);
    let rungs = node.and_then(|node| sku::list(reader, node, "`rungs`"));
    if let (Some(node), Some([_])) = (node, rungs.as_deref()) {
        let hint = "list the SKUs from the highest to the lowest";
        reader.error_with(node.spot, "a ladder needs at least two rungs", hint);
    }
    let fall_back = fall_back.and_then(|entry| reader.boolean(&entry.value)).unwrap_or_default();
    let tenants = tenants.and_then(|entry| self::tenants(reader, &entry.value));
    Some(Ladder { name: name?, place: reader.place(spot), tenants, rungs: rungs?, fall_back })
}
