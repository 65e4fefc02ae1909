//! Grace: clocks that start once, stop, and come due.

use insta::assert_snapshot;

use crate::domain::span::Span;
use crate::plan::testing::{observed, world};

#[test]
fn leaving_waits_for_seven_days_unless_said_otherwise() {
    let policies = "staff: Staff -> SPE_E3";
    let left = world("group Staff\nana: SPE_E3 by:staff", policies);
    assert_snapshot!(left.text(), @"scheduled 2026-11-30 ana: -SPE_E3 (staff left)");
    assert_snapshot!(observed(&left.planned().observed), @"let go ana SPE_E3 staff");
    let almost = left.later("6d").later("23h");
    assert_snapshot!(almost.text(), @"scheduled 2026-11-30 ana: -SPE_E3 (staff left)");
    assert_snapshot!(almost.later("1h").text(), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn the_clock_of_leaving_is_not_restarted_by_seeing_it_again() {
    let mut world = world("group Staff\nana: SPE_E3 by:staff", "staff: Staff -> SPE_E3");
    for _ in 0..6 {
        world = world.later("1d");
    }
    assert_snapshot!(world.text(), @"scheduled 2026-11-30 ana: -SPE_E3 (staff left)");
    assert_snapshot!(world.later("1d").text(), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn the_clock_of_leaving_stops_when_the_user_comes_back() {
    let policies = "staff: Staff -> SPE_E3";
    let left = world("group Staff\nana: SPE_E3 by:staff", policies).later("6d");
    let back = left.but("ana: in Staff");
    assert_snapshot!(observed(&back.planned().observed), @"take back ana SPE_E3 staff");
    let mut left_again = back.later("30d");
    left_again.groups.clear();
    assert_snapshot!(left_again.but("group Staff").text(), @"scheduled 2027-01-05 ana: -SPE_E3 (staff left)");
}

#[test]
fn remove_and_replace_wait_only_where_they_say_so() {
    let tenant = "ana: disabled, SPE_E3
                  ben: in Up, SPE_E3";
    let policies = "leavers: disabled -> no all; grace 30d
                    up: Up -> SPE_E5 for SPE_E3; grace 3d";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @r"
        add ben: +SPE_E5 (up matched)
        scheduled 2026-12-23 ana: -SPE_E3 (leavers removed)
        scheduled 2026-11-26 ben: -SPE_E3 (up replaced)
    ");
    assert_snapshot!(observed(&world.planned().observed), @r"
        start ana SPE_E3 leavers
        start ben SPE_E3 up
        queue ben SPE_E5
    ");
    let later = world.later("3d");
    assert_snapshot!(later.text(), @r"
        replace ben: +SPE_E5 -SPE_E3 (up replaced, up matched)
        scheduled 2026-12-23 ana: -SPE_E3 (leavers removed)
    ");
    assert_snapshot!(later.later("27d").text(), @r"
        remove ana: -SPE_E3 risks mailbox risks files (leavers removed)
        replace ben: +SPE_E5 -SPE_E3 (up replaced, up matched)
    ");
}

#[test]
fn the_clock_of_a_removal_stops_when_its_reason_goes_away() {
    let policies = "leavers: disabled -> no all; grace 30d";
    let back = world("ana: enabled, SPE_E3 clock:leavers=29d", policies);
    assert_snapshot!(observed(&back.planned().observed), @"stop ana SPE_E3 leavers");
    let left_again = back.later("1d").but("ana: disabled");
    assert_snapshot!(left_again.text(), @"scheduled 2026-12-24 ana: -SPE_E3 (leavers removed)");
}

#[test]
fn of_two_reasons_the_earlier_one_decides() {
    let tenant = "group Staff
                  ana: disabled, SPE_E3 by:staff=1d clock:leavers=2d";
    let policies = "staff: Staff -> SPE_E3; grace 9d
                    leavers: disabled -> no SPE_E3; grace 3d";
    assert_snapshot!(world(tenant, policies).text(), @"scheduled 2026-11-24 ana: -SPE_E3 (leavers removed)");
}

#[test]
fn the_grace_of_the_settings_holds_where_the_policy_does_not_say() {
    let world = world("group Staff\nana: SPE_E3 by:staff=8d", "staff: Staff -> SPE_E3");
    assert_snapshot!(world.clone().set(|s| s.grace = Span::days(9)).text(), @"scheduled 2026-11-24 ana: -SPE_E3 (staff left)");
    assert_snapshot!(world.text(), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}
