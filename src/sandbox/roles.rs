//! The app roles that the emulator knows.

use std::collections::BTreeSet;

/// A permission of an app.
///
/// Source: Graph permissions reference, application permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `User.Read.All`.
    UserReadAll,
    /// `User.ReadWrite.All`.
    UserReadWriteAll,
    /// `GroupMember.Read.All`.
    GroupMemberReadAll,
    /// `Group.Read.All`.
    GroupReadAll,
    /// `Member.Read.Hidden`.
    MemberReadHidden,
    /// `LicenseAssignment.Read.All`.
    LicenseAssignmentReadAll,
    /// `LicenseAssignment.ReadWrite.All`.
    LicenseAssignmentReadWriteAll,
    /// `Organization.Read.All`.
    OrganizationReadAll,
    /// `Domain.Read.All`.
    DomainReadAll,
    /// `Directory.Read.All`.
    DirectoryReadAll,
    /// `AuditLog.Read.All`.
    AuditLogReadAll,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 11] = [
        Self::UserReadAll,
        Self::UserReadWriteAll,
        Self::GroupMemberReadAll,
        Self::GroupReadAll,
        Self::MemberReadHidden,
        Self::LicenseAssignmentReadAll,
        Self::LicenseAssignmentReadWriteAll,
        Self::OrganizationReadAll,
        Self::DomainReadAll,
        Self::DirectoryReadAll,
        Self::AuditLogReadAll,
    ];

    /// Returns what an app has that may do everything but look into hidden groups.
    pub fn usual() -> BTreeSet<Self> {
        let unusual = [Self::MemberReadHidden, Self::GroupReadAll, Self::DirectoryReadAll];
        Self::ALL.into_iter().filter(|role| !unusual.contains(role)).collect()
    }

    /// Returns Graph's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserReadAll => "User.Read.All",
            Self::UserReadWriteAll => "User.ReadWrite.All",
            Self::GroupMemberReadAll => "GroupMember.Read.All",
            Self::GroupReadAll => "Group.Read.All",
            Self::MemberReadHidden => "Member.Read.Hidden",
            Self::LicenseAssignmentReadAll => "LicenseAssignment.Read.All",
            Self::LicenseAssignmentReadWriteAll => "LicenseAssignment.ReadWrite.All",
            Self::OrganizationReadAll => "Organization.Read.All",
            Self::DomainReadAll => "Domain.Read.All",
            Self::DirectoryReadAll => "Directory.Read.All",
            Self::AuditLogReadAll => "AuditLog.Read.All",
        }
    }

    /// Returns the role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}
