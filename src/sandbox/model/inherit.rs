//! What groups give their members (group-based licensing), worked out once when a tenant is built.
//!
//! Source: Entra, group-based licensing: only direct members; all licenses of a group or none.

use jiff::Timestamp;

use crate::domain::ids::SkuId;
use crate::domain::sku::AppliesTo;
use crate::domain::user::ServicePlanSet;
use crate::sandbox::model::{Group, Held, InheritanceError, Inherited, Member, Tenant, rules};

impl Tenant {
    /// Gives every direct member of every licensed group what the group carries.
    pub(super) fn inherit(&mut self, at: Timestamp) {
        let carriers: Vec<Group> =
            self.groups.iter().filter(|group| !group.licenses.is_empty()).cloned().collect();
        for group in &carriers {
            for member in &group.members {
                match member {
                    // Nested groups pass nothing on.
                    Member::Group(_) => {}
                    Member::User(id) => {
                        if let Some(user) = self.place_of(*id) {
                            self.give(user, group, at);
                        }
                    }
                }
            }
        }
    }

    fn give(&mut self, user: usize, group: &Group, at: Timestamp) {
        let failures: Vec<_> =
            group.licenses.iter().map(|(sku, off)| self.failure(user, *sku, off)).collect();
        let together = self.together(user, group, at);
        let failed = failures.iter().any(Option::is_some);
        let error = |index: usize| match (failures[index], failed) {
            (Some(error), _) => Some(error),
            (None, true) => Some(InheritanceError::Other),
            (None, false) => together,
        };
        let mut after = self.users[user].licenses.clone();
        for (index, (sku, disabled)) in group.licenses.iter().enumerate() {
            let source = Inherited {
                group: group.id,
                disabled: disabled.clone(),
                error: error(index),
                since: at,
            };
            put(&mut after, *sku, source);
        }
        self.put_licenses(user, after);
    }

    /// Why this license alone cannot be given.
    fn failure(&self, user: usize, id: SkuId, off: &ServicePlanSet) -> Option<InheritanceError> {
        let sku = self.sku(id).filter(|sku| {
            sku.applies_to == AppliesTo::User
                && sku.status.is_assignable()
                && off.iter().all(|plan| sku.service_plan(plan).is_some())
        });
        let holds = |held: &Held| held.sku == id && held.is_active();
        match sku {
            None => Some(InheritanceError::Other),
            Some(_) if self.users[user].licenses.iter().any(holds) || self.has_seat(id) => None,
            Some(_) => Some(InheritanceError::CountViolation),
        }
    }

    /// Why all licenses of the group cannot stand beside what the user has.
    fn together(&self, user: usize, group: &Group, at: Timestamp) -> Option<InheritanceError> {
        let mut after = self.users[user].licenses.clone();
        for (sku, disabled) in &group.licenses {
            let source =
                Inherited { group: group.id, disabled: disabled.clone(), error: None, since: at };
            put(&mut after, *sku, source);
        }
        let enabled = self.enabled_plans(&after);
        let excluded = rules::exclusion(&enabled);
        let lacking = rules::dependency(&enabled);
        excluded
            .map(|_| InheritanceError::MutuallyExclusiveViolation)
            .or(lacking.map(|_| InheritanceError::DependencyViolation))
    }
}

fn put(licenses: &mut Vec<Held>, sku: SkuId, source: Inherited) {
    match licenses.iter_mut().find(|held| held.sku == sku) {
        Some(held) => held.inherited.push(source),
        None => licenses.push(Held { sku, direct: None, inherited: vec![source] }),
    }
    licenses.sort_by_key(|held| held.sku);
}
