//! Answers and errors in the shape that Graph gives them.

use jiff::Timestamp;
use uuid::Uuid;

use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::log::ItemSeen;

/// What Graph sends with every JSON answer.
pub(super) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;\
     charset=utf-8";

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// What was in it, where it answers a batch.
    pub(super) items: Vec<ItemSeen>,
}

impl Reply {
    /// An answer in the JSON of `OData`.
    pub(super) fn json(status: u16, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type", JSON.to_owned()), ("OData-Version", "4.0".to_owned())];
        Self { status, headers, body, items: Vec::new() }
    }

    /// An answer without body.
    pub(super) fn no_content() -> Self {
        Self { status: 204, ..Self::default() }
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A request that failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Failure {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    /// 400 as the directory says it.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 400 as the query engine says it.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// 400 for a body that is not JSON.
    pub(super) fn unreadable() -> Self {
        Self::new(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        )
    }

    /// 404.
    pub(super) fn not_found(key: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{key}' does not exist or one of its queried reference-property objects \
                 are not present."
            ),
        )
    }

    /// 403.
    pub(super) fn forbidden() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(403, "Authorization_RequestDenied", message)
    }

    /// 401.
    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message).with(
            "WWW-Authenticate",
            "Bearer realm=\"\", \
             authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             client_id=\"00000003-0000-0000-c000-000000000000\"",
        )
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// Writes the error body.
    ///
    /// Source: Graph error resource; `innerError.date` has no time zone and is UTC.
    pub(super) fn into_reply(self, stamp: &Stamp) -> Reply {
        let mut body = Vec::new();
        let mut outer = Object::begin(&mut body);
        let mut error = Object::begin(outer.key("error"));
        json::text(error.key("code"), self.code);
        json::text(error.key("message"), &self.message);
        let mut inner = Object::begin(error.key("innerError"));
        json::plain(inner.key("date"), stamp.at.strftime("%Y-%m-%dT%H:%M:%S"));
        json::plain(inner.key("request-id"), stamp.request_id);
        json::text(inner.key("client-request-id"), &stamp.client_request_id);
        inner.end();
        error.end();
        outer.end();
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        headers.extend(self.headers);
        Reply { status: self.status, headers, body, items: Vec::new() }
    }
}

/// What identifies an answer.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) at: Timestamp,
    pub(super) request_id: Uuid,
    pub(super) client_request_id: String,
}

impl Stamp {
    /// Puts what every answer carries on an answer.
    pub(super) fn put(&self, reply: &mut Reply) {
        let diagnostic = "{\"ServerInfo\":{\"DataCenter\":\"Sandbox\",\"Slice\":\"E\",\"Ring\":\"1\",\
                          \"ScaleUnit\":\"001\",\"RoleInstance\":\"SB01\"}}";
        reply.headers.extend([
            ("Cache-Control", "no-cache".to_owned()),
            ("request-id", self.request_id.to_string()),
            ("client-request-id", self.client_request_id.clone()),
            ("x-ms-ags-diagnostic", diagnostic.to_owned()),
            ("Date", http_date(self.at)),
        ]);
    }
}

/// Writes an instant as HTTP does.
pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
