//! Tells people: takes notices out of the records and sends each to its receivers, as webhooks.
//!
//! Every notice is on disk before anybody is asked to deliver it, and stays there until it arrived or
//! was given up, so that none is lost with a process; one may arrive twice. Never holds up a cycle, and
//! no receiver holds up another. An address is a secret: it is opened for each delivery and shown never.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::task::JoinSet;

use crate::config::WebhookFormat;
use crate::ports::counts::{Deliveries, DeliveryCounts};
use crate::ports::desk::{Delivered, Delivery, Desk};
use crate::ports::{Clock, RecordsError};
use retry::{Verdict, verdict};
use send::{Sender, Sent};

mod format;
mod retry;
mod send;

#[cfg(test)]
mod tests;

/// How often the records are asked for what there is to deliver.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long what is on its way has to arrive once somebody asks to stop.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Opens the address of a receiver, anew for each delivery, so that a rotated one is picked up. Says
/// why it cannot be had without quoting any of it.
pub type Address = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// Somebody who is told.
#[derive(Clone)]
pub struct Receiver {
    /// What logs and the records call it.
    pub name: Arc<str>,
    /// In which form it is told.
    pub format: WebhookFormat,
    /// Where.
    pub address: Address,
}

/// What was delivered since the start, for metrics.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Deliveries>);

impl Tally {
    /// Returns what was counted.
    pub fn current(&self) -> Deliveries {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, receiver: &Arc<str>, change: impl FnOnce(&mut DeliveryCounts)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(Arc::clone(receiver)).or_default());
    }
}

/// Delivers notices until `stop` comes to its end. What has not arrived by then stays in the records,
/// for the next start.
pub async fn run<D, C>(
    desk: Arc<D>,
    receivers: Vec<Receiver>,
    clock: Arc<C>,
    tally: Arc<Tally>,
    stop: impl Future<Output = ()>,
) where
    D: Desk + 'static,
    C: Clock + 'static,
{
    match send::Http::new() {
        Ok(sender) => Post::new(desk, receivers, clock, tally, sender).until(stop).await,
        Err(why) => tracing::error!("nobody can be told of anything: {why}"),
    }
}

/// What all deliveries share.
struct Post<D, C, S> {
    desk: Arc<D>,
    receivers: BTreeMap<Arc<str>, Receiver>,
    clock: Arc<C>,
    tally: Arc<Tally>,
    sender: S,
}

/// How the deliveries to one receiver ended.
struct Round {
    receiver: Arc<str>,
    /// Until when the receiver is left alone, where it does not take anything now.
    pause: Option<Timestamp>,
}

impl<D, C, S> Post<D, C, S>
where
    D: Desk + 'static,
    C: Clock + 'static,
    S: Sender + 'static,
{
    fn new(
        desk: Arc<D>,
        receivers: Vec<Receiver>,
        clock: Arc<C>,
        tally: Arc<Tally>,
        sender: S,
    ) -> Arc<Self> {
        for receiver in &receivers {
            tally.count(&receiver.name, |_| {});
        }
        let named = |receiver: Receiver| (Arc::clone(&receiver.name), receiver);
        let receivers = receivers.into_iter().map(named).collect();
        Arc::new(Self { desk, receivers, clock, tally, sender })
    }

    async fn until(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut busy: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut pauses: BTreeMap<Arc<str>, Timestamp> = BTreeMap::new();
        let mut rounds: JoinSet<Round> = JoinSet::new();
        let mut records_fail = false;
        loop {
            let now = self.clock.now();
            pauses.retain(|_, until| *until > now);
            match self.desk.due_deliveries(now).await {
                Ok(due) => {
                    records_fail = false;
                    for (receiver, due) in by_receiver(due) {
                        if !pauses.contains_key(&receiver) && busy.insert(Arc::clone(&receiver)) {
                            rounds.spawn(Arc::clone(&self).round(receiver, due));
                        }
                    }
                }
                Err(error) if !std::mem::replace(&mut records_fail, true) => {
                    tracing::error!("notices wait, since the records cannot be read: {error}");
                }
                Err(_) => {}
            }
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = rounds.join_next() => match ended {
                    Ok(Round { receiver, pause }) => {
                        busy.remove(&receiver);
                        pauses.extend(pause.map(|until| (receiver, until)));
                    }
                    // It is not known whose round that was; the others must not wait for it for ever.
                    Err(error) => {
                        tracing::error!("a delivery ended before its time: {error}");
                        rounds.abort_all();
                        busy.clear();
                    }
                },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        let ended = async { while rounds.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::info!(
                "some notices are still on their way; they are sent again after the start"
            );
        }
    }

    /// Delivers what is due for one receiver, the oldest first, until it does not take any more.
    async fn round(self: Arc<Self>, receiver: Arc<str>, due: Vec<Delivery>) -> Round {
        for delivery in due {
            let verdict = match self.receivers.get(&receiver) {
                Some(known) => self.deliver(known, &delivery).await,
                None => {
                    let why = "no receiver of this name is configured any more".to_owned();
                    Verdict { outcome: Delivered::GivenUp { why }, pause: None }
                }
            };
            let Verdict { outcome, pause } = verdict;
            self.tell(&receiver, &delivery, &outcome);
            let recorded = self.desk.delivered(delivery.number, &receiver, outcome).await;
            if let Err(error) = recorded {
                return Round { pause: Some(self.not_recorded(&receiver, &error)), receiver };
            }
            if pause.is_some() {
                return Round { receiver, pause };
            }
        }
        Round { receiver, pause: None }
    }

    async fn deliver(&self, receiver: &Receiver, delivery: &Delivery) -> Verdict {
        let body = format::body(receiver.format, delivery);
        let opened = tokio::task::spawn_blocking({
            let address = Arc::clone(&receiver.address);
            move || address()
        });
        let sent = match opened.await {
            Ok(Ok(address)) => self.sender.send(&address, body).await,
            Ok(Err(why)) => Sent::Unanswered { why: format!("its address cannot be had: {why}") },
            Err(error) => Sent::Unanswered { why: format!("its address cannot be had: {error}") },
        };
        verdict(delivery, sent, self.clock.now(), self.sender.jitter())
    }

    fn tell(&self, receiver: &Arc<str>, delivery: &Delivery, outcome: &Delivered) {
        let Delivery { number, receiver: _, notice, tries } = delivery;
        let (tenant, event) = (&notice.tenant, notice.event.as_str());
        match outcome {
            Delivered::Done => {
                self.tally.count(receiver, |counts| counts.delivered += 1);
                tracing::debug!(%tenant, event, number, %receiver, "`{receiver}` was told");
            }
            Delivered::Again { at, why } => {
                self.tally.count(receiver, |counts| counts.failed += 1);
                tracing::warn!(
                    %tenant, event, number, %receiver, tries = tries + 1,
                    "`{receiver}` could not be told, and will be again at {at:.0}: {why}"
                );
            }
            Delivered::GivenUp { why } => {
                self.tally.count(receiver, |counts| {
                    counts.failed += 1;
                    counts.given_up += 1;
                });
                tracing::error!(
                    %tenant, event, number, %receiver, tries = tries + 1,
                    "`{receiver}` is not told of {event} in tenant {tenant}: {why}"
                );
            }
        }
    }

    /// What arrived and could not be recorded arrives again: not at once, at least.
    fn not_recorded(&self, receiver: &str, error: &RecordsError) -> Timestamp {
        tracing::error!(receiver, "a delivery could not be recorded: {error}");
        retry::later(self.clock.now(), 0, self.sender.jitter())
    }
}

fn by_receiver(due: Vec<Delivery>) -> BTreeMap<Arc<str>, Vec<Delivery>> {
    let mut by_receiver: BTreeMap<Arc<str>, Vec<Delivery>> = BTreeMap::new();
    for delivery in due {
        by_receiver.entry(Arc::clone(&delivery.receiver)).or_default().push(delivery);
    }
    by_receiver
}
