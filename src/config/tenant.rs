//! One tenant: where it is, as whom to ask, and the settings that planning obeys.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::config::{Apply, Cloud, Mode, Requests, SHARED, SecretRef, Tenant, limits, not_yet};
use crate::domain::names::Place;
use crate::domain::span::Span;
use crate::policy::Written;
use crate::policy::settings::{InheritedRule, Protected, Reserve, Settings};
use crate::yaml::{Diagnostic, Entry, Fields, Kind, Node, Reader};

/// Settings that a tenant takes from the top unless it repeats them.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    mode: Mode,
    settings: Settings,
    requests: Requests,
    apply: Apply,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            settings: Settings::default(),
            requests: Requests { timeout: Span::seconds(60), give_up_after: Span::seconds(600) },
            apply: Apply { confirm_within: Span::seconds(300), settle_after: Span::seconds(15) },
        }
    }
}

impl Shared {
    /// Reads the shared settings of a mapping over those of another.
    pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>, base: Self) -> Self {
        let Self { mode, settings, requests, apply } = base;
        let modes =
            [("observe", Mode::Observe), ("approve", Mode::Approve), ("enforce", Mode::Enforce)];
        let rules = [("satisfies", InheritedRule::Satisfies), ("ignore", InheritedRule::Ignore)];
        let read_mode = fields.get("mode").and_then(|e| reader.choice(&e.value, "mode", &modes));
        let inherited =
            fields.get("inherited").and_then(|e| reader.choice(&e.value, "rule", &rules));
        let warning = fields.get("use_warning_seats").and_then(|e| reader.boolean(&e.value));
        let grace = fields.get("grace").and_then(|e| reader.parsed::<Span>(&e.value));
        let protected = fields.get("protected").and_then(|e| protected(reader, &e.value));
        let reserve = fields.get("reserve").and_then(|e| reserve(reader, &e.value));
        let guards = fields
            .get("guards")
            .map_or(settings.guards, |e| limits::guards(reader, &e.value, settings.guards));
        let [timeout, give_up_after] = spans(
            reader,
            fields.get("requests"),
            [("timeout", requests.timeout), ("give_up_after", requests.give_up_after)],
        );
        let [confirm_within, settle_after] = spans(
            reader,
            fields.get("apply"),
            [("confirm_within", apply.confirm_within), ("settle_after", apply.settle_after)],
        );
        Self {
            mode: read_mode.unwrap_or(mode),
            settings: Settings {
                protected: protected.unwrap_or(settings.protected),
                reserve: reserve.unwrap_or(settings.reserve),
                use_warning_seats: warning.unwrap_or(settings.use_warning_seats),
                inherited: inherited.unwrap_or(settings.inherited),
                grace: grace.unwrap_or(settings.grace),
                guards,
            },
            requests: Requests { timeout, give_up_after },
            apply: Apply { confirm_within, settle_after },
        }
    }
}

/// Reads a mapping of two spans of time.
fn spans(reader: &mut Reader, entry: Option<&Entry>, defaults: [(&str, Span); 2]) -> [Span; 2] {
    let keys = defaults.map(|(key, _)| key);
    let fields = entry.and_then(|e| reader.fields(&e.value, &format!("`{}`", e.key), &keys));
    defaults.map(|(key, default)| {
        let node = fields.as_ref().and_then(|fields| fields.get(key)).map(|entry| &entry.value);
        node.and_then(|node| reader.parsed(node)).unwrap_or(default)
    })
}

fn names(reader: &mut Reader, entry: Option<&Entry>) -> Vec<Written<Arc<str>>> {
    let Some(entry) = entry else { return Vec::new() };
    let Some(items) = reader.list(&entry.value) else { return Vec::new() };
    let mut names = Vec::new();
    for item in items {
        if let Some(text) = reader.text(item) {
            names.push(Written { value: text.into(), place: reader.place(item.spot) });
        }
    }
    names
}

fn protected(reader: &mut Reader, node: &Node) -> Option<Protected> {
    let fields = reader.fields(node, "`protected`", &["users", "groups"])?;
    let users = names(reader, fields.get("users"));
    let groups = names(reader, fields.get("groups"));
    Some(Protected { users, groups })
}

fn reserve(reader: &mut Reader, node: &Node) -> Option<BTreeMap<Arc<str>, Reserve>> {
    let fields = reader.mapping(node)?;
    let mut reserve = BTreeMap::new();
    for entry in fields.entries() {
        let seats =
            reader.integer(&entry.value, 0..=10_000_000).and_then(|n| u32::try_from(n).ok());
        if let Some(seats) = seats {
            let place = reader.place(entry.key_spot);
            reserve.insert((&*entry.key).into(), Reserve { seats, place });
        }
    }
    Some(reserve)
}

/// Reads one tenant.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    shared: &Shared,
    directory: &Path,
) -> Option<(Tenant, Place)> {
    let own = ["name", "tenant_id", "cloud", "auth", "endpoints"];
    let known: Vec<&str> = own.iter().chain(&SHARED).copied().collect();
    let fields = reader.fields(node, "a tenant", &known)?;
    let name = reader.required(&fields, "a tenant", "name").and_then(|node| reader.parsed(node));
    let tenant_id =
        reader.required(&fields, "a tenant", "tenant_id").and_then(|node| tenant_id(reader, node));
    let cloud = fields
        .get("cloud")
        .and_then(|entry| reader.choice(&entry.value, "cloud", &Cloud::WORDS))
        .unwrap_or_default();
    let auth =
        reader.required(&fields, "a tenant", "auth").and_then(|node| auth(reader, node, directory));
    let endpoints = fields.get("endpoints").map(|entry| endpoints(reader, &entry.value));
    let Shared { mode, settings, requests, apply } = Shared::read(reader, &fields, shared.clone());
    let (login, graph) = match endpoints {
        None => (cloud.login().into(), cloud.graph().into()),
        Some(endpoints) => endpoints?,
    };
    let (client_id, client_secret) = auth?;
    let tenant = Tenant {
        name: name?,
        tenant_id: tenant_id?,
        client_id,
        client_secret,
        login,
        graph,
        mode,
        settings,
        requests,
        apply,
    };
    Some((tenant, reader.place(node.spot)))
}

/// Reads a tenant id: a GUID or a domain.
fn tenant_id(reader: &mut Reader, node: &Node) -> Option<Arc<str>> {
    let text = reader.text(node)?;
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let domain = text.contains('.') && text.split('.').all(label);
    if Uuid::try_parse(text).is_ok() || domain {
        return Some(text.into());
    }
    let message = format!("`{text}` is neither a GUID nor a domain");
    let hint = "the admin centre shows it as Directory (tenant) ID";
    reader.error_with(node.spot, message, hint);
    None
}

fn auth(reader: &mut Reader, node: &Node, directory: &Path) -> Option<(Arc<str>, SecretRef)> {
    let known =
        ["client_id", "client_secret", "certificate", "federated_token", "managed_identity"];
    let fields = reader.fields(node, "`auth`", &known)?;
    for key in ["certificate", "federated_token", "managed_identity"] {
        if let Some(entry) = fields.get(key) {
            not_yet(reader, entry);
        }
    }
    let client_id = reader.required(&fields, "`auth`", "client_id").and_then(|node| {
        let text = reader.text(node)?;
        if Uuid::try_parse(text).is_err() {
            let hint = "the admin centre shows it as Application (client) ID";
            reader.error_with(node.spot, format!("`{text}` is not a GUID"), hint);
            return None;
        }
        Some(Arc::from(text))
    });
    let secret = reader
        .required(&fields, "`auth`", "client_secret")
        .and_then(|node| secret(reader, node, directory));
    Some((client_id?, secret?))
}

/// Reads where a secret is. One that stands there itself is refused without showing it.
fn secret(reader: &mut Reader, node: &Node, directory: &Path) -> Option<SecretRef> {
    const FORMS: &str = "write where it is: `{env: NAME}`, `{file: PATH}` or `{credential: NAME}`";
    if let Kind::Scalar { text: _, plain: _ } = &node.kind {
        let message = "a secret must not stand in the configuration itself";
        let mut diagnostic =
            Diagnostic::error(reader.place(node.spot), 1, message).with_hint(FORMS);
        diagnostic.conceal_from = Some(node.spot.column);
        reader.note(diagnostic);
        return None;
    }
    let fields = reader.fields(node, "a secret", &["env", "file", "credential"])?;
    let [entry] = fields.entries() else {
        reader.error_with(node.spot, "a secret is in one place", FORMS);
        return None;
    };
    let text = reader.text(&entry.value)?;
    match &*entry.key {
        "env" => Some(SecretRef::Env(text.into())),
        "file" => Some(SecretRef::File(directory.join(text))),
        _ if text.contains('/') => {
            reader.error_with(entry.value.spot, "a credential has a name, not a path", FORMS);
            None
        }
        _ => Some(SecretRef::Credential(text.into())),
    }
}

fn endpoints(reader: &mut Reader, node: &Node) -> Option<(Arc<str>, Arc<str>)> {
    let fields = reader.fields(node, "`endpoints`", &["graph", "login"])?;
    let graph =
        reader.required(&fields, "`endpoints`", "graph").and_then(|node| endpoint(reader, node));
    let login =
        reader.required(&fields, "`endpoints`", "login").and_then(|node| endpoint(reader, node));
    Some((login?, graph?))
}

/// Reads an address: https, or plain http on this machine.
fn endpoint(reader: &mut Reader, node: &Node) -> Option<Arc<str>> {
    let text = reader.text(node)?;
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || !matches!(scheme, "http" | "https") {
        let hint = "write it as in `https://graph.microsoft.com`";
        reader.error_with(node.spot, format!("`{text}` is not an address"), hint);
        return None;
    }
    if scheme == "http" && !is_loopback(authority) {
        let message = format!("plain http to `{authority}` would show the secret to the network");
        let hint = "use https; plain http is accepted for loopback addresses alone";
        reader.error_with(node.spot, message, hint);
        return None;
    }
    Some(text.trim_end_matches('/').into())
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
