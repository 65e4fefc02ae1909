//! `seatkeeper ous`: the on-premises OUs that hold users.

use crate::cli::args::{Format, Listing};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::plan::inventory;
use crate::report;

/// Lists OUs from the last read, or from a fresh one.
pub(crate) async fn run(args: &Listing, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let (snapshot, _) = session.snapshot(tenant, args.refresh, &policies, "seatkeeper ous").await?;
    let ous = inventory::ous(&snapshot);
    match args.format {
        Format::Json => ui.result(&report::json::ous_to_json(&ous))?,
        Format::Text if ous.is_empty() => ui.say("no user has an on-premises OU"),
        Format::Text => {
            ui.page(&report::text::ous(&ous, ui.sheet()))?;
            ui.say(&report::text::count(ous.len() as u64, "OU", "OUs"));
        }
    }
    Ok(Exit::Done)
}
