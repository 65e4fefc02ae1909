//! Names to ids: fits policies to a tenant. A policy with a problem takes no part, and nothing that
//! it owns is removed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::{Place, TenantName};
use crate::domain::snapshot::Snapshot;
use crate::domain::user::ServicePlanSet;
use crate::plan::Warning;
use crate::plan::select::{Columns, Tree};
use crate::policy::settings::Settings;
use crate::policy::{LocationRule, Policy, PolicySet, Written};
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
    /// It is for other tenants: it matches nobody here.
    Elsewhere,
    /// It does not fit the tenant: nothing is granted, and nothing that it owns is removed.
    Broken,
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
    /// The tests of all selectors, evaluated.
    pub(crate) columns: Columns,
    /// The users whom nothing touches, in order.
    pub(crate) protected: BTreeSet<UserId>,
    /// Seats to keep free.
    pub(crate) reserve: BTreeMap<SkuId, u32>,
    /// What does not fit, in policies.
    pub(crate) problems: Vec<(usize, Problem)>,
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
) -> Result<Bound<'a>, Vec<Problem>> {
    let is_for =
        |policy: &&Policy| policy.tenants.as_ref().is_none_or(|only| only.contains(tenant));
    let mut names = Names::new(tenant, snapshot);
    for policy in policies.policies.iter().filter(is_for) {
        names.fit_lists(&policy.selector);
    }
    let names = names;
    let mut columns = Columns::default();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let bound = policies
        .policies
        .iter()
        .enumerate()
        .map(|(index, policy)| {
            let part = if is_for(&policy) {
                match names.terms(policy, &mut columns, &mut warnings) {
                    Ok(terms) => Part::Taken(terms),
                    Err(found) => {
                        problems.extend(found.into_iter().map(|problem| (index, problem)));
                        Part::Broken
                    }
                }
            } else {
                Part::Elsewhere
            };
            BoundPolicy { policy, at: policy.place.file_and_line().into(), part }
        })
        .collect();
    warnings.extend(names.misfits());
    columns.evaluate(snapshot);
    warnings.extend(columns.warnings());
    let protected = names.protected(settings);
    let reserve = names.reserve(settings);
    match (protected, reserve) {
        (Ok(protected), Ok(reserve)) => {
            Ok(Bound { policies: bound, columns, protected, reserve, problems, warnings })
        }
        (protected, reserve) => {
            let mut found = protected.err().unwrap_or_default();
            found.extend(reserve.err().unwrap_or_default());
            Err(found)
        }
    }
}

#[cfg(test)]
mod tests;
