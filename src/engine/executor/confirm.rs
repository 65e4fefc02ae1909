//! Looks until reads show what was sent. Graph's "accepted" is not yet the effect, and no answer is
//! not yet a failure.

use std::sync::Arc;
use std::time::Duration;

use super::{Running, out_of_patience, shows};
use crate::domain::ids::UserId;
use crate::domain::user::User;
use crate::engine::CycleError;
use crate::plan::Operation;
use crate::ports::{
    Answer, Clock, OutcomeKind, Records, Refusal, RefusalKind, Settlement, TenantError,
    TenantReader, TenantWriter,
};

/// The first and the longest wait between two looks for what Graph accepted.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);
const LOOK_AGAIN_AFTER_MAX: Duration = Duration::from_secs(15);

/// An operation that was sent.
pub(super) struct Sent<'o> {
    pub(super) operation: &'o Operation,
    /// What went wrong, where Graph is not known to have taken it.
    pub(super) refusal: Option<Refusal>,
    pub(super) request_id: Option<Arc<str>>,
}

/// Whether reads have had their time.
#[derive(Clone, Copy)]
struct Until {
    /// For what Graph accepted.
    late: bool,
    /// For what Graph did not answer.
    settled: bool,
}

impl Until {
    fn is_over(self, sent: &Sent<'_>) -> bool {
        match &sent.refusal {
            None => self.late,
            Some(refusal) => self.settled || refusal.kind == RefusalKind::Forbidden,
        }
    }
}

impl<'o> Sent<'o> {
    /// An operation that Graph accepted.
    pub(super) fn accepted(operation: &'o Operation, request_id: Option<Arc<str>>) -> Self {
        Self { operation, refusal: None, request_id }
    }
}

impl<T: TenantReader, R: Records, C: Clock, W: TenantWriter> Running<'_, '_, T, R, C, W> {
    /// Looks until reads show what was sent, and records each as done when one does. What cannot be
    /// read is left to the next run.
    pub(super) async fn confirm(&mut self, mut left: Vec<Sent<'_>>) -> Result<(), CycleError> {
        let began = self.engine.clock.now();
        let deadline = began + self.engine.patience.confirm_within;
        let settled = began + self.engine.patience.settle_after;
        let mut wait = LOOK_AGAIN_AFTER;
        while !left.is_empty() {
            let users: Vec<UserId> = left.iter().map(|sent| sent.operation.user.id).collect();
            let now = self.engine.clock.now();
            let until = Until { late: now >= deadline, settled: now >= settled };
            let seen = tokio::select! {
                biased;
                seen = self.engine.reader.holdings(&users) => seen,
                () = out_of_patience(self.engine) => {
                    self.leave(left.len());
                    return Ok(());
                }
            };
            match seen {
                Ok(seen) => left = self.compare(left, seen, until).await?,
                Err(error) => {
                    tracing::warn!(%error, "what was sent could not be read back yet");
                    if let TenantError::Forbidden { .. } = error {
                        self.breaker.trip(error.to_string());
                    }
                    if until.late {
                        self.leave(left.len());
                        return Ok(());
                    }
                }
            }
            if !left.is_empty() {
                tokio::select! {
                    biased;
                    () = self.engine.clock.sleep(wait) => {}
                    () = out_of_patience(self.engine) => {
                    self.leave(left.len());
                    return Ok(());
                }
                }
                wait = (wait * 2).min(LOOK_AGAIN_AFTER_MAX);
            }
        }
        Ok(())
    }

    /// Leaves operations without outcome: their intents stay open, and the next run looks them up.
    fn leave(&mut self, count: usize) {
        self.run.unsettled += count as u64;
    }

    /// Records what a read shows. Returns what it does not show yet.
    async fn compare<'o>(
        &mut self,
        sent: Vec<Sent<'o>>,
        seen: Vec<Option<User>>,
        until: Until,
    ) -> Result<Vec<Sent<'o>>, CycleError> {
        let mut settlements = Vec::new();
        let mut still = Vec::new();
        for (sent, user) in sent.into_iter().zip(seen) {
            let is_gone = user.is_none();
            let catalogue = self.snapshot.catalogue();
            match user.filter(|user| shows(sent.operation, user, catalogue)) {
                Some(user) => {
                    self.run.seen.push(user);
                    let done = self.settlement(sent.operation, OutcomeKind::Done, sent.request_id);
                    settlements.push(done);
                }
                None if is_gone || until.is_over(&sent) => {
                    settlements.push(self.unshown(sent, is_gone));
                }
                None => still.push(sent),
            }
        }
        self.settle(settlements).await?;
        Ok(still)
    }

    /// Says what became of an operation that no read shows.
    fn unshown(&mut self, sent: Sent<'_>, is_gone: bool) -> Settlement {
        let Sent { operation, refusal, request_id } = sent;
        let within = self.engine.patience.confirm_within.as_secs();
        if let Some(refusal) = &refusal {
            self.breaker.take(&Answer::Failed(refusal.clone()));
        }
        let (detail, code, request_id) = match refusal {
            Some(Refusal { kind: _, status: _, code, message, request_id }) => {
                (message.to_string(), Some(code), request_id)
            }
            None if is_gone => ("the user is gone".to_owned(), None, request_id),
            None => {
                let detail = format!("Graph accepted it, but no read showed it within {within} s");
                self.breaker.fail(&detail);
                (detail, None, request_id)
            }
        };
        let mut settlement = self.told(operation, OutcomeKind::Failed, &detail);
        settlement.outcome.code = code;
        settlement.outcome.request_id = request_id;
        settlement
    }
}
