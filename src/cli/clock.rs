//! The system's clock: the one place that asks for the time.

use std::time::Duration;

use jiff::Timestamp;

use crate::ports::Clock;

/// A clock that runs so many times faster than the system's, from when it was made. Copies run together.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    began: Timestamp,
    speed: u32,
}

impl FastClock {
    /// A clock that begins at this time. Two processes that begin at the same time agree.
    pub fn begin(began: Timestamp, speed: u32) -> Self {
        Self { began, speed }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let passed = SystemClock.now().duration_since(self.began);
        let sped = passed.saturating_mul(i32::try_from(self.speed).unwrap_or(i32::MAX));
        self.began.saturating_add(sped).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, length: Duration) {
        SystemClock.sleep(length / self.speed.max(1)).await;
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}
