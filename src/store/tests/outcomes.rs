use super::{
    approval, at, begin, behind_its_back, chain, contoso, fabrikam, open, outcome, scratch, settled,
};
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::{Digest, Plan, PlanState};
use crate::ports::{HistoryEntry, HistoryFilter, OutcomeKind, Records, RecordsError, Settlement};
use crate::report::any::a_plan;
use crate::store::{Store, Verification};

pub(super) async fn history(store: &Store) -> Vec<HistoryEntry> {
    store.history(HistoryFilter::default()).await.unwrap()
}

/// A change for the ledger that shows whether it was carried out.
fn own(plan: &Plan, second: i64) -> LedgerChange {
    let operation = &plan.operations[0];
    let (user, sku) = (operation.user.id, operation.add[0].sku.id);
    LedgerChange::Own(user, sku, "engineering-e5".parse().unwrap(), at(second))
}

#[tokio::test]
async fn an_outcome_and_its_ledger_changes_are_recorded_together() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    let good = Settlement { ledger: vec![own(&plan, 10)], ..settled(&plan, 0, OutcomeKind::Done) };
    let stray = Settlement {
        outcome: outcome(&plan, Digest([0xee; 32]), OutcomeKind::Done),
        ledger: Vec::new(),
    };
    let error = store.settle(&contoso(), vec![good.clone(), stray]).await.unwrap_err();
    assert!(matches!(error, RecordsError::NoSuchPlan { .. }), "{error}");
    assert_eq!(history(&store).await, []);
    assert!(store.ledger(&contoso()).await.unwrap().is_empty());

    store.settle(&contoso(), vec![good.clone()]).await.unwrap();
    let mut ledger = Ledger::default();
    ledger.apply(&own(&plan, 10));
    assert_eq!(*store.ledger(&contoso()).await.unwrap(), ledger);
    let expected = HistoryEntry {
        tenant: contoso(),
        outcome: good.outcome,
        operation: plan.operations[0].clone(),
        approved_by: Some("ana".into()),
    };
    assert_eq!(history(&store).await, [expected]);
}

#[tokio::test]
async fn an_operation_keeps_its_first_outcome_and_nothing_follows_twice() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Failed)]).await.unwrap();
    let second =
        Settlement { ledger: vec![own(&plan, 10)], ..settled(&plan, 0, OutcomeKind::Done) };
    store.settle(&contoso(), vec![second, settled(&plan, 1, OutcomeKind::Done)]).await.unwrap();
    let kinds: Vec<_> = history(&store).await.iter().map(|entry| entry.outcome.kind).collect();
    assert_eq!(kinds, [OutcomeKind::Done, OutcomeKind::Failed]);
    assert!(store.ledger(&contoso()).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_outcomes_for_one_operation_in_one_call_leave_the_first() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    let both = vec![settled(&plan, 0, OutcomeKind::Done), settled(&plan, 0, OutcomeKind::Failed)];
    store.settle(&contoso(), both).await.unwrap();
    let kinds: Vec<_> = history(&store).await.iter().map(|entry| entry.outcome.kind).collect();
    assert_eq!(kinds, [OutcomeKind::Done]);
}

#[tokio::test]
async fn outcomes_of_a_plan_of_another_tenant_are_not_recorded() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    let outcomes = vec![settled(&plan, 0, OutcomeKind::Done)];
    let error = store.settle(&fabrikam(), outcomes).await.unwrap_err();
    assert!(matches!(error, RecordsError::NoSuchPlan { .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_intended_for_a_plan_that_is_not_being_carried_out() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    store.propose(plan.clone(), PlanState::Approved).await.unwrap();
    let error = store.intend(plan.id, vec![plan.operations[0].key], at(60)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("plan {} is approved, not applying", plan.id));
}

#[tokio::test]
async fn an_open_plan_tells_what_was_intended_and_what_was_not_touched() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    assert_eq!(store.open_plans(&contoso()).await.unwrap(), []);
    begin(&store, &plan).await;
    let [first, second] = [plan.operations[0].key, plan.operations[1].key];
    store.intend(plan.id, vec![second], at(60)).await.unwrap();
    // Once more, as after a retry: the time of the first stands.
    store.intend(plan.id, vec![second], at(70)).await.unwrap();
    let open = store.open_plans(&contoso()).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].plan, plan);
    assert_eq!(open[0].intended, [(second, at(60))]);
    assert_eq!(open[0].untouched, [first]);

    store.settle(&contoso(), vec![settled(&plan, 1, OutcomeKind::Done)]).await.unwrap();
    let open = store.open_plans(&contoso()).await.unwrap();
    assert_eq!((open[0].intended.len(), open[0].untouched.len()), (0, 1));
    store.advance(plan.id, PlanState::Applying, PlanState::Partial).await.unwrap();
    assert_eq!(store.open_plans(&contoso()).await.unwrap(), []);
}

#[tokio::test]
async fn open_plans_of_other_tenants_are_not_ours() {
    let dir = scratch();
    let store = open(&dir);
    begin(&store, &a_plan(1)).await;
    assert_eq!(store.open_plans(&fabrikam()).await.unwrap(), []);
}

/// Two plans of contoso and one of fabrikam, with every operation settled in order.
pub(super) async fn three_plans(store: &Store) -> [Plan; 3] {
    let plans = [a_plan(1), a_plan(2), Plan { tenant: fabrikam(), ..a_plan(3) }];
    for plan in &plans {
        begin(store, plan).await;
        let outcomes =
            vec![settled(plan, 0, OutcomeKind::Done), settled(plan, 1, OutcomeKind::AlreadyDone)];
        store.settle(&plan.tenant, outcomes).await.unwrap();
        store.advance(plan.id, PlanState::Applying, PlanState::Applied).await.unwrap();
    }
    plans
}

#[tokio::test]
async fn history_is_filtered_and_comes_newest_first() {
    let dir = scratch();
    let store = open(&dir);
    let [one, two, three] = three_plans(&store).await;
    let ana = one.operations[0].user.id.to_string();
    let asked = async |filter: HistoryFilter| -> Vec<(crate::plan::PlanId, String)> {
        let entries = store.history(filter).await.unwrap();
        let short = |entry: &HistoryEntry| {
            let name = &entry.operation.user.principal_name;
            (entry.outcome.plan, name.split('@').next().unwrap().to_owned())
        };
        entries.iter().map(short).collect()
    };
    let user = |user: &str| HistoryFilter { user: Some(user.into()), ..HistoryFilter::default() };
    let (name, other) =
        (|plan: &Plan| (plan.id, "Ana".to_owned()), |plan: &Plan| (plan.id, "Ben".to_owned()));

    let all = [other(&three), name(&three), other(&two), name(&two), other(&one), name(&one)];
    assert_eq!(asked(HistoryFilter::default()).await, all);
    assert_eq!(asked(user(&ana.to_uppercase())).await, [name(&three), name(&two), name(&one)]);
    assert_eq!(asked(user("aNA@cont")).await, [name(&three), name(&two), name(&one)]);
    assert_eq!(asked(user("a_a")).await, [], "an underscore is no wildcard");
    assert_eq!(asked(user("nobody")).await, []);
    let filter = HistoryFilter { plan: Some(two.id), ..user("Ben") };
    assert_eq!(asked(filter).await, [other(&two)]);
    let filter =
        HistoryFilter { tenant: Some(contoso()), limit: Some(3), ..HistoryFilter::default() };
    assert_eq!(asked(filter).await, [other(&two), name(&two), other(&one)]);
    let filter = HistoryFilter { tenant: Some(fabrikam()), limit: Some(9), ..user(&ana) };
    assert_eq!(asked(filter).await, [name(&three)]);
    let filter = HistoryFilter { limit: Some(0), ..HistoryFilter::default() };
    assert_eq!(asked(filter).await, []);
}

#[tokio::test]
async fn a_plan_that_nobody_approved_has_no_approver_in_history() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    store.propose(plan.clone(), PlanState::Approved).await.unwrap();
    store.advance(plan.id, PlanState::Approved, PlanState::Applying).await.unwrap();
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
    assert_eq!(history(&store).await[0].approved_by, None);
}

#[tokio::test]
async fn what_was_recorded_is_never_edited_and_never_dropped() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    store.intend(plan.id, vec![plan.operations[0].key], at(60)).await.unwrap();
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
    let editor = behind_its_back(dir.path());
    for (statement, rule) in [
        ("UPDATE outcomes SET kind = 'failed'", "an outcome is never edited"),
        ("DELETE FROM outcomes", "an outcome is never deleted"),
        ("UPDATE intents SET at = 0", "an intent is never edited"),
        ("DELETE FROM intents", "an intent is never deleted"),
        ("UPDATE decisions SET by = 'ben'", "a decision is never edited"),
        ("DELETE FROM decisions", "a decision is never deleted"),
        ("UPDATE operations SET form = '{}'", "an operation is never edited"),
        ("DELETE FROM operations", "an operation is never deleted"),
        (
            "INSERT INTO operations SELECT plan, 2, 'k', user_id, principal_name, folded_name,
             kind, form FROM operations WHERE position = 0",
            "a plan has as many operations as it was made with",
        ),
        ("UPDATE plans SET head = '{}'", "a plan is never edited"),
        ("UPDATE plans SET expires_at = 0", "a plan is never edited"),
        ("DELETE FROM plans", "a plan is never deleted"),
    ] {
        let error = editor.execute_batch(statement).unwrap_err();
        assert!(error.to_string().contains(rule), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_plan_runs_once() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    store.advance(plan.id, PlanState::Applying, PlanState::Applied).await.unwrap();
    let error = store.advance(plan.id, PlanState::Applied, PlanState::Approved).await.unwrap_err();
    let file = dir.path().join("seatkeeper.db");
    assert_eq!(
        chain(&error),
        format!(
            "cannot move plan {} from applied to approved: the store `{}` refuses the change: \
             a plan that came to its end stays there",
            plan.id,
            file.display()
        )
    );
}

#[tokio::test]
async fn an_untouched_history_verifies() {
    let dir = scratch();
    let store = open(&dir);
    let empty = store.verify_history().await.unwrap();
    assert_eq!(empty, Verification::Whole { outcomes: 0, records: 0, head: Digest([0; 32]) });
    three_plans(&store).await;
    let Verification::Whole { outcomes: 6, records: _, head } =
        store.verify_history().await.unwrap()
    else {
        panic!("the chain is broken");
    };
    assert_ne!(head, Digest([0; 32]));
}

#[tokio::test]
async fn what_was_written_lately_is_counted_as_a_quota_counts_it() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    begin(&store, &plan).await;
    // The first sets a location and licenses; the second takes over what is there.
    for (second, operation) in (100..).step_by(10).zip(&plan.operations) {
        store.intend(plan.id, vec![operation.key], at(second)).await.unwrap();
    }
    let since = |second| store.writes_since(&plan.tenant, at(second));
    let mut all = since(50).await.unwrap();
    all.sort_unstable();
    assert_eq!(all, [(at(100), 2), (at(110), 0)]);
    assert_eq!(since(100).await.unwrap(), [(at(110), 0)]);
    assert_eq!(store.writes_since(&fabrikam(), at(50)).await.unwrap(), []);
}

/// What tampering with the file does to the proof.
async fn after(tampering: &str) -> Verification {
    let dir = scratch();
    let store = open(&dir);
    three_plans(&store).await;
    let under_way = a_plan(4);
    begin(&store, &under_way).await;
    let keys = under_way.operations.iter().map(|operation| operation.key).collect();
    store.intend(under_way.id, keys, at(3)).await.unwrap();
    let editor = behind_its_back(dir.path());
    let triggers: Vec<String> = editor
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        editor.execute(&format!("DROP TRIGGER {trigger}"), []).unwrap();
    }
    editor.execute_batch(tampering).unwrap();
    let changes: i64 = editor.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap();
    assert!(changes > 0, "{tampering}");
    store.verify_history().await.unwrap()
}

#[tokio::test]
async fn a_history_that_was_tampered_with_does_not_verify() {
    for tampering in [
        "UPDATE outcomes SET detail = 'nothing to see' WHERE number = 3",
        "UPDATE outcomes SET at = at + 1 WHERE number = 3",
        "UPDATE outcomes SET code = '' WHERE number = 3",
        "DELETE FROM outcomes WHERE number = 2",
        "DELETE FROM outcomes WHERE number = (SELECT max(number) FROM outcomes)",
        "UPDATE decisions SET by = 'ben' WHERE plan = (SELECT plan FROM outcomes WHERE number = 3)",
        "UPDATE decisions SET accepted = '[]', reason = 'none'",
        "DELETE FROM decisions WHERE number = 1",
        "INSERT INTO decisions (plan, state, by, at, accepted) SELECT id, 'approved', 'eve', 1, '[]' FROM plans LIMIT 1",
        "UPDATE operations SET form = replace(form, 'Ana', 'Eve')
         WHERE plan = (SELECT plan FROM outcomes WHERE number = 3)",
        "DELETE FROM intents WHERE number = 1",
        "UPDATE intents SET at = at + 1 WHERE number = 1",
        "UPDATE journal SET at = at + 1 WHERE number = 2",
        "UPDATE journal SET tenant = NULL WHERE number = 2",
        "UPDATE journal SET body = '{}' WHERE event = 'decision'",
        "DELETE FROM journal WHERE number = 1",
        "DELETE FROM journal WHERE number = (SELECT max(number) FROM journal)",
        // A checkpoint that no record tells of, so that what was before is not looked for.
        "INSERT INTO dropping VALUES (1);
         INSERT INTO checkpoints SELECT NULL, number, chain,
             (SELECT number FROM outcomes ORDER BY number LIMIT 1),
             (SELECT chain FROM outcomes ORDER BY number LIMIT 1), 0, 0, 0
             FROM journal WHERE number = 4;
         DELETE FROM journal WHERE number <= 4;
         DELETE FROM outcomes WHERE number <= 1",
        "INSERT INTO checkpoints SELECT NULL, journal_number, journal_chain, outcome_number,
             outcome_chain, 1000, 1000, 1000 FROM checkpoints",
        "UPDATE checkpoints SET outcomes_before = 1000; UPDATE outcomes SET chain = 'sha256:' || hex(zeroblob(32))
             WHERE number = (SELECT max(number) FROM outcomes)",
        "UPDATE checkpoints SET decisions_before = 1000; UPDATE decisions SET by = 'ben'",
        "UPDATE checkpoints SET intents_before = 1000; UPDATE intents SET at = at + 1",
        "INSERT INTO journal (at, event, body, chain) SELECT at, 'pause', '{}', chain FROM journal LIMIT 1",
    ] {
        let found = after(tampering).await;
        assert!(matches!(found, Verification::Broken { .. }), "{tampering}: {found:?}");
    }
}

#[tokio::test]
async fn an_approval_is_kept_when_the_plan_is_rejected_later() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    store.propose(plan.clone(), PlanState::Proposed).await.unwrap();
    store.decide(plan.id, approval(PlanState::Approved)).await.unwrap();
    store.decide(plan.id, approval(PlanState::Rejected)).await.unwrap();
    let stored = store.plan(None, None).await.unwrap().unwrap();
    assert_eq!(stored.state, PlanState::Rejected);
    assert_eq!(stored.decisions.len(), 2);
}
