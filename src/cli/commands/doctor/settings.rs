//! The guards in force, and what else of the configuration is worth a look.

use crate::cli::commands::doctor::Patient;
use crate::config::{Mode, Tenant};
use crate::domain::known::Known;
use crate::policy::Policy;
use crate::policy::settings::{
    CountLimit, GuardSettings, MaxChanges, MaxRemovals, PercentLimit, Protected, SourceGuards,
};
use crate::report::diagnosis::{Check, Finding, Verdict};
use crate::report::text::count;

/// Says which limits hold plans.
pub(super) fn guards(tenant: &Tenant) -> Vec<Finding> {
    let GuardSettings { first_plan, max_removals, removals_per_day, max_changes, sources } =
        tenant.settings.guards;
    let SourceGuards { emptied, shrunk, blanked } = sources;
    let MaxRemovals { percent, count: people } = max_removals;
    let MaxChanges { percent: share, above } = max_changes;
    let removals = (!is_unlimited(percent) || people != CountLimit::Unlimited)
        .then(|| format!("{} and {}", percent_of(percent), people_of(people)));
    let daily = (removals_per_day != CountLimit::Unlimited).then(|| people_of(removals_per_day));
    let changes =
        (!is_unlimited(share)).then(|| format!("{} once above {above}", percent_of(share)));
    let on = |is_on: bool| is_on.then(|| "on".to_owned());
    let limits = [
        ("first_plan", on(first_plan)),
        ("max_removals", removals),
        ("removals_per_day", daily),
        ("max_changes", changes),
        ("emptied_source", on(emptied)),
        ("shrunk_source", on(shrunk)),
        ("blanked_attribute", on(blanked)),
    ];
    limits.into_iter().map(|(name, limit)| guard(tenant.mode, name, limit)).collect()
}

fn guard(mode: Mode, name: &str, limit: Option<String>) -> Finding {
    match limit {
        Some(limit) => Finding::new(Check::Guard, Verdict::Good, name, limit),
        // Where a person looks at each plan a guard that is off costs less.
        None if mode == Mode::Enforce => {
            let detail = "off, and plans run without a person";
            Finding::new(Check::Guard, Verdict::Warning, name, detail)
        }
        None => Finding::new(Check::Guard, Verdict::Note, name, "off"),
    }
}

fn is_unlimited(limit: PercentLimit) -> bool {
    matches!(limit, PercentLimit::Unlimited)
}

fn percent_of(limit: PercentLimit) -> String {
    match limit {
        PercentLimit::AtMost(percent) => percent.to_string(),
        PercentLimit::Unlimited => "any share".to_owned(),
    }
}

fn people_of(limit: CountLimit) -> String {
    match limit {
        CountLimit::AtMost(most) => count(most, "person", "people"),
        CountLimit::Unlimited => "any number".to_owned(),
    }
}

/// Says what else is worth a look.
pub(super) fn rest(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings = vec![time_zone(patient)];
    findings.extend(locations(patient));
    findings.extend(nobody_protected(patient.tenant));
    findings
}

fn time_zone(patient: &Patient<'_>) -> Finding {
    let zone = &patient.tenant.settings.time_zone;
    let name = zone.iana_name().unwrap_or("UTC");
    let about = |verdict, detail| Finding::new(Check::Settings, verdict, "time_zone", detail);
    let follows = !patient.tenant.windows.0.is_empty()
        || ours(patient).any(|policy| policy.from.is_some() || policy.until.is_some());
    if name == "UTC" && follows {
        let detail = "UTC: windows, and the days in which policies begin and end, follow it";
        return about(Verdict::Note, detail.to_owned())
            .hint("where people think in another, name it, as in `time_zone: Europe/Berlin`");
    }
    about(Verdict::Good, name.to_owned())
}

/// Says how many could be given no license, for want of a location.
fn locations(patient: &Patient<'_>) -> Option<Finding> {
    let seen = patient.seen.as_ref()?;
    let without = seen
        .users()
        .iter()
        .filter(|user| matches!(user.usage_location, Known::Known(None)))
        .count();
    let about = |verdict, detail| Finding::new(Check::Settings, verdict, "usage_location", detail);
    let sets = ours(patient).any(|policy| policy.usage_location.is_some());
    let people = count(without as u64, "user has none", "users have none");
    Some(match (without, sets) {
        (0, _) => about(Verdict::Good, "every user has one".to_owned()),
        (_, true) => about(Verdict::Good, format!("{people}, and policies set it")),
        (_, false) => about(
            Verdict::Warning,
            format!("{people}, and no policy sets it: they can be given no license"),
        )
        .hint("write `usage_location` into policies, as in `usage_location: {from: country, default: DE}`"),
    })
}

fn nobody_protected(tenant: &Tenant) -> Option<Finding> {
    (tenant.settings.protected == Protected::default()).then(|| {
        let detail = "nobody: policies may take licenses from any account";
        Finding::new(Check::Settings, Verdict::Note, "protected", detail)
            .hint("list the accounts that nothing may ever touch, such as break-glass accounts")
    })
}

/// Returns the policies of this tenant.
fn ours<'p>(patient: &Patient<'p>) -> impl Iterator<Item = &'p Policy> {
    let name = &patient.tenant.name;
    let all = &patient.policies.policies.set.policies;
    all.iter().filter(move |policy| policy.tenants.as_ref().is_none_or(|only| only.contains(name)))
}
