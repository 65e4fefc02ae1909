//! A tenant that somebody described, from its file; what is wrong there is told with its place.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::exit::{Exit, Failure};
use crate::sandbox::document::{
    GroupDocument, LicenseDocument, SkuDocument, UnitDocument, UserDocument,
};
use crate::sandbox::{Tenant, TenantDocument};
use crate::source::{file_hint, read_file};
use crate::yaml::{
    Diagnostic, Entry, FILE_BYTES_MAX, Kind, Node, Reader, SourceFile, parse, render,
};

const HINT: &str = "docs/sandbox.md has every key, and an example of all of them";

/// Loads a tenant.
///
/// # Errors
///
/// Where the file cannot be read, is not described as it should be, or does not hold together.
pub(super) fn load(path: &Path) -> Result<Tenant, Failure> {
    let name = path.display().to_string();
    let bytes = read_file(path, FILE_BYTES_MAX).map_err(|error| {
        let (context, hint) = (format!("cannot read the tenant `{name}`"), file_hint(&error));
        Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context)).hint(hint)
    })?;
    let file = SourceFile::from_bytes(name.as_str().into(), bytes)
        .map_err(|problem| broken(&render(&[*problem], &[])))?;
    let shown = |problems: &[Diagnostic]| broken(&render(problems, std::slice::from_ref(&file)));
    let tree = parse(&file).map_err(|problems| shown(&problems))?;
    let document: TenantDocument = serde_json::from_value(value(&tree)).map_err(|error| {
        let problems = misfits(&file, &tree);
        let told = if problems.is_empty() {
            let context = format!("the tenant `{name}` is not described as it should be");
            Failure::new(Exit::Invalid, anyhow::Error::new(error).context(context))
        } else {
            shown(&problems)
        };
        told.hint(HINT)
    })?;
    Tenant::from_document(&document).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let text = format!("the tenant `{name}` does not hold together:\n  {}", all.join("\n  "));
        Failure::text(Exit::Invalid, text).hint(HINT)
    })
}

/// Makes a failure of rendered diagnostics: the word before the first is said by whoever tells it.
pub(super) fn broken(text: &str) -> Failure {
    let text = text.trim_end();
    Failure::text(Exit::Invalid, text.strip_prefix("error: ").unwrap_or(text))
}

/// Turns a tree into a JSON value: plain words and numbers as what they are, the rest as text.
fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Sequence(items) => items.iter().map(value).collect(),
        Kind::Mapping(entries) => Value::Object(
            entries.iter().map(|entry| (entry.key.to_string(), value(&entry.value))).collect(),
        ),
        Kind::Scalar { text: _, plain: _ } if node.is_nothing() => Value::Null,
        Kind::Scalar { text, plain: true } => match (&**text, text.parse::<u64>()) {
            ("true", _) => true.into(),
            ("false", _) => false.into(),
            (_, Ok(number)) => number.into(),
            (text, Err(_)) => text.into(),
        },
        Kind::Scalar { text, plain: false } => (&**text).into(),
    }
}

/// Returns what is not described as it should be, each with its place.
fn misfits(file: &SourceFile, tree: &Node) -> Vec<Diagnostic> {
    let mut reader = Reader::new(file.name.clone());
    match &tree.kind {
        Kind::Mapping(entries) => entries.iter().for_each(|entry| of_tenant(&mut reader, entry)),
        Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) => {
            reader
                .error(tree.spot, format!("a tenant has keys, such as `users`; {}", this_is(tree)));
        }
    }
    reader.finish().0
}

fn of_tenant(reader: &mut Reader, entry: &Entry) {
    let key = &*entry.key;
    let of_item = match key {
        "skus" => of_item::<SkuDocument>,
        "units" => of_item::<UnitDocument>,
        "groups" => of_item::<GroupDocument>,
        "users" => of_item::<UserDocument>,
        _ => return alone::<TenantDocument>(reader, "", entry),
    };
    match &entry.value.kind {
        Kind::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                of_item(reader, &format!("{key}[{index}]"), item);
            }
        }
        Kind::Scalar { text: _, plain: _ } | Kind::Mapping(_) => {
            alone::<TenantDocument>(reader, "", entry);
        }
    }
}

/// Looks at a SKU, a unit, a group or a user.
fn of_item<T: DeserializeOwned>(reader: &mut Reader, at: &str, item: &Node) {
    let Kind::Mapping(entries) = &item.kind else {
        return reader.error(item.spot, format!("{at} has keys; {}", this_is(item)));
    };
    for entry in entries {
        match (&*entry.key, &entry.value.kind) {
            ("licenses", Kind::Sequence(licenses)) if knows_licenses::<T>() => {
                for (index, license) in licenses.iter().enumerate() {
                    if let Err(error) = serde_json::from_value::<LicenseDocument>(value(license)) {
                        reader.error(license.spot, format!("{at}.licenses[{index}]: {error}"));
                    }
                }
            }
            _ => alone::<T>(reader, &format!("{at}."), entry),
        }
    }
}

fn knows_licenses<T: DeserializeOwned>() -> bool {
    serde_json::from_value::<T>(serde_json::json!({"licenses": []})).is_ok()
}

/// Tries a key without the others: none is required.
fn alone<T: DeserializeOwned>(reader: &mut Reader, inside: &str, entry: &Entry) {
    let object = serde_json::Map::from_iter([(entry.key.to_string(), value(&entry.value))]);
    if let Err(error) = serde_json::from_value::<T>(Value::Object(object)) {
        reader.error(entry.key_spot, format!("{inside}{}: {error}", entry.key));
    }
}

fn this_is(node: &Node) -> String {
    format!("this is {}", node.describe())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::testing::examples;

    #[test]
    fn the_example_of_the_page_loads() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sandbox.md");
        let page = std::fs::read_to_string(page).unwrap();
        let example = examples(&page).into_iter().find(|text| text.contains("users:\n")).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tenant.yaml");
        std::fs::write(&file, example).unwrap();
        let tenant = load(&file).unwrap_or_else(|failure| panic!("{}", failure.message()));
        assert_eq!(tenant.users().len(), 2);
    }
}
