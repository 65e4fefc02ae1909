//! Distinguished names as RFC 4514 writes them.
//!
//! Names are compared, never looked up: nothing here knows which of them exist.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

mod parse;

/// A distinguished name, kept as it was written and compared as RFC 4514 says: without regard to
/// case, to blanks round `,` `=` and `+`, and to which way a character was escaped.
///
/// A tenant may have a million of them, so most keep one string: the canonical form is stored only
/// where it differs from the text by more than the case of ASCII letters.
#[derive(Clone)]
pub struct DistinguishedName {
    text: Box<str>,
    /// Lower case, no blanks round separators, and every `,` `+` `=` `\` inside a value as a
    /// hexadecimal escape, so that a bare comma always parts two components.
    canonical: Option<Box<str>>,
}

/// A text that is not a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a distinguished name: {reason}")]
pub struct InvalidDistinguishedName {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl DistinguishedName {
    /// Returns the name as it was written without the domain components at its end, for people;
    /// whole where there is nothing else.
    pub fn without_domain(&self) -> &str {
        let text = &*self.text;
        let domain = |at: usize| {
            let rest = text[at + 1..].trim_start();
            rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("dc="))
        };
        let escaped =
            |at: usize| text[..at].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        let commas = text.match_indices(',').map(|(at, _)| at);
        let first = commas.filter(|at| !escaped(*at)).find(|at| domain(*at));
        first.map_or(text, |at| text[..at].trim_end())
    }

    /// Returns the container that the object lies in, as it was written; none at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (mut quoted, mut escaped) = (false, false);
        let comma = self.text.bytes().position(|byte| {
            let parts = byte == b',' && !quoted && !escaped;
            quoted ^= byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            parts
        })?;
        self.text[comma + 1..].trim_start().parse().ok()
    }

    /// Whether the name is that of a domain, such as `DC=contoso,DC=com`, or of a part of one.
    pub fn is_domain(&self) -> bool {
        self.key().get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"dc="))
    }

    /// Whether this object lies somewhere below `container`, at any depth (not the container itself).
    pub fn is_below(&self, container: &Self) -> bool {
        self.below(container).is_some()
    }

    /// Whether this object lies directly in `container`.
    pub fn is_directly_in(&self, container: &Self) -> bool {
        self.below(container).is_some_and(|rest| !rest.contains(&b','))
    }

    /// Returns what stands before the container's name, where this object lies below it.
    fn below(&self, container: &Self) -> Option<&[u8]> {
        let (own, outer) = (self.key(), container.key());
        let comma = own.len().checked_sub(outer.len() + 1)?;
        let (before, end) = own.split_at(comma);
        (end.first() == Some(&b',') && end[1..].eq_ignore_ascii_case(outer)).then_some(before)
    }

    /// Returns the name in one spelling: the same text for two names that are equal.
    pub fn folded(&self) -> String {
        String::from_utf8(self.lower_case_key().collect()).expect("ASCII letters alone changed")
    }

    /// Returns the bytes that count, up to the case of ASCII letters.
    fn key(&self) -> &[u8] {
        self.canonical.as_deref().unwrap_or(&self.text).as_bytes()
    }

    fn lower_case_key(&self) -> impl Iterator<Item = u8> + '_ {
        self.key().iter().map(u8::to_ascii_lowercase)
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.key().eq_ignore_ascii_case(other.key())
    }
}

impl Eq for DistinguishedName {}

impl PartialOrd for DistinguishedName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DistinguishedName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower_case_key().cmp(other.lower_case_key())
    }
}

impl Hash for DistinguishedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.lower_case_key() {
            state.write_u8(byte);
        }
        state.write_u8(0xff);
    }
}

impl FromStr for DistinguishedName {
    type Err = InvalidDistinguishedName;

    fn from_str(text: &str) -> Result<Self, InvalidDistinguishedName> {
        let canonical = parse::canonical(text)
            .map_err(|reason| InvalidDistinguishedName { text: text.to_owned(), reason })?;
        let canonical = (!canonical.eq_ignore_ascii_case(text)).then(|| canonical.into_boxed_str());
        Ok(Self { text: text.into(), canonical })
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.text)
    }
}

#[cfg(test)]
mod tests;
