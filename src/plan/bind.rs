//! Names to ids: fits policies to a tenant. A policy with a problem takes no part, and nothing that
//! it owns is removed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::ids::{GroupId, ServicePlanId, SkuId, UserId};
use crate::domain::names::{Place, TenantName};
use crate::domain::snapshot::Snapshot;
use crate::domain::user::ServicePlanSet;
use crate::plan::Warning;
use crate::plan::select::{Columns, Tree};
use crate::policy::settings::Settings;
use crate::policy::{Ladder, LocationRule, Policy, PolicySet, Written};
use names::Names;

mod lists;
mod names;

/// Something that a person wrote and that does not fit the tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it was written.
    pub place: Place,
    /// What was written there, to be underlined.
    pub written: Arc<str>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    fn at(written: &Written<Arc<str>>, message: String, hint: Option<String>) -> Self {
        Self { place: written.place.clone(), written: written.value.clone(), message, hint }
    }
}

/// A policy fitted to the tenant.
#[derive(Debug)]
pub(crate) struct BoundPolicy<'a> {
    /// The policy as written.
    pub(crate) policy: &'a Policy,
    /// Where it stands, as `file:line`.
    pub(crate) at: Arc<str>,
    /// Whether it takes part, and how.
    pub(crate) part: Part,
}

/// Whether a policy takes part.
#[derive(Debug)]
pub(crate) enum Part {
    /// It does.
    Taken(Terms),
    /// It matches nobody at this time, and what it owns is let go.
    Idle(Idle),
    /// It is for other tenants: it matches nobody here.
    Elsewhere,
    /// It does not fit the tenant: nothing is granted, and nothing that it owns is removed.
    Broken,
}

/// Why a policy matches nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// It says so.
    Retired,
    /// Its window has not begun.
    NotYet,
    /// Its window is over.
    Over,
}

/// A policy in ids.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Whom it matches.
    pub(crate) tree: Tree,
    /// What it grants, in the order of SKU ids.
    pub(crate) grants: BTreeMap<SkuId, PlanTerms>,
    /// What it takes away.
    pub(crate) takes: Takes,
    /// The single service plans that it takes away.
    pub(crate) switches_off: SwitchesOff,
    /// What it says about the location.
    pub(crate) location: Option<LocationRule>,
    /// Who gets the last seats.
    pub(crate) priority: i32,
    /// Whether it names users whom nobody can be found for.
    pub(crate) names_nobody: bool,
}

/// What a policy says about the service plans of a SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlanTerms {
    /// Nothing.
    Unsaid,
    /// These of the switchable ones are off, the others on.
    Off(ServicePlanSet),
}

/// Single service plans that a policy takes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SwitchesOff {
    /// In any SKU.
    pub(crate) anywhere: BTreeSet<ServicePlanId>,
    /// In certain SKUs.
    pub(crate) within: BTreeMap<SkuId, BTreeSet<ServicePlanId>>,
}

impl SwitchesOff {
    /// Whether it takes away a service plan of a SKU.
    pub(crate) fn includes(&self, sku: SkuId, plan: ServicePlanId) -> bool {
        self.anywhere.contains(&plan)
            || self.within.get(&sku).is_some_and(|plans| plans.contains(&plan))
    }

    /// Whether it takes nothing away.
    pub(crate) fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.within.is_empty()
    }
}

/// A ladder in ids.
#[derive(Debug)]
pub(crate) struct BoundLadder<'a> {
    /// The ladder as written.
    pub(crate) ladder: &'a Ladder,
    /// The SKUs, highest first.
    pub(crate) rungs: Vec<SkuId>,
}

impl BoundLadder<'_> {
    /// Returns how far from the top a SKU stands, where it is a rung.
    pub(crate) fn place(&self, sku: SkuId) -> Option<usize> {
        self.rungs.iter().position(|rung| *rung == sku)
    }
}

/// What a policy takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing.
    Nothing,
    /// By `action: remove`.
    Removes(Which),
    /// By `action: replace`.
    Replaces(Which),
}

/// Which direct assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// These SKUs.
    Listed(BTreeSet<SkuId>),
}

impl Which {
    /// Whether this SKU is meant.
    pub(crate) fn includes(&self, sku: SkuId) -> bool {
        match self {
            Self::All => true,
            Self::Listed(skus) => skus.contains(&sku),
        }
    }

    /// Whether this SKU is meant by name.
    pub(crate) fn names(&self, sku: SkuId) -> bool {
        match self {
            Self::All => false,
            Self::Listed(skus) => skus.contains(&sku),
        }
    }
}

/// All policies fitted to the tenant.
#[derive(Debug)]
pub(crate) struct Bound<'a> {
    /// The policies, in the order of the files.
    pub(crate) policies: Vec<BoundPolicy<'a>>,
    /// The ladders, in the order of the files.
    pub(crate) ladders: Vec<BoundLadder<'a>>,
    /// The tests of all selectors, evaluated.
    pub(crate) columns: Columns,
    /// The users whom nothing touches, in order.
    pub(crate) protected: BTreeSet<UserId>,
    /// The groups of such users.
    pub(crate) protected_groups: BTreeSet<GroupId>,
    /// Seats to keep free.
    pub(crate) reserve: BTreeMap<SkuId, u32>,
    /// What does not fit, in policies.
    pub(crate) problems: Vec<(usize, Problem)>,
    /// What does not fit, in ladders. Such a ladder takes no part: less is taken away.
    pub(crate) ladder_problems: Vec<Problem>,
    /// What a reviewer should know.
    pub(crate) warnings: Vec<Warning>,
}

impl Bound<'_> {
    /// Returns the SKUs that policies grant or take away by name.
    pub(crate) fn granted(&self) -> BTreeSet<SkuId> {
        let mut skus = BTreeSet::new();
        for policy in &self.policies {
            let Part::Taken(terms) = &policy.part else { continue };
            skus.extend(terms.grants.keys());
            match &terms.takes {
                Takes::Removes(Which::Listed(listed)) | Takes::Replaces(Which::Listed(listed)) => {
                    skus.extend(listed);
                }
                Takes::Nothing | Takes::Removes(Which::All) | Takes::Replaces(Which::All) => {}
            }
        }
        skus
    }
}

/// Fits policies and settings to a tenant.
///
/// # Errors
///
/// Returns what does not fit in the *settings*: a protected user or group that cannot be found or
/// read whole protects nobody, so no plan may be made at all.
pub(crate) fn bind<'a>(
    policies: &'a PolicySet,
    settings: &Settings,
    tenant: &TenantName,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Bound<'a>, Vec<Problem>> {
    let is_for =
        |policy: &&Policy| policy.tenants.as_ref().is_none_or(|only| only.contains(tenant));
    let fits_lists = |policy: &&Policy| is_for(policy) && !policy.retired;
    let mut names = Names::new(tenant, snapshot);
    for policy in policies.policies.iter().filter(fits_lists) {
        names.fit_lists(&policy.selector);
    }
    let mut columns = Columns::default();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let bound = policies
        .policies
        .iter()
        .enumerate()
        .map(|(index, policy)| {
            let part = if !is_for(&policy) {
                Part::Elsewhere
            } else if policy.retired {
                // What it names may be gone from the tenant by now.
                Part::Idle(Idle::Retired)
            } else {
                match names.terms(policy, &mut columns, &mut warnings) {
                    Ok(terms) => match idle(policy, &settings.time_zone, now) {
                        None => Part::Taken(terms),
                        Some(idle) => Part::Idle(idle),
                    },
                    Err(found) => {
                        problems.extend(found.into_iter().map(|problem| (index, problem)));
                        Part::Broken
                    }
                }
            };
            BoundPolicy { policy, at: policy.place.file_and_line().into(), part }
        })
        .collect();
    let mut ladder_problems = Vec::new();
    let ladders = policies
        .ladders
        .iter()
        .filter(|ladder| ladder.tenants.as_ref().is_none_or(|only| only.contains(tenant)))
        .filter_map(|ladder| match names.rungs(ladder) {
            Ok(rungs) => Some(BoundLadder { ladder, rungs }),
            Err(found) => {
                ladder_problems.extend(found);
                None
            }
        })
        .collect();
    warnings.extend(names.misfits());
    columns.evaluate(snapshot);
    warnings.extend(columns.warnings());
    let protected = names.protected(settings);
    let reserve = names.reserve(settings);
    match (protected, reserve) {
        (Ok((protected, protected_groups)), Ok(reserve)) => Ok(Bound {
            policies: bound,
            ladders,
            columns,
            protected,
            protected_groups,
            reserve,
            problems,
            ladder_problems,
            warnings,
        }),
        (protected, reserve) => {
            let mut found = protected.err().unwrap_or_default();
            found.extend(reserve.err().unwrap_or_default());
            Err(found)
        }
    }
}

/// Returns why a policy matches nobody at a time, where it does not.
fn idle(policy: &Policy, time_zone: &TimeZone, now: Timestamp) -> Option<Idle> {
    if policy.applies_at(now, time_zone) {
        return None;
    }
    let begins = policy.from.as_ref().map(|from| from.value.at(time_zone));
    Some(if begins.is_some_and(|begins| now < begins) { Idle::NotYet } else { Idle::Over })
}

#[cfg(test)]
mod tests;
