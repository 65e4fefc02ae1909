//! Writes locations and licenses in batches, and finds out what became of each.
//!
//! A write whose answer was lost is read before it is sent again. Throttling delays the whole
//! tenant, contention slows all writers down, and every write ends in exactly one answer.

mod change;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

pub(super) use change::Change;

use crate::domain::user::User;
use crate::graph::call::{Call, Reply, Silence};
use crate::graph::error::{Ask, Unanswered};
use crate::graph::gate::Pressure;
use crate::graph::refusal::{refusal, unavailable};
use crate::graph::retry::{Tries, Trouble, after};
use crate::graph::session::Session;
use crate::graph::wire::batch::{self, BATCH_MAX, ItemReply};
use crate::graph::wire::fault::GraphFault;
use crate::graph::write::verdict::{Verdict, verdict, whole};
use crate::ports::{Answer, Clock, Refusal, RefusalKind, TenantError};

/// How long a location that was just written may take to reach the check of licenses.
///
/// Source: Graph refuses with "invalid usage location" for a while after a successful PATCH.
const REPLICATION: Duration = Duration::from_mins(5);
/// How often "not held" is answered by looking and asking again, where that may help.
const NOT_HELD_MAX: u32 = 3;

/// A write on its way to its answer.
struct Write<'a> {
    change: Change<'a>,
    answer: Option<Answer>,
    /// How often it was sent.
    sent: u32,
    /// Whether it may have taken effect, so that a look comes before the next try.
    doubt: bool,
    /// When an answer was lost, the last time: reads may not show yet what it did.
    lost_at: Option<Timestamp>,
    /// How often Graph said that something to be removed is not held.
    not_held: u32,
    /// What came instead of an answer, the last time.
    last: Refusal,
}

/// Why no more is sent.
enum Stop {
    /// Graph takes nothing from this app.
    Forbidden,
    /// The tenant asks for a longer pause than there is time.
    Paused(Duration),
    /// There is no token.
    SignIn(TenantError),
}

/// What a batch left to be done.
#[derive(Default)]
struct Round {
    again: Option<Trouble>,
    stop: Option<Stop>,
}

impl Round {
    /// Keeps what asks for the longest wait.
    fn note(&mut self, why: Trouble) {
        if self.again != Some(Trouble::Contended) {
            self.again = Some(why);
        }
    }
}

impl<C: Clock> Session<C> {
    /// Writes, and returns the answers in the order of `changes`.
    pub(super) async fn write(&self, changes: Vec<Change<'_>>) -> Vec<Answer> {
        let mut writes: Vec<Write<'_>> = changes.into_iter().map(Write::new).collect();
        let mut tries = self.tries();
        let mut renewed = false;
        let stop = loop {
            self.settle_doubts(&mut writes, &tries).await;
            let round = self.send_open(&mut writes, &tries, &mut renewed).await;
            if writes.iter().all(|write| write.answer.is_some()) {
                break None;
            }
            if round.stop.is_some() {
                break round.stop;
            }
            if !self.pause(&mut tries, round.again.unwrap_or(Trouble::Fault)).await {
                self.settle_doubts(&mut writes, &tries).await;
                break None;
            }
        };
        writes.into_iter().map(|write| write.end(stop.as_ref())).collect()
    }

    /// Looks at the users whose writes may have taken effect.
    async fn settle_doubts(&self, writes: &mut [Write<'_>], tries: &Tries) {
        let doubted: Vec<usize> = (0..writes.len())
            .filter(|index| writes[*index].answer.is_none() && writes[*index].doubt)
            .collect();
        for chunk in doubted.chunks(BATCH_MAX) {
            let users: Vec<_> = chunk.iter().map(|index| writes[*index].change.user()).collect();
            let now = self.clock.now();
            let lag = self.settings.settle_after;
            let look = Tries::begin(now, tries.left(now).min(self.settings.timeout * 4));
            match self.look(&users, look).await {
                Ok(holdings) => {
                    for (index, holding) in chunk.iter().zip(holdings) {
                        writes[*index].settle(holding.as_ref(), now, lag);
                    }
                }
                Err(error) => tracing::warn!(
                    writes = chunk.len(),
                    %error,
                    "cannot see yet what became of writes whose answers were lost"
                ),
            }
        }
    }

    /// Sends what has no answer and is not in doubt, in as many batches as fly at the moment.
    async fn send_open(
        &self,
        writes: &mut [Write<'_>],
        tries: &Tries,
        renewed: &mut bool,
    ) -> Round {
        let mut round = Round::default();
        let mut open: Vec<usize> = (0..writes.len())
            .filter(|index| writes[*index].answer.is_none() && !writes[*index].doubt)
            .collect();
        while !open.is_empty() && round.stop.is_none() {
            let permit = self.flight.enter(open.len().min(BATCH_MAX)).await;
            let chunk = take(&mut open, permit.size(), writes);
            let wait = self.writes.reserve(writes_of(&chunk), 0.0, self.clock.now());
            if wait >= tries.left(self.clock.now()) {
                round.stop = Some(Stop::Paused(wait));
            } else {
                if !wait.is_zero() {
                    self.clock.sleep(wait).await;
                }
                self.send_batch(&chunk, writes, tries, renewed, &mut round).await;
            }
        }
        round
    }

    async fn send_batch(
        &self,
        chunk: &[usize],
        writes: &mut [Write<'_>],
        tries: &Tries,
        renewed: &mut bool,
        round: &mut Round,
    ) {
        let items: Vec<_> = chunk.iter().map(|index| writes[*index].change.item(*index)).collect();
        let url = self.url(&["$batch"], "");
        let call = Call::post(Ask::Write, url, batch::body(&items), items.len());
        match self.attempt(&call, tries).await {
            Ok(reply) => {
                let verdicts = self.verdicts(&reply, chunk, round);
                let (mut unsigned, now) = (false, self.clock.now());
                for (index, verdict) in verdicts {
                    unsigned |= matches!(verdict, Verdict::Unsigned(_));
                    let times = (tries.elapsed(now), now);
                    writes[index].take(verdict, !*renewed, times, round);
                }
                if unsigned && !*renewed {
                    *renewed = true;
                    self.forget_token(reply.token).await;
                }
            }
            Err(Silence::Lost(unanswered)) => {
                tracing::warn!(
                    writes = chunk.len(),
                    reason = %unanswered.reason,
                    "the answer to a batch of writes was lost; looking before sending it again"
                );
                let now = self.clock.now();
                for index in chunk {
                    writes[*index].lose(&unanswered, now);
                }
                round.note(unanswered.trouble);
            }
            Err(Silence::Paused(delay)) => round.stop = Some(Stop::Paused(delay)),
            Err(Silence::SignIn(error)) => round.stop = Some(Stop::SignIn(error)),
        }
    }

    /// Judges every write of a batch, those without an answer of their own included.
    fn verdicts(
        &self,
        reply: &Reply,
        chunk: &[usize],
        round: &mut Round,
    ) -> BTreeMap<usize, Verdict> {
        let Ok(items) = batch::replies(&reply.body, self.clock.now()) else {
            let (verdict, stop) = whole(reply);
            round.stop = stop.then_some(Stop::Forbidden);
            let over = matches!(
                verdict,
                Verdict::Again { why: Trouble::Contended | Trouble::Throttled, .. }
            );
            self.flight.felt(if over { Pressure::Over } else { Pressure::Near });
            return chunk.iter().map(|index| (*index, verdict.clone())).collect();
        };
        self.feel(reply, &items);
        let mut by_id: BTreeMap<usize, ItemReply> = BTreeMap::new();
        for item in items {
            by_id.entry(item.id).or_insert(item);
        }
        chunk
            .iter()
            .map(|index| match by_id.remove(index) {
                Some(item) => {
                    let id = item.request_id().or(reply.request_id.as_deref());
                    (*index, verdict(item.status, item.fault(), id))
                }
                None => (*index, Verdict::missing(reply.request_id.as_deref())),
            })
            .collect()
    }

    /// Learns from a batch how much the tenant takes.
    fn feel(&self, reply: &Reply, items: &[ItemReply]) {
        let throttled: Vec<_> = items.iter().filter(|item| item.status == 429).collect();
        let contended =
            items.iter().any(|item| item.fault().is_some_and(|fault| fault.is_contention()));
        if throttled.is_empty() {
            self.gate.passed(reply.sent_at);
        } else {
            // Source: Graph batching: wait for the largest of the items, resend only those.
            let longest = throttled.iter().filter_map(|item| item.retry_after).max();
            self.refused(Ask::Write, reply.sent_at, longest);
        }
        let used = items.iter().filter_map(|item| item.quota_used).chain(reply.quota_used);
        let used = used.fold(0.0_f64, f64::max);
        let near = used >= 0.8;
        if near {
            self.writes.seen(used, self.clock.now());
        }
        self.flight.felt(if contended || !throttled.is_empty() {
            Pressure::Over
        } else if near {
            Pressure::Near
        } else {
            Pressure::None
        });
    }
}

fn writes_of(chunk: &[usize]) -> u32 {
    u32::try_from(chunk.len()).unwrap_or(u32::MAX)
}

/// Takes the next writes, never two for one user.
fn take(open: &mut Vec<usize>, size: usize, writes: &[Write<'_>]) -> Vec<usize> {
    let mut users = BTreeSet::new();
    let mut chunk = Vec::new();
    open.retain(|index| {
        let fits = chunk.len() < size && users.insert(writes[*index].change.user());
        if fits {
            chunk.push(*index);
        }
        !fits
    });
    chunk
}

impl<'a> Write<'a> {
    fn new(change: Change<'a>) -> Self {
        // Source: Graph refuses a call that changes nothing; nothing is what it asks for.
        let answer = change.is_empty().then_some(Answer::Accepted { request_id: None });
        let last = unavailable(0, "it was not sent", None);
        Self { change, answer, sent: 0, doubt: false, lost_at: None, not_held: 0, last }
    }

    /// Takes what a batch says about it.
    fn take(
        &mut self,
        verdict: Verdict,
        may_renew: bool,
        times: (Duration, Timestamp),
        round: &mut Round,
    ) {
        self.sent += 1;
        let (elapsed, now) = times;
        match verdict {
            Verdict::Accepted { request_id } => {
                self.answer = Some(Answer::Accepted { request_id });
            }
            Verdict::Again { why, lost, refusal } => {
                self.doubt = lost;
                self.lost_at = if lost { Some(now) } else { self.lost_at };
                self.last = refusal;
                round.note(why);
            }
            Verdict::Unsigned(refusal) if may_renew => {
                self.last = refusal;
                round.note(Trouble::Fault);
            }
            Verdict::Refused(refusal) if self.may_replicate(&refusal, elapsed) => {
                self.last = refusal;
                round.note(Trouble::Contended);
            }
            Verdict::Refused(refusal) if refusal.kind == RefusalKind::NotHeld => {
                self.not_held += 1;
                self.doubt = true;
                self.last = refusal;
                round.note(Trouble::Fault);
            }
            Verdict::Refused(refusal) | Verdict::Unsigned(refusal) => {
                self.answer = Some(Answer::Refused(self.with_permission(refusal)));
            }
        }
    }

    /// Adds what to grant: Graph's own words for a missing permission do not name it.
    fn with_permission(&self, refusal: Refusal) -> Refusal {
        if refusal.status != 403 {
            return refusal;
        }
        let message = format!("{} {}", refusal.message, self.change.permission());
        Refusal { message: message.trim_start().into(), ..refusal }
    }

    /// Takes that no answer came.
    fn lose(&mut self, unanswered: &Unanswered, now: Timestamp) {
        self.sent += 1;
        // Nothing can have taken effect where there was not even a connection.
        self.doubt = unanswered.trouble != Trouble::Unreachable;
        self.lost_at = self.doubt.then_some(now).or(self.lost_at);
        self.last = unavailable(unanswered.status, &unanswered.reason, None);
    }

    fn may_replicate(&self, refusal: &Refusal, elapsed: Duration) -> bool {
        refusal.kind == RefusalKind::NoUsageLocation
            && self.change.is_located()
            && elapsed < REPLICATION
    }

    /// Takes what a look at the user shows.
    ///
    /// Source: Graph is eventually consistent: what was just written may not show in a read yet.
    fn settle(&mut self, holding: Option<&User>, asked_at: Timestamp, lag: Duration) {
        self.doubt = false;
        let Some(holding) = holding else {
            let gone = GraphFault::saying("the user does not exist any more");
            let id = self.last.request_id.as_deref();
            self.answer = Some(Answer::Refused(refusal(RefusalKind::NoSuchUser, 404, &gone, id)));
            return;
        };
        if self.change.is_shown_by(holding) {
            let request_id = self.last.request_id.clone();
            self.answer = Some(Answer::Accepted { request_id });
            return;
        }
        if self.lost_at.is_some_and(|lost_at| asked_at < after(lost_at, lag)) {
            self.doubt = true;
            return;
        }
        self.lost_at = None;
        // "Not held" may come of an earlier try of ours that no read shows yet. Where it cannot,
        // asking again changes nothing.
        let patient = self.change.only_removes() || self.sent > 1;
        let limit = if patient { NOT_HELD_MAX } else { 1 };
        if self.not_held >= limit {
            self.answer = Some(Answer::Refused(self.last.clone()));
        }
    }

    /// Ends without an answer of Graph's, where there is none.
    fn end(self, stop: Option<&Stop>) -> Answer {
        if let Some(answer) = self.answer {
            return answer;
        }
        match stop {
            Some(Stop::SignIn(error)) if self.sent == 0 => return no_token(error),
            Some(Stop::Forbidden | Stop::Paused(_)) if self.sent == 0 => return Answer::NotSent,
            Some(Stop::Paused(delay)) => {
                tracing::warn!(seconds = delay.as_secs(), "no time is left to wait for Graph");
            }
            Some(Stop::SignIn(_) | Stop::Forbidden) | None => {}
        }
        match self.last.kind {
            RefusalKind::NoUsageLocation | RefusalKind::NotHeld | RefusalKind::Forbidden => {
                Answer::Refused(self.last)
            }
            RefusalKind::NoSeats
            | RefusalKind::SkuNotAssignable
            | RefusalKind::Inherited
            | RefusalKind::Dependency
            | RefusalKind::Exclusive
            | RefusalKind::AddressTaken
            | RefusalKind::NoSuchUser
            | RefusalKind::Unavailable
            | RefusalKind::Other => Answer::Failed(self.last),
        }
    }
}

/// Says that nothing was sent for want of a token.
fn no_token(error: &TenantError) -> Answer {
    let told = |kind| {
        let fault = GraphFault::saying(&error.to_string());
        refusal(kind, 0, &fault, None)
    };
    match error {
        TenantError::Secret { .. } | TenantError::SignIn { .. } | TenantError::Forbidden { .. } => {
            Answer::Refused(told(RefusalKind::Forbidden))
        }
        TenantError::Unavailable { .. }
        | TenantError::Malformed { .. }
        | TenantError::Clock { .. }
        | TenantError::Incomplete(_) => Answer::Failed(told(RefusalKind::Unavailable)),
    }
}
