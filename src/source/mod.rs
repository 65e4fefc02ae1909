//! Reads policy files, whole or not at all.
//!
//! It never looks into them: what they mean is the business of `policy`. Everything here blocks.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plan::Digest;
use crate::plan::digest::Hashing;
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile};

mod git;
mod walk;

/// The most policy files that a directory may have.
const FILES_MAX: usize = 10_000;
/// The most bytes that all policy files may have together.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The policy files of a directory, as one read found them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The files, in name order, each named relative to the directory.
    pub files: Vec<SourceFile>,
    /// The digest of all names and contents.
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
            Self::NotText(_) => "save them as UTF-8",
        }
    }
}

/// Reads every policy file below a directory: those whose names end in `.yaml` or `.yml`, in name
/// order, without hidden files and directories.
///
/// # Errors
///
/// Any file that cannot be read fails the whole read: policies that are missing would look like
/// policies that were deleted. A directory without policy files is an error too.
pub fn read(directory: &Path) -> Result<Files, SourceError> {
    let before = git::head(directory);
    let walk::Found { paths, symlinks } = walk::policy_files(directory)?;
    if paths.is_empty() {
        return Err(SourceError::Empty { path: directory.to_owned() });
    }
    let (mut files, mut not_text) = (Vec::with_capacity(paths.len()), Vec::new());
    let mut hashing = Hashing::new("policy files 1");
    let mut total = 0;
    for (name, path) in paths {
        let bytes = contents(&path)?;
        total += bytes.len();
        if total > BYTES_MAX {
            let what = format!("{} MiB of policies", BYTES_MAX / (1024 * 1024));
            return Err(SourceError::TooMuch { path: directory.to_owned(), what });
        }
        hashing.field(name.as_bytes());
        hashing.field(&bytes);
        match SourceFile::from_bytes(name, bytes) {
            Ok(file) => files.push(file),
            Err(diagnostic) => not_text.push(*diagnostic),
        }
    }
    if !not_text.is_empty() {
        return Err(SourceError::NotText(not_text));
    }
    // What a link leads to need not be in the commit. And a checkout may have come between.
    let commit = before.filter(|commit| {
        !symlinks && git::is_clean(directory) && git::head(directory).as_ref() == Some(commit)
    });
    Ok(Files { files, digest: hashing.finish(), commit: commit.map(Into::into) })
}

/// Reads a file, of which never more than one byte too many.
fn contents(path: &Path) -> Result<Vec<u8>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    // Asked before opening: to open a pipe would wait for whoever writes to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is neither a file nor a directory")));
    }
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
