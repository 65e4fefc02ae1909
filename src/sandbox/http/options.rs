//! How a server behaves, and what time it is there.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::sandbox::faults::Faults;
use crate::sandbox::http::credentials::Credentials;
use crate::sandbox::http::delta::Delta;
use crate::sandbox::http::lag::{Lag, Lags};
use crate::sandbox::http::paging::PageTokens;
use crate::sandbox::http::tls::Tls;
use crate::sandbox::roles::Role;
use crate::sandbox::throttle::Quotas;

/// The client id of the app that the sandbox knows, where nothing else is said.
pub const CLIENT_ID: &str = "2c9a4d10-7d5b-4c50-8f37-4b8b3f0a7a11";
/// The secret of that app. It opens nothing but a sandbox.
pub const CLIENT_SECRET: &str = "sandbox-secret";

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// Where to listen. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// What HTTPS is served with; plain HTTP is where it is none.
    pub tls: Option<Tls>,
    /// The client id of the app.
    pub client_id: String,
    /// The secret of the app.
    pub secret: String,
    /// What else it may sign in with.
    pub credentials: Credentials,
    /// What the app may do.
    pub roles: BTreeSet<Role>,
    /// What goes wrong.
    pub faults: Faults,
    /// How long reads lag behind writes.
    pub lag: Lag,
    /// How long what is not a plain read lags.
    pub lags: Lags,
    /// Whether groups that an administrator elsewhere changed are worked through, as those are that a
    /// request changed.
    pub follows_groups: bool,
    /// How strict the tokens of pages are.
    pub page_tokens: PageTokens,
    /// How deep a plain filter may nest; none means that only its clauses are counted. Graph was seen
    /// to refuse more than 3.
    pub filter_height_max: Option<usize>,
    /// Quotas; without any, nothing is throttled.
    pub throttle: Throttle,
    /// How long tokens live.
    pub token_lifetime: Duration,
    /// How long a slow answer takes.
    pub delay: Duration,
    /// What time it is.
    pub clock: Clock,
    /// Whether the tenant tells when users last signed in.
    pub sign_ins: SignInActivity,
    /// What delta queries tell.
    pub delta: Delta,
    /// Whether requests of low priority are refused before a quota is used up.
    pub priorities: bool,
}

/// Whether a tenant tells when users last signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInActivity {
    /// It has no premium license, and does not.
    NoPremium,
    /// It does, to apps that may read it.
    Pages {
        /// Users on a page at most.
        most: usize,
    },
}

/// Which quotas hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttle {
    /// What Graph documents for a tenant of this size.
    #[default]
    Documented,
    /// None.
    Off,
    /// These.
    Custom(Quotas),
}

/// Where the server's time comes from.
#[derive(Clone)]
pub enum Clock {
    /// Begins here when the server starts, and runs as tokio's time does.
    From(Timestamp),
    /// Asks each time.
    Ask(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            client_id: CLIENT_ID.to_owned(),
            secret: CLIENT_SECRET.to_owned(),
            credentials: Credentials::default(),
            roles: Role::usual(),
            faults: Faults::default(),
            lag: Lag::None,
            lags: Lags::default(),
            follows_groups: false,
            page_tokens: PageTokens::default(),
            filter_height_max: None,
            throttle: Throttle::Documented,
            // Source: Entra, access tokens of apps: 3,599 seconds is what is commonly sent.
            token_lifetime: Duration::from_secs(3_599),
            delay: Duration::from_secs(2),
            clock: Clock::From(
                "2026-11-23T09:00:00Z".parse().expect("the instant is written in RFC 3339"),
            ),
            // Source: Graph list users, with signInActivity selected.
            sign_ins: SignInActivity::Pages { most: 500 },
            delta: Delta::default(),
            priorities: false,
        }
    }
}

impl Clock {
    /// Returns the time.
    pub(super) fn now(&self, started: tokio::time::Instant) -> Timestamp {
        match self {
            Self::From(start) => {
                let passed = SignedDuration::try_from(started.elapsed());
                start
                    .saturating_add(passed.unwrap_or(SignedDuration::MAX))
                    .unwrap_or(Timestamp::MAX)
            }
            Self::Ask(ask) => ask(),
        }
    }
}
