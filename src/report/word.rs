//! The words that every rendering and the store use for the enums of a plan.
//!
//! They are published: a word is never changed, only added.

use crate::plan::{
    Aside, BlockedReason, DataFamily, GuardName, Kind, OriginKind, PlanState, Reason, SnapshotFrom,
    Trigger, UndoneHow,
};
use crate::ports::OutcomeKind;
use crate::ports::desk::{Activity, Event};

/// A value that has exactly one published word.
pub trait Word: Copy + 'static {
    /// What such a word is called, for messages.
    const WHAT: &'static str;

    /// Every value.
    const ALL: &'static [Self];

    /// Returns the word.
    fn word(self) -> &'static str;

    /// Returns the value that this word stands for.
    fn named(word: &str) -> Option<Self>;
}

macro_rules! words_of_its_own {
    ($type:ident is $what:literal) => {
        impl Word for $type {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }

            fn named(word: &str) -> Option<Self> {
                Self::named(word)
            }
        }
    };
}

words_of_its_own! { Kind is "a kind of operation" }
words_of_its_own! { Trigger is "a trigger" }
words_of_its_own! { DataFamily is "a family of data" }
words_of_its_own! { Reason is "a reason" }
words_of_its_own! { OriginKind is "what a plan follows from" }
words_of_its_own! { UndoneHow is "a way to undo something" }
words_of_its_own! { SnapshotFrom is "where a snapshot comes from" }
words_of_its_own! { Aside is "what a plan says of a user" }
words_of_its_own! { BlockedReason is "a reason for being blocked" }
words_of_its_own! { PlanState is "a state of a plan" }
words_of_its_own! { GuardName is "a guard" }
words_of_its_own! { OutcomeKind is "an outcome" }
words_of_its_own! { Event is "an event" }
words_of_its_own! { Activity is "what the daemon does" }
