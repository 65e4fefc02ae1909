//! Exported tenants, written to and read from files or pipes.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use crate::cli::exit::{Exit, Failure};
use crate::cli::private_file;
use crate::store::export::{Export, decode, encode};

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
    let mut bytes = Vec::new();
    let read = if is_stream(path) {
        io::stdin().lock().take(BYTES_MAX).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes))
    };
    let what = called(path);
    let hint = "`seatkeeper snapshot --out FILE` writes one, where the tenant can be read";
    read.map_err(|error| {
        let context = format!("cannot read the snapshot {what}");
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context)).hint(hint)
    })?;
    decode(&bytes).map_err(|error| {
        let hint = error.hint();
        let context = format!("cannot use the snapshot {what}");
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context)).hint(hint)
    })
}
