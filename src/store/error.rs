//! Why the store failed, by what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::ports::RecordsError;

/// Why the store could not be opened, read or written. Inside a [`RecordsError`] it is the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was ever stored here.
    #[error("there is no store in `{}`", dir.display())]
    NoStore {
        /// The state directory.
        dir: PathBuf,
    },
    /// Something else stands where the state directory should be.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// The place.
        path: PathBuf,
    },
    /// A file of another program has the name of the store.
    #[error("`{}` is not a store of seatkeeper", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote it. Nothing was changed.
    #[error(
        "the store `{}` has schema version {found}; this program knows versions up to {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The latest version that this program knows.
        known: usize,
    },
    /// An earlier version of this program wrote it, and reading alone may not bring it up to date.
    #[error(
        "the store `{}` has schema version {found}; this program reads version {known}",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The version that this program reads.
        known: usize,
    },
    /// No room is left. What was under way is undone; what was recorded before is safe.
    #[error("the disk is full at `{}`", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// The disk did not do what was asked. What was recorded before is safe.
    #[error("the disk fails at `{}`", path.display())]
    DiskFails {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// It cannot be read as what it should be.
    #[error("the file `{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Cause,
    },
    /// It, or the directory it lies in, may not be used by this account.
    #[error("no access to `{}`", path.display())]
    NoAccess {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// Another process held it for too long.
    #[error("the store `{}` is in use by another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Cause,
    },
    /// The change breaks a rule of the store, such as that an outcome is never edited.
    #[error("the store `{}` refuses the change", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The rule.
        #[source]
        source: Cause,
    },
    /// The store was opened for reading alone.
    #[error("the store `{}` was opened for reading", path.display())]
    ReadingOnly {
        /// The file.
        path: PathBuf,
    },
    /// The snapshot was written by another version of this program.
    #[error(
        "the snapshot `{}` has format version {found}; this program reads version {known}",
        path.display()
    )]
    OtherSnapshot {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The snapshot is not what was written: not whole, or changed since.
    #[error("the snapshot `{}` is damaged: {reason}", path.display())]
    DamagedSnapshot {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Anything else.
    #[error("the file `{}` cannot be used", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: Cause,
    },
}

/// What a lower layer said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Returns what a person can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoStore { dir: _ } => {
                "check `state` in the configuration; the first `seatkeeper plan` creates the store"
            }
            Self::NotADirectory { path: _ } => {
                "point `state` in the configuration at a directory, or move the file away"
            }
            Self::Foreign { path: _ } => {
                "point `state` in the configuration at a directory of its own"
            }
            Self::Newer { path: _, found: _, known: _ } => {
                "use the version of seatkeeper that wrote it, or a newer one; nothing was changed"
            }
            Self::Older { path: _, found: _, known: _ } => {
                "restart the daemon with this version, or run `seatkeeper plan`: either brings the \
                 store up to date, and keeps a copy of it as it was"
            }
            Self::DiskFull { path: _, source: _ } => {
                "free some space; what was recorded before is safe"
            }
            Self::DiskFails { path: _, source: _ } => {
                "check its room, quota and health; what was recorded before is safe"
            }
            Self::Damaged { path: _, source: _ } => {
                "stop the daemon, keep a copy, and restore a backup; or move the file away and \
                 start with an empty store, which removes nothing that policies granted before"
            }
            Self::NoAccess { path: _, source: _ } => {
                "run as the account that owns the state directory"
            }
            Self::Busy { path: _, source: _ } => {
                "try again; `seatkeeper status` says who is at work"
            }
            Self::OtherSnapshot { path: _, found: _, known: _ }
            | Self::DamagedSnapshot { path: _, reason: _ } => {
                "run `seatkeeper plan`: it reads the tenant again and replaces the file"
            }
            Self::Refused { path: _, source: _ }
            | Self::ReadingOnly { path: _ }
            | Self::Failed { path: _, source: _ } => return None,
        })
    }

    /// Tells what an error of SQLite means for the file.
    pub(super) fn of_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let unreadable = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        );
        let code = error.sqlite_error_code();
        let source = match error {
            // The words of the rule; "constraint failed" behind them would say nothing more.
            rusqlite::Error::SqliteFailure(failure, Some(rule))
                if failure.code == ErrorCode::ConstraintViolation =>
            {
                Cause::from(rule)
            }
            error => Cause::from(error),
        };
        match code {
            _ if unreadable => Self::Damaged { path, source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, source }
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, source },
            Some(ErrorCode::SystemIoFailure) => Self::DiskFails { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::NoAccess { path, source }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            Some(ErrorCode::ConstraintViolation) => Self::Refused { path, source },
            _ => Self::Failed { path, source },
        }
    }

    /// Tells what an error of the file system means for a file or directory.
    pub(super) fn of_io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        let kind = error.kind();
        let source = Cause::from(error);
        match kind {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NoAccess { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            _ => Self::Failed { path, source },
        }
    }

    /// Makes it the reason why something could not be recorded or told.
    pub(super) fn while_trying(self, what: impl Into<String>) -> RecordsError {
        RecordsError::Storage { what: what.into(), source: Box::new(self) }
    }
}

/// How a job on the store can fail: as SQLite says, or because the records do not allow it.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// The records do not allow it.
    Records(RecordsError),
}

impl Fault {
    /// Makes it an error of the port.
    pub(super) fn while_trying(self, path: &Path, what: impl Into<String>) -> RecordsError {
        match self {
            Self::Sqlite(error) => StoreError::of_sqlite(path, error).while_trying(what),
            Self::Records(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<RecordsError> for Fault {
    fn from(error: RecordsError) -> Self {
        Self::Records(error)
    }
}
