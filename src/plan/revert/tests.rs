use std::collections::BTreeSet;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::Reverting;
use crate::domain::ids::UserId;
use crate::domain::known::Known;
use crate::plan::make::Planned;
use crate::plan::testing::cases::{AMPLE, SCARCE, SKUS, USERS, any_world};
use crate::plan::testing::{World, show, sku_id, world};
use crate::plan::{Asked, Digest, Operation, Plan};

fn all(plan: &Plan) -> BTreeSet<Digest> {
    plan.operations.iter().map(|operation| operation.key).collect()
}

/// What reverting a plan asks for, all of which took effect.
fn reverted(plan: &Plan, now: &World) -> Planned {
    now.once(Asked::Revert(&Reverting::of(plan, &all(plan)).unwrap()))
}

fn text(plan: &Plan, now: &World) -> String {
    // The plan's own name says nothing.
    show(&reverted(plan, now).plan).replace(&plan.id.to_string(), "P")
}

/// A tenant, the plan of its policies, and the tenant after it.
fn done(tenant: &str, policies: &str) -> (World, Plan, World) {
    let before = world(tenant, policies);
    let planned = before.planned();
    let after = before.carry_out(&planned);
    (before, planned.plan, after)
}

#[test]
fn what_was_given_is_taken_and_what_was_taken_comes_back_with_its_service_plans() {
    let (before, plan, after) = done(
        "ana: in Staff, SPE_E3 off:YAMMER\nben: in Staff, VISIO",
        "staff: Staff -> SPE_E5 for SPE_E3",
    );
    assert_snapshot!(text(&plan, &after), @"
    replace ana: +SPE_E3 off:YAMMER -SPE_E5 risks phone (revert reverted)
    remove ben: -SPE_E5 risks mailbox risks files risks phone (revert reverted)
    undone by staff (policies.yaml:1): removes SPE_E3 for 1
    undone by staff (policies.yaml:1): adds SPE_E5 for 2
    ");
    let back = after.carry_out(&reverted(&plan, &after));
    assert_eq!(back.users, before.users);
    assert!(back.ledger.is_empty());
    assert_snapshot!(text(&plan, &back), @"
    blocked ana: was changed since that plan, and is left as found (revert reverted)
    blocked ben: was changed since that plan, and is left as found (revert reverted)
    ");
}

#[test]
fn service_plans_that_were_changed_are_set_back() {
    let (before, plan, after) =
        done("ana: in Staff, SPE_E3 off:TEAMS1", "staff: Staff -> SPE_E3 off:YAMMER");
    assert_snapshot!(text(&plan, &after), @"
    modify ana: ~SPE_E3 off:TEAMS1 (revert reverted)
    undone by staff (policies.yaml:1): modifies SPE_E3 for 1
    ");
    assert_eq!(after.carry_out(&reverted(&plan, &after)).users, before.users);
}

#[test]
fn who_changed_since_is_named_and_left_as_found() {
    let tenant = "ana: in Staff, VISIO\nben: in Staff\ncem: in Staff\ndee: in Staff, from FR";
    let (_, plan, after) = done(tenant, "staff: Staff -> SPE_E3 for VISIO; set DE");
    let now = after.but(
        "ana: VISIO
         ben: SPE_E3 off:YAMMER
         dee: from AT",
    );
    assert_snapshot!(text(&plan, &now), @"
    remove cem: -SPE_E3 risks mailbox risks files (revert reverted)
    blocked ana: was changed since that plan, and is left as found (revert reverted)
    blocked ben: was changed since that plan, and is left as found (revert reverted)
    blocked dee: was changed since that plan, and is left as found (revert reverted)
    undone by staff (policies.yaml:1): adds SPE_E3 for 1
    ");
}

#[test]
fn what_others_did_to_other_skus_does_not_matter() {
    let (_, plan, after) = done("ana: in Staff", "staff: Staff -> SPE_E3");
    assert_snapshot!(text(&plan, &after.but("ana: VISIO")), @"
    remove ana: -SPE_E3 risks mailbox risks files (revert reverted)
    undone by staff (policies.yaml:1): adds SPE_E3 for 1
    ");
}

#[test]
fn a_location_is_set_back_to_another_and_never_cleared() {
    let tenant = "ana: in Staff, from FR\nben: in Staff, from nowhere";
    let (_, plan, after) = done(tenant, "staff: Staff -> SPE_E3; set DE");
    assert_snapshot!(text(&plan, &after), @"
    remove ana: -SPE_E3 from DE to FR risks mailbox risks files (revert reverted)
    remove ben: -SPE_E3 risks mailbox risks files (revert reverted)
    blocked ben: had no usage location before, and keeps the one that the plan set (revert reverted)
    undone by staff (policies.yaml:1): locates location for 1
    undone by staff (policies.yaml:1): adds SPE_E3 for 2
    ");
}

#[test]
fn the_protected_and_the_gone_are_named() {
    let (_, plan, after) =
        done("ana: in Staff\nben: in Staff\ncem: in Staff", "staff: Staff -> SPE_E3");
    let mut now = after.protecting(&["ana@contoso.com"], &[]);
    now.users.retain(|user| &*user.principal_name != "ben@contoso.com");
    assert_snapshot!(text(&plan, &now), @"
    remove cem: -SPE_E3 risks mailbox risks files (revert reverted)
    blocked ana: is protected: nothing touches the user (revert reverted)
    undone by staff (policies.yaml:1): adds SPE_E3 for 1
    warning (): ben@contoso.com is gone since plan P; left out
    ");
}

#[test]
fn what_had_no_effect_and_what_was_only_adopted_is_told_and_not_reverted() {
    let (_, plan, after) =
        done("ana: in Staff\nben: in Staff, SPE_E3\ncem: in Staff", "staff: Staff -> SPE_E3");
    let failed = |op: &&Operation| !op.user.principal_name.starts_with("cem");
    let done = plan.operations.iter().filter(failed).map(|operation| operation.key).collect();
    let reverting = Reverting::of(&plan, &done).unwrap();
    let shown = show(&after.once(Asked::Revert(&reverting)).plan);
    assert_snapshot!(shown.replace(&plan.id.to_string(), "P"), @"
    remove ana: -SPE_E3 risks mailbox risks files (revert reverted)
    undone by staff (policies.yaml:1): adds SPE_E3 for 1
    warning (): 1 operation of plan P had no effect; there is nothing to revert of that
    warning (): 1 operation of plan P only adopted; what policies own stays theirs
    ");
}

#[test]
fn a_plan_that_changed_nothing_cannot_be_reverted() {
    let (_, plan, _) = done("ana: in Staff, SPE_E3\nben: in Staff", "staff: Staff -> SPE_E3");
    let never_ran = Reverting::of(&plan, &BTreeSet::new()).unwrap_err();
    let said = format!("{never_ran} | {}", never_ran.hint().unwrap());
    assert_snapshot!(said.replace(&plan.id.to_string(), "P"), @"plan P changed nothing in the tenant: there is nothing to revert | what became of it: `seatkeeper history --plan P`");
    let adoption = plan.operations.iter().filter(|op| op.add.is_empty()).map(|op| op.key).collect();
    assert!(Reverting::of(&plan, &adoption).is_err());
}

#[test]
fn nobody_is_left_without_either_where_no_seat_is_left_to_come_back_to() {
    let (_, plan, after) =
        done("seats SPE_E3 1\nana: in Staff, SPE_E3", "staff: Staff -> SPE_E5 for SPE_E3");
    let mut now = after;
    now.sku("SPE_E3").units.enabled = 0;
    assert_snapshot!(text(&plan, &now), @"waiting 1 for SPE_E3: ana (revert reverted)");
    now.sku("SPE_E3").status = crate::domain::sku::SkuStatus::Suspended;
    assert_snapshot!(text(&plan, &now), @"blocked ana SPE_E3: the subscription is suspended or deleted: nobody can be given it (revert reverted)");
}

#[test]
fn nothing_is_taken_from_who_cannot_be_given_back_what_they_had_for_want_of_a_location() {
    let (_, plan, after) = done("ana: VISIO\nben: VISIO", "no-visio: everyone -> no VISIO");
    let now = after.but("ana: from nowhere\nben: from ?");
    assert_snapshot!(text(&plan, &now), @"
    blocked ana: needs a usage location, and has none (revert reverted)
    blocked ben: Graph did not return the user's usage location (revert reverted)
    ");
}

#[test]
fn what_a_policy_does_again_is_told() {
    let (_, plan, after) = done(
        "ana: in Staff, SPE_E3\nben: disabled, VISIO",
        "staff: Staff -> SPE_E5 for SPE_E3\nleavers: disabled -> no all",
    );
    assert_snapshot!(text(&plan, &after), @"
    replace ana: +SPE_E3 -SPE_E5 risks phone (revert reverted)
    add ben: +VISIO (revert reverted)
    undone by leavers (policies.yaml:2): removes VISIO for 1
    undone by staff (policies.yaml:1): removes SPE_E3 for 1
    undone by staff (policies.yaml:1): adds SPE_E5 for 1
    ");
}

/// Whom a plan says something about beside its operations.
fn named(plan: &Plan) -> BTreeSet<UserId> {
    let blocked = plan.blocked.iter().map(|blocked| blocked.user.id);
    blocked.chain(plan.waiting.iter().map(|waiting| waiting.user.id)).collect()
}

/// What reverting all of a plan that changed something asks for.
fn reverting(plan: &Plan) -> Option<Reverting> {
    Reverting::of(plan, &all(plan)).ok()
}

proptest! {
    /// Reverting a plan that was carried out gives what was before, but for whom it names.
    #[test]
    fn reverting_gives_what_was_before(world in any_world(SCARCE)) {
        let planned = world.planned();
        let after = world.carry_out(&planned);
        let Some(reverting) = reverting(&planned.plan) else { return Ok(()) };
        let revert = after.once(Asked::Revert(&reverting));
        let back = after.carry_out(&revert);
        let named = named(&revert.plan);
        for (before, back) in world.users.iter().zip(&back.users) {
            if !named.contains(&before.id) {
                prop_assert_eq!(before, back, "{}\nthen\n{}", world.text(), show(&revert.plan));
            }
        }
    }

    /// What was taken back is as before, and not as the plan left it: nobody is touched again.
    #[test]
    fn reverting_twice_touches_nobody(world in any_world(AMPLE)) {
        let planned = world.planned();
        let after = world.carry_out(&planned);
        let Some(reverting) = reverting(&planned.plan) else { return Ok(()) };
        let back = after.carry_out(&after.once(Asked::Revert(&reverting)));
        let again = back.once(Asked::Revert(&reverting)).plan;
        prop_assert!(again.operations.is_empty(), "{}\nthen\n{}", world.text(), show(&again));
    }

    /// Nobody is touched whom somebody changed since, in what the plan had touched.
    #[test]
    fn whoever_changed_since_is_not_touched(
        world in any_world(AMPLE), who in 0..USERS.len(), sku in prop::sample::select(&SKUS[..]),
    ) {
        let planned = world.planned();
        let after = world.carry_out(&planned);
        let Some(reverting) = reverting(&planned.plan) else { return Ok(()) };
        let user = &after.users[who % after.users.len()];
        let name = user.principal_name.split('@').next().unwrap().to_owned();
        let Known::Known(licenses) = &user.licenses else { return Ok(()) };
        let held = licenses.get(sku_id(sku)).is_some_and(|held| held.direct().is_some());
        let operation = planned.plan.operations.iter().find(|op| op.user.id == user.id);
        let touched = operation.is_some_and(|op| {
            op.add.iter().any(|add| &*add.sku.name == sku)
                || op.remove.iter().any(|removed| &*removed.name == sku)
        });
        let id = user.id;
        let no = if held { "no " } else { "" };
        let now = after.but(&format!("{name}: {no}{sku}"));
        let revert = now.once(Asked::Revert(&reverting)).plan;
        let untouched = revert.operations.iter().all(|op| op.user.id != id);
        prop_assert!(!touched || untouched, "{}\nthen\n{}", world.text(), show(&revert));
    }
}
