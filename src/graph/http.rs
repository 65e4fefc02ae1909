//! The HTTP client: HTTP/2 where TLS offers it, HTTP/1.1 otherwise, and bounds for both.
//!
//! It never sends a request twice; whether that is safe, `session` and `write` know.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};

use crate::graph::settings::{InvalidSettings, Settings};

/// How long to wait for a connection at most.
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// How long a connection of HTTP/2 on which an answer is due may say nothing before it is asked
/// whether it still lives.
const PING_AFTER: Duration = Duration::from_secs(20);
/// How long it has to answer that.
const PING_WITHIN: Duration = Duration::from_secs(10);
/// How many bytes of one answer may be on their way: a page of 999 users, without a halt.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// How many bytes of all answers on one connection of HTTP/2 may be on their way.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// Which proxy requests go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    /// The one that the environment names, where it does.
    OfSystem,
    /// None.
    Never,
}

/// Prepares a client; nothing is sent yet.
///
/// # Errors
///
/// Fails where the system has no certificates to trust, or names a proxy that is no address.
pub(super) fn client(settings: &Settings, proxy: Proxy) -> Result<Client, InvalidSettings> {
    let client = builder(settings, proxy).build();
    client.map_err(|error| InvalidSettings::Http { reason: root_cause(&error) })
}

/// Says what a client does, except whom it trusts.
pub(super) fn builder(settings: &Settings, proxy: Proxy) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("seatkeeper/", env!("CARGO_PKG_VERSION")))
        // Graph does not redirect; whoever does is something else, and gets no token.
        .redirect(reqwest::redirect::Policy::none())
        // Source: RFC 9113, 8.7: what was refused with REFUSED_STREAM, or came behind the last
        // stream of a GOAWAY, was not processed and may be sent again. That is the word of whoever
        // stands nearest, a proxy perhaps. For a write a look costs one read, and believing it
        // wrongly a second effect; reads are tried again anyway, at a pace and counted.
        .retry(reqwest::retry::never())
        .connect_timeout(settings.timeout.min(CONNECT_MAX))
        // A request that runs into its timeout ends its stream, not the connection. Unless somebody
        // asks, all that follow would be sent over a connection that is dead.
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(PING_WITHIN)
        .http2_keep_alive_while_idle(false)
        // Fixed, since windows that adapt begin at 64 KiB and ping as often as data comes.
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW);
    match proxy {
        Proxy::OfSystem => builder,
        Proxy::Never => builder.no_proxy(),
    }
}

/// Returns the innermost cause: the outer ones say only that a request failed.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() { "no cause given".to_owned() } else { cause.to_string() }
}
