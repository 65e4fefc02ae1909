//! Limits that hold a plan until a person has looked. Every verdict tells its sum.
//!
//! Compared strictly: more than the limit trips, zero forbids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::plan::{Because, GuardName, Operation, PlanState, Reason, SkuRef, Verdict};
use crate::policy::settings::{CountLimit, GuardSettings, MaxRemovals, PercentLimit};

/// Below this many owned, a share is no measure: two people are the limit instead.
const FEW: u64 = 20;
const FEW_LIMIT: u64 = 2;

/// How many people there are with an assignment that policies own, per SKU and in all.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    per_sku: BTreeMap<SkuId, u64>,
    people: u64,
}

impl Owned {
    /// Counts one user who holds these.
    pub(crate) fn count(&mut self, skus: &[SkuId]) {
        self.people += u64::from(!skus.is_empty());
        for sku in skus {
            *self.per_sku.entry(*sku).or_default() += 1;
        }
    }
}

/// Judges the operations of a plan. Returns all verdicts and the users whose operation counts as a
/// removal.
pub(crate) fn judge(
    operations: &[Operation],
    settings: &GuardSettings,
    ledger_is_empty: bool,
    owned: &Owned,
    names: impl Fn(SkuId) -> Arc<str>,
) -> (Vec<Verdict>, BTreeSet<UserId>) {
    let mut verdicts = Vec::new();
    if settings.first_plan {
        let count = operations.len();
        let actual = match (ledger_is_empty, count) {
            (true, 0) => "the ledger is empty, and there is nothing to do".to_owned(),
            (true, 1) => "the ledger is empty: 1 operation would be the first".to_owned(),
            (true, _) => format!("the ledger is empty: {count} operations would be the first"),
            (false, _) => "the ledger is not empty".to_owned(),
        };
        verdicts.push(Verdict {
            guard: GuardName::FirstPlan,
            scope: "tenant".into(),
            limit: "a person looks at the first plan".to_owned(),
            actual,
            tripped: ledger_is_empty && count > 0,
        });
    }
    let mut losers: BTreeMap<SkuId, u64> = BTreeMap::new();
    let mut people = BTreeSet::new();
    for operation in operations.iter().filter(|operation| counts(operation)) {
        people.insert(operation.user.id);
        for sku in operation.remove.iter().filter(|sku| is_lost(operation, sku)) {
            *losers.entry(sku.id).or_default() += 1;
        }
    }
    for (sku, count) in losers {
        let of = owned.per_sku.get(&sku).copied().unwrap_or_default();
        verdicts.push(removals(names(sku), count, of, settings.max_removals));
    }
    let count = people.len() as u64;
    verdicts.push(removals("tenant".into(), count, owned.people, settings.max_removals));
    (verdicts, people)
}

/// Whether an operation takes something away for good: a SKU that goes without another in its
/// place, or (a swap and switching service plans off too) what starts a deletion clock.
fn counts(operation: &Operation) -> bool {
    !operation.data_at_risk.is_empty() || operation.remove.iter().any(|sku| is_lost(operation, sku))
}

/// Whether a SKU goes without another in its place, or data with it. That the same call happens to
/// give something else for a reason of its own makes no swap.
fn is_lost(operation: &Operation, sku: &SkuRef) -> bool {
    let given_by = |policy: &PolicyName| {
        operation.add.iter().any(|addition| !addition.held && addition.owners.contains(policy))
    };
    let swapped = |why: &Because| match why.reason {
        Reason::Replaced | Reason::Exchanged | Reason::Outranked | Reason::SteppedDown => {
            given_by(&why.policy)
        }
        // Of what is asked for once, everything in the call is for the one reason.
        Reason::Requested | Reason::Reverted => operation.add.iter().any(|addition| !addition.held),
        Reason::Matched | Reason::Removed | Reason::Left | Reason::Located => false,
    };
    let mut why = operation.because.iter().filter(|why| why.sku.as_ref() == Some(sku));
    !operation.data_at_risk.is_empty() || !why.all(swapped)
}

fn removals(scope: Arc<str>, count: u64, owned: u64, limits: MaxRemovals) -> Verdict {
    let share = match limits.percent {
        PercentLimit::Unlimited => None,
        PercentLimit::AtMost(percent) if owned < FEW && percent.of(10_000) > 0 => {
            Some((FEW_LIMIT, format!("{FEW_LIMIT} while fewer than {FEW} are owned")))
        }
        PercentLimit::AtMost(percent) => {
            let most = percent.of(owned);
            Some((most, format!("{percent} of {owned} owned, that is {most}")))
        }
    };
    let count_limit = match limits.count {
        CountLimit::Unlimited => None,
        CountLimit::AtMost(most) => Some((most, most.to_string())),
    };
    // The stricter of the two holds; where they come to the same, the count is the plainer word.
    let stricter = [count_limit, share].into_iter().flatten().min_by_key(|(most, _)| *most);
    Verdict {
        guard: GuardName::MaxRemovals,
        scope,
        limit: stricter.as_ref().map_or_else(|| "unlimited".to_owned(), |(_, words)| words.clone()),
        actual: format!("{count} of {owned} owned"),
        tripped: stricter.is_some_and(|(most, _)| count > most),
    }
}

/// Returns the guards that tripped, each once.
pub fn tripped(verdicts: &[Verdict]) -> BTreeSet<GuardName> {
    verdicts.iter().filter(|verdict| verdict.tripped).map(|verdict| verdict.guard).collect()
}

/// Returns where a new plan stands after its verdicts.
pub(crate) fn state(verdicts: &[Verdict]) -> PlanState {
    if tripped(verdicts).is_empty() { PlanState::Proposed } else { PlanState::Held }
}

#[cfg(test)]
mod tests;
