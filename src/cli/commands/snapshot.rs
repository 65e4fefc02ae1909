//! `seatkeeper snapshot`: writes the tenant to a file, for plans without network.

use std::sync::Arc;

use crate::cli::args::SnapshotArgs;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::export;
use crate::cli::session::{Beside, Session};
use crate::cli::ui::Ui;
use crate::config::Tenant;
use crate::domain::group::Membership;
use crate::domain::snapshot::Snapshot;
use crate::ports::Records as _;
use crate::report::text::{count, time};
use crate::store::Store;
use crate::store::export::Export;

/// Writes what a plan follows from beside policies and settings.
pub(crate) async fn run(args: &SnapshotArgs, ui: &Ui, verbose: u8) -> Outcome {
    export::refuse_terminal(&args.out)?;
    let session = Session::open(&args.common.config, ui, verbose)?;
    let tenant = session.one(args.common.tenant.as_deref())?;
    let (snapshot, store) = if args.stored {
        stored(&session, tenant).await?
    } else {
        let policies = session.policies()?;
        let beside = if args.all_groups { Beside::AllGroups } else { Beside::Nothing };
        session.read_anew(tenant, &policies, &beside, "seatkeeper snapshot").await?
    };
    let ledger =
        store.ledger(&tenant.name).await.map_err(|error| session.records_failure(error))?;
    let snapshot = Arc::unwrap_or_clone(snapshot);
    let export =
        Export { tenant: tenant.name.clone(), snapshot, ledger: Arc::unwrap_or_clone(ledger) };
    let bytes = export::write(&args.out, &export)?;
    ui.say(&written(&export, bytes));
    Ok(Exit::Done)
}

/// Returns the last read.
async fn stored(session: &Session<'_>, tenant: &Tenant) -> Result<(Arc<Snapshot>, Store), Failure> {
    let store = session.store_for_reading()?;
    let kept =
        store.snapshot(&tenant.name).await.map_err(|error| session.records_failure(error))?;
    let snapshot = kept.ok_or_else(|| {
        let message = format!("no read of tenant `{}` is stored", tenant.name);
        Failure::text(Exit::Unavailable, message).hint("leave --stored out: it is read then")
    })?;
    Ok((Arc::new(snapshot), store))
}

fn written(export: &Export, bytes: usize) -> String {
    let Export { tenant, snapshot, ledger } = export;
    let groups = snapshot.groups().iter();
    let read = groups.filter(|group| !matches!(group.membership, Membership::NotRead)).count();
    format!(
        "tenant {tenant} as read {}: {}, the members of {} of {}, {} owned; {}\n\
         it names people: keep it where you would keep a list of them",
        time(snapshot.taken_at()),
        count(snapshot.users().len() as u64, "user", "users"),
        read,
        count(snapshot.groups().len() as u64, "group", "groups"),
        count(ledger.owners.len() as u64, "assignment", "assignments"),
        size(bytes),
    )
}

/// Prints a size as people say it.
fn size(bytes: usize) -> String {
    let kibibytes = bytes.div_ceil(1024);
    if kibibytes < 10 * 1024 {
        format!("{kibibytes} KiB")
    } else {
        format!("{} MiB", kibibytes.div_ceil(1024))
    }
}
