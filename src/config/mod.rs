//! `seatkeeper.yaml`: text → settings, or every problem. A secret stays a reference until somebody
//! needs it; one that stands in the file itself is refused and never shown.
//!
//! Pure. Nothing here opens a file or asks the environment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::names::{Place, TenantName};
use crate::domain::span::Span;
use crate::policy::settings::Settings;
use crate::yaml::{Diagnostic, Entry, Fields, Node, Reader, SourceFile, parse};

mod cloud;
mod limits;
mod tenant;

pub use cloud::Cloud;

/// Everything that the configuration says.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where the ledger, plans and outcomes are kept.
    pub state: PathBuf,
    /// Where the policies are.
    pub policies: PathBuf,
    /// How to log.
    pub log: Log,
    /// The tenants, in the order in which they were written; at least one.
    pub tenants: Vec<Tenant>,
}

/// One tenant with its settings, those of the top included.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// What the configuration calls it.
    pub name: TenantName,
    /// Its GUID or one of its domains.
    pub tenant_id: Arc<str>,
    /// The id of the app registration.
    pub client_id: Arc<str>,
    /// Where the client secret is.
    pub client_secret: SecretRef,
    /// Where tokens are issued.
    pub login: Arc<str>,
    /// Where Graph is.
    pub graph: Arc<str>,
    /// Who lets plans go on.
    pub mode: Mode,
    /// What planning obeys.
    pub settings: Settings,
    /// How patient to be with requests.
    pub requests: Requests,
    /// How patient to be with effects.
    pub apply: Apply,
}

/// Where a secret is. It is opened when it is needed, anew each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In a variable of the environment.
    Env(Arc<str>),
    /// In a file.
    File(PathBuf),
    /// Among systemd's credentials.
    Credential(Arc<str>),
}

/// Who lets plans go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: plans are made and shown.
    #[default]
    Observe,
    /// A person, each plan.
    Approve,
    /// The guards.
    Enforce,
}

/// How patient to be with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// How long one request may take.
    pub timeout: Span,
    /// How long all tries of one call may take together.
    pub give_up_after: Span,
}

/// How patient to be with effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apply {
    /// How long to look for what Graph accepted until a read shows it.
    pub confirm_within: Span,
    /// How old an intent must be before a read that does not show its effect is believed.
    pub settle_after: Span,
}

/// How to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// As lines or as JSON.
    pub format: LogFormat,
    /// From which level on.
    pub level: LogLevel,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// From which level on to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// What a person must do something about.
    Error,
    /// What healed.
    Warn,
    /// What one would tell a colleague.
    #[default]
    Info,
    /// Names and addresses, too.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Settings that stand at the top and may be repeated under a tenant.
const SHARED: [&str; 9] = [
    "mode",
    "protected",
    "reserve",
    "use_warning_seats",
    "inherited",
    "grace",
    "guards",
    "requests",
    "apply",
];
const TOP: [&str; 10] = [
    "state",
    "policies",
    "schedule",
    "time_zone",
    "tenants",
    "windows",
    "api",
    "notify",
    "log",
    "prices",
];

/// A configuration, and what a person should look at although it is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is valid and probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// Loads a configuration. Relative paths in it are relative to `directory`.
///
/// # Errors
///
/// Returns every problem.
pub fn load(file: &SourceFile, directory: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let tree = parse(file)?;
    let mut reader = Reader::new(file.name.clone());
    let config = read(&mut reader, &tree, directory);
    let (errors, warnings) = reader.finish();
    match config {
        Some(config) if errors.is_empty() => Ok(Loaded { config, warnings }),
        Some(_) | None => Err(errors),
    }
}

fn read(reader: &mut Reader, tree: &Node, directory: &Path) -> Option<Config> {
    let known: Vec<&str> = TOP.iter().chain(&SHARED).copied().collect();
    let fields = reader.fields(tree, "the configuration", &known)?;
    for key in ["windows", "api", "notify", "prices"] {
        if let Some(entry) = fields.get(key) {
            not_yet(reader, entry);
        }
    }
    if let Some(zone) = fields.get("time_zone").and_then(|entry| reader.text(&entry.value)) {
        known_zone(reader, &fields, zone);
    }
    if let Some(entry) = fields.get("schedule") {
        schedule(reader, &entry.value);
    }
    let path = |reader: &mut Reader, key: &str, default: &str| {
        let written = fields.get(key).and_then(|entry| reader.text(&entry.value));
        directory.join(written.unwrap_or(default))
    };
    let state = path(reader, "state", "/var/lib/seatkeeper");
    let policies = path(reader, "policies", "policies");
    let log = fields.get("log").and_then(|entry| log(reader, &entry.value)).unwrap_or_default();
    let shared = tenant::Shared::read(reader, &fields, tenant::Shared::default());
    let list = reader.required(&fields, "the configuration", "tenants")?;
    let mut tenants: Vec<(Tenant, Place)> = Vec::new();
    for node in reader.full_list(list, "`tenants`")? {
        let Some((tenant, place)) = tenant::read(reader, node, &shared, directory) else {
            continue;
        };
        if let Some((_, first)) = tenants.iter().find(|(other, _)| other.name == tenant.name) {
            let message =
                format!("tenant `{}` is named already, on line {}", tenant.name, first.line);
            reader.error(node.spot, message);
        }
        tenants.push((tenant, place));
    }
    let tenants = tenants.into_iter().map(|(tenant, _)| tenant).collect();
    Some(Config { state, policies, log, tenants })
}

/// Notes that a key is part of the format and takes no effect in this release.
fn not_yet(reader: &mut Reader, entry: &Entry) {
    let hint = "leave it out: it would take no effect";
    reader.error_with(entry.key_spot, format!("`{}` is not supported yet", entry.key), hint);
}

fn known_zone(reader: &mut Reader, fields: &Fields<'_>, zone: &str) {
    if jiff::tz::TimeZone::get(zone).is_err()
        && let Some(entry) = fields.get("time_zone")
    {
        let message = format!("unknown time zone `{zone}`");
        reader.error_with(entry.value.spot, message, "write it as in `Europe/Berlin` or `UTC`");
    }
}

/// Checks the shape of a schedule; nothing runs by it in this release.
fn schedule(reader: &mut Reader, node: &Node) {
    let Some(text) = reader.text(node) else { return };
    let fields = text.split_whitespace().count();
    let fits = matches!(fields, 5 | 6) || (fields == 1 && text.starts_with('@'));
    if !fits {
        let message = format!("`{text}` is not a schedule");
        let hint = "five fields as in `*/15 * * * *`, six with seconds first, or `@hourly`";
        reader.error_with(node.spot, message, hint);
    }
}

fn log(reader: &mut Reader, node: &Node) -> Option<Log> {
    let fields = reader.fields(node, "`log`", &["format", "level"])?;
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let levels = levels.map(|level| (level.as_str(), level));
    let format = fields.get("format").map(|e| reader.choice(&e.value, "log format", &formats));
    let level = fields.get("level").map(|e| reader.choice(&e.value, "log level", &levels));
    Some(Log {
        format: format.flatten().unwrap_or_default(),
        level: level.flatten().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
