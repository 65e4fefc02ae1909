//! The table of routes: what is served is what is documented, since both come from here.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method as HttpMethod, Response};
use futures_util::future::BoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use crate::report::json::PlanForm;

use super::call::Call;
use super::exposition;
use super::forms::{
    ApprovalForm, CycleForm, DecidedForm, ExplainQuery, HealthForm, HistoryPageForm, HistoryQuery,
    PauseRequestForm, PauseStateForm, PlanPageForm, PlanQuery, PlansQuery, ReadinessForm,
    RejectionForm, StatusForm, UserPageForm, UsersQuery,
};
use super::openapi::{Explanation, SeatList};
use super::problem::{Kind, Problem};
use super::token::Needs;
use super::{Shared, history, metrics, pauses, plans, seen, status};

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// Returns it as HTTP has it.
    pub(super) fn name(self) -> HttpMethod {
        match self {
            Self::Get => HttpMethod::GET,
            Self::Post => HttpMethod::POST,
            Self::Delete => HttpMethod::DELETE,
        }
    }
}

/// Describes a type.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What a route sends.
#[derive(Clone, Copy)]
pub(super) enum Sends {
    /// JSON of this form.
    Json(Describe),
    /// JSON of this form, or a text for people where that is asked for.
    JsonOrText(Describe),
    /// Metrics.
    Metrics,
}

/// What there is to know of a route.
#[derive(Clone, Copy)]
pub(super) struct Doc {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The name of the operation, for generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) needs: Needs,
    pub(super) query: Option<Describe>,
    pub(super) body: Option<Describe>,
    /// The status of an answer that is as it was meant.
    pub(super) status: u16,
    pub(super) sends: Sends,
    /// The problems of its own that it answers with, beside those that any route may.
    pub(super) problems: &'static [Kind],
}

/// Answers a request.
type Answer<R, C> =
    fn(Arc<Shared<R, C>>, Call) -> BoxFuture<'static, Result<Response<Body>, Problem>>;

/// A route: what it is, and what answers.
pub(super) struct Endpoint<R, C> {
    pub(super) doc: Doc,
    pub(super) answer: Answer<R, C>,
}

impl<R, C> Clone for Endpoint<R, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, C> Copy for Endpoint<R, C> {}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Doc {
    const fn get(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        needs: Needs,
        sends: Sends,
    ) -> Self {
        let (method, status, problems) = (Method::Get, 200, &[] as &[Kind]);
        Self { method, path, id, summary, needs, query: None, body: None, status, sends, problems }
    }

    const fn change(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        sends: Sends,
    ) -> Self {
        Self { method, ..Self::get(path, id, summary, Needs::Approve, sends) }
    }

    const fn query(self, query: Describe) -> Self {
        Self { query: Some(query), ..self }
    }

    const fn body(self, body: Describe) -> Self {
        Self { body: Some(body), ..self }
    }

    const fn problems(self, problems: &'static [Kind]) -> Self {
        Self { problems, ..self }
    }

    const fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

const HEALTHZ: Doc = Doc::get(
    "/healthz",
    "healthz",
    "Whether the daemon lives and its records can be read",
    Needs::Nothing,
    Sends::Json(of::<HealthForm>),
);
const READYZ: Doc = Doc::get(
    "/readyz",
    "readyz",
    "Whether every tenant had a complete cycle lately",
    Needs::Nothing,
    Sends::Json(of::<ReadinessForm>),
)
.problems(&[Kind::NotReady]);
const METRICS: Doc = Doc::get(
    "/metrics",
    "metrics",
    "Everything that is measured, as OpenMetrics 1.0",
    Needs::Read,
    Sends::Metrics,
);
const OPENAPI: Doc = Doc::get(
    "/api/v1/openapi.json",
    "openapi",
    "This document",
    Needs::Read,
    Sends::Json(super::openapi::any_object),
);
const STATUS: Doc = Doc::get(
    "/api/v1/status",
    "status",
    "Where the daemon and its tenants stand",
    Needs::Read,
    Sends::Json(of::<StatusForm>),
);
const PLANS: Doc = Doc::get(
    "/api/v1/plans",
    "plans",
    "Plans, newest first",
    Needs::Read,
    Sends::Json(of::<PlanPageForm>),
)
.query(of::<PlansQuery>);
const PLAN: Doc = Doc::get(
    "/api/v1/plans/{id}",
    "plan",
    "A plan, whole",
    Needs::Read,
    Sends::JsonOrText(of::<PlanForm>),
)
.query(of::<PlanQuery>)
.problems(&[Kind::NotFound]);
const APPROVE: Doc = Doc::change(
    Method::Post,
    "/api/v1/plans/{id}/approve",
    "approve",
    "Approves a plan; one that is approved already stays as it is",
    Sends::Json(of::<DecidedForm>),
)
.body(of::<ApprovalForm>)
.problems(&[Kind::NotFound, Kind::WrongState, Kind::WrongDigest, Kind::GuardsNotAccepted]);
const REJECT: Doc = Doc::change(
    Method::Post,
    "/api/v1/plans/{id}/reject",
    "reject",
    "Rejects a plan",
    Sends::Json(of::<DecidedForm>),
)
.body(of::<RejectionForm>)
.problems(&[Kind::NotFound, Kind::WrongState, Kind::WrongDigest]);
const HISTORY: Doc = Doc::get(
    "/api/v1/history",
    "history",
    "What became of operations, newest first",
    Needs::Read,
    Sends::Json(of::<HistoryPageForm>),
)
.query(of::<HistoryQuery>);
const SEATS: Doc = Doc::get(
    "/api/v1/tenants/{tenant}/seats",
    "seats",
    "The seats of every SKU, as the last read saw them",
    Needs::Read,
    Sends::Json(of::<SeatList>),
)
.problems(&[Kind::NotFound, Kind::NotYet]);
const USERS: Doc = Doc::get(
    "/api/v1/tenants/{tenant}/users",
    "users",
    "Users and what they hold, as the last read saw them",
    Needs::Read,
    Sends::Json(of::<UserPageForm<'static>>),
)
.query(of::<UsersQuery>)
.problems(&[Kind::NotFound, Kind::NotYet]);
const EXPLAIN: Doc = Doc::get(
    "/api/v1/tenants/{tenant}/explain/{user}",
    "explain",
    "Why a user has, lacks or will lose each SKU, by the policies in force and the last read",
    Needs::Read,
    Sends::JsonOrText(of::<Explanation>),
)
.query(of::<ExplainQuery>)
.problems(&[Kind::NotFound, Kind::NotYet]);
const SHOW_PAUSE: Doc = Doc::get(
    "/api/v1/tenants/{tenant}/pause",
    "pauseState",
    "Whether changes are paused",
    Needs::Read,
    Sends::Json(of::<PauseStateForm>),
)
.problems(&[Kind::NotFound]);
const PAUSE: Doc = Doc::change(
    Method::Post,
    "/api/v1/tenants/{tenant}/pause",
    "pause",
    "Pauses changes, in place of a pause of the tenant that still runs",
    Sends::Json(of::<PauseStateForm>),
)
.body(of::<PauseRequestForm>)
.problems(&[Kind::NotFound]);
const RESUME: Doc = Doc::change(
    Method::Delete,
    "/api/v1/tenants/{tenant}/pause",
    "resume",
    "Ends the pause of the tenant; one for all tenants stays",
    Sends::Json(of::<PauseStateForm>),
)
.problems(&[Kind::NotFound]);
const CYCLE: Doc = Doc::change(
    Method::Post,
    "/api/v1/tenants/{tenant}/cycle",
    "cycle",
    "Asks for a cycle now",
    Sends::Json(of::<CycleForm>),
)
.status(202)
.problems(&[Kind::NotFound]);

macro_rules! endpoints {
    ($($doc:ident => $answer:path,)+) => {
        vec![$(Endpoint {
            doc: $doc,
            answer: |shared, call| Box::pin($answer(shared, call)),
        }),+]
    };
}

/// Returns all routes.
pub(super) fn endpoints<R, C>() -> Vec<Endpoint<R, C>>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    endpoints! {
        HEALTHZ => status::healthz,
        READYZ => status::readyz,
        METRICS => metrics::metrics,
        OPENAPI => super::openapi::openapi,
        STATUS => status::status,
        PLANS => plans::list,
        PLAN => plans::show,
        APPROVE => plans::approve,
        REJECT => plans::reject,
        HISTORY => history::history,
        SEATS => seen::seats,
        USERS => seen::users,
        EXPLAIN => seen::why,
        SHOW_PAUSE => pauses::show,
        PAUSE => pauses::pause,
        RESUME => pauses::resume,
        CYCLE => pauses::cycle,
    }
}

/// Returns the media types that a route sends, and what stands in each.
pub(super) fn contents(sends: Sends) -> Vec<(&'static str, Option<Describe>)> {
    match sends {
        Sends::Json(of) => vec![("application/json", Some(of))],
        Sends::JsonOrText(of) => vec![("application/json", Some(of)), ("text/plain", None)],
        Sends::Metrics => vec![(exposition::MEDIA_TYPE, None)],
    }
}
