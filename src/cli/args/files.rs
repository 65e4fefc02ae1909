//! Arguments of the commands that write and check files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{Common, Config, Format};

/// Arguments of `init`
#[derive(Args, Clone, Debug)]
pub struct Init {
    /// The directory to write to
    #[arg(default_value = ".")]
    pub directory: PathBuf,
}

/// Arguments of `validate`
#[derive(Args, Clone, Debug)]
pub struct Validate {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: ValidateFormat,
}

/// How to print what is wrong with files
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ValidateFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// Workflow commands, which GitHub Actions shows beside the lines
    Github,
    /// A report of code quality, which GitLab shows beside the lines
    Gitlab,
}

/// Arguments of `test`
#[derive(Args, Clone, Debug)]
pub struct Test {
    /// Which configuration
    #[command(flatten)]
    pub config: Config,

    /// Test a policy directory without a configuration, with the settings that hold by default
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub policies: Option<PathBuf>,

    /// Run only the tests whose name contains this, ignoring case
    #[arg(value_name = "TEXT")]
    pub filter: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: TestFormat,

    /// Write the results to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Fail where a policy is reached by no test
    #[arg(long, conflicts_with = "filter")]
    pub require_coverage: bool,
}

/// How to print the results of tests
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For test reports of pipelines
    Junit,
}

/// Arguments of `snapshot`
#[derive(Args, Clone, Debug)]
pub struct SnapshotArgs {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The file to write; - for stdout
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Write the last read, without network, instead of reading the tenant anew
    #[arg(long, conflicts_with = "all_groups")]
    pub stored: bool,

    /// Read the members of every group, for policies that are not written yet
    #[arg(long)]
    pub all_groups: bool,
}

/// What becomes of the licenses of those who leave a policy
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnLeave {
    /// They go after the grace
    #[default]
    Remove,
    /// They stay
    Keep,
}

/// Arguments of `import`
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The directory to write to, without policies in it [default: the one of the configuration]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Look for rules by this group, and no other; may be repeated
    #[arg(long, value_name = "GROUP", conflicts_with = "groups_max")]
    pub group: Vec<String>,

    /// Read the members of so many groups, the first by name; each takes a request or more
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub groups_max: u32,

    /// The least people that a rule is written for
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub people_min: u32,

    /// What the policies say of those who leave
    #[arg(long, value_enum, default_value_t)]
    pub on_leave: OnLeave,

    /// How to print what was written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
