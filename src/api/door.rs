//! Whether a request is meant for this service, and comes from no page of elsewhere.
//!
//! A name of an attacker may lead to our address, and a page of theirs then speaks to us through
//! somebody's browser: so names are checked, and so are origins where something would change.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method};

use super::problem::{Kind, Problem};

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// Who asks.
    pub(super) peer: SocketAddr,
    /// Where it was asked.
    pub(super) local: SocketAddr,
}

/// The names by which the service may be called.
#[derive(Debug)]
pub(super) struct Hosts {
    listen: SocketAddr,
    also: Vec<Arc<str>>,
}

impl Hosts {
    pub(super) fn new(listen: SocketAddr, also: Vec<Arc<str>>) -> Self {
        Self { listen, also }
    }

    /// Returns the address.
    pub(super) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Lets a request in that is meant for this service.
    pub(super) fn admit(&self, parts: &Parts) -> Result<(), Problem> {
        let Some(ends) = parts.extensions.get::<Ends>() else {
            return Err(Problem::new(Kind::Internal, "it is not known who asks"));
        };
        let host = host(parts)?;
        if !self.is_ours(&host, ends.local) {
            let detail = format!(
                "`{host}` is not a name of this service: add it to `hosts` of `api` if it should be"
            );
            return Err(Problem::new(Kind::WrongHost, detail));
        }
        refuse_foreign(parts, &host)
    }

    fn is_ours(&self, host: &Authority, local: SocketAddr) -> bool {
        let own_port = host.port_u16().unwrap_or(80) == self.listen.port();
        let name = host.host();
        let local = local.ip().to_canonical();
        let address: Option<IpAddr> =
            name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let is_address = match address {
            Some(address) => address == local || (local.is_loopback() && address.is_loopback()),
            None => local.is_loopback() && name.eq_ignore_ascii_case("localhost"),
        };
        let is_named = self.also.iter().any(|also| {
            also.eq_ignore_ascii_case(host.as_str()) || also.eq_ignore_ascii_case(name)
        });
        (own_port && is_address) || is_named
    }
}

/// Returns the one name that a request was sent to.
fn host(parts: &Parts) -> Result<Authority, Problem> {
    let bad = |detail: &str| Problem::new(Kind::BadRequest, detail);
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(bad("a request has exactly one header `Host`"));
    };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let host = host.filter(|host| !host.as_str().contains('@'));
    let host = host.ok_or_else(|| bad("`Host` is not a name with a port"))?;
    match parts.uri.authority() {
        Some(other) if *other != host => Err(bad("the address and `Host` name different hosts")),
        Some(_) | None => Ok(host),
    }
}

/// Refuses what a browser sends because a page of elsewhere told it to.
fn refuse_foreign(parts: &Parts, host: &Authority) -> Result<(), Problem> {
    let header = |name: &str| text(&parts.headers, name);
    let changes = parts.method != Method::GET && parts.method != Method::HEAD;
    let foreign = |detail: &str| Err(Problem::new(Kind::ForeignOrigin, detail));
    if header("sec-fetch-site") == Some("cross-site")
        && (changes || header("sec-fetch-mode") != Some("navigate"))
    {
        return foreign("the browser says that a page of another site asks");
    }
    let origins = parts.headers.get_all(ORIGIN);
    let is_own = |origin: &str| {
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        own.is_some_and(|own| own.eq_ignore_ascii_case(host.as_str()))
    };
    let mut origins = origins.iter().map(|origin| origin.to_str().unwrap_or_default());
    if changes && !origins.all(is_own) {
        return foreign("`Origin` is another one than that of this service");
    }
    Ok(())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
