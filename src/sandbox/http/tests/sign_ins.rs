use super::*;
use crate::sandbox::TenantDocument;

const ASK: &str = "/users?$select=id,userPrincipalName,signInActivity";

fn people() -> Tenant {
    let document: TenantDocument = serde_json::from_value(json!({
        "users": [
            {"user_principal_name": "ana@contoso.com", "last_sign_in": "2026-08-14T07:30:00Z"},
            {"user_principal_name": "ben@contoso.com", "last_sign_in": "2026-08-14T07:30:00Z",
             "last_silent_sign_in": "2026-08-15T03:10:00Z"},
            {"user_principal_name": "chi@contoso.com"}
        ]
    }))
    .unwrap();
    Tenant::from_document(&document).unwrap()
}

#[tokio::test]
async fn sign_ins_are_told_where_they_are_on_record() {
    let bench = Bench::new(people(), Options::default()).await;
    let body = bench.get(ASK).await.json();
    let activity = |name: &str| {
        let users = body["value"].as_array().unwrap();
        let fits = |user: &&Value| user["userPrincipalName"] == format!("{name}@contoso.com");
        users.iter().find(fits).unwrap()["signInActivity"].clone()
    };
    assert_eq!(activity("ana")["lastSignInDateTime"], "2026-08-14T07:30:00Z");
    assert_eq!(activity("ana")["lastNonInteractiveSignInDateTime"], Value::Null);
    assert_eq!(activity("ben")["lastNonInteractiveSignInDateTime"], "2026-08-15T03:10:00Z");
    assert_eq!(activity("ben")["lastSuccessfulSignInDateTime"], "2026-08-15T03:10:00Z");
    assert_eq!(activity("chi"), Value::Null);
    assert!(!bench.get("/users").await.text.contains("signInActivity"));
}

#[tokio::test]
async fn sign_ins_need_a_permission_and_a_premium_license_of_their_own() {
    let mut bench = Bench::new(people(), Options::default()).await;
    let mut roles = Role::usual();
    roles.remove(&Role::AuditLogReadAll);
    bench.server.set_roles(roles);
    bench.sign_in().await;
    let refused = bench.get(ASK).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.code(), "Authentication_MSGraphPermissionMissing");
    assert_eq!(bench.get("/users").await.status, 200);

    let options = Options { sign_ins: SignInActivity::NoPremium, ..Options::default() };
    let refused = Bench::new(people(), options).await.get(ASK).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.code(), "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
}

#[tokio::test]
async fn a_page_of_sign_ins_has_a_limit_of_its_own() {
    let options = Options { sign_ins: SignInActivity::Pages { most: 2 }, ..Options::default() };
    let bench = Bench::new(people(), options).await;
    let refused = bench.get(&format!("{ASK}&$top=500")).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.message(), "Cannot query data for more than 2 users at a time.");
    assert_eq!(bench.get(&format!("{ASK}&$top=2")).await.values("id").len(), 2);
    assert_eq!(bench.get("/users?$select=id&$top=999").await.status, 200);
}

#[tokio::test]
async fn sign_ins_are_told_ten_times_a_minute() {
    let bench = Bench::new(people(), Options::default()).await;
    for _ in 0..10 {
        assert_eq!(bench.get(ASK).await.status, 200);
    }
    let refused = bench.get(ASK).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() <= 12);
    assert_eq!(bench.get("/users").await.status, 200);
}
