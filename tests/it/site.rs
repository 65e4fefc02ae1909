//! A site: a directory with configuration and policies, and a sandbox tenant that it points at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use seatkeeper::sandbox::http::{Clock, Throttle};
use seatkeeper::sandbox::{Options, Running, Server, Tenant, TenantDocument};
use seatkeeper::store::Store;
use serde_json::Value;
use tempfile::TempDir;

/// The address of the sandbox, where a configuration of a test names it.
pub(crate) const SANDBOX: &str = "@SANDBOX@";

/// A directory to work in, and the tenant that its configuration names.
pub(crate) struct Site {
    pub(crate) home: TempDir,
    pub(crate) sandbox: Running,
}

/// How a command ended, and all that it said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Returns a tenant that is described in JSON.
pub(crate) fn tenant(document: Value) -> Tenant {
    let document: TenantDocument = serde_json::from_value(document).unwrap();
    Tenant::from_document(&document).unwrap()
}

/// Returns the time as the programs of the tests know it: they look whether the tenant's is the same.
#[expect(clippy::disallowed_methods, reason = "the program under test asks the system")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Lets a sandbox whose clock stands at a time of its own go with the system's.
pub(crate) fn in_time(options: Options) -> Options {
    match options.clock {
        Clock::From(_) => Options { clock: Clock::Ask(Arc::new(now)), ..options },
        Clock::Ask(_) => options,
    }
}

/// Returns options that throttle nothing.
pub(crate) fn calm() -> Options {
    Options { throttle: Throttle::Off, ..Options::default() }
}

/// Writes a configuration with these settings at the top, and policies.
pub(crate) fn lay_out(home: &Path, sandbox: &Running, top: &str, policies: &[(&str, &str)]) {
    let configuration = format!(
        "state: state\npolicies: policies\n{top}\ntenants:\n  - name: contoso\n    tenant_id: {}\n    \
         auth: {{client_id: {}, client_secret: {{env: SEATKEEPER_SECRET}}}}\n    \
         endpoints: {{graph: \"{url}\", login: \"{url}\"}}\n",
        sandbox.tenant_id,
        sandbox.client_id,
        url = sandbox.url(),
    );
    std::fs::write(home.join("seatkeeper.yaml"), configuration).unwrap();
    let directory = home.join("policies");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in policies {
        std::fs::write(directory.join(name), text).unwrap();
    }
}

/// Returns the example policies, by file name.
pub(crate) fn example_policies() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    files.iter().map(read).collect()
}

impl Site {
    /// Lays out a site with quick settings.
    pub(crate) async fn new(tenant: Tenant, policies: &[(&str, &str)]) -> Self {
        Self::with(tenant, calm(), "requests: {timeout: 5s, give_up_after: 20s}", policies).await
    }

    /// Lays out a site.
    pub(crate) async fn with(
        tenant: Tenant,
        options: Options,
        top: &str,
        policies: &[(&str, &str)],
    ) -> Self {
        let sandbox = Server::start(tenant, in_time(options)).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        lay_out(home.path(), &sandbox, top, policies);
        Self { home, sandbox }
    }

    /// Returns another site with a tenant and a store as this one has them now.
    pub(crate) async fn fork(&self, options: Options) -> Self {
        let sandbox = Server::start(self.sandbox.tenant(), in_time(options)).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        for directory in ["state", "policies"] {
            std::fs::create_dir(home.path().join(directory)).unwrap();
            for entry in std::fs::read_dir(self.path(directory)).unwrap() {
                let entry = entry.unwrap();
                let to = home.path().join(directory).join(entry.file_name());
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        let configuration = std::fs::read_to_string(self.path("seatkeeper.yaml")).unwrap();
        let configuration = configuration.replace(&self.sandbox.url(), &sandbox.url());
        std::fs::write(home.path().join("seatkeeper.yaml"), configuration).unwrap();
        Self { home, sandbox }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes another configuration, in which [`SANDBOX`] stands for the address of the sandbox.
    pub(crate) fn configure(&self, text: &str) {
        let text = text
            .replace(SANDBOX, &self.sandbox.url())
            .replace("@TENANT@", &self.sandbox.tenant_id)
            .replace("@CLIENT@", &self.sandbox.client_id);
        self.write("seatkeeper.yaml", &text);
    }

    /// Changes the configuration.
    pub(crate) fn reconfigure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("seatkeeper.yaml")).unwrap();
        assert!(text.contains(from), "{text}");
        self.write("seatkeeper.yaml", &text.replace(from, to));
    }

    /// Returns the command with an environment that holds nothing but what it needs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatkeeper"));
        self.prepare(&mut command);
        command.args(arguments);
        command
    }

    /// Gives a command the site's directory and an environment without anything else.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .env("USER", "ana")
            .env("SEATKEEPER_SECRET", &self.sandbox.secret)
            .stdin(Stdio::null());
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&self.command(arguments).output().unwrap())
    }

    /// Runs a command that has to end with this code.
    pub(crate) fn expect(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    /// Runs a command that prints JSON and nothing else on stdout.
    pub(crate) fn json(&self, code: i32, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.expect(code, arguments).out).unwrap()
    }

    /// Returns the stored plans, newest first.
    pub(crate) fn plans(&self) -> Vec<Value> {
        let plans = self.json(0, &["plans", "--format", "json"]);
        plans["plans"].as_array().unwrap().clone()
    }

    /// Returns all outcomes.
    pub(crate) fn history(&self) -> Vec<Value> {
        let history = self.json(0, &["history", "--format", "json"]);
        history["history"].as_array().unwrap().clone()
    }

    /// Plans, and applies with whatever guards tripped accepted. Returns how `apply` ended.
    pub(crate) fn apply_all(&self) -> Ran {
        let plan = self.json(0, &["plan", "--format", "json"]);
        if plan["operations"].as_array().unwrap().is_empty() {
            return self.run(&["apply", "--yes"]);
        }
        let mut arguments = vec!["apply", plan["id"].as_str().unwrap(), "--yes"];
        let guards: std::collections::BTreeSet<&str> = plan["guards"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|guard| guard["tripped"] == true)
            .map(|guard| guard["guard"].as_str().unwrap())
            .collect();
        for guard in &guards {
            arguments.extend(["--accept", guard]);
        }
        if !guards.is_empty() {
            arguments.extend(["--reason", "it was looked at"]);
        }
        self.run(&arguments)
    }

    /// Returns the SKUs that a user holds directly.
    pub(crate) fn direct(&self, user: &str) -> Vec<String> {
        direct(&self.sandbox.tenant(), user)
    }

    /// Returns the writes that the tenant was sent, alone or in batches.
    pub(crate) fn writes(&self) -> u64 {
        self.sandbox.counts().writes
    }

    pub(crate) fn store_exists(&self) -> bool {
        // A file that is just being made is no store yet.
        Store::open_reading(&self.path("state")).is_ok()
    }

    /// Asserts that every plan that ran has one outcome for every operation, and that the chain of
    /// them is whole.
    pub(crate) fn assert_one_outcome_each(&self) {
        let mut counted: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
        for outcome in self.history() {
            let plan = outcome["plan"].as_str().unwrap().to_owned();
            let operation = outcome["key"].as_str().unwrap().to_owned();
            *counted.entry(plan).or_default().entry(operation).or_default() += 1;
        }
        for plan in self.plans() {
            let id = plan["id"].as_str().unwrap();
            let state = plan["state"].as_str().unwrap();
            assert_ne!(state, "applying", "plan {id} was left open");
            let of_plan = counted.remove(id).unwrap_or_default();
            if !matches!(state, "applied" | "partial" | "failed") {
                assert!(of_plan.is_empty(), "plan {id} is {state} and has outcomes");
                continue;
            }
            let shown = self.json(0, &["show", id, "--format", "json"]);
            let operations = shown["operations"].as_array().unwrap();
            let keys: Vec<String> = operations
                .iter()
                .map(|operation| operation["key"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(of_plan.len(), keys.len(), "plan {id}");
            for key in keys {
                assert_eq!(of_plan.get(&key), Some(&1), "operation {key} of plan {id}");
            }
        }
        assert!(counted.is_empty(), "outcomes of plans that are not there: {counted:?}");
        let verified = self.expect(0, &["history", "--verify"]).out;
        assert!(verified.starts_with("whole: "), "{verified}");
    }
}

/// Returns the SKUs that a user holds directly, by part number.
pub(crate) fn direct(tenant: &Tenant, user: &str) -> Vec<String> {
    let found = tenant.user(user).unwrap_or_else(|| panic!("there is no user {user}"));
    let mut skus: Vec<String> = found
        .licenses
        .iter()
        .filter(|held| held.direct.is_some())
        .map(|held| {
            let sku = tenant.skus().iter().find(|sku| sku.id == held.sku).unwrap();
            sku.part_number.to_string()
        })
        .collect();
    skus.sort();
    skus
}

/// Reads how a process ended.
pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

impl Ran {
    /// Returns all that a person sees, with what changes from run to run replaced.
    pub(crate) fn shown(&self) -> String {
        let Self { code, out, err } = self;
        format!("exit {code}\n--- stdout\n{out}--- stderr\n{err}")
    }
}

/// Compares what a person sees with a snapshot, with ids, times and addresses replaced.
macro_rules! assert_shown {
    ($ran:expr, @$($snapshot:tt)+) => {
        crate::site::filtered(|| insta::assert_snapshot!($ran, @$($snapshot)+))
    };
    ($name:expr, $ran:expr) => {
        crate::site::filtered(|| insta::assert_snapshot!($name, $ran))
    };
}
pub(crate) use assert_shown;

/// Replaces what changes from run to run.
pub(crate) fn filtered(assert: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b", "[PLAN]");
    settings.add_filter(r"sha256:[0-9a-f]{64}", "[DIGEST]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC|Z)?", "[TIME]");
    settings.add_filter(r"(request-id|Trace ID:|Correlation ID:) [0-9a-f-]{36}", "$1 [ID]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "[ADDRESS]");
    settings.add_filter(r"/tmp/\.tmp[A-Za-z0-9]+", "[HOME]");
    settings.add_filter(r"within \d+ ms", "within [MS] ms");
    settings.add_filter(r"\d+ MiB are free", "[FREE] MiB are free");
    settings.add_filter(r"process \d+", "process [PID]");
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(assert);
}
