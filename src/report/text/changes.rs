//! The operations, grouped by the policy that asks for them and then by what is done and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{Because, Operation, Plan, Reason, ServicePlanRef};
use crate::report::text::fold::{columns, padded};
use crate::report::text::style::{Style, clean};
use crate::report::text::{Options, count};
use crate::report::word::Word;

/// So many people are listed in a group before the rest is counted.
const LISTED_MAX: usize = 12;
/// Adoptions change nothing in the tenant, so that a few examples do.
const ADOPTED_MAX: usize = 3;
/// So many service plans are named.
const SERVICE_PLANS_MAX: usize = 6;

/// Operations that do the same.
struct Group<'a> {
    change: String,
    /// The reason, where it is one for all.
    why: Option<String>,
    operations: Vec<(&'a Operation, String)>,
}

/// Renders all operations.
/// What holds some of them is told while the plan can still be decided.
pub(crate) fn render(out: &mut String, plan: &Plan, is_open: bool, options: Options) {
    for (policy, at, operations) in by_policy(plan) {
        let people = count(operations.len() as u64, "person", "people");
        let owner = plan.policy_owners.iter().find(|owner| owner.policy.as_str() == policy);
        let owner = owner.map(|of| format!("  owner {}", clean(&of.owner))).unwrap_or_default();
        let _ = writeln!(
            out,
            "\n{}  {}",
            options.style.strong(policy),
            options.style.dim(&format!("{at}  {people}{owner}")),
        );
        for group in groups(&operations, options.style) {
            render_group(out, &group, is_open, options);
        }
    }
}

/// Returns the operations by the policy that each is filed under, with where that stands: those first that
/// put data at risk, then in the order of files and lines.
pub(crate) fn by_policy(plan: &Plan) -> Vec<(&str, &str, Vec<&Operation>)> {
    let mut by_policy: BTreeMap<(&str, &str), Vec<&Operation>> = BTreeMap::new();
    for operation in &plan.operations {
        let lead = lead(operation);
        let policy = lead.map_or(("", ""), |because| (&*because.at, because.policy.as_str()));
        by_policy.entry(policy).or_default().push(operation);
    }
    let mut policies: Vec<_> = by_policy.into_iter().collect();
    policies.sort_by_key(|((at, policy), operations)| {
        let is_harmless = operations.iter().all(|operation| operation.data_at_risk.is_empty());
        (is_harmless, file_and_line(at), *policy)
    });
    policies.into_iter().map(|((at, policy), operations)| (policy, at, operations)).collect()
}

/// Splits `file:line`, so that line 9 comes before line 10.
pub(crate) fn file_and_line(at: &str) -> (&str, u32) {
    let (file, line) = at.rsplit_once(':').unwrap_or((at, ""));
    (file, line.parse().unwrap_or_default())
}

/// Returns the reason that an operation is filed under: what is given, before what is taken, before
/// where somebody is, before what is there already.
pub(crate) fn lead(operation: &Operation) -> Option<&Because> {
    let added = |because: &Because| {
        operation.add.iter().any(|addition| because.sku.as_ref() == Some(&addition.sku))
    };
    operation.because.iter().min_by_key(|because| match because.reason {
        Reason::Matched | Reason::Requested | Reason::Reverted if added(because) => 0,
        Reason::Removed
        | Reason::Left
        | Reason::Withdrawn
        | Reason::Exchanged
        | Reason::Replaced
        | Reason::Outranked
        | Reason::SteppedDown => 1,
        Reason::Located => 2,
        Reason::Matched | Reason::Requested | Reason::Reverted => 3,
    })
}

fn groups<'a>(operations: &[&'a Operation], style: Style) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(u8, String), Vec<(&Operation, String)>> = BTreeMap::new();
    for operation in operations {
        let key = (rank(operation), change(operation, style));
        groups.entry(key).or_default().push((operation, why(operation)));
    }
    groups
        .into_iter()
        .map(|((_, change), mut operations)| {
            operations.sort_by(|(a, _), (b, _)| a.user.principal_name.cmp(&b.user.principal_name));
            let first = operations.first().map(|(_, why)| why.clone());
            let one = first.filter(|first| operations.iter().all(|(_, why)| why == first));
            Group { change, why: one, operations }
        })
        .collect()
}

/// Puts what a reviewer must not miss first.
pub(crate) fn rank(operation: &Operation) -> u8 {
    use crate::plan::Kind;
    let rank = match operation.kind {
        Kind::Remove => 1,
        Kind::Replace => 2,
        Kind::Add => 3,
        Kind::Modify => 4,
        Kind::Locate => 5,
        Kind::Adopt => 6,
    };
    match operation.data_at_risk.is_empty() {
        false => 0,
        true if crate::plan::guard::is_loss(operation) => 1,
        true => rank,
    }
}

/// Says what is done, in marks that read without colour.
fn change(operation: &Operation, style: Style) -> String {
    parts(operation, style).join("  ")
}

/// Says what is done, part by part, each with its mark first.
pub(crate) fn parts(operation: &Operation, style: Style) -> Vec<String> {
    let mut parts = Vec::new();
    for addition in &operation.add {
        let sku = &addition.sku.name;
        let held = operation.before.iter().find(|held| held.sku.id == addition.sku.id);
        parts.push(match held.filter(|_| addition.held) {
            Some(held) => {
                let switched = switched(&held.disabled, &addition.disabled);
                let switched =
                    if switched.is_empty() { switched } else { format!(" ({switched})") };
                style.change(&format!("~ {sku}{switched}"))
            }
            None => {
                let off = named("off", &addition.disabled);
                let off = off.map(|off| format!(" ({off})")).unwrap_or_default();
                style.plus(&format!("+ {sku}{off}"))
            }
        });
    }
    parts.extend(operation.remove.iter().map(|sku| style.minus(&format!("- {}", sku.name))));
    parts.extend(operation.adopt.iter().map(|adoption| format!("= {}", adoption.sku.name)));
    if let Some(location) = operation.usage_location {
        let from = location.from.map_or_else(String::new, |from| format!("{from} to "));
        parts.push(style.change(&format!("@ location {from}{}", location.to)));
    }
    parts
}

/// Says which service plans are switched, from those that were off to those that will be.
fn switched(before: &[ServicePlanRef], after: &[ServicePlanRef]) -> String {
    let beside = |these: &[ServicePlanRef], those: &[ServicePlanRef]| -> Vec<ServicePlanRef> {
        let is_other = |one: &&ServicePlanRef| those.iter().all(|other| other.id != one.id);
        these.iter().filter(is_other).cloned().collect()
    };
    let (on, off) = (beside(before, after), beside(after, before));
    let on = if after.is_empty() && on.len() > 1 {
        Some("all service plans on".to_owned())
    } else {
        named("on", &on)
    };
    let off = named("off", &off);
    [on, off].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Names service plans that are on, or off, or counts them where they are many.
fn named(state: &str, plans: &[ServicePlanRef]) -> Option<String> {
    match plans.len() {
        0 => None,
        1..=SERVICE_PLANS_MAX => {
            let mut names: Vec<&str> = plans.iter().map(|plan| &*plan.name).collect();
            names.sort_unstable();
            Some(format!("{state}: {}", names.join(", ")))
        }
        many => Some(format!("{many} service plans {state}")),
    }
}

/// Says why, each reason once. The policy that the operation is filed under goes without saying.
pub(crate) fn why(operation: &Operation) -> String {
    let lead = lead(operation);
    let mut reasons: Vec<String> = Vec::new();
    let mut said: Vec<(&str, &str)> = Vec::new();
    for because in lead.into_iter().chain(&operation.because) {
        let (policy, detail) = (because.policy.as_str(), &*because.detail);
        if said.contains(&(policy, detail)) {
            continue;
        }
        said.push((policy, detail));
        let by = match lead {
            Some(lead) if lead.policy == because.policy => String::new(),
            Some(_) | None => format!("{policy} ({}): ", because.at),
        };
        let verb = match because.reason {
            Reason::Left => "no longer matches: ",
            Reason::Matched
            | Reason::Requested
            | Reason::Reverted
            | Reason::Located
            | Reason::Removed
            | Reason::Replaced
            | Reason::Exchanged
            | Reason::Outranked
            | Reason::SteppedDown
            | Reason::Withdrawn => "",
        };
        reasons.push(format!("{by}{verb}{detail}"));
    }
    reasons.join("; ")
}

fn render_group(out: &mut String, group: &Group<'_>, is_open: bool, options: Options) {
    let style = options.style;
    let people = count(group.operations.len() as u64, "person", "people");
    let note = match &group.why {
        Some(why) => format!("{people} · {why}"),
        None => people,
    };
    // What is so for all of them is said once.
    let marks = |operation: &Operation| marks(operation, is_open, style);
    let first = group.operations.first().map(|(operation, _)| marks(operation));
    let same = first.filter(|first| group.operations.iter().all(|(op, _)| marks(op) == *first));
    let shared = same.clone().unwrap_or_default();
    let _ = writeln!(out, "  {}{shared}  {}", group.change, style.dim(&note));
    let adopts = group.operations.iter().all(|(op, _)| op.kind == crate::plan::Kind::Adopt);
    let most = match (options.all, adopts) {
        (true, _) => usize::MAX,
        (false, true) => ADOPTED_MAX,
        (false, false) => LISTED_MAX,
    };
    let shown = group.operations.len().min(most);
    let name_width = |text: &str| columns(&clean(text));
    let people = || group.operations[..shown].iter().map(|(operation, _)| &operation.user);
    let widths = (
        people().map(|user| name_width(&user.principal_name)).max().unwrap_or_default(),
        people()
            .map(|user| user.display_name.as_deref().map_or(0, name_width))
            .max()
            .unwrap_or_default(),
    );
    for (operation, why) in &group.operations[..shown] {
        let why = if group.why.is_some() { "" } else { why };
        let marks = if same.is_some() { String::new() } else { marks(operation) };
        render_person(out, operation, &marks, why, widths, style);
    }
    if shown < group.operations.len() {
        let more = group.operations.len() - shown;
        let note = format!("and {more} more (--all lists everybody)");
        let _ = writeln!(out, "      {}", style.dim(&note));
    }
}

/// Says what a reviewer must not miss about an operation.
fn marks(operation: &Operation, is_open: bool, style: Style) -> String {
    let mut marks = String::new();
    if !operation.data_at_risk.is_empty() {
        let families: Vec<&str> = operation.data_at_risk.iter().map(|f| f.word()).collect();
        let note = style.minus(&format!("! data at risk: {}", families.join(", ")));
        let _ = write!(marks, "  {note}");
    }
    // What holds the plan as a whole is said once, below; here only what holds some and not others.
    let some: Vec<_> =
        operation.held_by.iter().copied().filter(|guard| guard.holds_removals_only()).collect();
    if is_open && !some.is_empty() {
        let held = crate::plan::digest::guard_list(&some);
        let _ = write!(marks, "  {}", style.warn(&format!("held by {held}")));
    }
    marks
}

fn render_person(
    out: &mut String,
    operation: &Operation,
    marks: &str,
    why: &str,
    (name_width, display_width): (usize, usize),
    style: Style,
) {
    let name = clean(&operation.user.principal_name);
    let display = operation.user.display_name.as_deref().map(clean).unwrap_or_default();
    let (name, display) = (padded(&name, name_width), padded(&display, display_width));
    let mut line = format!("      {name}  {display}{marks}");
    if !why.is_empty() {
        let _ = write!(line, "  {}", style.dim(why));
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
