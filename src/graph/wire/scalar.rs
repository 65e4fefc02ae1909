//! Values as they come: sent or not, null, of the type that was expected or of another.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::known::Known;

/// A property that should be a text, a number or a flag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::graph) enum Scalar {
    /// It was not sent.
    #[default]
    Absent,
    /// It was sent as null.
    Null,
    /// A flag.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Something that no property of this kind holds.
    Odd,
}

impl Scalar {
    /// Returns the text; `None` where it was sent as null.
    pub(in crate::graph) fn text(self) -> Known<Option<String>> {
        match self {
            Self::Null => Known::Known(None),
            Self::Text(text) => Known::Known(Some(text)),
            Self::Absent | Self::Flag(_) | Self::Number(_) | Self::Odd => Known::Unknown,
        }
    }

    /// Returns the flag, also where it came as text; `None` where it was sent as null.
    pub(in crate::graph) fn flag(&self) -> Known<Option<bool>> {
        match self {
            Self::Null => Known::Known(None),
            Self::Flag(flag) => Known::Known(Some(*flag)),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Known::Known(Some(true)),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Known::Known(Some(false)),
            Self::Absent | Self::Number(_) | Self::Text(_) | Self::Odd => Known::Unknown,
        }
    }

    /// Returns a count, also where it came as text; below zero reads as zero.
    pub(in crate::graph) fn count(&self) -> Option<u32> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Absent | Self::Null | Self::Flag(_) | Self::Odd => return None,
        };
        Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
    }

    /// Returns the id, where it is one.
    pub(in crate::graph) fn id<T: FromStr>(&self) -> Option<T> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Absent | Self::Null | Self::Flag(_) | Self::Number(_) | Self::Odd => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Odd)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Scalar, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Odd)
    }
}

/// A JSON object, and nothing else: serde reads a struct from an array too, by position, so that
/// `[[]]` would pass for a page without rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::graph) struct Object<T>(pub(in crate::graph) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Object)
    }
}

/// A property that should be a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::graph) enum List<T> {
    /// It was sent.
    Sent(Vec<T>),
    /// It was not sent, or as null.
    #[default]
    Unsent,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<List<T>, E> {
        Ok(List::Unsent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = elements.next_element()? {
            items.push(item);
        }
        Ok(List::Sent(items))
    }
}

/// Returns the ids of a list, without nulls; none where one of them is no id or there is no list.
///
/// Source: Graph lists of GUIDs have been seen with nulls in them.
pub(in crate::graph) fn ids<T: FromStr>(list: List<Scalar>) -> Option<Vec<T>> {
    match list {
        List::Sent(items) => {
            items.iter().filter(|item| **item != Scalar::Null).map(Scalar::id).collect()
        }
        List::Unsent => None,
    }
}
