//! What became of operations, a page at a time.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::super::Shared;
use super::super::history::{cursor, place};
use super::super::problem::{Kind, Problem};
use super::frame::{Frame, page};
use super::{Visit, encode, html};
use crate::plan::PlanId;
use crate::ports::desk::Desk;
use crate::ports::{Clock, HistoryEntry, HistoryFilter, Records};
use crate::report::html::written;
use crate::report::text::changes::parts;
use crate::report::text::style::Style;
use crate::report::text::{count, time};

/// How many outcomes are on a page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "history.html", config = ".askama.toml")]
struct History {
    frame: Frame,
    user: String,
    /// The plan, as it was asked for.
    plan: String,
    /// Whether that is no id of a plan.
    is_no_plan: bool,
    /// How much there is.
    found: String,
    rows: Vec<Row>,
    next: Option<String>,
}

/// An outcome.
pub(super) struct Row {
    pub(super) at: String,
    pub(super) tenant: String,
    pub(super) user_id: String,
    pub(super) user: Arc<str>,
    pub(super) change: String,
    pub(super) outcome: &'static str,
    /// What Graph said, or why it was not tried.
    pub(super) detail: String,
    /// Graph's id of the request, where there was one.
    pub(super) request: Option<Arc<str>>,
    pub(super) policies: String,
    pub(super) approved_by: String,
    pub(super) plan: PlanId,
}

impl Row {
    /// Tells an outcome.
    pub(super) fn new(entry: &HistoryEntry) -> Self {
        let HistoryEntry { tenant, outcome, operation, approved_by } = entry;
        let mut policies: Vec<&str> =
            operation.because.iter().map(|because| because.policy.as_str()).collect();
        policies.dedup();
        Self {
            at: time(outcome.at),
            tenant: tenant.to_string(),
            user_id: operation.user.id.to_string(),
            user: Arc::clone(&operation.user.principal_name),
            change: parts(operation, Style::Plain).join(", "),
            outcome: outcome.kind.as_str(),
            detail: outcome.detail.clone(),
            request: outcome.request_id.clone(),
            policies: policies.join(", "),
            approved_by: approved_by.as_deref().unwrap_or_default().to_owned(),
            plan: outcome.plan,
        }
    }
}

/// Shows it.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let text = |key: &str| visit.query.get(key).map(str::trim).unwrap_or_default().to_owned();
    let (user, plan) = (text("user"), text("plan"));
    let asked: Option<PlanId> = plan.parse().ok();
    if !plan.is_empty() && asked.is_none() {
        return Ok(no_plan(visit, user, plan));
    }
    let filter = HistoryFilter {
        outcomes: Vec::new(),
        tenant: visit.query.parsed("tenant")?,
        user: Some(user.as_str()).filter(|user| !user.is_empty()).map(Arc::from),
        plan: asked,
        before: visit.query.get("before").map(place).transpose()?,
        limit: Some(PAGE as u64 + 1),
    };
    let turn = shared.turn().await;
    let mut entries = shared.deps.records.history(filter).await?;
    turn.work(move || {
        let is_more = entries.len() > PAGE;
        entries.truncate(PAGE);
        let next = entries.last().filter(|_| is_more).map(|last| {
            let mut query = format!("?before={}", encode(&cursor(last)));
            for (key, value) in [("user", &user), ("plan", &plan)] {
                let _ = write!(query, "&{key}={}", encode(value));
            }
            query
        });
        let rows: Vec<Row> = entries.iter().map(Row::new).collect();
        let found = match rows.len() {
            0 => "Nothing is on record for this.".to_owned(),
            shown if is_more => format!("{shown} outcomes, and there are older ones."),
            shown => format!("{}.", count(shown as u64, "outcome", "outcomes")),
        };
        let frame = Frame::new("History", "/history").of(visit.guest, visit.is_open);
        Ok(page(&History { frame, user, plan, is_no_plan: false, found, rows, next }))
    })
    .await
}

/// Says that what was asked for is no id of a plan, with the form to ask again.
fn no_plan(visit: Visit, user: String, plan: String) -> Response<Body> {
    let frame = Frame::new("History", "/history").of(visit.guest, visit.is_open);
    let (found, rows, next) = (String::new(), Vec::new(), None);
    let history = History { frame, user, plan, is_no_plan: true, found, rows, next };
    html(Kind::BadRequest.status(), written(&history))
}
