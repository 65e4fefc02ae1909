//! Inherited assignments, and those of unknown source.

use insta::assert_snapshot;

use crate::plan::testing::world;
use crate::policy::settings::InheritedRule;

#[test]
fn an_inherited_license_satisfies() {
    let tenant = "group Sales
                  ana: in Staff, SPE_E3 via:Sales
                  ben: in Staff, SPE_E3 via:Sales/YAMMER";
    let policies = "staff: Staff -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"nothing to do");
}

#[test]
fn an_inherited_license_without_a_wanted_service_plan_does_not_satisfy() {
    let tenant = "group Sales
                  ana: in Staff, SPE_E3 via:Sales/YAMMER
                  ben: in Staff, SPE_E3 via:Sales/TEAMS1";
    let policies = "staff: Staff -> SPE_E3 off:TEAMS1";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +SPE_E3 off:TEAMS1 (staff matched)");
}

#[test]
fn inherited_can_be_ignored() {
    let tenant = "group Sales
                  seats SPE_E3 1
                  ana: in Staff, SPE_E3 via:Sales";
    let world = world(tenant, "staff: Staff -> SPE_E3");
    let world = world.set(|settings| settings.inherited = InheritedRule::Ignore);
    assert_snapshot!(world.text(), @"add ana: +SPE_E3 (staff matched)");
    assert_snapshot!(world.carry_out(&world.planned()).text(), @"nothing to do");
}

#[test]
fn an_inherited_license_is_never_removed() {
    let tenant = "group Sales
                  group Ops
                  ana: disabled, SPE_E3 via:Sales via:Ops";
    let policies = "leavers: disabled -> no SPE_E3, VISIO";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ana SPE_E3: comes from group Ops, Sales and cannot be removed from the user (leavers removed)");
}

#[test]
fn of_what_is_held_directly_and_inherited_only_the_direct_part_goes() {
    let tenant = "group Sales
                  ana: disabled, SPE_E3 direct via:Sales/YAMMER";
    let policies = "leavers: disabled -> no SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"remove ana: -SPE_E3 (leavers removed)");
}

#[test]
fn an_assignment_of_unknown_source_is_neither_removed_nor_adopted() {
    let tenant = "ana: disabled, SPE_E3 unsourced, VISIO unsourced by:staff
                  ben: in Staff, VISIO unsourced";
    let policies = "leavers: disabled -> no SPE_E3
                    staff: Staff -> VISIO";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ana SPE_E3: Graph does not say where the assignment comes from (leavers removed)");
}

#[test]
fn an_assignment_of_unknown_source_that_lacks_something_is_blocked() {
    let tenant = "ana: in Staff, SPE_E3 unsourced off:YAMMER";
    let policies = "staff: Staff -> SPE_E3 off:";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ana SPE_E3: Graph does not say where the assignment comes from (staff matched)");
}
