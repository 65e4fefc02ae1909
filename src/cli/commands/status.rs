//! `seatkeeper status`: what somebody on call wants to know, from the store alone.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::args::{Format, Status};
use crate::cli::clock::SystemClock;
use crate::cli::daemon::CHANGED;
use crate::cli::desk::{DAEMON, goes_by_the_same};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::failure::lock_failure;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::config::{Mode, Tenant};
use crate::plan::guard::tripped;
use crate::plan::{PlanState, Verdict};
use crate::ports::desk::{Activity, Desk as _, Report};
use crate::ports::{Clock as _, CycleRecord, PlanHead, Records as _, StoredPlan};
use crate::report::json::FORMAT_VERSION;
use crate::report::text::count;
use crate::store::lock::{Holder, holder};
use crate::store::{Store, StoreError};

/// So many plans that wait are told with all that holds them; the rest are counted.
const WAITING_MAX: usize = 5;

/// What there is to say about one tenant.
#[derive(Serialize)]
struct TenantStatus {
    tenant: String,
    mode: &'static str,
    daemon: Option<DaemonStatus>,
    at_work: Option<AtWork>,
    paused: Option<Paused>,
    last_cycle: Option<LastCycle>,
    last_success: Option<String>,
    owned_by_policies: u64,
    last_run: Option<LastRun>,
    /// Plans that a process was carrying out when it ended.
    interrupted: Vec<String>,
    waiting_for_a_person: Vec<Waiting>,
    more_waiting: u64,
}

impl TenantStatus {
    /// Whether nothing is carried out by itself: by the mode that the daemon started with, where one runs.
    fn observes(&self) -> bool {
        let mode = self.daemon.as_ref().and_then(|daemon| daemon.mode.as_deref());
        mode.unwrap_or(self.mode) == Mode::Observe.as_str()
    }
}

#[derive(Serialize)]
struct DaemonStatus {
    /// The mode that it started with.
    mode: Option<Arc<str>>,
    process: u32,
    since: String,
    version: Arc<str>,
    activity: &'static str,
    next_cycle: Option<String>,
    next_turn: Option<String>,
    held_back: Option<Arc<str>>,
    policy_digest: Option<String>,
    policy_commit: Option<Arc<str>>,
    policies_invalid: Option<Arc<str>>,
    /// What does not fit the tenant and takes no part: how many problems, and the first of them.
    left_out: u64,
    left_out_first: Vec<Arc<str>>,
    /// Why the settings that the daemon goes by are not those of the file, where they are not.
    outdated_configuration: Option<Arc<str>>,
    failures_in_a_row: u64,
    /// When it last reported, where that is longer ago than it should be.
    silent_since: Option<String>,
}

#[derive(Serialize)]
struct AtWork {
    command: String,
    process: u32,
    since: String,
}

#[derive(Serialize)]
struct Paused {
    by: Arc<str>,
    reason: Arc<str>,
    until: String,
}

#[derive(Serialize)]
struct LastCycle {
    ended_at: String,
    trigger: Option<&'static str>,
    failure: Option<String>,
    plan: Option<String>,
}

#[derive(Serialize)]
struct LastRun {
    plan: String,
    state: &'static str,
}

#[derive(Serialize)]
struct Waiting {
    plan: String,
    state: &'static str,
    created_at: String,
    expires_at: String,
    operations: u64,
    people: u64,
    guards: Vec<Held>,
}

#[derive(Serialize)]
struct Held {
    guard: &'static str,
    scope: Arc<str>,
    limit: String,
    actual: String,
}

/// A daemon that waits and has not reported for so long cannot. It reports every minute.
const SILENT_FOR: SignedDuration = SignedDuration::from_mins(3);

/// Tells where every tenant stands.
pub(crate) async fn run(args: &Status, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenants = session.tenants(args.common.tenant.as_deref())?;
    let store = match Store::open_reading(&session.config.state) {
        Ok(store) => Some(store),
        Err(StoreError::NoStore { dir: _ }) => None,
        Err(_) => Some(session.store_for_reading()?),
    };
    let zones: Vec<&TimeZone> = tenants.iter().map(|one| &one.settings.time_zone).collect();
    let mut all = Vec::new();
    for tenant in tenants {
        let at_work = holder(&session.config.state, &tenant.name);
        let at_work = at_work.map_err(|error| lock_failure(&error))?;
        all.push(status(&session, store.as_ref(), tenant, at_work).await?);
    }
    match args.format {
        Format::Json => {
            let json = serde_json::json!({"format_version": FORMAT_VERSION, "tenants": all});
            ui.result(&serde_json::to_string_pretty(&json).expect("the status has text keys"))?;
        }
        Format::Text => {
            let texts = all.iter().zip(zones).map(|(status, zone)| text(status, zone));
            ui.page(&texts.collect::<Vec<_>>().join("\n"))?;
        }
    }
    Ok(Exit::Done)
}

async fn status(
    session: &Session<'_>,
    store: Option<&Store>,
    tenant: &Tenant,
    at_work: Option<Holder>,
) -> Result<TenantStatus, Failure> {
    let is_daemon = at_work.as_ref().is_some_and(|holder| holder.command == DAEMON);
    let mut status = TenantStatus {
        tenant: tenant.name.to_string(),
        mode: tenant.mode.as_str(),
        daemon: None,
        at_work: at_work.as_ref().filter(|_| !is_daemon).map(|holder| AtWork {
            command: holder.command.clone(),
            process: holder.pid,
            since: holder.since.to_string(),
        }),
        paused: None,
        last_cycle: None,
        last_success: None,
        owned_by_policies: 0,
        last_run: None,
        interrupted: Vec::new(),
        waiting_for_a_person: Vec::new(),
        more_waiting: 0,
    };
    let Some(store) = store else { return Ok(status) };
    let failed = |error| session.records_failure(error);
    if is_daemon && let Some(holder) = &at_work {
        let report = store.reported(&tenant.name).await.map_err(failed)?;
        let report = report.filter(|report| report.process == holder.pid);
        let mut told = daemon(holder, report, SystemClock.now());
        if !goes_by_the_same(holder, tenant) {
            // Also before the daemon has noticed itself.
            told.outdated_configuration.get_or_insert_with(|| CHANGED.into());
        }
        status.daemon = Some(told);
    }
    let paused = store.paused(&tenant.name, SystemClock.now()).await.map_err(failed)?;
    status.paused = paused.map(|pause| Paused {
        by: pause.by,
        reason: pause.reason,
        until: pause.until.to_string(),
    });
    let (last, success) = store.cycles(&tenant.name).await.map_err(failed)?;
    status.last_cycle = last.map(last_cycle);
    status.last_success = success.map(|cycle| cycle.ended_at.to_string());
    let owners = store.owners(&tenant.name).await.map_err(failed)?;
    status.owned_by_policies = owners.assignments;
    let plans = store.plans(Some(&tenant.name)).await.map_err(failed)?;
    tell_plans(&mut status, &plans);
    let open = plans.iter().filter(|plan| plan.state.is_open());
    status.more_waiting = open.clone().skip(WAITING_MAX).count() as u64;
    for head in open.take(WAITING_MAX) {
        let stored = store.plan(Some(&tenant.name), Some(head.id)).await.map_err(failed)?;
        status.waiting_for_a_person.extend(stored.as_ref().map(waiting));
    }
    Ok(status)
}

/// Tells what ran last, and what was interrupted.
fn tell_plans(status: &mut TenantStatus, plans: &[PlanHead]) {
    let ran = |plan: &&PlanHead| {
        matches!(plan.state, PlanState::Applied | PlanState::Partial | PlanState::Failed)
    };
    status.last_run = plans
        .iter()
        .find(ran)
        .map(|plan| LastRun { plan: plan.id.to_string(), state: plan.state.as_str() });
    if status.daemon.is_none() && status.at_work.is_none() {
        let is_applying = |plan: &&PlanHead| plan.state == PlanState::Applying;
        status.interrupted = plans.iter().filter(is_applying).map(|p| p.id.to_string()).collect();
    }
}

fn daemon(holder: &Holder, report: Option<Report>, now: Timestamp) -> DaemonStatus {
    let (process, since) = (holder.pid, holder.since.to_string());
    let Some(report) = report else {
        return DaemonStatus {
            mode: None,
            process,
            since,
            version: "".into(),
            activity: "starting",
            next_cycle: None,
            next_turn: None,
            held_back: None,
            policy_digest: None,
            policy_commit: None,
            policies_invalid: None,
            left_out: 0,
            left_out_first: Vec::new(),
            outdated_configuration: None,
            failures_in_a_row: 0,
            silent_since: None,
        };
    };
    // While it plans or applies it reports nothing until that is done.
    let waits = report.activity == Activity::Waiting;
    let silent_since = (waits && report.at + SILENT_FOR < now).then_some(report.at);
    let (digest, commit) =
        report.policies.map_or((None, None), |(digest, commit)| (Some(digest.to_string()), commit));
    DaemonStatus {
        mode: Some(report.mode),
        process,
        since,
        version: report.version,
        activity: report.activity.as_str(),
        next_cycle: report.next_cycle.map(|at| at.to_string()),
        next_turn: report.next_turn.map(|at| at.to_string()),
        held_back: report.held_back,
        policy_digest: digest,
        policy_commit: commit,
        policies_invalid: report.invalid,
        left_out: report.left_out.problems,
        left_out_first: report.left_out.first,
        outdated_configuration: report.outdated,
        failures_in_a_row: report.failures,
        silent_since: silent_since.map(|at| at.to_string()),
    }
}

fn last_cycle(cycle: CycleRecord) -> LastCycle {
    LastCycle {
        ended_at: cycle.ended_at.to_string(),
        trigger: cycle.trigger.map(crate::plan::Trigger::as_str),
        failure: cycle.failure,
        plan: cycle.plan.map(|id| id.to_string()),
    }
}

fn waiting(stored: &StoredPlan) -> Waiting {
    let plan = &stored.plan;
    let held = |verdict: &Verdict| Held {
        guard: verdict.guard.as_str(),
        scope: Arc::clone(&verdict.scope),
        limit: verdict.limit.clone(),
        actual: verdict.actual.clone(),
    };
    Waiting {
        plan: plan.id.to_string(),
        state: stored.state.as_str(),
        created_at: plan.created_at.to_string(),
        expires_at: plan.expires_at.to_string(),
        operations: plan.operations.len() as u64,
        people: plan.summary.people,
        guards: match stored.state {
            PlanState::Held if !tripped(&plan.guards).is_empty() => {
                plan.guards.iter().filter(|verdict| verdict.tripped).map(held).collect()
            }
            _ => Vec::new(),
        },
    }
}

/// Returns a time as people of the tenant read it, with the offset of its zone.
fn at(text: &str, zone: &TimeZone) -> String {
    let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
    let is_utc = *zone == TimeZone::UTC;
    let format = if is_utc { "%Y-%m-%d %H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S %:z" };
    time.to_zoned_datetime(zone.clone()).strftime(format).to_string()
}

fn text(status: &TenantStatus, zone: &TimeZone) -> String {
    let at = |text: &str| at(text, zone);
    let mut lines = vec![format!("tenant {}, mode {}", status.tenant, status.mode)];
    let mut line = |what: &str, words: String| lines.push(format!("  {what:<13} {words}"));
    tell_daemon(status, &at, &mut line);
    if let Some(Paused { by, reason, until }) = &status.paused {
        line("paused", format!("by {by} until {}: {reason}", at(until)));
    }
    line(
        "last cycle",
        match &status.last_cycle {
            None => "none yet: `seatkeeper plan` makes the first".to_owned(),
            Some(cycle) => {
                let why = cycle.trigger.map(|trigger| format!(" ({trigger})")).unwrap_or_default();
                let came_to = match (&cycle.failure, &cycle.plan) {
                    (Some(failure), _) => format!("failed: {failure}"),
                    (None, Some(plan)) => format!("plan {plan}"),
                    (None, None) => "nothing to do".to_owned(),
                };
                format!("{}{why}, {came_to}", at(&cycle.ended_at))
            }
        },
    );
    if let Some(success) = &status.last_success {
        line("last success", at(success));
    }
    if let Some(LastRun { plan, state }) = &status.last_run {
        line("last run", format!("plan {plan} is {state}"));
    }
    let owned = count(status.owned_by_policies, "assignment", "assignments");
    line("owned", format!("{owned} by policies"));
    for plan in &status.interrupted {
        line(
            "interrupted",
            format!("plan {plan}: the daemon, or the next `plan` or `apply`, settles it"),
        );
    }
    if status.waiting_for_a_person.is_empty() {
        line("waits", "nothing waits for a person".to_owned());
    }
    for waiting in &status.waiting_for_a_person {
        line("waits", waits(waiting, &at));
        if waiting.state == PlanState::Approved.as_str() && status.observes() {
            line(
                "",
                format!("mode observe carries nothing out: seatkeeper apply {}", waiting.plan),
            );
        }
        for Held { guard, scope, limit, actual } in &waiting.guards {
            line("", format!("held by {guard} [{scope}]: {actual} (limit: {limit})"));
        }
    }
    if status.more_waiting > 0 {
        line("", format!("and {} more: `seatkeeper plans`", status.more_waiting));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn tell_daemon(
    status: &TenantStatus,
    at: &impl Fn(&str) -> String,
    line: &mut impl FnMut(&str, String),
) {
    if let Some(AtWork { command, process, since }) = &status.at_work {
        line("at work", format!("{command} (process {process}) since {}", at(since)));
    }
    let Some(daemon) = &status.daemon else {
        line("daemon", "does not run: `seatkeeper run`".to_owned());
        return;
    };
    let doing = match (daemon.activity, &daemon.next_cycle) {
        (activity, Some(next)) if activity == Activity::Waiting.as_str() => {
            format!("waits for the next cycle at {}", at(next))
        }
        (activity, _) => activity.to_owned(),
    };
    let (process, since) = (daemon.process, at(&daemon.since));
    line("daemon", format!("{doing} (process {process} since {since})"));
    if let Some(since) = &daemon.silent_since {
        let since = at(since);
        line(
            "SILENT",
            format!(
                "since {since}: it hangs, or cannot write to its state directory (disk full, read-only?); its log says more"
            ),
        );
    }
    if let Some(why) = &daemon.held_back {
        line("changes", format!("are held back: {why}"));
    } else if let Some(turn) = &daemon.next_turn {
        line("changes", format!("may run; windows turn at {}", at(turn)));
    }
    if let Some(digest) = &daemon.policy_digest {
        let commit = daemon.policy_commit.as_ref();
        let commit = commit.map(|commit| format!(" (commit {commit})")).unwrap_or_default();
        line(
            "policies",
            format!("in force: {}{commit}", digest.chars().take(19).collect::<String>()),
        );
    }
    if let Some(invalid) = &daemon.policies_invalid {
        line("policies", format!("the files are INVALID and not in force: {invalid}"));
    }
    for problem in &daemon.left_out_first {
        line("left out", format!("{problem}"));
    }
    let more = daemon.left_out.saturating_sub(daemon.left_out_first.len() as u64);
    if more > 0 {
        line("", format!("and {more} more that do not fit: `seatkeeper plan --leave-out-misfits`"));
    }
    if let Some(why) = &daemon.outdated_configuration {
        line("OUTDATED", format!("goes by the configuration it started with: {why}"));
    }
    if daemon.failures_in_a_row > 0 {
        line("failing", count(daemon.failures_in_a_row, "cycle in a row", "cycles in a row"));
    }
}

fn waits(waiting: &Waiting, at: &impl Fn(&str) -> String) -> String {
    format!(
        "plan {} is {} since {}: {} for {}; expires {}",
        waiting.plan,
        waiting.state,
        at(&waiting.created_at),
        count(waiting.operations, "operation", "operations"),
        count(waiting.people, "person", "people"),
        at(&waiting.expires_at),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::desk::LeftOut;

    fn seen(activity: Activity, seconds_ago: i64) -> DaemonStatus {
        let now = Timestamp::from_second(1_795_424_400).unwrap();
        let holder = Holder { pid: 7, command: DAEMON.to_owned(), since: now, settings: None };
        let report = Report {
            tenant: "contoso".parse().unwrap(),
            at: now - SignedDuration::from_secs(seconds_ago),
            process: 7,
            version: "1".into(),
            mode: "enforce".into(),
            activity,
            next_cycle: None,
            next_turn: None,
            held_back: None,
            policies: None,
            invalid: None,
            left_out: LeftOut::default(),
            outdated: None,
            failures: 0,
        };
        daemon(&holder, Some(report), now)
    }

    #[test]
    fn a_daemon_that_waits_and_does_not_report_is_told_of() {
        assert!(seen(Activity::Waiting, 100).silent_since.is_none());
        assert!(seen(Activity::Applying, 1_000).silent_since.is_none());
        let silent = seen(Activity::Waiting, 200);
        assert!(silent.silent_since.is_some());
        let mut told = Vec::new();
        let status = TenantStatus {
            tenant: "contoso".to_owned(),
            mode: "enforce",
            daemon: Some(silent),
            at_work: None,
            paused: None,
            last_cycle: None,
            last_success: None,
            owned_by_policies: 0,
            last_run: None,
            interrupted: Vec::new(),
            waiting_for_a_person: Vec::new(),
            more_waiting: 0,
        };
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let at = |text: &str| at(text, &zone);
        tell_daemon(&status, &at, &mut |what, words| told.push(format!("{what}: {words}")));
        assert!(told.iter().any(|line| line.contains(" +05:30: it hangs")), "{told:#?}");
    }
}
