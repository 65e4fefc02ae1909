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
    /// `Group.ReadWrite.All`.
    GroupReadWriteAll,
    /// `Directory.ReadWrite.All`.
    DirectoryReadWriteAll,
    /// `AdministrativeUnit.Read.All`.
    AdministrativeUnitReadAll,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 14] = [
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
        Self::GroupReadWriteAll,
        Self::DirectoryReadWriteAll,
        Self::AdministrativeUnitReadAll,
    ];

    /// Returns what an app has that may do what most need, and not look into hidden groups.
    pub fn usual() -> BTreeSet<Self> {
        let unusual = [
            Self::MemberReadHidden,
            Self::GroupReadAll,
            Self::GroupReadWriteAll,
            Self::DirectoryReadAll,
            Self::DirectoryReadWriteAll,
            Self::AdministrativeUnitReadAll,
        ];
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
            Self::GroupReadWriteAll => "Group.ReadWrite.All",
            Self::DirectoryReadWriteAll => "Directory.ReadWrite.All",
            Self::AdministrativeUnitReadAll => "AdministrativeUnit.Read.All",
        }
    }

    /// Returns the role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}
