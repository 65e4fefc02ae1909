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
