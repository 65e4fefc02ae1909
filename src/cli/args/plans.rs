//! Arguments of the commands that make and show plans.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{Common, Format, PlanFormat};

/// Arguments of `plan`
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct PlanArgs {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,

    /// Write the plan as JSON to a file, too
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Exit with 0 for nothing to do, 2 for changes, 3 for a held plan
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Plan from a file that `snapshot` wrote (- for stdin), without network or store
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// Show only what the policies change against those of another version; stores nothing
    #[arg(long, value_name = "DIR")]
    pub baseline: Option<PathBuf>,

    /// Show the plan as it would be on a date or at an instant (RFC 3339); stores nothing
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,

    /// List everybody
    #[arg(long)]
    pub all: bool,

    /// Show nobody's name: `user-` and the beginning of the object id instead
    #[arg(long)]
    pub redact: bool,

    /// Leave out policies that do not fit the tenant instead of refusing; nothing they own is removed
    #[arg(long)]
    pub leave_out_misfits: bool,
}

/// Arguments of `show`
#[derive(Args, Clone, Debug)]
pub struct Show {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan [default: the latest]
    pub plan: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,

    /// Show for each user what they have before and after, as a difference
    #[arg(long, conflicts_with = "format")]
    pub diff: bool,

    /// List everybody
    #[arg(long)]
    pub all: bool,

    /// Show nobody's name: `user-` and the beginning of the object id instead
    #[arg(long)]
    pub redact: bool,
}

/// Arguments of `plans`
#[derive(Args, Clone, Debug)]
pub struct Plans {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
