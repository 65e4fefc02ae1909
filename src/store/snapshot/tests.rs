use std::fs;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::domain::names::TenantName;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::{Reading, Snapshot};
use crate::store::StoreError;
use crate::store::any::any_snapshot;
use crate::store::snapshot::{FORMAT_VERSION, HEAD_LENGTH, path, read, write};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_snapshot_comes_back_as_it_was_kept(snapshot in any_snapshot()) {
        let (_dir, path) = place();
        write(&path, &snapshot).unwrap();
        prop_assert_eq!(read(&path).unwrap().unwrap(), snapshot);
    }

    /// Whatever one byte becomes, the file is refused.
    #[test]
    fn a_file_with_a_changed_byte_is_refused(snapshot in any_snapshot(), at: usize, mask in 1..=u8::MAX) {
        let (_dir, path) = place();
        write(&path, &snapshot).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= mask;
        fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        prop_assert!(error.hint().unwrap().contains("`seatkeeper plan`"), "{error}");
    }

    /// Not even text that has the right digest makes the reader panic.
    #[test]
    fn any_payload_is_read_or_refused(payload: Vec<u8>) {
        let (_dir, path) = place();
        let dir = path.parent().unwrap();
        super::replace(&path, dir, super::HEAD, &payload).unwrap();
        if let Err(error) = read(&path) {
            prop_assert!(matches!(error, StoreError::DamagedSnapshot { .. }), "{error}");
        }
    }
}

fn place() -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let tenant: TenantName = "contoso".parse().unwrap();
    let path = path(dir.path(), &tenant);
    (dir, path)
}

fn empty(second: i64) -> Snapshot {
    let mut reading = Reading::begin(Timestamp::from_second(second).unwrap());
    reading.users(Vec::new());
    reading.groups(Vec::new());
    reading.catalogue(Catalogue::new(Vec::new()));
    reading.finish().unwrap()
}

#[test]
fn a_tenant_that_was_never_read_has_no_snapshot() {
    let (_dir, path) = place();
    assert!(read(&path).unwrap().is_none());
}

#[test]
fn a_snapshot_takes_the_place_of_the_one_before_and_leaves_nothing_else() {
    let (dir, path) = place();
    write(&path, &empty(1)).unwrap();
    write(&path, &empty(2)).unwrap();
    assert_eq!(read(&path).unwrap(), Some(empty(2)));
    let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["contoso.snapshot"]);
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_refused() {
    let (_dir, path) = place();
    write(&path, &empty(1)).unwrap();
    let bytes = fs::read(&path).unwrap();
    for length in [0, 5, HEAD_LENGTH - 1, HEAD_LENGTH, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, StoreError::DamagedSnapshot { .. }), "{length}: {error}");
    }
}

#[test]
fn a_newer_format_is_refused_with_both_versions_named() {
    let (_dir, path) = place();
    write(&path, &empty(1)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 7;
    fs::write(&path, bytes).unwrap();
    let error = read(&path).unwrap_err();
    let expected = format!(
        "the snapshot `{}` has format version 7; this program reads version {FORMAT_VERSION}",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[cfg(unix)]
#[test]
fn a_snapshot_is_for_its_account_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, path) = place();
    write(&path, &empty(1)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
