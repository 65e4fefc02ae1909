//! Arguments of the commands that run and describe the program.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::args::{Config, Format};

/// Arguments of `demo`
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// People in the tenant, 50 to 200,000
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(50..=200_000))]
    pub users: u32,

    /// The seed that the tenant follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// List everybody
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `bench`
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// People in the tenant, 50 to 1,000,000
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub users: u32,

    /// The seed that the tenant follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How many times faster time passes while the documented quotas hold, 1 to 100
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub speed: u32,

    /// Measure a restart in this directory alone, and print it as JSON
    #[arg(long, hide = true, value_name = "DIR")]
    pub restart_in: Option<PathBuf>,

    /// When the clock of the sandbox to restart against began
    #[arg(long, hide = true, value_name = "TIME", requires = "restart_in")]
    pub began: Option<Timestamp>,

    /// Measure against a sandbox that runs elsewhere, with a tenant that nothing was applied to, and
    /// without the stage for quotas
    #[arg(long, value_name = "URL")]
    pub at: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `run`
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,
}

/// Arguments of `schema`
#[derive(Args, Clone, Debug)]
pub struct Schema {
    /// Of what
    #[arg(value_enum)]
    pub of: Described,
}

/// What has a schema
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// Policy files
    Policy,
    /// The configuration
    Config,
    /// Plans, as `--format json` and `--out` write them
    Plan,
}

/// Arguments of `completions`
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// The command that the page is about [default: the program]
    pub command: Option<String>,

    /// Write all pages to this directory instead, as seatkeeper.1, seatkeeper-plan.1 and so on
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}
