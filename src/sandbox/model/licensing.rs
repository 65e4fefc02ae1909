//! What `assignLicense` and a new usage location do to a user, with every check that Graph makes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::names::UsageLocation;
use crate::domain::sku::{AppliesTo, Sku};
use crate::domain::user::ServicePlanSet;
use crate::sandbox::model::journal::differing;
use crate::sandbox::model::{Direct, Held, Refusal, Tenant, rules};

/// What one call to `assignLicense` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenseChange {
    /// SKUs with the service plans that are to be off.
    pub add: Vec<(SkuId, ServicePlanSet)>,
    /// SKUs to go.
    pub remove: Vec<SkuId>,
}

impl Tenant {
    /// Returns the product with this id.
    pub(crate) fn sku(&self, id: SkuId) -> Option<&Sku> {
        self.sku_index(id).map(|index| &self.skus[index])
    }

    fn sku_index(&self, id: SkuId) -> Option<usize> {
        self.skus.binary_search_by_key(&id, |sku| sku.id).ok()
    }

    /// Changes the direct licenses of a user (by place), all or nothing.
    ///
    /// # Errors
    ///
    /// Returns Graph's reason; nothing has changed then.
    pub(crate) fn assign_license(
        &mut self,
        user: usize,
        change: &LicenseChange,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check_shape(change)?;
        self.check_removals(user, change)?;
        if !change.add.is_empty() && self.users[user].usage_location.is_none() {
            return Err(Refusal::NoUsageLocation);
        }
        self.check_place(user, change)?;
        self.check_seats(user, change)?;
        let after = changed(&self.users[user].licenses, change, now);
        let enabled = self.enabled_plans(&after);
        if !change.add.is_empty() {
            rules::exclusion(&enabled).map_or(Ok(()), Err)?;
        }
        rules::dependency(&enabled).map_or(Ok(()), Err)?;
        self.check_address(user, &enabled)?;
        self.put_licenses(user, after);
        Ok(())
    }

    pub(super) fn check_shape(&self, change: &LicenseChange) -> Result<(), Refusal> {
        if change.add.is_empty() && change.remove.is_empty() {
            return Err(Refusal::NothingToDo);
        }
        let mut named = BTreeSet::new();
        let all = change.add.iter().map(|(sku, _)| sku).chain(&change.remove);
        if let Some(twice) = all.into_iter().find(|sku| !named.insert(**sku)) {
            return Err(Refusal::Twice(*twice));
        }
        let owned = |id: SkuId| self.sku(id).filter(|sku| sku.status.is_assignable());
        for (id, _) in &change.add {
            let sku = owned(*id).ok_or(Refusal::UnknownSku(*id))?;
            if sku.applies_to != AppliesTo::User {
                return Err(Refusal::CompanySku(*id));
            }
        }
        for (id, disabled) in &change.add {
            let sku = owned(*id).ok_or(Refusal::UnknownSku(*id))?;
            if let Some(plan) = disabled.iter().find(|plan| sku.service_plan(*plan).is_none()) {
                return Err(Refusal::PlanNotInSku { plan, sku: *id });
            }
        }
        Ok(())
    }

    fn check_removals(&self, user: usize, change: &LicenseChange) -> Result<(), Refusal> {
        for sku in &change.remove {
            match self.users[user].licenses.iter().find(|held| held.sku == *sku) {
                Some(Held { direct: Some(_), sku: _, inherited: _ }) => {}
                Some(held) if held.is_active() => return Err(Refusal::Inherited),
                Some(_) | None => return Err(Refusal::NotHeld),
            }
        }
        Ok(())
    }

    fn check_place(&self, user: usize, change: &LicenseChange) -> Result<(), Refusal> {
        let Some(location) = self.users[user].usage_location else { return Ok(()) };
        let mut added = change.add.iter().map(|(sku, _)| *sku);
        let prohibited = added.find(|sku| self.is_prohibited(*sku, location));
        prohibited.map_or(Ok(()), |sku| Err(Refusal::Prohibited(sku)))
    }

    /// A mailbox brings an address, which must be free.
    fn check_address(&self, user: usize, enabled: &BTreeSet<ServicePlanId>) -> Result<(), Refusal> {
        let had = rules::has_mailbox(&self.enabled_plans(&self.users[user].licenses));
        let is_taken = self.obstacles.addresses_taken.contains(&self.users[user].id);
        if is_taken && !had && rules::has_mailbox(enabled) {
            return Err(Refusal::AddressTaken);
        }
        Ok(())
    }

    fn check_seats(&self, user: usize, change: &LicenseChange) -> Result<(), Refusal> {
        for (sku, _) in &change.add {
            let holds = |held: &Held| held.sku == *sku && held.is_active();
            if !self.users[user].licenses.iter().any(holds) && !self.has_seat(*sku) {
                return Err(Refusal::NoSeats(*sku));
            }
        }
        Ok(())
    }

    pub(super) fn has_seat(&self, sku: SkuId) -> bool {
        self.sku(sku).is_some_and(|sku| {
            u64::from(sku.consumed) < u64::from(sku.units.enabled) + u64::from(sku.units.warning)
        })
    }

    /// Returns the service plans that these licenses switch on.
    pub(super) fn enabled_plans(&self, licenses: &[Held]) -> BTreeSet<ServicePlanId> {
        let mut enabled = BTreeSet::new();
        for held in licenses.iter().filter(|held| held.is_active()) {
            let disabled = held.disabled();
            let plans = self.sku(held.sku).map_or(&[][..], |sku| &sku.service_plans);
            enabled.extend(plans.iter().map(|plan| plan.id).filter(|id| !disabled.contains(id)));
        }
        enabled
    }

    /// Gives a user other licenses and moves the seats.
    pub(super) fn put_licenses(&mut self, user: usize, after: Vec<Held>) {
        let mut changed = self.users[user].clone();
        changed.licenses = after;
        let differing = differing(&self.users[user], &changed);
        self.journal.user_changed(changed.id, &differing);
        let before = std::mem::replace(&mut self.users[user], changed).licenses;
        for held in before.iter().filter(|held| held.is_active()) {
            if let Some(index) = self.sku_index(held.sku) {
                self.skus[index].consumed = self.skus[index].consumed.saturating_sub(1);
            }
        }
        self.count(user);
    }

    /// Counts the seats of all users anew.
    pub(super) fn count_seats(&mut self) {
        for sku in &mut self.skus {
            sku.consumed = 0;
        }
        for user in 0..self.users.len() {
            self.count(user);
        }
    }

    pub(super) fn count(&mut self, user: usize) {
        for held in self.users[user].licenses.iter().filter(|held| held.is_active()) {
            if let Ok(index) = self.skus.binary_search_by_key(&held.sku, |sku| sku.id) {
                self.skus[index].consumed = self.skus[index].consumed.saturating_add(1);
            }
        }
    }

    /// Writes a user's usage location.
    ///
    /// # Errors
    ///
    /// Refuses to leave a user without location who holds licenses, and to write what is kept on
    /// premises.
    pub(crate) fn set_usage_location(
        &mut self,
        user: usize,
        location: Option<UsageLocation>,
    ) -> Result<(), Refusal> {
        if location.is_none() && self.users[user].licenses.iter().any(Held::is_active) {
            return Err(Refusal::LocationInUse);
        }
        let id = self.users[user].id;
        if self.obstacles.locations_synced.contains(&id) {
            return Err(Refusal::LocationSynced);
        }
        self.edit_user(id, |user| user.usage_location = location);
        Ok(())
    }
}

/// Returns the licenses after a change that was checked.
fn changed(before: &[Held], change: &LicenseChange, now: Timestamp) -> Vec<Held> {
    let mut after = before.to_vec();
    for held in after.iter_mut().filter(|held| change.remove.contains(&held.sku)) {
        held.direct = None;
    }
    for (sku, disabled) in &change.add {
        let direct = Direct { disabled: disabled.clone(), since: now };
        match after.iter_mut().find(|held| held.sku == *sku) {
            // The same list again changes nothing, not even the time.
            Some(held) if held.direct.as_ref().is_some_and(|old| old.disabled == *disabled) => {}
            Some(held) => held.direct = Some(direct),
            None => after.push(Held { sku: *sku, direct: Some(direct), inherited: Vec::new() }),
        }
    }
    after.retain(|held| held.direct.is_some() || !held.inherited.is_empty());
    after.sort_by_key(|held| held.sku);
    after
}
