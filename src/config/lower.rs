//! From the tree to the configuration, or every problem.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::config::cloud::Cloud;
use crate::config::endpoint::Endpoint;
use crate::config::layer::{self, Layer, Resolved};
use crate::config::{Config, Log, LogFormat, LogLevel, Mode, Tenant, auth, beside};
use crate::domain::names::TenantName;
use crate::policy::settings::Protected;
use crate::yaml::{Diagnostic, Entry, Fields, Node, Reader, Spot};

/// Keys at the top of the file alone.
pub(super) const TOP: [&str; 7] =
    ["state", "policies", "tenants", "log", "retention", "api", "notify"];
/// Keys of a tenant alone.
pub(super) const TENANT: [&str; 5] = ["name", "tenant_id", "cloud", "auth", "endpoints"];
/// Keys of `log`.
pub(super) const LOG: [&str; 2] = ["format", "level"];
/// Keys of `endpoints`.
pub(super) const ENDPOINTS: [&str; 2] = ["graph", "login"];

/// Lowers a configuration file.
pub(super) fn lower(reader: &mut Reader, node: &Node, directory: &Path) -> Option<Config> {
    let known = [&TOP[..], &layer::KEYS[..]].concat();
    let fields = reader.fields(node, "a configuration", &known)?;
    let top = Layer::read(reader, &fields);
    let state = path(reader, fields.get("state"), directory, "/var/lib/seatkeeper");
    let policies = path(reader, fields.get("policies"), directory, "policies");
    apart(reader, [fields.get("state"), fields.get("policies")], &state, &policies);
    let log = log(reader, fields.get("log"));
    let retention = beside::retention(reader, fields.get("retention"));
    let api = beside::api(reader, fields.get("api"), directory);
    let notify = beside::receivers(reader, fields.get("notify"), directory);
    let list = reader.required(&fields, "a configuration", "tenants")?;
    let mut seen = Seen::default();
    let mut tenants = Vec::new();
    for node in reader.full_list(list, "`tenants`")? {
        tenants.extend(tenant(reader, node, &top, &mut seen, directory));
    }
    Some(Config { state, policies, log, retention, api, notify, tenants })
}

fn path(reader: &mut Reader, entry: Option<&Entry>, directory: &Path, default: &str) -> PathBuf {
    let written = entry.and_then(|entry| reader.text(&entry.value));
    directory.join(written.unwrap_or(default))
}

/// Refuses a state directory among the policies: each record that is written there would be a change of
/// the policies, and start a cycle.
fn apart(reader: &mut Reader, entries: [Option<&Entry>; 2], state: &Path, policies: &Path) {
    let Ok(below) = state.strip_prefix(policies) else { return };
    let is_hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    if below.components().any(is_hidden) {
        return;
    }
    let Some(entry) = entries.into_iter().flatten().next() else { return };
    let hint = "put them side by side, or choose a name with a dot in front, which is passed over";
    reader.error_with(entry.value.spot, "the state directory lies among the policies", hint);
}

fn log(reader: &mut Reader, entry: Option<&Entry>) -> Log {
    let fields = entry.and_then(|entry| reader.fields(&entry.value, "`log`", &LOG));
    let Some(fields) = fields else { return Log::default() };
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace]
            .map(|level| (level.as_str(), level));
    let format =
        fields.get("format").and_then(|entry| reader.choice(&entry.value, "log format", &formats));
    let level =
        fields.get("level").and_then(|entry| reader.choice(&entry.value, "log level", &levels));
    Log { format: format.unwrap_or_default(), level: level.unwrap_or_default() }
}

/// Names and ids of the tenants before.
#[derive(Default)]
struct Seen {
    names: BTreeMap<TenantName, Spot>,
    ids: BTreeMap<Arc<str>, Spot>,
}

fn tenant(
    reader: &mut Reader,
    node: &Node,
    top: &Layer,
    seen: &mut Seen,
    directory: &Path,
) -> Option<Tenant> {
    let fields = tenant_fields(reader, node)?;
    let name = name(reader, &fields, seen);
    let tenant_id = tenant_id(reader, &fields, seen);
    let cloud = fields
        .get("cloud")
        .and_then(|entry| reader.choice(&entry.value, "cloud", &Cloud::WORDS))
        .unwrap_or_default();
    let auth = reader
        .required(&fields, "a tenant", "auth")
        .and_then(|node| auth::lower(reader, node, directory));
    let (login, graph) = endpoints(reader, fields.get("endpoints"), cloud);
    let own = Layer::read(reader, &fields);
    let Resolved { mode, schedule, windows, settings, full_read, requests, apply } = own.over(top);
    if requests.give_up_after < requests.timeout {
        let spot = fields.get("requests").map_or(fields.spot, |entry| entry.key_spot);
        let hint = "all tries of one call together take at least as long as one";
        reader.error_with(spot, "`give_up_after` is shorter than `timeout`", hint);
    }
    if mode == Mode::Enforce && settings.protected == Protected::default() {
        let hint = "list the accounts that nothing may ever touch, such as break-glass accounts";
        let message = "plans run without a person, and nobody is protected";
        reader.warning(fields.spot, message, hint);
    }
    Some(Tenant {
        name: name?,
        tenant_id: tenant_id?,
        cloud,
        auth: auth?,
        login,
        graph,
        mode,
        schedule,
        windows,
        settings,
        full_read,
        requests,
        apply,
    })
}

fn tenant_fields<'a>(reader: &mut Reader, node: &'a Node) -> Option<Fields<'a>> {
    let known = [&TENANT[..], &layer::KEYS[..]].concat();
    let fields = reader.mapping(node)?;
    for entry in fields.entries() {
        let key = &*entry.key;
        if known.contains(&key) {
            continue;
        }
        if TOP.contains(&key) {
            let hint = "write it at the top of the file";
            reader.error_with(entry.key_spot, format!("`{key}` is for all tenants"), hint);
        } else {
            reader.unknown_key(entry, "a tenant", &known);
        }
    }
    Some(fields)
}

fn name(reader: &mut Reader, fields: &Fields<'_>, seen: &mut Seen) -> Option<TenantName> {
    let node = reader.required(fields, "a tenant", "name")?;
    let name: TenantName = reader.parsed(node)?;
    if let Some(first) = seen.names.get(&name) {
        let message = format!("tenant `{name}` is defined twice");
        reader.error_related(node.spot, message, ("first defined here", *first));
    }
    seen.names.entry(name.clone()).or_insert(node.spot);
    Some(name)
}

fn tenant_id(reader: &mut Reader, fields: &Fields<'_>, seen: &mut Seen) -> Option<Arc<str>> {
    let node = reader.required(fields, "a tenant", "tenant_id")?;
    let text = reader.text(node)?;
    let guid = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let is_domain = text.contains('.') && !text.starts_with('.') && text.bytes().all(fits);
    if guid.is_none() && !is_domain {
        let message = format!("`{text}` is neither a GUID nor a domain");
        let hint = "write the directory (tenant) id, or a domain such as `contoso.com`";
        reader.error_with(node.spot, message, hint);
        return None;
    }
    if guid.is_some_and(|guid| guid.is_nil()) {
        let hint = "write the directory (tenant) id, or a domain such as `contoso.com`";
        reader.warning(node.spot, "`tenant_id` is not filled in yet", hint);
    }
    let id: Arc<str> = text.to_ascii_lowercase().into();
    if let Some(first) = seen.ids.get(&id) {
        let message = "two tenants are the same directory";
        reader.error_related(node.spot, message, ("the other is here", *first));
    }
    seen.ids.entry(id.clone()).or_insert(node.spot);
    Some(id)
}

/// Returns where to sign in and where Graph is.
fn endpoints(reader: &mut Reader, entry: Option<&Entry>, cloud: Cloud) -> (Endpoint, Endpoint) {
    let default = (Endpoint::https(cloud.login_host()), Endpoint::https(cloud.graph_host()));
    let fields = entry.and_then(|entry| reader.fields(&entry.value, "`endpoints`", &ENDPOINTS));
    let Some(fields) = fields else { return default };
    let login = endpoint(reader, fields.get("login"));
    let graph = endpoint(reader, fields.get("graph"));
    (login.unwrap_or(default.0), graph.unwrap_or(default.1))
}

fn endpoint(reader: &mut Reader, entry: Option<&Entry>) -> Option<Endpoint> {
    let node = &entry?.value;
    match reader.text(node)?.parse::<Endpoint>() {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            let hint = "write it as in `https://graph.microsoft.com`";
            let diagnostic =
                Diagnostic::error(reader.place(node.spot), node.spot.length, error.to_string());
            let conceals = matches!(error, super::endpoint::InvalidEndpoint::UserInfo);
            reader.note(Diagnostic {
                conceal_from: conceals.then_some(node.spot.column),
                ..diagnostic.with_hint(hint)
            });
            None
        }
    }
}
