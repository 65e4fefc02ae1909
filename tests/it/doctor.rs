//! Signing in in every way, and what `doctor` says where something is not in place.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use seatkeeper::graph::{Identity, IdentityHost, SignIn};
use seatkeeper::sandbox::http::{AUDIENCE, Clock, Credentials, Federated, Machine, Registered};
use seatkeeper::sandbox::roles::Role;
use seatkeeper::sandbox::{Options, Tenant};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::lab::Lab;
use crate::pki::{self, Made};
use crate::site::{Ran, Site, assert_shown, calm, now, ran, tenant};

const QUICK: &str = "requests: {timeout: 5s, give_up_after: 20s}";
const POLICIES: &str = "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3]}]\n";
const MACHINE: &str = "6d1c0c58-2d5e-4f0b-8f5c-0c1f6c3c7a10";

fn people() -> Tenant {
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 10}], "groups": [{"name": "Staff"}],
        "users": [{"user_principal_name": "ana@contoso.com", "usage_location": "DE",
                   "groups": ["Staff"]}],
    }))
}

/// What these policies need to plan, and to apply what was planned.
fn least() -> BTreeSet<Role> {
    BTreeSet::from([
        Role::UserReadAll,
        Role::GroupMemberReadAll,
        Role::LicenseAssignmentReadAll,
        Role::OrganizationReadAll,
        Role::LicenseAssignmentReadWriteAll,
    ])
}

async fn site_with(options: Options) -> Site {
    Site::with(people(), options, QUICK, &[("policies.yaml", POLICIES)]).await
}

async fn site() -> Site {
    site_with(Options { roles: least(), ..calm() }).await
}

/// What was found, by check and subject: the verdict.
fn verdicts(site: &Site, code: i32) -> Vec<(String, String, String)> {
    let found = site.json(code, &["doctor", "--format", "json"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = found["tenants"][0]["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| (text(&one["check"]), text(&one["subject"]), text(&one["verdict"])))
        .collect()
}

/// What is not as it should be.
fn troubles(site: &Site, code: i32) -> Vec<(String, String, String)> {
    let mut verdicts = verdicts(site, code);
    verdicts.retain(|(_, _, verdict)| !matches!(verdict.as_str(), "ok" | "note"));
    verdicts
}

fn trouble(check: &str, subject: &str, verdict: &str) -> (String, String, String) {
    (check.to_owned(), subject.to_owned(), verdict.to_owned())
}

/// Signs in another way.
fn authenticate(site: &Site, auth: &str) {
    let text = std::fs::read_to_string(site.path("seatkeeper.yaml")).unwrap();
    let (before, after) = text.split_once("auth: {").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let auth = auth.replace("@CLIENT@", &site.sandbox.client_id);
    site.write("seatkeeper.yaml", &format!("{before}auth: {{{auth}}}\n{after}"));
}

/// Writes a file that nobody else may read.
fn secret_file(site: &Site, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(site.path(name), bytes).unwrap();
    std::fs::set_permissions(site.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn put(site: &Site, made: &Made) {
    secret_file(site, "cert.pem", &made.certificate);
    secret_file(site, "key.pem", &made.key);
}

fn registered(made: &Made) -> Credentials {
    let certificates = vec![Registered::from_pem(made.certificate.as_bytes()).unwrap()];
    Credentials { certificates, ..Credentials::default() }
}

fn run_with(site: &Site, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command: Command = site.command(arguments);
    command.env_remove("SEATKEEPER_SECRET").envs(environment.iter().copied());
    ran(&command.output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everything_is_in_place_nothing_is_missing() {
    let site = site().await;
    let shown = site.expect(0, &["doctor"]).shown().replace(&site.sandbox.url(), "[SANDBOX]");
    assert_shown!(shown, @r"
    exit 0
    --- stdout
    Tenant contoso  7f3b2c64-5d0e-4c1a-9b8e-2f6a1d4c9e10  mode observe

    Reach
      ok       [SANDBOX]  answers within [MS] ms

    Sign-in
      ok       app 2c9a4d10-7d5b-4c50-8f37-4b8b3f0a7a11 by client secret  signs in; the token ends at [TIME]

    Permissions
      ok       User.Read.All                    to read users and their licenses
      ok       GroupMember.Read.All             to read groups and members
      ok       LicenseAssignment.Read.All       to read SKUs and seats
      ok       Organization.Read.All            to read when subscriptions renew or end
      ok       LicenseAssignment.ReadWrite.All  to change licenses

    Clock
      ok       this machine  goes with Graph's

    Store
      note     ./state  nothing is stored yet; the first plan makes it
      ok       disk     [FREE] MiB are free

    Guards in force
      ok       first_plan         on
      ok       max_removals       5% and 50 people
      ok       removals_per_day   50 people
      ok       max_changes        25% once above 50
      ok       emptied_source     on
      ok       shrunk_source      on
      ok       blanked_attribute  on

    Settings
      ok       time_zone  UTC
      note     protected  nobody: policies may take licenses from any account
               hint: list the accounts that nothing may ever touch, such as break-glass accounts

    Nothing is missing.
    --- stderr
    ");
    assert_eq!(site.writes(), 0);
    assert!(!site.store_exists(), "looking makes nothing");
    site.expect(0, &["plan"]);
    let store = verdicts(&site, 0);
    assert!(store.contains(&trouble("store", "./state", "ok")), "{store:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_a_certificate_signs_in() {
    let site = site().await;
    let made = pki::rsa(2036);
    site.sandbox.set_credentials(registered(&made));
    put(&site, &made);
    secret_file(&site, "both.pem", format!("{}{}", made.key, made.certificate));
    secret_file(&site, "sealed.pem", made.encrypted_key("key word"));
    secret_file(&site, "app.pfx", made.pkcs12("key word"));
    secret_file(&site, "password", "key word\n");
    for form in [
        "certificate: {file: cert.pem}, key: {file: key.pem}",
        "certificate: {file: both.pem}",
        "certificate: {file: cert.pem}, key: {file: sealed.pem}, password: {file: password}",
        "pkcs12: {file: app.pfx}, password: {env: PASSWORD}",
    ] {
        authenticate(&site, &format!("client_id: @CLIENT@, certificate: {{{form}}}"));
        for arguments in [["doctor"], ["plan"]] {
            let ran = run_with(&site, &arguments, &[("PASSWORD", "key word")]);
            assert_eq!(ran.code, 0, "{form}\n{}{}", ran.out, ran.err);
            assert!(!format!("{}{}", ran.out, ran.err).contains("key word"));
        }
        let told = run_with(&site, &["doctor"], &[("PASSWORD", "key word")]).out;
        assert!(told.contains("ends on 2036-12-31"), "{told}");
    }
}

fn federated(subject: &str, end: jiff::Timestamp) -> String {
    use base64::Engine as _;
    let encode =
        |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "https://oidc.test", "sub": subject, "aud": AUDIENCE,
                        "exp": end.as_second()});
    format!("{}.{}.c2ln", encode(json!({"alg": "RS256"})), encode(claims))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_federated_token_signs_in_from_a_file_or_where_the_environment_says() {
    let site = site().await;
    let end = now() + SignedDuration::from_hours(1);
    let token = federated("licenses", end);
    let trusted = vec![Federated::like(&token).unwrap()];
    site.sandbox.set_credentials(Credentials { federated: trusted, ..Credentials::default() });
    secret_file(&site, "token", &token);
    let file = site.path("token").display().to_string();
    authenticate(&site, "client_id: @CLIENT@, federated_token: {file: token}");
    let ran = run_with(&site, &["doctor"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let says =
        "issuer `https://oidc.test`, subject `licenses`, audience `api://AzureADTokenExchange`";
    assert!(ran.out.contains(says), "{}", ran.out);
    site.reconfigure("    auth:", "    cloud: china\n    auth:");
    let ran = run_with(&site, &["doctor"], &[]);
    assert!(ran.out.contains("audience `api://AzureADTokenExchangeChina`"), "{}", ran.out);
    site.reconfigure("    cloud: china\n", "");
    authenticate(&site, "client_id: @CLIENT@, federated_token: {}");
    assert_eq!(run_with(&site, &["plan"], &[("AZURE_FEDERATED_TOKEN_FILE", &file)]).code, 0);
    let ran = run_with(&site, &["doctor"], &[]);
    assert_eq!(ran.code, 6);
    assert!(ran.out.contains("AZURE_FEDERATED_TOKEN_FILE` is not set"), "{}", ran.out);
    secret_file(&site, "token", federated("somebody else", end));
    let ran = run_with(&site, &["doctor"], &[("AZURE_FEDERATED_TOKEN_FILE", &file)]);
    assert_eq!(ran.code, 6);
    assert!(ran.out.contains("AADSTS700213") && ran.out.contains("to the letter"), "{}", ran.out);
    assert!(!ran.out.contains(&federated("somebody else", end)));
    secret_file(&site, "token", federated("licenses", now() - SignedDuration::from_hours(1)));
    let ran = run_with(&site, &["doctor"], &[("AZURE_FEDERATED_TOKEN_FILE", &file)]);
    assert_eq!(ran.code, 6);
    assert!(ran.out.contains("AADSTS700024") && ran.out.contains("renew the file"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_identity_signs_in_by_the_metadata_service_and_by_app_service() {
    let site = site().await;
    let machine = Some(Machine::new(MACHINE, "the-header"));
    site.sandbox.set_credentials(Credentials { machine, ..Credentials::default() });
    let url = site.sandbox.url();
    let endpoint = format!("{url}/msi/token");
    let imds = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", url.as_str())];
    let app_service = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "the-header")];
    for choice in ["{}".to_owned(), format!("{{client_id: {MACHINE}}}")] {
        authenticate(&site, &format!("managed_identity: {choice}"));
        for environment in [&imds[..], &app_service] {
            for arguments in [["doctor"], ["plan"]] {
                let ran = run_with(&site, &arguments, environment);
                assert_eq!(ran.code, 0, "{choice}\n{}{}", ran.out, ran.err);
                assert!(!ran.out.contains("the-header"));
            }
        }
    }
    authenticate(&site, "managed_identity: {object_id: 11111111-2222-4333-8444-555555555555}");
    let ran = run_with(&site, &["doctor"], &imds);
    assert_eq!(ran.code, 6);
    assert!(ran.out.contains("Identity not found"), "{}", ran.out);
    let fabric = [&app_service[..], &[("IDENTITY_SERVER_THUMBPRINT", "x")]].concat();
    let ran = run_with(&site, &["doctor"], &fabric);
    assert!(ran.code == 6 && ran.out.contains("Service Fabric is not supported"), "{}", ran.out);
    assert_eq!(run_with(&site, &["plan"], &fabric).code, 5);
}

#[tokio::test]
async fn a_managed_identity_signs_in_by_the_agent_of_arc() {
    let tokens = tempfile::tempdir().unwrap();
    let lab = Lab::new(people(), "", &[("policies.yaml", POLICIES)]).await;
    let machine = Machine::new(MACHINE, "x").with_agent(tokens.path().to_owned());
    lab.sandbox.set_credentials(Credentials { machine: Some(machine), ..Credentials::default() });
    let endpoint = format!("{}/metadata/identity/oauth2/token", lab.sandbox.url());
    let host = IdentityHost::Arc { endpoint, tokens: tokens.path().to_owned() };
    let client = lab.client_as(SignIn::ManagedIdentity { host, identity: Identity::System });
    let found = client.examine(&[seatkeeper::graph::Probe::Users]).await;
    assert!(found.token.unwrap().is_ok());
    assert!(found.answers[0].1.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_with_a_way_to_grant_it() {
    let site = site().await;
    let without = |roles: &[Role]| {
        let mut left = least();
        left.retain(|role| !roles.contains(role));
        left
    };
    site.sandbox.set_roles(without(&[Role::GroupMemberReadAll]));
    assert_eq!(troubles(&site, 6), [trouble("permission", "GroupMember.Read.All", "missing")]);
    let told = site.expect(6, &["doctor"]).out;
    let consent = format!(
        "{}/{}/adminconsent?client_id={}",
        site.sandbox.url(),
        site.sandbox.tenant_id,
        site.sandbox.client_id
    );
    assert!(told.contains("MISSING  GroupMember.Read.All") && told.contains(&consent), "{told}");
    let found = site.json(6, &["doctor", "--format", "json"]);
    let findings = found["tenants"][0]["findings"].as_array().unwrap();
    let missing = findings.iter().find(|one| one["verdict"] == "missing").unwrap();
    assert_eq!(missing["app_role_id"], "98830695-27a2-44f7-8c18-0c3ebc9698f6");
    assert_eq!(
        (&found["tenants"][0]["problems"], &found["format_version"]),
        (&json!(1), &json!(1))
    );
    // Where nothing is applied by itself it may be missing; where something is, it may not.
    site.sandbox
        .set_roles(without(&[Role::LicenseAssignmentReadWriteAll, Role::OrganizationReadAll]));
    assert_eq!(troubles(&site, 0), []);
    site.reconfigure("policies: policies", "policies: policies\nmode: approve");
    let writing = "LicenseAssignment.ReadWrite.All";
    assert_eq!(troubles(&site, 6), [trouble("permission", writing, "missing")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_beyond_need_is_told_and_breaks_nothing() {
    let site = site().await;
    let mut roles = least();
    roles.extend([Role::UserReadWriteAll, Role::AuditLogReadAll]);
    site.sandbox.set_roles(roles);
    let excess = |role| trouble("permission", role, "excess");
    // To read sign-ins is of use without a policy, to `seats --reclaimable --refresh`.
    assert_eq!(troubles(&site, 0), [excess("User.ReadWrite.All")]);
    // What policies ask for is not in excess any more.
    let more =
        "policies: [{name: staff, match: {group: Staff}, licenses: [SPE_E3], usage_location: {set: DE}},
        {name: idle, match: {inactive_for: 90d}, action: remove, licenses: [SPE_E3]}]\n";
    site.write("policies/policies.yaml", more);
    assert_eq!(troubles(&site, 0), []);
    site.sandbox.set_roles(BTreeSet::from([Role::DirectoryReadAll, Role::UserReadWriteAll]));
    let told = site.expect(6, &["doctor"]).out;
    assert!(told.contains("to read groups and members, by Directory.Read.All"), "{told}");
    assert!(told.contains("excess   Directory.Read.All"), "{told}");
    assert!(told.contains("MISSING  AuditLog.Read.All"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_premium_cannot_tell_sign_ins_whatever_is_granted() {
    let roles = BTreeSet::from_iter(Role::usual());
    let sign_ins = seatkeeper::sandbox::http::SignInActivity::NoPremium;
    let site = site_with(Options { roles, sign_ins, ..calm() }).await;
    let idle = "policies: [{name: idle, match: {inactive_for: 90d}, action: remove, licenses: [SPE_E3]}]\n";
    site.write("policies/policies.yaml", idle);
    let told = site.expect(6, &["doctor"]).out;
    assert!(told.contains("AuditLog.Read.All") && told.contains("premium license"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_do_not_fit_are_told_apart_and_never_shown() {
    let site = site().await;
    let with = |secret: &str| {
        let ran = run_with(&site, &["doctor"], &[("SEATKEEPER_SECRET", secret)]);
        assert_eq!(ran.code, 6, "{}", ran.out);
        assert!(!format!("{}{}", ran.out, ran.err).contains(secret), "{}", ran.out);
        ran.out
    };
    let wrong = with("hunter2~guess");
    assert!(
        wrong.contains("AADSTS7000215") && wrong.contains("this may be the secret's id"),
        "{wrong}"
    );
    let id = with("5b6f7a80-1111-4222-8333-944445555666");
    assert!(id.contains("what is configured is the secret's id, not its value"), "{id}");
    let ended = Credentials { secret_ends_at: Some(now()), ..Credentials::default() };
    site.sandbox.set_credentials(ended);
    let expired = with(&site.sandbox.secret);
    assert!(
        expired.contains("AADSTS7000222") && expired.contains("the secret has expired"),
        "{expired}"
    );
    assert_eq!(site.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_fit_says_what_to_do() {
    let site = site().await;
    let (made, stranger) = (pki::rsa(2036), pki::rsa(2036));
    site.sandbox.set_credentials(registered(&made));
    let auth =
        "client_id: @CLIENT@, certificate: {certificate: {file: cert.pem}, key: {file: key.pem}}";
    authenticate(&site, auth);
    put(&site, &stranger);
    let told = site.expect(6, &["doctor"]).out;
    assert!(told.contains("AADSTS700027") && told.contains("upload it, without its key"), "{told}");
    put(&site, &pki::other(&rcgen::PKCS_ECDSA_P256_SHA256));
    let told = site.expect(6, &["doctor"]).out;
    assert!(told.contains("RSA keys alone") && told.contains("check `certificate`"), "{told}");
    put(&site, &made);
    std::fs::set_permissions(site.path("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(troubles(&site, 0), [trouble("sign_in", "./key.pem", "warning")]);
    let end = now() + SignedDuration::from_hours(72);
    let end = jiff::tz::TimeZone::UTC.to_datetime(end).date();
    let (month, day) = (end.month().unsigned_abs(), end.day().unsigned_abs());
    let soon = pki::rsa_until(end.year().into(), month, day);
    site.sandbox.set_credentials(registered(&soon));
    put(&site, &soon);
    assert_eq!(troubles(&site, 0), [trouble("sign_in", "certificate", "warning")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_rotated_under_a_daemon_that_goes_on() {
    let options = Options { token_lifetime: Duration::from_secs(4), roles: least(), ..calm() };
    let top = format!("{QUICK}\napi: off\nschedule: '* * * * * *'");
    let site = Site::with(people(), options, &top, &[("policies.yaml", POLICIES)]).await;
    let (old, new) = (pki::rsa(2036), pki::rsa(2037));
    site.sandbox.set_credentials(registered(&old));
    put(&site, &old);
    let auth =
        "client_id: @CLIENT@, certificate: {certificate: {file: cert.pem}, key: {file: key.pem}}";
    authenticate(&site, auth);
    let daemon = Daemon::start(&site);
    let tokens = |status: u16| {
        let seen = site.sandbox.requests();
        seen.iter().filter(|seen| seen.path.ends_with("/token") && seen.status == status).count()
    };
    daemon.until("a first token", || tokens(200) >= 1).await;
    put(&site, &new);
    site.sandbox.set_credentials(registered(&new));
    let (before, refused) = (tokens(200), tokens(401));
    daemon.until("a token by the new certificate", || tokens(200) > before).await;
    // Between both files being written an assertion may have been signed with the old key.
    assert!(tokens(401) <= refused + 1, "{}", daemon.log());
    assert!(!daemon.log().contains("PRIVATE KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_far_off_is_told() {
    let ahead = |minutes: i64| {
        let clock = Clock::Ask(Arc::new(move || now() + SignedDuration::from_mins(minutes)));
        Options { clock, roles: least(), ..calm() }
    };
    let site = site_with(ahead(-20)).await;
    assert_eq!(troubles(&site, 6), [trouble("clock", "this machine", "failed")]);
    let told = site.expect(6, &["doctor"]).out;
    assert!(told.contains("s ahead: plans are refused from 600 s on"), "{told}");
    // An assertion is signed once more by the clock of the other end.
    let made = pki::rsa(2036);
    site.sandbox.set_credentials(registered(&made));
    put(&site, &made);
    let auth =
        "client_id: @CLIENT@, certificate: {certificate: {file: cert.pem}, key: {file: key.pem}}";
    authenticate(&site, auth);
    assert_eq!(troubles(&site, 6), [trouble("clock", "this machine", "failed")]);
    let site = site_with(ahead(3)).await;
    assert_eq!(troubles(&site, 0), [trouble("clock", "this machine", "warning")]);
    let told = site.expect(0, &["doctor"]).out;
    assert!(told.contains("s behind"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_do_not_answer_are_told_with_where_it_ended() {
    let site = site().await;
    let url = site.sandbox.url();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let long = format!("https://{}.test", "a".repeat(70));
    let secure = url.replace("http://", "https://");
    for (login, graph, subject, told) in [
        (
            format!("http://127.0.0.1:{port}"),
            url.clone(),
            format!("http://127.0.0.1:{port}"),
            "failed at the connection",
        ),
        (
            url.clone(),
            format!("http://127.0.0.1:{port}"),
            format!("http://127.0.0.1:{port}"),
            "failed at the connection",
        ),
        (secure.clone(), url.clone(), secure.clone(), "failed at TLS"),
        (long.clone(), url.clone(), long.clone(), "failed at name resolution"),
    ] {
        let text = std::fs::read_to_string(site.path("seatkeeper.yaml")).unwrap();
        let (before, _) = text.split_once("endpoints:").unwrap();
        let endpoints = format!("endpoints: {{graph: \"{graph}\", login: \"{login}\"}}\n");
        site.write("seatkeeper.yaml", &format!("{before}{endpoints}"));
        let ran = site.expect(6, &["doctor"]);
        let line = ran.out.lines().find(|line| line.contains(&subject)).unwrap_or_default();
        assert!(line.contains("FAILED") && line.contains(told), "{told}\n{}", ran.out);
    }
    let proxy = [("HTTPS_PROXY", format!("http://127.0.0.1:{port}"))];
    let mut command = site.command(&["doctor"]);
    let ran =
        ran(&command.envs(proxy.iter().map(|(name, url)| (name, url.as_str()))).output().unwrap());
    assert_eq!(ran.code, 6);
    assert!(ran.out.contains("through the proxy of HTTPS_PROXY"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_used_is_told() {
    let site = site().await;
    site.expect(0, &["plan"]);
    std::fs::write(
        site.path("state").join("seatkeeper.db"),
        "not a database, whatever its name says",
    )
    .unwrap();
    let failed = troubles(&site, 6);
    assert_eq!(failed, [trouble("store", "./state", "failed")]);
    site.reconfigure("state: state", "state: seatkeeper.yaml/state");
    assert_eq!(troubles(&site, 6).first().map(|found| found.0.as_str()), Some("store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_worth_a_look_are_told() {
    let users = json!([{"user_principal_name": "ana@contoso.com", "groups": ["Staff"]}]);
    let document = json!({"skus": [{"sku": "SPE_E3", "enabled": 10}], "groups": [{"name": "Staff"}],
                          "users": users});
    let options = Options { roles: least(), ..calm() };
    let site = Site::with(tenant(document), options, QUICK, &[("policies.yaml", POLICIES)]).await;
    site.expect(0, &["plan"]);
    assert_eq!(troubles(&site, 0), [trouble("settings", "usage_location", "warning")]);
    site.reconfigure(QUICK, &format!("{QUICK}\nmode: enforce\nguards: {{max_changes: unlimited}}"));
    let found = troubles(&site, 0);
    assert!(found.contains(&trouble("guard", "max_changes", "warning")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_registers_what_its_command_line_names() {
    let site = site().await;
    site.write("ecdsa.pem", &pki::other(&rcgen::PKCS_ECDSA_P256_SHA256).certificate);
    for (arguments, told) in [
        (["--certificate", "ecdsa.pem"], "no RSA key"),
        (["--certificate", "none.pem"], "cannot read the certificate"),
        (["--federated-token", "ecdsa.pem"], "no token with `iss`, `sub` and `aud`"),
    ] {
        let ran = site.expect(5, &[&["sandbox", "--users", "50"], &arguments[..]].concat());
        assert!(ran.err.contains(told), "{}", ran.err);
    }
}
