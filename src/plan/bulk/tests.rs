use std::sync::Arc;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{Bulk, BulkOrder, Change, Selection, Skus};
use crate::plan::approval::take_up;
use crate::plan::make::Planned;
use crate::plan::revert::Reverting;
use crate::plan::testing::cases::{AMPLE, GROUPS, SCARCE, SKUS, any_world};
use crate::plan::testing::{NOTHING_TRIED, World, show, world};
use crate::plan::{Asked, PlanState, RequestError};
use crate::policy::settings::{CountLimit, PercentLimit};

/// Reads `add SPE_E5; group Staff`, `replace SPE_E5 for all; user ana@contoso.com; in FR`.
fn order(text: &str) -> BulkOrder {
    let mut parts = text.split("; ");
    let change = parts.next().unwrap();
    let listed = |text: &str| text.split(", ").map(Arc::from).collect::<Vec<Arc<str>>>();
    let which = |text: &str| if text == "all" { Skus::All } else { Skus::Listed(listed(text)) };
    let change = match change.split_once(' ').unwrap() {
        ("add", skus) => Change::Add { skus: listed(skus) },
        ("remove", skus) => Change::Remove { skus: which(skus) },
        ("replace", skus) => {
            let (given, taken) = skus.split_once(" for ").unwrap();
            Change::Replace { skus: listed(given), replaces: which(taken) }
        }
        (other, _) => panic!("{other}"),
    };
    let selection = match parts.next().unwrap().split_once(' ').unwrap() {
        ("user", users) => Selection::Users(listed(users)),
        ("group", group) => Selection::Group(group.into()),
        ("ou", ou) => Selection::Ou(ou.parse().unwrap()),
        ("domain", domain) => Selection::Domain(domain.into()),
        ("search", text) => Selection::Search(text.into()),
        ("csv", rows) => {
            let rows = listed(rows).into_iter().enumerate();
            let row = |(at, user): (usize, Arc<str>)| (u32::try_from(at).unwrap() + 2, user);
            Selection::Csv { file: "leavers.csv".into(), rows: rows.map(row).collect() }
        }
        (other, _) => panic!("{other}"),
    };
    let usage_location = parts.next().map(|text| text[3..].parse().unwrap());
    BulkOrder { change, usage_location, selection }
}

fn resolved(world: &World, text: &str) -> Result<Bulk, RequestError> {
    order(text).resolve(&world.tenant, &world.snapshot(), world.now)
}

fn planned(world: &World, text: &str) -> Planned {
    world.once(Asked::Bulk(&resolved(world, text).unwrap()))
}

fn text(world: &World, text: &str) -> String {
    show(&planned(world, text).plan)
}

fn error(world: &World, text: &str) -> String {
    let error = resolved(world, text).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

#[test]
fn a_bulk_add_gives_what_is_missing_and_owns_nothing() {
    let world = world("ana: in Staff\nben: in Staff, SPE_E3\ncem:", "");
    let planned = planned(&world, "add SPE_E3; group Staff");
    assert_snapshot!(show(&planned.plan), @"add ana: +SPE_E3 (bulk requested)");
    assert!(planned.plan.operations[0].add[0].owners.is_empty());
    let after = world.carry_out(&planned);
    assert!(after.ledger.is_empty());
    assert_snapshot!(text(&after, "add SPE_E3; group Staff"), @"nothing to do");
}

#[test]
fn a_bulk_replace_swaps_in_one_call_and_only_what_is_named() {
    let world = world("ana: SPE_E3, VISIO\nben: SPE_E3 off:YAMMER", "");
    assert_snapshot!(text(&world, "replace SPE_E5 for SPE_E3; domain contoso.com"), @"
    replace ana: +SPE_E5 -SPE_E3 (bulk requested)
    replace ben: +SPE_E5 -SPE_E3 (bulk requested)
    ");
    assert_snapshot!(text(&world, "replace SPE_E5 for all; search ANA"), @"replace ana: +SPE_E5 -SPE_E3 -VISIO (bulk requested)");
}

#[test]
fn a_bulk_remove_takes_at_once_what_policies_own_and_forgets_it_when_it_is_done() {
    let tenant = "ana: in Staff, SPE_E3 by:staff, VISIO";
    let world = world(tenant, "staff: Staff -> SPE_E3; grace 30d");
    let planned = planned(&world, "remove all; user ana@contoso.com");
    assert_snapshot!(show(&planned.plan), @"
    remove ana: -SPE_E3 -VISIO risks mailbox risks files (bulk requested)
    undone by staff (policies.yaml:1): adds SPE_E3 for 1
    ");
    assert!(world.carry_out(&planned).ledger.is_empty());
}

#[test]
fn a_bulk_change_lets_nothing_go_that_policies_own() {
    let tenant = "ana: SPE_E3 by:gone, VISIO by:staff\nben: in Staff, SPE_E3";
    let world = world(tenant, "staff: Staff -> SPE_E3; grace 0");
    let planned = planned(&world, "add POWER_BI_PRO; domain contoso.com");
    assert_eq!(planned.observed, []);
    assert_snapshot!(show(&planned.plan), @"
    add ana: +POWER_BI_PRO (bulk requested)
    add ben: +POWER_BI_PRO (bulk requested)
    ");
}

#[test]
fn every_selection_selects_as_the_filters_of_users_do() {
    let world = world("ana: in Staff\nben: below Staff, called ben@fabrikam.com\neve: guest", "");
    let who = |selection: &str| {
        let found = resolved(&world, &format!("add VISIO; {selection}")).unwrap().request;
        let name = |id| world.snapshot().user(id).unwrap().principal_name.to_string();
        let names: Vec<String> = found.users.into_iter().map(name).collect();
        format!("{}: {}", found.selection, names.join(" "))
    };
    assert_snapshot!(who("group Staff"), @"group Staff: ana@contoso.com ben@fabrikam.com");
    assert_snapshot!(who("domain CONTOSO.com"), @"domain CONTOSO.com: ana@contoso.com eve@contoso.com");
    assert_snapshot!(who("search Fabrik"), @"search `Fabrik`: ben@fabrikam.com");
    assert_snapshot!(who("user EVE@contoso.com"), @"user EVE@contoso.com: eve@contoso.com");
    assert_snapshot!(who("csv ben@fabrikam.com, ana@contoso.com"), @"2 rows of leavers.csv: ana@contoso.com ben@fabrikam.com");
}

#[test]
fn the_users_of_an_ou_are_those_below_it() {
    let mut world = world("ana:\nben:", "");
    let dn = "CN=Ana,OU=Berlin,OU=Sales,DC=contoso,DC=com".parse().unwrap();
    world.user("ana").distinguished_name = crate::domain::known::Known::Known(Some(dn));
    assert_snapshot!(text(&world, "add VISIO; ou OU=Sales,DC=contoso,DC=com"), @"add ana: +VISIO (bulk requested)");
    assert_snapshot!(error(&world, "add VISIO; ou OU=Rome,DC=contoso,DC=com"), @"nobody is selected: no user fits OU OU=Rome,DC=contoso,DC=com | `seatkeeper users` lists users by the same filters");
}

#[test]
fn what_does_not_exist_is_told_with_what_was_meant_and_nothing_is_planned() {
    let world = world("ana: in Staff", "");
    assert_snapshot!(error(&world, "add SPE_E33; group Staff"), @"unknown SKU `SPE_E33` | tenant `contoso` has `SPE_E3`");
    assert_snapshot!(error(&world, "replace SPE_E5 for VISO; group Staff"), @"unknown SKU `VISO` | tenant `contoso` has `VISIO`");
    assert_snapshot!(error(&world, "add SPE_E3; group Stafff"), @"unknown group `Stafff` | tenant `contoso` has `Staff`");
    assert_snapshot!(error(&world, "add SPE_E3; user anna@contoso.com, ana@contoso.com"), @"no user `anna@contoso.com` in the tenant: did you mean `ana@contoso.com`? | `seatkeeper users --search TEXT` finds users");
    assert_snapshot!(error(&world, "add SPE_E3; domain fabrikam.com"), @"nobody is selected: no user fits domain fabrikam.com | `seatkeeper users` lists users by the same filters");
    assert_snapshot!(error(&world, "add COMPANY; group Staff"), @"SKU `COMPANY` belongs to the company and cannot be assigned | remove it from the policy");
}

#[test]
fn rows_of_a_file_that_fit_nobody_are_warnings_with_their_line() {
    let world = world("ana:", "");
    assert_snapshot!(text(&world, "add VISIO; csv zoe@contoso.com, ana@contoso.com"), @"
    add ana: +VISIO (bulk requested)
    warning (leavers.csv:2): no user `zoe@contoso.com` in the tenant
    ");
    assert_snapshot!(error(&world, "add VISIO; csv zoe@contoso.com"), @"nobody is selected: no user fits 1 row of leavers.csv | `seatkeeper users` lists users by the same filters");
}

#[test]
fn who_cannot_be_told_to_be_selected_is_left_alone_and_counted() {
    let world = world("group Board hidden\nana: in Board\nben:", "");
    assert_snapshot!(text(&world, "add VISIO; group Board"), @"
    add ana: +VISIO (bulk requested)
    warning (): group Board: cannot be told of 1 user, who are left alone
    ");
}

#[test]
fn the_protected_are_named_and_left_alone() {
    let world = world("ana: in Staff, SPE_E3\nben: in Staff, SPE_E3", "");
    let world = world.protecting(&["ana@contoso.com"], &[]);
    assert_snapshot!(text(&world, "remove SPE_E3; group Staff"), @"
    remove ben: -SPE_E3 risks mailbox risks files (bulk requested)
    blocked ana: is protected: nothing touches the user (bulk requested)
    ");
}

#[test]
fn a_location_is_set_where_it_differs_and_only_where_it_is_asked_for() {
    let world = world("ana: from nowhere\nben: from FR, VISIO\ncem: VISIO", "");
    assert_snapshot!(text(&world, "add VISIO; domain contoso.com"), @"blocked ana VISIO: needs a usage location, and has none (bulk requested)");
    assert_snapshot!(text(&world, "add VISIO; domain contoso.com; in DE"), @"
    add ana: +VISIO from nowhere to DE (bulk requested)
    locate ben: from FR to DE (bulk requested)
    ");
}

#[test]
fn who_gets_no_seat_waits_in_that_plan() {
    let world = world("seats VISIO 1\nana:\nben:", "");
    assert_snapshot!(text(&world, "add VISIO; domain contoso.com"), @"
    add ana: +VISIO (bulk requested)
    waiting 1 for VISIO: ben (bulk requested)
    ");
}

#[test]
fn what_comes_from_a_group_alone_cannot_be_taken_and_satisfies() {
    let world = world("ana: SPE_E3 via:Staff", "");
    assert_snapshot!(text(&world, "remove SPE_E3; domain contoso.com"), @"blocked ana SPE_E3: comes from group 53746166-6600-0000-0000-000000000000 and cannot be removed from the user (bulk requested)");
    assert_snapshot!(text(&world, "add SPE_E3; domain contoso.com"), @"nothing to do");
}

#[test]
fn guards_count_by_the_real_ledger() {
    let tenant = "ana: SPE_E3 by:staff\nben: SPE_E3 by:staff\ncem: SPE_E3";
    let guarded = world(tenant, "staff: Staff -> SPE_E3").set(|settings| {
        settings.guards.first_plan = true;
        settings.guards.max_removals.count = CountLimit::AtMost(2);
        settings.guards.max_removals.percent = PercentLimit::Unlimited;
    });
    assert_snapshot!(text(&guarded, "remove SPE_E3; domain contoso.com"), @"
    remove ana: -SPE_E3 risks mailbox risks files (bulk requested) [held by max_removals]
    remove ben: -SPE_E3 risks mailbox risks files (bulk requested) [held by max_removals]
    remove cem: -SPE_E3 risks mailbox risks files (bulk requested) [held by max_removals]
    max_removals SPE_E3: 3, and 2 owned, limit 2
    max_removals tenant: 3, and 2 owned, limit 2
    ");
    assert_snapshot!(text(&guarded, "replace SPE_E5 for SPE_E3; domain contoso.com"), @"
    replace ana: +SPE_E5 -SPE_E3 (bulk requested)
    replace ben: +SPE_E5 -SPE_E3 (bulk requested)
    replace cem: +SPE_E5 -SPE_E3 (bulk requested)
    ");
}

#[test]
fn the_policies_that_would_undo_it_are_named() {
    let policies = "staff: Staff -> SPE_E3
                    leavers: disabled -> no all; grace 30d
                    clean: everyone -> no VISIO
                    berlin: Staff -> nothing; set DE";
    let world = world("ana: in Staff, SPE_E3 by:staff\nben: disabled\ncem:", policies);
    assert_snapshot!(text(&world, "replace VISIO for SPE_E3; domain contoso.com; in FR"), @"
    replace ana: +VISIO -SPE_E3 from DE to FR risks mailbox risks files (bulk requested)
    add ben: +VISIO from DE to FR (bulk requested)
    add cem: +VISIO from DE to FR (bulk requested)
    undone by berlin (policies.yaml:4): locates location for 1
    undone by clean (policies.yaml:3): removes VISIO for 3
    undone by staff (policies.yaml:1): adds SPE_E3 for 1
    ");
}

#[test]
fn what_a_policy_asks_for_beside_it_does_not_undo_it() {
    let world =
        world("ana: in Staff, VISIO\nben: VISIO", "staff: Staff -> SPE_E3 for VISIO; set FR");
    assert_snapshot!(text(&world, "add SPE_E3; domain contoso.com"), @"
    add ana: +SPE_E3 (bulk requested)
    add ben: +SPE_E3 (bulk requested)
    ");
}

#[test]
fn what_was_approved_runs_beside_what_the_policies_want() {
    let world = world("ana: in Staff\nben: in Staff", "staff: Staff -> SPE_E3");
    let bulk = resolved(&world, "add VISIO; user ana@contoso.com").unwrap();
    let planned = world.once(Asked::Bulk(&bulk));
    let now = world.but("ben: in Staff, VISIO");
    let taken = now.with(|inputs| {
        let inputs = crate::plan::make::Inputs { asked: Asked::Bulk(&bulk), ..*inputs };
        take_up(&planned.plan, PlanState::Approved, &[], NOTHING_TRIED, &inputs).unwrap()
    });
    assert_eq!(taken.approved.operations(), planned.plan.operations);
    assert_eq!((taken.stale.len(), taken.unapproved), (0, 0));
}

#[test]
fn another_request_is_another_plan_though_it_does_the_same() {
    let world = world("ana: in Staff", "");
    let digest = |text: &str| planned(&world, text).plan.digest;
    let same = digest("add VISIO; group Staff");
    assert_eq!(same, digest("add VISIO; group Staff"));
    assert_ne!(same, digest("add VISIO; user ana@contoso.com"));
    assert_ne!(same, digest("add VISIO; group Staff; in DE"));
    assert_ne!(same, digest("replace VISIO for SPE_E3; group Staff"));
}

fn any_order() -> impl Strategy<Value = String> {
    let skus = || prop::sample::subsequence(&SKUS[..], 1..3).prop_map(|skus| skus.join(", "));
    let change = prop_oneof![
        skus().prop_map(|skus| format!("add {skus}")),
        (skus(), skus()).prop_map(|(given, taken)| format!("replace {given} for {taken}")),
        skus().prop_map(|given| format!("replace {given} for all")),
        skus().prop_map(|skus| format!("remove {skus}")),
        Just("remove all".to_owned()),
    ];
    let selection = prop_oneof![
        Just("domain contoso.com".to_owned()),
        prop::sample::select(&GROUPS[..]).prop_map(|group| format!("group {group}")),
        Just("user ana@contoso.com".to_owned()),
    ];
    let location = prop_oneof![Just(""), Just("; in DE"), Just("; in FR")];
    (change, selection, location)
        .prop_map(|(change, selection, location)| format!("{change}; {selection}{location}"))
}

proptest! {
    /// Only who is selected is touched, nobody who is protected, and no policy gains or lets go.
    #[test]
    fn a_bulk_plan_touches_the_selected_alone_and_owns_nothing(
        world in any_world(SCARCE), order in any_order(), protect: bool,
    ) {
        let protected = if protect { &["ana@contoso.com"][..] } else { &[] };
        let world = world.protecting(protected, &[]);
        let Ok(bulk) = resolved(&world, &order) else { return Ok(()) };
        let planned = world.once(Asked::Bulk(&bulk));
        prop_assert_eq!(&planned.observed, &[]);
        prop_assert_eq!(&planned.plan.released, &[]);
        for operation in &planned.plan.operations {
            prop_assert!(bulk.request.selects(operation.user.id));
            prop_assert!(!protected.contains(&&*operation.user.principal_name));
            prop_assert!(operation.add.iter().all(|addition| addition.owners.is_empty()));
            prop_assert!(operation.adopt.is_empty());
        }
        // Graph would refuse none of it, and what is owned afterwards was owned before.
        let after = world.carry_out(&planned);
        for (what, owners) in &after.ledger.owners {
            prop_assert_eq!(world.ledger.owners.get(what), Some(owners));
        }
    }

    /// A bulk plan that was carried out leaves nothing of it to plan, where there are seats.
    #[test]
    fn a_bulk_plan_settles(world in any_world(AMPLE), order in any_order()) {
        let Ok(bulk) = resolved(&world, &order) else { return Ok(()) };
        let planned = world.once(Asked::Bulk(&bulk));
        let again = world.carry_out(&planned).once(Asked::Bulk(&bulk)).plan;
        prop_assert!(again.operations.is_empty(), "{}\nthen\n{}", show(&planned.plan), show(&again));
    }

    /// And taking it back gives what was before, but for whom it names.
    #[test]
    fn reverting_a_bulk_plan_gives_what_was_before(
        world in any_world(AMPLE), order in any_order(),
    ) {
        let Ok(bulk) = resolved(&world, &order) else { return Ok(()) };
        let planned = world.once(Asked::Bulk(&bulk));
        let after = world.carry_out(&planned);
        let done = planned.plan.operations.iter().map(|operation| operation.key).collect();
        let Ok(reverting) = Reverting::of(&planned.plan, &done) else { return Ok(()) };
        let revert = after.once(Asked::Revert(&reverting));
        let back = after.carry_out(&revert);
        let named = |id| revert.plan.blocked.iter().any(|blocked| blocked.user.id == id);
        for (before, back) in world.users.iter().zip(&back.users) {
            if !named(before.id) {
                prop_assert_eq!(before, back, "{}", show(&revert.plan));
            }
        }
    }
}
