//! Files that nobody else may read, since they name people.

use std::io::Write as _;
use std::path::Path;

use crate::cli::exit::{Exit, Failure};

/// Puts a file in place of the one before: at any instant it is the one or the other, and this
/// account alone may read it.
///
/// # Errors
///
/// Where it cannot be written; what was there before is untouched then.
pub(super) fn write(path: &Path, bytes: &[u8], what: &str) -> Result<(), Failure> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).and_then(
        |mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        },
    );
    match written {
        Ok(_) => Ok(()),
        Err(error) => {
            let context = format!("cannot write {what} to `{}`", path.display());
            Err(Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context)))
        }
    }
}
