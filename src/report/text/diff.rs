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
/// So many service plans that are off are named beside a SKU before they are counted.
const OFF_MAX: usize = 3;

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
    let (old, new) = (lines(&before, &after, options.all), lines(&after, &before, options.all));
    let diff = TextDiff::from_lines(&old, &new);
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

/// What a user has directly, at one time.
struct State<'a> {
    location: Option<String>,
    held: BTreeMap<SkuId, (&'a str, &'a [ServicePlanRef])>,
}

/// Returns what a user has directly before.
fn before(operation: &Operation) -> State<'_> {
    let location = operation.usage_location.map(|location| {
        location.from.map_or_else(|| "no location".to_owned(), |from| format!("location {from}"))
    });
    let held = operation.before.iter();
    State { location, held: held.map(|of| (of.sku.id, (&*of.sku.name, &*of.disabled))).collect() }
}

/// Returns what the user has directly afterwards.
fn after(operation: &Operation) -> State<'_> {
    let mut state = before(operation);
    state.location = operation.usage_location.map(|location| format!("location {}", location.to));
    for sku in &operation.remove {
        state.held.remove(&sku.id);
    }
    for addition in &operation.add {
        state.held.insert(addition.sku.id, (&addition.sku.name, &addition.disabled));
    }
    state
}

/// Returns a state in lines. Of a SKU that stays and whose service plans change there is a line for each
/// that is switched; of others one line, which is the same in both states where nothing changes.
fn lines(state: &State<'_>, other: &State<'_>, all: bool) -> String {
    let mut licenses: Vec<_> =
        state.held.iter().map(|(id, (sku, off))| (*sku, *id, *off)).collect();
    licenses.sort_by_key(|(sku, id, _)| (*sku, *id));
    let mut out = String::new();
    if let Some(location) = &state.location {
        let _ = writeln!(out, "{location}");
    }
    for (sku, id, off) in licenses {
        let off = sorted(off);
        let others = other.held.get(&id).map(|(_, off)| sorted(off));
        match others.filter(|others| *others != off) {
            None => {
                let _ = writeln!(out, "{}", line(sku, &off, all));
            }
            Some(others) => {
                let (same, switched): (Vec<&str>, Vec<&str>) =
                    off.iter().partition(|plan| others.contains(plan));
                let _ = writeln!(out, "{}", line(sku, &same, all));
                for plan in switched {
                    let _ = writeln!(out, "  {} off", clean(plan));
                }
            }
        }
    }
    out
}

fn line(sku: &str, off: &[&str], all: bool) -> String {
    let sku = clean(sku);
    match off.len() {
        0 => sku,
        few if all || few <= OFF_MAX => {
            let names: Vec<String> = off.iter().map(|name| clean(name)).collect();
            format!("{sku} (off: {})", names.join(", "))
        }
        many => format!("{sku} (off: {many} service plans)"),
    }
}

fn sorted(plans: &[ServicePlanRef]) -> Vec<&str> {
    let mut names: Vec<&str> = plans.iter().map(|plan| &*plan.name).collect();
    names.sort_unstable();
    names
}

fn names(plans: &[ServicePlanRef]) -> String {
    plans.iter().map(|plan| clean(&plan.name)).collect::<Vec<_>>().join(", ")
}
