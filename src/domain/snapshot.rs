//! What one complete read of the tenant saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::group::Group;
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::known::Known;
use crate::domain::mail_domains::MailDomains;
use crate::domain::sign_in::{Extent, SignIns, SignInsSeen};
use crate::domain::sku::Catalogue;
use crate::domain::user::User;

/// Everything that one complete read saw. There is no such thing as half a snapshot:
/// only [`Reading::finish`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    taken_at: Timestamp,
    read: ReadKind,
    users: Arc<Vec<User>>,
    mail_domains: Arc<MailDomains>,
    groups: Arc<Vec<Group>>,
    catalogue: Catalogue,
    sign_ins: SignInsSeen,
}

/// How much of the tenant was read for a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadKind {
    /// All of it.
    #[default]
    Full,
    /// What changed since an earlier read.
    Delta,
}

impl ReadKind {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Delta => "delta",
        }
    }
}

impl Snapshot {
    /// Returns when the read began.
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// Returns how much was read for it. A snapshot that was kept counts as read in full.
    pub fn read(&self) -> ReadKind {
        self.read
    }

    /// Returns the users in the order of their ids.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Returns the user with this id.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.binary_search_by_key(&id, |user| user.id).ok().map(|index| &self.users[index])
    }

    /// Returns the domains of the users, in the same order.
    pub fn mail_domains(&self) -> &MailDomains {
        &self.mail_domains
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

    /// Returns how much is known of the users' sign-ins, and up to when.
    pub fn sign_ins(&self) -> &SignInsSeen {
        &self.sign_ins
    }

    /// Returns this snapshot with the latest sign-ins of its users, as a read of their own found
    /// them. Who is not among them has none on record or was not read: unknown.
    #[must_use]
    pub fn with_sign_ins(mut self, sign_ins: &SignIns) -> Self {
        for user in Arc::make_mut(&mut self.users) {
            let latest = sign_ins.latest.get(&user.id);
            user.last_sign_in = latest.copied().map_or(Known::Unknown, Known::Known);
        }
        self.sign_ins = sign_ins.seen(self.taken_at);
        self
    }

    /// Returns this snapshot with some of its users as they were read since, and the seats in use
    /// counted accordingly. Users that it does not have are passed over; sign-ins, which such a read
    /// does not tell, stay.
    #[must_use]
    pub fn updated(&self, users: impl IntoIterator<Item = User>) -> Self {
        let mut updated = self.clone();
        let all = Arc::make_mut(&mut updated.users);
        for user in users {
            let Ok(at) = all.binary_search_by_key(&user.id, |user| user.id) else {
                continue;
            };
            let holds = |user: &User| -> Vec<SkuId> {
                let licenses = user.licenses.value();
                let held = licenses.map(|held| held.assignments.as_slice()).unwrap_or_default();
                held.iter().map(|assignment| assignment.sku).collect()
            };
            let (before, after) = (holds(&all[at]), holds(&user));
            updated.catalogue.count(&before, &after);
            let last_sign_in = all[at].last_sign_in;
            all[at] = User { last_sign_in, ..user };
        }
        updated.mail_domains = Arc::new(MailDomains::of(&updated.users));
        updated
    }

    /// Returns this snapshot with these groups: a read learns who its users are before it can tell which
    /// of them are in a group.
    #[must_use]
    pub fn with_groups(self, groups: Vec<Group>) -> Self {
        let by_id: BTreeMap<GroupId, Group> =
            groups.into_iter().map(|group| (group.id, group)).collect();
        Self { groups: Arc::new(by_id.into_values().collect()), ..self }
    }

    /// Whether another read saw the very same, whenever and however that was.
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        let Self { taken_at: _, read: _, users, mail_domains: _, groups, catalogue, sign_ins: _ } =
            self;
        *catalogue == other.catalogue
            && (Arc::ptr_eq(users, &other.users) || *users == other.users)
            && (Arc::ptr_eq(groups, &other.groups) || *groups == other.groups)
    }

    /// Whether this snapshot is another in all but when it was taken, and by which kind of read, as far as
    /// can be told without comparing one by one: where the two were not made of one another it says no.
    pub fn is_the_same_as(&self, other: &Self) -> bool {
        let Self { taken_at: _, read: _, users, mail_domains, groups, catalogue, sign_ins } = self;
        Arc::ptr_eq(users, &other.users)
            && Arc::ptr_eq(mail_domains, &other.mail_domains)
            && (Arc::ptr_eq(groups, &other.groups) || *groups == other.groups)
            && *catalogue == other.catalogue
            && sign_ins.extent == other.sign_ins.extent
    }

    /// Returns this snapshot as a later read that saw the very same left it.
    #[must_use]
    pub fn confirmed(self, taken_at: Timestamp, sign_ins: SignInsSeen) -> Self {
        Self { taken_at, sign_ins, ..self }
    }
}

/// A read under way: each source is there whole, or it is missing.
#[derive(Debug)]
pub struct Reading {
    started_at: Timestamp,
    read: ReadKind,
    users: Option<(Arc<Vec<User>>, Arc<MailDomains>)>,
    groups: Option<Arc<Vec<Group>>>,
    catalogue: Option<Catalogue>,
    sign_ins: SignInsSeen,
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
        let sign_ins = SignInsSeen { until: started_at, extent: Extent::NotRead };
        let read = ReadKind::Full;
        Self { started_at, read, users: None, groups: None, catalogue: None, sign_ins }
    }

    /// Begins a read of what changed since a snapshot was taken. Its users and groups are there
    /// already, and are given anew where something changed. Sign-ins are not: they were read apart.
    pub fn since(earlier: &Snapshot, started_at: Timestamp) -> Self {
        let mut users = Arc::clone(&earlier.users);
        if users.iter().any(|user| user.last_sign_in != Known::Unknown) {
            for user in Arc::make_mut(&mut users) {
                user.last_sign_in = Known::Unknown;
            }
        }
        Self {
            read: ReadKind::Delta,
            users: Some((users, Arc::clone(&earlier.mail_domains))),
            groups: Some(Arc::clone(&earlier.groups)),
            ..Self::begin(started_at)
        }
    }

    /// Takes all users of the tenant. Paging may show one user twice: the later sight counts.
    pub fn users(&mut self, users: Vec<User>) {
        let mut by_id: Vec<User> = users;
        by_id.sort_by_key(|user| user.id);
        // Stable sort: of equal ids the last came last, and `dedup` keeps the first of a run.
        by_id.reverse();
        by_id.dedup_by_key(|user| user.id);
        by_id.reverse();
        let mail_domains = MailDomains::of(&by_id);
        self.users = Some((Arc::new(by_id), Arc::new(mail_domains)));
    }

    /// Takes all groups of the tenant.
    pub fn groups(&mut self, groups: Vec<Group>) {
        let by_id: BTreeMap<GroupId, Group> =
            groups.into_iter().map(|group| (group.id, group)).collect();
        self.groups = Some(Arc::new(by_id.into_values().collect()));
    }

    /// Takes all SKUs of the tenant.
    pub fn catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = Some(catalogue);
    }

    /// Takes how much the users' sign-ins tell. Optional: without it they are taken for whatever was
    /// known when the read began.
    pub fn sign_ins(&mut self, seen: SignInsSeen) {
        self.sign_ins = seen;
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
            (Some((users, mail_domains)), Some(groups), Some(catalogue)) => {
                let (taken_at, read, sign_ins) = (self.started_at, self.read, self.sign_ins);
                Ok(Snapshot { taken_at, read, users, mail_domains, groups, catalogue, sign_ins })
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

    fn snapshot(users: Vec<User>) -> Snapshot {
        let mut reading = Reading::begin("2026-11-23T09:00:00Z".parse().unwrap());
        reading.users(users);
        reading.groups(Vec::new());
        reading.catalogue(Catalogue::default());
        reading.finish().unwrap()
    }

    fn user(number: u128) -> User {
        User {
            id: UserId::from_uuid(uuid::Uuid::from_u128(number)),
            principal_name: "ana@contoso.com".into(),
            display_name: None,
            user_type: Known::Unknown,
            enabled: Known::Unknown,
            usage_location: Known::Unknown,
            synced: Known::Unknown,
            distinguished_name: Known::Unknown,
            ad_domain: Known::Unknown,
            attributes: crate::domain::attribute::Attributes::unknown(),
            last_sign_in: Known::Unknown,
            licenses: Known::Unknown,
        }
    }

    #[test]
    fn sign_ins_are_known_until_a_day_before_the_oldest_was_read() {
        let latest: Timestamp = "2026-08-01T00:00:00Z".parse().unwrap();
        let read_at: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let sign_ins = SignIns {
            latest: [(user(1).id, latest)].into(),
            oldest_read: Some(read_at),
            extent: Extent::Whole,
        };
        let snapshot = snapshot(vec![user(1), user(2)]).with_sign_ins(&sign_ins);
        let found: Vec<_> = snapshot.users().iter().map(|user| user.last_sign_in).collect();
        assert_eq!(found, [Known::Known(latest), Known::Unknown]);
        assert_eq!(snapshot.sign_ins().until.to_string(), "2026-11-21T12:00:00Z");
        // A user who is read again alone keeps what is known of the sign-in.
        let again = snapshot.updated([user(1)]);
        assert_eq!(again.users()[0].last_sign_in, Known::Known(latest));
    }
}
