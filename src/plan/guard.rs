//! Limits that hold a plan until a person has looked. Every verdict tells its sum.
//!
//! Compared strictly: more than the limit trips, zero forbids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::plan::ledger::Ledger;
use crate::plan::source::DAY;
use crate::plan::{
    Because, GuardName, Kind, Operation, Plan, PlanState, Reason, Scheduled, SkuRef, Verdict,
};
use crate::policy::settings::{CountLimit, GuardSettings, MaxChanges, MaxRemovals, PercentLimit};

pub(crate) mod sources;

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

/// What operations are judged by.
pub(crate) struct Judging<'a> {
    /// Removals that come when their grace is over. They count where a plan is compared with another:
    /// that is when a reviewer can still stop them. Elsewhere there are none of them, since each is
    /// judged when it is due.
    pub(crate) later: &'a [Scheduled],
    /// The limits.
    pub(crate) settings: &'a GuardSettings,
    /// Who owns what, and who lost something lately.
    pub(crate) ledger: &'a Ledger,
    /// How many people there are with an assignment that policies own.
    pub(crate) owned: &'a Owned,
    /// Users of the tenant.
    pub(crate) users: u64,
    /// The time.
    pub(crate) now: Timestamp,
    /// The verdicts about what the plan follows from.
    pub(crate) sources: &'a [Verdict],
}

impl Judging<'_> {
    /// Judges the operations of a plan, and notes on each which guards hold it. Returns all verdicts.
    pub(crate) fn judge(&self, operations: &mut [Operation]) -> Vec<Verdict> {
        let Self { later, settings, ledger, owned, users, now: _, sources } = self;
        let mut verdicts = Vec::new();
        if settings.first_plan {
            verdicts.push(first_plan(operations.len(), ledger.is_empty()));
        }
        let mut losers: BTreeMap<&SkuRef, Losers> = BTreeMap::new();
        let mut people = Losers::default();
        for operation in operations.iter().filter(|operation| is_loss(operation)) {
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
        verdicts.push(self.removals_per_day(&people));
        verdicts.push(changes(operations, *users, settings.max_changes));
        verdicts.extend(sources.iter().cloned());
        let holding: Vec<GuardName> = tripped(&verdicts).into_iter().collect();
        for operation in operations {
            let counted = people.now.contains(&operation.user.id);
            let holds = |guard: &&GuardName| !guard.holds_removals_only() || counted;
            operation.held_by = holding.iter().filter(holds).copied().collect();
        }
        verdicts
    }

    /// People, each once, who lose something by this plan or have within the last day.
    fn removals_per_day(&self, people: &Losers) -> Verdict {
        let by_this: BTreeSet<UserId> = people.now.union(&people.later).copied().collect();
        let since = self.now - DAY;
        let lately = self.ledger.memory.losses.iter().filter(|(_, at)| **at > since);
        let others = lately.filter(|(user, _)| !by_this.contains(user)).count() as u64;
        let by_this = by_this.len() as u64;
        let count = by_this + others;
        let (most, limit) = match self.settings.removals_per_day {
            CountLimit::Unlimited => (None, "unlimited".to_owned()),
            CountLimit::AtMost(most) => (Some(most), format!("{most} within 24 hours")),
        };
        Verdict {
            guard: GuardName::RemovalsPerDay,
            scope: "tenant".into(),
            limit,
            actual: format!("{by_this} by this plan and {others} in the 24 hours before"),
            counted: Some(count),
            most,
            // Where nothing is removed there is nothing to hold.
            tripped: by_this > 0 && most.is_some_and(|most| count > most),
        }
    }
}

/// People with an operation that calls Graph, of the users of the tenant.
fn changes(operations: &[Operation], users: u64, limits: MaxChanges) -> Verdict {
    let MaxChanges { percent, above } = limits;
    let people = operations.iter().filter(|operation| operation.kind != Kind::Adopt).count() as u64;
    let (most, limit) = match percent {
        PercentLimit::Unlimited => (None, "unlimited".to_owned()),
        PercentLimit::AtMost(percent) if percent.of(users) > above => {
            let most = percent.of(users);
            (Some(most), format!("{percent} of {users} users, that is {most}"))
        }
        PercentLimit::AtMost(_) => (Some(above), above.to_string()),
    };
    Verdict {
        guard: GuardName::MaxChanges,
        scope: "tenant".into(),
        limit,
        actual: format!("{people} of {users} users"),
        counted: Some(people),
        most,
        tripped: most.is_some_and(|most| people > most),
    }
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
        counted: None,
        most: None,
        tripped: ledger_is_empty && count > 0,
    }
}

/// Whether an operation takes something away for good: a SKU that goes without another in its
/// place, or (a swap and switching service plans off too) what starts a deletion clock.
pub(crate) fn is_loss(operation: &Operation) -> bool {
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
        // What a policy takes from anybody need not be owned by one.
        actual: if count > owned {
            format!("{count}, and {owned} owned{later}")
        } else {
            format!("{count} of {owned} owned{later}")
        },
        counted: Some(count),
        most: stricter.as_ref().map(|(most, _)| *most),
        tripped: stricter.is_some_and(|(most, _)| count > most),
    }
}

/// Returns the guards that tripped, each once.
pub fn tripped(verdicts: &[Verdict]) -> BTreeSet<GuardName> {
    verdicts.iter().filter(|verdict| verdict.tripped).map(|verdict| verdict.guard).collect()
}

/// Returns where a new plan stands after its verdicts. Where there is nothing to do, there is nothing
/// to hold; in a comparison of policies, what they would take away later counts as well.
pub(crate) fn state(plan: &Plan) -> PlanState {
    let takes_later = plan.basis.baseline.is_some() && !plan.scheduled.is_empty();
    let does_something = !plan.operations.is_empty() || takes_later;
    let is_held = !tripped(&plan.guards).is_empty() && does_something;
    if is_held { PlanState::Held } else { PlanState::Proposed }
}

#[cfg(test)]
mod tests;
