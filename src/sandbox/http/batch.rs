//! `POST /$batch`: up to 20 requests in one, side by side or one after the other.
//!
//! Source: Graph JSON batching.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::log::ItemSeen;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};

const ITEMS_MAX: usize = 20;

/// A request within a batch, before it runs.
struct Item {
    id: String,
    depends_on: Option<String>,
    call: Call,
}

/// Answers a batch.
pub(super) fn run(world: &mut World, call: &Call, caller: &Caller) -> Result<Reply, Failure> {
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| Failure::unreadable())?;
    let requests = body.get("requests").and_then(Value::as_array);
    let requests = requests.filter(|list| !list.is_empty()).ok_or_else(|| {
        bad("Invalid batch payload format: it must hold a non-empty array 'requests'.")
    })?;
    if requests.len() > ITEMS_MAX {
        let message = "Number of batch request steps exceeds the maximum value of 20.";
        return Err(bad(message));
    }
    let items: Result<Vec<Item>, Failure> =
        requests.iter().enumerate().map(|(place, value)| item(call, place, value)).collect();
    let items = items?;
    check_ids(&items)?;
    check_order(&items)?;
    let mut answers: BTreeMap<usize, Reply> = BTreeMap::new();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let reply = match &item.depends_on {
            Some(id) if failed.contains(&id.to_lowercase()) => {
                let message = "The request depends on a request that failed.";
                World::refuse(&item.call, Failure::new(424, "FailedDependency", message))
            }
            Some(_) | None => world.answer_item(&item.call, caller),
        };
        if reply.status >= 400 {
            failed.insert(item.id.to_lowercase());
        }
        answers.insert(place, reply);
    }
    Ok(write(&items, &answers))
}

fn bad(message: &str) -> Failure {
    Failure::new(400, "BadRequest", message)
}

fn item(outer: &Call, place: usize, value: &Value) -> Result<Item, Failure> {
    let object = value.as_object().ok_or_else(Failure::unreadable)?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let required = |key: &str| {
        text(key)
            .ok_or_else(|| bad(&format!("Invalid batch payload format: a request has no '{key}'.")))
    };
    let (id, method, url) = (required("id")?, required("method")?, required("url")?);
    if url.contains("://") {
        return Err(bad("The url of a request in a batch must be relative."));
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let headers = headers(object);
    let body = match object.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) if !headers.contains_key("content-type") => {
            return Err(bad("A request in a batch with a body needs the header 'Content-Type'."));
        }
        Some(body) => body.to_string().into_bytes(),
    };
    Ok(Item {
        id: id.to_owned(),
        depends_on: depends_on(object)?,
        call: Call {
            method: method.to_uppercase(),
            path: format!("/{}", path.trim_start_matches('/')),
            query: query.to_owned(),
            headers,
            body,
            root: outer.root.clone(),
            now: outer.now,
            item: Some(place),
            fault: None,
            retries_page: false,
        },
    })
}

fn headers(object: &Map<String, Value>) -> BTreeMap<String, String> {
    let headers = object.get("headers").and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    headers.map(|(name, value)| (name.to_lowercase(), text(value))).collect()
}

fn depends_on(object: &Map<String, Value>) -> Result<Option<String>, Failure> {
    let list = match object.get("dependsOn") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(bad("Invalid batch payload format: 'dependsOn' is not an array.")),
    };
    match list.as_slice() {
        [] => Ok(None),
        [Value::String(id)] => Ok(Some(id.clone())),
        _ => Err(mixed()),
    }
}

/// Ids are unique, whatever their case.
fn check_ids(items: &[Item]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(item.id.to_lowercase())) {
        None => Ok(()),
        Some(item) => Err(bad(&format!(
            "Request Id has to be unique in a batch: '{}' is there more than once.",
            item.id
        ))),
    }
}

/// All side by side, or each after the one before it.
fn check_order(items: &[Item]) -> Result<(), Failure> {
    let parallel = items.iter().all(|item| item.depends_on.is_none());
    let follows = |pair: &[Item]| {
        let after = pair[1].depends_on.as_ref();
        after.is_some_and(|id| id.eq_ignore_ascii_case(&pair[0].id))
    };
    let serial =
        items.first().is_none_or(|item| item.depends_on.is_none()) && items.windows(2).all(follows);
    if parallel || serial { Ok(()) } else { Err(mixed()) }
}

fn mixed() -> Failure {
    bad("Batch should be either fully sequential or fully parallel.")
}

/// Writes the answers. Those of a parallel batch come in another order than the requests, as they
/// may: from the middle on, then from the beginning.
fn write(items: &[Item], answers: &BTreeMap<usize, Reply>) -> Reply {
    let middle = items.len() / 2;
    let serial = items.iter().any(|item| item.depends_on.is_some());
    let turn = if serial { 0 } else { middle };
    let order: Vec<usize> = (turn..items.len()).chain(0..turn).collect();
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    json::list(object.key("responses"), &order, |out, place| {
        if let Some(reply) = answers.get(place) {
            write_one(out, &items[*place].id, reply);
        }
    });
    object.end();
    let mut reply = Reply { status: 200, body, ..Reply::default() };
    reply.headers.push(("Content-Type", "application/json".to_owned()));
    reply.items = items
        .iter()
        .enumerate()
        .map(|(place, item)| ItemSeen {
            method: item.call.method.clone(),
            path: item.call.target(),
            status: answers.get(&place).map_or(0, |reply| reply.status),
        })
        .collect();
    reply
}

fn write_one(out: &mut Vec<u8>, id: &str, reply: &Reply) {
    let mut object = Object::begin(out);
    json::text(object.key("id"), id);
    json::bare(object.key("status"), reply.status);
    let mut headers = Object::begin(object.key("headers"));
    let outer_only = ["Date", "x-ms-ags-diagnostic"];
    for (name, value) in reply.headers.iter().filter(|(name, _)| !outer_only.contains(name)) {
        json::text(headers.key(name), value);
    }
    headers.end();
    match reply.header("Content-Type") {
        // A body of JSON is spliced in as it is.
        Some(kind) if kind.contains("json") && !reply.body.is_empty() => {
            object.key("body").extend_from_slice(&reply.body);
        }
        Some(_) if !reply.body.is_empty() => {
            json::text(object.key("body"), &String::from_utf8_lossy(&reply.body));
        }
        Some(_) | None => {}
    }
    object.end();
}
