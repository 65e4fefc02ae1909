//! Stores as earlier versions left them, in `tests/stores/vN.sql`. What was written there once is never
//! written anew: these are the stores that people have.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::{approval, at, begin, contoso, fabrikam, scratch, settled};
use crate::domain::ids::ServicePlanId;
use crate::plan::conflict::Lesson;
use crate::plan::ledger::LedgerChange;
use crate::plan::memory::MemoryChange;
use crate::plan::source::{Mark, Remembered, Source};
use crate::plan::{
    Because, Digest, GuardName, Kind, Plan, PlanState, Reason, Scheduled, Trigger, Verdict, Waiting,
};
use crate::ports::desk::{Ask, Desk, Event, Notice, Pause, Request, RequestId};
use crate::ports::{CycleRecord, Decision, HistoryFilter, OutcomeKind, Records, SignInReading};
use crate::report::any::{a_plan, a_sku, a_user};
use crate::report::json;
use crate::store::schema::{self, MIGRATIONS};
use crate::store::{FILE_NAME, Store, StoreError, Verification};
use crate::yaml::testing::Checked;

fn fixture(version: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stores/v{version}.sql"))
}

/// Returns the versions of which a store is kept, with its text.
fn fixtures() -> BTreeMap<usize, String> {
    let versions = 1..=MIGRATIONS.len();
    versions
        .filter_map(|version| Some((version, fs::read_to_string(fixture(version)).ok()?)))
        .collect()
}

/// Lays a store out as it was written.
fn lay_out(dir: &Path, text: &str) {
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(text).unwrap();
}

fn version_of(file: &Path) -> usize {
    let connection = Connection::open(file).unwrap();
    let version = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    version.unwrap().try_into().unwrap()
}

/// A plan that waits for a person, with entries of every kind that people read.
fn a_held_plan() -> Plan {
    let because = vec![Because {
        policy: "engineering-e5".parse().unwrap(),
        at: "engineering.yaml:2".into(),
        sku: Some(a_sku(0xe5, "SPE_E5")),
        reason: Reason::Matched,
        detail: "group Engineering".into(),
    }];
    Plan {
        expires_at: at(4_000_000_000),
        waiting: vec![Waiting {
            user: a_user(0xc3, "Cem"),
            sku: a_sku(0xe5, "SPE_E5"),
            position: 1,
            since: at(1_795_424_000),
            meanwhile: Some(a_sku(0xe3, "SPE_E3")),
            because: because.clone(),
        }],
        scheduled: vec![Scheduled {
            user: a_user(0xd4, "Dag"),
            sku: a_sku(0xe3, "SPE_E3"),
            service_plans: Vec::new(),
            due: at(1_795_600_000),
            because,
        }],
        guards: vec![Verdict {
            guard: GuardName::FirstPlan,
            scope: "tenant".into(),
            limit: "a person looks at the first plan".to_owned(),
            actual: "the ledger is empty".to_owned(),
            counted: Some(2),
            most: None,
            tripped: true,
        }],
        ..a_plan(5)
    }
}

/// Keeps what a daemon of two tenants has after some days.
async fn live(store: &Store) {
    ledger(store).await;
    let [applied, partial, rejected, old] = [1, 2, 3, 4].map(a_plan);
    begin(store, &applied).await;
    store.intend(applied.id, vec![applied.operations[0].key], at(60)).await.unwrap();
    let outcomes = [0, 1].map(|one| settled(&applied, one, OutcomeKind::Done));
    store.settle(&contoso(), outcomes.into()).await.unwrap();
    store.advance(applied.id, PlanState::Applying, PlanState::Applied).await.unwrap();
    begin(store, &partial).await;
    store.intend(partial.id, vec![partial.operations[0].key], at(70)).await.unwrap();
    store.settle(&contoso(), vec![settled(&partial, 0, OutcomeKind::Refused)]).await.unwrap();
    store.settle(&contoso(), vec![settled(&partial, 1, OutcomeKind::Done)]).await.unwrap();
    store.advance(partial.id, PlanState::Applying, PlanState::Partial).await.unwrap();
    store.propose(rejected.clone(), PlanState::Proposed).await.unwrap();
    store.decide(rejected.id, approval(PlanState::Rejected)).await.unwrap();
    store.propose(old, PlanState::Proposed).await.unwrap();
    // Supersedes the one before.
    store.propose(a_held_plan(), PlanState::Held).await.unwrap();
    // Killed while it was carried out.
    let cut_off = Plan { tenant: fabrikam(), ..a_plan(6) };
    begin(store, &cut_off).await;
    store.intend(cut_off.id, vec![cut_off.operations[0].key], at(80)).await.unwrap();
    beside(store, &applied).await;
}

async fn ledger(store: &Store) {
    let (ana, ben) = (a_user(0xa1, "Ana").id, a_user(0xb2, "Ben").id);
    let (e5, e3) = (a_sku(0xe5, "SPE_E5").id, a_sku(0xe3, "SPE_E3").id);
    let plan = |number| ServicePlanId::from_uuid(uuid::Uuid::from_u128(number));
    let changes = vec![
        LedgerChange::Own(ana, e5, "engineering-e5".parse().unwrap(), at(10)),
        LedgerChange::Own(ben, e3, "staff".parse().unwrap(), at(10)),
        LedgerChange::LetGo(ben, e3, "staff".parse().unwrap(), at(20)),
        LedgerChange::StartClock(ben, e3, "leavers".parse().unwrap(), at(30)),
        LedgerChange::Queue(ben, e5, at(40)),
        LedgerChange::See(e5, [plan(1), plan(2)].into_iter().collect()),
        LedgerChange::Learn(Lesson::Exclusive(plan(1), plan(2))),
        MemoryChange::Lose(ben, at(45)).into(),
        MemoryChange::Remember(
            Source::Users,
            Remembered { marks: vec![Mark { size: 1200, since: at(46) }], text: None },
        )
        .into(),
        MemoryChange::Assert(ana, e5, Some(Digest([1; 32])), at(47)).into(),
    ];
    store.observe(&contoso(), changes).await.unwrap();
}

async fn beside(store: &Store, plan: &Plan) {
    for (plan, failure) in [(Some(plan.id), None), (None, Some("the network is gone".to_owned()))] {
        let (started_at, ended_at, trigger) = (at(90), at(95), Some(Trigger::Schedule));
        let tenant = contoso();
        let cycle = CycleRecord { tenant, trigger, started_at, ended_at, plan, failure };
        store.cycle(cycle).await.unwrap();
    }
    let reading = SignInReading {
        started_at: at(100),
        users: 1,
        continuation: None,
        finished_at: Some(at(101)),
        whole_since: Some(at(100)),
    };
    let page = vec![(a_user(0xa1, "Ana").id, Some(at(5)))];
    store.keep_sign_ins(&contoso(), page, at(101), reading).await.unwrap();
    let (by, reason) = ("ana".into(), "migration".into());
    let pause = Pause { tenant: None, by, reason, since: at(110), until: at(120) };
    store.pause(pause).await.unwrap();
    let request = Request {
        id: RequestId(ulid::Ulid(9)),
        tenant: contoso(),
        ask: Ask::Plan { leave_out_misfits: false, let_go: false },
        by: "ana".into(),
        at: at(130),
        until: at(140),
    };
    store.ask(request).await.unwrap();
    let notice = Notice {
        tenant: contoso(),
        event: Event::Held,
        subject: "plan 5".into(),
        at: at(150),
        title: "a plan is held".to_owned(),
        details: vec!["first_plan".to_owned()],
        plan: None,
    };
    store.notify(notice, vec!["ops".into()]).await.unwrap();
}

/// Returns the same as a store of an earlier version holds it: the tables and columns that it had.
fn as_of(version: usize, full: &Path) -> Connection {
    let mut earlier = Connection::open_in_memory().unwrap();
    schema::migrate(&mut earlier, &MIGRATIONS[..version]).unwrap();
    earlier.execute("ATTACH ?1 AS whole", [full.to_str().unwrap()]).unwrap();
    for table in tables(&earlier) {
        let columns = columns(&earlier, &table).join(", ");
        let copy = format!(
            "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM whole.{table}"
        );
        earlier.execute_batch(&copy).unwrap();
    }
    earlier
}

/// Returns the tables in the order in which they were made, so that references lead to what is there.
fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY rowid";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    let sql = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
    let mut statement = connection.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Returns a store as SQL text that lays it out again, the same bytes every time.
fn dump(connection: &Connection, version: usize) -> String {
    let mut text = format!("-- A store of schema version {version}. Never edited.\n");
    let schema = |kinds: &str| -> Vec<String> {
        let sql = format!(
            "SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND type {kinds} ORDER BY rowid"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for sql in schema("= 'table'") {
        writeln!(text, "{sql};").unwrap();
    }
    for table in tables(connection) {
        let columns = columns(connection, &table);
        let order: Vec<_> = (1..=columns.len()).map(|column| column.to_string()).collect();
        let (all, order) = (columns.join(", "), order.join(", "));
        let sql = format!("SELECT {all} FROM main.{table} ORDER BY {order}");
        let mut statement = connection.prepare(&sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> =
                (0..columns.len()).map(|column| literal(row.get_ref(column).unwrap())).collect();
            let (columns, values) = (columns.join(", "), values.join(", "));
            writeln!(text, "INSERT INTO {table} ({columns}) VALUES ({values});").unwrap();
        }
    }
    // Triggers stand behind the rows: some refuse what a store is laid out with.
    for sql in schema("<> 'table'") {
        writeln!(text, "{sql};").unwrap();
    }
    let application = connection.pragma_query_value(None, "application_id", |row| row.get(0));
    let application: i64 = application.unwrap();
    writeln!(text, "PRAGMA application_id = {application};").unwrap();
    writeln!(text, "PRAGMA user_version = {version};").unwrap();
    text
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => {
            format!("'{}'", std::str::from_utf8(text).unwrap().replace('\'', "''"))
        }
        ValueRef::Real(_) | ValueRef::Blob(_) => panic!("no table has such a column"),
    }
}

/// A change of the schema comes with a store as it was before. Where one is missing it is written
/// beside its place, to be looked at and renamed.
#[tokio::test]
async fn a_store_of_every_version_before_this_one_is_kept() {
    let kept = fixtures();
    let missing: Vec<_> =
        (1..MIGRATIONS.len()).filter(|version| !kept.contains_key(version)).collect();
    if missing.is_empty() {
        return;
    }
    let dir = scratch();
    let store = Store::open(dir.path()).unwrap();
    live(&store).await;
    drop(store);
    fs::create_dir_all(fixture(1).parent().unwrap()).unwrap();
    for version in (1..=MIGRATIONS.len()).filter(|version| !kept.contains_key(version)) {
        let text = dump(&as_of(version, &dir.path().join(FILE_NAME)), version);
        fs::write(fixture(version).with_extension("sql.new"), text).unwrap();
    }
    panic!(
        "no store is kept of versions {missing:?}: look at tests/stores/*.sql.new, and rename them"
    );
}

#[tokio::test]
async fn a_store_of_every_version_is_copied_brought_up_to_date_and_whole() {
    for (version, text) in fixtures() {
        let dir = scratch();
        lay_out(dir.path(), &text);
        let store = Store::open(dir.path()).unwrap();
        let verified = store.verify_history().await.unwrap();
        assert!(
            matches!(verified, Verification::Whole { outcomes: 4, .. }),
            "version {version}: {verified:?}"
        );
        let plans = store.plans(None).await.unwrap();
        let states: Vec<_> = plans.iter().map(|plan| plan.state.as_str()).collect();
        let expected = ["applying", "held", "superseded", "rejected", "partial", "applied"];
        assert_eq!(states, expected, "version {version}");
        for plan in plans {
            let read = store.plan(None, Some(plan.id)).await.unwrap().unwrap();
            assert_eq!(read.plan.operations, a_plan(number(&read.plan)).operations, "{version}");
        }
        let history = store.history(HistoryFilter::default()).await.unwrap();
        assert_eq!(history.len(), 4, "version {version}");
        let ledger = store.ledger(&contoso()).await.unwrap();
        assert_eq!((ledger.owners.len(), ledger.clocks.len()), (2, 1), "version {version}");
        let under_way = store.open_plans(&fabrikam()).await.unwrap();
        assert_eq!(under_way[0].intended.len(), 1, "version {version}");
        drop(store);
        assert_eq!(version_of(&dir.path().join(FILE_NAME)), MIGRATIONS.len());
        let copy = dir.path().join(format!("seatkeeper-v{version}.db"));
        assert_eq!(copy.exists(), version < MIGRATIONS.len(), "version {version}");
        if copy.exists() {
            assert_eq!(version_of(&copy), version);
        }
    }
}

/// The digests of these plans are their numbers.
fn number(plan: &Plan) -> u8 {
    plan.digest.0[0]
}

#[tokio::test]
async fn a_plan_held_before_an_update_is_approved_and_carried_out_after_it() {
    for (version, text) in fixtures() {
        let dir = scratch();
        lay_out(dir.path(), &text);
        let store = Store::open(dir.path()).unwrap();
        let held = store.plan(Some(&contoso()), None).await.unwrap().unwrap();
        assert_eq!(held.state, PlanState::Held, "version {version}");
        assert_eq!(held.plan.guards[0].guard, GuardName::FirstPlan);
        assert_eq!((held.plan.waiting.len(), held.plan.scheduled.len()), (1, 1));
        let decision = Decision {
            accepted: vec![GuardName::FirstPlan],
            reason: Some("looked at it with Ben".into()),
            ..approval(PlanState::Approved)
        };
        store.decide(held.plan.id, decision).await.unwrap();
        store.advance(held.plan.id, PlanState::Approved, PlanState::Applying).await.unwrap();
        store.intend(held.plan.id, vec![held.plan.operations[0].key], at(200)).await.unwrap();
        let outcomes = [0, 1].map(|one| settled(&held.plan, one, OutcomeKind::Done));
        store.settle(&contoso(), outcomes.into()).await.unwrap();
        store.advance(held.plan.id, PlanState::Applying, PlanState::Applied).await.unwrap();
        let verified = store.verify_history().await.unwrap();
        assert!(
            matches!(verified, Verification::Whole { outcomes: 6, .. }),
            "version {version}: {verified:?}"
        );
    }
}

/// A change to a record from before an update shows after it as it did before.
#[tokio::test]
async fn what_was_forged_before_an_update_shows_after_it() {
    for (version, text) in fixtures() {
        let dir = scratch();
        let forged = text.replacen("'as planned'", "'as nobody planned'", 1);
        assert_ne!(forged, text);
        lay_out(dir.path(), &forged);
        let store = Store::open(dir.path()).unwrap();
        let verified = store.verify_history().await.unwrap();
        assert!(matches!(verified, Verification::Broken { .. }), "version {version}");
    }
}

#[test]
fn the_copy_goes_on_with_the_version_that_wrote_it() {
    for (version, text) in fixtures().into_iter().filter(|(version, _)| *version < MIGRATIONS.len())
    {
        let dir = scratch();
        lay_out(dir.path(), &text);
        drop(Store::open(dir.path()).unwrap());
        let restored = scratch();
        let copy = dir.path().join(format!("seatkeeper-v{version}.db"));
        fs::copy(copy, restored.path().join(FILE_NAME)).unwrap();
        // The version that knew no more migrations opens it for writing, and copies nothing.
        drop(schema::open_writing(restored.path(), &MIGRATIONS[..version]).unwrap());
        assert_eq!(version_of(&restored.path().join(FILE_NAME)), version);
        assert!(!restored.path().join(format!("seatkeeper-v{version}.db")).exists());
    }
}

#[test]
fn a_store_of_a_version_to_come_is_refused_and_left_alone() {
    for (version, text) in fixtures() {
        let dir = scratch();
        let later = MIGRATIONS.len() + 1;
        let was = format!("PRAGMA user_version = {version};");
        lay_out(dir.path(), &text.replace(&was, &format!("PRAGMA user_version = {later};")));
        let before = fs::read(dir.path().join(FILE_NAME)).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Newer { .. }), "{error}");
        assert_eq!(fs::read(dir.path().join(FILE_NAME)).unwrap(), before);
        let copies = fs::read_dir(dir.path()).unwrap().filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("seatkeeper-v")
        });
        assert_eq!(copies.count(), 0);
    }
}

/// A plan in JSON as the first programs wrote it, shortened: it is read as long as the format is 1.
#[test]
fn a_plan_in_json_of_the_first_format_is_read_and_as_its_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans/format-1.json");
    let text = fs::read_to_string(path).unwrap();
    let read = json::from_json(&text).unwrap();
    let kinds: Vec<_> = read.plan.operations.iter().map(|one| one.kind).collect();
    let [add, replace, remove] = [Kind::Add, Kind::Replace, Kind::Remove];
    assert_eq!(kinds, [Kind::Adopt, replace, Kind::Locate, add, Kind::Modify, remove]);
    assert_eq!((read.state, read.plan.waiting.len()), (PlanState::Rejected, 2));
    assert_eq!(read.decisions[0].by.as_ref(), "ana");
    let value = serde_json::from_str(&text).unwrap();
    assert_eq!(Checked::new(json::schema::document()).faults(&value), [""; 0]);
    // What is written again is read as the same plan.
    assert_eq!(json::from_json(&json::to_json(&read)).unwrap(), read);
}
