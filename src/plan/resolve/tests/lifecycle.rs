//! When policies apply: windows, names they had before, policies that are retired or gone.

use insta::assert_snapshot;

use crate::plan::testing::{observed, world};

#[test]
fn before_its_window_a_policy_matches_nobody() {
    let policies = "staff: Staff -> SPE_E3; from 2026-11-24";
    assert_snapshot!(world("ana: in Staff", policies).text(), @"nothing to do");
    assert_snapshot!(world("ana: in Staff", policies).later("15h").text(), @"add ana: +SPE_E3 (staff matched)");
}

#[test]
fn the_end_of_a_window_is_exclusive_and_what_the_policy_owns_goes_after_its_grace() {
    let policies = "staff: Staff -> SPE_E3; until 2026-11-24T09:00:00Z; grace 3d";
    let world = world("ana: in Staff, SPE_E3 by:staff", policies).later("23h");
    assert_snapshot!(world.text(), @"nothing to do");
    let world = world.later("1h");
    assert_snapshot!(world.text(), @"scheduled 2026-11-27 ana: -SPE_E3 (staff left)");
    assert_snapshot!(world.later("3d").text(), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn a_day_begins_in_the_configured_time_zone() {
    let policies = "staff: Staff -> SPE_E3; from 2026-11-24";
    let midnight_in_berlin = "14h";
    let world = world("ana: in Staff", policies)
        .set(|settings| settings.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    assert_snapshot!(world.clone().later("13h").text(), @"nothing to do");
    assert_snapshot!(world.later(midnight_in_berlin).text(), @"add ana: +SPE_E3 (staff matched)");
}

#[test]
fn a_policy_out_of_its_window_takes_nothing_away_by_name() {
    let policies = "leavers: disabled -> no all; from 2027-01-01";
    assert_snapshot!(world("ana: disabled, SPE_E3", policies).text(), @"unmanaged 1");
}

#[test]
fn what_a_retired_policy_owns_is_removed_after_its_grace() {
    let policies = "staff: Nowhere -> NO_SUCH_SKU; retired; grace 5d";
    let world = world("ana: SPE_E3 by:staff", policies);
    assert_snapshot!(world.text(), @"scheduled 2026-11-28 ana: -SPE_E3 (staff left)");
    assert_snapshot!(world.later("5d").text(), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn a_retired_policy_that_keeps_removes_nothing() {
    let policies = "staff: Staff -> SPE_E3; retired; keep";
    assert_snapshot!(world("group Staff\nana: SPE_E3 by:staff", policies).later("90d").text(), @"nothing to do");
}

#[test]
fn after_a_rename_the_ledger_follows() {
    let policies = "workers: Staff -> SPE_E3; moved from staff; grace 0";
    let stays = world("ana: in Staff, SPE_E3 by:staff", policies);
    assert_snapshot!(stays.text(), @"nothing to do");
    assert_snapshot!(observed(&stays.planned().observed), @"rename staff to workers");
    let leaves = world("group Staff\nana: SPE_E3 by:staff", policies);
    assert_snapshot!(leaves.text(), @"remove ana: -SPE_E3 risks mailbox risks files (workers left)");
}

#[test]
fn a_rename_keeps_the_time_since_when_somebody_had_left() {
    let tenant = "group Staff\nana: SPE_E3 by:staff=6d";
    let policies = "workers: Staff -> SPE_E3; moved from staff";
    assert_snapshot!(world(tenant, policies).text(), @"scheduled 2026-11-24 ana: -SPE_E3 (workers left)");
}

#[test]
fn a_policy_that_is_gone_releases_what_it_owned() {
    let world = world("ana: SPE_E3 by:gone", "");
    assert_snapshot!(world.text(), @"released ana: SPE_E3 of gone");
}

#[test]
fn on_leave_keep_leaves_it_to_who_left_and_to_nobody_else() {
    let tenant = "group Staff\nana: SPE_E3 by:staff=90d";
    let policies = "staff: Staff -> SPE_E3; keep";
    assert_snapshot!(world(tenant, policies).text(), @"nothing to do");
    let removed = format!("{policies}\nall: everyone -> no SPE_E3");
    assert_snapshot!(world(tenant, &removed).text(), @"remove ana: -SPE_E3 risks mailbox risks files (all removed)");
}
