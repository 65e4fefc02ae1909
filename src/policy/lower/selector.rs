//! Which users: the `match` of a policy.

use std::sync::Arc;

use crate::domain::attribute::Attribute;
use crate::domain::ids::UserId;
use crate::domain::span::Span;
use crate::domain::user::UserType;
use crate::policy::list::{List, Read as Lists};
use crate::policy::{OuScope, Selector, Test, Written};
use crate::yaml::{Entry, Fields, Kind, Node, Reader};

/// The keys that a selector may have, beside the extension attributes.
pub(in crate::policy) const KEYS: [&str; 24] = [
    "all",
    "any",
    "none",
    "group",
    "nested",
    "ou",
    "scope",
    "domain",
    "ad_domain",
    "user",
    "csv",
    "department",
    "job_title",
    "company",
    "country",
    "office",
    "employee_type",
    "usage_location",
    "user_type",
    "enabled",
    "synced",
    "has",
    "inactive_for",
    "everyone",
];

/// Reads a selector. Keys side by side mean and.
pub(super) fn lower(reader: &mut Reader, node: &Node, lists: &Lists) -> Option<Selector> {
    let fields = reader.mapping(node)?;
    if fields.entries().is_empty() {
        let hint = "nothing selects everyone by accident: write `everyone: true` if that is meant";
        reader.error_with(node.spot, "an empty `match` selects nobody", hint);
        return None;
    }
    modifiers(reader, &fields);
    let mut parts = Vec::new();
    for entry in fields.entries() {
        parts.extend(part(reader, entry, &fields, lists));
    }
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Selector::All(parts)),
    }
}

/// Checks the keys that only say more about their neighbour.
fn modifiers(reader: &mut Reader, fields: &Fields<'_>) {
    for (modifier, of) in [("nested", "group"), ("scope", "ou")] {
        if let (Some(entry), None) = (fields.get(modifier), fields.get(of)) {
            let message = format!("`{modifier}` needs `{of}` beside it");
            reader.error(entry.key_spot, message);
        }
    }
}

fn part(
    reader: &mut Reader,
    entry: &Entry,
    fields: &Fields<'_>,
    lists: &Lists,
) -> Option<Selector> {
    let node = &entry.value;
    let test = match &*entry.key {
        "all" => return several(reader, entry, lists).map(Selector::All),
        "any" => return several(reader, entry, lists).map(Selector::Any),
        "none" => return several(reader, entry, lists).map(Selector::None),
        "group" => group(reader, node, fields)?,
        "ou" => ou(reader, node, fields)?,
        "domain" => Test::Domain(domain(reader, entry)?),
        "ad_domain" => Test::AdDomain(domain(reader, entry)?),
        "user" => Test::User(users(reader, node)?),
        "csv" => Test::Csv(list(reader, entry, lists)?),
        "user_type" => Test::UserType(user_types(reader, node)?),
        "enabled" => Test::Enabled(reader.boolean(node)?),
        "synced" => Test::Synced(reader.boolean(node)?),
        "has" => Test::Has(single(reader, entry)?),
        "inactive_for" => Test::InactiveFor(inactive_for(reader, node)?),
        "everyone" => everyone(reader, node)?,
        "nested" => {
            // Read here alone, so that a fault in it is told once.
            reader.boolean(node)?;
            return None;
        }
        "scope" => {
            scope(reader, node)?;
            return None;
        }
        other => attribute(reader, entry, other)?,
    };
    // A group or SKU is looked for in the tenant, and what is wrong then is the name that was written.
    let is_name = matches!(test, Test::Group { .. } | Test::Has(_));
    let spot = if is_name { node.spot } else { entry.key_spot };
    Some(Selector::Test(Written { value: test, place: reader.place(spot) }))
}

fn several(reader: &mut Reader, entry: &Entry, lists: &Lists) -> Option<Vec<Selector>> {
    let items = reader.full_list(&entry.value, &format!("`{}`", entry.key))?;
    // Not `map` and `collect` into an option: that would stop at the first fault.
    let mut selectors = Vec::new();
    for item in items {
        selectors.extend(lower(reader, item, lists));
    }
    Some(selectors)
}

fn group(reader: &mut Reader, node: &Node, fields: &Fields<'_>) -> Option<Test> {
    let group = single_of(reader, node, "group")?;
    let nested = fields.get("nested").map(|entry| &entry.value.kind);
    let direct = matches!(nested, Some(Kind::Scalar { text, plain: true }) if &**text == "false");
    Some(Test::Group { group, nested: !direct })
}

fn ou(reader: &mut Reader, node: &Node, fields: &Fields<'_>) -> Option<Test> {
    let text = single_of(reader, node, "ou")?;
    let scope = match fields.get("scope").map(|entry| &entry.value.kind) {
        Some(Kind::Scalar { text, plain: _ }) if &**text == "one" => OuScope::One,
        Some(_) | None => OuScope::Subtree,
    };
    match text.parse() {
        Ok(ou) => Some(Test::Ou { ou, scope }),
        Err(error) => {
            let hint = "write it as in `OU=Sales,DC=corp,DC=contoso,DC=com`";
            reader.error_with(node.spot, error.to_string(), hint);
            None
        }
    }
}

fn scope(reader: &mut Reader, node: &Node) -> Option<OuScope> {
    let words = [("one", OuScope::One), ("subtree", OuScope::Subtree)];
    reader.choice(node, "scope", &words)
}

/// Reads a value of which there can be only one, and says how to write several.
fn single_of(reader: &mut Reader, node: &Node, key: &str) -> Option<Arc<str>> {
    if let Kind::Sequence(_) = &node.kind {
        let hint = format!("for several, write `any: [{{{key}: A}}, {{{key}: B}}]`");
        reader.error_with(node.spot, "expected a single value, found a list", hint);
        return None;
    }
    reader.text(node).map(Into::into)
}

fn single(reader: &mut Reader, entry: &Entry) -> Option<Arc<str>> {
    single_of(reader, &entry.value, &entry.key)
}

fn list(reader: &mut Reader, entry: &Entry, lists: &Lists) -> Option<Arc<List>> {
    let written = single(reader, entry)?;
    lists.named(reader, entry, &written)
}

fn domain(reader: &mut Reader, entry: &Entry) -> Option<Arc<str>> {
    let domain = single(reader, entry)?;
    let fits =
        |character: char| character.is_alphanumeric() || matches!(character, '.' | '-' | '_');
    if domain.starts_with('.') || !domain.chars().all(fits) {
        let hint = "write it as in `contoso.com`; sub-domains are named one by one";
        reader.error_with(entry.value.spot, format!("`{domain}` is not a domain"), hint);
        return None;
    }
    Some(domain)
}

/// Reads users, each by principal name or id.
fn users(reader: &mut Reader, node: &Node) -> Option<Vec<Written<Arc<str>>>> {
    let items = reader.one_or_more(node, "`user`")?;
    let mut users = Vec::new();
    for item in items {
        users.extend(user(reader, item));
    }
    Some(users)
}

fn user(reader: &mut Reader, node: &Node) -> Option<Written<Arc<str>>> {
    let text = reader.text(node)?;
    if !text.contains('@') && text.parse::<UserId>().is_err() {
        let hint = "a principal name has an `@`, and an id is a GUID";
        reader.error_with(node.spot, format!("`{text}` is not a user"), hint);
        return None;
    }
    Some(Written { value: text.into(), place: reader.place(node.spot) })
}

fn user_types(reader: &mut Reader, node: &Node) -> Option<Vec<UserType>> {
    // Source: Graph user.userType is `Member` or `Guest`; either case is fine here.
    let words = [("member", UserType::Member), ("guest", UserType::Guest)];
    let items = reader.one_or_more(node, "`user_type`")?;
    let mut types = Vec::new();
    for item in items {
        let as_graph_writes = match &item.kind {
            Kind::Scalar { text, plain: _ } if &**text == "Member" => Some(UserType::Member),
            Kind::Scalar { text, plain: _ } if &**text == "Guest" => Some(UserType::Guest),
            Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) | Kind::Mapping(_) => None,
        };
        types.extend(as_graph_writes.or_else(|| reader.choice(item, "user type", &words)));
    }
    Some(types)
}

fn inactive_for(reader: &mut Reader, node: &Node) -> Option<Span> {
    let span: Span = reader.parsed(node)?;
    if span == Span::ZERO {
        reader.error_with(node.spot, "`inactive_for` must not be 0", "write it as in `90d`");
        return None;
    }
    Some(span)
}

fn everyone(reader: &mut Reader, node: &Node) -> Option<Test> {
    if reader.boolean(node)? {
        return Some(Test::Everyone);
    }
    reader.error_with(node.spot, "`everyone` can only be `true`", "leave it out");
    None
}

fn attribute(reader: &mut Reader, entry: &Entry, key: &str) -> Option<Test> {
    let Some(attribute) = Attribute::named(key) else {
        unknown(reader, entry);
        return None;
    };
    let items = reader.one_or_more(&entry.value, &format!("`{key}`"))?;
    let mut values = Vec::new();
    for item in items {
        values.extend(reader.text(item).map(Arc::from));
    }
    Some(Test::Attribute { attribute, values })
}

fn unknown(reader: &mut Reader, entry: &Entry) {
    if entry.key.starts_with("extension_attribute") {
        let hint = "they go from `extension_attribute1` to `extension_attribute15`";
        reader.error_with(entry.key_spot, format!("there is no `{}`", entry.key), hint);
    } else {
        reader.unknown_key(entry, "a selector", &KEYS);
    }
}
