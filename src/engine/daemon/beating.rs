//! Ports that say that work goes on: a loop that hangs says nothing, and is found by that.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Place;
use crate::ports::{Clock, Progress};

/// The longest time between two signs of life while waiting.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// A clock that gives a sign of life while somebody waits.
#[derive(Debug)]
pub struct BeatingClock<C> {
    clock: C,
    place: Arc<Place>,
}

impl<C> BeatingClock<C> {
    /// A clock that gives its signs of life at this place.
    pub fn new(clock: C, place: Arc<Place>) -> Self {
        Self { clock, place }
    }
}

impl<C: Clock> Clock for BeatingClock<C> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, length: Duration) {
        let mut left = length;
        loop {
            self.place.beat();
            let slice = left.min(BEAT_EVERY);
            self.clock.sleep(slice).await;
            left = left.saturating_sub(slice);
            if left.is_zero() {
                self.place.beat();
                return;
            }
        }
    }
}

/// Progress that gives a sign of life, and tells nobody else.
pub(super) struct BeatingProgress {
    pub(super) place: Arc<Place>,
}

impl Progress for BeatingProgress {
    fn at(&self, _: &str, _: u64, _: Option<u64>) {
        self.place.beat();
    }
}
