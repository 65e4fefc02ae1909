//! What several commands take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which configuration
#[derive(Args, Clone, Debug, Default)]
pub struct Config {
    /// The configuration [default: ./seatkeeper.yaml, then /etc/seatkeeper/seatkeeper.yaml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which configuration and tenant
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,

    /// The tenant [default: all, or the only one]
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// How to print
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// How to print a plan
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For a pull request: a comment, no longer than one may be
    Markdown,
    /// A file for browsers that needs nothing beside it
    Html,
}

impl From<Format> for PlanFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

/// How to print a list of users
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For spreadsheets, and for `--csv`
    Csv,
}
