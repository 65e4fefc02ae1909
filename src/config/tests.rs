use insta::assert_snapshot;

use super::*;
use crate::yaml::render;

fn file(text: &str) -> SourceFile {
    SourceFile { name: "seatkeeper.yaml".into(), text: text.into() }
}

fn loaded(text: &str) -> Config {
    let file = file(text);
    match load(&file, Path::new("/etc/seatkeeper")) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{}", render(&problems, &[file])),
    }
}

fn refused(text: &str) -> String {
    let file = file(text);
    let problems = load(&file, Path::new("/etc/seatkeeper")).expect_err("it is to be refused");
    render(&problems, &[file])
}

const TENANT: &str = "
tenants:
  - name: contoso
    tenant_id: contoso.onmicrosoft.com
    auth:
      client_id: 2c9a0000-0000-4000-8000-000000000001
      client_secret: {env: SEATKEEPER_SECRET}
";

#[test]
fn what_is_not_said_has_its_default() {
    let config = loaded(TENANT);
    assert_eq!(config.state, Path::new("/var/lib/seatkeeper"));
    assert_eq!(config.policies, Path::new("/etc/seatkeeper/policies"));
    let tenant = &config.tenants[0];
    assert_eq!(&*tenant.login, "https://login.microsoftonline.com");
    assert_eq!(&*tenant.graph, "https://graph.microsoft.com");
    assert_eq!(tenant.settings, Settings::default());
    assert_eq!(tenant.mode, Mode::Observe);
}

#[test]
fn a_setting_under_a_tenant_overrides_the_one_at_the_top() {
    let config = loaded(&format!(
        "grace: 3d\nreserve: {{SPE_E5: 5}}\nguards: {{max_removals: {{percent: 2.5%}}}}{TENANT}    grace: 9d\n    guards: {{max_removals: {{count: unlimited}}}}\n"
    ));
    let settings = &config.tenants[0].settings;
    assert_eq!(settings.grace.to_string(), "9d");
    assert_eq!(settings.reserve["SPE_E5"].seats, 5);
    let limits = settings.guards.max_removals;
    assert_eq!(limits.count, crate::policy::settings::CountLimit::Unlimited);
    assert_eq!(format!("{:?}", limits.percent), "AtMost(Percent(250))");
}

#[test]
fn a_file_of_a_secret_is_relative_to_the_configuration() {
    let config = loaded(&TENANT.replace("{env: SEATKEEPER_SECRET}", "{file: secret.txt}"));
    let secret = &config.tenants[0].client_secret;
    assert_eq!(*secret, SecretRef::File("/etc/seatkeeper/secret.txt".into()));
}

#[test]
fn a_literal_secret_is_refused_and_never_shown() {
    let shown = refused(&TENANT.replace("{env: SEATKEEPER_SECRET}", "Hunter2~verysecret"));
    assert!(!shown.contains("Hunter2"), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn plain_http_to_another_host_is_refused() {
    let text = format!(
        "{TENANT}    endpoints: {{graph: \"http://graph.contoso.com\", login: \"http://127.0.0.1:8365\"}}\n"
    );
    assert_snapshot!(refused(&text));
}

#[test]
fn plain_http_on_this_machine_is_accepted() {
    for host in ["127.0.0.1:8365", "localhost:1", "[::1]:8365", "127.9.9.9"] {
        let text = format!(
            "{TENANT}    endpoints: {{graph: \"http://{host}\", login: \"http://{host}\"}}\n"
        );
        assert_eq!(*loaded(&text).tenants[0].graph, *format!("http://{host}"));
    }
}

#[test]
fn a_host_that_only_begins_like_loopback_is_another_host() {
    for host in ["127.0.0.1.evil.test", "localhost.evil.test", "127.0.0.1@evil.test"] {
        let text = format!(
            "{TENANT}    endpoints: {{graph: \"http://{host}\", login: \"https://x.test\"}}\n"
        );
        assert!(!refused(&text).is_empty(), "{host}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    assert_snapshot!(refused(
        "mod: observe
schedule: \"* *\"
time_zone: Europe/Berlim
api: {listen: 127.0.0.1:8364}
guards: {max_removals: {percent: 5, count: -1}, max_changes: 25%}
tenants:
  - name: Contoso
    tenant_id: contoso
    cloud: globl
    auth: {client_id: abc, certificate: {}}
"
    ));
}

#[test]
fn no_tenants_are_an_error() {
    assert_snapshot!(refused("state: x\n"));
    assert_snapshot!(refused("tenants: []\n"));
}

#[test]
fn a_tenant_is_named_once() {
    let twice = format!("{TENANT}{}", TENANT.replace("\ntenants:\n", ""));
    assert_snapshot!(refused(&twice));
}
