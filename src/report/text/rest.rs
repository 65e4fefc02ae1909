//! What is not done, and what holds: blocked, waiting, scheduled, released, unknown, seats, guards.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{Aside, Because, NoLonger, Plan, Undoing, UndoneHow, Verdict};

use crate::report::text::style::{Style, clean};
use crate::report::text::table::{Sheet, table};
use crate::report::text::{Options, count, lists, time};

/// So many people are listed under a heading before the rest is counted.
const LISTED_MAX: usize = 10;
/// How far in tables stand.
const INDENT: &str = "  ";

/// Renders everything behind the operations.
pub(crate) fn render(out: &mut String, plan: &Plan, options: Options) {
    left_out(out, plan, options.style);
    blocked(out, plan, options);
    waiting(out, plan, options);
    scheduled(out, plan, options);
    released(out, plan, options);
    no_longer(out, plan, options);
    unknown(out, plan, options.style);
    undone_by(out, plan, options.style);
    warnings(out, plan, options.style);
    seats(out, plan, options);
    guards(out, &plan.guards, options.style);
}

fn section(out: &mut String, title: &str, style: Style) {
    let _ = writeln!(out, "\n{}", style.strong(title));
}

/// Writes lines, of which only so many where not all are asked for.
fn lines(out: &mut String, lines: &[String], options: Options) {
    let most = if options.all { usize::MAX } else { LISTED_MAX };
    for line in lines.iter().take(most) {
        let _ = writeln!(out, "      {line}");
    }
    if lines.len() > most {
        let more = lines.len() - most;
        let note = format!("and {more} more (--all lists everybody)");
        let _ = writeln!(out, "      {}", options.style.dim(&note));
    }
}

fn left_out(out: &mut String, plan: &Plan, style: Style) {
    if plan.left_out.is_empty() {
        return;
    }
    section(out, "Left out (nothing that these own is removed)", style);
    for left_out in &plan.left_out {
        let _ = writeln!(out, "  {}  {}  {}", left_out.policy, left_out.at, left_out.problem);
    }
}

fn blocked(out: &mut String, plan: &Plan, options: Options) {
    if plan.blocked.is_empty() {
        return;
    }
    section(out, "Blocked", options.style);
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for blocked in &plan.blocked {
        let sku = blocked.sku.as_ref().map_or("the user", |sku| &sku.name);
        let policies: Vec<String> = blocked.because.iter().map(placed).collect();
        let key = (format!("{sku}: {}", blocked.detail), policies.join(", "));
        groups.entry(key).or_default().push(clean(&blocked.user.principal_name));
    }
    for ((what, policies), mut people) in groups {
        people.sort();
        let people_count = count(people.len() as u64, "person", "people");
        let note = options.style.dim(&format!("{people_count} · {policies}"));
        let _ = writeln!(out, "  {}  {note}", options.style.warn(&format!("! {what}")));
        lines(out, &people, options);
    }
}

fn waiting(out: &mut String, plan: &Plan, options: Options) {
    if plan.waiting.is_empty() {
        return;
    }
    section(out, "Waiting for a seat", options.style);
    let mut queues: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for waiting in &plan.waiting {
        let policies: Vec<&str> = waiting.because.iter().map(|b| b.policy.as_str()).collect();
        let name = clean(&waiting.user.principal_name);
        let policies = options.style.dim(&policies.join(", "));
        let since = options.style.dim(&format!("since {}", time(waiting.since)));
        let meanwhile = waiting
            .meanwhile
            .as_ref()
            .map_or(String::new(), |sku| format!("  with {} meanwhile", sku.name));
        let line = format!("{:>4}. {name}  {since}  {policies}{meanwhile}", waiting.position);
        queues.entry(&waiting.sku.name).or_default().push(line);
    }
    for (sku, queue) in queues {
        let _ = writeln!(out, "  {sku}: {}", count(queue.len() as u64, "person", "people"));
        lines(out, &queue, options);
    }
}

fn scheduled(out: &mut String, plan: &Plan, options: Options) {
    if plan.scheduled.is_empty() {
        return;
    }
    section(out, "Scheduled (removed when their grace is over)", options.style);
    let mut groups: BTreeMap<(String, String), Vec<&crate::plan::Scheduled>> = BTreeMap::new();
    for scheduled in &plan.scheduled {
        let why: Vec<String> = scheduled
            .because
            .iter()
            .map(|because| format!("{} ({})", because.policy, because.at))
            .collect();
        let plans: Vec<&str> = scheduled.service_plans.iter().map(|plan| &*plan.name).collect();
        let what = match plans.as_slice() {
            [] => scheduled.sku.name.to_string(),
            plans => format!("{} of {}", plans.join(", "), scheduled.sku.name),
        };
        groups.entry((what, why.join("; "))).or_default().push(scheduled);
    }
    for ((sku, why), mut group) in groups {
        group.sort_by_key(|scheduled| (scheduled.due, scheduled.user.principal_name.clone()));
        let (first, last) = (time(group[0].due), time(group[group.len() - 1].due));
        let when = if first == last { format!("on {first}") } else { format!("{first} to {last}") };
        let people = count(group.len() as u64, "person", "people");
        let note = options.style.dim(&format!("{people} · {why}"));
        let _ = writeln!(out, "  {}  {when}  {note}", options.style.minus(&format!("- {sku}")));
        let line = |scheduled: &&crate::plan::Scheduled| {
            let name = clean(&scheduled.user.principal_name);
            if first == last { name } else { format!("{}  {name}", time(scheduled.due)) }
        };
        lines(out, &group.iter().map(line).collect::<Vec<_>>(), options);
    }
}

fn released(out: &mut String, plan: &Plan, options: Options) {
    if plan.released.is_empty() {
        return;
    }
    section(out, "Released (their policy is gone from the files; left alone)", options.style);
    let line = |released: &crate::plan::Released| {
        let name = clean(&released.user.principal_name);
        let policy = options.style.dim(released.policy.as_str());
        let others = if released.still_wanted { "  other policies want it still" } else { "" };
        format!("{name}  {}  {policy}{others}", released.sku.name)
    };
    let mut all: Vec<String> = plan.released.iter().map(line).collect();
    all.sort();
    lines(out, &all, options);
}

fn no_longer(out: &mut String, plan: &Plan, options: Options) {
    if plan.no_longer.is_empty() {
        return;
    }
    section(out, "No longer (said with the baseline alone)", options.style);
    let mut groups: BTreeMap<(Aside, String, String), Vec<String>> = BTreeMap::new();
    for NoLonger { what, user, sku, because } in &plan.no_longer {
        let sku = sku.as_ref().map_or("the user", |sku| &sku.name);
        let about = |why: &&Because| why.sku.as_ref().is_none_or(|of| &*of.name == sku);
        let mut policies: Vec<String> = because.iter().filter(about).map(placed).collect();
        policies.dedup();
        let key = (*what, sku.to_owned(), policies.join(", "));
        groups.entry(key).or_default().push(clean(&user.principal_name));
    }
    for ((what, sku, policies), mut people) in groups {
        people.sort();
        let number = count(people.len() as u64, "person", "people");
        let note = if policies.is_empty() { number } else { format!("{number} · {policies}") };
        let _ = writeln!(out, "  {} {sku}  {}", what.as_str(), options.style.dim(&note));
        lines(out, &people, options);
    }
}

fn unknown(out: &mut String, plan: &Plan, style: Style) {
    if plan.unknown.is_empty() {
        return;
    }
    section(out, "Unknown (neither granted nor taken away)", style);
    for unknown in &plan.unknown {
        let people = count(unknown.users, "person", "people");
        let _ = writeln!(
            out,
            "  {}  {}",
            unknown.policy,
            style.dim(&format!("{}  {people} · {}", unknown.at, unknown.detail)),
        );
    }
}

fn undone_by(out: &mut String, plan: &Plan, style: Style) {
    if plan.undone_by.is_empty() {
        return;
    }
    section(out, "Would be undone (by the next plan that follows from the policies)", style);
    for Undoing { policy, at, sku, how, users } in &plan.undone_by {
        let sku = sku.as_ref().map_or("", |sku| &sku.name);
        let people = match how {
            UndoneHow::Adds => format!("gives {sku} back to"),
            UndoneHow::Removes => format!("takes {sku} away from"),
            UndoneHow::Modifies => format!("changes the service plans of {sku} for"),
            UndoneHow::Locates => "sets another usage location for".to_owned(),
        };
        let line = format!("! {policy} {people} {}", count(*users, "person", "people"));
        let _ = writeln!(out, "  {}  {}", style.warn(&line), style.dim(at));
    }
}

/// Names a policy and where it stands, where it stands in a file.
pub(crate) fn placed(because: &Because) -> String {
    match &*because.at {
        "" => because.policy.to_string(),
        at => format!("{} ({at})", because.policy),
    }
}

fn warnings(out: &mut String, plan: &Plan, style: Style) {
    if plan.warnings.is_empty() {
        return;
    }
    section(out, "Warnings", style);
    for warning in &plan.warnings {
        let at = if warning.at.is_empty() { String::new() } else { format!("{}  ", warning.at) };
        let _ = writeln!(out, "  {at}{}", warning.message);
    }
}

fn seats(out: &mut String, plan: &Plan, options: Options) {
    let seats = &plan.seats;
    if seats.is_empty() {
        return;
    }
    section(out, "Seats", options.style);
    let priced = seats.iter().any(|line| line.price.is_some());
    let reserves = seats.iter().any(|line| line.reserved > 0);
    let mut heading = vec!["SKU", "total", "used", "used after", "free after", "waiting"];
    heading.extend(reserves.then_some("reserved"));
    heading.extend(priced.then_some("a month"));
    let mut rows = vec![lists::heading(&heading)];
    rows.extend(seats.iter().map(|line| {
        let free = line.total.saturating_sub(line.after).saturating_sub(line.reserved);
        let counts = [line.total, line.consumed, line.after, free, line.waiting];
        let mut row = vec![clean(&line.sku.name)];
        row.extend(counts.iter().map(ToString::to_string));
        row.extend(reserves.then(|| line.reserved.to_string()));
        row.extend(priced.then(|| {
            line.monthly().map_or_else(|| "no price".to_owned(), |sum| format!("{sum:+}"))
        }));
        row
    }));
    let width = options.width.map(|width| width.saturating_sub(INDENT.len()));
    for line in table(&rows, Sheet { style: options.style, width }).lines() {
        let _ = writeln!(out, "{INDENT}{line}");
    }
}

fn guards(out: &mut String, guards: &[Verdict], style: Style) {
    if guards.is_empty() {
        return;
    }
    section(out, "Guards", style);
    for verdict in guards {
        let word = if verdict.tripped { style.warn("TRIPPED") } else { style.plus("passes ") };
        let _ = writeln!(
            out,
            "  {word}  {} [{}]  {} (limit: {})",
            verdict.guard.as_str(),
            clean(&verdict.scope),
            verdict.actual,
            verdict.limit
        );
    }
}
