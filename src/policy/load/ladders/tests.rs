use super::*;
use crate::domain::names::Place;
use crate::policy::list::Lists;
use crate::policy::load::load;
use crate::yaml::SourceFile;

const MANY: usize = 10_000;

fn written(text: &str, line: usize) -> Written<Arc<str>> {
    let line = u32::try_from(line).unwrap();
    Written { value: text.into(), place: Place { file: "a.yaml".into(), line, column: 1 } }
}

fn tenants(names: &[String]) -> Option<Vec<TenantName>> {
    let tenants: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
    (!tenants.is_empty()).then_some(tenants)
}

fn ladder(number: usize, tenants: Option<Vec<TenantName>>, rungs: &[&str]) -> Ladder {
    Ladder {
        name: format!("ladder-{number}").parse().unwrap(),
        place: written("", number).place,
        tenants,
        rungs: rungs.iter().map(|rung| written(rung, number)).collect(),
        fall_back: false,
    }
}

/// Policies that grant these SKUs, each with what makes it another.
fn policies(skus: &[&str], alter: impl Fn(usize, &mut Policy)) -> Vec<Policy> {
    let text =
        format!("policies: [{{name: a, match: {{group: A}}, licenses: [{}]}}]", skus.join(", "));
    let file = SourceFile { name: "p.yaml".into(), text: text.into() };
    let one = load(&[file], &Lists::default()).unwrap().policies.policies.remove(0);
    let policy = |number| {
        let mut policy = one.clone();
        alter(number, &mut policy);
        policy
    };
    (0..MANY).map(policy).collect()
}

fn told(policies: Vec<Policy>, ladders: Vec<Ladder>) -> Vec<String> {
    let all = Lowered { policies, ladders, ..Lowered::default() };
    errors(&all).into_iter().map(|problem| problem.message).collect()
}

fn one_each(number: usize) -> Option<Vec<TenantName>> {
    tenants(&[format!("tenant-{number}")])
}

#[test]
fn ten_thousand_policies_are_compared_with_ten_thousand_ladders_of_other_skus() {
    let ladders = (0..MANY).map(|number| {
        let (high, low) = (format!("HIGH_{number}"), format!("LOW_{number}"));
        ladder(number, None, &[&high, &low])
    });
    let grants = |number: usize, policy: &mut Policy| {
        let Action::Add { licenses } = &mut policy.action else { panic!("it grants") };
        licenses[0].sku = written(&format!("HIGH_{number}"), 1);
        licenses[1].sku = written(&format!("LOW_{}", number / 2 * 2), 2);
    };
    let told = told(policies(&["X", "Y"], grants), ladders.collect());
    assert_eq!(told.len(), MANY / 2);
    assert_eq!(
        told[1],
        "`HIGH_2` and `LOW_2` are rungs of ladder `ladder-2`, of which a user keeps one"
    );
}

#[test]
fn ten_thousand_ladders_with_the_same_rungs_for_as_many_tenants_share_none() {
    let ladders: Vec<_> =
        (0..MANY).map(|number| ladder(number, one_each(number), &["X", "Y"])).collect();
    assert_eq!(told(Vec::new(), ladders.clone()), Vec::<String>::new());
    let of_tenants = policies(&["X", "Z"], |number, policy| policy.tenants = one_each(number));
    assert_eq!(told(of_tenants, ladders.clone()), Vec::<String>::new());
    let both = policies(&["X", "Y"], |number, policy| policy.tenants = one_each(number));
    assert_eq!(told(both, ladders.clone()).len(), MANY);
    let of_no_ladder = policies(&["X", "Z"], |_, _| ());
    assert_eq!(told(of_no_ladder, ladders.clone()), Vec::<String>::new());
    // For every tenant, a policy meets the first ladder, and is told that one.
    let mut everywhere = policies(&["Y", "X"], |_, _| ());
    everywhere.truncate(1_000);
    let told = told(everywhere, ladders);
    assert_eq!(told.len(), 1_000);
    assert!(told.iter().all(|message| message.contains("`ladder-0`")));
}

#[test]
fn ten_thousand_ladders_with_the_same_rungs_for_one_tenant_all_share_them() {
    let ladders = (0..MANY).map(|number| ladder(number, one_each(7), &["X", "Y"]));
    let told = told(Vec::new(), ladders.collect());
    assert_eq!(told.len(), 2 * (MANY - 1));
    assert!(told.iter().all(|message| message.ends_with("is on ladder `ladder-0` already")));
}

#[test]
fn what_cannot_be_compared_in_time_is_refused_and_says_what_to_do() {
    let names: Vec<_> = (0..1_001).map(|number| format!("tenant-{number}")).collect();
    let skus: Vec<_> = (0..1_000).map(|number| format!("SKU_{number}")).collect();
    let skus: Vec<_> = skus.iter().map(String::as_str).collect();
    let told_of_rungs = told(Vec::new(), vec![ladder(1, tenants(&names), &skus)]);
    assert_eq!(
        told_of_rungs,
        ["the ladders up to `ladder-1` have more than 1000000 rungs, counted for each tenant"]
    );

    let ladders = (0..MANY).map(|number| {
        let rungs = if number % 2 == 0 { ["X", "A"] } else { ["Y", "B"] };
        ladder(number, one_each(number), &rungs)
    });
    let told = told(policies(&["X", "Y"], |_, _| ()), ladders.collect());
    assert_eq!(told, ["there are too many policies and ladders to compare `a` with"]);
}

#[test]
fn of_several_ladders_that_share_a_rung_the_first_one_is_told() {
    let of =
        |names: &[&str]| tenants(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let ladders = vec![
        ladder(1, of(&["a"]), &["X"]),
        ladder(2, of(&["b", "c"]), &["x"]),
        ladder(3, of(&["c", "b"]), &["X"]),
        ladder(4, None, &["X"]),
        ladder(5, of(&["d"]), &["X"]),
        ladder(6, of(&["d", "a"]), &["X", "Y"]),
    ];
    let on = |number: usize| format!("`X` is on ladder `ladder-{number}` already");
    assert_eq!(told(Vec::new(), ladders), [on(2), on(1), on(4), on(1)]);
}
