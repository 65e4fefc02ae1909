//! `$orderby` and `$search`.
//!
//! Source: Graph, advanced query capabilities on directory objects.

use std::cmp::Ordering;

use crate::sandbox::http::filter::Filtered;
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::Failure;

/// What plain queries sort by; the index sorts by whatever it holds.
const PLAIN: [&str; 2] = ["displayName", "userPrincipalName"];

/// An order: properties, the first counts most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    property: String,
    descending: bool,
}

impl Order {
    /// Reads `$orderby`, where it is there. `allowed` is what filters may name.
    pub(super) fn asked(
        query: &Query,
        advanced: bool,
        allowed: &[&str],
    ) -> Result<Option<Self>, Failure> {
        let Some(text) = query.get("$orderby") else { return Ok(None) };
        let unsupported = || Failure::unsupported("Sorting not supported for current query.");
        if !advanced && (query.has("$filter") || query.has("$search")) {
            return Err(unsupported());
        }
        let key = |part: &str| {
            let mut words = part.split_whitespace();
            let property = words.next()?.to_owned();
            let descending = match words.next() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(_) => return None,
            };
            let known = if advanced { allowed } else { &PLAIN };
            let fits = known.contains(&property.as_str()) && allowed.contains(&property.as_str());
            (fits && words.next().is_none()).then_some(Key { property, descending })
        };
        let keys: Option<Vec<Key>> = text.split(',').map(key).collect();
        keys.map(|keys| Some(Self { keys })).ok_or_else(unsupported)
    }

    /// Puts places of objects in this order; what is alike stays in the order it was in.
    pub(super) fn sort<T: Filtered>(&self, places: &mut [usize], object: impl Fn(usize) -> T) {
        places.sort_by_cached_key(|place| {
            let object = object(*place);
            let of = |key: &Key| Sorted {
                value: object.property(&key.property).map(|value| value.to_lowercase()),
                descending: key.descending,
            };
            self.keys.iter().map(of).collect::<Vec<_>>()
        });
    }
}

#[derive(PartialEq, Eq)]
struct Sorted {
    value: Option<String>,
    descending: bool,
}

impl Ord for Sorted {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.value.cmp(&other.value);
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A search: one of these, each of them whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    any: Vec<Vec<Term>>,
}

/// The property holds a word that begins with this, or begins with it itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    property: String,
    words: Vec<String>,
}

impl Search {
    /// Reads `$search`, where it is there.
    pub(super) fn asked(
        query: &Query,
        eventual: bool,
        allowed: &[&str],
    ) -> Result<Option<Self>, Failure> {
        let Some(text) = query.get("$search") else { return Ok(None) };
        if !eventual {
            return Err(Failure::unsupported(
                "Request with $search query parameter only works through MSGraph with a special \
                 request header: 'ConsistencyLevel: eventual'",
            ));
        }
        let search = Self::parse(text)
            .ok_or_else(|| Failure::unsupported(format!("Invalid search clause: '{text}'.")))?;
        let mut terms = search.any.iter().flatten();
        match terms.find(|term| !allowed.contains(&term.property.as_str())) {
            None => Ok(Some(search)),
            Some(term) => Err(Failure::unsupported(format!(
                "Property '{}' cannot be searched.",
                term.property
            ))),
        }
    }

    /// Reads `"displayName:ana" AND "mail:a" OR "displayName:ben"`.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut any = vec![Vec::new()];
        loop {
            let (term, after) = rest.strip_prefix('"')?.split_once('"')?;
            let (property, value) = term.split_once(':')?;
            let words: Vec<String> = value.split_whitespace().map(str::to_lowercase).collect();
            if words.is_empty() {
                return None;
            }
            any.last_mut()?.push(Term { property: property.trim().to_owned(), words });
            rest = after.trim_start();
            if rest.is_empty() {
                return Some(Self { any });
            }
            if let Some(after) = rest.strip_prefix("OR ") {
                any.push(Vec::new());
                rest = after.trim_start();
            } else {
                rest = rest.strip_prefix("AND ")?.trim_start();
            }
        }
    }

    /// Whether an object is found.
    ///
    /// Source: Graph: display names are searched by their words, all else by how it begins.
    pub(super) fn finds(&self, object: &impl Filtered) -> bool {
        let finds = |term: &Term| {
            let Some(value) = object.property(&term.property) else { return false };
            let value = value.to_lowercase();
            if term.property != "displayName" {
                return value.starts_with(&term.words.join(" "));
            }
            let of: Vec<&str> = value.split(|c: char| !c.is_alphanumeric()).collect();
            term.words.iter().all(|word| of.iter().any(|there| there.starts_with(word.as_str())))
        };
        self.any.iter().any(|all| all.iter().all(finds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(&'static str);

    impl Filtered for Named {
        fn property(&self, name: &str) -> Option<String> {
            (name == "displayName" || name == "mail").then(|| self.0.to_owned())
        }

        fn skus(&self) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn a_search_finds_words_of_names_and_the_beginning_of_all_else() {
        let finds = |text: &str, name| Search::parse(text).unwrap().finds(&Named(name));
        assert!(finds("\"displayName:berg\"", "Ana Berg"));
        assert!(finds("\"displayName:ber an\"", "Ana Berg"));
        assert!(!finds("\"displayName:erg\"", "Ana Berg"));
        assert!(!finds("\"mail:berg\"", "ana.berg@contoso.com"));
        assert!(finds("\"mail:ana\" AND \"mail:ana.b\"", "ana.berg@contoso.com"));
        assert!(finds("\"mail:x\" OR \"mail:ana\"", "ana.berg@contoso.com"));
        for broken in
            ["", "ana", "\"ana\"", "\"mail:ana\" XOR \"mail:b\"", "\"mail:ana", "\"mail:\""]
        {
            assert_eq!(Search::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_order_counts_its_first_property_most_and_takes_what_the_query_can() {
        let names = ["b", "A", "c"];
        let order = |text: &str, advanced| {
            let query = Query::parse(&format!("$orderby={text}"));
            Order::asked(&query, advanced, &["displayName", "department"])
        };
        let mut places = vec![0, 1, 2];
        order("displayName", false)
            .unwrap()
            .unwrap()
            .sort(&mut places, |place| Named(names[place]));
        assert_eq!(places, [1, 0, 2]);
        let descending = order("displayName desc", false).unwrap().unwrap();
        descending.sort(&mut places, |place| Named(names[place]));
        assert_eq!(places, [2, 0, 1]);
        assert!(order("department", false).is_err());
        assert!(order("department,displayName desc", true).unwrap().is_some());
        assert!(order("shoeSize", true).is_err());
        assert!(order("displayName up", true).is_err());
    }
}
