//! Reads policy files, whole or not at all.
//!
//! It never looks into them: what they mean, and which lists of users belong to them, is the business
//! of `policy`. Everything here blocks, but watching.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plan::Digest;
use crate::plan::digest::Hashing;
use crate::policy::list::{Lists, lists_named};
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile, Told};

mod file;
mod git;
mod walk;
mod watch;

pub use file::{file_hint, read_file};
pub use watch::watch;

/// The most policy files that a directory may have.
const FILES_MAX: usize = 10_000;
/// The most bytes that all policy files may have together: they are in memory as a whole.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most lists that policies may name.
const LISTS_MAX: usize = 1_000;
/// The most bytes that all lists may have together: some million rows.
const LIST_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The policy files of a directory, as one read found them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The files, in name order, each named relative to the directory.
    pub files: Vec<SourceFile>,
    /// The lists of users that they name.
    pub lists: Lists,
    /// The digest of all names and contents, of the lists too.
    pub digest: Digest,
    /// The git commit that holds exactly these files, where the directory lies in a work tree and
    /// none of them differs from it.
    pub commit: Option<Arc<str>>,
}

/// Why policy files could not be read. Nothing was read then.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or directory could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There are no policies at all.
    #[error("no policy files in `{}`", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// There is more than a policy directory holds.
    #[error("`{}` holds more than {what}", path.display())]
    TooMuch {
        /// The directory.
        path: PathBuf,
        /// The limit.
        what: String,
    },
    /// The lists of users are more than policies may name.
    #[error("the lists that the policies in `{}` name are more than {what}", path.display())]
    TooManyLists {
        /// The directory.
        path: PathBuf,
        /// The limit.
        what: String,
    },
    /// Files are not text, or too much of it.
    #[error("policy files cannot be read as text")]
    NotText(Vec<Diagnostic>),
}

impl SourceError {
    /// Returns what to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { path: _, source: _ } => {
                "check `policies` in the configuration, and that this account may read there"
            }
            Self::Empty { path: _ } => {
                "policies are files ending in `.yaml` or `.yml`; write `policies: []` for none"
            }
            Self::TooMuch { path: _, what: _ } => "check `policies` in the configuration",
            Self::TooManyLists { path: _, what: _ } => {
                "keep such a crowd in a group, and name the group"
            }
            Self::NotText(_) => "save them as UTF-8",
        }
    }
}

/// Reads every policy file below a directory: those whose names end in `.yaml` or `.yml`, in name
/// order, without hidden files and directories; and the lists of users that they name.
///
/// A list that cannot be read does not fail the read: loading the policies tells who names it.
///
/// # Errors
///
/// Any policy file that cannot be read fails the whole read: policies that are missing would look like
/// policies that were deleted. A directory without policy files is an error too.
pub fn read(directory: &Path) -> Result<Files, SourceError> {
    let before = git::head(directory);
    let walk::Found { paths, symlinks } = walk::policy_files(directory)?;
    if paths.is_empty() {
        return Err(SourceError::Empty { path: directory.to_owned() });
    }
    let (mut files, mut not_text) = (Vec::with_capacity(paths.len()), Told::default());
    let mut hashing = Hashing::new("policy files 1");
    let mut total = 0;
    for (name, path) in paths {
        let bytes = contents(&path, FILE_BYTES_MAX)?;
        total += bytes.len();
        if total > BYTES_MAX {
            let what = format!("{} MiB of policies", BYTES_MAX / (1024 * 1024));
            return Err(SourceError::TooMuch { path: directory.to_owned(), what });
        }
        hashing.field(name.as_bytes());
        hashing.field(&bytes);
        match SourceFile::from_bytes(name, bytes) {
            Ok(file) => files.push(file),
            Err(diagnostic) => not_text.note(*diagnostic),
        }
    }
    if !not_text.is_empty() {
        return Err(SourceError::NotText(not_text.finish()));
    }
    let named = lists_named(&files);
    let lists = read_lists(directory, &named, &mut hashing)?;
    // What a link leads to need not be in the commit. And a checkout may have come between.
    let linked = || symlinks || named.iter().any(|name| is_linked(directory, name));
    let commit = before.filter(|commit| {
        !linked()
            && git::is_clean(directory, &named)
            && git::head(directory).as_ref() == Some(commit)
    });
    Ok(Files { files, lists, digest: hashing.finish(), commit: commit.map(Into::into) })
}

/// Whether a directory has no policy files, or does not exist.
///
/// # Errors
///
/// Fails where it cannot be read.
pub fn is_empty(directory: &Path) -> Result<bool, SourceError> {
    match walk::policy_files(directory) {
        Ok(found) => Ok(found.paths.is_empty()),
        Err(SourceError::Unreadable { path, source })
            if path == directory && source.kind() == io::ErrorKind::NotFound =>
        {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Reads lists that policies name.
fn read_lists(
    directory: &Path,
    named: &BTreeSet<Arc<str>>,
    hashing: &mut Hashing,
) -> Result<Lists, SourceError> {
    let too_many = |what: String| SourceError::TooManyLists { path: directory.to_owned(), what };
    if named.len() > LISTS_MAX {
        return Err(too_many(format!("{LISTS_MAX} files")));
    }
    let mut lists = Lists::default();
    let mut total = 0;
    for name in named {
        let bytes =
            contents(&directory.join(&**name), LIST_BYTES_MAX).map_err(|error| match error {
                SourceError::Unreadable { path: _, source } => match source.kind() {
                    io::ErrorKind::NotFound => "there is no such file".to_owned(),
                    _ => source.to_string(),
                },
                other => other.to_string(),
            });
        if let Ok(bytes) = &bytes {
            total += bytes.len();
            if total > LIST_BYTES_MAX {
                return Err(too_many(format!("{} MiB", LIST_BYTES_MAX / (1024 * 1024))));
            }
            hashing.field(b"list");
            hashing.field(name.as_bytes());
            hashing.field(bytes);
        }
        lists.add(name.clone(), bytes);
    }
    Ok(lists)
}

/// Whether a list is reached through a symbolic link.
fn is_linked(directory: &Path, name: &str) -> bool {
    let mut path = directory.to_owned();
    name.split('/').any(|part| {
        path.push(part);
        fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink())
    })
}

/// Reads a file of the directory, of which never more than one byte too many.
fn contents(path: &Path, bytes_max: usize) -> Result<Vec<u8>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    file::contents(path, bytes_max).map_err(unreadable)
}

#[cfg(test)]
mod tests;
