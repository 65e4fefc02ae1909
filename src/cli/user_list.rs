//! Reads lists of users from CSV: a column `ObjectId` or `UserPrincipalName`, whatever stands beside.

use std::path::Path;
use std::sync::Arc;

use crate::cli::exit::{Exit, Failure};
use crate::source::{file_hint, read_file};

/// More than any tenant takes: a million rows.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Who is listed, and in which line, from 1.
pub(crate) type Row = (u32, Arc<str>);

/// A text that is not a list of users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAUserList {
    /// No column says who.
    #[error("the first line names no column `ObjectId` or `UserPrincipalName`")]
    NoColumn,
    /// It is no text, or text in another encoding.
    #[error("it holds NUL characters")]
    Nul,
    /// Nobody is on it.
    #[error("it lists nobody")]
    Nobody,
    /// A row ends before the column that says who.
    #[error("line {line}: the row has fewer columns than the first line")]
    Short {
        /// The line, from 1.
        line: u32,
    },
    /// A quote is opened and not closed.
    #[error("line {line}: a quote is opened and not closed")]
    OpenQuote {
        /// The line, from 1.
        line: u32,
    },
}

/// Reads a list from a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Row>, Failure> {
    const ENCODING: &str = "save the file as CSV in UTF-8";
    let failed = |error: anyhow::Error| {
        let context = format!("cannot read the list of users `{}`", path.display());
        Failure::new(Exit::Usage, error.context(context))
    };
    let bytes = read_file(path, BYTES_MAX).map_err(|error| {
        let hint = file_hint(&error);
        failed(error.into()).hint(hint)
    })?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(failed(anyhow::anyhow!("the list is UTF-16")).hint(ENCODING));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| failed(error.utf8_error().into()).hint(ENCODING))?;
    rows(&text).map_err(|error| {
        let hint = match error {
            NotAUserList::Nul => ENCODING,
            NotAUserList::NoColumn => "it begins with a line such as `UserPrincipalName`",
            NotAUserList::Nobody => "each line below the first names a user",
            NotAUserList::Short { line: _ } => "fill it up, or delete the row",
            NotAUserList::OpenQuote { line: _ } => "close it, or write two quotes for one",
        };
        failed(error.into()).hint(hint)
    })
}

/// Returns who is listed, each with their line from 1. Rows that say nobody are passed over. The
/// object id is taken where a row has both, since names change.
pub(crate) fn rows(text: &str) -> Result<Vec<Row>, NotAUserList> {
    if text.contains('\0') {
        return Err(NotAUserList::Nul);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines());
    let (line, head) = lines.next().ok_or(NotAUserList::NoColumn)?;
    let separator = if head.contains(';') { ';' } else { ',' };
    let columns = fields(head, separator).ok_or(NotAUserList::OpenQuote { line })?;
    let called =
        |name: &str| columns.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
    let columns: Vec<usize> =
        ["ObjectId", "UserPrincipalName"].into_iter().filter_map(called).collect();
    if columns.is_empty() {
        return Err(NotAUserList::NoColumn);
    }
    let mut rows = Vec::new();
    for (line, row) in lines {
        let fields = fields(row, separator).ok_or(NotAUserList::OpenQuote { line })?;
        let blank = fields.iter().all(|field| field.trim().is_empty());
        if !blank && columns.iter().any(|column| *column >= fields.len()) {
            return Err(NotAUserList::Short { line });
        }
        let cells = columns.iter().filter_map(|column| fields.get(*column));
        let who = cells.map(|cell| cell.trim()).find(|who| !who.is_empty());
        rows.extend(who.map(|who| (line, who.into())));
    }
    if rows.is_empty() {
        return Err(NotAUserList::Nobody);
    }
    Ok(rows)
}

/// Splits a line; none where a quote is left open.
fn fields(line: &str, separator: char) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut().expect("there is always a field");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                field.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match rows(text) {
            Ok(rows) => {
                rows.iter().map(|(line, who)| format!("{line}:{who}")).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_column_is_found_by_its_name_in_any_case_with_either_separator() {
        assert_eq!(read("UserPrincipalName\na@b.c\n\nd@e.f\n"), "2:a@b.c 4:d@e.f");
        assert_eq!(read("\u{feff}Name;\"USERPRINCIPALNAME\"\r\n\"A; B\";a@b.c\r\n"), "2:a@b.c");
        assert_eq!(read("userPrincipalName,objectId\na@b.c,1\nd@e.f,\n"), "2:1 3:d@e.f");
        assert_eq!(read("Name,UserPrincipalName\n\"the \"\"one\"\", A\", a@b.c \n"), "2:a@b.c");
    }

    #[test]
    fn what_is_no_list_of_users_is_told() {
        let no_column = "the first line names no column `ObjectId` or `UserPrincipalName`";
        assert_eq!(read(""), no_column);
        assert_eq!(read("name\na@b.c"), no_column);
        assert_eq!(read("U\0s\0e\0r\0"), "it holds NUL characters");
        assert_eq!(read("UserPrincipalName,x\n,y\n"), "it lists nobody");
        let short = "line 3: the row has fewer columns than the first line";
        assert_eq!(read("Name,UserPrincipalName\n\nben@b.c\n"), short);
        let open = "line 2: a quote is opened and not closed";
        assert_eq!(read("UserPrincipalName\n\"a@b.c"), open);
    }
}
