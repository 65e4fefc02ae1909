//! Conflicts before Graph sees them.

use insta::assert_snapshot;

use crate::plan::conflict::Lesson;
use crate::plan::testing::{plan_id, world};

#[test]
fn service_plans_that_exclude_each_other_are_blocked_with_both_policies_named() {
    let policies = "staff: Staff -> SPE_E3\nmail: Mail -> MAIL_1";
    assert_snapshot!(world("ana: in Staff, in Mail", policies).text(), @r"
        blocked ana MAIL_1: EXCHANGE_S_STANDARD of MAIL_1 cannot stand beside EXCHANGE_S_ENTERPRISE of SPE_E3 (mail matched, staff matched)
        blocked ana SPE_E3: EXCHANGE_S_ENTERPRISE of SPE_E3 cannot stand beside EXCHANGE_S_STANDARD of MAIL_1 (mail matched, staff matched)
    ");
    assert_snapshot!(world("ana: in Staff, in Mail, SPE_E3 by:staff", policies).text(), @"blocked ana MAIL_1: EXCHANGE_S_STANDARD of MAIL_1 cannot stand beside EXCHANGE_S_ENTERPRISE of SPE_E3 (mail matched, staff matched)");
}

#[test]
fn where_the_clashing_service_plan_is_off_nothing_is_blocked() {
    let policies = "staff: Staff -> SPE_E3 off:EXCHANGE_S_ENTERPRISE\nmail: Mail -> MAIL_1";
    assert_snapshot!(world("ana: in Staff, in Mail", policies).text(), @"add ana: +MAIL_1 +SPE_E3 off:EXCHANGE_S_ENTERPRISE (mail matched, staff matched)");
}

#[test]
fn a_swap_of_what_excludes_each_other_is_one_call() {
    let policies = "mail: Mail -> MAIL_1 for SPE_E3";
    assert_snapshot!(world("ana: in Mail, SPE_E3", policies).text(), @"replace ana: +MAIL_1 -SPE_E3 risks files (mail matched, mail replaced)");
}

#[test]
fn a_swap_that_would_clash_takes_nothing_away() {
    let policies = "mail: Mail -> MAIL_1 for VISIO";
    assert_snapshot!(world("ana: in Mail, SPE_E3, VISIO", policies).text(), @r"
        blocked ana MAIL_1: EXCHANGE_S_STANDARD of MAIL_1 cannot stand beside EXCHANGE_S_ENTERPRISE of SPE_E3 (mail matched)
        unmanaged 1
    ");
}

#[test]
fn an_add_on_without_its_base_is_blocked() {
    let policies = "phone: Phone -> PHONE";
    assert_snapshot!(world("ana: in Phone\nben: in Phone, TEAMS", policies).text(), @r"
        add ben: +PHONE (phone matched)
        blocked ana PHONE: MCOEV of PHONE needs TEAMS1 (phone matched)
        unmanaged 1
    ");
}

#[test]
fn an_add_on_comes_in_the_same_call_as_its_base_or_after_it() {
    let policies = "phone: Phone -> PHONE, TEAMS";
    assert_snapshot!(world("ana: in Phone", policies).text(), @"add ana: +PHONE +TEAMS (phone matched)");
    assert_snapshot!(world("ana: in Phone\nseats TEAMS 0", policies).text(), @"waiting 1 for TEAMS: ana (phone matched)");
}

#[test]
fn a_base_stays_while_an_add_on_needs_it() {
    let policies = "teams: Gone -> TEAMS; grace 0";
    assert_snapshot!(world("group Gone\nana: TEAMS by:teams, PHONE", policies).text(), @r"
        blocked ana TEAMS: MCOEV of PHONE needs TEAMS1 (teams left)
        unmanaged 1
    ");
    let both = "leavers: disabled -> no all";
    assert_snapshot!(world("ana: disabled, TEAMS, PHONE", both).text(), @"remove ana: -PHONE -TEAMS risks phone (leavers removed)");
}

#[test]
fn what_a_refusal_taught_is_blocked_from_then_on() {
    let policies = "a: A -> VISIO, POWER_BI_PRO";
    let mut world = world("ana: in A", policies);
    let (one, other) = (plan_id("VISIOONLINE"), plan_id("BI_AZURE_P2"));
    world.ledger.lessons.insert(Lesson::Exclusive(one.min(other), one.max(other)));
    assert_snapshot!(world.text(), @r"
        blocked ana POWER_BI_PRO: BI_AZURE_P2 of POWER_BI_PRO cannot stand beside VISIOONLINE of VISIO (a matched)
        blocked ana VISIO: VISIOONLINE of VISIO cannot stand beside BI_AZURE_P2 of POWER_BI_PRO (a matched)
    ");
}

#[test]
fn what_clashed_before_is_not_told_again_and_again() {
    assert_snapshot!(world("ana: in A, SPE_E3, MAIL_1", "a: A -> VISIO").text(), @r"
        add ana: +VISIO (a matched)
        unmanaged 2
    ");
}

#[test]
fn nothing_is_exchanged_while_the_base_of_what_stays_waits_for_a_seat() {
    let tenant = "group Sales\nana: in Staff, SPE_E5 via:Sales/TEAMS1 direct\nseats SPE_E3 0";
    let policies = "staff: Staff -> SPE_E3, VISIO\nladder suite: VISIO > SPE_E5";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @"waiting 1 for SPE_E3: ana (staff matched)");
    let with_a_seat = world.but("seats SPE_E3 1").text();
    assert_snapshot!(with_a_seat, @"replace ana: +SPE_E3 +VISIO -SPE_E5 (staff matched, staff outranked, staff matched)");
}

#[test]
fn of_two_that_give_what_a_third_needs_one_stays_and_the_other_goes() {
    let tenant = "group Sales\nana: in Club, SPE_E3, SPE_E5 via:Sales/TEAMS1 direct by:club";
    let policies = "club: Club -> VISIO\nno-teams: Club -> no SPE_E3/TEAMS1";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: ~SPE_E3 off:TEAMS1 +VISIO (club matched, no-teams removed)
        blocked ana SPE_E5: MCOEV of SPE_E5 needs TEAMS1 (club exchanged)
        unmanaged 1
    ");
}
