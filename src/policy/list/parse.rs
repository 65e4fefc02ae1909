//! From the text of a list to its rows, or every problem.

use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use super::{List, Listed, Row};
use crate::domain::names::Place;
use crate::yaml::{Diagnostic, SourceFile};

/// The most rows that a list may have: more than a tenant has users.
const ROWS_MAX: usize = 1_000_000;
/// How many problems, and how many warnings, of one list are told; the rest are counted.
const TOLD_MAX: usize = 20;

/// What came of a list.
pub(super) struct Parsed {
    /// The list; none where there are errors.
    pub(super) list: Option<List>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Takes the bytes of a list for text.
pub(super) fn decode(name: Arc<str>, bytes: Vec<u8>) -> Result<SourceFile, Box<Diagnostic>> {
    let at = |line| Place { file: name.clone(), line, column: 1 };
    // Source: Unicode, byte order marks. Excel writes UTF-16 as "Unicode Text".
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let problem = Diagnostic::error(at(1), 1, "the list is UTF-16");
        return Err(Box::new(problem.with_hint("save it as UTF-8; Excel calls that `CSV UTF-8`")));
    }
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        let line = Lines::new(&bytes).at(zero as u64);
        let problem = Diagnostic::error(at(line), 1, "the list holds a NUL byte");
        let hint = "it is no text, or it is UTF-16: save it as UTF-8";
        return Err(Box::new(problem.with_hint(hint)));
    }
    SourceFile::decode(name, bytes)
}

/// Reads the rows of a list.
pub(super) fn parse(file: &SourceFile) -> Parsed {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let mut notes = Notes::new(file.name.clone());
    let rows = rows(text, &mut notes);
    let listed = rows.len();
    let list = List::new(file.name.clone(), rows);
    if listed == 0 && notes.errors.told.is_empty() {
        let hint = "a policy that names it selects nobody by it";
        notes.warning(1, "the list names nobody".to_owned(), Some(hint));
    }
    let Notes { file: _, errors, warnings } = notes;
    let list = errors.told.is_empty().then_some(list);
    Parsed { list, errors: errors.finish(), warnings: warnings.finish() }
}

fn rows(text: &str, notes: &mut Notes) -> Vec<Row> {
    let Some(delimiter) = delimiter(text, notes) else { return Vec::new() };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut lines = Lines::new(text.as_bytes());
    let mut record = StringRecord::new();
    let mut columns: Option<Columns> = None;
    let mut rows = Vec::new();
    loop {
        let begin = reader.position().byte();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                notes.error(lines.at(begin), "the rest cannot be read".to_owned(), None);
                break;
            }
        }
        let line = lines.at(begin);
        if record.iter().all(|cell| clean(cell).is_empty()) {
            continue;
        }
        // What a forgotten quote swallows would be users who are silently not listed.
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            let hint = "close the quote, or take the line break out of the field";
            notes.error(line, "a field goes over several lines".to_owned(), Some(hint));
            if columns.is_none() {
                break;
            }
            continue;
        }
        let Some(columns) = &columns else {
            columns = Columns::of(&record, delimiter, line, notes);
            if columns.is_none() {
                break;
            }
            continue;
        };
        if rows.len() == ROWS_MAX {
            notes.error(line, format!("the list has more than {ROWS_MAX} rows"), None);
            break;
        }
        rows.extend(columns.row(&record, line, notes));
    }
    duplicates(&rows, notes);
    rows
}

/// Returns what parts the columns, as the header shows.
fn delimiter(text: &str, notes: &mut Notes) -> Option<u8> {
    let begin = text.trim_start();
    if begin.is_empty() {
        let hint = "its first line names the columns: `ObjectId`, `UserPrincipalName` or both";
        notes.error(1, "the list is empty: it has no header".to_owned(), Some(hint));
        return None;
    }
    let header = begin.split(['\n', '\r']).next().unwrap_or_default();
    let mut quoted = false;
    let (mut comma, mut semicolon) = (false, false);
    for letter in header.chars() {
        quoted ^= letter == '"';
        comma |= !quoted && letter == ',';
        semicolon |= !quoted && letter == ';';
    }
    if comma && semicolon {
        let hint = "part the columns by one of the two, and quote a name that holds the other";
        let line = Lines::new(text.as_bytes()).at((text.len() - begin.len()) as u64);
        notes.error(line, "the header has both `,` and `;`".to_owned(), Some(hint));
        return None;
    }
    Some(if semicolon { b';' } else { b',' })
}

/// Where in a row is who is meant.
struct Columns {
    id: Option<usize>,
    name: Option<usize>,
    all: usize,
    delimiter: u8,
}

impl Columns {
    fn of(header: &StringRecord, delimiter: u8, line: u32, notes: &mut Notes) -> Option<Self> {
        let mut column = |wanted: &str| -> Result<Option<usize>, ()> {
            let is_wanted = |cell: &str| clean(cell).eq_ignore_ascii_case(wanted);
            let mut found = header.iter().enumerate().filter(|(_, cell)| is_wanted(cell));
            let first = found.next().map(|(at, _)| at);
            if found.next().is_some() {
                notes.error(line, format!("the header names `{wanted}` twice"), None);
                return Err(());
            }
            Ok(first)
        };
        let (id, name) = (column("ObjectId").ok()?, column("UserPrincipalName").ok()?);
        if id.is_none() && name.is_none() {
            let hint = "its first line names the columns, parted by `,` or `;`, and one of them has \
                        to be called so";
            let message = "the list has no column `ObjectId` or `UserPrincipalName`";
            notes.error(line, message.to_owned(), Some(hint));
            return None;
        }
        Some(Self { id, name, all: header.len(), delimiter })
    }

    fn row(&self, record: &StringRecord, line: u32, notes: &mut Notes) -> Option<Row> {
        if record.len() != self.all {
            let fields =
                |count| if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
            let message =
                format!("the row has {}, the header has {}", fields(record.len()), self.all);
            let delimiter = char::from(self.delimiter);
            let hint = format!(
                "the header is parted by `{delimiter}`: part every row so, and quote \
                                a field that holds one"
            );
            notes.error(line, message, Some(&hint));
            return None;
        }
        let cell = |column: Option<usize>| {
            column.and_then(|at| record.get(at)).map(clean).filter(|cell| !cell.is_empty())
        };
        let who = match (cell(self.id), cell(self.name)) {
            (Some(id), _) => match id.parse() {
                Ok(id) => Listed::Id(id),
                Err(error) => {
                    let hint = "an object id is a GUID of 36 characters";
                    notes.error(line, format!("{error}"), Some(hint));
                    return None;
                }
            },
            (None, Some(name)) => {
                if !is_principal_name(name) {
                    let hint = "a principal name is like `ana@contoso.com`";
                    notes.error(line, format!("`{name}` is not a principal name"), Some(hint));
                    return None;
                }
                Listed::Name(name.to_lowercase().into())
            }
            (None, None) => {
                let hint = "fill in who is meant, or take the row out";
                notes.error(line, "the row names nobody".to_owned(), Some(hint));
                return None;
            }
        };
        Some(Row { who, line })
    }
}

/// Source: Graph user.userPrincipalName: `alias@domain`, without blanks. A blank or a line break comes
/// from a quote that is not closed.
fn is_principal_name(text: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '"';
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(alias, domain)| !alias.is_empty() && !domain.is_empty())
        && !text.contains(odd)
}

/// Returns a cell without what programs leave around it.
fn clean(cell: &str) -> &str {
    let cell = cell.trim();
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
    inner.map_or(cell, str::trim)
}

/// Warns of users who are listed twice.
fn duplicates(rows: &[Row], notes: &mut Notes) {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_unstable();
    let mut again: Vec<(u32, &Row)> = Vec::new();
    for same in sorted.chunk_by(|a, b| a.who == b.who) {
        if let [first, more @ ..] = same {
            again.extend(more.iter().map(|row| (row.line, *first)));
        }
    }
    again.sort_unstable();
    for (line, first) in again {
        notes.again(line, first);
    }
}

/// Finds the line of each row, which only go forward.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// Returns the line of the first row at or behind a byte. Lines end as YAML has them end, so that a
    /// place means the same in every file.
    fn at(&mut self, byte: u64) -> u32 {
        let begin = usize::try_from(byte).map_or(self.text.len(), |byte| byte.min(self.text.len()));
        while let Some(letter) = self.text.get(self.at) {
            let is_break = matches!(letter, b'\n' | b'\r');
            if self.at >= begin && !is_break {
                break;
            }
            let is_first_half = *letter == b'\r' && self.text.get(self.at + 1) == Some(&b'\n');
            self.line += u32::from(is_break && !is_first_half);
            self.at += 1;
        }
        self.line
    }
}

/// Problems and warnings of a list.
struct Notes {
    file: Arc<str>,
    errors: Told,
    warnings: Told,
}

/// The first of many diagnostics, and how many more there are.
struct Told {
    told: Vec<Diagnostic>,
    more: u64,
}

impl Notes {
    fn new(file: Arc<str>) -> Self {
        let none = || Told { told: Vec::new(), more: 0 };
        Self { file, errors: none(), warnings: none() }
    }

    fn place(&self, line: u32) -> Place {
        Place { file: self.file.clone(), line, column: 1 }
    }

    fn error(&mut self, line: u32, message: String, hint: Option<&str>) {
        let problem = Diagnostic::error(self.place(line), 1, message);
        self.errors.note(problem, hint);
    }

    fn warning(&mut self, line: u32, message: String, hint: Option<&str>) {
        let problem = Diagnostic::warning(self.place(line), 1, message);
        self.warnings.note(problem, hint);
    }

    fn again(&mut self, line: u32, first: &Row) {
        if self.warnings.is_full() {
            self.warnings.more += 1;
            return;
        }
        let message = format!("`{}` is listed twice", first.who);
        let problem = Diagnostic::warning(self.place(line), 1, message);
        let problem = problem.with_related("first listed here", self.place(first.line), 1);
        self.warnings.note(problem, None);
    }
}

impl Told {
    fn is_full(&self) -> bool {
        self.told.len() == TOLD_MAX
    }

    fn note(&mut self, problem: Diagnostic, hint: Option<&str>) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.told.push(match hint {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            });
        }
    }

    fn finish(self) -> Vec<Diagnostic> {
        let Self { mut told, more } = self;
        if let Some(last) = told.last().filter(|_| more > 0) {
            told.push(Diagnostic { length: 1, ..Diagnostic::more(last, more, "this list") });
        }
        told
    }
}
