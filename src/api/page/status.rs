//! Where the daemon and its tenants stand.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;
use jiff::Timestamp;

use super::super::Shared;
use super::super::forms::{LeftOutForm, TenantStatusForm};
use super::super::problem::Problem;
use super::Visit;
use super::frame::{Frame, page};
use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};
use crate::report::json::text::Text;
use crate::report::text::time;
use crate::report::word::Word as _;

#[derive(Template)]
#[template(path = "status.html", config = ".askama.toml")]
struct Status {
    frame: Frame,
    version: Arc<str>,
    started: String,
    tenants: Vec<Standing>,
}

/// Where a tenant stands.
struct Standing {
    name: String,
    /// Why it is not ready, where it is not.
    not_ready: Option<String>,
    /// What needs a person or is out of order.
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    /// How many plans can be decided.
    waiting: usize,
}

/// Shows it.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let mut tenants = Vec::new();
    for (tenant, place) in shared.deps.board.places() {
        tenants.push(standing(shared.tenant_status(tenant, place).await?));
    }
    let version = Arc::clone(&shared.deps.version);
    let started = time(shared.deps.board.started_at);
    let frame = Frame::new("Status", "/status").of(visit.guest, visit.is_open);
    Ok(page(&Status { frame, version, started, tenants }))
}

fn standing(form: TenantStatusForm) -> Standing {
    let at = |at: Option<Text<Timestamp>>| at.map_or("never".to_owned(), |Text(at)| time(at));
    let next = |at: Option<Text<Timestamp>>| at.map_or("not known".to_owned(), |Text(at)| time(at));
    let TenantStatusForm {
        tenant: Text(tenant),
        ready: _,
        not_ready_because,
        mode,
        activity,
        next_cycle,
        next_turn,
        held_back,
        policies,
        invalid_policies,
        left_out,
        outdated_configuration,
        failures,
        failure,
        last_attempt,
        last_success,
        last_settled,
        pause,
        owned_by_policies,
        waiting_for_a_person,
    } = form;
    let failed = failure.map(|why| format!("The last cycle failed ({failures} in a row): {why}"));
    let invalid = invalid_policies.map(|why| format!("The policy files are not in force: {why}"));
    let outdated = outdated_configuration
        .map(|why| format!("The daemon goes by the configuration it started with: {why}"));
    let left_out = left_out_words(&left_out);
    let pause = pause.map(|pause| pause.words());
    let held_back = held_back.map(|why| format!("Changes may not run now: {why}"));
    let policies = policies.map_or("none yet".to_owned(), |policies| match policies.commit {
        Some(commit) => format!("commit {}", commit.get(..12).unwrap_or(&commit)),
        None => policies.digest.0.to_string().chars().take("sha256:".len() + 12).collect(),
    });
    let mut facts = vec![
        ("Mode", mode.map_or("not known".to_owned(), |mode| mode.to_string())),
        ("Does now", activity.map_or("not known", |activity| activity.0.word()).to_owned()),
        ("Next cycle", next(next_cycle)),
        ("Last cycle began", at(last_attempt)),
        ("Last complete cycle", at(last_success)),
        ("Last found nothing to do", at(last_settled)),
        ("Policies in force", policies),
        ("Assignments owned by policies", owned_by_policies.to_string()),
    ];
    facts.extend(next_turn.map(|Text(at)| ("A window opens or closes", time(at))));
    Standing {
        name: tenant.to_string(),
        not_ready: not_ready_because,
        warnings: [failed, invalid, outdated, pause, held_back]
            .into_iter()
            .flatten()
            .chain(left_out)
            .collect(),
        facts,
        waiting: waiting_for_a_person.len(),
    }
}

fn left_out_words(left_out: &LeftOutForm) -> Vec<String> {
    let LeftOutForm { problems, first } = left_out;
    let told =
        first.iter().map(|problem| format!("Takes no part, since it does not fit: {problem}"));
    let more = problems.saturating_sub(first.len() as u64);
    told.chain((more > 0).then(|| format!("{more} more do not fit the tenant."))).collect()
}
