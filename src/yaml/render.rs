//! Shows diagnostics with their lines.
//!
//! A renderer of our own, because files are hostile input: a line of ten megabytes is shown as a
//! window, control characters cannot reach the terminal, and a line that may hold a secret ends
//! in `***`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::domain::names::Place;
use crate::yaml::SourceFile;
use crate::yaml::diagnostic::Diagnostic;

/// How many characters of a long line are shown, and how many of them stand before the caret.
const WINDOW: usize = 120;
const WINDOW_BEFORE: usize = 40;
const TAB: &str = "    ";

/// Shows every diagnostic with its line, parted by empty lines. Ends in a newline unless there is
/// nothing to show. A place in a file that is not among `sources` is shown without its line.
pub fn render(diagnostics: &[Diagnostic], sources: &[SourceFile]) -> String {
    let lines = Lines::of(diagnostics, sources);
    let shown: Vec<String> = diagnostics.iter().map(|diagnostic| one(diagnostic, &lines)).collect();
    shown.join("\n")
}

fn one(diagnostic: &Diagnostic, sources: &Lines<'_>) -> String {
    let Diagnostic { severity, message, place, length, hint, related, conceal_from, stands_for: _ } =
        diagnostic;
    let lines = related.iter().map(|related| related.place.line).chain([place.line]);
    let gutter = lines.max().unwrap_or(place.line).to_string().len();
    let mut out = format!("{}: {}\n", severity.as_str(), visible(message));
    let label = Label { place, length: *length, conceal_from: *conceal_from };
    snippet(&mut out, gutter, &label, sources);
    if let Some(related) = related {
        let label = Label {
            place: &related.place,
            length: related.length,
            conceal_from: related.conceal_from,
        };
        push(&mut out, format_args!("note: {}\n", visible(&related.message)));
        snippet(&mut out, gutter, &label, sources);
    }
    if let Some(hint) = hint {
        push(&mut out, format_args!("hint: {}\n", visible(hint)));
    }
    out
}

struct Label<'a> {
    place: &'a Place,
    length: u32,
    conceal_from: Option<u32>,
}

fn snippet(out: &mut String, gutter: usize, label: &Label<'_>, sources: &Lines<'_>) {
    let place = label.place;
    let file = visible(&place.file);
    let (line, column) = (place.line, place.column);
    push(out, format_args!("{:gutter$}--> {file}:{line}:{column}\n", ""));
    let Some(text) = sources.get(&place.file, line) else { return };
    let (text, before, marked) = window(text, label);
    push(out, format_args!("{:gutter$} |\n", ""));
    push(out, format_args!("{line:>gutter$} | {}\n", text.trim_end()));
    push(out, format_args!("{:gutter$} | {:before$}{}\n", "", "", "^".repeat(marked)));
}

/// Returns the part of a line that is shown, the width before the mark, and the width of the mark.
fn window(line: &str, label: &Label<'_>) -> (String, usize, usize) {
    let first = label.place.column.saturating_sub(1) as usize;
    let last = first + label.length.max(1) as usize;
    let concealed =
        label.conceal_from.map_or(usize::MAX, |column| column.saturating_sub(1) as usize);
    let start = if line.char_indices().nth(WINDOW).is_some() {
        first.saturating_sub(WINDOW_BEFORE)
    } else {
        0
    };
    let mut text = if start > 0 { "...".to_owned() } else { String::new() };
    let (mut before, mut marked) = (text.len(), 0);
    for (position, character) in line.chars().enumerate().skip(start).take(WINDOW + 1) {
        let hidden = position >= concealed;
        let cut = position == start + WINDOW;
        if hidden && !text.ends_with(' ') {
            text.push(' ');
            before += usize::from(position <= first);
        }
        let length_before = text.len();
        match character {
            _ if hidden => text.push_str("***"),
            _ if cut => text.push_str("..."),
            '\t' => text.push_str(TAB),
            other if is_hostile(other) => text.push('\u{fffd}'),
            other => text.push(other),
        }
        let width = width(&text[length_before..]);
        if position < first && !hidden {
            before += width;
        } else if position < last && !cut {
            marked += width;
        }
        if hidden {
            break;
        }
    }
    (text, before, marked.max(1))
}

fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// Whether a character would move the cursor, colour the terminal or turn the text around.
pub fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a text in one line in which nothing steers a terminal: what would is written out.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("writing to a string does not fail");
}

/// Lines as YAML parts them. Source: YAML 1.2, section 5.4: line feed, carriage return, or both.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The lines that diagnostics show, and no others: a file may have millions.
struct Lines<'a>(BTreeMap<&'a str, BTreeMap<u32, &'a str>>);

impl<'a> Lines<'a> {
    fn of(diagnostics: &'a [Diagnostic], sources: &'a [SourceFile]) -> Self {
        let mut wanted: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for diagnostic in diagnostics {
            let related = diagnostic.related.iter().map(|related| &related.place);
            for place in related.chain([&diagnostic.place]) {
                wanted.entry(&place.file).or_default().insert(place.line);
            }
        }
        let mut found = BTreeMap::new();
        for source in sources {
            let Some(numbers) = wanted.get(&*source.name) else { continue };
            let Some(last) = numbers.last() else { continue };
            // The mark at the beginning of a file counts as no column.
            let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
            let all = (1..=*last).zip(lines(text));
            found.insert(
                &*source.name,
                all.filter(|(number, _)| numbers.contains(number)).collect(),
            );
        }
        Self(found)
    }

    fn get(&self, file: &str, line: u32) -> Option<&'a str> {
        self.0.get(file)?.get(&line).copied()
    }
}
