//! What one policy does while another may want the same or the opposite.

use insta::assert_snapshot;

use crate::plan::testing::{observed, world};

#[test]
fn an_exchange_waits_while_a_policy_that_may_want_the_old_sku_cannot_be_told() {
    let world = world(
        "group Board hidden
         ana: in Engineering, SPE_E3",
        "board: Board -> SPE_E3
         up: Engineering -> SPE_E5 for SPE_E3",
    );
    assert_snapshot!(world.text(), @r"
        add ana: +SPE_E5 (up matched)
        blocked ana SPE_E3: stays, because a policy that owns or may want it could not be decided (up replaced)
        unknown board for 1: group Board cannot be told
    ");
}

#[test]
fn nothing_goes_that_a_policy_with_an_error_owns_whoever_asks_for_it() {
    let tenant = "ana: in Engineering, disabled, SPE_E3 by:sales, VISIO by:sales, SPE_E5";
    let policies = "sales: Nowhere -> SPE_E3, VISIO
                    up: Engineering -> SPE_E5 for SPE_E3
                    leavers: disabled -> no VISIO";
    assert_snapshot!(world(tenant, policies).text(), @r"
        adopt ana: SPE_E5 becomes up's (up matched)
        blocked ana SPE_E3: stays, because a policy that owns or may want it could not be decided (up replaced)
        blocked ana VISIO: stays, because a policy that owns or may want it could not be decided (leavers removed)
        left out sales (policies.yaml:1): unknown group `Nowhere`
    ");
}

#[test]
fn nothing_goes_that_is_owned_by_a_policy_that_cannot_be_told() {
    let tenant = "group Board hidden
                  ana: in Engineering, disabled, SPE_E3 by:board";
    let policies = "board: Board -> SPE_E3
                    leavers: disabled -> no all";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana SPE_E3: stays, because a policy that owns or may want it could not be decided (leavers removed)
        unknown board for 1: group Board cannot be told
    ");
}

#[test]
fn what_may_be_wanted_goes_all_the_same_where_a_policy_takes_it_away() {
    let tenant = "group Board hidden
                  ana: disabled, SPE_E3";
    let policies = "board: Board -> SPE_E3
                    leavers: disabled -> no SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        remove ana: -SPE_E3 risks mailbox risks files (leavers removed)
        unknown board for 1: group Board cannot be told
    ");
}

#[test]
fn nothing_is_exchanged_for_what_another_policy_may_take_away() {
    let tenant = "group Board hidden
                  ana: in Engineering, SPE_E3";
    let policies = "board: Board -> no SPE_E5
                    up: Engineering -> SPE_E5 for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +SPE_E5 (up matched)
        unknown board for 1: group Board cannot be told
        unmanaged 1
    ");
}

#[test]
fn nothing_is_exchanged_where_another_policy_may_want_another_location() {
    let tenant = "group Board hidden
                  ana: in Engineering, from nowhere, SPE_E3";
    let policies = "board: Board -> nothing; set FR
                    up: Engineering -> SPE_E5 for SPE_E3; set DE";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +SPE_E5 from nowhere to DE (up located, up matched)
        unknown board for 1: group Board cannot be told
        unmanaged 1
    ");
}

#[test]
fn a_clock_stops_while_another_policy_wants_the_license() {
    let tenant = "ana: in Engineering, in Sales, SPE_E3 clock:up=29d, SPE_E5";
    let policies = "sales: Sales -> SPE_E3
                    up: Engineering -> SPE_E5 for SPE_E3; grace 30d";
    assert_snapshot!(observed(&world(tenant, policies).planned().observed), @"stop ana SPE_E3 up");
    let wanted_for_long = world(tenant, policies).later("300d");
    let not_any_more = wanted_for_long.under("up: Engineering -> SPE_E5 for SPE_E3; grace 30d");
    assert_snapshot!(not_any_more.text(), @r"
        adopt ana: SPE_E5 becomes up's (up matched)
        scheduled 2027-10-19 ana: -SPE_E3 (up replaced)
    ");
}

#[test]
fn a_policy_that_cannot_be_told_switches_nothing_on() {
    let tenant = "group Board hidden
                  ana: in Staff, SPE_E3 off:YAMMER direct via:Sales by:staff";
    let policies = "board: Board -> SPE_E3 off:
                    staff: Staff -> SPE_E3 off:YAMMER";
    assert_snapshot!(world(tenant, policies).text(), @"unknown board for 1: group Board cannot be told");
}

#[test]
fn a_license_that_another_policy_takes_away_is_not_told_as_released() {
    let tenant = "ana: disabled, SPE_E3 by:gone, VISIO by:gone";
    let policies = "leavers: disabled -> no SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        remove ana: -SPE_E3 risks mailbox risks files (leavers removed)
        released ana: VISIO of gone
    ");
}

#[test]
fn a_location_that_cannot_be_read_is_told_where_a_policy_would_set_it() {
    let tenant = "ana: from ?
                  ben: from ?, in Staff";
    let policies = "place: Staff -> nothing; set DE";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ben: Graph did not return the user's usage location (place located)");
}

#[test]
fn what_another_policy_takes_away_is_not_waited_for_in_an_exchange() {
    let tenant = "ana: in Staff, SPE_E5 by:staff";
    let policies = "staff: Staff -> SPE_E3, POWER_BI_PRO
                    no-e3: Staff -> no SPE_E3";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @"replace ana: +POWER_BI_PRO -SPE_E5 risks mailbox risks files risks phone (staff matched, staff exchanged)");
    assert_snapshot!(world.carry_out(&world.planned()).text(), @"nothing to do");
}

#[test]
fn nothing_is_exchanged_for_a_rung_while_a_higher_one_may_be_wanted() {
    let tenant = "ana: in Staff, synced?, SPE_E3, VISIO by:staff";
    let policies = "staff: Staff -> SPE_E3\neng: synced -> SPE_E5\nladder suite: SPE_E5 > SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        adopt ana: SPE_E3 becomes staff's (staff matched)
        unknown eng for 1: synced from on-premises cannot be told
    ");
}

#[test]
fn no_rung_is_left_while_another_may_be_wanted_in_its_place() {
    let tenant = "group Staff\nana: synced?, SPE_E3 by:staff=30d";
    let policies = "staff: Staff -> SPE_E3\neng: synced -> SPE_E5\nladder suite: SPE_E5 > SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana SPE_E3: stays, because a policy that owns or may want it could not be decided (staff left)
        unknown eng for 1: synced from on-premises cannot be told
    ");
    let lower = "staff: Staff -> SPE_E5\neng: synced -> SPE_E3\nladder suite: SPE_E5 > SPE_E3";
    let tenant = tenant.replace("SPE_E3", "SPE_E5");
    assert_snapshot!(world(&tenant, lower).text(), @r"
        blocked ana SPE_E5: stays, because a policy that owns or may want it could not be decided (staff left)
        unknown eng for 1: synced from on-premises cannot be told
    ");
}
