//! The ledger: which assignments policies own, and since when reasons to remove something stand.
//!
//! Memory, not truth: an empty ledger removes too little, never too much.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::domain::user::ServicePlanSet;
use crate::plan::conflict::Lesson;
use crate::plan::memory::{Memory, MemoryChange};
use crate::policy::{Policy, PolicySet};

/// How a policy owns one assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Since when.
    pub since: Timestamp,
    /// When a cycle first saw that the policy no longer wants it; none while it does.
    pub let_go: Option<Timestamp>,
}

/// The policies that own one assignment, in the order of their names. Mostly it is one, so that is
/// kept in place: a ledger has as many of these as there are assignments.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Owners(SmallVec<[(PolicyName, Ownership); 1]>);

impl Owners {
    /// Whether nobody owns it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a policy is among them.
    pub fn contains_key(&self, policy: &PolicyName) -> bool {
        self.find(policy).is_ok()
    }

    /// Returns how a policy owns it.
    pub fn get(&self, policy: &PolicyName) -> Option<&Ownership> {
        self.find(policy).ok().map(|at| &self.0[at].1)
    }

    /// Returns the policies.
    pub fn keys(&self) -> impl Iterator<Item = &PolicyName> {
        self.0.iter().map(|(policy, _)| policy)
    }

    /// Returns the policies, each with how it owns the assignment.
    pub fn iter(&self) -> Iter<'_> {
        let pair: fn(&(PolicyName, Ownership)) -> (&PolicyName, &Ownership) =
            |(name, own)| (name, own);
        self.0.iter().map(pair)
    }

    /// Makes a policy one of them, in this way.
    pub fn insert(&mut self, policy: PolicyName, ownership: Ownership) {
        match self.find(&policy) {
            Ok(at) => self.0[at].1 = ownership,
            Err(at) => self.0.insert(at, (policy, ownership)),
        }
    }

    fn or_insert(&mut self, policy: &PolicyName, ownership: Ownership) -> &mut Ownership {
        let at = self.find(policy).unwrap_or_else(|at| {
            self.0.insert(at, (policy.clone(), ownership));
            at
        });
        &mut self.0[at].1
    }

    fn get_mut(&mut self, policy: &PolicyName) -> Option<&mut Ownership> {
        self.find(policy).ok().map(|at| &mut self.0[at].1)
    }

    fn remove(&mut self, policy: &PolicyName) -> Option<Ownership> {
        self.find(policy).ok().map(|at| self.0.remove(at).1)
    }

    fn find(&self, policy: &PolicyName) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| name.cmp(policy))
    }
}

/// The policies that own an assignment, each with how.
pub type Iter<'a> = std::iter::Map<
    std::slice::Iter<'a, (PolicyName, Ownership)>,
    fn(&(PolicyName, Ownership)) -> (&PolicyName, &Ownership),
>;

impl<'a> IntoIterator for &'a Owners {
    type Item = (&'a PolicyName, &'a Ownership);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<(PolicyName, Ownership)> for Owners {
    fn from_iter<I: IntoIterator<Item = (PolicyName, Ownership)>>(all: I) -> Self {
        let mut owners = Self::default();
        for (policy, ownership) in all {
            owners.insert(policy, ownership);
        }
        owners
    }
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// What one tenant's ledger says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Who owns which assignment.
    pub owners: BTreeMap<(UserId, SkuId), Owners>,
    /// Since when a policy (`remove` or `replace`) wants an assignment gone that is still there.
    pub clocks: BTreeMap<(UserId, SkuId, PolicyName), Timestamp>,
    /// Since when somebody waits for a seat.
    pub queue: BTreeMap<(UserId, SkuId), Timestamp>,
    /// The service plans that each SKU had when it was last seen.
    pub seen: BTreeMap<SkuId, ServicePlanSet>,
    /// What refusals taught about service plans.
    pub lessons: BTreeSet<Lesson>,
    /// What guards remember.
    pub memory: Memory,
}

impl Ledger {
    /// Whether nothing is owned: nobody has looked at a plan for this tenant yet, or it was lost.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }
}

/// A change to the ledger that follows from having looked, or from an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerChange {
    /// A policy owns an assignment from now on, and wants it.
    Own(UserId, SkuId, PolicyName, Timestamp),
    /// A policy that owns an assignment no longer wants it since then.
    LetGo(UserId, SkuId, PolicyName, Timestamp),
    /// A policy that owns an assignment wants it again.
    TakeBack(UserId, SkuId, PolicyName),
    /// A policy no longer owns an assignment.
    Disown(UserId, SkuId, PolicyName),
    /// Nobody owns an assignment any more, and no clock runs for it: it is gone, or left alone.
    Forget(UserId, SkuId),
    /// A policy wants an assignment gone, since then.
    StartClock(UserId, SkuId, PolicyName, Timestamp),
    /// It no longer does.
    StopClock(UserId, SkuId, PolicyName),
    /// A policy goes by another name from now on: the second.
    Rename(PolicyName, PolicyName),
    /// Somebody waits for a seat, since then.
    Queue(UserId, SkuId, Timestamp),
    /// They no longer do.
    Unqueue(UserId, SkuId),
    /// A SKU has these service plans now.
    See(SkuId, ServicePlanSet),
    /// A refusal taught something.
    Learn(Lesson),
    /// It may be tried again.
    Unlearn(Lesson),
    /// A guard has something to remember.
    Memory(MemoryChange),
}

impl From<MemoryChange> for LedgerChange {
    fn from(change: MemoryChange) -> Self {
        Self::Memory(change)
    }
}

impl Ledger {
    /// Carries out a change. Carrying one out twice does no harm.
    pub fn apply(&mut self, change: &LedgerChange) {
        match change {
            LedgerChange::Own(user, sku, policy, at) => {
                let owners = self.owners.entry((*user, *sku)).or_default();
                owners.or_insert(policy, Ownership { since: *at, let_go: None }).let_go = None;
            }
            LedgerChange::LetGo(user, sku, policy, at) => {
                if let Some(own) = self.ownership(*user, *sku, policy) {
                    own.let_go.get_or_insert(*at);
                }
            }
            LedgerChange::TakeBack(user, sku, policy) => {
                if let Some(own) = self.ownership(*user, *sku, policy) {
                    own.let_go = None;
                }
            }
            LedgerChange::Disown(user, sku, policy) => {
                if let Some(owners) = self.owners.get_mut(&(*user, *sku)) {
                    owners.remove(policy);
                    if owners.is_empty() {
                        self.owners.remove(&(*user, *sku));
                    }
                }
            }
            LedgerChange::Forget(user, sku) => {
                self.owners.remove(&(*user, *sku));
                let name = "0".parse().expect("a name, and the first of all in order");
                let first = (*user, *sku, name);
                let of_it = |key: &&(UserId, SkuId, PolicyName)| (key.0, key.1) == (*user, *sku);
                let stopped: Vec<_> = self
                    .clocks
                    .range(first..)
                    .map(|(key, _)| key)
                    .take_while(of_it)
                    .cloned()
                    .collect();
                for key in stopped {
                    self.clocks.remove(&key);
                }
            }
            LedgerChange::StartClock(user, sku, policy, at) => {
                self.clocks.entry((*user, *sku, policy.clone())).or_insert(*at);
            }
            LedgerChange::StopClock(user, sku, policy) => {
                self.clocks.remove(&(*user, *sku, policy.clone()));
            }
            LedgerChange::Rename(from, to) if from == to => {}
            LedgerChange::Rename(from, to) => self.rename(from, to),
            LedgerChange::Queue(user, sku, at) => {
                self.queue.entry((*user, *sku)).or_insert(*at);
            }
            LedgerChange::Unqueue(user, sku) => {
                self.queue.remove(&(*user, *sku));
            }
            LedgerChange::See(sku, plans) => {
                self.seen.insert(*sku, plans.clone());
            }
            LedgerChange::Learn(lesson) => {
                self.lessons.insert(lesson.clone());
            }
            LedgerChange::Unlearn(lesson) => {
                self.lessons.remove(lesson);
            }
            LedgerChange::Memory(change) => self.memory.apply(change),
        }
    }

    /// Returns the ledger with these changes.
    pub fn after(&self, changes: &[LedgerChange]) -> Cow<'_, Self> {
        if changes.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut after = self.clone();
        for change in changes {
            after.apply(change);
        }
        Cow::Owned(after)
    }

    /// Gives everything of one policy to another, which may have something already: then the longer
    /// ownership and the clock that began first stay, and what one of them wants is wanted.
    fn rename(&mut self, from: &PolicyName, to: &PolicyName) {
        for owners in self.owners.values_mut() {
            let Some(old) = owners.remove(from) else { continue };
            let own = owners.or_insert(to, old);
            own.since = own.since.min(old.since);
            own.let_go = own.let_go.min(old.let_go);
        }
        let of_it = |(_, _, policy): &(UserId, SkuId, PolicyName)| policy == from;
        let clocks: Vec<_> = self
            .clocks
            .iter()
            .filter(|(key, _)| of_it(key))
            .map(|(key, at)| (key.clone(), *at))
            .collect();
        for (key, since) in clocks {
            self.clocks.remove(&key);
            let began = self.clocks.entry((key.0, key.1, to.clone())).or_insert(since);
            *began = (*began).min(since);
        }
        self.memory.rename(from, to);
    }

    /// Returns what policies that were renamed since change: what went by their former name is
    /// theirs.
    pub fn renamed(&self, policies: &PolicySet) -> Vec<LedgerChange> {
        let former = |policy: &Policy| {
            let from = policy.moved_from.as_ref()?;
            Some((from.value.clone(), policy.name.clone()))
        };
        let mut moved: Vec<(PolicyName, PolicyName)> =
            policies.policies.iter().filter_map(former).collect();
        if moved.is_empty() {
            return Vec::new();
        }
        let mut named: BTreeSet<&PolicyName> =
            self.owners.values().flat_map(Owners::keys).collect();
        named.extend(self.clocks.keys().map(|(_, _, policy)| policy));
        named.extend(self.memory.policies());
        moved.retain(|(from, _)| named.contains(from));
        moved.sort();
        moved.into_iter().map(|(from, to)| LedgerChange::Rename(from, to)).collect()
    }

    fn ownership(
        &mut self,
        user: UserId,
        sku: SkuId,
        policy: &PolicyName,
    ) -> Option<&mut Ownership> {
        self.owners.get_mut(&(user, sku)).and_then(|owners| owners.get_mut(policy))
    }
}
