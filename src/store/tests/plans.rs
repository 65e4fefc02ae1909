use proptest::prelude::*;

use super::{approval, at, block_on, contoso, fabrikam, open, scratch};
use crate::plan::{Digest, GuardName, Origin, OriginKind, Plan, PlanState};
use crate::ports::{CycleRecord, Decision, PlanHead, Records, RecordsError};
use crate::report::any::{a_plan, any_plan, any_state};
use crate::store::Store;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_plan_comes_back_as_it_was_stored(plan in any_plan(), state in any_state()) {
        let dir = scratch();
        let store = open(&dir);
        let proposed = block_on(store.propose(plan.clone(), state)).unwrap();
        let stored = block_on(store.plan(None, Some(plan.id))).unwrap().unwrap();
        prop_assert_eq!(&stored, &proposed);
        prop_assert_eq!(stored.plan, plan);
        prop_assert_eq!(stored.state, state);
    }
}

async fn state(store: &Store, plan: &Plan) -> PlanState {
    store.plan(None, Some(plan.id)).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_new_plan_supersedes_the_open_ones() {
    let dir = scratch();
    let store = open(&dir);
    for (number, open) in
        [PlanState::Proposed, PlanState::Held, PlanState::Approved].iter().enumerate()
    {
        let number = u8::try_from(number).unwrap() * 2;
        let (older, newer) = (a_plan(number), a_plan(number + 1));
        store.propose(older.clone(), *open).await.unwrap();
        store.propose(newer.clone(), PlanState::Proposed).await.unwrap();
        assert_eq!(state(&store, &older).await, PlanState::Superseded);
        assert_eq!(state(&store, &newer).await, PlanState::Proposed);
    }
}

#[tokio::test]
async fn a_plan_that_is_being_carried_out_is_not_superseded() {
    let dir = scratch();
    let store = open(&dir);
    super::begin(&store, &a_plan(1)).await;
    store.propose(a_plan(2), PlanState::Proposed).await.unwrap();
    store.settle_open_plans(&contoso()).await.unwrap();
    assert_eq!(state(&store, &a_plan(1)).await, PlanState::Applying);
    assert_eq!(state(&store, &a_plan(2)).await, PlanState::Superseded);
}

#[tokio::test]
async fn what_a_person_asked_for_once_stays_open_beside_the_plans_of_the_policies() {
    let dir = scratch();
    let store = open(&dir);
    let once = Plan { origin: Origin::Revert(a_plan(8).id), ..a_plan(2) };
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    store.propose(once.clone(), PlanState::Held).await.unwrap();
    assert_eq!(state(&store, &a_plan(1)).await, PlanState::Proposed);
    store.propose(a_plan(3), PlanState::Proposed).await.unwrap();
    assert_eq!(state(&store, &a_plan(1)).await, PlanState::Superseded);
    store.settle_open_plans(&contoso()).await.unwrap();
    assert_eq!(state(&store, &a_plan(3)).await, PlanState::Superseded);
    assert_eq!(state(&store, &once).await, PlanState::Held);
    let heads = store.plans(None).await.unwrap();
    let origins: Vec<OriginKind> = heads.iter().map(|head| head.origin).collect();
    assert_eq!(origins, [OriginKind::Policies, OriginKind::Revert, OriginKind::Policies]);
}

#[tokio::test]
async fn the_open_plans_of_another_tenant_stay_open() {
    let dir = scratch();
    let store = open(&dir);
    store.propose(a_plan(1), PlanState::Held).await.unwrap();
    let other = Plan { tenant: fabrikam(), ..a_plan(2) };
    store.propose(other.clone(), PlanState::Held).await.unwrap();
    assert_eq!(state(&store, &a_plan(1)).await, PlanState::Held);
    store.settle_open_plans(&contoso()).await.unwrap();
    assert_eq!(state(&store, &other).await, PlanState::Held);
}

#[tokio::test]
async fn an_open_plan_with_the_same_digest_stays_and_is_returned() {
    let dir = scratch();
    let store = open(&dir);
    let first = a_plan(1);
    store.propose(first.clone(), PlanState::Proposed).await.unwrap();
    store.decide(first.id, approval(PlanState::Approved)).await.unwrap();
    let again = Plan { id: a_plan(9).id, ..first.clone() };
    let stored = store.propose(again, PlanState::Proposed).await.unwrap();
    assert_eq!(stored.plan, first);
    assert_eq!(stored.state, PlanState::Approved);
    assert_eq!(stored.decisions, [approval(PlanState::Approved)]);
    assert_eq!(store.plans(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_that_came_to_its_end_does_not_stand_for_a_new_one_of_its_digest() {
    let dir = scratch();
    let store = open(&dir);
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    store.settle_open_plans(&contoso()).await.unwrap();
    let again = Plan { id: a_plan(9).id, ..a_plan(1) };
    let stored = store.propose(again.clone(), PlanState::Proposed).await.unwrap();
    assert_eq!(stored.plan, again);
    assert_eq!(store.plans(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_latest_plan_is_the_one_stored_last() {
    let dir = scratch();
    let store = open(&dir);
    assert_eq!(store.plan(None, None).await.unwrap(), None);
    // The clock was set back in between: the ids and times of the later plan are smaller.
    store.propose(a_plan(5), PlanState::Proposed).await.unwrap();
    store.propose(a_plan(3), PlanState::Proposed).await.unwrap();
    let other = Plan { tenant: fabrikam(), ..a_plan(7) };
    store.propose(other.clone(), PlanState::Held).await.unwrap();
    let latest = async |tenant| store.plan(tenant, None).await.unwrap().unwrap().plan.id;
    assert_eq!(latest(None).await, other.id);
    assert_eq!(latest(Some(&contoso())).await, a_plan(3).id);
}

#[tokio::test]
async fn a_plan_of_another_tenant_is_not_found() {
    let dir = scratch();
    let store = open(&dir);
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    let found = store.plan(Some(&fabrikam()), Some(a_plan(1).id)).await.unwrap();
    assert_eq!(found, None);
    assert!(store.plan(Some(&contoso()), Some(a_plan(1).id)).await.unwrap().is_some());
}

#[tokio::test]
async fn plans_are_listed_newest_first() {
    let dir = scratch();
    let store = open(&dir);
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    store.propose(a_plan(2), PlanState::Held).await.unwrap();
    let heads = store.plans(Some(&contoso())).await.unwrap();
    let expected = |number, state| {
        let plan = a_plan(number);
        let (operations, people) = (2, 1);
        let (id, tenant, created_at) = (plan.id, plan.tenant, plan.created_at);
        let origin = OriginKind::Policies;
        PlanHead { id, tenant, state, origin, created_at, operations, people }
    };
    assert_eq!(heads, [expected(2, PlanState::Held), expected(1, PlanState::Superseded)]);
    assert_eq!(store.plans(Some(&fabrikam())).await.unwrap(), []);
}

#[tokio::test]
async fn a_decision_is_kept_with_all_that_was_said() {
    let dir = scratch();
    let store = open(&dir);
    store.propose(a_plan(1), PlanState::Held).await.unwrap();
    let decision = Decision {
        state: PlanState::Approved,
        by: "ana".into(),
        at: at(50),
        accepted: vec![GuardName::FirstPlan, GuardName::MaxRemovals],
        reason: Some("the department closed".into()),
    };
    store.decide(a_plan(1).id, decision.clone()).await.unwrap();
    let stored = store.plan(None, None).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.decisions), (PlanState::Approved, vec![decision]));
}

#[tokio::test]
async fn only_an_open_plan_can_be_decided() {
    let dir = scratch();
    let store = open(&dir);
    let plan = a_plan(1);
    store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
    store.decide(plan.id, approval(PlanState::Rejected)).await.unwrap();
    let error = store.decide(plan.id, approval(PlanState::Approved)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("plan {} is rejected, not proposed, held or approved", plan.id)
    );
    assert_eq!(store.plan(None, None).await.unwrap().unwrap().decisions.len(), 1);
}

#[tokio::test]
async fn a_plan_advances_only_from_the_state_it_is_in() {
    let dir = scratch();
    let store = open(&dir);
    let plan = a_plan(1);
    store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
    let advance = store.advance(plan.id, PlanState::Approved, PlanState::Applying).await;
    let Err(RecordsError::WrongState { plan: of, state: found, wanted }) = advance else {
        panic!("it advanced, or failed otherwise");
    };
    assert_eq!((of, found, wanted), (plan.id, PlanState::Proposed, "approved"));
    assert_eq!(state(&store, &plan).await, PlanState::Proposed);
}

#[tokio::test]
async fn a_plan_that_is_not_there_can_be_neither_decided_nor_advanced() {
    let dir = scratch();
    let store = open(&dir);
    let id = a_plan(1).id;
    let errors = [
        store.decide(id, approval(PlanState::Approved)).await.unwrap_err(),
        store.advance(id, PlanState::Approved, PlanState::Applying).await.unwrap_err(),
        store.intend(id, vec![Digest([0; 32])], at(1)).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, RecordsError::NoSuchPlan { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_latest_cycle_and_the_latest_that_worked_are_told_apart() {
    let dir = scratch();
    let store = open(&dir);
    assert_eq!(store.cycles(&contoso()).await.unwrap(), (None, None));
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    let good = CycleRecord {
        trigger: Some(crate::plan::Trigger::Schedule),
        tenant: contoso(),
        started_at: at(10),
        ended_at: at(20),
        plan: Some(a_plan(1).id),
        failure: None,
    };
    let failed = CycleRecord {
        trigger: Some(crate::plan::Trigger::Schedule),
        started_at: at(30),
        ended_at: at(31),
        plan: None,
        failure: Some("cannot sign in".to_owned()),
        ..good.clone()
    };
    store.cycle(good.clone()).await.unwrap();
    store.cycle(failed.clone()).await.unwrap();
    assert_eq!(store.cycles(&contoso()).await.unwrap(), (Some(failed), Some(good)));
    assert_eq!(store.cycles(&fabrikam()).await.unwrap(), (None, None));
}
