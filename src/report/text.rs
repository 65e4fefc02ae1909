//! Plans as a reviewer reads them in a terminal: grouped by policy, people with `+` and `-`, why,
//! then what cannot be done, then seats, then guards with their sums, then what to do next.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::domain::ids::UserId;
use crate::domain::money::Money;
use crate::domain::snapshot::ReadKind;
use crate::plan::bulk::{BulkRequest, Change, Skus};
use crate::plan::{Baseline, Basis, GuardName, Origin, Plan, PlanState, Simulated, SkuRef};
use crate::ports::{HistoryEntry, StoredPlan};
use crate::report::text::style::Style;

pub(crate) mod became;
pub(crate) mod branch;
pub(crate) mod changes;
mod diagnosis;
pub mod diff;
mod explanation;
pub mod fold;
mod glance;
mod import;
mod inventory;
mod lists;
mod rehearsal;
pub(crate) mod rest;
pub mod style;
pub mod table;

#[cfg(test)]
mod tests;

pub use diagnosis::diagnoses;
pub use explanation::explanation;
pub(crate) use explanation::{has, trees};
pub use import::import;
pub(crate) use inventory::reason;
pub use inventory::{domains, groups, ous, reclaimable, seats, unseen};
pub use lists::{history, plans, users};
pub use rehearsal::rehearsed;

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Colours and weights, or none.
    pub style: Style,
    /// Whether everybody is listed, however many.
    pub all: bool,
    /// How wide what it is printed on is, in columns; none where it has no edge.
    pub width: Option<usize>,
}

/// Renders a plan, with what became of it where it was carried out.
pub fn plan(stored: &StoredPlan, outcomes: &[HistoryEntry], options: Options) -> String {
    let mut out = String::new();
    header(&mut out, stored, options.style);
    became::render(&mut out, outcomes, options.style);
    glance::render(&mut out, &stored.plan, options.style);
    changes::render(&mut out, &stored.plan, stored.state.is_open(), options);
    rest::render(&mut out, &stored.plan, options);
    next(&mut out, stored, options.style);
    out
}

/// Returns how many people would lose something later by what policies change, where they are compared.
pub(crate) fn losing_later(plan: &Plan) -> u64 {
    if plan.basis.baseline.is_none() {
        return 0;
    }
    let people: BTreeSet<UserId> = plan.scheduled.iter().map(|one| one.user.id).collect();
    people.len() as u64
}

/// Says in one line what a plan does.
pub fn summary(plan: &Plan) -> String {
    let s = &plan.summary;
    let counts = [
        (s.add, "to add"),
        (s.replace, "to replace"),
        (s.remove, "to remove"),
        (s.modify, "to modify"),
        (s.locate, "to locate"),
        (s.adopt, "to adopt"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let aside = [
        (s.blocked, "blocked"),
        (s.waiting, "waiting"),
        (s.scheduled, "scheduled"),
        (s.released, "released"),
        (plan.no_longer.len() as u64, "no longer"),
    ];
    let aside: Vec<String> = aside
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let remarks = plan.warnings.len() + plan.unknown.len() + plan.left_out.len();
    let nothing = match &plan.basis.baseline {
        None => "nothing to do",
        Some(_) if !aside.is_empty() => "no difference in what is done at once",
        Some(_) if remarks > 0 => "no difference in what is done",
        Some(_) => "no difference",
    };
    let main = if parts.is_empty() { nothing.to_owned() } else { parts.join(", ") };
    if aside.is_empty() { main } else { format!("{main}; {}", aside.join(", ")) }
}

fn header(out: &mut String, stored: &StoredPlan, style: Style) {
    let plan = &stored.plan;
    let state = match stored.state {
        PlanState::Held if plan.basis.simulated.is_some() => style.warn("would be held"),
        PlanState::Held => style.warn(stored.state.as_str()),
        PlanState::Proposed if plan.basis.simulated.is_some() || plan.is_settled() => String::new(),
        PlanState::Proposed
        | PlanState::Approved
        | PlanState::Applying
        | PlanState::Applied
        | PlanState::Partial
        | PlanState::Failed
        | PlanState::Rejected
        | PlanState::Superseded
        | PlanState::Expired => style.strong(stored.state.as_str()),
    };
    let (name, made) = match &plan.basis.simulated {
        None if plan.is_settled() => {
            (style.strong("Plan"), format!("made {}, not stored", time(plan.created_at)))
        }
        None => {
            let (made, expires) = (time(plan.created_at), time(plan.expires_at));
            (
                format!("{} {}", style.strong("Plan"), plan.id),
                format!("made {made}, expires {expires}"),
            )
        }
        Some(Simulated { snapshot: _, at }) => {
            (style.strong("Plan to look at, not stored"), format!("as of {}", time(*at)))
        }
    };
    let line = format!("{name}  tenant {}  {state}", plan.tenant);
    let _ = writeln!(out, "{}", line.trim_end());
    let basis = &plan.basis;
    let commit = basis.policy_commit.as_ref().map_or_else(String::new, |commit| {
        format!(", policies at {}", commit.get(..12).unwrap_or(commit))
    });
    let _ = writeln!(
        out,
        "{}",
        style.dim(&format!(
            "{made}, from {} and {} read {}{commit}",
            count(basis.users, "user", "users"),
            count(basis.groups, "group", "groups"),
            read(basis),
        ))
    );
    if let Some(baseline) = &basis.baseline {
        let _ = writeln!(out, "{}", compared(baseline));
    }
    if let Some(origin) = origin(&plan.origin) {
        let _ = writeln!(out, "{origin}");
    }
    if let Some(whole) = plan.part_of {
        let _ = writeln!(out, "the part of plan {whole} that no guard holds");
    }
    decisions(out, stored);
    counts(out, plan, style);
}

/// Says who decided what, and why.
fn decisions(out: &mut String, stored: &StoredPlan) {
    for decision in &stored.decisions {
        let reason = decision.reason.as_ref().map(|reason| format!(": {}", style::clean(reason)));
        let accepted = if decision.accepted.is_empty() {
            String::new()
        } else {
            format!(", accepting {}", crate::plan::digest::guard_list(&decision.accepted))
        };
        let _ = writeln!(
            out,
            "{} by {} on {}{accepted}{}",
            decision.state.as_str(),
            style::clean(&decision.by),
            time(decision.at),
            reason.unwrap_or_default(),
        );
    }
}

/// Says when the tenant was read, and where only a part of it was.
pub(crate) fn read(basis: &Basis) -> String {
    let at = time(basis.snapshot_taken_at);
    match basis.read {
        ReadKind::Full => at,
        ReadKind::Delta => format!("{at} by what changed"),
    }
}

fn counts(out: &mut String, plan: &Plan, style: Style) {
    let _ = writeln!(out, "\n{}", style.strong(&summary(plan)));
    let s = &plan.summary;
    let unmanaged = match &plan.origin {
        Origin::Policies if plan.basis.baseline.is_some() => match s.unmanaged {
            0 => String::new(),
            more => {
                let count = count(more, "more assignment", "more assignments");
                format!(", {count} that no policy wants or owns")
            }
        },
        Origin::Policies => {
            let count = count(s.unmanaged, "assignment", "assignments");
            format!(", {count} that no policy wants or owns")
        }
        Origin::Bulk(_) | Origin::Revert(_) => String::new(),
    };
    let _ = writeln!(
        out,
        "{}",
        style.dim(&format!(
            "{} changed in the tenant, {} without an operation{unmanaged}",
            count(s.people, "person", "people"),
            count(s.unchanged, "person", "people"),
        ))
    );
    if let Some(monthly) = monthly(plan) {
        let _ = writeln!(out, "{}", style.dim(&monthly));
    }
    if !plan.operations.is_empty() {
        let legend =
            "+ add  - remove  ~ change service plans  @ set location  = adopt what is there";
        let _ = writeln!(out, "{}", style.dim(legend));
    }
}

/// Says what the seats that a plan takes and gives back are worth, as far as prices are known.
pub fn monthly(plan: &Plan) -> Option<String> {
    let sums = plan.monthly();
    let (freed, taken): (Vec<Money>, Vec<Money>) = sums.iter().partition(|sum| sum.is_negative());
    let parts: Vec<String> = [("takes", taken), ("frees", freed)]
        .into_iter()
        .filter(|(_, sums)| !sums.is_empty())
        .map(|(verb, sums)| {
            let sums: Vec<String> = sums.iter().map(|sum| sum.unsigned().to_string()).collect();
            format!("{verb} seats worth {} a month", sums.join(" and "))
        })
        .collect();
    let is_priced = plan.seats.iter().any(|line| line.price.is_some());
    let unpriced =
        plan.seats.iter().any(|line| line.price.is_none() && line.after != line.consumed);
    let rest = if unpriced { "; not every SKU has a price" } else { "" };
    match parts.len() {
        0 => (is_priced && !plan.operations.is_empty())
            .then(|| format!("costs nothing more and saves nothing a month{rest}")),
        _ => Some(format!("{}{rest}", parts.join(", "))),
    }
}

/// Says what a plan is compared with, and so what it shows.
pub(crate) fn compared(baseline: &Baseline) -> String {
    let Baseline { policy_digest, policy_commit } = baseline;
    let version = match policy_commit {
        Some(commit) => format!("at {}", commit.get(..12).unwrap_or(commit)),
        None => policy_digest.to_string(),
    };
    format!("only what these policies change once the baseline {version} has been carried out")
}

/// Says what a plan follows from, where that is not the policies.
pub(crate) fn origin(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Policies => None,
        Origin::Revert(plan) => Some(format!("puts users back as they were before plan {plan}")),
        Origin::Bulk(BulkRequest { change, usage_location, selection, users }) => {
            let list = |skus: &[SkuRef]| {
                skus.iter().map(|sku| style::clean(&sku.name)).collect::<Vec<_>>().join(", ")
            };
            let which = |skus: &Skus<SkuRef>| match skus {
                Skus::All => "all".to_owned(),
                Skus::Listed(skus) => list(skus),
            };
            let what = match change {
                Change::Add { skus } => list(skus),
                Change::Replace { skus, replaces } => {
                    format!("{} for {}", list(skus), which(replaces))
                }
                Change::Remove { skus } => which(skus),
            };
            let located =
                usage_location.map(|location| format!(" in {location}")).unwrap_or_default();
            let who = format!("{} ({})", style::clean(selection), selected(users.len()));
            Some(format!("bulk {} {what}{located}: {who}", change.as_str()))
        }
    }
}

fn selected(users: usize) -> String {
    count(users as u64, "user", "users")
}

fn next(out: &mut String, stored: &StoredPlan, style: Style) {
    let plan = &stored.plan;
    let tripped = crate::plan::guard::tripped(&plan.guards);
    let id = plan.id;
    let text = match stored.state {
        PlanState::Held if plan.basis.simulated.is_some() => {
            let guards: Vec<GuardName> = tripped.into_iter().collect();
            format!(
                "It would be held by {}, and wait for a person.",
                crate::plan::digest::guard_list(&guards)
            )
        }
        PlanState::Proposed if plan.basis.simulated.is_some() => return,
        PlanState::Held => {
            let accept: String =
                tripped.iter().map(|guard| format!(" --accept {}", guard.as_str())).collect();
            let rest = plan.operations.iter().filter(|op| op.held_by.is_empty()).count();
            let go_on = if rest == 0 {
                String::new()
            } else {
                format!("; `seatkeeper apply` carries out the {rest} that no guard holds")
            };
            format!(
                "Held. To let it through: seatkeeper approve {id}{accept} --reason \"…\"{go_on}"
            )
        }
        PlanState::Proposed if plan.is_settled() => return,
        PlanState::Proposed => format!("To carry it out: seatkeeper apply {id}"),
        PlanState::Approved => format!("Approved. To carry it out: seatkeeper apply {id}"),
        PlanState::Applying | PlanState::Applied | PlanState::Partial | PlanState::Failed => {
            format!("What became of it: seatkeeper history --plan {id}")
        }
        PlanState::Rejected | PlanState::Superseded | PlanState::Expired => {
            "It can no longer be carried out; plan anew: seatkeeper plan".to_owned()
        }
    };
    let _ = writeln!(out, "\n{}", style.strong(&text));
}

/// Prints an instant to the minute, in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Prints a count with its noun.
pub(crate) fn count(number: u64, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}
