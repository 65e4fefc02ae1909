use std::collections::BTreeSet;

use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::domain::attribute::Attribute;
use crate::domain::names::{Place, UsageLocation};
use crate::domain::span::Span;
use crate::policy::list::{List, Lists};
use crate::policy::load;
use crate::yaml::{SourceFile, render};

const LIST: &str = "lists/some people, and more.csv";

/// Reads policies back from text.
fn read(text: &str) -> PolicySet {
    let files = [SourceFile { name: "policies.yaml".into(), text: text.into() }];
    let mut lists = Lists::default();
    lists.add(LIST.into(), Ok(b"UserPrincipalName\nana@contoso.com\n".to_vec()));
    match load(&files, &lists) {
        Ok(loaded) => loaded.policies,
        Err(problems) => panic!("{text}\n{}", render(&problems, &files)),
    }
}

fn nowhere() -> Place {
    Place { file: "".into(), line: 1, column: 1 }
}

fn written<T>(value: T) -> Written<T> {
    Written { value, place: nowhere() }
}

/// Forgets where things stand.
fn without_places(mut set: PolicySet) -> PolicySet {
    for policy in &mut set.policies {
        policy.place = nowhere();
        [&mut policy.from, &mut policy.until].into_iter().flatten().for_each(forget);
        policy.moved_from.iter_mut().for_each(forget);
        forget_in_selector(&mut policy.selector);
        match &mut policy.action {
            Action::Add { licenses } => licenses.iter_mut().for_each(forget_in_license),
            Action::Replace { licenses, replaces } => {
                licenses.iter_mut().for_each(forget_in_license);
                match replaces {
                    Replaces::All => {}
                    Replaces::Listed(skus) => skus.iter_mut().for_each(forget),
                }
            }
            Action::Remove { removals: Removals::All } => {}
            Action::Remove { removals: Removals::Listed(listed) } => {
                for removal in listed {
                    match removal {
                        Removal::Sku(sku) => forget(sku),
                        Removal::ServicePlans { sku, plans } => {
                            sku.iter_mut().chain(plans).for_each(forget);
                        }
                    }
                }
            }
        }
    }
    for ladder in &mut set.ladders {
        ladder.place = nowhere();
        ladder.rungs.iter_mut().for_each(forget);
    }
    set
}

fn forget<T>(written: &mut Written<T>) {
    written.place = nowhere();
}

fn forget_in_license(license: &mut License) {
    forget(&mut license.sku);
    match &mut license.service_plans {
        ServicePlanRule::Unsaid => {}
        ServicePlanRule::Disable(plans) | ServicePlanRule::Enable(plans) => {
            plans.iter_mut().for_each(forget);
        }
    }
}

fn forget_in_selector(selector: &mut Selector) {
    match selector {
        Selector::All(parts) | Selector::Any(parts) | Selector::None(parts) => {
            parts.iter_mut().for_each(forget_in_selector);
        }
        Selector::Test(test) => {
            forget(test);
            if let Test::User(users) = &mut test.value {
                users.iter_mut().for_each(forget);
            }
        }
    }
}

/// Texts that YAML would take for something else, and any other.
fn any_text() -> impl Strategy<Value = Arc<str>> {
    let odd = [
        "NO",
        "y",
        "off",
        "null",
        "~",
        "0123",
        "1e3",
        "2026-01-01",
        "# no",
        "a #b",
        "a: b",
        "- a",
        "it's",
        "\"so\"",
        " lead",
        "trail ",
        "one\ntwo",
        "one\n\n  two\n",
        "tab\there",
        "a\\b",
        "[a, b]",
        "{a}",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "Größe",
        "日本 😀",
        "nbsp\u{a0}",
        "<<",
        "=",
        "\u{feff}",
        "\u{85}x",
        "all",
        "x#EXT#@contoso.com",
        "true",
    ];
    let text = prop_oneof![
        3 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        2 => "[A-Z][A-Za-z_0-9 ]{0,12}",
    ];
    text.prop_filter("a text that is not empty", |text| !text.trim().is_empty())
        .prop_map(Into::into)
}

/// A name of a SKU or service plan, in which a `*` would be a mistake.
fn any_name() -> impl Strategy<Value = Arc<str>> {
    any_text().prop_filter("no wildcard", |text| !text.contains('*'))
}

/// Names that are each there once, by whatever case.
fn any_names(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Arc<str>>> {
    vec(any_name(), count).prop_map(|names| {
        let mut seen = BTreeSet::new();
        names.into_iter().filter(|name| seen.insert(name.to_uppercase())).collect()
    })
}

fn any_list(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Written<Arc<str>>>> {
    any_names(count).prop_map(|names| names.into_iter().map(written).collect())
}

fn any_span() -> impl Strategy<Value = Span> {
    (1u32..3650 * 86_400).prop_map(Span::seconds)
}

fn any_user() -> impl Strategy<Value = Written<Arc<str>>> {
    let text = prop_oneof![
        any_text().prop_map(|text| format!("{text}@contoso.com").into()),
        any::<u128>().prop_map(|id| uuid::Uuid::from_u128(id).to_string().into()),
    ];
    text.prop_map(written)
}

fn any_ou() -> impl Strategy<Value = Test> {
    let dns = [
        "OU=Sales,DC=contoso,DC=com",
        "OU=Sales\\, Marketing,OU=People,DC=contoso,DC=com",
        "ou=\\23 one , dc=contoso",
        "OU=\"a,b\",DC=x",
        "OU=K\\C3\\B6ln,DC=x",
        "OU=Größe \\+ mehr,DC=x",
    ];
    let scope = prop_oneof![Just(OuScope::Subtree), Just(OuScope::One)];
    (prop::sample::select(dns.to_vec()), scope)
        .prop_map(|(ou, scope)| Test::Ou { ou: ou.parse().unwrap(), scope })
}

fn any_test() -> impl Strategy<Value = Test> {
    let attributes: Vec<Attribute> = Attribute::all().chain([Attribute::UsageLocation]).collect();
    let types = vec(prop_oneof![Just(UserType::Member), Just(UserType::Guest)], 1..3);
    let list = || {
        List::new(
            LIST.into(),
            vec![crate::policy::list::Row {
                who: crate::policy::list::Listed::Name("ana@contoso.com".into()),
                line: 2,
            }],
        )
    };
    prop_oneof![
        4 => (any_text(), any::<bool>()).prop_map(|(group, nested)| Test::Group { group, nested }),
        2 => any_ou(),
        1 => "[a-z0-9][a-z0-9.-]{0,8}".prop_map(|domain| Test::Domain(domain.into())),
        1 => "[a-zö0-9][a-z0-9._-]{0,8}".prop_map(|domain| Test::AdDomain(domain.into())),
        2 => vec(any_user(), 1..4).prop_map(Test::User),
        1 => Just(()).prop_map(move |()| Test::Csv(Arc::new(list()))),
        3 => (prop::sample::select(attributes), vec(any_text(), 1..3))
            .prop_map(|(attribute, values)| Test::Attribute { attribute, values }),
        1 => types.prop_map(Test::UserType),
        1 => any::<bool>().prop_map(Test::Enabled),
        1 => any::<bool>().prop_map(Test::Synced),
        1 => any_text().prop_map(Test::Has),
        1 => any_span().prop_map(Test::InactiveFor),
        1 => Just(Test::Everyone),
    ]
}

fn any_selector() -> impl Strategy<Value = Selector> {
    let leaf = any_test().prop_map(|test| Selector::Test(written(test)));
    let any = leaf.prop_recursive(3, 12, 3, |inner| {
        let parts = || vec(inner.clone(), 1..4);
        prop_oneof![
            parts().prop_map(Selector::All),
            parts().prop_map(Selector::Any),
            parts().prop_map(Selector::None),
        ]
    });
    any.prop_filter("names somebody", |selector| !selector.only_excludes())
}

fn any_licenses(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<License>> {
    let rule = prop_oneof![
        2 => Just(ServicePlanRule::Unsaid),
        1 => any_list(0..4).prop_map(ServicePlanRule::Disable),
        1 => any_list(1..12).prop_map(ServicePlanRule::Enable),
    ];
    (any_names(count), vec(rule, 4)).prop_map(|(names, rules)| {
        let license = |(sku, service_plans)| License { sku: written(sku), service_plans };
        names.into_iter().zip(rules).map(license).collect()
    })
}

/// A ladder in force would allow a policy one of its rungs alone, so grants are told from rungs.
fn any_action() -> impl Strategy<Value = Action> {
    let replaced = |licenses: &[License], skus: Vec<Written<Arc<str>>>| -> Replaces {
        let granted: Vec<String> =
            licenses.iter().map(|license| license.sku.value.to_uppercase()).collect();
        let others: Vec<_> =
            skus.into_iter().filter(|sku| !granted.contains(&sku.value.to_uppercase())).collect();
        if others.is_empty() { Replaces::All } else { Replaces::Listed(others) }
    };
    let removal = (any_list(1..4), any_list(1..3)).prop_map(|(skus, plans)| {
        let removal = |(at, sku): (usize, Written<Arc<str>>)| match at {
            0 => Removal::ServicePlans { sku: Some(sku), plans: plans.clone() },
            1 => Removal::ServicePlans { sku: None, plans: plans.clone() },
            _ => Removal::Sku(sku),
        };
        Removals::Listed(skus.into_iter().enumerate().map(removal).collect())
    });
    prop_oneof![
        4 => any_licenses(1..4).prop_map(|licenses| Action::Add { licenses }),
        2 => (any_licenses(1..4), any_list(1..3)).prop_map(move |(licenses, skus)| {
            let replaces = replaced(&licenses, skus);
            Action::Replace { licenses, replaces }
        }),
        1 => Just(Action::Remove { removals: Removals::All }),
        2 => removal.prop_map(|removals| Action::Remove { removals }),
        1 => Just(Action::Add { licenses: Vec::new() }),
    ]
}

fn any_location() -> impl Strategy<Value = LocationRule> {
    let place = || {
        prop::sample::select(vec!["NO", "DE", "SE", "YE"])
            .prop_map(|code| code.parse::<UsageLocation>().unwrap())
    };
    prop_oneof![
        place().prop_map(LocationRule::Set),
        place().prop_map(LocationRule::Default),
        (prop::sample::select(Attribute::all().collect::<Vec<_>>()), option::of(place()))
            .prop_map(|(attribute, default)| LocationRule::From { attribute, default }),
    ]
}

fn any_window() -> impl Strategy<Value = (Option<Written<Moment>>, Option<Written<Moment>>)> {
    let day = |text: &str| Moment::Day(text.parse().unwrap());
    let instant = |text: &str| Moment::Instant(text.parse().unwrap());
    let from =
        [day("2026-01-31"), instant("2026-01-31T18:00:00Z"), instant("2026-02-01T00:00:00.25Z")];
    let until = [day("2026-03-01"), instant("2026-12-31T23:59:59.999999999Z")];
    let one = |moments: Vec<Moment>| option::of(prop::sample::select(moments).prop_map(written));
    (one(from.to_vec()), one(until.to_vec()))
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let texts = (option::of(any_text()), option::of(any_text()));
    let tenants = option::of(prop::sample::subsequence(vec!["contoso", "no", "0123"], 1..=3));
    let terms = (any_selector(), any_action(), option::of(any_location()));
    let rest = (-1_000_000i32..=1_000_000, any::<bool>(), option::of(any_span()), any_window());
    (texts, tenants, terms, rest, option::of("[a-z0-9]{1,4}"), any::<bool>()).prop_map(
        |((description, owner), tenants, (selector, action, location), rest, former, retired)| {
            let (priority, keeps, grace, (from, until)) = rest;
            let usage_location = match &action {
                Action::Remove { removals: _ } => None,
                Action::Add { licenses } if licenses.is_empty() => {
                    Some(location.unwrap_or(LocationRule::Set("NO".parse().unwrap())))
                }
                Action::Add { .. } | Action::Replace { .. } => location,
            };
            Policy {
                name: "later".parse().unwrap(),
                place: nowhere(),
                description,
                owner,
                tenants: tenants
                    .map(|names| names.iter().map(|name| name.parse().unwrap()).collect()),
                reaches_guests: selector.names_user_type(),
                selector,
                action,
                usage_location,
                priority,
                on_leave: if keeps { OnLeave::Keep } else { OnLeave::Remove },
                grace,
                from,
                until,
                moved_from: former.map(|name| written(format!("was-{name}").parse().unwrap())),
                retired,
            }
        },
    )
}

/// Policies and perhaps a ladder of SKUs that none of them grants.
fn any_set() -> impl Strategy<Value = PolicySet> {
    let ladder = (any_names(4..8), any::<bool>());
    (vec(any_policy(), 0..4), option::of(ladder)).prop_map(|(mut policies, ladder)| {
        let names = ["no", "0123", "y", "policy-4"];
        for (at, (policy, name)) in policies.iter_mut().zip(names).enumerate() {
            policy.name = name.parse().unwrap();
            if let Some(former) = &mut policy.moved_from {
                former.value = format!("{}-{at}", former.value).parse().unwrap();
            }
        }
        let rungs = |names: Vec<Arc<str>>| -> Vec<Written<Arc<str>>> {
            names.iter().map(|name| written(format!("rung {name}").into())).collect()
        };
        let ladders = ladder.map(|(names, fall_back)| Ladder {
            name: "y".parse().unwrap(),
            place: nowhere(),
            tenants: None,
            rungs: rungs(names),
            fall_back,
        });
        let ladders = ladders.into_iter().filter(|ladder| ladder.rungs.len() > 1).collect();
        PolicySet { policies, ladders }
    })
}

proptest! {
    /// YAML → policy → YAML keeps meaning: what is written reads back as the same policies.
    #[test]
    fn policies_read_back_as_they_were_written(set in any_set()) {
        let text = write(&set);
        prop_assert_eq!(without_places(read(&text)), without_places(set), "{}", text);
    }

    /// What was read once is written as the same text ever after.
    #[test]
    fn writing_what_was_read_changes_nothing(set in any_set()) {
        let text = write(&set);
        prop_assert_eq!(write(&read(&text)), text);
    }
}

#[test]
fn policies_are_written_as_a_person_would() {
    let text = r#"
policies:
  - {name: eng, description: "Engineers: E5", owner: a@contoso.com, tenants: [contoso],
     match: {enabled: true, any: [{group: Engineering}, {ou: 'OU=Sales\, Marketing,DC=x', scope: one}],
             none: [{group: Contractors, nested: false}, {all: [{department: [NO, Sales]}, {company: "*"}]}]},
     action: replace, replaces: [SPE_E3], licenses: [{sku: SPE_E5, disable: [YAMMER]}, POWER_BI_PRO],
     usage_location: {from: country, default: "NO"}, priority: 100, grace: 30d, from: 2026-01-01}
  - {name: leavers, match: {all: [{group: A}, {group: B}]}, action: remove, licenses: [{sku: "*", plans: [TEAMS1]}]}
ladders: [{name: suite, rungs: [SPE_E5, SPE_E3], fall_back: true}]
"#;
    assert_snapshot!(write(&read(text)), @r#"
    policies:
      - name: eng
        description: "Engineers: E5"
        owner: a@contoso.com
        tenants: [contoso]
        match:
          enabled: true
          any:
            - group: Engineering
            - ou: OU=Sales\, Marketing,DC=x
              scope: one
          none:
            - group: Contractors
              nested: false
            - department: ["NO", Sales]
              company: "*"
        action: replace
        replaces: [SPE_E3]
        licenses:
          - sku: SPE_E5
            disable: [YAMMER]
          - POWER_BI_PRO
        usage_location:
          from: country
          default: "NO"
        priority: 100
        grace: 30d
        from: 2026-01-01

      - name: leavers
        match:
          all:
            - group: A
            - group: B
        action: remove
        licenses:
          - sku: "*"
            plans: [TEAMS1]

    ladders:
      - name: suite
        rungs: [SPE_E5, SPE_E3]
        fall_back: true
    "#);
}

#[test]
fn the_example_policies_mean_the_same_when_written_anew() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_about_others = path.ends_with("tests.yaml");
        if path.extension().is_some_and(|ending| ending == "yaml") && !is_about_others {
            let set = read(&std::fs::read_to_string(path).unwrap());
            assert_eq!(without_places(read(&write(&set))), without_places(set));
        }
    }
}
