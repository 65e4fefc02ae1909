//! Does what a command asks for, and answers it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Keeper, PolicySource};
use crate::engine::carry_out::Consent;
use crate::engine::cycle::Cycle;
use crate::engine::once::Once;
use crate::engine::{CycleError, Misfits, Policies};
use crate::plan::{PlanId, PlanState, Trigger};
use crate::ports::desk::{Activity, Ask, Desk, FailedReply, Reply, Request};
use crate::ports::{Clock, Records, RecordsError, StoredPlan, TenantReader, TenantWriter};

impl<T, R, C, S> Keeper<'_, T, R, C, S>
where
    T: TenantReader + TenantWriter,
    R: Records + Desk,
    C: Clock,
    S: PolicySource,
{
    /// Does what is asked, and answers.
    pub(super) async fn serve(&mut self, request: Request) {
        let Request { id, tenant: _, ask, by, at: _, until: _ } = request;
        tracing::info!(tenant = %self.with.tenant, request = %id.0, by = &*by, "a command asks the daemon");
        let reply = match self.load().await {
            Some(policies) if self.invalid.is_none() => {
                let done = Box::pin(self.done(&policies, ask, by)).await;
                done.unwrap_or_else(|error| Reply::Failed((self.with.wording)(error)))
            }
            None if self.with.stop.is_asked() => {
                Reply::Failed((self.with.wording)(CycleError::Stopped))
            }
            // The command has shown what is wrong with the files; they were mended or broken since.
            _ => Reply::Failed(FailedReply {
                exit: 5,
                shown: self.invalid.as_ref().map(|one| one.details.clone()).unwrap_or_default(),
                message: "the policies are invalid; nothing was done".to_owned(),
                hint: None,
            }),
        };
        self.unanswered.push((id, reply));
        self.answer().await;
        self.show(Activity::Waiting).await;
    }

    /// Answers what is not answered yet. Somebody waits for it: where it cannot be recorded now, it is
    /// when it can.
    pub(super) async fn answer(&mut self) {
        for (id, reply) in std::mem::take(&mut self.unanswered) {
            let at = self.clock.now();
            let answered = self.with.records.answer(id, reply.clone(), at).await;
            if self.heed(answered).is_none() {
                self.unanswered.push((id, reply));
            }
        }
    }

    async fn done(
        &mut self,
        policies: &Arc<Policies>,
        ask: Ask,
        by: Arc<str>,
    ) -> Result<Reply, CycleError> {
        match ask {
            Ask::Plan { leave_out_misfits, let_go } => {
                let misfits = if leave_out_misfits { Misfits::LeaveOut } else { Misfits::Refuse };
                let cycle =
                    self.engine_for_people().plan(policies, Trigger::Person, misfits).await?;
                if let_go && cycle.stored.is_none() {
                    self.engine_for_people().let_released_go(&cycle.planned.plan).await?;
                }
                Ok(self.planned(cycle).await)
            }
            Ask::Bulk(order) => self.once(policies, Once::Bulk(order)).await,
            Ask::Revert(plan) => self.once(policies, Once::Revert(plan)).await,
            Ask::CarryOut(plan) => {
                let stored = self.stored(plan).await?;
                let carried = self.carry_out(policies, &stored).await?;
                Ok(Reply::CarriedOut(Box::new(carried.told(&stored))))
            }
            Ask::Part { plan, accepted, reason } => {
                let held = self.stored(plan).await?;
                let reason = reason.as_deref();
                let engine = self.engine_for_people();
                let (accepted, without) = (accepted.as_slice(), &BTreeSet::new());
                let consent = Consent { accepted, without, by, reason };
                let part = engine.part_that_may_go_on(policies, &held, consent).await?;
                match part {
                    None => Ok(Reply::NothingLeft),
                    Some(part) => {
                        let carried = self.carry_out(policies, &part).await?;
                        Ok(Reply::CarriedOut(Box::new(carried.told(&part))))
                    }
                }
            }
            Ask::Read { groups, others, sign_ins } => {
                let engine = self.engine_for_people();
                let mut request = engine.request(&policies.set);
                request.groups.extend(groups);
                request.others = others;
                let snapshot = engine.read_with_sign_ins(&policies.set, &request, sign_ins).await?;
                self.with.records.keep_snapshot(self.with.tenant, Arc::new(snapshot)).await?;
                Ok(Reply::Read)
            }
        }
    }

    async fn once(&mut self, policies: &Arc<Policies>, once: Once) -> Result<Reply, CycleError> {
        let cycle = self.engine_for_people().plan_once(policies, &once).await?;
        Ok(self.planned(cycle).await)
    }

    /// Answers with a plan. Whoever is told of plans is told of this one as well: who asked for it may
    /// not be who decides.
    async fn planned(&mut self, cycle: Cycle) -> Reply {
        self.count_trips(&cycle);
        if let Some(stored) = &cycle.stored
            && stored.state == PlanState::Held
        {
            self.tell_of_plan(stored).await;
        }
        planned(cycle)
    }

    async fn stored(&self, plan: PlanId) -> Result<StoredPlan, CycleError> {
        let found = self.with.records.plan(Some(self.with.tenant), Some(plan)).await?;
        let none = || RecordsError::NoSuchPlan { plan: plan.to_string() };
        Ok(found.ok_or_else(none)?)
    }
}

fn planned(cycle: Cycle) -> Reply {
    let is_stored = cycle.stored.is_some();
    let plan = cycle.stored.unwrap_or_else(|| StoredPlan {
        plan: cycle.planned.plan,
        state: cycle.planned.state,
        decisions: Vec::new(),
    });
    Reply::Planned { plan: Box::new(plan), is_stored, recovered: cycle.recovered as u64 }
}
