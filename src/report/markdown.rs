//! Plans for a pull request: the verdict in the first line, what is risky in full, the rest folded.
//!
//! Never longer than a comment may be, and what does not fit is said. What anybody may have written
//! neither makes markup nor calls somebody.

use std::fmt::Write as _;

use crate::plan::{GuardName, PlanState};
use crate::ports::StoredPlan;
use crate::report::text::{self, count, time};
use escape::{code, plain};

mod counts;
mod escape;
mod people;
mod rest;

#[cfg(test)]
mod tests;

/// How long a rendering may be, in characters. Sources: a comment on GitHub has up to 65,536 characters,
/// a note of GitLab up to 1,000,000.
pub const CHARACTERS_MAX: usize = 60_000;

/// What is kept free for the lines at the end.
const END_MAX: usize = 2_500;
/// So many sections that did not fit are named.
const LEFT_OUT_NAMED: usize = 8;

/// The mark by which a workflow finds the comment that it wrote before.
const MARK: &str = "<!-- seatkeeper plan -->";

/// What guards, counts and seats may take of it: they are told whatever else has no room.
const FIXED_MAX: usize = 20_000;
/// What blocked, waiting and scheduled people may take of it.
const ASIDES_MAX: usize = 12_000;

/// Renders a plan.
pub fn plan(stored: &StoredPlan) -> String {
    let plan = &stored.plan;
    let mut page = Page::of(CHARACTERS_MAX - END_MAX);
    head(&mut page.text, stored);
    let mut guards = Page::of(FIXED_MAX);
    rest::verdicts(&mut guards, plan);
    counts::by_policy(&mut guards, plan);
    let mut seats = Page::of(FIXED_MAX / 2);
    rest::seats(&mut seats, plan);
    let mut asides = Page::of(ASIDES_MAX);
    rest::asides(&mut asides, plan);
    page.append(guards);
    // What comes behind has its room before people are listed.
    let room = page.most;
    page.most = room.saturating_sub(asides.text.len() + seats.text.len());
    people::risky(&mut page, plan);
    page.most = room.saturating_sub(seats.text.len());
    page.append(asides);
    people::folded(&mut page, plan);
    page.most = room;
    page.append(seats);
    end(&mut page, stored);
    page.text
}

/// What is written so far, and how much may still be.
struct Page {
    text: String,
    most: usize,
    /// Sections for which there was no room, by name.
    left_out: Vec<String>,
}

impl Page {
    fn of(most: usize) -> Self {
        Self { text: String::new(), most, left_out: Vec::new() }
    }

    /// Adds a section, where there is room for the whole of it.
    fn add(&mut self, name: &str, section: &str) {
        // Bytes are never fewer than characters.
        if self.text.len() + section.len() <= self.most {
            self.text.push_str(section);
        } else {
            self.left_out.push(name.to_owned());
        }
    }

    /// Adds what was written apart.
    fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.left_out.extend(other.left_out);
    }

    /// How much may still be written.
    fn room(&self) -> usize {
        self.most.saturating_sub(self.text.len())
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
    let later = match text::losing_later(plan) {
        0 => String::new(),
        later => format!(", {} would lose something later", count(later, "person", "people")),
    };
    let people = count(plan.summary.people, "person", "people");
    let tripped: Vec<GuardName> = crate::plan::guard::tripped(&plan.guards).into_iter().collect();
    let simulated = plan.basis.simulated.is_some();
    let what = match stored.state {
        PlanState::Held => {
            let held = if simulated { "would be held" } else { "held" };
            format!("**{held}** by {}", crate::plan::digest::guard_list(&tripped))
        }
        _ if plan.operations.is_empty() => return text::summary(plan),
        PlanState::Proposed if simulated => "no guard trips".to_owned(),
        state => state.as_str().to_owned(),
    };
    match plan.summary.people {
        0 => format!("{what}; nobody changes in the tenant at once{risk}{later}"),
        _ => format!("{what}; {people} would change{risk}{later}"),
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

fn end(page: &mut Page, stored: &StoredPlan) {
    let plan = &stored.plan;
    let out = &mut page.text;
    if !page.left_out.is_empty() {
        let named = page.left_out.iter().take(LEFT_OUT_NAMED).cloned().collect::<Vec<_>>();
        let more = match page.left_out.len().saturating_sub(LEFT_OUT_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(
            out,
            "\n**There was no room for** {}{more}; the plan itself has everything.",
            named.join(", ")
        );
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
