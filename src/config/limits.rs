//! The limits of guards: `0` forbids, `unlimited` is spelled out, percentages carry their sign.

use crate::policy::settings::{CountLimit, Percent, PercentLimit};
use crate::yaml::{Entry, Kind, Node, Reader};

/// Guards that this version does not have yet.
pub(super) const LATER: [&str; 5] =
    ["removals_per_day", "max_changes", "emptied_source", "shrunk_source", "blanked_attribute"];

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

/// What `guards` says; nothing where it says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guards {
    pub(super) first_plan: Option<bool>,
    pub(super) percent: Option<PercentLimit>,
    pub(super) count: Option<CountLimit>,
}

/// Reads `guards`.
pub(super) fn lower(reader: &mut Reader, entry: Option<&Entry>) -> Guards {
    let mut guards = Guards::default();
    let fields = entry.and_then(|entry| reader.fields(&entry.value, "`guards`", &KEYS));
    let Some(fields) = fields else { return guards };
    for later in LATER.iter().filter_map(|key| fields.get(key)) {
        reader.error(later.key_spot, format!("`{}` is not supported yet", later.key));
    }
    if let Some(entry) = fields.get("first_plan") {
        let words = [("on", true), ("off", false)];
        guards.first_plan = reader.choice(&entry.value, "setting of `first_plan`", &words);
    }
    if let Some(entry) = fields.get("max_removals") {
        let limits = max_removals(reader, &entry.value);
        (guards.percent, guards.count) = limits.unwrap_or_default();
    }
    guards
}

type MaxRemovals = (Option<PercentLimit>, Option<CountLimit>);

fn max_removals(reader: &mut Reader, node: &Node) -> Option<MaxRemovals> {
    if let Kind::Scalar { text: _, plain: _ } = &node.kind {
        let hint = "write it as in `{percent: 5%, count: 50}`";
        let message = format!("expected a mapping, found {}", node.describe());
        reader.error_with(node.spot, message, hint);
        return None;
    }
    let fields = reader.fields(node, "`max_removals`", &MAX_REMOVALS)?;
    let percent = fields.get("percent").and_then(|entry| percent(reader, &entry.value));
    let count = fields.get("count").and_then(|entry| count(reader, &entry.value));
    Some((percent, count))
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
    let text = reader.text(node)?;
    if text == "unlimited" {
        return Some(CountLimit::Unlimited);
    }
    let count = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    if count.is_none() {
        let hint = "write a whole number such as `50`, or `unlimited`";
        reader.error_with(node.spot, format!("`{text}` is not a number of people"), hint);
    }
    count.map(CountLimit::AtMost)
}
