//! `seatkeeper explain`: why a user has, lacks or will lose each SKU.

use std::sync::Arc;

use crate::cli::args::{Explain, Format};
use crate::cli::clock::SystemClock;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::domain::ids::{SkuId, UserId};
use crate::domain::snapshot::Snapshot;
use crate::plan::explain::explain;
use crate::plan::make::Inputs;
use crate::plan::{Asked, Trigger};
use crate::ports::{Clock as _, HistoryFilter, Records as _};
use crate::report;

/// Explains one user from the last read, or from a fresh one.
pub(crate) async fn run(args: &Explain, ui: &Ui, verbose: u8) -> Outcome {
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let policies = session.policies()?;
    let (snapshot, store) =
        session.snapshot(tenant, args.refresh, &policies, "seatkeeper explain").await?;
    let ledger =
        store.ledger(&tenant.name).await.map_err(|error| session.records_failure(error))?;
    let user = find_user(&snapshot, &args.user)?;
    let sku = args.sku.as_deref().map(|sku| find_sku(&snapshot, sku)).transpose()?;
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
    let explanation = explain(&inputs, user, sku).map_err(|problems| {
        session.show_problems(&problems, &policies);
        Failure::text(Exit::Invalid, "the settings do not fit the tenant")
    })?;
    let explanation = explanation.ok_or_else(|| no_user(&args.user))?;
    let filter = HistoryFilter {
        tenant: Some(tenant.name.clone()),
        user: Some(user.to_string().into()),
        ..HistoryFilter::default()
    };
    let history = store.history(filter).await.map_err(|error| session.records_failure(error))?;
    match args.format {
        Format::Text => {
            let style = ui.style();
            ui.page(&report::text::explanation(&explanation, &history, args.all, style))?;
        }
        Format::Json => ui.result(&report::json::explanation_to_json(&explanation, &history))?,
    }
    Ok(Exit::Done)
}

fn no_user(asked: &str) -> Failure {
    Failure::text(Exit::Usage, format!("the last read has no user `{asked}`"))
        .hint("`seatkeeper users --search TEXT` finds users; --refresh reads the tenant anew")
}

/// Finds a user by id or by principal name, ignoring case.
fn find_user(snapshot: &Arc<Snapshot>, asked: &str) -> Result<UserId, Failure> {
    let by_id = asked.parse::<UserId>().ok().filter(|id| snapshot.user(*id).is_some());
    let by_name = || {
        let name = asked.to_lowercase();
        snapshot.users().iter().find(|user| user.principal_name.to_lowercase() == name)
    };
    by_id.or_else(|| by_name().map(|user| user.id)).ok_or_else(|| no_user(asked))
}

/// Finds a SKU by id or by part number.
pub(crate) fn find_sku(snapshot: &Snapshot, asked: &str) -> Result<SkuId, Failure> {
    let by_id = asked.parse::<SkuId>().ok();
    let meant = |sku: &&crate::domain::sku::Sku| {
        by_id == Some(sku.id) || sku.part_number.eq_ignore_ascii_case(asked)
    };
    let skus = snapshot.catalogue().skus();
    skus.iter().find(meant).map(|sku| sku.id).or(by_id).ok_or_else(|| {
        let names: Vec<&str> = skus.iter().map(|sku| &*sku.part_number).collect();
        Failure::text(Exit::Usage, format!("the tenant has no SKU `{asked}`"))
            .hint(format!("it has {}", names.join(", ")))
    })
}
