//! Reads lists of users from CSV: a column `ObjectId` or `UserPrincipalName`, whatever stands beside.

use std::sync::Arc;

/// A text that is not a list of users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAUserList {
    /// No column says who.
    #[error("the first line names no column `ObjectId` or `UserPrincipalName`")]
    NoColumn,
    /// A quote is opened and not closed.
    #[error("line {line}: a quote is opened and not closed")]
    OpenQuote {
        /// The line, from 1.
        line: u32,
    },
}

/// Returns who is listed, each with their line from 1. Rows that say nobody are passed over. The
/// object id is taken where both columns are there, since names change.
pub(crate) fn rows(text: &str) -> Result<Vec<(u32, Arc<str>)>, NotAUserList> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines());
    let (line, head) = lines.next().ok_or(NotAUserList::NoColumn)?;
    let separator = if head.contains(';') { ';' } else { ',' };
    let columns = fields(head, separator).ok_or(NotAUserList::OpenQuote { line })?;
    let called =
        |name: &str| columns.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
    let column =
        called("ObjectId").or_else(|| called("UserPrincipalName")).ok_or(NotAUserList::NoColumn)?;
    let mut rows = Vec::new();
    for (line, row) in lines {
        let fields = fields(row, separator).ok_or(NotAUserList::OpenQuote { line })?;
        let who = fields.get(column).map(|field| field.trim()).unwrap_or_default();
        if !who.is_empty() {
            rows.push((line, who.into()));
        }
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
        assert_eq!(read("userPrincipalName,objectId\na@b.c,1\nd@e.f,\n"), "2:1");
        assert_eq!(read("Name,UserPrincipalName\n\"the \"\"one\"\", A\", a@b.c \n"), "2:a@b.c");
    }

    #[test]
    fn what_is_no_list_of_users_is_told() {
        let no_column = "the first line names no column `ObjectId` or `UserPrincipalName`";
        assert_eq!(read(""), no_column);
        assert_eq!(read("name\na@b.c"), no_column);
        let open = "line 2: a quote is opened and not closed";
        assert_eq!(read("UserPrincipalName\n\"a@b.c"), open);
    }
}
