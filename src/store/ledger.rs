//! The ledger in SQL: the same changes as [`Ledger::apply`], row by row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::domain::ids::{InvalidId, ServicePlanId, SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName};
use crate::plan::conflict::Lesson;
use crate::plan::ledger::{Ledger, LedgerChange, Owners, Ownership};
use crate::ports::Owned;
use crate::store::column::{Count, Nanoseconds, Text};
use crate::store::error::Fault;

mod memory;

/// Carries out changes, in order.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    changes: &[LedgerChange],
) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "INSERT INTO ledger_versions (tenant, changes) VALUES (?1, 1)
             ON CONFLICT (tenant) DO UPDATE SET changes = changes + 1",
        )?
        .execute([tenant.as_str()])?;
    changes.iter().try_for_each(|change| apply_one(transaction, tenant, change))
}

/// The ledgers that were read last, so that they are not read again while nobody changes them.
#[derive(Debug, Default)]
pub(super) struct Ledgers(Mutex<BTreeMap<TenantName, (i64, Arc<Ledger>)>>);

impl Ledgers {
    /// Returns the ledger of a tenant: the same as before, as long as it was not changed.
    pub(super) fn load(
        &self,
        transaction: &Transaction<'_>,
        tenant: &TenantName,
    ) -> Result<Arc<Ledger>, Fault> {
        let version: Option<i64> = transaction
            .prepare_cached("SELECT changes FROM ledger_versions WHERE tenant = ?1")?
            .query_row([tenant.as_str()], |row| row.get(0))
            .optional()?;
        let version = version.unwrap_or_default();
        // What is in it is whole, whoever panicked.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, ledger)) = known.get(tenant)
            && *of == version
        {
            return Ok(Arc::clone(ledger));
        }
        // Not both at once in memory.
        known.remove(tenant);
        let ledger = Arc::new(load(transaction, tenant)?);
        known.insert(tenant.clone(), (version, Arc::clone(&ledger)));
        Ok(ledger)
    }
}

fn apply_one(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    change: &LedgerChange,
) -> Result<(), Fault> {
    let tenant = tenant.as_str();
    let run = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(sql)?.execute(parameters).map(|_| ())
    };
    match change {
        LedgerChange::Own(user, sku, policy, at) => run(
            "INSERT INTO owners (tenant, user_id, sku_id, policy, since, let_go)
             VALUES (?1, ?2, ?3, ?4, ?5, NULL)
             ON CONFLICT (tenant, user_id, sku_id, policy) DO UPDATE SET let_go = NULL",
            params![tenant, Text(user), Text(sku), policy.as_str(), Nanoseconds(*at)],
        ),
        LedgerChange::LetGo(user, sku, policy, at) => run(
            "UPDATE owners SET let_go = ?5 WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3
             AND policy = ?4 AND let_go IS NULL",
            params![tenant, Text(user), Text(sku), policy.as_str(), Nanoseconds(*at)],
        ),
        LedgerChange::TakeBack(user, sku, policy) => run(
            "UPDATE owners SET let_go = NULL WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3
             AND policy = ?4",
            params![tenant, Text(user), Text(sku), policy.as_str()],
        ),
        LedgerChange::Disown(user, sku, policy) => run(
            "DELETE FROM owners WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3 AND policy = ?4",
            params![tenant, Text(user), Text(sku), policy.as_str()],
        ),
        LedgerChange::Forget(user, sku) => {
            let of = params![tenant, Text(user), Text(sku)];
            run("DELETE FROM owners WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3", of)?;
            run("DELETE FROM clocks WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3", of)
        }
        LedgerChange::StartClock(user, sku, policy, at) => run(
            "INSERT INTO clocks (tenant, user_id, sku_id, policy, since)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tenant, user_id, sku_id, policy) DO NOTHING",
            params![tenant, Text(user), Text(sku), policy.as_str(), Nanoseconds(*at)],
        ),
        LedgerChange::StopClock(user, sku, policy) => run(
            "DELETE FROM clocks WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3 AND policy = ?4",
            params![tenant, Text(user), Text(sku), policy.as_str()],
        ),
        LedgerChange::Queue(user, sku, at) => run(
            "INSERT INTO queue (tenant, user_id, sku_id, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, user_id, sku_id) DO NOTHING",
            params![tenant, Text(user), Text(sku), Nanoseconds(*at)],
        ),
        LedgerChange::Unqueue(user, sku) => run(
            "DELETE FROM queue WHERE tenant = ?1 AND user_id = ?2 AND sku_id = ?3",
            params![tenant, Text(user), Text(sku)],
        ),
        LedgerChange::See(sku, plans) => run(
            "INSERT INTO seen (tenant, sku_id, service_plans) VALUES (?1, ?2, ?3)
             ON CONFLICT (tenant, sku_id) DO UPDATE SET service_plans = excluded.service_plans",
            params![tenant, Text(sku), id_list(plans.iter())],
        ),
        LedgerChange::Learn(lesson) => run(
            "INSERT INTO lessons (tenant, kind, service_plan, others) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, kind, service_plan, others) DO NOTHING",
            &lesson_row(tenant, lesson).each_ref().map(|text| text as &dyn rusqlite::ToSql),
        ),
        LedgerChange::Unlearn(lesson) => run(
            "DELETE FROM lessons WHERE tenant = ?1 AND kind = ?2 AND service_plan = ?3
             AND others = ?4",
            &lesson_row(tenant, lesson).each_ref().map(|text| text as &dyn rusqlite::ToSql),
        ),
        LedgerChange::Memory(change) => memory::apply(transaction, tenant, change),
        LedgerChange::Rename(from, to) if from == to => Ok(()),
        LedgerChange::Rename(from, to) => rename(transaction, tenant, from, to),
    }?;
    Ok(())
}

/// Returns the columns of a lesson.
fn lesson_row(tenant: &str, lesson: &Lesson) -> [String; 4] {
    let (kind, plan, others) = match lesson {
        Lesson::Exclusive(one, other) => ("exclusive", one, id_list([*other])),
        Lesson::Needs(plan, others) => ("needs", plan, id_list(others.iter().copied())),
    };
    [tenant.to_owned(), kind.to_owned(), plan.to_string(), others]
}

/// Gives everything of one policy to another, as [`Ledger`] does.
fn rename(
    transaction: &Transaction<'_>,
    tenant: &str,
    from: &PolicyName,
    to: &PolicyName,
) -> rusqlite::Result<()> {
    let run = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(sql)?.execute(parameters).map(|_| ())
    };
    let names = params![tenant, from.as_str(), to.as_str()];
    run(
        "INSERT INTO owners (tenant, user_id, sku_id, policy, since, let_go)
         SELECT tenant, user_id, sku_id, ?3, since, let_go FROM owners
         WHERE tenant = ?1 AND policy = ?2
         ON CONFLICT (tenant, user_id, sku_id, policy) DO UPDATE SET
             since = min(since, excluded.since),
             let_go = min(let_go, excluded.let_go)",
        names,
    )?;
    run(
        "INSERT INTO clocks (tenant, user_id, sku_id, policy, since)
         SELECT tenant, user_id, sku_id, ?3, since FROM clocks
         WHERE tenant = ?1 AND policy = ?2
         ON CONFLICT (tenant, user_id, sku_id, policy) DO UPDATE SET
             since = min(since, excluded.since)",
        names,
    )?;
    let gone = params![tenant, from.as_str()];
    run("DELETE FROM owners WHERE tenant = ?1 AND policy = ?2", gone)?;
    run("DELETE FROM clocks WHERE tenant = ?1 AND policy = ?2", gone)?;
    memory::rename(transaction, tenant, from, to)
}

/// Returns the ledger of a tenant.
pub(super) fn load(connection: &Connection, tenant: &TenantName) -> Result<Ledger, Fault> {
    let mut ledger = Ledger::default();
    let mut names = Names::default();
    let mut owners: Vec<((UserId, SkuId), Owners)> = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT user_id, sku_id, policy, since, let_go FROM owners WHERE tenant = ?1
         ORDER BY user_id, sku_id, policy",
    )?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (Text(user), Text(sku)): (Text<UserId>, Text<SkuId>) = (row.get(0)?, row.get(1)?);
        let policy = names.get(row, 2)?;
        let Nanoseconds(since) = row.get(3)?;
        let let_go = row.get::<_, Option<Nanoseconds>>(4)?.map(|Nanoseconds(at)| at);
        if owners.last().is_none_or(|(of, _)| *of != (user, sku)) {
            owners.push(((user, sku), Owners::default()));
        }
        let (_, of_it) = owners.last_mut().expect("one was just put there where none was");
        of_it.insert(policy, Ownership { since, let_go });
    }
    // Built in one go, the map has full nodes: half the memory of one that grew.
    ledger.owners = owners.into_iter().collect();
    let mut statement = connection.prepare_cached(
        "SELECT user_id, sku_id, policy, since FROM clocks WHERE tenant = ?1
         ORDER BY user_id, sku_id, policy",
    )?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (Text(user), Text(sku)) = (row.get(0)?, row.get(1)?);
        let Nanoseconds(since) = row.get(3)?;
        ledger.clocks.insert((user, sku, names.get(row, 2)?), since);
    }
    load_queue(connection, tenant, &mut ledger)?;
    load_service_plans(connection, tenant, &mut ledger)?;
    memory::load(connection, tenant, &mut ledger.memory)?;
    Ok(ledger)
}

fn load_queue(
    connection: &Connection,
    tenant: &TenantName,
    ledger: &mut Ledger,
) -> Result<(), Fault> {
    let mut statement =
        connection.prepare_cached("SELECT user_id, sku_id, since FROM queue WHERE tenant = ?1")?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (Text(user), Text(sku), Nanoseconds(since)) = (row.get(0)?, row.get(1)?, row.get(2)?);
        ledger.queue.insert((user, sku), since);
    }
    Ok(())
}

/// Loads what is known of service plans: which there were, and what refusals taught.
fn load_service_plans(
    connection: &Connection,
    tenant: &TenantName,
    ledger: &mut Ledger,
) -> Result<(), Fault> {
    let mut statement =
        connection.prepare_cached("SELECT sku_id, service_plans FROM seen WHERE tenant = ?1")?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let Text(sku) = row.get(0)?;
        ledger.seen.insert(sku, ids(row, 1)?.into_iter().collect());
    }
    let mut statement = connection
        .prepare_cached("SELECT kind, service_plan, others FROM lessons WHERE tenant = ?1")?;
    let mut rows = statement.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let (Text(plan), others) = (row.get(1)?, ids(row, 2)?);
        ledger.lessons.insert(match (kind.as_str(), others.as_slice()) {
            ("exclusive", [other]) => Lesson::Exclusive(plan, *other),
            _ => Lesson::Needs(plan, others),
        });
    }
    Ok(())
}

fn id_list(ids: impl IntoIterator<Item = ServicePlanId>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    serde_json::to_string(&ids).expect("a list of texts is JSON")
}

fn ids(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Vec<ServicePlanId>> {
    let unfit = |error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error)
    };
    let texts: Vec<String> = serde_json::from_str(row.get_ref(column)?.as_str()?)
        .map_err(|error| unfit(error.into()))?;
    texts.iter().map(|text| text.parse().map_err(|error: InvalidId| unfit(error.into()))).collect()
}

/// Returns the policies that own something, with how many assignments.
pub(super) fn owners(connection: &Connection, tenant: &TenantName) -> Result<Owned, Fault> {
    let Count(assignments) = connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT DISTINCT user_id, sku_id FROM owners WHERE tenant = ?1)",
        )?
        .query_row([tenant.as_str()], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "SELECT policy, count(*) FROM owners WHERE tenant = ?1 GROUP BY policy ORDER BY policy",
    )?;
    let rows = statement.query_map([tenant.as_str()], |row| {
        let (Text(policy), Count(assignments)) = (row.get(0)?, row.get(1)?);
        Ok((policy, assignments))
    })?;
    Ok(Owned { assignments, by_policy: rows.collect::<Result<_, _>>()? })
}

/// Policy names, each kept once however many rows carry it.
#[derive(Default)]
struct Names(BTreeMap<Box<str>, PolicyName>);

impl Names {
    fn get(&mut self, row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<PolicyName> {
        let known = row.get_ref(column)?.as_str().ok().and_then(|name| self.0.get(name));
        if let Some(name) = known {
            return Ok(name.clone());
        }
        let Text(name): Text<PolicyName> = row.get(column)?;
        self.0.insert(name.as_str().into(), name.clone());
        Ok(name)
    }
}
