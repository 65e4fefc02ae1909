//! Exported tenants, written to and read from files or pipes.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::cli::exit::{Exit, Failure};
use crate::cli::private_file;
use crate::store::export::{Export, MAGIC, decode, encode};

/// More than any tenant takes: what is longer is something else.
const BYTES_MAX: u64 = 4 << 30;

/// Whether a path stands for stdin or stdout.
fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Returns what to call a file in messages.
pub(super) fn called(path: &Path) -> String {
    if is_stream(path) { "stdin".to_owned() } else { format!("`{}`", path.display()) }
}

/// Makes sure that bytes for stdout do not end on a screen.
///
/// # Errors
///
/// Where they would.
pub(super) fn refuse_terminal(path: &Path) -> Result<(), Failure> {
    if is_stream(path) && io::stdout().is_terminal() {
        return Err(Failure::text(Exit::Usage, "a snapshot is no text for a terminal")
            .hint("name a file: --out FILE; or pass it on: --out - | …"));
    }
    Ok(())
}

/// Writes an export. Returns how many bytes it has.
///
/// # Errors
///
/// Where it cannot be written; what was there before is untouched then.
pub(super) fn write(path: &Path, export: &Export) -> Result<usize, Failure> {
    let bytes = encode(export).map_err(|error| Failure::new(Exit::Internal, error))?;
    if is_stream(path) {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&bytes).and_then(|()| stdout.flush())?;
    } else {
        private_file::write(path, &bytes, "the snapshot")?;
    }
    Ok(bytes.len())
}

/// Reads an export.
///
/// # Errors
///
/// Where it cannot be read, or is not one that this program can use; nothing is concluded then.
pub(super) fn read(path: &Path) -> Result<Export, Failure> {
    let read =
        if is_stream(path) { bounded(io::stdin().lock()) } else { open(path).and_then(bounded) };
    let what = called(path);
    let hint = "`seatkeeper snapshot --out FILE` writes one, where the tenant can be read";
    let bytes = read.map_err(|error| {
        let context = format!("cannot read the snapshot {what}");
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context)).hint(hint)
    })?;
    decode(&bytes).map_err(|error| {
        let hint = error.hint();
        let context = format!("cannot use the snapshot {what}");
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context)).hint(hint)
    })
}

/// Opens a file or a pipe; a device may never end.
fn open(path: &Path) -> io::Result<File> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if !found.is_file() && !found.file_type().is_fifo() {
        return Err(io::Error::other("it is neither a file nor a pipe"));
    }
    File::open(path)
}

/// Reads to the end, or no further than shows that it is something else.
fn bounded(mut from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut bytes)?;
    if bytes == MAGIC {
        from.take(BYTES_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
