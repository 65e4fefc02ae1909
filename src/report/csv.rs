//! Lists as CSV, safe to open in a spreadsheet, and in the form that `bulk --csv` reads.

use crate::domain::user::User;
use crate::plan::reclaim::Reclaimable;
use crate::report::text::reason;

/// Renders users, one a line.
pub fn users(users: &[&User]) -> String {
    let mut out = "ObjectId,UserPrincipalName,DisplayName\n".to_owned();
    for user in users {
        let cells = [
            user.id.to_string(),
            cell(&user.principal_name),
            cell(user.display_name.as_deref().unwrap_or_default()),
        ];
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

/// Renders seats that could be used for somebody else, one a line.
pub fn reclaimable(seats: &[Reclaimable]) -> String {
    let mut out =
        "ObjectId,UserPrincipalName,DisplayName,SKU,Why,PricePerMonth,Currency\n".to_owned();
    for seat in seats {
        let price = seat.price.map(|price| price.to_string()).unwrap_or_default();
        // A sum that a spreadsheet can add up.
        let (amount, currency) = price.split_once(' ').unwrap_or(("", ""));
        let why: Vec<String> = seat.why.iter().map(reason).collect();
        let cells = [
            seat.user.id.to_string(),
            cell(&seat.user.principal_name),
            cell(seat.user.display_name.as_deref().unwrap_or_default()),
            cell(&seat.sku.name),
            cell(&why.join("; ")),
            amount.to_owned(),
            currency.to_owned(),
        ];
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

/// Writes what anybody may have chosen: on one line, and never as a formula.
fn cell(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', ';', '"', '\'']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_no_formula_and_stays_in_its_line() {
        assert_eq!(cell("Ana Berg"), "Ana Berg");
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell(" @sum"), "\"' @sum\"");
        assert_eq!(cell("Berg, Ana\r\nx"), "\"Berg, Ana  x\"");
    }
}
