//! Sees files as editors do, for tests of schemas.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Map, Number, Value};

use crate::yaml::{Kind, Node, SourceFile, parse};

/// Returns the tree as an editor takes it: plain scalars are what they look like.
///
/// Source: YAML 1.2.2, section 10.3, core schema.
pub(crate) fn as_editors_see(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, plain: false } => Value::String(text.to_string()),
        Kind::Scalar { text, plain: true } => match &**text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            text => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
        },
        Kind::Sequence(items) => items.iter().map(as_editors_see).collect(),
        Kind::Mapping(entries) => {
            let entry =
                |entry: &crate::yaml::Entry| (entry.key.to_string(), as_editors_see(&entry.value));
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
    }
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.trim_start_matches(['-', '+']);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    match text.parse::<i64>() {
        Ok(number) => Some(number.into()),
        Err(_) => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
    }
}

/// A schema that validates.
pub(crate) struct Checked {
    document: Value,
    validator: Validator,
}

impl Checked {
    /// Takes a schema, which has to be one.
    pub(crate) fn new(document: Value) -> Self {
        assert!(jsonschema::meta::is_valid(&document), "{document:#}");
        assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let validator = jsonschema::validator_for(&document).expect("it is a schema");
        Self { document, validator }
    }

    /// Returns what is wrong with a value, each with its path.
    pub(crate) fn faults(&self, value: &Value) -> Vec<String> {
        let told =
            |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
        self.validator.iter_errors(value).map(told).collect()
    }

    /// Returns what an editor would underline in a YAML file, or nothing where it is no YAML.
    pub(crate) fn faults_of_file(&self, text: &str) -> Option<Vec<String>> {
        let file = SourceFile { name: "a.yaml".into(), text: text.into() };
        let tree = parse(&file).ok()?;
        Some(self.faults(&as_editors_see(&tree)))
    }

    /// Returns the keys that the mapping described at this place may have, and fails unless it
    /// refuses others.
    pub(crate) fn keys(&self, pointer: &str) -> BTreeSet<String> {
        let mapping = self.document.pointer(pointer).expect("the schema has such a place");
        assert_eq!(mapping["additionalProperties"], false, "{pointer}");
        let properties = mapping["properties"].as_object().expect("a mapping has keys");
        properties.keys().cloned().collect()
    }

    /// Fails where a mapping, a key or an enumeration is not described, where a mapping takes keys
    /// that it does not know, and where an example does not validate.
    pub(crate) fn assert_described(&self) {
        self.walk("", &self.document);
    }

    fn walk(&self, at: &str, schema: &Value) {
        let Some(object) = schema.as_object() else { return };
        for example in object.get("examples").and_then(Value::as_array).into_iter().flatten() {
            let mut alone = object.clone();
            alone.insert("$defs".to_owned(), self.document["$defs"].clone());
            let validator = jsonschema::validator_for(&Value::Object(alone)).expect("a schema");
            let faults: Vec<_> = validator.iter_errors(example).map(|e| e.to_string()).collect();
            assert!(faults.is_empty(), "{at}: {example}: {faults:?}");
        }
        for key in ["properties", "$defs"] {
            for (name, inner) in object.get(key).and_then(Value::as_object).into_iter().flatten() {
                let at = format!("{at}/{key}/{name}");
                let describes = |key| inner.get(key).is_some();
                let about = ["description", "oneOf", "const", "$ref"].into_iter().any(describes);
                assert!(about, "{at} is not described");
                self.walk(&at, inner);
            }
        }
        for key in ["items", "additionalProperties"] {
            object.get(key).into_iter().for_each(|inner| self.walk(&format!("{at}/{key}"), inner));
        }
        for key in ["anyOf", "oneOf"] {
            for inner in object.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.walk(&format!("{at}/{key}"), inner);
            }
        }
    }
}
