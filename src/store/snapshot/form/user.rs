//! Users and their assignments in the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::attribute::{Attribute, Attributes};
use crate::domain::dn::DistinguishedName;
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::names::UsageLocation;
use crate::domain::user::{
    Assignment, AssignmentSource, FailedInheritance, Inherited, Licenses, User, UserType,
};
use crate::store::snapshot::form::{Filling, Guid, KnownForm, Tables};
use crate::store::snapshot::table::Index;

/// A [`User`] in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UserForm {
    id: Guid,
    principal_name: Arc<str>,
    display_name: Option<Arc<str>>,
    user_type: KnownForm<UserTypeForm>,
    enabled: KnownForm<bool>,
    usage_location: KnownForm<Option<[u8; 2]>>,
    synced: KnownForm<bool>,
    distinguished_name: KnownForm<Option<String>>,
    ad_domain: KnownForm<Option<Index>>,
    attributes: AttributesForm,
    last_sign_in: KnownForm<i64>,
    licenses: KnownForm<LicensesForm>,
}

/// [`Attributes`] in the file; positions are those of [`Attribute::all`].
#[derive(Debug, Serialize, Deserialize)]
struct AttributesForm {
    values: Vec<(u8, Index)>,
    /// A bit for every position of which nothing was told.
    untold: u32,
}

impl AttributesForm {
    fn new(attributes: &Attributes, filling: &mut Filling) -> Self {
        let mut form = Self { values: Vec::new(), untold: 0 };
        for (at, attribute) in (0u8..).zip(Attribute::all()) {
            match attributes.get(attribute) {
                Known::Unknown => form.untold |= 1 << at,
                Known::Known(None) => {}
                Known::Known(Some(value)) => form.values.push((at, filling.texts.index(value))),
            }
        }
        form
    }

    fn into_attributes(self, tables: &Tables) -> Result<Attributes, String> {
        let mut values = BTreeMap::new();
        for (at, index) in self.values {
            values.insert(at, tables.text(index)?);
        }
        let told = (0u8..).zip(Attribute::all()).map(|(at, attribute)| {
            let value = if self.untold >> at & 1 == 1 {
                Known::Unknown
            } else {
                Known::Known(values.remove(&at))
            };
            (attribute, value)
        });
        Ok(told.collect())
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum UserTypeForm {
    Member,
    Guest,
}

#[derive(Debug, Serialize, Deserialize)]
struct LicensesForm {
    assignments: Vec<AssignmentForm>,
    failed: Vec<FailedForm>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AssignmentForm {
    sku: Guid,
    disabled: Index,
    source: SourceForm,
}

#[derive(Debug, Serialize, Deserialize)]
enum SourceForm {
    Told { direct: Option<Index>, inherited: Vec<InheritedForm> },
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
struct InheritedForm {
    group: Guid,
    disabled: Index,
}

#[derive(Debug, Serialize, Deserialize)]
struct FailedForm {
    sku: Guid,
    group: Guid,
    error: Index,
}

impl UserForm {
    pub(super) fn new(user: &User, filling: &mut Filling) -> Self {
        let User {
            id,
            principal_name,
            display_name,
            user_type,
            enabled,
            usage_location,
            synced,
            distinguished_name,
            ad_domain,
            attributes,
            last_sign_in,
            licenses,
        } = user;
        let letters = |location: UsageLocation| {
            location.as_str().as_bytes().try_into().expect("a usage location has two letters")
        };
        Self {
            id: id.as_uuid().into_bytes(),
            principal_name: Arc::clone(principal_name),
            display_name: display_name.clone(),
            user_type: user_type.map(UserTypeForm::from).into(),
            enabled: (*enabled).into(),
            usage_location: usage_location.map(|location| location.map(letters)).into(),
            synced: (*synced).into(),
            distinguished_name: distinguished_name
                .as_ref()
                .map(|name| name.as_ref().map(DistinguishedName::to_string))
                .into(),
            ad_domain: ad_domain
                .as_ref()
                .map(|domain| domain.as_ref().map(|domain| filling.texts.index(domain)))
                .into(),
            attributes: AttributesForm::new(attributes, filling),
            last_sign_in: last_sign_in.map(Timestamp::as_second).into(),
            licenses: licenses.as_ref().map(|licenses| LicensesForm::new(licenses, filling)).into(),
        }
    }

    pub(super) fn into_user(self, tables: &Tables) -> Result<User, String> {
        let Self {
            id,
            principal_name,
            display_name,
            user_type,
            enabled,
            usage_location,
            synced,
            distinguished_name,
            ad_domain,
            attributes,
            last_sign_in,
            licenses,
        } = self;
        Ok(User {
            id: UserId::from_uuid(Uuid::from_bytes(id)),
            principal_name,
            display_name,
            user_type: user_type.into_known().map(UserType::from),
            enabled: enabled.into_known(),
            usage_location: usage_location
                .try_map(|letters| letters.map(usage_location_of).transpose())?,
            synced: synced.into_known(),
            distinguished_name: distinguished_name
                .try_map(|name| name.as_deref().map(distinguished_name_of).transpose())?,
            ad_domain: ad_domain
                .try_map(|index| index.map(|index| tables.text(index)).transpose())?,
            attributes: attributes.into_attributes(tables)?,
            last_sign_in: last_sign_in.try_map(|second| {
                Timestamp::from_second(second).map_err(|error| error.to_string())
            })?,
            licenses: licenses.try_map(|licenses| licenses.into_licenses(tables))?,
        })
    }
}

fn usage_location_of(letters: [u8; 2]) -> Result<UsageLocation, String> {
    let text = std::str::from_utf8(&letters).map_err(|error| error.to_string())?;
    text.parse().map_err(|error: crate::domain::names::InvalidUsageLocation| error.to_string())
}

fn distinguished_name_of(text: &str) -> Result<DistinguishedName, String> {
    text.parse().map_err(|error: crate::domain::dn::InvalidDistinguishedName| error.to_string())
}

impl From<UserType> for UserTypeForm {
    fn from(user_type: UserType) -> Self {
        match user_type {
            UserType::Member => Self::Member,
            UserType::Guest => Self::Guest,
        }
    }
}

impl From<UserTypeForm> for UserType {
    fn from(form: UserTypeForm) -> Self {
        match form {
            UserTypeForm::Member => Self::Member,
            UserTypeForm::Guest => Self::Guest,
        }
    }
}

impl LicensesForm {
    fn new(licenses: &Licenses, filling: &mut Filling) -> Self {
        let Licenses { assignments, failed } = licenses;
        let failed = failed.iter().map(|FailedInheritance { sku, group, error }| FailedForm {
            sku: sku.as_uuid().into_bytes(),
            group: group.as_uuid().into_bytes(),
            error: filling.texts.index(error),
        });
        let failed = failed.collect();
        let assignments =
            assignments.iter().map(|assignment| AssignmentForm::new(assignment, filling));
        Self { assignments: assignments.collect(), failed }
    }

    fn into_licenses(self, tables: &Tables) -> Result<Licenses, String> {
        let assignments = self.assignments.into_iter().map(|form| form.into_assignment(tables));
        let failed = self.failed.into_iter().map(|FailedForm { sku, group, error }| {
            Ok(FailedInheritance {
                sku: SkuId::from_uuid(Uuid::from_bytes(sku)),
                group: GroupId::from_uuid(Uuid::from_bytes(group)),
                error: tables.text(error)?,
            })
        });
        Ok(Licenses {
            assignments: assignments.collect::<Result<_, String>>()?,
            failed: failed.collect::<Result<_, String>>()?,
        })
    }
}

impl AssignmentForm {
    fn new(assignment: &Assignment, filling: &mut Filling) -> Self {
        let Assignment { sku, disabled, source } = assignment;
        let source = match source {
            AssignmentSource::Told { direct, inherited } => SourceForm::Told {
                direct: direct.as_ref().map(|direct| filling.set(direct)),
                inherited: inherited
                    .iter()
                    .map(|Inherited { group, disabled }| InheritedForm {
                        group: group.as_uuid().into_bytes(),
                        disabled: filling.set(disabled),
                    })
                    .collect(),
            },
            AssignmentSource::Unknown => SourceForm::Unknown,
        };
        Self { sku: sku.as_uuid().into_bytes(), disabled: filling.set(disabled), source }
    }

    fn into_assignment(self, tables: &Tables) -> Result<Assignment, String> {
        let source = match self.source {
            SourceForm::Told { direct, inherited } => AssignmentSource::Told {
                direct: direct.map(|direct| tables.set(direct)).transpose()?,
                inherited: inherited
                    .into_iter()
                    .map(|InheritedForm { group, disabled }| {
                        let group = GroupId::from_uuid(Uuid::from_bytes(group));
                        Ok(Inherited { group, disabled: tables.set(disabled)? })
                    })
                    .collect::<Result<_, String>>()?,
            },
            SourceForm::Unknown => AssignmentSource::Unknown,
        };
        let sku = SkuId::from_uuid(Uuid::from_bytes(self.sku));
        Ok(Assignment { sku, disabled: tables.set(self.disabled)?, source })
    }
}
