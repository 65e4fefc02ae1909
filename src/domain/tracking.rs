//! What a read of a tenant leaves behind, so that the next one asks only for what changed since.
//!
//! Groups are kept with their direct members, since changes tell of these alone: who is in through
//! nested groups is worked out here, cycles included.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::group::{Members, Membership};
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::sku::Catalogue;
use crate::domain::user::User;

/// How long seats must stay unexplained until that is believed: counts of seats lag behind.
const ODD_FOR: SignedDuration = SignedDuration::from_mins(2);

/// The direct members of a group, as a listing and the changes since tell them. Deleted users may be
/// among them, who are members again as soon as they are restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectMembers {
    /// The users.
    pub users: BTreeSet<UserId>,
    /// The groups.
    pub groups: BTreeSet<GroupId>,
    /// Devices, contacts and the like.
    pub others: BTreeSet<Uuid>,
}

impl DirectMembers {
    /// Whether nobody and nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.others.is_empty()
    }
}

/// What a read leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// Where to ask which users changed since. Opaque.
    pub users: Arc<str>,
    /// Where to ask which groups changed since. Opaque.
    pub groups: Arc<str>,
    /// When these two were given out; they are good for a while only.
    pub asked_at: Timestamp,
    /// When everything was read last.
    pub full_read_at: Timestamp,
    /// The direct members of the groups whose members were read, and of all groups below them.
    pub members: BTreeMap<GroupId, DirectMembers>,
    /// Groups that may hide their members, so that an empty list of them means nothing.
    pub hiding: BTreeSet<GroupId>,
    /// Groups that were deleted since everything was read. Whoever held them below another holds them
    /// still, should they be restored.
    pub gone: BTreeSet<GroupId>,
    /// Users whom changes and a look told differently of, and until when to look at them again.
    pub doubted: BTreeMap<UserId, Timestamp>,
    /// Seats in use beyond the holders that are known, per SKU, when everything was read.
    pub unexplained: BTreeMap<SkuId, i64>,
    /// Where there are more or fewer of these now, and since when.
    pub odd: BTreeMap<SkuId, (i64, Timestamp)>,
}

impl Tracking {
    /// Returns a group and the groups below it whose members are known.
    fn below(&self, group: GroupId) -> BTreeSet<GroupId> {
        let mut reached = BTreeSet::from([group]);
        let mut open = vec![group];
        while let Some(next) = open.pop() {
            let Some(members) = self.members.get(&next) else { continue };
            let nested = members.groups.iter();
            open.extend(nested.filter(|id| self.members.contains_key(id) && reached.insert(**id)));
        }
        reached
    }

    /// Whether the members of a group cannot be seen.
    ///
    /// Source: Graph lists nobody of a group with hidden membership without `Member.Read.Hidden`.
    pub fn is_unreadable(&self, group: GroupId) -> bool {
        self.hiding.contains(&group) && self.members.get(&group).is_none_or(DirectMembers::is_empty)
    }

    /// Returns who of these users (in the order of their ids) is in a group: through nested groups, and
    /// directly where that is asked for.
    pub fn membership(&self, group: GroupId, direct: bool, users: &[User]) -> Membership {
        let live = |id: &&UserId| users.binary_search_by_key(*id, |user| user.id).is_ok();
        let told = |ids: BTreeSet<UserId>, complete: bool| {
            if complete { Members::complete(ids) } else { Members::partial(ids) }
        };
        let of = |group: &GroupId| -> BTreeSet<UserId> {
            let users = self.members.get(group).map(|members| members.users.iter());
            users.into_iter().flatten().filter(live).copied().collect()
        };
        let below = self.below(group);
        let complete = !below.iter().any(|group| self.is_unreadable(*group));
        Membership::Read {
            nested: told(below.iter().flat_map(of).collect(), complete),
            // Nested groups that hide their members hide none of these.
            direct: direct.then(|| told(of(&group), !self.is_unreadable(group))),
        }
    }

    /// Notes the seats in use that the holders among these users do not explain. Returns the SKU of
    /// which there are more or fewer than when everything was read, for long enough that it is no
    /// matter of a late count.
    pub fn note_seats(
        &mut self,
        catalogue: &Catalogue,
        users: &[User],
        now: Timestamp,
    ) -> Option<SkuId> {
        let unexplained = unexplained(catalogue, users);
        let mut odd = BTreeMap::new();
        let mut doubtful = None;
        for (sku, seats) in unexplained {
            if self.unexplained.get(&sku) == Some(&seats) {
                continue;
            }
            let since = match self.odd.get(&sku) {
                Some((before, since)) if *before == seats => *since,
                Some(_) | None => now,
            };
            if now.duration_since(since) >= ODD_FOR {
                doubtful = doubtful.or(Some(sku));
            }
            odd.insert(sku, (seats, since));
        }
        self.odd = odd;
        doubtful
    }
}

/// Counts, per SKU, the seats in use beyond the users who are known to hold it.
pub fn unexplained(catalogue: &Catalogue, users: &[User]) -> BTreeMap<SkuId, i64> {
    let mut seats: BTreeMap<SkuId, i64> =
        catalogue.skus().iter().map(|sku| (sku.id, i64::from(sku.consumed))).collect();
    let held = users.iter().filter_map(|user| user.licenses.value());
    for assignment in held.flat_map(|licenses| &licenses.assignments) {
        if let Some(seats) = seats.get_mut(&assignment.sku) {
            *seats -= 1;
        }
    }
    seats
}

#[cfg(test)]
mod tests;
