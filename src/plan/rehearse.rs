//! Policy tests: what the policies make of a described user, by the functions that plan for real ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::known::Truth;
use crate::domain::names::{Place, PolicyName, TenantName, UsageLocation};
use crate::domain::snapshot::Snapshot;
use crate::plan::after::after;
use crate::plan::bind::{Part, Problem, bind};
use crate::plan::make::{Inputs, make};
use crate::plan::resolve::Resolver;
use crate::plan::words::Words;
use crate::plan::{Asked, Because, BlockedReason, Digest, Kind, Plan, Reason, Trigger};
use crate::policy::case::{Case, Due, Expect, WantedLicense};
use crate::policy::settings::Settings;
use crate::policy::{Moment, Policy, PolicySet, Written};
use tenant::{Scene, Stage, narrowed};

mod tenant;
#[cfg(test)]
mod tests;

/// What a run of policy tests follows from.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal<'a> {
    /// The policies.
    pub policies: &'a PolicySet,
    /// The tests, in order.
    pub cases: &'a [Case],
    /// The settings of each tenant of the configuration, in its order. A test without `tenant` runs in
    /// the first.
    pub tenants: &'a [(TenantName, Settings)],
    /// The time of tests that say none.
    pub now: Timestamp,
}

/// What came of a run of policy tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// The tests, in order.
    pub results: Vec<CaseResult>,
    /// The policies that no test reaches, each with its place as `file:line`. Retired ones, which match
    /// nobody, are not among them.
    pub unreached: Vec<(PolicyName, Arc<str>)>,
    /// How many policies there are to be reached.
    pub policies: usize,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// What the test is called.
    pub name: Arc<str>,
    /// Where it begins.
    pub place: Place,
    /// What is not as expected; none where it passed.
    pub failures: Vec<Mismatch>,
    /// Why the user has, gets or loses what they do, in words.
    pub why: Vec<String>,
    /// What the writer of the test should know.
    pub remarks: Vec<String>,
}

impl CaseResult {
    /// Whether everything is as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Something that is not as a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The key of the expectation.
    pub key: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

impl Rehearsed {
    /// Whether every test passed.
    pub fn passed(&self) -> bool {
        self.results.iter().all(CaseResult::passed)
    }
}

/// Runs policy tests.
///
/// # Errors
///
/// Returns what does not fit in settings or policies, whatever the tenant: no test says anything then.
pub fn rehearse(rehearsal: &Rehearsal<'_>) -> Result<Rehearsed, Vec<Problem>> {
    let mut reached = BTreeSet::new();
    let mut results = Vec::new();
    let made_up = [(made_up_tenant(), Settings::default())];
    let tenants = if rehearsal.tenants.is_empty() { &made_up } else { rehearsal.tenants };
    let mut stages: Vec<Option<Stage>> = tenants.iter().map(|_| None).collect();
    for case in rehearsal.cases {
        let named = |(name, _): &(TenantName, Settings)| {
            case.tenant.as_ref().is_none_or(|tenant| tenant.value == *name)
        };
        // Without a configuration a test may name any tenant.
        let at = tenants.iter().position(named).unwrap_or_default();
        let (name, settings) = &tenants[at];
        let name = case.tenant.as_ref().map_or(name, |tenant| &tenant.value);
        let stage = stages[at]
            .get_or_insert_with(|| Stage::new(rehearsal.policies, rehearsal.cases, settings));
        results.push(run(rehearsal, case, (name, settings), stage, &mut reached)?);
    }
    let active = || rehearsal.policies.policies.iter().filter(|policy| !policy.retired);
    let unreached = active()
        .filter(|policy| !reached.contains(&policy.name))
        .map(|policy| (policy.name.clone(), policy.place.file_and_line().into()));
    Ok(Rehearsed { results, unreached: unreached.collect(), policies: active().count() })
}

fn run(
    rehearsal: &Rehearsal<'_>,
    case: &Case,
    (tenant, settings): (&TenantName, &Settings),
    stage: &mut Stage,
    reached: &mut BTreeSet<PolicyName>,
) -> Result<CaseResult, Vec<Problem>> {
    let now = case.at.as_ref().map_or(rehearsal.now, |at| at.value.at(&settings.time_zone));
    let scene = stage.scene(case, settings, now);
    let policies = narrowed(rehearsal.policies, case, scene.user);
    let inputs = Inputs {
        tenant,
        policies: &policies,
        policy_digest: Digest([0; 32]),
        policy_commit: None,
        settings,
        snapshot: &scene.snapshot,
        ledger: &scene.ledger,
        now,
        trigger: Trigger::Person,
        asked: Asked::Policies,
    };
    let planned = make(&inputs)?;
    if !planned.problems.is_empty() {
        return Err(planned.problems);
    }
    let seen = Seen::new(stage, &scene, &inputs, planned.plan)?;
    // Whoever leaves a policy reaches it, too, where that decides something.
    reached.extend(seen.matching.keys().chain(&seen.because).cloned());
    let mut remarks = Vec::new();
    if case.at.is_none() {
        remarks.extend(seen.depends_on_the_time(&policies));
    }
    let failures = seen.judge(&case.expect);
    let why = if failures.is_empty() { Vec::new() } else { seen.why() };
    Ok(CaseResult { name: case.name.clone(), place: case.place.clone(), failures, why, remarks })
}

/// The tenant of tests where no configuration names one.
fn made_up_tenant() -> TenantName {
    "test".parse().expect("a name")
}

/// What became of the user of a test.
struct Seen<'a> {
    stage: &'a Stage,
    plan: Plan,
    /// The tenant when the plan was carried out.
    after: Snapshot,
    user: UserId,
    /// Where days begin.
    zone: &'a TimeZone,
    /// The policies that match the user, each with what it says of its match.
    matching: BTreeMap<PolicyName, String>,
    /// The policies that decide something.
    because: BTreeSet<PolicyName>,
}

impl<'a> Seen<'a> {
    fn new(
        stage: &'a Stage,
        scene: &Scene,
        inputs: &Inputs<'a>,
        plan: Plan,
    ) -> Result<Self, Vec<Problem>> {
        let user = scene.user;
        let bound =
            bind(inputs.policies, inputs.settings, inputs.tenant, inputs.snapshot, inputs.now)?;
        let resolver =
            Resolver::new(&bound, inputs.settings, inputs.snapshot, inputs.ledger, inputs.now);
        let words = Words::new(&bound, inputs.snapshot);
        let at = words.position(user).expect("the user of the test is in its tenant");
        let matches = |policy: &usize| {
            let found = resolver.matches(*policy);
            found.is_some_and(|found| found.of(at) == Truth::True)
        };
        let matching: Vec<usize> = (0..bound.policies.len()).filter(matches).collect();
        let after = after(inputs.snapshot, inputs.ledger, &plan).snapshot;
        let has = |sku: SkuId| {
            let licenses = after.user(user).and_then(|user| user.licenses.value());
            licenses.is_some_and(|licenses| licenses.get(sku).is_some())
        };
        let mut because: BTreeSet<PolicyName> =
            reasons(&plan, user).map(|because| because.policy.clone()).collect();
        // Who stands by what is there already, and has nothing to do for it, decides as well.
        for policy in &matching {
            let Part::Taken(terms) = &bound.policies[*policy].part else { continue };
            if terms.grants.keys().any(|sku| has(*sku)) {
                because.insert(bound.policies[*policy].policy.name.clone());
            }
        }
        let detail = |policy: usize| {
            let of = &bound.policies[policy];
            (
                of.policy.name.clone(),
                format!("{} ({}): {}", of.policy.name, of.at, words.detail(policy, at)),
            )
        };
        let matching = matching.into_iter().map(detail).collect();
        let zone = &inputs.settings.time_zone;
        Ok(Self { stage, plan, after, user, zone, matching, because })
    }

    /// Warns where the outcome is another at another time.
    fn depends_on_the_time(&self, policies: &PolicySet) -> Vec<String> {
        let windowed = policies.policies.iter().filter(|policy| {
            let matches = self.matching.contains_key(&policy.name);
            matches && (policy.from.is_some() || policy.until.is_some())
        });
        let remark = |policy: &Policy| {
            format!(
                "policy `{}` has a window, and the test no `at`: it will not always pass",
                policy.name
            )
        };
        windowed.map(remark).collect()
    }

    fn held(&self) -> Vec<SkuId> {
        let licenses = self.after.user(self.user).and_then(|user| user.licenses.value());
        licenses.map_or_else(Vec::new, |held| held.assignments.iter().map(|of| of.sku).collect())
    }

    /// Names SKUs in order.
    fn names(&self, skus: impl IntoIterator<Item = SkuId>) -> String {
        let names: BTreeSet<Arc<str>> = skus.into_iter().map(|sku| self.stage.name(sku)).collect();
        listed(names.iter().map(|name| &**name))
    }

    /// Returns what is not as expected.
    fn judge(&self, expect: &Expect) -> Vec<Mismatch> {
        let Expect {
            licenses,
            not_licenses,
            because,
            not_because,
            usage_location,
            waiting,
            blocked,
            scheduled,
            unchanged,
        } = expect;
        let mut failures = Vec::new();
        failures.extend(licenses.as_ref().and_then(|wanted| self.licenses(wanted)));
        failures.extend(licenses.iter().flatten().filter_map(|wanted| self.service_plans(wanted)));
        let held = self.held();
        let has = |sku: &Written<Arc<str>>| {
            self.stage.find(&sku.value).is_some_and(|sku| held.contains(&sku))
        };
        failures.extend(mismatch("not_licenses", not_licenses, has, self.names(held.clone())));
        let decides = |policy: &Written<PolicyName>| self.because.contains(&policy.value);
        let reasons = || listed(self.because.iter().map(PolicyName::as_str));
        failures.extend(mismatch("because", because, |policy| !decides(policy), reasons()));
        failures.extend(mismatch("not_because", not_because, decides, reasons()));
        failures.extend(usage_location.and_then(|wanted| self.location(wanted)));
        failures.extend(waiting.as_ref().and_then(|wanted| self.waiting(wanted)));
        failures.extend(blocked.as_ref().and_then(|wanted| self.blocked(wanted)));
        failures.extend(scheduled.as_ref().and_then(|wanted| self.scheduled(wanted)));
        failures.extend(unchanged.and_then(|wanted| self.unchanged(wanted)));
        failures
    }

    fn licenses(&self, wanted: &[WantedLicense]) -> Option<Mismatch> {
        let held: BTreeSet<SkuId> = self.held().into_iter().collect();
        let found = |wanted: &WantedLicense| self.stage.find(&wanted.sku.value);
        let expected: BTreeSet<SkuId> = wanted.iter().filter_map(found).collect();
        let unknown = wanted.iter().any(|wanted| found(wanted).is_none());
        (unknown || held != expected).then(|| Mismatch {
            key: "licenses",
            expected: listed(wanted.iter().map(|wanted| &*wanted.sku.value)),
            got: self.names(held),
        })
    }

    fn service_plans(&self, wanted: &WantedLicense) -> Option<Mismatch> {
        let expected = wanted.disable.as_ref()?;
        let sku = self.stage.find(&wanted.sku.value)?;
        let licenses = self.after.user(self.user)?.licenses.value()?;
        let held = licenses.get(sku)?;
        let off = held.disabled.iter().filter(|plan| self.stage.is_switchable(sku, *plan));
        let off: BTreeSet<_> = off.collect();
        let same = self.stage.found_plans(sku, expected).is_ok_and(|expected| expected == off);
        let names = || off.iter().map(|plan| self.stage.plan_name(sku, *plan));
        (!same).then(|| Mismatch {
            key: "licenses",
            expected: format!(
                "{} without {}",
                wanted.sku.value,
                listed(expected.iter().map(|plan| &*plan.value))
            ),
            got: format!(
                "{} without {}",
                wanted.sku.value,
                listed(names().collect::<Vec<_>>().iter().map(|name| &**name))
            ),
        })
    }

    fn location(&self, wanted: UsageLocation) -> Option<Mismatch> {
        let user = self.after.user(self.user)?;
        let location = user.usage_location.value().copied().flatten();
        (location != Some(wanted)).then(|| Mismatch {
            key: "usage_location",
            expected: wanted.to_string(),
            got: location.map_or_else(|| "none".to_owned(), |location| location.to_string()),
        })
    }

    fn waiting(&self, wanted: &[Written<Arc<str>>]) -> Option<Mismatch> {
        let waiting = self.plan.waiting.iter().filter(|waiting| waiting.user.id == self.user);
        let got: BTreeSet<SkuId> = waiting.map(|waiting| waiting.sku.id).collect();
        self.same_skus("waiting", wanted.iter(), got)
    }

    fn same_skus<'w>(
        &self,
        key: &'static str,
        wanted: impl Iterator<Item = &'w Written<Arc<str>>> + Clone,
        got: BTreeSet<SkuId>,
    ) -> Option<Mismatch> {
        let found = wanted.clone().map(|sku| self.stage.find(&sku.value));
        let expected: Option<BTreeSet<SkuId>> = found.collect();
        (expected.as_ref() != Some(&got)).then(|| Mismatch {
            key,
            expected: listed(wanted.map(|sku| &*sku.value)),
            got: self.names(got),
        })
    }

    fn blocked(&self, wanted: &[Written<Arc<str>>]) -> Option<Mismatch> {
        let blocked = self.plan.blocked.iter().filter(|blocked| blocked.user.id == self.user);
        let got: BTreeSet<&str> = blocked.map(|blocked| blocked.reason.as_str()).collect();
        let expected: BTreeSet<&str> = wanted.iter().map(|word| &*word.value).collect();
        let unknown = expected.iter().find(|word| BlockedReason::named(word).is_none());
        let hint =
            unknown.map_or_else(String::new, |word| format!(" (plans have no reason `{word}`)"));
        (expected != got).then(|| Mismatch {
            key: "blocked",
            expected: listed(expected.iter().copied()) + &hint,
            got: listed(got.iter().copied()),
        })
    }

    fn scheduled(&self, wanted: &[Due]) -> Option<Mismatch> {
        let got: BTreeMap<SkuId, Timestamp> = self
            .plan
            .scheduled
            .iter()
            .filter(|scheduled| scheduled.user.id == self.user)
            .map(|scheduled| (scheduled.sku.id, scheduled.due))
            .collect();
        let skus = got.keys().copied().collect();
        if let Some(mismatch) = self.same_skus("scheduled", wanted.iter().map(|(sku, _)| sku), skus)
        {
            return Some(mismatch);
        }
        wanted.iter().find_map(|(sku, due)| {
            let (due, got) = ((*due)?, got.get(&self.stage.find(&sku.value)?)?);
            let same = match due {
                Moment::Instant(due) => due == *got,
                Moment::Day(day) => self.zone.to_datetime(*got).date() == day,
            };
            let expected = match due {
                Moment::Instant(due) => due.to_string(),
                Moment::Day(day) => day.to_string(),
            };
            (!same).then(|| Mismatch {
                key: "scheduled",
                expected: format!("{} on {expected}", sku.value),
                got: format!("{} on {got}", sku.value),
            })
        })
    }

    fn unchanged(&self, wanted: bool) -> Option<Mismatch> {
        let kinds: Vec<&str> = self
            .plan
            .operations
            .iter()
            .filter(|op| op.user.id == self.user && op.kind != Kind::Adopt)
            .map(|op| op.kind.as_str())
            .collect();
        (kinds.is_empty() != wanted).then(|| Mismatch {
            key: "unchanged",
            expected: wanted.to_string(),
            got: if kinds.is_empty() { "true".to_owned() } else { kinds.join(", ") },
        })
    }

    /// Says which policies match, and what comes of it.
    fn why(&self) -> Vec<String> {
        let mut why: Vec<String> = Vec::new();
        for because in reasons(&self.plan, self.user) {
            let Because { policy, at, sku, reason, detail } = because;
            let sku = sku.as_ref().map(|sku| format!("{}: ", sku.name)).unwrap_or_default();
            let line = format!("{sku}{policy} ({at}) {}: {detail}", reason_words(*reason));
            if !why.contains(&line) {
                why.push(line);
            }
        }
        for blocked in self.plan.blocked.iter().filter(|blocked| blocked.user.id == self.user) {
            let sku = blocked.sku.as_ref().map(|sku| format!("{}: ", sku.name)).unwrap_or_default();
            why.push(format!("{sku}blocked: {}", blocked.detail));
        }
        if why.is_empty() {
            why.extend(self.matching.values().map(|detail| format!("matches {detail}")));
        }
        if why.is_empty() {
            why.push("no policy matches the user".to_owned());
        }
        why
    }
}

/// Returns a mismatch that names those of the expected that are amiss.
fn mismatch<T: std::fmt::Display>(
    key: &'static str,
    expected: &[Written<T>],
    amiss: impl Fn(&Written<T>) -> bool,
    got: String,
) -> Option<Mismatch> {
    let names: Vec<String> =
        expected.iter().filter(|of| amiss(of)).map(|of| of.value.to_string()).collect();
    let expected = names.join(", ");
    (!names.is_empty()).then_some(Mismatch { key, expected, got })
}

/// Returns every reason that a plan gives for what it does, or does not, to a user.
fn reasons(plan: &Plan, user: UserId) -> impl Iterator<Item = &Because> {
    let operations = plan.operations.iter().filter(move |of| of.user.id == user);
    let blocked = plan.blocked.iter().filter(move |of| of.user.id == user);
    let waiting = plan.waiting.iter().filter(move |of| of.user.id == user);
    let scheduled = plan.scheduled.iter().filter(move |of| of.user.id == user);
    operations
        .flat_map(|of| &of.because)
        .chain(blocked.flat_map(|of| &of.because))
        .chain(waiting.flat_map(|of| &of.because))
        .chain(scheduled.flat_map(|of| &of.because))
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Matched => "grants it",
        Reason::Removed => "takes it away",
        Reason::Replaced => "replaces it",
        Reason::Left => "no longer matches",
        Reason::Withdrawn => "no longer grants it",
        Reason::Exchanged => "exchanges it",
        Reason::Located => "sets the location",
        Reason::Outranked | Reason::SteppedDown => "keeps one rung",
        Reason::Requested | Reason::Reverted => "was asked for",
    }
}

/// Lists names, or says that there are none.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
