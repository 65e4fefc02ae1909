//! Guards by name, what they found, and where a plan stands.

use std::sync::Arc;

/// A guard, by the name that configuration and `--accept` use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardName {
    /// `first_plan`: the ledger of the tenant is empty.
    FirstPlan,
    /// `max_removals`: too many people lose something.
    MaxRemovals,
}

impl GuardName {
    /// All guards, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::FirstPlan, Self::MaxRemovals];

    /// Returns the name that configuration and `--accept` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstPlan => "first_plan",
            Self::MaxRemovals => "max_removals",
        }
    }

    /// Returns the guard of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.as_str() == name)
    }

    /// Whether a trip holds only the operations that remove, and lets the others go on.
    pub fn holds_removals_only(self) -> bool {
        match self {
            Self::FirstPlan => false,
            Self::MaxRemovals => true,
        }
    }
}

/// What a guard found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The guard.
    pub guard: GuardName,
    /// What it looked at: a SKU's part number, or `tenant`.
    pub scope: Arc<str>,
    /// The limit in words, such as `5%` or `2`.
    pub limit: String,
    /// The sum, such as `2 of 310`.
    pub actual: String,
    /// Whether the limit is broken.
    pub tripped: bool,
}

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlanState {
    /// Made; waits for a decision.
    Proposed,
    /// A guard tripped; waits for a person to accept it.
    Held,
    /// May be carried out.
    Approved,
    /// Is being carried out.
    Applying,
    /// Every operation took effect, or had already.
    Applied,
    /// Some did and some did not.
    Partial,
    /// None did.
    Failed,
    /// A person said no.
    Rejected,
    /// A newer plan took its place.
    Superseded,
    /// It was not decided in time.
    Expired,
}

impl PlanState {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Proposed,
        Self::Held,
        Self::Approved,
        Self::Applying,
        Self::Applied,
        Self::Partial,
        Self::Failed,
        Self::Rejected,
        Self::Superseded,
        Self::Expired,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
        }
    }

    /// Returns the state of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the plan can still be decided or carried out.
    pub fn is_open(self) -> bool {
        match self {
            Self::Proposed | Self::Held | Self::Approved => true,
            Self::Applying
            | Self::Applied
            | Self::Partial
            | Self::Failed
            | Self::Rejected
            | Self::Superseded
            | Self::Expired => false,
        }
    }
}
