//! What a policy does: add, replace or remove.

use std::sync::Arc;

use crate::policy::lower::{needed, sku};
use crate::policy::raw::{RawLicense, RawPolicy};
use crate::policy::{Action, License, Removal, Removals, Replaces, ServicePlanRule, Written};
use crate::yaml::{Kind, Node, Reader};

#[derive(Clone, Copy)]
enum Word {
    Add,
    Replace,
    Remove,
}

const WORDS: [(&str, Word); 3] =
    [("add", Word::Add), ("replace", Word::Replace), ("remove", Word::Remove)];

/// Reads `action`, `licenses` and `replaces` together, for one makes sense of the others.
pub(super) fn lower(reader: &mut Reader, raw: &RawPolicy<'_>, what: &str) -> Option<Action> {
    let word = match raw.action {
        None => Some(Word::Add),
        Some(entry) => reader.choice(&entry.value, "action", &WORDS),
    };
    match word? {
        Word::Add => add(reader, raw, what),
        Word::Replace => replace(reader, raw, what),
        Word::Remove => remove(reader, raw, what),
    }
}

fn add(reader: &mut Reader, raw: &RawPolicy<'_>, what: &str) -> Option<Action> {
    refuse_replaces(reader, raw);
    match (raw.licenses, raw.usage_location) {
        (Some(entry), _) => {
            let (licenses, _) = grants(reader, &entry.value)?;
            Some(Action::Add { licenses })
        }
        (None, Some(_)) => Some(Action::Add { licenses: Vec::new() }),
        (None, None) => {
            let message = format!("{what} needs `licenses` or `usage_location`");
            reader.error(raw.spot, message);
            None
        }
    }
}

fn replace(reader: &mut Reader, raw: &RawPolicy<'_>, what: &str) -> Option<Action> {
    let licenses = needed(reader, raw.spot, what, "licenses", raw.licenses);
    let granted = licenses.and_then(|node| grants(reader, node));
    if raw.replaces.is_none() {
        let message = format!("{what} needs `replaces`");
        let hint = "with `action: replace`, list the SKUs that go in exchange, or write `all`";
        reader.error_with(raw.spot, message, hint);
    }
    let node = &raw.replaces?.value;
    let replaces = match &node.kind {
        Kind::Scalar { text, plain: _ } if &**text == "all" => Replaces::All,
        Kind::Scalar { text: _, plain: _ } | Kind::Mapping(_) => {
            let hint = "list SKUs, as in `[SPE_E3]`, or write `all`";
            let message = format!("expected a list or `all`, found {}", node.describe());
            reader.error_with(node.spot, message, hint);
            return None;
        }
        Kind::Sequence(_) => Replaces::Listed(sku::list(reader, node, "`replaces`")?),
    };
    let (licenses, once) = granted?;
    refuse_both(reader, node, &once);
    Some(Action::Replace { licenses, replaces })
}

/// Refuses a SKU that the policy gives and takes.
fn refuse_both(reader: &mut Reader, node: &Node, granted: &sku::Once) {
    let items = match &node.kind {
        Kind::Sequence(items) => items.as_slice(),
        Kind::Scalar { text: _, plain: _ } | Kind::Mapping(_) => &[],
    };
    for item in items {
        if let Kind::Scalar { text, plain: _ } = &item.kind
            && let Some(spot) = granted.spot(text)
        {
            let message = format!("`{text}` is both granted and replaced");
            reader.error_related(item.spot, message, ("granted here", spot));
        }
    }
}

fn remove(reader: &mut Reader, raw: &RawPolicy<'_>, what: &str) -> Option<Action> {
    refuse_replaces(reader, raw);
    if let Some(entry) = raw.usage_location {
        let hint = "set the location in a policy of its own";
        let message = "`usage_location` cannot go with `action: remove`";
        reader.error_with(entry.key_spot, message, hint);
    }
    let node = needed(reader, raw.spot, what, "licenses", raw.licenses)?;
    if let Kind::Scalar { text, plain: _ } = &node.kind
        && &**text == "all"
    {
        return Some(Action::Remove { removals: Removals::All });
    }
    let mut once = sku::Once::default();
    let mut removals = Vec::new();
    for item in reader.full_list(node, "`licenses`")? {
        removals.extend(removal(reader, item, &mut once));
    }
    Some(Action::Remove { removals: Removals::Listed(removals) })
}

fn refuse_replaces(reader: &mut Reader, raw: &RawPolicy<'_>) {
    if let Some(entry) = raw.replaces {
        let hint = "write `action: replace`, or leave `replaces` out";
        reader.error_with(entry.key_spot, "`replaces` needs `action: replace`", hint);
    }
}

fn grants(reader: &mut Reader, node: &Node) -> Option<(Vec<License>, sku::Once)> {
    if let Kind::Scalar { text, plain: _ } = &node.kind
        && &**text == "all"
    {
        let hint = "list the SKUs that the policy grants";
        reader.error_with(node.spot, "`licenses: all` needs `action: remove`", hint);
        return None;
    }
    let mut once = sku::Once::default();
    let mut licenses = Vec::new();
    for item in reader.full_list(node, "`licenses`")? {
        licenses.extend(license(reader, item, &mut once));
    }
    Some((licenses, once))
}

fn license(reader: &mut Reader, node: &Node, once: &mut sku::Once) -> Option<License> {
    let long = match &node.kind {
        Kind::Mapping(_) => RawLicense::read(reader, node)?,
        Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) => {
            let sku = sku::one(reader, node)?;
            once.check(reader, &sku.value, node.spot);
            return Some(License { sku, service_plans: ServicePlanRule::Unsaid });
        }
    };
    if let Some(entry) = long.plans {
        let hint = "to switch service plans off, write `disable`";
        reader.error_with(entry.key_spot, "`plans` needs `action: remove`", hint);
    }
    let service_plans = service_plans(reader, &long);
    let node = needed(reader, long.spot, "a license", "sku", long.sku)?;
    let sku = sku::one(reader, node)?;
    once.check(reader, &sku.value, node.spot);
    Some(License { sku, service_plans })
}

fn service_plans(reader: &mut Reader, raw: &RawLicense<'_>) -> ServicePlanRule {
    match (raw.disable, raw.enable) {
        (None, None) => ServicePlanRule::Unsaid,
        (Some(disable), None) => {
            let items = reader.list(&disable.value).unwrap_or_default();
            ServicePlanRule::Disable(sku::all(reader, items))
        }
        (None, Some(enable)) => {
            let plans = sku::list(reader, &enable.value, "`enable`");
            ServicePlanRule::Enable(plans.unwrap_or_default())
        }
        (Some(disable), Some(enable)) => {
            let message = "`enable` and `disable` cannot go together";
            let other = ("`disable` is here", disable.key_spot);
            reader.error_related(enable.key_spot, message, other);
            ServicePlanRule::Unsaid
        }
    }
}

fn removal(reader: &mut Reader, node: &Node, once: &mut sku::Once) -> Option<Removal> {
    let long = match &node.kind {
        Kind::Mapping(_) => RawLicense::read(reader, node)?,
        Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) => {
            return whole_sku(reader, node, once);
        }
    };
    for entry in [long.disable, long.enable].into_iter().flatten() {
        let hint = "to take service plans away, write `plans`";
        let message = format!("`{}` cannot go with `action: remove`", entry.key);
        reader.error_with(entry.key_spot, message, hint);
    }
    let node = needed(reader, long.spot, "a license", "sku", long.sku)?;
    let Some(entry) = long.plans else {
        return whole_sku(reader, node, once);
    };
    let plans = sku::list(reader, &entry.value, "`plans`");
    let sku = if is_any(node) { None } else { Some(sku::one(reader, node)?) };
    let name = sku.as_ref().map_or("*", |sku| &sku.value);
    once.check(reader, name, node.spot);
    Some(Removal::ServicePlans { sku, plans: plans? })
}

fn whole_sku(reader: &mut Reader, node: &Node, once: &mut sku::Once) -> Option<Removal> {
    if is_any(node) {
        let hint = "write `licenses: all` to remove every license";
        reader.error_with(node.spot, "`*` needs `plans`", hint);
        return None;
    }
    let sku: Written<Arc<str>> = sku::one(reader, node)?;
    once.check(reader, &sku.value, node.spot);
    Some(Removal::Sku(sku))
}

fn is_any(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar { text, plain: _ } => &**text == "*",
        Kind::Sequence(_) | Kind::Mapping(_) => false,
    }
}
