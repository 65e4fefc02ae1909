//! Drops what is older than it has to be kept: from the beginning of the chains, and with a checkpoint,
//! so that what stays can be verified as before.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::plan::Digest;
use crate::store::column::{Nanoseconds, Text};
use crate::store::error::Fault;
use crate::store::journal::{self, Checkpoint, Entry, Event};
use crate::store::seats;

/// How much was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Plans, with their operations and all that became of them.
    pub plans: u64,
    /// Outcomes.
    pub outcomes: u64,
    /// Records of the journal.
    pub records: u64,
}

/// Whether something may still become of a plan, with `?1` the time before which nothing is kept: of
/// one that nobody decided on in time nothing does, whether that was written down or not.
const GOES_ON: &str = "(plans.state = 'applying'
     OR (plans.state IN ('proposed', 'held', 'approved') AND plans.expires_at > ?1))";

/// Drops what was recorded before this time and is about nothing that goes on.
pub(super) fn drop_before(
    transaction: &Transaction<'_>,
    before: Timestamp,
    now: Timestamp,
) -> Result<Dropped, Fault> {
    let last = Checkpoint::latest(transaction)?;
    let (journal_number, journal_chain) = journal_up_to(transaction, before, &last)?;
    let (outcome_number, outcome_chain) =
        outcomes_up_to(transaction, before, journal_number, &last)?;
    transaction.execute("INSERT INTO dropping (one) VALUES (1)", [])?;
    let outcomes =
        transaction.execute("DELETE FROM outcomes WHERE number <= ?1", [outcome_number])?;
    let records =
        transaction.execute("DELETE FROM journal WHERE number <= ?1", [journal_number])?;
    let plans = drop_plans(transaction, before)?;
    for sql in [
        "DELETE FROM requests WHERE at < ?1 AND state IN ('answered', 'withdrawn')",
        "DELETE FROM deliveries WHERE notice IN (SELECT number FROM notices WHERE at < ?1)",
        "DELETE FROM notices WHERE at < ?1",
        "DELETE FROM pauses WHERE until < ?1",
    ] {
        transaction.execute(sql, [Nanoseconds(before)])?;
    }
    seats::drop_before(transaction, before)?;
    transaction.execute("DELETE FROM dropping", [])?;
    let dropped =
        Dropped { plans: plans as u64, outcomes: outcomes as u64, records: records as u64 };
    if dropped == Dropped::default() {
        return Ok(dropped);
    }
    let checkpoint = Checkpoint {
        number: last.number,
        journal_number,
        journal_chain,
        outcome_number,
        outcome_chain,
        // What has no record any more cannot be looked for there.
        outcomes_before: last.outcomes_before.max(covered(transaction, "outcomes", "outcome")?),
        intents_before: last.intents_before.max(covered(transaction, "intents", "intent")?),
        decisions_before: last.decisions_before.max(covered(transaction, "decisions", "decision")?),
    };
    transaction.execute(
        "INSERT INTO checkpoints (journal_number, journal_chain, outcome_number, outcome_chain,
                                  outcomes_before, intents_before, decisions_before)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            checkpoint.journal_number,
            Text(checkpoint.journal_chain),
            checkpoint.outcome_number,
            Text(checkpoint.outcome_chain),
            checkpoint.outcomes_before,
            checkpoint.intents_before,
            checkpoint.decisions_before,
        ],
    )?;
    // The checkpoint is in no chain: what it says stands in the record that is.
    let mut body = checkpoint.body();
    body["plans"] = dropped.plans.into();
    body["outcomes"] = dropped.outcomes.into();
    body["records"] = dropped.records.into();
    body["dropped_before"] = before.to_string().into();
    let entry =
        Entry { at: now, event: Event::Retention, tenant: None, plan: None, operation: None, body };
    journal::append(transaction, &mut [entry].into_iter())?;
    Ok(dropped)
}

/// Returns the last of the outcomes from the beginning on that are old, of plans that ended, and of
/// which no record stays in the journal: it would tell of an outcome that is not there.
fn outcomes_up_to(
    connection: &Connection,
    before: Timestamp,
    journal_number: i64,
    last: &Checkpoint,
) -> Result<(i64, Digest), Fault> {
    let stays: Option<i64> = connection.query_row(
        &format!(
            "SELECT min(outcomes.number) FROM outcomes JOIN plans ON plans.id = outcomes.plan
             WHERE outcomes.at >= ?1 OR {GOES_ON}
                 OR outcomes.number = (SELECT max(number) FROM outcomes)
                 OR EXISTS (
                     SELECT 1 FROM journal WHERE journal.plan = outcomes.plan
                         AND journal.operation = outcomes.operation
                         AND journal.event = 'outcome' AND journal.number > ?2)"
        ),
        params![Nanoseconds(before), journal_number],
        |row| row.get(0),
    )?;
    let found = up_to(connection, "outcomes", stays)?;
    Ok(found.unwrap_or((last.outcome_number, last.outcome_chain)))
}

fn journal_up_to(
    connection: &Connection,
    before: Timestamp,
    last: &Checkpoint,
) -> Result<(i64, Digest), Fault> {
    let stays: Option<i64> = connection.query_row(
        &format!(
            "SELECT min(journal.number) FROM journal LEFT JOIN plans ON plans.id = journal.plan
             WHERE journal.at >= ?1 OR {GOES_ON}
                 OR journal.number = (SELECT max(number) FROM journal)"
        ),
        [Nanoseconds(before)],
        |row| row.get(0),
    )?;
    let found = up_to(connection, "journal", stays)?;
    Ok(found.unwrap_or((last.journal_number, last.journal_chain)))
}

/// Returns the number and the digest of the last row before the first one that stays.
fn up_to(
    connection: &Connection,
    table: &str,
    stays: Option<i64>,
) -> Result<Option<(i64, Digest)>, Fault> {
    let found = connection.query_row(
        &format!(
            "SELECT number, chain FROM {table} WHERE number < ?1 ORDER BY number DESC LIMIT 1"
        ),
        [stays.unwrap_or(i64::MAX)],
        |row| {
            let Text(chain) = row.get(1)?;
            Ok((row.get(0)?, chain))
        },
    );
    Ok(found.optional()?)
}

/// Drops plans that ended long ago and have no outcome left.
fn drop_plans(transaction: &Transaction<'_>, before: Timestamp) -> Result<usize, Fault> {
    transaction.execute(
        "CREATE TEMP TABLE IF NOT EXISTS old_plans (id TEXT PRIMARY KEY) WITHOUT ROWID",
        [],
    )?;
    transaction.execute("DELETE FROM old_plans", [])?;
    transaction.execute(
        &format!(
            "INSERT INTO old_plans SELECT id FROM plans
         WHERE created_at < ?1 AND NOT {GOES_ON}
             AND NOT EXISTS (SELECT 1 FROM outcomes WHERE outcomes.plan = plans.id)
             AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.plan = plans.id)
             AND number <> (SELECT max(number) FROM plans)
             AND id IS NOT (SELECT plan FROM intents ORDER BY number DESC LIMIT 1)
             AND id IS NOT (SELECT plan FROM decisions ORDER BY number DESC LIMIT 1)"
        ),
        [Nanoseconds(before)],
    )?;
    for sql in [
        "DELETE FROM intents WHERE plan IN (SELECT id FROM old_plans)",
        "DELETE FROM decisions WHERE plan IN (SELECT id FROM old_plans)",
        "DELETE FROM operations WHERE plan IN (SELECT id FROM old_plans)",
        "DELETE FROM cycles WHERE plan IN (SELECT id FROM old_plans)",
    ] {
        transaction.execute(sql, [])?;
    }
    transaction.execute(
        "DELETE FROM cycles WHERE started_at < ?1 AND plan IS NULL",
        [Nanoseconds(before)],
    )?;
    Ok(transaction.execute("DELETE FROM plans WHERE id IN (SELECT id FROM old_plans)", [])?)
}

/// Returns the last row of a table that has no record in the journal.
fn covered(connection: &Connection, table: &str, event: &str) -> Result<i64, Fault> {
    let operation = if table == "decisions" {
        "journal.at = decisions.at".to_owned()
    } else {
        format!("journal.operation = {table}.operation")
    };
    let sql = format!(
        "SELECT coalesce(max(number), 0) FROM {table} WHERE NOT EXISTS (
             SELECT 1 FROM journal WHERE journal.plan = {table}.plan AND {operation}
                 AND journal.event = '{event}')"
    );
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}
