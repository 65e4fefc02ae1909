//! What is unusual about a large plan, before the long list of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::Plan;
use crate::report::text::style::{Style, clean};
use crate::report::text::{changes, count};
use crate::report::word::Word as _;

/// A plan of so few people is seen at a glance anyway.
const PEOPLE_MIN: usize = 50;
/// So many of the largest groups are named.
const LARGEST: usize = 5;
/// So many reasons why people are blocked are named.
const REASONS: usize = 5;

/// Says what a reviewer should look at first; nothing for a small plan.
pub(crate) fn render(out: &mut String, plan: &Plan, style: Style) {
    let lines = lines(plan);
    if plan.operations.len() < PEOPLE_MIN || lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", style.strong("At a glance"));
    for (is_bad, line) in lines {
        let line = if is_bad { style.warn(&line) } else { line };
        let _ = writeln!(out, "  {line}");
    }
}

/// Returns what stands out, each with whether it needs a person.
fn lines(plan: &Plan) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    let mut at_risk: BTreeMap<&str, u64> = BTreeMap::new();
    let mut people = 0;
    for operation in plan.operations.iter().filter(|one| !one.data_at_risk.is_empty()) {
        people += 1;
        for family in &operation.data_at_risk {
            *at_risk.entry(family.word()).or_default() += 1;
        }
    }
    if people > 0 {
        let families: Vec<String> =
            at_risk.iter().map(|(family, people)| format!("{family} of {people}")).collect();
        let people = count(people, "person", "people");
        lines.push((true, format!("! data of {people} at risk: {}", families.join(", "))));
    }
    let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
    for sku in plan.operations.iter().flat_map(|operation| &operation.remove) {
        *lost.entry(&sku.name).or_default() += 1;
    }
    let mut lost: Vec<_> = lost.into_iter().collect();
    lost.sort_by_key(|(name, people)| (std::cmp::Reverse(*people), *name));
    if !lost.is_empty() {
        let text: Vec<String> =
            lost.iter().take(LARGEST).map(|(sku, people)| format!("{sku} from {people}")).collect();
        lines
            .push((false, format!("taken away: {}{}", text.join(", "), rest(lost.len(), LARGEST))));
    }
    let mut blocked: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &plan.blocked {
        *blocked.entry(entry.reason.word()).or_default() += 1;
    }
    let mut blocked: Vec<_> = blocked.into_iter().collect();
    blocked.sort_by_key(|(reason, people)| (std::cmp::Reverse(*people), *reason));
    if !blocked.is_empty() {
        let text: Vec<String> = blocked
            .iter()
            .take(REASONS)
            .map(|(reason, people)| format!("{} {people}", reason.replace('_', " ")))
            .collect();
        lines.push((true, format!("blocked: {}{}", text.join(", "), rest(blocked.len(), REASONS))));
    }
    let mut policies = changes::by_policy(plan);
    policies.sort_by_key(|(policy, _, operations)| (std::cmp::Reverse(operations.len()), *policy));
    if policies.len() > 1 {
        let text: Vec<String> = policies
            .iter()
            .take(LARGEST)
            .map(|(policy, _, operations)| format!("{} {}", clean(policy), operations.len()))
            .collect();
        let rest = rest(policies.len(), LARGEST);
        lines.push((false, format!("people by policy: {}{rest}", text.join(", "))));
    }
    lines
}

fn rest(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}
