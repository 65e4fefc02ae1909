use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::plan::PlanState;
use crate::ports::StoredPlan;
use crate::report::any::{a_plan, any_stored_plan};
use crate::report::json::schema::document;
use crate::report::json::to_json;
use crate::yaml::testing::Checked;

static SCHEMA: LazyLock<Checked> = LazyLock::new(|| Checked::new(document()));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A plan as it is printed is what the schema says.
    #[test]
    fn every_plan_is_as_its_schema_says(stored in any_stored_plan()) {
        let plan: Value = serde_json::from_str(&to_json(&stored)).unwrap();
        prop_assert_eq!(SCHEMA.faults(&plan), Vec::<String>::new());
    }
}

#[test]
fn every_key_is_described() {
    SCHEMA.assert_described();
}

#[test]
fn what_is_no_plan_is_told() {
    let stored = StoredPlan { plan: a_plan(1), state: PlanState::Proposed, decisions: Vec::new() };
    let plan: Value = serde_json::from_str(&to_json(&stored)).unwrap();
    assert_eq!(SCHEMA.faults(&plan), [""; 0]);
    let changed = |pointer: &str, value: Value| {
        let mut plan = plan.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        plan.pointer_mut(parent).unwrap()[key] = value;
        SCHEMA.faults(&plan).len()
    };
    for (pointer, value) in [
        ("/format_version", json!(2)),
        ("/id", json!("01")),
        ("/digest", json!("sha256:xyz")),
        ("/state", json!("done")),
        ("/state", Value::Null),
        ("/operations", Value::Null),
        ("/origin", json!({"kind": "bulk"})),
        ("/origin", json!({"kind": "revert", "plan": stored.plan.id.to_string(), "by": "ana"})),
        ("/colour", json!("red")),
        ("/summary/add", json!(-1)),
        ("/basis/branch", json!("main")),
    ] {
        assert_ne!(changed(pointer, value), 0, "{pointer}");
    }
    let mut operation = plan["operations"][0].clone();
    operation["kind"] = json!("grant");
    operation["user"]["mail"] = json!("a@contoso.com");
    assert_eq!(changed("/operations", json!([operation])), 2);
}
