//! From values to text that reads back as the same values, laid out as a person would.
//!
//! What only looks like something else (`NO`, `y`, `0123`) is put in quotation marks: this program
//! takes scalars for text anyway, other readers of the file do not.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

/// The columns that a line may have where it can be broken.
const WIDTH: usize = 100;

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, whatever it looks like.
    Text(Arc<str>),
    /// A word that means itself and needs no quotation marks: a number, a date, `true`.
    Word(Cow<'static, str>),
    /// A list.
    List(Vec<Value>),
    /// Keys that need no quotation marks, and their values, in this order; at least one.
    Mapping(Vec<(Cow<'static, str>, Value)>),
}

impl Value {
    /// Takes a text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// Takes something that prints as a word.
    pub fn word(word: &impl ToString) -> Self {
        Self::Word(word.to_string().into())
    }
}

/// Writes the items of a list, each with its dash, this many columns from the left.
pub fn items(items: &[Value], indent: usize) -> String {
    let mut out = String::new();
    for item in items {
        write_item(item, indent, &mut out);
    }
    out
}

fn pad(columns: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', columns));
}

fn write_item(item: &Value, indent: usize, out: &mut String) {
    pad(indent, out);
    match item {
        Value::Mapping(entries) => {
            out.push_str("- ");
            write_entries(entries, indent + 2, out);
        }
        Value::List(inner) => {
            out.push('-');
            write_list(inner, indent, out);
        }
        Value::Text(_) | Value::Word(_) => {
            out.push('-');
            write_scalar(item, indent, out);
        }
    }
}

/// Writes the entries of a mapping, the first where the line stands.
fn write_entries(entries: &[(Cow<'static, str>, Value)], indent: usize, out: &mut String) {
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            pad(indent, out);
        }
        out.push_str(key);
        out.push(':');
        match value {
            Value::Mapping(inner) => {
                out.push('\n');
                pad(indent + 2, out);
                write_entries(inner, indent + 2, out);
            }
            Value::List(inner) => write_list(inner, indent, out),
            Value::Text(_) | Value::Word(_) => write_scalar(value, indent, out),
        }
    }
}

/// Writes a list behind its key or dash: on the same line where it is short and holds nothing else,
/// and below it where not.
fn write_list(list: &[Value], indent: usize, out: &mut String) {
    if let Some(short) = on_one_line(list) {
        let used = out.rsplit('\n').next().unwrap_or_default().chars().count();
        if list.is_empty() || used + 1 + short.chars().count() <= WIDTH {
            out.push(' ');
            out.push_str(&short);
            out.push('\n');
            return;
        }
    }
    out.push('\n');
    for item in list {
        write_item(item, indent + 2, out);
    }
}

fn on_one_line(list: &[Value]) -> Option<String> {
    let scalars: Option<Vec<Cow<'_, str>>> = list
        .iter()
        .map(|item| match item {
            Value::Text(text) => Some(scalar(text, Where::InBrackets)),
            Value::Word(word) => Some(Cow::Borrowed(&**word)),
            Value::List(_) | Value::Mapping(_) => None,
        })
        .collect();
    scalars.map(|scalars| format!("[{}]", scalars.join(", ")))
}

fn write_scalar(value: &Value, indent: usize, out: &mut String) {
    out.push(' ');
    match value {
        Value::Text(text) => match block(text) {
            Some((header, lines)) => {
                out.push_str(header);
                for line in lines {
                    out.push('\n');
                    // A line with nothing on it stays without blanks.
                    if !line.is_empty() {
                        pad(indent + 2, out);
                        out.push_str(line);
                    }
                }
            }
            None => out.push_str(&scalar(text, Where::OnItsOwn)),
        },
        Value::Word(word) => out.push_str(word),
        Value::List(_) | Value::Mapping(_) => {}
    }
    out.push('\n');
}

/// Returns how several lines of text are written as they are, where they can be.
fn block(text: &str) -> Option<(&'static str, Vec<&str>)> {
    let (header, text) = match text.strip_suffix('\n') {
        Some(text) => ("|", text),
        None => ("|-", text),
    };
    if !text.contains('\n') || text.ends_with('\n') {
        return None;
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let is_plain = |line: &&str| {
        !line.starts_with([' ', '\t'])
            && !line.ends_with([' ', '\t'])
            && !line.chars().any(needs_escape)
    };
    let begins = lines.first().is_some_and(|line| !line.is_empty());
    (begins && lines.iter().all(is_plain)).then_some((header, lines))
}

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    OnItsOwn,
    /// Where commas and brackets mean something.
    InBrackets,
}

fn scalar(text: &str, at: Where) -> Cow<'_, str> {
    if is_plain(text, at) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
}

/// Whether a text means itself without quotation marks, to every reader of YAML.
fn is_plain(text: &str, at: Where) -> bool {
    let begins = text.chars().next().is_some_and(char::is_alphabetic) || is_guid(text);
    let fits = |letter: char| {
        letter.is_alphanumeric()
            || matches!(
                letter,
                ' ' | '_' | '-' | '.' | '@' | '/' | '+' | '=' | '\'' | '(' | ')' | '&'
            )
            || (letter == ',' || letter == '\\') && at == Where::OnItsOwn
    };
    begins && !text.ends_with(' ') && text.chars().all(fits) && !is_word_of_yaml(text)
}

/// Such an id may begin with a digit, and is no number to anybody.
fn is_guid(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
    text.len() == 36 && text.split('-').count() == 5 && text.split('-').all(is_part)
}

/// Source: YAML 1.1, types bool and null; of 1.2 only the longer half of them is left.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "yes", "n", "no", "true", "false", "on", "off", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if needs_escape(letter) => {
                let code = u32::from(letter);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// Whether a character cannot stand in a file for itself: it cannot be seen, ends a line for some
/// readers, changes the direction of what follows, or is none.
///
/// Source: YAML 1.2.2, 5.1 (printable characters) and 5.4 (line breaks of 1.1); Unicode, bidirectional
/// formatting characters.
fn needs_escape(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{a0}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
        || u32::from(letter) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests;
