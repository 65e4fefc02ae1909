//! How seats were used, in SQL: a row whenever that changed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::domain::names::TenantName;
use crate::plan::forecast::SeatPoint;
use crate::plan::inventory::SeatUse;
use crate::store::column::{Count, Nanoseconds, Text};
use crate::store::error::Fault;

const COLUMNS: &str = "sku_id, sku, total, used, free, reserved, waiting, at";

/// Records how seats are used, where it is otherwise than before.
pub(super) fn note(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    at: Timestamp,
    seats: &[SeatUse],
) -> Result<(), Fault> {
    let mut latest = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM seat_uses WHERE tenant = ?1 AND sku_id = ?2 ORDER BY at DESC LIMIT 1"
    ))?;
    let mut forget = transaction
        .prepare_cached("DELETE FROM seat_uses WHERE tenant = ?1 AND sku_id = ?2 AND at > ?3")?;
    let mut keep = transaction.prepare_cached(
        "INSERT OR REPLACE INTO seat_uses
         (tenant, sku_id, sku, total, used, free, reserved, waiting, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for seat in seats {
        let SeatUse { id, sku, total, used, free, reserved, waiting } = seat;
        let before = latest.query_row(params![tenant.as_str(), Text(id)], point).optional()?;
        if before.as_ref().is_some_and(|before| before.seats == *seat && before.at <= at) {
            continue;
        }
        if before.is_some_and(|before| at < before.at) {
            // The clock was ahead then: what it says of days to come is nothing to count with.
            forget.execute(params![tenant.as_str(), Text(id), Nanoseconds(at)])?;
        }
        keep.execute(params![
            tenant.as_str(),
            Text(id),
            &**sku,
            Count(*total),
            Count(*used),
            Count(*free),
            Count(*reserved),
            Count(*waiting),
            Nanoseconds(at),
        ])?;
    }
    Ok(())
}

/// Returns how seats were used from a time on, by SKU and time, and what was so when it began.
pub(super) fn history(
    connection: &Connection,
    tenant: &TenantName,
    since: Timestamp,
) -> Result<Vec<SeatPoint>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM seat_uses AS uses WHERE tenant = ?1 AND at >= coalesce(
             (SELECT max(at) FROM seat_uses
              WHERE tenant = ?1 AND sku_id = uses.sku_id AND at <= ?2), ?2)
         ORDER BY sku_id, at"
    ))?;
    let points = statement.query_map(params![tenant.as_str(), Nanoseconds(since)], point)?;
    Ok(points.collect::<rusqlite::Result<_>>()?)
}

/// Drops what was so before a time, except what was still so then.
pub(super) fn drop_before(transaction: &Transaction<'_>, before: Timestamp) -> Result<(), Fault> {
    transaction.execute(
        "DELETE FROM seat_uses WHERE at < (
             SELECT max(at) FROM seat_uses AS later WHERE later.tenant = seat_uses.tenant
                 AND later.sku_id = seat_uses.sku_id AND later.at <= ?1)",
        [Nanoseconds(before)],
    )?;
    Ok(())
}

fn point(row: &Row<'_>) -> rusqlite::Result<SeatPoint> {
    let (Text(id), Nanoseconds(at)) = (row.get(0)?, row.get(7)?);
    let count = |column| row.get(column).map(|Count(count)| count);
    let seats = SeatUse {
        id,
        sku: row.get::<_, String>(1)?.into(),
        total: count(2)?,
        used: count(3)?,
        free: count(4)?,
        reserved: count(5)?,
        waiting: count(6)?,
    };
    Ok(SeatPoint { at, seats })
}
