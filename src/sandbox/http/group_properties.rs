//! What of a group can be selected, and how it looks.
//!
//! Source: Graph group resource, v1.0.

use std::ops::Deref;

use crate::sandbox::http::filter::Filtered;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::processing::Processing;
use crate::sandbox::http::properties::{Selection, check_filter, null, plans, selection};
use crate::sandbox::http::reply::Failure;
use crate::sandbox::model::{Group, GroupKind};

/// A group as a read shows it.
pub(super) struct SeenGroup<'a> {
    pub(super) group: &'a Group,
    /// How far the work on its licenses is.
    pub(super) processing: Processing,
    /// Whether a member lacks what the group should give; asked by filters alone.
    pub(super) has_errors: bool,
}

impl Deref for SeenGroup<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

/// Writes one property of a group.
pub(super) type WriteGroup = fn(&SeenGroup<'_>, &mut Vec<u8>);

const GROUP_DEFAULTS: [&str; 12] = [
    "id",
    "description",
    "displayName",
    "groupTypes",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesSyncEnabled",
    "securityEnabled",
    "visibility",
];

/// Returns the properties of groups to send.
pub(super) fn groups(select: Option<&[String]>) -> Result<Selection<WriteGroup>, Failure> {
    selection(select, &GROUP_DEFAULTS, "group", group_property)
}

pub(super) fn group_property(name: &str) -> Option<(&'static str, WriteGroup)> {
    let write: (&'static str, WriteGroup) = match name {
        "id" => ("id", |group, out| json::plain(out, group.id)),
        "displayName" => ("displayName", |group, out| json::text(out, &group.name)),
        "description" => {
            ("description", |group, out| json::optional(out, group.description.as_deref()))
        }
        "groupTypes" => ("groupTypes", |group, out| {
            json::list(out, group_types(group), json::text);
        }),
        "mail" => ("mail", |group, out| json::optional(out, mail(group).as_deref())),
        "mailEnabled" => ("mailEnabled", |group, out| json::bare(out, mail(group).is_some())),
        "mailNickname" => ("mailNickname", |group, out| json::text(out, &nickname(group))),
        "membershipRule" => ("membershipRule", |group, out| json::optional(out, rule(group))),
        "membershipRuleProcessingState" => ("membershipRuleProcessingState", |group, out| {
            json::optional(out, rule(group).map(|_| "On"));
        }),
        "onPremisesSyncEnabled" => ("onPremisesSyncEnabled", |group, out| {
            json::optional_bare(out, group.synced.then_some(true));
        }),
        "isAssignableToRole" => ("isAssignableToRole", |group, out| null(group, out)),
        "securityEnabled" => ("securityEnabled", |group, out| {
            json::bare(out, group.kind != GroupKind::Distribution);
        }),
        "visibility" => ("visibility", |group, out| json::optional(out, visibility(group))),
        "assignedLicenses" => ("assignedLicenses", carried),
        "licenseProcessingState" => ("licenseProcessingState", processing),
        "createdDateTime" => ("createdDateTime", |group, out| json::plain(out, group.created_at)),
        "uniqueName" => ("uniqueName", |group, out| null(group, out)),
        _ => return None,
    };
    Some(write)
}

fn group_types(group: &Group) -> Vec<&'static str> {
    match group.kind {
        GroupKind::Security | GroupKind::Distribution => vec![],
        GroupKind::Dynamic { rule: _ } => vec!["DynamicMembership"],
        GroupKind::Microsoft365 => vec!["Unified"],
    }
}

fn rule(group: &Group) -> Option<&str> {
    match &group.kind {
        GroupKind::Dynamic { rule } => Some(rule),
        GroupKind::Security | GroupKind::Microsoft365 | GroupKind::Distribution => None,
    }
}

fn nickname(group: &Group) -> String {
    group.name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn mail(group: &Group) -> Option<String> {
    match group.kind {
        GroupKind::Microsoft365 | GroupKind::Distribution => {
            Some(format!("{}@contoso.com", nickname(group).to_lowercase()))
        }
        GroupKind::Security | GroupKind::Dynamic { rule: _ } => None,
    }
}

fn visibility(group: &Group) -> Option<&'static str> {
    match (group.hidden, &group.kind) {
        (true, _) => Some("HiddenMembership"),
        (false, GroupKind::Microsoft365) => Some("Private"),
        (false, _) => None,
    }
}

fn carried(group: &SeenGroup<'_>, out: &mut Vec<u8>) {
    json::list(out, &group.licenses, |out, (sku, disabled)| {
        let mut object = Object::begin(out);
        plans(object.key("disabledPlans"), disabled);
        json::plain(object.key("skuId"), sku);
        object.end();
    });
}

fn processing(group: &SeenGroup<'_>, out: &mut Vec<u8>) {
    if group.licenses.is_empty() {
        return json::optional(out, None);
    }
    let mut object = Object::begin(out);
    json::text(object.key("state"), group.processing.as_str());
    object.end();
}

/// The properties that filters on groups may name.
pub(super) const GROUP_FILTERS: [&str; 7] = [
    "id",
    "displayName",
    "mailNickname",
    "securityEnabled",
    "mailEnabled",
    "assignedLicenses",
    "hasMembersWithLicenseErrors",
];

/// Refuses a filter over what groups cannot be filtered by.
pub(super) fn check_group_filter(names: &[&str]) -> Result<(), Failure> {
    check_filter(names, &GROUP_FILTERS, "Group")
}

impl Filtered for SeenGroup<'_> {
    fn property(&self, name: &str) -> Option<String> {
        match name {
            "id" => Some(self.id.to_string()),
            "displayName" => Some(self.name.to_string()),
            "mailNickname" => Some(nickname(self)),
            "securityEnabled" => Some((self.kind != GroupKind::Distribution).to_string()),
            "mailEnabled" => Some(mail(self).is_some().to_string()),
            "hasMembersWithLicenseErrors" => Some(self.has_errors.to_string()),
            _ => None,
        }
    }

    fn skus(&self) -> Vec<String> {
        self.licenses.iter().map(|(sku, _)| sku.to_string()).collect()
    }
}
