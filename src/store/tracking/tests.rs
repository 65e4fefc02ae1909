use std::collections::BTreeSet;

use super::*;
use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Reading;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn snapshot_of(second: i64, groups: &[&str]) -> Arc<Snapshot> {
    let mut reading = Reading::begin(at(second));
    reading.users(Vec::new());
    let group = |(number, name): (usize, &&str)| crate::domain::group::Group {
        id: GroupId::from_uuid(Uuid::from_u128(number as u128 + 1)),
        name: (*name).into(),
        membership: crate::domain::group::Membership::NotRead,
    };
    reading.groups(groups.iter().enumerate().map(group).collect());
    reading.catalogue(Catalogue::default());
    Arc::new(reading.finish().unwrap())
}

fn tracking(link: &str) -> Tracking {
    let id = Uuid::from_u128(7);
    Tracking {
        users: link.into(),
        groups: "groups".into(),
        asked_at: at(5),
        full_read_at: at(3),
        members: [(
            GroupId::from_uuid(id),
            DirectMembers {
                users: [UserId::from_uuid(id)].into(),
                groups: [GroupId::from_uuid(id)].into(),
                others: [id].into(),
            },
        )]
        .into(),
        hiding: [GroupId::from_uuid(id)].into(),
        gone: BTreeSet::new(),
        doubted: [(UserId::from_uuid(id), at(9))].into(),
        unexplained: [(SkuId::from_uuid(id), -2)].into(),
        odd: [(SkuId::from_uuid(id), (3, at(4)))].into(),
    }
}

fn place() -> (tempfile::TempDir, Paths) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::new(dir.path(), &"contoso".parse().unwrap());
    (dir, paths)
}

#[test]
fn what_a_read_left_behind_comes_back_with_its_snapshot() {
    let (_dir, paths) = place();
    let latest = Latest::default();
    assert_eq!(read(&paths, &latest).unwrap(), None);
    let (kept, left) = (snapshot_of(1, &["Sales"]), tracking("one"));
    keep(&paths, &latest, &kept, &left).unwrap();
    for latest in [latest, Latest::default()] {
        assert_eq!(read(&paths, &latest).unwrap(), Some((kept.clone(), left.clone())));
    }
}

#[test]
fn a_snapshot_that_was_written_alone_makes_what_was_left_behind_void() {
    let (_dir, paths) = place();
    let latest = Latest::default();
    keep(&paths, &latest, &snapshot_of(1, &[]), &tracking("one")).unwrap();
    let before = std::fs::read(&paths.tracking).unwrap();
    keep_alone(&paths, &latest, snapshot_of(2, &[])).unwrap();
    assert_eq!(read(&paths, &latest).unwrap(), None);
    // Not even a file that somebody puts back counts.
    std::fs::write(&paths.tracking, before).unwrap();
    assert_eq!(read(&paths, &Latest::default()).unwrap(), None);
    assert_eq!(snapshot(&paths, &latest).unwrap().unwrap().taken_at(), at(2));
}

/// The snapshot is written before what belongs to it: a crash between the two leaves no mark that is
/// newer than the snapshot.
#[test]
fn a_crash_between_the_two_files_leaves_a_snapshot_and_no_tracking() {
    let (_dir, paths) = place();
    let latest = Latest::default();
    keep(&paths, &latest, &snapshot_of(1, &[]), &tracking("one")).unwrap();
    let old = std::fs::read(&paths.tracking).unwrap();
    keep(&paths, &latest, &snapshot_of(2, &["Sales"]), &tracking("two")).unwrap();
    std::fs::write(&paths.tracking, old).unwrap();
    let latest = Latest::default();
    assert_eq!(read(&paths, &latest).unwrap(), None);
    assert_eq!(snapshot(&paths, &latest).unwrap().unwrap().groups().len(), 1);
}

#[test]
fn where_nothing_changed_the_snapshot_is_confirmed_and_not_written_again() {
    let (_dir, paths) = place();
    let latest = Latest::default();
    keep(&paths, &latest, &snapshot_of(1, &["Sales"]), &tracking("one")).unwrap();
    let written = std::fs::read(&paths.snapshot).unwrap();
    keep(&paths, &latest, &snapshot_of(2, &["Sales"]), &tracking("two")).unwrap();
    assert_eq!(std::fs::read(&paths.snapshot).unwrap(), written);
    for latest in [latest, Latest::default()] {
        let (kept, left) = read(&paths, &latest).unwrap().unwrap();
        assert_eq!((kept.taken_at(), &*left.users), (at(2), "two"));
        assert_eq!(snapshot(&paths, &latest).unwrap().unwrap().taken_at(), at(2));
    }
}

#[test]
fn tracking_that_is_damaged_counts_for_nothing() {
    let (_dir, paths) = place();
    let latest = Latest::default();
    keep(&paths, &latest, &snapshot_of(1, &[]), &tracking("one")).unwrap();
    let bytes = std::fs::read(&paths.tracking).unwrap();
    for at in [0, 9, 20, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&paths.tracking, damaged).unwrap();
        assert!(read(&paths, &latest).is_err(), "{at}");
        assert!(snapshot(&paths, &latest).unwrap().is_some());
    }
}
