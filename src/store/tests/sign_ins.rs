use jiff::Timestamp;
use rusqlite::Connection;

use super::{at, behind_its_back, contoso, fabrikam, open, scratch};
use crate::domain::ids::UserId;
use crate::ports::{CycleRecord, Records, SignInReading};
use crate::store::Store;
use crate::store::schema::MIGRATIONS;

fn user(number: u128) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(number))
}

fn reading(started_at: i64, users: u64, next: Option<&str>) -> SignInReading {
    SignInReading {
        started_at: at(started_at),
        users,
        continuation: next.map(Into::into),
        finished_at: next.is_none().then(|| at(started_at + 9)),
        whole_since: next.is_none().then(|| at(started_at)),
    }
}

async fn found(store: &Store, since: i64) -> (Vec<(UserId, Timestamp)>, Option<Timestamp>) {
    let (latest, oldest) = store.sign_ins(&contoso(), at(since)).await.unwrap();
    (latest.into_iter().collect(), oldest)
}

#[tokio::test]
async fn an_interrupted_read_of_sign_ins_goes_on_where_it_was() {
    let dir = scratch();
    let store = open(&dir);
    assert_eq!(store.sign_in_reading(&contoso()).await.unwrap(), None);
    let page = vec![(user(1), Some(at(5))), (user(2), None)];
    let half = reading(100, 2, Some("next page"));
    store.keep_sign_ins(&contoso(), page, at(101), half.clone()).await.unwrap();
    // The process ends here, and another one opens the store.
    drop(store);
    let store = open(&dir);
    assert_eq!(store.sign_in_reading(&contoso()).await.unwrap(), Some(half));
    assert_eq!(store.sign_in_reading(&fabrikam()).await.unwrap(), None);
    assert_eq!(found(&store, 0).await, (vec![(user(1), at(5))], Some(at(101))));
    let end = reading(100, 3, None);
    let page = vec![(user(3), Some(at(7)))];
    store.keep_sign_ins(&contoso(), page, at(103), end.clone()).await.unwrap();
    assert_eq!(store.sign_in_reading(&contoso()).await.unwrap(), Some(end));
    let both = vec![(user(1), at(5)), (user(3), at(7))];
    assert_eq!(found(&store, 0).await, (both, Some(at(101))));
    assert_eq!(found(&store, 102).await, (vec![(user(3), at(7))], Some(at(103))));
}

#[tokio::test]
async fn a_whole_read_forgets_whom_it_did_not_see() {
    let store = open(&scratch());
    let first = vec![(user(1), Some(at(5))), (user(2), Some(at(6))), (user(3), Some(at(7)))];
    store.keep_sign_ins(&contoso(), first, at(101), reading(100, 3, None)).await.unwrap();
    // In the next read, user 1 signed in again, user 2 has no sign-in any more.
    let page = vec![(user(1), Some(at(150))), (user(2), None)];
    store.keep_sign_ins(&contoso(), page, at(201), reading(200, 2, Some("next"))).await.unwrap();
    let meanwhile = vec![(user(1), at(150)), (user(3), at(7))];
    assert_eq!(found(&store, 0).await, (meanwhile, Some(at(101))));
    store.keep_sign_ins(&contoso(), Vec::new(), at(202), reading(200, 2, None)).await.unwrap();
    assert_eq!(found(&store, 0).await, (vec![(user(1), at(150))], Some(at(201))));
}

#[tokio::test]
async fn a_store_without_sign_ins_is_brought_up_to_date_and_keeps_what_it_has() {
    let dir = scratch();
    let first = Store::open_with(dir.path(), &MIGRATIONS[..1]).unwrap();
    let (tenant, failure) = (contoso(), Some("no network".to_owned()));
    let cycle = CycleRecord {
        tenant,
        trigger: None,
        started_at: at(1),
        ended_at: at(2),
        plan: None,
        failure,
    };
    drop(first);
    behind_its_back(dir.path())
        .execute(
            "INSERT INTO cycles (tenant, started_at, ended_at, failure)
             VALUES ('contoso', 1000000000, 2000000000, 'no network')",
            [],
        )
        .unwrap();
    let store = open(&dir);
    assert_eq!(store.cycles(&contoso()).await.unwrap(), (Some(cycle), None));
    let page = vec![(user(1), Some(at(5)))];
    store.keep_sign_ins(&contoso(), page, at(101), reading(100, 1, None)).await.unwrap();
    assert_eq!(found(&store, 0).await.0.len(), 1);
    // The store as it was is there beside it, without the new tables.
    let copy = Connection::open(dir.path().join("seatkeeper-v1.db")).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sign_in%'";
    assert_eq!(copy.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
