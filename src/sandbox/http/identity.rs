//! A machine with a managed identity: the metadata service, App Service, and the agent of Azure Arc.
//!
//! Source: Azure Instance Metadata Service; App Service, "REST endpoint reference" of managed
//! identities; Azure Arc-enabled servers, managed identity.

use std::path::PathBuf;

use crate::sandbox::chance::Chance;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::lag::Moment;
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::{Reply, http_date};
use crate::sandbox::http::token;
use crate::sandbox::http::world::{Call, World};

/// Where the metadata service and the agent of Arc answer.
const METADATA: &str = "/metadata/identity/oauth2/token";
/// Where App Service answers.
const APP_SERVICE: &str = "/msi/token";
/// How long tokens of machines live.
const LIFETIME: std::time::Duration = std::time::Duration::from_hours(24);

/// A machine whose identity may sign in.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The client id of the identity that is assigned to it beside its own.
    pub client_id: String,
    /// What App Service wants to see.
    pub header: String,
    /// Where the agent of Arc leaves its files; none where there is no agent.
    pub tokens: Option<PathBuf>,
    /// What stands in the file that the agent left last.
    key: Option<String>,
}

impl Machine {
    /// A machine to which this identity is assigned.
    pub fn new(client_id: impl Into<String>, header: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), header: header.into(), tokens: None, key: None }
    }

    /// The same with the agent of Arc, which leaves its files there.
    #[must_use]
    pub fn with_agent(self, tokens: PathBuf) -> Self {
        Self { tokens: Some(tokens), ..self }
    }
}

/// Who answers on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Imds,
    AppService,
    Arc,
}

/// Answers where a machine asks for a token; none where the path is another or there is no machine.
pub(super) fn answer(world: &mut World, call: &Call, path: &str, base: &str) -> Option<Reply> {
    let machine = world.credentials.machine.clone()?;
    let query = Query::parse(&call.query);
    let host = match (path, query.get("api-version")) {
        (METADATA, Some("2020-06-01")) => Host::Arc,
        (METADATA, _) => Host::Imds,
        (APP_SERVICE, _) => Host::AppService,
        _ => return None,
    };
    let mut reply = match check(call, host, &machine, &query, base) {
        Ok(()) if host == Host::Arc => agent(world, call, &machine),
        Ok(()) => grant(world, &query, call.now),
        Err(fault) => fault.into_reply(host),
    };
    reply.headers.push(("Date", http_date(call.now.at)));
    Some(reply)
}

struct Fault {
    status: u16,
    error: &'static str,
    message: String,
}

fn fault(error: &'static str, message: &str) -> Fault {
    Fault { status: 400, error, message: message.to_owned() }
}

fn check(
    call: &Call,
    host: Host,
    machine: &Machine,
    query: &Query,
    base: &str,
) -> Result<(), Fault> {
    let header = |name: &str| call.headers.get(name).map(String::as_str);
    if call.method != "GET" {
        return Err(Fault { status: 405, ..fault("invalid_request", "Only GET is answered.") });
    }
    let version = match host {
        Host::Imds => "2018-02-01",
        Host::AppService => "2019-08-01",
        Host::Arc => "2020-06-01",
    };
    if query.get("api-version") != Some(version) {
        return Err(fault("invalid_request", "Invalid api-version."));
    }
    match host {
        Host::AppService if header("x-identity-header") != Some(&machine.header) => {
            return Err(Fault { status: 401, ..fault("unauthorized", "The header is wrong.") });
        }
        Host::Imds | Host::Arc if header("metadata") != Some("true") => {
            return Err(fault("invalid_request", "Required metadata header not specified"));
        }
        Host::AppService | Host::Imds | Host::Arc => {}
    }
    let resource = query.get("resource").unwrap_or("");
    if token::check_resource(resource, base).is_err() {
        let message =
            format!("AADSTS500011: The resource principal named {resource} was not found.");
        return Err(fault("invalid_resource", &message));
    }
    let named = ["client_id", "object_id", "principal_id", "msi_res_id", "mi_res_id"];
    let mut named = named.iter().filter_map(|name| Some((*name, query.get(name)?)));
    match named.next() {
        None => Ok(()),
        Some(("client_id", id)) if host != Host::Arc && id == machine.client_id => Ok(()),
        Some(_) => Err(fault("invalid_request", "Identity not found")),
    }
}

impl Fault {
    /// Each host has a form of its own.
    fn into_reply(self, host: Host) -> Reply {
        let mut body = Vec::new();
        let mut object = Object::begin(&mut body);
        match host {
            Host::Imds => {
                json::text(object.key("error"), self.error);
                json::text(object.key("error_description"), &self.message);
            }
            Host::AppService => {
                json::bare(object.key("statusCode"), self.status);
                json::text(object.key("message"), &self.message);
            }
            Host::Arc => {
                let mut inner = Object::begin(object.key("error"));
                json::text(inner.key("code"), self.error);
                json::text(inner.key("message"), &self.message);
                inner.end();
            }
        }
        object.end();
        let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
        Reply { status: self.status, headers, body, items: Vec::new() }
    }
}

/// Answers as the agent of Arc: only who can read the file that it leaves gets a token.
fn agent(world: &mut World, call: &Call, machine: &Machine) -> Reply {
    let Some(directory) = &machine.tokens else {
        return Fault { status: 404, ..fault("not_found", "There is no agent here.") }
            .into_reply(Host::Arc);
    };
    let given = call.headers.get("authorization").and_then(|value| value.strip_prefix("Basic "));
    if given.is_some() && given == machine.key.as_deref() {
        let query = Query::parse(&call.query);
        if let Some(machine) = &mut world.credentials.machine {
            machine.key = None;
        }
        return grant(world, &query, call.now);
    }
    let mut chance = Chance::new(0x61_72_63, "arc", call.now.request);
    let (name, key) = (chance.guid(), chance.guid().simple().to_string());
    let file = directory.join(format!("{name}.key"));
    if let Err(error) = std::fs::write(&file, &key) {
        let message = format!("The file cannot be written: {error}");
        return Fault { status: 500, ..fault("server_error", &message) }.into_reply(Host::Arc);
    }
    if let Some(machine) = &mut world.credentials.machine {
        machine.key = Some(key);
    }
    let challenge = format!("Basic realm={}", file.display());
    Reply { status: 401, headers: vec![("WWW-Authenticate", challenge)], ..Reply::default() }
}

/// Issues a token; all values are text.
fn grant(world: &mut World, query: &Query, now: Moment) -> Reply {
    let client_id = world.credentials.machine.as_ref().map(|machine| machine.client_id.clone());
    let client_id = query.get("client_id").map(str::to_owned).or(client_id).unwrap_or_default();
    let (token, expires_at) = token::issue_for(world, &client_id, LIFETIME, now.at);
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    json::text(object.key("access_token"), &token);
    json::text(object.key("client_id"), &client_id);
    json::plain(object.key("expires_in"), LIFETIME.as_secs());
    json::plain(object.key("ext_expires_in"), LIFETIME.as_secs());
    json::plain(object.key("expires_on"), expires_at.as_second());
    json::plain(object.key("not_before"), now.at.as_second());
    json::text(object.key("resource"), query.get("resource").unwrap_or(""));
    json::text(object.key("token_type"), "Bearer");
    object.end();
    let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    Reply { status: 200, headers, body, items: Vec::new() }
}
