use super::*;
use crate::plan::testing::{World, group_id, user_id, world};

/// Asks again about the only operation of a world, for the user as `now` has them.
fn ask(world: &World, now: &World, member_of: &[&str]) -> Result<(), String> {
    let plan = world.plan();
    let [operation] = plan.operations.as_slice() else {
        panic!("{} operations", plan.operations.len())
    };
    let member_of = member_of.iter().map(|name| group_id(name)).collect();
    let now = now.snapshot();
    let user = now.user(operation.user.id).unwrap();
    world.with(|inputs| SecondLook::new(inputs).confirm(operation, user, &member_of))
}

const STAFF: &str = "staff: Staff -> SPE_E3; grace 0";

fn left() -> World {
    world("group Staff\nana: from DE, SPE_E3 by:staff=1d", STAFF)
}

#[test]
fn a_removal_is_confirmed_where_graph_agrees() {
    assert_eq!(ask(&left(), &left(), &[]), Ok(()));
}

#[test]
fn somebody_who_is_in_the_group_after_all_keeps_the_license() {
    let told = ask(&left(), &left(), &["Staff"]).unwrap_err();
    assert_eq!(told, "asked another way, policy staff matches the user");
}

#[test]
fn a_removal_of_what_changed_meanwhile_does_not_run() {
    let now = world("group Staff\nana: from DE, SPE_E3 off:YAMMER by:staff=1d", STAFF);
    let told = ask(&left(), &now, &[]).unwrap_err();
    assert_eq!(told, "asked again, the user's licenses are not what it was planned from");
}

#[test]
fn a_removal_in_exchange_does_not_run_where_the_other_license_has_gone() {
    let policies = "base: Staff -> SPE_E5 for SPE_E3";
    let world = world("ana: in Staff, from DE, SPE_E3, SPE_E5", policies);
    assert_eq!(ask(&world, &world, &["Staff"]), Ok(()));
    let now = self::world("ana: in Staff, from DE, SPE_E3", policies);
    assert!(ask(&world, &now, &["Staff"]).is_err());
}

#[test]
fn whom_a_policy_excepts_by_name_need_not_be_the_user() {
    let policies = "leavers: disabled but not user:boss@contoso.com -> no all";
    let world = world("ana: disabled, SPE_E3\nboss: disabled, SPE_E3", policies);
    assert_eq!(ask(&world, &world, &[]), Ok(()));
}

#[test]
fn a_replacement_needs_its_own_group_and_the_absence_from_others() {
    let policies = "engineers: Engineering -> SPE_E5
                    base: Staff -> SPE_E3 for all";
    let world = world("group Engineering\nana: in Staff, from DE, SPE_E5", policies);
    assert_eq!(ask(&world, &world, &["Staff"]), Ok(()));
    let told = ask(&world, &world, &["Staff", "Engineering"]).unwrap_err();
    assert_eq!(told, "asked another way, policy engineers matches the user");
    let told = ask(&world, &world, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy base does not match the user");
}

#[test]
fn the_groups_that_decide_are_asked_about_and_no_others() {
    let world = world(
        "group Other\ngroup Staff\nana: from DE, SPE_E3 by:staff=1d",
        "staff: Staff -> SPE_E3; grace 0
         other: Other -> VISIO",
    );
    let plan = world.plan();
    assert_eq!(plan.operations[0].user.id, user_id("ana"));
    let asked = world.with(|inputs| SecondLook::new(inputs).groups_to_ask(&plan.operations[0]));
    assert_eq!(asked, [group_id("Staff")].into());
}

#[test]
fn a_list_is_asked_again_for_the_user_alone() {
    let policies = "listed: csv:ana@contoso.com+ben@contoso.com -> SPE_E3; grace 0
                    leavers: disabled but not csv:ben@contoso.com -> no all";
    let world = world("ana: disabled, SPE_E3\nben: SPE_E3 by:listed", policies);
    assert_eq!(ask(&world, &world, &[]), Ok(()));
    let renamed = self::world("ana: disabled, SPE_E3, called ben@contoso.com", policies);
    let told = ask(&world, &renamed, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy leavers does not match the user");
}

#[test]
fn somebody_who_has_a_name_of_the_list_by_now_keeps_the_license() {
    let policies = "listed: csv:ben@contoso.com+cem@contoso.com -> SPE_E3; grace 0";
    let world =
        world("ana: SPE_E3 by:listed=1d\nben: SPE_E3 by:listed\ncem: SPE_E3 by:listed", policies);
    assert_eq!(ask(&world, &world, &[]), Ok(()));
    let renamed = self::world("ana: SPE_E3, called Ben@contoso.com", policies);
    let told = ask(&world, &renamed, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy listed matches the user");
}

#[test]
fn a_list_of_exceptions_with_somebody_unknown_on_it_confirms_nothing() {
    let before = "leavers: disabled but not csv:ben@contoso.com -> no all";
    let world = world("ana: disabled, SPE_E3\nben:", before);
    let snapshot = world.snapshot();
    let operation = world.plan().operations.remove(0);
    let after = world.clone().under("leavers: disabled but not csv:zoe@contoso.com -> no all");
    let user = snapshot.user(user_id("ana")).unwrap();
    let nowhere = BTreeSet::new();
    let told = after.with(|inputs| SecondLook::new(inputs).confirm(&operation, user, &nowhere));
    let told = told.unwrap_err();
    assert_eq!(told, "asked another way, policy leavers cannot be decided");
}

#[test]
fn an_attribute_that_came_back_by_now_stops_the_removal() {
    let policies = "sales: department:Sales -> SPE_E3; grace 0";
    let world = world("ana: department=IT, SPE_E3 by:sales=1d", policies);
    assert_eq!(ask(&world, &world, &[]), Ok(()));
    let now = self::world("ana: department=Sales, SPE_E3\nben:", policies);
    let told = ask(&world, &now, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy sales matches the user");
    let now = self::world("ana: department?, SPE_E3\nben:", policies);
    let told = ask(&world, &now, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy sales cannot be decided");
}

#[test]
fn a_second_look_keeps_the_sign_ins_that_the_plan_was_made_from() {
    let policies = "idle: inactive:90d -> no SPE_E3";
    let planned = world("ana: inactive 90d, SPE_E3", policies);
    // A look at a single user does not tell sign-ins.
    assert_eq!(ask(&planned, &world("ana: SPE_E3", policies), &[]), Ok(()));
}

#[test]
fn what_a_policy_no_longer_grants_goes_although_it_matches() {
    let policies = "staff: Staff -> SPE_E3; grace 1d";
    let tenant = "ana: in Staff, from DE, SPE_E3 by:staff, VISIO by:staff=2d";
    let world = world(tenant, policies);
    assert_eq!(ask(&world, &world, &["Staff"]), Ok(()));
    let told = ask(&world, &world, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy staff does not match the user");
}

#[test]
fn what_data_hangs_on_is_switched_off_only_where_graph_agrees() {
    let leavers = "leavers: Leavers -> no SPE_E3/EXCHANGE_S_ENTERPRISE";
    let world = world("group Staff\nana: in Leavers, from DE, SPE_E3", leavers);
    assert!(SecondLook::is_needed(&world.plan().operations[0]));
    assert_eq!(ask(&world, &world, &["Leavers"]), Ok(()));
    let told = ask(&world, &world, &[]).unwrap_err();
    assert_eq!(told, "asked another way, policy leavers does not match the user");
    // By who grants it without, and by who would leave it on.
    let policies = "thin: Thin -> SPE_E3 off:EXCHANGE_S_ENTERPRISE
                    staff: Staff -> SPE_E3 off:";
    let world = self::world("group Staff\nana: in Thin, from DE, SPE_E3", policies);
    assert_eq!(ask(&world, &world, &["Thin"]), Ok(()));
    assert!(ask(&world, &world, &[]).is_err());
    assert!(ask(&world, &world, &["Thin", "Staff"]).is_err());
    // Who says nothing of service plans has no say in them, known or not.
    let policies = "thin: Thin -> SPE_E3 off:EXCHANGE_S_ENTERPRISE
                    base: Hidden -> SPE_E3";
    let world = self::world("group Hidden hidden\nana: in Thin, from DE, SPE_E3", policies);
    assert_eq!(ask(&world, &world, &["Thin"]), Ok(()));
    // What no data hangs on needs no second question.
    let small = "small: Small -> no SPE_E3/YAMMER";
    let world = self::world("ana: in Small, from DE, SPE_E3", small);
    assert!(!SecondLook::is_needed(&world.plan().operations[0]));
}
