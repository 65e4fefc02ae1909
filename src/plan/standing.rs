//! Guards by name, what they found, and where a plan stands.

use std::sync::Arc;

/// A guard, by the name that configuration and `--accept` use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardName {
    /// `first_plan`: the ledger of the tenant is empty.
    FirstPlan,
    /// `max_removals`: too many people lose something.
    MaxRemovals,
    /// `removals_per_day`: too many people lose something within 24 hours.
    RemovalsPerDay,
    /// `max_changes`: too many people are changed.
    MaxChanges,
    /// `emptied_source`: a group, an OU, a list or a policy had somebody and has nobody now.
    EmptiedSource,
    /// `shrunk_source`: users or the members of a group are far fewer than before.
    ShrunkSource,
    /// `blanked_attribute`: an attribute that a policy uses is empty for far more users than before.
    BlankedAttribute,
}

impl GuardName {
    /// All guards, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::FirstPlan,
        Self::MaxRemovals,
        Self::RemovalsPerDay,
        Self::MaxChanges,
        Self::EmptiedSource,
        Self::ShrunkSource,
        Self::BlankedAttribute,
    ];

    /// Returns the name that configuration and `--accept` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstPlan => "first_plan",
            Self::MaxRemovals => "max_removals",
            Self::RemovalsPerDay => "removals_per_day",
            Self::MaxChanges => "max_changes",
            Self::EmptiedSource => "emptied_source",
            Self::ShrunkSource => "shrunk_source",
            Self::BlankedAttribute => "blanked_attribute",
        }
    }

    /// Returns the guard of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.as_str() == name)
    }

    /// Whether a trip holds only the operations that remove, and lets the others go on.
    pub fn holds_removals_only(self) -> bool {
        match self {
            Self::MaxRemovals | Self::RemovalsPerDay => true,
            Self::FirstPlan
            | Self::MaxChanges
            | Self::EmptiedSource
            | Self::ShrunkSource
            | Self::BlankedAttribute => false,
        }
    }

    /// Whether it compares what plans follow from with what there was before.
    pub fn watches_sources(self) -> bool {
        match self {
            Self::EmptiedSource | Self::ShrunkSource | Self::BlankedAttribute => true,
            Self::FirstPlan | Self::MaxRemovals | Self::RemovalsPerDay | Self::MaxChanges => false,
        }
    }
}

/// What a guard found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The guard.
    pub guard: GuardName,
    /// What it looked at: a SKU's part number, `tenant`, or a source such as `group Engineering`.
    pub scope: Arc<str>,
    /// The limit in words, such as `5%` or `2`.
    pub limit: String,
    /// The sum, such as `2 of 310`.
    pub actual: String,
    /// The same as a number, where it is one: people, or by how many a source is worse than before.
    pub counted: Option<u64>,
    /// The number that may not be passed; none where nothing is too much, or nothing is counted.
    pub most: Option<u64>,
    /// Whether the limit is broken.
    pub tripped: bool,
}

impl Verdict {
    /// Returns how much it is, in steps: a person each, or what it takes to trip once more. So a
    /// source that goes on changing a little is still the one that a person looked at.
    pub(crate) fn steps(&self) -> u64 {
        match (self.counted, self.most) {
            (Some(counted), Some(most)) if self.guard.watches_sources() => counted / (most + 1),
            (counted, _) => counted.unwrap_or_default(),
        }
    }

    /// Whether whoever accepts this verdict accepts another as well: of the same guard, about the same,
    /// and no more.
    pub fn covers(&self, other: &Self) -> bool {
        self.tripped
            && self.guard == other.guard
            && self.scope == other.scope
            && other.steps() <= self.steps()
    }
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

    /// Whether it was begun to carry the plan out.
    pub fn was_carried_out(self) -> bool {
        match self {
            Self::Applying | Self::Applied | Self::Partial | Self::Failed => true,
            Self::Proposed
            | Self::Held
            | Self::Approved
            | Self::Rejected
            | Self::Superseded
            | Self::Expired => false,
        }
    }
}
