//! What guards remember from one plan to the next. It goes with the ledger, and is as expendable: what
//! is lost of it makes a person look sooner or later, never takes anything away.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::domain::sku::Catalogue;
use crate::domain::user::User;
use crate::plan::digest::Hashing;
use crate::plan::source::{DAY, Remembered, Source};
use crate::plan::{Addition, Digest, Operation};

/// What is remembered of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// How large what plans follow from was.
    pub sources: BTreeMap<Source, Remembered>,
    /// Who lost something lately, and when last.
    pub losses: BTreeMap<UserId, Timestamp>,
    /// Operations, by key, that Graph refused.
    pub refusals: BTreeMap<Digest, Refused>,
    /// What was set lately, and how often.
    pub assertions: BTreeMap<(UserId, SkuId), Asserted>,
}

/// An operation that Graph refused, and what there was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Whose operation.
    pub user: UserId,
    /// When.
    pub since: Timestamp,
    /// Graph's words.
    pub message: Arc<str>,
    /// The user then.
    pub state: Digest,
    /// The seats then, where there were none.
    pub seats: Option<Digest>,
}

/// What was set lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// The service plans that were to be off; none where the SKU was to be gone.
    pub wanted: Option<Digest>,
    /// When it was set, within a day of the latest. Never empty.
    pub times: Vec<Timestamp>,
}

impl Asserted {
    /// Whether it was set too seldom to be contested, and not since then.
    pub(crate) fn is_quiet(&self, until: Timestamp) -> bool {
        self.times.len() < AGAIN_MAX && self.times.last().is_none_or(|at| *at <= until)
    }

    /// Returns how often it was set again. What was given at the time since when it is owned was given
    /// for the first time; of what was taken away, the first time is the first.
    pub(crate) fn again(&self, owned_since: Option<Timestamp>) -> usize {
        match self.wanted {
            Some(_) => self.times.iter().filter(|at| Some(**at) != owned_since).count(),
            None => self.times.len() - 1,
        }
    }
}

/// So often something is set again within a day, and then left alone.
pub(crate) const AGAIN_MAX: usize = 3;

/// Returns what an operation sets: SKUs, each with the service plans that are to be off, or none where
/// it is to be gone.
pub(crate) fn assertions(operation: &Operation) -> Vec<(SkuId, Option<Digest>)> {
    let off = |addition: &Addition| {
        let mut hashing = Hashing::new("service plans off 1");
        for plan in &addition.disabled {
            hashing.field(plan.id.as_uuid().as_bytes());
        }
        hashing.finish()
    };
    let given = operation.add.iter().map(|addition| (addition.sku.id, Some(off(addition))));
    given.chain(operation.remove.iter().map(|sku| (sku.id, None))).collect()
}

/// Returns a digest of what of a user a refusal may depend on.
pub fn state_of(user: &User) -> Digest {
    let mut hashing = Hashing::new("user 1");
    hashing.field(user.principal_name.as_bytes());
    hashing.field(format!("{:?}", user.usage_location).as_bytes());
    hashing.field(format!("{:?}", user.enabled).as_bytes());
    hashing.field(format!("{:?}", user.licenses).as_bytes());
    hashing.finish()
}

/// Returns a digest of the seats of what an operation gives.
pub fn seats_for(operation: &Operation, catalogue: &Catalogue) -> Digest {
    let mut hashing = Hashing::new("seats 1");
    for sku in operation.add.iter().filter_map(|addition| catalogue.get(addition.sku.id)) {
        hashing.field(sku.id.as_uuid().as_bytes());
        hashing.field(format!("{:?} {}", sku.units, sku.consumed).as_bytes());
    }
    hashing.finish()
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
    /// What was lost until then no longer counts, and what was set and has been left alone since.
    Lapse(Timestamp),
    /// Graph refused an operation.
    Refuse(Digest, Refused),
    /// It may be tried again.
    Pardon(Digest),
    /// A SKU was set to be so.
    Assert(UserId, SkuId, Option<Digest>, Timestamp),
    /// Nobody keeps changing it back any more.
    Settle(UserId, SkuId),
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
            MemoryChange::Lapse(until) => {
                self.losses.retain(|_, at| *at > *until);
                self.assertions.retain(|_, asserted| !asserted.is_quiet(*until));
            }
            MemoryChange::Refuse(key, refused) => {
                self.refusals.insert(*key, refused.clone());
            }
            MemoryChange::Pardon(key) => {
                self.refusals.remove(key);
            }
            MemoryChange::Assert(user, sku, wanted, at) => {
                let anew = || Asserted { wanted: *wanted, times: Vec::new() };
                let asserted = self.assertions.entry((*user, *sku)).or_insert_with(anew);
                if asserted.wanted != *wanted {
                    *asserted = anew();
                }
                asserted.times.retain(|time| *time > *at - DAY && time != at);
                asserted.times.push(*at);
                asserted.times.sort_unstable();
            }
            MemoryChange::Settle(user, sku) => {
                self.assertions.remove(&(*user, *sku));
            }
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
