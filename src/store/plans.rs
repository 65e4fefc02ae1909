//! Plans in SQL: a row each, and one for every operation. Written once; only the state moves on.

use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use crate::domain::names::TenantName;
use crate::plan::{GuardName, Operation, OriginKind, Plan, PlanId, PlanState};
use crate::ports::{Decision, PlanHead, RecordsError, StoredPlan};
use crate::report::json::operation::OperationForm;
use crate::report::json::plan::PlanForm;
use crate::report::word::Word;
use crate::store::column::{AsWord, Count, Nanoseconds, Text};
use crate::store::error::Fault;
use crate::store::journal::{self, Entry, Event};

/// Stores a plan, or returns the open one of the same digest that is there already.
pub(super) fn propose(
    transaction: &Transaction<'_>,
    plan: Plan,
    state: PlanState,
) -> Result<StoredPlan, Fault> {
    let open = open_states();
    expire(transaction, &plan)?;
    let same: Option<Text<PlanId>> = transaction
        .prepare_cached(&format!(
            "SELECT id FROM plans WHERE tenant = ?1 AND digest = ?2 AND state IN ({open})
             ORDER BY number DESC LIMIT 1"
        ))?
        .query_row(params![plan.tenant.as_str(), Text(plan.digest)], |row| row.get(0))
        .optional()?;
    if plan.origin.kind() == OriginKind::Policies {
        transaction
            .prepare_cached(&format!(
                "UPDATE plans SET state = ?3
                 WHERE tenant = ?1 AND digest <> ?2 AND origin = ?5 AND state IN ({open})
                     AND id IS NOT ?4"
            ))?
            .execute(params![
                plan.tenant.as_str(),
                Text(plan.digest),
                AsWord(PlanState::Superseded),
                plan.part_of.map(Text),
                AsWord(OriginKind::Policies),
            ])?;
    }
    if let Some(Text(same)) = same {
        return find(transaction, same);
    }
    insert(transaction, &plan, state)?;
    Ok(StoredPlan { plan, state, decisions: Vec::new() })
}

/// Closes open plans of the same tenant that were not decided in time when a new one was made.
fn expire(transaction: &Transaction<'_>, plan: &Plan) -> Result<(), Fault> {
    let open = open_states();
    transaction
        .prepare_cached(&format!(
            "UPDATE plans SET state = ?3
             WHERE tenant = ?1 AND expires_at <= ?2 AND state IN ({open})"
        ))?
        .execute(params![
            plan.tenant.as_str(),
            Nanoseconds(plan.created_at),
            AsWord(PlanState::Expired),
        ])?;
    Ok(())
}

/// Supersedes the open plans of a tenant that follow from the policies.
pub(super) fn supersede(transaction: &Transaction<'_>, tenant: &TenantName) -> Result<(), Fault> {
    let open = open_states();
    transaction
        .prepare_cached(&format!(
            "UPDATE plans SET state = ?2 WHERE tenant = ?1 AND origin = ?3 AND state IN ({open})"
        ))?
        .execute(params![
            tenant.as_str(),
            AsWord(PlanState::Superseded),
            AsWord(OriginKind::Policies),
        ])?;
    Ok(())
}

/// Returns the states that can still be decided, as a list for SQL.
fn open_states() -> String {
    let mut list = String::new();
    for state in PlanState::ALL.into_iter().filter(|state| state.is_open()) {
        let comma = if list.is_empty() { "" } else { ", " };
        write!(list, "{comma}'{}'", state.as_str()).expect("a string takes every text");
    }
    list
}

fn insert(transaction: &Transaction<'_>, plan: &Plan, state: PlanState) -> Result<(), Fault> {
    transaction
        .prepare_cached(
            "INSERT INTO plans (id, tenant, state, created_at, expires_at, digest, operations,
                                people, head, origin)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            Text(plan.id),
            plan.tenant.as_str(),
            AsWord(state),
            Nanoseconds(plan.created_at),
            Nanoseconds(plan.expires_at),
            Text(plan.digest),
            Count(plan.operations.len() as u64),
            Count(plan.summary.people),
            form(&PlanForm::head(plan)),
            AsWord(plan.origin.kind()),
        ])?;
    let id = plan.id.to_string();
    let mut statement = transaction.prepare_cached(
        "INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind,
                                 form)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (position, operation) in plan.operations.iter().enumerate() {
        statement.execute(params![
            id,
            Count(position as u64),
            Text(operation.key),
            Text(operation.user.id),
            operation.user.principal_name,
            operation.user.principal_name.to_lowercase(),
            AsWord(operation.kind),
            form(&OperationForm::from(operation)),
        ])?;
    }
    Ok(())
}

fn form(form: &impl serde::Serialize) -> String {
    serde_json::to_string(form).expect("the forms have text keys and no foreign writer")
}

/// Returns the plan with this id; with none, the latest.
pub(super) fn get(
    connection: &Connection,
    tenant: Option<&TenantName>,
    id: Option<PlanId>,
) -> Result<Option<StoredPlan>, Fault> {
    let condition = match (tenant, id) {
        (None, None) => "?1 IS NULL AND ?2 IS NULL",
        (None, Some(_)) => "?1 IS NULL AND id = ?2",
        (Some(_), None) => "tenant = ?1 AND ?2 IS NULL",
        (Some(_), Some(_)) => "tenant = ?1 AND id = ?2",
    };
    let found: Option<Text<PlanId>> = connection
        .prepare_cached(&format!(
            "SELECT id FROM plans WHERE {condition} ORDER BY number DESC LIMIT 1"
        ))?
        .query_row(params![tenant.map(TenantName::as_str), id.map(Text)], |row| row.get(0))
        .optional()?;
    found.map(|Text(id)| find(connection, id)).transpose()
}

fn no_such_plan(id: PlanId) -> Fault {
    RecordsError::NoSuchPlan { plan: id.to_string() }.into()
}

/// Returns the plan with this id.
pub(super) fn find(connection: &Connection, id: PlanId) -> Result<StoredPlan, Fault> {
    let row = connection
        .prepare_cached("SELECT state, head FROM plans WHERE id = ?1")?
        .query_row([Text(id)], |row| Ok((row.get(0)?, parse::<PlanForm>(row, 1)?)))
        .optional()?;
    let (AsWord(state), head) = row.ok_or_else(|| no_such_plan(id))?;
    let plan = head.with_operations(operations(connection, id)?).map_err(unfit)?;
    Ok(StoredPlan { plan, state, decisions: decisions(connection, id)? })
}

fn operations(connection: &Connection, id: PlanId) -> Result<Vec<Operation>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT form FROM operations WHERE plan = ?1 ORDER BY position")?;
    let rows = statement.query_map([Text(id)], |row| operation(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads an operation from the column with its form.
pub(super) fn operation(row: &Row<'_>, column: usize) -> rusqlite::Result<Operation> {
    parse::<OperationForm>(row, column)?.try_into().map_err(unfit)
}

/// Reads JSON from a column.
fn parse<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(unfit)
}

fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    let text = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(0, text, Box::new(error))
}

fn decisions(connection: &Connection, id: PlanId) -> Result<Vec<Decision>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT state, by, at, accepted, reason FROM decisions WHERE plan = ?1 ORDER BY number",
    )?;
    let rows = statement.query_map([Text(id)], |row| {
        let (AsWord(state), Nanoseconds(at)) = (row.get(0)?, row.get(2)?);
        let accepted: Vec<String> = parse(row, 3)?;
        Ok(Decision {
            state,
            by: row.get(1)?,
            at,
            accepted: accepted.iter().map(|name| guard(name)).collect::<Result<_, _>>()?,
            reason: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A guard that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a guard")]
struct UnknownGuard(String);

fn guard(name: &str) -> rusqlite::Result<GuardName> {
    GuardName::named(name).ok_or_else(|| unfit(UnknownGuard(name.to_owned())))
}

/// Returns the plans, newest first.
pub(super) fn list(
    connection: &Connection,
    tenant: Option<&TenantName>,
) -> Result<Vec<PlanHead>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, tenant, state, created_at, operations, people, origin FROM plans
         WHERE ?1 IS NULL OR tenant = ?1 ORDER BY number DESC",
    )?;
    let rows = statement.query_map([tenant.map(TenantName::as_str)], |row| {
        let (Text(id), Text(tenant), AsWord(state)) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (Nanoseconds(created_at), Count(operations), Count(people)) =
            (row.get(3)?, row.get(4)?, row.get(5)?);
        let AsWord(origin) = row.get(6)?;
        Ok(PlanHead { id, tenant, state, origin, created_at, operations, people })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns where a plan stands.
pub(super) fn state(connection: &Connection, id: PlanId) -> Result<PlanState, Fault> {
    let state = connection
        .prepare_cached("SELECT state FROM plans WHERE id = ?1")?
        .query_row([Text(id)], |row| row.get(0))
        .optional()?;
    state.map(|AsWord(state)| state).ok_or_else(|| no_such_plan(id))
}

/// Records a decision on an open plan.
pub(super) fn decide(
    transaction: &Transaction<'_>,
    id: PlanId,
    decision: &Decision,
) -> Result<(), Fault> {
    let found = state(transaction, id)?;
    if !found.is_open() {
        let wanted = "proposed, held or approved";
        return Err(RecordsError::WrongState { plan: id, state: found, wanted }.into());
    }
    let Decision { state, by, at, accepted, reason } = decision;
    let accepted: Vec<&str> = accepted.iter().map(|guard| guard.word()).collect();
    transaction
        .prepare_cached(
            "INSERT INTO decisions (plan, state, by, at, accepted, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            Text(id),
            AsWord(*state),
            by,
            Nanoseconds(*at),
            form(&accepted),
            reason
        ])?;
    let tenant: String = transaction
        .prepare_cached("SELECT tenant FROM plans WHERE id = ?1")?
        .query_row([Text(id)], |row| row.get(0))?;
    let entry = Entry {
        at: *at,
        event: Event::Decision,
        tenant: Some(&tenant),
        plan: Some(id),
        operation: None,
        body: json!({
            "state": state.as_str(), "by": by, "accepted": accepted, "reason": reason,
        }),
    };
    journal::append(transaction, &mut [entry].into_iter())?;
    set_state(transaction, id, *state)?;
    if *state == PlanState::Rejected {
        reject_parts(transaction, &tenant, id)?;
    }
    Ok(())
}

/// Records a decision that follows from how another plan stood, unless somebody decided on that one since.
pub(super) fn decide_after(
    transaction: &Transaction<'_>,
    id: PlanId,
    decision: &Decision,
    other: PlanId,
    decisions: usize,
) -> Result<bool, Fault> {
    let found: i64 = transaction
        .prepare_cached("SELECT count(*) FROM decisions WHERE plan = ?1")?
        .query_row([Text(other)], |row| row.get(0))?;
    if usize::try_from(found) != Ok(decisions) {
        return Ok(false);
    }
    decide(transaction, id, decision)?;
    Ok(true)
}

/// Closes the open parts of a plan that was rejected, and the parts of those.
fn reject_parts(transaction: &Transaction<'_>, tenant: &str, id: PlanId) -> Result<(), Fault> {
    let open = open_states();
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT id FROM plans WHERE tenant = ?1 AND id <> ?2 AND state IN ({open})"
    ))?;
    let found = statement.query_map(params![tenant, Text(id)], |row| row.get(0))?;
    let found = found.collect::<Result<Vec<Text<PlanId>>, _>>()?;
    for Text(other) in found {
        if find(transaction, other)?.plan.part_of == Some(id) {
            set_state(transaction, other, PlanState::Superseded)?;
            reject_parts(transaction, tenant, other)?;
        }
    }
    Ok(())
}

/// Moves a plan from one state to another.
pub(super) fn advance(
    transaction: &Transaction<'_>,
    id: PlanId,
    from: PlanState,
    to: PlanState,
) -> Result<(), Fault> {
    let found = state(transaction, id)?;
    if found != from {
        let wanted = from.as_str();
        return Err(RecordsError::WrongState { plan: id, state: found, wanted }.into());
    }
    set_state(transaction, id, to)
}

fn set_state(transaction: &Transaction<'_>, id: PlanId, state: PlanState) -> Result<(), Fault> {
    transaction
        .prepare_cached("UPDATE plans SET state = ?2 WHERE id = ?1")?
        .execute(params![Text(id), AsWord(state)])?;
    Ok(())
}
