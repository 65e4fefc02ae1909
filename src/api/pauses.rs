//! What is asked of the daemon: to change nothing for a while, and to look now.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use jiff::Timestamp;

use crate::domain::names::TenantName;
use crate::domain::span::Span;
use crate::plan::Trigger;
use crate::ports::desk::{Desk, Pause};
use crate::ports::{Clock, Records};
use crate::report::json::text::Text;

use super::Shared;
use super::call::{Call, json};
use super::forms::{CycleForm, PauseRequestForm, PauseStateForm};
use super::plans::checked;
use super::problem::{Kind, Problem};

/// Tells whether changes are paused.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let (tenant, _, _) = shared.tenant(&call)?;
    shared.pause_state(tenant).await
}

/// Pauses changes.
pub(super) async fn pause<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let (tenant, _, _) = shared.tenant(&call)?;
    let by = call.by()?;
    let PauseRequestForm { length, until, reason } = call.json()?;
    let no_reason = || Problem::new(Kind::DoesNotFit, "a pause has a `reason`");
    let reason = checked(Some(reason))?.ok_or_else(no_reason)?;
    let since = shared.deps.clock.now();
    let until = end(since, length.as_deref(), until.map(|Text(until)| until))?;
    let pause = Pause { tenant: Some(tenant.clone()), by: Arc::clone(&by), reason, since, until };
    shared.deps.records.pause(pause).await?;
    tracing::info!(%tenant, by = &*by, until = %until, "changes are paused over HTTP");
    shared.pause_state(tenant).await
}

/// Ends the pauses of a tenant. One for all tenants stays.
pub(super) async fn resume<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let (tenant, _, _) = shared.tenant(&call)?;
    let by = call.by()?;
    let now = shared.deps.clock.now();
    shared.deps.records.resume(Some(&tenant), Arc::clone(&by), now).await?;
    tracing::info!(%tenant, by = &*by, "pauses are ended over HTTP");
    shared.pause_state(tenant).await
}

/// Asks for a cycle now.
pub(super) async fn cycle<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let (tenant, _, place) = shared.tenant(&call)?;
    let by = call.by()?;
    place.wake.ring(Trigger::Person);
    tracing::info!(%tenant, by = &*by, "a cycle is asked for over HTTP");
    Ok(json(202, &CycleForm { tenant: Text(tenant), requested: true }))
}

impl<R, C> Shared<R, C>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    async fn pause_state(&self, tenant: TenantName) -> Result<Response<Body>, Problem> {
        let pause = self.deps.records.paused(&tenant, self.deps.clock.now()).await?;
        let (paused, pause) = (pause.is_some(), pause.map(Into::into));
        Ok(json(200, &PauseStateForm { tenant: Text(tenant), paused, pause }))
    }
}

/// Returns when a pause ends.
fn end(
    since: Timestamp,
    length: Option<&str>,
    until: Option<Timestamp>,
) -> Result<Timestamp, Problem> {
    let unfit = |detail: String| Problem::new(Kind::DoesNotFit, detail);
    let end = match (length, until) {
        (Some(length), None) => {
            let length: Span = length.parse().map_err(|error| unfit(format!("`for`: {error}")))?;
            length.after(since)
        }
        (None, Some(until)) => until,
        (None, None) | (Some(_), Some(_)) => {
            return Err(unfit("a pause has either `for` or `until`".to_owned()));
        }
    };
    if end <= since {
        return Err(unfit("a pause ends in the future".to_owned()));
    }
    Ok(end)
}
