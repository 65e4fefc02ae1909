//! Reads when users last signed in, where some policy asks for it, and puts what is known onto the
//! snapshot. Slow: every page is on disk before the next is asked for, so that a read that was
//! interrupted goes on where it was. Never fails a cycle for want of sign-ins: without them users are
//! unknown, and not inactive.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::sign_in::{Extent, SignIns};
use crate::domain::snapshot::Snapshot;
use crate::engine::{CycleError, Engine};
use crate::policy::PolicySet;
use crate::ports::{
    Clock, ReadRequest, Records, SignInAnswer, SignInPage, SignInReading, TenantReader,
};

/// A read that came to its end is not repeated before. Graph's own data is as late.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);
/// What was read longer ago is not used any more: whoever signed in since has had the time to show.
const USED_FOR: SignedDuration = SignedDuration::from_hours(72);
/// How often a read begins anew in one cycle, after Graph lost its place.
const RESTARTS_MAX: u32 = 2;
/// Pages in one cycle at most: ten million users. Beyond, the chain is taken for endless.
const PAGES_MAX: u32 = 20_000;

/// What going on with a read came to.
enum Gone {
    /// To its end, or as far as there was time.
    On(SignInReading),
    /// It stopped before.
    Stopped(SignInReading, &'static str),
    /// There is nothing to be read.
    Nowhere(std::sync::Arc<str>),
}

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Reads the tenant, with the sign-ins that were recorded before: none are read, since that takes
    /// long.
    ///
    /// # Errors
    ///
    /// As [`Engine::read`]; also where the records cannot be read.
    pub async fn read_with_sign_ins(
        &self,
        policies: &PolicySet,
        request: &ReadRequest,
        wanted: bool,
    ) -> Result<Snapshot, CycleError> {
        let snapshot = self.read(request).await?;
        if wanted {
            return self.put_sign_ins(snapshot, self.patience.sign_ins_within).await;
        }
        self.with_sign_ins(snapshot, policies, Duration::ZERO).await
    }

    /// Puts sign-ins onto a snapshot, where some policy asks for them: reads on for at most this long
    /// where what is there is not fresh, and takes what there is then.
    pub(crate) async fn with_sign_ins(
        &self,
        snapshot: Snapshot,
        policies: &PolicySet,
        within: Duration,
    ) -> Result<Snapshot, CycleError> {
        if !policies.asks_for_sign_ins(self.tenant) {
            return Ok(snapshot);
        }
        self.put_sign_ins(snapshot, within).await
    }

    async fn put_sign_ins(
        &self,
        snapshot: Snapshot,
        within: Duration,
    ) -> Result<Snapshot, CycleError> {
        let users = snapshot.users().len() as u64;
        let (reading, stopped) = match self.read_on(users, within).await? {
            Gone::On(reading) => (reading, None),
            Gone::Stopped(reading, why) => (reading, Some(why.into())),
            Gone::Nowhere(reason) => {
                let extent = Extent::Unavailable { reason };
                return Ok(snapshot.with_sign_ins(&SignIns { extent, ..SignIns::default() }));
            }
        };
        let oldest_used = before(self.clock.now(), USED_FOR);
        let (latest, oldest_read) = self.records.sign_ins(self.tenant, oldest_used).await?;
        let extent = if reading.whole_since.is_some_and(|since| since >= oldest_used) {
            Extent::Whole
        } else {
            Extent::Partial { users: reading.users, stopped }
        };
        Ok(snapshot.with_sign_ins(&SignIns { latest, oldest_read, extent }))
    }

    /// Reads page by page, each recorded before the next, until the end or for at most this long.
    async fn read_on(&self, users: u64, within: Duration) -> Result<Gone, CycleError> {
        let began = self.clock.now();
        let before = self.records.sign_in_reading(self.tenant).await?;
        let mut reading = taken_up(before, began);
        let mut restarts = 0;
        for _ in 0..PAGES_MAX {
            let read_at = self.clock.now();
            let spent = Duration::try_from(read_at.duration_since(began)).unwrap_or_default();
            if reading.finished_at.is_some() || spent >= within {
                return Ok(Gone::On(reading));
            }
            self.progress.at("reading sign-ins", reading.users, Some(users));
            let asking = self.reader.sign_ins(reading.continuation.as_deref());
            match self.unless_stopped(asking).await? {
                Ok(SignInAnswer::Page(SignInPage { users, next })) => {
                    reading.users += users.len() as u64;
                    if next.is_none() {
                        reading.finished_at = Some(self.clock.now());
                        reading.whole_since = Some(reading.started_at);
                    }
                    reading.continuation = next;
                    let kept = reading.clone();
                    self.records.keep_sign_ins(self.tenant, users, read_at, kept).await?;
                }
                Ok(SignInAnswer::Lost) if restarts < RESTARTS_MAX => {
                    restarts += 1;
                    tracing::info!(tenant = %self.tenant, restarts,
                        "Graph lost its place; reading sign-ins anew");
                    reading = anew(reading.whole_since, read_at);
                }
                Ok(SignInAnswer::Lost) => {
                    return Ok(Gone::Stopped(reading, "Graph lost its place again and again"));
                }
                Ok(SignInAnswer::Unavailable { reason }) => return Ok(Gone::Nowhere(reason)),
                Err(error) => {
                    tracing::warn!(tenant = %self.tenant, %error,
                        "sign-ins could not be read; the next cycle goes on from here");
                    return Ok(Gone::Stopped(reading, "Graph did not answer"));
                }
            }
        }
        Ok(Gone::Stopped(reading, "the listing has no end"))
    }
}

/// Returns the read to go on with: the one there is, unless it is too old to be worth it.
fn taken_up(before: Option<SignInReading>, now: Timestamp) -> SignInReading {
    let recent = |at: Timestamp| at >= self::before(now, FRESH_FOR);
    match before {
        Some(reading) if recent(reading.finished_at.unwrap_or(reading.started_at)) => reading,
        Some(reading) => anew(reading.whole_since, now),
        None => anew(None, now),
    }
}

fn anew(whole_since: Option<Timestamp>, now: Timestamp) -> SignInReading {
    SignInReading { started_at: now, users: 0, continuation: None, finished_at: None, whole_since }
}

fn before(now: Timestamp, length: SignedDuration) -> Timestamp {
    now.saturating_sub(length).unwrap_or(Timestamp::MIN)
}
