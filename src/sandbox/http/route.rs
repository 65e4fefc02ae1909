//! Which requests there are, who may make them and what they cost.

use crate::sandbox::http::query::{Query, decode_segment};
use crate::sandbox::http::reply::Failure;
use crate::sandbox::roles::Role;
use crate::sandbox::throttle::Cost;

/// The property that tells when a user last signed in.
const SIGN_INS: &str = "signInActivity";

/// A request that the emulator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Users,
    UserCount,
    User(String),
    PatchUser(String),
    AssignLicense(String),
    CheckMemberGroups(String),
    UserDelta,
    GroupDelta,
    Groups,
    Group(String),
    Members { group: String, cast: bool, transitive: bool },
    SubscribedSkus,
    Subscriptions,
    Organization,
    Domains,
    Batch,
}

impl Route {
    /// Finds the route of a path below the version root.
    pub(super) fn find(method: &str, path: &str) -> Result<Self, Failure> {
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(decode_segment).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let routes = Self::at(&parts).ok_or_else(|| {
            let segment = parts.last().unwrap_or(&"");
            let message = format!("Resource not found for the segment '{segment}'.");
            Failure::new(404, "BadRequest", message)
        })?;
        let found = routes.into_iter().find(|(allowed, _)| *allowed == method);
        found.map(|(_, route)| route).ok_or_else(|| {
            let message = "Specified HTTP method is not allowed for the request target.";
            Failure::new(405, "Request_BadRequest", message)
        })
    }

    /// Returns what can be done at a path, with the methods.
    fn at(parts: &[&str]) -> Option<Vec<(&'static str, Self)>> {
        let key = |key: &str| key.to_owned();
        Some(match parts {
            ["users"] => vec![("GET", Self::Users)],
            ["users", "$count"] => vec![("GET", Self::UserCount)],
            [
                "users",
                "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()",
            ] => {
                vec![("GET", Self::UserDelta)]
            }
            [
                "groups",
                "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()",
            ] => {
                vec![("GET", Self::GroupDelta)]
            }
            ["users", user] => {
                vec![("GET", Self::User(key(user))), ("PATCH", Self::PatchUser(key(user)))]
            }
            ["users", user, "assignLicense" | "microsoft.graph.assignLicense"] => {
                vec![("POST", Self::AssignLicense(key(user)))]
            }
            ["users", user, "checkMemberGroups" | "microsoft.graph.checkMemberGroups"] => {
                vec![("POST", Self::CheckMemberGroups(key(user)))]
            }
            ["groups"] => vec![("GET", Self::Groups)],
            ["groups", group] => vec![("GET", Self::Group(key(group)))],
            ["groups", group, rest @ ..] => vec![("GET", Self::members(group, rest)?)],
            ["subscribedSkus"] => vec![("GET", Self::SubscribedSkus)],
            ["directory", "subscriptions"] => vec![("GET", Self::Subscriptions)],
            ["organization"] => vec![("GET", Self::Organization)],
            ["domains"] => vec![("GET", Self::Domains)],
            ["$batch"] => vec![("POST", Self::Batch)],
            _ => return None,
        })
    }

    fn members(group: &str, rest: &[&str]) -> Option<Self> {
        let (list, cast) = match rest {
            [list] => (*list, false),
            // The SDKs write the short name of the namespace.
            [list, "microsoft.graph.user" | "graph.user"] => (*list, true),
            _ => return None,
        };
        let transitive = match list {
            "members" => false,
            "transitiveMembers" => true,
            _ => return None,
        };
        Some(Self::Members { group: group.to_owned(), cast, transitive })
    }

    /// Returns the app roles of which one is needed.
    ///
    /// Source: Graph, permission tables of the API pages.
    pub(super) fn roles(&self) -> &'static [Role] {
        match self {
            Self::Users | Self::UserDelta | Self::UserCount | Self::User(_) => {
                &[Role::UserReadAll, Role::UserReadWriteAll, Role::DirectoryReadAll]
            }
            Self::PatchUser(_) => &[Role::UserReadWriteAll],
            Self::AssignLicense(_) => {
                &[Role::LicenseAssignmentReadWriteAll, Role::UserReadWriteAll]
            }
            Self::CheckMemberGroups(_)
            | Self::GroupDelta
            | Self::Groups
            | Self::Group(_)
            | Self::Members { .. } => {
                &[Role::GroupMemberReadAll, Role::GroupReadAll, Role::DirectoryReadAll]
            }
            Self::SubscribedSkus => {
                &[Role::LicenseAssignmentReadAll, Role::OrganizationReadAll, Role::DirectoryReadAll]
            }
            Self::Subscriptions => &[Role::OrganizationReadAll, Role::DirectoryReadAll],
            Self::Organization => {
                &[Role::OrganizationReadAll, Role::UserReadAll, Role::DirectoryReadAll]
            }
            Self::Domains => &[Role::DomainReadAll, Role::DirectoryReadAll],
            Self::Batch => &[],
        }
    }

    /// Returns what the request costs.
    ///
    /// Source: Graph throttling, identity and access: base cost, less 1 with `$select`, less 1 with
    /// `$top` under 20, never under 1.
    pub(super) fn cost(&self, query: &Query) -> Cost {
        let (base, writes) = match self {
            Self::Users => (2, 0),
            Self::UserDelta
            | Self::GroupDelta
            | Self::UserCount
            | Self::User(_)
            | Self::Groups
            | Self::Group(_)
            | Self::Subscriptions
            | Self::Organization
            | Self::Domains => (1, 0),
            Self::SubscribedSkus | Self::Members { transitive: false, group: _, cast: _ } => (3, 0),
            Self::Members { transitive: true, group: _, cast: _ } => (5, 0),
            // Asking who is in a group is a POST, and writes nothing.
            Self::CheckMemberGroups(_) => (4, 0),
            Self::PatchUser(_) | Self::AssignLicense(_) => (1, 1),
            // The items are charged, each by itself.
            Self::Batch => return Cost::default(),
        };
        let small =
            query.get("$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|t| t < 20);
        let less = u32::from(query.has("$select")) + u32::from(small);
        let sign_ins = u32::from(self.reads_sign_ins(query));
        Cost { resource_units: base.max(less + 1) - less, writes, sign_ins }
    }

    /// Whether the request asks when users last signed in, which has a quota, a page size and a
    /// permission of its own.
    pub(super) fn reads_sign_ins(&self, query: &Query) -> bool {
        let selected = || query.select().is_some_and(|names| names.iter().any(|n| n == SIGN_INS));
        match self {
            Self::Users | Self::User(_) => selected(),
            Self::UserDelta
            | Self::GroupDelta
            | Self::UserCount
            | Self::PatchUser(_)
            | Self::AssignLicense(_)
            | Self::CheckMemberGroups(_)
            | Self::Groups
            | Self::Group(_)
            | Self::Members { group: _, cast: _, transitive: _ }
            | Self::SubscribedSkus
            | Self::Subscriptions
            | Self::Organization
            | Self::Domains
            | Self::Batch => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_path_is_not_found_and_a_wrong_method_not_allowed() {
        assert_eq!(Route::find("GET", "/devices").unwrap_err().status, 404);
        assert_eq!(Route::find("DELETE", "/users/x").unwrap_err().status, 405);
        assert_eq!(Route::find("GET", "/groups/x/owners").unwrap_err().status, 404);
    }

    #[test]
    fn reads_cost_what_the_table_says() {
        let cost = |path: &str, query: &str| {
            let route = Route::find("GET", path).unwrap();
            route.cost(&Query::parse(query)).resource_units
        };
        assert_eq!(cost("/users", ""), 2);
        assert_eq!(cost("/users", "$select=id&$top=999"), 1);
        assert_eq!(cost("/users", "$select=id&$top=5"), 1);
        assert_eq!(cost("/groups/x/transitiveMembers", "$select=id"), 4);
        assert_eq!(cost("/subscribedSkus", ""), 3);
    }
}
