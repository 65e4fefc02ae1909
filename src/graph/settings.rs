//! What a client of Graph must be told.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::domain::names::TenantName;
use crate::graph::credential::SignIn;
use crate::ports::quota::QuotaMemory;

/// Which tenant to talk to, where, as whom, and with how much patience.
#[derive(Clone)]
pub struct Settings {
    /// What the configuration calls the tenant.
    pub tenant: TenantName,
    /// Its GUID or one of its domains.
    pub tenant_id: String,
    /// Where tokens are issued, such as `https://login.microsoftonline.com`.
    pub login: String,
    /// Where Graph is, such as `https://graph.microsoft.com`.
    pub graph: String,
    /// Who signs in, and how.
    pub sign_in: SignIn,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long all tries of one call may take together.
    pub give_up_after: Duration,
    /// How long reads may lag behind a write whose answer was lost: so long after it was sent, one that
    /// does not show it is no reason to send it again.
    pub settle_after: Duration,
    /// How many listings are read, and how many batches are written, at once at most; at least 1.
    pub concurrency: u32,
    /// Whether what is read may wait for what people do with the same app, as a daemon's reads may.
    pub in_background: bool,
    /// How far the clock of this machine may be from Graph's before nothing that is read is believed:
    /// graces and schedules follow the clock. None where it is not looked at.
    pub clock_tolerance: Option<Duration>,
    /// What keeps the state of the tenant's quotas beyond the process; none where nothing does.
    pub quota: Option<Arc<dyn QuotaMemory>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("tenant", &self.tenant)
            .field("tenant_id", &self.tenant_id)
            .field("login", &self.login)
            .field("graph", &self.graph)
            .finish_non_exhaustive()
    }
}

/// Settings that no client can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// An endpoint is no address.
    #[error("`{text}` is not an address: {reason}")]
    Address {
        /// The text as it was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An endpoint would carry secrets in the clear.
    #[error("`{text}` is plain http, which is accepted for loopback addresses alone")]
    PlainHttp {
        /// The text as it was given.
        text: String,
    },
    /// The HTTP client cannot be built.
    #[error("cannot set up HTTP: {reason}")]
    Http {
        /// Why.
        reason: String,
    },
}

/// Parses an endpoint, which is https, or http on a loopback address.
pub(super) fn endpoint(text: &str) -> Result<Url, InvalidSettings> {
    let refuse = |reason: &str| InvalidSettings::Address {
        text: text.to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    if url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(
            "it must be a scheme and a host, such as `https://graph.microsoft.com`",
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(InvalidSettings::PlainHttp { text: text.to_owned() }),
        _ => Err(refuse("it must begin with `https://`")),
    }
}

/// Parses the address of whoever issues tokens to the programs of this machine: https, or http that
/// goes no further than its own link.
///
/// Source: RFC 3927: 169.254.0.0/16 is never routed.
pub(super) fn host_endpoint(text: &str) -> Result<Url, InvalidSettings> {
    let is_link_local = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_link_local())
    };
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && is_link_local(&url) => Ok(url),
        Ok(_) | Err(_) => endpoint(text),
    }
}

/// Whether an address never leaves this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Appends segments to an address, each percent-encoded where it must be.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.path_segments_mut()
        .expect("an http address has path segments")
        .pop_if_empty()
        .extend(segments);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for fine in ["https://graph.microsoft.com", "http://127.0.0.1:8365", "http://[::1]:1/"] {
            assert!(endpoint(fine).is_ok(), "{fine}");
        }
        assert_eq!(
            endpoint("http://graph.microsoft.com").unwrap_err().to_string(),
            "`http://graph.microsoft.com` is plain http, which is accepted for loopback addresses alone"
        );
        for wrong in ["graph.microsoft.com", "ftp://127.0.0.1", "https://x/?a=b", ""] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_host_of_an_identity_may_be_on_the_same_link() {
        for fine in ["http://169.254.169.254", "http://169.254.129.2:8081/msi/token"] {
            assert!(host_endpoint(fine).is_ok(), "{fine}");
            assert!(endpoint(fine).is_err(), "{fine}");
        }
        assert!(host_endpoint("http://10.0.0.1/metadata").is_err());
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let base = endpoint("https://login.test/").unwrap();
        let url = below(&base, &["a/../b?c", "token"]);
        assert_eq!(url.as_str(), "https://login.test/a%2F..%2Fb%3Fc/token");
    }
}
