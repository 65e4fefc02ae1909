//! A plan: what it does, the grave first, and the forms that decide on it.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::super::Shared;
use super::super::plans::{Deciding, REASON_MAX};
use super::super::problem::{Kind as ProblemKind, Problem};
use super::frame::{Frame, page};
use super::{Visit, encode, see_other};
use crate::plan::guard::tripped;
use crate::plan::{Digest, GuardName, Kind, PlanId, PlanState, Verdict};
use crate::ports::desk::Desk;
use crate::ports::{Clock, HistoryFilter, Records, StoredPlan};
use crate::report::html::sections::{Filter, Group, choices};
use crate::report::html::view::View;
use crate::report::html::{ADOPTED_MAX, LISTED_MAX};
use crate::report::text::{became, count};
use crate::report::word::Word;

/// How many people are on a page of one group.
const PAGE: usize = 200;
/// Of plans of so many operations the outcomes are counted.
const BECAME_MAX: usize = 20_000;
/// How many people are on a page of a plan.
const PEOPLE_MAX: usize = 1_000;
/// How many groups are on a page of a plan.
const GROUPS_MAX: usize = 300;

#[derive(Template)]
#[template(path = "plan.html", config = ".askama.toml")]
struct PlanPage<'a> {
    frame: Frame,
    plan: View<'a>,
    decision: Decision,
    choices: Choices<'a>,
    /// How many entries fit, where not all are asked for.
    found: Option<String>,
    pager: Option<Pager>,
    reason_max: usize,
}

/// What can be decided.
struct Decision {
    form: String,
    digest: String,
    can_approve: bool,
    can_reject: bool,
    /// Why not, where not.
    note: Option<&'static str>,
    /// What happens next, where that is not for a person to do.
    next: Option<&'static str>,
    /// The plan that took its place.
    successor: Option<PlanId>,
    /// The guards to accept, each with its sums.
    guards: Vec<(&'static str, Vec<String>)>,
}

/// What the plan can be narrowed to, and what it is.
struct Choices<'a> {
    search: String,
    kinds: Vec<(&'static str, bool)>,
    policies: Vec<(&'a str, bool)>,
    skus: Vec<(&'a str, bool)>,
    is_active: bool,
}

/// Where in a long group the page is.
struct Pager {
    words: String,
    before: Option<String>,
    after: Option<String>,
}

/// Shows a plan.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let id = visit.plan()?;
    let filter = filter(&visit)?;
    let at: usize = visit.query.parsed("page")?.unwrap_or(1).max(1);
    let turn = shared.turn().await;
    let stored = shared.stored(id).await?;
    let is_over = shared.deps.clock.now() >= stored.plan.expires_at;
    let place = shared.deps.board.place(&stored.plan.tenant);
    let report = place.and_then(|place| place.facts().report);
    let observes = report.is_some_and(|report| &*report.mode == "observe");
    let successor = shared.successor(&stored).await?;
    let became = shared.became(&stored).await?;
    turn.work(move || {
        let mut view = View::new(&stored, &filter);
        let found = filter.is_active().then(|| {
            format!("{} of this plan fit", count(view.entries() as u64, "entry", "entries"))
        });
        let pager = cut(&mut view, &visit, at);
        view.became = became;
        view.users_at = Some("/users/".to_owned());
        view.is_unfolded = filter.search.is_some();
        let mut frame = Frame::new(format!("Plan {id}"), "/");
        frame.looks_again = matches!(stored.state, PlanState::Approved | PlanState::Applying);
        let frame = frame.of(visit.guest.clone(), visit.is_open);
        let decision = Decision { successor, ..decision(&stored, &visit, is_over, observes) };
        let search = visit.query.get("q").map(str::trim).unwrap_or_default();
        let choices = choices_of(&stored, &filter, search);
        let plan = view;
        let reason_max = REASON_MAX;
        Ok(page(&PlanPage { frame, plan, decision, choices, found, pager, reason_max }))
    })
    .await
}

impl<R, C> Shared<R, C>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    /// Tells what became of a plan that was carried out. Of a very large one the history tells.
    async fn became(&self, stored: &StoredPlan) -> Result<Vec<String>, Problem> {
        let is_small = stored.plan.operations.len() <= BECAME_MAX;
        if !stored.state.was_carried_out() || !is_small {
            return Ok(Vec::new());
        }
        let filter = HistoryFilter { plan: Some(stored.plan.id), ..HistoryFilter::default() };
        Ok(became::lines(&self.deps.records.history(filter).await?))
    }

    /// Returns the plan that took the place of one, where one did: the newest later one of the same
    /// kind.
    async fn successor(&self, stored: &StoredPlan) -> Result<Option<PlanId>, Problem> {
        if stored.state != PlanState::Superseded {
            return Ok(None);
        }
        let plan = &stored.plan;
        let heads = self.deps.records.plans(Some(&plan.tenant)).await?;
        let later = heads.into_iter().filter(|head| head.id > plan.id);
        Ok(later.filter(|head| head.origin == plan.origin.kind()).map(|head| head.id).max())
    }
}

/// Reads which part of a plan is asked for.
fn filter(visit: &Visit) -> Result<Filter, Problem> {
    let text = |key: &str| visit.query.get(key).map(str::to_owned);
    let kind = text("kind").map(|word| {
        let unknown = || Problem::new(ProblemKind::BadRequest, "there is no such kind");
        Kind::named(&word).ok_or_else(unknown)
    });
    Ok(Filter {
        search: text("q").map(|search| search.trim().to_lowercase()),
        kind: kind.transpose()?,
        policy: text("policy"),
        sku: text("sku"),
        section: text("section"),
        block: text("block"),
        group: text("group"),
        why: visit.query.get("why").map(str::to_owned),
    })
}

fn choices_of<'a>(stored: &'a StoredPlan, filter: &Filter, search: &str) -> Choices<'a> {
    let (policies, skus) = choices(&stored.plan);
    let chosen = |name: &'a str, of: &Option<String>| (name, of.as_deref() == Some(name));
    Choices {
        search: search.to_owned(),
        kinds: Kind::ALL.iter().map(|kind| (kind.word(), filter.kind == Some(*kind))).collect(),
        policies: policies.into_iter().map(|name| chosen(name, &filter.policy)).collect(),
        skus: skus.into_iter().map(|name| chosen(name, &filter.sku)).collect(),
        is_active: filter.is_active(),
    }
}

/// Cuts a plan to what a page can hold: of a single group a page, of several the first people each.
fn cut(view: &mut View<'_>, visit: &Visit, at: usize) -> Option<Pager> {
    let is_one = visit.query.get("group").is_some();
    let (mut people_left, mut groups_left) = (PEOPLE_MAX, GROUPS_MAX);
    let mut pager = None;
    for section in &mut view.sections {
        let most = if section.key == "adopt" { ADOPTED_MAX } else { LISTED_MAX };
        for block in &mut section.blocks {
            view.groups_left_out += block.groups.len().saturating_sub(groups_left);
            block.groups.truncate(groups_left);
            groups_left -= block.groups.len();
            for group in &mut block.groups {
                if is_one && pager.is_none() {
                    pager = Some(turn_to(group, visit, at));
                    continue;
                }
                let shown = most.min(people_left);
                if group.people.len() > shown {
                    group.people.truncate(shown);
                    let also = [
                        ("section", section.key),
                        ("block", block.name.as_str()),
                        ("group", group.title.as_str()),
                        ("why", group.why.as_deref().unwrap_or_default()),
                    ];
                    group.more = Some(address(visit, &also, 1));
                }
                people_left -= group.people.len();
            }
        }
        section.blocks.retain(|block| !block.groups.is_empty());
    }
    view.sections.retain(|section| !section.blocks.is_empty());
    pager
}

/// Leaves a page of a group.
fn turn_to(group: &mut Group<'_>, visit: &Visit, at: usize) -> Pager {
    let pages = group.count.div_ceil(PAGE).max(1);
    let at = at.min(pages);
    let from = (at - 1) * PAGE;
    let shown: Vec<_> = group.people.drain(..).skip(from).take(PAGE).collect();
    group.people = shown;
    let same: Vec<(&str, &str)> = ["section", "block", "group", "why"]
        .into_iter()
        .filter_map(|key| Some((key, visit.query.get(key)?)))
        .collect();
    Pager {
        words: format!("{} to {} of {}", from + 1, from + group.people.len(), group.count),
        before: (at > 1).then(|| address(visit, &same, at - 1)),
        after: (at < pages).then(|| address(visit, &same, at + 1)),
    }
}

/// Returns where the same plan is shown with what is asked for, and this as well.
fn address(visit: &Visit, also: &[(&str, &str)], page: usize) -> String {
    let mut query = String::new();
    let kept = ["q", "kind", "policy", "sku"];
    let kept = kept.into_iter().filter_map(|key| Some((key, visit.query.get(key)?)));
    for (key, value) in kept.chain(also.iter().copied()) {
        let _ = write!(query, "{key}={}&", encode(value));
    }
    format!("?{query}page={page}")
}

fn decision(stored: &StoredPlan, visit: &Visit, is_over: bool, observes: bool) -> Decision {
    let is_open = stored.state.is_open() && !is_over;
    let may = is_open && visit.may_approve();
    Decision {
        form: visit.guest.as_ref().map(|guest| guest.form.to_string()).unwrap_or_default(),
        digest: stored.plan.digest.to_string(),
        can_approve: may && stored.state != PlanState::Approved,
        can_reject: may,
        note: match stored.state.is_open() {
            true if is_over => Some("It expired before anybody decided."),
            true if !visit.may_approve() => super::plans::note(visit),
            true | false => None,
        },
        next: next(stored.state, observes),
        successor: None,
        guards: tripped(&stored.plan.guards)
            .into_iter()
            .map(|guard| (guard.as_str(), sums(&stored.plan.guards, guard)))
            .collect(),
    }
}

/// Says what made a guard trip.
fn sums(verdicts: &[Verdict], guard: GuardName) -> Vec<String> {
    let tripped = verdicts.iter().filter(|verdict| verdict.guard == guard && verdict.tripped);
    let sum = |of: &Verdict| format!("{}: {} (limit: {})", of.scope, of.actual, of.limit);
    tripped.map(sum).collect()
}

/// Says what happens next.
fn next(state: PlanState, observes: bool) -> Option<&'static str> {
    match state {
        PlanState::Approved if observes => Some(
            "Approved. The daemon is in mode observe and carries nothing out by itself: \
             seatkeeper apply does.",
        ),
        PlanState::Approved => Some(
            "Approved. The daemon carries it out as soon as it may; then it is read and planned \
             again first, and only what is still planned just so is done.",
        ),
        PlanState::Applying => Some("It is being carried out."),
        PlanState::Superseded | PlanState::Expired => {
            Some("It can no longer be decided. What is planned now is on the list of plans.")
        }
        PlanState::Proposed
        | PlanState::Held
        | PlanState::Applied
        | PlanState::Partial
        | PlanState::Failed
        | PlanState::Rejected => None,
    }
}

/// Approves a plan as it was looked at.
pub(super) async fn approve<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let named = |name: &str| {
        let unknown = || Problem::new(ProblemKind::DoesNotFit, "there is no such guard");
        GuardName::named(name).ok_or_else(unknown)
    };
    let accepted = visit.form.all("accept").map(named).collect::<Result<Vec<_>, _>>()?;
    let deciding = deciding(&visit)?;
    let to = format!("/plans/{}", deciding.id);
    shared.approve(deciding, accepted).await?;
    Ok(see_other(&to))
}

/// Rejects a plan as it was looked at.
pub(super) async fn reject<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let deciding = deciding(&visit)?;
    let to = format!("/plans/{}", deciding.id);
    shared.reject(deciding).await?;
    Ok(see_other(&to))
}

/// Reads who decides on what.
fn deciding(visit: &Visit) -> Result<Deciding, Problem> {
    let nobody = || Problem::new(ProblemKind::NoToken, "nobody without a token decides anything");
    let by = visit.guest.as_ref().map(|guest| Arc::clone(&guest.name)).ok_or_else(nobody)?;
    let none = || Problem::new(ProblemKind::DoesNotFit, "the form does not say what was seen");
    let digest: Digest = visit.form.parsed("digest")?.ok_or_else(none)?;
    let reason = visit.form.get("reason").map(str::to_owned);
    Ok(Deciding { id: visit.plan()?, by, digest, reason })
}
