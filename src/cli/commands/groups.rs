//! `seatkeeper groups`: the groups, who names them and what they carry.

use crate::cli::args::{Format, Listing};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::plan::inventory;
use crate::report;

/// Lists groups from the last read, or from a fresh one.
pub(crate) async fn run(args: &Listing, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let (snapshot, _) =
        session.snapshot(tenant, args.refresh, &policies, "seatkeeper groups").await?;
    let groups = inventory::groups(&snapshot, &policies.policies.set, &tenant.name);
    match args.format {
        Format::Json => ui.result(&report::json::groups_to_json(&groups))?,
        Format::Text if groups.is_empty() => ui.say("the tenant has no group"),
        Format::Text => {
            ui.page(&report::text::groups(&groups, ui.sheet()))?;
            ui.say(&report::text::count(groups.len() as u64, "group", "groups"));
        }
    }
    Ok(Exit::Done)
}
