//! `seatkeeper plans`: the stored plans, newest first.

use crate::cli::args::{Format, Plans};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::ports::Records as _;
use crate::report;

/// Lists the stored plans.
pub(crate) async fn run(args: &Plans, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_for_reading()?;
    let plans = store.plans(tenant).await.map_err(|error| session.records_failure(error))?;
    match args.format {
        Format::Json => ui.result(&report::json::plans_to_json(&plans))?,
        Format::Text if plans.is_empty() => {
            ui.say("no plan is stored: `seatkeeper plan` makes one");
        }
        Format::Text => ui.page(&report::text::plans(&plans, ui.sheet()))?,
    }
    Ok(Exit::Done)
}
