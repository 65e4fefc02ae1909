//! What the format has and this version does not do yet: refused, so that nothing a person wrote
//! is silently without effect.

use crate::policy::raw::RawFile;
use crate::yaml::{Entry, Kind, Node, Reader};

/// Selectors, and keys of them.
const SELECTORS: [&str; 1] = ["inactive_for"];

/// Notes every key of the file that does not take effect in this version.
pub(super) fn unsupported(reader: &mut Reader, file: &RawFile<'_>) {
    let RawFile { top, policies, ladders: _, tests: _ } = file;
    refuse(reader, [top.tests]);
    for policy in policies {
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
                if SELECTORS.contains(&key) {
                    refuse(reader, [Some(entry)]);
                } else {
                    selectors(reader, &entry.value);
                }
            }
        }
    }
}

fn refuse<'a>(reader: &mut Reader, entries: impl IntoIterator<Item = Option<&'a Entry>>) {
    for entry in entries.into_iter().flatten() {
        reader.error(entry.key_spot, format!("`{}` is not supported yet", entry.key));
    }
}
