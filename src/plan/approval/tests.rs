use std::sync::Arc;

use insta::assert_snapshot;

use super::{Missing, NotTakenUp, TakenUp, accept, goes_on, has_part, part, take_up};
use crate::plan::testing::{NOTHING_TRIED, World, show, world};
use crate::plan::{Digest, GuardName, Plan, PlanState};
use crate::policy::settings::CountLimit;

fn taken_up(plan: &Plan, now: &World) -> TakenUp {
    now.with(|inputs| take_up(plan, PlanState::Approved, &[], NOTHING_TRIED, inputs)).unwrap()
}

fn fates(plan: &Plan, now: &World) -> String {
    let taken = taken_up(plan, now);
    let named = |keys: &mut dyn Iterator<Item = Digest>| {
        let name = |key: Digest| {
            let operation = plan.operations.iter().find(|op| op.key == key).unwrap();
            operation.user.principal_name.split('@').next().unwrap().to_owned()
        };
        keys.map(name).collect::<Vec<_>>().join(" ")
    };
    format!(
        "runs: {}; stale: {}; already done: {}; unapproved: {}",
        named(&mut taken.approved.operations().iter().map(|op| op.key)),
        named(&mut taken.stale.iter().copied()),
        named(&mut taken.already_done.iter().copied()),
        taken.unapproved
    )
}

const STAFF: &str = "staff: Staff -> SPE_E3";

#[test]
fn what_was_approved_and_is_still_so_runs() {
    let world = world("ana: in Staff\nben: in Staff, SPE_E3", STAFF);
    assert_snapshot!(fates(&world.plan(), &world), @"runs: ana ben; stale: ; already done: ; unapproved: 0");
}

#[test]
fn what_changed_since_is_stale_and_what_is_so_already_is_told() {
    let before = world("ana: in Staff\nben: in Staff\ncem: in Staff\ndee: in Staff", STAFF);
    let plan = before.plan();
    let now = world(
        "ana: in Staff
         ben: in Staff, POWER_BI_PRO
         cem: in Staff, SPE_E3 by:staff
         dee:",
        STAFF,
    );
    assert_snapshot!(fates(&plan, &now), @"runs: ana; stale: ben dee; already done: cem; unapproved: 1");
}

#[test]
fn what_was_not_approved_never_runs() {
    let before = world("ana: in Staff", STAFF);
    let now = world("ana: in Staff\nben: in Staff", STAFF);
    assert_snapshot!(fates(&before.plan(), &now), @"runs: ana; stale: ; already done: ; unapproved: 1");
}

#[test]
fn whoever_comes_later_takes_no_seat_from_the_approved() {
    let policies = "staff: Staff -> SPE_E3
                    chiefs: Chiefs -> SPE_E3; priority 100";
    let before = world("seats SPE_E3 1\ngroup Chiefs\nzoe: in Staff", policies);
    let many: Vec<String> = (0..20).map(|n| format!("u{n:02}: in Chiefs")).collect();
    let now = before.clone().but(&format!("{}\nseats SPE_E3 1", many.join("\n")));
    assert_snapshot!(fates(&before.plan(), &now), @"runs: zoe; stale: ; already done: ; unapproved: 1");
}

#[test]
fn an_approved_operation_whose_seat_is_gone_is_stale() {
    let before = world("seats SPE_E3 2\nana: in Staff\nben: in Staff", STAFF);
    let now = before.clone().but("seats SPE_E3 2 used 1");
    assert_snapshot!(fates(&before.plan(), &now), @"runs: ana; stale: ben; already done: ; unapproved: 0");
}

#[test]
fn a_seat_that_an_unapproved_removal_would_free_is_not_counted_on() {
    let tenant = "group Staff\nseats SPE_E3 1\nana: in Staff\nben: disabled, SPE_E3";
    let policies = "staff: Staff -> SPE_E3\nleavers: disabled -> no all";
    let before = world(tenant, policies);
    let plan = before.plan();
    // Ben is given something else meanwhile, so that his removal is another one.
    let now = before.but("ben: POWER_BI_PRO\nseats SPE_E3 1");
    assert_snapshot!(show(&plan), @r"
        remove ben: -SPE_E3 risks mailbox risks files (leavers removed)
        add ana: +SPE_E3 (staff matched) [wave 1]
    ");
    assert_snapshot!(fates(&plan, &now), @"runs: ; stale: ben ana; already done: ; unapproved: 1");
}

#[test]
fn a_plan_that_nobody_approved_or_that_expired_is_not_taken_up() {
    let world = world("ana: in Staff", STAFF);
    let plan = world.plan();
    for state in PlanState::ALL.into_iter().filter(|state| *state != PlanState::Approved) {
        let error =
            world.with(|inputs| take_up(&plan, state, &[], NOTHING_TRIED, inputs)).unwrap_err();
        assert_eq!(error, NotTakenUp::NotApproved { plan: plan.id, state });
    }
    let late = world.later("7d");
    let error = late
        .with(|inputs| take_up(&plan, PlanState::Approved, &[], NOTHING_TRIED, inputs))
        .unwrap_err();
    assert_eq!(error, NotTakenUp::Expired { plan: plan.id, at: plan.expires_at });
}

#[test]
fn a_plan_is_not_taken_up_where_the_settings_fit_no_more() {
    let world = world("ana: in Staff", STAFF);
    let plan = world.plan();
    let world = world.protecting(&["nobody@contoso.com"], &[]);
    let error = world
        .with(|inputs| take_up(&plan, PlanState::Approved, &[], NOTHING_TRIED, inputs))
        .unwrap_err();
    assert!(matches!(error, NotTakenUp::Unsettled(problems) if problems.len() == 1));
}

fn held_removals() -> World {
    world(
        "group Staff
         seats SPE_E5 1
         ana: disabled, SPE_E3
         ben: in Staff
         cem: in Down, SPE_E3
         dee: in Late",
        "leavers: disabled -> no all
         staff: Staff -> POWER_BI_PRO
         down: Down -> SPE_E5 on:TEAMS1 for SPE_E3; priority 5
         late: Late -> SPE_E5",
    )
    .set(|settings| settings.guards.max_removals.count = CountLimit::AtMost(0))
}

#[test]
fn removals_are_held_while_the_rest_goes_on_and_takes_no_seat_of_theirs() {
    let world = held_removals();
    let whole = world.plan();
    assert_snapshot!(show(&whole), @r"
        remove ana: -SPE_E3 risks mailbox risks files (leavers removed) [held by max_removals]
        add ben: +POWER_BI_PRO (staff matched)
        replace cem: +SPE_E5 off:MCOEV+SHAREPOINTENTERPRISE+YAMMER+EXCHANGE_S_ENTERPRISE -SPE_E3 risks mailbox risks files (down replaced, down matched) [held by max_removals]
        waiting 1 for SPE_E5: dee (late matched)
        max_removals SPE_E3: 2, and 0 owned, limit 0
        max_removals tenant: 2, and 0 owned, limit 0
    ");
    let part =
        world.with(|inputs| part(&whole, &|op| goes_on(op, &[]), inputs)).unwrap().unwrap().plan;
    assert_eq!(part.part_of, Some(whole.id));
    assert_snapshot!(show(&part), @r"
        add ben: +POWER_BI_PRO (staff matched)
        waiting 1 for SPE_E5: dee (late matched)
    ");
}

#[test]
fn a_plan_that_is_held_whole_or_not_at_all_has_no_rest() {
    let world = held_removals();
    let mut first = world.clone().set(|s| s.guards.first_plan = true);
    first.ledger = crate::plan::ledger::Ledger::default();
    let whole = first.plan();
    assert!(!has_part(&whole, &|op| goes_on(op, &[])));
    // Who accepts the one guard and not the other lets go on what only that one holds.
    assert!(has_part(&whole, &|op| goes_on(op, &[GuardName::FirstPlan])));
    let going_on = first
        .with(|inputs| part(&whole, &|op| goes_on(op, &[GuardName::FirstPlan]), inputs))
        .unwrap();
    let shown = show(&going_on.unwrap().plan);
    assert!(
        shown.starts_with("add ben: +POWER_BI_PRO (staff matched) [held by first_plan]\n"),
        "{shown}"
    );
    let unlimited = world.set(|s| s.guards.max_removals.count = CountLimit::Unlimited);
    assert!(!has_part(&unlimited.plan(), &|op| goes_on(op, &[])));
}

#[test]
fn what_came_after_the_held_plan_was_shown_is_not_in_its_part() {
    let world = held_removals();
    let whole = world.plan();
    let later = world.but("eve: in Staff, from DE, SPE_E3 by:leavers");
    let shown =
        later.with(|inputs| part(&whole, &|op| goes_on(op, &[]), inputs)).unwrap().unwrap().plan;
    assert!(shown.operations.iter().all(|op| whole.operations.iter().any(|of| of.key == op.key)));
    assert!(!later.plan().operations.is_empty());
}

#[test]
fn every_guard_that_tripped_is_accepted_by_name_and_with_a_reason() {
    let plan = held_removals().set(|settings| settings.guards.first_plan = true).plan();
    let both = [GuardName::MaxRemovals, GuardName::FirstPlan];
    let reason: Arc<str> = "agreed with HR".into();
    let blank: Arc<str> = "  ".into();
    let missing = |guards: &[GuardName]| Err(Missing::Guards(guards.to_vec()));
    assert_eq!(
        accept(&plan, &[], Some(&reason)),
        missing(&[GuardName::FirstPlan, GuardName::MaxRemovals])
    );
    assert_eq!(accept(&plan, &both[..1], Some(&reason)), missing(&both[1..]));
    assert_eq!(accept(&plan, &both, None), Err(Missing::Reason));
    assert_eq!(accept(&plan, &both, Some(&blank)), Err(Missing::Reason));
    assert_eq!(accept(&plan, &both, Some(&reason)), Ok(()));
    let clear = world("ana: in Staff", STAFF).plan();
    assert_eq!(accept(&clear, &[], None), Ok(()));
    let idle = Err(Missing::NotTripped(vec![GuardName::FirstPlan]));
    assert_eq!(accept(&clear, &both[1..], Some(&reason)), idle);
}
