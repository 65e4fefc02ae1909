//! What plans follow from, and how much of it there was: so that a source that suddenly gives less is
//! noticed before anything is taken away because of it.
//!
//! The most of a day counts, not the latest look: many small losses within a day add up.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::attribute::Attribute;
use crate::domain::dn::DistinguishedName;
use crate::domain::ids::GroupId;
use crate::domain::known::Known;
use crate::domain::names::PolicyName;
use crate::domain::user::User;
use crate::plan::Digest;
use crate::policy::OuScope;

/// How long what there was counts.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Marks are this far apart at least, so that there are few of them.
pub(crate) const APART: SignedDuration = SignedDuration::from_hours(1);

/// Something that plans follow from and that has a size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The users of the tenant.
    Users,
    /// The members of a group.
    Group {
        /// The group.
        group: GroupId,
        /// Whether members of nested groups count.
        nested: bool,
    },
    /// The users of an OU.
    Ou {
        /// The OU.
        ou: DistinguishedName,
        /// How deep.
        scope: OuScope,
    },
    /// The users of a list.
    Csv(Arc<str>),
    /// Whom a policy matches.
    Policy(PolicyName),
    /// The users for whom something is empty or was not sent. Here fewer are better.
    Blank {
        /// What.
        property: Property,
        /// Among guests, or among everybody else.
        guests: bool,
    },
}

impl Source {
    /// Returns the word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Group { group: _, nested: true } => "group",
            Self::Group { group: _, nested: false } => "direct_group",
            Self::Ou { ou: _, scope: OuScope::Subtree } => "ou",
            Self::Ou { ou: _, scope: OuScope::One } => "ou_level",
            Self::Csv(_) => "csv",
            Self::Policy(_) => "policy",
            Self::Blank { property: _, guests: false } => "blank",
            Self::Blank { property: _, guests: true } => "guest_blank",
        }
    }

    /// Returns what it is called among those of its kind: the same for two that are equal.
    pub fn name(&self) -> String {
        match self {
            Self::Users => String::new(),
            Self::Group { group, nested: _ } => group.to_string(),
            Self::Ou { ou, scope: _ } => ou.folded(),
            Self::Csv(file) => file.to_string(),
            Self::Policy(policy) => policy.to_string(),
            Self::Blank { property, guests: _ } => property.key().into_owned(),
        }
    }

    /// Returns the source of a kind that is called so.
    pub fn named(kind: &str, name: &str) -> Option<Self> {
        let group = |nested| Some(Self::Group { group: name.parse().ok()?, nested });
        let ou = |scope| Some(Self::Ou { ou: name.parse().ok()?, scope });
        let blank = |guests| Some(Self::Blank { property: Property::named(name)?, guests });
        match kind {
            "users" => Some(Self::Users),
            "group" => group(true),
            "direct_group" => group(false),
            "ou" => ou(OuScope::Subtree),
            "ou_level" => ou(OuScope::One),
            "csv" => Some(Self::Csv(name.into())),
            "policy" => Some(Self::Policy(name.parse().ok()?)),
            "blank" => blank(false),
            "guest_blank" => blank(true),
            _ => None,
        }
    }

    /// Whether the first of two sizes is the better one.
    fn prefers(&self, one: u64, other: u64) -> bool {
        match self {
            Self::Blank { property: _, guests: _ } => one < other,
            Self::Users
            | Self::Group { group: _, nested: _ }
            | Self::Ou { ou: _, scope: _ }
            | Self::Csv(_)
            | Self::Policy(_) => one > other,
        }
    }
}

/// Something about users that policies ask for and that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// An attribute.
    Attribute(Attribute),
    /// Where the user stands on premises.
    Ou,
    /// The on-premises AD domain.
    AdDomain,
    /// Whether sign-in is allowed.
    Enabled,
    /// Whether the user comes from on premises.
    Synced,
    /// Whether the user is a member or a guest.
    UserType,
    /// What the user holds.
    Licenses,
}

impl Property {
    /// Returns the word for it.
    pub fn key(self) -> Cow<'static, str> {
        match self {
            Self::Attribute(attribute) => attribute.key(),
            Self::Ou => "ou".into(),
            Self::AdDomain => "ad_domain".into(),
            Self::Enabled => "enabled".into(),
            Self::Synced => "synced".into(),
            Self::UserType => "user_type".into(),
            Self::Licenses => "licenses".into(),
        }
    }

    fn named(key: &str) -> Option<Self> {
        let plain =
            [Self::Ou, Self::AdDomain, Self::Enabled, Self::Synced, Self::UserType, Self::Licenses];
        let attribute = Attribute::named(key).map(Self::Attribute);
        attribute.or_else(|| plain.into_iter().find(|property| property.key() == key))
    }

    /// Whether a user lacks it, or it was not sent.
    pub(crate) fn is_blank(self, user: &User) -> bool {
        fn lacks<T>(value: &Known<Option<T>>) -> bool {
            matches!(value, Known::Known(None) | Known::Unknown)
        }
        match self {
            Self::Attribute(attribute) => lacks(&user.attribute(attribute)),
            Self::Ou => lacks(&user.distinguished_name),
            Self::AdDomain => lacks(&user.ad_domain),
            Self::Enabled => user.enabled == Known::Unknown,
            Self::Synced => user.synced == Known::Unknown,
            Self::UserType => user.user_type == Known::Unknown,
            Self::Licenses => user.licenses == Known::Unknown,
        }
    }
}

/// A size, and since when it was that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many.
    pub size: u64,
    /// Since when.
    pub since: Timestamp,
}

/// How large a source was: the best of a day first, then what came after, each worse than the one
/// before.
///
/// While a guard holds plans because of the source, nothing is changed here: what it was stays, until
/// the source recovers or a person accepts what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The sizes, oldest first. Never empty.
    pub marks: Vec<Mark>,
    /// The digest of the policy's text, where the source is a policy.
    pub text: Option<Digest>,
}

impl Remembered {
    /// A source that is seen for the first time, or whose size a person accepted.
    pub fn anew(size: u64, since: Timestamp, text: Option<Digest>) -> Self {
        Self { marks: vec![Mark { size, since }], text }
    }

    /// Returns how many there were before: the best of the last day.
    pub fn before(&self, now: Timestamp) -> u64 {
        self.counting(now).first().map_or(0, |mark| mark.size)
    }

    /// Returns the marks that count: all but those whose end is more than a day ago.
    fn counting(&self, now: Timestamp) -> &[Mark] {
        let ended = |next: &&Mark| next.since <= now - DAY;
        let over = self.marks.iter().skip(1).take_while(ended).count();
        &self.marks[over..]
    }

    /// Returns what is remembered once the source was seen with a size that no guard minds.
    #[must_use]
    pub(crate) fn seen(
        &self,
        source: &Source,
        size: u64,
        now: Timestamp,
        text: Option<Digest>,
    ) -> Self {
        let mut marks = self.counting(now).to_vec();
        while marks.last().is_some_and(|mark| source.prefers(size, mark.size)) {
            marks.pop();
        }
        let is_due = |last: &Mark| last.size != size && last.since <= now - APART;
        if marks.last().is_none_or(is_due) {
            marks.push(Mark { size, since: now });
        }
        Self { marks, text }
    }

    /// Returns what is remembered while a guard minds the size: what there was, and nothing of it goes
    /// with time.
    #[must_use]
    pub(crate) fn latched(&self, now: Timestamp) -> Self {
        Self { marks: self.counting(now)[..1].to_vec(), text: self.text }
    }
}

#[cfg(test)]
mod tests;
