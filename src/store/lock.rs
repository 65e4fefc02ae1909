//! One process at a time talks to a tenant. The lock belongs to the process and goes with it,
//! however it ends; the file stays, and says who holds it (or held it last).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::names::TenantName;
use crate::store::schema::private;

#[cfg(test)]
mod tests;

/// The file that is locked for an instant by whoever looks at or changes a lock. It keeps a mere
/// look from getting into the way of a process that wants the lock.
const GATE: &str = "locks.gate";

/// Who holds the lock of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// What it does, such as `seatkeeper run`.
    pub command: String,
    /// Since when it holds the lock.
    pub since: Timestamp,
    /// A mark of the settings that it goes by; none where it did not say.
    pub settings: Option<String>,
}

/// Why the lock of a tenant could not be had, or not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process talks to the tenant.
    #[error("tenant `{tenant}` is in use by {}", Named(holder.as_ref()))]
    Held {
        /// The tenant.
        tenant: TenantName,
        /// Who holds it; none where the file does not say.
        holder: Option<Holder>,
    },
    /// The file could not be used.
    #[error("cannot use the lock `{}`", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LockError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Held { tenant: _, holder: _ } => {
                "wait until it is done, or stop it; a process that died holds no lock"
            }
            Self::Unusable { path: _, source: _ } => {
                "run as the account that owns the state directory"
            }
        }
    }
}

/// A holder as a message names it.
struct Named<'a>(Option<&'a Holder>);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(Holder { pid, command, since, settings: _ }) => {
                write!(f, "`{command}` (process {pid}) since {since}")
            }
            None => f.write_str("another process"),
        }
    }
}

/// The right to talk to a tenant, until it is dropped or the process ends.
#[derive(Debug)]
pub struct TenantLock {
    /// Closing it gives the lock up. What the file says then counts no longer.
    _file: File,
}

impl TenantLock {
    /// Takes the lock of a tenant, without waiting for another process to give it up.
    ///
    /// # Errors
    ///
    /// `Held`, with who holds it; or the file or the directory cannot be used.
    pub fn acquire(dir: &Path, tenant: &TenantName, holder: &Holder) -> Result<Self, LockError> {
        let path = path(dir, tenant);
        let unusable = |source| LockError::Unusable { path: path.clone(), source };
        let _gate = Gate::enter(dir)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = private(&mut options).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file).map_err(unusable)?;
                return Err(LockError::Held { tenant: tenant.clone(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        write_holder(&mut file, holder).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Returns who holds the lock of a tenant, without taking it; none where it is free.
///
/// # Errors
///
/// Fails where the file cannot be read; whether somebody holds it is not known then.
pub fn holder(dir: &Path, tenant: &TenantName) -> Result<Option<Holder>, LockError> {
    let path = path(dir, tenant);
    let unusable = |source| LockError::Unusable { path: path.clone(), source };
    if !fs::exists(&path).map_err(unusable)? {
        return Ok(None);
    }
    // Before the file, so that the file is closed, and the look over, when the gate opens again.
    let _gate = Gate::enter(dir)?;
    let mut file = File::open(&path).map_err(unusable)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let holder = read_holder(&mut file).map_err(unusable)?;
            let nameless = || unusable(io::Error::other("it does not say who holds it"));
            holder.map(Some).ok_or_else(nameless)
        }
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

fn path(dir: &Path, tenant: &TenantName) -> PathBuf {
    dir.join(format!("{tenant}.lock"))
}

/// Held for the few system calls of a look or a change; waiting for it is waiting for those.
struct Gate {
    _file: File,
}

impl Gate {
    fn enter(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(GATE);
        let file = alone(&path).map_err(|source| LockError::Unusable { path, source })?;
        Ok(Self { _file: file })
    }
}

/// Waits until no other process holds a file, and holds it until what is returned is dropped.
pub(super) fn alone(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = private(&mut options).open(path)?;
    file.lock()?;
    Ok(file)
}

/// A [`Holder`] as the file has it.
#[derive(Serialize, Deserialize)]
struct HolderForm {
    pid: u32,
    command: String,
    since: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<String>,
}

fn write_holder(file: &mut File, holder: &Holder) -> io::Result<()> {
    let Holder { pid, command, since, settings } = holder;
    let form = HolderForm {
        pid: *pid,
        command: command.clone(),
        since: since.to_string(),
        settings: settings.clone(),
    };
    let mut text = serde_json::to_vec(&form)?;
    text.push(b'\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// Reads who holds the lock; a file that does not say so is no reason to fail.
fn read_holder(file: &mut File) -> io::Result<Option<Holder>> {
    let mut text = String::new();
    file.rewind()?;
    match file.take(1 << 16).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(serde_json::from_str(&text).ok().and_then(|HolderForm { pid, command, since, settings }| {
        Some(Holder { pid, command, since: since.parse().ok()?, settings })
    }))
}
