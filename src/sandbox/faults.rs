//! Faults on request: what goes wrong, how often, where. They follow from a seed and the number of
//! the request, so that a failure is replayed by running the same again.
//!
//! Pure: decides, and does nothing.

use std::fmt;
use std::str::FromStr;

use crate::sandbox::chance::Chance;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// 429 with `Retry-After` in whole seconds.
    Throttle,
    /// 429 with a fraction of a second in `Retry-After`.
    ThrottleFraction,
    /// 429 with a date in `Retry-After`.
    ThrottleDate,
    /// 429 without `Retry-After`.
    ThrottleBare,
    /// 409: other writes are under way.
    Conflict,
    /// 503 with the code of a conflict, as was seen.
    ConflictUnavailable,
    /// 400 with the code of a conflict, as was seen.
    ConflictBad,
    /// 500 before anything happened.
    Error,
    /// 503 before anything happened.
    Unavailable,
    /// 504 before anything happened.
    Timeout,
    /// 504 although the request took effect.
    TimeoutAfter,
    /// The connection breaks before anything happened.
    Reset,
    /// The connection breaks after the request took effect.
    ResetAfter,
    /// The answer ends in the middle.
    Truncate,
    /// A page of HTML with status 200.
    Html,
    /// A gateway's page of HTML with status 502.
    HtmlGateway,
    /// Status 200 and no body.
    Empty,
    /// The answer takes long.
    Slow,
    /// The answer never comes.
    Hang,
    /// 403.
    Forbidden,
    /// 401: the token has expired.
    Expired,
    /// 401: the token was revoked, and a new one must meet a claim.
    ClaimsChallenge,
    /// JSON in which things are not what they should be.
    WrongTypes,
    /// JSON in which properties are suddenly null.
    Nulls,
    /// 410 to a delta query: its token is void.
    DeltaGone,
    /// 404 to a delta query: its token is void.
    SyncStateNotFound,
    /// 400 to a delta query: all has to be read anew.
    ResyncRequired,
    /// Empty pages of a delta query, each with a link to a next one.
    EndlessChain,
    /// A delta query tells all changes again, each twice.
    Replay,
    /// 400 to a further page: its token is not found.
    PageTokenLost,
    /// 400 to a further page: its token has expired.
    PageTokenExpired,
}

impl FaultKind {
    /// All kinds, in the order in which help lists them.
    pub const ALL: [Self; 31] = [
        Self::Throttle,
        Self::ThrottleFraction,
        Self::ThrottleDate,
        Self::ThrottleBare,
        Self::Conflict,
        Self::ConflictUnavailable,
        Self::ConflictBad,
        Self::Error,
        Self::Unavailable,
        Self::Timeout,
        Self::TimeoutAfter,
        Self::Reset,
        Self::ResetAfter,
        Self::Truncate,
        Self::Html,
        Self::HtmlGateway,
        Self::Empty,
        Self::Slow,
        Self::Hang,
        Self::Forbidden,
        Self::Expired,
        Self::ClaimsChallenge,
        Self::WrongTypes,
        Self::Nulls,
        Self::DeltaGone,
        Self::SyncStateNotFound,
        Self::ResyncRequired,
        Self::EndlessChain,
        Self::Replay,
        Self::PageTokenLost,
        Self::PageTokenExpired,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::ThrottleFraction => "throttle-fraction",
            Self::ThrottleDate => "throttle-date",
            Self::ThrottleBare => "throttle-bare",
            Self::Conflict => "conflict",
            Self::ConflictUnavailable => "conflict-503",
            Self::ConflictBad => "conflict-400",
            Self::Error => "error",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::TimeoutAfter => "timeout-after",
            Self::Reset => "reset",
            Self::ResetAfter => "reset-after",
            Self::Truncate => "truncate",
            Self::Html => "html",
            Self::HtmlGateway => "html-gateway",
            Self::Empty => "empty",
            Self::Slow => "slow",
            Self::Hang => "hang",
            Self::Forbidden => "forbidden",
            Self::Expired => "expired",
            Self::ClaimsChallenge => "claims",
            Self::WrongTypes => "wrong-types",
            Self::Nulls => "nulls",
            Self::DeltaGone => "delta-gone",
            Self::SyncStateNotFound => "sync-state-not-found",
            Self::ResyncRequired => "resync-required",
            Self::EndlessChain => "endless-chain",
            Self::Replay => "replay",
            Self::PageTokenLost => "page-token-lost",
            Self::PageTokenExpired => "page-token-expired",
        }
    }

    /// Returns the kind of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether a single item of a batch can suffer it: what happens to the connection cannot.
    pub fn fits_item(self) -> bool {
        match self {
            Self::Throttle
            | Self::Nulls
            | Self::PageTokenExpired
            | Self::PageTokenLost
            | Self::SyncStateNotFound
            | Self::ClaimsChallenge
            | Self::ConflictBad
            | Self::ConflictUnavailable
            | Self::ThrottleFraction
            | Self::ThrottleDate
            | Self::ThrottleBare
            | Self::Conflict
            | Self::Error
            | Self::Unavailable
            | Self::Timeout
            | Self::TimeoutAfter
            | Self::Forbidden
            | Self::Expired
            | Self::WrongTypes
            | Self::DeltaGone
            | Self::ResyncRequired
            | Self::EndlessChain
            | Self::Replay => true,
            Self::Reset
            | Self::ResetAfter
            | Self::Truncate
            | Self::Html
            | Self::HtmlGateway
            | Self::Empty
            | Self::Slow
            | Self::Hang => false,
        }
    }
}

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// At this rate, from 0 to 1.
    Rate(f64),
    /// At these requests exactly, counted from 1.
    Requests(Vec<u64>),
}

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Whole requests, a batch as one.
    Whole,
    /// Single items within a batch.
    Items,
}

/// One rule: what goes wrong, when and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When.
    pub when: When,
    /// Whole requests or items of batches.
    pub reach: Reach,
    /// Only where the path and query hold this; none means everywhere.
    pub path: Option<String>,
    /// Only these methods, in capitals; none means all.
    pub methods: Vec<String>,
}

/// All faults of a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// What the faults follow from.
    pub seed: u64,
    /// The rules; the first that strikes counts.
    pub rules: Vec<Fault>,
}

/// A text that is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a fault: {reason}")]
pub struct InvalidFault {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl InvalidFault {
    /// Returns what to write instead, with all kinds.
    pub fn hint() -> String {
        let kinds: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!(
            "write [item-]KIND=RATE[@PATHFRAGMENT] with a rate from 0 to 1, or \
             [item-]KIND=#3,7 for the third and seventh request; KIND is one of {}",
            kinds.join(", ")
        )
    }
}

impl FromStr for Fault {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let invalid =
            |reason: &str| InvalidFault { text: text.to_owned(), reason: reason.to_owned() };
        let (kind, rest) = text.split_once('=').ok_or_else(|| invalid("no `=RATE` in it"))?;
        let (word, reach) = match kind.strip_prefix("item-") {
            Some(word) => (word, Reach::Items),
            None => (kind, Reach::Whole),
        };
        let known: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let kind = FaultKind::named(word).ok_or_else(|| {
            invalid(&format!("`{word}` is no kind of fault; there are {}", known.join(", ")))
        })?;
        if reach == Reach::Items && !kind.fits_item() {
            return Err(invalid("it strikes whole requests only, not items of a batch"));
        }
        let (when, path) = match rest.split_once('@') {
            Some((when, path)) => (when, Some(path.to_owned())),
            None => (rest, None),
        };
        let when = parse_when(when).map_err(invalid)?;
        Ok(Self { kind, when, reach, path, methods: Vec::new() })
    }
}

fn parse_when(text: &str) -> Result<When, &'static str> {
    if let Some(numbers) = text.strip_prefix('#') {
        let numbers: Result<Vec<u64>, _> = numbers.split(',').map(str::parse).collect();
        return match numbers {
            Ok(numbers) if !numbers.contains(&0) => Ok(When::Requests(numbers)),
            _ => Err("after `#` stand numbers of requests, from 1, with commas"),
        };
    }
    match text.parse::<f64>() {
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(When::Rate(rate)),
        _ => Err("the rate is not a number from 0 to 1"),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = if self.reach == Reach::Items { "item-" } else { "" };
        write!(f, "{reach}{}=", self.kind.as_str())?;
        match &self.when {
            When::Rate(rate) => write!(f, "{rate}")?,
            When::Requests(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                write!(f, "#{}", numbers.join(","))?;
            }
        }
        self.path.as_ref().map_or(Ok(()), |path| write!(f, "@{path}"))
    }
}

/// What faults are decided by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// The number of the request, from 1.
    pub(crate) request: u64,
    /// The place within a batch; none for the request as a whole.
    pub(crate) item: Option<usize>,
    /// The method, in capitals.
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
}

impl Faults {
    /// Reads faults as people write them.
    ///
    /// # Errors
    ///
    /// Returns the first text that is not a fault.
    pub fn parse<S: AsRef<str>>(
        seed: u64,
        texts: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidFault> {
        let rules: Result<_, _> = texts.into_iter().map(|text| text.as_ref().parse()).collect();
        Ok(Self { seed, rules: rules? })
    }

    /// Returns what strikes this request or item.
    pub(crate) fn strike(&self, target: Target<'_>) -> Option<FaultKind> {
        let reach = if target.item.is_some() { Reach::Items } else { Reach::Whole };
        let strikes = |(index, rule): &(usize, &Fault)| {
            let here = rule.path.as_ref().is_none_or(|path| target.path.contains(path.as_str()));
            let so = rule.methods.is_empty() || rule.methods.iter().any(|m| m == target.method);
            rule.reach == reach && here && so && rule.strikes(self.seed, *index, target)
        };
        self.rules.iter().enumerate().find(strikes).map(|(_, rule)| rule.kind)
    }
}

impl Fault {
    fn strikes(&self, seed: u64, rule: usize, target: Target<'_>) -> bool {
        match &self.when {
            When::Requests(numbers) => numbers.contains(&target.request),
            When::Rate(rate) => {
                let item = target.item.map_or(0, |item| item as u64 + 1);
                let name = format!("fault {rule} {item}");
                Chance::new(seed, &name, target.request).happens(*rate)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(request: u64, path: &str) -> Target<'_> {
        Target { request, item: None, method: "GET", path }
    }

    #[test]
    fn faults_are_written_as_kind_rate_and_path() {
        for text in ["throttle=0.05", "item-timeout-after=1@assignLicense", "reset=#3,7@/users"] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_fault_is_answered_with_the_kinds() {
        for text in ["throttle", "trottle=1", "throttle=2", "throttle=#0", "item-hang=1", "=1"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        let error = "trottle=1".parse::<Fault>().unwrap_err();
        assert!(error.to_string().contains("there are throttle, throttle-fraction"), "{error}");
        assert!(InvalidFault::hint().contains("wrong-types"));
    }

    #[test]
    fn faults_replay_from_their_seed() {
        let struck = |seed| {
            let faults = Faults::parse(seed, ["reset=0.1", "error=0.1@/users"]).unwrap();
            let strike = |number| faults.strike(target(number, "/v1.0/users"));
            (1..200).map(strike).collect::<Vec<_>>()
        };
        assert_eq!(struck(7), struck(7));
        assert_ne!(struck(7), struck(8));
        assert!(struck(7).contains(&Some(FaultKind::Reset)));
        assert!(struck(7).contains(&Some(FaultKind::Error)));
    }

    #[test]
    fn a_fault_keeps_to_its_path_its_method_and_its_requests() {
        let mut faults = Faults::parse(1, ["error=#2@/users"]).unwrap();
        assert_eq!(faults.strike(target(2, "/v1.0/users")), Some(FaultKind::Error));
        assert_eq!(faults.strike(target(2, "/v1.0/groups")), None);
        assert_eq!(faults.strike(target(3, "/v1.0/users")), None);
        faults.rules[0].methods = vec!["POST".to_owned()];
        assert_eq!(faults.strike(target(2, "/v1.0/users")), None);
    }
}
