//! Policies: who gets what. Text becomes a [`Policy`] in two steps: `raw` mirrors the file and keeps
//! every place in it, `lower` yields policies or *every* problem.
//!
//! Pure. Nothing here knows a tenant: SKUs, groups and users are still the names that people wrote.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::attribute::Attribute;
use crate::domain::dn::DistinguishedName;
use crate::domain::names::{Place, PolicyName, TenantName, UsageLocation};
use crate::domain::span::Span;
use crate::domain::user::UserType;
use crate::policy::list::List;

pub mod case;
pub mod list;
mod load;
mod lower;
pub mod pattern;
mod raw;
pub mod schema;
pub mod selector;
pub mod settings;
pub mod write;

pub use load::{Loaded, load, load_for};
pub use lower::InvalidMoment;

/// All policies of a directory: the whole tree is valid, or there is none of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicySet {
    /// The policies, in the order of files and then of lines.
    pub policies: Vec<Policy>,
    /// The ladders, in the same order.
    pub ladders: Vec<Ladder>,
}

impl PolicySet {
    /// Whether a policy for this tenant selects by how long people have not signed in.
    pub(crate) fn asks_for_sign_ins(&self, tenant: &TenantName) -> bool {
        let is_ours =
            |policy: &&Policy| policy.tenants.as_ref().is_none_or(|only| only.contains(tenant));
        self.policies.iter().filter(is_ours).any(|policy| policy.selector.asks_for_sign_ins())
    }
}

/// A text from a policy file and where it stands there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Written<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The identity that the ledger keeps.
    pub name: PolicyName,
    /// Where the policy begins.
    pub place: Place,
    /// What it is for, in a person's words.
    pub description: Option<Arc<str>>,
    /// Whom to ask about it.
    pub owner: Option<Arc<str>>,
    /// The tenants it is for; none means every tenant.
    pub tenants: Option<Vec<TenantName>>,
    /// Which users.
    pub selector: Selector,
    /// Whether the selector names `user_type`, and so may reach guests.
    pub reaches_guests: bool,
    /// What becomes of their licenses.
    pub action: Action,
    /// What becomes of their usage location.
    pub usage_location: Option<LocationRule>,
    /// Who gets the last seats: higher first.
    pub priority: i32,
    /// What becomes of a license that the policy owns when a user no longer matches.
    pub on_leave: OnLeave,
    /// How long to wait before a removal; none means the default for the action.
    pub grace: Option<Span>,
    /// When the policy begins to apply.
    pub from: Option<Written<Moment>>,
    /// When it ceases to apply; exclusive.
    pub until: Option<Written<Moment>>,
    /// The name that it had before.
    pub moved_from: Option<Written<PolicyName>>,
    /// Whether it matches nobody any more.
    pub retired: bool,
}

/// A day (in the configured time zone) or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The beginning of a day.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl Moment {
    /// Returns the instant. Where clocks skip midnight, a day begins when they have.
    pub fn at(self, time_zone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => time_zone.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX),
        }
    }
}

impl Policy {
    /// Whether a time lies in the window in which the policy applies.
    pub fn applies_at(&self, now: Timestamp, time_zone: &TimeZone) -> bool {
        let at = |moment: &Option<Written<Moment>>| moment.as_ref().map(|m| m.value.at(time_zone));
        at(&self.from).is_none_or(|from| from <= now)
            && at(&self.until).is_none_or(|until| now < until)
    }
}

/// What a policy does to the licenses of the users it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Grants licenses.
    Add {
        /// What it grants. May be empty where the policy only sets a location.
        licenses: Vec<License>,
    },
    /// Grants licenses in exchange for others.
    Replace {
        /// What it grants; at least one.
        licenses: Vec<License>,
        /// What goes in exchange.
        replaces: Replaces,
    },
    /// Takes licenses away.
    Remove {
        /// What it takes away.
        removals: Removals,
    },
}

/// A license that a policy grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// The SKU, by part number or id.
    pub sku: Written<Arc<str>>,
    /// What the policy says about the service plans.
    pub service_plans: ServicePlanRule,
}

/// What a policy says about the service plans of a SKU it grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServicePlanRule {
    /// Nothing: an assignment that exists keeps its service plans, a new one has all.
    Unsaid,
    /// These are off, the rest is on. An empty list switches all on.
    Disable(Vec<Written<Arc<str>>>),
    /// These are on, the rest is off, also what Microsoft adds later.
    Enable(Vec<Written<Arc<str>>>),
}

/// What a `replace` policy takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// Every other direct assignment.
    All,
    /// These SKUs.
    Listed(Vec<Written<Arc<str>>>),
}

/// What a `remove` policy takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removals {
    /// Every direct assignment.
    All,
    /// These.
    Listed(Vec<Removal>),
}

/// One thing that a `remove` policy takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// A whole SKU.
    Sku(Written<Arc<str>>),
    /// Single service plans of a SKU, or of any SKU.
    ServicePlans {
        /// The SKU; none stands for `"*"`, any.
        sku: Option<Written<Arc<str>>>,
        /// The service plans, by name or id; at least one.
        plans: Vec<Written<Arc<str>>>,
    },
}

/// What a policy says about the usage location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationRule {
    /// Make it so.
    Set(UsageLocation),
    /// Where the user has none, take this.
    Default(UsageLocation),
    /// Where the user has none, take the country that an attribute names, and else the default.
    From {
        /// The attribute, such as `country`.
        attribute: Attribute,
        /// What to take where the attribute is empty or names no country.
        default: Option<UsageLocation>,
    },
}

/// What becomes of a license when its policy no longer matches the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnLeave {
    /// It is removed after the grace.
    #[default]
    Remove,
    /// It stays.
    Keep,
}

/// Which users a policy is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// Every one of these holds.
    All(Vec<Selector>),
    /// At least one of these holds.
    Any(Vec<Selector>),
    /// None of these holds.
    None(Vec<Selector>),
    /// One test.
    Test(Written<Test>),
}

/// One thing to ask about a user.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Is a member of a group.
    Group {
        /// The group, by display name or id.
        group: Arc<str>,
        /// Whether members of groups inside it count.
        nested: bool,
    },
    /// Lies in an on-premises OU.
    Ou {
        /// The OU.
        ou: DistinguishedName,
        /// How deep.
        scope: OuScope,
    },
    /// The part of the principal name behind the `@` is this, ignoring case.
    Domain(Arc<str>),
    /// The on-premises AD domain is this, ignoring case.
    AdDomain(Arc<str>),
    /// Is one of these, by principal name or id.
    User(Vec<Written<Arc<str>>>),
    /// Is listed in a CSV file.
    Csv(Arc<List>),
    /// An attribute equals one of these, ignoring case; `*` is a wildcard.
    Attribute {
        /// Which attribute.
        attribute: Attribute,
        /// The values.
        values: Vec<Arc<str>>,
    },
    /// Is a member or a guest.
    UserType(Vec<UserType>),
    /// Sign-in is allowed, or not.
    Enabled(bool),
    /// Comes from on-premises Active Directory, or not.
    Synced(bool),
    /// Holds a SKU, by part number or id.
    Has(Arc<str>),
    /// Has not signed in for this long.
    InactiveFor(Span),
    /// Everybody.
    Everyone,
}

/// How far below an OU a user may lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OuScope {
    /// Anywhere below it.
    #[default]
    Subtree,
    /// Directly in it.
    One,
}

/// SKUs of which a user keeps only the highest wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The name.
    pub name: PolicyName,
    /// Where the ladder begins.
    pub place: Place,
    /// The tenants it is for; none means every tenant.
    pub tenants: Option<Vec<TenantName>>,
    /// The SKUs, highest first.
    pub rungs: Vec<Written<Arc<str>>>,
    /// Whether who finds no seat on a rung takes the next lower one meanwhile.
    pub fall_back: bool,
}
