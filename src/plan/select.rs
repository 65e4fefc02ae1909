//! Selectors over all users at once: each distinct test becomes a column of bits, each policy a tree
//! over columns. Unknown is carried as a third value.

use std::collections::BTreeMap;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use jiff::{SignedDuration, Timestamp};

use crate::domain::attribute::Attribute;
use crate::domain::dn::DistinguishedName;
use crate::domain::group::{Members, Membership};
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::known::{Known, Truth};
use crate::domain::names::Place;
use crate::domain::sku::Sku;
use crate::domain::snapshot::Snapshot;
use crate::domain::span::Span;
use crate::domain::user::{User, UserType};
use crate::plan::Warning;
use crate::plan::source::{Property, Source};
use crate::policy::pattern::Pattern;
use crate::policy::{OuScope, Written};
use places::Places;

mod attributes;
mod places;
mod tell;

pub(crate) use tell::Told;

/// A selector over columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// Every part holds; an empty one holds.
    All(Vec<Tree>),
    /// Some part holds; an empty one does not.
    Any(Vec<Tree>),
    /// No part holds.
    None(Vec<Tree>),
    /// A column.
    Column(usize),
}

/// One test, in ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Test {
    Members,
    Everyone,
    Enabled(bool),
    Synced(bool),
    UserType(Vec<UserType>),
    Has(SkuId),
    /// One of these values.
    Attribute(Attribute, Vec<Pattern>),
    Group {
        group: GroupId,
        nested: bool,
    },
    Ou {
        ou: DistinguishedName,
        scope: OuScope,
    },
    Domain(String),
    AdDomain(String),
    /// No sign-in after this instant.
    SignedInBy(Timestamp),
    /// With the label, so that two lists of which nobody was found keep their own words.
    Users(Vec<UserId>, String),
}

/// What all users answered to one test.
struct Answers {
    holds: FixedBitSet,
    unknown: FixedBitSet,
}

impl Answers {
    fn of(users: usize) -> Self {
        let nobody = FixedBitSet::with_capacity(users);
        Self { holds: nobody.clone(), unknown: nobody }
    }
}

/// One test, for all users.
#[derive(Debug)]
struct Column {
    label: Arc<str>,
    /// Where to warn when nobody is selected, and what to say.
    warn_if_empty: Option<(Arc<str>, String)>,
    holds: FixedBitSet,
    /// None where the test was decided for everybody.
    unknown: Option<FixedBitSet>,
}

/// Whom a tree matches.
#[derive(Debug)]
pub(crate) struct Matches {
    holds: FixedBitSet,
    /// Holds, or cannot be told.
    possible: FixedBitSet,
}

impl Matches {
    /// Whether the user at this position is matched.
    pub(crate) fn of(&self, user: usize) -> Truth {
        if self.holds.contains(user) {
            Truth::True
        } else if self.possible.contains(user) {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    /// Returns for a block of users, bit by bit, whether they are matched, and whether they may be.
    pub(crate) fn block(&self, block: usize) -> (usize, usize) {
        (self.holds.as_slice()[block], self.possible.as_slice()[block])
    }

    /// Returns how many users are matched, and how many may be.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        (self.holds.count_ones(..) as u64, self.possible.count_ones(..) as u64)
    }

    /// Returns the positions of the users who are matched.
    pub(crate) fn matched(&self) -> impl Iterator<Item = usize> + '_ {
        self.holds.ones()
    }

    /// Returns the positions of the users for whom it cannot be told.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = usize> + '_ {
        self.possible.ones().filter(|user| !self.holds.contains(*user))
    }
}

/// How many users lack something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blanks {
    /// Of those who are not known to be guests.
    pub(crate) others: u64,
    /// Of guests.
    pub(crate) guests: u64,
}

impl Blanks {
    fn count(&mut self, user: &User) {
        match user.user_type {
            Known::Known(UserType::Guest) => self.guests += 1,
            Known::Known(UserType::Member) | Known::Unknown => self.others += 1,
        }
    }
}

/// What policies ask of users, and for how many of them there is nothing.
#[derive(Debug, Default)]
struct Asked {
    /// Whether guests are asked, too.
    guests: bool,
    blanks: Blanks,
}

/// The distinct tests of all selectors.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    index: BTreeMap<Test, usize>,
    all: Vec<Column>,
    users: usize,
    /// What is asked of users that may be missing.
    properties: BTreeMap<Property, Asked>,
    /// The columns that stand for the users of an OU or a list.
    sources: BTreeMap<Source, usize>,
}

impl Columns {
    fn column(&mut self, test: Test, label: impl FnOnce() -> String) -> Tree {
        let next = self.all.len();
        let at = *self.index.entry(test).or_insert(next);
        if at == next {
            self.all.push(Column {
                label: label().into(),
                warn_if_empty: None,
                holds: FixedBitSet::new(),
                unknown: None,
            });
        }
        Tree::Column(at)
    }

    /// The members of the tenant, as opposed to guests.
    pub(crate) fn members(&mut self) -> Tree {
        self.column(Test::Members, || "member of the tenant".to_owned())
    }

    /// Everybody.
    pub(crate) fn everyone(&mut self) -> Tree {
        self.column(Test::Everyone, || "everyone".to_owned())
    }

    /// Sign-in allowed or not.
    pub(crate) fn enabled(&mut self, enabled: bool) -> Tree {
        self.column(Test::Enabled(enabled), || {
            if enabled { "account enabled" } else { "account disabled" }.to_owned()
        })
    }

    /// Mastered on-premises or not.
    pub(crate) fn synced(&mut self, synced: bool) -> Tree {
        self.column(Test::Synced(synced), || {
            if synced { "synced from on-premises" } else { "cloud-only account" }.to_owned()
        })
    }

    /// Of one of these types.
    pub(crate) fn user_type(&mut self, types: &[UserType]) -> Tree {
        let mut types = types.to_vec();
        types.sort_unstable();
        types.dedup();
        let label = match types.as_slice() {
            [UserType::Member] => "member of the tenant",
            [UserType::Guest] => "guest",
            _ => "member or guest",
        };
        self.column(Test::UserType(types), || label.to_owned())
    }

    /// Holds a SKU, directly or inherited.
    pub(crate) fn has(&mut self, sku: &Sku) -> Tree {
        self.column(Test::Has(sku.id), || format!("holder of {}", sku.part_number))
    }

    /// In a group.
    pub(crate) fn group(&mut self, group: GroupId, nested: bool, snapshot: &Snapshot) -> Tree {
        self.column(Test::Group { group, nested }, || {
            let name =
                snapshot.group(group).map_or_else(|| group.to_string(), |g| g.name.to_string());
            if nested { format!("group {name}") } else { format!("group {name} (direct members)") }
        })
    }

    /// In an OU.
    pub(crate) fn ou(&mut self, ou: &DistinguishedName, scope: OuScope, place: &Place) -> Tree {
        let tree = self.column(Test::Ou { ou: ou.clone(), scope }, || match scope {
            OuScope::Subtree => ou.without_domain().to_owned(),
            OuScope::One => format!("{} (that level)", ou.without_domain()),
        });
        self.warn_if_empty(&tree, place, format!("OU `{ou}` holds no user"));
        self.stands_for(&tree, Source::Ou { ou: ou.clone(), scope });
        tree
    }

    fn warn_if_empty(&mut self, tree: &Tree, place: &Place, message: String) {
        if let Tree::Column(at) = tree {
            let at = &mut self.all[*at].warn_if_empty;
            at.get_or_insert_with(|| (place.file_and_line().into(), message));
        }
    }

    /// In a mail domain.
    pub(crate) fn domain(&mut self, domain: &str) -> Tree {
        self.column(Test::Domain(domain.to_lowercase()), || format!("domain {domain}"))
    }

    /// In an on-premises AD domain.
    pub(crate) fn ad_domain(&mut self, domain: &str) -> Tree {
        self.column(Test::AdDomain(domain.to_lowercase()), || format!("AD domain {domain}"))
    }

    /// No sign-in for this long, up to the instant until which all sign-ins are known: whoever has
    /// signed in since then may not show yet, and is told later rather than wrongly.
    pub(crate) fn inactive_for(&mut self, span: Span, snapshot: &Snapshot) -> Tree {
        let length = SignedDuration::from_secs(i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
        let until = snapshot.sign_ins().until;
        let by = until.saturating_sub(length).unwrap_or(Timestamp::MIN);
        self.column(Test::SignedInBy(by), || format!("inactive for {span}"))
    }

    /// One of these users.
    pub(crate) fn users(&mut self, mut users: Vec<UserId>, written: &[Written<Arc<str>>]) -> Tree {
        users.sort_unstable();
        users.dedup();
        let label = match written {
            [one] => format!("user {}", one.value),
            several => format!("one of the {} users it names", several.len()),
        };
        self.column(Test::Users(users, label.clone()), || label)
    }

    /// One of the users of a list.
    pub(crate) fn listed(&mut self, users: Vec<UserId>, file: &str) -> Tree {
        let label = format!("listed in {file}");
        let tree = self.column(Test::Users(users, label.clone()), || label);
        self.stands_for(&tree, Source::Csv(file.into()));
        tree
    }

    fn stands_for(&mut self, tree: &Tree, source: Source) {
        if let Tree::Column(at) = tree {
            self.sources.insert(source, *at);
        }
    }

    /// Something of users is asked for, of guests too or not.
    pub(crate) fn uses(&mut self, property: Property, guests: bool) {
        self.properties.entry(property).or_default().guests |= guests;
    }

    /// Returns the groups that are asked for, each with whether nested ones count.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (GroupId, bool)> + '_ {
        self.index.keys().filter_map(|test| match test {
            Test::Group { group, nested } => Some((*group, *nested)),
            Test::Members
            | Test::Everyone
            | Test::Enabled(_)
            | Test::Synced(_)
            | Test::UserType(_)
            | Test::Has(_)
            | Test::Attribute(_, _)
            | Test::Ou { ou: _, scope: _ }
            | Test::Domain(_)
            | Test::AdDomain(_)
            | Test::SignedInBy(_)
            | Test::Users(_, _) => None,
        })
    }

    /// Returns OUs and lists, each with how many users are in it, and how many may be.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Source, u64, u64)> + '_ {
        self.sources.iter().map(|(source, at)| {
            let column = &self.all[*at];
            let holds = column.holds.count_ones(..) as u64;
            let unknown = column.unknown.as_ref().map_or(0, |unknown| unknown.count_ones(..));
            (source, holds, holds + unknown as u64)
        })
    }

    /// Returns for how many users there is nothing of what is asked for, among guests where they are
    /// asked.
    pub(crate) fn blanks(&self) -> impl Iterator<Item = (Property, bool, u64)> + '_ {
        self.properties.iter().flat_map(|(property, asked)| {
            let others = (*property, false, asked.blanks.others);
            let guests = (*property, true, asked.blanks.guests);
            [Some(others), asked.guests.then_some(guests)].into_iter().flatten()
        })
    }

    /// Asks every test about every user of the snapshot.
    pub(crate) fn evaluate(&mut self, snapshot: &Snapshot) {
        let users = snapshot.users();
        self.users = users.len();
        let places = Places::of(users);
        let mut asked: Vec<(&Test, usize, Answers)> = Vec::new();
        let mut written = Vec::new();
        for (test, at) in &self.index {
            let column = &mut self.all[*at];
            match test {
                Test::Group { group, nested } => {
                    (column.holds, column.unknown) =
                        evaluate_group(snapshot, &places, *group, *nested);
                }
                Test::Users(users, _) => column.holds = places.of_all(users),
                Test::Domain(domain) => {
                    column.holds = FixedBitSet::with_capacity(users.len());
                    column.holds.extend(snapshot.mail_domains().users_in(domain));
                }
                Test::Attribute(attribute, patterns) => {
                    written.push((*attribute, patterns.as_slice(), *at));
                }
                Test::Members
                | Test::Everyone
                | Test::Enabled(_)
                | Test::Synced(_)
                | Test::UserType(_)
                | Test::Has(_)
                | Test::SignedInBy(_)
                | Test::Ou { ou: _, scope: _ }
                | Test::AdDomain(_) => asked.push((test, *at, Answers::of(users.len()))),
            }
        }
        let tested = |property: &Property| match property {
            Property::Attribute(of) => written.iter().any(|(attribute, _, _)| attribute == of),
            _ => false,
        };
        let mut plain: Vec<(Property, &mut Blanks)> = self
            .properties
            .iter_mut()
            .filter(|(property, _)| !tested(property))
            .map(|(property, asked)| (*property, &mut asked.blanks))
            .collect();
        // Users outside, tests inside: a user is large, and is fetched once.
        for (at, user) in users.iter().enumerate() {
            for (property, blanks) in &mut plain {
                if property.is_blank(user) {
                    blanks.count(user);
                }
            }
            for (test, _, answers) in &mut asked {
                match test.ask(user) {
                    Truth::True => answers.holds.insert(at),
                    Truth::Unknown => answers.unknown.insert(at),
                    Truth::False => {}
                }
            }
        }
        let asked = asked.into_iter().map(|(_, at, answers)| (at, answers));
        let (written, blanks) = attributes::evaluate(&written, users);
        for (attribute, blanks) in blanks {
            self.properties.entry(Property::Attribute(attribute)).or_default().blanks = blanks;
        }
        for (at, Answers { holds, unknown }) in asked.chain(written) {
            let undecided = !unknown.is_clear();
            self.all[at].holds = holds;
            self.all[at].unknown = undecided.then_some(unknown);
        }
    }

    /// Returns what a reviewer should know about tests that select nobody.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let empty = |column: &&Column| column.holds.is_clear() && column.unknown.is_none();
        self.all
            .iter()
            .filter(empty)
            .filter_map(|column| column.warn_if_empty.clone())
            .map(|(at, message)| Warning { at, message })
            .collect()
    }

    /// Returns whom a tree matches.
    pub(crate) fn matches(&self, tree: &Tree) -> Matches {
        match tree {
            Tree::Column(at) => {
                let column = &self.all[*at];
                let mut possible = column.holds.clone();
                if let Some(unknown) = &column.unknown {
                    possible.union_with(unknown);
                }
                Matches { holds: column.holds.clone(), possible }
            }
            Tree::All(parts) => {
                let mut all = Matches { holds: self.full(), possible: self.full() };
                for part in parts {
                    let part = self.matches(part);
                    all.holds.intersect_with(&part.holds);
                    all.possible.intersect_with(&part.possible);
                }
                all
            }
            Tree::Any(parts) => self.any(parts),
            Tree::None(parts) => {
                let Matches { mut holds, mut possible } = self.any(parts);
                holds.toggle_range(..);
                possible.toggle_range(..);
                Matches { holds: possible, possible: holds }
            }
        }
    }

    fn any(&self, parts: &[Tree]) -> Matches {
        let mut any = Matches { holds: self.none(), possible: self.none() };
        for part in parts {
            let part = self.matches(part);
            any.holds.union_with(&part.holds);
            any.possible.union_with(&part.possible);
        }
        any
    }

    fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.users)
    }

    fn full(&self) -> FixedBitSet {
        let mut full = self.none();
        full.insert_range(..);
        full
    }

    fn at(&self, column: usize, user: usize) -> Truth {
        let column = &self.all[column];
        if column.holds.contains(user) {
            Truth::True
        } else if column.unknown.as_ref().is_some_and(|unknown| unknown.contains(user)) {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    /// Asks a tree about one user.
    pub(crate) fn truth(&self, tree: &Tree, user: usize) -> Truth {
        match tree {
            Tree::Column(at) => self.at(*at, user),
            Tree::All(parts) => {
                parts.iter().fold(Truth::True, |all, part| all.and(self.truth(part, user)))
            }
            Tree::Any(parts) => {
                parts.iter().fold(Truth::False, |any, part| any.or(self.truth(part, user)))
            }
            Tree::None(parts) => {
                !parts.iter().fold(Truth::False, |any, part| any.or(self.truth(part, user)))
            }
        }
    }

    /// Says in words which tests made a tree what it is for a user: those that hold where it holds,
    /// those that fail where it fails, those that cannot be told where it cannot.
    pub(crate) fn explain(&self, tree: &Tree, user: usize) -> String {
        let truth = self.truth(tree, user);
        let mut words = Vec::new();
        self.decisive(tree, user, truth, &mut words);
        words.dedup();
        let joint = match truth {
            Truth::True => " and ",
            Truth::False | Truth::Unknown => ", ",
        };
        words.join(joint)
    }

    fn decisive(&self, tree: &Tree, user: usize, truth: Truth, words: &mut Vec<String>) {
        match tree {
            Tree::Column(at) => {
                let label = &self.all[*at].label;
                words.push(match self.at(*at, user) {
                    Truth::True => label.to_string(),
                    Truth::False => format!("not {label}"),
                    Truth::Unknown => format!("{label} cannot be told"),
                });
            }
            Tree::All(parts) => {
                let tells = parts.iter().filter(|part| self.truth(part, user) == truth);
                match truth {
                    // That somebody is a member of the tenant goes without saying, and that the
                    // account is enabled where something else is said.
                    Truth::True => {
                        let before = words.len();
                        tells
                            .clone()
                            .filter(|part| !self.goes_without_saying(part))
                            .for_each(|part| self.decisive(part, user, truth, words));
                        if words.len() == before {
                            tells
                                .filter(|part| parts.len() == 1 || !self.is_members(part))
                                .for_each(|part| self.decisive(part, user, truth, words));
                        }
                    }
                    Truth::False | Truth::Unknown => {
                        tells.take(1).for_each(|part| self.decisive(part, user, truth, words));
                    }
                }
            }
            Tree::Any(parts) => {
                let tells = parts.iter().filter(|part| self.truth(part, user) == truth);
                match truth {
                    Truth::True => {
                        tells.take(1).for_each(|part| self.decisive(part, user, truth, words));
                    }
                    Truth::False | Truth::Unknown => {
                        tells.for_each(|part| self.decisive(part, user, truth, words));
                    }
                }
            }
            Tree::None(parts) => {
                let tells = parts.iter().filter(|part| self.truth(part, user) == !truth);
                match truth {
                    // That somebody is in none of the exceptions goes without saying.
                    Truth::True => {}
                    Truth::False | Truth::Unknown => {
                        tells.take(1).for_each(|part| self.decisive(part, user, !truth, words));
                    }
                }
            }
        }
    }

    fn goes_without_saying(&self, tree: &Tree) -> bool {
        match tree {
            Tree::Column(at) => {
                self.index.get(&Test::Members) == Some(at)
                    || self.index.get(&Test::Enabled(true)) == Some(at)
            }
            Tree::All(_) | Tree::Any(_) | Tree::None(_) => false,
        }
    }

    fn is_members(&self, tree: &Tree) -> bool {
        match tree {
            Tree::Column(at) => self.index.get(&Test::Members) == Some(at),
            Tree::All(_) | Tree::Any(_) | Tree::None(_) => false,
        }
    }
}

impl Test {
    fn ask(&self, user: &User) -> Truth {
        match self {
            Self::Everyone => Truth::True,
            Self::Members => told(&user.user_type, |kind| *kind == UserType::Member),
            Self::Enabled(wanted) => told(&user.enabled, |enabled| enabled == wanted),
            Self::Ou { ou, scope } => told(&user.distinguished_name, |name| match (name, scope) {
                (None, _) => false,
                (Some(name), OuScope::Subtree) => name.is_below(ou),
                (Some(name), OuScope::One) => name.is_directly_in(ou),
            }),
            Self::AdDomain(domain) => told(&user.ad_domain, |of| {
                of.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(domain))
            }),
            Self::Synced(wanted) => told(&user.synced, |synced| synced == wanted),
            Self::UserType(types) => told(&user.user_type, |kind| types.contains(kind)),
            Self::SignedInBy(by) => told(&user.last_sign_in, |latest| latest <= by),
            Self::Has(sku) => told(&user.licenses, |licenses| licenses.get(*sku).is_some()),
            // Asked about all users at once.
            Self::Users(_, _)
            | Self::Domain(_)
            | Self::Attribute(_, _)
            | Self::Group { group: _, nested: _ } => Truth::Unknown,
        }
    }
}

fn told<T>(value: &Known<T>, holds: impl FnOnce(&T) -> bool) -> Truth {
    match value {
        Known::Known(value) => holds(value).into(),
        Known::Unknown => Truth::Unknown,
    }
}

fn evaluate_group(
    snapshot: &Snapshot,
    places: &Places,
    group: GroupId,
    nested: bool,
) -> (FixedBitSet, Option<FixedBitSet>) {
    let members = match snapshot.group(group).map(|group| &group.membership) {
        Some(Membership::Read { nested: all, direct: _ }) if nested => Some(all),
        Some(Membership::Read { nested: _, direct }) => direct.as_ref(),
        Some(Membership::NotRead) | None => None,
    };
    let holds = places.of_all(members.map_or(&[][..], Members::users));
    if members.is_some_and(Members::is_complete) {
        return (holds, None);
    }
    let mut unknown = holds.clone();
    unknown.toggle_range(..);
    (holds, Some(unknown))
}

#[cfg(test)]
mod tests;
