//! A ledger as postcard writes it: without names of fields, ids as 16 bytes, policies and SKUs by
//! number.
//!
//! The order of fields and variants is the format: a change raises the version of the file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::ids::{ServicePlanId, SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::domain::user::ServicePlanSet;
use crate::plan::Digest;
use crate::plan::conflict::Lesson;
use crate::plan::ledger::{Ledger, Ownership};
use crate::plan::memory::{Asserted, Memory, Refused};
use crate::plan::source::{Mark, Remembered, Source};
use crate::store::snapshot::form::Guid;
use crate::store::snapshot::table::{Index, Interner, Table};

/// An instant, in nanoseconds.
type Instant = i128;

/// A [`Ledger`] in the file. The tables stand last, since writing the rest fills them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LedgerForm {
    owners: Vec<OwnerForm>,
    clocks: Vec<ClockForm>,
    queue: Vec<PlaceForm>,
    seen: Vec<(Guid, Vec<Guid>)>,
    lessons: Vec<LessonForm>,
    sources: Vec<SourceForm>,
    losses: Vec<(Guid, Instant)>,
    refusals: Vec<RefusedForm>,
    assertions: Vec<AssertedForm>,
    policies: Table<String>,
    skus: Table<Guid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OwnerForm {
    user: Guid,
    sku: Index,
    policy: Index,
    since: Instant,
    let_go: Option<Instant>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClockForm {
    user: Guid,
    sku: Index,
    policy: Index,
    since: Instant,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceForm {
    user: Guid,
    sku: Index,
    since: Instant,
}

/// Key, user, since, message, state and seats of a refusal.
type RefusedForm = ([u8; 32], Guid, Instant, String, [u8; 32], Option<[u8; 32]>);

/// User, SKU, what was wanted, and when.
type AssertedForm = (Guid, Guid, Option<[u8; 32]>, Vec<Instant>);

#[derive(Debug, Serialize, Deserialize)]
struct SourceForm {
    kind: String,
    name: String,
    marks: Vec<(u64, Instant)>,
    text: Option<[u8; 32]>,
}

#[derive(Debug, Serialize, Deserialize)]
enum LessonForm {
    Exclusive(Guid, Guid),
    Needs(Guid, Vec<Guid>),
}

/// The tables while they are being filled.
struct Filling {
    policies: Interner<String>,
    skus: Interner<Guid>,
}

impl Filling {
    fn policy(&mut self, policy: &PolicyName) -> Index {
        self.policies.index(&policy.to_string())
    }

    fn sku(&mut self, sku: SkuId) -> Index {
        self.skus.index(&sku.as_uuid().into_bytes())
    }
}

impl From<&Ledger> for LedgerForm {
    fn from(ledger: &Ledger) -> Self {
        let Ledger { owners, clocks, queue, seen, lessons, memory } = ledger;
        let Memory { sources, losses, refusals, assertions } = memory;
        let mut filling = Filling { policies: Interner::new(), skus: Interner::new() };
        let mut owner_forms = Vec::new();
        for ((user, sku), owners) in owners {
            let sku = filling.sku(*sku);
            owner_forms.extend(owners.iter().map(|(policy, Ownership { since, let_go })| {
                OwnerForm {
                    user: user.as_uuid().into_bytes(),
                    sku,
                    policy: filling.policy(policy),
                    since: since.as_nanosecond(),
                    let_go: let_go.map(Timestamp::as_nanosecond),
                }
            }));
        }
        let clocks = clocks.iter().map(|((user, sku, policy), since)| ClockForm {
            user: user.as_uuid().into_bytes(),
            sku: filling.sku(*sku),
            policy: filling.policy(policy),
            since: since.as_nanosecond(),
        });
        let clocks = clocks.collect();
        let queue = queue.iter().map(|((user, sku), since)| PlaceForm {
            user: user.as_uuid().into_bytes(),
            sku: filling.sku(*sku),
            since: since.as_nanosecond(),
        });
        let queue = queue.collect();
        let seen =
            seen.iter().map(|(sku, plans)| (sku.as_uuid().into_bytes(), guids(plans.iter())));
        Self {
            owners: owner_forms,
            clocks,
            queue,
            seen: seen.collect(),
            lessons: lessons.iter().map(LessonForm::from).collect(),
            sources: sources.iter().map(SourceForm::from).collect(),
            losses: losses
                .iter()
                .map(|(user, at)| (user.as_uuid().into_bytes(), at.as_nanosecond()))
                .collect(),
            refusals: refusals.iter().map(refused_form).collect(),
            assertions: assertions.iter().map(asserted_form).collect(),
            policies: filling.policies.into_table(),
            skus: filling.skus.into_table(),
        }
    }
}

impl From<(&Source, &Remembered)> for SourceForm {
    fn from((source, Remembered { marks, text }): (&Source, &Remembered)) -> Self {
        Self {
            kind: source.kind().to_owned(),
            name: source.name(),
            marks: marks.iter().map(|mark| (mark.size, mark.since.as_nanosecond())).collect(),
            text: text.map(|Digest(bytes)| bytes),
        }
    }
}

fn refused_form((key, refused): (&Digest, &Refused)) -> RefusedForm {
    let Refused { user, since, message, state, seats } = refused;
    let (user, since) = (user.as_uuid().into_bytes(), since.as_nanosecond());
    (key.0, user, since, message.to_string(), state.0, seats.map(|seats| seats.0))
}

fn asserted_form(((user, sku), asserted): (&(UserId, SkuId), &Asserted)) -> AssertedForm {
    let Asserted { wanted, times } = asserted;
    let times = times.iter().map(|at| at.as_nanosecond()).collect();
    let (user, sku) = (user.as_uuid().into_bytes(), sku.as_uuid().into_bytes());
    (user, sku, wanted.map(|wanted| wanted.0), times)
}

/// Reads what is left alone back.
fn left_alone(
    memory: &mut Memory,
    refusals: Vec<RefusedForm>,
    assertions: Vec<AssertedForm>,
) -> Result<(), String> {
    for (key, of, since, message, state, seats) in refusals {
        let refused = Refused {
            user: user(of),
            since: instant(since)?,
            message: message.into(),
            state: Digest(state),
            seats: seats.map(Digest),
        };
        memory.refusals.insert(Digest(key), refused);
    }
    for (of, on, wanted, times) in assertions {
        let times = times.into_iter().map(instant).collect::<Result<Vec<_>, _>>()?;
        if times.is_empty() {
            return Err("something was set, and never".to_owned());
        }
        let asserted = Asserted { wanted: wanted.map(Digest), times };
        memory.assertions.insert((user(of), sku(on)), asserted);
    }
    Ok(())
}

impl SourceForm {
    fn into_source(self) -> Result<(Source, Remembered), String> {
        let Self { kind, name, marks, text } = self;
        let source = Source::named(&kind, &name)
            .ok_or_else(|| format!("`{kind} {name}` is nothing that plans follow from"))?;
        let mark = |(size, since)| Ok(Mark { size, since: instant(since)? });
        let marks = marks.into_iter().map(mark).collect::<Result<Vec<_>, String>>()?;
        if marks.is_empty() {
            return Err(format!("`{kind} {name}` has no size"));
        }
        Ok((source, Remembered { marks, text: text.map(Digest) }))
    }
}

impl From<&Lesson> for LessonForm {
    fn from(lesson: &Lesson) -> Self {
        let guid = |plan: &ServicePlanId| plan.as_uuid().into_bytes();
        match lesson {
            Lesson::Exclusive(one, other) => Self::Exclusive(guid(one), guid(other)),
            Lesson::Needs(plan, others) => Self::Needs(guid(plan), guids(others.iter().copied())),
        }
    }
}

impl From<LessonForm> for Lesson {
    fn from(form: LessonForm) -> Self {
        match form {
            LessonForm::Exclusive(one, other) => Self::Exclusive(plan(one), plan(other)),
            LessonForm::Needs(needing, others) => {
                Self::Needs(plan(needing), others.into_iter().map(plan).collect())
            }
        }
    }
}

fn guids(plans: impl Iterator<Item = ServicePlanId>) -> Vec<Guid> {
    plans.map(|plan| plan.as_uuid().into_bytes()).collect()
}

fn plan(guid: Guid) -> ServicePlanId {
    ServicePlanId::from_uuid(Uuid::from_bytes(guid))
}

fn user(guid: Guid) -> UserId {
    UserId::from_uuid(Uuid::from_bytes(guid))
}

fn sku(guid: Guid) -> SkuId {
    SkuId::from_uuid(Uuid::from_bytes(guid))
}

fn instant(nanoseconds: Instant) -> Result<Timestamp, String> {
    Timestamp::from_nanosecond(nanoseconds).map_err(|error| error.to_string())
}

impl LedgerForm {
    /// Returns the ledger that was written, or what does not fit.
    pub(super) fn into_ledger(self) -> Result<Ledger, String> {
        let Self {
            owners,
            clocks,
            queue,
            seen,
            lessons,
            sources,
            losses,
            refusals,
            assertions,
            policies,
            skus,
        } = self;
        let names = policies.try_map(|name| {
            name.parse::<PolicyName>().map_err(|_| format!("`{name}` is not the name of a policy"))
        })?;
        let mut ledger = Ledger::default();
        for OwnerForm { user: of, sku: on, policy, since, let_go } in owners {
            let key = (user(of), sku(*skus.get(on)?));
            let own =
                Ownership { since: instant(since)?, let_go: let_go.map(instant).transpose()? };
            ledger.owners.entry(key).or_default().insert(names.get(policy)?.clone(), own);
        }
        for ClockForm { user: of, sku: on, policy, since } in clocks {
            let key = (user(of), sku(*skus.get(on)?), names.get(policy)?.clone());
            ledger.clocks.insert(key, instant(since)?);
        }
        for PlaceForm { user: of, sku: on, since } in queue {
            ledger.queue.insert((user(of), sku(*skus.get(on)?)), instant(since)?);
        }
        let set = |plans: Vec<Guid>| plans.into_iter().map(plan).collect::<ServicePlanSet>();
        let seen = seen.into_iter().map(|(of, plans)| (sku(of), set(plans)));
        ledger.seen = seen.collect::<BTreeMap<_, _>>();
        ledger.lessons = lessons.into_iter().map(Lesson::from).collect();
        ledger.memory.sources =
            sources.into_iter().map(SourceForm::into_source).collect::<Result<_, _>>()?;
        for (of, at) in losses {
            ledger.memory.losses.insert(user(of), instant(at)?);
        }
        left_alone(&mut ledger.memory, refusals, assertions)?;
        Ok(ledger)
    }
}
