//! The tenant behind the emulator: users, groups, products and seats, and what may be done to them.
//!
//! Pure: no clock, no `async`, no network. Time comes in as a value. It knows Graph's rules, not
//! its wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::names::UsageLocation;
use crate::domain::sku::Sku;
use crate::domain::user::{ServicePlanSet, UserType};

mod changing;
mod inherit;
mod journal;
mod licensing;
mod members;
mod refusal;
mod rules;
mod units;

pub(crate) use self::journal::{Changes, Journal};
pub use self::licensing::LicenseChange;
pub use self::members::Member;
pub use self::refusal::Refusal;
pub use self::units::{Obstacles, Unit};

/// One Entra directory, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    about: About,
    skus: Vec<Sku>,
    groups: Vec<Group>,
    users: Vec<User>,
    names: BTreeMap<Box<str>, UserId>,
    parents: BTreeMap<Member, Vec<GroupId>>,
    deleted_users: BTreeMap<UserId, (User, Timestamp)>,
    deleted_groups: BTreeMap<GroupId, Group>,
    journal: Journal,
    obstacles: Obstacles,
    /// Users in units that only administrators of the unit may change.
    restricted: BTreeSet<UserId>,
}

/// What a tenant says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The tenant id.
    pub id: Uuid,
    /// The display name.
    pub display_name: Arc<str>,
    /// The domains; the first is the default one, the last the initial `onmicrosoft.com` one.
    pub domains: Vec<Arc<str>>,
    /// Where the company sits.
    pub country: UsageLocation,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The object id.
    pub id: UserId,
    /// The user principal name.
    pub principal_name: Box<str>,
    /// The display name.
    pub display_name: Box<str>,
    /// The given name, where there is one.
    pub given_name: Option<Box<str>>,
    /// The surname, where there is one.
    pub surname: Option<Box<str>>,
    /// The mail address; none for users without mailbox.
    pub mail: Option<Box<str>>,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// Member or guest; none on very old objects.
    pub user_type: Option<UserType>,
    /// The usage location.
    pub usage_location: Option<UsageLocation>,
    /// What the personnel department wrote.
    pub profile: Profile,
    /// What comes from on-premises Active Directory; none for cloud users.
    pub on_premises: Option<OnPremises>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The latest sign-ins; none where the user never signed in.
    pub sign_ins: Option<SignIns>,
    /// What the user holds, in the order of SKU ids.
    pub licenses: Vec<Held>,
}

/// The latest sign-ins of a user.
///
/// Source: Graph signInActivity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// The latest interactive attempt, successful or not (`lastSignInDateTime`).
    pub attempted: Option<Timestamp>,
    /// The latest by an app on the user's behalf (`lastNonInteractiveSignInDateTime`).
    pub silent: Option<Timestamp>,
    /// The latest that succeeded, of either kind (`lastSuccessfulSignInDateTime`).
    pub successful: Option<Timestamp>,
}

/// Attributes that the personnel department keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// `department`.
    pub department: Option<Arc<str>>,
    /// `jobTitle`.
    pub job_title: Option<Arc<str>>,
    /// `companyName`.
    pub company: Option<Arc<str>>,
    /// `country`, as people type it.
    pub country: Option<Arc<str>>,
    /// `officeLocation`.
    pub office: Option<Arc<str>>,
    /// `employeeType`.
    pub employee_type: Option<Arc<str>>,
    /// `employeeId`.
    pub employee_id: Option<Box<str>>,
    /// `onPremisesExtensionAttributes`, by number from 1 to 15; those without a value are left out.
    pub extensions: Vec<(u8, Arc<str>)>,
}

/// What comes from on-premises Active Directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnPremises {
    /// The distinguished name, as Active Directory writes it.
    pub distinguished_name: Box<str>,
    /// The AD domain.
    pub domain: Arc<str>,
    /// The account name (`sAMAccountName`).
    pub account: Box<str>,
}

/// A SKU on a user, from one or several sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The SKU.
    pub sku: SkuId,
    /// The direct assignment, where there is one.
    pub direct: Option<Direct>,
    /// What groups give, or should give.
    pub inherited: Vec<Inherited>,
}

/// A direct assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    /// The service plans that it switches off.
    pub disabled: ServicePlanSet,
    /// When it last changed.
    pub since: Timestamp,
}

/// What a group gives, or should give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// The group.
    pub group: GroupId,
    /// The service plans that it switches off.
    pub disabled: ServicePlanSet,
    /// Why it does not work, where it does not.
    pub error: Option<InheritanceError>,
    /// Whether the group gives it no more, and it works on because another service plan needs it.
    pub lingers: bool,
    /// When it last changed.
    pub since: Timestamp,
}

/// Why a group's license does not reach a user.
///
/// Source: Graph licenseAssignmentState.error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InheritanceError {
    /// No seat is left.
    CountViolation,
    /// A service plan cannot stand beside one that the user has.
    MutuallyExclusiveViolation,
    /// A service plan needs another one.
    DependencyViolation,
    /// The product must not be used where the user is.
    ProhibitedInUsageLocationViolation,
    /// Another license of the same group failed, or anything else.
    Other,
}

impl InheritanceError {
    /// Returns Graph's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CountViolation => "CountViolation",
            Self::MutuallyExclusiveViolation => "MutuallyExclusiveViolation",
            Self::DependencyViolation => "DependencyViolation",
            Self::ProhibitedInUsageLocationViolation => "ProhibitedInUsageLocationViolation",
            Self::Other => "Other",
        }
    }
}

impl Held {
    /// Whether the user has the SKU by any source that works, and so uses a seat.
    pub fn is_active(&self) -> bool {
        self.direct.is_some() || self.inherited.iter().any(|source| source.error.is_none())
    }

    /// Returns the service plans that are off in effect: those that every working source has off.
    pub fn disabled(&self) -> BTreeSet<ServicePlanId> {
        let working = self.inherited.iter().filter(|source| source.error.is_none());
        let sets = self.direct.iter().map(|direct| &direct.disabled);
        let mut sets = sets.chain(working.map(|source| &source.disabled));
        let Some(first) = sets.next() else { return BTreeSet::new() };
        let mut off: BTreeSet<ServicePlanId> = first.iter().collect();
        for set in sets {
            off.retain(|plan| set.contains(*plan));
        }
        off
    }
}

/// What kind of group it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// A security group.
    Security,
    /// A security group whose members follow from a rule.
    Dynamic {
        /// The rule.
        rule: Arc<str>,
    },
    /// A Microsoft 365 group.
    Microsoft365,
    /// A distribution list.
    Distribution,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The object id.
    pub id: GroupId,
    /// The display name; several groups may share one.
    pub name: Arc<str>,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// What kind it is.
    pub kind: GroupKind,
    /// Whether its members are hidden from apps without `Member.Read.Hidden`.
    pub hidden: bool,
    /// Whether it comes from on-premises Active Directory.
    pub synced: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The licenses it carries, with the service plans that are off.
    pub licenses: Vec<(SkuId, ServicePlanSet)>,
    /// Its members, of the first level.
    pub members: Vec<Member>,
}

/// What a tenant is made from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What it says about itself.
    pub about: About,
    /// Its products. `consumed` is counted, whatever is said here.
    pub skus: Vec<Sku>,
    /// Its groups.
    pub groups: Vec<Group>,
    /// Its users, with direct licenses alone; what groups give is worked out.
    pub users: Vec<User>,
    /// When group licenses were given.
    pub at: Timestamp,
}

/// What the licenses of a tenant come to, for comparing two of them. Leaves out when things changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseState {
    /// Usage location, and per SKU the direct service plans that are off (none where it is not
    /// direct) and the groups that give it.
    pub users: BTreeMap<UserId, (Option<UsageLocation>, Vec<HeldState>)>,
    /// Seats in use.
    pub consumed: BTreeMap<SkuId, u32>,
}

/// One license of a user, without the times.
pub type HeldState = (SkuId, Option<ServicePlanSet>, Vec<GroupId>);

/// Two objects of a tenant claim the same name or id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two users or groups of the tenant are called `{name}`")]
pub struct NotUnique {
    /// What both are called.
    pub name: String,
}

impl Tenant {
    /// Puts a tenant together: indexes it, gives what groups give, counts seats.
    ///
    /// # Errors
    ///
    /// Returns the first id or principal name that two objects share.
    pub fn build(parts: Parts) -> Result<Self, NotUnique> {
        let Parts { about, mut skus, mut groups, mut users, at } = parts;
        skus.sort_by_key(|sku| sku.id);
        groups.sort_by_key(|group| group.id);
        users.sort_by_key(|user| user.id);
        let twice = |name: String| NotUnique { name };
        if let Some(pair) = users.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(twice(pair[0].id.to_string()));
        }
        if let Some(pair) = groups.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(twice(pair[0].id.to_string()));
        }
        let mut names = BTreeMap::new();
        for user in &mut users {
            user.licenses.sort_by_key(|held| held.sku);
            if names.insert(changing::name(user), user.id).is_some() {
                return Err(twice(user.principal_name.to_string()));
            }
        }
        let parents = members::parents(&groups);
        let mut tenant = Self {
            about,
            skus,
            groups,
            users,
            names,
            parents,
            deleted_users: BTreeMap::new(),
            deleted_groups: BTreeMap::new(),
            journal: Journal::default(),
            obstacles: Obstacles::default(),
            restricted: BTreeSet::new(),
        };
        tenant.count_seats();
        tenant.inherit(at);
        tenant.journal = Journal::default();
        Ok(tenant)
    }

    /// Returns the same tenant with another id, to stand beside this one.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.about.id = id;
        self
    }

    /// Returns what the tenant says about itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Returns the users in the order of their ids.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Returns the groups in the order of their ids.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns the products in the order of their ids, with the seats in use.
    pub fn skus(&self) -> &[Sku] {
        &self.skus
    }

    /// Returns the product of this part number.
    pub fn sku_named(&self, part_number: &str) -> Option<&Sku> {
        self.skus.iter().find(|sku| &*sku.part_number == part_number)
    }

    /// Returns the user with this id or, ignoring case, this principal name.
    pub fn user(&self, key: &str) -> Option<&User> {
        self.user_index(key).map(|index| &self.users[index])
    }

    /// Returns the place of a user in [`Tenant::users`].
    pub(crate) fn user_index(&self, key: &str) -> Option<usize> {
        match key.parse::<UserId>() {
            Ok(id) => self.place_of(id),
            Err(_) => self.names.get(key.to_lowercase().as_str()).and_then(|id| self.place_of(*id)),
        }
    }

    /// Returns the place of the user with this id in [`Tenant::users`].
    pub(crate) fn place_of(&self, id: UserId) -> Option<usize> {
        self.users.binary_search_by_key(&id, |user| user.id).ok()
    }

    /// Returns the group with this id.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.group_index(id).map(|index| &self.groups[index])
    }

    fn group_index(&self, id: GroupId) -> Option<usize> {
        self.groups.binary_search_by_key(&id, |group| group.id).ok()
    }

    /// Returns the groups of this display name: none, one or several.
    pub fn groups_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter(move |group| &*group.name == name)
    }

    /// Allows or forbids a user's sign-in. Does nothing for a user who does not exist.
    pub fn set_enabled(&mut self, user: UserId, enabled: bool) {
        self.edit_user(user, |user| user.enabled = enabled);
    }

    /// Lets a user sign in. Does nothing for a user who does not exist.
    pub fn sign_in(&mut self, user: UserId, at: Timestamp) {
        if let Some(index) = self.place_of(user) {
            let at = Some(at);
            self.users[index].sign_ins =
                Some(SignIns { attempted: at, silent: at, successful: at });
        }
    }

    /// Returns what the licenses come to, for comparing.
    pub fn license_state(&self) -> LicenseState {
        let groups = |held: &Held| {
            let working = held.inherited.iter().filter(|source| source.error.is_none());
            working.map(|source| source.group).collect()
        };
        let held = |held: &Held| {
            (held.sku, held.direct.as_ref().map(|direct| direct.disabled.clone()), groups(held))
        };
        let user = |user: &User| {
            (user.id, (user.usage_location, user.licenses.iter().map(held).collect()))
        };
        LicenseState {
            users: self.users.iter().map(user).collect(),
            consumed: self.skus.iter().map(|sku| (sku.id, sku.consumed)).collect(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
