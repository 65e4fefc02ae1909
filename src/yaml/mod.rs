//! YAML that keeps its places: every node knows where it stands, and every problem is a
//! [`Diagnostic`] that can be shown with its line.
//!
//! Strict, so that a file means one thing: one document, no duplicate keys, no anchors, aliases,
//! merge keys or tags, and scalars stay text until somebody asks for something else. `NO` is a
//! string. Nothing here knows what the keys mean, and nothing here reads a file.

use std::sync::Arc;

use crate::domain::names::Place;

mod diagnostic;
mod node;
mod parse;
mod reader;
mod render;
pub mod schema;
#[cfg(test)]
pub(crate) mod testing;
mod told;
pub mod write;

pub use diagnostic::{Diagnostic, Related, Severity, to_json};
pub use node::{Entry, Kind, Node, Spot};
pub use parse::{Parsed, examine, parse};
pub use reader::{Fields, Reader, did_you_mean};
pub use render::{is_hostile, render, visible};
pub use told::{TOLD_MAX, Told};

/// The most bytes that a file may have: some ten thousand policies with all that is said about them.
pub const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A file as it was read: its name for people, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The name, relative to the directory that was read (or as it was given).
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Takes the bytes of a file for text.
    ///
    /// # Errors
    ///
    /// Returns a diagnostic where they are too many or are not UTF-8.
    pub fn from_bytes(name: Arc<str>, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        if bytes.len() > FILE_BYTES_MAX {
            let place = Place { file: name, line: 1, column: 1 };
            return Err(Box::new(parse::too_large(place)));
        }
        Self::decode(name, bytes)
    }

    /// Takes bytes for text, however many they are.
    ///
    /// # Errors
    ///
    /// Returns a diagnostic where they are not UTF-8.
    pub fn decode(name: Arc<str>, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text: text.into() }),
            Err(error) => {
                let (valid, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
                let text = String::from_utf8_lossy(valid);
                let line = render::lines(&text).count().max(1);
                let column = render::lines(&text).last().map_or(0, |last| last.chars().count());
                let (line, column) = (node::count(line), node::count(column + 1));
                let place = Place { file: name, line, column };
                let message = "the file is not UTF-8";
                let hint = "save it as UTF-8; other encodings are not read";
                Err(Box::new(Diagnostic::error(place, 1, message).with_hint(hint)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
