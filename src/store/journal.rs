//! The journal: intents, outcomes, decisions and pauses in one chain, so that none can be changed,
//! dropped or slipped in without its showing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::names::TenantName;
use crate::plan::{Digest, PlanId};
use crate::store::chain::{BEGINNING, Verification};
use crate::store::column::{Nanoseconds, Text};
use crate::store::error::Fault;
use crate::store::outcomes;

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An operation is about to be sent.
    Intent,
    /// What became of it.
    Outcome,
    /// Somebody decided on a plan.
    Decision,
    /// Somebody paused.
    Pause,
    /// Somebody resumed.
    Resume,
    /// Records were dropped because their time was over.
    Retention,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Decision => "decision",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retention => "retention",
        }
    }
}

/// A record before it is in the chain.
pub(super) struct Entry<'a> {
    pub(super) at: Timestamp,
    pub(super) event: Event,
    pub(super) tenant: Option<&'a str>,
    pub(super) plan: Option<PlanId>,
    pub(super) operation: Option<Digest>,
    pub(super) body: Value,
}

/// A record of the journal, for those who keep a copy of it elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalRecord {
    /// Its place in the order of recording.
    pub number: u64,
    /// When it was recorded.
    pub at: String,
    /// What: `intent`, `outcome`, `decision`, `pause`, `resume` or `retention`.
    pub event: String,
    /// The tenant.
    pub tenant: Option<String>,
    /// The plan.
    pub plan: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// What there is to say of it.
    pub body: Value,
    /// The digest of this record and of all before it.
    pub chain: String,
}

/// Puts records at the end of the chain.
pub(super) fn append(
    transaction: &Transaction<'_>,
    entries: &mut dyn Iterator<Item = Entry<'_>>,
) -> Result<(), Fault> {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return Ok(());
    }
    let mut last = last(transaction)?;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO journal (at, event, tenant, plan, operation, body, chain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for Entry { at, event, tenant, plan, operation, body } in entries {
        let (plan, operation) =
            (plan.map(|id| id.to_string()), operation.map(|key| key.to_string()));
        let body = body.to_string();
        let link = Link {
            at,
            event: event.as_str(),
            tenant,
            plan: plan.as_deref(),
            operation: operation.as_deref(),
            body: &body,
        };
        last = link.after(last);
        statement.execute(params![
            Nanoseconds(at),
            event.as_str(),
            tenant,
            plan,
            operation,
            body,
            Text(last)
        ])?;
    }
    Ok(())
}

/// Everything about a record that the chain binds.
struct Link<'a> {
    at: Timestamp,
    event: &'a str,
    tenant: Option<&'a str>,
    plan: Option<&'a str>,
    operation: Option<&'a str>,
    body: &'a str,
}

impl Link<'_> {
    fn after(&self, last: Digest) -> Digest {
        let Self { at, event, tenant, plan, operation, body } = self;
        let mut hasher = Sha256::new();
        hasher.update(last.0);
        hasher.update(at.as_nanosecond().to_le_bytes());
        // Each text with its length, so that none can pass for the end of one and the beginning of the
        // next; an absent one has a length that no text has.
        for text in [Some(*event), *tenant, *plan, *operation, Some(*body)] {
            hasher.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
            hasher.update(text.unwrap_or_default().as_bytes());
        }
        Digest(hasher.finalize().into())
    }
}

/// Returns the digest of the newest record, or of the checkpoint before the first.
pub(super) fn last(connection: &Connection) -> Result<Digest, Fault> {
    let newest = connection
        .prepare_cached("SELECT chain FROM journal ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    match newest {
        Some(Text(chain)) => Ok(chain),
        None => Ok(Checkpoint::latest(connection)?.journal_chain),
    }
}

/// Up to where records were dropped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    pub(super) number: i64,
    pub(super) journal_number: i64,
    pub(super) journal_chain: Digest,
    pub(super) outcome_number: i64,
    pub(super) outcome_chain: Digest,
    pub(super) outcomes_before: i64,
    pub(super) intents_before: i64,
    pub(super) decisions_before: i64,
}

impl Checkpoint {
    /// Returns what the record of what was dropped tells of it.
    pub(super) fn body(&self) -> Value {
        serde_json::json!({
            "journal_number": self.journal_number,
            "journal_chain": self.journal_chain.to_string(),
            "outcome_number": self.outcome_number,
            "outcome_chain": self.outcome_chain.to_string(),
            "outcomes_before": self.outcomes_before,
            "intents_before": self.intents_before,
            "decisions_before": self.decisions_before,
        })
    }

    /// Lowers what needs no record to what comes before everything that has one: whatever is recorded
    /// later was recorded in the journal as well.
    fn at_most(self, connection: &Connection) -> Result<Self, Fault> {
        let before = |table: &str, event: &str, same: &str, most: i64| -> Result<i64, Fault> {
            let first: Option<i64> = connection.query_row(
                &format!(
                    "SELECT min({table}.number) FROM {table} WHERE EXISTS (
                         SELECT 1 FROM journal WHERE journal.plan = {table}.plan AND {same}
                             AND journal.event = '{event}')"
                ),
                [],
                |row| row.get(0),
            )?;
            Ok(first.map_or(most, |first| most.min(first - 1)))
        };
        let operation = |table: &str| format!("journal.operation = {table}.operation");
        let at = "journal.at = decisions.at";
        Ok(Self {
            outcomes_before: before(
                "outcomes",
                "outcome",
                &operation("outcomes"),
                self.outcomes_before,
            )?,
            intents_before: before(
                "intents",
                "intent",
                &operation("intents"),
                self.intents_before,
            )?,
            decisions_before: before("decisions", "decision", at, self.decisions_before)?,
            ..self
        })
    }

    /// Returns the latest.
    pub(super) fn latest(connection: &Connection) -> Result<Self, Fault> {
        let found = connection
            .prepare_cached(
                "SELECT journal_number, journal_chain, outcome_number, outcome_chain,
                        outcomes_before, intents_before, decisions_before, number
                 FROM checkpoints ORDER BY number DESC LIMIT 1",
            )?
            .query_row([], |row| {
                let (Text(journal_chain), Text(outcome_chain)) = (row.get(1)?, row.get(3)?);
                Ok(Self {
                    journal_number: row.get(0)?,
                    journal_chain,
                    outcome_number: row.get(2)?,
                    outcome_chain,
                    outcomes_before: row.get(4)?,
                    intents_before: row.get(5)?,
                    decisions_before: row.get(6)?,
                    number: row.get(7)?,
                })
            })
            .optional()?;
        Ok(found.unwrap_or(Self {
            number: 0,
            journal_number: 0,
            journal_chain: BEGINNING,
            outcome_number: 0,
            outcome_chain: BEGINNING,
            outcomes_before: 0,
            intents_before: 0,
            decisions_before: 0,
        }))
    }
}

/// Recomputes both chains, and looks whether each tells of what the other does.
pub(super) fn verify(connection: &Connection) -> Result<Verification, Fault> {
    // Of a damaged file a chain may seem shorter, and whole.
    undamaged(connection)?;
    let checkpoint = Checkpoint::latest(connection)?;
    if let Some(what) = unfounded(connection, &checkpoint)? {
        return Ok(Verification::Broken { what });
    }
    let checkpoint = checkpoint.at_most(connection)?;
    let (outcomes, newest) = match outcomes::verify(connection, &checkpoint)? {
        Ok(found) => found,
        Err(what) => return Ok(Verification::Broken { what }),
    };
    let (records, head) = match verify_journal(connection, &checkpoint)? {
        Ok(found) => found,
        Err(what) => return Ok(Verification::Broken { what }),
    };
    for check in CHECKS {
        if let Some(what) = (check.find)(connection, &checkpoint)? {
            return Ok(Verification::Broken { what });
        }
    }
    // Of a store from before there was a journal, the outcomes are all there is.
    let head = if records == 0 && head == BEGINNING { newest } else { head };
    Ok(Verification::Whole { outcomes, records, head })
}

/// Fails where the file is damaged, as every question that meets the damage does.
fn undamaged(connection: &Connection) -> Result<(), Fault> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(corrupt, Some(found)).into())
}

/// Says what is wrong with a checkpoint that the journal does not tell of. Where the chains begin anew,
/// and what needs no record, stands in the record of what was dropped: it is in the chain, and a
/// checkpoint is not. The first one says where the journal began, and nothing was dropped before.
fn unfounded(connection: &Connection, checkpoint: &Checkpoint) -> Result<Option<String>, Fault> {
    let begins_at_once = checkpoint.journal_number == 0
        && checkpoint.journal_chain == BEGINNING
        && checkpoint.outcome_number == 0
        && checkpoint.outcome_chain == BEGINNING;
    if checkpoint.number <= 1 {
        let what = "the journal or the outcomes do not begin where they did";
        return Ok((!begins_at_once).then(|| what.to_owned()));
    }
    let body: Option<String> = connection
        .prepare("SELECT body FROM journal WHERE event = 'retention' ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let body: Value = body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or(Value::Null);
    let told = checkpoint.body();
    let is_told = told.as_object().is_some_and(|told| {
        told.iter().all(|(key, value)| match body.get(key) {
            Some(recorded) => recorded == value,
            // Records of before told less.
            None => key.ends_with("_before") || key == "outcome_number",
        })
    });
    let what = "no record tells of the checkpoint that the chains begin at";
    Ok((!(body.is_object() && is_told)).then(|| what.to_owned()))
}

type Found<T> = Result<T, String>;

fn verify_journal(
    connection: &Connection,
    checkpoint: &Checkpoint,
) -> Result<Found<(u64, Digest)>, Fault> {
    let mut statement = connection.prepare(
        "SELECT number, at, event, tenant, plan, operation, body, chain FROM journal
         ORDER BY number",
    )?;
    let mut rows = statement.query([])?;
    let (mut last, mut records, mut number) =
        (checkpoint.journal_chain, 0, checkpoint.journal_number);
    while let Some(row) = rows.next()? {
        let found: i64 = row.get(0)?;
        let Nanoseconds(at) = row.get(1)?;
        let event = row.get_ref(2)?.as_str().unwrap_or_default();
        let text = |column: usize| -> rusqlite::Result<Option<String>> { row.get(column) };
        let (tenant, plan, operation) = (text(3)?, text(4)?, text(5)?);
        let body: String = row.get(6)?;
        let link = Link {
            at,
            event,
            tenant: tenant.as_deref(),
            plan: plan.as_deref(),
            operation: operation.as_deref(),
            body: &body,
        };
        last = link.after(last);
        let Text(recorded): Text<Digest> = row.get(7)?;
        if last != recorded || found != number + 1 {
            let of = plan.map(|plan| format!(" of plan {plan}")).unwrap_or_default();
            return Ok(Err(format!(
                "record {found} of the journal ({event}{of}) is not what was recorded, or one before \
                 it is missing"
            )));
        }
        number = found;
        records += 1;
    }
    Ok(Ok((records, last)))
}

/// Something that the journal and the tables must agree on.
struct Check {
    find: fn(&Connection, &Checkpoint) -> Result<Option<String>, Fault>,
}

const CHECKS: [Check; 4] = [
    Check { find: outcome_without_record },
    Check { find: record_without_outcome },
    Check { find: intents_that_differ },
    Check { find: decisions_that_differ },
];

fn outcome_without_record(
    connection: &Connection,
    checkpoint: &Checkpoint,
) -> Result<Option<String>, Fault> {
    first(
        connection,
        "SELECT outcomes.plan FROM outcomes WHERE outcomes.number > ?1 AND NOT EXISTS (
             SELECT 1 FROM journal WHERE journal.plan = outcomes.plan
                 AND journal.operation = outcomes.operation AND journal.event = 'outcome'
                 AND json_extract(journal.body, '$.chain') = outcomes.chain) LIMIT 1",
        checkpoint.outcomes_before,
        "an outcome of plan {} was slipped in, or is not what was recorded",
    )
}

fn record_without_outcome(
    connection: &Connection,
    _: &Checkpoint,
) -> Result<Option<String>, Fault> {
    first(
        connection,
        "SELECT journal.plan FROM journal WHERE journal.event = 'outcome' AND ?1 = ?1
             AND NOT EXISTS (
                 SELECT 1 FROM outcomes WHERE outcomes.plan = journal.plan
                     AND outcomes.operation = journal.operation
                     AND outcomes.chain = json_extract(journal.body, '$.chain'))
             AND EXISTS (SELECT 1 FROM plans WHERE plans.id = journal.plan) LIMIT 1",
        0,
        "an outcome of plan {} was dropped, or is not what was recorded",
    )
}

fn intents_that_differ(
    connection: &Connection,
    checkpoint: &Checkpoint,
) -> Result<Option<String>, Fault> {
    let missing = first(
        connection,
        "SELECT intents.plan FROM intents WHERE intents.number > ?1 AND NOT EXISTS (
             SELECT 1 FROM journal WHERE journal.plan = intents.plan
                 AND journal.operation = intents.operation AND journal.event = 'intent'
                 AND journal.at = intents.at) LIMIT 1",
        checkpoint.intents_before,
        "an intent of plan {} was slipped in, or is not what was recorded",
    )?;
    if missing.is_some() {
        return Ok(missing);
    }
    first(
        connection,
        "SELECT journal.plan FROM journal WHERE journal.event = 'intent' AND ?1 = ?1
             AND NOT EXISTS (
                 SELECT 1 FROM intents WHERE intents.plan = journal.plan
                     AND intents.operation = journal.operation
                     AND intents.at = journal.at)
             AND EXISTS (SELECT 1 FROM plans WHERE plans.id = journal.plan) LIMIT 1",
        0,
        "an intent of plan {} was dropped, or is not what was recorded",
    )
}

fn decisions_that_differ(
    connection: &Connection,
    checkpoint: &Checkpoint,
) -> Result<Option<String>, Fault> {
    let missing = first(
        connection,
        "SELECT decisions.plan FROM decisions WHERE decisions.number > ?1 AND NOT EXISTS (
             SELECT 1 FROM journal WHERE journal.plan = decisions.plan
                 AND journal.event = 'decision' AND journal.at = decisions.at
                 AND json_extract(journal.body, '$.by') = decisions.by
                 AND json_extract(journal.body, '$.state') = decisions.state
                 AND json_extract(journal.body, '$.accepted') = decisions.accepted
                 AND json_extract(journal.body, '$.reason') IS decisions.reason) LIMIT 1",
        checkpoint.decisions_before,
        "a decision on plan {} was slipped in, or is not what was recorded",
    )?;
    if missing.is_some() {
        return Ok(missing);
    }
    first(
        connection,
        "SELECT journal.plan FROM journal WHERE journal.event = 'decision' AND ?1 = ?1
             AND NOT EXISTS (
                 SELECT 1 FROM decisions WHERE decisions.plan = journal.plan
                     AND decisions.at = journal.at
                     AND decisions.by = json_extract(journal.body, '$.by')
                     AND decisions.state = json_extract(journal.body, '$.state')
                     AND decisions.accepted = json_extract(journal.body, '$.accepted')
                     AND decisions.reason IS json_extract(journal.body, '$.reason'))
             AND EXISTS (SELECT 1 FROM plans WHERE plans.id = journal.plan) LIMIT 1",
        0,
        "a decision on plan {} was dropped, or is not what was recorded",
    )
}

/// Returns the words for the plan that a question finds, where it finds any.
fn first(
    connection: &Connection,
    sql: &str,
    after: i64,
    words: &str,
) -> Result<Option<String>, Fault> {
    let found: Option<String> =
        connection.prepare(sql)?.query_row([after], |row| row.get(0)).optional()?;
    Ok(found.map(|plan| words.replace("{}", &plan)))
}

/// Returns the records after a number, at most so many, in the order of recording.
pub(super) fn records(
    connection: &Connection,
    tenant: Option<&TenantName>,
    after: u64,
    most: u64,
) -> Result<Vec<JournalRecord>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT number, at, event, tenant, plan, operation, body, chain FROM journal
         WHERE number > ?1 AND (?2 IS NULL OR tenant IS NULL OR tenant = ?2)
         ORDER BY number LIMIT ?3",
    )?;
    let bounds = params![
        i64::try_from(after).unwrap_or(i64::MAX),
        tenant.map(TenantName::as_str),
        i64::try_from(most).unwrap_or(i64::MAX)
    ];
    let rows = statement.query_map(bounds, record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<JournalRecord> {
    let Nanoseconds(at) = row.get(1)?;
    let body: String = row.get(6)?;
    Ok(JournalRecord {
        number: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        at: at.to_string(),
        event: row.get(2)?,
        tenant: row.get(3)?,
        plan: row.get(4)?,
        operation: row.get(5)?,
        body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
        chain: row.get(7)?,
    })
}
