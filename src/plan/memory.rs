//! What guards remember from one plan to the next. It goes with the ledger, and is as expendable: what
//! is lost of it makes a person look sooner or later, never takes anything away.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::ids::UserId;
use crate::domain::names::PolicyName;
use crate::plan::source::{Remembered, Source};

/// What is remembered of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// How large what plans follow from was.
    pub sources: BTreeMap<Source, Remembered>,
    /// Who lost something lately, and when last.
    pub losses: BTreeMap<UserId, Timestamp>,
}

/// A change to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryChange {
    /// A source was so large.
    Remember(Source, Remembered),
    /// Nothing follows from a source any more.
    Disregard(Source),
    /// Somebody lost something.
    Lose(UserId, Timestamp),
    /// Who lost something until then no longer counts.
    Lapse(Timestamp),
}

impl Memory {
    /// Carries out a change. Carrying one out twice does no harm.
    pub fn apply(&mut self, change: &MemoryChange) {
        match change {
            MemoryChange::Remember(source, remembered) => {
                self.sources.insert(source.clone(), remembered.clone());
            }
            MemoryChange::Disregard(source) => {
                self.sources.remove(source);
            }
            MemoryChange::Lose(user, at) => {
                let latest = self.losses.entry(*user).or_insert(*at);
                *latest = (*latest).max(*at);
            }
            MemoryChange::Lapse(until) => self.losses.retain(|_, at| *at > *until),
        }
    }

    /// Gives what is remembered of one policy to another, unless something is remembered of that.
    pub(crate) fn rename(&mut self, from: &PolicyName, to: &PolicyName) {
        if let Some(size) = self.sources.remove(&Source::Policy(from.clone())) {
            self.sources.entry(Source::Policy(to.clone())).or_insert(size);
        }
    }

    /// Returns the policies of which something is remembered.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &PolicyName> {
        self.sources.keys().filter_map(|source| match source {
            Source::Policy(policy) => Some(policy),
            Source::Users
            | Source::Group { group: _, nested: _ }
            | Source::Ou { ou: _, scope: _ }
            | Source::Csv(_)
            | Source::Blank { property: _, guests: _ } => None,
        })
    }
}
