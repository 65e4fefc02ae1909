use super::*;
use crate::plan::GuardName;

fn approval(plan: &Plan) -> Value {
    json!({"digest": plan.digest.to_string(), "accept": ["first_plan"], "reason": "looked at"})
}

#[tokio::test]
async fn an_approval_is_recorded_in_the_name_of_the_token() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let path = format!("/api/v1/plans/{}/approve", plan.id);
    let answer = site.ask("POST", &path, "approves", Some(approval(&plan))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["by"], "ana");
    let stored = site.store.plan(None, Some(plan.id)).await.unwrap().unwrap();
    assert_eq!(stored.state, PlanState::Approved);
    let [decision] = stored.decisions.as_slice() else { panic!("{stored:?}") };
    assert_eq!((&*decision.by, decision.accepted.as_slice()), ("ana", &[GuardName::FirstPlan][..]));
    assert_eq!(decision.reason.as_deref(), Some("looked at"));
    // Asked again, it says what was decided, and records nothing.
    let again = site.ask("POST", &path, "approves", Some(approval(&plan))).await;
    assert_eq!(again.json(), answer.json());
    let stored = site.store.plan(None, Some(plan.id)).await.unwrap().unwrap();
    assert_eq!(stored.decisions.len(), 1);
}

#[tokio::test]
async fn the_body_cannot_say_who_decides() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let mut body = approval(&plan);
    body["by"] = "the boss".into();
    let path = format!("/api/v1/plans/{}/approve", plan.id);
    let answer = site.ask("POST", &path, "approves", Some(body)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (422, "does-not-fit"));
}

#[tokio::test]
async fn a_plan_that_was_not_looked_at_is_not_decided() {
    let site = Site::new().await;
    let plan = site.plan().await;
    for verb in ["approve", "reject"] {
        let path = format!("/api/v1/plans/{}/{verb}", plan.id);
        let other = json!({"digest": Digest([7; 32]).to_string()});
        let answer = site.ask("POST", &path, "approves", Some(other)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (412, "wrong-digest"));
        assert_eq!(answer.json()["digest"], plan.digest.to_string());
        let answer = site.ask("POST", &path, "approves", Some(json!({}))).await;
        assert_eq!(answer.problem(), "does-not-fit");
    }
    let stored = site.store.plan(None, Some(plan.id)).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.decisions.len()), (PlanState::Held, 0));
}

#[tokio::test]
async fn what_a_guard_holds_has_to_be_accepted_by_name_and_with_a_reason() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let digest = plan.digest.to_string();
    let path = format!("/api/v1/plans/{}/approve", plan.id);
    let asked = async |body: Value| site.ask("POST", &path, "approves", Some(body)).await;
    let answer = asked(json!({"digest": digest})).await;
    assert_eq!((answer.status, answer.problem().as_str()), (422, "guards-not-accepted"));
    assert_eq!(answer.json()["guards"], json!(["first_plan"]));
    for (accept, word) in [
        (json!(["first_plan"]), "does-not-fit"),
        (json!(["no_such_guard"]), "does-not-fit"),
        (json!(["first_plan", "max_removals"]), "does-not-fit"),
    ] {
        assert_eq!(asked(json!({"digest": digest, "accept": accept})).await.problem(), word);
    }
}

#[tokio::test]
async fn what_was_decided_is_not_decided_otherwise() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let body = json!({"digest": plan.digest.to_string()});
    let path = format!("/api/v1/plans/{}/reject", plan.id);
    assert_eq!(site.ask("POST", &path, "approves", Some(body.clone())).await.status, 200);
    let path = format!("/api/v1/plans/{}/approve", plan.id);
    let answer = site.ask("POST", &path, "approves", Some(approval(&plan))).await;
    assert_eq!((answer.status, answer.problem().as_str()), (409, "wrong-state"));
    assert_eq!(answer.json()["state"], "rejected");
}

#[tokio::test]
async fn a_plan_that_is_not_there_is_not_decided() {
    let site = Site::new().await;
    let plan = site.world.plan();
    let path = format!("/api/v1/plans/{}/approve", plan.id);
    let answer = site.ask("POST", &path, "approves", Some(approval(&plan))).await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"));
    let path = "/api/v1/plans/nonsense/approve";
    let answer = site.ask("POST", path, "approves", Some(approval(&plan))).await;
    assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-request"));
}

#[tokio::test]
async fn changes_are_paused_and_resumed() {
    let site = Site::new().await;
    let path = "/api/v1/tenants/contoso/pause";
    let body = json!({"for": "4h", "reason": "the auditors are here"});
    let paused = site.ask("POST", path, "approves", Some(body)).await.json();
    assert_eq!(paused["pause"]["by"], "ana");
    assert_eq!(paused["pause"]["until"], "2026-11-23T13:00:00Z");
    assert_eq!(site.get(path).await.json(), paused);
    let now = site.world.now;
    assert!(site.store.paused(&contoso(), now).await.unwrap().is_some());
    let resumed = site.ask("DELETE", path, "approves", None).await.json();
    assert_eq!(resumed, json!({"tenant": "contoso", "paused": false, "pause": null}));
    for wrong in [
        json!({"for": "4h", "until": "2026-11-24T00:00:00Z", "reason": "x"}),
        json!({"reason": "x"}),
        json!({"for": "0", "reason": "x"}),
        json!({"for": "soon", "reason": "x"}),
        json!({"until": "2026-11-22T00:00:00Z", "reason": "x"}),
        json!({"for": "4h", "reason": " "}),
    ] {
        assert_eq!(site.ask("POST", path, "approves", Some(wrong)).await.problem(), "does-not-fit");
    }
}

#[tokio::test]
async fn a_cycle_is_asked_for() {
    let site = Site::new().await;
    let path = "/api/v1/tenants/contoso/cycle";
    assert_eq!(site.ask("POST", path, "approves", None).await.status, 202);
    let place = site.board.place(&contoso()).unwrap();
    assert_eq!(place.wake.take(), Some(crate::plan::Trigger::Person));
    let path = "/api/v1/tenants/fabrikam/cycle";
    assert_eq!(site.ask("POST", path, "approves", None).await.problem(), "not-found");
}
