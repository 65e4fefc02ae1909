//! Fits text into the width of a terminal: what is too long goes on in the next line, indented, and
//! nothing is cut off.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How much further in than its line the rest of it stands.
const HANGING: usize = 4;
/// No terminal is taken for narrower than this.
const WIDTH_MIN: usize = 30;

/// Fits a text into a width, in columns. Lines break where two blanks part columns, else where one parts
/// words; a word that is wider than a line stays whole.
pub fn fold(text: &str, width: usize) -> String {
    let width = width.max(WIDTH_MIN);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        if columns(line) <= width {
            out.push_str(line);
        } else {
            fold_line(&mut out, line, width);
        }
        out.push_str(end);
    }
    out
}

fn fold_line(out: &mut String, line: &str, width: usize) {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let hanging = (indent + HANGING).min(width / 2);
    let mut at = 0;
    for (gap, piece) in pieces(line) {
        let size = columns(piece);
        let is_first = at == 0;
        if !is_first && at + gap + size > width && hanging < at {
            out.push('\n');
            out.push_str(&" ".repeat(hanging));
            at = hanging;
            if at + size > width {
                at = words(out, piece, at, hanging, width);
                continue;
            }
        } else {
            out.push_str(&" ".repeat(gap));
            at += gap;
            if at + size > width {
                at = words(out, piece, at, hanging, width);
                continue;
            }
        }
        out.push_str(piece);
        at += size;
    }
}

/// Writes a column that is wider than the line, word by word; returns where it ends.
fn words(out: &mut String, piece: &str, mut at: usize, hanging: usize, width: usize) -> usize {
    for (number, word) in piece.split(' ').enumerate() {
        let size = columns(word);
        let gap = usize::from(number > 0);
        if number > 0 && at + gap + size > width && hanging < at {
            out.push('\n');
            out.push_str(&" ".repeat(hanging));
            at = hanging;
        } else {
            out.push_str(&" ".repeat(gap));
            at += gap;
        }
        out.push_str(word);
        at += size;
    }
    at
}

/// Splits a line at runs of two or more blanks: how many stand before each piece, and the piece.
fn pieces(line: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let text = rest.trim_start_matches(' ');
        let gap = rest.len() - text.len();
        let end = text.find("  ").unwrap_or(text.len());
        pieces.push((gap, &text[..end]));
        rest = &text[end..];
    }
    pieces
}

/// Returns how many columns a text takes, without the colours in it.
pub fn columns(text: &str) -> usize {
    if !text.contains('\u{1b}') {
        return text.width();
    }
    let (mut count, mut in_escape) = (0, false);
    for c in text.chars() {
        match (in_escape, c) {
            (false, '\u{1b}') => in_escape = true,
            (false, c) => count += c.width().unwrap_or(0),
            (true, 'm') => in_escape = false,
            (true, _) => {}
        }
    }
    count
}

/// Writes a text and as many blanks as it takes to fill so many columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::text::style::Style;

    #[test]
    fn a_long_line_goes_on_indented_where_columns_or_words_part() {
        let line = "  - SPE_E3  ! data at risk: mailbox  2 people · account disabled and OU=Leavers\nshort\n";
        assert_eq!(
            fold(line, 40),
            "  - SPE_E3  ! data at risk: mailbox\n      2 people · account disabled and\n      OU=Leavers\nshort\n"
        );
        assert_eq!(fold(line, 200), line);
    }

    #[test]
    fn colours_take_no_room_and_wide_characters_two_columns() {
        let painted = Style::Coloured.minus("abc");
        assert_eq!((columns(&painted), columns("李雷")), (3, 4));
        assert_eq!(padded("李", 4), "李  ");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_lines_fit_where_words_do(
            words in prop::collection::vec(("[a-zé李]{1,12}", 1_usize..4), 0..40), width in 30_usize..100,
        ) {
            let line: String =
                words.iter().map(|(word, gap)| format!("{word}{}", " ".repeat(*gap))).collect();
            let folded = fold(line.trim_end(), width);
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(plain(&folded), plain(&line));
            prop_assert!(folded.lines().all(|line| columns(line) <= width), "{}", folded);
        }
    }
}
