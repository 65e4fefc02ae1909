use proptest::collection::vec;
use proptest::prelude::*;

use super::outcomes::{history, three_plans};
use super::{approval, at, begin, block_on, contoso, fabrikam, open, scratch, settled};
use crate::plan::{Plan, PlanState};
use crate::ports::desk::{Desk, Pause};
use crate::ports::{Decision, Outcome, OutcomeKind, Records, Settlement};
use crate::report::any::a_plan;
use crate::store::{Dropped, Store, Verification};

#[tokio::test]
async fn what_has_to_be_kept_no_longer_is_dropped_and_the_rest_verifies_still() {
    let dir = scratch();
    let store = open(&dir);
    let [one, two, three] = three_plans(&store).await;
    let whole = store.verify_history().await.unwrap();
    let all = store.journal(None, 0, 1_000).await.unwrap();
    // Everything is younger: nothing goes, and nothing is noted.
    let long_ago = "1969-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(store.drop_before(long_ago, at(9_000)).await.unwrap(), Dropped::default());
    assert_eq!(store.verify_history().await.unwrap(), whole);

    let later = "2030-01-01T00:00:00Z".parse().unwrap();
    let dropped = store.drop_before(later, at(9_000)).await.unwrap();
    // The newest of each kind stays, and the plan that it is about.
    assert_eq!(dropped, Dropped { plans: 2, outcomes: 5, records: all.len() as u64 - 1 });
    for plan in [&one, &two] {
        assert!(store.plan(None, Some(plan.id)).await.unwrap().is_none());
    }
    let left: Vec<_> = history(&store).await.iter().map(|entry| entry.outcome.plan).collect();
    assert_eq!(left, [three.id]);
    let found = store.verify_history().await.unwrap();
    assert!(matches!(found, Verification::Whole { outcomes: 1, records: 2, .. }), "{found:?}");

    // What comes after goes on where the chain was cut.
    let plan = a_plan(9);
    begin(&store, &plan).await;
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
    let found = store.verify_history().await.unwrap();
    assert!(matches!(found, Verification::Whole { outcomes: 2, .. }), "{found:?}");
    let cut = store.journal(None, 0, 1_000).await.unwrap();
    assert_eq!((cut[0].number, &*cut[1].event), (all.len() as u64, "retention"));
    assert_eq!(cut[1].body["journal_chain"], all[all.len() - 2].chain.as_str());
}

#[tokio::test]
async fn what_a_plan_under_way_needs_is_not_dropped() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    store.intend(plan.id, vec![plan.operations[1].key], at(3)).await.unwrap();
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
    let later = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(store.drop_before(later, at(9_000)).await.unwrap(), Dropped::default());
    let under_way = store.open_plans(&contoso()).await.unwrap();
    assert_eq!(under_way[0].intended.len(), 1);
    let found = store.verify_history().await.unwrap();
    assert!(matches!(found, Verification::Whole { outcomes: 1, .. }), "{found:?}");
}

/// Something that happens to a store in its life.
#[derive(Clone, Debug)]
enum Step {
    Propose,
    Approve(usize),
    Reject(usize),
    Begin(usize),
    Intend(usize, usize),
    Settle(usize, usize),
    Close(usize),
    Pause,
    Drop { older_than: i64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let plan = 0..3_usize;
    let operation = 0..2_usize;
    prop_oneof![
        3 => Just(Step::Propose),
        3 => plan.clone().prop_map(Step::Approve),
        1 => plan.clone().prop_map(Step::Reject),
        3 => plan.clone().prop_map(Step::Begin),
        3 => (plan.clone(), operation.clone()).prop_map(|(plan, one)| Step::Intend(plan, one)),
        4 => (plan.clone(), operation).prop_map(|(plan, one)| Step::Settle(plan, one)),
        3 => plan.prop_map(Step::Close),
        1 => Just(Step::Pause),
        3 => (0..150_i64).prop_map(|older_than| Step::Drop { older_than }),
    ]
}

/// Lives one step. What the store refuses in the state that it is in changes nothing.
async fn live(store: &Store, step: Step, plans: &mut Vec<Plan>, now: i64) {
    let decision = |state| Decision { at: at(now), ..approval(state) };
    let of = |one: usize| plans.get(plans.len().wrapping_sub(1 + one)).cloned();
    let moved = |plan: Option<Plan>, from, to| async move {
        if let Some(plan) = plan {
            let _ = store.advance(plan.id, from, to).await;
        }
    };
    match step {
        Step::Propose => {
            let number = u8::try_from(plans.len() + 1).unwrap();
            // Of two tenants: a plan supersedes those before it of the same.
            let tenant = if number % 2 == 0 { contoso() } else { fabrikam() };
            let (created_at, expires_at) = (at(now), at(now + 150));
            let plan = Plan { tenant, created_at, expires_at, ..a_plan(number) };
            store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
            plans.push(plan);
        }
        Step::Approve(one) | Step::Reject(one) => {
            let state = match step {
                Step::Approve(_) => PlanState::Approved,
                _ => PlanState::Rejected,
            };
            if let Some(plan) = of(one) {
                let _ = store.decide(plan.id, decision(state)).await;
            }
        }
        Step::Begin(one) => moved(of(one), PlanState::Approved, PlanState::Applying).await,
        Step::Close(one) => moved(of(one), PlanState::Applying, PlanState::Partial).await,
        Step::Intend(one, operation) => {
            if let Some(plan) = of(one) {
                let keys = vec![plan.operations[operation].key];
                let _ = store.intend(plan.id, keys, at(now)).await;
            }
        }
        Step::Settle(one, operation) => {
            // Outcomes come while a plan is carried out, and before it is closed.
            let Some(plan) = of(one) else { return };
            let stored = store.plan(None, Some(plan.id)).await.unwrap();
            if stored.is_some_and(|stored| stored.state == PlanState::Applying) {
                let Settlement { outcome, ledger } = settled(&plan, operation, OutcomeKind::Done);
                let outcome = Outcome { at: at(now), ..outcome };
                store.settle(&plan.tenant, vec![Settlement { outcome, ledger }]).await.unwrap();
            }
        }
        Step::Pause => {
            let (by, reason) = ("ana".into(), "look".into());
            let pause = Pause { tenant: None, by, reason, since: at(now), until: at(now + 50) };
            store.pause(pause).await.unwrap();
        }
        Step::Drop { older_than } => {
            store.drop_before(at(now - older_than), at(now)).await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is dropped when, what stays verifies, and nothing younger is lost.
    #[test]
    fn retention_never_breaks_a_chain(steps in vec(any_step(), 20..60)) {
        let dir = scratch();
        let store = open(&dir);
        let mut plans = Vec::new();
        for (turn, step) in (0..).zip(steps) {
            let now = 1_000 + turn * 10;
            let kept = match &step {
                Step::Drop { older_than } => now - older_than,
                _ => i64::MIN,
            };
            let before = block_on(history(&store));
            block_on(live(&store, step.clone(), &mut plans, now));
            let found = block_on(store.verify_history()).unwrap();
            prop_assert!(matches!(found, Verification::Whole { .. }), "{step:?}: {found:?}");
            let after = block_on(history(&store));
            for entry in before.iter().filter(|entry| entry.outcome.at.as_second() >= kept) {
                prop_assert!(after.contains(entry), "{step:?} dropped {entry:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_outcome_stays_as_long_as_its_record() {
    let dir = scratch();
    let store = open(&dir);
    three_plans(&store).await;
    // Somebody decided, and the plan is open still: the journal is kept from there on.
    let waits = Plan { tenant: fabrikam(), expires_at: at(2_000_000_000), ..a_plan(4) };
    store.propose(waits.clone(), PlanState::Proposed).await.unwrap();
    store.decide(waits.id, approval(PlanState::Approved)).await.unwrap();
    begin(&store, &a_plan(5)).await;
    let outcomes = [0, 1].map(|one| settled(&a_plan(5), one, OutcomeKind::Done));
    store.settle(&contoso(), outcomes.into()).await.unwrap();
    store.advance(a_plan(5).id, PlanState::Applying, PlanState::Partial).await.unwrap();
    store.drop_before(at(1_900_000_000), at(1_900_000_001)).await.unwrap();
    let found = store.verify_history().await.unwrap();
    assert!(matches!(found, Verification::Whole { .. }), "{found:?}");
}

#[tokio::test]
async fn a_plan_that_nobody_decided_on_in_time_keeps_nothing() {
    let dir = scratch();
    let store = open(&dir);
    let forgotten = a_plan(1);
    store.propose(forgotten.clone(), PlanState::Proposed).await.unwrap();
    store.decide(forgotten.id, approval(PlanState::Approved)).await.unwrap();
    three_plans_after(&store).await;
    let dropped = store.drop_before(at(1_900_000_000), at(1_900_000_001)).await.unwrap();
    assert!(store.plan(None, Some(forgotten.id)).await.unwrap().is_none(), "{dropped:?}");
    let found = store.verify_history().await.unwrap();
    assert!(matches!(found, Verification::Whole { outcomes: 1, .. }), "{found:?}");
}

async fn three_plans_after(store: &Store) {
    for number in 2..5 {
        // Of another tenant: proposing these must not close the first.
        let plan = Plan { tenant: fabrikam(), ..a_plan(number) };
        begin(store, &plan).await;
        store.settle(&plan.tenant, vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
        store.advance(plan.id, PlanState::Applying, PlanState::Partial).await.unwrap();
    }
}
