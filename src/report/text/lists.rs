//! Lists: plans, outcomes, users.

use crate::domain::known::Known;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::ports::{HistoryEntry, OutcomeKind, PlanHead};
use crate::report::text::style::clean;
use crate::report::text::table::{Sheet, table};
use crate::report::text::time;
use crate::report::word::Word;

/// Renders the list of plans.
pub fn plans(plans: &[PlanHead], sheet: Sheet) -> String {
    let mut rows =
        vec![heading(&["plan", "tenant", "state", "from", "made", "operations", "people"])];
    rows.extend(plans.iter().map(|plan| {
        vec![
            plan.id.to_string(),
            plan.tenant.to_string(),
            plan.state.as_str().to_owned(),
            plan.origin.word().to_owned(),
            time(plan.created_at),
            plan.operations.to_string(),
            plan.people.to_string(),
        ]
    }));
    table(&rows, sheet)
}

/// Renders outcomes.
pub fn history(entries: &[HistoryEntry], sheet: Sheet) -> String {
    let mut rows = vec![heading(&[
        "when",
        "outcome",
        "kind",
        "user",
        "change",
        "policy",
        "approved by",
        "plan",
        "",
    ])];
    rows.extend(entries.iter().map(|entry| {
        let operation = &entry.operation;
        let mark = |addition: &crate::plan::Addition| if addition.held { '~' } else { '+' };
        let added = operation.add.iter();
        let mut change: Vec<String> =
            added.map(|addition| format!("{}{}", mark(addition), addition.sku.name)).collect();
        change.extend(operation.remove.iter().map(|sku| format!("-{}", sku.name)));
        change.extend(operation.adopt.iter().map(|adoption| format!("={}", adoption.sku.name)));
        change.extend(operation.usage_location.iter().map(|location| format!("@{}", location.to)));
        let mut policies: Vec<&str> =
            operation.because.iter().map(|because| because.policy.as_str()).collect();
        policies.dedup();
        vec![
            time(entry.outcome.at),
            entry.outcome.kind.as_str().to_owned(),
            operation.kind.word().to_owned(),
            clean(&operation.user.principal_name),
            change.join(" "),
            policies.join(", "),
            entry.approved_by.as_deref().map(clean).unwrap_or_default(),
            entry.outcome.plan.to_string(),
            detail(entry),
        ]
    }));
    table(&rows, sheet)
}

fn detail(entry: &HistoryEntry) -> String {
    let outcome = &entry.outcome;
    let words = match outcome.kind {
        OutcomeKind::Done if outcome.detail.is_empty() => return String::new(),
        OutcomeKind::Done
        | OutcomeKind::AlreadyDone
        | OutcomeKind::Stale
        | OutcomeKind::Refused
        | OutcomeKind::Failed
        | OutcomeKind::Deferred => outcome.detail.replace(['\n', '\r', '\t'], " "),
    };
    let code = outcome.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
    let id = outcome.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
    format!("{code}{words}{id}")
}

/// Renders users with what they hold.
pub fn users(users: &[&User], snapshot: &Snapshot, sheet: Sheet) -> String {
    let mut rows = vec![heading(&["user", "name", "location", "account", "licenses"])];
    rows.extend(users.iter().map(|user| {
        vec![
            clean(&user.principal_name),
            user.display_name.as_deref().map(clean).unwrap_or_default(),
            match user.usage_location {
                Known::Known(Some(location)) => location.to_string(),
                Known::Known(None) => "-".to_owned(),
                Known::Unknown => "?".to_owned(),
            },
            match user.enabled {
                Known::Known(true) => "enabled".to_owned(),
                Known::Known(false) => "disabled".to_owned(),
                Known::Unknown => "?".to_owned(),
            },
            licenses(user, snapshot),
        ]
    }));
    table(&rows, sheet)
}

fn licenses(user: &User, snapshot: &Snapshot) -> String {
    let Known::Known(licenses) = &user.licenses else { return "?".to_owned() };
    let name = |assignment: &crate::domain::user::Assignment| {
        let sku = snapshot.catalogue().get(assignment.sku);
        let name =
            sku.map_or_else(|| assignment.sku.to_string(), |sku| sku.part_number.to_string());
        let how = match (assignment.direct().is_some(), assignment.inherited().is_empty()) {
            (true, true) => "",
            (true, false) => " (direct and group)",
            (false, false) => " (group)",
            (false, true) => " (source unknown)",
        };
        format!("{name}{how}")
    };
    licenses.assignments.iter().map(name).collect::<Vec<_>>().join(", ")
}

pub(super) fn heading(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
