//! Several requests in one, and their answers.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::graph::retry::retry_after;
use crate::graph::wire::fault::GraphFault;
use crate::graph::wire::page::not_json;
use crate::graph::wire::scalar::{Object, Scalar};

/// How many requests a batch takes.
///
/// Source: Graph JSON batching.
pub(in crate::graph) const BATCH_MAX: usize = 20;

/// A request within a batch, without `dependsOn`: a batch that mixes chains is refused as a whole.
#[derive(Clone, Debug, Serialize)]
pub(in crate::graph) struct Item {
    pub(in crate::graph) id: String,
    pub(in crate::graph) method: &'static str,
    pub(in crate::graph) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::graph) headers: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::graph) body: Option<Value>,
}

impl Item {
    /// A request that only reads.
    pub(in crate::graph) fn get(id: usize, url: String) -> Self {
        Self { id: id.to_string(), method: "GET", url, headers: None, body: None }
    }

    /// A request that changes something.
    pub(in crate::graph) fn send(
        id: usize,
        method: &'static str,
        url: String,
        body: Value,
    ) -> Self {
        let headers = Some(serde_json::json!({"Content-Type": "application/json"}));
        Self { id: id.to_string(), method, url, headers, body: Some(body) }
    }
}

/// Writes a batch.
pub(in crate::graph) fn body(requests: &[Item]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Batch<'a> {
        requests: &'a [Item],
    }
    serde_json::to_vec(&Batch { requests }).expect("texts and JSON values always serialise")
}

/// The answer to one request of a batch.
#[derive(Clone, Debug)]
pub(in crate::graph) struct ItemReply {
    /// Which request it answers, by its number.
    pub(in crate::graph) id: usize,
    pub(in crate::graph) status: u16,
    pub(in crate::graph) retry_after: Option<Duration>,
    pub(in crate::graph) quota_used: Option<f64>,
    pub(in crate::graph) body: Value,
    request_id: Option<String>,
}

impl ItemReply {
    /// Returns the error that the body tells of.
    pub(in crate::graph) fn fault(&self) -> Option<GraphFault> {
        GraphFault::read(&self.body)
    }

    /// Returns Graph's id of the request, from the headers of the item.
    pub(in crate::graph) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

#[derive(Deserialize)]
struct Raw {
    responses: Vec<Object<RawItem>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawItem {
    id: Scalar,
    status: Scalar,
    headers: Option<Map<String, Value>>,
    body: Value,
}

/// Reads the answers to a batch, in any order. One without a number or status of its own tells
/// nothing and is left out: its request then counts as not answered.
///
/// # Errors
///
/// Says why the body is no answer to a batch.
pub(in crate::graph) fn replies(body: &[u8], now: Timestamp) -> Result<Vec<ItemReply>, String> {
    let Object(raw): Object<Raw> =
        serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    Ok(raw.responses.into_iter().filter_map(|Object(item)| reply(item, now)).collect())
}

fn reply(raw: RawItem, now: Timestamp) -> Option<ItemReply> {
    let headers = raw.headers.unwrap_or_default();
    // Source: Graph batch responses vary the case of header names.
    let header = |name: &str| {
        let value = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1;
        value.as_str().map(str::to_owned).or_else(|| value.as_f64().map(|n| n.to_string()))
    };
    Some(ItemReply {
        id: usize::try_from(raw.id.count()?).ok()?,
        status: u16::try_from(raw.status.count()?).ok().filter(|status| *status >= 100)?,
        retry_after: header("retry-after").and_then(|text| retry_after(&text, now)),
        quota_used: header("x-ms-throttle-limit-percentage").and_then(|text| text.parse().ok()),
        request_id: header("request-id"),
        body: raw.body,
    })
}
