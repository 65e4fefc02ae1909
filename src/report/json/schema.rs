//! How a plan in JSON describes itself: JSON Schema, draft 2020-12, for programs that read one.
//!
//! It tells what this version writes, exactly. A program that should read plans of later versions,
//! too, passes over keys that it does not know.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName, UsageLocation};
use crate::plan::{Digest, PlanId};
use crate::report::json::FORMAT_VERSION;
use crate::report::json::plan::PlanForm;
use crate::report::json::text::{AsWord, Text};
use crate::report::word::Word;
use crate::yaml::schema::refuse_null;

/// What is always there in a plan that is printed, and kept apart in the store.
pub(crate) const PRINTED: [&str; 3] = ["state", "operations", "decisions"];

/// Returns the JSON Schema of plans.
pub fn document() -> Value {
    let mut document = settings().into_generator().into_root_schema_for::<PlanForm>().to_value();
    document["properties"]["format_version"]["const"] = FORMAT_VERSION.into();
    if let Some(required) = document["required"].as_array_mut() {
        required.extend(PRINTED.map(Value::from));
    }
    document
}

/// Returns how the published forms are described.
pub(crate) fn settings() -> SchemaSettings {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.with_transform(RecursiveTransform(absent_rather_than_null))
}

/// What need not be there is left out where there is nothing, and so is never null.
fn absent_rather_than_null(schema: &mut Schema) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (key, property) in properties {
        if !required.iter().any(|name| name == key)
            && let Ok(property) = <&mut Schema>::try_from(property)
        {
            refuse_null(property);
        }
    }
}

/// A value that stands in JSON as a text of a certain form.
pub(crate) trait Spelled {
    /// What the form is called.
    const NAME: &'static str;

    /// Returns what such a text looks like.
    fn spelling() -> Schema;
}

macro_rules! spelled {
    ($type:ident: $schema:tt) => {
        impl Spelled for $type {
            const NAME: &'static str = stringify!($type);

            fn spelling() -> Schema {
                json_schema!($schema)
            }
        }
    };
}

spelled! { UserId: {"description": "The object id of a user.", "type": "string", "format": "uuid"} }
spelled! { SkuId: {"description": "The id of a SKU (`skuId`).", "type": "string", "format": "uuid"} }
spelled! {
    ServicePlanId: {
        "description": "The id of a service plan (`servicePlanId`).",
        "type": "string",
        "format": "uuid",
    }
}
spelled! {
    PlanId: {
        "description": "The id of a plan: a ULID, in the order of time.",
        "type": "string",
        "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$",
    }
}
spelled! {
    Digest: {"description": "A digest.", "type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
}
spelled! {
    TenantName: {
        "description": "What the configuration calls a tenant.",
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9-]{0,63}$",
    }
}
spelled! {
    PolicyName: {
        "description": "The name of a policy; of a plan that is asked for once, what it is called.",
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9-]{0,63}$",
    }
}
spelled! {
    UsageLocation: {
        "description": "A country: its code of two letters (ISO 3166-1 alpha-2).",
        "type": "string",
        "pattern": "^[A-Z]{2}$",
    }
}
spelled! {
    Timestamp: {
        "description": "An instant, as RFC 3339 says.",
        "type": "string",
        "format": "date-time",
    }
}

impl<T: Spelled> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::spelling()
    }
}

impl<T: Word> JsonSchema for AsWord<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::WHAT.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = T::ALL.iter().map(|value| value.word()).collect();
        json_schema!({"type": "string", "enum": words})
    }
}

#[cfg(test)]
mod tests;
