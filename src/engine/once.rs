//! Plans what a person asks for once: by the same steps as a cycle, beside what the policies say.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::cycle::{Cycle, Depth, Seen};
use crate::engine::{CycleError, Engine, Policies};
use crate::plan::bulk::{Bulk, BulkOrder};
use crate::plan::make::make;
use crate::plan::revert::Reverting;
use crate::plan::{Asked, Digest, Origin, PlanId, Trigger};
use crate::ports::{
    Clock, GroupRequest, HistoryFilter, OutcomeKind, ReadRequest, Records, RecordsError,
    TenantReader,
};

/// What a person asks for once.
#[derive(Clone, Debug)]
pub enum Once {
    /// A change for some users.
    Bulk(BulkOrder),
    /// Users as they were before this plan.
    Revert(PlanId),
}

/// What is asked for, found in the tenant and in the records.
pub(crate) enum Found {
    Policies,
    Bulk(Bulk),
    Revert(Reverting),
}

impl Found {
    /// Returns it as planning takes it.
    pub(crate) fn asked(&self) -> Asked<'_> {
        match self {
            Self::Policies => Asked::Policies,
            Self::Bulk(bulk) => Asked::Bulk(bulk),
            Self::Revert(reverting) => Asked::Revert(reverting),
        }
    }
}

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Reads, recovers, plans what is asked for once, and stores it.
    ///
    /// # Errors
    ///
    /// Where the tenant cannot be read whole, or what is asked for does not fit it, nothing is
    /// stored but the fact.
    pub async fn plan_once(&self, policies: &Policies, once: &Once) -> Result<Cycle, CycleError> {
        let started_at = self.clock.now();
        let result = self.plan_once_from(policies, once).await;
        self.note(started_at, Trigger::Person, &result).await?;
        result
    }

    async fn plan_once_from(&self, policies: &Policies, once: &Once) -> Result<Cycle, CycleError> {
        let request = self.request_for(policies, once);
        // Somebody waits for what they asked for to be true, and asks rarely.
        let seen = Box::pin(self.see_for(&request, policies, Depth::Whole)).await?;
        let Seen { snapshot, tracking, ledger, recovered } = seen;
        self.progress.at("planning", 0, None);
        let found = match once {
            Once::Bulk(order) => {
                let now = self.clock.now();
                let bulk =
                    order.resolve(self.tenant, &snapshot, now).map_err(CycleError::Request)?;
                Found::Bulk(bulk)
            }
            Once::Revert(plan) => Found::Revert(self.reverting(*plan).await?),
        };
        let inputs = self.inputs(policies, &snapshot, &ledger, Trigger::Person, found.asked());
        let planned = make(&inputs).map_err(|problems| self.misfit(problems))?;
        self.keep(Arc::clone(&snapshot), tracking).await?;
        let stored = if planned.is_settled() {
            None
        } else {
            Some(self.records.propose(planned.plan.clone(), planned.state).await?)
        };
        Ok(Cycle { snapshot, ledger, planned, stored, recovered })
    }

    fn request_for(&self, policies: &Policies, once: &Once) -> ReadRequest {
        let mut request = self.request(&policies.set);
        if let Once::Bulk(order) = once
            && let Some(group) = order.selection.group()
        {
            request.groups.push(GroupRequest { group: Arc::clone(group), direct: false });
        }
        request
    }

    /// Returns what a plan followed from, so that it can be made again.
    pub(crate) async fn asked_again(&self, origin: &Origin) -> Result<Found, CycleError> {
        match origin {
            Origin::Policies => Ok(Found::Policies),
            Origin::Bulk(request) => {
                Ok(Found::Bulk(Bulk { request: request.clone(), warnings: Vec::new() }))
            }
            Origin::Revert(plan) => Ok(Found::Revert(self.reverting(*plan).await?)),
        }
    }

    /// Looks up what took effect of a plan.
    async fn reverting(&self, plan: PlanId) -> Result<Reverting, CycleError> {
        let stored = self.records.plan(Some(self.tenant), Some(plan)).await?;
        let stored = stored.ok_or_else(|| RecordsError::NoSuchPlan { plan: plan.to_string() })?;
        let filter = HistoryFilter { plan: Some(plan), ..HistoryFilter::default() };
        let outcomes = self.records.history(filter).await?;
        let took_effect: BTreeSet<Digest> = outcomes
            .iter()
            .filter(|entry| match entry.outcome.kind {
                OutcomeKind::Done | OutcomeKind::AlreadyDone => true,
                OutcomeKind::Stale
                | OutcomeKind::Refused
                | OutcomeKind::Failed
                | OutcomeKind::Deferred => false,
            })
            .map(|entry| entry.outcome.operation)
            .collect();
        Reverting::of(&stored.plan, &took_effect).map_err(CycleError::Request)
    }
}
