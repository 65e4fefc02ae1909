//! What the server knows between requests, and the way every request takes through it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::GroupId;
use crate::sandbox::chance::Chance;
use crate::sandbox::faults::{FaultKind, Faults, Target};
use crate::sandbox::http::audit::{self, Audit};
use crate::sandbox::http::credentials::Credentials;
use crate::sandbox::http::delta::{self, Delta};
use crate::sandbox::http::filter::Rules;
use crate::sandbox::http::lag::{Horizon, Lag, Moment, View, Views};
use crate::sandbox::http::log::Log;
use crate::sandbox::http::options::SignInActivity;
use crate::sandbox::http::paging::{self, PageTokens, Returned};
use crate::sandbox::http::processing::Queue;
use crate::sandbox::http::query::Query;
use crate::sandbox::http::reply::{Failure, Reply, Stamp};
use crate::sandbox::http::route::Route;
use crate::sandbox::http::{batch, directory, faulty, licensed, members, objects, reads, writes};
use crate::sandbox::model::{Member, Tenant};
use crate::sandbox::roles::Role;
use crate::sandbox::throttle::{Buckets, Cost, Verdict};

/// A request below the version root, alone or in a batch.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// The path below the version root, escaped.
    pub(super) path: String,
    /// The query, escaped.
    pub(super) query: String,
    /// The headers, names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// `http://HOST/v1.0`.
    pub(super) root: String,
    pub(super) now: Moment,
    /// The place within a batch.
    pub(super) item: Option<usize>,
    /// What goes wrong with it, for faults that the answer itself shows.
    pub(super) fault: Option<FaultKind>,
    /// Whether this page was asked for before.
    pub(super) retries_page: bool,
}

impl Call {
    pub(super) fn options(&self) -> Query {
        Query::parse(&self.query)
    }

    /// Whether it is an advanced query: the header and `$count=true`.
    pub(super) fn is_advanced(&self) -> bool {
        self.is_eventual() && self.options().get("$count") == Some("true")
    }

    /// Whether the header of advanced queries is there.
    pub(super) fn is_eventual(&self) -> bool {
        let level = self.headers.get("consistencylevel");
        level.is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    }

    /// Returns which copy of the directory it reads.
    pub(super) fn view(&self) -> View {
        if self.is_eventual() { View::Index } else { View::Replica }
    }

    /// Returns path and query as they came.
    pub(super) fn target(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path, self.query)
    }

    fn stamp(&self) -> Stamp {
        let item = self.item.map_or(0, |item| item as u64 + 1);
        let request_id = Chance::new(item, "request", self.now.request).guid();
        let given = self.headers.get("client-request-id").cloned();
        let client_request_id = given.unwrap_or_else(|| request_id.to_string());
        Stamp { at: self.now.at, request_id, client_request_id }
    }
}

/// How long deleted users can be restored.
///
/// Source: Graph: 30 days.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much of a quota requests of low priority may use up, where priorities count.
const LOW_PRIORITY_SHARE: f64 = 0.8;

/// A token that was issued.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) expires_at: Timestamp,
    pub(super) roles: BTreeSet<Role>,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct World {
    pub(super) tenant: Tenant,
    pub(super) client_id: String,
    pub(super) secret: String,
    pub(super) credentials: Credentials,
    /// The ids of assertions that were taken.
    pub(super) assertions: BTreeSet<String>,
    pub(super) roles: BTreeSet<Role>,
    pub(super) token_lifetime: std::time::Duration,
    pub(super) tokens: BTreeMap<String, Issued>,
    pub(super) tokens_issued: u64,
    pub(super) faults: Faults,
    pub(super) views: Views,
    pub(super) group_lag: Lag,
    pub(super) follows_groups: bool,
    /// Groups whose licenses are being given.
    pub(super) queue: Queue,
    pub(super) audit: Audit,
    pub(super) horizon: Horizon,
    pub(super) page_tokens: PageTokens,
    pub(super) returned: Returned,
    /// How deep a plain filter may nest, where that is limited.
    pub(super) filter_height_max: Option<usize>,
    pub(super) delta: Delta,
    pub(super) buckets: Option<Buckets>,
    /// Whether priorities count.
    pub(super) priorities: bool,
    pub(super) log: Log,
    pub(super) sign_ins: SignInActivity,
    /// Everything below a group, with and without what is hidden.
    pub(super) nested: BTreeMap<(GroupId, bool), Arc<[Member]>>,
}

/// Who asks: what the token allows.
pub(super) type Caller = BTreeSet<Role>;

impl World {
    /// Answers a request that came by itself.
    pub(super) fn answer(&mut self, call: &Call) -> Reply {
        self.views.settle(call.now);
        self.work(call.now);
        let kept_since = call.now.at.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        self.tenant.purge_before(kept_since);
        let reply = Route::find(&call.method, &call.path).and_then(|route| {
            let caller = self.sign_in(call)?;
            match route {
                Route::Batch => batch::run(self, call, &caller),
                route => self.serve(call, &route, &caller),
            }
        });
        self.note_wrong(call, &reply);
        Self::finish(call, reply)
    }

    /// Counts a request that is refused for what it asks, whatever goes wrong on the way.
    fn note_wrong(&mut self, call: &Call, reply: &Result<Reply, Failure>) {
        if call.fault.is_none() && reply.as_ref().is_err_and(|failure| failure.status == 400) {
            self.log.wrong();
        }
    }

    /// Answers a request within a batch, whose token was checked already.
    pub(super) fn answer_item(&mut self, call: &Call, caller: &Caller) -> Reply {
        let path = call.target();
        let target = Target {
            request: call.now.request,
            item: call.item,
            method: &call.method,
            path: &path,
        };
        let fault = self.faults.strike(target);
        let call = &Call { fault, ..call.clone() };
        if let Some(reply) = fault.and_then(|kind| faulty::before(kind, call.now)) {
            return Self::finish(call, reply);
        }
        let reply = Route::find(&call.method, &call.path).and_then(|route| match route {
            Route::Batch => Err(Failure::new(400, "BadRequest", "A batch cannot hold a batch.")),
            route => self.serve(call, &route, caller),
        });
        self.note_wrong(call, &reply);
        let reply = Self::finish(call, reply);
        match fault {
            Some(FaultKind::TimeoutAfter) => Self::finish(call, Err(faulty::timeout())),
            Some(kind) => faulty::spoil(kind, reply),
            None => reply,
        }
    }

    /// Takes a request through throttling, permission and its own rules.
    fn serve(&mut self, call: &Call, route: &Route, caller: &Caller) -> Result<Reply, Failure> {
        let cost = route.cost(&call.options());
        let used = self.charge(call, cost)?;
        if !route.roles().iter().any(|role| caller.contains(role)) {
            return Err(Failure::forbidden());
        }
        if route.reads_sign_ins(&call.options()) {
            self.allow_sign_ins(call, caller)?;
        }
        let reply = self.page(call).and_then(|call| self.run(&call, route, caller));
        let unit = ("x-ms-resource-unit", cost.resource_units.to_string());
        let full = (used >= 0.8).then(|| ("x-ms-throttle-limit-percentage", format!("{used:.1}")));
        match reply {
            Ok(mut reply) => {
                reply.headers.push(unit);
                reply.headers.extend(full);
                Ok(reply)
            }
            Err(mut failure) => {
                failure.headers.push(unit);
                failure.headers.extend(full);
                Err(failure)
            }
        }
    }

    /// Looks at the token of a page, where there is one.
    fn page(&mut self, call: &Call) -> Result<Call, Failure> {
        if call.options().has("$skiptoken") {
            match call.fault {
                Some(FaultKind::PageTokenLost) => return Err(paging::lost()),
                Some(FaultKind::PageTokenExpired) => return Err(paging::expired()),
                Some(_) | None => {}
            }
        }
        let retries_page = self.returned.note(call, self.page_tokens)?;
        Ok(Call { retries_page, ..call.clone() })
    }

    fn run(&mut self, call: &Call, route: &Route, caller: &Caller) -> Result<Reply, Failure> {
        match route {
            Route::Users => reads::users(self, call, caller),
            Route::UserCount => reads::user_count(self, call),
            Route::User(key) => reads::user(self, call, key, caller),
            Route::LicenseDetails(key) => licensed::details(self, call, key),
            Route::MemberOf(key, list) => members::groups_of_user(self, call, key, *list, caller),
            Route::UserDelta => delta::answer(self, call, delta::Kind::Users, caller),
            Route::GroupDelta => delta::answer(self, call, delta::Kind::Groups, caller),
            Route::Groups => reads::groups(self, call, caller),
            Route::GroupCount => reads::group_count(self, call),
            Route::Group(id) => reads::group(self, call, id, caller),
            Route::Members(group, list) => members::of_group(self, call, group, *list, caller),
            Route::MembersWithErrors(group) => members::with_errors(self, call, group, caller),
            Route::Units => members::units(self, call),
            Route::Unit(id) => members::unit(self, call, id),
            Route::UnitMembers(id, cast) => members::of_unit(self, call, id, *cast, caller),
            Route::ByIds => objects::by_ids(self, call, caller),
            Route::SubscribedSkus => Ok(directory::subscribed_skus(self, call)),
            Route::SubscribedSku(key) => directory::subscribed_sku(self, call, key),
            Route::Subscriptions => Ok(directory::subscriptions(self, call)),
            Route::Organization => Ok(directory::organization(self, call)),
            Route::Domains => Ok(directory::domains(self, call)),
            Route::Audits => audit::entries(self, call),
            Route::CheckMemberGroups(key) => writes::check_member_groups(self, call, key, caller),
            Route::PatchUser(key) => writes::patch_user(self, call, key),
            Route::AssignLicense(key) => writes::assign_license(self, call, key),
            Route::Reprocess(key) => licensed::reprocess(self, call, key),
            Route::AssignGroupLicense(key) => licensed::assign_to_group(self, call, key, caller),
            Route::Batch => Err(Failure::new(400, "BadRequest", "A batch cannot hold a batch.")),
        }
    }

    /// Refuses a read of sign-ins that the app, the tenant or the size of the page does not allow.
    ///
    /// Source: Graph signInActivity: permission, premium license, page size.
    fn allow_sign_ins(&self, call: &Call, caller: &Caller) -> Result<(), Failure> {
        if !caller.contains(&Role::AuditLogReadAll) {
            let message =
                "Calling principal does not have required MSGraph permissions AuditLog.Read.All";
            return Err(Failure::new(403, "Authentication_MSGraphPermissionMissing", message));
        }
        let most = match self.sign_ins {
            SignInActivity::NoPremium => {
                let message = "Neither tenant is B2C or tenant doesn't have premium license";
                let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
                return Err(Failure::new(403, code, message));
            }
            SignInActivity::Pages { most } => most,
        };
        if call.options().page_size()? > most {
            let message = format!("Cannot query data for more than {most} users at a time.");
            return Err(Failure::new(400, "BadRequest", message));
        }
        Ok(())
    }

    pub(super) fn finish(call: &Call, reply: Result<Reply, Failure>) -> Reply {
        let stamp = call.stamp();
        let mut reply = reply.unwrap_or_else(|failure| failure.into_reply(&stamp));
        stamp.put(&mut reply);
        reply
    }

    /// Turns a failure that came before the request was read into an answer.
    pub(super) fn refuse(call: &Call, failure: Failure) -> Reply {
        Self::finish(call, Err(failure))
    }

    fn sign_in(&self, call: &Call) -> Result<Caller, Failure> {
        let header = call.headers.get("authorization").map_or("", String::as_str);
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            Some(_) | None => "",
        };
        if token.is_empty() {
            return Err(Failure::unauthorized("Access token is empty."));
        }
        match self.tokens.get(token) {
            None => Err(Failure::unauthorized("Access token validation failure.")),
            Some(issued) if issued.expires_at <= call.now.at => {
                Err(Failure::unauthorized("Access token has expired or is not yet valid."))
            }
            Some(issued) => Ok(issued.roles.clone()),
        }
    }

    fn charge(&mut self, call: &Call, cost: Cost) -> Result<f64, Failure> {
        let Some(buckets) = &mut self.buckets else { return Ok(0.0) };
        let priority = call.headers.get("x-ms-throttle-priority");
        let low = priority.is_some_and(|priority| priority.eq_ignore_ascii_case("low"));
        // Source: Graph throttling: which requests of an app are refused first; not from when on.
        let share = if self.priorities && low { LOW_PRIORITY_SHARE } else { 1.0 };
        match buckets.charge(cost, share, call.now.at) {
            Verdict::Pass { used } => Ok(used),
            Verdict::Refuse { limit, used, retry_after } => {
                let (client, tenant) = (&self.client_id, self.tenant.about().id);
                let size = match self.tenant.users().len() {
                    0..50 => "small",
                    50..=500 => "medium",
                    _ => "large",
                };
                let message = format!(
                    "Too many requests from Identifier:{client} under \
                     category:aadgraph.app.tenant_{size}. Please try again later."
                );
                let scope = format!("{}/{client}/{tenant}", limit.scope());
                Err(Failure::new(429, "TooManyRequests", message)
                    .with("Retry-After", retry_after.as_secs().to_string())
                    .with("x-ms-throttle-limit-percentage", format!("{used:.1}"))
                    .with("x-ms-throttle-scope", scope)
                    .with("x-ms-throttle-information", limit.information())
                    .with("x-ms-resource-unit", cost.resource_units.to_string()))
            }
        }
    }

    /// Returns what filters of this request may ask.
    pub(super) fn rules(&self, call: &Call) -> Rules {
        Rules { advanced: call.is_advanced(), height_max: self.filter_height_max }
    }

    /// Returns the direct members of a group; deleted users stay members until they are gone for
    /// good, and are not among them.
    pub(super) fn present_members(&self, group: GroupId) -> Arc<[Member]> {
        let members = self.tenant.group(group).map_or(&[][..], |group| &group.members);
        members.iter().copied().filter(|member| self.tenant.is_there(*member)).collect()
    }

    /// Returns everything below a group; worked out once, as memberships stay.
    pub(super) fn nested_members(&mut self, group: GroupId, sees_hidden: bool) -> Arc<[Member]> {
        let tenant = &self.tenant;
        let entry = self.nested.entry((group, sees_hidden));
        entry.or_insert_with(|| tenant.members_below(group, sees_hidden).into()).clone()
    }
}

/// A list that keeps its latest entries.
#[derive(Debug)]
pub(super) struct Recent<T> {
    entries: VecDeque<T>,
    max: usize,
}

impl<T: Clone> Recent<T> {
    pub(super) fn new(max: usize) -> Self {
        Self { entries: VecDeque::new(), max }
    }

    pub(super) fn push(&mut self, entry: T) {
        if self.entries.len() == self.max {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn to_vec(&self) -> Vec<T> {
        self.entries.iter().cloned().collect()
    }
}
