//! OUs, domains, groups and seats as tables.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::sign_in::Extent;
use crate::plan::forecast::Forecast;
use crate::plan::inventory::{DomainCount, GroupCount, OuCount, SeatCount, SeatUse};
use crate::plan::reclaim::{NotNeeded, Reclaimable, monthly};
use crate::report::text::count;
use crate::report::text::lists::heading;
use crate::report::text::style::clean;
use crate::report::text::table::{Sheet, table};

/// Renders OUs, those inside others indented.
pub fn ous(ous: &[OuCount], sheet: Sheet) -> String {
    let mut rows = vec![heading(&["users", "and below", "OU"])];
    rows.extend(ous.iter().map(|ou| {
        let name = format!("{}{}", "  ".repeat(ou.depth), clean(&ou.name.to_string()));
        vec![ou.direct.to_string(), ou.subtree.to_string(), name]
    }));
    table(&rows, sheet)
}

/// Renders domains with the selector that names each.
pub fn domains(domains: &[DomainCount], sheet: Sheet) -> String {
    let mut rows = vec![heading(&["selector", "domain", "users", "enabled", "licensed"])];
    rows.extend(domains.iter().map(|domain| {
        vec![
            domain.kind.selector().to_owned(),
            clean(&domain.name),
            domain.users.to_string(),
            domain.enabled.to_string(),
            domain.licensed.to_string(),
        ]
    }));
    table(&rows, sheet)
}

/// Renders groups.
pub fn groups(groups: &[GroupCount], sheet: Sheet) -> String {
    let mut rows = vec![heading(&["group", "id", "members", "policies", "carries"])];
    rows.extend(groups.iter().map(|group| {
        let policies: Vec<&str> = group.policies.iter().map(PolicyName::as_str).collect();
        vec![
            clean(&group.name),
            group.id.to_string(),
            match group.members {
                None => "not read".to_owned(),
                Some((count, true)) => count.to_string(),
                Some((0, false)) => "hidden".to_owned(),
                Some((count, false)) => format!("{count} or more"),
            },
            policies.join(", "),
            group.carries.join(", "),
        ]
    }));
    table(&rows, sheet)
}

/// Renders seats.
pub fn seats(seats: &[SeatCount], sheet: Sheet) -> String {
    let priced = seats.iter().any(|seat| seat.price.is_some());
    let in_grace = seats.iter().any(|seat| seat.in_grace > 0);
    let mut columns = vec!["SKU", "total", "used", "free", "reserved"];
    columns.extend(in_grace.then_some("in grace"));
    columns.extend(["waiting", "reclaimable", "next expiry", "runs out"]);
    if priced {
        columns.extend(["used a month", "free a month"]);
    }
    let mut rows = vec![heading(&columns)];
    rows.extend(seats.iter().map(|seat| {
        let SeatUse { id: _, sku, total, used, free, reserved, waiting } = &seat.now;
        let mut counts = vec![*total, *used, *free, *reserved];
        counts.extend(in_grace.then_some(seat.in_grace));
        counts.extend([*waiting, seat.reclaimable]);
        let mut row = vec![clean(sku)];
        row.extend(counts.iter().map(ToString::to_string));
        row.push(match seat.next_expiry {
            Known::Known(Some(at)) => day(at),
            Known::Known(None) => "-".to_owned(),
            Known::Unknown => "unknown".to_owned(),
        });
        row.push(match &seat.forecast {
            Some(Forecast { runs_out: Some(at), .. }) if seat.now.free > 0 => day(*at),
            Some(Forecast { runs_out: Some(_), .. }) => "now".to_owned(),
            Some(Forecast { runs_out: None, .. }) => "not in sight".to_owned(),
            None => "-".to_owned(),
        });
        if priced {
            for count in [*used, *free] {
                let sum = seat.price.map(|price| price.times(count.into()));
                row.push(sum.map_or_else(|| "-".to_owned(), |sum| sum.to_string()));
            }
        }
        row
    }));
    table(&rows, sheet)
}

/// Says why it is not known, or not of everybody, who has not signed in for long.
pub fn unseen(sign_ins: &Extent) -> Option<String> {
    match sign_ins {
        Extent::Whole => None,
        Extent::NotRead => Some(
            "sign-ins are read where a policy says `inactive_for`, and by \
             `seatkeeper seats --reclaimable --refresh`"
                .to_owned(),
        ),
        Extent::Partial { users, stopped } => {
            let why = stopped.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            Some(format!("sign-ins were read of {users} users so far{why}"))
        }
        Extent::Unavailable { reason } => Some(reason.to_string()),
    }
}

/// Renders seats that could be used for somebody else: a line for each SKU and reason, then who holds
/// them; everybody, or the first so many.
pub fn reclaimable(seats: &[Reclaimable], sign_ins: &Extent, most: usize, sheet: Sheet) -> String {
    if seats.is_empty() {
        return "No seat is held by somebody who may not sign in, does not, or has it twice.\n"
            .to_owned();
    }
    let mut rows = vec![heading(&[
        "SKU",
        "seats",
        "disabled",
        "inactive",
        "contained",
        "outranked",
        "a month",
    ])];
    for of_sku in seats.chunk_by(|a, b| a.sku.id == b.sku.id) {
        let count = |word: &str| {
            of_sku.iter().filter(|seat| seat.why.iter().any(|why| why.word() == word)).count()
        };
        let mut row = vec![clean(&of_sku[0].sku.name), of_sku.len().to_string()];
        row.extend(["disabled", "inactive", "contained", "outranked"].map(|word| {
            match count(word) {
                // Of whom it is not known is not nobody.
                0 if word == "inactive" && unseen(sign_ins).is_some() => "?".to_owned(),
                number => number.to_string(),
            }
        }));
        row.push(sums_of(of_sku));
        rows.push(row);
    }
    let mut out = table(&rows, sheet);
    out.push('\n');
    let mut rows = vec![heading(&["SKU", "user", "name", "why", "a month"])];
    rows.extend(seats.iter().take(most).map(|seat| {
        vec![
            clean(&seat.sku.name),
            clean(&seat.user.principal_name),
            seat.user.display_name.as_deref().map(clean).unwrap_or_default(),
            seat.why.iter().map(reason).collect::<Vec<_>>().join(", "),
            seat.price.map_or_else(|| "-".to_owned(), |price| price.to_string()),
        ]
    }));
    out.push_str(&table(&rows, sheet));
    if seats.len() > most {
        let more = format!("and {} more (--all lists everybody)", seats.len() - most);
        out.push_str(&sheet.style.dim(&more));
        out.push('\n');
    }
    let total = count(seats.len() as u64, "seat", "seats");
    let line = match monthly(seats).as_slice() {
        [] => total,
        _ => format!("{total}, together {} a month", sums_of(seats)),
    };
    let _ = writeln!(out, "\n{}", sheet.style.strong(&line));
    out
}

fn sums_of(seats: &[Reclaimable]) -> String {
    let sums: Vec<String> = monthly(seats).iter().map(ToString::to_string).collect();
    if sums.is_empty() { "-".to_owned() } else { sums.join(" + ") }
}

/// Says why a seat is probably not needed.
pub(crate) fn reason(why: &NotNeeded) -> String {
    match why {
        NotNeeded::Disabled => "account disabled".to_owned(),
        NotNeeded::Inactive(at) => format!("no sign-in since {}", day(*at)),
        NotNeeded::Within(sku) => format!("all of it is in {}", clean(&sku.name)),
        NotNeeded::Outranked(sku) => format!("holds {}, a higher rung", clean(&sku.name)),
    }
}

/// Returns the day of an instant, in UTC.
fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
