use jiff::Timestamp;
use tempfile::{TempDir, tempdir};

use crate::domain::names::TenantName;
use crate::store::lock::{Holder, LockError, TenantLock, holder};

fn contoso() -> TenantName {
    "contoso".parse().unwrap()
}

fn daemon() -> Holder {
    Holder {
        pid: 4711,
        command: "seatkeeper run".to_owned(),
        since: Timestamp::from_second(1_795_424_400).unwrap(),
        settings: Some("0011223344556677".to_owned()),
    }
}

fn acquire(dir: &TempDir) -> Result<TenantLock, LockError> {
    TenantLock::acquire(dir.path(), &contoso(), &daemon())
}

#[test]
fn the_second_process_learns_who_holds_the_lock() {
    let dir = tempdir().unwrap();
    let _lock = acquire(&dir).unwrap();
    let cli = Holder { pid: 1, command: "seatkeeper apply".to_owned(), ..daemon() };
    let error = TenantLock::acquire(dir.path(), &contoso(), &cli).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tenant `contoso` is in use by `seatkeeper run` (process 4711) since 2026-11-23T09:00:00Z"
    );
}

#[test]
fn a_lock_that_was_given_up_is_free() {
    let dir = tempdir().unwrap();
    drop(acquire(&dir).unwrap());
    assert_eq!(holder(dir.path(), &contoso()).unwrap(), None);
    acquire(&dir).unwrap();
}

#[test]
fn a_lock_left_by_a_dead_process_is_no_obstacle() {
    let dir = tempdir().unwrap();
    let left = r#"{"pid": 1, "command": "seatkeeper run", "since": "2026-11-23T09:00:00Z"}"#;
    std::fs::write(dir.path().join("contoso.lock"), left.repeat(3)).unwrap();
    assert_eq!(holder(dir.path(), &contoso()).unwrap(), None);
    let _lock = acquire(&dir).unwrap();
    assert_eq!(holder(dir.path(), &contoso()).unwrap(), Some(daemon()));
}

#[test]
fn looking_at_a_lock_does_not_take_it() {
    let dir = tempdir().unwrap();
    assert_eq!(holder(dir.path(), &contoso()).unwrap(), None);
    drop(acquire(&dir).unwrap());
    assert_eq!(holder(dir.path(), &contoso()).unwrap(), None);
    let _lock = acquire(&dir).unwrap();
    for _ in 0..3 {
        assert_eq!(holder(dir.path(), &contoso()).unwrap(), Some(daemon()));
    }
}

/// However many look at the lock meanwhile, who wants it and finds it free gets it.
#[test]
fn looking_never_gets_into_the_way_of_taking() {
    let dir = tempdir().unwrap();
    drop(acquire(&dir).unwrap());
    std::thread::scope(|threads| {
        let looking = threads.spawn(|| {
            for _ in 0..500 {
                holder(dir.path(), &contoso()).unwrap();
            }
        });
        while !looking.is_finished() {
            drop(acquire(&dir).unwrap());
        }
    });
}

#[test]
fn each_tenant_has_a_lock_of_its_own() {
    let dir = tempdir().unwrap();
    let _lock = acquire(&dir).unwrap();
    TenantLock::acquire(dir.path(), &"fabrikam".parse().unwrap(), &daemon()).unwrap();
}

#[test]
fn a_held_lock_that_does_not_say_by_whom_is_not_taken_for_free() {
    let dir = tempdir().unwrap();
    let _lock = acquire(&dir).unwrap();
    std::fs::write(dir.path().join("contoso.lock"), "scribble").unwrap();
    let error = holder(dir.path(), &contoso()).unwrap_err();
    assert!(matches!(error, LockError::Unusable { .. }), "{error}");
    let error = acquire(&dir).unwrap_err();
    assert_eq!(error.to_string(), "tenant `contoso` is in use by another process");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let dir = tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = TenantLock::acquire(&missing, &contoso(), &daemon()).unwrap_err();
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    assert_eq!(holder(&missing, &contoso()).unwrap(), None);
}
