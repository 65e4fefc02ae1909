//! What stands beside the operations: guards, what is not done, and seats.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Page;
use super::escape::{code, plain};
use crate::plan::{Because, Plan, Verdict};
use crate::report::text::{count, losing_later, time};

/// So many people are named in a folded list before the rest is counted.
const NAMED_MAX: usize = 100;

/// The guards that tripped in full, and the others folded.
pub(super) fn verdicts(page: &mut Page, plan: &Plan) {
    let (tripped, passed): (Vec<&Verdict>, Vec<_>) =
        plan.guards.iter().partition(|verdict| verdict.tripped);
    let table = |verdicts: &[&Verdict]| {
        let mut rows = "| guard | about | found | limit |\n| --- | --- | --- | --- |\n".to_owned();
        for verdict in verdicts {
            let (guard, scope) = (verdict.guard.as_str(), plain(&verdict.scope));
            let (actual, limit) = (plain(&verdict.actual), plain(&verdict.limit));
            let _ = writeln!(rows, "| {} | {scope} | {actual} | {limit} |", code(guard));
        }
        rows
    };
    if !tripped.is_empty() {
        let guards = count(tripped.len() as u64, "guard trips", "guards trip");
        page.add("guards that trip", &format!("\n### {guards}\n\n{}", table(&tripped)));
    }
    if !passed.is_empty() {
        let guards = count(passed.len() as u64, "guard passes", "guards pass");
        page.add("guards that pass", &fold(&guards, &table(&passed)));
    }
}

/// What is not done or not done yet, and what a reviewer should know.
pub(super) fn asides(page: &mut Page, plan: &Plan) {
    if !plan.left_out.is_empty() {
        let mut text =
            "\n### Policies that take no part\n\nNothing that these own is removed.\n\n".to_owned();
        for left_out in &plan.left_out {
            let (at, problem) = (code(&left_out.at), plain(&left_out.problem));
            let _ = writeln!(text, "- {} ({at}): {problem}", code(left_out.policy.as_str()));
        }
        page.add("policies that take no part", &text);
    }
    if !plan.warnings.is_empty() {
        let mut text = "\n### Warnings\n\n".to_owned();
        for warning in &plan.warnings {
            let at = if warning.at.is_empty() {
                String::new()
            } else {
                format!("{}: ", code(&warning.at))
            };
            let _ = writeln!(text, "- {at}{}", plain(&warning.message));
        }
        page.add("warnings", &text);
    }
    let blocked = plan.blocked.iter().map(|one| {
        let sku = one.sku.as_ref().map_or("the user", |sku| &sku.name);
        (format!("{sku}: {}", one.detail), &*one.user.principal_name, None)
    });
    list(page, "blocked", blocked);
    let waiting = plan.waiting.iter().map(|one| {
        (
            format!("waits for {}", one.sku.name),
            &*one.user.principal_name,
            Some(one.position.to_string()),
        )
    });
    list(page, "waiting for a seat", waiting);
    let scheduled = plan.scheduled.iter().map(|one| {
        let what = format!("loses {}: {}", one.sku.name, policies(&one.because));
        (what, &*one.user.principal_name, Some(format!("on {}", time(one.due))))
    });
    if plan.basis.baseline.is_some() {
        later(page, plan, scheduled);
    } else {
        list(page, "scheduled", scheduled);
    }
    let released = plan.released.iter().map(|one| {
        let what = format!("{} of {}, whose policy is gone: left alone", one.sku.name, one.policy);
        (what, &*one.user.principal_name, None)
    });
    list(page, "released", released);
    let no_longer = plan.no_longer.iter().map(|one| {
        let sku = one.sku.as_ref().map_or("the user", |sku| &sku.name);
        (format!("{} {sku}", one.what.as_str()), &*one.user.principal_name, None)
    });
    list(page, "no longer", no_longer);
    for unknown in &plan.unknown {
        let people = count(unknown.users, "person", "people");
        let (policy, at) = (code(unknown.policy.as_str()), code(&unknown.at));
        let detail = plain(&unknown.detail);
        let text = format!("\nUnknown for {people}: {policy} ({at}), {detail}.\n");
        page.add("what is unknown", &text);
    }
}

fn policies(because: &[Because]) -> String {
    let mut names: Vec<&str> = because.iter().map(|because| because.policy.as_str()).collect();
    names.dedup();
    names.join(", ")
}

/// Folds a list of people, by what is so for them.
fn list<'p>(
    page: &mut Page,
    title: &str,
    entries: impl Iterator<Item = (String, &'p str, Option<String>)>,
) {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut people = 0;
    for (what, name, note) in entries {
        people += 1;
        let note = note.map(|note| format!(" {}", plain(&note))).unwrap_or_default();
        groups.entry(what).or_default().push(format!("{}{note}", code(name)));
    }
    if groups.is_empty() {
        return;
    }
    let mut text = String::new();
    for (what, names) in groups {
        let number = count(names.len() as u64, "person", "people");
        let _ = writeln!(text, "- {} ({number}): {}", plain(&what), some(&names));
    }
    let title = format!("{people} {title}");
    page.add(&title, &fold(&title, &text));
}

/// Tells in full who loses something later by what the policies change: a review is the time to see it.
fn later<'p>(
    page: &mut Page,
    plan: &Plan,
    entries: impl Iterator<Item = (String, &'p str, Option<String>)>,
) {
    let people = losing_later(plan);
    if people == 0 {
        return;
    }
    let title = format!("{} something later", count(people, "person loses", "people lose"));
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (what, name, due) in entries {
        groups.entry((due.unwrap_or_default(), what)).or_default().push(code(name));
    }
    let mut text = format!("\n### {title}\n\n");
    for ((due, what), names) in groups {
        let number = count(names.len() as u64, "person", "people");
        let _ = writeln!(text, "- {} {} ({number}): {}", plain(&what), plain(&due), some(&names));
    }
    page.add(&title, &text);
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

pub(super) fn fold(title: &str, text: &str) -> String {
    format!("\n<details><summary>{title}</summary>\n\n{text}\n</details>\n")
}

/// The seats, folded unless somebody waits.
pub(super) fn seats(page: &mut Page, plan: &Plan) {
    if plan.seats.is_empty() {
        return;
    }
    let priced = plan.seats.iter().any(|line| line.price.is_some());
    let mut table = "| SKU | total | used | used after | free after | waiting |".to_owned();
    table.push_str(if priced { " a month |\n" } else { "\n" });
    table.push_str(if priced {
        "| --- | --: | --: | --: | --: | --: | --: |\n"
    } else {
        "| --- | --: | --: | --: | --: | --: |\n"
    });
    for line in &plan.seats {
        let free = line.total.saturating_sub(line.after).saturating_sub(line.reserved);
        let _ = write!(
            table,
            "| {} | {} | {} | {} | {free} | {} |",
            code(&line.sku.name),
            line.total,
            line.consumed,
            line.after,
            line.waiting
        );
        if priced {
            let sum =
                line.monthly().map_or_else(|| "no price".to_owned(), |sum| format!("{sum:+}"));
            let _ = write!(table, " {sum} |");
        }
        table.push('\n');
    }
    page.add("seats", &fold("Seats", &table));
}
