//! Service plans.

use insta::assert_snapshot;

use crate::plan::testing::world;

#[test]
fn a_service_plan_is_on_if_any_policy_leaves_it_on() {
    let tenant = "ana: in Staff, in Sales";
    let policies = "staff: Staff -> SPE_E3 off:YAMMER+TEAMS1
                    sales: Sales -> SPE_E3 off:TEAMS1+EXCHANGE_S_ENTERPRISE";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +SPE_E3 off:TEAMS1 (sales matched, staff matched)");
}

#[test]
fn a_policy_that_says_nothing_has_no_say_in_service_plans() {
    let tenant = "ana: in Staff, in Sales
                  ben: in Staff, in Sales, SPE_E3 by:staff by:sales";
    let policies = "staff: Staff -> SPE_E3 off:YAMMER
                    sales: Sales -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +SPE_E3 off:YAMMER (sales matched, staff matched)
        modify ben: ~SPE_E3 off:YAMMER (sales matched, staff matched)
    ");
}

#[test]
fn an_existing_assignment_keeps_its_service_plans_and_a_new_one_has_all() {
    let tenant = "ana: in Staff, SPE_E3 off:YAMMER by:staff
                  ben: in Staff";
    let policies = "staff: Staff -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"add ben: +SPE_E3 (staff matched)");
}

#[test]
fn an_empty_list_switches_all_on() {
    let tenant = "ana: in Staff, SPE_E3 off:YAMMER+TEAMS1 by:staff";
    let policies = "staff: Staff -> SPE_E3 off:";
    assert_snapshot!(world(tenant, policies).text(), @"modify ana: ~SPE_E3 (staff matched)");
}

#[test]
fn enable_is_a_closed_list() {
    let tenant = "ana: in Staff
                  ben: in Staff, SPE_E3 off:YAMMER+SHAREPOINTENTERPRISE by:staff";
    let policies = "staff: Staff -> SPE_E3 on:EXCHANGE_S_ENTERPRISE+TEAMS1";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER (staff matched)");
}

#[test]
fn what_cannot_be_switched_per_user_is_no_drift() {
    let tenant = "ana: in Staff, SPE_E3 off:YAMMER+INTUNE by:staff
                  ben: in Staff, SPE_E3 off:INTUNE by:staff";
    let policies = "staff: Staff -> SPE_E3 off:YAMMER";
    assert_snapshot!(world(tenant, policies).text(), @"modify ben: ~SPE_E3 off:YAMMER (staff matched)");
}

#[test]
fn a_removed_service_plan_is_off_whoever_wants_it_on() {
    let policies = "staff: Staff -> SPE_E3 off:
                    quiet: Quiet -> no SPE_E3/YAMMER";
    assert_snapshot!(world("ana: in Staff, in Quiet\nben: in Staff, in Quiet, SPE_E3 by:staff", policies).text(), @r"
        add ana: +SPE_E3 off:YAMMER (staff matched)
        modify ben: ~SPE_E3 off:YAMMER (quiet removed, staff matched)
    ");
}

#[test]
fn a_star_takes_a_service_plan_out_of_any_sku_also_of_what_is_nobodys() {
    let tenant = "ana: in Quiet, SPE_E3, SPE_E5 off:YAMMER, VISIO";
    assert_snapshot!(world(tenant, "quiet: Quiet -> no */YAMMER").text(), @r"
        modify ana: ~SPE_E3 off:YAMMER (quiet removed)
        unmanaged 3
    ");
}

#[test]
fn a_removed_service_plan_leaves_the_others_as_they_are() {
    let tenant = "ana: in Quiet, SPE_E3 off:TEAMS1";
    assert_snapshot!(world(tenant, "quiet: Quiet -> no SPE_E3/YAMMER").text(), @r"
        modify ana: ~SPE_E3 off:TEAMS1+YAMMER (quiet removed)
        unmanaged 1
    ");
}

#[test]
fn a_removed_service_plan_waits_for_its_grace() {
    let policies = "quiet: Quiet -> no SPE_E3/YAMMER; grace 3d";
    let world = world("ana: in Quiet, SPE_E3", policies);
    assert_snapshot!(world.text(), @r"
        scheduled 2026-11-26 ana: -SPE_E3/YAMMER (quiet removed)
        unmanaged 1
    ");
    assert_snapshot!(world.later("3d").text(), @r"
        modify ana: ~SPE_E3 off:YAMMER (quiet removed)
        unmanaged 1
    ");
}

#[test]
fn a_service_plan_that_a_group_gives_cannot_be_taken_away() {
    let tenant = "group Lic\nana: in Quiet, SPE_E3 via:Lic";
    assert_snapshot!(world(tenant, "quiet: Quiet -> no */YAMMER").text(), @"blocked ana SPE_E3: comes from group Lic and cannot be removed from the user (quiet removed)");
}

#[test]
fn what_a_sku_gained_is_told_with_how_many_people_have_it_on() {
    let mut world = world("ana: SPE_E3\nben: SPE_E3 off:YAMMER", "");
    let sku = world.sku("SPE_E3").clone();
    let without = |name: &str| {
        sku.service_plans.iter().filter(|plan| &*plan.name != name).map(|plan| plan.id).collect()
    };
    world.ledger.seen.insert(sku.id, without("YAMMER"));
    let warnings = world.plan().warnings;
    assert_eq!(warnings[0].message, "SPE_E3 gained YAMMER, on for 1 person");
    world.observe();
    assert_eq!(world.plan().warnings, []);
}

#[test]
fn disable_makes_it_exactly_that_and_switches_the_others_on_again() {
    let tenant = "ana: in Staff, SPE_E3 off:TEAMS1 by:staff";
    let policies = "staff: Staff -> SPE_E3 off:YAMMER";
    assert_snapshot!(world(tenant, policies).text(), @"modify ana: ~SPE_E3 off:YAMMER (staff matched)");
}

#[test]
fn what_a_sku_gains_later_stays_off_where_enable_says_what_is_on() {
    let tenant = "ana: in Staff, SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER by:staff";
    let policies = "staff: Staff -> SPE_E3 on:EXCHANGE_S_ENTERPRISE+TEAMS1";
    let mut world = world(tenant, policies);
    assert_snapshot!(world.text(), @"nothing to do");
    let new = world.sku("SPE_E5").service_plans.iter().find(|plan| &*plan.name == "MCOEV").cloned();
    world.sku("SPE_E3").service_plans.push(new.unwrap());
    assert_snapshot!(world.text(), @r"
        modify ana: ~SPE_E3 off:MCOEV+SHAREPOINTENTERPRISE+YAMMER risks phone (staff matched)
        warning (): SPE_E3 gained MCOEV, on for 1 person
    ");
}
