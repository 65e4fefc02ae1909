//! Department, country, extension attributes and the like, as a user carries them.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::attribute::{Attribute, Attributes};
use crate::domain::known::Known;
use crate::graph::wire::scalar::Scalar;

/// What was sent of `onPremisesExtensionAttributes`.
///
/// Source: Graph onPremisesExtensionAttributes, an object of fifteen texts or nulls, which is there
/// with nulls alone where a user has none. Where it is missing or null, nothing was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::graph) struct Extensions(Vec<(u8, Scalar)>);

/// Returns the attributes of a user. An empty text is as good as none.
pub(super) fn attributes<const N: usize>(
    named: [(Attribute, Scalar); N],
    extensions: Extensions,
    mut share: impl FnMut(&str) -> Arc<str>,
) -> Attributes {
    let Extensions(numbered) = extensions;
    let numbered =
        numbered.into_iter().map(|(number, value)| (Attribute::Extension(number), value));
    let mut told = |value: Scalar| -> Known<Option<Arc<str>>> {
        let text = value.text();
        text.map(|text| text.filter(|text| !text.is_empty()).map(|text| share(&text)))
    };
    named.into_iter().chain(numbered).map(|(attribute, value)| (attribute, told(value))).collect()
}

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExtensionsVisitor)
    }
}

struct ExtensionsVisitor;

impl<'de> Visitor<'de> for ExtensionsVisitor {
    type Value = Extensions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Extensions, A::Error> {
        let mut told = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            let number = key.strip_prefix("extensionAttribute").and_then(|text| text.parse().ok());
            match number.filter(|number| (1..=15).contains(number)) {
                Some(number) => told.push((number, entries.next_value()?)),
                None => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Extensions(told))
    }

    // Anything else tells nothing, and fails nothing.

    fn visit_unit<E: Error>(self) -> Result<Extensions, E> {
        Ok(Extensions::default())
    }

    fn visit_bool<E: Error>(self, _flag: bool) -> Result<Extensions, E> {
        Ok(Extensions::default())
    }

    fn visit_i64<E: Error>(self, _number: i64) -> Result<Extensions, E> {
        Ok(Extensions::default())
    }

    fn visit_u64<E: Error>(self, _number: u64) -> Result<Extensions, E> {
        Ok(Extensions::default())
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Extensions, E> {
        Ok(Extensions::default())
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Extensions, E> {
        Ok(Extensions::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Extensions, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Extensions::default())
    }
}
