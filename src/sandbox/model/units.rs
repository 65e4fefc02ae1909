//! Administrative units, and what else an administrator set up that gets in the way of a write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::UsageLocation;
use crate::sandbox::model::{Member, Tenant};

/// An administrative unit.
///
/// Source: Graph administrativeUnit. Units do not nest, and a group in one does not bring its
/// members along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The object id.
    pub id: Uuid,
    /// The display name.
    pub name: Arc<str>,
    /// Whether its members are hidden from apps without `Member.Read.Hidden`.
    pub hidden: bool,
    /// Whether only administrators of the unit may change its members.
    pub restricted: bool,
    /// Its members.
    pub members: Vec<Member>,
}

/// What gets in the way of a license, beside seats and service plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacles {
    /// The administrative units.
    pub units: Vec<Unit>,
    /// Where a product must not be used.
    pub prohibited: BTreeMap<SkuId, BTreeSet<UsageLocation>>,
    /// Users whose mail address another object has already.
    pub addresses_taken: BTreeSet<UserId>,
    /// Users whose usage location is kept on premises, and cannot be written here.
    pub locations_synced: BTreeSet<UserId>,
}

impl Tenant {
    /// Returns the same tenant with these obstacles, and gives anew what groups give.
    #[must_use]
    pub fn with_obstacles(mut self, mut obstacles: Obstacles, at: jiff::Timestamp) -> Self {
        obstacles.units.sort_by_key(|unit| unit.id);
        let restricted = obstacles.units.iter().filter(|unit| unit.restricted);
        self.restricted = restricted
            .flat_map(|unit| &unit.members)
            .filter_map(|member| match member {
                Member::User(id) => Some(*id),
                Member::Group(_) => None,
            })
            .collect();
        let prohibits = !obstacles.prohibited.is_empty();
        self.obstacles = obstacles;
        if prohibits {
            self.settle_all(at);
        }
        self
    }

    /// Returns the administrative units in the order of their ids.
    pub fn units(&self) -> &[Unit] {
        &self.obstacles.units
    }

    /// Whether only administrators of a unit may change this user.
    pub(crate) fn is_restricted(&self, user: UserId) -> bool {
        self.restricted.contains(&user)
    }

    /// Whether the product must not be used there.
    pub(super) fn is_prohibited(&self, sku: SkuId, location: UsageLocation) -> bool {
        self.obstacles.prohibited.get(&sku).is_some_and(|there| there.contains(&location))
    }
}
