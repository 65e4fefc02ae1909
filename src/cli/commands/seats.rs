//! `seatkeeper seats`: per SKU, how many seats there are, are left, are waited for, could be freed.

use jiff::Timestamp;

use crate::cli::args::{Format, Listing};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::plan::forecast::LOOKED_AT;
use crate::plan::inventory;
use crate::plan::make::{Inputs, make};
use crate::plan::{Asked, Trigger};
use crate::ports::{Clock as _, Records as _};
use crate::report;

/// Lists the seats of every SKU from the last read, or from a fresh one.
pub(crate) async fn run(args: &Listing, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let (snapshot, store) =
        session.snapshot(tenant, args.refresh, &policies, "seatkeeper seats").await?;
    let ledger =
        store.ledger(&tenant.name).await.map_err(|error| session.records_failure(error))?;
    let inputs = Inputs {
        tenant: &tenant.name,
        policies: &policies.policies.set,
        policy_digest: policies.policies.digest,
        policy_commit: policies.policies.commit.as_ref(),
        settings: &tenant.settings,
        snapshot: &snapshot,
        ledger: &ledger,
        now: SystemClock.now(),
        trigger: Trigger::Person,
        asked: Asked::Policies,
    };
    let planned = make(&inputs).map_err(|problems| {
        session.show_problems(&problems, &policies);
        Failure::text(Exit::Invalid, "the settings do not fit the tenant")
    })?;
    if !planned.problems.is_empty() {
        session.show_problems(&planned.problems, &policies);
        ui.say("who waits is counted without the policies that do not fit the tenant");
    }
    let since = inputs.now.saturating_sub(LOOKED_AT).unwrap_or(Timestamp::MIN);
    let history = store.seat_history(&tenant.name, since).await;
    let history = history.map_err(|error| session.records_failure(error))?;
    let seats = inventory::seats(&snapshot, &tenant.settings, &planned.plan, &history, inputs.now);
    match args.format {
        Format::Json => ui.result(&report::json::seats_to_json(&seats))?,
        Format::Text => ui.result(&report::text::seats(&seats, ui.style()))?,
    }
    Ok(Exit::Done)
}
