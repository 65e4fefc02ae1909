//! Whom nothing touches, and what cannot be read.

use insta::assert_snapshot;

use crate::plan::testing::{observed, user_id, world};

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
        scheduled 2026-11-30 ana: -VISIO (staff withdrawn)
    ");
    assert_snapshot!(world.carry_out(&world.planned()).text(), @r"
        blocked ana SPE_E5: needs a usage location, and no policy gives one (staff matched)
        scheduled 2026-11-30 ana: -VISIO (staff withdrawn)
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
    assert_eq!(observed(&later.planned().observed), "nothing");
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

#[test]
fn what_a_policy_owns_of_others_stays_while_its_list_names_somebody_who_cannot_be_found() {
    let tenant = "ana: SPE_E3 by:chiefs=30d\nben: ";
    let renamed = world(tenant, "chiefs: csv:anna@contoso.com+ben@contoso.com -> SPE_E3; grace 0");
    assert!(!renamed.text().contains("remove"), "{}", renamed.text());
    let left = world(tenant, "chiefs: csv:ben@contoso.com -> SPE_E3; grace 0");
    assert!(left.text().contains("remove ana: -SPE_E3"), "{}", left.text());
}

#[test]
fn who_has_an_attribute_that_cannot_be_read_keeps_what_a_policy_owns() {
    let policies = "sales: department:Sales -> SPE_E3; grace 0";
    let blind = world("ana: department?, SPE_E3 by:sales=30d\nben: department=Sales", policies);
    assert!(!blind.text().contains("remove"), "{}", blind.text());
    let left = world("ana: department=, SPE_E3 by:sales=30d\nben: department=Sales", policies);
    assert!(left.text().contains("remove ana: -SPE_E3"), "{}", left.text());
}
