use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// A directory with these files in it.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn names(directory: &TempDir) -> String {
    let files = read(directory.path()).unwrap().files;
    files.iter().map(|file| &*file.name).collect::<Vec<_>>().join(" ")
}

/// Returns the error and its cause.
fn error(directory: &Path) -> String {
    let error = read(directory).unwrap_err();
    assert!(!error.hint().is_empty());
    let cause = match &error {
        SourceError::Unreadable { path: _, source } => format!(": {source}"),
        SourceError::NotText(problems) => {
            format!(": {}: {}", problems[0].place, problems[0].message)
        }
        SourceError::Empty { path: _ }
        | SourceError::TooMuch { path: _, what: _ }
        | SourceError::TooManyLists { path: _, what: _ } => String::new(),
    };
    format!("{error}{cause}").replace(directory.to_str().unwrap(), "DIR")
}

#[test]
fn policy_files_are_read_in_name_order_without_hidden_ones() {
    let directory = directory(&[
        ("b.yaml", "b"),
        ("a/z.yml", "z"),
        ("a/B.YAML", "B"),
        ("a-b.yaml", "ab"),
        ("README.md", "no"),
        (".hidden.yaml", "no"),
        (".git/x.yaml", "no"),
        ("a/.hidden/x.yaml", "no"),
        ("yaml", "no"),
    ]);
    assert_eq!(names(&directory), "a/B.YAML a/z.yml a-b.yaml b.yaml");
    let files = read(directory.path()).unwrap().files;
    assert_eq!(&*files[1].text, "z");
}

#[test]
fn links_are_followed_and_circles_end() {
    let elsewhere = directory(&[("c.yaml", "c"), ("d/e.yaml", "e")]);
    let directory = directory(&[("a.yaml", "a")]);
    let link = |to: &Path, name: &str| symlink(to, directory.path().join(name)).unwrap();
    link(&elsewhere.path().join("c.yaml"), "b.yaml");
    link(&elsewhere.path().join("d"), "d");
    link(directory.path(), "loop");
    symlink(directory.path(), elsewhere.path().join("d/back")).unwrap();
    link(Path::new("/nowhere"), "broken");
    assert_eq!(names(&directory), "a.yaml b.yaml d/e.yaml");
    link(Path::new("/nowhere"), "broken.yaml");
    assert_eq!(
        error(directory.path()),
        "cannot read `DIR/broken.yaml`: No such file or directory (os error 2)"
    );
}

#[test]
fn what_cannot_be_read_is_named_and_fails_the_whole_read() {
    let empty = directory(&[("README.md", "x"), (".x.yaml", "x")]);
    assert_eq!(error(empty.path()), "no policy files in `DIR`");
    assert_eq!(
        error(&empty.path().join("gone")),
        "cannot read `DIR`: No such file or directory (os error 2)"
    );

    let bytes = directory(&[("a.yaml", "policies: []")]);
    fs::write(bytes.path().join("b.yaml"), b"x: 1\ny: \xff\n").unwrap();
    assert_eq!(
        error(bytes.path()),
        "policy files cannot be read as text: b.yaml:2:4: the file is not UTF-8"
    );

    let large = directory(&[]);
    let file = fs::File::create(large.path().join("a.yaml")).unwrap();
    file.set_len(u64::try_from(FILE_BYTES_MAX).unwrap() + 1).unwrap();
    assert_eq!(
        error(large.path()),
        "policy files cannot be read as text: a.yaml:1:1: the file is larger than 8 MiB"
    );

    let name = directory(&[]);
    fs::write(name.path().join(std::ffi::OsStr::from_bytes(b"\xff.yaml")), "").unwrap();
    assert!(error(name.path()).ends_with("its name is not UTF-8"));

    let steering = directory(&[("a\u{1b}[2J.yaml", "policies: []")]);
    assert!(error(steering.path()).ends_with("its name holds a control character"));

    let round = directory(&[("a.yaml", "policies: []")]);
    symlink("b.yaml", round.path().join("c.yaml")).unwrap();
    symlink("c.yaml", round.path().join("b.yaml")).unwrap();
    assert_eq!(
        error(round.path()),
        "cannot read `DIR/b.yaml`: Too many levels of symbolic links (os error 40)"
    );

    let pipe = directory(&[]);
    let made = Command::new("mkfifo").arg(pipe.path().join("a.yaml")).status().unwrap();
    assert!(made.success());
    assert_eq!(
        error(pipe.path()),
        "cannot read `DIR/a.yaml`: it is neither a file nor a directory"
    );
}

#[test]
fn the_digest_tells_names_and_contents_apart() {
    let digest = |files: &[(&str, &str)]| read(directory(files).path()).unwrap().digest;
    let one = digest(&[("a.yaml", "x"), ("b.yaml", "y")]);
    assert_eq!(one, digest(&[("b.yaml", "y"), ("a.yaml", "x")]));
    assert_ne!(one, digest(&[("a.yaml", "x"), ("c.yaml", "y")]));
    assert_ne!(one, digest(&[("a.yaml", "xb.yaml"), ("b.yaml", "y")]));
    assert_ne!(one, digest(&[("a.yaml", "xy")]));
    assert_eq!(
        digest(&[("a.yaml", "policies: []\n")]).to_string(),
        "sha256:3035822d1105fcace4d4f8dacf9d59898f82d06569b9969c2dae4a5aee83c7f0"
    );
}

fn git(directory: &TempDir, arguments: &[&str]) {
    let done = Command::new("git")
        .arg("-C")
        .arg(directory.path())
        .args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "{arguments:?}");
}

#[test]
fn the_commit_is_told_only_where_it_holds_exactly_what_was_read() {
    let repository = directory(&[
        ("policies/a.yaml", "a"),
        ("other.txt", "x"),
        (".gitignore", "*.log\nlocal.yaml\n"),
    ]);
    let policies = repository.path().join("policies");
    let commit = || read(&policies).unwrap().commit;
    assert_eq!(commit(), None, "no work tree yet");
    git(&repository, &["init", "--quiet"]);
    assert_eq!(commit(), None, "no commit yet");
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "--quiet", "-m", "first"]);
    let first = commit().expect("all is committed");
    assert_eq!(first.len(), 40);

    fs::write(repository.path().join("other.txt"), "changed elsewhere").unwrap();
    fs::write(policies.join("x.log"), "ignored, and no policy").unwrap();
    assert_eq!(commit(), Some(first.clone()));

    fs::write(policies.join("local.yaml"), "ignored, and read all the same").unwrap();
    assert_eq!(commit(), None);
    fs::remove_file(policies.join("local.yaml")).unwrap();

    fs::write(policies.join("a.yaml"), "changed").unwrap();
    assert_eq!(commit(), None);
    git(&repository, &["commit", "--quiet", "-a", "-m", "second"]);
    assert!(commit().is_some_and(|second| second != first));

    symlink("/dev/null", policies.join("link.txt")).unwrap();
    assert_eq!(commit(), None, "what is not tracked is a change");
}

#[test]
fn more_policies_than_fit_together_are_refused() {
    let directory = directory(&[]);
    for name in ["a.yaml", "b.yaml", "c.yaml"] {
        let file = fs::File::create(directory.path().join(name)).unwrap();
        file.set_len(6 * 1024 * 1024).unwrap();
    }
    assert_eq!(error(directory.path()), "`DIR` holds more than 16 MiB of policies");
}

#[test]
fn only_files_are_read_and_none_that_is_larger_than_it_may_be() {
    let told = |path: &Path| {
        let error = read_file(path, 64 * 1024).unwrap_err();
        format!("{error}; {}", file_hint(&error))
    };
    let directory = directory(&[]);
    let path = directory.path().join("large");
    fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
    assert_eq!(
        told(&path),
        "it is larger than 64 KiB; check the path; such a file never is that large"
    );
    fs::File::create(&path).unwrap().set_len(64 * 1024).unwrap();
    assert_eq!(read_file(&path, 64 * 1024).unwrap().len(), 64 * 1024);
    assert_eq!(told(directory.path()), "it is a directory; name a file in it");
    let made = Command::new("mkfifo").arg(directory.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let no_file = "it is neither a file nor a directory; name a file that can be read";
    assert_eq!(told(&directory.path().join("pipe")), no_file);
    assert_eq!(told(Path::new("/dev/zero")), no_file);
    symlink("loop", directory.path().join("loop")).unwrap();
    assert!(told(&directory.path().join("loop")).starts_with("Too many levels of symbolic links"));
}

/// A policy that names a list.
fn naming(list: &str) -> String {
    format!("policies: [{{name: a, match: {{csv: {list}}}, licenses: [X]}}]")
}

fn listed(directory: &TempDir) -> String {
    let read = read(directory.path()).unwrap();
    let texts = read.lists.texts().map(|file| format!("{}={}", file.name, &*file.text));
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_lists_that_policies_name_are_read_and_no_others() {
    let directory = directory(&[
        ("teams/a.yaml", &naming("../lists/one.csv")),
        ("lists/one.csv", "1"),
        ("lists/two.csv", "2"),
        ("b.yaml", &naming("gone.csv")),
        ("c.yaml", &naming("../outside.csv")),
    ]);
    assert_eq!(listed(&directory), "lists/one.csv=1");
    let files = read(directory.path()).unwrap();
    let problems = crate::policy::load(&files.files, &files.lists).unwrap_err();
    let told: Vec<_> =
        problems.iter().map(|one| format!("{}: {}", one.place, one.message)).collect();
    assert!(
        told.contains(
            &"b.yaml:1:35: cannot read list `gone.csv`: there is no such file".to_owned()
        ),
        "{told:?}"
    );
}

#[test]
fn a_list_that_cannot_be_read_is_told_by_the_policy_that_names_it() {
    let directory = directory(&[("a.yaml", &naming("lists"))]);
    fs::create_dir(directory.path().join("lists")).unwrap();
    let files = read(directory.path()).unwrap();
    let problems = crate::policy::load(&files.files, &files.lists).unwrap_err();
    assert!(problems[0].message.starts_with("cannot read list `lists`: "), "{problems:?}");
}

#[test]
fn the_digest_covers_the_lists() {
    let digest = |list: &str| {
        let directory =
            directory(&[("a.yaml", &naming("x.csv")), ("x.csv", list), ("y.csv", list)]);
        read(directory.path()).unwrap().digest
    };
    assert_eq!(digest("ObjectId"), digest("ObjectId"));
    assert_ne!(digest("ObjectId"), digest("ObjectId\n"));
    let unnamed = |list: &str| {
        read(directory(&[("a.yaml", "policies: []"), ("x.csv", list)]).path()).unwrap().digest
    };
    assert_eq!(unnamed("1"), unnamed("2"), "nobody names it");
}

#[test]
fn a_list_that_is_changed_ignored_or_linked_is_in_no_commit() {
    let repository = directory(&[
        ("a.yaml", &naming("x.csv")),
        ("x.csv", "ObjectId"),
        (".gitignore", "y.csv\nz.csv\n"),
        ("y.csv", "ObjectId"),
    ]);
    git(&repository, &["init", "--quiet"]);
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "--quiet", "-m", "first"]);
    let commit = || read(repository.path()).unwrap().commit;
    let write = |name: &str, text: &str| fs::write(repository.path().join(name), text).unwrap();
    assert!(commit().is_some(), "no policy names the ignored list");

    write("x.csv", "ObjectId\n");
    assert_eq!(commit(), None, "the list is changed");
    write("x.csv", "ObjectId");
    assert!(commit().is_some());

    write("a.yaml", &naming("y.csv"));
    git(&repository, &["commit", "--quiet", "-a", "-m", "second"]);
    assert_eq!(commit(), None, "the list is ignored");

    let elsewhere = directory(&[("x.csv", "ObjectId")]);
    fs::remove_file(repository.path().join("x.csv")).unwrap();
    symlink(elsewhere.path().join("x.csv"), repository.path().join("x.csv")).unwrap();
    write("a.yaml", &naming("x.csv"));
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "--quiet", "-m", "third"]);
    assert_eq!(commit(), None, "the list lies elsewhere");
}
