//! Whether records can be read and kept.

use std::path::Path;
use std::sync::Arc;

use crate::config::Tenant;
use crate::domain::snapshot::Snapshot;
use crate::ports::Records as _;
use crate::report::diagnosis::{Check, Finding, Verdict};
use crate::store::lock::holder;
use crate::store::{Store, StoreError, Verification};

/// Less room than this is worth a word: a snapshot of 100,000 users and its copy fit in.
const FREE_MIN: u64 = 256 * 1024 * 1024;

/// Looks at the store. Returns the tenant as it was read last, too, where it ever was.
pub(super) async fn examine(
    state: &Path,
    tenant: &Tenant,
) -> (Vec<Finding>, Option<Arc<Snapshot>>) {
    let name = state.display().to_string();
    let about = |verdict, detail: String| Finding::new(Check::Store, verdict, &name, detail);
    let mut seen = None;
    let mut findings = vec![match Store::open_reading(state) {
        Ok(store) => {
            if let Ok(Some(snapshot)) = store.snapshot(&tenant.name).await {
                seen = Some(Arc::new(snapshot));
            }
            match store.verify_history().await {
                Ok(Verification::Whole { outcomes, records, head: _ }) => about(
                    Verdict::Good,
                    format!(
                        "opens, and its chain is whole: {records} records, {outcomes} outcomes"
                    ),
                ),
                Ok(Verification::Broken { what }) => {
                    about(Verdict::Failed, format!("its chain is broken: {what}")).hint(
                        "keep a copy for whoever looks into it; `seatkeeper history --verify`",
                    )
                }
                Err(error) => about(Verdict::Failed, error.to_string()),
            }
        }
        Err(error @ StoreError::NoStore { .. }) => match writable(state) {
            Ok(()) => {
                about(Verdict::Note, "nothing is stored yet; the first plan makes it".to_owned())
            }
            Err(why) => about(Verdict::Failed, format!("{error}, and none can be made: {why}"))
                .hint("make the directory for the account that runs seatkeeper, or change `state`"),
        },
        Err(error @ StoreError::Older { .. }) => {
            about(Verdict::Note, format!("{error}; the next plan does that, after a copy"))
        }
        Err(error) => {
            let hint = error.hint();
            let finding = about(Verdict::Failed, error.to_string());
            match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            }
        }
    }];
    findings.extend(room(state));
    findings.extend(at_work(state, tenant));
    (findings, seen)
}

/// Whether a directory is there, or can be made, by this account. Nothing is written.
fn writable(state: &Path) -> Result<(), String> {
    let there = state.ancestors().find(|path| path.exists() || path.as_os_str().is_empty());
    let there = there.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(format!("`{}` is no directory", there.display()));
    }
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|error| format!("`{}`: {error}", there.display()))
}

fn room(state: &Path) -> Option<Finding> {
    let there = state.ancestors().find(|path| path.exists())?;
    let about = rustix::fs::statvfs(there).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let detail = format!("{} MiB are free", free / 1024 / 1024);
    let about = |verdict| Finding::new(Check::Store, verdict, "disk", &detail);
    Some(if free < FREE_MIN {
        about(Verdict::Warning).hint("make room: what cannot be recorded is not carried out")
    } else {
        about(Verdict::Good)
    })
}

fn at_work(state: &Path, tenant: &Tenant) -> Option<Finding> {
    let about = |verdict, detail| Finding::new(Check::Store, verdict, "lock", detail);
    if !state.exists() {
        return None;
    }
    match holder(state, &tenant.name) {
        Ok(None) => None,
        Ok(Some(holder)) => Some(about(
            Verdict::Note,
            format!("{} is at work on this tenant (process {})", holder.command, holder.pid),
        )),
        Err(error) => Some(about(Verdict::Failed, error.to_string()).hint(error.hint())),
    }
}
