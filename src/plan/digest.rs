//! Digests over meaning: the same plan always has the same, another plan another.

use sha2::{Digest as _, Sha256};

use crate::domain::names::TenantName;
use crate::plan::bulk::{BulkRequest, Change, Skus};
use crate::plan::{Because, Digest, GuardName, Operation, Origin, Plan, SkuRef};

/// Takes values in, one after the other; lengths go in too, so that no two lists look alike.
struct Meaning(Sha256);

impl Meaning {
    fn new(kind: &str) -> Self {
        let mut meaning = Self(Sha256::new());
        meaning.text(kind);
        meaning
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn shown(&mut self, value: impl std::fmt::Display) {
        self.text(&value.to_string());
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            each(self, item);
        }
    }

    fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Takes fields in, one after the other, each with its length.
pub struct Hashing(Meaning);

impl Hashing {
    /// Begins, for a kind of thing.
    pub fn new(kind: &str) -> Self {
        Self(Meaning::new(kind))
    }

    /// Takes a field in.
    pub fn field(&mut self, bytes: &[u8]) {
        self.0.number(bytes.len() as u64);
        self.0.0.update(bytes);
    }

    /// Returns the digest of all fields.
    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

/// Returns the key of an operation: user, before, change, what is lost, and reason. Names, places in files, waves
/// and the wording of details are left out, since they change without the operation changing.
pub(crate) fn operation_key(tenant: &TenantName, operation: &Operation) -> Digest {
    let mut meaning = Meaning::new("operation 1");
    meaning.text(tenant.as_str());
    meaning.shown(operation.user.id);
    meaning.text(operation.kind.as_str());
    meaning.list(&operation.before, |meaning, held| {
        meaning.shown(held.sku.id);
        meaning.list(&held.disabled, |meaning, plan| meaning.shown(plan.id));
    });
    meaning.list(&operation.add, |meaning, addition| {
        meaning.shown(addition.sku.id);
        meaning.list(&addition.disabled, |meaning, plan| meaning.shown(plan.id));
        meaning.list(&addition.owners, |meaning, owner| meaning.text(owner.as_str()));
    });
    meaning.list(&operation.remove, |meaning, sku| meaning.shown(sku.id));
    meaning.list(&operation.adopt, |meaning, adoption| {
        meaning.shown(adoption.sku.id);
        meaning.list(&adoption.owners, |meaning, owner| meaning.text(owner.as_str()));
    });
    match operation.usage_location {
        None => meaning.text("no location"),
        Some(change) => {
            meaning.text(change.from.as_ref().map_or("none", |from| from.as_str()));
            meaning.text(change.to.as_str());
        }
    }
    // What is lost depends on more than what is held directly: approval binds to it, too.
    meaning.list(&operation.loses, |meaning, plan| meaning.shown(plan.id));
    meaning.list(&operation.data_at_risk, |meaning, family| meaning.text(family.as_str()));
    meaning.list(&operation.because, because);
    meaning.finish()
}

fn because(meaning: &mut Meaning, because: &Because) {
    meaning.text(because.policy.as_str());
    meaning.text(because.reason.as_str());
    sku(meaning, because.sku.as_ref());
}

fn sku(meaning: &mut Meaning, sku: Option<&SkuRef>) {
    match sku {
        None => meaning.text("no sku"),
        Some(sku) => meaning.shown(sku.id),
    }
}

/// Returns the digest of everything that a plan says, but its id, its times and what it was made from.
pub(crate) fn plan(plan: &Plan) -> Digest {
    let mut meaning = Meaning::new("plan 1");
    meaning.text(plan.tenant.as_str());
    meaning.shown(plan.part_of.map(|id| id.to_string()).unwrap_or_default());
    origin(&mut meaning, &plan.origin);
    meaning.list(&plan.operations, |meaning, operation| {
        meaning.shown(operation.key);
        meaning.number(u64::from(operation.wave));
        meaning.list(&operation.loses, |meaning, plan| meaning.shown(plan.id));
        meaning.list(&operation.data_at_risk, |meaning, family| {
            meaning.text(family.as_str());
        });
        meaning.list(&operation.held_by, |meaning, guard| meaning.text(guard.as_str()));
    });
    meaning.list(&plan.blocked, |meaning, blocked| {
        meaning.shown(blocked.user.id);
        sku(meaning, blocked.sku.as_ref());
        meaning.text(blocked.reason.as_str());
    });
    meaning.list(&plan.waiting, |meaning, waiting| {
        meaning.shown(waiting.user.id);
        meaning.shown(waiting.sku.id);
        meaning.number(waiting.position);
    });
    meaning.list(&plan.scheduled, |meaning, scheduled| {
        meaning.shown(scheduled.user.id);
        meaning.shown(scheduled.sku.id);
        meaning.shown(scheduled.due);
    });
    meaning.list(&plan.released, |meaning, released| {
        meaning.shown(released.user.id);
        meaning.shown(released.sku.id);
        meaning.text(released.policy.as_str());
        meaning.number(u64::from(released.still_wanted));
    });
    meaning.list(&plan.left_out, |meaning, left_out| {
        meaning.text(left_out.policy.as_str());
        meaning.text(&left_out.problem);
    });
    // Where they are written is left out, since lines move without anything changing.
    meaning.list(&plan.warnings, |meaning, warning| meaning.text(&warning.message));
    meaning.list(&plan.guards, |meaning, verdict| {
        meaning.text(verdict.guard.as_str());
        meaning.text(&verdict.scope);
        match verdict.guard {
            GuardName::FirstPlan | GuardName::MaxRemovals => {
                meaning.text(&verdict.limit);
                meaning.text(&verdict.actual);
            }
            // Their sums change while the plan stays as it is: only what trips counts, and how far, so
            // that a plan that waits for a person stays the same plan.
            GuardName::RemovalsPerDay
            | GuardName::MaxChanges
            | GuardName::EmptiedSource
            | GuardName::ShrunkSource
            | GuardName::BlankedAttribute => {
                meaning.number(if verdict.tripped { verdict.steps() } else { 0 });
            }
        }
        meaning.number(u64::from(verdict.tripped));
    });
    if plan.basis.baseline.is_some() {
        meaning.text("compared");
        meaning.list(&plan.no_longer, |meaning, gone| {
            meaning.text(gone.what.as_str());
            meaning.shown(gone.user.id);
            sku(meaning, gone.sku.as_ref());
        });
    }
    meaning.finish()
}

/// Takes in what a person asked for once. A plan that follows from the policies has the digest that
/// it had before there was anything else.
fn origin(meaning: &mut Meaning, origin: &Origin) {
    match origin {
        Origin::Policies => {}
        Origin::Revert(plan) => {
            meaning.text(origin.kind().as_str());
            meaning.shown(plan);
        }
        Origin::Bulk(BulkRequest { change, usage_location, selection, users }) => {
            meaning.text(origin.kind().as_str());
            let listed = |meaning: &mut Meaning, skus: &[SkuRef]| {
                meaning.list(skus, |meaning, sku| meaning.shown(sku.id));
            };
            let skus = |meaning: &mut Meaning, skus: &Skus<SkuRef>| match skus {
                Skus::All => meaning.text("all"),
                Skus::Listed(skus) => listed(meaning, skus),
            };
            meaning.text(change.as_str());
            match change {
                Change::Add { skus: given } => listed(&mut *meaning, given),
                Change::Replace { skus: given, replaces } => {
                    listed(&mut *meaning, given);
                    skus(&mut *meaning, replaces);
                }
                Change::Remove { skus: taken } => skus(&mut *meaning, taken),
            }
            meaning.text(usage_location.as_ref().map_or("none", |location| location.as_str()));
            meaning.text(selection);
            meaning.list(users, |meaning, user| meaning.shown(user));
        }
    }
}

/// Returns the words of guards, for messages that name several.
pub fn guard_list(guards: &[GuardName]) -> String {
    guards.iter().map(|guard| format!("`{}`", guard.as_str())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
