//! The usage location.

use insta::assert_snapshot;

use crate::plan::testing::world;

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

#[test]
fn a_location_from_the_country_fills_what_is_empty() {
    let tenant = "ana: in Staff, from nowhere, country=Germany
                  ben: in Staff, from nowhere, country=fr
                  cem: in Staff, from nowhere
                  dee: in Staff, from US, country=Germany";
    let policies = "place: Staff -> nothing; locate by country or AT";
    assert_snapshot!(world(tenant, policies).text(), @r"
        locate ana: from nowhere to DE (place located)
        locate ben: from nowhere to FR (place located)
        locate cem: from nowhere to AT (place located)
    ");
}

#[test]
fn a_country_is_never_guessed() {
    let tenant = "ana: in Staff, from nowhere, country=Germny
                  ben: in Staff, from nowhere, country?
                  cem: in Staff, from nowhere";
    let policies = "staff: Staff -> SPE_E3; locate by country";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana: country `Germny` is the name of no country (staff located)
        blocked ana SPE_E3: needs a usage location, and no policy gives one (staff matched)
        blocked ben: Graph did not return the attribute that names the country (staff located)
        blocked ben SPE_E3: needs a usage location, and it cannot be told which one policies want (staff matched)
        blocked cem SPE_E3: needs a usage location, and no policy gives one (staff matched)
    ");
}

#[test]
fn a_location_set_for_somebody_from_on_premises_is_told() {
    let world = world("ana: in Staff, from nowhere, synced", "place: Staff -> nothing; set DE");
    assert!(world.plan().warnings[0].message.starts_with("the usage location of 1 person"));
}
