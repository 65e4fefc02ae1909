//! Query strings and the `OData` options in them.

use crate::sandbox::http::reply::Failure;

/// The options of a request, decoded, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    options: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(raw: &str) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let option = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Self { options: pairs.map(option).collect() }
    }

    /// Returns the value of an option, such as `$select`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns the names in `$select`, where there is one.
    pub(super) fn select(&self) -> Option<Vec<String>> {
        let names = |list: &str| {
            let names = list.split(',').map(|name| name.trim().to_owned());
            names.filter(|name| !name.is_empty()).collect()
        };
        self.get("$select").map(names)
    }

    /// Returns the size of a page.
    ///
    /// Source: Graph: 100 where nothing is said, 999 at most.
    pub(super) fn page_size(&self) -> Result<usize, Failure> {
        let Some(top) = self.get("$top") else { return Ok(100) };
        match top.trim().parse::<usize>() {
            Ok(size @ 1..=999) => Ok(size),
            _ => Err(Failure::unsupported(format!(
                "Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."
            ))),
        }
    }

    /// Refuses options that a collection does not support.
    pub(super) fn refuse(&self, options: &[&str]) -> Result<(), Failure> {
        match options.iter().find(|option| self.has(option)) {
            None => Ok(()),
            Some(&"$skip") => Err(Failure::bad("'$skip' is not supported by the service.")),
            Some(option) => Err(Failure::unsupported(format!(
                "The query option '{option}' is not supported for this request."
            ))),
        }
    }
}

/// Decodes percent signs, and `+` as a blank.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let pair = text.get(index + 1..index + 3);
        let escaped = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (bytes[index], escaped) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                index += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Decodes a segment of a path, where `+` is itself.
pub(super) fn decode_segment(text: &str) -> String {
    decode(&text.replace('+', "%2B"))
}

/// Returns the query of the next page: what was asked, with another `$skiptoken`.
pub(super) fn next_page(raw: &str, token: &str) -> String {
    let kept = raw.split('&').filter(|pair| {
        let name = decode(pair.split_once('=').map_or(*pair, |(name, _)| name));
        !name.is_empty() && !name.eq_ignore_ascii_case("$skiptoken")
    });
    let mut parts: Vec<String> = kept.map(ToOwned::to_owned).collect();
    parts.push(format!("$skiptoken={token}"));
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_names_may_be_escaped() {
        let query = Query::parse("%24select=id,%20displayName&$filter=id+eq+'a%2Bb'");
        assert_eq!(query.select().unwrap(), ["id", "displayName"]);
        assert_eq!(query.get("$filter"), Some("id eq 'a+b'"));
    }

    #[test]
    fn a_next_page_keeps_the_query_and_changes_the_token() {
        let next = next_page("$select=id&%24skiptoken=old&$top=2", "new");
        assert_eq!(next, "$select=id&$top=2&$skiptoken=new");
    }

    #[test]
    fn broken_escapes_are_kept_as_they_are() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode_segment("a+b%20c"), "a+b c");
        assert_eq!(decode("%é"), "%é");
    }
}
