use insta::assert_snapshot;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{SnapshotFrom, foresee};
use crate::domain::span::Span;
use crate::plan::Plan;
use crate::plan::testing::cases::{SCARCE, any_world};
use crate::plan::testing::{World, show, world};

fn in_time(world: &World, span: &str) -> Timestamp {
    span.parse::<Span>().unwrap().after(world.now)
}

fn foreseen(world: &World, span: &str) -> Plan {
    let at = in_time(world, span);
    world.with(|inputs| foresee(inputs, at, SnapshotFrom::Tenant)).unwrap().plan
}

fn text(world: &World, span: &str) -> String {
    show(&foreseen(world, span))
}

#[test]
fn a_clock_that_no_cycle_has_started_yet_starts_now_and_not_then() {
    let left = world("group Staff\nana: SPE_E3 by:staff", "staff: Staff -> SPE_E3");
    assert_snapshot!(text(&left, "6d"), @"scheduled 2026-11-30 ana: -SPE_E3 (staff left)");
    assert_snapshot!(text(&left, "7d"), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn what_a_policy_owned_whose_window_ends_meanwhile_goes_a_grace_after_its_end() {
    let policies = "staff: Staff -> SPE_E3; until 2026-12-01T09:00:00Z; grace 3d";
    let world = world("ana: in Staff, SPE_E3 by:staff", policies);
    assert_snapshot!(text(&world, "7d"), @"nothing to do");
    assert_snapshot!(text(&world, "8d"), @"scheduled 2026-12-04 ana: -SPE_E3 (staff left)");
    assert_snapshot!(text(&world, "11d"), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

#[test]
fn a_policy_that_begins_meanwhile_grants_and_stops_clocks() {
    let policies = "staff: Nobody -> SPE_E3
                    again: Staff -> SPE_E3; from 2026-11-25";
    let world = world("group Nobody\nana: in Staff, SPE_E3 by:staff\nben: in Staff", policies);
    assert_snapshot!(text(&world, "1d"), @"scheduled 2026-11-30 ana: -SPE_E3 (staff left)");
    assert_snapshot!(text(&world, "9d"), @"
    adopt ana: SPE_E3 becomes again's (again matched)
    add ben: +SPE_E3 (again matched)
    ");
}

#[test]
fn a_time_before_the_start_counts_as_the_start() {
    let world = world("ana: in Staff", "staff: Staff -> SPE_E3");
    let before = "2020-01-01T00:00:00Z".parse().unwrap();
    let plan = world.with(|inputs| foresee(inputs, before, SnapshotFrom::File)).unwrap().plan;
    assert_eq!(plan.created_at, world.now);
    assert_eq!(plan.basis.simulated.unwrap().at, world.now);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// As things are now, it is the plan that would be stored, digest and all.
    #[test]
    fn foreseeing_the_present_is_planning(world in any_world(SCARCE)) {
        let mut plan = foreseen(&world, "0d");
        prop_assert!(plan.basis.simulated.take().is_some());
        prop_assert_eq!(plan, world.plan());
    }

    /// What is foreseen is what cycles come to that look now, when policies begin and end, and then:
    /// here one day may be ahead on which they do.
    #[test]
    fn what_is_foreseen_is_what_is_planned_then(world in any_world(SCARCE), days in 1u32..60) {
        let foreseen = foreseen(&world, &format!("{days}d"));
        let mut world = world;
        world.observe();
        let begins: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        prop_assert!(world.now < begins);
        let mut ours = world.policies.policies.iter().filter(|policy| policy.tenants.is_none());
        if begins < foreseen.created_at && ours.any(|policy| policy.from.is_some()) {
            world.now = begins;
            world.observe();
        }
        world.now = foreseen.created_at;
        prop_assert_eq!(show(&foreseen), world.text());
    }
}
