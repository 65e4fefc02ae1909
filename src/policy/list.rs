//! Lists of users: the CSV files that policies name.
//!
//! Pure: whoever reads the policies asks [`lists_named`] which lists they name, reads them, and hands
//! them over as [`Lists`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::UserId;
use crate::domain::names::Place;
use crate::policy::raw::RawFile;
use crate::yaml::{Diagnostic, Entry, Kind, Node, Reader, SourceFile, examine};

mod parse;

/// The users of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The file, relative to the directory of the policies.
    pub file: Arc<str>,
    /// In the order of who is listed, each once.
    rows: Box<[Row]>,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Who is listed.
    pub who: Listed,
    /// In which line.
    pub line: u32,
}

/// Who is listed in a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// A user by object id.
    Id(UserId),
    /// A user by principal name, in lower case.
    Name(Box<str>),
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl List {
    /// Makes a list. Of two rows for one user the earlier one counts.
    pub fn new(file: Arc<str>, mut rows: Vec<Row>) -> Self {
        rows.sort_unstable();
        rows.dedup_by(|later, earlier| later.who == earlier.who);
        Self { file, rows: rows.into_boxed_slice() }
    }

    /// Returns the rows in the order of who is listed, each user once.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the row of whoever is listed so.
    pub fn row(&self, who: &Listed) -> Option<&Row> {
        self.rows.binary_search_by(|row| row.who.cmp(who)).ok().map(|at| &self.rows[at])
    }

    /// Returns where a row stands.
    pub fn place(&self, row: &Row) -> Place {
        Place { file: self.file.clone(), line: row.line, column: 1 }
    }
}

/// The lists that policies name, as they were found, by path relative to the directory of the
/// policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    found: BTreeMap<Arc<str>, Found>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Text(SourceFile),
    NotText(Diagnostic),
    Unreadable(String),
}

impl Lists {
    /// Adds a list as it was read, or why it could not be read.
    pub fn add(&mut self, name: Arc<str>, bytes: Result<Vec<u8>, String>) {
        let found = match bytes.map(|bytes| parse::decode(name.clone(), bytes)) {
            Ok(Ok(file)) => Found::Text(file),
            Ok(Err(problem)) => Found::NotText(*problem),
            Err(why) => Found::Unreadable(why),
        };
        self.found.insert(name, found);
    }

    /// Returns the texts of the lists, to show problems with their lines.
    pub fn texts(&self) -> impl Iterator<Item = &SourceFile> {
        self.found.values().filter_map(|found| match found {
            Found::Text(file) => Some(file),
            Found::NotText(_) | Found::Unreadable(_) => None,
        })
    }

    /// Reads all lists. Every problem of a list is told once, however many policies name it.
    pub(super) fn read(&self) -> Read {
        let mut read = Read::default();
        for (name, found) in &self.found {
            let state = match found {
                Found::Text(file) => {
                    let parse::Parsed { list, errors, warnings } = parse::parse(file);
                    read.errors.extend(errors);
                    read.warnings.extend(warnings);
                    list.map_or(State::Faulty, |list| State::Read(Arc::new(list)))
                }
                Found::NotText(problem) => {
                    read.errors.push(problem.clone());
                    State::Faulty
                }
                Found::Unreadable(why) => State::Unreadable(why.clone()),
            };
            read.lists.insert(name.clone(), state);
        }
        read
    }
}

/// All lists, read.
#[derive(Debug, Default)]
pub(super) struct Read {
    lists: BTreeMap<Arc<str>, State>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
}

#[derive(Debug)]
enum State {
    Read(Arc<List>),
    /// What is wrong with it was told.
    Faulty,
    Unreadable(String),
}

impl Read {
    /// Returns the list that a policy file names. What is wrong with the name is noted.
    pub(super) fn named(
        &self,
        reader: &mut Reader,
        entry: &Entry,
        written: &str,
    ) -> Option<Arc<List>> {
        let spot = entry.value.spot;
        let path = match path(&reader.place(spot).file, written) {
            Ok(path) => path,
            Err(why) => {
                let hint = "a list lies in the directory of the policies or below it, so that it is \
                            reviewed and counted with them; its path is relative to this file";
                reader.error_with(spot, format!("`{written}` {why}"), hint);
                return None;
            }
        };
        let why = match self.lists.get(&path) {
            Some(State::Read(list)) => return Some(list.clone()),
            Some(State::Faulty) => return None,
            Some(State::Unreadable(why)) => why.as_str(),
            None => "it was not read",
        };
        let hint = "the path of a list is relative to the file that names it";
        reader.error_with(spot, format!("cannot read list `{path}`: {why}"), hint);
        None
    }
}

/// Returns the lists that policy files name, relative to the directory of the policies. What cannot
/// be understood names none; loading the files tells why.
pub fn lists_named(files: &[SourceFile]) -> BTreeSet<Arc<str>> {
    let mut named = BTreeSet::new();
    // Most files name none, and are not taken apart twice.
    for file in files.iter().filter(|file| file.text.contains("csv")) {
        let Some(tree) = examine(file).tree else { continue };
        let Some(raw) = RawFile::read(&mut Reader::new(file.name.clone()), &tree) else { continue };
        for entry in raw.policies.iter().filter_map(|policy| policy.selector) {
            collect(&entry.value, &mut |written| named.extend(path(&file.name, written).ok()));
        }
    }
    named
}

/// Calls `found` with the value of every `csv` in a selector.
fn collect(node: &Node, found: &mut impl FnMut(&str)) {
    match &node.kind {
        Kind::Scalar { text: _, plain: _ } => {}
        Kind::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        Kind::Mapping(entries) => {
            for entry in entries {
                match &entry.value.kind {
                    Kind::Scalar { text, plain: _ } if &*entry.key == "csv" => found(text),
                    Kind::Scalar { .. } | Kind::Sequence(_) | Kind::Mapping(_) => {
                        collect(&entry.value, found);
                    }
                }
            }
        }
    }
}

/// Returns the path of a list relative to the directory of the policies, or what is wrong with it.
fn path(policy_file: &str, written: &str) -> Result<Arc<str>, &'static str> {
    let has_drive = written.as_bytes().get(1) == Some(&b':');
    if written.starts_with('/') || has_drive {
        return Err("is an absolute path");
    }
    if written.contains('\\') {
        return Err("has a backslash: directories are parted by `/`");
    }
    if written.contains(char::is_control) {
        return Err("has a control character in it");
    }
    let mut parts: Vec<&str> = policy_file.split('/').collect();
    parts.pop();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("leaves the directory of the policies")?;
            }
            part => parts.push(part),
        }
    }
    let ends_in_file = !matches!(written.rsplit('/').next(), None | Some("" | "." | ".."));
    if ends_in_file { Ok(parts.join("/").into()) } else { Err("names no file") }
}

#[cfg(test)]
mod tests;
