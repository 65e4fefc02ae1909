//! `seatkeeper retry`: forgets what Graph refused and what somebody keeps changing back, so that the next
//! plan tries it again. Works on the store alone, beside a daemon too.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cli::args::Retry;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::domain::ids::UserId;
use crate::domain::names::TenantName;
use crate::plan::conflict::Lesson;
use crate::plan::ledger::{Ledger, LedgerChange};
use crate::plan::memory::MemoryChange;
use crate::ports::{HistoryFilter, OutcomeKind, Records as _, RecordsError};
use crate::report::text::count;
use crate::store::Store;

/// Forgets, for the tenants that are asked for.
pub(crate) async fn run(args: &Retry, ui: &Ui) -> Outcome {
    let session = Session::open(&args.common.config, ui, 0)?;
    let store = session.store_of_records()?;
    let mut forgotten = 0;
    for tenant in session.tenants(args.common.tenant.as_deref())? {
        let tenant = &tenant.name;
        let found = if args.all { Ok(None) } else { users(&store, tenant, args).await.map(Some) };
        let users = found.map_err(|error| session.records_failure(error))?;
        let changes = changes(&store, tenant, users.as_ref()).await;
        let changes = changes.map_err(|error| session.records_failure(error))?;
        forgotten += changes.len() as u64;
        let done = store.observe(tenant, changes).await;
        done.map_err(|error| session.records_failure(error))?;
    }
    if forgotten == 0 && !args.all {
        return Err(Failure::text(Exit::Usage, "nothing is left alone for these users").hint(
            "`seatkeeper plan` lists what is blocked as refused or contested, and for whom",
        ));
    }
    let what = count(forgotten, "entry", "entries");
    ui.result(&format!("{what} forgotten; the next plan tries again"))?;
    Ok(Exit::Done)
}

/// Returns the users who are named, as the last read knows them.
async fn users(
    store: &Store,
    tenant: &TenantName,
    args: &Retry,
) -> Result<BTreeSet<UserId>, RecordsError> {
    let snapshot = store.snapshot(tenant).await?;
    let named = |written: &String| {
        let by_name = || {
            let mut users = snapshot.as_ref()?.users().iter();
            let found = users.find(|user| user.principal_name.eq_ignore_ascii_case(written))?;
            Some(found.id)
        };
        written.parse::<UserId>().ok().or_else(by_name)
    };
    Ok(args.users.iter().filter_map(named).collect())
}

/// Returns what has to change so that everything is tried again for users, or for everybody.
async fn changes(
    store: &Store,
    tenant: &TenantName,
    users: Option<&BTreeSet<UserId>>,
) -> Result<Vec<LedgerChange>, RecordsError> {
    let Ledger { memory, lessons, .. } = Arc::unwrap_or_clone(store.ledger(tenant).await?);
    let is_meant = |user: UserId| users.is_none_or(|users| users.contains(&user));
    let refused = memory.refusals.iter().filter(|(_, refused)| is_meant(refused.user));
    let pardons = refused.map(|(key, _)| MemoryChange::Pardon(*key));
    let set = memory.assertions.keys().filter(|(user, _)| is_meant(*user));
    let settled = set.map(|(user, sku)| MemoryChange::Settle(*user, *sku));
    let mut changes: Vec<LedgerChange> = pardons.chain(settled).map(LedgerChange::from).collect();
    match users {
        None => changes.extend(lessons.into_iter().map(LedgerChange::Unlearn)),
        Some(users) => {
            let taught = taught_by(store, tenant, users).await?;
            let known = lessons.into_iter().filter(|lesson| taught.contains(lesson));
            changes.extend(known.map(LedgerChange::Unlearn));
        }
    }
    Ok(changes)
}

/// Returns what refusals of these users taught.
async fn taught_by(
    store: &Store,
    tenant: &TenantName,
    users: &BTreeSet<UserId>,
) -> Result<BTreeSet<Lesson>, RecordsError> {
    let mut taught = BTreeSet::new();
    for user in users {
        let filter = HistoryFilter {
            tenant: Some(tenant.clone()),
            user: Some(user.to_string().into()),
            ..HistoryFilter::default()
        };
        let outcomes = store.history(filter).await?.into_iter().map(|entry| entry.outcome);
        let refused = outcomes.filter(|outcome| outcome.kind == OutcomeKind::Refused);
        taught.extend(refused.filter_map(|outcome| Lesson::from_refusal(&outcome.detail)));
    }
    Ok(taught)
}
