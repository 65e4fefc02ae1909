//! A tenant in a file that people carry elsewhere: its name, the snapshot and the ledger, which is all
//! that a plan follows from beside policies and settings.
//!
//! The forms of the kept snapshot are used again, so that a tenant of a hundred thousand people is some
//! ten megabytes; the price is that a file is read by the version of the format that wrote it. It is
//! whole or refused: the digest is compared before anything is read from it. Nothing here opens a file.

use postcard::{from_bytes, to_stdvec};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::plan::ledger::Ledger;
use crate::store::snapshot::{FORMAT_VERSION as SNAPSHOT_VERSION, form::SnapshotForm};
use ledger::LedgerForm;

mod ledger;

#[cfg(test)]
mod tests;

/// How the file begins, so that nothing else passes for it.
pub const MAGIC: [u8; 8] = *b"SEATEXPO";

/// The version of what is written here. Any change of the forms raises it: the encoding names no
/// fields. That of the kept snapshot counts beside it.
const FORMAT_VERSION: u32 = 2;

/// How long the version of the program stands in the file, filled up with zeros.
const WRITER_LENGTH: usize = 16;

/// The magic, both versions, the version of the program and the digest of the rest.
const HEAD_LENGTH: usize = MAGIC.len() + 2 * size_of::<u32>() + WRITER_LENGTH + 32;

/// All that a plan follows from beside policies and settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The tenant.
    pub tenant: TenantName,
    /// What it looked like.
    pub snapshot: Snapshot,
    /// Which assignments policies owned then.
    pub ledger: Ledger,
}

/// Why a file is not an export that can be used. Nothing of it is used then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Something else.
    #[error("it is not a snapshot that `seatkeeper snapshot` wrote")]
    Foreign,
    /// Another version of this program wrote it.
    #[error("seatkeeper {writer} wrote it in format {found}; this one reads format {known}")]
    OtherVersion {
        /// The version of the program that wrote it.
        writer: String,
        /// Its format.
        found: String,
        /// The format that this program reads.
        known: String,
    },
    /// Not whole, or changed since it was written.
    #[error("it is damaged: {reason}")]
    Damaged {
        /// What was found.
        reason: String,
    },
}

impl ExportError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Foreign => "name a file that `seatkeeper snapshot --out FILE` wrote",
            Self::OtherVersion { writer: _, found: _, known: _ } => {
                "export it again with this version of seatkeeper, or use the one that wrote it"
            }
            Self::Damaged { reason: _ } => {
                "fetch it again, or export it again: `seatkeeper snapshot --out FILE`"
            }
        }
    }
}

/// An [`Export`] in the file.
#[derive(Debug, Serialize, Deserialize)]
struct ExportForm {
    tenant: String,
    snapshot: SnapshotForm,
    ledger: LedgerForm,
}

/// Returns the bytes of an export.
///
/// # Errors
///
/// Where the encoding fails, which it does for nothing that a tenant holds.
pub fn encode(export: &Export) -> Result<Vec<u8>, postcard::Error> {
    let Export { tenant, snapshot, ledger } = export;
    let form = ExportForm {
        tenant: tenant.to_string(),
        snapshot: SnapshotForm::from(snapshot),
        ledger: LedgerForm::from(ledger),
    };
    let payload = to_stdvec(&form)?;
    let mut writer = env!("CARGO_PKG_VERSION").as_bytes().to_vec();
    writer.resize(WRITER_LENGTH, 0);
    let mut bytes = Vec::with_capacity(HEAD_LENGTH + payload.len());
    bytes.extend(MAGIC);
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend(SNAPSHOT_VERSION.to_le_bytes());
    bytes.extend(writer);
    bytes.extend(Sha256::digest(&payload));
    bytes.extend(payload);
    Ok(bytes)
}

/// Reads an export back.
///
/// # Errors
///
/// Where it is not one, not whole, or of another version.
pub fn decode(bytes: &[u8]) -> Result<Export, ExportError> {
    let damaged = |reason: String| ExportError::Damaged { reason };
    let Some(rest) = bytes.strip_prefix(&MAGIC) else {
        return Err(if !bytes.is_empty() && MAGIC.starts_with(bytes) {
            damaged(format!("it ends after {} bytes", bytes.len()))
        } else {
            ExportError::Foreign
        });
    };
    let Some((head, payload)) = rest.split_at_checked(HEAD_LENGTH - MAGIC.len()) else {
        return Err(damaged(format!("it ends after {} bytes", bytes.len())));
    };
    let (versions, head) = head.split_at(2 * size_of::<u32>());
    let (writer, digest) = head.split_at(WRITER_LENGTH);
    check_version(versions, writer)?;
    if Sha256::digest(payload).as_slice() != digest {
        return Err(damaged("its digest does not fit, so it is not whole or was changed".into()));
    }
    let form: ExportForm = from_bytes(payload).map_err(|error| damaged(error.to_string()))?;
    let ExportForm { tenant, snapshot, ledger } = form;
    Ok(Export {
        tenant: tenant.parse().map_err(|_| damaged(format!("`{tenant}` is not a tenant")))?,
        snapshot: snapshot.into_snapshot().map_err(damaged)?,
        ledger: ledger.into_ledger().map_err(damaged)?,
    })
}

fn check_version(versions: &[u8], writer: &[u8]) -> Result<(), ExportError> {
    let number = |bytes: &[u8]| {
        u32::from_le_bytes(bytes.try_into().expect("it was split off with this length"))
    };
    let (own, snapshot) = versions.split_at(size_of::<u32>());
    let (own, snapshot) = (number(own), number(snapshot));
    if (own, snapshot) == (FORMAT_VERSION, SNAPSHOT_VERSION) {
        return Ok(());
    }
    let writer = String::from_utf8_lossy(writer);
    let version = |letter: &char| letter.is_ascii_alphanumeric() || ".-+".contains(*letter);
    Err(ExportError::OtherVersion {
        writer: writer.chars().take_while(version).collect(),
        found: format!("{own}.{snapshot}"),
        known: format!("{FORMAT_VERSION}.{SNAPSHOT_VERSION}"),
    })
}
