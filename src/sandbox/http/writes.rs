//! What can be written, and the one question that comes as a POST.

use serde_json::{Map, Value};

use crate::domain::ids::{GroupId, ServicePlanId, SkuId};
use crate::domain::names::UsageLocation;
use crate::domain::user::ServicePlanSet;
use crate::sandbox::http::audit::Actor;
use crate::sandbox::http::json::{self, Object};
use crate::sandbox::http::lag::Before;
use crate::sandbox::http::reads;
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::{Call, Caller, World};
use crate::sandbox::model::{LicenseChange, Refusal};
use crate::sandbox::roles::Role;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::bad(refusal.to_string())
    }
}

pub(super) fn object(call: &Call) -> Result<Map<String, Value>, Failure> {
    let is_json = call.headers.get("content-type").is_some_and(|kind| kind.contains("json"));
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(object)) if is_json => Ok(object),
        Ok(_) | Err(_) => Err(Failure::unreadable()),
    }
}

impl World {
    /// Writes to a user, and remembers what reads go on to show for a while.
    pub(super) fn write(
        &mut self,
        call: &Call,
        place: usize,
        write: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Failure> {
        let before = Before::of(&self.tenant.users()[place]);
        // Source: Graph: members of a restricted management unit refuse who is not of the unit.
        if self.tenant.is_restricted(self.tenant.users()[place].id) {
            return Err(Failure::forbidden());
        }
        let was = &self.tenant.users()[place];
        let was = (was.licenses.clone(), was.usage_location);
        write(self)?;
        let is = &self.tenant.users()[place];
        if was == (is.licenses.clone(), is.usage_location) {
            self.log.idle();
        }
        self.views.wrote(call.now, &before, &self.tenant.users()[place]);
        self.horizon.note(self.views.delta_lag(), call.now, self.tenant.journal().latest());
        Ok(())
    }
}

/// `PATCH /users/{id}`.
pub(super) fn patch_user(world: &mut World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let body = object(call)?;
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let mut location = None;
    for (name, value) in &body {
        match (name.as_str(), value) {
            // The SDKs say what kind of object it is.
            ("@odata.type", Value::String(_)) => {}
            ("usageLocation", Value::Null) => location = Some(None),
            ("usageLocation", Value::String(text)) => location = Some(Some(country(text)?)),
            ("usageLocation", _) => return Err(Failure::unreadable()),
            (_, _) => {
                return Err(Failure::bad(format!(
                    "The emulated tenant allows no change of property '{name}'."
                )));
            }
        }
    }
    if let Some(location) = location {
        world.write(call, place, |world| world.tenant.set_usage_location(place, location))?;
    }
    Ok(Reply::no_content())
}

/// Reads a country: two letters that ISO 3166 could have given away.
fn country(text: &str) -> Result<UsageLocation, Refusal> {
    // Reserved, and not what ISO calls the United Kingdom.
    let reserved = ["UK", "EU", "XX", "ZZ"];
    match text.parse::<UsageLocation>() {
        Ok(location) if !reserved.contains(&location.as_str()) => Ok(location),
        Ok(_) | Err(_) => Err(Refusal::InvalidLocation),
    }
}

/// `POST /users/{id}/assignLicense`.
pub(super) fn assign_license(world: &mut World, call: &Call, key: &str) -> Result<Reply, Failure> {
    let body = object(call)?;
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let change = license_change(&body)?;
    let now = call.now.at;
    let user = world.tenant.users()[place].id;
    let done = world.write(call, place, |world| world.tenant.assign_license(place, &change, now));
    let reason = done.as_ref().err().map(|failure| failure.message.clone());
    world.audit.user(now, Actor::App, user, reason);
    done?;
    reads::user_now(world, call, place)
}

pub(super) fn license_change(body: &Map<String, Value>) -> Result<LicenseChange, Failure> {
    let list = |name: &str| body.get(name).and_then(Value::as_array);
    let (add, remove) = (list("addLicenses"), list("removeLicenses"));
    let (Some(add), Some(remove)) = (add, remove) else {
        let names = [("addLicenses", add), ("removeLicenses", remove)];
        let missing = names.into_iter().filter(|(_, list)| list.is_none()).map(|(name, _)| name);
        return Err(Refusal::Missing(missing.collect()).into());
    };
    let add: Result<Vec<_>, Failure> = add.iter().map(addition).collect();
    let remove: Result<Vec<_>, Failure> =
        remove.iter().map(|value| guid(value, SkuId::from_uuid)).collect();
    Ok(LicenseChange { add: add?, remove: remove? })
}

fn addition(value: &Value) -> Result<(SkuId, ServicePlanSet), Failure> {
    let object = value.as_object().ok_or_else(Failure::unreadable)?;
    let sku = guid(object.get("skuId").unwrap_or(&Value::Null), SkuId::from_uuid)?;
    let plans = match object.get("disabledPlans") {
        None => &[][..],
        Some(Value::Array(plans)) => plans,
        Some(_) => return Err(Failure::unreadable()),
    };
    let plans: Result<ServicePlanSet, Failure> =
        plans.iter().map(|value| guid(value, ServicePlanId::from_uuid)).collect();
    Ok((sku, plans?))
}

pub(super) fn guid<T>(value: &Value, wrap: fn(uuid::Uuid) -> T) -> Result<T, Failure> {
    match value {
        Value::Null => Err(Refusal::NullGuid.into()),
        Value::String(text) => match text.parse::<SkuId>() {
            Ok(id) => Ok(wrap(id.as_uuid())),
            Err(_) => Err(Refusal::NotAGuid.into()),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Refusal::NotAGuid.into())
        }
    }
}

const GROUPS_MAX: usize = 20;

/// `POST /users/{id}/checkMemberGroups`. Writes nothing.
pub(super) fn check_member_groups(
    world: &World,
    call: &Call,
    key: &str,
    caller: &Caller,
) -> Result<Reply, Failure> {
    let body = object(call)?;
    let place = world.tenant.user_index(key).ok_or_else(|| Failure::not_found(key))?;
    let Some(asked) = body.get("groupIds").and_then(Value::as_array) else {
        return Err(Failure::unreadable());
    };
    if asked.len() > GROUPS_MAX {
        return Err(Failure::bad(format!(
            "Too many group ids: {}. Max allowed: {GROUPS_MAX}.",
            asked.len()
        )));
    }
    let asked: Result<Vec<GroupId>, Failure> =
        asked.iter().map(|value| guid(value, GroupId::from_uuid)).collect();
    let user = world.tenant.users()[place].id;
    let hidden = |id: &GroupId| world.tenant.group(*id).is_some_and(|group| group.hidden);
    let may_see = |id: &GroupId| caller.contains(&Role::MemberReadHidden) || !hidden(id);
    let found = world.tenant.check_member_groups(user, &asked?);
    let mut answer = Vec::new();
    let mut to = Object::begin(&mut answer);
    let context = format!("{}/$metadata#Collection(Edm.String)", call.root);
    json::text(to.key("@odata.context"), &context);
    json::list(to.key("value"), found.iter().filter(|id| may_see(id)), json::plain);
    to.end();
    Ok(Reply::json(200, answer))
}
