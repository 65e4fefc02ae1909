//! What `import` wrote, as JSON.

use serde_json::{Value, json};

use crate::plan::import::{Counts, Described, Description, NewFile, ServicePlans};
use crate::report::json::FORMAT_VERSION;

/// Returns the policies that describe a tenant as JSON, and the files that they were written to.
pub fn import_to_json(description: &Description, files: &[NewFile]) -> String {
    let Description { policies, counts, left_out } = description;
    let Counts { assignments, people, by_rules } = *counts;
    let policies: Vec<Value> = policies.iter().map(policy_form).collect();
    let left_out: Vec<Value> = left_out
        .iter()
        .map(|left| {
            json!({"why": left.why.as_str(), "count": left.count, "detail": left.sentence()})
        })
        .collect();
    let files: Vec<&str> = files.iter().map(|file| &*file.name).collect();
    super::pretty(&json!({
        "format_version": FORMAT_VERSION, "policies": policies, "assignments": assignments,
        "people": people, "by_rules": by_rules, "left_out": left_out, "files": files,
    }))
}

fn policy_form(described: &Described) -> Value {
    let Described { policy, how, whom, people, disabled, grants } = described;
    let grants: Vec<Value> = grants
        .iter()
        .map(|granted| {
            let alike = granted.service_plans == ServicePlans::Alike;
            json!({"sku": &*granted.sku, "same_service_plans": alike})
        })
        .collect();
    json!({
        "name": policy.name.as_str(), "by": how.as_str(), "whom": whom, "people": people.len(),
        "disabled": disabled, "grants": grants,
    })
}
