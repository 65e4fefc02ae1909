use insta::assert_snapshot;
use proptest::prelude::*;

use crate::plan::memory::{MemoryChange, Refused, seats_for, state_of};
use crate::plan::testing::cases::{SCARCE, any_world};
use crate::plan::testing::{World, world};

/// The same world, where Graph has refused every operation, for want of seats or for another reason.
fn refused(mut world: World, no_seats: bool) -> World {
    let planned = world.planned();
    world.observe();
    let snapshot = world.snapshot();
    for operation in &planned.plan.operations {
        let user = operation.user.id;
        let refused = Refused {
            user,
            since: world.now,
            message: "No.".into(),
            state: state_of(snapshot.user(user).unwrap()),
            seats: no_seats.then(|| seats_for(operation, snapshot.catalogue())),
        };
        world.ledger.apply(&MemoryChange::Refuse(operation.key, refused).into());
    }
    world
}

/// What was planned is done, and somebody changes it back.
fn changed_back(world: &World, to: &str, after: &str) -> World {
    world.carry_out(&world.planned()).but(to).later(after)
}

#[test]
fn what_graph_refused_is_left_alone_and_the_seat_goes_to_somebody_else() {
    let tenant = "seats SPE_E3 1\nana: in Staff\nben: in Staff";
    let first = world(tenant, "staff: Staff -> SPE_E3");
    let refused = refused(first, false);
    assert_snapshot!(refused.text(), @r"
        add ben: +SPE_E3 (staff matched)
        blocked ana SPE_E3: Graph refused it on 2026-11-23 09:00 UTC: No. (staff matched)
    ");
}

#[test]
fn what_graph_refused_is_tried_again_once_user_or_policy_change() {
    let refused = refused(world("ana: in Staff", "staff: Staff -> SPE_E3"), false);
    assert_snapshot!(refused.text(), @"blocked ana SPE_E3: Graph refused it on 2026-11-23 09:00 UTC: No. (staff matched)");
    assert_snapshot!(refused.clone().but("ana: from FR").text(), @"add ana: +SPE_E3 (staff matched)");
    assert_snapshot!(refused.clone().under("staff: Staff -> SPE_E3 off:YAMMER").text(), @"add ana: +SPE_E3 off:YAMMER (staff matched)");
    let mut other = refused.clone().but("ana: disabled");
    other.observe();
    assert!(other.ledger.memory.refusals.is_empty());
    let mut same = refused;
    same.observe();
    assert_eq!(same.ledger.memory.refusals.len(), 1);
}

#[test]
fn for_want_of_a_seat_it_is_tried_again_once_seats_change() {
    let refused = refused(world("seats SPE_E3 5\nana: in Staff", "staff: Staff -> SPE_E3"), true);
    assert_snapshot!(refused.text(), @"blocked ana SPE_E3: Graph refused it on 2026-11-23 09:00 UTC: No. (staff matched)");
    assert_snapshot!(refused.clone().but("seats SPE_E3 6").text(), @"add ana: +SPE_E3 (staff matched)");
}

#[test]
fn what_somebody_keeps_taking_away_is_given_again_three_times() {
    let mut world = world("ana: in Staff", "staff: Staff -> SPE_E3");
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(world.text());
        world = changed_back(&world, "ana: no SPE_E3", "1h");
    }
    assert_snapshot!(told.join("\n"), @r"
        add ana: +SPE_E3 (staff matched)
        add ana: +SPE_E3 (staff matched)
        add ana: +SPE_E3 (staff matched)
        add ana: +SPE_E3 (staff matched)
        blocked ana SPE_E3: somebody keeps changing SPE_E3 back; it was set at 2026-11-23 09:00 UTC, 2026-11-23 10:00 UTC, 2026-11-23 11:00 UTC, 2026-11-23 12:00 UTC (staff matched)
    ");
    let later = world.clone().later("90d");
    assert!(later.text().starts_with("blocked ana SPE_E3"), "{}", later.text());
    let there = later.but("ana: SPE_E3").later("1h").but("ana: no SPE_E3");
    assert_snapshot!(there.text(), @"add ana: +SPE_E3 (staff matched)");
    let unwanted = world.under("staff: Staff -> VISIO").later("1h").under("staff: Staff -> SPE_E3");
    assert_snapshot!(unwanted.text(), @"add ana: +SPE_E3 (staff matched)");
}

#[test]
fn what_somebody_keeps_giving_back_is_taken_again_three_times() {
    let mut world = world("ana: disabled, VISIO", "leavers: disabled -> no VISIO");
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(world.text());
        world = changed_back(&world, "ana: VISIO", "1h");
    }
    assert_snapshot!(told.join("\n"), @r"
        remove ana: -VISIO (leavers removed)
        remove ana: -VISIO (leavers removed)
        remove ana: -VISIO (leavers removed)
        remove ana: -VISIO (leavers removed)
        blocked ana VISIO: somebody keeps changing VISIO back; it was set at 2026-11-23 09:00 UTC, 2026-11-23 10:00 UTC, 2026-11-23 11:00 UTC, 2026-11-23 12:00 UTC (leavers removed)
    ");
}

#[test]
fn who_changes_things_back_now_and_then_is_no_contest() {
    let mut world = world("ana: in Staff", "staff: Staff -> SPE_E3");
    for _ in 0..9 {
        assert_eq!(world.text(), "add ana: +SPE_E3 (staff matched)");
        world = changed_back(&world, "ana: no SPE_E3", "13h");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was refused is not planned again while nothing changes; what is planned in its place is
    /// something else, and comes to an end.
    #[test]
    fn refused_operations_are_not_planned_again(world in any_world(SCARCE), no_seats: bool) {
        let mut world = world;
        for _ in 0..4 {
            let again = refused(world.clone(), no_seats);
            let known: Vec<_> = again.ledger.memory.refusals.keys().copied().collect();
            let plan = again.plan();
            prop_assert!(plan.operations.iter().all(|operation| !known.contains(&operation.key)));
            world = again;
        }
    }
}
