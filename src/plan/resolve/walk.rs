//! Goes through the users in the order of their ids, with policies and ledger in step, so that
//! nothing is looked up from the beginning for each user.

use std::collections::btree_map;
use std::iter::Peekable;

use jiff::Timestamp;

use super::{Resolution, Resolver};
use crate::domain::ids::{SkuId, UserId};
use crate::domain::names::PolicyName;
use crate::domain::user::{Licenses, User};
use crate::plan::bind::Part;
use crate::plan::ledger::{Ledger, Owners};

/// How a policy stands to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Matches,
    DoesNotMatch,
    CannotBeTold,
}

/// What policies and ledger say of one user.
#[derive(Clone, Default)]
pub(super) struct Row<'a> {
    /// The policies that match or cannot be told, in order; those with an error are not among them.
    pub(super) standings: Vec<(usize, Standing)>,
    /// The assignments that policies own, in the order of SKU ids.
    pub(super) owners: Vec<(SkuId, &'a Owners)>,
    /// Since when policies want assignments gone, in the order of SKU ids and policies.
    pub(super) clocks: Vec<(SkuId, &'a PolicyName, Timestamp)>,
}

/// One user with what is said of them.
pub(super) struct View<'a> {
    pub(super) user: &'a User,
    pub(super) licenses: &'a Licenses,
    pub(super) row: &'a Row<'a>,
}

impl<'a> View<'a> {
    /// Whether the user holds a SKU directly.
    pub(super) fn holds(&self, sku: SkuId) -> bool {
        self.licenses.get(sku).is_some_and(|held| held.direct().is_some())
    }

    /// Returns who owns an assignment.
    pub(super) fn owners(&self, sku: SkuId) -> Option<&'a Owners> {
        self.row.owners.iter().find(|(of, _)| *of == sku).map(|(_, owners)| *owners)
    }
}

/// All users, one after the other, each with what is to become of them.
pub(crate) struct Walk<'a> {
    resolver: &'a Resolver<'a>,
    at: usize,
    /// The policies of as many users as there are bits in a block of a bit set.
    standings: Vec<Vec<(usize, Standing)>>,
    owners: Peekable<btree_map::Iter<'a, (UserId, SkuId), Owners>>,
    clocks: Peekable<btree_map::Iter<'a, (UserId, SkuId, PolicyName), Timestamp>>,
    row: Row<'a>,
}

const BLOCK: usize = usize::BITS as usize;

impl<'a> Walk<'a> {
    pub(super) fn new(resolver: &'a Resolver<'a>) -> Self {
        let Ledger { owners, clocks, queue: _, seen: _, lessons: _, memory: _ } = resolver.ledger;
        Self {
            resolver,
            at: 0,
            standings: vec![Vec::new(); BLOCK],
            owners: owners.iter().peekable(),
            clocks: clocks.iter().peekable(),
            row: Row::default(),
        }
    }

    /// Asks all policies about a block of users.
    fn ask(&mut self, block: usize) {
        self.standings.iter_mut().for_each(Vec::clear);
        for (policy, matches) in self.resolver.matches.iter().enumerate() {
            let Some(matches) = matches else { continue };
            let (holds, mut possible) = matches.block(block);
            while possible != 0 {
                let bit = possible.trailing_zeros() as usize;
                possible &= possible - 1;
                let holds = holds >> bit & 1 == 1;
                let standing = if holds { Standing::Matches } else { Standing::CannotBeTold };
                self.standings[bit].push((policy, standing));
            }
        }
    }

    /// Takes from the ledger what it says of a user, and drops what it says of users before.
    fn read_ledger(&mut self, user: UserId) {
        self.row.owners.clear();
        while let Some(((of, sku), owners)) = self.owners.next_if(|((of, _), _)| *of <= user) {
            // Of somebody who is gone from the tenant it says nothing about the next.
            if *of == user {
                self.row.owners.push((*sku, owners));
            }
        }
        self.row.clocks.clear();
        while let Some(((of, sku, policy), since)) =
            self.clocks.next_if(|((of, _, _), _)| *of <= user)
        {
            if *of == user {
                self.row.clocks.push((*sku, policy, *since));
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Box<Resolution>;

    fn next(&mut self) -> Option<Box<Resolution>> {
        let user = self.resolver.snapshot.users().get(self.at)?;
        if self.at.is_multiple_of(BLOCK) {
            self.ask(self.at / BLOCK);
        }
        std::mem::swap(&mut self.row.standings, &mut self.standings[self.at % BLOCK]);
        self.read_ledger(user.id);
        self.at += 1;
        Some(self.resolver.resolve(user, &self.row))
    }
}

impl Resolver<'_> {
    /// Returns the policy of this name. An owner mostly matches the user: so look there first.
    pub(super) fn named(&self, name: &PolicyName, view: &View<'_>) -> Option<usize> {
        let is_named = |policy: usize| self.bound.policies[policy].policy.name == *name;
        let mut near = view.row.standings.iter().map(|(policy, _)| *policy);
        near.find(|policy| is_named(*policy)).or_else(|| self.by_name.get(name).copied())
    }

    fn may_be_misnamed(&self, policy: usize, view: &View<'_>) -> bool {
        let name = &self.bound.policies[policy].policy.name;
        self.terms(policy).is_some_and(|terms| terms.names_nobody)
            && view.row.owners.iter().any(|(_, owners)| owners.contains_key(name))
    }

    /// Returns how a policy stands to a user.
    pub(super) fn standing(&self, policy: usize, view: &View<'_>) -> Standing {
        match &self.bound.policies[policy].part {
            Part::Broken => Standing::CannotBeTold,
            Part::Taken(_) | Part::Idle(_) | Part::Elsewhere => {
                let mut standings = view.row.standings.iter();
                let found = standings.find(|(of, _)| *of == policy);
                let standing = found.map_or(Standing::DoesNotMatch, |(_, standing)| *standing);
                // Somebody whom a policy names under a name that nobody has may be this very user,
                // renamed: what it owns of them stays until the file is mended.
                if standing == Standing::DoesNotMatch && self.may_be_misnamed(policy, view) {
                    return Standing::CannotBeTold;
                }
                standing
            }
        }
    }
}
