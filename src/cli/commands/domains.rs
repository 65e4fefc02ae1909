//! `seatkeeper domains`: the domains that users are of.

use crate::cli::args::{Format, Listing};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::plan::inventory;
use crate::report;

/// Lists domains from the last read, or from a fresh one.
pub(crate) async fn run(args: &Listing, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let (snapshot, _) =
        session.snapshot(tenant, args.refresh, &policies, "seatkeeper domains").await?;
    let domains = inventory::domains(&snapshot);
    match args.format {
        Format::Json => ui.result(&report::json::domains_to_json(&domains))?,
        Format::Text if domains.is_empty() => ui.say("no user has a domain"),
        Format::Text => {
            ui.page(&report::text::domains(&domains, ui.sheet()))?;
            ui.say(&report::text::count(domains.len() as u64, "domain", "domains"));
        }
    }
    Ok(Exit::Done)
}
