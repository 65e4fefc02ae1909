//! Plans to look at only: at another time, or from a snapshot that was exported.
//!
//! Made by the same functions as any other plan; nothing is stored, decided on or carried out by them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::plan::bind::Problem;
use crate::plan::guard::Owned;
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, Planned, Scope, make, make_counting};
use crate::plan::{Because, Digest, SkuRef, UserRef};

/// Why a plan is one to look at only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// Where its snapshot comes from.
    pub snapshot: SnapshotFrom,
    /// The time that it was made for.
    pub at: Timestamp,
}

/// Where the snapshot of a plan comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SnapshotFrom {
    /// It was read from the tenant for this plan.
    Tenant,
    /// It was exported to a file before.
    File,
}

/// The policies that a plan is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The digest of their files.
    pub policy_digest: Digest,
    /// The commit that their directory stood at, where it is a git work tree without changes.
    pub policy_commit: Option<Arc<str>>,
}

/// What a baseline says of a user and these policies do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoLonger {
    /// What it says.
    pub what: Aside,
    /// Of whom.
    pub user: UserRef,
    /// The SKU this is about; none where it is about the user as a whole.
    pub sku: Option<SkuRef>,
    /// What asked for it, in the baseline.
    pub because: Vec<Because>,
}

/// Where in a plan something is said of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aside {
    /// Among the operations.
    Planned,
    /// Among what cannot be done.
    Blocked,
    /// Among those who wait for a seat.
    Waiting,
    /// Among the removals whose grace runs.
    Scheduled,
    /// Among what is let go.
    Released,
}

/// Makes a plan as it would be at a time, if nothing but time passed: cycles see what begins and ends
/// meanwhile, nothing is carried out. The time of `inputs` is where that begins; a time before it
/// counts as that time.
///
/// # Errors
///
/// As [`make`].
pub fn foresee(
    inputs: &Inputs<'_>,
    at: Timestamp,
    snapshot: SnapshotFrom,
) -> Result<Planned, Vec<Problem>> {
    let (mut planned, _) = made_at(inputs, at)?;
    planned.plan.basis.simulated = Some(Simulated { snapshot, at: planned.plan.created_at });
    Ok(planned)
}

/// Makes a plan as it would be at a time, and counts who holds what policies own.
pub(crate) fn made_at(
    inputs: &Inputs<'_>,
    at: Timestamp,
) -> Result<(Planned, Owned), Vec<Problem>> {
    let now = at.max(inputs.now);
    let ledger = lapse(inputs, now)?;
    make_counting(&Inputs { ledger: &ledger, now, ..*inputs }, &Scope::Everybody)
}

/// Returns the ledger as cycles leave it that look until a time, and do nothing. Between two
/// instants at which a policy begins or ends, the first cycle sees what there is to see; only what
/// follows from a grace that runs out, and was not done, is seen at the end.
fn lapse<'a>(inputs: &Inputs<'a>, until: Timestamp) -> Result<Cow<'a, Ledger>, Vec<Problem>> {
    let mut ledger = Cow::Borrowed(inputs.ledger);
    for now in looks(inputs, until) {
        let planned = make(&Inputs { ledger: &ledger, now, ..*inputs })?;
        if !planned.observed.is_empty() {
            ledger = Cow::Owned(ledger.after(&planned.observed).into_owned());
        }
    }
    Ok(ledger)
}

/// Returns when cycles have something new to see before a time: at the start, and whenever a policy
/// begins or ends.
fn looks(inputs: &Inputs<'_>, until: Timestamp) -> BTreeSet<Timestamp> {
    let zone = &inputs.settings.time_zone;
    let is_ours =
        |tenants: &Option<Vec<_>>| tenants.as_ref().is_none_or(|only| only.contains(inputs.tenant));
    let policies = inputs.policies.policies.iter().filter(|policy| is_ours(&policy.tenants));
    let edges = policies.flat_map(|policy| [policy.from.as_ref(), policy.until.as_ref()]);
    let edges = edges.flatten().map(|moment| moment.value.at(zone));
    let times = edges.filter(|at| *at > inputs.now).chain([inputs.now]);
    times.filter(|at| *at < until).collect()
}

#[cfg(test)]
mod tests;
