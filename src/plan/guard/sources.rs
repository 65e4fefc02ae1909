//! Guards over what plans follow from: compares how much of it there is with how much there was.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::group::Membership;
use crate::domain::names::PolicyName;
use crate::plan::bind::{Bound, Part};
use crate::plan::digest::Hashing;
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::make::Inputs;
use crate::plan::memory::MemoryChange;
use crate::plan::resolve::Resolver;
use crate::plan::select::Matches;
use crate::plan::source::{Property, Remembered, Source};
use crate::plan::{Digest, GuardName, Verdict};
use crate::policy::settings::{Percent, SourceGuards};
use crate::policy::{OuScope, write};

/// So many there must have been for nobody to be too few.
const SOME: u64 = 3;

/// How many users fewer are too many: more than this share, and more than this number.
const USERS_FEWER: (u32, u64) = (2, 10);
/// How many members of a group fewer are.
const MEMBERS_FEWER: (u32, u64) = (20, 5);
/// For how many users more, of all, an attribute may be empty.
const MORE_BLANK: (u32, u64) = (1, 5);

/// A source as it is now.
#[derive(Debug)]
struct Measured {
    source: Source,
    size: u64,
    /// With those of whom it cannot be told.
    possible: u64,
    text: Option<Digest>,
}

/// What comparing all sources came to.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The verdicts.
    pub(crate) verdicts: Vec<Verdict>,
    /// What is remembered from now on.
    pub(crate) observed: Vec<LedgerChange>,
    /// What is remembered once a person accepts what tripped.
    pub(crate) on_acceptance: Vec<LedgerChange>,
}

/// Measures every source, and compares it with what the ledger remembers.
pub(crate) fn compare(inputs: &Inputs<'_>, bound: &Bound<'_>, resolver: &Resolver<'_>) -> Compared {
    let measured = measure(inputs, bound, resolver);
    let comparing = Comparing {
        settings: inputs.settings.guards.sources,
        users: inputs.snapshot.users().len() as u64,
        now: inputs.now,
        inputs,
    };
    let mut compared = Compared::default();
    let mut watched = Watched::default();
    let mut present = BTreeSet::new();
    for source in &measured {
        comparing.one(source, inputs.ledger, &mut compared, &mut watched);
        present.insert(&source.source);
    }
    // While policies do not fit the tenant, what they follow from is not known: nothing is forgotten.
    if bound.problems.is_empty() {
        let gone = inputs.ledger.memory.sources.keys().filter(|source| !present.contains(source));
        compared.observed.extend(gone.map(|source| MemoryChange::Disregard(source.clone()).into()));
    }
    watched.tell(&comparing, &mut compared.verdicts);
    compared
}

fn measure(inputs: &Inputs<'_>, bound: &Bound<'_>, resolver: &Resolver<'_>) -> Vec<Measured> {
    let exactly = |source, size| Measured { source, size, possible: size, text: None };
    let snapshot = inputs.snapshot;
    let mut all = vec![exactly(Source::Users, snapshot.users().len() as u64)];
    let protected = bound.protected_groups.iter().map(|group| (*group, true));
    let mut groups: Vec<_> = bound.columns.groups().chain(protected).collect();
    groups.sort_unstable();
    groups.dedup();
    for (group, nested) in groups {
        let read = match snapshot.group(group).map(|group| &group.membership) {
            Some(Membership::Read { nested: all, direct: _ }) if nested => Some(all),
            Some(Membership::Read { nested: _, direct }) => direct.as_ref(),
            Some(Membership::NotRead) | None => None,
        };
        let source = Source::Group { group, nested };
        all.push(match read.filter(|members| members.is_complete()) {
            Some(members) => exactly(source, members.users().len() as u64),
            // How many there are cannot be told: nothing is compared, and nothing forgotten.
            None => Measured { source, size: 0, possible: u64::MAX, text: None },
        });
    }
    let places = bound.columns.places();
    all.extend(places.map(|(source, size, possible)| {
        let source = source.clone();
        Measured { source, size, possible, text: None }
    }));
    for (index, policy) in bound.policies.iter().enumerate() {
        let (size, possible) = match &policy.part {
            Part::Taken(_) => resolver.matches(index).map_or((0, u64::MAX), Matches::sizes),
            // It was for this tenant, perhaps.
            Part::Elsewhere => (0, 0),
            // A person says so, or it tells by itself when.
            Part::Idle(_) => continue,
            Part::Broken => (0, u64::MAX),
        };
        let source = Source::Policy(policy.policy.name.clone());
        let text = Some(digest(&write::policy(policy.policy)));
        all.push(Measured { source, size, possible, text });
    }
    all.extend(
        bound
            .columns
            .blanks()
            .map(|(property, guests, size)| exactly(Source::Blank { property, guests }, size)),
    );
    all
}

fn digest(text: &str) -> Digest {
    let mut hashing = Hashing::new("policy text 1");
    hashing.field(text.as_bytes());
    hashing.finish()
}

/// What a source is compared by.
struct Comparing<'a> {
    settings: SourceGuards,
    users: u64,
    now: Timestamp,
    inputs: &'a Inputs<'a>,
}

/// What did not trip, to be told in a line for each guard.
#[derive(Default)]
struct Watched {
    sources: u64,
    attributes: u64,
    emptied: bool,
    shrunk: bool,
    blanked: bool,
    users: Option<(u64, Option<u64>)>,
}

impl Comparing<'_> {
    fn one(
        &self,
        measured: &Measured,
        ledger: &Ledger,
        compared: &mut Compared,
        watched: &mut Watched,
    ) {
        let Measured { source, size, possible, text } = measured;
        let known = ledger.memory.sources.get(source);
        let before = known.map(|known| known.before(self.now));
        let verdict = before.and_then(|before| self.trips(measured, known, before));
        watched.see(source, *size, before, verdict.as_ref());
        // Nothing is learned from what cannot be told, or from a policy that never was for this tenant.
        let untold = *size == 0 && *possible > 0;
        let next = match (known, &verdict) {
            _ if untold && verdict.is_none() => return,
            (None, _) if *size == 0 && matches!(source, Source::Policy(_)) => return,
            (None, _) => Remembered::anew(*size, self.now, *text),
            (Some(known), Some(_)) => known.latched(self.now),
            (Some(known), None) => known.seen(source, *size, self.now, *text),
        };
        if known != Some(&next) {
            compared.observed.push(MemoryChange::Remember(source.clone(), next).into());
        }
        if let Some(verdict) = verdict {
            let accepted = Remembered::anew(*size, self.now, *text);
            compared.on_acceptance.push(MemoryChange::Remember(source.clone(), accepted).into());
            compared.verdicts.push(verdict);
        }
    }

    /// Says what is wrong with a source, where something is.
    fn trips(
        &self,
        measured: &Measured,
        known: Option<&Remembered>,
        before: u64,
    ) -> Option<Verdict> {
        let Measured { source, size, possible, text } = measured;
        let size = *size;
        let fewer = before.saturating_sub(size);
        match source {
            Source::Blank { property: _, guests: _ } => {
                let (guard, on) = (GuardName::BlankedAttribute, self.settings.blanked);
                let more = size.saturating_sub(before);
                self.verdict(guard, on, measured, before, (more, MORE_BLANK, self.users))
            }
            Source::Users => {
                let (guard, on) = (GuardName::ShrunkSource, self.settings.shrunk);
                self.verdict(guard, on, measured, before, (fewer, USERS_FEWER, before))
            }
            Source::Group { group: _, nested: _ }
            | Source::Ou { ou: _, scope: _ }
            | Source::Csv(_)
            | Source::Policy(_)
                if self.settings.emptied && *possible == 0 && before >= SOME =>
            {
                let edited = known.is_some_and(|known| known.text != *text);
                let edited = if edited { "; its text has changed since" } else { "" };
                Some(Verdict {
                    guard: GuardName::EmptiedSource,
                    scope: self.words(source).into(),
                    limit: format!("none where there were {SOME} or more"),
                    actual: format!("{}, {before} before{edited}", noun(source, size)),
                    counted: Some(before),
                    most: Some(SOME - 1),
                    tripped: true,
                })
            }
            Source::Group { group: _, nested: _ } if *possible == size => {
                let (guard, on) = (GuardName::ShrunkSource, self.settings.shrunk);
                self.verdict(guard, on, measured, before, (fewer, MEMBERS_FEWER, before))
            }
            Source::Group { group: _, nested: _ }
            | Source::Ou { ou: _, scope: _ }
            | Source::Csv(_)
            | Source::Policy(_) => None,
        }
    }

    /// Trips where something is worse by more than a share of a whole, and by more than a number.
    fn verdict(
        &self,
        guard: GuardName,
        on: bool,
        measured: &Measured,
        before: u64,
        (worse, limits, whole): (u64, (u32, u64), u64),
    ) -> Option<Verdict> {
        let (most, limit) = limit(limits, whole);
        (on && worse > most).then(|| Verdict {
            guard,
            scope: self.words(&measured.source).into(),
            limit: match guard {
                GuardName::BlankedAttribute => format!("{limit} more"),
                _ => format!("{limit} fewer"),
            },
            actual: format!("{}, {before} before", noun(&measured.source, measured.size)),
            counted: Some(worse),
            most: Some(most),
            tripped: true,
        })
    }

    fn words(&self, source: &Source) -> String {
        match source {
            Source::Users => "users".to_owned(),
            Source::Group { group, nested } => {
                let found = self.inputs.snapshot.group(*group);
                let name = found.map_or_else(|| group.to_string(), |found| found.name.to_string());
                let direct = if *nested { "" } else { " (direct members)" };
                format!("group {name}{direct}")
            }
            Source::Ou { ou, scope: OuScope::Subtree } => ou.without_domain().to_owned(),
            Source::Ou { ou, scope: OuScope::One } => {
                format!("{} (that level)", ou.without_domain())
            }
            Source::Csv(file) => format!("list {file}"),
            Source::Policy(policy) => policy_words(policy),
            Source::Blank { property, guests } => {
                let of = if *guests { " of guests" } else { "" };
                format!("{}{of}", property_words(*property))
            }
        }
    }
}

fn policy_words(policy: &PolicyName) -> String {
    format!("policy {policy}")
}

fn property_words(property: Property) -> String {
    match property {
        Property::Ou => "OU".to_owned(),
        Property::AdDomain => "AD domain".to_owned(),
        Property::Attribute(_)
        | Property::Enabled
        | Property::Synced
        | Property::UserType
        | Property::Licenses => property.key().replace('_', " "),
    }
}

/// Returns the limit as a number and in words.
fn limit((percent, count): (u32, u64), whole: u64) -> (u64, String) {
    let share = Percent::from_whole(percent);
    let of = share.of(whole);
    if of > count {
        (of, format!("{share} of {whole}, that is {of}"))
    } else {
        (count, count.to_string())
    }
}

/// Says how many there are of what a source has.
fn noun(source: &Source, size: u64) -> String {
    let (one, several) = match source {
        Source::Group { group: _, nested: _ } => ("member", "members"),
        Source::Users | Source::Ou { ou: _, scope: _ } | Source::Csv(_) | Source::Policy(_) => {
            ("user", "users")
        }
        Source::Blank { property: _, guests: _ } => ("user without", "users without"),
    };
    format!("{size} {}", if size == 1 { one } else { several })
}

impl Watched {
    fn see(&mut self, source: &Source, size: u64, before: Option<u64>, verdict: Option<&Verdict>) {
        match source {
            Source::Users => self.users = Some((size, before)),
            Source::Blank { property: _, guests: _ } => self.attributes += 1,
            Source::Group { group: _, nested: _ }
            | Source::Ou { ou: _, scope: _ }
            | Source::Csv(_)
            | Source::Policy(_) => self.sources += 1,
        }
        match verdict.map(|verdict| verdict.guard) {
            Some(GuardName::EmptiedSource) => self.emptied = true,
            Some(GuardName::ShrunkSource) => self.shrunk = true,
            Some(GuardName::BlankedAttribute) => self.blanked = true,
            Some(
                GuardName::FirstPlan
                | GuardName::MaxRemovals
                | GuardName::RemovalsPerDay
                | GuardName::MaxChanges,
            )
            | None => {}
        }
    }

    /// Adds a line for each guard that is on and found nothing; all in the order of guards.
    fn tell(&self, comparing: &Comparing<'_>, verdicts: &mut Vec<Verdict>) {
        let clear = |guard, scope: &str, limit: String, actual: String| Verdict {
            guard,
            scope: scope.into(),
            limit,
            actual,
            counted: None,
            most: None,
            tripped: false,
        };
        let on = comparing.settings;
        if on.emptied && !self.emptied {
            let limit = format!("none where there were {SOME} or more");
            let actual = format!("none of {} groups, places, lists and policies", self.sources);
            verdicts.push(clear(GuardName::EmptiedSource, "tenant", limit, actual));
        }
        if on.shrunk && !self.shrunk {
            let (size, before) = self.users.unwrap_or_default();
            let (_, limit) = limit(USERS_FEWER, before.unwrap_or(size));
            let before = before.map_or("never seen before".to_owned(), |n| format!("{n} before"));
            let actual = format!("{}, {before}", noun(&Source::Users, size));
            verdicts.push(clear(GuardName::ShrunkSource, "users", limit + " fewer", actual));
        }
        if on.blanked && !self.blanked {
            let (_, limit) = limit(MORE_BLANK, comparing.users);
            let actual = match self.attributes {
                1 => "none of 1 attribute in use".to_owned(),
                several => format!("none of {several} attributes in use"),
            };
            let limit = format!("{limit} more users without");
            verdicts.push(clear(GuardName::BlankedAttribute, "tenant", limit, actual));
        }
        verdicts.sort_by(|a, b| (a.guard, &a.scope).cmp(&(b.guard, &b.scope)));
    }
}

#[cfg(test)]
mod tests;
