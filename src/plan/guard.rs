//! Limits that hold a plan until a person has looked. Every verdict tells its sum.
//!
//! Compared strictly: more than the limit trips, zero forbids.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::plan::{Because, GuardName, Operation, PlanState, Reason, Scheduled, SkuRef, Verdict};
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

/// Who loses something.
#[derive(Default)]
struct Losers {
    /// By what is done now.
    now: BTreeSet<UserId>,
    /// When their grace is over.
    later: BTreeSet<UserId>,
}

/// Judges the operations of a plan, and notes on each which guards hold it. Returns all verdicts.
///
/// Removals that come `later`, when their grace is over, count where a plan is compared with another:
/// that is when a reviewer can still stop them. Elsewhere there are none of them, since each is judged
/// when it is due.
pub(crate) fn judge(
    operations: &mut [Operation],
    later: &[Scheduled],
    settings: &GuardSettings,
    ledger_is_empty: bool,
    owned: &Owned,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if settings.first_plan {
        verdicts.push(first_plan(operations.len(), ledger_is_empty));
    }
    let mut losers: BTreeMap<&SkuRef, Losers> = BTreeMap::new();
    let mut people = Losers::default();
    for operation in operations.iter().filter(|operation| counts(operation)) {
        people.now.insert(operation.user.id);
        for sku in operation.remove.iter().filter(|sku| is_lost(operation, sku)) {
            losers.entry(sku).or_default().now.insert(operation.user.id);
        }
    }
    for scheduled in later.iter().filter(|scheduled| scheduled.service_plans.is_empty()) {
        people.later.insert(scheduled.user.id);
        losers.entry(&scheduled.sku).or_default().later.insert(scheduled.user.id);
    }
    for (sku, losers) in losers {
        let of = owned.per_sku.get(&sku.id).copied().unwrap_or_default();
        verdicts.push(removals(&sku.name, &losers, of, settings.max_removals));
    }
    verdicts.push(removals("tenant", &people, owned.people, settings.max_removals));
    let holding: Vec<GuardName> = tripped(&verdicts).into_iter().collect();
    for operation in operations {
        let counted = people.now.contains(&operation.user.id);
        let holds = |guard: &&GuardName| !guard.holds_removals_only() || counted;
        operation.held_by = holding.iter().filter(holds).copied().collect();
    }
    verdicts
}

fn first_plan(count: usize, ledger_is_empty: bool) -> Verdict {
    let actual = match (ledger_is_empty, count) {
        (true, 0) => "the ledger is empty, and there is nothing to do".to_owned(),
        (true, 1) => "the ledger is empty: 1 operation would be the first".to_owned(),
        (true, _) => format!("the ledger is empty: {count} operations would be the first"),
        (false, _) => "the ledger is not empty".to_owned(),
    };
    Verdict {
        guard: GuardName::FirstPlan,
        scope: "tenant".into(),
        limit: "a person looks at the first plan".to_owned(),
        actual,
        tripped: ledger_is_empty && count > 0,
    }
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
        Reason::Matched | Reason::Removed | Reason::Left | Reason::Withdrawn | Reason::Located => {
            false
        }
    };
    let mut why = operation.because.iter().filter(|why| why.sku.as_ref() == Some(sku));
    !operation.data_at_risk.is_empty() || !why.all(swapped)
}

fn removals(scope: &str, losers: &Losers, owned: u64, limits: MaxRemovals) -> Verdict {
    let only_later = losers.later.difference(&losers.now).count();
    let count = (losers.now.len() + only_later) as u64;
    let later = match only_later {
        0 => String::new(),
        later => format!(", {later} of them when their grace is over"),
    };
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
        scope: scope.into(),
        limit: stricter.as_ref().map_or_else(|| "unlimited".to_owned(), |(_, words)| words.clone()),
        actual: format!("{count} of {owned} owned{later}"),
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
