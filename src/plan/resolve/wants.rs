//! The SKUs that policies want for one user. There are few of them and a million users, so they stand
//! side by side, not in a tree of their own.

use smallvec::SmallVec;

use crate::domain::ids::SkuId;

/// Positions of policies, in order.
type Policies = SmallVec<[usize; 4]>;

/// SKUs, each with the policies that want it.
#[derive(Debug, Default)]
pub(super) struct Wants(SmallVec<[(SkuId, Policies); 4]>);

impl Wants {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, sku: SkuId) -> bool {
        self.by(sku).is_some()
    }

    /// Returns the policies that want a SKU.
    pub(super) fn by(&self, sku: SkuId) -> Option<&[usize]> {
        self.0.iter().find(|(of, _)| *of == sku).map(|(_, by)| by.as_slice())
    }

    /// Returns the SKUs in the order of their ids, each with the policies that want it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SkuId, &[usize])> {
        self.0.iter().map(|(sku, by)| (*sku, by.as_slice()))
    }

    /// Adds a policy that wants a SKU, after those that were added before.
    pub(super) fn add(&mut self, sku: SkuId, policy: usize) {
        match self.0.binary_search_by_key(&sku, |(of, _)| *of) {
            Ok(at) => self.0[at].1.push(policy),
            Err(at) => self.0.insert(at, (sku, SmallVec::from_iter([policy]))),
        }
    }

    /// Takes a SKU out, and returns the policies that wanted it.
    pub(super) fn take(&mut self, sku: SkuId) -> Option<Vec<usize>> {
        let at = self.0.iter().position(|(of, _)| *of == sku)?;
        Some(self.0.remove(at).1.into_vec())
    }

    /// Leaves only some of the SKUs.
    pub(super) fn retain(&mut self, stays: impl Fn(SkuId) -> bool) {
        self.0.retain(|(sku, _)| stays(*sku));
    }
}
