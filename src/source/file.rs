//! Reads one file, of which never more than it may have: whatever a path leads to, reading it ends.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// Reads a file that may have so many bytes. Only files are read: a pipe may never say anything, and a
/// device never ends.
///
/// # Errors
///
/// Where it is no file, has more bytes, or cannot be read. Nothing of it is used then.
pub fn read_file(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let bytes = contents(path, bytes_max)?;
    if bytes.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(bytes)
}

/// Returns what to do where a file cannot be read.
pub fn file_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "check the path: a relative one begins at the working directory",
        ErrorKind::PermissionDenied => "check that this account may read it",
        ErrorKind::IsADirectory => "name a file in it",
        ErrorKind::FileTooLarge => "check the path; such a file never is that large",
        _ => "name a file that can be read",
    }
}

/// Reads a file, of which never more than one byte too many.
pub(super) fn contents(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    // Asked before opening: to open a pipe would wait for whoever writes to it.
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"));
    }
    if !found.is_file() {
        return Err(io::Error::other("it is neither a file nor a directory"));
    }
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    // One more than it has, so that its end is seen without asking for more room.
    let room = usize::try_from(found.len().saturating_add(1).min(limit)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(room);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn too_large(bytes_max: usize) -> io::Error {
    let message = match bytes_max / (1024 * 1024) {
        0 => format!("it is larger than {} KiB", bytes_max / 1024),
        mebibytes => format!("it is larger than {mebibytes} MiB"),
    };
    io::Error::new(ErrorKind::FileTooLarge, message)
}
