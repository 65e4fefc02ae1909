//! What changed since when, by number, so that a client can ask for what is new since it last did.
//!
//! Keeps the latest change of each property and member alone, so that its size is bounded by the
//! tenant and not by how long it lives; beyond that bound it forgets, and old marks are void.

use std::collections::BTreeMap;

use crate::domain::ids::{GroupId, UserId};
use crate::sandbox::model::{Group, Member, User};

/// Entries that are kept at most.
const ENTRIES_MAX: usize = 2_000_000;

/// The latest changes of all objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Journal {
    latest: u64,
    /// Marks before this one are void: what came after them was forgotten.
    horizon: u64,
    entries: usize,
    users: BTreeMap<UserId, Changes>,
    groups: BTreeMap<GroupId, Changes>,
}

/// The latest changes of one object, each with its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// When it came into being, where that was seen.
    pub(crate) created: u64,
    /// When it went last.
    pub(crate) removed: u64,
    properties: BTreeMap<&'static str, u64>,
    /// Members that came (true) or went.
    members: BTreeMap<Member, (u64, bool)>,
}

impl Changes {
    /// Whether this property changed after `since`, up to `until`.
    pub(crate) fn touched(&self, property: &str, since: u64, until: u64) -> bool {
        let within = |at: &u64| since < *at && *at <= until;
        within(&self.created) || self.properties.get(property).is_some_and(within)
    }

    /// Whether a group came, went, or changed its members or licenses after `since`.
    pub(crate) fn gives_otherwise(&self, since: u64) -> bool {
        let moved = self.members(since, u64::MAX).next().is_some();
        moved || self.removed > since || self.touched("assignedLicenses", since, u64::MAX)
    }

    /// Returns the members that came (true) or went after `since`, up to `until`.
    pub(crate) fn members(
        &self,
        since: u64,
        until: u64,
    ) -> impl Iterator<Item = (Member, bool)> + '_ {
        let within = move |at: u64| since < at && at <= until;
        let members = self.members.iter().filter(move |(_, (at, _))| within(*at));
        members.map(|(member, (_, came))| (*member, *came))
    }
}

impl Journal {
    /// Returns the number of the latest change.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    /// Returns the oldest mark that is good.
    pub(crate) fn oldest(&self) -> u64 {
        self.horizon
    }

    /// Whether all that came after this mark is still known.
    pub(crate) fn reaches(&self, mark: u64) -> bool {
        self.horizon <= mark && mark <= self.latest
    }

    /// Returns the users that ever changed, in the order of their ids, after this one.
    pub(crate) fn users_after(
        &self,
        id: Option<UserId>,
    ) -> impl Iterator<Item = (UserId, &Changes)> {
        let users = self.users.iter().filter(move |(user, _)| id.is_none_or(|id| **user > id));
        users.map(|(user, changes)| (*user, changes))
    }

    /// Returns the groups that ever changed, in the order of their ids.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (GroupId, &Changes)> {
        self.groups.iter().map(|(group, changes)| (*group, changes))
    }

    /// Returns what is known of a group's changes.
    pub(crate) fn group(&self, id: GroupId) -> Option<&Changes> {
        self.groups.get(&id)
    }

    pub(super) fn user_created(&mut self, id: UserId) {
        let at = self.next();
        self.user(id).created = at;
    }

    pub(super) fn user_removed(&mut self, id: UserId) {
        let at = self.next();
        self.user(id).removed = at;
    }

    pub(super) fn user_changed(&mut self, id: UserId, properties: &[&'static str]) {
        if !properties.is_empty() {
            let at = self.next();
            self.entries += properties.len();
            self.user(id).properties.extend(properties.iter().map(|name| (*name, at)));
        }
    }

    pub(super) fn group_created(&mut self, id: GroupId) {
        let at = self.next();
        self.group_mut(id).created = at;
    }

    pub(super) fn group_removed(&mut self, id: GroupId) {
        let at = self.next();
        self.group_mut(id).removed = at;
    }

    pub(super) fn group_changed(&mut self, id: GroupId, properties: &[&'static str]) {
        if !properties.is_empty() {
            let at = self.next();
            self.entries += properties.len();
            self.group_mut(id).properties.extend(properties.iter().map(|name| (*name, at)));
        }
    }

    pub(super) fn member(&mut self, group: GroupId, member: Member, came: bool) {
        let at = self.next();
        self.entries += 1;
        self.group_mut(group).members.insert(member, (at, came));
    }

    /// Counts a change; forgets all before it where there are too many.
    fn next(&mut self) -> u64 {
        if self.entries >= ENTRIES_MAX {
            self.horizon = self.latest;
            self.entries = 0;
            self.users.clear();
            self.groups.clear();
        }
        self.entries += 1;
        self.latest += 1;
        self.latest
    }

    fn user(&mut self, id: UserId) -> &mut Changes {
        self.users.entry(id).or_default()
    }

    fn group_mut(&mut self, id: GroupId) -> &mut Changes {
        self.groups.entry(id).or_default()
    }
}

/// Names the properties, as Graph spells them, in which two states of a user differ.
pub(super) fn differing(before: &User, after: &User) -> Vec<&'static str> {
    let (old, new) = (&before.profile, &after.profile);
    let synced = before.on_premises.is_some() != after.on_premises.is_some();
    let on_premises = before.on_premises != after.on_premises;
    let assigned = |user: &User| -> Vec<_> {
        let active = user.licenses.iter().filter(|held| held.is_active());
        active.map(|held| (held.sku, held.disabled())).collect()
    };
    let differs = [
        ("userPrincipalName", before.principal_name != after.principal_name),
        ("mailNickname", before.principal_name != after.principal_name),
        ("displayName", before.display_name != after.display_name),
        ("givenName", before.given_name != after.given_name),
        ("surname", before.surname != after.surname),
        ("mail", before.mail != after.mail),
        ("accountEnabled", before.enabled != after.enabled),
        ("userType", before.user_type != after.user_type),
        ("usageLocation", before.usage_location != after.usage_location),
        ("department", old.department != new.department),
        ("jobTitle", old.job_title != new.job_title),
        ("companyName", old.company != new.company),
        ("country", old.country != new.country),
        ("officeLocation", old.office != new.office),
        ("employeeType", old.employee_type != new.employee_type),
        ("employeeId", old.employee_id != new.employee_id),
        ("onPremisesExtensionAttributes", old.extensions != new.extensions),
        ("onPremisesSyncEnabled", synced),
        ("onPremisesDistinguishedName", on_premises),
        ("onPremisesDomainName", on_premises),
        ("onPremisesSamAccountName", on_premises),
        // Source: Graph user delta: licenseAssignmentStates is never tracked.
        ("assignedLicenses", assigned(before) != assigned(after)),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// Names the properties, as Graph spells them, in which two states of a group differ.
pub(super) fn differing_groups(before: &Group, after: &Group) -> Vec<&'static str> {
    let differs = [
        ("displayName", before.name != after.name),
        ("description", before.description != after.description),
        ("visibility", before.hidden != after.hidden || before.kind != after.kind),
        ("onPremisesSyncEnabled", before.synced != after.synced),
        ("assignedLicenses", before.licenses != after.licenses),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
