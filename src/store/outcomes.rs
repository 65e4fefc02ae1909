//! Intents and outcomes in SQL, and the history that they make.
//!
//! Outcomes form a chain: each carries a digest of itself and of the one before, so that a record
//! that was changed or dropped afterwards shows.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

use jiff::Timestamp;
use serde_json::json;

use crate::domain::ids::UserId;
use crate::domain::names::TenantName;
use crate::plan::{Digest, PlanId, PlanState};
use crate::ports::{HistoryEntry, HistoryFilter, OpenPlan, Outcome, RecordsError, Settlement};
use crate::store::chain::{self, Link};
use crate::store::column::{AsWord, Nanoseconds, Text};
use crate::store::error::Fault;
use crate::store::journal::{self, Checkpoint, Entry, Event};
use crate::store::{ledger, plans};

/// Records that operations of a plan that is being carried out are about to be sent. One that was
/// recorded before keeps its time.
pub(super) fn intend(
    transaction: &Transaction<'_>,
    plan: PlanId,
    operations: &[Digest],
    at: Timestamp,
) -> Result<(), Fault> {
    let state = plans::state(transaction, plan)?;
    if state != PlanState::Applying {
        let wanted = PlanState::Applying.as_str();
        return Err(RecordsError::WrongState { plan, state, wanted }.into());
    }
    let mut statement = transaction.prepare_cached(
        "INSERT INTO intents (plan, operation, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (plan, operation) DO NOTHING",
    )?;
    let mut new = Vec::new();
    for operation in operations {
        if statement.execute(params![Text(plan), Text(operation), Nanoseconds(at)])? > 0 {
            new.push(*operation);
        }
    }
    let tenant: String = transaction
        .prepare_cached("SELECT tenant FROM plans WHERE id = ?1")?
        .query_row([Text(plan)], |row| row.get(0))?;
    let entry = |operation: Digest| Entry {
        at,
        event: Event::Intent,
        tenant: Some(&tenant),
        plan: Some(plan),
        operation: Some(operation),
        body: json!({}),
    };
    journal::append(transaction, &mut new.into_iter().map(entry))
}

/// Records outcomes and carries out what follows for the ledger. An operation that has its outcome
/// already keeps it, and nothing follows a second time.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    settlements: &[Settlement],
) -> Result<(), Fault> {
    let mut last = chain::last(transaction)?;
    let mut recorded = Vec::new();
    for Settlement { outcome, ledger: changes } in settlements {
        if is_settled(transaction, outcome)? {
            continue;
        }
        last = record(transaction, tenant, outcome, last)?;
        ledger::apply(transaction, tenant, changes)?;
        recorded.push((outcome, last));
    }
    let entry = |(outcome, chain): (&Outcome, Digest)| Entry {
        at: outcome.at,
        event: Event::Outcome,
        tenant: Some(tenant.as_str()),
        plan: Some(outcome.plan),
        operation: Some(outcome.operation),
        body: json!({
            "outcome": outcome.kind.as_str(), "detail": outcome.detail, "code": outcome.code,
            "request_id": outcome.request_id, "recovered": outcome.recovered,
            "chain": chain.to_string(),
        }),
    };
    journal::append(transaction, &mut recorded.into_iter().map(entry))
}

fn is_settled(connection: &Connection, outcome: &Outcome) -> Result<bool, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM outcomes WHERE plan = ?1 AND operation = ?2")?;
    Ok(statement.exists(params![Text(outcome.plan), Text(outcome.operation)])?)
}

fn record(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    outcome: &Outcome,
    last: Digest,
) -> Result<Digest, Fault> {
    let planned: Option<(String, Option<String>)> = transaction
        .prepare_cached(
            "SELECT form, (SELECT by FROM decisions
                           WHERE decisions.plan = plans.id AND decisions.state = 'approved'
                           ORDER BY decisions.number DESC LIMIT 1)
             FROM operations JOIN plans ON plans.id = operations.plan
             WHERE plans.id = ?1 AND plans.tenant = ?2 AND operations.key = ?3",
        )?
        .query_row(params![Text(outcome.plan), tenant.as_str(), Text(outcome.operation)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (form, approved_by) = planned.ok_or_else(|| RecordsError::NoSuchPlan {
        plan: format!("{} of tenant `{tenant}` with operation {}", outcome.plan, outcome.operation),
    })?;
    let link = Link { tenant: tenant.as_str(), outcome, form: &form, approved_by };
    let chained = link.after(last);
    insert(transaction, outcome, chained)?;
    Ok(chained)
}

fn insert(transaction: &Transaction<'_>, outcome: &Outcome, chained: Digest) -> Result<(), Fault> {
    let Outcome { plan, operation, kind, at, detail, code, request_id, recovered } = outcome;
    transaction
        .prepare_cached(
            "INSERT INTO outcomes (plan, operation, kind, at, detail, code, request_id, recovered,
                                   chain)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            Text(plan),
            Text(operation),
            AsWord(*kind),
            Nanoseconds(*at),
            detail,
            code,
            request_id,
            recovered,
            Text(chained),
        ])?;
    Ok(())
}

/// No quota counts more intents than these, from the newest back.
const INTENTS_MAX: u32 = 6_000;

/// Returns the writes that were intended since then: an operation that sets a location and licenses
/// takes two.
pub(super) fn writes_since(
    connection: &Connection,
    tenant: &TenantName,
    since: Timestamp,
) -> Result<Vec<(Timestamp, u32)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT latest.at, operations.form FROM
             (SELECT * FROM intents ORDER BY number DESC LIMIT ?3) AS latest
         JOIN plans ON plans.id = latest.plan
         JOIN operations
             ON operations.plan = latest.plan AND operations.key = latest.operation
         WHERE latest.at > ?2 AND plans.tenant = ?1",
    )?;
    let wanted = params![tenant.as_str(), Nanoseconds(since), INTENTS_MAX];
    let rows = statement.query_map(wanted, |row| {
        let Nanoseconds(at) = row.get(0)?;
        let operation = plans::operation(row, 1)?;
        let changes = !operation.add.is_empty() || !operation.remove.is_empty();
        Ok((at, u32::from(changes) + u32::from(operation.usage_location.is_some())))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the plans of a tenant that are being carried out, with what is left open in them.
pub(super) fn open_plans(
    connection: &Connection,
    tenant: &TenantName,
) -> Result<Vec<OpenPlan>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM plans WHERE tenant = ?1 AND state = ?2 ORDER BY number")?;
    let applying = params![tenant.as_str(), AsWord(PlanState::Applying)];
    let ids = statement.query_map(applying, |row| row.get(0))?;
    let ids = ids.collect::<Result<Vec<Text<PlanId>>, _>>()?;
    ids.into_iter().map(|Text(id)| open_plan(connection, id)).collect()
}

fn open_plan(connection: &Connection, id: PlanId) -> Result<OpenPlan, Fault> {
    let plan = plans::find(connection, id)?.plan;
    let mut open = OpenPlan { plan, intended: Vec::new(), untouched: Vec::new() };
    let mut statement = connection.prepare_cached(
        "SELECT operations.key, intents.at FROM operations
         LEFT JOIN intents ON intents.plan = operations.plan AND intents.operation = operations.key
         WHERE operations.plan = ?1 AND NOT EXISTS (
             SELECT 1 FROM outcomes
             WHERE outcomes.plan = operations.plan AND outcomes.operation = operations.key)
         ORDER BY operations.position",
    )?;
    let mut rows = statement.query([Text(id)])?;
    while let Some(row) = rows.next()? {
        let Text(key) = row.get(0)?;
        match row.get::<_, Option<Nanoseconds>>(1)? {
            Some(Nanoseconds(at)) => open.intended.push((key, at)),
            None => open.untouched.push(key),
        }
    }
    Ok(open)
}

/// Returns outcomes, newest first.
pub(super) fn history(
    connection: &Connection,
    filter: &HistoryFilter,
) -> Result<Vec<HistoryEntry>, Fault> {
    let Question { sql, parameters } = question(filter);
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters: Vec<&dyn ToSql> = parameters.iter().map(AsRef::as_ref).collect();
    let rows = statement.query_map(parameters.as_slice(), entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is asked of SQLite: no word of the filter stands in the SQL itself.
struct Question {
    sql: String,
    parameters: Vec<Box<dyn ToSql>>,
}

const ENTRY: &str = "SELECT plans.tenant, outcomes.plan, outcomes.operation, outcomes.kind,
        outcomes.at, outcomes.detail, outcomes.code, outcomes.request_id, outcomes.recovered,
        operations.form,
        (SELECT by FROM decisions
         WHERE decisions.plan = plans.id AND decisions.state = 'approved'
         ORDER BY decisions.number DESC LIMIT 1)";

fn question(filter: &HistoryFilter) -> Question {
    let HistoryFilter { tenant, user, plan, outcomes, before, limit } = filter;
    let mut conditions: Vec<String> = Vec::new();
    let mut parameters: Vec<Box<dyn ToSql>> = Vec::new();
    if !outcomes.is_empty() {
        let each = vec!["?"; outcomes.len()].join(", ");
        conditions.push(format!("outcomes.kind IN ({each})"));
        parameters.extend(outcomes.iter().map(|kind| Box::new(AsWord(*kind)) as Box<dyn ToSql>));
    }
    let user_id = user.as_ref().and_then(|user| user.parse::<UserId>().ok());
    if let Some(tenant) = tenant {
        conditions.push("plans.tenant = ?".to_owned());
        parameters.push(Box::new(Text(tenant.clone())));
    }
    if let Some(plan) = plan {
        conditions.push("outcomes.plan = ?".to_owned());
        parameters.push(Box::new(Text(*plan)));
    }
    if let Some(id) = user_id {
        conditions.push("operations.user_id = ?".to_owned());
        parameters.push(Box::new(Text(id)));
    } else if let Some(part) = user {
        conditions.push("instr(operations.folded_name, ?) > 0".to_owned());
        parameters.push(Box::new(part.to_lowercase()));
    }
    if let Some((plan, operation)) = before {
        conditions.push(
            "outcomes.number < (SELECT number FROM outcomes WHERE plan = ? AND operation = ?)"
                .to_owned(),
        );
        parameters.push(Box::new(Text(*plan)));
        parameters.push(Box::new(Text(*operation)));
    }
    let limit = limit.map_or(Ok(-1), i64::try_from).unwrap_or(i64::MAX);
    parameters.push(Box::new(limit));
    // CROSS JOIN keeps this order: from the one user, else from the newest outcome backwards.
    let tables = match user_id {
        Some(_) => "operations CROSS JOIN outcomes CROSS JOIN plans",
        None => "outcomes CROSS JOIN plans CROSS JOIN operations",
    };
    conditions
        .push("operations.plan = outcomes.plan AND operations.key = outcomes.operation".to_owned());
    conditions.push("plans.id = outcomes.plan".to_owned());
    let conditions = conditions.join(" AND ");
    let sql =
        format!("{ENTRY} FROM {tables} WHERE {conditions} ORDER BY outcomes.number DESC LIMIT ?");
    Question { sql, parameters }
}

/// Recomputes the chain over all outcomes, from the checkpoint on. Returns how many there are and the
/// digest of the newest, or what is wrong in words.
pub(super) fn verify(
    connection: &Connection,
    checkpoint: &Checkpoint,
) -> Result<Result<(u64, Digest), String>, Fault> {
    let mut statement = connection.prepare(&format!(
        "{ENTRY}, outcomes.chain FROM outcomes CROSS JOIN plans CROSS JOIN operations
         WHERE operations.plan = outcomes.plan AND operations.key = outcomes.operation
         AND plans.id = outcomes.plan ORDER BY outcomes.number"
    ))?;
    let mut rows = statement.query([])?;
    let (mut last, mut outcomes) = (checkpoint.outcome_chain, 0);
    while let Some(row) = rows.next()? {
        let outcome = outcome(row)?;
        let (tenant, form): (String, String) = (row.get(0)?, row.get(9)?);
        let link =
            Link { tenant: &tenant, outcome: &outcome, form: &form, approved_by: row.get(10)? };
        let Text(recorded) = row.get(11)?;
        last = link.after(last);
        if last != recorded {
            let Outcome { plan, operation, .. } = outcome;
            return Ok(Err(format!(
                "the outcome of operation {operation} of plan {plan} is not what was recorded, or \
                 one before it is missing"
            )));
        }
        outcomes += 1;
    }
    Ok(Ok((outcomes, last)))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    let Text(tenant) = row.get(0)?;
    let outcome = outcome(row)?;
    let operation = plans::operation(row, 9)?;
    Ok(HistoryEntry { tenant, outcome, operation, approved_by: row.get(10)? })
}

/// Reads an outcome from the columns 1 to 8.
fn outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    let (Text(plan), Text(operation), AsWord(kind)) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let Nanoseconds(at) = row.get(4)?;
    Ok(Outcome {
        plan,
        operation,
        kind,
        at,
        detail: row.get(5)?,
        code: row.get(6)?,
        request_id: row.get(7)?,
        recovered: row.get(8)?,
    })
}
