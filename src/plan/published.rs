//! The words that stand for the enums of a plan, in digests, in JSON and in the store.
//!
//! They are published: a word is never changed, only added.

use crate::plan::{
    Aside, BlockedReason, DataFamily, Kind, OriginKind, Reason, SnapshotFrom, Trigger, UndoneHow,
};

macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal,)+) => {
        impl $type {
            /// Every one.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Returns the word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Returns what this word stands for.
            pub fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! { Kind:
    Add = "add",
    Replace = "replace",
    Remove = "remove",
    Modify = "modify",
    Locate = "locate",
    Adopt = "adopt",
}

words! { Trigger:
    Person = "person",
    Schedule = "schedule",
    FileChange = "file_change",
    Start = "start",
    Signal = "signal",
    Window = "window",
    Retry = "retry",
    Apply = "apply",
}

words! { DataFamily:
    Mailbox = "mailbox",
    Files = "files",
    Phone = "phone",
}

words! { Reason:
    Matched = "matched",
    Removed = "removed",
    Replaced = "replaced",
    Left = "left",
    Withdrawn = "withdrawn",
    Exchanged = "exchanged",
    Located = "located",
    Outranked = "outranked",
    SteppedDown = "stepped_down",
    Requested = "requested",
    Reverted = "reverted",
}

words! { BlockedReason:
    NoUsageLocation = "no_usage_location",
    LocationConflict = "location_conflict",
    Inherited = "inherited",
    UnknownSource = "unknown_source",
    Unreadable = "unreadable",
    SkuNotAssignable = "sku_not_assignable",
    UnknownCountry = "unknown_country",
    ExclusiveServicePlans = "exclusive_service_plans",
    MissingServicePlan = "missing_service_plan",
    FullSwap = "full_swap",
    Protected = "protected",
    ChangedSince = "changed_since",
    LocationStays = "location_stays",
    Refused = "refused",
    Contested = "contested",
}

words! { OriginKind:
    Policies = "policies",
    Bulk = "bulk",
    Revert = "revert",
}

words! { UndoneHow:
    Adds = "adds",
    Removes = "removes",
    Modifies = "modifies",
    Locates = "locates",
}

words! { SnapshotFrom:
    Tenant = "tenant",
    File = "file",
}

words! { Aside:
    Planned = "planned",
    Blocked = "blocked",
    Waiting = "waiting",
    Scheduled = "scheduled",
    Released = "released",
}
