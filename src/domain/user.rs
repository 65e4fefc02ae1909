//! Users and what they hold, as one read of the tenant saw them.

use std::sync::Arc;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::domain::attribute::{Attribute, Attributes};
use crate::domain::dn::DistinguishedName;
use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::names::UsageLocation;

/// What kind of account a user is.
///
/// Source: Graph user.userType; null on very old synced objects, which are members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserType {
    /// One of the tenant's own.
    Member,
    /// Invited from elsewhere.
    Guest,
}

/// A set of service plans, in order and each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePlanSet(Box<[ServicePlanId]>);

impl ServicePlanSet {
    /// Returns the ids in order.
    pub fn iter(&self) -> impl Iterator<Item = ServicePlanId> + '_ {
        self.0.iter().copied()
    }

    /// Whether the set holds this service plan.
    pub fn contains(&self, id: ServicePlanId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<ServicePlanId> for ServicePlanSet {
    fn from_iter<I: IntoIterator<Item = ServicePlanId>>(ids: I) -> Self {
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into_boxed_slice())
    }
}

/// A source that gives a user a SKU through a group. Not ours to change.
///
/// Source: Graph licenseAssignmentState with assignedByGroup set and state `Active` or `ActiveWithError`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inherited {
    /// The group that carries the license.
    pub group: GroupId,
    /// The service plans that this source switches off.
    pub disabled: ServicePlanSet,
}

/// Where an assignment comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignmentSource {
    /// The sources were told. At least one of the two is there.
    Told {
        /// The service plans that the direct assignment switches off, where there is a direct one.
        direct: Option<ServicePlanSet>,
        /// The groups that give it too, in the order of their ids.
        inherited: Box<[Inherited]>,
    },
    /// Graph lists the SKU on the user but names no source: never removed, never adopted.
    Unknown,
}

/// A SKU on a user.
///
/// Source: Graph user.assignedLicenses says that it is there; licenseAssignmentStates says why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assignment {
    /// The SKU.
    pub sku: SkuId,
    /// The service plans that are off in effect, over all sources.
    pub disabled: ServicePlanSet,
    /// Where it comes from.
    pub source: AssignmentSource,
}

impl Assignment {
    /// Returns the disabled service plans of the direct assignment, where there is one.
    pub fn direct(&self) -> Option<&ServicePlanSet> {
        match &self.source {
            AssignmentSource::Told { direct, inherited: _ } => direct.as_ref(),
            AssignmentSource::Unknown => None,
        }
    }

    /// Returns the groups that give the SKU.
    pub fn inherited(&self) -> &[Inherited] {
        match &self.source {
            AssignmentSource::Told { direct: _, inherited } => inherited,
            AssignmentSource::Unknown => &[],
        }
    }
}

/// A license that a group should give and Entra could not.
///
/// Source: Graph licenseAssignmentState with state `Error`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailedInheritance {
    /// The SKU that is missing.
    pub sku: SkuId,
    /// The group that should give it.
    pub group: GroupId,
    /// Graph's word for the reason, such as `CountViolation`.
    pub error: Arc<str>,
}

/// The SKUs on a user. Most hold one or two: those stand in the user itself, so that going through
/// all users of a tenant does not fetch each one's from elsewhere.
pub type Assignments = SmallVec<[Assignment; 2]>;

/// The licenses of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Licenses {
    /// The SKUs on the user, in the order of their ids, each once.
    pub assignments: Assignments,
    /// What groups should give and Entra could not.
    pub failed: Box<[FailedInheritance]>,
}

impl Licenses {
    /// Returns the assignment of this SKU.
    pub fn get(&self, sku: SkuId) -> Option<&Assignment> {
        self.assignments.iter().find(|assignment| assignment.sku == sku)
    }
}

/// A user as the snapshot holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The object id, to act with.
    pub id: UserId,
    /// The user principal name, to talk with; it can change.
    pub principal_name: Arc<str>,
    /// The display name. Hostile input: anybody may have chosen it.
    pub display_name: Option<Arc<str>>,
    /// Member or guest.
    pub user_type: Known<UserType>,
    /// Whether sign-in is allowed.
    pub enabled: Known<bool>,
    /// The usage location, where the user has one.
    pub usage_location: Known<Option<UsageLocation>>,
    /// Whether the user is mastered in on-premises Active Directory.
    pub synced: Known<bool>,
    /// The distinguished name in the on-premises directory; none for cloud users.
    pub distinguished_name: Known<Option<DistinguishedName>>,
    /// The on-premises AD domain; none for cloud users.
    pub ad_domain: Known<Option<Arc<str>>>,
    /// Department, country and the like.
    pub attributes: Attributes,
    /// The latest sign-in. Unknown where it was not read, or where there is none on record, which is
    /// no proof that there was none.
    pub last_sign_in: Known<Timestamp>,
    /// What the user holds.
    pub licenses: Known<Licenses>,
}

impl User {
    /// Returns the part of the principal name behind the last `@`.
    pub fn domain(&self) -> Option<&str> {
        self.principal_name.rsplit_once('@').map(|(_, domain)| domain)
    }
    /// Returns an attribute that policies can ask for, the usage location included.
    pub fn attribute(&self, attribute: Attribute) -> Known<Option<&str>> {
        match attribute {
            Attribute::UsageLocation => {
                self.usage_location.as_ref().map(|place| place.as_ref().map(UsageLocation::as_str))
            }
            other => self.attributes.get(other).map(|value| value.map(|value| &**value)),
        }
    }
}
