//! How policy files describe themselves to editors.
//!
//! Everything that one value shows by itself is here. What it takes two places of the file, other
//! files or a tenant to know (a name that comes twice, a list that is not there, a SKU that nobody
//! sells) only the reader tells.

#![expect(dead_code, reason = "these types describe; no value of them is ever made")]

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::domain::attribute::Attribute;
use crate::yaml::schema::{self, Name, Span, Text, scalar};

mod selector;
mod tests_section;

use selector::Match;
use tests_section::Test;

/// Returns the JSON Schema of policy files.
pub fn document() -> Value {
    schema::document::<PolicyFile>()
}

/// A policy file of Seatkeeper: who gets which licenses of Microsoft 365.
#[derive(JsonSchema)]
#[schemars(title = "Seatkeeper policy file", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
struct PolicyFile {
    /// Who gets what. A name is unique over all files; the order does not matter.
    policies: Option<Vec<Policy>>,
    /// SKUs of which a user keeps only the highest wanted.
    ladders: Option<Vec<Ladder>>,
    /// What policies should come to for users who are made up here.
    tests: Option<Vec<Test>>,
}

/// Who gets what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = by_action)]
#[schemars(extend("examples" = [{
    "name": "engineering-e5",
    "match": {"any": [{"group": "Engineering"}], "none": [{"group": "Contractors"}]},
    "licenses": [{"sku": "SPE_E5", "disable": ["YAMMER_ENTERPRISE"]}, "POWER_BI_PRO"],
    "usage_location": {"default": "DE"},
}, {
    "name": "leavers",
    "match": {"enabled": false},
    "action": "remove",
    "licenses": "all",
    "grace": "30d",
}]))]
struct Policy {
    /// The identity that the ledger keeps: unique, and after a change told with `moved_from`.
    #[schemars(extend("examples" = ["engineering-e5"]))]
    name: Name,
    /// What the policy is for.
    description: Option<Text>,
    /// Whom to ask about it.
    #[schemars(extend("examples" = ["licensing@contoso.com"]))]
    owner: Option<Text>,
    /// The tenants it is for, by their names in the configuration. Default: every tenant.
    #[schemars(length(min = 1))]
    tenants: Option<BTreeSet<Name>>,
    /// Which users. Keys side by side mean and.
    #[schemars(rename = "match")]
    selector: Match,
    /// What becomes of the licenses of those users. Default: `add`.
    action: Option<Action>,
    /// With `action: replace`: the SKUs that go in exchange, or `all` other direct assignments.
    replaces: Option<Replaces>,
    /// What the policy grants or takes away.
    licenses: Option<Licenses>,
    /// What becomes of the usage location. Never guessed: without this it stays as it is.
    usage_location: Option<Location>,
    /// Who gets the last seats: higher first. Default: 0.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    priority: Option<i32>,
    /// What becomes of a license that the policy owns when a user no longer matches. Default: `remove`.
    on_leave: Option<OnLeave>,
    /// How long to wait before a removal. Default: 7 days (or as configured) for who leaves the policy,
    /// none for `remove` and `replace`.
    grace: Option<Span>,
    /// When the policy begins to apply.
    from: Option<Moment>,
    /// When it ceases to apply; exclusive.
    until: Option<Moment>,
    /// The name that the policy had before, so that the ledger follows.
    moved_from: Option<Name>,
    /// The policy matches nobody any more: what it owns goes after its grace. Default: `false`.
    retired: Option<bool>,
}

/// What fits the action, which editors should not offer or accept otherwise.
fn by_action(schema: &mut Schema) {
    let is =
        |action: &str| json!({"properties": {"action": {"const": action}}, "required": ["action"]});
    let removes = json!({
        "required": ["licenses"],
        "properties": {
            "replaces": false,
            "usage_location": false,
            "licenses": {"items": {"properties": {"disable": false, "enable": false}}},
        },
    });
    let grants = json!({
        "properties": {"licenses": {"type": "array", "items": {"properties": {"plans": false}}}},
        "if": is("replace"),
        "then": {"required": ["licenses", "replaces"]},
        "else": {
            "properties": {"replaces": false},
            "anyOf": [{"required": ["licenses"]}, {"required": ["usage_location"]}],
        },
    });
    schema.insert("if".to_owned(), is("remove"));
    schema.insert("then".to_owned(), removes);
    schema.insert("else".to_owned(), grants);
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Action {
    /// Grants licenses.
    Add,
    /// Grants licenses in exchange for others, in one call.
    Replace,
    /// Takes licenses away.
    Remove,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnLeave {
    /// The license goes after the grace.
    Remove,
    /// The license stays.
    Keep,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum AllWord {
    /// Every direct assignment.
    All,
}

/// SKUs that go in exchange, or `all` for every other direct assignment.
#[derive(JsonSchema)]
#[schemars(untagged, extend("examples" = [["SPE_E3"], "all"]))]
enum Replaces {
    All(AllWord),
    Listed(#[schemars(length(min = 1))] BTreeSet<Sku>),
}

/// A list of licenses; with `action: remove` also `all` for every direct assignment.
#[derive(JsonSchema)]
#[schemars(untagged, extend("examples" = [["SPE_E5"], "all"]))]
enum Licenses {
    All(AllWord),
    Listed(#[schemars(length(min = 1))] Vec<License>),
}

/// A SKU, or a SKU with what is said about its service plans.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum License {
    Short(Sku),
    Long(LongLicense),
}

/// A SKU with what is said about its service plans. Where nothing is said, an assignment that exists
/// keeps its service plans and a new one has all.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = any_sku_needs_plans)]
#[schemars(extend("dependentSchemas" = {
    "disable": {"properties": {"enable": false, "plans": false}},
    "enable": {"properties": {"plans": false}},
}))]
#[schemars(extend("examples" = [{"sku": "SPE_E5", "disable": ["YAMMER_ENTERPRISE"]}]))]
struct LongLicense {
    /// The SKU, by part number or id; with `plans` also `"*"` for any.
    #[schemars(extend("examples" = ["SPE_E5"]))]
    sku: SkuOrAny,
    /// These service plans are off, the rest is on; an empty list switches all on.
    disable: Option<BTreeSet<ServicePlan>>,
    /// These service plans are on, the rest is off, also what Microsoft adds later.
    #[schemars(length(min = 1))]
    enable: Option<BTreeSet<ServicePlan>>,
    /// With `action: remove`: the service plans to take away, instead of the whole SKU.
    #[schemars(length(min = 1))]
    plans: Option<BTreeSet<ServicePlan>>,
}

fn any_sku_needs_plans(schema: &mut Schema) {
    let any = json!({"properties": {"sku": {"const": "*"}}, "required": ["sku"]});
    schema.insert("if".to_owned(), any);
    schema.insert("then".to_owned(), json!({"required": ["plans"]}));
}

/// What becomes of the usage location.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "dependentSchemas" = {
    "set": {"properties": {"default": false, "from": false}},
}))]
#[schemars(extend("examples" = [{"set": "DE"}, {"default": "DE"}, {"from": "country", "default": "DE"}]))]
struct Location {
    /// Make it so, whatever it was.
    set: Option<Country>,
    /// Where the user has none, take this.
    default: Option<Country>,
    /// Where the user has none, take the country that this attribute names.
    from: Option<CountrySource>,
}

/// An attribute of users that may name a country.
struct CountrySource;

impl JsonSchema for CountrySource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CountrySource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let keys: Vec<_> = Attribute::all().map(Attribute::key).collect();
        json_schema!({"enum": keys})
    }
}

/// SKUs of which a user keeps only the highest wanted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "name": "suite", "rungs": ["SPE_E5", "SPE_E3", "SPE_F1"], "fall_back": true,
}]))]
struct Ladder {
    /// The name, unique among ladders.
    name: Name,
    /// The tenants it is for, by their names in the configuration. Default: every tenant.
    #[schemars(length(min = 1))]
    tenants: Option<BTreeSet<Name>>,
    /// The SKUs, highest first; at least two.
    #[schemars(length(min = 2))]
    rungs: BTreeSet<Sku>,
    /// Who finds no seat on a rung takes the next lower one meanwhile. Default: `false`.
    fall_back: Option<bool>,
}

scalar! {
    /// A SKU, by part number (`skuPartNumber`) or id (`skuId`).
    Sku, {"type": ["string", "number", "boolean"], "pattern": "^\\s*[^\\s*][^*]*$"}
}
scalar! {
    /// A SKU, by part number (`skuPartNumber`) or id (`skuId`), or `*` for any.
    SkuOrAny, {"type": ["string", "number", "boolean"], "pattern": "^(\\*|\\s*[^\\s*][^*]*)$"}
}
scalar! {
    /// A service plan, by name (`servicePlanName`) or id (`servicePlanId`).
    ServicePlan, {"type": ["string", "number", "boolean"], "pattern": "^\\s*[^\\s*][^*]*$"}
}
scalar! {
    /// A country: its code of two letters (ISO 3166-1 alpha-2).
    Country, {"type": "string", "pattern": "^[A-Za-z]{2}$", "examples": ["DE", "NO"]}
}
scalar! {
    /// A day, in the configured time zone, or an instant with its offset.
    Moment, {
        "type": "string",
        "pattern": concat!(
            "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
            "(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))?$"
        ),
        "examples": ["2026-01-31", "2026-01-31T18:00:00+01:00"],
    }
}

#[cfg(test)]
mod tests;
