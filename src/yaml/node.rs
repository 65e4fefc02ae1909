//! The tree: nodes and where they stand.

/// Where something stands within its file. Lines and columns count from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The length in characters; may be 0 where nothing was written.
    pub length: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it begins. The length of a block is that of its first key or dash.
    pub spot: Spot,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, not yet taken for anything else.
    Scalar {
        /// The text, without its quotation marks.
        text: Box<str>,
        /// Whether it was written without quotation marks. Empty and plain means: nothing there.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values, in the order in which they were written; each key once.
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Box<str>,
    /// Where the key stands.
    pub key_spot: Spot,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Returns the words for what it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { text, plain: true } if is_nothing(text) => "nothing",
            Kind::Scalar { text: _, plain: _ } => "a single value",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }

    /// Whether nothing was written, or YAML's words for it.
    pub fn is_nothing(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, plain } => *plain && is_nothing(text),
            Kind::Sequence(_) | Kind::Mapping(_) => false,
        }
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Counts of characters fit: no file is that long.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
