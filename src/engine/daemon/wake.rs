//! What starts a cycle before its time: remembered once, however often it comes.

use std::sync::Mutex;

use tokio::sync::Notify;

use crate::plan::Trigger;

/// A slot for one trigger, and a bell.
#[derive(Debug, Default)]
pub struct Wake {
    pending: Mutex<Option<Trigger>>,
    bell: Notify,
}

impl Wake {
    /// Asks for a cycle. One that was asked for already covers this too.
    pub fn ring(&self, trigger: Trigger) {
        self.pending.lock().expect("no holder of the slot panics").get_or_insert(trigger);
        self.bell.notify_one();
    }

    /// Returns what asked for a cycle, and forgets it.
    pub fn take(&self) -> Option<Trigger> {
        self.pending.lock().expect("no holder of the slot panics").take()
    }

    /// Waits until somebody rings, or has rung since the last wait.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_many_times_is_remembered_once() {
        let wake = Wake::default();
        wake.ring(Trigger::FileChange);
        wake.ring(Trigger::Signal);
        wake.rung().await;
        assert_eq!((wake.take(), wake.take()), (Some(Trigger::FileChange), None));
    }
}
