//! What `import` wrote, as a table.

use std::fmt::Write as _;

use crate::plan::import::{Counts, Description};
use crate::report::text::count;
use crate::report::text::lists::heading;
use crate::report::text::style::clean;
use crate::report::text::table::{Sheet, table};

/// Renders the policies that describe a tenant, and what they leave out.
pub fn import(description: &Description, sheet: Sheet) -> String {
    let mut rows = vec![heading(&["policy", "people", "grants", "by", "whom"])];
    rows.extend(description.policies.iter().map(|described| {
        let grants: Vec<String> = described.grants.iter().map(|of| clean(&of.sku)).collect();
        vec![
            described.policy.name.to_string(),
            described.people.len().to_string(),
            grants.join(", "),
            described.how.as_str().to_owned(),
            clean(&described.whom),
        ]
    }));
    let Counts { assignments, people, by_rules } = description.counts;
    let all = count(assignments as u64, "direct assignment", "direct assignments");
    let who = count(people as u64, "person", "people");
    let policies = count(description.policies.len() as u64, "policy", "policies");
    let by_lists = assignments - by_rules;
    let mut text = table(&rows, sheet);
    let _ =
        writeln!(text, "\n{policies} for {all} of {who}: {by_rules} by rules, {by_lists} by lists");
    for left in &description.left_out {
        let _ = writeln!(text, "not described: {}", left.sentence());
    }
    text
}
