//! The chain of outcomes: each record carries a digest of itself and of all before it.
//!
//! It shows that a record was changed, dropped or slipped in. That the newest were cut off shows
//! only against a head that somebody noted elsewhere.

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest as _, Sha256};

use crate::plan::Digest;
use crate::ports::Outcome;
use crate::report::word::Word;
use crate::store::column::Text;
use crate::store::error::Fault;
use crate::store::journal::Checkpoint;

/// What stands before the first record.
pub(super) const BEGINNING: Digest = Digest([0; 32]);

/// What a check of the history found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// No record was changed, dropped or slipped in, up to the head.
    Whole {
        /// How many outcomes there are.
        outcomes: u64,
        /// How many records the journal has.
        records: u64,
        /// The digest over all of them, to be noted and compared later.
        head: Digest,
    },
    /// A record is not what was recorded, or one is missing.
    Broken {
        /// Which, in words.
        what: String,
    },
}

/// Everything about one outcome that an auditor relies on.
pub(super) struct Link<'a> {
    pub(super) tenant: &'a str,
    pub(super) outcome: &'a Outcome,
    pub(super) form: &'a str,
    pub(super) approved_by: Option<String>,
}

impl Link<'_> {
    /// Returns the digest of this record behind the one before.
    pub(super) fn after(&self, last: Digest) -> Digest {
        let Self { tenant, outcome, form, approved_by } = self;
        let Outcome { plan, operation, kind, at, detail, code, request_id, recovered } = outcome;
        let mut hasher = Sha256::new();
        hasher.update(last.0);
        // Each field with its length, so that no text can pass for the end of one and the
        // beginning of the next; an absent one has a length that no text has.
        let mut field = |value: Option<&[u8]>| {
            let length = value.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hasher.update(length.to_le_bytes());
            hasher.update(value.unwrap_or_default());
        };
        field(Some(tenant.as_bytes()));
        field(Some(&plan.0.to_bytes()));
        field(Some(&operation.0));
        field(Some(kind.word().as_bytes()));
        field(Some(&at.as_nanosecond().to_le_bytes()));
        field(Some(detail.as_bytes()));
        field(code.as_deref().map(str::as_bytes));
        field(request_id.as_deref().map(str::as_bytes));
        field(Some(&[u8::from(*recovered)]));
        field(Some(form.as_bytes()));
        field(approved_by.as_deref().map(str::as_bytes));
        Digest(hasher.finalize().into())
    }
}

/// Returns the digest of the newest record.
pub(super) fn last(connection: &Connection) -> Result<Digest, Fault> {
    let newest = connection
        .prepare_cached("SELECT chain FROM outcomes ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    match newest {
        Some(Text(chain)) => Ok(chain),
        None => Ok(Checkpoint::latest(connection)?.outcome_chain),
    }
}
