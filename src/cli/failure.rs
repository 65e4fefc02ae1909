//! What the layers below say went wrong, with how the process ends and what to do.

use crate::cli::exit::{Exit, Failure};
use crate::ports::TenantError;
use crate::store::StoreError;
use crate::store::lock::LockError;

/// Says why the store cannot be used.
pub(super) fn store_failure(error: StoreError) -> Failure {
    let hint = error.hint();
    let failure = Failure::new(Exit::Unavailable, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Says who is at work on a tenant.
pub(super) fn lock_failure(error: &LockError) -> Failure {
    let hint = error.hint();
    Failure::text(Exit::Unavailable, error.to_string()).hint(hint)
}

/// Says why a tenant cannot be read.
pub(super) fn tenant_failure(error: TenantError) -> Failure {
    let hint = tenant_hint(&error);
    let failure = Failure::new(Exit::Unavailable, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Returns what to do where a tenant cannot be read.
pub(super) fn tenant_hint(error: &TenantError) -> Option<String> {
    match error {
        TenantError::Secret { tenant: _, what, reason: _ } => {
            Some(format!("check `{}` in the configuration", what.replace(' ', "_")))
        }
        TenantError::SignIn { tenant: _, reason: _, hint }
        | TenantError::Forbidden { what: _, reason: _, hint }
        | TenantError::Unavailable { what: _, reason: _, hint }
        | TenantError::Malformed { what: _, reason: _, hint } => hint.clone(),
        TenantError::Clock { .. } => Some(
            "set the clock of this machine, as with NTP: graces and schedules follow it".to_owned(),
        ),
        TenantError::Incomplete(_) => Some("try again; nothing was concluded".to_owned()),
    }
}
