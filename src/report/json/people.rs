//! Users as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::known::Known;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;

/// A user, and what the user holds. What Graph did not send is null.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "User")]
pub(crate) struct UserForm<'a> {
    id: String,
    user_principal_name: &'a str,
    display_name: Option<&'a str>,
    enabled: Option<bool>,
    usage_location: Option<String>,
    licenses: Option<Vec<LicenseForm<'a>>>,
}

/// A license of a user: direct, by groups, or both.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "License")]
struct LicenseForm<'a> {
    sku_id: String,
    sku: &'a str,
    direct: bool,
    groups: Vec<&'a str>,
}

/// Returns users and what they hold as JSON. What Graph did not send is null.
pub fn users_to_json(users: &[&User], snapshot: &Snapshot) -> String {
    let users: Vec<UserForm<'_>> = users.iter().map(|user| user_form(user, snapshot)).collect();
    pretty(&serde_json::json!({"format_version": 1, "users": users}))
}

pub(crate) fn user_form<'a>(user: &'a User, snapshot: &'a Snapshot) -> UserForm<'a> {
    let license = |assignment: &'a crate::domain::user::Assignment| {
        let group = |id| snapshot.group(id).map_or("", |group| &*group.name);
        LicenseForm {
            sku_id: assignment.sku.to_string(),
            sku: snapshot.catalogue().get(assignment.sku).map_or("", |sku| &*sku.part_number),
            direct: assignment.direct().is_some(),
            groups: assignment.inherited().iter().map(|from| group(from.group)).collect(),
        }
    };
    UserForm {
        id: user.id.to_string(),
        user_principal_name: &user.principal_name,
        display_name: user.display_name.as_deref(),
        enabled: user.enabled.value().copied(),
        usage_location: match user.usage_location {
            Known::Known(location) => location.map(|location| location.to_string()),
            Known::Unknown => None,
        },
        licenses: user
            .licenses
            .value()
            .map(|licenses| licenses.assignments.iter().map(license).collect()),
    }
}

fn pretty(value: &serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("JSON values always serialise");
    text.push('\n');
    text
}
