//! Builds the tree from the parser's events.
//!
//! Every limit is checked as events come in, so that a file of a hundred thousand brackets is
//! refused at the sixty-fifth. Aliases are refused, never followed: no file grows when it is read.
//! What the parser has to see before it tells of anything has a limit too, since it keeps all of it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use crate::domain::names::Place;
use crate::yaml::node::{Entry, Kind, Node, Spot, count};
use crate::yaml::reader::Reader;
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile};

const DEPTH_MAX: usize = 64;
const NODES_MAX: usize = 1_000_000;
/// How many characters, but for blanks, the parser may take before it tells of something.
const AHEAD_MAX: usize = 512 * 1024;
const SPLIT: &str = "split it into several files";
/// What brackets at the beginning of a document are put behind, so that they are told of at once.
const MARK: &str = "--- ";

/// What came of reading a file as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The tree, where there is enough of it to look for more problems. With `problems`, it must
    /// not be used for anything else.
    pub tree: Option<Node>,
    /// What is wrong with the file as YAML.
    pub problems: Vec<Diagnostic>,
}

/// Reads a file into a tree.
///
/// # Errors
///
/// Returns everything that is wrong with it as YAML.
pub fn parse(file: &SourceFile) -> Result<Node, Vec<Diagnostic>> {
    let Parsed { tree, problems } = examine(file);
    match tree {
        Some(tree) if problems.is_empty() => Ok(tree),
        Some(_) | None => Err(problems),
    }
}

/// Reads as much of a file into a tree as can be, so that problems of its meaning can be told
/// along with those of its form. Duplicate keys, anchors, aliases and tags are all told; a fault
/// in the syntax is the last thing that is seen.
pub fn examine(file: &SourceFile) -> Parsed {
    let start = || Place { file: file.name.clone(), line: 1, column: 1 };
    if file.text.len() > FILE_BYTES_MAX {
        return Parsed { tree: None, problems: vec![too_large(start())] };
    }
    if let Some(diagnostic) = null_character(file) {
        return Parsed { tree: None, problems: vec![diagnostic] };
    }
    let mut builder = Builder::new(&file.name);
    builder.read(&file.text);
    let Builder { reader, root, whole, open: _, documents: _, nodes: _, marked_line: _ } = builder;
    let (mut problems, _) = reader.finish();
    pull_back(&mut problems, &file.text);
    show_tabs(&mut problems, &file.text);
    if root.is_none() && problems.is_empty() {
        let nothing = Diagnostic::error(start(), 1, "the file holds nothing");
        problems.push(nothing.with_hint("delete it, or write what it is for"));
    }
    Parsed { tree: root.filter(|_| whole), problems }
}

/// Moves faults that the parser saw at the end of the file to the last line with something on it.
fn pull_back(problems: &mut [Diagnostic], text: &str) {
    if problems.is_empty() {
        return;
    }
    let written = text.trim_end();
    let Some((index, line)) = super::render::lines(written).enumerate().last() else { return };
    if written.is_empty() {
        return;
    }
    for problem in problems {
        if problem.place.line as usize > index + 1 {
            problem.place.line = count(index + 1);
            problem.place.column = count(line.chars().count() + 1);
        }
    }
}

/// Moves what the parser says of tabs to the tab: it may have looked for more in the line before.
fn show_tabs(problems: &mut [Diagnostic], text: &str) {
    for problem in problems.iter_mut().filter(|problem| problem.message.contains(" tab")) {
        let first = problem.place.line as usize;
        let nearby = super::render::lines(text).enumerate().skip(first.saturating_sub(1)).take(2);
        let tab = |(index, line): (usize, &str)| {
            let before: String = line.chars().take_while(|of| *of == ' ').collect();
            line[before.len()..].starts_with('\t').then_some((index, before.len()))
        };
        if let Some((index, column)) = nearby.into_iter().find_map(tab) {
            problem.place.line = count(index + 1);
            problem.place.column = count(column + 1);
            problem.hint = Some("indent with blanks: YAML takes no tabs there".into());
        }
    }
}

pub(super) fn too_large(place: Place) -> Diagnostic {
    let message = format!("the file is larger than {} MiB", FILE_BYTES_MAX / (1024 * 1024));
    Diagnostic::error(place, 1, message).with_hint(SPLIT)
}

fn null_character(file: &SourceFile) -> Option<Diagnostic> {
    if !file.text.contains('\0') {
        return None;
    }
    let (line, text) =
        super::render::lines(&file.text).enumerate().find(|(_, line)| line.contains('\0'))?;
    let column = text.chars().position(|character| character == '\0')?;
    let file = file.name.clone();
    let place = Place { file, line: count(line + 1), column: count(column + 1) };
    Some(Diagnostic::error(place, 1, "the file holds a null character, and so is not text"))
}

/// A collection whose end has not come yet.
enum Open {
    Sequence { spot: Spot, items: Vec<Node> },
    Mapping { spot: Spot, entries: Vec<Entry>, key: Option<(Box<str>, Spot)> },
}

struct Builder {
    reader: Reader,
    open: Vec<Open>,
    root: Option<Node>,
    /// Whether the tree says what the file says, but for duplicate keys.
    whole: bool,
    documents: usize,
    nodes: usize,
    /// The line that begins with a mark which is not in the file.
    marked_line: Option<usize>,
}

/// Reading stops here; why is among the problems.
struct Stop;

impl Builder {
    fn new(file: &Arc<str>) -> Self {
        let reader = Reader::new(file.clone());
        Self {
            reader,
            open: Vec::new(),
            root: None,
            whole: true,
            documents: 0,
            nodes: 0,
            marked_line: None,
        }
    }

    fn read(&mut self, text: &str) {
        let (before, mark, after) = match leading_bracket(text) {
            Some(Bracket { at, line }) => {
                self.marked_line = Some(line);
                (&text[..at], MARK, &text[at..])
            }
            None => ("", "", text),
        };
        let ahead = Cell::new(0);
        let characters = before.chars().chain(mark.chars()).chain(after.chars());
        let mut parser = Parser::new_from_iter(Watched { characters, ahead: &ahead });
        let mut told = Spot { line: 1, column: 1, length: 1 };
        while let Some(event) = parser.next_event() {
            let taken = match event {
                _ if ahead.get() > AHEAD_MAX => self.too_far_ahead(told),
                Ok((event, span)) => {
                    told = self.spot(Span::empty(span.end));
                    self.take(event, span)
                }
                Err(error) => self.syntax(&error),
            };
            ahead.set(0);
            if let Err(Stop) = taken {
                self.whole = false;
                return;
            }
        }
    }

    fn too_far_ahead(&mut self, told: Spot) -> Result<(), Stop> {
        let message =
            format!("what begins here goes on for more than {AHEAD_MAX} characters without an end");
        let hint = "is a bracket or a quotation mark not closed? else write lists line by line, \
                    users as a CSV list, and shorter comments";
        self.reader.error_with(told, message, hint);
        Err(Stop)
    }

    fn syntax(&mut self, error: &ScanError) -> Result<(), Stop> {
        let (line, column) = self.at(*error.marker());
        let spot = Spot { line, column, length: 1 };
        match error.info() {
            "while parsing node, found unknown anchor" => self.alias(spot),
            // The parser gives up by itself at 255 brackets it has not yet told of.
            "recursion limit exceeded" => self.too_deep(spot),
            info => self.reader.error(spot, format!("this is not YAML: {info}")),
        }
        Err(Stop)
    }

    /// Returns the line and column of the file.
    fn at(&self, marker: Marker) -> (u32, u32) {
        let is_behind_mark = self.marked_line == Some(marker.line());
        let mark = if is_behind_mark { MARK.len() } else { 0 };
        (count(marker.line()), count(marker.col().saturating_sub(mark) + 1))
    }

    fn spot(&self, span: Span) -> Spot {
        let (line, column) = self.at(span.start);
        let length = count(span.end.index().saturating_sub(span.start.index()));
        Spot { line, column, length }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let spot = self.spot(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let hint = "write one file for each";
                    self.reader.error_with(spot, "the file holds more than one document", hint);
                    return Err(Stop);
                }
            }
            Event::Alias(_) => {
                self.alias(spot);
                self.add(Kind::Scalar { text: "".into(), plain: false }, spot)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_marks(spot, anchor, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                self.add(Kind::Scalar { text: text.into(), plain }, spot)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_marks(spot, anchor, tag.is_some());
                self.begin(Open::Sequence { spot, items: Vec::new() }, spot)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_marks(spot, anchor, tag.is_some());
                self.begin(Open::Mapping { spot, entries: Vec::new(), key: None }, spot)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
        }
        Ok(())
    }

    fn alias(&mut self, spot: Spot) {
        self.whole = false;
        let hint = "write the value out; to begin a text with `*`, put it in quotation marks";
        self.reader.error_with(spot, "aliases are not supported", hint);
    }

    fn refuse_marks(&mut self, spot: Spot, anchor: usize, tagged: bool) {
        self.whole &= anchor == 0 && !tagged;
        if anchor != 0 {
            let hint = "write the value out; to begin a text with `&`, put it in quotation marks";
            self.reader.error_with(spot, "anchors are not supported", hint);
        }
        if tagged {
            let hint = "leave it out; to begin a text with `!`, put it in quotation marks";
            self.reader.error_with(spot, "tags are not supported", hint);
        }
    }

    fn begin(&mut self, open: Open, spot: Spot) -> Result<(), Stop> {
        if self.open.len() == DEPTH_MAX {
            self.too_deep(spot);
            return Err(Stop);
        }
        self.open.push(open);
        Ok(())
    }

    fn too_deep(&mut self, spot: Spot) {
        self.reader.error(spot, format!("the file is nested more than {DEPTH_MAX} levels deep"));
    }

    fn end(&mut self, end: Span) -> Result<(), Stop> {
        let (end_line, end_column) = self.at(end.end);
        let to_end = |spot: Spot| {
            let on_one_line = end_line == spot.line && !end.is_empty();
            let length = end_column.saturating_sub(spot.column);
            if on_one_line { Spot { length, ..spot } } else { spot }
        };
        match self.open.pop() {
            Some(Open::Sequence { spot, items }) => self.add(Kind::Sequence(items), to_end(spot)),
            Some(Open::Mapping { spot, entries, key: _ }) => {
                self.refuse_duplicates(&entries);
                let first = entries.first().filter(|first| first.key_spot.line == spot.line);
                let spot = match first {
                    Some(first) if end.is_empty() => first.key_spot,
                    Some(_) | None => to_end(spot),
                };
                self.add(Kind::Mapping(entries), spot)
            }
            None => Ok(()),
        }
    }

    fn add(&mut self, kind: Kind, spot: Spot) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the file holds more than {NODES_MAX} values");
            self.reader.error_with(spot, message, SPLIT);
            return Err(Stop);
        }
        let node = Node { kind, spot };
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { spot: _, items }) => items.push(node),
            Some(Open::Mapping { spot: _, entries, key }) => match key.take() {
                Some((key, key_spot)) => entries.push(Entry { key, key_spot, value: node }),
                None => *key = Some(named(&mut self.reader, &mut self.whole, node)),
            },
        }
        Ok(())
    }

    fn refuse_duplicates(&mut self, entries: &[Entry]) {
        let mut seen: BTreeMap<&str, Spot> = BTreeMap::new();
        for Entry { key, key_spot, value: _ } in entries {
            match seen.get(&**key) {
                None => {
                    seen.insert(key, *key_spot);
                }
                Some(first) => {
                    let message =
                        format!("duplicate key `{key}`; it is already on line {}", first.line);
                    self.reader.error_related(*key_spot, message, ("first written here", *first));
                }
            }
        }
    }
}

/// Characters on their way to the parser, of which there are no more once it has taken too many.
struct Watched<'a, T> {
    characters: T,
    /// How many were taken since something was told of.
    ahead: &'a Cell<usize>,
}

impl<T: Iterator<Item = char>> Iterator for Watched<'_, T> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let ahead = self.ahead.get();
        if ahead > AHEAD_MAX {
            return None;
        }
        let character = self.characters.next()?;
        // The parser keeps nothing of blanks.
        let is_blank = matches!(character, ' ' | '\t' | '\n' | '\r');
        self.ahead.set(ahead + usize::from(!is_blank));
        Some(character)
    }
}

/// A bracket that begins the document, at the beginning of a line.
struct Bracket {
    at: usize,
    line: usize,
}

/// Finds the bracket that a document in the manner of JSON begins with.
fn leading_bracket(text: &str) -> Option<Bracket> {
    let (mut line, mut begins, mut is_comment) = (1, true, false);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\r' if matches!(characters.peek(), Some((_, '\n'))) => {}
            '\n' | '\r' => (line, begins, is_comment) = (line + 1, true, false),
            _ if is_comment => {}
            '{' | '[' if begins => return Some(Bracket { at, line }),
            '#' => is_comment = true,
            ' ' | '\t' => begins = false,
            '\u{feff}' if at == 0 => {}
            _ => return None,
        }
    }
    None
}

/// Takes a node for a key.
fn named(reader: &mut Reader, whole: &mut bool, node: Node) -> (Box<str>, Spot) {
    match node.kind {
        Kind::Scalar { text, plain } => {
            if plain && &*text == "<<" {
                *whole = false;
                reader.error_with(node.spot, "merge keys are not supported", "write the keys out");
            }
            (text, node.spot)
        }
        Kind::Sequence(_) | Kind::Mapping(_) => {
            *whole = false;
            let hint = "a text that begins with `{` or `[` needs quotation marks";
            reader.error_with(node.spot, "a key must be a text", hint);
            ("".into(), node.spot)
        }
    }
}
