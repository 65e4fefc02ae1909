//! What became of operations, a page at a time.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;

use crate::plan::{Digest, PlanId};
use crate::ports::desk::Desk;
use crate::ports::{Clock, HistoryEntry, HistoryFilter, Records};
use crate::report::json::text::Text;
use crate::report::json::{FORMAT_VERSION, forms};

use super::Shared;
use super::call::{Call, json, limit};
use super::forms::{HistoryPageForm, HistoryQuery};
use super::problem::{Kind, Problem};

/// Lists outcomes, newest first.
pub(super) async fn history<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let HistoryQuery { tenant, user, plan, before, limit: most } = call.query()?;
    let most = limit(most)?;
    let filter = HistoryFilter {
        outcomes: Vec::new(),
        tenant: tenant.map(|Text(tenant)| tenant),
        user: user.map(Arc::from),
        plan: plan.map(|Text(plan)| plan),
        before: before.as_deref().map(place).transpose()?,
        limit: Some(most as u64 + 1),
    };
    let turn = shared.turn().await;
    let mut entries = shared.deps.records.history(filter).await?;
    turn.work(move || {
        let is_more = entries.len() > most;
        entries.truncate(most);
        let next = entries.last().filter(|_| is_more).map(cursor);
        let history = forms(&entries);
        Ok(json(200, &HistoryPageForm { format_version: FORMAT_VERSION, history, next }))
    })
    .await
}

/// Writes where an outcome stands in the history. For whoever pages it is a word without meaning.
pub(super) fn cursor(entry: &HistoryEntry) -> String {
    format!("{}.{}", entry.outcome.plan, entry.outcome.operation)
}

pub(super) fn place(cursor: &str) -> Result<(PlanId, Digest), Problem> {
    let parts = cursor.split_once('.');
    let place = parts.and_then(|(plan, key)| Some((plan.parse().ok()?, key.parse().ok()?)));
    let detail = "`before` is what `next` of the page before says, or is left out";
    place.ok_or_else(|| Problem::new(Kind::BadRequest, detail))
}
