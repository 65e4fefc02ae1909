//! Cycles in SQL.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::domain::names::TenantName;
use crate::ports::CycleRecord;
use crate::store::column::{AsWord, Nanoseconds, Text};
use crate::store::error::Fault;

/// Records a cycle.
pub(super) fn record(transaction: &Transaction<'_>, cycle: &CycleRecord) -> Result<(), Fault> {
    let CycleRecord { tenant, trigger, started_at, ended_at, plan, failure } = cycle;
    transaction
        .prepare_cached(
            "INSERT INTO cycles (tenant, started_at, ended_at, plan, failure, trigger)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            tenant.as_str(),
            Nanoseconds(*started_at),
            Nanoseconds(*ended_at),
            plan.map(Text),
            failure,
            trigger.map(AsWord),
        ])?;
    Ok(())
}

/// Returns the latest cycle of a tenant, and the latest that did not fail.
pub(super) fn latest(
    connection: &Connection,
    tenant: &TenantName,
) -> Result<(Option<CycleRecord>, Option<CycleRecord>), Fault> {
    let any = one(connection, tenant, "")?;
    let good = one(connection, tenant, "AND failure IS NULL")?;
    Ok((any, good))
}

fn one(
    connection: &Connection,
    tenant: &TenantName,
    condition: &str,
) -> Result<Option<CycleRecord>, Fault> {
    let sql = format!(
        "SELECT started_at, ended_at, plan, failure, trigger FROM cycles
         WHERE tenant = ?1 {condition} ORDER BY number DESC LIMIT 1"
    );
    let found = connection.prepare_cached(&sql)?.query_row([tenant.as_str()], |row| {
        let (Nanoseconds(started_at), Nanoseconds(ended_at)) = (row.get(0)?, row.get(1)?);
        let plan = row.get::<_, Option<Text<_>>>(2)?.map(|Text(plan)| plan);
        let tenant = tenant.clone();
        let trigger = row.get::<_, Option<AsWord<_>>>(4)?.map(|AsWord(trigger)| trigger);
        Ok(CycleRecord { tenant, trigger, started_at, ended_at, plan, failure: row.get(3)? })
    });
    Ok(found.optional()?)
}
