//! A directory for what is needed only while a command runs.

use tempfile::TempDir;

use crate::cli::exit::{Exit, Failure};

/// Makes a directory that goes when this is dropped.
///
/// # Errors
///
/// Where there is no place for it, says which, and how to name another.
pub(super) fn directory() -> Result<TempDir, Failure> {
    tempfile::tempdir().map_err(|error| {
        let place = std::env::temp_dir();
        let context = format!("cannot make a directory in `{}`", place.display());
        Failure::new(Exit::Unavailable, anyhow::Error::new(error).context(context))
            .hint("TMPDIR names another place for what is needed only while this runs")
    })
}
