//! Who is changed: those who lose something in full, the others folded; always by what is so for several.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Page;
use super::escape::{code, plain};
use crate::plan::guard::is_loss;
use crate::plan::{Kind, Operation, Plan};
use crate::report::text::style::Style;
use crate::report::text::{changes, count};
use crate::report::word::Word as _;

/// So many people of a group are named where it is folded.
const NAMED_MAX: usize = 100;
/// So many where nothing changes in the tenant.
const ADOPTED_MAX: usize = 3;
/// What the end of a list takes that is cut off.
const CUT_OFF: usize = 120;

/// What is done to several people for the same reason.
struct Group<'a> {
    rank: u8,
    change: String,
    risk: String,
    why: String,
    people: Vec<&'a Operation>,
}

/// Whether an operation is told in full: something goes without anything in its place, or data with it.
fn is_risky(operation: &Operation) -> bool {
    operation.kind == Kind::Remove || is_loss(operation)
}

/// Everybody who loses data or licenses, data first.
pub(super) fn risky(page: &mut Page, plan: &Plan) {
    let risky: Vec<&Operation> = plan.operations.iter().filter(|op| is_risky(op)).collect();
    if risky.is_empty() {
        return;
    }
    let people = count(risky.len() as u64, "person loses", "people lose");
    let title = format!("{people} a license or data");
    let mut text = format!("\n### {title}\n");
    let mut room = page.room().saturating_sub(text.len() + CUT_OFF);
    let mut missing = 0;
    for group in groups(&risky, true) {
        let line = group.line();
        if line.len() > room {
            missing += group.people.len();
            continue;
        }
        room -= line.len();
        text.push_str(&line);
        let mut first = true;
        for operation in &group.people {
            let name = format!("{}{}", if first { "  " } else { ", " }, who(operation));
            if name.len() > room {
                missing += 1;
                continue;
            }
            room -= name.len();
            text.push_str(&name);
            first = false;
        }
        text.push('\n');
        room = room.saturating_sub(1);
    }
    if missing > 0 {
        let _ = writeln!(text, "\n**And {missing} more**, for whom there is no room here.");
    }
    page.add(&title, &text);
}

/// All other operations, folded by policy.
pub(super) fn folded(page: &mut Page, plan: &Plan) {
    for (policy, at, operations) in changes::by_policy(plan) {
        let operations: Vec<&Operation> =
            operations.into_iter().filter(|operation| !is_risky(operation)).collect();
        if operations.is_empty() {
            continue;
        }
        let people = count(operations.len() as u64, "person", "people");
        let owner = plan.policy_owners.iter().find(|owner| owner.policy.as_str() == policy);
        let owner = owner.map(|of| format!(", owner {}", plain(&of.owner))).unwrap_or_default();
        let mut text = format!(
            "\n<details><summary><b>{policy}</b> ({}): {people}{owner}</summary>\n",
            plain(at)
        );
        for group in groups(&operations, false) {
            let adopts = group.people.iter().all(|operation| operation.kind == Kind::Adopt);
            let most = if adopts { ADOPTED_MAX } else { NAMED_MAX };
            let names: Vec<String> = group.people.iter().take(most).map(|op| who(op)).collect();
            let more = match group.people.len().saturating_sub(most) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let _ = writeln!(text, "{}  {}{more}", group.line(), names.join(", "));
        }
        text.push_str("\n</details>\n");
        page.add(&format!("<b>{policy}</b> ({people})"), &text);
    }
}

fn groups<'a>(operations: &[&'a Operation], with_policy: bool) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(u8, String, String, String), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let risk: Vec<&str> = operation.data_at_risk.iter().map(|one| one.word()).collect();
        let key = (
            changes::rank(operation),
            change(operation),
            risk.join(", "),
            why(operation, with_policy),
        );
        groups.entry(key).or_default().push(operation);
    }
    let mut groups: Vec<Group<'_>> = groups
        .into_iter()
        .map(|((rank, change, risk, why), mut people)| {
            people.sort_by_key(|op| (&op.user.principal_name, op.user.id));
            Group { rank, change, risk, why, people }
        })
        .collect();
    groups.sort_by_key(|group| (group.rank, std::cmp::Reverse(group.people.len())));
    groups
}

impl Group<'_> {
    /// Returns the line above the names.
    fn line(&self) -> String {
        let Self { rank: _, change, risk, why, people } = self;
        let people = count(people.len() as u64, "person", "people");
        let risk = match risk.as_str() {
            "" => String::new(),
            risk => format!(", **data at risk: {risk}**"),
        };
        format!("\n- {change}{risk}, {people}: {why}\n")
    }
}

fn who(operation: &Operation) -> String {
    let name = code(&operation.user.principal_name);
    match &operation.user.display_name {
        Some(display) => format!("{name} {}", plain(display)),
        None => name,
    }
}

fn change(operation: &Operation) -> String {
    let parts = changes::parts(operation, Style::Plain);
    parts.iter().map(|part| code(part)).collect::<Vec<_>>().join(" ")
}

fn why(operation: &Operation, with_policy: bool) -> String {
    let lead = changes::lead(operation);
    let lead = lead.map(|because| match &*because.at {
        "" => because.policy.to_string(),
        at => format!("{} ({})", because.policy, plain(at)),
    });
    let why = plain(&changes::why(operation));
    match lead {
        Some(lead) if with_policy => format!("{lead}: {why}"),
        Some(_) | None => why,
    }
}
