//! What libraries ask of a login host before they ask for a token: which hosts belong together, and
//! where a tenant's endpoints are.
//!
//! Checks no credentials; that is the token endpoint's.
//!
//! Source: `OpenID` Connect discovery, as Entra answers it; instance discovery of the MSAL libraries.

use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::query::{Query, decode_segment};
use crate::sandbox::http::reply::Reply;
use crate::sandbox::http::world::{Call, World};

/// Stands for whichever tenant it is.
const ANY_TENANT: [&str; 2] = ["common", "organizations"];
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Answers a question about the login host, where it is one. `host` is the server's own, with its
/// scheme.
pub(super) fn answer(world: &World, call: &Call, path: &str, host: &str) -> Option<Reply> {
    if call.method != "GET" {
        return None;
    }
    if path == "/common/discovery/instance" {
        return Some(instance(&call.options(), host));
    }
    let tenant = path.strip_prefix('/')?.strip_suffix(DISCOVERY)?;
    let (tenant, version) = match tenant.strip_suffix("/v2.0") {
        Some(tenant) => (tenant, "/v2.0"),
        None => (tenant, ""),
    };
    (!tenant.contains('/')).then(|| configuration(world, &decode_segment(tenant), version, host))
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    Reply { status, headers, body, items: Vec::new() }
}

/// Says that this host stands for itself alone.
fn instance(query: &Query, host: &str) -> Reply {
    let name = host.split_once("://").map_or(host, |(_, name)| name);
    let asked = query.get("authorization_endpoint").unwrap_or_default();
    // `https://HOST/TENANT/oauth2/v2.0/authorize`: the part after the host is the tenant.
    let tenant = asked.split('/').nth(3).filter(|tenant| !tenant.is_empty()).unwrap_or("common");
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let endpoint = format!("{host}/{tenant}/v2.0{DISCOVERY}");
    json::text(object.key("tenant_discovery_endpoint"), &endpoint);
    json::text(object.key("api-version"), query.get("api-version").unwrap_or("1.1"));
    json::list(object.key("metadata"), [name], |out, name| {
        let mut entry = Object::begin(out);
        json::text(entry.key("preferred_network"), name);
        json::text(entry.key("preferred_cache"), name);
        json::list(entry.key("aliases"), [name], json::text);
        entry.end();
    });
    object.end();
    reply(200, body)
}

fn configuration(world: &World, tenant: &str, version: &str, host: &str) -> Reply {
    let about = world.tenant.about();
    let id = about.id.to_string();
    let is_domain = about.domains.iter().any(|domain| domain.eq_ignore_ascii_case(tenant));
    let is_any = ANY_TENANT.contains(&tenant);
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    if !is_domain && !is_any && !tenant.eq_ignore_ascii_case(&id) {
        json::text(object.key("error"), "invalid_tenant");
        let description = format!("AADSTS90002: Tenant '{tenant}' not found.");
        json::text(object.key("error_description"), &description);
        json::list(object.key("error_codes"), [90_002], json::bare);
        object.end();
        return reply(400, body);
    }
    let issuer = if is_any { "{tenantid}" } else { id.as_str() };
    let segment = if is_any { tenant } else { id.as_str() };
    let endpoint = |name: &str| format!("{host}/{segment}/oauth2{version}/{name}");
    json::text(object.key("token_endpoint"), &endpoint("token"));
    json::list(
        object.key("token_endpoint_auth_methods_supported"),
        ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        json::text,
    );
    json::list(object.key("response_types_supported"), ["code"], json::text);
    json::text(object.key("issuer"), &format!("{host}/{issuer}{version}"));
    json::text(object.key("authorization_endpoint"), &endpoint("authorize"));
    json::optional(object.key("tenant_region_scope"), None);
    let name = host.split_once("://").map_or(host, |(_, name)| name);
    json::text(object.key("cloud_instance_name"), name);
    json::text(object.key("msgraph_host"), name);
    object.end();
    reply(200, body)
}
