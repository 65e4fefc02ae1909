use super::*;
use crate::ports::{Outcome, OutcomeKind, Settlement};

#[tokio::test]
async fn the_daemon_is_alive_and_its_tenants_ready() {
    let site = Site::new().await;
    assert_eq!(site.ask("GET", "/healthz", "", None).await.json(), json!({"alive": true}));
    let ready = site.ask("GET", "/readyz", "", None).await;
    assert_eq!(ready.status, 200);
    let tenants = json!([{"tenant": "contoso", "ready": true, "because": null}]);
    assert_eq!(ready.json(), json!({"ready": true, "tenants": tenants}));
}

#[tokio::test]
async fn a_tenant_without_a_complete_cycle_lately_is_not_ready() {
    let site = Site::new().await;
    let place = site.board.place(&contoso()).unwrap();
    let long_ago = "2026-11-23T08:14:00Z".parse().unwrap();
    place.pretend(|facts| {
        facts.last_success = Some(long_ago);
        facts.failure = Some("cannot list users: no answer in time".to_owned());
    });
    let answer = site.ask("GET", "/readyz", "", None).await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "not-ready"));
    let told = answer.json();
    assert_eq!(told["ready"], false);
    assert_eq!(
        told["tenants"][0]["because"],
        "the last complete cycle was at 2026-11-23T08:14:00Z, over 45m ago; the last one failed: \
         cannot list users: no answer in time"
    );
    place.pretend(|facts| facts.last_success = None);
    let answer = site.ask("GET", "/readyz", "", None).await.json();
    let because = answer["tenants"][0]["because"].as_str().unwrap().to_owned();
    assert!(because.starts_with("there was no complete cycle since the daemon started; "));
}

#[tokio::test]
async fn plans_are_listed_page_by_page() {
    let site = Site::new().await;
    let mut plans = Vec::new();
    for number in 0..3_u8 {
        let plan = site.world.plan();
        let id = crate::plan::PlanId(ulid::Ulid(plan.id.0.0 + u128::from(number)));
        let plan = Plan { id, digest: Digest([number; 32]), ..plan };
        site.store.propose(plan.clone(), PlanState::Held).await.unwrap();
        plans.push(plan.id.to_string());
    }
    let first = site.get("/api/v1/plans?limit=2").await.json();
    assert_eq!([&first["plans"][0]["id"], &first["plans"][1]["id"]], [&plans[2], &plans[1]]);
    let next = first["next"].as_str().unwrap();
    let second = site.get(&format!("/api/v1/plans?limit=2&before={next}")).await.json();
    assert_eq!((&second["plans"][0]["id"], &second["next"]), (&json!(plans[0]), &Value::Null));
    let held = site.get("/api/v1/plans?tenant=contoso&state=held&limit=").await.json();
    assert_eq!(held["plans"].as_array().unwrap().len(), 1);
    for wrong in ["state=nonsense", "limit=0", "limit=1001", "limit=x", "color=red", "tenant=%20"] {
        let answer = site.get(&format!("/api/v1/plans?{wrong}")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-request"), "{wrong}");
    }
}

#[tokio::test]
async fn a_plan_is_told_as_it_is_published_and_as_a_person_reads_it() {
    let site = Site::new().await;
    let plan = site.plan().await;
    let told = site.get(&format!("/api/v1/plans/{}", plan.id)).await;
    let stored = crate::report::json::from_json(&told.body).unwrap();
    assert_eq!((stored.plan, stored.state), (plan.clone(), PlanState::Held));
    let text = site.get(&format!("/api/v1/plans/{}?format=text", plan.id)).await;
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    assert!(text.body.starts_with(&format!("Plan {}  tenant contoso  held", plan.id)));
}

/// Carries a plan out as far as the records know.
pub(super) async fn carried_out(site: &Site) -> Plan {
    let plan = site.plan().await;
    let body = json!({"digest": plan.digest.to_string(), "accept": ["first_plan"], "reason": "x"});
    let path = format!("/api/v1/plans/{}/approve", plan.id);
    site.ask("POST", &path, "approves", Some(body)).await;
    site.store.advance(plan.id, PlanState::Approved, PlanState::Applying).await.unwrap();
    let settlement = |operation: &crate::plan::Operation| Settlement {
        outcome: Outcome {
            plan: plan.id,
            operation: operation.key,
            kind: OutcomeKind::Done,
            at: site.world.now,
            detail: String::new(),
            code: None,
            request_id: Some("the id of a request".into()),
            recovered: false,
        },
        ledger: Vec::new(),
    };
    let settlements = plan.operations.iter().map(settlement).collect();
    site.store.settle(&contoso(), settlements).await.unwrap();
    plan
}

#[tokio::test]
async fn the_history_is_told_page_by_page_and_whole() {
    let site = Site::new().await;
    let plan = carried_out(&site).await;
    assert_eq!(plan.operations.len(), 2);
    let mut path = "/api/v1/history?limit=1".to_owned();
    let mut users = Vec::new();
    loop {
        let page = site.get(&path).await.json();
        for entry in page["history"].as_array().unwrap() {
            assert_eq!(entry["approved_by"], "ana");
            users.push(entry["operation"]["user"]["user_principal_name"].to_string());
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/history?limit=1&before={next}");
    }
    users.sort();
    assert_eq!(users, ["\"ana@contoso.com\"", "\"cem@contoso.com\""]);
    let of_ana = site.get("/api/v1/history?user=ana@").await.json();
    assert_eq!(of_ana["history"].as_array().unwrap().len(), 1);
    let wrong = site.get("/api/v1/history?before=yesterday").await;
    assert_eq!(wrong.problem(), "bad-request");
}

#[tokio::test]
async fn users_are_found_by_what_they_are_and_hold() {
    let site = Site::new().await;
    let asked = async |query: &str| {
        let page = site.get(&format!("/api/v1/tenants/contoso/users?{query}")).await.json();
        let users = page["users"].as_array().unwrap_or_else(|| panic!("{page}")).iter();
        let names = users.map(|user| user["user_principal_name"].as_str().unwrap().to_owned());
        names.map(|name| name.split('@').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(asked("").await, "ana ben cem");
    assert_eq!(asked("search=CEM").await, "cem");
    assert_eq!(asked("sku=spe_e3").await, "ben");
    assert_eq!(asked("group=sales").await, "ana cem");
    assert_eq!(asked("unlicensed=true&domain=contoso.com").await, "ana cem");
    assert_eq!(asked("limit=1&after=ana@contoso.com").await, "ben");
    for wrong in ["sku=NOPE", "group=Nope", "ou=nope", "search=a&shoe_size=43"] {
        let answer = site.get(&format!("/api/v1/tenants/contoso/users?{wrong}")).await;
        assert_eq!(answer.problem(), "bad-request", "{wrong}");
    }
}

#[tokio::test]
async fn a_user_is_explained_from_the_last_read_and_the_policies_in_force() {
    let site = Site::new().await;
    let told = site.get("/api/v1/tenants/contoso/explain/Ana@contoso.com").await.json();
    assert_eq!(told["skus"][0]["sku"], "SPE_E3");
    assert_eq!(told["skus"][0]["wanted"], true);
    let text = site.get("/api/v1/tenants/contoso/explain/ana%40contoso.com?format=text").await;
    assert!(text.body.contains("SPE_E3"), "{text:?}");
    let nobody = site.get("/api/v1/tenants/contoso/explain/nobody@contoso.com").await;
    assert_eq!(nobody.problem(), "not-found");
    let place = site.board.place(&contoso()).unwrap();
    place.pretend(|facts| facts.policies = None);
    let answer = site.get("/api/v1/tenants/contoso/explain/ana@contoso.com").await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "not-yet"));
}
