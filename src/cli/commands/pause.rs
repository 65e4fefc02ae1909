//! `seatkeeper pause` and `resume`: changes stop, observing goes on.

use crate::cli::args::{Pause, Resume};
use crate::cli::clock::SystemClock;
use crate::cli::commands::decide::by;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::domain::names::TenantName;
use crate::domain::span::Span;
use crate::ports::Clock as _;
use crate::ports::desk::{self, Desk as _};

/// The longest pause: whoever needs more wants `mode: observe`.
const LONGEST: Span = Span::days(30);

/// Begins a pause.
pub(crate) async fn pause(args: &Pause, ui: &Ui) -> Outcome {
    let usage = |message: String| Failure::text(Exit::Usage, message);
    let length: Span = args.length.parse().map_err(|error| Failure::new(Exit::Usage, error))?;
    if length == Span::ZERO || length > LONGEST {
        return Err(usage(format!("a pause is longer than 0 and at most {LONGEST}"))
            .hint("to change nothing for good, set `mode: observe`"));
    }
    if args.reason.trim().is_empty() {
        return Err(usage("a pause has a reason".to_owned()).hint("add --reason \"…\""));
    }
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let since = SystemClock.now();
    let pause = desk::Pause {
        tenant: tenant.cloned(),
        by: by(args.by.as_deref()),
        reason: args.reason.as_str().into(),
        since,
        until: length.after(since),
    };
    let until = pause.until;
    let store = session.store()?;
    store.pause(pause).await.map_err(|error| session.records_failure(error))?;
    ui.result(&format!("changes of {} stop until {until:.0}", whose(tenant)))?;
    ui.say("what is in flight is finished; observing goes on; to end it: seatkeeper resume");
    Ok(Exit::Done)
}

/// Ends a pause.
pub(crate) async fn resume(args: &Resume, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let tenant = session.one_or_any(args.common.tenant.as_deref())?;
    let store = session.store_of_records()?;
    let (by, now) = (by(args.by.as_deref()), SystemClock.now());
    let failed = |error| session.records_failure(error);
    let mut ended = store.resume(tenant, by.clone(), now).await.map_err(failed)?;
    if tenant.is_none() {
        // Whoever resumes everything means every tenant.
        for tenant in &session.config.tenants {
            ended += store.resume(Some(&tenant.name), by.clone(), now).await.map_err(failed)?;
        }
    }
    if ended == 0 {
        ui.result(&format!("{} was not paused", whose(tenant)))?;
    } else {
        ui.result(&format!("changes of {} may run again", whose(tenant)))?;
    }
    if let Some(tenant) = tenant
        && store.paused(tenant, now).await.map_err(failed)?.is_some()
    {
        ui.say("all tenants are paused still: seatkeeper resume without --tenant");
    }
    Ok(Exit::Done)
}

fn whose(tenant: Option<&TenantName>) -> String {
    tenant.map_or_else(|| "all tenants".to_owned(), |tenant| format!("tenant {tenant}"))
}
