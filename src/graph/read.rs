//! Reads a tenant: SKUs, users and groups side by side, then the members that policies ask for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::group::{Group, Membership};
use crate::domain::ids::{GroupId, SkuId};
use crate::domain::known::Known;
use crate::domain::sku::{Catalogue, Sku};
use crate::domain::snapshot::{Reading, Snapshot};
use crate::domain::user::User;
use crate::graph::call::{Call, Unread};
use crate::graph::error::Ask;
use crate::graph::pages::Listing;
use crate::graph::retry::Tries;
use crate::graph::session::Session;
use crate::graph::wire::group::{GROUP_QUERY, ListedGroup, group};
use crate::graph::wire::page::Page;
use crate::graph::wire::sku::sku;
use crate::graph::wire::subscription::next_expiry;
use crate::graph::wire::user::{Shared, USER_QUERY, user};
use crate::ports::{Clock, GroupRequest, OtherGroups, Progress, ReadRequest, TenantError};

/// How long what nothing depends on is tried for.
const OPTIONAL_MAX: Duration = Duration::from_secs(10);

impl<C: Clock> Session<C> {
    /// Reads everything that planning needs.
    ///
    /// # Errors
    ///
    /// Fails where one source could not be had whole.
    pub(super) async fn read(
        &self,
        request: &ReadRequest,
        progress: &dyn Progress,
    ) -> Result<Snapshot, TenantError> {
        let mut reading = Reading::begin(self.clock.now());
        let (skus, users, groups, next_expiries) = tokio::try_join!(
            self.list_skus(progress),
            self.list_users(progress),
            self.list_groups(progress),
            async { Ok(self.next_expiries().await) },
        )
        .map_err(Unread::into_error)?;
        let wanted = wanted(request, &groups);
        let mut members = self.members(&wanted, &groups, progress).await?;
        reading.catalogue(Catalogue::new(skus).with_next_expiries(next_expiries));
        self.reads.fit(users.len());
        reading.users(users);
        reading.groups(
            groups
                .into_iter()
                .map(|group| Group {
                    id: group.id,
                    membership: members.remove(&group.id).unwrap_or(Membership::NotRead),
                    name: group.name,
                })
                .collect(),
        );
        Ok(reading.finish()?)
    }

    pub(super) async fn list_skus(&self, progress: &dyn Progress) -> Result<Vec<Sku>, Unread> {
        let listing = Listing {
            ask: Ask::Skus,
            first: self.url(&["subscribedSkus"], ""),
            progress: Some((progress, "SKUs")),
        };
        self.list(&listing, sku).await
    }

    /// Reads when the next subscription of each SKU renews or ends. Nothing is decided by it, so it is
    /// unknown where the app may not read it, or where it could not be had soon.
    pub(super) async fn next_expiries(&self) -> Known<BTreeMap<SkuId, Timestamp>> {
        let url = self.url(&["directory", "subscriptions"], "");
        let call = Call::get(Ask::Subscriptions, url);
        let patience = self.settings.give_up_after.min(OPTIONAL_MAX);
        let mut tries = Tries::begin(self.clock.now(), patience);
        let fetched = self.fetch(&call, &mut tries, |body| Page::parse(body, next_expiry)).await;
        let page = match fetched {
            Ok(fetched) if fetched.value.next.is_none() => fetched.value,
            // Source: Graph lists subscriptions on one page; half of them would hide an earlier end.
            Ok(_) => return Known::Unknown,
            Err(unread) => {
                tracing::debug!(error = %unread.into_error(), "subscriptions could not be read");
                return Known::Unknown;
            }
        };
        let mut earliest = BTreeMap::new();
        for (sku, at) in page.rows.into_iter().flatten() {
            let known = earliest.entry(sku).or_insert(at);
            *known = at.min(*known);
        }
        Known::Known(earliest)
    }

    pub(super) async fn list_users(&self, progress: &dyn Progress) -> Result<Vec<User>, Unread> {
        let shared = Shared::default();
        let listing = Listing {
            ask: Ask::Users,
            first: self.url(&["users"], USER_QUERY),
            progress: Some((progress, "users")),
        };
        self.list(&listing, |raw| user(raw, &shared)).await
    }

    pub(super) async fn list_groups(
        &self,
        progress: &dyn Progress,
    ) -> Result<Vec<ListedGroup>, Unread> {
        let listing = Listing {
            ask: Ask::Groups,
            first: self.url(&["groups"], GROUP_QUERY),
            progress: Some((progress, "groups")),
        };
        self.list(&listing, group).await
    }
}

/// Returns the groups that requests fit, by id or by a display name that only one group has, and
/// whether their direct members are needed too.
///
/// Source: Graph compares display names without regard to case.
pub(super) fn wanted(request: &ReadRequest, groups: &[ListedGroup]) -> BTreeMap<GroupId, bool> {
    let ReadRequest { groups: requests, others } = request;
    let more_max = match others {
        OtherGroups::Read => return groups.iter().map(|group| (group.id, true)).collect(),
        OtherGroups::Listed => 0,
        OtherGroups::First(more_max) => *more_max,
    };
    let mut by_name: BTreeMap<String, Vec<GroupId>> = BTreeMap::new();
    for group in groups {
        let same = by_name.entry(group.name.to_lowercase()).or_default();
        // Paging may show one group twice.
        if !same.contains(&group.id) {
            same.push(group.id);
        }
    }
    let mut wanted = BTreeMap::new();
    for GroupRequest { group, direct } in requests {
        if let Some(id) = fitting(group, groups, &by_name) {
            *wanted.entry(id).or_insert(false) |= direct;
        }
    }
    add_more(&mut wanted, more_max, groups);
    wanted
}

/// Adds groups that nobody asked for by name, so many of them, the first in the order of their names.
fn add_more(wanted: &mut BTreeMap<GroupId, bool>, more_max: usize, groups: &[ListedGroup]) {
    let mut others: Vec<&ListedGroup> =
        groups.iter().filter(|group| !wanted.contains_key(&group.id)).collect();
    others.sort_by_key(|group| (group.name.to_lowercase(), group.id));
    // Paging may show one group twice.
    others.dedup_by_key(|group| group.id);
    wanted.extend(others.into_iter().take(more_max).map(|group| (group.id, false)));
}

fn fitting(
    request: &Arc<str>,
    groups: &[ListedGroup],
    by_name: &BTreeMap<String, Vec<GroupId>>,
) -> Option<GroupId> {
    if let Ok(id) = request.parse::<GroupId>()
        && groups.iter().any(|group| group.id == id)
    {
        return Some(id);
    }
    match by_name.get(&request.to_lowercase()).map(Vec::as_slice) {
        Some([id]) => Some(*id),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(number: u8, name: &str) -> ListedGroup {
        let id = format!("3c2f9b0e-51b1-4a36-a2a5-0a3a4cf7f0{number:02}").parse().unwrap();
        ListedGroup { id, name: name.into(), may_hide: false }
    }

    fn ask(group: &str, direct: bool) -> GroupRequest {
        GroupRequest { group: group.into(), direct }
    }

    fn named<const N: usize>(groups: [GroupRequest; N]) -> ReadRequest {
        ReadRequest { groups: groups.into(), others: OtherGroups::Listed }
    }

    #[test]
    fn every_group_is_read_with_its_direct_members_where_that_is_asked() {
        let groups = [listed(1, "Sales"), listed(2, "SALES")];
        let request = ReadRequest { others: OtherGroups::Read, ..named([ask("Sales", false)]) };
        let all = wanted(&request, &groups);
        assert_eq!(all.into_iter().collect::<Vec<_>>(), groups.map(|group| (group.id, true)));
    }

    #[test]
    fn a_name_that_several_groups_share_fits_none_of_them() {
        let groups =
            [listed(1, "Sales"), listed(2, "SALES"), listed(3, "Engineering"), listed(3, "x")];
        assert!(wanted(&named([ask("sales", false), ask("Marketing", false)]), &groups).is_empty());
        let both = wanted(&named([ask("engineering", false), ask("Engineering", true)]), &groups);
        assert_eq!(both.into_iter().collect::<Vec<_>>(), [(groups[2].id, true)]);
        let by_id = wanted(&named([ask(&groups[1].id.to_string().to_uppercase(), false)]), &groups);
        assert_eq!(by_id.into_keys().collect::<Vec<_>>(), [groups[1].id]);
    }

    #[test]
    fn more_groups_are_the_first_by_name_beside_those_asked_for() {
        let groups = [listed(1, "Sales"), listed(2, "board"), listed(2, "Board"), listed(3, "HR")];
        let with_more = |more_max| {
            let request = ReadRequest {
                groups: vec![ask("sales", true)],
                others: OtherGroups::First(more_max),
            };
            wanted(&request, &groups).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(with_more(0), [(groups[0].id, true)]);
        assert_eq!(with_more(1), [(groups[0].id, true), (groups[1].id, false)]);
        let all = [(groups[0].id, true), (groups[1].id, false), (groups[3].id, false)];
        assert_eq!(with_more(9), all);
    }
}
