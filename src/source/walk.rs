//! Finds policy files: in name order, each directory once, however links are tangled.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::{FILES_MAX, SourceError};

/// How deep directories may nest.
const DEPTH_MAX: usize = 32;

/// The policy files of a directory.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Names relative to the directory, and where the files are.
    pub(super) paths: Vec<(Arc<str>, PathBuf)>,
    /// Whether any of it was reached through a symbolic link.
    pub(super) symlinks: bool,
}

/// Finds the policy files below a directory.
pub(super) fn policy_files(directory: &Path) -> Result<Found, SourceError> {
    let mut walk = Walk { top: directory, found: Found::default(), visited: BTreeSet::new() };
    walk.directory(directory, "", 0)?;
    Ok(walk.found)
}

struct Walk<'a> {
    top: &'a Path,
    found: Found,
    visited: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, prefix: &str, depth: usize) -> Result<(), SourceError> {
        let failed = |source| SourceError::Unreadable { path: path.to_owned(), source };
        // A link may lead to a directory that was read, or to one that is being read.
        if !self.visited.insert(fs::canonicalize(path).map_err(failed)?) {
            return Ok(());
        }
        if depth > DEPTH_MAX {
            return Err(self.too_much(format!("{DEPTH_MAX} levels of directories")));
        }
        let mut names: Vec<OsString> = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
        }
        names.sort();
        for name in names {
            self.entry(path, prefix, &name, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        directory: &Path,
        prefix: &str,
        name: &OsString,
        depth: usize,
    ) -> Result<(), SourceError> {
        if name.as_encoded_bytes().starts_with(b".") {
            return Ok(());
        }
        let path = directory.join(name);
        let failed = |source| SourceError::Unreadable { path: path.clone(), source };
        let is_policy = is_policy(name);
        let found = fs::symlink_metadata(&path).map_err(failed)?;
        let is_link = found.is_symlink();
        let is_directory = match if is_link { fs::metadata(&path) } else { Ok(found) } {
            Ok(metadata) => metadata.is_dir(),
            // A broken link under another name is nobody's policy.
            Err(_) if is_link && !is_policy => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if !is_directory && !is_policy {
            return Ok(());
        }
        let Some(name) = name.to_str() else {
            return Err(failed(io::Error::other("its name is not UTF-8")));
        };
        // The name stands in every place that is told, and in every plan.
        if name.contains(char::is_control) {
            return Err(failed(io::Error::other("its name holds a control character")));
        }
        let relative = format!("{prefix}{name}");
        self.found.symlinks |= is_link;
        if is_directory {
            return self.directory(&path, &format!("{relative}/"), depth + 1);
        }
        if self.found.paths.len() == FILES_MAX {
            return Err(self.too_much(format!("{FILES_MAX} policy files")));
        }
        self.found.paths.push((relative.into(), path));
        Ok(())
    }

    fn too_much(&self, what: String) -> SourceError {
        SourceError::TooMuch { path: self.top.to_owned(), what }
    }
}

/// Whether a name ends as policy files do. Case does not count, lest `Sales.YAML` be overlooked.
pub(super) fn is_policy(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().unwrap_or_default();
    ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
}
