//! The latest snapshot of a tenant, in a file of its own: `contoso.snapshot`.
//!
//! It can always be read again from the tenant, so a file that is damaged or of another version is
//! no more than an error that says so. It never yields half a snapshot: the digest is compared
//! before anything is read from it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
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

/// What stands before the payload of a file: the magic, the version and the digest of the payload.
const HEAD_LENGTH: usize = MAGIC.len() + size_of::<u32>() + 32;

/// The digest of a payload.
pub(super) type Digest = [u8; 32];

/// How a kind of file begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) magic: [u8; 8],
    pub(super) version: u32,
}

const HEAD: Head = Head { magic: MAGIC, version: FORMAT_VERSION };

/// Returns where the snapshot of a tenant lies.
pub(super) fn path(dir: &Path, tenant: &TenantName) -> PathBuf {
    dir.join(format!("{tenant}.snapshot"))
}

/// Puts a snapshot in place of the one before: at any instant the file is the one or the other.
pub(super) fn write(path: &Path, snapshot: &Snapshot) -> Result<Digest, StoreError> {
    write_payload(path, HEAD, &SnapshotForm::from(snapshot))
}

/// Does so with another kind of file.
pub(super) fn write_form(path: &Path, head: Head, form: &impl Serialize) -> Result<(), StoreError> {
    write_payload(path, head, form).map(|_| ())
}

fn write_payload(path: &Path, head: Head, form: &impl Serialize) -> Result<Digest, StoreError> {
    let failed = |source: Cause| StoreError::Failed { path: path.to_owned(), source };
    let payload = postcard::to_stdvec(form).map_err(|error| failed(error.into()))?;
    let dir = path.parent().expect("the path was made by joining a name to a directory");
    let digest =
        replace(path, dir, head, &payload).map_err(|error| StoreError::of_io(path, error))?;
    sync_directory(dir)?;
    Ok(digest)
}

fn replace(path: &Path, dir: &Path, head: Head, payload: &[u8]) -> io::Result<Digest> {
    // Created for this account alone, and removed again where something fails before the rename.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    let digest: Digest = Sha256::digest(payload).into();
    file.write_all(&head.magic)?;
    file.write_all(&head.version.to_le_bytes())?;
    file.write_all(&digest)?;
    file.write_all(payload)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(digest)
}

/// Returns the digest that a file names, or none where there is no file or none that is whole.
pub(super) fn digest(path: &Path) -> Result<Option<Digest>, StoreError> {
    let mut head = [0; HEAD_LENGTH];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    match read {
        Ok(()) => Ok(head.last_chunk::<32>().copied()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // Reading it whole says what is wrong.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Some([0; 32])),
        Err(error) => Err(StoreError::of_io(path, error)),
    }
}

/// Returns the snapshot in a file, or none where there is no file.
#[cfg(test)]
pub(super) fn read(path: &Path) -> Result<Option<Snapshot>, StoreError> {
    Ok(read_with_digest(path)?.map(|(_, snapshot)| snapshot))
}

/// Returns the snapshot in a file and its digest, or none where there is no file.
pub(super) fn read_with_digest(path: &Path) -> Result<Option<(Digest, Snapshot)>, StoreError> {
    let damaged = |reason: String| StoreError::DamagedSnapshot { path: path.to_owned(), reason };
    match read_payload::<SnapshotForm>(path, HEAD)? {
        None => Ok(None),
        Some((digest, form)) => {
            form.into_snapshot().map(|snapshot| Some((digest, snapshot))).map_err(damaged)
        }
    }
}

/// Returns what is in another kind of file, or none where there is no file.
pub(super) fn read_form<T: DeserializeOwned>(
    path: &Path,
    head: Head,
) -> Result<Option<T>, StoreError> {
    Ok(read_payload(path, head)?.map(|(_, form)| form))
}

fn read_payload<T: DeserializeOwned>(
    path: &Path,
    head: Head,
) -> Result<Option<(Digest, T)>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => decode(path, head, &bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::of_io(path, error)),
    }
}

fn decode<T: DeserializeOwned>(
    path: &Path,
    expected: Head,
    bytes: &[u8],
) -> Result<(Digest, T), StoreError> {
    let damaged = |reason: String| StoreError::DamagedSnapshot { path: path.to_owned(), reason };
    let Some((head, payload)) = bytes.split_at_checked(HEAD_LENGTH) else {
        return Err(damaged(format!("it ends after {} bytes", bytes.len())));
    };
    let (magic, head) = head.split_at(expected.magic.len());
    if magic != expected.magic {
        return Err(damaged("it does not begin as a snapshot does".to_owned()));
    }
    let (version, digest) = head.split_at(size_of::<u32>());
    let found = u32::from_le_bytes(version.try_into().expect("it was split off with this length"));
    if found != expected.version {
        let (path, known) = (path.to_owned(), expected.version);
        return Err(StoreError::OtherSnapshot { path, found, known });
    }
    if Sha256::digest(payload).as_slice() != digest {
        return Err(damaged("its digest does not fit".to_owned()));
    }
    let digest = digest.try_into().expect("it was split off with this length");
    let form = postcard::from_bytes(payload).map_err(|error| damaged(error.to_string()))?;
    Ok((digest, form))
}
