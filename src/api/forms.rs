//! What is sent and answered beside the published forms of plans and outcomes.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::names::TenantName;
use crate::plan::{Digest, GuardName, PlanId, PlanState};
use crate::ports::desk::{Activity, Pause};
use crate::report::json::text::{AsWord, Text};
use crate::report::json::{HeadForm, HistoryForm, UserForm};
use crate::report::text::time;

/// Whether the daemon lives.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Health")]
pub(super) struct HealthForm {
    /// Always true: else there is another answer, or none.
    pub(super) alive: bool,
}

/// Whether every tenant had a complete cycle lately.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Readiness")]
pub(super) struct ReadinessForm {
    /// Always true: else there is another answer.
    pub(super) ready: bool,
    /// The tenants. Absent where whoever asks need not know them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenants: Option<Vec<TenantReadinessForm>>,
}

/// Whether a tenant had a complete cycle lately.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "TenantReadiness")]
pub(super) struct TenantReadinessForm {
    /// The tenant.
    pub(super) tenant: Text<TenantName>,
    /// Whether it had.
    pub(super) ready: bool,
    /// Why not.
    pub(super) because: Option<String>,
}

/// Where the daemon and its tenants stand.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Status")]
pub(super) struct StatusForm {
    /// The version of the published form.
    pub(super) format_version: u64,
    /// The version of the program.
    pub(super) version: Arc<str>,
    /// When the daemon started.
    pub(super) started_at: Text<Timestamp>,
    /// The tenants, by name.
    pub(super) tenants: Vec<TenantStatusForm>,
}

/// Where a tenant stands.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "TenantStatus")]
pub(super) struct TenantStatusForm {
    /// The tenant.
    pub(super) tenant: Text<TenantName>,
    /// Whether it had a complete cycle lately.
    pub(super) ready: bool,
    /// Why not.
    pub(super) not_ready_because: Option<String>,
    /// Who approves: `observe`, `approve` or `enforce`. Null before the daemon began with it.
    pub(super) mode: Option<Arc<str>>,
    /// What the daemon does.
    pub(super) activity: Option<AsWord<Activity>>,
    /// When the next cycle is due.
    pub(super) next_cycle: Option<Text<Timestamp>>,
    /// When a window next opens or closes.
    pub(super) next_turn: Option<Text<Timestamp>>,
    /// Why changes may not run now.
    pub(super) held_back: Option<Arc<str>>,
    /// The policies in force. Null before any were valid.
    pub(super) policies: Option<PoliciesForm>,
    /// Why the policy files are not in force, where they are invalid.
    pub(super) invalid_policies: Option<Arc<str>>,
    /// What in the policies in force does not fit the tenant and takes no part.
    pub(super) left_out: LeftOutForm,
    /// Why the settings in force are not those of the configuration file, where they are not.
    pub(super) outdated_configuration: Option<Arc<str>>,
    /// How many cycles have failed in a row.
    pub(super) failures: u64,
    /// Why the last cycle failed, where it did.
    pub(super) failure: Option<String>,
    /// When a cycle last began.
    pub(super) last_attempt: Option<Text<Timestamp>>,
    /// When a cycle last read the tenant whole and planned.
    pub(super) last_success: Option<Text<Timestamp>>,
    /// When a cycle last found nothing to do.
    pub(super) last_settled: Option<Text<Timestamp>>,
    /// The pause in force.
    pub(super) pause: Option<PauseForm>,
    /// Assignments that policies own.
    pub(super) owned_by_policies: u64,
    /// Plans that can still be decided, newest first.
    pub(super) waiting_for_a_person: Vec<HeadForm>,
}

/// Policies that do not fit the tenant: of a group or a SKU that is not there, for example.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "LeftOut")]
pub(super) struct LeftOutForm {
    /// How many problems there are.
    pub(super) problems: u64,
    /// The first of them, each as `FILE:LINE: what is wrong`.
    pub(super) first: Vec<Arc<str>>,
}

/// Policies in force.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "PoliciesInForce")]
pub(super) struct PoliciesForm {
    /// The digest of the files.
    pub(super) digest: Text<Digest>,
    /// The git commit that holds exactly these files.
    pub(super) commit: Option<Arc<str>>,
}

/// The list of plans.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "PlanPage")]
pub(super) struct PlanPageForm {
    /// The version of the published form.
    pub(super) format_version: u64,
    /// The plans, newest first.
    pub(super) plans: Vec<HeadForm>,
    /// What to send as `before` for those that follow. Null on the last page.
    pub(super) next: Option<Text<PlanId>>,
}

/// Which plans to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlansQuery {
    /// Of this tenant only.
    pub(super) tenant: Option<Text<TenantName>>,
    /// In this state only.
    pub(super) state: Option<AsWord<PlanState>>,
    /// Only plans that are older than this one: `next` of the page before.
    pub(super) before: Option<Text<PlanId>>,
    /// How many at most, from 1 to 1000. Default 100.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) limit: Option<u16>,
}

/// In which form a plan is told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanQuery {
    /// Default `json`.
    pub(super) format: Option<Format>,
}

/// A form.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Format {
    /// For programs.
    Json,
    /// For people.
    Text,
}

/// An approval. It binds to the operations of the plan that was looked at.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Approval")]
pub(super) struct ApprovalForm {
    /// The digest of the plan as it was looked at.
    pub(super) digest: Text<Digest>,
    /// The guards that hold the plan, each by its name, as a sign that it is meant.
    #[serde(default)]
    pub(super) accept: Vec<AsWord<GuardName>>,
    /// Why. Needed where guards are accepted.
    #[schemars(length(max = 1000))]
    pub(super) reason: Option<String>,
}

/// A rejection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rejection")]
pub(super) struct RejectionForm {
    /// The digest of the plan as it was looked at.
    pub(super) digest: Text<Digest>,
    /// Why.
    #[schemars(length(max = 1000))]
    pub(super) reason: Option<String>,
}

/// What was decided.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Decided")]
pub(super) struct DecidedForm {
    /// The plan.
    pub(super) plan: Text<PlanId>,
    /// Where it stands now.
    pub(super) state: AsWord<PlanState>,
    /// Who decided so.
    pub(super) by: Arc<str>,
    /// When.
    pub(super) at: Text<Timestamp>,
}

/// Which outcomes to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// Of this tenant only.
    pub(super) tenant: Option<Text<TenantName>>,
    /// Of this user only, by id or by a part of the principal name.
    pub(super) user: Option<String>,
    /// Of this plan only.
    pub(super) plan: Option<Text<PlanId>>,
    /// Only what was recorded before: `next` of the page before.
    pub(super) before: Option<String>,
    /// How many at most, from 1 to 1000. Default 100.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) limit: Option<u16>,
}

/// Outcomes.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "HistoryPage")]
pub(super) struct HistoryPageForm {
    /// The version of the published form.
    pub(super) format_version: u64,
    /// The outcomes, newest first.
    pub(super) history: Vec<HistoryForm>,
    /// What to send as `before` for those that follow. Null on the last page.
    pub(super) next: Option<String>,
}

/// Which users to list. Who fits all of it is listed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersQuery {
    /// With this in the principal name or the display name, ignoring case.
    pub(super) search: Option<String>,
    /// Holding this SKU, by part number or id.
    pub(super) sku: Option<String>,
    /// In this group, by display name or id, nested groups included.
    pub(super) group: Option<String>,
    /// In this OU or below it.
    pub(super) ou: Option<String>,
    /// With this domain in the principal name.
    pub(super) domain: Option<String>,
    /// Of this on-premises domain.
    pub(super) ad_domain: Option<String>,
    /// Holding nothing at all.
    #[serde(default)]
    pub(super) unlicensed: bool,
    /// Only those behind this principal name: `next` of the page before.
    pub(super) after: Option<String>,
    /// How many at most, from 1 to 1000. Default 100.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) limit: Option<u16>,
}

/// Users and what they hold.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "UserPage")]
pub(super) struct UserPageForm<'a> {
    /// The version of the published form.
    pub(super) format_version: u64,
    /// When the tenant was read.
    pub(super) snapshot_taken_at: Text<Timestamp>,
    /// How many users fit, on whatever page.
    pub(super) matching: u64,
    /// The users, by principal name.
    pub(super) users: Vec<UserForm<'a>>,
    /// What to send as `after` for those that follow. Null on the last page.
    pub(super) next: Option<&'a str>,
}

/// What to explain.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainQuery {
    /// This SKU only, by part number or id.
    pub(super) sku: Option<String>,
    /// Default `json`.
    pub(super) format: Option<Format>,
}

/// A pause of all changes of a tenant. Observing goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PauseRequest")]
pub(super) struct PauseRequestForm {
    /// How long, such as `4h`. Either this or `until`.
    #[serde(rename = "for")]
    pub(super) length: Option<String>,
    /// Until when.
    pub(super) until: Option<Text<Timestamp>>,
    /// Why.
    #[schemars(length(min = 1, max = 1000))]
    pub(super) reason: String,
}

/// The pause in force for a tenant.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "PauseState")]
pub(super) struct PauseStateForm {
    /// The tenant.
    pub(super) tenant: Text<TenantName>,
    /// Whether changes are paused.
    pub(super) paused: bool,
    /// The pause: of several the longest.
    pub(super) pause: Option<PauseForm>,
}

/// A pause.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Pause")]
pub(super) struct PauseForm {
    /// The tenant. Null where it is for all.
    tenant: Option<Text<TenantName>>,
    /// Who paused.
    by: Arc<str>,
    /// Why.
    reason: Arc<str>,
    /// Since when.
    since: Text<Timestamp>,
    /// Until when, unless somebody resumes before.
    until: Text<Timestamp>,
}

impl PauseForm {
    /// Says the same in a sentence.
    pub(super) fn words(&self) -> String {
        let Self { tenant: _, by, reason, since: Text(since), until: Text(until) } = self;
        let (since, until) = (time(*since), time(*until));
        format!("Changes are paused until {until}, by {by} since {since}: {reason}")
    }
}

impl From<Pause> for PauseForm {
    fn from(pause: Pause) -> Self {
        let Pause { tenant, by, reason, since, until } = pause;
        Self { tenant: tenant.map(Text), by, reason, since: Text(since), until: Text(until) }
    }
}

/// A cycle that was asked for.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "CycleRequested")]
pub(super) struct CycleForm {
    /// The tenant.
    pub(super) tenant: Text<TenantName>,
    /// Always true: it begins as soon as the tenant's loop is free, once for all who asked meanwhile.
    pub(super) requested: bool,
}
