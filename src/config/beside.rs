//! What the daemon has beside its cycles: when they are due, when changes may run, who may ask over
//! HTTP, and who is told.

use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::config::auth::secret;
use crate::config::{Api, ApiToken, Keep, Receiver, Right, WebhookFormat};
use crate::domain::event::Event;
use crate::domain::schedule::{InvalidSchedule, Schedule};
use crate::domain::span::Span;
use crate::domain::window::{Changes, Effect, Window, Windows};
use crate::yaml::{Entry, Fields, Kind, Node, Reader};

/// Keys of a window.
pub(super) const WINDOW: [&str; 4] = ["allow", "deny", "for", "changes"];
/// Keys of `api`.
pub(super) const API: [&str; 3] = ["listen", "hosts", "tokens"];
/// Keys of a token.
pub(super) const TOKEN: [&str; 3] = ["name", "token", "may"];
/// Keys of a receiver.
pub(super) const RECEIVER: [&str; 5] = ["name", "webhook", "format", "on", "tenants"];

/// Where the API listens unless told otherwise.
const LISTEN: &str = "127.0.0.1:8364";
/// How long ended plans are kept unless told otherwise.
const RETENTION: Span = Span::days(400);
/// Less than this would forget what the guards and graces of a week rest on.
const RETENTION_MIN: Span = Span::days(30);

/// Reads a schedule.
pub(super) fn schedule(reader: &mut Reader, node: &Node) -> Option<Schedule> {
    let text = reader.text(node)?;
    match text.parse() {
        Ok(schedule) => Some(schedule),
        Err(error @ InvalidSchedule { .. }) => {
            let hint =
                "write five fields as in `*/15 * * * *`, six with seconds first, or `@hourly`";
            reader.error_with(node.spot, error.to_string(), hint);
            None
        }
    }
}

/// Reads the windows of a tenant.
pub(super) fn windows(reader: &mut Reader, node: &Node) -> Windows {
    let list = reader.list(node).unwrap_or_default();
    Windows(list.iter().filter_map(|node| window(reader, node)).collect())
}

fn window(reader: &mut Reader, node: &Node) -> Option<Window> {
    let fields = reader.fields(node, "a window", &WINDOW)?;
    let (effect, opens) = match (fields.get("allow"), fields.get("deny")) {
        (Some(entry), None) => (Effect::Allow, &entry.value),
        (None, Some(entry)) => (Effect::Deny, &entry.value),
        (None, None) | (Some(_), Some(_)) => {
            let hint = "write when it opens: `allow: \"0 20 * * MON-FRI\"`";
            reader.error_with(fields.spot, "a window has either `allow` or `deny`", hint);
            return None;
        }
    };
    let opens = schedule(reader, opens);
    let length = reader.required(&fields, "a window", "for");
    let length: Option<Span> = length.and_then(|node| positive(reader, node, "for"));
    let kinds = [("all", Changes::All), ("removals", Changes::Removals)];
    let changes = match fields.get("changes") {
        None => Some(Changes::default()),
        Some(entry) => reader.choice(&entry.value, "kind of changes", &kinds),
    };
    Some(Window { opens: opens?, length: length?, effect, changes: changes? })
}

fn positive(reader: &mut Reader, node: &Node, key: &str) -> Option<Span> {
    let span: Span = reader.parsed(node)?;
    if span == Span::ZERO {
        reader.error(node.spot, format!("`{key}` must not be 0"));
        return None;
    }
    Some(span)
}

/// Reads how long plans and outcomes are kept.
pub(super) fn retention(reader: &mut Reader, entry: Option<&Entry>) -> Keep {
    let Some(entry) = entry else { return Keep::For(RETENTION) };
    if reader.text(&entry.value) == Some("forever") {
        return Keep::Forever;
    }
    let Some(span) = reader.parsed::<Span>(&entry.value) else { return Keep::For(RETENTION) };
    if span < RETENTION_MIN {
        let message = format!("`retention` is at least {RETENTION_MIN}");
        reader.error_with(entry.value.spot, message, "write a span such as `400d`, or `forever`");
    }
    Keep::For(span)
}

/// Reads `api`: none where it is off.
pub(super) fn api(reader: &mut Reader, entry: Option<&Entry>, directory: &Path) -> Option<Api> {
    let listen = LISTEN.parse().expect("the default is an address");
    let default = Api { listen, is_asked_for: false, hosts: Vec::new(), tokens: Vec::new() };
    let Some(entry) = entry else { return Some(default) };
    if matches!(entry.value.kind, Kind::Scalar { text: _, plain: _ })
        && reader.text(&entry.value) == Some("off")
    {
        return None;
    }
    let fields = reader.fields(&entry.value, "`api`", &API)?;
    let listen = match fields.get("listen") {
        None => default.listen,
        Some(entry) => address(reader, &entry.value).unwrap_or(default.listen),
    };
    let hosts = fields.get("hosts").map(|entry| texts(reader, &entry.value)).unwrap_or_default();
    let tokens = tokens(reader, &fields, directory);
    if !listen.ip().is_loopback() && tokens.is_empty() {
        let spot = fields.get("listen").map_or(fields.spot, |entry| entry.value.spot);
        let message = format!("`{listen}` can be reached from elsewhere, and there are no tokens");
        let hint = "name who may ask: `tokens: [{name: ana, token: {file: PATH}, may: [read]}]`";
        reader.error_with(spot, message, hint);
    }
    Some(Api { listen, is_asked_for: true, hosts, tokens })
}

fn address(reader: &mut Reader, node: &Node) -> Option<SocketAddr> {
    let text = reader.text(node)?;
    let address = text.parse().ok();
    if address.is_none() {
        let hint = format!("write an IP address and a port, as in `{LISTEN}`");
        reader.error_with(node.spot, format!("`{text}` is not an address"), hint);
    }
    address
}

fn texts(reader: &mut Reader, node: &Node) -> Vec<Arc<str>> {
    let mut texts = Vec::new();
    for item in reader.list(node).unwrap_or_default() {
        texts.extend(reader.text(item).map(Arc::from));
    }
    texts
}

fn tokens(reader: &mut Reader, fields: &Fields<'_>, directory: &Path) -> Vec<ApiToken> {
    let Some(entry) = fields.get("tokens") else { return Vec::new() };
    let mut tokens: Vec<ApiToken> = Vec::new();
    for node in reader.list(&entry.value).unwrap_or_default() {
        let Some(token) = token(reader, node, directory) else { continue };
        if tokens.iter().any(|other| other.name == token.name) {
            reader.error(node.spot, format!("there are two tokens named `{}`", token.name));
        }
        tokens.push(token);
    }
    tokens
}

fn token(reader: &mut Reader, node: &Node, directory: &Path) -> Option<ApiToken> {
    let fields = reader.fields(node, "a token", &TOKEN)?;
    let name = reader.required(&fields, "a token", "name").and_then(|node| reader.text(node));
    let name: Option<Arc<str>> = name.map(Arc::from);
    let token = reader.required(&fields, "a token", "token");
    let token = token.and_then(|node| secret(reader, node, directory));
    let rights = Right::ALL.map(|right| (right.as_str(), right));
    let may = match fields.get("may") {
        None => BTreeSet::from([Right::Read]),
        Some(entry) => choices(reader, &entry.value, "right", &rights),
    };
    Some(ApiToken { name: name?, token: token?, may })
}

fn choices<T: Copy + Ord>(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    words: &[(&str, T)],
) -> BTreeSet<T> {
    let mut chosen = BTreeSet::new();
    for item in reader.full_list(node, &format!("a list of {what}s")).unwrap_or_default() {
        chosen.extend(reader.choice(item, what, words));
    }
    chosen
}

/// Reads `notify`.
pub(super) fn receivers(
    reader: &mut Reader,
    entry: Option<&Entry>,
    directory: &Path,
) -> Vec<Receiver> {
    let Some(entry) = entry else { return Vec::new() };
    let mut receivers: Vec<Receiver> = Vec::new();
    for (at, node) in reader.list(&entry.value).unwrap_or_default().iter().enumerate() {
        let Some(receiver) = receiver(reader, node, directory, at + 1) else { continue };
        if receivers.iter().any(|other| other.name == receiver.name) {
            reader.error(node.spot, format!("there are two receivers named `{}`", receiver.name));
        }
        receivers.push(receiver);
    }
    receivers
}

fn receiver(reader: &mut Reader, node: &Node, directory: &Path, number: usize) -> Option<Receiver> {
    let fields = reader.fields(node, "a receiver", &RECEIVER)?;
    let webhook = reader.required(&fields, "a receiver", "webhook");
    let webhook = webhook.and_then(|node| secret(reader, node, directory));
    let formats = WebhookFormat::ALL.map(|format| (format.as_str(), format));
    let format = match fields.get("format") {
        None => Some(WebhookFormat::default()),
        Some(entry) => reader.choice(&entry.value, "format", &formats),
    };
    let name = match fields.get("name") {
        // The order in the file names it, so that what is on its way finds its receiver again.
        None => Some(format!("{}-{number}", format.unwrap_or_default().as_str()).into()),
        Some(entry) => reader.text(&entry.value).map(Arc::from),
    };
    let events = Event::ALL.map(|event| (event.as_str(), event));
    let on = match fields.get("on") {
        None => BTreeSet::from(Event::ALL),
        Some(entry) => choices(reader, &entry.value, "event", &events),
    };
    let tenants = fields.get("tenants").map(|entry| texts(reader, &entry.value));
    Some(Receiver { name: name?, webhook: webhook?, format: format?, on, tenants })
}
