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

/// Returns the same of a file, or nothing where it is no YAML.
pub(crate) fn value_of_file(text: &str) -> Option<Value> {
    let file = SourceFile { name: "a.yaml".into(), text: text.into() };
    parse(&file).ok().map(|tree| as_editors_see(&tree))
}

/// Returns the YAML examples of a page in Markdown.
pub(crate) fn examples(page: &str) -> Vec<&str> {
    let blocks = page.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a split has a first part")).collect()
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
        Some(self.faults(&value_of_file(text)?))
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

    /// Returns the keys, each behind the place of its mapping, that none of these values has.
    pub(crate) fn not_shown(&self, values: &[Value]) -> Vec<String> {
        let mut shown = BTreeSet::new();
        for value in values {
            self.see("", &self.document, value, &mut shown);
        }
        let mut all = BTreeSet::new();
        self.list("", &self.document, &mut all);
        all.difference(&shown).cloned().collect()
    }

    /// Follows a reference to where it leads.
    fn resolved<'a>(&'a self, at: &str, schema: &'a Value) -> (String, &'a Value) {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let place = reference.trim_start_matches('#');
                (
                    place.to_owned(),
                    self.document.pointer(place).expect("a reference leads somewhere"),
                )
            }
            None => (at.to_owned(), schema),
        }
    }

    /// Collects the keys that a value has of those that the schema describes.
    fn see(&self, at: &str, schema: &Value, value: &Value, shown: &mut BTreeSet<String>) {
        let (at, schema) = self.resolved(at, schema);
        let keys = schema.get("properties").and_then(Value::as_object);
        if let (Some(keys), Some(has)) = (keys, value.as_object()) {
            // Of several forms it is the one that knows all of its keys.
            if has.keys().all(|key| keys.contains_key(key)) {
                for (key, inner) in has {
                    shown.insert(format!("{at}: {key}"));
                    self.see(&format!("{at}/properties/{key}"), &keys[key], inner, shown);
                }
            }
        }
        if let (Some(of), Some(items)) = (schema.get("items"), value.as_array()) {
            for item in items {
                self.see(&format!("{at}/items"), of, item, shown);
            }
        }
        let others = schema.get("additionalProperties").filter(|of| of.is_object());
        if let (Some(of), Some(has)) = (others, value.as_object()) {
            let at = format!("{at}/additionalProperties");
            for inner in has.values() {
                self.see(&at, of, inner, shown);
            }
        }
        for (at, inner) in forms(&at, schema) {
            self.see(&at, inner, value, shown);
        }
    }

    /// Collects the keys of every mapping that refuses others.
    fn list(&self, at: &str, schema: &Value, all: &mut BTreeSet<String>) {
        let (here, schema) = self.resolved(at, schema);
        if here != at {
            // What is referred to stands among the definitions, and is listed there.
            return;
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            let keys = schema.get("properties").and_then(Value::as_object);
            all.extend(keys.into_iter().flat_map(Map::keys).map(|key| format!("{at}: {key}")));
        }
        for part in ["properties", "$defs"] {
            for (name, inner) in schema.get(part).and_then(Value::as_object).into_iter().flatten() {
                self.list(&format!("{at}/{part}/{name}"), inner, all);
            }
        }
        for part in ["items", "additionalProperties"] {
            schema
                .get(part)
                .into_iter()
                .for_each(|inner| self.list(&format!("{at}/{part}"), inner, all));
        }
        for (at, inner) in forms(at, schema) {
            self.list(&at, inner, all);
        }
    }
}

/// Returns the forms of which a value has one, each with its place.
fn forms<'a>(at: &str, schema: &'a Value) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for part in ["anyOf", "oneOf"] {
        for (index, form) in
            schema.get(part).and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            found.push((format!("{at}/{part}/{index}"), form));
        }
    }
    found
}
