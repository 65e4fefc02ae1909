//! The engine in this process, over the real client and the real store, with a clock that nobody
//! waits for and a fuse that ends the "process" at any point.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use seatkeeper::config::Tenant as TenantSettings;
use seatkeeper::domain::ids::{GroupId, UserId};
use seatkeeper::domain::names::TenantName;
use seatkeeper::domain::snapshot::Snapshot;
use seatkeeper::domain::tracking::Tracking;
use seatkeeper::domain::user::User;
use seatkeeper::engine::carry_out::{CarriedOut, Consent};
use seatkeeper::engine::cycle::Cycle;
use seatkeeper::engine::gate::Gate;
use seatkeeper::engine::memo::Memo;
use seatkeeper::engine::{CycleError, Engine, Freshness, Misfits, Patience, Policies, Stop};
use seatkeeper::graph;
use seatkeeper::plan::forecast::SeatPoint;
use seatkeeper::plan::guard::tripped;
use seatkeeper::plan::inventory::SeatUse;
use seatkeeper::plan::ledger::{Ledger, LedgerChange};
use seatkeeper::plan::{Digest, Plan, PlanId, PlanState, Trigger};
use seatkeeper::ports::{
    Answer, Clock, CycleRecord, Decision, HistoryEntry, HistoryFilter, LicenseWrite, LocationWrite,
    OpenPlan, Owned, PlanHead, Progress, ReadRequest, Records, RecordsError, Settlement,
    SignInAnswer, SignInReading, StoredPlan, TenantError, TenantRead, TenantReader, TenantWriter,
};
use seatkeeper::sandbox::{Options, Running, Server, Tenant};
use seatkeeper::store::Store;
use seatkeeper::yaml::SourceFile;
use seatkeeper::{config, policy, source};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::site::{calm, lay_out};

/// A clock that moves only when somebody waits.
#[derive(Clone)]
pub(crate) struct FakeClock(Arc<Mutex<Timestamp>>);

impl FakeClock {
    pub(crate) fn at(time: &str) -> Self {
        Self(Arc::new(Mutex::new(time.parse().unwrap())))
    }

    pub(crate) fn advance(&self, length: Duration) {
        *self.0.lock().unwrap() += length;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, length: Duration) {
        self.advance(length);
        tokio::task::yield_now().await;
    }
}

/// How long reads may lag behind a write whose answer was lost.
pub(crate) const SETTLE_AFTER: Duration = Duration::from_secs(15);

/// Says nothing.
struct Silence;

impl Progress for Silence {
    fn at(&self, _: &str, _: u64, _: Option<u64>) {}
}

/// Ends the process at the n-th step: from then on no call returns, and the whole is dropped.
#[derive(Clone)]
pub(crate) struct Fuse {
    steps: Arc<AtomicU64>,
    blows_at: u64,
    blown: Arc<Notify>,
    before_look: Option<Arc<dyn Fn() + Send + Sync>>,
    before: Option<(Call, Happening)>,
}

/// A call before which something may happen elsewhere.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Call {
    Read,
    Propose,
    CarryOut,
}

type Happening = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl Fuse {
    /// Blows at this step, counted from 1; `u64::MAX` never.
    pub(crate) fn at(step: u64) -> Self {
        let (steps, blown) = (Arc::default(), Arc::default());
        Self { steps, blows_at: step, blown, before_look: None, before: None }
    }

    /// Lets something happen elsewhere whenever the process is about to look at single users.
    pub(crate) fn before_look(mut self, happens: impl Fn() + Send + Sync + 'static) -> Self {
        self.before_look = Some(Arc::new(happens));
        self
    }

    /// Lets something happen elsewhere before each call of a kind.
    pub(crate) fn before<F: Future<Output = ()> + Send + 'static>(
        mut self,
        call: Call,
        happens: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.before = Some((call, Arc::new(move || Box::pin(happens()))));
        self
    }

    async fn is_about_to(&self, call: Call) {
        if let Some((_, happens)) = self.before.as_ref().filter(|(other, _)| *other == call) {
            happens().await;
        }
    }

    pub(crate) fn never() -> Self {
        Self::at(u64::MAX)
    }

    /// Counts a step. Returns whether this is the one.
    pub(crate) fn count(&self) -> bool {
        let step = self.steps.fetch_add(1, Ordering::SeqCst) + 1;
        if step >= self.blows_at {
            self.blown.notify_one();
        }
        step >= self.blows_at
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    /// Blows now.
    pub(crate) fn blow(&self) {
        self.blown.notify_one();
    }

    async fn step(&self) {
        if self.count() {
            std::future::pending::<()>().await;
        }
    }

    /// Works until it is done, or until the fuse blows: then none.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.blown.notified() => None,
            done = work => Some(done),
        }
    }
}

/// A port with a fuse before and after each call that has an effect.
struct Fused<'a, P> {
    port: &'a P,
    fuse: &'a Fuse,
}

impl<P> Fused<'_, P> {
    async fn effect<T>(&self, work: impl Future<Output = T> + Send) -> T {
        self.fuse.step().await;
        let done = work.await;
        self.fuse.step().await;
        done
    }
}

impl<P: TenantWriter> TenantWriter for Fused<'_, P> {
    fn spent(&self, writes: &[(Timestamp, u32)]) {
        self.port.spent(writes);
    }

    async fn locate(&self, writes: &[LocationWrite]) -> Vec<Answer> {
        self.effect(self.port.locate(writes)).await
    }

    async fn assign(&self, writes: &[LicenseWrite]) -> Vec<Answer> {
        self.effect(self.port.assign(writes)).await
    }
}

impl<P: TenantReader> TenantReader for Fused<'_, P> {
    async fn read(
        &self,
        request: &ReadRequest,
        progress: &dyn Progress,
    ) -> Result<Snapshot, TenantError> {
        self.fuse.is_about_to(Call::Read).await;
        self.port.read(request, progress).await
    }

    async fn read_tracked(
        &self,
        request: &ReadRequest,
        earlier: Option<(Arc<Snapshot>, Tracking)>,
        progress: &dyn Progress,
    ) -> Result<TenantRead, TenantError> {
        self.port.read_tracked(request, earlier, progress).await
    }

    async fn holdings(&self, users: &[UserId]) -> Result<Vec<Option<User>>, TenantError> {
        if let Some(happens) = &self.fuse.before_look {
            happens();
        }
        self.fuse.step().await;
        self.port.holdings(users).await
    }

    async fn memberships(
        &self,
        user: UserId,
        groups: &[GroupId],
    ) -> Result<Vec<GroupId>, TenantError> {
        self.fuse.step().await;
        self.port.memberships(user, groups).await
    }

    async fn sign_ins(&self, from: Option<&str>) -> Result<SignInAnswer, TenantError> {
        self.port.sign_ins(from).await
    }
}

type Kept<T> = Result<T, RecordsError>;

impl<P: Records> Records for Fused<'_, P> {
    async fn ledger(&self, tenant: &TenantName) -> Kept<Arc<Ledger>> {
        self.port.ledger(tenant).await
    }

    async fn observe(&self, tenant: &TenantName, changes: Vec<LedgerChange>) -> Kept<()> {
        self.effect(self.port.observe(tenant, changes)).await
    }

    async fn propose(&self, plan: Plan, state: PlanState) -> Kept<StoredPlan> {
        self.fuse.is_about_to(Call::Propose).await;
        self.effect(self.port.propose(plan, state)).await
    }

    async fn settle_open_plans(&self, tenant: &TenantName) -> Kept<()> {
        self.effect(self.port.settle_open_plans(tenant)).await
    }

    async fn plan(
        &self,
        tenant: Option<&TenantName>,
        id: Option<PlanId>,
    ) -> Kept<Option<StoredPlan>> {
        self.port.plan(tenant, id).await
    }

    async fn plans(&self, tenant: Option<&TenantName>) -> Kept<Vec<PlanHead>> {
        self.port.plans(tenant).await
    }

    async fn decide(&self, plan: PlanId, decision: Decision) -> Kept<()> {
        self.effect(self.port.decide(plan, decision)).await
    }

    async fn decide_after(
        &self,
        plan: PlanId,
        decision: Decision,
        other: PlanId,
        decisions: usize,
    ) -> Kept<bool> {
        self.effect(self.port.decide_after(plan, decision, other, decisions)).await
    }

    async fn advance(&self, plan: PlanId, from: PlanState, to: PlanState) -> Kept<()> {
        self.effect(self.port.advance(plan, from, to)).await
    }

    async fn intend(&self, plan: PlanId, operations: Vec<Digest>, at: Timestamp) -> Kept<()> {
        self.effect(self.port.intend(plan, operations, at)).await
    }

    async fn settle(&self, tenant: &TenantName, settlements: Vec<Settlement>) -> Kept<()> {
        self.effect(self.port.settle(tenant, settlements)).await
    }

    async fn writes_since(
        &self,
        tenant: &TenantName,
        since: Timestamp,
    ) -> Kept<Vec<(Timestamp, u32)>> {
        self.port.writes_since(tenant, since).await
    }

    async fn open_plans(&self, tenant: &TenantName) -> Kept<Vec<OpenPlan>> {
        self.port.open_plans(tenant).await
    }

    async fn history(&self, filter: HistoryFilter) -> Kept<Vec<HistoryEntry>> {
        self.port.history(filter).await
    }

    async fn cycle(&self, record: CycleRecord) -> Kept<()> {
        self.effect(self.port.cycle(record)).await
    }

    async fn cycles(
        &self,
        tenant: &TenantName,
    ) -> Kept<(Option<CycleRecord>, Option<CycleRecord>)> {
        self.port.cycles(tenant).await
    }

    async fn keep_snapshot(&self, tenant: &TenantName, snapshot: Arc<Snapshot>) -> Kept<()> {
        self.effect(self.port.keep_snapshot(tenant, snapshot)).await
    }

    async fn keep_tracked(
        &self,
        tenant: &TenantName,
        snapshot: Arc<Snapshot>,
        tracking: Tracking,
    ) -> Kept<()> {
        self.effect(self.port.keep_tracked(tenant, snapshot, tracking)).await
    }

    async fn tracked(&self, tenant: &TenantName) -> Kept<Option<(Arc<Snapshot>, Tracking)>> {
        self.port.tracked(tenant).await
    }

    async fn snapshot(&self, tenant: &TenantName) -> Kept<Option<Snapshot>> {
        self.port.snapshot(tenant).await
    }

    async fn sign_in_reading(&self, tenant: &TenantName) -> Kept<Option<SignInReading>> {
        self.port.sign_in_reading(tenant).await
    }

    async fn keep_sign_ins(
        &self,
        tenant: &TenantName,
        users: Vec<(UserId, Option<Timestamp>)>,
        read_at: Timestamp,
        reading: SignInReading,
    ) -> Kept<()> {
        self.effect(self.port.keep_sign_ins(tenant, users, read_at, reading)).await
    }

    async fn sign_ins(
        &self,
        tenant: &TenantName,
        read_since: Timestamp,
    ) -> Kept<(BTreeMap<UserId, Timestamp>, Option<Timestamp>)> {
        self.port.sign_ins(tenant, read_since).await
    }

    async fn note_seats(
        &self,
        tenant: &TenantName,
        at: Timestamp,
        seats: Vec<SeatUse>,
    ) -> Kept<()> {
        self.effect(self.port.note_seats(tenant, at, seats)).await
    }

    async fn seat_history(&self, tenant: &TenantName, since: Timestamp) -> Kept<Vec<SeatPoint>> {
        self.port.seat_history(tenant, since).await
    }

    async fn owners(&self, tenant: &TenantName) -> Kept<Owned> {
        self.port.owners(tenant).await
    }
}

/// A tenant, a store on disk, and all that a process needs to work on them.
pub(crate) struct Lab {
    pub(crate) home: TempDir,
    pub(crate) sandbox: Arc<Running>,
    pub(crate) clock: FakeClock,
    /// How long a cycle may read sign-ins.
    pub(crate) sign_ins_within: Duration,
    gate: Gate,
    /// How much of the tenant is read.
    pub(crate) reading: Freshness,
    settings: TenantSettings,
    policies: Policies,
    /// What one process remembers of its last cycle; here all of a lab do.
    memo: Memo,
}

/// What a plan and its carrying out came to.
pub(crate) struct Applied {
    pub(crate) cycle: Cycle,
    pub(crate) carried: Option<CarriedOut>,
}

impl Lab {
    pub(crate) async fn new(tenant: Tenant, top: &str, policies: &[(&str, &str)]) -> Self {
        let clock = FakeClock::at("2026-11-23T09:00:00Z");
        Self::with(tenant, calm(), clock, top, policies).await
    }

    pub(crate) async fn with(
        tenant: Tenant,
        options: Options,
        clock: FakeClock,
        top: &str,
        policies: &[(&str, &str)],
    ) -> Self {
        let sandbox = Server::start(tenant, options).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        lay_out(home.path(), &sandbox, top, policies);
        let sandbox = Arc::new(sandbox);
        let (settings, policies) = load(home.path());
        let (sign_ins_within, reading, gate) = (Duration::MAX, Freshness::Whole, Gate::open());
        Self {
            home,
            sandbox,
            clock,
            sign_ins_within,
            gate,
            reading,
            settings,
            policies,
            memo: Memo::default(),
        }
    }

    /// Returns another lab with a tenant and a store as this one has them now.
    pub(crate) async fn fork(&self, options: Options, clock: FakeClock) -> Self {
        let sandbox = Server::start(self.sandbox.tenant(), options).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("state")).unwrap();
        for entry in std::fs::read_dir(self.state()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), home.path().join("state").join(entry.file_name())).unwrap();
        }
        let mut settings = self.settings.clone();
        settings.graph = sandbox.url().parse().unwrap();
        settings.login = sandbox.url().parse().unwrap();
        let sandbox = Arc::new(sandbox);
        let policies = self.policies.clone();
        let (sign_ins_within, reading) = (self.sign_ins_within, self.reading);
        let gate = Gate::open();
        Self {
            home,
            sandbox,
            clock,
            sign_ins_within,
            gate,
            reading,
            settings,
            policies,
            memo: Memo::default(),
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.state()).unwrap()
    }

    pub(crate) fn client(&self) -> graph::Client<FakeClock> {
        let secret = self.sandbox.secret.clone();
        self.client_as(graph::SignIn::App {
            client_id: self.sandbox.client_id.clone(),
            credential: graph::Credential::Secret(Arc::new(move || Ok(secret.clone().into()))),
        })
    }

    /// Returns a client that signs in as somebody.
    pub(crate) fn client_as(&self, sign_in: graph::SignIn) -> graph::Client<FakeClock> {
        let settings = graph::Settings {
            tenant: self.settings.name.clone(),
            tenant_id: self.settings.tenant_id.to_string(),
            login: self.settings.login.to_string(),
            graph: self.settings.graph.to_string(),
            sign_in,
            timeout: Duration::from_secs(5),
            // Whoever waits moves the one clock for all that wait beside it.
            give_up_after: Duration::from_hours(2),
            settle_after: SETTLE_AFTER,
            concurrency: 4,
            in_background: false,
            clock_tolerance: None,
            quota: None,
        };
        graph::Client::new(settings, self.clock.clone()).unwrap()
    }

    /// Plans, accepts every guard, and carries out: a process from its start to its end, or until
    /// the fuse blows. Then none, and all that the process held is gone but what is on disk.
    pub(crate) async fn apply(&self, fuse: &Fuse) -> Option<Applied> {
        let store = self.store();
        let client = self.client();
        let reader = Fused { port: &client, fuse };
        let records = Fused { port: &store, fuse };
        let done = fuse.run(self.process(&reader, &records, async || {})).await;
        done.map(Result::unwrap)
    }

    /// The same where the tenant may fail.
    pub(crate) async fn try_apply(&self) -> Result<Applied, CycleError> {
        let (store, client, fuse) = (self.store(), self.client(), Fuse::never());
        let reader = Fused { port: &client, fuse: &fuse };
        let records = Fused { port: &store, fuse: &fuse };
        self.process(&reader, &records, async || {}).await
    }

    /// The same, with something that happens elsewhere between planning and carrying out.
    pub(crate) async fn apply_with(&self, between: impl AsyncFnOnce()) -> Applied {
        let store = self.store();
        let client = self.client();
        let fuse = Fuse::never();
        let reader = Fused { port: &client, fuse: &fuse };
        let records = Fused { port: &store, fuse: &fuse };
        self.process(&reader, &records, between).await.unwrap()
    }

    /// Plans only.
    pub(crate) async fn plan(&self) -> Result<Cycle, CycleError> {
        self.plan_while(&Fuse::never()).await
    }

    /// Makes the part of a plan that is without some operations, and carries it out.
    pub(crate) async fn part(
        &self,
        fuse: &Fuse,
        whole: &StoredPlan,
        without: &BTreeSet<Digest>,
    ) -> Result<Option<CarriedOut>, CycleError> {
        self.clock.advance(Duration::from_secs(1));
        let (store, client) = (self.store(), self.client());
        let reader = Fused { port: &client, fuse };
        let records = Fused { port: &store, fuse };
        let engine = self.engine(&reader, &records);
        let consent = Consent { accepted: &[], without, by: "ana".into(), reason: None };
        let part = engine.part_that_may_go_on(&self.policies, whole, consent).await?;
        let Some(part) = part else { return Ok(None) };
        fuse.is_about_to(Call::CarryOut).await;
        engine.carry_out(&reader, &self.policies, &part).await.map(Some)
    }

    /// Plans while something may happen elsewhere.
    pub(crate) async fn plan_while(&self, fuse: &Fuse) -> Result<Cycle, CycleError> {
        self.clock.advance(Duration::from_secs(1));
        let store = self.store();
        let client = self.client();
        let reader = Fused { port: &client, fuse };
        let records = Fused { port: &store, fuse };
        let engine = self.engine(&reader, &records);
        engine.plan(&self.policies, Trigger::Person, Misfits::Refuse).await
    }

    fn engine<'a, T, R>(&'a self, reader: &'a T, records: &'a R) -> Engine<'a, T, R, FakeClock> {
        Engine {
            tenant: &self.settings.name,
            settings: &self.settings.settings,
            reader,
            records,
            clock: &self.clock,
            progress: &Silence,
            patience: Patience {
                confirm_within: Duration::from_mins(5),
                settle_after: SETTLE_AFTER,
                sign_ins_within: self.sign_ins_within,
            },
            reading: self.reading,
            stop: Stop::default(),
            gate: &self.gate,
            memo: self.memo.clone(),
        }
    }

    async fn process<P: TenantReader + TenantWriter, R: Records>(
        &self,
        tenant: &Fused<'_, P>,
        records: &R,
        between: impl AsyncFnOnce(),
    ) -> Result<Applied, CycleError> {
        // No two processes begin at the same instant.
        self.clock.advance(Duration::from_secs(1));
        let engine = self.engine(tenant, records);
        let cycle = engine.plan(&self.policies, Trigger::Person, Misfits::Refuse).await?;
        let Some(stored) = cycle.stored.clone() else {
            engine.let_released_go(&cycle.planned.plan).await.unwrap();
            return Ok(Applied { cycle, carried: None });
        };
        let id = stored.plan.id;
        let decision = Decision {
            state: PlanState::Approved,
            by: "ana".into(),
            at: self.clock.now(),
            accepted: tripped(&stored.plan.guards).into_iter().collect(),
            reason: Some("it was looked at".into()),
        };
        records.decide(id, decision).await.unwrap();
        let approved = records.plan(None, Some(id)).await.unwrap().unwrap();
        between().await;
        let carried = engine.carry_out(tenant, &self.policies, &approved).await?;
        Ok(Applied { cycle, carried: Some(carried) })
    }
}

fn load(home: &Path) -> (TenantSettings, Policies) {
    let bytes = std::fs::read(home.join("seatkeeper.yaml")).unwrap();
    let file = SourceFile::from_bytes("seatkeeper.yaml".into(), bytes).unwrap();
    let config = config::load(&file, home).unwrap().config;
    let read = source::read(&config.policies).unwrap();
    let loaded = policy::load(&read.files, &read.lists)
        .unwrap_or_else(|problems| panic!("{}", seatkeeper::yaml::render(&problems, &read.files)));
    let policies = Policies { set: loaded.policies, digest: read.digest, commit: None };
    (config.tenants[0].clone(), policies)
}
