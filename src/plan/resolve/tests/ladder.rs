//! On a ladder a user holds one rung: the highest wanted.

use insta::assert_snapshot;

use crate::plan::testing::{observed, world};

const LADDER: &str = "eng: Eng -> SPE_E5
                      staff: Staff -> SPE_E3
                      ladder suite: SPE_E5 > SPE_E3 > SPE_F1";

#[test]
fn of_several_wanted_rungs_the_highest_is_granted() {
    let tenant = "group Eng\ngroup Staff\nana: in Eng, in Staff\nben: in Staff";
    assert_snapshot!(world(tenant, LADDER).text(), @r"
        add ana: +SPE_E5 (eng matched)
        add ben: +SPE_E3 (staff matched)
    ");
}

#[test]
fn every_lower_rung_held_directly_goes_in_the_same_call_whoever_assigned_it() {
    let tenant = "group Staff\nana: in Eng, SPE_E3, SPE_F1 by:other";
    assert_snapshot!(world(tenant, LADDER).text(), @"replace ana: +SPE_E5 -SPE_E3 -SPE_F1 (eng outranked, eng matched, eng outranked)");
}

#[test]
fn a_lower_rung_goes_although_the_higher_one_is_there_already() {
    let tenant = "ana: in Eng, in Staff, SPE_E5 by:eng, SPE_E3 by:staff";
    assert_snapshot!(world(tenant, LADDER).text(), @"remove ana: -SPE_E3 (eng outranked)");
}

#[test]
fn a_higher_rung_that_nobody_owns_stays_and_stands_for_the_wanted_one() {
    let tenant = "group Eng\nana: in Staff, SPE_E5\nben: in Staff, SPE_E5, SPE_E3";
    assert_snapshot!(world(tenant, LADDER).text(), @r"
        adopt ben: SPE_E3 becomes staff's (staff matched)
        unmanaged 2
    ");
}

#[test]
fn who_leaves_the_higher_rung_steps_down_at_once_and_in_one_call() {
    let tenant = "group Eng\nana: in Staff, SPE_E5 by:eng";
    assert_snapshot!(world(tenant, LADDER).text(), @"replace ana: +SPE_E3 -SPE_E5 risks phone (staff matched, staff steppeddown)");
}

#[test]
fn nobody_steps_down_while_there_is_no_seat_on_the_lower_rung() {
    let tenant = "group Eng\nana: in Staff, SPE_E5 by:eng=30d\nseats SPE_E3 0";
    assert_snapshot!(world(tenant, LADDER).text(), @"waiting 1 for SPE_E3: ana (staff matched)");
}

#[test]
fn a_higher_rung_whose_policy_keeps_it_stands_for_the_wanted_one() {
    let tenant = "group Eng\nana: in Staff, SPE_E5 by:eng";
    let policies = LADDER.replace("eng: Eng -> SPE_E5", "eng: Eng -> SPE_E5; keep");
    assert_snapshot!(world(tenant, &policies).text(), @"nothing to do");
}

#[test]
fn a_rung_that_a_policy_takes_away_now_is_left_for_a_lower_one() {
    let tenant = "group Eng\nana: in Staff, disabled, SPE_E5";
    let policies = format!("{LADDER}\nleavers: disabled -> no SPE_E5");
    assert_snapshot!(world(tenant, &policies).text(), @"replace ana: +SPE_E3 -SPE_E5 risks phone (leavers removed, staff matched)");
}

#[test]
fn a_rung_that_will_be_taken_away_takes_no_lower_one_along() {
    let tenant = "group Eng\nana: in Staff, disabled, SPE_E5, SPE_E3 by:staff";
    let policies = format!("{LADDER}\nleavers: disabled -> no SPE_E5; grace 5d");
    assert_snapshot!(world(tenant, &policies).text(), @"scheduled 2026-11-28 ana: -SPE_E5 (leavers removed)");
}

#[test]
fn a_rung_that_is_inherited_stands_for_lower_ones() {
    let tenant = "group Eng\ngroup Lic\nana: in Staff, SPE_E5 via:Lic, SPE_E3";
    assert_snapshot!(world(tenant, LADDER).text(), @"adopt ana: SPE_E3 becomes staff's (staff matched)");
}

#[test]
fn what_cannot_be_told_of_a_higher_rung_takes_no_lower_one_along() {
    let tenant = "group Eng hidden\nana: in Staff, SPE_E5 by:eng, SPE_E3 by:staff";
    assert_snapshot!(world(tenant, LADDER).text(), @"unknown eng for 1: group Eng cannot be told");
}

#[test]
fn who_waits_for_a_rung_keeps_the_rung_held() {
    let tenant = "group Staff\nana: in Eng, SPE_F1\nseats SPE_E5 0";
    assert_snapshot!(world(tenant, LADDER).text(), @"waiting 1 for SPE_E5: ana with SPE_F1 (eng matched)");
}

#[test]
fn a_ladder_that_falls_back_gives_the_next_lower_rung_with_a_free_seat_meanwhile() {
    let tenant = "group Staff\nana: in Eng\nben: in Eng, SPE_F1\nseats SPE_E5 0\nseats SPE_E3 1";
    let policies = format!("{LADDER}; fall back");
    let world = world(tenant, &policies);
    assert_snapshot!(world.text(), @r"
        add ana: +SPE_E3 (eng matched)
        waiting 1 for SPE_E5: ana with SPE_E3 (eng matched)
        waiting 2 for SPE_E5: ben with SPE_F1 (eng matched)
    ");
    let after = world.carry_out(&world.planned());
    assert_snapshot!(after.text(), @r"
        waiting 1 for SPE_E5: ana with SPE_E3 (eng matched)
        waiting 2 for SPE_E5: ben with SPE_F1 (eng matched)
    ");
}

#[test]
fn who_took_a_lower_rung_meanwhile_moves_up_when_a_seat_is_free() {
    let tenant = "group Staff\nana: in Eng, SPE_E3 by:eng waits:3d";
    let policies = format!("{LADDER}; fall back");
    assert_snapshot!(world(tenant, &policies).text(), @"replace ana: +SPE_E5 -SPE_E3 (eng outranked, eng matched)");
}

#[test]
fn who_leaves_while_on_a_lower_rung_has_the_whole_grace() {
    let tenant = "group Eng\ngroup Staff\nana: SPE_E3 by:eng";
    let policies = format!("{LADDER}; fall back");
    assert_snapshot!(world(tenant, &policies).text(), @"scheduled 2026-11-30 ana: -SPE_E3 (eng left)");
}

#[test]
fn a_ladder_with_an_unknown_rung_takes_no_part() {
    let tenant = "group Eng\nana: in Staff, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3\nladder suite: SPE_E5 > SPE_E33";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @"warning (policies.yaml:2): unknown SKU `SPE_E33`; the ladder takes no part");
    assert_eq!(world.planned().problems.len(), 1);
}

#[test]
fn who_is_given_a_seat_keeps_it_when_it_is_planned_again() {
    let world = world("ana: in Eng\nben: in Eng\nseats SPE_E5 1", "eng: Eng -> SPE_E5");
    assert_snapshot!(world.text(), @r"
        add ana: +SPE_E5 (eng matched)
        waiting 1 for SPE_E5: ben (eng matched)
    ");
    assert_eq!(world.clone().later("1d").text(), world.text());
}

#[test]
fn who_waits_is_in_the_queue_since_the_first_plan_that_saw_the_need() {
    let tenant = "ana: in Eng\nben: in Eng\nseats SPE_E5 1";
    let world = world(tenant, "eng: Eng -> SPE_E5");
    assert_snapshot!(observed(&world.planned().observed), @r"
        queue ana SPE_E5
        queue ben SPE_E5
    ");
    let later = world.but("seats SPE_E5 0").later("1d").but("aaa: in Eng\nseats SPE_E5 1");
    assert_snapshot!(later.text(), @r"
        add ana: +SPE_E5 (eng matched)
        waiting 1 for SPE_E5: ben (eng matched)
        waiting 2 for SPE_E5: aaa (eng matched)
    ");
    let gone = later.later("1d").but("ben: ").under("");
    assert_snapshot!(observed(&gone.planned().observed), @r"
        unqueue aaa SPE_E5
        unqueue ana SPE_E5
        unqueue ben SPE_E5
    ");
}

#[test]
fn below_a_rung_that_stays_nothing_is_added_to_what_a_group_gives() {
    let tenant = "group Eng\ngroup Sales\nana: in Staff, SPE_E5, SPE_E3 via:Sales/YAMMER";
    let policies = LADDER.replace("Staff -> SPE_E3", "Staff -> SPE_E3 off:TEAMS1");
    assert_snapshot!(world(tenant, &policies).text(), @"unmanaged 1");
}

#[test]
fn a_rung_that_a_group_gives_too_does_not_step_down() {
    let tenant = "group Eng\ngroup Sales\nana: in Staff, SPE_E5 by:eng=30d via:Sales";
    assert_snapshot!(world(tenant, LADDER).text(), @"nothing to do");
}

#[test]
fn a_lower_rung_goes_although_a_service_plan_of_the_wanted_one_cannot_be_taken_away() {
    let tenant = "group Eng\ngroup Sales\nana: in Staff, SPE_E3 by:staff via:Sales, SPE_F1";
    let policies = format!("{LADDER}\nno-teams: Staff -> no SPE_E3/TEAMS1");
    assert_snapshot!(world(tenant, &policies).text(), @r"
        remove ana: -SPE_F1 (staff outranked)
        blocked ana SPE_E3: comes from group Sales and cannot be removed from the user (no-teams removed)
    ");
}

#[test]
fn a_rung_that_stands_for_what_is_wanted_instead_is_not_exchanged_for_it() {
    let tenant = "ana: in Staff, SPE_E5 by:staff";
    let policies = "staff: Staff -> SPE_E3, VISIO; keep\nladder suite: SPE_E5 > SPE_E3 > SPE_F1";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +VISIO (staff matched)");
}

#[test]
fn who_steps_down_and_waits_takes_no_lower_rung_beside_the_one_that_is_held() {
    let tenant = "group Eng\nana: in Staff, SPE_E5 by:eng\nseats SPE_E3 0";
    let policies = format!("{LADDER}; fall back");
    assert_snapshot!(world(tenant, &policies).text(), @"waiting 1 for SPE_E3: ana (staff matched)");
}
