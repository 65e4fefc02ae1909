//! What guards remember, in SQL: how large sources were, and who lost something lately.

use rusqlite::{Connection, Transaction, params};

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName};
use crate::plan::Digest;
use crate::plan::memory::{AGAIN_MAX, Asserted, Memory, MemoryChange, Refused};
use crate::plan::source::{DAY, Mark, Remembered, Source};
use crate::store::column::{Count, Nanoseconds, Text};
use crate::store::error::Fault;

/// A row that stands for no source.
#[derive(Debug, thiserror::Error)]
#[error("`{kind} {name}` is nothing that plans follow from")]
struct UnknownSource {
    kind: String,
    name: String,
}

/// A time that does not fit.
#[derive(Debug, thiserror::Error)]
#[error("a size without marks, or with a time that is none")]
struct UnfitMarks;

/// Carries out a change, as [`Memory`] does.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    tenant: &str,
    change: &MemoryChange,
) -> rusqlite::Result<()> {
    match change {
        MemoryChange::Remember(source, remembered) => {
            remember(transaction, tenant, source, remembered)
        }
        MemoryChange::Disregard(source) => disregard(transaction, tenant, source),
        MemoryChange::Lose(user, at) => lose(transaction, tenant, *user, *at),
        MemoryChange::Lapse(until) => lapse(transaction, tenant, *until),
        MemoryChange::Refuse(key, refused) => refuse(transaction, tenant, *key, refused),
        MemoryChange::Pardon(key) => transaction
            .prepare_cached("DELETE FROM refusals WHERE tenant = ?1 AND operation = ?2")?
            .execute(params![tenant, Text(key)])
            .map(|_| ()),
        MemoryChange::Assert(user, sku, wanted, at) => {
            assert(transaction, tenant, (*user, *sku), *wanted, *at)
        }
        MemoryChange::Settle(user, sku) => transaction
            .prepare_cached(
                "DELETE FROM assertions WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3",
            )?
            .execute(params![tenant, Text(user), Text(sku)])
            .map(|_| ()),
    }
}

/// Writes how large a source was.
fn remember(
    transaction: &Transaction<'_>,
    tenant: &str,
    source: &Source,
    Remembered { marks, text }: &Remembered,
) -> rusqlite::Result<()> {
    let pair = |mark: &Mark| (mark.size, mark.since.as_nanosecond().to_string());
    let marks: Vec<(u64, String)> = marks.iter().map(pair).collect();
    let marks = serde_json::to_string(&marks).expect("a list of numbers and texts is JSON");
    transaction
        .prepare_cached(
            "INSERT INTO sources (tenant, kind, name, marks, text) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tenant, kind, name) DO UPDATE SET
                 marks = excluded.marks, text = excluded.text",
        )?
        .execute(params![tenant, source.kind(), source.name(), marks, text.as_ref().map(Text)])?;
    Ok(())
}

/// Forgets a source.
fn disregard(transaction: &Transaction<'_>, tenant: &str, source: &Source) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM sources WHERE tenant = ?1 AND kind = ?2 AND name = ?3")?
        .execute(params![tenant, source.kind(), source.name()])?;
    Ok(())
}

/// Gives what is remembered of one policy to another, unless something is remembered of that.
pub(super) fn rename(
    transaction: &Transaction<'_>,
    tenant: &str,
    from: &PolicyName,
    to: &PolicyName,
) -> rusqlite::Result<()> {
    let (old, new) = (Source::Policy(from.clone()), Source::Policy(to.clone()));
    transaction
        .prepare_cached(
            "INSERT INTO sources (tenant, kind, name, marks, text)
             SELECT tenant, kind, ?4, marks, text FROM sources
             WHERE tenant = ?1 AND kind = ?2 AND name = ?3
             ON CONFLICT (tenant, kind, name) DO NOTHING",
        )?
        .execute(params![tenant, old.kind(), old.name(), new.name()])?;
    disregard(transaction, tenant, &old)
}

/// Writes that somebody lost something.
fn lose(
    transaction: &Transaction<'_>,
    tenant: &str,
    user: UserId,
    at: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO losses (tenant, user_id, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (tenant, user_id) DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![tenant, Text(user), Nanoseconds(at)])?;
    Ok(())
}

/// Lets go of what was lost until then.
fn lapse(transaction: &Transaction<'_>, tenant: &str, until: Timestamp) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM losses WHERE tenant = ?1 AND at <= ?2")?
        .execute(params![tenant, Nanoseconds(until)])?;
    transaction
        .prepare_cached(
            "DELETE FROM assertions WHERE tenant = ?1 AND (user_id, sku_id) IN (
                 SELECT user_id, sku_id FROM assertions WHERE tenant = ?1
                 GROUP BY user_id, sku_id HAVING max(at) <= ?2 AND count(*) < ?3)",
        )?
        .execute(params![tenant, Nanoseconds(until), Count(AGAIN_MAX as u64)])?;
    Ok(())
}

/// Writes that Graph refused an operation.
fn refuse(
    transaction: &Transaction<'_>,
    tenant: &str,
    key: Digest,
    Refused { user, since, message, state, seats }: &Refused,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO refusals
                 (tenant, operation, user_id, since, message, state, seats)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            tenant,
            Text(key),
            Text(user),
            Nanoseconds(*since),
            message,
            Text(state),
            seats.as_ref().map(Text),
        ])?;
    Ok(())
}

/// Writes that a SKU was set to be so; what it was set to otherwise, or more than a day before, counts
/// no more.
fn assert(
    transaction: &Transaction<'_>,
    tenant: &str,
    (user, sku): (UserId, SkuId),
    wanted: Option<Digest>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let wanted = wanted.map(|digest| digest.to_string()).unwrap_or_default();
    transaction
        .prepare_cached(
            "DELETE FROM assertions WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3
             AND (wanted <> ?4 OR at <= ?5)",
        )?
        .execute(params![tenant, Text(user), Text(sku), wanted, Nanoseconds(at - DAY)])?;
    transaction
        .prepare_cached(
            "INSERT INTO assertions (tenant, user_id, sku_id, at, wanted)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![tenant, Text(user), Text(sku), Nanoseconds(at), wanted])?;
    Ok(())
}

/// Loads what is left alone: what Graph refused, and what was set lately.
fn load_left_alone(
    connection: &Connection,
    tenant: &TenantName,
    memory: &mut Memory,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT operation, user_id, since, message, state, seats FROM refusals WHERE tenant = ?1",
    )?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (Text(key), Text(user)) = (row.get(0)?, row.get(1)?);
        let (Nanoseconds(since), message) = (row.get(2)?, row.get(3)?);
        let Text(state) = row.get(4)?;
        let seats = row.get::<_, Option<Text<_>>>(5)?.map(|Text(digest)| digest);
        memory.refusals.insert(key, Refused { user, since, message, state, seats });
    }
    let mut statement = connection.prepare_cached(
        "SELECT user_id, sku_id, at, wanted FROM assertions WHERE tenant = ?1
         ORDER BY user_id, sku_id, at",
    )?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (Text(user), Text(sku), Nanoseconds(at)) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let wanted: String = row.get(3)?;
        let wanted = if wanted.is_empty() { None } else { Some(row.get::<_, Text<Digest>>(3)?.0) };
        let anew = || Asserted { wanted, times: Vec::new() };
        memory.assertions.entry((user, sku)).or_insert_with(anew).times.push(at);
    }
    Ok(())
}

/// Loads what is remembered.
pub(super) fn load(
    connection: &Connection,
    tenant: &TenantName,
    memory: &mut Memory,
) -> Result<(), Fault> {
    let mut statement = connection
        .prepare_cached("SELECT kind, name, marks, text FROM sources WHERE tenant = ?1")?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let source =
            Source::named(&kind, &name).ok_or_else(|| unfit(0, UnknownSource { kind, name }))?;
        let text = row.get::<_, Option<Text<_>>>(3)?.map(|Text(digest)| digest);
        memory.sources.insert(source, Remembered { marks: marks(row, 2)?, text });
    }
    let mut statement =
        connection.prepare_cached("SELECT user_id, at FROM losses WHERE tenant = ?1")?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (Text(user), Nanoseconds(at)) = (row.get(0)?, row.get(1)?);
        memory.losses.insert(user, at);
    }
    load_left_alone(connection, tenant, memory)
}

fn marks(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Vec<Mark>> {
    let pairs: Vec<(u64, String)> = serde_json::from_str(row.get_ref(column)?.as_str()?)
        .map_err(|error| unfit(column, error))?;
    let mark = |(size, since): (u64, String)| {
        let since = since.parse().ok().and_then(|at| Timestamp::from_nanosecond(at).ok())?;
        Some(Mark { size, since })
    };
    let marks: Option<Vec<Mark>> = pairs.into_iter().map(mark).collect();
    marks.filter(|marks| !marks.is_empty()).ok_or_else(|| unfit(column, UnfitMarks))
}

fn unfit(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    let text = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, text, Box::new(error))
}
