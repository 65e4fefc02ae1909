//! Sends: locations first, then licenses, in batches of which a few are on their way at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{FuturesOrdered, StreamExt};

use super::confirm::Sent;
use super::{BATCH_MAX, Halt, Running, changes_licenses, out_of_patience};
use crate::domain::ids::{ServicePlanId, UserId};
use crate::domain::sku::Catalogue;
use crate::engine::CycleError;
use crate::plan::Operation;
use crate::plan::conflict::Lesson;
use crate::plan::ledger::LedgerChange;
use crate::plan::memory::{MemoryChange, Refused, seats_for, state_of};
use crate::ports::{
    Answer, Clock, LicenseWrite, LocationWrite, OutcomeKind, Records, Refusal, RefusalKind,
    TenantReader, TenantWriter,
};

/// Batches on their way at once; the writer slows itself down further where Graph asks for it.
const BATCHES_IN_FLIGHT: usize = 4;

/// For whom a location was accepted, with Graph's id of the request.
type Located = BTreeMap<UserId, Option<Arc<str>>>;

impl<T: TenantReader, R: Records, C: Clock, W: TenantWriter> Running<'_, '_, T, R, C, W> {
    /// Sends everything that operations need, and records what was refused. Returns what has to be
    /// looked at.
    pub(super) async fn send_all<'o>(
        &mut self,
        operations: &[&'o Operation],
    ) -> Result<Vec<Sent<'o>>, CycleError> {
        let mut sent = Vec::new();
        let located = self.locate(operations, &mut sent).await?;
        let doubted: BTreeSet<UserId> = sent.iter().map(|sent| sent.operation.user.id).collect();
        let writes: Vec<(&Operation, LicenseWrite)> = operations
            .iter()
            .filter(|operation| changes_licenses(operation))
            .filter(|operation| {
                let id = operation.user.id;
                let settled = operation.usage_location.is_some() && !located.contains_key(&id);
                !settled && !doubted.contains(&id)
            })
            .map(|operation| (*operation, license_write(operation, &located)))
            .collect();
        let writer = self.writer;
        let answers = self.send(writes, |batch| async move { writer.assign(&batch).await }).await?;
        self.sort_out(answers, &located, &mut sent).await?;
        let now = self.engine.clock.now();
        for operation in operations.iter().filter(|operation| !changes_licenses(operation)) {
            if let Some(request_id) = located.get(&operation.user.id) {
                sent.push(Sent::accepted(operation, request_id.clone(), now));
            }
        }
        Ok(sent)
    }

    /// Writes locations. Returns for whom that was accepted.
    async fn locate<'o>(
        &mut self,
        operations: &[&'o Operation],
        sent: &mut Vec<Sent<'o>>,
    ) -> Result<Located, CycleError> {
        let writes: Vec<(&Operation, LocationWrite)> = operations
            .iter()
            .filter_map(|operation| {
                let location = operation.usage_location?.to;
                Some((*operation, LocationWrite { user: operation.user.id, location }))
            })
            .collect();
        let writer = self.writer;
        let answers = self.send(writes, |batch| async move { writer.locate(&batch).await }).await?;
        let mut located = Located::new();
        let mut others = Vec::new();
        for (operation, answer) in answers {
            if let Answer::Accepted { request_id } = answer {
                located.insert(operation.user.id, request_id);
            } else {
                others.push((operation, answer));
            }
        }
        self.sort_out(others, &Located::new(), sent).await?;
        Ok(located)
    }

    /// Records what was refused or not sent, and notes what has to be looked at.
    async fn sort_out<'o>(
        &mut self,
        answers: Vec<(&'o Operation, Answer)>,
        located: &Located,
        sent: &mut Vec<Sent<'o>>,
    ) -> Result<(), CycleError> {
        let (mut settlements, now) = (Vec::new(), self.engine.clock.now());
        for (operation, answer) in answers {
            // A part that took effect is told, whatever becomes of the rest.
            let also = match located.get(&operation.user.id) {
                Some(Some(id)) => format!(" (the usage location was set, request {id})"),
                Some(None) => " (the usage location was set)".to_owned(),
                None => String::new(),
            };
            match answer {
                Answer::Accepted { request_id } => {
                    sent.push(Sent::accepted(operation, request_id, now));
                }
                // What is not held any more is gone, by whomever: a read decides.
                Answer::Refused(refusal)
                    if refusal.kind == RefusalKind::NotHeld && operation.add.is_empty() =>
                {
                    sent.push(Sent::doubtful(operation, refusal, now));
                }
                Answer::Failed(refusal) => {
                    sent.push(Sent::doubtful(operation, refusal, now));
                }
                Answer::Refused(Refusal { kind, status: _, code, message, request_id }) => {
                    let words = with_names(&message, self.snapshot.catalogue());
                    let detail = format!("{words}{also}");
                    let mut settlement = self.told(operation, OutcomeKind::Refused, &detail);
                    // What Graph will not take is planned for nobody again.
                    let lesson = Lesson::from_refusal(&message);
                    settlement.ledger.extend(lesson.map(LedgerChange::Learn));
                    settlement.ledger.extend(self.refused(operation, kind, &message));
                    settlement.outcome.code = Some(code);
                    settlement.outcome.request_id = request_id;
                    settlements.push(settlement);
                }
                Answer::NotSent => {
                    let halt = self.halted.clone().unwrap_or_else(|| {
                        let why = "Graph asked for a longer pause than `requests` allow";
                        self.breaker.trip(why.to_owned());
                        Halt::Broken(why.to_owned())
                    });
                    let detail = format!("{}{also}", halt.why());
                    settlements.push(self.put_off(operation, &halt, &detail));
                }
            }
        }
        self.settle(settlements).await
    }

    /// Remembers a refusal, so that it is not asked for again until something changes.
    fn refused(
        &self,
        operation: &Operation,
        kind: RefusalKind,
        message: &Arc<str>,
    ) -> Option<LedgerChange> {
        let seats = match kind {
            // These say nothing about the user.
            RefusalKind::Forbidden | RefusalKind::Unavailable => return None,
            RefusalKind::NoSeats => Some(seats_for(operation, self.snapshot.catalogue())),
            RefusalKind::NoUsageLocation
            | RefusalKind::SkuNotAssignable
            | RefusalKind::NotHeld
            | RefusalKind::Inherited
            | RefusalKind::Dependency
            | RefusalKind::Exclusive
            | RefusalKind::AddressTaken
            | RefusalKind::NoSuchUser
            | RefusalKind::Other => None,
        };
        let user = operation.user.id;
        let refused = Refused {
            user,
            since: self.engine.clock.now(),
            message: Arc::clone(message),
            state: state_of(self.snapshot.user(user)?),
            seats,
        };
        Some(MemoryChange::Refuse(operation.key, refused).into())
    }

    /// Sends writes in batches, a few at once, each after its intents are on disk. Returns an answer
    /// for every write but those that somebody asked to stop waiting for.
    async fn send<'o, X, F>(
        &mut self,
        writes: Vec<(&'o Operation, X)>,
        send: impl Fn(Vec<X>) -> F,
    ) -> Result<Vec<(&'o Operation, Answer)>, CycleError>
    where
        F: Future<Output = Vec<Answer>>,
    {
        let (engine, plan, send) = (self.engine, self.plan, &send);
        let mut batches = Vec::new();
        let mut writes = writes.into_iter().peekable();
        while writes.peek().is_some() {
            batches.push(writes.by_ref().take(BATCH_MAX).unzip::<_, _, Vec<&Operation>, Vec<X>>());
        }
        let one = |(operations, batch): (Vec<&'o Operation>, Vec<X>)| async move {
            let keys = operations.iter().map(|operation| operation.key).collect();
            engine.records.intend(plan, keys, engine.clock.now()).await?;
            let answered = tokio::select! {
                biased;
                answered = send(batch) => Some(answered),
                () = out_of_patience(engine) => None,
            };
            Ok::<_, CycleError>((operations, answered))
        };
        let (mut answers, mut failed) = (Vec::new(), None);
        let (mut batches, mut aloft) = (batches.into_iter(), FuturesOrdered::new());
        self.halted = None;
        loop {
            while aloft.len() < BATCHES_IN_FLIGHT && failed.is_none() && batches.len() > 0 {
                self.halted = self.halt();
                if self.halted.is_some() {
                    let left = batches.by_ref().flat_map(|(operations, _)| operations);
                    answers.extend(left.map(|operation| (operation, Answer::NotSent)));
                } else {
                    aloft.extend(batches.next().map(one));
                }
            }
            let Some(landed) = aloft.next().await else { break };
            match landed {
                Ok((operations, Some(answered))) => {
                    for (operation, answer) in operations.into_iter().zip(answered) {
                        // Whether what went unanswered failed is for a read to say.
                        if !matches!(answer, Answer::Failed(_)) {
                            self.breaker.take(&answer);
                        }
                        answers.push((operation, answer));
                    }
                }
                Ok((operations, None)) => self.run.unsettled += operations.len() as u64,
                // What is on its way lands before the run ends.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(answers)
    }
}

fn license_write(operation: &Operation, located: &Located) -> LicenseWrite {
    let disabled = |addition: &crate::plan::Addition| {
        (addition.sku.id, addition.disabled.iter().map(|plan| plan.id).collect())
    };
    LicenseWrite {
        user: operation.user.id,
        add: operation.add.iter().map(disabled).collect(),
        remove: operation.remove.iter().map(|sku| sku.id).collect(),
        located: located.contains_key(&operation.user.id),
    }
}

/// Returns a message of Graph's with the names of the service plans that it tells by id.
fn with_names(message: &str, catalogue: &Catalogue) -> String {
    let is_outside = |c: char| !(c.is_ascii_hexdigit() || c == '-');
    let mut named = message.to_owned();
    let words: BTreeSet<&str> =
        message.split(is_outside).filter(|word| word.len() == ID_LENGTH).collect();
    for word in words {
        let Ok(id) = word.parse::<ServicePlanId>() else { continue };
        let plan = catalogue.skus().iter().find_map(|sku| sku.service_plan(id));
        if let Some(plan) = plan {
            named = named.replace(word, &format!("{} ({word})", plan.name));
        }
    }
    named
}

/// How long an id is in writing.
const ID_LENGTH: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::world;

    #[test]
    fn service_plans_that_graph_tells_by_id_are_named() {
        let snapshot = world("ana: SPE_E3", "").snapshot();
        let catalogue = snapshot.catalogue();
        let plan = &catalogue.skus()[0].service_plans[0];
        let (id, unknown) = (plan.id.to_string(), "00000000-0000-0000-0000-00000000ffff");
        let told = format!("service plans {id}, {unknown} are mutually exclusive.");
        assert_eq!(
            with_names(&told, catalogue),
            format!("service plans {} ({id}), {unknown} are mutually exclusive.", plan.name)
        );
        assert_eq!(with_names("no seat left", catalogue), "no seat left");
    }
}
