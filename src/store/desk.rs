//! Requests, pauses, notices and reports in SQL.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use crate::domain::names::TenantName;
use crate::plan::PlanId;
use crate::ports::RecordsError;
use crate::ports::desk::{
    Ask, Delivered, Delivery, Desk, FailedReply, Notice, Pause, Reply, Report, Request, RequestId,
    Standing,
};
use crate::store::Store;
use crate::store::column::{AsWord, Count, Nanoseconds, Text};
use crate::store::error::Fault;
use crate::store::journal::{self, Entry, Event};
use form::{AskForm, NoticeForm, ReplyForm, ReportForm};

mod form;
#[cfg(test)]
mod tests;

/// How long answers stay.
const ANSWERS_STAY: SignedDuration = SignedDuration::from_hours(24);
/// How a command ends that the daemon cannot serve. See the exit codes in the README.
const EXIT_UNAVAILABLE: u8 = 6;

impl Desk for Store {
    async fn ask(&self, request: Request) -> Result<(), RecordsError> {
        self.write("leave a request for the daemon", move |writing| ask(writing, &request)).await
    }

    async fn standing(&self, id: RequestId) -> Result<Standing, RecordsError> {
        self.reader.run("tell where a request stands", move |reading| standing(reading, id)).await
    }

    async fn withdraw(&self, id: RequestId) -> Result<Standing, RecordsError> {
        self.write("take a request back", move |writing| {
            writing
                .prepare_cached(
                    "UPDATE requests SET state = 'withdrawn' WHERE id = ?1 AND state = 'waiting'",
                )?
                .execute([id.0.to_string()])?;
            standing(writing, id)
        })
        .await
    }

    async fn take_request(
        &self,
        tenant: &TenantName,
        now: Timestamp,
    ) -> Result<Option<Request>, RecordsError> {
        let tenant = tenant.clone();
        // Most of the time there is none: to look takes no lock that others wait for.
        let looked = tenant.clone();
        let what = "look for requests";
        let is_any = self.reader.run(what, move |reading| is_waiting(reading, &looked)).await?;
        if !is_any {
            return Ok(None);
        }
        self.write("take up a request", move |writing| take(writing, &tenant, now)).await
    }

    async fn answer(&self, id: RequestId, reply: Reply, at: Timestamp) -> Result<(), RecordsError> {
        self.write("answer a request", move |writing| {
            writing
                .prepare_cached(
                    "UPDATE requests SET state = 'answered', reply = ?2, answered_at = ?3
                     WHERE id = ?1 AND state = 'taken'",
                )?
                .execute(params![
                    id.0.to_string(),
                    json(&ReplyForm::from(&reply)),
                    Nanoseconds(at)
                ])?;
            Ok(())
        })
        .await
    }

    async fn abandon_requests(
        &self,
        tenant: &TenantName,
        at: Timestamp,
    ) -> Result<u64, RecordsError> {
        let tenant = tenant.clone();
        self.write("withdraw requests that nobody works on", move |writing| {
            let gone = writing
                .prepare_cached(
                    "UPDATE requests SET state = 'withdrawn', answered_at = ?2
                     WHERE tenant = ?1 AND state IN ('taken', 'waiting')
                         AND (state = 'taken' OR until <= ?2)",
                )?
                .execute(params![tenant.as_str(), Nanoseconds(at)])?;
            Ok(gone as u64)
        })
        .await
    }

    async fn approved_plans(
        &self,
        tenant: &TenantName,
        now: Timestamp,
    ) -> Result<Vec<PlanId>, RecordsError> {
        let tenant = tenant.clone();
        self.reader
            .run("look for approved plans", move |reading| {
                let mut statement = reading.prepare_cached(
                    "SELECT id FROM plans WHERE tenant = ?1 AND state = 'approved'
                         AND expires_at > ?2 ORDER BY number",
                )?;
                let rows =
                    statement.query_map(params![tenant.as_str(), Nanoseconds(now)], |row| {
                        let Text(id) = row.get(0)?;
                        Ok(id)
                    })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn pause(&self, pause: Pause) -> Result<(), RecordsError> {
        self.write("record a pause", move |writing| {
            let Pause { tenant, by, reason, since, until } = &pause;
            end_pauses(writing, tenant.as_ref(), by, *since)?;
            writing
                .prepare_cached(
                    "INSERT INTO pauses (tenant, by, reason, since, until)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    tenant.as_ref().map(TenantName::as_str),
                    by,
                    reason,
                    Nanoseconds(*since),
                    Nanoseconds(*until),
                ])?;
            let body = json!({"by": by, "reason": reason, "until": until.to_string()});
            note(writing, Event::Pause, tenant.as_ref(), *since, body)
        })
        .await
    }

    async fn resume(
        &self,
        tenant: Option<&TenantName>,
        by: Arc<str>,
        at: Timestamp,
    ) -> Result<u64, RecordsError> {
        let tenant = tenant.cloned();
        self.write("end a pause", move |writing| {
            let ended = end_pauses(writing, tenant.as_ref(), &by, at)?;
            if ended > 0 {
                note(writing, Event::Resume, tenant.as_ref(), at, json!({"by": by}))?;
            }
            Ok(ended)
        })
        .await
    }

    async fn paused(
        &self,
        tenant: &TenantName,
        now: Timestamp,
    ) -> Result<Option<Pause>, RecordsError> {
        let tenant = tenant.clone();
        self.reader.run("look for pauses", move |reading| paused(reading, &tenant, now)).await
    }

    async fn notify(&self, notice: Notice, receivers: Vec<Arc<str>>) -> Result<bool, RecordsError> {
        self.write("record a notice", move |writing| notify(writing, &notice, &receivers)).await
    }

    async fn due_deliveries(&self, now: Timestamp) -> Result<Vec<Delivery>, RecordsError> {
        self.reader.run("look for notices to deliver", move |reading| due(reading, now)).await
    }

    async fn delivered(
        &self,
        number: u64,
        receiver: &str,
        outcome: Delivered,
    ) -> Result<(), RecordsError> {
        let receiver = receiver.to_owned();
        self.write("record a delivery", move |writing| {
            let (state, due_at, failure) = match outcome {
                Delivered::Done => ("done", None, None),
                Delivered::Again { at, why } => ("due", Some(Nanoseconds(at)), Some(why)),
                Delivered::GivenUp { why } => ("given_up", None, Some(why)),
            };
            writing
                .prepare_cached(
                    "UPDATE deliveries SET state = ?3, due_at = coalesce(?4, due_at),
                         failure = ?5, tries = tries + 1
                     WHERE notice = ?1 AND receiver = ?2 AND state = 'due'",
                )?
                .execute(params![Count(number), receiver, state, due_at, failure])?;
            Ok(())
        })
        .await
    }

    async fn report(&self, report: Report) -> Result<(), RecordsError> {
        let what = format!("record where the daemon stands with tenant `{}`", report.tenant);
        self.write(what, move |writing| {
            writing
                .prepare_cached(
                    "INSERT INTO reports (tenant, at, body) VALUES (?1, ?2, ?3)
                     ON CONFLICT (tenant) DO UPDATE SET at = excluded.at, body = excluded.body",
                )?
                .execute(params![
                    report.tenant.as_str(),
                    Nanoseconds(report.at),
                    json(&ReportForm::from(&report)),
                ])?;
            Ok(())
        })
        .await
    }

    async fn reported(&self, tenant: &TenantName) -> Result<Option<Report>, RecordsError> {
        let tenant = tenant.clone();
        self.reader
            .run("read what the daemon told", move |reading| {
                let found = reading
                    .prepare_cached("SELECT at, body FROM reports WHERE tenant = ?1")?
                    .query_row([tenant.as_str()], |row| {
                        let Nanoseconds(at) = row.get(0)?;
                        Ok(parse::<ReportForm>(row, 1)?.into_report(tenant.clone(), at))
                    });
                Ok(found.optional()?)
            })
            .await
    }
}

fn ask(transaction: &Transaction<'_>, request: &Request) -> Result<(), Fault> {
    let Request { id, tenant, ask, by, at, until } = request;
    // Nobody comes back for the answers of the day before: plans are large.
    let long_ago = at.checked_sub(ANSWERS_STAY).unwrap_or(*at);
    transaction
        .prepare_cached(
            "DELETE FROM requests WHERE at < ?1 AND state IN ('answered', 'withdrawn')",
        )?
        .execute([Nanoseconds(long_ago)])?;
    transaction
        .prepare_cached(
            "INSERT INTO requests (id, tenant, ask, by, at, until, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting')",
        )?
        .execute(params![
            id.0.to_string(),
            tenant.as_str(),
            json(&AskForm::from(ask)),
            by,
            Nanoseconds(*at),
            Nanoseconds(*until),
        ])?;
    Ok(())
}

fn standing(connection: &Connection, id: RequestId) -> Result<Standing, Fault> {
    let found = connection
        .prepare_cached("SELECT state, reply FROM requests WHERE id = ?1")?
        .query_row([id.0.to_string()], |row| {
            let state: String = row.get(0)?;
            Ok(match state.as_str() {
                "waiting" => Standing::Waiting,
                "taken" => Standing::Taken,
                "answered" => {
                    Standing::Answered(parse::<ReplyForm>(row, 1)?.try_into().map_err(unfit)?)
                }
                _ => Standing::Withdrawn,
            })
        })
        .optional()?;
    Ok(found.unwrap_or(Standing::Withdrawn))
}

fn is_waiting(connection: &Connection, tenant: &TenantName) -> Result<bool, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM requests WHERE tenant = ?1 AND state = 'waiting' LIMIT 1")?;
    Ok(statement.exists([tenant.as_str()])?)
}

fn take(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    now: Timestamp,
) -> Result<Option<Request>, Fault> {
    transaction
        .prepare_cached(
            "UPDATE requests SET state = 'withdrawn', answered_at = ?2
             WHERE tenant = ?1 AND state = 'waiting' AND until <= ?2",
        )?
        .execute(params![tenant.as_str(), Nanoseconds(now)])?;
    loop {
        let found = transaction
            .prepare_cached(
                "SELECT id, ask, by, at, until FROM requests
                 WHERE tenant = ?1 AND state = 'waiting' ORDER BY number LIMIT 1",
            )?
            .query_row([tenant.as_str()], |row| {
                let (Text(id), Nanoseconds(at), Nanoseconds(until)) =
                    (row.get(0)?, row.get(3)?, row.get(4)?);
                let ask = parse::<AskForm>(row, 1).map(Ask::from);
                Ok((RequestId(id), ask, row.get::<_, Arc<str>>(2)?, at, until))
            })
            .optional()?;
        let Some((id, ask, by, at, until)) = found else { return Ok(None) };
        let tenant = tenant.clone();
        match ask {
            Ok(ask) => {
                transaction
                    .prepare_cached("UPDATE requests SET state = 'taken' WHERE id = ?1")?
                    .execute([id.0.to_string()])?;
                return Ok(Some(Request { id, tenant, ask, by, at, until }));
            }
            // One that this version does not know keeps no other waiting.
            Err(error) => refuse(transaction, id, &error, now)?,
        }
    }
}

/// Answers a request that cannot be read.
fn refuse(
    transaction: &Transaction<'_>,
    id: RequestId,
    error: &rusqlite::Error,
    now: Timestamp,
) -> Result<(), Fault> {
    let version = env!("CARGO_PKG_VERSION");
    let reply = Reply::Failed(FailedReply {
        exit: EXIT_UNAVAILABLE,
        shown: String::new(),
        message: format!("the daemon (version {version}) does not know what is asked: {error}"),
        hint: Some("restart it, so that it is of the same version as this command".to_owned()),
    });
    transaction
        .prepare_cached(
            "UPDATE requests SET state = 'answered', reply = ?2, answered_at = ?3 WHERE id = ?1",
        )?
        .execute(params![id.0.to_string(), json(&ReplyForm::from(&reply)), Nanoseconds(now)])?;
    Ok(())
}

/// Ends the pauses of exactly this tenant, or of all, that still run.
fn end_pauses(
    transaction: &Transaction<'_>,
    tenant: Option<&TenantName>,
    by: &str,
    at: Timestamp,
) -> Result<u64, Fault> {
    let ended = transaction
        .prepare_cached(
            "UPDATE pauses SET ended_at = ?2, ended_by = ?3
             WHERE tenant IS ?1 AND ended_at IS NULL AND until > ?2",
        )?
        .execute(params![tenant.map(TenantName::as_str), Nanoseconds(at), by])?;
    Ok(ended as u64)
}

/// Notes in the journal that somebody paused or resumed.
fn note(
    transaction: &Transaction<'_>,
    event: Event,
    tenant: Option<&TenantName>,
    at: Timestamp,
    body: serde_json::Value,
) -> Result<(), Fault> {
    let tenant = tenant.map(TenantName::as_str);
    let entry = Entry { at, event, tenant, plan: None, operation: None, body };
    journal::append(transaction, &mut [entry].into_iter())
}

fn paused(
    connection: &Connection,
    tenant: &TenantName,
    now: Timestamp,
) -> Result<Option<Pause>, Fault> {
    let found = connection
        .prepare_cached(
            "SELECT tenant, by, reason, since, until FROM pauses
             WHERE until > ?2 AND ended_at IS NULL AND (tenant IS NULL OR tenant = ?1)
             ORDER BY until DESC LIMIT 1",
        )?
        .query_row(params![tenant.as_str(), Nanoseconds(now)], |row| {
            let tenant = row.get::<_, Option<Text<TenantName>>>(0)?.map(|Text(tenant)| tenant);
            let (Nanoseconds(since), Nanoseconds(until)) = (row.get(3)?, row.get(4)?);
            Ok(Pause { tenant, by: row.get(1)?, reason: row.get(2)?, since, until })
        });
    Ok(found.optional()?)
}

fn notify(
    transaction: &Transaction<'_>,
    notice: &Notice,
    receivers: &[Arc<str>],
) -> Result<bool, Fault> {
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO notices (tenant, event, subject, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tenant, event, subject) DO NOTHING",
        )?
        .execute(params![
            notice.tenant.as_str(),
            AsWord(notice.event),
            notice.subject,
            Nanoseconds(notice.at),
            json(&NoticeForm::from(notice)),
        ])?;
    if inserted == 0 {
        return Ok(false);
    }
    let number = transaction.last_insert_rowid();
    let mut statement = transaction.prepare_cached(
        "INSERT INTO deliveries (notice, receiver, state, due_at) VALUES (?1, ?2, 'due', ?3)
         ON CONFLICT (notice, receiver) DO NOTHING",
    )?;
    for receiver in receivers {
        statement.execute(params![number, receiver, Nanoseconds(notice.at)])?;
    }
    Ok(true)
}

fn due(connection: &Connection, now: Timestamp) -> Result<Vec<Delivery>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT notices.number, receiver, tries, tenant, event, subject, at, body
         FROM deliveries JOIN notices ON notices.number = deliveries.notice
         WHERE state = 'due' AND due_at <= ?1 ORDER BY due_at, notices.number LIMIT 100",
    )?;
    let rows = statement.query_map([Nanoseconds(now)], |row| {
        let (Count(number), Text(tenant), AsWord(event)) = (row.get(0)?, row.get(3)?, row.get(4)?);
        let Nanoseconds(at) = row.get(6)?;
        let NoticeForm { title, details, plan } = parse(row, 7)?;
        let plan = plan.map(|plan| plan.0);
        let notice = Notice { tenant, event, subject: row.get(5)?, at, title, details, plan };
        Ok(Delivery { number, receiver: row.get(1)?, notice, tries: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn json(form: &impl serde::Serialize) -> String {
    serde_json::to_string(form).expect("the forms have text keys and no foreign writer")
}

fn parse<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(unfit)
}

fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    let text = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(0, text, Box::new(error))
}
