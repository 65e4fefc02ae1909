//! What a seat costs, and sums of that. Whole ten-thousandths of a currency unit: no rounding, ever.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Decimals that are kept: price lists of partners have up to four.
const DECIMALS: usize = 4;
/// No seat costs more a month.
const PRICE_MAX: u64 = 1_000_000;

/// A currency, by its three letters.
///
/// Source: ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Returns the three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three letters of ASCII were checked")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one seat costs a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price {
    /// In ten-thousandths.
    amount: u64,
    currency: Currency,
}

/// A text that is not a price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a price: an amount with at most four decimals and a currency, such as \
     `54.60 EUR`, for one seat and a month"
)]
pub struct InvalidPrice {
    /// The text as it was given.
    pub text: String,
}

impl FromStr for Price {
    type Err = InvalidPrice;

    fn from_str(text: &str) -> Result<Self, InvalidPrice> {
        let invalid = || InvalidPrice { text: text.to_owned() };
        let (amount, currency) = text.split_once(' ').ok_or_else(invalid)?;
        let letters: [u8; 3] = currency.as_bytes().try_into().map_err(|_| invalid())?;
        if !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(invalid());
        }
        let (whole, decimals) = amount.split_once('.').unwrap_or((amount, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_well_formed = !whole.is_empty()
            && is_digits(whole)
            && is_digits(decimals)
            && decimals.len() <= DECIMALS
            && (!decimals.is_empty() || !amount.contains('.'));
        if !is_well_formed {
            return Err(invalid());
        }
        let whole: u64 = whole.parse().map_err(|_| invalid())?;
        let decimals: u64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| invalid())?;
        if whole > PRICE_MAX {
            return Err(invalid());
        }
        Ok(Self { amount: whole * 10_000 + decimals, currency: Currency(letters) })
    }
}

impl Price {
    /// Returns what so many seats cost; less than nothing for seats that are given back.
    pub fn times(self, seats: i128) -> Money {
        Money { amount: i128::from(self.amount).saturating_mul(seats), currency: self.currency }
    }
}

/// Prints as it is parsed.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", digits(i128::from(self.amount), ""), self.currency.as_str())
    }
}

/// A sum of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money {
    /// In ten-thousandths.
    amount: i128,
    currency: Currency,
}

impl Money {
    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.amount < 0
    }

    /// Returns it without its sign.
    #[must_use]
    pub fn unsigned(self) -> Self {
        Self { amount: self.amount.saturating_abs(), ..self }
    }

    /// Returns it as a number and a currency, without separators: as a price is written.
    pub fn plain(self) -> String {
        format!("{} {}", digits(self.amount, ""), self.currency.as_str())
    }
}

/// Prints as `1,234.50 EUR`; with `{:+}` also the sign of what is more.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if f.sign_plus() && self.amount > 0 { "+" } else { "" };
        write!(f, "{sign}{} {}", digits(self.amount, ","), self.currency.as_str())
    }
}

fn digits(amount: i128, separator: &str) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, rest) = (amount.unsigned_abs() / 10_000, amount.unsigned_abs() % 10_000);
    let whole = whole.to_string();
    let first = whole.len() % 3;
    let mut grouped = whole.get(..first).unwrap_or_default().to_owned();
    for group in whole.as_bytes()[first..].chunks(3) {
        if !grouped.is_empty() {
            grouped.push_str(separator);
        }
        grouped.push_str(std::str::from_utf8(group).expect("digits are ASCII"));
    }
    let decimals =
        if rest % 100 == 0 { format!("{:02}", rest / 100) } else { format!("{rest:04}") };
    format!("{sign}{grouped}.{decimals}")
}

/// Adds up, each currency by itself. What comes to nothing is left out.
pub fn sums(all: impl IntoIterator<Item = Money>) -> Vec<Money> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for money in all {
        let sum = sums.entry(money.currency).or_default();
        *sum = sum.saturating_add(money.amount);
    }
    let each = sums.into_iter().filter(|(_, amount)| *amount != 0);
    each.map(|(currency, amount)| Money { amount, currency }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_is_an_amount_and_a_currency() {
        for (text, shown) in [
            ("54.60 EUR", "54.60 EUR"),
            ("0 USD", "0.00 USD"),
            ("1234567 JPY", ""),
            ("1000000 JPY", "1000000.00 JPY"),
            ("9.1 CHF", "9.10 CHF"),
            ("3.1275 GBP", "3.1275 GBP"),
            ("54.60", ""),
            ("54,60 EUR", ""),
            ("54.60  EUR", ""),
            ("-1 EUR", ""),
            ("+1 EUR", ""),
            (".5 EUR", ""),
            ("5. EUR", ""),
            ("1.00000 EUR", ""),
            ("1 eur", ""),
            ("1 EURO", ""),
            ("EUR 1", ""),
            ("", ""),
            ("99999999999999999999 EUR", ""),
        ] {
            let found = text.parse::<Price>().map(|price| price.to_string()).unwrap_or_default();
            assert_eq!(found, shown, "{text}");
        }
    }

    #[test]
    fn sums_keep_currencies_apart_and_say_their_sign() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let all = [
            price("54.60 EUR").times(-20),
            price("10 USD").times(3),
            price("0.10 EUR").times(1),
            price("1 CHF").times(5),
            price("5 CHF").times(-1),
        ];
        let shown: Vec<_> = sums(all).iter().map(|sum| format!("{sum:+}")).collect();
        assert_eq!(shown, ["-1,091.90 EUR", "+30.00 USD"]);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(whole in 0_u64..=PRICE_MAX, rest in 0_u64..10_000) {
            let text = format!("{whole}.{rest:04} EUR");
            let price: Price = text.parse().unwrap();
            prop_assert_eq!(price.to_string().parse::<Price>().unwrap(), price);
            prop_assert_eq!(price.times(7).amount, i128::from(whole * 10_000 + rest) * 7);
        }
    }
}
