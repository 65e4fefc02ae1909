//! `seatkeeper show`: a stored plan.

use crate::cli::args::Show;
use crate::cli::commands::plan::refuse_redacted_json;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::{Session, Shown, plan_id};
use crate::cli::ui::Ui;
use crate::plan::redact::redacted as redact;
use crate::ports::{HistoryFilter, Records as _};
use crate::report::text::Options;
use crate::report::text::diff::differences;
use crate::report::text::table::Sheet;

/// Shows a stored plan, or the latest.
pub(crate) async fn run(args: &Show, ui: &Ui) -> Outcome {
    refuse_redacted_json(args.format, args.redact)?;
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_for_reading()?;
    let id = args.plan.as_deref().map(plan_id).transpose()?;
    let found = store.plan(tenant, id).await.map_err(|error| session.records_failure(error))?;
    let stored = found.ok_or_else(|| session.no_plan(args.plan.as_deref()))?;
    if args.diff {
        let redacted;
        let plan = if args.redact {
            redacted = redact(&stored.plan);
            &redacted
        } else {
            &stored.plan
        };
        let Sheet { style, width } = ui.sheet();
        let options = Options { style, all: args.all, width };
        ui.page(&differences(plan, stored.state, options))?;
        return Ok(Exit::Done);
    }
    let shown = Shown { format: args.format, all: args.all, redact: args.redact, paged: true };
    let outcomes = if stored.state.was_carried_out() {
        let filter = HistoryFilter { plan: Some(stored.plan.id), ..HistoryFilter::default() };
        store.history(filter).await.map_err(|error| session.records_failure(error))?
    } else {
        Vec::new()
    };
    session.show_plan(&stored, &outcomes, shown)?;
    Ok(Exit::Done)
}
