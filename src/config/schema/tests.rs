use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::config::schema::document;
use crate::config::{auth, beside, layer, limits, load, lower};
use crate::yaml::testing::{Checked, examples, value_of_file};
use crate::yaml::{SourceFile, render};

static SCHEMA: LazyLock<Checked> = LazyLock::new(|| Checked::new(document()));

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn underlined(text: &str) -> Vec<String> {
    SCHEMA.faults_of_file(text).unwrap_or_else(|| panic!("{text} is not YAML"))
}

/// The keys that the reader knows.
fn known(keys: &[&[&'static str]]) -> BTreeSet<String> {
    keys.iter().copied().flatten().map(ToString::to_string).collect()
}

#[test]
fn every_key_is_described_and_every_example_is_right() {
    SCHEMA.assert_described();
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    assert_eq!(SCHEMA.keys(""), known(&[&lower::TOP, &layer::KEYS]));
    let tenant = known(&[&lower::TENANT, &layer::KEYS]);
    assert_eq!(SCHEMA.keys("/$defs/Tenant"), tenant);
    assert_eq!(SCHEMA.keys("/$defs/Auth"), known(&[&auth::KEYS]));
    assert_eq!(SCHEMA.keys("/$defs/CertificatePlace"), known(&[&auth::CERTIFICATE]));
    assert_eq!(SCHEMA.keys("/$defs/Identity"), known(&[&auth::IDENTITY]));
    assert_eq!(SCHEMA.keys("/$defs/Guards"), known(&[&limits::KEYS]));
    assert_eq!(SCHEMA.keys("/$defs/RemovalLimit"), known(&[&limits::MAX_REMOVALS]));
    assert_eq!(SCHEMA.keys("/$defs/ChangeLimit"), known(&[&limits::MAX_CHANGES]));
    assert_eq!(SCHEMA.keys("/$defs/Log"), known(&[&lower::LOG]));
    assert_eq!(SCHEMA.keys("/$defs/Endpoints"), known(&[&lower::ENDPOINTS]));
    assert_eq!(SCHEMA.keys("/$defs/Protected"), known(&[&layer::PROTECTED]));
    assert_eq!(SCHEMA.keys("/$defs/Requests"), known(&[&layer::REQUESTS]));
    assert_eq!(SCHEMA.keys("/$defs/Apply"), known(&[&layer::APPLY]));
    assert_eq!(SCHEMA.keys("/$defs/Window"), known(&[&beside::WINDOW]));
    assert_eq!(SCHEMA.keys("/$defs/Api"), known(&[&beside::API]));
    assert_eq!(SCHEMA.keys("/$defs/ApiToken"), known(&[&beside::TOKEN]));
    assert_eq!(SCHEMA.keys("/$defs/Receiver"), known(&[&beside::RECEIVER]));
}

#[test]
fn what_is_valid_is_not_underlined() {
    let valid = "tests/configurations/valid";
    for path in [
        format!("{valid}/everything.yaml"),
        format!("{valid}/small.yaml"),
        "src/cli/commands/init/seatkeeper.yaml".to_owned(),
    ] {
        assert_eq!(underlined(&read(&path)), [""; 0], "{path}");
    }
}

/// Returns the examples of the reference. A tenant is added where one shows other settings alone.
fn shown() -> Vec<String> {
    let reference = read("docs/configuration.md");
    let all = examples(&reference).into_iter();
    let all = all.filter(|text| !text.contains("policy.schema.json"));
    let whole = |text: &str| {
        let has_tenants = text.contains("tenants:\n");
        let tenant = if has_tenants { String::new() } else { with("", "cloud: global") };
        format!("{text}{tenant}")
    };
    let shown: Vec<_> = all.map(whole).collect();
    assert!(shown.len() > 5);
    shown
}

#[test]
fn every_example_of_the_reference_loads() {
    for text in shown() {
        let file = SourceFile { name: "seatkeeper.yaml".into(), text: text.as_str().into() };
        let loaded = load(&file, Path::new("/etc"));
        loaded.unwrap_or_else(|problems| panic!("{text}{}", render(&problems, &[file])));
        assert_eq!(underlined(&text), [""; 0], "{text}");
    }
}

#[test]
fn the_reference_has_an_example_of_every_key() {
    let values: Vec<_> = shown().iter().map(|text| value_of_file(text).unwrap()).collect();
    assert_eq!(SCHEMA.not_shown(&values), [""; 0]);
}

#[test]
fn what_is_wrong_by_shape_is_underlined() {
    assert!(!underlined(&read("tests/configurations/invalid/everything.yaml")).is_empty());
}

const CLIENT: &str = "2c9a1c3f-50b5-4c3a-9a5e-0f4f6f6f2b11";

/// A configuration with a line at its top and another in its tenant.
fn with(top: &str, tenant: &str) -> String {
    let secret = if tenant.contains("client_secret") {
        String::new()
    } else {
        format!("    auth: {{client_id: {CLIENT}, client_secret: {{env: SECRET}}}}\n")
    };
    let id = if tenant.contains("tenant_id") { "" } else { "    tenant_id: contoso.com\n" };
    format!("{top}\ntenants:\n  - name: contoso\n{id}{secret}    {tenant}\n")
}

/// Whether the reader takes it.
fn loads(text: &str) -> bool {
    let file = SourceFile { name: "seatkeeper.yaml".into(), text: text.into() };
    load(&file, Path::new("/etc")).is_ok()
}

/// Settings that may stand at the top and in a tenant, and are right.
const RIGHT: &[&str] = &[
    "mode: observe",
    "mode: approve",
    "mode: enforce",
    "schedule: '*/15 * * * *'",
    "schedule: '@hourly'",
    "windows: []",
    "windows: [{deny: '@daily', for: 8h, changes: removals}]",
    "time_zone: Europe/Berlin",
    "inherited: satisfies",
    "inherited: ignore",
    "grace: 0",
    "grace: 12h",
    "use_warning_seats: false",
    "prices: {SPE_E5: 54.60 EUR, SPE_E3: 36 USD}",
    "reserve: {SPE_E5: 0}",
    "protected: {users: [], groups: [365]}",
    "guards: {first_plan: on}",
    "guards: {first_plan: off, max_removals: {}}",
    "guards: {max_removals: {percent: 2.55%, count: 0}}",
    "guards: {max_removals: {percent: unlimited, count: unlimited}}",
    "guards: {max_removals: {percent: 100.0 %, count: '7'}}",
    "guards: {removals_per_day: 0, max_changes: {percent: 10%}, emptied_source: off}",
    "guards: {removals_per_day: unlimited, max_changes: unlimited, shrunk_source: on}",
    "guards: {max_changes: {percent: unlimited, above: 100}, blanked_attribute: on}",
    "requests: {timeout: 1s}",
    "apply: {settle_after: 1w}",
];

/// The same, and wrong.
const WRONG: &[&str] = &[
    "mode: enforced",
    "schedule: every hour",
    "inherited: sometimes",
    "grace: 7",
    "use_warning_seats: yes",
    "prices: {SPE_E5: 54.60}",
    "prices: {SPE_E5: 54.60 eur}",
    "reserve: {SPE_E5: -1}",
    "reserve: {SPE_E5: 5%}",
    "protected: {users: [breakglass]}",
    "protected: {user: [a@b]}",
    "guards: {first_plan: true}",
    "guards: {max_removals: {percent: 5}}",
    "guards: {max_removals: {percent: 101%}}",
    "guards: {max_removals: {count: 5%}}",
    "guards: {max_removals: 5%}",
    "guards: {removals_per_day: 5%}",
    "guards: {max_changes: 5%}",
    "guards: {max_changes: {percent: 25, above: 50}}",
    "guards: {max_changes: {above: unlimited}}",
    "guards: {shrunk_source: yes}",
    "guards: {max_changes: 5%}",
    "requests: {timeout: 0s}",
    "apply: {settle: 5s}",
    "polices: x",
    "windows: [{for: 8h}, {allow: '@daily', for: 0s}]",
    "windows: [{allow: '@daily', for: 8h, changes: some}]",
];

/// Lines of a tenant alone.
const OF_TENANT: &[(&str, bool)] = &[
    ("cloud: global", true),
    ("cloud: usgov", true),
    ("cloud: usgov_dod", true),
    ("cloud: china", true),
    ("cloud: moon", false),
    ("tenant_id: 7f3bce12-50b5-4c3a-9a5e-0f4f6f6f2b11", true),
    ("tenant_id: common", false),
    ("endpoints: {graph: 'http://127.0.0.1:8365', login: 'https://login.example'}", true),
    ("endpoints: {graph: 'http://graph.microsoft.com'}", false),
    ("endpoints: {graph: 'https://ana:word@graph.example'}", false),
    ("endpoints: {grpah: 'https://graph.example'}", false),
    ("state: x", false),
];

/// Places of a secret.
const SECRETS: &[(&str, bool)] = &[
    ("{env: SECRET}", true),
    ("{file: a b}", true),
    ("{credential: a.b}", true),
    ("{env: 9}", false),
    ("hunter2", false),
    ("{}", false),
    ("{env: A, file: b}", false),
    ("{vault: a}", false),
];

/// Ways to sign in.
const WAYS: &[(&str, bool)] = &[
    ("client_id: ID, certificate: {certificate: {file: a}}", true),
    (
        "client_id: ID, certificate: {certificate: {file: a}, key: {env: A}, password: {env: B}}",
        true,
    ),
    ("client_id: ID, certificate: {pkcs12: {file: a}}", true),
    ("client_id: ID, certificate: {pkcs12: {file: a}, password: {credential: b}}", true),
    ("client_id: ID, federated_token: {file: a}", true),
    ("client_id: ID, federated_token: {}", true),
    ("managed_identity: {}", true),
    ("managed_identity: {client_id: ID}", true),
    ("managed_identity: {object_id: ID}", true),
    ("managed_identity: {resource_id: /subscriptions/a/resourceGroups/b}", true),
    ("client_id: ID", false),
    ("certificate: {certificate: {file: a}}", false),
    ("client_id: ID, certificate: {}", false),
    ("client_id: ID, certificate: {key: {file: a}}", false),
    ("client_id: ID, certificate: {certificate: {file: a}, pkcs12: {file: a}}", false),
    ("client_id: ID, certificate: {key: {file: a}, pkcs12: {file: a}}", false),
    ("client_id: ID, certificate: {certificate: a.pem}", false),
    ("client_id: ID, certificate: a.pem", false),
    ("client_id: ID, client_secret: {env: A}, federated_token: {}", false),
    ("client_id: ID, managed_identity: {}", false),
    ("managed_identity: {client_id: a}", false),
    ("managed_identity: {client_id: ID, object_id: ID}", false),
    ("managed_identity: {resource_id: a}", false),
    ("managed_identity: yes", false),
];

/// Words of `log`.
const LOG: &[(&str, bool)] = &[
    ("format: text", true),
    ("format: json", true),
    ("format: xml", false),
    ("level: error", true),
    ("level: warn", true),
    ("level: info", true),
    ("level: debug", true),
    ("level: trace", true),
    ("level: loud", false),
    ("color: red", false),
];

const AT_THE_TOP: &[(&str, bool)] = &[
    ("api: off", true),
    (
        "api: {listen: '[::1]:80', hosts: [a], tokens: [{name: ana, token: {env: A}, may: [approve]}]}",
        true,
    ),
    (
        "notify: [{name: a, webhook: {file: a}, format: slack, on: [held, recovered], tenants: [a]}]",
        true,
    ),
    ("retention: forever", true),
    ("api: on", false),
    ("api: {tokens: [{name: ana, token: {env: A}, may: []}]}", false),
    ("notify: [{webhook: {env: A}, on: [everything]}]", false),
    ("notify: [{format: teams}]", false),
];

#[test]
fn the_schema_and_the_reader_take_and_refuse_the_same_lines() {
    let right = RIGHT.iter().map(|line| (*line, true));
    let anywhere = right.chain(WRONG.iter().map(|line| (*line, false)));
    let secret = |secret| format!("auth: {{client_id: {CLIENT}, client_secret: {secret}}}");
    let texts = anywhere
        .flat_map(|(line, right)| [(with(line, ""), right), (with("", line), right)])
        .chain(AT_THE_TOP.iter().map(|(line, right)| (with(line, ""), *right)))
        .chain(OF_TENANT.iter().map(|(line, right)| (with("", line), *right)))
        .chain(SECRETS.iter().map(|(place, right)| (with("", &secret(place)), *right)))
        .chain(WAYS.iter().map(|(way, right)| {
            let auth = way.replace("ID", CLIENT);
            (format!("tenants: [{{name: a, tenant_id: contoso.com, auth: {{{auth}}}}}]"), *right)
        }))
        .chain(LOG.iter().map(|(line, right)| (with(&format!("log: {{{line}}}"), ""), *right)));
    for (text, right) in texts {
        let faults = underlined(&text);
        assert_eq!((faults.is_empty(), loads(&text)), (right, right), "{text}{faults:#?}");
    }
}
