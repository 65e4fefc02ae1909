//! What can be read of the company: products, the organisation, domains.

use jiff::{SignedDuration, Timestamp};

use crate::domain::sku::{AppliesTo, ServicePlan, Sku, SkuStatus};
use crate::sandbox::chance::Chance;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::paging::{self, About};
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, World};

/// An object whose properties are written where they were selected.
struct Chosen<'a> {
    object: Object<'a>,
    select: Option<&'a [String]>,
}

impl Chosen<'_> {
    fn put(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        if name == "id" || self.select.is_none_or(|names| names.iter().any(|n| n == name)) {
            write(self.object.key(name));
        }
    }
}

/// `GET /subscribedSkus`.
pub(super) fn subscribed_skus(world: &World, call: &Call) -> Reply {
    let query = call.options();
    let select = query.select();
    let consumed = world.views.consumed(&world.tenant);
    let context = paging::context("subscribedSkus", &query);
    let about = About { context, count: None, next: None };
    paging::reply(call, &about, |out| {
        json::list(out, world.tenant.skus(), |out, sku| {
            let mut to = Chosen { object: Object::begin(out), select: select.as_deref() };
            let consumed = consumed.get(&sku.id).copied().unwrap_or(0).max(0);
            write_sku(world, sku, consumed, &mut to);
            to.object.end();
        });
    })
}

fn write_sku(world: &World, sku: &Sku, consumed: i64, to: &mut Chosen<'_>) {
    let about = world.tenant.about();
    let account = about.domains.last().and_then(|domain| domain.split('.').next()).unwrap_or("");
    to.put("id", |out| json::plain(out, format!("{}_{}", about.id, sku.id)));
    to.put("accountId", |out| json::plain(out, about.id));
    to.put("accountName", |out| json::text(out, account));
    to.put("appliesTo", |out| json::text(out, applies_to(&sku.applies_to)));
    to.put("capabilityStatus", |out| json::text(out, status(&sku.status)));
    to.put("consumedUnits", |out| json::bare(out, consumed));
    to.put("skuId", |out| json::plain(out, sku.id));
    to.put("skuPartNumber", |out| json::text(out, &sku.part_number));
    to.put("subscriptionIds", |out| json::list(out, [subscription(sku).0], json::plain));
    to.put("prepaidUnits", |out| {
        let mut units = Object::begin(out);
        json::bare(units.key("enabled"), sku.units.enabled);
        json::bare(units.key("suspended"), sku.units.suspended);
        json::bare(units.key("warning"), sku.units.warning);
        json::bare(units.key("lockedOut"), sku.units.locked_out);
        units.end();
    });
    to.put("servicePlans", |out| {
        json::list(out, &sku.service_plans, |out, plan| write_service_plan(plan, "Success", out));
    });
}

/// Writes a service plan of a SKU in this state.
pub(super) fn write_service_plan(plan: &ServicePlan, state: &str, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    json::plain(object.key("servicePlanId"), plan.id);
    json::text(object.key("servicePlanName"), &plan.name);
    json::text(object.key("provisioningStatus"), state);
    json::text(object.key("appliesTo"), applies_to(&plan.applies_to));
    object.end();
}

/// `GET /subscribedSkus/{tenant id}_{SKU id}`.
pub(super) fn subscribed_sku(world: &World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let query = call.options();
    let select = query.select();
    let is_it =
        |sku: &&Sku| format!("{}_{}", world.tenant.about().id, sku.id).eq_ignore_ascii_case(key);
    let sku = world.tenant.skus().iter().find(is_it).ok_or_else(|| Failure::not_found(key))?;
    let consumed = world.views.consumed(&world.tenant).get(&sku.id).copied().unwrap_or(0).max(0);
    let mut body = Vec::new();
    let mut to = Chosen { object: Object::begin(&mut body), select: select.as_deref() };
    let context = paging::context("subscribedSkus", &query);
    let context = format!("{}/$metadata#{context}/$entity", call.root);
    json::text(to.object.key("@odata.context"), &context);
    write_sku(world, sku, consumed, &mut to);
    to.object.end();
    Ok(Reply::json(200, body))
}

/// Returns the id of the one subscription of a SKU, and when it renews or ends.
fn subscription(sku: &Sku) -> (uuid::Uuid, Timestamp) {
    let mut chance = Chance::new(0, &sku.id.to_string(), 0);
    let id = chance.guid();
    let days = i64::try_from(chance.below(300)).expect("a small number fits");
    let first: Timestamp = match sku.status {
        // Its grace is nearly over.
        SkuStatus::Warning => return (id, "2026-12-10T00:00:00Z".parse().expect(WRITTEN)),
        SkuStatus::Enabled
        | SkuStatus::Suspended
        | SkuStatus::Deleted
        | SkuStatus::LockedOut
        | SkuStatus::Other(_) => "2027-01-15T00:00:00Z".parse().expect(WRITTEN),
    };
    (id, first + SignedDuration::from_hours(24 * days))
}

const WRITTEN: &str = "the instant is written in RFC 3339";

/// `GET /directory/subscriptions`.
pub(super) fn subscriptions(world: &World, call: &Call) -> Reply {
    let query = call.options();
    let select = query.select();
    let context = paging::context("directory/subscriptions", &query);
    let about = About { context, count: None, next: None };
    paging::reply(call, &about, |out| {
        json::list(out, world.tenant.skus(), |out, sku| {
            let (id, next) = subscription(sku);
            let mut to = Chosen { object: Object::begin(out), select: select.as_deref() };
            to.put("id", |out| json::plain(out, id));
            to.put("commerceSubscriptionId", |out| json::plain(out, id));
            to.put("skuId", |out| json::plain(out, sku.id));
            to.put("skuPartNumber", |out| json::text(out, &sku.part_number));
            to.put("totalLicenses", |out| json::bare(out, sku.units.enabled + sku.units.warning));
            to.put("status", |out| json::text(out, status(&sku.status)));
            to.put("createdDateTime", |out| json::text(out, "2024-01-15T00:00:00Z"));
            to.put("nextLifecycleDateTime", |out| json::plain(out, next));
            to.put("isTrial", |out| json::bare(out, false));
            to.object.end();
        });
    })
}

fn applies_to(whom: &AppliesTo) -> &str {
    match whom {
        AppliesTo::User => "User",
        AppliesTo::Company => "Company",
        AppliesTo::Other(other) => other,
    }
}

fn status(status: &SkuStatus) -> &str {
    match status {
        SkuStatus::Enabled => "Enabled",
        SkuStatus::Warning => "Warning",
        SkuStatus::Suspended => "Suspended",
        SkuStatus::Deleted => "Deleted",
        SkuStatus::LockedOut => "LockedOut",
        SkuStatus::Other(other) => other,
    }
}

/// `GET /organization`.
pub(super) fn organization(world: &World, call: &Call) -> Reply {
    let query = call.options();
    let select = query.select();
    let about = world.tenant.about();
    let page = About { context: paging::context("organization", &query), count: None, next: None };
    paging::reply(call, &page, |out| {
        json::list(out, [about], |out, about| {
            let mut to = Chosen { object: Object::begin(out), select: select.as_deref() };
            to.put("id", |out| json::plain(out, about.id));
            to.put("displayName", |out| json::text(out, &about.display_name));
            to.put("tenantType", |out| json::text(out, "AAD"));
            to.put("defaultUsageLocation", |out| json::optional(out, None));
            to.put("countryLetterCode", |out| json::plain(out, about.country));
            to.put("onPremisesSyncEnabled", |out| json::bare(out, true));
            to.put("verifiedDomains", |out| {
                json::list(out, domains_of(world), |out, (name, is_default, is_initial)| {
                    let mut object = Object::begin(out);
                    let capabilities = "Email, OfficeCommunicationsOnline";
                    json::text(object.key("capabilities"), capabilities);
                    json::bare(object.key("isDefault"), is_default);
                    json::bare(object.key("isInitial"), is_initial);
                    json::text(object.key("name"), name);
                    json::text(object.key("type"), "Managed");
                    object.end();
                });
            });
            to.object.end();
        });
    })
}

fn domains_of(world: &World) -> impl Iterator<Item = (&str, bool, bool)> {
    let domains = &world.tenant.about().domains;
    let last = domains.len().saturating_sub(1);
    domains.iter().enumerate().map(move |(place, name)| (&**name, place == 0, place == last))
}

/// `GET /domains`.
pub(super) fn domains(world: &World, call: &Call) -> Reply {
    let query = call.options();
    let select = query.select();
    let page = About { context: paging::context("domains", &query), count: None, next: None };
    paging::reply(call, &page, |out| {
        json::list(out, domains_of(world), |out, (name, is_default, is_initial)| {
            let mut to = Chosen { object: Object::begin(out), select: select.as_deref() };
            to.put("id", |out| json::text(out, name));
            to.put("authenticationType", |out| json::text(out, "Managed"));
            to.put("availabilityStatus", |out| json::optional(out, None));
            to.put("isAdminManaged", |out| json::bare(out, true));
            to.put("isDefault", |out| json::bare(out, is_default));
            to.put("isInitial", |out| json::bare(out, is_initial));
            to.put("isRoot", |out| json::bare(out, true));
            to.put("isVerified", |out| json::bare(out, true));
            to.put("state", |out| json::optional(out, None));
            to.put("supportedServices", |out| {
                json::list(out, ["Email", "OfficeCommunicationsOnline"], json::text);
            });
            to.object.end();
        });
    })
}
