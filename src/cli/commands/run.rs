//! `seatkeeper run`: the daemon.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::cli::args::{Run, VERSION};
use crate::cli::clock::SystemClock;
use crate::cli::daemon::{LivePolicies, tell, watchdog};
use crate::cli::desk::{DAEMON, leave_at_once, lock};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::failure::lock_failure;
use crate::cli::session::{Session, client, duration};
use crate::cli::ui::Ui;
use crate::config::{Keep, Tenant};
use crate::domain::names::TenantName;
use crate::engine::daemon::{BeatingClock, Board, Identity, Keeping, Place, Receiver, Timetable};
use crate::engine::gate::Gate;
use crate::engine::{Patience, Stop};
use crate::graph;
use crate::plan::Trigger;
use crate::ports::Clock as _;
use crate::source;
use crate::store::lock::TenantLock;
use crate::store::{Dropped, Store};

mod outside;

use outside::Clients;

/// How long a cycle may read sign-ins: the rest is read by the next ones.
const SIGN_INS_WITHIN: Duration = Duration::from_mins(5);
/// A loop of which nothing was heard for longer than a request may take, and this, hangs.
const PLANNING_MAX: Duration = Duration::from_mins(2);

/// How long answers and deliveries under way have to end, once the loops have.
const OUTSIDE_ENDS_WITHIN: Duration = Duration::from_secs(1);
/// How often to look for records that have to be kept no longer.
const FORGET_EVERY: Duration = Duration::from_hours(24);

/// What all loops share.
struct Shared {
    store: Store,
    policies: Arc<LivePolicies>,
    stop: Stop,
}

/// One tenant's loop, before it runs.
struct Loop {
    tenant: Tenant,
    client: Arc<graph::Client<BeatingClock<SystemClock>>>,
    receivers: Vec<Receiver>,
    place: Arc<Place>,
    _lock: TenantLock,
}

/// Keeps every tenant until somebody asks to stop.
pub(crate) async fn run(args: &Run, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open_service(&args.config, ui, verbose)?;
    let config = &session.config;
    // Before anything is held: whoever stops the daemon while it starts finds it heeding.
    let signals = Signals::listen().map_err(|error| Failure::new(Exit::Internal, error))?;
    let names: Vec<TenantName> = config.tenants.iter().map(|one| one.name.clone()).collect();
    let store = session.store()?;
    let board = Arc::new(Board::new(SystemClock.now(), names.clone()));
    let mut loops = Vec::new();
    let mut clients = Clients::new();
    for tenant in &config.tenants {
        let lock = lock(&config.state, tenant, DAEMON).map_err(|error| lock_failure(&error))?;
        let Some(place) = board.place(&tenant.name).cloned() else { continue };
        let clock = BeatingClock::new(SystemClock, Arc::clone(&place));
        let client = Arc::new(client(&config.state, tenant, clock, true)?);
        clients.insert(tenant.name.clone(), Arc::clone(&client));
        let receivers = receivers(&session, &tenant.name);
        loops.push(Loop { tenant: tenant.clone(), client, receivers, place, _lock: lock });
    }
    let listener = outside::listen(&session).await?;
    let policies = LivePolicies::new(config.policies.clone(), names, session.source().clone());
    let shared =
        Arc::new(Shared { store, policies: Arc::new(policies), stop: session.stop.clone() });
    tracing::info!(
        version = VERSION, process = std::process::id(),
        tenants = config.tenants.len(), state = %config.state.display(),
        policies = %config.policies.display(), "the daemon starts"
    );
    let timeout = config.tenants.iter().map(|tenant| duration(tenant.requests.timeout)).max();
    let quiet_max = timeout.unwrap_or_default() + PLANNING_MAX;
    let mut beside = JoinSet::new();
    beside.spawn(watchdog(Arc::clone(&board), quiet_max));
    beside.spawn(signals.heed(Arc::clone(&board), session.stop.clone()));
    beside.spawn(source::watch(config.policies.clone(), {
        let board = Arc::clone(&board);
        move || {
            tracing::info!("the policy files changed");
            board.ring(Trigger::FileChange);
        }
    }));
    let mut outside = JoinSet::new();
    outside::begin(&session, listener, &board, clients, &mut outside)?;
    beside.spawn(forget(Arc::clone(&shared), config.retention));
    let mut kept = pin!(until_stopped(Arc::clone(&shared), loops));
    let mut broken = false;
    let exit = loop {
        let ended = tokio::select! {
            exit = &mut kept => break exit,
            Some(ended) = beside.join_next() => ended,
            Some(ended) = outside.join_next() => ended,
        };
        if let Err(error) = ended {
            // Without its helpers the daemon would seem well and be deaf: better it starts anew.
            tracing::error!("a fault in seatkeeper itself ended a part of the daemon: {error}");
            shared.stop.ask();
            broken = true;
        }
    };
    tell(&[sd_notify::NotifyState::Stopping]);
    // What is under way outside has a little time to end, and is told by the same request to stop.
    let ends = async { while outside.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(OUTSIDE_ENDS_WITHIN, ends).await;
    outside.shutdown().await;
    beside.shutdown().await;
    tracing::info!("the daemon has stopped");
    Ok(if broken { exit.or(Exit::Internal) } else { exit })
}

/// Runs the loops of all tenants to their end.
async fn until_stopped(shared: Arc<Shared>, loops: Vec<Loop>) -> Exit {
    let mut running = JoinSet::new();
    for one in loops {
        let (shared, handle) = (Arc::clone(&shared), Handle::current());
        // A thread of its own: while one tenant of a million users is planned, the others and whoever
        // looks from outside need not wait.
        running.spawn_blocking(move || handle.block_on(keep(shared, one)));
    }
    let mut exit = Exit::Done;
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            // A fault in one loop must not leave the others keeping tenants beside a broken one.
            tracing::error!("a fault in seatkeeper itself ended the loop of a tenant: {error}");
            shared.stop.ask();
            exit = Exit::Internal;
        }
    }
    exit
}

async fn keep(shared: Arc<Shared>, one: Loop) {
    let Loop { tenant, client, receivers, place, _lock } = one;
    let zone = tenant.settings.time_zone.clone();
    let gate = Gate::new(tenant.windows.clone(), zone.clone());
    let timetable = Timetable::new(tenant.schedule.clone(), zone, &tenant.name, &tenant.tenant_id);
    let wording = |error| shared.policies.wording(error);
    let keeping = Keeping {
        tenant: &tenant.name,
        settings: &tenant.settings,
        mode: tenant.mode,
        timetable,
        gate: &gate,
        client: &*client,
        records: &shared.store,
        clock: &SystemClock,
        source: &shared.policies,
        wording: &wording,
        receivers,
        identity: Identity {
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
        },
        patience: Patience {
            confirm_within: duration(tenant.apply.confirm_within),
            settle_after: duration(tenant.apply.settle_after),
            sign_ins_within: SIGN_INS_WITHIN,
        },
        full_read: duration(tenant.full_read),
        stop: shared.stop.clone(),
        place,
    };
    keeping.keep().await;
}

/// Drops what has to be kept no longer, when the daemon starts and every day.
async fn forget(shared: Arc<Shared>, retention: Keep) {
    let Keep::For(span) = retention else { return };
    loop {
        let now = SystemClock.now();
        let length =
            jiff::SignedDuration::from_secs(i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
        if let Ok(before) = now.checked_sub(length) {
            match shared.store.drop_before(before, now).await {
                Ok(dropped) if dropped != Dropped::default() => tracing::info!(
                    plans = dropped.plans, outcomes = dropped.outcomes, records = dropped.records, %before,
                    "records that have to be kept no longer were dropped"
                ),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "old records could not be dropped"),
            }
        }
        tokio::time::sleep(FORGET_EVERY).await;
    }
}

/// Returns who is told about a tenant.
fn receivers(session: &Session<'_>, tenant: &TenantName) -> Vec<Receiver> {
    let is_about = |receiver: &&crate::config::Receiver| {
        let tenants = receiver.tenants.as_ref();
        tenants.is_none_or(|all| all.iter().any(|name| &**name == tenant.as_str()))
    };
    let receiver = |receiver: &crate::config::Receiver| Receiver {
        name: Arc::clone(&receiver.name),
        on: receiver.on.clone(),
    };
    session.config.notify.iter().filter(is_about).map(receiver).collect()
}

/// The signals that the daemon heeds.
struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Looks at once at SIGHUP; stops at SIGTERM and Ctrl-C, and at the second of them leaves.
    async fn heed(mut self, board: Arc<Board>, stop: Stop) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => {
                    tracing::info!("asked by a signal to look now");
                    board.ring(Trigger::Signal);
                }
                _ = self.interrupt.recv() => break,
                _ = self.terminate.recv() => break,
            }
        }
        tracing::info!("asked to stop: what is in flight is finished and recorded first");
        stop.ask();
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        tracing::warn!("asked again: the next run settles what is in flight");
        leave_at_once();
    }
}
