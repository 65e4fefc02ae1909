use insta::assert_snapshot;

use super::*;
use crate::policy::list::Lists;
use crate::policy::load;
use crate::report::text::rehearsed as text;
use crate::report::text::style::Style;
use crate::yaml::{SourceFile, render};

const POLICIES: &str = "
policies:
  - name: staff
    match: {group: Staff}
    licenses: [{sku: SPE_E3, disable: [YAMMER_ENTERPRISE]}]
    usage_location: {default: DE}
  - name: leavers
    match: {enabled: false}
    action: remove
    licenses: all
    grace: 30d
  - name: summer
    match: {department: Sales}
    licenses: [VISIOCLIENT]
    from: 2026-06-01
    until: 2026-09-01
  - name: board
    match: {user: [eva@contoso.com]}
    licenses: [SOME_NEW_PRODUCT]
";

/// Runs tests against the policies above, as `seatkeeper test` prints them.
fn run(tests: &str) -> String {
    run_with(POLICIES, tests, &[])
}

fn run_with(policies: &str, tests: &str, tenants: &[(TenantName, Settings)]) -> String {
    let file = |name: &str, text: String| SourceFile { name: name.into(), text: text.into() };
    let files = [
        file("policies.yaml", policies.to_owned()),
        file("tests.yaml", format!("tests:\n{tests}")),
    ];
    let loaded = load(&files, &Lists::default());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{}", render(&problems, &files)));
    let rehearsed = rehearse(&Rehearsal {
        policies: &loaded.policies,
        cases: &loaded.tests,
        tenants,
        now: "2026-11-23T09:00:00Z".parse().unwrap(),
    });
    text(&rehearsed.unwrap(), true, Style::Plain)
}

#[test]
fn what_is_as_expected_passes() {
    let all = run("
  - name: staff get E3 and a location
    user: {groups: [staff]}
    expect: {licenses: [{sku: SPE_E3, disable: [YAMMER_ENTERPRISE]}], usage_location: DE, because: staff, not_because: leavers, not_licenses: [SPE_E5], unchanged: false, waiting: [], blocked: [], scheduled: []}
  - name: nobody gets nothing
    user: {}
    expect: {licenses: [], unchanged: true, not_because: [staff, leavers]}
  - name: a product that nobody knows is as good as any
    user: {user_principal_name: EVA@contoso.com, usage_location: DE}
    expect: {licenses: [some_new_product], because: [board]}
  - name: summer, at noon
    at: 2026-07-01T12:00:00Z
    user: {department: sales, usage_location: DE}
    expect: {licenses: [VISIOCLIENT]}
");
    assert_snapshot!(all, @r"
    test staff get E3 and a location ... ok
    test nobody gets nothing ... ok
    test a product that nobody knows is as good as any ... ok
    test summer, at noon ... ok

    3 of 4 policies reached; not reached:
      leavers  policies.yaml:7

    4 passed, 0 failed
    ");
}

#[test]
fn what_is_not_as_expected_is_told_with_what_came_instead_and_why() {
    let all = run("
  - name: everything is wrong
    seats: {SPE_E3: 0}
    user: {groups: [Staff], licenses: [{sku: VISIOCLIENT, owner: summer, let_go: 2026-11-20}]}
    expect: {licenses: [SPE_E3], not_licenses: [VISIOCLIENT], because: [leavers], not_because: [staff], usage_location: FR, waiting: [], blocked: [no_location], scheduled: {VISIOCLIENT: 2026-11-28}, unchanged: true}
  - name: other service plans
    user: {groups: [Staff]}
    expect: {licenses: [{sku: SPE_E3, disable: [SWAY]}]}
  - name: nobody matches
    user: {}
    expect: {licenses: [SPE_E3]}
");
    assert_snapshot!(all);
}

#[test]
fn a_window_without_a_given_time_is_warned_of() {
    let all = run_with(
        "policies: [{name: always, match: {everyone: true}, licenses: [SPE_E3], until: 2030-01-01}]",
        "  - {name: now, user: {usage_location: DE}, expect: {licenses: [SPE_E3]}}",
        &[],
    );
    assert_snapshot!(all, @r"
    test now ... ok

    warning: tests.yaml:2: policy `always` has a window, and the test no `at`: it will not always pass

    1 passed, 0 failed
    ");
}

#[test]
fn settings_of_the_tenant_hold_in_tests() {
    let tenants = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        vec![("contoso".parse().unwrap(), settings)]
    };
    let written = |name: &str| Written {
        value: name.into(),
        place: Place { file: "seatkeeper.yaml".into(), line: 1, column: 1 },
    };
    let protect =
        |settings: &mut Settings, name: Written<Arc<str>>| settings.protected.groups.push(name);
    let mut protected = tenants(|_| {});
    protect(&mut protected[0].1, written("Break Glass"));
    let all = run_with(
        POLICIES,
        "  - {name: untouched, user: {groups: [Staff, Break Glass]}, expect: {licenses: [], unchanged: true}}",
        &protected,
    );
    assert!(all.contains("1 passed, 0 failed"), "{all}");
    let grace = tenants(|settings| settings.grace = crate::domain::span::Span::days(1));
    let all = run_with(
        POLICIES,
        "  - name: a day
    at: 2026-11-01T10:00:00Z
    user: {licenses: [{sku: SPE_E3, owner: staff, let_go: 2026-11-01T09:00:00Z}]}
    expect: {scheduled: {SPE_E3: 2026-11-02}}",
        &grace,
    );
    assert!(all.contains("1 passed, 0 failed"), "{all}");
}

#[test]
fn a_test_runs_in_the_tenant_that_it_names() {
    let policies = "policies: [{name: only, tenants: [fabrikam], match: {everyone: true}, licenses: [SPE_E3]}]";
    let both = [
        ("contoso".parse().unwrap(), Settings::default()),
        ("fabrikam".parse().unwrap(), Settings::default()),
    ];
    let tests = "
  - {name: the first, user: {usage_location: DE}, expect: {licenses: []}}
  - {name: the other, tenant: fabrikam, user: {usage_location: DE}, expect: {licenses: [SPE_E3]}}";
    let all = run_with(policies, tests, &both);
    assert!(all.contains("2 passed, 0 failed"), "{all}");
}

#[test]
fn who_leaves_a_policy_reaches_it() {
    let policies = "policies: [{name: e3, match: {group: A}, licenses: [SPE_E3], grace: 0d}]";
    let tests = "
  - {name: leaves, user: {usage_location: DE, licenses: [{sku: SPE_E3, owner: e3}]}, expect: {licenses: [], because: [e3]}}";
    let told = run_with(policies, tests, &[]);
    assert!(told.contains("1 passed, 0 failed"), "{told}");
    assert!(!told.contains("not reached"), "{told}");
}

#[test]
fn no_tests_pass_and_say_so() {
    let rehearsed = Rehearsed { results: Vec::new(), unreached: Vec::new(), policies: 3 };
    assert_snapshot!(text(&rehearsed, true, Style::Plain), @"no policy has a test: write them in a `tests` section");
}
