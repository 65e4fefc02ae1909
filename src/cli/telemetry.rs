//! Logs: sentences with fields, on stderr, as text or JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line a person reads.
    Text,
    /// A JSON object a line.
    Json,
}

/// Begins to log. What has begun already goes on as it is.
pub fn begin(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_new(format!("warn,seatkeeper={level}"))
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr);
    // A second beginning in one process is not a fault: the first stays.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).compact().finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
}
