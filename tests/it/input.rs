//! Bad input, bad networks, bad disks: a clear error with its place and the right exit code;
//! nothing is sent, nothing is stored.

use std::process::Stdio;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use seatkeeper::sandbox::http::Clock;
use seatkeeper::sandbox::roles::Role;
use seatkeeper::sandbox::{Faults, Options};
use seatkeeper::store::FILE_NAME;

use crate::cli::{site, small};
use crate::site::{Ran, SANDBOX, Site, assert_shown, calm};

/// The commands that plan: each of them has to refuse what is wrong.
const PLANNING: [&[&str]; 2] =
    [&["plan"], &["apply", "--yes", "--accept", "first_plan", "--reason", "x"]];

/// Runs every command that plans, which has to fail alike, and returns what the first one said.
fn refused(site: &Site, code: i32) -> Ran {
    for arguments in PLANNING {
        let ran = site.expect(code, arguments);
        assert!(ran.out.is_empty(), "{}", ran.out);
        assert!(ran.err.contains("error: "), "{}", ran.err);
        assert!(!ran.err.contains(&site.sandbox.secret), "{}", ran.err);
    }
    if site.store_exists() {
        assert!(site.plans().is_empty());
        assert!(site.history().is_empty());
    }
    assert_eq!(site.writes(), 0);
    site.run(PLANNING[0])
}

/// The same, where nothing at all may be sent.
fn refused_unasked(site: &Site, code: i32) -> Ran {
    let ran = refused(site, code);
    assert_eq!(site.sandbox.counts().requests, 0);
    ran
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_yaml_is_told_with_its_place() {
    let site = site().await;
    site.write("policies/broken.yaml", "policies:\n  - name: broken\n    match: {group: [Staff}\n");
    assert_shown!("broken_yaml", refused_unasked(&site, 5).shown());
    site.expect(5, &["validate"]);
    let problems = site.json(5, &["validate", "--format", "json"]);
    assert!(problems.to_string().contains("broken.yaml"), "{problems}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_keys_are_told_all_at_once() {
    let site = site().await;
    site.write(
        "policies/wrong.yaml",
        "policies:\n  - name: wrong\n    mach: {group: Staff}\n    licences: [SPE_E3]\n    \
         grace: soon\n  - name: staff-e3\n    match: {}\n    licenses: [SPE_E3]\n",
    );
    assert_shown!("wrong_keys", refused_unasked(&site, 5).shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_tenant_does_not_have_is_told_with_file_line_and_column() {
    let site = site().await;
    site.write(
        "policies/unknown.yaml",
        "policies:\n  - name: unknown\n    match:\n      group: Stuff\n    licenses:\n      \
         - sku: SPE_E33\n      - sku: POWER_BI_PRO\n        disable: [BI_AZURE_P9]\n",
    );
    let ran = refused(&site, 5);
    assert_shown!("unknown_names", ran.shown());
    assert!(ran.err.contains("unknown.yaml:4:14"), "{}", ran.err);
    assert!(ran.err.contains("unknown.yaml:6:14"), "{}", ran.err);
    // Asked for it, the rest is planned without that policy.
    let left_out = site.expect(0, &["plan", "--leave-out-misfits"]);
    assert!(left_out.out.contains("unknown"), "{}", left_out.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_user_who_is_not_there_stops_everything() {
    let site = site().await;
    site.reconfigure("requests:", "protected: {users: [root@contoso.com]}\nrequests:");
    assert_shown!("unknown_protected", refused(&site, 5).shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_literal_secret_is_refused_and_never_printed() {
    let site = site().await;
    for secret in ["s3cr3t-value", "\"s3cr3t-value\"", "{env: X, literal: s3cr3t-value}"] {
        let text = format!(
            "state: state\ntenants:\n  - name: contoso\n    tenant_id: contoso.com\n    \
             auth: {{client_id: @CLIENT@, client_secret: {secret}}}\n    \
             endpoints: {{graph: \"{SANDBOX}\", login: \"{SANDBOX}\"}}\n"
        );
        site.configure(&text);
        let ran = refused_unasked(&site, 5);
        if !secret.starts_with('{') {
            assert!(
                ran.err.contains("a secret must not stand in the configuration"),
                "{}",
                ran.err
            );
            assert!(!ran.err.contains("s3cr3t"), "{}", ran.err);
            let json = site.expect(5, &["validate", "--format", "json"]);
            assert!(!json.out.contains("s3cr3t"), "{}", json.out);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_to_another_host_is_refused() {
    let site = site().await;
    for host in ["http://graph.example.com", "http://192.0.2.1:80", "http://127.0.0.1.example.com"]
    {
        site.configure(&format!(
            "state: state\ntenants:\n  - name: contoso\n    tenant_id: contoso.com\n    \
             auth: {{client_id: @CLIENT@, client_secret: {{env: SEATKEEPER_SECRET}}}}\n    \
             endpoints: {{graph: \"{host}\", login: \"{SANDBOX}\"}}\n"
        ));
        let ran = refused_unasked(&site, 5);
        assert!(ran.err.contains("plain http"), "{}", ran.err);
        assert!(ran.err.contains("seatkeeper.yaml:6:"), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_told_with_what_to_do() {
    let site = site().await;
    let mut command = site.command(&["plan"]);
    let ran = crate::site::ran(&command.env("SEATKEEPER_SECRET", "not-it").output().unwrap());
    assert_shown!("wrong_secret", ran.shown());
    assert!(!ran.err.contains("not-it"), "{}", ran.err);
    let mut command = site.command(&["plan"]);
    let ran = crate::site::ran(&command.env_remove("SEATKEEPER_SECRET").output().unwrap());
    assert_shown!("no_secret", ran.shown());
    assert!(site.plans().is_empty());
    // The failure is part of what `status` tells.
    let status = site.expect(0, &["status"]);
    assert!(status.out.contains("failed: "), "{}", status.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named() {
    let all = Role::usual();
    for (role, command) in [
        (Role::UserReadAll, "users"),
        (Role::GroupMemberReadAll, "groups"),
        (Role::LicenseAssignmentReadAll, "skus"),
    ] {
        let mut roles = all.clone();
        // What writes or reads more widely allows to read, too.
        for wider in [
            role,
            Role::UserReadWriteAll,
            Role::LicenseAssignmentReadWriteAll,
            Role::OrganizationReadAll,
        ] {
            roles.remove(&wider);
        }
        let options = Options { roles, ..calm() };
        let site = Site::with(small(), options, "", &[("p.yaml", "policies: []")]).await;
        site.write(
            "policies/p.yaml",
            "policies: [{name: staff-e3, match: {group: Staff}, licenses: [SPE_E3]}]",
        );
        let ran = refused(&site, 6);
        assert!(ran.err.contains(role.as_str()), "{}", ran.err);
        assert_shown!(format!("missing_permission_{command}"), ran.shown());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_to_write_stops_the_run_and_names_it() {
    let mut roles = Role::usual();
    roles.remove(&Role::LicenseAssignmentReadWriteAll);
    roles.remove(&Role::UserReadWriteAll);
    let options = Options { roles, ..calm() };
    let top = "requests: {timeout: 5s, give_up_after: 20s}";
    let policy = "policies: [{name: staff-e3, match: {group: Staff, domain: contoso.com}, licenses: [SPE_E3], usage_location: {default: DE}}]";
    let site = Site::with(small(), options, top, &[("p.yaml", policy)]).await;
    let state = site.sandbox.tenant().license_state();
    let ran = site.run(&["apply", "--yes", "--accept", "first_plan", "--reason", "x"]);
    assert_eq!(ran.code, 4, "{}", ran.shown());
    assert!(ran.err.contains("stopped before the end: "), "{}", ran.err);
    assert!(ran.err.contains("User.ReadWrite.All"), "{}", ran.err);
    assert_eq!(site.sandbox.tenant().license_state(), state);
    site.assert_one_outcome_each();
}

/// A network on which every answer is like this.
async fn on_network(faults: &[&str]) -> Site {
    let options = Options { faults: Faults::parse(1, faults).unwrap(), ..calm() };
    let top = "requests: {timeout: 1s, give_up_after: 2s}";
    let policy = "policies: [{name: staff-e3, match: {group: Staff}, licenses: [SPE_E3]}]";
    Site::with(small(), options, top, &[("p.yaml", policy)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_answers_html_is_not_believed() {
    let site = on_network(&["html=1@/v1.0/"]).await;
    let ran = refused(&site, 6);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
    assert!(ran.err.contains("<html") || ran.err.contains("HTML"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_never_comes_is_given_up() {
    let site = on_network(&["hang=1@/v1.0/users"]).await;
    let ran = refused(&site, 6);
    assert!(ran.err.contains("list users") || ran.err.contains("users"), "{}", ran.err);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_read_is_no_read() {
    for fault in ["truncate=1@/v1.0/users", "empty=1@/v1.0/groups", "wrong-types=1@/v1.0/users"] {
        let site = on_network(&[fault]).await;
        refused(&site, 6);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_network_is_told() {
    let site = site().await;
    // A port that was free a moment ago, and on which nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    site.reconfigure(&site.sandbox.url(), &format!("http://{free}"));
    site.reconfigure("{timeout: 5s, give_up_after: 20s}", "{timeout: 1s, give_up_after: 1s}");
    assert_shown!("no_network", refused_unasked(&site, 6).shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_more_ends_the_run_with_what_to_do_and_is_made_good_later() {
    let site = site().await;
    // So many blocks of 512 bytes may a file have; a write beyond fails as on a full disk.
    let limited = |blocks: u32| {
        let mut command = std::process::Command::new("bash");
        site.prepare(&mut command);
        let program = env!("CARGO_BIN_EXE_seatkeeper");
        let line = format!(
            "trap '' XFSZ; ulimit -f {blocks}; \
             exec {program} apply --yes --accept first_plan --reason x"
        );
        command.args(["-c", &line]);
        crate::site::ran(&command.output().unwrap())
    };
    let mut failed = 0;
    for blocks in [0, 8, 16, 32, 48] {
        let ran = limited(blocks);
        assert!(matches!(ran.code, 0 | 6), "{blocks}: {}", ran.shown());
        if ran.code == 6 {
            failed += 1;
            assert!(ran.err.contains("error: "), "{blocks}: {}", ran.err);
            assert!(ran.err.contains("hint: "), "{blocks}: {}", ran.err);
        }
    }
    assert!(failed > 1);
    // With room again everything is made good.
    let again = site.apply_all();
    assert_eq!(again.code, 0, "{}", again.shown());
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.assert_one_outcome_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_later_version_is_left_alone() {
    let site = site().await;
    site.expect(0, &["plan"]);
    let path = site.path("state").join(FILE_NAME);
    let version = |set: Option<u32>| -> u32 {
        // Source: the SQLite file format keeps the user version at byte 60, big-endian.
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(version) = set {
            bytes[60..64].copy_from_slice(&version.to_be_bytes());
            std::fs::write(&path, &bytes).unwrap();
        }
        u32::from_be_bytes(bytes[60..64].try_into().unwrap())
    };
    version(Some(version(None) + 1));
    let before = std::fs::read(&path).unwrap();
    let requests = site.sandbox.counts().requests;
    for arguments in [&["plan"][..], &["apply", "--yes"], &["history"], &["plans"], &["status"]] {
        let ran = site.expect(6, arguments);
        assert!(ran.err.contains("later version") || ran.err.contains("newer"), "{}", ran.err);
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(site.sandbox.counts().requests, requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_directory_that_cannot_be_one_is_told() {
    let site = site().await;
    site.write("state", "a file");
    assert_shown!("state_is_a_file", refused_unasked(&site, 6).shown());
    std::fs::remove_file(site.path("state")).unwrap();
    std::fs::create_dir(site.path("state")).unwrap();
    std::fs::write(site.path("state").join(FILE_NAME), "not a database, and longer than nothing")
        .unwrap();
    let ran = site.expect(6, &["plan"]);
    assert!(ran.err.contains(FILE_NAME), "{}", ran.err);
    assert_eq!(site.sandbox.counts().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_at_a_time_is_at_work_and_the_others_may_read() {
    // The tenant holds the answer to the n-th request back until the test is done looking.
    let (release, held) = mpsc::channel::<()>();
    let (arrived, at_work) = mpsc::channel::<()>();
    let state = Arc::new(Mutex::new((0_u32, u32::MAX, held, arrived)));
    let shared = state.clone();
    let ask = move || {
        let mut state = shared.lock().unwrap();
        let (seen, hold_at, held, arrived) = &mut *state;
        *seen += 1;
        if *seen == *hold_at {
            arrived.send(()).unwrap();
            held.recv().unwrap();
        }
        crate::site::now()
    };
    let options = Options { clock: Clock::Ask(Arc::new(ask)), ..calm() };
    let top = "requests: {timeout: 60s, give_up_after: 60s}";
    let policy = "policies: [{name: staff-e3, match: {group: Staff, domain: contoso.com}, licenses: [SPE_E3], usage_location: {default: DE}}]";
    let site = Site::with(small(), options, top, &[("p.yaml", policy)]).await;
    site.expect(0, &["plan"]);
    let id = site.plans()[0]["id"].as_str().unwrap().to_owned();
    {
        let mut state = state.lock().unwrap();
        state.1 = state.0 + 3;
    }
    let first =
        site.command(&["plan"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    at_work.recv().unwrap();
    let pid = first.id();
    for arguments in [&["plan"][..], &["apply", "--yes"], &["apply", &id, "--yes"]] {
        let second = site.expect(6, arguments);
        let holder = format!("is in use by `seatkeeper plan` (process {pid})");
        assert!(second.err.contains(&holder), "{}", second.err);
        assert!(second.err.contains("hint: "), "{}", second.err);
    }
    for arguments in [
        &["show"][..],
        &["show", &id],
        &["plans"],
        &["history"],
        &["explain", "ana@contoso.com"],
        &["users"],
        &["history", "--verify"],
        &["approve", &id, "--accept", "first_plan", "--reason", "meanwhile"],
    ] {
        site.expect(0, arguments);
    }
    let status = site.expect(0, &["status"]);
    assert!(status.out.contains(&format!("seatkeeper plan (process {pid})")), "{}", status.out);
    release.send(()).unwrap();
    let ended = first.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!site.expect(0, &["status"]).out.contains("at work"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_file_or_too_large_is_refused_before_it_is_read() {
    let site = site().await;
    let made = std::process::Command::new("mkfifo").arg(site.path("pipe")).status().unwrap();
    assert!(made.success());
    std::fs::File::create(site.path("large")).unwrap().set_len(5 << 30).unwrap();
    for (path, why) in [
        ("pipe", "it is neither a file nor a directory"),
        ("/dev/zero", "it is neither a file nor a directory"),
        ("policies", "it is a directory"),
        ("large", "it is larger than "),
        ("nowhere", "No such file or directory"),
    ] {
        for (code, arguments, what) in [
            (5, &["validate", "--config", path][..], "configuration"),
            (5, &["validate", "--format", "json", "--config", path], "configuration"),
            (5, &["sandbox", "--tenant", path], "tenant"),
            (64, &["bulk", "add", "SPE_E3", "--csv", path], "list of users"),
            (64, &["users", "--csv", path], "list of users"),
        ] {
            let ran = site.expect(code, arguments);
            let told = format!("error: cannot read the {what} `{path}`: {why}");
            assert!(ran.err.starts_with(&told), "{}", ran.err);
            assert!(ran.err.contains("\nhint: "), "{}", ran.err);
        }
    }
    for path in ["/dev/zero", "large"] {
        let ran = site.expect(6, &["plan", "--snapshot", path]);
        assert!(ran.err.contains(&format!(" the snapshot `{path}`: ")), "{}", ran.err);
    }
    assert_eq!(site.sandbox.counts().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_in_a_described_tenant_is_told_with_its_place_and_what_fits() {
    let site = site().await;
    let text = "skus: [{sku: SPE_E5, enabled: 3}]
users:
  - user_principal_name: ana@contoso.com
    licenses: [SPE_E5, {sku: SPE_E5}]
  - user_principal_name: ben@contoso.com
    enabled: maybe
    colour: red
";
    site.write("tenant.yaml", text);
    let ran = site.expect(5, &["sandbox", "--tenant", "tenant.yaml"]);
    for (told, place) in [
        ("users[0].licenses[1]: a license is a part number, or {sku: PART_NUMBER, ", "4:24"),
        ("users[1].enabled: invalid type: string \"maybe\", expected a boolean", "6:5"),
        ("users[1].colour: unknown field `colour`, expected one of `user_", "7:5"),
    ] {
        assert!(ran.err.contains(&format!("error: {told}")), "{}", ran.err);
        assert!(ran.err.contains(&format!("--> tenant.yaml:{place}\n")), "{}", ran.err);
    }
    assert!(ran.err.contains("\nhint: docs/sandbox.md "), "{}", ran.err);
    for never in ["untagged", "error: error:"] {
        assert!(!ran.err.contains(never), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_files_cannot_steer_the_terminal() {
    let site = site().await;
    let hostile = "policies/a\u{1b}[2J\u{9b}31m.yaml";
    for arguments in [&["validate", "--config", hostile][..], &["users", "--csv", hostile]] {
        let ran = site.run(arguments);
        assert!(ran.err.contains(r"policies/a\u{1b}[2J\u{9b}31m.yaml"), "{}", ran.err);
    }
    site.write(hostile, "policies: []");
    let ran = refused_unasked(&site, 5);
    assert!(
        ran.err.contains(r"a\u{1b}[2J\u{9b}31m.yaml`: its name holds a control"),
        "{}",
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_files_that_cannot_be_read_leave_nothing_loaded() {
    let site = site().await;
    std::os::unix::fs::symlink("round.yaml", site.path("policies/round.yaml")).unwrap();
    let ran = refused_unasked(&site, 5);
    assert!(ran.err.contains("policies/round.yaml`: Too many levels of symbolic"), "{}", ran.err);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
    let ran = site.expect(5, &["validate", "--format", "json"]);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_many_problems_the_first_are_told_and_all_are_counted() {
    let site = site().await;
    for number in 0..1_000 {
        let text = format!("policies: [{{name: p{number}, match: {{group: A}}}}]");
        site.write(&format!("policies/x{number:04}.yaml"), &text);
    }
    let ran = refused_unasked(&site, 5);
    assert!(ran.err.contains("and 800 more problems in all files together"), "{}", ran.err);
    assert!(
        ran.err.contains("error: 1000 errors in the policies; nothing was done"),
        "{}",
        ran.err
    );
    assert!(ran.err.len() < 100_000, "{}", ran.err.len());
    let problems = site.json(5, &["validate", "--format", "json"]);
    let problems = problems.as_array().unwrap();
    assert_eq!(problems.len(), 201);
    assert_eq!(problems[200]["message"], "and 800 more problems in all files together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_cannot_be_right_lets_no_grace_end() {
    let days = jiff::SignedDuration::from_hours(8 * 24);
    let ago = move || crate::site::now() - days;
    let options = Options { clock: Clock::Ask(Arc::new(ago)), ..calm() };
    let site = Site::with(
        crate::crash::before(),
        options,
        "",
        &[("policies.yaml", crate::crash::POLICIES)],
    )
    .await;
    let refused = site.expect(6, &["plan"]);
    assert!(
        refused.err.contains("the clock of this machine is 8 d 0 h 0 min ahead of Graph's"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("hint: set the clock"), "{}", refused.err);
    assert!(site.plans().is_empty());
}
