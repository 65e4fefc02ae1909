//! Users and explanations as JSON.

use serde::Serialize;

use crate::domain::known::{Known, Truth};
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::plan::explain::{Effect, Explanation, Has, Owner, PolicyVoice, SkuExplanation};

#[derive(Serialize)]
struct UserForm<'a> {
    id: String,
    user_principal_name: &'a str,
    display_name: Option<&'a str>,
    enabled: Option<bool>,
    usage_location: Option<String>,
    licenses: Option<Vec<LicenseForm<'a>>>,
}

#[derive(Serialize)]
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

fn user_form<'a>(user: &'a User, snapshot: &'a Snapshot) -> UserForm<'a> {
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

/// Returns an explanation as JSON.
pub fn explanation_to_json(explanation: &Explanation) -> String {
    let Explanation { user, protected, snapshot_taken_at, skus, location, blocked } = explanation;
    let blocked: Vec<&str> = blocked.iter().map(|blocked| blocked.detail.as_str()).collect();
    pretty(&serde_json::json!({
        "format_version": 1,
        "user": {
            "id": user.id.to_string(),
            "user_principal_name": &*user.principal_name,
            "display_name": user.display_name.as_deref(),
        },
        "protected": protected,
        "snapshot_taken_at": snapshot_taken_at.to_string(),
        "usage_location": location,
        "blocked": blocked,
        "skus": skus.iter().map(sku_form).collect::<Vec<_>>(),
    }))
}

fn sku_form(explanation: &SkuExplanation) -> serde_json::Value {
    let SkuExplanation { sku, has, wanted, outranked_by, policies, owners, next, stays } =
        explanation;
    serde_json::json!({
        "sku_id": sku.id.to_string(),
        "sku": &*sku.name,
        "has": has_form(has),
        "wanted": wanted,
        "outranked_by": outranked_by.as_ref().map(|rung| &*rung.name),
        "policies": policies.iter().map(voice_form).collect::<Vec<_>>(),
        "owners": owners.iter().map(owner_form).collect::<Vec<_>>(),
        "next": next,
        "stays": stays,
    })
}

fn has_form(has: &Has) -> serde_json::Value {
    match has {
        Has::Not => serde_json::json!({"held": false}),
        Has::UnknownSource => serde_json::json!({"held": true, "source": "unknown"}),
        Has::Told { direct, groups } => serde_json::json!({
            "held": true,
            "source": "told",
            "direct": direct.is_some(),
            "disabled_plans": direct.iter().flatten().map(|name| &**name).collect::<Vec<&str>>(),
            "groups": groups.iter().map(|name| &**name).collect::<Vec<&str>>(),
        }),
    }
}

fn voice_form(voice: &PolicyVoice) -> serde_json::Value {
    let PolicyVoice { policy, at, effect, matches, broken, detail } = voice;
    let effect = match effect {
        Effect::Grants => "grants",
        Effect::Removes => "removes",
        Effect::Replaces => "replaces",
    };
    let matches = match matches {
        Truth::True => serde_json::Value::Bool(true),
        Truth::False => serde_json::Value::Bool(false),
        Truth::Unknown => serde_json::Value::Null,
    };
    serde_json::json!({
        "policy": policy.as_str(), "at": &**at, "effect": effect, "matches": matches,
        "takes_part": !broken, "detail": &**detail,
    })
}

fn owner_form(owner: &Owner) -> serde_json::Value {
    let Owner { policy, since, let_go, in_files } = owner;
    serde_json::json!({
        "policy": policy.as_str(), "since": since.to_string(),
        "let_go": let_go.map(|at| at.to_string()), "in_files": in_files,
    })
}

fn pretty(value: &serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("JSON values always serialise");
    text.push('\n');
    text
}
