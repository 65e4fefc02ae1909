//! What `doctor` found, for people and for programs.

use crate::domain::names::TenantName;

/// What was found about one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The tenant.
    pub tenant: TenantName,
    /// Its id, as the configuration says it.
    pub tenant_id: String,
    /// Who approves its plans.
    pub mode: &'static str,
    /// What was found, in the order in which one thing rests on another.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub check: Check,
    /// How it stands.
    pub verdict: Verdict,
    /// The thing, such as a permission.
    pub subject: String,
    /// What was found.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Whether hosts answer.
    Reach,
    /// Whether a token is issued.
    SignIn,
    /// What the token allows.
    Permission,
    /// What time it is elsewhere.
    Clock,
    /// Where records are kept.
    Store,
    /// What holds plans.
    Guard,
    /// What else of the configuration is worth a look.
    Settings,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Reach,
        Self::SignIn,
        Self::Permission,
        Self::Clock,
        Self::Store,
        Self::Guard,
        Self::Settings,
    ];

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::SignIn => "sign_in",
            Self::Permission => "permission",
            Self::Clock => "clock",
            Self::Store => "store",
            Self::Guard => "guard",
            Self::Settings => "settings",
        }
    }

    /// Returns what stands above its findings.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Reach => "Reach",
            Self::SignIn => "Sign-in",
            Self::Permission => "Permissions",
            Self::Clock => "Clock",
            Self::Store => "Store",
            Self::Guard => "Guards in force",
            Self::Settings => "Settings",
        }
    }
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should.
    Good,
    /// As it should, and worth knowing.
    Note,
    /// There, and need not be.
    Excess,
    /// Worth doing something about.
    Warning,
    /// Not there, and needed.
    Missing,
    /// Not as it should.
    Failed,
}

impl Verdict {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Excess => "excess",
            Self::Warning => "warning",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }

    /// Whether work cannot go on like this.
    pub fn is_problem(self) -> bool {
        matches!(self, Self::Missing | Self::Failed)
    }

    /// Whether a person should look.
    pub fn is_warning(self) -> bool {
        matches!(self, Self::Excess | Self::Warning)
    }
}

impl Finding {
    /// Something that was looked at.
    pub fn new(
        check: Check,
        verdict: Verdict,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self { check, verdict, subject: subject.into(), detail: detail.into(), hint: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Diagnosis {
    /// Counts what work cannot go on with, and what a person should look at.
    pub fn counts(&self) -> (usize, usize) {
        let count = |fits: fn(Verdict) -> bool| {
            self.findings.iter().filter(|finding| fits(finding.verdict)).count()
        };
        (count(Verdict::is_problem), count(Verdict::is_warning))
    }
}
