//! The limits of guards: strict, spelled out, and with their `%`.

use crate::config::not_yet;
use crate::policy::settings::{CountLimit, GuardSettings, MaxRemovals, Percent, PercentLimit};
use crate::yaml::{Kind, Node, Reader};

const LATER: [&str; 5] =
    ["removals_per_day", "max_changes", "emptied_source", "shrunk_source", "blanked_attribute"];

/// Reads `guards`.
pub(super) fn guards(reader: &mut Reader, node: &Node, base: GuardSettings) -> GuardSettings {
    let known: Vec<&str> = ["first_plan", "max_removals"].iter().chain(&LATER).copied().collect();
    let Some(fields) = reader.fields(node, "`guards`", &known) else { return base };
    for entry in LATER.iter().filter_map(|key| fields.get(key)) {
        not_yet(reader, entry);
    }
    let switch = [("on", true), ("off", false), ("true", true), ("false", false)];
    let first_plan = fields
        .get("first_plan")
        .and_then(|entry| reader.choice(&entry.value, "switch", &switch))
        .unwrap_or(base.first_plan);
    let max_removals = fields
        .get("max_removals")
        .map_or(base.max_removals, |entry| max_removals(reader, &entry.value, base.max_removals));
    GuardSettings { first_plan, max_removals }
}

fn max_removals(reader: &mut Reader, node: &Node, base: MaxRemovals) -> MaxRemovals {
    if let Kind::Scalar { text, plain: _ } = &node.kind {
        let unlimited =
            MaxRemovals { percent: PercentLimit::Unlimited, count: CountLimit::Unlimited };
        if &**text == "unlimited" {
            return unlimited;
        }
    }
    let Some(fields) = reader.fields(node, "`max_removals`", &["percent", "count"]) else {
        return base;
    };
    let percent = fields.get("percent").and_then(|entry| percent(reader, &entry.value));
    let count = fields.get("count").and_then(|entry| count(reader, &entry.value));
    MaxRemovals { percent: percent.unwrap_or(base.percent), count: count.unwrap_or(base.count) }
}

fn percent(reader: &mut Reader, node: &Node) -> Option<PercentLimit> {
    let text = reader.text(node)?;
    if text == "unlimited" {
        return Some(PercentLimit::Unlimited);
    }
    let percent = Percent::parse(text).map(PercentLimit::AtMost);
    if percent.is_none() {
        let hint = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            format!("a percentage carries its sign: `{text}%`")
        } else {
            "write `0%` to `100%`, or `unlimited`".to_owned()
        };
        reader.error_with(node.spot, format!("`{text}` is not a percentage"), hint);
    }
    percent
}

fn count(reader: &mut Reader, node: &Node) -> Option<CountLimit> {
    if let Kind::Scalar { text, plain: _ } = &node.kind
        && &**text == "unlimited"
    {
        return Some(CountLimit::Unlimited);
    }
    let most = reader.integer(node, 0..=10_000_000)?;
    u64::try_from(most).ok().map(CountLimit::AtMost)
}
