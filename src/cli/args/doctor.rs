//! Arguments of `doctor`.

use clap::Args;

use crate::cli::args::{Common, Format};

/// Arguments of `doctor`
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// Which configuration and tenant
    #[command(flatten)]
    pub common: Common,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
