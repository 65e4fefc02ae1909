//! A removal on leaving runs only when a second question, asked another way, says so too; and only
//! what was approved runs.

use std::sync::Arc;

use seatkeeper::plan::PlanState;
use seatkeeper::ports::{HistoryFilter, OutcomeKind, Records as _};
use seatkeeper::sandbox::{Running, Tenant};
use serde_json::json;

use crate::lab::{Fuse, Lab};
use crate::site::{Site, calm, direct, tenant};

const POLICIES: &str = r"
policies:
  - name: staff-e3
    match: {group: Staff}
    licenses: [SPE_E3]
    grace: 0s
  - name: sales-power-bi
    match: {ou: 'OU=Sales,DC=corp,DC=contoso,DC=com'}
    licenses: [POWER_BI_PRO]
    grace: 0s
";

fn people() -> Tenant {
    let user = |name: &str| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE",
            "groups": ["Inner"], "licenses": ["SPE_E3"], "ad_domain": "corp.contoso.com",
            "on_premises_dn": format!("CN={name},OU=Sales,DC=corp,DC=contoso,DC=com")})
    };
    tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 10}, {"sku": "POWER_BI_PRO", "enabled": 10}],
        "groups": [{"name": "Staff", "groups": ["Inner"]}, {"name": "Inner"}],
        "users": [user("ana"), user("ben"), user("cara")],
    }))
}

/// A lab in which policies own what everybody holds.
async fn owned() -> Lab {
    let lab = Lab::new(people(), "", &[("policies.yaml", POLICIES)]).await;
    let first = lab.apply(&Fuse::never()).await.unwrap();
    assert_eq!(first.carried.unwrap().state, PlanState::Applied);
    lab
}

fn set(sandbox: &Running, user: &str, is_member: bool) {
    sandbox.change(|tenant| {
        let user = tenant.user(&format!("{user}@contoso.com")).unwrap().id;
        let inner = tenant.groups_named("Inner").next().unwrap().id;
        tenant.set_membership(inner, user, is_member);
    });
}

fn holds(lab: &Lab, user: &str) -> String {
    direct(&lab.sandbox.tenant(), &format!("{user}@contoso.com")).join(" ")
}

async fn outcomes(lab: &Lab, user: &str) -> Vec<(OutcomeKind, String)> {
    let filter = HistoryFilter { user: Some(user.into()), ..HistoryFilter::default() };
    let entries = lab.store().history(filter).await.unwrap();
    entries.into_iter().map(|entry| (entry.outcome.kind, entry.outcome.detail)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_on_leaving_is_asked_again_another_way_before_it_runs() {
    let lab = owned().await;
    set(&lab.sandbox, "ana", false);
    let before = lab.sandbox.counts().requests;
    lab.apply(&Fuse::never()).await.unwrap();
    assert_eq!(holds(&lab, "ana"), "POWER_BI_PRO");
    assert_eq!(holds(&lab, "ben"), "POWER_BI_PRO SPE_E3");
    let requests = lab.sandbox.requests();
    let since = requests.iter().filter(|seen| seen.number > before);
    let number = |fragment: &str| {
        let holds = |path: &str| path.contains(fragment);
        since
            .clone()
            .find(|seen| holds(&seen.path) || seen.items.iter().any(|item| holds(&item.path)))
            .map_or_else(|| panic!("{fragment} was not asked"), |seen| seen.number)
    };
    assert!(number("checkMemberGroups") < number("assignLicense"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_does_not_run_where_the_second_question_finds_the_user_in_the_group() {
    let lab = owned().await;
    set(&lab.sandbox, "ana", false);
    set(&lab.sandbox, "ben", false);
    // The listing that the plan rests on did not show Ana; by the time of the second look it would.
    let sandbox: Arc<Running> = lab.sandbox.clone();
    let fuse = Fuse::never().before_look(move || set(&sandbox, "ana", true));
    let applied = lab.apply(&fuse).await.unwrap();
    assert_eq!(applied.cycle.planned.plan.summary.remove, 2);
    assert_eq!(applied.carried.unwrap().state, PlanState::Partial);
    assert_eq!(holds(&lab, "ana"), "POWER_BI_PRO SPE_E3");
    assert_eq!(holds(&lab, "ben"), "POWER_BI_PRO");
    let (kind, detail) = outcomes(&lab, "ana").await.remove(0);
    assert_eq!(kind, OutcomeKind::Stale);
    assert_eq!(detail, "asked another way, policy staff-e3 matches the user");
    assert_eq!(outcomes(&lab, "ben").await.remove(0).0, OutcomeKind::Done);
    assert!(lab.plan().await.unwrap().stored.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_between_plan_and_apply_loses_nothing() {
    let lab = owned().await;
    set(&lab.sandbox, "ana", false);
    let writes = lab.sandbox.counts().writes;
    let applied = lab.apply_with(async || set(&lab.sandbox, "ana", true)).await;
    let carried = applied.carried.unwrap();
    assert_eq!((carried.stale, carried.state), (1, PlanState::Failed));
    assert_eq!(holds(&lab, "ana"), "POWER_BI_PRO SPE_E3");
    assert_eq!(lab.sandbox.counts().writes, writes);
    assert_eq!(outcomes(&lab, "ana").await.remove(0).0, OutcomeKind::Stale);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_approved_does_not_run() {
    let lab = owned().await;
    set(&lab.sandbox, "ana", false);
    let applied = lab.apply_with(async || set(&lab.sandbox, "ben", false)).await;
    let carried = applied.carried.unwrap();
    assert_eq!((carried.unapproved, carried.state), (1, PlanState::Applied));
    assert_eq!(holds(&lab, "ana"), "POWER_BI_PRO");
    assert_eq!(holds(&lab, "ben"), "POWER_BI_PRO SPE_E3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_not_answered_puts_the_removal_off() {
    let lab = owned().await;
    set(&lab.sandbox, "ana", false);
    let faults = ["forbidden=1@checkMemberGroups", "item-forbidden=1@checkMemberGroups"];
    lab.sandbox.set_faults(seatkeeper::sandbox::Faults::parse(1, faults).unwrap());
    lab.apply(&Fuse::never()).await.unwrap();
    assert_eq!(holds(&lab, "ana"), "POWER_BI_PRO SPE_E3");
    let (kind, detail) = outcomes(&lab, "ana").await.remove(0);
    assert_eq!(kind, OutcomeKind::Deferred);
    assert!(detail.starts_with("its cause could not be asked again: "), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_says_who_answers_for_a_policy() {
    let people = tenant(json!({
        "skus": [{"sku": "SPE_E3", "enabled": 5}],
        "users": [{"user_principal_name": "ana@contoso.com", "usage_location": "DE"}],
    }));
    let policies = "policies:\n  - name: staff\n    owner: licensing@contoso.com\n    \
                    match: {everyone: true}\n    licenses: [SPE_E3]\n";
    let site = Site::with(people, calm(), "", &[("policies.yaml", policies)]).await;
    let shown = site.expect(0, &["plan"]);
    assert!(shown.out.contains("1 person  owner licensing@contoso.com"), "{}", shown.out);
    let plan = site.json(0, &["show", "--format", "json"]);
    let owners = json!([{"policy": "staff", "owner": "licensing@contoso.com"}]);
    assert_eq!(plan["policy_owners"], owners);
}
