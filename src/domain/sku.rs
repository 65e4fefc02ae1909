//! Products of a tenant, their parts and their seats, as `subscribedSkus` tells them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::known::Known;

/// Whom a SKU or a service plan is for. The set is open: an unknown value is kept as it came.
///
/// Source: Graph subscribedSku.appliesTo, servicePlanInfo.appliesTo.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AppliesTo {
    /// It can be assigned to users.
    User,
    /// It belongs to the company as a whole and cannot be assigned to a user.
    Company,
    /// A value that this program does not know.
    Other(Arc<str>),
}

/// The state of a SKU as a whole. The set is open.
///
/// Source: Graph subscribedSku.capabilityStatus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkuStatus {
    /// At least one unit is paid and active.
    Enabled,
    /// Only units in grace are left.
    Warning,
    /// Cancelled: cannot be assigned.
    Suspended,
    /// Gone.
    Deleted,
    /// Cannot be used.
    LockedOut,
    /// A value that this program does not know.
    Other(Arc<str>),
}

impl SkuStatus {
    /// Whether Graph accepts new assignments of the SKU.
    pub fn is_assignable(&self) -> bool {
        match self {
            Self::Enabled | Self::Warning => true,
            Self::Suspended | Self::Deleted | Self::LockedOut | Self::Other(_) => false,
        }
    }
}

/// Seats of a SKU by state, in whole units.
///
/// Source: Graph subscribedSku.prepaidUnits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Units {
    /// Paid and active.
    pub enabled: u32,
    /// Expired and in grace, still usable.
    pub warning: u32,
    /// Cancelled.
    pub suspended: u32,
    /// Not usable.
    pub locked_out: u32,
}

/// A part of a SKU that can be switched off per user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePlan {
    /// The id, to act with.
    pub id: ServicePlanId,
    /// The name, to talk with (`servicePlanName`).
    pub name: Arc<str>,
    /// Whom it is for; one for the company cannot be switched per user.
    pub applies_to: AppliesTo,
}

/// A product that the tenant subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// The id, to act with.
    pub id: SkuId,
    /// The name, to talk with (`skuPartNumber`); two SKUs may share one.
    pub part_number: Arc<str>,
    /// Whom it is for.
    pub applies_to: AppliesTo,
    /// The state of the SKU as a whole.
    pub status: SkuStatus,
    /// Its seats by state.
    pub units: Units,
    /// Users who hold it, each once; may exceed the enabled units.
    pub consumed: u32,
    /// Its service plans, in the order of their ids.
    pub service_plans: Vec<ServicePlan>,
}

impl Sku {
    /// Returns the service plan with this id.
    pub fn service_plan(&self, id: ServicePlanId) -> Option<&ServicePlan> {
        self.service_plans.iter().find(|plan| plan.id == id)
    }

    /// Returns the ids of the service plans that can be switched per user.
    pub fn switchable(&self) -> impl Iterator<Item = ServicePlanId> {
        let for_users = |plan: &&ServicePlan| plan.applies_to == AppliesTo::User;
        self.service_plans.iter().filter(for_users).map(|plan| plan.id)
    }
}

/// All SKUs of a tenant, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    skus: Vec<Sku>,
    next_expiries: Known<BTreeMap<SkuId, Timestamp>>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Catalogue {
    /// Puts the SKUs in order; of two with one id the later stays.
    pub fn new(skus: Vec<Sku>) -> Self {
        let by_id: BTreeMap<SkuId, Sku> = skus.into_iter().map(|sku| (sku.id, sku)).collect();
        let mut skus: Vec<Sku> = by_id.into_values().collect();
        for sku in &mut skus {
            sku.service_plans.sort_by_key(|plan| plan.id);
        }
        Self { skus, next_expiries: Known::Unknown }
    }

    /// Returns these SKUs with the instants at which the next subscription of each renews or ends.
    #[must_use]
    pub fn with_next_expiries(self, next_expiries: Known<BTreeMap<SkuId, Timestamp>>) -> Self {
        Self { next_expiries, ..self }
    }

    /// Returns when the next subscription of each SKU renews or ends; unknown where it was not read.
    pub fn next_expiries(&self) -> &Known<BTreeMap<SkuId, Timestamp>> {
        &self.next_expiries
    }

    /// Counts the seats of a user who held the first SKUs and now holds the second.
    pub(in crate::domain) fn count(&mut self, before: &[SkuId], after: &[SkuId]) {
        for sku in &mut self.skus {
            match (before.contains(&sku.id), after.contains(&sku.id)) {
                (false, true) => sku.consumed = sku.consumed.saturating_add(1),
                (true, false) => sku.consumed = sku.consumed.saturating_sub(1),
                (true, true) | (false, false) => {}
            }
        }
    }

    /// Returns the SKUs in the order of their ids.
    pub fn skus(&self) -> &[Sku] {
        &self.skus
    }

    /// Returns the SKU with this id.
    pub fn get(&self, id: SkuId) -> Option<&Sku> {
        self.skus.binary_search_by_key(&id, |sku| sku.id).ok().map(|index| &self.skus[index])
    }

    /// Returns the SKUs with this part number: none, one, or (rarely) several.
    pub fn named<'a>(&'a self, part_number: &str) -> impl Iterator<Item = &'a Sku> {
        self.skus.iter().filter(move |sku| &*sku.part_number == part_number)
    }
}
