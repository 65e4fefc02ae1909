//! Keeps what must outlive the process: the ledger, plans, decisions, intents, outcomes, cycles,
//! sign-ins (SQLite, `seatkeeper.db`), and beside them the latest snapshot of each tenant and its lock.
//!
//! Memory, not truth: losing it removes too little, never too much. What was recorded is never
//! edited and never dropped; a call that returned has reached the disk. Never decides anything,
//! never asks for the time, and never touches a file of a later version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Transaction;

use crate::domain::ids::UserId;
use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::domain::tracking::Tracking;
use crate::plan::forecast::SeatPoint;
use crate::plan::inventory::SeatUse;
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::{Digest, Plan, PlanId, PlanState};
use crate::ports::{
    CycleRecord, Decision, HistoryEntry, HistoryFilter, OpenPlan, Owned, PlanHead, Records,
    RecordsError, Settlement, SignInReading, StoredPlan,
};
use worker::Worker;

pub use chain::Verification;
pub use error::{Cause, StoreError};
pub use journal::JournalRecord;
pub use retention::Dropped;
pub use schema::FILE_NAME;

mod chain;
mod column;
mod cycles;
mod desk;
mod error;
pub mod export;
mod journal;
mod ledger;
pub mod lock;
mod outcomes;
mod plans;
pub mod quota;
mod retention;
mod schema;
mod seats;
mod sign_ins;
mod snapshot;
mod tracking;
mod worker;

#[cfg(test)]
mod any;
#[cfg(test)]
mod tests;

/// The records in a state directory. Several processes may have it open at once.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Stands before the writer, and so closes before it: only the last connection to close folds
    /// the write-ahead log into the database, and one that reads cannot.
    reader: Worker,
    /// None where the store was opened for reading.
    writer: Option<Worker>,
    latest: Arc<tracking::Latest>,
    ledgers: Arc<ledger::Ledgers>,
}

impl Store {
    /// Opens the store of a state directory, made or brought up to date where that is needed; a
    /// store that is brought up to date is first copied beside itself.
    ///
    /// # Errors
    ///
    /// Fails where the directory or a file in it cannot be used, is not ours, or was written by a
    /// later version. What is not ours, or not known to this version, is left as it was.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, schema::MIGRATIONS)
    }

    fn open_with(dir: &Path, migrations: &[&str]) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        let writer = Worker::writing(&path, schema::open_writing(dir, migrations)?)?;
        let reader = Worker::reading(&path, schema::open_reading(dir, migrations)?)?;
        Ok(Self::of(dir, reader, Some(writer)))
    }

    /// Opens the store of a state directory for reading alone, while others may write to it.
    ///
    /// # Errors
    ///
    /// `NoStore` where nothing was ever stored; else as [`Store::open`], and `Older` where the
    /// store would first have to be brought up to date.
    pub fn open_reading(dir: &Path) -> Result<Self, StoreError> {
        let connection = schema::open_reading(dir, schema::MIGRATIONS)?;
        let reader = Worker::reading(&dir.join(FILE_NAME), connection)?;
        Ok(Self::of(dir, reader, None))
    }

    fn of(dir: &Path, reader: Worker, writer: Option<Worker>) -> Self {
        let (latest, ledgers) = (Arc::default(), Arc::default());
        Self { dir: dir.to_owned(), reader, writer, latest, ledgers }
    }

    /// Drops what was recorded before a time and is about nothing that goes on.
    ///
    /// # Errors
    ///
    /// Fails where the records cannot be written; nothing was dropped then.
    pub async fn drop_before(
        &self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<Dropped, RecordsError> {
        self.write("drop old records", move |writing| retention::drop_before(writing, before, now))
            .await
    }

    /// Returns the records of the journal after a number, at most so many, in the order of recording.
    ///
    /// # Errors
    ///
    /// Fails where the records cannot be read.
    pub async fn journal(
        &self,
        tenant: Option<&TenantName>,
        after: u64,
        most: u64,
    ) -> Result<Vec<JournalRecord>, RecordsError> {
        let tenant = tenant.cloned();
        self.reader
            .run("read the journal", move |reading| {
                journal::records(reading, tenant.as_ref(), after, most)
            })
            .await
    }

    /// Checks that nothing was changed, dropped or slipped in since it was recorded.
    ///
    /// # Errors
    ///
    /// Fails where the records cannot be read; nothing is known then.
    pub async fn verify_history(&self) -> Result<Verification, RecordsError> {
        self.reader.run("verify the history", |reading| journal::verify(reading)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        what: impl Into<String> + Send,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, error::Fault> + Send + 'static,
    ) -> Result<T, RecordsError> {
        match &self.writer {
            Some(writer) => writer.run(what, job).await,
            None => Err(self.reading_only(what)),
        }
    }

    fn beside(&self, tenant: &TenantName) -> (tracking::Paths, Arc<tracking::Latest>) {
        (tracking::Paths::new(&self.dir, tenant), Arc::clone(&self.latest))
    }

    fn reading_only(&self, what: impl Into<String>) -> RecordsError {
        StoreError::ReadingOnly { path: self.dir.join(FILE_NAME) }.while_trying(what)
    }
}

impl Records for Store {
    async fn ledger(&self, tenant: &TenantName) -> Result<Arc<Ledger>, RecordsError> {
        let what = format!("read the ledger of tenant `{tenant}`");
        let (tenant, ledgers) = (tenant.clone(), Arc::clone(&self.ledgers));
        self.reader.run(what, move |reading| ledgers.load(reading, &tenant)).await
    }

    async fn observe(
        &self,
        tenant: &TenantName,
        changes: Vec<LedgerChange>,
    ) -> Result<(), RecordsError> {
        let what = format!("record what was seen in tenant `{tenant}`");
        let tenant = tenant.clone();
        self.write(what, move |writing| ledger::apply(writing, &tenant, &changes)).await
    }

    async fn propose(&self, plan: Plan, state: PlanState) -> Result<StoredPlan, RecordsError> {
        let what = format!("store plan {}", plan.id);
        self.write(what, move |writing| plans::propose(writing, plan, state)).await
    }

    async fn settle_open_plans(&self, tenant: &TenantName) -> Result<(), RecordsError> {
        let what = format!("supersede the open plans of tenant `{tenant}`");
        let tenant = tenant.clone();
        self.write(what, move |writing| plans::supersede(writing, &tenant)).await
    }

    async fn plan(
        &self,
        tenant: Option<&TenantName>,
        id: Option<PlanId>,
    ) -> Result<Option<StoredPlan>, RecordsError> {
        let what = id.map_or("read the latest plan".to_owned(), |id| format!("read plan {id}"));
        let tenant = tenant.cloned();
        self.reader.run(what, move |reading| plans::get(reading, tenant.as_ref(), id)).await
    }

    async fn plans(&self, tenant: Option<&TenantName>) -> Result<Vec<PlanHead>, RecordsError> {
        let tenant = tenant.cloned();
        self.reader
            .run("list the plans", move |reading| plans::list(reading, tenant.as_ref()))
            .await
    }

    async fn decide(&self, plan: PlanId, decision: Decision) -> Result<(), RecordsError> {
        let what = format!("record the decision on plan {plan}");
        self.write(what, move |writing| plans::decide(writing, plan, &decision)).await
    }

    async fn decide_after(
        &self,
        plan: PlanId,
        decision: Decision,
        other: PlanId,
        decisions: usize,
    ) -> Result<bool, RecordsError> {
        let what = format!("record the decision on plan {plan}");
        self.write(what, move |writing| {
            plans::decide_after(writing, plan, &decision, other, decisions)
        })
        .await
    }

    async fn advance(
        &self,
        plan: PlanId,
        from: PlanState,
        to: PlanState,
    ) -> Result<(), RecordsError> {
        let what = format!("move plan {plan} from {} to {}", from.as_str(), to.as_str());
        self.write(what, move |writing| plans::advance(writing, plan, from, to)).await
    }

    async fn intend(
        &self,
        plan: PlanId,
        operations: Vec<Digest>,
        at: Timestamp,
    ) -> Result<(), RecordsError> {
        let what = format!("record intents of plan {plan}");
        self.write(what, move |writing| outcomes::intend(writing, plan, &operations, at)).await
    }

    async fn settle(
        &self,
        tenant: &TenantName,
        settlements: Vec<Settlement>,
    ) -> Result<(), RecordsError> {
        let what = format!("record outcomes in tenant `{tenant}`");
        let tenant = tenant.clone();
        self.write(what, move |writing| outcomes::settle(writing, &tenant, &settlements)).await
    }

    async fn writes_since(
        &self,
        tenant: &TenantName,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, u32)>, RecordsError> {
        let tenant = tenant.clone();
        self.reader
            .run("look for what was written lately", move |reading| {
                outcomes::writes_since(reading, &tenant, since)
            })
            .await
    }

    async fn open_plans(&self, tenant: &TenantName) -> Result<Vec<OpenPlan>, RecordsError> {
        let what = format!("read the plans under way in tenant `{tenant}`");
        let tenant = tenant.clone();
        self.reader.run(what, move |reading| outcomes::open_plans(reading, &tenant)).await
    }

    async fn history(&self, filter: HistoryFilter) -> Result<Vec<HistoryEntry>, RecordsError> {
        self.reader
            .run("read the history", move |reading| outcomes::history(reading, &filter))
            .await
    }

    async fn cycle(&self, record: CycleRecord) -> Result<(), RecordsError> {
        let what = format!("record a cycle of tenant `{}`", record.tenant);
        self.write(what, move |writing| cycles::record(writing, &record)).await
    }

    async fn cycles(
        &self,
        tenant: &TenantName,
    ) -> Result<(Option<CycleRecord>, Option<CycleRecord>), RecordsError> {
        let what = format!("read the cycles of tenant `{tenant}`");
        let tenant = tenant.clone();
        self.reader.run(what, move |reading| cycles::latest(reading, &tenant)).await
    }

    async fn keep_snapshot(
        &self,
        tenant: &TenantName,
        snapshot: Arc<Snapshot>,
    ) -> Result<(), RecordsError> {
        let what = format!("keep the snapshot of tenant `{tenant}`");
        if self.writer.is_none() {
            return Err(self.reading_only(what));
        }
        let (paths, latest) = self.beside(tenant);
        let path = paths.snapshot.clone();
        aside(what, path, move |_| tracking::keep_alone(&paths, &latest, snapshot)).await
    }

    async fn keep_tracked(
        &self,
        tenant: &TenantName,
        snapshot: Arc<Snapshot>,
        tracking: Tracking,
    ) -> Result<(), RecordsError> {
        let what = format!("keep the snapshot of tenant `{tenant}`");
        if self.writer.is_none() {
            return Err(self.reading_only(what));
        }
        let (paths, latest) = self.beside(tenant);
        let path = paths.snapshot.clone();
        aside(what, path, move |_| tracking::keep(&paths, &latest, &snapshot, &tracking)).await
    }

    async fn tracked(
        &self,
        tenant: &TenantName,
    ) -> Result<Option<(Arc<Snapshot>, Tracking)>, RecordsError> {
        let what = format!("read what the latest read of tenant `{tenant}` left behind");
        let (paths, latest) = self.beside(tenant);
        let path = paths.snapshot.clone();
        let found = aside(what, path, move |_| tracking::read(&paths, &latest)).await;
        // Files that cannot be read are replaced by the next read, which is a full one then.
        Ok(found.unwrap_or_else(|error| {
            tracing::warn!(%tenant, %error, "reading everything anew");
            None
        }))
    }

    async fn snapshot(&self, tenant: &TenantName) -> Result<Option<Snapshot>, RecordsError> {
        let what = format!("read the snapshot of tenant `{tenant}`");
        let (paths, latest) = self.beside(tenant);
        let path = paths.snapshot.clone();
        aside(what, path, move |_| tracking::snapshot(&paths, &latest)).await
    }

    async fn sign_in_reading(
        &self,
        tenant: &TenantName,
    ) -> Result<Option<SignInReading>, RecordsError> {
        let what = format!("tell how far the read of sign-ins of tenant `{tenant}` has come");
        let tenant = tenant.clone();
        self.reader.run(what, move |reading| sign_ins::reading(reading, &tenant)).await
    }

    async fn keep_sign_ins(
        &self,
        tenant: &TenantName,
        users: Vec<(UserId, Option<Timestamp>)>,
        read_at: Timestamp,
        reading: SignInReading,
    ) -> Result<(), RecordsError> {
        let what = format!("record sign-ins of tenant `{tenant}`");
        let tenant = tenant.clone();
        self.write(what, move |writing| sign_ins::keep(writing, &tenant, &users, read_at, &reading))
            .await
    }

    async fn sign_ins(
        &self,
        tenant: &TenantName,
        read_since: Timestamp,
    ) -> Result<(BTreeMap<UserId, Timestamp>, Option<Timestamp>), RecordsError> {
        let what = format!("read the sign-ins of tenant `{tenant}`");
        let tenant = tenant.clone();
        self.reader.run(what, move |reading| sign_ins::load(reading, &tenant, read_since)).await
    }

    async fn note_seats(
        &self,
        tenant: &TenantName,
        at: Timestamp,
        seats: Vec<SeatUse>,
    ) -> Result<(), RecordsError> {
        let what = format!("record how seats of tenant `{tenant}` are used");
        let tenant = tenant.clone();
        self.write(what, move |writing| seats::note(writing, &tenant, at, &seats)).await
    }

    async fn seat_history(
        &self,
        tenant: &TenantName,
        since: Timestamp,
    ) -> Result<Vec<SeatPoint>, RecordsError> {
        let what = format!("read how seats of tenant `{tenant}` were used");
        let tenant = tenant.clone();
        self.reader.run(what, move |reading| seats::history(reading, &tenant, since)).await
    }

    async fn owners(&self, tenant: &TenantName) -> Result<Owned, RecordsError> {
        let what = format!("count what policies own in tenant `{tenant}`");
        let tenant = tenant.clone();
        self.reader.run(what, move |reading| ledger::owners(reading, &tenant)).await
    }
}

/// Works on a file away from the async threads.
async fn aside<T: Send + 'static>(
    what: String,
    path: PathBuf,
    work: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, RecordsError> {
    let worked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || work(&path)
    });
    let result = worked.await.unwrap_or_else(|error| {
        let source = Cause::from(error);
        Err(StoreError::Failed { path, source })
    });
    result.map_err(|error| error.while_trying(what))
}
