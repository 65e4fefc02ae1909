//! Exit codes, frozen, and what failed, in words a person can act on.

use std::process::ExitCode;

/// How a command ended. The numbers are a promise to scripts and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing left to do.
    Done = 0,
    /// A fault in this program.
    Internal = 1,
    /// Changes are pending (`plan --detailed-exitcode` alone).
    Changes = 2,
    /// Held by a guard, or approval is missing.
    Held = 3,
    /// Applied in part.
    Partial = 4,
    /// Configuration or policy invalid, or a policy test failed.
    Invalid = 5,
    /// Tenant, sign-in, network or disk failed; nothing was concluded.
    Unavailable = 6,
    /// The plan is stale, superseded, expired or used.
    Stale = 7,
    /// The command line is wrong.
    Usage = 64,
}

impl Exit {
    /// Returns the worse of two ends, where several tenants were dealt with.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Done => 0,
            Self::Changes => 1,
            Self::Partial => 2,
            Self::Held => 3,
            Self::Stale => 4,
            Self::Unavailable => 5,
            Self::Invalid => 6,
            Self::Usage => 7,
            Self::Internal => 8,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl Exit {
    /// All ends, by number.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Internal,
        Self::Changes,
        Self::Held,
        Self::Partial,
        Self::Invalid,
        Self::Unavailable,
        Self::Stale,
        Self::Usage,
    ];

    /// Returns the end with this number; a number that is none of ours is a fault.
    pub fn of_code(code: u8) -> Self {
        Self::ALL.into_iter().find(|exit| *exit as u8 == code).unwrap_or(Self::Internal)
    }

    /// Says what the end means, as manual pages do.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "Done, and nothing is left to do. For `plan`: a plan was made, held or not."
            }
            Self::Internal => "A fault in the program itself.",
            Self::Changes => "Changes are pending; `plan --detailed-exitcode` alone says so.",
            Self::Held => "Held by a guard, or an approval is missing.",
            Self::Partial => "Applied in part.",
            Self::Invalid => "Configuration or policies are invalid, or a policy test failed.",
            Self::Unavailable => "Tenant, sign-in, network or disk failed; nothing was concluded.",
            Self::Stale => "The plan is stale, superseded, expired or used.",
            Self::Usage => "The command line is wrong.",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What failed: this layer's words first, then its causes.
    pub error: anyhow::Error,
    /// What to do.
    pub hint: Option<String>,
}

impl Failure {
    /// Says what failed.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// Says what failed, in a sentence.
    pub fn text(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, error: anyhow::Error::msg(message.into()), hint: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Failure {
    /// Returns what failed: this layer's words first, then each cause once.
    pub fn message(&self) -> String {
        let mut text = String::new();
        for cause in self.error.chain() {
            let cause = cause.to_string();
            if text.contains(&cause) {
                continue;
            }
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
        text
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Unavailable, error)
    }
}

/// What commands return.
pub type Outcome = Result<Exit, Failure>;
