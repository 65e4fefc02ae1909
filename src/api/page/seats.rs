//! Seats: of each SKU a bar, and all of them in a table.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use jiff::Timestamp;

use super::super::Shared;
use super::super::problem::Problem;
use super::Visit;
use super::frame::{Frame, page};
use crate::domain::known::Known;
use crate::plan::forecast::SeatPoint;
use crate::plan::inventory::{SeatCount, SeatUse};
use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use crate::report::html::chart::{Lines, Seats, outlook};
use crate::report::text::time;

#[derive(Template)]
#[template(path = "seats.html", config = ".askama.toml")]
struct SeatsPage {
    frame: Frame,
    tenant: String,
    tenants: Vec<String>,
    read: String,
    skus: Vec<Sku>,
}

/// The seats of a SKU.
struct Sku {
    count: SeatCount,
    bar: String,
    words: String,
    /// How they were used over time.
    lines: Option<Lines>,
    /// When they run out.
    outlook: Option<String>,
    /// When seats next end or renew, in words.
    expiry: String,
}

/// Shows them.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let tenant = shared.tenant_of(&visit);
    let tenants = shared.tenants();
    let (turn, seen) = shared.seen(&tenant).await?;
    let history = shared.seats_of(&seen).await?;
    turn.work(move || {
        let seats = seen.seats(&history)?;
        let sku = |count| sku(count, &history, seen.now);
        let mut skus: Vec<Sku> = seats.into_iter().map(sku).collect();
        // What runs short comes first.
        skus.sort_by_key(|sku| (sku.count.now.waiting == 0, sku.count.now.free > 0));
        let read = time(seen.snapshot.taken_at());
        let frame = Frame::new("Seats", "/seats").of(visit.guest, visit.is_open);
        Ok(page(&SeatsPage { frame, tenant, tenants, read, skus }))
    })
    .await
}

fn sku(count: SeatCount, history: &[SeatPoint], now: Timestamp) -> Sku {
    let SeatUse { id, sku: _, total, used, free, reserved, waiting } = count.now;
    let seats = Seats { total, used, reserved, waiting };
    let points: Vec<&SeatPoint> = history.iter().filter(|point| point.seats.id == id).collect();
    let expiry = match count.next_expiry {
        Known::Known(Some(at)) => time(at),
        Known::Known(None) => "none".to_owned(),
        Known::Unknown => "not known".to_owned(),
    };
    Sku {
        bar: seats.bar(),
        words: seats.words(),
        lines: Lines::new(&points, now),
        outlook: count.forecast.as_ref().map(|forecast| outlook(forecast, free)),
        expiry,
        count,
    }
}
