//! What the format has and this version does not do yet: refused, so that nothing a person wrote
//! is silently without effect.

use crate::policy::raw::{RawFile, RawPolicy};
use crate::yaml::{Entry, Kind, Node, Reader};

/// Selectors, and keys of them.
const SELECTORS: [&str; 11] = [
    "csv",
    "department",
    "job_title",
    "company",
    "country",
    "office",
    "employee_type",
    "usage_location",
    "user_type",
    "synced",
    "has",
];

/// Every selector of this beginning.
const SELECTOR_PREFIX: &str = "extension_attribute";

/// Notes every key of the file that does not take effect in this version.
pub(super) fn unsupported(reader: &mut Reader, file: &RawFile<'_>) {
    let RawFile { top, policies, ladders: _, tests: _ } = file;
    refuse(reader, [top.ladders, top.tests]);
    for policy in policies {
        let RawPolicy { from, until, moved_from, retired, .. } = *policy;
        refuse(reader, [from, until, moved_from, retired]);
        let location = policy.usage_location.into_iter().flat_map(|entry| entries(&entry.value));
        refuse(reader, location.filter(|entry| &*entry.key == "from").map(Some));
        let licenses = policy.licenses.into_iter().flat_map(|entry| items(&entry.value));
        let keys = licenses.flat_map(entries).filter(|entry| &*entry.key == "plans");
        refuse(reader, keys.map(Some));
        if let Some(selector) = policy.selector {
            selectors(reader, &selector.value);
        }
    }
}

fn selectors(reader: &mut Reader, node: &Node) {
    match &node.kind {
        Kind::Scalar { text: _, plain: _ } => {}
        Kind::Sequence(items) => items.iter().for_each(|item| selectors(reader, item)),
        Kind::Mapping(entries) => {
            for entry in entries {
                let key = &*entry.key;
                if SELECTORS.contains(&key) || key.starts_with(SELECTOR_PREFIX) {
                    refuse(reader, [Some(entry)]);
                } else {
                    selectors(reader, &entry.value);
                }
            }
        }
    }
}

/// Returns the items of what may be a list.
fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Sequence(items) => items,
        Kind::Scalar { text: _, plain: _ } | Kind::Mapping(_) => &[],
    }
}

/// Returns the entries of what may be a mapping.
fn entries(node: &Node) -> &[Entry] {
    match &node.kind {
        Kind::Mapping(entries) => entries,
        Kind::Scalar { text: _, plain: _ } | Kind::Sequence(_) => &[],
    }
}

fn refuse<'a>(reader: &mut Reader, entries: impl IntoIterator<Item = Option<&'a Entry>>) {
    for entry in entries.into_iter().flatten() {
        reader.error(entry.key_spot, format!("`{}` is not supported yet", entry.key));
    }
}
