//! `seatkeeper history`: what became of operations, and the proof that nothing was changed.

use crate::cli::args::{History, HistoryFormat as Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::{Session, plan_id};
use crate::cli::ui::Ui;
use crate::domain::names::TenantName;
use crate::ports::{HistoryFilter, Records as _};
use crate::report;
use crate::report::text::count;
use crate::store::{Store, Verification};

/// Lists outcomes, or checks the chain of them.
pub(crate) async fn run(args: &History, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_for_reading()?;
    if args.verify {
        return verify(&session, &store, args.format).await;
    }
    if args.journal {
        return journal(&session, &store, tenant).await;
    }
    let filter = HistoryFilter {
        tenant: tenant.cloned(),
        user: args.user.as_deref().map(Into::into),
        plan: args.plan.as_deref().map(plan_id).transpose()?,
        outcomes: args.outcome.clone(),
        before: None,
        limit: args.limit,
    };
    let entries = store.history(filter).await.map_err(|error| session.records_failure(error))?;
    if args.format == Format::Text && args.user.is_none() {
        tell_open(&session, &store, tenant, args.plan.as_deref()).await?;
    }
    match args.format {
        Format::Json => ui.result(&report::json::history_to_json(&entries))?,
        Format::Jsonl if entries.is_empty() => {}
        Format::Jsonl => ui.result(&report::json::history_to_json_lines(&entries))?,
        Format::Text if entries.is_empty() => ui.say("nothing is recorded that fits"),
        Format::Text => ui.page(&report::text::history(&entries, ui.sheet()))?,
    }
    Ok(Exit::Done)
}

/// Checks the chain of outcomes.
async fn verify(session: &Session<'_>, store: &Store, format: Format) -> Outcome {
    let found = store.verify_history().await.map_err(|error| session.records_failure(error))?;
    let (exit, text, json) = match found {
        Verification::Whole { outcomes, records, head } => (
            Exit::Done,
            format!(
                "whole: {outcomes} outcomes in {records} records, none changed or dropped\n\
                 head: {head}"
            ),
            serde_json::json!({
                "whole": true, "outcomes": outcomes, "records": records, "head": head.to_string(),
            }),
        ),
        Verification::Broken { what } => (
            Exit::Unavailable,
            format!("broken: {what}"),
            serde_json::json!({"whole": false, "broken": what}),
        ),
    };
    match format {
        Format::Text => session.ui.result(&text)?,
        Format::Json | Format::Jsonl => session.ui.result(&json.to_string())?,
    }
    Ok(exit)
}

/// So many records are read at once.
const PAGE: u64 = 1_000;

/// Prints every record of the journal.
async fn journal(session: &Session<'_>, store: &Store, tenant: Option<&TenantName>) -> Outcome {
    let mut after = 0;
    loop {
        let page = store.journal(tenant, after, PAGE).await;
        let page = page.map_err(|error| session.records_failure(error))?;
        let Some(last) = page.last() else { return Ok(Exit::Done) };
        after = last.number;
        let lines: Vec<String> = page
            .iter()
            .map(|record| serde_json::to_string(record).expect("a record has text keys"))
            .collect();
        session.ui.result(&lines.join("\n"))?;
    }
}

/// Says what was sent and has no outcome yet.
async fn tell_open(
    session: &Session<'_>,
    store: &Store,
    tenant: Option<&TenantName>,
    plan: Option<&str>,
) -> Result<(), Failure> {
    let names = session.config.tenants.iter().map(|tenant| &tenant.name);
    for name in names.filter(|name| tenant.is_none_or(|only| only == *name)) {
        let open = store.open_plans(name).await.map_err(|error| session.records_failure(error))?;
        for open in open.iter().filter(|open| !open.intended.is_empty()) {
            let id = open.plan.id.to_string();
            if plan.is_none_or(|only| only == id) {
                let sent = count(open.intended.len() as u64, "operation", "operations");
                session.ui.say(&format!(
                    "of plan {id}, {sent} may have been sent and have no outcome yet"
                ));
            }
        }
    }
    Ok(())
}
