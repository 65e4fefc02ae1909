//! Who is in the groups that policies name, nested groups included.
//!
//! Hidden members come back as nothing and not as an error, so an empty list is believed only of a
//! group that hides nobody.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::group::{Members, Membership};
use crate::domain::ids::{GroupId, UserId};
use crate::graph::call::Unread;
use crate::graph::error::Ask;
use crate::graph::pages::Listing;
use crate::graph::session::Session;
use crate::graph::wire::group::{ListedGroup, MEMBER_QUERY, Member, member};
use crate::ports::{Clock, Progress, TenantError};

/// What was listed of one group.
struct Listed {
    group: GroupId,
    nested: Vec<Member>,
    direct: Option<Vec<Member>>,
}

impl<C: Clock> Session<C> {
    /// Lists the members of groups, several groups at once.
    ///
    /// # Errors
    ///
    /// Fails where the members of one of them could not be listed to the end.
    pub(super) async fn members(
        &self,
        wanted: &BTreeMap<GroupId, bool>,
        groups: &[ListedGroup],
        progress: &dyn Progress,
    ) -> Result<BTreeMap<GroupId, Membership>, TenantError> {
        let total = wanted.len() as u64;
        let lists: Vec<_> =
            wanted.iter().map(|(group, direct)| self.list_members(*group, *direct)).collect();
        let mut lists = stream::iter(lists).buffer_unordered(self.at_once());
        let mut listed = Vec::new();
        while let Some(list) = lists.try_next().await? {
            listed.push(list);
            progress.at("members of groups", listed.len() as u64, Some(total));
        }
        drop(lists);
        let open: BTreeSet<GroupId> =
            groups.iter().filter(|group| !group.may_hide).map(|group| group.id).collect();
        let unreadable = self.unreadable(&listed, &open).await?;
        Ok(listed.into_iter().map(|list| membership(list, &unreadable)).collect())
    }

    pub(super) fn at_once(&self) -> usize {
        usize::try_from(self.settings.concurrency).unwrap_or(usize::MAX).clamp(1, 16)
    }

    async fn list_members(&self, group: GroupId, direct: bool) -> Result<Listed, TenantError> {
        // Uncast: a cast reads an index that lags behind the directory.
        let nested = self.list_of(group, "transitiveMembers").await?;
        let direct = if direct { Some(self.list_of(group, "members").await?) } else { None };
        Ok(Listed { group, nested, direct })
    }

    async fn list_of(&self, group: GroupId, which: &str) -> Result<Vec<Member>, TenantError> {
        self.try_list_of(group, which).await.map_err(|unread| vanished(group, unread))
    }

    /// Lists members, and leaves it to the caller what a group means that is not there.
    pub(super) async fn try_list_of(
        &self,
        group: GroupId,
        which: &str,
    ) -> Result<Vec<Member>, Unread> {
        let listing = Listing {
            ask: Ask::Members,
            first: self.url(&["groups", &group.to_string(), which], MEMBER_QUERY),
            progress: None,
        };
        self.list(&listing, member).await
    }

    /// Finds the groups, asked for or nested in them, whose members cannot be seen.
    ///
    /// Source: Graph lists nobody of a group with hidden membership without `Member.Read.Hidden`.
    async fn unreadable(
        &self,
        listed: &[Listed],
        open: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, TenantError> {
        let mut unreadable = BTreeSet::new();
        let mut doubtful = BTreeSet::new();
        for list in listed {
            if list.nested.is_empty() && !open.contains(&list.group) {
                unreadable.insert(list.group);
            }
            doubtful.extend(nested_groups(&list.nested).filter(|group| !open.contains(group)));
        }
        let probes: Vec<_> = doubtful
            .into_iter()
            .map(async |group| Ok::<_, TenantError>((group, self.list_of(group, "members").await?)))
            .collect();
        let mut probes = stream::iter(probes).buffer_unordered(self.at_once());
        while let Some((group, members)) = probes.try_next().await? {
            if members.is_empty() {
                unreadable.insert(group);
            }
        }
        drop(probes);
        for group in &unreadable {
            tracing::warn!(
                %group,
                "the members of a group are hidden; grant `Member.Read.Hidden` to read them"
            );
        }
        Ok(unreadable)
    }
}

/// Says that a group could not be listed, above all where it is no longer there.
pub(super) fn vanished(group: GroupId, unread: Unread) -> TenantError {
    match unread {
        Unread::Refused(refused) if refused.status == 404 => TenantError::Unavailable {
            what: format!("list members of group {group}"),
            reason: "the group vanished while the tenant was read".to_owned(),
            hint: Some("the next read will do without it".to_owned()),
        },
        Unread::Refused(_) | Unread::Failed(_) => unread.into_error(),
    }
}

fn nested_groups(members: &[Member]) -> impl Iterator<Item = GroupId> {
    members.iter().filter_map(|member| match member {
        Member::Group(group) => Some(*group),
        Member::User(_) | Member::Other(_) => None,
    })
}

fn users(members: &[Member]) -> impl Iterator<Item = UserId> {
    members.iter().filter_map(|member| match member {
        Member::User(user) => Some(*user),
        Member::Group(_) | Member::Other(_) => None,
    })
}

fn membership(list: Listed, unreadable: &BTreeSet<GroupId>) -> (GroupId, Membership) {
    let Listed { group, nested, direct } = list;
    let hidden = unreadable.contains(&group);
    let told = |members: &[Member], complete: bool| {
        if complete { Members::complete(users(members)) } else { Members::partial(users(members)) }
    };
    let complete = !hidden && !nested_groups(&nested).any(|group| unreadable.contains(&group));
    let read = Membership::Read {
        nested: told(&nested, complete),
        // Nested groups that hide their members hide none of these.
        direct: direct.map(|direct| told(&direct, !hidden)),
    };
    (group, read)
}
