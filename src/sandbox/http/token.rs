//! The token endpoint: client credentials, and what is wrong with them.
//!
//! Source: Entra, OAuth 2.0 client credentials flow, and the list of AADSTS error codes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::sandbox::chance::Chance;
use crate::sandbox::http::credentials::Asked;
use crate::sandbox::http::json::{self, Object, base64url};
use crate::sandbox::http::lag::Moment;
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::{Reply, http_date};
use crate::sandbox::http::world::{Issued, World};

/// The hosts whose tokens are tokens for Graph.
const GRAPH_HOSTS: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

/// Why no token is issued.
pub(super) struct Refused {
    status: u16,
    error: &'static str,
    code: u32,
    message: String,
}

impl Refused {
    pub(super) fn new(
        status: u16,
        error: &'static str,
        code: u32,
        message: impl Into<String>,
    ) -> Self {
        Self { status, error, code, message: message.into() }
    }

    fn missing(parameter: &str) -> Self {
        let message =
            format!("The request body must contain the following parameter: '{parameter}'.");
        Self::new(400, "invalid_request", 900_144, message)
    }
}

/// Answers `POST /{tenant}/oauth2/v2.0/token`. `host` is the server's own, with its scheme.
pub(super) fn answer(
    world: &mut World,
    tenant: &str,
    form: &str,
    host: &str,
    now: Moment,
) -> Reply {
    let form = Query::parse(form);
    let endpoint = format!("{host}/{tenant}/oauth2/v2.0/token");
    let mut reply = match check(world, tenant, &form, (host, &endpoint), now.at) {
        Ok(()) => issue(world, now.at),
        Err(refused) => refused.into_reply(now),
    };
    reply.headers.push(("Cache-Control", "no-store, no-cache".to_owned()));
    reply.headers.push(("Date", http_date(now.at)));
    reply
}

fn check(
    world: &mut World,
    tenant: &str,
    form: &Query,
    (host, endpoint): (&str, &str),
    now: Timestamp,
) -> Result<(), Refused> {
    let about = world.tenant.about();
    let is_domain = about.domains.iter().any(|domain| domain.eq_ignore_ascii_case(tenant));
    if !is_domain && !tenant.eq_ignore_ascii_case(&about.id.to_string()) {
        let message = format!("Tenant '{tenant}' not found.");
        return Err(Refused::new(400, "invalid_request", 90_002, message));
    }
    let given = |name: &str| form.get(name).filter(|value| !value.is_empty());
    let grant = given("grant_type").ok_or_else(|| Refused::missing("grant_type"))?;
    if grant != "client_credentials" {
        let message = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(Refused::new(400, "unsupported_grant_type", 70_003, message));
    }
    let client = given("client_id").ok_or_else(|| Refused::missing("client_id"))?;
    if !client.eq_ignore_ascii_case(&world.client_id) {
        let message = format!(
            "Application with identifier '{client}' was not found in the directory '{}'.",
            about.display_name
        );
        return Err(Refused::new(400, "unauthorized_client", 700_016, message));
    }
    check_scope(given("scope").ok_or_else(|| Refused::missing("scope"))?, host)?;
    match (given("client_secret"), given("client_assertion")) {
        (Some(secret), _) => check_secret(world, secret, now),
        (None, Some(assertion)) => {
            let kind = given("client_assertion_type");
            let kind = kind.ok_or_else(|| Refused::missing("client_assertion_type"))?;
            if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
                let message = format!("The client assertion type '{kind}' is not supported.");
                return Err(Refused::new(400, "invalid_request", 900_144, message));
            }
            let asked = Asked { client_id: &world.client_id, endpoint, now };
            world.credentials.check(assertion, &asked, &mut world.assertions)
        }
        (None, None) => {
            let message = "The request body must contain the following parameter: \
                           'client_assertion' or 'client_secret'.";
            Err(Refused::new(401, "invalid_client", 7_000_218, message))
        }
    }
}

fn check_secret(world: &World, secret: &str, now: Timestamp) -> Result<(), Refused> {
    let refused = |code, message| Err(Refused::new(401, "invalid_client", code, message));
    if secret != world.secret {
        let message = "Invalid client secret provided. Ensure the secret being sent in the request is \
                       the client secret value, not the client secret ID.";
        return refused(7_000_215, message.to_owned());
    }
    if world.credentials.secret_ends_at.is_some_and(|end| end <= now) {
        let message =
            format!("The provided client secret keys for app '{}' are expired.", world.client_id);
        return refused(7_000_222, message);
    }
    Ok(())
}

fn check_scope(scope: &str, host: &str) -> Result<(), Refused> {
    let mut resources = scope.split_whitespace();
    let (first, more) = (resources.next().unwrap_or(""), resources.next());
    if more.is_some() {
        let message = "The request asks for scopes of several resources; only one is allowed.";
        return Err(Refused::new(400, "invalid_request", 700_022, message));
    }
    let Some(resource) = first.strip_suffix("/.default") else {
        let message = format!("The provided value for scope {scope} is not valid.");
        return Err(Refused::new(400, "invalid_scope", 70_011, message));
    };
    check_resource(resource, host)
}

/// Whether a resource is Graph, or this server.
pub(super) fn check_resource(resource: &str, host: &str) -> Result<(), Refused> {
    let resource = resource.trim_end_matches('/');
    if GRAPH_HOSTS.contains(&resource) || resource == host {
        return Ok(());
    }
    let message = format!("The resource '{resource}' is not among the app's permissions.");
    Err(Refused::new(400, "invalid_resource", 650_057, message))
}

/// Issues a token to the app.
fn issue(world: &mut World, now: Timestamp) -> Reply {
    let (client_id, lifetime) = (world.client_id.clone(), world.token_lifetime);
    let (token, _) = issue_for(world, &client_id, lifetime, now);
    let seconds = world.token_lifetime.as_secs();
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    json::text(object.key("token_type"), "Bearer");
    json::bare(object.key("expires_in"), seconds);
    json::bare(object.key("ext_expires_in"), seconds);
    json::text(object.key("access_token"), &token);
    object.end();
    let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    Reply { status: 200, headers, body, items: Vec::new() }
}

/// Issues a token: opaque to clients, and shaped like the real ones, so that tools can show its roles.
/// Returns it with its end.
pub(super) fn issue_for(
    world: &mut World,
    client_id: &str,
    lifetime: Duration,
    now: Timestamp,
) -> (String, Timestamp) {
    let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
    let expires_at = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    let mut claims = Vec::new();
    let mut object = Object::begin(&mut claims);
    json::text(object.key("aud"), "https://graph.microsoft.com");
    json::plain(object.key("tid"), world.tenant.about().id);
    json::text(object.key("appid"), client_id);
    json::bare(object.key("iat"), now.as_second());
    json::bare(object.key("exp"), expires_at.as_second());
    json::list(object.key("roles"), &world.roles, |out, role| json::text(out, role.as_str()));
    object.end();
    let signature = Chance::new(0x70_6b, "token", world.tokens_issued).guid();
    world.tokens_issued += 1;
    let header = base64url(br#"{"typ":"JWT","alg":"none"}"#);
    let token = format!("{header}.{}.{}", base64url(&claims), base64url(signature.as_bytes()));
    world.tokens.retain(|_, issued| issued.expires_at > now);
    world.tokens.insert(token.clone(), Issued { expires_at, roles: world.roles.clone() });
    (token, expires_at)
}

impl Refused {
    fn into_reply(self, now: Moment) -> Reply {
        let mut ids = Chance::new(0, "trace", now.request);
        let (trace, correlation) = (ids.guid(), ids.guid());
        let at = now.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let code = self.code;
        let description = format!(
            "AADSTS{code}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
            self.message
        );
        let mut body = Vec::new();
        let mut object = Object::begin(&mut body);
        json::text(object.key("error"), self.error);
        json::text(object.key("error_description"), &description);
        json::list(object.key("error_codes"), [code], json::bare);
        json::text(object.key("timestamp"), &at);
        json::plain(object.key("trace_id"), trace);
        json::plain(object.key("correlation_id"), correlation);
        let uri = format!("https://login.microsoftonline.com/error?code={code}");
        json::text(object.key("error_uri"), &uri);
        object.end();
        let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
        Reply { status: self.status, headers, body, items: Vec::new() }
    }
}
