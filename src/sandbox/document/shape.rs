//! The shape of a described tenant: structs that whoever reads the file fills.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A tenant as it is described.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantDocument {
    /// What ids follow from; 1 where nothing is said.
    pub seed: Option<u64>,
    /// The domains; the first is the default one.
    pub domains: Vec<String>,
    /// What the tenant owns.
    pub skus: Vec<SkuDocument>,
    /// Its administrative units.
    pub units: Vec<UnitDocument>,
    /// Its groups.
    pub groups: Vec<GroupDocument>,
    /// Its users.
    pub users: Vec<UserDocument>,
}

/// A product that the tenant owns.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SkuDocument {
    /// The part number.
    pub sku: String,
    /// Seats that are paid and active.
    pub enabled: u32,
    /// Seats in grace.
    pub warning: u32,
    /// Seats that were cancelled.
    pub suspended: u32,
    /// Seats that cannot be used.
    pub locked_out: u32,
    /// Countries in which it must not be used.
    pub not_in: Vec<String>,
    /// The state of the whole; follows from the seats where nothing is said.
    pub status: Option<String>,
}

/// An administrative unit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnitDocument {
    /// The display name.
    pub name: String,
    /// Whether the members are hidden.
    pub hidden: bool,
    /// Whether only administrators of the unit may change members.
    pub restricted: bool,
}

/// A group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupDocument {
    /// The display name. Two groups may share one; users who name it are in both.
    pub name: String,
    /// Groups inside, by name.
    pub groups: Vec<String>,
    /// Whether the members are hidden.
    pub hidden: bool,
    /// What the group carries.
    pub licenses: Vec<LicenseDocument>,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserDocument {
    /// The user principal name.
    pub user_principal_name: String,
    /// The object id, where it matters; follows from the seed and the name otherwise.
    pub id: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// Whether it is a guest.
    pub guest: bool,
    /// The usage location.
    pub usage_location: Option<String>,
    /// The distinguished name in the on-premises directory.
    pub on_premises_dn: Option<String>,
    /// The on-premises AD domain.
    pub ad_domain: Option<String>,
    /// `department`.
    pub department: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `companyName`.
    pub company: Option<String>,
    /// `country`.
    pub country: Option<String>,
    /// `officeLocation`.
    pub office: Option<String>,
    /// `employeeType`.
    pub employee_type: Option<String>,
    /// `onPremisesExtensionAttributes`, by number from 1 to 15.
    pub extension_attributes: BTreeMap<u8, String>,
    /// The groups, by name.
    pub groups: Vec<String>,
    /// The administrative units, by name.
    pub units: Vec<String>,
    /// The direct licenses.
    pub licenses: Vec<LicenseDocument>,
    /// What gets in the way of a write.
    pub obstacles: Vec<ObstacleDocument>,
    /// The latest sign-in by the user in person, which succeeded.
    pub last_sign_in: Option<String>,
    /// The latest sign-in by an app on the user's behalf.
    pub last_silent_sign_in: Option<String>,
}

impl Default for UserDocument {
    fn default() -> Self {
        Self {
            user_principal_name: String::new(),
            id: None,
            display_name: None,
            enabled: true,
            guest: false,
            usage_location: None,
            on_premises_dn: None,
            ad_domain: None,
            department: None,
            job_title: None,
            company: None,
            country: None,
            office: None,
            employee_type: None,
            extension_attributes: BTreeMap::new(),
            groups: Vec::new(),
            units: Vec::new(),
            licenses: Vec::new(),
            obstacles: Vec::new(),
            last_sign_in: None,
            last_silent_sign_in: None,
        }
    }
}

/// What gets in the way of a write to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObstacleDocument {
    /// Another object has the mail address already.
    AddressTaken,
    /// The usage location is kept on premises.
    LocationSynced,
}

/// A license: a part number, or one with service plans that are off.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a license is a part number, or {sku: PART_NUMBER, disable: [SERVICE_PLAN]}"
)]
pub enum LicenseDocument {
    /// A part number; everything is on.
    Sku(String),
    /// A part number, and what is off.
    Customised {
        /// The part number.
        sku: String,
        /// The names of the service plans that are off.
        disable: Vec<String>,
    },
}
