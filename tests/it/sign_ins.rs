//! `inactive_for` over the sandbox: a slow read of its own, resumable, at the pace that Graph allows.

use std::time::Duration;

use jiff::SignedDuration;
use seatkeeper::ports::{Clock as _, Records as _};
use seatkeeper::sandbox::http::{Clock, SignInActivity, Throttle};
use seatkeeper::sandbox::roles::Role;
use seatkeeper::sandbox::{Options, Tenant};
use serde_json::json;

use crate::lab::{FakeClock, Fuse, Lab};
use crate::site::{calm, direct, tenant};

const POLICIES: &str = r"
policies:
  - name: idle
    match: {inactive_for: 90d}
    action: remove
    licenses: [SPE_E3]
";

const STAFF: &str = r"
policies:
  - name: staff
    match: {group: Staff}
    licenses: [SPE_E3]
";

/// Ana signed in lately, Ben long ago, Cem by an app lately, Dee never as far as is known.
fn people() -> Tenant {
    let user = |name: &str| {
        json!({"user_principal_name": format!("{name}@contoso.com"), "usage_location": "DE",
               "licenses": ["SPE_E3"], "groups": ["Staff"]})
    };
    let mut users = ["ana", "ben", "cem", "dee"].map(user);
    users[0]["last_sign_in"] = json!("2026-11-20T08:00:00Z");
    users[1]["last_sign_in"] = json!("2026-06-01T08:00:00Z");
    users[2]["last_sign_in"] = json!("2026-06-01T08:00:00Z");
    users[2]["last_silent_sign_in"] = json!("2026-11-20T08:00:00Z");
    let skus = json!([{"sku": "SPE_E3", "enabled": 10}]);
    tenant(json!({"skus": skus, "groups": [{"name": "Staff"}], "users": users}))
}

/// A lab whose tenant shows one user on a page of sign-ins.
async fn lab(options: Options) -> Lab {
    let clock = FakeClock::at("2026-11-23T09:00:00Z");
    let options = Options { sign_ins: SignInActivity::Pages { most: 1 }, ..options };
    Lab::with(people(), options, clock, "", &[("policies.yaml", POLICIES)]).await
}

/// Pages of sign-ins that were asked for so far.
fn pages(lab: &Lab) -> usize {
    let asked = lab.sandbox.requests();
    asked.iter().filter(|seen| seen.path.contains("signInActivity")).count()
}

async fn removed(lab: &Lab) -> Vec<String> {
    let operations = lab.plan().await.unwrap().planned.plan.operations;
    operations.iter().map(|operation| operation.user.principal_name.to_string()).collect()
}

async fn warnings(lab: &Lab) -> Vec<String> {
    let plan = lab.plan().await.unwrap().planned.plan;
    plan.warnings.into_iter().map(|warning| warning.message).collect()
}

#[tokio::test]
async fn whoever_signed_in_long_ago_by_every_kind_is_inactive() {
    let lab = lab(calm()).await;
    let cycle = lab.plan().await.unwrap();
    let plan = cycle.planned.plan;
    let users: Vec<_> = plan.operations.iter().map(|op| &*op.user.principal_name).collect();
    assert_eq!(users, ["ben@contoso.com"]);
    assert_eq!(&*plan.operations[0].because[0].detail, "inactive for 90d");
    let unknown: Vec<_> = plan.unknown.iter().map(|of| (of.users, &*of.detail)).collect();
    assert_eq!(unknown, [(1, "inactive for 90d cannot be told")]);
    assert_eq!(plan.warnings, []);
    // Carrying it out asks about Ben by himself, which does not tell his sign-ins.
    let applied = lab.apply(&Fuse::never()).await.unwrap();
    assert!(applied.carried.is_some());
    assert_eq!(direct(&lab.sandbox.tenant(), "ben@contoso.com"), Vec::<String>::new());
    assert_eq!(direct(&lab.sandbox.tenant(), "dee@contoso.com"), ["SPE_E3"]);
}

#[tokio::test]
async fn sign_ins_are_read_once_a_day_and_only_where_a_policy_asks() {
    let lab = lab(calm()).await;
    removed(&lab).await;
    // The first asks for too many users at a time, and learns the size of a page.
    assert_eq!(pages(&lab), 5);
    removed(&lab).await;
    assert_eq!(pages(&lab), 5);
    let ana = lab.sandbox.tenant().user("ben@contoso.com").unwrap().id;
    lab.clock.advance(Duration::from_hours(25));
    lab.sandbox.change(|tenant| tenant.sign_in(ana, lab.clock.now()));
    assert_eq!(removed(&lab).await, Vec::<String>::new());
    assert_eq!(pages(&lab), 10);

    let clock = FakeClock::at("2026-11-23T09:00:00Z");
    let other = Lab::with(people(), calm(), clock, "", &[("policies.yaml", STAFF)]).await;
    other.plan().await.unwrap();
    assert_eq!(pages(&other), 0);
}

#[tokio::test]
async fn an_unfinished_read_leaves_the_others_unknown_and_goes_on_in_the_next_cycle() {
    let mut lab = lab(calm()).await;
    lab.sign_ins_within = Duration::ZERO;
    assert_eq!(removed(&lab).await, Vec::<String>::new());
    let told = "the read of sign-ins has come to 0 of 4 users; whether the others are inactive \
                cannot be told";
    assert_eq!(warnings(&lab).await, [told]);
    assert_eq!(pages(&lab), 0);
}

#[tokio::test]
async fn a_read_that_was_killed_at_any_page_goes_on_where_it_was() {
    for step in 1..=8 {
        let lab = lab(calm()).await;
        // Steps 1 to 8 are before and after each of the four pages is recorded.
        assert!(lab.apply(&Fuse::at(step)).await.is_none());
        let kept = lab.store().sign_in_reading(&"contoso".parse().unwrap()).await.unwrap();
        let recorded = usize::try_from(step / 2).unwrap();
        assert_eq!(kept.map_or(0, |reading| reading.users), step / 2);
        let before = pages(&lab);
        assert_eq!(removed(&lab).await, ["ben@contoso.com"], "step {step}");
        // A new process that begins anew has to learn the size of a page again.
        let again = pages(&lab) - before - usize::from(recorded == 0);
        assert_eq!(again, 4 - recorded, "step {step}");
    }
}

#[tokio::test]
async fn a_read_whose_place_is_lost_begins_anew() {
    let lab = lab(calm()).await;
    assert!(lab.apply(&Fuse::at(4)).await.is_none());
    // The same tenant at another address: what the continuation leads to is not there any more.
    let options = Options { sign_ins: SignInActivity::Pages { most: 1 }, ..calm() };
    let moved = lab.fork(options, lab.clock.clone()).await;
    assert_eq!(removed(&moved).await, ["ben@contoso.com"]);
    assert_eq!(pages(&moved), 5);
}

#[tokio::test]
async fn without_the_permission_or_the_license_everybody_is_unknown_and_the_cycle_goes_on() {
    let mut roles = Role::usual();
    roles.remove(&Role::AuditLogReadAll);
    let no_permission = lab(Options { roles, ..calm() }).await;
    assert_eq!(removed(&no_permission).await, Vec::<String>::new());
    assert_eq!(
        warnings(&no_permission).await,
        ["sign-ins cannot be read, so whether users are inactive cannot be told: grant the \
          application permission `AuditLog.Read.All`, with admin consent"]
    );
    let options = Options { sign_ins: SignInActivity::NoPremium, ..calm() };
    let clock = FakeClock::at("2026-11-23T09:00:00Z");
    let no_premium = Lab::with(people(), options, clock, "", &[("policies.yaml", POLICIES)]).await;
    assert_eq!(
        warnings(&no_premium).await,
        [
            "sign-ins cannot be read, so whether users are inactive cannot be told: the tenant has no \
          Entra ID P1 or P2 license, which sign-in activity needs"
        ]
    );
    let plan = no_premium.plan().await.unwrap().planned.plan;
    assert_eq!(plan.unknown[0].users, 4);
}

#[tokio::test]
async fn the_pace_of_graph_is_kept() {
    let clock = FakeClock::at("2026-11-23T09:00:00Z");
    let theirs = clock.clone();
    let options = Options {
        throttle: Throttle::Documented,
        clock: Clock::Ask(std::sync::Arc::new(move || theirs.now())),
        sign_ins: SignInActivity::Pages { most: 2 },
        ..Options::default()
    };
    let tenant = Tenant::company(50, 1);
    let users = tenant.users().len();
    let lab = Lab::with(tenant, options, clock.clone(), "", &[("policies.yaml", POLICIES)]).await;
    let began = clock.now();
    lab.plan().await.unwrap();
    assert_eq!(pages(&lab), users.div_ceil(2) + 1);
    let refused = lab.sandbox.requests().iter().filter(|seen| seen.status == 429).count();
    assert_eq!(refused, 0);
    assert!(clock.now().duration_since(began) >= SignedDuration::from_mins(2));
}

#[tokio::test]
async fn old_sign_ins_are_not_used_for_ever() {
    let mut lab = lab(calm()).await;
    assert_eq!(removed(&lab).await, ["ben@contoso.com"]);
    lab.sign_ins_within = Duration::ZERO;
    lab.clock.advance(Duration::from_hours(70));
    assert_eq!(removed(&lab).await, ["ben@contoso.com"]);
    assert_eq!(warnings(&lab).await, Vec::<String>::new());
    lab.clock.advance(Duration::from_hours(3));
    assert_eq!(removed(&lab).await, Vec::<String>::new());
    assert_eq!(warnings(&lab).await.len(), 1);
}
