use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::policy::settings::{CountLimit, InheritedRule, PercentLimit};
use crate::yaml::{render, to_json};

fn file(text: &str) -> SourceFile {
    SourceFile { name: "seatkeeper.yaml".into(), text: text.into() }
}

fn load_text(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load(&file(text), Path::new("/etc/seatkeeper"))
}

fn config(text: &str) -> Config {
    let loaded = load_text(text);
    loaded.unwrap_or_else(|problems| panic!("{}", render(&problems, &[file(text)]))).config
}

fn problems(text: &str) -> String {
    render(&load_text(text).unwrap_err(), &[file(text)])
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configurations")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(directory().join(name)).unwrap()
}

/// Compares with the snapshot that lies beside a file.
fn snapshot_beside(name: &str, shown: &str) {
    let path = directory().join(name);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(path.parent().unwrap());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(path.file_name().unwrap().to_str().unwrap(), shown));
}

const SMALL: &str = "tenants:
  - name: contoso
    tenant_id: 7f3bce12-50b5-4c3a-9a5e-0f4f6f6f2b11
    auth: {client_id: 2c9a1c3f-50b5-4c3a-9a5e-0f4f6f6f2b11, client_secret: {env: SEATKEEPER_SECRET}}
";

/// A tenant whose secret is written so.
fn with_secret(secret: &str) -> String {
    format!(
        "tenants:
  - name: contoso
    tenant_id: contoso.com
    auth:
      client_id: 2c9a1c3f-50b5-4c3a-9a5e-0f4f6f6f2b11
      {secret}
"
    )
}

#[test]
fn a_small_configuration_has_defaults_for_the_rest() {
    let config = config(&read("valid/small.yaml"));
    assert_eq!(config.tenants[0].mode, Mode::Observe);
    snapshot_beside("valid/small.yaml", &format!("{config:#?}"));
}

#[test]
fn everything_can_be_set_and_a_tenant_overrides_one_value_at_a_time() {
    let config = config(&read("valid/everything.yaml"));
    assert_eq!(config.state, Path::new("/etc/seatkeeper/state"));
    assert_eq!(config.policies, Path::new("/srv/policies"));
    let [contoso, fabrikam] = config.tenants.as_slice() else { panic!("two tenants") };
    let file = SecretRef::File("/etc/seatkeeper/secret.txt".into());
    let client_id: Arc<str> = "2c9a1c3f-50b5-4c3a-9a5e-0f4f6f6f2b11".into();
    assert_eq!(contoso.auth, Auth::App { client_id, credential: Credential::Secret(file) });
    assert_eq!((contoso.mode, fabrikam.mode), (Mode::Approve, Mode::Enforce));
    assert_eq!(contoso.settings.inherited, InheritedRule::Ignore);
    assert_eq!(fabrikam.settings.guards.max_removals.count, CountLimit::Unlimited);
    let PercentLimit::AtMost(percent) = fabrikam.settings.guards.max_removals.percent else {
        panic!("the percentage of the top holds")
    };
    assert_eq!(percent.to_string(), "2.5%");
    assert_eq!(fabrikam.settings.reserve["SPE_E5"].seats, 0);
    assert_eq!(fabrikam.settings.reserve["SPE_E3"].seats, 2);
    assert!(fabrikam.settings.protected.users.is_empty());
    assert_eq!(fabrikam.settings.protected.groups.len(), 1);
    assert_eq!(fabrikam.graph.as_str(), "http://127.0.0.1:8365");
    assert_eq!(fabrikam.login.as_str(), "https://login.microsoftonline.us");
    assert_eq!(&*fabrikam.tenant_id, "fabrikam.com");
    assert_eq!(fabrikam.apply.confirm_within, Span::seconds(60));
    snapshot_beside("valid/everything.yaml", &format!("{config:#?}"));
}

#[test]
fn a_literal_secret_is_refused_and_not_shown() {
    assert_snapshot!(problems(&with_secret("client_secret: hunter2~secret # new")), @r"
    error: a secret must not stand in the configuration file
     --> seatkeeper.yaml:6:22
      |
    6 |       client_secret: ***
      |                      ^^^
    hint: write `{env: NAME}`, `{file: PATH}` or `{credential: NAME}`, and renew the secret: backups and the history of the file may hold it
    ");
}

/// However a secret comes to stand in the file, no text and no JSON about it shows it.
#[test]
fn no_way_of_writing_a_secret_shows_it() {
    for secret in [
        "client_secret: hunter2",
        "client_secret: \"hunter2",
        "client_secret: `hunter2",
        "client_secret: [hunter2]",
        "client_secret: {hunter2}",
        "client_secret: {hunter2: x}",
        "client_secret: {env: hunter2~}",
        "client_secret: {env: [hunter2~]}",
        "client_secret: {env: A, file: hunter2}",
        "client_secret: {credential: ../hunter2}",
        "client_secret:\n        hunter2",
        "client_secret:\n        \"hunter2",
        "client_secret: |\n        hunter2\n        more",
        "client_secret: >-\n        first\n        hunter2",
        "client_secret:\n        evn: hunter2",
        "client_secrt: hunter2",
        "\"client_secrt\":hunter2",
        "client_secrt: \"hunter2",
        "clientsec: {env: hunter2}",
        "client_secret: a\n      client_secret: hunter2",
        "client_secret: hunter2\n      client_secret: {env: A}",
        "client_secret: &a hunter2",
        "client_secret: !!str hunter2",
        "client_secret: *hunter2",
        "certificate: hunter2",
        "certificate: {key: hunter2}",
        "certificate: {key: {hunter2: x}}",
        "certificate: {pasword: hunter2}",
        "certificate:\n        hunter2",
        "certificate:\n        certificate: {file: a}\n        key:\n          hunter2",
        "certificate:\n        pkcs12:\n          hunter2",
        "managed_identity: hunter2",
        "managed_identity: {client_id: hunter2}",
        "managed_identity: {resource_id: hunter2}",
        "managed_identity: {clientid: hunter2}",
        "client_secret: {env: A}\n      certificate: hunter2",
        "federated_token: {hunter2: x}",
        "client_secret: {env: A}\n    clientsec: hunter2",
        "client_secret: {env: A}\n    endpoints: {graph: 'https://u:hunter2@x'}",
        "client_secret: {env: A}\nnotify: [{webhook: 'https://x/hunter2', format: teams}]",
        "client_secret: {env: A}\napi: {tokens: [{token: hunter2}]}",
        "client_secret: {env: A}\nclientsec: hunter2",
        "client_secret: {env: A}\nlog: {level: x} # token hunter2",
    ] {
        let text = with_secret(secret);
        let problems = load_text(&text).expect_err(secret);
        let shown = render(&problems, &[file(&text)]);
        // The name of an unknown alias or a place that is none is the only thing that is quoted.
        assert!(!shown.contains("hunter2"), "{secret}\n{shown}");
        let json = serde_json::to_string(&to_json(&problems)).unwrap();
        assert!(!json.contains("hunter2"), "{secret}\n{json}");
    }
    let id = SMALL.replace("2c9a1c3f-50b5-4c3a-9a5e-0f4f6f6f2b11", "hunter2");
    assert!(!problems(&id).contains("hunter2"));
}

#[test]
fn records_do_not_lie_among_the_policies() {
    let tenants = "tenants: [{name: contoso, tenant_id: 11111111-1111-1111-1111-111111111111, \
         auth: {client_id: 22222222-2222-2222-2222-222222222222, client_secret: {env: SECRET}}}]";
    for (state, policies) in [("policies/state", "policies"), ("p", "./p"), ("/p/a/b", "/p")] {
        let shown = problems(&format!("state: {state}\npolicies: {policies}\n{tenants}"));
        assert!(shown.contains("the state directory lies among the policies"), "{shown}");
    }
    for (state, policies) in [("state", "policies"), ("p/.state", "p"), ("policies2", "policies")] {
        config(&format!("state: {state}\npolicies: {policies}\n{tenants}"));
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = read("invalid/everything.yaml");
    snapshot_beside("invalid/everything.yaml", &problems(&text));
}

#[test]
fn limits_say_what_is_meant() {
    let with = |limits: &str| format!("guards: {{max_removals: {limits}}}\n{SMALL}");
    let limits = |text: &str| config(&with(text)).tenants[0].settings.guards.max_removals;
    assert_eq!(limits("{count: 0}").count, CountLimit::AtMost(0));
    assert_eq!(limits("{percent: unlimited}").percent, PercentLimit::Unlimited);
    assert_eq!(limits("{percent: unlimited}").count, CountLimit::AtMost(50));
    assert_eq!(limits("unlimited"), limits("{percent: unlimited, count: unlimited}"));
    for wrong in ["0", "none", "{count: -1}", "{count: 1e3}", "{count: none}", "{percent: 101%}"] {
        assert!(load_text(&with(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn to_enforce_with_nobody_protected_is_worth_a_warning() {
    let warnings = |text: &str| load_text(text).unwrap().warnings.len();
    assert_eq!(warnings(&format!("mode: enforce\n{SMALL}")), 1);
    assert_eq!(warnings(&format!("mode: approve\n{SMALL}")), 0);
    assert_eq!(warnings(&format!("mode: enforce\nprotected: {{groups: [X]}}\n{SMALL}")), 0);
}

#[test]
fn a_configuration_without_tenants_is_none() {
    assert_snapshot!(problems("mode: observe\n"), @r"
    error: a configuration needs `tenants`
     --> seatkeeper.yaml:1:1
      |
    1 | mode: observe
      | ^^^^
    ");
    assert_snapshot!(problems("tenants: []\n"), @r"
    error: `tenants` is empty
     --> seatkeeper.yaml:1:10
      |
    1 | tenants: []
      |          ^^
    ");
}

proptest! {
    /// No text makes the loader panic.
    #[test]
    fn any_text_is_loaded_or_refused(text in any::<String>(), value in "[a-zA-Z0-9:{}\\[\\],.%@/ -]{0,20}") {
        let _ = load_text(&text);
        for key in ["mode", "guards", "reserve", "requests", "grace", "endpoints", "tenants"] {
            let text = format!("{key}: {value}\n{SMALL}");
            if let Err(problems) = load_text(&text) {
                prop_assert!(!render(&problems, &[file(&text)]).is_empty());
            }
        }
    }
}
