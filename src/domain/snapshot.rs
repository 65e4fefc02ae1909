//! What one complete read of the tenant saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::group::Group;
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::sku::Catalogue;
use crate::domain::user::User;

/// Everything that one complete read saw. There is no such thing as half a snapshot:
/// only [`Reading::finish`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    taken_at: Timestamp,
    users: Vec<User>,
    groups: Vec<Group>,
    catalogue: Catalogue,
}

impl Snapshot {
    /// Returns when the read began.
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// Returns the users in the order of their ids.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Returns the user with this id.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.binary_search_by_key(&id, |user| user.id).ok().map(|index| &self.users[index])
    }

    /// Returns the groups in the order of their ids.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns the group with this id.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups
            .binary_search_by_key(&id, |group| group.id)
            .ok()
            .map(|index| &self.groups[index])
    }

    /// Returns the SKUs of the tenant.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Returns this snapshot with some of its users as they were read since, and the seats in use
    /// counted accordingly. Users that it does not have are passed over.
    #[must_use]
    pub fn updated(&self, users: impl IntoIterator<Item = User>) -> Self {
        let mut updated = self.clone();
        for user in users {
            let Ok(at) = updated.users.binary_search_by_key(&user.id, |user| user.id) else {
                continue;
            };
            let holds = |user: &User| -> Vec<SkuId> {
                let licenses = user.licenses.value();
                let held = licenses.map(|held| held.assignments.as_slice()).unwrap_or_default();
                held.iter().map(|assignment| assignment.sku).collect()
            };
            let (before, after) = (holds(&updated.users[at]), holds(&user));
            updated.catalogue.count(&before, &after);
            updated.users[at] = user;
        }
        updated
    }
}

/// A read under way: each source is there whole, or it is missing.
#[derive(Debug)]
pub struct Reading {
    started_at: Timestamp,
    users: Option<Vec<User>>,
    groups: Option<Vec<Group>>,
    catalogue: Option<Catalogue>,
}

/// A read that did not get everything; nothing may be concluded from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the read of the tenant is incomplete: {} missing", missing.join(", "))]
pub struct IncompleteRead {
    /// The sources that are missing.
    pub missing: Vec<Arc<str>>,
}

impl Reading {
    /// Begins a read.
    pub fn begin(started_at: Timestamp) -> Self {
        Self { started_at, users: None, groups: None, catalogue: None }
    }

    /// Takes all users of the tenant. Paging may show one user twice: the later sight counts.
    pub fn users(&mut self, users: Vec<User>) {
        let mut by_id: Vec<User> = users;
        by_id.sort_by_key(|user| user.id);
        // Stable sort: of equal ids the last came last, and `dedup` keeps the first of a run.
        by_id.reverse();
        by_id.dedup_by_key(|user| user.id);
        by_id.reverse();
        self.users = Some(by_id);
    }

    /// Takes all groups of the tenant.
    pub fn groups(&mut self, groups: Vec<Group>) {
        let by_id: BTreeMap<GroupId, Group> =
            groups.into_iter().map(|group| (group.id, group)).collect();
        self.groups = Some(by_id.into_values().collect());
    }

    /// Takes all SKUs of the tenant.
    pub fn catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = Some(catalogue);
    }

    /// Ends the read. One missing source leaves no snapshot at all, so that what was not seen
    /// cannot look like what is not there.
    ///
    /// # Errors
    ///
    /// Returns every source that is missing.
    pub fn finish(self) -> Result<Snapshot, IncompleteRead> {
        let mut missing = Vec::new();
        let mut need = |there: bool, what: &str| {
            if !there {
                missing.push(what.into());
            }
        };
        need(self.users.is_some(), "users");
        need(self.groups.is_some(), "groups");
        need(self.catalogue.is_some(), "subscribed SKUs");
        match (self.users, self.groups, self.catalogue) {
            (Some(users), Some(groups), Some(catalogue)) => {
                Ok(Snapshot { taken_at: self.started_at, users, groups, catalogue })
            }
            (_, _, _) => Err(IncompleteRead { missing }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_source_leaves_no_snapshot() {
        let mut reading = Reading::begin(Timestamp::UNIX_EPOCH);
        reading.users(Vec::new());
        let error = reading.finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the read of the tenant is incomplete: groups, subscribed SKUs missing"
        );
    }
}
