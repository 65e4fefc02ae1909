//! What the last cycle came to, where there was nothing to do: while nothing changes but the time, the
//! next need not plan. A cycle in which nothing changed costs what was read, not what there is.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::snapshot::Snapshot;
use crate::engine::Policies;
use crate::plan::Digest;
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, Planned};
use crate::plan::settled::Settled;

/// What the last cycle of a tenant came to. Copies share it; it belongs to one tenant and its settings.
#[derive(Clone, Debug, Default)]
pub struct Memo(Arc<Mutex<Option<Remembered>>>);

#[derive(Debug)]
struct Remembered {
    policies: Digest,
    commit: Option<Arc<str>>,
    snapshot: Arc<Snapshot>,
    ledger: Arc<Ledger>,
    settled: Settled,
}

impl Memo {
    /// Returns the plan of these inputs where it is known: nothing was to be done, and all that it
    /// follows from is as it was.
    pub(crate) fn recall(
        &self,
        policies: &Policies,
        snapshot: &Snapshot,
        ledger: &Arc<Ledger>,
        inputs: &Inputs<'_>,
    ) -> Option<Planned> {
        // What is in it is whole, whoever panicked.
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { policies: digest, commit, snapshot: seen, ledger: known, settled } =
            remembered.as_ref()?;
        let is_same = *digest == policies.digest
            && *commit == policies.commit
            && Arc::ptr_eq(known, ledger)
            && seen.is_the_same_as(snapshot);
        if is_same { settled.again(inputs) } else { None }
    }

    /// Remembers what a cycle came to, in place of what the one before did.
    pub(crate) fn keep(
        &self,
        policies: &Policies,
        snapshot: &Arc<Snapshot>,
        ledger: &Arc<Ledger>,
        settled: Option<Settled>,
    ) {
        let remembered = settled.map(|settled| Remembered {
            policies: policies.digest,
            commit: policies.commit.clone(),
            snapshot: Arc::clone(snapshot),
            ledger: Arc::clone(ledger),
            settled,
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = remembered;
    }
}
