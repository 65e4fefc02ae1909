//! What `doctor` found, as JSON.

use crate::plan::permissions::Task;
use crate::report::diagnosis::{Check, Diagnosis, Finding};
use crate::report::json::FORMAT_VERSION;

/// Returns what was found about each tenant. A permission comes with the id of its app role, where it
/// is one that a policy may need.
pub fn diagnoses_to_json(diagnoses: &[Diagnosis]) -> String {
    let tenants: Vec<_> = diagnoses.iter().map(form).collect();
    super::pretty(&serde_json::json!({"format_version": FORMAT_VERSION, "tenants": tenants}))
}

fn form(diagnosis: &Diagnosis) -> serde_json::Value {
    let Diagnosis { tenant, tenant_id, mode, findings } = diagnosis;
    let (problems, warnings) = diagnosis.counts();
    let findings: Vec<_> = findings.iter().map(finding).collect();
    serde_json::json!({
        "tenant": tenant.as_str(), "tenant_id": tenant_id, "mode": mode, "problems": problems,
        "warnings": warnings, "findings": findings,
    })
}

fn finding(finding: &Finding) -> serde_json::Value {
    let Finding { check, verdict, subject, detail, hint } = finding;
    let mut form = serde_json::json!({
        "check": check.as_str(), "verdict": verdict.as_str(), "subject": subject,
        "detail": detail,
    });
    if let Some(hint) = hint {
        form["hint"] = hint.as_str().into();
    }
    let role = Task::ALL.into_iter().map(Task::least).find(|least| least.name == subject);
    if let Some(role) = role
        && *check == Check::Permission
    {
        form["app_role_id"] = role.id.into();
    }
    form
}
