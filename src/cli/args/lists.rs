//! Arguments of the commands that tell what there is and what was done.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::cli::args::{Common, Format, ListFormat};
use crate::domain::span::Span;
use crate::ports::OutcomeKind;

/// Arguments of `explain`
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// The user, by principal name or id
    pub user: String,

    /// The SKU, by part number or id [default: all there is something to say about]
    pub sku: Option<String>,

    /// Tell everything, also what does not decide
    #[arg(long)]
    pub all: bool,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `users`
#[derive(Args, Clone, Debug)]
pub struct Users {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Whose principal or display name contains this, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,

    /// Members of a group that policies name, nested groups included
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,

    /// Users in an on-premises OU, the subtree
    #[arg(long, value_name = "DN")]
    pub ou: Option<String>,

    /// Users whose principal name ends in this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,

    /// Users of an on-premises AD domain
    #[arg(long, value_name = "DOMAIN")]
    pub ad_domain: Option<String>,

    /// Users who hold a SKU, by part number or id
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,

    /// Users who hold no SKU
    #[arg(long, conflicts_with = "sku")]
    pub unlicensed: bool,

    /// Users listed in a CSV file, by a column `ObjectId` or `UserPrincipalName`
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// Arguments of `seats`
#[derive(Args, Clone, Debug)]
pub struct SeatsArgs {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// List the seats that could be used for somebody else, and who holds them
    #[arg(long)]
    pub reclaimable: bool,

    /// With --reclaimable: how long somebody must not have signed in
    #[arg(long, value_name = "SPAN", default_value = "90d", requires = "reclaimable")]
    pub inactive_for: Span,

    /// With --reclaimable: list everybody
    #[arg(long, requires = "reclaimable")]
    pub all: bool,

    /// How to print; csv with --reclaimable
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// Arguments of `ous`, `domains` and `groups`
#[derive(Args, Clone, Debug)]
pub struct Listing {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Read the tenant first, instead of answering from the last read
    #[arg(long)]
    pub refresh: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `history`
#[derive(Args, Clone, Debug)]
pub struct History {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// Of this user only, by id or part of the principal name
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// Of this plan only
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,

    /// Only outcomes of this kind; may be repeated
    #[arg(long, value_name = "KIND", value_parser = outcomes())]
    pub outcome: Vec<OutcomeKind>,

    /// The newest so many
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Prove that no record was changed or dropped
    #[arg(long, conflicts_with_all = ["user", "plan", "outcome", "limit", "journal"])]
    pub verify: bool,

    /// Print every record of the chain as a line of JSON, the oldest first, for a copy elsewhere
    #[arg(long, conflicts_with_all = ["user", "plan", "outcome", "limit", "format"])]
    pub journal: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: HistoryFormat,
}

/// How to print the history
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For programs that read line by line: an outcome each
    Jsonl,
}

/// Arguments of `status`
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Reads the words for outcomes.
fn outcomes() -> impl TypedValueParser<Value = OutcomeKind> {
    PossibleValuesParser::new(OutcomeKind::ALL.map(OutcomeKind::as_str))
        .map(|word| OutcomeKind::named(&word).expect("only words of outcomes come here"))
}
