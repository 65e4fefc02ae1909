use insta::assert_snapshot;
use proptest::prelude::*;

use super::{Against, Compared, compare};
use crate::domain::span::Span;
use crate::plan::testing::cases::{AMPLE, SCARCE, any_world};
use crate::plan::testing::{World, seats, show, world};
use crate::plan::{Aside, Digest, Plan, PlanState, SnapshotFrom, Summary};
use crate::policy::settings::CountLimit;

/// Compares the policies of a world with others, some time later.
fn compared_at(world: &World, baseline: &World, span: &str) -> Compared {
    let at = span.parse::<Span>().unwrap().after(world.now);
    let against = Against { policies: &baseline.policies, digest: Digest([7; 32]), commit: None };
    world.with(|inputs| compare(inputs, against, at, SnapshotFrom::Tenant)).unwrap()
}

fn compared(world: &World, baseline: &str) -> Compared {
    compared_at(world, &world.clone().under(baseline), "0d")
}

fn text(plan: &Plan) -> String {
    let gone = plan.no_longer.iter().map(|gone| {
        let sku = gone.sku.as_ref().map_or("", |sku| &sku.name);
        format!("no longer {} {}: {sku}", gone.what.as_str(), gone.user.principal_name)
    });
    let mut lines = vec![show(plan)];
    lines.extend(gone);
    lines.join("\n")
}

/// What is different in the policies of a world from others.
fn difference(world: &World, baseline: &str) -> String {
    text(&compared(world, baseline).planned.plan)
}

const STAFF: &str = "staff: Staff -> SPE_E3";

#[test]
fn drift_is_not_shown_and_what_the_policies_change_is() {
    let tenant = "ana: in Staff
                  ben: VISIO by:gone, in Staff, SPE_E3
                  cem: SPE_E3 by:staff
                  dee: in Staff, from nowhere";
    let world = world(tenant, "staff: Staff -> SPE_E3\nbi: Staff -> POWER_BI_PRO");
    assert_snapshot!(difference(&world, STAFF), @"
    add ana: +POWER_BI_PRO (bi matched)
    add ben: +POWER_BI_PRO (bi matched)
    blocked dee POWER_BI_PRO: needs a usage location, and no policy gives one (bi matched)
    ");
}

#[test]
fn who_no_longer_matches_is_scheduled_a_grace_from_now() {
    let world = world("ana: in Staff, SPE_E3 by:staff\nben: in Sales", "staff: Sales -> SPE_E3");
    assert_snapshot!(difference(&world, STAFF), @"
    add ben: +SPE_E3 (staff matched)
    scheduled 2026-11-30 ana: -SPE_E3 (staff left)
    ");
}

#[test]
fn scheduled_removals_count_for_the_guard_of_removals() {
    let world = world(
        "ana: in Staff, SPE_E3 by:staff\nben: in Staff\ngroup Nobody",
        "staff: Nobody -> SPE_E3\nbi: Staff -> POWER_BI_PRO",
    )
    .set(|settings| settings.guards.max_removals.count = CountLimit::AtMost(1));
    let Compared { planned, problems_in_both: _ } = compared(&world, STAFF);
    assert_eq!(planned.state, PlanState::Held);
    // What the guard holds comes later: the rest may go on.
    assert_snapshot!(text(&planned.plan), @"
    add ana: +POWER_BI_PRO (bi matched)
    add ben: +POWER_BI_PRO (bi matched)
    scheduled 2026-11-30 ana: -SPE_E3 (staff left)
    scheduled 2026-11-30 ben: -SPE_E3 (staff left)
    max_removals SPE_E3: 2 of 2 owned, 2 of them when their grace is over, limit 1
    max_removals tenant: 2 of 2 owned, 2 of them when their grace is over, limit 1
    ");
}

#[test]
fn a_policy_that_is_deleted_releases_and_one_that_is_renamed_changes_nothing() {
    let world = world("ana: in Staff, SPE_E3 by:staff\nben: in Staff", "");
    assert_snapshot!(difference(&world, STAFF), @"
    released ana: SPE_E3 of staff
    released ben: SPE_E3 of staff
    ");
    let world = world.under("workers: Staff -> SPE_E3; moved from staff");
    assert_snapshot!(difference(&world, STAFF), @"nothing to do");
    let world = world.under("workers: Staff -> SPE_E3");
    assert_snapshot!(difference(&world, STAFF), @"
    adopt ana: SPE_E3 becomes workers's (workers matched)
    adopt ben: SPE_E3 becomes workers's (workers matched)
    released ana: SPE_E3 of staff, others want it
    released ben: SPE_E3 of staff, others want it
    ");
}

#[test]
fn what_only_the_baseline_says_is_told() {
    let tenant = "group Staff
                  ana: SPE_E3 by:staff=3d
                  ben: in More, from nowhere";
    let world = world(tenant, "staff: Staff -> SPE_E3; keep");
    assert_snapshot!(difference(&world, "staff: Staff -> SPE_E3\nmore: More -> VISIO"), @"
    nothing to do
    no longer scheduled ana@contoso.com: SPE_E3
    no longer blocked ben@contoso.com: VISIO
    ");
    let longer = world.under("staff: Staff -> SPE_E3; grace 30d\nmore: More -> VISIO");
    assert_snapshot!(difference(&longer, "staff: Staff -> SPE_E3\nmore: More -> VISIO"), @"scheduled 2026-12-20 ana: -SPE_E3 (staff left)");
}

#[test]
fn seats_and_queues_begin_where_the_baseline_leaves_them() {
    let tenant = "seats SPE_E3 1
                  seats VISIO 2
                  ana: in Staff
                  ben: in Staff
                  cem: in Sales";
    let world = world(
        tenant,
        "staff: Staff -> SPE_E3\nsales: Sales -> SPE_E3; priority 9\ndraw: Sales -> VISIO",
    );
    let plan = compared(&world, "staff: Staff -> SPE_E3").planned.plan;
    assert_snapshot!(text(&plan), @"
    add cem: +VISIO (draw matched)
    waiting 1 for SPE_E3: cem (sales matched)
    waiting 2 for SPE_E3: ben (staff matched)
    ");
    assert_snapshot!(seats(&plan), @"
    SPE_E3: 1 of 1, 0 reserved, 1 after, 2 waiting
    VISIO: 0 of 2, 0 reserved, 1 after, 0 waiting
    ");
}

#[test]
fn a_line_that_moved_is_no_difference() {
    let tenant = "group Board hidden
                  ana: in Staff, from nowhere
                  ben: SPE_E3 by:staff
                  cem: SPE_E3 by:gone";
    let board = "staff: Staff -> SPE_E3\nboard: Board -> VISIO";
    let moved = format!("\n\n\n{board}");
    let plan = compared(&world(tenant, &moved), board).planned.plan;
    assert_eq!(plan.summary, Summary { unchanged: 3, ..Summary::default() });
    assert_snapshot!(text(&plan), @"nothing to do");
}

#[test]
fn what_does_not_fit_in_both_is_told_apart_from_what_does_not_fit_here_alone() {
    let world = world("ana: in Staff", "old: Nowhere -> SPE_E3\nnew: Nobody -> SPE_E3");
    let Compared { planned, problems_in_both } = compared(&world, "old: Nowhere -> SPE_E3");
    let messages = |problems: &[crate::plan::bind::Problem]| {
        problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(messages(&problems_in_both), @"unknown group `Nowhere`");
    assert_snapshot!(messages(&planned.problems), @"unknown group `Nobody`");
    assert_snapshot!(text(&planned.plan), @"left out new (policies.yaml:2): unknown group `Nobody`");
}

#[test]
fn a_comparison_for_later_shows_what_will_have_gone_by_then() {
    let world = world("ana: in Staff, SPE_E3 by:staff\ngroup Nobody", "staff: Nobody -> SPE_E3");
    let plan = compared_at(&world, &world.clone().under(STAFF), "8d").planned.plan;
    assert_snapshot!(text(&plan), @"remove ana: -SPE_E3 risks mailbox risks files (staff left)");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// The same policies differ in nothing, whatever there is to do, now and later.
    #[test]
    fn policies_do_not_differ_from_themselves(world in any_world(SCARCE), days in 0u32..60) {
        let Compared { planned, problems_in_both: _ } =
            compared_at(&world, &world, &format!("{days}d"));
        prop_assert!(planned.problems.is_empty());
        prop_assert_eq!(planned.state, PlanState::Proposed);
        let plan = planned.plan;
        let users = world.users.len() as u64;
        prop_assert_eq!(plan.summary, Summary { unchanged: users, ..Summary::default() });
        prop_assert_eq!(text(&plan), "nothing to do");
        prop_assert!(plan.seats.is_empty() && plan.no_longer.is_empty());
    }

    /// Nothing that a comparison does is what the baseline does anyway.
    #[test]
    fn what_differs_is_nothing_that_the_baseline_leads_to(
        world in any_world(AMPLE), other in any_world(AMPLE),
    ) {
        let mut baseline = world.clone();
        baseline.policies = other.policies.clone();
        let plan = compared_at(&world, &baseline, "0d").planned.plan;
        let mut settled = baseline.clone();
        for _ in 0..3 {
            settled = settled.carry_out(&settled.planned());
        }
        let left = settled.plan();
        for operation in &plan.operations {
            prop_assert!(left.operations.iter().all(|known| known.key != operation.key));
        }
        for gone in plan.no_longer.iter().filter(|gone| gone.what == Aside::Scheduled) {
            let is_it = |scheduled: &crate::plan::Scheduled| {
                scheduled.user == gone.user && Some(&scheduled.sku) == gone.sku.as_ref()
            };
            prop_assert!(!plan.scheduled.iter().any(is_it));
        }
    }
}
