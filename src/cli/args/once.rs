//! Arguments of the commands that ask for a change once.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{Common, Deciding, Format};

/// What becomes of a plan that is asked for once
#[derive(Args, Clone, Debug)]
pub struct Doing {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Make and show the plan, and leave it to `approve` and `apply`
    #[arg(long, conflicts_with_all = ["yes", "accept"])]
    pub plan_only: bool,

    /// How to print the plan
    #[arg(long, value_enum, default_value_t, requires_if("json", "plan_only"))]
    pub format: Format,

    /// Answer the question with yes; guards still hold
    #[arg(long)]
    pub yes: bool,

    /// Who decides, and why
    #[command(flatten)]
    pub deciding: Deciding,

    /// List everybody
    #[arg(long)]
    pub all: bool,
}

/// What `bulk` does
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BulkAction {
    /// Give SKUs
    Add,
    /// Give SKUs in exchange for others
    Replace,
    /// Take SKUs away
    Remove,
}

/// For whom
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// The users of a CSV file with a column `ObjectId` or `UserPrincipalName`
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// A user, by principal name or id; may be repeated
    #[arg(long, value_name = "USER")]
    pub user: Vec<String>,

    /// Members of a group, nested groups included
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,

    /// Users in an on-premises OU, the subtree
    #[arg(long, value_name = "DN")]
    pub ou: Option<String>,

    /// Users whose principal name ends in this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,

    /// Whose principal or display name contains this, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}

/// Arguments of `bulk`
#[derive(Args, Clone, Debug)]
pub struct Bulk {
    /// What to do
    #[arg(value_enum)]
    pub action: BulkAction,

    /// SKUs, by part number or id; `all` to remove every direct one
    #[arg(value_name = "SKU", required = true)]
    pub skus: Vec<String>,

    /// What `replace` takes in exchange: SKUs with commas between, or `all` other direct ones
    #[arg(long, value_name = "SKU,…|all", value_delimiter = ',')]
    #[arg(required_if_eq("action", "replace"))]
    pub replaces: Vec<String>,

    /// Set the users' usage location, too
    #[arg(long, value_name = "CC")]
    pub usage_location: Option<String>,

    /// For whom
    #[command(flatten)]
    pub whom: Whom,

    /// What becomes of the plan
    #[command(flatten)]
    pub doing: Doing,
}

/// Arguments of `revert`
#[derive(Args, Clone, Debug)]
pub struct Revert {
    /// The plan to take back
    pub plan: String,

    /// What becomes of the new plan
    #[command(flatten)]
    pub doing: Doing,
}
