//! What can be said of selectors without looking at a user.

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

    /// Whether a test anywhere in the selector asks for the user type, so that guests are meant.
    pub fn names_user_type(&self) -> bool {
        let mut named = false;
        self.for_each_test(&mut |test| named |= matches!(test, Test::UserType(_)));
        named
    }
}

const ATTRIBUTES: [(&str, Attribute); 7] = [
    ("department", Attribute::Department),
    ("job_title", Attribute::JobTitle),
    ("company", Attribute::Company),
    ("country", Attribute::Country),
    ("office", Attribute::Office),
    ("employee_type", Attribute::EmployeeType),
    ("usage_location", Attribute::UsageLocation),
];

const EXTENSION: &str = "extension_attribute";

impl Attribute {
    /// Returns the attribute that policies call by this key.
    pub fn named(key: &str) -> Option<Self> {
        if let Some(number) = key.strip_prefix(EXTENSION) {
            let number: u8 = number.parse().ok().filter(|n| (1..=15).contains(n))?;
            return (key == Self::Extension(number).key()).then_some(Self::Extension(number));
        }
        ATTRIBUTES.iter().find(|(name, _)| *name == key).map(|(_, attribute)| *attribute)
    }

    /// Returns the key by which policies call it.
    pub fn key(self) -> String {
        let named = |attribute| {
            let (key, _) = ATTRIBUTES.iter().find(|(_, other)| *other == attribute)?;
            Some((*key).to_owned())
        };
        match self {
            Self::Extension(number) => format!("{EXTENSION}{number}"),
            Self::Department
            | Self::JobTitle
            | Self::Company
            | Self::Country
            | Self::Office
            | Self::EmployeeType
            | Self::UsageLocation => named(self).expect("every attribute has a key in the table"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_has_a_key() {
        let extensions = (1..=15).map(Attribute::Extension);
        for attribute in ATTRIBUTES.into_iter().map(|(_, attribute)| attribute).chain(extensions) {
            assert_eq!(Attribute::named(&attribute.key()), Some(attribute));
        }
        for wrong in ["extension_attribute0", "extension_attribute16", "extension_attribute01"] {
            assert_eq!(Attribute::named(wrong), None, "{wrong}");
        }
    }
}
