//! What only all files together show about ladders: rungs that two of them share, and policies that
//! grant two rungs of one.
//!
//! Everything is looked up by SKU and tenant, since thousands of policies may meet thousands of
//! ladders. What a look-up cannot spare is counted and has an end.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::names::TenantName;
use crate::policy::load::length;
use crate::policy::lower::{Lowered, sku_key};
use crate::policy::{Action, Ladder, License, Policy, Written};
use crate::yaml::Diagnostic;

/// How often all ladders together may name a rung for a tenant.
const RUNGS_MAX: usize = 1_000_000;
/// How many rungs may be looked at to compare all policies with all ladders.
const STEPS_MAX: usize = 50_000_000;

/// Returns rungs that two ladders share, and policies that grant two rungs of one ladder.
pub(super) fn errors(all: &Lowered) -> Vec<Diagnostic> {
    if let Some(problem) = too_many_rungs(&all.ladders) {
        return vec![problem];
    }
    let rungs = Rungs::of(&all.ladders);
    let mut problems = rungs.shared();
    let mut seen = Seen::new(&rungs);
    for policy in &all.policies {
        match seen.two_rungs(policy) {
            Ok(problem) => problems.extend(problem),
            Err(TooManySteps) => {
                problems.push(too_many_steps(policy));
                break;
            }
        }
    }
    problems
}

fn too_many_rungs(ladders: &[Ladder]) -> Option<Diagnostic> {
    let mut named = 0_usize;
    let over = ladders.iter().find(|ladder| {
        let tenants = ladder.tenants.as_ref().map_or(1, Vec::len);
        named = named.saturating_add(ladder.rungs.len().saturating_mul(tenants));
        named > RUNGS_MAX
    })?;
    let message = format!(
        "the ladders up to `{}` have more than {RUNGS_MAX} rungs, counted for each tenant",
        over.name
    );
    let hint = "leave `tenants` out of a ladder that is for all of them, or have fewer ladders";
    Some(Diagnostic::error(over.place.clone(), 1, message).with_hint(hint))
}

fn too_many_steps(policy: &Policy) -> Diagnostic {
    let message =
        format!("there are too many policies and ladders to compare `{}` with", policy.name);
    let hint = "give the policies `tenants`, or have fewer ladders for the same SKUs";
    Diagnostic::error(policy.place.clone(), 1, message).with_hint(hint)
}

/// A rung and the ladder it is on, by its position among the ladders.
#[derive(Clone, Copy)]
struct Step<'a> {
    position: usize,
    ladder: &'a Ladder,
    rung: &'a Written<Arc<str>>,
}

/// The ladders that one SKU is on, in their order.
#[derive(Default)]
struct On<'a> {
    all: Vec<Step<'a>>,
    /// Those for every tenant.
    everywhere: Vec<Step<'a>>,
    by_tenant: BTreeMap<&'a TenantName, Vec<Step<'a>>>,
}

/// All rungs of all ladders, by SKU.
struct Rungs<'a> {
    ladders: &'a [Ladder],
    by_sku: BTreeMap<String, On<'a>>,
}

impl<'a> Rungs<'a> {
    fn of(ladders: &'a [Ladder]) -> Self {
        let mut by_sku: BTreeMap<String, On<'a>> = BTreeMap::new();
        for (position, ladder) in ladders.iter().enumerate() {
            for rung in &ladder.rungs {
                let step = Step { position, ladder, rung };
                let on = by_sku.entry(sku_key(&rung.value)).or_default();
                on.all.push(step);
                match &ladder.tenants {
                    None => on.everywhere.push(step),
                    Some(tenants) => {
                        for tenant in tenants {
                            on.by_tenant.entry(tenant).or_default().push(step);
                        }
                    }
                }
            }
        }
        Self { ladders, by_sku }
    }

    /// Tells each rung that an earlier ladder has, where some tenant has both ladders.
    fn shared(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for on in self.by_sku.values() {
            let others: Others<'_> = Others::of(on);
            for step in &on.all {
                if let Some(first) = others.before(step) {
                    problems.push(on_both(step, &first));
                }
            }
        }
        problems
    }
}

fn on_both(step: &Step<'_>, first: &Step<'_>) -> Diagnostic {
    let (sku, name) = (&step.rung.value, &first.ladder.name);
    let message = format!("`{sku}` is on ladder `{name}` already");
    let length = length(sku);
    let problem = Diagnostic::error(step.rung.place.clone(), length, message);
    problem.with_related("it is here", first.rung.place.clone(), length)
}

/// Of the ladders with one SKU the first, and the first that is called otherwise: one of them is
/// another than any given ladder, if there is another. Two ladders of one name are told elsewhere.
#[derive(Clone, Copy)]
struct Firsts<'a>(Option<Step<'a>>, Option<Step<'a>>);

impl<'a> Firsts<'a> {
    fn of(steps: &[Step<'a>]) -> Self {
        let first = steps.first().copied();
        let other = first.and_then(|first| {
            steps.iter().copied().find(|step| step.ladder.name != first.ladder.name)
        });
        Self(first, other)
    }

    fn before(self, step: &Step<'_>) -> Option<Step<'a>> {
        let Self(first, other) = self;
        first
            .filter(|first| first.ladder.name != step.ladder.name)
            .or(other)
            .filter(|found| found.position < step.position)
    }
}

/// The first ladders with one SKU, of all, of those for every tenant, and by tenant.
struct Others<'a> {
    all: Firsts<'a>,
    everywhere: Firsts<'a>,
    by_tenant: BTreeMap<&'a TenantName, Firsts<'a>>,
}

impl<'a> Others<'a> {
    fn of(on: &On<'a>) -> Self {
        let On { all, everywhere, by_tenant } = on;
        Self {
            all: Firsts::of(all),
            everywhere: Firsts::of(everywhere),
            by_tenant: by_tenant.iter().map(|(tenant, on)| (*tenant, Firsts::of(on))).collect(),
        }
    }

    /// Returns the first of the earlier ladders that is for a tenant that this one is for, too.
    fn before(&self, step: &Step<'_>) -> Option<Step<'a>> {
        let Some(tenants) = &step.ladder.tenants else { return self.all.before(step) };
        let for_tenants =
            tenants.iter().filter_map(|tenant| self.by_tenant.get(tenant)?.before(step));
        for_tenants.chain(self.everywhere.before(step)).min_by_key(|found| found.position)
    }
}

/// The comparison would take too long.
struct TooManySteps;

/// Which of the policies looked at each ladder last, and with which license.
struct Seen<'a> {
    rungs: &'a Rungs<'a>,
    last: Vec<Option<(usize, &'a License)>>,
    policies: usize,
    steps: usize,
}

impl<'a> Seen<'a> {
    fn new(rungs: &'a Rungs<'a>) -> Self {
        Self { rungs, last: vec![None; rungs.ladders.len()], policies: 0, steps: 0 }
    }

    /// A user holds one rung of a ladder, so a policy that grants two contradicts it. Tells the first
    /// two, with the first ladder that has them.
    fn two_rungs(&mut self, policy: &'a Policy) -> Result<Option<Diagnostic>, TooManySteps> {
        self.policies += 1;
        let licenses: &[License] = match &policy.action {
            Action::Add { licenses } | Action::Replace { licenses, replaces: _ } => licenses,
            Action::Remove { removals: _ } => &[],
        };
        let on_ladders = licenses.iter().filter_map(|license| {
            Some((license, self.rungs.by_sku.get(&sku_key(&license.sku.value))?))
        });
        let on_ladders: Vec<_> = on_ladders.collect();
        if on_ladders.len() < 2 {
            return Ok(None);
        }
        for (license, on) in on_ladders {
            let found = match &policy.tenants {
                None => self.two(&on.all, license)?,
                Some(tenants) => {
                    let mut found = self.two(&on.everywhere, license)?;
                    for tenant in tenants {
                        self.step()?;
                        let Some(steps) = on.by_tenant.get(tenant) else { continue };
                        found = found.or(self.two(steps, license)?);
                    }
                    found
                }
            };
            if let Some((first, ladder)) = found {
                return Ok(Some(granted_both(first, license, ladder)));
            }
        }
        Ok(None)
    }

    /// Returns the first of these ladders that has a license that was looked at before.
    fn two(
        &mut self,
        steps: &[Step<'a>],
        license: &'a License,
    ) -> Result<Option<(&'a License, &'a Ladder)>, TooManySteps> {
        for step in steps {
            self.step()?;
            match self.last[step.position].replace((self.policies, license)) {
                Some((policy, first)) if policy == self.policies && first.sku != license.sku => {
                    return Ok(Some((first, step.ladder)));
                }
                Some(_) | None => {}
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<(), TooManySteps> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(TooManySteps) } else { Ok(()) }
    }
}

fn granted_both(first: &License, second: &License, ladder: &Ladder) -> Diagnostic {
    let (one, other) = (&first.sku, &second.sku);
    let message = format!(
        "`{}` and `{}` are rungs of ladder `{}`, of which a user keeps one",
        one.value, other.value, ladder.name
    );
    let problem = Diagnostic::error(other.place.clone(), length(&other.value), message);
    problem.with_related("the other is here", one.place.clone(), length(&one.value))
}

#[cfg(test)]
mod tests;
