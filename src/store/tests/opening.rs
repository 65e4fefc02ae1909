use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::{begin, behind_its_back, contoso, open, outcome, scratch, settled};
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::{Reading, Snapshot};
use crate::plan::PlanState;
use crate::ports::{OutcomeKind, Records};
use crate::report::any::a_plan;
use crate::store::schema::{self, MIGRATIONS};
use crate::store::{Store, StoreError, Verification};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_store_makes_is_for_its_account_alone() {
    let scratch = scratch();
    let dir = scratch.path().join("deep").join("state");
    let store = Store::open(&dir).unwrap();
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    assert_eq!(mode(&dir), 0o700);
    for file in fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_directory_without_a_store_says_so() {
    let dir = scratch();
    let error = Store::open_reading(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error}");
    let error = Store::open_reading(&dir.path().join("missing")).unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error}");
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "reading made a file");
}

#[test]
fn a_store_that_is_just_being_made_is_not_one_yet() {
    let dir = scratch();
    fs::write(dir.path().join("seatkeeper.db"), "").unwrap();
    let error = Store::open_reading(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error}");
    drop(open(&dir));
    Store::open_reading(dir.path()).unwrap();
}

#[test]
fn a_file_where_the_directory_should_be_is_named() {
    let dir = scratch();
    let file = dir.path().join("state");
    fs::write(&file, "hello").unwrap();
    for error in [Store::open(&file), Store::open_reading(&file)].map(Result::unwrap_err) {
        assert_eq!(error.to_string(), format!("`{}` is not a directory", file.display()));
        assert!(error.hint().unwrap().contains("`state` in the configuration"));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "hello");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let dir = scratch();
    let file = dir.path().join("seatkeeper.db");
    let text = "these are my notes, please keep them. ".repeat(40);
    fs::write(&file, &text).unwrap();
    for error in [Store::open(dir.path()), Store::open_reading(dir.path())].map(Result::unwrap_err)
    {
        let expected = format!("`{}` is not a store of seatkeeper", file.display());
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let dir = scratch();
    behind_its_back(dir.path()).execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    let before = fs::read(dir.path().join("seatkeeper.db")).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(dir.path().join("seatkeeper.db")).unwrap(), before);
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let dir = scratch();
    drop(open(&dir));
    let known = MIGRATIONS.len();
    let newer = known + 3;
    let version = i64::try_from(newer).unwrap();
    behind_its_back(dir.path()).pragma_update(None, "user_version", version).unwrap();
    let before = fs::read(dir.path().join("seatkeeper.db")).unwrap();
    for error in [Store::open(dir.path()), Store::open_reading(dir.path())].map(Result::unwrap_err)
    {
        let message = error.to_string();
        let end = format!("has schema version {newer}; this program knows versions up to {known}");
        assert!(message.ends_with(&end), "{message}");
        assert!(error.hint().unwrap().contains("nothing was changed"));
    }
    assert_eq!(fs::read(dir.path().join("seatkeeper.db")).unwrap(), before);
}

#[test]
fn a_place_that_cannot_be_opened_is_named() {
    let dir = scratch();
    let file = dir.path().join("seatkeeper.db");
    fs::create_dir(&file).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("no access to `{}`", file.display()));
    assert_eq!(error.hint(), Some("run as the account that owns the state directory"));
}

/// What the system says is told by what a person can do about it. Permissions and full disks cannot
/// be had for every account that runs the tests, so the system's words stand in for them.
#[test]
fn what_the_system_says_is_told_by_what_can_be_done() {
    let said =
        |kind: io::ErrorKind| StoreError::of_io(Path::new("/state"), kind.into()).to_string();
    assert_eq!(said(io::ErrorKind::PermissionDenied), "no access to `/state`");
    assert_eq!(said(io::ErrorKind::ReadOnlyFilesystem), "no access to `/state`");
    assert_eq!(said(io::ErrorKind::StorageFull), "the disk is full at `/state`");
    assert_eq!(said(io::ErrorKind::QuotaExceeded), "the disk is full at `/state`");
    assert_eq!(said(io::ErrorKind::NotADirectory), "`/state` is not a directory");
    assert_eq!(said(io::ErrorKind::Interrupted), "the file `/state` cannot be used");
}

/// Makes a store as the version with the first `version` migrations left it.
fn store_of_version(dir: &Path, version: usize) {
    drop(Store::open_with(dir, &MIGRATIONS[..version]));
}

#[test]
fn a_store_of_every_earlier_version_is_brought_up_to_date() {
    for version in 0..MIGRATIONS.len() {
        let dir = scratch();
        if version > 0 {
            store_of_version(dir.path(), version);
        }
        drop(open(&dir));
        let found: usize = behind_its_back(dir.path())
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(found, MIGRATIONS.len());
    }
}

/// The migrations of a version to come, which adds a table.
fn with_one_more() -> Vec<&'static str> {
    let mut migrations = MIGRATIONS.to_vec();
    migrations.push("CREATE TABLE moods (mood TEXT) STRICT; INSERT INTO moods VALUES ('sunny')");
    migrations
}

#[tokio::test]
async fn a_store_is_copied_before_it_is_brought_up_to_date() {
    let dir = scratch();
    open(&dir).propose(a_plan(1), PlanState::Proposed).await.unwrap();
    let store = Store::open_with(dir.path(), &with_one_more()).unwrap();
    assert_eq!(store.plan(None, None).await.unwrap().unwrap().plan, a_plan(1));
    let copy = dir.path().join(format!("seatkeeper-v{}.db", MIGRATIONS.len()));
    #[cfg(unix)]
    assert_eq!(mode(&copy), 0o600);
    // The copy is a store as it was: put in place, the earlier version goes on with it.
    let restored = scratch();
    fs::copy(&copy, restored.path().join("seatkeeper.db")).unwrap();
    let restored = Store::open(restored.path()).unwrap();
    assert_eq!(restored.plan(None, None).await.unwrap().unwrap().plan, a_plan(1));
}

#[test]
fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let dir = scratch();
    drop(open(&dir));
    let mut migrations = MIGRATIONS.to_vec();
    migrations.push("CREATE TABLE half (way TEXT) STRICT; INSERT INTO nowhere VALUES (1)");
    Store::open_with(dir.path(), &migrations).unwrap_err();
    let left: i64 = behind_its_back(dir.path())
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'half'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    drop(open(&dir));
}

#[test]
fn reading_alone_does_not_bring_a_store_up_to_date() {
    let dir = scratch();
    drop(open(&dir));
    let error = schema::open_reading(dir.path(), &with_one_more()).unwrap_err();
    let StoreError::Older { path: _, found, known } = error else { panic!("{error}") };
    assert_eq!((found, known), (MIGRATIONS.len(), MIGRATIONS.len() + 1));
}

#[tokio::test]
async fn a_store_opened_for_reading_refuses_to_write() {
    let dir = scratch();
    drop(open(&dir));
    let store = Store::open_reading(dir.path()).unwrap();
    let error = store.propose(a_plan(1), PlanState::Proposed).await.unwrap_err();
    assert!(matches!(super::store_error(&error), StoreError::ReadingOnly { .. }), "{error}");
    let error = store.observe(&contoso(), Vec::new()).await.unwrap_err();
    assert!(matches!(super::store_error(&error), StoreError::ReadingOnly { .. }), "{error}");
    let error = store.keep_snapshot(&contoso(), snapshot()).await.unwrap_err();
    assert!(matches!(super::store_error(&error), StoreError::ReadingOnly { .. }), "{error}");
    assert_eq!(store.snapshot(&contoso()).await.unwrap(), None);
}

fn snapshot() -> Arc<Snapshot> {
    let mut reading = Reading::begin(super::at(1));
    reading.users(Vec::new());
    reading.groups(Vec::new());
    reading.catalogue(Catalogue::new(Vec::new()));
    Arc::new(reading.finish().unwrap())
}

#[tokio::test]
async fn a_snapshot_is_kept_for_its_tenant_and_read_by_other_processes() {
    let dir = scratch();
    let store = open(&dir);
    store.keep_snapshot(&contoso(), snapshot()).await.unwrap();
    let reader = Store::open_reading(dir.path()).unwrap();
    assert_eq!(reader.snapshot(&contoso()).await.unwrap().as_ref(), Some(&*snapshot()));
    assert_eq!(reader.snapshot(&super::fabrikam()).await.unwrap(), None);
}

#[tokio::test]
async fn a_damaged_snapshot_says_that_it_can_be_read_again() {
    let dir = scratch();
    let store = open(&dir);
    let file = dir.path().join("contoso.snapshot");
    fs::write(&file, "not a snapshot, and long enough to have a head of that length").unwrap();
    let error = store.snapshot(&contoso()).await.unwrap_err();
    let expected = format!(
        "cannot read the snapshot of tenant `contoso`: the snapshot `{}` is damaged: \
         it does not begin as a snapshot does",
        file.display()
    );
    assert_eq!(super::chain(&error), expected);
    let hint = super::store_error(&error).hint().unwrap();
    assert_eq!(hint, "run `seatkeeper plan`: it reads the tenant again and replaces the file");
    store.keep_snapshot(&contoso(), snapshot()).await.unwrap();
    assert!(store.snapshot(&contoso()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_the_file() {
    let dir = scratch();
    let store = open(&dir);
    store.propose(a_plan(1), PlanState::Proposed).await.unwrap();
    behind_its_back(dir.path())
        .execute_batch("DROP TRIGGER plans_are_never_edited; UPDATE plans SET head = '{}'")
        .unwrap();
    let error = store.plan(None, None).await.unwrap_err();
    let file = dir.path().join("seatkeeper.db");
    let expected =
        format!("cannot read the latest plan: the file `{}` is damaged: ", file.display());
    assert!(super::chain(&error).starts_with(&expected), "{}", super::chain(&error));
}

#[tokio::test]
async fn a_damaged_page_is_an_error_that_names_the_file() {
    let dir = scratch();
    let store = open(&dir);
    for number in 0..40 {
        store.propose(a_plan(number), PlanState::Proposed).await.unwrap();
    }
    drop(store);
    let file = dir.path().join("seatkeeper.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[8192..].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let failed = match Store::open(dir.path()) {
        Ok(store) => super::chain(&store.plan(None, None).await.unwrap_err()),
        Err(error) => super::chain(&error),
    };
    assert!(failed.contains(&format!("the file `{}` is damaged", file.display())), "{failed}");
}

#[tokio::test]
async fn a_history_in_a_damaged_file_is_not_whole() {
    let dir = scratch();
    let store = open(&dir);
    for number in 0..40 {
        begin(&store, &a_plan(number)).await;
        let outcomes = vec![settled(&a_plan(number), 0, OutcomeKind::Done)];
        store.settle(&contoso(), outcomes).await.unwrap();
        store.advance(a_plan(number).id, PlanState::Applying, PlanState::Partial).await.unwrap();
    }
    drop(store);
    let file = dir.path().join("seatkeeper.db");
    let bytes = fs::read(&file).unwrap();
    let (mut damaged, mut found) = (0, 0);
    for page in (2..bytes.len() / 4096).step_by(7) {
        let mut torn = bytes.clone();
        torn[page * 4096..(page + 1) * 4096].fill(0);
        fs::write(&file, &torn).unwrap();
        damaged += 1;
        let verified = match Store::open_reading(dir.path()) {
            Ok(store) => store.verify_history().await.map_err(|error| super::chain(&error)),
            Err(error) => Err(super::chain(&error)),
        };
        found += usize::from(!matches!(verified, Ok(Verification::Whole { .. })));
    }
    assert_eq!(found, damaged);
}

#[tokio::test]
async fn a_full_disk_undoes_what_was_under_way_and_keeps_what_was_recorded() {
    let dir = scratch();
    let (store, plan) = (open(&dir), a_plan(1));
    super::begin(&store, &plan).await;
    let writer = store.writer.as_ref().unwrap();
    let limit = |pages: &'static str| {
        writer.run("limit the pages", move |writing| {
            writing.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(Into::into)
        })
    };
    limit("1").await.unwrap();
    let detail = "x".repeat(1 << 20);
    let mut large = settled(&plan, 0, OutcomeKind::Done);
    large.outcome.detail = detail;
    let error = store.settle(&contoso(), vec![large.clone()]).await.unwrap_err();
    let expected = format!(
        "cannot record outcomes in tenant `contoso`: the disk is full at `{}`",
        dir.path().join("seatkeeper.db").display()
    );
    assert!(super::chain(&error).starts_with(&expected), "{}", super::chain(&error));
    let hint = super::store_error(&error).hint();
    assert_eq!(hint, Some("free some space; what was recorded before is safe"));
    assert_eq!(store.open_plans(&contoso()).await.unwrap()[0].untouched.len(), 2);

    limit("1000000").await.unwrap();
    store.settle(&contoso(), vec![large]).await.unwrap();
    assert_eq!(store.open_plans(&contoso()).await.unwrap()[0].untouched.len(), 1);
}

#[test]
fn the_file_says_whose_it_is_and_is_written_safely() {
    let dir = scratch();
    let connection = schema::open_writing(dir.path(), MIGRATIONS).unwrap();
    let pragma = |connection: &Connection, name: &str| -> String {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(pragma(&connection, "application_id"), "Integer(1397047636)");
    assert_eq!(pragma(&connection, "journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma(&connection, "synchronous"), "Integer(2)");
    assert_eq!(pragma(&connection, "foreign_keys"), "Integer(1)");
}

#[test]
fn the_states_and_outcomes_that_the_schema_allows_are_those_there_are() {
    let dir = scratch();
    drop(open(&dir));
    let plan = a_plan(1);
    for kind in OutcomeKind::ALL {
        let operation = plan.operations[0].key;
        assert!(
            MIGRATIONS[0].contains(&format!("'{}'", outcome(&plan, operation, kind).kind.as_str()))
        );
    }
    for state in PlanState::ALL {
        assert!(MIGRATIONS[0].contains(&format!("'{}'", state.as_str())), "{}", state.as_str());
    }
}
