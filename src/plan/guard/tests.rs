use insta::assert_snapshot;

use crate::plan::testing::{World, world};
use crate::policy::settings::CountLimit;

fn limited(world: World, count: u64) -> World {
    world.set(|settings| settings.guards.max_removals.count = CountLimit::AtMost(count))
}

#[test]
fn a_license_that_only_goes_in_the_same_call_as_another_comes_is_no_swap() {
    let tenant = "ana: in Engineering, VISIO by:drawing=8d";
    let policies = "drawing: Drawing -> VISIO
                    eng: Engineering -> POWER_BI_PRO";
    let world = world(tenant, policies).but("group Drawing");
    assert_snapshot!(limited(world, 0).text(), @r"
        replace ana: +POWER_BI_PRO -VISIO (drawing left, eng matched) [held by max_removals]
        max_removals VISIO: 1 of 1 owned, limit 0
        max_removals tenant: 1 of 1 owned, limit 0
    ");
}

#[test]
fn a_swap_counts_only_when_data_is_at_risk() {
    let tenant = "ana: in Up, SPE_E3
                  ben: in Down, SPE_E3";
    let policies = "up: Up -> SPE_E5 for SPE_E3
                    down: Down -> POWER_BI_PRO for SPE_E3";
    assert_snapshot!(limited(world(tenant, policies), 0).text(), @r"
        replace ana: +SPE_E5 -SPE_E3 (up replaced, up matched)
        replace ben: +POWER_BI_PRO -SPE_E3 risks mailbox risks files (down matched, down replaced) [held by max_removals]
        max_removals SPE_E3: 1 of 0 owned, limit 0
        max_removals tenant: 1 of 0 owned, limit 0
    ");
}

#[test]
fn taking_one_license_where_the_other_is_there_already_is_no_swap() {
    let tenant = "ana: in Up, SPE_E3, SPE_E5 by:up";
    assert_snapshot!(limited(world(tenant, "up: Up -> SPE_E5 for SPE_E3"), 0).text(), @r"
        remove ana: -SPE_E3 (up replaced) [held by max_removals]
        max_removals SPE_E3: 1 of 0 owned, limit 0
        max_removals tenant: 1 of 1 owned, limit 0
    ");
}

#[test]
fn switching_a_service_plan_off_counts_when_data_is_at_risk() {
    let tenant = "ana: in Staff, SPE_E3 by:staff
                  ben: in Staff, SPE_E3 off:YAMMER by:staff
                  cem: in Staff, in More, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3 on:TEAMS1
                    more: More -> POWER_BI_PRO";
    assert_snapshot!(limited(world(tenant, policies), 0).text(), @r"
        modify ana: ~SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE risks mailbox risks files (staff matched) [held by max_removals]
        modify ben: ~SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE risks mailbox risks files (staff matched) [held by max_removals]
        add cem: +POWER_BI_PRO ~SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE risks mailbox risks files (more matched, staff matched) [held by max_removals]
        max_removals tenant: 3 of 3 owned, limit 0
    ");
}
