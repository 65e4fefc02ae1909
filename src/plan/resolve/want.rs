//! What is wanted, compared with what is there: whole SKUs, and the service plans in them.

use super::walk::View;
use super::{About, Block, Cut, Grant, Resolution, Resolver, Why, is_owned, lacks, matched, same};
use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::sku::Sku;
use crate::domain::user::{Assignment, AssignmentSource, ServicePlanSet};
use crate::plan::bind::PlanTerms;
use crate::plan::{BlockedReason, Reason};
use crate::policy::settings::InheritedRule;

impl Resolver<'_> {
    /// Compares one wanted SKU with what is there.
    pub(super) fn want(
        &self,
        view: &View<'_>,
        sku: SkuId,
        by: &[usize],
        resolution: &mut Resolution,
    ) {
        let Some(product) = self.snapshot.catalogue().get(sku) else { return };
        let said = self.wanted_off(view, product, by);
        let cut = self.cut(view, product, resolution);
        let assignment = view.licenses.get(sku);
        let direct = assignment.and_then(Assignment::direct);
        let off = match (said, direct) {
            (Some(off), _) => Some(cut.from(&off)),
            (None, _) if cut.plans.is_empty() => None,
            (None, Some(direct)) => Some(cut.from(direct)),
            (None, None) => Some(cut.from(&ServicePlanSet::default())),
        };
        let grant = |disabled: ServicePlanSet, held: bool, needs_seat: bool| Grant {
            disabled,
            held,
            needs_seat,
            priority: self.priority(by),
            by: by.to_vec(),
            why: cut.why.clone(),
        };
        let blocked = |reason: BlockedReason| Block {
            sku: Some(sku),
            reason,
            why: matched(by),
            about: About::Nothing,
        };
        match (assignment.map(|assignment| &assignment.source), direct) {
            (Some(AssignmentSource::Told { direct: _, inherited: _ }), Some(disabled)) => {
                resolution.owned.extend(is_owned(view, sku).then_some(sku));
                match off {
                    Some(off) if !same(product, disabled, &off) => {
                        resolution.grants.insert(sku, grant(off, true, false));
                    }
                    Some(_) | None => {
                        let new = self.not_yet_owners(view, sku, by);
                        if !new.is_empty() {
                            resolution.adopts.insert(sku, new);
                        }
                    }
                }
            }
            (Some(AssignmentSource::Told { direct: _, inherited: _ }), None) => {
                let effective = assignment.map(|assignment| &assignment.disabled);
                let missing = off.as_ref().is_some_and(|off| lacks(product, effective, off));
                if missing || self.settings.inherited == InheritedRule::Ignore {
                    resolution.grants.insert(sku, grant(off.unwrap_or_default(), false, false));
                }
            }
            (Some(AssignmentSource::Unknown), _) => {
                let effective = assignment.map(|assignment| &assignment.disabled);
                if off.as_ref().is_some_and(|off| lacks(product, effective, off)) {
                    resolution.blocked.push(blocked(BlockedReason::UnknownSource));
                }
            }
            (None, _) if !product.status.is_assignable() => {
                resolution.blocked.push(blocked(BlockedReason::SkuNotAssignable));
            }
            (None, _) => {
                resolution.grants.insert(sku, grant(off.unwrap_or_default(), false, true));
            }
        }
    }

    /// Returns the highest priority among policies.
    pub(super) fn priority(&self, by: &[usize]) -> i32 {
        let priorities = by.iter().filter_map(|policy| self.terms(*policy));
        priorities.map(|terms| terms.priority).max().unwrap_or_default()
    }

    /// Returns the service plans that are to be off, or none where no policy says anything.
    ///
    /// A service plan is on if any policy leaves it on. One that is on stays on where a policy that
    /// cannot be told would leave it on.
    pub(super) fn wanted_off(
        &self,
        view: &View<'_>,
        sku: &Sku,
        by: &[usize],
    ) -> Option<ServicePlanSet> {
        let said = |policy: usize| match self.terms(policy)?.grants.get(&sku.id)? {
            PlanTerms::Unsaid => None,
            PlanTerms::Off(off) => Some(off),
        };
        let mut offs = by.iter().filter_map(|policy| said(*policy));
        let first = offs.next()?;
        let rest: Vec<&ServicePlanSet> = offs.collect();
        let doubtful: Vec<&ServicePlanSet> =
            self.doubtful(view).filter_map(|(policy, _)| said(policy)).collect();
        // Of what is held directly too, only the direct part is ours to change.
        let assignment = view.licenses.get(sku.id);
        let off_now = assignment.map(|held| held.direct().unwrap_or(&held.disabled));
        let is_on = |plan| off_now.is_some_and(|off| !off.contains(plan));
        let stays_off = |plan| {
            rest.iter().all(|off| off.contains(plan))
                && !(is_on(plan) && doubtful.iter().any(|off| !off.contains(plan)))
        };
        Some(first.iter().filter(|plan| stays_off(*plan)).collect())
    }

    /// Works out which single service plans of a SKU policies take away: at once where they are not
    /// on anyway, and after the grace where they are.
    pub(super) fn cut(&self, view: &View<'_>, sku: &Sku, resolution: &mut Resolution) -> Cut {
        let mut cut = Cut::default();
        let assignment = view.licenses.get(sku.id);
        let direct = assignment.and_then(Assignment::direct);
        for (policy, terms) in self.matching(view) {
            if terms.switches_off.is_empty() {
                continue;
            }
            let taken: Vec<ServicePlanId> = sku
                .switchable()
                .filter(|plan| terms.switches_off.includes(sku.id, *plan))
                .collect();
            let why = Why { policy, reason: Reason::Removed };
            let (on, off): (Vec<_>, Vec<_>) =
                taken.iter().partition(|plan| direct.is_some_and(|off| !off.contains(**plan)));
            cut.plans.extend(off);
            if !on.is_empty() {
                let due =
                    self.clock(view, sku.id, policy, self.grace_to_remove(policy), resolution);
                if due <= self.now {
                    cut.plans.extend(on);
                    cut.why.push(why.clone());
                } else {
                    resolution.switching.push((sku.id, due, on, why.clone()));
                }
            }
            Self::block_if_inherited(assignment, &taken, why, resolution);
        }
        cut
    }

    /// Tells of service plans that a group gives, so that they cannot be switched off on the user.
    fn block_if_inherited(
        assignment: Option<&Assignment>,
        taken: &[ServicePlanId],
        why: Why,
        resolution: &mut Resolution,
    ) {
        let Some(assignment) = assignment else { return };
        let given = |plan: &ServicePlanId| {
            let mut groups = assignment.inherited().iter();
            groups.any(|group| !group.disabled.contains(*plan))
        };
        let unsourced = assignment.source == AssignmentSource::Unknown;
        let on = |plan: &ServicePlanId| !assignment.disabled.contains(*plan);
        let reason = if unsourced && taken.iter().any(on) {
            BlockedReason::UnknownSource
        } else if taken.iter().any(given) {
            BlockedReason::Inherited
        } else {
            return;
        };
        let (sku, about) = (Some(assignment.sku), About::Nothing);
        resolution.blocked.push(Block { sku, reason, why: vec![why], about });
    }

    /// Switches service plans off in an assignment that nobody wants and that stays.
    pub(super) fn trim(
        &self,
        view: &View<'_>,
        assignment: &Assignment,
        blocks: Option<BlockedReason>,
        resolution: &mut Resolution,
    ) {
        let Some(product) = self.snapshot.catalogue().get(assignment.sku) else { return };
        let cut = self.cut(view, product, resolution);
        let Some(direct) = assignment.direct() else { return };
        let disabled = cut.from(direct);
        if same(product, direct, &disabled) {
            return;
        }
        let sku = assignment.sku;
        match blocks {
            None => {
                let grant = Grant {
                    disabled,
                    held: true,
                    needs_seat: false,
                    priority: 0,
                    by: Vec::new(),
                    why: cut.why,
                };
                resolution.grants.insert(sku, grant);
            }
            Some(reason) => {
                let (why, about) = (cut.why, About::Nothing);
                resolution.blocked.push(Block { sku: Some(sku), reason, why, about });
            }
        }
    }

    /// Lets policies own what is there, although its service plans cannot be changed now.
    pub(super) fn adopt_at_least(
        &self,
        view: &View<'_>,
        sku: SkuId,
        grant: &Grant,
        resolution: &mut Resolution,
    ) {
        let new = self.not_yet_owners(view, sku, &grant.by);
        if grant.held && !new.is_empty() {
            resolution.adopts.insert(sku, new);
        }
    }
}
