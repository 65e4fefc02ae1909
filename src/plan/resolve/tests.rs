//! What design calls the three rules, the ledger, grace, service plans, inheritance and locations.

use insta::assert_snapshot;

use crate::domain::span::Span;
use crate::plan::testing::{observed, user_id, world};
use crate::policy::settings::InheritedRule;

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

// What a user should have: three rules.

#[test]
fn wanted_is_the_union_of_what_policies_grant() {
    let tenant = "ana: in Staff, in Sales";
    let policies = "staff: Staff -> SPE_E3
                    sales: Sales -> SPE_E3, POWER_BI_PRO
                    up: Sales -> VISIO for SPE_F1";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +POWER_BI_PRO +SPE_E3 +VISIO (sales matched, staff matched, up matched)");
}

#[test]
fn remove_beats_add() {
    let tenant = "ana: in Staff, disabled, POWER_BI_PRO";
    let policies = "staff: Staff -> SPE_E3, POWER_BI_PRO, VISIO
                    leavers: disabled -> no SPE_E3, POWER_BI_PRO";
    assert_snapshot!(world(tenant, policies).text(), @"replace ana: +VISIO -POWER_BI_PRO (leavers removed, staff matched)");
}

#[test]
fn remove_all_takes_every_direct_assignment() {
    let tenant = "group Sales
                  ana: disabled, SPE_E3, VISIO by:drawing, SPE_E5 via:Sales, POWER_BI_PRO direct via:Sales";
    let policies = "leavers: disabled -> no all";
    assert_snapshot!(world(tenant, policies).text(), @"remove ana: -POWER_BI_PRO -SPE_E3 -VISIO (leavers removed)");
}

#[test]
fn remove_takes_whoever_assigned_it() {
    let tenant = "ana: disabled, SPE_E3, VISIO by:other, POWER_BI_PRO";
    let policies = "leavers: disabled -> no SPE_E3, VISIO
                    other: user:ana@contoso.com and enabled -> VISIO; grace 90d";
    assert_snapshot!(world(tenant, policies).text(), @r"
        remove ana: -SPE_E3 -VISIO risks mailbox risks files (leavers removed)
        unmanaged 1
    ");
}

#[test]
fn replace_takes_what_it_lists_in_the_same_call() {
    let tenant = "ana: in Up, SPE_E3, VISIO";
    let policies = "up: Up -> SPE_E5 for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        replace ana: +SPE_E5 -SPE_E3 (up replaced, up matched)
        unmanaged 1
    ");
}

#[test]
fn replace_all_takes_every_other_direct_assignment() {
    let tenant = "group Sales
                  ana: in Up, SPE_E3, VISIO, SPE_F1 via:Sales";
    let policies = "up: Up -> SPE_E5 for all";
    assert_snapshot!(world(tenant, policies).text(), @"replace ana: +SPE_E5 -SPE_E3 -VISIO (up replaced, up matched, up replaced)");
}

#[test]
fn what_another_policy_wants_is_not_replaced() {
    let tenant = "ana: in Up, SPE_E3, VISIO";
    let policies = "up: Up -> SPE_E5 for all
                    drawing: Up -> VISIO";
    assert_snapshot!(world(tenant, policies).text(), @"replace ana: +SPE_E5 -SPE_E3 VISIO becomes drawing's (drawing matched, up replaced, up matched)");
}

#[test]
fn nothing_is_replaced_while_what_it_grants_has_no_seat() {
    let tenant = "seats SPE_E5 0
                  ana: in Up, SPE_E3";
    let policies = "up: Up -> SPE_E5 for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"waiting 1 for SPE_E5: ana (up matched)");
}

#[test]
fn nothing_is_replaced_while_a_part_of_what_it_grants_has_no_seat() {
    let tenant = "seats POWER_BI_PRO 0
                  ana: in Up, SPE_E3";
    let policies = "up: Up -> SPE_E5, POWER_BI_PRO for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +SPE_E5 (up matched)
        waiting 1 for POWER_BI_PRO: ana (up matched)
    ");
}

#[test]
fn nothing_is_replaced_while_what_it_grants_is_blocked() {
    let tenant = "ana: in Up, from nowhere, SPE_E3
                  ben: in Lost, SPE_E3";
    let policies = "up: Up -> SPE_E5 for SPE_E3
                    lost: Lost -> SUSPENDED for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana SPE_E5: needs a usage location, and no policy gives one (up matched)
        blocked ben SUSPENDED: the subscription is suspended or deleted: nobody can be given it (lost matched)
        unmanaged 2
    ");
}

#[test]
fn nothing_is_replaced_by_what_another_policy_takes_away() {
    let tenant = "ana: in Up, SPE_E3";
    let policies = "up: Up -> SPE_E5 for SPE_E3
                    none: Up -> no SPE_E5";
    assert_snapshot!(world(tenant, policies).text(), @"unmanaged 1");
}

#[test]
fn nobodys_assignment_is_left_alone_and_counted() {
    let tenant = "ana: in Staff, SPE_E3, VISIO";
    let policies = "staff: Staff -> POWER_BI_PRO";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +POWER_BI_PRO (staff matched)
        unmanaged 2
    ");
}

// The ledger: adopting, letting go, keeping, releasing.

#[test]
fn what_is_wanted_and_there_already_is_adopted() {
    let tenant = "ana: in Staff, SPE_E3
                  ben: in Staff, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"adopt ana: SPE_E3 becomes staff's (staff matched)");
}

#[test]
fn adopting_comes_along_with_whatever_else_is_done() {
    let tenant = "ana: in Staff, SPE_E3";
    let policies = "staff: Staff -> SPE_E3, VISIO";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +VISIO SPE_E3 becomes staff's (staff matched)");
}

#[test]
fn a_further_owner_adopts_beside_the_first() {
    let tenant = "ana: in Staff, in Sales, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3
                    sales: Sales -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"adopt ana: SPE_E3 becomes sales's (sales matched)");
}

#[test]
fn what_was_never_adopted_or_granted_is_not_removed_on_leaving() {
    let tenant = "group Staff
                  ana: SPE_E3";
    let policies = "staff: Staff -> SPE_E3; grace 0";
    assert_snapshot!(world(tenant, policies).text(), @"unmanaged 1");
}

#[test]
fn an_assignment_stays_while_one_of_its_owners_wants_it() {
    let tenant = "group Sales
                  ana: in Staff, SPE_E3 by:staff by:sales=90d";
    let policies = "staff: Staff -> SPE_E3
                    sales: Sales -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"nothing to do");
}

#[test]
fn the_last_owner_to_let_go_decides_with_its_own_grace() {
    let tenant = "group Sales
                  group Staff
                  ana: SPE_E3 by:staff=9d by:sales=1d";
    let policies = "staff: Staff -> SPE_E3; grace 0
                    sales: Sales -> SPE_E3; grace 5d";
    assert_snapshot!(world(tenant, policies).text(), @"scheduled 2026-11-27 ana: -SPE_E3 (sales left)");
}

#[test]
fn the_last_owner_to_let_go_may_keep() {
    let tenant = "group Sales
                  group Staff
                  ana: SPE_E3 by:staff=90d by:sales=1d
                  ben: SPE_E3 by:staff=1d by:sales=90d";
    let policies = "staff: Staff -> SPE_E3; grace 0
                    sales: Sales -> SPE_E3; keep";
    assert_snapshot!(world(tenant, policies).text(), @"remove ben: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn let_go_by_several_at_once_keep_wins() {
    let tenant = "group Sales
                  group Staff
                  ana: SPE_E3 by:staff=90d by:sales=90d";
    let policies = "staff: Staff -> SPE_E3; grace 0
                    sales: Sales -> SPE_E3; keep";
    assert_snapshot!(world(tenant, policies).text(), @"nothing to do");
}

#[test]
fn let_go_by_several_at_once_the_longest_grace_holds() {
    let tenant = "group Sales
                  group Staff
                  ana: SPE_E3 by:staff=9d by:sales=9d";
    let policies = "staff: Staff -> SPE_E3; grace 0
                    sales: Sales -> SPE_E3; grace 30d";
    assert_snapshot!(world(tenant, policies).text(), @"scheduled 2026-12-14 ana: -SPE_E3 (sales left, staff left)");
}

#[test]
fn a_policy_that_is_gone_from_the_files_releases() {
    let tenant = "ana: SPE_E3 by:gone, VISIO by:gone=90d";
    let policies = "staff: everyone -> nothing";
    assert_snapshot!(world(tenant, policies).text(), @r"
        released ana: SPE_E3 of gone
        released ana: VISIO of gone
    ");
}

#[test]
fn what_one_owner_releases_the_other_does_not_take() {
    let tenant = "group Staff
                  ana: SPE_E3 by:gone by:staff=90d";
    let policies = "staff: Staff -> SPE_E3; grace 0";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @"released ana: SPE_E3 of gone");
    // Nor in the cycle after, when nobody owns it any more.
    assert_snapshot!(world.carry_out(&world.planned()).text(), @"unmanaged 1");
}

#[test]
fn what_is_released_is_still_replaced_by_name() {
    let tenant = "ana: in Up, SPE_E3 by:gone";
    let policies = "up: Up -> SPE_E5 for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"replace ana: +SPE_E5 -SPE_E3 (up replaced, up matched)");
}

#[test]
fn a_policy_for_another_tenant_matches_nobody_here() {
    let tenant = "ana: in Staff, SPE_E3 by:staff=8d
                  ben: in Staff";
    let policies = "staff: Staff -> SPE_E3; tenant fabrikam";
    assert_snapshot!(world(tenant, policies).text(), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn a_policy_that_grants_another_sku_to_the_same_user_exchanges_at_once() {
    let tenant = "ana: in Staff, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E5; grace 90d; keep";
    assert_snapshot!(world(tenant, policies).text(), @"replace ana: +SPE_E5 -SPE_E3 (staff exchanged, staff matched)");
}

#[test]
fn nothing_is_exchanged_while_the_new_one_has_no_seat() {
    let tenant = "seats SPE_E5 0
                  ana: in Staff, SPE_E3 by:staff=90d";
    let policies = "staff: Staff -> SPE_E5";
    assert_snapshot!(world(tenant, policies).text(), @"waiting 1 for SPE_E5: ana (staff matched)");
}

#[test]
fn nothing_is_exchanged_while_the_new_one_is_blocked() {
    let tenant = "ana: in Staff, from nowhere, SPE_E3 by:staff=90d";
    let policies = "staff: Staff -> SPE_E5";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ana SPE_E5: needs a usage location, and no policy gives one (staff matched)");
}

#[test]
fn a_policy_that_grants_one_sku_less_lets_go_with_grace() {
    let tenant = "ana: in Staff, SPE_E3 by:staff, VISIO by:staff";
    let policies = "staff: Staff -> SPE_E3; grace 30d";
    assert_snapshot!(world(tenant, policies).text(), @"scheduled 2026-12-23 ana: -VISIO (staff left)");
}

#[test]
fn what_is_gone_already_is_forgotten() {
    let tenant = "group Staff
                  ana: lost SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3";
    assert_snapshot!(observed(&world(tenant, policies).planned().observed), @r"
        let go ana SPE_E3 staff
        forget ana SPE_E3
    ");
    assert_snapshot!(world(tenant, policies).text(), @"nothing to do");
}

#[test]
fn what_somebody_took_away_by_hand_comes_back() {
    let tenant = "ana: in Staff, lost SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3";
    assert_snapshot!(observed(&world(tenant, policies).planned().observed), @"nothing");
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +SPE_E3 (staff matched)");
}

// Grace: clocks that start once, stop, and come due.

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

// Service plans.

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

// Inherited assignments, and those of unknown source.

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

// The usage location.

#[test]
fn set_makes_it_so() {
    let tenant = "ana: in Staff, from FR
                  ben: in Staff, from nowhere
                  cem: in Staff, from DE";
    let policies = "place: Staff -> nothing; set DE";
    assert_snapshot!(world(tenant, policies).text(), @r"
        locate ana: from FR to DE (place located)
        locate ben: from nowhere to DE (place located)
    ");
}

#[test]
fn default_fills_what_is_empty() {
    let tenant = "ana: in Staff, from FR
                  ben: in Staff, from nowhere";
    let policies = "place: Staff -> nothing; default DE";
    assert_snapshot!(world(tenant, policies).text(), @"locate ben: from nowhere to DE (place located)");
}

#[test]
fn who_needs_a_license_and_has_no_location_is_blocked() {
    let tenant = "ana: in Staff, from nowhere
                  ben: in Staff, from nowhere, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3 off:YAMMER";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana SPE_E3: needs a usage location, and no policy gives one (staff matched)
        blocked ben SPE_E3: needs a usage location, and no policy gives one (staff matched)
    ");
}

#[test]
fn a_location_comes_with_the_license_that_needs_it() {
    let tenant = "ana: in Staff, from nowhere";
    let policies = "staff: Staff -> SPE_E3; default DE";
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +SPE_E3 from nowhere to DE (staff located, staff matched)");
}

#[test]
fn two_policies_that_want_different_locations_block_the_user() {
    let tenant = "ana: in Staff, in Sales";
    let policies = "staff: Staff -> SPE_E3; set DE
                    sales: Sales -> nothing; set FR";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana: policies want different usage locations (sales located, staff located)
        blocked ana SPE_E3: policies want different usage locations (staff matched)
    ");
}

#[test]
fn two_policies_that_want_the_same_location_agree() {
    let tenant = "ana: in Staff, in Sales, from nowhere";
    let policies = "staff: Staff -> nothing; set DE
                    sales: Sales -> nothing; default DE";
    assert_snapshot!(world(tenant, policies).text(), @"locate ana: from nowhere to DE (sales located, staff located)");
}

#[test]
fn a_location_that_cannot_be_read_blocks_what_needs_one() {
    let tenant = "ana: in Staff, from ?, VISIO by:left=90d";
    let policies = "staff: Staff -> SPE_E3
                    left: disabled -> VISIO";
    assert_snapshot!(world(tenant, policies).text(), @r"
        remove ana: -VISIO (left left)
        blocked ana SPE_E3: Graph did not return the user's usage location (staff matched)
    ");
}

#[test]
fn a_policy_whose_every_license_is_taken_away_has_no_say_in_the_location() {
    let tenant = "ana: in Staff, disabled, from nowhere";
    let policies = "staff: Staff -> SPE_E3; set DE
                    leavers: disabled -> no all";
    assert_snapshot!(world(tenant, policies).text(), @"nothing to do");
}

// Whom nothing touches, and what cannot be read.

#[test]
fn protected_users_and_members_of_protected_groups_are_never_touched() {
    let tenant = "ana: disabled, SPE_E3 by:staff=90d
                  ben: disabled, below Vault, SPE_E3
                  cem: disabled, SPE_E3
                  dee: disabled, from nowhere";
    let policies = "leavers: disabled -> no all
                    staff: enabled -> SPE_E3
                    place: everyone -> VISIO; set FR";
    let world = world(tenant, policies);
    let world = world.protecting(&["ANA@contoso.com", &user_id("dee").to_string()], &["vault"]);
    assert_snapshot!(world.text(), @"remove cem: -SPE_E3 risks mailbox risks files (leavers removed)");
    assert_snapshot!(observed(&world.planned().observed), @"nothing");
}

#[test]
fn licenses_that_cannot_be_read_block_the_user() {
    let tenant = "ana: in Staff, licenses ?
                  ben: licenses ?";
    let policies = "staff: Staff -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ana: Graph did not return the user's licenses (staff matched)");
}

#[test]
fn a_sku_that_nobody_can_be_given_is_blocked() {
    let tenant = "ana: in Staff
                  ben: in Staff, SUSPENDED";
    let policies = "staff: Staff -> SUSPENDED";
    assert_snapshot!(world(tenant, policies).text(), @r"
        adopt ben: SUSPENDED becomes staff's (staff matched)
        blocked ana SUSPENDED: the subscription is suspended or deleted: nobody can be given it (staff matched)
    ");
}

#[test]
fn a_policy_with_an_error_takes_no_part_and_nothing_that_it_owns_is_removed() {
    let tenant = "ana: SPE_E3 by:staff=90d
                  ben: SPE_E3";
    let policies = "staff: Nowhere -> SPE_E3; grace 0";
    assert_snapshot!(world(tenant, policies).text(), @r"
        left out staff (policies.yaml:1): unknown group `Nowhere`
        unmanaged 1
    ");
}

#[test]
fn a_hidden_group_neither_grants_nor_takes_away() {
    let tenant = "group Board hidden
                  ana: in Board
                  ben: SPE_E3 by:board=90d
                  cem: VISIO";
    let policies = "board: Board -> SPE_E3; grace 0
                    none: Board -> no VISIO";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +SPE_E3 (board matched)
        unknown board for 2: group Board cannot be told
        unknown none for 2: group Board cannot be told
        unmanaged 1
    ");
}

#[test]
fn what_is_there_but_cannot_be_changed_is_adopted_and_nothing_is_exchanged_for_it() {
    let tenant = "ana: in Staff, from nowhere, SPE_E5, VISIO by:staff";
    let world = world(tenant, "staff: Staff -> SPE_E5 off:YAMMER");
    assert_snapshot!(world.text(), @r"
        adopt ana: SPE_E5 becomes staff's (staff matched)
        blocked ana SPE_E5: needs a usage location, and no policy gives one (staff matched)
        scheduled 2026-11-30 ana: -VISIO (staff left)
    ");
    assert_snapshot!(world.carry_out(&world.planned()).text(), @r"
        blocked ana SPE_E5: needs a usage location, and no policy gives one (staff matched)
        scheduled 2026-11-30 ana: -VISIO (staff left)
    ");
}

#[test]
fn what_is_released_stays_owned_by_a_policy_that_cannot_be_told() {
    let tenant = "group Board hidden\nana: SPE_E3 by:gone by:board=90d";
    assert_snapshot!(world(tenant, "board: Board -> SPE_E3").text(), @r"
        released ana: SPE_E3 of gone, others want it
        unknown board for 1: group Board cannot be told
    ");
}

#[test]
fn what_the_ledger_says_of_somebody_who_is_gone_is_nobody_elses() {
    let policies = "staff: Staff -> SPE_E3; grace 0";
    let mut later = world("group Staff\nana: SPE_E3 by:staff=9d\nben: SPE_E3", policies);
    later.users.retain(|user| user.principal_name.starts_with("ben"));
    assert_snapshot!(later.text(), @"unmanaged 1");
    assert!(later.planned().observed.is_empty());
}

#[test]
fn an_exception_that_fits_nobody_breaks_the_policy() {
    let tenant = "ana: disabled, SPE_E3";
    let world = world(tenant, "leavers: disabled but not user:ghost@contoso.com -> no all");
    let problems = world.planned().problems;
    assert_eq!(problems[0].message, "unknown user `ghost@contoso.com` among the exceptions");
    assert!(world.plan().operations.is_empty());
}

#[test]
fn what_a_policy_owns_of_others_stays_while_it_names_somebody_who_cannot_be_found() {
    let tenant = "ana: SPE_E3 by:chiefs=30d\nben: ";
    let renamed = world(tenant, "chiefs: user:anna@contoso.com -> SPE_E3; grace 0");
    assert!(renamed.plan().operations.is_empty(), "{}", renamed.text());
    let left = world(tenant, "chiefs: user:ben@contoso.com -> SPE_E3; grace 0");
    assert!(left.text().contains("remove ana: -SPE_E3"), "{}", left.text());
}
