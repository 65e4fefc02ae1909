//! Identifiers as Entra hands them out: GUIDs, compared without regard to case, printed in lower case.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not a GUID in its hyphenated form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a GUID")]
pub struct InvalidId {
    /// The text as it was given.
    pub text: String,
}

/// Reads the hyphenated form alone (36 characters), so that a name never passes for an id by chance.
fn parse_guid(text: &str) -> Result<Uuid, InvalidId> {
    let invalid = || InvalidId { text: text.to_owned() };
    if text.len() != 36 {
        return Err(invalid());
    }
    Uuid::try_parse(text).map_err(|_| invalid())
}

macro_rules! guid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a GUID that is already known to name such an object.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// Returns the GUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_guid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

guid! {
    /// The object id of a user: immutable, unlike the principal name.
    UserId
}
guid! {
    /// The object id of a group.
    GroupId
}
guid! {
    /// The id of a product that a tenant subscribes to (`skuId`).
    SkuId
}
guid! {
    /// The id of a part of a SKU that can be switched off (`servicePlanId`).
    ServicePlanId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_compare_without_regard_to_case() {
        let lower: SkuId = "06ebc4ee-1bb5-47dd-8120-11324bc54e06".parse().unwrap();
        let upper: SkuId = "06EBC4EE-1BB5-47DD-8120-11324BC54E06".parse().unwrap();
        assert_eq!(lower, upper);
        assert_eq!(upper.to_string(), "06ebc4ee-1bb5-47dd-8120-11324bc54e06");
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        assert!("06ebc4ee1bb547dd812011324bc54e06".parse::<SkuId>().is_err());
        assert!("{06ebc4ee-1bb5-47dd-8120-11324bc54e06}".parse::<SkuId>().is_err());
        assert!("SPE_E5".parse::<SkuId>().is_err());
    }
}
