//! What the latest read of a tenant left behind, beside the snapshot that it belongs to:
//! `contoso.tracking`.
//!
//! The snapshot is written first and named here by its digest. So a crash between the two leaves
//! tracking that belongs to no snapshot and counts for nothing, as does tracking beside a snapshot
//! that another command wrote: never is a mark newer than the snapshot that it goes on from. Where a
//! read saw nothing new the snapshot stays as it is, and only when it was confirmed stands here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::names::TenantName;
use crate::domain::snapshot::Snapshot;
use crate::domain::tracking::{DirectMembers, Tracking};
use crate::store::error::StoreError;
use crate::store::snapshot::form::{Guid, SignInsForm};
use crate::store::snapshot::{self, Digest, Head};

/// How the file begins, and the version of what follows.
const HEAD: Head = Head { magic: *b"SEATTRCK", version: 1 };

/// The snapshots that were read or written last, so that they are not read again while their files
/// stay as they are.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<BTreeMap<PathBuf, (Digest, Arc<Snapshot>)>>);

impl Latest {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Digest, Arc<Snapshot>)>> {
        // What is in it is whole, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the snapshot in a file and its digest, or none where there is no file.
    fn read(&self, path: &Path) -> Result<Option<(Digest, Arc<Snapshot>)>, StoreError> {
        let Some(digest) = snapshot::digest(path)? else { return Ok(None) };
        if let Some(known) = self.lock().get(path).filter(|(known, _)| *known == digest) {
            return Ok(Some(known.clone()));
        }
        let Some((digest, read)) = snapshot::read_with_digest(path)? else { return Ok(None) };
        let read = (digest, Arc::new(read));
        self.lock().insert(path.to_owned(), read.clone());
        Ok(Some(read))
    }

    /// Writes a snapshot, and remembers it.
    fn write(&self, path: &Path, snapshot: Arc<Snapshot>) -> Result<Digest, StoreError> {
        let digest = snapshot::write(path, &snapshot)?;
        self.lock().insert(path.to_owned(), (digest, snapshot));
        Ok(digest)
    }
}

/// Where the two files of a tenant lie.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) snapshot: PathBuf,
    tracking: PathBuf,
}

impl Paths {
    pub(super) fn new(dir: &Path, tenant: &TenantName) -> Self {
        let tracking = dir.join(format!("{tenant}.tracking"));
        Self { snapshot: snapshot::path(dir, tenant), tracking }
    }
}

/// Keeps a snapshot whose read left nothing behind.
pub(super) fn keep_alone(
    paths: &Paths,
    latest: &Latest,
    snapshot: Arc<Snapshot>,
) -> Result<(), StoreError> {
    latest.write(&paths.snapshot, snapshot)?;
    // It belongs to no snapshot any more; to leave it would do no harm.
    let _ = std::fs::remove_file(&paths.tracking);
    Ok(())
}

/// Keeps a snapshot and what its read left behind.
pub(super) fn keep(
    paths: &Paths,
    latest: &Latest,
    snapshot: &Arc<Snapshot>,
    tracking: &Tracking,
) -> Result<(), StoreError> {
    // A file that cannot be read is replaced.
    let kept = latest.read(&paths.snapshot).unwrap_or_default();
    let same = kept.filter(|(_, kept)| kept.shows_the_same_as(snapshot));
    let digest = match same {
        Some((digest, _)) => digest,
        None => latest.write(&paths.snapshot, Arc::clone(snapshot))?,
    };
    let form = Form {
        snapshot: digest,
        taken_at: snapshot.taken_at().as_nanosecond(),
        sign_ins: snapshot.sign_ins().into(),
        tracking: TrackingForm::from(tracking),
    };
    snapshot::write_form(&paths.tracking, HEAD, &form)
}

/// Returns the latest snapshot, as the latest read that it belongs to left it.
pub(super) fn snapshot(paths: &Paths, latest: &Latest) -> Result<Option<Snapshot>, StoreError> {
    let Some((digest, kept)) = latest.read(&paths.snapshot)? else { return Ok(None) };
    let form = read_form(paths, digest).unwrap_or_default();
    let confirmed = form.and_then(|form| confirmed(&form, &kept));
    Ok(Some(confirmed.unwrap_or_else(|| Snapshot::clone(&kept))))
}

/// Returns the latest snapshot and what its read left behind, where the two belong together.
pub(super) fn read(
    paths: &Paths,
    latest: &Latest,
) -> Result<Option<(Arc<Snapshot>, Tracking)>, StoreError> {
    let Some((digest, kept)) = latest.read(&paths.snapshot)? else { return Ok(None) };
    let Some(form) = read_form(paths, digest)? else { return Ok(None) };
    let damaged = || StoreError::DamagedSnapshot {
        path: paths.tracking.clone(),
        reason: "an instant in it is out of range".to_owned(),
    };
    let snapshot = confirmed(&form, &kept).ok_or_else(damaged)?;
    let tracking = form.tracking.into_tracking().ok_or_else(damaged)?;
    Ok(Some((Arc::new(snapshot), tracking)))
}

fn read_form(paths: &Paths, digest: Digest) -> Result<Option<Form>, StoreError> {
    let form: Option<Form> = snapshot::read_form(&paths.tracking, HEAD)?;
    Ok(form.filter(|form| form.snapshot == digest))
}

fn confirmed(form: &Form, kept: &Snapshot) -> Option<Snapshot> {
    let taken_at = Timestamp::from_nanosecond(form.taken_at).ok()?;
    let sign_ins = form.sign_ins.clone().into_seen().ok()?;
    Some(kept.clone().confirmed(taken_at, sign_ins))
}

/// The file. The order of fields is the format: a change raises its version.
#[derive(Debug, Serialize, Deserialize)]
struct Form {
    snapshot: Digest,
    taken_at: i128,
    sign_ins: SignInsForm,
    tracking: TrackingForm,
}

#[derive(Debug, Serialize, Deserialize)]
struct TrackingForm {
    users: Arc<str>,
    groups: Arc<str>,
    asked_at: i128,
    full_read_at: i128,
    members: Vec<MembersForm>,
    hiding: Vec<Guid>,
    gone: Vec<Guid>,
    doubted: Vec<(Guid, i128)>,
    unexplained: Vec<(Guid, i64)>,
    odd: Vec<(Guid, i64, i128)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MembersForm {
    group: Guid,
    users: Vec<Guid>,
    groups: Vec<Guid>,
    others: Vec<Guid>,
}

impl From<&Tracking> for TrackingForm {
    fn from(tracking: &Tracking) -> Self {
        let Tracking {
            users,
            groups,
            asked_at,
            full_read_at,
            members,
            hiding,
            gone,
            doubted,
            unexplained,
            odd,
        } = tracking;
        let groups_of = |ids: &std::collections::BTreeSet<GroupId>| -> Vec<Guid> {
            ids.iter().map(|id| id.as_uuid().into_bytes()).collect()
        };
        let members =
            members.iter().map(|(group, DirectMembers { users, groups, others })| MembersForm {
                group: group.as_uuid().into_bytes(),
                users: users.iter().map(|id| id.as_uuid().into_bytes()).collect(),
                groups: groups_of(groups),
                others: others.iter().map(|id| id.into_bytes()).collect(),
            });
        let sku = |id: &SkuId| id.as_uuid().into_bytes();
        let until =
            |(id, at): (&UserId, &Timestamp)| (id.as_uuid().into_bytes(), at.as_nanosecond());
        let odd = odd.iter().map(|(id, (seats, since))| (sku(id), *seats, since.as_nanosecond()));
        Self {
            users: Arc::clone(users),
            groups: Arc::clone(groups),
            asked_at: asked_at.as_nanosecond(),
            full_read_at: full_read_at.as_nanosecond(),
            members: members.collect(),
            hiding: groups_of(hiding),
            gone: groups_of(gone),
            doubted: doubted.iter().map(until).collect(),
            unexplained: unexplained.iter().map(|(id, seats)| (sku(id), *seats)).collect(),
            odd: odd.collect(),
        }
    }
}

impl TrackingForm {
    /// Returns what was written; none where an instant is out of range.
    fn into_tracking(self) -> Option<Tracking> {
        let at = |nanosecond| Timestamp::from_nanosecond(nanosecond).ok();
        let user = |id| UserId::from_uuid(Uuid::from_bytes(id));
        let group = |id| GroupId::from_uuid(Uuid::from_bytes(id));
        let sku = |id| SkuId::from_uuid(Uuid::from_bytes(id));
        let direct = |form: MembersForm| {
            let members = DirectMembers {
                users: form.users.into_iter().map(user).collect(),
                groups: form.groups.into_iter().map(group).collect(),
                others: form.others.into_iter().map(Uuid::from_bytes).collect(),
            };
            (group(form.group), members)
        };
        let doubted = self.doubted.into_iter().map(|(id, until)| Some((user(id), at(until)?)));
        let odd = self.odd.into_iter().map(|(id, n, since)| Some((sku(id), (n, at(since)?))));
        Some(Tracking {
            users: self.users,
            groups: self.groups,
            asked_at: at(self.asked_at)?,
            full_read_at: at(self.full_read_at)?,
            members: self.members.into_iter().map(direct).collect(),
            hiding: self.hiding.into_iter().map(group).collect(),
            gone: self.gone.into_iter().map(group).collect(),
            doubted: doubted.collect::<Option<_>>()?,
            unexplained: self.unexplained.into_iter().map(|(id, n)| (sku(id), n)).collect(),
            odd: odd.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
