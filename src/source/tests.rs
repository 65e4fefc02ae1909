use std::fs;

use super::*;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn names(files: &Files) -> Vec<&str> {
    files.files.iter().map(|file| &*file.name).collect()
}

#[test]
fn files_come_in_name_order_and_hidden_ones_do_not() {
    let there = directory(&[
        ("b.yml", "b"),
        ("a/z.yaml", "z"),
        ("a/.hidden.yaml", "x"),
        (".git/config.yaml", "x"),
        ("notes.txt", "x"),
        ("c.yaml", "c"),
    ]);
    let files = read(there.path()).unwrap();
    assert_eq!(names(&files), ["a/z.yaml", "b.yml", "c.yaml"]);
}

#[test]
fn the_digest_follows_names_and_contents_alone() {
    let one = read(directory(&[("a.yaml", "x"), ("b.yaml", "y")]).path()).unwrap().digest;
    let same = read(directory(&[("a.yaml", "x"), ("b.yaml", "y")]).path()).unwrap().digest;
    let moved = read(directory(&[("a.yaml", "xb.yaml"), ("c.yaml", "y")]).path()).unwrap().digest;
    let edited = read(directory(&[("a.yaml", "x"), ("b.yaml", "z")]).path()).unwrap().digest;
    assert_eq!(one, same);
    assert_ne!(one, moved);
    assert_ne!(one, edited);
}

#[test]
fn a_directory_without_policies_is_an_error() {
    let error = read(directory(&[("readme.md", "x")]).path()).unwrap_err();
    assert!(error.to_string().starts_with("no policy files in"), "{error}");
    assert!(matches!(
        read(Path::new("/nonexistent/policies")),
        Err(SourceError::Unreadable { .. })
    ));
}

#[test]
fn a_link_that_leads_back_up_has_an_end() {
    let there = directory(&[("a/x.yaml", "x")]);
    std::os::unix::fs::symlink(there.path(), there.path().join("a").join("loop")).unwrap();
    assert_eq!(names(&read(there.path()).unwrap()), ["a/x.yaml"]);
}

#[test]
fn a_dangling_link_fails_the_read() {
    let there = directory(&[("a.yaml", "x")]);
    std::os::unix::fs::symlink("/nonexistent", there.path().join("b.yaml")).unwrap();
    assert!(matches!(read(there.path()), Err(SourceError::Unreadable { .. })));
}

#[test]
fn a_file_that_is_not_text_is_named() {
    let there = directory(&[("a.yaml", "x")]);
    fs::write(there.path().join("b.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    let Err(SourceError::NotText(problems)) = read(there.path()) else { panic!("it was read") };
    assert_eq!(&*problems[0].place.file, "b.yaml");
}

#[test]
fn a_commit_is_told_only_where_nothing_is_changed() {
    let there = directory(&[("policies/a.yaml", "x")]);
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .arg("-C")
            .arg(there.path())
            .args(["-c", "user.name=a", "-c", "user.email=a@b.test"])
            .args(arguments)
            .output();
        done.is_ok_and(|output| output.status.success())
    };
    let policies = there.path().join("policies");
    assert_eq!(read(&policies).unwrap().commit, None);
    assert!(git(&["init", "-q"]) && git(&["add", "-A"]) && git(&["commit", "-qm", "x"]));
    assert_eq!(read(&policies).unwrap().commit.map(|commit| commit.len()), Some(40));
    fs::write(policies.join("a.yaml"), "y").unwrap();
    assert_eq!(read(&policies).unwrap().commit, None);
}
