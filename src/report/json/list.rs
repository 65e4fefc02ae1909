//! The list of plans and the history as JSON.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::names::TenantName;
use crate::plan::{Digest, OriginKind, PlanId, PlanState};
use crate::ports::{HistoryEntry, Outcome, OutcomeKind, PlanHead};
use crate::report::json::operation::OperationForm;
use crate::report::json::text::{AsWord, Text};

/// A line of the list of plans.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "PlanHead")]
pub(crate) struct HeadForm {
    id: Text<PlanId>,
    tenant: Text<TenantName>,
    state: AsWord<PlanState>,
    origin: AsWord<OriginKind>,
    created_at: Text<Timestamp>,
    operations: u64,
    people: u64,
}

/// What became of an operation.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Outcome")]
pub(crate) struct HistoryForm {
    tenant: Text<TenantName>,
    plan: Text<PlanId>,
    key: Text<Digest>,
    outcome: AsWord<OutcomeKind>,
    at: Text<Timestamp>,
    detail: String,
    code: Option<Arc<str>>,
    request_id: Option<Arc<str>>,
    recovered: bool,
    approved_by: Option<Arc<str>>,
    operation: OperationForm,
}

impl From<&PlanHead> for HeadForm {
    fn from(head: &PlanHead) -> Self {
        let PlanHead { id, tenant, state, origin, created_at, operations, people } = head;
        Self {
            id: Text(*id),
            tenant: Text(tenant.clone()),
            state: AsWord(*state),
            origin: AsWord(*origin),
            created_at: Text(*created_at),
            operations: *operations,
            people: *people,
        }
    }
}

impl From<&HistoryEntry> for HistoryForm {
    fn from(entry: &HistoryEntry) -> Self {
        let HistoryEntry { tenant, outcome, operation, approved_by } = entry;
        let Outcome { plan, operation: key, kind, at, detail, code, request_id, recovered } =
            outcome;
        Self {
            tenant: Text(tenant.clone()),
            plan: Text(*plan),
            key: Text(*key),
            outcome: AsWord(*kind),
            at: Text(*at),
            detail: detail.clone(),
            code: code.clone(),
            request_id: request_id.clone(),
            recovered: *recovered,
            approved_by: approved_by.clone(),
            operation: operation.into(),
        }
    }
}
