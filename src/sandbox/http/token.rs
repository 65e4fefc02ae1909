//! The token endpoint: client credentials, and what is wrong with them.
//!
//! Source: Entra, OAuth 2.0 client credentials flow, and the list of AADSTS error codes.

use jiff::{SignedDuration, Timestamp};

use crate::sandbox::chance::Chance;
use crate::sandbox::http::json::{self, Object, base64url};
use crate::sandbox::http::lag::Moment;
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::Reply;
use crate::sandbox::http::world::{Issued, World};

/// The hosts whose tokens are tokens for Graph.
const GRAPH_HOSTS: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

/// Why no token is issued.
struct Refused {
    status: u16,
    error: &'static str,
    code: u32,
    message: String,
}

impl Refused {
    fn new(status: u16, error: &'static str, code: u32, message: impl Into<String>) -> Self {
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
    let mut reply = match check(world, tenant, &form, host) {
        Ok(()) => issue(world, now.at),
        Err(refused) => refused.into_reply(now),
    };
    reply.headers.push(("Cache-Control", "no-store, no-cache".to_owned()));
    reply
}

fn check(world: &World, tenant: &str, form: &Query, host: &str) -> Result<(), Refused> {
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
    check_credential(world, given("client_secret"), given("client_assertion"))?;
    check_scope(given("scope").ok_or_else(|| Refused::missing("scope"))?, host)
}

fn check_credential(
    world: &World,
    secret: Option<&str>,
    assertion: Option<&str>,
) -> Result<(), Refused> {
    let refused = |code, message: &str| Err(Refused::new(401, "invalid_client", code, message));
    match (secret, assertion) {
        (Some(secret), _) if secret == world.secret => Ok(()),
        (Some(_), _) => refused(
            7_000_215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the \
             client secret value, not the client secret ID.",
        ),
        (None, Some(_)) => refused(
            700_027,
            "Client assertion contains an invalid signature. The key was not found: this app has \
             no certificate.",
        ),
        (None, None) => refused(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'.",
        ),
    }
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
    let resource = resource.trim_end_matches('/');
    if GRAPH_HOSTS.contains(&resource) || resource == host {
        return Ok(());
    }
    let message = format!("The resource '{resource}' is not among the app's permissions.");
    Err(Refused::new(400, "invalid_resource", 650_057, message))
}

/// Issues a token: opaque to clients, and shaped like the real ones, so that tools can show its roles.
fn issue(world: &mut World, now: Timestamp) -> Reply {
    let lifetime = SignedDuration::try_from(world.token_lifetime).unwrap_or(SignedDuration::MAX);
    let expires_at = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    let mut claims = Vec::new();
    let mut object = Object::begin(&mut claims);
    json::text(object.key("aud"), "https://graph.microsoft.com");
    json::plain(object.key("tid"), world.tenant.about().id);
    json::text(object.key("appid"), &world.client_id);
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
