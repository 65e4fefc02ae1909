//! The words that every rendering and the store use for the enums of a plan.
//!
//! They are published: a word is never changed, only added.

use crate::plan::{BlockedReason, DataFamily, GuardName, Kind, PlanState, Reason, Trigger};
use crate::ports::OutcomeKind;

/// A value that has exactly one published word.
pub trait Word: Copy {
    /// What such a word is called, for messages.
    const WHAT: &'static str;

    /// Returns the word.
    fn word(self) -> &'static str;

    /// Returns the value that this word stands for.
    fn named(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($type:ident is $what:literal: $($variant:ident = $word:literal,)+) => {
        impl Word for $type {
            const WHAT: &'static str = $what;

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! { Kind is "a kind of operation":
    Add = "add",
    Replace = "replace",
    Remove = "remove",
    Modify = "modify",
    Locate = "locate",
    Adopt = "adopt",
}

words! { Trigger is "a trigger":
    Person = "person",
    Schedule = "schedule",
    FileChange = "file_change",
    Apply = "apply",
}

words! { DataFamily is "a family of data":
    Mailbox = "mailbox",
    Files = "files",
    Phone = "phone",
}

words! { Reason is "a reason":
    Matched = "matched",
    Removed = "removed",
    Replaced = "replaced",
    Left = "left",
    Exchanged = "exchanged",
    Located = "located",
}

words! { BlockedReason is "a reason for being blocked":
    NoUsageLocation = "no_usage_location",
    LocationConflict = "location_conflict",
    Inherited = "inherited",
    UnknownSource = "unknown_source",
    Unreadable = "unreadable",
    SkuNotAssignable = "sku_not_assignable",
}

macro_rules! words_of_its_own {
    ($type:ident is $what:literal) => {
        impl Word for $type {
            const WHAT: &'static str = $what;

            fn word(self) -> &'static str {
                self.as_str()
            }

            fn named(word: &str) -> Option<Self> {
                Self::named(word)
            }
        }
    };
}

words_of_its_own! { PlanState is "a state of a plan" }
words_of_its_own! { GuardName is "a guard" }
words_of_its_own! { OutcomeKind is "an outcome" }
