//! A connection on a thread of its own, so that no wait for the disk holds up the async threads.
//!
//! Jobs run one after the other, each whole: dropping the future that waits for one does not stop it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::ports::RecordsError;
use crate::store::error::{Cause, Fault, StoreError};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Jobs that may wait; who brings one more waits in turn.
const JOBS_MAX: usize = 64;

/// A connection on a thread of its own.
pub(super) struct Worker {
    path: PathBuf,
    behavior: TransactionBehavior,
    /// None only while the worker is being dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread of the one connection that writes. Its transactions take the lock for
    /// writing when they begin, so that none fails half-way because another process writes too.
    pub(super) fn writing(path: &Path, connection: Connection) -> Result<Self, StoreError> {
        Self::start("store-writer", path, connection, TransactionBehavior::Immediate)
    }

    /// Starts the thread of a connection that reads. Its transactions see one state throughout.
    pub(super) fn reading(path: &Path, connection: Connection) -> Result<Self, StoreError> {
        Self::start("store-reader", path, connection, TransactionBehavior::Deferred)
    }

    fn start(
        name: &str,
        path: &Path,
        mut connection: Connection,
        behavior: TransactionBehavior,
    ) -> Result<Self, StoreError> {
        let (jobs, mut queue) = mpsc::channel::<Job>(JOBS_MAX);
        let work = move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut connection);
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.map_err(|error| StoreError::of_io(path, error))?;
        Ok(Self { path: path.to_owned(), behavior, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a job in one transaction and waits for its answer. Where the job fails, nothing of it
    /// stays. `what` completes "cannot …".
    pub(super) async fn run<T: Send + 'static>(
        &self,
        what: impl Into<String> + Send,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, RecordsError> {
        let (answer, answered) = oneshot::channel();
        let behavior = self.behavior;
        let job = move |connection: &mut Connection| {
            // Nobody waits any more: what was done is done all the same.
            let _ = answer.send(in_transaction(connection, behavior, job));
        };
        let jobs = self.jobs.as_ref().expect("only a worker that is being dropped has no queue");
        // Where the thread has ended the job comes back, is dropped, and with it `answer`.
        let _ = jobs.send(Box::new(job)).await;
        if let Ok(result) = answered.await {
            return result.map_err(|fault| fault.while_trying(&self.path, what));
        }
        let source = Cause::from("the thread of the store has ended");
        Err(StoreError::Failed { path: self.path.clone(), source }.while_trying(what))
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for Worker {
    /// Waits for what is under way, and closes the connection.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was already told as an error to whom it concerned.
            let _ = thread.join();
        }
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let value = job(&transaction)?;
    transaction.commit()?;
    Ok(value)
}
