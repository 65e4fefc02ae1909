//! Users: who fits a search, and of one of them why they have, lack or will lose each SKU.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::http::Response;

use super::super::Shared;
use super::super::forms::UsersQuery;
use super::super::problem::{Kind, Problem};
use super::super::seen::{Found, Seen, find_users};
use super::frame::{Frame, page};
use super::history::Row;
use super::{Visit, encode};
use crate::domain::attribute::Attribute;
use crate::domain::dn::DistinguishedName;
use crate::domain::known::Known;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::plan::explain::{Explanation, Has};
use crate::ports::desk::Desk;
use crate::ports::{Clock, HistoryEntry, Records};
use crate::report::html::tree::{Tree, trees};
use crate::report::text::{has, time};

/// How many users are on a page.
const PAGE: usize = 100;
/// How many outcomes of a user are shown.
const PAST_MAX: usize = 50;

#[derive(Template)]
#[template(path = "users.html", config = ".askama.toml")]
struct Users {
    frame: Frame,
    tenant: String,
    tenants: Vec<String>,
    search: String,
    sku: String,
    skus: Vec<String>,
    unlicensed: bool,
    read: String,
    matching: u64,
    rows: Vec<Person>,
    next: Option<String>,
}

/// A user in the list.
struct Person {
    id: String,
    principal_name: Arc<str>,
    display_name: String,
    location: String,
    holds: String,
}

/// Lists users.
pub(super) async fn list<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let tenant = shared.tenant_of(&visit);
    let (name, _, _) = shared.tenant_named(&tenant)?;
    let tenants = shared.tenants();
    let turn = shared.turn().await;
    let snapshot = shared.snapshot(&name).await?;
    turn.work(move || {
        let text = |key: &str| visit.query.get(key).map(|text| text.trim().to_owned());
        let query = UsersQuery {
            search: text("q"),
            sku: text("sku"),
            group: None,
            ou: None,
            domain: None,
            ad_domain: None,
            unlicensed: text("unlicensed").is_some(),
            after: text("after"),
            limit: None,
        };
        let Found { matching, page: found, is_more } = find_users(&snapshot, &query, PAGE)?;
        let next = found.last().filter(|_| is_more).map(|last| {
            let unlicensed = if query.unlicensed { "&unlicensed=yes" } else { "" };
            format!(
                "?tenant={tenant}&q={}&sku={}{unlicensed}&after={}",
                encode(query.search.as_deref().unwrap_or_default()),
                encode(query.sku.as_deref().unwrap_or_default()),
                encode(&last.principal_name)
            )
        });
        let rows = found.iter().map(|user| person(user, &snapshot)).collect();
        let mut skus: Vec<String> =
            snapshot.catalogue().skus().iter().map(|sku| sku.part_number.to_string()).collect();
        skus.sort();
        Ok(page(&Users {
            frame: Frame::new("Users", "/users").of(visit.guest, visit.is_open),
            tenant,
            tenants,
            search: query.search.unwrap_or_default(),
            sku: query.sku.unwrap_or_default(),
            skus,
            unlicensed: query.unlicensed,
            read: time(snapshot.taken_at()),
            matching,
            rows,
            next,
        }))
    })
    .await
}

fn person(user: &User, snapshot: &Snapshot) -> Person {
    let name = |id| {
        let known = snapshot.catalogue().get(id);
        known.map_or_else(|| format!("{id}"), |sku| sku.part_number.to_string())
    };
    let holds = match &user.licenses {
        Known::Known(held) if held.assignments.is_empty() => "nothing".to_owned(),
        Known::Known(held) => {
            let names: Vec<String> = held.assignments.iter().map(|held| name(held.sku)).collect();
            names.join(", ")
        }
        Known::Unknown => "not known".to_owned(),
    };
    Person {
        id: user.id.to_string(),
        principal_name: Arc::clone(&user.principal_name),
        display_name: user.display_name.as_deref().unwrap_or_default().to_owned(),
        location: location(user),
        holds,
    }
}

fn location(user: &User) -> String {
    match user.usage_location {
        Known::Known(Some(location)) => location.to_string(),
        Known::Known(None) => "none".to_owned(),
        Known::Unknown => "not known".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "user.html", config = ".askama.toml")]
struct OneUser<'a> {
    frame: Frame,
    tenant: String,
    user: &'a User,
    display_name: &'a str,
    /// What the user holds, each with how; none where that is not known.
    holds: Option<Vec<(Arc<str>, String)>>,
    /// What is known of the user, in words.
    facts: Vec<(&'static str, String)>,
    read: String,
    told: &'a Explanation,
    /// The SKUs of which there is something to tell.
    trees: Vec<Tree>,
    /// The answers of those of which there is no more to tell.
    others: Vec<String>,
    /// Whether everything is told, also what does not decide.
    is_all: bool,
    past: Vec<Row>,
}

/// Explains a user.
pub(super) async fn show<R, C>(
    shared: Arc<Shared<R, C>>,
    visit: Visit,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let asked = visit.path("user").to_owned();
    let (turn, seen, history) = match visit.query.get("tenant") {
        Some(_) => found(&shared, &shared.tenant_of(&visit), &asked).await?,
        None => in_any_tenant(&shared, &asked).await?,
    };
    turn.work(move || {
        let told = seen.explain(seen.user(&asked)?, None)?;
        one(&seen, &told, &history, visit)
    })
    .await
}

/// What is known of a user, once it is this request's turn.
type Looked = (super::super::Turn, Seen, Vec<HistoryEntry>);

/// Looks for a user where they are: ids are those of one tenant alone.
async fn in_any_tenant<R, C>(shared: &Shared<R, C>, asked: &str) -> Result<Looked, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let mut problem = Problem::new(Kind::NotFound, "there is no such user");
    for tenant in shared.deps.tenants.keys() {
        match found(shared, tenant.as_str(), asked).await {
            Ok(found) => return Ok(found),
            Err(why) => problem = why,
        }
    }
    Err(problem)
}

async fn found<R, C>(shared: &Shared<R, C>, tenant: &str, asked: &str) -> Result<Looked, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let (turn, seen) = shared.seen(tenant).await?;
    let user = seen.user(asked)?;
    let history = shared.history_of(&seen, user).await?;
    Ok((turn, seen, history))
}

fn one(
    seen: &Seen,
    told: &Explanation,
    history: &[HistoryEntry],
    visit: Visit,
) -> Result<Response<Body>, Problem> {
    let gone = || Problem::new(Kind::NotFound, "the last read of the tenant has no such user");
    let user = seen.snapshot.user(told.user.id).ok_or_else(gone)?;
    let title = user.principal_name.to_string();
    let is_all = visit.query.get("all").is_some();
    let trees = trees(told, history, is_all).into_iter();
    let (trees, others): (Vec<Tree>, Vec<Tree>) = trees.partition(|tree| !tree.proof.is_empty());
    Ok(page(&OneUser {
        frame: Frame::new(title, "/users").of(visit.guest, visit.is_open),
        tenant: seen.tenant.to_string(),
        user,
        display_name: user.display_name.as_deref().unwrap_or_default(),
        holds: holds(user, told),
        facts: facts(user),
        read: time(told.snapshot_taken_at),
        told,
        trees,
        others: others.into_iter().map(|tree| tree.verdict).collect(),
        is_all,
        past: history.iter().take(PAST_MAX).map(Row::new).collect(),
    }))
}

/// Returns what a user holds and how, by part number.
fn holds(user: &User, told: &Explanation) -> Option<Vec<(Arc<str>, String)>> {
    user.licenses.value()?;
    let held = told.skus.iter().filter(|sku| sku.has != Has::Not);
    let mut held: Vec<_> = held.map(|sku| (Arc::clone(&sku.sku.name), has(&sku.has))).collect();
    held.sort();
    Some(held)
}

/// Tells what is known of a user beside the licenses.
fn facts(user: &User) -> Vec<(&'static str, String)> {
    let account = match user.enabled {
        Known::Known(true) => "enabled",
        Known::Known(false) => "disabled: may not sign in",
        Known::Unknown => "not known",
    };
    let unit = user.distinguished_name.value().and_then(Option::as_ref);
    let unit = unit.and_then(DistinguishedName::parent).map(|unit| ("OU", unit.to_string()));
    let department = user.attribute(Attribute::Department).value().copied().flatten();
    let department = department.map(|department| ("Department", department.to_owned()));
    let known = [("Account", account.to_owned()), ("Usage location", location(user))];
    known.into_iter().chain(unit).chain(department).collect()
}
