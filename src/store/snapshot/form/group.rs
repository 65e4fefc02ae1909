//! Groups in the file. Members are mostly users of the snapshot, and stand there as steps from one
//! to the next in its order: a byte or two each instead of sixteen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, UserId};
use crate::domain::user::User;
use crate::store::snapshot::form::Guid;

/// A [`Group`] in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GroupForm {
    id: Guid,
    name: Arc<str>,
    membership: MembershipForm,
}

#[derive(Debug, Serialize, Deserialize)]
enum MembershipForm {
    NotRead,
    Read { nested: MembersForm, direct: Option<MembersForm> },
}

#[derive(Debug, Serialize, Deserialize)]
struct MembersForm {
    complete: bool,
    /// How many users of the snapshot are passed over before each member.
    steps: Vec<u32>,
    /// Members that are not in the snapshot.
    others: Vec<Guid>,
}

impl GroupForm {
    pub(super) fn new(group: &Group, users: &[User]) -> Self {
        let Group { id, name, membership } = group;
        let membership = match membership {
            Membership::NotRead => MembershipForm::NotRead,
            Membership::Read { nested, direct } => MembershipForm::Read {
                nested: MembersForm::new(nested, users),
                direct: direct.as_ref().map(|direct| MembersForm::new(direct, users)),
            },
        };
        Self { id: id.as_uuid().into_bytes(), name: Arc::clone(name), membership }
    }

    pub(super) fn into_group(self, users: &[User]) -> Result<Group, String> {
        let Self { id, name, membership } = self;
        let membership = match membership {
            MembershipForm::NotRead => Membership::NotRead,
            MembershipForm::Read { nested, direct } => Membership::Read {
                nested: nested.into_members(users)?,
                direct: direct.map(|direct| direct.into_members(users)).transpose()?,
            },
        };
        Ok(Group { id: GroupId::from_uuid(Uuid::from_bytes(id)), name, membership })
    }
}

impl MembersForm {
    fn new(members: &Members, users: &[User]) -> Self {
        let (mut steps, mut others) = (Vec::new(), Vec::new());
        let mut next = 0;
        for member in members.users() {
            match users.binary_search_by_key(member, |user| user.id) {
                Ok(place) => {
                    let step = place - next;
                    steps.push(u32::try_from(step).expect("memory ends before 2^32 users do"));
                    next = place + 1;
                }
                Err(_) => others.push(member.as_uuid().into_bytes()),
            }
        }
        Self { complete: members.is_complete(), steps, others }
    }

    fn into_members(self, users: &[User]) -> Result<Members, String> {
        let mut members: Vec<UserId> = Vec::with_capacity(self.steps.len() + self.others.len());
        let mut rest = users;
        for step in self.steps {
            let skipped = usize::try_from(step).ok().and_then(|step| rest.get(step..));
            let Some((member, after)) = skipped.and_then(<[User]>::split_first) else {
                return Err("a group has a member beyond the last user".to_owned());
            };
            members.push(member.id);
            rest = after;
        }
        let others = self.others.into_iter();
        members.extend(others.map(|id| UserId::from_uuid(Uuid::from_bytes(id))));
        Ok(if self.complete { Members::complete(members) } else { Members::partial(members) })
    }
}
