//! Sends one message to one address, within bounds, and tells nothing of the address.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};

/// How long a delivery may take, from the first byte to the last.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read, so that the connection can be used again.
const ANSWER_MAX: usize = 16 * 1024;

/// How a try ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The receiver took it.
    Arrived,
    /// The receiver does not take it, and probably never will.
    Refused { status: u16 },
    /// The receiver does not take it now.
    Later { status: u16, retry_after: Option<Duration> },
    /// There is no answer. Says why, without the address.
    Unanswered { why: String },
}

/// Sends messages.
pub(super) trait Sender: Send + Sync {
    /// Sends a message in JSON.
    fn send(&self, address: &SecretString, body: String) -> impl Future<Output = Sent> + Send;

    /// Returns a number from 0 to 1.
    fn jitter(&self) -> f64;
}

/// Sends over HTTP.
pub(super) struct Http {
    /// By the proxy of the system, where there is one.
    outside: Client,
    /// To this machine, past any proxy.
    inside: Client,
}

impl Http {
    /// Prepares to send.
    pub(super) fn new() -> Result<Self, String> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("seatkeeper/", env!("CARGO_PKG_VERSION")))
                // Whoever moves tells so; a message about people follows nobody elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
        };
        let failed = |error: reqwest::Error| root_cause(&error);
        let outside = builder().build().map_err(failed)?;
        let inside = builder().no_proxy().build().map_err(failed)?;
        Ok(Self { outside, inside })
    }
}

impl Sender for Http {
    async fn send(&self, address: &SecretString, body: String) -> Sent {
        let (url, is_inside) = match usable(address) {
            Ok(usable) => usable,
            Err(why) => return Sent::Unanswered { why: why.to_owned() },
        };
        let client = if is_inside { &self.inside } else { &self.outside };
        let request = client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        match request.send().await {
            Ok(response) => judge(response).await,
            Err(error) => Sent::Unanswered { why: lost(&error.without_url()) },
        }
    }

    fn jitter(&self) -> f64 {
        rand::random()
    }
}

/// Reads an address, and whether it is on this machine. What is wrong with it is said without it.
fn usable(address: &SecretString) -> Result<(Url, bool), &'static str> {
    let url = Url::parse(address.expose_secret()).map_err(|_| "its address is no URL")?;
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_inside = bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok((url, is_inside)),
        "http" if is_inside => Ok((url, is_inside)),
        _ => Err("its address is not https"),
    }
}

async fn judge(mut response: Response) -> Sent {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    let retry_after = retry_after.and_then(|after| after.trim().parse().ok());
    let retry_after = retry_after.map(Duration::from_secs);
    let mut read = 0;
    // What it says is not kept: an answer may repeat the address. That it breaks off says nothing.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_MAX {
            break;
        }
    }
    match status {
        200..=299 => Sent::Arrived,
        408 | 425 | 429 | 500..=599 => Sent::Later { status, retry_after },
        _ => Sent::Refused { status },
    }
}

fn lost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        format!("no answer within {} s", TIMEOUT.as_secs())
    } else if error.is_connect() {
        format!("no connection: {}", root_cause(error))
    } else {
        format!("the connection broke: {}", root_cause(error))
    }
}

/// Returns the innermost cause: the outer ones say only that a request failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut words = "no cause given".to_owned();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_told() {
        let usable = |text: &str| {
            let usable = usable(&SecretString::from(text.to_owned()));
            usable.map(|(_, is_inside)| is_inside)
        };
        assert_eq!(usable("https://hooks.slack.com/services/T/B/x"), Ok(false));
        assert_eq!(usable("http://127.0.0.1:9/x"), Ok(true));
        assert_eq!(usable("http://[::1]:9/x"), Ok(true));
        assert_eq!(usable("http://localhost:9/x"), Ok(true));
        for wrong in ["http://hooks.slack.com/x", "ftp://127.0.0.1/x", "http://127.0.0.1.evil.com/"]
        {
            assert_eq!(usable(wrong), Err("its address is not https"), "{wrong}");
        }
        assert_eq!(usable("services/T/B/x"), Err("its address is no URL"));
    }
}
