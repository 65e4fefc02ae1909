use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::plan::{
    Aside, Baseline, Blocked, BlockedReason, Digest, GuardName, Kind, NoLonger, OriginKind,
    PlanState, Released, Scheduled, SeatLine, Simulated, SnapshotFrom, Verdict, Waiting,
};
use crate::ports::{Decision, HistoryEntry, Outcome, OutcomeKind, PlanHead, StoredPlan};
use crate::report::any::{a_plan, a_sku, a_user, any_stored_plan};
use crate::report::json::{
    Contradiction, PlanJsonError, from_json, history_to_json, plans_to_json, to_json,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_reads_back_as_the_same_plan(stored in any_stored_plan()) {
        prop_assert_eq!(from_json(&to_json(&stored)).unwrap(), stored);
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A plan with one entry in every list that the contract names.
fn full_plan() -> StoredPlan {
    let mut plan = a_plan(1);
    let because = plan.operations[0].because.clone();
    let (user, sku) = (a_user(0xc3, "Cem"), a_sku(0xe5, "SPE_E5"));
    plan.blocked.push(Blocked {
        user: user.clone(),
        sku: None,
        reason: BlockedReason::NoUsageLocation,
        detail: "Cem has no usage location".to_owned(),
        because: Vec::new(),
    });
    plan.waiting.push(Waiting {
        user: user.clone(),
        sku: sku.clone(),
        position: 1,
        since: second(1_798_000_000),
        meanwhile: Some(sku.clone()),
        because: because.clone(),
    });
    plan.scheduled.push(Scheduled {
        user: user.clone(),
        sku: sku.clone(),
        service_plans: Vec::new(),
        due: second(1_798_016_400),
        because,
    });
    plan.released.push(Released {
        user,
        sku: sku.clone(),
        policy: "gone".parse().unwrap(),
        still_wanted: true,
    });
    plan.seats.push(SeatLine {
        sku,
        total: 100,
        consumed: 98,
        reserved: 0,
        after: 100,
        waiting: 2,
        price: None,
    });
    plan.guards.push(Verdict {
        guard: GuardName::MaxRemovals,
        scope: "SPE_E3".into(),
        limit: "5%".to_owned(),
        actual: "2 of 310".to_owned(),
        counted: Some(2),
        most: Some(15),
        tripped: false,
    });
    let decision = Decision {
        state: PlanState::Approved,
        by: "ana".into(),
        at: second(1_795_424_460),
        accepted: vec![GuardName::FirstPlan],
        reason: Some("first run".into()),
    };
    StoredPlan { plan, state: PlanState::Approved, decisions: vec![decision] }
}

fn written(stored: &StoredPlan) -> Value {
    serde_json::from_str(&to_json(stored)).unwrap()
}

fn expected_because() -> Value {
    json!([{
        "policy": "engineering-e5", "at": "engineering.yaml:2",
        "sku_id": "00000000-0000-0000-0000-0000000000e5", "sku": "SPE_E5",
        "reason": "matched", "detail": "group Engineering",
    }])
}

#[test]
fn the_head_of_a_plan_has_the_published_names() {
    let mut value = written(&full_plan());
    let whole = value.as_object_mut().unwrap();
    for list in
        ["operations", "blocked", "waiting", "scheduled", "released", "seats", "guards", "summary"]
    {
        assert!(whole.remove(list).is_some(), "{list}");
    }
    assert_eq!(
        value,
        json!({
            "format_version": 1,
            "id": a_plan(1).id.to_string(),
            "digest": format!("sha256:{}", "01".repeat(32)),
            "tenant": "contoso",
            "created_at": "2026-11-23T09:00:00Z",
            "expires_at": "2026-11-24T09:00:00Z",
            "state": "approved",
            "trigger": "schedule",
            "part_of": null,
            "basis": {
                "policy_digest": format!("sha256:{}", "ab".repeat(32)),
                "policy_commit": "4be0c2f",
                "snapshot_taken_at": "2026-11-23T08:59:50Z",
                "users": 1200,
                "groups": 14,
                "read": "full",
            },
            "unknown": [],
            "left_out": [],
            "warnings": [],
            "policy_owners": [{"policy": "engineering-e5", "owner": "licensing@contoso.com"}],
            "decisions": [{
                "state": "approved", "by": "ana", "at": "2026-11-23T09:01:00Z",
                "accepted": ["first_plan"], "reason": "first run",
            }],
        })
    );
}

#[test]
fn what_makes_a_plan_one_to_look_at_has_the_published_names() {
    let mut stored = full_plan();
    stored.plan.basis.simulated =
        Some(Simulated { snapshot: SnapshotFrom::File, at: second(1_798_000_000) });
    stored.plan.basis.baseline =
        Some(Baseline { policy_digest: Digest([0xcd; 32]), policy_commit: None });
    stored.plan.no_longer.push(NoLonger {
        what: Aside::Scheduled,
        user: a_user(0xc3, "Cem"),
        sku: Some(a_sku(0xe5, "SPE_E5")),
        because: stored.plan.operations[0].because.clone(),
    });
    let value = written(&stored);
    assert_eq!(
        value["basis"]["simulated"],
        json!({"snapshot": "file", "at": "2026-12-23T04:26:40Z"})
    );
    assert_eq!(
        value["basis"]["baseline"],
        json!({"policy_digest": format!("sha256:{}", "cd".repeat(32)), "policy_commit": null})
    );
    assert_eq!(
        value["no_longer"],
        json!([{
            "what": "scheduled",
            "user": {
                "id": "00000000-0000-0000-0000-0000000000c3",
                "user_principal_name": "Cem@contoso.com",
                "display_name": null,
            },
            "sku_id": "00000000-0000-0000-0000-0000000000e5",
            "sku": "SPE_E5",
            "because": expected_because(),
        }])
    );
}

#[test]
fn the_summary_has_the_published_names() {
    assert_eq!(
        written(&full_plan())["summary"],
        json!({
            "add": 0, "replace": 1, "remove": 0, "modify": 0, "locate": 1, "adopt": 1, "people": 1,
            "unchanged": 0, "blocked": 0, "waiting": 0, "scheduled": 0, "released": 0,
            "unmanaged": 0, "unknown": 0,
        })
    );
}

#[test]
fn an_operation_has_the_published_names() {
    let e3 = "00000000-0000-0000-0000-0000000000e3";
    let e5 = "00000000-0000-0000-0000-0000000000e5";
    let yammer = "00000000-0000-0000-0000-00000000009a";
    assert_eq!(
        written(&full_plan())["operations"][0],
        json!({
            "key": format!("sha256:{}", "54".repeat(32)),
            "kind": "replace",
            "user": {
                "id": "00000000-0000-0000-0000-0000000000a1",
                "user_principal_name": "Ana@contoso.com",
                "display_name": null,
            },
            "add": [{
                "sku_id": e5, "sku": "SPE_E5",
                "disabled_plans": ["YAMMER_ENTERPRISE"], "disabled_plan_ids": [yammer],
                "held": false, "owners": ["engineering-e5"],
            }],
            "remove": [{"sku_id": e3, "sku": "SPE_E3"}],
            "adopt": [],
            "usage_location": {"from": null, "to": "DE"},
            "before": [{
                "sku_id": e3, "sku": "SPE_E3", "disabled_plans": [], "disabled_plan_ids": [],
            }],
            "gains": [],
            "gain_ids": [],
            "loses": ["YAMMER_ENTERPRISE"],
            "lose_ids": [yammer],
            "data_at_risk": ["mailbox"],
            "because": expected_because(),
            "wave": 1,
            "held_by": ["max_removals"],
        })
    );
}

#[test]
fn the_other_lists_have_the_published_names() {
    let value = written(&full_plan());
    let user = json!({
        "id": "00000000-0000-0000-0000-0000000000c3",
        "user_principal_name": "Cem@contoso.com",
        "display_name": null,
    });
    let e5 = "00000000-0000-0000-0000-0000000000e5";
    let lists = json!({
        "blocked": [{
            "user": user, "sku_id": null, "sku": null, "reason": "no_usage_location",
            "detail": "Cem has no usage location", "because": [],
        }],
        "waiting": [{
            "user": user, "sku_id": e5, "sku": "SPE_E5", "position": 1, "since": "2026-12-23T04:26:40Z",
            "meanwhile_id": e5, "meanwhile": "SPE_E5",
            "because": expected_because(),
        }],
        "scheduled": [{
            "user": user, "sku_id": e5, "sku": "SPE_E5", "service_plans": [],
            "service_plan_ids": [], "due": "2026-12-23T09:00:00Z",
            "because": expected_because(),
        }],
        "released": [{"user": user, "sku_id": e5, "sku": "SPE_E5", "policy": "gone", "still_wanted": true}],
        "seats": [{
            "sku_id": e5, "sku": "SPE_E5",
            "total": 100, "consumed": 98, "reserved": 0, "after": 100, "waiting": 2,
        }],
        "guards": [{
            "guard": "max_removals", "scope": "SPE_E3", "limit": "5%", "actual": "2 of 310",
            "counted": 2, "most": 15,
            "tripped": false,
        }],
    });
    for (name, list) in lists.as_object().unwrap() {
        assert_eq!(&value[name], list, "{name}");
    }
}

#[test]
fn fields_come_in_a_fixed_order() {
    let text = to_json(&full_plan());
    let place = |name: &str| text.find(&format!("\n  \"{name}\":")).unwrap();
    let order = ["format_version", "id", "state", "summary", "operations", "blocked", "guards"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{text}");
}

#[test]
fn a_newer_format_is_refused_with_both_versions_named() {
    let text = r#"{"format_version": 2, "surprise": true}"#;
    let error = from_json(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plan is written in format version 2; this program reads version 1"
    );
    assert_eq!(error.hint(), "use the version of seatkeeper that wrote it, or a newer one");
}

#[test]
fn fields_of_later_versions_are_passed_over() {
    let stored = full_plan();
    let mut value = written(&stored);
    value["mood"] = json!("sunny");
    value["operations"][0]["user"]["pronoun"] = json!("she");
    assert_eq!(from_json(&value.to_string()).unwrap(), stored);
    // However a later version read the tenant, it is not known to have read all of it.
    value["basis"]["read"] = json!("by_ear");
    let read = from_json(&value.to_string()).unwrap().plan.basis.read;
    assert_eq!(read, crate::domain::snapshot::ReadKind::Delta);
}

#[test]
fn names_without_their_ids_are_refused() {
    let mut value = written(&full_plan());
    value["operations"][0]["add"][0]["disabled_plan_ids"] = json!([]);
    let PlanJsonError::Contradictory(error) = from_json(&value.to_string()).unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(error.to_string(), "`disabled_plans` has 1 entries and `disabled_plan_ids` has 0");
}

#[test]
fn a_sku_without_its_id_is_refused() {
    let mut value = written(&full_plan());
    value["operations"][0]["because"][0]["sku_id"] = Value::Null;
    let error = from_json(&value.to_string()).unwrap_err();
    assert!(matches!(error, PlanJsonError::Contradictory(Contradiction::HalfSku)), "{error}");
}

#[test]
fn a_plan_without_its_operations_is_refused() {
    let mut value = written(&full_plan());
    value.as_object_mut().unwrap().remove("operations");
    let error = from_json(&value.to_string()).unwrap_err();
    assert!(matches!(error, PlanJsonError::OnlyHead), "{error}");
}

#[test]
fn an_unknown_word_names_what_it_is_not() {
    let mut value = written(&full_plan());
    value["operations"][0]["kind"] = json!("swap");
    let PlanJsonError::Malformed(error) = from_json(&value.to_string()).unwrap_err() else {
        panic!("another error");
    };
    assert!(error.to_string().starts_with("`swap` is not a kind of operation"), "{error}");
}

#[test]
fn the_list_of_plans_has_the_published_names() {
    let plan = a_plan(1);
    let head = PlanHead {
        id: plan.id,
        tenant: plan.tenant,
        state: PlanState::Held,
        origin: OriginKind::Policies,
        created_at: plan.created_at,
        operations: 2,
        people: 1,
    };
    let value: Value = serde_json::from_str(&plans_to_json(&[head])).unwrap();
    assert_eq!(
        value,
        json!({"format_version": 1, "plans": [{
            "id": plan.id.to_string(), "tenant": "contoso", "state": "held", "origin": "policies",
            "created_at": "2026-11-23T09:00:00Z", "operations": 2, "people": 1,
        }]})
    );
}

#[test]
fn the_history_has_the_published_names() {
    let plan = a_plan(1);
    let operation = plan.operations[1].clone();
    assert_eq!(operation.kind, Kind::Adopt);
    let outcome = Outcome {
        plan: plan.id,
        operation: operation.key,
        kind: OutcomeKind::AlreadyDone,
        at: second(1_795_424_500),
        detail: "it was so".to_owned(),
        code: None,
        request_id: Some("r-1".into()),
        recovered: true,
    };
    let entry =
        HistoryEntry { tenant: plan.tenant, outcome, operation, approved_by: Some("ana".into()) };
    let mut value: Value = serde_json::from_str(&history_to_json(&[entry])).unwrap();
    let nested = value["history"][0].as_object_mut().unwrap().remove("operation").unwrap();
    assert_eq!(nested["kind"], "adopt");
    assert_eq!(
        value,
        json!({"format_version": 1, "history": [{
            "tenant": "contoso", "plan": plan.id.to_string(),
            "key": format!("sha256:{}", "ab".repeat(32)),
            "outcome": "already_done", "at": "2026-11-23T09:01:40Z", "detail": "it was so",
            "code": null, "request_id": "r-1", "recovered": true, "approved_by": "ana",
        }]})
    );
}

#[test]
fn ids_and_digests_that_are_none_are_refused() {
    for (field, wrong) in [
        ("id", "01J".to_owned()),
        ("digest", "ab".repeat(32)),
        ("digest", format!("sha256:{}", "ab".repeat(31))),
        ("digest", format!("sha256:{}", "ä".repeat(32))),
        ("digest", format!("sha256:+{}", "a".repeat(63))),
        ("tenant", "Contoso".to_owned()),
        ("created_at", "yesterday".to_owned()),
    ] {
        let mut value = written(&full_plan());
        value[field] = json!(wrong);
        let error = from_json(&value.to_string()).unwrap_err();
        assert!(matches!(error, PlanJsonError::Malformed(_)), "{field} {wrong}: {error}");
    }
}
