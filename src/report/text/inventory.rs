//! OUs, domains, groups and seats as tables.

use jiff::Timestamp;

use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::plan::forecast::Forecast;
use crate::plan::inventory::{DomainCount, GroupCount, OuCount, SeatCount, SeatUse};
use crate::report::text::lists::{heading, table};
use crate::report::text::style::{Style, clean};

/// Renders OUs, those inside others indented.
pub fn ous(ous: &[OuCount], style: Style) -> String {
    let mut rows = vec![heading(&["users", "and below", "OU"])];
    rows.extend(ous.iter().map(|ou| {
        let name = format!("{}{}", "  ".repeat(ou.depth), clean(&ou.name.to_string()));
        vec![ou.direct.to_string(), ou.subtree.to_string(), name]
    }));
    table(&rows, style)
}

/// Renders domains with the selector that names each.
pub fn domains(domains: &[DomainCount], style: Style) -> String {
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
    table(&rows, style)
}

/// Renders groups.
pub fn groups(groups: &[GroupCount], style: Style) -> String {
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
    table(&rows, style)
}

/// Renders seats.
pub fn seats(seats: &[SeatCount], style: Style) -> String {
    let mut rows = vec![heading(&[
        "SKU",
        "total",
        "used",
        "free",
        "reserved",
        "waiting",
        "reclaimable",
        "next expiry",
        "runs out",
    ])];
    rows.extend(seats.iter().map(|seat| {
        let SeatUse { id: _, sku, total, used, free, reserved, waiting } = &seat.now;
        let counts = [*total, *used, *free, *reserved, *waiting, seat.reclaimable];
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
        row
    }));
    table(&rows, style)
}

/// Returns the day of an instant, in UTC.
fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
