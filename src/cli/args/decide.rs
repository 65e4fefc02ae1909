//! Arguments of the commands that decide what runs.

use clap::Args;

use crate::cli::args::Common;

/// Who decides, and why
#[derive(Args, Clone, Debug, Default)]
pub struct Deciding {
    /// Accept a guard that tripped, by its name; may be repeated
    #[arg(long = "accept", value_name = "GUARD")]
    pub accept: Vec<String>,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Who decides [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `approve`
#[derive(Args, Clone, Debug)]
pub struct Approve {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan
    pub plan: String,

    /// Who decides, and why
    #[command(flatten)]
    pub deciding: Deciding,
}

/// Arguments of `reject`
#[derive(Args, Clone, Debug)]
pub struct Reject {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan
    pub plan: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Who decides [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `retry`
#[derive(Args, Clone, Debug)]
pub struct Retry {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// For whom, by principal name or object id
    #[arg(value_name = "USER", required_unless_present = "all")]
    pub users: Vec<String>,

    /// For everybody
    #[arg(long, conflicts_with = "users")]
    pub all: bool,
}

/// Arguments of `apply`
#[derive(Args, Clone, Debug)]
pub struct Apply {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The plan [default: plan anew]
    pub plan: Option<String>,

    /// Answer the question with yes; guards still hold
    #[arg(long)]
    pub yes: bool,

    /// Who decides, and why
    #[command(flatten)]
    pub deciding: Deciding,

    /// List everybody
    #[arg(long)]
    pub all: bool,

    /// Leave out policies that do not fit the tenant instead of refusing; nothing they own is removed
    #[arg(long)]
    pub leave_out_misfits: bool,
}

/// Arguments of `pause`
#[derive(Args, Clone, Debug)]
pub struct Pause {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// For how long, such as 4h; at most 30d
    #[arg(long = "for", value_name = "SPAN")]
    pub length: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Who pauses [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `resume`
#[derive(Args, Clone, Debug)]
pub struct Resume {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Who resumes [default: the user at work]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
