//! The limits of guards: `0` forbids, `unlimited` is spelled out, percentages carry their sign.

use crate::policy::settings::{
    CountLimit, GuardSettings, MaxChanges, MaxRemovals, Percent, PercentLimit, SourceGuards,
};
use crate::yaml::{Entry, Fields, Kind, Node, Reader};

pub(super) const KEYS: [&str; 7] = [
    "max_removals",
    "first_plan",
    "removals_per_day",
    "max_changes",
    "emptied_source",
    "shrunk_source",
    "blanked_attribute",
];

/// Keys of `max_removals`.
pub(super) const MAX_REMOVALS: [&str; 2] = ["percent", "count"];
/// Keys of `max_changes`.
pub(super) const MAX_CHANGES: [&str; 2] = ["percent", "above"];

/// What `guards` says; nothing where it says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guards {
    first_plan: Option<bool>,
    percent: Option<PercentLimit>,
    count: Option<CountLimit>,
    removals_per_day: Option<CountLimit>,
    changed_percent: Option<PercentLimit>,
    changed_above: Option<u64>,
    emptied: Option<bool>,
    shrunk: Option<bool>,
    blanked: Option<bool>,
}

impl Guards {
    /// Fills what this says nothing about from the layer below, and that from the defaults.
    pub(super) fn over(&self, below: &Self) -> GuardSettings {
        let GuardSettings { first_plan, max_removals, removals_per_day, max_changes, sources } =
            GuardSettings::default();
        let SourceGuards { emptied, shrunk, blanked } = sources;
        GuardSettings {
            first_plan: self.first_plan.or(below.first_plan).unwrap_or(first_plan),
            max_removals: MaxRemovals {
                percent: self.percent.or(below.percent).unwrap_or(max_removals.percent),
                count: self.count.or(below.count).unwrap_or(max_removals.count),
            },
            removals_per_day: self
                .removals_per_day
                .or(below.removals_per_day)
                .unwrap_or(removals_per_day),
            max_changes: MaxChanges {
                percent: self
                    .changed_percent
                    .or(below.changed_percent)
                    .unwrap_or(max_changes.percent),
                above: self.changed_above.or(below.changed_above).unwrap_or(max_changes.above),
            },
            sources: SourceGuards {
                emptied: self.emptied.or(below.emptied).unwrap_or(emptied),
                shrunk: self.shrunk.or(below.shrunk).unwrap_or(shrunk),
                blanked: self.blanked.or(below.blanked).unwrap_or(blanked),
            },
        }
    }
}

/// Reads `guards`.
pub(super) fn lower(reader: &mut Reader, entry: Option<&Entry>) -> Guards {
    let fields = entry.and_then(|entry| reader.fields(&entry.value, "`guards`", &KEYS));
    let Some(fields) = fields else { return Guards::default() };
    let mut switch = |key: &str| {
        let node = &fields.get(key)?.value;
        reader.choice(node, &format!("setting of `{key}`"), &[("on", true), ("off", false)])
    };
    let mut guards = Guards {
        first_plan: switch("first_plan"),
        emptied: switch("emptied_source"),
        shrunk: switch("shrunk_source"),
        blanked: switch("blanked_attribute"),
        ..Guards::default()
    };
    match fields.get("max_removals") {
        None => {}
        Some(entry) if is_unlimited(&entry.value) => {
            guards.percent = Some(PercentLimit::Unlimited);
            guards.count = Some(CountLimit::Unlimited);
        }
        Some(entry) => {
            let how = "`{percent: 5%, count: 50}`, or as `unlimited`";
            let fields = several(reader, entry, &MAX_REMOVALS, how);
            let value = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
            guards.percent = value("percent").and_then(|entry| percent(reader, &entry.value));
            guards.count = value("count").and_then(|entry| count(reader, &entry.value));
        }
    }
    if let Some(entry) = fields.get("removals_per_day") {
        guards.removals_per_day = count(reader, &entry.value);
    }
    match fields.get("max_changes") {
        None => {}
        Some(entry) if is_unlimited(&entry.value) => {
            guards.changed_percent = Some(PercentLimit::Unlimited);
        }
        Some(entry) => {
            let how = "`{percent: 25%, above: 50}`, or as `unlimited`";
            let fields = several(reader, entry, &MAX_CHANGES, how);
            let value = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
            guards.changed_percent =
                value("percent").and_then(|entry| percent(reader, &entry.value));
            guards.changed_above = value("above").and_then(|entry| people(reader, &entry.value));
        }
    }
    guards
}

fn is_unlimited(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar { text, plain: _ } if &**text == "unlimited")
}

/// Reads a limit that has several parts.
fn several<'n>(
    reader: &mut Reader,
    entry: &'n Entry,
    keys: &[&'static str],
    how: &str,
) -> Option<Fields<'n>> {
    if let Kind::Scalar { text: _, plain: _ } = &entry.value.kind {
        let hint = format!("write it as in {how}");
        let message = format!("expected a mapping, found {}", entry.value.describe());
        reader.error_with(entry.value.spot, message, &hint);
        return None;
    }
    reader.fields(&entry.value, &format!("`{}`", entry.key), keys)
}

fn percent(reader: &mut Reader, node: &Node) -> Option<PercentLimit> {
    let text = reader.text(node)?;
    if text == "unlimited" {
        return Some(PercentLimit::Unlimited);
    }
    let percent = Percent::parse(text);
    if percent.is_none() {
        let hint = match Percent::parse(&format!("{text}%")) {
            Some(meant) => format!("write `{meant}`, or `unlimited`"),
            None => "write 0% to 100%, with at most two decimals, or `unlimited`".to_owned(),
        };
        reader.error_with(node.spot, format!("`{text}` is not a percentage"), hint);
    }
    percent.map(PercentLimit::AtMost)
}

fn count(reader: &mut Reader, node: &Node) -> Option<CountLimit> {
    if is_unlimited(node) {
        return Some(CountLimit::Unlimited);
    }
    number(reader, node, "write a whole number such as `50`, or `unlimited`")
        .map(CountLimit::AtMost)
}

fn people(reader: &mut Reader, node: &Node) -> Option<u64> {
    number(reader, node, "write a whole number such as `50`")
}

fn number(reader: &mut Reader, node: &Node, hint: &str) -> Option<u64> {
    let text = reader.text(node)?;
    let count = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    if count.is_none() {
        reader.error_with(node.spot, format!("`{text}` is not a number of people"), hint);
    }
    count
}
