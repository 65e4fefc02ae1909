use std::error::Error;
use std::future::Future;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::domain::names::TenantName;
use crate::plan::{Digest, Plan, PlanState};
use crate::ports::{Decision, Outcome, OutcomeKind, Records, RecordsError, Settlement};
use crate::store::{Store, StoreError};

mod durability;
mod ledger;
mod opening;
mod outcomes;
mod plans;
mod retention;
mod scale;
mod seats;
mod sign_ins;
mod upgrades;

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(dir: &TempDir) -> Store {
    Store::open(dir.path()).unwrap()
}

fn contoso() -> TenantName {
    "contoso".parse().unwrap()
}

fn fabrikam() -> TenantName {
    "fabrikam".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Says an error as people meet it: every layer, once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Opens the database as an editor of it would, behind the store's back.
fn behind_its_back(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join(crate::store::FILE_NAME)).unwrap()
}

fn store_error(error: &RecordsError) -> &StoreError {
    match error {
        RecordsError::Storage { what: _, source } => source.downcast_ref().unwrap(),
        RecordsError::WrongState { .. } | RecordsError::NoSuchPlan { .. } => {
            panic!("another error: {error}")
        }
    }
}

fn approval(state: PlanState) -> Decision {
    Decision { state, by: "ana".into(), at: at(50), accepted: Vec::new(), reason: None }
}

fn outcome(plan: &Plan, operation: Digest, kind: OutcomeKind) -> Outcome {
    Outcome {
        plan: plan.id,
        operation,
        kind,
        at: at(100),
        detail: "as planned".to_owned(),
        code: None,
        request_id: Some("r-1".into()),
        recovered: false,
    }
}

fn settled(plan: &Plan, index: usize, kind: OutcomeKind) -> Settlement {
    let outcome = outcome(plan, plan.operations[index].key, kind);
    Settlement { outcome, ledger: Vec::new() }
}

/// Proposes and approves a plan, and begins to carry it out.
async fn begin(store: &Store, plan: &Plan) {
    store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
    store.decide(plan.id, approval(PlanState::Approved)).await.unwrap();
    store.advance(plan.id, PlanState::Approved, PlanState::Applying).await.unwrap();
}
