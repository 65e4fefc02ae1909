//! `seatkeeper bench`: what the main job costs against a sandbox tenant, stage by stage. The sandbox is
//! another process, so that memory and CPU are this program's alone.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::cli::args::{Bench, Config, Format};
use crate::cli::clock::{FastClock, SystemClock};
use crate::cli::commands::demo::POLICIES;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::policies::LoadedPolicies;
use crate::cli::scratch;
use crate::cli::session::{Session, client};
use crate::cli::ui::Ui;
use crate::config::Tenant;
use crate::engine::carry_out::CarriedOut;
use crate::engine::cycle::Cycle;
use crate::engine::gate::Gate;
use crate::engine::memo::Memo;
use crate::engine::{Engine, Freshness, Misfits, Patience, Stop};
use crate::graph;
use crate::plan::guard::tripped;
use crate::plan::{PlanState, Trigger};
use crate::ports::counts::Traffic;
use crate::ports::{
    Clock as _, Decision, HistoryFilter, OutcomeKind, Progress, Records as _, StoredPlan,
};
use crate::report::text::count;
use crate::sandbox::company::TENANT_ID;
use crate::sandbox::http::{CLIENT_ID, CLIENT_SECRET};
use crate::store::Store;
use measure::{Measured, Stage};

mod measure;

/// The version of the JSON that is printed.
const FORMAT_VERSION: u64 = 1;
/// The documented quotas are measured with so many people at most: with more it only takes longer.
const QUOTA_USERS_MAX: u32 = 20_000;
/// With these, a third of all people need one write each: one service plan of what they hold goes off.
const TRIM: [(&str, &str); 1] = [(
    "trim.yaml",
    "policies:\n  \
       - name: trim\n    \
         match: {has: SPE_E3}\n    \
         licenses:\n      \
           - sku: SPE_E3\n        \
             disable: [YAMMER_ENTERPRISE]\n",
)];
/// Writes that Graph allows an app in a tenant at once, and in a second after that.
///
/// Source: Graph throttling limits: 3,000 writes in 150 seconds.
const QUOTA: (f64, f64) = (3_000.0, 20.0);

/// How many times faster time passes where no quota holds: this program keeps to the documented ones
/// whatever the tenant takes, and so many times them is more than a machine can send.
const NO_QUOTA_SPEED: u32 = 50;

/// Measures, and prints.
pub(crate) async fn run(args: &Bench, ui: &Ui) -> Outcome {
    if let Some(home) = &args.restart_in {
        let clock = match args.began {
            Some(began) => FastClock::begin(began, NO_QUOTA_SPEED),
            None => FastClock::begin(SystemClock.now(), 1),
        };
        let restarted = Place::open(home, ui, clock)?.restarted().await?;
        let json = serde_json::to_string(&restarted).expect("the figures have text keys");
        ui.result(&json)?;
        return Ok(Exit::Done);
    }
    let mut all = Vec::new();
    let mut share = None;
    {
        let sandbox = match &args.at {
            Some(url) => Sandbox::elsewhere(url),
            None => Sandbox::start(args.users, args.seed, "off", NO_QUOTA_SPEED).await?,
        };
        let home = lay_out(&sandbox, &POLICIES)?;
        let clock = sandbox.clock();
        all.extend(Place::open(home.path(), ui, clock)?.unthrottled(ui).await?);
        all.push(told(ui, restart(home.path(), &sandbox).await?));
        if args.at.is_some() {
            // In a store of its own, upon what the first stages left in the tenant.
            let home = lay_out(&sandbox, &TRIM)?;
            all.push(Place::open(home.path(), ui, sandbox.clock())?.whole_job(ui).await?);
        }
    }
    if args.at.is_none() {
        let sandbox = Sandbox::start(args.users, args.seed, "off", NO_QUOTA_SPEED).await?;
        let home = lay_out(&sandbox, &TRIM)?;
        all.push(Place::open(home.path(), ui, sandbox.clock())?.whole_job(ui).await?);
        let users = args.users.min(QUOTA_USERS_MAX);
        let sandbox = Sandbox::start(users, args.seed, "documented", args.speed).await?;
        let home = lay_out(&sandbox, &TRIM)?;
        let place = Place::open(home.path(), ui, sandbox.clock())?;
        let (measured, of_quota) = place.throttled(ui, args.speed).await?;
        all.push(measured);
        share = Some(of_quota);
    }
    match args.format {
        Format::Json => {
            let json = serde_json::json!({
                "format_version": FORMAT_VERSION,
                "version": env!("CARGO_PKG_VERSION"),
                "users": args.users,
                "share_of_write_quota": share,
                "stages": all,
            });
            ui.result(&serde_json::to_string_pretty(&json).expect("the figures have text keys"))?;
        }
        Format::Text => ui.result(&table(args, &all, share))?,
    }
    Ok(Exit::Done)
}

/// A sandbox that runs as another process, or elsewhere.
struct Sandbox {
    url: String,
    /// When it began, and how many times faster its time passes.
    began: Timestamp,
    speed: u32,
    /// Ends with this.
    _process: Option<Child>,
}

impl Sandbox {
    fn elsewhere(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { url, began: SystemClock.now(), speed: 1, _process: None }
    }

    /// A clock that agrees with the sandbox's.
    fn clock(&self) -> FastClock {
        FastClock::begin(self.began, self.speed)
    }

    async fn start(users: u32, seed: u64, throttle: &str, speed: u32) -> Result<Self, Failure> {
        let began = SystemClock.now();
        let failed = |error: std::io::Error| {
            let error = anyhow::Error::new(error).context("cannot start a sandbox");
            Failure::new(Exit::Unavailable, error)
        };
        let (users, seed, times) = (users.to_string(), seed.to_string(), speed.to_string());
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .args(["sandbox", "--listen", "127.0.0.1:0", "--users", &users, "--seed", &seed])
            .args(["--throttle", throttle, "--speed", &times])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut url = None;
        if let Some(out) = process.stdout.take() {
            let mut lines = BufReader::new(out).lines();
            let first = lines.next_line().await.map_err(failed)?;
            url = first.and_then(|line| line.split_once("http://").map(|(_, at)| at.to_owned()));
        }
        let Some(at) = url else {
            return Err(Failure::text(Exit::Unavailable, "the sandbox ended before it served"));
        };
        Ok(Self { url: format!("http://{at}"), began, speed, _process: Some(process) })
    }
}

/// A directory with configuration, policies and store, and the clock by which it is worked in.
struct Place<'u> {
    session: Session<'u>,
    policies: LoadedPolicies,
    clock: FastClock,
    memo: Memo,
}

struct Silence;

impl Progress for Silence {
    fn at(&self, _: &str, _: u64, _: Option<u64>) {}
}

type Client = graph::Client<FastClock>;

impl<'u> Place<'u> {
    fn open(home: &Path, ui: &'u Ui, clock: FastClock) -> Result<Self, Failure> {
        let config = Config { config: Some(home.join("seatkeeper.yaml")) };
        let session = Session::open(&config, ui, 0)?;
        let policies = session.policies()?;
        Ok(Self { session, policies, clock, memo: Memo::default() })
    }

    fn tenant(&self) -> Result<&Tenant, Failure> {
        self.session.one(None)
    }

    fn engine<'e>(
        &'e self,
        tenant: &'e Tenant,
        client: &'e Client,
        store: &'e Store,
        gate: &'e Gate,
    ) -> Engine<'e, Client, Store, FastClock> {
        Engine {
            tenant: &tenant.name,
            settings: &tenant.settings,
            reader: client,
            records: store,
            clock: &self.clock,
            progress: &Silence,
            patience: Patience {
                confirm_within: Duration::from_mins(5),
                settle_after: Duration::from_secs(15),
                sign_ins_within: Duration::ZERO,
            },
            reading: Freshness::Tracked { full_every: Duration::from_hours(24) },
            stop: Stop::default(),
            gate,
            memo: self.memo.clone(),
        }
    }

    /// Reads, applies, and looks again where nothing changed.
    async fn unthrottled(&self, ui: &Ui) -> Result<Vec<Measured>, Failure> {
        let (tenant, gate) = (self.tenant()?, Gate::open());
        let mut all = Vec::new();
        let (store, client) =
            (self.session.store()?, client(&self.session.config.state, tenant, self.clock, true)?);
        let engine = self.engine(tenant, &client, &store, &gate);
        let stage = Stage::begin("first read and plan", client.tally());
        let cycle = self.plan(&engine).await?;
        let users = cycle.snapshot.users().len() as u64;
        let operations = cycle.planned.plan.operations.len() as u64;
        let users = count(users, "user", "users");
        let what = format!("{users}, {}", count(operations, "operation", "operations"));
        all.push(told(ui, stage.end(what, &client.tally())));
        let stage = Stage::begin("apply, no quota", client.tally());
        let carried = self.apply(&engine, &client, &store, cycle).await?;
        all.push(told(ui, stage.end(outcomes(carried.as_ref()), &client.tally())));
        // The effect of what was applied is read once; then nothing changes any more.
        self.plan(&engine).await?;
        let stage = Stage::begin("idle cycle", client.tally());
        let cycle = self.plan(&engine).await?;
        all.push(told(ui, stage.end(left(&cycle), &client.tally())));
        Ok(all)
    }

    /// Opens what is there, as a process that starts does, and looks once.
    async fn restarted(&self) -> Result<Measured, Failure> {
        let stage = Stage::begin("restart and idle cycle", Traffic::default());
        let (tenant, gate) = (self.tenant()?, Gate::open());
        let (store, client) =
            (self.session.store()?, client(&self.session.config.state, tenant, self.clock, true)?);
        let engine = self.engine(tenant, &client, &store, &gate);
        let cycle = self.plan(&engine).await?;
        Ok(stage.end(left(&cycle), &client.tally()))
    }

    /// Reads, and switches a service plan off for all who have it on, from the start to the last change
    /// that a read confirms.
    async fn whole_job(&self, ui: &Ui) -> Result<Measured, Failure> {
        let (tenant, gate) = (self.tenant()?, Gate::open());
        let (store, client) =
            (self.session.store()?, client(&self.session.config.state, tenant, self.clock, true)?);
        let engine = self.engine(tenant, &client, &store, &gate);
        let stage = Stage::begin("read, and one change each", client.tally());
        let cycle = self.plan(&engine).await?;
        let carried = self.apply(&engine, &client, &store, cycle).await?;
        Ok(told(ui, stage.end(outcomes(carried.as_ref()), &client.tally())))
    }

    /// Applies while the documented quotas hold. Returns how much of the quota of writes was used, too.
    async fn throttled(&self, ui: &Ui, speed: u32) -> Result<(Measured, f64), Failure> {
        let (tenant, gate) = (self.tenant()?, Gate::open());
        let (store, client) =
            (self.session.store()?, client(&self.session.config.state, tenant, self.clock, true)?);
        let engine = self.engine(tenant, &client, &store, &gate);
        let cycle = self.plan(&engine).await?;
        let (stage, began) =
            (Stage::begin("apply, documented quotas", client.tally()), self.clock.now());
        let carried = self.apply(&engine, &client, &store, cycle).await?;
        let took = self.clock.now().duration_since(began).as_secs_f64();
        let what =
            format!("{}, {took:.0} s at {speed} times the speed", outcomes(carried.as_ref()));
        let measured = told(ui, stage.end(what, &client.tally()));
        // To read the tenant again, before the first write, is no part of what a quota limits.
        let failed = |error| self.session.records_failure(error);
        let written = store.writes_since(&tenant.name, began).await.map_err(failed)?;
        let ended = store.history(HistoryFilter::default()).await.map_err(failed)?;
        let first = written.iter().map(|(at, _)| *at).min().unwrap_or(began);
        let last = ended.iter().map(|entry| entry.outcome.at).max().unwrap_or(began);
        let (burst, per_second) = QUOTA;
        let sent = f64::from(u32::try_from(measured.writes).unwrap_or(u32::MAX));
        let seconds = last.duration_since(first).as_secs_f64();
        Ok((measured, sent / seconds.mul_add(per_second, burst)))
    }

    async fn plan(&self, engine: &Engine<'_, Client, Store, FastClock>) -> Result<Cycle, Failure> {
        let planned =
            Box::pin(engine.plan(&self.policies.policies, Trigger::Schedule, Misfits::LeaveOut))
                .await;
        planned.map_err(|error| self.session.cycle_failure(error, &self.policies))
    }

    /// Approves a plan, whatever holds it, and carries it out.
    async fn apply(
        &self,
        engine: &Engine<'_, Client, Store, FastClock>,
        client: &Client,
        store: &Store,
        cycle: Cycle,
    ) -> Result<Option<CarriedOut>, Failure> {
        let failed = |error| self.session.records_failure(error);
        let Some(StoredPlan { plan, .. }) = cycle.stored else { return Ok(None) };
        let decision = Decision {
            state: PlanState::Approved,
            by: "bench".into(),
            at: self.clock.now(),
            accepted: tripped(&plan.guards).into_iter().collect(),
            reason: Some("to measure".into()),
        };
        store.decide(plan.id, decision).await.map_err(failed)?;
        let Some(stored) = store.plan(None, Some(plan.id)).await.map_err(failed)? else {
            return Ok(None);
        };
        let carried = Box::pin(engine.carry_out(client, &self.policies.policies, &stored)).await;
        carried.map(Some).map_err(|error| self.session.cycle_failure(error, &self.policies))
    }
}

/// Restarts in a directory, as another process: what is resident then is of nothing before.
async fn restart(home: &Path, sandbox: &Sandbox) -> Result<Measured, Failure> {
    let failed = |error: std::io::Error| {
        let error = anyhow::Error::new(error).context("cannot start another process");
        Failure::new(Exit::Unavailable, error)
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["bench", "--restart-in"]).arg(home);
    if sandbox.speed > 1 {
        command.args(["--began", &sandbox.began.to_string()]);
    }
    let ended = command.output().await;
    let ended = ended.map_err(failed)?;
    serde_json::from_slice(&ended.stdout).map_err(|_| {
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        Failure::text(Exit::Unavailable, format!("the restart failed: {told}"))
    })
}

/// Lays out a directory with configuration and policies.
fn lay_out(sandbox: &Sandbox, policies: &[(&str, &str)]) -> Result<tempfile::TempDir, Failure> {
    let (home, url) = (scratch::directory()?, &sandbox.url);
    let directory = home.path().join("policies");
    std::fs::create_dir(&directory)?;
    for (name, text) in policies {
        std::fs::write(directory.join(name), text)?;
    }
    std::fs::write(home.path().join("secret"), CLIENT_SECRET)?;
    let configuration = format!(
        "state: state\n\
         tenants:\n  \
           - name: sandbox\n    \
             tenant_id: {TENANT_ID}\n    \
             auth: {{client_id: {CLIENT_ID}, client_secret: {{file: secret}}}}\n    \
             endpoints: {{graph: \"{url}\", login: \"{url}\"}}\n"
    );
    std::fs::write(home.path().join("seatkeeper.yaml"), configuration)?;
    Ok(home)
}

fn told(ui: &Ui, measured: Measured) -> Measured {
    ui.say(&format!("{}: {:.2} s", measured.stage, measured.seconds));
    measured
}

fn left(cycle: &Cycle) -> String {
    let left = cycle.planned.plan.operations.len() as u64;
    if left == 0 { "nothing to do".to_owned() } else { count(left, "operation", "operations") }
}

fn outcomes(carried: Option<&CarriedOut>) -> String {
    let Some(carried) = carried else { return "nothing to apply".to_owned() };
    let word = |(kind, count): (&OutcomeKind, &u64)| {
        format!("{count} {}", kind.as_str().replace('_', " "))
    };
    carried.run.outcomes.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Lays the figures out as a table in Markdown, which reads well on a terminal, too.
fn table(args: &Bench, all: &[Measured], share: Option<f64>) -> String {
    let head = [
        "stage", "came to", "requests", "MB", "units", "writes", "429", "s", "CPU ms", "peak MiB",
        "MiB",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    let or_none = |value: Option<u64>| value.map_or("–".to_owned(), |value| value.to_string());
    for one in all {
        #[expect(clippy::cast_precision_loss, reason = "to a tenth of a megabyte")]
        let megabytes = one.bytes as f64 / 1e6;
        rows.push([
            one.stage.clone(),
            one.what.clone(),
            one.requests_total.to_string(),
            format!("{megabytes:.1}"),
            one.resource_units.to_string(),
            one.writes.to_string(),
            one.throttled.to_string(),
            format!("{:.2}", one.seconds),
            or_none(one.cpu_ms),
            or_none(one.peak_mib),
            or_none(one.resident_mib),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len()).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &[String; 11]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}", cells.collect::<String>())
    };
    let mut lines = vec![format!("{} people, seed {}\n", args.users, args.seed), line(&rows[0])];
    let rule = widths.iter().map(|width| format!(" {} |", "-".repeat(*width)));
    lines.push(format!("|{}", rule.collect::<String>()));
    lines.extend(rows[1..].iter().map(line));
    lines.push(String::new());
    if let Some(share) = share {
        lines.push(format!(
            "of the documented quota of writes, {:.1} % was used from the first write until the last was confirmed",
            share * 100.0
        ));
    }
    lines.join("\n")
}
