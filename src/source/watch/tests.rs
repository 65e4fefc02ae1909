use std::os::unix::fs::symlink;
use std::path::Path;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

/// Longer than changes take to come to rest, even where somebody else keeps the machine busy.
const SOON: Duration = Duration::from_secs(20);

fn watching(directory: &Path) -> UnboundedReceiver<()> {
    let (sender, receiver) = unbounded_channel();
    let directory = directory.to_owned();
    tokio::spawn(async move {
        watch(directory, move || {
            let _ = sender.send(());
        })
        .await;
    });
    receiver
}

async fn told(receiver: &mut UnboundedReceiver<()>) {
    tokio::time::timeout(SOON, receiver.recv()).await.unwrap().unwrap();
}

/// Waits until the directory is being watched: a change before that is no change.
async fn settle(directory: &Path, receiver: &mut UnboundedReceiver<()>) {
    for number in 0.. {
        fs::write(directory.join("settle.yaml"), number.to_string()).unwrap();
        if tokio::time::timeout(QUIET * 3, receiver.recv()).await.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn a_file_that_is_saved_by_renaming_is_seen_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut receiver = watching(dir.path());
    settle(dir.path(), &mut receiver).await;
    for number in 0..3 {
        fs::write(dir.path().join(".a.swp"), format!("policies: [] # {number}")).unwrap();
        fs::rename(dir.path().join(".a.swp"), dir.path().join("a.yaml")).unwrap();
        told(&mut receiver).await;
    }
}

#[test]
fn links_that_lead_back_up_are_followed_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    for name in ["b", "c", "d", "e"] {
        symlink("..", dir.path().join("a").join(name)).unwrap();
    }
    let before = fingerprint(dir.path());
    fs::write(dir.path().join("a/f.yaml"), "policies: []").unwrap();
    assert_ne!(fingerprint(dir.path()), before);
}

#[tokio::test]
async fn a_mounted_volume_that_is_swapped_is_seen_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let version = |name: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("a.yaml"), name).unwrap();
    };
    version("..1");
    symlink("..1", dir.path().join("..data")).unwrap();
    symlink("..data/a.yaml", dir.path().join("a.yaml")).unwrap();
    let mut receiver = watching(dir.path());
    settle(dir.path(), &mut receiver).await;
    for name in ["..2", "..3"] {
        version(name);
        symlink(name, dir.path().join("..data_tmp")).unwrap();
        fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
        told(&mut receiver).await;
    }
}

#[tokio::test]
async fn a_directory_that_is_a_link_and_is_swapped_is_seen_and_watched_again() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("a.yaml"), name).unwrap();
    }
    let link = dir.path().join("current");
    symlink("one", &link).unwrap();
    let mut receiver = watching(&link);
    settle(&link, &mut receiver).await;
    symlink("two", dir.path().join("next")).unwrap();
    fs::rename(dir.path().join("next"), &link).unwrap();
    told(&mut receiver).await;
    fs::write(dir.path().join("two/b.yaml"), "later").unwrap();
    told(&mut receiver).await;
}

#[tokio::test]
async fn a_directory_that_vanishes_and_comes_again_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let policies = dir.path().join("policies");
    fs::create_dir(&policies).unwrap();
    let mut receiver = watching(&policies);
    settle(&policies, &mut receiver).await;
    fs::remove_dir_all(&policies).unwrap();
    told(&mut receiver).await;
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("a.yaml"), "policies: []").unwrap();
    told(&mut receiver).await;
}

#[tokio::test]
async fn many_changes_at_once_are_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut receiver = watching(dir.path());
    settle(dir.path(), &mut receiver).await;
    for number in 0..300 {
        let sub = dir.path().join(format!("d{}", number % 7));
        fs::create_dir_all(&sub).unwrap();
        fs::write(sub.join(format!("{number}.yaml")), "policies: []").unwrap();
    }
    told(&mut receiver).await;
    assert!(tokio::time::timeout(QUIET * 3, receiver.recv()).await.is_err());
    // What is hidden, or only read, is no change.
    fs::write(dir.path().join(".hidden"), "x").unwrap();
    fs::read(dir.path().join("settle.yaml")).unwrap();
    assert!(tokio::time::timeout(QUIET * 3, receiver.recv()).await.is_err());
}
