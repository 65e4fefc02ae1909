//! Which requests there are.

use crate::sandbox::http::objects::Cast;
use crate::sandbox::http::query::decode_segment;
use crate::sandbox::http::reply::Failure;

/// A request that the emulator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Users,
    UserCount,
    User(String),
    PatchUser(String),
    AssignLicense(String),
    Reprocess(String),
    LicenseDetails(String),
    CheckMemberGroups(String),
    MemberOf(String, MemberList),
    UserDelta,
    GroupDelta,
    Groups,
    GroupCount,
    Group(String),
    AssignGroupLicense(String),
    Members(String, MemberList),
    MembersWithErrors(String),
    Units,
    Unit(String),
    UnitMembers(String, Cast),
    ByIds,
    SubscribedSkus,
    SubscribedSku(String),
    Subscriptions,
    Organization,
    Domains,
    Audits,
    Batch,
}

/// Which list of members, or of groups that hold one, is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemberList {
    /// What the path casts to.
    pub(super) cast: Cast,
    /// Whether what is nested is included.
    pub(super) transitive: bool,
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
        const DELTA: [&str; 4] =
            ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"];
        Some(match parts {
            ["users"] => vec![("GET", Self::Users)],
            ["users", "$count"] => vec![("GET", Self::UserCount)],
            ["users", delta] if DELTA.contains(delta) => vec![("GET", Self::UserDelta)],
            ["users", user] => {
                let user = || (*user).to_owned();
                vec![("GET", Self::User(user())), ("PATCH", Self::PatchUser(user()))]
            }
            ["users", user, rest @ ..] => Self::of_user((*user).to_owned(), rest)?,
            ["groups"] => vec![("GET", Self::Groups)],
            ["groups", "$count"] => vec![("GET", Self::GroupCount)],
            ["groups", delta] if DELTA.contains(delta) => vec![("GET", Self::GroupDelta)],
            ["groups", group] => vec![("GET", Self::Group((*group).to_owned()))],
            ["groups", group, rest @ ..] => Self::of_group((*group).to_owned(), rest)?,
            ["directory", rest @ ..] => Self::of_directory(rest)?,
            ["directoryObjects", "getByIds" | "microsoft.graph.getByIds"] => {
                vec![("POST", Self::ByIds)]
            }
            ["auditLogs", "directoryAudits"] => vec![("GET", Self::Audits)],
            ["subscribedSkus"] => vec![("GET", Self::SubscribedSkus)],
            ["subscribedSkus", sku] => vec![("GET", Self::SubscribedSku((*sku).to_owned()))],
            ["organization"] => vec![("GET", Self::Organization)],
            ["domains"] => vec![("GET", Self::Domains)],
            ["$batch"] => vec![("POST", Self::Batch)],
            _ => return None,
        })
    }

    fn of_user(user: String, rest: &[&str]) -> Option<Vec<(&'static str, Self)>> {
        let bare = |name: &str| name.strip_prefix("microsoft.graph.").unwrap_or(name).to_owned();
        let route = match rest {
            [action] if bare(action) == "assignLicense" => ("POST", Self::AssignLicense(user)),
            [action] if bare(action) == "reprocessLicenseAssignment" => {
                ("POST", Self::Reprocess(user))
            }
            [action] if bare(action) == "checkMemberGroups" => {
                ("POST", Self::CheckMemberGroups(user))
            }
            ["licenseDetails"] => ("GET", Self::LicenseDetails(user)),
            _ => {
                let list = MemberList::named(rest, "memberOf", "transitiveMemberOf")?;
                ("GET", Self::MemberOf(user, list))
            }
        };
        Some(vec![route])
    }

    fn of_group(group: String, rest: &[&str]) -> Option<Vec<(&'static str, Self)>> {
        let route = match rest {
            ["assignLicense" | "microsoft.graph.assignLicense"] => {
                ("POST", Self::AssignGroupLicense(group))
            }
            ["membersWithLicenseErrors"] => ("GET", Self::MembersWithErrors(group)),
            _ => {
                let list = MemberList::named(rest, "members", "transitiveMembers")?;
                ("GET", Self::Members(group, list))
            }
        };
        Some(vec![route])
    }

    fn of_directory(rest: &[&str]) -> Option<Vec<(&'static str, Self)>> {
        let route = match rest {
            ["subscriptions"] => Self::Subscriptions,
            ["administrativeUnits"] => Self::Units,
            ["administrativeUnits", unit] => Self::Unit((*unit).to_owned()),
            ["administrativeUnits", unit, "members"] => {
                Self::UnitMembers((*unit).to_owned(), Cast::None)
            }
            ["administrativeUnits", unit, "members", cast] => {
                Self::UnitMembers((*unit).to_owned(), Cast::named(cast)?)
            }
            _ => return None,
        };
        Some(vec![("GET", route)])
    }
}

impl MemberList {
    /// Reads what follows an object: the name of a list, and what it casts to.
    fn named(rest: &[&str], direct: &str, transitive: &str) -> Option<Self> {
        let (list, cast) = match rest {
            [list] => (*list, Cast::None),
            [list, cast] => (*list, Cast::named(cast)?),
            _ => return None,
        };
        let transitive = match list {
            list if list == direct => false,
            list if list == transitive => true,
            _ => return None,
        };
        Some(Self { cast, transitive })
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
}
