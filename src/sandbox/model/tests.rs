use super::*;
use crate::sandbox::document::TenantDocument;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn tenant(json: &str) -> Tenant {
    let document: TenantDocument = serde_json::from_str(json).unwrap();
    Tenant::from_document(&document).unwrap()
}

fn error(tenant: &Tenant, user: &str, sku: &str) -> Option<InheritanceError> {
    let id = tenant.sku_named(sku).unwrap().id;
    let held = tenant.user(user).unwrap().licenses.iter().find(|held| held.sku == id).unwrap();
    held.inherited[0].error
}

#[test]
fn a_groups_licenses_reach_direct_members_only() {
    let tenant = tenant(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 9}],
            "groups": [{"name": "outer", "licenses": ["SPE_E3"], "groups": ["inner"]},
                       {"name": "inner"}],
            "users": [{"user_principal_name": "a@x", "groups": ["outer"]},
                      {"user_principal_name": "b@x", "groups": ["inner"]}]}"#,
    );
    assert_eq!(error(&tenant, "a@x", "SPE_E3"), None);
    assert!(tenant.user("b@x").unwrap().licenses.is_empty());
    assert_eq!(tenant.sku_named("SPE_E3").unwrap().consumed, 1);
}

#[test]
fn all_licenses_of_a_group_come_or_none() {
    let tenant = tenant(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 9}, {"sku": "VISIOCLIENT", "enabled": 0}],
            "groups": [{"name": "g", "licenses": ["SPE_E3", "VISIOCLIENT"]}],
            "users": [{"user_principal_name": "a@x", "groups": ["g"]}]}"#,
    );
    assert_eq!(error(&tenant, "a@x", "VISIOCLIENT"), Some(InheritanceError::CountViolation));
    assert_eq!(error(&tenant, "a@x", "SPE_E3"), Some(InheritanceError::Other));
    assert_eq!(tenant.sku_named("SPE_E3").unwrap().consumed, 0);
}

#[test]
fn a_group_cannot_give_what_excludes_or_lacks_something() {
    let tenant = tenant(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 9}, {"sku": "SPE_F1", "enabled": 9},
                     {"sku": "MCOPSTN1", "enabled": 9}],
            "groups": [{"name": "f3", "licenses": ["SPE_F1"]},
                       {"name": "calls", "licenses": ["MCOPSTN1"]}],
            "users": [{"user_principal_name": "a@x", "groups": ["f3"], "licenses": ["SPE_E3"]},
                      {"user_principal_name": "b@x", "groups": ["calls"]}]}"#,
    );
    let exclusive = Some(InheritanceError::MutuallyExclusiveViolation);
    assert_eq!(error(&tenant, "a@x", "SPE_F1"), exclusive);
    assert_eq!(error(&tenant, "b@x", "MCOPSTN1"), Some(InheritanceError::DependencyViolation));
}

#[test]
fn a_service_plan_is_off_only_where_every_source_has_it_off() {
    let tenant = tenant(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 9}],
            "groups": [{"name": "g", "licenses": [{"sku": "SPE_E3", "disable": ["SWAY", "TEAMS1"]}]}],
            "users": [{"user_principal_name": "a@x", "groups": ["g"],
                       "licenses": [{"sku": "SPE_E3", "disable": ["SWAY"]}]}]}"#,
    );
    let held = &tenant.user("a@x").unwrap().licenses[0];
    let sku = tenant.sku_named("SPE_E3").unwrap();
    let sway = sku.service_plans.iter().find(|plan| &*plan.name == "SWAY").unwrap().id;
    assert_eq!(held.disabled().into_iter().collect::<Vec<_>>(), [sway]);
    assert_eq!(sku.consumed, 1);
}

#[test]
fn e3_stands_beside_e5_but_f3_beside_neither() {
    let mut tenant = tenant(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 9}, {"sku": "SPE_E5", "enabled": 9},
                     {"sku": "SPE_F1", "enabled": 9}],
            "users": [{"user_principal_name": "a@x", "usage_location": "DE",
                       "licenses": ["SPE_E3"]}]}"#,
    );
    let add = |tenant: &Tenant, sku: &str| LicenseChange {
        add: vec![(tenant.sku_named(sku).unwrap().id, ServicePlanSet::default())],
        remove: Vec::new(),
    };
    // Both suites hold the very same mailbox plan, which excludes others and not itself.
    let e5 = add(&tenant, "SPE_E5");
    assert_eq!(tenant.assign_license(0, &e5, NOW), Ok(()));
    let f3 = add(&tenant, "SPE_F1");
    assert!(matches!(tenant.assign_license(0, &f3, NOW), Err(Refusal::Exclusive { plans: _ })));
}

#[test]
fn comparing_license_states_leaves_out_when_things_changed() {
    let mut changed = tenant(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 9}],
            "users": [{"user_principal_name": "a@x", "usage_location": "DE",
                       "licenses": ["SPE_E3"]}]}"#,
    );
    let before = changed.license_state();
    let sku = changed.sku_named("SPE_E3").unwrap().id;
    let remove = LicenseChange { add: Vec::new(), remove: vec![sku] };
    let add = LicenseChange { add: vec![(sku, ServicePlanSet::default())], remove: Vec::new() };
    changed.assign_license(0, &remove, NOW).unwrap();
    assert_ne!(changed.license_state(), before);
    changed.assign_license(0, &add, NOW).unwrap();
    assert_eq!(changed.license_state(), before);
}
