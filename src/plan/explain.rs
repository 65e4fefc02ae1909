//! Why a user has, lacks or will lose each SKU: the same decisions as a plan's, told for one user.

use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::known::Truth;
use crate::domain::names::PolicyName;
use crate::domain::sku::Sku;
use crate::domain::user::{Assignment, AssignmentSource};
use crate::plan::bind::{Bound, Part, PlanTerms, Problem, Takes, Terms, bind};
use crate::plan::make::{Inputs, make};
use crate::plan::resolve::Resolver;
use crate::plan::words::Words;
use crate::plan::{Because, Blocked, Plan, SkuRef, UserRef};
use crate::policy::{Action, License, Removal, Removals, Replaces, Written};

/// Everything there is to say about the licenses of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The user.
    pub user: UserRef,
    /// Whether nothing touches the user, whatever a policy says.
    pub protected: bool,
    /// When the snapshot was taken that this rests on.
    pub snapshot_taken_at: Timestamp,
    /// Each SKU that the user has, or that some policy gives or takes.
    pub skus: Vec<SkuExplanation>,
    /// What will happen to the usage location, in words.
    pub location: Option<String>,
    /// What is blocked for the user as a whole.
    pub blocked: Vec<Blocked>,
}

/// Everything there is to say about one SKU and one user.
#[derive(Clone, Debug, PartialEq)]
pub struct SkuExplanation {
    /// The SKU.
    pub sku: SkuRef,
    /// How the user has it.
    pub has: Has,
    /// Whether the policies want the user to have it.
    pub wanted: bool,
    /// The higher rung of its ladder that is wanted, where one is.
    pub outranked_by: Option<SkuRef>,
    /// What each policy that speaks of the SKU says.
    pub policies: Vec<PolicyVoice>,
    /// The policies that own the assignment.
    pub owners: Vec<Owner>,
    /// What comes next, in words.
    pub next: Vec<String>,
    /// Why nothing comes next, where that needs saying.
    pub stays: Option<String>,
}

/// How a user has a SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Has {
    /// Not at all.
    Not,
    /// Directly, through groups, or both.
    Told {
        /// The names of the service plans that are off, where there is a direct assignment.
        direct: Option<Vec<Arc<str>>>,
        /// The names of the groups that give it.
        groups: Vec<Arc<str>>,
    },
    /// Graph does not say how.
    UnknownSource,
}

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
    /// Whether it fits the tenant at all.
    pub broken: bool,
    /// Which selector decides.
    pub detail: Arc<str>,
}

/// What a policy does with a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Grants it.
    Grants,
    /// Takes it away.
    Removes,
    /// Takes it away in exchange for another.
    Replaces,
}

/// A policy that owns an assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The policy.
    pub policy: PolicyName,
    /// Since when.
    pub since: Timestamp,
    /// When it was first seen to want it no longer.
    pub let_go: Option<Timestamp>,
    /// Whether it is still in the files.
    pub in_files: bool,
}

/// Explains one user, or one SKU of theirs. Returns none where the snapshot has no such user.
///
/// # Errors
///
/// As planning: what does not fit in the settings.
pub fn explain(
    inputs: &Inputs<'_>,
    user: UserId,
    only: Option<SkuId>,
) -> Result<Option<Explanation>, Vec<Problem>> {
    let Ok(at) = inputs.snapshot.users().binary_search_by_key(&user, |user| user.id) else {
        return Ok(None);
    };
    let planned = make(inputs)?;
    let ledger = inputs.ledger.after(&inputs.ledger.renamed(inputs.policies)).into_owned();
    let inputs = &Inputs { ledger: &ledger, ..*inputs };
    let bound = bind(inputs.policies, inputs.settings, inputs.tenant, inputs.snapshot, inputs.now)?;
    let resolver =
        Resolver::new(&bound, inputs.settings, inputs.snapshot, inputs.ledger, inputs.now);
    let words = Words::new(&bound, inputs.snapshot);
    let asking = Asking { inputs, bound: &bound, resolver: &resolver, words: &words, at };
    let skus = asking
        .skus(&planned.plan)
        .into_iter()
        .chain(only)
        .collect::<BTreeSet<SkuId>>()
        .into_iter()
        .filter(|sku| only.is_none_or(|only| only == *sku))
        .map(|sku| asking.sku(sku, &planned.plan))
        .collect();
    let of_user = |blocked: &&Blocked| blocked.user.id == user && blocked.sku.is_none();
    Ok(Some(Explanation {
        user: words.user(at),
        protected: bound.protected.contains(&user),
        snapshot_taken_at: inputs.snapshot.taken_at(),
        skus,
        location: asking.location(&planned.plan),
        blocked: planned.plan.blocked.iter().filter(of_user).cloned().collect(),
    }))
}

struct Asking<'a> {
    inputs: &'a Inputs<'a>,
    bound: &'a Bound<'a>,
    resolver: &'a Resolver<'a>,
    words: &'a Words<'a>,
    at: usize,
}

impl Asking<'_> {
    fn user(&self) -> &crate::domain::user::User {
        &self.inputs.snapshot.users()[self.at]
    }

    fn assignment(&self, sku: SkuId) -> Option<&Assignment> {
        self.user().licenses.value().and_then(|licenses| licenses.get(sku))
    }

    /// Returns the SKUs there is something to say about.
    fn skus(&self, plan: &Plan) -> BTreeSet<SkuId> {
        let held = self.user().licenses.value().map(|l| l.assignments.as_slice());
        let mut skus: BTreeSet<SkuId> =
            held.unwrap_or_default().iter().map(|assignment| assignment.sku).collect();
        skus.extend(self.bound.granted());
        let unbound = |part: &Part| matches!(part, Part::Broken | Part::Idle(_));
        let broken = || self.bound.policies.iter().filter(|p| unbound(&p.part));
        let named = |sku: &&Sku| broken().any(|p| written_effect(&p.policy.action, sku).is_some());
        let catalogue = self.inputs.snapshot.catalogue();
        skus.extend(catalogue.skus().iter().filter(named).map(|sku| sku.id));
        let id = self.user().id;
        skus.extend(plan.released.iter().filter(|r| r.user.id == id).map(|r| r.sku.id));
        skus
    }

    fn sku(&self, sku: SkuId, plan: &Plan) -> SkuExplanation {
        let policies: Vec<PolicyVoice> =
            (0..self.bound.policies.len()).filter_map(|policy| self.voice(policy, sku)).collect();
        SkuExplanation {
            sku: self.words.sku(sku),
            has: self.has(sku),
            wanted: self.is_wanted(sku) && self.outranked_by(sku).is_none(),
            outranked_by: self.outranked_by(sku).map(|rung| self.words.sku(rung)),
            owners: self.owners(sku),
            next: self.next(sku, plan),
            stays: self.stays(sku),
            policies,
        }
    }

    /// Whether some policy grants a SKU and none takes it away.
    fn is_wanted(&self, sku: SkuId) -> bool {
        let voices: Vec<PolicyVoice> =
            (0..self.bound.policies.len()).filter_map(|policy| self.voice(policy, sku)).collect();
        let says = |effect: Effect| {
            voices.iter().any(|voice| voice.effect == effect && voice.matches == Truth::True)
        };
        says(Effect::Grants) && !says(Effect::Removes)
    }

    /// Returns the higher rung of a ladder that is wanted.
    fn outranked_by(&self, sku: SkuId) -> Option<SkuId> {
        let above = |ladder: &crate::plan::bind::BoundLadder<'_>| {
            let place = ladder.place(sku)?;
            ladder.rungs[..place].iter().copied().find(|rung| self.is_wanted(*rung))
        };
        self.bound.ladders.iter().find_map(above)
    }

    fn has(&self, sku: SkuId) -> Has {
        match self.assignment(sku).map(|assignment| &assignment.source) {
            None => Has::Not,
            Some(AssignmentSource::Unknown) => Has::UnknownSource,
            Some(AssignmentSource::Told { direct, inherited }) => Has::Told {
                direct: direct
                    .as_ref()
                    .map(|off| off.iter().map(|plan| self.words.service_plan(plan).name).collect()),
                groups: inherited
                    .iter()
                    .map(|inherited| {
                        let group = self.inputs.snapshot.group(inherited.group);
                        group.map_or_else(
                            || inherited.group.to_string().into(),
                            |group| group.name.clone(),
                        )
                    })
                    .collect(),
            },
        }
    }

    fn voice(&self, policy: usize, sku: SkuId) -> Option<PolicyVoice> {
        let bound = &self.bound.policies[policy];
        let (effect, matches, broken) = match &bound.part {
            Part::Taken(terms) => {
                let matches = self.resolver.matches(policy).map(|matches| matches.of(self.at));
                (effect(terms, sku)?, matches.unwrap_or(Truth::Unknown), false)
            }
            Part::Broken => {
                let sku = self.inputs.snapshot.catalogue().get(sku)?;
                (written_effect(&bound.policy.action, sku)?, Truth::Unknown, true)
            }
            Part::Idle(_) => {
                let sku = self.inputs.snapshot.catalogue().get(sku)?;
                (written_effect(&bound.policy.action, sku)?, Truth::False, false)
            }
            Part::Elsewhere => return None,
        };
        Some(PolicyVoice {
            policy: bound.policy.name.clone(),
            at: bound.at.clone(),
            effect,
            matches,
            broken,
            detail: self.words.detail(policy, self.at),
        })
    }

    fn owners(&self, sku: SkuId) -> Vec<Owner> {
        let owners = self.inputs.ledger.owners.get(&(self.user().id, sku));
        let in_files = |name: &PolicyName| {
            self.bound.policies.iter().any(|policy| policy.policy.name == *name)
        };
        owners
            .into_iter()
            .flatten()
            .map(|(name, ownership)| Owner {
                policy: name.clone(),
                since: ownership.since,
                let_go: ownership.let_go,
                in_files: in_files(name),
            })
            .collect()
    }

    /// Says in words what a plan made now would do about a SKU.
    fn next(&self, sku: SkuId, plan: &Plan) -> Vec<String> {
        let id = self.user().id;
        let mut next = Vec::new();
        for operation in plan.operations.iter().filter(|operation| operation.user.id == id) {
            let held = match operation.held_by.as_slice() {
                [] => String::new(),
                guards => format!(", held by {}", crate::plan::digest::guard_list(guards)),
            };
            for addition in operation.add.iter().filter(|addition| addition.sku.id == sku) {
                let what =
                    if addition.held { "its service plans are changed" } else { "it is assigned" };
                next.push(format!("{what}{held}"));
            }
            if operation.remove.iter().any(|removed| removed.id == sku) {
                next.push(format!("it is removed{held}"));
            }
            for adoption in operation.adopt.iter().filter(|adoption| adoption.sku.id == sku) {
                let owners: Vec<&str> = adoption.owners.iter().map(PolicyName::as_str).collect();
                next.push(format!("policy {} comes to own it{held}", owners.join(", ")));
            }
        }
        let mine = |user: &UserRef, of: &SkuRef| user.id == id && of.id == sku;
        for blocked in plan.blocked.iter().filter(|b| b.user.id == id) {
            if blocked.sku.as_ref().is_some_and(|of| of.id == sku) {
                next.push(format!("blocked: {}", blocked.detail));
            }
        }
        for waiting in plan.waiting.iter().filter(|w| mine(&w.user, &w.sku)) {
            let since = waiting.since.strftime("%Y-%m-%d %H:%M UTC");
            let meanwhile = waiting
                .meanwhile
                .as_ref()
                .map_or(String::new(), |sku| format!(", with {} meanwhile", sku.name));
            let place = waiting.position;
            next.push(format!(
                "waits for a seat, at place {place} in the queue, since {since}{meanwhile}"
            ));
        }
        for scheduled in plan.scheduled.iter().filter(|s| mine(&s.user, &s.sku)) {
            let because: Vec<&str> =
                scheduled.because.iter().map(|because| because.policy.as_str()).collect();
            let due = scheduled.due.strftime("%Y-%m-%d %H:%M UTC");
            let plans: Vec<&str> = scheduled.service_plans.iter().map(|plan| &*plan.name).collect();
            let what = match plans.as_slice() {
                [] => "it is removed".to_owned(),
                plans => format!("{} is switched off", plans.join(", ")),
            };
            next.push(format!("{what} on {due} ({})", because.join(", ")));
        }
        for released in plan.released.iter().filter(|r| mine(&r.user, &r.sku)) {
            let policy = &released.policy;
            next.push(format!("left alone: policy {policy} is gone from the files"));
        }
        next
    }

    /// Says why nothing happens to a SKU, where that needs saying.
    fn stays(&self, sku: SkuId) -> Option<String> {
        let owned = self.inputs.ledger.owners.contains_key(&(self.user().id, sku));
        let voices = || (0..self.bound.policies.len()).filter_map(|at| self.voice(at, sku));
        let wanted =
            voices().any(|voice| voice.effect == Effect::Grants && voice.matches == Truth::True);
        match self.assignment(sku) {
            None if voices().next().is_none() => {
                Some("nothing: the user does not have it, and no policy speaks of it".to_owned())
            }
            Some(held) if held.direct().is_some() && !wanted && !owned => Some(
                "stays: no policy wants it and none owns it, so it is nobody's to remove"
                    .to_owned(),
            ),
            None | Some(_) => None,
        }
    }

    fn location(&self, plan: &Plan) -> Option<String> {
        let operation = plan.operations.iter().find(|op| op.user.id == self.user().id)?;
        let change = operation.usage_location?;
        let because: Vec<String> = operation
            .because
            .iter()
            .filter(|because| because.sku.is_none())
            .map(|Because { policy, at, sku: _, reason: _, detail: _ }| format!("{policy} ({at})"))
            .collect();
        let from = change.from.map_or_else(|| "none".to_owned(), |from| from.to_string());
        Some(format!("{from} becomes {}, by {}", change.to, because.join(", ")))
    }
}

fn effect(terms: &Terms, sku: SkuId) -> Option<Effect> {
    if let Some(PlanTerms::Unsaid | PlanTerms::Off(_)) = terms.grants.get(&sku) {
        return Some(Effect::Grants);
    }
    match &terms.takes {
        Takes::Removes(which) if which.includes(sku) => Some(Effect::Removes),
        Takes::Replaces(which) if which.includes(sku) => Some(Effect::Replaces),
        Takes::Nothing | Takes::Removes(_) | Takes::Replaces(_) => None,
    }
}

/// Returns what a policy that does not fit the tenant would do with a SKU, as it was written.
fn written_effect(action: &Action, sku: &Sku) -> Option<Effect> {
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
                Removal::Sku(sku) => is_named(sku),
                Removal::ServicePlans { sku: _, plans: _ } => false,
            };
            listed.iter().any(named).then_some(Effect::Removes)
        }
    }
}

#[cfg(test)]
mod tests;
