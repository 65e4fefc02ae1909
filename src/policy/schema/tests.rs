use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::domain::attribute::Attribute;
use crate::policy::list::{Lists, lists_named};
use crate::policy::load;
use crate::policy::lower::SELECTOR_KEYS;
use crate::policy::raw::{
    RawExpect, RawHeld, RawLadder, RawLicense, RawLocation, RawNamed, RawPolicy, RawTest, RawTop,
    RawWanted,
};
use crate::policy::schema::document;
use crate::yaml::testing::{Checked, examples, value_of_file};
use crate::yaml::{SourceFile, render};

static SCHEMA: LazyLock<Checked> = LazyLock::new(|| Checked::new(document()));

/// Returns what an editor would underline.
fn underlined(text: &str) -> Option<Vec<String>> {
    SCHEMA.faults_of_file(text)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(directory)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn known(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(ToString::to_string).collect()
}

#[test]
fn every_key_is_described_and_every_example_is_right() {
    SCHEMA.assert_described();
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    let extensions: BTreeSet<_> = (1..=15).map(|n| Attribute::Extension(n).key().into()).collect();
    let with_extensions = |keys: &[&str]| &known(keys) | &extensions;
    assert_eq!(SCHEMA.keys(""), known(RawTop::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/Policy"), known(RawPolicy::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/LongLicense"), known(RawLicense::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/Location"), known(RawLocation::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/Ladder"), known(RawLadder::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/Selector"), with_extensions(&SELECTOR_KEYS));
    assert_eq!(SCHEMA.keys("/$defs/Test"), known(RawTest::KEYS));
    let attributes: BTreeSet<String> = Attribute::all().map(|of| of.key().into()).collect();
    assert_eq!(SCHEMA.keys("/$defs/TestUser"), &known(RawNamed::KEYS) | &attributes);
    assert_eq!(SCHEMA.keys("/$defs/TestHeldLicense"), known(RawHeld::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/TestExpect"), known(RawExpect::KEYS));
    assert_eq!(SCHEMA.keys("/$defs/TestWantedLicense"), known(RawWanted::KEYS));
}

#[test]
fn what_is_valid_is_not_underlined() {
    for directory in
        ["policies", "tests/policies/valid", "tests/policies/whole", "src/cli/commands/init"]
    {
        for path in files(directory).iter().filter(|path| !path.ends_with("seatkeeper.yaml")) {
            let faults = underlined(&fs::read_to_string(path).unwrap()).unwrap();
            assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        }
    }
}

/// Returns the examples of the reference, and the one for editors beside the configuration.
fn shown() -> Vec<String> {
    let read = |page: &str| fs::read_to_string(root().join(page)).unwrap();
    let beside = read("docs/configuration.md");
    let beside = examples(&beside).into_iter().filter(|text| text.contains("policy.schema.json"));
    let page = read("docs/policies.md");
    let shown: Vec<_> = examples(&page).into_iter().chain(beside).map(str::to_owned).collect();
    assert!(shown.len() > 5);
    shown
}

/// The lists of the examples lie nowhere; each is taken to name one user.
#[test]
fn every_example_of_the_reference_loads() {
    for text in shown() {
        let files = [SourceFile { name: "a.yaml".into(), text: text.as_str().into() }];
        let mut lists = Lists::default();
        for name in lists_named(&files) {
            lists.add(name, Ok(b"UserPrincipalName\nana@contoso.com\n".to_vec()));
        }
        load(&files, &lists).unwrap_or_else(|problems| panic!("{}", render(&problems, &files)));
        assert_eq!(underlined(&text).unwrap(), [""; 0], "{text}");
    }
}

#[test]
fn the_reference_has_an_example_of_every_key() {
    let values: Vec<_> = shown().iter().map(|text| value_of_file(text).unwrap()).collect();
    assert_eq!(SCHEMA.not_shown(&values), [""; 0]);
}

/// Files that the loader refuses for what one value alone does not show.
const BEYOND_A_SCHEMA: [&str; 1] = [
    // One name for two policies.
    "names.yaml",
];

/// Files that are not YAML, or of which the strict reader makes nothing.
const NO_YAML: [&str; 4] = ["anchors.yaml", "tabs.yaml", "two-documents.yaml", "unclosed.yaml"];

#[test]
fn what_is_wrong_by_shape_is_underlined() {
    for path in files("tests/policies/invalid") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let text =
            if name == "keys.yaml" { text.replace("    description: two\n", "") } else { text };
        let text = text.replace("{group: A, group: B}", "{group: A, grup: B}");
        match underlined(&text) {
            None => assert!(NO_YAML.contains(&name) || name == "nothing.yaml", "{name}"),
            Some(faults) => {
                assert_eq!(
                    faults.is_empty(),
                    BEYOND_A_SCHEMA.contains(&name),
                    "{name}: {faults:#?}"
                );
            }
        }
    }
}

/// Returns whether a policy with these lines beside its name is underlined.
fn policy_is_underlined(lines: &str) -> bool {
    let text = format!("policies: [{{name: a, {lines}}}]");
    !underlined(&text).unwrap_or_else(|| panic!("{text} is not YAML")).is_empty()
}

#[test]
fn each_fault_of_shape_is_underlined_by_itself() {
    let sound = "match: {group: A}, licenses: [SPE_E3]";
    assert!(!policy_is_underlined(sound));
    for wrong in [
        "licenses: [SPE_E3]",
        "match: {}, licenses: [SPE_E3]",
        "match: {none: [{group: A}]}, licenses: [SPE_E3]",
        "match: {everyone: false}, licenses: [SPE_E3]",
        "match: {nested: false}, licenses: [SPE_E3]",
        "match: {group: A, scope: one}, licenses: [SPE_E3]",
        "match: {group: [A, B]}, licenses: [SPE_E3]",
        "match: {any: []}, licenses: [SPE_E3]",
        "match: {user: []}, licenses: [SPE_E3]",
        "match: {user: ana}, licenses: [SPE_E3]",
        "match: {ou: Sales}, licenses: [SPE_E3]",
        "match: {domain: '@contoso.com'}, licenses: [SPE_E3]",
        "match: {csv: /etc/passwd}, licenses: [SPE_E3]",
        "match: {inactive_for: 0d}, licenses: [SPE_E3]",
        "match: {inactive_for: 90}, licenses: [SPE_E3]",
        "match: {user_type: external}, licenses: [SPE_E3]",
        "match: {extension_attribute16: x}, licenses: [SPE_E3]",
        "match: {enabled: yes}, licenses: [SPE_E3]",
        "match: {group: A}",
        "match: {group: A}, licenses: []",
        "match: {group: A}, licenses: all",
        "match: {group: A}, licenses: SPE_E3",
        "match: {group: A}, licenses: ['*']",
        "match: {group: A}, licenses: ['SPE_*']",
        "match: {group: A}, licenses: [{disable: [X]}]",
        "match: {group: A}, licenses: [{sku: X, enable: []}]",
        "match: {group: A}, licenses: [{sku: X, enable: [A], disable: [B]}]",
        "match: {group: A}, licenses: [{sku: X, plans: [A]}]",
        "match: {group: A}, action: replace, licenses: [SPE_E3]",
        "match: {group: A}, action: replace, replaces: [SPE_E3]",
        "match: {group: A}, action: replace, replaces: [], licenses: [SPE_E3]",
        "match: {group: A}, action: remove",
        "match: {group: A}, action: remove, licenses: ['*']",
        "match: {group: A}, action: remove, licenses: [{sku: '*'}]",
        "match: {group: A}, action: remove, licenses: [{sku: X, disable: [A]}]",
        "match: {group: A}, action: remove, licenses: all, usage_location: {set: DE}",
        "match: {group: A}, action: revoke, licenses: all",
        "match: {group: A}, usage_location: {}",
        "match: {group: A}, usage_location: DE",
        "match: {group: A}, usage_location: {set: DE, default: AT}",
        "match: {group: A}, usage_location: {set: Germany}",
        "match: {group: A}, usage_location: {from: city}",
    ] {
        assert!(policy_is_underlined(wrong), "{wrong}");
    }
    for wrong in [
        "replaces: [SPE_E1]",
        "tenants: contoso",
        "tenants: []",
        "owner:",
        "priority: '5'",
        "priority: 1000001",
        "on_leave: delete",
        "grace: 7",
        "grace: 30 d",
        "from: 2026-13-01",
        "from: 2026-01-01T10:00:00",
        "until: tomorrow",
        "retired: maybe",
        "moved_from: A B",
        "colour: red",
    ] {
        assert!(policy_is_underlined(&format!("{sound}, {wrong}")), "{wrong}");
    }
}

#[test]
fn each_form_that_the_reader_takes_is_not_underlined() {
    for right in [
        "match: {everyone: true, none: [{group: 365}]}, licenses: [0123, 1e3]",
        "match: {ou: 'OU=A,DC=b', scope: one}, usage_location: {from: extension_attribute3}",
        "match: {csv: ./lists/a.csv}, licenses: [{sku: X, disable: []}]",
        "match: {user_type: [member, Guest]}, licenses: [X], grace: 0",
        "match: {group: A}, action: remove, licenses: [{sku: '*', plans: [A]}, B]",
        "match: {group: A}, action: replace, replaces: all, licenses: [X], from: 2026-01-01",
        "match: {group: A}, licenses: [X], until: '2026-01-01T00:00:00.5+02:00', retired: true",
    ] {
        assert!(!policy_is_underlined(right), "{right}");
    }
}

/// Returns some of these lines, each at most once, as the keys of a mapping.
fn any_of(
    pools: &'static [&'static [&'static str]],
    least: usize,
) -> impl Strategy<Value = String> {
    let chosen = prop::sample::subsequence(pools, least..=pools.len().min(4));
    let line = |pool: &&'static [&'static str]| prop::sample::select(*pool);
    chosen
        .prop_flat_map(move |pools| pools.iter().map(line).collect::<Vec<_>>())
        .prop_map(|lines| lines.join(", "))
}

/// A selector of which much is right.
fn any_selector() -> impl Strategy<Value = String> {
    let leaf = any_of(
        &[
            &["group: A", "group: 5, nested: false", "group: true, nested: true", "nested: true"],
            &["ou: OU=A", "ou: 'OU=A, DC=b', scope: one", "ou: OU=A, scope: subtree", "ou: A"],
            &["domain: a.b", "domain: _a-1.b.", "domain: 1.5", "domain: .a", "domain: a@b"],
            &["user: a@b", "user: [a@b, 06ebc4ee-1bb5-47dd-8120-11324bc54e06]", "user: a"],
            &["department: x", "department: [1, '*']", "extension_attribute15: yes", "office: []"],
            &["user_type: Guest", "user_type: [member]", "inactive_for: 1w", "inactive_for: 00s"],
            &["enabled: true", "synced: false", "enabled: yes", "has: A", "has: 'A*'"],
            &["everyone: true", "everyone: false"],
        ],
        1,
    );
    leaf.prop_recursive(3, 8, 2, |inner| {
        let list = prop::collection::vec(inner, 1..3);
        (prop::sample::select(&["all", "any", "none"]), list, any::<bool>()).prop_map(
            |(key, list, more)| {
                let list: Vec<_> = list.iter().map(|one| format!("{{{one}}}")).collect();
                let beside = if more { ", enabled: false" } else { "" };
                format!("{key}: [{}]{beside}", list.join(", "))
            },
        )
    })
}

/// A policy of which much is right.
fn any_policy() -> impl Strategy<Value = String> {
    let licenses = prop::sample::select(&[
        "",
        ", licenses: [A]",
        ", licenses: [A, {sku: B, disable: []}, 5]",
        ", licenses: [{sku: 1e3, enable: [X, no]}]",
        ", licenses: [{sku: A, plans: [X]}]",
        ", licenses: [{sku: '*', plans: [X]}, B]",
        ", licenses: [{sku: A, enable: [X], disable: [Y]}]",
        ", licenses: [' A ']",
        ", licenses: all",
        ", licenses: []",
    ]);
    let action = prop::sample::select(&[
        "",
        ", action: add",
        ", action: remove",
        ", action: replace, replaces: all",
        ", action: replace, replaces: [X, 5]",
        ", replaces: [X]",
    ]);
    let rest = any_of(
        &[
            &["usage_location: {set: no}", "usage_location: {from: office}"],
            &["usage_location: {default: DE, from: country}", "usage_location: {set: Germany}"],
            &["priority: 007", "priority: -5", "priority: '1'", "priority: 1e3"],
            &["grace: 0", "grace: '0'", "grace: 00h", "grace: 3650d", "grace: 1"],
            &["from: 2026-02-28", "from: '2026-02-28T23:59:60Z'", "from: 2026-02-30"],
            &["until: 2026-12-31T00:00:00.123-05:30", "until: 9999-12-31", "until: 2026"],
            &["tenants: [a, 5]", "tenants: []", "owner: 5", "owner: ~", "description: true"],
            &["retired: false", "moved_from: b", "on_leave: keep", "on_leave: leave"],
        ],
        0,
    );
    (any_selector(), licenses, action, rest).prop_map(|(selector, licenses, action, rest)| {
        format!("policies: [{{name: a, match: {{{selector}}}{licenses}{action}, {rest}}}]")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// No editor underlines what the loader takes.
    #[test]
    fn what_the_loader_takes_is_not_underlined(text in any_policy()) {
        let file = SourceFile { name: "a.yaml".into(), text: text.as_str().into() };
        if load(&[file], &Lists::default()).is_ok() {
            prop_assert_eq!(underlined(&text), Some(Vec::new()));
        }
    }
}
