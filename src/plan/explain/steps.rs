//! What a plan made now would do about one SKU of one user.

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::plan::digest::guard_list;
use crate::plan::ledger::Ledger;
use crate::plan::{
    Because, BlockedReason, GuardName, Plan, Reason, ServicePlanRef, SkuRef, UserRef,
};

/// Something that comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is assigned.
    Assigned {
        /// The guards that hold it.
        held_by: Vec<GuardName>,
        /// Why.
        because: Vec<Because>,
    },
    /// Its service plans are changed.
    Changed {
        /// The guards that hold it.
        held_by: Vec<GuardName>,
        /// Why.
        because: Vec<Because>,
    },
    /// It is removed.
    Removed {
        /// The guards that hold it.
        held_by: Vec<GuardName>,
        /// Why.
        because: Vec<Because>,
    },
    /// Policies come to own it.
    Adopted {
        /// The policies.
        owners: Vec<PolicyName>,
        /// The guards that hold it.
        held_by: Vec<GuardName>,
    },
    /// Something is asked for and cannot be done.
    Blocked {
        /// Why not.
        reason: BlockedReason,
        /// The same in words.
        detail: String,
        /// What asked for it, and what is in its way.
        because: Vec<Because>,
    },
    /// It waits for a seat.
    Waits {
        /// The place in the queue, from 1.
        position: u64,
        /// Since when.
        since: Timestamp,
        /// What the user has, or is given, meanwhile.
        meanwhile: Option<SkuRef>,
        /// What asked for it.
        because: Vec<Because>,
    },
    /// It, or single service plans of it, go when a grace is over.
    Goes {
        /// When.
        due: Timestamp,
        /// Since when the grace runs, where that is known.
        since: Option<Timestamp>,
        /// The service plans that go; none where the whole SKU does.
        service_plans: Vec<ServicePlanRef>,
        /// Why.
        because: Vec<Because>,
    },
    /// It is left alone, because a policy that owned it is gone from the files.
    LetGo {
        /// The policy.
        policy: PolicyName,
        /// Whether other policies still want it.
        still_wanted: bool,
    },
}

impl Step {
    /// Says it in words.
    pub fn words(&self) -> String {
        match self {
            Self::Assigned { held_by, because: _ } => format!("it is assigned{}", held(held_by)),
            Self::Changed { held_by, because: _ } => {
                format!("its service plans are changed{}", held(held_by))
            }
            Self::Removed { held_by, because: _ } => format!("it is removed{}", held(held_by)),
            Self::Adopted { owners, held_by } => {
                let owners: Vec<&str> = owners.iter().map(PolicyName::as_str).collect();
                format!("policy {} comes to own it{}", owners.join(", "), held(held_by))
            }
            Self::Blocked { reason: _, detail, because: _ } => format!("blocked: {detail}"),
            Self::Waits { position, since, meanwhile, because: _ } => {
                let since = since.strftime("%Y-%m-%d %H:%M UTC");
                let meanwhile = meanwhile
                    .as_ref()
                    .map_or(String::new(), |sku| format!(", with {} meanwhile", sku.name));
                format!("waits for a seat, place {position} since {since}{meanwhile}")
            }
            Self::Goes { due, since: _, service_plans, because: _ } => {
                let due = due.strftime("%Y-%m-%d %H:%M UTC");
                match names(service_plans).as_str() {
                    "" => format!("it is removed on {due}"),
                    plans => format!("{plans} is switched off on {due}"),
                }
            }
            Self::LetGo { policy, still_wanted: false } => {
                format!("left alone: policy {policy} is gone from the files")
            }
            Self::LetGo { policy, still_wanted: true } => {
                format!("policy {policy} is gone from the files; others want it")
            }
        }
    }

    /// Returns the reasons.
    pub fn because(&self) -> &[Because] {
        match self {
            Self::Assigned { held_by: _, because }
            | Self::Changed { held_by: _, because }
            | Self::Removed { held_by: _, because }
            | Self::Blocked { reason: _, detail: _, because }
            | Self::Waits { position: _, since: _, meanwhile: _, because }
            | Self::Goes { due: _, since: _, service_plans: _, because } => because,
            Self::Adopted { owners: _, held_by: _ }
            | Self::LetGo { policy: _, still_wanted: _ } => &[],
        }
    }
}

fn names(plans: &[ServicePlanRef]) -> String {
    plans.iter().map(|plan| &*plan.name).collect::<Vec<_>>().join(", ")
}

fn held(guards: &[GuardName]) -> String {
    if guards.is_empty() { String::new() } else { format!(", held by {}", guard_list(guards)) }
}

/// Says a reason in words, without the selector.
pub(super) fn reason(because: &Because) -> String {
    let Because { policy, at: _, sku: _, reason, detail } = because;
    match reason {
        Reason::Matched => format!("{policy} gives it"),
        Reason::Removed => format!("{policy} takes it away"),
        Reason::Replaced => format!("{policy} gives another SKU in exchange"),
        Reason::Left => format!("{policy} no longer matches"),
        Reason::Withdrawn => format!("{policy} no longer gives it"),
        Reason::Exchanged => format!("{policy} gives another SKU now"),
        Reason::Located => format!("{policy} sets the location"),
        Reason::Outranked => format!("{policy} wants a higher rung of the ladder"),
        Reason::SteppedDown => format!("{policy} wants a lower rung of the ladder"),
        Reason::Requested | Reason::Reverted => format!("{policy}: {detail}"),
    }
}

/// Finds what a plan does about a SKU of a user, the most telling first.
pub(super) fn steps(plan: &Plan, ledger: &Ledger, user: UserId, sku: SkuId) -> Vec<Step> {
    let mut steps = operated(plan, user, sku);
    let mine = |of: &UserRef, about: &SkuRef| of.id == user && about.id == sku;
    let blocked = plan.blocked.iter().filter(|blocked| blocked.user.id == user);
    let blocked = blocked.filter(|blocked| blocked.sku.as_ref().is_some_and(|of| of.id == sku));
    steps.extend(blocked.map(|blocked| Step::Blocked {
        reason: blocked.reason,
        detail: blocked.detail.clone(),
        because: blocked.because.clone(),
    }));
    let waiting = plan.waiting.iter().filter(|waiting| mine(&waiting.user, &waiting.sku));
    steps.extend(waiting.map(|waiting| Step::Waits {
        position: waiting.position,
        since: waiting.since,
        meanwhile: waiting.meanwhile.clone(),
        because: waiting.because.clone(),
    }));
    let scheduled = plan.scheduled.iter().filter(|of| mine(&of.user, &of.sku));
    steps.extend(scheduled.map(|scheduled| Step::Goes {
        due: scheduled.due,
        since: running_since(ledger, user, sku, &scheduled.because),
        service_plans: scheduled.service_plans.clone(),
        because: scheduled.because.clone(),
    }));
    let released = plan.released.iter().filter(|of| mine(&of.user, &of.sku));
    steps.extend(released.map(|released| Step::LetGo {
        policy: released.policy.clone(),
        still_wanted: released.still_wanted,
    }));
    steps
}

/// What the operation does.
fn operated(plan: &Plan, user: UserId, sku: SkuId) -> Vec<Step> {
    let mut steps = Vec::new();
    for operation in plan.operations.iter().filter(|operation| operation.user.id == user) {
        let held_by = || operation.held_by.clone();
        let because = || -> Vec<Because> {
            let about = |because: &&Because| because.sku.as_ref().is_some_and(|of| of.id == sku);
            operation.because.iter().filter(about).cloned().collect()
        };
        let added = operation.add.iter().filter(|addition| addition.sku.id == sku);
        steps.extend(added.map(|addition| {
            let (held_by, because) = (held_by(), because());
            if addition.held {
                Step::Changed { held_by, because }
            } else {
                Step::Assigned { held_by, because }
            }
        }));
        if operation.remove.iter().any(|removed| removed.id == sku) {
            steps.push(Step::Removed { held_by: held_by(), because: because() });
        }
        let adopted = operation.adopt.iter().filter(|adoption| adoption.sku.id == sku);
        steps.extend(
            adopted.map(|of| Step::Adopted { owners: of.owners.clone(), held_by: held_by() }),
        );
    }
    steps
}

/// Returns since when the first of the reasons stands, as far as it was seen.
fn running_since(
    ledger: &Ledger,
    user: UserId,
    sku: SkuId,
    because: &[Because],
) -> Option<Timestamp> {
    let since = |because: &Because| {
        let clock = ledger.clocks.get(&(user, sku, because.policy.clone())).copied();
        let owners = ledger.owners.get(&(user, sku));
        let let_go = || owners.and_then(|owners| owners.get(&because.policy)?.let_go);
        clock.or_else(let_go)
    };
    because.iter().filter_map(since).min()
}
