//! Reads tenants and policies from short text.
//!
//! A tenant, one line each: `seats SPE_E5 3`, `seats SPE_E5 3 used 5 warning 1`,
//! `group Board hidden`, or `ana: in Engineering, from nowhere, SPE_E3 off:YAMMER by:sales`.
//! Of a license: `off:A+B` service plans that are off, `via:GROUP` inherited (with `direct`, both),
//! `unsourced`, `by:POLICY` owned, `by:POLICY=3d` let go three days ago, `clock:POLICY=3d`; `lost SKU
//! by:…` is in the ledger only.
//!
//! A ladder: `ladder suite: SPE_E5 > SPE_E3 > SPE_F1; fall back`.
//! Of a user: `department=Sales`, `country=` none, `country?` unknown, `synced`, `synced?`.
//!
//! A policy: `eng: Engineering but not Contractors -> SPE_E5 off:YAMMER for SPE_E3; grace 30d; keep`.
//! Selectors beside groups: `department:Sales+R&D`, `synced`, `type:guest`, `has:SPE_E3`, `csv:ana@x+b@x`.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{World, assignment, group, group_id, holders, plan_id, sku_id, user_id};
use crate::domain::attribute::Attribute;
use crate::domain::group::Membership;
use crate::domain::ids::UserId;
use crate::domain::known::Known;
use crate::domain::names::Place;
use crate::domain::span::Span;
use crate::domain::user::{
    Assignment, AssignmentSource, Inherited, Licenses, ServicePlanSet, User, UserType,
};
use crate::plan::ledger::{Ledger, Ownership};
use crate::policy::list::{List, Listed, Row};
use crate::policy::{
    Action, Ladder, License, LocationRule, Moment, OnLeave, OuScope, Policy, PolicySet, Removal,
    Removals, Replaces, Selector, ServicePlanRule, Test, Written,
};

pub(super) fn place(line: usize) -> Place {
    Place { file: "policies.yaml".into(), line: u32::try_from(line).unwrap(), column: 1 }
}

fn written<T>(value: T, line: usize) -> Written<T> {
    Written { value, place: place(line) }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

pub(super) fn read_tenant(world: &mut World, text: &str) {
    let mut later = Vec::new();
    for line in lines(text) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["seats", sku, rest @ ..] => later.push((*sku, rest.join(" "))),
            ["group", name, how] => set_group(world, name, None, Some(how)),
            ["group", name] => set_group(world, name, None, None),
            _ => read_user(world, line),
        }
    }
    for (sku, count) in holders(&world.users) {
        let sku = world.skus.iter_mut().find(|of| of.id == sku).unwrap();
        sku.consumed = count;
    }
    for (name, seats) in later {
        let sku = world.sku(name);
        let words: Vec<&str> = seats.split(' ').collect();
        sku.units.enabled = words[0].parse().unwrap();
        for pair in words[1..].chunks(2) {
            let number = pair[1].parse().unwrap();
            match pair[0] {
                "used" => sku.consumed = number,
                "warning" => sku.units.warning = number,
                other => panic!("seats: {other}"),
            }
        }
    }
}

fn set_group(world: &mut World, name: &str, member: Option<(UserId, bool)>, how: Option<&str>) {
    let old = world.groups.iter().position(|group| &*group.name == name);
    let old = old.map(|at| world.groups.remove(at));
    let (mut nested, mut direct, mut hidden) = (BTreeSet::new(), BTreeSet::new(), false);
    if let Some(Membership::Read { nested: all, direct: Some(some) }) =
        old.map(|group| group.membership)
    {
        nested.extend(all.users());
        direct.extend(some.users());
        hidden = !all.is_complete();
    }
    if let Some((user, directly)) = member {
        nested.insert(user);
        if directly {
            direct.insert(user);
        }
    }
    let mut group = group(name, &nested, &direct, hidden || how == Some("hidden"));
    if how == Some("unread") {
        group.membership = Membership::NotRead;
    }
    world.groups.push(group);
}

fn read_user(world: &mut World, line: &str) {
    let (name, items) = line.split_once(':').unwrap_or_else(|| panic!("no colon: {line}"));
    world.user(name);
    for item in items.split(", ").map(str::trim).filter(|item| !item.is_empty()) {
        read_item(world, name, item);
    }
}

fn read_item(world: &mut World, name: &str, item: &str) {
    let words: Vec<&str> = item.split_whitespace().collect();
    let id = user_id(name);
    match words.as_slice() {
        ["in", group] => set_group(world, group, Some((id, true)), None),
        ["below", group] => set_group(world, group, Some((id, false)), None),
        ["from", "nowhere"] => world.user(name).usage_location = Known::Known(None),
        ["from", "?"] => world.user(name).usage_location = Known::Unknown,
        ["from", country] => {
            world.user(name).usage_location = Known::Known(Some(country.parse().unwrap()));
        }
        ["disabled"] => world.user(name).enabled = Known::Known(false),
        ["enabled"] => world.user(name).enabled = Known::Known(true),
        ["enabled", "?"] => world.user(name).enabled = Known::Unknown,
        ["guest"] => world.user(name).user_type = Known::Known(UserType::Guest),
        ["type", "?"] => world.user(name).user_type = Known::Unknown,
        ["licenses", "?"] => world.user(name).licenses = Known::Unknown,
        ["ou", dn] => {
            world.user(name).distinguished_name = Known::Known(Some(dn.parse().unwrap()));
        }
        ["ad", domain] => world.user(name).ad_domain = Known::Known(Some((*domain).into())),
        ["ad?"] => world.user(name).ad_domain = Known::Unknown,
        ["synced"] => world.user(name).synced = Known::Known(true),
        ["synced?"] => world.user(name).synced = Known::Unknown,
        ["inactive", span] => {
            let until = world.sign_ins.until;
            let length = jiff::SignedDuration::from_secs(
                i64::try_from(span.parse::<Span>().unwrap().as_secs()).unwrap(),
            );
            world.user(name).last_sign_in = Known::Known(until - length);
        }
        ["called", upn] => world.user(name).principal_name = (*upn).into(),
        ["lost", sku, rest @ ..] => own(world, id, sku, rest),
        ["no", sku] => put(world, name, sku, None),
        [first, ..] if first.ends_with('?') || first.contains('=') => {
            let (key, value) = item.split_once('=').map_or((item, None), |(k, v)| (k, Some(v)));
            set_attribute(world.user(name), key, value);
        }
        [sku, rest @ ..] => {
            put(world, name, sku, Some(license(sku, rest)));
            own(world, id, sku, rest);
        }
        [] => {}
    }
}

fn set_attribute(user: &mut User, key: &str, value: Option<&str>) {
    let of = Attribute::named(key.trim_end_matches('?')).unwrap_or_else(|| panic!("item {key}"));
    let value = match value {
        None => Known::Unknown,
        Some("") => Known::Known(None),
        Some(value) => Known::Known(Some(value.into())),
    };
    let others = Attribute::all().filter(|other| *other != of);
    let kept = others.map(|other| (other, user.attributes.get(other).map(Option::<&_>::cloned)));
    let kept: Vec<_> = kept.collect();
    user.attributes = kept.into_iter().chain([(of, value)]).collect();
}

fn put(world: &mut World, name: &str, sku: &str, held: Option<Assignment>) {
    assert!(world.skus.iter().any(|of| &*of.part_number == sku), "no SKU {sku}");
    let Known::Known(Licenses { assignments, failed: _ }) = &mut world.user(name).licenses else {
        panic!("{name}: licenses are unknown");
    };
    assignments.retain(|assignment| assignment.sku != sku_id(sku));
    assignments.extend(held);
    assignments.sort_by_key(|assignment| assignment.sku);
}

fn service_plans(text: &str) -> ServicePlanSet {
    text.split('+').filter(|name| !name.is_empty()).map(plan_id).collect()
}

fn license(sku: &str, words: &[&str]) -> Assignment {
    let mut inherited = Vec::new();
    let mut off = ServicePlanSet::default();
    for word in words {
        if let Some(source) = word.strip_prefix("via:") {
            let (group, off) = source.split_once('/').unwrap_or((source, ""));
            inherited.push(Inherited { group: group_id(group), disabled: service_plans(off) });
        } else if let Some(plans) = word.strip_prefix("off:") {
            off = service_plans(plans);
        }
    }
    if words.contains(&"unsourced") {
        return Assignment { sku: sku_id(sku), disabled: off, source: AssignmentSource::Unknown };
    }
    let direct = (inherited.is_empty() || words.contains(&"direct")).then_some(off);
    assignment(sku_id(sku), direct, inherited)
}

fn own(world: &mut World, user: UserId, sku: &str, words: &[&str]) {
    let now = world.now;
    let ago = |span: &str| -> Timestamp {
        now - jiff::SignedDuration::from_secs(
            i64::try_from(span.parse::<Span>().unwrap().as_secs()).unwrap(),
        )
    };
    let Ledger { owners, clocks, queue, seen: _, lessons: _, memory: _ } = &mut world.ledger;
    for word in words {
        if let Some(owner) = word.strip_prefix("by:") {
            let (policy, since) =
                owner.split_once('=').map_or((owner, None), |(p, s)| (p, Some(s)));
            let ownership = Ownership { since: ago("365d"), let_go: since.map(ago) };
            let owners = owners.entry((user, sku_id(sku))).or_default();
            owners.insert(policy.parse().unwrap(), ownership);
        } else if let Some(since) = word.strip_prefix("waits:") {
            queue.insert((user, sku_id(sku)), ago(since));
        } else if let Some(clock) = word.strip_prefix("clock:") {
            let (policy, since) = clock.split_once('=').unwrap();
            clocks.insert((user, sku_id(sku), policy.parse().unwrap()), ago(since));
        }
    }
}

pub(super) fn policies(text: &str) -> PolicySet {
    let mut set = PolicySet::default();
    for (at, line) in lines(text).enumerate() {
        match line.strip_prefix("ladder ") {
            Some(line) => set.ladders.push(ladder(line, at + 1)),
            None => set.policies.push(policy(line, at + 1)),
        }
    }
    set
}

/// Reads `suite: SPE_E5 > SPE_E3 > SPE_F1; fall back`.
fn ladder(text: &str, line: usize) -> Ladder {
    let (name, text) = text.split_once(": ").unwrap();
    let (rungs, options) = text.split_once("; ").unwrap_or((text, ""));
    Ladder {
        name: name.parse().unwrap(),
        place: place(line),
        tenants: None,
        rungs: rungs.split(" > ").map(|sku| written(sku.trim().into(), line)).collect(),
        fall_back: options == "fall back",
    }
}

fn policy(text: &str, line: usize) -> Policy {
    let (name, text) = text.split_once(": ").unwrap();
    let (selector, text) = text.split_once(" -> ").unwrap();
    let mut parts = text.split("; ").map(str::trim);
    let selector = read_selector(selector, line);
    let mut policy = Policy {
        name: name.parse().unwrap(),
        place: place(line),
        description: None,
        owner: None,
        tenants: None,
        reaches_guests: selector.names_user_type(),
        selector,
        action: action(parts.next().unwrap(), line),
        usage_location: None,
        priority: 0,
        on_leave: OnLeave::Remove,
        grace: None,
        from: None,
        until: None,
        moved_from: None,
        retired: false,
    };
    for option in parts {
        match option.split(' ').collect::<Vec<_>>().as_slice() {
            ["grace", span] => policy.grace = Some(span.parse().unwrap()),
            ["keep"] => policy.on_leave = OnLeave::Keep,
            ["priority", number] => policy.priority = number.parse().unwrap(),
            ["set", to] => policy.usage_location = Some(LocationRule::Set(to.parse().unwrap())),
            ["default", to] => {
                policy.usage_location = Some(LocationRule::Default(to.parse().unwrap()));
            }
            ["locate", "by", key] => {
                let attribute = Attribute::named(key).unwrap();
                policy.usage_location = Some(LocationRule::From { attribute, default: None });
            }
            ["locate", "by", key, "or", to] => {
                let attribute = Attribute::named(key).unwrap();
                let default = Some(to.parse().unwrap());
                policy.usage_location = Some(LocationRule::From { attribute, default });
            }
            ["tenant", name] => policy.tenants = Some(vec![name.parse().unwrap()]),
            ["guests"] => policy.reaches_guests = true,
            ["from", day] => policy.from = Some(written(moment(day), line)),
            ["until", day] => policy.until = Some(written(moment(day), line)),
            ["moved", from, name] if *from == "from" => {
                policy.moved_from = Some(written(name.parse().unwrap(), line));
            }
            ["retired"] => policy.retired = true,
            other => panic!("option {other:?}"),
        }
    }
    policy
}

fn moment(text: &str) -> Moment {
    match text.parse::<jiff::civil::Date>() {
        Ok(day) if !text.contains('T') => Moment::Day(day),
        Ok(_) | Err(_) => Moment::Instant(text.parse().unwrap()),
    }
}

pub(super) fn read_selector(text: &str, line: usize) -> Selector {
    let each = |text: &str, between: &str| -> Vec<Selector> {
        text.split(between).map(|part| read_selector(part, line)).collect()
    };
    if let Some((some, others)) = text.split_once(" but not ") {
        let mut all = each(some, " and ");
        all.push(Selector::None(each(others, " or ")));
        return Selector::All(all);
    }
    if text.contains(" and ") {
        return Selector::All(each(text, " and "));
    }
    if text.contains(" or ") {
        return Selector::Any(each(text, " or "));
    }
    let value = match text.split_once(':') {
        None if text == "everyone" => Test::Everyone,
        None if text == "disabled" => Test::Enabled(false),
        None if text == "enabled" => Test::Enabled(true),
        None if text == "synced" => Test::Synced(true),
        None if text == "cloud-only" => Test::Synced(false),
        None => Test::Group { group: text.into(), nested: true },
        Some(("inactive", span)) => Test::InactiveFor(span.parse().unwrap()),
        Some(("direct", group)) => Test::Group { group: group.into(), nested: false },
        Some(("ou", dn)) => Test::Ou { ou: dn.parse().unwrap(), scope: OuScope::Subtree },
        Some(("level", dn)) => Test::Ou { ou: dn.parse().unwrap(), scope: OuScope::One },
        Some(("domain", domain)) => Test::Domain(domain.into()),
        Some(("ad", domain)) => Test::AdDomain(domain.into()),
        Some(("user", users)) => {
            Test::User(users.split('+').map(|user| written(user.into(), line)).collect())
        }
        Some(("type", kinds)) => Test::UserType(kinds.split('+').map(user_type).collect()),
        Some(("has", sku)) => Test::Has(sku.into()),
        Some(("csv", who)) => Test::Csv(Arc::new(list(who))),
        Some((key, values)) => Test::Attribute {
            attribute: Attribute::named(key).unwrap_or_else(|| panic!("selector {key}")),
            values: values.split('+').map(Arc::from).collect(),
        },
    };
    Selector::Test(written(value, line))
}

fn user_type(text: &str) -> UserType {
    match text {
        "member" => UserType::Member,
        "guest" => UserType::Guest,
        other => panic!("user type {other}"),
    }
}

/// A list of these users, from the second line on.
fn list(who: &str) -> List {
    let file = format!("{}.csv", who.replace("@contoso.com", ""));
    let who = who.split('+').filter(|who| !who.is_empty()).zip(2..);
    let listed = |text: &str| match text.parse() {
        Ok(id) => Listed::Id(id),
        Err(_) => Listed::Name(text.to_lowercase().into()),
    };
    List::new(file.into(), who.map(|(who, line)| Row { who: listed(who), line }).collect())
}

fn action(text: &str, line: usize) -> Action {
    let skus = |text: &str| -> Vec<Written<Arc<str>>> {
        text.split(", ").map(|sku| written(sku.into(), line)).collect()
    };
    let licenses = |text: &str| -> Vec<License> {
        text.split(", ").filter(|sku| *sku != "nothing").map(|sku| granted(sku, line)).collect()
    };
    if text == "no all" {
        Action::Remove { removals: Removals::All }
    } else if let Some(listed) = text.strip_prefix("no ") {
        // `no SPE_E3/YAMMER+TEAMS1` and `no */YAMMER` take single service plans away.
        let removal = |sku: Written<Arc<str>>| match sku.value.split_once('/') {
            None => Removal::Sku(sku),
            Some((of, plans)) => Removal::ServicePlans {
                sku: (of != "*").then(|| written(of.into(), line)),
                plans: plans.split('+').map(|plan| written(plan.into(), line)).collect(),
            },
        };
        let listed = skus(listed).into_iter().map(removal).collect();
        Action::Remove { removals: Removals::Listed(listed) }
    } else if let Some((given, taken)) = text.split_once(" for ") {
        let replaces = if taken == "all" { Replaces::All } else { Replaces::Listed(skus(taken)) };
        Action::Replace { licenses: licenses(given), replaces }
    } else {
        Action::Add { licenses: licenses(text) }
    }
}

fn granted(text: &str, line: usize) -> License {
    let (sku, said) = text.split_once(' ').unwrap_or((text, ""));
    let plans = |text: &str| {
        let names = text.split('+').filter(|name| !name.is_empty());
        names.map(|name| written(name.into(), line)).collect()
    };
    let service_plans = match said.split_once(':') {
        None => ServicePlanRule::Unsaid,
        Some(("off", off)) => ServicePlanRule::Disable(plans(off)),
        Some(("on", on)) => ServicePlanRule::Enable(plans(on)),
        Some((other, _)) => panic!("service plans {other}"),
    };
    License { sku: written(sku.into(), line), service_plans }
}
