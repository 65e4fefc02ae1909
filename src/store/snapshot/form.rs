//! A snapshot as postcard writes it: without names, ids as 16 bytes, sets and recurring texts by
//! number.
//!
//! The order of fields and variants is the format: a change raises the version of the file.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ServicePlanId;
use crate::domain::known::Known;
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::ServicePlanSet;
use crate::store::snapshot::table::{Index, Interner, Table};
use group::GroupForm;
pub(in crate::store) use sign_in::SignInsForm;
use sku::SkuForm;
use user::UserForm;

mod group;
mod sign_in;
mod sku;
mod user;

/// An id.
pub(in crate::store) type Guid = [u8; 16];

/// A [`Snapshot`] in its file. The tables stand last, since writing the rest fills them.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct SnapshotForm {
    taken_at: i128,
    users: Vec<UserForm>,
    groups: Vec<GroupForm>,
    skus: Vec<SkuForm>,
    /// When the next subscription of each SKU renews or ends, in seconds.
    next_expiries: KnownForm<Vec<(Guid, i64)>>,
    sign_ins: SignInsForm,
    tables: Tables,
}

/// What recurs, once each.
#[derive(Debug, Serialize, Deserialize)]
struct Tables {
    texts: Table<Arc<str>>,
    sets: Table<Vec<Guid>>,
}

/// The tables while they are being filled.
struct Filling {
    texts: Interner<Arc<str>>,
    sets: Interner<Vec<Guid>>,
}

impl Filling {
    fn set(&mut self, set: &ServicePlanSet) -> Index {
        self.sets.index(&set.iter().map(|id| id.as_uuid().into_bytes()).collect())
    }
}

impl Tables {
    fn text(&self, index: Index) -> Result<Arc<str>, String> {
        self.texts.get(index).cloned()
    }

    fn set(&self, index: Index) -> Result<ServicePlanSet, String> {
        let ids = self.sets.get(index)?.iter();
        Ok(ids.map(|id| ServicePlanId::from_uuid(uuid::Uuid::from_bytes(*id))).collect())
    }
}

/// A [`Known`] in the file.
#[derive(Debug, Serialize, Deserialize)]
enum KnownForm<T> {
    Known(T),
    Unknown,
}

impl<T> From<Known<T>> for KnownForm<T> {
    fn from(known: Known<T>) -> Self {
        match known {
            Known::Known(value) => Self::Known(value),
            Known::Unknown => Self::Unknown,
        }
    }
}

impl<T> KnownForm<T> {
    fn try_map<U>(self, map: impl FnOnce(T) -> Result<U, String>) -> Result<Known<U>, String> {
        Ok(match self {
            Self::Known(value) => Known::Known(map(value)?),
            Self::Unknown => Known::Unknown,
        })
    }

    fn into_known(self) -> Known<T> {
        match self {
            Self::Known(value) => Known::Known(value),
            Self::Unknown => Known::Unknown,
        }
    }
}

impl From<&Snapshot> for SnapshotForm {
    fn from(snapshot: &Snapshot) -> Self {
        let mut filling = Filling { texts: Interner::new(), sets: Interner::new() };
        let users = snapshot.users();
        Self {
            taken_at: snapshot.taken_at().as_nanosecond(),
            users: users.iter().map(|user| UserForm::new(user, &mut filling)).collect(),
            groups: snapshot.groups().iter().map(|group| GroupForm::new(group, users)).collect(),
            skus: snapshot.catalogue().skus().iter().map(SkuForm::from).collect(),
            next_expiries: sku::expiries(snapshot.catalogue()).into(),
            sign_ins: snapshot.sign_ins().into(),
            tables: Tables { texts: filling.texts.into_table(), sets: filling.sets.into_table() },
        }
    }
}

impl SnapshotForm {
    /// Returns the snapshot that was written, or what does not fit.
    pub(in crate::store) fn into_snapshot(self) -> Result<Snapshot, String> {
        let Self { taken_at, users, groups, skus, next_expiries, sign_ins, tables } = self;
        let taken_at = Timestamp::from_nanosecond(taken_at).map_err(|error| error.to_string())?;
        let users = users.into_iter().map(|user| user.into_user(&tables));
        let users = users.collect::<Result<Vec<_>, _>>()?;
        let groups = groups.into_iter().map(|group| group.into_group(&users));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let mut reading = Reading::begin(taken_at);
        reading.users(users);
        reading.groups(groups);
        let next_expiries = next_expiries.try_map(sku::next_expiries)?;
        reading.catalogue(sku::catalogue(skus).with_next_expiries(next_expiries));
        reading.sign_ins(sign_ins.into_seen()?);
        reading.finish().map_err(|error| error.to_string())
    }
}
