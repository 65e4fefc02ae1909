//! Users, as a listing or a look at single ones shows them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use crate::domain::attribute::Attribute;
use crate::domain::dn::DistinguishedName;
use crate::domain::ids::UserId;
use crate::domain::known::Known;
use crate::domain::names::UsageLocation;
use crate::domain::user::{User, UserType};
use crate::graph::wire::attributes::{Extensions, attributes};
use crate::graph::wire::licenses::{RawLicense, RawState, licenses};
use crate::graph::wire::scalar::{List, Object, Scalar};

/// The properties of a user that are read below, as a query selects them.
macro_rules! select {
    () => {
        "id,userPrincipalName,displayName,userType,accountEnabled,usageLocation,\
         onPremisesSyncEnabled,onPremisesDistinguishedName,onPremisesDomainName,department,jobTitle,\
         companyName,country,officeLocation,employeeType,onPremisesExtensionAttributes,\
         assignedLicenses,licenseAssignmentStates"
    };
}

/// What is asked of each user in a listing.
pub(in crate::graph) const USER_QUERY: &str = concat!("$select=", select!(), "&$top=999");

/// What is asked of a single user right before and after a change: the same as in a listing.
pub(in crate::graph) const HOLDING_QUERY: &str = concat!("$select=", select!());

/// What is asked of users that change: the same, and when the account was made, which tells who is
/// new from who was restored.
pub(in crate::graph) const USER_CHANGES: &str = concat!("$select=createdDateTime,", select!());

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::graph) struct RawUser {
    id: Scalar,
    user_principal_name: Scalar,
    display_name: Scalar,
    user_type: Scalar,
    account_enabled: Scalar,
    usage_location: Scalar,
    on_premises_sync_enabled: Scalar,
    on_premises_distinguished_name: Scalar,
    on_premises_domain_name: Scalar,
    department: Scalar,
    job_title: Scalar,
    company_name: Scalar,
    country: Scalar,
    office_location: Scalar,
    employee_type: Scalar,
    on_premises_extension_attributes: Extensions,
    assigned_licenses: List<Object<RawLicense>>,
    license_assignment_states: List<Object<RawState>>,
}

/// Texts that many users share, each kept once.
#[derive(Debug, Default)]
pub(in crate::graph) struct Shared {
    texts: Mutex<BTreeSet<Arc<str>>>,
}

impl Shared {
    fn text(&self, text: &str) -> Arc<str> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        texts.insert(Arc::clone(&new));
        new
    }
}

/// Reads a row of the listing.
///
/// # Errors
///
/// Fails where the row has no id or no principal name: whoever it is would be missing.
pub(in crate::graph) fn user(raw: RawUser, shared: &Shared) -> Result<User, String> {
    let id: UserId = raw.id.id().ok_or("a user in the answer has no readable id")?;
    let principal_name = match raw.user_principal_name.text() {
        Known::Known(Some(name)) if !name.is_empty() => name.into(),
        Known::Known(_) | Known::Unknown => {
            return Err(format!("user {id} in the answer has no principal name"));
        }
    };
    let ad_domain = raw.on_premises_domain_name.text();
    let named = [
        (Attribute::Department, raw.department),
        (Attribute::JobTitle, raw.job_title),
        (Attribute::Company, raw.company_name),
        (Attribute::Country, raw.country),
        (Attribute::Office, raw.office_location),
        (Attribute::EmployeeType, raw.employee_type),
    ];
    let extensions = raw.on_premises_extension_attributes;
    Ok(User {
        id,
        principal_name,
        display_name: match raw.display_name.text() {
            Known::Known(name) => name.map(Into::into),
            Known::Unknown => None,
        },
        user_type: user_type(raw.user_type),
        enabled: enabled(&raw.account_enabled),
        usage_location: usage_location(id, raw.usage_location),
        // Source: Graph user.onPremisesSyncEnabled: true; false where it once was; null where never.
        synced: raw.on_premises_sync_enabled.flag().map(|synced| synced.unwrap_or(false)),
        distinguished_name: distinguished_name(id, raw.on_premises_distinguished_name),
        ad_domain: ad_domain.map(|domain| domain.map(|domain| shared.text(&domain))),
        attributes: attributes(named, extensions, |text| shared.text(text)),
        last_sign_in: Known::Unknown,
        licenses: licenses(raw.assigned_licenses, raw.license_assignment_states),
    })
}

/// Reads a single user.
///
/// # Errors
///
/// Fails where it is not the user who was asked for.
pub(in crate::graph) fn holding(raw: RawUser, asked: UserId) -> Result<User, String> {
    if raw.id.id() != Some(asked) {
        return Err(format!("the answer is not about user {asked}"));
    }
    user(raw, &Shared::default())
}

/// Source: Graph user.userType; null on very old synced objects, which are members.
fn user_type(raw: Scalar) -> Known<UserType> {
    match raw.text() {
        Known::Known(None) => Known::Known(UserType::Member),
        Known::Known(Some(text)) if text.eq_ignore_ascii_case("Member") => {
            Known::Known(UserType::Member)
        }
        Known::Known(Some(text)) if text.eq_ignore_ascii_case("Guest") => {
            Known::Known(UserType::Guest)
        }
        Known::Known(Some(_)) | Known::Unknown => Known::Unknown,
    }
}

fn enabled(raw: &Scalar) -> Known<bool> {
    match raw.flag() {
        Known::Known(Some(enabled)) => Known::Known(enabled),
        Known::Known(None) | Known::Unknown => Known::Unknown,
    }
}

fn usage_location(id: UserId, raw: Scalar) -> Known<Option<UsageLocation>> {
    match raw.text() {
        Known::Known(None) => Known::Known(None),
        Known::Known(Some(text)) => {
            if let Ok(location) = text.parse() {
                return Known::Known(Some(location));
            }
            tracing::warn!(user = %id, "Graph shows a usage location that is no country code");
            Known::Unknown
        }
        Known::Unknown => Known::Unknown,
    }
}

fn distinguished_name(id: UserId, raw: Scalar) -> Known<Option<DistinguishedName>> {
    match raw.text() {
        Known::Known(None) => Known::Known(None),
        Known::Known(Some(text)) => {
            if let Ok(name) = text.parse() {
                return Known::Known(Some(name));
            }
            tracing::warn!(user = %id, "Graph shows a distinguished name that cannot be read");
            Known::Unknown
        }
        Known::Unknown => Known::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::attribute::Attributes;

    const ANA: &str = "A1A1A1A1-0001-4000-8000-000000000001";

    fn read(mut row: Value) -> Result<User, String> {
        if row.get("id").is_none() {
            row["id"] = json!(ANA);
        }
        if row.get("userPrincipalName").is_none() {
            row["userPrincipalName"] = json!("ana@contoso.com");
        }
        user(serde_json::from_value(row).unwrap(), &Shared::default())
    }

    #[test]
    fn what_was_not_sent_is_unknown() {
        let user = read(json!({"shoeSize": 43})).unwrap();
        assert_eq!(user.id.to_string(), ANA.to_lowercase());
        assert_eq!(user.user_type, Known::Unknown);
        assert_eq!(user.enabled, Known::Unknown);
        assert_eq!(user.usage_location, Known::Unknown);
        assert_eq!(user.synced, Known::Unknown);
        assert_eq!(user.distinguished_name, Known::Unknown);
        assert_eq!(user.ad_domain, Known::Unknown);
        assert_eq!(user.attributes, Attributes::unknown());
        assert_eq!(user.licenses, Known::Unknown);
    }

    /// Every property that an attribute is read from, with this value.
    fn attributes_of(value: &Value) -> Attributes {
        let extensions = (1..=15).map(|n| (format!("extensionAttribute{n}"), value.clone()));
        let extensions: serde_json::Map<String, Value> = extensions.collect();
        let row = json!({
            "department": value, "jobTitle": value, "companyName": value, "country": value,
            "officeLocation": value, "employeeType": value,
            "onPremisesExtensionAttributes": extensions
        });
        read(row).unwrap().attributes
    }

    #[test]
    fn an_attribute_that_was_sent_as_null_or_empty_is_absent() {
        assert_eq!(attributes_of(&json!(null)), Attributes::none());
        assert_eq!(attributes_of(&json!("")), Attributes::none());
        assert_eq!(attributes_of(&json!({"a": 1})), Attributes::unknown());
        assert_eq!(attributes_of(&json!("x")).values().count(), 21);
    }

    #[test]
    fn each_attribute_is_read_from_its_own_property() {
        let user = read(json!({
            "department": "Sales", "jobTitle": "Engineer", "companyName": "Contoso",
            "country": "Germany", "officeLocation": "Berlin", "employeeType": "Employee",
            "usageLocation": "DE",
            "onPremisesExtensionAttributes": {"extensionAttribute1": "one",
                "extensionAttribute2": null, "extensionAttribute15": "last",
                "extensionAttribute16": "none such", "@odata.type": "x"}
        }))
        .unwrap();
        let told = |key: &str| user.attribute(Attribute::named(key).unwrap());
        for (key, value) in [
            ("department", "Sales"),
            ("job_title", "Engineer"),
            ("company", "Contoso"),
            ("country", "Germany"),
            ("office", "Berlin"),
            ("employee_type", "Employee"),
            ("usage_location", "DE"),
            ("extension_attribute1", "one"),
            ("extension_attribute15", "last"),
        ] {
            assert_eq!(told(key), Known::Known(Some(value)), "{key}");
        }
        assert_eq!(told("extension_attribute2"), Known::Known(None));
        assert_eq!(told("extension_attribute3"), Known::Unknown, "it was not in the object");
    }

    #[test]
    fn extension_attributes_of_another_type_are_unknown_and_never_a_failure() {
        for odd in
            [json!(null), json!([]), json!(["a"]), json!("a"), json!(1), json!(-1.5), json!(true)]
        {
            let user = read(json!({"onPremisesExtensionAttributes": odd})).unwrap();
            assert_eq!(user.attributes, Attributes::unknown(), "{odd}");
        }
    }

    #[test]
    fn a_text_that_many_users_have_is_kept_once() {
        let shared = Shared::default();
        let row = json!({"id": ANA, "userPrincipalName": "ana@contoso.com", "department": "Sales",
            "officeLocation": "Sales"});
        let read = || user(serde_json::from_value(row.clone()).unwrap(), &shared).unwrap();
        let (one, two) = (read(), read());
        let value =
            |user: &User| user.attributes.values().map(|(_, v)| v.as_ptr()).collect::<Vec<_>>();
        assert_eq!(value(&one), value(&two));
        assert_eq!(value(&one)[0], value(&one)[1]);
    }

    #[test]
    fn what_was_sent_as_null_is_absent() {
        let user = read(json!({
            "userType": null, "accountEnabled": null, "usageLocation": null,
            "onPremisesSyncEnabled": null, "onPremisesDistinguishedName": null,
            "onPremisesDomainName": null, "displayName": null
        }))
        .unwrap();
        assert_eq!(user.user_type, Known::Known(UserType::Member));
        assert_eq!(user.enabled, Known::Unknown);
        assert_eq!(user.usage_location, Known::Known(None));
        assert_eq!(user.synced, Known::Known(false));
        assert_eq!(user.distinguished_name, Known::Known(None));
        assert_eq!(user.ad_domain, Known::Known(None));
    }

    #[test]
    fn values_of_another_type_are_unknown_and_never_a_failure() {
        let user = read(json!({
            "userType": "Robot", "accountEnabled": "TRUE", "usageLocation": "Germany",
            "onPremisesSyncEnabled": [1], "onPremisesDomainName": {"a": 1},
            "assignedLicenses": []
        }))
        .unwrap();
        assert_eq!(user.user_type, Known::Unknown);
        assert_eq!(user.enabled, Known::Known(true));
        assert_eq!(user.usage_location, Known::Unknown);
        assert_eq!(user.synced, Known::Unknown);
        assert_eq!(user.ad_domain, Known::Unknown);
    }

    #[test]
    fn nobody_without_an_id_or_a_name() {
        for id in [json!(null), json!("ana"), json!(1)] {
            assert!(read(json!({"id": id})).is_err());
        }
        for name in [json!(null), json!(""), json!(1)] {
            assert!(read(json!({"userPrincipalName": name})).is_err());
        }
    }

    #[test]
    fn a_look_at_another_user_is_refused() {
        let raw: RawUser = serde_json::from_value(json!({"id": ANA})).unwrap();
        assert!(holding(raw, "b1a1a1a1-0001-4000-8000-000000000001".parse().unwrap()).is_err());
    }
}
