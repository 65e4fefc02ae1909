use insta::{assert_debug_snapshot, assert_snapshot};

use crate::plan::testing::{World, seats, world};
use crate::plan::{GuardName, Operation, PlanState};
use crate::policy::settings::{CountLimit, GuardSettings, Percent, PercentLimit, Reserve};

fn reserving(world: World, sku: &str, seats: u32) -> World {
    world.set(|settings| {
        let place = crate::domain::names::Place { file: "c.yaml".into(), line: 1, column: 1 };
        settings.reserve.insert(sku.into(), Reserve { seats, place });
    })
}

const STAFF: &str = "staff: Staff -> SPE_E3";
const THREE: &str = "ana: in Staff\nben: in Staff\ncem: in Staff";

#[test]
fn seats_are_given_by_priority_and_then_by_id() {
    let tenant = "seats SPE_E3 2
                  ana: in Staff
                  ben: in Staff
                  cem: in Staff, in Chiefs
                  dee: in Staff";
    let policies = "staff: Staff -> SPE_E3; priority -1
                    chiefs: Chiefs -> SPE_E3; priority 5";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @r"
        add ana: +SPE_E3 (staff matched)
        add cem: +SPE_E3 (chiefs matched, staff matched)
        waiting 1 for SPE_E3: ben (staff matched)
        waiting 2 for SPE_E3: dee (staff matched)
    ");
    assert_snapshot!(seats(&world.plan()), @"SPE_E3: 0 of 2, 0 reserved, 2 after, 2 waiting");
}

#[test]
fn who_holds_a_seat_keeps_it_whatever_the_priority_of_others() {
    let tenant = "seats SPE_E3 1
                  ana: in Chiefs
                  ben: in Staff, SPE_E3 by:staff";
    let policies = "staff: Staff -> SPE_E3
                    chiefs: Chiefs -> SPE_E3; priority 100";
    assert_snapshot!(world(tenant, policies).text(), @"waiting 1 for SPE_E3: ana (chiefs matched)");
}

#[test]
fn a_reserve_is_kept_free() {
    let world = world(&format!("{THREE}\nseats SPE_E3 3"), STAFF);
    let world = reserving(world, "SPE_E3", 2);
    assert_snapshot!(world.text(), @r"
        add ana: +SPE_E3 (staff matched)
        waiting 1 for SPE_E3: ben (staff matched)
        waiting 2 for SPE_E3: cem (staff matched)
    ");
    assert_snapshot!(seats(&world.plan()), @"SPE_E3: 0 of 3, 2 reserved, 1 after, 2 waiting");
}

#[test]
fn seats_in_warning_count_only_where_the_settings_say_so() {
    let world = world(&format!("{THREE}\nseats SPE_E3 1 warning 1"), STAFF);
    assert_snapshot!(seats(&world.plan()), @"SPE_E3: 0 of 1, 0 reserved, 1 after, 2 waiting");
    assert_snapshot!(seats(&world.set(|s| s.use_warning_seats = true).plan()), @"SPE_E3: 0 of 2, 0 reserved, 2 after, 1 waiting");
}

#[test]
fn where_more_is_used_than_there_is_the_first_seats_given_back_serve_nobody() {
    let tenant = "seats SPE_E3 1
                  ana: disabled, SPE_E3
                  ben: disabled, SPE_E3
                  cem: in Staff
                  dee: in Staff";
    let policies = "leavers: disabled -> no all
                    staff: Staff -> SPE_E3";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @r"
        remove ana: -SPE_E3 risks mailbox risks files (leavers removed)
        remove ben: -SPE_E3 risks mailbox risks files (leavers removed)
        add cem: +SPE_E3 (staff matched) [wave 1]
        waiting 1 for SPE_E3: dee (staff matched)
    ");
    assert_snapshot!(seats(&world.plan()), @"SPE_E3: 2 of 1, 0 reserved, 1 after, 1 waiting");
}

#[test]
fn what_is_given_back_refills_the_reserve_first() {
    let tenant = "seats SPE_E3 2\nana: disabled, SPE_E3\nben: SPE_E3\ncem: in Staff";
    let policies = "leavers: disabled -> no all\nstaff: Staff -> SPE_E3";
    assert_snapshot!(reserving(world(tenant, policies), "SPE_E3", 1).text(), @r"
        remove ana: -SPE_E3 risks mailbox risks files (leavers removed)
        waiting 1 for SPE_E3: cem (staff matched)
        unmanaged 1
    ");
}

#[test]
fn removals_free_the_seats_that_additions_of_the_same_plan_use() {
    let tenant = "seats SPE_E3 1\nana: in Staff\nben: disabled, SPE_E3";
    let policies = "leavers: disabled -> no all\nstaff: Staff -> SPE_E3";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @r"
        remove ben: -SPE_E3 risks mailbox risks files (leavers removed)
        add ana: +SPE_E3 (staff matched) [wave 1]
    ");
    assert_snapshot!(world.carry_out(&world.planned()).text(), @"nothing to do");
}

#[test]
fn a_seat_that_is_kept_through_a_group_is_not_freed() {
    let tenant = "group Sales
                  seats SPE_E3 1
                  ana: in Staff
                  ben: disabled, SPE_E3 direct via:Sales";
    let policies = "leavers: disabled -> no all\nstaff: Staff -> SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        remove ben: -SPE_E3 (leavers removed)
        waiting 1 for SPE_E3: ana (staff matched)
    ");
}

#[test]
fn swaps_in_a_chain_run_one_after_the_other() {
    let tenant = "seats SPE_E5 1
                  seats SPE_E3 1
                  seats SPE_F1 1
                  ana: in C, in A
                  ben: in B, SPE_F1
                  cem: in D, SPE_E3";
    let policies = "a: A -> SPE_F1
                    b: B -> SPE_E3 for SPE_F1
                    d: D -> SPE_E5 for SPE_E3";
    let world = world(tenant, policies);
    assert_snapshot!(world.text(), @r"
        replace cem: +SPE_E5 -SPE_E3 (d replaced, d matched)
        replace ben: +SPE_E3 -SPE_F1 (b matched, b replaced) [wave 1]
        add ana: +SPE_F1 (a matched) [wave 2]
    ");
    assert_snapshot!(world.carry_out(&world.planned()).text(), @"nothing to do");
}

#[test]
fn nobody_is_stripped_first_where_both_skus_are_full() {
    let tenant = "seats SPE_E5 1
                  seats SPE_E3 1
                  ana: in Up, SPE_E3
                  ben: in Down, SPE_E5";
    let policies = "up: Up -> SPE_E5 for SPE_E3
                    down: Down -> SPE_E3 for SPE_E5";
    assert_snapshot!(world(tenant, policies).text(), @r"
        blocked ana SPE_E5: 1 seat of SPE_E3 or SPE_E5 lets both move (up matched)
        blocked ben SPE_E3: 1 seat of SPE_E3 or SPE_E5 lets both move (down matched)
    ");
    let one_more = world(tenant, policies).but("seats SPE_E3 2");
    assert_snapshot!(one_more.text(), @r"
        replace ben: +SPE_E3 -SPE_E5 risks phone (down matched, down replaced)
        replace ana: +SPE_E5 -SPE_E3 (up replaced, up matched) [wave 1]
    ");
}

#[test]
fn who_waits_for_one_sku_gets_the_other_and_keeps_what_they_have() {
    let tenant = "seats SPE_E5 0\nana: in Up, SPE_E3, SPE_F1 by:up";
    let policies = "up: Up -> SPE_E5, VISIO for SPE_E3";
    assert_snapshot!(world(tenant, policies).text(), @r"
        add ana: +VISIO (up matched)
        waiting 1 for SPE_E5: ana (up matched)
    ");
}

#[test]
fn gains_and_losses_are_counted_over_all_skus() {
    let tenant = "group Sales
                  ana: in Up, SPE_E3 off:YAMMER
                  ben: in Down, SPE_E5
                  cem: in Down, SPE_E5, SPE_E3 via:Sales
                  dee: in Phone, SPE_E5 by:phone";
    let policies = "up: Up -> SPE_E5 for SPE_E3
                    down: Down -> SPE_F1 for SPE_E5
                    phone: Phone -> SPE_E5 off:MCOEV";
    let line = |op: &Operation| {
        let names = |plans: &[crate::plan::ServicePlanRef]| {
            plans.iter().map(|plan| plan.name.to_string()).collect::<Vec<_>>().join(" ")
        };
        let user = op.user.principal_name.split('@').next().unwrap();
        let (gains, loses) = (names(&op.gains), names(&op.loses));
        format!("{user} gains {gains}; loses {loses}; risks {:?}", op.data_at_risk)
    };
    let plan = world(tenant, policies).plan();
    let lines: Vec<String> = plan.operations.iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r"
        ana gains MCOEV YAMMER; loses ; risks []
        ben gains EXCHANGE_S_DESKLESS; loses EXCHANGE_S_ENTERPRISE MCOEV SHAREPOINTENTERPRISE YAMMER; risks [Files, Phone]
        cem gains EXCHANGE_S_DESKLESS; loses MCOEV; risks [Phone]
        dee gains ; loses MCOEV; risks [Phone]
    ");
}

#[test]
fn before_is_what_was_held_directly() {
    let tenant =
        "group Sales\nana: in Staff, VISIO off:VISIOONLINE, SPE_F1 via:Sales, SPE_E5 unsourced";
    let plan = world(tenant, STAFF).plan();
    let before: Vec<String> = plan.operations[0]
        .before
        .iter()
        .map(|held| format!("{} off {:?}", held.sku.name, held.disabled.len()))
        .collect();
    assert_snapshot!(before.join("\n"), @"VISIO off 1");
}

#[test]
fn everything_is_counted() {
    let tenant = "group Sales
                  group Board hidden
                  seats POWER_BI_PRO 0
                  ana: in Staff
                  ben: in Staff, SPE_E3
                  cem: in Staff, SPE_E3 by:staff off:YAMMER
                  dee: in Up, SPE_E3
                  eve: disabled, SPE_E3
                  fay: in Place
                  gus: SPE_E3 by:sales, VISIO by:gone
                  hal: in Staff, from nowhere
                  ian: in Bi
                  jon: SPE_F1";
    let policies = "staff: Staff -> SPE_E3 off:
                    up: Up -> SPE_E5 for SPE_E3
                    leavers: disabled -> no all
                    place: Place -> nothing; set FR
                    sales: Sales -> SPE_E3
                    bi: Bi -> POWER_BI_PRO
                    board: Board -> VISIO";
    let world = world(tenant, policies);
    assert_debug_snapshot!(world.plan().summary, @r"
        Summary {
            add: 1,
            replace: 1,
            remove: 1,
            modify: 1,
            locate: 1,
            adopt: 1,
            people: 5,
            unchanged: 4,
            blocked: 1,
            waiting: 1,
            scheduled: 1,
            released: 1,
            unmanaged: 1,
            unknown: 10,
        }
    ");
}

fn guarded(world: World) -> World {
    world.set(|settings| settings.guards = GuardSettings::default())
}

#[test]
fn a_person_looks_at_the_first_plan_of_a_tenant() {
    let world = guarded(world("ana: in Staff", STAFF));
    assert_snapshot!(world.text(), @r"
        add ana: +SPE_E3 (staff matched) [held by first_plan]
        first_plan tenant: the ledger is empty: 1 operation would be the first, limit a person looks at the first plan
    ");
    assert_eq!(world.planned().state, PlanState::Held);
    let after = world.carry_out(&world.planned());
    let after = after.but("ben: in Staff");
    assert_snapshot!(after.text(), @"add ben: +SPE_E3 (staff matched)");
    assert_eq!(after.planned().state, PlanState::Proposed);
}

fn leaving(owned: usize, gone: usize) -> World {
    let policies = "staff: Staff -> SPE_E3; grace 0";
    let user = |at: usize| {
        let group = if at < gone { "" } else { "in Staff, " };
        format!("u{at:03}: {group}SPE_E3 by:staff")
    };
    let users: Vec<String> = (0..owned).map(user).collect();
    guarded(world(&format!("group Staff\n{}", users.join("\n")), policies))
}

fn verdicts(world: &World) -> String {
    let plan = world.plan();
    let line = |verdict: &crate::plan::Verdict| {
        let tripped = if verdict.tripped { "tripped" } else { "clear" };
        let (guard, scope) = (verdict.guard.as_str(), &verdict.scope);
        format!("{guard} {scope}: {} of {}: {tripped}", verdict.actual, verdict.limit)
    };
    let is_asked = |verdict: &&crate::plan::Verdict| {
        matches!(verdict.guard, GuardName::FirstPlan | GuardName::MaxRemovals)
    };
    plan.guards.iter().filter(is_asked).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn more_than_the_limit_trips_and_the_limit_itself_does_not() {
    assert_snapshot!(verdicts(&leaving(100, 5)), @r"
        first_plan tenant: the ledger is not empty of a person looks at the first plan: clear
        max_removals SPE_E3: 5 of 100 owned of 5% of 100 owned, that is 5: clear
        max_removals tenant: 5 of 100 owned of 5% of 100 owned, that is 5: clear
    ");
    assert_snapshot!(verdicts(&leaving(100, 6)), @r"
        first_plan tenant: the ledger is not empty of a person looks at the first plan: clear
        max_removals SPE_E3: 6 of 100 owned of 5% of 100 owned, that is 5: tripped
        max_removals tenant: 6 of 100 owned of 5% of 100 owned, that is 5: tripped
    ");
}

#[test]
fn two_people_are_the_limit_while_few_are_owned() {
    assert_snapshot!(verdicts(&leaving(19, 2)), @r"
        first_plan tenant: the ledger is not empty of a person looks at the first plan: clear
        max_removals SPE_E3: 2 of 19 owned of 2 while fewer than 20 are owned: clear
        max_removals tenant: 2 of 19 owned of 2 while fewer than 20 are owned: clear
    ");
    assert_snapshot!(verdicts(&leaving(19, 3)), @r"
        first_plan tenant: the ledger is not empty of a person looks at the first plan: clear
        max_removals SPE_E3: 3 of 19 owned of 2 while fewer than 20 are owned: tripped
        max_removals tenant: 3 of 19 owned of 2 while fewer than 20 are owned: tripped
    ");
    assert_snapshot!(verdicts(&leaving(20, 2)), @r"
        first_plan tenant: the ledger is not empty of a person looks at the first plan: clear
        max_removals SPE_E3: 2 of 20 owned of 5% of 20 owned, that is 1: tripped
        max_removals tenant: 2 of 20 owned of 5% of 20 owned, that is 1: tripped
    ");
}

#[test]
fn of_count_and_share_the_stricter_holds() {
    let with = |count: CountLimit, percent: PercentLimit| {
        let world = leaving(100, 6).set(|settings| {
            settings.guards.max_removals.count = count;
            settings.guards.max_removals.percent = percent;
        });
        verdicts(&world).lines().last().unwrap().to_owned()
    };
    let percent = |percent| PercentLimit::AtMost(Percent::from_whole(percent));
    assert_snapshot!(with(CountLimit::AtMost(5), percent(50)), @"max_removals tenant: 6 of 100 owned of 5: tripped");
    assert_snapshot!(with(CountLimit::AtMost(50), percent(5)), @"max_removals tenant: 6 of 100 owned of 5% of 100 owned, that is 5: tripped");
    assert_snapshot!(with(CountLimit::AtMost(6), PercentLimit::Unlimited), @"max_removals tenant: 6 of 100 owned of 6: clear");
    assert_snapshot!(with(CountLimit::Unlimited, PercentLimit::Unlimited), @"max_removals tenant: 6 of 100 owned of unlimited: clear");
    assert_snapshot!(with(CountLimit::AtMost(0), PercentLimit::Unlimited), @"max_removals tenant: 6 of 100 owned of 0: tripped");
    assert_snapshot!(with(CountLimit::Unlimited, percent(0)), @"max_removals tenant: 6 of 100 owned of 0% of 100 owned, that is 0: tripped");
}

#[test]
fn zero_percent_forbids_where_few_are_owned_too() {
    let world = leaving(5, 1).set(|settings| {
        settings.guards.max_removals.percent = PercentLimit::AtMost(Percent::from_whole(0));
    });
    assert_snapshot!(verdicts(&world), @r"
        first_plan tenant: the ledger is not empty of a person looks at the first plan: clear
        max_removals SPE_E3: 1 of 5 owned of 0% of 5 owned, that is 0: tripped
        max_removals tenant: 1 of 5 owned of 0% of 5 owned, that is 0: tripped
    ");
}
