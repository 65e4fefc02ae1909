//! Who may make a request, and what it costs.

use crate::sandbox::http::query::Query;
use crate::sandbox::http::route::{MemberList, Route};
use crate::sandbox::roles::Role;
use crate::sandbox::throttle::Cost;

/// The property that tells when a user last signed in.
const SIGN_INS: &str = "signInActivity";

const READ_USERS: &[Role] = &[
    Role::UserReadAll,
    Role::UserReadWriteAll,
    Role::DirectoryReadAll,
    Role::DirectoryReadWriteAll,
];
const READ_GROUPS: &[Role] = &[
    Role::GroupMemberReadAll,
    Role::GroupReadAll,
    Role::GroupReadWriteAll,
    Role::DirectoryReadAll,
    Role::DirectoryReadWriteAll,
];

impl Route {
    /// Returns the app roles of which one is needed.
    ///
    /// Source: Graph, permission tables of the API pages.
    pub(super) fn roles(&self) -> &'static [Role] {
        match self {
            Self::Users | Self::UserDelta | Self::UserCount | Self::User(_) => READ_USERS,
            Self::PatchUser(_) | Self::Reprocess(_) => {
                &[Role::UserReadWriteAll, Role::DirectoryReadWriteAll]
            }
            Self::AssignLicense(_) => &[
                Role::LicenseAssignmentReadWriteAll,
                Role::UserReadWriteAll,
                Role::DirectoryReadWriteAll,
            ],
            Self::AssignGroupLicense(_) => &[
                Role::LicenseAssignmentReadWriteAll,
                Role::GroupReadWriteAll,
                Role::DirectoryReadWriteAll,
            ],
            Self::LicenseDetails(_) => {
                &[Role::LicenseAssignmentReadAll, Role::UserReadAll, Role::DirectoryReadAll]
            }
            Self::MemberOf(_, _) => {
                &[Role::UserReadAll, Role::GroupMemberReadAll, Role::DirectoryReadAll]
            }
            Self::CheckMemberGroups(_)
            | Self::GroupDelta
            | Self::Groups
            | Self::GroupCount
            | Self::Group(_)
            | Self::MembersWithErrors(_)
            | Self::Members(_, _) => READ_GROUPS,
            Self::Units | Self::Unit(_) | Self::UnitMembers(_, _) => {
                &[Role::AdministrativeUnitReadAll, Role::DirectoryReadAll]
            }
            Self::ByIds => &[Role::DirectoryReadAll, Role::UserReadAll, Role::GroupMemberReadAll],
            Self::SubscribedSkus | Self::SubscribedSku(_) => {
                &[Role::LicenseAssignmentReadAll, Role::OrganizationReadAll, Role::DirectoryReadAll]
            }
            Self::Subscriptions => &[Role::OrganizationReadAll, Role::DirectoryReadAll],
            Self::Organization => {
                &[Role::OrganizationReadAll, Role::UserReadAll, Role::DirectoryReadAll]
            }
            Self::Domains => &[Role::DomainReadAll, Role::DirectoryReadAll],
            Self::Audits => &[Role::AuditLogReadAll],
            Self::Batch => &[],
        }
    }

    /// Returns what the request costs.
    ///
    /// Source: Graph throttling, identity and access: base cost, less 1 with `$select`, less 1 with
    /// `$top` under 20, one more with `$expand`, never under 1.
    pub(super) fn cost(&self, query: &Query) -> Cost {
        let (base, writes) = match self {
            Self::Users | Self::LicenseDetails(_) | Self::MemberOf(_, _) => (2, 0),
            Self::UserDelta
            | Self::GroupDelta
            | Self::UserCount
            | Self::User(_)
            | Self::Groups
            | Self::GroupCount
            | Self::Group(_)
            | Self::MembersWithErrors(_)
            | Self::Units
            | Self::Unit(_)
            | Self::UnitMembers(_, _)
            | Self::SubscribedSku(_)
            | Self::Subscriptions
            | Self::Organization
            | Self::Audits
            | Self::Domains => (1, 0),
            Self::SubscribedSkus | Self::Members(_, MemberList { transitive: false, cast: _ }) => {
                (3, 0)
            }
            Self::Members(_, MemberList { transitive: true, cast: _ }) => (5, 0),
            // Asking who is in a group, or who is who, is a POST, and writes nothing.
            Self::CheckMemberGroups(_) => (4, 0),
            // Source: its own row: 5, or 2 with `$select`.
            Self::ByIds => (if query.has("$select") { 3 } else { 5 }, 0),
            Self::PatchUser(_)
            | Self::AssignLicense(_)
            | Self::Reprocess(_)
            | Self::AssignGroupLicense(_) => (1, 1),
            // The items are charged, each by itself.
            Self::Batch => return Cost::default(),
        };
        let small =
            query.get("$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|t| t < 20);
        let base = base + u32::from(query.has("$expand"));
        let less = u32::from(query.has("$select")) + u32::from(small);
        let sign_ins = u32::from(self.reads_sign_ins(query));
        Cost { resource_units: base.max(less + 1) - less, writes, sign_ins }
    }

    /// Whether the request asks when users last signed in, which has a quota, a page size and a
    /// permission of its own.
    pub(super) fn reads_sign_ins(&self, query: &Query) -> bool {
        let selected = || query.select().is_some_and(|names| names.iter().any(|n| n == SIGN_INS));
        matches!(self, Self::Users | Self::User(_)) && selected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(cost("/groups", "$select=id&$expand=members"), 1);
        assert_eq!(cost("/groups", "$expand=members"), 2);
        let by_ids = Route::find("POST", "/directoryObjects/getByIds").unwrap();
        let by_ids = |query: &str| by_ids.cost(&Query::parse(query)).resource_units;
        assert_eq!([by_ids(""), by_ids("$select=id")], [5, 2]);
    }
}
