//! Writes metrics as text.
//!
//! Source: OpenMetrics 1.0. Every number is a fact that somebody else keeps, so there is nothing to
//! register and nothing to update; what a page needs is that its families are whole and in order.

use std::fmt::Write as _;

use jiff::Timestamp;

/// The media type of a page.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a family counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
    StateSet,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::StateSet => "",
            Self::Histogram => "_count",
        }
    }
}

/// A page of metrics.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

/// A family that is being written. Its samples follow it at once, so that no family is in pieces.
pub(super) struct Family<'a> {
    page: &'a mut Page,
    name: &'static str,
    kind: Kind,
}

/// Labels, in order.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// Begins a family, by its name without the ending that its kind asks for.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let text = &mut self.text;
        let kind_word = kind.word();
        writeln!(text, "# TYPE {name} {kind_word}").expect("a text takes everything");
        if name.ends_with("_seconds") {
            writeln!(text, "# UNIT {name} seconds").expect("a text takes everything");
        }
        writeln!(text, "# HELP {name} {}", escaped(help)).expect("a text takes everything");
        Family { page: self, name, kind }
    }

    /// Ends the page.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

impl Family<'_> {
    /// Writes a number.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: u64) {
        self.line(self.kind.ending(), labels, &value.to_string());
    }

    /// Writes a time; nothing where there is none, so that nobody takes it for 1970.
    pub(super) fn time(&mut self, labels: Labels<'_>, at: Option<Timestamp>) {
        if let Some(at) = at {
            let milliseconds = at.as_millisecond();
            let (whole, rest) = (milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000));
            self.line(self.kind.ending(), labels, &format!("{whole}.{rest:03}"));
        }
    }

    /// Writes a histogram: `buckets` hold how many lie at or below each bound, but above the one before.
    pub(super) fn histogram(
        &mut self,
        labels: Labels<'_>,
        buckets: impl Iterator<Item = (f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        let mut below = 0;
        for (bound, more) in buckets {
            below += more;
            self.bucket(labels, &format!("{bound:?}"), below);
        }
        self.bucket(labels, "+Inf", count);
        self.line("_count", labels, &count.to_string());
        self.line("_sum", labels, &sum.to_string());
    }

    fn bucket(&mut self, labels: Labels<'_>, bound: &str, below: u64) {
        let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound)]).collect();
        self.line("_bucket", &labels, &below.to_string());
    }

    fn line(&mut self, ending: &str, labels: Labels<'_>, value: &str) {
        let text = &mut self.page.text;
        text.push_str(self.name);
        text.push_str(ending);
        let mut opens = '{';
        for (name, value) in labels {
            write!(text, "{opens}{name}=\"{}\"", escaped(value)).expect("a text takes everything");
            opens = ',';
        }
        if !labels.is_empty() {
            text.push('}');
        }
        writeln!(text, " {value}").expect("a text takes everything");
    }
}

/// Escapes what would end a line or a quoted text.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}
