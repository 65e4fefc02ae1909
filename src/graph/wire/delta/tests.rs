use serde_json::{Value, json};

use super::*;

const ANA: &str = "a1a1a1a1-0001-4000-8000-000000000001";
const BEN: &str = "a1a1a1a1-0002-4000-8000-000000000002";
const GROUP: &str = "3c2f9b0e-51b1-4a36-a2a5-0a3a4cf7f001";

fn users(body: &Value) -> Result<Changes<UserChange>, String> {
    Changes::parse(body.to_string().as_bytes(), user_change)
}

fn groups(body: &Value) -> Vec<GroupChange> {
    Changes::parse(body.to_string().as_bytes(), group_change).unwrap().rows
}

#[test]
fn a_page_leads_on_to_another_or_to_the_next_round() {
    let next = |body: Value| users(&body).map(|page| page.next);
    let page = next(json!({"value": [], "@odata.nextLink": "https://x/p"}));
    assert_eq!(page, Ok(Next::Page("https://x/p".to_owned())));
    let round = next(json!({"value": [], "@odata.deltaLink": "https://x/d"}));
    assert_eq!(round, Ok(Next::Round("https://x/d".to_owned())));
    assert!(next(json!({"value": []})).is_err());
    assert!(next(json!({"value": [], "@odata.nextLink": "a", "@odata.deltaLink": "b"})).is_err());
    assert!(next(json!({"value": [{}], "@odata.deltaLink": "b"})).is_err(), "a row without id");
}

/// The shapes that Graph documents for a round of changes.
#[test]
fn users_are_changed_or_removed_for_either_reason() {
    let page = users(&json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(id,department)",
        "@odata.deltaLink": "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x",
        "value": [
            {"id": ANA, "userPrincipalName": "ana@contoso.com", "department": null,
             "accountEnabled": true, "createdDateTime": "2026-11-20T08:00:00Z",
             "assignedLicenses": [{"disabledPlans": [],
                                   "skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965"}]},
            {"id": BEN, "@removed": {"reason": "changed"}},
            {"id": BEN, "@removed": {"reason": "deleted"}},
            {"id": BEN, "department": null}
        ]
    }))
    .unwrap();
    let [first, changed, deleted, minimal] = page.rows.as_slice() else { panic!("four rows") };
    let Happened::Changed { created_at: Some(at), told: Some(told) } = &first.happened else {
        panic!("{first:?}")
    };
    assert_eq!(at.to_string(), "2026-11-20T08:00:00Z");
    assert_eq!(told.enabled, Known::Known(true));
    assert_eq!(told.attributes.get(Attribute::Department), Known::Known(None));
    assert_eq!(told.usage_location, Known::Unknown, "it was never set, or is not told");
    assert!(matches!(changed.happened, Happened::Removed));
    assert!(matches!(deleted.happened, Happened::Removed));
    // Nobody can be compared who has no name; who it is counts.
    assert!(matches!(minimal.happened, Happened::Changed { created_at: None, told: None }));
}

#[test]
fn a_look_that_shows_something_else_than_was_told_differs() {
    let read = |row: Value| match users(&json!({"value": [row], "@odata.deltaLink": "x"})) {
        Ok(page) => match page.rows.into_iter().next().unwrap().happened {
            Happened::Changed { created_at: _, told: Some(told) } => *told,
            other => panic!("{other:?}"),
        },
        Err(error) => panic!("{error}"),
    };
    let sku = json!([{"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans": []}]);
    let row = |department: &str, licenses: &Value| {
        read(json!({"id": ANA, "userPrincipalName": "ana@contoso.com", "department": department,
                    "displayName": "Ana", "assignedLicenses": licenses}))
    };
    let seen = row("Sales", &sku);
    assert!(!differs(&row("Sales", &sku), &seen));
    assert!(differs(&row("HR", &sku), &seen));
    assert!(differs(&row("Sales", &json!([])), &seen));
    // What was not told is no difference.
    let told = read(json!({"id": ANA, "userPrincipalName": "ana@contoso.com"}));
    assert!(!differs(&told, &seen));
}

#[test]
fn members_add_up_over_rows_and_their_order_counts() {
    let member =
        |kind: &str, id: &str| json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id});
    let mut gone = member("user", ANA);
    gone["@removed"] = json!({"reason": "deleted"});
    let rows = groups(&json!({"@odata.deltaLink": "x", "value": [
        {"id": GROUP, "displayName": "LIC-E5", "members@delta": [member("user", ANA), gone]},
        {"id": GROUP, "displayName": "LIC-E5",
         "members@delta": [member("user", BEN), member("group", GROUP), member("device", ANA)]},
        {"id": GROUP, "members@delta": [{"id": GROUP, "@removed": {"reason": "deleted"}}]},
        {"id": GROUP, "@removed": {"reason": "changed"}}
    ]}));
    let mut known = DirectMembers::default();
    for row in &rows {
        row.apply(&mut known);
    }
    assert_eq!(known.users.iter().map(ToString::to_string).collect::<Vec<_>>(), [BEN]);
    assert!(known.groups.is_empty(), "whoever went is not there, whatever kind it was");
    assert_eq!(known.others.len(), 1);
    assert_eq!((rows[0].name.as_deref(), rows[2].name.as_deref()), (Some("LIC-E5"), None));
    assert_eq!((rows[0].may_hide, rows[3].removed), (None, true));
    let odd = json!({"@odata.deltaLink": "x", "value": [{"id": GROUP, "members@delta": [{}]}]});
    assert!(Changes::parse(odd.to_string().as_bytes(), group_change).is_err());
}
