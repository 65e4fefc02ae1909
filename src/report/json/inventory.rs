//! OUs, domains, groups and seats as JSON. What Graph did not tell is null.

use crate::domain::known::Known;
use crate::domain::money::Money;
use crate::domain::names::PolicyName;
use crate::domain::sign_in::Extent;
use crate::plan::forecast::Forecast;
use crate::plan::inventory::{DomainCount, GroupCount, OuCount, SeatCount, SeatUse};
use crate::plan::reclaim::{NotNeeded, Reclaimable, monthly};
use crate::report::json::FORMAT_VERSION;
use crate::report::text::unseen;

/// Returns OUs as JSON.
pub fn ous_to_json(ous: &[OuCount]) -> String {
    let form = |OuCount { name, depth, direct, subtree }: &OuCount| {
        serde_json::json!({
            "ou": name.to_string(), "depth": depth, "direct": direct, "subtree": subtree,
        })
    };
    let ous: Vec<_> = ous.iter().map(form).collect();
    super::pretty(&serde_json::json!({"format_version": FORMAT_VERSION, "ous": ous}))
}

/// Returns domains as JSON.
pub fn domains_to_json(domains: &[DomainCount]) -> String {
    let form = |DomainCount { kind, name, users, enabled, licensed }: &DomainCount| {
        serde_json::json!({
            "selector": kind.selector(), "name": name, "users": users, "enabled": enabled,
            "licensed": licensed,
        })
    };
    let domains: Vec<_> = domains.iter().map(form).collect();
    super::pretty(&serde_json::json!({"format_version": FORMAT_VERSION, "domains": domains}))
}

/// Returns groups as JSON.
pub fn groups_to_json(groups: &[GroupCount]) -> String {
    let form = |GroupCount { id, name, members, policies, carries }: &GroupCount| {
        let policies: Vec<&str> = policies.iter().map(PolicyName::as_str).collect();
        let carries: Vec<&str> = carries.iter().map(|sku| &**sku).collect();
        serde_json::json!({
            "id": id.to_string(), "name": &**name, "members": members.map(|(count, _)| count),
            "members_complete": members.map(|(_, complete)| complete), "policies": policies,
            "carries": carries,
        })
    };
    let groups: Vec<_> = groups.iter().map(form).collect();
    super::pretty(&serde_json::json!({"format_version": FORMAT_VERSION, "groups": groups}))
}

/// Returns seats as JSON. `next_expiry` is left out where it could not be read, and null where no
/// subscription says one.
pub fn seats_to_json(seats: &[SeatCount]) -> String {
    let seats: Vec<_> = seats.iter().map(seat_form).collect();
    super::pretty(&serde_json::json!({"format_version": FORMAT_VERSION, "seats": seats}))
}

fn seat_form(seat: &SeatCount) -> serde_json::Value {
    let SeatCount { now, in_grace, reclaimable, next_expiry, forecast, price } = seat;
    let SeatUse { id, sku, total, used, free, reserved, waiting } = now;
    let mut form = serde_json::json!({
        "sku_id": id.to_string(), "sku": &**sku, "total": total, "used": used, "free": free,
        "reserved": reserved, "in_grace": in_grace, "waiting": waiting, "reclaimable": reclaimable,
    });
    if let Known::Known(at) = next_expiry {
        form["next_expiry"] = at.map(|at| at.to_string()).into();
    }
    if let Some(price) = price {
        form["price"] = price.to_string().into();
        form["used_monthly"] = price.times((*used).into()).plain().into();
        form["free_monthly"] = price.times((*free).into()).plain().into();
    }
    if let Some(Forecast { days, joined, left, per_day, runs_out }) = forecast {
        form["forecast"] = serde_json::json!({
            "days": days, "joined": joined, "left": left, "per_day": per_day,
            "runs_out": runs_out.map(|at| at.to_string()),
        });
    }
    form
}

/// Returns seats that could be used for somebody else as JSON, with what they cost a month together.
pub fn reclaimable_to_json(seats: &[Reclaimable], sign_ins: &Extent) -> String {
    let together: Vec<String> = monthly(seats).into_iter().map(Money::plain).collect();
    let seats: Vec<_> = seats.iter().map(reclaimable_form).collect();
    super::pretty(&serde_json::json!({
        "format_version": FORMAT_VERSION, "reclaimable": seats, "monthly": together,
        "inactive_unknown": unseen(sign_ins),
    }))
}

fn reclaimable_form(seat: &Reclaimable) -> serde_json::Value {
    let Reclaimable { user, sku, why, price } = seat;
    let why: Vec<_> = why
        .iter()
        .map(|why| match why {
            NotNeeded::Disabled => serde_json::json!({"reason": why.word()}),
            NotNeeded::Inactive(at) => {
                serde_json::json!({"reason": why.word(), "last_sign_in": at.to_string()})
            }
            NotNeeded::Within(sku) | NotNeeded::Outranked(sku) => serde_json::json!({
                "reason": why.word(), "sku_id": sku.id.to_string(), "sku": &*sku.name,
            }),
        })
        .collect();
    let mut form = serde_json::json!({
        "user_id": user.id.to_string(), "user_principal_name": &*user.principal_name,
        "display_name": user.display_name.as_deref(), "sku_id": sku.id.to_string(),
        "sku": &*sku.name, "why": why,
    });
    if let Some(price) = price {
        form["price"] = price.to_string().into();
    }
    form
}
