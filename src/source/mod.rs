//! Reads policy files and the configuration file, whole or not at all.
//!
//! It never looks into them: what they mean is the business of `policy` and `config`. Everything
//! here blocks; asynchronous callers use a thread for it.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::plan::Digest;
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile};

mod git;
mod walk;

/// The most policy files that a directory may have.
const FILES_MAX: usize = 10_000;
/// The most bytes that all policy files may have together.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The policy files of a directory, as one read found them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFiles {
    /// The files, in name order, each named relative to the directory.
    pub files: Vec<SourceFile>,
    /// The digest of all names and contents.
    pub digest: Digest,
    /// The git commit that holds exactly these files, where the directory lies in a work tree and
    /// none of them differs from it.
    pub commit: Option<Arc<str>>,
}

/// Why files could not be read. Nothing was read then.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A directory could not be read.
    #[error("cannot read directory `{}`", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A name or a kind of file that nobody meant as a policy.
    #[error("cannot read `{}`: {reason}", path.display())]
    Odd {
        /// The file.
        path: PathBuf,
        /// What is odd.
        reason: &'static str,
    },
    /// What was read is not text, or too much of it.
    #[error("{}: {}", .0.place, .0.message)]
    Text(Box<Diagnostic>),
    /// There are no policies at all.
    #[error("no policy files in `{}`", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// There is too much.
    #[error("`{}` holds more than {what}", path.display())]
    TooMuch {
        /// The directory.
        path: PathBuf,
        /// The limit.
        what: String,
    },
}

impl SourceError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Directory { path: _, source } | Self::File { path: _, source } => {
                match source.kind() {
                    io::ErrorKind::NotFound => "check the path in the configuration",
                    io::ErrorKind::PermissionDenied => "check whether this user may read it",
                    _ => return None,
                }
            }
            Self::Odd { path: _, reason: _ } => "rename or remove it",
            Self::Text(diagnostic) => return diagnostic.hint.clone(),
            Self::Empty { path: _ } => {
                "policies are files ending in `.yaml` or `.yml`; write `policies: []` for none"
            }
            Self::TooMuch { path: _, what: _ } => "check that it is the directory that was meant",
        };
        Some(hint.to_owned())
    }
}

/// Reads every policy file below a directory: those whose names end in `.yaml` or `.yml`, in name
/// order, without hidden files and directories.
///
/// # Errors
///
/// Any file that cannot be read fails the whole read: policies that are missing would look like
/// policies that were deleted. A directory without policy files is an error too.
pub fn read_policies(directory: &Path) -> Result<PolicyFiles, SourceError> {
    let before = git::head(directory);
    let walk::Found { paths, symlinks } = walk::policy_files(directory)?;
    if paths.is_empty() {
        return Err(SourceError::Empty { path: directory.to_owned() });
    }
    let mut files = Vec::with_capacity(paths.len());
    let mut bytes = 0;
    for (name, path) in paths {
        let file = read_named(name, &path)?;
        bytes += file.text.len();
        if bytes > BYTES_MAX {
            let what = format!("{} MiB of policies", BYTES_MAX / (1024 * 1024));
            return Err(SourceError::TooMuch { path: directory.to_owned(), what });
        }
        files.push(file);
    }
    // What a link leads to need not be in the commit. And a checkout may have come between.
    let commit = before.filter(|commit| {
        !symlinks && git::is_clean(directory) && git::head(directory).as_ref() == Some(commit)
    });
    Ok(PolicyFiles { digest: digest(&files), files, commit: commit.map(Into::into) })
}

/// Reads one file, such as the configuration.
///
/// # Errors
///
/// Fails where it cannot be read, is too large or is not UTF-8.
pub fn read_file(path: &Path) -> Result<SourceFile, SourceError> {
    read_named(path.display().to_string().into(), path)
}

fn read_named(name: Arc<str>, path: &Path) -> Result<SourceFile, SourceError> {
    let failed = |source| SourceError::File { path: path.to_owned(), source };
    // Asked before opening: to open a pipe would wait for whoever writes to it.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(SourceError::Odd { path: path.to_owned(), reason: "it is not a file" });
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).expect("the limit is small") + 1;
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    SourceFile::from_bytes(name, bytes).map_err(SourceError::Text)
}

/// Returns the digest of names and contents, each preceded by its length so that no two
/// directories that differ are alike.
fn digest(files: &[SourceFile]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"seatkeeper policies 1\n");
    for SourceFile { name, text } in files {
        for part in [name, text] {
            let length = u64::try_from(part.len()).expect("lengths fit 64 bits");
            hash.update(length.to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Digest(hash.finalize().into())
}

#[cfg(test)]
mod tests;
