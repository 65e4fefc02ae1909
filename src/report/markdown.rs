//! Plans for a pull request: the verdict in the first line, what is risky in full, the rest folded.
//!
//! Never longer than a comment may be, and what does not fit is said. What anybody may have written
//! neither makes markup nor calls somebody.

use std::fmt::Write as _;

use crate::plan::guard::is_loss;
use crate::plan::{GuardName, Kind, Operation, Plan, PlanState};
use crate::ports::StoredPlan;
use crate::report::text::{self, count, time};
use crate::report::word::Word as _;
use escape::{code, plain};

mod escape;
mod rest;

#[cfg(test)]
mod tests;

/// How long a rendering may be, in characters. Sources: a comment on GitHub has up to 65,536 characters,
/// a note of GitLab up to 1,000,000.
pub const CHARACTERS_MAX: usize = 60_000;

/// What is kept free for the lines at the end.
const END_MAX: usize = 1_500;

/// The mark by which a workflow finds the comment that it wrote before.
const MARK: &str = "<!-- seatkeeper plan -->";

/// Renders a plan.
pub fn plan(stored: &StoredPlan) -> String {
    let plan = &stored.plan;
    let mut page = Page { text: String::new(), most: CHARACTERS_MAX - END_MAX, left_out: 0 };
    head(&mut page.text, stored);
    risky(&mut page, plan);
    rest::verdicts(&mut page, plan);
    rest::asides(&mut page, plan);
    folded(&mut page, plan);
    rest::seats(&mut page, plan);
    end(&mut page, stored);
    page.text
}

/// What is written so far, and how much may still be.
struct Page {
    text: String,
    most: usize,
    /// Sections for which there was no room.
    left_out: u64,
}

impl Page {
    /// Adds a section, where there is room for the whole of it.
    fn add(&mut self, section: &str) {
        if self.fits(section) { self.text.push_str(section) } else { self.left_out += 1 }
    }

    fn fits(&self, section: &str) -> bool {
        // Bytes are never fewer than characters.
        self.text.len() + section.len() <= self.most
    }

    /// Adds a table between two texts, as many of its rows as there is room for; the rest is counted.
    fn add_table(&mut self, before: &str, rows: &[String], after: &str) {
        let frame = before.len() + after.len() + 120;
        let mut room = (self.most).saturating_sub(self.text.len() + frame);
        let fitting = rows
            .iter()
            .take_while(|row| {
                let fits = row.len() <= room;
                room = room.saturating_sub(row.len());
                fits
            })
            .count();
        if fitting == 0 && !rows.is_empty() {
            self.left_out += 1;
            return;
        }
        self.text.push_str(before);
        self.text.extend(rows.iter().take(fitting).map(String::as_str));
        if fitting < rows.len() {
            let _ = writeln!(
                self.text,
                "\n**And {} more**, for which there is no room here.",
                rows.len() - fitting
            );
        }
        self.text.push_str(after);
    }
}

/// Says in one line what a reviewer must know if they read nothing else.
fn verdict(stored: &StoredPlan) -> String {
    let plan = &stored.plan;
    let at_risk = plan.operations.iter().filter(|op| !op.data_at_risk.is_empty()).count() as u64;
    let risk = match at_risk {
        0 => String::new(),
        _ => format!(", **data of {} at risk**", count(at_risk, "person", "people")),
    };
    let people = count(plan.summary.people, "person", "people");
    let tripped: Vec<GuardName> = crate::plan::guard::tripped(&plan.guards).into_iter().collect();
    let simulated = plan.basis.simulated.is_some();
    let what = match stored.state {
        _ if plan.operations.is_empty() => return text::summary(plan),
        PlanState::Held => {
            let held = if simulated { "would be held" } else { "held" };
            format!("**{held}** by {}", crate::plan::digest::guard_list(&tripped))
        }
        PlanState::Proposed if simulated => "no guard trips".to_owned(),
        state => state.as_str().to_owned(),
    };
    match plan.summary.people {
        0 => format!("{what}; nobody changes in the tenant{risk}"),
        _ => format!("{what}; {people} would change{risk}"),
    }
}

fn head(out: &mut String, stored: &StoredPlan) {
    let plan = &stored.plan;
    let _ = writeln!(out, "## Licenses of {}: {}\n{MARK}\n", plan.tenant, verdict(stored));
    let _ = writeln!(out, "{}.", text::summary(plan));
    if let Some(monthly) = text::monthly(plan) {
        let _ = writeln!(out, "It {monthly}.");
    }
    if let Some(baseline) = &plan.basis.baseline {
        let _ = writeln!(out, "\nThis is {}.", text::compared(baseline));
    }
    if let Some(origin) = text::origin(&plan.origin) {
        let _ = writeln!(out, "\nIt {}.", plain(&origin));
    }
}

/// Whether an operation is told in full: something goes without anything in its place, or data with it.
fn is_risky(operation: &Operation) -> bool {
    operation.kind == Kind::Remove || is_loss(operation)
}

/// Everybody who loses data or licenses, data first.
fn risky(page: &mut Page, plan: &Plan) {
    let mut risky: Vec<&Operation> = plan.operations.iter().filter(|op| is_risky(op)).collect();
    if risky.is_empty() {
        return;
    }
    risky.sort_by_key(|op| (op.data_at_risk.is_empty(), &op.user.principal_name, op.user.id));
    let people = count(risky.len() as u64, "person loses", "people lose");
    let before = format!(
        "\n### {people} something\n\n| who | change | data at risk | why |\n| --- | --- | --- | --- |\n"
    );
    let rows: Vec<String> = risky
        .iter()
        .map(|operation| {
            let risk: Vec<&str> = operation.data_at_risk.iter().map(|one| one.word()).collect();
            let risk =
                if risk.is_empty() { String::new() } else { format!("**{}**", risk.join(", ")) };
            format!(
                "| {} | {} | {risk} | {} |\n",
                who(operation),
                change(operation),
                why(operation)
            )
        })
        .collect();
    page.add_table(&before, &rows, "");
}

/// All other operations, folded by policy and by what is done.
fn folded(page: &mut Page, plan: &Plan) {
    for (policy, at, operations) in text::changes::by_policy(plan) {
        let operations: Vec<&Operation> =
            operations.into_iter().filter(|operation| !is_risky(operation)).collect();
        if operations.is_empty() {
            continue;
        }
        let people = count(operations.len() as u64, "person", "people");
        let owner = plan.policy_owners.iter().find(|owner| owner.policy.as_str() == policy);
        let owner = owner.map(|of| format!(", owner {}", plain(&of.owner))).unwrap_or_default();
        let before = format!(
            "\n<details><summary><b>{policy}</b> ({}): {people}{owner}</summary>\n\n\
             | who | change | why |\n| --- | --- | --- |\n",
            plain(at)
        );
        let mut operations = operations;
        operations.sort_by_key(|op| (text::changes::rank(op), &op.user.principal_name, op.user.id));
        let rows: Vec<String> = operations
            .iter()
            .map(|op| format!("| {} | {} | {} |\n", who(op), change(op), why(op)))
            .collect();
        page.add_table(&before, &rows, "\n</details>\n");
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
    let parts = text::changes::parts(operation, text::style::Style::Plain);
    parts.iter().map(|part| code(part)).collect::<Vec<_>>().join(" ")
}

fn why(operation: &Operation) -> String {
    let lead = text::changes::lead(operation);
    let lead = lead.map(|because| match &*because.at {
        "" => because.policy.to_string(),
        at => format!("{} ({})", because.policy, plain(at)),
    });
    let why = plain(&text::changes::why(operation));
    match lead {
        Some(lead) if is_risky(operation) => format!("{lead}: {why}"),
        Some(_) | None => why,
    }
}

fn end(page: &mut Page, stored: &StoredPlan) {
    let plan = &stored.plan;
    let out = &mut page.text;
    if page.left_out > 0 {
        let sections = count(page.left_out, "section", "sections");
        let _ = writeln!(out, "\n**{sections} did not fit here**; the plan itself has everything.");
    }
    let basis = &plan.basis;
    let commit = basis.policy_commit.as_ref().map_or_else(String::new, |commit| {
        format!(", policies at {}", code(commit.get(..12).unwrap_or(commit)))
    });
    let name = match &basis.simulated {
        Some(simulated) => format!("A plan to look at, as of {}", time(simulated.at)),
        None if plan.is_settled() => format!("Made {}, not stored", time(plan.created_at)),
        None => format!("Plan {} ({})", code(&plan.id.to_string()), code(&plan.digest.to_string())),
    };
    let _ = writeln!(
        out,
        "\n<sub>{name}, from {} and {} read {}{commit}.</sub>",
        count(basis.users, "user", "users"),
        count(basis.groups, "group", "groups"),
        text::read(basis),
    );
    if stored.state == PlanState::Held && basis.simulated.is_none() {
        let tripped = crate::plan::guard::tripped(&plan.guards);
        let accept: String =
            tripped.iter().map(|guard| format!(" --accept {}", guard.as_str())).collect();
        let _ = writeln!(
            out,
            "\nTo let it through:\n\n```sh\nseatkeeper approve {}{accept} --reason \"…\"\n```",
            plan.id
        );
    }
}
