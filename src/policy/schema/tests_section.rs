//! How the `tests` section describes itself.

use schemars::JsonSchema;

use crate::policy::schema::selector::with_extension_attributes;
use crate::yaml::schema::Text;

/// A user who is made up, and what policies should come to for them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "name": "a contractor in engineering keeps F3",
    "user": {"user_principal_name": "x@contoso.com", "groups": ["Engineering", "Contractors"]},
    "expect": {"licenses": ["SPE_F1"], "because": ["contractors-f3"]},
}]))]
pub(super) struct Test {
    /// What it shows, as a sentence.
    name: Text,
    /// Who the user is.
    user: TestUser,
    /// What the user should have.
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
    /// The groups that the user is a member of.
    groups: Option<Vec<Text>>,
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
    usage_location: Option<Text>,
    /// Member or guest.
    user_type: Option<Text>,
    /// Whether sign-in is allowed.
    enabled: Option<bool>,
    /// Whether the user comes from on-premises Active Directory.
    synced: Option<bool>,
    /// The SKUs that the user holds.
    licenses: Option<Vec<Text>>,
    /// The SKUs among them that policies own.
    owned: Option<Vec<Text>>,
    /// When the user last signed in.
    last_sign_in: Option<Text>,
}

/// What the user should have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct TestExpect {
    /// The SKUs, and no others.
    licenses: Option<Vec<Text>>,
    /// The policies that give them.
    because: Option<Vec<Text>>,
    /// The usage location.
    usage_location: Option<Text>,
}
