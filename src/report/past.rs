//! What became of one SKU of one user, out of the history.

use crate::domain::ids::SkuId;
use crate::plan::Because;
use crate::ports::HistoryEntry;

/// How many outcomes are told.
const TOLD: usize = 5;

/// An outcome, as far as it is about one SKU.
pub(crate) struct Past<'a> {
    /// The outcome.
    pub(crate) entry: &'a HistoryEntry,
    /// What was to be done with the SKU.
    pub(crate) change: Change,
    /// Why.
    pub(crate) because: Vec<&'a Because>,
}

/// What an operation does with one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Assigns it.
    Assign,
    /// Changes its service plans.
    Modify,
    /// Removes it.
    Remove,
    /// Lets policies own it.
    Adopt,
}

impl Change {
    /// Returns the word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Modify => "modify",
            Self::Remove => "remove",
            Self::Adopt => "adopt",
        }
    }
}

/// Returns the latest outcomes that are about a SKU, in the order given.
pub(crate) fn past(history: &[HistoryEntry], sku: SkuId) -> Vec<Past<'_>> {
    let about = |because: &&Because| because.sku.as_ref().is_some_and(|of| of.id == sku);
    history
        .iter()
        .filter_map(|entry| {
            let because = entry.operation.because.iter().filter(about).collect();
            Some(Past { entry, change: change(entry, sku)?, because })
        })
        .take(TOLD)
        .collect()
}

fn change(entry: &HistoryEntry, sku: SkuId) -> Option<Change> {
    let operation = &entry.operation;
    if let Some(addition) = operation.add.iter().find(|addition| addition.sku.id == sku) {
        return Some(if addition.held { Change::Modify } else { Change::Assign });
    }
    if operation.remove.iter().any(|removed| removed.id == sku) {
        return Some(Change::Remove);
    }
    operation.adopt.iter().any(|adoption| adoption.sku.id == sku).then_some(Change::Adopt)
}
