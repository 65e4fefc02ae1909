//! `seatkeeper revert`: a new plan that puts users back as they were before another.

use crate::cli::args::Revert;
use crate::cli::commands::apply::once;
use crate::cli::exit::Outcome;
use crate::cli::session::{Session, plan_id};
use crate::cli::ui::Ui;
use crate::engine::once::Once;
use crate::ports::Records as _;

/// Plans what takes a plan back, and applies it where a person says so.
pub(crate) async fn run(args: &Revert, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.doing.common.config, ui, verbose)?;
    let asked = session.one_or_any(args.doing.common.tenant.as_deref())?;
    let id = plan_id(&args.plan)?;
    let stored = {
        let store = session.store_for_reading()?;
        let found = store.plan(asked, Some(id)).await;
        found.map_err(|error| session.records_failure(error))?
    };
    let stored = stored.ok_or_else(|| session.no_plan(Some(&args.plan)))?;
    let tenant = session.one(Some(stored.plan.tenant.as_str()))?;
    once(&session, tenant, &args.doing, &Once::Revert(id), "seatkeeper revert").await
}
