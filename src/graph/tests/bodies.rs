//! Whatever a body is that should be a page of users: it is refused, or nothing in it that cannot be
//! read passes for "has not".

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::ids::SkuId;
use crate::domain::user::User;
use crate::graph::users_of_page;

fn id(kind: u8, at: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{at:012x}")
}

/// A page as Graph sends it, with licenses from both sources, an error, and links.
fn page() -> Value {
    let user = |at: usize| {
        let state = |sku: u8, group: Value, state: &str, error: &str| {
            json!({"skuId": id(sku, 1), "assignedByGroup": group, "state": state, "error": error,
                   "disabledPlans": [id(7, 1)], "lastUpdatedDateTime": "2026-11-23T09:00:00Z"})
        };
        json!({
            "@odata.id": "https://graph.example/users", "id": id(0xab, at),
            "userPrincipalName": format!("user{at}@contoso.com"),
            "displayName": "Ana \u{201c}A\u{201d}", "userType": "Member", "accountEnabled": true,
            "usageLocation": "DE", "onPremisesSyncEnabled": null,
            "onPremisesDistinguishedName": "CN=Ana,OU=Staff,DC=contoso,DC=com",
            "department": "Sales", "onPremisesExtensionAttributes": {"extensionAttribute1": "x"},
            "assignedLicenses": [{"skuId": id(2, 1), "disabledPlans": [id(7, 1)]},
                                 {"skuId": id(3, 1), "disabledPlans": []}],
            "licenseAssignmentStates": [state(2, Value::Null, "Active", "None"),
                                        state(3, json!(id(9, 1)), "Active", "None"),
                                        state(4, json!(id(9, 1)), "Error", "CountViolation")],
        })
    };
    json!({"@odata.context": "https://graph.example/$metadata#users",
           "value": (1..=3).map(user).collect::<Vec<_>>(),
           "@odata.nextLink": "https://graph.example/users?$skiptoken=x"})
}

/// The SKUs of every user, by id; none where that is not known.
fn held(users: &[User]) -> BTreeMap<String, Option<Vec<SkuId>>> {
    let skus = |user: &User| {
        user.licenses.value().map(|held| held.assignments.iter().map(|one| one.sku).collect())
    };
    users.iter().map(|user| (user.id.to_string(), skus(user))).collect()
}

/// Counts the values of a tree, or replaces the one of this number.
fn replace(tree: &mut Value, left: &mut usize, with: Option<&Value>) {
    if *left == 0 {
        if let Some(with) = with {
            *tree = with.clone();
        }
        *left = usize::MAX;
        return;
    }
    *left -= 1;
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, left, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, left, with)),
        _ => {}
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[null]])),
        Just(json!({"value": [{}]})),
    ]
}

proptest! {
    /// One value anywhere is another, of any type: the page is refused, or whoever is in it holds
    /// what they held as far as that is still known. A list of licenses that came empty is a fact,
    /// and cannot be told from one.
    #[test]
    fn a_wrong_value_never_takes_a_license_away(at in 0_usize..200, value in any_value()) {
        let whole = held(&users_of_page(&serde_json::to_vec(&page()).unwrap()).unwrap());
        let mut tree = page();
        let mut left = at;
        replace(&mut tree, &mut left, Some(&value));
        let emptied = value == json!([]);
        if let Ok(users) = users_of_page(&serde_json::to_vec(&tree).unwrap()) {
            for (user, skus) in held(&users) {
                let before = whole.get(&user);
                prop_assert!(before.is_some() || value.is_string(), "{user} is nobody");
                let same = skus.is_none() || before.is_none_or(|before| *before == skus);
                prop_assert!(same || emptied, "{user} holds {skus:?}: {tree:#}");
            }
        }
    }

    /// Bytes that are cut off, changed or put in between never make a shorter page.
    #[test]
    fn broken_bytes_never_make_a_shorter_page(
        from in 0_usize..4_000, length in 0_usize..40, with in prop::collection::vec(any::<u8>(), 0..12),
        cut in any::<bool>(),
    ) {
        let mut body = serde_json::to_vec(&page()).unwrap();
        let from = from.min(body.len());
        if cut {
            body.truncate(from);
            if from < serde_json::to_vec(&page()).unwrap().len() {
                prop_assert!(users_of_page(&body).is_err());
            }
        } else {
            let to = (from + length).min(body.len());
            body.splice(from..to, with);
            // It need not be refused, where what was changed was a name, say; but it never panics.
            let _ = users_of_page(&body);
        }
    }

    #[test]
    fn what_is_no_page_is_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(users_of_page(&body).is_err());
    }
}

#[test]
fn ids_in_another_case_and_people_who_come_twice_are_the_same_people() {
    let mut tree = page();
    let again = tree["value"][0].clone();
    tree["value"].as_array_mut().unwrap().push(again);
    tree["value"][3]["id"] = json!(id(0xab, 1).to_uppercase());
    let users = users_of_page(&serde_json::to_vec(&tree).unwrap()).unwrap();
    assert_eq!(users[0], users[3]);
}
