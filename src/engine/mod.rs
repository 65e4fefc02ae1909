//! Runs cycles: reads the tenant, recovers, plans, records; carries approved plans out.
//!
//! Knows ports alone: it never names Graph, a database or a file. Below here nothing knows a mode.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::names::TenantName;
use crate::engine::gate::Gate;
use crate::engine::memo::Memo;
use crate::plan::approval::NotTakenUp;
use crate::plan::bind::Problem;
use crate::plan::{Digest, RequestError};
use crate::policy::settings::Settings;
use crate::policy::{PolicySet, Selector, Test};
use crate::ports::{
    Clock, GroupRequest, OtherGroups, Progress, ReadRequest, Records, RecordsError, TenantError,
    TenantReader,
};

mod breaker;
pub mod carry_out;
pub mod cycle;
pub mod daemon;
mod executor;
pub mod gate;
pub mod memo;
pub mod once;
mod recovery;
mod sign_ins;

/// The policies in force, and what they were read from.
#[derive(Clone, Debug)]
pub struct Policies {
    /// The policies.
    pub set: PolicySet,
    /// The digest of the files.
    pub digest: Digest,
    /// The commit of the files, where there is one.
    pub commit: Option<Arc<str>>,
}

/// How patient the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long to look for what Graph accepted until a read shows it.
    pub confirm_within: Duration,
    /// How old an intent without outcome must be before a read that does not show it is believed.
    pub settle_after: Duration,
    /// How long a cycle may read sign-ins, where policies ask for them and they are not fresh.
    pub sign_ins_within: Duration,
}

/// How much of a tenant is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// All of it, each time.
    Whole,
    /// What changed since the last read; all of it at intervals, before a plan that takes something
    /// away, and wherever that is doubtful.
    Tracked {
        /// How often all of it is read.
        full_every: Duration,
    },
}

/// A request to stop: what is in flight is finished and recorded, nothing further is sent.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Option<tokio::time::Instant>>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Stop {
    /// Asks to stop.
    pub fn ask(&self) {
        self.0.send_if_modified(|asked| {
            let is_first = asked.is_none();
            asked.get_or_insert_with(tokio::time::Instant::now);
            is_first
        });
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        // The sender lives in this very value, so that the wait cannot end for want of one.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    /// Waits until somebody has asked and this much time has passed since.
    pub async fn overdue(&self, patience: Duration) {
        self.asked().await;
        let since = *self.0.borrow();
        if let Some(since) = since {
            tokio::time::sleep_until(since + patience).await;
        }
    }
}

/// What one tenant's cycles work with.
pub struct Engine<'a, T, R, C> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// Its settings.
    pub settings: &'a Settings,
    /// Reads it.
    pub reader: &'a T,
    /// Keeps what was planned and done.
    pub records: &'a R,
    /// Tells the time.
    pub clock: &'a C,
    /// Told how far things have come.
    pub progress: &'a dyn Progress,
    /// How patient to be.
    pub patience: Patience,
    /// How much of the tenant to read.
    pub reading: Freshness,
    /// Whether to stop.
    pub stop: Stop,
    /// Whether changes may be sent.
    pub gate: &'a Gate,
    /// What the last cycle came to.
    pub memo: Memo,
}

/// What to do with policies that do not fit the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfits {
    /// Make no plan at all.
    Refuse,
    /// Leave those policies out; nothing that they own is removed.
    LeaveOut,
}

/// Why a cycle came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// The tenant could not be read.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The records could not be read or written.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Policies or settings do not fit the tenant.
    #[error("policies or settings do not fit tenant `{tenant}`")]
    Misfit {
        /// The tenant.
        tenant: TenantName,
        /// All that does not fit.
        problems: Vec<Problem>,
    },
    /// Nothing can be planned for what a person asks.
    #[error(transparent)]
    Request(RequestError),
    /// The plan cannot be carried out.
    #[error(transparent)]
    NotTakenUp(NotTakenUp),
    /// Windows or people keep changes back; nothing was sent, and what was approved stays so.
    #[error("nothing was sent: {0}")]
    HeldBack(String),
    /// Somebody asked to stop before anything was sent.
    #[error("stopped on request; nothing was concluded")]
    Stopped,
}

impl<T: TenantReader, R: Records, C: Clock> Engine<'_, T, R, C> {
    /// Does something that may be left off at any time, unless somebody asks to stop.
    async fn unless_stopped<F: Future>(&self, work: F) -> Result<F::Output, CycleError> {
        tokio::select! {
            biased;
            () = self.stop.asked() => Err(CycleError::Stopped),
            done = work => Ok(done),
        }
    }

    fn misfit(&self, problems: Vec<Problem>) -> CycleError {
        CycleError::Misfit { tenant: self.tenant.clone(), problems }
    }

    /// Says what has to be read for these policies.
    pub fn request(&self, policies: &PolicySet) -> ReadRequest {
        request(self.tenant, self.settings, policies)
    }
}

/// Says what has to be read of a tenant for these policies.
pub fn request(tenant: &TenantName, settings: &Settings, policies: &PolicySet) -> ReadRequest {
    let mut groups = BTreeSet::new();
    for policy in &policies.policies {
        if policy.tenants.as_ref().is_none_or(|only| only.contains(tenant)) {
            collect_groups(&policy.selector, &mut groups);
        }
    }
    for group in &settings.protected.groups {
        groups.insert((group.value.clone(), false));
    }
    let request = |(group, direct): (Arc<str>, bool)| GroupRequest { group, direct };
    let groups = groups.into_iter().map(request).collect();
    ReadRequest { groups, others: OtherGroups::Listed }
}

fn collect_groups(selector: &Selector, groups: &mut BTreeSet<(Arc<str>, bool)>) {
    match selector {
        Selector::All(parts) | Selector::Any(parts) | Selector::None(parts) => {
            for part in parts {
                collect_groups(part, groups);
            }
        }
        Selector::Test(test) => {
            if let Test::Group { group, nested } = &test.value {
                groups.insert((group.clone(), !nested));
            }
        }
    }
}
