//! How many people each policy does what to: what is told also where there is no room for names.

use std::fmt::Write as _;

use super::Page;
use super::escape::plain;
use crate::plan::{Kind, Plan};
use crate::report::text::changes;

/// So many policies have a line.
const POLICIES_MAX: usize = 100;

fn table(plan: &Plan) -> Option<String> {
    let policies = changes::by_policy(plan);
    if policies.len() < 2 {
        return None;
    }
    let mut table = "| policy | people | add | replace | remove | modify | locate | adopt |\n\
                     | --- | --: | --: | --: | --: | --: | --: | --: |\n"
        .to_owned();
    for (policy, at, operations) in policies.iter().take(POLICIES_MAX) {
        let kind = |kind: Kind| operations.iter().filter(|op| op.kind == kind).count();
        let counts = [
            operations.len(),
            kind(Kind::Add),
            kind(Kind::Replace),
            kind(Kind::Remove),
            kind(Kind::Modify),
            kind(Kind::Locate),
            kind(Kind::Adopt),
        ];
        let counts = counts.map(|count| if count == 0 { String::new() } else { count.to_string() });
        let _ = writeln!(table, "| **{policy}** ({}) | {} |", plain(at), counts.join(" | "));
    }
    if policies.len() > POLICIES_MAX {
        let _ = writeln!(table, "\nand {} more policies", policies.len() - POLICIES_MAX);
    }
    Some(table)
}

/// Adds the operations of each policy by kind, folded.
pub(super) fn by_policy(page: &mut Page, plan: &Plan) {
    if let Some(table) = table(plan) {
        let title = "What each policy does";
        page.add(title, &super::rest::fold(title, &table));
    }
}
