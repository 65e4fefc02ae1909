//! What each policy says about one SKU and one user.

use std::sync::Arc;

use jiff::Timestamp;

use super::selectors::{Finding, finding};
use super::{Asking, Effect};
use crate::domain::ids::SkuId;
use crate::domain::known::Truth;
use crate::domain::names::PolicyName;
use crate::domain::sku::Sku;
use crate::plan::bind::{BoundPolicy, Idle, Part, PlanTerms, Takes, Terms};
use crate::policy::{Action, License, Moment, Removal, Removals, Replaces, Written};

/// What a policy says about a SKU and a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVoice {
    /// The policy.
    pub policy: PolicyName,
    /// Where it stands, as `file:line`.
    pub at: Arc<str>,
    /// What it does with the SKU.
    pub effect: Effect,
    /// Whether it matches the user.
    pub matches: Truth,
    /// Whether it takes part, and if not, why not.
    pub standing: Standing,
    /// Which selector decides.
    pub detail: Arc<str>,
    /// Its `match`, test by test; none where it takes no part.
    pub selector: Option<Finding>,
    /// Whether it has a say in what becomes of the SKU, or could give what the user lacks.
    pub decides: bool,
}

/// Whether a policy takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Taken,
    /// It does not fit the tenant: nothing that it owns is removed meanwhile.
    Broken {
        /// What does not fit, and where.
        problem: String,
    },
    /// It says so.
    Retired,
    /// Its window has not begun.
    NotYet {
        /// When it does.
        begins: Timestamp,
    },
    /// Its window is over.
    Over {
        /// Since when.
        ended: Timestamp,
    },
    /// It is for other tenants.
    Elsewhere,
}

impl Asking<'_> {
    /// Returns what a policy does with a SKU, where it speaks of it, and whether it matches.
    pub(super) fn says(&self, policy: usize, sku: SkuId) -> Option<(Effect, Truth)> {
        let BoundPolicy { policy: written, at: _, part } = &self.bound.policies[policy];
        let product = || self.inputs.snapshot.catalogue().get(sku);
        match part {
            Part::Taken(terms) => {
                let matches = self.resolver.matches(policy).map(|matches| matches.of(self.at));
                Some((effect(terms, sku, product())?, matches.unwrap_or(Truth::Unknown)))
            }
            Part::Broken => Some((written_effect(&written.action, product()?)?, Truth::Unknown)),
            Part::Idle(_) | Part::Elsewhere => {
                Some((written_effect(&written.action, product()?)?, Truth::False))
            }
        }
    }

    /// Returns what all policies that speak of a SKU say about it, told in full.
    pub(super) fn voices(&self, sku: SkuId) -> Vec<PolicyVoice> {
        let mut voices: Vec<PolicyVoice> =
            (0..self.bound.policies.len()).filter_map(|policy| self.voice(policy, sku)).collect();
        let given = voices.iter().any(PolicyVoice::gives);
        let owners = self.inputs.ledger.owners.get(&(self.user().id, sku));
        for voice in &mut voices {
            let owns = owners.is_some_and(|owners| owners.contains_key(&voice.policy));
            let could_give = !given && voice.effect == Effect::Grants;
            let is_here = voice.standing != Standing::Elsewhere;
            voice.decides = voice.matches != Truth::False || owns || (could_give && is_here);
        }
        voices
    }

    fn voice(&self, policy: usize, sku: SkuId) -> Option<PolicyVoice> {
        let (effect, matches) = self.says(policy, sku)?;
        let bound = &self.bound.policies[policy];
        let selector = match &bound.part {
            Part::Taken(terms) => {
                let told = self.bound.columns.tell(&terms.tree, self.at, self.inputs.snapshot);
                Some(finding(bound.policy, told))
            }
            Part::Idle(_) | Part::Elsewhere | Part::Broken => None,
        };
        Some(PolicyVoice {
            policy: bound.policy.name.clone(),
            at: bound.at.clone(),
            effect,
            matches,
            standing: self.standing(policy),
            detail: self.words.detail(policy, self.at),
            selector,
            decides: false,
        })
    }

    fn standing(&self, policy: usize) -> Standing {
        let BoundPolicy { policy: written, at: _, part } = &self.bound.policies[policy];
        let zone = &self.inputs.settings.time_zone;
        let at = |moment: &Option<Written<Moment>>| {
            moment.as_ref().map_or(self.inputs.now, |moment| moment.value.at(zone))
        };
        match part {
            Part::Taken(_) => Standing::Taken,
            Part::Idle(Idle::Retired) => Standing::Retired,
            Part::Idle(Idle::NotYet) => Standing::NotYet { begins: at(&written.from) },
            Part::Idle(Idle::Over) => Standing::Over { ended: at(&written.until) },
            Part::Elsewhere => Standing::Elsewhere,
            Part::Broken => {
                let problems = self.bound.problems.iter().filter(|(index, _)| *index == policy);
                let told = problems.map(|(_, of)| format!("{} ({})", of.message, of.place));
                Standing::Broken { problem: told.collect::<Vec<_>>().join("; ") }
            }
        }
    }
}

impl PolicyVoice {
    /// Whether it gives the SKU to the user.
    pub(super) fn gives(&self) -> bool {
        self.effect == Effect::Grants && self.matches == Truth::True
    }
}

fn effect(terms: &Terms, sku: SkuId, product: Option<&Sku>) -> Option<Effect> {
    if let Some(PlanTerms::Unsaid | PlanTerms::Off(_)) = terms.grants.get(&sku) {
        return Some(Effect::Grants);
    }
    match &terms.takes {
        Takes::Removes(which) if which.includes(sku) => return Some(Effect::Removes),
        Takes::Replaces(which) if which.includes(sku) => return Some(Effect::Replaces),
        Takes::Nothing | Takes::Removes(_) | Takes::Replaces(_) => {}
    }
    let mut switchable = product.into_iter().flat_map(Sku::switchable);
    let switches = switchable.any(|plan| terms.switches_off.includes(sku, plan));
    switches.then_some(Effect::SwitchesOff)
}

/// Returns what a policy that takes no part would do with a SKU, as it was written.
pub(super) fn written_effect(action: &Action, sku: &Sku) -> Option<Effect> {
    let is_named = |written: &Written<Arc<str>>| {
        *written.value == *sku.part_number || written.value.parse() == Ok(sku.id)
    };
    let granted = |licenses: &[License]| licenses.iter().any(|license| is_named(&license.sku));
    match action {
        Action::Add { licenses } => granted(licenses).then_some(Effect::Grants),
        Action::Replace { licenses, replaces: _ } if granted(licenses) => Some(Effect::Grants),
        Action::Replace { licenses: _, replaces } => match replaces {
            Replaces::All => Some(Effect::Replaces),
            Replaces::Listed(skus) => skus.iter().any(is_named).then_some(Effect::Replaces),
        },
        Action::Remove { removals: Removals::All } => Some(Effect::Removes),
        Action::Remove { removals: Removals::Listed(listed) } => {
            let named = |removal: &Removal| match removal {
                Removal::Sku(sku) => is_named(sku).then_some(Effect::Removes),
                Removal::ServicePlans { sku, plans: _ } => {
                    sku.as_ref().is_some_and(is_named).then_some(Effect::SwitchesOff)
                }
            };
            listed.iter().find_map(named)
        }
    }
}

/// Whether a policy takes everything away, and so names nothing.
pub(super) fn takes_all(action: &Action) -> bool {
    match action {
        Action::Remove { removals: Removals::All } => true,
        Action::Replace { licenses: _, replaces: _ }
        | Action::Add { licenses: _ }
        | Action::Remove { removals: Removals::Listed(_) } => false,
    }
}
