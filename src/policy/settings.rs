//! What a tenant's configuration says about planning, as plain values.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::money::Price;
use crate::domain::names::Place;
use crate::domain::sku::{Catalogue, Sku};
use crate::domain::span::Span;
use crate::policy::Written;

/// What planning takes from the configuration of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Whom nothing touches.
    pub protected: Protected,
    /// Seats to keep free, by SKU part number or id.
    pub reserve: BTreeMap<Arc<str>, Reserve>,
    /// Whether expired seats in grace count as seats.
    pub use_warning_seats: bool,
    /// What a seat costs, by SKU part number or id. SKUs that the tenant does not have are passed over.
    pub prices: BTreeMap<Arc<str>, Price>,
    /// Whether a license from a group satisfies a policy.
    pub inherited: InheritedRule,
    /// How long to wait before a removal on leaving, where the policy does not say.
    pub grace: Span,
    /// Where the days of policies begin.
    pub time_zone: TimeZone,
    /// The limits.
    pub guards: GuardSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            protected: Protected::default(),
            reserve: BTreeMap::new(),
            use_warning_seats: false,
            prices: BTreeMap::new(),
            inherited: InheritedRule::Satisfies,
            grace: Span::days(7),
            time_zone: TimeZone::UTC,
            guards: GuardSettings::default(),
        }
    }
}

impl Settings {
    /// Returns what a seat of a SKU costs; none where that is not said.
    pub fn price(&self, sku: &Sku) -> Option<Price> {
        let by_name = self.prices.get(&sku.part_number);
        by_name.or_else(|| self.prices.get(sku.id.to_string().as_str())).copied()
    }

    /// Returns the SKUs that have a price here, and that a tenant does not have.
    pub fn prices_of_nothing(&self, catalogue: &Catalogue) -> Vec<&str> {
        let is_there = |name: &str| {
            catalogue
                .skus()
                .iter()
                .any(|sku| *sku.part_number == *name || sku.id.to_string() == name)
        };
        self.prices.keys().map(|name| &**name).filter(|name| !is_there(name)).collect()
    }
}

/// Users and groups that nothing touches, by name or id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// The users, by principal name or id.
    pub users: Vec<Written<Arc<str>>>,
    /// The groups, by display name or id, nested groups included.
    pub groups: Vec<Written<Arc<str>>>,
}

/// Seats to keep free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// How many.
    pub seats: u32,
    /// Where that is written.
    pub place: Place,
}

/// Whether a license from a group satisfies a policy that grants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum InheritedRule {
    /// It does, where it has every wanted service plan on.
    #[default]
    Satisfies,
    /// It does not: the SKU is assigned directly all the same.
    Ignore,
}

/// The limits that hold a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// Whether a person looks at the first plan of a tenant.
    pub first_plan: bool,
    /// How many people may lose something in one plan.
    pub max_removals: MaxRemovals,
    /// How many people may lose something within 24 hours, in however many plans.
    pub removals_per_day: CountLimit,
    /// How many people a plan may change.
    pub max_changes: MaxChanges,
    /// Which changes of what plans follow from are watched.
    pub sources: SourceGuards,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            first_plan: true,
            max_removals: MaxRemovals::default(),
            removals_per_day: CountLimit::AtMost(50),
            max_changes: MaxChanges::default(),
            sources: SourceGuards { emptied: true, shrunk: true, blanked: true },
        }
    }
}

/// How many people a plan may change: it is held where both are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxChanges {
    /// Of the tenant's users.
    pub percent: PercentLimit,
    /// In people: up to this many are never too many.
    pub above: u64,
}

impl Default for MaxChanges {
    fn default() -> Self {
        Self { percent: PercentLimit::AtMost(Percent::from_whole(25)), above: 50 }
    }
}

/// Which changes of what plans follow from are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceGuards {
    /// That a group, an OU, a list or a policy had somebody and has nobody now.
    pub emptied: bool,
    /// That users or the members of a group are far fewer than before.
    pub shrunk: bool,
    /// That an attribute that a policy uses is empty for far more users than before.
    pub blanked: bool,
}

/// How many people may lose something: the stricter of the two holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxRemovals {
    /// Of those that policies own.
    pub percent: PercentLimit,
    /// In people.
    pub count: CountLimit,
}

impl Default for MaxRemovals {
    fn default() -> Self {
        Self {
            percent: PercentLimit::AtMost(Percent::from_whole(5)),
            count: CountLimit::AtMost(50),
        }
    }
}

/// A limit in whole things. Zero forbids; no limit has to be spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountLimit {
    /// So many and no more.
    AtMost(u64),
    /// No limit.
    Unlimited,
}

/// A limit as a share. Zero forbids; no limit has to be spelled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PercentLimit {
    /// So much and no more.
    AtMost(Percent),
    /// No limit.
    Unlimited,
}

/// A share in hundredths of a percent, from 0 to 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

impl Percent {
    /// Returns so many whole percent, at most 100.
    pub const fn from_whole(percent: u32) -> Self {
        Self(if percent > 100 { 10_000 } else { percent * 100 })
    }

    /// Reads `5%` or `2.5%`, with at most two decimals and at most 100 %.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 2 || whole.len() > 3 {
            return None;
        }
        let scale = if decimals.len() == 1 { 10 } else { 1 };
        let hundredths: u32 =
            whole.parse::<u32>().ok()? * 100 + decimals.parse::<u32>().ok()? * scale;
        (hundredths <= 10_000).then_some(Self(hundredths))
    }

    /// Returns the largest whole number that is not more than this share of `total`.
    pub fn of(self, total: u64) -> u64 {
        u64::try_from(u128::from(total) * u128::from(self.0) / 10_000)
            .expect("a share is not more than the whole")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole}%"),
            (_, 0) => write!(f, "{whole}.{}%", rest / 10),
            (_, _) => write!(f, "{whole}.{rest:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_carry_their_sign() {
        for (text, printed, of_310) in [
            ("5%", "5%", 15),
            ("2.5%", "2.5%", 7),
            ("0%", "0%", 0),
            ("100%", "100%", 310),
            ("0.25%", "0.25%", 0),
        ] {
            let percent = Percent::parse(text).unwrap();
            assert_eq!(percent.to_string(), printed);
            assert_eq!(percent.of(310), of_310, "{text}");
        }
        for wrong in ["5", "101%", "-1%", "%", "5.%", "1.234%", "five%", "99999999999%"] {
            assert!(Percent::parse(wrong).is_none(), "{wrong}");
        }
    }
}
