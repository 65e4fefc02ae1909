//! The description of the interface: OpenAPI 3.1, made from the table of routes and the forms.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use crate::report::json::FORMAT_VERSION;
use crate::report::json::schema::{PRINTED, settings};

use super::Shared;
use super::call::{Call, text_of};
use super::problem::{Kind, MEDIA_TYPE, Problem, TYPE_PREFIX};
use super::routes::{Doc, contents};
use super::token::Needs;

/// Where schemas lie.
const SCHEMAS: &str = "/components/schemas";

/// Problems that any route may answer with.
const ANYWHERE: [Kind; 10] = [
    Kind::BadRequest,
    Kind::WrongToken,
    Kind::ForeignOrigin,
    Kind::TooLarge,
    Kind::WrongHost,
    Kind::TooManyFailures,
    Kind::Internal,
    Kind::Busy,
    Kind::TooSlow,
    Kind::RecordsFail,
];
/// Problems of routes that take a body.
const WITH_BODY: [Kind; 4] = [Kind::BadJson, Kind::BodyLate, Kind::NotJson, Kind::DoesNotFit];

/// Tells the document.
pub(super) async fn openapi<R: Records + Desk, C: Clock>(
    shared: Arc<Shared<R, C>>,
    _: Call,
) -> Result<Response<Body>, Problem> {
    Ok(text_of("application/json", 200, shared.openapi.clone()))
}

/// Describes these routes.
pub(super) fn document(docs: &[Doc], version: &str) -> String {
    // What is sent and what is answered are described apart: what may be left out of a request is
    // always there in an answer.
    let mut answers = settings().with(at).into_generator();
    let mut requests = settings().for_deserialize().with(at).into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for doc in docs {
        let method = doc.method.name().as_str().to_lowercase();
        let operation = operation(doc, &mut answers, &mut requests);
        paths.entry(doc.path).or_default().insert(method, operation);
    }
    let mut schemas = requests.take_definitions(true);
    schemas.extend(answers.take_definitions(true));
    schemas.insert("Problem".to_owned(), problem());
    if let Some(plan) = schemas.get_mut("Plan") {
        plan["properties"]["format_version"]["const"] = FORMAT_VERSION.into();
        if let Some(required) = plan["required"].as_array_mut() {
            required.extend(PRINTED.map(Value::from));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Seatkeeper",
            "version": version,
            "description": "Plans, outcomes and decisions of Seatkeeper's daemon. Names that stand \
                here keep their meaning; new ones may come beside them.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    });
    document.to_string()
}

fn at(settings: &mut schemars::generate::SchemaSettings) {
    settings.definitions_path = Cow::Borrowed(SCHEMAS);
    settings.meta_schema = None;
}

fn operation(doc: &Doc, answers: &mut SchemaGenerator, requests: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = in_path(doc.path);
    if let Some(query) = doc.query {
        parameters.extend(in_query(query, requests));
    }
    let content: Map<String, Value> = contents(doc.sends)
        .into_iter()
        .map(|(media_type, describe)| {
            let schema = describe
                .map_or_else(|| json!({"type": "string"}), |describe| describe(answers).to_value());
            (media_type.to_owned(), json!({"schema": schema}))
        })
        .collect();
    let mut responses = Map::new();
    let answer = json!({"description": "As it was meant.", "content": content});
    responses.insert(doc.status.to_string(), answer);
    responses.extend(problems(doc));
    let mut operation = json!({
        "operationId": doc.id,
        "summary": doc.summary,
        "parameters": parameters,
        "responses": responses,
        "security": match doc.needs {
            // With none configured, reading takes no token.
            Needs::Nothing | Needs::Read => json!([{"token": []}, {}]),
            Needs::Approve => json!([{"token": []}]),
        },
    });
    if let Some(body) = doc.body {
        let schema = body(requests).to_value();
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn in_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let description = |name: &str| match name {
        "id" => "The id of a plan.",
        "tenant" => "What the configuration calls the tenant.",
        _ => "A user, by principal name or id.",
    };
    let parameter = |name: &str| {
        json!({
            "name": name, "in": "path", "required": true, "description": description(name),
            "schema": {"type": "string"},
        })
    };
    names.map(parameter).collect()
}

/// Takes the fields of a form apart: each is a parameter.
fn in_query(query: super::routes::Describe, requests: &mut SchemaGenerator) -> Vec<Value> {
    let reference = query(requests).to_value();
    let name = reference["$ref"].as_str().and_then(|at| at.rsplit('/').next()).map(str::to_owned);
    let form = name.and_then(|name| requests.definitions_mut().remove(&name));
    let form = form.unwrap_or(reference);
    let Some(fields) = form["properties"].as_object() else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        json!({
            "name": name, "in": "query", "required": false,
            "description": schema["description"], "schema": schema,
        })
    };
    fields.iter().map(parameter).collect()
}

fn problems(doc: &Doc) -> Map<String, Value> {
    let mut kinds: Vec<Kind> = ANYWHERE.to_vec();
    kinds.extend(doc.problems);
    if doc.body.is_some() {
        kinds.extend(WITH_BODY);
    }
    match doc.needs {
        Needs::Nothing => {}
        Needs::Read => kinds.push(Kind::NoToken),
        Needs::Approve => kinds.extend([Kind::NoToken, Kind::RightMissing]),
    }
    kinds.sort();
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status()).or_default().push(format!("`{}`", kind.word()));
    }
    let response = |(status, words): (u16, Vec<String>)| {
        let schema = json!({"$ref": format!("#{SCHEMAS}/Problem")});
        let description = format!("A problem: {}.", words.join(", "));
        (
            status.to_string(),
            json!({"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}),
        )
    };
    by_status.into_iter().map(response).collect()
}

/// Describes problems. Members of their own are told with each.
fn problem() -> Value {
    let types: Vec<String> =
        Kind::ALL.iter().map(|kind| format!("{TYPE_PREFIX}{}", kind.word())).collect();
    json!({
        "description": "A problem, as RFC 9457 says. `type` names the decision to take. Members of \
            their own: `digest` of `wrong-digest`, `state` of `wrong-state`, `guards` of \
            `guards-not-accepted`, `ready` and `tenants` of `not-ready`.",
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": types},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    })
}

/// Describes a document of another standard.
pub(super) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

/// When the seats of a SKU run out, as it is published.
fn forecast() -> serde_json::Value {
    serde_json::json!({
        "type": "object",
        "description": "What becomes of the free seats if things go on as they \
            did. Absent until they were watched for a week.",
        "properties": {
            "days": {
                "type": "integer",
                "description": "Over how many days it was looked.",
            },
            "joined": {
                "type": "integer",
                "description": "Seats that were taken then.",
            },
            "left": {
                "type": "integer",
                "description": "Seats that were given back then.",
            },
            "per_day": {
                "type": "number",
                "description": "How many more are usually in use after a day.",
            },
            "runs_out": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "When none is free any more; null where that is \
                    not to be seen.",
            },
        },
        "required": ["days", "joined", "left", "per_day", "runs_out"],
        "additionalProperties": false,
    })
}

/// The list of seats as it is published.
pub(super) struct SeatList;

impl JsonSchema for SeatList {
    fn schema_name() -> Cow<'static, str> {
        "SeatList".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The seats of every SKU, by part number.",
            "type": "object",
            "properties": {
                "format_version": {"type": "integer", "const": FORMAT_VERSION},
                "seats": {"type": "array", "items": {
                    "type": "object",
                    "properties": {
                        "sku_id": {"type": "string", "format": "uuid"},
                        "sku": {"type": "string"},
                        "total": {"type": "integer", "description": "Seats that can be used."},
                        "used": {"type": "integer"},
                        "free": {"type": "integer", "description": "Seats that can be given out."},
                        "reserved": {"type": "integer", "description": "Seats that are kept free."},
                        "waiting": {"type": "integer", "description": "Users who wait for one."},
                        "in_grace": {
                            "type": "integer", "minimum": 0,
                            "description": "Seats whose subscription has expired and is in its grace."
                        },
                        "reclaimable": {
                            "type": "integer",
                            "description": "Seats of users who may not sign in, do not, or have all of it in \
                                another SKU.",
                        },
                        "next_expiry": {
                            "type": ["string", "null"],
                            "format": "date-time",
                            "description": "When the next subscription renews or ends. Absent \
                                where the app may not read it.",
                        },
                        "price": {
                            "type": "string",
                            "description": "What one costs a month, such as `54.60 EUR`. Absent \
                                where the configuration does not say.",
                        },
                        "used_monthly": {"type": "string"},
                        "free_monthly": {"type": "string"},
                        "forecast": forecast(),
                    },
                    "required": ["sku_id", "sku", "total", "used", "free", "reserved", "waiting",
                        "in_grace", "reclaimable"],
                    "additionalProperties": false,
                }},
            },
            "required": ["format_version", "seats"],
            "additionalProperties": false,
        })
    }
}

/// An explanation as it is published.
pub(super) struct Explanation;

impl JsonSchema for Explanation {
    fn schema_name() -> Cow<'static, str> {
        "Explanation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let objects = json!({"type": "array", "items": {"type": "object"}});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        json_schema!({
            "description": "Why a user has, lacks or will lose each SKU.",
            "type": "object",
            "properties": {
                "format_version": {"type": "integer", "const": FORMAT_VERSION},
                "user": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "format": "uuid"},
                        "user_principal_name": {"type": "string"},
                        "display_name": {"type": ["string", "null"]},
                    },
                    "required": ["id", "user_principal_name", "display_name"],
                    "additionalProperties": false,
                },
                "protected": {"type": "boolean"},
                "snapshot_taken_at": {"type": "string", "format": "date-time"},
                "usage_location": {"type": ["string", "null"]},
                "blocked": texts,
                "blocks": objects,
                "skus": {"type": "array", "items": {
                    "type": "object",
                    "properties": {
                        "sku_id": {"type": "string", "format": "uuid"},
                        "sku": {"type": "string"},
                        "verdict": {"type": "string", "description": "One sentence."},
                        "has": {"type": "object"},
                        "wanted": {"type": "boolean"},
                        "outranked_by": {"type": ["string", "null"]},
                        "ladders": objects,
                        "policies": objects,
                        "owners": objects,
                        "next": texts,
                        "steps": objects,
                        "stays": {"type": ["string", "null"]},
                        "history": objects,
                    },
                    "required": ["sku_id", "sku", "verdict", "has", "wanted", "outranked_by",
                        "ladders", "policies", "owners", "next", "steps", "stays", "history"],
                    "additionalProperties": false,
                }},
            },
            "required": ["format_version", "user", "protected", "snapshot_taken_at",
                "usage_location", "blocked", "blocks", "skus"],
            "additionalProperties": false,
        })
    }
}
