use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::names::TenantName;
use crate::plan::bulk::{BulkOrder, Change, Selection, Skus};
use crate::ports::desk::{
    Activity, Ask, Delivered, Desk, Event, FailedReply, LeftOut, Notice, Pause, Reply, Report,
    Request, RequestId, Standing,
};
use crate::store::Store;

fn at(time: &str) -> Timestamp {
    format!("2026-11-26T{time}Z").parse().unwrap()
}

fn contoso() -> TenantName {
    "contoso".parse().unwrap()
}

fn request(number: u128, ask: Ask) -> Request {
    Request {
        id: RequestId(ulid::Ulid(number)),
        tenant: contoso(),
        ask,
        by: "ana".into(),
        at: at("09:00:00"),
        until: at("09:10:00"),
    }
}

fn plan() -> Ask {
    Ask::Plan { leave_out_misfits: true, let_go: false }
}

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

#[tokio::test]
async fn a_request_is_taken_up_once_and_its_answer_found() {
    let (_dir, store) = store();
    let order = BulkOrder {
        change: Change::Replace { skus: vec!["SPE_E5".into()], replaces: Skus::All },
        usage_location: Some("DE".parse().unwrap()),
        selection: Selection::Csv { file: "x.csv".into(), rows: vec![(2, "ana@x.de".into())] },
    };
    let asked = request(1, Ask::Bulk(order));
    store.ask(asked.clone()).await.unwrap();
    assert_eq!(store.standing(asked.id).await.unwrap(), Standing::Waiting);
    let taken = store.take_request(&contoso(), at("09:01:00")).await.unwrap();
    assert_eq!(taken, Some(asked.clone()));
    assert_eq!(store.take_request(&contoso(), at("09:01:00")).await.unwrap(), None);
    assert_eq!(store.withdraw(asked.id).await.unwrap(), Standing::Taken);
    let reply = Reply::Failed(FailedReply {
        exit: 6,
        shown: String::new(),
        message: "no".to_owned(),
        hint: None,
    });
    store.answer(asked.id, reply.clone(), at("09:02:00")).await.unwrap();
    assert_eq!(store.standing(asked.id).await.unwrap(), Standing::Answered(reply));
}

#[tokio::test]
async fn a_request_that_this_version_does_not_know_keeps_no_other_waiting() {
    let (dir, store) = store();
    let (strange, known) = (request(1, plan()), request(2, plan()));
    for request in [&strange, &known] {
        store.ask(request.clone()).await.unwrap();
    }
    let editor = rusqlite::Connection::open(dir.path().join(crate::store::FILE_NAME)).unwrap();
    let ask = r#"{"ask": "teleport", "plan": "01K"}"#;
    editor.execute("UPDATE requests SET ask = ?1 WHERE number = 1", [ask]).unwrap();
    let taken = store.take_request(&contoso(), at("09:01:00")).await.unwrap();
    assert_eq!(taken, Some(known));
    let Standing::Answered(Reply::Failed(reply)) = store.standing(strange.id).await.unwrap() else {
        panic!("nobody answered");
    };
    assert_eq!(reply.exit, 6);
    assert!(reply.message.contains("teleport"), "{}", reply.message);
}

#[tokio::test]
async fn answers_of_the_day_before_are_gone_with_the_next_request() {
    let (_dir, store) = store();
    let (old, waiting) = (request(1, plan()), request(2, plan()));
    for request in [&old, &waiting] {
        store.ask(request.clone()).await.unwrap();
    }
    store.take_request(&contoso(), at("09:01:00")).await.unwrap();
    store.answer(old.id, Reply::Read, at("09:02:00")).await.unwrap();
    let day = jiff::SignedDuration::from_hours(24);
    let next = |number, at: Timestamp| Request { at, ..request(number, plan()) };
    store.ask(next(3, at("09:00:00") + day)).await.unwrap();
    assert_eq!(store.standing(old.id).await.unwrap(), Standing::Answered(Reply::Read));
    store.ask(next(4, at("09:00:01") + day)).await.unwrap();
    assert_eq!(store.standing(old.id).await.unwrap(), Standing::Withdrawn);
    assert_eq!(store.standing(waiting.id).await.unwrap(), Standing::Waiting);
}

#[tokio::test]
async fn a_request_for_which_nobody_waits_is_not_taken_up() {
    let (_dir, store) = store();
    let (late, withdrawn, good) = (request(1, plan()), request(2, plan()), request(3, plan()));
    for request in [&late, &withdrawn, &good] {
        store.ask(request.clone()).await.unwrap();
    }
    assert_eq!(store.withdraw(withdrawn.id).await.unwrap(), Standing::Withdrawn);
    let other = Request { until: at("10:00:00"), ..request(4, plan()) };
    store.ask(other.clone()).await.unwrap();
    let taken = store.take_request(&contoso(), at("09:30:00")).await.unwrap().unwrap();
    assert_eq!(taken.id, other.id);
    assert_eq!(store.standing(late.id).await.unwrap(), Standing::Withdrawn);
    // What a daemon that is gone had taken up is not answered by anybody.
    assert_eq!(store.abandon_requests(&contoso(), at("09:31:00")).await.unwrap(), 1);
    assert_eq!(store.standing(other.id).await.unwrap(), Standing::Withdrawn);
}

#[tokio::test]
async fn the_longest_pause_that_runs_is_in_force() {
    let (_dir, store) = store();
    let pause = |tenant: Option<TenantName>, until: &str| Pause {
        tenant,
        by: "ana".into(),
        reason: "migration".into(),
        since: at("09:00:00"),
        until: at(until),
    };
    store.pause(pause(None, "10:00:00")).await.unwrap();
    store.pause(pause(Some(contoso()), "11:00:00")).await.unwrap();
    let found = store.paused(&contoso(), at("09:30:00")).await.unwrap();
    assert_eq!(found, Some(pause(Some(contoso()), "11:00:00")));
    assert_eq!(store.paused(&contoso(), at("11:00:00")).await.unwrap(), None);
    let ended = store.resume(Some(&contoso()), "ben".into(), at("09:31:00")).await.unwrap();
    assert_eq!(ended, 1);
    let found = store.paused(&contoso(), at("09:32:00")).await.unwrap();
    assert_eq!(found, Some(pause(None, "10:00:00")));
    assert_eq!(store.resume(None, "ben".into(), at("09:33:00")).await.unwrap(), 1);
    assert_eq!(store.paused(&contoso(), at("09:34:00")).await.unwrap(), None);
}

#[tokio::test]
async fn a_notice_is_recorded_once_and_delivered_until_it_arrives() {
    let (_dir, store) = store();
    let notice = Notice {
        tenant: contoso(),
        event: Event::Held,
        subject: "plan 1".into(),
        at: at("09:00:00"),
        title: "a plan is held".to_owned(),
        details: vec!["max_removals".to_owned()],
        plan: None,
    };
    let receivers: Vec<Arc<str>> = vec!["teams".into(), "ops".into()];
    assert!(store.notify(notice.clone(), receivers.clone()).await.unwrap());
    assert!(!store.notify(notice.clone(), receivers).await.unwrap());
    let due = store.due_deliveries(at("09:00:00")).await.unwrap();
    assert_eq!(due.len(), 2);
    assert_eq!(due[0].notice, notice);
    let again = Delivered::Again { at: at("09:05:00"), why: "503".to_owned() };
    store.delivered(due[0].number, "teams", again).await.unwrap();
    store.delivered(due[0].number, "ops", Delivered::Done).await.unwrap();
    assert!(store.due_deliveries(at("09:04:00")).await.unwrap().is_empty());
    let due = store.due_deliveries(at("09:05:00")).await.unwrap();
    assert_eq!((due.len(), &*due[0].receiver, due[0].tries), (1, "teams", 1));
}

#[tokio::test]
async fn what_the_daemon_tells_takes_the_place_of_what_it_told() {
    let (_dir, store) = store();
    let mut report = Report {
        tenant: contoso(),
        at: at("09:00:00"),
        process: 1,
        version: "0.1.0".into(),
        mode: "enforce".into(),
        activity: Activity::Planning,
        next_cycle: None,
        next_turn: Some(at("20:00:00")),
        held_back: Some("paused".into()),
        policies: Some((crate::plan::Digest([1; 32]), Some("abc".into()))),
        invalid: None,
        left_out: LeftOut {
            problems: 2,
            first: vec!["staff.yaml:3: there is no group `Staff`".into()],
        },
        outdated: Some("it has changed".into()),
        failures: 0,
    };
    store.report(report.clone()).await.unwrap();
    report.activity = Activity::Waiting;
    report.at = at("09:01:00");
    store.report(report.clone()).await.unwrap();
    assert_eq!(store.reported(&contoso()).await.unwrap(), Some(report));
}
