//! Policy tests: one user as a person describes them, and what the policies should make of them.

use std::sync::Arc;

use crate::domain::attribute::Attribute;
use crate::domain::dn::DistinguishedName;
use crate::domain::ids::UserId;
use crate::domain::names::{Place, PolicyName, TenantName, UsageLocation};
use crate::domain::user::UserType;
use crate::policy::{Moment, Written};

/// A policy test.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it shows, in a person's words.
    pub name: Arc<str>,
    /// Where it begins.
    pub place: Place,
    /// The tenant whose policies are asked; none stands for the first of the configuration.
    pub tenant: Option<Written<TenantName>>,
    /// The time; none stands for now.
    pub at: Option<Written<Moment>>,
    /// How many seats can be given out, by SKU. Of others there are plenty.
    pub seats: Vec<(Written<Arc<str>>, u32)>,
    /// The user.
    pub user: Subject,
    /// What should become of them.
    pub expect: Expect,
}

/// The user of a policy test. What is not written is known to be absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The object id.
    pub id: Option<UserId>,
    /// The principal name.
    pub principal_name: Option<Arc<str>>,
    /// Groups that the user is a direct member of, as policies name them.
    pub groups: Vec<Written<Arc<str>>>,
    /// Groups that the user is in through other groups alone.
    pub nested_groups: Vec<Written<Arc<str>>>,
    /// The on-premises OU.
    pub ou: Option<DistinguishedName>,
    /// The on-premises AD domain.
    pub ad_domain: Option<Arc<str>>,
    /// Department, country and the like.
    pub attributes: Vec<(Attribute, Arc<str>)>,
    /// The usage location.
    pub usage_location: Option<UsageLocation>,
    /// Member or guest.
    pub user_type: UserType,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// Whether the user comes from on-premises AD.
    pub synced: bool,
    /// The latest sign-in; unknown where it is not written.
    pub last_sign_in: Option<Moment>,
    /// What the user holds.
    pub licenses: Vec<HeldLicense>,
}

/// A SKU that the user of a test holds.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldLicense {
    /// The SKU.
    pub sku: Written<Arc<str>>,
    /// The service plans that are off.
    pub disable: Vec<Written<Arc<str>>>,
    /// The group it comes from; none where it is assigned directly.
    pub group: Option<Written<Arc<str>>>,
    /// The policies that own it.
    pub owners: Vec<Written<PolicyName>>,
    /// When the owners were first seen to want it no longer.
    pub let_go: Option<Moment>,
    /// Policies that take it away, and since when they were seen to.
    pub clocks: Vec<(Written<PolicyName>, Moment)>,
}

/// What should become of the user of a test. What is not written is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// The SKUs that the user has afterwards: these and no others.
    pub licenses: Option<Vec<WantedLicense>>,
    /// SKUs that the user does not have afterwards.
    pub not_licenses: Vec<Written<Arc<str>>>,
    /// Policies that are among the reasons.
    pub because: Vec<Written<PolicyName>>,
    /// Policies that are not.
    pub not_because: Vec<Written<PolicyName>>,
    /// The usage location afterwards.
    pub usage_location: Option<UsageLocation>,
    /// SKUs that the user waits for: these and no others.
    pub waiting: Option<Vec<Written<Arc<str>>>>,
    /// Why something is blocked, in the words of plans: these and no others.
    pub blocked: Option<Vec<Written<Arc<str>>>>,
    /// SKUs whose removal is scheduled, and when they are due: these and no others.
    pub scheduled: Option<Vec<Due>>,
    /// Whether nothing is changed in the tenant.
    pub unchanged: Option<bool>,
}

/// A SKU that the user of a test should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLicense {
    /// The SKU.
    pub sku: Written<Arc<str>>,
    /// The service plans that should be off, of those that can be switched; not looked at where none
    /// is written.
    pub disable: Option<Vec<Written<Arc<str>>>>,
}

/// A SKU whose removal should be scheduled, and when it should be due; not looked at where none is
/// written.
pub type Due = (Written<Arc<str>>, Option<Moment>);
