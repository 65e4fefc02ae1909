//! How files describe themselves to editors: JSON Schema, draft 2020-12.
//!
//! The types that describe a file stand beside its reader, and no value of them is ever made: their
//! fields are the keys, and their comments are what an editor shows. A test holds them to the keys
//! that the reader knows.
//!
//! An editor takes an unquoted `365` for a number and `true` for a truth value, where the reader takes
//! both for the texts that they are. So a text may be either here.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

/// Describes a file whose top is a `T`. A key that may be left out must not be left empty, so no
/// value may be null.
pub fn document<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let settings = settings.with_transform(RecursiveTransform(refuse_null));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Takes out that a value may be null.
pub(crate) fn refuse_null(schema: &mut Schema) {
    let is_null = |value: &Value| value.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(forms)) = schema.get_mut("anyOf") else { return };
    forms.retain(|form| !is_null(form));
    if let [Value::Object(only)] = forms.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            // What the key says of itself is nearer than what its type says.
            if schema.get(&key).is_none() {
                schema.insert(key, value);
            }
        }
    }
}

/// Declares what a single value looks like.
macro_rules! scalar {
    ($(#[doc = $about:literal])+ $vis:vis $name:ident, $schema:tt) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        $vis struct $name;

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = schemars::json_schema!($schema);
                let about = [$($about.trim()),+].join("\n");
                schema.insert("description".to_owned(), about.into());
                schema
            }
        }
    };
}
pub(crate) use scalar;

scalar! {
    /// A text that is not empty.
    pub Text, {"type": ["string", "number", "boolean"], "pattern": "\\S"}
}
scalar! {
    /// A name: 1 to 64 of a-z, 0-9 and `-`, beginning with a letter or digit.
    pub Name, {
        "type": ["string", "number", "boolean"],
        "pattern": "^[a-z0-9][a-z0-9-]{0,63}$",
    }
}
scalar! {
    /// A span of time: a whole number and s, m, h, d or w, at most 3650d; a day is 24 hours.
    pub Span, {
        "type": ["string", "integer"],
        "pattern": "^(0|[0-9]+[smhdw])$",
        "minimum": 0,
        "maximum": 0,
        "examples": ["30d", "12h", "0"],
    }
}
scalar! {
    /// A span of time that is not 0: a whole number and s, m, h, d or w, at most 3650d.
    pub PositiveSpan, {
        "type": "string",
        "pattern": "^0*[1-9][0-9]*[smhdw]$",
        "examples": ["90d", "60s"],
    }
}
scalar! {
    /// A GUID with its hyphens.
    pub Guid, {
        "type": "string",
        "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    }
}

/// One value, or a list of at least one.
#[derive(Debug)]
pub struct OneOrMore<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})
    }
}
