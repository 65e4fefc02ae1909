use super::{at, contoso, open, scratch};
use crate::domain::ids::UserId;
use crate::plan::ledger::LedgerChange;
use crate::plan::{Digest, Operation, Plan, PlanState};
use crate::ports::Records;
use crate::report::any::{a_plan, a_sku};
use sha2::Digest as _;
use uuid::Uuid;

/// A plan with so many operations.
pub(super) fn large_plan(operations: u64) -> Plan {
    let pattern = a_plan(1);
    let operations = (0..operations).map(|number| Operation {
        key: Digest(sha2::Sha256::digest(number.to_le_bytes()).into()),
        ..pattern.operations[0].clone()
    });
    Plan { operations: operations.collect(), ..pattern }
}

#[tokio::test]
async fn a_plan_of_many_operations_is_stored_and_comes_back_whole() {
    let dir = scratch();
    let store = open(&dir);
    let plan = large_plan(10_000);
    store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
    let stored = store.plan(None, None).await.unwrap().unwrap();
    assert!(stored.plan == plan);
    assert_eq!(store.plans(None).await.unwrap()[0].operations, 10_000);
}

#[tokio::test]
async fn a_ledger_of_many_assignments_comes_back_whole() {
    let dir = scratch();
    let store = open(&dir);
    let sku = a_sku(1, "SPE_E5").id;
    let own = |user: u128| {
        let user = UserId::from_uuid(Uuid::from_u128(user));
        LedgerChange::Own(user, sku, "sales".parse().unwrap(), at(10))
    };
    store.observe(&contoso(), (0..20_000).map(own).collect()).await.unwrap();
    assert_eq!(store.ledger(&contoso()).await.unwrap().owners.len(), 20_000);
}
