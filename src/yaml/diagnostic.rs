//! What is wrong with a file, where, and what to do about it.

use serde::Serialize;

use crate::domain::names::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing of the file is used.
    Error,
    /// The file is used, and somebody should look at it.
    Warning,
}

impl Severity {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, the thing in backticks.
    pub message: String,
    /// Where.
    pub place: Place,
    /// How many characters it is about.
    pub length: u32,
    /// What to do.
    pub hint: Option<String>,
    /// Another place that explains it.
    pub related: Option<Box<Related>>,
    /// The column from which the line is not to be shown, because it may hold a secret.
    pub conceal_from: Option<u32>,
    /// How many problems it stands for: more than one where it counts those that are not told.
    pub stands_for: u64,
}

/// Another place that explains a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// Where.
    pub place: Place,
    /// How many characters it is about.
    pub length: u32,
    /// The column from which the line is not to be shown.
    pub conceal_from: Option<u32>,
}

/// A file may hold a name of many megabytes; a message about it stays readable.
const MESSAGE_CHARACTERS_MAX: usize = 400;

impl Diagnostic {
    /// Makes an error.
    pub fn error(place: Place, length: u32, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: clip(message.into()),
            place,
            length,
            hint: None,
            related: None,
            conceal_from: None,
            stands_for: 1,
        }
    }

    /// Makes what is said behind the last one that is told: how many more there are, and where.
    pub fn more(last: &Self, untold: u64, whereabouts: &str) -> Self {
        let what = match (last.severity, untold) {
            (Severity::Error, 1) => "problem",
            (Severity::Error, _) => "problems",
            (Severity::Warning, 1) => "warning",
            (Severity::Warning, _) => "warnings",
        };
        let message = format!("and {untold} more {what} in {whereabouts}");
        let told = Self::error(last.place.clone(), last.length, message);
        Self { severity: last.severity, stands_for: untold, ..told }
    }

    /// Makes a warning.
    pub fn warning(place: Place, length: u32, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, length, message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(clip(hint.into()));
        self
    }

    /// Adds another place that explains it.
    #[must_use]
    pub fn with_related(mut self, message: &str, place: Place, length: u32) -> Self {
        let message = message.to_owned();
        self.related = Some(Box::new(Related { message, place, length, conceal_from: None }));
        self
    }
}

fn clip(text: String) -> String {
    let characters = text.chars().count();
    if characters <= MESSAGE_CHARACTERS_MAX {
        return text;
    }
    let half = MESSAGE_CHARACTERS_MAX / 2;
    let (start, end) = (text.chars().take(half), text.chars().skip(characters - half));
    start.chain(['…']).chain(end).collect()
}

#[derive(Serialize)]
struct Json<'a> {
    severity: &'static str,
    message: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
    length: u32,
    hint: Option<&'a str>,
}

impl<'a> From<&'a Diagnostic> for Json<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let Diagnostic {
            severity,
            message,
            place,
            length,
            hint,
            related: _,
            conceal_from: _,
            stands_for: _,
        } = diagnostic;
        let hint = hint.as_deref();
        let (file, line, column) = (&*place.file, place.line, place.column);
        Self { severity: severity.as_str(), message, file, line, column, length: *length, hint }
    }
}

/// Returns the diagnostics as what serialises to a JSON array, for editors and pipelines.
pub fn to_json(diagnostics: &[Diagnostic]) -> impl Serialize {
    diagnostics.iter().map(Json::from).collect::<Vec<_>>()
}
