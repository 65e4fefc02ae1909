//! Lists of SKUs and service plans, each named once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::SkuId;
use crate::policy::Written;
use crate::yaml::{Node, Reader, Spot};

/// Returns what two ways of writing one SKU have in common: case does not count. That a part
/// number and an id mean the same is known only with the tenant at hand.
pub(in crate::policy) fn sku_key(written: &str) -> String {
    match written.parse::<SkuId>() {
        Ok(id) => id.to_string(),
        Err(_) => written.to_uppercase(),
    }
}

/// Tells a name that comes a second time.
#[derive(Debug, Default)]
pub(super) struct Once {
    seen: BTreeMap<String, Spot>,
}

impl Once {
    /// Notes an error where the name was there before.
    pub(super) fn check(&mut self, reader: &mut Reader, name: &str, spot: Spot) {
        match self.seen.get(&sku_key(name)) {
            None => {
                self.seen.insert(sku_key(name), spot);
            }
            Some(first) => {
                let message = format!("`{name}` is listed twice");
                reader.error_related(spot, message, ("first listed here", *first));
            }
        }
    }

    /// Returns where a name was listed.
    pub(super) fn spot(&self, name: &str) -> Option<Spot> {
        self.seen.get(&sku_key(name)).copied()
    }
}

/// Reads one name.
pub(super) fn one(reader: &mut Reader, node: &Node) -> Option<Written<Arc<str>>> {
    let value: Arc<str> = reader.text(node)?.into();
    if value.contains('*') {
        let hint = "a name stands for itself here; `*` is no wildcard";
        reader.error_with(node.spot, format!("`{value}` is not the name of one thing"), hint);
        return None;
    }
    Some(Written { value, place: reader.place(node.spot) })
}

/// Reads a list of at least one name, each once.
pub(super) fn list(reader: &mut Reader, node: &Node, what: &str) -> Option<Vec<Written<Arc<str>>>> {
    let items = reader.full_list(node, what)?;
    Some(all(reader, items))
}

/// Reads names, each once.
pub(super) fn all(reader: &mut Reader, items: &[Node]) -> Vec<Written<Arc<str>>> {
    let mut once = Once::default();
    let mut names = Vec::new();
    for item in items {
        if let Some(name) = one(reader, item) {
            once.check(reader, &name.value, item.spot);
            names.push(name);
        }
    }
    names
}
