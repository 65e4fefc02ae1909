//! Logs: sentences with fields, on stderr, as text or JSON. Under a journal each line says how grave it
//! is, and leaves the time to the journal.

use std::io::{self, Stderr, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::environment;

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
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(io::stderr);
    // A second beginning in one process is not a fault: the first stays.
    let _ = match (format, environment::has_journal()) {
        (LogFormat::Text, false) => builder.with_target(false).compact().finish().try_init(),
        (LogFormat::Text, true) => {
            let builder = builder.with_writer(Journal).with_target(false).with_level(false);
            builder.without_time().with_ansi(false).compact().finish().try_init()
        }
        (LogFormat::Json, false) => {
            builder.json().flatten_event(true).with_span_list(false).finish().try_init()
        }
        (LogFormat::Json, true) => builder
            .with_writer(Journal)
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .finish()
            .try_init(),
    };
}

/// Begins every line with its priority, as the journal reads it from a service's stderr.
///
/// Source: sd-daemon(3), `SyslogLevelPrefix=` in systemd.exec(5).
struct Journal;

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        Lines { prefix: "<6>", stderr: io::stderr() }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Lines {
        let prefix = match *meta.level() {
            Level::ERROR => "<3>",
            Level::WARN => "<4>",
            Level::INFO => "<6>",
            _ => "<7>",
        };
        Lines { prefix, stderr: io::stderr() }
    }
}

/// Writes an event: every line of it with the same priority.
struct Lines {
    prefix: &'static str,
    stderr: Stderr,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stderr.write_all(&prefixed(self.prefix, bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()
    }
}

fn prefixed(prefix: &str, bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len() + 16);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        all.extend_from_slice(prefix.as_bytes());
        all.extend_from_slice(line);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_an_event_says_how_grave_it_is() {
        assert_eq!(prefixed("<3>", b"a\nb\n"), b"<3>a\n<3>b\n");
    }
}
