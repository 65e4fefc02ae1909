//! The latest snapshot of a tenant, in a file of its own: `contoso.snapshot`.
//!
//! It can always be read again from the tenant, so a file that is damaged or of another version is
//! no more than an error that says so. It never yields half a snapshot: the digest is compared
//! before anything is read from it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::store::error::{Cause, StoreError};
use crate::store::schema::sync_directory;
use form::SnapshotForm;

pub(super) mod form;
pub(super) mod table;

#[cfg(test)]
mod tests;

/// How the file begins, so that nothing else passes for it.
const MAGIC: [u8; 8] = *b"SEATSNAP";

/// The version of what follows. Any change of the forms raises it: the encoding names no fields.
pub(super) const FORMAT_VERSION: u32 = 4;

/// The magic, the version and the digest of the rest.
const HEAD_LENGTH: usize = MAGIC.len() + size_of::<u32>() + 32;

/// Returns where the snapshot of a tenant lies.
pub(super) fn path(dir: &Path, tenant: &TenantName) -> PathBuf {
    dir.join(format!("{tenant}.snapshot"))
}

/// Puts a snapshot in place of the one before: at any instant the file is the one or the other.
pub(super) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), StoreError> {
    let failed = |source: Cause| StoreError::Failed { path: path.to_owned(), source };
    let payload = postcard::to_stdvec(&SnapshotForm::from(snapshot));
    let payload = payload.map_err(|error| failed(error.into()))?;
    let dir = path.parent().expect("the path was made by joining a name to a directory");
    replace(path, dir, &payload).map_err(|error| StoreError::of_io(path, error))?;
    sync_directory(dir)
}

fn replace(path: &Path, dir: &Path, payload: &[u8]) -> io::Result<()> {
    // Created for this account alone, and removed again where something fails before the rename.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&MAGIC)?;
    file.write_all(&FORMAT_VERSION.to_le_bytes())?;
    file.write_all(&Sha256::digest(payload))?;
    file.write_all(payload)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Returns the snapshot in a file, or none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Snapshot>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => decode(path, &bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::of_io(path, error)),
    }
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Snapshot, StoreError> {
    let damaged = |reason: String| StoreError::DamagedSnapshot { path: path.to_owned(), reason };
    let Some((head, payload)) = bytes.split_at_checked(HEAD_LENGTH) else {
        return Err(damaged(format!("it ends after {} bytes", bytes.len())));
    };
    let (magic, head) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(damaged("it does not begin as a snapshot does".to_owned()));
    }
    let (version, digest) = head.split_at(size_of::<u32>());
    let found = u32::from_le_bytes(version.try_into().expect("it was split off with this length"));
    if found != FORMAT_VERSION {
        let (path, known) = (path.to_owned(), FORMAT_VERSION);
        return Err(StoreError::OtherSnapshot { path, found, known });
    }
    if Sha256::digest(payload).as_slice() != digest {
        return Err(damaged("its digest does not fit".to_owned()));
    }
    let form: SnapshotForm =
        postcard::from_bytes(payload).map_err(|error| damaged(error.to_string()))?;
    form.into_snapshot().map_err(damaged)
}
