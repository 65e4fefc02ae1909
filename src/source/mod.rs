//! Reads policy files from a directory. Knows nothing of what is in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::plan::Digest;
use crate::plan::digest::Hashing;
use crate::yaml::{Diagnostic, FILE_BYTES_MAX, SourceFile};

/// More files than this are no policy directory.
const FILES_MAX: usize = 20_000;
/// Deeper than this is no policy directory.
const DEPTH_MAX: usize = 32;

/// The policy files of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The files, in name order.
    pub files: Vec<SourceFile>,
    /// The digest over names and contents.
    pub digest: Digest,
    /// The commit, where the directory lies in a git work tree in which it has no changes.
    pub commit: Option<Arc<str>>,
}

/// Why policy files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or directory could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There are no policy files.
    #[error("no policy files in `{}`", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// It is too large or too deep to be a policy directory.
    #[error("`{}` holds more than a policy directory does: {what}", path.display())]
    TooMuch {
        /// Where.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// Files are not text.
    #[error("policy files are not text")]
    NotText(Vec<Diagnostic>),
}

impl SourceError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { path: _, source: _ } => {
                "check `policies` in the configuration, and that this account may read there"
            }
            Self::Empty { path: _ } => {
                "policies are `*.yaml` and `*.yml`; an empty directory would let everything go"
            }
            Self::TooMuch { path: _, what: _ } => "check `policies` in the configuration",
            Self::NotText(_) => "save them as UTF-8",
        }
    }
}

/// Reads every `*.yaml` and `*.yml` below a directory, in name order; hidden ones are skipped.
///
/// # Errors
///
/// Where one of them cannot be read, none is: half a policy tree is worse than none.
pub fn read(directory: &Path) -> Result<Files, SourceError> {
    let mut found = Vec::new();
    let mut above = BTreeSet::new();
    walk(directory, 0, &mut above, &mut found)?;
    if found.is_empty() {
        return Err(SourceError::Empty { path: directory.to_owned() });
    }
    let mut files = Vec::new();
    let mut not_text = Vec::new();
    let mut hashing = Hashing::new("policy files 1");
    for path in found {
        let name: Arc<str> = path.strip_prefix(directory).unwrap_or(&path).to_string_lossy().into();
        let bytes = contents(&path)?;
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
    Ok(Files { files, digest: hashing.finish(), commit: commit(directory) })
}

/// Reads a file, of which never more than fits.
fn contents(path: &Path) -> Result<Vec<u8>, SourceError> {
    use std::io::Read as _;
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let most = FILE_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn walk(
    directory: &Path,
    depth: usize,
    above: &mut BTreeSet<PathBuf>,
    found: &mut Vec<PathBuf>,
) -> Result<(), SourceError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| SourceError::Unreadable { path, source }
    };
    let too_much = |what: String| SourceError::TooMuch { path: directory.to_owned(), what };
    if depth > DEPTH_MAX {
        return Err(too_much(format!("more than {DEPTH_MAX} directories deep")));
    }
    // Where a link leads back up, there is no end: what is being read already is not read again.
    let real = directory.canonicalize().map_err(unreadable(directory))?;
    if !above.insert(real.clone()) {
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable(directory))? {
        entries.push(entry.map_err(unreadable(directory))?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_none_or(|name| name.starts_with('.')) {
            continue;
        }
        let what = std::fs::metadata(&path).map_err(unreadable(&path))?;
        let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if what.is_dir() {
            walk(&path, depth + 1, above, found)?;
        } else if yaml && what.is_file() {
            found.push(path);
        }
        if found.len() > FILES_MAX {
            return Err(too_much(format!("more than {FILES_MAX} files")));
        }
    }
    above.remove(&real);
    Ok(())
}

/// Returns the commit of a directory that git knows and that has no changes against it. Where there
/// is no git, there is no commit.
fn commit(directory: &Path) -> Option<Arc<str>> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(directory)
            .args(["--no-optional-locks", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let changes = git(&["status", "--porcelain", "--", "."])?;
    if !changes.trim().is_empty() {
        return None;
    }
    let commit = git(&["log", "-1", "--format=%H", "--", "."])?;
    Some(commit.trim().into()).filter(|commit: &Arc<str>| !commit.is_empty())
}

#[cfg(test)]
mod tests;
