//! How the `tests` section describes itself.

#![expect(
    clippy::zero_sized_map_values,
    reason = "these types describe; no value of them is ever made"
)]

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;

use super::{Country, Moment, ServicePlan, Sku};
use crate::policy::schema::selector::with_extension_attributes;
use crate::yaml::schema::{Name, OneOrMore, Text};

/// A user who is made up, and what should become of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "name": "a contractor in engineering keeps F3",
    "user": {"user_principal_name": "x@contoso.com", "groups": ["Engineering", "Contractors"]},
    "expect": {"licenses": ["SPE_F1"], "because": ["contractors-f3"]},
}]))]
pub(super) struct Test {
    /// What it shows, as a sentence; unique.
    name: Text,
    /// The tenant whose policies are asked. Default: the first of the configuration.
    tenant: Option<Name>,
    /// The time. Default: now.
    at: Option<Moment>,
    /// How many seats can be given out, by SKU. Default: plenty.
    seats: Option<BTreeMap<String, u32>>,
    /// Who the user is.
    user: TestUser,
    /// What should become of the user.
    expect: TestExpect,
}

/// A user who is made up. What is not said is absent.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = with_extension_attributes)]
pub(super) struct TestUser {
    /// The object id.
    id: Option<Text>,
    /// The principal name.
    user_principal_name: Option<Text>,
    /// The groups that the user is a direct member of.
    groups: Option<Vec<Text>>,
    /// The groups that the user is in through other groups alone.
    nested_groups: Option<Vec<Text>>,
    /// The on-premises OU.
    ou: Option<Text>,
    /// The on-premises AD domain.
    ad_domain: Option<Text>,
    /// The department.
    department: Option<Text>,
    /// The job title.
    job_title: Option<Text>,
    /// The company.
    company: Option<Text>,
    /// The country.
    country: Option<Text>,
    /// The office.
    office: Option<Text>,
    /// The employee type.
    employee_type: Option<Text>,
    /// The usage location.
    usage_location: Option<Country>,
    /// Member or guest. Default: `member`.
    user_type: Option<TestUserType>,
    /// Whether sign-in is allowed. Default: `true`.
    enabled: Option<bool>,
    /// Whether the user comes from on-premises Active Directory. Default: where `ou` or `ad_domain` is
    /// said.
    synced: Option<bool>,
    /// When the user last signed in. Default: unknown.
    last_sign_in: Option<Moment>,
    /// The licenses that the user holds.
    licenses: Option<Vec<TestHeld>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum TestUserType {
    /// One of the tenant's own.
    Member,
    /// Invited from elsewhere.
    Guest,
}

/// A license that the user holds: a SKU held directly, or more about it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum TestHeld {
    Short(Sku),
    Long(TestHeldLicense),
}

/// A license that the user holds.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{"sku": "SPE_E3", "owner": "staff-e3", "let_go": "2026-06-01"}]))]
pub(super) struct TestHeldLicense {
    /// The SKU.
    sku: Sku,
    /// The service plans that are off.
    disable: Option<BTreeSet<ServicePlan>>,
    /// The group that it comes from. Default: it is assigned directly.
    group: Option<Text>,
    /// The policies that own it.
    owner: Option<OneOrMore<Name>>,
    /// When they were first seen to want it no longer.
    let_go: Option<Moment>,
    /// Policies that take it away, and since when they were seen to.
    clocks: Option<BTreeMap<String, Moment>>,
}

/// What should become of the user. What is not said is not looked at.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(super) struct TestExpect {
    /// The licenses afterwards, and no others.
    licenses: Option<Vec<TestWanted>>,
    /// SKUs that the user does not have afterwards.
    not_licenses: Option<Vec<Sku>>,
    /// Policies among the reasons.
    because: Option<OneOrMore<Name>>,
    /// Policies that are not among them.
    not_because: Option<OneOrMore<Name>>,
    /// The usage location afterwards.
    usage_location: Option<Country>,
    /// The SKUs that the user waits for, and no others.
    waiting: Option<Vec<Sku>>,
    /// Why something is blocked, in the words of plans, and nothing else.
    blocked: Option<Vec<Text>>,
    /// The SKUs whose removal is scheduled, and no others, with or without the time.
    scheduled: Option<TestScheduled>,
    /// Whether nothing is changed in the tenant.
    unchanged: Option<bool>,
}

/// A license that the user should have: a SKU, or a SKU with its service plans.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum TestWanted {
    Short(Sku),
    Long(TestWantedLicense),
}

/// A license that the user should have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{"sku": "SPE_E5", "disable": ["YAMMER_ENTERPRISE"]}]))]
pub(super) struct TestWantedLicense {
    /// The SKU.
    sku: Sku,
    /// The service plans that should be off, and no others.
    disable: Option<BTreeSet<ServicePlan>>,
}

/// SKUs, or SKUs with the time when they are due.
#[derive(JsonSchema)]
#[schemars(untagged, extend("examples" = [["SPE_E3"], {"SPE_E3": "2026-06-15"}]))]
enum TestScheduled {
    Listed(Vec<Sku>),
    Due(BTreeMap<String, Moment>),
}
