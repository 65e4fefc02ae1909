//! Opens the database file: makes it, tells whether it is ours, and brings it up to date.
//!
//! Never touches a file that another program or a later version of this one wrote.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::store::error::StoreError;
use crate::store::lock::alone;

/// The schema, version by version: a store of version `n` has had the first `n` of these. What
/// stands here once is never changed; a new version is a new file at the end.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
];

/// The name of the database in the state directory.
pub const FILE_NAME: &str = "seatkeeper.db";

/// Tells SQLite's tools that the file is ours: the letters `SEAT`.
const APPLICATION_ID: i32 = 0x5345_4154;

/// How long to wait for another process that writes.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// The file that is locked while the database is made or brought up to date: of processes that do so
/// at once SQLite fails some at once, without waiting, when it changes to a write-ahead log.
const GATE: &str = "store.gate";

/// Opens the database for writing, made or brought up to date where that is needed.
pub(super) fn open_writing(dir: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    create_directory(dir)?;
    let gate = dir.join(GATE);
    let _alone = alone(&gate).map_err(|error| StoreError::of_io(&gate, error))?;
    let path = dir.join(FILE_NAME);
    create_file(&path)?;
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let version = version(&connection, &path)?.known(&path, migrations.len())?;
    if version > 0 && version < migrations.len() {
        back_up(&connection, &path, version)?;
    }
    let sqlite = |error| StoreError::of_sqlite(&path, error);
    settle_in(&connection).map_err(sqlite)?;
    migrate(&mut connection, migrations).map_err(sqlite)?;
    sync_directory(dir)?;
    Ok(connection)
}

/// Opens the database for reading alone; other processes may write meanwhile.
pub(super) fn open_reading(dir: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    let path = dir.join(FILE_NAME);
    let no_store = || StoreError::NoStore { dir: dir.to_owned() };
    match fs::metadata(&path) {
        Ok(file) if file.len() == 0 => return Err(no_store()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_store()),
        Err(error) => return Err(StoreError::of_io(dir, error)),
    }
    let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found = version(&connection, &path)?.known(&path, migrations.len())?;
    match found {
        // Another process has made the file and not yet what belongs in it.
        0 => Err(no_store()),
        found if found < migrations.len() => {
            Err(StoreError::Older { path, found, known: migrations.len() })
        }
        _ => Ok(connection),
    }
}

fn create_directory(dir: &Path) -> Result<(), StoreError> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(StoreError::NotADirectory { path: dir.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::of_io(dir, error)),
    }
    // Level by level, each made durable in the one above: a directory that a power cut takes away
    // would take every record in it along.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_directory(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => sync_directory(parent.unwrap_or(Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::of_io(dir, error)),
    }
}

/// Makes an empty file that nobody else may read, which SQLite takes for an empty database. SQLite
/// itself would leave the mode to the umask; its side files take over the mode of this one.
fn create_file(path: &Path) -> Result<(), StoreError> {
    match private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::of_io(path, error)),
    }
}

/// Makes the options create files for this account alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let sqlite = |error| StoreError::of_sqlite(path, error);
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(sqlite)?;
    connection.busy_timeout(BUSY_MAX).map_err(sqlite)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(sqlite)?;
    Ok(connection)
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// Nothing at all: a file just made.
    Empty,
    /// It is ours, of this version.
    Ours(usize),
    /// It is a database of something else.
    Foreign,
}

impl Version {
    /// Returns the number of migrations it has had, unless it is not ours or too new.
    fn known(self, path: &Path, known: usize) -> Result<usize, StoreError> {
        match self {
            Self::Empty => Ok(0),
            Self::Ours(version) if version <= known => Ok(version),
            Self::Ours(found) => Err(StoreError::Newer { path: path.to_owned(), found, known }),
            Self::Foreign => Err(StoreError::Foreign { path: path.to_owned() }),
        }
    }
}

fn version(connection: &Connection, path: &Path) -> Result<Version, StoreError> {
    read_version(connection).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        _ => StoreError::of_sqlite(path, error),
    })
}

fn read_version(connection: &Connection) -> rusqlite::Result<Version> {
    // One statement, so that a process that makes the store meanwhile is seen before or after.
    let (application, version, tables) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get::<_, i32>(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    Ok(match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) => Version::Ours(version),
        (0, Ok(0)) if tables == 0 => Version::Empty,
        _ => Version::Foreign,
    })
}

/// Keeps a copy of the store as it is, in `seatkeeper-v1.db` for version 1.
fn back_up(connection: &Connection, path: &Path, version: usize) -> Result<PathBuf, StoreError> {
    let dir = path.parent().expect("the path was made by joining a name to a directory");
    let backup = dir.join(format!("seatkeeper-v{version}.db"));
    let io = |error| StoreError::of_io(&backup, error);
    let file = tempfile::NamedTempFile::new_in(dir).map_err(io)?;
    let name = file.path().to_str().ok_or(io::ErrorKind::InvalidFilename);
    let name = name.map_err(|kind| io(kind.into()))?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(|error| StoreError::of_sqlite(&backup, error))?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(&backup).map_err(|error| io(error.error))?;
    sync_directory(dir)?;
    Ok(backup)
}

/// Sets what holds for a connection that writes.
fn settle_in(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // NORMAL loses acknowledged commits when the power goes.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A large plan leaves a large write-ahead log behind: give the space back.
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Brings the schema up to date, in one transaction: nobody ever sees a store half-way. Another process
/// may be doing the same: what is missing is looked up with the lock for writing held.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: usize = transaction.pragma_query_value(None, "user_version", |row| {
        row.get::<_, i32>(0).map(|version| usize::try_from(version).unwrap_or(usize::MAX))
    })?;
    let missing = migrations.get(version..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    let version = i32::try_from(migrations.len()).expect("there are only a few migrations");
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// Makes what happened to names in a directory durable.
pub(super) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| StoreError::of_io(dir, error))
}
