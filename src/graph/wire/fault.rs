//! The error body of Graph, wherever it nests.

use serde_json::{Map, Value};

/// What an error body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::graph) struct GraphFault {
    /// The innermost code that is not empty.
    pub(in crate::graph) code: String,
    /// The message for people.
    pub(in crate::graph) message: String,
    /// Graph's id of the request.
    pub(in crate::graph) request_id: Option<String>,
    /// All codes, outermost first.
    codes: Vec<String>,
}

impl GraphFault {
    /// Words of our own, where Graph said none.
    pub(in crate::graph) fn saying(message: &str) -> Self {
        Self { message: message.to_owned(), ..Self::default() }
    }

    /// Reads an error body; none where it is not of that shape (gateways answer HTML, or nothing).
    pub(in crate::graph) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().as_ref().and_then(Self::read)
    }

    /// Reads an error body that is JSON already.
    pub(in crate::graph) fn read(body: &Value) -> Option<Self> {
        let mut fault = Self::default();
        let mut at = body.get("error")?.as_object()?;
        // Bounded by the depth that the JSON parser allows.
        loop {
            fault.take(at);
            match inner(at) {
                Some(deeper) => at = deeper,
                None => break,
            }
        }
        fault.code = fault.codes.last().cloned().unwrap_or_default();
        Some(fault)
    }

    fn take(&mut self, level: &Map<String, Value>) {
        let text =
            |name: &str| level.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(code) = text("code") {
            self.codes.push(code.to_owned());
        }
        if self.message.is_empty()
            && let Some(message) = text("message")
        {
            message.clone_into(&mut self.message);
        }
        if let Some(id) = text("request-id") {
            self.request_id = Some(id.to_owned());
        }
    }

    /// Whether a code or the message holds this (given in lower case).
    pub(in crate::graph) fn names(&self, lower: &str) -> bool {
        self.codes
            .iter()
            .chain([&self.message])
            .any(|text| text.to_ascii_lowercase().contains(lower))
    }

    /// Whether other writes to the tenant were in the way.
    ///
    /// Source: Graph `Directory_ConcurrencyViolation`, seen with 409, 503 and 400.
    pub(in crate::graph) fn is_contention(&self) -> bool {
        self.names("directory_concurrencyviolation") || self.names("due to concurrent requests")
    }
}

/// Source: Graph spells it `innerError` and `innererror`.
fn inner(level: &Map<String, Value>) -> Option<&Map<String, Value>> {
    level
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("innererror"))
        .and_then(|(_, value)| value.as_object())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_code_counts_and_the_outer_message() {
        let body = br#"{"error": {"code": "Request_BadRequest", "message": "No.", "innererror":
            {"code": "", "innerError": {"code": "Directory_ConcurrencyViolation",
            "request-id": "r-1"}}}}"#;
        let fault = GraphFault::parse(body).unwrap();
        assert_eq!(fault.code, "Directory_ConcurrencyViolation");
        assert_eq!(fault.message, "No.");
        assert_eq!(fault.request_id.as_deref(), Some("r-1"));
        assert!(fault.is_contention());
        assert!(fault.names("request_badrequest"));
    }

    #[test]
    fn a_page_for_people_is_no_error_body() {
        for body in ["<html>", "", "[]", r#"{"error": "text"}"#, r#"{"value": []}"#] {
            assert_eq!(GraphFault::parse(body.as_bytes()), None, "{body}");
        }
    }
}
