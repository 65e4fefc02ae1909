//! `seatkeeper test` as a user meets it: without network, credentials and store.

use std::path::Path;
use std::process::Command;

use seatkeeper::sandbox::Tenant;

use crate::site::{Ran, Site, assert_shown, example_policies, ran};

const POLICIES: &str = "policies:
  - {name: engineering, match: {group: Engineering}, licenses: [SPE_E3]}
  - {name: leavers, match: {enabled: false}, action: remove, licenses: all}
";

const TESTS: &str = "tests:
  - name: an engineer has E3
    user: {user_principal_name: ana@contoso.com, groups: [Engineering], usage_location: DE}
    expect: {licenses: [SPE_E3], because: [engineering]}
  - name: everybody has <E5> & \"more\"
    user: {groups: [Enginering]}
    expect: {licenses: [SPE_E5], usage_location: DE}
";

/// Runs the program in a directory, with nothing in the environment.
fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seatkeeper"));
    command.current_dir(directory).env_clear().args(arguments);
    ran(&command.output().unwrap())
}

/// A directory of policies, and no configuration.
fn bare(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("policies")).unwrap();
    for (name, text) in files {
        std::fs::write(home.path().join("policies").join(name), text).unwrap();
    }
    home
}

#[test]
fn tests_run_in_a_directory_with_nothing_but_policies() {
    let home = bare(&[("policies.yaml", POLICIES), ("tests.yaml", TESTS)]);
    let text = run(home.path(), &["test", "--policies", "policies"]);
    assert_shown!("test", text.shown());
    let json = run(home.path(), &["test", "--policies", "policies", "--format", "json"]);
    assert_shown!("test_json", json.shown());
    let junit = run(home.path(), &["test", "--policies", "policies", "--format", "junit"]);
    assert_shown!("test_junit", junit.shown());
    let one = run(home.path(), &["test", "--policies", "policies", "ENGINEER"]);
    assert_shown!("test_one", one.shown());
    let none = run(home.path(), &["test", "--policies", "policies", "nobody"]);
    assert_eq!(none.code, 64, "{}", none.err);
    let file = ["test", "--policies", "policies", "--format", "junit", "--out", "results.xml"];
    let written = run(home.path(), &file);
    assert_eq!((written.code, written.out.as_str()), (5, ""));
    let results = std::fs::read_to_string(home.path().join("results.xml")).unwrap();
    assert_eq!(results.trim_end(), junit.out.trim_end());
    let left: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn policies_that_no_test_reaches_fail_where_that_is_asked() {
    let reached = &TESTS[..TESTS.find("  - name: everybody").unwrap()];
    let home = bare(&[("policies.yaml", POLICIES), ("tests.yaml", reached)]);
    let plain = run(home.path(), &["test", "--policies", "policies"]);
    assert_eq!(plain.code, 0, "{}", plain.out);
    assert!(
        plain.out.contains("1 of 2 policies reached; not reached:\n  leavers"),
        "{}",
        plain.out
    );
    let strict = run(home.path(), &["test", "--policies", "policies", "--require-coverage"]);
    assert_eq!(strict.code, 5, "{}", strict.out);
    assert!(strict.err.contains("some policies are reached by no test"), "{}", strict.err);
    let untested = bare(&[("policies.yaml", POLICIES)]);
    let none = run(untested.path(), &["test", "--policies", "policies"]);
    assert_eq!(none.code, 0, "{}", none.out);
    assert!(none.out.contains("no policy has a test"), "{}", none.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_ask_no_tenant_and_open_no_secret() {
    let site =
        Site::new(Tenant::company(50, 1), &[("policies.yaml", POLICIES), ("tests.yaml", TESTS)])
            .await;
    let command = site.command(&["test"]).env_remove("SEATKEEPER_SECRET").output().unwrap();
    let ran = ran(&command);
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.out.contains("1 passed, 1 failed"), "{}", ran.out);
    assert_eq!(site.sandbox.counts().requests, 0);
    assert!(!site.path("state").exists());
}

#[test]
fn the_example_policies_are_tested_and_reached() {
    let files = example_policies();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let home = bare(&files);
    let ran = run(home.path(), &["test", "--policies", "policies", "--require-coverage"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
}
