//! What groups give their members (group-based licensing): once when a tenant is built, and again
//! where a group is worked through anew.
//!
//! Source: Entra, group-based licensing: only direct members; all licenses of a group or none; a
//! license that another service plan needs stays, in error.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::sku::AppliesTo;
use crate::domain::user::ServicePlanSet;
use crate::sandbox::model::journal::Journal;
use crate::sandbox::model::{
    GroupKind, Held, InheritanceError, Inherited, LicenseChange, Member, Refusal, Tenant, rules,
};

/// What a group gives.
struct Carrier {
    group: GroupId,
    licenses: Vec<(SkuId, ServicePlanSet)>,
    members: BTreeSet<UserId>,
}

impl Tenant {
    /// Gives every direct member of every licensed group what the group carries.
    pub(super) fn inherit(&mut self, at: Timestamp) {
        let groups: Vec<GroupId> = self.carriers().collect();
        for group in groups {
            let carrier = self.carrier(group);
            let places: Vec<usize> =
                self.in_order(group).filter_map(|id| self.place_of(id)).collect();
            for place in places {
                self.settle(place, &carrier, at);
            }
        }
    }

    /// Works through all groups anew, as if the tenant were new.
    pub(super) fn settle_all(&mut self, at: Timestamp) {
        for user in &mut self.users {
            for held in &mut user.licenses {
                held.inherited.clear();
            }
            user.licenses.retain(|held| held.direct.is_some());
        }
        self.count_seats();
        self.inherit(at);
        self.journal = Journal::default();
    }

    fn carriers(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.groups.iter().filter(|group| !group.licenses.is_empty()).map(|group| group.id)
    }

    fn in_order(&self, group: GroupId) -> impl Iterator<Item = UserId> + '_ {
        let members = self.group(group).map_or(&[][..], |group| &group.members);
        members.iter().filter_map(|member| match member {
            Member::User(id) => Some(*id),
            // Nested groups pass nothing on.
            Member::Group(_) => None,
        })
    }

    fn carrier(&self, group: GroupId) -> Carrier {
        let licenses = self.group(group).map(|group| group.licenses.clone()).unwrap_or_default();
        Carrier { group, licenses, members: self.in_order(group).collect() }
    }

    /// Works through a group: gives its members what it carries, takes it from who is none any more.
    /// Returns who holds other licenses than before.
    pub(crate) fn reprocess_group(&mut self, group: GroupId, at: Timestamp) -> Vec<UserId> {
        let carrier = self.carrier(group);
        let concerned = |place: &usize| {
            let user = &self.users[*place];
            let gives = |held: &Held| held.inherited.iter().any(|source| source.group == group);
            carrier.members.contains(&user.id) || user.licenses.iter().any(gives)
        };
        let places: Vec<usize> = (0..self.users.len()).filter(concerned).collect();
        let mut changed = Vec::new();
        for place in places {
            if self.settle(place, &carrier, at) {
                changed.push(self.users[place].id);
            }
        }
        changed
    }

    /// Works through all groups of a user (by place).
    ///
    /// # Errors
    ///
    /// Returns why a group's license does not reach the user; what reaches the user is given.
    pub(crate) fn reprocess_user(&mut self, place: usize, at: Timestamp) -> Result<(), Refusal> {
        let id = self.users[place].id;
        let member_of = self.parents.get(&Member::User(id)).into_iter().flatten().copied();
        let given_by = self.users[place].licenses.iter().flat_map(|held| &held.inherited);
        let groups: BTreeSet<GroupId> =
            member_of.chain(given_by.map(|source| source.group)).collect();
        for group in groups {
            let carrier = self.carrier(group);
            self.settle(place, &carrier, at);
        }
        self.first_refusal(place).map_or(Ok(()), Err)
    }

    /// Changes what a group carries; its members get it as the group is worked through.
    ///
    /// # Errors
    ///
    /// Returns Graph's reason; nothing has changed then.
    pub(crate) fn change_group_licenses(
        &mut self,
        group: GroupId,
        change: &LicenseChange,
    ) -> Result<(), Refusal> {
        self.check_shape(change)?;
        let Some(place) = self.group_index(group) else { return Ok(()) };
        let before = &self.groups[place];
        if before.kind == GroupKind::Distribution {
            return Err(Refusal::NoCarrier);
        }
        let carries = |sku: &SkuId| before.licenses.iter().any(|(carried, _)| carried == sku);
        if !change.remove.iter().all(carries) {
            return Err(Refusal::NotHeld);
        }
        let mut licenses = before.licenses.clone();
        licenses.retain(|(sku, _)| {
            !change.remove.contains(sku) && change.add.iter().all(|(added, _)| added != sku)
        });
        licenses.extend(change.add.iter().cloned());
        licenses.sort_by_key(|(sku, _)| *sku);
        self.edit_group(group, |group| group.licenses = licenses);
        Ok(())
    }

    /// Works out anew what a group gives a user. Returns whether that changed anything.
    fn settle(&mut self, place: usize, carrier: &Carrier, at: Timestamp) -> bool {
        let before = self.users[place].licenses.clone();
        let is_member = carrier.members.contains(&self.users[place].id);
        let given = if is_member { &carrier.licenses[..] } else { &[] };
        let mut after = without(&before, carrier.group);
        for (sku, disabled, error) in self.outcome(place, &after, carrier.group, given) {
            let source =
                Inherited { group: carrier.group, disabled, error, lingers: false, since: at };
            put(&mut after, sku, source);
        }
        if rules::dependency(&self.enabled_plans(&after)).is_some() {
            let kept = lingering(&before, &after, carrier.group, at);
            if rules::dependency(&self.enabled_plans(&kept)).is_none() {
                after = kept;
            }
        }
        keep_times(&before, &mut after);
        let changes = before != after;
        if changes {
            self.put_licenses(place, after);
        }
        changes
    }

    /// What becomes of each of these licenses: given, or why not. All of a group's, or none.
    fn outcome(
        &self,
        place: usize,
        base: &[Held],
        group: GroupId,
        given: &[(SkuId, ServicePlanSet)],
    ) -> Vec<(SkuId, ServicePlanSet, Option<InheritanceError>)> {
        let failures: Vec<_> =
            given.iter().map(|(sku, off)| self.failure(place, *sku, off)).collect();
        let together = self.together(base, group, given);
        let failed = failures.iter().any(Option::is_some);
        let error = |index: usize| match (failures[index], failed) {
            (Some(error), _) => Some(error),
            (None, true) => Some(InheritanceError::Other),
            (None, false) => together,
        };
        let given = given.iter().enumerate();
        given.map(|(index, (sku, off))| (*sku, off.clone(), error(index))).collect()
    }

    /// Why this license alone cannot be given.
    fn failure(&self, place: usize, id: SkuId, off: &ServicePlanSet) -> Option<InheritanceError> {
        let user = &self.users[place];
        let sku = self.sku(id).filter(|sku| {
            sku.applies_to == AppliesTo::User
                && sku.status.is_assignable()
                && off.iter().all(|plan| sku.service_plan(plan).is_some())
        });
        // Source: Entra: who has no usage location is taken to be where the company is.
        let location = user.usage_location.unwrap_or(self.about.country);
        let holds = |held: &Held| held.sku == id && held.is_active();
        match sku {
            None => Some(InheritanceError::Other),
            Some(_) if self.is_prohibited(id, location) => {
                Some(InheritanceError::ProhibitedInUsageLocationViolation)
            }
            Some(_) if user.licenses.iter().any(holds) || self.has_seat(id) => None,
            Some(_) => Some(InheritanceError::CountViolation),
        }
    }

    /// Why all licenses of the group cannot stand beside what the user has.
    fn together(
        &self,
        base: &[Held],
        group: GroupId,
        given: &[(SkuId, ServicePlanSet)],
    ) -> Option<InheritanceError> {
        let mut after = base.to_vec();
        for (sku, disabled) in given {
            let (disabled, since) = (disabled.clone(), Timestamp::UNIX_EPOCH);
            let source = Inherited { group, disabled, error: None, lingers: false, since };
            put(&mut after, *sku, source);
        }
        let enabled = self.enabled_plans(&after);
        let excluded = rules::exclusion(&enabled);
        let lacking = rules::dependency(&enabled);
        excluded
            .map(|_| InheritanceError::MutuallyExclusiveViolation)
            .or(lacking.map(|_| InheritanceError::DependencyViolation))
    }

    /// Returns why a group's license does not reach a user, as a call would be told.
    fn first_refusal(&self, place: usize) -> Option<Refusal> {
        let licenses = &self.users[place].licenses;
        let mut wanted = licenses.clone();
        for source in wanted.iter_mut().flat_map(|held| &mut held.inherited) {
            source.error = None;
        }
        let enabled = self.enabled_plans(&wanted);
        let mut failing = licenses.iter().flat_map(|held| {
            let errors = held.inherited.iter().filter_map(|source| source.error);
            errors.map(|error| (held.sku, error))
        });
        failing.find_map(|(sku, error)| match error {
            InheritanceError::CountViolation => Some(Refusal::NoSeats(sku)),
            InheritanceError::MutuallyExclusiveViolation => rules::exclusion(&enabled),
            InheritanceError::DependencyViolation => rules::dependency(&enabled),
            InheritanceError::ProhibitedInUsageLocationViolation => Some(Refusal::Prohibited(sku)),
            // Another license of the same group says why.
            InheritanceError::Other => None,
        })
    }
}

fn without(licenses: &[Held], group: GroupId) -> Vec<Held> {
    let mut left = licenses.to_vec();
    for held in &mut left {
        held.inherited.retain(|source| source.group != group);
    }
    left.retain(|held| held.direct.is_some() || !held.inherited.is_empty());
    left
}

/// Returns the licenses with what the group gave and gives no more, kept in error.
fn lingering(before: &[Held], after: &[Held], group: GroupId, at: Timestamp) -> Vec<Held> {
    let mut kept = after.to_vec();
    for held in before {
        let sources = held.inherited.iter().filter(|source| source.group == group);
        for source in sources.filter(|source| source.error.is_none()) {
            let gives = |other: &Held| {
                other.sku == held.sku && other.inherited.iter().any(|now| now.group == group)
            };
            if !after.iter().any(gives) {
                let source = Inherited { lingers: true, since: at, ..source.clone() };
                put(&mut kept, held.sku, source);
            }
        }
    }
    kept
}

/// Leaves the time of what did not change.
fn keep_times(before: &[Held], after: &mut [Held]) {
    for held in after {
        let old = before.iter().find(|old| old.sku == held.sku);
        for source in &mut held.inherited {
            let same =
                |old: &&Inherited| Inherited { since: source.since, ..(*old).clone() } == *source;
            if let Some(old) = old.and_then(|old| old.inherited.iter().find(same)) {
                source.since = old.since;
            }
        }
    }
}

fn put(licenses: &mut Vec<Held>, sku: SkuId, source: Inherited) {
    match licenses.iter_mut().find(|held| held.sku == sku) {
        Some(held) => held.inherited.push(source),
        None => licenses.push(Held { sku, direct: None, inherited: vec![source] }),
    }
    licenses.sort_by_key(|held| held.sku);
}
