use proptest::prelude::*;

use super::*;
use crate::plan::{Kind, Operation, Plan, UserRef};
use crate::report::any::{a_plan, any_plan};

fn stored(plan: Plan, state: PlanState) -> StoredPlan {
    StoredPlan { plan, state, decisions: Vec::new() }
}

/// A plan that does to so many people what a small one does to one.
fn large(people: u128) -> Plan {
    let mut plan = a_plan(1);
    let one = plan.operations[0].clone();
    plan.operations = (0..people)
        .map(|number| {
            let mut operation = Operation { kind: Kind::Add, ..one.clone() };
            operation.data_at_risk.clear();
            let id = crate::domain::ids::UserId::from_uuid(uuid::Uuid::from_u128(number));
            let name = format!("somebody.with.a.name.{number}@contoso.com");
            operation.user =
                UserRef { id, principal_name: name.into(), display_name: Some("Some Body".into()) };
            operation
        })
        .collect();
    plan.summary.people = plan.operations.len() as u64;
    plan
}

#[test]
fn the_first_line_has_the_verdict_and_the_second_the_mark_of_the_comment() {
    let text = plan(&stored(large(3), PlanState::Held));
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("## Licenses of contoso: **held** by "), "{first}");
    assert!(first.contains("; 3 people would change"), "{first}");
    assert_eq!(lines.next(), Some(MARK));
}

#[test]
fn a_plan_of_ten_thousand_people_fits_a_comment_and_says_what_it_leaves_out() {
    let text = plan(&stored(large(10_000), PlanState::Proposed));
    assert!(text.chars().count() <= CHARACTERS_MAX, "{}", text.chars().count());
    assert!(text.contains("10000 people would change"));
    // Who loses nothing is counted behind the first.
    assert!(text.contains(" and 9900 more"), "{text}");

    let mut losing = large(10_000);
    losing.seats.push(crate::plan::SeatLine {
        sku: losing.operations[0].before[0].sku.clone(),
        total: 7,
        consumed: 7,
        reserved: 0,
        after: 7,
        waiting: 0,
        price: None,
    });
    for operation in &mut losing.operations {
        operation.data_at_risk = vec![crate::plan::DataFamily::Mailbox];
    }
    let losing_guards = losing.guards.iter().filter(|verdict| verdict.tripped).count();
    let text = plan(&stored(losing, PlanState::Held));
    assert!(text.chars().count() <= CHARACTERS_MAX, "{}", text.chars().count());
    assert!(text.chars().count() > CHARACTERS_MAX / 2);
    assert!(text.contains("more**, for whom there is no room here."), "{}", &text[..2_000]);
    // Guards and seats are there all the same.
    assert!(text.contains("<details><summary>Seats</summary>"));
    assert!(text.contains(" trips\n") || text.contains(" trip\n") || losing_guards == 0);
}

#[test]
fn nobody_is_left_out_of_the_risky_ones_while_there_is_room() {
    let mut all = large(60);
    for operation in all.operations.iter_mut().step_by(2) {
        operation.data_at_risk = vec![crate::plan::DataFamily::Mailbox];
    }
    let text = plan(&stored(all.clone(), PlanState::Proposed));
    let (risky, rest) = text.split_once("<details>").unwrap();
    assert!(risky.contains("30 people lose a license or data"), "{risky}");
    for (at, operation) in all.operations.iter().enumerate() {
        let name = code(&operation.user.principal_name);
        assert_eq!(risky.contains(&name), at % 2 == 0, "{name}");
        assert!(risky.contains(&name) || rest.contains(&name), "{name}");
    }
    assert!(risky.starts_with(
        "## Licenses of contoso: proposed; 60 people would change, **data of 30 people at risk**"
    ));
}

proptest! {
    #[test]
    fn whatever_stands_in_a_plan_it_fits_and_folds_what_it_opens(plan in any_plan()) {
        let text = super::plan(&stored(plan, PlanState::Held));
        prop_assert!(text.chars().count() <= CHARACTERS_MAX);
        prop_assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        prop_assert_eq!(text.matches("<code>").count(), text.matches("</code>").count());
        prop_assert!(!text.contains("<script"));
    }
}
