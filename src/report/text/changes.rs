//! The operations, grouped by the policy that asks for them and then by what is done and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{Because, Operation, Plan, Reason};
use crate::report::text::style::{Style, clean};
use crate::report::text::{Options, count};
use crate::report::word::Word;

/// So many people are listed in a group before the rest is counted.
const LISTED_MAX: usize = 12;
/// Adoptions change nothing in the tenant, so that a few examples do.
const ADOPTED_MAX: usize = 3;
/// So many service plans are named.
const SERVICE_PLANS_MAX: usize = 6;

/// Operations that do the same for the same reason.
struct Group<'a> {
    change: String,
    why: String,
    operations: Vec<&'a Operation>,
}

/// Renders all operations.
pub(crate) fn render(out: &mut String, plan: &Plan, options: Options) {
    let mut by_policy: BTreeMap<(&str, &str), Vec<&Operation>> = BTreeMap::new();
    for operation in &plan.operations {
        let lead = lead(operation);
        let policy = lead.map_or(("", ""), |because| (&*because.at, because.policy.as_str()));
        by_policy.entry(policy).or_default().push(operation);
    }
    let mut policies: Vec<_> = by_policy.into_iter().collect();
    policies.sort_by_key(|((at, policy), _)| (file_and_line(at), *policy));
    for ((at, policy), operations) in policies {
        let _ = writeln!(out, "\n{}  {}", options.style.strong(policy), options.style.dim(at),);
        for group in groups(&operations, options.style) {
            render_group(out, &group, options);
        }
    }
}

/// Splits `file:line`, so that line 9 comes before line 10.
fn file_and_line(at: &str) -> (&str, u32) {
    let (file, line) = at.rsplit_once(':').unwrap_or((at, ""));
    (file, line.parse().unwrap_or_default())
}

/// Returns the reason that an operation is filed under: what is taken before what is given, what is
/// given before where somebody is.
fn lead(operation: &Operation) -> Option<&Because> {
    operation.because.iter().min_by_key(|because| match because.reason {
        Reason::Matched => 0,
        Reason::Removed | Reason::Left | Reason::Exchanged | Reason::Replaced => 1,
        Reason::Located => 2,
    })
}

fn groups<'a>(operations: &[&'a Operation], style: Style) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(u8, String, String), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let key = (rank(operation), change(operation, style), why(operation));
        groups.entry(key).or_default().push(operation);
    }
    groups
        .into_iter()
        .map(|((_, change, why), mut operations)| {
            operations.sort_by(|a, b| a.user.principal_name.cmp(&b.user.principal_name));
            Group { change, why, operations }
        })
        .collect()
}

/// Puts what a reviewer must not miss first.
fn rank(operation: &Operation) -> u8 {
    use crate::plan::Kind;
    let rank = match operation.kind {
        Kind::Remove => 1,
        Kind::Replace => 2,
        Kind::Add => 3,
        Kind::Modify => 4,
        Kind::Locate => 5,
        Kind::Adopt => 6,
    };
    if operation.data_at_risk.is_empty() { rank } else { 0 }
}

/// Says what is done, in marks that read without colour.
fn change(operation: &Operation, style: Style) -> String {
    let mut parts = Vec::new();
    for addition in &operation.add {
        let off: Vec<&str> = addition.disabled.iter().map(|plan| &*plan.name).collect();
        let off = match off.len() {
            0 if addition.held => " (all service plans on)".to_owned(),
            0 => String::new(),
            1..=SERVICE_PLANS_MAX => format!(" (off: {})", off.join(", ")),
            many => format!(" ({many} service plans off)"),
        };
        let sku = &addition.sku.name;
        parts.push(if addition.held {
            style.change(&format!("~ {sku}{off}"))
        } else {
            style.plus(&format!("+ {sku}{off}"))
        });
    }
    parts.extend(operation.remove.iter().map(|sku| style.minus(&format!("- {}", sku.name))));
    parts.extend(operation.adopt.iter().map(|adoption| format!("= {}", adoption.sku.name)));
    if let Some(location) = operation.usage_location {
        let from = location.from.map_or_else(String::new, |from| format!("{from} to "));
        parts.push(style.change(&format!("@ location {from}{}", location.to)));
    }
    parts.join("  ")
}

fn why(operation: &Operation) -> String {
    let mut reasons: Vec<String> = Vec::new();
    let lead = lead(operation);
    for because in &operation.because {
        let verb = match because.reason {
            Reason::Matched | Reason::Located => "",
            Reason::Removed => "removed: ",
            Reason::Replaced => "in exchange: ",
            Reason::Left => "left: ",
            Reason::Exchanged => "exchanged: ",
        };
        let by = match lead {
            Some(lead) if lead.policy == because.policy => String::new(),
            Some(_) | None => format!("{} ({}): ", because.policy, because.at),
        };
        let reason = format!("{by}{verb}{}", because.detail);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.join("; ")
}

fn render_group(out: &mut String, group: &Group<'_>, options: Options) {
    let style = options.style;
    let people = count(group.operations.len() as u64, "person", "people");
    let _ =
        writeln!(out, "  {}  {}", group.change, style.dim(&format!("{people} · {}", group.why)));
    let adopts = group.operations.iter().all(|op| op.kind == crate::plan::Kind::Adopt);
    let most = match (options.all, adopts) {
        (true, _) => usize::MAX,
        (false, true) => ADOPTED_MAX,
        (false, false) => LISTED_MAX,
    };
    let shown = group.operations.len().min(most);
    let width = group.operations[..shown]
        .iter()
        .map(|operation| clean(&operation.user.principal_name).chars().count())
        .max()
        .unwrap_or_default();
    for operation in &group.operations[..shown] {
        render_person(out, operation, width, style);
    }
    if shown < group.operations.len() {
        let more = group.operations.len() - shown;
        let _ = writeln!(
            out,
            "      {}",
            style.dim(&format!("and {more} more (--all lists everybody)"))
        );
    }
}

fn render_person(out: &mut String, operation: &Operation, width: usize, style: Style) {
    let name = clean(&operation.user.principal_name);
    let display = operation.user.display_name.as_deref().map(clean).unwrap_or_default();
    let mut notes = Vec::new();
    if !operation.data_at_risk.is_empty() {
        let families: Vec<&str> = operation.data_at_risk.iter().map(|f| f.word()).collect();
        notes.push(style.minus(&format!("! data at risk: {}", families.join(", "))));
    }
    if !operation.held_by.is_empty() {
        let held = crate::plan::digest::guard_list(&operation.held_by);
        notes.push(style.warn(&format!("held by {held}")));
    }
    let mut line = format!("      {name:<width$}  {}", style.dim(&display));
    for note in notes {
        let _ = write!(line, "  {note}");
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
