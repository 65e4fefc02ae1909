//! Addresses of services: https, or plain http on this machine alone.

// Addresses as values alone: nothing here reaches a network.
use core::net::{IpAddr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The address of a service, without a slash at its end.
///
/// Secrets and tokens travel to it, so plain http is accepted for loopback addresses alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint(Arc<str>);

/// A text that is not the address of a service. Does not quote it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// It does not begin as an address does.
    #[error("an endpoint begins with `https://`")]
    Scheme,
    /// It would carry tokens in clear over a network.
    #[error("plain http is accepted for loopback addresses alone")]
    PlainHttp,
    /// It holds a user name or password.
    #[error("an endpoint carries no user name or password")]
    UserInfo,
    /// There is no host, or none that could be one.
    #[error("the host of the endpoint is not a name or an address")]
    Host,
    /// The port is none.
    #[error("the port of the endpoint is not a number from 1 to 65535")]
    Port,
    /// There is more than an address.
    #[error("an endpoint has no query, no fragment and no blanks")]
    Rest,
}

impl Endpoint {
    /// Returns the https address of a host that is known to be one.
    pub(super) fn https(host: &str) -> Self {
        Self(format!("https://{host}").into())
    }

    /// Returns the address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidEndpoint::Scheme)?;
        let plain = match scheme.to_ascii_lowercase().as_str() {
            "https" => false,
            "http" => true,
            _ => return Err(InvalidEndpoint::Scheme),
        };
        if rest.contains(['?', '#', '\\'])
            || rest.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(InvalidEndpoint::Rest);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if authority.contains('@') {
            return Err(InvalidEndpoint::UserInfo);
        }
        let host = host_of(authority)?;
        if plain && !is_loopback(&host) {
            return Err(InvalidEndpoint::PlainHttp);
        }
        let scheme = if plain { "http" } else { "https" };
        let authority = authority.to_ascii_lowercase();
        Ok(Self(format!("{scheme}://{authority}{}", path.trim_end_matches('/')).into()))
    }
}

/// Checks the host and the port, and returns the host.
fn host_of(authority: &str) -> Result<String, InvalidEndpoint> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or(InvalidEndpoint::Host)?;
        address.parse::<Ipv6Addr>().map_err(|_| InvalidEndpoint::Host)?;
        let port = match after {
            "" => None,
            after => Some(after.strip_prefix(':').ok_or(InvalidEndpoint::Port)?),
        };
        (address, port)
    } else {
        let (host, port) =
            authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if host.is_empty() || host.starts_with('.') || !host.bytes().all(fits) {
            return Err(InvalidEndpoint::Host);
        }
        (host, port)
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port {
        None => Ok(host.to_ascii_lowercase()),
        Some(port) if digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0) => {
            Ok(host.to_ascii_lowercase())
        }
        Some(_) => Err(InvalidEndpoint::Port),
    }
}

/// Whether what is sent there never leaves this machine.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, InvalidEndpoint> {
        text.parse::<Endpoint>().map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for text in
            ["http://127.0.0.1:8365", "http://127.8.9.1", "http://[::1]:80", "http://localhost"]
        {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        for text in [
            "http://graph.microsoft.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "http://[::2]",
            "http://0.0.0.0",
            "http://127.1",
            "http://2130706433",
            "http://0x7f.0.0.1",
        ] {
            assert_eq!(read(text), Err(InvalidEndpoint::PlainHttp), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_a_scheme_a_host_a_port_and_a_path() {
        assert_eq!(
            read("HTTPS://Graph.Example/Base/").as_deref(),
            Ok("https://graph.example/Base")
        );
        for (text, error) in [
            ("graph.microsoft.com", InvalidEndpoint::Scheme),
            ("ftp://x", InvalidEndpoint::Scheme),
            ("https://", InvalidEndpoint::Host),
            ("https://a b", InvalidEndpoint::Rest),
            ("https://x?y", InvalidEndpoint::Rest),
            ("https://x\\@y", InvalidEndpoint::Rest),
            ("https://user:word@x", InvalidEndpoint::UserInfo),
            ("http://127.0.0.1@evil.example", InvalidEndpoint::UserInfo),
            ("https://x:0", InvalidEndpoint::Port),
            ("https://x:65536", InvalidEndpoint::Port),
            ("https://x:+1", InvalidEndpoint::Port),
            ("https://[::1", InvalidEndpoint::Host),
            ("https://[::1]x", InvalidEndpoint::Port),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }
}
