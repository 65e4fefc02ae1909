//! From policies to text that reads back as the same policies.
//!
//! The text is for a file at the top of the directory of the policies, from where the paths of lists
//! are counted. Where things stand is not kept: it follows from the text.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::names::TenantName;
use crate::domain::user::UserType;
use crate::policy::{
    Action, Ladder, License, LocationRule, Moment, OnLeave, OuScope, Policy, PolicySet, Removal,
    Removals, Replaces, Selector, ServicePlanRule, Test, Written,
};
use crate::yaml::write::{Value, items};

/// Keys and values.
type Entries = Vec<(Cow<'static, str>, Value)>;

/// Writes all policies and ladders as one file.
pub fn write(set: &PolicySet) -> String {
    let PolicySet { policies, ladders } = set;
    let mut text = String::new();
    if !policies.is_empty() || ladders.is_empty() {
        text.push_str(if policies.is_empty() { "policies: []\n" } else { "policies:\n" });
        let written: Vec<String> = policies.iter().map(policy).collect();
        text.push_str(&written.join("\n"));
    }
    if !ladders.is_empty() {
        text.push_str(if policies.is_empty() { "ladders:\n" } else { "\nladders:\n" });
        text.extend(ladders.iter().map(ladder));
    }
    text
}

/// Writes one policy as an item of the list `policies`.
pub fn policy(policy: &Policy) -> String {
    let Policy {
        name,
        place: _,
        description,
        owner,
        tenants,
        selector,
        // Follows from the selector.
        reaches_guests: _,
        action,
        usage_location,
        priority,
        on_leave,
        grace,
        from,
        until,
        moved_from,
        retired,
    } = policy;
    let mut entries = Entries::new();
    add(&mut entries, "name", Some(Value::text(name.as_str())));
    add(&mut entries, "description", description.as_deref().map(Value::text));
    add(&mut entries, "owner", owner.as_deref().map(Value::text));
    add(&mut entries, "tenants", tenants.as_deref().map(names));
    add(&mut entries, "match", Some(selector_value(selector)));
    entries.extend(action_entries(action));
    add(&mut entries, "usage_location", usage_location.map(location));
    add(&mut entries, "priority", (*priority != 0).then(|| Value::word(priority)));
    let keeps = *on_leave == OnLeave::Keep;
    add(&mut entries, "on_leave", keeps.then_some(Value::Word("keep".into())));
    add(&mut entries, "grace", grace.map(|grace| Value::word(&grace)));
    add(&mut entries, "from", from.as_ref().map(moment));
    add(&mut entries, "until", until.as_ref().map(moment));
    let moved_from = moved_from.as_ref().map(|name| Value::text(name.value.as_str()));
    add(&mut entries, "moved_from", moved_from);
    add(&mut entries, "retired", retired.then_some(Value::Word("true".into())));
    items(&[Value::Mapping(entries)], 2)
}

/// Writes one ladder as an item of the list `ladders`.
pub fn ladder(ladder: &Ladder) -> String {
    let Ladder { name, place: _, tenants, rungs, fall_back } = ladder;
    let mut entries = Entries::new();
    add(&mut entries, "name", Some(Value::text(name.as_str())));
    add(&mut entries, "tenants", tenants.as_deref().map(names));
    add(&mut entries, "rungs", Some(texts(rungs)));
    add(&mut entries, "fall_back", fall_back.then_some(Value::Word("true".into())));
    items(&[Value::Mapping(entries)], 2)
}

fn add(entries: &mut Entries, key: &'static str, value: Option<Value>) {
    entries.extend(value.map(|value| (Cow::Borrowed(key), value)));
}

fn one(key: &'static str, value: Value) -> Entries {
    vec![(Cow::Borrowed(key), value)]
}

fn names(tenants: &[TenantName]) -> Value {
    Value::List(tenants.iter().map(|name| Value::text(name.as_str())).collect())
}

fn texts(written: &[Written<Arc<str>>]) -> Value {
    Value::List(written.iter().map(|text| Value::text(&text.value)).collect())
}

fn moment(moment: &Written<Moment>) -> Value {
    match moment.value {
        Moment::Day(day) => Value::word(&day),
        Moment::Instant(instant) => Value::word(&instant),
    }
}

fn location(rule: LocationRule) -> Value {
    let code = |code: crate::domain::names::UsageLocation| Value::text(code.as_str());
    Value::Mapping(match rule {
        LocationRule::Set(place) => one("set", code(place)),
        LocationRule::Default(place) => one("default", code(place)),
        LocationRule::From { attribute, default } => {
            let mut entries = one("from", Value::text(&attribute.key()));
            add(&mut entries, "default", default.map(code));
            entries
        }
    })
}

fn action_entries(action: &Action) -> Entries {
    let mut entries = Entries::new();
    let word = |word: &'static str| Some(Value::Word(word.into()));
    match action {
        Action::Add { licenses } => {
            add(&mut entries, "licenses", (!licenses.is_empty()).then(|| grants(licenses)));
        }
        Action::Replace { licenses, replaces } => {
            add(&mut entries, "action", word("replace"));
            let replaces = match replaces {
                Replaces::All => Value::Word("all".into()),
                Replaces::Listed(skus) => texts(skus),
            };
            add(&mut entries, "replaces", Some(replaces));
            add(&mut entries, "licenses", Some(grants(licenses)));
        }
        Action::Remove { removals } => {
            add(&mut entries, "action", word("remove"));
            let removals = match removals {
                Removals::All => Value::Word("all".into()),
                Removals::Listed(listed) => Value::List(listed.iter().map(removal).collect()),
            };
            add(&mut entries, "licenses", Some(removals));
        }
    }
    entries
}

fn grants(licenses: &[License]) -> Value {
    let grant = |License { sku, service_plans }: &License| {
        let (key, plans) = match service_plans {
            ServicePlanRule::Unsaid => return Value::text(&sku.value),
            ServicePlanRule::Disable(plans) => ("disable", plans),
            ServicePlanRule::Enable(plans) => ("enable", plans),
        };
        let mut entries = one("sku", Value::text(&sku.value));
        add(&mut entries, key, Some(texts(plans)));
        Value::Mapping(entries)
    };
    Value::List(licenses.iter().map(grant).collect())
}

fn removal(removal: &Removal) -> Value {
    match removal {
        Removal::Sku(sku) => Value::text(&sku.value),
        Removal::ServicePlans { sku, plans } => {
            let any = || Value::text("*");
            let sku = sku.as_ref().map_or_else(any, |sku| Value::text(&sku.value));
            let mut entries = one("sku", sku);
            add(&mut entries, "plans", Some(texts(plans)));
            Value::Mapping(entries)
        }
    }
}

fn selector_value(selector: &Selector) -> Value {
    Value::Mapping(selector_entries(selector))
}

/// Several parts stand side by side where their keys differ, as a person would write them.
fn selector_entries(selector: &Selector) -> Entries {
    let list = |parts: &[Selector]| Value::List(parts.iter().map(selector_value).collect());
    match selector {
        Selector::All(parts) => {
            let side_by_side: Entries = parts.iter().flat_map(selector_entries_of_part).collect();
            let mut keys: Vec<&str> = side_by_side.iter().map(|(key, _)| &**key).collect();
            keys.sort_unstable();
            let differ = keys.windows(2).all(|pair| pair[0] != pair[1]);
            if parts.len() > 1 && differ { side_by_side } else { one("all", list(parts)) }
        }
        Selector::Any(parts) => one("any", list(parts)),
        Selector::None(parts) => one("none", list(parts)),
        Selector::Test(test) => test_entries(&test.value),
    }
}

/// What is all of something within all of something keeps its own key.
fn selector_entries_of_part(part: &Selector) -> Entries {
    match part {
        Selector::All(parts) => one("all", Value::List(parts.iter().map(selector_value).collect())),
        Selector::Any(_) | Selector::None(_) | Selector::Test(_) => selector_entries(part),
    }
}

fn test_entries(test: &Test) -> Entries {
    let truth = |truth: bool| Value::word(&truth);
    match test {
        Test::Group { group, nested } => {
            let mut entries = one("group", Value::text(group));
            add(&mut entries, "nested", (!nested).then(|| truth(false)));
            entries
        }
        Test::Ou { ou, scope } => {
            let mut entries = one("ou", Value::text(&ou.to_string()));
            let one_level = *scope == OuScope::One;
            add(&mut entries, "scope", one_level.then_some(Value::Word("one".into())));
            entries
        }
        Test::Domain(domain) => one("domain", Value::text(domain)),
        Test::AdDomain(domain) => one("ad_domain", Value::text(domain)),
        Test::User(users) => {
            one("user", single_or_list(users.iter().map(|user| Value::text(&user.value)).collect()))
        }
        Test::Csv(list) => one("csv", Value::text(&list.file)),
        Test::Attribute { attribute, values } => {
            let values = values.iter().map(|value| Value::text(value)).collect();
            vec![(attribute.key(), single_or_list(values))]
        }
        Test::UserType(types) => {
            let word = |of: &UserType| match of {
                UserType::Member => Value::Word("member".into()),
                UserType::Guest => Value::Word("guest".into()),
            };
            one("user_type", single_or_list(types.iter().map(word).collect()))
        }
        Test::Enabled(enabled) => one("enabled", truth(*enabled)),
        Test::Synced(synced) => one("synced", truth(*synced)),
        Test::Has(sku) => one("has", Value::text(sku)),
        Test::InactiveFor(span) => one("inactive_for", Value::word(span)),
        Test::Everyone => one("everyone", truth(true)),
    }
}

fn single_or_list(mut values: Vec<Value>) -> Value {
    match values.pop() {
        Some(only) if values.is_empty() => only,
        last => {
            values.extend(last);
            Value::List(values)
        }
    }
}

#[cfg(test)]
mod tests;
