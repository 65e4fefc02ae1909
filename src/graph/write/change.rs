//! What is written, as a request, and what a read would show of it.

use serde_json::json;

use crate::domain::ids::UserId;
use crate::domain::known::Known;
use crate::domain::user::{AssignmentSource, User};
use crate::graph::wire::batch::Item;
use crate::ports::{LicenseWrite, LocationWrite};

/// A change to one user.
#[derive(Clone, Copy, Debug)]
pub(in crate::graph) enum Change<'a> {
    /// Of the usage location.
    Locate(&'a LocationWrite),
    /// Of licenses.
    Assign(&'a LicenseWrite),
}

impl Change<'_> {
    /// Returns whose.
    pub(super) fn user(&self) -> UserId {
        match self {
            Self::Locate(write) => write.user,
            Self::Assign(write) => write.user,
        }
    }

    /// Returns the least application permission that it needs, as advice.
    ///
    /// Source: the permission tables of Graph's reference, application permissions.
    pub(super) fn permission(&self) -> &'static str {
        match self {
            Self::Locate(_) => "(grant the application permission `User.ReadWrite.All`)",
            Self::Assign(_) => {
                "(grant the application permission `LicenseAssignment.ReadWrite.All`)"
            }
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Locate(_) => false,
            Self::Assign(write) => write.add.is_empty() && write.remove.is_empty(),
        }
    }

    /// Whether it takes away and gives nothing.
    pub(super) fn only_removes(&self) -> bool {
        match self {
            Self::Locate(_) => false,
            Self::Assign(write) => write.add.is_empty(),
        }
    }

    /// Whether this run has just written the user's location.
    pub(super) fn is_located(&self) -> bool {
        match self {
            Self::Locate(_) => false,
            Self::Assign(write) => write.located,
        }
    }

    /// Returns the request within a batch.
    pub(super) fn item(&self, id: usize) -> Item {
        match self {
            Self::Locate(write) => Item::send(
                id,
                "PATCH",
                format!("/users/{}", write.user),
                json!({"usageLocation": write.location.as_str()}),
            ),
            // Source: Graph assignLicense needs both lists, and takes the service plans that are
            // off as the whole new list.
            Self::Assign(write) => Item::send(
                id,
                "POST",
                format!("/users/{}/assignLicense", write.user),
                json!({
                    "addLicenses": write.add.iter().map(|(sku, disabled)| json!({
                        "skuId": sku.to_string(),
                        "disabledPlans":
                            disabled.iter().map(|plan| plan.to_string()).collect::<Vec<_>>(),
                    })).collect::<Vec<_>>(),
                    "removeLicenses":
                        write.remove.iter().map(ToString::to_string).collect::<Vec<_>>(),
                }),
            ),
        }
    }

    /// Whether a read shows all of it. What the read does not tell counts as not shown.
    pub(super) fn is_shown_by(&self, holding: &User) -> bool {
        match self {
            Self::Locate(write) => holding.usage_location == Known::Known(Some(write.location)),
            Self::Assign(write) => {
                let Known::Known(licenses) = &holding.licenses else { return false };
                let added = write.add.iter().all(|(sku, disabled)| {
                    licenses.get(*sku).and_then(|assignment| assignment.direct()) == Some(disabled)
                });
                let removed = write.remove.iter().all(|sku| {
                    licenses.get(*sku).is_none_or(|assignment| match &assignment.source {
                        AssignmentSource::Told { direct, inherited: _ } => direct.is_none(),
                        AssignmentSource::Unknown => false,
                    })
                });
                added && removed
            }
        }
    }
}
