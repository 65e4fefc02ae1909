//! How configuration files describe themselves to editors.
//!
//! What the format has and this version refuses is left out, so that no editor offers it.

#![expect(dead_code, reason = "these types describe; no value of them is ever made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use crate::yaml::schema::{self, Guid, Name, PositiveSpan, Span, Text, scalar};

/// Returns the JSON Schema of configuration files.
pub fn document() -> Value {
    schema::document::<ConfigurationFile>()
}

/// The configuration of Seatkeeper: which tenants there are, and what planning obeys. Relative paths
/// are relative to this file.
#[derive(JsonSchema)]
#[schemars(title = "Seatkeeper configuration", deny_unknown_fields)]
struct ConfigurationFile {
    /// The directory of ledger, plans and outcomes. Default: `/var/lib/seatkeeper`.
    state: Option<Text>,
    /// The directory of the policy files. Default: `policies`.
    policies: Option<Text>,
    /// What is logged, and how.
    log: Option<Log>,
    /// How long plans that ended are kept, with their outcomes; `forever` for always. Default: `400d`.
    #[schemars(extend("examples" = ["400d", "forever"]))]
    retention: Option<Text>,
    /// Where the daemon answers HTTP, and whom; `off` for nowhere. Default: `127.0.0.1:8364`.
    api: Option<ApiOrOff>,
    /// Who is told when something happens.
    notify: Option<Vec<Receiver>>,
    /// The tenants; no name and no directory twice.
    #[schemars(length(min = 1))]
    tenants: Vec<Tenant>,
    #[schemars(flatten)]
    settings: Settings,
}

/// One Entra directory. Settings of the top may be repeated here to override them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Tenant {
    /// What policies and people call it.
    #[schemars(extend("examples" = ["contoso"]))]
    name: Name,
    /// The directory (tenant) id, or one of its domains.
    #[schemars(rename = "tenant_id")]
    id: TenantId,
    /// Which of Microsoft's clouds it is in. Default: `global`.
    cloud: Option<Cloud>,
    /// How to sign in.
    auth: Auth,
    /// Other addresses of the services, as for a sandbox.
    endpoints: Option<Endpoints>,
    #[schemars(flatten)]
    settings: Settings,
}

/// Settings of the top of the file, which a tenant may override.
#[derive(JsonSchema)]
struct Settings {
    /// Who approves plans. Default: `observe`.
    mode: Option<Mode>,
    /// When to look: five cron fields, or six with seconds first, or a word such as `@hourly`.
    schedule: Option<Schedule>,
    /// When changes may run. Default: always.
    windows: Option<Vec<Window>>,
    /// The time zone in which days begin, by its IANA name. Default: `UTC`.
    #[schemars(extend("examples" = ["Europe/Berlin", "UTC"]))]
    time_zone: Option<Text>,
    /// Whom nothing ever touches, whatever a policy says, such as break-glass accounts.
    protected: Option<Protected>,
    /// Seats to keep free, by SKU (part number or id).
    #[schemars(extend("examples" = [{"SPE_E5": 5}]))]
    reserve: Option<BTreeMap<String, u32>>,
    /// Whether seats in their grace period, after a subscription ran out, count. Default: `false`.
    use_warning_seats: Option<bool>,
    /// What one seat costs a month, by SKU (part number or id): an amount and a currency.
    #[schemars(extend("examples" = [{"SPE_E5": "54.60 EUR"}]))]
    #[expect(
        clippy::zero_sized_map_values,
        reason = "types stand for shapes here, and hold nothing"
    )]
    prices: Option<BTreeMap<String, Price>>,
    /// What it means that a user inherits a SKU from a group. Default: `satisfies`.
    inherited: Option<Inherited>,
    /// How long to wait before a license goes from somebody who left a policy. Default: `7d`.
    grace: Option<Span>,
    /// How often all of the tenant is read, where cycles read only what changed. Default: `24h`.
    full_read: Option<Span>,
    /// Limits that hold a plan until a person accepts them by name.
    guards: Option<Guards>,
    /// How patient requests to Graph are.
    requests: Option<Requests>,
    /// How patient applying is.
    apply: Option<Apply>,
}

/// A span of time that comes again and again. Where windows allow, changes run in them alone; where
/// one denies, they do not, whatever others allow.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{"allow": "0 20 * * MON-FRI", "for": "8h", "changes": "removals"}]))]
struct Window {
    /// When it opens, if changes may run in it.
    allow: Option<Schedule>,
    /// When it opens, if changes may not run in it.
    deny: Option<Schedule>,
    /// How long it stays open.
    #[schemars(rename = "for")]
    length: PositiveSpan,
    /// Which changes it is about. Default: `all`.
    changes: Option<Changes>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Changes {
    /// All.
    All,
    /// Those that take something away.
    Removals,
}

/// Where the daemon answers HTTP, or `off`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum ApiOrOff {
    /// Nowhere.
    Off(Off),
    /// There.
    Api(Api),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Off {
    /// Nowhere.
    Off,
}

/// Where the daemon answers HTTP, and whom.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Api {
    /// The address and port. Default: `127.0.0.1:8364`.
    listen: Option<Text>,
    /// Names by which it may be called beside its address and `localhost`.
    hosts: Option<Vec<Text>>,
    /// Who may ask. Without any, everybody on this machine may look, and nobody may decide.
    tokens: Option<Vec<ApiToken>>,
}

/// Somebody who may ask over HTTP.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ApiToken {
    /// The name that goes into the history.
    name: Text,
    /// Where the token is.
    token: SecretPlace,
    /// What it allows. Default: `[read]`.
    #[schemars(length(min = 1))]
    may: Option<Vec<Right>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Right {
    /// Look.
    Read,
    /// Decide on plans, pause, resume, and ask for cycles.
    Approve,
}

/// Somebody who is told when something happens.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Receiver {
    /// What logs call it. Default: the format and its place in the list.
    name: Option<Text>,
    /// Where the address is; never the address itself.
    webhook: SecretPlace,
    /// In which form it is told. Default: `json`.
    format: Option<WebhookFormat>,
    /// What it is told. Default: everything.
    #[schemars(length(min = 1))]
    on: Option<Vec<Event>>,
    /// About which tenants. Default: all.
    tenants: Option<Vec<Text>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum WebhookFormat {
    /// A JSON object.
    Json,
    /// An adaptive card, as workflows of Teams take it.
    Teams,
    /// A message, as incoming webhooks of Slack take it.
    Slack,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Event {
    /// A guard holds a plan.
    Held,
    /// A cycle or a plan came to nothing.
    Failed,
    /// A plan was carried out in part.
    Partial,
    /// A plan waits for approval.
    Waiting,
    /// A subscription ends soon, or a plan that waits for a person does.
    Expiring,
    /// A SKU gained or lost service plans.
    Catalogue,
    /// The policies are invalid; the last good ones stay in force.
    Invalid,
    /// What had failed works again.
    Recovered,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Mode {
    /// Plans are made, stored and reported.
    Observe,
    /// A person approves each plan.
    Approve,
    /// What trips no guard needs no person.
    Enforce,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Inherited {
    /// Who inherits a SKU with the wanted service plans needs no direct assignment.
    Satisfies,
    /// It is assigned directly all the same.
    Ignore,
}

#[derive(JsonSchema)]
enum Cloud {
    /// The worldwide one, which holds GCC too.
    #[schemars(rename = "global")]
    Global,
    /// US Government L4, also called GCC High.
    #[schemars(rename = "usgov")]
    UsGov,
    /// US Government L5, of the Department of Defense.
    #[schemars(rename = "usgov_dod")]
    UsGovDod,
    /// China, operated by 21Vianet.
    #[schemars(rename = "china")]
    China,
}

/// What is logged, and how.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Log {
    /// In which form. Default: `text`.
    format: Option<LogFormat>,
    /// The least important level that is logged. Default: `info`.
    level: Option<LogLevel>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum LogLevel {
    /// What a person must do something about.
    Error,
    /// What healed, too.
    Warn,
    /// What one would tell a colleague, too.
    Info,
    /// What helps to find a fault, with names and addresses.
    Debug,
    /// Everything.
    Trace,
}

/// How to sign in: as an app registration, in one of three ways, or as the machine itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["client_id", "client_secret"], "maxProperties": 2},
    {"required": ["client_id", "certificate"], "maxProperties": 2},
    {"required": ["client_id", "federated_token"], "maxProperties": 2},
    {"required": ["managed_identity"], "maxProperties": 1},
]))]
struct Auth {
    /// The application (client) id of the app registration.
    client_id: Option<Guid>,
    /// Where the secret is; never the secret itself.
    client_secret: Option<SecretPlace>,
    /// Where a certificate and its RSA key are, in PEM or in a PKCS#12 file.
    certificate: Option<CertificatePlace>,
    /// Where a token is of somebody whom the app trusts, or `{}` for the file that
    /// `AZURE_FEDERATED_TOKEN_FILE` names.
    federated_token: Option<TokenPlace>,
    /// Sign in as the machine: `{}` for its own identity.
    managed_identity: Option<Identity>,
}

/// Where a certificate and its key are. Files are read anew whenever they are needed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [
        {"required": ["certificate"], "not": {"required": ["pkcs12"]}},
        {
            "required": ["pkcs12"],
            "not": {"anyOf": [{"required": ["certificate"]}, {"required": ["key"]}]},
        },
    ],
    "examples" = [
        {"certificate": {"file": "cert.pem"}, "key": {"file": "key.pem"}},
        {"pkcs12": {"file": "app.pfx"}, "password": {"file": "/etc/seatkeeper/pfx.password"}},
    ]
))]
struct CertificatePlace {
    /// The certificate in PEM, with its key where `key` names no other place.
    certificate: Option<SecretPlace>,
    /// The key in PEM.
    key: Option<SecretPlace>,
    /// A PKCS#12 file (`.pfx`), or the same in base64.
    pkcs12: Option<SecretPlace>,
    /// What opens an encrypted key or the PKCS#12 file.
    password: Option<SecretPlace>,
}

/// Where a token is, or `{}`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum TokenPlace {
    /// In the file that `AZURE_FEDERATED_TOKEN_FILE` names.
    Environment(Nothing),
    /// There.
    Place(SecretPlace),
}

/// Nothing: `{}`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Nothing {}

/// Which identity of the machine: `{}` for its own.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("maxProperties" = 1))]
#[schemars(extend("examples" = [{}, {"client_id": "2c9a4d10-7d5b-4c50-8f37-4b8b3f0a7a11"}]))]
#[expect(clippy::struct_field_names, reason = "these are the keys of the file")]
struct Identity {
    /// One by its client id.
    client_id: Option<Guid>,
    /// One by the object id of its service principal.
    object_id: Option<Guid>,
    /// One by its resource id in Azure.
    resource_id: Option<ResourceId>,
}

/// Where a secret is; never the secret itself.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(extend("examples" = [{"env": "SEATKEEPER_SECRET"}, {"file": "/etc/seatkeeper/secret"}]))]
enum SecretPlace {
    /// In this environment variable.
    Env(Variable),
    /// In this file.
    File(Text),
    /// In this credential that systemd passes on (`LoadCredential=`).
    Credential(Credential),
}

/// Other addresses of the services: https, or plain http on this machine alone.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Endpoints {
    /// Where Graph is, asked at `{graph}/v1.0/…`.
    graph: Option<Endpoint>,
    /// Where tokens are issued, at `{login}/{tenant_id}/oauth2/v2.0/token`.
    login: Option<Endpoint>,
}

/// Whom nothing ever touches.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{"users": ["breakglass@contoso.com"], "groups": ["Break Glass"]}]))]
struct Protected {
    /// Users, by principal name or object id.
    users: Option<Vec<User>>,
    /// Groups, by display name or object id.
    groups: Option<Vec<Text>>,
}

/// Limits that hold a plan until a person accepts them by name.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Guards {
    /// Whether a person looks at the first plan of a tenant. Default: `on`.
    first_plan: Option<OnOrOff>,
    /// How many people may lose a SKU that policies own, for each SKU and for the tenant.
    max_removals: Option<MaxRemovals>,
    /// How many people may lose a SKU within 24 hours, in however many plans; `0` forbids.
    /// Default: 50.
    removals_per_day: Option<CountLimit>,
    /// How many people a plan may change.
    max_changes: Option<MaxChanges>,
    /// Whether to hold plans where a group, OU, list or policy had 3 or more people and has none now.
    /// Default: `on`.
    emptied_source: Option<OnOrOff>,
    /// Whether to hold plans where users or the members of a group are far fewer than before.
    /// Default: `on`.
    shrunk_source: Option<OnOrOff>,
    /// Whether to hold plans where an attribute that a policy uses is empty for far more users than
    /// before. Default: `on`.
    blanked_attribute: Option<OnOrOff>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnOrOff {
    /// The guard looks.
    On,
    /// It does not.
    Off,
}

/// How many people may lose a SKU.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum MaxRemovals {
    /// No limit.
    Unlimited(Unlimited),
    /// A share and a number.
    Limited(RemovalLimit),
}

/// How many people may lose a SKU; the stricter of both holds.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("examples" = [{"percent": "5%", "count": 50}]))]
struct RemovalLimit {
    /// The share of those who hold it. Default: `5%`.
    percent: Option<PercentLimit>,
    /// The number of people; `0` forbids. Default: 50.
    count: Option<CountLimit>,
}

/// How many people a plan may change; it is held where both are passed.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum MaxChanges {
    /// No limit.
    Unlimited(Unlimited),
    /// A share, once there are so many people.
    Limited(ChangeLimit),
}

/// No limit, spelled out.
#[derive(JsonSchema)]
enum Unlimited {
    /// No limit.
    #[schemars(rename = "unlimited")]
    Unlimited,
}

/// A share of the tenant's users, once there are so many people.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("examples" = [{"percent": "25%", "above": 50}]))]
struct ChangeLimit {
    /// The share of the tenant's users. Default: `25%`.
    percent: Option<PercentLimit>,
    /// Up to this many people are never too many. Default: 50.
    above: Option<People>,
}

/// How patient requests to Graph are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Requests {
    /// How long one request may take. Default: `60s`.
    timeout: Option<PositiveSpan>,
    /// How long all tries of one call may take together. Default: `600s`.
    give_up_after: Option<PositiveSpan>,
}

/// How patient applying is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Apply {
    /// How long to look for what Graph accepted until a read shows it. Default: `300s`.
    confirm_within: Option<PositiveSpan>,
    /// How old what was sent without an answer must be before a read that does not show it is
    /// believed. Default: `120s`.
    settle_after: Option<PositiveSpan>,
}

scalar! {
    /// A directory (tenant) id, or a domain of the tenant.
    TenantId, {
        "type": ["string", "number"],
        "pattern": concat!(
            "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
            "|[A-Za-z0-9-][A-Za-z0-9-]*\\.[A-Za-z0-9.-]*)$"
        ),
        "examples": ["contoso.onmicrosoft.com"],
    }
}
scalar! {
    /// What one seat costs a month.
    Price, {
        "type": "string",
        "pattern": "^[0-9]{1,7}(\\.[0-9]{1,4})? [A-Z]{3}$",
        "examples": ["54.60 EUR"],
    }
}
scalar! {
    /// Five cron fields, or six with seconds first, or a word for a span.
    Schedule, {
        "type": "string",
        "pattern": concat!(
            "^(@(hourly|daily|midnight|weekly|monthly|yearly)",
            "|\\s*[A-Za-z0-9*/,?#-]+(\\s+[A-Za-z0-9*/,?#-]+){4,5}\\s*)$"
        ),
        "examples": ["*/15 * * * *", "@hourly"],
    }
}
scalar! {
    /// The address of a service: https, or plain http on this machine alone.
    Endpoint, {
        "type": "string",
        "pattern": concat!(
            "^((https|HTTPS)://[^/?#@\\\\\\s]+",
            "|(http|HTTP)://(localhost|127\\.[0-9.]+|\\[[0:]*1\\])(:[0-9]+)?)(/[^?#\\\\\\s]*)?$"
        ),
        "examples": ["http://127.0.0.1:8365"],
    }
}
scalar! {
    /// The id of a resource in Azure.
    ResourceId, {"type": "string", "pattern": "^/[Ss][Uu][Bb][Ss][Cc][Rr][Ii][Pp][Tt][Ii][Oo][Nn][Ss]/"}
}
scalar! {
    /// The name of an environment variable, not the secret itself.
    Variable, {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
}
scalar! {
    /// The name of a credential, not the secret itself.
    Credential, {
        "type": ["string", "number", "boolean"],
        "pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$",
    }
}
scalar! {
    /// A user, by principal name or object id.
    User, {
        "type": "string",
        "pattern": "@|^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    }
}
scalar! {
    /// A share from 0% to 100%, with at most two decimals, or `unlimited`.
    PercentLimit, {
        "type": "string",
        "pattern": "^((0?[0-9]{1,2}(\\.[0-9]{1,2})?|100(\\.0{1,2})?)\\s*%|unlimited)$",
        "examples": ["5%", "unlimited"],
    }
}
scalar! {
    /// A number of people.
    People, {"type": ["string", "integer"], "minimum": 0, "pattern": "^[0-9]+$", "examples": [50]}
}
scalar! {
    /// A number of people, or `unlimited`.
    CountLimit, {
        "type": ["string", "integer"],
        "minimum": 0,
        "pattern": "^([0-9]+|unlimited)$",
        "examples": [50, "unlimited"],
    }
}

#[cfg(test)]
mod tests;
