//! Reads a tenant by what changed since an earlier read.
//!
//! The changes say who is to be looked at, not what is true: users that they name are read again, and
//! so no order, repetition or gap in them can put together a user who never was. Whatever makes them
//! doubtful makes it a full read; there is never half a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde::Deserialize;

use crate::domain::group::{Group, Membership};
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::sku::{Catalogue, Sku};
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::tracking::{DirectMembers, Tracking, unexplained};
use crate::domain::user::User;
use crate::graph::call::{Call, Unread};
use crate::graph::error::Ask;
use crate::graph::members::vanished;
use crate::graph::read::wanted;
use crate::graph::session::Session;
use crate::graph::wire::delta::{
    Changes, GROUP_CHANGES, GroupChange, Happened, Next, UserChange, differs, group_change, put,
    user_change,
};
use crate::graph::wire::group::ListedGroup;
use crate::graph::wire::user::USER_CHANGES;
use crate::ports::{Clock, Progress, ReadRequest, TenantError, TenantRead};

/// How long links to changes are used.
///
/// Source: Graph: tokens of directory objects are good for 7 days.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a user is looked at again of whom changes and a look tell differently: longer than one of
/// the two is late.
const DOUBT_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long before a full read an account may have been made that it did not show yet.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Users that are read one by one, whatever the size of the tenant: a batch of them.
const SINGLY_MAX: usize = 20;
/// Of so many users one may have changed until listing all is cheaper than reading those.
const SINGLY_OF: usize = 50;
/// Pages of changes at most: these, and one for each so many objects of the tenant.
const PAGES_MAX: usize = 100;
/// See [`PAGES_MAX`]; pages hold a hundred objects or more.
const OBJECTS_A_PAGE: usize = 25;

/// Why changes do not lead on.
enum Stray {
    /// All has to be read.
    Doubt(String),
    /// Nothing can be read.
    Failed(TenantError),
}

impl From<TenantError> for Stray {
    fn from(error: TenantError) -> Self {
        Self::Failed(error)
    }
}

/// The SKUs, and when their next subscriptions end.
type Seats = (Vec<Sku>, Known<BTreeMap<SkuId, Timestamp>>);

/// The groups of a tenant while they are brought up to date.
struct Groups {
    listed: Vec<ListedGroup>,
    changed: bool,
}

impl<C: Clock> Session<C> {
    /// Reads what changed since an earlier read; all, where there is none or where that is doubtful.
    ///
    /// # Errors
    ///
    /// Fails where one source could not be had whole.
    pub(super) async fn read_tracked(
        &self,
        request: &ReadRequest,
        earlier: Option<(Arc<Snapshot>, Tracking)>,
        progress: &dyn Progress,
    ) -> Result<TenantRead, TenantError> {
        let mut doubt = None;
        if let Some((snapshot, tracking)) = earlier {
            // Boxed: what a read holds on the way would weigh on everything that waits for it.
            let reading = Box::pin(self.read_changes(request, &snapshot, tracking, progress));
            match reading.await {
                Ok(read) => return Ok(read),
                Err(Stray::Failed(error)) => return Err(error),
                Err(Stray::Doubt(why)) => {
                    let tenant = &self.settings.tenant;
                    tracing::warn!(%tenant, %why, "the changes do not lead on; reading everything");
                    doubt = Some(why.into());
                }
            }
        }
        Box::pin(self.read_anew(request, doubt, progress)).await
    }

    /// Reads everything, with marks taken before: what changes meanwhile is told by the next round.
    async fn read_anew(
        &self,
        request: &ReadRequest,
        doubt: Option<Arc<str>>,
        progress: &dyn Progress,
    ) -> Result<TenantRead, TenantError> {
        let began = self.clock.now();
        let mut reading = Reading::begin(began);
        let links = tokio::try_join!(
            self.mark(Ask::UserChanges, "users", USER_CHANGES),
            self.mark(Ask::GroupChanges, "groups", GROUP_CHANGES),
        );
        let links = match links {
            Ok(links) => Some(links),
            Err(Stray::Failed(error)) => return Err(error),
            Err(Stray::Doubt(why)) => {
                tracing::warn!(tenant = %self.settings.tenant, %why, "changes cannot be asked for");
                None
            }
        };
        let (skus, users, groups, next_expiries) = tokio::try_join!(
            self.list_skus(progress),
            self.list_users(progress),
            self.list_groups(progress),
            async { Ok(self.next_expiries().await) },
        )
        .map_err(Unread::into_error)?;
        let catalogue = Catalogue::new(skus).with_next_expiries(next_expiries);
        self.reads.fit(users.len());
        reading.users(users);
        reading.groups(Vec::new());
        reading.catalogue(catalogue.clone());
        let seen = reading.finish()?;
        let (user_link, group_link) = links.clone().unwrap_or_default();
        let mut tracking = Tracking {
            users: user_link.into(),
            groups: group_link.into(),
            asked_at: began,
            full_read_at: began,
            members: BTreeMap::new(),
            hiding: hiding(&groups),
            gone: BTreeSet::new(),
            doubted: BTreeMap::new(),
            unexplained: unexplained(&catalogue, seen.users()),
            odd: BTreeMap::new(),
        };
        let groups = self.memberships_of(request, &groups, &mut tracking, &seen, progress).await?;
        let snapshot = seen.with_groups(groups);
        let tracking = links.is_some().then_some(tracking);
        Ok(TenantRead { snapshot, tracking, doubt, changed: 0 })
    }

    async fn read_changes(
        &self,
        request: &ReadRequest,
        earlier: &Snapshot,
        mut tracking: Tracking,
        progress: &dyn Progress,
    ) -> Result<TenantRead, Stray> {
        let began = self.clock.now();
        let age = began.duration_since(tracking.asked_at);
        if age >= GOOD_FOR || age.is_negative() {
            return Err(Stray::Doubt("what changed was asked for too long ago".to_owned()));
        }
        let bound = |objects: usize| PAGES_MAX + objects / OBJECTS_A_PAGE;
        let users_bound = bound(earlier.users().len());
        let groups_bound = bound(earlier.groups().len() + earlier.users().len());
        let seats = async { self.seats(progress).await };
        let users = self.changes(Ask::UserChanges, &tracking.users, users_bound, user_change);
        let groups = self.changes(Ask::GroupChanges, &tracking.groups, groups_bound, group_change);
        let ((skus, next_expiries), (users, user_link), (groups, group_link)) =
            tokio::try_join!(seats, users, groups)?;
        let catalogue = Catalogue::new(skus).with_next_expiries(next_expiries);
        tracking.users = user_link.into();
        tracking.groups = group_link.into();
        tracking.asked_at = began;
        let groups = regroup(earlier, groups, &mut tracking)?;
        let mut reading = Reading::since(earlier, began);
        let changed =
            self.look_again(earlier, users, &mut tracking, &mut reading, progress).await?;
        reading.catalogue(catalogue.clone());
        let seen = reading.finish().map_err(TenantError::from)?;
        if let Some(sku) = tracking.note_seats(&catalogue, seen.users(), began) {
            let name = catalogue
                .get(sku)
                .map_or_else(|| sku.to_string(), |sku| sku.part_number.to_string());
            return Err(Stray::Doubt(format!(
                "the holders that are known do not explain the seats in use of {name}"
            )));
        }
        let same_users = std::ptr::eq(seen.users(), earlier.users());
        let snapshot = if same_users && !groups.changed && is_known(request, earlier, &tracking) {
            // Nobody moved, and nobody else is asked for.
            seen
        } else {
            let all = &groups.listed;
            let read = self.memberships_of(request, all, &mut tracking, &seen, progress).await?;
            if read == earlier.groups() { seen } else { seen.with_groups(read) }
        };
        let (tracking, doubt) = (Some(tracking), None);
        Ok(TenantRead { snapshot, tracking, doubt, changed })
    }

    async fn seats(&self, progress: &dyn Progress) -> Result<Seats, Stray> {
        let (skus, next) = tokio::join!(self.list_skus(progress), self.next_expiries());
        Ok((skus.map_err(Unread::into_error)?, next))
    }

    /// Asks for a mark, without what there is already.
    async fn mark(&self, ask: Ask, what: &str, query: &str) -> Result<String, Stray> {
        let first = self.url(&[what, "delta"], &format!("$deltatoken=latest&{query}"));
        let row = |_: serde_json::Value| Ok(());
        let (_, link) = self.follow_changes(ask, first, PAGES_MAX, &row).await?;
        Ok(link)
    }

    /// Reads all changes since a mark, and the mark behind them.
    async fn changes<R, T>(
        &self,
        ask: Ask,
        link: &str,
        pages_max: usize,
        row: impl Fn(R) -> Result<T, String> + Send + Sync,
    ) -> Result<(Vec<T>, String), Stray>
    where
        R: for<'de> Deserialize<'de>,
        T: Send,
    {
        let first = Url::parse(link).ok().filter(|url| self.is_ours(url));
        let first = first.ok_or_else(|| {
            Stray::Doubt("what changed was asked for at another endpoint".to_owned())
        })?;
        self.follow_changes(ask, first, pages_max, &row).await
    }

    async fn follow_changes<R, T>(
        &self,
        ask: Ask,
        first: Url,
        pages_max: usize,
        row: &(impl Fn(R) -> Result<T, String> + Send + Sync),
    ) -> Result<(Vec<T>, String), Stray>
    where
        R: for<'de> Deserialize<'de>,
        T: Send,
    {
        let mut rows = Vec::new();
        let mut url = first;
        for _ in 0..pages_max {
            let call = Call::get(ask, url);
            let mut tries = self.tries();
            let fetched = self.fetch(&call, &mut tries, |body| Changes::parse(body, row)).await;
            let page = fetched.map_err(stray)?.value;
            rows.extend(page.rows);
            match page.next {
                Next::Page(next) => url = self.onward(ask, &call.url, &next)?,
                Next::Round(link) => {
                    // A link that has changed nothing may well be the one that led here.
                    if Url::parse(&link).ok().is_none_or(|url| !self.is_ours(&url)) {
                        return Err(Stray::Doubt(format!("{} leads elsewhere", ask.as_str())));
                    }
                    return Ok((rows, link));
                }
            }
        }
        Err(Stray::Doubt(format!("{} has no end after {pages_max} pages", ask.as_str())))
    }

    fn onward(&self, ask: Ask, here: &Url, next: &str) -> Result<Url, Stray> {
        self.follow(ask, here, next).map_err(|unread| Stray::Doubt(unread.into_error().to_string()))
    }

    /// Reads the users again that changes name, and those of whom the last look was in doubt. Returns
    /// how many the changes name.
    async fn look_again(
        &self,
        earlier: &Snapshot,
        changes: Vec<UserChange>,
        tracking: &mut Tracking,
        reading: &mut Reading,
        progress: &dyn Progress,
    ) -> Result<u64, Stray> {
        // The last word on each user counts.
        let told: BTreeMap<UserId, Happened> =
            changes.into_iter().map(|change| (change.id, change.happened)).collect();
        if let Some(id) = told.iter().find_map(|(id, what)| restored(earlier, tracking, *id, what))
        {
            return Err(Stray::Doubt(format!("user {id} may have been restored")));
        }
        let ids: Vec<UserId> = told.keys().chain(tracking.doubted.keys()).copied().collect();
        let ids: BTreeSet<UserId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let ids: Vec<UserId> = ids.into_iter().collect();
        progress.at("users that changed", 0, Some(ids.len() as u64));
        let all = earlier.users();
        let seen: BTreeMap<UserId, Option<User>> =
            if ids.len() > SINGLY_MAX.max(all.len() / SINGLY_OF) {
                let listed = self.list_users(progress).await.map_err(Unread::into_error)?;
                let by_id: BTreeMap<UserId, &User> =
                    listed.iter().map(|user| (user.id, user)).collect();
                let seen =
                    ids.iter().map(|id| (*id, by_id.get(id).map(|user| (*user).clone()))).collect();
                reading.users(listed);
                seen
            } else {
                let held = self.holdings(&ids).await?;
                let seen: BTreeMap<UserId, Option<User>> = ids.iter().copied().zip(held).collect();
                let others = all.iter().filter(|user| !seen.contains_key(&user.id));
                // Sign-ins were read apart, and are put onto the whole again.
                let others = others
                    .map(|user| User { last_sign_in: Known::Unknown, ..user.clone() })
                    .chain(seen.values().flatten().cloned())
                    .collect();
                reading.users(others);
                seen
            };
        let now = self.clock.now();
        doubt(&told, &seen, tracking, now);
        Ok(told.len() as u64)
    }

    /// Reads the members that are not known yet, and returns all groups with who is in those that are
    /// asked for.
    async fn memberships_of(
        &self,
        request: &ReadRequest,
        listed: &[ListedGroup],
        tracking: &mut Tracking,
        seen: &Snapshot,
        progress: &dyn Progress,
    ) -> Result<Vec<Group>, TenantError> {
        let wanted = wanted(request, listed);
        self.complete(&wanted, listed, tracking, progress).await?;
        let unreadable = tracking.members.keys().filter(|group| tracking.is_unreadable(**group));
        for group in unreadable {
            tracing::warn!(
                %group,
                "the members of a group are hidden; grant `Member.Read.Hidden` to read them"
            );
        }
        let membership = |id: &GroupId| match wanted.get(id) {
            Some(direct) => tracking.membership(*id, *direct, seen.users()),
            None => Membership::NotRead,
        };
        let group = |group: &ListedGroup| {
            let (id, name) = (group.id, Arc::clone(&group.name));
            (id, Group { id, name, membership: membership(&id) })
        };
        let groups: BTreeMap<GroupId, Group> = listed.iter().map(group).collect();
        Ok(groups.into_values().collect())
    }

    /// Lists the direct members of wanted groups and of all below them that are not known yet, and
    /// forgets those of others. Of groups that may hide members no changes are told, so that they are
    /// listed each time.
    async fn complete(
        &self,
        wanted: &BTreeMap<GroupId, bool>,
        listed: &[ListedGroup],
        tracking: &mut Tracking,
        progress: &dyn Progress,
    ) -> Result<(), TenantError> {
        let there: BTreeSet<GroupId> = listed.iter().map(|group| group.id).collect();
        tracking.members.retain(|group, _| !tracking.hiding.contains(group));
        let mut reached: BTreeSet<GroupId> = wanted.keys().copied().collect();
        let mut open = reached.clone();
        let mut lists = 0;
        while !open.is_empty() {
            let unread: Vec<GroupId> =
                open.iter().filter(|id| !tracking.members.contains_key(id)).copied().collect();
            let reads: Vec<_> = unread
                .into_iter()
                .map(async |group| {
                    let read = self.direct_members(group, there.contains(&group)).await?;
                    Ok::<_, TenantError>((group, read))
                })
                .collect();
            let mut reads = stream::iter(reads).buffer_unordered(self.at_once());
            while let Some((group, members)) = reads.try_next().await? {
                lists += 1;
                progress.at("members of groups", lists, None);
                if let Some(members) = members {
                    tracking.members.insert(group, members);
                }
            }
            drop(reads);
            let below = open.iter().filter_map(|id| tracking.members.get(id));
            let below: BTreeSet<GroupId> =
                below.flat_map(|members| &members.groups).copied().collect();
            open = below
                .into_iter()
                .filter(|id| !tracking.gone.contains(id) && reached.insert(*id))
                .collect();
        }
        tracking.members.retain(|group, _| reached.contains(group));
        Ok(())
    }

    /// Lists who is directly in a group. None for a nested group that no listing shows and that is not
    /// there either.
    async fn direct_members(
        &self,
        group: GroupId,
        is_listed: bool,
    ) -> Result<Option<DirectMembers>, TenantError> {
        match self.try_list_of(group, "members").await {
            Ok(members) => {
                let mut direct = DirectMembers::default();
                for member in members {
                    put(&mut direct, member);
                }
                Ok(Some(direct))
            }
            Err(Unread::Refused(refused)) if refused.status == 404 && !is_listed => Ok(None),
            Err(unread) => Err(vanished(group, unread)),
        }
    }
}

/// Whether an earlier read asked for the same groups, and changes tell of all of them.
fn is_known(request: &ReadRequest, earlier: &Snapshot, tracking: &Tracking) -> bool {
    let read = earlier.groups().iter().filter_map(|group| match &group.membership {
        Membership::NotRead => None,
        Membership::Read { nested: _, direct } => Some((group.id, direct.is_some())),
    });
    let hides = |group: &GroupId| tracking.hiding.contains(group);
    read.eq(wanted(request, &listed(earlier, tracking))) && !tracking.members.keys().any(hides)
}

/// Returns the groups of an earlier read as a listing shows them.
fn listed(earlier: &Snapshot, tracking: &Tracking) -> Vec<ListedGroup> {
    let one = |group: &Group| {
        let (id, name) = (group.id, Arc::clone(&group.name));
        ListedGroup { id, name, may_hide: tracking.hiding.contains(&id) }
    };
    earlier.groups().iter().map(one).collect()
}

fn stray(unread: Unread) -> Stray {
    match unread {
        Unread::Refused(refused) if refused.asks_for_resync() => {
            Stray::Doubt(format!("{}: {}", refused.ask.as_str(), refused.reason()))
        }
        Unread::Refused(_) | Unread::Failed(_) => Stray::Failed(unread.into_error()),
    }
}

fn hiding(groups: &[ListedGroup]) -> BTreeSet<GroupId> {
    groups.iter().filter(|group| group.may_hide).map(|group| group.id).collect()
}

/// Returns the user where the changes show somebody nobody knew who is not new. Who was restored is in
/// groups that no change tells of.
fn restored(
    earlier: &Snapshot,
    tracking: &Tracking,
    id: UserId,
    happened: &Happened,
) -> Option<UserId> {
    match happened {
        Happened::Removed => None,
        Happened::Changed { created_at, told: _ } => {
            let is_known = earlier.user(id).is_some() || tracking.doubted.contains_key(&id);
            (!is_known && !is_new(*created_at, tracking)).then_some(id)
        }
    }
}

/// Whether something came into being since everything was read.
fn is_new(created_at: Option<Timestamp>, tracking: &Tracking) -> bool {
    let shown = tracking.full_read_at.saturating_sub(SHOWN_WITHIN).unwrap_or(Timestamp::MIN);
    created_at.is_some_and(|created_at| created_at >= shown)
}

/// Notes the users of whom changes and the look tell differently, to be looked at again.
fn doubt(
    told: &BTreeMap<UserId, Happened>,
    seen: &BTreeMap<UserId, Option<User>>,
    tracking: &mut Tracking,
    now: Timestamp,
) {
    tracking.doubted.retain(|_, until| *until > now);
    let until = now.saturating_add(DOUBT_FOR).unwrap_or(Timestamp::MAX);
    for (id, happened) in told {
        let seen = seen.get(id).and_then(Option::as_ref);
        let differs = match (happened, seen) {
            (Happened::Removed, None) => false,
            (Happened::Removed, Some(_)) | (Happened::Changed { .. }, None) => true,
            (Happened::Changed { created_at: _, told }, Some(seen)) => {
                told.as_ref().is_some_and(|told| differs(told, seen))
            }
        };
        if differs {
            tracking.doubted.entry(*id).or_insert(until);
        }
    }
}

/// Brings the groups and their direct members up to date.
fn regroup(
    earlier: &Snapshot,
    changes: Vec<GroupChange>,
    tracking: &mut Tracking,
) -> Result<Groups, Stray> {
    let changed = !changes.is_empty();
    let mut listed: BTreeMap<GroupId, ListedGroup> =
        listed(earlier, tracking).into_iter().map(|group| (group.id, group)).collect();
    for change in changes {
        let id = change.id;
        if change.removed {
            listed.remove(&id);
            tracking.members.remove(&id);
            tracking.gone.insert(id);
            continue;
        }
        let was_there = listed.contains_key(&id);
        if !was_there && (tracking.gone.contains(&id) || !is_new(change.created_at, tracking)) {
            // Which groups it was in, and who was in it, no change tells.
            return Err(Stray::Doubt(format!("group {id} may have been restored")));
        }
        // Source: Graph leaves out of a new object what was never set.
        let group =
            listed.entry(id).or_insert(ListedGroup { id, name: "".into(), may_hide: false });
        if let Some(name) = change.name.as_deref() {
            group.name = name.into();
        }
        group.may_hide = change.may_hide.unwrap_or(group.may_hide);
        if let Some(members) = tracking.members.get_mut(&id) {
            change.apply(members);
        }
    }
    let listed: Vec<ListedGroup> = listed.into_values().collect();
    let hiding = hiding(&listed);
    // Who is in a group that hid its members until now was not told.
    tracking.members.retain(|group, _| hiding.contains(group) == tracking.hiding.contains(group));
    tracking.hiding = hiding;
    Ok(Groups { listed, changed })
}
