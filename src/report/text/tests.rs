use insta::assert_snapshot;

use super::*;
use crate::plan::explain::explain;
use crate::plan::testing::{World, world};
use crate::plan::{GuardName, PlanState};
use crate::ports::Decision;

const PLAIN: Options = Options { style: Style::Plain, all: false, width: None };

fn shown(world: &World, state: PlanState, options: Options) -> String {
    let stored = StoredPlan { plan: world.plan(), state, decisions: Vec::new() };
    let text = plan(&stored, &[], options);
    text.replace(&stored.plan.id.to_string(), "PLAN")
}

fn company() -> World {
    world(
        "seats POWER_BI_PRO 1
         ana: in Staff, in Analysts, from DE
         ben: in Staff, VISIO, from DE
         cem: disabled, SPE_E3 by:staff, from DE
         dee: in Staff, in Analysts, from DE
         eve: in Staff, SPE_E3, from DE
         fay: in Staff, from nowhere",
        "staff: Staff -> SPE_E3
         analysts: Analysts -> POWER_BI_PRO",
    )
}

#[test]
fn a_plan_is_grouped_by_policy_and_says_what_is_next() {
    assert_snapshot!(shown(&company(), PlanState::Proposed, PLAIN));
}

#[test]
fn a_held_plan_names_its_guards_and_how_to_let_it_through() {
    let mut world = company().set(|settings| settings.guards.first_plan = true);
    world.ledger = crate::plan::ledger::Ledger::default();
    assert_snapshot!(shown(&world, PlanState::Held, PLAIN));
}

#[test]
fn many_people_are_counted_unless_all_are_asked_for() {
    let many: Vec<String> = (0..40).map(|n| format!("user{n:02}: in Staff, from DE")).collect();
    let world = world(&many.join("\n"), "staff: Staff -> SPE_E3");
    let some = shown(&world, PlanState::Proposed, PLAIN);
    assert!(some.contains("and 28 more (--all lists everybody)"), "{some}");
    let all = shown(&world, PlanState::Proposed, Options { all: true, ..PLAIN });
    assert!(all.contains("user39") && !all.contains("more (--all"), "{all}");
}

#[test]
fn colours_add_nothing_but_colour() {
    let plain = shown(&company(), PlanState::Proposed, PLAIN);
    let coloured =
        shown(&company(), PlanState::Proposed, Options { style: Style::Coloured, ..PLAIN });
    assert_ne!(plain, coloured);
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn a_decision_is_told_with_who_and_why() {
    let decision = Decision {
        state: PlanState::Approved,
        by: "ana\u{1b}[31m".into(),
        at: "2026-11-23T09:00:00Z".parse().unwrap(),
        accepted: vec![GuardName::FirstPlan],
        reason: Some("seen with Ben".into()),
    };
    let stored = StoredPlan {
        plan: company().plan(),
        state: PlanState::Approved,
        decisions: vec![decision],
    };
    let text = plan(&stored, &[], PLAIN);
    assert!(
        text.contains(
            "approved by ana\u{fffd}[31m on 2026-11-23 09:00 UTC, accepting `first_plan`: seen with Ben"
        ),
        "{text}"
    );
}

#[test]
fn an_explanation_is_a_tree_of_what_is_and_what_will_be() {
    let world = company();
    let snapshot = world.snapshot();
    let user = snapshot.users().iter().find(|user| user.principal_name.starts_with("cem")).unwrap();
    let told = world.with(|inputs| explain(inputs, user.id, None)).unwrap().unwrap();
    assert_snapshot!(explanation(&told, &[], false, Style::Plain));
}

#[test]
fn what_is_switched_on_and_off_is_named_and_what_stays_off_is_not() {
    let world = world(
        "ana: in Staff, SPE_E3 off:TEAMS1+SHAREPOINTENTERPRISE, SPE_F1 off:TEAMS1, from DE
         ben: in Open, SPE_E3 off:TEAMS1+YAMMER, from DE
         cem: in Staff, from DE",
        "staff: Staff -> SPE_E3 off:YAMMER+SHAREPOINTENTERPRISE
         open: Open -> SPE_E3 off:",
    );
    let text = shown(&world, PlanState::Proposed, PLAIN);
    for line in [
        "  ~ SPE_E3 (on: TEAMS1; off: YAMMER)  1 person",
        "  ~ SPE_E3 (all service plans on)  1 person",
        "  + SPE_E3 (off: SHAREPOINTENTERPRISE, YAMMER)  1 person",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let text = diff::differences(&world.plan(), PlanState::Proposed, PLAIN);
    let ana: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("ana")).take(7).collect();
    assert_eq!(
        ana[1..6],
        [
            "    SPE_E3 (off: SHAREPOINTENTERPRISE)",
            "  -   TEAMS1 off",
            "  +   YAMMER off",
            "    SPE_F1 (off: TEAMS1)",
            "    gains TEAMS1",
        ],
        "{text}"
    );
}
