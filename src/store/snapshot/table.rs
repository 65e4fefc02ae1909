//! Values that are kept once, however often they occur: a tenant has a hundred thousand users and a
//! few dozen domains and sets of service plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a value stands in a table.
pub(in crate::store) type Index = u32;

/// Values in the order in which they first occurred.
#[derive(Debug)]
pub(in crate::store) struct Interner<T> {
    values: Vec<T>,
    known: BTreeMap<T, Index>,
}

impl<T: Clone + Ord> Interner<T> {
    /// Begins with nothing.
    pub(in crate::store) fn new() -> Self {
        Self { values: Vec::new(), known: BTreeMap::new() }
    }

    /// Returns where a value stands, put there where it is new.
    pub(in crate::store) fn index(&mut self, value: &T) -> Index {
        if let Some(index) = self.known.get(value) {
            return *index;
        }
        let index = Index::try_from(self.values.len()).expect("memory ends before 2^32 values do");
        self.values.push(value.clone());
        self.known.insert(value.clone(), index);
        index
    }

    /// Returns all values.
    pub(in crate::store) fn into_table(self) -> Table<T> {
        Table(self.values)
    }
}

/// Values by their index.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct Table<T>(Vec<T>);

impl<T> Table<T> {
    /// Returns the value that stands there.
    pub(in crate::store) fn get(&self, index: Index) -> Result<&T, String> {
        let value = usize::try_from(index).ok().and_then(|index| self.0.get(index));
        value.ok_or_else(|| format!("it has no value number {index}"))
    }

    /// Returns the values as something else, at the same indices.
    pub(in crate::store) fn try_map<U>(
        self,
        map: impl FnMut(T) -> Result<U, String>,
    ) -> Result<Table<U>, String> {
        self.0.into_iter().map(map).collect::<Result<_, _>>().map(Table)
    }
}
