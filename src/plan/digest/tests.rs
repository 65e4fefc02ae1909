use crate::plan::testing::{World, world};
use crate::plan::{Digest, Plan};

const POLICIES: &str = "staff: Staff -> SPE_E5 off:YAMMER for SPE_E3
                        place: Staff -> nothing; default DE";

fn staff() -> World {
    world("ana: in Staff, from nowhere, SPE_E3, VISIO off:VISIOONLINE", POLICIES)
}

fn key(world: &World) -> Digest {
    let plan = world.plan();
    assert_eq!(plan.operations.len(), 1);
    plan.operations[0].key
}

#[test]
fn names_and_places_do_not_make_another_operation() {
    let mut other = staff().under(&format!("first: disabled -> no VISIO\n{POLICIES}"));
    other.user("ana").principal_name = "ana.new@contoso.com".into();
    other.user("ana").display_name = Some("Ana".into());
    other.sku("SPE_E5").part_number = "RENAMED".into();
    other = other.under(
        "place: Team -> nothing; default DE
         staff: Team -> RENAMED off:YAMMER for SPE_E3",
    );
    other.groups[0].name = "Team".into();
    assert_eq!(key(&staff()), key(&other));
}

#[test]
fn time_does_not_make_another_operation_or_plan() {
    let (now, later) = (staff(), staff().later("1h"));
    assert_eq!(now.plan().digest, later.plan().digest);
    assert!(now.plan().id < later.plan().id);
}

#[test]
fn user_before_change_and_reason_make_an_operation() {
    let policy = |text: &str| staff().under(text);
    let mut others = vec![
        world("ben: in Staff, from nowhere, SPE_E3, VISIO off:VISIOONLINE", POLICIES),
        staff().but("ana: SPE_E3 off:TEAMS1"),
        staff().but("ana: VISIO"),
        staff().but("ana: no VISIO"),
        staff().but("ana: from FR"),
        staff().but("ana: POWER_BI_PRO"),
        policy("staff: Staff -> SPE_E5 off:TEAMS1 for SPE_E3\nplace: Staff -> nothing; default DE"),
        policy("staff: Staff -> SPE_E5 off:YAMMER\nplace: Staff -> nothing; default DE"),
        policy("staff: Staff -> SPE_E5 off:YAMMER for all\nplace: Staff -> nothing; default DE"),
        policy("other: Staff -> SPE_E5 off:YAMMER for SPE_E3\nplace: Staff -> nothing; default DE"),
        policy("staff: Staff -> SPE_E5 off:YAMMER for SPE_E3\nplace: Staff -> nothing; default FR"),
        policy("staff: Staff -> SPE_E5 off:YAMMER for SPE_E3\nhere: Staff -> nothing; default DE"),
        policy(&format!("{POLICIES}\nmore: Staff -> SPE_E5")),
        policy(&format!("{POLICIES}\nmore: Staff -> VISIO")),
        policy(&format!("{POLICIES}\nmore: Staff -> no SPE_E3")),
    ];
    others[0].tenant = "contoso".parse().unwrap();
    let mut elsewhere = staff();
    elsewhere.tenant = "fabrikam".parse().unwrap();
    others.push(elsewhere);
    others.push(staff());
    let mut keys: Vec<Digest> = others.iter().map(key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), others.len());
}

#[test]
fn a_plan_that_says_something_else_has_another_digest() {
    let plan = |tenant: &str, policies: &str| world(tenant, policies).plan();
    let tenant = "group Sales\nseats SPE_E5 1\nana: in Staff\nben: in Staff\ncem: SPE_E3 by:sales";
    let policies = "staff: Staff -> SPE_E5\nsales: Sales -> SPE_E3";
    let plans: Vec<Plan> = vec![
        plan(tenant, policies),
        plan(&tenant.replace("SPE_E5 1", "SPE_E5 2"), policies),
        plan(&tenant.replace("SPE_E5 1", "SPE_E5 0"), policies),
        plan(tenant, &policies.replace("Sales -> SPE_E3", "Sales -> SPE_E3; grace 9d")),
        plan(tenant, "staff: Staff -> SPE_E5"),
        plan(tenant, &format!("{policies}\nbad: Nowhere -> VISIO")),
        plan(&format!("{tenant}\ndee: in Staff, from nowhere"), policies),
        world(tenant, policies).set(|settings| settings.guards.first_plan = true).plan(),
    ];
    let mut digests: Vec<Digest> = plans.iter().map(|plan| plan.digest).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), plans.len());
}
