//! Tables: columns where they fit, else a block for each row.

use std::fmt::Write as _;

use crate::report::text::fold::{columns as columns_of, padded};
use crate::report::text::style::Style;

/// What a list is printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Colours and weights, or none.
    pub style: Style,
    /// How wide it is, in columns; none where it has no edge, such as a file.
    pub width: Option<usize>,
}

/// What lies between two columns.
const GAP: &str = "  ";
/// The last column may be broken into lines where it has so many columns of the terminal.
const LAST_MIN: usize = 20;

/// Renders rows in columns, the first row as a heading. On a sheet that is too narrow for that each row is
/// a block: its first cell, and below it the others by name.
pub(super) fn table(rows: &[Vec<String>], sheet: Sheet) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| columns_of(cell)).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..columns).map(width).collect();
    let numbers: Vec<bool> = (0..columns)
        .map(|column| {
            let mut cells = rows.iter().skip(1).filter_map(|row| row.get(column));
            cells.all(|cell| is_number(cell))
        })
        .collect();
    let last = widths.pop().unwrap_or_default();
    let needed = widths.iter().map(|width| width + GAP.len()).sum::<usize>() + last.min(LAST_MIN);
    widths.push(last);
    if sheet.width.is_some_and(|width| width < needed) {
        return blocks(rows, sheet.style);
    }
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for ((cell, width), is_number) in row.iter().zip(&widths).zip(&numbers) {
            if *is_number {
                line.push_str(&" ".repeat(width.saturating_sub(columns_of(cell))));
                line.push_str(cell);
            } else {
                line.push_str(&padded(cell, *width));
            }
            line.push_str(GAP);
        }
        let line = line.trim_end();
        let _ = writeln!(out, "{}", if at == 0 { sheet.style.dim(line) } else { line.to_owned() });
    }
    out
}

/// Whether a cell is a count or a sum, or says that there is none: those stand to the right.
fn is_number(cell: &str) -> bool {
    let (sum, unit) = cell.split_once(' ').unwrap_or((cell, "EUR"));
    let digits = sum.trim_start_matches(['+', '-']);
    let is_sum = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.'));
    let is_unit = unit.len() == 3 && unit.bytes().all(|b| b.is_ascii_uppercase());
    (is_sum && is_unit) || matches!(cell, "-" | "no price")
}

/// Renders a block for each row, without cells that say nothing.
fn blocks(rows: &[Vec<String>], style: Style) -> String {
    let Some((names, rows)) = rows.split_first() else { return String::new() };
    let mut out = String::new();
    for row in rows {
        let mut cells = names.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let Some((_, first)) = cells.next() else { continue };
        let named = |(name, cell): (&String, &String)| match name.as_str() {
            "" => cell.clone(),
            name => format!("{name} {cell}"),
        };
        let others: Vec<String> = cells.map(named).collect();
        let _ = writeln!(out, "{}", style.strong(first));
        if !others.is_empty() {
            let _ = writeln!(out, "{GAP}{}", others.join(GAP));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::fold::fold;

    const ROWS: [[&str; 4]; 3] = [
        ["user", "location", "", "licenses"],
        ["ana@contoso.com", "DE", "", "SPE_E5, POWER_BI_PRO, VISIOCLIENT"],
        ["bo@contoso.com", "", "refused", ""],
    ];

    fn on(width: Option<usize>) -> String {
        let rows: Vec<Vec<String>> =
            ROWS.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        let text = table(&rows, Sheet { style: Style::Plain, width });
        width.map_or(text.clone(), |width| fold(&text, width))
    }

    #[test]
    fn columns_stay_while_the_last_has_room() {
        let wide = on(None);
        insta::assert_snapshot!(wide, @r"
        user             location           licenses
        ana@contoso.com  DE                 SPE_E5, POWER_BI_PRO, VISIOCLIENT
        bo@contoso.com             refused
        ");
        assert_eq!(on(Some(200)), wide);
        assert!(on(Some(60)).starts_with("user             location           licenses\n"));
    }

    #[test]
    fn counts_and_sums_stand_to_the_right() {
        let rows = [
            ["SKU", "used", "a month", "until"],
            ["E5", "7", "9.00 EUR", "2027-01-01"],
            ["F1", "120", "+1,080.00 EUR", "-"],
        ];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        let text = table(&rows, Sheet { style: Style::Plain, width: None });
        insta::assert_snapshot!(text, @r"
        SKU  used        a month  until
        E5      7       9.00 EUR  2027-01-01
        F1    120  +1,080.00 EUR  -
        ");
    }

    #[test]
    fn a_narrow_sheet_has_a_block_for_each_row() {
        insta::assert_snapshot!(on(Some(40)), @r"
        ana@contoso.com
          location DE
              licenses SPE_E5, POWER_BI_PRO,
              VISIOCLIENT
        bo@contoso.com
          refused
        ");
    }
}
