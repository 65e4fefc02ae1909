//! Laws that hold for every tenant, every set of policies and every ledger.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::user::Assignment;
use crate::plan::approval::{goes_on, part, take_up};
use crate::plan::make::Scope;
use crate::plan::testing::cases::{AMPLE, LONG, SCARCE, USERS, Wanted, any_blindness, any_world};
use crate::plan::testing::{NOTHING_TRIED, World};
use crate::plan::{BlockedReason, Operation, Plan, PlanState, Reason};
use crate::policy::settings::{CountLimit, Percent, PercentLimit};

/// Worlds in which every policy fits the tenant.
const SOUND: Wanted = Wanted { free: (0, 3), over: true, broken: false };

/// Which assignments a plan takes away.
fn removals(plan: &Plan) -> BTreeSet<(UserId, SkuId)> {
    let of = |operation: &Operation| {
        let user = operation.user.id;
        operation.remove.iter().map(move |sku| (user, sku.id)).collect::<Vec<_>>()
    };
    plan.operations.iter().flat_map(of).collect()
}

/// Which assignments a plan leaves for one of these reasons.
fn withheld(plan: &Plan, reasons: &[BlockedReason]) -> BTreeSet<(UserId, SkuId)> {
    let all = plan.blocked.iter().filter(|blocked| reasons.contains(&blocked.reason));
    all.filter_map(|blocked| Some((blocked.user.id, blocked.sku.as_ref()?.id))).collect()
}

fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut keyed: Vec<(u64, T)> = items
        .iter()
        .enumerate()
        .map(|(at, item)| ((at as u64 + 1).wrapping_mul(seed | 1).rotate_left(17), item.clone()))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

proptest! {
    /// A plan that has been carried out leaves nothing to plan. (Where something could not be told,
    /// what doubt held back may follow once the rest is settled.)
    #[test]
    fn planning_settles_at_once_where_there_are_seats(world in any_world(AMPLE)) {
        let planned = world.planned();
        let mut after = world.carry_out(&planned);
        if !planned.plan.unknown.is_empty() {
            after = after.carry_out(&after.planned());
        }
        prop_assert!(after.plan().operations.is_empty(),
            "{}\nthen\n{}", world.text(), after.text());
    }

    /// With few seats a call may wait for what the call of another gives back; it comes to rest.
    #[test]
    fn planning_settles_however_scarce_seats_are(world in any_world(SCARCE)) {
        let mut world = world;
        for _ in 0..6 {
            let planned = world.planned();
            if planned.plan.operations.is_empty() {
                return Ok(());
            }
            world = world.carry_out(&planned);
        }
        prop_assert!(world.plan().operations.is_empty(), "{}", world.text());
    }

    /// Grace runs out and what was scheduled goes; then, too, it comes to rest.
    #[test]
    fn planning_settles_when_every_grace_is_over(world in any_world(AMPLE)) {
        // What is let go by a policy that is gone takes its clocks along, and they begin anew; those
        // of policies whose window opens begin then.
        let mut world = world.carry_out(&world.planned());
        for _ in 0..3 {
            world = world.carry_out(&world.planned());
            world.now = LONG.after(world.now);
        }
        let planned = world.planned();
        prop_assert!(planned.plan.scheduled.is_empty(), "{}", world.text());
        let mut after = world.carry_out(&planned);
        if !planned.plan.unknown.is_empty() {
            after = after.carry_out(&after.planned());
        }
        prop_assert!(after.plan().operations.is_empty(), "{}\nthen\n{}", world.text(), after.text());
    }

    /// What having looked writes down is written down once.
    #[test]
    fn looking_again_sees_nothing_new(world in any_world(SCARCE)) {
        let mut seen = world.clone();
        seen.observe();
        prop_assert_eq!(seen.planned().observed, vec![]);
        prop_assert_eq!(removals(&seen.plan()), removals(&world.plan()));
    }

    /// The same inputs give the same plan, byte for byte.
    #[test]
    fn the_same_inputs_give_the_same_plan(world in any_world(SCARCE)) {
        prop_assert_eq!(format!("{:?}", world.planned()), format!("{:?}", world.clone().planned()));
    }

    /// Users and groups come in any order.
    #[test]
    fn the_order_of_users_and_groups_does_not_matter(world in any_world(SCARCE), seed: u64) {
        let mut other = world.clone();
        other.users = shuffled(&world.users, seed);
        other.groups = shuffled(&world.groups, seed);
        other.skus = shuffled(&world.skus, seed);
        prop_assert_eq!(format!("{:?}", world.planned()), format!("{:?}", other.planned()));
    }

    /// Policies come in any order; only what is told of the policies themselves follows the files.
    #[test]
    fn the_order_of_policies_does_not_matter(world in any_world(SCARCE), seed: u64) {
        let mut other = world.clone();
        other.policies.policies = shuffled(&world.policies.policies, seed);
        let sorted = |world: &World| {
            let mut plan = world.plan();
            plan.unknown.sort_by(|a, b| a.policy.cmp(&b.policy));
            plan.left_out.sort_by(|a, b| (&a.policy, &a.problem).cmp(&(&b.policy, &b.problem)));
            // Of what several policies say alike, the first place is told.
            plan.warnings.iter_mut().for_each(|warning| warning.at = "".into());
            plan.warnings.sort_by(|a, b| a.message.cmp(&b.message));
            plan.digest = crate::plan::digest::plan(&plan);
            plan.id = crate::plan::PlanId(ulid::Ulid::nil());
            format!("{plan:?}")
        };
        prop_assert_eq!(sorted(&world), sorted(&other));
    }

    /// Nothing touches the protected.
    #[test]
    fn the_protected_are_untouched(world in any_world(SCARCE), who in 0..USERS.len()) {
        let who = USERS[who % world.users.len()];
        let upn = format!("{who}@contoso.com");
        let plan = world.protecting(&[&upn], &[]).plan();
        let touched = plan.operations.iter().any(|op| *op.user.principal_name == *upn);
        prop_assert!(!touched);
    }

    /// What is removed is a direct assignment of known source, and a policy names it or owns it.
    #[test]
    fn a_removal_has_its_proof(world in any_world(SCARCE)) {
        let snapshot = world.snapshot();
        for operation in &world.plan().operations {
            let licenses = snapshot.user(operation.user.id).unwrap().licenses.value().unwrap();
            for sku in &operation.remove {
                let held = licenses.get(sku.id).and_then(Assignment::direct);
                prop_assert!(held.is_some());
                let owners = world.ledger.owners.get(&(operation.user.id, sku.id));
                let proof = operation.because.iter().filter(|why| why.sku.as_ref() == Some(sku));
                let mut proofs = 0;
                for why in proof {
                                proofs += 1;
                    match why.reason {
                        Reason::Removed
                        | Reason::Replaced
                        | Reason::Outranked
                        | Reason::SteppedDown => {}
                        Reason::Left | Reason::Withdrawn | Reason::Exchanged => {
                            prop_assert!(owners.is_some_and(|o| o.contains_key(&why.policy)));
                        }
                        Reason::Matched | Reason::Located | Reason::Requested | Reason::Reverted => {
                            prop_assert!(false, "{why:?}");
                        }
                    }
                    let known = world.policies.policies.iter().any(|p| p.name == why.policy);
                    prop_assert!(known);
                }
                prop_assert!(proofs > 0);
            }
        }
    }

    /// On a ladder a user holds one rung of what policies want, whatever else they hold; and nobody is
    /// moved down from what no policy gave.
    #[test]
    fn a_user_holds_one_rung_of_a_ladder(world in any_world(AMPLE)) {
        let planned = world.planned();
        let after = world.carry_out(&planned);
        let told = |user: UserId| {
            planned.plan.blocked.iter().any(|blocked| blocked.user.id == user)
                || planned.plan.scheduled.iter().any(|scheduled| scheduled.user.id == user)
        };
        let unread = !planned.plan.unknown.is_empty() || !planned.plan.left_out.is_empty();
        for ladder in &world.policies.ladders {
            let rungs: Vec<SkuId> = ladder
                .rungs.iter().map(|rung| crate::plan::testing::sku_id(&rung.value)).collect();
            for (before, user) in world.users.iter().zip(&after.users) {
                let Some(licenses) = user.licenses.value() else { continue };
                let held = |sku: &SkuId| licenses.get(*sku).is_some_and(|a| a.direct().is_some());
                let granted = planned.plan.operations.iter().any(|op| op.user.id == user.id
                    && op.add.iter().any(|a| !a.held && rungs.contains(&a.sku.id)));
                if granted && !told(user.id) && !unread {
                    let count = rungs.iter().filter(|rung| held(rung)).count();
                    prop_assert_eq!(count, 1, "{:?} of {:?}\n{}", user.id, before, world.text());
                }
            }
        }
        for operation in &planned.plan.operations {
            for why in operation.because.iter().filter(|why| why.reason == Reason::SteppedDown) {
                let sku = why.sku.as_ref().unwrap().id;
                let owned = world.ledger.owners.contains_key(&(operation.user.id, sku));
                let asked = operation.because.iter().any(|other| {
                    other.sku == why.sku && other.reason == Reason::Removed
                });
                let replaced = world.policies.policies.iter().any(|policy| {
                    matches!(policy.action, crate::policy::Action::Replace { .. })
                });
                prop_assert!(owned || asked || replaced);
            }
        }
    }

    /// Inherited is never removed: whatever groups give is there afterwards.
    #[test]
    fn what_groups_give_is_never_removed(world in any_world(SCARCE)) {
        let after = world.carry_out(&world.planned());
        for (before, after) in world.users.iter().zip(&after.users) {
            let (Some(before), Some(after)) = (before.licenses.value(), after.licenses.value()) else {
                continue;
            };
            for held in &before.assignments {
                let still = after.get(held.sku).map(Assignment::inherited).unwrap_or_default();
                prop_assert_eq!(held.inherited(), still);
            }
        }
    }

    /// However scarce seats are, nobody is given a rung below one that they hold and keep. (Where
    /// something could not be told, what would step down stays.)
    #[test]
    fn nobody_is_given_a_rung_below_one_that_stays(world in any_world(SCARCE)) {
        let plan = world.plan();
        if !plan.unknown.is_empty() || !plan.left_out.is_empty() {
            return Ok(());
        }
        let snapshot = world.snapshot();
        for ladder in &world.policies.ladders {
            let rungs: Vec<SkuId> = ladder
                .rungs.iter().map(|rung| crate::plan::testing::sku_id(&rung.value)).collect();
            for operation in &plan.operations {
                let licenses = snapshot.user(operation.user.id).unwrap().licenses.value().unwrap();
                for addition in operation.add.iter().filter(|a| licenses.get(a.sku.id).is_none()) {
                    let place = rungs.iter().position(|rung| *rung == addition.sku.id);
                    let goes = |rung: &SkuId| operation.remove.iter().any(|sku| sku.id == *rung);
                    let above = &rungs[..place.unwrap_or_default()];
                    let stays = above.iter().find(|r| licenses.get(**r).is_some() && !goes(r));
                    prop_assert!(stays.is_none(), "{}", world.text());
                }
            }
        }
    }

    /// Every operation says why, is the only one of its user, and has a key of its own.
    #[test]
    fn an_operation_says_why_and_is_its_users_only_one(world in any_world(SCARCE)) {
        let plan = world.plan();
        let users: BTreeSet<UserId> = plan.operations.iter().map(|op| op.user.id).collect();
        let keys: BTreeSet<_> = plan.operations.iter().map(|op| op.key).collect();
        prop_assert_eq!(users.len(), plan.operations.len());
        prop_assert_eq!(keys.len(), plan.operations.len());
        for operation in &plan.operations {
            prop_assert!(!operation.because.is_empty());
            for sku in operation.add.iter().map(|a| &a.sku).chain(&operation.remove)
                .chain(operation.adopt.iter().map(|a| &a.sku))
            {
                prop_assert!(operation.because.iter().any(|why| why.sku.as_ref() == Some(sku)));
            }
        }
    }

    /// A lost ledger removes too little, never too much. What a policy takes away by name goes with
    /// or without a ledger, as does a rung beside one that stays. Forgotten with it is only that an
    /// owner could not be decided, or that what needs it stays, and that both wait for what a user
    /// would step down to from a rung that was owned, and cannot have or may not.
    #[test]
    fn an_emptied_ledger_adds_no_removal(world in any_world(AMPLE)) {
        let mut lost = world.clone();
        // What refusals taught spares calls that Graph refuses: without it they are planned, and
        // change nothing.
        let lessons = lost.ledger.lessons;
        lost.ledger = crate::plan::ledger::Ledger { lessons, ..Default::default() };
        let (plan, poorer) = (world.plan(), lost.plan());
        let (mut with, without) = (removals(&plan), removals(&poorer));
        let reasons = [BlockedReason::Unreadable, BlockedReason::MissingServicePlan];
        with.extend(withheld(&plan, &reasons));
        let waits = |op: &&Operation| {
            !plan.unknown.is_empty() || plan.blocked.iter().any(|b| b.user.id == op.user.id)
        };
        for operation in poorer.operations.iter().filter(waits) {
            let waits = operation.because.iter().filter(|why| {
                matches!(why.reason, Reason::Replaced | Reason::Outranked | Reason::SteppedDown)
            });
            with.extend(waits.filter_map(|why| Some((operation.user.id, why.sku.as_ref()?.id))));
        }
        prop_assert!(without.is_subset(&with), "{}\nthen\n{}", world.text(), lost.text());
    }

    /// What cannot be read never takes anything away. Only of several SKUs that all are to go, and one
    /// of which has to stay because of its service plans, it may be another that stays.
    #[test]
    fn making_anything_unknown_never_adds_a_removal(
        world in any_world(AMPLE), blindness in any_blindness(),
    ) {
        let blind = blindness.of(&world);
        let (plan, unseen) = (world.plan(), removals(&blind.plan()));
        let mut seen = removals(&plan);
        seen.extend(withheld(&plan, &[BlockedReason::MissingServicePlan]));
        prop_assert!(unseen.is_subset(&seen), "{}\nthen\n{}", world.text(), blind.text());
    }

    /// A policy that does not fit the tenant takes no part, and nothing that it owns is removed.
    #[test]
    fn a_policy_with_an_error_never_adds_a_removal(world in any_world(AMPLE), which: usize) {
        if world.policies.policies.is_empty() {
            return Ok(());
        }
        let mut broken = world.clone();
        let at = which % world.policies.policies.len();
        let policy = &mut broken.policies.policies[at];
        policy.selector = crate::plan::testing::selector("Nowhere");
        let name = policy.name.clone();
        // Nobody asks the selector of a policy that is for other tenants, or retired.
        let elsewhere = policy.tenants.is_some() || policy.retired;
        let plan = broken.plan();
        if !elsewhere {
            for (user, sku) in removals(&plan) {
                let owners = world.ledger.owners.get(&(user, sku));
                prop_assert!(!owners.is_some_and(|owners| owners.contains_key(&name)));
            }
        }
        let mut because = plan.operations.iter().flat_map(|op| &op.because);
        prop_assert!(elsewhere || because.all(|why| why.policy != name));
    }

    /// No count of seats goes below zero at any step, whatever the order within a wave.
    #[test]
    fn seats_never_go_below_zero(world in any_world(SCARCE), seed: u64) {
        let mut planned = world.planned();
        let mut operations = shuffled(&planned.plan.operations, seed);
        operations.sort_by_key(|op| op.wave);
        // Within a wave, those who give back come last: the worst order there is.
        operations.sort_by_key(|op| (op.wave, !op.remove.is_empty()));
        planned.plan.operations = operations;
        let after = world.carry_out(&planned);
        for (before, after) in world.skus.iter().zip(&after.skus) {
            let line = planned.plan.seats.iter().find(|line| line.sku.id == after.id);
            let Some(line) = line else {
                prop_assert_eq!(before.consumed, after.consumed);
                continue;
            };
            prop_assert_eq!(u64::from(after.consumed), line.after);
            // What is kept free stays free, unless it was taken already.
            if line.after > line.consumed {
                prop_assert!(line.after + line.reserved <= line.total);
            }
        }
    }

    /// Who waits for a seat is told so once, with a place in the queue that counts from 1.
    #[test]
    fn queues_count_from_one(world in any_world(SCARCE)) {
        let mut next: BTreeMap<SkuId, u64> = BTreeMap::new();
        for waiting in &world.plan().waiting {
            let place = next.entry(waiting.sku.id).or_insert(1);
            prop_assert_eq!(waiting.position, *place);
            *place += 1;
            prop_assert!(!waiting.because.is_empty());
        }
    }

    /// A stricter limit lets no more through.
    #[test]
    fn stricter_guards_let_no_more_through(
        world in any_world(SCARCE), limits in [0u64..4, 0u64..4], shares in [0u32..101, 0u32..101],
    ) {
        let with = |count: u64, percent: u32| {
            let plan = world.clone().set(|settings| {
                settings.guards.max_removals.count = CountLimit::AtMost(count);
                settings.guards.max_removals.percent =
                    PercentLimit::AtMost(Percent::from_whole(percent));
            }).plan();
            let free = |op: &&Operation| op.held_by.is_empty();
            plan.operations.iter().filter(free).map(|op| op.key).collect::<BTreeSet<_>>()
        };
        let strict = with(limits[0].min(limits[1]), shares[0].min(shares[1]));
        let loose = with(limits[0].max(limits[1]), shares[0].max(shares[1]));
        prop_assert!(strict.is_subset(&loose));
    }

    /// The part of a plan that no guard holds does nothing that the whole would not do.
    #[test]
    fn a_part_has_only_operations_of_the_whole(world in any_world(SCARCE)) {
        let world = world.set(|settings| {
            settings.guards.max_removals.count = CountLimit::AtMost(0);
        });
        let whole = world.plan();
        let part = world.with(|inputs| part(&whole, &|op| goes_on(op, &[]), inputs)).unwrap();
        let Some(part) = part.map(|part| part.plan) else { return Ok(()) };
        prop_assert_eq!(part.part_of, Some(whole.id));
        for operation in &part.operations {
            prop_assert!(whole.operations.iter().any(|op| op.key == operation.key));
            let of_whole = whole.operations.iter().find(|op| op.user.id == operation.user.id);
            let Some(of_whole) = of_whole else {
                prop_assert!(false, "{}\npart\n{}", world.text(), crate::plan::testing::show(&part));
                return Ok(());
            };
            prop_assert!(of_whole.held_by.is_empty());
            prop_assert!(operation.add.iter().all(|a| of_whole.add.contains(a)));
            prop_assert!(operation.remove.iter().all(|sku| of_whole.remove.contains(sku)));
        }
    }

    /// What was approved and is still so runs, all of it; carried out, it is known as done.
    #[test]
    fn an_approved_plan_runs_whole_where_nothing_changed(world in any_world(SCARCE)) {
        let plan = world.plan();
        let mut later = world.clone();
        later.observe();
        let taken = later.with(|inputs| take_up(&plan, PlanState::Approved, &[], NOTHING_TRIED, inputs)).unwrap();
        let keys = |operations: &[Operation]| {
            operations.iter().map(|op| op.key).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(keys(taken.approved.operations()), keys(&plan.operations));
        prop_assert_eq!(taken.unapproved, 0);
        let done = world.carry_out(&world.planned());
        let taken = done.with(|inputs| take_up(&plan, PlanState::Approved, &[], NOTHING_TRIED, inputs)).unwrap();
        prop_assert!(taken.approved.operations().is_empty());
        let keys: Vec<_> = plan.operations.iter().map(|op| op.key).collect();
        prop_assert_eq!((taken.stale, taken.already_done), (vec![], keys));
    }

    /// Whatever the tenant has become, nothing runs that was not approved, and every operation of
    /// the plan has exactly one fate.
    #[test]
    fn nothing_unapproved_runs(world in any_world(SCARCE), other in any_world(SCARCE)) {
        let plan = world.plan();
        let mut changed = other;
        changed.policies = world.policies.clone();
        let taken = changed.with(|inputs| take_up(&plan, PlanState::Approved, &[], NOTHING_TRIED, inputs)).unwrap();
        let approved: BTreeSet<_> = plan.operations.iter().map(|op| op.key).collect();
        let runs: Vec<_> = taken.approved.operations().iter().map(|op| op.key).collect();
        prop_assert!(runs.iter().all(|key| approved.contains(key)));
        let mut fates: Vec<_> =
            runs.into_iter().chain(taken.stale).chain(taken.already_done).collect();
        fates.sort();
        prop_assert_eq!(fates, approved.into_iter().collect::<Vec<_>>());
        // What runs runs without being refused, whoever is left out.
        let mut planned = taken.planned;
        planned.plan.operations = taken.approved.operations().to_vec();
        changed.carry_out(&planned);
    }

    /// Leaving users out leaves them out, and gives the others no call that Graph would refuse.
    #[test]
    fn a_part_leaves_out_whom_it_should(
        world in any_world(SOUND), who in prop::collection::btree_set(0..USERS.len(), 0..3),
    ) {
        let users: BTreeSet<UserId> =
            who.iter().map(|at| crate::plan::testing::user_id(USERS[*at])).collect();
        let scope = Scope::Without { part_of: None, users: users.clone() };
        let part = world.with(|inputs| crate::plan::make::make_for(inputs, &scope)).unwrap();
        prop_assert!(part.plan.operations.iter().all(|op| !users.contains(&op.user.id)));
        world.carry_out(&part);
    }

    /// Explaining says of each SKU what the plan does with it.
    #[test]
    fn explaining_agrees_with_the_plan(world in any_world(SCARCE)) {
        let plan = world.plan();
        for user in &world.users {
            let told = world
                .with(|inputs| crate::plan::explain::explain(inputs, user.id, None))
                .unwrap().unwrap();
            let operation = plan.operations.iter().find(|op| op.user.id == user.id);
            for sku in operation.into_iter().flat_map(|op| &op.remove) {
                let said = told.skus.iter().find(|said| said.sku == *sku).unwrap();
                prop_assert!(said.steps.iter().any(|step| step.words().starts_with("it is removed")));
                prop_assert!(!said.wanted);
            }
            for said in told.skus.iter().filter(|said| !said.steps.is_empty()) {
                let spoken = plan.operations.iter().any(|op| op.user.id == user.id)
                    || plan.blocked.iter().any(|b| b.user.id == user.id)
                    || plan.waiting.iter().any(|w| w.user.id == user.id)
                    || plan.scheduled.iter().any(|s| s.user.id == user.id)
                    || plan.released.iter().any(|r| r.user.id == user.id);
                prop_assert!(spoken, "{:?}", said.steps);
            }
        }
    }
}
