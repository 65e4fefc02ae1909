use std::sync::Barrier;

use super::{at, begin, block_on, contoso, open, scratch, settled};
use crate::plan::PlanState;
use crate::ports::{HistoryFilter, OutcomeKind, Records};
use crate::report::any::a_plan;
use crate::store::Store;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_process_ended() {
    let dir = scratch();
    let plan = a_plan(1);
    let store = open(&dir);
    begin(&store, &plan).await;
    store.intend(plan.id, vec![plan.operations[0].key], at(60)).await.unwrap();
    // Gone without a word, as after a kill: the threads live on and nothing is closed.
    std::mem::forget(store);
    let store = open(&dir);
    let found = store.open_plans(&contoso()).await.unwrap();
    assert_eq!(found[0].intended, [(plan.operations[0].key, at(60))]);
    assert_eq!(found[0].untouched, [plan.operations[1].key]);
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
    drop(store);
    assert_eq!(open(&dir).history(HistoryFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_copy_of_the_files_at_any_commit_opens_with_all_that_was_acknowledged() {
    let (dir, plan) = (scratch(), a_plan(1));
    let store = open(&dir);
    begin(&store, &plan).await;
    for index in 0..plan.operations.len() {
        store.settle(&contoso(), vec![settled(&plan, index, OutcomeKind::Done)]).await.unwrap();
        // The files as a power cut after this commit would leave them.
        let after = scratch();
        for name in ["seatkeeper.db", "seatkeeper.db-wal"] {
            std::fs::copy(dir.path().join(name), after.path().join(name)).unwrap();
        }
        // Whoever comes first: one that only reads, or one that goes on.
        let reader = Store::open_reading(after.path()).unwrap();
        for store in [reader, open(&after)] {
            let history = store.history(HistoryFilter::default()).await.unwrap();
            assert_eq!(history.len(), index + 1);
        }
    }
}

#[tokio::test]
async fn a_torn_commit_is_as_if_it_had_not_been() {
    let (dir, plan) = (scratch(), a_plan(1));
    let store = open(&dir);
    begin(&store, &plan).await;
    let log = dir.path().join("seatkeeper.db-wal");
    let before = std::fs::metadata(&log).unwrap().len();
    store.settle(&contoso(), vec![settled(&plan, 0, OutcomeKind::Done)]).await.unwrap();
    let bytes = std::fs::read(&log).unwrap();
    let length = u64::try_from(bytes.len()).unwrap();
    assert!(length > before, "the commit is in the log");
    for kept in [before, before + 1, before.midpoint(length), length - 1] {
        let after = scratch();
        std::fs::copy(dir.path().join("seatkeeper.db"), after.path().join("seatkeeper.db"))
            .unwrap();
        let kept = usize::try_from(kept).unwrap();
        std::fs::write(after.path().join("seatkeeper.db-wal"), &bytes[..kept]).unwrap();
        let store = open(&after);
        assert_eq!(store.history(HistoryFilter::default()).await.unwrap(), []);
        assert_eq!(store.open_plans(&contoso()).await.unwrap()[0].untouched.len(), 2);
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_still_done_whole() {
    let (dir, plan) = (scratch(), a_plan(1));
    let store = open(&dir);
    begin(&store, &plan).await;
    let outcomes = vec![settled(&plan, 0, OutcomeKind::Done), settled(&plan, 1, OutcomeKind::Done)];
    let tenant = contoso();
    // Polled once, so that the job is with the thread, and then dropped.
    let given_up = tokio::time::timeout(std::time::Duration::ZERO, store.settle(&tenant, outcomes));
    let _ = given_up.await;
    drop(store);
    assert_eq!(open(&dir).history(HistoryFilter::default()).await.unwrap().len(), 2);
}

#[test]
fn one_process_reads_whole_plans_while_another_writes() {
    let dir = scratch();
    let writer = open(&dir);
    block_on(writer.propose(a_plan(0), PlanState::Proposed)).unwrap();
    let reader = Store::open_reading(dir.path()).unwrap();
    let begin = Barrier::new(2);
    std::thread::scope(|threads| {
        let writing = threads.spawn(|| {
            begin.wait();
            for number in 1..60 {
                block_on(writer.propose(a_plan(number), PlanState::Proposed)).unwrap();
            }
        });
        begin.wait();
        let mut seen = 0;
        loop {
            let done = writing.is_finished();
            let latest = block_on(reader.plan(None, None)).unwrap().unwrap();
            let number = latest.plan.digest.0[0];
            assert_eq!(latest.plan, a_plan(number));
            assert_eq!(latest.state, PlanState::Proposed, "a plan and its state are one read");
            assert!(number >= seen, "what was seen once stays");
            seen = number;
            if done {
                break;
            }
        }
        assert_eq!(seen, 59);
    });
}

#[test]
fn two_processes_that_write_wait_for_each_other() {
    let dir = scratch();
    let plan = a_plan(1);
    let (daemon, cli) = (open(&dir), open(&dir));
    block_on(begin(&daemon, &plan));
    let start = Barrier::new(2);
    let settle = |store: &Store, index| {
        start.wait();
        block_on(store.settle(&contoso(), vec![settled(&plan, index, OutcomeKind::Done)])).unwrap();
    };
    std::thread::scope(|threads| {
        threads.spawn(|| settle(&daemon, 0));
        threads.spawn(|| settle(&cli, 1));
    });
    let found = block_on(daemon.verify_history()).unwrap();
    assert!(matches!(found, crate::store::Verification::Whole { outcomes: 2, .. }), "{found:?}");
}

#[test]
fn two_processes_may_make_the_store_at_once() {
    let dir = scratch();
    let start = Barrier::new(4);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                start.wait();
                open(&dir)
            });
        }
    });
    assert_eq!(block_on(open(&dir).plans(None)).unwrap(), []);
}

#[test]
fn of_two_decisions_at_once_one_is_refused() {
    let dir = scratch();
    let (one, other) = (open(&dir), open(&dir));
    block_on(one.propose(a_plan(1), PlanState::Approved)).unwrap();
    let start = Barrier::new(2);
    let advance = |store: &Store| {
        start.wait();
        block_on(store.advance(a_plan(1).id, PlanState::Approved, PlanState::Applying)).is_ok()
    };
    let won = std::thread::scope(|threads| {
        [threads.spawn(|| advance(&one)), threads.spawn(|| advance(&other))]
            .map(|thread| thread.join().unwrap())
    });
    assert_ne!(won[0], won[1], "{won:?}");
}
