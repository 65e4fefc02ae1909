//! Who is in which group, nested groups and cycles included.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{GroupId, UserId};
use crate::sandbox::model::{Group, Tenant};

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A user.
    User(UserId),
    /// A group inside the group.
    Group(GroupId),
}

/// Returns for every member the groups that it is directly in.
pub(super) fn parents(groups: &[Group]) -> BTreeMap<Member, Vec<GroupId>> {
    let mut parents: BTreeMap<Member, Vec<GroupId>> = BTreeMap::new();
    for group in groups {
        for member in &group.members {
            parents.entry(*member).or_default().push(group.id);
        }
    }
    parents
}

impl Tenant {
    /// Returns everything below a group, each once, the nested groups themselves included.
    pub fn transitive_members(&self, group: GroupId) -> Vec<Member> {
        self.members_below(group, true)
    }

    /// Returns the same as somebody sees it who may see hidden members or not.
    pub(crate) fn members_below(&self, group: GroupId, sees_hidden: bool) -> Vec<Member> {
        let mut seen = BTreeSet::new();
        let mut open = vec![group];
        while let Some(next) = open.pop() {
            let open_to_see = self.group(next).filter(|group| sees_hidden || !group.hidden);
            let members = open_to_see.map_or(&[][..], |group| &group.members);
            for member in members.iter().filter(|member| self.is_there(**member)) {
                match member {
                    // In a cycle a group is below itself; Graph does not list it under itself.
                    Member::Group(id) if *id == group => {}
                    Member::Group(id) => {
                        if seen.insert(*member) {
                            open.push(*id);
                        }
                    }
                    Member::User(_) => {
                        seen.insert(*member);
                    }
                }
            }
        }
        seen.into_iter().collect()
    }

    /// Returns which of these groups a user is in, nested groups included.
    ///
    /// Source: Graph directoryObject: checkMemberGroups.
    pub fn check_member_groups(&self, user: UserId, groups: &[GroupId]) -> Vec<GroupId> {
        let above: BTreeSet<_> = self.groups_of(Member::User(user), true).into_iter().collect();
        groups.iter().copied().filter(|group| above.contains(group)).collect()
    }

    /// Returns the groups that an object is in: directly, or those above as well.
    pub(crate) fn groups_of(&self, member: Member, nested: bool) -> Vec<GroupId> {
        let mut above = BTreeSet::new();
        let mut open = vec![member];
        while let Some(member) = open.pop() {
            for parent in self.parents.get(&member).into_iter().flatten() {
                if above.insert(*parent) && nested {
                    open.push(Member::Group(*parent));
                }
            }
        }
        above.into_iter().collect()
    }

    /// Whether a user lacks a license that this group should give.
    pub(crate) fn lacks_of(&self, group: GroupId, user: UserId) -> bool {
        let licenses = self.place_of(user).map_or(&[][..], |place| &self.users[place].licenses);
        let mut sources = licenses.iter().flat_map(|held| &held.inherited);
        sources.any(|source| source.group == group && (source.error.is_some() || source.lingers))
    }

    /// Puts a user into a group, or takes the user out. Does nothing for a group that does not
    /// exist. Licenses that groups give stay as they are until the group is worked through.
    pub fn set_membership(&mut self, group: GroupId, user: UserId, is_member: bool) {
        let Some(index) = self.group_index(group) else { return };
        let member = Member::User(user);
        let members = &mut self.groups[index].members;
        if members.contains(&member) == is_member {
            return;
        }
        members.retain(|other| *other != member);
        if is_member {
            members.push(member);
        }
        let parents = self.parents.entry(member).or_default();
        parents.retain(|other| *other != group);
        if is_member {
            parents.push(group);
        }
        self.journal.member(group, member, is_member);
    }
}
