//! `seatkeeper history`: what became of operations, and the proof that nothing was changed.

use crate::cli::args::{Format, History};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::{Session, plan_id};
use crate::cli::ui::Ui;
use crate::ports::{HistoryFilter, Records as _};
use crate::report;

/// Lists outcomes, or checks the chain of them.
pub async fn run(args: &History, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_for_reading()?;
    if args.verify {
        return verify(&session, &store, args.format).await;
    }
    let filter = HistoryFilter {
        tenant: tenant.cloned(),
        user: args.user.as_deref().map(Into::into),
        plan: args.plan.as_deref().map(plan_id).transpose()?,
        limit: args.limit,
    };
    let entries = store.history(filter).await.map_err(|error| session.records_failure(error))?;
    match args.format {
        Format::Json => ui.result(&report::json::history_to_json(&entries))?,
        Format::Text if entries.is_empty() => ui.say("nothing is recorded that fits"),
        Format::Text => ui.result(&report::text::history(&entries, ui.style()))?,
    }
    Ok(Exit::Done)
}
