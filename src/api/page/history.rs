//! What became of operations, a page at a time.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::super::Shared;
use super::super::history::{cursor, place};
use super::super::problem::Problem;
use super::frame::{Frame, page};
use super::{Visit, encode};
use crate::plan::PlanId;
use crate::ports::desk::Desk;
use crate::ports::{Clock, HistoryEntry, HistoryFilter, Records};
use crate::report::text::changes::parts;
use crate::report::text::style::Style;
use crate::report::text::time;

/// How many outcomes are on a page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "history.html", config = ".askama.toml")]
struct History {
    frame: Frame,
    user: String,
    plan: String,
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
    let user = visit.query.get("user").map(str::trim).unwrap_or_default().to_owned();
    let filter = HistoryFilter {
        outcomes: Vec::new(),
        tenant: visit.query.parsed("tenant")?,
        user: Some(user.as_str()).filter(|user| !user.is_empty()).map(Arc::from),
        plan: visit.query.parsed("plan")?,
        before: visit.query.get("before").map(place).transpose()?,
        limit: Some(PAGE as u64 + 1),
    };
    let plan = filter.plan.map(|plan| plan.to_string()).unwrap_or_default();
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
        let rows = entries.iter().map(Row::new).collect();
        let frame = Frame::new("History", "/history").of(visit.guest, visit.is_open);
        Ok(page(&History { frame, user, plan, rows, next }))
    })
    .await
}
