//! What a plan changes about each user, as a difference between two lists of licenses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use crate::domain::ids::SkuId;
use crate::plan::{Operation, Plan, PlanState, ServicePlanRef};
use crate::report::text::style::clean;
use crate::report::text::{Options, changes, count};
use crate::report::word::Word as _;

/// So many people are shown before the rest is counted.
const SHOWN_MAX: usize = 50;
/// So many service plans that somebody gains or loses are named.
const SERVICE_PLANS_MAX: usize = 8;

/// Renders the difference for each user below the plan's id and state: whose data is at risk first, then who loses something.
pub fn differences(plan: &Plan, state: PlanState, options: Options) -> String {
    let style = options.style;
    let mut operations: Vec<&Operation> = plan.operations.iter().collect();
    operations
        .sort_by_key(|one| (changes::rank(one), one.user.principal_name.clone(), one.user.id));
    let most = if options.all { usize::MAX } else { SHOWN_MAX };
    let mut out = format!("{} {}  {}\n\n", style.strong("Plan"), plan.id, state.as_str());
    for operation in operations.iter().take(most) {
        let name = clean(&operation.user.principal_name);
        let display = operation.user.display_name.as_deref().map(clean).unwrap_or_default();
        let line = format!("{}  {}", style.strong(&name), style.dim(&display));
        let _ = writeln!(out, "{}", line.trim_end());
        difference(&mut out, operation, options);
        let _ = writeln!(out, "{}\n", style.dim(&format!("  {}", changes::why(operation))));
    }
    if operations.len() > most {
        let more = count((operations.len() - most) as u64, "more person", "more people");
        let _ = writeln!(out, "{}", style.dim(&format!("and {more} (--all lists everybody)")));
    }
    if operations.is_empty() {
        out.push_str("nothing to do\n");
    }
    out
}

fn difference(out: &mut String, operation: &Operation, options: Options) {
    let style = options.style;
    let (before, after) = (before(operation), after(operation));
    let diff = TextDiff::from_lines(&before, &after);
    for change in diff.iter_all_changes() {
        let line = change.value().trim_end();
        let line = match change.tag() {
            ChangeTag::Delete => style.minus(&format!("  - {line}")),
            ChangeTag::Insert => style.plus(&format!("  + {line}")),
            ChangeTag::Equal => format!("    {line}"),
        };
        let _ = writeln!(out, "{line}");
    }
    let lists = [("gains", &operation.gains), ("loses", &operation.loses)];
    for (verb, plans) in lists.into_iter().filter(|(_, plans)| !plans.is_empty()) {
        let most = if options.all { usize::MAX } else { SERVICE_PLANS_MAX };
        let text = match plans.len().saturating_sub(most) {
            0 => names(plans),
            more => format!("{} and {more} more", names(&plans[..most])),
        };
        let _ = writeln!(out, "{}", style.dim(&format!("    {verb} {text}")));
    }
    if !operation.data_at_risk.is_empty() {
        let families: Vec<&str> = operation.data_at_risk.iter().map(|f| f.word()).collect();
        let _ =
            writeln!(out, "{}", style.minus(&format!("  ! data at risk: {}", families.join(", "))));
    }
}

/// Returns the lines of what a user has directly before.
fn before(operation: &Operation) -> String {
    let location = operation.usage_location.map(|location| {
        location.from.map_or_else(|| "no location".to_owned(), |from| format!("location {from}"))
    });
    let held = operation.before.iter();
    lines(location, held.map(|held| (held.sku.id, line(&held.sku.name, &held.disabled))).collect())
}

/// Returns the lines of what the user has directly afterwards.
fn after(operation: &Operation) -> String {
    let location = operation.usage_location.map(|location| format!("location {}", location.to));
    let mut held: BTreeMap<SkuId, String> = operation
        .before
        .iter()
        .map(|held| (held.sku.id, line(&held.sku.name, &held.disabled)))
        .collect();
    for sku in &operation.remove {
        held.remove(&sku.id);
    }
    for addition in &operation.add {
        held.insert(addition.sku.id, line(&addition.sku.name, &addition.disabled));
    }
    lines(location, held)
}

fn lines(location: Option<String>, held: BTreeMap<SkuId, String>) -> String {
    let mut licenses: Vec<String> = held.into_values().collect();
    licenses.sort();
    location.into_iter().chain(licenses).map(|line| format!("{line}\n")).collect()
}

fn line(sku: &str, disabled: &[ServicePlanRef]) -> String {
    let sku = clean(sku);
    if disabled.is_empty() { sku } else { format!("{sku} (off: {})", names(disabled)) }
}

fn names(plans: &[ServicePlanRef]) -> String {
    plans.iter().map(|plan| clean(&plan.name)).collect::<Vec<_>>().join(", ")
}
