//! What a user should have: three rules.

use insta::assert_snapshot;

use crate::plan::testing::world;

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

#[test]
fn nothing_is_left_while_what_is_wanted_instead_was_lost_and_cannot_be_had_again() {
    let tenant = "ana: in Staff, from nowhere, SPE_E5 by:staff=30d, lost SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3; grace 0";
    assert_snapshot!(world(tenant, policies).text(), @"blocked ana SPE_E3: needs a usage location, and no policy gives one (staff matched)");
    let located = format!("{policies}; set DE");
    assert_snapshot!(world(tenant, &located).text(), @"replace ana: +SPE_E3 -SPE_E5 from nowhere to DE risks phone (staff located, staff matched, staff withdrawn)");
}
