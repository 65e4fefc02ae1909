use insta::assert_snapshot;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::domain::ids::UserId;
use crate::plan::approval::take_up;
use crate::plan::memory::MemoryChange;
use crate::plan::source::DAY;
use crate::plan::testing::{NOTHING_TRIED, World, user_id, world};
use crate::plan::{GuardName, PlanState};
use crate::policy::settings::{CountLimit, MaxChanges, Percent, PercentLimit};

fn limited(world: World, count: u64) -> World {
    world.set(|settings| settings.guards.max_removals.count = CountLimit::AtMost(count))
}

#[test]
fn a_license_that_only_goes_in_the_same_call_as_another_comes_is_no_swap() {
    let tenant = "ana: in Engineering, VISIO by:drawing=8d";
    let policies = "drawing: Drawing -> VISIO
                    eng: Engineering -> POWER_BI_PRO";
    let world = world(tenant, policies).but("group Drawing");
    assert_snapshot!(limited(world, 0).text(), @r"
        replace ana: +POWER_BI_PRO -VISIO (drawing left, eng matched) [held by max_removals]
        max_removals VISIO: 1 of 1 owned, limit 0
        max_removals tenant: 1 of 1 owned, limit 0
    ");
}

#[test]
fn a_swap_counts_only_when_data_is_at_risk() {
    let tenant = "ana: in Up, SPE_E3
                  ben: in Down, SPE_E3";
    let policies = "up: Up -> SPE_E5 for SPE_E3
                    down: Down -> POWER_BI_PRO for SPE_E3";
    assert_snapshot!(limited(world(tenant, policies), 0).text(), @r"
        replace ana: +SPE_E5 -SPE_E3 (up replaced, up matched)
        replace ben: +POWER_BI_PRO -SPE_E3 risks mailbox risks files (down matched, down replaced) [held by max_removals]
        max_removals SPE_E3: 1, and 0 owned, limit 0
        max_removals tenant: 1, and 0 owned, limit 0
    ");
}

#[test]
fn taking_one_license_where_the_other_is_there_already_is_no_swap() {
    let tenant = "ana: in Up, SPE_E3, SPE_E5 by:up";
    assert_snapshot!(limited(world(tenant, "up: Up -> SPE_E5 for SPE_E3"), 0).text(), @r"
        remove ana: -SPE_E3 (up replaced) [held by max_removals]
        max_removals SPE_E3: 1, and 0 owned, limit 0
        max_removals tenant: 1 of 1 owned, limit 0
    ");
}

#[test]
fn switching_a_service_plan_off_counts_when_data_is_at_risk() {
    let tenant = "ana: in Staff, SPE_E3 by:staff
                  ben: in Staff, SPE_E3 off:YAMMER by:staff
                  cem: in Staff, in More, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3 on:TEAMS1
                    more: More -> POWER_BI_PRO";
    assert_snapshot!(limited(world(tenant, policies), 0).text(), @r"
        modify ana: ~SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE risks mailbox risks files (staff matched) [held by max_removals]
        modify ben: ~SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE risks mailbox risks files (staff matched) [held by max_removals]
        add cem: +POWER_BI_PRO ~SPE_E3 off:SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE risks mailbox risks files (more matched, staff matched) [held by max_removals]
        max_removals tenant: 3 of 3 owned, limit 0
    ");
}

/// So many who leave, of so many, with the limit of a day.
fn leaving(count: usize, limit: u64) -> World {
    let user = |at: usize| format!("u{at:03}: SPE_E3 by:staff=1d\n");
    let users: String = (0..count).map(user).collect();
    let world = world(&format!("group Staff\n{users}"), "staff: Staff -> SPE_E3; grace 0");
    world.set(|settings| settings.guards.removals_per_day = CountLimit::AtMost(limit))
}

/// What is told of removals, and what is held.
fn removals(world: &World) -> String {
    let plan = world.plan();
    let daily = plan.guards.iter().find(|verdict| verdict.guard == GuardName::RemovalsPerDay);
    let daily = daily.unwrap();
    let held = plan.operations.iter().filter(|op| !op.held_by.is_empty()).count();
    format!("{}, limit {}; {held} held", daily.actual, daily.limit)
}

#[test]
fn many_small_plans_are_one_big_one() {
    let world = leaving(3, 3);
    assert_snapshot!(removals(&world), @"3 by this plan and 0 in the 24 hours before, limit 3 within 24 hours; 0 held");
    let after = world.carry_out(&world.planned()).but("zoe: SPE_E3 by:staff=1d");
    assert_snapshot!(removals(&after), @"1 by this plan and 3 in the 24 hours before, limit 3 within 24 hours; 1 held");
    let mut later = after.clone().later("23h");
    assert_snapshot!(removals(&later), @"1 by this plan and 3 in the 24 hours before, limit 3 within 24 hours; 1 held");
    later = later.later("1h");
    assert_snapshot!(removals(&later), @"1 by this plan and 0 in the 24 hours before, limit 3 within 24 hours; 0 held");
    later.observe();
    assert!(later.ledger.memory.losses.is_empty());
}

#[test]
fn whoever_loses_twice_within_a_day_is_one_person() {
    let world = leaving(1, 1);
    let after = world.carry_out(&world.planned()).but("u000: VISIO by:staff=1d");
    assert_snapshot!(removals(&after), @"1 by this plan and 0 in the 24 hours before, limit 1 within 24 hours; 0 held");
}

#[test]
fn where_nothing_is_removed_nothing_is_held_for_what_was() {
    let world = leaving(3, 3);
    let after = world.carry_out(&world.planned()).but("zoe: in Staff");
    let after = after.set(|s| s.guards.removals_per_day = CountLimit::AtMost(0));
    assert_snapshot!(removals(&after), @"0 by this plan and 3 in the 24 hours before, limit 0 within 24 hours; 0 held");
}

#[test]
fn what_was_accepted_for_so_many_does_not_cover_one_more() {
    let world = leaving(3, 2);
    let plan = world.plan();
    let accepted = [GuardName::RemovalsPerDay];
    let take = |world: &World| {
        world.with(|inputs| take_up(&plan, PlanState::Approved, &accepted, NOTHING_TRIED, inputs))
    };
    assert_eq!(take(&world).unwrap().approved.operations().len(), 3);
    let mut other = world.clone();
    other.ledger.memory.apply(&MemoryChange::Lose(user_id("zoe"), other.now));
    let told = take(&other).unwrap_err().to_string().replace(&plan.id.to_string(), "PLAN");
    assert_snapshot!(told, @"plan PLAN is held now: `removals_per_day` tenant: 3 by this plan and 1 in the 24 hours before (limit: 2 within 24 hours)");
}

#[test]
fn changes_count_once_there_are_many() {
    let with = |percent: u32, above: u64| {
        let tenant: String = (0..20).map(|at| format!("u{at:03}: in Staff, SPE_E3\n")).collect();
        let more: String = (20..30).map(|at| format!("u{at:03}: in Staff\n")).collect();
        let world = world(&(tenant + &more), "staff: Staff -> SPE_E3").set(|settings| {
            let percent = PercentLimit::AtMost(Percent::from_whole(percent));
            settings.guards.max_changes = MaxChanges { percent, above };
        });
        let plan = world.plan();
        let told = plan.guards.iter().find(|verdict| verdict.guard == GuardName::MaxChanges);
        let told = told.unwrap();
        let held = plan.operations.iter().filter(|op| !op.held_by.is_empty()).count();
        format!("{}, limit {}; {held} held", told.actual, told.limit)
    };
    assert_snapshot!(with(25, 50), @"10 of 30 users, limit 50; 0 held");
    assert_snapshot!(with(25, 9), @"10 of 30 users, limit 9; 30 held");
    assert_snapshot!(with(40, 9), @"10 of 30 users, limit 40% of 30 users, that is 12; 0 held");
    assert_snapshot!(with(0, 0), @"10 of 30 users, limit 0; 30 held");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Within any 24 hours, no more people lose something without a person than the limit says, in
    /// however many plans.
    #[test]
    fn no_day_has_more_removals_than_the_limit(
        limit in 0u64..6, steps in prop::collection::vec((0usize..4, 1u64..14), 1..20),
    ) {
        let mut world = leaving(0, limit);
        let mut lost: Vec<(Timestamp, UserId)> = Vec::new();
        for (at, (leavers, hours)) in steps.into_iter().enumerate() {
            for who in 0..leavers {
                world = world.but(&format!("u{at:02}x{who}: SPE_E3 by:staff=1d"));
            }
            let mut planned = world.planned();
            planned.plan.operations.retain(|operation| operation.held_by.is_empty());
            lost.extend(planned.plan.operations.iter().map(|op| (world.now, op.user.id)));
            world = world.carry_out(&planned);
            let day = lost.iter().filter(|(then, _)| *then > world.now - DAY);
            let people: std::collections::BTreeSet<_> = day.map(|(_, user)| *user).collect();
            prop_assert!(people.len() as u64 <= limit);
            world = world.later(&format!("{hours}h"));
        }
    }
}
