//! What a plan follows from beside the tenant: the policies, or what a person asks for once.
//!
//! A one-off plan is made by the same functions as any other. The resolver sees a policy made up for
//! it and an empty ledger, so that no policy's ownership is let go; what it gives, no policy owns.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::SkuId;
use crate::domain::names::PolicyName;
use crate::domain::user::{Assignment, User};
use crate::plan::bind::{Bound, Problem};
use crate::plan::bulk::{Bulk, BulkRequest};
use crate::plan::digest;
use crate::plan::ledger::Ledger;
use crate::plan::make::Inputs;
use crate::plan::resolve::{About, Block, Resolution, Why};
use crate::plan::revert::{Reverting, resolve};
use crate::plan::{BlockedReason, Operation, PlanId, Reason, Warning};
use crate::policy::PolicySet;

/// What a plan follows from. Kept with the plan, so that it can be made again from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The policies.
    #[default]
    Policies,
    /// A change that a person asked for once, for some users.
    Bulk(BulkRequest),
    /// Users are put back as they were before this plan.
    Revert(PlanId),
}

/// What a plan follows from, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginKind {
    /// The policies.
    #[default]
    Policies,
    /// A change that a person asked for once.
    Bulk,
    /// A plan to be taken back.
    Revert,
}

impl Origin {
    /// Returns the word for it.
    pub fn kind(&self) -> OriginKind {
        match self {
            Self::Policies => OriginKind::Policies,
            Self::Bulk(_) => OriginKind::Bulk,
            Self::Revert(_) => OriginKind::Revert,
        }
    }
}

/// Why nothing can be planned for what a person asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It names what the tenant does not have.
    #[error("{}", .problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; "))]
    Unfit {
        /// All that does not fit.
        problems: Vec<Problem>,
    },
    /// Its selection fits no user.
    #[error("nobody is selected: no user fits {selection}")]
    Nobody {
        /// The selection in words.
        selection: Arc<str>,
    },
    /// No operation of the plan changed anything in the tenant.
    #[error("plan {plan} changed nothing in the tenant: there is nothing to revert")]
    NothingDone {
        /// The plan.
        plan: PlanId,
    },
}

impl RequestError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unfit { problems } => {
                let mut hints: Vec<&str> =
                    problems.iter().filter_map(|problem| problem.hint.as_deref()).collect();
                hints.dedup();
                (!hints.is_empty()).then(|| hints.join("; "))
            }
            Self::Nobody { selection: _ } => {
                Some("`seatkeeper users` lists users by the same filters".to_owned())
            }
            Self::NothingDone { plan } => {
                Some(format!("what became of it: `seatkeeper history --plan {plan}`"))
            }
        }
    }
}

/// What is asked for, with all that planning it takes.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// What the policies say.
    Policies,
    /// A change for some users, once.
    Bulk(&'a Bulk),
    /// Users as they were before a plan.
    Revert(&'a Reverting),
}

impl<'a> Asked<'a> {
    /// Returns what the plan says that it follows from.
    pub(crate) fn origin(self) -> Origin {
        match self {
            Self::Policies => Origin::Policies,
            Self::Bulk(bulk) => Origin::Bulk(bulk.request.clone()),
            Self::Revert(reverting) => Origin::Revert(reverting.plan),
        }
    }

    /// Whether a person asks for it once, whatever the policies say.
    pub(crate) fn is_once(self) -> bool {
        match self {
            Self::Policies => false,
            Self::Bulk(_) | Self::Revert(_) => true,
        }
    }

    /// Returns the policies that are looked at: the real ones, or one that says what is asked for.
    pub(crate) fn policies(self, real: &'a PolicySet) -> Cow<'a, PolicySet> {
        let only = |policy| PolicySet { policies: vec![policy], ..PolicySet::default() };
        match self {
            Self::Policies => Cow::Borrowed(real),
            Self::Bulk(bulk) => Cow::Owned(only(bulk.request.policy())),
            Self::Revert(reverting) => Cow::Owned(only(reverting.policy())),
        }
    }

    /// Returns what a reviewer should know of the request itself.
    pub(crate) fn warnings(self, inputs: &Inputs<'_>) -> Vec<Warning> {
        match self {
            Self::Policies => Vec::new(),
            Self::Bulk(bulk) => bulk.warnings.clone(),
            Self::Revert(reverting) => reverting.warnings(inputs.snapshot),
        }
    }

    /// Returns the policy, the reason and the words that everything in a one-off plan is done for.
    pub(crate) fn voice(self) -> Option<Voice> {
        match self {
            Self::Policies => None,
            Self::Bulk(bulk) => {
                Some(Voice { reason: Reason::Requested, detail: bulk.request.selection.clone() })
            }
            Self::Revert(reverting) => Some(Voice {
                reason: Reason::Reverted,
                detail: format!("plan {}", reverting.plan).into(),
            }),
        }
    }

    /// Makes of what the resolver says about a user what is to become of them in a plan of this
    /// kind.
    pub(crate) fn fit(
        self,
        inputs: &Inputs<'_>,
        bound: &Bound<'_>,
        user: &User,
        resolution: Box<Resolution>,
    ) -> Box<Resolution> {
        let once = match self {
            Self::Policies => return resolution,
            Self::Bulk(bulk) => {
                let selected = bulk.request.selects(user.id);
                if selected && bound.protected.contains(&user.id) {
                    untouchable()
                } else {
                    *resolution
                }
            }
            Self::Revert(reverting) => match reverting.of_user(user.id) {
                Some(_) if bound.protected.contains(&user.id) => untouchable(),
                Some(operation) => resolve(user, operation, inputs.snapshot.catalogue()),
                None => Resolution::default(),
            },
        };
        Box::new(Resolution {
            // What is there already is as asked for; nobody comes to own it.
            adopts: BTreeMap::new(),
            released: Vec::new(),
            observed: Vec::new(),
            // A plan that is not about the policies says nothing of what they do not want.
            unmanaged: 0,
            owned: owned(user, inputs.ledger),
            ..once
        })
    }

    /// Leaves what a one-off plan gives without an owner.
    pub(crate) fn disown(self, inputs: &Inputs<'_>, mut operation: Operation) -> Operation {
        if self.is_once() {
            operation.add.iter_mut().for_each(|addition| addition.owners.clear());
            operation.key = digest::operation_key(inputs.tenant, &operation);
        }
        operation
    }
}

/// What everything in a one-off plan is done for.
pub(crate) struct Voice {
    pub(crate) reason: Reason,
    pub(crate) detail: Arc<str>,
}

/// A protected user who is asked about is told of, and left alone.
fn untouchable() -> Resolution {
    Resolution { blocked: vec![block(BlockedReason::Protected)], ..Resolution::default() }
}

/// Something about a user that keeps what is asked for from being done.
pub(crate) fn block(reason: BlockedReason) -> Block {
    let why = vec![Why { policy: 0, reason: Reason::Requested }];
    Block { sku: None, reason, why, about: About::Nothing }
}

/// Returns the direct assignments of a user that policies own.
fn owned(user: &User, ledger: &Ledger) -> Vec<SkuId> {
    let held = user.licenses.value().map(|licenses| licenses.assignments.as_slice());
    let is_owned = |assignment: &&Assignment| {
        let owners = ledger.owners.get(&(user.id, assignment.sku));
        assignment.direct().is_some() && owners.is_some_and(|owners| !owners.is_empty())
    };
    held.unwrap_or_default().iter().filter(is_owned).map(|assignment| assignment.sku).collect()
}

/// Returns the name under which a one-off plan gives its reasons.
pub(crate) fn made_up(name: &str) -> PolicyName {
    name.parse().expect("the names of made-up policies are names")
}
