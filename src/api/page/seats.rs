//! Seats: of each SKU a bar, what they cost a month, and all of them in a table.

use std::collections::BTreeMap;
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
use crate::domain::money::{Money, sums};
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
    /// What seats of all SKUs with a price cost, each currency by itself.
    totals: Vec<Costs>,
    /// How many SKUs have no price.
    unpriced: usize,
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
    /// What they cost, where the price is known.
    costs: Option<Costs>,
}

/// What seats cost a month.
#[derive(Clone, Copy)]
struct Costs {
    /// All that there are.
    all: Money,
    used: Money,
    free: Money,
    /// Seats that are used and probably not needed.
    reclaimable: Money,
    /// How many of those there are.
    seats: u64,
}

impl Costs {
    /// What the seats of a SKU cost, where the price is known. More than there are cost nothing.
    fn of(count: &SeatCount) -> Option<Self> {
        let SeatUse { id: _, sku: _, total, used, free, reserved: _, waiting: _ } = count.now;
        let price = count.price?;
        Some(Self {
            all: price.times(total.into()),
            used: price.times(used.min(total).into()),
            free: price.times(free.into()),
            reclaimable: price.times(count.reclaimable.into()),
            seats: count.reclaimable,
        })
    }

    /// Adds up what SKUs cost, each currency by itself.
    fn totals(skus: &[Sku]) -> Vec<Self> {
        let mut by_currency: BTreeMap<Money, Vec<Self>> = BTreeMap::new();
        for sku in skus {
            if let (Some(price), Some(costs)) = (sku.count.price, sku.costs) {
                // Nothing, in a currency, stands for the currency.
                by_currency.entry(price.times(0)).or_default().push(costs);
            }
        }
        let total = |(nothing, all): (Money, Vec<Self>)| {
            let sum = |of: fn(&Self) -> Money| {
                sums(all.iter().map(of)).first().copied().unwrap_or(nothing)
            };
            Self {
                all: sum(|costs| costs.all),
                used: sum(|costs| costs.used),
                free: sum(|costs| costs.free),
                reclaimable: sum(|costs| costs.reclaimable),
                seats: all.iter().map(|costs| costs.seats).sum(),
            }
        };
        by_currency.into_iter().map(total).collect()
    }
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
        let totals = Costs::totals(&skus);
        let unpriced = skus.iter().filter(|sku| sku.costs.is_none()).count();
        Ok(page(&SeatsPage { frame, tenant, tenants, read, skus, totals, unpriced }))
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
        costs: Costs::of(&count),
        count,
    }
}
