//! Drafts of rules, and whom they match: asked of the selectors themselves, so that a rule means here
//! what it will mean in every plan.

use std::collections::BTreeSet;

use super::Ask;
use super::held::Held;
use crate::domain::names::Place;
use crate::domain::user::UserType;
use crate::plan::bind::{Part, Problem, bind};
use crate::policy::{Action, OnLeave, Policy, PolicySet, Selector, Test, Written};

/// How many rules are asked at once: each takes a bit a user meanwhile.
const AT_ONCE: usize = 256;

/// What a rule goes by, those that a person would rather read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Group,
    Ou,
    Department,
    Domain,
    AdDomain,
}

impl By {
    /// Whether it takes in so many people that all of them but some were hardly meant.
    pub(super) fn is_broad(self) -> bool {
        match self {
            Self::Group | Self::Ou | Self::Department => false,
            Self::Domain | Self::AdDomain => true,
        }
    }
}

/// One thing that people have in common.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) by: By,
    pub(super) test: Test,
    /// In words.
    pub(super) whom: String,
}

/// Whom a rule leaves out of those who have something in common.
#[derive(Clone, Debug)]
pub(super) enum But {
    Nobody,
    Disabled,
    Others(Common),
}

/// A rule, of which it is not known yet whom it matches.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) common: Common,
    pub(super) but: But,
    pub(super) of: UserType,
}

/// A rule, and whom it matches.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) draft: Draft,
    /// By position, in order; the protected are not among them.
    pub(super) people: Vec<usize>,
}

impl Draft {
    pub(super) fn plain(common: Common, of: UserType) -> Self {
        Self { common, but: But::Nobody, of }
    }

    pub(super) fn selector(&self) -> Selector {
        let Self { common, but, of } = self;
        let mut parts = Vec::new();
        match of {
            UserType::Member => {}
            UserType::Guest => parts.push(test(Test::UserType(vec![UserType::Guest]))),
        }
        parts.push(test(common.test.clone()));
        match but {
            But::Nobody => {}
            But::Disabled => parts.push(test(Test::Enabled(true))),
            But::Others(others) => {
                parts.push(Selector::None(vec![test(others.test.clone())]));
            }
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Selector::All(parts),
        }
    }

    /// Returns in words whom it is for.
    pub(super) fn whom(&self) -> String {
        let whom = match self.of {
            UserType::Member => self.common.whom.clone(),
            UserType::Guest => format!("guests in {}", self.common.whom),
        };
        match &self.but {
            But::Nobody => whom,
            But::Disabled => format!("{whom}, enabled"),
            But::Others(others) => format!("{whom}, not {}", others.whom),
        }
    }
}

pub(super) fn test(test: Test) -> Selector {
    Selector::Test(written(test))
}

/// Nothing that is made up has a place yet: it follows from the text that is written of it.
pub(super) fn written<T>(value: T) -> Written<T> {
    Written { value, place: nowhere() }
}

pub(super) fn nowhere() -> Place {
    Place { file: "".into(), line: 1, column: 1 }
}

/// Makes a policy that grants nothing yet.
pub(super) fn policy(name: crate::domain::names::PolicyName, selector: Selector) -> Policy {
    Policy {
        name,
        place: nowhere(),
        description: None,
        owner: None,
        tenants: None,
        reaches_guests: selector.names_user_type(),
        selector,
        action: Action::Add { licenses: Vec::new() },
        usage_location: None,
        priority: 0,
        on_leave: OnLeave::Remove,
        grace: None,
        from: None,
        until: None,
        moved_from: None,
        retired: false,
    }
}

/// Asks whom rules match. Those of which that cannot be told for everybody are dropped, and those that
/// match nobody.
pub(super) fn ask_all(
    ask: &Ask<'_>,
    held: &Held<'_>,
    drafts: Vec<Draft>,
) -> Result<Vec<Rule>, Vec<Problem>> {
    let mut rules = Vec::new();
    let mut drafts = drafts.into_iter().peekable();
    while drafts.peek().is_some() {
        let some: Vec<Draft> = drafts.by_ref().take(AT_ONCE).collect();
        rules.extend(ask_some(ask, &held.protected, some)?);
    }
    Ok(rules)
}

fn ask_some(
    ask: &Ask<'_>,
    protected: &BTreeSet<usize>,
    drafts: Vec<Draft>,
) -> Result<Vec<Rule>, Vec<Problem>> {
    let as_policy = |(at, draft): (usize, &Draft)| {
        policy(format!("rule-{at}").parse().expect("it is a name"), draft.selector())
    };
    let policies = drafts.iter().enumerate().map(as_policy).collect();
    let set = PolicySet { policies, ladders: Vec::new() };
    let bound = bind(&set, ask.settings, ask.tenant, ask.snapshot, ask.now)?;
    let mut rules = Vec::new();
    for (draft, policy) in drafts.into_iter().zip(&bound.policies) {
        let Part::Taken(terms) = &policy.part else { continue };
        let matches = bound.columns.matches(&terms.tree);
        if matches.unknown().next().is_some() {
            continue;
        }
        let people: Vec<usize> =
            matches.matched().filter(|user| !protected.contains(user)).collect();
        if !people.is_empty() {
            rules.push(Rule { draft, people });
        }
    }
    Ok(rules)
}
