//! A policy's `match`, as written, with what it says about one user.

use std::sync::Arc;

use crate::domain::known::Truth;
use crate::domain::names::Place;
use crate::plan::select::Told;
use crate::policy::{Policy, Selector};

/// A selector, and what it says about the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it joins its parts, or that it is a test.
    pub joins: Joins,
    /// Where it stands; for one that joins others, where its first part does.
    pub place: Place,
    /// The test in words, such as `group Engineering`; empty where it joins others.
    pub label: Arc<str>,
    /// Whether it holds for the user.
    pub truth: Truth,
    /// What the user has of that which is asked about. Hostile input.
    pub found: Option<String>,
    /// Why it cannot be told, where a test cannot.
    pub doubt: Option<String>,
    /// Whether it makes the whole what it is: with another answer here, the whole could be different.
    pub decides: bool,
    /// Whether nobody wrote it: that guests are not meant goes without saying.
    pub implied: bool,
    /// What it joins.
    pub parts: Vec<Finding>,
}

/// How a selector joins its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joins {
    /// Every part has to hold.
    All,
    /// One part has to hold.
    Any,
    /// No part may hold.
    None,
    /// It has none: it is a test.
    Test,
}

/// Lays what was told over what was written.
pub(super) fn finding(policy: &Policy, told: Told) -> Finding {
    let mut whole = if policy.reaches_guests {
        laid_over(&policy.selector, told, &policy.place)
    } else {
        without_guests(policy, told)
    };
    whole.mark(true);
    whole
}

/// Takes apart what planning puts in front of a selector that does not speak of guests.
fn without_guests(policy: &Policy, told: Told) -> Finding {
    let Told { truth, label, found, doubt, parts } = told;
    let mut parts = parts.into_iter();
    let (Some(members), Some(written)) = (parts.next(), parts.next()) else {
        let told = Told { truth, label, found, doubt, parts: Vec::new() };
        return laid_over(&policy.selector, told, &policy.place);
    };
    let written = laid_over(&policy.selector, written, &policy.place);
    let place = written.place.clone();
    let members = Finding { implied: true, ..test(members, place.clone()) };
    let written = if written.joins == Joins::All { written.parts } else { vec![written] };
    Finding {
        joins: Joins::All,
        place,
        label,
        truth,
        found,
        doubt,
        decides: false,
        implied: false,
        parts: std::iter::once(members).chain(written).collect(),
    }
}

fn laid_over(selector: &Selector, told: Told, outer: &Place) -> Finding {
    let (joins, written) = match selector {
        Selector::All(parts) => (Joins::All, parts),
        Selector::Any(parts) => (Joins::Any, parts),
        Selector::None(parts) => (Joins::None, parts),
        Selector::Test(written) => return test(told, written.place.clone()),
    };
    let Told { truth, label, found, doubt, parts } = told;
    let pairs = written.iter().zip(parts);
    let parts: Vec<Finding> =
        pairs.map(|(selector, told)| laid_over(selector, told, outer)).collect();
    let place = parts.first().map_or(outer, |part| &part.place).clone();
    Finding { joins, place, label, truth, found, doubt, decides: false, implied: false, parts }
}

fn test(told: Told, place: Place) -> Finding {
    let Told { truth, label, found, doubt, parts: _ } = told;
    Finding {
        joins: Joins::Test,
        place,
        label,
        truth,
        found,
        doubt,
        decides: false,
        implied: false,
        parts: Vec::new(),
    }
}

impl Finding {
    /// Notes which parts make the whole what it is.
    fn mark(&mut self, decides: bool) {
        self.decides = decides;
        let telling = if self.joins == Joins::None { !self.truth } else { self.truth };
        for part in &mut self.parts {
            part.mark(decides && part.truth == telling);
        }
    }

    /// Says in words what would have to be so for it to hold; empty where it holds.
    pub fn missing(&self) -> String {
        if self.truth == Truth::True {
            return String::new();
        }
        let of = |truth: Truth| self.parts.iter().filter(move |part| part.truth == truth);
        match self.joins {
            Joins::Test if self.implied => format!("{} (guests are not reached)", self.label),
            Joins::Test => self.label.to_string(),
            Joins::All => joined(of(self.truth), Self::missing, " and "),
            Joins::Any => joined(of(self.truth), Self::missing, " or "),
            Joins::None => joined(of(!self.truth), Self::exception, " and "),
        }
    }

    /// Says in words what would have to be otherwise for it not to hold.
    fn exception(&self) -> String {
        let of = |truth: Truth| self.parts.iter().filter(move |part| part.truth == truth);
        match self.joins {
            Joins::Test => format!("not {}", self.label),
            Joins::All => joined(of(self.truth), Self::exception, " or "),
            Joins::Any => joined(of(self.truth), Self::exception, " and "),
            Joins::None => joined(of(!self.truth), Self::missing, " or "),
        }
    }
}

/// Joins what is there, of much the beginning. Among several, what joins others the other way stands
/// in brackets.
fn joined<'f>(
    parts: impl Iterator<Item = &'f Finding>,
    say: impl Fn(&Finding) -> String,
    between: &str,
) -> String {
    const TOLD: usize = 4;
    let said = parts.map(|part| (part.joins == Joins::Test, say(part)));
    let mut said: Vec<(bool, String)> = said.filter(|(_, words)| !words.is_empty()).collect();
    if let [(_, one)] = said.as_slice() {
        return one.clone();
    }
    let other = if between == " and " { " or " } else { " and " };
    for (is_test, words) in &mut said {
        if !*is_test && words.contains(other) {
            *words = format!("({words})");
        }
    }
    let words: Vec<String> = said.into_iter().map(|(_, words)| words).collect();
    if words.len() <= TOLD {
        return words.join(between);
    }
    format!("{}{between}{} others", words[..TOLD - 1].join(between), words.len() + 1 - TOLD)
}
