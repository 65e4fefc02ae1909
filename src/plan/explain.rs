//! Why a user has, lacks or will lose each SKU: the same decisions as a plan's, told for one user.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::known::{Known, Truth};
use crate::domain::names::PolicyName;
use crate::domain::sku::Sku;
use crate::domain::user::{Assignment, AssignmentSource};
use crate::plan::bind::{Bound, BoundLadder, Part, Problem, bind};
use crate::plan::make::{Inputs, make};
use crate::plan::resolve::Resolver;
use crate::plan::words::Words;
use crate::plan::{Because, Blocked, Plan, SkuRef, UserRef};
use policies::{takes_all, written_effect};

mod policies;
mod selectors;
mod steps;
mod verdict;

pub use policies::{PolicyVoice, Standing};
pub use selectors::{Finding, Joins};
pub use steps::Step;

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
    /// How the user stands with it and why, in one sentence.
    pub verdict: String,
    /// How the user has it.
    pub has: Has,
    /// Whether the policies want the user to have it.
    pub wanted: bool,
    /// The higher rung of its ladder that is wanted, where one is.
    pub outranked_by: Option<SkuRef>,
    /// The ladders it is a rung of.
    pub ladders: Vec<LadderVoice>,
    /// What each policy that speaks of the SKU says.
    pub policies: Vec<PolicyVoice>,
    /// The policies that own the assignment.
    pub owners: Vec<Owner>,
    /// What comes next, the most telling first.
    pub steps: Vec<Step>,
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
    /// Graph did not return the user's licenses.
    NotRead,
}

/// A ladder, and where the user stands on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderVoice {
    /// The ladder.
    pub name: PolicyName,
    /// Where it stands, as `file:line`.
    pub at: Arc<str>,
    /// Its rungs, highest first.
    pub rungs: Vec<RungVoice>,
    /// Whether who finds no seat takes a lower rung meanwhile.
    pub fall_back: bool,
    /// What is taken meanwhile.
    pub meanwhile: Option<Meanwhile>,
}

/// A rung, and how the user stands with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RungVoice {
    /// The SKU.
    pub sku: SkuRef,
    /// Whether the user has it.
    pub held: bool,
    /// Whether policies give it to the user.
    pub given: bool,
}

/// A lower rung that stands in for one that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// The lower rung.
    pub sku: SkuRef,
    /// The one that is waited for.
    pub waits_for: SkuRef,
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
    /// Takes single service plans of it away.
    SwitchesOff,
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
    let protected = bound.protected.contains(&user);
    let of_user = |blocked: &&Blocked| blocked.user.id == user && blocked.sku.is_none();
    let blocked: Vec<Blocked> = planned.plan.blocked.iter().filter(of_user).cloned().collect();
    let skus = asking
        .skus(&planned.plan)
        .into_iter()
        .chain(only)
        .collect::<BTreeSet<SkuId>>()
        .into_iter()
        .filter(|sku| only.is_none_or(|only| only == *sku))
        .map(|sku| {
            let mut told = asking.sku(sku, &planned.plan);
            told.verdict = verdict::verdict(&told, protected, &blocked);
            told
        })
        .collect();
    Ok(Some(Explanation {
        user: words.user(at),
        protected,
        snapshot_taken_at: inputs.snapshot.taken_at(),
        skus,
        location: asking.location(&planned.plan),
        blocked,
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
        let named = |sku: &&Sku| {
            let effects =
                broken().map(|p| (written_effect(&p.policy.action, sku), &p.policy.action));
            let mut told = effects.filter(|(_, action)| !takes_all(action));
            told.any(|(effect, _)| effect.is_some())
        };
        let catalogue = self.inputs.snapshot.catalogue();
        skus.extend(catalogue.skus().iter().filter(named).map(|sku| sku.id));
        let id = self.user().id;
        skus.extend(plan.released.iter().filter(|r| r.user.id == id).map(|r| r.sku.id));
        skus
    }

    /// Tells everything about a SKU but the verdict, which follows from it.
    fn sku(&self, sku: SkuId, plan: &Plan) -> SkuExplanation {
        let outranked_by = self.outranked_by(sku);
        SkuExplanation {
            sku: self.words.sku(sku),
            verdict: String::new(),
            has: self.has(sku),
            wanted: self.is_wanted(sku) && outranked_by.is_none(),
            outranked_by: outranked_by.map(|rung| self.words.sku(rung)),
            ladders: self.ladders(sku, plan),
            policies: self.voices(sku),
            owners: self.owners(sku),
            steps: steps::steps(plan, self.inputs.ledger, self.user().id, sku),
            stays: self.stays(sku),
        }
    }

    /// Returns what all policies that speak of a SKU do with it, and whether they match.
    fn all_say(&self, sku: SkuId) -> impl Iterator<Item = (Effect, Truth)> + '_ {
        (0..self.bound.policies.len()).filter_map(move |policy| self.says(policy, sku))
    }

    /// Whether some policy grants a SKU and none takes it away.
    fn is_wanted(&self, sku: SkuId) -> bool {
        let says = |effect: Effect| self.all_say(sku).any(|said| said == (effect, Truth::True));
        says(Effect::Grants) && !says(Effect::Removes)
    }

    /// Returns the higher rung of a ladder that is wanted.
    fn outranked_by(&self, sku: SkuId) -> Option<SkuId> {
        let above = |ladder: &BoundLadder<'_>| {
            let place = ladder.place(sku)?;
            ladder.rungs[..place].iter().copied().find(|rung| self.is_wanted(*rung))
        };
        self.bound.ladders.iter().find_map(above)
    }

    fn ladders(&self, sku: SkuId, plan: &Plan) -> Vec<LadderVoice> {
        let ladders = self.bound.ladders.iter().filter(|ladder| ladder.place(sku).is_some());
        ladders.map(|ladder| self.ladder(ladder, plan)).collect()
    }

    fn ladder(&self, ladder: &BoundLadder<'_>, plan: &Plan) -> LadderVoice {
        let BoundLadder { ladder: written, rungs } = ladder;
        let mine = plan.waiting.iter().filter(|waiting| waiting.user.id == self.user().id);
        let meanwhile = mine
            .filter(|waiting| ladder.place(waiting.sku.id).is_some())
            .find_map(|waiting| waiting.meanwhile.clone().map(|sku| (sku, waiting.sku.clone())));
        let rung = |rung: &SkuId| RungVoice {
            sku: self.words.sku(*rung),
            held: self.assignment(*rung).is_some(),
            given: self.is_wanted(*rung),
        };
        LadderVoice {
            name: written.name.clone(),
            at: written.place.file_and_line().into(),
            rungs: rungs.iter().map(rung).collect(),
            fall_back: written.fall_back,
            meanwhile: meanwhile.map(|(sku, waits_for)| Meanwhile { sku, waits_for }),
        }
    }

    fn has(&self, sku: SkuId) -> Has {
        match self.assignment(sku).map(|assignment| &assignment.source) {
            None if self.user().licenses == Known::Unknown => Has::NotRead,
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

    /// Says why nothing happens to a SKU, where that needs saying.
    fn stays(&self, sku: SkuId) -> Option<String> {
        let owned = self.inputs.ledger.owners.contains_key(&(self.user().id, sku));
        let wanted = self.all_say(sku).any(|said| said == (Effect::Grants, Truth::True));
        match self.assignment(sku) {
            None if self.all_say(sku).next().is_none() => {
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

#[cfg(test)]
mod tests;
