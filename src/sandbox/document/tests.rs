use super::*;

fn read(json: &str) -> Result<Tenant, Vec<Problem>> {
    Tenant::from_document(&serde_json::from_str(json).unwrap())
}

#[test]
fn a_described_tenant_has_what_the_description_says() {
    let tenant = read(
        r#"{"skus": [{"sku": "SPE_E3", "enabled": 2}],
            "groups": [{"name": "Outer", "groups": ["Inner"]}, {"name": "Inner"}],
            "users": [{"user_principal_name": "ana@contoso.com", "usage_location": "de",
                       "groups": ["Inner"], "department": "Sales", "employee_type": "Employee",
                       "extension_attributes": {"1": "CC-1", "15": "x"},
                       "licenses": [{"sku": "SPE_E3", "disable": ["SWAY"]}]}]}"#,
    )
    .unwrap();
    let ana = tenant.user("ANA@contoso.com").unwrap();
    assert_eq!(ana.usage_location.unwrap().as_str(), "DE");
    assert_eq!(ana.licenses[0].disabled().len(), 1);
    assert_eq!(ana.profile.department.as_deref(), Some("Sales"));
    assert_eq!(ana.profile.employee_type.as_deref(), Some("Employee"));
    assert_eq!(ana.profile.extensions, [(1, "CC-1".into()), (15, "x".into())]);
    assert_eq!(tenant.sku_named("SPE_E3").unwrap().consumed, 1);
    let outer = tenant.groups_named("Outer").next().unwrap();
    assert!(tenant.transitive_members(outer.id).contains(&Member::User(ana.id)));
}

#[test]
fn all_problems_of_a_description_are_told_at_once() {
    let problems = read(
        r#"{"skus": [{"sku": "SPE_E9"}, {"sku": "SPE_E3", "status": "Fine"}],
            "groups": [{"name": "Outer", "groups": ["Nowhere"]}],
            "users": [{"user_principal_name": "ana", "usage_location": "Germany",
                       "id": "7", "extension_attributes": {"16": "x"}, "ad_domain": "corp.contoso.com",
                       "licenses": ["SPE_E5", {"sku": "SPE_E3", "disable": ["BING"]}]}]}"#,
    )
    .unwrap_err();
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    for (place, fragment) in [
        ("skus[0]", "does not know SKU `SPE_E9`"),
        ("skus[1]", "`Fine` is no state"),
        ("groups[0]", "no group `Nowhere`"),
        ("users[0]", "no @ in it"),
        ("users[0]", "`7` is not a GUID"),
        ("users[0]", "not a two-letter country code"),
        ("users[0]", "go together"),
        ("users[0]", "there is no 16"),
        ("users[0].licenses[0]", "not among the tenant's `skus`"),
        ("users[0].licenses[1]", "has no service plan `BING`"),
    ] {
        let told = |text: &String| text.starts_with(place) && text.contains(fragment);
        assert!(texts.iter().any(told), "{place}: {fragment} in {texts:#?}");
    }
}

#[test]
fn two_users_of_one_name_are_refused() {
    let twice = r#"{"users": [{"user_principal_name": "a@x"}, {"user_principal_name": "A@x"}]}"#;
    assert!(read(twice).unwrap_err()[0].message.contains("are called"));
}
