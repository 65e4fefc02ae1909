//! Looks until reads show what was sent. Graph's "accepted" is not yet the effect, and no answer is
//! not yet a failure.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Running, WINDOW, out_of_patience, shows};
use crate::domain::ids::UserId;
use crate::domain::user::User;
use crate::engine::{CycleError, Patience};
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
    /// When its answer came.
    at: Timestamp,
    /// When to look next, and how long to wait after that.
    look_at: Timestamp,
    wait: Duration,
}

impl<'o> Sent<'o> {
    /// An operation that Graph accepted.
    pub(super) fn accepted(
        operation: &'o Operation,
        request_id: Option<Arc<str>>,
        at: Timestamp,
    ) -> Self {
        let wait = LOOK_AGAIN_AFTER;
        Self { operation, refusal: None, request_id, at, look_at: at, wait }
    }

    /// An operation of which Graph is not known to have taken it.
    pub(super) fn doubtful(operation: &'o Operation, refusal: Refusal, at: Timestamp) -> Self {
        Self { refusal: Some(refusal), ..Self::accepted(operation, None, at) }
    }

    /// Whether it is time to look, also where the clock was set back since.
    fn is_due(&self, now: Timestamp) -> bool {
        self.look_at <= now || self.look_at > now + LOOK_AGAIN_AFTER_MAX
    }

    /// Whether reads from now on have had their time to show it.
    fn is_over(&self, patience: &Patience, now: Timestamp) -> bool {
        match &self.refusal {
            None => self.is_late(patience, now),
            Some(refusal) => {
                refusal.kind == RefusalKind::Forbidden || now >= self.at + patience.settle_after
            }
        }
    }

    fn is_late(&self, patience: &Patience, now: Timestamp) -> bool {
        now >= self.at + patience.confirm_within
    }

    fn put_off(mut self, now: Timestamp) -> Self {
        self.look_at = now + self.wait;
        self.wait = (self.wait * 2).min(LOOK_AGAIN_AFTER_MAX);
        self
    }
}

impl<T: TenantReader, R: Records, C: Clock, W: TenantWriter> Running<'_, '_, T, R, C, W> {
    /// Looks until reads show all but so many of what was sent, and records each as done when one
    /// does. What cannot be read is left to the next run.
    pub(super) async fn confirm(
        &mut self,
        sent: &mut Vec<Sent<'_>>,
        most: usize,
    ) -> Result<(), CycleError> {
        loop {
            if !self.look_once(sent).await? {
                return Ok(());
            }
            let next = sent.iter().map(|sent| sent.look_at).min();
            let Some(next) = next.filter(|_| sent.len() > most) else { return Ok(()) };
            let wait: Duration =
                next.duration_since(self.engine.clock.now()).try_into().unwrap_or_default();
            // However far the clock was set back.
            let wait = wait.min(LOOK_AGAIN_AFTER_MAX);
            let left = sent.len() as u64;
            self.engine.progress.at("waiting for reads to show what was sent", left, None);
            tokio::select! {
                biased;
                () = self.engine.clock.sleep(wait) => {}
                () = out_of_patience(self.engine) => {
                    self.leave(sent);
                    return Ok(());
                }
            }
        }
    }

    /// Looks once at what is due, at so many at most: a read fails whole. Returns whether there is
    /// patience for another look.
    async fn look_once(&mut self, sent: &mut Vec<Sent<'_>>) -> Result<bool, CycleError> {
        let now = self.engine.clock.now();
        let mut room = WINDOW;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(sent).into_iter().partition(|sent| {
            let is_due = sent.is_due(now) && room > 0;
            room -= usize::from(is_due);
            is_due
        });
        *sent = later;
        if due.is_empty() {
            return Ok(true);
        }
        let users: Vec<UserId> = due.iter().map(|sent| sent.operation.user.id).collect();
        let seen = tokio::select! {
            biased;
            seen = self.engine.reader.holdings(&users) => seen,
            () = out_of_patience(self.engine) => {
                sent.extend(due);
                self.leave(sent);
                return Ok(false);
            }
        };
        match seen {
            Ok(seen) => sent.extend(self.compare(due, seen, now).await?),
            Err(error) => {
                tracing::warn!(%error, "what was sent could not be read back yet");
                if let TenantError::Forbidden { .. } = error {
                    self.breaker.trip(error.to_string());
                }
                let patience = self.engine.patience;
                let (mut late, others): (Vec<_>, Vec<_>) =
                    due.into_iter().partition(|sent| sent.is_late(&patience, now));
                self.leave(&mut late);
                let again = self.engine.clock.now();
                sent.extend(others.into_iter().map(|sent| sent.put_off(again)));
            }
        }
        Ok(true)
    }

    /// Leaves operations without outcome: their intents stay open, and the next run looks them up.
    fn leave(&mut self, sent: &mut Vec<Sent<'_>>) {
        self.run.unsettled += sent.len() as u64;
        sent.clear();
    }

    /// Records what a read shows. Returns what it does not show yet.
    async fn compare<'o>(
        &mut self,
        sent: Vec<Sent<'o>>,
        seen: Vec<Option<User>>,
        asked_at: Timestamp,
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
                None if is_gone || sent.is_over(&self.engine.patience, asked_at) => {
                    settlements.push(self.unshown(sent, is_gone));
                }
                None => still.push(sent.put_off(self.engine.clock.now())),
            }
        }
        self.settle(settlements).await?;
        Ok(still)
    }

    /// Says what became of an operation that no read shows.
    fn unshown(&mut self, sent: Sent<'_>, is_gone: bool) -> Settlement {
        let Sent { operation, refusal, request_id, .. } = sent;
        let within = self.engine.patience.confirm_within.as_secs();
        // What Graph refused with an answer that could have meant it is there already.
        let is_refused =
            refusal.as_ref().is_some_and(|refusal| refusal.kind == RefusalKind::NotHeld);
        if let Some(refusal) = refusal.clone() {
            let answer =
                if is_refused { Answer::Refused(refusal) } else { Answer::Failed(refusal) };
            self.breaker.take(&answer);
        }
        let kind = if is_refused { OutcomeKind::Refused } else { OutcomeKind::Failed };
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
        let mut settlement = self.told(operation, kind, &detail);
        settlement.outcome.code = code;
        settlement.outcome.request_id = request_id;
        settlement
    }
}
