//! The pipelines of `docs/pipelines`, step by step as a runner would take them, with a stand-in for the
//! forge: a repository, a change, and programs that write down what they are asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use seatkeeper::sandbox::Tenant;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::{Ran, Site, calm, ran, tenant};

const QUICK: &str = "guards: {first_plan: off}\nrequests: {timeout: 5s, give_up_after: 20s}";

/// The commit of the change, as a forge tells it.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

const STAFF: &str = "policies:
  - name: staff-e3
    match: {group: Staff}
    grace: 0
    licenses: [SPE_E3]
tests:
  - name: staff have E3
    user: {groups: [Staff], usage_location: DE}
    expect: {licenses: [SPE_E3]}
";

fn people() -> Tenant {
    let user = |name: &str, display: &str, groups: &[&str]| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "display_name": display,
               "usage_location": "DE", "groups": groups})
    };
    tenant(json!({
        "domains": ["contoso.com"],
        "skus": [{"sku": "SPE_E3", "enabled": 10}, {"sku": "POWER_BI_PRO", "enabled": 5}],
        "groups": [{"name": "Staff"}, {"name": "Sales"}],
        "users": [user("ana", "Ana | <b>Berg</b>", &["Staff"]),
                  user("ben", "@everyone", &["Staff", "Sales"])],
    }))
}

/// Returns the scripts of a pipeline, in order: the blocks behind `run: |` or `- |`.
fn steps(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pipelines").join(file);
    let text = fs::read_to_string(path).unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut steps = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.ends_with("run: |") || line.trim() == "- |" {
            let mut step = String::new();
            while let Some(next) = lines.next_if(|next| indent(next) > indent(line)) {
                step.push_str(next);
                step.push('\n');
            }
            steps.push(step);
        }
    }
    steps
}

fn assert_says_that_there_is_no_plan(comment: &str) {
    let start = "## Licenses: no plan for commit 01234567\n<!-- seatkeeper plan -->\n\n";
    assert!(comment.starts_with(start), "{comment}");
    assert!(comment.contains("This commit is invalid, or could not be planned: "), "{comment}");
    assert!(comment.contains("(https://forge.contoso.com/"), "{comment}");
    assert!(!comment.contains("would change"), "{comment}");
}

/// A repository whose branch `main` is carried out, and beside it all that a runner brings.
struct Forge {
    site: Site,
    temp: TempDir,
}

impl Forge {
    async fn new() -> Self {
        let site = Site::with(people(), calm(), QUICK, &[("policies.yaml", STAFF)]).await;
        site.expect(0, &["apply", "--yes"]);
        let temp = tempfile::tempdir().unwrap();
        let snapshot = temp.path().join("contoso.snapshot");
        site.expect(0, &["snapshot", "--all-groups", "--out", snapshot.to_str().unwrap()]);
        site.write(".gitignore", "state\n");
        let forge = Self { site, temp };
        forge.git(&["init", "--quiet", "--initial-branch=main"]);
        forge.commit();
        // What the forge has is a remote to the runner.
        forge.git(&["remote", "add", "origin", forge.site.home.path().to_str().unwrap()]);
        forge.git(&["fetch", "--quiet", "origin"]);
        forge.git(&["checkout", "--quiet", "-b", "change"]);
        forge
    }

    fn git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        let who = ["-c", "user.name=ana", "-c", "user.email=ana@contoso.com"];
        command.current_dir(self.site.home.path()).args(who).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "Change policies"]);
    }

    /// Puts a program in the way that writes down what it is asked, and answers with a script.
    fn stand_in(&self, program: &str, answer: &str) {
        let bin = self.temp.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let log = self.temp.path().join("asked");
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\n{answer}\n", log.display());
        fs::write(bin.join(program), text).unwrap();
        fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns what was asked since the last look.
    fn asked(&self) -> String {
        let log = self.temp.path().join("asked");
        let asked = fs::read_to_string(&log).unwrap_or_default();
        fs::write(log, "").unwrap();
        asked
    }

    /// Takes a step as a runner does.
    fn step(&self, script: &str) -> Ran {
        let temp = self.temp.path();
        let bin = Path::new(env!("CARGO_BIN_EXE_seatkeeper")).parent().unwrap();
        let path = "/usr/local/bin:/usr/bin:/bin";
        let mut command = Command::new("bash");
        self.site.prepare(&mut command);
        command
            .args(["-e", "-o", "pipefail", "-c", script])
            .env_remove("SEATKEEPER_SECRET")
            .env("PATH", format!("{}:{}:{path}", temp.join("bin").display(), bin.display()))
            .env("SNAPSHOT", temp.join("contoso.snapshot"))
            .env("RUNNER_TEMP", temp)
            .env("GITHUB_STEP_SUMMARY", temp.join("summary"))
            .env("GITHUB_BASE_REF", "main")
            .env("GITHUB_REPOSITORY", "contoso/licenses")
            .env("GITHUB_SERVER_URL", "https://forge.contoso.com")
            .env("GITHUB_RUN_ID", "77")
            .env("NUMBER", "7")
            .env("COMMIT", COMMIT)
            .env("CI_BUILDS_DIR", temp)
            .env("CI_CONCURRENT_ID", "0")
            .env("CI_COMMIT_SHA", COMMIT)
            .env("CI_PIPELINE_URL", "https://forge.contoso.com/pipelines/9")
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .env("CI_API_V4_URL", "https://forge.contoso.com/api/v4")
            .env("CI_PROJECT_ID", "3")
            .env("CI_MERGE_REQUEST_IID", "7")
            .env("GITLAB_TOKEN", "t0ken");
        ran(&command.output().unwrap())
    }

    fn pass(&self, script: &str) -> Ran {
        let ran = self.step(script);
        assert_eq!(ran.code, 0, "{script}\n{}", ran.shown());
        ran
    }

    /// Gives Sales another SKU, and takes E3 from all but them.
    fn change(&self) {
        let text = STAFF.replace("{group: Staff}\n", "{all: [{group: Staff}, {group: Sales}]}\n");
        let text = text.replace("groups: [Staff]", "groups: [Staff, Sales]");
        let text = text.replace("{licenses: [SPE_E3]}", "{licenses: [SPE_E3, POWER_BI_PRO]}");
        let sales =
            "  - name: sales-bi\n    match: {group: Sales}\n    licenses: [POWER_BI_PRO]\ntests:";
        self.site.write("policies/policies.yaml", &text.replace("tests:", sales));
        self.commit();
    }
}

fn assert_says_what_the_change_does(comment: &str) {
    let first = comment.lines().next().unwrap();
    assert!(first.starts_with("## Licenses of contoso: "), "{comment}");
    assert!(first.contains("2 people would change"), "{comment}");
    assert!(comment.contains("1 person loses a license or data"), "{comment}");
    assert!(comment.contains("<code>&#43; POWER&#95;BI&#95;PRO</code>"), "{comment}");
    for name in ["ana", "Berg", "contoso.com", "everyone"] {
        assert!(!comment.contains(name), "{name} in {comment}");
    }
}

/// The verdict stays first, and the mark beside it: by it the comment is found again.
fn assert_names_the_commit(comment: &str, plan: &str) {
    let named = comment.replacen("\nCommit 01234567.\n", "", 1);
    assert_eq!(named, plan);
    let start: Vec<_> = comment.lines().skip(1).take(3).collect();
    assert_eq!(start, ["<!-- seatkeeper plan -->", "", "Commit 01234567."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pipeline_of_github_says_what_a_change_does_and_keeps_to_one_comment() {
    let forge = Forge::new().await;
    forge.change();
    let steps = steps("github.yml");
    let [validate, test, plan, comment] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(forge.pass(validate).out.trim(), "");
    forge.pass(test);
    forge.pass(plan);
    let written = fs::read_to_string(forge.temp.path().join("plan.md")).unwrap();
    assert_says_what_the_change_does(&written);
    assert_eq!(fs::read_to_string(forge.temp.path().join("summary")).unwrap(), written);
    // There is no comment yet, and then there is one.
    forge.stand_in("gh", "");
    forge.pass(comment);
    let sent = forge.temp.path().join("comment.md");
    assert_names_the_commit(&fs::read_to_string(&sent).unwrap(), &written);
    let body = format!("body=@{}", sent.display());
    let asked = forge.asked();
    assert!(
        asked
            .contains(&format!("--method POST repos/contoso/licenses/issues/7/comments -F {body}")),
        "{asked}"
    );
    forge.stand_in("gh", "case \"$*\" in *--jq*) echo 42; echo 43 ;; esac");
    forge.pass(comment);
    let asked = forge.asked();
    assert!(
        asked.contains(&format!(
            "--method PATCH repos/contoso/licenses/issues/comments/42 -F {body}"
        )),
        "{asked}"
    );
    assert!(!asked.contains("POST"), "{asked}");
    // The next commit comes to nothing; the same comment says so, and the old plan is gone.
    forge.site.write("policies/policies.yaml", "polices: []\n");
    assert_eq!(forge.step(validate).code, 5);
    forge.pass(comment);
    let asked = forge.asked();
    assert!(asked.contains("issues/comments/42 -F "), "{asked}");
    assert_says_that_there_is_no_plan(&fs::read_to_string(&sent).unwrap());
}

/// A runner may keep its checkout and empty its temporary directory, or be stopped half-way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pipelines_plan_again_in_a_checkout_that_is_kept() {
    let forge = Forge::new().await;
    forge.change();
    for (file, base) in [("github.yml", "base"), ("gitlab.yml", "base-3-0")] {
        let plan = &steps(file)[2];
        forge.pass(plan);
        forge.pass(plan);
        let base = forge.temp.path().join(base);
        assert!(!base.exists(), "{file}");
        let add = ["worktree", "add", "--quiet", "--detach", base.to_str().unwrap(), "main"];
        forge.git(&add);
        forge.pass(plan);
        forge.git(&add);
        fs::remove_dir_all(&base).unwrap();
        forge.pass(plan);
    }
}

/// Where a plan cannot be made, none is left to be taken for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pipelines_leave_no_plan_where_none_can_be_made() {
    let forge = Forge::new().await;
    forge.change();
    fs::remove_file(forge.temp.path().join("contoso.snapshot")).unwrap();
    for (file, plan) in [
        ("github.yml", forge.temp.path().join("plan.md")),
        ("gitlab.yml", forge.site.path("plan.md")),
    ] {
        assert_eq!(forge.step(&steps(file)[2]).code, 6, "{file}");
        assert!(!plan.exists(), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pipelines_mark_what_is_wrong_at_its_line_and_stop() {
    let forge = Forge::new().await;
    let wrong = STAFF.replace("    grace: 0\n", "    grace: 0\n    licences: [SPE_E3]\n");
    forge.site.write("policies/policies.yaml", &wrong);
    let found = forge.step(&steps("github.yml")[0]);
    assert_eq!(found.code, 5, "{}", found.shown());
    let line = "::error file=policies/policies.yaml,line=5,col=5,endColumn=12::";
    assert!(found.out.starts_with(line), "{}", found.out);
    let found = forge.step(&steps("gitlab.yml")[0]);
    assert_eq!(found.code, 5, "{}", found.shown());
    let report = fs::read(forge.site.path("gl-code-quality.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report[0]["location"]["path"], "policies/policies.yaml");
    assert_eq!(report[0]["location"]["lines"]["begin"], 5);
    // A policy test that fails stops the pipeline too.
    forge.site.write(
        "policies/policies.yaml",
        &STAFF.replace("expect: {licenses: [SPE_E3]}", "expect: {licenses: []}"),
    );
    for file in ["github.yml", "gitlab.yml"] {
        assert_eq!(forge.step(&steps(file)[1]).code, 5, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pipeline_of_gitlab_says_what_a_change_does_and_keeps_to_one_note() {
    let forge = Forge::new().await;
    forge.change();
    let steps = steps("gitlab.yml");
    let [validate, test, plan, note] = steps.as_slice() else { panic!("{steps:?}") };
    forge.pass(validate);
    assert_eq!(fs::read_to_string(forge.site.path("gl-code-quality.json")).unwrap().trim(), "[]");
    forge.pass(test);
    let tests = fs::read_to_string(forge.site.path("policy-tests.xml")).unwrap();
    assert!(tests.contains("failures=\"0\""), "{tests}");
    forge.pass(plan);
    let written = fs::read_to_string(forge.site.path("plan.md")).unwrap();
    assert_says_what_the_change_does(&written);
    let notes = "https://forge.contoso.com/api/v4/projects/3/merge_requests/7/notes";
    for (found, method, url) in [
        ("[]", "POST", notes.to_owned()),
        (
            r#"[{"id": 5, "body": "x"}, {"id": 42, "body": "<!-- seatkeeper plan -->"}]"#,
            "PUT",
            format!("{notes}/42"),
        ),
    ] {
        forge.stand_in("curl", &format!("case \"$*\" in *per_page*) echo '{found}' ;; esac"));
        if Command::new("jq").arg("--version").output().is_err() {
            // Without jq the note cannot be tried.
            return;
        }
        forge.pass(note);
        let asked = forge.asked();
        let sent = format!("-X {method} -H PRIVATE-TOKEN: t0ken --form body=<note.md {url}");
        assert!(asked.contains(&sent), "{asked}");
        assert_names_the_commit(&fs::read_to_string(forge.site.path("note.md")).unwrap(), &written);
    }
    // The next commit comes to nothing, and the note says so.
    forge.site.write("policies/policies.yaml", "polices: []\n");
    assert_eq!(forge.step(validate).code, 5);
    forge.pass(note);
    assert!(forge.asked().contains("--form body=<note.md"));
    assert_says_that_there_is_no_plan(&fs::read_to_string(forge.site.path("note.md")).unwrap());
}
