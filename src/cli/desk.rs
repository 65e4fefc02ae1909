//! Where commands work on a tenant: at a desk of their own, with its lock; or beside the daemon that
//! holds the lock, by asking it. What they show and how they end is the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::cli::clock::SystemClock;
use crate::cli::commands::decide::by;
use crate::cli::exit::{Exit, Failure};
use crate::cli::failure::lock_failure;
use crate::cli::pager;
use crate::cli::policies::LoadedPolicies;
use crate::cli::session::{Session, client, duration};
use crate::cli::ui::Ui;
use crate::cli::wording::Worded;
use crate::config::Tenant;
use crate::domain::snapshot::Snapshot;
use crate::engine::carry_out::Consent;
use crate::engine::cycle::Cycle;
use crate::engine::gate::Gate;
use crate::engine::memo::Memo;
use crate::engine::once::Once;
use crate::engine::{CycleError, Engine, Freshness, Misfits, Patience, Stop};
use crate::graph;
use crate::plan::{GuardName, Trigger};
use crate::ports::desk::{Ask, CarriedOutReply, Desk as _, Reply, Request, RequestId, Standing};
use crate::ports::{Clock as _, ReadRequest, Records as _, StoredPlan};
use crate::store::Store;
use crate::store::lock::{Holder, LockError, TenantLock, holder};

/// What the daemon is called where it holds a lock.
pub(super) const DAEMON: &str = "seatkeeper run";
/// How long a request waits to be taken up: longer than most plans take to be carried out.
const TAKEN_UP_WITHIN: Duration = Duration::from_mins(30);
/// How often to look for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often to look whether the daemon is there still.
const DAEMON_EVERY: Duration = Duration::from_secs(2);
/// What takes longer than this is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// A place to work on one tenant.
pub enum Desk<'s> {
    /// With the lock of the tenant.
    Own(Box<OwnDesk<'s>>),
    /// Beside the daemon.
    Daemon(DaemonDesk<'s>),
}

/// A plan that was made, and what came before it.
pub struct Planned {
    /// The plan, and where it stands.
    pub stored: StoredPlan,
    /// Whether it is stored: a plan with nothing to do is not.
    pub is_stored: bool,
    /// Whether plans that an interruption had left open were closed.
    pub recovered: bool,
}

/// One tenant at work: its lock is held as long as this is.
pub struct OwnDesk<'s> {
    session: &'s Session<'s>,
    tenant: &'s Tenant,
    store: &'s Store,
    client: graph::Client<SystemClock>,
    gate: Gate,
    _lock: TenantLock,
}

/// One tenant that the daemon is at work on.
pub struct DaemonDesk<'s> {
    session: &'s Session<'s>,
    tenant: &'s Tenant,
    store: &'s Store,
    holder: Holder,
}

impl<'s> Desk<'s> {
    /// Sits down to work on a tenant: takes its lock, or asks the daemon that holds it.
    ///
    /// # Errors
    ///
    /// Where another command is at work on it.
    pub fn sit_down(
        session: &'s Session<'s>,
        tenant: &'s Tenant,
        store: &'s Store,
        command: &str,
    ) -> Result<Self, Failure> {
        match lock(&session.config.state, tenant, command) {
            Ok(lock) => {
                let client = client(&session.config.state, tenant, SystemClock, false)?;
                let gate = Gate::new(tenant.windows.clone(), tenant.settings.time_zone.clone());
                let own = OwnDesk { session, tenant, store, client, gate, _lock: lock };
                Ok(Self::Own(Box::new(own)))
            }
            Err(LockError::Held { tenant: _, holder: Some(holder) })
                if holder.command == DAEMON =>
            {
                refuse_outdated(&holder, tenant)?;
                Ok(Self::Daemon(DaemonDesk { session, tenant, store, holder }))
            }
            Err(error) => Err(lock_failure(&error)),
        }
    }

    /// Reads and plans. Where there is nothing to do, `let_go` lets go of the policies that are gone.
    ///
    /// # Errors
    ///
    /// Where nothing could be planned.
    pub async fn plan(
        &self,
        policies: &LoadedPolicies,
        misfits: Misfits,
        let_go: bool,
    ) -> Result<Planned, Failure> {
        match self {
            Self::Own(own) => own.plan(policies, misfits, let_go).await,
            Self::Daemon(beside) => {
                let leave_out_misfits = misfits == Misfits::LeaveOut;
                beside.planned(Ask::Plan { leave_out_misfits, let_go }).await
            }
        }
    }

    /// Plans what is asked for once.
    ///
    /// # Errors
    ///
    /// Where nothing could be planned.
    pub async fn plan_once(
        &self,
        policies: &LoadedPolicies,
        once: &Once,
    ) -> Result<Planned, Failure> {
        match self {
            Self::Own(own) => {
                let planned = own.engine().plan_once(&policies.policies, once).await;
                planned.map(planned_of).map_err(|error| own.session.cycle_failure(error, policies))
            }
            Self::Daemon(beside) => {
                beside
                    .planned(match once {
                        Once::Bulk(order) => Ask::Bulk(order.clone()),
                        Once::Revert(plan) => Ask::Revert(*plan),
                    })
                    .await
            }
        }
    }

    /// Carries out an approved plan.
    ///
    /// # Errors
    ///
    /// Where nothing was sent.
    pub async fn carry_out(
        &self,
        policies: &LoadedPolicies,
        stored: &StoredPlan,
    ) -> Result<CarriedOutReply, Failure> {
        match self {
            Self::Own(own) => own.carry_out(policies, stored).await,
            Self::Daemon(beside) => match beside.ask(Ask::CarryOut(stored.plan.id), None).await? {
                Reply::CarriedOut(carried) => Ok(*carried),
                other => Err(unexpected(&other)),
            },
        }
    }

    /// Carries out the part of a plan that nothing holds back but guards that are accepted. Returns
    /// none where nothing of it is planned any more.
    ///
    /// # Errors
    ///
    /// Where nothing was sent.
    pub async fn carry_out_part(
        &self,
        policies: &LoadedPolicies,
        held: &StoredPlan,
        accepted: &[GuardName],
        who: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Option<CarriedOutReply>, Failure> {
        match self {
            Self::Own(own) => own.carry_out_part(policies, held, accepted, who, reason).await,
            Self::Daemon(beside) => {
                let (plan, accepted) = (held.plan.id, accepted.to_vec());
                let ask = Ask::Part { plan, accepted, reason: reason.map(Arc::from) };
                match beside.ask(ask, who).await? {
                    Reply::CarriedOut(carried) => Ok(Some(*carried)),
                    Reply::NothingLeft => Ok(None),
                    other => Err(unexpected(&other)),
                }
            }
        }
    }

    /// Reads the tenant without sign-ins. Beside the daemon what was read is kept, too.
    ///
    /// # Errors
    ///
    /// Where it could not be read whole.
    pub async fn look(&self, request: ReadRequest) -> Result<Arc<Snapshot>, Failure> {
        match self {
            Self::Own(own) => {
                let read = own.engine().read(&request).await;
                read.map(Arc::new).map_err(|error| own.session.read_failure(error))
            }
            Self::Daemon(beside) => beside.read(request, false).await,
        }
    }

    /// Reads the tenant, keeps what was read, and returns it.
    ///
    /// # Errors
    ///
    /// Where it could not be read whole.
    pub async fn read(
        &self,
        policies: &LoadedPolicies,
        request: ReadRequest,
        sign_ins: bool,
    ) -> Result<Arc<Snapshot>, Failure> {
        match self {
            Self::Own(own) => {
                let set = &policies.policies.set;
                let read = own.engine().read_with_sign_ins(set, &request, sign_ins).await;
                let snapshot =
                    Arc::new(read.map_err(|error| own.session.cycle_failure(error, policies))?);
                let kept = own.store.keep_snapshot(&own.tenant.name, Arc::clone(&snapshot)).await;
                kept.map_err(|error| own.session.records_failure(error))?;
                Ok(snapshot)
            }
            Self::Daemon(beside) => beside.read(request, sign_ins).await,
        }
    }
}

/// Takes the lock of a tenant.
pub(super) fn lock(state: &Path, tenant: &Tenant, command: &str) -> Result<TenantLock, LockError> {
    let holder = Holder {
        pid: std::process::id(),
        command: command.to_owned(),
        since: SystemClock.now(),
        settings: Some(mark(tenant)),
    };
    TenantLock::acquire(state, &tenant.name, &holder)
}

/// Returns a mark of the settings of a tenant: another one where anything in them is another.
fn mark(tenant: &Tenant) -> String {
    // Secrets stand in no configuration, only where they lie.
    let digest = Sha256::digest(format!("{tenant:?}").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a holder goes by the settings of the file now; a holder that did not say does.
pub(super) fn goes_by_the_same(holder: &Holder, tenant: &Tenant) -> bool {
    holder.settings.as_ref().is_none_or(|settings| *settings == mark(tenant))
}

/// Refuses to ask a daemon that goes by other settings than those of the file now: whom the file protects
/// it may not know.
fn refuse_outdated(holder: &Holder, tenant: &Tenant) -> Result<(), Failure> {
    if goes_by_the_same(holder, tenant) {
        return Ok(());
    }
    let message = format!(
        "the configuration of tenant `{}` has changed since the daemon started (process {})",
        tenant.name, holder.pid
    );
    let hint = "restart the daemon, so that it goes by the configuration as it is now";
    Err(Failure::text(Exit::Unavailable, message).hint(hint))
}

fn planned_of(cycle: Cycle) -> Planned {
    let (is_stored, recovered) = (cycle.stored.is_some(), cycle.recovered > 0);
    let stored = cycle.stored.unwrap_or_else(|| StoredPlan {
        plan: cycle.planned.plan,
        state: cycle.planned.state,
        decisions: Vec::new(),
    });
    Planned { stored, is_stored, recovered }
}

impl OwnDesk<'_> {
    /// Returns the engine for this tenant.
    fn engine(&self) -> Engine<'_, graph::Client<SystemClock>, Store, SystemClock> {
        let ui: &Ui = self.session.ui;
        Engine {
            tenant: &self.tenant.name,
            settings: &self.tenant.settings,
            reader: &self.client,
            records: self.store,
            clock: &SystemClock,
            progress: ui,
            patience: Patience {
                confirm_within: duration(self.tenant.apply.confirm_within),
                settle_after: duration(self.tenant.apply.settle_after),
                // Somebody waits and sees how far it has come; what was read stays when they stop.
                sign_ins_within: Duration::MAX,
            },
            // Commands come rarely, and what they say should hold.
            reading: Freshness::Whole,
            stop: self.session.stop.clone(),
            gate: &self.gate,
            memo: Memo::default(),
        }
    }

    async fn plan(
        &self,
        policies: &LoadedPolicies,
        misfits: Misfits,
        let_go: bool,
    ) -> Result<Planned, Failure> {
        let failed = |error| self.session.cycle_failure(error, policies);
        let engine = self.engine();
        let cycle =
            engine.plan(&policies.policies, Trigger::Person, misfits).await.map_err(failed)?;
        if let_go && cycle.stored.is_none() {
            engine.let_released_go(&cycle.planned.plan).await.map_err(failed)?;
        }
        Ok(planned_of(cycle))
    }

    async fn carry_out(
        &self,
        policies: &LoadedPolicies,
        stored: &StoredPlan,
    ) -> Result<CarriedOutReply, Failure> {
        self.look_at_the_gate().await?;
        let engine = self.engine();
        let carried = tokio::select! {
            carried = engine.carry_out(&self.client, &policies.policies, stored) => carried,
            never = self.gate.watch(self.store, &self.tenant.name, &SystemClock) => match never {},
        };
        let carried =
            carried.map_err(|error: CycleError| self.session.cycle_failure(error, policies))?;
        Ok(carried.told(stored))
    }

    async fn carry_out_part(
        &self,
        policies: &LoadedPolicies,
        held: &StoredPlan,
        accepted: &[GuardName],
        who: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Option<CarriedOutReply>, Failure> {
        self.look_at_the_gate().await?;
        let consent = Consent { accepted, without: &BTreeSet::new(), by: by(who), reason };
        let part = self
            .engine()
            .part_that_may_go_on(&policies.policies, held, consent)
            .await
            .map_err(|error| self.session.cycle_failure(error, policies))?;
        match part {
            None => Ok(None),
            Some(part) => self.carry_out(policies, &part).await.map(Some),
        }
    }

    /// Looks whether somebody has paused.
    async fn look_at_the_gate(&self) -> Result<(), Failure> {
        let looked = self.gate.look(self.store, &self.tenant.name, SystemClock.now()).await;
        looked.map_err(|error| self.session.records_failure(error))
    }
}

impl DaemonDesk<'_> {
    async fn planned(&self, ask: Ask) -> Result<Planned, Failure> {
        match self.ask(ask, None).await? {
            Reply::Planned { plan, is_stored, recovered } => {
                Ok(Planned { stored: *plan, is_stored, recovered: recovered > 0 })
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn read(&self, request: ReadRequest, sign_ins: bool) -> Result<Arc<Snapshot>, Failure> {
        let ReadRequest { groups, others } = request;
        match self.ask(Ask::Read { groups, others, sign_ins }, None).await? {
            Reply::Read => {}
            other => return Err(unexpected(&other)),
        }
        let kept = self.store.snapshot(&self.tenant.name).await;
        let kept = kept.map_err(|error| self.session.records_failure(error))?;
        kept.map(Arc::new).ok_or_else(|| {
            Failure::text(Exit::Unavailable, "the daemon read the tenant and kept nothing")
        })
    }

    /// Asks the daemon, and waits for its answer.
    async fn ask(&self, ask: Ask, who: Option<&str>) -> Result<Reply, Failure> {
        let failed = |error| self.session.records_failure(error);
        let at = SystemClock.now();
        let id = RequestId(ulid::Ulid(rand::random()));
        let tenant = self.tenant.name.clone();
        let until = at + TAKEN_UP_WITHIN;
        let request = Request { id, tenant, ask, by: by(who), at, until };
        self.store.ask(request).await.map_err(failed)?;
        let began = Instant::now();
        let (mut looked, mut is_told) = (began, false);
        loop {
            match self.store.standing(id).await.map_err(failed)? {
                Standing::Answered(Reply::Failed(reply)) => {
                    self.session.ui.clear();
                    return Err(self.session.worded(Worded::from_reply(reply)));
                }
                Standing::Answered(reply) => {
                    self.session.ui.clear();
                    return Ok(reply);
                }
                Standing::Withdrawn => return Err(self.given_up()),
                Standing::Waiting | Standing::Taken => {}
            }
            if !is_told && began.elapsed() > PATIENCE {
                is_told = true;
                let pid = self.holder.pid;
                self.session.ui.say(&format!("the daemon (process {pid}) is asked to do it"));
            }
            if looked.elapsed() > DAEMON_EVERY {
                looked = Instant::now();
                self.look_for_the_daemon(id).await?;
            }
            tokio::select! {
                biased;
                () = self.session.stop.asked() => return Err(self.leave(id).await),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Fails where the daemon is gone and has not answered.
    async fn look_for_the_daemon(&self, id: RequestId) -> Result<(), Failure> {
        let found = holder(&self.session.config.state, &self.tenant.name);
        let found = found.map_err(|error| lock_failure(&error))?;
        if found.is_some_and(|found| found.command == DAEMON) {
            return Ok(());
        }
        let standing = self.store.withdraw(id).await;
        match standing.map_err(|error| self.session.records_failure(error))? {
            // The answer came first.
            Standing::Answered(_) => Ok(()),
            Standing::Waiting | Standing::Taken | Standing::Withdrawn => Err(self.unanswered()),
        }
    }

    fn unanswered(&self) -> Failure {
        let pid = self.holder.pid;
        let message = format!("the daemon (process {pid}) ended before it answered");
        Failure::text(Exit::Unavailable, message)
            .hint("what it had sent is settled when it starts again, or by the next command")
    }

    /// Says that nobody works on a request any more: it waited too long, or the daemon that had taken
    /// it up ended.
    fn given_up(&self) -> Failure {
        let found = holder(&self.session.config.state, &self.tenant.name).ok().flatten();
        if found.is_none_or(|found| found.pid != self.holder.pid) {
            return self.unanswered();
        }
        let minutes = TAKEN_UP_WITHIN.as_secs() / 60;
        let message = format!("the daemon was busy for {minutes} minutes; nothing was done");
        Failure::text(Exit::Unavailable, message).hint("`seatkeeper status` tells what it does")
    }

    async fn leave(&self, id: RequestId) -> Failure {
        match self.store.withdraw(id).await {
            Ok(Standing::Withdrawn) => {
                Failure::text(Exit::Unavailable, "stopped on request; the daemon had not begun")
            }
            Ok(Standing::Waiting | Standing::Taken | Standing::Answered(_)) | Err(_) => {
                Failure::text(Exit::Unavailable, "stopped on request; the daemon goes on with it")
                    .hint("`seatkeeper pause` stops changes; `seatkeeper status` tells")
            }
        }
    }
}

fn unexpected(reply: &Reply) -> Failure {
    let what = match reply {
        Reply::Planned { .. } => "a plan",
        Reply::CarriedOut(_) => "a run",
        Reply::NothingLeft => "that nothing is left",
        Reply::Read => "a read",
        Reply::Failed(_) => "a failure",
    };
    Failure::text(Exit::Internal, format!("the daemon answered another question: {what}"))
        .hint("restart it: it may be of another version")
}

/// Asks to stop at Ctrl-C and SIGTERM: what is in flight is finished and recorded.
pub(super) fn stop_on_signal(stop: Stop) {
    tokio::spawn(async move {
        let Ok(mut terminate) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            return;
        };
        tokio::select! {
            () = interrupted() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("asked to stop: what is in flight is finished and recorded first");
        stop.ask();
        tokio::select! {
            () = interrupted() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("asked again: the next run settles what is in flight");
        leave_at_once();
    });
}

/// Waits for Ctrl-C, but for one that is meant for a pager.
async fn interrupted() {
    // Where there are no signals to wait for, nobody interrupts.
    while tokio::signal::ctrl_c().await.is_ok() {
        if !pager::is_open() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Ends the process where somebody asks a second time. What was sent is settled by the next run.
#[expect(
    clippy::exit,
    reason = "somebody asked twice, and what is on disk is enough to go on from"
)]
pub(super) fn leave_at_once() {
    std::process::exit(i32::from(Exit::Unavailable as u8));
}
