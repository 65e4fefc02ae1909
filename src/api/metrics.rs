//! Metrics: what the board, the records and the counters of others tell, at the moment of the look.
//!
//! No label names a person. Times are instants, not ages, so that they stay right however old the page
//! is; what can be enumerated is there with zero, so that an alert on its absence works.

use std::sync::{Arc, PoisonError};

use axum::body::Body;
use axum::http::Response;
use jiff::Timestamp;

use crate::domain::names::{PolicyName, TenantName};
use crate::engine::daemon::board::{CycleEnd, DURATION_BOUNDS, Durations, Facts, SeatFacts};
use crate::plan::{GuardName, Kind as OperationKind, PlanState, Summary, Trigger, Verdict};
use crate::ports::counts::{DeliveryCounts, REQUEST_BOUNDS, RequestTimes, Traffic};
use crate::ports::desk::{Activity, Desk, Pause};
use crate::ports::{Clock, OutcomeKind, PlanHead, Records};

use super::Shared;
use super::call::{Call, text_of};
use super::exposition::{Family, Kind, MEDIA_TYPE, Page};
use super::problem::Problem;

/// What there is to tell of one tenant.
struct Look {
    tenant: TenantName,
    facts: Facts,
    is_ready: bool,
    pause: Option<Pause>,
    owners: Vec<(PolicyName, u64)>,
    /// Newest first.
    plans: Vec<PlanHead>,
    /// Intents without outcome; none while a plan is carried out, when there are always some.
    unresolved: Option<u64>,
    traffic: Option<Traffic>,
}

/// Returns a count of one receiver.
type OfSink = fn(&DeliveryCounts) -> u64;
/// Returns a time of one tenant.
type OfFacts = fn(&Facts) -> Option<Timestamp>;

/// Tells everything that is measured.
pub(super) async fn metrics<R, C>(
    shared: Arc<Shared<R, C>>,
    _: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let now = shared.deps.clock.now();
    let mut looks = Vec::new();
    for (tenant, place) in shared.deps.board.places() {
        looks.push(shared.look(tenant, place.facts(), now).await?);
    }
    let mut page = Page::default();
    page.family("seatkeeper_build", Kind::Info, "The program.")
        .sample(&[("version", &shared.deps.version)], 1);
    page.family("seatkeeper_start_timestamp_seconds", Kind::Gauge, "When the daemon started.")
        .time(&[], Some(shared.deps.board.started_at));
    cycles(&mut page, &looks);
    files(&mut page, &looks);
    snapshots(&mut page, &looks);
    plans(&mut page, &looks);
    guards(&mut page, &looks);
    operations(&mut page, &looks);
    pauses(&mut page, &looks);
    graph(&mut page, &looks);
    shared.own(&mut page);
    Ok(text_of(MEDIA_TYPE, 200, page.finish()))
}

impl<R, C> Shared<R, C>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    async fn look(
        &self,
        tenant: &TenantName,
        facts: Facts,
        now: Timestamp,
    ) -> Result<Look, Problem> {
        let records = &self.deps.records;
        let activity = facts.report.as_ref().map(|report| report.activity);
        let unresolved = match activity {
            Some(Activity::Applying) => None,
            Some(_) | None => {
                let open = records.open_plans(tenant).await?;
                Some(open.iter().map(|plan| plan.intended.len() as u64).sum())
            }
        };
        Ok(Look {
            is_ready: self.why_not_ready(tenant, &facts, now).is_none(),
            facts,
            pause: records.paused(tenant, now).await?,
            owners: records.owners(tenant).await?.by_policy,
            plans: records.plans(Some(tenant)).await?,
            unresolved,
            traffic: (self.deps.counts.graph)(tenant),
            tenant: tenant.clone(),
        })
    }

    /// Tells of the interface itself, and of notices.
    fn own(&self, page: &mut Page) {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "Answers to HTTP requests by status.";
        let mut family = page.family("seatkeeper_http_responses", Kind::Counter, help);
        if answers.is_empty() {
            family.sample(&[("code", "200")], 0);
        }
        for (code, count) in answers {
            family.sample(&[("code", &code.to_string())], count);
        }
        let deliveries = (self.deps.counts.deliveries)();
        let families: [(&'static str, OfSink, &str); 3] = [
            ("seatkeeper_event_deliveries", |of| of.delivered, "Notices that arrived."),
            ("seatkeeper_event_delivery_failures", |of| of.failed, "Failed tries to deliver."),
            ("seatkeeper_events_given_up", |of| of.given_up, "Notices that were given up."),
        ];
        for (name, of, help) in families {
            let mut family = page.family(name, Kind::Counter, help);
            for (sink, counts) in &deliveries {
                family.sample(&[("sink", sink)], of(counts));
            }
        }
    }
}

/// Writes one number for each tenant.
fn each(family: &mut Family<'_>, looks: &[Look], of: impl Fn(&Look) -> Option<u64>) {
    for look in looks {
        if let Some(value) = of(look) {
            family.sample(&[("tenant", look.tenant.as_str())], value);
        }
    }
}

/// Writes one time for each tenant.
fn each_time(family: &mut Family<'_>, looks: &[Look], of: impl Fn(&Look) -> Option<Timestamp>) {
    for look in looks {
        family.time(&[("tenant", look.tenant.as_str())], of(look));
    }
}

fn cycles(page: &mut Page, looks: &[Look]) {
    let help = "Cycles by what started them and how they ended.";
    let mut family = page.family("seatkeeper_reconcile_runs", Kind::Counter, help);
    for look in looks {
        for trigger in Trigger::ALL {
            for end in CycleEnd::ALL {
                let count = look.facts.tally.cycles.get(&(trigger, end)).copied();
                let labels = [
                    ("tenant", look.tenant.as_str()),
                    ("trigger", trigger.as_str()),
                    ("outcome", end.as_str()),
                ];
                family.sample(&labels, count.unwrap_or_default());
            }
        }
    }
    let help = "How long reading with planning, and carrying out, took.";
    let mut family = page.family("seatkeeper_reconcile_duration_seconds", Kind::Histogram, help);
    for look in looks {
        let tally = &look.facts.tally;
        for (phase, durations) in [("plan", &tally.cycle_seconds), ("apply", &tally.apply_seconds)]
        {
            let Durations { buckets, count, sum } = durations;
            let buckets = DURATION_BOUNDS.into_iter().zip(*buckets);
            let labels = [("tenant", look.tenant.as_str()), ("phase", phase)];
            family.histogram(&labels, buckets, *count, *sum);
        }
    }
    let times: [(&'static str, OfFacts, &str); 3] = [
        (
            "seatkeeper_reconcile_last_attempt_timestamp_seconds",
            |facts| facts.last_attempt,
            "When a cycle last began.",
        ),
        (
            "seatkeeper_reconcile_last_success_timestamp_seconds",
            |facts| facts.last_success,
            "When a cycle last read the tenant whole and planned.",
        ),
        (
            "seatkeeper_converged_timestamp_seconds",
            |facts| facts.last_settled,
            "When a cycle last found nothing to do.",
        ),
    ];
    for (name, of, help) in times {
        each_time(&mut page.family(name, Kind::Gauge, help), looks, |look| of(&look.facts));
    }
    let help = "Cycles that failed in a row.";
    let mut family = page.family("seatkeeper_reconcile_consecutive_failures", Kind::Gauge, help);
    each(&mut family, looks, |look| {
        Some(look.facts.report.as_ref().map_or(0, |report| report.failures))
    });
    let help = "Whether the tenant had a complete cycle lately.";
    let mut family = page.family("seatkeeper_tenant_ready", Kind::Gauge, help);
    each(&mut family, looks, |look| Some(look.is_ready.into()));
}

/// Tells whether what the daemon goes by is what stands in the files, and fits.
fn files(page: &mut Page, looks: &[Look]) {
    let help =
        "Whether the policy files are in force; where they are invalid, the last good ones are.";
    let mut family = page.family("seatkeeper_policies_valid", Kind::Gauge, help);
    each(&mut family, looks, |look| {
        look.facts.report.as_ref().map(|report| report.invalid.is_none().into())
    });
    let help = "What does not fit the tenant in the policies in force, and takes no part.";
    let mut family = page.family("seatkeeper_policies_left_out", Kind::Gauge, help);
    each(&mut family, looks, |look| {
        look.facts.report.as_ref().map(|report| report.left_out.problems)
    });
    let help = "Whether the settings in force are those of the configuration file.";
    let mut family = page.family("seatkeeper_configuration_current", Kind::Gauge, help);
    each(&mut family, looks, |look| {
        look.facts.report.as_ref().map(|report| report.outdated.is_none().into())
    });
}

fn snapshots(page: &mut Page, looks: &[Look]) {
    let help = "Whether the last cycle read the tenant whole and planned.";
    let mut family = page.family("seatkeeper_snapshot_complete", Kind::Gauge, help);
    each(&mut family, looks, |look| {
        Some((look.facts.snapshot.is_some() && look.facts.failure.is_none()).into())
    });
    let help = "Users, and groups whose members were read, in the last snapshot.";
    let mut family = page.family("seatkeeper_snapshot_objects", Kind::Gauge, help);
    for look in looks {
        let Some(snapshot) = look.facts.snapshot else { continue };
        for (source, count) in [("users", snapshot.users), ("groups", snapshot.groups)] {
            family.sample(&[("tenant", look.tenant.as_str()), ("source", source)], count);
        }
    }
    let help = "When the last snapshot was taken.";
    let mut family = page.family("seatkeeper_snapshot_timestamp_seconds", Kind::Gauge, help);
    each_time(&mut family, looks, |look| look.facts.snapshot.map(|snapshot| snapshot.taken_at));
    let help = "Seats of each SKU by state.";
    let mut family = page.family("seatkeeper_sku_seats", Kind::Gauge, help);
    for look in looks {
        for (sku, seats) in &look.facts.seats {
            let SeatFacts { enabled, consumed, warning, suspended } = *seats;
            let kinds = [
                ("enabled", enabled),
                ("consumed", consumed),
                ("warning", warning),
                ("suspended", suspended),
            ];
            for (kind, count) in kinds {
                let labels = [("tenant", look.tenant.as_str()), ("sku", &**sku), ("kind", kind)];
                family.sample(&labels, count);
            }
        }
    }
    let help = "Assignments that each policy owns.";
    let mut family = page.family("seatkeeper_assignments", Kind::Gauge, help);
    for look in looks {
        for (policy, count) in &look.owners {
            let labels = [("tenant", look.tenant.as_str()), ("policy", policy.as_str())];
            family.sample(&labels, *count);
        }
    }
}

fn plans(page: &mut Page, looks: &[Look]) {
    let help = "Operations of the last plan by what they do; zero where there was nothing to do.";
    let mut family = page.family("seatkeeper_plan_operations", Kind::Gauge, help);
    let summary = |look: &Look| look.facts.summary.unwrap_or_default();
    for look in looks {
        let Summary { add, replace, remove, modify, locate, adopt, .. } = summary(look);
        let kinds = [
            (OperationKind::Add, add),
            (OperationKind::Replace, replace),
            (OperationKind::Remove, remove),
            (OperationKind::Modify, modify),
            (OperationKind::Locate, locate),
            (OperationKind::Adopt, adopt),
        ];
        for (kind, count) in kinds {
            let labels = [("tenant", look.tenant.as_str()), ("action", kind.as_str())];
            family.sample(&labels, count);
        }
    }
    let help = "What the last plan could not or need not do now.";
    let mut family = page.family("seatkeeper_plan_entries", Kind::Gauge, help);
    for look in looks {
        let Summary { blocked, waiting, scheduled, released, unmanaged, unknown, .. } =
            summary(look);
        let kinds = [
            ("blocked", blocked),
            ("waiting", waiting),
            ("scheduled", scheduled),
            ("released", released),
            ("unmanaged", unmanaged),
            ("unknown", unknown),
        ];
        for (kind, count) in kinds {
            family.sample(&[("tenant", look.tenant.as_str()), ("kind", kind)], count);
        }
    }
    let name = "seatkeeper_plan_state";
    let mut family = page.family(name, Kind::StateSet, "Where the newest plan stands.");
    for look in looks {
        let newest = look.plans.first().map(|plan| plan.state);
        for state in PlanState::ALL {
            let labels = [("tenant", look.tenant.as_str()), (name, state.as_str())];
            family.sample(&labels, (newest == Some(state)).into());
        }
    }
    let waits = |plan: &&PlanHead| matches!(plan.state, PlanState::Proposed | PlanState::Held);
    let help = "Plans that wait for a person.";
    let mut family = page.family("seatkeeper_plans_pending", Kind::Gauge, help);
    each(&mut family, looks, |look| Some(look.plans.iter().filter(waits).count() as u64));
    let help = "When the oldest plan that waits for a person was made.";
    let mut family =
        page.family("seatkeeper_plan_pending_since_timestamp_seconds", Kind::Gauge, help);
    each_time(&mut family, looks, |look| {
        look.plans.iter().filter(waits).map(|plan| plan.created_at).min()
    });
}

fn guards(page: &mut Page, looks: &[Look]) {
    let help = "Whether a guard tripped in the last cycle, whatever its scope.";
    let mut family = page.family("seatkeeper_guard_tripped", Kind::Gauge, help);
    for look in looks {
        for guard in GuardName::ALL {
            let mut verdicts = look.facts.verdicts.iter();
            let tripped = verdicts.any(|verdict| verdict.guard == guard && verdict.tripped);
            let labels = [("tenant", look.tenant.as_str()), ("guard", guard.as_str())];
            family.sample(&labels, tripped.into());
        }
    }
    let help = "What a guard counted in the last cycle where it is nearest to its limit: people, or by how many a source is worse than before.";
    let mut family = page.family("seatkeeper_guard_value", Kind::Gauge, help);
    nearest(&mut family, looks, |verdict| verdict.counted);
    let help = "The most that a guard lets pass, there. Absent where nothing is too much.";
    let mut family = page.family("seatkeeper_guard_limit", Kind::Gauge, help);
    nearest(&mut family, looks, |verdict| verdict.most);
    let help = "Plans that a guard held.";
    let mut family = page.family("seatkeeper_guard_trips", Kind::Counter, help);
    by_guard(&mut family, looks, |look, guard| look.facts.tally.trips.get(&guard).copied());
    let help = "Plans that ran because a person accepted a guard.";
    let mut family = page.family("seatkeeper_guard_acks", Kind::Counter, help);
    by_guard(&mut family, looks, |look, guard| look.facts.tally.accepted.get(&guard).copied());
}

/// Writes a number of the verdict of each guard that is nearest to its limit: scopes are as many as
/// groups and attributes.
fn nearest(family: &mut Family<'_>, looks: &[Look], of: impl Fn(&Verdict) -> Option<u64>) {
    for look in looks {
        for guard in GuardName::ALL {
            let verdicts = look.facts.verdicts.iter().filter(|verdict| verdict.guard == guard);
            let left = |verdict: &&Verdict| {
                let (counted, most) = (verdict.counted.unwrap_or(0), verdict.most);
                most.map_or(i128::MAX, |most| i128::from(most) - i128::from(counted))
            };
            if let Some(value) = verdicts.min_by_key(left).and_then(&of) {
                let labels = [("tenant", look.tenant.as_str()), ("guard", guard.as_str())];
                family.sample(&labels, value);
            }
        }
    }
}

fn by_guard(family: &mut Family<'_>, looks: &[Look], of: impl Fn(&Look, GuardName) -> Option<u64>) {
    for look in looks {
        for guard in GuardName::ALL {
            let labels = [("tenant", look.tenant.as_str()), ("guard", guard.as_str())];
            family.sample(&labels, of(look, guard).unwrap_or_default());
        }
    }
}

fn operations(page: &mut Page, looks: &[Look]) {
    let help = "Operations that were carried out, by what they did and how they ended.";
    let mut family = page.family("seatkeeper_operations", Kind::Counter, help);
    for look in looks {
        for kind in OperationKind::ALL {
            for outcome in OutcomeKind::ALL {
                let count = look.facts.tally.operations.get(&(kind, outcome)).copied();
                let labels = [
                    ("tenant", look.tenant.as_str()),
                    ("action", kind.as_str()),
                    ("outcome", outcome.as_str()),
                ];
                family.sample(&labels, count.unwrap_or_default());
            }
        }
    }
    let help =
        "Operations that were sent and whose outcome is not known. Absent while one applies.";
    let mut family = page.family("seatkeeper_journal_unresolved_intents", Kind::Gauge, help);
    each(&mut family, looks, |look| look.unresolved);
    let help = "Plans that an interruption had left open and that were closed.";
    let mut family = page.family("seatkeeper_journal_recoveries", Kind::Counter, help);
    each(&mut family, looks, |look| Some(look.facts.tally.recoveries));
}

fn pauses(page: &mut Page, looks: &[Look]) {
    let help = "Whether somebody has paused changes.";
    let mut family = page.family("seatkeeper_suspended", Kind::Gauge, help);
    each(&mut family, looks, |look| Some(look.pause.is_some().into()));
    let help = "When the pause ends.";
    let mut family = page.family("seatkeeper_suspended_until_timestamp_seconds", Kind::Gauge, help);
    each_time(&mut family, looks, |look| look.pause.as_ref().map(|pause| pause.until));
}

fn graph(page: &mut Page, looks: &[Look]) {
    let traffic = || looks.iter().filter_map(|look| Some((&look.tenant, look.traffic.as_ref()?)));
    let help = "Requests to Graph by what they ask for and the status; 0 where no answer came.";
    let mut family = page.family("seatkeeper_graph_requests", Kind::Counter, help);
    for (tenant, traffic) in traffic() {
        for ((class, code), count) in &traffic.requests {
            let code = code.to_string();
            let labels = [("tenant", tenant.as_str()), ("class", class), ("code", &code)];
            family.sample(&labels, *count);
        }
    }
    let help = "Resource units of Graph's quota of reads that requests cost.";
    let mut family = page.family("seatkeeper_graph_resource_units", Kind::Counter, help);
    for (tenant, traffic) in traffic() {
        family.sample(&[("tenant", tenant.as_str())], traffic.units);
    }
    let help = "Writes that were sent to Graph, in batches, those that were sent again included.";
    let mut family = page.family("seatkeeper_graph_writes", Kind::Counter, help);
    for (tenant, traffic) in traffic() {
        family.sample(&[("tenant", tenant.as_str())], traffic.writes);
    }
    let help = "Answers of Graph, whole ones and parts of batches, that ask to slow down.";
    let mut family = page.family("seatkeeper_graph_throttled", Kind::Counter, help);
    for (tenant, traffic) in traffic() {
        for (class, count) in &traffic.throttled {
            family.sample(&[("tenant", tenant.as_str()), ("class", class)], *count);
        }
    }
    let help = "How long requests to Graph took.";
    let mut family =
        page.family("seatkeeper_graph_request_duration_seconds", Kind::Histogram, help);
    for (tenant, traffic) in traffic() {
        for (class, RequestTimes { buckets, count, sum }) in &traffic.seconds {
            let buckets = REQUEST_BOUNDS.into_iter().zip(*buckets);
            let labels = [("tenant", tenant.as_str()), ("class", *class)];
            family.histogram(&labels, buckets, *count, *sum);
        }
    }
}
