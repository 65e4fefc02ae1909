//! What a plan notices beside users one by one: who waits since when, and what the catalogue gained.

use super::Making;
use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::sku::Sku;
use crate::domain::user::ServicePlanSet;
use crate::plan::Warning;
use crate::plan::ledger::LedgerChange;
use crate::plan::memory::MemoryChange;
use crate::plan::source::DAY;

impl Making<'_> {
    /// Notes who needs a seat from now on, and who no longer does. Whoever is given one by this plan
    /// has a place as well, and keeps it until they hold the seat: otherwise those who wait would come
    /// before them when it is planned again, and what was approved would not be what runs.
    pub(super) fn watch_the_queue(&mut self) {
        let now = self.inputs.now;
        let queue = &self.inputs.ledger.queue;
        let needs = self.resolutions.iter().flat_map(|(at, resolution)| {
            let user = self.user(*at);
            let needed = resolution.grants.iter().filter(|(_, grant)| grant.needs_seat);
            needed.map(move |(sku, _)| (user, *sku))
        });
        let joins = needs.filter(|place| !queue.contains_key(place));
        let joins = joins.map(|(user, sku)| LedgerChange::Queue(user, sku, now));
        let wants = |user: UserId, sku: SkuId| {
            let at = self.words.position(user);
            let resolution = at.and_then(|at| self.resolutions.get(&at));
            // Nothing is concluded from what could not be read.
            let unread =
                at.is_some_and(|at| self.inputs.snapshot.users()[at].licenses.value().is_none());
            unread
                || resolution.is_some_and(|found| {
                    found.grants.get(&sku).is_some_and(|grant| grant.needs_seat)
                })
        };
        let leaves = queue.keys().filter(|(user, sku)| !wants(*user, *sku));
        let leaves = leaves.map(|(user, sku)| LedgerChange::Unqueue(*user, *sku));
        let changes: Vec<LedgerChange> = joins.chain(leaves).collect();
        self.observed.extend(changes);
    }

    /// Notes which service plans each SKU has, where that is news.
    pub(super) fn see_the_catalogue(&mut self) {
        let news = self.inputs.snapshot.catalogue().skus().iter().filter_map(|sku| {
            let now: ServicePlanSet = sku.service_plans.iter().map(|plan| plan.id).collect();
            let before = self.inputs.ledger.seen.get(&sku.id);
            (before != Some(&now)).then_some(LedgerChange::See(sku.id, now))
        });
        self.observed.extend(news);
    }

    /// Notes how large what the plan follows from is, and lets go of losses that are too long ago to
    /// count.
    pub(super) fn watch_the_sources(&mut self) {
        self.observed.append(&mut self.sources.observed);
        let until = self.inputs.now - DAY;
        let memory = &self.inputs.ledger.memory;
        let is_quiet = memory.assertions.values().any(|asserted| asserted.is_quiet(until));
        if is_quiet || memory.losses.values().any(|at| *at <= until) {
            self.observed.push(MemoryChange::Lapse(until).into());
        }
    }

    /// Returns what a reviewer should know.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let asked = self.inputs.asked;
        let mut warnings = asked.warnings(self.inputs);
        if asked.is_once() {
            // That those whom a made-up policy names are gone, the request tells itself.
            warnings.extend(self.mastered_elsewhere());
            return warnings;
        }
        warnings.extend(self.bound.warnings.iter().cloned());
        let problem = |problem: &crate::plan::bind::Problem| Warning {
            at: problem.place.file_and_line().into(),
            message: format!("{}; the ladder takes no part", problem.message),
        };
        warnings.extend(self.bound.ladder_problems.iter().map(problem));
        warnings.extend(self.catalogue_changes());
        warnings.extend(self.mastered_elsewhere());
        warnings
    }

    /// Tells what SKUs gained and lost since they were last seen, and for how many people it is on.
    fn catalogue_changes(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for sku in self.inputs.snapshot.catalogue().skus() {
            let Some(before) = self.inputs.ledger.seen.get(&sku.id) else { continue };
            for plan in sku.service_plans.iter().filter(|plan| !before.contains(plan.id)) {
                let people = self.on_for(sku, plan.id);
                let noun = if people == 1 { "person" } else { "people" };
                let message =
                    format!("{} gained {}, on for {people} {noun}", sku.part_number, plan.name);
                warnings.push(Warning { at: "".into(), message });
            }
            for plan in before.iter().filter(|plan| sku.service_plan(*plan).is_none()) {
                let name = self.words.service_plan(plan).name;
                let message = format!("{} lost {name}", sku.part_number);
                warnings.push(Warning { at: "".into(), message });
            }
        }
        warnings
    }

    fn on_for(&self, sku: &Sku, plan: ServicePlanId) -> usize {
        let has = |user: &&crate::domain::user::User| {
            let held = user.licenses.value().and_then(|licenses| licenses.get(sku.id));
            held.is_some_and(|held| !held.disabled.contains(plan))
        };
        self.inputs.snapshot.users().iter().filter(has).count()
    }

    /// Tells of locations that may be mastered on premises, where Graph would refuse to set them.
    fn mastered_elsewhere(&self) -> Option<Warning> {
        let synced = |at: &usize| {
            self.inputs.snapshot.users()[*at].synced == crate::domain::known::Known::Known(true)
        };
        let count = self
            .resolutions
            .iter()
            .filter(|(at, resolution)| resolution.location.is_some() && synced(at))
            .count();
        let people = if count == 1 { "1 person" } else { &format!("{count} people") };
        (count > 0).then(|| Warning {
            at: "".into(),
            message: format!(
                "the usage location of {people} from on-premises AD is set; where it is mastered \
                 there, Graph refuses, and it has to be set there"
            ),
        })
    }
}
