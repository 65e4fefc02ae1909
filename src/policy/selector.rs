//! What can be said of selectors without looking at a user.

use std::borrow::Cow;

use crate::policy::{Attribute, Selector, Test};

impl Selector {
    /// Calls `visit` for every test in the selector, in the order in which they were written.
    pub fn for_each_test<'a>(&'a self, visit: &mut impl FnMut(&'a Test)) {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::None(inner) => {
                for selector in inner {
                    selector.for_each_test(visit);
                }
            }
            Self::Test(test) => visit(&test.value),
        }
    }

    /// Whether the selector names nobody and only says whom it does not mean, so that it would select
    /// everybody else.
    pub fn only_excludes(&self) -> bool {
        match self {
            Self::None(_) => true,
            Self::All(parts) => parts.iter().all(Self::only_excludes),
            Self::Any(parts) => parts.iter().any(Self::only_excludes),
            Self::Test(_) => false,
        }
    }

    /// Whether a test anywhere in the selector asks for the user type, so that guests are meant.
    pub fn names_user_type(&self) -> bool {
        let mut named = false;
        self.for_each_test(&mut |test| named |= matches!(test, Test::UserType(_)));
        named
    }
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
}
