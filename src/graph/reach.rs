//! Whether somebody answers at an address, and how far a request came where nobody does.

use std::error::Error;
use std::time::Duration;

use reqwest::Url;
use tokio::time::Instant;

use crate::graph::advice::cut;
use crate::graph::session::Session;
use crate::ports::Clock;

/// How long to wait for an answer of any kind.
const WITHIN: Duration = Duration::from_secs(15);

/// How far a request came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Somebody answered.
    Answered {
        /// With this HTTP status.
        status: u16,
        /// So fast.
        after: Duration,
    },
    /// Nobody did.
    Failed {
        /// Where it ended.
        step: Step,
        /// What was said.
        reason: String,
    },
}

/// A step on the way to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking up the name.
    Name,
    /// Passing the proxy.
    Proxy,
    /// Connecting.
    Connection,
    /// Agreeing on encryption.
    Tls,
    /// Waiting for an answer.
    Answer,
}

impl Step {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name resolution",
            Self::Proxy => "the proxy",
            Self::Connection => "the connection",
            Self::Tls => "TLS",
            Self::Answer => "the answer",
        }
    }

    /// Returns what a person can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Name => "check the name, and the name servers of this machine",
            Self::Proxy => {
                "check HTTPS_PROXY and NO_PROXY, and that the proxy lets this host through"
            }
            Self::Connection => {
                "check that firewall and proxy let it through; HTTPS_PROXY names a proxy"
            }
            Self::Tls => {
                "does something in between open TLS? its root certificate belongs into the store of \
                 this machine; and the clock decides which certificates are valid"
            }
            Self::Answer => "it may be overloaded, or the way to it blocked",
        }
    }

    /// Returns where a request ended.
    fn of(error: &reqwest::Error) -> Self {
        let mut words = String::new();
        let mut cause: Option<&dyn Error> = Some(error);
        while let Some(error) = cause {
            words = format!("{words} {error}").to_ascii_lowercase();
            cause = error.source();
        }
        let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
        if says(&["dns", "lookup address"]) {
            Self::Name
        } else if says(&["tunnel", "proxy"]) {
            Self::Proxy
        } else if says(&["certificate", "tls", "handshake", "invalidcontenttype"]) {
            Self::Tls
        } else if error.is_connect() {
            Self::Connection
        } else {
            Self::Answer
        }
    }
}

impl<C: Clock> Session<C> {
    /// Asks for something that needs no token. Whatever is answered, somebody is there.
    pub(super) async fn reach(&self, client: &reqwest::Client, url: Url) -> Reach {
        let (began, sent_at) = (Instant::now(), self.clock.now());
        let request = client.get(url).timeout(self.settings.timeout.min(WITHIN));
        match request.send().await {
            Ok(response) => {
                self.note_clock(response.headers(), sent_at);
                Reach::Answered { status: response.status().as_u16(), after: began.elapsed() }
            }
            Err(error) => {
                let mut cause: &dyn Error = &error;
                while let Some(source) = cause.source() {
                    cause = source;
                }
                Reach::Failed { step: Step::of(&error), reason: cut(&cause.to_string(), 200) }
            }
        }
    }
}
