//! One page of a listing.

use serde::Deserialize;
use serde::de::IgnoredAny;

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
    value: Vec<R>,
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
        let raw: Raw<R> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
        if raw.error.is_some() {
            return Err("the page ends in an error".to_owned());
        }
        let rows = raw.value.into_iter().map(row).collect::<Result<_, _>>()?;
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
