//! The ledger: adopting, letting go, keeping, releasing.

use insta::assert_snapshot;

use crate::plan::testing::{observed, world};

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
    assert_snapshot!(world(tenant, policies).text(), @"scheduled 2026-12-23 ana: -VISIO (staff withdrawn)");
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
    assert_snapshot!(observed(&world(tenant, policies).planned().observed), @"queue ana SPE_E3");
    assert_snapshot!(world(tenant, policies).text(), @"add ana: +SPE_E3 (staff matched)");
}
