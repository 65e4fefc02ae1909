//! Makes plans: policies, snapshot, ledger and time in; plan, verdicts and what was observed out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::{PolicyName, TenantName};
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::plan::bind::{Bound, Problem, bind};
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::resolve::{Grant, Resolution, Resolver, Why};
use crate::plan::seats::{FullSwap, Lower, Need, Request, Shares};
use crate::plan::undone::undone_by;
use crate::plan::words::Words;
use crate::plan::{
    Asked, Basis, Because, Blocked, BlockedReason, Digest, Kind, LeftOut, Operation, Plan, PlanId,
    PlanState, PolicyOwner, Reason, Released, Scheduled, SeatLine, Summary, Trigger, UnknownMatch,
    Waiting, digest, guard, operation,
};
use crate::policy::PolicySet;
use crate::policy::settings::Settings;

/// Everything that a plan follows from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// The policies.
    pub policies: &'a PolicySet,
    /// The digest of the policy files.
    pub policy_digest: Digest,
    /// The commit of the policy files, where there is one.
    pub policy_commit: Option<&'a Arc<str>>,
    /// The settings of the tenant.
    pub settings: &'a Settings,
    /// What the tenant looks like.
    pub snapshot: &'a Snapshot,
    /// Which assignments policies own.
    pub ledger: &'a Ledger,
    /// The time.
    pub now: Timestamp,
    /// What asked for a plan.
    pub trigger: Trigger,
    /// What it is to follow from.
    pub asked: Asked<'a>,
}

/// How long a plan can be decided and carried out.
pub const LIFETIME: Span = Span::days(7);

/// A plan and what comes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Where it stands: proposed, or held by a guard.
    pub state: PlanState,
    /// What having looked changes in the ledger: clocks that start or stop, sizes that are new.
    pub observed: Vec<LedgerChange>,
    /// What changes in the ledger once a person accepts the guards that tripped: what there is now of
    /// what the plan follows from is what later plans are compared with.
    pub on_acceptance: Vec<LedgerChange>,
    /// What does not fit the tenant, in policies. Those take no part.
    pub problems: Vec<Problem>,
}

impl Planned {
    /// Whether its plan is settled.
    pub fn is_settled(&self) -> bool {
        self.plan.is_settled()
    }
}

/// Which users an operation may be planned for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Everybody,
    /// All but these: the plan is the part of another that does not touch them. The seats that they
    /// would get are kept for them.
    Without {
        /// The plan that it is a part of.
        part_of: Option<PlanId>,
        /// Whom it leaves out.
        users: BTreeSet<UserId>,
    },
    /// Only these, with the seats shared as if nobody else asked for one.
    Only {
        /// Who.
        users: BTreeSet<UserId>,
    },
}

impl Scope {
    fn leaves_out(&self, user: UserId) -> bool {
        match self {
            Self::Everybody => false,
            Self::Without { part_of: _, users } => users.contains(&user),
            Self::Only { users } => !users.contains(&user),
        }
    }
}

/// Makes a plan.
///
/// # Errors
///
/// Returns what does not fit in the settings, such as a protected user who cannot be found: then no
/// plan is safe. What does not fit in a policy is no error here; that policy takes no part.
pub fn make(inputs: &Inputs<'_>) -> Result<Planned, Vec<Problem>> {
    let mut planned = make_for(inputs, &Scope::Everybody)?;
    if inputs.asked.is_once() {
        let plan = &mut planned.plan;
        plan.undone_by = undone_by(inputs, plan);
        plan.digest = digest::plan(plan);
        plan.id = PlanId(id(inputs.now, plan.digest));
    }
    Ok(planned)
}

/// Makes a plan that leaves some users out, with seats shared among the others.
///
/// # Errors
///
/// As [`make`].
pub fn make_for(inputs: &Inputs<'_>, scope: &Scope) -> Result<Planned, Vec<Problem>> {
    make_counting(inputs, scope).map(|(planned, _)| planned)
}

/// Does so, and counts who holds what policies own, so that guards can judge a part of the plan.
pub(crate) fn make_counting(
    inputs: &Inputs<'_>,
    scope: &Scope,
) -> Result<(Planned, guard::Owned), Vec<Problem>> {
    let policies = inputs.asked.policies(inputs.policies);
    let bound = bind(&policies, inputs.settings, inputs.tenant, inputs.snapshot, inputs.now)?;
    // Names are taken over by the plans that follow from the policies.
    let is_once = inputs.asked.is_once();
    let renamed = if is_once { Vec::new() } else { inputs.ledger.renamed(inputs.policies) };
    let ledger = inputs.ledger.after(&renamed);
    let inputs = &Inputs { ledger: &ledger, ..*inputs };
    // Whoever owns what is not asked about what a person wants once.
    let lessons = inputs.ledger.lessons.clone();
    let nobodys = Ledger { lessons, ..Ledger::default() };
    let seen = if is_once { &nobodys } else { inputs.ledger };
    let resolver = Resolver::new(&bound, inputs.settings, inputs.snapshot, seen, inputs.now);
    let mut making = Making {
        inputs,
        words: Words::new(&bound, inputs.snapshot).speaking_for(inputs.asked),
        bound: &bound,
        resolutions: BTreeMap::new(),
        kept: BTreeMap::new(),
        owned: guard::Owned::default(),
        unmanaged: 0,
        observed: renamed,
        sources: guard::sources::Compared::default(),
        withheld: BTreeMap::new(),
    };
    for (at, resolution) in resolver.resolve_all().enumerate() {
        let user = &inputs.snapshot.users()[at];
        let mut resolution = inputs.asked.fit(inputs, &bound, user, resolution);
        if is_once {
            resolver.look_over(user, &mut resolution);
            resolution.adopts.clear();
        }
        making.take(at, resolution, scope);
    }
    let shares = making.share();
    if !is_once {
        making.sources = guard::sources::compare(inputs, &bound, &resolver);
    }
    if *scope == Scope::Everybody && !is_once {
        making.watch_the_queue();
        making.see_the_catalogue();
        making.watch_the_sources();
        making.forget_what_is_over(scope);
    }
    let plan = making.plan(&resolver, &shares, scope);
    let state = guard::state(&plan);
    let (observed, owned, on_acceptance) =
        (making.observed, making.owned, making.sources.on_acceptance);
    let mut problems: Vec<Problem> =
        bound.problems.into_iter().map(|(_, problem)| problem).collect();
    problems.extend(bound.ladder_problems);
    Ok((Planned { plan, state, observed, on_acceptance, problems }, owned))
}

/// How many seats of each SKU are taken, and how many given back.
type SeatChanges = BTreeMap<SkuId, (u64, u64)>;

/// A plan in the making.
struct Making<'a> {
    inputs: &'a Inputs<'a>,
    bound: &'a Bound<'a>,
    words: Words<'a>,
    /// What is to become of the users for whom there is something to say, by position.
    resolutions: BTreeMap<usize, Box<Resolution>>,
    /// What the users who are left out would ask of the seats.
    kept: BTreeMap<UserId, Request>,
    owned: guard::Owned,
    unmanaged: u64,
    observed: Vec<LedgerChange>,
    /// How what the plan follows from compares with what there was.
    sources: guard::sources::Compared,
    /// What is left alone for now, by the position of the user.
    withheld: BTreeMap<usize, withhold::Withheld>,
}

impl Making<'_> {
    fn take(&mut self, at: usize, mut resolution: Box<Resolution>, scope: &Scope) {
        self.owned.count(&resolution.owned);
        self.unmanaged += resolution.unmanaged;
        self.observed.append(&mut resolution.observed);
        let user = self.inputs.snapshot.users()[at].id;
        if scope.leaves_out(user) {
            if let Scope::Without { part_of: _, users: _ } = scope {
                let needs = self.needs(user, &resolution);
                if !needs.is_empty() {
                    self.kept.insert(user, Request { needs, kept: true, ..Request::default() });
                }
            }
            return;
        }
        let Resolution {
            grants,
            adopts,
            removals,
            location,
            location_doubted: _,
            blocked,
            lower: _,
            whole: _,
            scheduled,
            switching,
            released,
            unmanaged: _,
            owned: _,
            observed: _,
        } = &*resolution;
        let nothing = grants.is_empty()
            && adopts.is_empty()
            && removals.is_empty()
            && location.is_none()
            && blocked.is_empty()
            && scheduled.is_empty()
            && switching.is_empty()
            && released.is_empty();
        if !nothing {
            self.resolutions.insert(at, resolution);
        }
    }

    fn user(&self, at: usize) -> UserId {
        self.inputs.snapshot.users()[at].id
    }

    /// Returns the seats of each SKU that can be given out before anything is freed. Below zero
    /// where more is in use than may be: the first seats that are freed then serve nobody.
    ///
    /// Source: a restored user gets licenses back even where no seat is free.
    fn free(&self) -> BTreeMap<SkuId, i64> {
        let usable = |sku: &crate::domain::sku::Sku| {
            let reserved = self.bound.reserve.get(&sku.id).copied().unwrap_or_default();
            let total = i64::try_from(self.total(sku)).expect("a sum of two 32-bit numbers");
            total - i64::from(sku.consumed) - i64::from(reserved)
        };
        self.inputs.snapshot.catalogue().skus().iter().map(|sku| (sku.id, usable(sku))).collect()
    }

    fn total(&self, sku: &crate::domain::sku::Sku) -> u64 {
        let warning = if self.inputs.settings.use_warning_seats { sku.units.warning } else { 0 };
        u64::from(sku.units.enabled) + u64::from(warning)
    }

    fn requests(&self) -> BTreeMap<UserId, Request> {
        let request = |user: UserId, resolution: &Resolution| {
            let frees = resolution
                .removals
                .iter()
                .filter(|(_, removal)| removal.frees_seat)
                .map(|(sku, removal)| (*sku, removal.needs.clone()))
                .collect();
            let otherwise_busy = resolution.location.is_some()
                || !resolution.adopts.is_empty()
                || resolution.grants.values().any(|grant| !grant.needs_seat)
                || resolution.removals.values().any(|removal| !removal.frees_seat);
            let lower = resolution.lower.iter();
            let rungs =
                |all: &[(Grant, Lower)]| all.iter().map(|(_, lower)| lower.clone()).collect();
            Request {
                needs: self.needs(user, resolution),
                frees,
                lower: lower.map(|(sku, all)| (*sku, rungs(all))).collect(),
                otherwise_busy,
                whole: resolution.whole,
                kept: false,
            }
        };
        let busy = |request: &Request| {
            !request.needs.is_empty() || !request.frees.is_empty() || request.otherwise_busy
        };
        self.resolutions
            .iter()
            .filter(|(at, _)| !self.withheld.contains_key(at))
            .map(|(at, resolution)| {
                let user = self.user(*at);
                (user, request(user, resolution))
            })
            .filter(|(_, request)| busy(request))
            .chain(self.kept.iter().map(|(user, request)| (*user, request.clone())))
            .collect()
    }

    /// Returns the seats that a user needs, each with its place in the queue.
    fn needs(&self, user: UserId, resolution: &Resolution) -> BTreeMap<SkuId, Need> {
        let grants = resolution.grants.iter().filter(|(_, grant)| grant.needs_seat);
        let need = |(sku, grant): (&SkuId, &Grant)| {
            (*sku, Need { priority: grant.priority, since: self.waits_since(user, *sku) })
        };
        grants.map(need).collect()
    }

    fn waits_since(&self, user: UserId, sku: SkuId) -> Timestamp {
        let queue = &self.inputs.ledger.queue;
        queue.get(&(user, sku)).copied().unwrap_or(self.inputs.now)
    }

    fn plan(&self, resolver: &Resolver<'_>, shares: &Shares, scope: &Scope) -> Plan {
        let mut changes = SeatChanges::new();
        let mut operations: Vec<Operation> = Vec::with_capacity(shares.waves.len());
        operations.extend(self.resolutions.iter().filter_map(|(at, resolution)| {
            let built = operation::build(self.inputs, &self.words, *at, resolution, shares)?;
            let operation = self.inputs.asked.disown(self.inputs, built);
            self.count_seats(*at, &operation, &mut changes);
            Some(operation)
        }));
        operations.sort_by_cached_key(|operation| (operation.wave, operation.user.id));
        let guards = guard::Judging {
            later: &[],
            settings: &self.inputs.settings.guards,
            ledger: self.inputs.ledger,
            owned: &self.owned,
            users: self.inputs.snapshot.users().len() as u64,
            now: self.inputs.now,
            sources: &self.sources.verdicts,
        }
        .judge(&mut operations);
        let part_of = match scope {
            Scope::Everybody | Scope::Only { users: _ } => None,
            Scope::Without { part_of, users: _ } => *part_of,
        };
        let mut plan = Plan {
            id: PlanId(ulid::Ulid::nil()),
            digest: Digest([0; 32]),
            tenant: self.inputs.tenant.clone(),
            created_at: self.inputs.now,
            expires_at: LIFETIME.after(self.inputs.now),
            trigger: self.inputs.trigger,
            origin: self.inputs.asked.origin(),
            part_of,
            basis: basis(self.inputs),
            summary: Summary::default(),
            blocked: self.blocked(shares),
            waiting: self.waiting(shares),
            scheduled: self.scheduled(),
            released: self.released(),
            unknown: self.unknown(resolver),
            left_out: self.left_out(),
            warnings: self.warnings(),
            seats: self.seats(&changes, shares),
            operations,
            guards,
            undone_by: Vec::new(),
            policy_owners: Vec::new(),
            no_longer: Vec::new(),
        };
        plan.policy_owners = self.policy_owners(&plan);
        plan.summary = self.summary(&plan, resolver);
        plan.digest = digest::plan(&plan);
        plan.id = PlanId(id(self.inputs.now, plan.digest));
        plan
    }

    /// Returns who answers for the policies that a plan names.
    fn policy_owners(&self, plan: &Plan) -> Vec<PolicyOwner> {
        let operations = plan.operations.iter().flat_map(|of| &of.because);
        let blocked = plan.blocked.iter().flat_map(|of| &of.because);
        let waiting = plan.waiting.iter().flat_map(|of| &of.because);
        let scheduled = plan.scheduled.iter().flat_map(|of| &of.because);
        let because = operations.chain(blocked).chain(waiting).chain(scheduled);
        let named: BTreeSet<&PolicyName> = because.map(|because| &because.policy).collect();
        let mut owners: Vec<PolicyOwner> = Vec::new();
        for bound in &self.bound.policies {
            if let Some(owner) = &bound.policy.owner
                && named.contains(&bound.policy.name)
            {
                let policy = bound.policy.name.clone();
                owners.push(PolicyOwner { policy, owner: owner.clone() });
            }
        }
        owners.sort_by(|a, b| a.policy.cmp(&b.policy));
        owners
    }

    fn blocked(&self, shares: &Shares) -> Vec<Blocked> {
        let mut all = Vec::new();
        for (at, resolution) in &self.resolutions {
            for block in &resolution.blocked {
                all.push(Blocked {
                    user: self.words.user(*at),
                    sku: block.sku.map(|sku| self.words.sku(sku)),
                    reason: block.reason,
                    detail: self.words.blocked(*at, block),
                    because: self.words.because(*at, block.sku, &block.why),
                });
            }
        }
        all.extend(self.left_alone());
        all.extend(shares.full_swaps.iter().flat_map(|swap| self.full_swap(swap)));
        all.sort_by(|a, b| {
            let key = |blocked: &Blocked| (blocked.user.id, blocked.sku.clone(), blocked.reason);
            key(a).cmp(&key(b)).then_with(|| a.because.cmp(&b.because))
        });
        all
    }

    /// Tells everybody in a full swap how many seats would let how many of them move.
    fn full_swap(&self, swap: &FullSwap) -> Vec<Blocked> {
        let names: Vec<String> =
            swap.of.iter().map(|sku| self.words.sku(*sku).name.to_string()).collect();
        let (seats, users) = (swap.seats, swap.users());
        let who = match (users == swap.moves, users) {
            (true, 1) => "the one".to_owned(),
            (true, 2) => "both".to_owned(),
            (true, _) => format!("all {users}"),
            (false, _) => format!("{} of {users}", swap.moves),
        };
        let noun = if seats == 1 { "seat" } else { "seats" };
        let verb = if seats == 1 { "lets" } else { "let" };
        let detail = format!("{seats} {noun} of {} {verb} {who} move", names.join(" or "));
        let told = |(user, sku): &(UserId, SkuId)| {
            let at = self.words.position(*user)?;
            Some(Blocked {
                user: self.words.user(at),
                sku: Some(self.words.sku(*sku)),
                reason: BlockedReason::FullSwap,
                detail: detail.clone(),
                because: self.because_wanted(at, *sku),
            })
        };
        swap.wants.iter().filter_map(told).collect()
    }

    /// Says which policies want a SKU for a user.
    fn because_wanted(&self, at: usize, sku: SkuId) -> Vec<Because> {
        let grant = self.resolutions.get(&at).and_then(|found| found.grants.get(&sku));
        let by = grant.map(|grant| grant.by.as_slice()).unwrap_or_default();
        let why = |policy: &usize| Why { policy: *policy, reason: Reason::Matched };
        self.words.because(at, Some(sku), &by.iter().map(why).collect::<Vec<_>>())
    }

    fn waiting(&self, shares: &Shares) -> Vec<Waiting> {
        let mut all = Vec::new();
        for (sku, queue) in &shares.waiting {
            for (place, user) in queue.iter().enumerate() {
                let Some(at) = self.words.position(*user) else { continue };
                all.push(Waiting {
                    user: self.words.user(at),
                    sku: self.words.sku(*sku),
                    position: place as u64 + 1,
                    since: self.waits_since(*user, *sku),
                    meanwhile: self.meanwhile(*user, at, *sku, shares),
                    because: self.because_wanted(at, *sku),
                });
            }
        }
        all
    }

    /// Returns the lower rung of its ladder that a user is given, or has, while waiting for a SKU.
    fn meanwhile(
        &self,
        user: UserId,
        at: usize,
        sku: SkuId,
        shares: &Shares,
    ) -> Option<crate::plan::SkuRef> {
        let given = shares.meanwhile(user, sku).map(|lower| lower.sku);
        let held = || {
            let licenses = self.inputs.snapshot.users()[at].licenses.value()?;
            let ladder = self.bound.ladders.iter().find(|ladder| ladder.place(sku).is_some())?;
            let below = ladder.rungs.iter().skip_while(|rung| **rung != sku);
            below.copied().find(|rung| licenses.get(*rung).is_some())
        };
        given.or_else(held).map(|sku| self.words.sku(sku))
    }

    fn scheduled(&self) -> Vec<Scheduled> {
        let each = self.resolutions.iter().flat_map(|(at, resolution)| {
            resolution.scheduled.iter().map(move |(sku, (due, why))| (*at, *sku, *due, why))
        });
        let whole = each.map(|(at, sku, due, why)| Scheduled {
            user: self.words.user(at),
            sku: self.words.sku(sku),
            service_plans: Vec::new(),
            due,
            because: self.words.because(at, Some(sku), why),
        });
        let parts = self.resolutions.iter().flat_map(|(at, resolution)| {
            resolution.switching.iter().map(move |(sku, due, plans, why)| Scheduled {
                user: self.words.user(*at),
                sku: self.words.sku(*sku),
                service_plans: plans.iter().map(|plan| self.words.service_plan(*plan)).collect(),
                due: *due,
                because: self.words.because(*at, Some(*sku), std::slice::from_ref(why)),
            })
        });
        let mut all: Vec<Scheduled> = whole.chain(parts).collect();
        all.sort_by(|a, b| {
            let key = |scheduled: &Scheduled| (scheduled.user.id, scheduled.sku.id, scheduled.due);
            key(a).cmp(&key(b)).then_with(|| a.because.cmp(&b.because))
        });
        all
    }

    fn released(&self) -> Vec<Released> {
        let each = self.resolutions.iter().flat_map(|(at, resolution)| {
            resolution
                .released
                .iter()
                .map(move |(sku, policy, wanted)| (*at, *sku, policy, *wanted))
        });
        each.map(|(at, sku, policy, still_wanted)| Released {
            user: self.words.user(at),
            sku: self.words.sku(sku),
            policy: policy.clone(),
            still_wanted,
        })
        .collect()
    }

    fn unknown(&self, resolver: &Resolver<'_>) -> Vec<UnknownMatch> {
        let mut all = Vec::new();
        for (index, policy) in self.bound.policies.iter().enumerate() {
            let Some(matches) = resolver.matches(index) else { continue };
            let undecided =
                || matches.unknown().filter(|at| !self.bound.protected.contains(&self.user(*at)));
            if let Some(first) = undecided().next() {
                all.push(UnknownMatch {
                    policy: policy.policy.name.clone(),
                    at: policy.at.clone(),
                    detail: self.words.detail(index, first),
                    users: undecided().count() as u64,
                });
            }
        }
        all
    }

    fn left_out(&self) -> Vec<LeftOut> {
        let left_out = |(index, problem): &(usize, Problem)| LeftOut {
            policy: self.bound.policies[*index].policy.name.clone(),
            at: problem.place.file_and_line().into(),
            problem: problem.message.clone(),
        };
        self.bound.problems.iter().map(left_out).collect()
    }

    /// Counts the seats that the operation of a user takes and gives back.
    fn count_seats(&self, at: usize, operation: &Operation, changes: &mut SeatChanges) {
        let licenses = self.inputs.snapshot.users()[at].licenses.value();
        let held = |sku: SkuId| licenses.and_then(|licenses| licenses.get(sku));
        let by_group = |sku: SkuId| held(sku).is_some_and(|held| !held.inherited().is_empty());
        for addition in operation.add.iter().filter(|addition| held(addition.sku.id).is_none()) {
            changes.entry(addition.sku.id).or_default().0 += 1;
        }
        for removal in operation.remove.iter().filter(|sku| !by_group(sku.id)) {
            changes.entry(removal.id).or_default().1 += 1;
        }
    }

    fn seats(&self, changes: &SeatChanges, shares: &Shares) -> Vec<SeatLine> {
        let granted = self.bound.granted();
        let shown = |sku: &&crate::domain::sku::Sku| {
            changes.contains_key(&sku.id)
                || shares.waiting.contains_key(&sku.id)
                || granted.contains(&sku.id)
        };
        let line = |sku: &crate::domain::sku::Sku| {
            let (more, fewer) = changes.get(&sku.id).copied().unwrap_or_default();
            let consumed = u64::from(sku.consumed);
            SeatLine {
                sku: self.words.sku(sku.id),
                total: self.total(sku),
                consumed,
                reserved: u64::from(self.bound.reserve.get(&sku.id).copied().unwrap_or_default()),
                after: (consumed + more).saturating_sub(fewer),
                waiting: shares.waiting.get(&sku.id).map_or(0, |queue| queue.len() as u64),
                price: self.inputs.settings.price(sku),
            }
        };
        self.inputs.snapshot.catalogue().skus().iter().filter(shown).map(line).collect()
    }

    fn summary(&self, plan: &Plan, resolver: &Resolver<'_>) -> Summary {
        let unknown: BTreeSet<usize> = (0..self.bound.policies.len())
            .filter_map(|policy| resolver.matches(policy))
            .flat_map(crate::plan::select::Matches::unknown)
            .filter(|at| !self.bound.protected.contains(&self.user(*at)))
            .collect();
        summary(plan, self.unmanaged, unknown.len() as u64)
    }
}

/// Counts what a plan says, beside what only its making tells.
pub(crate) fn summary(plan: &Plan, unmanaged: u64, unknown: u64) -> Summary {
    let kind = |kind: Kind| {
        plan.operations.iter().filter(|operation| operation.kind == kind).count() as u64
    };
    let operations = plan.operations.len() as u64;
    let adopt = kind(Kind::Adopt);
    Summary {
        add: kind(Kind::Add),
        replace: kind(Kind::Replace),
        remove: kind(Kind::Remove),
        modify: kind(Kind::Modify),
        locate: kind(Kind::Locate),
        adopt,
        people: operations - adopt,
        unchanged: plan.basis.users.saturating_sub(operations),
        blocked: plan.blocked.len() as u64,
        waiting: plan.waiting.len() as u64,
        scheduled: plan.scheduled.len() as u64,
        released: plan.released.len() as u64,
        unmanaged,
        unknown,
    }
}

/// Returns a plan that came to nothing as these inputs make it, which differ in their time, their trigger
/// and when the snapshot was taken alone.
pub(crate) fn again(inputs: &Inputs<'_>, planned: &Planned) -> Planned {
    let mut again = planned.clone();
    let plan = &mut again.plan;
    plan.created_at = inputs.now;
    plan.expires_at = LIFETIME.after(inputs.now);
    plan.trigger = inputs.trigger;
    plan.basis = basis(inputs);
    plan.digest = digest::plan(plan);
    plan.id = PlanId(id(inputs.now, plan.digest));
    again
}

fn basis(inputs: &Inputs<'_>) -> Basis {
    let groups = inputs.snapshot.groups().iter();
    let read = groups
        .filter(|group| !matches!(group.membership, crate::domain::group::Membership::NotRead));
    Basis {
        policy_digest: inputs.policy_digest,
        policy_commit: inputs.policy_commit.cloned(),
        snapshot_taken_at: inputs.snapshot.taken_at(),
        users: inputs.snapshot.users().len() as u64,
        groups: read.count() as u64,
        read: inputs.snapshot.read(),
        simulated: None,
        baseline: None,
    }
}

/// Returns an id that is ordered by time and follows from the plan, so that nothing is left to chance.
pub(crate) fn id(now: Timestamp, digest: Digest) -> ulid::Ulid {
    let millisecond = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let mut tail = [0u8; 16];
    tail[6..].copy_from_slice(&digest.0[..10]);
    ulid::Ulid::from_parts(millisecond, u128::from_be_bytes(tail))
}

mod watch;
mod withhold;

#[cfg(test)]
mod tests;
