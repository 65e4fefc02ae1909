//! What administrators elsewhere do to a tenant: users and groups come, change, go and come back.

use jiff::Timestamp;

use crate::domain::ids::{GroupId, UserId};
use crate::sandbox::model::journal::{Journal, differing, differing_groups};
use crate::sandbox::model::{Group, LicenseChange, Member, Refusal, Tenant, User, members};

impl Tenant {
    /// Returns what changed since the tenant was put together.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Takes a new user in, with direct licenses alone. Returns whether the id and the principal name
    /// were free.
    pub fn create_user(&mut self, user: User) -> bool {
        let is_taken = self.user(&user.principal_name).is_some()
            || self.place_of(user.id).is_some()
            || self.deleted_users.contains_key(&user.id);
        if !is_taken {
            self.journal.user_created(user.id);
            self.put_in(user);
        }
        !is_taken
    }

    /// Deletes a user so that they can be restored: the seats are free, memberships are remembered.
    /// Does nothing for a user who does not exist.
    pub fn delete_user(&mut self, id: UserId, at: Timestamp) {
        let Some(place) = self.place_of(id) else { return };
        let licenses = self.users[place].licenses.clone();
        self.put_licenses(place, Vec::new());
        let user = User { licenses, ..self.users.remove(place) };
        self.names.remove(&name(&user));
        self.deleted_users.insert(id, (user, at));
        self.journal.user_removed(id);
    }

    /// Restores a deleted user, with the licenses that the user had, be a seat free or not. Returns
    /// whether there was such a user and the principal name is free.
    ///
    /// Source: Graph, restore of directory objects.
    pub fn restore_user(&mut self, id: UserId) -> bool {
        let Some((user, _)) = self.deleted_users.get(&id) else { return false };
        if self.names.contains_key(&name(user)) {
            return false;
        }
        if let Some((user, _)) = self.deleted_users.remove(&id) {
            // Source: Graph, known issue: a restored user shows in a delta of these alone.
            self.journal.user_changed(id, &["accountEnabled", "displayName"]);
            self.put_in(user);
        }
        true
    }

    /// Deletes a deleted user for good, who leaves all groups with that.
    pub fn purge_user(&mut self, id: UserId) {
        if self.deleted_users.remove(&id).is_none() {
            return;
        }
        self.journal.user_removed(id);
        for group in self.parents.remove(&Member::User(id)).unwrap_or_default() {
            if let Some(place) = self.group_index(group) {
                self.groups[place].members.retain(|member| *member != Member::User(id));
            }
            self.journal.member(group, Member::User(id), false);
        }
    }

    /// Deletes those for good who were deleted before this instant.
    pub(crate) fn purge_before(&mut self, before: Timestamp) {
        let due = self.deleted_users.iter().filter(|(_, (_, at))| *at < before);
        let due: Vec<UserId> = due.map(|(id, _)| *id).collect();
        for id in due {
            self.purge_user(id);
        }
    }

    /// Whether a user is deleted and can be restored.
    pub(crate) fn is_restorable(&self, id: UserId) -> bool {
        self.deleted_users.contains_key(&id)
    }

    /// Changes what is written about a user; id and licenses stay. Does nothing for a user who does
    /// not exist, nor where the new principal name is taken.
    pub fn edit_user(&mut self, id: UserId, edit: impl FnOnce(&mut User)) {
        let Some(place) = self.place_of(id) else { return };
        let before = self.users[place].clone();
        let mut after = before.clone();
        edit(&mut after);
        (after.id, after.licenses) = (id, before.licenses.clone());
        let is_taken = |owner: &UserId| *owner != id;
        if self.names.get(&name(&after)).is_some_and(is_taken) {
            return;
        }
        self.journal.user_changed(id, &differing(&before, &after));
        self.names.remove(&name(&before));
        self.names.insert(name(&after), id);
        self.users[place] = after;
    }

    /// Changes the direct licenses of a user, all or nothing.
    ///
    /// # Errors
    ///
    /// Returns Graph's reason; nothing has changed then. A user who does not exist is passed over.
    pub fn change_licenses(
        &mut self,
        user: UserId,
        change: &LicenseChange,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        self.place_of(user).map_or(Ok(()), |place| self.assign_license(place, change, at))
    }

    /// Takes a new group in. Returns whether the id was free.
    pub fn create_group(&mut self, group: Group) -> bool {
        let is_taken =
            self.group(group.id).is_some() || self.deleted_groups.contains_key(&group.id);
        if !is_taken {
            self.journal.group_created(group.id);
            for member in &group.members {
                self.journal.member(group.id, *member, true);
            }
            self.put_group_in(group);
        }
        !is_taken
    }

    /// Deletes a group so that it can be restored. Does nothing for a group that does not exist.
    pub fn delete_group(&mut self, id: GroupId) {
        let Some(place) = self.group_index(id) else { return };
        let group = self.groups.remove(place);
        self.deleted_groups.insert(id, group);
        self.parents = members::parents(&self.groups);
        self.journal.group_removed(id);
    }

    /// Restores a deleted group with the members that it had. Returns whether there was one.
    pub fn restore_group(&mut self, id: GroupId) -> bool {
        let Some(group) = self.deleted_groups.remove(&id) else { return false };
        self.journal.group_created(id);
        self.put_group_in(group);
        true
    }

    /// Changes a group, its members included; the id stays. Does nothing for a group that does not
    /// exist. Licenses that groups give stay as they are until the group is worked through.
    pub fn edit_group(&mut self, id: GroupId, edit: impl FnOnce(&mut Group)) {
        let Some(place) = self.group_index(id) else { return };
        let before = self.groups[place].clone();
        let mut after = before.clone();
        edit(&mut after);
        after.id = id;
        self.journal.group_changed(id, &differing_groups(&before, &after));
        for member in before.members.iter().filter(|member| !after.members.contains(member)) {
            self.journal.member(id, *member, false);
        }
        for member in after.members.iter().filter(|member| !before.members.contains(member)) {
            self.journal.member(id, *member, true);
        }
        let moved = before.members != after.members;
        self.groups[place] = after;
        if moved {
            self.parents = members::parents(&self.groups);
        }
    }

    /// Whether a member of a group is there, and not deleted meanwhile.
    pub(crate) fn is_there(&self, member: Member) -> bool {
        match member {
            Member::User(id) => self.place_of(id).is_some(),
            Member::Group(id) => self.group_index(id).is_some(),
        }
    }

    fn put_in(&mut self, user: User) {
        self.names.insert(name(&user), user.id);
        let place = self.users.partition_point(|other| other.id < user.id);
        self.users.insert(place, user);
        self.count(place);
    }

    fn put_group_in(&mut self, group: Group) {
        let place = self.groups.partition_point(|other| other.id < group.id);
        self.groups.insert(place, group);
        self.parents = members::parents(&self.groups);
    }
}

/// The principal name, as names are compared.
pub(super) fn name(user: &User) -> Box<str> {
    user.principal_name.to_lowercase().into_boxed_str()
}
