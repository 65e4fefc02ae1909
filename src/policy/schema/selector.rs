//! How `match` describes itself.

use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::yaml::schema::{OneOrMore, PositiveSpan, Text, scalar};

/// How many extension attributes there are, counted from 1.
const EXTENSIONS: u8 = 15;

/// A selector that does not only say whom it does not mean.
#[derive(JsonSchema)]
#[schemars(inline, transparent, extend("not" = {"propertyNames": {"const": "none"}}))]
pub(super) struct Match(Selector);

/// Which users. Keys side by side mean and.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = with_extension_attributes)]
#[schemars(extend("minProperties" = 1))]
#[schemars(extend("dependentRequired" = {"nested": ["group"], "scope": ["ou"]}))]
#[schemars(extend("examples" = [
    {"group": "Engineering"},
    {"any": [{"department": "R&D"}, {"ou": "OU=Sales,DC=corp,DC=contoso,DC=com"}], "enabled": true},
    {"everyone": true},
]))]
pub(super) struct Selector {
    /// Every one of these holds.
    #[schemars(length(min = 1))]
    all: Option<Vec<Selector>>,
    /// At least one of these holds.
    #[schemars(length(min = 1))]
    any: Option<Vec<Selector>>,
    /// None of these holds.
    #[schemars(length(min = 1))]
    none: Option<Vec<Selector>>,
    /// Is a member of this group, by display name or id; nested groups count.
    #[schemars(extend("examples" = ["Engineering"]))]
    group: Option<Text>,
    /// With `group`: whether members of groups inside it count. Default: `true`.
    nested: Option<bool>,
    /// Lies in this on-premises OU or below it.
    ou: Option<Ou>,
    /// With `ou`: how far below it. Default: `subtree`.
    scope: Option<Scope>,
    /// The part of the principal name behind the `@` is exactly this; sub-domains do not count.
    #[schemars(extend("examples" = ["contoso.com"]))]
    domain: Option<Domain>,
    /// The on-premises AD domain is this.
    #[schemars(extend("examples" = ["corp.contoso.com"]))]
    ad_domain: Option<Domain>,
    /// Is one of these, by principal name or id.
    user: Option<OneOrMore<User>>,
    /// Is listed in this CSV file, whose first line has a column `ObjectId` or `UserPrincipalName`.
    csv: Option<CsvPath>,
    /// The department is one of these, ignoring case; `*` stands for any run of characters.
    #[schemars(extend("examples" = [["R&D", "Engineering *"]]))]
    department: Option<OneOrMore<Text>>,
    /// The job title is one of these, ignoring case; `*` stands for any run of characters.
    job_title: Option<OneOrMore<Text>>,
    /// The company is one of these, ignoring case; `*` stands for any run of characters.
    company: Option<OneOrMore<Text>>,
    /// The country is one of these, ignoring case; `*` stands for any run of characters.
    country: Option<OneOrMore<Text>>,
    /// The office is one of these, ignoring case; `*` stands for any run of characters.
    office: Option<OneOrMore<Text>>,
    /// The employee type is one of these, ignoring case; `*` stands for any run of characters.
    employee_type: Option<OneOrMore<Text>>,
    /// The usage location is one of these, ignoring case; `*` stands for any run of characters.
    usage_location: Option<OneOrMore<Text>>,
    /// Is a member or a guest. A policy that does not say it reaches members alone.
    user_type: Option<OneOrMore<UserType>>,
    /// Sign-in is allowed, or not.
    enabled: Option<bool>,
    /// Comes from on-premises Active Directory, or not.
    synced: Option<bool>,
    /// Holds this SKU, by part number or id, directly or inherited from a group.
    #[schemars(extend("examples" = ["SPE_E3"]))]
    has: Option<Text>,
    /// Has not signed in for this long. Who has no sign-in on record is unknown, not inactive.
    inactive_for: Option<PositiveSpan>,
    /// Everybody; nothing selects everybody by accident.
    #[schemars(extend("const" = true))]
    everyone: Option<bool>,
}

/// Adds the extension attributes, which are all alike.
pub(super) fn with_extension_attributes(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    let Some(alike) = properties.get("department").cloned() else { return };
    for number in 1..=EXTENSIONS {
        let mut property = alike.clone();
        let about = format!("The on-premises extension attribute {number}, as `department`.");
        property["description"] = about.into();
        property.as_object_mut().and_then(|property| property.remove("examples"));
        properties.insert(format!("extension_attribute{number}"), property);
    }
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Scope {
    /// Directly in the OU.
    One,
    /// Anywhere below the OU.
    Subtree,
}

/// A kind of account. Either case will do.
#[derive(JsonSchema)]
enum UserType {
    #[schemars(rename = "member")]
    Member,
    #[schemars(rename = "guest")]
    Guest,
    #[schemars(rename = "Member")]
    MemberOfGraph,
    #[schemars(rename = "Guest")]
    GuestOfGraph,
}

scalar! {
    /// An OU, by its distinguished name.
    Ou, {"type": "string", "pattern": "=", "examples": ["OU=Sales,DC=corp,DC=contoso,DC=com"]}
}
scalar! {
    /// A domain, without the `@`.
    Domain, {"type": ["string", "number", "boolean"], "pattern": "^[^.\\s@/:*,;][^\\s@/:*,;]*$"}
}
scalar! {
    /// A user, by principal name or object id.
    User, {
        "type": "string",
        "pattern": "@|^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        "examples": ["ana@contoso.com"],
    }
}
scalar! {
    /// The path of a CSV file, relative to the policy file, in the directory of the policies or below.
    CsvPath, {
        "type": ["string", "number", "boolean"],
        "pattern": "^(?!.:)[^/\\\\](.*[^/])?$",
        "examples": ["lists/pilot.csv"],
    }
}
