//! `seatkeeper history`: what became of operations, and the proof that nothing was changed.

use crate::cli::args::{Format, History};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::{Session, plan_id};
use crate::cli::ui::Ui;
use crate::ports::{HistoryFilter, Records as _};
use crate::report;
use crate::store::{Store, Verification};

/// Lists outcomes, or checks the chain of them.
pub(crate) async fn run(args: &History, ui: &Ui) -> Outcome {
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
        before: None,
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

/// Checks the chain of outcomes.
async fn verify(session: &Session<'_>, store: &Store, format: Format) -> Outcome {
    let found = store.verify_history().await.map_err(|error| session.records_failure(error))?;
    let (exit, text, json) = match found {
        Verification::Whole { outcomes, head } => (
            Exit::Done,
            format!("whole: {outcomes} outcomes, none changed or dropped\nhead: {head}"),
            serde_json::json!({"whole": true, "outcomes": outcomes, "head": head.to_string()}),
        ),
        Verification::Broken { plan, operation } => (
            Exit::Unavailable,
            format!(
                "broken: the outcome of operation {operation} of plan {plan} is not what was \
                 recorded, or one before it is missing"
            ),
            serde_json::json!({
                "whole": false, "plan": plan.to_string(), "operation": operation.to_string(),
            }),
        ),
    };
    match format {
        Format::Text => session.ui.result(&text)?,
        Format::Json => session.ui.result(&json.to_string())?,
    }
    Ok(exit)
}
