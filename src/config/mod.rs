//! The configuration: which tenants there are, how to sign in to them, and what planning obeys.
//!
//! Pure. A secret stays a reference here, and a configuration that holds one in clear is refused
//! without showing it. Nothing here opens a file or looks at the environment.

use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::event::Event;
use crate::domain::names::TenantName;
use crate::domain::schedule::Schedule;
use crate::domain::span::Span;
use crate::domain::window::Windows;
use crate::policy::settings::Settings;
use crate::yaml::{Diagnostic, Parsed, Reader, SourceFile, examine};

mod auth;
mod beside;
pub mod cloud;
mod conceal;
pub mod endpoint;
mod layer;
mod limits;
mod lower;
pub mod schema;

use cloud::Cloud;
use endpoint::Endpoint;

/// Everything that a configuration file says, with defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The directory that holds the store and the locks. Default `/var/lib/seatkeeper`.
    pub state: PathBuf,
    /// The directory of the policy files. Default `policies` beside the configuration file.
    pub policies: PathBuf,
    /// What is logged, and how.
    pub log: Log,
    /// How long plans that ended are kept, with their outcomes. Default 400 days.
    pub retention: Keep,
    /// Where the daemon answers HTTP; none where it does not.
    pub api: Option<Api>,
    /// Who is told what.
    pub notify: Vec<Receiver>,
    /// The tenants, in the order of the file; at least one, no name and no id twice.
    pub tenants: Vec<Tenant>,
}

/// One tenant, with what the top of the file says where the tenant says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// The name that policies and people use.
    pub name: TenantName,
    /// Its GUID or one of its domains, in lower case.
    pub tenant_id: Arc<str>,
    /// Which of Microsoft's clouds it is in.
    pub cloud: Cloud,
    /// How to sign in.
    pub auth: Auth,
    /// Where tokens are issued, at `{login}/{tenant_id}/oauth2/v2.0/token`.
    pub login: Endpoint,
    /// Where Graph is, asked at `{graph}/v1.0/…`.
    pub graph: Endpoint,
    /// Who approves plans.
    pub mode: Mode,
    /// When cycles are due. Default every 15 minutes.
    pub schedule: Schedule,
    /// When changes may run.
    pub windows: Windows,
    /// What planning obeys.
    pub settings: Settings,
    /// How often all of the tenant is read, where cycles read what changed.
    pub full_read: Span,
    /// How patient requests are.
    pub requests: Requests,
    /// How patient applying is.
    pub apply: Apply,
}

/// How to sign in to a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// As an app registration.
    App {
        /// Its application (client) id: a GUID in lower case.
        client_id: Arc<str>,
        /// What proves that it is the app.
        credential: Credential,
    },
    /// As the machine that this runs on.
    ManagedIdentity(Identity),
}

/// What proves that it is the app which signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Its secret.
    Secret(SecretRef),
    /// A certificate with its key.
    Certificate(CertificateRef),
    /// A token of somebody whom the app trusts; none where the environment says in which file it is.
    FederatedToken(Option<SecretRef>),
}

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateRef {
    /// In PEM.
    Pem {
        /// The certificate, with its key where that is in no other place.
        certificate: SecretRef,
        /// The key.
        key: Option<SecretRef>,
        /// What opens the key, where it is encrypted.
        password: Option<SecretRef>,
    },
    /// In a PKCS#12 file.
    Pkcs12 {
        /// The file.
        file: SecretRef,
        /// What opens it, where it has a password.
        password: Option<SecretRef>,
    },
}

/// Which identity of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Its own.
    System,
    /// One by its client id.
    ClientId(Arc<str>),
    /// One by the object id of its service principal.
    ObjectId(Arc<str>),
    /// One by its resource id in Azure.
    ResourceId(Arc<str>),
}

/// Where a secret is; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable.
    Env(Arc<str>),
    /// In a file, of which a newline at the end does not count.
    File(PathBuf),
    /// In a credential that systemd passes on.
    ///
    /// Source: systemd.exec(5), `LoadCredential=`: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(Arc<str>),
}

/// Who approves plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Nothing is changed.
    #[default]
    Observe,
    /// A person approves each plan.
    Approve,
    /// What trips no guard needs no person.
    Enforce,
}

impl Mode {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Approve => "approve",
            Self::Enforce => "enforce",
        }
    }
}

/// How patient requests to Graph are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// How long one request may take.
    pub timeout: Span,
    /// How long all tries of one call may take together.
    pub give_up_after: Span,
}

/// How patient applying is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apply {
    /// How long to look for what Graph accepted until a read shows it.
    pub confirm_within: Span,
    /// How old an intent without outcome must be before a read that does not show it is believed.
    pub settle_after: Span,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So long, and then no longer.
    For(Span),
    /// For ever.
    Forever,
}

/// Where the daemon answers HTTP, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The address and port. Default `127.0.0.1:8364`.
    pub listen: SocketAddr,
    /// Whether the configuration says so; where the default cannot be had the daemon goes on without.
    pub is_asked_for: bool,
    /// Names by which it may be called beside its address and `localhost`.
    pub hosts: Vec<Arc<str>>,
    /// Who may ask.
    pub tokens: Vec<ApiToken>,
}

/// Somebody who may ask over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// The name that goes into the history.
    pub name: Arc<str>,
    /// Where the token is.
    pub token: SecretRef,
    /// What it allows. Default reading.
    pub may: BTreeSet<Right>,
}

/// What somebody may do over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Look.
    Read,
    /// Decide on plans, pause, resume, and ask for cycles.
    Approve,
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 2] = [Self::Read, Self::Approve];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Approve => "approve",
        }
    }
}

/// Somebody who is told when something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// What logs call it; the address may be a secret.
    pub name: Arc<str>,
    /// Where the address is.
    pub webhook: SecretRef,
    /// In which form it is told.
    pub format: WebhookFormat,
    /// What it is told. Default everything.
    pub on: BTreeSet<Event>,
    /// About which tenants; none for all.
    pub tenants: Option<Vec<Arc<str>>>,
}

/// The form of what is sent to a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebhookFormat {
    /// A JSON object.
    #[default]
    Json,
    /// An adaptive card, as workflows of Teams take it.
    Teams,
    /// A message, as incoming webhooks of Slack take it.
    Slack,
}

impl WebhookFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Json, Self::Teams, Self::Slack];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Teams => "teams",
            Self::Slack => "slack",
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// In which form.
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
    /// One JSON object a line.
    Json,
}

/// The least important level that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What a person must do something about.
    Error,
    /// What healed, too.
    Warn,
    /// What one would tell a colleague, too.
    #[default]
    Info,
    /// What helps to find a fault, with names and addresses.
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

/// A configuration, and what a person should look at although it is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is valid and probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// Loads a configuration. Relative paths in it are relative to `directory`, where the file lies.
///
/// # Errors
///
/// Returns every problem; nothing was loaded. Lines that may hold a secret are marked so that
/// showing the problems does not show it.
pub fn load(file: &SourceFile, directory: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let Parsed { tree, problems: mut errors } = examine(file);
    if tree.is_none() {
        // Where the syntax is at fault nobody knows what is a value.
        for error in &mut errors {
            error.conceal_from = Some(error.place.column);
        }
    }
    let mut reader = Reader::guarding_values(file.name.clone());
    let config = tree.and_then(|tree| lower::lower(&mut reader, &tree, directory));
    let (of_meaning, mut warnings) = reader.finish();
    errors.extend(of_meaning);
    conceal::conceal(&mut errors, &file.text);
    conceal::conceal(&mut warnings, &file.text);
    match config {
        Some(config) if errors.is_empty() => Ok(Loaded { config, warnings }),
        Some(_) | None => {
            errors.sort_by(|a, b| a.place.cmp(&b.place));
            Err(errors)
        }
    }
}

#[cfg(test)]
mod tests;
