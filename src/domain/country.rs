//! Countries by name and by code, for usage locations. Never guesses: a text names one country, or none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use keshvar::CountryIterator;

use crate::domain::names::UsageLocation;

/// The countries by every name and code they go by, in lower case; none where several share one.
///
/// Source: ISO 3166-1 (codes, short and long names) and the names in use in other languages, as the
/// crate `keshvar` carries them.
static BY_NAME: LazyLock<BTreeMap<String, Option<UsageLocation>>> = LazyLock::new(|| {
    let mut by_name = BTreeMap::new();
    let mut add = |name: &str, code: UsageLocation| {
        by_name
            .entry(folded(name))
            .and_modify(|known| {
                if *known != Some(code) {
                    *known = None;
                }
            })
            .or_insert(Some(code));
    };
    for country in CountryIterator::new() {
        let Ok(code) = country.alpha2().to_string().parse() else { continue };
        add(&country.alpha3().to_string(), code);
        add(country.iso_short_name(), code);
        add(country.iso_long_name(), code);
        country.unofficial_name_list().iter().for_each(|name| add(name, code));
    }
    // A code of two letters means its country, whatever else is called so.
    for country in CountryIterator::new() {
        let text = country.alpha2().to_string();
        if let Ok(code) = text.parse() {
            by_name.insert(folded(&text), Some(code));
        }
    }
    by_name
});

/// Blanks at the ends, runs of blanks and case make no difference.
fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Returns the country that a text names: by code (`DE`, `DEU`) or by name (`Germany`,
/// `Deutschland`), ignoring case. None where it names no country, or several.
pub fn named(text: &str) -> Option<UsageLocation> {
    BY_NAME.get(&folded(text)).copied().flatten()
}

/// Whether ISO 3166-1 assigns this code to a country.
pub fn is_assigned(code: UsageLocation) -> bool {
    named(code.as_str()) == Some(code)
}

/// Returns what is wrong with a code that no country has, and what to do.
///
/// Source: ISO 3166-1, where UK is reserved and GB assigned; Graph knows only GB.
pub fn refusal(code: UsageLocation) -> Option<(String, String)> {
    if is_assigned(code) {
        return None;
    }
    let hint = match named(code.as_str()) {
        Some(meant) => format!("the code of that country is `{meant}`"),
        None => "codes are those of ISO 3166-1 alpha-2, such as `DE` or `FR`".to_owned(),
    };
    Some((format!("`{code}` is not a country code"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_goes_by_codes_and_names_in_any_case() {
        for (text, code) in [
            ("DE", "DE"),
            ("deu", "DE"),
            ("Germany", "DE"),
            (" deutschland ", "DE"),
            ("United  Kingdom", "GB"),
            ("UK", "GB"),
            ("Norway", "NO"),
            ("NO", "NO"),
            ("Côte d'Ivoire", "CI"),
            ("Schweiz", "CH"),
        ] {
            assert_eq!(named(text).map(|code| code.to_string()).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn what_names_no_country_or_several_names_none() {
        for text in ["", "Germny", "Berlin", "XX", "Europe", "D"] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn codes_are_told_from_other_pairs_of_letters() {
        assert!(is_assigned("DE".parse().unwrap()));
        assert!(!is_assigned("UK".parse().unwrap()));
        assert!(!is_assigned("XX".parse().unwrap()));
    }
}
