use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
const BI: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const TEAM: &str = "3c2f9b0e-51b1-4a36-a2a5-0a3a4cf7f001";
const YAMMER: &str = "7547a3fe-08ee-4ccb-b430-5077c5041653";

/// Reads the two lists and writes down what was understood, a line an assignment.
fn read(user: Value) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Row {
        assigned_licenses: List<Object<RawLicense>>,
        license_assignment_states: List<Object<RawState>>,
    }
    let row: Row = serde_json::from_value(user).unwrap();
    let Known::Known(read) = licenses(row.assigned_licenses, row.license_assignment_states) else {
        return "unknown".to_owned();
    };
    let mut text = String::new();
    for assignment in &read.assignments {
        let source = match &assignment.source {
            AssignmentSource::Told { direct, inherited } => format!(
                "direct {:?}, inherited {}",
                direct.as_ref().map(ServicePlanSet::len),
                inherited.len()
            ),
            AssignmentSource::Unknown => "source unknown".to_owned(),
        };
        writeln!(text, "{}: {source}", &assignment.sku.to_string()[..4]).unwrap();
    }
    for failed in &read.failed {
        writeln!(text, "{} failed: {}", &failed.sku.to_string()[..4], failed.error).unwrap();
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}

fn holds(skus: &[&str]) -> Value {
    skus.iter().map(|sku| json!({"skuId": sku, "disabledPlans": []})).collect()
}

fn state(sku: &str, group: &Value, state: &str) -> Value {
    json!({"skuId": sku, "assignedByGroup": group, "disabledPlans": [], "state": state, "error": "None"})
}

fn user(skus: &[&str], states: &[Value]) -> Value {
    json!({"assignedLicenses": holds(skus), "licenseAssignmentStates": states})
}

#[test]
fn a_sku_may_be_direct_and_inherited_at_once() {
    let states =
        [state(E5, &Value::Null, "Active"), state(E5, &json!(TEAM.to_uppercase()), "Active")];
    assert_snapshot!(read(user(&[E5], &states)), @"06eb: direct Some(0), inherited 1");
}

#[test]
fn a_group_that_could_not_give_its_license_is_told_apart() {
    let states = [
        state(BI, &Value::Null, "Active"),
        json!({"skuId": E5, "assignedByGroup": TEAM, "disabledPlans": [], "state": "Error",
               "error": "CountViolation"}),
    ];
    assert_snapshot!(read(user(&[BI], &states)), @r"
    f8a1: direct Some(0), inherited 0
    06eb failed: CountViolation
    ");
}

#[test]
fn a_license_that_works_with_an_error_is_inherited_all_the_same() {
    let states = [state(E5, &json!(TEAM), "ActiveWithError")];
    assert_snapshot!(read(user(&[E5], &states)), @"06eb: direct None, inherited 1");
}

#[test]
fn a_sku_that_no_state_names_has_an_unknown_source() {
    assert_snapshot!(read(user(&[E5], &[])), @"06eb: source unknown");
    assert_snapshot!(read(json!({"assignedLicenses": holds(&[E5])})), @"06eb: source unknown");
    assert_snapshot!(
        read(json!({"assignedLicenses": holds(&[E5]), "licenseAssignmentStates": null})),
        @"06eb: source unknown"
    );
}

#[test]
fn an_unknown_state_decides_nothing() {
    for word in ["Disabled", "Sleeping", ""] {
        let alone = [state(E5, &Value::Null, word)];
        assert_eq!(read(user(&[E5], &alone)), "06eb: source unknown\n", "{word}");
        let beside = [state(E5, &Value::Null, word), state(E5, &json!(TEAM), "Active")];
        assert_eq!(read(user(&[E5], &beside)), "06eb: direct None, inherited 1\n", "{word}");
    }
}

#[test]
fn a_direct_assignment_in_error_that_the_user_holds_is_direct() {
    assert_snapshot!(
        read(user(&[E5], &[state(E5, &Value::Null, "Error")])),
        @"06eb: direct Some(0), inherited 0"
    );
    assert_snapshot!(read(user(&[], &[state(E5, &Value::Null, "Error")])), @"nothing");
}

#[test]
fn licenses_that_were_not_sent_are_unknown_and_not_none() {
    assert_snapshot!(read(json!({})), @"unknown");
    assert_snapshot!(read(json!({"assignedLicenses": null})), @"unknown");
    assert_snapshot!(read(json!({"assignedLicenses": []})), @"nothing");
}

#[test]
fn one_unreadable_sku_makes_all_of_the_user_unknown() {
    let odd = json!({"assignedLicenses": [{"skuId": E5, "disabledPlans": []}, {"skuId": null}]});
    assert_snapshot!(read(odd), @"unknown");
}

#[test]
fn a_state_of_nobody_knows_which_sku_makes_every_source_unknown() {
    let states = [state(E5, &Value::Null, "Active"), state("what", &json!(TEAM), "Active")];
    assert_snapshot!(read(user(&[E5], &states)), @"06eb: source unknown");
}

#[test]
fn a_group_that_is_no_id_is_not_taken_for_direct() {
    for group in [json!(""), json!("engineering"), json!(7), json!({})] {
        let states = [state(E5, &group, "Active")];
        assert_eq!(read(user(&[E5], &states)), "06eb: source unknown\n", "{group}");
    }
}

#[test]
fn nulls_among_disabled_plans_are_left_out_and_other_rubbish_is_not_guessed() {
    let with = |plans: Value| {
        read(json!({
            "assignedLicenses": [{"skuId": E5, "disabledPlans": plans}],
            "licenseAssignmentStates": [
                {"skuId": E5, "assignedByGroup": null, "state": "Active", "disabledPlans": plans}
            ]
        }))
    };
    assert_snapshot!(with(json!([null, YAMMER, null])), @"06eb: direct Some(1), inherited 0");
    assert_snapshot!(with(json!(["YAMMER_ENTERPRISE"])), @"unknown");
    assert_snapshot!(with(Value::Null), @"unknown");
}

#[test]
fn two_direct_sources_that_differ_are_not_guessed_at() {
    let mut other = state(E5, &Value::Null, "Active");
    other["disabledPlans"] = json!([YAMMER]);
    let states = [state(E5, &Value::Null, "Active"), other];
    assert_snapshot!(read(user(&[E5], &states)), @"06eb: source unknown");
}
