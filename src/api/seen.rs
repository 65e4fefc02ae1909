//! What the last read of a tenant saw: seats, users, and why a user has what.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::RETRY_AFTER;

use crate::domain::dn::{DistinguishedName, InvalidDistinguishedName};
use crate::domain::group::{Group, Members, Membership};
use crate::domain::ids::{GroupId, SkuId, UserId};
use crate::domain::known::Truth;
use crate::domain::names::TenantName;
use crate::domain::sku::Sku;
use crate::domain::snapshot::Snapshot;
use crate::domain::user::User;
use crate::engine::Policies;
use crate::plan::explain::{Explanation, explain};
use crate::plan::forecast::{LOOKED_AT, SeatPoint};
use crate::plan::inventory::SeatCount;
use crate::plan::ledger::Ledger;
use crate::plan::make::{Inputs, make};
use crate::plan::reclaim::Ladders;
use crate::plan::{Asked, Trigger, inventory};
use crate::policy::settings::Settings;
use crate::ports::desk::Desk;
use crate::ports::{Clock, HistoryEntry, HistoryFilter, Records};
use crate::report::json::text::Text;
use crate::report::json::{FORMAT_VERSION, explanation_to_json, seats_to_json, user_form};
use crate::report::text::explanation;
use crate::report::text::style::Style;

use super::call::{Call, json, limit, text_of};
use super::forms::{ExplainQuery, Format, UserPageForm, UsersQuery};
use super::problem::{Kind, Problem};
use super::{Shared, Turn};

/// How many outcomes of a user are looked at for an explanation.
const HISTORY_MAX: u64 = 1_000;

/// Lists the seats of every SKU.
pub(super) async fn seats<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let (turn, seen) = shared.seen(call.path("tenant")).await?;
    let history = shared.seats_of(&seen).await?;
    turn.work(move || {
        let seats = seen.seats(&history)?;
        let mut text = seats_to_json(&seats);
        text.push('\n');
        Ok(text_of("application/json", 200, text))
    })
    .await
}

/// Explains why a user has, lacks or will lose each SKU.
pub(super) async fn why<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let ExplainQuery { sku, format } = call.query()?;
    let (turn, seen) = shared.seen(call.path("tenant")).await?;
    let user = seen.user(call.path("user"))?;
    let sku = sku.map(|sku| find_sku(&seen.snapshot, &sku)).transpose()?;
    let history = shared.history_of(&seen, user).await?;
    turn.work(move || {
        let explained = seen.explain(user, sku)?;
        Ok(match format {
            None | Some(Format::Json) => {
                text_of("application/json", 200, explanation_to_json(&explained, &history))
            }
            Some(Format::Text) => {
                let text = explanation(&explained, &history, true, Style::Plain);
                text_of("text/plain; charset=utf-8", 200, text)
            }
        })
    })
    .await
}

/// Lists users and what they hold.
pub(super) async fn users<R, C>(
    shared: Arc<Shared<R, C>>,
    call: Call,
) -> Result<Response<Body>, Problem>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let query: UsersQuery = call.query()?;
    let most = limit(query.limit)?;
    let (tenant, _, _) = shared.tenant(&call)?;
    let turn = shared.turn().await;
    let snapshot = shared.snapshot(&tenant).await?;
    turn.work(move || {
        let Found { matching, page, is_more } = find_users(&snapshot, &query, most)?;
        Ok(json(
            200,
            &UserPageForm {
                format_version: FORMAT_VERSION,
                snapshot_taken_at: Text(snapshot.taken_at()),
                matching,
                users: page.iter().map(|user| user_form(user, &snapshot)).collect(),
                next: page.last().filter(|_| is_more).map(|user| &*user.principal_name),
            },
        ))
    })
    .await
}

/// Users that were looked for.
pub(super) struct Found<'a> {
    /// How many fit, on whatever page.
    pub(super) matching: u64,
    /// So many of them, by principal name.
    pub(super) page: Vec<&'a User>,
    /// Whether there are others behind them.
    pub(super) is_more: bool,
}

/// Finds users.
pub(super) fn find_users<'a>(
    snapshot: &'a Snapshot,
    query: &UsersQuery,
    most: usize,
) -> Result<Found<'a>, Problem> {
    let filter = Filter::new(query, snapshot)?;
    let mut fitting: Vec<&User> =
        snapshot.users().iter().filter(|user| filter.fits(user)).collect();
    fitting.sort_by(|a, b| (&a.principal_name, a.id).cmp(&(&b.principal_name, b.id)));
    let matching = fitting.len() as u64;
    let is_later =
        |user: &&&User| query.after.as_deref().is_none_or(|after| &*user.principal_name > after);
    let mut page: Vec<&User> = fitting.iter().filter(is_later).take(most + 1).copied().collect();
    let is_more = page.len() > most;
    page.truncate(most);
    Ok(Found { matching, page, is_more })
}

/// What an explanation rests on.
pub(super) struct Seen {
    pub(super) tenant: TenantName,
    settings: Settings,
    policies: Arc<Policies>,
    pub(super) snapshot: Snapshot,
    ledger: Arc<Ledger>,
    pub(super) now: jiff::Timestamp,
}

impl Seen {
    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            tenant: &self.tenant,
            policies: &self.policies.set,
            policy_digest: self.policies.digest,
            policy_commit: self.policies.commit.as_ref(),
            settings: &self.settings,
            snapshot: &self.snapshot,
            ledger: &self.ledger,
            now: self.now,
            trigger: Trigger::Person,
            asked: Asked::Policies,
        }
    }

    /// Counts the seats of every SKU.
    pub(super) fn seats(&self, history: &[SeatPoint]) -> Result<Vec<SeatCount>, Problem> {
        let planned = make(&self.inputs()).map_err(|problems| unsettled(&problems))?;
        let (snapshot, settings) = (&self.snapshot, &self.settings);
        let ladders = Ladders::of(&self.policies.set, &self.tenant, snapshot.catalogue());
        Ok(inventory::seats(snapshot, settings, &ladders, &planned.plan, history, self.now))
    }

    /// Finds a user by id or by principal name.
    pub(super) fn user(&self, asked: &str) -> Result<UserId, Problem> {
        let none = || {
            let detail = format!("the last read of the tenant has no user `{asked}`");
            Problem::new(Kind::NotFound, detail)
        };
        find_user(&self.snapshot, asked).ok_or_else(none)
    }

    /// Explains why a user has, lacks or will lose each SKU.
    pub(super) fn explain(&self, user: UserId, sku: Option<SkuId>) -> Result<Explanation, Problem> {
        let explained = explain(&self.inputs(), user, sku);
        let none = || Problem::new(Kind::NotFound, "the last read of the tenant has no such user");
        explained.map_err(|problems| unsettled(&problems))?.ok_or_else(none)
    }
}

impl<R, C> Shared<R, C>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    /// Reads what was seen last, and the policies in force, once it is this request's turn.
    pub(super) async fn seen(&self, tenant: &str) -> Result<(Turn, Seen), Problem> {
        let (tenant, of_tenant, place) = self.tenant_named(tenant)?;
        let none = || not_yet("no valid policies are in force yet");
        let policies = place.facts().policies.ok_or_else(none)?;
        let turn = self.turn().await;
        let snapshot = self.snapshot(&tenant).await?;
        let ledger = self.deps.records.ledger(&tenant).await?;
        let settings = of_tenant.settings.clone();
        let now = self.deps.clock.now();
        Ok((turn, Seen { tenant, settings, policies, snapshot, ledger, now }))
    }

    /// Returns how seats were used for as long as a forecast looks back.
    pub(super) async fn seats_of(&self, seen: &Seen) -> Result<Vec<SeatPoint>, Problem> {
        let since = seen.now.saturating_sub(LOOKED_AT).unwrap_or(jiff::Timestamp::MIN);
        Ok(self.deps.records.seat_history(&seen.tenant, since).await?)
    }

    /// Returns what became of operations on a user, newest first.
    pub(super) async fn history_of(
        &self,
        seen: &Seen,
        user: UserId,
    ) -> Result<Vec<HistoryEntry>, Problem> {
        let filter = HistoryFilter {
            tenant: Some(seen.tenant.clone()),
            user: Some(user.to_string().into()),
            limit: Some(HISTORY_MAX),
            ..HistoryFilter::default()
        };
        Ok(self.deps.records.history(filter).await?)
    }

    pub(super) async fn snapshot(&self, tenant: &TenantName) -> Result<Snapshot, Problem> {
        let none = || not_yet("the tenant was not read yet");
        self.deps.records.snapshot(tenant).await?.ok_or_else(none)
    }
}

fn not_yet(detail: &str) -> Problem {
    Problem::new(Kind::NotYet, detail).header(RETRY_AFTER, "60")
}

fn unsettled(problems: &[crate::plan::bind::Problem]) -> Problem {
    let first = problems.first().map(|one| format!(": {}", one.message)).unwrap_or_default();
    not_yet(&format!("the settings do not fit the tenant{first}"))
}

/// Finds a user by id or by principal name, ignoring case.
fn find_user(snapshot: &Snapshot, asked: &str) -> Option<UserId> {
    let by_id = asked.parse::<UserId>().ok().filter(|id| snapshot.user(*id).is_some());
    let name = asked.to_lowercase();
    let by_name = || {
        let mut users = snapshot.users().iter();
        users.find(|user| user.principal_name.to_lowercase() == name).map(|user| user.id)
    };
    by_id.or_else(by_name)
}

/// Finds a SKU by id or by part number.
fn find_sku(snapshot: &Snapshot, asked: &str) -> Result<SkuId, Problem> {
    let by_id = asked.parse::<SkuId>().ok();
    let meant = |sku: &&Sku| by_id == Some(sku.id) || sku.part_number.eq_ignore_ascii_case(asked);
    let found = snapshot.catalogue().skus().iter().find(meant).map(|sku| sku.id).or(by_id);
    found.ok_or_else(|| Problem::new(Kind::BadRequest, format!("the tenant has no SKU `{asked}`")))
}

/// Which users to list.
struct Filter<'a> {
    search: Option<String>,
    members: Option<&'a Members>,
    ou: Option<DistinguishedName>,
    domain: Option<&'a str>,
    ad_domain: Option<&'a str>,
    sku: Option<SkuId>,
    unlicensed: bool,
}

impl<'a> Filter<'a> {
    fn new(query: &'a UsersQuery, snapshot: &'a Snapshot) -> Result<Self, Problem> {
        let UsersQuery {
            search,
            sku,
            group,
            ou,
            domain,
            ad_domain,
            unlicensed,
            after: _,
            limit: _,
        } = query;
        let unfit =
            |error: InvalidDistinguishedName| Problem::new(Kind::BadRequest, error.to_string());
        Ok(Self {
            search: search.as_deref().map(str::to_lowercase),
            members: group.as_deref().map(|group| members(snapshot, group)).transpose()?,
            ou: ou.as_deref().map(str::parse).transpose().map_err(unfit)?,
            domain: domain.as_deref(),
            ad_domain: ad_domain.as_deref(),
            sku: sku.as_deref().map(|sku| find_sku(snapshot, sku)).transpose()?,
            unlicensed: *unlicensed,
        })
    }

    fn fits(&self, user: &User) -> bool {
        let Self { search, members, ou, domain, ad_domain, sku, unlicensed } = self;
        let found = |text: &String| {
            let names = [Some(&user.principal_name), user.display_name.as_ref()];
            names.into_iter().flatten().any(|name| name.to_lowercase().contains(text))
        };
        let same = |a: Option<&str>, b: &str| a.is_some_and(|a| a.eq_ignore_ascii_case(b));
        let licenses = user.licenses.value();
        let name = user.distinguished_name.value().and_then(Option::as_ref);
        let local = user.ad_domain.value().and_then(Option::as_deref);
        search.as_ref().is_none_or(found)
            && members.is_none_or(|members| members.contains(user.id) == Truth::True)
            && ou.as_ref().is_none_or(|ou| name.is_some_and(|name| name.is_below(ou)))
            && domain.is_none_or(|domain| same(user.domain(), domain))
            && ad_domain.is_none_or(|domain| same(local, domain))
            && sku.is_none_or(|sku| licenses.is_some_and(|held| held.get(sku).is_some()))
            && (!unlicensed || licenses.is_some_and(|held| held.assignments.is_empty()))
    }
}

/// Returns the members of a group, nested ones included, where some policy had them read.
fn members<'a>(snapshot: &'a Snapshot, asked: &str) -> Result<&'a Members, Problem> {
    let unfit = |detail: String| Err(Problem::new(Kind::BadRequest, detail));
    let id = asked.parse::<GroupId>().ok();
    let name = asked.to_lowercase();
    let fits = |group: &&Group| id == Some(group.id) || group.name.to_lowercase() == name;
    let found: Vec<&Group> = snapshot.groups().iter().filter(fits).collect();
    match found.as_slice() {
        [] => unfit(format!("the last read of the tenant has no group `{asked}`")),
        [group] => match &group.membership {
            Membership::Read { nested, direct: _ } => Ok(nested),
            Membership::NotRead => unfit(format!(
                "the members of group `{asked}` were not read: only those are that a policy names"
            )),
        },
        several => unfit(format!("{} groups are called `{asked}`: write the id", several.len())),
    }
}
