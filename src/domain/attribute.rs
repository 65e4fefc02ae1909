//! Attributes of users that policies can ask for, each known, absent or unknown.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::known::Known;

/// An attribute that policies can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// `department`.
    Department,
    /// `jobTitle`.
    JobTitle,
    /// `companyName`.
    Company,
    /// `country`.
    Country,
    /// `officeLocation`.
    Office,
    /// `employeeType`.
    EmployeeType,
    /// `usageLocation`.
    UsageLocation,
    /// `onPremisesExtensionAttributes.extensionAttributeN`, with N from 1 to 15.
    Extension(u8),
}

/// The attributes that have a key of their own.
const NAMED: [Attribute; 7] = [
    Attribute::Department,
    Attribute::JobTitle,
    Attribute::Company,
    Attribute::Country,
    Attribute::Office,
    Attribute::EmployeeType,
    Attribute::UsageLocation,
];

const EXTENSION: &str = "extension_attribute";

impl Attribute {
    /// Returns the attribute that policies call by this key.
    pub fn named(key: &str) -> Option<Self> {
        let number = key.strip_prefix(EXTENSION).and_then(|number| number.parse().ok());
        let extension = number.filter(|number| (1..=15).contains(number)).map(Self::Extension);
        NAMED.into_iter().chain(extension).find(|attribute| attribute.key() == key)
    }

    /// Returns all attributes but the usage location, which every user has a field for.
    pub fn all() -> impl Iterator<Item = Self> {
        let named = NAMED.into_iter().filter(|attribute| *attribute != Self::UsageLocation);
        named.chain((1..=15).map(Self::Extension))
    }

    fn bit(self) -> u32 {
        let place = match self {
            Self::Department => 0,
            Self::JobTitle => 1,
            Self::Company => 2,
            Self::Country => 3,
            Self::Office => 4,
            Self::EmployeeType => 5,
            Self::UsageLocation => 6,
            Self::Extension(number) => 6 + u32::from(number),
        };
        1 << place.min(31)
    }

    /// Returns the key by which policies call it.
    pub fn key(self) -> Cow<'static, str> {
        match self {
            Self::Department => "department".into(),
            Self::JobTitle => "job_title".into(),
            Self::Company => "company".into(),
            Self::Country => "country".into(),
            Self::Office => "office".into(),
            Self::EmployeeType => "employee_type".into(),
            Self::UsageLocation => "usage_location".into(),
            Self::Extension(number) => format!("{EXTENSION}{number}").into(),
        }
    }
}

/// The attributes of one user, but the usage location, which stands by itself. What was never told is
/// unknown.
///
/// A user has few of them and there are many users, so only what has a value takes room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes {
    /// In the order of attributes, each once.
    values: Box<[(Attribute, Arc<str>)]>,
    /// A bit for every attribute that was told, with a value or without.
    told: u32,
}

impl Attributes {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self { values: Box::default(), told: 0 }
    }

    /// Every attribute was told, and the user has none.
    pub fn none() -> Self {
        Attribute::all().map(|attribute| (attribute, Known::Known(None))).collect()
    }

    /// Returns an attribute: unknown, known to be absent, or its value.
    pub fn get(&self, attribute: Attribute) -> Known<Option<&Arc<str>>> {
        if self.told & attribute.bit() == 0 {
            return Known::Unknown;
        }
        let found = self.values.binary_search_by_key(&attribute, |(of, _)| *of);
        Known::Known(found.ok().map(|at| &self.values[at].1))
    }

    /// Returns the attributes that have a value, in order.
    pub fn values(&self) -> impl Iterator<Item = (Attribute, &Arc<str>)> {
        self.values.iter().map(|(attribute, value)| (*attribute, value))
    }
}

impl FromIterator<(Attribute, Known<Option<Arc<str>>>)> for Attributes {
    /// Collects what was told. What is not mentioned is unknown; of two values the later counts.
    fn from_iter<I: IntoIterator<Item = (Attribute, Known<Option<Arc<str>>>)>>(all: I) -> Self {
        let mut values: Vec<(Attribute, Arc<str>)> = Vec::new();
        let mut told = 0;
        for (attribute, value) in all {
            values.retain(|(of, _)| *of != attribute);
            match value {
                Known::Unknown => told &= !attribute.bit(),
                Known::Known(value) => {
                    told |= attribute.bit();
                    values.extend(value.map(|value| (attribute, value)));
                }
            }
        }
        values.sort();
        Self { values: values.into_boxed_slice(), told }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_has_a_key() {
        let extensions = (1..=15).map(Attribute::Extension);
        for attribute in NAMED.into_iter().chain(extensions) {
            assert_eq!(Attribute::named(&attribute.key()), Some(attribute));
        }
        for wrong in ["extension_attribute0", "extension_attribute16", "extension_attribute01"] {
            assert_eq!(Attribute::named(wrong), None, "{wrong}");
        }
    }
    #[test]
    fn what_was_not_told_is_unknown_and_not_absent() {
        let told = [
            (Attribute::Country, Known::Known(Some("DE".into()))),
            (Attribute::Extension(15), Known::Known(None)),
            (Attribute::Office, Known::Unknown),
        ];
        let attributes: Attributes = told.into_iter().collect();
        let value =
            |attribute| attributes.get(attribute).map(|value| value.map(ToString::to_string));
        assert_eq!(value(Attribute::Country), Known::Known(Some("DE".to_owned())));
        assert_eq!(value(Attribute::Extension(15)), Known::Known(None));
        assert_eq!(value(Attribute::Extension(1)), Known::Unknown);
        assert_eq!(value(Attribute::Office), Known::Unknown);
        assert_eq!(Attributes::none().get(Attribute::Department), Known::Known(None));
        assert_eq!(Attributes::unknown().get(Attribute::Department), Known::Unknown);
    }
}
