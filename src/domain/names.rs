//! Names that people write: of tenants, policies, and the places in files where they wrote them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A text that is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name: 1 to 64 of a-z, 0-9 and `-`, beginning with a letter or digit")]
pub struct InvalidName {
    /// The text as it was given.
    pub text: String,
}

fn parse_name(text: &str) -> Result<Arc<str>, InvalidName> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > 64 || text.starts_with('-') || !text.bytes().all(fits) {
        return Err(InvalidName { text: text.to_owned() });
    }
    Ok(text.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                parse_name(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name! {
    /// What the configuration calls one Entra directory; also a file name in the state directory.
    TenantName
}
name! {
    /// The identity of a policy, which the ledger keeps.
    PolicyName
}

/// Where something stands in a file. Lines and columns count from 1; columns count characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the directory that was read (or as it was named).
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// Returns `file:line`, the form that plans and history carry.
    pub fn file_and_line(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A two-letter country code (ISO 3166-1 alpha-2), in upper case. `NO` is Norway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageLocation([u8; 2]);

/// A text that is not two letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a two-letter country code (ISO 3166-1 alpha-2)")]
pub struct InvalidUsageLocation {
    /// The text as it was given.
    pub text: String,
}

impl UsageLocation {
    /// Returns the two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("both bytes are ASCII letters")
    }
}

impl FromStr for UsageLocation {
    type Err = InvalidUsageLocation;

    fn from_str(text: &str) -> Result<Self, InvalidUsageLocation> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok(Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]))
            }
            _ => Err(InvalidUsageLocation { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for UsageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UsageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_letters_digits_and_hyphens() {
        assert!("engineering-e5".parse::<PolicyName>().is_ok());
        for wrong in ["", "Engineering", "a b", "-a", "a/b", "ä", &"a".repeat(65)] {
            assert!(wrong.parse::<PolicyName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_is_norway() {
        assert_eq!("no".parse::<UsageLocation>().unwrap().to_string(), "NO");
        assert!("Norway".parse::<UsageLocation>().is_err());
        assert!("D1".parse::<UsageLocation>().is_err());
    }
}
