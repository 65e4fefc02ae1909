//! A plan as a page shows it: what it comes to, what holds it, and what is cut short.

use crate::plan::guard::tripped;
use crate::plan::{PlanState, SeatLine, Simulated, Undoing, UndoneHow, Verdict};
use crate::ports::{Decision, StoredPlan};
use crate::report::html::chart::Seats;
use crate::report::html::sections::{Filter, Section, sections};
use crate::report::text;
use crate::report::text::{count, time};

/// A plan, ready to be written.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) stored: &'a StoredPlan,
    /// Where it stands, in a word.
    pub(crate) state: &'static str,
    /// The same as a beginning of a sentence, with what holds it.
    pub(crate) verdict: String,
    /// What it does, in a line.
    pub(crate) summary: String,
    /// How many people there are for whom data is at risk, and how many lose something.
    pub(crate) risk: Option<String>,
    /// Whom it concerns.
    pub(crate) people: String,
    /// What it costs or saves a month, as far as prices are known.
    pub(crate) monthly: Option<String>,
    /// What it was made from.
    pub(crate) facts: Vec<String>,
    pub(crate) decisions: Vec<String>,
    /// What became of it: counts, then reasons; nothing before it was carried out.
    pub(crate) became: Vec<String>,
    /// The verdicts of guards, those that tripped first.
    pub(crate) guards: Vec<&'a Verdict>,
    pub(crate) sections: Vec<Section<'a>>,
    pub(crate) seats: Vec<SeatRow<'a>>,
    pub(crate) remarks: Vec<Remarks>,
    /// What stands before the id of a user in a link, where there are links.
    pub(crate) users_at: Option<String>,
    /// Whether every group is unfolded, as where somebody is looked for.
    pub(crate) is_unfolded: bool,
    /// How many groups are not shown.
    pub(crate) groups_left_out: usize,
}

/// The seats of a SKU in a plan.
#[derive(Debug)]
pub(crate) struct SeatRow<'a> {
    pub(crate) line: &'a SeatLine,
    pub(crate) free: u64,
    /// What the seats that are taken, less those that are given back, cost a month.
    pub(crate) month: String,
    pub(crate) bar: String,
}

/// What a reviewer should know, under a heading.
#[derive(Debug)]
pub(crate) struct Remarks {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<String>,
}

impl<'a> View<'a> {
    /// Shows what of a plan fits, everybody listed.
    pub(crate) fn new(stored: &'a StoredPlan, filter: &Filter) -> Self {
        let plan = &stored.plan;
        let mut guards: Vec<&Verdict> = plan.guards.iter().collect();
        guards.sort_by_key(|verdict| !verdict.tripped);
        Self {
            stored,
            state: stored.state.as_str(),
            verdict: verdict(stored),
            summary: text::summary(plan),
            risk: risk(stored),
            people: format!(
                "{} changed in the tenant, {} without an operation",
                count(plan.summary.people, "person", "people"),
                count(plan.summary.unchanged, "person", "people"),
            ),
            monthly: text::monthly(plan),
            facts: facts(stored),
            decisions: stored.decisions.iter().map(decision).collect(),
            guards,
            became: Vec::new(),
            sections: sections(stored, filter),
            seats: plan.seats.iter().map(seats).collect(),
            remarks: remarks(stored),
            users_at: None,
            is_unfolded: false,
            groups_left_out: 0,
        }
    }

    /// Whether the price of any seat is known.
    pub(crate) fn is_priced(&self) -> bool {
        self.seats.iter().any(|row| row.line.price.is_some())
    }

    /// Returns how many entries are in all sections, shown or not.
    pub(crate) fn entries(&self) -> usize {
        self.sections.iter().map(|section| section.people).sum()
    }
}

/// Says where a plan stands and what holds it.
fn verdict(stored: &StoredPlan) -> String {
    let plan = &stored.plan;
    let simulated = plan.basis.simulated.is_some();
    let guards: Vec<&str> = tripped(&plan.guards).iter().map(|guard| guard.as_str()).collect();
    match stored.state {
        PlanState::Held if simulated => format!("Would be held by {}", guards.join(", ")),
        PlanState::Held => format!("Held by {}", guards.join(", ")),
        PlanState::Proposed if simulated => "To look at".to_owned(),
        PlanState::Proposed => "Proposed".to_owned(),
        PlanState::Approved => "Approved".to_owned(),
        PlanState::Applying => "Being applied".to_owned(),
        PlanState::Applied => "Applied".to_owned(),
        PlanState::Partial => "Applied in part".to_owned(),
        PlanState::Failed => "Failed".to_owned(),
        PlanState::Rejected => "Rejected".to_owned(),
        PlanState::Superseded => "Superseded by a newer plan".to_owned(),
        PlanState::Expired => "Expired".to_owned(),
    }
}

fn risk(stored: &StoredPlan) -> Option<String> {
    let operations = &stored.plan.operations;
    let at_risk = operations.iter().filter(|of| !of.data_at_risk.is_empty()).count() as u64;
    let lose = operations.iter().filter(|of| crate::plan::guard::is_loss(of)).count() as u64;
    let people = |number| count(number, "person", "people");
    match (at_risk, lose) {
        (0, 0) => None,
        (0, lose) => Some(format!("{} lose a license; no data is at risk", people(lose))),
        (risk, lose) => {
            let (lose, risk) = (people(lose), people(risk));
            Some(format!("{lose} lose a license or data; data of {risk} is at risk"))
        }
    }
}

fn facts(stored: &StoredPlan) -> Vec<String> {
    let plan = &stored.plan;
    let basis = &plan.basis;
    let made = match &basis.simulated {
        None if plan.is_settled() => format!("Made {}, not stored", time(plan.created_at)),
        None => format!("Made {}, expires {}", time(plan.created_at), time(plan.expires_at)),
        Some(Simulated { snapshot: _, at }) => format!("As of {}, not stored", time(*at)),
    };
    let commit = basis.policy_commit.as_ref();
    let commit = commit.map(|of| format!(", policies at {}", of.get(..12).unwrap_or(of)));
    let from = format!(
        "From {} and {} read {}{}",
        count(basis.users, "user", "users"),
        count(basis.groups, "group", "groups"),
        text::read(basis),
        commit.unwrap_or_default(),
    );
    let compared = basis.baseline.as_ref().map(text::compared);
    let part = plan.part_of.map(|whole| format!("the part of plan {whole} that no guard holds"));
    let rest = [compared, text::origin(&plan.origin), part];
    [made, from].into_iter().chain(rest.into_iter().flatten()).collect()
}

/// Says what somebody decided.
fn decision(decision: &Decision) -> String {
    let Decision { state, by, at, accepted, reason } = decision;
    let names: Vec<&str> = accepted.iter().map(|guard| guard.as_str()).collect();
    let accepted = match names.as_slice() {
        [] => String::new(),
        names => format!(", accepting {}", names.join(", ")),
    };
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} by {by} on {}{accepted}{reason}", state.as_str(), time(*at))
}

fn seats(line: &SeatLine) -> SeatRow<'_> {
    let after = Seats {
        total: line.total,
        used: line.after,
        reserved: line.reserved,
        waiting: line.waiting,
    };
    let month = line.monthly().map_or("no price".to_owned(), |sum| format!("{sum:+}"));
    SeatRow { line, free: after.free(), month, bar: after.bar() }
}

fn remarks(stored: &StoredPlan) -> Vec<Remarks> {
    let plan = &stored.plan;
    let unknown = plan.unknown.iter().map(|of| {
        let people = count(of.users, "person", "people");
        format!("{} ({}): {people}, {}", of.policy, of.at, of.detail)
    });
    let left_out = plan.left_out.iter();
    let left_out = left_out.map(|of| format!("{} ({}): {}", of.policy, of.at, of.problem));
    let warnings = plan.warnings.iter().map(|of| match &*of.at {
        "" => of.message.clone(),
        at => format!("{at}: {}", of.message),
    });
    let all = [
        Remarks { title: "Warnings", lines: warnings.collect() },
        Remarks {
            title: "Left out: nothing that these policies own is removed",
            lines: left_out.collect(),
        },
        Remarks {
            title: "Would be undone by the next plan that follows from the policies",
            lines: plan.undone_by.iter().map(undoing).collect(),
        },
        Remarks { title: "Unknown: neither granted nor taken away", lines: unknown.collect() },
    ];
    all.into_iter().filter(|remarks| !remarks.lines.is_empty()).collect()
}

fn undoing(undoing: &Undoing) -> String {
    let Undoing { policy, at, sku, how, users } = undoing;
    let sku = sku.as_ref().map_or("", |sku| &sku.name);
    let does = match how {
        UndoneHow::Adds => format!("gives {sku} back to"),
        UndoneHow::Removes => format!("takes {sku} away from"),
        UndoneHow::Modifies => format!("changes the service plans of {sku} for"),
        UndoneHow::Locates => "sets another usage location for".to_owned(),
    };
    format!("{policy} ({at}) {does} {}", count(*users, "person", "people"))
}
