//! Groups and who is in them.

use std::sync::Arc;

use crate::domain::ids::{GroupId, UserId};
use crate::domain::known::Truth;

/// Users of a group, and whether these are all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    users: Vec<UserId>,
    complete: bool,
}

impl Members {
    /// All members of a group.
    pub fn complete(users: impl IntoIterator<Item = UserId>) -> Self {
        Self::sorted(users, true)
    }

    /// Some members: others may be hidden. Whoever is not listed may be a member all the same.
    ///
    /// Source: Graph answers an empty list for hidden membership without `Member.Read.Hidden`.
    pub fn partial(users: impl IntoIterator<Item = UserId>) -> Self {
        Self::sorted(users, false)
    }

    fn sorted(users: impl IntoIterator<Item = UserId>, complete: bool) -> Self {
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_unstable();
        users.dedup();
        Self { users, complete }
    }

    /// Whether a user is in: yes, no, or (where some are hidden) not to be told.
    pub fn contains(&self, user: UserId) -> Truth {
        if self.users.binary_search(&user).is_ok() {
            Truth::True
        } else if self.complete {
            Truth::False
        } else {
            Truth::Unknown
        }
    }

    /// Returns the users that were seen, in the order of their ids.
    pub fn users(&self) -> &[UserId] {
        &self.users
    }

    /// Whether these are all.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

/// What was read about who is in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// No policy asked for it.
    #[default]
    NotRead,
    /// It was read, whole.
    Read {
        /// Members of the group and of every group nested in it.
        nested: Members,
        /// Members of the group itself; read only where a policy says `nested: false`.
        direct: Option<Members>,
    },
}

/// A group of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The object id.
    pub id: GroupId,
    /// The display name; several groups may share one.
    pub name: Arc<str>,
    /// Who is in it.
    pub membership: Membership,
}
