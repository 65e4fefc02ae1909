use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::domain::user::UserType;
use crate::policy::list::lists_named;
use crate::policy::{
    Action, LocationRule, Policy, Removal, Removals, Replaces, Selector, ServicePlanRule, Test,
};
use crate::yaml::{TOLD_MAX, render};

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.into(), text: text.into() }
}

/// Reads a directory of test policies, in name order.
fn directory(name: &str) -> Vec<SourceFile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies").join(name);
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        file(name, &fs::read_to_string(path).unwrap())
    };
    files.iter().map(read).collect()
}

/// Reads the lists that files of a directory of test policies name.
fn lists(directory: &str, files: &[SourceFile]) -> Lists {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies").join(directory);
    let mut lists = Lists::default();
    for name in lists_named(files) {
        let bytes = fs::read(root.join(&*name)).map_err(|_| "there is no such file".to_owned());
        lists.add(name, bytes);
    }
    lists
}

fn load(files: &[SourceFile]) -> Result<Loaded, Vec<Diagnostic>> {
    super::load(files, &Lists::default())
}

fn loaded(text: &str) -> Loaded {
    let file = file("a.yaml", text);
    let files = [file];
    load(&files).unwrap_or_else(|problems| panic!("{}", render(&problems, &files)))
}

fn problems(texts: &[&str]) -> String {
    let name = |index| char::from(b'a' + u8::try_from(index).unwrap());
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| file(&format!("{}.yaml", name(index)), text))
        .collect();
    render(&load(&files).unwrap_err(), &files)
}

fn valid(name: &str) -> PolicySet {
    let files: Vec<_> = directory("valid").into_iter().filter(|file| &*file.name == name).collect();
    assert_eq!(files.len(), 1, "{name}");
    super::load(&files, &lists("valid", &files))
        .unwrap_or_else(|problems| panic!("{}", render(&problems, &files)))
        .policies
}

/// Compares with the snapshot that lies beside a file.
fn snapshot_beside(directory: &str, file: &SourceFile, shown: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root.join(directory));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(&*file.name, shown));
}

#[test]
fn every_invalid_file_says_all_that_is_wrong_with_it() {
    let files = directory("invalid");
    assert!(files.len() > 10);
    for file in &files {
        let lists = lists("invalid", std::slice::from_ref(file));
        let problems = super::load(std::slice::from_ref(file), &lists).expect_err(&file.name);
        let sources: Vec<_> = files.iter().chain(lists.texts()).cloned().collect();
        snapshot_beside("invalid", file, &render(&problems, &sources));
    }
}

#[test]
fn every_valid_file_means_what_its_snapshot_says() {
    let files = directory("valid");
    assert!(files.len() > 5);
    for file in &files {
        let policies = valid(&file.name).policies;
        snapshot_beside("valid", file, &format!("{policies:#?}"));
    }
}

#[test]
fn files_are_loaded_in_their_order() {
    let files = directory("valid");
    let Loaded { policies, tests: _, warnings } =
        super::load(&files, &lists("valid", &files)).unwrap();
    assert_eq!(warnings, []);
    let names: Vec<_> = policies.policies.iter().map(|one| one.name.as_str()).collect();
    assert_snapshot!(names.join(" "), @"engineering-e5 contractors-f3 only-e5 leavers nobody-needs-visio pilot attributes guests nested norway 123 vertrieb");
}

#[test]
fn no_is_norway_and_a_name_like_any_other() {
    let set = valid("norway.yaml");
    let [norway, number] = set.policies.as_slice() else { panic!("two policies") };
    assert_eq!(norway.usage_location, Some(LocationRule::Set("NO".parse().unwrap())));
    assert_eq!(number.usage_location, Some(LocationRule::Default("NO".parse().unwrap())));
    assert_eq!((norway.owner.as_deref(), norway.description.as_deref()), (Some("no"), Some("yes")));
    assert_eq!(number.name.as_str(), "123");
    let Action::Add { licenses } = &norway.action else { panic!("it adds") };
    let skus: Vec<_> = licenses.iter().map(|license| &*license.sku.value).collect();
    assert_eq!(skus, ["0123", "1e3", "SPE_E3"]);
    let ServicePlanRule::Disable(plans) = &licenses[2].service_plans else { panic!("it disables") };
    let plans: Vec<_> = plans.iter().map(|plan| &*plan.value).collect();
    assert_eq!(plans, ["no", "off", "5"]);
}

#[test]
fn removals_are_told_apart() {
    let set = valid("leavers.yaml");
    assert_eq!(set.policies[0].action, Action::Remove { removals: Removals::All });
    let Action::Remove { removals: Removals::Listed(listed) } = &set.policies[1].action else {
        panic!("it lists")
    };
    let whole = |removal: &Removal| matches!(removal, Removal::Sku(_));
    assert!(listed.len() == 2 && listed.iter().all(whole));
}

#[test]
fn the_whole_format_is_understood() {
    let files = directory("whole");
    let all = super::load(&files, &lists("whole", &files));
    let Loaded { policies: set, tests, warnings } =
        all.unwrap_or_else(|problems| panic!("{}", render(&problems, &files)));
    assert!(set.policies.iter().all(|policy| policy.reaches_guests));
    assert!(matches!(
        &set.policies[1].selector,
        Selector::Test(test) if test.value == Test::UserType(vec![UserType::Member, UserType::Guest])
    ));
    let shown = format!("{set:#?}\n{tests:#?}\n{}", render(&warnings, &files));
    snapshot_beside("whole", &files[0], &shown);
}

#[test]
fn a_name_is_unique_over_all_files() {
    let policy = "policies: [{name: sales, match: {group: A}, licenses: [X]}]";
    assert_snapshot!(problems(&[policy, policy]), @r"
    error: policy `sales` is defined twice
     --> b.yaml:1:19
      |
    1 | policies: [{name: sales, match: {group: A}, licenses: [X]}]
      |                   ^^^^^
    note: first defined here
     --> a.yaml:1:19
      |
    1 | policies: [{name: sales, match: {group: A}, licenses: [X]}]
      |                   ^^^^^
    ");
}

#[test]
fn one_broken_file_leaves_nothing_loaded_and_hides_no_other() {
    let good = "policies: [{name: sales, match: {group: A}, licenses: [X]}]";
    let broken = "policies: [";
    let wrong = "policies: [{name: sales, match: {group: A}, licenses: [X], actoin: add}]";
    assert_snapshot!(problems(&[good, broken, wrong]), @r"
    error: this is not YAML: while parsing a node, did not find expected node content
     --> b.yaml:1:12
      |
    1 | policies: [
      |            ^

    error: policy `sales` is defined twice
     --> c.yaml:1:19
      |
    1 | policies: [{name: sales, match: {group: A}, licenses: [X], actoin: add}]
      |                   ^^^^^
    note: first defined here
     --> a.yaml:1:19
      |
    1 | policies: [{name: sales, match: {group: A}, licenses: [X]}]
      |                   ^^^^^

    error: unknown key `actoin`
     --> c.yaml:1:60
      |
    1 | policies: [{name: sales, match: {group: A}, licenses: [X], actoin: add}]
      |                                                            ^^^^^^
    hint: did you mean `action`?
    ");
}

#[test]
fn a_policy_for_an_unknown_tenant_is_an_error() {
    let files = [file(
        "a.yaml",
        "policies: [{name: a, tenants: [contso], match: {group: A}, licenses: [X]}]",
    )];
    let tenants = ["contoso".parse().unwrap(), "fabrikam".parse().unwrap()];
    assert_snapshot!(render(&load_for(&files, &Lists::default(), &tenants).unwrap_err(), &files), @r"
    error: unknown tenant `contso`
     --> a.yaml:1:32
      |
    1 | policies: [{name: a, tenants: [contso], match: {group: A}, licenses: [X]}]
      |                                ^^^^^^
    hint: did you mean `contoso`?
    ");
    assert!(load(&files).is_ok());
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let text = "policies:
  - {name: a, match: {group: A}, action: remove, licenses: [X], on_leave: keep, priority: 5}
  - {name: b, match: {group: A}, licenses: [X], on_leave: keep, grace: 3d}
";
    let loaded = loaded(text);
    assert_snapshot!(render(&loaded.warnings, &[file("a.yaml", text)]), @r"
    warning: `on_leave` has no effect here
     --> a.yaml:2:65
      |
    2 |   - {name: a, match: {group: A}, action: remove, licenses: [X], on_leave: keep, priority: 5}
      |                                                                 ^^^^^^^^
    hint: a policy that removes owns nothing that could be left

    warning: `priority` has no effect here
     --> a.yaml:2:81
      |
    2 |   - {name: a, match: {group: A}, action: remove, licenses: [X], on_leave: keep, priority: 5}
      |                                                                                 ^^^^^^^^
    hint: a policy that removes waits for no seat

    warning: `grace` has no effect here
     --> a.yaml:3:65
      |
    3 |   - {name: b, match: {group: A}, licenses: [X], on_leave: keep, grace: 3d}
      |                                                                 ^^^^^
    hint: with `on_leave: keep` nothing is removed, so nothing waits for it
    ");
}

#[test]
fn a_replace_of_everything_is_no_list() {
    let set = loaded(
        "policies: [{name: a, match: {group: A}, action: replace, licenses: [X], replaces: all}]",
    );
    let Action::Replace { replaces, .. } = &set.policies.policies[0].action else {
        panic!("it replaces")
    };
    assert_eq!(*replaces, Replaces::All);
}

#[test]
fn a_window_that_may_be_open_somewhere_is_one() {
    let with = |from: &str, until: &str| {
        let text = format!(
            "policies: [{{name: a, match: {{group: A}}, licenses: [X], from: {from}, until: {until}}}]"
        );
        load_with(&[file("a.yaml", &text)], &Lists::default(), |_, _| {}).is_ok()
    };
    assert!(with("2026-01-01", "2026-01-02"));
    assert!(!with("2026-01-02", "2026-01-02"));
    assert!(with("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"));
    assert!(!with("2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00Z"));
    // In Kiritimati the day began at 10:00 in UTC on the day before.
    assert!(with("2026-01-02", "2026-01-01T10:00:01Z"));
    assert!(!with("2026-01-02", "2026-01-01T10:00:00Z"));
    // On Baker Island it begins at 12:00 in UTC.
    assert!(with("2026-01-02T11:59:59Z", "2026-01-02"));
    assert!(!with("2026-01-02T12:00:00Z", "2026-01-02"));
    assert!(with("2026-01-01T00:00:00.5Z", "9999-12-30"));
    for wrong in
        ["20260101", "2026-1-1", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-13-01"]
    {
        assert!(!with(wrong, "2030-01-01"), "{wrong}");
    }
}

#[test]
fn a_policy_is_not_called_as_what_a_person_asks_for_once() {
    for name in ["bulk", "revert"] {
        let text = format!("policies: [{{name: {name}, match: {{group: A}}, licenses: [X]}}]");
        let told = problems(&[&text]);
        assert!(told.starts_with(&format!("error: `{name}` is what plans made by")), "{told}");
    }
}

#[test]
fn an_empty_match_is_an_error_and_so_is_one_that_only_says_whom_it_does_not_mean() {
    let with = |selector: &str| {
        problems(&[&format!("policies: [{{name: a, match: {selector}, licenses: [X]}}]")])
    };
    assert!(with("{}").starts_with("error: "), "{}", with("{}"));
    let none = with("{none: [{group: A}]}");
    assert!(none.starts_with("error: `match` only says whom it does not mean"), "{none}");
}

#[test]
fn selectors_nest_and_keys_side_by_side_mean_and() {
    let selector = |text: &str| {
        let text = format!("policies: [{{name: a, match: {text}, licenses: [X]}}]");
        format!("{:?}", loaded(&text).policies.policies[0].selector)
    };
    let unplaced = |text: &str| {
        let words = text.split("place: ").map(|part| part.split_once('}').map_or(part, |of| of.1));
        words.collect::<String>()
    };
    let beside = selector("{group: A, enabled: true}");
    let spelled = selector("{all: [{group: A}, {enabled: true}]}");
    assert_eq!(unplaced(&beside), unplaced(&spelled));
    let nested = selector("{any: [{all: [{group: A}, {none: [{group: B}]}]}, {group: C}]}");
    for word in ["Any(", "All(", "None("] {
        assert!(nested.contains(word), "{nested}");
    }
}

#[test]
fn a_sku_that_a_test_misspells_is_a_warning_with_what_was_meant() {
    let text = "policies: [{name: a, match: {group: A}, licenses: [OUR_OWN]}]
tests:
  - {name: t, user: {groups: [A]}, seats: {SPE_E33: 0}, expect: {not_licenses: [OUR_OWM, SPE_E5]}}";
    let told: Vec<_> = loaded(text).warnings.into_iter().map(|of| (of.message, of.hint)).collect();
    let warning = |name: &str, meant: &str| {
        let message = format!("no policy names SKU `{name}`, and it is not well known");
        (message, Some(format!("did you mean `{meant}`?")))
    };
    assert_eq!(told, [warning("SPE_E33", "SPE_E3"), warning("OUR_OWM", "OUR_OWN")]);
}

/// A policy like many.
fn usual(number: usize) -> String {
    format!("  - {{name: policy-{number}, match: {{group: Group {number}}}, licenses: [SPE_E3]}}\n")
}

#[test]
fn ten_thousand_policies_are_loaded_from_one_file_as_from_as_many() {
    let text: String = (0..10_000).map(usual).collect();
    assert_eq!(loaded(&format!("policies:\n{text}")).policies.policies.len(), 10_000);
    let one = |number| file(&format!("{number}.yaml"), &format!("policies:\n{}", usual(number)));
    let files: Vec<_> = (0..10_000).map(one).collect();
    assert_eq!(load(&files).unwrap().policies.policies.len(), 10_000);
}

#[test]
fn of_the_problems_of_ten_thousand_files_the_first_are_told_and_the_others_counted() {
    let one = |number| file(&format!("{number:05}.yaml"), "policies: [{name: a, grase: 1d}]");
    let files: Vec<_> = (0..10_000).rev().map(one).collect();
    let problems = load(&files).unwrap_err();
    assert_eq!(problems.len(), TOLD_MAX + 1);
    let last = &problems[TOLD_MAX].message;
    assert!(last.ends_with(" more problems in all files together"), "{last}");
    // Of every file: no match, no licenses, an unknown key; and the name is there already.
    assert_eq!(problems.iter().map(|problem| problem.stands_for).sum::<u64>(), 39_999);
    assert_eq!(problems[0].place.to_string().split(':').next(), Some("00000.yaml"));
    assert!(render(&problems, &files).len() < 100_000);
}

#[test]
fn a_list_of_very_many_tenants_is_read_and_a_tenant_twice_is_told() {
    let names: Vec<_> = (0..20_000).map(|number| format!("t{number}")).collect();
    let text = |names: &[String]| {
        let names = names.join(", ");
        format!("policies: [{{name: a, match: {{group: A}}, licenses: [X], tenants: [{names}]}}]")
    };
    let set = loaded(&text(&names));
    assert_eq!(set.policies.policies[0].tenants.as_ref().map(Vec::len), Some(20_000));
    let twice = problems(&[&text(&[names, vec!["t0".to_owned()]].concat())]);
    assert!(twice.starts_with("error: tenant `t0` is listed twice"), "{twice}");
}

#[test]
fn what_was_meant_is_not_sought_among_thousands_of_names_thousands_of_times() {
    let test = |number: usize| {
        format!("  - {{name: t{number}, user: {{}}, expect: {{because: [polici-{number}]}}}}\n")
    };
    let policies: String = (0..3_000).map(usual).collect();
    let tests: String = (0..3_000).map(test).collect();
    let files = [file("a.yaml", &format!("policies:\n{policies}tests:\n{tests}"))];
    let problems = load(&files).unwrap_err();
    assert_eq!(problems[0].message, "there is no policy `polici-0`");
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `policy-0`?"));
    assert_eq!(problems.iter().map(|problem| problem.stands_for).sum::<u64>(), 3_000);
}

/// Pieces of policy files, put together at random, so that much of what comes out is nearly right.
fn any_policy_text() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "policies",
        "ladders",
        "tests",
        "name",
        "match",
        "action",
        "replace",
        "remove",
        "licenses",
        "all",
        "any",
        "none",
        "group",
        "ou",
        "OU=a,DC=b",
        "user",
        "everyone",
        "true",
        "NO",
        "set",
        "default",
        "from",
        "country",
        "usage_location",
        "until",
        "2026-01-01",
        "rungs",
        "sku",
        "*",
        "plans",
        "disable",
        "enable",
        "grace",
        "7d",
        "priority",
        "-1",
        "SPE_E5",
        "user_type",
    ];
    const GLUE: &[&str] =
        &[": ", "\n", "\n  ", "\n  - ", "\n    ", ", ", "[", "]", "{", "}", "- ", "\"", " #"];
    let piece = prop_oneof![
        prop::sample::select(WORDS).prop_map(str::to_owned),
        prop::sample::select(GLUE).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A file whose shape is right and whose values are anything.
fn any_shaped_text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("all".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[SPE_E3, {sku: SPE_E5, plans: [A]}]".to_owned()),
        Just("{any: [{group: A}, {none: [{user_type: guest}]}]}".to_owned()),
        Just("{from: country, default: DE}".to_owned()),
        "[a-zA-Z0-9.:@=,*-]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    let keys = prop::sample::select(
        [
            "name",
            "match",
            "licenses",
            "replaces",
            "action",
            "usage_location",
            "from",
            "until",
            "retired",
            "tenants",
            "priority",
            "grace",
            "on_leave",
            "moved_from",
        ]
        .as_slice(),
    );
    prop::collection::btree_map(keys, value, 0..8).prop_map(|entries| {
        let entries: Vec<_> =
            entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("policies:\n  - {{{}}}\n", entries.join(", "))
    })
}

proptest! {
    /// Nothing that anybody can write makes the loader panic, and what is wrong can be shown.
    #[test]
    fn any_text_is_loaded_or_refused(
        text in prop_oneof![any::<String>(), any_policy_text(), any_shaped_text()]
    ) {
        let files = [file("a.yaml", &text)];
        if let Err(problems) = load(&files) {
            prop_assert!(!render(&problems, &files).is_empty());
        }
        let _ = load_with(&files, &Lists::default(), |_, _| {});
        let _ = lists_named(&files);
    }

    /// Bytes are text or they are refused.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        if let Ok(file) = SourceFile::from_bytes("a.yaml".into(), bytes) {
            let _ = load(&[file]);
        }
    }

    /// The order of files decides the order of policies and nothing else.
    #[test]
    fn the_order_of_files_does_not_change_what_is_loaded(
        files in Just(directory("valid")).prop_shuffle()
    ) {
        let sorted = |mut policies: Vec<Policy>| {
            policies.sort_by(|a, b| a.name.cmp(&b.name));
            policies
        };
        let all = |files: &[SourceFile]| super::load(files, &lists("valid", files)).unwrap();
        let shuffled = all(&files).policies;
        prop_assert_eq!(
            sorted(shuffled.policies),
            sorted(all(&directory("valid")).policies.policies)
        );
    }
}
