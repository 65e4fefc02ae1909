//! One page of a listing.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::graph::wire::scalar::Object;

/// A page, each row of it already read.
#[derive(Debug)]
pub(in crate::graph) struct Page<T> {
    /// The rows; there may be none although more pages follow.
    pub(in crate::graph) rows: Vec<T>,
    /// Where the next page is; none on the last.
    pub(in crate::graph) next: Option<String>,
}

#[derive(Deserialize)]
struct Raw<R> {
    value: Vec<Object<R>>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<String>,
    // An answer that breaks down half-way may end in an error behind the rows.
    #[serde(default)]
    error: Option<IgnoredAny>,
}

impl<T> Page<T> {
    /// Reads a page. One bad row spoils it all, so that nothing is missing from what is returned.
    ///
    /// # Errors
    ///
    /// Says what is wrong, without quoting the rows.
    pub(in crate::graph) fn parse<R: for<'de> Deserialize<'de>>(
        body: &[u8],
        row: impl Fn(R) -> Result<T, String>,
    ) -> Result<Self, String> {
        let Object(raw): Object<Raw<R>> =
            serde_json::from_slice(body).map_err(|error| not_json(&error))?;
        if raw.error.is_some() {
            return Err("the page ends in an error".to_owned());
        }
        let rows = raw.value.into_iter().map(|Object(raw)| row(raw)).collect::<Result<_, _>>()?;
        Ok(Self { rows, next: raw.next })
    }
}

/// Says what is wrong with a body by place and kind: serde would quote what stands there.
pub(in crate::graph) fn not_json(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Io => "cannot be read",
        serde_json::error::Category::Syntax => "is not JSON",
        serde_json::error::Category::Data => "has another shape than Graph's",
        serde_json::error::Category::Eof => "ends too early",
    };
    format!("the answer {kind} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn rows(body: &str) -> Result<usize, String> {
        Page::parse(body.as_bytes(), Ok::<Value, String>).map(|page| page.rows.len())
    }

    #[test]
    fn only_a_whole_page_is_a_page() {
        assert_eq!(rows(r#"{"value": [{}, {}]}"#), Ok(2));
        assert_eq!(rows(r#"{"value": []}"#), Ok(0));
        for body in [
            "[[]]",
            "{}",
            r#"{"value": null}"#,
            r#"{"value": [[]]}"#,
            r#"{"value": [{}], "error": {}}"#,
            r#"{"error": {"code": "x"}}"#,
            r#"{"value": [{}"#,
        ] {
            assert!(rows(body).is_err(), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_quoting_the_body() {
        let error = rows(r#"{"value": [7, "ana@contoso.com"]}"#).unwrap_err();
        assert_eq!(error, "the answer has another shape than Graph's (line 1, column 12)");
    }
}
