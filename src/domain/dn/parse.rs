//! Reads a distinguished name and writes its canonical form.
//!
//! Source: RFC 4514, sections 2 and 3; the quoted form of RFC 2253, section 4, is read too.

use std::iter::Peekable;
use std::str::CharIndices;

/// Source: Active Directory keeps a name below 256 characters per component; this is far beyond.
const LENGTH_MAX: usize = 32 * 1024;

/// Returns the canonical form: lower case, no blanks round separators, the components of a
/// multi-valued name in order and each once, and one way of escaping.
pub(super) fn canonical(text: &str) -> Result<String, String> {
    if text.len() > LENGTH_MAX {
        return Err(format!("it is longer than {LENGTH_MAX} bytes"));
    }
    let mut reader = Reader { text, rest: text.char_indices().peekable() };
    let mut canonical = String::with_capacity(text.len());
    loop {
        let (component, last) = reader.component()?;
        canonical.push_str(&component);
        if last {
            return Ok(canonical);
        }
        canonical.push(',');
    }
}

/// What ended a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Part,
    Component,
    Name,
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    /// Reads what stands between two commas: one `type=value`, or several joined by `+`.
    /// Says whether it was the last.
    fn component(&mut self) -> Result<(String, bool), String> {
        let mut parts = Vec::new();
        loop {
            let attribute = self.attribute()?;
            let (value, end) = self.value(&attribute)?;
            parts.push(format!("{attribute}={value}"));
            if end != End::Part {
                parts.sort_unstable();
                parts.dedup();
                return Ok((parts.join("+"), end == End::Name));
            }
        }
    }

    fn attribute(&mut self) -> Result<String, String> {
        self.skip_blanks();
        let start = self.position();
        loop {
            match self.rest.next() {
                Some((end, '=')) => return attribute_type(self.text[start..end].trim_end()),
                Some((end, ',' | '+')) => return Err(no_equals(&self.text[start..end])),
                Some(_) => {}
                None if self.text.trim().is_empty() => return Err("it is empty".to_owned()),
                None => return Err(no_equals(&self.text[start..])),
            }
        }
    }

    fn value(&mut self, attribute: &str) -> Result<(String, End), String> {
        self.skip_blanks();
        let value = match self.rest.peek() {
            Some((_, '#')) => self.hexadecimal()?,
            Some((_, '"')) => self.quoted()?,
            Some(_) | None => self.plain()?,
        };
        self.skip_blanks();
        let end = match self.rest.next() {
            None => End::Name,
            Some((_, ',')) => End::Component,
            Some((_, '+')) => End::Part,
            Some((_, other)) => return Err(format!("`{other}` must be escaped as `\\{other}`")),
        };
        if value.is_empty() {
            return Err(format!("`{attribute}` has no value"));
        }
        Ok((value, end))
    }

    /// Reads up to the next bare separator. Blanks at the end do not count unless escaped.
    fn plain(&mut self) -> Result<String, String> {
        let mut value = Vec::new();
        let mut solid = 0;
        while let Some(&(_, next)) = self.rest.peek() {
            match next {
                ',' | '+' | ';' | '"' => break,
                '\0' => return Err("a null character must be escaped as `\\00`".to_owned()),
                '\\' => {
                    self.rest.next();
                    self.escape(&mut value)?;
                    solid = value.len();
                }
                blank @ (' ' | '\t') => {
                    self.rest.next();
                    push(&mut value, blank);
                }
                other => {
                    self.rest.next();
                    push(&mut value, other);
                    solid = value.len();
                }
            }
        }
        value.truncate(solid);
        fold(value)
    }

    fn quoted(&mut self) -> Result<String, String> {
        self.rest.next();
        let mut value = Vec::new();
        loop {
            match self.rest.next() {
                None => return Err("a quotation mark is not closed".to_owned()),
                Some((_, '"')) => return fold(value),
                Some((_, '\\')) => self.escape(&mut value)?,
                Some((_, other)) => push(&mut value, other),
            }
        }
    }

    /// Reads what follows a backslash: a character that stands for itself, or two hexadecimal
    /// digits that stand for one byte of UTF-8.
    fn escape(&mut self, value: &mut Vec<u8>) -> Result<(), String> {
        let Some((_, first)) = self.rest.next() else {
            return Err("it ends in a bare backslash".to_owned());
        };
        if let ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' = first {
            push(value, first);
            return Ok(());
        }
        let second = self.rest.next().map(|(_, second)| second);
        let digits = first.to_digit(16).zip(second.and_then(|second| second.to_digit(16)));
        let byte = digits.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        value.push(byte.ok_or_else(|| {
            format!("`\\{first}` is not an escape; a backslash itself is `\\\\`")
        })?);
        Ok(())
    }

    /// Reads a value given as `#` and the hexadecimal digits of its BER encoding.
    fn hexadecimal(&mut self) -> Result<String, String> {
        self.rest.next();
        let mut value = "#".to_owned();
        while let Some((_, digit)) = self.rest.next_if(|(_, next)| next.is_ascii_hexdigit()) {
            value.push(digit.to_ascii_lowercase());
        }
        if value.len() < 3 || value.len().is_multiple_of(2) {
            return Err(
                "`#` wants an even number of hexadecimal digits; a `#` itself is `\\#`".to_owned()
            );
        }
        Ok(value)
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|(_, next)| matches!(next, ' ' | '\t')).is_some() {}
    }

    fn position(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(position, _)| *position)
    }
}

fn no_equals(part: &str) -> String {
    match part.trim() {
        "" => "a component is empty".to_owned(),
        part => format!("`{part}` has no `=`; a comma inside a value is `\\,`"),
    }
}

/// Checks an attribute type: a short name such as `OU`, or a dotted number.
fn attribute_type(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let name = lower.strip_prefix("oid.").unwrap_or(&lower);
    let mut bytes = name.bytes();
    let fits = match bytes.next() {
        Some(first) if first.is_ascii_alphabetic() => {
            bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }
        Some(first) if first.is_ascii_digit() => name
            .split('.')
            .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())),
        Some(_) | None => false,
    };
    if fits { Ok(name.to_owned()) } else { Err(format!("`{text}` is not an attribute type")) }
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Folds the case of a value and escapes what would read as structure, always the same way.
fn fold(value: Vec<u8>) -> Result<String, String> {
    let value =
        String::from_utf8(value).map_err(|_| "its escapes are not valid UTF-8".to_owned())?;
    let blanks_before = value.len() - value.trim_start_matches(' ').len();
    let blanks_after = value.trim_end_matches(' ').len();
    let mut folded = String::with_capacity(value.len());
    for (position, character) in value.char_indices() {
        let at_the_edge = position < blanks_before || position >= blanks_after;
        match character {
            ',' | '+' | '=' | '\\' | '"' | ';' | '\0' | '\t' => escape_into(&mut folded, character),
            ' ' if at_the_edge => escape_into(&mut folded, character),
            '#' if position == 0 => escape_into(&mut folded, character),
            // Both are the lower case of the same capital.
            'ς' => folded.push('σ'),
            other => folded.extend(other.to_lowercase()),
        }
    }
    Ok(folded)
}

fn escape_into(folded: &mut String, character: char) {
    let digit = |value: u32| char::from_digit(value, 16).expect("four bits are one digit");
    folded.push('\\');
    folded.push(digit(u32::from(character) >> 4));
    folded.push(digit(u32::from(character) & 0xf));
}
