//! What people are told of.

/// What happened, by the word that the configuration uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A guard holds a plan.
    Held,
    /// A cycle or a plan came to nothing.
    Failed,
    /// A plan was carried out in part.
    Partial,
    /// A plan waits for approval.
    Waiting,
    /// A subscription ends soon, or a plan that waits for a person does.
    Expiring,
    /// A SKU gained or lost service plans.
    Catalogue,
    /// The policies are invalid; the last good ones stay in force.
    Invalid,
    /// What had failed works again.
    Recovered,
}

impl Event {
    /// All events, in the order in which the configuration lists them.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Failed,
        Self::Partial,
        Self::Waiting,
        Self::Expiring,
        Self::Catalogue,
        Self::Invalid,
        Self::Recovered,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Waiting => "waiting",
            Self::Expiring => "expiring",
            Self::Catalogue => "catalogue",
            Self::Invalid => "invalid",
            Self::Recovered => "recovered",
        }
    }

    /// Returns the event of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}
