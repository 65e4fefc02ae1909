//! `seatkeeper seats`: per SKU, how many seats there are, are left, are waited for, could be freed.

use jiff::Timestamp;

use crate::cli::args::{ListFormat, SeatsArgs};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::{Beside, Session};
use crate::cli::ui::Ui;
use crate::plan::forecast::LOOKED_AT;
use crate::plan::inventory;
use crate::plan::make::{Inputs, make};
use crate::plan::reclaim::{Ladders, reclaimable};
use crate::plan::{Asked, Trigger};
use crate::ports::{Clock as _, Records as _};
use crate::report;

/// So many seats are listed one by one before the rest is counted.
const LISTED_MAX: usize = 50;

/// Lists the seats of every SKU from the last read, or from a fresh one.
pub(crate) async fn run(args: &SeatsArgs, ui: &Ui, verbose: u8) -> Outcome {
    if args.format == ListFormat::Csv && !args.reclaimable {
        let message = "--format csv is for --reclaimable";
        return Err(Failure::text(Exit::Usage, message).hint("--format json has all counts"));
    }
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let command = "seatkeeper seats";
    let (snapshot, store) = if args.refresh && args.reclaimable {
        session.read_anew(tenant, &policies, &Beside::SignIns, command).await?
    } else {
        session.snapshot(tenant, args.refresh, &policies, command).await?
    };
    for sku in tenant.settings.prices_of_nothing(snapshot.catalogue()) {
        ui.say(&format!("warning: `prices` has `{sku}`, and the tenant has no such SKU: mend its name, or leave it out"));
    }
    let now = SystemClock.now();
    let ladders = Ladders::of(&policies.policies.set, &tenant.name, snapshot.catalogue());
    if args.reclaimable {
        let seats = reclaimable(&snapshot, &tenant.settings, &ladders, args.inactive_for, now);
        let most = if args.all { usize::MAX } else { LISTED_MAX };
        let sign_ins = &snapshot.sign_ins().extent;
        if let Some(why) = report::text::unseen(sign_ins) {
            ui.say(&format!("who is inactive is not known: {why}"));
        }
        match args.format {
            ListFormat::Json => ui.result(&report::json::reclaimable_to_json(&seats, sign_ins))?,
            ListFormat::Csv => ui.result(&report::csv::reclaimable(&seats))?,
            ListFormat::Text => {
                ui.page(&report::text::reclaimable(&seats, sign_ins, most, ui.sheet()))?;
            }
        }
        return Ok(Exit::Done);
    }
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
        now,
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
    let since = now.saturating_sub(LOOKED_AT).unwrap_or(Timestamp::MIN);
    let history = store.seat_history(&tenant.name, since).await;
    let history = history.map_err(|error| session.records_failure(error))?;
    let seats =
        inventory::seats(&snapshot, &tenant.settings, &ladders, &planned.plan, &history, now);
    match args.format {
        ListFormat::Json => ui.result(&report::json::seats_to_json(&seats))?,
        ListFormat::Text | ListFormat::Csv => ui.page(&report::text::seats(&seats, ui.sheet()))?,
    }
    Ok(Exit::Done)
}
