//! Who holds what directly, as far as policies can say it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ask, Left, Why};
use crate::domain::group::Membership;
use crate::domain::ids::SkuId;
use crate::domain::known::Known;
use crate::domain::sku::{AppliesTo, Sku};
use crate::domain::user::{AssignmentSource, Licenses, ServicePlanSet};
use crate::plan::bind::{Problem, bind};
use crate::policy::PolicySet;

/// Who holds what.
pub(super) struct Held<'a> {
    ask: &'a Ask<'a>,
    /// By position in the snapshot, with the service plans that are off and can be switched.
    pub(super) holders: BTreeMap<SkuId, BTreeMap<usize, ServicePlanSet>>,
    /// Whom nothing touches, by position.
    pub(super) protected: BTreeSet<usize>,
    left_out: BTreeMap<Why, usize>,
}

impl<'a> Held<'a> {
    /// Looks at everybody.
    pub(super) fn look(ask: &'a Ask<'a>) -> Result<Self, Vec<Problem>> {
        let nothing = PolicySet::default();
        let bound = bind(&nothing, ask.settings, ask.tenant, ask.snapshot, ask.now)?;
        let users = ask.snapshot.users();
        let is_protected = |at: &usize| bound.protected.contains(&users[*at].id);
        let protected = (0..users.len()).filter(is_protected).collect();
        let (holders, left_out) = (BTreeMap::new(), BTreeMap::new());
        let mut held = Self { ask, holders, protected, left_out };
        for (at, user) in users.iter().enumerate() {
            match &user.licenses {
                Known::Known(licenses) => held.take(at, licenses),
                Known::Unknown => held.leave_out(Why::Unreadable),
            }
        }
        for group in ask.snapshot.groups() {
            match &group.membership {
                Membership::NotRead => held.leave_out(Why::UnreadGroups),
                Membership::Read { nested, direct: _ } if nested.is_complete() => {}
                Membership::Read { nested: _, direct: _ } => held.leave_out(Why::HiddenGroups),
            }
        }
        Ok(held)
    }

    fn take(&mut self, at: usize, licenses: &Licenses) {
        let user = &self.ask.snapshot.users()[at];
        for assignment in &licenses.assignments {
            let direct = match &assignment.source {
                AssignmentSource::Unknown => {
                    self.leave_out(Why::UnknownSource);
                    continue;
                }
                AssignmentSource::Told { direct, inherited } => {
                    if !inherited.is_empty() {
                        self.leave_out(Why::Inherited);
                    }
                    let Some(direct) = direct else { continue };
                    direct
                }
            };
            let sku = self.ask.snapshot.catalogue().get(assignment.sku);
            let sku = sku.filter(|sku| sku.applies_to != AppliesTo::Company);
            match sku {
                _ if self.protected.contains(&at) => self.leave_out(Why::Protected),
                None => self.leave_out(Why::NotAssignable),
                Some(_) if user.user_type == Known::Unknown => self.leave_out(Why::UnknownType),
                Some(sku) => {
                    let holders = self.holders.entry(sku.id).or_default();
                    holders.insert(at, switchable(sku, direct));
                }
            }
        }
    }

    fn leave_out(&mut self, why: Why) {
        *self.left_out.entry(why).or_default() += 1;
    }

    /// Returns what policies cannot say.
    pub(super) fn left_out(&self) -> Vec<Left> {
        self.left_out.iter().map(|(why, count)| Left { why: *why, count: *count }).collect()
    }

    /// Counts the people who hold something.
    pub(super) fn people(&self) -> usize {
        let all: BTreeSet<usize> =
            self.holders.values().flat_map(BTreeMap::keys).copied().collect();
        all.len()
    }

    /// Returns the service plans that are off for all of these people, where they are the same.
    pub(super) fn off(&self, sku: SkuId, people: &[usize]) -> Option<&ServicePlanSet> {
        let holders = self.holders.get(&sku)?;
        let mut off = people.iter().map(|user| holders.get(user));
        let first = off.next()??;
        off.all(|other| other == Some(first)).then_some(first)
    }
}

fn switchable(sku: &Sku, off: &ServicePlanSet) -> ServicePlanSet {
    sku.switchable().filter(|plan| off.contains(*plan)).collect()
}
