//! The toolkit for those who give the tree a meaning: typed access that notes every problem and
//! goes on, so that all of them are told at once.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::names::Place;
use crate::yaml::diagnostic::{Diagnostic, Severity};
use crate::yaml::node::{Entry, Kind, Node, Spot};

/// How many problems of one file are told; the rest are counted.
const PROBLEMS_MAX: usize = 100;

/// Reads values out of a tree and notes every problem with its place.
///
/// Every accessor returns `None` exactly where it has noted why.
#[derive(Debug)]
pub struct Reader {
    file: Arc<str>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    untold: u64,
    untold_warnings: u64,
    guards_values: bool,
}

/// The keys of a mapping, all of which are known.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    entries: &'a [Entry],
    /// Where the mapping begins.
    pub spot: Spot,
}

impl<'a> Fields<'a> {
    /// Returns the entry of this key, where it was written.
    pub fn get(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// Returns the entries in the order in which they were written.
    pub fn entries(&self) -> &'a [Entry] {
        self.entries
    }
}

impl Reader {
    /// Begins reading a file.
    pub fn new(file: Arc<str>) -> Self {
        let (errors, warnings) = (Vec::new(), Vec::new());
        Self { file, errors, warnings, untold: 0, untold_warnings: 0, guards_values: false }
    }

    /// Begins reading a file in which the value of an unknown key may be a secret, and is not
    /// shown.
    pub fn guarding_values(file: Arc<str>) -> Self {
        Self { guards_values: true, ..Self::new(file) }
    }

    /// Returns the errors and the warnings, in the order of their places.
    pub fn finish(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let Self { file: _, mut errors, mut warnings, untold, untold_warnings, guards_values: _ } =
            self;
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        warnings.sort_by(|a, b| a.place.cmp(&b.place));
        for (told, untold) in [(&mut errors, untold), (&mut warnings, untold_warnings)] {
            if let Some(last) = told.last().filter(|_| untold > 0) {
                told.push(Diagnostic::more(last, untold, "this file"));
            }
        }
        (errors, warnings)
    }

    /// Returns a spot of this file as a place.
    pub fn place(&self, spot: Spot) -> Place {
        Place { file: self.file.clone(), line: spot.line, column: spot.column }
    }

    /// Notes an error.
    pub fn error(&mut self, spot: Spot, message: impl Into<String>) {
        self.note(Diagnostic::error(self.place(spot), spot.length, message));
    }

    /// Notes an error and what to do about it.
    pub fn error_with(&mut self, spot: Spot, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Diagnostic::error(self.place(spot), spot.length, message).with_hint(hint));
    }

    /// Notes an error that another spot of the same file explains.
    pub fn error_related(&mut self, spot: Spot, message: impl Into<String>, other: (&str, Spot)) {
        let (explanation, other) = other;
        let diagnostic = Diagnostic::error(self.place(spot), spot.length, message);
        self.note(diagnostic.with_related(explanation, self.place(other), other.length));
    }

    /// Notes a warning.
    pub fn warning(&mut self, spot: Spot, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Diagnostic::warning(self.place(spot), spot.length, message).with_hint(hint));
    }

    /// Notes a diagnostic.
    pub fn note(&mut self, diagnostic: Diagnostic) {
        match diagnostic.severity {
            Severity::Error if self.errors.len() < PROBLEMS_MAX => self.errors.push(diagnostic),
            Severity::Error => self.untold += 1,
            Severity::Warning if self.warnings.len() < PROBLEMS_MAX => {
                self.warnings.push(diagnostic);
            }
            Severity::Warning => self.untold_warnings += 1,
        }
    }

    fn wrong_kind(&mut self, node: &Node, wanted: &str) {
        self.error(node.spot, format!("expected {wanted}, found {}", node.describe()));
    }

    /// Returns the keys of a mapping. An unknown key is an error, with the nearest known one.
    pub fn fields<'a>(&mut self, node: &'a Node, what: &str, known: &[&str]) -> Option<Fields<'a>> {
        self.fields_beside(node, what, known, &|_| false)
    }

    /// Returns the keys of a mapping, which may have others beside the known ones.
    pub fn fields_beside<'a>(
        &mut self,
        node: &'a Node,
        what: &str,
        known: &[&str],
        others: &dyn Fn(&str) -> bool,
    ) -> Option<Fields<'a>> {
        let fields = self.mapping(node)?;
        for entry in fields.entries {
            if !known.contains(&&*entry.key) && !others(&entry.key) {
                self.unknown_key(entry, what, known);
            }
        }
        Some(fields)
    }

    /// Notes that a key is unknown.
    pub fn unknown_key(&mut self, entry: &Entry, what: &str, known: &[&str]) {
        if self.errors.len() >= PROBLEMS_MAX {
            // Nobody reads what was probably meant here; it is only counted.
            self.untold += 1;
            return;
        }
        let hint = match did_you_mean(&entry.key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{what} can have {}", quoted_list(known)),
        };
        let spot = entry.key_spot;
        let message = format!("unknown key `{}`", entry.key);
        let diagnostic = Diagnostic::error(self.place(spot), spot.length, message).with_hint(hint);
        let value = self.guards_values.then_some(spot.column + spot.length + 1);
        self.note(Diagnostic { conceal_from: value, ..diagnostic });
    }

    /// Returns the keys of a mapping, whatever they are.
    pub fn mapping<'a>(&mut self, node: &'a Node) -> Option<Fields<'a>> {
        match &node.kind {
            Kind::Mapping(entries) => Some(Fields { entries, spot: node.spot }),
            Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) => {
                self.wrong_kind(node, "a mapping");
                None
            }
        }
    }

    /// Returns the value of a key that must be there.
    pub fn required<'a>(&mut self, fields: &Fields<'a>, what: &str, key: &str) -> Option<&'a Node> {
        let entry = fields.get(key);
        if entry.is_none() {
            self.error(fields.spot, format!("{what} needs `{key}`"));
        }
        entry.map(|entry| &entry.value)
    }

    /// Returns the items of a list.
    pub fn list<'a>(&mut self, node: &'a Node) -> Option<&'a [Node]> {
        match &node.kind {
            Kind::Sequence(items) => Some(items),
            Kind::Scalar { text, plain: _ } if !node.is_nothing() => {
                let hint = format!("write `[{}]`", clipped(text));
                self.error_with(node.spot, "expected a list, found a single value", hint);
                None
            }
            Kind::Scalar { text: _, plain: _ } | Kind::Mapping(_) => {
                self.wrong_kind(node, "a list");
                None
            }
        }
    }

    /// Returns the items of a list that must not be empty.
    pub fn full_list<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Node]> {
        let items = self.list(node)?;
        if items.is_empty() {
            self.error(node.spot, format!("{what} is empty"));
            return None;
        }
        Some(items)
    }

    /// Returns the items of a list that must not be empty, or a single value as a list of one.
    pub fn one_or_more<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Node]> {
        match &node.kind {
            Kind::Sequence(_) => self.full_list(node, what),
            Kind::Scalar { text: _, plain: _ } => Some(std::slice::from_ref(node)),
            Kind::Mapping(_) => {
                self.wrong_kind(node, "a single value or a list");
                None
            }
        }
    }

    /// Returns a text that is not empty.
    pub fn text<'a>(&mut self, node: &'a Node) -> Option<&'a str> {
        match &node.kind {
            Kind::Scalar { text, plain: _ } if !node.is_nothing() => {
                if text.trim().is_empty() {
                    self.error(node.spot, "expected a text, found an empty one");
                    return None;
                }
                Some(text)
            }
            Kind::Scalar { text, plain: _ } if !text.is_empty() => {
                let hint = format!("if the text `{text}` is meant, put it in quotation marks");
                self.error_with(node.spot, "expected a text, found nothing", hint);
                None
            }
            Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) | Kind::Mapping(_) => {
                self.wrong_kind(node, "a text");
                None
            }
        }
    }

    /// Returns a text taken for a value of another type.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, node: &Node) -> Option<T> {
        match self.text(node)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(node.spot, error.to_string());
                None
            }
        }
    }

    /// Returns a truth value: `true` or `false` and nothing else.
    pub fn boolean(&mut self, node: &Node) -> Option<bool> {
        let plain = match &node.kind {
            Kind::Scalar { text, plain: true } => &**text,
            Kind::Scalar { text: _, plain: false } | Kind::Sequence(_) | Kind::Mapping(_) => "",
        };
        let meant = match plain.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => "write `true`",
            "false" | "no" | "off" | "n" => "write `false`",
            _ => "write `true` or `false`, without quotation marks",
        };
        match plain {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                let message = match &node.kind {
                    Kind::Scalar { text, plain: _ } if !node.is_nothing() => {
                        format!("expected `true` or `false`, found `{}`", clipped(text))
                    }
                    Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) | Kind::Mapping(_) => {
                        format!("expected `true` or `false`, found {}", node.describe())
                    }
                };
                self.error_with(node.spot, message, meant);
                None
            }
        }
    }

    /// Returns a whole number between two bounds: plain digits, with `-` before them where negative.
    pub fn integer(&mut self, node: &Node, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let text = match &node.kind {
            Kind::Scalar { text, plain: true } if !node.is_nothing() => &**text,
            Kind::Scalar { text: _, plain: false } => {
                let hint = "write the number without quotation marks";
                self.error_with(node.spot, "expected a whole number, found a text", hint);
                return None;
            }
            Kind::Scalar { text: _, plain: true } | Kind::Sequence(_) | Kind::Mapping(_) => {
                self.wrong_kind(node, "a whole number");
                return None;
            }
        };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("expected a whole number, found `{}`", clipped(text));
            self.error(node.spot, message);
            return None;
        }
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            let message = format!("`{}` is not between {least} and {most}", clipped(text));
            self.error(node.spot, message);
        }
        number
    }

    /// Returns what one of a few words stands for.
    pub fn choice<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let hint = match did_you_mean(text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", quoted_list(&known)),
            };
            self.error_with(node.spot, format!("unknown {what} `{}`", clipped(text)), hint);
        }
        found.map(|(_, value)| *value)
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn quoted_list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        Some(_) | None => quoted.join(""),
    }
}

/// Returns the word nearest to what was written, where one is near enough to have been meant.
pub fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A slip changes a few letters, not a text of a thousand; and the comparison is quadratic.
    if written.len() > 100 {
        return None;
    }
    let simple = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let written = simple(written);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&written, &simple(word)), word))
        .filter(|(distance, word)| *distance <= word.chars().count().div_ceil(3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
