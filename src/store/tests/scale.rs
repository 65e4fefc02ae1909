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

#[tokio::test]
async fn tmp_measure() {
    let dir = scratch();
    let store = open(&dir);
    let plan = large_plan(100_000);
    let t = tokio::time::Instant::now();
    store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
    eprintln!("propose 100k {:?}", t.elapsed());
    let t = tokio::time::Instant::now();
    let stored = store.plan(None, None).await.unwrap().unwrap();
    eprintln!("load 100k {:?}", t.elapsed());
    let t = tokio::time::Instant::now();
    let text = crate::report::json::to_json(&stored);
    eprintln!("json {:?} {}", t.elapsed(), text.len());
    let t = tokio::time::Instant::now();
    crate::report::json::from_json(&text).unwrap();
    eprintln!("from json {:?}", t.elapsed());
    store.advance(plan.id, PlanState::Proposed, PlanState::Approved).await.unwrap();
    store.advance(plan.id, PlanState::Approved, PlanState::Applying).await.unwrap();
    let t = tokio::time::Instant::now();
    for chunk in plan.operations.chunks(20).take(1000) {
        store.intend(plan.id, chunk.iter().map(|o| o.key).collect(), at(1)).await.unwrap();
        store
            .settle(
                &contoso(),
                chunk
                    .iter()
                    .map(|o| crate::ports::Settlement {
                        outcome: super::outcome(&plan, o.key, crate::ports::OutcomeKind::Done),
                        ledger: vec![],
                    })
                    .collect(),
            )
            .await
            .unwrap();
    }
    eprintln!("1000 batches {:?}", t.elapsed());
    let t = tokio::time::Instant::now();
    eprintln!("{:?}", store.verify_history().await.unwrap());
    eprintln!("verify 20k {:?}", t.elapsed());
    let t = tokio::time::Instant::now();
    let h = store
        .history(crate::ports::HistoryFilter {
            limit: Some(50),
            tenant: Some(contoso()),
            ..Default::default()
        })
        .await
        .unwrap();
    eprintln!("history 50: {} {:?}", h.len(), t.elapsed());
    let t = tokio::time::Instant::now();
    store.open_plans(&contoso()).await.unwrap();
    eprintln!("open plans {:?}", t.elapsed());
    let sku = a_sku(1, "SPE_E5").id;
    let own = |user: u128| {
        let user = UserId::from_uuid(Uuid::from_u128(
            user.wrapping_mul(0x9e37_79b9_7f4a_7c15_9e37_79b9_7f4a_7c15),
        ));
        LedgerChange::Own(user, sku, "sales".parse().unwrap(), at(10))
    };
    let t = tokio::time::Instant::now();
    store.observe(&contoso(), (0..1_000_000).map(own).collect()).await.unwrap();
    eprintln!("observe 1M {:?}", t.elapsed());
    let t = tokio::time::Instant::now();
    store.ledger(&contoso()).await.unwrap();
    eprintln!("ledger 1M {:?}", t.elapsed());
    let t = tokio::time::Instant::now();
    drop(store);
    eprintln!("close {:?}", t.elapsed());
}
