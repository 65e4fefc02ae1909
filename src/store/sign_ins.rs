//! Sign-ins in SQL: what a slow read found so far, and how far it has come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::domain::ids::UserId;
use crate::domain::names::TenantName;
use crate::ports::SignInReading;
use crate::store::column::{Count, Nanoseconds, Text};
use crate::store::error::Fault;

/// Returns how far the latest read has come.
pub(super) fn reading(
    connection: &Connection,
    tenant: &TenantName,
) -> Result<Option<SignInReading>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT started_at, users, continuation, finished_at, whole_since FROM sign_in_reads
         WHERE tenant = ?1",
    )?;
    let found = statement.query_row([tenant.as_str()], |row| {
        let (Nanoseconds(started_at), Count(users)) = (row.get(0)?, row.get(1)?);
        let continuation = row.get(2)?;
        let finished_at = row.get::<_, Option<Nanoseconds>>(3)?.map(|Nanoseconds(at)| at);
        let whole_since = row.get::<_, Option<Nanoseconds>>(4)?.map(|Nanoseconds(at)| at);
        Ok(SignInReading { started_at, users, continuation, finished_at, whole_since })
    });
    Ok(found.optional()?)
}

/// Records a page, and how far the read has come with it.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    users: &[(UserId, Option<Timestamp>)],
    read_at: Timestamp,
    reading: &SignInReading,
) -> Result<(), Fault> {
    let tenant = tenant.as_str();
    let mut keep = transaction.prepare_cached(
        "INSERT INTO sign_ins (tenant, user_id, latest, read_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, user_id) DO UPDATE SET latest = ?3, read_at = ?4",
    )?;
    let mut forget =
        transaction.prepare_cached("DELETE FROM sign_ins WHERE tenant = ?1 AND user_id = ?2")?;
    for (user, latest) in users {
        match latest {
            Some(latest) => {
                let (latest, read_at) = (Nanoseconds(*latest), Nanoseconds(read_at));
                keep.execute(params![tenant, Text(user), latest, read_at])?
            }
            None => forget.execute(params![tenant, Text(user)])?,
        };
    }
    let SignInReading { started_at, users, continuation, finished_at, whole_since } = reading;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO sign_in_reads
             (tenant, started_at, users, continuation, finished_at, whole_since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            tenant,
            Nanoseconds(*started_at),
            Count(*users),
            continuation,
            finished_at.map(Nanoseconds),
            whole_since.map(Nanoseconds),
        ])?;
    if finished_at.is_some() {
        transaction
            .prepare_cached("DELETE FROM sign_ins WHERE tenant = ?1 AND read_at < ?2")?
            .execute(params![tenant, Nanoseconds(*started_at)])?;
    }
    Ok(())
}

/// Returns the sign-ins that were read since a time, and when the oldest of them was.
pub(super) fn load(
    connection: &Connection,
    tenant: &TenantName,
    read_since: Timestamp,
) -> Result<(BTreeMap<UserId, Timestamp>, Option<Timestamp>), Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, latest, read_at FROM sign_ins WHERE tenant = ?1 AND read_at >= ?2",
    )?;
    let mut rows = statement.query(params![tenant.as_str(), Nanoseconds(read_since)])?;
    let (mut latest, mut oldest) = (BTreeMap::new(), None::<Timestamp>);
    while let Some(row) = rows.next()? {
        let (Text(user), Nanoseconds(at), Nanoseconds(read_at)) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        latest.insert(user, at);
        oldest = Some(oldest.map_or(read_at, |oldest| oldest.min(read_at)));
    }
    Ok((latest, oldest))
}
